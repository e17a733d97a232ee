#!/usr/bin/env python3
"""Judges the APKs of a store on an Apache Spark cluster and keeps the results as Parquet.

    spark-submit scan_store.py scan  --paths list.bin --out results/ [-- --registry registry.toml]
    spark-submit scan_store.py judge --results results/ --out verdicts/ [-- --registry new.toml]

`scan` reads a list of paths with a NUL behind each (`find -print0`), which every executor must see under the same names.
Each task hands batches of them to `apkvouch scan --files-from - -0 --format jsonl --ordered`, which gives one line a path;
what cannot be read is a row as well. In `results/`: `files`, one row a path, in Parquet (zstd), and `contents`, one row a
SHA-256. `judge` holds the same results against another registry, from what each batch kept, and reads no APK.

Needs pyspark 4, pyarrow and Java 17. What stands behind `--` goes to apkvouch as it is: a registry, a policy, an instant.
"""

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from pyspark import TaskContext
from pyspark.sql import SparkSession, Window, functions
from pyspark.sql.types import BinaryType, BooleanType, IntegerType, LongType, StringType, StructField, StructType

LISTED = StructType([StructField("position", LongType(), False), StructField("path_bytes", BinaryType(), False)])

# Given and not inferred: to infer it, Spark would run everything twice.
FILES = StructType(
    [
        StructField("position", LongType(), False),
        # Exact; `path` is for people, with what is not UTF-8 replaced.
        StructField("path_b64", StringType(), False),
        StructField("path", StringType(), False),
        StructField("sha256", StringType(), True),
        StructField("size", LongType(), True),
        StructField("status", StringType(), False),
        StructField("verdict", StringType(), True),
        StructField("passed", BooleanType(), False),
        StructField("package", StringType(), True),
        StructField("version_code", LongType(), True),
        StructField("error", StringType(), True),
        # The whole line, for what has no column.
        StructField("json", StringType(), False),
        StructField("exit_code", IntegerType(), False),
        StructField("batch", StringType(), False),
    ]
)


class CannotRun(Exception):
    """apkvouch did not do what was asked: the task fails, and Spark tries it again."""


def listed(path):
    """The paths of a list, each with its place in it."""
    data = Path(path).read_bytes()
    if data and not data.endswith(b"\0"):
        raise SystemExit(f"{path}: no NUL behind the last path; write it with find -print0")
    return list(enumerate(data.split(b"\0")[:-1]))


