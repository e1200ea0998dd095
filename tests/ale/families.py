"""The three ways an address is spoken to: IPv4, IPv6, and IPv4 through an IPv6 socket."""
from dataclasses import dataclass

from place import INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6


@dataclass(frozen=True)
class Family:
    name: str
    digit: str       # of the socket steps: tcp4, udp6
    inside: str      # as the socket program writes addresses
    outside: str
    any: str
    outside_rule: str  # as the policy language writes them
    inside_rule: str

    def __str__(self):
        return self.name

    def own(self, port):
        return f"{self.inside}:{port}"

    def peer(self, port):
        return f"{self.outside}:{port}"


V4 = Family("v4", "4", INSIDE4, OUTSIDE4, "0.0.0.0", OUTSIDE4, INSIDE4)
V6 = Family("v6", "6", f"[{INSIDE6}]", f"[{OUTSIDE6}]", "[::]", OUTSIDE6, INSIDE6)
MAPPED = Family("v4-mapped", "6", f"[::ffff:{INSIDE4}]", f"[::ffff:{OUTSIDE4}]", "[::]", OUTSIDE4,
                INSIDE4)
FAMILIES = (V4, V6, MAPPED)
NATIVE = (V4, V6)
