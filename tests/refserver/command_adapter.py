#!/usr/bin/env python3
"""`refserver adapter`: every operation, every class of error, and the schema over a whole session.

Usage: command_adapter.py REFSERVER [--measure]
"""

import base64
import json
import sys
import time

import jsonschema

from command_line import (ALICE, COUNTER_EXAMPLES, KEY_ID, ROOT, SEED, SERVER, Adapter,
                          SignedRoom, key_line, run)

PROGRAM = sys.argv[1]
SCHEMA = json.loads((ROOT / "fixtures/schemas/adapter.json").read_text())
CASES = json.loads(COUNTER_EXAMPLES.read_text())["cases"]
CREATE = {"event_id": "$c", "type": "m.room.create", "state_key": "", "sender": "@a:x",
          "content": {}}


def encode(text):
    return base64.b64encode(text.encode()).decode()


def check_bytes(adapter):
    hello = adapter.result("hello")
    assert hello["protocol"] == 1 and len(hello["capabilities"]) == 12
    assert len(hello["room_versions"]) == 12 and "inclusive-chains" in hello["quirks"]
    canonical = adapter.result("canonical_json", value={"b": [1, "\u00e9"], "a": None})
    assert canonical["text"] == '{"a":null,"b":[1,"\u00e9"]}'
    assert base64.b64decode(canonical["bytes_b64"] + "==").decode() == canonical["text"]
    lenient = adapter.result("canonical_json", room_version="1", bytes_b64=encode('{"a":1e10}'))
    assert lenient["text"] == '{"a":10000000000}'
    for text in ('{"a":1.5}', '{"a":-0}', '{"a":1,"a":2}', '"\\ud800"', "[1", ""):
        error = adapter.error("canonical_json", bytes_b64=encode(text))
        assert error["class"] == "malformed" and error["field"] == "bytes_b64", error
    assert adapter.error("canonical_json", value=9007199254740992)["class"] == "malformed"
    assert adapter.result("reset") == {}


def check_events(adapter):
    room = SignedRoom(adapter).found()
    pdu = room.pdus[3]
    described = adapter.result("parse_pdu", room_version="11", event=pdu)
    assert described["event_id"] == room.ids[3] and described["auth_events"] == room.ids[:3]
    text = json.dumps(pdu)
    assert adapter.result("parse_pdu", room_version="11", bytes_b64=encode(text)) == described
    in_event = adapter.result("parse_pdu", room_version="11", event={"bytes_b64": encode(text)})
    assert in_event == described
    error = adapter.error("parse_pdu", room_version="11", event=dict(pdu, depth=-1))
    assert error == {"class": "malformed", "field": "event.depth",
                     "message": "event.depth: expected 0 to 9007199254740991"}
    twice = text.replace('"depth"', '"depth": 1, "depth"', 1)
    error = adapter.error("parse_pdu", room_version="11", bytes_b64=encode(twice))
    assert error["class"] == "malformed" and "bytes_b64" in error["message"]

    assert adapter.result("content_hash", event=pdu)["sha256"] == pdu["hashes"]["sha256"]
    redacted = adapter.result("redact", room_version="11", event=dict(pdu, unsigned={"age": 1}))
    assert redacted["event"] == {key: value for key, value in pdu.items()}, "all is protected"
    topic = dict(pdu, type="m.room.topic", content={"topic": "x"})
    assert adapter.result("redact", room_version="11", event=topic)["event"]["content"] == {}

    keys = {SERVER: {KEY_ID: {"key": key_line().split()[2]}}}
    good = {"valid": True, "content_hash": True, "signatures": {SERVER: "valid"}}
    assert adapter.result("verify", room_version="11", event=pdu, keys=keys) == good
    assert adapter.result("verify", room_version="11", event=dict(pdu, depth=99), keys=keys) == {
        "valid": False, "content_hash": False, "signatures": {SERVER: "invalid"}}
    unknown = adapter.result("verify", room_version="11", event=pdu, keys={})
    assert unknown["signatures"] == {SERVER: "no_known_key"} and not unknown["valid"]
    keys[SERVER][KEY_ID]["valid_until_ts"] = 5
    late = adapter.result("verify", room_version="11", event=pdu, keys=keys, now_ts=1000)
    assert late["signatures"] == {SERVER: "no_known_key"}, "the key had ended"
    signed = adapter.result("sign", object={"a": 1}, server=SERVER, key_id=KEY_ID, seed=SEED)
    proof = adapter.result("verify", object=signed["object"], entity=SERVER, keys=keys)
    assert proof == {"valid": True, "signatures": {SERVER: "valid"}}
    return room


