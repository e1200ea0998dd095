"""bfe dies and comes back while programs try to connect: what is blocked stays blocked."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest.mock

from case import EngineCase, main
from place import wait_until

# Tries the port again and again; prints each answer that differs from the one before, and the
# number of tries when it is told to stop.
KNOCKER = """
import errno, select, socket, sys
last, tries = None, 0
while not select.select([sys.stdin], [], [], 0.0002)[0]:
    with socket.socket() as s:
        answer = errno.errorcode.get(s.connect_ex(("127.0.0.1", int(sys.argv[1]))), "ok")
    tries += 1
    if answer != last:
        print(answer, flush=True)
        last = answer
print(tries, flush=True)
"""


class TakeoverCase(EngineCase):
    def knock(self, port):
        return self.place.start(sys.executable, "-c", KNOCKER, str(port), stdin=subprocess.PIPE)

    def finish(self, knocker):
        knocker.tell("stop")
        *answers, tries = knocker.process.stdout.read().split()
        return answers, int(tries)

    def listen(self, port):
        return self.place.serve(f"tcp4 bind=127.0.0.1:{port} listen")

    def filters(self):
        return json.loads(self.engine.wfp("show", "filters", "--json"))

    def restart(self, how):
        self.engine.stop(how)
        time.sleep(0.3)
        self.engine.start()


class Takeover(TakeoverCase):
    def running(self):
        """What runs behind the links: {pin: number of the program}."""
        def number(name):
            pin = os.path.join(self.engine.pins, name)
            shown = subprocess.run(["bpftool", "--json", "link", "show", "pinned", pin],
                                   check=True, stdout=subprocess.PIPE)
            return json.loads(shown.stdout)["prog_id"]
        return {name: number(name) for name in os.listdir(self.engine.pins)
                if name.startswith("ale_")}

    def check_no_gap(self, how):
        self.policy("block connect proto tcp to 127.0.0.1 port 7001")
        before = self.filters()
        self.listen(7001)
        knocker = self.knock(7001)
        self.assertEqual("EACCES", knocker.line())
        self.restart(how)
        time.sleep(0.3)
        answers, tries = self.finish(knocker)
        self.assertEqual([], answers, "a blocked connect was answered otherwise")
        self.assertGreater(tries, 10)
        self.assertEqual(before, self.filters())

    def test_8_kill_9_and_the_next_bfe_leave_no_gap(self):
        self.check_no_gap(signal.SIGKILL)

    def test_8_orderly_stop_and_start_leave_no_gap(self):
        self.check_no_gap(signal.SIGTERM)

    def test_8_the_same_build_finds_its_programs_verified(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7001", "block accept tcp port 7002")
        self.listen(7002)
        before = self.running()
        self.restart(signal.SIGKILL)
        self.assertLessEqual(before.items(), self.running().items())
        self.policy("block connect proto udp", "block bind port 7003")
        self.assertEqual("EACCES", self.place.answer("udp4 sendto=127.0.0.1:7001"))
        self.assertEqual("EACCES", self.place.answer("tcp4 bind=127.0.0.1:7003"))

    def test_8_another_builds_programs_are_replaced_without_a_gap(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7001")
        before = self.running()
        start = self.engine.start
        with unittest.mock.patch.object(self.engine, "start", lambda: (self.forget(), start())):
            self.check_no_gap(signal.SIGKILL)
        self.assertFalse(set(before.values()) & set(self.running().values()))

    def forget(self):
        """What is pinned is no longer known to be of this build."""
        for name in os.listdir(self.engine.pins):
            if name.startswith("code_"):
                os.unlink(os.path.join(self.engine.pins, name))

    def hold_dynamic(self, rule):
        """A session that holds a filter until it ends."""
        path = os.path.join(self.place.scratch, "dynamic.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'sublayer "dynamic" weight 0x9000\n{rule}\n')
        return self.place.start(
            "env", f"OPENWFP_SOCKET={self.engine.socket}", self.engine.command_line, "apply",
            "--dynamic", path, covered=False)

    def test_8_1_dynamic_filters_fall_with_their_session(self):
        self.policy("permit connect proto tcp to 127.0.0.1 port 7002")
        self.listen(7002)
        holder = self.hold_dynamic("block connect proto tcp to 127.0.0.1 port 7002")
        connect = "tcp4 connect=127.0.0.1:7002"
        wait_until(lambda: self.place.answer(connect) == "EACCES", "the dynamic filter")
        holder.stop(signal.SIGKILL)
        wait_until(lambda: self.place.answer(connect) == "ok", "the dynamic filter's fall")

    def test_8_1_dynamic_filters_do_not_come_back_after_kill_9(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7003")
        before = self.filters()
        self.hold_dynamic("block connect proto tcp to 127.0.0.1 port 7004")
        wait_until(lambda: len(self.filters()) > len(before), "the dynamic filter")
        self.restart(signal.SIGKILL)
        self.assertEqual(before, self.filters())
        self.assertEqual("ECONNREFUSED", self.place.answer("tcp4 connect=127.0.0.1:7004"))

    def test_13_slow_reader_of_events_holds_up_nobody(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7005")
        slow = self.engine.monitor("--drops")
        slow.process.send_signal(signal.SIGSTOP)
        knocker = self.knock(7005)
        time.sleep(2)
        quick = self.engine.monitor("--drops")
        quick.wait_for(lambda event: True, "an event for the quick one")
        answers, tries = self.finish(knocker)
        self.assertEqual(["EACCES"], answers)
        self.assertGreater(tries, 10)
        self.assertEqual(1, len({f["sublayer"] for f in self.filters()}))
        slow.process.send_signal(signal.SIGCONT)
        slow.stop()
        quick.stop()


# A connection: says something every few milliseconds and hears it again.
TALKER = """
import select, socket, sys
heard = 0
with socket.create_connection(("127.0.0.1", 7012), 3) as s:
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        s.sendall(b"x")
        assert s.recv(1) == b"x", "the connection has ended"
        heard += 1
        if heard == 1:
            print("talking", flush=True)
