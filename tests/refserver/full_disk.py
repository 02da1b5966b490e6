#!/usr/bin/env python3
"""A reference server whose disk is full says so, stays up, and goes on when there is room again.

The disk is a small tmpfs in a mount namespace of its own. Where none can be made (exit code 77),
the test is skipped.

Usage: full_disk.py REFSERVER
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from refserver_process import DEADLINE_S, Server, escape

SKIPPED = 77
DISK_BYTES = 6 * 1024 * 1024
BALLAST_BYTES = 2 * 1024 * 1024
REFUSALS = 20
MESSAGES_MAX = 5000
ISOLATED = "FULL_DISK_ISOLATED"


def isolate():
    """Runs this program again where it may mount; returns its exit code."""
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv]
    probe = subprocess.run(command[:4] + ["true"], capture_output=True, check=False)
    if probe.returncode != 0:
        print(f"skipped: no mount namespace: {probe.stderr.decode().strip()}")
        return SKIPPED
    return subprocess.run(command, env={**os.environ, ISOLATED: "1"}, check=False).returncode


def put(server, path, body):
    """Status and body of a request that may be refused."""
    request = urllib.request.Request(
        server.url + "/_matrix/client/v3" + path, method="PUT", data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + server.token, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Sender:
    """Sends large messages to a room, and keeps what was acknowledged."""

    def __init__(self, room):
        self.room = room
        self.sent = {}
        self.count = 0

    def send(self, server):
        """The status of one more message; one that is refused has to be sent again."""
        text = f"message {self.count} " + "x" * 8000
        path = f"/rooms/{escape(self.room)}/send/m.room.message/t{self.count}"
        status, body = put(server, path, {"msgtype": "m.text", "body": text})
        if status == 200:
            self.sent[body["event_id"]] = text
            self.count += 1
        else:
            assert (status, body["errcode"]) == (507, "M_UNKNOWN"), f"{status} {body}"
        return status

    def check(self, server):
        for event_id, text in self.sent.items():
            event = server.call("GET", f"/rooms/{escape(self.room)}/event/{escape(event_id)}")
            assert event["content"]["body"] == text, "a message was lost"
        page = server.call("GET", f"/rooms/{escape(self.room)}/messages?dir=b&limit=1000")
        bodies = [event["content"]["body"] for event in page["chunk"]
                  if event["type"] == "m.room.message"]
        assert len(bodies) == len(set(bodies)), "a message was sent twice"
        newest = list(self.sent.values())[::-1][:len(bodies)]
        assert bodies == newest, "something is there that was refused"


def check_snapshot(program, server, disk):
    """A copy that does not fit is refused, and nothing of it stays."""
    before = sorted(disk.iterdir())
    done = subprocess.run([program, "snapshot", "--url", server.url, "--token", server.admin_token,
                           str(disk / "copy")], capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    assert done.returncode == 1 and "(507)" in done.stderr, (done.returncode, done.stderr)
    assert sorted(disk.iterdir()) == before, "a part of a copy"


def run(program, disk):
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * BALLAST_BYTES)
    flags = ("--data", str(disk / "data"), "--development", "--log-level", "error")
    server = Server(program, "alice", *flags)
    sender = Sender(server.call("POST", "/createRoom", {})["room_id"])
    since = server.call("GET", "/sync")["next_batch"]

    while sender.send(server) == 200:
        assert sender.count < MESSAGES_MAX, "the disk is never full"
    before = sender.count
    refused = sum(sender.send(server) == 507 for _ in range(REFUSALS))
    assert refused > 0, "a full disk takes nothing"
    sync = server.call("GET", f"/sync?since={escape(since)}")
    assert sender.room in sync["rooms"]["join"], "reading goes on"
    sender.check(server)
    check_snapshot(program, server, disk)

    ballast.unlink()
    assert sender.send(server) == 200, "with room again, it goes on"
    for _ in range(REFUSALS):
        assert sender.send(server) == 200
    sender.check(server)
    server.kill()
    server = Server(program, "alice", *flags)
    sender.check(server)
    server.stop()
    print(f"{before} messages until the disk was full, {refused} refused with 507, "
          f"{sender.count} in all, 0 lost")


def main():
    if ISOLATED not in os.environ:
        return isolate()
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder],
            capture_output=True, check=False)
        if mounted.returncode != 0:
            print(f"skipped: no tmpfs: {mounted.stderr.decode().strip()}")
            return SKIPPED
        try:
            run(sys.argv[1], pathlib.Path(folder))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
