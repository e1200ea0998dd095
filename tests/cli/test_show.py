"""show, explain, monitor, callout, doctor, help: what they print, as text and as JSON."""
import os
import signal
import subprocess
import sys
import time

from cli import CALLOUT, CliCase, main, wait_until, WFP, BLOCKED, DONE, FAILED, NO_BFE, USAGE

KINDS = ("filters", "sublayers", "callouts", "providers", "layers", "sessions", "events", "flows")


class Show(CliCase):
    def test_every_kind_as_table_and_json(self):
        self.wfp("apply", self.file("permit connect tcp port 80 to 10.0.0.0/8", "block connect"))
        for kind in KINDS:
            with self.subTest(kind):
                self.assertIsInstance(self.json("show", kind), list)
                lines = self.wfp("show", kind).splitlines()
                self.assertRegex(lines[0], "^[A-Z]")

    def test_filters_in_the_order_they_are_asked(self):
        self.wfp("apply", self.file('sublayer "light" weight 1', "permit connect ipv4",
                                    'sublayer "heavy" weight 2', "block connect tcp port 1 ipv4",
                                    "block connect ipv4"))
        rows = [line for line in self.wfp("show", "filters", "--layer", "connect").splitlines()
                if " test " in line]
        self.assertEqual(["heavy", "heavy", "light"], [row.split()[1] for row in rows])
        self.assertIn("block connect ipv4 tcp port 1", rows[0])

    def test_hold_rules(self):
        self.wfp("apply", self.file("hold connect tcp port 80 timeout 1500ms default permit ipv4",
                                    "hold listen"))
        rows = [f for f in self.filters("test") if f["layer"].endswith("v4")]
        held = {row["layer"]: (row["action"], row["hold"], row["rule"]) for row in rows}
        self.assertEqual({"timeout_ms": 1500, "default": "permit"}, held["connect-v4"][1])
        self.assertEqual("hold connect ipv4 tcp port 80 timeout 1500ms default permit",
                         held["connect-v4"][2])
        self.assertEqual(("hold", {"timeout_ms": 30000, "default": "block"},
                          "hold listen ipv4 timeout 30s default block"), held["listen-v4"])
        self.assertIn("0 new", self.wfp("apply", os.path.join(self.home, "test.wfp")))

    def test_explain_says_that_it_would_be_held(self):
        path = self.file("hold connect tcp port 80 default permit", "hold connect tcp port 81",
                         "block connect")
        for policy in (("--policy", path), ()):
            self.wfp("apply", path)
            for port, answer, code, hard in ((80, "PERMITTED", DONE, False),
                                             (81, "BLOCKED", BLOCKED, True)):
                question = ("explain", "connect", "tcp", "/usr/bin/curl", f"10.0.0.1:{port}",
                            *policy)
                text = self.wfp(*question, code=code)
                self.assertIn(f"HELD; if nobody answers {answer}", text)
                self.assertIn("asks an administrator", text)
                answer = self.json(*question, code=code)
                self.assertTrue(answer["held"])
                self.assertEqual(("hold", "held", hard), tuple(
                    answer["steps"][0][key] for key in ("action", "outcome", "hard")))

    def test_hold_callouts_are_always_registered(self):
        names = [c["name"] for c in self.json("show", "callouts") if c["registered"]]
        self.assertEqual(8, sum(name.startswith("OPENWFP_CALLOUT_HOLD_") for name in names))

    def test_layer_filter(self):
        layers = {layer["word"]: layer for layer in self.json("show", "layers")}
        self.assertIn("IP_PROTOCOL", layers["connect-v4"]["field_names"])
        self.assertNotIn("IP_PROTOCOL", layers["listen-v4"]["field_names"])
        self.assertEqual(["connect-v4", "connect-v6"], [
            layer["word"] for layer in self.json("show", "layers", "--layer", "connect")])

    def test_our_session_is_there(self):
        self.assertIn(("wfp", "wfp"), [(s["name"], s["name"]) for s in self.json("show",
                                                                                "sessions")])

    def test_names_with_escapes_do_not_reach_the_terminal(self):
        self.wfp("apply", self.file('permit connect name "\x1b[31mred"'))
        self.assertNotIn("\x1b", self.wfp("show", "filters"))
        self.assertIn("\x1b[31mred", [f["name"] for f in self.json("show", "filters")])

    def test_classifier_after_a_policy_and_a_change(self):
        before = self.json("show", "classifier")
        self.wfp("apply", self.file(*[f"block connect tcp to 10.1.{i}.0/24" for i in range(250)],
                                    "block accept tcp port 22"))
        whole = self.json("show", "classifier")
        layers = {layer["layer"]: layer for layer in whole["layers"]}
        connect = layers["connect-v4"]
        self.assertGreaterEqual(connect["filters"], 250)
        self.assertGreaterEqual(connect["records"], 250)
        self.assertGreater(connect["bytes_per_filter"], 0)
        self.assertGreaterEqual(connect["worst"], connect["depth"] + connect["longest"])
        self.assertIn("accept-v4", layers)
        self.assertEqual(before["images"] + 1, whole["images"])
        self.wfp("add", "block", "connect", "ipv4", "to", "10.2.0.1")
        changed = self.json("show", "classifier")
        self.assertEqual(whole["changes"] + 1, changed["changes"])
        self.assertEqual(whole["overlay"] + 1, changed["overlay"])
        self.assertEqual(whole["filters"] + 1, changed["filters"])
        self.assertEqual([], changed["problems"])
        text = self.wfp("show", "classifier", "--layer", "connect")
        self.assertRegex(text, r"connect-v4 +\d+ +1 ")
        self.assertNotIn("accept-v4", text)
        self.assertIn("filters added: 1,", text)
        self.assertIn("All is well.", text)

    def test_classifier_tells_of_filters_that_nothing_parts(self):
        self.wfp("apply", self.file(
            *[f"block connect ipv4 tcp port not {i}" for i in range(1, 1001)], name="alike.wfp"))
        problems = self.json("show", "classifier")["problems"]
        self.assertEqual(1, len(problems))
        self.assertIn("connect-v4", problems[0])
        self.assertIn(f"attention: {problems[0]}", self.wfp("show", "classifier"))
        self.wfp("delete", "--policy", "alike")
        self.assertEqual([], self.json("show", "classifier")["problems"])

    def test_wrong_kinds(self):
        self.assertIn('did you mean "filters"?', self.complaint("show", "filter", code=USAGE))
        self.complaint("show", code=USAGE)
        self.complaint("show", "filters", "more", code=USAGE)
        self.complaint("show", "filters", "--nonsense", code=USAGE)
        for command in (("show", "filters"), ("monitor",)):
            self.assertIn('no layer "conect"',
                          self.complaint(*command, "--layer", "conect", code=USAGE))

    def test_a_long_rule_is_cut_in_the_table_only(self):
        ports = ", ".join(str(2 * port) for port in range(1, 200))
        self.wfp("apply", self.file(f"block connect tcp port {{ {ports} }} ipv4"))
        row = next(line for line in self.wfp("show", "filters").splitlines() if " test " in line)
        self.assertTrue(row.endswith("…"), row)
        self.assertIn("398", next(iter(self.filters("test")))["rule"])
        self.wfp("delete", "--policy", "test")


