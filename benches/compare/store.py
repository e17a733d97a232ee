"""Measures scans of a store with a database, and kills some: see benches/store.sh.

store.py PROGRAM STORE RUNS
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KILLS = 20
# A file that was written within two seconds before a scan is not remembered.
SETTLED = 3


def run(program, *arguments, out=None):
    """Seconds, peak memory in MB and exit status."""
    with open(out or os.devnull, "wb") as output:
        start = time.monotonic()
        child = subprocess.Popen([program, *arguments], stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"store: {' '.join(arguments)}: expected exit status 0, found {child.returncode}")
    return took, usage.ru_maxrss * 1024 / 1e6


def row(what, runs, files, first=None):
    took = statistics.median(took for took, _ in runs)
    peak = max(peak for _, peak in runs)
    ratio = f"{first / took:.1f} times" if first else ""
    print(f"| {what} | {took * 1000:.0f} ms | {files / took:,.0f} | {peak:.1f} MB | {ratio} |")
    return took


def main():
    program, store, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    paths = sorted(str(path) for path in Path(store).rglob("*.apk"))
    newest = max(os.stat(path).st_ctime for path in paths)
    time.sleep(max(0.0, newest + SETTLED - time.time()))
    for path in paths:
        Path(path).read_bytes()
    print(f"{len(paths):,} files of {sum(os.stat(path).st_size for path in paths) / 1e6:.0f} MB in the page cache, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {runs} runs.\n")
    print("| scan | time | files a second | peak memory | faster than the first |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(store)) as folder:
        plain, killed = os.path.join(folder, "plain.jsonl"), os.path.join(folder, "killed.jsonl")
        row("without a database", [run(program, "scan", store) for _ in range(runs)], len(paths))
        firsts = []
        for number in range(runs):
            db = os.path.join(folder, f"{number}.db")
            firsts.append(run(program, "scan", store, "--db", db))
        first = row("the first with `--db`", firsts, len(paths))
        for what, more in [("the second", []), ("the second, `--only-bad`", ["--only-bad"]),
                           ("the second, `--format jsonl`", ["--format", "jsonl"])]:
            row(what, [run(program, "scan", store, "--db", db, *more) for _ in range(runs)], len(paths), first)

        run(program, "scan", store, "--format", "jsonl", out=plain)
        db, chance, broken_off = os.path.join(folder, "killed.db"), random.Random(1), 0
        for _ in range(KILLS):
            child = subprocess.Popen([program, "scan", store, "--db", db], stdout=subprocess.DEVNULL)
            # What was seen before a kill is not read again: together they take three quarters of a first scan.
            time.sleep(chance.uniform(0.0, 1.5 * first / KILLS))
            child.kill()
            broken_off += child.wait() != 0
        run(program, "scan", store, "--db", db, "--format", "jsonl", out=killed)
        report = os.path.join(folder, "report.jsonl")
        run(program, "report", "--db", db, "--format", "jsonl", out=report)
        said = Path(plain).read_bytes()
        same = all(Path(other).read_bytes() == said for other in (killed, report))
        told = [json.loads(line)["path"] for line in said.splitlines()]
        once = sorted(told) == paths
    print(f"\nKilled {broken_off} times of {KILLS}, then resumed: "
          f"{'the same byte for byte' if same else 'SOMETHING ELSE'}, {'each file once' if once else 'NOT EACH FILE ONCE'}.")
    sys.exit(0 if same and once and broken_off else 1)


main()
