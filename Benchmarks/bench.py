#!/usr/bin/env python3
"""Measures memfisd beside Debian's memcached and prints tables; they also go to Benchmarks/results/.

usage: Benchmarks/bench.py [SCENARIO ...]     without one: all of them
       Benchmarks/bench.py --against PROGRAM [SCENARIO ...]     beside another build: port, items, filekey, mount

  items    resident bytes for each of 5 million items, and with mixed values
  sizes    how much of the limit is live after the size of the values changed
  hits     share of hits of the same request streams
  port     CPU time of the server for each request, servers in turns, median of ROUNDS (default 5)
  files    resident bytes for each empty file in a directory of a million (needs root)
  idle     resident bytes for each idle connection
  filekey  CPU time of a get of a file's key beside that of an item's
  latency  99th percentiles, two workers that share both CPUs with the client
  nginx    CPU time of the store for each page behind nginx, and pages a second (needs nginx and wrk)
  calls    system calls of the store and of nginx for each page (needs nginx and strace)
  mount    seconds of cp, tar, find, cat, rm and dd beside tmpfs and passthrough_ll (needs root and fio)
  utilization  CPU time for each write as the store fills with files, and what of the limit is live when it is full (needs root)
  returns  resident memory after everything was deleted
  pauses   the longest slice of work outside of commands, over a fill and over the shrink of the limit

The scenarios of memory check the peak of resident memory against the limit and what may come on top, and say so.

CASE=WORDS in the environment runs those cases of `port` and `latency` alone that have the words in their title; MEMFISD=PATH
measures another build. What --against prints is not kept.

The server under test is .build/release/memfisd (`make optimized`). Everything runs on the loopback with ports of its own;
servers are ended by their process ids.
"""
import argparse, functools, json, os, platform, shutil, signal, socket, subprocess, sys, tempfile, time, types

from scenarios import builds, doors, memory, mounts, nginx, port
import picture as pictures

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEMFISD = os.environ.get("MEMFISD", os.path.join(ROOT, ".build/release/memfisd"))
RESULTS = os.path.join(ROOT, "Benchmarks/results")
TOOLS = tempfile.mkdtemp(prefix="memfisd-bench-")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = os.environ.get("SECONDS_EACH", "2")


def tool(name, *libraries):
    path = os.path.join(TOOLS, name)
    if not os.path.exists(path):
        source = os.path.join(ROOT, "Benchmarks/tools", name + ".c")
        subprocess.run(["cc", "-O2", "-pthread", "-o", path, source, *libraries], check=True)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server on a port of its own, pinned to `cpu` if that is given."""

    def __init__(self, name, memory_mib, threads=4, cpu=None, more=(), unix=None,
                 program=MEMFISD):
        self.name, self.port = name, free_port()
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        place = ["-s", unix, "-a", "0777"] if unix else ["-p", str(self.port), "-l", "127.0.0.1"]
        self.address = (socket.AF_UNIX, unix) if unix else (socket.AF_INET, ("127.0.0.1", self.port))
        common = [*place, "-m", str(memory_mib), "-t", str(threads), "-U", "0", *more]
        command = {"memfisd": [program, *common], "memcached": ["memcached", "-u", "nobody", *common],
                   "floor": [tool("floor"), unix or str(self.port)]}[name]
        self.process = subprocess.Popen(pin + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.05)

    def connect(self):
        connection = socket.socket(self.address[0])
        connection.connect(self.address[1])
        return connection

    def store(self, key, value):
        with self.connect() as connection:
            connection.sendall(f"set {key} 0 0 {len(value)}\r\n".encode() + value + b"\r\n")
            if connection.recv(64) != b"STORED\r\n":
                raise RuntimeError(f"{self.name} did not store {key}")

    @property
    def pid(self):
        return self.process.pid

    def status(self, pid=None):
        with open(f"/proc/{pid or self.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return {name: int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM", "Threads")}

    def ask(self, line, end=b"END\r\n"):
        """Sends one command line and returns the answer up to `end`."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(line.encode() + b"\r\n")
            answer = b""
            while not answer.endswith(end):
                part = connection.recv(65536)
                if not part:
                    raise OSError(f"{self.name} closed the connection after {line!r}")
                answer += part
            return answer

    def stats(self, group="memfis"):
        lines = self.ask(f"stats {group}".strip()).decode().splitlines()[:-1]
        return {name: value for _, name, value in (line.split(" ", 2) for line in lines)}

    def load_text(self, *words):
        """Runs mcload and returns what it prints."""
        command = [tool("mcload"), "-a", f"127.0.0.1:{self.port}", "--pid", str(self.pid), *map(str, words)]
        if os.sched_getaffinity(self.pid) == {0}:
            command = ["taskset", "-c", "1"] + command
        return subprocess.run(command, capture_output=True, text=True).stdout

    def load(self, *words):
        """Runs mcload and returns its phases by name."""
        output = self.load_text("--json", *words)
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


