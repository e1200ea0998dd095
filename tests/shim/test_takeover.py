"""Enforcement with nobody there, taking over, and sockets older than the shim."""
import subprocess

from case import main
from driver import ACCEPT, BLOCK, CONNECT, DROPS, PERMIT, Driver, Refused, ShimCase, rule
from place import INSIDE4, OUTSIDE4

# Connects without pause until told to stop; says how many attempts succeeded.
HAMMER = """
import select, socket, sys
done = 0
print("serving", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    with socket.socket() as s:
        try:
            s.connect((sys.argv[1], 80))
            done += 1
        except OSError:
            pass
print(done, flush=True)
"""


class Takeover(ShimCase):
    def setUp(self):
        super().setUp()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)

    def hammer(self):
        program = self.place.start("python3", "-c", HAMMER, OUTSIDE4, stdin=subprocess.PIPE)
        self.place.await_line(program, "serving")
        return program

    def test_decision_8_enforcement_goes_on_when_the_loader_is_killed(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        self.driver.kill()
        self.assertEqual("EACCES", self.answer(f"tcp4 connect={OUTSIDE4}:80"))
        self.driver = self.open()
        self.assertEqual(1, self.driver.adopted)
        self.assertEqual("EACCES", self.answer(f"tcp4 connect={OUTSIDE4}:80"))
        self.driver.commit(rule(CONNECT, PERMIT))
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:80"))

    def test_decision_8_no_connect_slips_through_takeovers(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        program = self.hammer()
        for _ in range(5):
            self.driver.kill()
            self.driver = self.open()
        program.tell("stop")
        self.assertEqual("0", program.line())

    def test_9_7_no_connect_slips_between_two_policies(self):
        first, second = rule(CONNECT, BLOCK), rule(CONNECT, BLOCK, remote_port=80)
        self.driver.commit(first)
        program = self.hammer()
        for _ in range(100):
            self.driver.commit(second)
            self.driver.commit(first)
        program.tell("stop")
        self.assertEqual("0", program.line())

    def test_9_7_no_connect_slips_between_changes(self):
        self.driver.commit(rule(CONNECT, BLOCK, remote_port=80))
        program = self.hammer()
        for _ in range(100):
            self.driver.tell("add", 2, rule(CONNECT, BLOCK))
            self.driver.tell("delete", 1, rule(CONNECT, BLOCK, remote_port=80))
            self.driver.tell("add", 1, rule(CONNECT, BLOCK, remote_port=80))
            self.driver.tell("delete", 2, rule(CONNECT, BLOCK))
        program.tell("stop")
        self.assertEqual("0", program.line())

    def test_decision_8_a_change_survives_the_loader(self):
        self.place.serve("tcp4 bind=0.0.0.0:2000 listen")
        self.driver.commit(rule(CONNECT, BLOCK, remote_port=81))
        self.driver.tell("add", 2, rule(ACCEPT, BLOCK))
        self.driver.tell("delete", 1, rule(CONNECT, BLOCK, remote_port=81))
        self.driver.kill()
        self.driver = self.open()
        self.driver.tell("collect", 0)
        inbound = f"tcp4 connect={INSIDE4}:2000"
        self.assertEqual("ECONNREFUSED", self.answer(inbound, covered=False))
        self.assertEqual("ECONNREFUSED", self.answer(f"tcp4 connect={OUTSIDE4}:81"))
        self.driver.commit(rule(CONNECT, BLOCK, remote_port=80))
        self.assertEqual("ok", self.answer(inbound, covered=False))
        self.assertEqual("EACCES", self.answer(f"tcp4 connect={OUTSIDE4}:80"))

    def test_a_change_attaches_and_detaches_what_it_needs(self):
        self.place.serve("tcp4 bind=0.0.0.0:2000 listen")
        inbound = f"tcp4 connect={INSIDE4}:2000"
        self.driver.commit(rule(CONNECT, PERMIT))
        for _ in range(2):
            self.driver.tell("add", 2, rule(ACCEPT, BLOCK))
            self.assertEqual("ECONNREFUSED", self.answer(inbound, covered=False))
            self.driver.tell("delete", 2, rule(ACCEPT, BLOCK))
            self.assertEqual("ok", self.answer(inbound, covered=False))

    def test_numbers_of_programs_survive_the_loader(self):
        number = self.driver.tell("app", "/usr/bin/one")
        self.assertNotEqual(0, number)
        self.driver.kill()
        self.driver = self.open()
        self.assertEqual(number, self.driver.tell("app", "/usr/bin/one"))
        self.assertNotEqual(number, self.driver.tell("app", "/usr/bin/two"))
        self.assertEqual(0, self.driver.tell("app", "/" + "x" * 300))

    def test_pins_of_another_scope_are_not_adopted(self):
        other = self.place.add_cgroup("other")
        with self.assertRaisesRegex(Refused, "another scope"):
            self.open(cgroup=other)

    def test_removing_ends_enforcement(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        second = Driver(self.build)
        second.tell("remove", self.pins)
        second.close()
        self.driver.close()
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:80"))
        self.driver = self.open()
        self.assertEqual(0, self.driver.adopted)


class Older(ShimCase):
    def test_a_listener_older_than_the_shim_has_its_owner(self):
        listener = self.place.serve("tcp4 bind=0.0.0.0:2000 listen")
        app = self.driver.tell("app", self.place.sock_program)
        self.driver.tell("collect", DROPS)
        self.driver.commit(rule(ACCEPT, BLOCK, app=app))
        self.driver.events()
        answer = self.answer(f"tcp4 connect={INSIDE4}:2000", covered=False)
        self.assertEqual("ECONNREFUSED", answer)
        event, = self.driver.events(layer=ACCEPT)
        self.assertEqual((listener.pid, self.place.sock_program), (event["pid"], event["app"]))

    def test_15_9_a_connected_datagram_socket_older_than_the_shim_hears_its_peer(self):
        self.place.serve("udp4 bind=0.0.0.0:2000", covered=False)
        client = self.place.pause(f"udp4 connect={OUTSIDE4}:2000 wait send recv")
        self.driver.commit(rule(ACCEPT, BLOCK))
        self.assertEqual(("recv", "ok"), self.place.finish(client)[-1])

    def test_15_5_datagrams_for_an_older_socket_are_decided(self):
        self.place.serve("udp4 bind=0.0.0.0:2000")
        self.assertEqual("ok", self.answer(
            f"udp4 timeout=300 sendto={INSIDE4}:2000 recvfrom", covered=False))
        self.driver.commit(rule(ACCEPT, BLOCK))
        self.assertEqual("EAGAIN", self.answer(
            f"udp4 timeout=300 sendto={INSIDE4}:2000 recvfrom", covered=False))


if __name__ == "__main__":
    main()
