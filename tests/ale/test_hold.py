"""hold rules and wfp ask, whole: real programs, bfe, the kernel, an administrator who answers."""
import signal
import subprocess
import time

from asker import Asker
from case import EngineCase, each, main
from families import MAPPED, NATIVE, V4
from place import INSIDE4, OUTSIDE4, OUTSIDE6
from servers import http_server

PEERS = ((V4, OUTSIDE4), (NATIVE[1], OUTSIDE6))
PATIENCE = "timeout=20000"


class Hold(EngineCase):
    def setUp(self):
        self.place.start("sleep", "1000")  # somebody is covered where the rules are put

    def tearDown(self):
        for row in self.engine_filters():
            if row["provider"] == "answers" and row["life"] != "dynamic":
                self.engine.try_wfp("delete", str(row["id"]))
        super().tearDown()

    def engine_filters(self):
        return self.engine.json("show", "filters")

    def asker(self):
        asker = Asker(self.engine.command_line, self.engine.environment)
        self.addCleanup(asker.end)
        return asker

    def question(self, asker, **wanted):
        """The next question; what is told of others meanwhile is passed over."""
        while True:
            message = asker.next()
            if message["event"] == "question" and all(
                    message[name] == value for name, value in wanted.items()):
                return message

    def told(self, asker, event, id_):
        """How the question ended."""
        while True:
            message = asker.next()
            if message["event"] == event and message.get("id") == id_:
                return message

    def question_of(self, asker, program):
        return self.question(asker, pid=program.pid)

    def start(self, steps, **where):
        return self.place.start(self.place.sock_program, *steps.split(), **where)

    def last(self, program):
        """The last step's answer."""
        return program.process.communicate(timeout=40)[0].split()[-1]

    def curl(self, address, port):
        host = f"[{address}]" if ":" in address else address
        return self.place.start("/usr/bin/curl", "-sS", "--noproxy", "*", "--max-time", "20",
                                f"http://{host}:{port}/")

    def finish(self, program):
        output, _ = program.process.communicate(timeout=40)
        return program.process.returncode, output

    # connects

    @each(*PEERS)
    def test_s8_curl_is_held_and_permitted(self, family, address):
        self.policy("hold connect tcp port 80", "block connect")
        server = http_server(self.place, 80, covered=False)
        asker = self.asker()
        curl = self.curl(address, 80)
        question = self.question_of(asker, curl)
        self.assertEqual((f"connect-v{family.digit}", "tcp", "/usr/bin/curl", address, 80),
                         tuple(question[key] for key in
                               ("layer", "protocol", "program", "address", "port")))
        self.assertEqual(curl.pid, question["processes"][0]["pid"])
        self.assertEqual("/usr/bin/curl", question["processes"][0]["path"])
        self.assertIsNone(curl.process.poll())
        asker.say(id=question["id"], action="permit")
        self.assertEqual((0, "hello from python\n"), self.finish(curl))
        self.told(asker, "answered", question["id"])
        server.stop()

    @each(*PEERS)
    def test_decision_6_curl_is_held_and_blocked_and_told_at_once(self, family, address):
        self.policy("hold connect tcp port 80")
        server = http_server(self.place, 80, covered=False)
        asker = self.asker()
        curl = self.curl(address, 80)
        asker.say(id=self.question_of(asker, curl)["id"], action="block")
        code, output = self.finish(curl)
        self.assertEqual(7, code)
        self.assertIn("Couldn't connect", output)
        program = self.start(f"tcp{family.digit} {PATIENCE} connect={family.peer(80)}")
        asker.say(id=self.question_of(asker, program)["id"], action="block")
        self.assertEqual("ECONNREFUSED", self.last(program))
        server.stop()

    def test_ipv4_through_an_ipv6_socket_is_held_too(self):
        self.policy("hold connect tcp to 192.0.2.0/24 port 80", "block connect")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        asker = self.asker()
        program = self.start(f"tcp6 {PATIENCE} connect={MAPPED.peer(80)}")
        question = self.question_of(asker, program)
        self.assertEqual(OUTSIDE4, question["address"])
        asker.say(id=question["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        server.stop()

    def test_a_hold_rule_behind_70000_others(self):
        """It is in another part of the kernel's memory of the policy than the first ones."""
        self.policy(*(f"block connect tcp to 203.{n >> 8}.{n & 255}.1 port {80 + port}"
                      for n in range(7000) for port in range(10)), "hold connect tcp port 80")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        asker = self.asker()
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        asker.say(id=self.question_of(asker, program)["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        server.stop()

    def test_what_is_not_held_is_not_asked_about(self):
        self.policy("permit connect tcp port 81", "hold connect tcp")
        server = self.place.serve("tcp4 bind=0.0.0.0:81 listen", covered=False)
        waiting = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        self.expect("ok", f"tcp4 connect={OUTSIDE4}:81 send recv")
        self.assertIsNone(waiting.process.poll())
        server.stop()

    @each(*NATIVE)
    def test_a_deadline_and_its_default(self, family):
        self.policy("hold connect tcp port 80 timeout 300ms default permit",
                    "hold connect tcp port 81 timeout 300ms default block")
        servers = [self.place.serve(f"tcp{family.digit} bind={family.any}:{port} listen",
                                    covered=False) for port in (80, 81)]
        asker = self.asker()
        for port, seen, action in ((80, "ok", "permit"), (81, "ECONNREFUSED", "block")):
            program = self.start(f"tcp{family.digit} {PATIENCE} connect={family.peer(port)}")
            question = self.question_of(asker, program)
            self.assertEqual((300, action), (question["timeout_ms"], question["default"]))
            self.assertEqual(seen, self.last(program))
            self.assertEqual(action, self.told(asker, "expired", question["id"])["action"])
        for server in servers:
            server.stop()

    def test_nobody_asks(self):
        self.policy("hold connect tcp port 81 timeout 300ms")
        server = self.place.serve("tcp4 bind=0.0.0.0:81 listen", covered=False)
        self.expect("ECONNREFUSED", f"tcp4 {PATIENCE} connect={OUTSIDE4}:81")
        server.stop()

    @each(*NATIVE)
    def test_the_first_datagram_is_kept_and_sent(self, family):
        self.policy("hold connect udp port 53")
        server = self.place.serve(f"udp{family.digit} bind={family.any}:53", covered=False)
        asker = self.asker()
        program = self.start(f"udp{family.digit} {PATIENCE} connect={family.peer(53)} send recv")
        question = self.question_of(asker, program)
        self.assertEqual("udp", question["protocol"])
        asker.say(id=question["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        program = self.start(f"udp{family.digit} timeout=1000 connect={family.peer(53)} send recv")
        asker.say(id=self.question_of(asker, program)["id"], action="block")
        self.assertNotEqual("ok", self.last(program))
        server.stop()

    def test_alike_connects_are_answered_together(self):
        self.policy("hold connect tcp port 80")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        asker = self.asker()
        programs = [self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80") for _ in range(5)]
        question = self.question(asker, count=5)
        asker.say(id=question["id"], action="permit")
        for program in programs:
            self.assertEqual("ok", self.last(program))
        server.stop()

    @each(*NATIVE)
    def test_a_program_that_is_killed_takes_its_question_along(self, family):
        self.policy("hold connect tcp port 80")
        asker = self.asker()
        program = self.start(f"tcp{family.digit} {PATIENCE} connect={family.peer(80)}")
        question = self.question_of(asker, program)
        program.stop(signal.SIGKILL)
        self.told(asker, "gone", question["id"])

    # other layers

    def test_an_accept_is_held(self):
        self.policy("hold accept tcp port 80")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen")
        asker = self.asker()
        for action, seen in (("permit", "ok"), ("block", "ECONNREFUSED")):
            program = self.start(f"tcp4 {PATIENCE} connect={INSIDE4}:80", covered=False)
            question = self.question(asker, layer="accept-v4")
            self.assertEqual(("accept-v4", OUTSIDE4, 80),
                             tuple(question[key] for key in ("layer", "address", "port")))
            asker.say(id=question["id"], action=action)
            self.assertEqual(seen, self.last(program))
        server.stop()

    def test_listen_is_held(self):
        self.policy("hold listen port { 80, 81 }")
        asker = self.asker()
        for port, action, seen in ((80, "permit", "ok"), (81, "block", "ECONNREFUSED")):
            server = self.place.serve(f"tcp4 bind=0.0.0.0:{port} listen")
            question = self.question_of(asker, server)
            self.assertEqual(("listen-v4", port), (question["layer"], question["port"]))
            asker.say(id=question["id"], action=action)
            self.told(asker, "answered", question["id"])
            self.expect(seen, f"tcp4 {PATIENCE} connect={INSIDE4}:{port}", covered=False)
            server.stop()

    def test_bind_is_held(self):
        self.policy("hold bind udp port 5353")
        asker = self.asker()
        program = self.place.pause("udp4 bind=0.0.0.0:5353 wait")
        question = self.question_of(asker, program)
        self.assertEqual(("bind-v4", 5353), (question["layer"], question["port"]))
        asker.say(id=question["id"], action="permit")
        self.told(asker, "answered", question["id"])
        self.place.finish(program)

    # answers that last

    def test_always_is_a_filter(self):
        self.policy("hold connect tcp", "block connect")
        server = http_server(self.place, 80, covered=False)
        asker = self.asker()
        curl = self.curl(OUTSIDE4, 80)
        asker.say(id=self.question_of(asker, curl)["id"], action="permit", to="port",
                  **{"for": "always"})
        self.assertEqual(0, self.finish(curl)[0])
        asker.end()
        self.assertEqual(0, self.finish(self.curl(OUTSIDE6, 80))[0])
        server.stop()

    def test_for_the_program_ends_with_the_asker(self):
        self.policy("hold connect tcp timeout 500ms", "block connect")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        asker = self.asker()
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        asker.say(id=self.question_of(asker, program)["id"], action="permit", **{"for": "program"})
        self.assertEqual("ok", self.last(program))
        self.expect("ok", f"tcp4 {PATIENCE} connect={OUTSIDE4}:80 send recv")
        asker.end()
        self.expect("ECONNREFUSED", f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        server.stop()

    # askers and bfe

    def test_two_askers_and_one_is_killed(self):
        self.policy("hold connect tcp port 80")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        one, two = self.asker(), self.asker()
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        question = self.question_of(one, program)
        self.assertEqual(question["id"], self.question_of(two, program)["id"])
        one.end()
        two.say(id=question["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        server.stop()

    @each((signal.SIGKILL, V4), (signal.SIGKILL, NATIVE[1]), (signal.SIGTERM, V4))
    def test_what_is_held_when_bfe_ends_is_asked_anew_when_it_is_back(self, number, family):
        self.policy("hold connect tcp port 80 timeout 60s")
        server = self.place.serve(f"tcp{family.digit} bind={family.any}:80 listen", covered=False)
        asker = self.asker()
        program = self.start(f"tcp{family.digit} timeout=30000 connect={family.peer(80)}")
        question = self.question_of(asker, program)
        self.engine.stop(number)
        self.told(asker, "gone", question["id"])
        time.sleep(0.5)
        self.assertIsNone(program.process.poll())
        self.engine.start()
        question = self.question_of(asker, program)
        asker.say(id=question["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        server.stop()

    def test_a_policy_that_changes_while_it_holds(self):
        self.policy("hold connect tcp port 80")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        asker = self.asker()
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        question = self.question_of(asker, program)
        self.policy("hold connect tcp port 80", "permit connect tcp port 9999")
        asker.say(id=question["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        question = self.question_of(asker, program)
        self.policy("permit connect tcp port 9999", "hold connect tcp port 80")  # another filter
        asker.say(id=question["id"], action="permit")
        asker.say(id=self.question_of(asker, program)["id"], action="permit")
        self.assertEqual("ok", self.last(program))
        program = self.start(f"tcp4 {PATIENCE} connect={OUTSIDE4}:80")
        question = self.question_of(asker, program)
        self.policy("block connect tcp port 80")
        asker.say(id=question["id"], action="permit")
        self.assertIn(self.last(program), ("ECONNREFUSED", "ECONNABORTED"))
        server.stop()

    NAT = f"""table ip others
    delete table ip others
    table ip others {{
        chain output {{
            type nat hook output priority -100;
            ip daddr 192.0.2.77 dnat to {OUTSIDE4}
        }}
    }}"""

    def nft(self, *arguments, **options):
        subprocess.run(["nsenter", f"--net=/run/netns/{self.place.inside}", "nft", *arguments],
                       check=True, text=True, **options)

    @each("tcp4 timeout=300 connect=192.0.2.77:7000", "udp4 timeout=300 connect=192.0.2.77:7000 "
          "send recv")
    def test_a_peer_that_others_translate_is_held_too(self, steps):
        """As Docker's rules do with ports that it publishes."""
        self.place.serve("tcp4 bind=0.0.0.0:7000 listen", covered=False)
        self.place.serve("udp4 bind=0.0.0.0:7000", covered=False)
        self.nft("-f", "-", input=self.NAT)
        self.policy("hold connect port 7000")
        self.assertIn(self.place.answer(steps), ("EINPROGRESS", "EAGAIN"))
        self.nft("delete", "table", "inet", "openwfp")
        self.assertIn(self.place.answer(steps), ("EINPROGRESS", "EAGAIN"))


class Flood(EngineCase):
    """One user who holds as much as he can."""
    SENDER = """
import socket
sender, sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
try:
    while sent < 9000:
        sender.sendto(b"hello", (f"127.1.{sent >> 8}.{sent & 255}", 5000))
        sent += 1
except PermissionError:
    pass
print(sent, flush=True)
input()
"""
    OF_A_USER = 8192

    def test_what_is_held_of_a_user_leaves_room_to_others(self):
        self.policy("hold connect udp port 5000")
        flood = self.place.start("/usr/bin/python3", "-c", self.SENDER, uid=1000, stdin=-1)
        self.assertLessEqual(int(flood.line()), self.OF_A_USER)
        self.expect("ok", "udp4 sendto=127.2.0.1:5000")
        flood.tell()


if __name__ == "__main__":
    main()
