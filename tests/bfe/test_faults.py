"""bfe is killed at random points of transactions, and the machine "restarted" at each of them.

Throughout, programs try what is blocked and what is permitted: no blocked connect ever succeeds, no
permitted one ever fails. After each kill the policy is one that was committed, all of it: the last
that was answered or the one in flight. What a restarted machine would find on its disk has the same
persistent and boot-time filters.

    python3 test_faults.py BUILD_DIRECTORY --rounds 1000 [--seed N] [--no-kernel]

Without the kernel nothing is enforced and tried, and a round takes a fraction of the time.
"""
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time

from case import EngineCase, main
from engine import Engine
from place import Place, PlaceError, wait_until

ROUNDS, SEED, KERNEL = 6, random.randrange(1 << 30), True
SIZES = {0: (3, 0, 0), 1: (0, 2, 0), 2: (2, 2, 2), 3: (600, 0, 0), 4: (134, 133, 133)}
BLOCKED, BLOCKED_PERSISTENTLY, PERMITTED = 7001, 7002, 7003

# Tries the port again and again; prints each answer that differs from the one before.
KNOCKER = """
import errno, socket, struct, sys, time
last = None
while True:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        answer = errno.errorcode.get(s.connect_ex(("127.0.0.1", int(sys.argv[1]))), "ok")
    if answer != last:
        print(answer, flush=True)
        last = answer
    time.sleep(0.002)
"""
SERVER = """
import socket, sys
servers = [socket.create_server(("127.0.0.1", int(port)), backlog=64) for port in sys.argv[1:]]
print("serving", flush=True)
while True:
    servers[-1].accept()[0].close()
"""


class OnDisk:
    """What a bfe finds that starts with a store alone, as after a restart of the machine."""

    def __init__(self, engine, changer):
        self.engine, self.changer = engine, changer
        self.directory = os.path.join(engine.place.scratch, "after")
        self.socket = os.path.join(self.directory, "bfe.sock")

    def look(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.mkdir(self.directory, 0o700)
        for suffix in ("", "-journal"):
            shutil.copy(self.engine.socket.replace(".sock", ".db") + suffix,
                        self.socket.replace(".sock", ".db") + suffix)
        environment = dict(os.environ, OPENWFP_SOCKET=self.socket)
        with subprocess.Popen([self.engine.program, "--no-kernel", "--log", "stderr"],
                              env=environment, stderr=subprocess.DEVNULL) as bfe:
            try:
                wait_until(lambda: bfe.poll() is not None or serves(self.changer, environment),
                           "bfe of the store")
                return look(self.changer, environment)
            finally:
                bfe.terminate()


def serves(changer, environment):
    return subprocess.run([changer, "look"], env=environment, capture_output=True,
                          check=False).returncode == 0


def look(changer, environment):
    """{family: (generation, (static, persistent, boot-time))}; one generation of each."""
    done = subprocess.run([changer, "look"], env=environment, text=True, capture_output=True,
                          check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len({row[0] for row in rows}) == len(rows), f"more than one generation: {rows}"
    return {family: (generation, tuple(counts)) for family, generation, *counts in rows}


class Faults(EngineCase):
    @classmethod
    def setUpClass(cls):
        cls.place = cls.enterClassContext(Place(os.environ["OPENWFP_BUILD"]))
        options = () if KERNEL else ("--no-kernel",)
        cls.engine = cls.enterClassContext(Engine(cls.place, *options))

    def setUp(self):
        self.changer = os.path.join(self.place.build, "tests/bfe/changer")
        self.on_disk = OnDisk(self.engine, self.changer)
        self.answered = {family: 0 for family in SIZES}
        self.knockers = {}

    def apply(self, name, *rules, options=()):
        path = os.path.join(self.place.scratch, name + ".wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join((f'sublayer "{name}" weight 0x{9000 - len(name)}', *rules)) + "\n")
        self.engine.wfp("apply", *options, path)

    def start_programs(self):
        local = "connect tcp to 127.0.0.1 port"
        self.apply("static", f"block {local} {BLOCKED}")
        self.apply("lasting", f"permit {local} {PERMITTED}", f"block {local} 7000-7100",
                   options=("--persistent",))
        server = self.place.start(sys.executable, "-c", SERVER,
                                  *map(str, (BLOCKED, BLOCKED_PERSISTENTLY, PERMITTED)))
        self.assertEqual("serving", server.line())
        for port, wanted in ((BLOCKED, "EACCES"), (BLOCKED_PERSISTENTLY, "EACCES"),
                             (PERMITTED, "ok")):
            self.knockers[port] = self.place.start(sys.executable, "-c", KNOCKER, str(port))
            self.assertEqual(wanted, self.knockers[port].line())

    def check_programs(self):
        for port, knocker in self.knockers.items():
            if select.select([knocker.process.stdout], [], [], 0)[0]:
                self.fail(f"port {port} was suddenly answered: {knocker.line()}")
            self.assertIsNone(knocker.process.poll())

    def change_until_killed(self, seconds):
        """Returns the family whose commit was in flight, or None."""
        with subprocess.Popen(
                [self.changer, "run", str(random.randrange(1 << 30))], text=True,
                env=self.engine.environment, stdout=subprocess.PIPE) as changer:
            self.assertEqual("ready\n", changer.stdout.readline())
            time.sleep(seconds)
            self.engine.stop(signal.SIGKILL)
            output = changer.stdout.read()
        self.assertEqual(0, changer.returncode)
        flying = None
        for word, family, generation in map(str.split, output.splitlines()):
            flying = int(family) if word == "begin" else None
            if word == "done":
                self.answered[int(family)] = int(generation)
        return flying

    def check_policy(self, flying, policy, lasting):
        for family, answered in self.answered.items():
            generation, counts = policy.get(family, (0, SIZES[family]))
            self.assertIn(generation, (answered, answered + (family == flying)))
            self.assertEqual(SIZES[family], counts)
            if any(SIZES[family][1:]):
                self.assertEqual(generation, lasting.get(family, (0,))[0], "after a restart")
            if family in lasting:
                self.assertEqual((0, *SIZES[family][1:]), lasting[family][1], "after a restart")
            self.answered[family] = generation

    def round(self):
        flying = self.change_until_killed(random.uniform(0.0, 0.25))
        lasting = self.on_disk.look()
        self.check_programs()
        self.engine.start()
        self.check_policy(flying, look(self.changer, self.engine.environment), lasting)
        self.check_programs()
        return flying is not None

    def test_8_killed_at_random_points_of_transactions(self):
        random.seed(SEED)
        if KERNEL:
            self.start_programs()
        inside = 0
        for number in range(ROUNDS):
            try:
                inside += self.round()
            except (AssertionError, PlaceError) as error:
                raise AssertionError(f"seed {SEED}, round {number}: {error}; bfe: "
                                     f"{self.engine.log_text()[-600:]}") from error
            if number % 50 == 49:
                print(f"# {number + 1} rounds", flush=True)
        print(f"# seed {SEED}: {ROUNDS} kills after {sum(self.answered.values())} commits; "
              f"{inside} of them while one was in flight")
        self.assertGreater(sum(self.answered.values()), ROUNDS / 2)


if __name__ == "__main__":
    for option, name in (("--rounds", "ROUNDS"), ("--seed", "SEED")):
        if option in sys.argv:
            at = sys.argv.index(option)
            globals()[name] = int(sys.argv[at + 1])
            del sys.argv[at:at + 2]
    if "--no-kernel" in sys.argv:
        KERNEL = False
        sys.argv.remove("--no-kernel")
    main()
