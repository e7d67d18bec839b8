"""One process overwrites a page in place with two versions in turn, others fetch it.

usage: overwrite.py PAGE PORT URL SECONDS PAUSE MIN_ANSWERS MIN_OF_EACH [torn-allowed]

It goes on for SECONDS, and on a busy machine until there are enough answers, for two minutes more at most.

PAGE is written with 1.5 MB and 2 MB; PAUSE seconds are slept in the middle of
each write. Every answer must be one of the two whole versions.
"""
import hashlib
import http.client
import os
import signal
import sys
import threading
import time

page, port, url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seconds, pause = float(sys.argv[4]), float(sys.argv[5])
min_answers, min_of_each = int(sys.argv[6]), int(sys.argv[7])
torn_allowed = sys.argv[8:] == ["torn-allowed"]
versions = [b"a" * 1_500_000, bytes(range(250)) * 8_000]
names = {hashlib.sha256(version).digest(): index for index, version in enumerate(versions)}


def write(version):
    fd = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for start in range(0, len(version), 131072):
        if pause and start == 131072 * 5:
            time.sleep(pause)
        os.write(fd, version[start:start + 131072])
    os.close(fd)


write(versions[0])
end = time.monotonic() + seconds
writes = 0
# The writer is another process: it goes on until the fetchers are done and end it.
last = end + 120


def writer():
    global writes
    while time.monotonic() < last:
        writes += 1
        write(versions[writes % 2])


counts = [0, 0]
torn = short = empty = failed = 0
guard = threading.Lock()


def enough():
    return torn_allowed or (sum(counts) >= min_answers and min(counts) >= min_of_each)


def fetcher():
    global torn, short, empty, failed
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while time.monotonic() < end or (not enough() and time.monotonic() < last):
        try:
            connection.request("GET", url)
            answer = connection.getresponse()
            body = answer.read()
            status = answer.status
        except (http.client.IncompleteRead, http.client.HTTPException, OSError):
            connection.close()
            body, status = b"?", 200
        which = names.get(hashlib.sha256(body).digest()) if status == 200 else None
        with guard:
            if which is not None:
                counts[which] += 1
            elif status != 200:
                failed += 1
            elif not body:
                empty += 1
            else:
                short += 1


child = os.fork()
if child == 0:
    writer()
    os._exit(0)
fetchers = [threading.Thread(target=fetcher) for _ in range(2)]
for thread in fetchers:
    thread.start()
for thread in fetchers:
    thread.join()
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
torn = short + empty + failed
print("%d answers: %d and %d of the whole versions, %d torn (%d empty, %d other statuses)"
      % (sum(counts) + torn, counts[0], counts[1], torn, empty, failed))
good = torn_allowed or (torn == 0 and sum(counts) >= min_answers and min(counts) >= min_of_each)
sys.exit(0 if good else 1)
