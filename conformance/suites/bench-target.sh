#!/bin/sh
# Measures `looksalive target` against tuned tgt and against a raw TCP pair, the three in turn, and
# prints medians of ratios with the targets' processor seconds per GiB.
#
#   conformance/suites/bench-target.sh [ROUNDS [SECONDS [FILTER]]]
#
# PROGRAM and LOAD name the program and the example `load` of package `initiator`. Needs tgtd and
# tgtadm (Debian: tgt). Units lie in memory (/dev/shm) if that is there: disks are not measured.
set -eu

rounds=${1:-5}
seconds=${2:-3}
filter=${3:-}
program=${PROGRAM:-target/release/looksalive}
load=${LOAD:-target/release/examples/load}
port=${PORT:-13460}
control=${TGT_CONTROL:-23}
name=iqn.2024-01.example:bench
base=/dev/shm
[ -d "$base" ] || base=${TMPDIR:-/tmp}
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"
# tgtd takes no notice of a polite request.
signal=KILL

needs tgtd tgt
needs tgtadm tgt

# Units: 1 in a file that is filled, 2 that keeps nothing.
head -c 256M /dev/urandom >"$folder/ours"
cp "$folder/ours" "$folder/theirs"

"$program" target --listen "127.0.0.1:$port" --iqn "$name" --state "$folder/state" \
    --lun "1=256MiB,file=$folder/ours" --lun 2=256MiB,null 2>"$folder/log" &
ours=$!
running="$running $ours"
listens "$port"

TGT_IPC_SOCKET="$folder/tgtd"
export TGT_IPC_SOCKET
tgtd -f -C "$control" --iscsi "portal=127.0.0.1:$((port + 1))" >"$folder/tgt.log" 2>&1 &
theirs=$!
running="$running $theirs"
listens "$((port + 1))"
admin --mode target --op new --tid 1 -T "$name"
admin --mode logicalunit --op new --tid 1 --lun 1 -b "$folder/theirs"
admin --mode logicalunit --op new --tid 1 --lun 2 --bstype null -b "$folder/theirs"
admin --mode target --op bind --tid 1 -I ALL
for pair in MaxRecvDataSegmentLength=262144 MaxXmitDataSegmentLength=262144 \
    FirstBurstLength=262144 MaxBurstLength=1048576 InitialR2T=No; do
    admin --mode target --op update --tid 1 --name "${pair%%=*}" --value "${pair#*=}"
done

"$load" raw-server "127.0.0.1:$((port + 2))" &
raw=$!
running="$running $raw"
listens "$((port + 2))"

# measure WHO OPERATION BYTES DEPTH UNIT: appends the figures to a file of this workload.
measure() {
    case "$1" in
    ours) at=$port pid=$ours what=$2 ;;
    tgt) at=$((port + 1)) pid=$theirs what=$2 ;;
    raw) at=$((port + 2)) pid=$raw what=raw ;;
    esac
    "$load" "127.0.0.1:$at" "$name" "$5" "$what" "$3" "$4" "$seconds" "$pid" |
        tr -d '{}"' | tr ',' '\n' | awk -F: '
            $1 == "per_second" { rate = $2 }
            $1 == "processor_seconds_per_gib" { used = $2 }
            END { print rate, used }' >>"$folder/$1.$2.$3.$4.$5"
}

# compare TITLE OPERATION BYTES DEPTH UNIT [UNIT OF TGT]
compare() {
    case "$1" in
    *"$filter"*) ;;
    *) return ;;
    esac
    other=${6:-$5}
    round=0
    while [ "$round" -lt "$rounds" ]; do
        measure ours "$2" "$3" "$4" "$5"
        measure tgt "$2" "$3" "$4" "$other"
        measure raw "$2" "$3" "$4" "$5"
        round=$((round + 1))
    done
    paste -d ' ' "$folder/ours.$2.$3.$4.$5" "$folder/tgt.$2.$3.$4.$other" \
        "$folder/raw.$2.$3.$4.$5" | awk -v title="$1" '
        function median(list, count,    at, to, kept) {
            for (at = 2; at <= count; at++) {
                kept = list[at]
                for (to = at - 1; to > 0 && list[to] > kept; to--) list[to + 1] = list[to]
                list[to + 1] = kept
            }
            return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
        }
        {
            rate[NR] = $1; ratio[NR] = $1 / $3; share[NR] = $1 / $5
            used[NR] = $2; less[NR] = $4 > 0 ? $2 / $4 : 0
        }
        END {
            printf "%-34s %10.0f %8.2f %8.2f %9.3f %8.2f\n", title, median(rate, NR), \
                median(ratio, NR), median(share, NR), median(used, NR), median(less, NR)
        }'
    rm -f "$folder"/*."$2.$3.$4".*
}

printf '%-34s %10s %8s %8s %9s %8s\n' workload per-second vs-tgt vs-raw cpu-s/GiB cpu-vs-tgt
compare "read 4 KiB, depth 1" read 4096 1 1
compare "read 4 KiB, depth 32" read 4096 32 1
compare "read 4 KiB, depth 32, tgt null" read 4096 32 1 2
compare "read 4 KiB, depth 32, both null" read 4096 32 2
compare "write 4 KiB, depth 32" write 4096 32 1
compare "read 64 KiB, depth 8" read 65536 8 1
compare "write 64 KiB, depth 8" write 65536 8 1
compare "read 1 MiB, depth 4" read 1048576 4 1
compare "write 1 MiB, depth 4" write 1048576 4 1
compare "reservations, depth 1" reservations 8192 1 1
