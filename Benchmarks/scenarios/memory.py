"""What the store's memory holds, what it costs, how it comes back, and how long the work behind it takes at a time.

Imported by bench.py, which lends each scenario its `Server`, `table` and `tool`.
"""
import errno, os, random, socket, statistics, subprocess, tempfile, time

from .doors import cpu_seconds

MIB = 1 << 20


class Peak:
    """Whether servers stayed within what they may take: the limit, 32 MiB, and 1 MiB for each thread. The connections of
    these runs hold next to nothing, so their share is left out."""

    def __init__(self):
        self.notes = []

    def look(self, server, limit_mib, pid=None):
        """Notes the highest resident memory that a server of ours ever had. Returns it in MiB."""
        status = server.status(pid)
        peak = status["VmHWM"] / 1024
        allowed = limit_mib + 32 + status["Threads"]
        if server.name == "memfisd":
            verdict = "within" if peak <= allowed else "**PASSES**"
            self.notes.append(f"{peak:.0f} MiB {verdict} {allowed} (-m {limit_mib}, {status['Threads']} threads)")
        return peak

    @property
    def note(self):
        return "Peak of resident memory, which may be the limit + 32 MiB + 1 MiB for each thread: " + "; ".join(self.notes) + "."


def items(bench):
    rows, peak = [], Peak()
    for title, sizes, payload in (("20 + 64 bytes", "64", 84), ("20 + 10, 64, 500 bytes", "10,64,500", 20 + 574 / 3)):
        for name in ("memfisd", "memcached"):
            server = bench.Server(name, 4096)
            empty = server.status()["VmRSS"]
            result = server.load("-k", "5000000", "-s", sizes, "--load", "-c", 16, "-d", 0)["load"]
            each = (server.status()["VmRSS"] - empty) * 1024 / 5_000_000
            rows.append([title, name, f"{empty / 1024:.1f}", f"{each:.1f}", f"{each - payload:.1f}", result["errors"]])
            peak.look(server, 4096)
            server.stop()
    return bench.table("Memory of 5 million items, -m 4096", "Benchmarks/bench.py items",
                       ["key + value", "server", "empty, MiB", "bytes an item", "above the payload", "errors"], rows,
                       [peak.note])


def sizes(bench):
    rows, peak = [], Peak()
    limit = 64
    for name in ("memfisd", "memcached"):
        server = bench.Server(name, limit)
        for title, prefix, size, count in (("100 B", "a:", 100, limit * 12000), ("10 KB", "b:", 10000, limit * 300),
                                           ("900 KB", "c:", 900000, limit * 4), ("100 B again", "d:", 100, limit * 12000)):
            common = ["-k", count, "-s", size, "--prefix", prefix]
            failed = server.load(*common, "--load", "-c", 4, "-d", 0)["load"]["errors"]
            run = server.load(*common, "-z", "seq", "-n", count, "-c", 1, "-p", 50, "--allow-miss")["run"]
            live = 100 * run["values"] * (size + 20) / (limit * MIB)
            rows.append([name, title, f"{live:.1f} %", failed, f"{server.status()['VmHWM'] / 1024:.0f}"])
        peak.look(server, limit)
        server.stop()
    return bench.table(f"Changing sizes, -m {limit}", "Benchmarks/bench.py sizes",
                       ["server", "values written", "keys and values of that size, of the limit", "failed sets",
                        "peak resident, MiB"], rows, [peak.note])


def hits(bench):
    rows, peak, resident, runs = [], Peak(), [], []
    # Both sizes at once: what is counted does not depend on time.
    for memory, keys, requests in ((6, 60_000, 200_000), (64, 600_000, 1_500_000)):
        servers = [bench.Server(name, memory, threads=1) for name in ("memfisd", "memcached")]
        words = [f"{server.name}=127.0.0.1:{server.port}" for server in servers]
        runs.append((memory, servers, subprocess.Popen(
            [bench.tool("hitratio", "-lm"), str(keys), str(requests), str(memory), *words], text=True, stdout=subprocess.PIPE)))
    for memory, servers, run in runs:
        for line in run.communicate()[0].splitlines():
            if not line.startswith("  "):
                values = line.split(" values")[0]
                continue
            shares = [float(word) for word in line[26:].split() if word[0].isdigit()]
            rows.append([f"{values}, `-m {memory}`", line[:26].strip(), *(f"{share:.2f} %" for share in shares),
                         f"{shares[0] - shares[1]:+.2f}"])
        resident.append(f"-m {memory}: " + ", ".join(f"{s.name} {peak.look(s, memory):.0f} MiB" for s in servers))
        for server in servers:
            server.stop()
    differences = [float(row[-1]) for row in rows]
    plain = [float(row[-1]) for row in rows if not row[1].startswith("loop")]
    return bench.table("Hit ratio", "Benchmarks/bench.py hits", ["values", "requests", "memfisd", "memcached", "difference"],
                       rows, [f"Mean difference {statistics.mean(differences):+.1f} points, {statistics.mean(plain):+.1f} "
                              f"without the loops; the least is {min(differences):+.2f}. Peak of resident memory: "
                              f" {'; '.join(resident)}.", "", peak.note])


