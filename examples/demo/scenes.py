"""The scenes of the demo: each sets a policy, lets real programs meet it, says what was seen."""
import json
import os
import re
import signal
import time

from asker import Asker
from engine import event_is
from place import INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6
from servers import PYTHON, curl, http_server, nginx

WWW_DATA, GROUP = 33, 4242
FETCH = ("import sys, urllib.request as u\n"
         "try: print(u.urlopen(sys.argv[1], timeout=8).read().decode().strip())\n"
         "except Exception as e: print(getattr(e, 'reason', e))")


def apply(engine, stage, *rules):
    stage.say("policy:  " + "\n         ".join(rules))
    engine.apply(*rules)


def url(address, port):
    return f"http://{end(address, port)}/"


def fetch(place, address, port, **where):
    """The page, or why curl could not connect."""
    start = time.monotonic()
    code, output = curl(place, address, port, **where)
    if code == 0:
        return output.strip()
    took = 1000 * (time.monotonic() - start)
    _, details = curl(place, address, port, "-v", **where)
    reason = re.search("(Permission denied|Connection refused|timed out)", details)
    return f"{reason[0] if reason else output.strip()} (exit {code} after {took:.0f} ms)"


def fetch_with_python(place, address, port, **where):
    return place.run(PYTHON, "-c", FETCH, url(address, port), **where)[1].strip()


def ping(place, address):
    code, _ = place.run("/usr/bin/ping", "-c1", "-W1", address)
    return "answered" if code == 0 else "not sent"


def ncat_datagram(place, address, port):
    _, output = place.run("sh", "-c", f"(echo hello; sleep 0.3) | ncat -u {address} {port}")
    return output.strip() or "nothing"


