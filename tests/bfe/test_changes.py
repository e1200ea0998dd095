"""A large policy that changes little by little: each commit is in force when it returns.

A round changes few filters of many, so the policy in the kernel is changed in place; there are so
many rounds that it is also made anew in the background.
"""
import signal

from case import EngineCase, main

FILTERS, CHANGED, ROUNDS = 3000, 100, 15
PORTS = range(7201, 7205)


class Changes(EngineCase):
    def setUp(self):
        self.fillers = [self.filler(number) for number in range(FILTERS)]
        self.rounds = 0

    @staticmethod
    def filler(number):
        return f"block connect tcp to 198.18.{number >> 8 & 255}.{number & 255} port {number}"

    def change(self):
        """Other fillers, and the measured ports blocked in turn; returns those that are."""
        blocked = {port for port in PORTS if port % 4 == self.rounds % 4}
        self.rounds += 1
        for i in range(CHANGED):
            place = (self.rounds * CHANGED + i) * 7 % FILTERS
            self.fillers[place] = self.filler(FILTERS + self.rounds * CHANGED + i)
        self.policy(*self.fillers,
                    *(f"{'block' if port in blocked else 'permit'} connect tcp port {port}"
                      for port in PORTS))
        return blocked

    def check(self, blocked):
        for port in PORTS:
            self.expect("EACCES" if port in blocked else "ECONNREFUSED",
                        f"tcp4 connect=192.0.2.2:{port}")

    def test_each_commit_is_in_force_when_it_returns(self):
        for _ in range(ROUNDS):
            self.check(self.change())

    def test_a_bfe_that_died_finds_the_changed_policy(self):
        for _ in range(3):
            blocked = self.change()
        self.engine.stop(signal.SIGKILL)
        self.check(blocked)
        self.engine.start()
        self.check(blocked)
        self.check(self.change())


if __name__ == "__main__":
    main()
