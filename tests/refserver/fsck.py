#!/usr/bin/env python3
"""fsck of a killed server's folder is clean; damage is named, with the exit code for it.

Usage: fsck.py REFSERVER
"""

import json
import shutil
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


def check_file_damage(program, folder):
    """An index that lacks a row is what SQLite itself finds."""
    file = f"{folder}/homeserver.db"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page_bytes = database.execute("PRAGMA page_size").fetchone()[0]
        root = database.execute("SELECT rootpage FROM sqlite_schema"
                                " WHERE name = 'client_transactions_by_age'").fetchone()[0]
    database.close()
    with open(file, "r+b") as opened:
        opened.seek(root * page_bytes - 8)  # The end of the page, where its oldest row is.
        opened.write(b"\x7f" * 8)
    names, lines, _ = fsck(program, folder, 1)
    assert "file_damaged" in names, lines
    with sqlite3.connect(file) as database:
        database.execute("REINDEX")


def check_foreign(program, folder):
    """What is no database of ours is refused with a sentence, and nothing is asserted."""
    file = f"{folder}/homeserver.db"
    with sqlite3.connect(file) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        with tempfile.TemporaryDirectory() as copy:
            shutil.copy(f"{folder}/server_name", copy)
            shutil.copy(file, copy)
            with sqlite3.connect(f"{copy}/homeserver.db") as database:
                database.execute(f"DROP TABLE {table}")
            database.close()
            why = fsck(program, copy, 2)[2]
            assert f'has no table "{table}"' in why, (table, why)
    for statements, wanted in (
            (["CREATE TABLE notes (text TEXT)"], "schema version 0"),
            (["CREATE TABLE events (id)", f"PRAGMA user_version = {version}"], "has no table"),
            (None, "file is not a database")):
        with tempfile.TemporaryDirectory() as other:
            shutil.copy(f"{folder}/server_name", other)
            if statements is None:
                with open(f"{other}/homeserver.db", "w", encoding="utf-8") as text:
                    text.write("no database at all " * 300)
            else:
                with sqlite3.connect(f"{other}/homeserver.db") as database:
                    for statement in statements:
                        database.execute(statement)
                database.close()
            why = fsck(program, other, 2)[2]
            assert wanted in why, (wanted, why)
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE receipts RENAME COLUMN thread TO threads")
    why = fsck(program, folder, 2)[2]
    assert 'has no column "thread" in the table "receipts"' in why, why


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

        check_file_damage(program, folder)
        check_foreign(program, folder)
        _, _, why = fsck(program, folder + "/none", 2)
        assert "there is no folder" in why, why
        print(f"{counts['events']} events clean; the damage is {names}")


if __name__ == "__main__":
    main()
