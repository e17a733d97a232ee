"""Registries that are not what their keeper has signed: none is believed. See 15-registry.sh.

registry.py PROGRAM ROUNDS
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

APK = Path("testdata/demo/store/news/daily-herald.apk").resolve()


class Keeper:
    """Two editions of a registry in one form, each with its signature."""

    def __init__(self, program, folder, form):
        self.program, self.folder, self.form = program, folder, form
        self.key = self.run("registry", "new-key", "k.key", "--no-password") and folder / "k.pub"
        registry = folder / f"r.{form}"
        self.run("registry", "init", "r.toml", "--id", "x", "--at", "2026-06-01", "--expires", "2099-12-31")
        self.run("registry", "add-subject", "r.toml", "somebody", "--name", "Somebody", "--at", "2026-06-01")
        self.run("registry", "add", "r.toml", str(APK), "--owner", "somebody", "--at", "2026-06-01")
        if form == "db":
            self.run("registry", "convert", "r.toml", "r.db")
        self.editions = []
        for number in (1, 2):
            if number == 2:
                self.run("registry", "add-subject", registry.name, "another", "--name", "Another", "--at", "2026-06-02")
            self.run("registry", "sign", registry.name, "--key", "k.key")
            self.editions.append((registry.read_bytes(), (folder / f"{registry.name}.minisig").read_bytes()))

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"registry: {' '.join(arguments)}: {done.stderr}")
        return True

    def gate(self, registry, signature, *arguments, key="k.pub"):
        """Exit status, standard output and standard error of a gate by these bytes."""
        path = self.folder / f"t.{self.form}"
        path.write_bytes(registry)
        signature_path = self.folder / f"{path.name}.minisig"
        signature_path.unlink(missing_ok=True)
        if signature is not None:
            signature_path.write_bytes(signature)
        command = [self.program, "gate", "--registry", path.name, "--registry-key", key, *arguments, str(APK)]
        return subprocess.run(command, cwd=self.folder, capture_output=True)


def altered(chance, data):
    """One change somewhere in `data`, and its name."""
    at = chance.randrange(len(data))
    kind = chance.choice(["flip", "flip", "byte", "cut", "insert", "remove", "repeat", "swap"])
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:], kind
    if kind == "byte":
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1:], kind
    if kind == "cut":
        return data[:at], kind
    size = chance.randrange(1, 64)
    if kind == "insert":
        return data[:at] + chance.randbytes(size) + data[at:], kind
    if kind == "remove":
        return data[:at] + data[at + size:], kind
    if kind == "repeat":
        return data[:at] + data[at:at + size] + data[at:], kind
    other = chance.randrange(len(data))
    low, high = sorted((at, other))
    return data[:low] + data[high:high + 1] + data[low + 1:high] + data[low:low + 1] + data[high + 1:], kind


def said(signature):
    """What of a signature file is signed or signs: its first comment says nothing."""
    lines = signature.split(b"\n")
    return [line.strip() for line in lines[1:] if line.strip()]


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    chance = random.Random(15)
    counts, believed, odd = {}, [], []
    with tempfile.TemporaryDirectory() as outer:
        keepers = []
        for form in ("toml", "db"):
            folder = Path(outer) / form
            folder.mkdir()
            keepers.append(Keeper(program, folder, form))
        stranger = Path(outer) / "stranger"
        stranger.mkdir()
        other = Keeper(program, stranger, "toml")
        for keeper in keepers:
            for registry, signature in keeper.editions:
                done = keeper.gate(registry, signature)
                if done.returncode not in (0, 1):
                    sys.exit(f"registry: the honest {keeper.form} is not believed: {done.stderr}")
        for number in range(rounds):
            keeper = keepers[number % 2]
            (old, old_signature), (new, new_signature) = keeper.editions
            kind = chance.choice(["registry", "registry", "registry", "signature", "mixed", "rollback", "stranger", "none", "key"])
            arguments, key = [], "k.pub"
            registry, signature = new, new_signature
            if kind == "registry":
                while registry == new:
                    registry, _ = altered(chance, new)
            elif kind == "signature":
                # The first line of it is a comment that nobody signs.
                while said(signature) == said(new_signature):
                    signature, _ = altered(chance, new_signature)
            elif kind == "mixed":
                registry, signature = chance.choice([(old, new_signature), (new, old_signature)])
            elif kind == "rollback":
                state = keeper.folder / "seen.json"
                state.unlink(missing_ok=True)
                arguments = ["--registry-state", state.name]
                if keeper.gate(new, new_signature, *arguments).returncode not in (0, 1):
                    sys.exit("registry: the newer edition is not believed")
                registry, signature = old, old_signature
            elif kind == "stranger":
                registry, signature = chance.choice([(new, other.editions[1][1]), other.editions[1]])
            elif kind == "none":
                signature = chance.choice([None, b"", b"\n" * 4])
            else:
                key = str(stranger / "k.pub")
            done = keeper.gate(registry, signature, *arguments, key=key)
            counts[kind] = counts.get(kind, 0) + 1
            if done.returncode in (0, 1):
                believed.append((number, keeper.form, kind))
            elif done.returncode != 2 or b"panicked" in done.stderr or done.stdout or not done.stderr.startswith(b"apkvouch: "):
                odd.append((number, keeper.form, kind, done.returncode, done.stderr[:300]))
        # The clock: what --at says goes before it, and without that a verdict is of that day.
        clocks = []
        for keeper in keepers:
            new, new_signature = keeper.editions[1]
            now = keeper.gate(new, new_signature, "--at", "2026-07-01", "--format", "json")
            for clock in ("1960-01-01", "1970-01-01 00:00:00", "2100-01-01"):
                shifted = subprocess.run(
                    ["faketime", "-f", f"@{clock}" if " " in clock else f"@{clock} 00:00:00", program, "gate", "--registry", f"t.{keeper.form}",
                     "--registry-key", "k.pub", "--at", "2026-07-01", "--format", "json", str(APK)],
                    cwd=keeper.folder, capture_output=True) if faketime() else None
                if shifted is not None:
                    clocks.append((shifted.returncode, shifted.stdout) == (now.returncode, now.stdout))
    for entry in odd + believed:
        print(entry, file=sys.stderr)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    same = f"; {sum(clocks)} of {len(clocks)} verdicts the same under a clock of 1960, 1970 and 2100" if clocks else "; no faketime, the clock was not shifted"
    print(f"{rounds} altered pairs ({kinds}), {len(believed)} believed, {len(odd)} refused otherwise than with exit status 2 and a line{same}")
    sys.exit(1 if believed or odd or not all(clocks) else 0)


def faketime():
    return subprocess.run(["sh", "-c", "command -v faketime"], capture_output=True).returncode == 0


main()
