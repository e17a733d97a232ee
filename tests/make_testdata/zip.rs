//! The archive itself: end record, directory, entries.

use super::Case;
use super::Keys;
use super::case;
use super::prefix_first;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::archive::RawEntry;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
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
        .verified(&["v2"], &[a]),
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
        .verified(&["v2"], &[a]),
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
        .verified(&["v2"], &[a]),
        case(
            "zip/encrypted-flag",
            "the encryption bit set on a plain manifest, which Android ignores",
            with_manifest(|raw| {
                raw.local.flags |= 1;
                raw.central[0].flags |= 1;
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/method-unknown",
            "a deflated manifest of method 0x1234: Android inflates all that is not stored",
            with_manifest(|raw| {
                raw.local.method = 0x1234;
                raw.central[0].method = 0x1234;
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/local-name-longer",
            "the local name of the manifest is longer than the one in the directory",
            with_manifest(|raw| {
                raw.local.name.extend_from_slice(b".old");
            }),
        )
        .refused(&["zip-bad-entry"]),
        case(
            "zip/local-size-differs",
            "the local size of the manifest differs from the one in the directory",
            with_manifest(|raw| {
                raw.local.uncompressed += 1;
            }),
        )
        .refused(&["zip-bad-entry"]),
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
    ]
}
