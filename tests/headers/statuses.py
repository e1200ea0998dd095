#!/usr/bin/env python3
"""statuses.py INCLUDE_DIR...: our NTSTATUS codes are mingw-w64's, where it has them."""

import os
import re
import sys

MINGW = "/usr/share/mingw-w64/include/ntstatus.h"
SKIPPED = 77
STATUS = re.compile(r"#define\s+((?:STATUS|EPT_NT)_\w+)\s+\(\(NTSTATUS\)\s*(0x[0-9a-fA-F]+)\)")
# mingw-w64 has other names for these numbers, or none.
OURS_ONLY = re.compile(r"STATUS_FWP_|EPT_NT_")


def statuses(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return {name: int(number, 16) for name, number in STATUS.findall(file.read())}


def main():
    if not os.path.exists(MINGW):
        print(f"SKIP: {MINGW} is missing; ./dev deps installs it")
        return SKIPPED
    theirs, ours, failed = statuses(MINGW), {}, 0
    for directory in sys.argv[1:]:
        for name in ("ntstatus.h", "fwp_statuses.h"):
            path = os.path.join(directory, name)
            ours |= statuses(path) if os.path.exists(path) else {}
    for name, number in ours.items():
        if name not in theirs and not OURS_ONLY.match(name):
            print(f"mingw-w64 does not know {name}")
            failed = 1
        elif theirs.get(name, number) != number:
            print(f"{name}: ours {number:#x}, mingw-w64's {theirs[name]:#x}")
            failed = 1
    print(f"{len(set(ours) & set(theirs))} of {len(ours)} compared")
    return failed


if __name__ == "__main__":
    sys.exit(main())
