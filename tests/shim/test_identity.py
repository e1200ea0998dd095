"""Which program it is, where that is not plain: deleted, without a file, behind other mounts."""
import os
import shutil

from case import main
from driver import BLOCK, CONNECT, DROPS, ShimCase, rule
from place import OUTSIDE4


class Identity(ShimCase):
    def app_of(self, *command, **where):
        self.driver.tell("collect", DROPS)
        self.driver.commit(rule(CONNECT, BLOCK))
        self.driver.events()
        self.place.run(*command, **where)
        event, = self.driver.events(layer=CONNECT)
        return event["app"]

    def test_a_deleted_program_keeps_its_name(self):
        path = os.path.join(self.place.scratch, "gone")
        shutil.copy(self.place.sock_program, path)
        app = self.app_of("sh", "-c", f"( sleep 0.3; rm {path} ) & "
                          f"exec {path} sleep=600 tcp4 connect={OUTSIDE4}:80")
        self.assertEqual(path, app)

    def test_a_program_without_a_file_shows_its_memfd(self):
        code = ("import os,sys; fd=os.memfd_create('ghost'); "
                "os.write(fd, open(sys.argv[1],'rb').read()); "
                "os.execve(fd, ['ghost', *sys.argv[2:]], os.environ)")
        app = self.app_of("python3", "-c", code, self.place.sock_program, "tcp4",
                          f"connect={OUTSIDE4}:80")
        self.assertEqual("/memfd:ghost", app)

    def test_another_mount_namespace_can_not_forge_a_path(self):
        fake = os.path.join(self.place.scratch, "fake")
        shutil.copy(self.place.sock_program, fake)
        app = self.app_of("unshare", "--mount", "sh", "-c",
                          f"mount --bind {fake} /bin/true && exec /bin/true tcp4 "
                          f"connect={OUTSIDE4}:80")
        self.assertRegex(app, r"^mnt:\[\d{10}\]/(usr/)?bin/true$")

    def test_the_policys_own_file_is_known_in_another_mount_namespace(self):
        self.driver.tell("app", self.place.sock_program)
        app = self.app_of("unshare", "--mount", self.place.sock_program, "tcp4",
                          f"connect={OUTSIDE4}:80")
        self.assertEqual(self.place.sock_program, app)


if __name__ == "__main__":
    main()
