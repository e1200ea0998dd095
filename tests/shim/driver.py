"""The loader without bfe: a driver process, and a place for it to guard."""
import json
import os
import subprocess
import unittest

from place import Place

PERMIT, BLOCK, TERMINATING = "1002", "1001", "5003"
ASSIGN, LISTEN, ACCEPT, CONNECT, ESTABLISHED = 36, 40, 44, 48, 52
RELEASE, CLOSURE = 62, 64
REMOTE_PORT, FLAGS, APP = 2, 3, 8
DROPS, ALLOWS, LIFECYCLES, ALL = 1, 2, 4, 8


class Refused(Exception):
    """The loader said no."""


class Driver:
    """One process that has the shim open."""

    def __init__(self, build):
        self.process = subprocess.Popen([os.path.join(build, "tests/shim/driver")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        """The lines before the answer, and the answer's number."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "ok":
                return lines, int(rest)
            if word == "error":
                raise Refused(rest)
            lines.append(line)
        raise Refused("the driver is gone")

    def tell(self, *words):
        return self.ask(*words)[1]

    def commit(self, *filters):
        self.tell("commit", *filters)

    def events(self, **wanted):
        """What has happened since the last look, as far as it is wanted."""
        events = [json.loads(line) for line in self.ask("poll")[0]]
        return [e for e in events if all(e[key] == value for key, value in wanted.items())]

    def reset(self):
        """As if it were new, but for what it has loaded into the kernel."""
        self.tell("asks", "close")
        self.tell("commit")
        self.tell("collect", 0)
        while self.tell("poll"):
            pass

    def kill(self):
        self.process.kill()
        self._end()

    def close(self):
        self.process.stdin.close()
        self._end()

    def _end(self):
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if not stream.closed:
                stream.close()


def rule(layer, action, callout=None, context=0, **slots):
    """A filter in the driver's words; slots: number or (low, high) by slot name."""
    text = f"{layer}:{action}"
    if callout is not None:
        text += f":{callout}:{context}"
    for name, value in slots.items():
        low, high = value if isinstance(value, tuple) else (value, value)
        text += f",{globals()[name.upper()]}={low}-{high}"
    return text


class ShimCase(unittest.TestCase):
    """One place for all tests of a class; each begins without policy, and with fresh pins where
    `fresh` says so. The others share a loader: verifying its programs again is what takes long."""
    place = driver = None
    fresh = False

    @classmethod
    def setUpClass(cls):
        cls.build = os.environ["OPENWFP_BUILD"]
        cls.place = cls.enterClassContext(Place(cls.build))
        cls.pins = f"/sys/fs/bpf/{cls.place.name}"
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        if cls.driver:
            cls.driver.tell("remove", cls.pins)
            cls.driver.close()
            cls.driver = None

    def setUp(self):
        self.driver = self.driver or self.open()

    def tearDown(self):
        self.place._stop_programs()
        type(self).driver = self.driver
        del self.driver
        if self.fresh:
            self.end()
        else:
            self.driver.reset()

    def open(self, netns=0, cgroup=None):
        driver = Driver(self.build)
        try:
            driver.adopted = driver.tell("open", self.pins, cgroup or self.place.cgroup, netns)
        except Refused:
            driver.close()
            raise
        return driver

    def answer(self, steps, **where):
        return self.place.answer(steps, **where)
