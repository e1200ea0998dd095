"""A whole boot in a guest, while a peer on two interfaces knocks from before the first instruction
(S5, semantics 8.3). Three boots:

    install   bfe takes a policy with boot rules; what it keeps in /var/lib/openwfp is carried over
    control   a boot without OpenWFP: the peer reaches programs, and programs reach the peer
    boot      openwfp-boot first of all, then interfaces and programs, then bfe

The times are seconds since QEMU's start. All is emulated, so they say what comes before what, and
not how long it takes on a real machine.
"""
import base64
import contextlib
import io
import os
import re
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from case import TapResult
from guest import Guest
from kernels import Unavailable, fetch
from peer import Peer

HERE = os.path.dirname(os.path.abspath(__file__))
STATE = "/var/lib/openwfp"

POLICY = """
sublayer "server" weight 0x8000
boot block connect
boot block accept
permit connect tcp port 80
permit accept tcp port 80
block connect
block accept
"""

START = """
mkdir -p /run/openwfp
bfe --log stderr &
for i in $(seq 600); do [ -S /run/openwfp/bfe.sock ] && break; sleep 0.1; done
"""

INSTALL = START.replace("bfe ", "bfe --no-kernel ") + f"""
wfp apply --persistent /policy || exit 1
kill %1
wait
echo "guest: kept"
tar c -C / {STATE[1:]} | gzip | base64
echo "guest: all of it"
"""

PLUG_IN = """
for number in 0 1; do
    ip addr add 192.0.$((2 + number)).1/24 dev eth$number
    ip -6 addr add 2001:db8:$number::1/64 dev eth$number
    echo 0 >/proc/sys/net/ipv6/conf/eth$number/accept_dad
    ip link set eth$number up
done
echo "guest: interfaces are up"
"""

CONTROL = PLUG_IN + """
python3 /witness.py 4
"""

BOOT = PLUG_IN + """
python3 /witness.py 600 &
sleep 8
echo "guest: bfe starts"
""" + START + """
echo "guest: bfe serves"
sleep 8
kill %1
"""

# What the witness's programs would send; the kernel itself also answers pings, refuses SYNs that
# nobody may have, looks for neighbours and routers.
PROGRAMS_KINDS = {"connect4", "connect6", "udp4", "udp6", "accept4", "accept6"}
STAGES = (("the loader begins", r"openwfp-boot: "),
          ("boot-time filters in force", r"openwfp-boot: .*in force"),
          ("interfaces are up", r"guest: interfaces are up"),
          ("programs listen and connect", r"witness: ALIVE"),
          ("a program's connect is refused", r"witness: connect4 80: EACCES"),
          ("bfe starts", r"guest: bfe starts"),
          ("the first accept that is let through", r"witness: reached by tcp"),
          ("the first connect that is let through", r"witness: connect. 80: ok"),
          ("bfe serves", r"guest: bfe serves"))


def carried_over(text):
    packed = text.partition("guest: kept\n")[2].partition("guest: all of it")[0]
    return tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed)))


def guest_with_us(kernel, build):
    guest = Guest(kernel, build)
    for program in ("src/bfe/bfe", "src/wfp/wfp", "src/boot/openwfp-boot"):
        path = os.path.join(guest.build, program)
        guest.image.program(path)
        guest.image.link(f"/usr/sbin/{os.path.basename(path)}", path)
    return guest


def install(kernel, build):
    """What bfe keeps of the policy, as a tar file."""
    guest = guest_with_us(kernel, build)
    guest.image.add("/policy", POLICY)
    done = guest.run(INSTALL)
    if done.status != 0:
        raise AssertionError(f"the policy was not taken:\n{done.text}")
    return carried_over(done.text)


