#!/usr/bin/env python3
"""How many tests passed, failed and were skipped, from meson's testlog.json.

A program that tells its single tests (TAP, cmocka) counts as those, any other one as one test.
"""
import json
import re
import sys

PASSED = re.compile(r"^(?:ok \d+(?!.*# SKIP)|\[ +OK \])", re.MULTILINE)
FAILED = re.compile(r"^(?:not ok \d+|\[ +FAILED +\] (?=\w+$))(.*)", re.MULTILINE)
SKIPPED = re.compile(r"^(?:ok \d+.*# SKIP|1\.\.0.*# SKIP|\[ +SKIPPED +\] \w+$)", re.MULTILINE)


def count(test):
    """(passed, failed, skipped) of one program."""
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    passed, skipped = len(PASSED.findall(text)), len(SKIPPED.findall(text))
    failed = len(set(FAILED.findall(text)))  # cmocka tells a failure twice
    result = test["result"]
    if result == "SKIP":
        return 0, 0, max(skipped, 1)
    if result in ("OK", "EXPECTEDFAIL"):
        return (passed, 0, skipped) if passed or skipped else (1, 0, 0)
    return passed, max(failed, 1), skipped


def main():
    totals = [0, 0, 0]
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            for line in log:
                totals = [sum(pair) for pair in zip(totals, count(json.loads(line)))]
    except FileNotFoundError:
        totals = [0, 1, 0]  # meson itself failed
    print(*totals)


if __name__ == "__main__":
    main()
