"""UDP: bind, connect, sendto, recvfrom. Authorized once per remote peer, connected or not."""
from case import EngineCase, each, main
from families import FAMILIES


class Udp(EngineCase):
    @each(*FAMILIES)
    def test_15_4_a_blocked_bind_fails_with_EACCES(self, family):
        udp = f"udp{family.digit}"
        self.policy("block bind udp port 54")
        self.expect("ok", f"{udp} bind={family.own(53)}")
        self.expect("EACCES", f"{udp} bind={family.own(54)}")

    @each(*FAMILIES)
    def test_15_5_a_blocked_connect_fails_with_EACCES(self, family):
        udp = f"udp{family.digit}"
        self.policy("block connect udp port 54")
        self.expect("ok", f"{udp} connect={family.peer(53)}")
        self.expect("EACCES", f"{udp} connect={family.peer(54)}")

    @each(*FAMILIES)
    def test_15_5_a_blocked_sendto_fails_with_EACCES(self, family):
        udp = f"udp{family.digit}"
        self.policy("block connect udp port 54")
        server = self.place.serve(f"{udp} bind={family.any}:53", covered=False)
        self.expect("ok", f"{udp} sendto={family.peer(53)} recvfrom")
        self.expect("EACCES", f"{udp} sendto={family.peer(54)}")
        server.stop()

    @each(*FAMILIES)
    def test_15_2_one_socket_many_peers_each_is_decided(self, family):
        udp = f"udp{family.digit}"
        self.policy("permit connect udp port 53", "block connect udp")
        server = self.place.serve(f"{udp} bind={family.any}:53", covered=False)
        answers = self.place.sock(
            f"{udp} sendto={family.peer(53)} recvfrom sendto={family.peer(54)} "
            f"sendto={family.peer(53)} recvfrom")
        self.assertEqual(["ok", "ok", "ok", "EACCES", "ok", "ok"], [a for _, a in answers])
        server.stop()

    @each(*FAMILIES)
    def test_15_1_a_blocked_first_datagram_never_arrives(self, family):
        udp = f"udp{family.digit}"
        self.policy("block accept udp port 54")
        open_ = self.place.serve(f"{udp} bind={family.any}:53")
        self.expect("ok", f"{udp} sendto={family.own(53)} recvfrom", covered=False)
        shut = self.place.pause(f"{udp} bind={family.any}:54 wait timeout=300 recvfrom")
        self.expect("ok", f"{udp} sendto={family.own(54)}", covered=False)
        self.assertEqual(("recvfrom", "EAGAIN"), self.place.finish(shut)[-1])
        open_.stop()

    @each(*FAMILIES)
    def test_15_1_the_answers_of_a_permitted_flow_need_no_filter(self, family):
        udp = f"udp{family.digit}"
        self.policy("permit connect udp port 53", "block connect udp", "block accept udp")
        server = self.place.serve(f"{udp} bind={family.any}:53", covered=False)
        self.expect("ok", f"{udp} sendto={family.peer(53)} recvfrom")
        self.expect("ok", f"{udp} connect={family.peer(53)} send recv")
        server.stop()

    @each(*FAMILIES)
    def test_15_1_a_server_answers_whom_it_may_hear(self, family):
        udp = f"udp{family.digit}"
        self.policy("permit accept udp port 53", "block accept udp", "block connect udp")
        server = self.place.serve(f"{udp} bind={family.any}:53")
        self.expect("ok", f"{udp} sendto={family.own(53)} recvfrom", covered=False)
        server.stop()


if __name__ == "__main__":
    main()
