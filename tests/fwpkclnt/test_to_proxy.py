"""The example driver that redirects, with the real engine, programs and packets."""
import os
import signal
import sys

from case import each, main
from driver_case import DriverCase
from families import FAMILIES, NATIVE
from place import wait_until
from servers import echo_server

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 8080  # of the proxy


class ToProxy(DriverCase):
    driver = "to_proxy"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place.sysctl(cls.place.inside, "net/netfilter/nf_conntrack_udp_timeout", "1")

    def proxy(self):
        proxy = self.place.start(sys.executable, os.path.join(HERE, "proxy.py"), str(PORT))
        self.place.await_line(proxy, "serving")
        return proxy

    def tell(self, program):
        """The driver where it leads to."""
        self.write("to_proxy.proxy", f"{PORT} {program.pid}")

    def serve(self, family):
        return self.place.serve(f"tcp{family.digit} bind={family.any}:80 listen", covered=False)

    def steps(self, family, protocol="tcp"):
        return f"{protocol}{family.digit} timeout=9000 connect={family.peer(80)} send recv"

    @each(*FAMILIES)
    def test_21_3_a_connect_ends_at_the_proxy_and_its_own_goes_on(self, family):
        server, proxy = self.serve(family), self.proxy()
        self.tell(proxy)
        self.load()
        self.expect("ok", self.steps(family))
        self.assertEqual(f"{family.outside_rule} 80", proxy.line())
        server.stop()
        proxy.stop()
        self.reset("to_proxy.proxy")

    @each(*NATIVE)
    def test_21_3_a_datagram_is_led_away_and_its_answer_comes_back(self, family):
        loopback = "127.0.0.1" if family.digit == "4" else "[::1]"
        proxy = self.place.serve(f"udp{family.digit} bind={loopback}:{PORT}")
        self.tell(proxy)
        self.load()
        self.expect("ok", self.steps(family, "udp"))
        proxy.stop()
        self.reset("to_proxy.proxy")

    @each(*NATIVE)
    def test_17_7_a_connect_waits_for_the_proxy(self, family):
        server = self.serve(family)
        self.load()
        waiting = self.place.start(self.place.sock_program, *self.steps(family).split())
        self.await_hold("packets")
        self.assertIsNone(waiting.process.poll())
        proxy = self.proxy()
        self.tell(proxy)
        self.assertEqual("ok", waiting.process.communicate(timeout=25)[0].split()[-1])
        self.assertEqual(f"{family.outside_rule} 80", proxy.line())
        server.stop()
        proxy.stop()
        self.reset("to_proxy.proxy")

    @each(*NATIVE)
    def test_21_6_connect_decides_about_the_new_peer(self, family):
        server, proxy = self.serve(family), self.proxy()
        self.tell(proxy)
        self.policy(f"block connect tcp remote-port {PORT}")
        self.load()
        self.expect("ECONNREFUSED", f"tcp{family.digit} connect={family.peer(80)}")
        self.policy()
        server.stop()
        proxy.stop()
        self.reset("to_proxy.proxy")

    def led_away(self, family, then):
        """A program that talks to the proxy, instead of to its peer, and waits."""
        self.tell(echo_server(self.place, PORT, "127.0.0.1" if family.digit == "4" else "::1"))
        self.load()
        return self.place.pause(f"tcp{family.digit} timeout=20000 connect={family.peer(80)} "
                                f"send recv wait {then}")

    @each(*NATIVE)
    def test_21_3_who_was_led_away_stays_there_when_the_driver_goes(self, family):
        server = self.serve(family)
        other = self.place.start(self.place.sock_program,
                                 *f"tcp{family.digit} timeout=20000 "
                                 f"connect={family.peer(80)} recv".split())
        self.place.await_line(other, "connect ok")
        program = self.led_away(family, "send recv")
        self.reset("to_proxy.proxy")
        self.assertIn("openwfp", self.rules())
        self.policy("block connect tcp remote-port 80")  # 15.9; 21.6: it has another peer
        self.assertEqual("recv ECONNABORTED\n", other.process.communicate(timeout=20)[0])
        self.assertEqual(("recv", "ok"), self.place.finish(program)[-1])
        wait_until(lambda: "openwfp" not in self.rules(), "the rules to go with the connection")
        self.policy()
        server.stop()

    @each(signal.SIGKILL, signal.SIGTERM)
    def test_21_3_who_was_led_away_stays_there_when_bfe_starts_anew(self, number):
        program = self.led_away(FAMILIES[0], "send recv")
        self.engine.stop(number)
        self.engine.start()
        self.await_hold("networks")  # its driver is back, too
        self.assertEqual(("recv", "ok"), self.place.finish(program)[-1])
        self.reset("to_proxy.proxy")

    @each(*NATIVE)
    def test_15_9_who_was_led_away_is_asked_about_with_its_new_peer(self, family):
        program = self.led_away(family, "recv")
        self.policy(f"block connect tcp remote-port {PORT}")
        self.assertEqual(("recv", "ECONNABORTED"), self.place.finish(program)[-1])
        self.policy()
        self.reset("to_proxy.proxy")

    def test_who_is_not_led_away_is_not_disturbed(self):
        server = self.place.serve("tcp4 bind=0.0.0.0:81 listen", covered=False)
        self.load()
        self.expect("ok", f"tcp4 connect={FAMILIES[0].peer(81)} send recv")
        server.stop()

    def test_the_driver_is_killed_while_it_holds(self):
        server = self.serve(FAMILIES[0])
        self.load()
        waiting = self.place.start(self.place.sock_program, *self.steps(FAMILIES[0]).split())
        self.await_hold("packets")
        os.kill(self.engine.json("driver", "list")[0]["pid"], signal.SIGKILL)
        answers = waiting.process.communicate(timeout=25)[0].split()
        # Its callout is not registered: a block. Or its filters have gone with it before that.
        self.assertIn(answers[answers.index("connect") + 1], ("ECONNREFUSED", "ok"))
        self.expect("ok", self.steps(FAMILIES[0]))
        server.stop()


if __name__ == "__main__":
    main()
