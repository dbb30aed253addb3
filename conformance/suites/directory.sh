#!/bin/sh
# Runs foreign clients against `looksalive directory` and, where Samba can be a domain controller,
# against Samba in the same way, and prints the outcomes side by side.
#
#   conformance/suites/directory.sh [PROGRAM]
#   SAMBA=no conformance/suites/directory.sh [PROGRAM]    without Samba, which takes two minutes
#
# Everything happens in network namespaces of its own: clients in one, the server in another, a
# pair of virtual cables between them. Needs unshare, nsenter and ip, and dig and nsupdate (Debian:
# bind9-dnsutils). What uses other clients is skipped by name when they are missing: nmblookup
# (samba-common-bin), smbclient, smbtorture (samba-testsuite), Samba's own tests (python3-samba),
# samba-tool (samba, samba-ad-provision, samba-dsdb-modules, samba-vfs-modules), kinit (krb5-user).
# Exit code: 0 when everything that ran against ours went as it should, 1 otherwise, 2 when it
# cannot run.
# shellcheck disable=SC2086 # $look is a command with its options, $subjects a list.
set -eu

program=${1:-target/release/looksalive}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=conformance/suites/beside.sh
. "$here/beside.sh"

# --------------------------------------------------------------------- outside: the table

if [ -z "${INSIDE:-}" ]; then
    needs dig bind9-dnsutils
    subjects=ours
    is_controller && subjects="ours samba"
    beside "$0" $subjects && outcome=0 || outcome=1
    echo "Where the two differ:"
    cat <<'WHY'
  EDNS, transfers, shared keys: Samba's internal name server has none of them.
  Signed by Kerberos: nsupdate does not take Samba's signature of the answer ("tsig verify
  failure") though the record is there, and a name of another is SERVFAIL there.
  Controllers at the name server: Samba lists there what others have registered, not its own.
  samba.tests.dns against ours: an answer of more than 512 octets is cut off for a client without
  EDNS (three tests), a ring of aliases is told once and not twenty times, an alias of the root is
  an alias, and an update whose zone is asked for as an address is malformed, not unimplemented.
WHY
    exit "$outcome"
fi

# ------------------------------------------------------------------------ inside: one subject

domain=corp.example
realm=CORP.EXAMPLE
controller=dc1
server_ip=10.99.0.1
client_ip=10.99.0.2
password=Correct-Horse-1
key_name=admin.corp.example
key_secret=aGVsbG8gd29ybGQhaGVsbG8gd29ybGQhaGVsbG8gd29ybGQ=
KRB5_CONFIG=$folder/krb5.conf
KRB5CCNAME=$folder/tickets
export KRB5_CONFIG KRB5CCNAME

wire() {
    ip link set lo up
    unshare -n sleep 3600 &
    holder=$!
    running="$running $holder"
    mine=$(readlink /proc/self/ns/net)
    until [ "$(readlink "/proc/$holder/ns/net" 2>/dev/null)" != "$mine" ]; do
        sleep 0.05
    done
    ip link add wire type veth peer name wire netns "$holder"
    ip address add "$client_ip/24" dev wire
    ip link set wire up
    at_server ip link set lo up
    at_server ip address add "$server_ip/24" dev wire
    at_server ip link set wire up
    printf 'search %s\nnameserver %s\n' "$domain" "$server_ip" >"$folder/resolv.conf"
    mount --bind "$folder/resolv.conf" /etc/resolv.conf
}

at_server() {
    nsenter -t "$holder" -n "$@"
}

# start_ours POLICY
start_ours() {
    nsenter -t "$holder" -n "$program" directory --listen "$server_ip" --domain "$domain" \
        --netbios CORP --controller "$controller" --state "$folder/ours-$1" --updates "$1" \
        --key "hmac-sha256:$key_name:$key_secret" --user "anna:$password" --user "bert:$password" \
        --user "administrator:$password" --zone 0.99.10.in-addr.arpa \
        --control "$folder/control-$1" \
        --krb5-conf "$KRB5_CONFIG" 2>"$folder/ours-$1.log" &
    server=$!
    running="$running $server"
    ready "$server" "$folder/ours-$1.log"
}

