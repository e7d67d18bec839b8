"""Fetches every file of a source tree through nginx and compares.

usage: fetch_tree.py SOURCE PORT URL_PREFIX [gone]

What is expected comes from the source alone: the kernel opens each name there
as the user nobody with openat2(RESOLVE_BENEATH), so that permissions and
symlinks are judged by Linux and a link that leaves the tree is refused. A name
that opens as a regular file must be a 200 with the same SHA-256, any other a
404. With `gone` everything must be a 404.
"""
import ctypes
import hashlib
import http.client
import os
import stat
import sys
import urllib.parse

source, port, prefix = os.fsencode(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
gone = sys.argv[4:] == ["gone"]
if os.getuid() == 0:
    os.setgroups([65534])
    os.setgid(65534)
    os.setuid(65534)

libc = ctypes.CDLL(None, use_errno=True)
OPENAT2, RESOLVE_BENEATH = 437, 0x08


class OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


root = os.open(source, os.O_RDONLY | os.O_DIRECTORY)


def digest_of_source(path):
    """The SHA-256 and size of what `path` opens as; None when it is no readable regular file of the tree."""
    how = OpenHow(os.O_RDONLY | os.O_NONBLOCK, 0, RESOLVE_BENEATH)
    fd = libc.syscall(OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how))
    if fd < 0:
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with open(fd, "rb") as file:
        body = file.read()
        return hashlib.sha256(body).digest(), len(body)


names = []
for directory, directories, files in os.walk(source):
    for name in files + [d for d in directories if os.path.islink(os.path.join(directory, d))]:
        names.append(os.path.relpath(os.path.join(directory, name), source))

connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
hits = misses = size = links = 0
wrong = []
for name in names:
    expected = None if gone else digest_of_source(name)
    connection.request("GET", prefix + "/" + urllib.parse.quote(name))
    answer = connection.getresponse()
    body = answer.read()
    if os.path.islink(os.path.join(source, name)):
        links += 1
    if expected is None:
        misses += 1
        if answer.status != 404:
            wrong.append((name, "expected 404", answer.status, len(body)))
    else:
        hits += 1
        size += len(body)
        if answer.status != 200 or (hashlib.sha256(body).digest(), len(body)) != expected:
            wrong.append((name, "expected 200 and %d bytes" % expected[1], answer.status, len(body)))
print("fetched %d names of %s: %d hits, %d 404s, %d bytes; %d symlinks; %d wrong"
      % (len(names), os.fsdecode(source), hits, misses, size, links, len(wrong)))
for line in wrong[:20]:
    print("wrong:", *line)
sys.exit(1 if wrong else 0)
