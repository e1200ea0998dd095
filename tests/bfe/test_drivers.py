"""Callout drivers under bfe: loading, unloading, listing; what is refused; crashes; restarts."""
import json
import os
import shutil
import signal
import stat
import time

from case import EngineCase, each, main
from place import wait_until

RULE = 'callout driven connect ipv4 proto tcp to 127.0.0.1 port 7301 as terminating'
PATIENT = 'import socket; socket.create_connection(("127.0.0.1", 7301)); print("connected")'
CONNECT = "tcp4 connect=127.0.0.1:7301"

HOSTILE = """#!/usr/bin/env python3
import array, os, socket, sys, time
door, channel = socket.socket(fileno=3), socket.socket(fileno=4)
name = sys.argv[1]
def pass_through(message, *fds):
    door.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
if name == "garbage":
    for size in (1, 16, 4096):
        channel.send(os.urandom(size))
    door.send(os.urandom(64))
if name == "file":
    pass_through(b"C", os.open("/dev/null", os.O_RDONLY))
if name == "many":
    pass_through(b"C", *[1] * 32)
if name == "nonsense":
    ours, theirs = socket.socketpair()
    pass_through(b"C", theirs.fileno())
    theirs.close()
    ours.send(os.urandom(4096))
    print("sent nonsense", flush=True)
    ours.recv(1)
    sys.exit(9)
if name == "talks":
    os.set_blocking(2, True)
    for _ in range(1000):
        os.write(2, b"\\x1b[2Jbla\\n" * 100)
    sys.exit(9)
if name == "closes":
    channel.close()
    time.sleep(60)
time.sleep(60)
"""


class DriverCase(EngineCase):
    @property
    def built(self):
        return os.path.join(self.place.build, "tests/bfe/driver.so")

    def listed(self):
        return {driver["name"]: driver
                for driver in json.loads(self.engine.wfp("driver", "list", "--json"))}

    def state(self, name="good"):
        return self.listed().get(name, {}).get("state")

    def setUp(self):
        self.file = os.path.join(self.place.scratch, "driver.so")
        shutil.copy(self.built, self.file)
        os.chown(self.file, 0, 0)
        os.chmod(self.file, 0o644)

    def tearDown(self):
        for name in self.listed():
            self.engine.wfp("driver", "unload", name)
        super().tearDown()

    def load(self, name="good"):
        self.engine.wfp("driver", "load", name, self.file)

    def refused(self, name="good"):
        done = self.engine.try_wfp("driver", "load", name, self.file)
        self.assertNotEqual(0, done.returncode)
        return done.stderr


