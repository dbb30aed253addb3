# What the suites share that run foreign clients against ours and in the same way against Samba:
# read with `.` where `program` and `here` are set, and in the script's inner run again. Reads
# common.sh.
# shellcheck shell=sh

case $program in
/*) ;;
*) program=$(pwd)/$program ;;
esac
# shellcheck source=conformance/suites/common.sh
. "$here/common.sh"

# is_controller: whether Samba can be a domain controller here, and is wanted (SAMBA=no: it is not).
is_controller() {
    [ "${SAMBA:-yes}" = yes ] && [ "$(id -u)" = 0 ] && command -v samba-tool >/dev/null &&
        command -v samba >/dev/null
}

# alone COMMAND...: in a network namespace and mounts of its own.
alone() {
    if [ "$(id -u)" = 0 ]; then unshare -nm "$@"; else unshare -rnm "$@"; fi
}

# wire ADDRESS: in a namespace of its own, an adapter with this address, which is that of dc1.
wire() {
    ip link set lo up
    ip link add wire type veth peer name other
    ip link set other up
    ip address add "$1/24" dev wire
    ip link set wire up
    printf '127.0.0.1 localhost\n%s dc1.corp.example dc1\n' "$1" >"$folder/hosts"
    mount --bind "$folder/hosts" /etc/hosts
}

# beside SCRIPT SUBJECT...: runs the script for each subject, the first of which is ours, in
# namespaces of its own with INSIDE naming the subject and RESULTS the file for its outcomes (see
# `note`). Prints them side by side; fails when one of ours has failed, or none has passed.
beside() {
    script=$1
    shift
    needs unshare util-linux
    needs ip iproute2
    [ -x "$program" ] || {
        echo "$program is not there: build it, or name another" >&2
        exit 2
    }
    alone true 2>/dev/null || {
        echo "this machine lets nobody make network namespaces here" >&2
        exit 2
    }
    : >"$folder/samba.tsv"
    for subject in "$@"; do
        : >"$folder/$subject.tsv"
        export INSIDE="$subject" RESULTS="$folder/$subject.tsv"
        alone timeout 900 "$script" "$program" || {
            echo "the cases did not all run against $subject" >&2
            [ "$subject" = samba ] || exit 2
        }
    done
    awk -F '\t' -v samba="$folder/samba.tsv" '
        BEGIN {
            while ((getline line < samba) > 0) { split(line, f, "\t"); theirs[f[1]] = f[2] }
            printf "%-62s %-18s %s\n", "case", "looksalive", "Samba"
        }
        {
            other = ($1 in theirs) ? theirs[$1] : "-"
            printf "%-62s %-18s %s\n", $1, $2, other
            all++; if ($2 == "passed") good++; else if ($2 == "failed") bad++
        }
        END {
            told = all - good - bad
            printf "%d cases: %d passed, %d failed, %d only told\n", all, good, bad, told
            exit (bad > 0 || good == 0) ? 1 : 0
        }' "$folder/ours.tsv"
}

# note TITLE VERDICT
note() {
    printf '%s\t%s\n' "$1" "$2" >>"$RESULTS"
}

# judge TITLE PATTERN: passed when a line of $folder/out has the pattern.
judge() {
    if grep -Eq -- "$2" "$folder/out"; then
        note "$1" passed
    else
        note "$1" failed
        { echo "$INSIDE, $1: nothing like '$2' in"; sed 's/^/    /' "$folder/out" | tail -30; } >&2
    fi
}

# limited COMMAND...: for a minute at most, without standard input; a function as long as it takes.
limited() {
    case $(command -v "$1") in
    */*) timeout 60 "$@" ;;
    *) "$@" ;;
    esac >"$folder/out" 2>&1 </dev/null
}

# expect TITLE PATTERN COMMAND...: passed when what the command prints has the pattern in a line.
expect() {
    title=$1
    pattern=$2
    shift 2
    limited "$@" || true
    judge "$title" "$pattern"
}

# lacks TITLE PATTERN COMMAND...: the command succeeds and prints nothing like the pattern.
lacks() {
    title=$1
    pattern=$2
    shift 2
    if limited "$@" && ! grep -Eq -- "$pattern" "$folder/out"; then
        note "$title" passed
    else
        note "$title" failed
        { echo "$INSIDE, $title: failed, or '$pattern' in"; tail -15 "$folder/out"; } >&2
    fi
}