# start_samba POLICY: provisioned once; the policy is one line of its configuration.
start_samba() {
    if [ ! -d "$folder/samba" ]; then
        at_server samba-tool domain provision --realm "$realm" --domain CORP \
            --adminpass "$password" --server-role dc --dns-backend SAMBA_INTERNAL \
            --host-name "$controller" --host-ip "$server_ip" --targetdir "$folder/samba" \
            --option="interfaces=wire" --option="bind interfaces only=yes" \
            --option="wins support=yes" --option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" \
            --option="rpc server port=49152" >"$folder/provision.log" 2>&1 || {
            tail -5 "$folder/provision.log" >&2
            exit 2
        }
        cp "$folder/samba/private/krb5.conf" "$KRB5_CONFIG"
        cp "$folder/samba/etc/smb.conf" "$folder/smb.conf.base"
        made=
    fi
    policy="secure only"
    [ "$1" = secure ] || policy=nonsecure
    sed "s/^\[global\]/[global]\n\tallow dns updates = $policy/" "$folder/smb.conf.base" \
        >"$folder/samba/etc/smb.conf"
    nsenter -t "$holder" -n samba -F --no-process-group -M single -s "$folder/samba/etc/smb.conf" \
        >"$folder/samba-$1.log" 2>&1 &
    server=$!
    running="$running $server"
    waited=0
    until dig +time=1 +tries=1 +short "@$server_ip" "$controller.$domain" A 2>/dev/null |
        grep -q "$server_ip"; do
        waited=$((waited + 1))
        [ "$waited" -lt 40 ] && kill -0 "$server" 2>/dev/null || {
            tail -5 "$folder/samba-$1.log" >&2
            exit 2
        }
        sleep 0.5
    done
    [ -n "${made:-}" ] || {
        for user in anna bert; do
            samba-tool user create "$user" "$password" -H "$folder/samba/private/sam.ldb" \
                >"$folder/out" 2>&1 || cat "$folder/out" >&2
        done
        samba-tool dns zonecreate "$controller.$domain" 0.99.10.in-addr.arpa \
            -U "administrator%$password" >"$folder/out" 2>&1 || cat "$folder/out" >&2
        made=yes
    }
}

stop_server() {
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    # Children of Samba outlive it for a while, and would answer for the next one.
    waited=0
    while at_server grep -q ':0035 ' /proc/self/net/udp && [ "$waited" -lt 150 ]; do
        waited=$((waited + 1))
        sleep 0.2
    done
}

# change TITLE PATTERN NSUPDATE-OPTIONS: what is read from standard input is the update. The
# pattern `^$` asks for silence, which is how nsupdate says that all is well.
change() {
    title=$1
    pattern=$2
    shift 2
    { echo "server $server_ip"; cat; echo send; } >"$folder/update"
    timeout 60 nsupdate "$@" "$folder/update" >"$folder/out" 2>&1 || true
    [ -s "$folder/out" ] || echo >"$folder/out"
    judge "$title" "$pattern"
}

look="dig +time=2 +tries=2 @$server_ip"

queries() {
    expect "dig: address of the controller" "^$server_ip$" $look +short "$controller.$domain" A
    expect "dig: the case of a name does not matter" "^$server_ip$" \
        $look +short "DC1.Corp.Example" A
    expect "dig: service of the controller" "0 100 389 $controller.$domain." \
        $look +short "_ldap._tcp.dc._msdcs.$domain" SRV
    expect "dig: service of Kerberos over TCP" "0 100 88 $controller.$domain." \
        $look +short +tcp "_kerberos._udp.$domain" SRV
    expect "dig: start of the zone" \
        "^$controller.$domain. hostmaster.$domain. [0-9]+ 900 600 86400 3600" \
        $look +short "$domain" SOA
    expect "dig: server of the zone" "^$controller.$domain.$" $look +short "$domain" NS
    expect "dig: a name that is not there, with the zone's start" "SOA" \
        $look +noall +authority "nobody.$domain" A
    expect "dig: NXDOMAIN for it" "status: NXDOMAIN" $look "nobody.$domain" A
    expect "dig: NOERROR for a name without such a record" "status: NOERROR" \
        $look "$controller.$domain" TXT
    expect "dig: EDNS" "EDNS: version: 0" $look "$controller.$domain" A
    expect "dig: transfer of the zone" "XFR size" $look "$domain" AXFR
}

