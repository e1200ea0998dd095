"""Operations that user space answers, without a queue: what waits then is dropped, and comes again."""
import os
import time
import unittest

from case import main
from driver import ACCEPT, ASSIGN, BLOCK, CONNECT, LISTEN, PERMIT, TERMINATING, ShimCase, rule
from place import INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6, wait_until

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

    def questions(self, count=1, **wanted):
        """Waits for so many questions."""
        seen = []

        def come():
            for text in self.driver.ask("asks")[0]:
                import json
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

    def test_a_connect_is_asked_about_and_permitted(self):
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.driver.commit(ask_user(CONNECT), rule(CONNECT, BLOCK))
        program = self.place.start(self.place.sock_program, "tcp4", f"connect={OUTSIDE4}:80")
        question, = self.questions(layer=CONNECT, hold=QUEUE, context=7, remote_port=80,
                                   remote=f"::ffff:{OUTSIDE4}", pid=program.pid)
        self.assertEqual(PERMITTED, self.answer_to(question, ANSWER, PERMIT))
        self.assertEqual("ok", program.process.communicate(timeout=10)[0].split()[-1])


if __name__ == "__main__":
    main()
