"""Runs the sides of each comparison in turn and prints the tables of docs/performance.md. Started by benches/compare.sh.

    race.py PROGRAMS WORKLOAD RUNS [NAME...]

PROGRAMS is where the built programs are, WORKLOAD where the APKs are. Each pair is run in turn RUNS times after one run of
each that does not count, so everything is in the page cache; the figures are medians. Every side uses all cores.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PROGRAMS, WORKLOAD, RUNS, ONLY = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
CORES = os.cpu_count()
APKSIG = "/usr/share/java/apksig.jar"
OURS = str(PROGRAMS / "apkvouch")
NULL = os.open(os.devnull, os.O_RDWR)
left_out = []


class Failed(Exception):
    """A side that did not do its work."""


def spawn(argv):
    return os.posix_spawn(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, NULL, 1)])


def wait(pid, argv):
    """The seconds of processor time that the process took."""
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise Failed(" ".join(argv[:4]))
    return usage.ru_utime + usage.ru_stime


class Processes:
    """Commands that run at once."""

    def __init__(self, *commands):
        self.commands = commands

    def run(self):
        """Seconds until all have ended."""
        start = time.perf_counter()
        pids = [spawn(argv) for argv in self.commands]
        for pid, argv in zip(pids, self.commands):
            wait(pid, argv)
        return time.perf_counter() - start


class WarmJvm:
    """apksig in one JVM with a thread for each core, which has verified the files some times before."""

    jvm = None

    def __init__(self, files):
        if WarmJvm.jvm is None:
            command = ["java", "-Xmx4g", "-cp", f"{APKSIG}:{WORKLOAD / 'jvm'}", "Loop", str(CORES)]
            WarmJvm.jvm = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with tempfile.NamedTemporaryFile("w", suffix=".list", delete=False) as list_of_files:
            list_of_files.write("\n".join(files) + "\n")
        self.list = list_of_files.name
        for _ in range(3 if len(files) > 1 else 1):
            self.run()

    def run(self):
        self.jvm.stdin.write(self.list + "\n")
        self.jvm.stdin.flush()
        line = self.jvm.stdout.readline().strip()
        if not line.isdigit():
            raise Failed("apksig: " + line)
        return int(line) / 1e9


def files_of(name):
    return sorted(str(path) for path in (WORKLOAD / name).glob("*.apk"))


def ours(name):
    files = files_of(name)
    return [OURS, "verify", files[0]] if len(files) == 1 else [OURS, "scan", str(WORKLOAD / name)]


def bare(kind):
    return lambda name: Processes([str(PROGRAMS / "bare"), kind, *files_of(name)])


def rust_apk(name):
    program = PROGRAMS / "compare-rust-apk"
    if not program.exists():
        return None
    files = files_of(name)
    shares = [files[start::CORES] for start in range(min(CORES, len(files)))]
    return Processes(*[[str(program), *share] for share in shares])


def warm_jvm(name):
    return WarmJvm(files_of(name)) if (WORKLOAD / "jvm").exists() else None


RING, RING_512 = "reading, and hashing once with `ring`", "reading, and hashing once with `ring` (SHA-512)"
LANES, CHECKS = "bare multi-stream hashing", "bare multi-stream hashing, and two signature checks a file with `ring`"
DEFLATE, ZLIB = "bare `libdeflate` and SHA-256", "bare `zlib-rs` and SHA-256"
RUST_APK, JVM, APKSIGNER = "`rust-apk`", "apksig in a warm JVM", "Debian's `apksigner`, one process a file"
OTHERS = {
    RING: bare("ring-sha256"), RING_512: bare("ring-sha512"), LANES: bare("lanes-sha256"), CHECKS: bare("signatures"),
    DEFLATE: bare("libdeflate"), ZLIB: bare("zlib-rs"), RUST_APK: rust_apk, JVM: warm_jvm,
}
# Name, what it is, the most memory in MB, and against whom with the target: the most that ours / theirs may be.
WORKLOADS = [
    ("large", "one of 1.5 GB, v2 + v3", 16, [(RING, 0.60), (LANES, None), (RUST_APK, None), (JVM, None)]),
    ("sha512", "one of 250 MB, v2 + v3 with SHA-512", 16, [(RING_512, 0.30), (RUST_APK, None), (JVM, None)]),
    ("medium", "40 of 10 to 40 MB, v2 + v3", 100, [(LANES, 1.2), (RUST_APK, None), (JVM, None)]),
    ("large-v1", "one of 300 MB, v1", 32, [(ZLIB, 1.15), (DEFLATE, None), (RUST_APK, None), (JVM, None)]),
    ("medium-v1", "40 of 10 to 40 MB, v1", 100, [(ZLIB, 1.15), (DEFLATE, None), (RUST_APK, None), (JVM, None)]),
    ("small", "2,000 small, v2 + v3", 100, [(CHECKS, None), (JVM, 1 / 8), (RUST_APK, 1 / 4)]),
    ("small-v1", "2,000 small, v1", 100, [(ZLIB, None), (DEFLATE, None), (JVM, 1 / 5), (RUST_APK, 1 / 2.5)]),
]


def in_turn(first, second, runs):
    """The medians of both."""
    first.run(), second.run()
    pairs = [(first.run(), second.run()) for _ in range(runs)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def figure(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def row(what, mine, other, its, target):
    ratio = mine / its
    shown = "" if target is None else f"{target:.3g}, {'met' if ratio <= target else '**missed**'}"
    print(f"| {what} | {figure(mine)} | {other} | {figure(its)} | {ratio:.3f} | {shown} |", flush=True)


def each_file_alone():
    """One process a file, as many at once as there are cores."""
    apksigner = shutil.which("apksigner")
    if apksigner is None:
        left_out.append("apksigner: not installed")
        return
    files = files_of("small")[:20]

    def processes(*command):
        script = 'cores=$1 count=$2; shift 2; printf "%s\\0" "${@:1:count}" | xargs -0 -n 1 -P "$cores" "${@:count+1}"'
        return Processes(["/bin/bash", "-c", script, "-", str(CORES), str(len(files)), *files, *command])

    mine, its = in_turn(processes(OURS, "verify"), processes(apksigner, "verify"), RUNS)
    row("20 small, one process each", mine, APKSIGNER, its, None)


def one_small():
    """Processor time of one small file, in a process of its own."""
    path = files_of("small")[0]
    sides = {
        "ours": [OURS, "verify", path],
        "sha256sum": [shutil.which("sha256sum"), path],
        "nothing": [str(PROGRAMS / "bare"), "nothing"],
    }
    taken = {name: [] for name in sides}
    for _ in range(40 * RUNS):
        for name, argv in sides.items():
            taken[name].append(wait(spawn(argv), argv))
    mine, its, least = (median(taken[name]) for name in ("ours", "sha256sum", "nothing"))
    row("one small: processor time of the process", mine, "`sha256sum` on it", its, 1.5)
    row("", mine, "a Rust program that does nothing", least, None)
    print(f"| | {figure(mine)} | a millisecond | 1.0 ms | {mine / 1e-3:.3f} | 1, {'met' if mine <= 1e-3 else '**missed**'} |")


def memory(wanted):
    print("\n| peak memory | ours | at most | |\n|---|---|---|---|")
    for name, what, most, _ in wanted:
        result = subprocess.run([str(PROGRAMS / "peak"), *ours(name)], stdout=subprocess.PIPE, text=True, check=True)
        peak = int(result.stdout) * 1024 / 1e6
        print(f"| {what} | {peak:.1f} MB | {most} MB | {'met' if peak <= most else '**missed**'} |", flush=True)


def machine():
    cpu = Path("/proc/cpuinfo").read_text()
    field = lambda name: next((line.split(":", 1)[1].strip() for line in cpu.splitlines() if line.startswith(name)), "?")
    flags = field("flags").split()
    known = [flag for flag in ("sha_ni", "avx2", "avx512f", "avx512bw") if flag in flags]
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    model = f"{field('model name')}, family {field('cpu family')} model {field('model')}"
    print(f"Machine: {CORES} cores, {model} ({' '.join(known)}); Linux {platform.release()}; {rustc}.")
    print(f"Each pair {RUNS} times in turn, medians. Load when it began: {os.getloadavg()[0]:.1f}.\n", flush=True)


def main():
    wanted = [workload for workload in WORKLOADS if not ONLY or workload[0] in ONLY]
    machine()
    print("| workload | ours | against | theirs | ours / theirs | target |\n|---|---|---|---|---|---|", flush=True)
    for name, what, _, others in wanted:
        mine = Processes(ours(name))
        for other, target in others:
            try:
                its = OTHERS[other](name)
                if its is None:
                    left_out.append(f"{other}: not here")
                else:
                    mine_took, its_took = in_turn(mine, its, RUNS)
                    row(what, mine_took, other, its_took, target)
            except Failed as failure:
                # Theirs may be unable; ours may not.
                mine.run()
                left_out.append(f"{what} against {other}: fails ({failure})")
    if not ONLY or "one-small" in ONLY:
        each_file_alone()
        one_small()
    memory(wanted)
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.")
    if left_out:
        print("Left out: " + "; ".join(dict.fromkeys(left_out)) + ".")


try:
    main()
except Failed as failure:
    sys.exit(f"race: fails: {failure}")
finally:
    if WarmJvm.jvm is not None:
        WarmJvm.jvm.stdin.close()
        WarmJvm.jvm.wait()
