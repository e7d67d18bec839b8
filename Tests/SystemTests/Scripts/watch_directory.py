"""Prints what inotify tells of a directory while a program works in it.

usage: watch_directory.py DIRECTORY
"""

import ctypes
import os
import struct
import subprocess
import sys

NAMES = {0x100: "created", 0x8: "written and closed", 0x40: "moved from", 0x80: "moved to", 0x200: "removed"}

directory = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
watch = libc.inotify_add_watch(descriptor, directory.encode(), sum(NAMES))
if descriptor < 0 or watch < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
subprocess.run(["sh", "-c", "echo x > page; mv page other; rm other"], cwd=directory, check=True)
events = os.read(descriptor, 65536)
while events:
    _, mask, _, length = struct.unpack("iIII", events[:16])
    print(NAMES[mask], events[16 : 16 + length].rstrip(b"\0").decode())
    events = events[16 + length :]
