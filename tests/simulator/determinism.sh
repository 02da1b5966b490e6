#!/usr/bin/env bash
# Two processes with one seed give one hash, alone or after other runs, logging or not; of a planted draw that depends on a
# pointer the first record that differs is shown.
#
# Usage: determinism.sh SIMULATOR
set -euo pipefail
simulator=$1
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
scenario=(--servers 10 --seed 11 --minutes 5)
# Of a run, whatever it found.
hash_of() {
    { "$simulator" run "${scenario[@]}" --json "$@" 2>"$folder/log" || true; } |
        sed -n 's/.*"trace_hash":"\([0-9a-f]*\)".*/\1/p'
}
fail() { echo "determinism.sh: $*" >&2; cat "$folder/out" >&2; exit 1; }

first=$(hash_of)
[ -n "$first" ] || fail "no hash"
for way in "--twice" "--no-fork" "--log-level debug" "--trace $folder/trace"; do
    # shellcheck disable=SC2086 # several words
    hash=$(hash_of $way)
    echo "$first, with $way: $hash"
    [ "$hash" = "$first" ] || fail "two hashes"
done

# Addresses differ from process to process (address space layout randomisation), if not always.
for attempt in 1 2 3; do
    code=0
    "$simulator" run "${scenario[@]}" --plant-pointer-draw --twice >"$folder/out" || code=$?
    [ "$code" -ne 5 ] || break
done
[ "$code" -eq 5 ] || fail "the planted draw was not found: exit code $code"
record='  \(first\|second\):  *{"kind":"draw","server":-\?[0-9]*,"stream":"s[0-9]*\.test/[^"]*","time_us":[0-9]*,"value":"[0-9]*"}'
grep '^first diverging record: number [0-9]*, at [0-9.]* virtual s' "$folder/out" || fail "no record is shown"
[ "$(grep --count "^$record\$" "$folder/out")" -eq 2 ] || fail "not two draws"
grep --quiet "^repeat: .* --twice\$" "$folder/out" || fail "no line that repeats it"
