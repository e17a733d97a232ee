#!/usr/bin/env bash
# Row 4: each fuzz target for SECONDS (20 minutes unless said otherwise) or 10 million executions, whichever is first.
set -uo pipefail
cd "$(dirname "$0")/../.."
goal="fuzzing: every target 10 million executions or 20 minutes, no crash, at most 256 MB, no unit over 1 s"

out=$(RUNS="${RUNS:-10000000}" fuzz/run.sh "${SECONDS_EACH:-1200}")
status=$?
echo "$out" >&2
read -r targets runs seconds rss < <(awk '{ n++; runs += $2; s += $4; if ($8 > rss) rss = $8 } END { print n, runs, s, rss }' <<<"$out")
if [ $status = 0 ]; then
    echo "| 4 | $goal | $targets targets, $runs executions in $seconds s, no crash, $rss MB at most | met |"
else
    echo "| 4 | $goal | $targets targets, $runs executions in $seconds s, and some failed | **missed** |"
    exit 1
fi
