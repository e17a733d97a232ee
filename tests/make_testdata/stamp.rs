//! Source stamps: a distributor's mark, which never fails the app.

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
use crate::builder::SourceStamp;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::source_stamp::ENTRY;
use crate::builder::source_stamp::Signature;
use crate::builder::source_stamp::StampRecord;
use crate::builder::source_stamp::attribute;

const VERIFIED: &str = "STAMP_VERIFIED";
const FAILED: &str = "STAMP_VERIFICATION_FAILED";
const NOT_VERIFIED: &str = "STAMP_NOT_VERIFIED";
const MISSING: &str = "STAMP_MISSING";
const OTHER_CERTIFICATE: &str = "CERT_DIGEST_MISMATCH";
const ERROR: &str = "VERIFICATION_ERROR";
const TIME: u32 = 1_700_000_000;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = whole(keys);
    cases.extend(signatures(keys));
    cases.extend(attributes(keys));
    cases.extend(around(keys));
    cases
}

/// Signed with v2 and v3 by the developer.
fn app(keys: &Keys) -> Apk {
    Apk::new().v2(Signer::v2(&keys.a)).v3(Signer::v3(&keys.a))
}

/// By the distributor.
fn stamp(keys: &Keys) -> SourceStamp {
    SourceStamp::by(&keys.b)
}

/// An app whose stamp is in order.
fn good(path: &'static str, description: &'static str, keys: &Keys, apk: Apk) -> Case {
    case(path, description, apk).verified(&["v2", "v3", "stamp"], &[&keys.a]).stamped_by(&keys.b).checked(
        None,
        VERIFIED,
        &[],
    )
}

/// An app whose stamp does not verify, for one reason.
fn bad(
    path: &'static str,
    description: &'static str,
    keys: &Keys,
    stamp: SourceStamp,
    code: &'static str,
) -> Case {
    case(path, description, app(keys).stamp(stamp))
        .verified(&["v2", "v3"], &[&keys.a])
        .stamp(&[code])
        .stamped_by(&keys.b)
        .checked(None, FAILED, &[code])
}

/// The signatures over the digests of a scheme.
fn of_scheme(record: &mut StampRecord, id: u32) -> &mut Vec<Signature> {
    &mut record.schemes.iter_mut().find(|(scheme, _)| *scheme == id).unwrap().1
}

