"""Boot-time filters: bfe writes the image, everything dies, openwfp-boot enforces it, bfe comes."""
import contextlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

from case import EngineCase, main
from place import INSIDE4, OUTSIDE4

# Tries the port again and again; prints each answer that differs from the one before, and the
# number of tries when it is told to stop.
KNOCKER = """
import errno, select, socket, sys
last, tries = None, 0
while not select.select([sys.stdin], [], [], 0)[0]:
    with socket.socket() as s:
        answer = errno.errorcode.get(s.connect_ex(("127.0.0.1", int(sys.argv[1]))), "ok")
    tries += 1
    if answer != last:
        print(answer, flush=True)
        last = answer
print(tries, flush=True)
"""

BLOCK = "tcp4 connect=127.0.0.1:7301"
OTHER = "tcp4 connect=127.0.0.1:7302"
OUT = f"tcp4 connect={OUTSIDE4}:80"


class BootCase(EngineCase):
    @property
    def image(self):
        return os.path.join(self.place.scratch, "bfe.boot")

    @property
    def loader(self):
        return os.path.join(self.place.build, "src/boot/openwfp-boot")

    def setUp(self):
        if self.engine.process.poll() is not None:
            self.engine.start()
        for port in (7301, 7302, 7303):
            self.place.serve(f"tcp4 bind=0.0.0.0:{port} listen")
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)

    def unpin(self):
        """What a reboot does to the kernel's side."""
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(self.engine.pins), key=lambda n: n[:4] != "ale_"):
                os.unlink(os.path.join(self.engine.pins, name))
            os.rmdir(self.engine.pins)

    def reboot(self):
        """Up to where the loader would run."""
        self.engine.stop(signal.SIGKILL)
        self.unpin()
        self.assertEqual("ok", self.place.answer(BLOCK), "nothing is in force")

    def load(self, *options):
        return self.place.run(self.loader, "--image", self.image, "--pin-dir", self.engine.pins,
                              "--cgroup", self.place.cgroup, *options,
                              covered=False, namespace=self.place.inside, timeout=120)

    def boot(self, *options):
        self.reboot()
        code, output = self.load(*options)
        self.assertEqual(0, code, output)
        return output

    def damage(self, change):
        with open(self.image, "rb") as file:
            content = bytearray(file.read())
        content = change(content) or content
        with open(self.image, "wb") as file:
            file.write(content)

    def knock(self, port):
        return self.place.start(sys.executable, "-c", KNOCKER, str(port), stdin=subprocess.PIPE)

    @staticmethod
    def finish(knocker):
        knocker.tell("stop")
        *answers, tries = knocker.process.stdout.read().split()
        return answers, int(tries)


class Filters(BootCase):
    def test_8_3_boot_filters_are_in_force_from_the_loader_to_bfe(self):
        self.policy("boot block connect tcp to 127.0.0.1 port 7301")
        self.assertEqual("ok", self.place.answer(BLOCK), "while bfe runs they are not")
        self.boot()
        self.assertEqual(["EACCES", "ok"], [self.place.answer(BLOCK), self.place.answer(OTHER)])
        self.engine.start()
        self.assertEqual(["ok", "ok"], [self.place.answer(BLOCK), self.place.answer(OTHER)])
        self.assertIn("no longer the boot-time filters", self.engine.log_text())

    def test_8_3_boot_filters_at_accept(self):
        self.policy("boot block accept tcp port 7303")
        self.boot()
        for port, wanted in ((7303, "ECONNREFUSED"), (7302, "ok")):
            self.expect(wanted, f"tcp4 connect={INSIDE4}:{port}", covered=False)

    def test_8_3_conditions_on_program_user_and_group(self):
        program = os.path.join(self.place.scratch, "named")
        shutil.copy(self.place.sock_program, program)
        self.policy(f"boot block connect app {program} tcp port 7301",
                    "boot block connect user nobody tcp port 7302",
                    "boot block connect group daemon tcp port 7303")
        self.boot()
        daemon, nobody = 1, 65534
        self.expect("EACCES", BLOCK, program=program)
        self.expect("ok", BLOCK)
        self.expect("EACCES", OTHER, uid=nobody)
        self.expect("ok", OTHER, uid=1000)
        self.expect("EACCES", "tcp4 connect=127.0.0.1:7303", uid=1000, groups=(daemon,))
        self.expect("ok", "tcp4 connect=127.0.0.1:7303", uid=1000)

    def test_8_3_no_gap_from_the_boot_filters_to_the_policy(self):
        self.policy("boot block connect tcp port 7301", "block connect tcp port 7301",
                    "permit connect")
        self.boot()
        blocked, permitted = self.knock(7301), self.knock(7302)
        self.assertEqual(["EACCES", "ok"], [blocked.line(), permitted.line()])
        self.engine.start()
        time.sleep(0.2)
        for knocker in (blocked, permitted):
            answers, tries = self.finish(knocker)
            self.assertEqual([], answers, "it was answered otherwise")
            self.assertGreater(tries, 10)

    def test_7_1_callouts_act_at_boot(self):
        code = os.path.join(self.place.build, "examples/callouts/connection_limit.bpf.o")
        self.engine.wfp("callout", "load", "limit", code, "connect", "--persistent")
        self.policy("boot callout limit connect tcp to 127.0.0.1 port 7301 as terminating")
        self.boot()
        burst = " ".join([BLOCK + " close"] * 40)

        def seen():
            time.sleep(1.01 - time.monotonic() % 1)
            return {a for step, a in self.place.sock(burst) if step.startswith("connect")}
        self.assertEqual({"ok", "EACCES"}, seen(), "it permits ten in each second")
        self.engine.start()
        self.assertEqual({"ok"}, seen())
        self.policy("permit connect")
        self.engine.wfp("callout", "unload", "limit")


