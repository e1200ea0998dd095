"""What must hold on every kernel we claim to support. Run in a guest: verifying the kernel programs
takes many times as long there, so what needs a program is given time."""
import os
import shutil
import signal

from case import EngineCase, each, main
from families import FAMILIES, NATIVE
from place import INSIDE4, OUTSIDE4, wait_until

SLOW = "timeout=60000"
NOBODY = 65534


class Essentials(EngineCase):
    def await_accept_hook(self):
        """Where somebody listens for the first time, the hook that refuses peers follows."""
        def is_there():
            pins = os.listdir(self.engine.pins)
            return sum(name.startswith("ale_lookup_") for name in pins) == 2
        wait_until(is_there, "the accept hook", 120)

    @each(*FAMILIES)
    def test_s2_a_blocked_connect_fails_at_once(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block connect tcp port 81")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", covered=False)
        self.expect("ok", f"{tcp} connect={family.peer(80)} send recv")
        self.expect("EACCES", f"{tcp} connect={family.peer(81)}")
        server.stop()

    @each(*FAMILIES)
    def test_s2_a_blocked_datagram_fails_at_once(self, family):
        udp = f"udp{family.digit}"
        self.policy("block connect udp port 53")
        server = self.place.serve(f"{udp} bind={family.any}:54", covered=False)
        self.expect("EACCES", f"{udp} sendto={family.peer(53)}")
        self.expect("ok", f"{udp} sendto={family.peer(54)} recv")
        server.stop()

    def test_sctp_is_decided_by_its_packets(self):
        if self.place.answer("sctp4") != "ok":
            self.skipTest("this kernel has no SCTP")
        self.policy("block connect port 81", "block accept port 83")
        for covered, ports in ((False, (80, 81)), (True, (82, 83))):
            for port in ports:
                self.place.serve(f"sctp4 bind=0.0.0.0:{port} listen", covered=covered)
        self.expect("ok", f"sctp4 connect={OUTSIDE4}:80")
        self.expect("ok", f"sctp4 connect={OUTSIDE4}:81", covered=False)
        self.assertNotEqual("ok", self.place.answer(f"sctp4 connect={OUTSIDE4}:81"))
        self.expect("ok", f"sctp4 connect={INSIDE4}:82", covered=False)
        self.assertNotEqual("ok", self.place.answer(f"sctp4 connect={INSIDE4}:83", covered=False))
        self.policy("block bind proto sctp")
        self.expect("EACCES", "sctp4")

    @each(*NATIVE)
    def test_15_5_a_blocked_accept_is_refused_at_the_peer(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block accept tcp port 81")
        open_ = self.place.serve(f"{tcp} bind={family.any}:80 listen")
        shut = self.place.serve(f"{tcp} bind={family.any}:81 listen")
        self.await_accept_hook()
        self.expect("ok", f"{tcp} connect={family.own(80)} send recv", covered=False)
        self.expect("ECONNREFUSED", f"{tcp} {SLOW} connect={family.own(81)}", covered=False)
        open_.stop()
        shut.stop()

    def test_15_4_a_blocked_bind_fails(self):
        self.policy("block bind tcp port 81")
        self.expect("ok", "tcp4 bind=0.0.0.0:80")
        self.expect("EACCES", "tcp4 bind=0.0.0.0:81")

    def test_s1_raw_sockets_are_refused(self):
        self.policy("block bind flags raw")
        self.expect("EACCES", "icmp4")

    def test_s2_by_program(self):
        other = os.path.join(self.place.scratch, "other")
        shutil.copy(self.place.sock_program, other)
        self.policy(f"block connect app {other}")
        self.expect("EACCES", "tcp4 connect=127.0.0.1:9", program=other)
        self.expect("ECONNREFUSED", "tcp4 connect=127.0.0.1:9")

    def test_s11_by_user(self):
        self.policy("block connect user nobody")
        self.expect("EACCES", "tcp4 connect=127.0.0.1:9", uid=NOBODY)
        self.expect("ECONNREFUSED", "tcp4 connect=127.0.0.1:9")

    def test_who_asks_is_the_one_who_asks(self):
        """Many tasks, one after the other: never another's name."""
        other = os.path.join(self.place.scratch, "other")
        shutil.copy(self.place.sock_program, other)
        self.policy(f"block connect app {other}")
        both = "; ".join(f"{program} tcp4 connect=127.0.0.1:9"
                         for program in (other, self.place.sock_program))
        script = f"for i in $(seq 60); do {both}; done | sort | uniq -c"
        code, output = self.place.run("sh", "-c", script, timeout=120)
        seen = {line.split()[-1]: int(line.split()[0]) for line in output.splitlines()
                if "connect" in line}
        self.assertEqual((0, {"EACCES": 60, "ECONNREFUSED": 60}), (code, seen))

    def test_doctor_says_what_this_kernel_lacks(self):
        works = {hook["name"]: hook["works"] for hook in self.engine.json("doctor")["hooks"]}
        missing = {name for name, does in works.items() if not does}
        old = {"arena"} if os.uname().release.startswith("6.1.") else set()
        self.assertEqual({"task_storage"} | old, missing)

    def test_s3_filters_go_on_without_bfe_and_the_next_takes_over(self):
        self.policy("block connect tcp port 81")
        self.expect("EACCES", "tcp4 connect=127.0.0.1:81")
        self.engine.stop(signal.SIGKILL)
        self.expect("EACCES", "tcp4 connect=127.0.0.1:81")
        self.expect("ECONNREFUSED", "tcp4 connect=127.0.0.1:80")
        self.engine.start()
        self.expect("EACCES", "tcp4 connect=127.0.0.1:81")

    def test_s10_a_live_connection_ends_when_it_is_blocked(self):
        self.policy("permit connect")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        waiting = self.place.pause(f"tcp4 connect=192.0.2.2:80 wait {SLOW} recv")
        waiting.tell()
        self.policy("block connect tcp port 80")
        self.assertIn("ECONNABORTED", waiting.process.communicate(timeout=90)[0])
        server.stop()

    def test_events_name_the_program(self):
        self.policy("block connect tcp port 81")
        monitor = self.engine.monitor()
        self.expect("EACCES", "tcp4 connect=127.0.0.1:81")
        event = monitor.wait_for(lambda event: event["verdict"] == "block", "the block")
        self.assertEqual(self.place.sock_program, event["app"])
        monitor.stop()

    def test_7_1_a_callout_in_the_kernel_decides(self):
        code = os.path.join(self.place.build, "examples/callouts/connection_limit.bpf.o")
        self.engine.wfp("callout", "load", "limit", code, "connect")
        self.policy("callout limit connect tcp port 7201 as terminating")
        burst = self.place.sock(" ".join(["tcp4 connect=127.0.0.1:7201 close"] * 40))
        self.assertLessEqual({"ECONNREFUSED", "EACCES"}, {answer for _, answer in burst})

    def test_s8_a_connect_is_held_and_refused_when_nobody_answers(self):
        self.place.start("sleep", "1000")  # somebody is covered where the rules are put
        self.policy("hold connect tcp port 80 timeout 1s default block")
        server = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.expect("ECONNREFUSED", f"tcp4 {SLOW} connect=192.0.2.2:80")
        server.stop()


if __name__ == "__main__":
    main()