def check_auth(adapter, room):
    """Both implementations, real events and told ones, by rule."""
    types = adapter.result("auth_types", room_version="11", event=room.pdus[4])["auth_types"]
    assert types == [["m.room.create", ""], ["m.room.join_rules", ""],
                     ["m.room.member", "@bob:one.test"], ["m.room.power_levels", ""]]
    told = [CREATE, dict(CREATE, event_id="$j", type="m.room.member", state_key="@a:x",
                         content={"membership": "join"}, auth_events=["$c"], prev_events=["$c"])]
    other = dict(told[1], event_id="$k", sender="@b:x", prev_events=["$j"])
    for implementation in ("fast", "oracle"):
        def ask(event, version="11", side=implementation, **members):
            return adapter.ask("auth", room_version=version, event=event, implementation=side,
                               **members)

        for number in range(5):
            answer = ask(room.pdus[number], auth_events=room.pdus[:number],
                         state=room.pdus[:number])
            assert answer["result"] == {"allowed": True}, answer
        refused = ask(room.pdus[3], auth_events=room.pdus[:2])["error"]
        assert (refused["class"], refused["rule"]) == ("rejected", "v12 3.3"), refused
        refused = ask(room.pdus[3], auth_events=room.pdus, rejected=[room.ids[0]])["error"]
        assert refused["rule"] == "v12 3.3", refused
        assert ask(told[1], auth_events=told[:1])["result"] == {"allowed": True}
        assert ask(other, state=told)["error"]["rule"] == "v12 5.3.2"
        # In v12 the room's id names the create event; nobody cites it.
        joined = dict(told[1], auth_events=[])
        assert ask(joined, version="12", auth_events=told[:1])["result"] == {"allowed": True}
        assert ask(joined, version="12", auth_events=[])["error"]["rule"] == "v12 2"
    assert adapter.error("auth", room_version="11", event=told[1])["class"] == "malformed"
    twice = [told[0], dict(told[0], event_id="$d")]
    assert adapter.error("auth", room_version="11", event=told[1], state=twice)["field"] == "state"


def check_resolve(adapter):
    names = ("room_version", "events", "state_sets", "rejected")
    for case in CASES:
        request = {name: case[name] for name in names if name in case}
        request["events"] = [dict({"room_id": case.get("room_id")}, **event)
                             if case["room_version"] != "12" else event
                             for event in request["events"]]
        traces = []
        for implementation in ("fast", "oracle"):
            result = adapter.result("resolve", **request, implementation=implementation,
                                    trace=True, timing=True)
            assert result["event_ids"] == case["resolved"], case["name"]
            assert result["resolve_ns"] > 0 and result["index_ns"] > 0
            for verdict in result["trace"]["verdicts"]:
                verdict.pop("detail", None)
            traces.append(result["trace"])
        assert traces[0] == traces[1], f"{case['name']}: the way, not only the result"
        assert adapter.result("resolve", **request) == {"event_ids": case["resolved"]}
        for quirk, ids in case.get("differs_under", {}).items():
            result = adapter.result("resolve", **request, quirks=[quirk])
            assert result["event_ids"] == ids, (case["name"], quirk)


