#!/usr/bin/env python3
"""Both forms of the log: what strangers do is a line with its name, whatever bytes they send.

Usage: log_lines.py REFSERVER
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request


def provoke(url):
    """Requests of servers that are none; their targets are in the log."""
    for target in ("/_matrix/federation/v1/event/$x?a=%0Aerror%20disk_full",
                   "/_matrix/federation/v1/event/$x?name=disk_full\"\\,level=error"):
        try:
            urllib.request.urlopen(url + target.replace('"', "%22").replace("\\", "%5C"), timeout=20)
        except urllib.error.HTTPError as error:
            assert error.code == 401, error.code


def lines_of(program, form):
    process = subprocess.Popen([program, "--log-level", "info", "--log-format", form],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    provoke(json.loads(process.stdout.readline())["url"])
    process.terminate()
    _, told = process.communicate(timeout=20)
    return told.splitlines()


def main():
    program = sys.argv[1]
    texts = [line for line in lines_of(program, "text") if " slow_turn " not in line]
    assert len(texts) == 2 and all(" info    authentication_failed target=" in one for one in texts), texts
    lines = [json.loads(line) for line in lines_of(program, "json")]
    found = [line for line in lines if line["name"] != "slow_turn"]
    assert [line["name"] for line in found] == ["authentication_failed"] * 2, found
    for line in found:
        assert line["level"] == "info" and line["ts"] and line["why"] and line["target"], line
    done = subprocess.run([program, "--log-format", "xml"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and "--log-format" in done.stderr, done
    print(f"{len(texts)} lines of text, {len(found)} of JSON")


if __name__ == "__main__":
    main()
