#!/usr/bin/env bash
# The command line as others see it: exit codes, the line that repeats a failure, records, signals, GNU parallel.
#
# Usage: commands.sh SIMULATOR FOLDER_OF_RECIPES
set -euo pipefail
simulator=$(realpath "$1") recipes=$(realpath "$2")
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
PATH="$(dirname "$simulator"):$PATH"
small=(--servers 3 --minutes 2)

fail() { echo "commands.sh: $*" >&2; exit 1; }
# expect CODE COMMAND...: its output is in out.txt and err.txt.
expect() {
    local expected=$1 status=0
    shift
    "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -eq "$expected" ] || { cat out.txt err.txt; fail "exit $status, not $expected: $*"; }
}
has() { grep --quiet --fixed-strings -- "$2" "$1" || { cat "$1"; fail "$1 lacks: $2"; }; }

# seed_with CODE COMMAND...: the first seed whose run ends so. What seeds draw changes with each workload that is added.
seed_with() {
    local expected=$1 seed status
    shift
    for seed in $(seq 20); do
        status=0
        "$@" --seed "$seed" >out.txt 2>err.txt || status=$?
        [ "$status" -ne "$expected" ] || { echo "$seed"; return; }
    done
    fail "no seed up to 20 ends with $expected: $*"
}

# A failure says how to repeat it, and the line repeats it.
expect 1 simulator run "${small[@]}" --seed 4879fa5a8431 --plant rotten-topics --log-level error
repeat=$(sed -n 's/^repeat: //p' out.txt)
[ "$repeat" = "simulator run --seed 4879fa5a8431 --servers 3 --minutes 2 --plant rotten-topics" ] || fail "repeat: $repeat"
has out.txt "chance:       seed $(simulator draw --seed 4879fa5a8431 | sed -n 's/^seed: //p')"
hash=$(grep '^trace hash' out.txt)
expect 1 bash -c "$repeat"
has out.txt "$hash"

# The help names every command, and each explains itself.
expect 0 simulator --help
for command in run sweep replay draw shrink explain view merge list compare live; do
    has out.txt "  $command  "
done
for command in run sweep replay draw shrink explain view merge list compare live; do
    expect 0 simulator "$command" --help
done

# Each class of what can happen has its code.
expect 2 simulator run --servers none
expect 2 simulator run --seed xyz
has err.txt "expected a seed"
expect 2 simulator sweep --seeds 9..1
expect 3 simulator run --servers 2 --minutes 1 --pause 3600
stuck=$(seed_with 4 simulator run --servers 3 --minutes 3 --plant jammed-by-topics)
expect 5 simulator sweep --seeds 1..3 --servers 2 --minutes 1 --twice --plant-pointer-draw
has out.txt "two hashes"
expect 6 simulator run "${small[@]}" --trace /nowhere/trace
expect 6 simulator sweep "${small[@]}" --seeds 1 --records /nowhere/records
crashing=$(seed_with 7 simulator run --servers 5 --minutes 10 --plant crash-on-company)
has err.txt "assertion failed"
expect 8 simulator run --servers 40 --minutes 10000 --timeout 1s
expect 2 env SLURM_ARRAY_TASK_ID=x simulator sweep --seeds 1
has err.txt "SLURM_ARRAY_TASK_ID"

# A sweep by GNU parallel: each part its seeds, the records of all in one file.
if command -v parallel >parallel.txt; then
    "$recipes/gnu_parallel.sh" 3 0..7 "${small[@]}" >out.txt 2>err.txt || true
    for part in 1/3 2/3 3/3; do has out.txt "shard $part, chosen by PARALLEL_SEQ"; done
    [ "$(grep --count '"kind":"seed"' sweep.jsonl)" -eq 8 ] || fail "sweep.jsonl lacks seeds"
    cp sweep.jsonl once.jsonl
    expect 0 simulator merge once.jsonl sweep.1.jsonl once.jsonl --output again.jsonl
    cmp once.jsonl again.jsonl
    has out.txt "8 seeds:"
else
    echo "GNU parallel is not installed: its recipe was not run"
fi
expect 2 simulator merge once.jsonl "$recipes/gitlab.yml"
has err.txt "gitlab.yml:1: expected a JSON object"

# SIGTERM ends a sweep within ten seconds; what was done stands in its records and in its table.
simulator sweep "${small[@]}" --seeds 0..999999 --records cut.jsonl >cut.txt 2>&1 & sweep=$!
{ tail --follow=name --retry --lines=+1 cut.jsonl 2>tail.txt || true; } | grep --max-count=1 --quiet '"kind":"seed"'
begin=$SECONDS
kill -TERM "$sweep"
status=0
wait "$sweep" || status=$?
[ $((SECONDS - begin)) -le 10 ] || fail "$((SECONDS - begin)) s after SIGTERM"
[ "$status" -eq 9 ] || { cat cut.txt; fail "exit $status after SIGTERM"; }
has cut.txt "seeds were not run: interrupted"
expect 0 simulator merge cut.jsonl --output merged.jsonl
cmp <(sort cut.jsonl) <(sort merged.jsonl)

# What was shrunk has no seed, and fails in the same way.
expect 0 simulator shrink --servers 4 --minutes 2 --seed 3 --plant rotten-topics --output shrunk.yaml -j2
has out.txt "checker soundness"
! grep --quiet '^seed:' shrunk.yaml || fail "the shrunk scenario has a seed"
expect 1 bash -c "$(sed -n 's/^repeat: //p' out.txt)"
# It is explained without a seed, too, and so are runs that crash or stand still.
expect 0 simulator explain shrunk.yaml --plant rotten-topics
has out.txt "FINDING 1 of 1: soundness"
has out.txt "repeat: simulator replay shrunk.yaml --plant rotten-topics"
expect 0 simulator explain --servers 5 --minutes 10 --seed "$crashing" --plant crash-on-company
has out.txt "OUTCOME: crash"
has out.txt "a turn of s1"
expect 0 simulator explain --servers 3 --minutes 3 --seed "$stuck" --plant jammed-by-topics --output stuck.txt
has stuck.txt "asks s1, answered 500"

# The same run is the same text, and is not another run for being looked at.
expect 0 simulator view "${small[@]}" --seed 4 --log one.txt
expect 0 simulator view "${small[@]}" --seed 4 --log -
cmp one.txt out.txt
expect 2 simulator view "${small[@]}" --seed 4
has err.txt "expected --output FILE, --log FILE, or both"
expect 6 simulator view "${small[@]}" --seed 4 --log /nowhere/log.txt

# The line that repeats it names the file of its room version.
version=$recipes/../../fixtures/room_versions/v12-subgraph.yaml
expect 0 simulator shrink --servers 4 --minutes 2 --seed 3 --plant rotten-topics --output versioned.yaml -j2 \
    --room-version-file "$version" --room-version org.touchstone.v12-subgraph
expect 1 bash -c "$(sed -n 's/^repeat: //p' out.txt)"
expect 2 simulator shrink "${small[@]}" --seed 1
has err.txt "nothing to shrink"
echo "commands: all as documented"
