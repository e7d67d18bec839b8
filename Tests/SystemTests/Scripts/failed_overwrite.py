"""Overwrites a page with more than there is room for, in the ways that programs do, and checks that the port shows nothing but the
old page, that a new file does not appear, and that a page for which room was made is shown.

usage: failed_overwrite.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH HOLDER
"""
import os, subprocess, sys

from page_watch import Cases, Port, Watch, begin, check_seen, held, wait_for, wait_until

directory, port, prefix, scratch, holder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
page, filler, inside, big = directory + "/page", directory + "/filler", directory + "/source", scratch + "/big/page"
mebibyte = 1 << 20
# What is published after a failure stays, so there is no need to look all the time.
pause = 0.001
old = b"old page\n" * 20_000
new = os.urandom(64).hex().encode() + b"\n"
new *= 4 * mebibyte // len(new)
os.mkdir(scratch + "/big")
for path, content in ((big, new), (inside, b"-" + new)):
    with open(path, "wb") as file:
        file.write(content)
subprocess.run(["tar", "-cf", scratch + "/big.tar", "-C", scratch + "/big", "page"], check=True)


def shell(line):
    for name, path in (("PAGE", page), ("BIG", big), ("TAR", scratch + "/big.tar"), ("DIRECTORY", directory)):
        line = line.replace(name, path)
    return ["bash", "-c", line]


def python(text):
    return [sys.executable, "-c", text, page, big, inside]


mapping = (
    "import mmap, os, sys\n"
    "new = open(sys.argv[2], 'rb').read()\n"
    "file = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)\n"
    "os.ftruncate(file, len(new))\n"
    "with mmap.mmap(file, len(new)) as map:\n"
    "    map[:] = new\n")
allocation = (
    "import os, sys\n"
    "new = open(sys.argv[2], 'rb').read()\n"
    "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
    "os.write(file, b'half')\n"
    "os.posix_fallocate(file, 0, len(new))\n"
    "os.pwrite(file, new, 0)\n")
copy = (
    "import os, sys\n"
    "source = os.open(sys.argv[3], os.O_RDONLY)\n"
    "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
    "os.lseek(source, 1, 0)\n"
    "while os.copy_file_range(source, file, 300_000): pass\n")
careless = (
    "import os, sys\n"
    "new = open(sys.argv[2], 'rb').read()\n"
    "file = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
    "for start in range(0, len(new), 65536):\n"
    "    try: os.write(file, new[start:start + 65536])\n"
    "    except OSError: pass\n"
    "os._exit(0)\n")

fails, may_succeed = True, False
# What begins with a cut to nothing, and whether its status tells of the failure.
overwrites = [
    ("cp", shell("cp BIG PAGE"), fails),
    ("cat >", shell("cat BIG > PAGE"), fails),
    ("a group of which another part fails", shell("{ cat BIG; true; } > PAGE"), may_succeed),
    ("tee", shell("tee PAGE < BIG > /dev/null"), fails),
    ("dd", shell("dd if=BIG of=PAGE bs=64k"), fails),
    ("dd conv=fsync", shell("dd if=BIG of=PAGE bs=64k conv=fsync"), fails),
    ("dd oflag=direct", shell("dd if=BIG of=PAGE bs=64k oflag=direct"), fails),
    ("tar --overwrite", shell("tar -xf TAR -C DIRECTORY --overwrite"), fails),
    ("curl -o", shell("curl -sS -o PAGE file://BIG"), fails),
    ("sendfile", python("import shutil, sys; shutil.copyfile(sys.argv[2], sys.argv[1])"), fails),
    ("php", ["php", "-r", "exit(file_put_contents($argv[1], file_get_contents($argv[2])) ? 0 : 1);", page, big], fails),
    ("vim", shell(
        "vim -Nesni NONE -u NONE -c 'set backupcopy=yes nowritebackup' -c '%d' -c 'r BIG' -c 'wq!' PAGE < /dev/null"), fails),
    ("posix_fallocate", python(allocation), fails),
    ("copy_file_range", python(copy), fails),
    ("a mapping that is synced", python(mapping + "    map.flush()\n"), fails),
    ("a mapping that nobody syncs", python(mapping + "os._exit(0)\n"), may_succeed),
    ("a program that looks at no error", python(careless), may_succeed),
]
# What writes over the old bytes; a failed version is then only replaced by one that begins with a cut.
in_place = [
    ("dd conv=notrunc", shell("dd if=BIG of=PAGE bs=64k conv=notrunc"), fails),
    ("rsync --inplace", shell("rsync --inplace --ignore-times BIG PAGE"), fails),
    ("cat <>", shell("cat BIG 1<> PAGE"), fails),
]
# What does not touch the old file before the new one is whole.
replacements = [
    ("rsync", shell("rsync --ignore-times BIG PAGE"), fails),
    ("cp && mv", shell("cp BIG PAGE.next && mv PAGE.next PAGE"), fails),
]


