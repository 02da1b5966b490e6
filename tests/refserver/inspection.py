#!/usr/bin/env python3
"""A running server shows its rooms and counters to administrators alone, and gives a copy of itself.

Usage: inspection.py REFSERVER
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from refserver_process import DEADLINE_S, Server, escape


def ask(server, path, token, body=None):
    request = urllib.request.Request(server.url + "/_refserver/" + path,
                                     data=None if body is None else json.dumps(body).encode())
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def read(server, path):
    status, text = ask(server, path, server.admin_token)
    assert status == 200, (path, status, text)
    return json.loads(text)


def check_inspection(server, room, sent):
    for path in ("server", "metrics", "rooms", "queues", "peers"):
        assert ask(server, path, None)[0] == 401, path
        assert ask(server, path, server.token)[0] == 403, path
    assert read(server, "server")["counters"]["events_sent"] > len(sent)
    assert "refserver_events_sent_total" in ask(server, "metrics", server.admin_token)[1]
    assert [one["room_id"] for one in read(server, "rooms")["rooms"]] == [room]
    place = f"rooms/{escape(room)}"
    assert read(server, place)["extremities"] == [sent[-1]]

    seen, start = [], ""
    while True:
        page = read(server, f"{place}/events?limit=4{start}")
        seen += [event["event_id"] for event in page["events"]]
        if not page["next"]:
            break
        start = "".join("&from=" + escape(one) for one in page["next"])
    assert seen[:len(sent)] == sent[::-1] and len(set(seen)) == len(seen), seen

    event = read(server, f"{place}/events/{escape(sent[0])}")
    assert event["status"] == "accepted", event
    assert [one["is_allowed"] for one in event["checks_now"]] == [True] * 3, event
    entries = read(server, f"{place}/events/{escape(sent[0])}/state")["state"]
    state = {(entry["type"], entry["state_key"]): entry["event_id"] for entry in entries}
    assert state == server.state(room), "nothing has changed the state since"
    chain = read(server, f"{place}/events/{escape(sent[0])}/auth_chain")["auth_chain"]
    assert "m.room.power_levels" in [one["type"] for one in chain], chain
    assert read(server, f"users/{escape(server.user)}/devices")["devices"]
    assert ask(server, "rooms/%21other%3Ax.test", server.admin_token)[0] == 404


def check_snapshot(program, server, room, sent, scratch):
    copy = os.path.join(scratch, "copy")
    os.mkdir(copy)
    begin = time.monotonic()
    status, text = ask(server, "snapshot", server.admin_token, {"file": copy + "/homeserver.db"})
    took_ms = (time.monotonic() - begin) * 1000
    assert status == 200, text
    with open(copy + "/server_name", "w", encoding="utf-8") as file:
        file.write(server.name)
    later = server.send(room, "after the copy")
    done = subprocess.run([program, "fsck", "--data", copy], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    server.stop()
    fork = Server(program, "alice", "--data", copy, "--development")
    assert fork.name == server.name, "a copy has the name"
    found = [event["event_id"] for event in fork.call("GET", f"/rooms/{escape(room)}/messages?dir=b&limit=50")["chunk"]]
    assert found[:len(sent)] == sent[::-1] and later not in found, "what was acknowledged before"
    fork.send(room, "life goes on")
    fork.stop()
    return took_ms, json.loads(text)["bytes"]


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        for flags in ((), ("--data", scratch + "/data")):
            server = Server(program, "alice", "--development", *flags)
            room = server.call("POST", "/createRoom", {})["room_id"]
            sent = [server.send(room, f"message {number}") for number in range(10)]
            check_inspection(server, room, sent)
            folder = tempfile.mkdtemp(dir=scratch)
            took_ms, size = check_snapshot(program, server, room, sent, folder)
            print(f"{'on disk' if flags else 'in memory'}: {size} bytes copied in {took_ms:.1f} ms")


if __name__ == "__main__":
    main()
