"""What a page through nginx costs the store, how many pages a second the whole serves, and the system calls of both.

Imported by bench.py, which lends each scenario its `bench`.
"""
import collections, http.client, os, re, signal, statistics, subprocess, tempfile, time

from .doors import cpu_seconds
from .port import interleaved

# Sizes, and the first letters of the keys by which the empty server knows them; it has no page of just 1 KiB or 1 MB.
PAGES = (("1 KiB", 1024, "e"), ("10 KiB", 10240, "b"), ("100 KiB", 102400, "c"), ("1 MB", 1000000, None))

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
    location / {{ set $memcached_key "{prefix}$uri"; memcached_pass store; memcached_buffer_size 64k; }}
  }}
}}
"""


class Nginx:
    """A real nginx in front of a store's address."""

    def __init__(self, address, port, prefix="page:"):
        self.place, self.port = tempfile.mkdtemp(prefix="bench-nginx-"), port
        os.chmod(self.place, 0o755)
        path = os.path.join(self.place, "nginx.conf")
        with open(path, "w") as file:
            file.write(CONFIGURATION.format(place=self.place, address=address, port=port, prefix=prefix))
        self.process = subprocess.Popen(["nginx", "-p", self.place, "-c", path], stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def pages_per_second(self, path, seconds):
        """Fetches one page over 32 connections; returns the rate. Every answer must be a 200."""
        output = subprocess.run(["taskset", "-c", "1", "wrk", "-t", "1", "-c", "32", "-d", f"{seconds}s",
                                 f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True).stdout
        if "Non-2xx" in output or not (rate := re.search(r"Requests/sec:\s+([\d.]+)", output)):
            raise RuntimeError(f"nginx did not serve {path}: {output}")
        return float(rate.group(1))

    @property
    def worker(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    def fetch(self, path, count):
        """Fetches one page over one connection, one after another."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        for _ in range(count):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise RuntimeError(f"nginx answered {response.status} for {path}")
        connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["rm", "-r", self.place], check=True)


def traced(pids, body):
    """The system calls of processes and their threads while `body` runs, by name, one counter for each process."""
    traces = []
    for pid in pids:
        trace = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        trace.stderr.readline()  # It says when it has the process.
        traces.append(trace)
    body()
    counts = []
    for trace in traces:
        trace.send_signal(signal.SIGINT)
        lines = trace.communicate()[1].splitlines()
        words = [line.split() for line in lines]
        counts.append(collections.Counter({row[0]: int(row[1]) for row in words if len(row) == 2 and row[1].isdigit()}))
        counts[-1].pop("total", None)
    return counts


def for_each(counter, pages):
    """What a page takes of each. Rare calls, and those of clocks, come with time and not with pages."""
    frequent = [(name, count / pages) for name, count in sorted(counter.items())
                if count * 20 >= pages and not name.startswith("clock_")]
    return f"{sum(count for _, count in frequent):.1f}: " + ", ".join(f"{name} {count:.1f}" for name, count in frequent)


def calls(bench, pages=500):
    """System calls of the store and of nginx for each page, of one client that asks for one after another: counted, not timed."""
    rows = []
    for way in ("TCP", "unix socket"):
        for name in ("memfisd", "memcached"):
            server, front = started(bench, name, way)
            for title, size, _ in PAGES:
                front.fetch(f"/{size}", 10)
                counts = traced((server.pid, front.worker), lambda: front.fetch(f"/{size}", pages))
                rows.append([f"{title}, {way}", name, *(for_each(count, pages) for count in counts)])
            front.stop()
            server.stop()
    return bench.table("System calls for each page behind nginx", "Benchmarks/bench.py calls",
                       ["page", "store", "calls of the store", "calls of nginx"], rows,
                       [f"One client that asks for {pages} pages, one after another; strace counts all but calls of clocks."])


def started(bench, name, way):
    """A store with the pages and an nginx in front of it."""
    if way == "TCP":
        server = bench.Server(name, 256, threads=1, cpu=0)
        address = f"127.0.0.1:{server.port}"
    else:
        path = os.path.join(tempfile.mkdtemp(prefix="bench-socket-"), "store.sock")
        os.chmod(os.path.dirname(path), 0o777)
        server = bench.Server(name, 256, threads=1, cpu=0, unix=path)
        address = f"unix:{path}"
    if name == "floor":
        return server, Nginx(address, bench.free_port(), prefix="")
    for _, size, _ in PAGES:
        server.store(f"page:/{size}", b"x" * size)
    return server, Nginx(address, bench.free_port())


def nginx(bench):
    rows = []
    names = ("memfisd", "memcached", "floor")
    for way in ("TCP", "unix socket"):
        pairs = {name: started(bench, name, way) for name in names}
        for title, size, letter in PAGES:

            def run(name):
                server, front = pairs[name]
                before = cpu_seconds(server.pid)
                # nginx asks the empty server for the key `/e…`.
                rate = front.pages_per_second(f"/{size}" if name != "floor" else f"/{letter}", bench.seconds)
                return (cpu_seconds(server.pid) - before) / (rate * float(bench.seconds)) * 1e6, rate

            measured = names if letter else names[:2]
            runs = interleaved(measured, bench.rounds, run)
            cost = {name: statistics.median(cost for cost, _ in runs[name]) for name in measured}
            rate = {name: statistics.median(rate for _, rate in runs[name]) for name in measured}
            rows.append([f"{title}, {way}", *(f"{cost[name]:.2f}" if name in cost else "" for name in names),
                         f"{cost['memfisd'] / cost['memcached']:.2f}",
                         *(f"{rate[name]:.0f}" if name in rate else "" for name in names)])
        for server, front in pairs.values():
            front.stop()
            server.stop()
    return bench.table(
        f"Pages behind nginx: CPU time of the store, µs, and pages a second, median of {bench.rounds}",
        "Benchmarks/bench.py nginx",
        ["page", "memfisd, µs", "memcached, µs", "empty server, µs", "memfisd / memcached", "memfisd, 1/s",
         "memcached, 1/s", "empty server, 1/s"], rows,
        ["The store has one worker on CPU 0; nginx (keepalive, buffer of 64 KiB) and wrk share CPU 1."])
