#!/usr/bin/env python3
"""Runs the commands of the READMEs: what a README tells to type must work.

Every line of a ```sh block is run from the repository's root with build/release/bin in PATH and
must exit 0. A block is left out when its info string says so: ```sh no-check (with the reason
behind it), for commands that run the whole of CI or wait for ever.

Usage: ci/check_readmes.py [--list] [README...]
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def commands_of(path):
    for match in re.finditer(r"^```sh([^\n]*)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
        if "no-check" in match[1]:
            continue
        for line in match[2].replace("\\\n", " ").splitlines():
            line = line.split(" # ")[0].strip()
            if line and not line.startswith("#"):
                yield line


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--list"]
    listing = subprocess.run(["git", "ls-files", "*README.md"], cwd=ROOT, capture_output=True,
                             text=True, check=True).stdout.splitlines()
    failed = 0
    for name in arguments or listing:
        for command in commands_of(ROOT / name):
            print(f"{name}: {command}", flush=True)
            if "--list" in sys.argv:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                environment = dict(os.environ, PATH=f"{ROOT}/build/release/bin:{os.environ['PATH']}",
                                   TOUCHSTONE_SCRATCH=scratch)
                result = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        timeout=600, check=False)
            if result.returncode != 0:
                failed += 1
                print(result.stdout[-4000:])
                print(f"{name}: exit {result.returncode}: {command}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
