#!/usr/bin/env python3
"""Measures memfisd beside Debian's memcached and prints tables; they also go to Benchmarks/results/.

usage: Benchmarks/bench.py [SCENARIO ...]     without one: all of them

  items    resident bytes for each of 5 million items, and with mixed values
  sizes    how much of the limit is live after the size of the values changed
  hits     share of hits of the same request streams
  port     CPU time of the server for each request, servers in turns, median of ROUNDS (default 5)
  files    resident bytes for each empty file in a directory of a million (needs root)
  idle     resident bytes for each idle connection
  filekey  CPU time of a get of a file's key beside that of an item's
  latency  99th percentiles, two workers that share both CPUs with the client
  nginx    CPU time of the store for each page behind nginx, and pages a second (needs nginx and wrk)
  mount    seconds of cp, tar, find, cat, rm and dd beside tmpfs and passthrough_ll (needs root)
  utilization  CPU time for each write as the store fills with files, and what of the limit is live when it is full (needs root)
  returns  resident memory after everything was deleted
  pauses   the longest slice of work outside of commands, over a fill and over the shrink of the limit

CASE=WORDS in the environment runs those cases of `port` and `latency` alone that have the words in their title; MEMFISD=PATH
measures another build.

The server under test is .build/release/memfisd (`make optimized`). Everything runs on the loopback with ports of its own;
servers are ended by their process ids.
"""
import errno, functools, json, os, platform, random, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, types

import doors, mounts, nginx, port
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
        source = os.path.join(ROOT, "Benchmarks", name + ".c")
        subprocess.run(["cc", "-O2", "-pthread", "-o", path, source, *libraries], check=True)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server on a port of its own, pinned to `cpu` if that is given."""

    def __init__(self, name, memory_mib, threads=4, cpu=None, more=(), unix=None):
        self.name, self.port = name, free_port()
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        place = ["-s", unix, "-a", "0777"] if unix else ["-p", str(self.port), "-l", "127.0.0.1"]
        self.address = (socket.AF_UNIX, unix) if unix else (socket.AF_INET, ("127.0.0.1", self.port))
        common = [*place, "-m", str(memory_mib), "-t", str(threads), "-U", "0", *more]
        program = {"memfisd": [MEMFISD, *common], "memcached": ["memcached", "-u", "nobody", *common],
                   "floor": [tool("floor"), unix or str(self.port)]}[name]
        self.process = subprocess.Popen(pin + program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
        return {name: int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM")}

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


def draw(name, title, note, rows, ceiling=None):
    with open(os.path.join(RESULTS, name + ".svg"), "w") as file:
        file.write(pictures.bars(title, note, rows, ceiling))


def mounted(memory_mib):
    """A server with a mount: the server, the mount point, and the process that holds the store."""
    mount = tempfile.mkdtemp(prefix="memfisd-bench-mount-")
    server = Server("memfisd", memory_mib, more=[mount])
    while not os.path.ismount(mount):
        time.sleep(0.1)
    children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True).stdout.split()
    return server, mount, int(children[0])


def utilization():
    limit = 256
    server, mount, pid = mounted(limit)
    dice = random.Random(7)
    filler = bytes(dice.randrange(256) for _ in range(9000))
    sizes = {}
    connection = socket.create_connection(("127.0.0.1", server.port))
    answers = connection.makefile("rb")

    def write(name, size):
        with open(f"{mount}/{name[:3]}/{name}", "wb", buffering=0) as file:
            file.write(filler[:size])
        sizes[name] = size

    def overwrite():
        """A round of random writes to what is there: half of them files, half items. Returns µs of CPU for each."""
        names = list(sizes)
        before = doors.cpu_seconds(pid)
        for _ in range(10_000):
            write(dice.choice(names), dice.randrange(100, 8000))
            value = filler[:dice.randrange(100, 1000)]
            connection.sendall(b"set item%d 0 0 %d\r\n%s\r\n" % (dice.randrange(20_000), len(value), value))
            if (answer := answers.readline()) != b"STORED\r\n":
                raise OSError(f"a set was answered with {answer!r}")
        return (doors.cpu_seconds(pid) - before) / 20_000 * 1e6

    def add_until(isDone):
        while not isDone():
            for _ in range(200):
                name = f"{len(sizes) % 500:03d}-{len(sizes):012d}"
                write(name, dice.randrange(100, 8000))

    for number in range(500):
        os.mkdir(f"{mount}/{number:03d}")
    add_until(lambda: len(sizes) >= 2000)
    overwrite()
    empty = statistics.median(overwrite() for _ in range(3))
    rows = [["2,000 files", f"{share(server, 'file_bytes'):.1f} %", f"{empty:.1f}", ""]]
    add_until(lambda: share(server, "file_bytes") >= 80)
    costs = [overwrite() for _ in range(6)]
    rows.append([f"{len(sizes):,} files, 120,000 writes", f"{share(server, 'file_bytes'):.1f} %",
                 f"{statistics.median(costs):.1f}, at most {max(costs):.1f}", f"{max(costs) / empty:.2f}"])
    before, count = doors.cpu_seconds(pid), len(sizes)
    try:
        add_until(lambda: False)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    last = (doors.cpu_seconds(pid) - before) / (len(sizes) - count) * 1e6
    stats = server.stats()
    rows.append([f"{len(sizes):,} files, then ENOSPC", f"{share(server, 'file_bytes'):.1f} %",
                 f"{last:.1f} for a new file", ""])
    contents = 100 * sum(sizes.values()) / (limit << 20)
    resident = server.status(pid)
    notes = [f"Live when ENOSPC came: {100 * int(stats['memory_live_bytes']) / (limit << 20):.1f} % of the limit; the files' "
             f"bytes alone are {contents:.1f} %. Longest slice of reclaiming: {stats['slice_us_max_reclaim']} µs. "
             f"Peak resident: {resident['VmHWM'] / 1024:.0f} MiB."]
    connection.close()
    server.stop()
    os.rmdir(mount)
    return table(f"Random overwrites of files of 100 to 8,000 bytes and items of 100 to 1,000, -m {limit}",
                 "Benchmarks/bench.py utilization",
                 ["store", "files, of the limit", "µs of CPU a write", "to the empty store"], rows, notes)


def share(server, name):
    stats = server.stats()
    return 100 * int(stats[name]) / int(stats["memory_limit_bytes"])


def returns():
    rows = []
    for title, words, limit in (("64 bytes", ["-k", 2_000_000, "-s", 64], 256), ("10 bytes", ["-k", 4_000_000, "-s", 10], 256),
                                ("10 KB", ["-k", 20_000, "-s", 10_000], 256), ("500 KB", ["-k", 400, "-s", 500_000], 256)):
        server = Server("memfisd", limit)
        empty = server.status()["VmRSS"]
        server.load(*words, "--load", "-c", 16, "-d", 0)
        full, stats = server.status(), server.stats()
        counted = int(stats["memory_used_bytes"]) / 1024
        delete_all(server.port, words[1])
        time.sleep(10)
        left = server.status()["VmRSS"] - empty
        rows.append([title, f"{(full['VmRSS'] - empty) / 1024:.1f}", f"{counted / 1024:.1f}",
                     f"{100 * (counted / (full['VmRSS'] - empty) - 1):+.1f} %", f"{left / 1024:.1f}",
                     f"{100 * left / 1024 / limit:.1f} %", f"{full['VmHWM'] / 1024:.0f}"])
        server.stop()
    return table("Resident memory while full and 10 s after everything was deleted, above the empty daemon, MiB, -m 256",
                 "Benchmarks/bench.py returns",
                 ["values", "resident", "counted by stats", "difference", "left", "of the limit", "peak resident in all"], rows)


def delete_all(port, count):
    """Deletes the keys that mcload stored, in batches."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        answers = connection.makefile("rb")
        for first in range(0, count, 1000):
            keys = range(first, min(first + 1000, count))
            connection.sendall(b"".join(b"delete key:%016d\r\n" % key for key in keys))
            for _ in keys:
                if (answer := answers.readline()) not in (b"DELETED\r\n", b"NOT_FOUND\r\n"):
                    raise OSError(f"a delete was answered with {answer!r}")


