"""A refserver process for the tests of this folder: started, asked, stopped."""

import json
import select
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

DEADLINE_S = 20


def escape(text):
    return urllib.parse.quote(text, safe="")


class Server:
    """A refserver with one user; `stop` it, or `kill` it as a power cut would."""

    def __init__(self, program, user, *flags):
        self.process = subprocess.Popen([program, "--users", user, *flags],
                                        stdout=subprocess.PIPE, text=True)
        readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
        assert readable, "no ready line"
        ready = json.loads(self.process.stdout.readline())
        self.url = ready["url"]
        self.name = ready["server_name"]
        self.admin_token = ready["admin_token"]
        self.user, self.token = next(iter(ready["users"].items()))

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=DEADLINE_S) == 0, "SIGTERM is a clean end"

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE_S)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + "/_matrix/client/v3" + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def state(self, room):
        """The current state as (type, state key) to event id."""
        return {(event["type"], event["state_key"]): event["event_id"]
                for event in self.call("GET", f"/rooms/{escape(room)}/state")}

    def wait_for_event(self, room, event_id):
        """Syncs until the event is in the room's timeline."""
        since = ""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            sync = self.call("GET", f"/sync?timeout=1000{since}")
            timeline = sync.get("rooms", {}).get("join", {}).get(room, {}).get("timeline", {})
            if any(event["event_id"] == event_id for event in timeline.get("events", [])):
                return
            since = "&since=" + escape(sync["next_batch"])
        raise AssertionError(f"{self.name} never saw {event_id}")

    def send(self, room, text):
        path = f"/rooms/{escape(room)}/send/m.room.message/{escape(text)}"
        return self.call("PUT", path, {"msgtype": "m.text", "body": text})["event_id"]
