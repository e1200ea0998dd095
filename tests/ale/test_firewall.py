"""S12: the same answers with an empty nftables rule set and beside a busy one."""
import subprocess

from case import EngineCase, main
from place import INSIDE4, OUTSIDE4

BUSY = """
table inet busy {
    set rare { type ipv4_addr . inet_service; elements = { 198.51.100.7 . 443 } }
    chain input {
        type filter hook input priority 0; policy accept;
        ct state established,related accept
        ct state invalid drop
        meta l4proto { icmp, ipv6-icmp } accept
        ip saddr . tcp dport @rare drop
        tcp dport { 80, 81, 8080 } ct state new counter accept
    }
    chain output {
        type filter hook output priority 0; policy accept;
        ct state established,related accept
        ip daddr 198.51.100.0/24 reject
        meta l4proto { tcp, udp } counter accept
    }
    chain nat { type nat hook postrouting priority 100; }
}
"""


class Firewall(EngineCase):
    def rules(self, text):
        for namespace in (self.place.inside, self.place.outside):
            subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", "nft", "-f", "-"],
                           input="flush ruleset\n" + text, text=True, check=True)

    def answers(self):
        """Everything that a policy with permits and blocks makes programs see."""
        there = self.place.serve("tcp4 bind=0.0.0.0:80 listen", covered=False)
        here = self.place.serve("tcp4 bind=0.0.0.0:8080 listen")
        shut = self.place.serve("tcp4 bind=0.0.0.0:8081 listen")
        answers = [
            self.place.sock(f"tcp4 connect={OUTSIDE4}:80 send recv"),
            self.place.sock(f"tcp4 connect={OUTSIDE4}:81"),
            self.place.sock(f"udp4 sendto={OUTSIDE4}:54 udp4 connect={OUTSIDE4}:54"),
            self.place.sock(f"tcp4 bind={INSIDE4}:82"),
            self.place.sock(f"icmp4 sendto={OUTSIDE4}:0 recv"),
            self.place.sock(f"tcp4 connect={INSIDE4}:8080 send recv", covered=False),
            self.place.sock(f"tcp4 timeout=3000 connect={INSIDE4}:8081", covered=False),
        ]
        for server in (there, here, shut):
            server.stop()
        return answers

    def test_s12_nftables_empty_or_busy_changes_no_answer(self):
        self.policy("block connect tcp port 81", "block connect udp port 54", "block bind port 82",
                    "block accept tcp port 8081")
        self.rules("")
        empty = self.answers()
        self.rules(BUSY)
        busy = self.answers()
        self.rules("")
        self.assertEqual(empty, busy)
        self.assertEqual(["ok", "EACCES", "EACCES", "EACCES", "ok", "ok", "ECONNREFUSED"],
                         [answer[-1][1] for answer in empty])


if __name__ == "__main__":
    main()
