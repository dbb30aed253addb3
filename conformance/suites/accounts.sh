#!/bin/sh
# Runs foreign clients of Kerberos and LDAP against `looksalive directory` and, where Samba can be
# a domain controller, against Samba in the same way, and prints the outcomes side by side.
#
#   conformance/suites/accounts.sh [PROGRAM]
#   SAMBA=no conformance/suites/accounts.sh [PROGRAM]    without Samba
#
# Everything happens in a network namespace of its own. Needs unshare, ip, kinit (Debian:
# krb5-user) and ldapsearch (ldap-utils, libsasl2-modules-gssapi-mit). What uses other clients is
# left out when they are missing: smbtorture and Samba's Kerberos tests (samba-testsuite,
# python3-samba, python3-pyasn1), samba-tool (samba, samba-ad-provision, samba-dsdb-modules).
# Exit code: 0 when everything that ran against ours went as it should, 1 otherwise, 2 when it
# cannot run.
# shellcheck disable=SC2086 # $ldap is a command with its options, $subjects a list.
set -eu

program=${1:-target/release/looksalive}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=conformance/suites/beside.sh
. "$here/beside.sh"

# --------------------------------------------------------------------- outside: the table

if [ -z "${INSIDE:-}" ]; then
    needs kinit krb5-user
    needs ldapsearch ldap-utils
    subjects=ours
    is_controller && subjects="ours samba"
    beside "$0" $subjects && outcome=0 || outcome=1
    echo "Where the two differ, and why counts are not full:"
    cat <<'WHY'
  Simple binds, strength 0: Samba wants encryption; ours takes both.
  Who am I: Samba has no such operation. Strength 1 by GSS-SPNEGO: the client takes 256 with both.
  The new service: Samba gives no ticket for an account without a password, ours has random keys.
  The eleventh computer: this Samba lets users add none by LDAP.
  Samba's tests that ask for a PAC, for security descriptors, for read-only controllers or for
  the very words of its answers fail against ours, which has none of these; some that decrypt
  tickets fail against Samba, whose keys samba-krb5.py does not fetch.
WHY
    exit "$outcome"
fi

# ------------------------------------------------------------------------ inside: one subject

realm=CORP.EXAMPLE
base=DC=corp,DC=example
ip=10.99.0.1
password=Correct-Horse-1
KRB5_CONFIG=$folder/krb5.conf
KRB5CCNAME=$folder/tickets
export KRB5_CONFIG KRB5CCNAME

wire "$ip"

start_ours() {
    "$program" directory --listen "$ip" --domain corp.example --netbios CORP --controller dc1 \
        --state "$folder/ours" --user "administrator:$password" --krb5-conf "$KRB5_CONFIG" \
        --export-keytab "$folder/all.keytab" 2>"$folder/ours.log" &
    server=$!
    running="$running $server"
    ready "$server" "$folder/ours.log"
}

start_samba() {
    samba-tool domain provision --realm "$realm" --domain CORP --adminpass "$password" \
        --server-role dc --dns-backend SAMBA_INTERNAL --host-name dc1 --host-ip "$ip" \
        --targetdir "$folder/samba" --option="interfaces=wire" \
        --option="bind interfaces only=yes" --option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" \
        --option="ldap server require strong auth=no" \
        --option="rpc server port=49152" >"$folder/provision.log" 2>&1 || {
        tail -5 "$folder/provision.log" >&2
        exit 2
    }
    cat >"$KRB5_CONFIG" <<EOF
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
[realms]
    $realm = {
        kdc = $ip
        kpasswd_server = $ip
    }
EOF
    samba -i --no-process-group -s "$folder/samba/etc/smb.conf" >"$folder/samba.log" 2>&1 &
    running="$running $!"
    for port in 88 389 445; do listens "$port"; done
    sleep 2
    samba-tool domain exportkeytab "$folder/all.keytab" -s "$folder/samba/etc/smb.conf" \
        >/dev/null 2>&1
}

# log_on WHO PASSWORD [OPTIONS]: with a password, into the common cache.
log_on() {
    who=$1
    secret=$2
    shift 2
    echo "$secret" | kinit "$@" "$who" >"$folder/out" 2>&1 && klist -ef >>"$folder/out" 2>&1 || true
}

