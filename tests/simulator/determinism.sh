#!/usr/bin/env bash
# Two processes with one seed give one hash; a planted draw that depends on a pointer gives two.
#
# Usage: determinism.sh SIMULATOR
set -euo pipefail
# Of a run, whatever it found.
hash_of() {
    { "$1" run --servers 10 --seed 11 --minutes 5 --json "${@:2}" || true; } |
        sed -n 's/.*"trace_hash":"\([0-9a-f]*\)".*/\1/p'
}

first=$(hash_of "$1")
second=$(hash_of "$1")
echo "two runs of one seed: $first $second"
[ -n "$first" ] && [ "$first" = "$second" ] || exit 1

# Addresses differ from process to process (address space layout randomisation).
for attempt in 1 2 3; do
    planted=$(hash_of "$1" --plant-pointer-draw)
    again=$(hash_of "$1" --plant-pointer-draw)
    echo "with a planted pointer: $planted $again"
    [ "$planted" != "$again" ] && exit 0
done
echo "the planted draw was not found"
exit 1
