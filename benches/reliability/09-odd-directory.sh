#!/usr/bin/env bash
# Row 9: a directory with everything that is no honest file (odd.py): each gets the row it should, nothing hangs, nothing is written.
# As root it makes a device, too; what root may read anyway is not unreadable then. Needs a Rust toolchain, python3 and Linux.
set -uo pipefail
goal="odd directory: a row for each, exit status 3, at most 5 s, nothing written, no FIFO waited for"

cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/odd.py "$(realpath "${CARGO_TARGET_DIR:-target}/release/apkvouch")")
status=$?
if [ $status = 0 ]; then
    echo "| 9 | $goal | $out | met |"
else
    echo "| 9 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