updates_in_a_secure_zone() {
    change "nsupdate: unsigned, refused in a secure zone" REFUSED <<EOF
update add plain.$domain 60 A 10.0.0.1
EOF
    change "nsupdate -y: signed with a shared key" '^$' -y "hmac-sha256:$key_name:$key_secret" <<EOF
update add keyed.$domain 60 A 10.0.0.2
EOF
    expect "dig: and its record is there" "^10.0.0.2$" $look +short "keyed.$domain" A
    wrong=$(printf '%s' "$key_secret" | sed 's/hello/other/; s/^a/b/')
    change "nsupdate -y: wrong secret" "BADSIG|NOTAUTH|BADKEY" \
        -y "hmac-sha256:$key_name:$wrong" <<EOF
zone $domain
update add keyed.$domain 60 A 10.0.0.3
EOF
}

# ticket USER: a ticket of this user for whatever comes next.
ticket() {
    echo "$password" | kinit "$1@$realm" >"$folder/out" 2>&1 || cat "$folder/out" >&2
}

updates_by_kerberos() {
    command -v kinit >/dev/null || return 0
    ticket anna
    change "nsupdate -g: signed by Kerberos" '^$' -g <<EOF
update add anna.$domain 1200 A 10.0.0.21
EOF
    expect "dig: and the record is there" "^10.0.0.21$" $look +short "anna.$domain" A
    change "nsupdate -g over TCP: another address" '^$' -g -v <<EOF
update delete anna.$domain A
update add anna.$domain 1200 A 10.0.0.22
EOF
    expect "dig: and it is the new one" "^10.0.0.22$" $look +short "anna.$domain" A
    change "nsupdate -o: as old Windows does" '^$' -o <<EOF
update add anna.$domain 1200 A 10.0.0.23
EOF
    ticket bert
    change "nsupdate -g: a name of another is refused" REFUSED -g <<EOF
update delete anna.$domain A
EOF
    expect "dig: it is still there" "^10.0.0.22$" $look +short "anna.$domain" A
    ticket administrator
    change "nsupdate -g: the administrator may" '^$' -g <<EOF
update delete anna.$domain A
EOF
    kdestroy -q 2>/dev/null || true
    change "nsupdate -g: nobody without a ticket" "GSSAPI|tkey|credentials|TKEY|failed" -g <<EOF
update add anna.$domain 1200 A 10.0.0.24
EOF
}

updates_in_an_open_zone() {
    change "nsupdate: plain" '^$' <<EOF
update add fs1.$domain 1200 A 10.0.0.5
update add fs1.$domain 1200 A 10.0.0.6
EOF
    expect "dig: both addresses" "^10.0.0.6$" $look +short "fs1.$domain" A
    change "nsupdate -v: over TCP, name in use" '^$' -v <<EOF
prereq yxdomain fs1.$domain
update add fs2.$domain 60 A 10.0.0.7
EOF
    change "nsupdate: prerequisite, name not in use" YXDOMAIN <<EOF
prereq nxdomain fs1.$domain
update add fs1.$domain 60 A 10.0.0.8
EOF
    change "nsupdate: prerequisite, a part is not the set" NXRRSET <<EOF
prereq yxrrset fs1.$domain A 10.0.0.5
update delete fs1.$domain A
EOF
    change "nsupdate: prerequisite, the set in another order" '^$' <<EOF
prereq yxrrset fs1.$domain A 10.0.0.6
prereq yxrrset fs1.$domain A 10.0.0.5
update delete fs1.$domain A 10.0.0.6
EOF
    expect "dig: one address is left" "^fs1.*1200.*10.0.0.5$" $look +noall +answer "fs1.$domain" A
    change "nsupdate: another time to live" '^$' <<EOF
update add fs1.$domain 300 A 10.0.0.5
EOF
    expect "dig: and it is the new one" "^fs1.*[[:space:]]300[[:space:]].*10.0.0.5$" \
        $look +noall +answer "fs1.$domain" A
    change "nsupdate: an alias beside an address is ignored" '^$' <<EOF
update add fs1.$domain 300 CNAME $controller.$domain
EOF
    expect "dig: the address is still there" "^10.0.0.5$" $look +short "fs1.$domain" A
    change "nsupdate: the apex is emptied" '.*' <<EOF
zone $domain
update delete $domain
update delete $domain SOA
update delete $domain NS
EOF
    expect "dig: its start is left" "hostmaster.$domain" $look +short "$domain" SOA
    expect "dig: its server is left" "^$controller.$domain.$" $look +short "$domain" NS
    change "nsupdate: PTR" '^$' <<EOF
zone 0.99.10.in-addr.arpa
update add 5.0.99.10.in-addr.arpa 1200 PTR fs1.$domain
EOF
    expect "dig: PTR" "^fs1.$domain.$" $look +short -x 10.99.0.5
    change "nsupdate: a zone of nobody" "NOTAUTH|REFUSED" <<EOF
zone example.net
update add a.example.net 60 A 10.0.0.1
EOF
}

