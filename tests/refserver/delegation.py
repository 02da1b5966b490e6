#!/usr/bin/env python3
"""Servers that are found by delegation, and one that may not be reached, as processes.

The web server of a name and its homeserver are the same process here, on another port than the
name says: only --resolve for port 443, the well-known document and DNS lead to it.

Usage: delegation.py REFSERVER
"""

import socket
import sys
import tempfile

from refserver_process import Server, escape


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check_join(joiner, resident):
    room = resident.call("POST", "/createRoom", {"preset": "public_chat"})["room_id"]
    joiner.call("POST", f"/join/{escape(room)}?via={escape(resident.name)}", {})
    joiner.wait_for_event(room, resident.send(room, "to the joiner"))
    resident.wait_for_event(room, joiner.send(room, "to the resident"))
    print(f"{joiner.name} joined through {resident.name}")


def check_denied(denying, resident):
    room = resident.call("POST", "/createRoom", {"preset": "public_chat"})["room_id"]
    try:
        denying.call("POST", f"/join/{escape(room)}?via={escape(resident.name)}", {})
    except AssertionError as error:
        assert "502" in str(error) and "forbidden_address" in str(error), error
        print(f"refused: {error}")
        return
    raise AssertionError("a denied network was reached")


def main():
    port = free_port()
    servers = []
    with tempfile.TemporaryDirectory() as folder:
        def start(user, *flags):
            servers.append(Server(sys.argv[1], user, "--dev-ca", folder, *flags))
            return servers[-1]
        try:
            delegating = start("alice", "--server-name", "delegating.test",
                               "--federation-listen", f"127.0.0.1:{port}",
                               "--well-known-server", f"localhost:{port}")
            joiner = start("bob", "--resolve", f"delegating.test:443=127.0.0.1:{port}")
            check_join(joiner, delegating)
            # security-cases.tsv 64: also in development, and by a name that DNS knows.
            denying = start("carol", "--deny-network", "127.0.0.0/8", "--deny-network", "::1")
            check_denied(denying, joiner)
        except BaseException:
            for server in servers:
                server.kill()
            raise
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()
