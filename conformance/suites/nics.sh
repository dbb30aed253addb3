#!/bin/sh
# Brings a lab up whose machines have adapters of their own, and looks at it with the tools of
# others: ip, ping and, where they are installed, tcpdump and arping. Plays its scenario, and looks
# for leftovers.
#
#   conformance/suites/nics.sh [PROGRAM]
#
# Needs root, /dev/net/tun and iproute2. Takes about half a minute.
# Exit code: 0 when it has nothing to complain about, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"

needs ip iproute2
[ -c /dev/net/tun ] || {
    echo "/dev/net/tun is not there (modprobe tun)" >&2
    exit 2
}
unshare -n true 2>/dev/null || {
    echo "network namespaces need root" >&2
    exit 2
}
LOOKSALIVE_STATE=$folder/labs
export LOOKSALIVE_STATE
lab=topologies/virtual-nics.lab.yaml
address=10.70.1.101

complain() {
    echo "nics: $1" >&2
    "$program" events >&2 || true
    "$program" down >/dev/null 2>&1 || true
    exit 1
}

# within SECONDS COMMAND...: asks again until the command says yes.
within() {
    left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

at() {
    machine=$1
    shift
    "$program" exec "$machine" -- "$@"
}

# has MACHINE ADDRESS
has() {
    at "$1" ip -o address show to "$2" | grep -q .
}

namespaces() {
    readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | wc -l
}

before=$(namespaces)
"$program" up "$lab" >"$folder/up" || complain "the lab does not come up"
owner=
for node in n1 n2 n3; do
    within 10 has "$node" 169.254.0.0/16 || complain "$node has no virtual adapter"
done
find_owner() {
    for node in n1 n2 n3; do
        if has "$node" "$address"; then owner=$node; fi
    done
    [ -n "$owner" ]
}
within 20 find_owner || complain "nobody has $address"
at cli "$program" nic watch "$address" --count 3 >"$folder/looks" ||
    complain "$address does not answer the client"
at n1 "$program" nic watch 169.254.1.2 --by connect --count 3 >"$folder/looks" ||
    complain "the virtual adapter of n2 takes no connection from n1"
if command -v ping >/dev/null; then
    at cli ping -c 3 -W 1 "$address" >"$folder/ping" || complain "ping gets no answer"
fi
if command -v arping >/dev/null; then
    at cli arping -c 2 -w 3 -I lan "$address" >"$folder/arping" || complain "arping gets no answer"
fi
if command -v tcpdump >/dev/null; then
    at cli timeout 20 tcpdump -n -i lan -c 1 "arp src host $address and arp dst host $address" \
        >"$folder/capture" 2>&1 &
    capture=$!
    sleep 1
fi
"$program" fault '{ node: owner-of(app), do: power-off }' || complain "no fault"
first=$owner
moved() {
    owner=
    find_owner && [ "$owner" != "$first" ]
}
within 20 moved || complain "$address does not move"
if [ -n "${capture:-}" ]; then
    wait "$capture" || complain "nobody announced $address: $(cat "$folder/capture")"
fi
"$program" down >/dev/null || complain "the lab cannot be taken down"

"$program" run "$lab" --backend local --format json >"$folder/report" || {
    cat "$folder/report" >&2
    complain "the scenario does not pass"
}
grep -q '"longest_outage_s": [1-9]' "$folder/report" || complain "no client saw the failover"
[ ! -e "$LOOKSALIVE_STATE" ] || complain "files are left behind"
[ "$(namespaces)" -le "$before" ] || complain "a network namespace is left behind"
echo "nics: addresses, virtual adapters and failover as they should be"
grep -E '"(name|longest_outage_s)":' "$folder/report" | tail -n 4
