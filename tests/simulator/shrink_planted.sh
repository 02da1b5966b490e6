#!/usr/bin/env bash
# Shrinks each planted bug: the default scenario of its seed, which must fail by the checker that catches it. What is left
# must replay without chance and fail in the same way; the table's rows are for ci/nightly.md.
#
# Where the seed in the table of planted bugs no longer fails so, the next one that does is looked for, and named.
#
# Usage: shrink_planted.sh SIMULATOR [BUG...]
set -euo pipefail
simulator=$(realpath "$1")
shift
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
readonly seeds_max=40 search_seconds_max=60 seconds_max=600 percent_median=90

planted() {
    "$simulator" list | sed -n '/^planted bugs/,/^verbs/{
        s/^  \([a-z-]*\) *\([a-z_-]*\), --seed \([0-9]*\) --workload \([a-z_]*\): .*/\1 \2 \3 \4/p
        t
        s/^  \([a-z-]*\) *\([a-z_-]*\), --seed \([0-9]*\): .*/\1 \2 \3/p
    }'
}

failed=0
percents=()
# shrink_one BUG CAUGHT_BY SEED WORKLOAD: one row; no workload: the default.
shrink_one() {
    local bug=$1 caught_by=$2 known=$3 workload=() seed checker=() summary seconds percent status=0 started=$SECONDS
    [ -z "$4" ] || workload=(--workload "$4")
    # Crashes and stuck runs are classes of their own, not checkers.
    local -A codes=([crash]=7 [stuck]=4)
    local code=${codes[$caught_by]:-1}
    [ "$code" -ne 1 ] || checker=(--checker "$caught_by")
    for seed in "$known" $(seq "$seeds_max"); do
        [ $((SECONDS - started)) -lt "$search_seconds_max" ] || break
        status=0
        "$simulator" run --seed "$seed" "${workload[@]}" --plant "$bug" >run.txt 2>&1 || status=$?
        [ "$status" -ne "$code" ] || [ "$code" -ne 1 ] || grep --quiet "^$caught_by: " run.txt || status=0
        [ "$status" -ne "$code" ] || break
    done
    if [ "$status" -ne "$code" ]; then
        echo "| $bug | not found by $caught_by with seed $known, nor in $search_seconds_max s |"
        return 1
    fi
    [ "$seed" -eq "$known" ] || echo "$bug: seed $known finds it no longer, $seed does" >&2
    "$simulator" shrink --seed "$seed" "${workload[@]}" --plant "$bug" "${checker[@]}" --output small.yaml >summary.txt 2>progress.txt
    summary=$(sed -n 's/^\([0-9]*\) dispatches before, \([0-9]*\) after, \([0-9.]*\) % fewer; .*/\1 \2 \3/p' summary.txt)
    seconds=$(sed -n 's/.*, \([0-9.]*\) s of processor time$/\1/p' summary.txt)
    percent=${summary##* }
    percents+=("$percent")
    status=0
    "$simulator" replay small.yaml --plant "$bug" >replay.txt 2>&1 || status=$?
    if [ "$status" -ne "$code" ] || grep --quiet '^seed:' small.yaml || [ "${seconds%.*}" -ge "$seconds_max" ]; then
        echo "| $bug | replay: exit $status, expected $code; $seconds s |"
        return 1
    fi
    # shellcheck disable=SC2086 # three words
    set -- $summary
    echo "| $bug, seed $seed | $caught_by | $1 | $2 | $3 % | $(sed -n 's/^\(.*\) steps before, \(.*\) after;.*/\1 to \2/p' summary.txt) |" \
        "$seconds s |"
}

echo "| planted bug | caught by | dispatches before | after | fewer | steps | processor time |"
echo "|---|---|---|---|---|---|---|"
while read -r bug caught_by seed workload; do
    [ $# -eq 0 ] || [[ " $* " == *" $bug "* ]] || continue
    shrink_one "$bug" "$caught_by" "$seed" "$workload" || failed=$((failed + 1))
done < <(planted)
median=$(printf '%s\n' "${percents[@]}" | sort --numeric-sort | sed -n "$(((${#percents[@]} + 1) / 2))p")
echo "${#percents[@]} planted bugs, median $median % fewer dispatches, $failed failed"
[ "$failed" -eq 0 ] && [ "${median%.*}" -ge "$percent_median" ]
