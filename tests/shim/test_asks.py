"""Operations that user space answers, without a queue: what waits is dropped, and comes again."""
import json
import time

from case import main
from driver import ACCEPT, ASSIGN, BLOCK, CONNECT, LISTEN, PERMIT, TERMINATING, ShimCase, rule
from place import INSIDE4, OUTSIDE4, OUTSIDE6, wait_until

USER = 0xFFFFFFFE
ANSWER, RESTART, TO_PERMIT, TO_BLOCK, FORGET = range(5)
GONE, ASK, PERMITTED, BLOCKED = range(4)
QUEUE, DROP, LATER, NOTICE = range(4)
NETWORK = 2


def ask_user(layer, context=7, **slots):
    return rule(layer, TERMINATING, callout=USER, context=context, **slots)


class Asks(ShimCase):
    def setUp(self):
        super().setUp()
        self.driver.tell("asks", "open")

    def tearDown(self):
        self.place._stop_programs()
        for text in self.driver.ask("asks", "recover")[0]:  # of programs that are gone
            self.answer_to(json.loads(text), FORGET)
        self.assertEqual(0, self.driver.tell("asks", "recover"))
        super().tearDown()

    def questions(self, count=1, **wanted):
        """Waits for so many questions."""
        seen = []

        def come():
            for text in self.driver.ask("asks")[0]:
                question = json.loads(text)
                if question["kind"] == 0:
                    seen.append(question)
            return len(seen) >= count
        wait_until(come, f"{count} questions")
        for question in seen:
            for key, value in wanted.items():
                self.assertEqual(value, question[key], key)
        return seen

    def answer_to(self, question, *words):
        lines, outcome = self.driver.ask("answer", question["operation"], *words)
        return outcome

    def start(self, steps, **where):
        return self.place.start(self.place.sock_program, *steps.split(), **where)

    def last(self, program):
        return program.process.communicate(timeout=20)[0].split()[-1]

    def serve(self, family="4", covered=False):
        any_address = "0.0.0.0" if family == "4" else "[::]"
        return self.place.serve(f"tcp{family} bind={any_address}:80 listen", covered=covered)

    def connect(self, family="4"):
        peer = OUTSIDE4 if family == "4" else f"[{OUTSIDE6}]"
        return self.start(f"tcp{family} timeout=9000 connect={peer}:80")

    def test_17_3_a_connect_waits_and_is_permitted(self):
        for family, layer, remote in (("4", CONNECT, f"::ffff:{OUTSIDE4}"),
                                      ("6", CONNECT + 2, OUTSIDE6)):
            with self.subTest(family=family):
                server = self.serve(family)
                self.driver.commit(ask_user(layer), rule(layer, BLOCK))
                program = self.connect(family)
                question, = self.questions(layer=layer, hold=QUEUE, context=7, remote_port=80,
                                           remote=remote, pid=program.pid)
                self.assertIsNone(program.process.poll())
                self.assertEqual(PERMITTED, self.answer_to(question, ANSWER, PERMIT))
                self.assertEqual("ok", self.last(program))
                server.stop()

    def test_a_second_answer_finds_nothing(self):
        self.serve()
        self.driver.commit(ask_user(CONNECT))
        program = self.connect()
        question, = self.questions()
        self.assertEqual(PERMITTED, self.answer_to(question, ANSWER, PERMIT))
        self.assertEqual(GONE, self.answer_to(question, ANSWER, BLOCK))
        self.assertEqual("ok", self.last(program))

    def test_6_2_an_answer_without_opinion_asks_the_next_filter(self):
        self.serve()
        self.driver.commit(rule(CONNECT, "4005", callout=USER, context=1),
                           ask_user(CONNECT, context=2))
        self.connect()
        first, = self.questions(context=1)
        lines, outcome = self.driver.ask("answer", first["operation"], ANSWER, 7)
        self.assertEqual(ASK, outcome)
        self.assertEqual(2, json.loads(lines[0])["context"])
        self.assertEqual(BLOCKED, self.answer_to(first, ANSWER, BLOCK))

    def test_7_2_without_an_answer_the_filter_decides(self):
        self.driver.commit(ask_user(CONNECT))
        self.connect()
        question, = self.questions()
        self.assertEqual(BLOCKED, self.answer_to(question, ANSWER))

    def test_17_3_classified_again_it_says_so(self):
        self.driver.commit(ask_user(CONNECT))
        self.connect()
        question, = self.questions(flags=0)
        lines, outcome = self.driver.ask("answer", question["operation"], RESTART)
        self.assertEqual(ASK, outcome)
        self.assertEqual(4, json.loads(lines[0])["flags"])

    def test_a_policy_that_changed_meanwhile_decides(self):
        self.driver.commit(ask_user(CONNECT))
        self.connect()
        question, = self.questions()
        self.driver.commit(rule(CONNECT, BLOCK))
        self.assertEqual(BLOCKED, self.answer_to(question, ANSWER, PERMIT))

    def test_decision_8_questions_outlive_the_reader(self):
        self.serve()
        self.driver.commit(ask_user(CONNECT))
        program = self.connect()
        self.questions()
        self.driver.kill()
        self.driver = self.open()
        self.driver.tell("asks", "open")
        lines, count = self.driver.ask("asks", "recover")
        self.assertEqual(1, count)
        self.assertEqual(PERMITTED, self.answer_to(json.loads(lines[0]), ANSWER, PERMIT))
        self.assertEqual("ok", self.last(program))

    def test_what_is_not_asked_about_goes_on(self):
        self.serve()
        self.place.serve("tcp4 bind=0.0.0.0:81 listen", covered=False)
        self.driver.commit(ask_user(CONNECT, remote_port=80))
        self.connect()
        self.questions()
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:81"))

    def test_17_5_a_peer_waits_for_its_accept(self):
        self.driver.commit(ask_user(ACCEPT))
        self.serve(covered=True)
        self.driver.events()  # the chore: the lookup hook in the listener's namespace
        for action, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
            program = self.start(f"tcp4 timeout=9000 connect={INSIDE4}:80", covered=False)
            question, = self.questions(layer=ACCEPT, local_port=80)
            self.answer_to(question, ANSWER, action)
            self.assertEqual(seen, self.last(program))

    def test_17_6_a_listener_is_deaf_until_the_answer(self):
        self.driver.commit(ask_user(LISTEN), rule(ACCEPT, PERMIT))
        for action, seen in ((PERMIT, "ok"), (BLOCK, "ECONNREFUSED")):
            server = self.serve(covered=True)
            question, = self.questions(layer=LISTEN, hold=LATER, local_port=80)
            program = self.start(f"tcp4 timeout=9000 connect={INSIDE4}:80", covered=False)
            time.sleep(0.3)
            self.assertIsNone(program.process.poll())
            self.answer_to(question, ANSWER, action)
            self.assertEqual(seen, self.last(program))
            server.stop()

    def test_17_6_a_socket_whose_bind_is_refused_is_of_no_use(self):
        self.driver.commit(ask_user(ASSIGN), rule(CONNECT, PERMIT))
        self.serve()
        waiting = self.place.pause(f"tcp4 bind={INSIDE4}:0 wait connect={OUTSIDE4}:80")
        question, = self.questions(layer=ASSIGN, hold=LATER)
        self.assertEqual(BLOCKED, self.answer_to(question, ANSWER, BLOCK))
        self.assertEqual("EACCES", self.place.finish(waiting)[-1][1])

    def test_the_first_datagram_waits(self):
        self.driver.commit(ask_user(CONNECT))
        self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
        self.start(f"udp4 sendto={OUTSIDE4}:53")
        question, = self.questions(layer=CONNECT, hold=QUEUE, remote_port=53, protocol=17)
        self.assertEqual(PERMITTED, self.answer_to(question, ANSWER, PERMIT))


if __name__ == "__main__":
    main()
