"""Overwrites a page with more than there is room for, in the ways that programs do, and checks that the port shows nothing but the
old page, that a new file does not appear, and that a page that fits appears afterwards.

usage: failed_overwrite.py DIRECTORY PORT KEY-OF-DIRECTORY SCRATCH SIZE-OF-BIG
"""
import os, subprocess, sys

from page_watch import Port, Watch, begin, short, wait_for

directory, port, prefix, scratch, size = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
page = directory + "/page"
old = b"old page\n" * 100_000
big = scratch + "/big/page"
os.makedirs(scratch + "/big", exist_ok=True)
with open(big, "wb") as file:
    file.write(os.urandom(1 << 20) * (size >> 20))
subprocess.run(["tar", "-cf", scratch + "/big.tar", "-C", scratch + "/big", "page"], check=True)


def shell(line):
    return lambda: subprocess.run(["bash", "-c", line], capture_output=True).returncode


mapping = (
    "import mmap, os, sys\n"
    "file = os.open(sys.argv[1], os.O_RDWR)\n"
    "size = int(sys.argv[2])\n"
    "os.ftruncate(file, size)\n"
    "with mmap.mmap(file, size) as map:\n"
    "    for start in range(0, size, 4096): map[start] = 1\n"
    "    map.flush()\n")

allocation = (
    "import os, sys\n"
    "file = os.open(sys.argv[1], os.O_RDWR)\n"
    "os.write(file, b'half')\n"
    "os.posix_fallocate(file, 0, int(sys.argv[2]))\n")

overwrites = [
    ("cp", shell("cp %s %s" % (big, page))),
    ("cat >", shell("cat %s > %s" % (big, page))),
    ("tee", shell("tee %s < %s > /dev/null" % (page, big))),
    ("dd", shell("dd if=%s of=%s bs=64k" % (big, page))),
    ("dd conv=notrunc", shell("dd if=%s of=%s bs=64k conv=notrunc" % (big, page))),
    ("tar --overwrite", shell("tar -xf %s/big.tar -C %s --overwrite" % (scratch, directory))),
    ("rsync --inplace", shell("rsync --inplace --ignore-times %s %s" % (big, page))),
    ("rsync", shell("rsync --ignore-times %s %s" % (big, page))),
    ("posix_fallocate(3)", lambda: subprocess.run(
        [sys.executable, "-c", allocation, page, str(size)], capture_output=True).returncode),
    ("a mapping", lambda: subprocess.run([sys.executable, "-c", mapping, page, str(size)], capture_output=True).returncode),
]

for name, overwrite in overwrites:
    for has_reader in (False, True):
        begin(page, Port(port, prefix + "/page"), old)
        reader = open(page, "rb") if has_reader else None
        watch = Watch(port, prefix + "/page")
        try:
            status = overwrite()
        finally:
            if reader:
                reader.close()
            Port(port, prefix + "/page").get()
            seen = watch.end()
        assert status != 0, "%s: %d bytes had room" % (name, size)
        assert seen == [old], "%s: seen %s" % (name, ", ".join(map(short, seen)))
        subprocess.run(["bash", "-c", "echo whole > %s" % page], check=True)
        wait_for(Port(port, prefix + "/page"), b"whole\n")

for name, line in [("cp", "cp %s %s"), ("cat >", "cat %s > %s"), ("dd", "dd if=%s of=%s bs=64k")]:
    watch = Watch(port, prefix + "/new")
    assert shell(line % (big, directory + "/new"))() != 0, name
    seen = watch.end()
    assert seen == [None], "a new file by %s: seen %s" % (name, ", ".join(map(short, seen)))
    os.unlink(directory + "/new")
# tar removes the old file before it makes the new one, which fails: what is left is no page at all.
begin(page, Port(port, prefix + "/page"), old)
watch = Watch(port, prefix + "/page")
assert shell("tar -xf %s/big.tar -C %s" % (scratch, directory))() != 0
assert all(value in (old, None) for value in watch.end()), "tar: half a file was seen"

log = open(directory + "/log", "ab", buffering=0)
log.write(b"one\n")
filler = open(directory + "/filler", "wb", buffering=0)
try:
    while True:
        filler.write(b"f" * 65536)
except OSError:
    pass
failures = 0
for _ in range(64):
    try:
        log.write(b"l" * 65536)
    except OSError:
        failures += 1
assert failures > 0
filler.close()
os.unlink(directory + "/filler")
log.write(b"two\n")
log.close()
value = Port(port, prefix + "/log").get()
assert value is not None and value.startswith(b"one\n") and value.endswith(b"two\n"), short(value)
print("%d ways to overwrite a page without room" % len(overwrites))
