#!/bin/sh
# Measures `looksalive directory` beside BIND and beside Samba as a domain controller, in turn: how
# much each does a second, for how much of the processor, from its start until it answers, and in
# how much memory.
#
#   conformance/suites/bench-directory.sh [PROGRAM [SECONDS [ROUNDS]]]
#
# Needs root, dnsperf, python3-dnspython and krb5-user; BIND's columns need bind9, Samba's
# samba, samba-ad-provision, samba-dsdb-modules and ldap-utils. Clients and server share the
# processor, so figures say how the servers compare on this machine, and nothing about another.
# Exit code: 0, or 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
seconds=${2:-3}
rounds=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=conformance/suites/beside.sh
. "$here/beside.sh"

if [ -z "${INSIDE:-}" ]; then
    needs dnsperf dnsperf
    needs kvno krb5-user
    needs ldapadd ldap-utils
    /usr/bin/python3 -c 'import dns.update' 2>/dev/null || {
        echo "python3-dnspython is not installed (Debian: apt install python3-dnspython)" >&2
        exit 2
    }
    [ "$(id -u)" = 0 ] || {
        echo "only root can run the servers at their ports" >&2
        exit 2
    }
    subjects=ours
    ! command -v named >/dev/null || subjects="$subjects bind"
    ! is_controller || subjects="$subjects samba"
    export RESULTS="$folder/figures"
    round=0
    while [ "$round" -lt "$rounds" ]; do
        for subject in $subjects; do
            export INSIDE="$subject"
            alone timeout 600 "$0" "$program" "$seconds" || echo "$subject: not measured" >&2
        done
        round=$((round + 1))
    done
    awk -F '\t' '
        function median(key,    count, list, at, to, kept) {
            count = split(all[key], list, " ")
            for (at = 2; at <= count; at++) {
                kept = list[at]
                for (to = at - 1; to > 0 && list[to] + 0 > kept + 0; to--) list[to + 1] = list[to]
                list[to + 1] = kept
            }
            return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
        }
        {
            all[$1 SUBSEP $2] = all[$1 SUBSEP $2] " " $3
            if (!($1 in known)) { known[$1] = 1; rows[++count] = $1 }
        }
        END {
            printf "%-44s %10s %10s %10s\n", "median", "looksalive", "BIND", "Samba"
            for (at = 1; at <= count; at++) {
                printf "%-44s", rows[at]
                split("ours bind samba", subjects, " ")
                for (one = 1; one <= 3; one++) {
                    key = rows[at] SUBSEP subjects[one]
                    printf " %10s", key in all ? sprintf("%.4g", median(key)) : "-"
                }
                print ""
            }
        }' "$RESULTS"
    exit 0
fi

# ------------------------------------------------------------------------ inside: one subject

ip=10.99.0.1
realm=CORP.EXAMPLE
base=DC=corp,DC=example
password=Correct-Horse-1
key=load.corp.example
secret=aGVsbG8gd29ybGQhaGVsbG8gd29ybGQhaGVsbG8gd29ybGQ=
load="/usr/bin/python3 $here/bench-directory.py"
KRB5_CONFIG=$folder/krb5.conf
KRB5CCNAME=$folder/tickets
export KRB5_CONFIG KRB5CCNAME

wire "$ip"

# tell WHAT FIGURE
tell() {
    printf '%s\t%s\t%s\n' "$1" "$INSIDE" "$2" >>"$RESULTS"
}

now() { date +%s%N; }

# answers: waits until the name server does, and tells how long that has taken since `began`.
answers() {
    until dig +time=1 +tries=1 +short "@$ip" dc1.corp.example A 2>/dev/null | grep -q "$ip"; do
        [ $(($(now) - began)) -lt 60000000000 ] || exit 2
    done
    tell "start to first answer, ms" $((($(now) - began) / 1000000))
}

start_ours() {
    began=$(now)
    "$program" directory --listen "$ip" --state "$folder/ours" --updates secure \
        --key "hmac-sha256:$key:$secret" --user "administrator:$password" \
        --krb5-conf "$KRB5_CONFIG" 2>"$folder/log" &
    server=$!
    running="$running $server"
    answers
}