def files(bench):
    peak = Peak()
    server, mount, pid = mounted(bench, 1024)
    before = server.status(pid)["VmRSS"]
    directory = os.path.join(mount, "d")
    os.mkdir(directory)
    for number in range(1_000_000):
        os.close(os.open(f"{directory}/file-{number:015d}", os.O_CREAT | os.O_WRONLY))
    each = (server.status(pid)["VmRSS"] - before) * 1024 / 1_000_000
    peak.look(server, 1024, pid)
    server.stop()
    os.rmdir(mount)
    return bench.table("Memory of a million empty files with names of 20 bytes", "Benchmarks/bench.py files",
                       ["bytes a file in the daemon"], [[f"{each:.0f}"]], [peak.note])


def mounted(bench, memory_mib):
    """A server with a mount: the server, the mount point, and the process that holds the store."""
    mount = tempfile.mkdtemp(prefix="memfisd-bench-mount-")
    server = bench.Server("memfisd", memory_mib, more=[mount])
    while not os.path.ismount(mount):
        time.sleep(0.1)
    children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True).stdout.split()
    return server, mount, int(children[0])


class Pages:
    """A mounted store with small files, and items beside them."""

    ROUND = 10_000

    def __init__(self, bench, limit_mib):
        self.server, self.mount, self.pid = mounted(bench, limit_mib)
        self.dice = random.Random(7)
        self.filler = bytes(self.dice.randrange(256) for _ in range(9000))
        self.sizes = {}
        self.connection = socket.create_connection(("127.0.0.1", self.server.port))
        self.answers = self.connection.makefile("rb")
        for number in range(500):
            os.mkdir(f"{self.mount}/{number:03d}")

    def write(self, name, size):
        with open(f"{self.mount}/{name[:3]}/{name}", "wb", buffering=0) as file:
            file.write(self.filler[:size])
        self.sizes[name] = size

    def add(self, count):
        """Writes new files. Returns their names."""
        names = []
        for _ in range(count):
            names.append(f"{len(self.sizes) % 500:03d}-{len(self.sizes):012d}")
            self.write(names[-1], self.dice.randrange(100, 8000))
        return names

    def remove(self, names):
        for name in names:
            os.unlink(f"{self.mount}/{name[:3]}/{name}")
            del self.sizes[name]

    def overwrite(self):
        """A round of random writes to what is there: half of them files, half items. Returns µs of CPU for each."""
        names = list(self.sizes)
        before = cpu_seconds(self.pid)
        for _ in range(self.ROUND):
            self.write(self.dice.choice(names), self.dice.randrange(100, 8000))
            value = self.filler[:self.dice.randrange(100, 1000)]
            self.connection.sendall(b"set item%d 0 0 %d\r\n%s\r\n" % (self.dice.randrange(20_000), len(value), value))
            if (answer := self.answers.readline()) != b"STORED\r\n":
                raise OSError(f"a set was answered with {answer!r}")
        return (cpu_seconds(self.pid) - before) / (2 * self.ROUND) * 1e6

    @property
    def share(self):
        stats = self.server.stats()
        return 100 * int(stats["file_bytes"]) / int(stats["memory_limit_bytes"])

    def stop(self):
        self.connection.close()
        self.server.stop()
        os.rmdir(self.mount)