class Drivers(DriverCase):
    def test_loaded_listed_unloaded(self):
        self.load()
        driver = self.listed()["good"]
        self.assertEqual(("running", 2, 0, self.file),
                         (driver["state"], driver["callouts"], driver["restarts"], driver["path"]))
        self.assertTrue(os.path.isdir(f"/proc/{driver['pid']}"))
        self.engine.wfp("driver", "unload", "good")
        self.assertEqual({}, self.listed())
        self.assertFalse(os.path.isdir(f"/proc/{driver['pid']}"))
        self.assertIn("driver good: unloading", self.engine.log_text())

    def test_host_has_no_capability(self):
        self.load()
        with open(f"/proc/{self.listed()['good']['pid']}/status", encoding="ascii") as status:
            lines = dict(line.split(":\t") for line in status if ":\t" in line)
        self.assertEqual(0, int(lines["CapEff"], 16) | int(lines["CapPrm"], 16))
        self.assertEqual("1", lines["NoNewPrivs"].strip())

    def test_what_a_driver_may_use_is_bounded(self):
        self.load()
        with open(f"/proc/{self.listed()['good']['pid']}/limits", encoding="ascii") as limits:
            soft = {line[:26].strip(): line[26:].split()[0] for line in limits}
        self.assertEqual("0", soft["Max core file size"])
        self.assertLessEqual(int(soft["Max data size"]), 1 << 30)
        self.assertLessEqual(int(soft["Max open files"]), 1024)
        self.assertLessEqual(int(soft["Max processes"]), 1024)

    def test_a_second_of_the_name_is_refused(self):
        self.load()
        self.assertIn("loaded already", self.refused())
        self.assertEqual("running", self.state())

    def test_7_1_registered_twice_is_refused(self):
        self.load("good")
        self.assertIn("0xc0220009", self.refused("good2"))
        self.assertEqual(["good"], list(self.listed()))

    def test_failing_entry_says_why(self):
        message = self.refused("fails")
        self.assertIn("0xc00000bb", message)
        self.assertIn("there is no such device", message)
        self.assertEqual({}, self.listed())

    def test_crashing_entry_says_so(self):
        self.assertIn("signal 11", self.refused("crashes"))
        self.assertEqual({}, self.listed())

    @each((0o666, 0, "can be written"), (0o664, 0, "can be written"), (0o644, 1000, "root"))
    def test_file_of_others_is_refused(self, mode, owner, text):
        os.chmod(self.file, mode)
        os.chown(self.file, owner, owner)
        self.assertIn(text, self.refused())
        self.assertEqual({}, self.listed())

    def test_what_is_no_driver_is_refused(self):
        with open(self.file, "w", encoding="ascii") as file:
            file.write("this is no shared object")
        self.assertIn("ended with exit code 3", self.refused())
        os.unlink(self.file)
        self.assertIn("No such file", self.refused())
        os.mkfifo(self.file)
        self.assertIn("not a shared object", self.refused())
        os.unlink(self.file)

    @each("", "../x", "a b", "-x", "x" * 64)
    def test_what_is_no_name_is_refused(self, name):
        self.assertNotEqual(0, self.engine.try_wfp("driver", "load", "--", name,
                                                   self.file).returncode)
        self.assertEqual({}, self.listed())

    def test_unprivileged_caller_is_refused(self):
        self.load()
        os.chmod(self.place.scratch, 0o755)
        for command in (("load", "other", self.file), ("unload", "good")):
            done = self.engine.try_wfp("driver", *command, user=65534, group=65534,
                                       extra_groups=[])
            self.assertNotEqual(0, done.returncode)
            self.assertIn("only root", done.stderr)
        self.assertEqual("running", self.state())

    def test_killed_host_fails_and_can_be_loaded_again(self):
        self.load()
        os.kill(self.listed()["good"]["pid"], signal.SIGKILL)
        wait_until(lambda: self.state() == "failed", "the driver to be known as failed")
        driver = self.listed()["good"]
        self.assertIn("signal 9", driver["reason"])
        self.assertEqual(0, driver["callouts"])
        self.load()
        self.assertEqual("running", self.state())

    def test_proven_driver_is_started_once_more(self):
        self.load()
        time.sleep(10.5)
        first = self.listed()["good"]["pid"]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: self.listed()["good"].get("pid", first) != first, "another process")
        wait_until(lambda: self.state() == "running", "the driver to be back")
        driver = self.listed()["good"]
        self.assertEqual((1, 2), (driver["restarts"], driver["callouts"]))
        os.kill(driver["pid"], signal.SIGKILL)
        wait_until(lambda: self.state() == "failed", "the driver to be left alone")

    def test_hanging_unload_is_ended(self):
        self.load("hangs")
        self.engine.wfp("driver", "unload", "hangs")
        self.assertEqual({}, self.listed())

    @each(signal.SIGKILL, signal.SIGTERM)
    def test_comes_back_with_bfe(self, number):
        self.load()
        before = self.listed()["good"]
        self.engine.stop(number)
        wait_until(lambda: not os.path.isdir(f"/proc/{before['pid']}"), "the host's end")
        self.engine.start()
        wait_until(lambda: self.state() == "running", "the driver to come back")
        after = self.listed()["good"]
        self.assertEqual((before["path"], 2), (after["path"], after["callouts"]))
        self.engine.wfp("driver", "unload", "good")

    def said(self, name):
        """The driver's lines about the service's state, since it was loaded."""
        prefix = f"driver {name}: "
        return [line.partition(prefix)[2] for line in self.engine.log_text().splitlines()
                if prefix in line and " state " in line]

    def test_s4_before_the_engine_runs_it_cannot_be_opened(self):
        cannot, pending, stopping, running = "0xc0020035", 1, 2, 3
        self.load("watches")
        self.assertEqual([f"entered in state {running}, open 0"], self.said("watches"))
        # With a large policy the engine takes longer than the driver; mostly.
        self.policy(*(f"block connect udp to 10.{i >> 8}.{i & 255}.0/24" for i in range(10000)))
        self.engine.stop()
        self.assertEqual(f"told state {stopping}, open {cannot}", self.said("watches")[-1])
        for _ in range(5):
            self.engine.start()
            wait_until(lambda: f"state {running}, open 0" in self.said("watches")[-1],
                       "the driver to see the engine run")
            if self.said("watches")[-1].startswith("told"):
                break
            self.engine.stop()
        self.assertEqual([f"entered in state {pending}, open {cannot}",
                          f"told state {running}, open 0"], self.said("watches")[-2:])
        wait_until(lambda: self.state("watches") == "running", "the driver to come back")
        self.policy("permit connect")

    def test_what_was_unloaded_stays_away(self):
        self.load()
        self.engine.wfp("driver", "unload", "good")
        self.engine.stop()
        self.engine.start()
        self.assertEqual({}, self.listed())

    def test_gone_file_leaves_a_failed_driver(self):
        self.load()
        self.engine.stop()
        os.unlink(self.file)
        self.engine.start()
        self.assertEqual("failed", self.state())
        self.assertIn("No such file", self.listed()["good"]["reason"])


