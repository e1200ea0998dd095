#!/usr/bin/env python3
"""What it costs to load a policy and to change it: ours, nftables and iptables side by side.

usage: policy.py [--json FILE] [--rounds N] [--quick] BUILD_DIR

Every round visits all in turn, each with a network namespace and a cgroup of its own. Ours are
calls of the public API (bench/policy.c) to their return, and `wfp apply` of a file; nftables'
are `nft -f` and one element changed through libnftables, iptables' is iptables-legacy-restore. The
stall is how late a real-time thread wakes on any CPU while we work; "idle" is the machine's own.
"""
import argparse
import contextlib
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from lib import places, rulesets

SMALL, LARGE = 10000, 100000
IDLE_SECONDS = 1.0
QUIET_SECONDS = 1.2


def milliseconds(start):
    return (time.monotonic() - start) * 1000


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Talker:
    """A program that answers each line with one line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} ended at \"{line}\"")
        return [int(number) for number in answer.split()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Place(places.Place):
    """Filters nothing; nothing is sent here."""

    def wire(self):
        pass


class Nftables(Place, places.Nftables):
    pass


class Iptables(Place, places.Iptables):
    pass


class Engine(Place, places.Served):
    """A bfe with nothing loaded, and a client of it."""

    def __init__(self, name, scratch, build):
        super().__init__(name, scratch, build)
        self.pins = f"/sys/fs/bpf/{self.netns}"
        self.socket = os.path.join(scratch, f"{name}.sock")
        self.bfe = self.client = None

    def put_filters(self):
        self.serve()
        self.client = Talker(os.path.join(self.build, "bench/policy"), self.socket)

    def serve(self):
        log = self.socket + ".log"
        with open(log, "w", encoding="utf-8") as file:
            self.bfe = self.start("src/bfe/bfe", "--socket", self.socket, "--pin-dir", self.pins,
                                  "--cgroup", self.cgroup, "--state", self.socket + ".state",
                                  "--store", self.socket + ".db",
                                  stdout=file, stderr=file)
        self.wait_for(lambda: "serving" in read(log), self.bfe, log)

    def restart(self):
        """From bfe's start until it serves; it forgets what it has in memory."""
        self.client.stop()
        self.client = None
        self.bfe.terminate()
        self.bfe.wait(30)
        start = time.monotonic()
        self.serve()
        return milliseconds(start)

    def load(self, count, how):
        return self.client.ask(f"load {count} {how}")[0] / 1e6

    def clear(self):
        return self.client.ask("clear")[0] / 1e6

    def change(self, times):
        answer = self.client.ask(f"change {times}")
        return {"add": answer[::2], "delete": answer[1::2]}

    def apply(self, path):
        start = time.monotonic()
        subprocess.run([os.path.join(self.build, "src/wfp/wfp"), "apply", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, OPENWFP_SOCKET=self.socket))
        return milliseconds(start)

    def settle(self):
        """Until it has used no CPU for a while."""
        before, now = None, self.ticks()
        while before != now:
            time.sleep(QUIET_SECONDS)
            before, now = now, self.ticks()

    def ticks(self):
        with open(f"/proc/{self.bfe.pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[11]

    def peak_kib(self):
        with open(f"/proc/{self.bfe.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
        return 0

    def take_down(self):
        if self.client is not None:
            self.client.stop()
        super().take_down()
        for kept in ".state", ".db":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.socket + kept)
        subprocess.run([os.path.join(self.build, "src/bfe/bfe"), "--remove", "--pin-dir", self.pins,
                        "--cgroup", self.cgroup], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


# ---- ours


def visited(place, work):
    """The work's result in a place that is made for it."""
    try:
        place.set_up()
        return work(place)
    finally:
        place.take_down()


def with_engine(scratch, build, name, work):
    return visited(Engine(name, scratch, build), work)


def policy_file(scratch, count):
    """Such as nft can hold in no set: ordered, overlapping, with programs and users."""
    path = os.path.join(scratch, f"{count}.wfp")
    with open(path, "w", encoding="ascii") as file:
        file.write(rulesets.ours(count))
    return path


def warm(engine):
    """bfe loads its kernel programs when it is idle after its start: not what is measured here."""
    engine.settle()
    spent = engine.load(1, "many")
    engine.clear()
    return spent


def ours(scratch, build, count, how):
    def work(engine):
        first = warm(engine)
        return {"load ms": engine.load(count, how), "delete all ms": engine.clear(),
                "first filter ms": first, "peak MiB": engine.peak_kib() / 1024}
    return with_engine(scratch, build, f"wfp{count}{how}", work)


def ours_replaced(scratch, build, count):
    """All by as many others, in one transaction: bfe has both until the commit."""
    def work(engine):
        warm(engine)
        engine.load(count, "many")
        return {"load ms": engine.load(count, "replace"), "peak MiB": engine.peak_kib() / 1024}
    return with_engine(scratch, build, f"wfp{count}replaced", work)


def ours_restarted(scratch, build, count):
    """bfe is started with that many persistent filters; the kernel has them all the time."""
    def work(engine):
        warm(engine)
        loaded_ms = engine.load(count, "persistent")
        return {"load ms": loaded_ms, "to serve ms": engine.restart(),
                "peak MiB": engine.peak_kib() / 1024}
    return with_engine(scratch, build, f"wfp{count}restarted", work)


def ours_applied(scratch, build, path, name):
    def work(engine):
        warm(engine)
        return {"load ms": engine.apply(path), "peak MiB": engine.peak_kib() / 1024}
    return with_engine(scratch, build, name, work)


def ours_changed(scratch, build, count, times):
    def work(engine):
        warm(engine)
        engine.load(count, "many")
        return engine.change(times)
    return with_engine(scratch, build, f"wfp{count}changed", work)


# ---- peers


def nft_set(count):
    """What bench/policy.c loads, as a set that is asked for address and port at once."""
    elements = ", ".join(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255} . {1024 + i % 50000}"
                         for i in range(count))
    return ("table inet bench {\nset held { type ipv4_addr . inet_service; "
            f"elements = {{ {elements} }} }}\n"
            "chain out { type filter hook output priority 0; "
            "ip daddr . tcp dport @held drop; }\n}\n")


def nft_changed(scratch, count, times):
    def work(place):
        output = place.in_netns(sys.executable, __file__, "--nft-elements", str(times),
                                stdout=subprocess.PIPE).stdout
        return json.loads(output)
    return visited(Nftables(f"nftset{count}changed", scratch, nft_set(count)), work)


def nft_elements(times):
    """Runs in the set's namespace: adds and deletes elements, in one libnftables context."""
    nft = ctypes.CDLL("libnftables.so.1")
    nft.nft_ctx_new.restype = ctypes.c_void_p
    context = ctypes.c_void_p(nft.nft_ctx_new(0))
    spent = {"add": [], "delete": []}
    for i in range(times):
        for verb in ("add", "delete"):
            command = f"{verb} element inet bench held {{ 11.0.{i >> 8}.{i & 255} . 80 }}"
            start = time.monotonic_ns()
            if nft.nft_run_cmd_from_buffer(context, command.encode()):
                sys.exit(f"bench: nft can't {command}")
            spent[verb].append(time.monotonic_ns() - start)
    json.dump(spent, sys.stdout)


def loaded(place):
    return visited(place, lambda there: {"load ms": there.load_ms})


# ---- stalls


def watch(stall, work):
    """The longest delay of any CPU, in ms, while the work is done."""
    stall.ask()
    work()
    return max(stall.ask()) / 1e6


def stalls(scratch, build, count, times):
    stall = Talker(os.path.join(build, "bench/stall"))
    stall.ask()

    def work(engine):
        warm(engine)
        return {"idle": watch(stall, lambda: time.sleep(IDLE_SECONDS)),
                f"load {count}": watch(stall, lambda: engine.load(count, "many")),
                f"change {times} times": watch(stall, lambda: engine.change(times)),
                f"delete {count}": watch(stall, engine.clear),
                "idle again": watch(stall, lambda: time.sleep(IDLE_SECONDS))}
    try:
        return with_engine(scratch, build, "wfpstall", work)
    finally:
        stall.stop()


# ---- the table


class Table:
    """Figures by row and column, some for each round."""

    def __init__(self):
        self.rows = {}

    def note(self, row, figures):
        for column, value in figures.items():
            self.rows.setdefault(row, {}).setdefault(column, []).append(value)

    def summary(self):
        return [{"name": row, **{column: {"median": round(statistics.median(values), 2),
                                          "min": round(min(values), 2),
                                          "max": round(max(values), 2)}
                                 for column, values in columns.items()}}
                for row, columns in self.rows.items()]

    def show(self, title):
        print(f"\n{title}\n{'':<34}{'':<16}{'median':>10}{'min':>10}{'max':>10}")
        for row in self.summary():
            name = row.pop("name")
            for column, value in row.items():
                print(f"{name:<34}{column:<16}{value['median']:>10.2f}{value['min']:>10.2f}"
                      f"{value['max']:>10.2f}")
                name = ""


def percentiles(spent):
    figures = {}
    for verb, samples in spent.items():
        samples = sorted(samples)
        figures[f"{verb} p50 us"] = samples[len(samples) // 2] / 1e3
        figures[f"{verb} p99 us"] = samples[len(samples) * 99 // 100] / 1e3
    return figures


def load_round(options, scratch, files, table):
    build = options.build
    for count in options.sizes:
        table.note(f"ours, {count}, one call", ours(scratch, build, count, "many"))
        if count == SMALL:
            table.note(f"ours, {count}, a call each", ours(scratch, build, count, "single"))
            table.note(f"nft -f, {count} rules",
                       loaded(Nftables(f"nft{count}", scratch, rulesets.nft_linear(count))))
            table.note(f"iptables-restore, {count} rules",
                       loaded(Iptables(f"ipt{count}", scratch, rulesets.iptables(count))))
        table.note(f"ours, {count} by others", ours_replaced(scratch, build, count))
        table.note(f"ours, {count} persistent", ours_restarted(scratch, build, count))
        table.note(f"nft -f, a set of {count}",
                   loaded(Nftables(f"nftset{count}", scratch, nft_set(count))))
        table.note(f"wfp apply, {count} mixed rules",
                   ours_applied(scratch, build, files[count], f"wfp{count}apply"))


def one_round(options, scratch, files, tables):
    load, change, stall = tables
    count = options.sizes[-1]
    load_round(options, scratch, files, load)
    change.note(f"ours, one filter of {count}",
                percentiles(ours_changed(scratch, options.build, count, options.changes)))
    change.note(f"nft, one element of {count}",
                percentiles(nft_changed(scratch, count, options.changes // 4)))
    for what, longest in stalls(scratch, options.build, count, options.many_changes).items():
        stall.note(what, {"ms": longest})


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", help="the build directory")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--changes", type=int, default=400, help="single changes per round")
    parser.add_argument("--many-changes", type=int, default=6000,
                        help="changes under the stall watch: enough for a rebuild")
    parser.add_argument("--quick", action="store_true", help="10,000 filters only, 2 rounds")
    parser.add_argument("--nft-elements", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds = 2
    options.sizes = (SMALL,) if options.quick else (SMALL, LARGE)
    if options.build is None and options.nft_elements is None:
        parser.error("the build directory is missing")
    return options


def main():
    options = parse()
    if options.nft_elements is not None:
        nft_elements(options.nft_elements)
        return
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces, cgroups and BPF")
    scratch = tempfile.mkdtemp(prefix="openwfp-bench-")
    tables = Table(), Table(), Table()
    try:
        files = {count: policy_file(scratch, count) for count in options.sizes}
        for _ in range(options.rounds):
            one_round(options, scratch, files, tables)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    titles = ("Loading in one transaction", "One change, to the commit's return",
              "The longest stall of any CPU")
    for title, table in zip(titles, tables):
        table.show(title)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump({title: table.summary() for title, table in zip(titles, tables)}, file,
                      indent=1)


if __name__ == "__main__":
    main()
