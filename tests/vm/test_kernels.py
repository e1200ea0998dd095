"""Debian's older kernels in a guest: what must hold there, and what `wfp doctor` says of it."""
import os
import sys

from cases import guest_with_cases, run_cases
from kernels import Unavailable, fetch

CALLOUT = "examples/callouts/connection_limit.bpf.o"


def main():
    """usage: test_kernels.py BUILD_DIRECTORY SERIES CASES [OF THE COMMAND LINE]"""
    build, series, cases, *append = sys.argv[1:]
    try:
        guest = guest_with_cases(fetch(series, build), build, ("bpftool",))
    except Unavailable as reason:
        print(f"1..0 # SKIP {reason}")
        return
    guest.image.file(os.path.join(guest.build, CALLOUT))
    results, done = run_cases(guest, f"vm/{cases}.py", append=" ".join(append), timeout=400)
    good = results and done.status == 0
    for _, line in done.lines:
        if line.startswith(("ok", "not ok", "1..")):
            print(line, flush=True)
        else:  # of a test that fails, meson shows what is said on stderr
            print(f"# {line}", file=sys.stdout if good else sys.stderr, flush=True)
    if done.status is None:
        print("Bail out! The guest did not get to its end.")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
