#!/bin/sh
# A clustered file server as real clients see it: found by nmblookup, resolved by dig, ticketed by
# kvno, listed and read by smbclient, before its owner is killed and after. Says for how many
# seconds each of the four was out.
#
#   conformance/suites/end-to-end.sh [PROGRAM]
#
# Plays topologies/file-server.lab.yaml on backend `local` with adapters: every machine is a network
# namespace, the domain controller answers on one, the clients run on another. Needs root,
# /dev/net/tun, dig (Debian: bind9-dnsutils), nmblookup (samba-common-bin), smbclient and kvno
# (krb5-user). Takes about a minute.
# Exit code: 0 when it has nothing to complain about, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=conformance/suites/beside.sh
. "$here/beside.sh"

needs ip iproute2
needs dig bind9-dnsutils
needs nmblookup samba-common-bin
needs smbclient smbclient
needs kvno krb5-user
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
lab=$here/../../topologies/file-server.lab.yaml
address=10.60.1.101
server=10.60.1.5

complain() {
    echo "end-to-end: $1" >&2
    [ ! -s "$folder/out" ] || sed 's/^/    /' "$folder/out" >&2
    "$program" events 2>/dev/null | tail -30 >&2 || true
    "$program" down >/dev/null 2>&1 || true
    exit 1
}

# within SECONDS COMMAND...: asks again until the command says yes.
within() {
    left=$(($1 * 5))
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.2
    done
}

client() {
    "$program" exec cli -- timeout 10 "$@"
}

smb() {
    client smbclient -s "$folder/smb.conf" -N "//$address/data" -t 2 -c "$1"
}

# The four looks; each leaves what was said in the file that it is given.
found_by_name() {
    client nmblookup -s "$folder/smb.conf" --recursion --unicast="$server" 'FS1#20' >"$1" 2>&1 &&
        grep -q "^$address FS1<20>" "$1"
}
resolved() {
    client dig +time=1 +tries=1 +short "@$server" fs1.corp.example A >"$1" 2>&1 &&
        grep -q "^$address$" "$1"
}
ticketed() {
    cp "$folder/tickets" "$1.cache"
    KRB5CCNAME=$1.cache client kvno cifs/FS1 >"$1" 2>&1 && grep -q 'kvno = ' "$1"
}
read_back() {
    smb "get before $1.got" >"$1" 2>&1 && cmp -s "$folder/sent" "$1.got"
}
looks="found_by_name resolved ticketed read_back"

# watch LOOK: writes the milliseconds of every success until told to end.
watch() {
    while [ ! -e "$folder/enough" ]; do
        rm -f "$folder/watch.$1.got"
        if "$1" "$folder/watch.$1"; then date +%s%3N >>"$folder/seen.$1"; fi
        sleep 0.1
    done
}

owner() {
    "$program" inspect | awk '$1 == "fs1" && $3 == "owner" { print $4 }'
}

# all WHEN: the four succeed.
all() {
    for look in $looks; do
        within 60 "$look" "$folder/out" || complain "$look fails $1"
    done
}

printf '[global]\n    workgroup = CORP\n    interfaces = lan\n' >"$folder/smb.conf"
head -c 300001 /dev/urandom >"$folder/sent"
"$program" up "$lab" >"$folder/out" 2>&1 || complain "the lab does not come up"
home=$("$program" inspect | sed -n 's/.* folder //p' | head -n 1)
KRB5_CONFIG=$home/directory/krb5.conf
export KRB5_CONFIG
put() { smb "put $folder/sent before" >"$folder/out" 2>&1; }
within 60 put || complain "no file can be put on the share"
log_on() {
    KRB5CCNAME=$folder/tickets client kinit -k -t "$home/directory.keytab" \
        Administrator@CORP.EXAMPLE >"$folder/out" 2>&1
}
within 20 log_on || complain "the administrator gets no ticket"
all "before the failover"
client smbclient -s "$folder/smb.conf" -N -L "//$address" >"$folder/out" 2>&1 || true
grep -q 'data  *Disk' "$folder/out" || complain "the share is not listed"
first=$(owner)
"$program" shares "$first" >"$folder/out"
grep -q 'flags 0x0800' "$folder/out" || complain "access-based enumeration is not set"

for look in $looks; do
    : >"$folder/seen.$look"
    watch "$look" &
    running="$running $!"
done
sleep 2
"$program" fault "{ node: $first, do: power-off }" >"$folder/out" || complain "no fault"
killed=$(date +%s%3N)
moved() {
    next=$(owner)
    [ -n "$next" ] && [ "$next" != "$first" ] && read_back "$folder/out"
}
within 60 moved || complain "the file is not read after the owner's end"
all "after the failover"
"$program" shares "$next" >"$folder/out"
set_again() { "$program" shares "$next" | grep -q 'flags 0x0800'; }
within 20 set_again || complain "access-based enumeration is not set again"
sleep 2
: >"$folder/enough"
"$program" cluster offline fs1/share >"$folder/out" 2>&1 || complain "the share stays online"
gone() {
    ! smb ls >"$folder/out" 2>&1 && grep -q NT_STATUS_BAD_NETWORK_NAME "$folder/out"
}
within 20 gone || complain "a share that is offline is still a network name"
"$program" down >/dev/null || complain "the lab cannot be taken down"

echo "end-to-end: fs1 went from $first to $next; seconds without each of the four:"
for look in $looks; do
    awk -v look="$look" -v killed="$killed" '
        NR > 1 && $1 > killed && $1 - last > out { out = $1 - last }
        { last = $1 }
        END { printf "    %-14s %6.1f\n", look, out / 1000 }' "$folder/seen.$look"
done