class Run:
    """One boot: the console's lines, and what the peers saw, in seconds since QEMU's start."""

    def __init__(self, kernel, build, state, script, before=""):
        guest = guest_with_us(kernel, build)
        guest.image.python("contextlib", "errno", "selectors", "socket")
        guest.image.file(os.path.join(HERE, "witness.py"), "/witness.py")
        for member in filter(tarfile.TarInfo.isfile, state.getmembers()):
            guest.image.add(member.name, state.extractfile(member).read(), 0o600)
        with tempfile.TemporaryDirectory(prefix="openwfp-vm-") as directory:
            with contextlib.ExitStack() as stack:
                peers = [stack.enter_context(Peer(directory, number)) for number in (0, 1)]
                options = [option for peer in peers for option in peer.qemu_options]
                self.console = guest.run(script, before=before, options=options)
        self.sent = sum(peer.sent for peer in peers)
        self.seen = sorted((at + peer.began - self.console.began, kind, port)
                           for peer in peers for at, kind, port in peer.seen)
        if self.console.status is None:
            raise AssertionError(f"the guest did not get to its end:\n{self.console.text}")

    def said(self, pattern, before=float("inf")):
        """What the console said that matches; the group's text if there is one."""
        matches = (re.match(pattern, line) for at, line in self.console.lines if at < before)
        return {match[match.re.groups] for match in matches if match}

    def left(self, before=float("inf")):
        """What programs of the guest sent: {(kind, port)}."""
        return {(kind, port) for at, kind, port in self.seen
                if 0 <= at < before and kind in PROGRAMS_KINDS}


class Boot(unittest.TestCase):
    kernel = build = None

    @classmethod
    def setUpClass(cls):
        state = install(cls.kernel, cls.build)
        cls.control = Run(cls.kernel, cls.build, state, CONTROL)
        cls.run_ = Run(cls.kernel, cls.build, state, BOOT, before="openwfp-boot 2>&1")
        cls.bfe_starts = cls.run_.console.seconds("guest: bfe starts")

    def test_control_without_openwfp_the_peer_and_programs_reach_each_other(self):
        self.assertEqual({"tcp4", "tcp6", "udp4", "udp6"},
                         self.control.said(r"witness: reached by (\S+)"), self.control.console.text)
        self.assertLessEqual({("connect4", 80), ("connect6", 81), ("udp4", 53), ("udp6", 53)},
                             self.control.left())

    def test_8_3_nothing_reaches_a_program_before_bfe(self):
        self.assertTrue(self.run_.said("witness: ALIVE", self.bfe_starts))
        self.assertGreater(self.run_.sent, 100)
        self.assertEqual(set(), self.run_.said(r"witness: reached by (\S+)", self.bfe_starts))

    def test_8_3_nothing_leaves_before_bfe(self):
        self.assertEqual({f"connect{digit} {port}: EACCES" for digit in "46" for port in (80, 81)},
                         self.run_.said(r"witness: (connect.*)", self.bfe_starts))
        self.assertEqual({"sendto4: EACCES", "sendto6: EACCES"},
                         self.run_.said(r"witness: (sendto.*)", self.bfe_starts))
        self.assertEqual(set(), self.run_.left(self.bfe_starts))

    def test_8_3_then_the_policy_permits(self):
        self.assertLessEqual({"tcp4", "tcp6"}, self.run_.said(r"witness: reached by (\S+)"))
        self.assertLessEqual({"connect4 80: ok", "connect6 80: ok"},
                             self.run_.said(r"witness: (connect.*)"))

    def test_8_3_what_both_block_never_passes(self):
        self.assertLessEqual(self.run_.said(r"witness: reached by (\S+)"), {"tcp4", "tcp6"})
        self.assertLessEqual(self.run_.left(), {("connect4", 80), ("connect6", 80), ("accept4", 80),
                                                ("accept6", 80)})

    @classmethod
    def tearDownClass(cls):
        first = cls.run_.seen[0] if cls.run_.seen else None
        print(f"# {cls.kernel.version}; seconds since QEMU's start; the peers have sent "
              f"{cls.run_.sent} frames; the first from the guest: {first}")
        for name, pattern in STAGES:
            at = cls.run_.console.seconds(pattern)
            print(f"# {'-' if at is None else f'{at:.2f}':>6}  {name}")


def main():
    """usage: test_boot.py BUILD_DIRECTORY SERIES"""
    Boot.build, series = sys.argv[1:]
    try:
        Boot.kernel = fetch(series, Boot.build)
        Guest(Boot.kernel, Boot.build)
    except Unavailable as reason:
        print(f"1..0 # SKIP {reason}")
        return
    result = TapResult()
    unittest.TestLoader().loadTestsFromTestCase(Boot).run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
