#!/usr/bin/env python3
"""Runs every benchmark of a Google Benchmark program for a moment, and fails if one of them does.

Usage: ci/run_benchmark_once.py PROGRAM

Rooms are small then, so that making them takes no longer than the moment. A benchmark that calls SkipWithError ends the program with 0: only its results tell.
"""

import json
import os
import subprocess
import sys


def main():
    result = subprocess.run([sys.argv[1], "--benchmark_min_time=0.001", "--benchmark_format=json"],
                            stdout=subprocess.PIPE, check=False,
                            env=os.environ | {"TOUCHSTONE_BENCH_BRIEF": "1"})
    if result.returncode != 0:
        sys.exit(f"{sys.argv[1]} ended with {result.returncode}")
    rows = json.loads(result.stdout)["benchmarks"]
    failed = [f"{row['name']}: {row['error_message']}" for row in rows if row.get("error_occurred")]
    print(f"{len(rows)} benchmarks ran, {len(failed)} failed", *failed, sep="\n")
    sys.exit(1 if failed or not rows else 0)


if __name__ == "__main__":
    main()
