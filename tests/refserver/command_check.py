#!/usr/bin/env python3
"""`refserver check`: every kind of breach is found, named and judged alone.

Usage: command_check.py REFSERVER
"""

import json
import pathlib
import random
import sys
import tempfile

from command_line import (ALICE, BOB, COUNTER_EXAMPLES, KEY_ID, SEED, SERVER, Adapter, SignedRoom,
                          key_line, run)

PROGRAM = sys.argv[1]


def check(*arguments, stdin="", code=0):
    got, out, err = run(PROGRAM, "check", *arguments, stdin=stdin)
    assert got == code, f"check {arguments}: exit {got}, not {code}\n{out}{err}"
    return err if code in (2, 3) else out


def lines_of(pdus):
    return "".join(json.dumps(pdu) + "\n" for pdu in pdus)


def fates(pdus, *arguments):
    """The fate of each PDU, whatever they are."""
    got, out, err = run(PROGRAM, "check", "--json", *arguments, "-", stdin=lines_of(pdus))
    assert got in (0, 1), err
    return [event["fate"] for event in json.loads(out)["events"]]


def sign_again(room, pdu, version=None):
    return room.adapter.result("sign", room_version=version or room.version, event=pdu,
                               server=SERVER, key_id=KEY_ID, seed=SEED)["event"]


def check_good_rooms(adapter, keys):
    for version in ("3", "5", "8", "11"):
        room = SignedRoom(adapter, version)
        room.add("m.room.create", {"room_version": version, "creator": ALICE}, "")
        room.add("m.room.member", {"membership": "join"}, ALICE, auth=(0,))
        room.add("m.room.message", {"body": "x"}, auth=(0, 1))
        text = check("--keys", keys, "--complete", "-", stdin=room.lines())
        assert text == f"room version {version}, 3 events: 3 accepted\n", text
    room = SignedRoom(adapter).found()
    text = check("-", stdin=room.lines())
    assert text == "room version 11, 5 events: 5 accepted; signatures of 5 not verified\n", text
    check("--complete", "-", stdin=room.lines(), code=1)
    assert "<stdin>:3: accepted: $" in check("--all", "-", stdin=room.lines())
    return room


def check_each_breach(room, keys):
    """One breach at a time in the last event but one: its line, field and rule are named."""
    place = 3

    def broken(change, signs=True):
        pdu = room.copy_of(place)
        change(pdu)
        return sign_again(room, pdu) if signs else pdu

    def sees(pdu, fate, *parts):
        pdus = [*room.pdus[:place], pdu]
        text = check("--keys", keys, "-", stdin=lines_of(pdus), code=1)
        first = text.splitlines()[0]
        assert first.startswith(f"<stdin>:{place + 1}: {fate}: "), text
        for part in parts:
            assert part in first, f"{part!r} is not in {first!r}"

    sees(broken(lambda pdu: pdu.update(depth="4"), signs=False), "dropped", "depth: ", "(check 1)")
    sees(broken(lambda pdu: pdu.update(sender="alice"), signs=False), "dropped", "sender: ")
    sees(broken(lambda pdu: pdu.update(type="x" * 256), signs=False), "dropped",
         "type: expected at most 255 bytes")
    sees(broken(lambda pdu: pdu["content"].update(long="x" * 66000), signs=False), "dropped",
         "at most 65536 bytes")
    sees(broken(lambda pdu: pdu["content"].update(number=1.5), signs=False), "dropped",
         "content: expected integers")
    sees(broken(lambda pdu: pdu.update(event_id="$wrong"), signs=False), "dropped",
         f'event_id: expected "{room.ids[place]}"')
    sees(broken(lambda pdu: pdu.update(origin_server_ts=5), signs=False), "dropped",
         f"signatures.{SERVER}: expected a valid signature", "(check 2)")
    sees(broken(lambda pdu: pdu.update(signatures={}), signs=False), "dropped",
         f"signatures.{SERVER}: expected a signature of this server, but it is missing")
    sees(broken(lambda pdu: pdu["content"].update(more="x"), signs=False), "redacted",
         "hashes.sha256: expected ", "(check 3)")
    sees(broken(lambda pdu: pdu.update(sender=BOB)), "rejected", "v12 3.2: ", "(check 4)")
    sees(broken(lambda pdu: pdu.update(sender=BOB, auth_events=[room.ids[0], room.ids[2]])),
         "rejected", "v12 6: ", "(check 4)")
    sees(broken(lambda pdu: pdu.update(auth_events=room.ids[1:3])), "rejected", "v11 2.4: ")
    sees(broken(lambda pdu: pdu.update(room_id="!other:" + SERVER)), "dropped", "room_id: ")


