"""A change of policy decides again about what is connected already (S10, 15.9 to 15.11)."""
import os
import shutil
import signal
import subprocess

from case import EngineCase, each, main
from engine import event_is
from families import FAMILIES, NATIVE, V4, V6
from place import wait_until
from servers import PYTHON, Sshd

POLICY_CHANGE = 1
WWW_DATA = 33
MANY = 2000
GONE = ("ECONNABORTED", "ECONNRESET")  # here, and at the peer
FILLER = [f"permit connect udp port {1000 + n}" for n in range(300)]  # too many for one change

OPEN_MANY = """
import resource, socket, sys
address, family, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (10000, 10000))
peers = [socket.create_connection((address, 80 + n % 2)) for n in range(count)]
print("waiting", flush=True)
sys.stdin.readline()
def lives(peer):
    try:
        peer.send(b"x")
        return 1
    except ConnectionAbortedError:
        return 0
for remainder in 0, 1:
    print(sum(lives(peer) for peer in peers[remainder::2]))
"""

ACCEPT_MANY = """
import resource, selectors, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (10000, 10000))
selector, held = selectors.DefaultSelector(), []
for port in 80, 81:
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True,
                                    backlog=4096)
    selector.register(listener, selectors.EVENT_READ)
print("serving", flush=True)
while True:
    for key, _ in selector.select():
        held.append(key.fileobj.accept()[0])
"""

ENDLESS = """
import http.server, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.done.wait(0.05):
            self.wfile.write(b"x" * 1000)
class Server(http.server.ThreadingHTTPServer):
    address_family = 10
    done = threading.Event()
servers = [Server(("::", port), Page) for port in (7000, 7001)]
print("serving", flush=True)
for server in servers:
    threading.Thread(target=server.serve_forever).start()
"""

# Sends a SYN as nobody would; answers the SYN-ACK when told to.
HALF_OPEN = """
import socket, struct, sys
source, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
def segment(flags, seq, ack):
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!HHIIBBHHH", 40000, port, seq, ack, 0x50, flags, 64000, 0, 0)
    sum_ = checksum(ends + struct.pack("!BBH", 0, 6, len(head)) + head)
    tcp = head[:16] + struct.pack("!H", sum_) + head[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0) + ends + tcp
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
heard.settimeout(10)
def answer():
    while True:
        packet = heard.recv(2048)
        if packet[9] == 6 and packet[16:20] == socket.inet_aton(source):
            return struct.unpack("!HHIIBB", packet[20:34])
out.sendto(segment(2, 1000, 0), (target, 0))
their = answer()[2]
print("waiting", flush=True)
sys.stdin.readline()
out.sendto(segment(16, 1001, their + 1), (target, 0))
flags = 0
while not flags & 4:
    flags = answer()[5]
print("reset")
"""

LISTEN_TOGETHER = """
import socket, sys
listeners = [socket.create_server((sys.argv[1], 7000), reuse_port=True)
             for n in range(int(sys.argv[2]))]
print("serving", flush=True)
sys.stdin.read()
"""


