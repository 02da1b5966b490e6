#!/usr/bin/env python3
"""Checks that each file of fixtures/ keeps the JSON Schema that it names.

A YAML file names its schema in its first line, as editors read it: `# yaml-language-server: $schema=PATH`.
Prints one line for each breach, and exits 1 if there is any.
Usage: ci/check_fixtures.py [FILE...]
"""

import json
import pathlib
import sys

import jsonschema
import yaml

YAML_SCHEMA = "# yaml-language-server: $schema="
ROOT = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


def load(path):
    """Parses a file; a key that stands twice in one object is an error."""

    def unique(pairs):
        keys = [key for key, _ in pairs]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"keys that stand twice: {sorted(twice)}")
        return dict(pairs)

    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        head = text.splitlines()[0]
        return yaml.safe_load(text) | {"$schema": head.removeprefix(YAML_SCHEMA)}
    return json.loads(text, object_pairs_hook=unique)


def breaches(path):
    """Yields what is wrong with one file."""
    document = load(path)
    if path.parent == ROOT / "schemas":
        jsonschema.Draft202012Validator.check_schema(document)
        return
    if not isinstance(document, dict) or "$schema" not in document:
        yield "has no $schema"
        return
    schema = load((path.parent / document["$schema"]).resolve())
    if path.suffix == ".yaml":
        del document["$schema"]
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        yield f"{error.json_path}: {error.message}"
    names = [case.get("name") for case in document.get("cases", []) if isinstance(case, dict)]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"two cases are named {name!r}"


def main():
    paths = [pathlib.Path(name).resolve() for name in sys.argv[1:]] or sorted(
        path for kind in ("*.json", "*.yaml") for path in ROOT.rglob(kind))
    count = 0
    for path in paths:
        try:
            found = list(breaches(path))
        except (OSError, ValueError, jsonschema.SchemaError) as error:
            found = [str(error)]
        for breach in found:
            print(f"{path}: {breach}")
            count += 1
    print(f"{len(paths)} files checked, {count} breaches")
    if not paths:
        print("no fixtures: nothing was checked")
    return 1 if count or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
