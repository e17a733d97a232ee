#!/usr/bin/env bash
# Row 5: mutants through apksig in one JVM, each difference explained (apksig/differences.toml); our ZIP reader against the
# `zip` crate and against a model of libziparchive (tests/zip_differential.rs, tests/properties/android.rs).
#
#   [MUTANTS=20000] [SEED=5] benches/reliability/05-differential.sh
#
# Needs Debian's libapksig-java, a JDK and python3; a directory of temporary files with 15 kB for each mutant.
set -uo pipefail
goal="differential: every mutant through apksig in one JVM; our ZIP reader against a model of libziparchive: 0 unexplained"
mutants=${MUTANTS:-20000}
missed() { echo "| 5 | $goal | $1 | **missed** |"; exit 1; }

apksig=/usr/share/java/apksig.jar
[ -f "$apksig" ] && command -v javac >/dev/null || missed "not measured: no libapksig-java, or no JDK"
here=benches/reliability/apksig
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/classes" "$dir/mutants"
javac -cp "$apksig" -d "$dir/classes" "$here/Verdicts.java" >&2 || missed "Verdicts.java does not compile"

cargo test --release --locked --test all -- zip_differential:: >&2 || missed "our ZIP reader differs from the zip crate"
export APKVOUCH_MUTANTS="$dir/mutants" APKVOUCH_MUTANTS_EACH="$mutants" APKVOUCH_SEEDS="${SEED:-5}"
cargo test --release --locked --test all -- --ignored properties::are_written >&2 || missed "no mutants were made"
(cd "$dir/mutants" && ls ./*.apk >list) || missed "no mutants were made"
(cd "$dir/mutants" && java -cp "$apksig:$dir/classes" Verdicts list >verdicts.tsv 2>stderr) || missed "apksig did not end"

if counted=$(python3 "$here/compare.py" "$dir/mutants" "$here/differences.toml"); then
    echo "| 5 | $goal | $counted; the ZIP reader as the \`zip\` crate, but for what is listed | met |"
else
    missed "$counted"
fi
