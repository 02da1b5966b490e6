#!/usr/bin/env python3
"""Every security case that tests/security_cases.tsv lists is held by tests that exist.

The numbers are those of the list of attacks on homeservers that this project keeps. Prints
`path:line: what is wrong` for each breach, and exits 1 if there is any.
Usage: ci/check_security_cases.py
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests/security_cases.tsv"
UNIT_TEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\(\s*(\w+),\s*(\w+)[,)]")
CONFORMANCE_TEST = re.compile(r"\.id = \"([\w./-]+)\"")


def existing_tests():
    names = set()
    for folder in ("tests", "conformance"):
        for path in (ROOT / folder).rglob("*_test.cpp"):
            text = path.read_text(encoding="utf-8")
            names.update(".".join(found) for found in UNIT_TEST.findall(text))
            names.update(CONFORMANCE_TEST.findall(text))
    return names


def main():
    known = existing_tests()
    breaches = []
    last = 0
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != 3 or not fields[0].isdigit() or not fields[2].split():
            breaches.append((number, "expected a number, a case and the names of its tests"))
            continue
        if int(fields[0]) <= last:
            breaches.append((number, f"expected a number above {last}"))
        last = int(fields[0])
        for name in fields[2].split():
            if name not in known:
                breaches.append((number, f"there is no test {name}"))
    for number, what in breaches:
        print(f"{TABLE.relative_to(ROOT)}:{number}: {what}")
    print(f"{len(lines) - 1} security cases, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
