"""Changes the code of policy and schemes, one thing at a time, and looks whether a test notices. See 16-memory-safety.sh.

mutants.py SAMPLE SEED [TARGET_DIR]

What is changed, and to what, `cargo mutants --list` says; a sample of that is drawn by the seed. All mutants are compiled into one copy
of the sources, and a variable of the environment says which of them is the code that runs: so there is one build, and not one for each. A
function with mutants has its body once for each. What cannot be compiled that way (constants, closures as results) is built by itself,
and what does not compile then either is no mutant.

A mutant is caught when a test fails, or does not end in five times the time that it takes without a mutant, and at least 20 s.
"""

import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES = ("src/policy/**", "src/scheme/**")
# In this order, until one notices: unit tests, then the integration tests of what is changed, then those that take long.
SLOW = ("conformance::every_row", "stamp::no_flipped_bit", "cases::no_prefix", "v4::no_number")
TESTS = (
    ("lib", ["policy::", "scheme::", "verify::", "report::", "registry::", "ledger::", "marks::", "inspect::", "scan::"], ()),
    ("all", ["policy::", "cases::", "attacks::", "v32::", "v4::", "stamp::", "lineage::", "limits::", "gate::", "inspect::",
             "containers::", "marks::", "conformance::"], SLOW),
    ("all", list(SLOW), ()),
)
ACTIVE = '''
/// Which mutant is the code that runs.
pub(crate) fn mutant() -> u32 {
    static ACTIVE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ACTIVE.get_or_init(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
'''


def cargo(top, *arguments):
    return subprocess.run(["cargo", *arguments], cwd=top, capture_output=True, text=True)


class Text:
    """A source file, by lines and columns from 1."""

    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8")
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def at(self, place):
        return self.starts[place["line"] - 1] + place["column"] - 1

    def span(self, span):
        return self.at(span["start"]), self.at(span["end"])


def past(text, at):
    """Behind the comment, text or character that begins at `at`, or behind one character."""
    rest = text[at:]
    if rest.startswith("//"):
        return text.index("\n", at)
    if rest.startswith("/*"):
        return text.index("*/", at) + 2
    if rest[0] == '"':
        at += 1
        while text[at] != '"':
            at += 2 if text[at] == "\\" else 1
        return at + 1
    if rest[0] == "'" and (rest[1] == "\\" or rest[2] == "'"):
        return text.index("'", at + (3 if rest[1] == "\\" else 2)) + 1
    return at + 1


def body(text, start, end):
    """Where the body of the function between `start` and `end` begins, at its brace, and ends, behind it."""
    at, deep = start, 0
    while at < end:
        c = text[at]
        deep += (c in "([") - (c in ")]")
        if c == "{" and deep == 0:
            return at, text.rindex("}", at, end) + 1
        at = past(text, at)
    raise ValueError("a function without a body")


def mutated(text, mutant):
    """The file with that mutant alone."""
    start, end = text.span(mutant["span"])
    return text.text[:start] + mutant["replacement"] + text.text[end:]


def compile_together(sources, top, mutants):
    """Writes the files with all of `mutants`, by their numbers. Gives for each file which lines are whose."""
    owners = {}
    files = {}
    for number, mutant in mutants.items():
        files.setdefault(mutant["file"], {}).setdefault(json.dumps(mutant["function"]["span"]), []).append(number)
    for file, text in sources.items():
        out, lines, done = [], [], 0
        functions = sorted(files.get(file, {}).items(), key=lambda item: text.span(json.loads(item[0])))
        for span, numbers in functions:
            start, end = body(text.text, *text.span(json.loads(span)))
            if start < done:
                # In another function that has mutants of its own.
                continue
            out.append(text.text[done:start] + "{ match crate::mutant() {\n")
            for number in numbers:
                changed = mutated(text, mutants[number])
                longer = len(changed) - len(text.text)
                first = "".join(out).count("\n") + 1
                out.append(f"{number} => {changed[start:end + longer]}\n")
                lines.append((first, "".join(out).count("\n") + 1, number))
            out.append(f"_ => {text.text[start:end]}\n}} }}")
            done = end
        out.append(text.text[done:])
        Path(top, file).write_text("".join(out), encoding="utf-8")
        owners[file] = lines
    return owners


def placed(owners):
    return {number for lines in owners.values() for _, _, number in lines}


def at_fault(output, owners):
    """The mutants in whose lines the compiler finds errors."""
    found = set()
    for line in output.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
            continue
        parts = [message["message"], *message["message"]["children"]]
        for span in (span for part in parts for span in part["spans"]):
            for first, last, number in owners.get(span["file_name"], []):
                if first <= span["line_start"] <= last:
                    found.add(number)
    return found


