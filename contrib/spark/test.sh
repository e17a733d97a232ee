#!/usr/bin/env bash
# Tests scan_store.py on a cluster of two executor processes on this machine, one of which is killed.
#
# Takes some minutes, and packages from PyPI that take 850 MB once installed, so it is run by hand and is no part of .ci/run. Needs Java 17
# (Debian: openjdk-17-jre-headless), Python 3.11 or newer, and a built program: cargo build --release.
set -euo pipefail
cd "$(dirname "$0")"

apkvouch="${1:-../../target/release/apkvouch}"
environment="${SPARK_VENV:-$(mktemp -d)}"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
source "$environment/bin/activate"
pip install --quiet --requirement requirements.txt
python test.py "$(realpath "$apkvouch")" ../../testdata
