#!/bin/sh
# Runs smbclient against the shares of `looksalive directory` and, where Samba's file server can
# run, against it in the same way, and prints the outcomes side by side.
#
#   conformance/suites/directory-shares.sh [PROGRAM]
#
# Everything happens in network namespaces of its own, on loopback. Needs unshare, ip and smbclient
# (Debian: smbclient); Samba's side needs smbd (Debian: samba) and
# root. Exit code: 0 when everything that ran against ours went as it should, 1 otherwise, 2 when
# it cannot run.
# shellcheck disable=SC2086 # $alone is a command with its options.
set -eu

program=${1:-target/release/looksalive}
here=$(cd "$(dirname "$0")" && pwd)
case $program in
/*) ;;
*) program=$(pwd)/$program ;;
esac

# ---------------------------------------------------------------- outside: namespaces, the table

needs_outside() {
    command -v "$1" >/dev/null || {
        echo "$1 is not installed (Debian: apt install $2)" >&2
        exit 2
    }
}

if [ -z "${INSIDE:-}" ]; then
    needs_outside unshare util-linux
    needs_outside ip iproute2
    needs_outside smbclient smbclient
    [ -x "$program" ] || {
        echo "$program is not there: build it, or name another" >&2
        exit 2
    }
    alone="unshare -nm"
    [ "$(id -u)" = 0 ] || alone="unshare -rnm"
    $alone true 2>/dev/null || {
        echo "this machine lets nobody make network namespaces here" >&2
        exit 2
    }
    # shellcheck source=conformance/suites/common.sh
    . "$here/common.sh"
    # Samba works as the user who logs on.
    chmod 755 "$folder"
    subjects=ours
    command -v smbd >/dev/null && [ "$(id -u)" = 0 ] && subjects="ours samba"
    for subject in $subjects; do
        mkdir "$folder/$subject"
        INSIDE=$subject WHERE="$folder/$subject" timeout 110 $alone "$0" "$program" || {
            echo "the cases did not all run against $subject" >&2
            [ "$subject" = samba ] || exit 2
        }
    done
    [ -s "$folder/samba/results" ] || { mkdir -p "$folder/samba" && : >"$folder/samba/results"; }
    awk -F '\t' -v samba="$folder/samba/results" '
        BEGIN {
            while ((getline line < samba) > 0) { split(line, f, "\t"); theirs[f[1]] = f[2] }
            printf "%-62s %-12s %s\n", "case", "looksalive", "Samba"
        }
        {
            other = ($1 in theirs) ? theirs[$1] : "-"
            printf "%-62s %-12s %s\n", $1, $2, other
            all++; if ($2 == "passed") good++; else if ($2 == "failed") bad++
        }
        END {
            printf "%d cases: %d passed, %d failed\n", all, good, bad
            exit (bad > 0 || good == 0) ? 1 : 0
        }' "$folder/ours/results" && outcome=0 || outcome=1
    echo "Where the two cannot be compared: what stands on the volume of a clustered disk, and what"
    echo "comes and goes with a virtual server, has no like in a server of Samba alone."
    exit "$outcome"
fi

# ---------------------------------------------------------------- inside: the server, its clients

ready() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        grep -qs '^ready' "$2" && return 0
        kill -0 "$1" || break
        sleep 0.2
    done
    cat "$2" >&2
    exit 2
}

ip link set lo up
results=$WHERE/results
: >"$results"
note() { printf '%s\t%s\n' "$1" "$2" >>"$results"; }

# expect NAME PATTERN COMMAND...: the command says PATTERN.
expect() {
    name=$1 pattern=$2
    shift 2
    "$@" >"$WHERE/out" 2>&1 || true
    if grep -Eq -- "$pattern" "$WHERE/out"; then
        note "$name" passed
    else
        note "$name" failed
        { echo "$INSIDE, $name: no \"$pattern\" in"; tail -15 "$WHERE/out"; } >&2
    fi
}

# lacks NAME PATTERN COMMAND...: the command succeeds and does not say PATTERN.
lacks() {
    name=$1 pattern=$2
    shift 2
    if "$@" >"$WHERE/out" 2>&1 && ! grep -Eq -- "$pattern" "$WHERE/out"; then
        note "$name" passed
    else
        note "$name" failed
        { echo "$INSIDE, $name: failed, or \"$pattern\" in"; tail -15 "$WHERE/out"; } >&2
    fi
}

same() {
    if cmp -s "$2" "$3"; then note "$1" passed; else note "$1" failed; fi
}

# smb SHARE COMMANDS: as the user whom both servers know. Configuration of this machine is left out.
smb() {
    smbclient -s "$WHERE/client.conf" -p "$port" -U 'anna%Geheim-1' "//$at/$1" -c "$2"
}

list() { smbclient -s "$WHERE/client.conf" -p "$port" -U 'anna%Geheim-1' -L "//$at"; }

printf '[global]\n    workgroup = CORP\n' >"$WHERE/client.conf"
mkdir "$WHERE/data"
chmod 755 "$WHERE" "$WHERE/data"
head -c 3000001 /dev/urandom >"$WHERE/sent"
printf 'seen\n' >"$WHERE/data/seen.txt"
printf 'hidden\n' >"$WHERE/data/hidden.txt"
chmod 644 "$WHERE/data/seen.txt"
chmod 600 "$WHERE/data/hidden.txt"

order() { "$program" fault --control "$WHERE/control" "$1"; }

start_ours() {
    at=127.0.0.2 port=1445
    "$program" directory --state "$WHERE/state" --port-base 1000 --control "$WHERE/control" \
        --user 'anna:Geheim-1' >"$WHERE/log" 2>&1 &
    server=$!
    ready "$server" "$WHERE/log"
    order '{server: FS1, do: online, at: 127.0.0.2}'
    order "{server: FS1, share: data, do: add, folder: $WHERE/data, remark: Of the suite}"
}

# Samba as a server of files alone. The owner of hidden files is root, who is not anna.
start_samba() {
    at=127.0.0.1 port=445
    cat >"$WHERE/smb.conf" <<CONF
[global]
    workgroup = CORP
    server role = standalone server
    lock directory = $WHERE/lock
    state directory = $WHERE/lock
    cache directory = $WHERE/lock
    pid directory = $WHERE/lock
    private dir = $WHERE/lock
    ncalrpc dir = $WHERE/lock/rpc
    log file = $WHERE/log
    passdb backend = tdbsam:$WHERE/lock/passdb.tdb
    username map = $WHERE/users
    load printers = no
    disable spoolss = yes
[data]
    path = $WHERE/data
    comment = Of the suite
    read only = no
[abe]
    path = $WHERE/data
    read only = no
    access based share enum = yes
    hide unreadable = yes
CONF
    mkdir -p "$WHERE/lock"
    echo 'nobody = anna' >"$WHERE/users"
    printf 'Geheim-1\nGeheim-1\n' | smbpasswd -c "$WHERE/smb.conf" -s -a nobody >/dev/null
    chown nobody "$WHERE/data" "$WHERE/data/seen.txt"
    smbd --foreground -s "$WHERE/smb.conf" >"$WHERE/log" 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        list >/dev/null 2>&1 && break
        sleep 0.2
    done
}

clean() {
    [ -n "${server:-}" ] || return 0
    kill "$server" 2>/dev/null || return 0
    wait "$server" 2>/dev/null || true
}
trap clean EXIT

files() {
    expect "the list of shares has the share and its remark" 'data +Disk +Of the suite' list
    expect "a wrong password is refused" 'NT_STATUS_LOGON_FAILURE' smbclient \
        -s "$WHERE/client.conf" -p "$port" -U 'anna%wrong' "//$at/data" -c ls
    expect "a share that is not there is no network name" 'NT_STATUS_BAD_NETWORK_NAME' smb none ls
    expect "a file is put" 'putting file' smb data "put $WHERE/sent here"
    smb data "get here $WHERE/got" >/dev/null 2>&1 || true
    same "the file is got as it was put" "$WHERE/sent" "$WHERE/got"
    expect "a folder is made, and a file in it" 'putting file' \
        smb data "mkdir sub; put $WHERE/sent sub/inside"
    expect "a file is found by a pattern" ' inside .* 3000001 ' smb data 'ls sub/*ns*'
    expect "a folder with a file in it stays" 'NT_STATUS_DIRECTORY_NOT_EMPTY' smb data 'rmdir sub'
    lacks "a file is moved and deleted, its folder goes" 'NT_STATUS' \
        smb data 'rename sub/inside moved; rm moved; rmdir sub'
    expect "a file that is not there is not found" 'NT_STATUS_OBJECT_NAME_NOT_FOUND' \
        smb data 'get moved -'
    for dialect in SMB2_02 SMB2_10 SMB3_00 SMB3_11; do
        expect "listing with $dialect" 'seen.txt' smbclient -s "$WHERE/client.conf" -p "$port" \
            -U 'anna%Geheim-1' -m "$dialect" "//$at/data" -c ls
    done
    expect "signed traffic" 'seen.txt' smbclient -s "$WHERE/client.conf" -p "$port" \
        -U 'anna%Geheim-1' --client-protection=sign "//$at/data" -c ls
    expect "encrypted traffic" 'seen.txt' smbclient -s "$WHERE/client.conf" -p "$port" \
        -U 'anna%Geheim-1' --client-protection=encrypt "//$at/data" -c ls
    expect "what may not be read is seen without the flag" 'hidden.txt' smb data ls
    expect "what may not be read is refused" 'NT_STATUS_ACCESS_DENIED' smb data 'get hidden.txt -'
}

enumeration() {
    lacks "with the flag what may not be read is not seen" 'hidden.txt' smb "$1" ls
    expect "with the flag the rest is seen" 'seen.txt' smb "$1" ls
}

# What only a virtual server of a cluster has.
virtual_server() {
    order '{server: FS1, share: data, do: flags, flags: 0}'
    expect "without the flag it is seen again" 'hidden.txt' smb data ls
    order '{server: FS2, do: online, at: 127.0.0.3}'
    order "{server: FS2, share: other, do: add, folder: $WHERE/data}"
    lacks "the shares of another virtual server are not listed" '^[[:space:]]*other ' list
    expect "the shares of another virtual server are not reached" 'NT_STATUS_BAD_NETWORK_NAME' \
        smb other ls
    order '{server: FS2, do: offline}'
    expect "a virtual server that is offline answers nobody" 'NT_STATUS_CONNECTION_REFUSED' \
        smbclient -s "$WHERE/client.conf" -p "$port" -U 'anna%Geheim-1' -L //127.0.0.3
    order '{server: FS1, share: data, do: remove}'
    expect "a share that is offline is no network name" 'NT_STATUS_BAD_NETWORK_NAME' smb data ls
    lacks "a share that is offline is not listed" '^[[:space:]]*data ' list
}

# A clustered disk under two nodes, each with its reservation key.
failover() {
    target=iqn.2024-01.looksalive:target
    "$program" target --state "$WHERE/array" --lun 0=64MiB,thin >"$WHERE/array.log" 2>&1 &
    array=$!
    ready "$array" "$WHERE/array.log"
    disk="portal: '127.0.0.1:3260', target: '$target', lun: 0, label: DATA"
    order "{server: FS1, share: disk, do: add, $disk, initiator: 'iqn.2024-01.example:n1', key: 1}"
    expect "a file is put on the clustered disk" 'putting file' \
        smb disk "mkdir a; put $WHERE/sent a/here"
    order '{server: FS1, do: offline}'
    order '{server: FS1, do: online, at: 127.0.0.2}'
    order "{server: FS1, share: disk, do: add, $disk, initiator: 'iqn.2024-01.example:n2', key: 2}"
    rm -f "$WHERE/got"
    smb disk "get a/here $WHERE/got" >/dev/null 2>&1 || true
    same "after a failover the other node has the file" "$WHERE/sent" "$WHERE/got"
    lacks "the other node deletes it" 'NT_STATUS' smb disk "rm a/here; put $WHERE/sent b; rmdir a"
    order '{server: FS1, do: offline}'
    kill "$array" && wait "$array" 2>/dev/null || true
    # Not everybody has the checker (Debian: dosfstools).
    command -v fsck.vfat >/dev/null || return 0
    for image in "$WHERE"/array/*; do
        # The disk is the one that begins with a partition table.
        [ "$(head -c 512 "$image" | tail -c 2 | od -An -tx1 | tr -d ' ')" = 55aa ] || continue
        dd if="$image" of="$WHERE/volume" bs=1M skip=1 status=none
        lacks "a checker finds no flaw in the volume" 'irty|differ|rphan|eclaim|rong|Bad' \
            fsck.vfat -n "$WHERE/volume"
    done
}

case $INSIDE in
ours)
    start_ours
    files
    order '{server: FS1, share: data, do: flags, flags: 0x0800}'
    enumeration data
    virtual_server
    failover
    ;;
samba)
    start_samba
    files
    enumeration abe
    ;;
esac
