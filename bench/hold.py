#!/usr/bin/env python3
"""What holding a connect costs, from the question to the permit: ours beside its peers.

usage: hold.py [--json FILE] [--rounds N] [--crowd N] [--no-opensnitch] BUILD_DIR

Each place has its own network namespace, cgroup and process; they are visited in turn, and each
batch is divided by the no-filter batch just before it. Places:

  aa          no filter either: the noise
  nfqueue     a bare loop that lets every SYN in a netfilter queue go on; -cpu: on the load's CPU
  held        a callout driver in user space permits each connect at once; -cpu: likewise
  unheld      filters that hold, none of which matches
  crowd       the same while so many connects are held
  opensnitch  opensnitchd of Debian's package, one rule that does not match, default allow

Then bfe and opensnitchd are killed, and for some seconds it is counted what becomes of connects
that had to be asked about or are denied.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lib.measure import measure, print_table, summarise
from lib.places import Ours, Place, Served, make_peer, remove_peer, run

QUEUE = 5
CROWD_PORT = 9999
PLAIN = f'sublayer "bench"\nblock connect tcp port {CROWD_PORT}\n'
HOLD = f'sublayer "bench"\nhold connect tcp port {CROWD_PORT} timeout 600s default block\n'
SECONDS_AFTER_KILL = 3


def load_cpu():
    return str(os.cpu_count() - 1)


class Nfqueue(Served):
    def __init__(self, name, scratch, build, pinned):
        super().__init__(name, scratch, build)
        self.pinned = pinned

    def put_filters(self):
        self.in_netns("iptables-legacy", "-A", "OUTPUT", "-p", "tcp", "--syn", "-j", "NFQUEUE",
                      "--queue-num", str(QUEUE))
        command = ["nsenter", f"--net=/run/netns/{self.netns}"]
        if self.pinned:
            command += ["taskset", "-c", load_cpu()]
        command += [os.path.join(self.build, "bench/nfqueue"), str(QUEUE)]
        self.programs.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        self.programs[-1].stdout.readline()


class Holding(Ours):
    """Ours with filters that hold; somebody covered lives there, so the rules are in place."""

    pinned = False

    def put_filters(self):
        self.enter("sleep", "infinity")
        super().put_filters()
        if self.pinned:
            for program in self.programs:
                subprocess.run(["taskset", "-a", "-c", "-p", load_cpu(), str(program.pid)],
                               check=False, stdout=subprocess.DEVNULL)

    def enter(self, *command, **options):
        """A program in the place's cgroup and namespace."""
        join = f"echo $$ >{self.cgroup}/cgroup.procs; exec \"$@\""
        program = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.netns}", "sh", "-c", join,
                                    "sh", *command], **options)
        self.programs.append(program)
        return program

    def wfp(self, *arguments):
        environment = dict(os.environ, OPENWFP_SOCKET=self.file("sock"))
        return run(os.path.join(self.build, "src/wfp/wfp"), *arguments, env=environment,
                   stdout=subprocess.PIPE)


class Held(Holding):
    """A driver answers."""

    def __init__(self, name, scratch, build, pinned):
        super().__init__(name, scratch, build, PLAIN)
        self.pinned = pinned

    def put_filters(self):
        super().put_filters()
        driver = self.file("so")
        shutil.copy(os.path.join(self.build, "bench/permit_driver.so"), driver)
        os.chmod(driver, 0o644)
        self.wfp("driver", "load", "bench", driver)
        if self.pinned:
            for driver in json.loads(self.wfp("driver", "list", "--json").stdout):
                run("taskset", "-a", "-c", "-p", load_cpu(), str(driver["pid"]),
                    stdout=subprocess.DEVNULL)


class Crowd(Holding):
    def __init__(self, name, scratch, build, count):
        super().__init__(name, scratch, build, HOLD)
        self.count = count

    def put_filters(self):
        super().put_filters()
        crowd = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib/crowd.py")
        program = self.enter("python3", crowd, str(self.count), "127.0.0.1", str(CROWD_PORT),
                             stdout=subprocess.PIPE)
        program.stdout.readline()


