"""Real servers in a place: python's http.server, nginx, sshd, a small one for DNS."""
import os
import subprocess

PYTHON = os.path.realpath("/usr/bin/python3")
# http.server as "python3 -m http.server" runs it, but for the DNS query about its own name.
HTTP_SERVER = """
import functools, http.server, socket, sys
address, port, pages = sys.argv[1:]
socket.getfqdn = lambda name="": name
http.server.test(functools.partial(http.server.SimpleHTTPRequestHandler, directory=pages),
                 port=int(port), bind=address)
"""


def http_server(place, port, address="::", **where):
    """python's http.server, with one page."""
    pages = os.path.join(place.scratch, "pages")
    os.makedirs(pages, exist_ok=True)
    with open(os.path.join(pages, "index.html"), "w", encoding="ascii") as page:
        page.write("hello from python\n")
    server = place.start(PYTHON, "-c", HTTP_SERVER, address, str(port), pages, **where)
    place.await_port(server, port)
    return server

# Answers every question about an address with 198.51.100.7.
DNS_SERVER = """
import socket, sys
address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as server:
    server.bind((address, int(port)))
    print("serving", flush=True)
    while True:
        query, peer = server.recvfrom(512)
        end = query.index(0, 12) + 5  # of the question: its name, type and class
        server.sendto(query[:2] + bytes.fromhex("8400 0001 0001 0000 0000") + query[12:end]
                      + bytes.fromhex("c00c 0001 0001 00000000 0004 c6336407"), peer)
"""
DNS_ANSWER = "198.51.100.7"


def dns_server(place, port, address, **where):
    server = place.start(PYTHON, "-c", DNS_SERVER, address, str(port), **where)
    place.await_line(server, "serving")
    return server

# Echoes as long as there is something to echo.
ECHO_SERVER = """
import socket, sys
address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.create_server((address, int(port)), family=family) as server:
    print("serving", flush=True)
    connection = server.accept()[0]
    while data := connection.recv(4096):
        connection.sendall(data)
"""


def echo_server(place, port, address, **where):
    server = place.start(PYTHON, "-c", ECHO_SERVER, address, str(port), **where)
    place.await_line(server, "serving")
    return server


def nginx(place, port, **where):
    """nginx with its configuration, logs and pid file in the scratch directory."""
    home = os.path.join(place.scratch, f"nginx-{port}")
    os.makedirs(home, exist_ok=True)
    configuration = os.path.join(home, "nginx.conf")
    temporary = "".join(f"{kind}_temp_path {home}/{kind};"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(configuration, "w", encoding="ascii") as file:
        file.write(f"daemon off; pid {home}/pid; error_log {home}/error.log;\n"
                   f"events {{}} http {{ access_log off; {temporary} server {{\n"
                   f"listen {port}; listen [::]:{port}; return 200 'hello from nginx\\n'; }} }}\n")
    server = place.start("/usr/sbin/nginx", "-c", configuration, "-p", home, "-e",
                         f"{home}/error.log", **where)
    place.await_port(server, port)
    return server


class Sshd:
    """sshd with keys of its own; login() runs a command over it as root."""

    def __init__(self, place, port, **where):
        self.place, self.port = place, port
        home = os.path.join(place.scratch, f"sshd-{port}")
        os.makedirs(home, mode=0o700, exist_ok=True)
        self.key = os.path.join(home, "user")
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            os.path.join(home, key)], check=True)
        if not os.path.isdir("/run/sshd"):
            os.mkdir("/run/sshd")
            place.undo.callback(os.rmdir, "/run/sshd")
        self.server = place.start(
            "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", os.path.join(home, "host"),
            "-p", str(port), "-o", f"PidFile={home}/pid", "-o", "UsePAM=no",
            "-o", f"AuthorizedKeysFile={self.key}.pub", "-o", "StrictModes=no",
            "-o", "PermitRootLogin=yes", **where)
        place.await_port(self.server, port)

    def login(self, address, command, **where):
        return self.place.run(
            "/usr/bin/ssh", "-F", "/dev/null", "-i", self.key, "-p", str(self.port),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
            f"root@{address}", command, **where)


def curl(place, address, port, *options, **where):
    """(exit code, output): 0 got the page, 7 couldn't connect."""
    host = f"[{address}]" if ":" in address else address
    return place.run("/usr/bin/curl", "-sS", "--noproxy", "*", "--max-time", "8", *options,
                     f"http://{host}:{port}/", **where)
