"""The project's own test cases, run in a guest with another kernel."""
import os
import re
import sys

from guest import Guest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ("ip", "nsenter", "setpriv", "taskset", "unshare", "nft")
OURS = ("src/bfe/bfe", "src/wfp/wfp", "tests/lib/sock")

# What the cases import, of Python's own.
LIBRARY = ("argparse", "contextlib", "ctypes", "datetime", "errno", "fcntl", "functools", "glob",
           "http.server", "itertools", "json", "os", "pathlib", "queue", "random", "re", "select",
           "shlex", "shutil", "signal", "socket", "socketserver", "ssl", "stat", "struct",
           "subprocess", "tempfile", "textwrap", "threading", "time", "traceback", "unittest",
           "urllib.request", "uuid")


def guest_with_cases(kernel, build, programs=()):
    """A guest that has bfe, wfp, the socket program, Python and all of tests/."""
    guest = Guest(kernel, build)
    image = guest.image
    for program in OURS:
        image.program(os.path.join(guest.build, program))
    for program in (*PROGRAMS, *programs):
        image.program(program)
    image.python(*LIBRARY)
    image.tree(os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests"),
               lambda name: name.endswith(".py"))
    image.link("/usr/bin/env", "/bin/env")
    return guest


def run_cases(guest, file, *names, append="", timeout=400):
    """Runs a case file; returns [(name, "ok" | "not ok" | "skip")] and what was said."""
    path = ":".join(os.path.join(ROOT, "tests", room) for room in ("lib", "shim", "ale"))
    command = (f"export PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1; mkdir -p {guest.build}; "
               f"cd {guest.build}; python3 {os.path.join(ROOT, 'tests', file)} {guest.build} "
               f"{' '.join(names)} 2>&1")
    done = guest.run(command, append=append, timeout=timeout)
    results = []
    for _, line in done.lines:
        match = re.match(r"(not ok|ok) \d+ - (.*?)( # SKIP.*)?$", line)
        if match:
            results.append((match[2], "skip" if match[3] else match[1]))
    return results, done
