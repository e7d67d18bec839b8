"""Replaces a page in the ways that programs do, while somebody else keeps it open, and checks that the port shows the old page or
the new one, whole, and the new one in the end.

usage: held_page.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH HOLDER [only-children]

A program that is stopped in the middle reads from a FIFO there: when this script has opened the other end, the program has got
so far, and goes on when it is closed. only-children: only the ways in which several processes or threads have the file open.
"""
import errno, os, subprocess, sys

from page_watch import Cases, Port, Watch, begin, check_seen, held, wait_for, wait_until

directory, port, prefix, scratch, holder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
only_children = sys.argv[6:] == ["only-children"]
page, gate, source = directory + "/page", scratch + "/gate", scratch + "/new/page"
inside = directory + "/source"
old = b"old page\n" * 2000
new = b"new page\n" * 30000
os.mkdir(scratch + "/new")
os.mkfifo(gate, 0o666)
for path in (source, inside):
    with open(path, "wb") as file:
        file.write(new)
subprocess.run(["tar", "-cf", scratch + "/new.tar", "-C", scratch + "/new", "page"], check=True)
with open(scratch + "/Makefile", "w") as file:
    file.write("page:\n\t@(echo head; cat %s; read x < %s; echo foot) > %s\n.PHONY: page\n" % (source, gate, page))

framed = b"head\n" + new + b"foot\n"
children = b"head\nchild\nfoot\n"


def shell(line):
    for name, path in (("PAGE", page), ("NEW", source), ("INSIDE", inside), ("GATE", gate)):
        line = line.replace(name, path)
    return ["bash", "-c", line]


def python(text):
    return [sys.executable, "-c", text, page, source, gate, inside]


