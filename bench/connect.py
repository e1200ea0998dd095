#!/usr/bin/env python3
"""What a filter engine adds to a loopback TCP connect: ours, nftables and iptables side by side.

usage: connect.py [--json FILE] [--rounds N] [--quick] BUILD_DIR

Each peer has its own network namespace and cgroup. One load generator visits them in turn; each
batch is divided by the no-filter batch just before it, so the ratios hold on a noisy machine.
"aa" is a second place without filters: how far it is from 1.00 is the noise.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = (10, 1000, 10000)
RUN_ID = f"owfpb{os.getpid()}"


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def cgroup2_root():
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return where
    sys.exit("bench: no cgroup v2 hierarchy is mounted (mount -t cgroup2 none /sys/fs/cgroup)")


def rules(count):
    """Addresses and ports of rules that the measured connect (127.0.0.1:7777) never matches."""
    for i in range(count):
        yield (f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", f"198.18.{i >> 8 & 255}.{i & 255}",
               1024 + i % 50000)


class Place:
    """A network namespace and a cgroup; subclasses put filters there."""

    def __init__(self, name, scratch):
        self.name = name
        self.scratch = scratch
        self.netns = f"{RUN_ID}_{name}".replace(" ", "_")
        self.cgroup = os.path.join(cgroup2_root(), self.netns)
        self.load_ms = None

    def set_up(self):
        run("ip", "netns", "add", self.netns)
        run("ip", "-n", self.netns, "link", "set", "lo", "up")
        os.mkdir(self.cgroup)
        start = time.monotonic()
        self.put_filters()
        self.load_ms = (time.monotonic() - start) * 1000

    def put_filters(self):
        pass

    def take_down(self):
        subprocess.run(["ip", "netns", "del", self.netns], check=False)
        try:
            os.rmdir(self.cgroup)
        except OSError as error:
            print(f"bench: cannot remove {self.cgroup}: {error}", file=sys.stderr)

    def in_netns(self, *command, **options):
        return run("nsenter", f"--net=/run/netns/{self.netns}", *command, **options)


class Nftables(Place):
    def __init__(self, scratch, count, hit=False):
        super().__init__(f"nft{count}" + ("hit" if hit else ""), scratch)
        self.count, self.hit = count, hit

    def put_filters(self):
        lines = ["table inet bench {", "chain rules {"]
        lines += [f"ip saddr {a} ip daddr {b} tcp dport {p} drop" for a, b, p in rules(self.count)]
        if self.hit:
            lines.append("ip daddr 127.0.0.1 tcp dport 7777 accept")
        lines += ["}", "chain out { type filter hook output priority 0; jump rules; }",
                  "chain in { type filter hook input priority 0; jump rules; }", "}"]
        self.in_netns("nft", "-f", "-", input="\n".join(lines))


class Iptables(Place):
    def __init__(self, scratch, count):
        super().__init__(f"ipt{count}", scratch)
        self.count = count

    def put_filters(self):
        lines = ["*filter", ":RULES -", "-A OUTPUT -j RULES", "-A INPUT -j RULES"]
        lines += [f"-A RULES -s {a} -d {b} -p tcp --dport {p} -j DROP"
                  for a, b, p in rules(self.count)]
        self.in_netns("iptables-legacy-restore", input="\n".join(lines + ["COMMIT", ""]))


class Ours(Place):
    """OpenWFP on one cgroup: bfe runs, events of permitted connects are collected and read."""

    def __init__(self, scratch, build, count, hit=False, accept=False):
        super().__init__(f"wfp{count}" + ("hit" if hit else "") + ("accept" if accept else ""),
                         scratch)
        self.build, self.count, self.hit, self.accept = build, count, hit, accept
        self.pins = f"/sys/fs/bpf/{self.netns}"
        self.socket = os.path.join(scratch, self.name + ".sock")
        self.bfe = self.monitor = None

    def policy(self):
        lines = ['sublayer "bench"']
        lines += [f"block connect tcp to {b} port {p}" for _, b, p in rules(self.count)]
        if self.accept:
            lines += [f"block accept tcp from {b} port {p}" for _, b, p in rules(self.count)]
        if self.hit:
            lines.append("permit connect tcp to 127.0.0.1 port 7777")
        path = os.path.join(self.scratch, self.name + ".policy")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def wfp(self, *arguments):
        return [os.path.join(self.build, "src/wfp/wfp"), *arguments]

    def put_filters(self):
        environment = dict(os.environ, OPENWFP_SOCKET=self.socket)
        log = open(os.path.join(self.scratch, self.name + ".log"), "w", encoding="utf-8")
        self.bfe = subprocess.Popen(
            [os.path.join(self.build, "src/bfe/bfe"), "--socket", self.socket, "--pin-dir",
             self.pins, "--cgroup", self.cgroup, "--state", self.socket + ".state"],
            stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(self.socket), "bfe's socket", self.bfe, log.name)
        run(*self.wfp("apply", self.policy()), env=environment, stdout=subprocess.DEVNULL)
        self.monitor = subprocess.Popen(self.wfp("monitor", "--json"), env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def take_down(self):
        for process in (self.monitor, self.bfe):
            if process is not None:
                process.terminate()
                process.wait(10)
        subprocess.run([os.path.join(self.build, "src/bfe/bfe"), "--remove", "--pin-dir",
                        self.pins, "--cgroup", self.cgroup], check=False,
                       stdout=subprocess.DEVNULL)
        super().take_down()


def wait_for(condition, what, process, log):
    for _ in range(500):
        if condition():
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    with open(log, encoding="utf-8") as file:
        sys.exit(f"bench: no {what}; bfe said:\n{file.read()}")


def measure(load, mode, rounds, iterations, base, places):
    """Runs the load generator; returns {name: [(ratio, base p50, own p50, own p99)]}."""
    cpu = str(os.cpu_count() - 1)
    output = run(load, mode, str(rounds), str(iterations), cpu,
                 *(f"{p.name},{p.netns},{p.cgroup}" for p in [base, *places]),
                 stdout=subprocess.PIPE).stdout
    results = {place.name: [] for place in places}
    for line in output.splitlines():
        name, _, base_p50, _, p50, p99 = line.split()
        results[name].append((int(p50) / int(base_p50), int(base_p50), int(p50), int(p99)))
    return results


def summarise(place, rows):
    ratios = [row[0] for row in rows]
    return {"name": place.name, "ratio_min": round(min(ratios), 3),
            "ratio_median": round(statistics.median(ratios), 3),
            "ratio_max": round(max(ratios), 3),
            "added_us": round(statistics.median(row[2] - row[1] for row in rows) / 1000, 2),
            "p50_us": round(statistics.median(row[2] for row in rows) / 1000, 2),
            "p99_us": round(statistics.median(row[3] for row in rows) / 1000, 2),
            "load_ms": round(place.load_ms, 1)}


def print_table(title, rows):
    print(f"\n{title}\n{'place':<16}{'min':>8}{'median':>8}{'max':>8}{'added us':>10}"
          f"{'p50 us':>9}{'p99 us':>9}{'set-up ms':>11}")
    for row in rows:
        print(f"{row['name']:<16}{row['ratio_min']:>8.3f}{row['ratio_median']:>8.3f}"
              f"{row['ratio_max']:>8.3f}{row['added_us']:>10.2f}{row['p50_us']:>9.2f}"
              f"{row['p99_us']:>9.2f}{row['load_ms']:>11.1f}")


def all_places(scratch, build, sizes):
    places = [Place("aa", scratch)]
    for size in sizes:
        places += [Ours(scratch, build, size), Nftables(scratch, size), Iptables(scratch, size)]
    places += [Ours(scratch, build, sizes[-1], hit=True),
               Nftables(scratch, sizes[-1], hit=True), Ours(scratch, build, 10, accept=True)]
    return places


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="10 and 1,000 filters, 3 rounds")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces, cgroups and BPF")
    if options.quick:
        options.rounds = 3
    scratch = tempfile.mkdtemp(prefix="openwfp-bench-")
    base = Place("none", scratch)
    places = all_places(scratch, options.build, SIZES[:2] if options.quick else SIZES)
    made = []
    try:
        for place in [base, *places]:
            made.append(place)
            place.set_up()
        load = os.path.join(options.build, "bench/load")
        report = {}
        for mode, title in (("connect", "TCP connect on loopback, ratio to no filter"),
                            ("rr", "64-byte request/response, ratio to no filter")):
            results = measure(load, mode, options.rounds, options.iterations, base, places)
            report[mode] = [summarise(place, results[place.name]) for place in places]
            print_table(title, report[mode])
        if options.json:
            with open(options.json, "w", encoding="ascii") as file:
                json.dump(report, file, indent=1)
    finally:
        for place in reversed(made):
            place.take_down()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
