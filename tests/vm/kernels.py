"""Debian's own kernels, taken out of their packages, not installed."""
import fcntl
import glob
import lzma
import os
import shutil
import subprocess

# What a test asks for: the newest of Debian 12's own series, and of the newer one it offers.
PACKAGES = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}


class Unavailable(Exception):
    """Something is not to be had here; the text says what."""


def run(*command, **options):
    done = subprocess.run(command, text=True, capture_output=True, check=False, **options)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def newest_package(series):
    """The versioned package that the series' meta-package stands for."""
    if series not in PACKAGES:
        raise Unavailable(f"no package of kernel {series} is known")
    if not shutil.which("apt-get"):
        raise Unavailable("no apt-get: kernels come from Debian's packages")
    for line in run("apt-cache", "depends", PACKAGES[series]).splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-"):
            return name
    raise Unavailable(f"Debian's packages have no {PACKAGES[series]}")


class Kernel:
    """One kernel: its image and its modules."""

    def __init__(self, directory):
        self.directory = directory
        self.image, = glob.glob(f"{directory}/boot/vmlinuz-*")
        self.version = os.path.basename(self.image).removeprefix("vmlinuz-")
        self.modules = f"{directory}/lib/modules/{self.version}"
        self._needs = None

    def needs(self):
        """Module name -> (file, files it needs before it), as depmod has found out."""
        if self._needs is None:
            self._needs = {}
            with open(f"{self.modules}/modules.dep", encoding="ascii") as lines:
                for line in lines:
                    file, _, needed = line.partition(":")
                    name = os.path.basename(file).partition(".ko")[0].replace("-", "_")
                    self._needs[name] = (file, needed.split())
        return self._needs

    def module_files(self, names):
        """Relative paths of these modules and all they need, in the order of loading. A name that
        is no module is built in, or not there: the guest's tests see it."""
        files = []
        for name in names:
            file, needed = self.needs().get(name, (None, []))
            if file:
                files += [one for one in [*reversed(needed), file] if one not in files]
        return files

    def read_module(self, file):
        path = f"{self.modules}/{file}"
        opener = lzma.open if path.endswith(".xz") else open
        with opener(path, "rb") as module:
            return module.read()


def fetch(series, build):
    """The newest kernel of a series; kept in the build directory."""
    package = newest_package(series)
    store = os.path.join(build, "vm")
    os.makedirs(store, exist_ok=True)
    directory = os.path.join(store, package)
    with open(f"{store}/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not os.path.isdir(directory):
            unpack(package, directory)
    return Kernel(directory)


def unpack(package, directory):
    draft = f"{directory}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    os.makedirs(draft)
    run("apt-get", "download", "-qq", package, cwd=draft)
    archive, = glob.glob(f"{draft}/*.deb")
    run("dpkg-deb", "-x", archive, draft)
    os.unlink(archive)
    run("depmod", "-b", draft, Kernel(draft).version)
    os.rename(draft, directory)