class Asked(DriverCase):
    """The driver permits what it is asked about."""

    def held(self):
        return json.loads(self.engine.wfp("show", "hold", "--json"))

    def setUp(self):
        super().setUp()
        self.place.serve("tcp4 bind=127.0.0.1:7301 listen")
        self.load()
        self.policy(RULE)

    def tearDown(self):
        self.policy("permit connect")
        super().tearDown()

    def test_7_1_driver_decides(self):
        before = self.held()
        self.expect("ok", CONNECT)
        after = self.held()
        self.assertEqual((True, True, before["asked"] + 1, before["permitted"] + 1, 0),
                         (after["active"], after["outbound"], after["asked"], after["permitted"],
                          after["held"]))

    def test_what_no_filter_asks_is_not_held(self):
        self.policy("permit connect")
        self.assertFalse(self.held()["active"])
        self.expect("ok", CONNECT)

    def test_7_2_unloaded_driver_blocks(self):
        self.engine.wfp("driver", "unload", "good")
        self.expect("EACCES", CONNECT)
        self.load()
        self.expect("ok", CONNECT)

    def test_7_2_crashed_driver_blocks(self):
        os.kill(self.listed()["good"]["pid"], signal.SIGKILL)
        wait_until(lambda: self.state() == "failed", "the driver to be known as failed")
        self.expect("EACCES", CONNECT)
        self.load()
        self.expect("ok", CONNECT)

    def pending(self):
        """A connect that waits for a driver which never completes it."""
        self.engine.wfp("driver", "unload", "good")
        self.load("pends")
        program = self.place.start("python3", "-c", PATIENT)
        wait_until(lambda: self.held()["packets"], "a packet to wait")
        return program

    def test_7_2_killed_driver_lets_go_what_it_held(self):
        program = self.pending()
        os.kill(self.listed()["pends"]["pid"], signal.SIGKILL)
        output, _ = program.process.communicate(timeout=20)
        self.assertIn("ConnectionRefusedError", output)
        self.assertEqual(0, self.held()["packets"])

    def test_7_2_unloaded_driver_lets_go_what_it_held(self):
        self.policy(RULE + " unregistered permit")
        program = self.pending()
        self.engine.wfp("driver", "unload", "pends")
        output, _ = program.process.communicate(timeout=20)
        self.assertEqual("connected", output.strip())

    def test_what_waits_goes_on_by_a_policy_that_asks_nobody(self):
        program = self.pending()
        self.policy("permit connect")
        output, _ = program.process.communicate(timeout=20)
        self.assertEqual("connected", output.strip())

    def test_what_waits_is_asked_of_the_next_driver(self):
        program = self.pending()
        self.engine.stop(signal.SIGKILL)
        self.engine.start()
        wait_until(lambda: self.held()["held"], "the connect to be held again")
        self.assertIsNone(program.process.poll())

    def test_nonsense_over_the_channel_is_ignored(self):
        before = self.held()["ignored"]
        self.engine.wfp("driver", "unload", "good")
        self.load("babbles")
        self.expect("ok", CONNECT)
        self.assertLess(before + 400, self.held()["ignored"])
        self.assertEqual("running", self.state("babbles"))

    def test_driver_without_a_channel_is_ended(self):
        self.engine.wfp("driver", "unload", "good")
        self.load("parts")
        wait_until(lambda: self.state("parts") == "failed", "the driver's end")
        self.expect("EACCES", CONNECT)

    def test_7_4_driver_is_told_of_filters(self):
        self.policy("permit connect")
        wait_until(lambda: "driver good: filter deleted" in self.engine.log_text(), "DELETE_FILTER")
        self.assertIn("driver good: filter added", self.engine.log_text())

    @each(signal.SIGKILL, signal.SIGTERM)
    def test_decides_again_after_bfe_restart(self, number):
        self.engine.stop(number)
        self.engine.start()
        self.expect("ok", CONNECT)

    @each(signal.SIGKILL, signal.SIGTERM)
    def test_connect_waits_for_bfe_and_driver(self, number):
        self.engine.stop(number)
        waiting = self.place.start("python3", "-c", PATIENT)
        self.engine.start()
        output, _ = waiting.process.communicate(timeout=60)
        self.assertEqual("connected", output.strip())


