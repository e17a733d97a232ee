#!/usr/bin/env bash
# Row 16: at most one file with unsafe code, its tests under Valgrind, `cargo deny` without objection, and of mutants of policy and schemes
# (mutants.py, a sample of those that cargo-mutants lists) at least 95 % noticed by the tests.
#
#   [SAMPLE=100] [SEED=1] benches/reliability/16-memory-safety.sh
#
# Needs Valgrind, cargo-deny, cargo-mutants, python3, git and the reference APKs; an hour for a hundred mutants. What Valgrind does not
# have of the processor (SHA extensions, AVX-512) is left out, and said to be.
set -uo pipefail
goal="memory safety: at most one file with unsafe code, its tests clean; cargo deny clean; of mutants of policy and schemes 95 % caught"
missed() { echo "| 16 | $goal | $1 | **missed** |"; exit 1; }
for tool in valgrind cargo-deny cargo-mutants python3; do
    command -v "$tool" >/dev/null || missed "not measured: no $tool"
done

# `unsafe_code` is denied, so the compiler knows of no other; tests/architecture.rs names the one.
unsafe=$(grep -rlE '\bunsafe[[:space:]]*(\{|fn\b|impl\b|extern\b)' src --include='*.rs' | sort -u)
count=$(printf '%s' "$unsafe" | grep -c .)
[ "$count" -le 1 ] || missed "$count files with unsafe code: $(echo $unsafe)"

tests=$(cargo test --locked --lib --no-run --message-format=json 2>/dev/null |
    python3 -c 'import json, sys; print([r["executable"] for r in map(json.loads, sys.stdin) if r.get("executable")][-1])') ||
    missed "the tests cannot be built"
module=crypto::lanes::x86
checked=$(valgrind --error-exitcode=9 "$tests" $module --test-threads=1 --nocapture 2>&1) || { echo "$checked" >&2; missed "$module fails under Valgrind"; }
echo "$checked" >&2
left_out=$(printf '%s\n' "$checked" | sed -n 's/^.*left out: //p' | sort -u | paste -sd ',' | sed 's/,/, /g')
cargo deny check licenses bans sources >&2 || missed "cargo deny objects"

caught=$(python3 benches/reliability/mutants.py "${SAMPLE:-100}" "${SEED:-1}" "${CARGO_TARGET_DIR:-target}/mutants") && status=met || status="**missed**"
echo "| 16 | $goal | $count file with unsafe code, its tests clean under Valgrind${left_out:+ (there $left_out)}; cargo deny clean; $caught | $status |"
[ "$status" = met ]
