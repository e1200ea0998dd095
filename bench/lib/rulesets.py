"""Sets of rules for the connect bench. None decides the measured flows but ours' last one.

The measured flows go to MEASURED_PORTS at 127.0.0.1 or in MEASURED_NET. Sets for peers are the ones
those do best with; ours are what nft can hold in no set or map: ordered, overlapping, nested
prefixes, port ranges, any-address rules, programs and users. The seed is fixed.
"""
import random

MEASURED_PORTS = range(7777, 7779)
MEASURED_NET = "192.168."

PROGRAMS = 500


def distinct(count):
    """(source, destination, port), all different: exact rules that nothing measured matches."""
    for i in range(count):
        yield (f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", f"198.18.{i >> 8 & 255}.{i & 255}",
               1024 + i % 6000)


def nft_chain(rules, extra=()):
    return "\n".join(["table inet bench {", *extra, "chain rules {", *rules, "}",
                      "chain out { type filter hook output priority 0; jump rules; }",
                      "chain in { type filter hook input priority 0; jump rules; }", "}", ""])


def nft_linear(count):
    return nft_chain(f"ip saddr {a} ip daddr {b} tcp dport {p} drop" for a, b, p in distinct(count))


def nft_hash(count):
    elements = ", ".join(f"{a} . {b} . {p}" for a, b, p in distinct(count))
    return nft_chain(["ip saddr . ip daddr . tcp dport @held drop"],
                     ["set held { type ipv4_addr . ipv4_addr . inet_service;",
                      f"size {2 * count}; elements = {{ {elements} }} }}"])


def nft_interval(count):
    """First fields all differ: otherwise the kernel needs minutes to load it, and holds its CPU."""
    elements = ", ".join(
        f"{11 + (i >> 20)}.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/28 . "
        f"198.{18 + (i >> 16 & 1)}.{i >> 8 & 255}.0/24 . {1024 + i % 5000}-{1124 + i % 5000} : drop"
        for i in range(count))
    return nft_chain(["ip saddr . ip daddr . tcp dport vmap @held"],
                     ["map held { type ipv4_addr . ipv4_addr . inet_service : verdict;",
                      f"flags interval; elements = {{ {elements} }} }}"])


def iptables(count):
    lines = ["*filter", ":RULES -", "-A OUTPUT -j RULES", "-A INPUT -j RULES"]
    lines += [f"-A RULES -s {a} -d {b} -p tcp --dport {p} -j DROP" for a, b, p in distinct(count)]
    return "\n".join(lines + ["COMMIT", ""])


def prefix(rng, nets):
    """A prefix in one of the networks that the set speaks of: they nest and overlap."""
    length = rng.choice((16, 20, 24, 24, 24, 28, 32, 32, 32))
    address = (rng.choice(nets) << 16 | rng.getrandbits(16)) >> (32 - length) << (32 - length)
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{length}"


def ports(rng):
    """A port or a range that the measured ports are not in."""
    low = rng.randrange(1, 65000)
    high = low if rng.random() < 0.5 else low + rng.randrange(1, 500)
    if low <= MEASURED_PORTS[-1] and high >= MEASURED_PORTS[0]:
        return ports(rng)
    return str(low) if low == high else f"{low}-{high}"


def rule(rng, nets, layer, side):
    words = [rng.choice(("block", "permit")), layer, "ipv4", "tcp" if rng.random() < 0.8 else "udp"]
    if rng.random() < 0.4:
        words.append(f"app /opt/bench/program{rng.randrange(PROGRAMS)}")
    if rng.random() < 0.3:
        words.append(f"user {rng.randrange(20000, 20200)}")
    everywhere = rng.random() < 0.03
    if not everywhere:
        words.append(f"{side} {prefix(rng, nets)}")
    if everywhere or rng.random() < 0.7:
        words.append(f"port {ports(rng)}")
    return " ".join(words)


def ours(count, layers=(("connect", "to"),), protocols="proto { tcp, udp }"):
    """A policy of `count` filters a layer, of which the last decides what is measured."""
    rng = random.Random(count)
    nets = [rng.randrange(10 << 8, 11 << 8) for _ in range(64)]
    nets += [rng.randrange(172 << 8 | 16, 172 << 8 | 32) for _ in range(8)]
    lines = ['sublayer "bench"']
    for layer, side in layers:
        lines += [rule(rng, nets, layer, side) for _ in range(count - 1)]
        lines.append(f"permit {layer} ipv4 {protocols}")
    return "\n".join(lines) + "\n"
