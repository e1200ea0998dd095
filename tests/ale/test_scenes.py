"""Scenes of the design, whole: S1 trap all, S3 kernel only, S7 the fields, and restarts."""
import os
import signal
import subprocess

from case import EngineCase, main
from engine import event_is
from families import FAMILIES, NATIVE
from place import OUTSIDE4, wait_until

TRAP_ALL = ('permit connect name "every connect"', 'permit accept name "every accept"')


class Scenes(EngineCase):
    def test_s1_trap_all_sees_every_flow_of_the_covered_programs(self):
        self.policy(*TRAP_ALL)
        monitor = self.engine.monitor("--all")
        monitor.settle()
        for family in FAMILIES:
            digit = family.digit
            for protocol, listen in (("tcp", "listen"), ("udp", "")):
                port = {"v4": 1004, "v6": 1006, "v4-mapped": 1046}[family.name]
                socket = protocol + digit
                there = self.place.serve(f"{socket} bind={family.any}:{port} {listen}",
                                         covered=False)
                self.expect("ok", f"{socket} connect={family.peer(port)} send recv")
                there.stop()
                here = self.place.serve(f"{socket} bind={family.any}:{port} {listen}")
                self.expect("ok", f"{socket} connect={family.own(port)} send recv",
                            covered=False)
                here.stop()
                for layer, side in (("connect", "remote_port"), ("accept", "local_port")):
                    with self.subTest(family=family.name, protocol=protocol, layer=layer):
                        monitor.wait_for(
                            event_is(f"{layer}-v{digit}", protocol, **{side: port}),
                            f"{protocol} {layer} of {family.name}")
        for family in NATIVE:
            protocol = "icmp" if family.digit == "4" else "icmp6"
            self.expect("ok", f"icmp{family.digit} sendto={family.peer(0)} recv")
            with self.subTest(family=family.name, protocol=protocol):
                monitor.wait_for(event_is("connect", protocol), f"{protocol} connect")
        monitor.stop()

    def test_s3_filters_go_on_when_bfe_is_killed_and_when_it_comes_back(self):
        self.policy("block connect tcp port 81", "permit connect")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)

        def enforced():
            self.expect("ok", f"tcp4 connect={OUTSIDE4}:80 send recv")
            self.expect("EACCES", f"tcp4 connect={OUTSIDE4}:81")
        enforced()
        self.engine.stop(signal.SIGKILL)
        enforced()
        self.engine.start()
        enforced()
        self.policy("permit connect")
        self.expect("ECONNREFUSED", f"tcp4 connect={OUTSIDE4}:81")
        server.stop()

    def test_s3_no_connect_gets_through_while_bfe_is_killed_and_started(self):
        self.policy("block connect tcp port 81")
        steps = "tcp4 " + f"connect={OUTSIDE4}:81 sleep=5 " * 400
        busy = self.place.start(self.place.sock_program, *steps.split())
        for _ in range(2):
            self.engine.stop(signal.SIGKILL)
            self.engine.start()
        output, _ = busy.process.communicate(timeout=30)
        answers = {line for line in output.splitlines() if line.startswith("connect")}
        self.assertEqual({"connect EACCES"}, answers)

    def test_8_1_dynamic_filters_fall_with_their_session(self):
        self.policy("permit connect")
        path = f"{self.place.scratch}/dynamic.wfp"
        with open(path, "w", encoding="ascii") as file:
            file.write('provider "guest"\nsublayer "guest" weight 0x9000\n'
                       "block connect tcp port 81\n")
        guest = subprocess.Popen([self.engine.command_line, "apply", "--dynamic", path],
                                 env=self.engine.environment, stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: self.place.answer(f"tcp4 connect={OUTSIDE4}:81") == "EACCES",
                       "the dynamic filter")
        finally:
            os.kill(guest.pid, signal.SIGKILL)
            guest.wait()
            guest.stdout.close()
        wait_until(lambda: self.place.answer(f"tcp4 connect={OUTSIDE4}:81") == "ECONNREFUSED",
                   "the dynamic filter's end")

    def test_s7_udp_is_authorized_once_per_remote_peer(self):
        self.policy(*TRAP_ALL)
        server = self.place.serve("udp4 bind=0.0.0.0:5353", covered=False)
        other = self.place.serve("udp4 bind=0.0.0.0:5354", covered=False)
        monitor = self.engine.monitor("--all")
        monitor.settle()
        exchange = f"sendto={OUTSIDE4}:5353 recv " * 3 + f"sendto={OUTSIDE4}:5354 recv"
        self.expect("ok", f"udp4 {exchange}")
        connects = [event["remote_port"] for event in monitor.settle()
                    if event_is("connect", "udp")(event)]
        self.assertEqual([5353, 5354], sorted(connects))
        monitor.stop()
        server.stop()
        other.stop()

    def test_s2_an_event_says_who_and_which_filter(self):
        self.policy('block connect tcp port 81 name "no 81"', "permit connect")
        monitor = self.engine.monitor("--all")
        monitor.settle()
        self.expect("EACCES", f"tcp4 connect={OUTSIDE4}:81", uid=33)
        event = monitor.wait_for(event_is("connect", "tcp", remote_port=81), "the blocked connect")
        self.assertEqual(("block", self.place.sock_program, OUTSIDE4, 33, "no 81"),
                         (event["verdict"], event["app"], event["remote_address"], event["uid"],
                          event["filter_name"]))
        monitor.stop()


if __name__ == "__main__":
    main()