class Opensnitch(Served):
    """The daemon of Debian's package, unpacked, not installed, with an /etc of its own."""

    CONFIG = {"Server": {"Address": "unix:///nowhere", "LogFile": "/dev/null"},
              "DefaultAction": "allow", "DefaultDuration": "once", "InterceptUnknown": False,
              "ProcMonitorMethod": "proc", "LogLevel": 2, "Firewall": "iptables"}

    def unpack(self):
        directory = os.path.join(self.scratch, "opensnitch")
        os.makedirs(os.path.join(directory, "rules"))
        run("apt-get", "download", "-qq", "opensnitch", cwd=directory, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        package, = (name for name in os.listdir(directory) if name.endswith(".deb"))
        run("dpkg-deb", "-x", os.path.join(directory, package), directory)
        return directory

    def put_filters(self):
        directory = self.unpack()
        with open(os.path.join(directory, "etc/opensnitchd/default-config.json"), "w",
                  encoding="ascii") as file:
            json.dump(self.CONFIG, file)
        os.makedirs(f"{directory}/bin")
        for name in ("iptables", "ip6tables"): # nftables' queue is not in every kernel
            os.symlink(shutil.which(f"{name}-legacy"), f"{directory}/bin/{name}")
        mount = (f"mount --bind {directory}/etc/opensnitchd /mnt && mkdir -p /etc/opensnitchd && "
                 "mount -t tmpfs none /etc && mkdir /etc/opensnitchd && "
                 "mount --move /mnt /etc/opensnitchd && exec \"$@\"")
        command = ["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "-m",
                   "--propagation", "private", "sh", "-c", mount, "sh",
                   f"{directory}/usr/bin/opensnitchd", "-rules-path", f"{directory}/rules",
                   "-process-monitor-method", "proc"]
        environment = dict(os.environ, PATH=f"{directory}/bin:{os.environ['PATH']}")
        with open(os.path.join(directory, "log"), "w", encoding="utf-8") as log:
            self.programs.append(subprocess.Popen(command, env=environment, stdout=log,
                                                  stderr=log))
        for _ in range(100):
            rules = self.in_netns("iptables-legacy", "-t", "mangle", "-S",
                                  stdout=subprocess.PIPE).stdout
            if "NFQUEUE" in rules:
                return
            time.sleep(0.1)
        with open(os.path.join(directory, "log"), encoding="utf-8") as log:
            raise SystemExit("bench: opensnitchd did not come up; --no-opensnitch does without:\n"
                             + log.read())


# What becomes of connects after the service is killed

TRY = """
import socket, sys, time
end = time.monotonic() + float(sys.argv[1])
through = refused = 0
while time.monotonic() < end:
    with socket.socket() as s:
        s.settimeout(0.5)
        try:
            s.connect((sys.argv[2], int(sys.argv[3])))
            through += 1
        except OSError:
            refused += 1
print(through, refused)
"""


def attempts(place, port):
    """(got through, did not) in the seconds after a kill; somebody listens on the port."""
    listener = subprocess.Popen(["nsenter", f"--net=/run/netns/{place.netns}", "python3", "-m",
                                 "http.server", "--bind", "127.0.0.1", str(port)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        join = f"echo $$ >{place.cgroup}/cgroup.procs; exec \"$@\""
        done = run("nsenter", f"--net=/run/netns/{place.netns}", "sh", "-c", join, "sh", "python3",
                   "-c", TRY, str(SECONDS_AFTER_KILL), "127.0.0.1", str(port),
                   stdout=subprocess.PIPE)
    finally:
        listener.kill()
        listener.wait()
    through, refused = map(int, done.stdout.split())
    return {"through": through, "not": refused}


def kill_services(places):
    """Kills each place's service with -9 and says what becomes of connects."""
    report = {}
    for place in places:
        if not isinstance(place, (Opensnitch, Crowd)):
            continue
        names = ("opensnitchd",) if isinstance(place, Opensnitch) else ("bfe",)
        for program in place.programs:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{program.pid}/comm", encoding="ascii") as file:
                    if file.read().strip() in names:
                        os.kill(program.pid, signal.SIGKILL)
        time.sleep(0.2)
        report[place.name] = attempts(place, CROWD_PORT)
    return report


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--milliseconds", type=int, default=15, help="of a batch")
    parser.add_argument("--crowd", type=int, default=10000, help="connects held at once")
    parser.add_argument("--no-opensnitch", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root for network namespaces, cgroups and BPF")
    return options


def all_places(options, scratch):
    build = options.build
    places = [Place("aa", scratch), Nfqueue("nfqueue", scratch, build, False),
              Held("held", scratch, build, False), Nfqueue("nfqueue-cpu", scratch, build, True),
              Held("held-cpu", scratch, build, True), Holding("unheld", scratch, build, HOLD),
              Crowd("crowd", scratch, build, options.crowd)]
    if not options.no_opensnitch:
        places.append(Opensnitch("opensnitch", scratch, build))
    return places


def print_verdict(rows):
    by_name = {row["name"]: row for row in rows}
    for ours, bare in (("held", "nfqueue"), ("held-cpu", "nfqueue-cpu")):
        ratio = by_name[ours]["p50_us"] / by_name[bare]["p50_us"]
        print(f"{ours} / {bare}: {ratio:.2f}")
    print(f"crowd / unheld: {by_name['crowd']['p50_us'] / by_name['unheld']['p50_us']:.2f}")


def main():
    options = parse_options()
    scratch = tempfile.mkdtemp(prefix="openwfp-bench-")
    os.chmod(scratch, 0o755)
    base, places, made = Place("none", scratch), all_places(options, scratch), []
    try:
        make_peer()
        for place in [base, *places]:
            made.append(place)
            place.set_up()
        results = measure(options.build, "connect", options.rounds, options.milliseconds, base,
                          places)
        rows = [summarise(place, results[place.name]) for place in places]
        print_table("TCP connect on loopback", rows)
        print_verdict(rows)
        killed = kill_services(places)
        for name, seen in killed.items():
            print(f"{name}: {SECONDS_AFTER_KILL} s after kill -9 of its service: "
                  f"{seen['through']} connects got through, {seen['not']} did not")
        if options.json:
            with open(options.json, "w", encoding="ascii") as file:
                json.dump({"connect": rows, "killed": killed}, file, indent=1)
    finally:
        for place in reversed(made):
            place.take_down()
        remove_peer()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
