#!/usr/bin/env bash
# Row 3: random mutants of all test data, in scans (crash.py), with the bombs of row 7 and the oddities of row 9: no panic, no signal, no
# row too few, no mutant that `--timeout 2` ends; bombs and oddities as their own rows want them. The program is built with checks for
# overflow and assertions, and with panic = "abort", so that nothing can catch one unseen.
# Needs a Rust toolchain, python3 and Linux.
#
#   [MUTANTS=100000] benches/reliability/03-no-crash.sh
set -uo pipefail
goal="no crash: no panic, no signal, no row too few, no mutant that takes more than 2 s on the clock; bombs and oddities too, with panic = \"abort\""

export CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/abort"
cargo build --quiet --locked --release --bin apkvouch || exit 1
program=$(realpath "$CARGO_TARGET_DIR/release/apkvouch")
status=0 out=""
for part in "crash.py $program testdata ${MUTANTS:-100000}" "bombs.py $program testdata" "odd.py $program"; do
    # shellcheck disable=SC2086
    out+="$(python3 benches/reliability/$part); " || status=1
done
if [ $status = 0 ]; then
    echo "| 3 | $goal | ${out%; } | met |"
else
    echo "| 3 | $goal | ${out%; } | **missed** |"
    exit 1
fi
