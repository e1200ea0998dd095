"""curl, ssh, nginx, python, ncat and ping through permit and block."""
from case import EngineCase, main
from place import INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6
from servers import PYTHON, Sshd, curl, http_server, nginx

CANNOT_CONNECT = 7
INSIDE, OUTSIDE = (INSIDE4, INSIDE6), (OUTSIDE4, OUTSIDE6)
FETCH = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())"


class Programs(EngineCase):
    def assertDenied(self, output):
        self.assertRegex(output, "Permission denied|Couldn't connect|Could not connect")

    def test_s2_curl_is_blocked_at_once_and_python_is_not(self):
        nginx(self.place, 80, covered=False)
        self.policy("block connect app /usr/bin/curl tcp port 80")
        for address in OUTSIDE:
            code, output = curl(self.place, address, 80)
            self.assertEqual(CANNOT_CONNECT, code, output)
            self.assertDenied(output)
            url = f"http://{f'[{address}]' if ':' in address else address}/"
            self.assertEqual((0, "hello from nginx\n"), self.place.run(PYTHON, "-c", FETCH, url))

    def test_s2_a_blocked_server_refuses_curl_and_another_does_not(self):
        nginx(self.place, 80)
        http_server(self.place, 8000)
        self.policy("permit accept app /usr/sbin/nginx port 80", "block accept")
        for address in INSIDE:
            self.assertEqual((0, "hello from nginx\n"),
                             curl(self.place, address, 80, covered=False))
            code, output = curl(self.place, address, 8000, covered=False)
            self.assertEqual(CANNOT_CONNECT, code, output)

    def test_s2_ssh_in_and_out(self):
        inside, outside = Sshd(self.place, 22), Sshd(self.place, 2222, covered=False)
        self.policy("permit connect app /usr/bin/ssh tcp port 2222", "block connect",
                    "permit accept app /usr/sbin/sshd tcp port 22", "block accept")
        for address in OUTSIDE:
            self.assertEqual((0, "here\n"), outside.login(address, "echo here"))
        for address in INSIDE:
            self.assertEqual((0, "there\n"), inside.login(address, "echo there", covered=False))
        self.policy("block connect app /usr/bin/ssh", "block accept app /usr/sbin/sshd")
        code, output = outside.login(OUTSIDE4, "echo here")
        self.assertEqual(255, code)
        self.assertDenied(output)
        code, output = inside.login(INSIDE4, "echo there", covered=False)
        self.assertEqual(255, code)
        self.assertIn("Connection refused", output)

    def test_s2_ping(self):
        self.policy("permit connect")
        for address in OUTSIDE:
            code, output = self.place.run("/usr/bin/ping", "-c1", "-W2", address)
            self.assertEqual(0, code, output)
        self.policy("block connect proto { icmp, icmp6 }")
        for address in OUTSIDE:
            code, output = self.place.run("/usr/bin/ping", "-c1", "-W1", address)
            self.assertNotEqual(0, code, output)

    def test_s2_ncat_datagrams(self):
        server = self.place.serve("udp4 bind=0.0.0.0:53", covered=False)
        talk = f"(echo hi; sleep 0.5) | ncat -u {OUTSIDE4} 53"
        self.policy("permit connect udp port 53", "block connect")
        self.assertEqual((0, "hi\n"), self.place.run("sh", "-c", talk))
        self.policy("block connect app /usr/bin/ncat udp")
        code, output = self.place.run("sh", "-c", talk)
        self.assertNotEqual("hi\n", output)
        self.assertIn("Permission denied", output)
        server.stop()


if __name__ == "__main__":
    main()
