#!/bin/sh
# Runs our initiator against tgt and against `looksalive target`, without and with CHAP, so that
# our two ends do not share a mistake.
#
#   conformance/suites/initiator.sh [PROGRAM [EXERCISE]]
#
# EXERCISE is the example of that name of package `initiator`. Needs tgtd and tgtadm (Debian: tgt).
# Exit code: 0 when all goes well, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
exercise=${2:-target/release/examples/exercise}
port=${PORT:-13360}
control=${TGT_CONTROL:-17}
ours=iqn.2024-01.example:ours
theirs=iqn.2024-01.example:tgt
user=node:a-secret-of-letters
mutual=array:another-secret-of-letters
folder=$(mktemp -d)
running=

cleanup() {
    # tgtd takes no notice of a polite request.
    for one in $running; do
        kill -KILL "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT INT TERM

for tool in tgtd tgtadm; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed (Debian: apt install tgt)" >&2
        exit 2
    }
done

# Waits until something listens at a port of this machine.
listens() {
    waited=0
    until grep -qi ":$(printf %04x "$1") 00000000:0000 0A" /proc/net/tcp; do
        waited=$((waited + 1))
        [ "$waited" -lt 100 ] || {
            echo "nothing listens at port $1" >&2
            cat "$folder"/*.log >&2
            exit 2
        }
        sleep 0.1
    done
}

admin() {
    tgtadm -C "$control" --lld iscsi "$@"
}

start_tgt() {
    truncate -s 64M "$folder/disk"
    # tgtd takes its sockets' folder from the environment.
    TGT_IPC_SOCKET="$folder/tgtd"
    export TGT_IPC_SOCKET
    tgtd -f -C "$control" --iscsi "portal=127.0.0.1:$port" >"$folder/tgt.log" 2>&1 &
    running="$running $!"
    listens "$port"
    for tid in 1 2 3; do
        admin --mode target --op new --tid "$tid" -T "$theirs$tid"
        admin --mode logicalunit --op new --tid "$tid" --lun 1 -b "$folder/disk"
        admin --mode target --op bind --tid "$tid" -I ALL
    done
    admin --mode account --op new --user "${user%%:*}" --password "${user#*:}"
    admin --mode account --op new --user "${mutual%%:*}" --password "${mutual#*:}"
    admin --mode account --op bind --tid 2 --user "${user%%:*}"
    admin --mode account --op bind --tid 3 --user "${user%%:*}"
    admin --mode account --op bind --tid 3 --user "${mutual%%:*}" --outgoing
}

# start_ours NUMBER [OPTION...]: a target of ours at the port with this number added.
start_ours() {
    at=$((port + $1))
    shift
    "$program" target --listen "127.0.0.1:$at" --iqn "$ours" --state "$folder/$at" \
        --lun 1=64MiB,thin "$@" 2>"$folder/$at.log" &
    running="$running $!"
    listens "$at"
}

# check TITLE PORT NAME LUN [CREDENTIALS...]
failed=0
check() {
    title=$1
    shift
    address=127.0.0.1:$1
    shift
    if timeout 120 "$exercise" "$address" "$@" >"$folder/out" 2>&1; then
        echo "$title: passed"
    else
        echo "$title: failed"
        cat "$folder/out"
        failed=1
    fi
}

start_tgt
start_ours 1
start_ours 2 --chap "$user"
start_ours 3 --chap "$user" --mutual-chap "$mutual"

check "tgt" "$port" "${theirs}1" 1
check "tgt, CHAP" "$port" "${theirs}2" 1 "$user"
check "tgt, mutual CHAP" "$port" "${theirs}3" 1 "$user" "$mutual"
check "ours" "$((port + 1))" "$ours" 1
check "ours, CHAP" "$((port + 2))" "$ours" 1 "$user"
check "ours, mutual CHAP" "$((port + 3))" "$ours" 1 "$user" "$mutual"
exit "$failed"
