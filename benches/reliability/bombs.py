"""Files that ask for far more than they are: writes them, has the program judge each, and measures it. See 07-bombs.sh.

bombs.py PROGRAM TESTDATA
"""

import os
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

SECONDS = 2.0
MEGABYTES = 100
MANIFEST = None
MIB, GIB = 1 << 20, 1 << 30


def deflated(size, pattern=b"\0"):
    """`size` bytes of a repeated pattern, deflated, without ever having them all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = pattern * (MIB // len(pattern))
    out, left = [], size
    while left > 0:
        part = piece[:min(left, len(piece))]
        out.append(packer.compress(part))
        left -= len(part)
    return b"".join(out) + packer.flush()


def packed(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


class Zip:
    """An archive whose headers say what they are told to."""

    def __init__(self):
        self.body, self.directory, self.count = bytearray(), bytearray(), 0

    def entry(self, name, data, size=None, method=8, crc=0, at=None):
        name = name.encode() if isinstance(name, str) else name
        size = len(data) if size is None else size
        offset = len(self.body) if at is None else at
        fields = struct.pack("<HHHHHIII", 20, 0, method, 0, 0x21, crc, len(data), size & 0xFFFFFFFF)
        if at is None:
            self.body += b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + data
        self.directory += b"PK\1\2" + struct.pack("<H", 20) + fields
        self.directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, offset) + name
        self.count += 1
        return offset

    def stored(self, name, data):
        return self.entry(name, data, method=0, crc=zlib.crc32(data))

    def apk(self):
        """With the manifest of a real app."""
        self.entry("AndroidManifest.xml", packed(MANIFEST), len(MANIFEST), crc=zlib.crc32(MANIFEST))
        return self

    def build(self, block=b"", comment=b""):
        start = len(self.body) + len(block)
        end = struct.pack("<HHHHIIH", 0, 0, self.count & 0xFFFF, self.count & 0xFFFF, len(self.directory), start, len(comment))
        return bytes(self.body) + block + bytes(self.directory) + b"PK\5\6" + end + comment


def pair(number, value):
    return struct.pack("<QI", len(value) + 4, number) + value


def block(*pairs):
    body = b"".join(pairs)
    size = struct.pack("<Q", len(body) + 24)
    return size + body + size + b"APK Sig Block 42"


def prefixed(value):
    return struct.pack("<I", len(value)) + value


V2, V3 = 0x7109871A, 0xF05368C0
JAR = "META-INF/MANIFEST.MF", "META-INF/CERT.SF", "META-INF/CERT.RSA"
MAIN = b"Manifest-Version: 1.0\r\n\r\n"
SIGNATURE_MAIN = b"Signature-Version: 1.0\r\n\r\n"


def jar(manifest=None, signature=None, block_file=None):
    """An archive with the three files of a JAR signature, each (data, size)."""
    archive = Zip().apk()
    parts = (manifest, (packed(MAIN), len(MAIN))), (signature, (packed(SIGNATURE_MAIN), len(SIGNATURE_MAIN))), (block_file, (packed(b"0"), 1))
    for name, (given, usual) in zip(JAR, parts):
        archive.entry(name, *(given or usual))
    return archive


def sections(count):
    piece = b"".join(b"Name: f%d\r\nSHA-256-Digest: AAAA\r\n\r\n" % number for number in range(1000))
    content = MAIN + piece * (count // 1000)
    return packed(content), len(content)


def der(depth, indefinite):
    if indefinite:
        return b"\x30\x80" * depth + b"\0\0" * depth
    content, out = 0, []
    for _ in range(depth):
        length = content
        head = b"\x30" + (bytes([length]) if length < 128 else b"\x84" + struct.pack(">I", length))
        out.append(head)
        content += len(head)
    return b"".join(reversed(out))


def overlapping():
    """One kernel of zeros and many directory records that point at it."""
    archive = Zip().apk()
    data = deflated(64 * MIB)
    at = archive.entry("assets/0", data, 64 * MIB)
    for number in range(1, 60_000):
        archive.entry("assets/%d" % number, data, 64 * MIB, at=at)
    archive.entry("META-INF/MANIFEST.MF", packed(MAIN), len(MAIN))
    archive.entry("META-INF/CERT.SF", packed(SIGNATURE_MAIN), len(SIGNATURE_MAIN))
    archive.entry("META-INF/CERT.RSA", packed(b"0"), 1)
    return archive


def quoted(depth):
    """Signed entries in a fifield manner: each record begins in the body of the one before."""
    archive = Zip().apk()
    for number in range(depth):
        archive.entry("assets/%d" % number, b"", GIB, method=8)
    return archive


def nested(depth):
    inner = Zip().apk().build()
    for _ in range(depth):
        archive = Zip()
        archive.stored("base.apk", inner)
        archive.stored("toc.pb", b"")
        inner = archive.build()
    return inner


def many_members(count, size):
    """A container of members that inflate to far more than it is."""
    archive = Zip()
    data = deflated(size)
    for number in range(count):
        archive.entry("splits/%d.apk" % number, data, size)
    archive.stored("toc.pb", b"")
    return archive.build()


def axml(chunks):
    """A binary XML file of such chunks."""
    body = b"".join(chunks)
    return struct.pack("<HHI", 3, 8, 8 + len(body)) + body


def pool(strings, size):
    """A string pool that announces so many strings."""
    return struct.pack("<HHIIIIII", 1, 28, size, strings, 0, 0x100, 28, 0)


def start_elements(count):
    """So many elements, each in the one before."""
    element = struct.pack("<HHIIIIIHHHHHH", 0x102, 16, 36, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0, 20, 20, 0, 0, 0, 0)
    text = struct.pack("<HHIIIIII", 1, 28, 28 + 4 + 4, 1, 0, 0x100, 32, 0) + struct.pack("<I", 0) + b"\1\1a\0"
    return axml([text, element * count])


def with_manifest(data, size=None):
    archive = Zip()
    archive.entry("AndroidManifest.xml", packed(data) if size is None else data, len(data) if size is None else size)
    return archive


def bombs():
    """Each with its name and what of it must be said."""
    limit = "limit-exceeded"
    giant = deflated(GIB), GIB
    yield "manifest-mf-1-gib", jar(manifest=giant).build(), limit
    yield "signature-file-1-gib", jar(signature=giant).build(), limit
    yield "signature-block-file-1-gib", jar(block_file=giant).build(), limit
    yield "android-manifest-1-gib", with_manifest(*giant).build(), limit
    archive = jar()
    archive.entry("resources.arsc", *giant)
    yield "resources-1-gib", archive.build(), None
    archive = jar()
    archive.entry("stamp-cert-sha256", *giant)
    yield "stamp-file-1-gib", archive.build(), None
    archive = jar()
    archive.entry("assets/zeros", *giant)
    yield "entry-1-gib", archive.build(), None
    yield "manifest-mf-understated", jar(manifest=(giant[0], 100)).build(), None
    yield "android-manifest-understated", with_manifest(giant[0], 100).build(), None
    yield "android-manifest-overstated", with_manifest(packed(MANIFEST), 0xFFFFFFFF).build(), limit
    line = b"Created-By: a\r\n" + b" \r\n" * 4_000_000
    content = b"Manifest-Version: 1.0\r\n" + line + b"\r\n"
    yield "continuation-lines", jar(manifest=(packed(content), len(content))).build(), None
    yield "sections-60000", jar(manifest=sections(60_000)).build(), None
    yield "sections-300000", jar(manifest=sections(300_000)).build(), limit
    content = MAIN + b"Name: a\r\n" + b"".join(b"A%d-Digest: AAAA\r\n" % n for n in range(300_000)) + b"\r\n"
    yield "attributes-300000", jar(manifest=(packed(content), len(content))).build(), None
    archive = jar()
    for number in range(20_000):
        archive.stored(b"%05d" % number + b"n" * 500, b"")
    yield "long-names", archive.build(), None
    archive = jar()
    for number in range(4_000):
        archive.stored(b"%05d" % number + b"n" * 4_000, b"")
    yield "longer-names", archive.build(), limit
    archive = jar()
    for number in range(65_000):
        archive.stored(b"%d" % number, b"")
    yield "entries-65000", archive.build(), None
    archive = jar()
    for number in range(20_000):
        archive.stored(b"%05d" % number + b"\xff" * 400, b"")
    yield "names-not-utf-8", archive.build(), None
    archive = jar()
    for number in range(30_000):
        archive.stored(b"../" * 40 + b"%d" % number, b"")
    yield "names-that-climb", archive.build(), None
    yield "overlapping-entries", overlapping().build(), None
    yield "announced-1-gib-each", quoted(10_000).build(), None
    yield "nested-definite", jar(block_file=(lambda data: (packed(data), len(data)))(der(200_000, False))).build(), None
    yield "nested-indefinite", jar(block_file=(lambda data: (packed(data), len(data)))(der(1_000_000, True))).build(), None
    yield "unknown-pair-64-mib", Zip().apk().build(block(pair(0x12345678, bytes(64 * MIB)))), None
    yield "v2-value-64-mib", Zip().apk().build(block(pair(V2, bytes(64 * MIB)))), limit
    yield "pairs-65000", Zip().apk().build(block(*[pair(number + 100, b"") for number in range(65_000)])), None
    yield "pairs-200000", Zip().apk().build(block(*[pair(number + 100, b"") for number in range(200_000)])), limit
    empty = prefixed(b"") * 1_000_000
    yield "empty-signers", Zip().apk().build(block(pair(V2, prefixed(empty[:4 * MIB - 8])))), None
    signed = prefixed(empty[:3 * MIB]) + prefixed(b"") + prefixed(b"")
    yield "empty-digests", Zip().apk().build(block(pair(V2, prefixed(prefixed(prefixed(signed) + prefixed(b"") + prefixed(b"")))))), None
    signed = prefixed(b"") + prefixed(empty[:3 * MIB]) + prefixed(b"")
    yield "empty-certificates", Zip().apk().build(block(pair(V2, prefixed(prefixed(prefixed(signed) + prefixed(b"") + prefixed(b"")))))), None
    signed = prefixed(b"") + prefixed(b"") + struct.pack("<II", 0, 0) + prefixed(empty[:3 * MIB])
    yield "empty-attributes", Zip().apk().build(block(pair(V3, prefixed(prefixed(prefixed(signed) + bytes(8) + prefixed(b"") + prefixed(b"")))))), None
    yield "elements-300000-deep", with_manifest(start_elements(300_000)).build(), None
    yield "strings-announced", with_manifest(axml([pool(0x3FFFFFFF, 28)])).build(), None
    yield "containers-20-deep", nested(20), None
    yield "members-1-gib", many_members(1000, 16 * MIB), None
    yield "members-empty", many_members(60_000, 1), limit
    yield "ends-in-the-comment", Zip().apk().build(comment=(b"PK\5\6" + bytes(18)) * 2978), None
    yield "half-ends-in-the-comment", Zip().apk().build(comment=b"PK\5\6" * 16_383), None


def judge(program, path, *arguments):
    """What it says, its exit status, processor seconds and peak memory in MB. Killed after four times what it may take."""
    def capped():
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS * 4), int(SECONDS * 4)))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([program, *arguments, path], stdout=out, stderr=err, preexec_fn=capped)
        _, status, usage = os.wait4(child.pid, 0)
        out.seek(0)
        err.seek(0)
        said, told = out.read(), err.read()
    child.returncode = os.waitstatus_to_exitcode(status)
    return said, told, child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def faults(said, told, code, seconds, megabytes, wanted):
    if code not in (0, 1):
        yield f"exit status {code}"
    if b"panicked" in told or b"broke down" in said + told:
        yield "a panic"
    if seconds > SECONDS:
        yield f"{seconds:.1f} s"
    if megabytes > MEGABYTES:
        yield f"{megabytes:.0f} MB"
    if len(said) > 2_000_000:
        yield f"{len(said)} bytes of answer"
    if wanted and wanted.encode() not in said:
        yield f"no {wanted}"
    if b"limit-exceeded" in said and b"(--limit " not in said:
        yield "no name of a limit"


def main():
    global MANIFEST
    program, testdata = sys.argv[1], Path(sys.argv[2])
    from zipfile import ZipFile
    MANIFEST = ZipFile(testdata / "demo/store/games/knight-moves.apk").read("AndroidManifest.xml")
    slowest, largest, missed, count = ("", 0.0), ("", 0.0), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        cases = [(path.parent.name, path, None) for path in sorted(testdata.glob("bombs/*/app.apk"))]
        for name, data, wanted in bombs():
            path = Path(folder) / f"{name}.apk"
            path.write_bytes(data)
            cases.append((name, path, wanted))
        for name, path, wanted in cases:
            count += 1
            # What a scan does of a file beside its verdict, too: marks, names and icons.
            for arguments in (("verify",), ("scan", "--format", "jsonl", "--db", os.path.join(folder, "scan.db"))):
                measured = judge(program, path, *arguments)
                wrong = list(faults(*measured, wanted if arguments == ("verify",) else None))
                missed += bool(wrong)
                _, _, code, seconds, megabytes = measured
                slowest = max(slowest, (name, seconds), key=lambda pair: pair[1])
                largest = max(largest, (name, megabytes), key=lambda pair: pair[1])
                line = f"{name:<30} {arguments[0]:<6} {path.stat().st_size:>11,} bytes  exit {code}  {seconds:5.2f} s  {megabytes:5.1f} MB"
                print(line, "; ".join(wrong) and "MISSED: " + "; ".join(wrong), file=sys.stderr)
    print(f"{count} files, by `verify` and by `scan --db`: {count * 2 - missed} of {count * 2} runs within; "
          f"the slowest {slowest[1]:.2f} s ({slowest[0]}), the largest {largest[1]:.0f} MB ({largest[0]})")
    sys.exit(1 if missed else 0)


main()
