"""bfe on a place's cgroup, and the command line that talks to it."""
import json
import os
import queue
import signal
import subprocess
import threading

from place import PlaceError, wait_until


PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58}


def event_is(layer, protocol=None, **wanted):
    """A test for events: of that layer ("connect", "accept-v6"), and with these fields."""
    if protocol:
        wanted["protocol"] = PROTOCOLS[protocol]

    def matches(event):
        word = event["layer"]
        return (word == layer or word.rpartition("-")[0] == layer) and all(
            event.get(name) == value for name, value in wanted.items())
    return matches


class Engine:
    """Starts bfe; apply() a policy, look at events, kill it, start it again."""
    patience = 120.0  # seconds; the verifier on a busy machine

    def __init__(self, place, *options, name="bfe"):
        self.place = place
        self.socket = os.path.join(place.scratch, f"{name}.sock")
        self.pins = f"/sys/fs/bpf/{place.name}_{name}"
        self.log = os.path.join(place.scratch, f"{name}.log")
        self.options = options or ("--cgroup", place.cgroup)
        self.process = None
        self.monitors = []
        self.policies = 0

    @property
    def program(self):
        return os.path.join(self.place.build, "src/bfe/bfe")

    @property
    def command_line(self):
        return os.path.join(self.place.build, "src/wfp/wfp")

    @property
    def environment(self):
        return dict(os.environ, OPENWFP_SOCKET=self.socket, NO_COLOR="1")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for monitor in list(self.monitors):
            monitor.stop()
        self.remove()

    def remove(self):
        """Ends enforcement."""
        self.stop()
        subprocess.run([self.program, "--remove", "--socket", self.socket, "--pin-dir", self.pins],
                       check=False, capture_output=True)

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.program, "--socket", self.socket, "--pin-dir", self.pins, "--log", "stderr",
                 *self.options], stdout=log, stderr=log)
        wait_until(self._is_up, "bfe", self.patience)

    def _is_up(self):
        if self.process.poll() is not None:
            raise PlaceError(f"bfe ended with {self.process.returncode}: {self.log_text()}")
        return os.path.exists(self.socket) and self.try_wfp("show", "sessions").returncode == 0

    def log_text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read().strip()

    def stop(self, number=signal.SIGTERM):
        """SIGTERM: in order; SIGKILL: as a crash. Enforcement stays in both cases."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def restart_machine(self):
        """What it does to bfe: it is gone, with the pins and all but what is on the disk."""
        self.stop(signal.SIGKILL)
        pins = os.listdir(self.pins) if os.path.isdir(self.pins) else []
        for name in sorted(pins, key=lambda name: not name.startswith("ale_")):
            os.unlink(os.path.join(self.pins, name))
        if os.path.isdir(self.pins):
            os.rmdir(self.pins)
        os.unlink(self.socket.replace(".sock", ".policy"))
        self.start()

    def pretend_another_version(self):
        """Gives what is pinned another number; the next bfe can't adopt it."""
        state = os.path.join(self.pins, "state")
        shown = json.loads(subprocess.run(
            ["bpftool", "--json", "map", "lookup", "pinned", state, "key", "0", "0", "0", "0"],
            check=True, stdout=subprocess.PIPE).stdout)
        subprocess.run(
            ["bpftool", "map", "update", "pinned", state, "key", "0", "0", "0", "0", "value", "hex",
             "77", *(byte.removeprefix("0x") for byte in shown["value"][1:])], check=True)

    def try_wfp(self, *arguments, **options):
        return subprocess.run([self.command_line, *arguments], env=self.environment, text=True,
                              capture_output=True, check=False, timeout=self.patience, **options)

    def wfp(self, *arguments):
        """Runs the command line; returns what it prints. Its failure is an error."""
        done = self.try_wfp(*arguments)
        if done.returncode:
            raise PlaceError(f"wfp {' '.join(arguments)}: {done.returncode}: "
                             f"{done.stderr.strip()} (bfe: {self.log_text()[-600:]})")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.wfp(*arguments, "--json"))

    def apply(self, *rules):
        """Makes these lines the policy; without a sublayer of their own they get one."""
        text = "\n".join(rules)
        if "sublayer" not in text:
            text = 'sublayer "test" weight 0x8000\n' + text
        path = os.path.join(self.place.scratch, "policy.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return self.wfp("apply", path)

    def monitor(self, *arguments):
        monitor = Monitor(self, arguments or ("--all",))
        self.monitors.append(monitor)
        return monitor


class Monitor:
    """`wfp monitor --json`, read in the background."""

    def __init__(self, engine, arguments):
        self.engine = engine
        self.seen = []
        self.queue = queue.Queue()
        self.process = subprocess.Popen(
            [engine.command_line, "monitor", "--json", *arguments], env=engine.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stderr.readline()  # comes when events are being collected
        if "following" not in first:
            raise PlaceError(f"wfp monitor: {first}{self.process.stderr.read()}")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.queue.put(json.loads(line))

    def _next(self, seconds):
        try:
            self.seen.append(self.queue.get(timeout=seconds))
            return True
        except queue.Empty:
            return False

    def wait_for(self, wanted, what, seconds=15.0):
        """The first event, seen or to come, for which `wanted` is true."""
        index = 0
        while True:
            for event in self.seen[index:]:
                if wanted(event):
                    return event
            index = len(self.seen)
            if not self._next(seconds):
                raise AssertionError(f"no event: {what}; seen: {self.seen[-12:]} "
                                     f"{self._complaint()}")

    def _complaint(self):
        return "" if self.process.poll() is None else self.process.stderr.read()

    def settle(self, seconds=0.3):
        """What has come until nothing came for a while."""
        while self._next(seconds):
            pass
        return self.seen

    def stop(self):
        self.process.terminate()
        self.process.wait(5)
        self.process.stderr.close()
        if self in self.engine.monitors:
            self.engine.monitors.remove(self)
