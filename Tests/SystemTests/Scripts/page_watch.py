"""What the port shows of one key while something happens to its file."""
import hashlib, os, socket, threading, time


class Port:
    """A connection that gets and sets one key."""

    def __init__(self, port, key):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.key = key.encode()

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

    def set(self, value, flags=0, exptime=0):
        self.socket.sendall(b"set %s %d %d %d\r\n%s\r\n" % (self.key, flags, exptime, len(value), value))
        reply = self.file.readline()
        assert reply == b"STORED\r\n", reply

    def flags(self):
        self.socket.sendall(b"get " + self.key + b"\r\n")
        head = self.file.readline().split()
        self.file.read(int(head[3]) + 2)
        self.file.readline()
        return int(head[2])


class Watch:
    """Gets a key all the time and remembers which different values came."""

    def __init__(self, port, key):
        self.port, self.seen, self.ends = Port(port, key), {}, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ends:
            value = self.port.get()
            self.seen[None if value is None else hashlib.sha256(value).digest()] = value

    def end(self):
        self.ends = True
        self.thread.join()
        return list(self.seen.values())


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


def wait_for(port, value, seconds=10):
    """Waits until the key has a value (None: misses)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if port.get() == value:
            return
        time.sleep(0.005)
    found = port.get()
    raise AssertionError("the port shows %s, not %s" % (short(found), short(value)))


def short(value):
    return "a miss" if value is None else "%d bytes %r" % (len(value), value[:24])
