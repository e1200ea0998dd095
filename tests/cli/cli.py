"""The command line against a bfe that enforces nothing, so these tests need no rights."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from case import TapResult

DONE, FAILED, USAGE, NO_BFE, POLICY, BLOCKED, DENIED = range(7)
BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
BFE, WFP = (os.path.join(BUILD, f"src/{name}/{name}") for name in ("bfe", "wfp"))
CALLOUT = os.path.join(BUILD, "examples/callouts/connection_limit.bpf.o")
POLICIES = os.path.normpath(os.path.join(os.path.dirname(__file__), "../../policies"))


def wait_until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.02)


class CliCase(unittest.TestCase):
    """Each class has a bfe of its own, each test a directory."""

    @classmethod
    def setUpClass(cls):
        home = tempfile.TemporaryDirectory(prefix="openwfp-cli-")
        cls.addClassCleanup(home.cleanup)
        cls.home = home.name
        cls.socket = os.path.join(cls.home, "bfe.sock")
        cls.start_bfe()
        cls.addClassCleanup(cls.stop_bfe)

    @classmethod
    def start_bfe(cls):
        with open(os.path.join(cls.home, "bfe.log"), "a", encoding="utf-8") as log:
            cls.bfe = subprocess.Popen(
                [BFE, "--no-kernel", "--socket", cls.socket, "--log", "stderr"],
                stdout=log, stderr=log)
        wait_until(lambda: os.path.exists(cls.socket) and
                   cls.run_wfp("show", "sessions").returncode == DONE, "bfe")

    @classmethod
    def stop_bfe(cls, number=signal.SIGTERM):
        cls.bfe.send_signal(number)
        cls.bfe.wait(10)

    @classmethod
    def environment(cls):
        return dict(os.environ, OPENWFP_SOCKET=cls.socket)

    @classmethod
    def run_wfp(cls, *arguments, **options):
        return subprocess.run([WFP, *arguments], env=options.pop("env", cls.environment()),
                              text=True, capture_output=True, check=False, timeout=60, **options)

    def start_wfp(self, *arguments):
        process = subprocess.Popen([WFP, *arguments], env=self.environment(), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def wfp(self, *arguments, code=DONE, **options):
        done = self.run_wfp(*arguments, **options)
        self.assertEqual(code, done.returncode, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments, code=DONE):
        return json.loads(self.wfp(*arguments, "--json", code=code))

    def complaint(self, *arguments, code):
        done = self.run_wfp(*arguments)
        self.assertEqual(code, done.returncode, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stderr

    def file(self, *lines, name="test.wfp"):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def filters(self, provider):
        return [f for f in self.json("show", "filters") if f["provider"] == provider]

    def sublayer_names(self):
        return [s["name"] for s in self.json("show", "sublayers")]


def main(module):
    suite = unittest.TestSuite()
    loader = unittest.TestLoader()
    names = sys.argv[2:]
    found = loader.loadTestsFromNames(names, module) if names else \
        loader.loadTestsFromModule(module)
    suite.addTests(found)
    result = TapResult()
    suite.run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() else 1)