fn whole(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, rsa } = keys;
    let other_digests = Signer::v3(a).algorithms(&[algorithm::ECDSA_SHA512]);
    let v1 = || min_sdk(21).v1(V1::by(a));
    vec![
        case(
            "stamp/honest",
            "v1, v2 and v3 by the developer, stamped by a distributor: both verify, for every range",
            v1().v2(Signer::v2(a)).v3(Signer::v3(a)).stamp(stamp(keys)),
        )
        .verified(&["v1", "v2", "v3", "stamp"], &[a])
        .stamped_by(b)
        .verified_for(None, Some(23), &["v1", "stamp"], &[a])
        .stamped_by(b)
        .verified_for(Some(24), Some(27), &["v2", "stamp"], &[a])
        .stamped_by(b)
        .verified_for(Some(28), None, &["v3", "stamp"], &[a])
        .stamped_by(b)
        .checked(None, VERIFIED, &[])
        .checked(Some(b), VERIFIED, &[])
        .checked(Some(c), OTHER_CERTIFICATE, &["stamp-expected-digest-mismatch"]),
        case("stamp/v1-alone", "v1 alone, stamped: both verify", v1().stamp(stamp(keys)))
            .verified(&["v1", "stamp"], &[a])
            .stamped_by(b)
            .checked(None, VERIFIED, &[]),
        case(
            "stamp/rsa",
            "stamped with an RSA key, over digests of SHA-256 and SHA-512: both verify",
            Apk::new()
                .v2(Signer::v2(rsa).algorithms(&[algorithm::RSA_SHA512, algorithm::RSA_SHA256]))
                .stamp(SourceStamp::by(rsa)),
        )
        .verified(&["v2", "stamp"], &[rsa])
        .stamped_by(rsa),
        good(
            "stamp/no-attributes",
            "the stamp ends behind the schemes: both verify",
            keys,
            app(keys).stamp(stamp(keys).before_signing(|data| data.attributes = None)),
        ),
        case(
            "stamp/v31",
            "v3.1 beside v3.0: stamps do not cover it, both verify",
            min_sdk(28)
                .v3(Signer::v3(a).sdk(24, 32))
                .v31(Signer::v3(c).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(c)))
                .stamp(stamp(keys)),
        )
        .verified(&["v3", "v3.1", "stamp"], &[c])
        .stamp(&["stamp-scheme-not-available"])
        .stamped_by(b)
        .verified_for(None, Some(32), &["v3", "stamp"], &[a])
        .stamped_by(b)
        .checked(None, VERIFIED, &[])
        .apart("apksigner 31 knows no v3.1"),
        case("stamp/missing", "no stamp: only whoever asks for one finds fault with it", app(keys))
            .verified(&["v2", "v3"], &[a])
            .checked(None, MISSING, &["stamp-missing"])
            .checked(Some(b), MISSING, &["stamp-missing"]),
        case(
            "stamp/signature-missing",
            "the entry is there and the stamp is not, as in an app that was signed again",
            app(keys).file(ENTRY, &crate::builder::Hash::Sha256.digest(&b.certificate)),
        )
        .verified(&["v2", "v3"], &[a])
        .stamp(&["stamp-signature-missing"])
        .checked(None, NOT_VERIFIED, &["stamp-signature-missing"])
        .checked(Some(c), OTHER_CERTIFICATE, &["stamp-expected-digest-mismatch"]),
        case(
            "stamp/digest-entry-missing",
            "the stamp is there and the entry is not: Android sees no stamp",
            app(keys).stamp(stamp(keys).no_entry()),
        )
        .verified(&["v2", "v3"], &[a])
        .stamp(&["stamp-digest-entry-missing"])
        .stamped_by(b)
        .checked(None, NOT_VERIFIED, &["stamp-digest-entry-missing"])
        .apart("apksigner names no certificate of such a stamp"),
        case(
            "stamp/first-form",
            "a stamp of the first form, over v3 alone: it verifies, Android and apksigner no longer read it",
            Apk::new().v2(Signer::v2(a)).v3(other_digests).stamp(stamp(keys).first_form()),
        )
        .verified(&["v2", "v3", "stamp"], &[a])
        .stamp(&["stamp-obsolete-form"])
        .stamped_by(b)
        .verified_for(None, Some(27), &["v2"], &[a])
        .stamp(&["stamp-obsolete-form", "stamp-signature-mismatch"])
        .stamped_by(b)
        .verified_for(Some(28), None, &["v3", "stamp"], &[a])
        .stamp(&["stamp-obsolete-form"])
        .stamped_by(b)
        .checked(None, VERIFIED, &["stamp-obsolete-form"])
        .checked(Some(c), OTHER_CERTIFICATE, &["stamp-expected-digest-mismatch"])
        .apart("apksigner 31 does not read the first form"),
        case(
            "stamp/first-form-signature-mismatch",
            "a stamp of the first form over other content than the app's",
            app(keys).stamp(stamp(keys).first_form().before_signing(|data| data.schemes[1].1[0].1[0] ^= 1)),
        )
        .verified(&["v2", "v3"], &[a])
        .stamp(&["stamp-obsolete-form", "stamp-signature-mismatch"])
        .stamped_by(b)
        .checked(None, FAILED, &["stamp-obsolete-form", "stamp-signature-mismatch"])
        .apart("apksigner 31 does not read the first form"),
        good(
            "stamp/both-forms",
            "a good stamp of the second form beside a broken one of the first, which no one reads: both verify",
            keys,
            app(keys).stamp(stamp(keys).first_form().bytes(|bytes| bytes.truncate(9))).stamp(stamp(keys)),
        ),
    ]
}

