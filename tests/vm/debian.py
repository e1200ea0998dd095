"""A whole Debian with our packages on a disk, started by its own kernel, initramfs and systemd.

    with Disk(build) as disk:
        disk.add("/witness", "echo hello")
        disk.finish()
        done = disk.boot()
"""
import fcntl
import glob
import os
import shutil
import subprocess
import tempfile

from guest import QEMU, boot
from kernels import PACKAGES, Unavailable, run

SUITE = "bookworm"
SOURCES = (f"deb http://deb.debian.org/debian {SUITE} main",
           f"deb http://deb.debian.org/debian-security {SUITE}-security main")
# The system, and what our packages depend on.
PARTS = ("systemd-sysv", "udev", "initramfs-tools", "busybox", PACKAGES["6.12"], "libbpf1",
         "libmnl0", "libnetfilter-queue1", "libnftnl11", "libprotobuf-c1", "libsqlite3-0")
OURS = ("openwfp", "libfwpuclnt0", "libfwpkclnt0")
SIZE = "1G"
NO_IMAGE_YET = "update_initramfs=no\n"  # it takes minutes under emulation

# In a root of its own that has nothing of this machine but its kernel.
ENTER = """
mount --bind "$1" "$1" && cd "$1" || exit 1
mount -t proc proc proc && mount -t tmpfs none run && mount -t tmpfs none tmp || exit 1
shift
exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
"""


def base(build):
    """Debian without us, as a tar file; kept in the build directory."""
    if os.geteuid() != 0:
        raise Unavailable("needs root")
    for tool in (QEMU, "mmdebstrap", "mke2fs"):
        if not shutil.which(tool):
            raise Unavailable(f"no {tool}")
    store = os.path.join(build, "vm")
    os.makedirs(store, exist_ok=True)
    path = os.path.join(store, f"{SUITE}.tar")
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
                "--aptopt=Acquire::Languages none", "--aptopt=APT::Sandbox::User root",
                "--aptopt=Acquire::Check-Date false", "--aptopt=Acquire::Check-Valid-Until false",
                f"--include={','.join(PARTS)}", SUITE, f"{path}.draft.tar", *SOURCES)
            os.rename(f"{path}.draft.tar", path)
    return path


class Disk:
    def __init__(self, build, packages):
        self.tar = base(build)
        self.build, self.packages = os.path.abspath(build), packages

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="openwfp-debian-")
        self.root = os.path.join(self.scratch.name, "root")
        self.image = os.path.join(self.scratch.name, "disk")
        os.mkdir(self.root)
        run("tar", "-x", "-C", self.root, "-f", self.tar)
        self.kernel, = glob.glob(f"{self.root}/boot/vmlinuz-*")
        self.version = os.path.basename(self.kernel).removeprefix("vmlinuz-")
        self.add("/etc/initramfs-tools/update-initramfs.conf", NO_IMAGE_YET)
        self.add("/etc/fstab", "")
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def add(self, path, content, mode=0o644):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)

    def unit(self, name, command, *lines):
        """A service that writes to the console, and is started when it comes to it."""
        self.add(f"/etc/systemd/system/{name}.service", "\n".join((
            "[Unit]", *lines, "[Service]", "Type=oneshot",
            f"ExecStart=/bin/sh -c '{command} >/dev/ttyS0 2>&1'", "")))
        wants = f"{self.root}/etc/systemd/system/sysinit.target.wants"
        os.makedirs(wants, exist_ok=True)
        os.symlink(f"../{name}.service", f"{wants}/{name}.service")

    def works(self, *command):
        return run("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c",
                   ENTER, "sh", self.root, *command)

    def install(self):
        files = []
        for name in OURS:
            package, = glob.glob(f"{self.packages}/{name}_*.deb")
            shutil.copy(package, f"{self.root}/root/")
            files.append(f"/root/{os.path.basename(package)}")
        self.works("dpkg", "--force-unsafe-io", "--install", *files)

    def make_initramfs(self, name):
        """As update-initramfs would; kept as `name`."""
        self.works("mkinitramfs", "-o", f"/boot/{name}", self.version)

    def finish(self):
        run("mke2fs", "-q", "-t", "ext4", "-d", self.root, self.image, SIZE)

    def boot(self, initramfs, append="", timeout=400):
        """Starts the machine; nothing of what it writes is kept."""
        command = [QEMU, "-machine", "pc", "-accel", "tcg,tb-size=256", "-cpu", "max", "-m", "1G",
                   "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio",
                   "-drive", f"file={self.image},if=virtio,format=raw,snapshot=on",
                   "-kernel", self.kernel, "-initrd", f"{self.root}/boot/{initramfs}", "-append",
                   "console=ttyS0 panic=-1 quiet mitigations=off root=/dev/vda rw "
                   f"systemd.mask=serial-getty@ttyS0.service {append}"]
        return boot(command, timeout)
