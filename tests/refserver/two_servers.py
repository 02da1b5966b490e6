#!/usr/bin/env python3
"""Two reference servers, two processes: they join each other's rooms over TLS and converge.

Usage: two_servers.py REFSERVER
"""

import sys
import tempfile

from refserver_process import Server, escape


def check_joining(resident, joiner, version):
    room = resident.call("POST", "/createRoom",
                         {"preset": "public_chat", "room_version": version})["room_id"]
    joiner.call("POST", f"/join/{escape(room)}?via={escape(resident.name)}", {})
    joiner.wait_for_event(room, resident.send(room, "from the resident " + room))
    resident.wait_for_event(room, joiner.send(room, "from the joiner " + room))
    topic = resident.call("PUT", f"/rooms/{escape(room)}/state/m.room.topic/", {"topic": "same"})
    joiner.wait_for_event(room, topic["event_id"])
    assert resident.state(room) == joiner.state(room), "two states of one room"
    assert ("m.room.member", joiner.user) in resident.state(room)
    print(f"room version {version}: {joiner.name} joined through {resident.name}, states are equal")


def main():
    # Each makes its certificate by the same development CA, and trusts that CA.
    with tempfile.TemporaryDirectory() as folder:
        alice = Server(sys.argv[1], "alice", "--dev-ca", folder)
        bob = Server(sys.argv[1], "bob", "--dev-ca", folder)
        try:
            for version in ("10", "11", "12"):
                check_joining(alice, bob, version)
                check_joining(bob, alice, version)
        except BaseException:
            alice.kill()
            bob.kill()
            raise
        alice.stop()
        bob.stop()


if __name__ == "__main__":
    main()
