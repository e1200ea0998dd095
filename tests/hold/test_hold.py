"""Held operations with real sockets, rules and queues; the host of the callout is the test."""
import json
import os
import subprocess
import time
import unittest

from case import main
from driver import ACCEPT, BLOCK, CONNECT, PERMIT, TERMINATING, Driver
from place import INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6, Place, wait_until

CLASSIFY_AGAIN = 0
CONDITIONAL = 2  # of a callout
CAN_PEND, INJECTED, REDIRECTED_BY_SELF = 1, 2, 8


class HoldDriver(Driver):
    def __init__(self, build):
        self.process = subprocess.Popen([os.path.join(build, "tests/hold/hold-driver")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def said(self, kind, milliseconds=5000):
        """What the host is told next; asserts that it is of this kind."""
        end = time.monotonic() + milliseconds / 1000
        while not self.heard and time.monotonic() < end:
            for line in self.ask("said", milliseconds)[0]:
                self.heard.append(json.loads(line))
        assert self.heard, f"no {kind} came"
        message = self.heard.pop(0)
        assert message["kind"] == kind, message
        return message


FAMILIES = (("4", f"{OUTSIDE4}:80"), ("6", f"[{OUTSIDE6}]:80"))


class Hold(unittest.TestCase):
    """The cases share a shim, as its programs take long to verify; each has its own hold thread and
    host, and begins without policy."""
    driver = None

    @classmethod
    def setUpClass(cls):
        cls.build = os.environ["OPENWFP_BUILD"]
        cls.place = cls.enterClassContext(Place(cls.build))
        cls.pins = f"/sys/fs/bpf/{cls.place.name}"
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        if cls.driver:
            cls.driver.tell("remove", cls.pins)
            cls.driver.close()

    def setUp(self):
        self.open()

    @classmethod
    def open(cls, flags=0):
        cls.driver = cls.driver or HoldDriver(cls.build)
        cls.driver.heard = []
        cls.driver.tell("open", cls.pins, cls.place.cgroup, flags)

    @classmethod
    def kill(cls):
        cls.driver.kill()
        cls.driver = None

    def tearDown(self):
        self.place._stop_programs()
        self.driver.tell("close", 0)
        self.driver.tell("commit")

    def somebody_lives_there(self):
        """The rules are put where somebody covered lives: who is only starting does not yet."""
        pid = self.place.start("sleep", "60").process.pid
        wait_until(lambda: self.name_of(pid) == "sleep", "sleep to begin")

    @staticmethod
    def name_of(pid):
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()

    def hold(self, layer=CONNECT, inbound=0):
        self.somebody_lives_there()
        self.driver.tell("commit", f"{layer}:{TERMINATING}:user", f"{layer + 2}:{TERMINATING}:user")
        self.driver.tell("enable", 1, inbound, 0)

    def start(self, steps, **where):
        return self.place.start(self.place.sock_program, *steps.split(), **where)

    def last(self, program):
        return program.process.communicate(timeout=60)[0].split()[-1]

    def asked(self):
        return self.driver.said("classify")

    def answer(self, question, action):
        self.driver.tell("answer", question["operation"], question["round"], action)

    def pend(self, question, milliseconds=60000, default=BLOCK, took_packet=0):
        self.driver.tell("pend", question["operation"], question["round"], milliseconds, default,
                         took_packet)

    def complete(self, question, action=CLASSIFY_AGAIN):
        self.driver.tell("complete", question["operation"], action)

    def rules(self):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.place.inside}", "nft", "list",
                               "tables"], text=True, capture_output=True, check=True).stdout

    # TCP connects

    def test_17_8_and_decision_6_a_held_connect_goes_on_or_is_refused_at_once(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.place.serve("tcp6 bind=[2001:db8::2]:80 listen", covered=False)
        for family, peer in (("4", OUTSIDE4), ("6", f"[{OUTSIDE6}]")):
            for action, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
                with self.subTest(family=family, seen=seen):
                    program = self.start(f"tcp{family} connect={peer}:80")
                    question = self.asked()
                    self.assertEqual(0, question["packet"])  # 15.5: without packet
                    self.assertIsNone(program.process.poll())
                    self.answer(question, action)
                    self.assertEqual(seen, self.last(program))

    def test_17_3_completion_classifies_again_and_that_answer_counts(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        for action, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
            program = self.start(f"tcp4 timeout=9000 connect={OUTSIDE4}:80")
            question = self.asked()
            self.assertEqual(CAN_PEND, question["flags"])
            self.pend(question)
            time.sleep(0.1)
            self.assertIsNone(program.process.poll())
            self.complete(question)
            again = self.asked()
            self.assertEqual((2, 4, 0x10), (again["round"], again["fields_flags"], again["reason"]))
            self.assertEqual(CAN_PEND, again["flags"])  # and may be pended again
            self.answer(again, action)
            decided = self.driver.said("decided")
            self.assertEqual(action == PERMIT, bool(decided["permitted"]))
            self.assertEqual(seen, self.last(program))

    def test_7_7_a_callout_that_wants_a_flows_context_is_passed_over_without(self):
        self.driver.tell("close", 0)
        self.open(CONDITIONAL)
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.assertEqual("ok", self.place.answer(f"tcp4 connect={OUTSIDE4}:80"))

    def test_16_5_an_aborted_flow_ends_and_its_context_with_it(self):
        self.hold()
        for family, any_, peer in (("4", "0.0.0.0", OUTSIDE4), ("6", "[::]", f"[{OUTSIDE6}]")):
            with self.subTest(family=family):
                server = self.place.serve(f"tcp{family} bind={any_}:80 listen", covered=False)
                program = self.start(f"tcp{family} timeout=9000 connect={peer}:80 recv")
                question = self.asked()
                self.answer(question, PERMIT)
                self.driver.tell("associate", question["flow"])
                wait_until(lambda: "ESTAB" in self.sockets(), "a connection")
                self.driver.tell("abort", question["flow"])
                self.driver.said("deleted")
                self.assertEqual("ECONNABORTED", self.last(program))
                server.stop()

    def sockets(self):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.place.inside}", "ss", "-tn"],
                              text=True, capture_output=True, check=True).stdout

    def test_a_completion_can_bring_the_decision(self):
        self.hold()
        program = self.start(f"tcp4 connect={OUTSIDE4}:80")
        question = self.asked()
        self.pend(question)
        self.complete(question, BLOCK)
        self.assertEqual("ECONNREFUSED", self.last(program))

    def test_a_completion_counts_once(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        program = self.start(f"tcp4 connect={OUTSIDE4}:80")
        question = self.asked()
        self.pend(question)
        self.complete(question, PERMIT)
        self.complete(question, BLOCK)
        self.assertEqual("ok", self.last(program))

    def test_a_pend_has_a_deadline_and_a_default(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        for default, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
            program = self.start(f"tcp4 timeout=9000 connect={OUTSIDE4}:80")
            self.pend(self.asked(), milliseconds=200, default=default)
            self.assertEqual(seen, self.last(program))
            self.assertTrue(self.driver.said("decided")["timed_out"])

    def test_7_2_a_host_that_is_gone_leaves_the_decision_to_the_filter(self):
        self.hold()
        programs = []
        for digit, peer in FAMILIES:
            programs.append(self.start(f"tcp{digit} timeout=9000 connect={peer}"))
            self.asked()
        self.driver.tell("hangup")
        for program in programs:
            self.assertEqual("ECONNREFUSED", self.last(program))
        for digit, peer in FAMILIES:
            self.assertEqual("ECONNREFUSED", self.place.answer(f"tcp{digit} connect={peer}"))

    def test_a_program_killed_while_held_disturbs_nobody(self):
        self.hold()
        for digit, peer in FAMILIES:
            with self.subTest(family=digit):
                self.place.serve(f"tcp{digit} bind={peer} listen", covered=False)
                dead = self.start(f"tcp{digit} connect={peer}")
                question = self.asked()
                dead.stop()
                self.answer(question, PERMIT)
                program = self.start(f"tcp{digit} connect={peer}")
                self.answer(self.asked(), PERMIT)
                self.assertEqual("ok", self.last(program))

    def test_decision_8_nothing_opens_while_nobody_answers(self):
        self.hold()
        programs, held = [], set()
        for digit, peer in FAMILIES:
            self.place.serve(f"tcp{digit} bind={peer} listen", covered=False)
            programs.append(self.start(f"tcp{digit} timeout=60000 connect={peer}"))
            question = self.asked()
            self.pend(question)
            held.add(question["operation"])
        self.kill()
        for digit, peer in FAMILIES:
            self.assertEqual("EINPROGRESS", self.place.answer(f"tcp{digit} connect={peer}"))
        for program in programs:
            self.assertIsNone(program.process.poll())
        self.open()
        self.driver.tell("enable", 1, 0, 0)
        while held:
            question = self.asked()
            self.answer(question, PERMIT)
            held.discard(question["operation"])
        for program in programs:
            self.assertEqual("ok", self.last(program))

    def test_rules_that_somebody_flushed_open_nothing(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        subprocess.run(["nsenter", f"--net=/run/netns/{self.place.inside}", "nft", "flush",
                        "ruleset"], check=True)
        program = self.start(f"tcp4 timeout=9000 connect={OUTSIDE4}:80")
        question = self.asked()
        time.sleep(0.2)
        self.assertIsNone(program.process.poll())
        self.answer(question, PERMIT)
        self.assertEqual("ok", self.last(program))

    def test_what_is_not_asked_about_pays_and_waits_for_nothing(self):
        self.hold()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.start(f"tcp4 connect={OUTSIDE4}:80")
        self.asked()
        self.assertEqual("ok", self.place.answer(f"tcp4 connect={OUTSIDE4}:80", covered=False))

    def test_the_rules_go_with_the_thread(self):
        self.hold()
        self.assertIn("openwfp", self.rules())
        self.driver.tell("enable", 0, 0, 0)
        self.assertNotIn("openwfp", self.rules())

    # datagrams

    def test_a_datagram_where_no_rules_are_yet_is_lost_and_not_refused(self):
        self.driver.tell("commit", f"{CONNECT}:{TERMINATING}:user")
        self.driver.tell("enable", 1, 0, 0)  # nobody is covered: no namespace has rules
        self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
        program = self.start(f"udp4 timeout=9000 connect={OUTSIDE4}:53 send wait send recv",
                             stdin=subprocess.PIPE)
        first = iter(program.line, "waiting")
        self.assertEqual(["udp4 ok", "timeout ok", "connect ok", "send ok"], list(first))
        self.answer(self.asked(), PERMIT)
        wait_until(lambda: self.driver.tell("permitted"), "the answer to be in the kernel")
        self.assertEqual(["wait", "send", "recv"],
                         [step for step, answer in self.place.finish(program)
                          if answer == "ok"])

    def test_17_3_the_first_datagrams_wait_and_are_sent_in_order(self):
        self.hold()
        self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
        program = self.start(f"udp4 timeout=9000 connect={OUTSIDE4}:53 send recv")
        question = self.asked()
        self.answer(question, PERMIT)
        self.assertEqual("ok", self.last(program))

    def test_an_unconnected_datagram_is_shown_and_refused(self):
        self.hold()
        self.start(f"udp4 sendto={OUTSIDE4}:53")
        question = self.asked()
        self.assertGreater(question["packet"], 28)
        self.answer(question, BLOCK)

    def test_s9_a_packet_returned_early_waits_for_the_decision(self):
        self.hold()
        for early in (True, False):
            with self.subTest(early=early):
                server = self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
                program = self.start(f"udp4 timeout=9000 bind={INSIDE4}:0 "
                                     f"sendto={OUTSIDE4}:53 recv")
                question = self.asked()
                self.pend(question, took_packet=1)
                if early:
                    self.driver.tell("return", question["operation"])
                    time.sleep(0.2)
                    self.assertIsNone(program.process.poll())
                self.complete(question)
                self.answer(self.asked(), PERMIT)
                if not early:
                    time.sleep(0.2)
                    self.assertIsNone(program.process.poll())
                    self.driver.tell("return", question["operation"])
                self.assertEqual("ok", self.last(program))
                self.driver.said("decided")
                server.stop()

    # redirection

    def hold_redirect(self):
        self.somebody_lives_there()
        self.driver.tell("commit", f"66:{TERMINATING}:user", f"67:{TERMINATING}:user",
                         f"{CONNECT}:{PERMIT}", f"{CONNECT + 2}:{PERMIT}")
        self.driver.tell("enable", 1, 0, 1)

    def redirect(self, question, address, port, pid=0):
        self.driver.tell("redirect", question["operation"], question["round"], address, port, pid)

    def test_21_3_a_connect_is_led_elsewhere_and_does_not_know(self):
        self.hold_redirect()
        self.place.serve(f"tcp4 bind={INSIDE4}:8080 listen")
        self.place.serve(f"tcp6 bind=[{INSIDE6}]:8080 listen")
        for family, asked, real in (("4", OUTSIDE4, f"::ffff:{INSIDE4}"),
                                    ("6", f"[{OUTSIDE6}]", INSIDE6)):
            with self.subTest(family=family):
                program = self.start(f"tcp{family} timeout=9000 connect={asked}:80 send recv")
                question = self.asked()
                self.assertEqual(66 if family == "4" else 67, question["layer"])
                self.redirect(question, real, 8080)
                self.assertEqual("ok", self.last(program))

    def test_15_8_and_21_6_the_connect_layer_sees_the_new_peer(self):
        self.somebody_lives_there()
        self.driver.tell("commit", f"66:{TERMINATING}:user", f"{CONNECT}:{TERMINATING}:user")
        self.driver.tell("enable", 1, 0, 1)
        program = self.start(f"tcp4 connect={OUTSIDE4}:80")
        self.redirect(self.asked(), f"::ffff:{INSIDE4}", 8080)
        question = self.asked()
        self.assertEqual((CONNECT, 0x100000), (question["layer"], question["fields_flags"]))
        self.answer(question, BLOCK)
        self.assertEqual("ECONNREFUSED", self.last(program))

    def test_a_datagram_is_led_elsewhere_and_its_answer_comes_back(self):
        self.hold_redirect()
        self.place.serve(f"udp4 bind={INSIDE4}:5353", covered=False, namespace=self.place.inside)
        program = self.start(f"udp4 timeout=9000 connect={OUTSIDE4}:53 send recv")
        self.redirect(self.asked(), f"::ffff:{INSIDE4}", 5353)
        self.assertEqual("ok", self.last(program))

    def test_21_8_a_proxys_own_connects_are_known(self):
        self.hold_redirect()
        proxy = self.place.pause(f"tcp4 wait connect={OUTSIDE4}:80")
        self.start(f"tcp4 connect={OUTSIDE4}:80")
        question = self.asked()
        self.assertEqual(0, question["flags"] & REDIRECTED_BY_SELF)
        self.redirect(question, f"::ffff:{INSIDE4}", 8080, proxy.pid)
        proxy.tell()
        self.assertTrue(self.asked()["flags"] & REDIRECTED_BY_SELF)

    # accepts

    def test_17_5_a_peer_waits_at_its_syn(self):
        self.hold(ACCEPT, inbound=1)
        self.place.serve("tcp4 bind=0.0.0.0:80 listen")
        for action, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
            program = self.start(f"tcp4 connect={INSIDE4}:80", covered=False)
            question = self.asked()
            self.assertGreaterEqual(question["packet"], 40)
            self.answer(question, action)
            self.assertEqual(seen, self.last(program))

    def test_17_5_a_completed_accept_is_decided_by_its_packet(self):
        self.hold(ACCEPT, inbound=1)
        self.place.serve("tcp4 bind=0.0.0.0:80 listen")
        program = self.start(f"tcp4 timeout=9000 connect={INSIDE4}:80", covered=False)
        question = self.asked()
        self.pend(question, took_packet=1)
        self.complete(question)
        time.sleep(0.1)
        self.driver.tell("return", question["operation"])
        again = self.asked()
        self.assertTrue(again["flags"] & INJECTED)
        self.assertEqual(0, again["fields_flags"] & 4)
        self.answer(again, PERMIT)
        self.assertEqual("ok", self.last(program))


if __name__ == "__main__":
    main()
