"""S9: a driver injects its clone of a datagram before, or after, the second classify has permitted;
real sockets, both families."""
from case import each, main
from driver_case import DriverCase
from families import NATIVE

EARLY, LATE, EARLY_BLOCKED = 5001, 5002, 5003


class Reinject(DriverCase):
    driver = "reinject_driver"
    built = "tests/fwpkclnt"

    def asked_too_early(self):
        return self.engine.log_text().count("asked before there was a packet")

    def answer(self, steps):
        """Again when so much else ran that the question was there before the packet was."""
        while True:
            before = self.asked_too_early()
            answer = self.place.answer(steps)
            if self.asked_too_early() == before:
                return answer

    @each(*NATIVE)
    def test_s9_in_both_orders(self, family):
        self.load()
        for port, wanted in ((EARLY, "ok"), (LATE, "ok"), (EARLY_BLOCKED, "ECONNREFUSED")):
            with self.subTest(port=port):
                server = self.place.serve(f"udp{family.digit} bind={family.any}:{port}",
                                          covered=False)
                self.assertEqual(wanted, self.answer(
                    f"udp{family.digit} timeout=5000 connect={family.peer(port)} send recv"))
                server.stop()
        self.reset()


if __name__ == "__main__":
    main()
