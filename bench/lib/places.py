"""Where the connect bench measures: network namespaces with a cgroup, and what filters there.

Every place has a veth pair to one network namespace that all share and that nothing filters.
"""
import os
import subprocess
import time

from . import rulesets

RUN_ID = f"owfpb{os.getpid()}"
PEER = f"{RUN_ID}_peer"


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def cgroup2_root():
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return where
    raise SystemExit("bench: no cgroup v2 hierarchy is mounted (mount -t cgroup2 none "
                     "/sys/fs/cgroup)")


def make_peer():
    run("ip", "netns", "add", PEER)
    run("ip", "-n", PEER, "link", "set", "lo", "up")


def remove_peer():
    subprocess.run(["ip", "netns", "del", PEER], check=False)


class Place:
    """A network namespace and a cgroup; subclasses put filters there."""

    made = 0

    def __init__(self, name, scratch):
        self.name, self.scratch = name, scratch
        self.netns = f"{RUN_ID}_{name}"
        self.cgroup = os.path.join(cgroup2_root(), self.netns)
        self.address = None # of the peer
        self.load_ms = None

    def set_up(self):
        run("ip", "netns", "add", self.netns)
        run("ip", "-n", self.netns, "link", "set", "lo", "up")
        self.wire()
        os.mkdir(self.cgroup)
        start = time.monotonic()
        self.put_filters()
        self.load_ms = (time.monotonic() - start) * 1000

    def wire(self):
        number = Place.made = Place.made + 1
        self.address = f"{rulesets.MEASURED_NET}{number}.2"
        run("ip", "-n", self.netns, "link", "add", "veth0", "type", "veth", "peer", "name",
            f"veth{number}", "netns", PEER)
        for netns, device, host in ((self.netns, "veth0", 1), (PEER, f"veth{number}", 2)):
            run("ip", "-n", netns, "addr", "add", f"{rulesets.MEASURED_NET}{number}.{host}/24",
                "dev", device)
            run("ip", "-n", netns, "link", "set", device, "up")

    def put_filters(self):
        pass

    def take_down(self):
        subprocess.run(["ip", "netns", "del", self.netns], check=False)
        for _ in range(100):
            try:
                return os.rmdir(self.cgroup)
            except OSError:
                time.sleep(0.02) # until the load generator's child has gone
        print(f"bench: cannot remove {self.cgroup}")

    def in_netns(self, *command, **options):
        return run("nsenter", f"--net=/run/netns/{self.netns}", *command, **options)


class Nftables(Place):
    def __init__(self, name, scratch, rules):
        super().__init__(name, scratch)
        self.rules = rules

    def put_filters(self):
        self.in_netns("nft", "-f", "-", input=self.rules)


class Iptables(Place):
    def __init__(self, name, scratch, rules):
        super().__init__(name, scratch)
        self.rules = rules

    def put_filters(self):
        self.in_netns("iptables-legacy-restore", input=self.rules)


class Served(Place):
    """A place that programs of ours filter as long as they run."""

    def __init__(self, name, scratch, build):
        super().__init__(name, scratch)
        self.build, self.programs = build, []

    def start(self, *command, **options):
        command = (os.path.join(self.build, command[0]), *command[1:])
        self.programs.append(subprocess.Popen(command, **options))
        return self.programs[-1]

    def wait_for(self, condition, program, log):
        for _ in range(500):
            if condition():
                return
            if program.poll() is not None:
                break
            time.sleep(0.02)
        with open(log, encoding="utf-8") as file:
            raise SystemExit(f"bench: {program.args[0]} did not come up:\n{file.read()}")

    def take_down(self):
        for program in reversed(self.programs):
            program.terminate()
            program.wait(30)
        super().take_down()


class Bare(Served):
    """One hand-written connect4 program: two lookups and an event."""

    def put_filters(self):
        program = self.start("bench/bare", self.cgroup, stdout=subprocess.PIPE)
        program.stdout.readline()


class Ours(Served):
    """OpenWFP on one cgroup: bfe runs, events of permitted connects are collected and read."""

    def __init__(self, name, scratch, build, policy):
        super().__init__(name, scratch, build)
        self.policy = policy
        self.pins = f"/sys/fs/bpf/{self.netns}"

    def file(self, suffix):
        return os.path.join(self.scratch, f"{self.name}.{suffix}")

    def put_filters(self):
        socket, wfp = self.file("sock"), os.path.join(self.build, "src/wfp/wfp")
        environment = dict(os.environ, OPENWFP_SOCKET=socket)
        with open(self.file("policy"), "w", encoding="ascii") as file:
            file.write(self.policy)
        with open(self.file("log"), "w", encoding="utf-8") as log:
            bfe = self.start("src/bfe/bfe", "--socket", socket, "--pin-dir", self.pins, "--cgroup",
                             self.cgroup, "--state", self.file("state"), stdout=log, stderr=log)
        self.wait_for(lambda: os.path.exists(socket), bfe, self.file("log"))
        applied = subprocess.run([wfp, "apply", self.file("policy")], env=environment, text=True,
                                 check=False, capture_output=True)
        if applied.returncode:
            raise SystemExit(f"bench: {self.name}: {applied.stderr.splitlines()[-1]}")
        self.start("src/wfp/wfp", "monitor", "--json", env=environment, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)

    def take_down(self):
        super().take_down()
        subprocess.run([os.path.join(self.build, "src/bfe/bfe"), "--remove", "--pin-dir", self.pins,
                        "--cgroup", self.cgroup], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
