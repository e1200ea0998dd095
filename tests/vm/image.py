"""An initramfs from files of this machine, as a cpio archive."""
import gzip
import os
import re
import shutil
import stat
import subprocess
import sys


class Image:
    """Collects files; `write` makes the archive. A program brings its shared libraries along."""

    def __init__(self):
        self.entries = {}  # path in the guest: (mode, content or host's path)
        for directory in ("proc", "sys", "dev", "tmp", "run", "root", "etc", "var/lib"):
            self.directory(directory)

    def directory(self, path):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent:
            self.directory(parent)
        self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b""))

    def add(self, path, content, mode=0o644):
        """A file with this content (bytes or text)."""
        self.directory(os.path.dirname(path))
        if isinstance(content, str):
            content = content.encode()
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, source, path=None):
        """A file of this machine, at the same place unless told otherwise."""
        path = path or source
        with open(source, "rb") as file:
            self.add(path, file.read(), stat.S_IMODE(os.stat(source).st_mode))

    def program(self, source, path=None):
        """A program or shared object, with the libraries it is linked with."""
        found = shutil.which(source)
        if not found:
            raise FileNotFoundError(source)
        self.file(found, path)
        for library in libraries(found):
            if library.strip("/") not in self.entries:
                self.file(library)

    def tree(self, source, path, wanted=lambda name: True):
        for directory, _, names in os.walk(source):
            for name in filter(wanted, names):
                file = os.path.join(directory, name)
                self.file(file, os.path.join(path, os.path.relpath(file, source)))

    def python(self, *modules):
        """This Python, with as much of its library as these modules need."""
        listed = subprocess.run([sys.executable, "-c", PYTHON_FILES, *modules], text=True,
                                capture_output=True, check=True).stdout.splitlines()
        interpreter = os.path.realpath(sys.executable)
        self.program(interpreter, "/usr/bin/python3")
        self.entries.pop("usr/bin/python3")
        self.program(interpreter)
        self.link("/usr/bin/python3", interpreter)
        for file in listed:
            if file.endswith(".so"):
                self.program(file)
            else:
                self.file(file)
        self.directory(f"{sys.base_prefix}/lib/python3.{sys.version_info.minor}/lib-dynload")

    def write(self, path):
        with gzip.open(path, "wb", compresslevel=1) as out:
            for number, (name, (mode, content)) in enumerate(sorted(self.entries.items()), 1):
                write_entry(out, number, name, mode, content)
            write_entry(out, 0, "TRAILER!!!", 0, b"")


PYTHON_FILES = """
import encodings.ascii, encodings.idna, encodings.latin_1, importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file:
        print(file)
"""


def libraries(program):
    done = subprocess.run(["ldd", program], text=True, capture_output=True, check=False)
    return [os.path.normpath(path) for path in re.findall(r"(/\S+) \(0x", done.stdout)]


def write_entry(out, number, name, mode, content):
    """One file in cpio's "newc" form: thirteen numbers in hex, the name, the bytes."""
    name = name.encode() + b"\0"
    header = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    out.write(b"070701" + b"".join(b"%08X" % value for value in header))
    out.write(name + b"\0" * (-(110 + len(name)) % 4))
    out.write(content + b"\0" * (-len(content) % 4))
