"""Scans of a store with a database that are killed, and databases in which bytes are flipped. See 11-kill.sh.

killed.py PROGRAM STORE KILLS FLIPS
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A file that was written within two seconds before a scan is not remembered.
SETTLED = 3


def run(program, *arguments, out=None):
    with open(out or os.devnull, "wb") as output:
        return subprocess.run([program, *arguments], stdout=output, stderr=subprocess.PIPE)


def newly_read(program, store, db):
    """How many files a scan with that database reads, by the files that it opens."""
    with tempfile.NamedTemporaryFile() as log:
        traced = subprocess.run(["strace", "-f", "-qq", "-e", "trace=openat,open", "-o", log.name, program, "scan", store, "--db", db, "--quiet"],
                                capture_output=True)
        if traced.returncode not in (0, 1):
            return None
        return sum(b".apk\"" in line for line in log.read().splitlines())


def main():
    program, store, kills, flips = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    paths = sorted(str(path) for path in Path(store).rglob("*.apk"))
    newest = max(os.stat(path).st_ctime for path in paths)
    time.sleep(max(0.0, newest + SETTLED - time.time()))
    chance = random.Random(11)
    problems = []
    with tempfile.TemporaryDirectory(dir=os.path.dirname(store)) as folder:
        plain, resumed, report = (os.path.join(folder, name) for name in ("plain", "resumed", "report"))
        run(program, "scan", store, "--format", "jsonl", out=plain)
        start = time.monotonic()
        run(program, "scan", store, "--quiet", "--db", os.path.join(folder, "first.db"))
        whole = time.monotonic() - start
        said = Path(plain).read_bytes()
        told = [json.loads(line)["path"] for line in said.splitlines() if b'"path"' in line]
        if sorted(told) != paths:
            problems.append("a plain scan does not tell each file once")

        db, broken_off, lost = os.path.join(folder, "killed.db"), 0, 0
        for number in range(kills):
            # From the start again before all of it is known, so that each kill has something to hit.
            if number % 10 == 0:
                for name in os.listdir(folder):
                    if name.startswith("killed.db"):
                        os.remove(os.path.join(folder, name))
            child = subprocess.Popen([program, "scan", store, "--db", db, "--quiet"], stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.0, whole / 3))
            child.kill()
            broken_off += child.wait() < 0
            if number % 10 == 9:
                done = run(program, "scan", store, "--db", db, "--format", "jsonl", out=resumed)
                other = run(program, "report", "--db", db, "--format", "jsonl", out=report)
                if done.returncode not in (0, 1) or other.returncode != done.returncode:
                    problems.append(f"after kill {number}: {done.stderr[:200]!r} {other.stderr[:200]!r}")
                if Path(resumed).read_bytes() != said or Path(report).read_bytes() != said:
                    problems.append(f"after kill {number}: other rows")
                    lost += 1

        # What is done again: a scan is killed once half of it is there.
        again = None
        if shutil.which("strace"):
            for name in os.listdir(folder):
                if name.startswith("killed.db"):
                    os.remove(os.path.join(folder, name))
            child = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=openat,open", "-o", os.path.join(folder, "trace"), program, "scan", store,
                                      "--db", db, "--quiet"], stderr=subprocess.DEVNULL)
            time.sleep(max(1.0, whole))
            children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
            for pid in children:
                os.kill(int(pid), 9)
            child.wait()
            read = sum(b".apk\"" in line for line in Path(folder, "trace").read_bytes().splitlines())
            second = newly_read(program, store, db)
            if second is not None and 0 < read < len(paths):
                again = read + second - len(paths)

        # Bytes that are flipped: found again or refused, never another row.
        flipped = {"as before": 0, "refused": 0}
        whole_db = os.path.join(folder, "first.db")
        for number in range(flips):
            copy = os.path.join(folder, "flipped.db")
            shutil.copyfile(whole_db, copy)
            with open(copy, "r+b") as out:
                at = chance.randrange(os.path.getsize(copy))
                out.seek(at)
                byte = out.read(1)[0]
                out.seek(at)
                out.write(bytes([byte ^ 1 << chance.randrange(8)]))
            for command in (("report", "--db", copy), ("scan", store, "--db", copy)):
                done = run(program, *command, "--format", "jsonl", out=resumed)
                rows = Path(resumed).read_bytes()
                if b"panicked" in done.stderr or done.returncode < 0:
                    problems.append(f"flip at {at}: {done.stderr[:200]!r}")
                elif done.returncode in (0, 1) and rows == said:
                    flipped["as before"] += 1
                elif done.returncode in (2, 3) and said.startswith(rows[:rows.rfind(b"\n") + 1]):
                    flipped["refused"] += 1
                else:
                    problems.append(f"flip at {at}: {command[0]} ends with {done.returncode}, and says something else")
            for name in os.listdir(folder):
                if name.startswith("flipped.db"):
                    os.remove(os.path.join(folder, name))
    for problem in problems:
        print(problem, file=sys.stderr)
    redone = f", {again} files ({again / len(paths) * 100:.2f} %) read again after a kill in the middle" if again is not None else ""
    print(f"{len(paths):,} files, {broken_off} of {kills} scans killed, resumed after each ten: {lost} of {kills // 10} with other rows{redone}; "
          f"{flips} byte flips in the database, by `report` and by `scan`: {flipped['as before']} the same rows, {flipped['refused']} refused, "
          f"{len(problems)} wrong")
    sys.exit(1 if problems or not broken_off or (again or 0) > len(paths) // 100 else 0)


main()
