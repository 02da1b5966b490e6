"""The commands of refserver as processes, and rooms to feed them with."""

import base64
import copy
import hashlib
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COUNTER_EXAMPLES = ROOT / "fixtures/vectors/state_resolution/counter_examples.json"
DEADLINE_S = 60

SERVER = "one.test"
ALICE = "@alice:one.test"
BOB = "@bob:one.test"
KEY_ID = "ed25519:1"
SEED_BYTES = bytes(range(32))
SEED = base64.b64encode(SEED_BYTES).decode().rstrip("=")


def run(program, *arguments, stdin=""):
    """Runs a command to its end: exit code, standard output, standard error."""
    result = subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True,
                            text=True, timeout=DEADLINE_S, check=False)
    return result.returncode, result.stdout, result.stderr


class Adapter:
    """A session with `refserver adapter`; keeps what was said, to be checked against the schema."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "adapter"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.requests = []
        self.responses = []
        self.count = 0

    def send_line(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        response = json.loads(self.process.stdout.readline())
        self.responses.append(response)
        return response

    def ask(self, op, **members):
        """The answer to a good request: its result or its error."""
        self.count += 1
        request = {"id": self.count, "op": op, **members}
        self.requests.append(request)
        response = self.send_line(json.dumps(request))
        assert response["id"] == self.count, response
        return response

    def result(self, op, **members):
        response = self.ask(op, **members)
        assert "result" in response, response
        return response["result"]

    def error(self, op, **members):
        response = self.ask(op, **members)
        assert "error" in response, response
        return response["error"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=DEADLINE_S) == 0, "the end of input is a clean end"


class SignedRoom:
    """A room of one server with real hashes, ids and signatures, made over the adapter."""

    def __init__(self, adapter, version="11"):
        self.adapter = adapter
        self.version = version
        self.pdus = []
        self.ids = []
        self.last = []
        self.room = "!room:" + SERVER

    def add(self, type_, content, state_key=None, sender=ALICE, auth=(), prev=None, **more):
        """Signs one more event, and gives its number."""
        event = {"type": type_, "content": content, "sender": sender, "room_id": self.room,
                 "origin_server_ts": 1000 + len(self.pdus), "depth": len(self.pdus) + 1,
                 "auth_events": [self.ids[number] for number in auth],
                 "prev_events": [self.ids[n] for n in (self.last if prev is None else prev)],
                 **more}
        if state_key is not None:
            event["state_key"] = state_key
        pdu = self.adapter.result("sign", room_version=self.version, event=event, server=SERVER,
                                  key_id=KEY_ID, seed=SEED)["event"]
        self.pdus.append(pdu)
        self.ids.append(self.adapter.result("event_id", room_version=self.version,
                                            event=pdu)["event_id"])
        self.last = [len(self.pdus) - 1]
        return self.last[0]

    def found(self):
        """Create, Alice's join, power levels, join rules, Bob's join: numbers 0 to 4."""
        self.add("m.room.create", {"room_version": self.version}, "")
        self.add("m.room.member", {"membership": "join"}, ALICE, auth=(0,))
        self.add("m.room.power_levels", {"users": {ALICE: 100, BOB: 50}}, "", auth=(0, 1))
        self.add("m.room.join_rules", {"join_rule": "public"}, "", auth=(0, 1, 2))
        self.add("m.room.member", {"membership": "join"}, BOB, sender=BOB, auth=(0, 2, 3))
        return self

    def lines(self):
        return "".join(json.dumps(pdu) + "\n" for pdu in self.pdus)

    def copy_of(self, number):
        return copy.deepcopy(self.pdus[number])


def ed25519_public_key(seed):
    """RFC 8032, section 5.1.5, written out: no package is needed for one key."""
    p = 2**255 - 19
    d = -121665 * pow(121666, p - 2, p) % p
    by = 4 * pow(5, p - 2, p) % p
    x2 = (by * by - 1) * pow(d * by * by + 1, p - 2, p) % p
    bx = pow(x2, (p + 3) // 8, p)
    if (bx * bx - x2) % p:
        bx = bx * pow(2, (p - 1) // 4, p) % p
    if bx % 2:
        bx = p - bx

    def add(a, b):
        t = d * a[0] * b[0] * a[1] * b[1] % p
        return ((a[0] * b[1] + b[0] * a[1]) * pow(1 + t, p - 2, p) % p,
                (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, p - 2, p) % p)

    digest = hashlib.sha512(seed).digest()[:32]
    scalar = int.from_bytes(digest, "little") & ((1 << 254) - 8) | (1 << 254)
    point, total = (bx, by), (0, 1)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")


def key_line():
    """The key of SERVER as `refserver check --keys` takes it."""
    key = base64.b64encode(ed25519_public_key(SEED_BYTES)).decode().rstrip("=")
    return f"{SERVER} {KEY_ID} {key}\n"
