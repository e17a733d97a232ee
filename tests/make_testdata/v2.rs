//! APK Signature Scheme v2.

use super::Case;
use super::Keys;
use super::case;
use super::flip_last;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Signer;
use crate::builder::algorithm;
use crate::builder::attribute;
use crate::builder::id;
use crate::builder::signer::prefixed;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    const UNKNOWN: u32 = 0x0999;
    let Keys { a, b, rsa, .. } = keys;
    let by = |signer: Signer| Apk::new().v2(signer);
    let signer = || Signer::v2(a);
    let debug = Key::android_debug();
    let dsa = Key::named("dsa-2048-2");
    let rsa_1024 = Key::named("rsa-1024");
    let unknown_beside = |signer: Signer| {
        signer
            .before_signing(|data| data.digests.insert(0, (UNKNOWN, vec![7; 32])))
            .after_signing(|signer| signer.signatures.insert(0, (UNKNOWN, vec![7; 64])))
    };
    let other_certificate = b.certificate.clone();
    let two_algorithms = || signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::ECDSA_SHA512]);
    let many = |count| (0..count).fold(Apk::new(), |apk, _| apk.v2(signer()));
    vec![
        case("v2/honest", "signed with v2 alone: verified", by(signer())).verified(&["v2"], &[a]),
        case(
            "v2/rsa-pss",
            "RSA with PSS padding: verified",
            by(Signer::v2(rsa).algorithms(&[algorithm::RSA_PSS_SHA256])),
        )
        .verified(&["v2"], &[rsa])
        .apart("some builds of apksigner know no PSS"),
        case("v2/dsa", "DSA with a subgroup of 224 bits: verified", by(Signer::v2(&dsa)))
            .verified(&["v2"], &[&dsa])
            .warned(&["weak-key"]),
        case("v2/rsa-1024", "an RSA key of 1024 bits: verified", by(Signer::v2(&rsa_1024)))
            .verified(&["v2"], &[&rsa_1024])
            .warned(&["weak-key"]),
        case(
            "v2/android-debug",
            "signed by a certificate as of debug builds: verified",
            by(Signer::v2(&debug)),
        )
        .verified(&["v2"], &[&debug])
        .warned(&["debug-certificate"]),
        case(
            "v2/no-tail",
            "signed data without the four zero bytes that apksigner appends: verified",
            by({
                let mut signer = signer();
                signer.tail.clear();
                signer
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/tail-behind-public-key",
            "unsigned bytes behind the public key, which Android does not read: verified",
            by(signer().after_signing(|signer| signer.tail = b"hidden".to_vec())),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/digest-mismatch",
            "a byte of an entry is changed after signing",
            by(signer()).after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/directory-digest-mismatch",
            "a timestamp in the Central Directory is changed after signing",
            by(signer()).after_signing(|parts| parts.central_directory[12] ^= 1),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/comment-digest-mismatch",
            "a comment is added after signing",
            by(signer()).after_signing(|parts| parts.eocd.comment = b"!".to_vec()),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/signature-mismatch",
            "a bit of the signature is changed",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signatures[0].1);
            })),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/signed-data-changed",
            "a byte of the signed data is changed after signing",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signed_data);
            })),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/unselected-signature-mismatch",
            "a bad signature with SHA-256 beside a good one with SHA-512, which Android prefers: \
             verified",
            by(two_algorithms().after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/selected-signature-mismatch",
            "a good signature with SHA-256 beside a bad one with SHA-512, which Android prefers",
            by(two_algorithms().after_signing(|signer| flip_last(&mut signer.signatures[1].1))),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/public-key-mismatch",
            "the certificate is that of another key",
            by(signer().before_signing(move |data| {
                data.certificates[0].clone_from(&other_certificate);
            })),
        )
        .refused(&["v2-public-key-mismatch"]),
        case(
            "v2/no-certificates",
            "the list of certificates is empty",
            by(signer().before_signing(|data| data.certificates.clear())),
        )
        .refused(&["v2-no-certificates"]),
        case(
            "v2/malformed-certificate",
            "the certificate ends early",
            by(signer().before_signing(|data| data.certificates[0].truncate(40))),
        )
        .refused(&["v2-malformed-certificate"]),
        case(
            "v2/malformed-public-key",
            "the public key is not one",
            by(signer().after_signing(|signer| signer.public_key = b"no key".to_vec())),
        )
        .refused(&["v2-malformed-public-key"]),
        case(
            "v2/no-signatures",
            "the list of signatures is empty",
            by(signer().after_signing(|signer| signer.signatures.clear())),
        )
        .refused(&["v2-no-signatures"]),
        case(
            "v2/malformed-signature",
            "a signature record of three bytes",
            by(signer().bytes(|bytes| {
                let data_len = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
                bytes.truncate(4 + data_len);
                bytes.extend(prefixed(&prefixed(&[1, 2, 3])));
                bytes.extend(prefixed(b""));
            })),
        )
        .refused(&["v2-malformed-signature"]),
        case(
            "v2/unknown-algorithm",
            "a signature of an unknown algorithm before the known one: verified",
            by(unknown_beside(signer())),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/no-supported-signatures",
            "a signature of an unknown algorithm alone",
            by(signer()
                .before_signing(|data| data.digests[0].0 = UNKNOWN)
                .after_signing(|signer| signer.signatures[0].0 = UNKNOWN)),
        )
        .refused(&["v2-no-supported-signatures"]),
        case(
            "v2/algorithms-mismatch",
            "a digest of an algorithm that no signature has",
            by(signer().before_signing(|data| {
                data.digests.push((algorithm::ECDSA_SHA512, vec![7; 64]));
            })),
        )
        .refused(&["v2-algorithms-mismatch"]),
        case(
            "v2/malformed-attribute",
            "an attribute of two bytes, shorter than its id",
            by(signer().signed_bytes(|bytes| {
                // the empty list of attributes, and the four zero bytes behind it
                bytes.truncate(bytes.len() - 8);
                bytes.extend(prefixed(&prefixed(&[1, 2])));
            })),
        )
        .refused(&["v2-malformed-attribute"]),
        case(
            "v2/unknown-attribute",
            "an attribute of an unknown id: verified",
            by(signer().attribute(0x0102_0304, b"value")),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/no-signers",
            "the list of signers is empty",
            by(signer()).signing_block(|block| block.pair(id::V2).value = vec![0; 4]),
        )
        .refused(&["v2-no-signers"]),
        case(
            "v2/malformed-signers",
            "the list of signers is one byte longer than its pair",
            by(signer()).signing_block(|block| {
                block.pair(id::V2).value[0] += 1;
            }),
        )
        .refused(&["v2-malformed-signers"]),
        case(
            "v2/malformed-signer",
            "the signer ends in the middle of its public key",
            by(signer().bytes(|bytes| bytes.truncate(bytes.len() - 1))),
        )
        .refused(&["v2-malformed-signer"]),
        case("v2/two-signers", "two signers: verified", by(signer()).v2(Signer::v2(b)))
            .verified(&["v2"], &[a, b]),
        case(
            "v2/second-signer-mismatch",
            "two signers, the signature of the second changed",
            by(signer()).v2(Signer::v2(b).after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .refused(&["v2-signature-mismatch"]),
        case("v2/ten-signers", "ten signers, as many as Android accepts: verified", many(10))
            .verified(&["v2"], &[a; 10]),
        case("v2/eleven-signers", "eleven signers, one more than Android accepts", many(11))
            .refused(&["v2-too-many-signers"])
            .apart("newer than apksigner 31"),
        case(
            "v2/v3-stripped",
            "v2 mentions v3, and v3 was removed: Android 9 and up refuses",
            by(signer().attribute(attribute::STRIPPING_PROTECTION, &3_u32.to_le_bytes())),
        )
        .refused(&["v2-scheme-stripped"])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v2/verity",
            "a verity digest beside a chunked one, the block aligned: verified",
            by(signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/verity-alone",
            "a verity digest alone, which Android knows since 28: refused for 24",
            by(signer().algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .refused(&["v2-no-supported-signatures"])
        .verified_for(Some(28), None, &["v2"], &[a]),
        case(
            "v2/verity-digest-mismatch",
            "the verity digest is wrong and the chunked one right: Android 9 and up refuses",
            by(signer()
                .algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256])
                .before_signing(|data| data.digests[1].1[0] ^= 1)),
        )
        .refused(&["v2-digest-mismatch"])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v2/verity-misaligned",
            "a verity digest, but the block is not a multiple of 4096 bytes",
            by(signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256]))
                .signing_block(|block| block.pairs.retain(|pair| pair.id != id::PADDING)),
        )
        .refused(&["v2-digest-mismatch"]),
    ]
}
