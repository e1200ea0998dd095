"""A Debian with our packages starts, by initramfs-tools' image and systemd (S5, 8.3).

At each stage a program connects to port 81, which only a boot-time filter blocks, and to port 82,
which only the policy blocks. Nobody listens: what is permitted is refused, or has no network yet.
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from case import TapResult
from debian import Disk
from guest import STATUS
from image import libraries
from kernels import Unavailable

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS, OLDER = "initrd.ours", "initrd.older"

POLICY = """
sublayer "server" weight 0x8000
boot block connect tcp port 81
block connect tcp port 82
"""
KEEP = """
mkdir -p /run/openwfp
bfe --no-kernel --log stderr &
for i in $(seq 600); do [ -S /run/openwfp/bfe.sock ] && break; sleep 0.1; done
wfp apply --persistent /root/policy && kill %1 && wait && ls /var/lib/openwfp/boot.img
"""
TRIES = """
answer() { sock tcp4 connect=127.0.0.1:$1 | tail -n 1 | sed "s/.* //"; }
tries() { echo "witness: $1: $(answer 81) $(answer 82)"; }
"""
HOOK = """#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/local/bin/sock /usr/bin
"""
BEFORE_ROOT = f"""#!/bin/sh
[ "$1" = prereqs ] && exit 0
{TRIES}
tries "before the root is mounted" >/dev/kmsg
"""
EARLY = TRIES + """
tries "before bfe"
"""
LATE = TRIES + """
entered() { echo "witness: $1 $(systemctl show -P ActiveEnterTimestampMonotonic $1)"; }
tries "with bfe"
dmesg | grep -E "openwfp-boot:|witness:|EXT4-fs .*: mounted"
for unit in openwfp-boot.service bfe.service network-pre.target sysinit.target; do
    entered $unit
done
wfp show filters && echo "witness: wfp shows filters"
systemctl stop bfe.service; tries "bfe is stopped"
systemctl start bfe.service; tries "bfe is started again"
wfp show filters >/dev/null && echo "witness: wfp works again"
dpkg --remove openwfp 2>&1; tries "removed"
[ -d /sys/fs/bpf/openwfp ] || echo "witness: no pins are left"
"""
END = f"""
echo "{STATUS}0"
systemctl poweroff --force --force
"""


def make_disk(disk):
    sock = os.path.join(disk.build, "tests/lib/sock")
    for source in (sock, *libraries(sock)):
        target = "/usr/local/bin/sock" if source == sock else source
        if not os.path.exists(disk.root + target):
            shutil.copy(source, disk.root + target)
    disk.add("/root/policy", POLICY)
    disk.add("/etc/initramfs-tools/hooks/witness", HOOK, 0o755)
    disk.add("/etc/initramfs-tools/scripts/local-premount/witness", BEFORE_ROOT, 0o755)
    disk.add("/root/early", EARLY)
    disk.add("/root/late", LATE + END)
    disk.unit("early", "sh /root/early", "DefaultDependencies=no", "After=openwfp-boot.service",
              "Before=bfe.service network-pre.target")
    disk.unit("late", "sh /root/late", "DefaultDependencies=no",
              "After=bfe.service sysinit.target network-pre.target")
    disk.make_initramfs(OLDER)
    disk.install()
    disk.works("bash", "-c", KEEP)
    disk.make_initramfs(OURS)
    disk.finish()


class Debian(unittest.TestCase):
    build = disk = None

    def boot(self, initramfs, append=""):
        done = self.disk.boot(initramfs, append)
        self.assertEqual(0, done.status, f"it did not get to its end:\n{done.text}")
        return done

    def said(self, done, what):
        found = re.findall(rf"witness: {what}:? ?(.*)", done.text)
        self.assertEqual(1, len(found), f"{what}:\n{done.text}")
        return found[0]

    def test_8_3_the_initramfs_first_then_systemd_and_the_packages_life(self):
        done = self.boot(OURS)
        self.assertEqual("EACCES ENETUNREACH", self.said(done, "before the root is mounted"))
        self.assertRegex(done.text, r"(?s)openwfp-boot: [^\n]*in force.*before the root.*EXT4-fs")
        self.assertRegex(self.said(done, "before bfe"), "^EACCES E(NETUNREACH|CONNREFUSED)$")
        self.assertEqual("ECONNREFUSED EACCES", self.said(done, "with bfe"))
        self.said(done, "wfp shows filters")
        at = [int(self.said(done, unit)) for unit in
              ("openwfp-boot.service", "bfe.service", "network-pre.target", "sysinit.target")]
        self.assertEqual(sorted(at), at)
        self.assertGreater(at[0], 0)
        self.assertEqual("ECONNREFUSED EACCES", self.said(done, "bfe is stopped"))
        self.assertEqual("ECONNREFUSED EACCES", self.said(done, "bfe is started again"))
        self.said(done, "wfp works again")
        self.assertIn("OpenWFP no longer filters", done.text)
        self.assertEqual("ECONNREFUSED ECONNREFUSED", self.said(done, "removed"))
        self.said(done, "no pins are left")

    def test_8_3_an_initramfs_without_us_then_the_early_unit_is_the_first(self):
        done = self.boot(OLDER)
        self.assertEqual("ENETUNREACH ENETUNREACH", self.said(done, "before the root is mounted"))
        self.assertRegex(self.said(done, "before bfe"), "^EACCES E(NETUNREACH|CONNREFUSED)$")
        self.assertEqual("ECONNREFUSED EACCES", self.said(done, "with bfe"))

    def test_rescue_switched_off_on_the_command_line(self):
        done = self.boot(OURS, "openwfp=off")
        self.assertEqual("ENETUNREACH ENETUNREACH", self.said(done, "before the root is mounted"))
        self.assertIn("openwfp=off is on the kernel's command line", done.text)
        self.assertEqual("ECONNREFUSED ECONNREFUSED", self.said(done, "with bfe"))
        self.assertEqual("0", self.said(done, "openwfp-boot.service"))


def main():
    """usage: test_debian.py BUILD_DIRECTORY"""
    Debian.build, = sys.argv[1:]
    try:
        disk = Disk(Debian.build, os.path.join(SOURCE, "build/deb"))
    except Unavailable as reason:
        print(f"1..0 # SKIP {reason}")
        return
    subprocess.run([os.path.join(SOURCE, "dev"), "deb"], check=True, stdout=subprocess.DEVNULL)
    with disk as Debian.disk:
        make_disk(disk)
        result = TapResult()
        unittest.TestLoader().loadTestsFromTestCase(Debian).run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
