"""The example driver with the real engine, programs and packets: S1 and S8 of the design."""
from case import each, main
from driver_case import DriverCase
from families import FAMILIES, NATIVE


class TrapAll(DriverCase):
    driver = "trap_all"

    def load_rules(self, *rules):
        self.write("trap_all.rules", *rules)
        self.load()

    def reset(self, *names):
        super().reset("trap_all.rules", "trap_all.answers", *names)

    @each(*FAMILIES)
    def test_s1_every_connect_is_decided_by_the_rules(self, family):
        server = self.place.serve(f"tcp{family.digit} bind={family.any}:80 listen", covered=False)
        datagrams = self.place.serve(f"udp{family.digit} bind={family.any}:80", covered=False)
        self.load_rules(f"block {self.other}")
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
        self.load_rules("block * 81")
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
            for verdict in ("permit", "block"):
                self.load_rules(f"ask {self.other}")
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
            self.load_rules(f"ask {self.other} 80")
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
        self.load_rules(f"ask {self.other}")
        waiting = self.place.start(self.other, "tcp4", "timeout=20000",
                                   f"connect={FAMILIES[0].peer(80)}")
        self.await_hold("packets")
        self.reset()
        answers = waiting.process.communicate(timeout=25)[0].split()
        # Blocked by the driver as it goes, or permitted because its filters have gone.
        self.assertIn(answers[-1], ("ECONNREFUSED", "ok"))
        self.expect("ok", f"tcp4 connect={FAMILIES[0].peer(80)} send recv")
        server.stop()

    def answer_later(self, verdict):
        """Answers for `other` when it is held."""
        self.await_hold("packets")
        self.write("trap_all.answers", f"{verdict} {self.other}")


if __name__ == "__main__":
    main()
