"""apply, check, add, delete: what they change, and that they change all or nothing."""
import glob
import os
import signal
import sys

from cli import POLICIES, CliCase, main, wait_until, DENIED, FAILED, NO_BFE, POLICY, USAGE


class Apply(CliCase):
    def setUp(self):
        self.run_wfp("delete", "--policy", "test")
        self.run_wfp("delete", "--policy", "manual")

    def test_a_policy_becomes_a_provider_sublayers_and_filters(self):
        path = self.file('sublayer "one" weight 100', "permit connect tcp port 80",
                         'sublayer "two" weight 200', "block connect")
        answer = self.json("apply", path)
        self.assertEqual((4, 4, 0, 0), (answer["filters"], answer["added"], answer["kept"],
                                        answer["deleted"]))
        filters = self.filters("test")
        self.assertEqual(["connect-v4"] * 2 + ["connect-v6"] * 2,
                         sorted(f["layer"] for f in filters))
        self.assertEqual({"one": 100, "two": 200},
                         {f["sublayer"]: f["sublayer_weight"] for f in filters})
        self.assertIn("permit connect tcp port 80", [f["name"] for f in filters])
        self.assertIn("test", [p["name"] for p in self.json("show", "providers")])

    def test_first_rule_weighs_most(self):
        self.wfp("apply", self.file("permit connect tcp port 1 ipv4", "block connect ipv4"))
        weights = {f["rule"]: f["weight"] for f in self.filters("test")}
        self.assertGreater(weights["permit connect ipv4 tcp port 1"], weights["block connect ipv4"])

    def test_applying_twice_changes_nothing(self):
        path = self.file("permit connect tcp port 80", "block connect")
        self.wfp("apply", path)
        before = self.filters("test")
        answer = self.json("apply", path)
        self.assertEqual((0, 4, 0), (answer["added"], answer["kept"], answer["deleted"]))
        self.assertEqual(before, self.filters("test"))

    def test_applying_replaces_what_the_policy_had(self):
        self.wfp("apply", self.file("permit connect tcp port 80", "block connect"))
        answer = self.json("apply", self.file("permit connect tcp port 80"))
        self.assertEqual((0, 2, 2), (answer["added"], answer["kept"], answer["deleted"]))

    def test_sublayers_that_change_are_made_anew_and_others_go(self):
        self.wfp("apply", self.file('sublayer "a" weight 1', "block connect", 'sublayer "b"',
                                    "block accept"))
        self.wfp("apply", self.file('sublayer "a" weight 2', "block connect"))
        weights = {s["name"]: s["weight"] for s in self.json("show", "sublayers")}
        self.assertEqual(2, weights.get("a"))
        self.assertNotIn("b", weights)

    def test_other_policies_stay(self):
        self.wfp("apply", self.file("block connect", name="other.wfp"))
        self.wfp("apply", self.file("block accept"))
        self.assertEqual((2, 2), (len(self.filters("other")), len(self.filters("test"))))
        self.wfp("delete", "--policy", "other")
        self.assertEqual((0, 2), (len(self.filters("other")), len(self.filters("test"))))

    def test_a_policy_with_errors_is_not_applied(self):
        self.wfp("apply", self.file("permit connect"))
        before = self.filters("test")
        text = self.complaint("apply", self.file("block connect", "permit conect"), code=POLICY)
        self.assertIn("test.wfp:2:8: error: expected a layer, not conect", text)
        self.assertIn('hint: did you mean "connect"?', text)
        self.assertIn("nothing was applied", text)
        self.assertEqual(before, self.filters("test"))

    def test_errors_as_json(self):
        answer = self.json("check", self.file("permit conect"), code=POLICY)
        self.assertEqual(False, answer["ok"])
        self.assertEqual([(1, 8, "error")], [(m["line"], m["column"], m["level"])
                                             for m in answer["messages"]])

    def test_a_refused_filter_undoes_the_whole_policy(self):
        self.wfp("apply", self.file("permit connect"))
        before = self.filters("test")
        self.complaint("apply", self.file(
            "block connect", "callout 11111111-2222-3333-4444-555555555555 connect"), code=FAILED)
        self.assertEqual(before, self.filters("test"))

    def test_dynamic_policy_lasts_as_long_as_the_command(self):
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = self.start_wfp("apply", "--dynamic", self.file("block connect"))
            wait_until(lambda: len(self.filters("test")) == 2, "the dynamic policy")
            process.send_signal(end)
            process.wait(10)
            wait_until(lambda: not self.filters("test"), "its end")
            self.assertNotIn("test", self.sublayer_names())

    def test_boot_rules_are_left_out_of_a_dynamic_policy(self):
        process = self.start_wfp("apply", "--dynamic", self.file("boot block accept",
                                                                 "block connect"))
        wait_until(lambda: len(self.filters("test")) == 2, "the dynamic policy")
        process.terminate()
        self.assertIn("1 boot rules are left out", process.communicate()[1])

    def test_boot_rules_and_persistence(self):
        self.wfp("apply", self.file("boot block accept", "block connect"))
        self.assertEqual(["boot", "boot", "running", "running"],
                         sorted(f["life"] for f in self.filters("test")))
        self.wfp("apply", "--persistent", self.file("block connect"))
        self.assertEqual(["persistent"] * 2, [f["life"] for f in self.filters("test")])

    def test_persistent_and_dynamic_exclude_each_other(self):
        self.complaint("apply", "--persistent", "--dynamic", self.file("block connect"), code=USAGE)

    def test_standard_input(self):
        self.wfp("apply", "-", input='provider "test"\nblock connect\n')
        self.assertEqual(2, len(self.filters("test")))

    def test_the_ready_policies_are_good_and_apply(self):
        for path in glob.glob(os.path.join(POLICIES, "*.wfp")):
            name = os.path.splitext(os.path.basename(path))[0]
            with self.subTest(name):
                self.assertTrue(self.json("check", path)["ok"])
                self.assertEqual("", self.complaint("check", "--explain", path, code=0)
                                 if name == "watch" else "")
                applied = self.json("apply", path)
                self.assertEqual(applied["filters"], len(self.filters(name)))
                self.wfp("delete", "--policy", name)

    def test_ten_thousand_rules(self):
        path = self.file(*(f"permit connect tcp to 10.{i >> 8}.{i & 255}.0/24 port {i + 1}"
                           for i in range(10000)), "block connect")
        self.assertEqual(20002, self.json("apply", path)["filters"])
        self.assertEqual(20002, self.json("apply", path)["kept"])

    def test_check_needs_no_bfe(self):
        done = self.run_wfp("check", self.file("block connect"), env={"OPENWFP_SOCKET": "/none"})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        done = self.run_wfp("apply", self.file("block connect"), env={"OPENWFP_SOCKET": "/none"})
        self.assertEqual(NO_BFE, done.returncode)
        self.assertIn("bfe is not running", done.stderr)