ldap="-LLL -H ldap://dc1.corp.example -N -Q -Y GSSAPI"

# ldif TITLE PATTERN [COMMAND]: changes from standard input.
ldif() {
    title=$1
    pattern=$2
    timeout 60 ${3:-ldapmodify} ${ldap#-LLL} >"$folder/out" 2>&1 || true
    judge "$title" "$pattern"
}

quoted() {
    printf '"%s"' "$1" | iconv -t UTF-16LE | base64
}

kerberos() {
    title="kinit: a password" pattern="Default principal: administrator@$realm"
    log_on administrator "$password"
    judge "$title" "$pattern"
    title="kinit: a wrong password" pattern="Password incorrect|Preauthentication failed"
    log_on administrator wrong
    judge "$title" "$pattern"
    title="kinit: nobody" pattern="not found in Kerberos database"
    log_on nobody x
    judge "$title" "$pattern"
    for kind in aes256-cts aes128-cts rc4-hmac; do
        sed "s/^\[libdefaults\]/&\n allow_weak_crypto = true\n default_tkt_enctypes = $kind/" \
            "$KRB5_CONFIG" >"$folder/one.conf"
        title="kinit: $kind alone" pattern="tkt\): ${kind%%-*}"
        [ "$kind" != rc4-hmac ] || pattern="tkt\): .*arcfour"
        KRB5_CONFIG=$folder/one.conf log_on administrator "$password"
        judge "$title" "$pattern"
    done
    title="kinit: renewable" pattern="Flags: F?R"
    log_on administrator "$password" -r 5d
    judge "$title" "$pattern"
    expect "kinit -R: renews" "^done" sh -c 'kinit -R && echo done'
    expect "kinit -k: a key table" "Default principal: (administrator|Administrator)@" \
        sh -c "kinit -k -t '$folder/all.keytab' administrator 2>/dev/null ||
            kinit -k -t '$folder/all.keytab' Administrator; klist"
    log_on administrator "$password"
    for name in ldap/dc1.corp.example LDAP/DC1 cifs/dc1.corp.example HOST/Dc1 'dc1$'; do
        expect "kvno: $name" "kvno = [0-9]" kvno "$name"
    done
    expect "kvno: a service that is not there" "not found in Kerberos database" kvno cifs/nobody
}

binds() {
    log_on administrator "$password"
    expect "ldapsearch: the root, without a bind" "^defaultNamingContext: $base" \
        ldapsearch -x -LLL -H ldap://dc1.corp.example -b "" -s base defaultNamingContext
    expect "ldapsearch: anything else, without a bind" "perations error" \
        ldapsearch -x -H ldap://dc1.corp.example -b "$base" cn=x
    named="CN=Administrator,CN=Users,$base"
    for name in "CORP\\administrator" administrator@corp.example "$named"; do
        expect "ldapwhoami: simple bind as $name" "u:CORP.(A|a)dministrator" \
            ldapwhoami -x -H ldap://dc1.corp.example -D "$name" -w "$password"
    done
    expect "ldapwhoami: simple bind, wrong password" "data 52e" \
        ldapwhoami -x -H ldap://dc1.corp.example -D administrator@corp.example -w wrong
    for mechanism in GSSAPI GSS-SPNEGO; do
        for strength in 0 1 256; do
            expect "ldapwhoami: $mechanism, strength $strength" "u:CORP.(A|a)dministrator" \
                ldapwhoami -Y $mechanism -N -H ldap://dc1.corp.example \
                -O "minssf=$strength,maxssf=$strength"
        done
    done
}

computers() {
    ldif "ldapadd: a computer" "adding new entry" ldapadd <<EOF
dn: CN=VS1,CN=Computers,$base
objectClass: computer
sAMAccountName: VS1\$
userAccountControl: 4096
dNSHostName: vs1.corp.example
servicePrincipalName: HOST/VS1
servicePrincipalName: HOST/vs1.corp.example
EOF
    expect "kvno: the new service, through HOST" "kvno = [0-9]" kvno cifs/vs1.corp.example
    ldif "ldapmodify: its password" "modifying entry" <<EOF
dn: CN=VS1,CN=Computers,$base
changetype: modify
replace: unicodePwd
unicodePwd:: $(quoted Vs1-Secret-1)
EOF
    title="kinit: as the computer" pattern="Default principal: VS1\\$"
    log_on 'VS1$' Vs1-Secret-1 -c "$folder/vs1"
    KRB5CCNAME=$folder/vs1 klist >"$folder/out" 2>&1 || true
    judge "$title" "$pattern"
    ldif "ldapadd: a service name that another has" "Constraint violation|000021C7" ldapadd <<EOF
dn: CN=VS2,CN=Computers,$base
objectClass: computer
sAMAccountName: VS2\$
servicePrincipalName: HOST/VS1
EOF
    ldif "ldapadd: a name that is in use" "Already exists" ldapadd <<EOF
dn: CN=VS1,CN=Computers,$base
objectClass: computer
sAMAccountName: VS9\$
EOF
    KRB5CCNAME=$folder/vs1 ldif "ldapmodify: the computer's own service names" "modifying" <<EOF
dn: CN=VS1,CN=Computers,$base
changetype: modify
add: servicePrincipalName
servicePrincipalName: HTTP/VS1
EOF
    KRB5CCNAME=$folder/vs1 ldif "ldapmodify: a service name of another host" "ldap_modify" <<EOF
dn: CN=VS1,CN=Computers,$base
changetype: modify
add: servicePrincipalName
servicePrincipalName: HOST/other.corp.example
EOF
}

searches() {
    find() {
        expect "ldapsearch: $1" "$3" ldapsearch $ldap -b "$base" "$2" ${4:-sAMAccountName}
    }
    find "equality" '(sAMAccountName=vs1$)' '^sAMAccountName: VS1'
    find "presence and not" '(&(objectCategory=computer)(!(cn=DC1)))' '^sAMAccountName: VS1'
    find "substrings" '(cn=V*1)' '^sAMAccountName: VS1'
    find "order" '(&(objectCategory=computer)(userAccountControl>=500000))' ': DC1'
    find "bits, all of them" '(userAccountControl:1.2.840.113556.1.4.803:=8192)' ': DC1'
    find "bits, any of them" \
        '(&(cn=VS1)(userAccountControl:1.2.840.113556.1.4.804:=4097))' ': VS1'
    find "either of two" '(|(cn=nobody)(servicePrincipalName=host/vs1))' ': VS1'
    find "the version of its key" '(cn=VS1)' '^msDS-KeyVersionNumber: [12]' msDS-KeyVersionNumber
    expect "ldapsearch: pages" "^dn: CN=VS1" \
        ldapsearch $ldap -E pr=5/noprompt -b "$base" '(objectClass=*)' dn
    expect "ldapsearch: the container of computers" "^dn: CN=Computers,$base" \
        ldapsearch $ldap -s base -b "<WKGUID=aa312825768811d1aded00c04fd8d5cd,$base>" dn
    expect "ldapsearch: a base that is not there" "No such object" \
        ldapsearch $ldap -b "CN=nobody,$base" dn
}

users() {
    ldif "ldapadd: a user" "adding new entry" ldapadd <<EOF
dn: CN=anna,CN=Users,$base
objectClass: user
sAMAccountName: anna
unicodePwd:: $(quoted Anna-Secret-1)
userAccountControl: 512
EOF
    # A policy of the other side's: passwords younger than a day are not changed.
    ldif "ldapmodify: passwords may be changed at once" "modifying entry" <<EOF
dn: $base
changetype: modify
replace: minPwdAge
minPwdAge: 0
EOF
    title="kpasswd: changes a password" pattern="Password changed"
    printf 'Anna-Secret-1\nAnna-Secret-2\nAnna-Secret-2\n' |
        kpasswd anna >"$folder/out" 2>&1 || true
    judge "$title" "$pattern"
    title="kpasswd: without variety" pattern="rejected"
    printf 'Anna-Secret-2\naaaaaaaaaa\naaaaaaaaaa\n' | kpasswd anna >"$folder/out" 2>&1 || true
    judge "$title" "$pattern"
    KRB5CCNAME=$folder/anna log_on anna Anna-Secret-2
    made=0
    for number in 1 2 3 4 5 6 7 8 9 10 11; do
        printf 'dn: CN=Q%s,CN=Computers,%s\nobjectClass: computer\nsAMAccountName: Q%s$\n' \
            $number "$base" $number |
            KRB5CCNAME=$folder/anna ldapadd ${ldap#-LLL} >"$folder/out" 2>&1 || break
        made=$((made + 1))
    done
    title="ldapadd: the eleventh computer of a user" pattern="^10 .*(0000216D|nwilling)"
    echo "$made $(tr '\n' ' ' <"$folder/out")" >"$folder/out.1" && mv "$folder/out.1" "$folder/out"
    judge "$title" "$pattern"
    ldif "ldapmodify: disables the user" "modifying entry" <<EOF
dn: CN=anna,CN=Users,$base
changetype: modify
replace: userAccountControl
userAccountControl: 514
EOF
    title="kinit: a disabled account" pattern="revoked"
    log_on anna Anna-Secret-2
    judge "$title" "$pattern"
    expect "ldapdelete: the computer" "^done" sh -c \
        "ldapdelete ${ldap#-LLL} 'CN=VS1,CN=Computers,$base' && echo done"
    expect "ldapsearch: and what is left of it" "^lastKnownParent: CN=Computers" \
        ldapsearch $ldap -E '!1.2.840.113556.1.4.417' -b "$base" \
        '(&(isDeleted=TRUE)(sAMAccountName=VS1$))' lastKnownParent
}

torture() {
    command -v smbtorture >/dev/null || return 0
    for test in ldap.cldap ldap.netlogon-udp ldap.netlogon-tcp; do
        expect "smbtorture: $test" "^success: " smbtorture ncacn_np:dc1.corp.example \
            -U "administrator%$password" -W CORP --realm=$realm $test
    done
}

# Samba's Kerberos tests: how many passed of how many. The first must all; the others ask for
# things beyond the directory as well, so their counts are told and not judged.
tests() {
    /usr/bin/python3 -c 'import samba.subunit, pyasn1' 2>/dev/null || return 0
    secret=$(klist -k -t -K "$folder/all.keytab" | awk '
        /krbtgt@/ && length($NF) == 68 { gsub(/[()]|0x/, "", $NF); print $NF; exit }')
    version=$(klist -k "$folder/all.keytab" | awk '/krbtgt@/ { print $1; exit }')
    printf '[global]\nworkgroup=CORP\nrealm=%s\nnetbios name=client\ninterfaces=wire\n' $realm \
        >"$folder/client.conf"
    for dir in "private dir" "lock dir" "state directory" "cache directory"; do
        echo "$dir = $folder"
    done >>"$folder/client.conf"
    for module in kdc_tests salt_tests as_req_tests spn_tests kpasswd_tests; do
        env SERVER=dc1.corp.example DC_SERVER=dc1.corp.example DOMAIN=CORP REALM=$realm \
            SMB_CONF_PATH="$folder/client.conf" STRICT_CHECKING=0 CHECK_CNAME=0 CHECK_PADATA=0 \
            ADMIN_USERNAME=administrator "ADMIN_PASSWORD=$password" \
            USERNAME=administrator "PASSWORD=$password" KRBTGT_USERNAME=krbtgt \
            KRBTGT_PASSWORD=x "KRBTGT_KVNO=$version" "KRBTGT_AES256_KEY_HEX=$secret" \
            FAST_SUPPORT=0 CLAIMS_SUPPORT=0 COMPOUND_ID_SUPPORT=0 TKT_SIG_SUPPORT=0 \
            FULL_SIG_SUPPORT=0 GNUTLS_PBKDF2_SUPPORT=0 EXPECT_PAC=0 EXPECT_EXTRA_PAC_BUFFERS=0 \
            KADMIN_IS_TGS=0 FORCED_RC4=0 DEFAULT_ETYPES=28 \
            timeout 300 /usr/bin/python3 "$here/samba-krb5.py" $module >"$folder/out" 2>&1 || true
        good=$(grep -c '^successful: ' "$folder/out" || true)
        all=$(grep -c '^test: ' "$folder/out" || true)
        result="$good of $all"
        if [ $module = kdc_tests ]; then
            [ "$good" = "$all" ] && [ "$good" -ge 5 ] && result=passed || result=failed
        fi
        note "samba.tests.krb5.$module" "$result"
    done
}

"start_$INSIDE"
kerberos
binds
computers
searches
users
torture
tests
