"""AUTH_LISTEN without LSM: listen() itself succeeds, the listener is closed, peers are refused."""
import json

from case import EngineCase, main
from families import FAMILIES


class Listen(EngineCase):
    def test_15_5_a_blocked_listener_is_closed_and_its_peers_are_refused(self):
        self.policy("block listen port 81")
        for family in FAMILIES:
            with self.subTest(family=family.name):
                tcp = f"tcp{family.digit}"
                listener = self.place.pause(f"{tcp} bind={family.any}:81 listen wait accept")
                self.expect("ECONNREFUSED", f"{tcp} timeout=3000 connect={family.own(81)}",
                            covered=False)
                self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])

    def test_a_permitted_listener_accepts(self):
        self.policy("permit listen port 80", "block listen")
        for family in FAMILIES:
            with self.subTest(family=family.name):
                tcp = f"tcp{family.digit}"
                server = self.place.serve(f"{tcp} bind={family.any}:80 listen")
                self.expect("ok", f"{tcp} connect={family.own(80)} send recv", covered=False)
                server.stop()

    def test_a_listen_without_bind_is_seen_too(self):
        self.policy("block listen")
        for family in FAMILIES:
            with self.subTest(family=family.name):
                listener = self.place.pause(f"tcp{family.digit} listen sleep=400 wait accept")
                self.assertEqual(("accept", "EINVAL"), self.place.finish(listener)[-1])

    def test_s7_listen_has_no_protocol_field(self):
        layers = {layer["name"]: layer["field_names"]
                  for layer in json.loads(self.engine.wfp("show", "layers", "--json"))}
        for version in ("V4", "V6"):
            self.assertNotIn("IP_PROTOCOL", layers[f"ALE_AUTH_LISTEN_{version}"])
            self.assertIn("IP_PROTOCOL", layers[f"ALE_AUTH_CONNECT_{version}"])
            self.assertIn("IP_PROTOCOL", layers[f"ALE_AUTH_RECV_ACCEPT_{version}"])


if __name__ == "__main__":
    main()
