"""TCP: bind, listen, connect, accept; each permitted and blocked, with the errno that is seen."""
from case import EngineCase, each, main
from families import FAMILIES, MAPPED, V4


class Tcp(EngineCase):
    @each(*FAMILIES)
    def test_6_11_nothing_matches_and_everything_is_permitted(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block connect tcp port 9999")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", covered=False)
        self.expect("ok", f"{tcp} connect={family.peer(80)} send recv")
        server.stop()

    @each(*FAMILIES)
    def test_15_5_a_blocked_connect_fails_at_once_with_EACCES(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block connect tcp port 81")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", covered=False)
        other = self.place.serve(f"{tcp} bind={family.any}:81 listen", covered=False)
        self.expect("ok", f"{tcp} connect={family.peer(80)} send recv")
        self.expect("EACCES", f"{tcp} connect={family.peer(81)}")
        server.stop()
        other.stop()

    @each(*FAMILIES)
    def test_connect_is_decided_by_remote_address(self, family):
        tcp = f"tcp{family.digit}"
        self.policy(f"permit connect to {family.outside_rule} tcp port 80", "block connect")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", covered=False)
        self.expect("ok", f"{tcp} connect={family.peer(80)} send recv")
        self.expect("EACCES", f"{tcp} connect={family.own(80)}")
        server.stop()

    @each(*FAMILIES)
    def test_15_5_a_blocked_accept_is_refused_at_the_peer(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block accept tcp port 81")
        open_ = self.place.serve(f"{tcp} bind={family.any}:80 listen")
        shut = self.place.serve(f"{tcp} bind={family.any}:81 listen")
        peer = f"tcp{family.digit}"
        self.expect("ok", f"{peer} connect={family.own(80)} send recv", covered=False)
        self.expect("ECONNREFUSED", f"{peer} timeout=3000 connect={family.own(81)}",
                    covered=False)
        open_.stop()
        shut.stop()

    @each(*FAMILIES)
    def test_15_1_an_accept_is_decided_by_the_peer_and_its_replies_need_no_filter(self, family):
        tcp = f"tcp{family.digit}"
        self.policy(f"permit accept tcp from {family.outside_rule}", "block accept",
                    "block connect")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen")
        self.expect("ok", f"{tcp} connect={family.own(80)} send recv", covered=False)
        self.expect("ECONNREFUSED", f"{tcp} timeout=3000 connect={family.own(80)}",
                    covered=False, namespace=self.place.inside)
        server.stop()

    @each(*FAMILIES)
    def test_15_4_a_blocked_bind_fails_with_EACCES(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block bind tcp port 81")
        self.expect("ok", f"{tcp} bind={family.own(80)}")
        self.expect("EACCES", f"{tcp} bind={family.own(81)}")

    @each(*FAMILIES)
    def test_15_4_an_implicit_bind_at_connect_is_a_resource_assignment(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("block bind tcp flags implicit")
        self.expect("EACCES", f"{tcp} connect={family.peer(80)}")

    @each(*FAMILIES)
    def test_15_1_a_permitted_connection_lives_on_beside_a_block_of_new_ones(self, family):
        tcp = f"tcp{family.digit}"
        self.policy("permit connect tcp port 80", "block connect")
        server = self.place.serve(f"{tcp} bind={family.any}:80 listen", covered=False)
        waiting = self.place.pause(f"{tcp} connect={family.peer(80)} wait send recv")
        self.expect("EACCES", f"{tcp} connect={family.peer(443)}")
        answers = dict(self.place.finish(waiting))
        self.assertEqual(("ok", "ok"), (answers["send"], answers["recv"]))
        server.stop()

    def test_1_8_ipv4_through_an_ipv6_socket_is_the_v6_layers(self):
        server = self.place.serve("tcp6 bind=[::]:80 listen", covered=False)
        own = self.place.serve("tcp6 bind=[::]:81 listen")
        for version, v4, mapped in (("ipv4", "EACCES", "ok"), ("ipv6", "ok", "EACCES")):
            self.policy(f"block connect {version} tcp port 80")
            self.expect(v4, f"tcp4 connect={V4.peer(80)}")
            self.expect(mapped, f"tcp6 connect={MAPPED.peer(80)}")
        for version, answer in (("ipv4", "ok"), ("ipv6", "ECONNREFUSED")):
            self.policy(f"block accept {version} tcp port 81")
            self.expect(answer, f"tcp4 connect={V4.own(81)}", covered=False)
        server.stop()
        own.stop()

    def test_2_7_on_loopback_each_end_is_classified_as_its_own(self):
        server = self.place.serve("tcp4 bind=127.0.0.1:80 listen")
        for connect, accept, answer in (("local", "remote", "ok"), ("remote", "remote", "EACCES"),
                                        ("local", "local", "ECONNREFUSED")):
            self.policy(f"block connect {connect}-port 80", f"block accept {accept}-port 80")
            self.expect(answer, "tcp4 connect=127.0.0.1:80")
        server.stop()


if __name__ == "__main__":
    main()
