"""wfp ask, against a bfe whose holding of operations is played by the test (asking_bfe.c)."""
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

from asker import Asker, Lines
from cli import BUILD, CliCase, main, wait_until, DONE, NO_BFE, USAGE, WFP

ASKING_BFE = os.path.join(BUILD, "tests/cli/asking-bfe")
CONNECT_V4, LISTEN_V4 = 48, 40
PERMIT_BIT = 1 << 32
USER = 54321  # has no name


def start_time(pid):
    """In ns since the start of the machine, as coarse as /proc tells it."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    return ticks * (1000000000 // os.sysconf("SC_CLK_TCK"))


class Terminal:
    """wfp ask at a terminal"""

    def __init__(self, case, **environment):
        self.fd, other = pty.openpty()
        self.process = subprocess.Popen(
            [WFP, "ask"], stdin=other, stdout=other, stderr=other, start_new_session=True,
            env=dict(case.environment(), **environment),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(other)
        self.text = ""
        case.addCleanup(self.end)
        self.wait_for("waiting for what")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)

    def wait_for(self, text, seconds=10):
        """What was written up to and with the text."""
        end = time.monotonic() + seconds
        while text not in self.text:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{text!r} expected: {self.text!r}")
            self.text += os.read(self.fd, 4096).decode()
        seen, self.text = self.text.split(text, 1)
        return seen + text

    def say(self, line):
        os.write(self.fd, (line + "\n").encode())


class AskCase(CliCase):
    @classmethod
    def start_bfe(cls):
        with open(os.path.join(cls.home, "bfe.log"), "a", encoding="utf-8") as log:
            cls.bfe = subprocess.Popen(
                [ASKING_BFE, "--no-kernel", "--socket", cls.socket, "--log", "stderr"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        wait_until(lambda: os.path.exists(cls.socket) and
                   cls.run_wfp("show", "sessions").returncode == DONE, "bfe")
        cls.heard = Lines(cls.bfe.stdout)

    @classmethod
    def stop_bfe(cls, number=signal.SIGKILL):
        super().stop_bfe(number)
        cls.bfe.stdin.close()

    operation = 1000

    def setUp(self):
        self.wfp("apply", self.file("permit connect port 1", "hold connect default block",
                                    "hold listen", "block connect", name="holding.wfp"))
        self.holding = {f["layer"]: f["id"] for f in self.filters("holding")
                        if f["action"] == "hold"}

    def asker(self):
        asker = Asker(WFP, self.environment())
        self.addCleanup(asker.end)
        return asker

    def ask(self, layer=CONNECT_V4, program="/usr/bin/curl", pid=0, start=0, uid=USER, protocol=6,
            address="192.0.2.1", port=443, context=0):
        self.__class__.operation += 1
        word = {CONNECT_V4: "connect-v4", LISTEN_V4: "listen-v4"}[layer]
        self.bfe.stdin.write(f"ask {self.operation} {layer} {self.holding[word]} {pid} {start} "
                             f"{uid} {protocol} {address} {port} {context} {program}\n")
        self.bfe.stdin.flush()
        self.assertEqual(f"answer {self.operation} pended", self.heard.next())
        return self.operation

    def decided(self, operation, permitted, timed_out):
        self.bfe.stdin.write(f"decided {operation} {int(permitted)} {int(timed_out)}\n")
        self.bfe.stdin.flush()

    def assert_completed(self, operation, action):
        self.assertEqual(f"complete {operation} {action}", self.heard.next())
        self.decided(operation, action == "permit", False)

    def answers(self):
        return [f for f in self.json("show", "filters")
                if f["source"] == "an answer to wfp ask"]


class Json(AskCase):
    def tearDown(self):
        for row in self.answers():
            self.wfp("delete", str(row["id"]))

    def test_a_question_and_its_answer(self):
        asker = self.asker()
        operation = self.ask(port=443, pid=os.getpid(), start=start_time(os.getpid()))
        question = asker.expect("question")
        self.assertEqual(
            ("connect-v4", "tcp", "/usr/bin/curl", "192.0.2.1", 443, 1, "block", 30000),
            tuple(question[key] for key in ("layer", "protocol", "program", "address", "port",
                                            "count", "default", "timeout_ms")))
        self.assertEqual("hold connect default block", question["filter_name"])
        self.assertLessEqual(question["remaining_ms"], 30000)
        chain = question["processes"]
        self.assertEqual((os.getpid(), os.readlink("/proc/self/exe")),
                         (chain[0]["pid"], chain[0]["path"]))
        self.assertEqual(os.getppid(), chain[1]["pid"])
        asker.say(id=question["id"], action="permit")
        self.assert_completed(operation, "permit")
        told = asker.expect("answered")
        self.assertEqual((question["id"], "permit", asker.process.pid),
                         (told["id"], told["action"], told["by"]))
        self.assertEqual([], self.answers())

    def test_a_reused_pid_is_never_shown(self):
        asker = self.asker()
        self.ask(pid=os.getpid(), start=start_time(os.getpid()) - 5000000000)
        question = asker.expect("question")
        self.assertEqual([], question["processes"])
        asker.say(id=question["id"], action="block")
        self.assert_completed(self.operation, "block")

    def test_a_name_from_etc_hosts_says_so(self):
        asker = self.asker()
        self.ask(address="127.0.0.1")
        question = asker.expect("question")
        self.assertEqual(("localhost", "/etc/hosts"), (question["name"], question["name_from"]))
        asker.say(id=question["id"], action="block")
        self.assert_completed(self.operation, "block")

    def test_two_askers_the_first_answer_wins(self):
        one, two = self.asker(), self.asker()
        operation = self.ask()
        id_ = one.expect("question")["id"]
        self.assertEqual(id_, two.expect("question")["id"])
        two.say(id=id_, action="block")
        self.assert_completed(operation, "block")
        self.assertEqual(two.process.pid, one.expect("answered")["by"])
        two.expect("answered")
        one.say(id=id_, action="permit")
        self.assertEqual(id_, one.expect("error")["id"])

    def test_an_asker_that_comes_late_hears_what_waits(self):
        operation = self.ask()
        asker = self.asker()
        asker.say(id=asker.expect("question")["id"], action="permit")
        self.assert_completed(operation, "permit")

    def test_an_asker_that_is_killed_leaves_the_question_to_others(self):
        one, two = self.asker(), self.asker()
        operation = self.ask()
        id_ = one.expect("question")["id"]
        one.process.kill()
        one.process.wait()
        two.expect("question")
        two.say(id=id_, action="permit")
        self.assert_completed(operation, "permit")

    def test_a_deadline(self):
        asker = self.asker()
        operation = self.ask(context=1000 | PERMIT_BIT)
        question = asker.expect("question")
        self.assertEqual(("permit", 1000), (question["default"], question["timeout_ms"]))
        self.decided(operation, True, True)
        self.assertEqual("permit", asker.expect("expired")["action"])

    def test_alike_ones_are_counted(self):
        asker = self.asker()
        first = self.ask()
        self.assertEqual(1, asker.expect("question")["count"])
        second = self.ask()
        question = asker.expect("question")
        self.assertEqual(2, question["count"])
        asker.say(id=question["id"], action="permit")
        for operation in (first, second):
            self.assert_completed(operation, "permit")

    def test_always_writes_a_filter_above_the_one_that_held(self):
        asker = self.asker()
        operation = self.ask()
        asker.say(id=asker.expect("question")["id"], action="permit", to="address-port",
                  **{"for": "always"})
        self.assert_completed(operation, "permit")
        made = self.answers()
        self.assertEqual({"connect-v4", "connect-v6"}, {f["layer"] for f in made})
        by_layer = {f["layer"]: f for f in made}
        self.assertEqual("permit connect ipv4 app /usr/bin/curl user 54321 tcp to 192.0.2.1 "
                         "port 443", by_layer["connect-v4"]["rule"])
        self.assertIn("to ::ffff:192.0.2.1", by_layer["connect-v6"]["rule"])
        hold = next(f for f in self.filters("holding") if f["action"] == "hold" and
                    f["layer"] == "connect-v4")
        self.assertEqual((hold["sublayer"], hold["weight"] + 1, "running", "answers"),
                         tuple(by_layer["connect-v4"][key] for key in
                               ("sublayer", "weight", "life", "provider")))
        self.assertIn("PERMITTED", self.wfp("explain", "connect", "tcp", "/usr/bin/curl",
                                            "192.0.2.1:443", "--user", str(USER)))

    def test_how_far_always_goes(self):
        cases = {"address": "block connect ipv4 app /usr/bin/curl user 54321 to 192.0.2.1",
                 "port": "block connect ipv4 app /usr/bin/curl user 54321 tcp port 443",
                 "any": "block connect ipv4 app /usr/bin/curl user 54321"}
        for scope, rule in cases.items():
            with self.subTest(scope):
                asker = self.asker()
                operation = self.ask()
                asker.say(id=asker.expect("question")["id"], action="block", to=scope,
                          **{"for": "always"})
                self.assert_completed(operation, "block")
                self.assertIn(rule, [f["rule"] for f in self.answers()])
                self.tearDown()
        asker = self.asker()
        operation = self.ask()
        asker.say(id=asker.expect("question")["id"], action="block", to="any", every_user=True,
                  **{"for": "always"})
        self.assert_completed(operation, "block")
        self.assertIn("block connect ipv4 app /usr/bin/curl",
                      [f["rule"] for f in self.answers()])

    def test_always_at_listen(self):
        asker = self.asker()
        operation = self.ask(layer=LISTEN_V4, address="0.0.0.0", port=8000)
        asker.say(id=asker.expect("question")["id"], action="permit", **{"for": "always"})
        self.assert_completed(operation, "permit")
        self.assertIn("permit listen ipv4 app /usr/bin/curl user 54321 port 8000",
                      [f["rule"] for f in self.answers()])

    def test_answers_go_with_the_sublayer_that_they_are_in(self):
        asker = self.asker()
        operation = self.ask()
        asker.say(id=asker.expect("question")["id"], action="permit", **{"for": "always"})
        self.assert_completed(operation, "permit")
        self.wfp("apply", os.path.join(self.home, "holding.wfp"))
        self.assertEqual(2, len(self.answers()))
        self.wfp("delete", "--policy", "holding")
        self.assertEqual([], self.answers())

    def test_for_the_program_lasts_as_long_as_the_asker(self):
        asker = self.asker()
        first, second = self.ask(port=443), self.ask(port=80)
        other = self.ask(program="/usr/bin/wget")
        questions = [asker.expect("question") for _ in range(3)]
        asker.say(id=questions[0]["id"], action="permit", **{"for": "program"})
        for operation in (first, second):
            self.assert_completed(operation, "permit")
        self.assertIn("permit connect ipv4 app /usr/bin/curl user 54321",
                      [f["rule"] for f in self.answers()])
        asker.process.kill()
        wait_until(lambda: not self.answers(), "the filter is gone")
        asker = self.asker()
        question = asker.expect("question")
        self.assertEqual("/usr/bin/wget", question["program"])
        asker.say(id=question["id"], action="block")
        self.assert_completed(other, "block")

    def test_what_makes_no_sense_is_said_and_passed_over(self):
        asker = self.asker()
        operation = self.ask()
        id_ = asker.expect("question")["id"]
        for line in ("nonsense", "[]", "{", '{"id": -1}', '{"id": 1, "action": {}}', '"x"',
                     '{"action": "permit"}', '{"id": "7", "action": "permit"}', "{}", "x" * 9000):
            asker.process.stdin.write(line + "\n")
            asker.process.stdin.flush()
            asker.expect("error")
        for answer in ({"action": "perhaps"}, {}, {"action": "permit", "for": "ever"},
                       {"action": "permit", "for": "always", "to": "moon"}):
            asker.say(id=id_, **answer)
            self.assertEqual(id_, asker.expect("error")["id"])
        asker.say(id=id_, action="permit")
        self.assert_completed(operation, "permit")

    def test_the_end_of_input_is_the_end(self):
        asker = self.asker()
        asker.process.stdin.close()
        self.assertEqual(DONE, asker.process.wait(10))
        asker = self.asker()
        asker.process.send_signal(signal.SIGINT)
        self.assertEqual(DONE, asker.process.wait(10))

    def test_without_bfe(self):
        environment = dict(self.environment(), OPENWFP_SOCKET="/nowhere")
        self.assertEqual(NO_BFE, self.run_wfp("ask", env=environment).returncode)
        self.assertEqual(USAGE, self.run_wfp("ask", "me").returncode)


class Restart(AskCase):
    def test_bfe_goes_and_comes_back(self):
        asker = self.asker()
        self.ask()
        asker.expect("question")
        self.stop_bfe()
        asker.expect("gone")
        asker.expect("disconnected")
        self.start_bfe()
        asker.expect("connected")
        self.setUp()
        operation = self.ask()
        asker.say(id=asker.expect("question")["id"], action="permit")
        self.assert_completed(operation, "permit")


class Prompt(AskCase):
    def tearDown(self):
        for row in self.answers():
            self.wfp("delete", str(row["id"]))

    def test_a_question_is_shown_and_answered(self):
        terminal = Terminal(self, NO_COLOR="1")
        operation = self.ask(pid=os.getpid(), start=start_time(os.getpid()), uid=0)
        text = terminal.wait_for("> ")
        self.assertNotIn("\033", text)
        for wanted in ("curl wants to connect to 192.0.2.1:443, tcp", "program  /usr/bin/curl",
                       f"process  {os.getpid()} ", f"of     {os.getppid()} ", "user     root",
                       "hold connect default block", "blocked in "):
            self.assertIn(wanted, text)
        terminal.say("p")
        terminal.wait_for("permitted")
        self.assert_completed(operation, "permit")

    def test_colours_are_for_terminals(self):
        terminal = Terminal(self, NO_COLOR="", TERM="xterm")
        self.ask()
        self.assertIn("\033[1m", terminal.wait_for("> "))
        terminal.say("b")
        self.assert_completed(self.operation, "block")

    def test_what_others_send_can_not_move_the_cursor(self):
        terminal = Terminal(self, NO_COLOR="1")
        self.ask(program="/tmp/a\033[2Jb")
        self.assertNotIn("\033", terminal.wait_for("> "))
        terminal.say("b")
        self.assert_completed(self.operation, "block")

    def test_always_asks_how_far(self):
        terminal = Terminal(self, NO_COLOR="1")
        operation = self.ask()
        terminal.wait_for("> ")
        terminal.say("pa")
        terminal.wait_for("1 192.0.2.1:443   2 192.0.2.1, any port")
        terminal.wait_for("> ")
        terminal.say("9")
        terminal.wait_for("> ")
        terminal.say("3u")
        terminal.wait_for("rule     permit connect app /usr/bin/curl tcp port 443")
        self.assert_completed(operation, "permit")
        self.assertEqual(2, len(self.answers()))

    def test_one_after_the_other(self):
        terminal = Terminal(self, NO_COLOR="1")
        first, second = self.ask(port=443), self.ask(port=80)
        terminal.wait_for("192.0.2.1:443")
        terminal.wait_for("> ")
        terminal.say("l")
        self.assertIn("1 more waits", terminal.wait_for("192.0.2.1:80") + terminal.wait_for("> "))
        terminal.say("b")
        self.assert_completed(second, "block")
        terminal.wait_for("192.0.2.1:443")
        terminal.wait_for("> ")
        terminal.say("what")
        terminal.wait_for("> ")
        terminal.say("p")
        self.assert_completed(first, "permit")

    def test_an_answer_never_goes_to_the_question_behind(self):
        terminal = Terminal(self, NO_COLOR="1")
        first, second = self.ask(port=443), self.ask(port=80)
        terminal.wait_for("> ")
        self.decided(first, False, True)
        terminal.wait_for("nobody answered in time")
        terminal.say("p")
        terminal.wait_for("> ")
        time.sleep(1)
        terminal.say("b")
        self.assert_completed(second, "block")

    def test_another_asker_is_told_of(self):
        terminal, asker = Terminal(self, NO_COLOR="1"), self.asker()
        operation = self.ask()
        terminal.wait_for("> ")
        asker.say(id=asker.expect("question")["id"], action="permit")
        self.assert_completed(operation, "permit")
        terminal.wait_for(f"(permitted: process {asker.process.pid} answered first)")

    def test_ctrl_c_leaves(self):
        terminal = Terminal(self, NO_COLOR="1")
        os.write(terminal.fd, b"\x03")
        self.assertEqual(DONE, terminal.process.wait(10))


if __name__ == "__main__":
    main(sys.modules["__main__"])
