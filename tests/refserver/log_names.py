#!/usr/bin/env python3
"""What the server logs, three times the same: the table in refserver/runtime/log_names.h, the table
in refserver/runtime/README.md, and the calls in the sources. Every name is used, and with no other
fields than the table has.

Usage: log_names.py SOURCE_FOLDER
"""

import pathlib
import re
import sys


def table_of(root):
    text = (root / "refserver/runtime/log_names.h").read_text()
    body = text[text.index("kLogKinds"):text.index("}();")]
    kinds = {}
    for name, level, fields, meaning in re.findall(
            r'LogKind\{\s*"(\w+)",\s*(\w+),\s*"([\w ]*)",\s*"([^"]*)"\s*\}', body):
        assert name not in kinds, f"{name} is twice in the table"
        kinds[name] = (level.lower(), fields, meaning)
    assert len(kinds) == body.count("LogKind{"), "the table is not read right"
    assert list(kinds) == sorted(kinds), "the table is in the order of names"
    return kinds


def readme_of(root):
    text = (root / "refserver/runtime/README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w ]*) \| (.*) \|$", text, re.MULTILINE)
    return {name: (level, fields, meaning) for name, level, fields, meaning in rows}


def block(text, start):
    """What stands in the braces that open at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at + 1]
    raise AssertionError("an open brace")


def calls_of(root, kinds):
    """Name and fields of each line that the sources log."""
    for path in sorted((root / "refserver").rglob("*.cpp")):
        text = path.read_text()
        for call in re.finditer(r'\bwrite\(\s*"(\w+)",\s*\{', text):
            fields = re.findall(r'\{"(\w+)",', block(text, call.end() - 1))
            yield path, call[1], fields
        # A function that several names share.
        for name in re.findall(r'\bwrite\("(\w+)"\);', text):
            assert name in kinds, (path, name)
            yield path, name, []


def main():
    root = pathlib.Path(sys.argv[1])
    kinds, readme = table_of(root), readme_of(root)
    problems, used = [], set()
    for path, name, fields in calls_of(root, kinds):
        if name not in kinds:
            problems.append(f"{path}: {name} is not in the table")
            continue
        used.add(name)
        for field in set(fields) - set(kinds[name][1].split()):
            problems.append(f"{path}: {name} has no field {field} in the table")
        if {"name", "ts", "level"} & set(fields):
            problems.append(f"{path}: {name} has a field that each line of JSON has")
    problems += [f"nothing logs {name}" for name in sorted(set(kinds) - used)]
    for name in sorted(set(kinds) | set(readme)):
        if kinds.get(name) != readme.get(name):
            problems.append(f"refserver/runtime/README.md: {name} is {readme.get(name)}, "
                            f"in the table {kinds.get(name)}")
    # What goes around the log cannot be found by its name.
    for path in sorted((root / "refserver").rglob("*.cpp")):
        inside = path.relative_to(root).parts[1]
        if inside in ("engine", "storage", "platform", "runtime") and re.search(
                r"\b(std::cerr|fprintf\(stderr|fputs\([^;]*stderr)", path.read_text()):
            problems.append(f"{path}: writes to standard error beside the log")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(kinds)} names, all used and documented")


if __name__ == "__main__":
    main()
