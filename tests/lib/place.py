"""A place of one's own for real traffic: two network namespaces and a cgroup.

    covered   programs run here are in the cgroup that bfe covers and in the namespace "in"
    peer      programs run here are in the namespace "out" and in no cgroup of ours

A veth pair joins the two: 192.0.2.1 and 2001:db8::1 inside, 192.0.2.2 and 2001:db8::2 outside.
Everything goes when the place is left, also by an exception or a signal: programs, namespaces,
the cgroup and the scratch directory. Nothing else on the machine is touched.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

INSIDE4, OUTSIDE4 = "192.0.2.1", "192.0.2.2"
INSIDE6, OUTSIDE6 = "2001:db8::1", "2001:db8::2"


class PlaceError(Exception):
    """The place can't be made; the text says what to do about it."""


def cgroup2_root():
    """Where cgroup v2 is mounted; on its own or beside v1 controllers."""
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return where
    raise PlaceError("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup")


def wait_until(condition, what, seconds=30.0):
    """Polls until `condition` is true; for things that have no other signal."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise PlaceError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def exit_on_signals():
    """SIGTERM and SIGHUP unwind the stack as SIGINT does, so that places are left in order."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Program:
    """A program that a place started; its output is collected."""

    def __init__(self, command, enter_cgroup, **options):
        def enter():
            if enter_cgroup:
                with open(os.path.join(enter_cgroup, "cgroup.procs"), "w", encoding="ascii") as f:
                    f.write(str(os.getpid()))
        self.command = command
        self.process = subprocess.Popen(command, preexec_fn=enter, start_new_session=True,
                                        text=True, **options)

    @property
    def pid(self):
        return self.process.pid

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, text=""):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stop(self, number=signal.SIGTERM, patience=5):
        """Ends it and what it has started."""
        for attempt in (number, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, attempt)
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


