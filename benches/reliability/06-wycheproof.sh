#!/usr/bin/env bash
# Row 6: the vectors of project Wycheproof through our own check of signatures (tests/wycheproof.rs).
set -uo pipefail
goal="Wycheproof: every vector that applies, through our own wrapper, 100 %"

out=$(cargo test --release --locked --test all -- --nocapture wycheproof:: 2>&1)
status=$?
echo "$out" >&2
# Of each tally, `{ valid: 96, invalid: 3255, …`.
sum() { grep -oE "[ {]$1: [0-9]+" <<<"$out" | awk '{ sum += $NF } END { print sum + 0 }'; }
applied=$(($(sum valid) + $(sum invalid) + $(sum acceptable_taken) + $(sum acceptable_refused)))
acceptable=$(($(sum acceptable_taken) + $(sum acceptable_refused)))
vectors=$(sed -n 's/^vectors: //p' <<<"$out")
if [ $status = 0 ] && [ "$applied" -gt 9000 ]; then
    echo "| 6 | $goal | $applied of $vectors apply, all as they must be; $acceptable of them \"acceptable\", refused as Android does | met |"
else
    echo "| 6 | $goal | exit status $status after $applied | **missed** |"
    exit 1
fi
