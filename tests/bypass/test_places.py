"""Processes and sockets that move: cgroups, namespaces, and sockets older than the hooks."""
import os

from bypass import SHUT4, BypassCase
from case import EngineCase, main
from engine import Engine
from place import INSIDE4, OUTSIDE4, Place, cgroup2_root


class Places(BypassCase):
    def test_a_child_cgroup_is_covered(self):
        self.expect("EACCES", f"tcp4 connect={SHUT4}", cgroup=self.place.add_cgroup("child"))

    def test_a_socket_keeps_the_cgroup_it_was_made_in(self):
        """A move out of the covered cgroup frees only sockets made after it."""
        root = cgroup2_root()
        self.expect("EACCES", f"tcp4 cgroup={root} connect={SHUT4}")
        self.expect("ok", f"tcp4 cgroup={root} tcp4 connect={SHUT4}")

    def test_a_move_to_another_network_namespace_stays_covered(self):
        other = f"/run/netns/{self.place.outside}"
        self.expect("EACCES", f"tcp4 netns={other} tcp4 connect=127.0.0.1:81")
        self.expect("ok", f"tcp4 netns={other} tcp4 connect=127.0.0.1:80")

    def test_a_new_network_namespace_is_covered(self):
        code, output = self.place.run(
            "unshare", "--net", "sh", "-c",
            f"ip link set lo up; {self.place.sock_program} tcp4 connect=127.0.0.1:81")
        self.assertEqual((0, "connect EACCES"), (code, output.splitlines()[-1]), output)

    def test_a_new_user_namespace_is_covered(self):
        code, output = self.place.run("unshare", "--user", "--map-root-user",
                                      self.place.sock_program, "tcp4", f"connect={SHUT4}")
        self.assertEqual((0, "connect EACCES"), (code, output.splitlines()[-1]), output)

    def test_packet_sockets_are_refused_or_named_as_a_gap(self):
        """AF_PACKET has no cgroup hook; where the kernel has BPF LSM, that sees it."""
        report = self.engine.json("doctor")
        seen = next(hook["works"] for hook in report["hooks"] if hook["name"] == "lsm_create")
        self.assertNotEqual(seen, any("AF_PACKET" in gap for gap in report["gaps"]))
        self.engine.apply("block bind flags raw")
        self.expect("EACCES" if seen else "ok", "packet")
        self.engine.apply(*self.rules)

    def test_raw_sockets_go_by_resource_assignment(self):
        self.engine.apply("block bind flags raw")
        self.expect("EACCES", "raw4")
        self.expect("EACCES", "raw6")
        self.engine.apply(*self.rules)


class Earlier(EngineCase):
    """Sockets made before bfe attached its programs."""

    @classmethod
    def setUpClass(cls):
        cls.place = Place(os.environ["OPENWFP_BUILD"])
        cls.enterClassContext(cls.place)
        cls.place.serve("tcp6 bind=[::]:81 listen", covered=False)
        cls.tcp = cls.place.pause(f"tcp4 wait connect={OUTSIDE4}:81")
        cls.udp = cls.place.pause(f"udp4 wait sendto={OUTSIDE4}:81")
        cls.listener = cls.place.serve("tcp4 bind=0.0.0.0:8081 listen")
        cls.stowed = [cls.place.pause(f"{steps} stow wait fetch serve") for steps in (
            "tcp4 bind=0.0.0.0:8082 listen", "udp4 bind=0.0.0.0:8083")]
        cls.engine = cls.enterClassContext(Engine(cls.place))
        cls.engine.apply("block connect port 81",
                         "block accept port { 8081, 8082, 8083 }")
        for program in cls.stowed:
            program.tell()
            cls.place.await_line(program, "serving")

    def tearDown(self):
        pass

    def test_a_socket_opened_before_attach_connects(self):
        self.assertEqual(("connect", "EACCES"), self.place.finish(self.tcp)[-1])

    def test_a_socket_opened_before_attach_sends(self):
        self.assertEqual(("sendto", "EACCES"), self.place.finish(self.udp)[-1])

    def test_a_listener_opened_before_attach_refuses(self):
        answer = self.place.answer(f"tcp4 timeout=3000 connect={INSIDE4}:8081", covered=False)
        self.assertEqual("ECONNREFUSED", answer)

    def test_a_listener_that_was_in_flight_at_attach_refuses(self):
        self.assertEqual("EINPROGRESS", self.place.answer(
            f"tcp4 timeout=300 connect={INSIDE4}:8082", covered=False))

    def test_a_datagram_socket_that_was_in_flight_at_attach_hears_nobody(self):
        self.assertEqual("EAGAIN", self.place.answer(
            f"udp4 timeout=300 connect={INSIDE4}:8083 send recv", covered=False))


if __name__ == "__main__":
    main()
