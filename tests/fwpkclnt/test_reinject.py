"""S9: a driver injects its clone of a datagram before, or after, the second classify has permitted;
real sockets, both families."""
from case import each, main
from driver_case import DriverCase
from families import NATIVE

EARLY, LATE, EARLY_BLOCKED = 5001, 5002, 5003


class Reinject(DriverCase):
    driver = "reinject_driver"
    built = "tests/fwpkclnt"

    @each(*NATIVE)
    def test_s9_in_both_orders(self, family):
        self.load()
        for port, wanted in ((EARLY, "ok"), (LATE, "ok"), (EARLY_BLOCKED, "ECONNREFUSED")):
            with self.subTest(port=port):
                server = self.place.serve(f"udp{family.digit} bind={family.any}:{port}",
                                          covered=False)
                self.expect(wanted, f"udp{family.digit} timeout=5000 connect={family.peer(port)} "
                                    "send recv")
                server.stop()
        self.reset()


if __name__ == "__main__":
    main()