class Explain(CliCase):
    POLICY = ('sublayer "strict" weight 200', "permit connect tcp port 443",
              "permit connect user root tcp port 80", "permit listen port 22",
              'sublayer "net" weight 100', "block connect to 10.0.0.0/8", "permit connect",
              "block listen", "block accept from fd00::/8",
              'sublayer "hard" weight 300', "hard permit connect to 10.9.9.9",
              "block connect to 10.8.8.8")

    def both(self, *question, code):
        """The same answer from the engine and for the draft."""
        self.wfp("apply", self.file(*self.POLICY))
        path = os.path.join(self.home, "test.wfp")
        running = self.json("explain", *question, code=code)
        draft = self.json("explain", *question, "--policy", path, code=code)
        shown = lambda answer: [(s["name"], s["outcome"]) for s in answer["steps"]]
        self.assertEqual(shown(running), shown(draft))
        self.assertEqual(running["verdict"], draft["verdict"])
        return shown(draft)

    def test_6_4_a_block_outvotes_a_heavier_soft_permit(self):
        self.assertEqual(
            [("permit connect tcp port 443", "outvoted"),
             ("block connect to 10.0.0.0/8", "stood"), ("permit connect", "not-reached")],
            self.both("connect", "tcp", "/usr/bin/curl", "10.0.0.1:443", code=BLOCKED))

    def test_6_5_a_hard_permit_is_not_outvoted(self):
        self.assertEqual(
            [("hard permit connect to 10.9.9.9", "stood"),
             ("permit connect tcp port 443", "outvoted"),
             ("block connect to 10.0.0.0/8", "outvoted"), ("permit connect", "not-reached")],
            self.both("connect", "tcp", "/usr/bin/curl", "10.9.9.9:443", code=DONE))

    def test_6_4_a_heavier_block_is_final(self):
        self.assertEqual(
            ("block connect to 10.8.8.8", "stood"),
            self.both("connect", "tcp", "/usr/bin/curl", "10.8.8.8:443", code=BLOCKED)[0])

    def test_6_11_no_match_permits(self):
        self.assertEqual([], self.both("accept", "tcp", "/usr/bin/nc", "192.0.2.1:5",
                                       "--local", "192.0.2.2:80", code=DONE))

    def test_users_and_versions(self):
        root = self.both("connect", "tcp", "/usr/bin/curl", "192.0.2.1:80", "--user", "root",
                         code=DONE)
        other = self.both("connect", "tcp", "/usr/bin/curl", "192.0.2.1:80", "--user", "12345",
                          code=DONE)
        self.assertIn(("permit connect user root tcp port 80", "outvoted"), root)
        self.assertEqual([("permit connect", "stood")], other)
        self.both("accept", "tcp", "/usr/bin/nc", "[fd00::1]:5", "--local", "[fd00::2]:80",
                  code=BLOCKED)
        self.both("connect", "udp", "/usr/bin/dig", "::ffff:10.0.0.1", code=BLOCKED)

    def test_listen_asks_about_the_local_end(self):
        self.both("listen", "tcp", "/usr/sbin/sshd", "0.0.0.0:22", code=BLOCKED)
        self.both("listen", "tcp", "/usr/sbin/sshd", "*:23", code=BLOCKED)

    def test_text(self):
        self.wfp("apply", self.file(*self.POLICY))
        text = self.wfp("explain", "connect", "tcp", "/usr/bin/curl", "10.0.0.1:443", code=BLOCKED)
        self.assertIn("BLOCKED by filter", text)
        self.assertRegex(text, "outvoted by [0-9]+")

    def test_wrong_questions(self):
        good = ["connect", "tcp", "/usr/bin/curl", "10.0.0.1:443"]
        for place, word in ((0, "conect"), (1, "tpc"), (2, "curl"), (3, "example.org:1"),
                            (3, "10.0.0.1:99999")):
            question = good[:place] + [word] + good[place + 1:]
            self.complaint("explain", *question, code=USAGE)
        self.complaint("explain", *good[:3], code=USAGE)
        self.complaint("explain", *good, "--user", "nobody-here", code=USAGE)
        self.complaint("explain", *good, "--flags", "nonsense", code=USAGE)
        self.complaint("explain", *good, "--local", "fd00::1", code=USAGE)
        self.complaint("explain", "--event", "x", code=USAGE)
        self.complaint("explain", "--event", "999999", code=FAILED)


