"""The program under test without what only debuggers read: valgrind cannot read all of that."""
import os, subprocess, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def program():
    """The path of a copy of the program, which MEMFISD=PATH chooses. It lies in a folder of its own, which the caller removes."""
    source = os.environ.get("MEMFISD", os.path.join(ROOT, ".build/release/memfisd"))
    copy = os.path.join(tempfile.mkdtemp(prefix="memfisd-plain-"), "memfisd")
    subprocess.run(["strip", "--strip-debug", "-o", copy, source], check=True)
    return copy
