"""Compares what two apksigners said of the same files; see compat.sh."""

import difflib
import pathlib
import re
import sys
import tomllib

PREFIX = re.compile(
    r"^(ERROR|WARNING|INFO): "
    r"(JAR signer [^:]+: |APK Signature Scheme v[0-9.]+ signer #\d+(?:\([^)]*\))?: |SourceStamp: )?"
)


def lines(base: pathlib.Path, number: int) -> list[str]:
    """Exit status and both streams, with the words behind ERROR: and WARNING: left out."""
    read = lambda kind: (base / f"{number}.{kind}").read_text("utf-8", "replace")
    result = [f"exit {read('rc').strip()}"]
    for stream in ("out", "err"):
        crashed = False
        for line in read(stream).splitlines():
            issue = PREFIX.match(line)
            if line.startswith("Exception in thread"):
                # A stack trace of theirs is one line of ours.
                result.append(f"{stream}: ERROR: …")
                crashed = True
            elif issue:
                result.append(f"{stream}: {issue.group(0)}…")
            elif crashed or line.startswith(("\tat ", "Caused by: ")):
                continue
            elif re.match(r"^(Verif|DOES NOT|Number of|.*Signer.* (certificate|key|public key) )", line):
                result.append(f"{stream}: {line}")
            # What is left is the rest of a message that runs over several lines.
    return result


def main() -> int:
    work, exceptions = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    accepted = {}
    if exceptions.exists():
        for entry in tomllib.loads(exceptions.read_text("utf-8")).get("compat", []):
            accepted.update(dict.fromkeys(entry["files"], entry["reason"]))
    files = (work / "files").read_text("utf-8").splitlines()
    same = differ = explained = compared = 0
    for number, name in enumerate(files):
        theirs, ours = lines(work / "theirs", number), lines(work / "ours", number)
        compared += len(theirs)
        if theirs == ours:
            same += 1
            if name in accepted:
                differ += 1
                print(f"--- {name}: stands in the exceptions and no longer differs")
        elif name in accepted:
            explained += 1
        else:
            differ += 1
            print(f"--- {name}")
            for line in difflib.unified_diff(theirs, ours, "apksigner", "apkvouch", lineterm="", n=0):
                if not line.startswith(("---", "+++", "@@")):
                    print(f"    {line}")
    print(f"{len(files)} files, {compared} lines: {same} the same, {explained} explained, {differ} unexplained")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
