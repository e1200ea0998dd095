"""A callout's code in the kernel, loaded through bfe: it works, and outlives bfe as filters do."""
import json
import os
import signal
import time

from case import EngineCase, main

RULES = ('callout limit connect proto tcp to 127.0.0.1 port 7201 as terminating',
         'permit connect proto tcp to 127.0.0.1 port 7202')
BURST = " ".join(["tcp4 connect=127.0.0.1:7201 close"] * 40)


class Callouts(EngineCase):
    @property
    def object(self):
        return os.path.join(self.place.build, "examples/callouts/connection_limit.bpf.o")

    def burst(self):
        """Which answers 40 connects in a new second got; the callout permits ten in each."""
        time.sleep(1.01 - time.monotonic() % 1)
        answers = self.place.sock(BURST)
        return {answer for step, answer in answers if step.startswith("connect")}

    def listed(self):
        return json.loads(self.engine.wfp("callout", "list", "--json"))

    def setUp(self):
        self.place.serve("tcp4 bind=127.0.0.1:7201 listen")
        self.engine.wfp("callout", "load", "limit", self.object, "connect")
        self.policy(*RULES)

    def tearDown(self):
        self.policy("permit connect")
        self.engine.try_wfp("callout", "unload", "limit")
        super().tearDown()

    def test_7_1_callout_decides(self):
        self.assertEqual({"ok", "EACCES"}, self.burst())

    def test_7_2_unloaded_callout_blocks(self):
        self.engine.wfp("callout", "unload", "limit")
        self.assertEqual({"EACCES"}, self.burst())

    def test_replaced_callout_goes_on(self):
        before = self.listed()
        self.engine.wfp("callout", "load", "limit", self.object, "connect")
        self.assertEqual({"ok", "EACCES"}, self.burst())
        self.assertEqual(len(before), len(self.listed()))

    def test_8_callout_outlives_bfe(self):
        before = self.listed()
        self.engine.stop(signal.SIGKILL)
        self.assertEqual({"ok", "EACCES"}, self.burst())
        self.engine.start()
        self.assertEqual(before, self.listed())
        self.assertEqual({"ok", "EACCES"}, self.burst())

    def test_what_is_no_callout_is_refused_and_changes_nothing(self):
        path = os.path.join(self.place.scratch, "nonsense.o")
        with open(path, "w", encoding="utf-8") as file:
            file.write("this is not an object file")
        self.assertNotEqual(0, self.engine.try_wfp("callout", "load", "limit", path,
                                                   "connect").returncode)
        self.assertEqual({"ok", "EACCES"}, self.burst())


if __name__ == "__main__":
    main()
