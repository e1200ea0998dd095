#!/usr/bin/env python3
"""Guards this machine: applies a policy until Ctrl-C and shows what every program does.

usage: guard.py BUILD_DIRECTORY [--cgroup DIRECTORY] [POLICY]

Everything is seen; without a POLICY everything is permitted too. A bfe that runs already is used;
otherwise one is started on every process of the machine (with --cgroup: on those of one cgroup).
The policy lives in a dynamic session: Ctrl-C, or the end of this program in any other way, removes
it.
"""
import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/lib"))

import preflight
from place import PlaceError, exit_on_signals, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
WATCH = os.path.normpath(os.path.join(HERE, "../../policies/watch.wfp"))
SYSTEM_SOCKET = "/run/openwfp/bfe.sock"


class Guard:
    def __init__(self, build, cgroup):
        self.bfe, self.wfp = (os.path.join(build, f"src/{name}/{name}") for name in ("bfe", "wfp"))
        self.cgroup = cgroup
        self.undo = contextlib.ExitStack()
        self.environment = dict(os.environ)

    def answers(self):
        return subprocess.run([self.wfp, "show", "sessions"], env=self.environment, check=False,
                              capture_output=True).returncode == 0

    def start(self, *command, **options):
        """Starts a program that Ctrl-C doesn't reach: it is stopped in its turn."""
        process = subprocess.Popen(command, env=self.environment, start_new_session=True, **options)

        def stop():
            process.terminate()
            process.wait(10)
        self.undo.callback(stop)
        return process

    def find_or_start_bfe(self):
        if not self.cgroup:
            self.environment["OPENWFP_SOCKET"] = SYSTEM_SOCKET
            if os.path.exists(SYSTEM_SOCKET) and self.answers():
                print("guard: using the bfe that runs")
                return
        scratch = tempfile.mkdtemp(prefix="openwfp-guard-")
        self.undo.callback(shutil.rmtree, scratch, ignore_errors=True)
        self.environment["OPENWFP_SOCKET"] = os.path.join(scratch, "bfe.sock")
        pins = f"/sys/fs/bpf/openwfp_guard_{os.getpid()}"
        self.undo.callback(subprocess.run, [self.bfe, "--remove", "--pin-dir", pins],
                           env=self.environment, check=False, capture_output=True)
        scope = ("--cgroup", self.cgroup) if self.cgroup else ()
        bfe = self.start(self.bfe, "--pin-dir", pins, "--remove-on-exit", "--log", "stderr", *scope)

        def is_up():
            if bfe.poll() is not None:
                raise PlaceError(f"bfe ended with {bfe.returncode}")
            return self.answers()
        wait_until(is_up, "bfe")

    def apply(self, policy):
        """A session of its own holds the policy; its first line says that it is in force."""
        session = self.start(self.wfp, "apply", "--dynamic", policy, stdout=subprocess.PIPE,
                             text=True)
        if not session.stdout.readline():
            raise PlaceError(f"the policy {policy} was not applied")

    def watch(self):
        """Until Ctrl-C."""
        monitor = subprocess.Popen([self.wfp, "monitor"], env=self.environment)
        try:
            return monitor.wait()
        except KeyboardInterrupt:
            monitor.send_signal(signal.SIGINT)
            monitor.wait()
            return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev guard", usage="%(prog)s [--cgroup DIR] [POLICY]",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--cgroup", metavar="DIR", help="guard only the programs of this cgroup")
    parser.add_argument("policy", nargs="?", help="a policy file; without it nothing is blocked")
    build = sys.argv[1]
    options = parser.parse_args(sys.argv[2:])
    preflight.check(build, "guard")
    exit_on_signals()
    if options.policy:
        checked = subprocess.run([os.path.join(build, "src/wfp/wfp"), "check", options.policy],
                                 stdout=subprocess.DEVNULL, check=False)
        if checked.returncode:
            sys.exit(checked.returncode)
    guard = Guard(os.path.abspath(build), options.cgroup)
    with guard.undo:
        try:
            guard.find_or_start_bfe()
            guard.apply(WATCH)
            if options.policy:
                guard.apply(options.policy)
            what = f"{options.policy} is in force" if options.policy else "everything is permitted"
            print(f"guard: {what} and shown until you press Ctrl-C", flush=True)
            code = guard.watch()
        except PlaceError as error:
            sys.exit(f"guard: {error}")
        except KeyboardInterrupt:
            code = 130
    print("guard: removed; the machine is as it was")
    sys.exit(code)


if __name__ == "__main__":
    main()
