#!/usr/bin/env bash
# Compares `apksigner verify -v --print-certs` with ours over a directory of APKs, line by line. A v4 signature file that
# stands beside an APK, app.apk.idsig, is named to both.
#
#   APKVOUCH_CORPUS=dir [APKSIGNER=apksigner] [GENERATION=31] [ARGUMENTS=] [JOBS=2] tests/compat.sh
#
# ARGUMENTS are further options for both, as in ARGUMENTS=--verify-source-stamp.
# The words behind `ERROR:` and `WARNING:` are our own; what stands in front of them, how many there are, on which
# stream and in which order, is compared. Differences that stand in testdata/exceptions.toml under [[compat]] (files,
# reason) are accepted. Exit status: 0 no unexplained difference, 1 some, 2 cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

corpus=${APKVOUCH_CORPUS:?set APKVOUCH_CORPUS to a directory of APKs}
theirs=${APKSIGNER:-apksigner}
generation=${GENERATION:-31}
export arguments=${ARGUMENTS:-}
command -v "$theirs" >/dev/null || { echo "compat: no $theirs here" >&2; exit 2; }
command -v python3 >/dev/null || { echo "compat: python3 is needed" >&2; exit 2; }

ours=${APKVOUCH:-}
if [ -z "$ours" ]; then
    cargo build --quiet --bin apkvouch
    ours=${CARGO_TARGET_DIR:-target}/debug/apkvouch
fi
ours=$(realpath "$ours")
corpus=$(realpath "$corpus")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$ours" "$work/apksigner"
mkdir "$work/theirs" "$work/ours"

# One file, one tool: its two streams and its exit status under the file's number.
cat >"$work/one" <<'EOF'
#!/usr/bin/env bash
into=$1 number=$2 file=$3
shift 3
idsig=()
if [ -f "$file.idsig" ]; then idsig=(--v4-signature-file "$file.idsig"); fi
# shellcheck disable=SC2086
"$@" verify -v --print-certs $arguments "${idsig[@]}" "$file" >"$into/$number.out" 2>"$into/$number.err"
echo $? >"$into/$number.rc"
EOF
chmod +x "$work/one"

(cd "$corpus" && find . -name '*.apk' -printf '%P\n' | LC_ALL=C sort) >"$work/files"
[ -s "$work/files" ] || { echo "compat: no APKs in $corpus" >&2; exit 2; }

all() { # directory, command...
    local into=$1
    shift
    (cd "$corpus" && awk '{ print NR-1 "\n" $0 }' "$work/files" | tr '\n' '\0' |
        xargs -0 -n 2 -P "${JOBS:-2}" bash -c 'one=$1 into=$2 number=${@: -2:1} file=${@: -1}
            exec "$one" "$into" "$number" "$file" "${@:3:$#-4}"' - "$work/one" "$into" "$@") || true
}
all "$work/theirs" "$theirs"
all "$work/ours" "$work/apksigner" --compat "apksigner=$generation"

python3 tests/compat.py "$work" testdata/exceptions.toml