class Place:
    def __init__(self, build, name=None):
        self.build = os.path.abspath(build)
        self.name = name or f"owfp_t_{os.getpid()}"
        self.inside, self.outside = f"{self.name}_in", f"{self.name}_out"
        self.cgroup = os.path.join(cgroup2_root(), self.name)
        self.scratch = None
        self.programs = []
        self.undo = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.undo.close()
            raise
        return self

    def __exit__(self, *_):
        self.undo.close()

    def _make(self):
        self.scratch = tempfile.mkdtemp(prefix="openwfp-")
        os.chmod(self.scratch, 0o755)
        self.undo.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        os.mkdir(self.cgroup)
        self.undo.callback(self._remove_cgroup, self.cgroup)
        for namespace in (self.inside, self.outside):
            self._ip("netns", "add", namespace)
            self.undo.callback(self._ip, "netns", "del", namespace)
        self._wire()
        self.undo.callback(self._stop_programs)

    @staticmethod
    def _ip(*arguments):
        done = subprocess.run(["ip", *arguments], text=True, capture_output=True, check=False)
        if done.returncode:
            raise PlaceError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def _wire(self):
        self._ip("-n", self.inside, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0",
                 "netns", self.outside)
        ends = ((self.inside, INSIDE4, INSIDE6), (self.outside, OUTSIDE4, OUTSIDE6))
        for namespace, address4, address6 in ends:
            self._ip("-n", namespace, "addr", "add", f"{address4}/24", "dev", "veth0")
            self._ip("-n", namespace, "addr", "add", f"{address6}/64", "dev", "veth0", "nodad")
            self._ip("-n", namespace, "link", "set", "lo", "up")
            self._ip("-n", namespace, "link", "set", "veth0", "up")
            self.sysctl(namespace, "net/ipv4/ping_group_range", "0 2147483647")
            self.sysctl(namespace, "net/ipv4/tcp_fastopen", "1027")  # without cookies

    @staticmethod
    def sysctl(namespace, name, value):
        subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", "sh", "-c",
                        f"echo '{value}' >/proc/sys/{name}"], check=True)

    def add_cgroup(self, name):
        """A cgroup below the covered one."""
        path = os.path.join(self.cgroup, name)
        os.mkdir(path)
        self.undo.callback(self._remove_cgroup, path)
        return path

    def _remove_cgroup(self, path):
        def is_gone():
            with contextlib.suppress(FileNotFoundError):
                with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as processes:
                    for pid in processes.read().split():
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(int(pid), signal.SIGKILL)
            try:
                os.rmdir(path)
            except FileNotFoundError:
                return True
            except OSError:
                return False
            return True
        wait_until(is_gone, f"{path} to be empty")

    def _stop_programs(self):
        for program in reversed(self.programs):
            program.stop()
        self.programs.clear()

    # Running things

    def start(self, *command, covered=True, namespace=None, cgroup=None, uid=None, gid=None,
              groups=(), **options):
        """Starts a program; it is stopped when the place is left."""
        namespace = namespace or (self.inside if covered else self.outside)
        enter = ["nsenter", f"--net=/run/netns/{namespace}"]
        if uid is not None:
            members = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
            enter += ["setpriv", f"--reuid={uid}", f"--regid={uid if gid is None else gid}",
                      members]
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("cwd", self.scratch)
        program = Program([*enter, *command], cgroup or (self.cgroup if covered else None),
                          **options)
        self.programs.append(program)
        return program

    def run(self, *command, timeout=20, **where):
        """Runs a program to its end; returns (exit code, output)."""
        program = self.start(*command, **where)
        try:
            output, _ = program.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise PlaceError(f"{' '.join(command)}: not done after {timeout} s") from late
        finally:
            program.stop()
            self.programs.remove(program)
        return program.process.returncode, output

    # The socket program

    @property
    def sock_program(self):
        return os.path.join(self.build, "tests/lib/sock")

    def sock(self, steps, **where):
        """Runs socket steps; returns [(step, "ok" or the errno's name)]."""
        program = where.pop("program", self.sock_program)
        code, output = self.run(program, *steps.split(), **where)
        if code:
            raise PlaceError(f"sock {steps}: {output}")
        return [tuple(line.split(maxsplit=1)) for line in output.splitlines()]

    def answer(self, steps, **where):
        """The answer of the last step."""
        return self.sock(steps, **where)[-1][1]

    def serve(self, steps, **where):
        """Starts a server that echoes; returns when it serves."""
        program = where.pop("program", self.sock_program)
        server = self.start(program, *steps.split(), "serve", **where)
        self.await_line(server, "serving")
        return server

    def pause(self, steps, **where):
        """Starts steps that contain "wait"; returns when they wait. finish() goes on."""
        program = where.pop("program", self.sock_program)
        waiting = self.start(program, *steps.split(), stdin=subprocess.PIPE, **where)
        self.await_line(waiting, "waiting")
        return waiting

    @staticmethod
    def finish(waiting):
        output, _ = waiting.process.communicate("\n", timeout=20)
        return [tuple(line.split(maxsplit=1)) for line in output.splitlines()]

    @staticmethod
    def await_line(program, wanted):
        seen = []
        while not seen or seen[-1] != wanted:
            line = program.process.stdout.readline()
            if not line:
                raise PlaceError(f"{' '.join(program.command)} ended: {' '.join(seen)}")
            seen.append(line.rstrip("\n"))

    def await_port(self, program, port, protocol="tcp"):
        """Until somebody in the program's namespace listens on the port."""
        def listens():
            if program.process.poll() is not None:
                raise PlaceError(f"{' '.join(program.command)} ended: "
                                 f"{program.process.stdout.read()}")
            for table in (protocol, protocol + "6"):
                with open(f"/proc/{program.pid}/net/{table}", encoding="ascii") as sockets:
                    for line in list(sockets)[1:]:
                        _, local, _, state, *_ = line.split()
                        if int(local.split(":")[1], 16) == port and state in ("0A", "07"):
                            return True
            return False
        wait_until(listens, f"port {port} of {program.command}")
