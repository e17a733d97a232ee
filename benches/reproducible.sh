#!/usr/bin/env bash
# Builds the program twice from the sources that are committed, each time in another folder, and compares the bytes.
#
#   [TMPDIR=dir] benches/reproducible.sh
#
# Paths of this machine are mapped away: those of the sources, of the crates and of the compiler's own sources. The same toolchain and
# target give the same bytes. Takes two release builds and 3 GB of disk. Exit status: 0 the same, 1 not, 2 cannot build.
set -euo pipefail
cd "$(dirname "$0")/.."

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
home=${CARGO_HOME:-$HOME/.cargo}
digests=()
for folder in one another/and/deeper; do
    mkdir -p "$top/$folder"
    git archive HEAD | tar -x -C "$top/$folder"
    (
        cd "$top/$folder"
        flags="--remap-path-prefix=$PWD=/apkvouch --remap-path-prefix=$home=/cargo --remap-path-prefix=$(rustc --print sysroot)=/rust"
        # C code has paths of its own in it, where it asks for them.
        export RUSTFLAGS="$flags" CFLAGS="-ffile-prefix-map=$PWD=/apkvouch -ffile-prefix-map=$home=/cargo"
        export CARGO_TARGET_DIR="$PWD/target" SOURCE_DATE_EPOCH=0
        cargo build --quiet --locked --release --bin apkvouch
    ) || exit 2
    program="$top/$folder/target/release/apkvouch"
    digests+=("$(sha256sum <"$program")")
    echo "$folder: ${digests[-1]%% *}, $(stat -c %s "$program") bytes"
    if grep -qaF "$top" "$program"; then
        echo "reproducible: the folder of the build is in the program" >&2
        exit 1
    fi
    rm -rf "$top/$folder"
done
[ "${digests[0]}" = "${digests[1]}" ] || { echo "reproducible: they differ" >&2; exit 1; }
echo "the same"
