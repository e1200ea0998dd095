"""Test cases on a place with an engine; run as programs they speak TAP, which meson counts."""
import functools
import os
import sys
import traceback
import unittest

from engine import Engine
from place import Place, PlaceError, exit_on_signals


def each(*rows):
    """Runs a test once for each row, as a subtest; a row is a value or a tuple of arguments."""
    def decorate(test):
        @functools.wraps(test)
        def run_each(self):
            for row in rows:
                arguments = row if isinstance(row, tuple) else (row,)
                with self.subTest(" ".join(map(str, arguments))):
                    test(self, *arguments)
        return run_each
    return decorate


class EngineCase(unittest.TestCase):
    """One place and one bfe for all tests of a class; each test applies its own policy."""
    place = engine = None

    @classmethod
    def setUpClass(cls):
        cls.place = Place(os.environ["OPENWFP_BUILD"])
        cls.enterClassContext(cls.place)
        cls.engine = cls.enterClassContext(Engine(cls.place))

    def policy(self, *rules):
        self.engine.apply(*rules)

    def tearDown(self):
        self.place._stop_programs()

    def expect(self, wanted, steps, **where):
        """The last step's answer is what is wanted."""
        answers = self.place.sock(steps, **where)
        self.assertEqual(wanted, answers[-1][1], f"{steps}: {answers}")


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def _line(self, word, test, comment=""):
        self.number += 1
        name = test.id().removeprefix("__main__.")
        print(f"{word} {self.number} - {name}{comment}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def _problem(self, test, error):
        self._line("not ok", test)
        # Of a test that fails, meson shows what was said here.
        print(test.id().removeprefix("__main__."), "".join(traceback.format_exception(*error)),
              sep="\n", file=sys.stderr, flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._problem(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._problem(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._problem(subtest, err)
        else:
            self._line("ok", subtest)


def why_not():
    """Why real sockets can't be tested here; None when they can."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        Place(os.environ["OPENWFP_BUILD"])
    except PlaceError as error:
        return str(error)
    return None


def main(module="__main__"):
    """usage: test_file.py BUILD_DIRECTORY [TEST...]"""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} BUILD_DIRECTORY [CLASS[.TEST]]...")
    os.environ["OPENWFP_BUILD"] = sys.argv[1]
    exit_on_signals()
    reason = why_not()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return
    loader = unittest.TestLoader()
    here = sys.modules[module]
    names = sys.argv[2:]
    suite = loader.loadTestsFromNames(names, here) if names else loader.loadTestsFromModule(here)
    result = TapResult()
    suite.run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() else 1)
