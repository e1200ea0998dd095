"""ICMP and raw sockets: created, sent from and received with, ping and raw, IPv4 and IPv6."""
from case import EngineCase, each, main
from families import NATIVE, V4, V6

RULES = {"4": "icmp", "6": "icmp6"}
KINDS = tuple((family, kind) for family in NATIVE for kind in ("icmp", "raw"))


class Icmp(EngineCase):
    @each(*KINDS)
    def test_permitted_echo_is_answered(self, family, kind):
        self.policy("permit connect")
        self.expect("ok", f"{kind}{family.digit} sendto={family.peer(0)} recvfrom")

    @each(*KINDS)
    def test_15_5_a_blocked_echo_is_not_sent(self, family, kind):
        self.policy(f"block connect {RULES[family.digit]}")
        sent, received = self.place.sock(
            f"{kind}{family.digit} timeout=300 sendto={family.peer(0)} recvfrom")[-2:]
        self.assertEqual("EAGAIN", received[1])
        if (family, kind) != (V6, "icmp"):  # whose sendto ignores what the network says
            self.assertEqual("EPERM", sent[1])

    @each(*NATIVE)
    def test_15_5_connect_of_a_ping_socket_is_decided(self, family):
        self.policy(f"block connect {RULES[family.digit]}")
        self.expect("EACCES", f"icmp{family.digit} connect={family.peer(0)}")

    @each(*KINDS)
    def test_15_4_creating_a_raw_socket_is_a_resource_assignment(self, family, kind):
        self.policy("block bind flags raw")
        self.expect("EACCES", f"{kind}{family.digit}")
        self.expect("ok", f"udp{family.digit} bind={family.own(53)}")

    def test_15_2_the_type_is_a_condition(self):
        self.policy("block connect icmp icmp-type 13", "permit connect")
        self.expect("ok", f"icmp4 sendto={V4.peer(0)} recvfrom")
        self.policy("block connect icmp icmp-type 8")
        self.expect("EPERM", f"icmp4 sendto={V4.peer(0)}")

    @each(*KINDS)
    def test_15_12_echo_replies_belong_to_the_flow_of_the_request(self, family, kind):
        self.policy("permit connect", "block accept")
        self.expect("ok", f"{kind}{family.digit} sendto={family.peer(0)} recvfrom")

    @each(*((family, *pair) for family in NATIVE
            for pair in (("permit", "ok"), ("block", "EAGAIN"))))
    def test_15_5_a_raw_receiver_hears_only_whom_it_may(self, family, action, wanted):
        rule = RULES[family.digit]
        self.policy(f"{action} accept {rule} from {family.outside_rule}", "block accept")
        listener = self.place.pause(f"raw{family.digit} wait timeout=300 recvfrom")
        self.expect("ok", f"icmp{family.digit} sendto={family.own(0)} recvfrom", covered=False)
        self.assertEqual(wanted, self.place.finish(listener)[-1][1])


if __name__ == "__main__":
    main()
