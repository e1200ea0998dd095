"""A throw-away root: this machine's own, below an overlay in memory, with a /run and
BPF pins of its own. What is installed in it is gone with it."""
import os
import subprocess
import unittest

from place import PlaceError, wait_until

MAKE = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay none -o lowerdir=/,upperdir="$1/changes",workdir="$1/work" "$1/root"
cd "$1/root"
for each in proc sys dev; do mount --rbind /$each $each; done
mount -t bpf none sys/fs/bpf
mount -t tmpfs none run
mount -t tmpfs none tmp
mount --bind "$2" mnt
echo made
exec sleep infinity
"""


class Root:
    """`place` says where and in which cgroup things run; `shown` is a directory, seen as /mnt."""

    def __init__(self, place, shown):
        self.place, self.shown = place, shown

    def __enter__(self):
        self.where = os.path.join(self.place.scratch, "root")
        os.mkdir(self.where)
        self.holder = self.place.start(
            "unshare", "--mount", "--propagation=private", "sh", "-c", MAKE, "sh", self.where,
            self.shown, covered=False)
        try:
            self.place.await_line(self.holder, "made")
        except PlaceError as error:
            self.__exit__()
            raise unittest.SkipTest(f"no overlay of this machine's root: {error}") from error
        return self

    def __exit__(self, *_):
        self.holder.stop()
        os.rmdir(self.where)

    @property
    def enter(self):
        mounts = f"--mount=/proc/{self.holder.pid}/ns/mnt"
        return ["nsenter", mounts, "chroot", os.path.join(self.where, "root")]

    def run(self, *command):
        """(exit code, output); with the environment of an administrator."""
        done = subprocess.run(
            [*self.enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
             "DEBIAN_FRONTEND=noninteractive", *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
        return done.returncode, done.stdout

    def has(self, path):
        return self.run("test", "-e", path)[0] == 0

    def changed(self):
        """Every path that is not as on the machine."""
        top = os.path.join(self.where, "changes")
        found = subprocess.run(
            ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "find", top, "-printf", "/%P\n"],
            stdout=subprocess.PIPE, text=True, check=True)
        return found.stdout.split()

    def start_bfe(self, *options):
        """As the unit does, but for what it covers."""
        bfe = self.place.start(*self.enter, "bfe", "--log", "stderr", *options, covered=False)
        wait_until(lambda: self.run("wfp", "show", "sessions")[0] == 0, "bfe", 120.0)
        return bfe