def run(arguments, data):
    """Lines that apkvouch writes, and its exit status: 0, 1 and 3 mean that there is a row for everything."""
    done = subprocess.run(arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 1, 3):
        raise CannotRun(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.splitlines(), done.returncode


def state(path):
    """What a file is known by: whoever writes to it changes the last of these."""
    try:
        now = os.stat(path)
    except OSError:
        return None
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def digest(path, before):
    """SHA-256 of the file, which was judged in the state `before`; it is still in the page cache."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if state(path) != before:
        raise CannotRun(f"{path!r} was changed while it was judged")
    return found


def row_of(line, position, raw, status, batch, sha256):
    """A row; `sha256` is given what the line says, and gives the digest of the file."""
    result = json.loads(line)
    # Not what was asked for: better no result than one under another name.
    if "path_bytes" in result:
        told = bytes.fromhex(result["path_bytes"])
    else:
        told = result["path"].encode()
    if told != raw:
        raise CannotRun(f"a row for {told!r} where one for {raw!r} was due")
    get = result.get
    return (
        position, base64.b64encode(raw).decode(), result["path"], sha256(result), get("size"), result["status"],
        get("verdict"), result["passed"], get("package"), get("version_code"), get("error"), line.decode(), status, batch,
    )  # fmt: skip


def scanning(program, extra, kept, size):
    """What a task does with its rows: batches of `size` paths. `kept` is a folder that all executors reach, or None."""

    def of_task(batches):
        import pyarrow

        for rows in batches:
            paths = list(zip(rows["position"].to_pylist(), rows["path_bytes"].to_pylist()))
            for start in range(0, len(paths), size):
                yield pyarrow.RecordBatch.from_pylist(one(paths[start : start + size]), schema=arrow())

    def one(paths):
        # An attempt has a database of its own, so that a task which is run again, or twice, disturbs no other.
        batch = f"{TaskContext.get().partitionId():05}-{uuid.uuid4().hex}"
        arguments = [program, "scan", "--files-from", "-", "-0", "--format", "jsonl", "--ordered", "--jobs", "1", *extra]
        before = [state(raw) for _, raw in paths]
        with tempfile.TemporaryDirectory() as local:
            db = f"{local}/{batch}.db"
            if kept:
                arguments += ["--db", db]
            lines, status = run(arguments, b"".join(raw + b"\0" for _, raw in paths))
            if kept:
                # A network file system need not lock as SQLite wants; a file that is whole there needs no locks.
                shutil.copyfile(db, f"{kept}/{batch}.part")
                os.replace(f"{kept}/{batch}.part", f"{kept}/{batch}.db")
        if len(lines) != len(paths):
            raise CannotRun(f"{len(lines)} rows for {len(paths)} paths")
        found = []
        for line, (position, raw), earlier in zip(lines, paths, before):
            # The line has it where a policy asked for it, and what was not judged has none.
            def sha256(result, raw=raw, earlier=earlier):
                looked = result["status"] not in ("unjudged", "skipped")
                return result.get("sha256") or (digest(raw, earlier) if looked else None)

            found.append(row_of(line, position, raw, status, batch, sha256))
        return named(found)

    return of_task


def judging(program, extra, kept):
    """What a task does with the names of batches: their results, under another registry."""

    def of_task(batches):
        import pyarrow

        for rows in batches:
            for batch, positions in zip(rows["batch"].to_pylist(), rows["positions"].to_pylist()):
                with tempfile.TemporaryDirectory() as local:
                    db = shutil.copyfile(f"{kept}/{batch}.db", f"{local}/{batch}.db")
                    lines, status = run([program, "report", "--db", db, "--format", "jsonl", *extra], b"")
                if len(lines) != len(positions):
                    raise CannotRun(f"{batch}: {len(lines)} rows for {len(positions)} paths")
                found = []
                for line, each in zip(lines, positions):
                    raw = base64.b64decode(each["path_b64"])
                    row = row_of(line, each["position"], raw, status, batch, lambda _, each=each: each["sha256"])
                    found.append(row)
                yield pyarrow.RecordBatch.from_pylist(named(found), schema=arrow())

    return of_task


def named(rows):
    return [dict(zip(FILES.fieldNames(), row)) for row in rows]


def arrow():
    import pyarrow as pa

    kinds = {LongType: pa.int64(), StringType: pa.string(), BooleanType: pa.bool_(), IntegerType: pa.int32()}
    return pa.schema([pa.field(field.name, kinds[type(field.dataType)], field.nullable) for field in FILES])


def write(files, out):
    """One row a path, then one a content: rows without a digest are no contents, and stay out of the second."""
    files.write.mode("error").option("compression", "zstd").parquet(f"{out}/files")
    files = files.sparkSession.read.schema(FILES).parquet(f"{out}/files")
    first = Window.partitionBy("sha256").orderBy("position")
    of_content = Window.partitionBy("sha256")
    contents = (
        files.where("sha256 IS NOT NULL")
        .withColumn("files", functions.count("*").over(of_content))
        .withColumn("nth", functions.row_number().over(first))
        .where("nth = 1")
        .drop("nth")
    )
    contents.write.mode("error").option("compression", "zstd").parquet(f"{out}/contents")
    return files


def main():
    arguments = sys.argv[1:]
    ours, extra = arguments, []
    if "--" in arguments:
        at = arguments.index("--")
        ours, extra = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    scan = commands.add_parser("scan")
    scan.add_argument("--paths", required=True, help="list of paths, NUL behind each")
    scan.add_argument("--batch", type=int, default=64, help="paths that one process is given")
    scan.add_argument("--partitions", type=int, default=0, help="tasks; one for each 4 batches unless given")
    judge = commands.add_parser("judge")
    judge.add_argument("--results", required=True, help="what scan has written")
    for command in (scan, judge):
        command.add_argument("--out", required=True, help="folder for the results, which must not be there")
        command.add_argument("--kept", help="folder for what judge needs; all executors must reach it")
        command.add_argument("--apkvouch", default="apkvouch", help="the program, on every executor")
    options = parser.parse_args(ours)
    program = shutil.which(options.apkvouch) or options.apkvouch
    kept = options.kept and os.path.abspath(options.kept)

    spark = SparkSession.builder.appName("apkvouch").getOrCreate()
    # Never snappy: where musl is installed, its Java library loads the wrong build of itself.
    spark.conf.set("spark.sql.parquet.compression.codec", "zstd")
    if options.command == "scan":
        if kept:
            os.makedirs(kept, exist_ok=True)
        rows = listed(options.paths)
        partitions = options.partitions or -(-len(rows) // (4 * options.batch)) or 1
        # Slices of the list in its order: files of one folder, and so of one app, go to one process.
        paths = spark.createDataFrame(spark.sparkContext.parallelize(rows, partitions), LISTED)
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", options.batch)
        results = paths.mapInArrow(scanning(program, extra, kept, options.batch), FILES)
        due = len(rows)
    else:
        if not kept:
            parser.error("judge needs --kept, the folder that scan was given")
        before = spark.read.schema(FILES).parquet(f"{options.results}/files")
        due = before.count()
        place = functions.sort_array(functions.collect_list(functions.struct("position", "path_b64", "sha256")))
        batches = before.groupBy("batch").agg(place.alias("positions"))
        results = batches.mapInArrow(judging(program, extra, kept), FILES)
    files = write(results, options.out)
    found = files.count()
    if found != due or files.select("position").distinct().count() != due:
        raise SystemExit(f"{found} rows for {due} paths")
    bad = files.where("NOT passed").count()
    errors = files.where("error IS NOT NULL").count()
    print(f"{found} files: {found - bad} passed, {bad - errors} failed, {errors} could not be judged")
    spark.stop()


if __name__ == "__main__":
    main()
