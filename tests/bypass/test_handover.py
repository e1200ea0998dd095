"""Sockets that change hands or owners: who connects counts, not who made the socket."""
import os
import shutil

from bypass import OPEN4, SHUT4, SHUT6, BypassCase
from case import main

WWW_DATA = 33


class Handover(BypassCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.denied = os.path.join(cls.place.scratch, "denied")
        shutil.copy(cls.place.sock_program, cls.denied)

    def deny_program(self):
        self.engine.apply(f"block connect app {self.denied}")

    def test_fork(self):
        self.engine.apply(*self.rules)
        answers = self.answers_after("fork", f"tcp4 fork connect={SHUT4} udp4 sendto={SHUT4}")
        self.assertEqual(["EACCES", "ok", "EACCES"], answers)

    def test_exec_after_socket_is_the_new_program(self):
        self.deny_program()
        self.expect("ok", f"tcp4 connect={OPEN4}")
        self.expect("EACCES", f"tcp4 exec={self.denied} connect={OPEN4}")
        self.expect("EACCES", f"udp4 exec={self.denied} sendto={OPEN4}")

    def test_exec_away_from_a_denied_program_is_the_new_program_too(self):
        self.deny_program()
        self.expect("ok", f"tcp4 exec={self.place.sock_program} connect={OPEN4}",
                    program=self.denied)

    def test_exec_after_a_permitted_datagram_decides_anew(self):
        self.deny_program()
        self.expect("EACCES", f"udp4 sendto={OPEN4} exec={self.denied} sendto={SHUT4}")

    def test_setuid_after_socket_is_the_new_user(self):
        self.engine.apply(f"block connect user {WWW_DATA}")
        self.expect("EACCES", f"tcp4 setuid={WWW_DATA} connect={OPEN4}")
        self.expect("EACCES", f"udp4 setuid={WWW_DATA} sendto={OPEN4}")

    def test_setgid_after_socket_is_the_new_group(self):
        self.engine.apply("block connect group 4242")
        self.expect("EACCES", f"tcp4 setgid=4242 connect={OPEN4}")
        self.expect("ok", f"tcp4 connect={OPEN4}")

    def test_a_socket_passed_to_a_denied_program(self):
        self.deny_program()
        self.expect("EACCES", f"tcp4 pass={self.denied} connect={OPEN4}")
        self.expect("EACCES", f"udp4 pass={self.denied} sendto={OPEN4}")

    def test_a_socket_made_by_a_denied_program_is_used_by_a_permitted_one(self):
        self.deny_program()
        self.expect("ok", f"tcp4 pass={self.place.sock_program} connect={OPEN4}",
                    program=self.denied)

    def test_a_denied_program_in_a_fork_of_a_fork(self):
        self.deny_program()
        self.expect("EACCES", f"tcp6 fork fork exec={self.denied} connect={SHUT6}")


if __name__ == "__main__":
    main()
