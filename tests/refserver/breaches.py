#!/usr/bin/env python3
"""Each breach that fsck can report stands in refserver/admin/README.md, and has a test that plants
the damage; no other does.

Usage: breaches.py SOURCE_FOLDER
"""

import pathlib
import re
import sys


def reported(root):
    names = set()
    for path in (*root.glob("refserver/engine/fsck/*.cpp"), root / "refserver/storage/audit_rows.cpp"):
        # `expect` is a short form of `report`.
        names |= set(re.findall(r'(?:report\(|expect\(|RowRule\{)\s*"(\w+)"', path.read_text()))
    return names


def documented(root):
    text = (root / "refserver/admin/README.md").read_text()
    table = text[text.index("| breaches | of |"):]
    return set(re.findall(r"`(\w+)`", table[:table.index("\n\n")]))


def tested(root):
    text = "".join(path.read_text() for path in (*root.glob("tests/engine/fsck*_test.cpp"),
                                                 root / "tests/refserver/fsck.py"))
    return set(re.findall(r'"(\w+)"', text))


def main():
    root = pathlib.Path(sys.argv[1])
    names, table, tests = reported(root), documented(root), tested(root)
    problems = [f"refserver/admin/README.md lacks {name}" for name in sorted(names - table)]
    problems += [f"refserver/admin/README.md has {name}, which nothing reports"
                 for name in sorted(table - names)]
    problems += [f"no test plants damage of the kind {name}" for name in sorted(names - tests)]
    assert len(names) > 40, "the sources are not read right"
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(names)} kinds of breach, all documented, all planted")


if __name__ == "__main__":
    main()
