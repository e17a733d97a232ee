"""Holds what we say of mutants against what apksig says: `compare.py DIRECTORY DIFFERENCES`.

DIRECTORY has mutants.tsv of tests/properties.rs and verdicts.tsv of Verdicts.java. Prints how many there are, in how many we agree,
and what each difference is explained by. Exit status 1 when one is not, or when an explanation is not needed.
"""

import pathlib
import sys
import tomllib


def read(path):
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {row[0].rsplit("/", 1)[-1]: row for row in (line.split("\t") for line in lines)}


def explains(entry, mutant, verdict):
    name, made, base, ours, codes, what = mutant
    if entry["ours"] != ours or base not in entry.get("bases", [base]) or made not in entry.get("classes", [made]):
        return False
    if ours == "rejected":
        return any(code.startswith(known) for code in codes.split(",") for known in entry["codes"])
    if verdict[1] == "rejected":
        return any(known in verdict[2].split(",") for known in entry["theirs"])
    pairs = (known.split(": ", 1) for known in entry["theirs"] if ": " in known)
    return any(verdict[1] == exception and message in verdict[2] for exception, message in pairs)


def main():
    directory, differences = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    entries = tomllib.loads(differences.read_text(encoding="utf-8"))["difference"]
    mutants, verdicts = read(directory / "mutants.tsv"), read(directory / "verdicts.tsv")
    used, unexplained, differing = [0] * len(entries), [], 0
    for name, mutant in mutants.items():
        verdict = verdicts[name]
        if (verdict[1] == "verified") == (mutant[3] == "verified"):
            continue
        differing += 1
        fitting = [place for place, entry in enumerate(entries) if explains(entry, mutant, verdict)]
        for place in fitting[:1]:
            used[place] += 1
        if not fitting:
            unexplained.append((mutant, verdict))
    for mutant, verdict in unexplained[:40]:
        print("unexplained:", *mutant, "| apksig:", *verdict[1:], file=sys.stderr)
    needless = [e["reason"] for e, count in zip(entries, used) if not count and not e.get("some")]
    for reason in needless:
        print("no mutant differs for this reason:", reason, file=sys.stderr)
    for entry, count in zip(entries, used):
        print(f"{count:6} {entry['reason']}", file=sys.stderr)
    print(f"{len(mutants)} mutants, {len(mutants) - differing} alike, {differing} differ, {len(unexplained)} unexplained")
    return 1 if unexplained or needless else 0


sys.exit(main())
