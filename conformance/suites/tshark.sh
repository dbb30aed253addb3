#!/bin/sh
# Captures a session with `looksalive target` and has tshark decode it: nothing malformed, nothing
# left unread, no digest wrong.
#
#   conformance/suites/tshark.sh [PROGRAM]
#
# Needs tshark, the right to capture on the loopback interface, and libiscsi7 for the traffic.
# Exit code: 0 when it has nothing to complain about, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
port=${PORT:-13760}
name=iqn.2024-01.example:captured
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"

needs tshark tshark

"$program" target --listen "127.0.0.1:$port" --iqn "$name" --state "$folder/state" \
    --lun 0=64MiB,thin 2>"$folder/log" &
running="$running $!"
tshark -q -i lo -f "tcp port $port" -w "$folder/capture" >"$folder/tshark.log" 2>&1 &
capture=$!
running="$running $capture"
waited=0
until grep -q '^ready' "$folder/log" && grep -q 'Capturing' "$folder/tshark.log"; do
    waited=$((waited + 1))
    if [ "$waited" -ge 100 ] || ! kill -0 "$capture" 2>/dev/null; then
        cat "$folder/log" "$folder/tshark.log" >&2
        echo "tshark cannot capture on the loopback interface" >&2
        exit 2
    fi
    sleep 0.1
done
sleep 1

"$program" conformance run storage/type-5 --destructive \
    --subject "iscsi://127.0.0.1:$port/$name/0" >"$folder/report" 2>&1 || true
grep -q 'passed$' "$folder/report" || {
    tail -n 3 "$folder/report" >&2
    echo "there is no traffic to look at" >&2
    exit 2
}
sleep 1
kill -INT "$capture"
wait "$capture" 2>/dev/null || true

decode() {
    tshark -r "$folder/capture" -d "tcp.port==$port,iscsi" "$@" 2>>"$folder/decode.log"
}
pdus=$(decode -Y iscsi -T fields -e iscsi.opcode | tr ',' '\n' | grep -c . || true)
# From warnings (6291456) on; what TCP itself remarks is not ours.
complaints=$(decode -Y '_ws.malformed || (iscsi && _ws.expert.severity >= 6291456)' |
    tee "$folder/complaints" | wc -l)
echo "$pdus PDUs, $complaints complaints"
[ "$pdus" -gt 1000 ] || {
    echo "far fewer PDUs than were sent" >&2
    exit 1
}
if [ "$complaints" -gt 0 ]; then
    head -n 20 "$folder/complaints"
    exit 1
fi