def end(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def seen_by(monitor, layer, protocol, program):
    """The event that the policy's filter made of what the program did."""
    def wanted(event):
        return event_is(layer, protocol)(event) and program in os.path.basename(event["app"] or "")
    try:
        event = monitor.wait_for(wanted, "", seconds=5)
    except AssertionError:
        return "no event"
    name = os.path.basename(event["app"])
    return f"{name}, {event['remote_address']}, filter \"{event['filter_name']}\""


def s1_trap_all(place, engine, stage):
    stage.scene("S1", "trap all: two filters without conditions see every flow, in and out")
    apply(engine, stage, 'permit connect name "every connect"',
          'permit accept  name "every accept"')
    outside = [nginx(place, 80, covered=False),
               place.serve("udp6 bind=[::]:53", covered=False)]
    inside = [http_server(place, 8000, INSIDE4), http_server(place, 8000, INSIDE6),
              place.serve(f"udp4 bind={INSIDE4}:5353"), place.serve(f"udp6 bind=[{INSIDE6}]:5353")]
    monitor = engine.monitor("--all")
    monitor.settle()
    for version, there, here in (("4", OUTSIDE4, INSIDE4), ("6", OUTSIDE6, INSIDE6)):
        curl(place, there, 80)
        ncat_datagram(place, there, 53)
        ping(place, there)
        curl(place, here, 8000, covered=False)
        place.sock(f"udp{version} sendto={end(here, 5353)} recv", covered=False)
        icmp = "icmp" if version == "4" else "icmp6"
        for what, layer, protocol, wanted in (
                ("curl goes out", "connect", "tcp", "curl"),
                ("ncat sends a datagram", "connect", "udp", "ncat"),
                ("ping asks", "connect", icmp, "ping"),
                ("a connection comes in to python's server", "accept", "tcp", "python3"),
                ("a datagram comes in", "accept", "udp", "sock")):
            stage.expect(f"IPv{version}: {what}", wanted,
                         seen_by(monitor, f"{layer}-v{version}", protocol, wanted))
    finish(monitor, *outside, *inside)


def finish(*running):
    for one in running:
        one.stop()


def s2_permit_and_block(place, engine, stage):
    stage.scene("S2", "permit or block per connection; a blocked program is told at once")
    apply(engine, stage, "block connect app /usr/bin/curl tcp port 80",
          "block connect udp port 53", "block accept tcp port 8000")
    outside = nginx(place, 80, covered=False)
    inside = [http_server(place, 8000), nginx(place, 8080)]
    for address in (OUTSIDE4, OUTSIDE6):
        stage.expect(f"curl {url(address, 80)}", "Permission denied", fetch(place, address, 80))
        stage.expect(f"python {url(address, 80)}", "hello from nginx",
                     fetch_with_python(place, address, 80))
    stage.expect("errno of the blocked connect", "EACCES",
                 place.answer(f"tcp4 connect={OUTSIDE4}:53 udp4 sendto={OUTSIDE4}:53"))
    stage.expect("ncat sends a datagram to port 53", "Permission denied",
                 ncat_datagram(place, OUTSIDE4, 53))
    for address in (INSIDE4, INSIDE6):
        stage.expect(f"a peer asks python at {url(address, 8000)}", "refused",
                     fetch_with_python(place, address, 8000, covered=False))
        stage.expect(f"a peer asks nginx at {url(address, 8080)}", "hello from nginx",
                     fetch_with_python(place, address, 8080, covered=False))
    finish(outside, *inside)


def s3_kernel_only(place, engine, stage):
    stage.scene("S3", "kernel only: filters go on when every process of ours is gone")
    apply(engine, stage, "block connect app /usr/bin/curl tcp port 80")
    outside = nginx(place, 80, covered=False)

    def both(when):
        stage.expect(f"{when}: curl", "Permission denied", fetch(place, OUTSIDE4, 80))
        stage.expect(f"{when}: python", "hello from nginx",
                     fetch_with_python(place, OUTSIDE4, 80))
    both("bfe runs")
    engine.stop(signal.SIGKILL)
    both("kill -9 bfe")
    engine.start()
    both("bfe is back")
    finish(outside)


def s7_the_fields(place, engine, stage):
    stage.scene("S7", "the fields: LISTEN is TCP only; UDP is decided once per remote peer")
    layers = {layer["name"]: layer["field_names"]
              for layer in json.loads(engine.wfp("show", "layers", "--json"))}
    for name, has in (("ALE_AUTH_LISTEN_V4", "no"), ("ALE_AUTH_CONNECT_V4", "yes"),
                      ("ALE_AUTH_RECV_ACCEPT_V4", "yes")):
        stage.expect(f"{name} has a protocol field", has,
                     "yes" if "IP_PROTOCOL" in layers[name] else "no")
    apply(engine, stage, "permit connect", "permit accept")
    servers = [place.serve(f"udp4 bind=0.0.0.0:{port}", covered=False) for port in (53, 54)]
    monitor = engine.monitor("--all")
    monitor.settle()
    place.sock("udp4 " + f"sendto={OUTSIDE4}:53 recv " * 3 + f"sendto={OUTSIDE4}:54 recv")
    connects = list(filter(event_is("connect", "udp"), monitor.settle()))
    stage.expect("four datagrams to two peers are authorized", "2 times",
                 f"{len(connects)} times")
    finish(monitor, *servers)


def s8_hold_and_ask(place, engine, stage):
    stage.scene("S8", "hold: a connect waits for an administrator's answer; nothing has left yet")
    apply(engine, stage, "hold connect app /usr/bin/curl tcp timeout 60s default block",
          "permit connect")
    outside = nginx(place, 80, covered=False)
    asker = Asker(engine.command_line, engine.environment)
    try:
        for address, answer, wanted in (
                (OUTSIDE4, "permit", "hello from nginx"), (OUTSIDE6, "permit", "hello from nginx"),
                (OUTSIDE4, "block", "Failed to connect"),
                (OUTSIDE6, "block", "Failed to connect")):
            waiting = place.start("/usr/bin/curl", "-sS", url(address, 80))
            question = asker.expect("question")
            state = "waits" if waiting.process.poll() is None else "has ended"
            stage.expect(f"curl {url(address, 80)}, not answered", "waits", state)
            asker.say(id=question["id"], action=answer)
            asker.expect("answered")
            output, _ = waiting.process.communicate(timeout=20)
            stage.expect(f"the answer is {answer}", wanted, output.strip())
    finally:
        asker.end()
    stage.expect("python, which is not held", "hello from nginx",
                 fetch_with_python(place, OUTSIDE4, 80))
    finish(outside)


def s10_reauthorization(place, engine, stage):
    stage.scene("S10", "a policy that changes decides live connections again")
    apply(engine, stage, "permit connect")
    servers = [place.serve(f"tcp4 bind={OUTSIDE4}:{port} listen", covered=False)
               for port in (7000, 7001)]
    ends, goes_on = (place.pause(f"tcp4 connect={OUTSIDE4}:{port} wait timeout=20000 {then}")
                     for port, then in ((7000, "recv"), (7001, "send recv")))
    ends.tell()
    apply(engine, stage, "block connect tcp port 7000", "permit connect")
    output, _ = ends.process.communicate(timeout=25)
    stage.expect("who waits for data from port 7000", "ECONNABORTED", output.split()[-1])
    stage.expect("data to port 7001 and back", "ok", place.finish(goes_on)[-1][1])
    finish(*servers)


def s11_users_and_groups(place, engine, stage):
    stage.scene("S11", "ALE_USER_ID: security descriptors match users and groups")
    apply(engine, stage, "block connect user www-data", f"block connect group {GROUP}")
    outside = nginx(place, 80, covered=False)
    for who, wanted, where in (
            ("root", "hello from nginx", {}),
            ("www-data", "Permission denied", {"uid": WWW_DATA}),
            ("nobody", "hello from nginx", {"uid": 65534}),
            (f"nobody in group {GROUP}", "Permission denied", {"uid": 65534, "groups": (GROUP,)})):
        stage.expect(f"curl as {who}", wanted, fetch(place, OUTSIDE4, 80, **where))
    finish(outside)


ALL = (s1_trap_all, s2_permit_and_block, s3_kernel_only, s7_the_fields, s8_hold_and_ask,
       s10_reauthorization, s11_users_and_groups)
