//! APK Signature Scheme v4.

use super::Case;
use super::Keys;
use super::case;
use super::flip_last;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V4;
use crate::builder::algorithm;
use crate::builder::id;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    const NOT_LOOKED_AT: &str = "apksig does not look at it";
    let Keys { a, b, c, rsa } = keys;
    let apk = || min_sdk(28).v3(Signer::v3(a));
    let v4 = || V4::by(a);
    // The signature is right unless said otherwise, so that only the fault shows.
    let beside = |path, description, v4: V4| case(path, description, apk()).v4(&v4);
    let good = |case: Case| case.verified(&["v3", "v4"], &[a]);
    let with_code = |code: &str| {
        Apk::new().file("classes.dex", format!("dex\n035\0{code}").as_bytes()).v2(Signer::v2(rsa))
    };
    let other_certificate = b.certificate.clone();
    let other_key = b.public.clone();
    let mut cases = vec![
        case(
            "v4/honest",
            "a v4 signature beside v2 and v3, with its hash tree: verified",
            Apk::new().v2(Signer::v2(a)).v3(Signer::v3(a)),
        )
        .v4(&v4())
        .verified(&["v2", "v3", "v4"], &[a])
        .verified_for(Some(28), None, &["v3", "v4"], &[a])
        .verified_for(None, Some(27), &["v2", "v4"], &[a]),
        case("v4/over-v2", "a v4 signature beside v2 alone: verified", Apk::new().v2(Signer::v2(a)))
            .v4(&v4())
            .verified(&["v2", "v4"], &[a]),
        case("v4/rsa", "a v4 signature by an RSA key: verified", Apk::new().v2(Signer::v2(rsa)))
            .v4(&V4::by(rsa))
            .verified(&["v2", "v4"], &[rsa]),
        good(beside(
            "v4/no-tree",
            "the hash tree is left out, as it may be: verified",
            v4().after_signing(|file| file.tree = None),
        )),
        case(
            "v4/below-24",
            "a v4 signature of somebody else beside an APK that is verified for Android 6 alone, which reads v1 and nothing \
             else: verified there, refused elsewhere",
            Apk::new()
                .manifest(Manifest::new("com.example.app").min_sdk(21))
                .v1(V1::by(a))
                .v2(Signer::v2(a)),
        )
        .v4(&V4::by(b))
        .verified_for(None, Some(23), &["v1"], &[a])
        .refused(&["v4-signers-mismatch"]),
        case(
            "v4/verity",
            "a v4 signature bound to a verity digest: verified",
            min_sdk(28).v3(
                Signer::v3(a).sdk(28, NO_MAX_SDK).algorithms(&[algorithm::VERITY_ECDSA_SHA256]),
            ),
        )
        .v4(&v4().digest_of(algorithm::VERITY_ECDSA_SHA256))
        .verified(&["v3", "v4"], &[a]),
        case(
            "v4/stronger-digest",
            "the APK has digests with SHA-256 and SHA-512, and v4 is bound to the latter: verified",
            two_digests(keys),
        )
        .v4(&v4().digest_of(algorithm::ECDSA_SHA512))
        .verified(&["v2", "v4"], &[a]),
        case(
            "v4/weaker-digest",
            "the APK has digests with SHA-256 and SHA-512, and v4 is bound to the former",
            two_digests(keys),
        )
        .v4(&v4().digest_of(algorithm::ECDSA_SHA256))
        .refused(&["v4-digest-mismatch"]),
        case(
            "v4/rotated",
            "the v4 signature is by the new key, as that of v3 is: verified. Below API level 28, where nobody reads v3 or v4, \
             apksig holds it against the old key",
            Apk::new()
                .v2(Signer::v2(a))
                .v3(Signer::v3(b).lineage(&Lineage::from(a).to(b))),
        )
        .v4(&V4::by(b))
        .verified(&["v2", "v3", "v4"], &[b])
        .verified_for(None, Some(27), &["v2", "v4"], &[a])
        .apart("below API level 28 apksig does not see whom it belongs to"),
        case("v4/rotated-old-key", "the v4 signature is by the old key, that of v3 by the new one", {
            Apk::new().v2(Signer::v2(a)).v3(Signer::v3(b).lineage(&Lineage::from(a).to(b)))
        })
        .v4(&v4())
        .refused(&["v4-signers-mismatch"]),
        case("v4/other-apk", "the v4 signature file of another APK by the same signer", apk())
            .idsig(v4().sign(&apk().file("classes.dex", b"dex\n035\0something quite different")))
            .refused(&["v4-signature-mismatch"]),
        case(
            "v4/other-apk-of-the-same-size",
            "the v4 signature file of another APK of the same size by the same signer: its signature holds, its tree is another",
            with_code("not really code"),
        )
        .idsig(V4::by(rsa).sign(&with_code("not really kode")))
        .refused(&["v4-root-mismatch"]),
        beside("v4/other-signer", "the v4 signature is by somebody else", V4::by(b))
            .refused(&["v4-signers-mismatch"]),
        case(
            "v4/apk-changed",
            "the APK was changed after signing: its own signature tells first",
            apk().after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .idsig(v4().sign(&apk()))
        .refused(&["v3-digest-mismatch"]),
        case("v4/two-signers", "a v4 signature beside an APK with two v2 signers", {
            Apk::new().v2(Signer::v2(a)).v2(Signer::v2(b))
        })
        .v4(&v4())
        .refused(&["v4-multiple-signers"]),
        case("v4/over-v1", "a v4 signature beside an APK with v1 alone: Android refuses the pair", {
            let manifest = Manifest::new("com.example.app").min_sdk(21).target_sdk(29);
            Apk::new().manifest(manifest).v1(V1::by(a))
        })
        .v4(&v4())
        .refused(&["v4-without-v2-or-v3"])
        .verified_for(None, Some(23), &["v1"], &[a]),
        case("v4/unsigned", "a v4 signature file beside an APK without any signature", Apk::new())
            .v4(&v4())
            .refused(&["v1-no-manifest"]),
        // What is signed, changed.
        beside(
            "v4/root-changed",
            "a bit of the root hash is changed",
            v4().after_signing(|file| flip_last(&mut file.hashing.root_hash)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/root-wrong",
            "the signed root hash is not that of the APK",
            v4().hashing(|hashing| flip_last(&mut hashing.root_hash)),
        )
        .refused(&["v4-root-mismatch"]),
        beside(
            "v4/digest-changed",
            "a bit of the APK's digest is changed",
            v4().after_signing(|file| flip_last(&mut file.signing.apk_digest)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/digest-wrong",
            "the signed digest of the APK is another than that of its v3 signature",
            v4().before_signing(|(_, info)| flip_last(&mut info.apk_digest)),
        )
        .refused(&["v4-digest-mismatch"]),
        beside(
            "v4/certificate-changed",
            "a bit of the certificate is changed",
            v4().after_signing(|file| flip_last(&mut file.signing.certificate)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/no-certificate",
            "there is no certificate",
            v4().before_signing(|(_, info)| info.certificate.clear()),
        )
        .refused(&["v4-no-certificate"]),
        beside(
            "v4/malformed-certificate",
            "the certificate ends early",
            v4().before_signing(|(_, info)| info.certificate.truncate(100)),
        )
        .refused(&["v4-malformed-certificate"]),
        beside(
            "v4/public-key-mismatch",
            "the certificate is that of another key",
            v4().before_signing(move |(_, info)| info.certificate.clone_from(&other_certificate)),
        )
        .refused(&["v4-public-key-mismatch"]),
        beside(
            "v4/other-public-key",
            "the public key is another than the one that signed",
            v4().after_signing(move |file| file.signing.public_key.clone_from(&other_key)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/malformed-public-key",
            "the public key is no point of its curve",
            v4().after_signing(|file| flip_last(&mut file.signing.public_key)),
        )
        .refused(&["v4-malformed-public-key"]),
        beside(
            "v4/signature-changed",
            "a bit of the signature is changed",
            v4().after_signing(|file| flip_last(&mut file.signing.signature)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/malformed-signature",
            "the signature is no sequence of two numbers",
            v4().after_signing(|file| file.signing.signature.fill(7)),
        )
        .refused(&["v4-verify-exception"]),
        beside(
            "v4/unknown-algorithm",
            "an algorithm that Android does not know",
            v4().after_signing(|file| file.signing.algorithm = 0x0999),
        )
        .refused(&["v4-unknown-algorithm"]),
        beside(
            "v4/other-algorithm",
            "the algorithm is changed to one with another digest",
            v4().after_signing(|file| file.signing.algorithm = algorithm::ECDSA_SHA512),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/algorithm-of-another-key",
            "the algorithm is changed to one for another kind of key",
            v4().after_signing(|file| file.signing.algorithm = algorithm::RSA_SHA256),
        )
        .refused(&["v4-malformed-public-key"]),
        // The tree.
        beside(
            "v4/tree-changed",
            "a bit of the stored hash tree is changed",
            v4().after_signing(|file| file.tree.as_mut().unwrap()[5] ^= 1),
        )
        .refused(&["v4-tree-mismatch"]),
        beside(
            "v4/tree-changed-in-its-padding",
            "a bit of the zeros behind the hashes is changed",
            v4().after_signing(|file| flip_last(file.tree.as_mut().unwrap())),
        )
        .refused(&["v4-tree-mismatch"]),
        beside(
            "v4/tree-empty",
            "there is a hash tree, of no bytes",
            v4().after_signing(|file| file.tree = Some(Vec::new())),
        )
        .refused(&["v4-tree-mismatch"]),
        beside(
            "v4/tree-too-long",
            "the stored hash tree has a page too many",
            v4().after_signing(|file| file.tree.as_mut().unwrap().extend([0; 4096])),
        )
        .refused(&["v4-tree-mismatch"]),
        beside(
            "v4/tree-truncated",
            "the file ends inside the hash tree, which apksig takes for none",
            v4().bytes(|bytes| bytes.truncate(bytes.len() - 1)),
        )
        .refused(&["v4-tree-truncated"])
        .apart("apksig takes it for a file without a tree"),
        beside(
            "v4/tree-length-truncated",
            "the file ends inside the length of the hash tree",
            v4().bytes(|bytes| bytes.truncate(bytes.len() - 4096 - 2)),
        )
        .refused(&["v4-tree-truncated"])
        .apart("apksig takes it for a file without a tree"),
        beside(
            "v4/tree-length-negative",
            "the length of the hash tree is above 0x7fffffff",
            v4().after_signing(|file| file.tree_len = Some(0x8000_0000)),
        )
        .refused(&["v4-malformed"]),
        // The form of the file.
        beside("v4/empty", "the file is empty", v4().bytes(Vec::clear)).refused(&["v4-no-signatures"]),
        beside("v4/version-1", "version 1", v4().after_signing(|file| file.version = 1))
            .refused(&["v4-unsupported-version"]),
        beside("v4/version-3", "version 3", v4().after_signing(|file| file.version = 3))
            .refused(&["v4-unsupported-version"]),
        beside("v4/header-truncated", "the file ends in the signature", v4().bytes(|bytes| bytes.truncate(500)))
            .refused(&["v4-malformed"]),
        beside(
            "v4/length-negative",
            "the length of the first record is above 0x7fffffff",
            v4().bytes(|bytes| bytes[7] = 0x80),
        )
        .refused(&["v4-malformed"]),
        good(beside(
            "v4/trailing-bytes",
            "bytes behind the hash tree, which nothing reads: verified",
            v4().after_signing(|file| file.tail = b"hidden".to_vec()),
        )),
        good(beside(
            "v4/trailing-bytes-behind-root",
            "bytes behind the root hash, which nothing signs: verified",
            v4().after_signing(|file| file.hashing.tail = b"hidden".to_vec()),
        )),
        beside(
            "v4/hash-2",
            "a hash function that Android does not know; signed",
            v4().hashing(|hashing| hashing.hash_algorithm = 2),
        )
        .refused(&["v4-unsupported-hash"])
        .apart(NOT_LOOKED_AT),
        beside(
            "v4/block-size-13",
            "blocks of 8192 bytes; signed",
            v4().hashing(|hashing| hashing.log2_block_size = 13),
        )
        .refused(&["v4-unsupported-block-size"])
        .apart(NOT_LOOKED_AT),
        good(beside(
            "v4/salt-32",
            "a hash tree with a salt of 32 bytes, which fs-verity takes and incremental installation does not: verified",
            v4().salt(&[7; 32]),
        ))
        .apart("apksig builds the tree without a salt"),
        beside(
            "v4/salt-33",
            "a salt of 33 bytes, one more than fs-verity takes; the tree is built without it, as apksig does",
            v4().hashing(|hashing| hashing.salt = vec![7; 33]),
        )
        .refused(&["v4-salt-too-long"])
        .apart(NOT_LOOKED_AT),
        beside(
            "v4/salt-unused",
            "a salt is named, and the hash tree is built without it",
            v4().hashing(|hashing| hashing.salt = vec![7; 32]),
        )
        .refused(&["v4-root-mismatch"])
        .apart("apksig builds the tree without a salt"),
        case(
            "v4/largest",
            "8096 bytes before the hash tree, as many as Android takes: verified",
            Apk::new().v2(Signer::v2(rsa)),
        )
        .v4(&padded_to(rsa, 8096))
        .verified(&["v2", "v4"], &[rsa]),
        case("v4/too-large", "8097 bytes before the hash tree", Apk::new().v2(Signer::v2(rsa)))
            .v4(&padded_to(rsa, 8097))
            .refused(&["v4-too-large"])
            .apart(NOT_LOOKED_AT),
    ];
    cases.extend(further_entries(keys));
    cases.push(
        beside(
            "v4/entry-without-block",
            "an entry for v3.1 beside an APK that has no v3.1 block",
            v4().and(id::V31, a),
        )
        .refused(&["v4-multiple-signers"])
        .apart("apksigner 31 knows no further entries"),
    );
    cases.push(
        good(beside(
            "v4/entry-for-unknown-block",
            "an entry for a block that Android does not know, and so does not look for: verified",
            v4().and(0x1234_5678, c),
        ))
        .apart("apksigner 31 knows no further entries"),
    );
    cases
}

/// v4.1: an entry for the signer of v3.1.
fn further_entries(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let apk = || {
        let new = Signer::v3(b).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(b));
        min_sdk(28).v3(Signer::v3(a).sdk(24, 32)).v31(new)
    };
    let v41 = || V4::by(a).and(id::V31, b);
    let beside = |path, description, v4: V4| {
        // What is wrong with the entry for v3.1 matters where v3.1 is read.
        case(path, description, apk()).v4(&v4).apart("apksigner 31 knows no further entries")
    };
    vec![
        beside("v4/v31", "an entry for the v3.1 signer: verified", v41())
            .verified(&["v3", "v3.1", "v4"], &[b])
            .verified_for(None, Some(32), &["v3", "v4"], &[a]),
        beside("v4/v31-entry-missing", "no entry for the v3.1 signer: Android 13 and up refuses", V4::by(a))
            .refused(&["v4-signer-missing"])
            .verified_for(None, Some(32), &["v3", "v4"], &[a]),
        beside(
            "v4/v31-entry-of-other-signer",
            "the entry for v3.1 is by somebody else: Android 13 and up refuses",
            V4::by(a).and(id::V31, c),
        )
        .refused(&["v4-signers-mismatch"])
        .verified_for(None, Some(32), &["v3", "v4"], &[a]),
        beside(
            "v4/v31-entry-digest-wrong",
            "the entry for v3.1 is bound to another digest: Android 13 and up refuses",
            v41().before_signing(|(place, info)| {
                if *place == 1 {
                    flip_last(&mut info.apk_digest);
                }
            }),
        )
        .refused(&["v4-digest-mismatch"])
        .verified_for(None, Some(32), &["v3", "v4"], &[a]),
        beside(
            "v4/v31-entry-signature-changed",
            "a bit of the signature of the entry for v3.1 is changed",
            v41().after_signing(|file| flip_last(&mut file.blocks[0].1.signature)),
        )
        .refused(&["v4-signature-mismatch"]),
        beside(
            "v4/v31-entry-malformed",
            "the entry for v3.1 ends early",
            v41().after_signing(|file| {
                file.blocks.clear();
                file.raw_blocks.push((id::V31, vec![32, 0, 0, 0, 1, 2, 3]));
            }),
        )
        .refused(&["v4-malformed"]),
        beside("v4/v31-entry-twice", "two entries for the v3.1 signer", v41().and(id::V31, b))
            .refused(&["v4-multiple-signers"])
            .refused_for(None, Some(32), &["v4-multiple-signers"]),
        beside(
            "v4/v31-entry-trailing-bytes",
            "bytes behind the entry for v3.1, which nothing signs: verified",
            v41().after_signing(|file| file.blocks[0].1.tail = b"hidden".to_vec()),
        )
        .verified(&["v3", "v3.1", "v4"], &[b]),
    ]
}

fn two_digests(keys: &Keys) -> Apk {
    Apk::new().v2(Signer::v2(&keys.a).algorithms(&[algorithm::ECDSA_SHA256, algorithm::ECDSA_SHA512]))
}

/// A signature of that size, everything before the length of the tree counted. RSA, since its signatures have one length.
fn padded_to(rsa: &Key, size: usize) -> V4 {
    let with =
        |padding: usize| V4::by(rsa).before_signing(move |(_, info)| info.additional_data = vec![0; padding]);
    let plain = with(0).after_signing(|file| file.tree = None).sign(&Apk::new().v2(Signer::v2(rsa)));
    with(size - plain.len())
}