def check_states(adapter, keys):
    """Check 5 against the state before, check 6 against the current one."""
    room = SignedRoom(adapter).found()
    base = room.last
    ban = room.add("m.room.member", {"membership": "ban"}, BOB, auth=(0, 1, 2, 4), prev=base)
    behind = room.add("m.room.topic", {"topic": "x"}, "", sender=BOB, auth=(0, 2, 4), prev=[ban])
    beside = room.add("m.room.topic", {"topic": "y"}, "", sender=BOB, auth=(0, 2, 4), prev=base)
    follower = room.add("m.room.message", {"body": "z"}, auth=(0, 1, 2), prev=[behind])
    expected = ["accepted"] * 5 + ["accepted", "rejected", "soft-failed", "accepted"]
    assert fates(room.pdus, "--keys", keys) == expected
    text = check("--keys", keys, "-", stdin=room.lines(), code=1)
    assert f"<stdin>:7: rejected: {room.ids[behind]}: v12 6: " in text and "(check 5)" in text
    assert f"<stdin>:8: soft-failed: {room.ids[beside]}: v12 6: " in text and "(check 6)" in text
    assert "9 events: 7 accepted, 1 soft-failed, 1 rejected" in text, text
    assert follower == 8

    order = list(range(len(room.pdus)))
    for seed in range(5):
        random.Random(seed).shuffle(order)
        shuffled = fates([room.pdus[number] for number in order], "--keys", keys)
        assert shuffled == [expected[number] for number in order], "lines have no order"
    # Rejected: what cites it is too.
    cites = SignedRoom(adapter).found()
    levels = cites.add("m.room.power_levels", {"users": {ALICE: 100, BOB: 100}}, "", sender=BOB,
                       auth=(0, 2, 4))
    cites.add("m.room.message", {"body": "z"}, auth=(0, 1, levels))
    assert fates(cites.pdus)[-2:] == ["rejected", "rejected"]
    text = check("-", stdin=cites.lines(), code=1)
    assert "v12 3.3: " in text


def check_policy(adapter, keys):
    """Check 7: once a room uses a policy server, its signature is looked for."""
    def recommend(pdu):
        return adapter.result("sign", room_version="11", event=pdu, server=SERVER, seed=SEED,
                              key_id="ed25519:policy_server")["event"]

    room = SignedRoom(adapter).found()
    room.add("m.room.message", {"body": "before"}, auth=(0, 1, 2))
    content = {"via": SERVER, "public_keys": {"ed25519": key_line().split()[2]}}
    room.add("m.room.policy", content, "", auth=(0, 1, 2))
    signed = room.add("m.room.message", {"body": "signed"}, auth=(0, 1, 2))
    unsigned = room.add("m.room.message", {"body": "not signed"}, auth=(0, 1, 2))
    room.pdus[signed] = recommend(room.pdus[signed])
    expected = ["accepted"] * unsigned + ["soft-failed"]
    assert fates(room.pdus, "--keys", keys) == expected
    text = check("--keys", keys, "-", stdin=room.lines(), code=1)
    assert f"<stdin>:{unsigned + 1}: soft-failed: {room.ids[unsigned]}: no valid signature" in text
    assert SERVER in text and "(check 7)" in text, text