def files():
    server, mount, pid = mounted(1024)
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


def mount():
    programs = {"tmpfs": None, "memfisd": MEMFISD}
    if peer := mounts.passthrough(TOOLS):
        programs["passthrough_ll"] = peer
    source = mounts.prepare()
    head = ["case", *(f"{name}, s" for name in programs), *(f"{name} / tmpfs" for name in programs if name != "tmpfs")]
    try:
        small = mounts.measure(mounts.small_cases(source), programs, ROUNDS, cpu=0)
        large = mounts.measure(mounts.large_cases(source), programs, ROUNDS, cpu=None)
    finally:
        subprocess.run(["umount", source], check=True)
        os.rmdir(source)
    command = "Benchmarks/bench.py mount"
    draw("mount", "Commands on the mount: their time divided by tmpfs' time", "shorter is better for memfisd",
         [(row[0], float(row[1 + len(programs)].split()[0])) for row in small + large])
    return (table(f"Small files ({mounts.TREE}), everything on CPU 0, median of {ROUNDS}", command, head, small)
            + table(f"Large files, not pinned, median of {ROUNDS}", command, head, large))


def pauses():
    rows = []
    server = Server("memfisd", 640)

    def note(title):
        stats = server.stats()
        kinds = [stats["slice_us_max_" + kind] for kind in ("index", "reclaim", "expiry", "release")]
        rows.append([title, stats["slices"], stats["slice_us_9999"], stats["slice_us_max"], *kinds])
        server.ask("stats reset", b"RESET\r\n")

    common = ["-s", 64, "--load", "-c", 16, "-d", 0]
    server.load("-k", 5_000_000, *common)
    note("fill with 5 million items")
    server.load("-k", 5_000_000, "--prefix", "other:", *common)
    note("5 million more, which evict the first")
    server.ask("cache_memlimit 320", b"OK\r\n")
    while int(server.stats()["memory_used_bytes"]) > 320 << 20:
        time.sleep(0.1)
    note("shrink of the limit to half")
    server.load("-k", 1_000_000, "--prefix", "third:", *common)
    note("a million more at the lower limit")
    server.ask("flush_all", b"OK\r\n")
    time.sleep(2)
    note("flush_all")
    server.stop()
    return table("Slices of work outside of commands, µs, -m 640", "Benchmarks/bench.py pauses",
                 ["over", "slices", "99.99 % below", "longest", "index", "reclaiming", "expiry", "giving back"], rows,
                 ["A slice is what runs without giving a lock away: its processor time and what it waited for locks. "
                  "`stats memfis` has the same figures."])


def machine():
    with open("/proc/cpuinfo") as file:
        model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    memcached = subprocess.run(["memcached", "-V"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, {memcached}, {time.strftime('%Y-%m-%d')}"


def main():
    bench = types.SimpleNamespace(Server=Server, table=table, draw=draw, free_port=free_port, rounds=ROUNDS, seconds=SECONDS)
    of_the_port = (port.port, port.latency, nginx.nginx, doors.filekey, doors.idle)
    scenarios = {"items": items, "sizes": sizes, "hits": hits, "files": files, "pauses": pauses,
                 "utilization": utilization, "returns": returns, "mount": mount}
    scenarios |= {scenario.__name__: functools.partial(scenario, bench) for scenario in of_the_port}
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