alone = [
    ("`: >`", shell(": > PAGE"), b""),
    ("cp of nothing", shell("cp /dev/null PAGE"), b""),
    ("truncate -s 0", shell("truncate -s 0 PAGE"), b""),
    ("truncate(2)", python("import os, sys; os.truncate(sys.argv[1], 0)"), b""),
    ("cp", shell("cp NEW PAGE"), new),
    ("cp inside of the mount", shell("cp INSIDE PAGE"), new),
    ("cp after a remove", shell("cp --remove-destination NEW PAGE.new && mv PAGE.new PAGE"), new),
    ("cat >", shell("cat NEW > PAGE"), new),
    ("tee", shell("tee PAGE < NEW > /dev/null"), new),
    ("dd", shell("dd if=NEW of=PAGE bs=1000 status=none"), new),
    ("dd conv=notrunc", shell("dd if=NEW of=PAGE bs=10000 conv=notrunc status=none"), new),
    ("tar --overwrite", shell("tar -xf %s/new.tar -C %s --overwrite" % (scratch, directory)), new),
    ("rsync --inplace", shell("rsync --inplace --ignore-times NEW PAGE"), new),
    ("rsync", shell("rsync --ignore-times NEW PAGE"), new),
    ("copy_file_range", python(
        "import os, sys\n"
        "source = os.open(sys.argv[4], os.O_RDONLY)\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "while os.copy_file_range(source, file, 100000): pass"), new),
    ("a mapping", python(
        "import mmap, os, sys\n"
        "new = open(sys.argv[2], 'rb').read()\n"
        "file = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)\n"
        "os.ftruncate(file, len(new))\n"
        "with mmap.mmap(file, len(new)) as map: map[:] = new\n"
        "os.close(file)"), new),
]

# Each is met in the middle.
several = [
    ("a group with a child that ends first",
     shell("{ echo head; /bin/echo child; read x < GATE; echo foot; } > PAGE"), children),
    ("a group whose errors go there too",
     shell("{ echo head; sh -c 'echo child >&2'; read x < GATE; echo foot; } > PAGE 2>&1"), children),
    ("a group in the background", shell("{ echo head; /bin/echo child; read x < GATE; echo foot; } > PAGE &"), children),
    ("a subshell", shell("(echo head; cat NEW; read x < GATE; echo foot) > PAGE"), framed),
    ("a pipeline in a subshell", shell("(echo head; cat NEW | cat; read x < GATE; echo foot) > PAGE"), framed),
    ("a script whose output goes there", shell("exec > PAGE; echo head; /bin/echo child; read x < GATE; echo foot"), children),
    ("make", ["make", "-s", "-C", scratch, "page"], framed),
    ("perl's system", [
        "perl", "-e", 'open(STDOUT, ">", $ARGV[0]); $| = 1; print "head\\n"; system("/bin/echo", "child"); '
        'open(GATE, "<", $ARGV[1]); <GATE>; print "foot\\n"; close(STDOUT)', page, gate], children),
    ("a child that writes after its parent has closed", python(
        "import subprocess, sys\n"
        "line = 'echo head; /bin/echo child; read x < ' + sys.argv[3] + '; echo foot'\n"
        "with open(sys.argv[1], 'w') as file: child = subprocess.Popen(['sh', '-c', line], stdout=file)\n"
        "child.wait()"), children),
    ("a child between two writes of its parent", python(
        "import subprocess, sys\n"
        "with open(sys.argv[1], 'wb', buffering=0) as file:\n"
        "    file.write(b'head\\n'); subprocess.run(['cat', sys.argv[2]], stdout=file)\n"
        "    open(sys.argv[3]).read(); file.write(b'foot\\n')"), framed),
    ("a child that writes after its parent has ended", python(
        "import os, sys\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "if os.fork(): os._exit(0)\n"
        "os.write(file, b'head\\nchild\\n'); open(sys.argv[3]).read(); os.write(file, b'foot\\n'); os.close(file)"),
     children),
    ("children that write one after another and close", python(
        "import os, sys\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "for text in (b'head\\n', b'child\\n', b'foot\\n'):\n"
        "    if text == b'foot\\n': open(sys.argv[3]).read()\n"
        "    child = os.fork()\n"
        "    if child == 0: os.write(file, text); os.close(file); os._exit(0)\n"
        "    os.waitpid(child, 0)"), children),
    ("threads that open, write and close", python(
        "import os, sys, threading\n"
        "files = []\n"
        "def run(body):\n"
        "    thread = threading.Thread(target=body); thread.start(); thread.join()\n"
        "run(lambda: files.append(os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)))\n"
        "run(lambda: os.write(files[0], b'head\\nchild\\n'))\n"
        "open(sys.argv[3]).read()\n"
        "run(lambda: os.write(files[0], b'foot\\n'))\n"
        "run(lambda: os.close(files[0]))"), children),
    ("two writers, of which one ends first", python(
        "import os, sys\n"
        "first = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "os.write(first, b'head\\n')\n"
        "if os.fork() == 0:\n"
        "    second = os.open(sys.argv[1], os.O_WRONLY); os.close(second); os._exit(0)\n"
        "os.wait(); open(sys.argv[3]).read()\n"
        "os.write(first, b'child\\nfoot\\n'); os.close(first)"), children),
]


def open_gate():
    """The end of the FIFO through which the program is let go on; it waits there when this returns."""
    opened = []

    def attempt():
        try:
            opened.append(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
            return True
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return False

    wait_until(attempt, "a program to get to its middle")
    return opened[0]


def check(command, expected, has_middle):
    shown = Port(port, prefix + "/page")
    begin(page, shown, old)
    with held(page, holder):
        watch = Watch(port, prefix + "/page")
        try:
            program = subprocess.Popen(command)
            if has_middle:
                end = open_gate()
                watch.more(30)
                seen = list(watch.seen.values())
                os.close(end)
            status = program.wait(20)
            wait_for(shown, expected)
        finally:
            check_seen(watch.end(), old, expected)
    if has_middle:
        check_seen(seen, old)
    assert status == 0, "status %d" % status
    shown.close()


cases = Cases()
for name, command, expected in several:
    cases.run(name, check, command, expected, True)
for name, command, expected in [] if only_children else alone:
    cases.run(name, check, command, expected, False)
cases.end("ways to replace a page, held by " + holder)
