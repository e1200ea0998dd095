"""ICMP and raw sockets: created, sent from and received with, ping and raw, IPv4 and IPv6."""
from case import EngineCase, main
from families import NATIVE

KINDS = ("icmp", "raw")


class Icmp(EngineCase):
    def each_kind(self):
        for family in NATIVE:
            for kind in KINDS:
                with self.subTest(kind=kind, family=family.name):
                    rule = "icmp" if family.digit == "4" else "icmp6"
                    yield family, f"{kind}{family.digit}", rule

    def test_permitted_echo_is_answered(self):
        self.policy("permit connect")
        for family, socket, _ in self.each_kind():
            self.expect("ok", f"{socket} sendto={family.peer(0)} recvfrom")

    def test_15_5_a_blocked_echo_is_told_its_sender(self):
        for family, socket, rule in self.each_kind():
            self.policy(f"block connect {rule}")
            answer = self.place.answer(f"{socket} sendto={family.peer(0)}")
            self.assertIn(answer, ("EACCES", "EPERM"))

    def test_15_5_connect_of_a_ping_socket_is_decided(self):
        for family in NATIVE:
            with self.subTest(family=family.name):
                self.policy("block connect " + ("icmp" if family.digit == "4" else "icmp6"))
                answers = self.place.sock(f"icmp{family.digit} connect={family.peer(0)} send")
                self.assertIn(answers[-1][1], ("EACCES", "EPERM", "EDESTADDRREQ"))
                self.assertNotEqual("ok", answers[-1][1])

    def test_15_4_creating_a_raw_socket_is_a_resource_assignment(self):
        self.policy("block bind flags raw")
        for family, socket, _ in self.each_kind():
            self.expect("EACCES", socket)
        self.expect("ok", f"udp4 bind={NATIVE[0].own(53)}")

    def test_15_2_the_type_is_a_condition(self):
        self.policy("block connect icmp icmp-type 13", "permit connect")
        self.expect("ok", f"icmp4 sendto={NATIVE[0].peer(0)} recvfrom")
        self.policy("block connect icmp icmp-type 8")
        self.assertNotEqual("ok", self.place.answer(f"icmp4 sendto={NATIVE[0].peer(0)}"))

    def test_15_12_echo_replies_belong_to_the_flow_of_the_request(self):
        for family, socket, _ in self.each_kind():
            self.policy("permit connect", "block accept")
            self.expect("ok", f"{socket} sendto={family.peer(0)} recvfrom")

    def test_15_5_a_raw_receiver_hears_only_whom_it_may(self):
        for family in NATIVE:
            with self.subTest(family=family.name):
                rule = "icmp" if family.digit == "4" else "icmp6"
                raw, ping = f"raw{family.digit}", f"icmp{family.digit}"
                for action, wanted in (("permit", "ok"), ("block", "EAGAIN")):
                    self.policy(f"{action} accept {rule} from {family.outside_rule}",
                                "block accept")
                    listener = self.place.pause(f"{raw} wait timeout=300 recvfrom")
                    self.expect("ok", f"{ping} sendto={family.own(0)} recvfrom", covered=False)
                    self.assertEqual(wanted, self.place.finish(listener)[-1][1])


if __name__ == "__main__":
    main()
