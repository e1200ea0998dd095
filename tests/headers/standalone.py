#!/usr/bin/env python3
"""standalone.py INCLUDE_DIR...: each header compiles alone, twice, as C and C++, both WCHARs."""

import os
import subprocess
import sys

DIALECTS = [["-x", "c", "-std=c11"], ["-x", "c", "-std=gnu17", "-fshort-wchar"],
            ["-x", "c++", "-std=c++17"], ["-x", "c++", "-std=c++17", "-fshort-wchar"]]
# The newest and the oldest Windows that a program can ask for.
TARGETS = [[], ["-D_WIN32_WINNT=0x0600"]]
# Compiled for the kernel, with its types.
KERNEL = {"openwfp_callout.h"}


def main():
    directories = [os.path.realpath(path) for path in sys.argv[1:]]
    failed = 0
    for directory in directories:
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".h") or name in KERNEL:
                continue
            source = f"#include <{name}>\n" * 2
            for options in [d + t for d in DIALECTS for t in TARGETS]:
                command = ["gcc", *options, "-fsyntax-only", "-Wall", "-Wextra", "-Wundef",
                           "-Werror", *[f"-I{path}" for path in directories], "-"]
                if subprocess.run(command, input=source, text=True, check=False).returncode:
                    print(f"FAIL: {name} with {' '.join(options)}")
                    failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
