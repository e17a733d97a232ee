#!/usr/bin/env bash
# Row 10: an APK of 500 MB that is truncated, appended to or replaced while it is verified, 1,000 times at random moments (changing.py).
# Each time the answer is about one content, or an error. Needs a Rust toolchain, python3, apksigner and 2 GB of disk; takes a quarter
# of an hour.
#
#   [APKVOUCH_BENCH_DIR=dir] [MEGABYTES=500] [ROUNDS=1000] benches/reliability/10-changing-files.sh
set -uo pipefail
goal="changing files: no death, no verdict on a mix of two contents"
dir=${APKVOUCH_BENCH_DIR:-${TMPDIR:-/tmp}/apkvouch-bench}/changing

cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/changing.py "${CARGO_TARGET_DIR:-target}/release/apkvouch" "$dir" "${MEGABYTES:-500}" "${ROUNDS:-1000}")
status=$?
rm -rf "$dir"
if [ $status = 0 ]; then
    echo "| 10 | $goal | $out | met |"
else
    echo "| 10 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
