"""Writes a large file on a mount, checks every byte on the mount and on the port, changes parts of it, cuts and removes it.

usage: large_file.py DIRECTORY PORT KEY_PREFIX MEBIBYTES

Each mebibyte follows from its number, so that one at a wrong place is found. Prints `done` and what was compared.
"""

import os
import random
import socket
import subprocess
import sys
import time

MIB = 1 << 20
directory, port, prefix, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
path, copied = os.path.join(directory, "large"), os.path.join(directory, "copied")
noise = random.Random(1).randbytes(MIB)
compared = 0


def block(number):
    turn = number * 7919 % MIB
    return noise[turn:] + noise[:turn]


def ask(text, end=b"END\r\n"):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(text.encode() + b"\r\n")
        answer = b""
        while not answer.endswith(end):
            answer += connection.recv(65536)
    return answer.decode()


def used():
    """Bytes of memory that hold something, and those that files take."""
    lines = dict(line.split(" ")[1:] for line in ask("stats memfis").splitlines() if line.startswith("STAT "))
    return int(lines["memory_used_bytes"]), int(lines["file_bytes"])


def same(found, wanted, at):
    global compared
    compared += len(found)
    if found != wanted:
        sys.exit("other bytes at %d, %d of them" % (at, len(found)))


def check_mount(name, size, changes):
    """Reads with a cold cache."""
    file = os.open(name, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    assert os.fstat(file).st_size == size, os.fstat(file).st_size
    for number in range((size + MIB - 1) // MIB):
        wanted = changed(number, changes)[: size - number * MIB]
        same(os.pread(file, MIB, number * MIB), wanted, number * MIB)
    assert os.pread(file, 1, size) == b""
    os.close(file)


def check_port(name, size, changes):
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answer:
        connection.sendall(b"get %s/%s\r\n" % (prefix.encode(), name.encode()))
        head = answer.readline()
        assert head == b"VALUE %s/%s 0 %d\r\n" % (prefix.encode(), name.encode(), size), head
        for number in range((size + MIB - 1) // MIB):
            wanted = changed(number, changes)[: size - number * MIB]
            same(answer.read(len(wanted)), wanted, number * MIB)
        assert answer.readline() == b"\r\n" and answer.readline() == b"END\r\n"


def check_lengths(name, size):
    """Asks in both forms for a file that is too long to be fetched here, and hangs up."""
    key = "%s/%s" % (prefix, name)
    for request, wanted in [
        ("get " + key, "VALUE %s 0 %d\r\n" % (key, size)),
        ("mg %s s v" % key, "VA %d s%d\r\n" % (size, size)),
    ]:
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answer:
            connection.sendall(request.encode() + b"\r\n")
            head = answer.readline()
            assert head == wanted.encode(), head
            assert answer.read(2 * MIB) == bytes(2 * MIB)


def changed(number, changes):
    bytes_ = bytearray(block(number))
    for at, new in changes:
        start = at - number * MIB
        if -len(new) < start < MIB:
            part = new[max(0, -start) : MIB - start]
            bytes_[max(0, start) : max(0, start) + len(part)] = part
    return bytes(bytes_)


with open(path, "wb") as sparse:
    sparse.truncate((1 << 32) + 12345)
check_lengths("large", (1 << 32) + 12345)
os.unlink(path)

before = used()
size = count * MIB
with subprocess.Popen(["dd", "of=" + path, "bs=1M", "status=none"], stdin=subprocess.PIPE) as writer:
    for number in range(count):
        writer.stdin.write(block(number))
assert writer.returncode == 0
check_mount(path, size, [])
check_port("large", size, [])

# A copy inside of the mount shares the memory, and keeps its bytes while the first is changed.
subprocess.run(["cp", path, copied], check=True)
assert used()[0] < before[0] + size * 5 // 4, (before, used())
random_ = random.Random(2)
changes = [(0, b"first"), (size // 2 - 3, b"middle"), (size - 4, b"last")]
changes += [(random_.randrange(size - 100_000), random_.randbytes(random_.randrange(1, 100_000))) for _ in range(50)]
file = os.open(path, os.O_WRONLY)
for at, new in changes:
    assert os.pwrite(file, new, at) == len(new)
os.close(file)
check_mount(path, size, changes)
check_port("large", size, changes)
check_mount(copied, size, [])
check_port("copied", size, [])

for part in [size - 5, size // 2 + 1, size // 4, 3]:
    os.truncate(path, part)
    check_mount(path, part, changes)
    check_port("large", part, changes)
os.truncate(copied, size // 3)
check_port("copied", size // 3, [])
os.unlink(path)
os.unlink(copied)
for _ in range(3000):
    after = used()
    if after[0] <= before[0] + max(8 * MIB, size // 100) and after[1] <= before[1] + MIB:
        break
    time.sleep(0.01)
else:
    sys.exit("memory did not return: %s, then %s" % (before, after))
print("done: %d MiB compared" % (compared // MIB))
