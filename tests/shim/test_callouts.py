"""Callouts in the kernel: loaded, replaced and unloaded while traffic flows."""
import os
import subprocess
import textwrap

from case import main
from driver import ACCEPT, BLOCK, CONNECT, TERMINATING, Refused, ShimCase, rule
from place import INSIDE4, OUTSIDE4

CALLOUT = """
    #include <linux/bpf.h>
    #include <bpf/bpf_helpers.h>
    #include "openwfp_callout.h"
    struct {{
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, __u64);
    }} test_calls SEC(".maps");
    OPENWFP_CALLOUT(classify)
    {{
        __u32 zero = 0;
        __u64 *calls = bpf_map_lookup_elem(&test_calls, &zero);
        if (calls && __sync_fetch_and_add(calls, 1) >= {limit})
            openwfp_block(classify);
        else
            openwfp_permit(classify);
        return 0;
    }}
    char LICENSE[] SEC("license") = "GPL";
"""


class Callouts(ShimCase):
    fresh = True

    def setUp(self):
        super().setUp()
        self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)

    def build_callout(self, limit):
        path = os.path.join(self.place.scratch, f"limit{limit}")
        with open(path + ".bpf.c", "w", encoding="ascii") as file:
            file.write(textwrap.dedent(CALLOUT.format(limit=limit)))
        subprocess.run([*os.environ["OPENWFP_CALLOUT_CC"].split(), "-c", path + ".bpf.c", "-o",
                        path + ".o"], check=True)
        return path + ".o"

    def connects(self, count):
        steps = " ".join([f"tcp4 connect={OUTSIDE4}:80"] * count)
        answers = self.place.sock(steps)
        return [answer for step, answer in answers if step.startswith("connect")]

    def test_7_2_an_unregistered_callout_blocks(self):
        self.driver.commit(rule(CONNECT, TERMINATING, 3))
        self.assertEqual(["EACCES"], self.connects(1))

    def test_loaded_replaced_and_unloaded_with_its_state(self):
        self.driver.commit(rule(CONNECT, TERMINATING, 3))
        self.driver.tell("load", 3, self.build_callout(3))
        self.assertEqual(["ok", "ok"], self.connects(2))
        self.driver.tell("load", 3, self.build_callout(4))
        self.assertEqual(["ok", "ok", "EACCES"], self.connects(3))
        self.driver.tell("unload", 3)
        self.assertEqual(0, self.driver.tell("loaded", 3))
        self.assertEqual(["EACCES"], self.connects(1))

    def test_any_callout_fits_any_slot_and_slots_are_apart(self):
        self.driver.tell("load", 0, self.build_callout(1000))
        self.driver.commit(rule(CONNECT, TERMINATING, 7, remote_port=81),
                           rule(CONNECT, TERMINATING, 0))
        self.assertEqual(["ok"], self.connects(1))
        self.assertEqual("EACCES", self.answer(f"tcp4 connect={OUTSIDE4}:81"))

    def test_7_3_one_callout_in_two_slots_shares_its_maps(self):
        path = self.build_callout(3)
        self.driver.tell("load", 0, path)
        self.driver.tell("load", 1, path)
        self.driver.commit(rule(CONNECT, TERMINATING, 0, remote_port=80),
                           rule(CONNECT, TERMINATING, 1))
        self.assertEqual(["ok", "ok"], self.connects(2))
        self.assertEqual("ECONNREFUSED", self.answer(f"tcp4 connect={OUTSIDE4}:81"))
        self.assertEqual(["EACCES"], self.connects(1))

    def test_callouts_survive_the_loader(self):
        self.driver.tell("load", 3, self.build_callout(2))
        self.driver.commit(rule(CONNECT, TERMINATING, 3))
        self.driver.kill()
        self.assertEqual(["ok"], self.connects(1))
        self.driver = self.open()
        self.assertEqual(1, self.driver.tell("loaded", 3))
        self.assertEqual(["ok", "EACCES"], self.connects(2))

    def test_an_accepted_connection_is_asked_about_once(self):
        self.driver.tell("load", 3, self.build_callout(3))
        self.driver.commit(rule(ACCEPT, TERMINATING, 3))
        self.place.serve("tcp4 bind=0.0.0.0:90 listen")
        self.driver.events()  # the lookup hook comes to the namespace
        answers = [self.answer(f"tcp4 connect={INSIDE4}:90", covered=False) for _ in range(4)]
        self.assertEqual(["ok", "ok", "ok", "ECONNREFUSED"], answers)

    def test_a_bad_callout_changes_nothing(self):
        self.driver.commit(rule(CONNECT, BLOCK))
        bad = os.path.join(self.place.scratch, "bad.o")
        with open(bad, "wb") as file:
            file.write(b"\x7fELF openwfp_callout_N" * 8)
        for path in (bad, self.place.sock_program, "/nowhere"):
            with self.assertRaises(Refused):
                self.driver.tell("load", 1, path)
        with self.assertRaises(Refused):
            self.driver.tell("load", 8, self.build_callout(3))
        self.assertEqual(["EACCES"], self.connects(1))
        self.assertEqual(0, self.driver.tell("loaded", 1))

    def test_the_example_limits_connections_per_program(self):
        self.driver.tell("load", 2, os.path.join(self.build, "examples/callouts",
                                                 "connection_limit.bpf.o"))
        self.driver.commit(rule(CONNECT, TERMINATING, 2, 5))
        answers = self.connects(20)
        self.assertIn("EACCES", answers)
        self.assertEqual(["ok"] * 5, answers[:5])


if __name__ == "__main__":
    main()
