#!/usr/bin/env bash
# Row 11: a scan of 20,000 files with a database, killed 100 times at random moments and resumed, then 50 databases in each of which one bit
# is flipped (killed.py): the rows are those of an undisturbed scan. Needs a Rust toolchain, python3 and Linux; strace tells how much is read
# again. The store is that of benches/store.sh, made once.
#
#   [APKVOUCH_BENCH_DIR=dir] [KILLS=100] [FLIPS=50] benches/reliability/11-kill.sh
set -uo pipefail
goal="kill -9: no row lost or doubled, at most 1 % done again; a flipped bit: no wrong row"
dir=${APKVOUCH_BENCH_DIR:-${TMPDIR:-/tmp}/apkvouch-bench}

[ -e "$dir/store-recipe" ] || RUNS=1 benches/store.sh >&2 || exit 1
cargo build --quiet --locked --release --bin apkvouch || exit 1
out=$(python3 benches/reliability/killed.py "${CARGO_TARGET_DIR:-target}/release/apkvouch" "$dir/store" "${KILLS:-100}" "${FLIPS:-50}")
status=$?
if [ $status = 0 ]; then
    echo "| 11 | $goal | $out | met |"
else
    echo "| 11 | $goal | ${out:-no figures} | **missed** |"
    exit 1
fi
