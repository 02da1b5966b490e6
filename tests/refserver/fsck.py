#!/usr/bin/env python3
"""fsck of a killed server's folder is clean; damage is named, with the exit code for it.

Usage: fsck.py REFSERVER
"""

import json
import sqlite3
import subprocess
import sys
import tempfile

from refserver_process import Server

EVENTS_AT_LEAST = 20


def fsck(program, folder, code):
    done = subprocess.run([program, "fsck", "--data", folder, "--json"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line["breach"] for line in lines if "breach" in line], lines, done.stderr


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, "alice", "--data", folder, "--development")
        room = server.call("POST", "/createRoom", {})["room_id"]
        for number in range(EVENTS_AT_LEAST):
            server.send(room, f"message {number}")
        _, _, why = fsck(program, folder, 2)
        assert "a server is using" in why, why
        server.kill()

        names, lines, _ = fsck(program, folder, 0)
        counts = lines[-1]["summary"]
        assert not names and counts["events"] > EVENTS_AT_LEAST, lines
        assert counts["signatures_unjudged"] == 0, "our own keys are known"

        with sqlite3.connect(f"{folder}/homeserver.db") as database:
            database.execute("UPDATE events SET text = replace(text, 'message 7', 'other')")
        names, lines, _ = fsck(program, folder, 1)
        assert names == ["event_hash"], lines
        assert lines[0]["room_id"] == room and lines[0]["event_id"].startswith("$"), lines

        _, _, why = fsck(program, folder + "/none", 2)
        assert "there is no folder" in why, why
        print(f"{counts['events']} events clean; the damage is {names}")


if __name__ == "__main__":
    main()
