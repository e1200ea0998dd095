"""A callout driver with the real engine, programs and packets."""
import contextlib
import os
import shutil
import subprocess

from case import EngineCase
from place import wait_until


class DriverCase(EngineCase):
    """The driver and its files lie in a directory of their own. `other` is a copy of `sock`, so
    that a rule can name it."""
    driver = None
    built = "examples/drivers"

    def setUp(self):
        self.directory = os.path.join(self.place.scratch, self.driver)
        os.mkdir(self.directory)
        os.chmod(self.place.scratch, 0o755)
        os.chmod(self.directory, 0o755)
        self.file = self.copy(os.path.join(self.place.build, self.built, f"{self.driver}.so"))
        self.other = self.copy(self.place.sock_program, "other")
        self.place.start("sleep", "1000")  # somebody is covered where the rules are put

    def tearDown(self):
        super().tearDown()
        self.engine.try_wfp("driver", "unload", self.driver)
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

    def load(self):
        self.engine.wfp("driver", "load", self.driver, self.file)
        self.await_hold("networks")

    def reset(self, *names):
        """Ready for the next load: unloaded, and without these files."""
        self.engine.wfp("driver", "unload", self.driver)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))

    def rules(self):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.place.inside}", "nft", "list",
                               "tables"], text=True, capture_output=True, check=True).stdout

    def await_hold(self, what):
        wait_until(lambda: self.engine.json("show", "hold")[what], what)