class Image(BootCase):
    def setUp(self):
        super().setUp()
        self.policy("boot block connect tcp to 127.0.0.1 port 7301")

    def check_closed(self, why):
        code, output = self.load()
        self.assertEqual(1, code, output)
        self.assertIn(why, output)
        self.assertIn("update-initramfs", output)
        self.assertEqual("EACCES", self.place.answer(OUT))
        self.expect("EACCES", f"udp4 sendto={OUTSIDE4}:53")
        self.expect("ok", "udp4 bind=0.0.0.0:68 sendto=127.0.0.1:67")
        self.expect("ECONNREFUSED", f"tcp4 connect={INSIDE4}:7302", covered=False)
        self.assertEqual("ok", self.place.answer(OTHER), "loopback")
        self.engine.start()
        self.assertEqual("ok", self.place.answer(OUT))
        self.assertEqual(0, self.load("--check")[0], "bfe has made it anew")

    def test_8_3_damaged_image_closes(self):
        def flip(content):
            content[len(content) // 2] ^= 1
        self.reboot()
        self.damage(flip)
        self.assertEqual(1, self.load("--check")[0])
        self.check_closed("checksum is wrong")

    def test_8_3_what_is_no_image_of_this_version_is_told(self):
        other = os.path.join(self.place.scratch, "other.img")
        with open(self.image, "rb") as file:
            image = file.read()
        for content, why in ((image[:8] + struct.pack("=I", 99) + image[12:], "version 99"),
                             (image[:-8], "should have"), (b"nonsense", "no boot image")):
            with open(other, "wb") as file:
                file.write(content)
            code, output = self.load("--image", other, "--check")
            self.assertEqual(1, code, output)
            self.assertIn(why, output)

    def test_8_3_without_an_image_nothing_is_done(self):
        self.reboot()
        os.unlink(self.image)
        code, output = self.load()
        self.assertEqual(0, code)
        self.assertIn("no boot-time filters were asked for", output)
        self.assertFalse(os.path.exists(self.engine.pins))

    def test_8_3_switched_off_on_the_kernels_command_line(self):
        line = os.path.join(self.place.scratch, "cmdline")
        with open(line, "w", encoding="ascii") as file:
            file.write("root=/dev/vda ro openwfp=off quiet\n")
        output = self.boot("--cmdline", line)
        self.assertIn("openwfp=off", output)
        self.assertEqual("ok", self.place.answer(BLOCK))

    def test_8_3_what_is_pinned_is_left_alone(self):
        self.boot()
        code, output = self.load()
        self.assertEqual(0, code)
        self.assertIn("nothing to do", output)
        self.assertEqual("EACCES", self.place.answer(BLOCK))

    def test_8_3_newer_image_takes_over_from_an_older_one(self):
        """As the early unit does it after an initramfs that was made before the last commit."""
        old = os.path.join(self.place.scratch, "initramfs.img")
        shutil.copy(self.image, old)
        named = "/usr/bin/true"  # its number in the newer image is not the older one's
        self.policy("boot block connect tcp to 127.0.0.1 port 7301",
                    f"boot block connect app {named} tcp port 7303",
                    f"boot block connect app {self.place.sock_program} tcp port 7302")
        self.boot("--image", old)
        self.assertEqual(["EACCES", "ok"], [self.place.answer(BLOCK), self.place.answer(OTHER)])
        knocker = self.knock(7301)
        self.assertEqual("EACCES", knocker.line())
        code, output = self.load()
        self.assertEqual(0, code, output)
        self.assertIn("boot-time filters are in force", output)
        self.assertEqual([], self.finish(knocker)[0])
        self.assertEqual("EACCES", self.place.answer(OTHER))
        self.assertIn("nothing to do", self.load()[1])

    def test_8_3_damaged_image_leaves_what_is_in_force(self):
        self.boot()
        self.damage(lambda content: content[:-8])
        self.assertIn("nothing to do", self.load()[1])
        self.assertEqual(["EACCES", "ok"], [self.place.answer(BLOCK), self.place.answer(OTHER)])

    def test_image_is_private_and_goes_with_the_last_boot_filter(self):
        self.assertEqual(0o600, os.stat(self.image).st_mode & 0o777)
        self.policy("permit connect")
        self.assertFalse(os.path.exists(self.image))
        self.assertEqual([], [n for n in os.listdir(self.place.scratch)
                              if n.startswith("bfe.boot")])

    def test_image_that_cannot_be_written_fails_the_commit(self):
        self.engine.stop()
        shutil.copy(self.image, self.image + ".before")
        os.unlink(self.image)
        os.mkdir(self.image)
        os.mkdir(os.path.join(self.image, "full"))
        self.engine.start()
        path = os.path.join(self.place.scratch, "more.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write('sublayer "more" weight 1\nboot block accept\n')
        before = self.engine.json("show", "filters")
        done = self.engine.try_wfp("apply", path)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("boot image", done.stderr)
        self.assertEqual(before, self.engine.json("show", "filters"))
        shutil.rmtree(self.image)


class DamagedStore(BootCase):
    """The policy is lost with the store: what is enforced is the boot image, or nothing passes."""
    def lose(self):
        """The machine's power fails, and its disk has the store no more."""
        self.reboot()
        os.unlink(os.path.join(self.place.scratch, "bfe.policy"))
        with open(os.path.join(self.place.scratch, "bfe.db"), "r+b") as file:
            file.write(b"this is no database" * 100)

    def tearDown(self):
        self.policy("permit connect")
        for name in os.listdir(self.place.scratch):
            if ".damaged-" in name:
                os.unlink(os.path.join(self.place.scratch, name))
        super().tearDown()

    def stand_in(self):
        return self.engine.json("doctor")["engine"]["stand_in"]

    def check_until_a_commit(self, blocked, stand_in):
        self.engine.start()
        self.assertEqual("EACCES", self.place.answer(blocked))
        self.assertEqual(stand_in, self.stand_in())
        path = os.path.join(self.place.scratch, "passing.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write('sublayer "passing" weight 1\npermit connect\n')
        dynamic = self.engine.try_wfp("apply", "--dynamic", path)
        self.assertIn("store is damaged", dynamic.stderr)
        self.policy("permit connect")
        self.assertEqual("ok", self.place.answer(blocked))
        self.assertEqual("", self.stand_in())

    def test_8_3_loaders_policy_stays_until_a_commit(self):
        self.policy("boot block connect tcp to 127.0.0.1 port 7301")
        self.lose()
        self.assertEqual(0, self.load()[0])
        self.engine.start()
        self.engine.stop(signal.SIGKILL)
        self.check_until_a_commit(BLOCK, "the boot-time filters")
        self.engine.stop(signal.SIGKILL)
        self.engine.start()
        self.assertEqual("ok", self.place.answer(BLOCK), "what was committed is known")

    def test_8_3_without_a_loader_bfe_takes_the_boot_image(self):
        self.policy("boot block connect tcp to 127.0.0.1 port 7301")
        self.lose()
        self.check_until_a_commit(BLOCK, "the boot-time filters")
        self.assertEqual("ok", self.place.answer(OUT))

    def test_8_3_without_a_boot_image_nothing_passes(self):
        self.policy("permit connect")
        self.lose()
        self.check_until_a_commit(OUT, "the closed policy")


if __name__ == "__main__":
    main()
