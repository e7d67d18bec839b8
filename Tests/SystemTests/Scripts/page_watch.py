"""What the port shows of one key while something happens to its file, and who else has the file open."""
import contextlib, hashlib, mmap, os, socket, subprocess, sys, threading, time


class Cases:
    """Runs cases one after another, also when one fails, and ends with all that failed."""

    def __init__(self):
        self.count, self.failed = 0, []

    def run(self, name, case, *arguments):
        self.count += 1
        try:
            case(*arguments)
        except AssertionError as error:
            self.failed.append("%s: %s" % (name, error))

    def end(self, what):
        print("%d %s" % (self.count, what), *self.failed, sep="\n  ")
        sys.exit(1 if self.failed else 0)


class Port:
    """A connection that gets and sets one key."""

    def __init__(self, port, key):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.key = key.encode()

    def close(self):
        self.file.close()
        self.socket.close()

    def get(self):
        """The value, None for a miss."""
        self.socket.sendall(b"get " + self.key + b"\r\n")
        head = self.file.readline()
        if head == b"END\r\n":
            return None
        length = int(head.split()[3])
        value = self.file.read(length + 2)[:-2]
        assert len(value) == length and self.file.readline() == b"END\r\n", "a torn reply"
        return value

    def reply_to_set(self, value):
        self.socket.sendall(b"set %s 0 0 %d\r\n%s\r\n" % (self.key, len(value), value))
        return self.file.readline()

    def set(self, value):
        reply = self.reply_to_set(value)
        assert reply == b"STORED\r\n", reply


class Watch:
    """Gets a key all the time, or with pauses of seconds, and remembers which different values came."""

    def __init__(self, port, key, pause=0):
        self.pause = pause
        self.port, self.seen, self.count, self.failure, self.ends = Port(port, key), {}, 0, None, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.more(1)

    def run(self):
        try:
            while not self.ends:
                value = self.port.get()
                self.seen[None if value is None else hashlib.sha256(value).digest()] = value
                self.count += 1
                if self.pause:
                    time.sleep(self.pause)
        except Exception as failure:
            self.failure = failure

    def more(self, count):
        """Waits for so many more answers that were asked for from now on."""
        last = self.count + count + 1
        wait_until(lambda: self.failure or self.count >= last, "answers of the port")

    def end(self):
        self.ends = True
        self.thread.join()
        self.port.close()
        if self.failure:
            raise self.failure
        return list(self.seen.values())


holders = ["nobody", "a reader", "tail -f", "a mapping", "an idle writer", "an idle appender"]


@contextlib.contextmanager
def held(path, holder):
    """Has somebody keep a file open who changes nothing of it."""
    with contextlib.ExitStack() as ends:
        if holder in ("a reader", "a mapping"):
            file = ends.enter_context(open(path, "rb"))
            file.read(10)
            if holder == "a mapping":
                ends.enter_context(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))[:10]
        elif holder == "tail -f":
            tail = subprocess.Popen(["tail", "-f", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            ends.callback(tail.wait)
            ends.callback(tail.kill)
            wait_until(lambda: path in open_files(tail.pid), "tail to open its file")
        elif holder == "an idle writer":
            ends.enter_context(open(path, "r+b"))
        elif holder == "an idle appender":
            ends.enter_context(open(path, "ab"))
        else:
            assert holder == "nobody"
        yield


def open_files(pid):
    directory = "/proc/%d/fd/" % pid
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(directory + name)


def begin(path, port, value):
    """Makes a page of the serving user's, whoever made the one before. What was removed is free a moment later."""
    if os.path.exists(path):
        os.unlink(path)
    for attempt in range(500):
        try:
            return port.set(value)
        except AssertionError as error:
            if attempt == 499 or b"out of memory" not in error.args[0]:
                raise
            time.sleep(0.01)


def wait_until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain for " + what
        time.sleep(0.001)


def wait_for(port, value):
    """Waits until the key has a value (None: misses)."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: port.get() == value, "a value", 10)
    found = port.get()
    assert found == value, "the port shows %s, not %s" % (short(found), short(value))


def check_seen(seen, *allowed):
    strange = [value for value in seen if value not in allowed]
    assert not strange, "seen " + ", ".join(map(short, strange))


def short(value):
    return "a miss" if value is None else "%d bytes %r" % (len(value), value[:24])
