#!/usr/bin/env python3
"""Shows which cache lines two workers both write while they answer gets of items.

usage: Benchmarks/profile/lines.py    (needs valgrind and .build/release/memfisd; takes some minutes)

The server runs in valgrind's lackey, which tells the address of each write. One connection after the other asks, each is
another worker's, and each for an item of another shard, so whatever lines both phases write are written by two workers.
"""
import os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

import plain

MEMFISD = plain.program()
LINE_BYTES, GETS, RESTING = 64, 300, 200_000
WRITE = re.compile(rb"^ [SM] ([0-9a-f]+),(\d+)$")


class Trace(threading.Thread):
    """Reads what lackey writes, and counts the writes to each line while `lines` is a dictionary."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.lines, self.read = path, None, 0

    def run(self):
        with open(self.path, "rb", 1 << 20) as pipe:
            for text in pipe:
                self.read += 1
                if self.lines is not None and (match := WRITE.match(text)):
                    line = int(match[1], 16) // LINE_BYTES
                    self.lines[line] = self.lines.get(line, 0) + 1

    def settle(self):
        """Waits until what was written so far is read: until a second brings no more than a resting server does by itself."""
        seen = -RESTING
        while self.read - seen >= RESTING:
            seen = self.read
            time.sleep(1)


def get(client, key):
    client.sendall(b"get " + key + b"\r\n")
    answer = b""
    while not answer.endswith(b"END\r\n"):
        answer += client.recv(4096)


def main():
    place = tempfile.mkdtemp(prefix="lines-")
    os.mkfifo(f"{place}/trace")
    trace = Trace(f"{place}/trace")
    trace.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["valgrind", "--tool=lackey", "--trace-mem=yes", "--basic-counts=no", f"--log-file={place}/trace", MEMFISD,
         "-p", str(port), "-l", "127.0.0.1", "-t", "2", "--all-threads", "-m", "64", "-u", "root"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    clients = []
    while len(clients) < 2:
        try:
            clients.append(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            time.sleep(0.5)
    keys = [b"first", b"second"]
    for client, key in zip(clients, keys):
        client.sendall(b"set " + key + b" 0 0 100\r\n" + b"x" * 100 + b"\r\n")
        client.recv(64)
        for _ in range(5):
            get(client, key)
    # What other threads write from time to time is none of the workers'.
    trace.settle()
    trace.lines = {}
    time.sleep(5)
    resting = set(trace.lines)
    phases = []
    for client, key in zip(clients, keys):
        trace.settle()
        trace.lines = {}
        for _ in range(GETS):
            get(client, key)
        trace.settle()
        phases.append({line for line, count in trace.lines.items() if count >= GETS // 2} - resting)
        trace.lines = None
    server.send_signal(signal.SIGTERM)
    server.wait()
    subprocess.run(["rm", "-r", place], check=True)
    first, second = phases
    for name, lines in (("first", first), ("second", second)):
        print(f"lines that the {name} worker writes for every get: {len(lines)}")
        for line in sorted(lines):
            print(f"  {line * LINE_BYTES:#x}")
    both = first & second
    print(f"written by both: {len(both)}", *(f"{line * LINE_BYTES:#x}" for line in sorted(both)))
    sys.exit(1 if both else 0)


try:
    main()
finally:
    shutil.rmtree(os.path.dirname(MEMFISD))