fn signatures(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, rsa } = keys;
    let changed = |change: fn(&mut StampRecord)| stamp(keys).after_signing(change);
    let unknown = |record: &mut StampRecord| {
        for (_, signatures) in &mut record.schemes {
            signatures.insert(0, (0x0999, vec![0; 8]));
        }
    };
    let by_other_key = a.certificate.clone();
    let pss = Signer::v2(a);
    vec![
        bad(
            "stamp/malformed-certificate",
            "the certificate in the stamp is none",
            keys,
            changed(|record| record.certificate.truncate(40)),
            "stamp-malformed-certificate",
        )
        .without_stamp_certificate(),
        bad(
            "stamp/certificate-mismatch",
            "the entry names another certificate than the stamp's",
            keys,
            stamp(keys).entry(&crate::builder::Hash::Sha256.digest(&c.certificate)),
            "stamp-certificate-mismatch",
        ),
        bad(
            "stamp/entry-too-long",
            "the entry holds the digest and a byte more",
            keys,
            stamp(keys).entry(&[crate::builder::Hash::Sha256.digest(&b.certificate), vec![0]].concat()),
            "stamp-certificate-mismatch",
        ),
        bad(
            "stamp/truncated",
            "the stamp ends in the middle of its certificate",
            keys,
            stamp(keys).bytes(|bytes| bytes.truncate(40)),
            "stamp-malformed-signature",
        )
        .without_stamp_certificate(),
        bad(
            "stamp/malformed-signature",
            "a signature record is three bytes long",
            keys,
            // The record of v2, the first scheme: its length says 3.
            stamp(keys).bytes(|bytes| {
                let at = bytes.windows(4).position(|window| window == algorithm::ECDSA_SHA256.to_le_bytes());
                bytes[at.unwrap() - 4] = 3;
            }),
            "stamp-malformed-signature",
        ),
        bad(
            "stamp/signature-mismatch",
            "a bit of the signature over the digests of v3 is changed",
            keys,
            changed(|record| flip_last(&mut of_scheme(record, 3)[0].1)),
            "stamp-signature-mismatch",
        )
        .verified_for(None, Some(27), &["v2", "stamp"], &[a])
        .stamped_by(b),
        bad(
            "stamp/other-content",
            "the stamp is over the digest of other content than the app's",
            keys,
            stamp(keys).before_signing(|data| data.schemes[1].1[0].1[0] ^= 1),
            "stamp-signature-mismatch",
        )
        .verified_for(None, Some(27), &["v2", "stamp"], &[a])
        .stamped_by(b),
        bad(
            "stamp/scheme-missing",
            "the stamp signs v2 and not v3",
            keys,
            stamp(keys).before_signing(|data| data.schemes.retain(|(id, _)| *id == 2)),
            "stamp-no-signature",
        )
        .verified_for(None, Some(27), &["v2", "stamp"], &[a])
        .stamped_by(b),
        good(
            "stamp/scheme-unknown",
            "the stamp signs for a scheme 9 as well, which no one asks for: both verify",
            keys,
            app(keys).stamp(changed(|record| record.schemes.push((9, Vec::new())))),
        ),
        good(
            "stamp/scheme-twice",
            "two lists of signatures for v3, the first of them empty: the last counts, both verify",
            keys,
            app(keys).stamp(changed(|record| record.schemes.insert(0, (3, Vec::new())))),
        ),
        bad(
            "stamp/no-signatures",
            "no signature over the digests of v2",
            keys,
            changed(|record| of_scheme(record, 2).clear()),
            "stamp-no-signature",
        ),
        good(
            "stamp/unknown-algorithm",
            "a signature of an unknown algorithm beside a good one: both verify",
            keys,
            app(keys).stamp(stamp(keys).after_signing(unknown)),
        )
        .noting("stamp-unknown-algorithm")
        .apart("apksigner 31 refuses a stamp with a signature that it does not know"),
        case(
            "stamp/only-unknown-algorithms",
            "all signatures are of an unknown algorithm",
            app(keys).stamp(changed(|record| {
                for (_, signatures) in &mut record.schemes {
                    signatures[0].0 = 0x0999;
                }
            })),
        )
        .verified(&["v2", "v3"], &[a])
        .stamp(&["stamp-no-signature", "stamp-unknown-algorithm"])
        .stamped_by(b)
        .checked(None, FAILED, &["stamp-no-signature", "stamp-unknown-algorithm"]),
        bad(
            "stamp/verify-exception",
            "an RSA signature by a key on an elliptic curve",
            keys,
            changed(|record| of_scheme(record, 2)[0].0 = algorithm::RSA_SHA256),
            "stamp-verify-exception",
        ),
        bad(
            "stamp/certificate-of-another-key",
            "certificate and entry name somebody who has not signed the stamp",
            keys,
            stamp(keys)
                .entry(&crate::builder::Hash::Sha256.digest(&a.certificate))
                .after_signing(move |record| record.certificate.clone_from(&by_other_key)),
            "stamp-signature-mismatch",
        )
        .stamp_certificate(a),
        case(
            "stamp/no-supported-signature",
            "v1 and v2, stamped with RSA-PSS alone: Android 6.0 is the first to know that",
            min_sdk(21)
                .v1(V1::by(a))
                .v2(pss)
                .stamp(SourceStamp::by(rsa).algorithms(&[algorithm::RSA_PSS_SHA256])),
        )
        .verified_for(None, Some(22), &["v1"], &[a])
        .stamp(&["stamp-no-supported-signature"])
        .stamped_by(rsa)
        .verified_for(None, Some(23), &["v1", "stamp"], &[a])
        .stamped_by(rsa)
        .verified(&["v1", "v2", "stamp"], &[a])
        .stamped_by(rsa)
        .checked(None, FAILED, &["stamp-no-supported-signature"])
        .apart("its Java has no RSA-PSS under the name that apksigner asks for"),
    ]
}