class RestartedMachine(DriverCase):
    """What is persistent is all that is left: a callout, the filters that name it, its driver."""

    def setUp(self):
        super().setUp()
        self.place.serve("tcp4 bind=127.0.0.1:7301 listen")
        self.load("lasts")

    def tearDown(self):
        self.keep("permit connect")
        super().tearDown()

    def keep(self, rule):
        path = os.path.join(self.place.scratch, "kept.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'sublayer "kept" weight 0x9000\n{rule}\n')
        self.engine.wfp("apply", "--persistent", path)

    def asked(self):
        return json.loads(self.engine.wfp("show", "hold", "--json"))["asked"]

    def test_8_1_a_persistent_callouts_driver_comes_again_and_decides(self):
        self.keep(RULE)
        self.engine.restart_machine()
        wait_until(lambda: self.state("lasts") == "running", "the driver to come again")
        before = self.asked()
        self.expect("ok", CONNECT)
        self.assertEqual(before + 1, self.asked())

    @each(("", "EACCES"), (" unregistered permit", "ok"))
    def test_7_2_without_it_its_filters_do_what_they_say(self, flag, answer):
        self.keep(RULE + flag)
        away = self.file + ".away"
        os.rename(self.file, away)
        self.engine.restart_machine()
        self.assertEqual("failed", self.state("lasts"))
        self.expect(answer, CONNECT)
        os.rename(away, self.file)
        self.load("lasts")
        before = self.asked()
        self.expect("ok", CONNECT)
        self.assertEqual(before + 1, self.asked())


class HostileHosts(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.stop()
        host = os.path.join(cls.place.scratch, "host")
        with open(host, "w", encoding="utf-8") as file:
            file.write(HOSTILE)
        os.chmod(host, stat.S_IRWXU)
        cls.engine.options = ("--cgroup", cls.place.cgroup, "--driver-host", host)
        cls.engine.start()

    @each(("garbage", "through its door"), ("file", "through its door"),
          ("many", "through its door"), ("nonsense", "sent nonsense"), ("talks", "bla"),
          ("closes", "closed its channel"))
    def test_is_ended_and_disturbs_nobody(self, name, reason):
        done = self.engine.try_wfp("driver", "load", name, "/bin/true")
        self.assertNotEqual(0, done.returncode)
        self.assertIn(reason, done.stderr)
        self.assertEqual("[]", self.engine.wfp("driver", "list", "--json").strip())


if __name__ == "__main__":
    main()