def check_partial_rooms(room):
    """What cannot be judged is no breach, unless --complete says so."""
    text = check("--room-version", "11", "-", stdin=lines_of(room.pdus[2:]))
    assert "not judged" in text and "is not in the file (check 4)" not in text.splitlines()[-1]
    check("--room-version", "11", "--complete", "-", stdin=lines_of(room.pdus[2:]), code=1)
    answer = {"pdus": room.pdus, "auth_chain": room.pdus[:4]}
    text = check("-", stdin=json.dumps(answer))
    assert text.startswith("room version 11, 9 events: 9 accepted"), text
    answer["pdus"][1] = dict(room.pdus[1], depth=-1)
    text = check("-", stdin=json.dumps(answer), code=1)
    assert "<stdin>: pdus[1]: dropped: depth: expected 0 to " in text, text


def check_broken_lines(room):
    lines = room.lines().splitlines()
    lines.insert(2, '{"type": ')
    text = check("-", stdin="\n".join(lines), code=1)
    assert text.startswith("<stdin>:3: dropped: expected one JSON object a line"), text
    assert "6 events: 5 accepted, 1 dropped" in text, "the others are judged all the same"


def check_keys(room, folder):
    file = folder / "k"

    def refuses(text, part):
        file.write_text(text)
        error = check("--keys", file, "-", stdin=room.lines(), code=3)
        assert part in error, error

    refuses("one.test", ":1: expected \"server_name key_id base64_key")
    refuses("# remark\none.test ed25519:1 AAAA", ":2: key: expected 32 bytes")
    refuses("one.test 1 AAAA", ":1: key_id: expected ")
    refuses('{"server_name":"one.test"}', "valid_until_ts: expected an integer")
    refuses('{"server_keys":[3]}', "server_keys[0]: expected a key document")
    # A key that ended before the events: from v5 on it cannot have signed them.
    file.write_text(key_line().strip() + " 5\n")
    text = check("--keys", file, "-", stdin=room.lines(), code=1)
    assert "expected a key that was valid at origin_server_ts" in text
    document = {"server_name": SERVER, "valid_until_ts": 2**52, "old_verify_keys": {},
                "verify_keys": {KEY_ID: {"key": key_line().split()[2]}}}
    signed = room.adapter.result("sign", object=document, server=SERVER, key_id=KEY_ID,
                                 seed=SEED)["object"]
    for text in (signed, {"server_keys": [signed]}, [signed]):
        file.write_text(json.dumps(text))
        check("--keys", file, "--complete", "-", stdin=room.lines())
    signed["valid_until_ts"] += 1
    refuses(json.dumps(signed), "signatures: expected one by the key " + KEY_ID)


def check_told_rooms():
    """Rooms with given ids have no hashes or signatures to check."""
    case = json.loads(COUNTER_EXAMPLES.read_text())["cases"][0]
    text = check("--room-version", "11", "--complete", "-",
                 stdin=lines_of([dict(event, room_id=case["room_id"]) for event in case["events"]]),
                 code=1)
    assert "6 accepted" in text and "state before 4 not known" in text, text
    check(COUNTER_EXAMPLES, code=3)


def check_refusals(folder):
    assert "expected a file that can be read" in check(folder / "none", code=2)
    assert "--room-version" in check("-", stdin='{"type":"x"}', code=3)
    assert "FILE is required" in check(code=2)
    assert "expected JSON" in check("-", stdin="[1,", code=3)
    assert "Exit codes:" in check("--help")


def main():
    adapter = Adapter(PROGRAM)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = folder / "keys"
        keys.write_text("# of the test\n" + key_line())
        room = check_good_rooms(adapter, keys)
        check_each_breach(room, keys)
        check_states(adapter, keys)
        check_policy(adapter, keys)
        check_broken_lines(room)
        check_keys(room, folder)
        check_partial_rooms(room)
        check_told_rooms()
        check_refusals(folder)
    adapter.close()


if __name__ == "__main__":
    main()