print(heard, flush=True)
"""
ECHO = """
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while said := self.request.recv(16):
            self.request.sendall(said)
with socketserver.ThreadingTCPServer(("127.0.0.1", 7012), Echo) as server:
    print("serving", flush=True)
    server.serve_forever()
"""
# Asks once, in a datagram, and hears of it until the end.
LISTENER = """
import select, socket, sys
heard = 0
with socket.socket(type=socket.SOCK_DGRAM) as s:
    s.settimeout(3)
    s.sendto(b"x", ("127.0.0.1", 7013))
    while not select.select([sys.stdin], [], [], 0)[0]:
        s.recv(1)
        heard += 1
        if heard == 1:
            print("talking", flush=True)
print(heard, flush=True)
"""
TELLER = """
import socket, time
with socket.socket(type=socket.SOCK_DGRAM) as s:
    s.bind(("127.0.0.1", 7013))
    print("serving", flush=True)
    peer = s.recvfrom(1)[1]
    while True:
        s.sendto(b"x", peer)
        time.sleep(0.002)
"""
PATIENT = 'import socket; socket.create_connection(("127.0.0.1", 7014)); print("connected")'


class Upgrade(TakeoverCase):
    """Another build takes over: what is blocked, permitted and connected stays so."""

    def flow(self, server, client):
        """Between a server that is not covered and a client that is."""
        started = self.place.start(sys.executable, "-c", server, covered=False,
                                   namespace=self.place.inside)
        self.place.await_line(started, "serving")
        flow = self.place.start(sys.executable, "-c", client, stdin=subprocess.PIPE)
        self.place.await_line(flow, "talking")
        return flow

    def upgrade(self, number):
        self.engine.stop(number)
        self.engine.pretend_another_version()
        self.engine.start()

    def check_upgrades(self, *stops):
        self.policy("block connect proto tcp to 127.0.0.1 port 7010", "permit connect",
                    "block accept proto udp")
        for port in (7010, 7011):
            self.listen(port)
        before = self.filters()
        blocked, permitted = self.knock(7010), self.knock(7011)
        flows = [self.flow(ECHO, TALKER), self.flow(TELLER, LISTENER)]
        self.assertEqual(["EACCES", "ok"], [blocked.line(), permitted.line()])
        for number in stops:
            self.upgrade(number)
            time.sleep(0.3)
        for knocker in (blocked, permitted):
            answers, tries = self.finish(knocker)
            self.assertEqual([], answers, "a connect was answered otherwise")
            self.assertGreater(tries, 10)
        for flow in flows:
            output, _ = flow.process.communicate("stop\n", timeout=20)
            self.assertRegex(output, r"^\d\d+$")
        self.assertEqual(before, self.filters())
        self.assertEqual([], [name for name in os.listdir("/sys/fs/bpf") if "_next" in name])

    def test_8_other_versions_leave_no_gap(self):
        self.check_upgrades(signal.SIGTERM, signal.SIGKILL)

    def test_8_what_another_version_held_is_not_let_go(self):
        self.listen(7014)
        self.policy("hold connect proto tcp to 127.0.0.1 port 7014")
        program = self.place.start(sys.executable, "-c", PATIENT)
        wait_until(lambda: self.engine.json("show", "hold")["packets"], "the connect to be held")
        self.upgrade(signal.SIGTERM)
        output, _ = program.process.communicate(timeout=20)
        self.assertIn("Error", output)

    def test_8_a_listen_that_another_version_held_is_closed(self):
        self.place.start("sleep", "1000")  # somebody is covered where the rules are put
        self.policy("hold listen proto tcp port { 7018, 7019 }")
        held, other = (self.place.pause(f"tcp{digit} bind={address}:{port} listen wait accept")
                       for digit, address, port in ((4, "127.0.0.1", 7018), (6, "[::1]", 7019)))
        self.listen(7020)
        wait_until(lambda: self.engine.json("show", "hold")["held"] == 2, "both to be held")
        self.upgrade(signal.SIGTERM)
        for listener in (held, other):
            self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])
        self.expect("ok", "tcp4 connect=127.0.0.1:7020")

    def remove(self):
        subprocess.run([self.engine.program, "--remove", "--socket", self.engine.socket,
                        "--pin-dir", self.engine.pins], check=True, capture_output=True)

    def test_8_removing_lets_go_what_is_held(self):
        self.listen(7016)
        self.policy("hold connect proto tcp to 127.0.0.1 port 7016", "hold accept port 7017")
        program = self.place.start(sys.executable, "-c", PATIENT.replace("7014", "7016"))
        wait_until(lambda: self.engine.json("show", "hold")["packets"], "the connect to be held")
        self.engine.stop()
        self.remove()
        output, _ = program.process.communicate(timeout=20)
        self.assertEqual("connected", output.strip())
        code, tables = self.place.run("nft", "list", "tables")
        self.assertEqual((0, ""), (code, tables))
        self.engine.start()

    def test_8_removing_while_another_version_takes_over_removes_both(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7015")
        self.engine.stop()
        os.mkdir(self.engine.pins + "_next")
        self.remove()
        self.assertFalse(os.path.exists(self.engine.pins + "_next"))
        self.assertFalse(os.path.exists(self.engine.pins))
        self.engine.start()


if __name__ == "__main__":
    main()
