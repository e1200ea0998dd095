"""The other end of a guest's network interface: a host that knocks all the time, and listens.

It speaks Ethernet over a Unix socket with QEMU, so that nothing of it is on this machine's network.
It answers for its own addresses (ARP, neighbour discovery, TCP's handshake), and from its first
moment sends the guest TCP SYNs, UDP datagrams and pings, over IPv4 and IPv6. What comes from the
guest is kept: (seconds, kind, port).
"""
import os
import select
import socket
import struct
import threading
import time

GUEST_MAC, PEER_MAC = bytes.fromhex("525400000001"), bytes.fromhex("525400000002")
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86dd
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
SYN, RST, ACK = 2, 4, 16
EVERY = 0.05  # seconds


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return ~total & 0xffff


class Link:
    """Addresses of both ends of one interface."""

    def __init__(self, number):
        self.number = number
        self.guest_mac = GUEST_MAC[:-2] + bytes([number, 1])
        self.peer_mac = PEER_MAC[:-2] + bytes([number, 2])
        self.guest4, self.peer4 = f"192.0.{2 + number}.1", f"192.0.{2 + number}.2"
        self.guest6, self.peer6 = f"2001:db8:{number}::1", f"2001:db8:{number}::2"


class Peer:
    def __init__(self, directory, number=0):
        self.link = Link(number)
        self.guest_path = os.path.join(directory, f"guest{number}")
        self.peer_path = os.path.join(directory, f"peer{number}")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.peer_path)
        self.seen = []
        self.sent = 0
        self.ports = 1024
        self.running = True
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        self.socket.close()

    @property
    def qemu_options(self):
        mac = self.link.guest_mac.hex(":")
        return ("-netdev", f"dgram,id=net{self.link.number},local.type=unix,"
                f"local.path={self.guest_path},remote.type=unix,remote.path={self.peer_path}",
                "-device", f"virtio-net-pci,netdev=net{self.link.number},mac={mac},romfile=")

    def _run(self):
        due = 0
        while self.running:
            if time.monotonic() >= due:
                due = time.monotonic() + EVERY
                self._knock()
            if select.select([self.socket], [], [], EVERY / 2)[0]:
                self._hear(self.socket.recv(65536))

    # Out

    def _frame(self, kind, payload):
        try:
            self.socket.sendto(self.link.guest_mac + self.link.peer_mac + struct.pack("!H", kind) +
                               payload, socket.MSG_DONTWAIT, self.guest_path)
            self.sent += 1
        except OSError:
            pass  # nobody is there yet, or nobody reads

    def _ip(self, version, protocol, make):
        """`make` gets the pseudo header and returns the transport's bytes."""
        link = self.link
        if version == 4:
            ends = socket.inet_aton(link.peer4) + socket.inet_aton(link.guest4)
            body = make(lambda size: ends + struct.pack("!BBH", 0, protocol, size))
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + ends
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
            self._frame(IPV4, head + body)
            return
        ends = (socket.inet_pton(socket.AF_INET6, link.peer6) +
                socket.inet_pton(socket.AF_INET6, link.guest6))
        body = make(lambda size: ends + struct.pack("!II", size, protocol))
        self._frame(IPV6, struct.pack("!IHBB", 0x60000000, len(body), protocol, 255) + ends + body)

    def _tcp(self, version, port, to, flags, sequence, acknowledged):
        def make(pseudo):
            head = struct.pack("!HHIIBBHHH", port, to, sequence, acknowledged, 0x50, flags, 64000,
                               0, 0)
            return head[:16] + struct.pack("!H", checksum(pseudo(20) + head)) + head[18:]
        self._ip(version, TCP, make)

    def _udp(self, version, port, to):
        def make(pseudo):
            head = struct.pack("!HHHH", port, to, 12, 0) + b"knock"[:4]
            return head[:6] + struct.pack("!H", checksum(pseudo(12) + head)) + head[8:]
        self._ip(version, UDP, make)

    def _ping(self, version):
        def make(pseudo):
            head = struct.pack("!BBHHH", 8 if version == 4 else 128, 0, 0, 7, 1)
            summed = head if version == 4 else pseudo(8) + head
            return head[:2] + struct.pack("!H", checksum(summed)) + head[4:]
        self._ip(version, ICMP if version == 4 else ICMPV6, make)

    def _knock(self):
        self.ports = 1024 + (self.ports - 1023) % 60000
        for version in (4, 6):
            self._tcp(version, self.ports, 80, SYN, 1000, 0)
            self._udp(version, self.ports, 54)
            self._ping(version)

    # In

    def _note(self, kind, port=0):
        self.seen.append((time.monotonic() - self.began, kind, port))

    def _hear(self, frame):
        kind, = struct.unpack("!H", frame[12:14])
        packet = frame[14:]
        if kind == ARP:
            self._hear_arp(packet)
        elif kind == IPV4 and len(packet) >= 20:
            self._hear_transport(4, packet[9], packet[(packet[0] & 15) * 4:])
        elif kind == IPV6 and len(packet) >= 40:
            self._hear_transport(6, packet[6], packet[40:], packet[8:24])

    def _hear_arp(self, packet):
        wanted = socket.inet_aton(self.link.peer4)
        if struct.unpack("!H", packet[6:8])[0] == 1 and packet[24:28] == wanted:
            self._frame(ARP, packet[:6] + struct.pack("!H", 2) + self.link.peer_mac + wanted +
                        packet[8:18])

    def _hear_transport(self, version, protocol, body, source=b""):
        if protocol == TCP and len(body) >= 20:
            self._hear_tcp(version, body)
        elif protocol == UDP:
            self._note(f"udp{version}", struct.unpack("!H", body[2:4])[0])
        elif protocol == ICMPV6 and body[0] == 135:
            self._advertise(source, body[8:24])
        elif (protocol, body[0]) in ((ICMP, 8), (ICMPV6, 128)):
            self._note(f"ping{version}")

    def _hear_tcp(self, version, body):
        port, to, sequence, acknowledged = struct.unpack("!HHII", body[:12])
        flags = body[13]
        if flags & (SYN | ACK) == SYN | ACK:
            self._note(f"accept{version}", port)
            self._tcp(version, to, port, ACK, acknowledged, (sequence + 1) & 0xffffffff)
        elif flags & SYN:
            self._note(f"connect{version}", to)
            self._tcp(version, to, port, SYN | ACK, 5000, (sequence + 1) & 0xffffffff)
        elif flags & RST:
            self._note(f"refused{version}", port)

    def _advertise(self, asker, target):
        if target != socket.inet_pton(socket.AF_INET6, self.link.peer6):
            return

        def make(pseudo):
            body = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + target + b"\x02\x01" + \
                self.link.peer_mac
            return body[:2] + struct.pack("!H", checksum(pseudo(len(body)) + body)) + body[4:]
        self._ip(6, ICMPV6, make)
