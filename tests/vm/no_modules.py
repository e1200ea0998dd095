"""The kernel has BPF LSM but was told not to use it: the other programs do what they can, and
doctor says what to do. Run in a guest."""
from case import EngineCase, main


class NoModules(EngineCase):
    def test_15_5_a_blocked_listener_is_closed(self):
        self.policy("block listen port 81", "block bind flags raw")
        listener = self.place.pause("tcp4 bind=0.0.0.0:81 listen sleep=4000 wait accept")
        self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])
        self.expect("EACCES", "raw4")
        self.expect("ok", "packet")

    def test_doctor_says_what_to_put_on_the_command_line(self):
        report = self.engine.json("doctor")
        hook = next(hook for hook in report["hooks"] if hook["name"] == "lsm_listen")
        self.assertFalse(hook["works"])
        # A kernel may have modules of its own between ours and bpf.
        self.assertRegex(hook["reason"], r"put lsm=lockdown,capability,yama(,\w+)*,bpf on")
        self.assertTrue([gap for gap in report["gaps"] if "AF_PACKET" in gap])


if __name__ == "__main__":
    main()
