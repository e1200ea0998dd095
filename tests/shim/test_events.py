"""What is reported, and flows: once per peer, both directions, until the policy changes."""
import os

from case import main
from driver import (ACCEPT, ALL, ALLOWS, ASSIGN, BLOCK, CLOSURE, CONNECT, DROPS, ESTABLISHED,
                    LIFECYCLES, LISTEN, PERMIT, RELEASE, ShimCase, rule)
from place import INSIDE4, OUTSIDE4

REAUTHORIZE, WILDCARD_BIND, IMPLICIT_BIND = 4, 8, 0x200  # FWP_CONDITION_FLAG_IS_*


class Events(ShimCase):
    def test_an_event_tells_who_and_where(self):
        self.driver.tell("collect", DROPS)
        self.driver.commit(rule(ACCEPT, PERMIT), rule(CONNECT, BLOCK, remote_port=81))
        program = self.place.start(self.place.sock_program, "tcp4", f"connect={OUTSIDE4}:81",
                                   uid=33, gid=34)
        program.process.wait()
        event, = self.driver.events()
        self.assertEqual((CONNECT, 1, 2, 6, OUTSIDE4, 81, 33, 34, program.pid),
                         tuple(event[k] for k in ("layer", "action", "filter", "protocol",
                                                  "remote", "remote_port", "uid", "gid", "pid")))
        self.assertEqual(self.place.sock_program, event["app"])
        self.assertEqual(os.stat(self.place.cgroup).st_ino, event["cgroup"])
        namespace = os.stat(f"/run/netns/{self.place.inside}").st_ino
        self.assertEqual(namespace, event["netns"])
        self.assertGreater(event["start"], 0)

    def test_permits_are_reported_where_filters_are_or_everywhere_when_asked(self):
        self.driver.tell("collect", ALLOWS)
        self.driver.commit(rule(CONNECT, PERMIT))
        self.answer("tcp4 bind=127.0.0.1:2000 listen")
        self.assertEqual([], self.driver.events(layer=LISTEN))
        self.driver.tell("collect", ALLOWS | ALL)
        self.answer("tcp4 bind=127.0.0.1:2000 listen")
        self.assertEqual(1, len(self.driver.events(layer=LISTEN)))

    def test_15_4_port_zero_is_reported_as_what_it_became(self):
        self.driver.tell("collect", ALLOWS)
        self.driver.commit(rule(ASSIGN, PERMIT))
        self.answer("tcp4 bind=127.0.0.1:0")
        event, = self.driver.events(layer=ASSIGN)
        self.assertEqual(WILDCARD_BIND, event["flags"])
        self.assertGreater(event["local_port"], 0)

    def test_15_4_an_implicit_bind_is_an_assignment(self):
        self.driver.tell("collect", DROPS)
        flag = IMPLICIT_BIND | WILDCARD_BIND
        self.driver.commit(rule(ASSIGN, BLOCK, flags=flag))
        for steps in (f"tcp4 connect={OUTSIDE4}:80", f"udp4 connect={OUTSIDE4}:80",
                      f"udp4 sendto={OUTSIDE4}:80"):
            self.assertEqual("EACCES", self.answer(steps), steps)
            event, = self.driver.events()
            self.assertEqual((ASSIGN, flag), (event["layer"], event["flags"]))
        self.assertEqual("ok", self.answer(f"udp4 bind={INSIDE4}:99 sendto={OUTSIDE4}:80"))

    def test_15_7_closures_and_releases_pair_with_their_sockets(self):
        self.driver.tell("collect", LIFECYCLES)
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.answer(f"tcp4 connect={OUTSIDE4}:80 send recv")
        layers = {}
        for event in self.driver.events():
            layers.setdefault(event["flow"], []).append(event["layer"])
        self.assertEqual([[ESTABLISHED, CLOSURE, RELEASE]], list(layers.values()))

    def test_15_6_a_block_at_flow_established_ends_the_connection(self):
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        self.driver.commit(rule(ESTABLISHED, BLOCK))
        client = self.place.pause(f"tcp4 connect={OUTSIDE4}:80 wait recv")
        self.driver.events()
        self.assertEqual(("recv", "ECONNABORTED"), self.place.finish(client)[-1])


