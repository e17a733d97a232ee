"""Random mutants of all test data, scanned: nothing breaks down. See 03-no-crash.sh.

crash.py PROGRAM TESTDATA MUTANTS
"""

import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

AT_ONCE = 2000
EXTREMES = [b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\xff" * 8, b"\0\0\0\0\0\0\0\x80"]


def mutant(chance, data, others):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        if not data:
            break
        at, kind = chance.randrange(len(data)), chance.randrange(8)
        # Most of what is read stands at the end.
        if chance.random() < 0.5:
            at = len(data) - 1 - min(at, chance.randrange(1, 4096))
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.randrange(256)
        elif kind == 2:
            piece = chance.choice(EXTREMES)
            data[at:at + len(piece)] = piece
        elif kind == 3:
            data[at:at + 4] = struct.pack("<I", chance.randrange(len(data) * 2))
        elif kind == 4:
            del data[at:at + chance.randrange(1, 200)]
        elif kind == 5:
            data[at:at] = data[at:at + chance.randrange(1, 200)]
        elif kind == 6:
            other = chance.choice(others)
            start = chance.randrange(len(other)) if other else 0
            piece = other[start:start + chance.randrange(1, 400)]
            data[at:at + len(piece)] = piece
        else:
            del data[at:]
    return bytes(data)


def main():
    program, testdata, mutants = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    seeds = [path.read_bytes() for path in sorted(testdata.rglob("*")) if path.suffix in (".apk", ".apks", ".xapk", ".apkm", ".aab")]
    seeds = [seed for seed in seeds if len(seed) < 200_000]
    chance = random.Random(3)
    problems, done = [], 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        while done < mutants:
            count = min(AT_ONCE, mutants - done)
            for number in range(count):
                name = f"{number:05}.{'apks' if number % 7 == 0 else 'apk'}"
                Path(folder, name).write_bytes(mutant(chance, chance.choice(seeds), seeds))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run = subprocess.run([program, "scan", folder, "--format", "jsonl", "--timeout", "2"], capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            rows = run.stdout.count(b'"path"')
            if run.returncode not in (0, 1) or b"panicked" in run.stderr or b"broke down" in run.stdout + run.stderr:
                problems.append(f"mutants {done} to {done + count}: exit status {run.returncode}: {run.stderr[:500]!r}")
                for line in run.stdout.splitlines():
                    if b"broke down" in line:
                        name = line.split(b'"path":"')[1].split(b'"')[0].decode()
                        shutil.move(name, Path(tempfile.gettempdir(), f"apkvouch-crash-{os.path.basename(name)}"))
            if rows < count:
                problems.append(f"mutants {done} to {done + count}: {rows} rows")
            done += count
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{done:,} mutants of {len(seeds)} files by {seconds:.0f} s of processor time: {len(problems)} scans with a panic, a signal, a file that `--timeout 2` ended or a row too few")
    sys.exit(1 if problems else 0)


main()
