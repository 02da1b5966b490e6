"""Joins Google Benchmark results into one table, beside saved ones if asked to.

Exits 1 if a benchmark failed: a figure of wrong answers is none.
"""

import argparse
import json
import pathlib
import sys


def rows_of(path):
    text = pathlib.Path(path).read_text()
    return json.loads(text)["benchmarks"] if text.strip() else []


def counters_of(row):
    known = {"real_time", "cpu_time", "iterations", "repetitions", "repetition_index", "threads",
             "family_index", "per_family_instance_index"}
    return {key: value for key, value in row.items()
            if isinstance(value, (int, float)) and key not in known}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="*")
    parser.add_argument("--save")
    parser.add_argument("--against")
    arguments = parser.parse_args()
    rows = [row for path in arguments.results for row in rows_of(path)]
    if arguments.save:
        pathlib.Path(arguments.save).write_text(json.dumps({"benchmarks": rows}))
    before = {}
    if arguments.against:
        before = {row["name"]: row for row in rows_of(arguments.against)}
    failed = [row for row in rows if row.get("error_occurred")]
    for row in rows:
        if row in failed:
            print(f"{row['name']:<52} FAILED: {row['error_message']}")
            continue
        line = f"{row['name']:<52} {row['real_time']:>14,.1f} {row['time_unit']}"
        if before.get(row["name"], {}).get("real_time"):
            ratio = row["real_time"] / before[row["name"]]["real_time"]
            line += f"  x{ratio:.2f}"
        for name, value in counters_of(row).items():
            line += f"  {name}={value:,.6g}"
        print(line)
    return 0 if rows and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
