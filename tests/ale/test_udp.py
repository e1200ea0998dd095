"""UDP: bind, connect, sendto, recvfrom. Authorized once per remote peer, connected or not."""
import subprocess

from case import EngineCase, each, main
from engine import event_is
from families import FAMILIES, V4, V6


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

    def test_15_3_a_flow_ends_with_its_socket(self):
        server = self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
        self.policy("permit connect udp port 53")
        monitor = self.engine.monitor()
        for _ in range(2):
            self.expect("ok", f"udp4 bind=0.0.0.0:5000 sendto={V4.peer(53)} recvfrom "
                        f"sendto={V4.peer(53)} recvfrom")
        asked = [e for e in monitor.settle() if event_is("connect", "udp", remote_port=53)(e)]
        self.assertEqual(2, len(asked), asked)
        monitor.stop()
        server.stop()

    @each((V4, "239.1.2.3", "224.0.0.0/4"), (V6, "[ff05::1:3]", "ff05::/16"))
    def test_15_3_who_was_spoken_to_by_multicast_may_answer(self, family, group, route):
        udp = f"udp{family.digit}"
        subprocess.run(["ip", "-n", self.place.inside, "route", "replace", route, "dev", "veth0"],
                       check=True)
        self.policy("block accept udp")
        for said, heard in ((f"sendto={group}:5353", "ok"), ("", "EAGAIN")):
            hears = self.place.pause(f"{udp} bind={family.any}:5000 {said} wait timeout=1000 "
                                     "recvfrom")
            self.expect("ok", f"{udp} sendto={family.own(5000)}", covered=False)
            self.assertEqual(("recvfrom", heard), self.place.finish(hears)[-1])


if __name__ == "__main__":
    main()