def run(command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def fill():
    """Leaves a mebibyte and a half."""
    with open(filler, "ab", buffering=0) as file:
        for size in (mebibyte, 65536):
            try:
                while file.write(b"f" * size) == size:
                    pass
            except OSError:
                pass
        file.truncate(os.fstat(file.fileno()).st_size - 3 * mebibyte // 2)


def make_room():
    if os.path.exists(filler):
        os.truncate(filler, max(0, os.stat(filler).st_size - 8 * mebibyte))


def check(command, has_to_fail, heals):
    shown = Port(port, prefix + "/page")
    begin(page, shown, old)
    fill()
    with held(page, holder):
        watch = Watch(port, prefix + "/page", pause)
        try:
            status = run(command)
            watch.more(10)
        finally:
            check_seen(watch.end(), old)
    assert status != 0 or not has_to_fail, "%d bytes had room" % len(new)
    before = old
    if holder == "nobody":
        # A small page that replaces it has room, and is the next that has to stay.
        assert run(shell("echo whole > PAGE")) == 0
        before = b"whole\n"
        wait_for(shown, before)
        run(command)
        wait_for(shown, before)
    make_room()
    if not heals:
        assert run(command) != 0, "no word of the failed version"
        assert shown.get() == before
        assert run(shell(": > PAGE")) == 0
        before = b""
        wait_for(shown, before)
    watch = Watch(port, prefix + "/page", pause)
    try:
        # What was removed is free a moment later.
        wait_until(lambda: run(command) == 0, "room")
        wait_for(shown, new)
    finally:
        check_seen(watch.end(), before, new)
    shown.close()


def check_new(command):
    if os.path.exists(page):
        os.unlink(page)
    make_room()
    fill()
    watch = Watch(port, prefix + "/page", pause)
    assert run(command) != 0
    watch.more(10)
    check_seen(watch.end(), None)


def check_gone(command):
    """The old page is removed for the new one, which fails: then there is none."""
    begin(page, shown, old)
    fill()
    watch = Watch(port, prefix + "/page", pause)
    run(command)
    watch.more(10)
    check_seen(watch.end(), old, None)


def check_value():
    """A value of the port's."""
    make_room()
    begin(page, shown, old)
    fill()
    watch = Watch(port, prefix + "/page", pause)
    reply = shown.reply_to_set(new)
    check_seen(watch.end(), old)
    assert reply.startswith(b"SERVER_ERROR"), reply
    make_room()
    wait_until(lambda: shown.reply_to_set(new) == b"STORED\r\n", "room")
    assert shown.get() == new


def check_log():
    """A log goes on when there is room again; lines that have no room are left out."""
    path = directory + "/log"
    make_room()
    with open(path, "ab", buffering=0) as log:
        log.write(b"one\n")
        fill()
        shown = Port(port, prefix + "/log")
        with held(path, holder):
            lines, failures = [b"one\n"], 0
            while failures < 3:
                line = b"%d " % len(lines) * 8000 + b"\n"
                try:
                    lines.append(line[:log.write(line)])
                except OSError:
                    failures += 1
            wait_for(shown, b"".join(lines))
            make_room()

            def has_room():
                try:
                    return log.write(b"two\n") == 4
                except OSError:
                    return False

            wait_until(has_room, "room")
            lines.append(b"two\n")
            wait_for(shown, b"".join(lines))
    wait_for(shown, b"".join(lines))


cases = Cases()
for name, command, has_to_fail in overwrites + replacements:
    cases.run(name, check, command, has_to_fail, True)
for name, command, has_to_fail in in_place:
    cases.run(name, check, command, has_to_fail, False)
shown = Port(port, prefix + "/page")
cases.run("a set", check_value)
for name, line in [("cp", "cp BIG PAGE"), ("cat >", "cat BIG > PAGE"), ("dd", "dd if=BIG of=PAGE bs=64k"),
                   ("tar", "tar -xf TAR -C DIRECTORY"), ("rsync --inplace", "rsync --inplace BIG PAGE"),
                   ("cp and mv", "cp BIG PAGE.next; mv PAGE.next PAGE; false")]:
    cases.run("a new file by " + name, check_new, shell(line))
cases.run("tar", check_gone, shell("tar -xf TAR -C DIRECTORY"))
cases.run("cp and mv whatever happens", check_gone, shell("cp BIG PAGE.next; mv PAGE.next PAGE"))
cases.run("a log", check_log)
cases.end("ways to write without room, held by " + holder)
