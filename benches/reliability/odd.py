"""A directory of everything that is no honest file, and what a scan says of each. See 09-odd-directory.sh.

odd.py PROGRAM
"""

import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 5.0


def oddities(root, good):
    """Makes each, and gives its path with what its row must say: a status, or `none` for no row."""
    def file(name, data, status):
        path = os.path.join(root, os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
        return path, status

    def at(name):
        return os.path.join(root, os.fsencode(name))

    yield file("good.apk", good, "verified")
    yield file("empty.apk", b"", "malformed")
    yield file("one-byte.apk", b"P", "malformed")
    yield file("text.apk", b"#!/bin/sh\necho hello\n", "malformed")
    yield file("zeros.apk", bytes(100_000), "malformed")
    yield file("half.apk", good[:len(good) // 2], "malformed")
    yield file("tail.apk", good[len(good) // 2:], "malformed")
    yield file("end-only.apk", good[-22:], "malformed")
    yield file("empty-archive.apk", b"PK\5\6" + bytes(18), "malformed")
    yield file("appended.apk", good + b"x", "malformed")
    yield file("prepended.apk", b"x" + good, None)
    yield file("elf.apk", b"\x7fELF" + bytes(1000), "malformed")
    yield file("dex.apk", b"dex\n035\0" + bytes(1000), "malformed")
    yield file("gzip.apk", b"\x1f\x8b" + bytes(1000), "malformed")
    yield file("names/new\nline.apk", good, "verified")
    yield file("names/tab\tand\rreturn.apk", good, "verified")
    yield file("names/\x1b[2Jescape.apk", good, "verified")
    yield file("names/\u202egpj.apk", good, "verified")
    yield file("names/--registry=none.apk", good, "verified")
    yield file("names/-.apk", good, "verified")
    yield file("names/ .apk", good, "verified")
    yield file("names/.apk", good, "verified")
    yield file("names/.hidden.apk", good, "verified")
    yield file("names/" + "n" * 251 + ".apk", good, "verified")
    yield file("names/应用.apk", good, "verified")
    yield file("names/UPPER.APK", good, "verified")
    yield file(b"names/not-utf-8-\xff\xfe.apk", good, "verified")
    yield file("names/quote'\"$(touch pwned)`.apk", good, "verified")
    yield file("names/<script>.apk", good, "verified")
    yield file("names/=1+1.apk", good, "verified")
    deep = os.path.join(root, *[b"d" * 200] * 4)
    os.makedirs(deep)
    with open(os.path.join(deep, b"deep.apk"), "wb") as out:
        out.write(good)
    yield os.path.join(deep, b"deep.apk"), "verified"
    # Deeper than a path may be long: by its parts alone.
    here = os.open(root, os.O_RDONLY)
    for _ in range(25):
        os.mkdir(b"x" * 200, dir_fd=here)
        inner = os.open(b"x" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    out = os.open(b"unreachable.apk", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(out, good)
    os.close(out)
    os.close(here)
    yield at("x" * 200), "fault"
    os.mkdir(at("folder.apk"))
    yield at("folder.apk"), "none"
    os.mkfifo(at("fifo.apk"))
    yield at("fifo.apk"), "skipped"
    os.mkfifo(at("fifo"))
    yield at("fifo"), "skipped"
    listening = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)
    listening.bind("socket.apk")
    os.chdir(here)
    yield at("socket.apk"), "skipped"
    try:
        os.mknod(at("zero.apk"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        yield at("zero.apk"), "skipped"
    except PermissionError:
        print("odd: not allowed to make a device", file=sys.stderr)
    for name, target in [("link.apk", "good.apk"), ("dangling.apk", "nowhere"), ("loop.apk", "loop.apk"), ("up", ".."),
                         ("outside.apk", "/etc/hostname"), ("to-zero.apk", "/dev/zero"), ("to-proc.apk", "/proc/self/mem")]:
        os.symlink(target, at(name))
        yield at(name), "skipped"
    os.link(at("good.apk"), at("hard-link.apk"))
    yield at("hard-link.apk"), "verified"
    secret, _ = file("secret.apk", good, None)
    os.chmod(secret, 0)
    yield secret, "verified" if os.access(secret, os.R_OK) else "unjudged"
    with open(at("sparse.apk"), "wb") as out:
        try:
            out.truncate(4 << 40)
            wanted = "malformed"
        except OSError:
            out.truncate(4 << 30)
            wanted = "malformed"
    yield at("sparse.apk"), wanted
    yield file("good.apk.idsig", b"not a signature", "none")
    # It stands beside good.apk and speaks of it alone.
    os.remove(at("good.apk.idsig"))
    yield file("notes.txt", b"hello", "none")
    yield file("archive.zip", b"PK\5\6" + bytes(18), "none")


def snapshot(folder):
    found = set()
    for where, folders, files in os.walk(os.fsencode(folder)):
        found.update(os.path.join(where, name) for name in folders + files)
    return found


def main():
    program = sys.argv[1]
    good = Path("testdata/demo/store/games/knight-moves.apk").read_bytes()
    with tempfile.TemporaryDirectory() as outer:
        root = os.path.join(os.fsencode(outer), b"odd")
        os.mkdir(root)
        wanted = list(oddities(root, good))
        before = snapshot(outer)
        opened = {path: os.lstat(path).st_atime_ns for path, status in wanted if status == "skipped"}
        start = time.monotonic()
        with open(os.path.join(os.path.dirname(root), b"rows"), "w+b") as rows:
            child = subprocess.Popen([program, "scan", root, "--format", "jsonl"], stdout=rows, stderr=subprocess.PIPE,
                                     cwd=outer, stdin=subprocess.DEVNULL)
            try:
                _, told = child.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                sys.exit("odd: it hangs")
            seconds = time.monotonic() - start
            rows.seek(0)
            said = [json.loads(line) for line in rows]
        # What stands in no text is escaped there, and told apart by its bytes.
        rows = {}
        for row in said:
            if "path" in row:
                rows.setdefault(row["path"], row)
        missed = []
        for path, status in wanted:
            text = path.decode("utf-8", "surrogateescape")
            row = rows.get(text) or next((row for name, row in rows.items() if name.encode("utf-8", "replace") == path.decode("utf-8", "replace").encode("utf-8")), None)
            found = row and row["status"]
            if status == "fault":
                # Somewhere below it a path is too long, which is told.
                found = "fault" if any(name.startswith(text) and other["status"] == "unjudged" for name, other in rows.items()) else found
            if status is None:
                good_row = found is not None
            elif status == "none":
                good_row = found is None
            else:
                good_row = found == status
            print(f"{'as wanted' if good_row else 'MISSED':<9} {found or 'no row':<10} {text[len(outer) + 1:][:80]!r}", file=sys.stderr)
            if not good_row:
                missed.append(text)
        after = snapshot(outer) - {os.path.join(os.fsencode(outer), b"rows")}
        problems = [f"{len(missed)} rows otherwise"] if missed else []
        if child.returncode != 3:
            problems.append(f"exit status {child.returncode}")
        if seconds > SECONDS:
            problems.append(f"{seconds:.1f} s")
        if after != before:
            problems.append(f"written: {after ^ before}")
        if b"panicked" in told:
            problems.append("a panic")
        if any(byte < 0x20 and byte != 0x0A for byte in told):
            problems.append("a control character on standard error")
        # An unreadable or unreachable file is an error of the run, so 3; nothing was read that is no file.
        print(f"{len(wanted)} oddities, {len(wanted) - len(missed)} as wanted, exit status {child.returncode}, {seconds:.1f} s"
              + (": " + "; ".join(problems) if problems else "; nothing written, no FIFO waited for"))
        for path, status in wanted:
            if status in ("unjudged",):
                os.chmod(path, 0o600)
        subprocess.run(["rm", "-rf", root], check=True)
    sys.exit(1 if problems else 0)


main()
