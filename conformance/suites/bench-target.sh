#!/bin/sh
# Measures `looksalive target` against a tuned tgt and a raw TCP pair.
#
#   conformance/suites/bench-target.sh [PROGRAM] [LOAD] [ROUNDS] [SECONDS]
#
# LOAD is the load generator: cargo build --release -p initiator --example load. Needs tgt (Debian:
# apt install tgt) and the right to run it (root). Each case runs ours, tgt and, for 4 KiB reads,
# the raw pair in turn, ROUNDS times; what is printed is the median of the ratios, the median
# figures, and the processor seconds that each target used per GiB.
set -eu

program=${1:-target/release/looksalive}
load=${2:-target/release/examples/load}
rounds=${3:-5}
seconds=${4:-2}
port=${PORT:-13460}
control=77
name=iqn.2024-01.looksalive:bench
folder=$(mktemp -d)
ours=
theirs=

cleanup() {
    for process in $ours $theirs; do
        kill "$process" 2>/dev/null || true
    done
    [ -z "$theirs" ] || kill -9 "$theirs" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT INT TERM

for tool in tgtd tgtadm; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed (Debian: apt install tgt)" >&2
        exit 2
    }
done

"$program" target --listen "127.0.0.1:$port" --iqn "$name" --state "$folder/state" \
    --lun 1=256MiB --lun 2=256MiB,null 2>"$folder/log" &
ours=$!
truncate -s 256M "$folder/tgt.disk"
tgtd -f -C "$control" --iscsi "portal=127.0.0.1:$((port + 1))" >"$folder/tgt.log" 2>&1 &
theirs=$!
sleep 1
tgt() { tgtadm -C "$control" --lld iscsi "$@"; }
tgt --op new --mode target --tid 1 -T "$name"
for setting in MaxRecvDataSegmentLength=262144 MaxXmitDataSegmentLength=262144 \
    FirstBurstLength=262144 MaxBurstLength=1048576 InitialR2T=No; do
    tgt --op update --mode target --tid 1 --name "${setting%=*}" --value "${setting#*=}"
done
tgt --op new --mode logicalunit --tid 1 --lun 1 -b "$folder/tgt.disk"
tgt --op new --mode logicalunit --tid 1 --lun 2 --bstype null -b null
tgt --op bind --mode target --tid 1 -I ALL

# Clock ticks of a process, its threads included.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# median FILE COLUMN
median() {
    awk -v c="$2" '{ print $c }' "$1" | sort -g |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# one WHO PROCESS PORT LUN WHAT BYTES DEPTH: prints operations, MiB per second, CPU seconds per GiB
one() {
    before=$(ticks "$2")
    figures=$("$load" "127.0.0.1:$3" "$name" "$4" "$5" "$6" "$7" "$seconds")
    after=$(ticks "$2")
    echo "$figures" | awk -v t=$((after - before)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" \
        -v b="$6" '{ g = $1 * s * b / 1073741824; print $1, $2, (g > 0 ? t / hz / g : 0) }'
}

# Both files are filled, so that reads come from memory on both sides.
"$load" "127.0.0.1:$port" "$name" 1 write 1048576 4 "$seconds" >/dev/null
"$load" "127.0.0.1:$((port + 1))" "$name" 1 write 1048576 4 "$seconds" >/dev/null

printf '%-34s %9s %9s %7s %9s %9s %7s\n' \
    case ours/s tgt/s ratio ours-cpu tgt-cpu raw
# LABEL WHAT BYTES DEPTH OURS-LUN TGT-LUN
while read -r label what bytes depth lun_ours lun_tgt; do
    : >"$folder/rows"
    for _ in $(seq "$rounds"); do
        a=$(one ours "$ours" "$port" "$lun_ours" "$what" "$bytes" "$depth")
        b=$(one tgt "$theirs" $((port + 1)) "$lun_tgt" "$what" "$bytes" "$depth")
        c=0
        if [ "$label" = read-4K-depth-32-file ]; then
            c=$("$load" raw "$bytes" "$depth" "$seconds" | cut -d' ' -f1)
        fi
        echo "$a $b $c" |
            awk '{ print $0, ($4 > 0 ? $1 / $4 : 0), ($7 > 0 ? $1 / $7 : 0) }' >>"$folder/rows"
    done
    printf '%-34s %9s %9s %7.2f %9.3f %9.3f %7.2f\n' "$label" \
        "$(median "$folder/rows" 1)" "$(median "$folder/rows" 4)" "$(median "$folder/rows" 8)" \
        "$(median "$folder/rows" 3)" "$(median "$folder/rows" 6)" "$(median "$folder/rows" 9)"
done <<CASES
read-4K-depth-1-file read 4096 1 1 1
read-4K-depth-32-file read 4096 32 1 1
read-4K-depth-32-file-against-null read 4096 32 1 2
read-4K-depth-32-null-against-null read 4096 32 2 2
write-4K-depth-32-file write 4096 32 1 1
read-64K-depth-8-file read 65536 8 1 1
write-64K-depth-8-file write 65536 8 1 1
read-1M-depth-4-file read 1048576 4 1 1
write-1M-depth-4-file write 1048576 4 1 1
reservations-depth-1 pr 0 1 1 1
CASES
