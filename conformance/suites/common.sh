# What the suites share: read with `.`, not run. Gives a `folder` that goes with the suite, and
# ends the processes that are listed in `running`, with `signal` where TERM is not enough.
# shellcheck shell=sh

folder=$(mktemp -d "${base:-${TMPDIR:-/tmp}}/suite.XXXXXX")
running=
signal=TERM

cleanup() {
    for one in $running; do
        kill -"$signal" "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT INT TERM

# needs PROGRAM PACKAGES: without the program the suite cannot run.
needs() {
    command -v "$1" >/dev/null || {
        echo "$1 is not installed (Debian: apt install $2)" >&2
        exit 2
    }
}

# ready PROCESS LOG: waits until `looksalive target` says that it listens.
ready() {
    waited=0
    until grep -q '^ready' "$2"; do
        kill -0 "$1" 2>/dev/null && [ "$waited" -lt 100 ] || {
            cat "$2" >&2
            exit 2
        }
        waited=$((waited + 1))
        sleep 0.1
    done
}

# listens PORT: waits until something listens at a port of this machine.
listens() {
    waited=0
    until grep -qi ":$(printf %04x "$1") 00000000:0000 0A" /proc/net/tcp; do
        waited=$((waited + 1))
        [ "$waited" -lt 100 ] || {
            echo "nothing listens at port $1" >&2
            cat "$folder"/*.log >&2 || true
            exit 2
        }
        sleep 0.1
    done
}

# Talks to the tgtd of the suite.
admin() {
    tgtadm -C "$control" --lld iscsi "$@"
}