def check_errors(adapter):
    """The session goes on behind each of these."""
    for line in ("", "   "):
        adapter.process.stdin.write(line + "\n")
    for line in ("{", "[1]", "null", '{"id":1,"id":2}', "\x01", "x" * 100000, "[" * 100000):
        response = adapter.send_line(line)
        assert response["id"] is None and response["error"]["class"] == "malformed", response
    assert adapter.send_line('{"id":7}')["error"]["field"] == "op"
    error = adapter.send_line('{"id":8,"op":"fly"}')["error"]
    assert error["class"] == "unsupported" and error["field"] == "op"
    room = {"room_version": "11", "events": [CREATE]}
    for request, kind, field in (
            ({"state_sets": [["$c"]], **room, "room_version": "13"}, "unsupported", "room_version"),
            ({"state_sets": [["$c"]], **room, "quirks": ["none"]}, "unsupported", "quirks"),
            (room, "malformed", "state_sets"),
            ({"state_sets": [["$c", 1]], **room}, "malformed", "state_sets[0][1]"),
            ({"state_sets": [["$d"]], **room}, "malformed", "state_sets[0][0]"),
            ({"state_sets": [["$c"]], **room, "trace": 1}, "malformed", "trace"),
            ({"state_sets": [["$c"]], **room, "implementation": "x"}, "malformed", "implementation"),
            ({"state_sets": [], **room, "events": [dict(CREATE, sender=1)]}, "malformed",
             "events[0].sender"),
            ({"state_sets": [], **room, "events": [CREATE, dict(CREATE, type="t")]}, "malformed",
             "events[1].event_id")):
        error = adapter.send_line(json.dumps({"id": 9, "op": "resolve", **request}))["error"]
        assert (error["class"], error["field"]) == (kind, field), error
    assert adapter.result("reset") == {}


def check_schema(adapter):
    """Everything that was said keeps the schema, and each result that of its operation."""
    def validator(name):
        return jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{name}"})

    requests, responses = validator("request"), validator("response")
    results = {op: validator(f"results/{op}") for op in SCHEMA["$defs"]["results"]}
    by_id = {}
    for request in adapter.requests:
        by_id[request["id"]] = request["op"]
        if request["op"] != "auth" or "auth_events" in request or "state" in request:
            requests.validate(request)
    for response in adapter.responses:
        responses.validate(response)
        if "result" in response:
            results[by_id[response["id"]]].validate(response["result"])
    assert set(by_id.values()) == set(results), "every operation was asked"
    assert not requests.is_valid({"id": 1, "op": "resolve", "room_version": "11"})
    assert not responses.is_valid({"id": 1})
    print(f"{len(adapter.requests)} requests and {len(adapter.responses)} answers keep the schema")


def measure():
    """Requests a second: small ones, and rooms to resolve, one waiting for the other."""
    adapter = Adapter(PROGRAM)
    case = CASES[0]
    resolve = {"room_version": "11", "events": case["events"], "state_sets": case["state_sets"]}
    for name, op, members in (("canonical_json", "canonical_json", {"value": {"b": 1, "a": [ALICE]}}),
                              ("resolve, 6 events", "resolve", resolve)):
        line = json.dumps({"id": 1, "op": op, **members}) + "\n"
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < 2:
            adapter.process.stdin.write(line)
            adapter.process.stdin.flush()
            adapter.process.stdout.readline()
            count += 1
        print(f"{name}: {count / (time.perf_counter() - start):.0f} requests a second, one by one")
        batch, start = 20000, time.perf_counter()
        _, out, _ = run(PROGRAM, "adapter", stdin=line * batch)
        assert out.count('"result"') == batch
        print(f"{name}: {batch / (time.perf_counter() - start):.0f} requests a second, in a pipe")
    adapter.close()


def main():
    adapter = Adapter(PROGRAM)
    check_bytes(adapter)
    room = check_events(adapter)
    check_auth(adapter, room)
    check_resolve(adapter)
    check_errors(adapter)
    check_schema(adapter)
    adapter.close()
    if "--measure" in sys.argv:
        measure()


if __name__ == "__main__":
    main()
