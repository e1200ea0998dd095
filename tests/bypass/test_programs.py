"""Programs that hide behind another file: memfd, deleted, scripts, links, mounts."""
import os
import shutil

from bypass import OPEN4, BypassCase
from case import main
from place import OUTSIDE4
from servers import PYTHON

CONNECT = f"tcp4 connect={OPEN4}"


class Programs(BypassCase):
    def setUp(self):
        self.own = os.path.join(self.place.scratch, self._testMethodName)
        shutil.copy(self.place.sock_program, self.own)

    def in_new_mounts(self, script):
        """Runs a shell script in a mount namespace of its own; the last line is the answer."""
        code, output = self.place.run("unshare", "--mount", "--propagation", "private", "sh", "-ec",
                                      script)
        self.assertEqual(0, code, output)
        return output.split()[-1]

    def test_memfd_is_not_one_of_the_permitted_programs(self):
        self.engine.apply(f"permit connect app {self.own}", "block connect")
        self.expect("ok", CONNECT, program=self.own)
        self.expect("EACCES", "tcp4 memfd " + CONNECT, program=self.own)

    def test_a_deleted_program_stays_denied(self):
        self.engine.apply(f"block connect app {self.own}", "permit connect")
        waiting = self.place.pause(f"tcp4 wait connect={OPEN4}", program=self.own)
        os.unlink(self.own)
        self.assertEqual(("connect", "EACCES"), self.place.finish(waiting)[-1])

    def test_a_file_put_where_a_permitted_program_was_is_that_program(self):
        """The path is the identity, as Windows' is: who may write there is the file system's."""
        self.engine.apply(f"permit connect app {self.own}", "block connect")
        os.unlink(self.own)
        shutil.copy(self.place.sock_program, self.own)
        self.expect("ok", CONNECT, program=self.own)

    def test_a_script_is_its_interpreter(self):
        script = self.own + ".py"
        with open(script, "w", encoding="ascii") as file:
            file.write(f"#!{PYTHON}\nimport errno, socket\n"
                       f"error = socket.socket().connect_ex(('{OUTSIDE4}', 80))\n"
                       "print(errno.errorcode.get(error, 'ok'))\n")
        os.chmod(script, 0o755)
        for app, answer in ((PYTHON, "EACCES"), (script, "ok")):
            self.engine.apply(f"block connect app {app}")
            self.assertEqual((0, answer + "\n"), self.place.run(script))

    def test_a_symbolic_link_is_its_target(self):
        link = self.own + "-link"
        os.symlink(self.own, link)
        self.engine.apply(f"block connect app {self.own}")
        self.expect("EACCES", CONNECT, program=link)

    def test_a_hard_link_is_a_program_of_its_own_path(self):
        """A block by path can be left by whoever may write a link; permit lists can't."""
        link = self.own + "-hard"
        os.link(self.own, link)
        self.engine.apply(f"permit connect app {self.own}", "block connect")
        self.expect("EACCES", CONNECT, program=link)

    def test_a_bind_mount_over_a_permitted_path(self):
        denied = self.own + "-denied"
        shutil.copy(self.own, denied)
        self.engine.apply(f"permit connect app {self.own}", "block connect")
        answer = self.in_new_mounts(f"mount --bind {denied} {self.own}; {self.own} {CONNECT}")
        self.assertEqual("EACCES", answer)

    def test_an_overlay_over_a_permitted_path(self):
        home = self.own + "-d"
        for name in ("lower", "upper", "work"):
            os.makedirs(os.path.join(home, name))
        shutil.copy(self.own, os.path.join(home, "lower/program"))
        shutil.copy(self.own, os.path.join(home, "upper/program"))
        lower = os.path.join(home, "lower")
        self.engine.apply(f"permit connect app {lower}/program", "block connect")
        self.expect("ok", CONNECT, program=f"{lower}/program")
        answer = self.in_new_mounts(
            f"mount -t tmpfs none {home}/work && mkdir {home}/work/u {home}/work/w && "
            f"cp {home}/upper/program {home}/work/u && "
            f"mount -t overlay none -o lowerdir={lower},upperdir={home}/work/u,"
            f"workdir={home}/work/w {lower}; {lower}/program {CONNECT}")
        self.assertEqual("EACCES", answer)

    def test_chroot_does_not_make_another_path(self):
        root = self.own + "-root"
        os.makedirs(root + os.path.dirname(self.own))
        inner = root + self.own
        self.engine.apply(f"permit connect app {self.own}", "block connect")
        answer = self.in_new_mounts(
            f"mount --bind / {root} && mount -t tmpfs none {root}/tmp && "
            f"mkdir -p {os.path.dirname(inner)} && cp {self.own} {inner} && "
            f"chroot {root} {self.own} {CONNECT}")
        self.assertEqual("EACCES", answer)


if __name__ == "__main__":
    main()
