#!/bin/sh
# Runs smbclient against the shares of `looksalive directory` and, where Samba's file server can
# run, against it in the same way, and prints the outcomes side by side.
#
#   conformance/suites/shares.sh [PROGRAM]
#
# Everything happens in network namespaces of its own, on loopback. Needs unshare, ip and smbclient
# (Debian: smbclient); Samba's side needs smbd (Debian: samba) and root.
# Exit code: 0 when everything that ran against ours went as it should, 1 otherwise, 2 when it
# cannot run.
# shellcheck disable=SC2086 # $subjects is a list.
set -eu

program=${1:-target/release/looksalive}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=conformance/suites/beside.sh
. "$here/beside.sh"

# --------------------------------------------------------------------- outside: the table

if [ -z "${INSIDE:-}" ]; then
    needs smbclient smbclient
    subjects=ours
    command -v smbd >/dev/null && [ "$(id -u)" = 0 ] && subjects="ours samba"
    beside "$0" $subjects && outcome=0 || outcome=1
    echo "Where the two cannot be compared: what stands on the volume of a clustered disk, and what"
    echo "comes and goes with a virtual server, has no like in a server of Samba alone."
    exit "$outcome"
fi

# ---------------------------------------------------------------- inside: the server, its clients

ip link set lo up
# Samba works as the user who logs on.
chmod 755 "$folder"

# same TITLE FILE FILE
same() {
    if cmp -s "$2" "$3"; then note "$1" passed; else note "$1" failed; fi
}

# smb SHARE COMMANDS: as the user whom both servers know. Configuration of this machine is left out.
smb() {
    smbclient -s "$folder/client.conf" -p "$port" -U 'anna%Geheim-1' "//$at/$1" -c "$2"
}

list() { smbclient -s "$folder/client.conf" -p "$port" -U 'anna%Geheim-1' -L "//$at"; }

printf '[global]\n    workgroup = CORP\n' >"$folder/client.conf"
mkdir "$folder/data"
chmod 755 "$folder/data"
head -c 3000001 /dev/urandom >"$folder/sent"
printf 'seen\n' >"$folder/data/seen.txt"
printf 'hidden\n' >"$folder/data/hidden.txt"
chmod 644 "$folder/data/seen.txt"
chmod 600 "$folder/data/hidden.txt"

order() { "$program" fault --control "$folder/control" "$1"; }

start_ours() {
    at=127.0.0.2 port=1445
    "$program" directory --state "$folder/state" --port-base 1000 --control "$folder/control" \
        --user 'anna:Geheim-1' >"$folder/log" 2>&1 &
    server=$!
    running="$running $server"
    ready "$server" "$folder/log"
    order '{server: FS1, do: online, at: 127.0.0.2}'
    order "{server: FS1, share: data, do: add, folder: $folder/data, remark: Of the suite}"
}

# Samba as a server of files alone. The owner of hidden files is root, who is not anna.
start_samba() {
    at=127.0.0.1 port=445
    cat >"$folder/smb.conf" <<CONF
[global]
    workgroup = CORP
    server role = standalone server
    lock directory = $folder/lock
    state directory = $folder/lock
    cache directory = $folder/lock
    pid directory = $folder/lock
    private dir = $folder/lock
    ncalrpc dir = $folder/lock/rpc
    log file = $folder/log
    passdb backend = tdbsam:$folder/lock/passdb.tdb
    username map = $folder/users
    load printers = no
    disable spoolss = yes
[data]
    path = $folder/data
    comment = Of the suite
    read only = no
[abe]
    path = $folder/data
    read only = no
    access based share enum = yes
    hide unreadable = yes
CONF
    mkdir -p "$folder/lock"
    echo 'nobody = anna' >"$folder/users"
    printf 'Geheim-1\nGeheim-1\n' | smbpasswd -c "$folder/smb.conf" -s -a nobody >/dev/null
    chown nobody "$folder/data" "$folder/data/seen.txt"
    smbd --foreground -s "$folder/smb.conf" >"$folder/log" 2>&1 &
    running="$running $!"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        list >/dev/null 2>&1 && break
        sleep 0.2
    done
}

