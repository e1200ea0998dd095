#!/usr/bin/env python3
"""What a filter engine adds to connects, sends and established flows: ours beside its peers.

usage: connect.py [--json FILE] [--modes LIST] [--only LIST] [--rounds N] [--quick] BUILD_DIR

Each place has its own network namespace, cgroup and process. They are visited in turn; each batch
is divided by the no-filter batch just before it, so the ratios hold on a noisy machine. "aa" is a
second place without filters: how far it is from 1.00 is the noise.
"""
import argparse
import fnmatch
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from lib import rulesets
from lib.places import Bare, Iptables, Nftables, Ours, PEER, Place, make_peer, remove_peer, run

SIZES = (10, 1000, 10000, 100000)
LISTED = 10000  # nobody walks longer lists

MODES = {
    "connect": "TCP connect on loopback: each packet passes out and in",
    "veth": "TCP connect over veth to an unfiltered namespace",
    "rr": "64-byte request and response on an established loopback connection",
    "vethrr": "64-byte request and response over veth",
    "bulk": "1 MiB over an established loopback connection",
    "udp": "64-byte UDP send on loopback",
}

BOTH = (("connect", "to"), ("accept", "from"))
EVERY = (*BOTH, ("bind", "on"))


def size_name(size):
    return f"{size // 1000}k" if size >= 1000 else str(size)


def all_places(scratch, build, sizes):
    """Made lazily: what is not wanted costs nothing."""
    def ours(name, *policy):
        return name, lambda: Ours(name, scratch, build, rulesets.ours(*policy))

    def peer(kind, name, rules, size):
        return name, lambda: kind(name, scratch, rules(size))

    yield "aa", lambda: Place("aa", scratch)
    yield "bare", lambda: Bare("bare", scratch, build)
    for size in sizes:
        yield ours(f"wfp{size_name(size)}", size)
    yield ours("wfp10accept", 10, BOTH)
    yield ours(f"wfp{size_name(sizes[-1])}accept", sizes[-1] // 2, BOTH)
    yield ours("wfp10all", 10, EVERY, "")
    for size in sizes:
        if size <= LISTED:
            yield peer(Nftables, f"nft{size_name(size)}", rulesets.nft_linear, size)
            yield peer(Iptables, f"ipt{size_name(size)}", rulesets.iptables, size)
        if size > 1000:
            yield peer(Nftables, f"nftmap{size_name(size)}", rulesets.nft_interval, size)
    yield peer(Nftables, f"nfthash{size_name(sizes[-1])}", rulesets.nft_hash, sizes[-1])


def measure(build, mode, options, base, places):
    """Runs the load generator; returns {name: [(ratio, base p50, own p50, own p99)]}."""
    cpu = str(os.cpu_count() - 1)
    output = run(os.path.join(build, "bench/load"), mode, str(options.rounds),
                 str(options.milliseconds), cpu, PEER,
                 *(f"{p.name},{p.netns},{p.cgroup},{p.address}" for p in [base, *places]),
                 stdout=subprocess.PIPE).stdout
    results = {place.name: [] for place in places}
    for line in output.splitlines():
        name, _, base_p50, _, p50, p99 = line.split()
        results[name].append((int(p50) / int(base_p50), int(base_p50), int(p50), int(p99)))
    return results


def summarise(place, rows):
    ratios = sorted(row[0] for row in rows)
    return {"name": place.name, "ratio_p10": round(ratios[len(ratios) // 10], 3),
            "ratio_median": round(statistics.median(ratios), 3),
            "ratio_p90": round(ratios[len(ratios) * 9 // 10], 3),
            "added_us": round(statistics.median(row[2] - row[1] for row in rows) / 1000, 2),
            "p50_us": round(statistics.median(row[2] for row in rows) / 1000, 2),
            "p99_us": round(statistics.median(row[3] for row in rows) / 1000, 2),
            "load_ms": round(place.load_ms, 1)}


def print_table(title, rows):
    print(f"\n{title}, ratio to no filter\n{'place':<16}{'p10':>8}{'median':>8}{'p90':>8}"
          f"{'added us':>10}{'p50 us':>10}{'p99 us':>10}{'set-up ms':>11}")
    for row in rows:
        print(f"{row['name']:<16}{row['ratio_p10']:>8.3f}{row['ratio_median']:>8.3f}"
              f"{row['ratio_p90']:>8.3f}{row['added_us']:>10.2f}{row['p50_us']:>10.2f}"
              f"{row['p99_us']:>10.2f}{row['load_ms']:>11.1f}", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--modes", default=",".join(MODES), help="of: %(default)s")
    parser.add_argument("--only", default="*", metavar="LIST",
                        help="places, with wildcards: wfp10,nft* (aa is always there)")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--milliseconds", type=int, default=15, help="of a batch")
    parser.add_argument("--quick", action="store_true", help="10 and 1,000 filters, 10 rounds")
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    options.sizes = SIZES[:2] if options.quick else SIZES
    if options.quick:
        options.rounds = 10
    if set(options.modes) - set(MODES):
        parser.error(f"the modes are {', '.join(MODES)}")
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces, cgroups and BPF")
    return options


def main():
    options = parse_options()
    scratch = tempfile.mkdtemp(prefix="openwfp-bench-")
    wanted = ["aa", *options.only.split(",")]
    places = [make() for name, make in all_places(scratch, options.build, options.sizes)
              if any(fnmatch.fnmatch(name, pattern) for pattern in wanted)]
    base = Place("none", scratch)
    made, report = [], {}
    try:
        make_peer()
        for place in [base, *places]:
            made.append(place)
            place.set_up()
        for mode in options.modes:
            results = measure(options.build, mode, options, base, places)
            report[mode] = [summarise(place, results[place.name]) for place in places]
            print_table(MODES[mode], report[mode])
        if options.json:
            with open(options.json, "w", encoding="ascii") as file:
                json.dump(report, file, indent=1)
    finally:
        for place in reversed(made):
            place.take_down()
        remove_peer()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