fn attributes(keys: &Keys) -> Vec<Case> {
    const NO_TIME: &str = "apksigner 31 knows no time in a stamp";
    let Keys { a, b, c, .. } = keys;
    let with = |stamp: SourceStamp| app(keys).stamp(stamp);
    let history = || Lineage::from(c).to(b);
    let rotated = |lineage: Lineage| stamp(keys).lineage(&lineage);
    let time = TIME.to_le_bytes();
    vec![
        good(
            "stamp/time",
            "the stamp says when it was made: both verify",
            keys,
            with(stamp(keys).time(TIME.into())),
        )
        .stamp_time(TIME.into())
        .apart(NO_TIME),
        good(
            "stamp/time-and-more",
            "eight bytes behind the time, which no one reads: both verify",
            keys,
            with(stamp(keys).attribute(attribute::TIME, &[&time[..], &[0; 12]].concat())),
        )
        .stamp_time(TIME.into())
        .apart(NO_TIME),
        bad("stamp/time-zero", "the time is zero", keys, stamp(keys).time(0), "stamp-invalid-timestamp"),
        bad(
            "stamp/time-negative",
            "the time is before 1970",
            keys,
            stamp(keys).time(-1),
            "stamp-invalid-timestamp",
        ),
        bad(
            "stamp/time-too-short",
            "the time has four bytes",
            keys,
            stamp(keys).attribute(attribute::TIME, &time),
            "stamp-malformed-attribute",
        ),
        bad(
            "stamp/malformed-attribute",
            "an attribute has no room for its id",
            keys,
            stamp(keys).after_signing({
                let b = b.clone();
                move |record| {
                    let bytes = crate::builder::signer::prefixed_list([vec![0; 3]]);
                    let signature = crate::builder::signer::sign(&b, algorithm::ECDSA_SHA256, &bytes);
                    record.attributes = Some((bytes, vec![(algorithm::ECDSA_SHA256, signature)]));
                }
            }),
            "stamp-malformed-attribute",
        ),
        bad(
            "stamp/attributes-changed",
            "the attributes are not those that were signed",
            keys,
            stamp(keys).time(TIME.into()).after_signing(|record| {
                let (bytes, _) = record.attributes.as_mut().unwrap();
                let time = bytes.len() - 8;
                bytes[time..].fill(0);
            }),
            "stamp-signature-mismatch",
        ),
        bad(
            "stamp/attributes-not-signed",
            "no signature over the attributes",
            keys,
            stamp(keys).after_signing(|record| record.attributes.as_mut().unwrap().1.clear()),
            "stamp-no-signature",
        ),
        good(
            "stamp/unknown-attribute",
            "an attribute of unknown meaning: both verify",
            keys,
            with(stamp(keys).attribute(0x1234_5678, b"?")),
        )
        .noting("stamp-unknown-attribute")
        .apart("apksigner 31 refuses a stamp with an attribute that it does not know"),
        good(
            "stamp/lineage",
            "the distributor's key was rotated, which the stamp proves: both verify",
            keys,
            with(rotated(history())),
        ),
        bad(
            "stamp/lineage-wrong-order",
            "the stamp's certificate is the first of its history, not the last",
            keys,
            rotated(Lineage::from(b).to(c)),
            "stamp-lineage-certificate-mismatch",
        ),
        bad(
            "stamp/lineage-version-2",
            "a history of version 2: apksig reports another certificate than the stamp's",
            keys,
            rotated(history().version(2)),
            "stamp-lineage-certificate-mismatch",
        ),
        bad(
            "stamp/lineage-signature-mismatch",
            "the old key has not signed the new certificate",
            keys,
            rotated(history().after_signing(|nodes| flip_last(&mut nodes[1].signature))),
            "stamp-lineage-signature-mismatch",
        ),
        bad(
            "stamp/lineage-truncated",
            "the history ends in the middle of a certificate",
            keys,
            rotated(history().bytes(|bytes| bytes.truncate(bytes.len() - 1))),
            "stamp-malformed-lineage",
        ),
        bad(
            "stamp/lineage-empty",
            "a history without certificates",
            keys,
            rotated(history().bytes(|bytes| bytes.truncate(4))),
            "stamp-malformed-lineage",
        ),
        good(
            "stamp/trailing-bytes",
            "bytes behind the stamp, which no one reads and nothing signs: both verify",
            keys,
            with(stamp(keys).bytes(|bytes| bytes.extend_from_slice(b"hidden"))),
        )
        .noting("stamp-trailing-bytes"),
        case(
            "stamp/same-key-as-app",
            "the developer has stamped the app: both verify",
            with(SourceStamp::by(a)),
        )
        .verified(&["v2", "v3", "stamp"], &[a])
        .stamped_by(a),
    ]
}

