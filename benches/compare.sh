#!/usr/bin/env bash
# Measures the program against others, and against the least that any verifier has to do, by ratios of times from one run.
# Prints the table of docs/performance.md.
#
#   [APKVOUCH_BENCH_DIR=dir] [RUNS=5] benches/compare.sh [WORKLOAD…]
#
# APKVOUCH_BENCH_DIR (apkvouch-bench in the directory of temporary files unless given) keeps what is measured with: some
# 5 GB, made once in a few minutes and with up to 8 GB of memory. WORKLOAD: one-small small small-v1 medium medium-v1 large-v1 sha512 large; all unless given.
#
# Needs a Rust toolchain, python3 and Linux. Debian's apksigner, libapksig-java and a JDK are used when they are there; what
# was left out is said. Exit status: 0 measured, 1 a side failed, 2 cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v python3 >/dev/null || { echo "compare: python3 is needed" >&2; exit 2; }
dir=${APKVOUCH_BENCH_DIR:-${TMPDIR:-/tmp}/apkvouch-bench}
mkdir -p "$dir"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

echo "building the program" >&2
cargo build --quiet --locked --release --bin apkvouch
echo "building what it is measured against" >&2
# The same versions of crates as ours, where both have them.
cp Cargo.lock benches/compare/Cargo.lock
compare=(cargo build --quiet --release --manifest-path benches/compare/Cargo.toml)
"${compare[@]}" --package compare
"${compare[@]}" --package compare-rust-apk || echo "rust-apk cannot be built" >&2

# Raised when the recipe in workload.rs changes.
recipe=1
if [ "$(cat "$dir/recipe" 2>/dev/null)" != "$recipe" ]; then
    echo "making the workload in $dir" >&2
    rm -f "$dir/recipe"
    "$CARGO_TARGET_DIR/release/workload" "$dir" >&2
    echo "$recipe" >"$dir/recipe"
fi

apksig=/usr/share/java/apksig.jar
rm -rf "$dir/jvm"
if [ -f "$apksig" ] && command -v javac >/dev/null; then
    javac -cp "$apksig" -d "$dir/jvm" benches/compare/jvm/Loop.java
fi

exec python3 benches/compare/race.py "$CARGO_TARGET_DIR/release" "$dir" "${RUNS:-5}" "$@"
