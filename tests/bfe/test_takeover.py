"""bfe dies and comes back while programs try to connect: what is blocked stays blocked."""
import json
import os
import signal
import subprocess
import sys
import time

from case import EngineCase, main
from place import wait_until

# Tries the port again and again; prints each answer that differs from the one before, and the
# number of tries when it is told to stop.
KNOCKER = """
import errno, select, socket, sys
last, tries = None, 0
while not select.select([sys.stdin], [], [], 0)[0]:
    with socket.socket() as s:
        answer = errno.errorcode.get(s.connect_ex(("127.0.0.1", int(sys.argv[1]))), "ok")
    tries += 1
    if answer != last:
        print(answer, flush=True)
        last = answer
print(tries, flush=True)
"""


class Takeover(EngineCase):
    def knock(self, port):
        return self.place.start(sys.executable, "-c", KNOCKER, str(port), stdin=subprocess.PIPE)

    def finish(self, knocker):
        knocker.tell("stop")
        *answers, tries = knocker.process.stdout.read().split()
        return answers, int(tries)

    def listen(self, port):
        return self.place.serve(f"tcp4 bind=127.0.0.1:{port} listen")

    def filters(self):
        return json.loads(self.engine.wfp("show", "filters", "--json"))

    def restart(self, how):
        self.engine.stop(how)
        time.sleep(0.3)
        self.engine.start()

    def check_no_gap(self, how):
        self.policy("block connect proto tcp to 127.0.0.1 port 7001")
        before = self.filters()
        self.listen(7001)
        knocker = self.knock(7001)
        self.assertEqual("EACCES", knocker.line())
        self.restart(how)
        time.sleep(0.3)
        answers, tries = self.finish(knocker)
        self.assertEqual([], answers, "a blocked connect was answered otherwise")
        self.assertGreater(tries, 10)
        self.assertEqual(before, self.filters())

    def test_8_kill_9_and_the_next_bfe_leave_no_gap(self):
        self.check_no_gap(signal.SIGKILL)

    def test_8_orderly_stop_and_start_leave_no_gap(self):
        self.check_no_gap(signal.SIGTERM)

    def hold_dynamic(self, rule):
        """A session that holds a filter until it ends."""
        path = os.path.join(self.place.scratch, "dynamic.wfp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'sublayer "dynamic" weight 0x9000\n{rule}\n')
        return self.place.start(
            "env", f"OPENWFP_SOCKET={self.engine.socket}", self.engine.command_line, "apply",
            "--dynamic", path, covered=False)

    def test_8_1_dynamic_filters_fall_with_their_session(self):
        self.policy("permit connect proto tcp to 127.0.0.1 port 7002")
        self.listen(7002)
        holder = self.hold_dynamic("block connect proto tcp to 127.0.0.1 port 7002")
        connect = "tcp4 connect=127.0.0.1:7002"
        wait_until(lambda: self.place.answer(connect) == "EACCES", "the dynamic filter")
        holder.stop(signal.SIGKILL)
        wait_until(lambda: self.place.answer(connect) == "ok", "the dynamic filter's fall")

    def test_8_1_dynamic_filters_do_not_come_back_after_kill_9(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7003")
        before = self.filters()
        self.hold_dynamic("block connect proto tcp to 127.0.0.1 port 7004")
        wait_until(lambda: len(self.filters()) > len(before), "the dynamic filter")
        self.restart(signal.SIGKILL)
        self.assertEqual(before, self.filters())
        self.assertEqual("ECONNREFUSED", self.place.answer("tcp4 connect=127.0.0.1:7004"))

    def test_13_slow_reader_of_events_holds_up_nobody(self):
        self.policy("block connect proto tcp to 127.0.0.1 port 7005")
        slow = self.engine.monitor("--drops")
        slow.process.send_signal(signal.SIGSTOP)
        knocker = self.knock(7005)
        time.sleep(2)
        quick = self.engine.monitor("--drops")
        quick.wait_for(lambda event: True, "an event for the quick one")
        answers, tries = self.finish(knocker)
        self.assertEqual(["EACCES"], answers)
        self.assertGreater(tries, 10)
        self.assertEqual(1, len({f["sublayer"] for f in self.filters()}))
        slow.process.send_signal(signal.SIGCONT)
        slow.stop()
        quick.stop()


if __name__ == "__main__":
    main()
