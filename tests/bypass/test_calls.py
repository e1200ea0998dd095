"""Calls that connect without connect(), or twice."""
from bypass import OPEN4, OPEN6, SHUT4, SHUT6, BypassCase
from case import each, main
from place import INSIDE4, OUTSIDE4, OUTSIDE6


class Calls(BypassCase):
    def test_fast_open_by_sendto(self):
        self.expect("ok", f"tcp4 fastopen={OPEN4}")
        self.expect("EACCES", f"tcp4 fastopen={SHUT4}")
        self.expect("EACCES", f"tcp6 fastopen={SHUT6}")

    def test_fast_open_connect(self):
        self.expect("EACCES", f"tcp4 fastopen_connect={SHUT4}")

    def test_io_uring_connect(self):
        self.expect("ok", f"tcp4 uring_connect={OPEN4}")
        self.expect("EACCES", f"tcp4 uring_connect={SHUT4}")
        self.expect("EACCES", f"udp6 uring_connect={SHUT6}")

    def test_io_uring_sendmsg(self):
        self.expect("ok", f"udp4 uring_sendto={OPEN4}")
        self.expect("EACCES", f"udp4 uring_sendto={SHUT4}")
        self.expect("EACCES", f"udp6 uring_sendto={SHUT6}")

    def test_connected_udp_reconnects(self):
        self.expect("EACCES", f"udp4 connect={OPEN4} connect={SHUT4}")
        self.expect("EACCES", f"udp6 connect={OPEN6} connect={SHUT6}")

    def test_connected_udp_sends_elsewhere(self):
        self.expect("EACCES", f"udp4 connect={OPEN4} sendto={SHUT4}")

    def test_a_refused_reconnect_leaves_the_permitted_peer(self):
        answers = self.place.sock(f"udp4 connect={OPEN4} connect={SHUT4} send recv")
        self.assertEqual(["ok", "EACCES", "ok", "ok"], [answer for _, answer in answers[1:]])

    def test_af_unspec_disconnects_and_decides_anew(self):
        self.expect("EACCES", f"udp4 connect={OPEN4} unspec sendto={SHUT4}")
        self.expect("EACCES", f"tcp4 connect={OPEN4} unspec connect={SHUT4}")
        self.expect("ok", f"tcp4 connect={OPEN4} unspec connect={OPEN4}")

    def test_v4_mapped_addresses(self):
        self.expect("ok", f"tcp6 connect=[::ffff:{OUTSIDE4}]:80")
        self.expect("EACCES", f"tcp6 connect=[::ffff:{OUTSIDE4}]:81")
        self.expect("EACCES", f"udp6 sendto=[::ffff:{OUTSIDE4}]:81")

    def test_a_rule_for_an_ipv4_address_covers_its_mapped_form(self):
        self.engine.apply(f"block connect tcp to {OUTSIDE4} port 81")
        self.expect("EACCES", f"tcp6 connect=[::ffff:{OUTSIDE4}]:81")
        self.engine.apply(*self.rules)

    @each("tcp4 connect=0.0.0.0:81", "udp4 connect=0.0.0.0:81", "udp4 sendto=0.0.0.0:81",
          "tcp4 fastopen=0.0.0.0:81", "tcp6 connect=[::]:81", "udp6 connect=[::]:81",
          "udp6 sendto=[::]:81", "tcp6 connect=[::ffff:0.0.0.0]:81",
          "udp6 sendto=[::ffff:0.0.0.0]:81")
    def test_no_address_is_loopback(self, steps):
        """The kernel takes 0.0.0.0 and :: for the machine itself; so do the filters."""
        self.engine.apply("block connect to 127.0.0.0/8 port 81", "block connect to ::1 port 81")
        self.expect("EACCES", steps)
        self.engine.apply(*self.rules)

    def test_no_address_is_the_one_that_the_socket_is_bound_to(self):
        self.place.serve("tcp4 bind=0.0.0.0:82 listen")
        self.engine.apply(f"block connect to {INSIDE4}")
        self.expect("EACCES", f"tcp4 bind={INSIDE4}:0 connect=0.0.0.0:82")
        self.expect("EACCES", f"tcp6 bind=[::ffff:{INSIDE4}]:0 connect=[::ffff:0.0.0.0]:82")
        self.expect("ok", "tcp4 connect=0.0.0.0:82 send recv")
        self.engine.apply(*self.rules)

    @each(("udp4", OPEN4), ("udp6", OPEN6))
    def test_control_data_on_a_connected_socket_is_for_its_peer(self, kind, peer):
        """The kernel asks about such a datagram, and names no peer."""
        self.engine.apply(f"permit connect to {OUTSIDE4}", f"permit connect to {OUTSIDE6}",
                          "block connect")
        self.expect("ok", f"{kind} connect={peer} send_marked recv")
        self.engine.apply(*self.rules)

    def test_mptcp(self):
        if self.place.answer("mptcp4") != "ok":
            self.skipTest("this kernel has no MPTCP")
        self.expect("ok", f"mptcp4 connect={OPEN4}")
        self.expect("EACCES", f"mptcp4 connect={SHUT4}")
        self.expect("EACCES", f"mptcp6 connect={SHUT6}")

    def test_sctp(self):
        if self.place.answer("sctp4") != "ok":
            self.skipTest("this kernel has no SCTP")
        self.assertNotEqual("ok", self.place.answer(f"sctp4 connect={SHUT4}"))

    def test_udp_lite(self):
        if self.place.answer("udplite4") != "ok":
            self.skipTest("this kernel has no UDP-Lite")
        self.assertEqual("EPERM", self.place.answer(f"udplite4 connect={SHUT4} send"))
        self.assertEqual("EACCES", self.place.answer(f"udplite4 sendto={SHUT4}"))


if __name__ == "__main__":
    main()