def utilization(bench):
    """The two stores take turns, so that what the machine does beside them slows both."""
    limit, peak = 256, Peak()
    empty, full = Pages(bench, limit), Pages(bench, limit)
    empty.add(2000)
    while full.share < 80:
        full.add(200)
    empty.overwrite(), full.overwrite()
    pairs = [(empty.overwrite(), full.overwrite()) for _ in range(6)]
    ratios = [b / a for a, b in pairs]
    rows = [["overwriting files and items", f"{full.share:.1f} %", f"{2 * Pages.ROUND * len(pairs):,}",
             *(f"{statistics.median(column):.1f}" for column in zip(*pairs)),
             f"{statistics.median(ratios):.2f}, at most {max(ratios):.2f}"]]

    isFull = False
    while not isFull:
        share, count = full.share, len(full.sizes)
        before = cpu_seconds(full.pid)
        try:
            full.add(4000)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            isFull = True
        added = len(full.sizes) - count
        costs = [0, (cpu_seconds(full.pid) - before) / max(added, 1) * 1e6]
        before = cpu_seconds(empty.pid)
        names = empty.add(4000)
        costs[0] = (cpu_seconds(empty.pid) - before) / len(names) * 1e6
        empty.remove(names)
        # So few tell nothing.
        if added >= 500:
            rows.append(["new files" + ", then ENOSPC" * isFull, f"{share:.1f} to {full.share:.1f} %", f"{added:,}",
                         *(f"{cost:.1f}" for cost in costs), f"{costs[1] / costs[0]:.2f}"])
    stats = full.server.stats()
    contents = 100 * sum(full.sizes.values()) / (limit * MIB)
    peak.look(full.server, limit, full.pid)
    notes = [f"Live when ENOSPC came: {100 * int(stats['memory_live_bytes']) / (limit * MIB):.1f} % of the limit, in "
             f"{len(full.sizes):,} files; their bytes alone are {contents:.1f} %. Longest slice of reclaiming: "
             f"{stats['slice_us_max_reclaim']} µs.", "", peak.note]
    empty.stop()
    full.stop()
    return bench.table(f"CPU time of a write as files of 100 to 8,000 bytes fill the store, beside one of 2,000 files, -m {limit}",
                       "Benchmarks/bench.py utilization",
                       ["what is written", "files, of the limit", "writes", "µs, 2,000 files", "µs, full", "ratio"], rows, notes)


def returns(bench):
    rows, peak = [], Peak()
    for title, words, limit in (("64 bytes", ["-k", 2_000_000, "-s", 64], 256), ("10 bytes", ["-k", 4_000_000, "-s", 10], 256),
                                ("10 KB", ["-k", 20_000, "-s", 10_000], 256), ("500 KB", ["-k", 400, "-s", 500_000], 256)):
        server = bench.Server("memfisd", limit)
        empty = server.status()["VmRSS"]
        server.load(*words, "--load", "-c", 16, "-d", 0)
        full, stats = server.status(), server.stats()
        counted = int(stats["memory_used_bytes"]) / 1024
        delete_all(server.port, words[1])
        time.sleep(10)
        left = server.status()["VmRSS"] - empty
        peak.look(server, limit)
        rows.append([title, f"{(full['VmRSS'] - empty) / 1024:.1f}", f"{counted / 1024:.1f}",
                     f"{100 * (counted / (full['VmRSS'] - empty) - 1):+.1f} %", f"{left / 1024:.1f}",
                     f"{100 * left / 1024 / limit:.1f} %"])
        server.stop()
    return bench.table("Resident memory while full and 10 s after everything was deleted, above the empty daemon, MiB, -m 256",
                       "Benchmarks/bench.py returns",
                       ["values", "resident", "counted by stats", "difference", "left", "of the limit"], rows, [peak.note])


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


def pauses(bench):
    rows, peak = [], Peak()
    server = bench.Server("memfisd", 640)

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
    while int(server.stats()["memory_used_bytes"]) > 320 * MIB:
        time.sleep(0.1)
    note("shrink of the limit to half")
    server.load("-k", 1_000_000, "--prefix", "third:", *common)
    note("a million more at the lower limit")
    server.ask("flush_all", b"OK\r\n")
    time.sleep(2)
    note("flush_all")
    peak.look(server, 640)
    server.stop()
    return bench.table("Slices of work outside of commands, µs, -m 640", "Benchmarks/bench.py pauses",
                       ["over", "slices", "99.99 % below", "longest", "index", "reclaiming", "expiry", "giving back"], rows,
                       ["A slice is what runs without giving a lock away: its processor time and what it waited for locks, "
                        "of whatever kind. `stats memfis` has the same figures.", "", peak.note])
