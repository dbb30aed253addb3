#!/bin/sh
# How long failovers take on processes and on containers, by phase, beside what the parameters
# predict; how long labs take to come up, beside as many containers that do nothing; what an idle
# node takes of memory and processor; and sixteen nodes at once. Figures, no verdict: they belong to
# a machine.
#
# Usage: failover.sh LOOKSALIVE [RUNS]
set -eu
program=$1
runs=${2:-30}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export LOOKSALIVE_STATE="$folder/labs"
lab=$here/../parity/failover.lab.yaml
backends=local
if "$program" doctor --backend docker >/dev/null 2>&1; then
    backends="local docker"
else
    echo "no container engine answers: containers are not measured"
fi

now() {
    date +%s%3N
}

median() {
    sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

for backend in $backends; do
    "$program" bench failover "$lab" --backend "$backend" --runs "$runs" 2>/dev/null
    echo
done

# up_time BACKEND: milliseconds of ten times `up`, the first on the machine left out.
up_time() {
    count=0
    while [ "$count" -le 10 ]; do
        began=$(now)
        "$program" up --backend "$1" "$lab" >/dev/null 2>&1
        took=$(($(now) - began))
        "$program" down
        [ "$count" = 0 ] || echo "$took"
        count=$((count + 1))
    done
}

# idle_time: as many containers that do nothing, of the same image, started at once.
idle_time() {
    image=$(docker image ls --format '{{.Repository}}:{{.Tag}}' looksalive | head -n 1)
    count=0
    while [ "$count" -lt 10 ]; do
        began=$(now)
        for number in 1 2 3 4; do
            docker run --detach --rm --network none --volume /usr:/usr:ro --volume /lib:/lib:ro \
                --volume /lib64:/lib64:ro --name "la-idle-$number" --entrypoint /usr/bin/sleep \
                "$image" 600 >/dev/null &
        done
        wait
        echo $(($(now) - began))
        docker kill la-idle-1 la-idle-2 la-idle-3 la-idle-4 >/dev/null
        while docker ps --all --format '{{.Names}}' | grep -q '^la-idle-'; do sleep 0.1; done
        count=$((count + 1))
    done
}

for backend in $backends; do
    up_time "$backend" >"$folder/up-$backend"
    echo "up to quorate, three nodes and an array, $backend: $(median <"$folder/up-$backend") ms"
done
if [ "$backends" != local ] && command -v docker >/dev/null; then
    idle_time >"$folder/idle"
    idle=$(median <"$folder/idle")
    echo "four containers that do nothing: $idle ms"
    awk -v up="$(median <"$folder/up-docker")" -v idle="$idle" \
        'BEGIN { printf "ratio of up on docker to that: %.2f\n", up / idle }'
fi

# processes UID WORD: the lab's processes with this word after the program's name.
processes() {
    for each in /proc/[0-9]*; do
        if tr '\0' '\n' <"$each/environ" 2>/dev/null | grep -qx "LOOKSALIVE_LAB=$1" &&
            [ "$(tr '\0' '\n' <"$each/cmdline" 2>/dev/null | sed -n 2p)" = "$2" ]; then
            echo "${each#/proc/}"
        fi
    done
}

# idle_node BACKEND: what a node takes while nothing happens, over ten seconds.
idle_node() {
    "$program" up --backend "$1" --format json "$lab" >"$folder/shown" 2>/dev/null
    uid=$(sed -n 's/.*"uid": "\([^"]*\)".*/\1/p' "$folder/shown" | head -n 1)
    sleep 5
    of=$(processes "$uid" node)
    ticks=$(getconf CLK_TCK)
    spent() { for each in $of; do cut -d' ' -f14,15 "/proc/$each/stat"; done |
        awk '{ all += $1 + $2 } END { print all }'; }
    before=$(spent)
    sleep 10
    after=$(spent)
    memory=$(for each in $of; do grep ^VmRSS "/proc/$each/status"; done |
        awk '{ all += $2 } END { print all / NR }')
    awk -v backend="$1" -v count="$(echo "$of" | wc -w)" -v memory="$memory" \
        -v ticks="$((after - before))" -v hertz="$ticks" 'BEGIN {
        printf "idle node on %s: %.1f MiB, %.2f %% of a processor (heartbeats every 100 ms)\n",
            backend, memory / 1024, 100 * ticks / hertz / 10 / count
    }'
    "$program" down
}

sixteen() {
    began=$(now)
    if "$program" up --backend "$1" "$here/../../topologies/sixteen-nodes.lab.yaml" \
        >"$folder/sixteen" 2>&1; then
        took=$(($(now) - began))
        sleep 10
        echo "sixteen nodes on $1: quorate after $took ms; ten seconds later:"
        "$program" ps | sed 's/^/    /'
        "$program" down
    else
        echo "sixteen nodes on $1: $(tail -n 1 "$folder/sixteen")"
    fi
}

for backend in $backends; do idle_node "$backend"; done
for backend in $backends; do sixteen "$backend"; done
