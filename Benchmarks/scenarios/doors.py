"""What an idle connection and a file's key cost.

Imported by bench.py, which lends each scenario its `bench`.
"""
import os, statistics

from .port import interleaved


def cpu_seconds(pid):
    """User and system time of a process and all its threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(bench, count=5000):
    """Resident bytes for each connection that did one get and then nothing."""
    rows = []
    for name in ("memfisd", "memcached"):
        server = bench.Server(name, 64, more=["-c", str(count + 1000)])
        # The first ones pay for what all share.
        server.load_text("--idle", 200, "--touch-idle", "-d", 0, "-k", 1000)
        text = server.load_text("--idle", count, "--touch-idle", "-d", 0, "-k", 1000, "--label", name)
        rows.append([name, text.rsplit(",", 1)[1].split()[0]])
        server.stop()
    return bench.table("Memory of an idle connection", "Benchmarks/bench.py idle", ["server", "bytes"], rows)


KEY_WORDS = {"item": ["--prefix", "item:///h/one/two/three/four/"], "file": ["--prefix", "memfis://h/one/two/three/four/"]}


def key_load(server, kind, *words):
    """Runs mcload on keys of 48 bytes that name items, or files four directories deep, of 100 bytes each."""
    return server.load("-k", 100000, "-s", 100, "-c", 50, "--key-len", 48, *KEY_WORDS[kind], *words)


def filekey(bench):
    """CPU time of a get of a file four directories deep and of an item."""
    server = bench.Server("memfisd", 1024, threads=1, cpu=0, more=["--prefix", "memfis://h=/"])
    for kind in KEY_WORDS:
        key_load(server, kind, "--load", "-d", 0)
    costs = interleaved(KEY_WORDS, bench.rounds,
                        lambda kind: key_load(server, kind, "-d", bench.seconds)["run"]["cpu_us_req"])
    server.stop()
    ratios = sorted(a / b for a, b in zip(costs["file"], costs["item"]))
    row = [*(f"{statistics.median(costs[kind]):.2f}" for kind in ("item", "file")), f"{statistics.median(ratios):.2f}",
           f"{ratios[0]:.2f} to {ratios[-1]:.2f}"]
    return bench.table(f"CPU time of a get, µs, median of {bench.rounds}", "Benchmarks/bench.py filekey",
                       ["item", "file four directories deep", "file / item", "spread"], [row],
                       ["100 bytes each, keys of 48 bytes."])
