#!/usr/bin/env bash
# Scans a store of 20,000 small APKs with a database: files a second, peak memory, how much faster the second scan is than the
# first, and that a scan which was killed twenty times says what one says that nobody has disturbed, each file once.
#
#   [APKVOUCH_BENCH_DIR=dir] [RUNS=5] benches/store.sh
#
# APKVOUCH_BENCH_DIR (apkvouch-bench in the directory of temporary files unless given) keeps the store, some 300 MB, made once
# from a seed. Needs a Rust toolchain, python3 and Linux. Exit status: 0 measured, 1 a scan said something else, 2 cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v python3 >/dev/null || { echo "store: python3 is needed" >&2; exit 2; }
dir=${APKVOUCH_BENCH_DIR:-${TMPDIR:-/tmp}/apkvouch-bench}
mkdir -p "$dir"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

echo "building the program" >&2
cargo build --quiet --locked --release --bin apkvouch
# Raised when the recipe in workload.rs changes.
recipe=1
if [ "$(cat "$dir/store-recipe" 2>/dev/null)" != "$recipe" ]; then
    echo "making the store in $dir" >&2
    cp Cargo.lock benches/compare/Cargo.lock
    cargo build --quiet --release --manifest-path benches/compare/Cargo.toml --package compare --bin workload
    rm -rf "$dir/store" "$dir/store-recipe"
    "$CARGO_TARGET_DIR/release/workload" "$dir" store >/dev/null
    echo "$recipe" >"$dir/store-recipe"
fi

exec python3 benches/compare/store.py "$CARGO_TARGET_DIR/release/apkvouch" "$dir/store" "${RUNS:-5}"