files() {
    expect "the list of shares has the share and its remark" 'data +Disk +Of the suite' list
    expect "a wrong password is refused" 'NT_STATUS_LOGON_FAILURE' smbclient \
        -s "$folder/client.conf" -p "$port" -U 'anna%wrong' "//$at/data" -c ls
    expect "a share that is not there is no network name" 'NT_STATUS_BAD_NETWORK_NAME' smb none ls
    expect "a file is put" 'putting file' smb data "put $folder/sent here"
    smb data "get here $folder/got" >/dev/null 2>&1 || true
    same "the file is got as it was put" "$folder/sent" "$folder/got"
    expect "a folder is made, and a file in it" 'putting file' \
        smb data "mkdir sub; put $folder/sent sub/inside"
    expect "a file is found by a pattern" ' inside .* 3000001 ' smb data 'ls sub/*ns*'
    expect "a folder with a file in it stays" 'NT_STATUS_DIRECTORY_NOT_EMPTY' smb data 'rmdir sub'
    lacks "a file is moved and deleted, its folder goes" 'NT_STATUS' \
        smb data 'rename sub/inside moved; rm moved; rmdir sub'
    expect "a file that is not there is not found" 'NT_STATUS_OBJECT_NAME_NOT_FOUND' \
        smb data 'get moved -'
    for dialect in SMB2_02 SMB2_10 SMB3_00 SMB3_11; do
        expect "listing with $dialect" 'seen.txt' smbclient -s "$folder/client.conf" -p "$port" \
            -U 'anna%Geheim-1' -m "$dialect" "//$at/data" -c ls
    done
    expect "signed traffic" 'seen.txt' smbclient -s "$folder/client.conf" -p "$port" \
        -U 'anna%Geheim-1' --client-protection=sign "//$at/data" -c ls
    expect "encrypted traffic" 'seen.txt' smbclient -s "$folder/client.conf" -p "$port" \
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
    order "{server: FS2, share: other, do: add, folder: $folder/data}"
    lacks "the shares of another virtual server are not listed" '^[[:space:]]*other ' list
    expect "the shares of another virtual server are not reached" 'NT_STATUS_BAD_NETWORK_NAME' \
        smb other ls
    order '{server: FS2, do: offline}'
    expect "a virtual server that is offline answers nobody" 'NT_STATUS_CONNECTION_REFUSED' \
        smbclient -s "$folder/client.conf" -p "$port" -U 'anna%Geheim-1' -L //127.0.0.3
    order '{server: FS1, share: data, do: remove}'
    expect "a share that is offline is no network name" 'NT_STATUS_BAD_NETWORK_NAME' smb data ls
    lacks "a share that is offline is not listed" '^[[:space:]]*data ' list
}

# A clustered disk under two nodes, each with its reservation key.
failover() {
    target=iqn.2024-01.looksalive:target
    "$program" target --state "$folder/array" --lun 0=64MiB,thin >"$folder/array.log" 2>&1 &
    array=$!
    running="$running $array"
    ready "$array" "$folder/array.log"
    disk="portal: '127.0.0.1:3260', target: '$target', lun: 0, label: DATA"
    order "{server: FS1, share: disk, do: add, $disk, initiator: 'iqn.2024-01.example:n1', key: 1}"
    expect "a file is put on the clustered disk" 'putting file' \
        smb disk "mkdir a; put $folder/sent a/here"
    order '{server: FS1, do: offline}'
    order '{server: FS1, do: online, at: 127.0.0.2}'
    order "{server: FS1, share: disk, do: add, $disk, initiator: 'iqn.2024-01.example:n2', key: 2}"
    rm -f "$folder/got"
    smb disk "get a/here $folder/got" >/dev/null 2>&1 || true
    same "after a failover the other node has the file" "$folder/sent" "$folder/got"
    lacks "the other node deletes it" 'NT_STATUS' smb disk "rm a/here; put $folder/sent b; rmdir a"
    order '{server: FS1, do: offline}'
    kill "$array" && wait "$array" 2>/dev/null || true
    # Not everybody has the checker (Debian: dosfstools).
    command -v fsck.vfat >/dev/null || return 0
    for image in "$folder"/array/*; do
        # The disk is the one that begins with a partition table.
        [ "$(head -c 512 "$image" | tail -c 2 | od -An -tx1 | tr -d ' ')" = 55aa ] || continue
        dd if="$image" of="$folder/volume" bs=1M skip=1 status=none
        lacks "a checker finds no flaw in the volume" 'irty|differ|rphan|eclaim|rong|Bad' \
            fsck.vfat -n "$folder/volume"
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
