"""The example driver with the real engine, programs and packets: S1 and S8 of the design."""
import contextlib
import os
import shutil

from case import EngineCase, each, main
from families import FAMILIES, NATIVE
from place import wait_until


class TrapAll(EngineCase):
    """The programs are sockets of `sock`, a copy of it, so that a rule can name each."""

    def setUp(self):
        self.directory = os.path.join(self.place.scratch, "trap_all")
        os.mkdir(self.directory)
        os.chmod(self.place.scratch, 0o755)
        os.chmod(self.directory, 0o755)
        self.file = self.copy(os.path.join(self.place.build, "examples/drivers/trap_all.so"))
        self.other = self.copy(self.place.sock_program, "other")

    def tearDown(self):
        super().tearDown()
        self.engine.try_wfp("driver", "unload", "trap_all")
        shutil.rmtree(self.directory)

    def copy(self, path, name=None):
        to = os.path.join(self.directory, name or os.path.basename(path))
        shutil.copy(path, to)
        os.chown(to, 0, 0)
        os.chmod(to, 0o755)
        return to

    def write(self, name, *lines):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(path + ".new", path)

    def load(self, *rules):
        self.write("trap_all.rules", *rules)
        self.engine.wfp("driver", "load", "trap_all", self.file)

    @each(*FAMILIES)
    def test_s1_every_connect_is_decided_by_the_rules(self, family):
        server = self.place.serve(f"tcp{family.digit} bind={family.any}:80 listen", covered=False)
        datagrams = self.place.serve(f"udp{family.digit} bind={family.any}:80", covered=False)
        self.load(f"block {self.other}")
        for protocol in ("tcp", "udp"):
            steps = f"{protocol}{family.digit} timeout=5000 connect={family.peer(80)} send recv"
            self.expect("ok", steps)
            self.assertNotEqual("ok", self.place.answer(steps, program=self.other))
        server.stop()
        datagrams.stop()
        self.reset()

    @each(*FAMILIES)
    def test_s1_every_accept_is_decided_by_the_rules(self, family):
        tcp = f"tcp{family.digit}"
        open_ = self.place.serve(f"{tcp} bind={family.any}:80 listen")
        shut = self.place.serve(f"{tcp} bind={family.any}:81 listen")
        self.load("block * 81")
        self.expect("ok", f"{tcp} timeout=5000 connect={family.own(80)} send recv", covered=False)
        self.expect("ECONNREFUSED", f"{tcp} timeout=5000 connect={family.own(81)}", covered=False)
        open_.stop()
        shut.stop()
        self.reset()

    @each(*FAMILIES)
    def test_s8_a_connect_waits_for_the_answer(self, family):
        for protocol, listen in (("tcp", "listen"), ("udp", "")):
            server = self.place.serve(
                f"{protocol}{family.digit} bind={family.any}:80 {listen}", covered=False)
            self.place.start("sleep", "60")  # somebody who is covered: the namespace gets its rules
            for verdict in ("permit", "block"):
                self.load(f"ask {self.other}")
                self.await_hold("networks")
                waiting = self.place.start(
                    self.other, *f"{protocol}{family.digit} timeout=20000 "
                    f"connect={family.peer(80)} send recv".split())
                self.assertIsNone(waiting.process.poll())
                self.answer_later(verdict)
                answers = waiting.process.communicate(timeout=25)[0].split()
                if verdict == "permit":
                    self.assertEqual("ok", answers[-1], answers)
                else:
                    self.assertIn("ECONNREFUSED", answers)
                self.reset()
            server.stop()

    @each(*NATIVE)
    def test_s8_an_accept_waits_for_the_answer(self, family):
        tcp = f"tcp{family.digit}"
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", program=self.other)
        for verdict, wanted in (("permit", "ok"), ("block", "ECONNREFUSED")):
            self.load(f"ask {self.other} 80")
            waiting = self.place.start(
                self.place.sock_program, *f"{tcp} timeout=20000 "
                f"connect={family.own(80)}".split(), covered=False)
            self.answer_later(verdict)
            answers = waiting.process.communicate(timeout=25)[0].split()
            self.assertEqual(wanted, answers[-1], answers)
            self.reset()
        server.stop()

    def test_s8_the_driver_goes_while_it_holds(self):
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.load(f"ask {self.other}")
        waiting = self.place.start(self.other, "tcp4", "timeout=20000",
                                   f"connect={FAMILIES[0].peer(80)}")
        self.await_hold("packets")
        self.reset()
        answers = waiting.process.communicate(timeout=25)[0].split()
        # Blocked by the driver as it goes, or permitted because its filters have gone.
        self.assertIn(answers[-1], ("ECONNREFUSED", "ok"))
        self.expect("ok", f"tcp4 connect={FAMILIES[0].peer(80)} send recv")
        server.stop()

    def await_hold(self, what):
        wait_until(lambda: self.engine.json("show", "hold")[what], what)

    def answer_later(self, verdict):
        """Answers for `other` when it is held."""
        self.await_hold("packets")
        self.write("trap_all.answers", f"{verdict} {self.other}")

    def reset(self):
        """Ready for the next load."""
        self.engine.wfp("driver", "unload", "trap_all")
        for name in ("trap_all.rules", "trap_all.answers"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))


if __name__ == "__main__":
    main()
