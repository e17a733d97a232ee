//! The archive itself: end record, directory, entries.

use super::Case;
use super::Keys;
use super::case;
use super::prefix_first;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::archive::RawEntry;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = sections_and_manifest(keys);
    cases.extend(gaps(keys));
    cases.extend(headers(keys));
    cases.extend(names(keys));
    cases
}

const CODE: &[u8] = b"dex\n035\0not really code";

/// `classes.dex`, changed before v2 signs.
fn code(edit: impl Fn(&mut RawEntry) + 'static) -> Entry {
    Entry::stored("classes.dex", CODE).raw(edit)
}

fn sections_and_manifest(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = || Apk::new().v2(Signer::v2(a));
    let v1 = || Apk::new().v1(V1::by(a));
    let manifest = || Manifest::new("com.example.app").build();
    let prefix = || Entry::stored("a", b"").raw(|raw| raw.gap = b"dex\n035\0 leading bytes".to_vec());
    let with_manifest = |edit: fn(&mut RawEntry)| {
        Apk::new()
            .no_manifest()
            .entry(Entry::deflated("AndroidManifest.xml", &manifest()).raw(edit))
            .v2(Signer::v2(a))
    };
    vec![
        case(
            "zip/comment",
            "a comment that is signed: verified",
            v2().before_signing(|parts| {
                parts.eocd.comment = b"a comment".to_vec();
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/bytes-behind-eocd",
            "bytes behind the comment: no End of Central Directory is found",
            v2().bytes(|bytes| {
                bytes.extend_from_slice(b"!!!");
            }),
        )
        .refused(&["zip-no-eocd"]),
        case(
            "zip/eocd-magic-in-comment",
            "the signed comment holds the magic of another End of Central Directory, of wrong \
             length: the signature verifies, libziparchive takes that one and refuses to open",
            v2().before_signing(|parts| parts.eocd.comment = b"PK\x05\x06, as if it began here".to_vec()),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-ambiguous-eocd"]),
        case(
            "zip/not-a-zip",
            "a text of less than 22 bytes",
            Apk::new().bytes(|bytes| *bytes = b"not an archive".to_vec()),
        )
        .refused(&["zip-no-eocd"]),
        case(
            "zip/directory-outside",
            "the directory would begin behind its end record",
            v2().after_signing(|parts| {
                parts.eocd.directory_offset = Some(0x7fff_0000);
            }),
        )
        .refused(&["zip-bad-sections"]),
        case(
            "zip/record-magic",
            "a directory record without its magic: the archive cannot be read",
            v2().before_signing(|parts| parts.central_directory[0] = b'Q'),
        )
        .refused(&["zip-bad-directory"]),
        case(
            "zip/leading-bytes-v2",
            "signed bytes in front of the first entry: v2 covers them, current Android refuses to \
             open",
            Apk::new()
                .no_manifest()
                .entry(prefix())
                .file("AndroidManifest.xml", &manifest())
                .entries(prefix_first)
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-leading-bytes"]),
        case(
            "zip/janus",
            "DEX bytes in front of the first entry, v1 alone: apksig verifies, unpatched Android \
             5 to 8 would run them",
            Apk::new()
                .no_manifest()
                .entry(prefix())
                .file("AndroidManifest.xml", &manifest())
                .v1(V1::by(a))
                .entries(prefix_first),
        )
        .refused(&["janus"])
        .apart("apksig does not look for leading bytes"),
        case(
            "zip/duplicate-entry-v1",
            "two directory records of one name: v1 refuses",
            v1().entry(
                Entry::stored("classes.dex", b"dex\n035\0twice")
                    .raw(|raw| raw.central.push(raw.central[0].clone())),
            ),
        )
        .refused(&["v1-duplicate-entry"]),
        case(
            "zip/duplicate-entry-v2",
            "two directory records of one name: v2 covers both, libziparchive refuses to open",
            v2().entry(
                Entry::stored("classes.dex", b"dex\n035\0twice")
                    .raw(|raw| raw.central.push(raw.central[0].clone())),
            ),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-duplicate-entry"]),
        case(
            "zip/encrypted-flag",
            "the encryption bit set on a plain manifest, which Android ignores",
            with_manifest(|raw| {
                raw.local.flags |= 1;
                raw.central[0].flags |= 1;
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-encrypted-flag"]),
        case(
            "zip/method-unknown",
            "a deflated manifest of method 0x1234: Android inflates all that is not stored",
            with_manifest(|raw| {
                raw.local.method = 0x1234;
                raw.central[0].method = 0x1234;
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-method"]),
        case(
            "zip/local-name-longer",
            "the local name of the manifest is longer than the one in the directory",
            with_manifest(|raw| {
                raw.local.name.extend_from_slice(b".old");
            }),
        )
        .refused(&["zip-bad-entry"])
        .warned(&["zip-local-name-differs"]),
        case(
            "zip/local-size-differs",
            "the local size of the manifest differs from the one in the directory",
            with_manifest(|raw| {
                raw.local.uncompressed += 1;
            }),
        )
        .refused(&["zip-bad-entry"])
        .warned(&["zip-headers-disagree"]),
        case(
            "zip/data-descriptor",
            "sizes of the manifest stand in a data descriptor: verified",
            Apk::new()
                .no_manifest()
                .entry(Entry::deflated("AndroidManifest.xml", &manifest()).data_descriptor())
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/crc-wrong",
            "a wrong checksum of the manifest in both headers, which signature verification does \
             not check",
            with_manifest(|raw| {
                raw.local.crc ^= 1;
                raw.central[0].crc ^= 1;
            }),
        )
        .verified(&["v2"], &[a]),
        case("zip/manifest-missing", "signed, but without AndroidManifest.xml", v2().no_manifest())
            .refused(&["manifest-missing"]),
            case(
            "zip/method-unknown-stored",
            "a manifest that stands there as it is, of method 0x1234: Android's installer takes it as it stands",
            Apk::new()
                .no_manifest()
                .entry(Entry::stored("AndroidManifest.xml", &manifest()).raw(|raw| {
                    raw.local.method = 0x1234;
                    raw.central[0].method = 0x1234;
                }))
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-method"])
        .apart("apksig inflates all that is not stored, and breaks down"),
        case(
            "zip/leading-bytes-v1-v2",
            "signed bytes in front of the first entry, with v1 for older versions: v2 covers them",
            Apk::new()
                .manifest(Manifest::new("com.example.app").min_sdk(21))
                .entry(prefix())
                .v1(V1::by(a))
                .entries(prefix_first)
                .v2(Signer::v2(a)),
        )
        .verified(&["v1", "v2"], &[a])
        .warned(&["zip-leading-bytes"]),
    ]
}

/// Bytes that belong to nothing.
fn gaps(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = || Apk::new().v2(Signer::v2(a));
    let v1 = || Apk::new().v1(V1::by(a));
    let with_gap = |gap: Vec<u8>| v2().entry(code(move |raw| raw.gap.clone_from(&gap)));
    let header = |name: &[u8], extra: usize| {
        let lengths = [name.len(), extra].map(|len| u16::try_from(len).unwrap().to_le_bytes()).concat();
        [b"PK\x03\x04", &[0; 22][..], &lengths, name, &vec![0; extra]].concat()
    };
    vec![
        case(
            "zip/gap",
            "bytes between two entries, which v2 covers and v1 does not: verified",
            with_gap([&[0; 6][..], b"hidden payload"].concat()),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-gap"]),
        case("zip/gap-of-zeros", "zeros between two entries, as alignment leaves: verified", with_gap(vec![0; 4095]))
            .verified(&["v2"], &[a]),
        case(
            "zip/gap-filled",
            "a local header without name and content, as build tools put in place of removed entries: verified",
            with_gap([header(b"", 102), vec![0; 7]].concat()),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/gap-filled-with-data",
            "such a header with data in its extra field: verified",
            with_gap([header(b"", 102).as_slice(), b"hidden"].concat()),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-gap"]),
        case(
            "zip/gap-v1",
            "bytes put between two entries after v1 has signed, which does not cover them: verified",
            v1().entries(|entries| {
                let entry = entries[1].clone().raw(|raw| raw.gap = b"hidden payload".to_vec());
                entries[1] = entry;
            }),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-gap"]),
        case(
            "zip/hidden-entry-v1",
            "an entry without a directory record, added after v1 has signed: Android does not see it",
            v1().entries(|entries| {
                entries.push(Entry::stored("classes2.dex", b"more code").raw(|raw| raw.central.clear()));
            }),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-hidden-entry"]),
        case(
            "zip/directory-slack",
            "signed bytes behind the last directory record: Android goes by the number of records",
            v2().before_signing(|parts| parts.central_directory.extend_from_slice(b"slack")),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-directory-slack"]),
        case(
            "zip/directory-count-short",
            "the end record counts one record less than there are: Android does not see the last entry",
            v2().file("classes2.dex", b"more code").before_signing(|parts| parts.eocd.records -= 1),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-directory-slack", "zip-hidden-entry"]),
        case(
            "zip/section-gap-v1",
            "bytes between Central Directory and its end record, which v1 does not cover: verified",
            v1().before_signing(|parts| parts.before_eocd = b"between".to_vec()),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-section-gap"]),
    ]
}

/// Directory records and local headers.
fn headers(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let with = |edit: fn(&mut RawEntry)| Apk::new().entry(code(edit)).v2(Signer::v2(a));
    vec![
        case(
            "zip/overlap-same-header",
            "two directory records of different names point to one local header: v2 does not mind",
            with(|raw| {
                let mut other = raw.central[0].clone();
                other.name = b"classes2.dex".to_vec();
                raw.central.push(other);
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-overlap", "zip-local-name-differs"]),
        case(
            "zip/overlap-nested",
            "an entry lies inside the content of another, as in a bomb of overlapping entries",
            Apk::new()
                .entry(Entry::stored("inner", b"inside"))
                .entry(code(|raw| {
                    raw.body.resize(200, 0);
                    for size in [&mut raw.local.compressed, &mut raw.local.uncompressed] {
                        *size = 200;
                    }
                    (raw.central[0].compressed, raw.central[0].uncompressed) = (200, 200);
                }))
                .before_signing(|parts| {
                    // The header of `inner` again, inside classes.dex; its record points there.
                    let find = |name: &[u8]| {
                        parts.contents.windows(name.len()).position(|window| window == name).unwrap() - 30
                    };
                    let (inner, outer) = (find(b"inner"), find(b"classes.dex"));
                    let bytes = parts.contents[inner..outer].to_vec();
                    let at = outer + 100;
                    parts.contents[at..at + bytes.len()].copy_from_slice(&bytes);
                    let name = parts.central_directory.windows(5).position(|name| name == b"inner").unwrap();
                    parts.central_directory[name - 4..name]
                        .copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
                })
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-overlap", "zip-hidden-entry"]),
        case(
            "zip/content-beyond-directory",
            "an entry claims more content than there is before the directory: v2 does not mind",
            with(|raw| {
                (raw.local.compressed, raw.local.uncompressed) = (0xffff, 0xffff);
                (raw.central[0].compressed, raw.central[0].uncompressed) = (0xffff, 0xffff);
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-overlap"]),
        case(
            "zip/no-local-header",
            "something else stands where the directory says that a local header is: v2 does not mind",
            with(|raw| raw.local.magic = 0x0606_4b50),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-no-local-header", "zip-gap"]),
        case(
            "zip/local-name-differs",
            "an entry has another name in its local header: v2 does not mind, libziparchive does not find it",
            with(|raw| raw.local.name = b"classes.odd".to_vec()),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-local-name-differs"]),
        case(
            "zip/local-crc-differs",
            "the checksum in a local header is not that of the directory: v2 does not mind",
            with(|raw| raw.local.crc ^= 1),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"]),
        case(
            "zip/descriptor-flag-differs",
            "only the local header says that sizes follow the data: v2 does not mind",
            with(|raw| {
                raw.local.flags |= 8;
                raw.descriptor = [raw.local.crc, raw.local.compressed, raw.local.uncompressed]
                    .iter()
                    .flat_map(|field| field.to_le_bytes())
                    .collect();
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"]),
        case(
            "zip/descriptor-differs",
            "a data descriptor says another size than the directory: v2 does not mind",
            Apk::new()
                .entry(
                    Entry::deflated("classes.dex", CODE).data_descriptor().raw(|raw| raw.descriptor[12] ^= 1),
                )
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"]),
        case(
            "zip/descriptor-without-magic",
            "a data descriptor without its magic, which is optional: verified",
            Apk::new()
                .entry(
                    Entry::deflated("classes.dex", CODE)
                        .data_descriptor()
                        .raw(|raw| drop(raw.descriptor.drain(..4))),
                )
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/stored-with-two-sizes",
            "a stored entry whose compressed size is another than its size: Android goes by the size",
            with(|raw| {
                raw.local.compressed -= 1;
                raw.central[0].compressed -= 1;
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"]),
        case(
            "zip/method-differs",
            "the local header says deflate, the directory stored: Android goes by the directory",
            with(|raw| raw.local.method = 8),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-method"]),
        case(
            "zip/extra-length-negative",
            "the extra field of a local header is 0xfffd bytes long, -3 to Android before 4.4 (bug 9695860)",
            with(|raw| raw.local.extra_len = Some(0xfffd)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-long-field", "zip-overlap"]),
        case(
            "zip/extra-length-negative-v1",
            "the extra field of a local header is 0xfffd bytes long: v1 does not find the content",
            Apk::new().entry(code(|raw| raw.local.extra_len = Some(0xfffd))).v1(V1::by(a)),
        )
        .refused(&["zip-bad-entry"])
        .warned(&["zip-long-field", "zip-overlap"]),
        case(
            "zip/zip64-extra",
            "an entry has a field of ZIP64 in the directory: v2 does not mind",
            with(|raw| raw.central[0].extra = [&[1, 0, 16, 0][..], &[0; 16]].concat()),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip64"]),
        case(
            "zip/zip64-count",
            "a count of 0xffff, which sends libziparchive to a record of ZIP64 that is not there",
            Apk::new().v2(Signer::v2(a)).before_signing(|parts| parts.eocd.records_on_disk = 0xffff),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip64"]),
        case(
            "zip/zip64-end-record",
            "a count of 0xffff and a locator of ZIP64: the installer goes by another directory than the verifier",
            located(a, 0xffff),
        )
        .refused_for(Some(21), Some(23), &["zip64-end-record"])
        .apart("apksig does not look at it"),
        case(
            "zip/zip64-end-record-count-below",
            "a locator of ZIP64, and a count of 0xfffe, by which nobody is sent to it: verified with v1",
            located(a, 0xfffe),
        )
        .verified_for(Some(21), Some(23), &["v1"], &[a])
        .warned(&["zip64"]),
        case(
            "zip/method-unknown-v1",
            "an entry of method 0x1234 under v1: Android inflates it to verify, and takes it as it stands to run",
            Apk::new()
                .entry(Entry::deflated("classes.dex", b"dex\n035\0not really code").raw(|raw| {
                    raw.local.method = 0x1234;
                    raw.central[0].method = 0x1234;
                }))
                .v1(V1::by(a)),
        )
        .refused_for(Some(21), Some(23), &["v1-unknown-method"])
        .warned(&["zip-method"])
        .apart("apksig inflates all that is not stored"),
        case(
            "zip/symbolic-link",
            "an entry marked as a symbolic link of Unix, which Android takes for a file: verified",
            with(|raw| {
                raw.central[0].made_by = 0x0314;
                raw.central[0].external_attributes = 0xa1ff_0000;
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-symbolic-link"]),
        case(
            "zip/unix-attributes",
            "an entry with the attributes of a regular file of Unix: verified",
            with(|raw| {
                raw.central[0].made_by = 0x0314;
                raw.central[0].external_attributes = 0x81a4_0000;
            }),
        )
        .verified(&["v2"], &[a]),
    ]
}

/// Names of entries.
fn names(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = |name: &str| Apk::new().file(name, b"odd").v2(Signer::v2(a));
    let rename = |name: &'static [u8]| {
        Apk::new()
            .entry(Entry::stored("odd.txt", b"odd").raw(move |raw| {
                raw.local.name = name.to_vec();
                raw.central[0].name = name.to_vec();
            }))
            .v2(Signer::v2(a))
    };
    let later = |name: &'static str| {
        Apk::new()
            .manifest(Manifest::new("com.example.app").min_sdk(18))
            .v1(V1::by(a))
            .entries(move |entries| entries.push(Entry::stored(name, b"odd")))
    };
    vec![
        case(
            "zip/name-nul",
            "a NUL byte in the name of an entry: the signature holds, libziparchive refuses to open",
            v2("odd\0.txt"),
        )
        .refused(&["zip-name-not-allowed"])
        .apart("apksig does not look for NUL"),
        case(
            "zip/name-nul-v1",
            "a NUL byte in a name that v1 does not protect: Android 5.0 and up refuses to open",
            later("META-INF/odd\0.txt"),
        )
        .refused(&["zip-name-not-allowed"])
        .verified_for(None, Some(20), &["v1"], &[a])
        .warned(&["zip-name-not-allowed"])
        .apart("apksig does not look for NUL"),
        case(
            "zip/name-gbk",
            "a name in GBK, which is not UTF-8: the signature holds, libziparchive refuses to open",
            rename(b"\xd6\xd0\xce\xc4.txt"),
        )
        .refused(&["zip-name-not-allowed"])
        .apart("apksig does not mind"),
        case("zip/name-chinese", "the same name in UTF-8: verified", v2("\u{4e2d}\u{6587}.txt"))
            .verified(&["v2"], &[a]),
        case(
            "zip/name-not-utf8",
            "a name with surrogates, as Java writes it, which is not UTF-8: libziparchive takes it",
            rename(b"\xed\xa0\xbd\xed\xb8\x80.txt"),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-name-not-utf8"]),
        case("zip/name-newline", "a line break in the name of an entry: verified", v2("odd\n.txt"))
            .verified(&["v2"], &[a])
            .warned(&["zip-name-control-character"]),
        case("zip/name-trailing-space", "a name that ends in a space: verified", v2("classes.dex "))
            .verified(&["v2"], &[a])
            .warned(&["zip-name-trailing-space"]),
        case(
            "zip/name-traversal",
            "names with .., with a backslash and of an absolute path: verified, told in one finding",
            v2("../evil").file("assets/a/../b", b"").file("C:\\evil", b"").file("/etc/evil", b""),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-name-traversal"]),
        case(
            "zip/name-dots",
            "dots that mean nothing in names: verified",
            v2("assets/a..b/...").file(".a", b""),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/name-leaves-meta-inf",
            "a name that leads out of META-INF, added after v1 has signed, which does not protect it",
            later("META-INF/../classes2.dex"),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-name-leaves-meta-inf"]),
        case(
            "zip/name-case",
            "two names that differ in upper and lower case alone, one of which Android reads: verified",
            v2("Classes.DEX"),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-name-case"]),
        case(
            "zip/name-case-resources",
            "names of resources that differ in case alone, as obfuscation makes them: verified",
            v2("res/aB.xml").file("res/Ab.xml", b""),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/name-unicode-form",
            "two names that differ in Unicode form alone, in one letter or in two: two entries, verified",
            v2("assets/caf\u{e9}").file("assets/cafe\u{301}", b"another"),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/many-odd-names",
            "forty names with a control character: told in one finding",
            (0..40)
                .fold(Apk::new(), |apk, number| apk.file(&format!("a\x1b[2J{number}"), b""))
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-name-control-character"]),
    ]
}

/// Signed with v1, with a locator of ZIP64 before the end record, which counts `count` records on its disk.
fn located(key: &Key, count: u16) -> Apk {
    // The locator stands at the end of the directory: in the comment of the last entry, once v1 has signed.
    Apk::new()
        .v1(V1::by(key))
        .entries(|entries| {
            let last = entries.pop().unwrap();
            entries.push(last.raw(|raw| {
                raw.central[0].comment = [&b"PK\x06\x07"[..], &[0; 16]].concat();
            }));
        })
        .before_signing(move |parts| parts.eocd.records_on_disk = count)
}
