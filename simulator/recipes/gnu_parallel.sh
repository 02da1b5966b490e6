#!/usr/bin/env bash
# A sweep in SHARDS parts by GNU parallel, on this machine or on others (--sshlogin): each part learns from PARALLEL_SEQ
# which one it is. The records end in one file, sweep.jsonl.
#
# Usage: gnu_parallel.sh SHARDS SEEDS [flags of simulator sweep]
set -euo pipefail
shards=$1 seeds=$2
shift 2

status=0
parallel --will-cite --quote --jobs "$(nproc)" \
    simulator sweep --shards "$shards" --seeds "$seeds" --records "sweep.{}.jsonl" "$@" \
    ::: $(seq "$shards") || status=$?
simulator merge sweep.*.jsonl --output sweep.jsonl
exit "$status"
