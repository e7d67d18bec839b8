#!/usr/bin/python3
"""A service of systemd's without systemd: runs the steps of a unit file as the service manager would, as far as memfisd's
units go: notifications, the store of descriptors, user and runtime directory, and a mount namespace of its own for
the main process. With arguments it runs a unit of a Debian root until a signal comes:

usage: unit.py ROOT UNIT
"""
import array
import ctypes
import grp
import os
import pwd
import select
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x44000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unit:
    """One unit and its service."""

    def __init__(self, path, instance="instance", root="/", user=None, rewrite=lambda words: words):
        """`user` serves instead of the unit's; `rewrite` changes the words of command lines."""
        self.root, self.rewrite, self.told, self.stored = root, rewrite, [], {}
        self.settings = {}
        for line in open(path):
            name, separator, value = line.strip().partition("=")
            if separator and not name.startswith("#"):
                self.settings[name] = value.replace("%i", instance)
        self.user = user or self.settings["User"]
        # Within the root, since the service has to reach it.
        self.directory = tempfile.mkdtemp(dir=os.path.join(root, "tmp"))
        os.chmod(self.directory, 0o755)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.directory + "/notify")
        os.chmod(self.directory + "/notify", 0o777)

    def hear(self, seconds):
        """Takes what the service tells within so many seconds; true when something came."""
        if not select.select([self.notify], [], [], seconds)[0]:
            return False
        text, control, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(16))
        passed = [fd for _, _, body in control for fd in array.array("i", body[:len(body) - len(body) % 4])]
        fields = dict(line.split("=", 1) for line in text.decode().split("\n") if line)
        self.told.append(fields)
        if fields.get("FDSTORE") == "1":
            self.stored[fields["FDNAME"]] = passed.pop()
        if fields.get("FDSTOREREMOVE") == "1" and fields["FDNAME"] in self.stored:
            os.close(self.stored.pop(fields["FDNAME"]))
        for fd in passed:  # a barrier
            os.close(fd)
        return True

    def hear_until(self, name, value, seconds=60, child=None):
        """Waits until the service has told NAME=VALUE; forgets what came before. False: in vain."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for index, fields in enumerate(self.told):
                if fields.get(name) == value:
                    del self.told[:index + 1]
                    return True
            if not self.hear(0.1) and child and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return False
        return False

    def start(self, step, more=()):
        """Starts a step; the number of its process. A step with '+' has all rights, others the service's."""
        line = self.settings[step]
        words = shlex.split(line.lstrip("+"))
        # Here a step with '+' has no mount namespace of its own that it would have to leave.
        if words[0] == "/usr/bin/nsenter":
            words = words[words.index("--") + 1:]
        words = self.rewrite(words) + list(more)
        child = os.fork()
        if child:
            return child
        notify = self.directory + "/notify"
        environment = {"PATH": PATH, "NOTIFY_SOCKET": notify if self.root == "/" else notify[len(self.root):]}
        if self.root != "/":
            os.chroot(self.root)
        os.chdir("/")
        if "RuntimeDirectory" in self.settings:
            environment["RUNTIME_DIRECTORY"] = self.make_runtime_directory()
        if not line.startswith("+"):
            self.enter_service(environment)
        os.execve(words[0], words, environment)

    def enter_service(self, environment):
        """Becomes the service's user in a mount namespace of its own, with the descriptors that were left."""
        # By way of high numbers: one of these may have the number that another is to get.
        for index, fd in enumerate(self.stored.values()):
            os.dup2(fd, 200 + index)
        for index in range(len(self.stored)):
            os.dup2(200 + index, 3 + index, inheritable=True)
            os.close(200 + index)
        if self.stored:
            environment["LISTEN_FDS"] = str(len(self.stored))
            environment["LISTEN_FDNAMES"] = ":".join(self.stored)
            environment["LISTEN_PID"] = str(os.getpid())
        user = pwd.getpwnam(self.user)
        assert libc.unshare(CLONE_NEWNS) == 0
        # In a root that is no mount point there is nothing to make private; its mounts are below the host's.
        libc.mount(None, b"/", None, MS_REC_PRIVATE, None)
        groups = [grp.getgrnam(name).gr_gid for name in self.settings.get("SupplementaryGroups", "").split()]
        os.setgroups([user.pw_gid] + groups)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    def make_runtime_directory(self):
        """The directory of all steps, the service's own; one of the test's where somebody else serves."""
        directory = "/run/" + self.settings["RuntimeDirectory"]
        if self.user != self.settings["User"]:
            directory = self.directory + "/run"
        user = pwd.getpwnam(self.user)
        os.makedirs(directory, exist_ok=True)
        os.chown(directory, user.pw_uid, user.pw_gid)
        os.chmod(directory, 0o755)
        return directory

    def end_of(self, child, seconds=60):
        """The exit status; tells are taken meanwhile, as a barrier waits for that. None: it had to be killed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            self.hear(0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None

    def remove(self):
        self.notify.close()
        shutil.rmtree(self.directory)


def main(root, path):
    unit = Unit(os.path.join(root, path.lstrip("/")), root=root)
    stop = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stop.append(number))
    status = unit.end_of(unit.start("ExecStartPre"))
    if status == 0:
        server = unit.start("ExecStart")
        if unit.hear_until("READY", "1", child=server):
            print("READY", flush=True)
            while not stop and not os.waitid(os.P_PID, server, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                unit.hear(0.1)
            os.kill(server, signal.SIGTERM)
        status = unit.end_of(server)
    unit.end_of(unit.start("ExecStopPost"))
    unit.remove()
    return 1 if status is None else status & 0x7f


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), sys.argv[2]))
