"""What a connection, a file's key and a page through nginx cost, and how long the slowest answers take.

Imported by bench.py, whose `Server` it gets.
"""
import os, re, statistics, subprocess, tempfile, time

PAGES = (("1 KiB", 1024), ("10 KiB", 10240), ("100 KiB", 102400), ("1 MB", 1000000))


def cpu_seconds(pid):
    """User and system time of a process and all its threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_rows(Server, count=5000):
    """Resident bytes for each connection that did one get and then nothing."""
    rows = []
    for name in ("memfisd", "memcached"):
        server = Server(name, 64, more=["-c", str(count + 1000)])
        # The first ones pay for what all share.
        server.load_text("--idle", 200, "--touch-idle", "-d", 0, "-k", 1000)
        text = server.load_text("--idle", count, "--touch-idle", "-d", 0, "-k", 1000, "--label", name)
        rows.append([name, text.rsplit(",", 1)[1].split()[0]])
        server.stop()
    return rows


def file_key_rows(Server, rounds, seconds):
    """CPU time of a get of a file four directories deep and of an item, both with keys of 48 bytes."""
    costs = {"item": [], "file": []}
    server = Server("memfisd", 1024, threads=1, cpu=0, more=["--prefix", "memfis://h=/"])
    words = {"item": ["--prefix", "item:///h/one/two/three/four/"], "file": ["--prefix", "memfis://h/one/two/three/four/"]}
    common = ["-k", 100000, "-s", 100, "-c", 50, "--key-len", 48]
    for kind in costs:
        server.load(*common, *words[kind], "--load", "-d", 0)
    for turn in range(rounds):
        for kind in sorted(costs, reverse=turn % 2 == 1):
            costs[kind].append(server.load(*common, *words[kind], "-d", seconds)["run"]["cpu_us_req"])
    server.stop()
    ratios = sorted(a / b for a, b in zip(costs["file"], costs["item"]))
    return [[*(f"{statistics.median(costs[kind]):.2f}" for kind in ("item", "file")),
             f"{statistics.median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}"]]


def latency_rows(Server, cases, rounds, seconds):
    """99th percentiles with two workers that share both CPUs with the client."""
    rows = []
    for title, words in cases:
        times = {"memfisd": [], "memcached": []}
        servers = {name: Server(name, 1024, threads=2) for name in times}
        for server in servers.values():
            server.load(*words, "--load", "-d", 0)
        for turn in range(rounds):
            for name in sorted(times, reverse=turn % 2 == 1):
                times[name].append(servers[name].load(*words, "-d", seconds)["run"]["p99_us"])
        for server in servers.values():
            server.stop()
        ours, theirs = (statistics.median(times[name]) for name in ("memfisd", "memcached"))
        rows.append([title, f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}"])
    return rows


CONFIGURATION = """
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log; worker_cpu_affinity 10;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  upstream store {{ server {address}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} reuseport;
    location / {{ set $memcached_key "page:$uri"; memcached_pass store; memcached_buffer_size 64k; }}
  }}
}}
"""


class Nginx:
    """A real nginx in front of a store's address."""

    def __init__(self, address, port):
        self.place, self.port = tempfile.mkdtemp(prefix="bench-nginx-"), port
        os.chmod(self.place, 0o755)
        path = os.path.join(self.place, "nginx.conf")
        with open(path, "w") as file:
            file.write(CONFIGURATION.format(place=self.place, address=address, port=port))
        self.process = subprocess.Popen(["nginx", "-p", self.place, "-c", path], stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def pages_per_second(self, path, seconds):
        """Fetches one page over 32 connections; returns the rate. Every answer must be a 200."""
        output = subprocess.run(["taskset", "-c", "1", "wrk", "-t", "1", "-c", "32", "-d", f"{seconds}s",
                                 f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True).stdout
        if "Non-2xx" in output or not (rate := re.search(r"Requests/sec:\s+([\d.]+)", output)):
            raise RuntimeError(f"nginx did not serve {path}: {output}")
        return float(rate.group(1))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["rm", "-r", self.place], check=True)


def nginx_rows(Server, free_port, rounds, seconds):
    """CPU time of the store for a page and pages a second, over TCP and over a unix socket."""
    rows = []
    for way in ("TCP", "unix socket"):
        servers, fronts = {}, {}
        for name in ("memfisd", "memcached"):
            if way == "TCP":
                servers[name] = Server(name, 256, threads=1, cpu=0)
                address = f"127.0.0.1:{servers[name].port}"
            else:
                path = os.path.join(tempfile.mkdtemp(prefix="bench-socket-"), "store.sock")
                os.chmod(os.path.dirname(path), 0o777)
                servers[name] = Server(name, 256, threads=1, cpu=0, unix=path)
                address = f"unix:{path}"
            for title, size in PAGES:
                servers[name].store(f"page:/{size}", b"x" * size)
            fronts[name] = Nginx(address, free_port())
        for title, size in PAGES:
            costs, rates = {"memfisd": [], "memcached": []}, {"memfisd": [], "memcached": []}
            for turn in range(rounds):
                for name in sorted(costs, reverse=turn % 2 == 1):
                    before = cpu_seconds(servers[name].pid)
                    rate = fronts[name].pages_per_second(f"/{size}", seconds)
                    rates[name].append(rate)
                    costs[name].append((cpu_seconds(servers[name].pid) - before) / (rate * float(seconds)) * 1e6)
            cost = {name: statistics.median(values) for name, values in costs.items()}
            rate = {name: statistics.median(values) for name, values in rates.items()}
            rows.append([f"{title}, {way}", f"{cost['memfisd']:.2f}", f"{cost['memcached']:.2f}",
                         f"{cost['memfisd'] / cost['memcached']:.2f}", f"{rate['memfisd']:.0f}",
                         f"{rate['memcached']:.0f}"])
        for name in servers:
            fronts[name].stop()
            servers[name].stop()
    return rows
