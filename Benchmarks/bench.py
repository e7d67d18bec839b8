#!/usr/bin/env python3
"""Measures memfisd beside Debian's memcached and prints tables; they also go to Benchmarks/results/.

usage: Benchmarks/bench.py [SCENARIO ...]     without one: all of them

  items    resident bytes for each of 5 million items, and with mixed values
  sizes    how much of the limit is live after the size of the values changed
  hits     share of hits of the same request streams
  port     CPU time of the server for each request, servers in turns, median of ROUNDS (default 5)
  files    resident bytes for each empty file in a directory of a million (needs root)

The server under test is .build/release/memfisd (`make optimized`). Everything runs on the loopback with ports of its own;
servers are ended by their process ids.
"""
import json, os, platform, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEMFISD = os.path.join(ROOT, ".build/release/memfisd")
RESULTS = os.path.join(ROOT, "Benchmarks/results")
TOOLS = tempfile.mkdtemp(prefix="memfisd-bench-")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = os.environ.get("SECONDS_EACH", "2")


def tool(name, *libraries):
    path = os.path.join(TOOLS, name)
    if not os.path.exists(path):
        source = os.path.join(ROOT, "Benchmarks", name + ".c")
        subprocess.run(["cc", "-O2", "-pthread", "-o", path, source, *libraries], check=True)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server on a port of its own, pinned to `cpu` if that is given."""

    def __init__(self, name, memory_mib, threads=4, cpu=None, more=()):
        self.name, self.port = name, free_port()
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        common = ["-p", str(self.port), "-l", "127.0.0.1", "-m", str(memory_mib), "-t", str(threads), "-U", "0"]
        program = {"memfisd": [MEMFISD, *common, *more], "memcached": ["memcached", "-u", "nobody", *common],
                   "floor": [tool("floor"), str(self.port)]}[name]
        self.process = subprocess.Popen(pin + program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def status(self, pid=None):
        with open(f"/proc/{pid or self.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return {name: int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM")}

    def load(self, *words):
        """Runs mcload and returns its phases by name."""
        command = [tool("mcload"), "-a", f"127.0.0.1:{self.port}", "--pid", str(self.pid), "--json", *map(str, words)]
        if os.sched_getaffinity(self.pid) == {0}:
            command = ["taskset", "-c", "1"] + command
        output = subprocess.run(command, capture_output=True, text=True).stdout
        return {phase["phase"]: phase for phase in map(json.loads, output.splitlines())}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def table(title, command, head, rows, notes=()):
    text = [f"## {title}", "", f"    {command}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    text += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    text += ["", *notes, ""] if notes else [""]
    print("\n".join(text), flush=True)
    return "\n".join(text)


def items():
    rows = []
    for title, sizes, payload in (("20 + 64 bytes", "64", 84), ("20 + 10, 64, 500 bytes", "10,64,500", 20 + 574 / 3)):
        for name in ("memfisd", "memcached"):
            server = Server(name, 4096)
            empty = server.status()["VmRSS"]
            result = server.load("-k", "5000000", "-s", sizes, "--load", "-c", 16, "-d", 0)["load"]
            each = (server.status()["VmRSS"] - empty) * 1024 / 5_000_000
            rows.append([title, name, f"{empty / 1024:.1f}", f"{each:.1f}", f"{each - payload:.1f}", result["errors"]])
            server.stop()
    return table("Memory of 5 million items, -m 4096", "Benchmarks/bench.py items",
                 ["key + value", "server", "empty, MiB", "bytes an item", "above the payload", "errors"], rows)


def sizes():
    rows = []
    limit = 64
    for name in ("memfisd", "memcached"):
        server = Server(name, limit)
        for title, prefix, size, count in (("100 B", "a:", 100, limit * 12000), ("10 KB", "b:", 10000, limit * 300),
                                           ("900 KB", "c:", 900000, limit * 4), ("100 B again", "d:", 100, limit * 12000)):
            common = ["-k", count, "-s", size, "--prefix", prefix]
            failed = server.load(*common, "--load", "-c", 4, "-d", 0)["load"]["errors"]
            run = server.load(*common, "-z", "seq", "-n", count, "-c", 1, "-p", 50, "--allow-miss")["run"]
            live = 100 * run["values"] * (size + 20) / (limit << 20)
            rows.append([name, title, f"{live:.1f} %", failed, f"{server.status()['VmHWM'] / 1024:.0f}"])
        server.stop()
    return table(f"Changing sizes, -m {limit}", "Benchmarks/bench.py sizes",
                 ["server", "values written", "keys and values of that size, of the limit", "failed sets", "peak resident, MiB"],
                 rows)


def hits():
    parts = []
    for memory, keys, requests in ((6, 60000, 200000), (64, 600000, 1500000)):
        servers = [Server(name, memory, threads=1) for name in ("memfisd", "memcached")]
        words = [f"{server.name}=127.0.0.1:{server.port}" for server in servers]
        output = subprocess.run([tool("hitratio", "-lm"), str(keys), str(requests), str(memory), *words],
                                capture_output=True, text=True).stdout
        resident = ", ".join(f"{s.name} {s.status()['VmRSS'] / 1024:.0f} MiB" for s in servers)
        parts.append(output + f"resident at the end: {resident}\n")
        for server in servers:
            server.stop()
    text = "## Hit ratio\n\n    Benchmarks/bench.py hits\n\n```\n" + "".join(parts) + "```\n"
    print(text, flush=True)
    return text


PORT_CASES = [
    ("get, 50 connections", ["-k", 100000, "-s", 100, "-c", 50]),
    ("get, 500 connections", ["-k", 100000, "-s", 100, "-c", 500]),
    ("set", ["-k", 100000, "-s", 100, "-c", 50, "-r", 1]),
    ("90 % get, 10 % set, Zipf", ["-k", 100000, "-s", 100, "-c", 50, "-r", 0.1, "-z", "zipf"]),
    ("get, pipeline of 32", ["-k", 100000, "-s", 100, "-c", 50, "-p", 32]),
    ("set, pipeline of 32", ["-k", 100000, "-s", 100, "-c", 50, "-p", 32, "-r", 1]),
    ("multiget of 50", ["-k", 100000, "-s", 100, "-c", 50, "-m", 50]),
    ("get 10 KiB", ["-k", 10000, "-s", 10240, "-c", 50]),
    ("get 100 KiB", ["-k", 1000, "-s", 102400, "-c", 50]),
    ("get 1 MB", ["-k", 100, "-s", 1000000, "-c", 50]),
    ("set 100 KiB", ["-k", 1000, "-s", 102400, "-c", 50, "-r", 1]),
    ("set 1 MB", ["-k", 100, "-s", 1000000, "-c", 50, "-r", 1]),
]


def port():
    rows = []
    for title, words in PORT_CASES:
        costs = {"memfisd": [], "memcached": []}
        servers = {name: Server(name, 1024, threads=1, cpu=0) for name in costs}
        for server in servers.values():
            server.load(*words, "--load", "-d", 0)
        errors = 0
        for turn in range(ROUNDS):
            for name in sorted(costs, reverse=turn % 2 == 1):
                run = servers[name].load(*words, "-d", SECONDS)["run"]
                costs[name].append(run["cpu_us_req"])
                errors += run["errors"]
        for server in servers.values():
            server.stop()
        ratios = sorted(b / a for a, b in zip(costs["memfisd"], costs["memcached"]))
        rows.append([title, *(f"{statistics.median(costs[n]):.2f}" for n in ("memfisd", "memcached")),
                     f"{statistics.median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}", errors])
    return table(f"CPU time of the server for each request, µs, median of {ROUNDS}", "Benchmarks/bench.py port",
                 ["case", "memfisd", "memcached", "ratio", "spread", "errors"], rows,
                 ["One worker on CPU 0, the client on CPU 1. A ratio above 1: memfisd takes less."])


def files():
    mount = tempfile.mkdtemp(prefix="memfisd-bench-mount-")
    server = Server("memfisd", 1024, more=[mount])
    while not os.path.ismount(mount):
        time.sleep(0.1)
    children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True).stdout.split()
    pid = int(children[0])
    before = server.status(pid)["VmRSS"]
    directory = os.path.join(mount, "d")
    os.mkdir(directory)
    for number in range(1_000_000):
        os.close(os.open(f"{directory}/file-{number:015d}", os.O_CREAT | os.O_WRONLY))
    each = (server.status(pid)["VmRSS"] - before) * 1024 / 1_000_000
    server.stop()
    os.rmdir(mount)
    return table("Memory of a million empty files with names of 20 bytes", "Benchmarks/bench.py files",
                 ["bytes a file in the daemon"], [[f"{each:.0f}"]])


def machine():
    with open("/proc/cpuinfo") as file:
        model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    memcached = subprocess.run(["memcached", "-V"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, {memcached}, {time.strftime('%Y-%m-%d')}"


def main():
    scenarios = {"items": items, "sizes": sizes, "hits": hits, "port": port, "files": files}
    chosen = sys.argv[1:] or list(scenarios)
    if unknown := [name for name in chosen if name not in scenarios]:
        sys.exit(f"no such scenario: {', '.join(unknown)}\n{__doc__}")
    if not os.access(MEMFISD, os.X_OK):
        sys.exit("build it first: make optimized")
    os.makedirs(RESULTS, exist_ok=True)
    try:
        for name in chosen:
            with open(os.path.join(RESULTS, name + ".md"), "w") as file:
                file.write(f"{machine()}\n\n{scenarios[name]()}\n")
    finally:
        shutil.rmtree(TOOLS)


main()
