"""Cuts a log that its writer keeps open, in the ways that rotation does, and checks that the port goes on following it.

usage: log_rotation.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH
"""
import os, subprocess, sys

from page_watch import Port, wait_for

directory, port, prefix, scratch = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
log = directory + "/log"
with open(scratch + "/logrotate.conf", "w") as file:
    file.write("%s {\n  copytruncate\n  rotate 3\n  size 1\n  su root root\n}\n" % log)
os.chmod(scratch + "/logrotate.conf", 0o644)


def shell(line):
    return lambda logger: subprocess.run(["bash", "-c", line], check=True)


ways = [
    ("`: >`", shell(": > %s" % log)),
    ("cp of nothing", shell("cp /dev/null %s" % log)),
    ("truncate -s 0", shell("truncate -s 0 %s" % log)),
    ("truncate(2)", lambda logger: os.truncate(log, 0)),
    ("the logger's own ftruncate(2)", lambda logger: os.ftruncate(logger, 0)),
    ("logrotate", shell("logrotate -f -s %s/state %s/logrotate.conf" % (scratch, scratch))),
]
for has_reader in (False, True):
    for name, cut in ways:
        logger = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        reader = open(log, "rb") if has_reader else None
        shown = Port(port, prefix + "/log")
        os.write(logger, b"before\n")
        wait_for(shown, open(log, "rb").read())
        assert shown.get().endswith(b"before\n")
        cut(logger)
        wait_for(shown, b"")
        os.write(logger, b"after\n")
        wait_for(shown, b"after\n")
        os.write(logger, b"and on\n")
        wait_for(shown, b"after\nand on\n")
        os.close(logger)
        if reader:
            reader.close()
        print(name, "with" if has_reader else "without", "a reader")
