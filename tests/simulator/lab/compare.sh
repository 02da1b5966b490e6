#!/usr/bin/env bash
# `simulator compare` as a program: the same bytes again, a version as a file, and what it says of wrong usage.
#
# Usage: compare.sh SIMULATOR
set -euo pipefail

simulator=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

compare() { "$simulator" compare --quiet "$@"; }

compare --a 11 --b 12 --seeds 0..9 --wrong-answers 1 >"$scratch/first.md"
compare --a 11 --b 12 --seeds 0..9 --wrong-answers 1 >"$scratch/second.md"
cmp "$scratch/first.md" "$scratch/second.md"
compare --a 11 --b 12 --seeds 0..2 --worlds servers >"$scratch/servers.md"
grep --quiet '^| resets per 1,000 resolutions |' "$scratch/servers.md"
compare --a 12 --b fixtures/room_versions/all-fields.yaml --seeds 3 --html "$scratch/page.html" >"$scratch/file.md"
grep --quiet 'org.touchstone.all-fields' "$scratch/page.html"

# Refuses with exit code 2 and a sentence that has these words.
refuses() {
    local words=$1
    shift
    local code=0
    compare "$@" >"$scratch/out" 2>"$scratch/error" || code=$?
    [ "$code" -eq 2 ] && grep --quiet --fixed-strings -- "$words" "$scratch/error" && return
    echo "compare $*: exit code $code, expected 2 and: $words"
    cat "$scratch/error"
    exit 1
}
printf 'version: org.example.x\nbase: "12"\nhas_knok: true\n' >"$scratch/bad.yaml"
refuses "bad.yaml:3: has_knok: expected one of" --b "$scratch/bad.yaml"
refuses "expected a file that can be read" --a no-such-version
refuses "--seeds: expected FIRST..LAST" --seeds 9..0
refuses "--seeds: expected FIRST..LAST" --seeds x
refuses "expected neither --wrong-answers nor --html" --worlds servers --wrong-answers 1 --seeds 0
refuses "--worlds" --worlds other

# Scenarios run versions from files too.
file=fixtures/room_versions/v12-empty-start.yaml
"$simulator" draw --seed 3 --servers 2 --minutes 1 --room-version org.touchstone.v12-empty-start \
    --room-version-file "$file" >"$scratch/scenario.yaml"
code=0
"$simulator" replay "$scratch/scenario.yaml" --room-version-file "$file" >"$scratch/out" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] # Passed, or too little happened in a minute.
code=0
"$simulator" replay "$scratch/scenario.yaml" >"$scratch/out" 2>"$scratch/error" || code=$?
[ "$code" -eq 2 ] && grep --quiet 'org.touchstone.v12-empty-start' "$scratch/error"
