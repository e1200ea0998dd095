"""What is covered: a cgroup subtree, a network namespace; and what the kernel can do at all."""
import os
import time

from case import main
from driver import ACCEPT, BLOCK, CONNECT, Refused, ShimCase, rule
from place import INSIDE4, OUTSIDE4, cgroup2_root


class Scope(ShimCase):
    fresh = True

    def setUp(self):
        super().setUp()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)

    def test_only_the_cgroup_is_covered_and_all_below_it(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        below = self.place.add_cgroup("below")
        steps = f"tcp4 connect={OUTSIDE4}:80"
        self.assertEqual("EACCES", self.answer(steps))
        self.assertEqual("EACCES", self.answer(steps, cgroup=below))
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:80", covered=False))

    def test_an_uncovered_listener_is_not_refused(self):
        self.driver.commit(rule(ACCEPT, BLOCK))
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:80"))

    def test_a_network_namespace_is_covered_and_no_other(self):
        self.driver.tell("remove", self.pins)
        self.driver.close()
        namespace = os.stat(f"/run/netns/{self.place.inside}").st_ino
        keeper = self.place.start("sleep", "60")
        while os.stat(f"/proc/{keeper.pid}/ns/net").st_ino != namespace:
            time.sleep(0.01)
        self.driver = self.open(netns=namespace)
        self.driver.commit(rule(CONNECT, BLOCK))
        self.assertEqual("EACCES", self.answer(f"tcp4 connect={OUTSIDE4}:80"))
        self.assertEqual("ok", self.answer(f"tcp4 connect={OUTSIDE4}:80",
                                           namespace=self.place.outside,
                                           cgroup=self.place.cgroup))

    def test_a_place_that_is_no_cgroup_is_refused(self):
        self.driver.tell("remove", self.pins)
        for wrong in ("/", cgroup2_root() + "/nowhere"):
            with self.assertRaises(Refused):
                self.open(cgroup=wrong)
        with self.assertRaises(Refused):
            self.open(netns=1)

    def test_the_probe_finds_what_is_needed(self):
        lines, usable = self.driver.ask("probe")
        self.assertEqual(1, usable)
        self.assertIn("connect works\n", lines)
        self.assertTrue(any(line.startswith("lsm_listen ") for line in lines), lines)


if __name__ == "__main__":
    main()
