#!/usr/bin/env python3
"""What a lookup costs, by number of filters: in the kernel, in user space, beside librte_acl.

usage: classify.py [--json FILE] [--rounds N] [--quick] [--million] BUILD_DIR

Sets after ClassBench's seeds (tests/classify/policy_set.h); those called -plain have addresses,
ports and protocol only, as librte_acl has, the others programs, users, flags, alternatives and four
sublayers. Keys are drawn evenly inside filters: "spread", each asked once, the hardest for caches,
and "again", one asked repeatedly. The kernel's figures are its own BPF statistics. Programs run in
turn, round by round; a figure is the median of the rounds. "of 10" is the ratio to ten filters.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

PLAIN = ("acl-plain", "fw-plain", "ipc-plain")
FULL = ("acl", "fw", "ipc", "acl6")
PATIENCE = 900 # seconds; librte_acl can build for hours
SIZES = (10, 1000, 10000, 100000, 1000000)
FIGURES = ("kernel_spread_ns", "kernel_again_ns", "user_spread_ns", "user_again_ns", "compile_ms",
           "best_ns", "scalar_ns", "build_ms")


def ask(*command):
    """One JSON object, or None: not there, or it could not."""
    if not os.path.exists(command[0]):
        return None
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"bench: {' '.join(command)}: not done in {PATIENCE} s", file=sys.stderr)
        return None
    if result.returncode:
        why = f"signal {-result.returncode}" if result.returncode < 0 else result.stderr.strip()
        print(f"bench: {' '.join(command)}: {why}", file=sys.stderr)
        return None
    return json.loads(result.stdout.splitlines()[-1])


def measure(build, name, size):
    linked = os.path.join(build, "tests/classify/differential.linked.o")
    row = ask(os.path.join(build, "bench/bench-classify"), linked, name, str(size))
    if row and name in PLAIN and size > 10:
        peer = ask(os.path.join(build, "bench/acl-peer"), name.removesuffix("-plain"), str(size),
                   "50000")
        row.update({key: peer[key] for key in ("best_ns", "scalar_ns", "build_ms", "mb")
                    if peer and key in peer})
    return row


def median_row(rows):
    row = dict(rows[-1])
    for key in FIGURES:
        values = [other[key] for other in rows if key in other]
        if values:
            row[key] = statistics.median(values)
    return row


def figure(row, key, digits=0):
    return f"{row[key]:.{digits}f}" if key in row else "-"


def print_table(rows):
    print(f"{'set':<10} {'filters':>8} | {'kernel: spread':>14} {'again':>6} {'of 10':>6} | "
          f"{'user: spread':>12} {'again':>6} | {'rte_acl':>7} {'scalar':>7} | "
          f"{'compile ms':>10} {'rte_acl ms':>10} | {'trees':>5} {'depth':>5} {'leaves':>6} "
          f"{'worst':>6} | {'bytes/filter':>12} {'in maps':>8}")
    smallest = {row["set"]: row for row in rows if row["filters"] <= 10}
    for row in rows:
        first = smallest.get(row["set"], {}).get("kernel_spread_ns")
        ratio = f"{row['kernel_spread_ns'] / first:.1f}" if first and "kernel_spread_ns" in row \
            else "-"
        print(f"{row['set']:<10} {row['filters']:>8} | {figure(row, 'kernel_spread_ns'):>14} "
              f"{figure(row, 'kernel_again_ns'):>6} {ratio:>6} | "
              f"{figure(row, 'user_spread_ns'):>12} {figure(row, 'user_again_ns'):>6} | "
              f"{figure(row, 'best_ns'):>7} {figure(row, 'scalar_ns'):>7} | "
              f"{figure(row, 'compile_ms', 1):>10} {figure(row, 'build_ms', 1):>10} | "
              f"{row['trees']:>5} {row['depth']:>5} {row['longest']:>6} {row['worst_steps']:>6} | "
              f"{row['record_bytes'] + row['tree_bytes']:>12.0f} {row['map_bytes']:>8.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="up to 10,000 filters, one round")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 filters, once: "
                        "some minutes and gigabytes more")
    options = parser.parse_args()
    sizes = SIZES[:3] if options.quick else SIZES if options.million else SIZES[:4]
    gathered = {}
    for number in range(1 if options.quick else options.rounds):
        for size in sizes:
            if number and size == SIZES[-1]:
                continue # once is enough of what takes so long
            for name in (*PLAIN, *FULL):
                print(f"\rround {number + 1}: {name} {size} ", end="", file=sys.stderr,
                      flush=True)
                row = measure(options.build, name, size)
                if row:
                    gathered.setdefault((name, size), []).append(row)
    print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    rows = [median_row(gathered[key]) for key in sorted(gathered, key=lambda key: (
        (*PLAIN, *FULL).index(key[0]), key[1]))]
    print_table(rows)
    print("ns a lookup unless it says else; rte_acl is DPDK's, one lookup at a time, with the best "
          "instructions of this CPU and without; leaves: the longest lists of all trees together; "
          "worst: steps that no key can exceed")
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
