#!/usr/bin/env python3
"""
portable.py PROGRAM.c INCLUDE_DIR...: the program, unchanged, becomes a Windows program.

Twice: with mingw-w64's own headers, to which only the names they lack are added, from ours; and
with our fwp headers on top of mingw-w64's windows.h.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import declarations
from compare import MINGW, SKIPPED, VERSION, Side, values

WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def build(program, work, name, options):
    """The error output, empty when a Windows program came out."""
    command = [MINGW, *WARNINGS, *VERSION, *options, program, "-o",
               os.path.join(work, name + ".exe"), "-lfwpuclnt"]
    return subprocess.run(command, check=False, capture_output=True, text=True,
                          env=os.environ | {"LC_ALL": "C"}).stderr


def missing_names(program, work):
    """What the program uses and mingw-w64's headers don't have."""
    errors = build(program, work, "probe", ["-fmax-errors=0"])
    return sorted(set(re.findall(r"'(FW\w+)' undeclared", errors)))


def define(ours, name):
    if name in ours.guids:
        return "DEFINE_GUID(%s, %s);" % (name, ", ".join(f"{n:#x}" for n in ours.guids[name]))
    return f"#define {name} {values(ours, [name])[0]:#x}"


def with_their_headers(program, work, ours):
    names = missing_names(program, work)
    unknown = set(names) - set(ours.guids) - set(ours.macros) - ours.constants
    if unknown:
        return f"neither mingw-w64 nor we declare {' '.join(unknown)}"
    path = os.path.join(work, "missing.h")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#include <initguid.h>\n")
        file.writelines(define(ours, name) + "\n" for name in names)
    print("mingw-w64's headers lack: " + " ".join(names))
    return build(program, work, "theirs", ["-include", path])


def with_our_headers(program, work, directories):
    staged = os.path.join(work, "include")
    os.mkdir(staged)
    for directory in directories:
        for name in os.listdir(directory):
            if re.match(r"fw[a-z_]*\.h$", name) and name != "fwp_errors.h":
                shutil.copy(os.path.join(directory, name), staged)
    return build(program, work, "ours", [f"-I{staged}"])


def main():
    if not shutil.which(MINGW):
        print(f"SKIP: {MINGW} is missing; ./dev deps installs it")
        return SKIPPED
    program, *directories = [os.path.realpath(path) for path in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as work:
        flags = [f"-I{path}" for path in directories]
        ours = Side(work, "ours", ["gcc"] + flags, ["windows.h", "fwpmu.h"],
                    lambda path: os.path.dirname(os.path.realpath(path)) in directories)
        problems = with_their_headers(program, work, ours)
        problems += with_our_headers(program, work, directories)
    if problems:
        print(problems)
        return 1
    print("a Windows program with mingw-w64's headers, and with ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
