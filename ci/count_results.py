"""Adds up CTest's JUnit files and prints `N passed, N failed` as the last line.

Exits 1 if a test failed, if a file is missing or if no test ran: silence is not success.
"""

import sys
import xml.etree.ElementTree


def main():
    passed, failed, skipped, names = 0, 0, 0, []
    for path in sys.argv[1:]:
        try:
            suite = xml.etree.ElementTree.parse(path).getroot()
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print(f"{path}: no results ({error})")
            failed += 1
            continue
        for case in suite.iter("testcase"):
            status = case.get("status")
            if status == "run":
                passed += 1
            elif status in ("notrun", "disabled") and case.find("failure") is None:
                skipped += 1
            else:
                failed += 1
                names.append(case.get("name"))
    for name in names:
        print(f"failed: {name}")
    if skipped:
        print(f"skipped: {skipped}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
