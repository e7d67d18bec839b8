#!/usr/bin/env python3
"""Counts what one get costs in instructions, of items and of files, and which of them lock the bus.

usage: Benchmarks/profile/hotpath.py    (needs valgrind, objdump and .build/release/memfisd)

CASE=WORDS in the environment runs those cases alone that have the words in their title.

The server runs in callgrind, which counts each instruction it carries out in user mode while the client sends one get
after another; objdump tells which of them are atomic (a `lock` prefix, or `xchg` with memory). The kernel's work is not
in it. The count does not depend on what else the machine does.
"""
import collections, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

import plain

MEMFISD = plain.program()
GETS = 5000
# Keys of 48 bytes, and the sizes of the values in bytes; files lie four directories deep.
ITEM = b"item:///h/one/two/three/four/0000000000000000001"
FILE = b"memfis://h/one/two/three/four/000000000000000001"
CASES = {"an item of 100 bytes": (ITEM, 100), "a file of 100 bytes": (FILE, 100), "an item of 1 KiB": (ITEM, 1024),
         "a file of 1 KiB": (FILE, 1024), "an item of 100 KiB": (ITEM, 102400), "a file of 100 KiB": (FILE, 102400)}
ATOMIC = re.compile(r"\block\b|\bxchg\b.*\(")


def control(switch, pid):
    subprocess.run(["callgrind_control", "-i", switch, str(pid)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def counted(path):
    """Instruction counts by object and address of a dump that was made with --dump-instr=yes."""
    counts, names, objects, place = collections.Counter(), {}, {}, 0
    current, function, isCall = "", "", False
    for line in open(path):
        if match := re.match(r"(c?ob|c?fn)=\((\d+)\) ?(.*)", line):
            kind, number, name = match.groups()
            known = objects if kind.endswith("ob") else names
            if name:
                known[number] = name.strip()
            # Numbers stand for names that were given before, the callee's too.
            if kind == "ob":
                current = known[number]
            elif kind == "fn":
                function = known[number]
        elif line.startswith("calls="):
            isCall = True
        elif line[0] in "0+-*" and len(fields := line.split()) >= 3:
            step = fields[0]
            place = place if step == "*" else place + int(step, 16) if step[0] in "+-" else int(step, 16)
            # The line behind a call has what the callee cost.
            if not isCall:
                counts[current, function, place] += int(fields[2])
            isCall = False
    return counts


def atomic_addresses(path):
    output = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True).stdout
    return {int(line.split(":", 1)[0], 16) for line in output.splitlines() if ":\t" in line and ATOMIC.search(line)}


def measure(key, size):
    place = tempfile.mkdtemp(prefix="hotpath-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["valgrind", "--tool=callgrind", "--dump-instr=yes", "--instr-atstart=no",
         f"--callgrind-out-file={place}/out", MEMFISD, "-p", str(port), "-l", "127.0.0.1", "-t", "1", "-m", "64", "-u", "root",
         "--prefix", "memfis://h=/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.1)
    client.sendall(b"set " + key + b" 0 0 %d\r\n" % size + b"x" * size + b"\r\n")
    if client.recv(64) != b"STORED\r\n":
        raise RuntimeError("the server did not store " + key.decode())

    def get(count):
        for _ in range(count):
            client.sendall(b"get " + key + b"\r\n")
            left = len(b"VALUE %s 0 %d\r\n\r\nEND\r\n" % (key, size)) + size
            while left > 0:
                left -= len(client.recv(1 << 20))

    get(200)
    control("on", server.pid)
    get(GETS)
    control("off", server.pid)
    server.send_signal(signal.SIGTERM)
    server.wait()
    counts = counted(f"{place}/out")
    subprocess.run(["rm", "-r", place], check=True)
    return counts


def show(kind):
    counts = measure(*CASES[kind])
    atomic = {path: atomic_addresses(path) for path in {key[0] for key in counts} if os.path.exists(path)}
    total, locked, by_function = 0, collections.Counter(), collections.Counter()
    for (path, function, address), count in counts.items():
        total += count
        by_function[function] += count
        # A position-independent program is loaded at an offset that is a multiple of a page.
        if any(address - base in atomic.get(path, ()) for base in (0, 0x108000, 0x400000, 0x4000000)):
            locked[function] += count
    print(f"instructions for each get of {kind}, user mode: {total / GETS:.0f}")
    for function, count in by_function.most_common(12):
        print(f"  {count / GETS:7.1f}  {function[:90]}")
    print("atomic instructions for each get:")
    for function, count in locked.most_common(12):
        print(f"  {count / GETS:7.2f}  {function[:90]}")


try:
    for kind in CASES:
        if os.environ.get("CASE", "") in kind:
            show(kind)
finally:
    shutil.rmtree(os.path.dirname(MEMFISD))
