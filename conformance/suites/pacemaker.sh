#!/bin/sh
# The same failure on corosync with pacemaker and on looksalive: three nodes, one dummy resource,
# everything on the owner's node killed at once, detection set to one second. Prints how long until
# the resource runs elsewhere, and the ratio. Figures, no verdict: they belong to a machine.
#
# Usage: pacemaker.sh LOOKSALIVE [RUNS]. Needs root, corosync and pacemaker; each of their nodes is
# a set of namespaces of its own, and nothing is left of them.
set -eu
program=$1
runs=${2:-10}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
[ "$(id -u)" = 0 ] || {
    echo "only root can make namespaces for corosync" >&2
    exit 2
}
needs corosync corosync
needs pacemakerd pacemaker
needs cibadmin pacemaker-cli-utils
needs unshare util-linux

# The switch between them has a namespace of its own, where no firewall of this computer is.
switch=la-switch
nodes="p1 p2 p3"
state=/run/resource-agents/Dummy-dummy.state

# Everything of a node ends with the first process in its namespace of processes.
kill_node() {
    if [ -s "$folder/$1.pid" ]; then
        kill -KILL "$(cat "$folder/$1.pid")" 2>/dev/null || true
        rm -f "$folder/$1.pid"
    fi
}

take_down() {
    for node in $nodes; do
        kill_node "$node"
        ip netns del "la-$node" 2>/dev/null || true
    done
    ip netns del "$switch" 2>/dev/null || true
}
trap 'take_down; cleanup' EXIT INT TERM

settings() {
    cat <<END
totem {
    version: 2
    cluster_name: peers
    transport: udpu
    token: 1000
    token_coefficient: 0
}
quorum {
    provider: corosync_votequorum
}
logging {
    to_syslog: no
    to_stderr: yes
}
nodelist {
END
    number=0
    for node in $nodes; do
        number=$((number + 1))
        printf '    node {\n        ring0_addr: 10.95.0.%s\n' "$number"
        printf '        name: %s\n        nodeid: %s\n    }\n' "$node" "$number"
    done
    echo '}'
}

make_network() {
    ip netns add "$switch"
    ip -n "$switch" link add name bridge type bridge
    ip -n "$switch" link set bridge up
    number=0
    for node in $nodes; do
        number=$((number + 1))
        ip netns add "la-$node"
        ip -n "$switch" link add "$node" type veth peer name eth0 netns "la-$node"
        ip -n "$switch" link set "$node" master bridge up
        ip -n "la-$node" addr add "10.95.0.$number/24" dev eth0
        ip -n "la-$node" link set lo up
        ip -n "la-$node" link set eth0 up
    done
}

# start_node NODE: corosync and pacemaker in namespaces of their own, with files of their own.
start_node() {
    ip netns exec "la-$1" unshare --mount --uts --ipc --pid --fork --mount-proc --kill-child \
        sh -eu -c '
        hostname "$1"
        mount --make-rprivate /
        for place in /run /dev/shm /var/lib/pacemaker /var/lib/corosync /var/log /etc/corosync; do
            mkdir -p "$place"
            mount -t tmpfs tmpfs "$place"
        done
        cp "$2" /etc/corosync/corosync.conf
        mkdir -p /var/log/pacemaker /var/log/corosync /run/resource-agents /var/log/cluster
        for part in cib pengine blackbox cores; do mkdir -p "/var/lib/pacemaker/$part"; done
        chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker
        corosync -f &
        until corosync-cmapctl >/dev/null 2>&1; do sleep 0.1; done
        pacemakerd &
        wait' sh "$1" "$folder/corosync.conf" >"$folder/$1.log" 2>&1 &
    outside=$!
    # The first process inside is the only child of what was started.
    until pgrep -P "$outside" >"$folder/$1.pid"; do sleep 0.05; done
}

# on NODE COMMAND...: inside a node.
on() {
    inside=$(cat "$folder/$1.pid")
    shift
    nsenter --target "$inside" --mount --uts --ipc --pid --net -- "$@"
}

runs_dummy() {
    [ -s "$folder/$1.pid" ] && [ -e "/proc/$(cat "$folder/$1.pid")/root$state" ]
}

# owner_within SECONDS: prints the node that runs the resource.
owner_within() {
    left=$(($1 * 200))
    while [ "$left" -gt 0 ]; do
        for node in $nodes; do
            if runs_dummy "$node"; then
                echo "$node"
                return
            fi
        done
        left=$((left - 1))
        sleep 0.005
    done
    echo "the resource runs nowhere after $1 s" >&2
    tail -n 20 "$folder"/p?.log >&2
    exit 1
}

configure() {
    waited=0
    until on p1 crm_mon -1 2>/dev/null | grep -q 'Online: \[ p1 p2 p3 \]'; do
        waited=$((waited + 1))
        [ "$waited" -lt 300 ] || {
            echo "corosync and pacemaker did not form a cluster within 60 s" >&2
            tail -n 20 "$folder"/p?.log >&2
            exit 2
        }
        sleep 0.2
    done
    on p1 crm_attribute --type crm_config --name stonith-enabled --update false
    on p1 cibadmin --create --scope resources --xml-text \
        '<primitive id="dummy" class="ocf" provider="heartbeat" type="Dummy"/>'
}

now() {
    date +%s%3N
}

median() {
    sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

settings >"$folder/corosync.conf"
: >"$folder/theirs"
run=0
while [ "$run" -lt "$runs" ]; do
    run=$((run + 1))
    make_network
    for node in $nodes; do start_node "$node"; done
    configure >/dev/null
    owner=$(owner_within 30)
    sleep 3
    began=$(now)
    kill_node "$owner"
    owner_within 60 >"$folder/owner"
    echo $(($(now) - began)) | tee -a "$folder/theirs" | sed "s/^/pacemaker run $run: /; s/$/ ms/"
    take_down
done
theirs=$(median <"$folder/theirs")

"$program" bench failover "$here/../parity/failover.lab.yaml" --runs "$runs" >"$folder/ours"
cat "$folder/ours"
total() {
    awk -v group="$1" '$1 == group && $2 == "total" { print $5 }' "$folder/ours"
}
for group in app fs1; do
    awk -v group="$group" -v ours="$(total "$group")" -v theirs="$theirs" 'BEGIN {
        printf "%s: looksalive %.0f ms, pacemaker %.0f ms, ratio %.2f; ", group, ours, theirs,
            ours / theirs
        printf "beyond a detection of one second %.0f ms and %.0f ms\n", ours - 1000, theirs - 1000
    }'
done
