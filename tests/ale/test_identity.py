"""Who does it: program, user and group conditions (S11)."""
import os
import shutil

from case import EngineCase, main
from families import V4, V6

WWW_DATA, NOBODY, GROUP = 33, 65534, 4242


class Identity(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.twin = os.path.join(cls.place.scratch, "twin")
        shutil.copy(cls.place.sock_program, cls.twin)
        for family in (V4, V6):
            cls.place.serve(f"tcp{family.digit} bind={family.outside}:80 listen", covered=False)

    def tearDown(self):
        pass  # the servers serve every test

    def connects(self, wanted, **who):
        for family in (V4, V6):
            self.expect(wanted, f"tcp{family.digit} connect={family.peer(80)}", **who)

    def test_3_9_app_is_the_canonical_path_of_the_program(self):
        self.policy(f"block connect app {self.twin}")
        self.connects("EACCES", program=self.twin)
        self.connects("ok")

    def test_3_9_a_link_is_its_target(self):
        link = os.path.join(self.place.scratch, "link")
        os.symlink(self.twin, link)
        self.policy(f"block connect app {link}")
        self.connects("EACCES", program=self.twin)
        self.connects("EACCES", program=link)

    def test_s11_user_condition(self):
        self.policy(f"block connect user {WWW_DATA}")
        self.connects("EACCES", uid=WWW_DATA)
        self.connects("ok", uid=NOBODY)
        self.connects("ok")

    def test_s11_group_condition_matches_primary_and_supplementary_groups(self):
        self.policy(f"block connect group {GROUP}")
        self.connects("EACCES", uid=NOBODY, gid=GROUP)
        self.connects("EACCES", uid=NOBODY, groups=(12, GROUP))
        self.connects("ok", uid=NOBODY, groups=(12,))

    def test_s11_negated_user(self):
        self.policy("block connect user not root")
        self.connects("ok")
        self.connects("EACCES", uid=WWW_DATA)

    def test_s11_user_and_group_are_the_listeners_at_accept(self):
        self.policy(f"block accept user {WWW_DATA} port 8080",
                    f"block accept group {GROUP} port 8081")
        for family in (V4, V6):
            tcp = f"tcp{family.digit}"
            blocked = self.place.serve(f"{tcp} bind={family.inside}:8080 listen", uid=WWW_DATA)
            grouped = self.place.serve(f"{tcp} bind={family.inside}:8081 listen", uid=NOBODY,
                                       groups=(GROUP,))
            for port in (8080, 8081):
                self.expect("ECONNREFUSED", f"{tcp} timeout=3000 connect={family.own(port)}",
                            covered=False)
            blocked.stop()
            grouped.stop()
            other = self.place.serve(f"{tcp} bind={family.inside}:8080 listen", uid=NOBODY)
            self.expect("ok", f"{tcp} connect={family.own(8080)} send recv", covered=False)
            other.stop()


if __name__ == "__main__":
    main()