class Monitor(CliCase):
    def monitors(self):
        return [s for s in self.json("show", "sessions") if s["name"] == "wfp"]

    def start(self, *arguments):
        process = self.start_wfp("monitor", *arguments)
        wait_until(lambda: process.pid in [s["pid"] for s in self.monitors()], "the monitor")
        return process

    def test_ends_in_order_on_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--json")
            time.sleep(0.1)
            process.send_signal(number)
            self.assertEqual(DONE, process.wait(10))

    def test_killed_monitors_leave_nothing(self):
        processes = [self.start("--all") for _ in range(10)]
        for process in processes:
            process.kill()
            process.wait(10)
        dead = {process.pid for process in processes}
        wait_until(lambda: not dead & {s["pid"] for s in self.monitors()}, "their sessions' end")
        self.assertTrue(self.json("show", "layers"))

    def test_says_when_bfe_dies(self):
        process = self.start()
        self.stop_bfe(signal.SIGKILL)
        try:
            _, text = process.communicate(timeout=10)
        finally:
            self.start_bfe()
        self.assertEqual(NO_BFE, process.returncode)
        self.assertIn("bfe is not running", text)

    def test_options(self):
        self.complaint("monitor", "--count", "x", code=USAGE)
        self.complaint("monitor", "more", code=USAGE)


