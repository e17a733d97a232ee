#!/usr/bin/env bash
# Prints the table of docs/reliability.md: what the program promises of hostile input, each row measured now.
#
#   [CARGO_TARGET_DIR=dir] benches/reliability.sh [ROW...]
#
# ROW is a number, such as 7; without one, all rows, which takes hours, nearly all of them in row 4 (fuzzing). A row is a script in
# benches/reliability/, named by its number; its head says what it needs. Details go to standard error.
# Exit status: 0 each row met its goal, 1 one missed it or could not be measured, 2 no such row.
set -uo pipefail
cd "$(dirname "$0")/.."

rows=()
for row in "$@"; do
    found=$(printf '%02d' "$row" 2>/dev/null) || { echo "reliability: $row is no number of a row" >&2; exit 2; }
    set -- benches/reliability/"$found"-*
    [ -e "$1" ] || { echo "reliability: no row $row" >&2; exit 2; }
    rows+=("$1")
done
[ ${#rows[@]} -gt 0 ] || rows=(benches/reliability/[0-9][0-9]-*)

status=0
echo "| # | goal | measured | |"
echo "|---|---|---|---|"
for row in "${rows[@]}"; do
    echo "reliability: $row" >&2
    "$row" || status=1
done
exit $status
