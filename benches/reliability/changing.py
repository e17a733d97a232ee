"""A large APK that somebody truncates, appends to or replaces while it is verified. See 10-changing-files.sh.

changing.py PROGRAM FOLDER MEGABYTES ROUNDS
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

KEYS = Path("testdata/keys")
# v2 is read from there on.
AS = ["--format", "json", "--min-sdk-version", "24"]
DEMO = Path("testdata/demo/store/news/daily-herald.apk")


def make(folder, megabytes):
    """Two APKs of one size and different content, each by its own signer."""
    made = []
    for number, key in enumerate(("ec-p256", "rsa-2048")):
        path = folder / f"{number}.apk"
        chance = random.Random(number)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("AndroidManifest.xml", zipfile.ZipFile(DEMO).read("AndroidManifest.xml"))
            with archive.open("assets/content", "w") as out:
                for _ in range(megabytes):
                    out.write(chance.randbytes(1 << 20))
        subprocess.run(
            ["apksigner", "sign", "--key", KEYS / f"{key}.pk8", "--cert", KEYS / f"{key}.x509.der", "--min-sdk-version", "24",
             "--v1-signing-enabled", "false", "--v3-signing-enabled", "false", "--v4-signing-enabled", "false", path], check=True)
        made.append(path)
    return made


def verdict(program, path):
    """Exit status, and of a file that was judged all that is said of it but its size."""
    done = subprocess.run([program, "verify", *AS, path], capture_output=True)
    return told(done)


def told(done):
    if done.returncode not in (0, 1):
        return done.returncode, done.stderr.decode()
    row = json.loads(done.stdout)["files"][0]
    return done.returncode, json.dumps({key: value for key, value in row.items() if key not in ("path", "size")})


def main():
    program, folder, megabytes, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    first, second = make(folder, megabytes)
    size = first.stat().st_size
    target = folder / "target.apk"
    chance = random.Random(10)

    # What each content is by itself: those are the only verdicts that may be told.
    cut, extra = size * 3 // 5, b"more"
    known = {}
    for name, content in (("first", first), ("second", second)):
        known[verdict(program, content)] = name
    shutil.copyfile(first, target)
    os.truncate(target, cut)
    known[verdict(program, target)] = "truncated or appended to"
    shutil.copyfile(first, target)
    with open(target, "ab") as out:
        out.write(extra)
    known[verdict(program, target)] = "truncated or appended to"
    # What ends where it should not is the same either way.
    if len(known) not in (3, 4) or not {"first", "second"} <= set(known.values()):
        sys.exit("changing: the contents are not told apart")

    start = time.monotonic()
    verdict(program, first)
    whole = time.monotonic() - start
    counts, wrong = {}, []
    shutil.copyfile(first, target)
    for number in range(rounds):
        change = ("truncate", "append", "rename over")[number % 3]
        # The content at the start: what the last round left is undone, which writes little.
        if target.stat().st_size < size:
            with open(first, "rb") as source, open(target, "r+b") as out:
                source.seek(cut)
                out.seek(cut)
                shutil.copyfileobj(source, out, 1 << 20)
        os.truncate(target, size)
        child = subprocess.Popen([program, "verify", *AS, target], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0, whole * 1.1))
        if change == "truncate":
            os.truncate(target, cut)
        elif change == "append":
            with open(target, "ab") as out:
                out.write(extra)
        else:
            # By a name of the other one, so that no content is written.
            os.link(second, folder / "new")
            os.rename(folder / "new", target)
        out, err = child.communicate()
        done = told(subprocess.CompletedProcess([], child.returncode, out, err))
        name = known.get(done)
        if name is None and done[0] == 3 and ("changed while it was read" in done[1] or "cannot read" in done[1]):
            name = "changed"
        counts[name or "OTHERWISE"] = counts.get(name or "OTHERWISE", 0) + 1
        if name is None or b"panicked" in err:
            wrong.append((number, change, done))
        if change == "rename over":
            target.unlink()
            shutil.copyfile(first, target)
    for entry in wrong:
        print(entry, file=sys.stderr)
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{rounds} rounds on {size / 1e6:.0f} MB, the change at a random time of the {whole:.2f} s that it takes: {outcomes}; "
          f"{len(wrong)} deaths or verdicts on a mix")
    sys.exit(1 if wrong or counts.get("changed", 0) < rounds // 4 else 0)


main()