class Rest(CliCase):
    def test_help_for_every_command(self):
        text = self.wfp("help")
        for name in ("apply", "check", "show", "monitor", "explain", "add", "delete", "callout",
                     "doctor", "version", "help"):
            self.assertIn(f"  {name} ", text)
            self.assertIn(f"usage: wfp {name}", self.wfp("help", name))
            self.assertIn(f"usage: wfp {name}", self.wfp(name, "--help"))
        self.assertEqual(text, self.wfp())
        self.assertEqual(text, self.wfp("--help"))

    def test_unknown_commands(self):
        self.assertIn('did you mean "apply"?', self.complaint("aply", code=USAGE))
        self.complaint("help", "nonsense", code=USAGE)

    def test_version(self):
        self.assertRegex(self.wfp("version"), r"^wfp [0-9]+\.[0-9]+\.[0-9]+ ")
        self.assertEqual(self.wfp("version"), self.wfp("--version"))
        self.assertIn("version", self.json("version"))

    def test_doctor_with_and_without_bfe(self):
        here = self.run_wfp("doctor", "--json")
        alone = self.run_wfp("doctor", "--json", env={"OPENWFP_SOCKET": "/none"})
        self.assertEqual((True, False), tuple(__import__("json").loads(d.stdout)["running"]
                                              for d in (here, alone)))
        self.assertIn("Not covered:", self.run_wfp("doctor").stdout)

    def test_callouts(self):
        self.assertIsInstance(self.json("callout", "list"), list)
        self.complaint("callout", code=USAGE)
        self.complaint("callout", "nonsense", code=USAGE)
        self.complaint("callout", "load", "name", code=USAGE)
        self.complaint("callout", "load", "name", "/nonexistent.o", "connect", code=FAILED)
        self.complaint("callout", "load", "name", CALLOUT, "conect", code=USAGE)
        large = self.file("\x7fELF")
        os.truncate(large, (8 << 20) + 1)
        self.assertIn("at most 8 MiB",
                      self.complaint("callout", "load", "name", large, "connect", code=FAILED))
        self.complaint("callout", "unload", "nobody", code=FAILED)

    def test_a_callout_is_loaded_at_both_versions_of_its_layer(self):
        self.wfp("callout", "load", "limiter", CALLOUT, "connect")
        self.assertEqual(2, len(self.json("callout", "list")))
        self.wfp("apply", self.file("callout limiter connect unregistered permit"))
        self.assertEqual({"callout limiter"}, {f["action"] for f in self.json("show", "filters")
                                               if f["provider"] == "test"})
        self.assertIn("filters still name limiter", self.complaint("callout", "unload", "limiter",
                                                                   code=DONE))
        self.wfp("delete", "--policy", "test")
        self.wfp("callout", "unload", "limiter")
        self.assertNotIn("limiter", [c["name"] for c in self.json("show", "callouts")])

    def test_without_bfe_every_command_says_so(self):
        for command in (["show", "filters"], ["monitor"], ["add", "block connect"],
                        ["delete", "1"], ["callout", "list"],
                        ["explain", "connect", "tcp", "/bin/ls", "10.0.0.1:1"]):
            done = self.run_wfp(*command, env={"OPENWFP_SOCKET": "/none"})
            self.assertEqual(NO_BFE, done.returncode, f"{command}: {done.stderr}")
            self.assertIn("bfe is not running", done.stderr)

    def test_no_colour_in_pipes(self):
        self.assertNotIn("\x1b", self.wfp("show", "layers"))
        done = self.run_wfp("check", "/none")
        self.assertNotIn("\x1b", done.stderr)

    def test_colour_on_terminals_unless_refused(self):
        for refused in (False, True):
            environment = dict(self.environment(), **({"NO_COLOR": "1"} if refused else {}))
            environment = {k: v for k, v in environment.items() if refused or k != "NO_COLOR"}
            done = subprocess.run(["script", "-qec", f"{WFP} show layers", "/dev/null"], text=True,
                                  env=environment, capture_output=True, check=False, timeout=60)
            self.assertEqual(not refused, "\x1b[1m" in done.stdout)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([WFP, "show", "layers"], env=self.environment(), stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        self.assertEqual(FAILED, done.returncode)


if __name__ == "__main__":
    main(sys.modules["__main__"])