class Reauthorize(EngineCase):
    def tearDown(self):
        super().tearDown()
        self.engine.try_wfp("delete", "--policy", "manual")

    def hold(self, steps, **where):
        """A program that waits in recv on a connection, for longer than a test takes."""
        waiting = self.place.pause(f"{steps} wait timeout=90000 recv", **where)
        waiting.tell()
        return waiting

    def listener(self, family, address, **where):
        """Accepts one connection; returns before it does."""
        program = self.place.start(
            self.place.sock_program, f"tcp{family.digit}", f"bind={address}", "listen", "timeout=0",
            "accept", "wait", "timeout=90000", "recv", stdin=subprocess.PIPE, **where)
        self.place.await_port(program, int(address.rpartition(":")[2]))
        return program

    def pair(self, family, port, inbound):
        """Both ends of a connection: the covered one, and its peer."""
        server = self.listener(family, (family.own if inbound else family.peer)(port),
                               covered=inbound)
        client = self.hold(
            f"tcp{family.digit} connect={(family.own if inbound else family.peer)(port)}",
            covered=not inbound)
        self.place.await_line(server, "waiting")
        server.tell()
        return (server, client) if inbound else (client, server)

    @staticmethod
    def seen(program):
        """What its recv ended in."""
        output, _ = program.process.communicate(timeout=100)
        return output.split()[-1]

    def assert_ended(self, pair):
        self.assertEqual(GONE, tuple(map(self.seen, pair)))

    def assert_lives(self, *pairs):
        """One end is killed, so the other gets its end in order, after all this time."""
        for ours, theirs in pairs:
            ours.stop(signal.SIGKILL)
            self.assertEqual("ENODATA", self.seen(theirs))

    @each(*((family, inbound) for family in FAMILIES for inbound in (False, True)))
    def test_15_10_a_blocked_connection_ends_at_both_ends_at_once(self, family, inbound):
        layer = "accept" if inbound else "connect"
        self.policy("permit connect", "permit accept")
        doomed, other = self.pair(family, 7000, inbound), self.pair(family, 7001, inbound)
        self.policy(f"block {layer} tcp port 7000", "permit connect", "permit accept")
        self.assert_ended(doomed)
        self.assert_lives(other)

    @each(False, True)
    def test_s10_by_one_filter_in_place(self, inbound):
        layer = "accept" if inbound else "connect"
        self.policy("permit connect udp", "permit accept udp")
        doomed = [self.pair(family, 7000, inbound) for family in NATIVE]
        others = [self.pair(family, 7001, inbound) for family in NATIVE]
        self.engine.wfp("add", f"block {layer} tcp port 7000")
        for pair in doomed:
            self.assert_ended(pair)
        self.assert_lives(*others)

    def test_s10_by_a_whole_policy(self):
        self.policy("permit connect udp")
        doomed, other = self.pair(V4, 7000, False), self.pair(V4, 7001, False)
        self.policy("block connect tcp port 7000", *FILLER)
        self.assert_ended(doomed)
        self.assert_lives(other)

    def test_s10_by_a_permit_that_is_gone(self):
        self.policy("permit connect tcp port 7000", "permit connect tcp port 7001",
                    "block connect tcp")
        doomed, other = self.pair(V6, 7000, False), self.pair(V6, 7001, False)
        self.policy("permit connect tcp port 7001", "block connect tcp")
        self.assert_ended(doomed)
        self.assert_lives(other)

    def test_s10_what_another_sublayer_holds_against_a_block_goes_on(self):
        self.policy("permit connect udp")
        kept = self.pair(V4, 7000, False)
        self.policy('sublayer "high" weight 0x9000', "hard permit connect tcp port 7000",
                    'sublayer "low" weight 0x8000', "block connect tcp")
        self.assert_lives(kept)

    def test_s10_the_first_policy_decides_about_what_was_there_before(self):
        self.policy("permit bind")
        pairs = [self.pair(V4, 7000, False), self.pair(V4, 7001, True)]
        self.policy("block connect tcp", "block accept tcp")
        for pair in pairs:
            self.assert_ended(pair)

    # What is not quite a connection

    @each(*NATIVE)
    def test_s10_a_connect_in_progress_fails_at_once(self, family):
        self.policy("permit connect udp")
        nobody = {"4": "192.0.2.77:7000", "6": "[2001:db8::77]:7000"}[family.digit]
        waiting = self.place.start(self.place.sock_program, f"tcp{family.digit}",
                                   f"connect={nobody}")
        self.await_state(waiting, "02")
        self.policy("block connect tcp port 7000")
        self.assertEqual("ECONNABORTED", self.seen(waiting))

    def await_state(self, program, state, count=1):
        """Until so many connections of the program's namespace are in the state."""
        def are_there():
            lines = []
            for table in "tcp", "tcp6":
                with open(f"/proc/{program.pid}/net/{table}", encoding="ascii") as sockets:
                    lines += list(sockets)[1:]
            return [line.split()[3] for line in lines].count(state) == count
        wait_until(are_there, f"{count} in state {state}")

    @each(*((family, backlog) for family in NATIVE for backlog in (16, 0)))
    def test_s10_what_is_not_accepted_yet_ends(self, family, backlog):
        self.policy("permit accept udp", "block connect")
        server = self.place.pause(
            f"tcp{family.digit} bind={family.own(7000)} listen={backlog} wait")
        client = self.hold(f"tcp{family.digit} connect={family.own(7000)}", covered=False)
        self.policy("block accept tcp port 7000")
        self.assertEqual("ECONNRESET", self.seen(client))
        server.stop()

    def hardware(self):
        """The outer end's hardware address."""
        shown = self.place.run("ip", "-o", "link", "show", "veth0", covered=False)[1]
        return shown.partition("link/ether ")[2].split()[0]

    @each(*((cookies, listeners) for cookies in (0, 2) for listeners in (1, 2)))
    def test_s10_a_handshake_in_progress_ends(self, cookies, listeners):
        """Without cookies the listener remembers the half of it; with them it remembers nothing."""
        stranger = "192.0.2.50"
        self.place.sysctl(self.place.inside, "net/ipv4/tcp_syncookies", str(cookies))
        self.place.run("ip", "neigh", "replace", stranger, "lladdr", self.hardware(), "dev",
                       "veth0", "nud", "permanent")
        self.policy("permit accept tcp port 7000", "block accept")
        server = self.place.start(PYTHON, "-c", LISTEN_TOGETHER, V4.inside, str(listeners),
                                  stdin=subprocess.PIPE)
        self.place.await_line(server, "serving")
        peer = self.place.start(PYTHON, "-c", HALF_OPEN, stranger, V4.inside, "7000",
                                covered=False, stdin=subprocess.PIPE)
        self.place.await_line(peer, "waiting")
        self.await_state(server, "03", 0 if cookies else 1)
        self.policy("block accept")
        self.await_state(server, "03", 0)
        peer.tell()
        self.assertEqual("reset", self.seen(peer))
        self.await_state(server, "01", 0)

    # Which layer made it, and whose it is

    @each(*((family, *how) for family in NATIVE for how in (
        ("", False), ("bind={}:0", False), ("bind={}:7100", False), ("16", True))))
    def test_15_9_the_layer_that_made_a_connection_is_the_one_that_is_asked(self, family, how,
                                                                            inbound):
        """Nothing is remembered of most sockets: the direction is told from the socket."""
        own, other = ("accept", "connect") if inbound else ("connect", "accept")

        def connect():
            if not inbound:
                return self.outbound(family, how.format(family.inside))
            server = self.place.pause(f"tcp{family.digit} bind={family.own(7000)} listen={how} "
                                      "wait accept timeout=90000 recv")
            client = self.hold(f"tcp{family.digit} connect={family.own(7000)}", covered=False)
            server.tell()
            self.await_state(server, "0A", 0)
            return server, client
        self.policy(f"permit {own}")
        first = connect()
        self.policy(f"block {other} tcp", f"permit {own}")
        self.assert_lives(first)
        self.policy(f"permit {own}")
        second = connect()
        self.policy(f"block {own} tcp")
        self.assert_ended(second)

    def outbound(self, family, bind="", **where):
        """As pair(); the covered one is started as `where` says."""
        server = self.listener(family, family.peer(7000), covered=False)
        client = self.hold(f"tcp{family.digit} {bind} connect={family.peer(7000)}", **where)
        self.place.await_line(server, "waiting")
        server.tell()
        return client, server

    @each(*((family, *who) for family in NATIVE for who in (
        ("user www-data", {"uid": WWW_DATA}), ("group 4242", {"groups": (12, 4242), "uid": 65534}),
        ("app {twin}", {"program": "{twin}"}))))
    def test_s10_the_holder_of_a_socket_is_known(self, family, condition, who):
        twin = os.path.join(self.place.scratch, "twin")
        shutil.copy(self.place.sock_program, twin)
        who = {key: twin if value == "{twin}" else value for key, value in who.items()}
        self.policy("permit connect udp")
        doomed, other = self.outbound(family, **who), self.pair(family, 7001, False)
        self.policy(f"block connect {condition.format(twin=twin)}")
        self.assert_ended(doomed)
        self.assert_lives(other)

    @each(*NATIVE)
    def test_s10_an_accepted_connection_is_its_listeners(self, family):
        self.policy("permit accept udp")
        servers = [self.place.serve(f"tcp{family.digit} bind={family.own(port)} listen", uid=uid)
                   for port, uid in ((7000, WWW_DATA), (7001, None))]
        clients = [self.hold(f"tcp{family.digit} connect={family.own(port)}", covered=False)
                   for port in (7000, 7001)]
        self.policy("block accept user www-data")
        self.assertEqual("ECONNRESET", self.seen(clients[0]))
        self.assert_lives((servers[1], clients[1]))

    # What is real

    def download(self, host, port):
        """curl, a page that never ends, and what has come of it."""
        page = os.path.join(self.place.scratch, f"page-{port}")
        curl = self.place.start("/usr/bin/curl", "-sSN", "--noproxy", "*", "-o", page,
                                f"http://{host}:{port}/")
        wait_until(lambda: os.path.exists(page) and os.path.getsize(page), "a page")
        return curl, page

    @each(*NATIVE)
    def test_s10_a_download_of_curl_stops(self, family):
        self.policy("permit connect udp")
        server = self.place.start(PYTHON, "-c", ENDLESS, covered=False)
        self.place.await_line(server, "serving")
        doomed, _ = self.download(family.outside, 7000)
        other, page = self.download(family.outside, 7001)
        self.policy("block connect app /usr/bin/curl tcp port 7000")
        self.assertEqual(56, doomed.process.wait(100))
        self.assertIn("connection abort", doomed.process.stdout.read())
        size = os.path.getsize(page)
        wait_until(lambda: os.path.getsize(page) > size, "more of the other page")
        os.unlink(page)
        os.unlink(page.replace("7001", "7000"))
        other.stop()
        server.stop()

    @each(*NATIVE)
    def test_s10_a_login_by_ssh_stops(self, family):
        self.policy("permit accept udp")
        sshd = Sshd(self.place, 7022 + int(family.digit))
        login = self.place.start(
            "/usr/bin/ssh", "-F", "/dev/null", "-i", sshd.key, "-p", str(sshd.port), "-o",
            "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            f"root@{family.inside.strip('[]')}", "echo hello; exec sleep 60",
            covered=False)
        self.place.await_line(login, "hello")
        self.policy("block accept app /usr/sbin/sshd")
        self.assertEqual(255, login.process.wait(100))

    @each(*NATIVE)
    def test_s10_two_thousand_connections_are_seen(self, family):
        self.policy("permit connect udp")
        server = self.place.start(PYTHON, "-c", ACCEPT_MANY, covered=False)
        self.place.await_line(server, "serving")
        client = self.place.start(PYTHON, "-c", OPEN_MANY, family.outside.strip("[]"),
                                  family.digit, str(MANY), stdin=subprocess.PIPE)
        self.place.await_line(client, "waiting")
        self.policy("block connect tcp port 80")
        self.await_state(client, "01", MANY // 2)
        client.tell()
        self.assertEqual(["0", str(MANY // 2)], client.process.communicate(timeout=100)[0].split())
        server.stop()

    # What goes by packets

    @staticmethod
    def is_connected(program, port):
        """Whether a datagram socket where the program lives is connected to the port."""
        for table in ("udp", "udp6"):
            with open(f"/proc/{program.process.pid}/net/{table}", encoding="ascii") as file:
                if any(line.split()[2].endswith(f":{port:04X}") for line in file):
                    return True
        return False

    @each(*FAMILIES)
    def test_s10_a_connected_datagram_socket_loses_its_peer(self, family):
        """No hook sees what it sends; the error tells it, and then it is nobody's peer."""
        udp = f"udp{family.digit}"
        self.policy("permit connect udp")
        self.place.serve(f"{udp} bind={family.any}:53", covered=False)
        self.place.serve(f"{udp} bind={family.any}:54", covered=False)
        doomed, other = (self.place.pause(
            f"{udp} connect={family.peer(port)} send recv wait send send") for port in (53, 54))
        idle = self.hold(f"{udp} connect={family.peer(53)} send recv")
        self.policy("block connect udp port 53")
        self.assertEqual("ECONNABORTED", self.seen(idle))
        wait_until(lambda: not self.is_connected(doomed, 53), "the other socket's end")
        self.assertEqual(["EDESTADDRREQ", "EDESTADDRREQ"],
                         [answer for _, answer in self.place.finish(doomed)[-2:]])
        self.assertEqual(["ok", "ok"], [answer for _, answer in self.place.finish(other)[-2:]])

    @each(*NATIVE)
    def test_15_9_other_flows_are_asked_again_by_their_next_packet(self, family):
        self.policy("permit connect")
        self.place.serve(f"udp{family.digit} bind={family.any}:53", covered=False)
        sending = self.place.pause(f"udp{family.digit} sendto={family.peer(53)} recv wait "
                                   f"sendto={family.peer(53)}")
        echo = "icmp" if family is V4 else "icmp6"
        asking = self.place.pause(f"icmp{family.digit} sendto={family.peer(0)} recv wait "
                                  f"timeout=300 sendto={family.peer(0)} recv")
        self.policy("block connect udp", f"block connect {echo}")
        self.assertEqual(("sendto", "EACCES"), self.place.finish(sending)[-1])
        self.assertEqual(("recv", "EAGAIN"), self.place.finish(asking)[-1])

    # What is asked and told

    def test_15_11_bind_and_listen_are_not_asked_again(self):
        self.policy("permit listen", "permit bind")
        server = self.place.serve(f"tcp4 bind={V4.own(7000)} listen")
        peer = f"tcp4 timeout=3000 connect={V4.own(7000)}"
        self.policy("block listen", "block bind")
        self.expect("ok", f"{peer} send recv", covered=False)
        held = self.hold(peer, covered=False)
        self.await_state(server, "01")
        self.policy("block listen", "block bind", "block accept")
        self.assertEqual("ECONNRESET", self.seen(held))
        self.expect("ECONNREFUSED", peer, covered=False)
        self.policy("permit accept")
        self.expect("ok", f"{peer} send recv", covered=False)

    @each(False, True)
    def test_s10_events_say_that_it_was_asked_again_and_why(self, inbound):
        layer = "accept" if inbound else "connect"
        self.policy(f"permit {layer}")
        monitor = self.engine.monitor("--all")
        doomed, other = self.pair(V4, 7000, inbound), self.pair(V4, 7001, inbound)
        self.policy(f"block {layer} tcp port 7000", f"permit {layer}")
        side = "local_port" if inbound else "remote_port"
        for port, verdict in ((7000, "block"), (7001, "permit")):
            monitor.wait_for(event_is(layer, "tcp", verdict=verdict, **{
                side: port, "reauthorize_reason": POLICY_CHANGE}), f"{verdict} again")
            first = monitor.wait_for(event_is(layer, "tcp", **{side: port}), "the first")
            self.assertEqual(("permit", 0), (first["verdict"], first["reauthorize_reason"]))
        monitor.stop()
        self.assert_ended(doomed)
        self.assert_lives(other)

    def test_3_12_and_3_13_the_flag_and_the_reason_can_be_conditions(self):
        self.policy("permit connect udp")
        doomed = self.pair(V4, 7000, False)
        self.policy("block connect tcp flags reauthorize")
        self.assert_ended(doomed)
        fresh = self.pair(V4, 7000, False)
        self.policy("permit accept udp", "block connect tcp port 99")
        self.assert_lives(fresh)

    def test_s10_bfe_killed_right_after_the_commit_does_it_when_it_is_back(self):
        self.policy("permit connect udp")
        doomed, other = self.pair(V4, 7000, False), self.pair(V4, 7001, False)
        self.policy("block connect tcp port 7000")
        self.engine.stop(signal.SIGKILL)
        self.engine.start()
        self.assert_ended(doomed)
        self.assert_lives(other)

    def test_s10_bfe_killed_and_back_knows_whose_a_connection_is(self):
        self.policy("permit connect udp")
        doomed, other = self.pair(V4, 7000, False), self.pair(V4, 7001, False)
        self.engine.stop(signal.SIGKILL)
        self.engine.start()
        self.policy(f"block connect app {self.place.sock_program} tcp port 7000")
        self.assert_ended(doomed)
        self.assert_lives(other)


if __name__ == "__main__":
    main()
