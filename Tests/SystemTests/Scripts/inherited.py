"""Writers whose descriptors other processes close in the middle; watched through the port.

usage: inherited.py PAGE PORT KEY

Each close by a process makes the kernel flush the file. A fetcher may only ever
see the whole old page or the whole new one.
"""
import os
import socket
import subprocess
import sys
import threading
import time

page, port, key = sys.argv[1], int(sys.argv[2]), sys.argv[3]
body = page + ".body"
with open(body, "wb") as file:
    file.write(b"body\n" * 20_000)
whole = open(body, "rb").read()
seen = set()
stop = False


def fetch(connection):
    connection.sendall(("get %s\r\n" % key).encode())
    reply = b""
    while not (reply == b"END\r\n" or reply.endswith(b"\r\nEND\r\n")):
        piece = connection.recv(1 << 20)
        if not piece:
            sys.exit("the server closed the connection")
        reply += piece
    if reply == b"END\r\n":
        return None
    head, _, rest = reply.partition(b"\r\n")
    return rest[:int(head.split()[3])]


def watch():
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not stop:
            seen.add(fetch(connection))


def check(name, old, new, action):
    global stop
    seen.clear()
    stop = False
    watcher = threading.Thread(target=watch)
    watcher.start()
    time.sleep(0.1)
    action()
    # RELEASE follows the last close within microseconds; a second is far beyond it.
    with socket.create_connection(("127.0.0.1", port)) as connection:
        end = time.monotonic() + 1
        while fetch(connection) != new and time.monotonic() < end:
            pass
        final = fetch(connection)
    stop = True
    watcher.join()
    strange = {len(x) if x is not None else x for x in seen - {old, new}}
    if final != new or strange:
        sys.exit("%s: final page %s, also seen (bytes): %r"
                 % (name, "right" if final == new else "wrong: %r bytes" % (final and len(final)), strange))
    print("%s: only whole pages seen" % name)


def shell(line):
    return lambda: subprocess.run(["bash", "-c", line], check=True)


with open(page, "wb") as file:
    file.write(b"old page\n")
check("cat over a page", b"old page\n", whole, shell("cat %s > %s" % (body, page)))
joined = b"head\n" + whole + b"foot\n"
check("a group of commands", whole, joined,
      shell("(echo head; sleep 0.2; cat %s; sleep 0.2; echo foot) > %s" % (body, page)))


def with_child():
    with open(page, "wb", buffering=0) as file:
        file.write(b"first\n")
        subprocess.run(["cat", body], stdout=file, check=True)
        time.sleep(0.3)
        file.write(b"last\n")


check("a child between two writes", joined, b"first\n" + whole + b"last\n", with_child)
os.remove(page)
check("a new file", None, joined, shell("(echo head; sleep 0.2; cat %s; sleep 0.2; echo foot) > %s" % (body, page)))
