#!/usr/bin/env bash
# Row 12: reports in every form, the database of a scan, registries and temporary files on a disk that is full (disk_full.py): /dev/full
# and a tmpfs of 1 MB, for which it must be root. Needs a Rust toolchain, python3 and Linux.
set -uo pipefail
goal="disk full: exit status other than 0, one line, no file under its final name"

cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/disk_full.py "$(realpath "${CARGO_TARGET_DIR:-target}/release/apkvouch")")
status=$?
if [ $status = 0 ]; then
    echo "| 12 | $goal | $out | met |"
else
    echo "| 12 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
