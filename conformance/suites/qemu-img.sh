#!/bin/sh
# Converts a disk image to `looksalive target` with qemu-img, compares, converts it back, and
# measures a little.
#
#   conformance/suites/qemu-img.sh [PROGRAM]
#
# Needs qemu-img with the iSCSI driver (Debian: qemu-utils, qemu-block-extra). Exit code: 0 when
# all is the same, 1 otherwise, 2 when it cannot run.
set -eu

program=${1:-target/release/looksalive}
port=${PORT:-13660}
name=iqn.2024-01.example:images
# shellcheck source=conformance/suites/common.sh
. "$(dirname "$0")/common.sh"

needs qemu-img "qemu-utils qemu-block-extra"

"$program" target --listen "127.0.0.1:$port" --iqn "$name" --state "$folder/state" \
    --lun 0=64MiB,thin --lun 1=64MiB,block=4096,thin 2>"$folder/log" &
running=$!
ready "$running" "$folder/log"

# Data, a hole, data, and a tail of zeros.
truncate -s 64M "$folder/raw"
head -c 9M /dev/urandom | dd of="$folder/raw" conv=notrunc bs=1M 2>/dev/null
head -c 5M /dev/urandom | dd of="$folder/raw" conv=notrunc bs=1M seek=40 2>/dev/null

failed=0
step() {
    what=$1
    shift
    if timeout 100 "$@" >"$folder/out" 2>&1; then
        echo "$what: passed $(grep -o 'Run completed in .*' "$folder/out" || true)"
    else
        if grep -qi "unknown protocol\|Unknown driver" "$folder/out"; then
            cat "$folder/out" >&2
            echo "qemu-img has no iSCSI driver (Debian: apt install qemu-block-extra)" >&2
            exit 2
        fi
        echo "$what: failed"
        cat "$folder/out"
        failed=1
    fi
}

for unit in 0 1; do
    url="iscsi://127.0.0.1:$port/$name/$unit"
    step "unit $unit, convert to it" qemu-img convert -n -f raw -O raw "$folder/raw" "$url"
    step "unit $unit, compare" qemu-img compare -f raw -F raw "$folder/raw" "$url"
    step "unit $unit, convert from it" qemu-img convert -f raw -O raw "$url" "$folder/back"
    step "unit $unit, the same" cmp "$folder/raw" "$folder/back"
    step "unit $unit, bench reads" qemu-img bench -f raw -c 2000 -d 16 -s 4096 "$url"
    step "unit $unit, bench writes" qemu-img bench -f raw -w -c 1000 -d 16 -s 4096 \
        --flush-interval=100 "$url"
done
exit "$failed"
