#!/usr/bin/env python3
"""`refserver resolve`: forms of input, explanations, quirks, pages, and what it says of bad input.

Usage: command_resolve.py REFSERVER
"""

import json
import pathlib
import re
import sys
import tempfile

from command_line import COUNTER_EXAMPLES, Adapter, SignedRoom, run

PROGRAM = sys.argv[1]
CASES = {case["name"]: case for case in json.loads(COUNTER_EXAMPLES.read_text())["cases"]}
COMMAND = re.compile(r"\A[A-E]: ")


def resolve(*arguments, stdin="", code=0):
    """Standard output (standard error for another exit code) of the command."""
    got, out, err = run(PROGRAM, "resolve", *arguments, stdin=stdin)
    assert got == code, f"resolve {arguments}: exit {got}, not {code}\n{out}{err}"
    return out if code == 0 else err


def ids_of(text):
    return sorted(line.split("\t")[2] for line in text.splitlines() if "\t" in line)


def as_lines(case):
    """A vector as NDJSON."""
    facts = [{"room_version": case["room_version"], "room_id": case["room_id"]},
             *({"state_set": entries} for entries in case["state_sets"]),
             {"rejected": case.get("rejected", [])}]
    return "".join(json.dumps(line) + "\n" for line in case["events"] + facts)


def check_vectors():
    for implementation in ("fast", "oracle", "both"):
        text = resolve("--implementation", implementation, COUNTER_EXAMPLES)
        assert text.count("# ") == len(CASES), "every case is resolved"
    quirks = {name for case in CASES.values() for name in case.get("differs_under", {})}
    for quirk in sorted(quirks):
        resolve("--quirk", quirk, COUNTER_EXAMPLES)
    for name, case in CASES.items():
        assert ids_of(resolve("--case", name, COUNTER_EXAMPLES)) == case["resolved"], name
    print(f"{len(CASES)} vectors, {len(quirks)} quirks")


def check_wrong_vector():
    case = dict(next(iter(CASES.values())), resolved=["$E0"])
    error = resolve("-", stdin=json.dumps({"cases": [case]}), code=1)
    assert "the vector expects another state" in error and "without $E2" in error, error


def check_counter_examples():
    """A to E: from NDJSON, explained, and under each quirk that changes them."""
    found = 0
    for name, case in CASES.items():
        if not COMMAND.match(name):
            continue
        found += 1
        lines = as_lines(case)
        text = resolve("--explain", "-", stdin=lines)
        assert ids_of(text) == case["resolved"], name
        for title in ("Conflicted keys", "Auth difference", "Full conflicted set", "Mainline",
                      "Steps 1 and 2", "Steps 3 and 4", "Step 5", "Result"):
            assert f"\n{title}" in text, f"{name}: no {title}"
        assert re.search(r"(allowed|refused) by v\d+ \d", text), name
        for quirk, ids in case.get("differs_under", {}).items():
            assert ids_of(resolve("--quirk", quirk, "-", stdin=lines)) == ids, (name, quirk)
            error = resolve("--quirk", quirk, "--implementation", "both", "-", stdin=lines, code=1)
            assert "the implementations differ in" in error, error
    assert found == 6, found


def check_explanation():
    """The order of A, C and D, each with what decided."""
    def story(letter):
        name = next(name for name in CASES if name.startswith(letter + ": "))
        text = resolve("--explain", "--json", "-", stdin=as_lines(CASES[name]))
        return json.loads(text)["explanation"]

    a = story("A")
    assert a["auth_difference"] == ["$E4"]
    assert [one["event_id"] for one in a["power_order"]] == ["$E3", "$E4", "$E5"]
    assert all(one["because"] == "no other has all of its auth events placed"
               for one in a["power_order"])
    assert a["conflicted_keys"] == [{"key": ["m.room.join_rules", ""], "resolved": "$E5",
                                     "values": ["$E5", "$E3"]}]
    c = story("C")
    assert [one["event_id"] for one in c["power_order"]] == ["$E2", "$E3", "$E4", "$E5"]
    d = story("D")
    assert d["power_order"][0]["because"].startswith("before $E5: earlier")
    assert d["mainline"] == ["$E6", "$E2"]
    assert d["remaining_order"][0]["sort_key"].startswith("mainline position 0")
    assert d["remaining_order"][0]["judged_by"], "the state that judged it is told"


