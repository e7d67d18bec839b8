"""The mount beside tmpfs and libfuse's passthrough_ll: the time of whole commands on the same tree, in turns.

Imported by bench.py. Small files run with the filesystem's process and the command on CPU 0, since what it costs to
wake an idle CPU is a matter of the machine; large files run wherever the kernel puts them.
"""
import os, statistics, subprocess, tempfile, time

EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
TREE = "/usr/share/doc"


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


class Mount:
    """A filesystem mounted on `path`; `cpu` pins its process."""

    def __init__(self, name, program, cpu):
        self.name, self.path, self.process = name, tempfile.mkdtemp(prefix=f"bench-{name}-"), None
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        if name == "memfisd":
            self.process = subprocess.Popen(pin + [program, "-p", "-1", "-m", "6000", self.path],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def small_cases(source):
    """Title, command, whether the caches are dropped first. They follow one another in each round."""
    return [
        ("cp -a of the tree", f"cp -a {source}/tree $M/copy", False),
        ("tar x", f"mkdir $M/tar; tar xf {source}/tree.tar -C $M/tar", False),
        ("find and stat, cold", "find $M/copy -printf '%s %T@\\n'", True),
        ("read all, cold", "find $M/copy -type f -exec cat {} +", True),
        ("rm -rf", "rm -rf $M/copy", False),
        ("rm -rf of the second tree", "rm -rf $M/tar", False),
    ]


def large_cases(source):
    return [
        ("cp 1 GiB", f"cp {source}/large $M/large", False),
        ("read 1 GiB, cold", "dd if=$M/large of=/dev/null bs=1M status=none", True),
        ("dd 1 GiB, bs=1M", "dd if=/dev/zero of=$M/zero bs=1M count=1024 status=none", False),
        ("rm 2 GiB", "rm $M/large $M/zero", False),
    ]


def measure(cases, programs, rounds, cpu):
    mounts = [Mount(name, program, cpu) for name, program in programs.items()]
    times = {case[0]: {mount.name: [] for mount in mounts} for case in cases}
    for turn in range(rounds):
        for mount in mounts if turn % 2 == 0 else reversed(mounts):
            for title, command, cold in cases:
                if cold:
                    drop_caches()
                times[title][mount.name].append(mount.run(command, cpu))
    for mount in mounts:
        mount.stop()
    rows = []
    for title, by_name in times.items():
        median = {name: statistics.median(values) for name, values in by_name.items()}
        row = [title, *(f"{median[name]:.3f}" for name in programs)]
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


def passthrough(tools):
    """libfuse's example, built, or None where its source is not installed."""
    if not os.path.exists(EXAMPLE):
        return None
    program = os.path.join(tools, "passthrough_ll")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-O2", "-o", program, EXAMPLE, *flags], check=True)
    return program
