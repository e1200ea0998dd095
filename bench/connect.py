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
import sys
import tempfile

from lib import rulesets
from lib.measure import measure, print_table, summarise
from lib.places import Bare, Iptables, Nftables, Ours, Place, make_peer, remove_peer

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
            results = measure(options.build, mode, options.rounds, options.milliseconds, base,
                              places)
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