start_bind() {
    mkdir -p "$folder/bind"
    cat >"$folder/bind/zone" <<EOF
\$TTL 900
@ SOA dc1 hostmaster 1 900 600 86400 3600
@ NS dc1
dc1 A $ip
EOF
    cat >"$folder/bind/named.conf" <<EOF
options { directory "$folder/bind"; listen-on { $ip; }; listen-on-v6 { none; }; recursion no;
    pid-file "$folder/bind/pid"; session-keyfile "$folder/bind/session"; };
controls { };
key $key { algorithm hmac-sha256; secret "$secret"; };
zone corp.example { type master; file "$folder/bind/zone"; allow-update { key $key; }; };
EOF
    began=$(now)
    named -f -n 2 -c "$folder/bind/named.conf" >"$folder/log" 2>&1 &
    server=$!
    running="$running $server"
    answers
}

start_samba() {
    samba-tool domain provision --realm "$realm" --domain CORP --adminpass "$password" \
        --server-role dc --dns-backend SAMBA_INTERNAL --host-name dc1 --host-ip "$ip" \
        --targetdir "$folder/samba" --option="interfaces=wire" \
        --option="bind interfaces only=yes" --option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" \
        --option="rpc server port=49152" >"$folder/log" 2>&1 || exit 2
    sed -i "s/^\[global\]/[global]\n\tldap server require strong auth = no/" \
        "$folder/samba/etc/smb.conf"
    printf '[libdefaults]\ndefault_realm = %s\ndns_lookup_kdc = false\n[realms]\n' "$realm" \
        >"$KRB5_CONFIG"
    began=$(now)
    samba -F --no-process-group -s "$folder/samba/etc/smb.conf" >"$folder/log" 2>&1 &
    server=$!
    running="$running $server"
    answers
    for port in 88 389; do listens "$port"; done
}

# figures WHAT LOAD...: a line of the load becomes two figures; memory is kept for the end.
figures() {
    what=$1
    shift
    # shellcheck disable=SC2086 # the load is a command with its first argument.
    figures=$($load "$@") || {
        echo "$INSIDE, $what: cannot be measured" >&2
        return 0
    }
    tell "$what, per second" "${figures%% *}"
    figures=${figures#* }
    tell "$what, processor us each" "${figures% *}"
    mebibytes=${figures#* }
}

queries() {
    printf 'dc1.corp.example A\ncorp.example SOA\nnobody.corp.example A\n' >"$folder/queries"
    figures "DNS query" dns "$ip" "$server" "$seconds" "$folder/queries"
}

signed_updates() {
    figures "DNS update signed by key" updates "$ip" "$server" "$seconds" corp.example "$key" \
        "$secret"
}

computers() {
    number=0
    while [ "$number" -lt 1000 ]; do
        printf 'dn: CN=PC%s,CN=Computers,%s\nobjectClass: computer\nsAMAccountName: PC%s$\n' \
            $number "$base" $number
        printf 'servicePrincipalName: HOST/pc%s.corp.example\n\n' $number
        number=$((number + 1))
    done >"$folder/ldif"
    ldapadd -x -H "ldap://$ip" -D administrator@corp.example -w "$password" -f "$folder/ldif" \
        >"$folder/out" 2>&1 || { tail -3 "$folder/out" >&2; return 0; }
    figures "LDAP search by SPN among 1,000" search "$ip" "$server" "$seconds" \
        administrator@corp.example "$password" "$base"
}

exchanges() {
    : >"$folder/relay"
    # shellcheck disable=SC2086 # as above.
    $load record "$ip" 10088 "$folder/record" >"$folder/relay" &
    running="$running $!"
    ready $! "$folder/relay"
    cat >"$folder/relay.conf" <<EOF
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    $realm = {
        kdc = 127.0.0.1:10088
    }
EOF
    KRB5_CONFIG=$folder/relay.conf
    echo "$password" | kinit administrator >"$folder/out" 2>&1 &&
        kvno -q ldap/dc1.corp.example >>"$folder/out" 2>&1 || { cat "$folder/out" >&2; return 0; }
    figures "AS and TGS exchange" tickets "$ip" "$server" "$seconds" "$folder/record"
}

"start_$INSIDE"
tell "memory after the start, MiB" "$($load memory "$ip" "$server" 0)"
queries
case $INSIDE in
ours)
    signed_updates
    computers
    exchanges
    ;;
bind) signed_updates ;;
samba)
    computers
    exchanges
    ;;
esac
tell "memory at the end, MiB" "${mebibytes:-0}"
kill "$server" && wait "$server" 2>/dev/null || true
