"""This build beside another one, in turns: what a change costs, or brings.

Imported by bench.py, which lends each scenario its `bench`. Ratios are this build's cost divided by the other's, so what
is below 1 got better.
"""
import statistics

from . import mounts
from .doors import KEY_WORDS, key_load
from .port import chosen, interleaved

COMMAND = "Benchmarks/bench.py --against OTHER"
THIS, OTHER = "this build", "the other"


def programs(bench):
    return {THIS: bench.program, OTHER: bench.against}


def in_both_orders(bench, measure):
    """What `measure(programs, rounds)` gives, half of the rounds with each build started first: which memory a process gets
    from the machine, and keeps, depends on that."""
    values = {}
    for order in (list, reversed):
        started = {name: programs(bench)[name] for name in order((THIS, OTHER))}
        for key, by_name in measure(started, (bench.rounds + 1) // 2).items():
            for name, all in by_name.items():
                values.setdefault(key, {}).setdefault(name, []).extend(all)
    return values


def ratio(these, others):
    """The median of the ratios of each round, and their spread."""
    ratios = sorted(a / b for a, b in zip(these, others))
    return [f"{statistics.median(ratios):.3f}", f"{ratios[0]:.3f} to {ratios[-1]:.3f}"]


def row(title, values, form="{:.2f}"):
    return [title, *(form.format(statistics.median(values[name])) for name in (THIS, OTHER)), *ratio(values[THIS], values[OTHER])]


def head(unit):
    return ["case", f"{THIS}, {unit}", f"{OTHER}, {unit}", "ratio", "spread"]


def port(bench):
    def measure(programs, rounds):
        costs = {}
        for title, words in chosen():
            servers = {name: bench.Server("memfisd", 1024, threads=1, cpu=0, program=program)
                       for name, program in programs.items()}
            for server in servers.values():
                server.load(*words, "--load", "-d", 0)
            costs[title] = interleaved(servers, rounds,
                                       lambda name: servers[name].load(*words, "-d", bench.seconds)["run"]["cpu_us_req"])
            for server in servers.values():
                server.stop()
        return costs

    rows = [row(title, costs) for title, costs in in_both_orders(bench, measure).items()]
    return bench.table(f"CPU time of the server for each request, median of {bench.rounds}", f"{COMMAND} port", head("µs"), rows)


def items(bench):
    rows = []
    for title, values in (("20 + 64 bytes", "64"), ("20 + 10, 64, 500 bytes", "10,64,500")):
        bytes_each = {}
        for name, program in programs(bench).items():
            server = bench.Server("memfisd", 4096, program=program)
            empty = server.status()["VmRSS"]
            server.load("-k", "5000000", "-s", values, "--load", "-c", 16, "-d", 0)
            bytes_each[name] = [(server.status()["VmRSS"] - empty) * 1024 / 5_000_000]
            server.stop()
        rows.append(row(title, bytes_each, "{:.1f}"))
    return bench.table("Memory of 5 million items, -m 4096", f"{COMMAND} items", head("bytes an item"), rows)


def filekey(bench):
    def measure(programs, rounds):
        servers = {name: bench.Server("memfisd", 1024, threads=1, cpu=0, more=["--prefix", "memfis://h=/"], program=program)
                   for name, program in programs.items()}
        costs = {}
        for kind in KEY_WORDS:
            for server in servers.values():
                key_load(server, kind, "--load", "-d", 0)
            costs[kind] = interleaved(servers, rounds,
                                      lambda name: key_load(servers[name], kind, "-d", bench.seconds)["run"]["cpu_us_req"])
        for server in servers.values():
            server.stop()
        return costs

    rows = [row(kind, costs) for kind, costs in in_both_orders(bench, measure).items()]
    return bench.table(f"CPU time of a get, median of {bench.rounds}", f"{COMMAND} filekey", head("µs"), rows)


def mount(bench):
    source = mounts.prepare()
    try:
        rows = []
        for cases, cpu in ((mounts.small_cases(source), 0), (mounts.large_cases(source), None)):
            def measure(programs, rounds):
                named = {f"memfisd, {name}": program for name, program in programs.items()}
                return {title: {name.removeprefix("memfisd, "): seconds for name, seconds in by_name.items()}
                        for title, by_name in mounts.times(cases, named, rounds, cpu).items()}

            rows += [row(title, seconds, "{:.3f}") for title, seconds in in_both_orders(bench, measure).items()]
    finally:
        mounts.forget(source)
    return bench.table(f"Commands on the mount, small files on CPU 0, median of {bench.rounds}", f"{COMMAND} mount",
                       head("s"), rows)
