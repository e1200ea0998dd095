"""The Debian packages: what is in them, and their life on a machine, from installation to purge."""
import glob
import os
import subprocess
import tempfile
import unittest

from case import main
from place import Place
from root import Root

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ("openwfp", "libfwpuclnt0", "libfwpuclnt-dev", "libfwpkclnt0", "libfwpkclnt-dev")
# The maintainer's address is nobody's, and no bug of Debian's asks for the packages.
EXPECTED_BY_LINTIAN = ("bogus-mail-host,bogus-mail-host-in-debian-changelog,"
                       "initial-upload-closes-no-bugs")
BLOCKED = "tcp4 connect=127.0.0.1:7001"


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([os.path.join(SOURCE, "dev"), "deb"], check=True, stdout=subprocess.DEVNULL)
        cls.built = os.path.join(SOURCE, "build/deb")
        cls.place = cls.enterClassContext(Place(os.environ["OPENWFP_BUILD"]))

    def setUp(self):
        self.root = self.enterContext(Root(self.place, self.built))
        self.place.serve("tcp4 bind=127.0.0.1:7001 listen")
        self.addCleanup(self.place._stop_programs)

    def works(self, *command):
        code, output = self.root.run(*command)
        self.assertEqual(0, code, f"{' '.join(command)}: {output}")
        return output

    def install(self):
        files = [f"/mnt/{os.path.basename(path)}"
                 for path in glob.glob(os.path.join(self.built, "*.deb"))
                 if "-dbgsym" not in path]
        return self.works("dpkg", "--force-unsafe-io", "--install", *files)

    def start_bfe(self):
        return self.root.start_bfe("--cgroup", self.place.cgroup, "--admin-group", "openwfp",
                                   "--driver-user", "openwfp-driver")

    def block(self, *how):
        """Starts bfe with a policy that blocks; returns its process."""
        bfe = self.start_bfe()
        with tempfile.NamedTemporaryFile("w", dir=self.built, suffix=".wfp") as policy:
            policy.write('sublayer "test" weight 7\nblock connect tcp port 7001\n')
            policy.flush()
            self.works("wfp", "apply", *how, f"/mnt/{os.path.basename(policy.name)}")
        self.assertEqual("EACCES", self.place.answer(BLOCKED))
        return bfe

    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(
            ["lintian", "--allow-root", "--suppress-tags", EXPECTED_BY_LINTIAN, "--fail-on",
             "error,warning", *glob.glob(os.path.join(self.built, "*.deb"))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout)

    def test_installed_it_is_enabled_and_works(self):
        self.install()
        for unit in ("bfe.service", "openwfp-boot.service"):
            self.assertTrue(self.root.has(f"/etc/systemd/system/sysinit.target.wants/{unit}"))
            self.works("systemd-analyze", "verify", "--man=no", unit)
        for part in ("hooks", "scripts/init-top"):
            self.works("test", "-x", f"/usr/share/initramfs-tools/{part}/openwfp")
        self.works("getent", "group", "openwfp")
        self.works("getent", "passwd", "openwfp-driver")
        self.works("wfp", "doctor")
        self.works("wfp", "check", "/usr/share/openwfp/policies/web-server.wfp")

    def test_programs_and_drivers_compile_against_it(self):
        self.install()
        examples = "/usr/share/doc/libfwp{}clnt-dev/examples/{}"
        for library, source, flags in (("u", "block_port.c", "-fshort-wchar"),
                                       ("k", "trap_all/*.c", "-D_GNU_SOURCE -shared -fPIC")):
            self.works("sh", "-c", f"cc -o /tmp/made {flags} {examples.format(library, source)} "
                                   f"$(pkg-config --cflags --libs fwp{library}clnt)")

    def test_an_upgrade_leaves_the_policy_in_force(self):
        self.install()
        self.block()
        self.install()
        self.assertEqual("EACCES", self.place.answer(BLOCKED))
        self.assertIn("block", self.works("wfp", "show", "filters"))

    def test_removed_it_lets_through_and_says_so(self):
        self.install()
        self.block().stop()
        self.assertEqual("EACCES", self.place.answer(BLOCKED))
        said = self.works("dpkg", "--remove", *PACKAGES)
        self.assertIn("OpenWFP no longer filters", said)
        self.assertEqual("ok", self.place.answer(BLOCKED))

    def test_installed_again_the_persistent_policy_holds_again(self):
        self.install()
        self.block("--persistent").stop()
        self.works("dpkg", "--remove", *PACKAGES)
        self.assertEqual("ok", self.place.answer(BLOCKED))
        self.install()
        self.start_bfe()
        self.assertEqual("EACCES", self.place.answer(BLOCKED))

    def test_purged_it_leaves_nothing(self):
        self.install()
        self.block("--persistent").stop()
        self.works("dpkg", "--purge", *PACKAGES)
        left = [path for path in self.root.changed()
                if any(word in path for word in ("openwfp", "bfe", "wfp", "fwpm", "fwps"))]
        self.assertEqual([], left)
        self.assertEqual("", self.works("ls", "/run/", "-I", "dpkg*", "-I", "lock"))


if __name__ == "__main__":
    main()
