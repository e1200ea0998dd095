"""With BPF among the kernel's security modules: another version takes over, operations that wait,
and one network namespace as the scope. And with kernel modules: NFS. Run in a guest."""
import os
import signal

from case import EngineCase, main
from engine import Engine
from place import INSIDE4, OUTSIDE4, Place, cgroup2_root

LISTEN = "tcp4 bind=0.0.0.0:81 listen"


class PatientCase(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.patience = 400

    def pins(self):
        return {name for name in os.listdir(self.engine.pins) if name.startswith("ale_lsm_")}

    def keep_trying(self, steps):
        """Until the answer is another one than EACCES."""
        return self.place.start("sh", "-c", f"while {self.place.sock_program} {steps} | "
                                "grep -q EACCES; do sleep 1; done")


class Upgrade(PatientCase):
    def test_8_another_version_takes_over_listens_and_packet_sockets_without_a_gap(self):
        self.policy("block listen port 81", "block bind flags promiscuous")
        tries = [self.keep_trying(LISTEN), self.keep_trying("packet")]
        before = self.pins()
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.engine.stop(number)
            self.engine.pretend_another_version()
            self.engine.start()
            self.assertEqual(before, self.pins())
            self.expect("EACCES", LISTEN)
            self.expect("ok", "tcp4 bind=0.0.0.0:80 listen")
        for trying in tries:
            self.assertIsNone(trying.process.poll())


class Hold(PatientCase):
    def test_17_a_held_listen_goes_on_and_ends_by_its_default(self):
        self.place.start("sleep", "1000")  # somebody is covered where the rules are put
        self.policy("hold listen port 81 timeout 2s default block", "block listen port 82")
        listener = self.place.pause("tcp4 bind=0.0.0.0:81 listen sleep=8000 wait accept")
        self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])
        self.expect("EACCES", "tcp4 bind=0.0.0.0:82 listen")

    def test_17_a_packet_socket_that_would_have_to_wait_is_refused(self):
        self.place.start("sleep", "1000")
        self.policy("hold bind flags promiscuous timeout 2s default permit")
        self.expect("EACCES", "packet")


class OneNamespace(PatientCase):
    """The scope is the inner network namespace, in whatever cgroup."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.remove()
        cls.place.start("sleep", "1000")  # a namespace is found by who lives there
        cls.engine.options = ("--netns", f"/run/netns/{cls.place.inside}")
        cls.engine.start()

    def test_15_5_a_listen_and_a_packet_socket_are_refused_there_and_nowhere_else(self):
        self.policy("block listen port 81", "block bind flags promiscuous")
        for steps in (LISTEN, "packet"):
            self.expect("EACCES", steps)
            self.expect("ok", steps, covered=False)
            self.expect("EACCES", steps, covered=False, namespace=self.place.inside)
            self.expect("ok", steps, cgroup=self.place.cgroup, namespace=self.place.outside)


class KernelsOwn(PatientCase):
    """The kernel's own connections, with the whole machine as the scope."""
    SERVER = """
import socket
listener = socket.create_server(("0.0.0.0", 2049))
print("serving", flush=True)
while True:
    listener.accept()[0].close()
    print("asked", flush=True)
"""
    MOUNT = f"""
import ctypes, os
os.makedirs("/tmp/nfs", exist_ok=True)
ctypes.CDLL(None).mount(b"{OUTSIDE4}:/", b"/tmp/nfs", b"nfs4", 0,
                        b"vers=4.2,addr={OUTSIDE4},clientaddr={INSIDE4},soft,timeo=10,retrans=1")
"""

    @classmethod
    def setUpClass(cls):
        cls.place = Place(os.environ["OPENWFP_BUILD"])
        cls.enterClassContext(cls.place)
        cls.engine = cls.enterClassContext(Engine(cls.place, "--cgroup", cgroup2_root()))
        cls.engine.patience = 400

    def test_nfs_connects_whatever_the_policy(self):
        with open("/proc/filesystems", encoding="ascii") as known:
            if "nfs4" not in known.read():
                self.skipTest("this kernel has no NFS")
        self.policy("block connect")
        server = self.place.start("python3", "-c", self.SERVER, cgroup=cgroup2_root(),
                                  covered=False)
        self.place.await_line(server, "serving")
        self.place.start("timeout", "-s", "KILL", "60", "python3", "-c", self.MOUNT)
        self.place.await_line(server, "asked")


if __name__ == "__main__":
    main()
