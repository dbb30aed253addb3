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
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"
# tgtd takes no notice of a polite request.
signal=KILL

needs tgtd tgt
needs tgtadm tgt

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
