"""The mount beside tmpfs and libfuse's passthrough_ll: the time of whole commands on the same tree, in turns.

Imported by bench.py. Small files run with the filesystem's process and the command on CPU 0, since what it costs to
wake an idle CPU is a matter of the machine, and once more wherever the kernel puts them; so do large files. Before each
command that writes a large file as much memory is touched and freed, since on a virtual machine the host has to give
memory first that nobody has touched lately, and would make whoever comes first the slowest.
"""
import json, mmap, os, statistics, subprocess, tempfile, time

EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
TREE = "/usr/share/doc"


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def warm(length):
    """Makes free memory, `length` bytes of huge pages and as many of small ones, such as the host has given."""
    populate_write = 23  # madvise(2), MADV_POPULATE_WRITE
    with mmap.mmap(-1, length) as huge, mmap.mmap(-1, length) as small:
        huge.madvise(mmap.MADV_HUGEPAGE)
        huge.madvise(populate_write)
        small.madvise(populate_write)


class Mount:
    """A filesystem mounted on `path`; `cpu` pins its process."""

    def __init__(self, name, program, cpu):
        self.name, self.path, self.process = name, tempfile.mkdtemp(prefix=f"bench-{name.split(',')[0]}-"), None
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        if name.startswith("memfisd"):
            self.process = subprocess.Popen(pin + [program, "-p", "-1", "-m", "6000", self.path],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elif name == "FUSE_PASSTHROUGH":
            self.process = subprocess.Popen(pin + [program, self.path])
        else:
            place = self.path
            if name == "passthrough_ll":
                self.backing = place = tempfile.mkdtemp(prefix="bench-backing-")
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", place], check=True)
            if name == "passthrough_ll":
                self.process = subprocess.Popen(pin + [program, "-f", "-o", f"source={place},cache=always", self.path])
        while not os.path.ismount(self.path):
            if self.process and self.process.poll() is not None:
                raise RuntimeError(f"{name} ended with {self.process.returncode} before it was mounted")
            time.sleep(0.05)

    def run(self, command, cpu):
        """Runs `command` by the shell with $M as the mount; returns the seconds it took."""
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        begun = time.monotonic()
        subprocess.run(pin + ["sh", "-ec", command], env={**os.environ, "M": self.path}, check=True,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - begun

    def stop(self):
        subprocess.run(["umount", self.path], check=True)
        if self.process:
            self.process.terminate()
            self.process.wait()
        if self.name == "passthrough_ll":
            subprocess.run(["umount", self.backing], check=True)
            os.rmdir(self.backing)
        os.rmdir(self.path)


def nothing():
    pass


def warm_gigabyte():
    warm(1280 << 20)


def small_cases(source):
    """Title, command, what is done first. They follow one another in each round."""
    return [
        ("cp -a of the tree", f"cp -a {source}/tree $M/copy", nothing),
        ("tar x", f"mkdir $M/tar; tar xf {source}/tree.tar -C $M/tar", nothing),
        ("find and stat, cold", "find $M/copy -printf '%s %T@\\n'", drop_caches),
        ("read all, cold", "find $M/copy -type f -exec cat {} +", drop_caches),
        ("rm -rf", "rm -rf $M/copy", nothing),
        ("rm -rf of the second tree", "rm -rf $M/tar", nothing),
    ]


def large_cases(source):
    return [
        ("cp 1 GiB", f"cp {source}/large $M/large", warm_gigabyte),
        ("read 1 GiB, cold", "dd if=$M/large of=/dev/null bs=1M status=none", drop_caches),
        ("dd 1 GiB, bs=1M", "dd if=/dev/zero of=$M/zero bs=1M count=1024 status=none", warm_gigabyte),
        ("rm 2 GiB", "rm $M/large $M/zero", nothing),
    ]


def measure(cases, programs, rounds, cpu):
    """Rows of seconds."""
    return as_rows(times(cases, programs, rounds, cpu), programs, "{:.3f}")


def times(cases, programs, rounds, cpu):
    """Seconds by case and program. A first round, which is not counted, makes the servers take their memory."""
    mounts = [Mount(name, program, cpu) for name, program in programs.items()]
    seconds_of = {case[0]: {mount.name: [] for mount in mounts} for case in cases}
    for turn in range(rounds + 1):
        for mount in mounts if turn % 2 == 0 else reversed(mounts):
            for title, command, prepare_case in cases:
                prepare_case()
                seconds = mount.run(command, cpu)
                if turn > 0:
                    seconds_of[title][mount.name].append(seconds)
    for mount in mounts:
        mount.stop()
    return seconds_of


def measure_random(programs, rounds):
    """Rows of operations a second of 4 KiB at random places of a file of 256 MiB, past the page cache."""
    mounts = [Mount(name, program, None) for name, program in programs.items()]
    cases = {"random 4 KiB read": "randread", "random 4 KiB write": "randwrite"}
    rates = {title: {mount.name: [] for mount in mounts} for title in cases}
    for mount in mounts:
        mount.run("dd if=/dev/zero of=$M/random bs=1M count=256 status=none", None)
    for turn in range(rounds):
        for mount in mounts if turn % 2 == 0 else reversed(mounts):
            for title, kind in cases.items():
                result = subprocess.run(
                    ["fio", "--name=random", f"--rw={kind}", "--bs=4k", "--direct=1", "--ioengine=psync", "--size=256m",
                     "--time_based", "--runtime=1", "--output-format=json", f"--filename={mount.path}/random"],
                    check=True, capture_output=True, text=True)
                job = json.loads(result.stdout)["jobs"][0]
                rates[title][mount.name].append(job["read" if kind == "randread" else "write"]["iops"])
    for mount in mounts:
        mount.run("rm $M/random", None)
        mount.stop()
    return as_rows(rates, programs, "{:,.0f}")


def as_rows(values, programs, form):
    """The medians, and the medians of the ratios to tmpfs' value of the same round with their spread."""
    rows = []
    for title, by_name in values.items():
        row = [title, *(form.format(statistics.median(by_name[name])) for name in programs)]
        for name in programs:
            if name != "tmpfs":
                ratios = sorted(a / b for a, b in zip(by_name[name], by_name["tmpfs"]))
                row.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        rows.append(row)
    return rows


def prepare():
    """A copy of the tree, a tar archive of it and a file of 1 GiB, on a tmpfs of their own."""
    source = tempfile.mkdtemp(prefix="bench-source-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", source], check=True)
    subprocess.run(["sh", "-ec", f"cp -a {TREE} {source}/tree; tar cf {source}/tree.tar -C {source}/tree .;"
                    f"head -c 1073741824 /dev/urandom > {source}/large"], check=True)
    return source


def forget(source):
    subprocess.run(["umount", source], check=True)
    os.rmdir(source)


def bare_passthrough(tools):
    """The filesystem that leaves its files to the kernel, built."""
    program = os.path.join(tools, "bare_passthrough")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/passthrough.c")
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    return program


def passthrough(tools):
    """libfuse's example, built, or None where its source is not installed."""
    if not os.path.exists(EXAMPLE):
        return None
    program = os.path.join(tools, "passthrough_ll")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-O2", "-o", program, EXAMPLE, *flags], check=True)
    return program
