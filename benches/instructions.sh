#!/usr/bin/env bash
# Counts the instructions that the program takes for fixed files, and holds them against benches/instructions.toml: more than
# 5 percent apart, in either direction, fails. So no change makes it slower unseen, on a machine of any speed and load.
#
#   benches/instructions.sh [--bless]
#
# --bless writes the counts down instead. Counts are those of Valgrind's callgrind. To the program Valgrind shows a processor
# of its own, with AVX2 and neither the SHA extensions nor AVX-512, so counts should agree between x86-64 machines that have AVX2 (one was tried);
# elsewhere, and where Valgrind cannot be had, nothing is compared, and that is said. The environment is empty. A small
# file starts no threads. What is left is the C library and the compiler: the version of the latter is written down.
# Exit status: 0 as written down or not compared, 1 not as written down, 2 cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

bless=
case "${1:-}" in
    "") ;;
    --bless) bless=1 ;;
    *) echo "usage: benches/instructions.sh [--bless]" >&2; exit 2 ;;
esac
written=benches/instructions.toml
# A rotated signer of v1, v2 and v3, where starting up and signatures weigh most; and long signature files, which are
# inflated, digested and read.
files=(testdata/demo/store/games/knight-moves.apk testdata/bombs/digest-algorithms/app.apk)

not_compared() {
    echo "instructions: not compared: $1"
    if [ -n "$bless" ]; then exit 2; fi
    exit 0
}
[ "$(uname -sm)" = "Linux x86_64" ] || not_compared "this is $(uname -sm), the counts are of Linux x86_64"
grep -qw avx2 /proc/cpuinfo || not_compared "this processor has no AVX2"
if ! command -v valgrind >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq valgrind; } >/dev/null || true
fi
command -v valgrind >/dev/null || not_compared "valgrind is not installed"

cargo build --quiet --locked --release --bin apkvouch
program=${CARGO_TARGET_DIR:-target}/release/apkvouch
compiler=$(rustc --version)
valgrind=$(command -v valgrind)

count() {
    env -i "$valgrind" --tool=callgrind --callgrind-out-file=/dev/null "$program" verify "$1" 2>&1 >/dev/null |
        awk '$2 == "Collected" { print $4 }'
}

# What is written down for a file.
expected() {
    awk -F '"' -v file="$1" '$1 == "file = " { this = $2 == file }
        this && $1 ~ /^instructions = / { sub(/^instructions = /, "", $1); print $1 }' "$written" 2>/dev/null
}

counts=()
for file in "${files[@]}"; do
    count=$(count "$file")
    [ -n "$count" ] || { echo "instructions: $program verify $file cannot be counted" >&2; exit 2; }
    counts+=("$count")
done

if [ -n "$bless" ]; then
    {
        echo "# Instructions of \`apkvouch verify\` under callgrind; \`benches/instructions.sh --bless\` writes this file."
        echo "compiler = \"$compiler\""
        for index in "${!files[@]}"; do
            printf '\n[[run]]\nfile = "%s"\ninstructions = %s\n' "${files[index]}" "${counts[index]}"
        done
    } >"$written"
    cat "$written"
    exit 0
fi

status=0
for index in "${!files[@]}"; do
    file=${files[index]} count=${counts[index]}
    expected=$(expected "$file")
    [ -n "$expected" ] || { echo "instructions: $written says nothing of $file" >&2; exit 2; }
    tenths=$(((count - expected) * 1000 / expected))
    printf '%s: %d instructions, %d written down, %+d.%d %%\n' \
        "$file" "$count" "$expected" "$((tenths / 10))" "$((tenths < 0 ? -tenths % 10 : tenths % 10))"
    if [ "$tenths" -gt 50 ] || [ "$tenths" -lt -50 ]; then status=1; fi
done
if [ "$status" != 0 ]; then
    echo "instructions: more than 5 % from what is written down. If that is meant: benches/instructions.sh --bless" >&2
    grep -qF "compiler = \"$compiler\"" "$written" || echo "written down with another compiler than $compiler" >&2
fi
exit $status
