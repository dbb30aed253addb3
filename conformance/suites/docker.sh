#!/bin/sh
# Labs on containers: four of them played to their verdicts, two side by side, the order of main
# events compared with the simulator's, and nothing left behind. Where no engine answers, root gets
# Debian's and a daemon of its own, which ends with the suite.
#
# Usage: docker.sh LOOKSALIVE
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

if ! "$program" doctor --backend docker >"$folder/doctor" 2>&1; then
    if grep 'needs\|tun' "$folder/doctor" | grep -q 'missing' && [ ! -e /dev/net/tun ]; then
        echo "there is no /dev/net/tun" >&2
        exit 2
    fi
    [ "$(id -u)" = 0 ] || {
        echo "no container engine answers, and only root can start one" >&2
        exit 2
    }
    command -v dockerd >/dev/null || {
        command -v apt-get >/dev/null || {
            echo "Docker is not installed, and there is no apt" >&2
            exit 2
        }
        export DEBIAN_FRONTEND=noninteractive
        { apt-get -q update && apt-get -q install --yes --no-install-recommends docker.io; } \
            >"$folder/apt.log" 2>&1 || {
            tail -n 5 "$folder/apt.log" >&2
            echo "apt cannot install docker.io" >&2
            exit 2
        }
    }
    # Labs need no network of the engine's, so it leaves those of this computer alone.
    export DOCKER_HOST="unix://$folder/engine.sock"
    setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
        --pidfile "$folder/engine.pid" --bridge none --iptables=false --ip-masq=false \
        >"$folder/engine.log" 2>&1 &
    running=$!
    waited=0
    until "$program" doctor --backend docker >"$folder/doctor" 2>&1; do
        waited=$((waited + 1))
        if [ "$waited" -gt 60 ] || ! kill -0 "$running" 2>/dev/null; then
            tail -n 5 "$folder/engine.log" >&2
            echo "dockerd does not start here" >&2
            exit 2
        fi
        sleep 0.5
    done
fi

export LOOKSALIVE_STATE="$folder/labs"
failed=0
for lab in "$here"/../../topologies/real-time.lab.yaml \
    "$here"/../parity/node-lost.lab.yaml \
    "$here"/../parity/networks-lost.lab.yaml \
    "$here"/../parity/witness-disk.lab.yaml; do
    if "$program" run --backend docker "$lab" >"$folder/run.log" 2>&1; then
        echo "passed: $(basename "$lab")"
    else
        echo "failed: $(basename "$lab")"
        tail -n 40 "$folder/run.log"
        failed=1
    fi
done

# Two labs at once.
"$program" up --backend docker "$here/../parity/node-lost.lab.yaml" || failed=1
"$program" up --backend docker "$here/../parity/networks-lost.lab.yaml" || failed=1
[ "$("$program" ps | grep -c ' quorate')" = 2 ] || {
    echo "failed: two labs are not quorate side by side"
    "$program" ps
    failed=1
}
"$program" exec networks-lost n2 -- ls || failed=1
"$program" down node-lost || failed=1
"$program" down networks-lost || failed=1

"$program" parity --backend docker "$here/../parity/node-lost.lab.yaml" || failed=1
"$program" gc >"$folder/gc"
grep -q '^nothing was left behind' "$folder/gc" || {
    echo "failed: something was left behind"
    cat "$folder/gc"
    failed=1
}
[ ! -e "$LOOKSALIVE_STATE" ] || {
    echo "failed: $LOOKSALIVE_STATE is still there"
    failed=1
}
exit "$failed"
