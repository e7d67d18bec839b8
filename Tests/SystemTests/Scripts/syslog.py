"""Starts memfisd in the background in a mount namespace whose /dev/log is ours, and prints what it says there.

usage: syslog.py PROGRAM PORT SCRATCH MOUNTPOINT
"""
import os, signal, socket, subprocess, sys, time

program, port, scratch, mount_point = sys.argv[1:]
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(scratch + "/log")
os.chmod(scratch + "/log", 0o666)
os.mkdir(scratch + "/dev")
start = (
    "mount -t tmpfs none %(s)s/dev && cd %(s)s/dev && touch null fuse log && mount --bind /dev/null null && "
    "mount --bind /dev/fuse fuse && mount --bind %(s)s/log log && mount --rbind %(s)s/dev /dev && "
    "exec %(p)s -d -U 1 -P %(s)s/pid -p %(port)s -m 16 --config '' %(m)s" % {
        "s": scratch, "p": program, "port": port, "m": mount_point})
result = subprocess.run(
    ["unshare", "--mount", "--propagation", "private", "bash", "-c", start], capture_output=True, text=True, timeout=30)
assert result.returncode == 0, result.stderr
assert result.stderr == "memfisd: -U is accepted, but UDP is not offered\n", result.stderr
pid = int(open(scratch + "/pid").read())
log.settimeout(10)
lines = []
try:
    while not lines or "ready: " not in lines[-1]:
        lines.append(log.recv(4096).decode())
    os.kill(pid, signal.SIGTERM)
    while "stopped" not in lines[-1]:
        lines.append(log.recv(4096).decode())
finally:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        os.kill(pid, signal.SIGKILL)
print("\n".join(lines))
# Facility daemon (3), levels warning and notice.
assert any(line.startswith("<28>") for line in lines) and any(line.startswith("<29>") for line in lines)
