"""Reports, databases and registries on disks that are full. See 12-disk-full.sh.

disk_full.py PROGRAM
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

STORE = Path("testdata/demo/store").resolve()
FORMS = ("text", "json", "jsonl", "csv", "html", "sarif", "junit", "github")


def run(program, *arguments, cwd, out=subprocess.PIPE):
    return subprocess.run([program, *map(str, arguments)], cwd=cwd, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def fill(folder, left):
    """Fills the disk of `folder` but for so many bytes."""
    with open(folder / "filler", "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            pass
        out.truncate(max(0, out.tell() - left))


def main():
    program = sys.argv[1]
    count, wrong, mounted = 0, [], False

    def hold(what, done, there, codes=(3,), words=b"no space left on device"):
        nonlocal count
        count += 1
        lines = done.stderr.splitlines()
        full = [line for line in lines if words in line or b"full" in line]
        problems = []
        if done.returncode not in codes:
            problems.append(f"exit status {done.returncode}")
        if len(full) != 1 or not full[0].startswith(b"apkvouch: "):
            problems.append(f"{len(full)} lines that say it: {done.stderr[:300]!r}")
        if b"panicked" in done.stderr:
            problems.append("a panic")
        if there:
            problems.append(f"there: {there}")
        print(f"{'MISSED' if problems else 'as wanted':<9} {what} {'; '.join(problems)}", file=sys.stderr)
        if problems:
            wrong.append(what)

    with tempfile.TemporaryDirectory() as outer:
        outer = Path(outer)
        for form in FORMS:
            with open("/dev/full", "wb") as full:
                hold(f"standard output, {form}", run(program, "scan", STORE, "--format", form, cwd=outer, out=full), [])
        # A file that fills up. Nobody but root may mount one: then the limit on the size of files stands for it.
        disk = outer / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode == 0
        if mounted:
            try:
                big = outer / "big"
                big.mkdir()
                good = (STORE / "news/daily-herald.apk").read_bytes()
                for number in range(3000):
                    # Every other one fails, so that each form has something to tell.
                    (big / f"{number:04}.apk").write_bytes(good if number % 2 else b"none")
                for left in (0, 4096, 65536):
                    for form in FORMS[1:]:
                        fill(disk, left)
                        done = run(program, "scan", big, "--quiet", "--output", f"{form}={disk}/report", cwd=outer)
                        there = [name for name in os.listdir(disk) if name != "filler"]
                        hold(f"--output {form}, {left} bytes left", done, there)
                        (disk / "filler").unlink()
                        for name in os.listdir(disk):
                            (disk / name).unlink()
                for left in (0, 16384, 262144):
                    fill(disk, left)
                    done = run(program, "scan", big, "--quiet", "--db", disk / "s.db", cwd=outer)
                    hold(f"--db, {left} bytes left", done, [])
                    (disk / "filler").unlink()
                    # Once there is room, what is there is taken up, and everything is said.
                    (outer / "elsewhere").mkdir(exist_ok=True)
                    again = run(program, "scan", STORE, "--quiet", "--db", disk / "s.db", cwd=outer)
                    count += 1
                    if again.returncode != run(program, "scan", STORE, "--quiet", cwd=outer).returncode:
                        wrong.append(f"--db taken up again: {again.stderr[:200]!r}")
                    for name in os.listdir(disk):
                        (disk / name).unlink()
                # A registry keeps its old content.
                at = ["--at", "2026-06-01"]
                run(program, "registry", "init", disk / "r.toml", "--id", "x", *at, cwd=outer)
                run(program, "registry", "convert", disk / "r.toml", disk / "r.db", cwd=outer)
                for name in ("r.toml", "r.db"):
                    registry = disk / name
                    before = registry.read_bytes()
                    fill(disk, 0)
                    done = run(program, "registry", "add-subject", registry, "a", "--name", "n" * 200, *at, cwd=outer)
                    left = {path for path in os.listdir(disk)} - {"r.toml", "r.db", "filler"}
                    hold(f"registry {name}", done, sorted(left) if registry.read_bytes() == before else ["other bytes"])
                    (disk / "filler").unlink()
                # Temporary files: a registry in SQLite that is held against its signature is copied, a container unpacked.
                run(program, "registry", "new-key", outer / "k.key", "--no-password", cwd=outer)
                run(program, "registry", "convert", disk / "r.toml", outer / "t.db", cwd=outer)
                run(program, "registry", "sign", outer / "t.db", "--key", outer / "k.key", cwd=outer)
                fill(disk, 0)
                os.environ["TMPDIR"] = str(disk)
                done = run(program, "gate", "--registry", outer / "t.db", "--registry-key", outer / "k.pub", STORE / "news/daily-herald.apk", cwd=outer)
                # It is the registry that cannot be used.
                hold("the copy of a registry", done, codes=(2, 3), there=[name for name in os.listdir(disk) if name not in ("r.toml", "r.db", "filler")])
                os.environ.pop("TMPDIR")
            finally:
                subprocess.run(["umount", disk], check=False)
        # A folder that nobody may write to; root may anyway, but not in this one.
        done = run(program, "scan", STORE, "--quiet", "--output", "json=/proc/report.json", cwd=outer)
        count += 1
        if done.returncode != 3 or not done.stderr.startswith(b"apkvouch: /proc/report.json: cannot write"):
            wrong.append(f"a folder that takes no files: {done.returncode} {done.stderr[:200]!r}")
        # A pipe whose reader has gone.
        reader, writer = os.pipe()
        os.close(reader)
        done = run(program, "scan", STORE, "--format", "jsonl", cwd=outer, out=writer)
        os.close(writer)
        count += 1
        if done.returncode != 3 or b"panicked" in done.stderr:
            wrong.append(f"a closed pipe: {done.returncode} {done.stderr[:200]!r}")
    for what in wrong:
        print(what, file=sys.stderr)
    where = "/dev/full and a disk of 1 MB" if mounted else "/dev/full alone, since nothing may be mounted here"
    print(f"{count} runs on {where}, {len(wrong)} otherwise than exit status 3, one line and no file under its final name")
    sys.exit(1 if wrong or not mounted else 0)


main()