def check_forms(folder):
    """One room in all forms has one result."""
    case = CASES[next(name for name in CASES if name.startswith("A: "))]
    expected = case["resolved"]
    room = {key: case[key] for key in ("room_version", "room_id", "events", "state_sets")}
    events = "".join(json.dumps(event) + "\n" for event in case["events"])
    (folder / "events.ndjson").write_text(events)
    (folder / "one").write_text("\n".join(case["state_sets"][0]) + "\n")
    (folder / "two").write_text(json.dumps(case["state_sets"][1]))
    (folder / "three").write_text(json.dumps({"pdu_ids": case["state_sets"][1],
                                              "auth_chain_ids": []}))
    assert ids_of(resolve("-", stdin=json.dumps(room, indent=2))) == expected
    assert ids_of(resolve("--format", "room", "-", stdin=json.dumps(room))) == expected
    for second in ("two", "three"):
        text = resolve("--room-version", "11", "--state-set", folder / "one", "--state-set",
                       folder / second, folder / "events.ndjson")
        assert ids_of(text) == expected, second
    array = resolve("--room-version", "11", "--state-set", folder / "one", "--state-set",
                    folder / "two", "-", stdin=json.dumps(case["events"]))
    assert ids_of(array) == expected


def check_graph_and_answers():
    """A signed room with a fork: its extremities, a merge, and two answers of /state."""
    adapter = Adapter(PROGRAM)
    room = SignedRoom(adapter).found()
    base = room.last
    left = room.add("m.room.topic", {"topic": "left"}, "", auth=(0, 1, 2), prev=base)
    right = room.add("m.room.topic", {"topic": "right"}, "", auth=(0, 1, 2), prev=base)
    name = room.add("m.room.name", {"name": "n"}, "", auth=(0, 1, 2), prev=[right])
    ids = room.ids
    lines = room.lines()
    expected = sorted([*ids[:5], ids[right], ids[name]])  # The later of two topics.
    assert ids_of(resolve("-", stdin=lines)) == expected, "states after the extremities"
    answer = json.dumps({"pdus": room.pdus[:5], "auth_chain": room.pdus[:3]})
    for implementation in ("fast", "oracle", "both"):
        text = resolve("--implementation", implementation, "-", stdin=answer)
        assert ids_of(text) == sorted(ids[:5]), "one state is in no conflict with itself"
    merge = room.add("m.room.message", {"body": "m"}, auth=(0, 1, 2), prev=[left, name])
    assert ids_of(resolve("--before", room.ids[merge], "-", stdin=room.lines())) == expected
    assert ids_of(resolve("--before", ids[left], "-", stdin=lines)) == sorted(ids[:5])

    with tempfile.TemporaryDirectory() as folder:
        files = []
        for state in ([0, 1, 2, 3, 4, left], [0, 1, 2, 3, 4, right, name]):
            path = pathlib.Path(folder, f"state{len(files)}.json")
            path.write_text(json.dumps({"pdus": [room.pdus[n] for n in state],
                                        "auth_chain": [room.pdus[n] for n in range(4)]}))
            files.append(path)
        assert ids_of(resolve("--implementation", "both", *files)) == expected
    adapter.close()


class Page:
    """What a page holds, by the classes of its elements."""

    def __init__(self, text):
        self.text = text
        self.nodes = re.findall(r'<g id="n(\d+)" class="([^"]*)"', text)
        self.edges = re.findall(r'<path class="edge (prev|auth)"', text)
        self.steps = re.findall(r"<li[ >][^\n]*", text)


def check_page(folder):
    name = next(name for name in CASES if name.startswith("D: "))
    case = CASES[name]
    file = folder / "room.html"
    resolve("--case", name, "--html", file, COUNTER_EXAMPLES)
    page = Page(file.read_text())
    assert len(page.nodes) == len(case["events"])
    conflicted = [node for node, names in page.nodes if "conflicted" in names]
    assert len(conflicted) == 4, "E1, E5, E6 and E7 are in the full conflicted set"
    cited = sum(len(event.get("auth_events", [])) for event in case["events"])
    assert page.edges.count("auth") == cited
    assert page.edges.count("prev") == sum(len(event.get("prev_events", []))
                                           for event in case["events"])
    verdicts = [step for step in page.steps if "data-verdict" in step]
    assert len(verdicts) == 4 and all("data-event" in step for step in verdicts)
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page.text), "nothing is loaded from elsewhere"
    hostile = as_lines(case).replace("@u0:a", "@<script>:a")
    resolve("--html", file, "-", stdin=hostile)
    assert "<script>:a" not in file.read_text(), "what a stranger wrote is text"
    resolve("--html", folder / "no/such/folder", "--case", name, COUNTER_EXAMPLES, code=2)
    resolve("--html", file, COUNTER_EXAMPLES, code=2)