def programs(top):
    """The test programs, built."""
    built = cargo(top, "test", "--locked", "--lib", "--test", "all", "--no-run", "--message-format=json")
    if built.returncode != 0:
        return None
    found = {}
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            found["lib" if "lib" in message["target"]["kind"] else "all"] = message["executable"]
    return found


def runs(top, programs, limits, number):
    """How long each part of the tests takes; where it fails, or takes longer than its limit, only the name of what noticed."""
    taken = []
    for part, (program, filters, skipped) in enumerate(TESTS):
        command = [programs[program], *filters, *(word for name in skipped for word in ("--skip", name))]
        environment = {**os.environ, "MUTANT": str(number), "RUST_BACKTRACE": "0", "CARGO_MANIFEST_DIR": str(top)}
        start = time.monotonic()
        try:
            done = subprocess.run(command, cwd=top, env=environment, capture_output=True, text=True, errors="replace",
                                  timeout=limits[part] if limits else None)
        except subprocess.TimeoutExpired:
            return "time"
        if done.returncode != 0:
            failed = [line for line in done.stdout.splitlines() if line.startswith("test ") and line.endswith("FAILED")]
            return failed[0].split()[1] if failed else f"exit status {done.returncode}"
        taken.append(time.monotonic() - start)
    return taken


def main():
    sample, seed = int(sys.argv[1]), int(sys.argv[2])
    listed = cargo(".", "mutants", "--list", "--json", *(word for file in FILES for word in ("-f", file)))
    if listed.returncode != 0:
        sys.exit(f"mutants: {listed.stderr}")
    every = json.loads(listed.stdout)
    drawn = random.Random(seed).sample(every, min(sample, len(every)))
    mutants = {number: mutant for number, mutant in enumerate(drawn, 1)}

    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        archive = top / "sources.tar"
        subprocess.run(["git", "archive", "--output", archive, "HEAD"], check=True)
        tarfile.open(archive).extractall(top, filter="fully_trusted")
        # The tests run for each mutant, and are built once.
        os.environ["CARGO_PROFILE_DEV_OPT_LEVEL"] = "1"
        os.environ["CARGO_TARGET_DIR"] = os.path.abspath(sys.argv[3] if len(sys.argv) > 3 else "target/mutants")
        sources = {mutant["file"]: Text(top / mutant["file"]) for mutant in drawn}
        library = top / "src/lib.rs"
        plain = library.read_text(encoding="utf-8")
        library.write_text(plain + ACTIVE, encoding="utf-8")
        together, alone = dict(mutants), {}
        while True:
            owners = compile_together(sources, top, together)
            for number in set(together) - placed(owners):
                alone[number] = together.pop(number)
            checked = cargo(top, "check", "--locked", "--lib", "--message-format=json")
            if checked.returncode == 0:
                break
            wrong = at_fault(checked.stdout, owners)
            if not wrong:
                sys.exit(f"mutants: cannot be compiled together\n{checked.stderr[-3000:]}")
            for number in wrong:
                alone[number] = together.pop(number)
        print(f"{len(together)} mutants in one program, {len(alone)} by themselves", file=sys.stderr)

        results = {}
        built = programs(top)
        if built is None:
            sys.exit("mutants: the tests cannot be built")
        usual = runs(top, built, None, 0)
        if isinstance(usual, str):
            sys.exit(f"mutants: {usual} fails without a mutant")
        at_once = max(1, (os.cpu_count() or 1) // 2)
        limits = [max(20.0, 5 * seconds * at_once) for seconds in usual]

        def judge(number):
            results[number] = runs(top, built, limits, number)
            said = results[number] if isinstance(results[number], str) else "MISSED"
            print(f"{said:<60} {mutants[number]['name']}", file=sys.stderr, flush=True)

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(judge, sorted(together)))
        no_mutants = []
        for number, mutant in sorted(alone.items()):
            for file, text in sources.items():
                Path(top, file).write_text(text.text, encoding="utf-8")
            Path(top, mutant["file"]).write_text(mutated(sources[mutant["file"]], mutant), encoding="utf-8")
            if cargo(top, "check", "--locked", "--lib").returncode != 0 or (built := programs(top)) is None:
                no_mutants.append(number)
                continue
            judge(number)

    missed = [number for number, result in results.items() if not isinstance(result, str)]
    share = 100 * (len(results) - len(missed)) / max(1, len(results))
    print(f"{len(results)} of {len(every):,} mutants, drawn by seed {seed}: {len(results) - len(missed)} caught, {share:.1f} %"
          f"; {len(no_mutants)} drawn besides do not compile")
    sys.exit(0 if share >= 95 else 1)


main()
