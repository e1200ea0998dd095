"""In a guest: the programs of a server that starts. Says what reaches them, and what they reach.

Each line is "witness: WHAT", once for each WHAT; "ALIVE" when all sockets are there.
"""
import errno
import selectors
import socket
import sys
import time

PEERS = ((socket.AF_INET, "4", "192.0.2.2"), (socket.AF_INET6, "6", "2001:db8::2"))
PORTS = (80, 81)
OPEN = ((socket.SOCK_STREAM, 80, "tcp"), (socket.SOCK_DGRAM, 54, "udp"))


class Witness:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.said = set()

    def say(self, what):
        if what not in self.said:
            self.said.add(what)
            print(f"witness: {what}", flush=True)

    def listen(self):
        for family, digit, _ in PEERS:
            for kind, port, name in OPEN:
                try:
                    opened = socket.socket(family, kind)
                    if family == socket.AF_INET6:
                        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    opened.setblocking(False)
                    opened.bind(("", port))
                    if kind == socket.SOCK_STREAM:
                        opened.listen(64)
                    self.selector.register(opened, selectors.EVENT_READ, name + digit)
                except OSError as error:
                    self.say(f"no {name}{digit}: {errno.errorcode[error.errno]}")

    def hear(self):
        for key, _ in self.selector.select(0.05):
            try:
                if key.data.startswith("tcp"):
                    key.fileobj.accept()[0].close()
                else:
                    key.fileobj.recv(64)
                self.say(f"reached by {key.data}")
            except OSError:
                pass

    def knock(self):
        for family, digit, peer in PEERS:
            for port in PORTS:
                with socket.socket(family) as opened:
                    opened.settimeout(0.2)
                    answer = errno.errorcode.get(opened.connect_ex((peer, port)), "ok")
                    self.say(f"connect{digit} {port}: {answer}")
            with socket.socket(family, socket.SOCK_DGRAM) as opened:
                try:
                    opened.sendto(b"hello", (peer, 53))
                    self.say(f"sendto{digit}: ok")
                except OSError as error:
                    self.say(f"sendto{digit}: {errno.errorcode[error.errno]}")


def main():
    witness, end = Witness(), time.monotonic() + float(sys.argv[1])
    witness.listen()
    print("witness: ALIVE", flush=True)
    while time.monotonic() < end:
        witness.knock()
        witness.hear()


if __name__ == "__main__":
    main()
