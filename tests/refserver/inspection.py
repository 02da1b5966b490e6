#!/usr/bin/env python3
"""A running server shows its rooms and counters to administrators alone, and gives copies of itself,
which live on: restored, or as a fork beside the original.

Usage: inspection.py REFSERVER
"""

import json
import os
import pathlib
import shlex
import sqlite3
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
    counters = read(server, "server")["counters"]
    assert counters["commits"] > 0 and counters["turns"] > 0, counters
    for fault in ("failed_commits", "disk_full_commits", "failed_checkpoints", "events_dropped",
                  "key_fetch_failures", "transactions_failed"):
        assert counters[fault] == 0, (fault, counters)
    metrics = ask(server, "metrics", server.admin_token)[1]
    for name in counters:
        assert f"\nrefserver_{name}_total " in metrics, name
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


def run(program, code, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def newest(server, room, count):
    page = server.call("GET", f"/rooms/{escape(room)}/messages?dir=b&limit={count}")
    return [event["event_id"] for event in page["chunk"]]


def check_endpoint(server, folder):
    """The endpoint writes one new file, or says why not; returns what it took."""
    file = os.path.join(folder, "copy.db")
    assert ask(server, "snapshot", server.token, {"file": file})[0] == 403
    begin = time.monotonic()
    status, text = ask(server, "snapshot", server.admin_token, {"file": file})
    took_ms = (time.monotonic() - begin) * 1000
    assert status == 200, text
    with open(file, "rb") as copied:
        content = copied.read()
    assert len(content) == json.loads(text)["bytes"], text
    for wanted, path in ((409, file), (400, "copy.db"), (400, folder + "/none/copy.db"),
                         (400, folder + "/a\0b")):
        status, text = ask(server, "snapshot", server.admin_token, {"file": path})
        assert status == wanted and "file: " in json.loads(text)["error"], (path, status, text)
    with open(file, "rb") as copied:
        assert copied.read() == content, "a file that exists is left alone"
    assert os.listdir(folder) == ["copy.db"], "what fails leaves nothing"
    return took_ms, len(content)


def check_refusals(program, server, folder):
    """Each has its exit code and a sentence, and leaves nothing."""
    place = ("--url", server.url, "--token", server.admin_token)
    occupied = os.path.join(folder, "occupied")
    os.mkdir(occupied)
    with open(occupied + "/kept", "w", encoding="utf-8"):
        pass
    fresh = os.path.join(folder, "fresh")
    for command in ("snapshot", "fork"):
        assert "is not empty" in run(program, 2, command, *place, occupied)[1]
        for token, status in (("wrong", "(401)"), (server.token, "(403)")):
            why = run(program, 1, command, "--url", server.url, "--token", token, fresh)[1]
            assert "--token" in why and status in why, why
        # Port 1 has no listener.
        why = run(program, 1, command, "--url", "http://127.0.0.1:1", "--token", "x", fresh)[1]
        assert "no answer from 127.0.0.1:1" in why, why
        why = "".join(run(program, 2, command, "--url", "https://a.test", "--token", "x", fresh))
        assert "http://ADDRESS:PORT" in why, why
    assert os.listdir(folder) == ["occupied"] and os.listdir(occupied) == ["kept"]


def check_snapshot(program, server, room, sent, folder):
    """The original goes on; the copy, restored, has what was acknowledged before it was made."""
    copy, restored = os.path.join(folder, "copy"), os.path.join(folder, "restored")
    run(program, 0, "snapshot", "--url", server.url, "--token", server.admin_token, copy)
    later = server.send(room, "after the copy")
    state = server.state(room)
    assert sorted(os.listdir(copy)) == ["homeserver.db", "server_name"]
    os.mkdir(restored)
    run(program, 0, "restore", copy, "--data", restored + "/", "--check")
    why = run(program, 2, "restore", copy, "--data", restored)[1]
    assert "is not empty" in why, why

    second = Server(program, "alice", "--data", restored, "--development", "--listen", "127.0.0.1:0")
    why = run(program, 2, "restore", copy, "--data", restored)[1]
    assert "a server is using" in why, why
    why = run(program, 2, "restore", restored, "--data", folder + "/other")[1]
    assert "a server is using" in why, why
    assert second.name == server.name and second.url != server.url
    found = newest(second, room, 50)
    assert found[:len(sent)] == sent[::-1] and later not in found, found
    assert second.state(room) == state, "nothing has changed the state since"
    second.send(room, "life goes on")
    assert newest(server, room, 1) == [later], "the original knows nothing of it"
    second.stop()

    with sqlite3.connect(copy + "/homeserver.db") as database:
        database.execute("UPDATE events SET text = replace(text, 'message 7', 'other')")
    assert "event_hash" in run(program, 1, "restore", copy, "--data", folder + "/other", "--check")[0]
    with sqlite3.connect(copy + "/homeserver.db") as database:
        database.execute("PRAGMA user_version = 1")
    why = run(program, 2, "restore", copy, "--data", folder + "/other")[1]
    assert "schema version 1" in why, why
    assert sorted(os.listdir(folder)) == ["copy", "restored"], "what fails leaves nothing"


def check_fork(program, server, room, folder):
    """The command that it prints starts the copy beside the original; returns its newest event."""
    copy = os.path.join(folder, "it's a fork")
    printed = run(program, 0, "fork", "--url", server.url, "--token", server.admin_token, copy)[0]
    command = shlex.split(printed)
    assert os.path.samefile(command[0], program), printed
    fork = Server(command[0], "alice", *command[1:])
    assert fork.name == server.name and fork.url != server.url
    last = newest(server, room, 1)
    assert newest(fork, room, 1) == last
    mine = fork.send(room, "only in the fork")
    assert newest(fork, room, 1) == [mine] and newest(server, room, 1) == last
    fork.stop()
    return server.send(room, "the original goes on")


def check_restore_of_stopped(program, data, room, last, folder):
    """What is only in the log of a folder belongs to it; the folder stays as it is."""
    def contents():
        return {name: pathlib.Path(data, name).read_bytes() for name in sorted(os.listdir(data))
                if not name.endswith("-shm")}  # SQLite's index of the log: made anew by any reader.
    before = contents()
    assert before["homeserver.db-wal"], "something is in the log"
    run(program, 0, "restore", data, "--data", folder)
    assert contents() == before
    server = Server(program, "alice", "--data", folder)
    assert newest(server, room, 1) == [last]
    server.stop()


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        for flags in ((), ("--data", scratch + "/data")):
            server = Server(program, "alice", "--development", *flags)
            room = server.call("POST", "/createRoom", {})["room_id"]
            sent = [server.send(room, f"message {number}") for number in range(10)]
            check_inspection(server, room, sent)
            took_ms, size = check_endpoint(server, tempfile.mkdtemp(dir=scratch))
            check_refusals(program, server, tempfile.mkdtemp(dir=scratch))
            check_snapshot(program, server, room, sent, tempfile.mkdtemp(dir=scratch))
            last = check_fork(program, server, room, tempfile.mkdtemp(dir=scratch))
            server.kill()
            if flags:
                check_restore_of_stopped(program, flags[1], room, last, scratch + "/restored")
            print(f"{'on disk' if flags else 'in memory'}: {size} bytes copied in {took_ms:.1f} ms")


if __name__ == "__main__":
    main()
