//! Attempts to pass for somebody else: `b` is the victim, who signed another app, `a` the attacker, who signs this one.
//!
//! None of them may ever be seen as signed by the victim; `tests/attacks.rs` holds each against a pin and a registry.

use super::Case;
use super::Keys;
use super::case;
use super::edit;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Key;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::SigningBlock;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::certificate::issuer_and_serial;
use crate::builder::der;
use crate::builder::id;
use crate::builder::v1::Pkcs7;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = blocks(keys);
    cases.extend(signature_block_files(keys));
    cases.extend(certificates(keys));
    cases
}

/// What stands in the APK Signing Block, or should.
fn blocks(keys: &Keys) -> Vec<Case> {
    let Keys { a: attacker, b: victim, .. } = keys;
    let by_attacker = || Apk::new().v2(Signer::v2(attacker));
    let of_victim = value_of(&Apk::new().v2(Signer::v2(victim)).build());
    let of_victims_app = value_of(&Apk::new().file("real", b"code").v2(Signer::v2(victim)).build());
    let also_by_victim = Pair::new(id::V2, of_victim.clone());
    let first_by_victim = Pair::new(id::V2, of_victims_app);
    let victims_block = SigningBlock::new(vec![Pair::new(id::V2, of_victim)]).encode();
    let another_block = victims_block.clone();
    vec![
        case(
            "attacks/v1-of-victim-beside-v2",
            "the victim's v1 signature over other content, v2 by the attacker: Android 7 and up reads v2 alone",
            min_sdk(24)
                .v1(V1::by(victim))
                .entries(edit("classes.dex", |entry| entry.data.push(b'!')))
                .v2(Signer::v2(attacker)),
        )
        .verified(&["v2"], &[attacker])
        .refused_for(Some(21), None, &["v1-entry-digest-mismatch"]),
        case(
            "attacks/victims-v2-second",
            "a v2 pair by the attacker, then one by the victim: Android reads the first",
            by_attacker().signing_block(move |block| block.pairs.push(also_by_victim.clone())),
        )
        .verified(&["v2"], &[attacker])
        .warned(&["signing-block-duplicate-id"]),
        case(
            "attacks/victims-v2-first",
            "the v2 pair of an app of the victim's, then one by the attacker: Android reads the first",
            by_attacker().signing_block(move |block| block.pairs.insert(0, first_by_victim.clone())),
        )
        .refused(&["v2-digest-mismatch"])
        .warned(&["signing-block-duplicate-id"]),
        case(
            "attacks/two-signing-blocks",
            "a whole signing block by the victim stands before the attacker's, who signs it as content",
            by_attacker().before_signing(move |parts| parts.contents.extend_from_slice(&victims_block)),
        )
        .verified(&["v2"], &[attacker])
        .warned(&["signing-block-detached"]),
        case(
            "attacks/two-signing-blocks-broken",
            "a signing block by the victim before one whose sizes differ: Android sees neither",
            by_attacker()
                .before_signing(move |parts| parts.contents.extend_from_slice(&another_block))
                .signing_block(|block| block.header_size = Some(1000)),
        )
        .refused(&["v1-no-manifest"])
        .warned(&["signing-block-malformed", "signing-block-detached"]),
        case(
            "attacks/v2-victims-certificate-second",
            "the victim's certificate stands behind the attacker's: the first names the signer",
            Apk::new().v2(Signer::v2(attacker).certificate(victim.certificate.clone())),
        )
        .verified(&["v2"], &[attacker]),
        case("attacks/v2-victims-certificate-first", "the victim's certificate stands before the attacker's", {
            let certificate = victim.certificate.clone();
            Apk::new().v2(
                Signer::v2(attacker)
                    .before_signing(move |data| data.certificates.insert(0, certificate.clone())),
            )
        })
        .refused(&["v2-public-key-mismatch"]),
        case("attacks/v2-victims-key", "certificate and public key of the victim around the attacker's signature", {
            let (certificate, public_key) = (victim.certificate.clone(), victim.public.clone());
            Apk::new().v2(
                Signer::v2(attacker)
                    .before_signing(move |data| data.certificates = vec![certificate.clone()])
                    .after_signing(move |signer| signer.public_key.clone_from(&public_key)),
            )
        })
        .refused(&["v2-signature-mismatch"]),
        case(
            "attacks/added-signer",
            "the victim's signature with one by the attacker beside it, who may add his own to anything he has",
            Apk::new().v2(Signer::v2(victim)).v2(Signer::v2(attacker)),
        )
        .verified(&["v2"], &[victim, attacker]),
    ]
}

