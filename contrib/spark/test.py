#!/usr/bin/env python3
"""Runs scan_store.py on two executor processes, kills one midway, and compares with plain scans, row by row.

    python test.py APKVOUCH TESTDATA
"""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet

HERE = Path(__file__).resolve().parent
LAYERS = ["v1", "v2", "zip", "containers", "demo"]


def store(testdata, folder):
    """A store of copies, and the list of its paths: twice the same, one with a name that is not UTF-8, two that are not there."""
    for layer in LAYERS:
        shutil.copytree(testdata / layer, folder / layer)
    odd = os.path.join(os.fsencode(folder), b"odd \xff\nname.apk")
    shutil.copyfile(folder / "v2/honest/app.apk", odd)
    files = sorted(os.fsencode(path) for path in folder.rglob("*") if path.is_file() and path.suffix != ".toml")
    return [*files, files[0], os.fsencode(folder / "gone.apk"), os.fsencode(folder) + b"/gone \xfe.apk"]


def plain(apkvouch, paths, extra, db):
    arguments = [apkvouch, "scan", "--files-from", "-", "-0", "--format", "jsonl", "--ordered", "--db", db, *extra]
    done = subprocess.run(arguments, input=b"".join(path + b"\0" for path in paths), stdout=subprocess.PIPE)
    assert done.returncode in (0, 1, 3), done.returncode
    return [json.loads(line) for line in done.stdout.splitlines()]


def submit(master, *arguments):
    command = [shutil.which("spark-submit"), "--master", master, str(HERE / "scan_store.py"), *arguments]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def executors(ancestor):
    """Executors that `ancestor` has started, by their process ids."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            names[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])

    def is_ours(process):
        while process in parents and process != ancestor:
            process = parents[process]
        return process == ancestor

    return [each for each, name in names.items() if b"CoarseGrainedExecutorBackend" in name and is_ours(each)]


def rows(folder):
    return sorted(pyarrow.parquet.read_table(folder).to_pylist(), key=lambda row: row["position"])


def compare(found, paths, expected, digests):
    """Every row is that of the plain scan, for the same path, and there is one for each."""
    assert [row["position"] for row in found] == list(range(len(paths))), "a row for each path"
    for row, path, result in zip(found, paths, expected, strict=True):
        assert base64.b64decode(row["path_b64"]) == path, row
        assert json.loads(row["json"]) == result, f"{row['json']}\n{result}"
        for column in ["path", "status", "passed"]:
            assert row[column] == result[column], (column, row)
        judged = result["status"] not in ("unjudged", "skipped")
        assert row["sha256"] == (digests[path] if judged else None), row
        for column in ["size", "verdict", "package", "version_code", "error"]:
            assert row[column] == result.get(column), (column, row)


def main():
    apkvouch, testdata = (Path(argument).resolve() for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        paths = store(testdata, work / "store")
        (work / "paths").write_bytes(b"".join(path + b"\0" for path in paths))
        true = {path: hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest() for path in paths[:-2]}
        first = []
        second = ["--at", "2026-06-01", "--registry", str(testdata / "demo/registry.toml")]
        expected = plain(apkvouch, paths, first, work / "first.db")
        again = plain(apkvouch, paths, second, work / "second.db")
        assert expected != again, "the registry changes something"

        # Slow enough that there is a middle.
        slow = work / "slow"
        slow.write_text(f'#!/bin/sh\nsleep 0.7\nexec "{apkvouch}" "$@"\n')
        slow.chmod(0o755)
        kept = work / "kept"
        common = ["--kept", str(kept), "--apkvouch"]
        scan = ["scan", "--paths", str(work / "paths"), "--batch", "8", "--partitions", "12", "--out", str(work / "r")]
        began = time.monotonic()
        job = submit("local-cluster[2,1,1024]", *scan, *common, str(slow), "--", *first)
        batches = -(-len(paths) // 8)
        while job.poll() is None and len(list(kept.glob("*.db"))) < batches // 4:
            time.sleep(0.1)
        running, done = executors(job.pid), len(list(kept.glob("*.db")))
        assert job.poll() is None and running, f"nothing to kill: {job.communicate()[0]}"
        os.kill(running[0], signal.SIGKILL)
        output = job.communicate()[0]
        assert job.returncode == 0, output
        assert "Lost executor" in output, output
        assert done < batches, f"{done} of {batches} batches were done"
        print(f"executor killed after {done} of {batches} batches; the scan took {time.monotonic() - began:.0f} s")
        found = rows(work / "r/files")
        compare(found, paths, expected, true)
        assert sum(row["error"] is not None for row in found) >= 2
        assert all(pyarrow.parquet.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"
                   for file in (work / "r/files").glob("*.parquet"))

        contents = rows(work / "r/contents")
        digests = {}
        for row in found:
            if row["sha256"]:
                digests.setdefault(row["sha256"], []).append(row["position"])
        assert {row["sha256"]: (row["position"], row["files"]) for row in contents} == {
            digest: (positions[0], len(positions)) for digest, positions in digests.items()
        }, "a row for each content, the first of it"
        assert 100 < len(contents) == len(digests) < len(found) - 2

        # No APK is there any more.
        (work / "store").rename(work / "elsewhere")
        judge = ["judge", "--results", str(work / "r"), "--out", str(work / "j"), *common, str(apkvouch)]
        began = time.monotonic()
        job = submit("local-cluster[2,1,1024]", *judge, "--", *second)
        output = job.communicate()[0]
        assert job.returncode == 0, output
        compare(rows(work / "j/files"), paths, again, true)
        print(f"{len(found)} paths, {len(contents)} contents; judged again without them in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
