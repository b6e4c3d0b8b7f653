#!/usr/bin/env bash
# A sweep as an array of jobs of a real Slurm, on one node.
#
# usage: slurm_single_node.sh DMSIM WORK
#
# munged, slurmctld and slurmd are started by hand, on loopback, with all their files in the work folder, and ended at
# the end. `dmsim sweep submit --engine slurm` submits an array of four; the tables must be those of a local run. Where
# Slurm is missing and this is root, it is installed by apt-get. Ends with 77 where it cannot be had or started.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $(basename "$0") DMSIM WORK" >&2
    exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
dmsim=$(realpath "$1")
rm -rf "$2"
mkdir -p "$2"
work=$(realpath "$2")
shards=4
cells=16

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

install_slurm() {
    local policy=/usr/sbin/policy-rc.d code=0
    [ "$(id -u)" = 0 ] || skip "there is no Slurm here, and only root can install it"
    command -v apt-get >/dev/null || skip "there is no Slurm here, and no apt-get to install it"
    # Packages start their services where nothing says otherwise.
    local ours=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        ours=yes
    fi
    (apt-get update \
        && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge) \
        >"$work/apt.log" 2>&1 </dev/null || code=$?
    [ "$ours" = yes ] && rm -f "$policy"
    [ "$code" = 0 ] || skip "Slurm could not be installed: $(tail -n 1 "$work/apt.log")"
}

processes=()
end_all() {
    local code=$? process
    trap - EXIT INT TERM
    if [ ${#processes[@]} -gt 0 ]; then
        # Jobs first: what they run is not among the processes that were started here.
        timeout 20 scancel --name=dmsim-slurm >/dev/null 2>&1 || true
        for _ in $(seq 20); do
            [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break
            sleep 0.5
        done
        for ((place = ${#processes[@]} - 1; place >= 0; place--)); do
            process=${processes[$place]}
            kill "$process" 2>/dev/null || true
            for _ in $(seq 50); do
                kill -0 "$process" 2>/dev/null || break
                sleep 0.1
            done
            kill -9 "$process" 2>/dev/null || true
            wait "$process" 2>/dev/null || true
        done
    fi
    exit "$code"
}
trap end_all EXIT
trap 'exit 1' INT TERM

start() { # log, command
    local log=$1
    shift
    "$@" >"$work/$log.log" 2>&1 </dev/null &
    processes+=($!)
}

for program in slurmctld slurmd munged sbatch squeue; do
    if ! command -v "$program" >/dev/null && ! [ -x "/usr/sbin/$program" ]; then
        install_slurm
        break
    fi
done
export PATH=$PATH:/usr/sbin
[ "$(id -u)" = 0 ] || skip "slurmd wants root"

host=$(hostname -s)
export SLURM_CONF=$work/slurm.conf
mkdir -p "$work/state" "$work/spool" "$work/munge"
chmod 700 "$work/munge"
head -c 1024 /dev/urandom >"$work/munge/key"
chmod 400 "$work/munge/key"
cat >"$SLURM_CONF" <<CONF
ClusterName=dmsim
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

start munged munged --foreground --force --socket="$work/munge/socket" --key-file="$work/munge/key" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
for _ in $(seq 50); do
    [ -S "$work/munge/socket" ] && break
    sleep 0.1
done
start slurmctld slurmctld -D -i -f "$SLURM_CONF"
start slurmd slurmd -D -N "$host" -f "$SLURM_CONF"
state=
for _ in $(seq 60); do
    state=$(timeout 5 sinfo -h -o %T 2>/dev/null || true)
    [ "$state" = idle ] && break
    sleep 0.5
done
if [ "$state" != idle ]; then
    tail -n 5 "$work"/munged.log "$work"/slurmctld.log "$work"/slurmd.log
    skip "Slurm did not come up here: its node is '${state:-unknown}'"
fi
echo "slurm: $(slurmd -V), one node with $(nproc) cores, on loopback"

cat >"$work/study.yaml" <<STUDY
version: 1
name: slurm
scenario: $root/scenarios/calm.yaml
seed: 8
replications: 4
conditions:
  - {name: calm, set: []}
  - {name: lossy, set: ["network.loss=2%"]}
variants:
  - {name: uniform, set: ["strategy.placement=uniform"]}
  - {name: best_fit, set: ["strategy.placement=best_fit"]}
metrics:
  - lower: time_to_running.mean
  - lower: messages.sent
STUDY
"$dmsim" sweep plan "$work/study.yaml" -o "$work/local" >/dev/null
"$dmsim" sweep run "$work/local" >/dev/null
"$dmsim" sweep merge "$work/local" >/dev/null

"$dmsim" sweep plan "$work/study.yaml" -o "$work/slurm" >/dev/null
begin=$SECONDS
"$dmsim" sweep submit "$work/slurm" --engine slurm --of "$shards" || fail "dmsim sweep submit ended with $?"
for _ in $(seq 120); do
    [ -z "$(squeue -h)" ] && break
    sleep 1
done
[ -z "$(squeue -h)" ] || fail "jobs are still there after two minutes: $(squeue)"
finished=$(find "$work/slurm/cells" -name '*.json' | wc -l)
[ "$finished" = "$cells" ] || {
    cat "$work"/slurm/logs/*
    fail "$finished of $cells cells are finished"
}
echo "slurm: $cells cells in an array of $shards jobs in $((SECONDS - begin)) s"
"$dmsim" sweep merge "$work/slurm" >/dev/null
for table in cells.csv summary.csv failures.csv; do
    cmp "$work/local/$table" "$work/slurm/$table" || fail "$table differs from that of a local run"
done
echo "slurm: cells.csv, summary.csv, failures.csv are those of a local run, byte for byte"
