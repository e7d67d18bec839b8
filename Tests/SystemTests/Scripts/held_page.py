"""Replaces a page in the ways that programs do, with and without a reader that keeps it open, and checks that the port shows the
old page or the new one, whole, and the new one in the end.

usage: held_page.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH
"""
import os, subprocess, sys

from page_watch import Port, Watch, begin, short, wait_for

directory, port, prefix, scratch = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
page = directory + "/page"
old = b"old page\n" * 2000
new = b"new page\n" * 30000
source = scratch + "/new/page"
os.makedirs(scratch + "/new", exist_ok=True)
with open(source, "wb") as file:
    file.write(new)
subprocess.run(["tar", "-cf", scratch + "/new.tar", "-C", scratch + "/new", "page"], check=True)
with open(scratch + "/Makefile", "w") as file:
    file.write("page:\n\t@(echo head; sleep 0.2; cat %s; echo foot) > %s\n.PHONY: page\n" % (source, page))

framed = b"head\n" + new + b"foot\n"
children = b"head\nchild\nfoot\n"


def shell(line):
    return lambda: subprocess.run(["bash", "-c", line], check=True)


def python(text):
    return lambda: subprocess.run([sys.executable, "-c", text, page, source], check=True)


cases = [
    ("`: >`", shell(": > %s" % page), b""),
    ("cp of nothing", shell("cp /dev/null %s" % page), b""),
    ("truncate -s 0", shell("truncate -s 0 %s" % page), b""),
    ("cp", shell("cp %s %s" % (source, page)), new),
    ("cp after a remove", shell("cp --remove-destination %s %s.new && mv %s.new %s" % (source, page, page, page)), new),
    ("cat >", shell("cat %s > %s" % (source, page)), new),
    ("tee", shell("tee %s < %s > /dev/null" % (page, source)), new),
    ("dd", shell("dd if=%s of=%s bs=1000 status=none" % (source, page)), new),
    ("tar --overwrite", shell("tar -xf %s/new.tar -C %s --overwrite" % (scratch, directory)), new),
    ("rsync --inplace", shell("rsync --inplace --ignore-times %s %s" % (source, page)), new),
    ("rsync", shell("rsync --ignore-times %s %s" % (source, page)), new),
    ("a group with a child that ends first",
     shell("{ echo head; /bin/echo child; sleep 0.2; echo foot; } > %s" % page), children),
    ("a subshell", shell("(echo head; cat %s; sleep 0.2; echo foot) > %s" % (source, page)), framed),
    ("make", shell("make -s -C %s page" % scratch), framed),
    ("perl's system", lambda: subprocess.run(
        ["perl", "-e", 'open(STDOUT, ">", $ARGV[0]); $| = 1; print "head\\n"; system("/bin/echo child; sleep 0.2"); '
         'print "foot\\n"; close(STDOUT)', page], check=True), children),
    ("a child that writes after its parent has closed", python(
        "import subprocess, sys\n"
        "with open(sys.argv[1], 'w') as file:\n"
        "    child = subprocess.Popen(['sh', '-c', 'echo head; /bin/echo child; sleep 0.2; echo foot'], stdout=file)\n"
        "child.wait()"), children),
    ("a child that writes after its parent has ended", python(
        "import os, sys, time\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "if os.fork(): os._exit(0)\n"
        "os.write(file, b'head\\nchild\\n'); time.sleep(0.2); os.write(file, b'foot\\n'); os.close(file)"), children),
    ("threads that open, write and close", python(
        "import os, sys, threading, time\n"
        "files = []\n"
        "def run(body):\n"
        "    thread = threading.Thread(target=body); thread.start(); thread.join()\n"
        "run(lambda: files.append(os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)))\n"
        "run(lambda: os.write(files[0], b'head\\nchild\\n'))\n"
        "time.sleep(0.2)\n"
        "run(lambda: os.write(files[0], b'foot\\n'))\n"
        "run(lambda: os.close(files[0]))"), children),
    ("a mapping", python(
        "import mmap, os, sys\n"
        "new = open(sys.argv[2], 'rb').read()\n"
        "file = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)\n"
        "os.ftruncate(file, len(new))\n"
        "with mmap.mmap(file, len(new)) as map: map[:] = new\n"
        "os.close(file)"), new),
]

for name, change, expected in cases:
    for has_reader in (False, True):
        begin(page, Port(port, prefix + "/page"), old)
        reader = open(page, "rb") if has_reader else None
        if reader:
            reader.read(10)
        watch = Watch(port, prefix + "/page")
        try:
            change()
            wait_for(Port(port, prefix + "/page"), expected)
        finally:
            seen = watch.end()
            if reader:
                reader.close()
        torn = [value for value in seen if value not in (old, expected)]
        assert not torn, "%s: seen %s" % (name, ", ".join(map(short, torn)))
print("%d ways to replace a page, with and without a reader" % len(cases))
