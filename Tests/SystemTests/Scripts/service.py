#!/usr/bin/python3
"""Runs memfisd as its unit says and looks at what a service manager and the rest of the machine see of it.

usage: service.py PROGRAM UNIT CONFIGURATION PORT MOUNTPOINT DIRECTORY
"""
import os
import signal
import socket
import sys

from unit import Unit

program, unit_path, configuration, port, mount_point, preloaded = sys.argv[1:]


def check(condition, sentence):
    print("ok  " if condition else "FAIL", sentence, flush=True)
    if not condition:
        print("told:", unit.told, file=sys.stderr)
        sys.exit(1)


def rewrite(words):
    """A command line of the unit with the program under test and its configuration."""
    check(words[0] == "/usr/sbin/memfisd", "the unit runs /usr/sbin/memfisd")
    rest = [configuration if word == "/etc/memfisd/instance.conf" else word for word in words[1:]]
    return [program] + ([] if "--config" in rest else ["--config", configuration]) + rest


def get(key):
    """The value of a key on the port; None for a miss."""
    with socket.create_connection(("127.0.0.1", int(port)), 10) as client:
        client.sendall(b"get " + key.encode() + b"\r\n")
        answer = b""
        while not answer.endswith(b"END\r\n"):
            answer += client.recv(65536)
    return None if answer == b"END\r\n" else answer.split(b"\r\n")[1].decode()


def is_mounted():
    return any(line.split()[4] == mount_point for line in open("/proc/self/mountinfo"))


def run_until_ready(more=(), inherited=None):
    """The service after its start; `inherited` is a listening socket of a socket unit."""
    check(unit.end_of(unit.start("ExecStartPre")) == 0, "ExecStartPre makes the mount and ends")
    check(is_mounted() and "fuse" in unit.stored, "the mount is there, and its device was left")
    if inherited:
        unit.stored["memfisd.socket"] = inherited.fileno()
    server = unit.start("ExecStart", more)
    unit.stored.pop("memfisd.socket", None)
    check(unit.hear_until("READY", "1", child=server), "the server says that it is ready")
    check(get("memfis://test/none") is None and os.listdir(mount_point) is not None, "then both doors are open")
    return server


def stop(server):
    os.kill(server, signal.SIGTERM)
    check(unit.hear_until("STOPPING", "1"), "on SIGTERM it says that it stops")
    check(unit.end_of(server) == 0, "and ends with status 0")
    check(unit.end_of(unit.start("ExecStopPost")) == 0, "ExecStopPost runs")
    check(not is_mounted(), "and the mount is gone")


unit = Unit(unit_path, user="nobody", rewrite=rewrite)
settings = unit.settings
check(settings["Type"] == "notify" and settings["NotifyAccess"] in ("exec", "all"), "the unit lets all steps notify")
check(settings["ExecStartPre"].startswith("+") and settings["ExecStopPost"].startswith("+"), "mounting has all rights")

server = run_until_ready()
unit.hear(0.2)
check(not unit.stored, "nobody but the server keeps the device")
with open(mount_point + "/page", "w") as file:
    file.write("written outside of the sandbox")
check(get("memfis://test/page") == "written outside of the sandbox", "what root writes on the mount is served")
os.kill(server, signal.SIGHUP)
check(unit.hear_until("RELOADING", "1") and unit.hear_until("READY", "1"), "SIGHUP is a reload: it says when it begins and ends")
stop(server)

server = run_until_ready(["--preload", preloaded])
check(unit.hear_until("STATUS", "Serving"), "a preload is told in the status until it is done")
expected = sorted(os.listdir(preloaded))
check(sorted(os.listdir(mount_point)) == expected, "and everything is there")
os.kill(server, signal.SIGKILL)
os.waitpid(server, 0)
try:
    # The kernel has kept the listing and may show it without the server; this it always asks.
    os.statvfs(mount_point)
    failed = False
except OSError:
    failed = True
check(failed, "the mount of a server that died answers an error")
check(unit.end_of(unit.start("ExecStopPost")) == 0 and not is_mounted(), "ExecStopPost cleans it")

# The configuration is edited to another mount point, then broken, while the service runs; then the server dies.
original = open(configuration).read()
for edited in [original.replace(mount_point, mount_point + ".other"), "nonsense\n"]:
    server = run_until_ready()
    with open(configuration, "w") as file:
        file.write(edited)
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    check(unit.end_of(unit.start("ExecStopPost")) == 0 and not is_mounted(), "ExecStopPost cleans what was mounted, whatever the configuration says now")
    with open(configuration, "w") as file:
        file.write(original)

server = run_until_ready(["--daemon"])
stop(server)

with socket.create_server(("127.0.0.1", int(port))) as listener:
    server = run_until_ready(inherited=listener)
stop(server)
unit.remove()
