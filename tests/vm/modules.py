"""With BPF among the kernel's security modules: what programs of a cgroup can't refuse in place, or
don't see. Run in a guest."""
import os
import shutil
import signal

from case import EngineCase, each, main
from families import FAMILIES, NATIVE
from place import INSIDE4, INSIDE6

NOBODY = 65534


class Modules(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.patience = 400
        cls.other = os.path.join(cls.place.scratch, "other")
        shutil.copy(cls.place.sock_program, cls.other)

    def pins(self):
        return {name for name in os.listdir(self.engine.pins) if name.startswith("ale_lsm_")}

    @each(*FAMILIES)
    def test_15_5_a_blocked_listen_fails_at_once(self, family):
        bound = f"tcp{family.digit} bind={family.any}"
        self.policy("block listen port 81")
        self.expect("EACCES", f"{bound}:81 listen")
        self.expect("ok", f"{bound}:80 listen")
        self.expect("ok", f"{bound}:81 listen", covered=False)

    def test_15_5_a_blocked_listen_by_program_and_user(self):
        bound = "tcp4 bind=0.0.0.0:8080 listen"
        self.policy(f"block listen app {self.other}", "block listen user nobody")
        self.expect("EACCES", bound, program=self.other)
        self.expect("EACCES", bound, uid=NOBODY)
        self.expect("ok", bound)

    def test_mptcp_listens_are_tcp_listens(self):
        if self.place.answer("mptcp4") != "ok":
            self.skipTest("this kernel has no MPTCP")
        self.policy("block listen port 81")
        self.expect("EACCES", "mptcp4 bind=0.0.0.0:81 listen")
        self.expect("ok", "mptcp4 bind=0.0.0.0:80 listen")

    def test_a_listen_without_bind_is_decided_when_it_has_its_port(self):
        self.policy("permit listen port 1-1023", "block listen")
        listener = self.place.pause("tcp4 listen sleep=4000 wait accept")
        self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])

    def test_a_listen_is_told_of_once(self):
        self.policy("permit listen port 80", "block listen")
        monitor = self.engine.monitor()
        self.expect("ok", "tcp4 bind=0.0.0.0:80 listen")
        self.expect("EACCES", "tcp4 bind=0.0.0.0:81 listen")
        monitor.wait_for(lambda event: event["verdict"] == "block", "the block")
        listens = [event for event in monitor.settle() if event["layer"].startswith("listen")]
        monitor.stop()
        self.assertEqual([("permit", 80), ("block", 81)],
                         [(event["verdict"], event["local_port"]) for event in listens])

    def test_15_4_packet_sockets_are_raw_and_promiscuous(self):
        self.policy("block bind flags promiscuous")
        self.expect("EACCES", "packet")
        self.expect("EACCES", "xdp")
        self.expect("ok", "packet", covered=False)
        self.expect("ok", "xdp", covered=False)
        self.expect("ok", "raw4")
        self.policy("block bind flags raw")
        self.expect("EACCES", "packet")
        self.expect("EACCES", "raw4")
        self.policy(f"permit bind app {self.other} flags raw", "block bind flags raw")
        self.expect("ok", "packet", program=self.other)

    def test_packet_sockets_go_by_interface_too(self):
        self.policy("block bind flags promiscuous interface lo")
        self.expect("EACCES", "packet interface=lo")
        self.expect("ok", "packet interface=veth0")

    @each(("4", INSIDE4, "127.0.0.1"), ("6", INSIDE6, "::1"))
    def test_15_4_binding_raw_and_ping_sockets(self, digit, shut, open_):
        shut, open_ = (f"[{shut}]", f"[{open_}]") if digit == "6" else (shut, open_)
        self.policy(f"block bind on {INSIDE4}", f"block bind on {INSIDE6}")
        for kind in ("raw", "icmp"):
            self.expect("EACCES", f"{kind}{digit} bind={shut}:0")
            self.expect("ok", f"{kind}{digit} bind={open_}:0")

    def test_s3_it_holds_without_bfe_and_while_the_next_takes_over(self):
        self.policy("block bind flags promiscuous")
        before = self.pins()
        self.engine.stop(signal.SIGKILL)
        self.expect("EACCES", "packet")
        tries = self.place.start("sh", "-c", f"while {self.place.sock_program} packet | "
                                 "grep -q EACCES; do sleep 1; done")
        self.engine.start()
        self.assertEqual(before, self.pins())
        self.assertIsNone(tries.process.poll())
        tries.stop()
        self.expect("EACCES", "packet")

    def test_only_what_a_filter_needs_is_attached(self):
        self.policy("block listen port 81", "block bind flags raw")
        self.assertEqual({"ale_lsm_listen", "ale_lsm_create", "ale_lsm_bind"}, self.pins())
        self.policy("block connect port 81")
        self.assertEqual(set(), self.pins())
        self.expect("ok", "tcp4 bind=0.0.0.0:81 listen")
        self.expect("ok", "packet")

    def test_doctor_says_that_it_works(self):
        report = self.engine.json("doctor")
        works = {hook["name"]: hook["works"] for hook in report["hooks"]}
        for name in ("lsm_listen", "lsm_create", "lsm_bind"):
            self.assertTrue(works[name], report)
        self.assertFalse([gap for gap in report["gaps"]
                          if "AF_PACKET" in gap or "listen() itself" in gap])


if __name__ == "__main__":
    main()
