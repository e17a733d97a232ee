#!/usr/bin/env bash
# Builds the fuzz targets and runs each for SECONDS, with the toolchain that builds everything else: `fuzz/run.sh [SECONDS] [TARGET…]`.
# With `cargo fuzz` and a nightly toolchain, `cargo fuzz run TARGET` does the same.
#
# As many targets run at once as there are cores, or JOBS. RUNS in the environment ends a target after so many executions, too; with SEED as
# well the same executions are made each time. What makes a target fail is left in target/fuzz/artifacts/TARGET/, what it has learnt in
# target/fuzz/corpus/TARGET/.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-60}"
shift || true
all=$(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | tail -n +2)
targets="${*:-$all}"
host=$(rustc -vV | sed -n 's/^host: //p')
out="${FUZZ_DIR:-$PWD/target/fuzz}"

# Coverage as libFuzzer wants it; every target needs it, so that build scripts must not get it: hence `--target`.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=4"
# shellcheck disable=SC2086
RUSTFLAGS=$(echo $flags) cargo build --locked --release --quiet --manifest-path fuzz/Cargo.toml --target "$host" \
  --target-dir "$out/build" $(for target in $targets; do echo --bin "$target"; done)

run() {
  local target=$1 seeds=("$out/seeds/$1") status=0
  mkdir -p "$out/corpus/$target" "$out/artifacts/$target" "$out/logs" "$out/seeds/$target"
  if [ -d "testdata/fuzz/$target" ]; then seeds+=("testdata/fuzz/$target"); fi
  FUZZ_SEEDS="$out/seeds/$target" "$out/build/$host/release/$target" 2>/dev/null
  # One thread: what is slow is then the input, and what is found can be found again.
  RAYON_NUM_THREADS=1 "$out/build/$host/release/$target" -dict=fuzz/dictionary -artifact_prefix="$out/artifacts/$target/" \
    -max_total_time="$seconds" -runs="${RUNS:--1}" -seed="${SEED:-0}" -max_len="${MAX_LEN:-16384}" -timeout=60 -rss_limit_mb=256 \
    -print_final_stats=1 "$out/corpus/$target" "${seeds[@]}" \
    >"$out/logs/$target.log" 2>&1 || { status=1; tail -40 "$out/logs/$target.log" >&2; echo "$target: failed" >&2; }
  awk -v target="$target" '/cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
    /^stat::number_of_executed_units/ { runs = $2 } /^stat::average_exec/ { rate = $2 } /^stat::slowest_unit/ { slow = $2 }
    /^stat::peak_rss/ { rss = $2 } /^Done / { seconds = $5 }
    END { printf "%-14s %9d executions, %5d s, coverage %5d, %3d MB, slowest %d s\n", target, runs, seconds, cov, rss, slow }' "$out/logs/$target.log"
  return $status
}
export -f run
export out host seconds
# As many at once as there are cores; a target that fails does not stop the others.
# shellcheck disable=SC2086
printf '%s\n' $targets | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'set -u; run {}'