def check_refusals(folder):
    case = CASES[next(name for name in CASES if name.startswith("A: "))]
    lines = as_lines(case)
    broken = lines.replace('"sender": "@u0:a"', '"sender": 7', 1)

    def refuses(text, *parts, arguments=("-",), code=3):
        error = resolve(*arguments, stdin=text, code=code)
        for part in parts:
            assert part in error, f"{part!r} is not in {error!r}"

    refuses(broken, "<stdin>:1: sender: expected a string, not an integer")
    refuses(lines.replace('"$E5"', '"E5"', 1), "<stdin>:6: event_id: expected an event id")
    refuses(lines + "{\n", "<stdin>:11: expected one JSON object a line")
    refuses(lines + "[1]\n", "<stdin>:11: expected an object, not an array")
    refuses(lines + '{"state_set":["$nothing"]}\n', "<stdin>:11: [0]: expected the id of a given")
    refuses(lines + '{"state_set":["$E3","$E5"]}\n', "one event for each type and state key")
    refuses(lines + '{"room_version":"13"}\n', 'room_version: expected a room version from "1"')
    refuses(lines + '{"room_version":"12"}\n', 'expected "11", as before')
    refuses(lines.replace("1014", "1014.5"), "origin_server_ts: expected an integer")
    refuses('{"pdus": [], "auth_chain": [\n 1]}', "auth_chain[0]: expected an event, not an integer")
    refuses('{"events": [\n {"a": }]}', "<stdin>:2: expected JSON")
    refuses("", "<stdin>:1: expected JSON")
    refuses(lines.replace("$E5", "$E4", 1), "another event is called $E4")
    refuses(json.dumps(case["events"][2]), "expected an m.room.create event, or the flag")
    refuses(lines, "--before: expected the id of an event", arguments=("--before", "$x", "-"))
    refuses(lines, "there are", arguments=("--quirk", "no-such-quirk", "-"), code=2)
    refuses(lines, "only the oracle", code=2,
            arguments=("--quirk", "inclusive-chains", "--implementation", "fast", "-"))
    refuses("", "no-such-file: expected a file that can be read", code=2,
            arguments=(folder / "no-such-file",))
    refuses("", "FILE is required", arguments=(), code=2)
    refuses("", "once only", arguments=("-", "-"), code=2)
    refuses("", "13", arguments=("--room-version", "13", "-"), code=2)
    refuses("", "no such case", arguments=("--case", "no such case", COUNTER_EXAMPLES))


def check_room_version_files(folder):
    """A room of version 12 is resolved by a version that was given as data."""
    versions = pathlib.Path(__file__).resolve().parents[2] / "fixtures/room_versions"
    name = "S27: unconflicted power levels make no mainline, v12"
    lines = as_lines(CASES[name]).replace('{"room_version": "12", ', "{")
    expected = CASES[name]["differs_under"]["unconflicted-mainline"]
    for file in ("v12-with-mainline.yaml", "all-fields.yaml"):
        text = resolve("--room-version-file", versions / file, "--implementation", "both", "-",
                       stdin=lines)
        assert file != "v12-with-mainline.yaml" or ids_of(text) == expected, text
    text = resolve("--room-version-file", versions / "v12-with-mainline.yaml", "--explain", "-",
                   stdin=lines)
    assert "mainline_start resolved_or_unconflicted" in text, text
    # Of several files the flag chooses.
    both = ("--room-version-file", versions / "v12-with-mainline.yaml",
            "--room-version-file", versions / "v12-subgraph.yaml")
    assert ids_of(resolve(*both, "--room-version", "12", "-", stdin=lines)) == CASES[name]["resolved"]
    text = resolve(*both, "--room-version", "org.touchstone.v12-with-mainline", "-", stdin=lines)
    assert ids_of(text) == expected
    (folder / "bad.yaml").write_text("version: org.example.x\nbase: '12'\nhas_knok: true\n")
    error = resolve("--room-version-file", folder / "bad.yaml", "-", stdin=lines, code=2)
    assert "bad.yaml:3: has_knok: expected one of the fields" in error, error


def check_help():
    text = resolve("--help")
    for part in ("Examples:", "Exit codes:", "--explain", "--quirk", "--html", "--room-version-file"):
        assert part in text, part
    quirks = resolve("--list-quirks")
    assert "inclusive-chains (S1; Synapse)" in quirks
    code, text, _ = run(PROGRAM, "--help")
    assert code == 0 and "Commands" in text
    assert all(f"\n  {name} " in text for name in ("resolve", "check", "adapter"))


def main():
    check_vectors()
    check_wrong_vector()
    check_counter_examples()
    check_explanation()
    check_graph_and_answers()
    with tempfile.TemporaryDirectory() as name:
        check_forms(pathlib.Path(name))
        check_page(pathlib.Path(name))
        check_refusals(pathlib.Path(name))
        check_room_version_files(pathlib.Path(name))
    check_help()


if __name__ == "__main__":
    main()
