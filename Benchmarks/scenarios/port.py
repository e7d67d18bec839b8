"""What a request costs the server, and how long the slowest answers take.

Imported by bench.py, which lends each scenario its `bench`.
"""
import os, statistics

CASES = [
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

# The empty server answers by the first letter of the key; it has no values of 1 MB and keeps none.
EMPTY_PREFIX = {"get 10 KiB": "b:", "get 100 KiB": "c:"}
HAS_NO_EMPTY = {"get 1 MB", "set 100 KiB", "set 1 MB"}


def chosen():
    return [(title, words) for title, words in CASES if os.environ.get("CASE", "") in title]


def interleaved(servers, rounds, run):
    """Runs every server in every round, in alternating order; returns the results by name."""
    results = {name: [] for name in servers}
    for turn in range(rounds):
        for name in sorted(servers, reverse=turn % 2 == 1):
            results[name].append(run(name))
    return results


def port(bench):
    rows, picture = [], []
    for title, words in chosen():
        names = ["memfisd", "memcached"] + ["floor"] * (title not in HAS_NO_EMPTY)
        servers = {name: bench.Server(name, 1024, threads=1, cpu=0) for name in names}
        for name in ("memfisd", "memcached"):
            servers[name].load(*words, "--load", "-d", 0)

        def run(name):
            more = ["--no-compare", "--prefix", EMPTY_PREFIX.get(title, "key:")] if name == "floor" else []
            return servers[name].load(*words, *more, "-d", bench.seconds)["run"]

        runs = interleaved(servers, bench.rounds, run)
        for server in servers.values():
            server.stop()
        costs = {name: [run["cpu_us_req"] for run in runs[name]] for name in names}
        ratios = sorted(b / a for a, b in zip(costs["memfisd"], costs["memcached"]))
        empty = ""
        if "floor" in costs:
            empty = f"{statistics.median(b / a for a, b in zip(costs['memfisd'], costs['floor'])):.2f}"
        rows.append([title, *(f"{statistics.median(costs[name]):.2f}" for name in ("memfisd", "memcached")),
                     f"{statistics.median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}", empty,
                     sum(run["errors"] for name in names for run in runs[name])])
        picture.append((title, statistics.median(ratios)))
    bench.draw("port", "CPU time for each request: memcached's divided by memfisd's", "longer is better for memfisd",
               picture, 5)
    return bench.table(
        f"CPU time of the server for each request, µs, median of {bench.rounds}", "Benchmarks/bench.py port",
        ["case", "memfisd", "memcached", "ratio", "spread", "empty server / memfisd", "errors"], rows,
        ["One worker on CPU 0, the client on CPU 1. A ratio above 1: memfisd takes less. The empty server stores nothing",
         "and answers the same bytes: the least that a server takes that waits, reads and answers for each connection in turn."])


def latency(bench):
    """99th percentiles with two workers that share both CPUs with the client; requests a second tell who waits for whom."""
    rows = []
    for title, words in chosen():
        servers = {name: bench.Server(name, 1024, threads=2) for name in ("memfisd", "memcached")}
        for server in servers.values():
            server.load(*words, "--load", "-d", 0)
        runs = interleaved(servers, bench.rounds, lambda name: servers[name].load(*words, "-d", bench.seconds)["run"])
        for server in servers.values():
            server.stop()
        ours, theirs = (statistics.median(run["p99_us"] for run in runs[name]) for name in servers)
        rates = (statistics.median(run["rps"] for run in runs[name]) for name in servers)
        rows.append([title, f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}", *(f"{rate:.0f}" for rate in rates)])
    return bench.table(
        f"99th percentile, µs, two workers on both CPUs, median of {bench.rounds}", "Benchmarks/bench.py latency",
        ["case", "memfisd", "memcached", "memfisd / memcached", "memfisd, 1/s", "memcached, 1/s"], rows,
        ["The client asks again as soon as it is answered: a faster server leaves it less idle time."])
