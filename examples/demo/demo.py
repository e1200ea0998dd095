#!/usr/bin/env python3
"""The demo: real programs meet a policy, in namespaces and a cgroup of the demo's own.

usage: demo.py BUILD_DIRECTORY

Each line is something expected and what was seen. The exit code is 0 when all of them agree.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/lib"))

import preflight
import scenes
from engine import Engine
from place import Place, PlaceError, exit_on_signals


class Stage:
    """Prints the play and keeps count."""

    def __init__(self):
        self.agreed = self.differed = 0
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def scene(self, name, what):
        print(f"\n{self.paint(1, name)}  {what}")

    def say(self, text):
        for line in text.splitlines():
            print(f"      {self.paint(2, line)}", flush=True)

    def expect(self, what, wanted, seen):
        """`wanted` is what `seen` is or contains."""
        agrees = wanted in seen
        self.agreed += agrees
        self.differed += not agrees
        tick = self.paint(32, "✓") if agrees else self.paint(31, "✗")
        print(f"   {tick}  {what:<51} expected: {wanted:<19} seen: {seen}", flush=True)

    def end(self, seconds):
        total = self.agreed + self.differed
        print(f"\n{self.agreed} of {total} as expected, in {seconds:.0f} s. "
              "The demo's namespaces, cgroup, kernel programs and files are gone.")
        return 0 if not self.differed else 1


def play(build, stage):
    with Place(build, f"owfp_demo_{os.getpid()}") as place:
        with Engine(place) as engine:
            print("bfe runs and covers one cgroup; programs in it and in a network namespace meet "
                  "the policy,\ntheir peers are in a second namespace: 192.0.2.1 | 192.0.2.2, "
                  "2001:db8::1 | 2001:db8::2")
            for scene in scenes.ALL:
                scene(place, engine, stage)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    preflight.check(build, "demo")
    exit_on_signals()
    stage, start = Stage(), time.monotonic()
    try:
        play(build, stage)
    except PlaceError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(stage.end(time.monotonic() - start))


if __name__ == "__main__":
    main()
