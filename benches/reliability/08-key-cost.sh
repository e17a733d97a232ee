#!/usr/bin/env bash
# Row 8: processor time of one signature check with the dearest keys (tests/key_cost.rs), and of the files that ask for most
# checks (tests/bombs.rs).
set -uo pipefail
goal="key cost: at most 50 ms of processor time a signature check, for any key; at most 10 signers"

out=$(cargo test --release --locked --test all -- --ignored --nocapture key_cost:: 2>&1 &&
    cargo test --release --locked --test all -- bombs:: 2>&1)
status=$?
echo "$out" >&2
slowest=$(sed -n 's/^slowest: //p' <<<"$out")
if [ $status = 0 ] && [ -n "$slowest" ]; then
    echo "| 8 | $goal | $slowest at most; checks are counted by their cost, 1,000 common ones a file (\`Limits::signature_checks\`), each bomb below 2 s | met |"
else
    echo "| 8 | $goal | exit status $status, ${slowest:-not measured} | **missed** |"
    exit 1
fi
