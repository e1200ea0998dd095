"""The example driver with the real engine, programs and packets: S1 of the design."""
import os
import shutil

from case import EngineCase, each, main
from families import FAMILIES


class TrapAll(EngineCase):
    """The programs are sockets of `sock`, a copy of it, so that a rule can name each."""

    def setUp(self):
        self.directory = os.path.join(self.place.scratch, "trap_all")
        os.mkdir(self.directory)
        os.chmod(self.place.scratch, 0o755)
        os.chmod(self.directory, 0o755)
        self.file = self.copy(os.path.join(self.place.build, "examples/drivers/trap_all.so"))
        self.other = self.copy(self.place.sock_program, "other")

    def tearDown(self):
        super().tearDown()
        self.engine.try_wfp("driver", "unload", "trap_all")
        shutil.rmtree(self.directory)

    def copy(self, path, name=None):
        to = os.path.join(self.directory, name or os.path.basename(path))
        shutil.copy(path, to)
        os.chown(to, 0, 0)
        os.chmod(to, 0o755)
        return to

    def write(self, name, *lines):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(path + ".new", path)

    def load(self, *rules):
        self.write("trap_all.rules", *rules)
        self.engine.wfp("driver", "load", "trap_all", self.file)

    @each(*FAMILIES)
    def test_s1_every_connect_is_decided_by_the_rules(self, family):
        server = self.place.serve(f"tcp{family.digit} bind={family.any}:80 listen", covered=False)
        datagrams = self.place.serve(f"udp{family.digit} bind={family.any}:80", covered=False)
        self.load(f"block {self.other}")
        for protocol in ("tcp", "udp"):
            steps = f"{protocol}{family.digit} timeout=5000 connect={family.peer(80)} send recv"
            self.expect("ok", steps)
            self.assertNotEqual("ok", self.place.answer(steps, program=self.other))
        server.stop()
        datagrams.stop()
        self.reset()

    @each(*FAMILIES)
    def test_s1_every_accept_is_decided_by_the_rules(self, family):
        tcp = f"tcp{family.digit}"
        open_ = self.place.serve(f"{tcp} bind={family.any}:80 listen")
        shut = self.place.serve(f"{tcp} bind={family.any}:81 listen")
        self.load("block * 81")
        self.expect("ok", f"{tcp} timeout=5000 connect={family.own(80)} send recv", covered=False)
        self.expect("ECONNREFUSED", f"{tcp} timeout=5000 connect={family.own(81)}", covered=False)
        open_.stop()
        shut.stop()
        self.reset()

    def reset(self):
        """Ready for the next load."""
        self.engine.wfp("driver", "unload", "trap_all")
        os.unlink(os.path.join(self.directory, "trap_all.rules"))


if __name__ == "__main__":
    main()
