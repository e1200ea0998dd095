"""Live flows: who talks to whom now, with what permitted it."""
import json

from case import EngineCase, main


class Flows(EngineCase):
    def flows(self):
        return json.loads(self.engine.wfp("show", "flows", "--json"))

    def flow_to(self, port):
        return [flow for flow in self.flows() if flow["remote"].endswith(f":{port}")]

    def test_15_an_established_connection_is_listed_until_it_ends(self):
        self.policy("permit connect tcp port 7101")
        self.place.serve("tcp4 bind=0.0.0.0:7101 listen", covered=False)
        self.assertEqual([], self.flow_to(7101))
        waiting = self.place.pause("tcp4 connect=192.0.2.2:7101 wait")
        flows = self.flow_to(7101)
        self.assertEqual(1, len(flows), flows)
        self.assertEqual("192.0.2.2:7101", flows[0]["remote"])
        self.assertTrue(flows[0]["app"].endswith("/tests/lib/sock"), flows)
        self.place.finish(waiting)
        self.assertEqual([], self.flow_to(7101))

    def test_15_a_flow_tells_the_filter_that_permitted_it(self):
        self.policy("permit connect tcp port 7102")
        monitor = self.engine.monitor()
        self.place.serve("tcp4 bind=0.0.0.0:7102 listen", covered=False)
        waiting = self.place.pause("tcp4 connect=192.0.2.2:7102 wait")
        event = monitor.wait_for(lambda e: e.get("remote_port") == 7102, "the connect")
        self.assertEqual(event["filter"], self.flow_to(7102)[0]["filter"])
        self.place.finish(waiting)

    def test_connected_udp_and_ipv6_are_listed(self):
        self.policy("permit connect")
        waiting = self.place.pause("udp6 connect=[2001:db8::2]:7103 wait")
        flows = self.flow_to(7103)
        self.assertEqual(["[2001:db8::2]:7103"], [flow["remote"] for flow in flows])
        self.place.finish(waiting)

    def test_flows_outside_the_scope_are_not_listed(self):
        self.policy("permit connect")
        waiting = self.place.pause("udp4 connect=192.0.2.1:7104 wait", covered=False)
        self.assertEqual([], self.flow_to(7104))
        self.place.finish(waiting)


if __name__ == "__main__":
    main()
