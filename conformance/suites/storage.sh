#!/bin/sh
# Runs the reservation suite against `looksalive target`, and against tgt where that is installed:
# ours must pass all of it, tgt must be found out.
#
#   conformance/suites/storage.sh [PROGRAM]
#
# Needs libiscsi (Debian: apt install libiscsi7); tgtd and tgtadm (Debian: tgt) for the second
# half. Exit code: 0 when all is as it must be, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
port=${PORT:-13560}
control=${TGT_CONTROL:-29}
name=iqn.2024-01.example:suite
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"
# tgtd takes no notice of a polite request.
signal=KILL

# judge PORT LUN: the report goes to a file, the exit code is the suite's.
judge() {
    "$program" conformance run storage --destructive \
        --subject "iscsi://127.0.0.1:$1/$name/$2" >"$folder/report" 2>"$folder/judge.log"
}

"$program" target --listen "127.0.0.1:$port" --listen "127.0.0.1:$((port + 1))" --iqn "$name" \
    --state "$folder/state" --lun 0=64MiB,thin --lun 1=64MiB,block=4096,thin \
    2>"$folder/target.log" &
running="$running $!"
listens "$port"

failed=0
for unit in 0 1; do
    code=0
    judge "$port" "$unit" || code=$?
    echo "ours, unit $unit: $(tail -n 1 "$folder/report")"
    if [ "$code" = 2 ] && grep -q 'libiscsi is not installed' "$folder/report"; then
        echo "libiscsi is not installed (Debian: apt install libiscsi7)" >&2
        exit 2
    fi
    if [ "$code" != 0 ]; then
        cat "$folder/report" "$folder/judge.log"
        failed=1
    fi
done

# CHAP, as a foreign initiator does it.
"$program" target --listen "127.0.0.1:$((port + 3))" --iqn "$name" --state "$folder/chap" \
    --lun 0=1MiB --chap node:a-secret-of-letters 2>"$folder/chap.log" &
running="$running $!"
listens "$((port + 3))"
knock() {
    "$program" conformance run storage/clustering/an-identity --subject \
        "iscsi://$1127.0.0.1:$((port + 3))/$name/0" >"$folder/knock.log" 2>&1
}
code=0
knock "node%a-secret-of-letters@" || code=$?
[ "$code" = 0 ] || {
    echo "CHAP does not let the right one in"
    cat "$folder/knock.log"
    failed=1
}
for wrong in "" "node%another-secret-of-letters@" "other%a-secret-of-letters@"; do
    code=0
    knock "$wrong" || code=$?
    [ "$code" = 3 ] || {
        echo "CHAP lets in \`$wrong\`, or not with the right words"
        cat "$folder/knock.log"
        failed=1
    }
done

if ! command -v tgtd >/dev/null || ! command -v tgtadm >/dev/null; then
    echo "tgt: not applicable, it is not installed (Debian: apt install tgt)"
    exit "$failed"
fi
truncate -s 64M "$folder/disk"
# tgtd takes its sockets' folder from the environment.
TGT_IPC_SOCKET="$folder/tgtd"
export TGT_IPC_SOCKET
tgtd -f -C "$control" --iscsi "portal=127.0.0.1:$((port + 2))" >"$folder/tgt.log" 2>&1 &
running="$running $!"
listens "$((port + 2))"
admin --mode target --op new --tid 1 -T "$name"
admin --mode logicalunit --op new --tid 1 --lun 1 -b "$folder/disk"
admin --mode target --op bind --tid 1 -I ALL
judge "$((port + 2))" 1 || true
echo "tgt: $(grep -c '^failed: ' "$folder/report") cases fail, $(tail -n 1 "$folder/report")"

# What is known of tgt: it ties registrations to sessions, has no PREEMPT AND ABORT, answers a
# preempt with the wrong unit attention, and lets outsiders reserve by SPC-2 beside registrants.
for known in survival/a-nexus-that-logs-in-again-owns-its-registration \
    type-5/preempt-and-abort-the-holder-by-the-registrant \
    type-5/preempt-the-holder-by-the-registrant \
    spc-2/no-reservation-while-anybody-is-registered; do
    grep -q "^failed: storage/$known " "$folder/report" || {
        echo "tgt passes $known, which it is known to fail"
        failed=1
    }
done
exit "$failed"