/// What stands in the signature block files of v1, and how they are named.
fn signature_block_files(keys: &Keys) -> Vec<Case> {
    let Keys { a: attacker, b: victim, .. } = keys;
    let by = |signer: V1Signer| Apk::new().v1(V1::default().signer(signer));
    let by_attacker = || by(V1Signer::new(attacker));
    // A signature file and a block by the victim over another app, under other names, in front of those that count.
    let beside = |block: &'static str| {
        let victim = victim.clone();
        by_attacker().entries(move |entries| {
            let mut others = entries.clone();
            for entry in &mut others {
                entry.data.push(b'!');
            }
            let mut files = V1::by(&victim).sign(&others, "");
            files.remove(0);
            for (mut file, name) in files.into_iter().zip(["META-INF/A.SF", block]) {
                name.clone_into(&mut file.name);
                entries.insert(2, file);
            }
        })
    };
    vec![
        case(
            "attacks/victims-certificate-first-in-bag",
            "the victim's certificate stands first in the block, which the signature does not name",
            by(V1Signer::new(attacker).pkcs7(insert_certificate(victim))),
        )
        .verified(&["v1"], &[attacker]),
        case(
            "attacks/first-signer-info-by-victim",
            "two SignerInfos, the first names the victim and does not verify: Android 7 and up takes the other",
            min_sdk(21).v1(V1::default().signer(V1Signer::new(attacker).pkcs7(name_also(victim, true)))),
        )
        .refused(&["v1-signature-mismatch"])
        .verified_for(Some(24), None, &["v1"], &[attacker]),
        case(
            "attacks/second-signer-info-by-victim",
            "two SignerInfos, the second names the victim and does not verify: the first counts",
            min_sdk(21).v1(V1::default().signer(V1Signer::new(attacker).pkcs7(name_also(victim, false)))),
        )
        .verified(&["v1"], &[attacker]),
        case(
            "attacks/block-name-newline",
            "a block of the victim's whose name ends in a line break, which is no block to Android",
            beside("META-INF/A.EC\n"),
        )
        .verified(&["v1"], &[attacker])
        .warned(&["zip-name-control-character", "v1-unprotected-entry"]),
        case(
            "attacks/block-name-nul",
            "a block of the victim's whose name ends in NUL: Android refuses to open the file",
            beside("META-INF/A.EC\0"),
        )
        .refused(&["zip-name-not-allowed"])
        .apart("apksig does not look for NUL"),
        case(
            "attacks/block-name-lower-case",
            "a block of the victim's whose name is the attacker's in lower case: no block to Android",
            beside("META-INF/cert.ec"),
        )
        .verified(&["v1"], &[attacker])
        .warned(&["zip-name-case", "v1-unprotected-entry"]),
        case(
            "attacks/block-by-victim",
            "a block and signature file of the victim's, which cover other content, beside the attacker's",
            beside("META-INF/A.EC"),
        )
        .refused(&["v1-manifest-section-digest-mismatch"]),
    ]
}

