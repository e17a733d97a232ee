//! The APK Signing Block around the schemes.

use super::Case;
use super::Keys;
use super::case;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Pair;
use crate::builder::Parts;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::id;

/// Puts bytes between signing block and Central Directory.
fn detach(parts: &mut Parts) {
    let block = parts.signing_block.as_ref().unwrap().encode().len();
    let directory = parts.central_directory.len();
    parts.eocd.directory_offset = Some(u32::try_from(parts.contents.len() + block + 16).unwrap());
    parts.eocd.directory_size = Some(u32::try_from(directory).unwrap());
    parts.central_directory.splice(0..0, [0; 16]);
}

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let (a, b) = (&keys.a, &keys.b);
    let v2 = || Apk::new().v2(Signer::v2(a));
    let other = Apk::new().v2(Signer::v2(b));
    let forged = move |parts: &mut Parts| {
        // The same contents, signed by someone else.
        let bytes = other.build();
        let start = bytes.windows(4).position(|window| window == id::V2.to_le_bytes()).unwrap();
        let len = u64::from_le_bytes(bytes[start - 8..start].try_into().unwrap());
        let value = bytes[start + 4..start + usize::try_from(len).unwrap()].to_vec();
        parts.signing_block.as_mut().unwrap().pairs.push(Pair::new(id::V2, value));
    };
    vec![
        case(
            "block/magic-wrong",
            "the magic of the signing block is changed: no signature is found",
            v2().signing_block(|block| block.magic[15] = b'3'),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["zip-gap"]),
        case(
            "block/sizes-differ",
            "the two sizes of the signing block differ: no signature is found",
            v2().signing_block(|block| block.header_size = Some(1000)),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-malformed"]),
        case(
            "block/size-too-small",
            "both sizes of the signing block are 23, less than its footer: no signature is found",
            v2().signing_block(|block| {
                block.header_size = Some(23);
                block.footer_size = Some(23);
            }),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-malformed"]),
        case(
            "block/sizes-differ-v1",
            "the two sizes differ and v1 does not mention v2: Android falls back to v1 and verifies",
            v2().v1(V1::by(a).schemes("")).signing_block(|block| block.header_size = Some(1000)),
        )
        .verified(&["v1"], &[a])
        .warned(&["signing-block-malformed"]),
        case(
            "block/sizes-differ-v1-protected",
            "the two sizes differ, v1 mentions v2: it was stripped",
            v2().v1(V1::by(a)).signing_block(|block| block.header_size = Some(1000)),
        )
        .refused(&["v1-scheme-stripped"])
        .warned(&["signing-block-malformed"]),
        case(
            "block/unknown-pair",
            "a pair of a channel packer behind v2, which nothing signs: verified",
            v2().pair(0x7177_7777, b"{\"channel\":\"x\"}"),
        )
        .verified(&["v2"], &[a]),
        case(
            "block/newer-scheme",
            "a pair of unknown id behind v2 that holds a signer: verified, but a newer Android might go by it",
            v2().after_signing(|parts| {
                let block = parts.signing_block.as_mut().unwrap();
                let value = block.pair(id::V2).value.clone();
                block.pairs.push(Pair::new(0x1234_5678, value));
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["newer-scheme-present"]),
        case("block/padding", "the block padded to 4096 bytes by a pair of zeros: verified", v2().aligned())
            .verified(&["v2"], &[a]),
        case(
            "block/second-v2-ignored",
            "another v2 pair behind the first, by another signer: the first counts",
            v2().after_signing(forged),
        )
        .verified(&["v2"], &[a])
        .warned(&["signing-block-duplicate-id"]),
        case(
            "block/first-v2-counts",
            "an empty v2 pair before the good one: the first counts",
            v2().signing_block(|block| block.pairs.insert(0, Pair::new(id::V2, vec![0; 4]))),
        )
        .refused(&["v2-no-signers"])
        .warned(&["signing-block-duplicate-id"]),
        case(
            "block/tail-garbage",
            "five bytes behind the pairs, which no one reads once v2 is found: verified",
            v2().signing_block(|block| block.tail = vec![1; 5]),
        )
        .verified(&["v2"], &[a])
        .warned(&["signing-block-tail-malformed"]),
        case(
            "block/pair-too-long-before",
            "a pair longer than the block stands before v2: no signature is found",
            v2().signing_block(|block| {
                let mut pair = Pair::new(0x7177_7777, b"short".to_vec());
                pair.len = Some(0x7fff_ffff);
                block.pairs.insert(0, pair);
            }),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-tail-malformed"]),
        case(
            "block/pair-too-short-before",
            "a pair of length 3, less than its id, stands before v2: no signature is found",
            v2().signing_block(|block| {
                let mut pair = Pair::new(0x7177_7777, b"short".to_vec());
                pair.len = Some(3);
                block.pairs.insert(0, pair);
            }),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-tail-malformed"]),
        case(
            "block/gap-before-eocd",
            "bytes between Central Directory and its end record: no signature is found",
            v2().before_signing(|parts| parts.before_eocd = vec![0; 4]),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-malformed", "zip-section-gap"]),
        case(
            "block/gap-before-eocd-v1",
            "bytes before the end record hide the signing block, and v1 does not mention v2: Android falls back to v1",
            v2().v1(V1::by(a).schemes("")).before_signing(|parts| parts.before_eocd = vec![0; 4]),
        )
        .verified(&["v1"], &[a])
        .warned(&["signing-block-malformed", "zip-section-gap"]),
        case(
            "block/gap-before-eocd-v1-protected",
            "bytes before the end record hide the signing block, v1 mentions v2: it was stripped",
            v2().v1(V1::by(a)).before_signing(|parts| parts.before_eocd = vec![0; 4]),
        )
        .refused(&["v1-scheme-stripped"])
        .warned(&["signing-block-malformed", "zip-section-gap"]),
        case(
            "block/detached",
            "bytes between signing block and Central Directory: no signature is found",
            v2().after_signing(detach),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-detached"]),
        case(
            "block/detached-v1",
            "bytes behind the signing block hide it, and v1 does not mention v2: Android falls back to v1",
            v2().v1(V1::by(a).schemes("")).after_signing(detach),
        )
        .verified(&["v1"], &[a])
        .warned(&["signing-block-detached"]),
        case(
            "block/detached-v1-protected",
            "bytes behind the signing block hide it, v1 mentions v2: it was stripped",
            v2().v1(V1::by(a)).after_signing(detach),
        )
        .refused(&["v1-scheme-stripped"])
        .warned(&["signing-block-detached"]),
        case(
            "block/magic-wrong-v1",
            "the magic is changed and v1 does not mention v2: Android falls back to v1",
            v2().v1(V1::by(a).schemes("")).signing_block(|block| block.magic[15] = b'3'),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-gap"]),
        case(
            "block/magic-wrong-v1-protected",
            "the magic is changed, v1 mentions v2: it was stripped",
            v2().v1(V1::by(a)).signing_block(|block| block.magic[15] = b'3'),
        )
        .refused(&["v1-scheme-stripped"])
        .warned(&["zip-gap"]),
        case(
            "block/zip64-locator",
            "the directory ends in what looks like a ZIP64 locator: Android finds no signature",
            Apk::new()
                .entry(Entry::stored("classes.dex", b"dex\n035\0").raw(|raw| {
                    raw.central[0].comment = [&b"PK\x06\x07"[..], &[0; 16]].concat();
                }))
                .v2(Signer::v2(a)),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["zip64", "signing-block-malformed"])
        .apart("apksig has no such check, the platform has"),
    ]
}