class Log(ShimCase):
    """Events of several writers at once, and more of them than there is room for."""
    fresh = True
    PORTS = range(1, 1001)

    def setUp(self):
        super().setUp()
        self.driver.tell("collect", ALLOWS)
        self.driver.commit(rule(CONNECT, PERMIT))

    def flood(self, writers):
        steps = [f"connect={OUTSIDE4}:{port}" for port in self.PORTS]
        programs = [self.place.start(self.place.sock_program, "udp4", *steps)
                    for _ in range(writers)]
        for program in programs:
            program.process.communicate(timeout=60)
        return {program.pid for program in programs}

    def test_events_of_several_writers_are_whole_and_in_each_ones_order(self):
        pids = self.flood(4)
        ports = {}
        for event in self.driver.events(layer=CONNECT):
            ports.setdefault(event["pid"], []).append(event["remote_port"])
        self.assertEqual({pid: list(self.PORTS) for pid in pids}, ports)
        self.assertEqual(0, self.driver.tell("lost"))

    def test_a_full_log_counts_what_it_loses_and_goes_on(self):
        self.flood(9)
        self.assertEqual(1, self.driver.tell("lost"))
        self.driver.events()
        self.assertEqual("ok", self.answer(f"udp4 connect={OUTSIDE4}:2000"))
        event, = self.driver.events(layer=CONNECT)
        self.assertEqual(2000, event["remote_port"])


class Flows(ShimCase):
    def setUp(self):
        super().setUp()
        self.place.serve("udp4 bind=0.0.0.0:2000", covered=False)
        self.place.serve("udp4 bind=0.0.0.0:2001", covered=False)

    def test_15_1_unconnected_datagrams_are_decided_once_per_peer(self):
        self.driver.tell("collect", ALLOWS)
        self.driver.commit(rule(CONNECT, PERMIT))
        self.answer(f"udp4 sendto={OUTSIDE4}:2000 sendto={OUTSIDE4}:2000 sendto={OUTSIDE4}:2001 "
                    f"sendto={OUTSIDE4}:2000 sendto={OUTSIDE4}:2001")
        ports = [event["remote_port"] for event in self.driver.events(layer=CONNECT)]
        self.assertEqual([2000, 2001], ports)

    def test_15_1_answers_of_a_permitted_flow_need_no_filter(self):
        self.driver.commit(rule(ACCEPT, BLOCK))
        for steps in (f"udp4 sendto={OUTSIDE4}:2000 recvfrom",
                      f"udp4 connect={OUTSIDE4}:2000 send recv"):
            self.assertEqual("ok", self.answer(steps), steps)

    def test_15_1_an_accepted_peer_is_answered_without_a_filter(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        self.place.serve("udp4 bind=0.0.0.0:3000")
        self.assertEqual("EAGAIN", self.answer(
            f"udp4 timeout=300 sendto={INSIDE4}:3000 recvfrom", covered=False))
        self.driver.commit(rule(CONNECT, BLOCK), rule(ACCEPT, PERMIT))
        self.assertEqual("ok", self.answer(
            f"udp4 timeout=300 sendto={INSIDE4}:3000 recvfrom", covered=False))

    def test_15_9_a_changed_policy_is_asked_again(self):
        self.driver.tell("collect", DROPS)
        self.driver.commit(rule(CONNECT, PERMIT))
        client = self.place.pause(f"udp4 sendto={OUTSIDE4}:2000 wait sendto={OUTSIDE4}:2000")
        self.driver.commit(rule(CONNECT, BLOCK))
        self.assertEqual(("sendto", "EACCES"), self.place.finish(client)[-1])
        event, = self.driver.events(layer=CONNECT)
        self.assertTrue(event["flags"] & REAUTHORIZE)


if __name__ == "__main__":
    main()
