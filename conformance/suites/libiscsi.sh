#!/bin/sh
# Runs every test of libiscsi's iscsi-test-cu 1.19 against `looksalive target`, each in a process
# of its own, over four shapes of unit, and prints one line a test and the count.
#
#   conformance/suites/libiscsi.sh [PROGRAM] [FILTER]
#
# Needs iscsi-test-cu (Debian: libiscsi-bin). Exit code: 0 when every test passes unskipped on at
# least one shape and fails on none that it is run on, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
filter=${2:-}
port=${PORT:-13260}
name=iqn.2024-01.looksalive:suite
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"

needs iscsi-test-cu libiscsi-bin

# Another version has other tests, of which nobody has said what they prove.
known=230
listed=$(iscsi-test-cu --list 2>/dev/null | grep -cE '^ALL\.[^.]+\.[^.]+$' || true)
[ "$listed" = "$known" ] || {
    echo "iscsi-test-cu has $listed tests, where version 1.19 has $known" >&2
    exit 2
}

# Shapes: A and B run everything, C what needs a removable medium, D what needs a read-only one.
"$program" target --listen "127.0.0.1:$port" --listen "127.0.0.1:$((port + 1))" \
    --iqn "$name" --state "$folder/state" \
    --lun 0=64MiB,physical=8,thin \
    --lun 1=64MiB,block=4096,thin \
    --lun 2=64MiB,thin,removable \
    --lun 3=64MiB,read-only,thin 2>"$folder/log" &
running=$!
ready "$running" "$folder/log"

# Prints passed, failed or skipped.
run() {
    one="iscsi://127.0.0.1:$port/$name/$2"
    two="iscsi://127.0.0.1:$((port + 1))/$name/$2"
    timeout 120 iscsi-test-cu -d -S -t "$1" "$one" "$two" >"$folder/out" 2>&1 || true
    # The summary counts total, ran, passed and failed tests; a skipped one counts as passed.
    summary=$(awk '$1 == "tests" { print $2, $3, $4, $5 }' "$folder/out")
    if [ "$summary" != "1 1 1 0" ]; then
        outcome=failed
    elif grep -q 'SKIPPED' "$folder/out"; then
        outcome=skipped
    else
        outcome=passed
    fi
    if [ -n "${LOGS:-}" ] && [ "$outcome" != passed ]; then
        cp "$folder/out" "$LOGS/$1.$2.log"
    fi
    echo "$outcome"
}

# Whether a test is run on a shape.
applies() {
    case "$2:$1" in
    # On A a single block is less than what can be unmapped at once.
    0:ALL.GetLBAStatus.UnmapSingle) return 1 ;;
    0:* | 1:*) return 0 ;;
    2:ALL.PreventAllow.* | 2:ALL.StartStopUnit.* | 2:ALL.NoMedia.*) return 0 ;;
    3:ALL.ReadOnly.*) return 0 ;;
    *) return 1 ;;
    esac
}

good=0
total=0
for test in $(iscsi-test-cu --list 2>/dev/null | grep -E '^ALL\.[^.]+\.[^.]+$'); do
    case "$test" in
    # The tool asserts before it sends, so that no target can pass.
    ALL.iSCSITMF.LUNResetSimpleAsync) continue ;;
    *"$filter"*) ;;
    *) continue ;;
    esac
    line=$test
    passed=no
    failed=no
    for unit in 0 1 2 3; do
        if applies "$test" "$unit"; then
            outcome=$(run "$test" "$unit")
        else
            outcome=-
        fi
        line="$line $outcome"
        case "$outcome" in
        passed) passed=yes ;;
        failed) failed=yes ;;
        esac
    done
    total=$((total + 1))
    if [ "$passed" = yes ] && [ "$failed" = no ]; then
        good=$((good + 1))
    else
        line="$line  <--"
    fi
    # shellcheck disable=SC2086
    printf '%-45s %-8s %-8s %-8s %-8s %s\n' $line
done
echo "$good of $total"
[ "$good" -eq "$total" ]