def draw(name, title, note, rows, ceiling=None):
    with open(os.path.join(RESULTS, name + ".svg"), "w") as file:
        file.write(pictures.bars(title, note, rows, ceiling))


def mount():
    programs = {"tmpfs": None, "memfisd": MEMFISD}
    if peer := mounts.passthrough(TOOLS):
        programs["passthrough_ll"] = peer
    with_limit = {**programs, "FUSE_PASSTHROUGH": mounts.bare_passthrough(TOOLS)}

    def head(programs, unit):
        return ["case", *(f"{name}, {unit}" for name in programs),
                *(f"{name} / tmpfs" for name in programs if name != "tmpfs")]

    source = mounts.prepare()
    try:
        small = mounts.measure(mounts.small_cases(source), programs, ROUNDS, cpu=0)
        free = mounts.measure(mounts.small_cases(source), programs, ROUNDS, cpu=None)
        large = mounts.measure(mounts.large_cases(source), with_limit, ROUNDS, cpu=None)
        random_access = mounts.measure_random(with_limit, ROUNDS)
    finally:
        mounts.forget(source)
    command = "Benchmarks/bench.py mount"
    ratios = [(row[0], float(row[1 + len(programs)].split()[0])) for row in small]
    ratios += [(row[0], float(row[1 + len(with_limit)].split()[0])) for row in large]
    draw("mount", "Commands on the mount: their time divided by tmpfs' time", "shorter is better for memfisd", ratios)
    limit = ["FUSE_PASSTHROUGH: a bare filesystem of memory files (passthrough.c), the limit of what the kernel can take over."]
    return "\n".join([
        table(f"Small files ({mounts.TREE}), everything on CPU 0, median of {ROUNDS}", command, head(programs, "s"), small),
        table(f"Small files, not pinned, median of {ROUNDS}", command, head(programs, "s"), free),
        table(f"Large files, not pinned, median of {ROUNDS}", command, head(with_limit, "s"), large, limit),
        table(f"Random access past the page cache, one thread, median of {ROUNDS}; more is better", command,
              head(with_limit, "1/s"), random_access)])


def machine():
    with open("/proc/cpuinfo") as file:
        model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    memcached = subprocess.run(["memcached", "-V"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, {memcached}, {time.strftime('%Y-%m-%d')}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--against")
    parser.add_argument("scenarios", nargs="*")
    arguments = parser.parse_args()
    bench = types.SimpleNamespace(
        Server=Server, table=table, draw=draw, tool=tool, free_port=free_port, rounds=ROUNDS, seconds=SECONDS,
        program=MEMFISD, against=arguments.against)
    of_memory = (memory.items, memory.sizes, memory.hits, memory.files, memory.utilization, memory.returns, memory.pauses)
    of_the_port = (port.port, port.latency, nginx.nginx, nginx.calls, doors.filekey, doors.idle)
    scenarios = {scenario.__name__: functools.partial(scenario, bench) for scenario in of_memory + of_the_port}
    scenarios["mount"] = mount
    if arguments.against:
        between_builds = (builds.port, builds.items, builds.filekey, builds.mount)
        scenarios = {scenario.__name__: functools.partial(scenario, bench) for scenario in between_builds}
    chosen = arguments.scenarios or list(scenarios)
    if unknown := [name for name in chosen if name not in scenarios]:
        sys.exit(f"no such scenario: {', '.join(unknown)}\n{__doc__}")
    if not os.access(MEMFISD, os.X_OK):
        sys.exit("build it first: make optimized")
    os.makedirs(RESULTS, exist_ok=True)
    try:
        for name in chosen:
            if arguments.against:
                scenarios[name]()
                continue
            with open(os.path.join(RESULTS, name + ".md"), "w") as file:
                file.write(f"{machine()}\n\n{scenarios[name]()}\n")
    finally:
        shutil.rmtree(TOOLS)


main()