/// Stamps on apps that do not verify, and on odd archives.
fn around(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    vec![
        case(
            "stamp/app-changed",
            "the content is not the one that was signed: the app is refused, its stamp not looked at; alone, the \
             stamp holds for what the signers list",
            app(keys).stamp(stamp(keys)).after_signing(|parts| {
 let at = parts.contents.windows(6).position(|window| window == b"really");
 parts.contents[at.unwrap()] ^= 1; }),
        )
        .refused(&["v3-digest-mismatch"])
        .checked(None, VERIFIED, &[]),
        case(
            "stamp/app-signature-mismatch",
            "a bit of the signature of v2 is changed: the stamp has nothing to stand on",
            Apk::new()
                .v2(Signer::v2(a).after_signing(|signer| flip_last(&mut signer.signatures[0].1)))
                .stamp(stamp(keys)),
        )
        .refused(&["v2-signature-mismatch"])
        .checked(None, ERROR, &["v2-signature-mismatch"]),
        case(
            "stamp/v2-broken",
            "a bit of the signature of v2 is changed: Android 9 and up reads v3 alone, and so does its stamp",
            Apk::new()
                .v2(Signer::v2(a).after_signing(|signer| flip_last(&mut signer.signatures[0].1)))
                .v3(Signer::v3(a))
                .stamp(stamp(keys)),
        )
        .refused(&["v2-signature-mismatch"])
        .verified_for(Some(28), None, &["v3", "stamp"], &[a])
        .stamped_by(b)
        .checked(None, ERROR, &["v2-signature-mismatch"])
        .checked_from(28, VERIFIED, &[]),
        case(
            "stamp/v1-alone-target-30",
            "v1 alone, for Android 11: a stamp is no newer signature",
            Apk::new()
                .manifest(Manifest::new("com.example.app").min_sdk(21).target_sdk(30))
                .v1(V1::by(a))
                .stamp(stamp(keys)),
        )
        .refused(&["target-sdk-scheme-not-met"])
        .stamped_by(b)
        .verified_for(None, Some(29), &["v1", "stamp"], &[a])
        .stamped_by(b)
        .checked(None, VERIFIED, &[]),
        case(
            "stamp/unsigned",
            "no signature at all, and a stamp over nothing, as it would fit any unsigned app",
            Apk::new().stamp(stamp(keys).before_signing(|data| data.schemes.push((1, Vec::new())))),
        )
        .refused(&["v1-no-manifest"])
        .checked(None, FAILED, &["stamp-no-signature"]),
        case(
            "stamp/signers-differ",
            "v1 and v2 are by different signers: apksig refuses the app, its stamp verifies",
            min_sdk(21).v1(V1::by(a)).v2(Signer::v2(c)).stamp(stamp(keys)),
        )
        .refused(&["v1-signer-missing", "v2-signer-missing"])
        .stamped_by(b)
        .checked(None, VERIFIED, &[]),
        case(
            "stamp/entry-unreadable",
            "the local header of the entry names another file: Android takes the app, v2 covers it",
            app(keys).entries(|entries| {
                let entry = entries.iter_mut().find(|entry| entry.name == ENTRY).unwrap();
                *entry = entry.clone().raw(|raw| raw.local.name = b"stamp-cert-sha257".to_vec());
            })
            .stamp(stamp(keys)),
        )
        .verified(&["v2", "v3"], &[a])
        .stamp(&["zip-bad-entry"])
        .warned(&["zip-bad-entry", "zip-local-name-differs"])
        .checked(None, ERROR, &["zip-bad-entry"])
        .apart("apksigner breaks down with a stack trace"),
    ]
}

impl Case {
    /// The good stamp comes with a note.
    fn noting(mut self, code: &'static str) -> Self {
        for check in &mut self.checks {
            check.codes = vec![code];
        }
        self.stamp(&[code])
    }

    /// In all runs, the stamp names this key, or none that can be read.
    fn stamp_certificate(mut self, key: &Key) -> Self {
        for run in &mut self.runs {
            run.stamped_by = Some(key.certificate_digest());
        }
        self
    }

    fn without_stamp_certificate(mut self) -> Self {
        for run in &mut self.runs {
            run.stamped_by = None;
        }
        self.apart("apksigner breaks down with a stack trace over a stamp without a certificate to print")
    }
}
