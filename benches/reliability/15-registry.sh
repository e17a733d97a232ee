#!/usr/bin/env bash
# Row 15: 1,000 registries, as text and as SQLite, that are not what their keeper has signed (registry.py): edited, cut, with the signature
# of another edition, another keeper or none, and older than what was seen: none is believed. And a clock of 1960, 1970 and 2100
# changes no verdict as of a named time. Needs a Rust toolchain, python3 and faketime.
#
#   [ROUNDS=1000] benches/reliability/15-registry.sh
set -uo pipefail
goal="registry: no altered one is believed, verdicts the same by any clock"

cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/registry.py "$(realpath "${CARGO_TARGET_DIR:-target}/release/apkvouch")" "${ROUNDS:-1000}")
status=$?
if [ $status = 0 ] && [[ $out != *"no faketime"* ]]; then
    echo "| 15 | $goal | $out | met |"
else
    echo "| 15 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
