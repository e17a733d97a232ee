#!/usr/bin/env bash
# Row 7: files that ask for far more than they are (bombs.py makes most of them, testdata/bombs has the rest), each by `verify` and by
# `scan --db`: 2 s of processor time, 100 MB of memory, an answer, and the name of the limit where one was reached.
# Needs a Rust toolchain, python3 and Linux.
set -uo pipefail
goal="bombs: at most 2 s of processor time and 100 MB each, the limit named"

cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/bombs.py "${CARGO_TARGET_DIR:-target}/release/apkvouch" testdata)
status=$?
if [ $status = 0 ]; then
    echo "| 7 | $goal | $out | met |"
else
    echo "| 7 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
