"""A guest under QEMU, without any acceleration: boots a kernel, runs a script, says how it went.

    kernel = kernels.fetch("6.1", build)
    guest = Guest(kernel, build)
    guest.image.program("/path/to/tool", "/usr/bin/tool")
    done = guest.run("tool --all")
    done.status, done.lines, done.text

The guest has busybox, the virtual file systems, cgroup v2 at /sys/fs/cgroup, BPF's file system at
/sys/fs/bpf, `lo` up, and no network but what `run` is told of. It ends when the script does.
"""
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time

from image import Image
from kernels import Unavailable

QEMU = "qemu-system-x86_64"
STATUS = "guest: the script ended with "
ATTEMPTS = 2  # under emulation a boot stalls now and then

# What bfe and the tests need that may be a module.
MODULES = ("virtio_pci", "virtio_net", "veth", "dummy", "nf_tables", "nft_compat",
           "nft_reject_inet", "nft_nat", "nft_masq", "nft_chain_nat", "nf_conntrack", "xt_bpf",
           "xt_NFQUEUE", "nfnetlink_queue", "inet_diag", "tcp_diag", "udp_diag", "raw_diag",
           "af_packet", "af_packet_diag", "sctp", "mptcp_diag", "nfsv4")

USERS = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
{before}
on() {{ grep -q " $1 " /proc/mounts || mount -t $2 $2 $1; }}
mkdir -p /proc && [ -e /proc/mounts ] || mount -t proc proc /proc
on /sys sysfs
on /dev devtmpfs
mkdir -p /dev/pts /dev/shm
chmod 1777 /tmp
on /run tmpfs
on /sys/fs/cgroup cgroup2
on /sys/fs/bpf bpf
on /sys/kernel/security securityfs
ln -s /proc/self/fd /dev/fd 2>/dev/null
for file in $(cat /modules); do insmod /lib/modules/$file; done
ip link set lo up
echo "guest: ready"
sh /script </dev/null
echo "{status}$?"
poweroff -f
"""


class Done:
    """What came of a run: the script's exit status, the console's lines with seconds since QEMU's
    start, and when that was."""

    def __init__(self, status, lines, began):
        self.status, self.lines, self.began = status, lines, began

    @property
    def text(self):
        return "\n".join(line for _, line in self.lines)

    def seconds(self, pattern):
        """When a line came that matches; None: none did."""
        return next((at for at, line in self.lines if re.search(pattern, line)), None)


class Guest:
    def __init__(self, kernel, build, modules=MODULES):
        if not shutil.which(QEMU):
            raise Unavailable(f"no {QEMU}: install qemu-system-x86")
        busybox = shutil.which("busybox")
        if not busybox:
            raise Unavailable("no busybox: install busybox-static")
        self.kernel, self.build = kernel, os.path.abspath(build)
        self.image = Image()
        self.image.program(busybox, "/bin/busybox")
        self.image.add("/etc/passwd", USERS)
        self.image.add("/etc/group", GROUPS)
        files = kernel.module_files(modules)
        for file in files:
            name = file.removesuffix(".xz")
            self.image.add(f"/lib/modules/{name}", kernel.read_module(file))
        self.image.add("/modules", "".join(f"{file.removesuffix('.xz')}\n" for file in files))

    def run(self, script, before="", append="", options=(), memory="1G", timeout=240):
        """Boots and runs the script. `before` is run first of all, before anything is mounted."""
        self.image.add("/script", script)
        self.image.add("/init", INIT.format(before=before, status=STATUS), 0o755)
        with tempfile.TemporaryDirectory(prefix="openwfp-vm-") as scratch:
            archive = os.path.join(scratch, "initramfs.gz")
            self.image.write(archive)
            command = [QEMU, "-machine", "pc", "-accel", "tcg,tb-size=256", "-cpu", "max",
                       "-m", memory, "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio",
                       "-kernel", self.kernel.image, "-initrd", archive, "-append",
                       f"console=ttyS0 panic=-1 quiet mitigations=off {append}", *options]
            for _ in range(ATTEMPTS):
                done = boot(command, timeout)
                if done.status is not None:
                    return done
        return done


def boot(command, timeout):
    """Runs QEMU to its end; status None: the script did not get to its end."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    status, lines = None, []
    try:
        for line in process.stdout:
            line = line.rstrip("\r\n")
            lines.append((time.monotonic() - began, line))
            if line.startswith(STATUS):
                status = int(line.removeprefix(STATUS))
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    return Done(status, lines, began)
