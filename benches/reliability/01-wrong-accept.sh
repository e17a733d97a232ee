#!/usr/bin/env bash
# Rows 1 and 2: mutants of honest APKs (tests/properties.rs) and the committed cases (tests/cases.rs, tests/attacks.rs).
#
#   [SEEDS="101 102 103"] [EACH=40000] benches/reliability/01-wrong-accept.sh
set -uo pipefail
goal="no wrong accept and no wrong reject: 100,000 mutants by three seeds that were not used in development, and every committed case"
export APKVOUCH_SEEDS="${SEEDS:-101 102 103}" APKVOUCH_MUTANTS_EACH="${EACH:-40000}"

out=$(cargo test --release --locked --test all -- cases:: attacks:: 2>&1 &&
    cargo test --release --locked --test all -- --ignored --nocapture properties::no_mutant_of_a_hundred_thousand_passes 2>&1)
status=$?
echo "$out" >&2
mutants=$(sed -n 's/^seed .*: \([0-9]*\) mutants.*/\1/p' <<<"$out" | awk '{ sum += $1 } END { print sum + 0 }')
slowest=$(sed -n 's/^seed .*the slowest in //p' <<<"$out" | sort -g | tail -1)
cases=$(find testdata -name case.toml | wc -l)
if [ $status = 0 ] && [ "$mutants" -ge 100000 ]; then
    echo "| 1, 2 | $goal | 0 of $mutants mutants taken or refused wrongly, the slowest in $slowest; $cases cases | met |"
else
    echo "| 1, 2 | $goal | exit status $status after $mutants mutants | **missed** |"
    exit 1
fi
