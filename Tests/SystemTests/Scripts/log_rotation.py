"""Cuts a log that its writer keeps open, in the ways that rotation does, and checks that the port goes on following it.

usage: log_rotation.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH HOLDER
"""
import os, subprocess, sys

from page_watch import Cases, Port, Watch, held, short, wait_for

directory, port, prefix, scratch, holder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
log, rotated = directory + "/log", scratch + "/rotated"
os.mkdir(rotated)
with open(scratch + "/logrotate.conf", "w") as file:
    file.write("%s {\n  copytruncate\n  rotate 3\n  size 1\n  su root root\n}\n" % log)
os.chmod(scratch + "/logrotate.conf", 0o644)


def shell(line):
    line = line.replace("LOG", log).replace("SCRATCH", scratch).replace("ROTATED", rotated)
    return lambda logger: subprocess.run(["bash", "-c", line], check=True)


def cut_and_close(logger):
    file = os.open(log, os.O_RDWR)
    os.ftruncate(file, 0)
    os.close(file)


class Descriptor:
    """A program that keeps the log open with O_APPEND."""
    name = "a program"

    def __init__(self):
        self.file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, text):
        os.write(self.file, text)

    def close(self):
        os.close(self.file)


class Tee(Descriptor):
    """At the end of a server's pipe."""
    name = "tee -a"

    def __init__(self):
        self.program = subprocess.Popen(["tee", "-a", log], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def write(self, text):
        self.program.stdin.write(text)
        self.program.stdin.flush()

    def close(self):
        self.program.stdin.close()
        self.program.wait()


class Shell(Tee):
    """Its children write too."""
    name = "a loop of a shell's"

    def __init__(self):
        line = 'while read line; do [ "$line" = "and on" ] && /bin/echo "$line" || echo "$line"; done >> ' + log
        self.program = subprocess.Popen(["bash", "-c", line], stdin=subprocess.PIPE)


ways = [
    ("cp of nothing", shell("cp /dev/null LOG")),
    ("cp and `: >`", shell("cp LOG ROTATED/log.1 && : > LOG")),
    ("truncate -s 0", shell("truncate -s 0 LOG")),
    ("truncate(2)", lambda logger: os.truncate(log, 0)),
    ("ftruncate(2)", cut_and_close),
    ("the logger's own ftruncate(2)", lambda logger: os.ftruncate(logger.file, 0)),
    ("`: >`", shell(": > LOG")),
    ("logrotate", shell("logrotate -f -s SCRATCH/state SCRATCH/logrotate.conf")),
]


def check(kind, cut):
    if os.path.exists(log):
        os.unlink(log)
    open(log, "w").close()
    logger, shown = kind(), Port(port, prefix + "/log")
    before, after = b"before\n", b""
    logger.write(before)
    wait_for(shown, before)
    with held(log, holder):
        watch = Watch(port, prefix + "/log")
        try:
            cut(logger)
            wait_for(shown, b"")
            for line in (b"after\n", b"and on\n"):
                logger.write(line)
                after += line
                wait_for(shown, after)
        finally:
            seen = watch.end()
            logger.close()
    wait_for(shown, after)
    strange = [value for value in seen if value not in (before, b"") and (value is None or not after.startswith(value))]
    assert not strange, "seen " + ", ".join(map(short, strange))
    shown.close()


cases = Cases()
for kind, some in ((Descriptor, ways), (Tee, ways[-2:]), (Shell, ways[-2:])):
    for name, cut in some:
        cases.run("%s while the logger is %s" % (name, kind.name), check, kind, cut)
cases.end("ways to cut a log, held by " + holder)
