#!/usr/bin/env bash
# Runs the recipe for Slurm for real: munge, slurmctld and slurmd on this machine, an array of four tasks, and the
# records of all of them merged into one sweep. Needs root, and Debian's slurm-wlm and munge.
#
# Usage: slurm.sh SIMULATOR RECIPE
set -euo pipefail
simulator=$(realpath "$1") recipe=$(realpath "$2")
folder=$(mktemp --directory /tmp/slurm.XXXXXX)
PATH="$(dirname "$simulator"):/usr/sbin:$PATH"
export PATH SLURM_CONF=$folder/slurm.conf
host=$(hostname --short)

# Only what was started here is ended.
daemons=()
finish() {
    for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
    wait || true
    rm -rf "$folder"
}
trap finish EXIT

mkdir -m 0755 "$folder/munge" "$folder/state" "$folder/spool" "$folder/work"
head -c 128 /dev/urandom >"$folder/munge/key"
chmod 0400 "$folder/munge/key"
munged --foreground --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" \
    >"$folder/munge/out" 2>&1 &
daemons+=($!)

cat >"$SLURM_CONF" <<CONF
ClusterName=touchstone
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=60 State=UP
CONF

# until_true COMMAND...: again and again for half a minute.
until_true() {
    local end=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "slurm.sh: $* stays false" >&2; tail "$folder"/*.log >&2; exit 1; }
        read -r -t 0.2 <> <(:) || true
    done
}
until_true test -S "$folder/munge/socket"
slurmctld -D >"$folder/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$folder/slurmd.log" 2>&1 &
daemons+=($!)
until_true sh -c 'sinfo --noheader --format=%t | grep --quiet idle'

cd "$folder/work"
status=0
# Two CPUs a task, or one where there is one.
sbatch --wait --array=10-40:10 --cpus-per-task="$(($(nproc) > 1 ? 2 : 1))" "$recipe" 0..11 --servers 3 --minutes 1 || status=$?
cat sweep.*.txt
# A sweep of seeds that do too little says so by its exit code: 3.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
for part in 10:1/4 20:2/4 30:3/4 40:4/4; do
    grep --quiet "shard ${part#*:}, chosen by SLURM_ARRAY_TASK_ID" "sweep.${part%:*}.txt"
done
simulator merge sweep.*.jsonl --output all.jsonl | tee merged.txt
grep --quiet '^12 seeds:' merged.txt
echo "slurm: 12 seeds in 4 tasks"
