#!/usr/bin/env python3
"""A reference server that is killed loses nothing that it acknowledged.

Usage: restart.py REFSERVER
"""

import sys
import tempfile

from refserver_process import Server, escape

LIVES = 5
MESSAGES = 20


def ids_in(server, room):
    """All events of the room, the newest first."""
    ids, query = [], "?dir=b&limit=50"
    while query:
        page = server.call("GET", f"/rooms/{escape(room)}/messages{query}")
        ids += [event["event_id"] for event in page["chunk"]]
        query = f"?dir=b&limit=50&from={escape(page['end'])}" if page.get("end") else ""
    return ids


def main():
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--data", folder, "--development")
        server = Server(sys.argv[1], "alice", *flags)
        name = server.name
        room = server.call("POST", "/createRoom", {})["room_id"]
        since = server.call("GET", "/sync")["next_batch"]
        sent = []
        for life in range(LIVES):
            sent += [server.send(room, f"life {life} message {number}") for number in range(MESSAGES)]
            server.kill()
            server = Server(sys.argv[1], "alice", *flags)
            assert server.name == name, "the name is kept"
            assert ids_in(server, room)[:len(sent)] == sent[::-1], "a message was lost"
            sync = server.call("GET", f"/sync?since={escape(since)}")
            events = sync["rooms"]["join"][room]["timeline"]["events"]
            assert events[-1]["event_id"] == sent[-1], "an old sync token leads on"
        server.stop()
        print(f"{LIVES} kills, {len(sent)} acknowledged messages, 0 lost")


if __name__ == "__main__":
    main()