/// Certificates that look like the victim's.
fn certificates(keys: &Keys) -> Vec<Case> {
    let Keys { a: attacker, b: victim, c: authority, .. } = keys;
    let named = |key: &Key, name: &str| {
        key.clone().with_certificate(Certificate::new(&[("CN", name)]).serial(7).self_signed(key))
    };
    let company = named(victim, "Victim Inc");
    let twin = named(attacker, "Victim Inc");
    let spelled = named(attacker, "victim  INC");
    let in_bag = |signer: &Key, certificates: [&Key; 2]| {
        let certificates = certificates.map(|key| key.certificate.clone()).to_vec();
        let change = move |pkcs7: &mut Pkcs7| pkcs7.certificates = Some(certificates.clone());
        Apk::new().v1(V1::default().signer(V1Signer::new(signer).pkcs7(change)))
    };
    let issued = |issuer: &Key| {
        let certificate = Certificate::new(&[("CN", "Anybody")]).serial(9).issuer(&[("CN", "Victim Inc")]);
        attacker.clone().with_certificate(certificate.signed_by(attacker, issuer))
    };
    let (honest, fake) = (issued(victim), issued(attacker));
    let renewed = attacker.clone().with_certificate(
        Certificate::new(&[("CN", "ec-p256")])
            .validity("210101000000Z", "491231235959Z")
            .self_signed(attacker),
    );
    let swap = renewed.certificate.clone();
    vec![
        case("attacks/twin-v1", "a certificate with the victim's names and serial number, v1", in_bag(&twin, [&twin; 2]))
            .verified(&["v1"], &[&twin]),
        case(
            "attacks/twin-v2",
            "a certificate with the victim's names and serial number, v2",
            Apk::new().v2(Signer::v2(&twin)),
        )
        .verified(&["v2"], &[&twin]),
        case(
            "attacks/twin-behind-victim",
            "the victim's certificate and its twin in one block: the first that fits is taken, and does not verify",
            in_bag(&twin, [&company, &twin]),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "attacks/issuer-spelled-otherwise-first",
            "issuers that differ in case and spaces are one to Android: the first certificate is taken, the attacker's",
            in_bag(&spelled, [&spelled, &company]),
        )
        .verified(&["v1"], &[&spelled]),
        case(
            "attacks/issuer-spelled-otherwise-second",
            "issuers that differ in case and spaces are one to Android: the first certificate is taken, the victim's",
            in_bag(&spelled, [&company, &spelled]),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "attacks/fake-id",
            "the attacker's certificate names the victim as its issuer, who did not sign it (Fake ID)",
            in_bag(&fake, [&fake, &company]),
        )
        .verified(&["v1"], &[&fake])
        .warned(&["fake-id"]),
        case(
            "attacks/chain",
            "a certificate that the named issuer did sign, with the issuer's behind it",
            in_bag(&honest, [&honest, &company]),
        )
        .verified(&["v1"], &[&honest]),
        case(
            "attacks/issuer-without-certificate",
            "a certificate that names an issuer whose certificate is not there: no chain",
            in_bag(&fake, [&fake, authority]),
        )
        .verified(&["v1"], &[&fake]),
        case(
            "attacks/certificate-exchanged",
            "another certificate of the same key, issuer and serial number, put there after signing: v1 does not cover it",
            Apk::new().v1(
                V1::default()
                    .signer(V1Signer::new(attacker).pkcs7(move |pkcs7| pkcs7.certificates = Some(vec![swap.clone()]))),
            ),
        )
        .verified(&["v1"], &[&renewed]),
    ]
}

/// The value of the v2 pair of an APK.
fn value_of(apk: &[u8]) -> Vec<u8> {
    let start = apk.windows(4).position(|window| window == id::V2.to_le_bytes()).unwrap();
    let len = u64::from_le_bytes(apk[start - 8..start].try_into().unwrap());
    apk[start + 4..start + usize::try_from(len).unwrap()].to_vec()
}

fn insert_certificate(of: &Key) -> impl Fn(&mut Pkcs7) + 'static {
    let certificate = of.certificate.clone();
    move |pkcs7| pkcs7.certificates.as_mut().unwrap().insert(0, certificate.clone())
}

/// Adds a SignerInfo that names `of`, with the signature of the one that is there.
fn name_also(of: &Key, first: bool) -> impl Fn(&mut Pkcs7) + 'static {
    let (issuer, serial) = issuer_and_serial(&of.certificate);
    let insert = insert_certificate(of);
    move |pkcs7| {
        insert(pkcs7);
        let mut info = pkcs7.signer_infos[0].clone();
        info.sid = der::sequence(&[issuer.clone(), serial.clone()]);
        pkcs7.signer_infos.insert(usize::from(!first), info);
    }
}