netbios() {
    command -v nmblookup >/dev/null || return 0
    expect "nmblookup: the controller at the name server" "^$server_ip DC1<20>" \
        nmblookup --recursion --unicast="$server_ip" 'DC1#20'
    expect "nmblookup: the domain's controllers" "^$server_ip CORP<1c>" \
        nmblookup --recursion --unicast="$server_ip" 'CORP#1C'
    expect "nmblookup: the controller by broadcast" "^$server_ip DC1<20>" \
        nmblookup --broadcast="${server_ip%.*}.255" 'DC1#20'
    expect "nmblookup: a name that is not there" "failed to find name NOBODY" \
        nmblookup --recursion --unicast="$server_ip" NOBODY
    expect "nmblookup: status of the controller" "DC1 +<20> - +[A-Z]? *<ACTIVE>" \
        nmblookup -A "$server_ip"
}

# torture TEST: a test of smbtorture; each of its parts counts.
torture() {
    command -v smbtorture >/dev/null || return 0
    timeout 300 smbtorture "//$controller/none" "$1" -U "administrator%$password" \
        --option="interfaces=wire" --option="bind interfaces only=yes" \
        --option="realm=$realm" --option="workgroup=CORP" \
        >"$folder/out" 2>&1 </dev/null || true
    bad=$(grep -cE '^(failure|error):' "$folder/out" || true)
    good=$(grep -cE '^success:' "$folder/out" || true)
    if [ "$good" -gt 0 ] && [ "$bad" = 0 ]; then
        note "smbtorture $1" passed
    else
        note "smbtorture $1" failed
        { echo "$INSIDE, smbtorture $1:"; tail -30 "$folder/out"; } >&2
    fi
}

# Samba's tests of name servers, those that need nothing but the wire: at least as many must pass as
# pass against Samba itself.
wire_tests() {
    /usr/bin/python3 -c 'import samba.tests.dns_base' 2>/dev/null || return 0
    printf '[global]\nworkgroup=CORP\nrealm=%s\nnetbios name=client\n' $realm \
        >"$folder/client.conf"
    for dir in "private dir" "lock dir" "state directory" "cache directory"; do
        echo "$dir = $folder"
    done >>"$folder/client.conf"
    (
        cd "$folder"
        SMB_CONF_PATH=$folder/client.conf timeout 300 /usr/bin/python3 -m samba.tests.dns \
            $controller $server_ip -s "$folder/client.conf" --realm $realm \
            -U "administrator%$password"
    ) >"$folder/out" 2>&1 || true
    classes='__main__.Test(SimpleQueries|DNSUpdates|ComplexQueries|InvalidQueries)\.'
    good=$(grep -cE "^successful: $classes" "$folder/out" || true)
    all=$(grep -cE "^test: $classes" "$folder/out" || true)
    result="$good of $all"
    [ "$good" -ge 22 ] || [ "$INSIDE" = samba ] || {
        grep -E "^(failure|error): $classes" "$folder/out" >&2 || true
        result=failed
    }
    note "samba.tests.dns: queries and updates" "$result"
}

wire
"start_$INSIDE" secure
queries
updates_in_a_secure_zone
updates_by_kerberos
netbios
torture nbt.register
torture nbt.wins.wins
stop_server
"start_$INSIDE" any
updates_in_an_open_zone
wire_tests
stop_server
