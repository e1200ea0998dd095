"""Packets made up by a peer so that filters read something else than the kernel does."""
import socket
import struct

from case import EngineCase, each, main
from place import INSIDE6, OUTSIDE6

UDP, OPTIONS, HEADERS_READ = 17, 60, 6
PEER = """
import socket, sys
answers = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
answers.bind((sys.argv[1], 4444))
answers.settimeout(0.5)
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[2], 0))
try:
    print(answers.recv(100).decode())
except TimeoutError:
    print("nothing")
"""


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(port, headers):
    """A UDP packet of IPv6 behind so many headers of options for the destination."""
    ends = socket.inet_pton(socket.AF_INET6, OUTSIDE6) + socket.inet_pton(socket.AF_INET6, INSIDE6)
    text = b"hello!"
    size = 8 + len(text)
    head = struct.pack(">HHH", 4444, port, size)
    sum_ = checksum(ends + struct.pack(">II", size, UDP) + head + b"\0\0" + text)
    chain = b"".join(bytes([UDP if i == headers - 1 else OPTIONS, 0, 1, 4, 0, 0, 0, 0])
                     for i in range(headers))
    body = chain + head + struct.pack(">H", sum_) + text
    return struct.pack(">IHBB", 6 << 28, len(body), OPTIONS if headers else UDP, 64) + ends + body


class Packets(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for port in (53, 54):
            cls.place.serve(f"udp6 bind=[::]:{port}")
        cls.engine.apply("block accept udp port 53")

    def tearDown(self):
        pass

    def heard(self, port, headers):
        code, output = self.place.run("python3", "-c", PEER, OUTSIDE6, INSIDE6,
                                      datagram(port, headers).hex(), covered=False)
        self.assertEqual(0, code, output)
        return output.strip()

    def test_headers_that_are_read_do_not_hide_a_port(self):
        self.assertEqual("hello!", self.heard(54, HEADERS_READ))
        self.assertEqual("nothing", self.heard(53, HEADERS_READ))

    @each(HEADERS_READ + 1, HEADERS_READ + 2)
    def test_what_has_more_headers_than_are_read_is_dropped(self, headers):
        self.assertEqual("nothing", self.heard(53, headers))


if __name__ == "__main__":
    main()