class AddAndDelete(CliCase):
    def setUp(self):
        self.run_wfp("delete", "--policy", "manual")

    def test_add_puts_rules_below_those_before(self):
        self.wfp("add", "permit", "connect", "tcp", "port", "80", "ipv4")
        self.wfp("add", "block connect ipv4")
        self.wfp("add", "--first", "permit connect udp port 53 ipv4")
        rules = sorted(self.filters("manual"), key=lambda f: -f["weight"])
        self.assertEqual(["permit connect ipv4 udp port 53", "permit connect ipv4 tcp port 80",
                          "block connect ipv4"], [f["rule"] for f in rules])

    def test_add_says_what_it_added(self):
        answer = self.json("add", "block connect tcp port { 1, 2 }")
        self.assertEqual(2, len(answer["filters"]))
        self.assertEqual({f["id"] for f in answer["filters"]},
                         {f["id"] for f in self.filters("manual")})

    def test_add_keeps_an_explicit_weight(self):
        self.wfp("add", "block connect weight 7 ipv4")
        self.assertEqual([7], [f["weight"] for f in self.filters("manual")])

    def test_add_into_a_sublayer(self):
        self.wfp("add", "--sublayer", "mine", "block accept ipv4")
        self.assertEqual(["mine"], [f["sublayer"] for f in self.filters("manual")])

    def test_add_refuses_nonsense(self):
        self.assertIn("manual:2:7", self.complaint("add", "block", "conect", code=POLICY))
        self.complaint("add", 'block connect\nblock accept', code=USAGE)
        self.complaint("add", code=USAGE)

    def test_delete_by_id_and_key(self):
        self.wfp("add", "block connect")
        first, second = self.filters("manual")
        self.assertEqual(2, self.json("delete", str(first["id"]), second["key"])["deleted"])
        self.assertEqual([], self.filters("manual"))

    def test_delete_all_or_none(self):
        self.wfp("add", "block connect ipv4")
        only = self.filters("manual")[0]
        text = self.complaint("delete", str(only["id"]), "999999999", code=FAILED)
        self.assertIn("999999999", text)
        self.assertIn("FWP_E_FILTER_NOT_FOUND", text)
        self.assertEqual([only["id"]], [f["id"] for f in self.filters("manual")])
        self.complaint("delete", "nonsense", code=USAGE)
        self.complaint("delete", code=USAGE)

    def test_delete_of_a_policy_that_is_not_there(self):
        self.assertIn('there is no policy "nobody"',
                      self.complaint("delete", "--policy", "nobody", code=FAILED))


if os.geteuid() == 0:
    class Rights(CliCase):
        """The others' rights: bfe knows who asks from the socket."""

        def as_nobody(self, *arguments):
            return self.run_wfp(*arguments, user=65534, group=65534, extra_groups=[], cwd="/")

        def test_others_may_look_and_not_change(self):
            os.chmod(self.home, 0o755)
            for kind in ("filters", "classifier"):
                self.assertEqual(0, self.as_nobody("show", kind).returncode)
            for change in (["add", "block connect"], ["apply", self.file("block connect")]):
                done = self.as_nobody(*change)
                self.assertEqual(DENIED, done.returncode, done.stderr)
                self.assertIn("ERROR_ACCESS_DENIED", done.stderr)


if __name__ == "__main__":
    main(sys.modules["__main__"])
