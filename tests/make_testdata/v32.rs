//! APK Signature Scheme v3.2: a classical and a post-quantum signer together.

use super::Case;
use super::Keys;
use super::case;
use super::flip_last;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::attribute;
use crate::builder::id;

const NEWER: &str = "apksigner 31 knows no v3.2";
/// Android 16, the last that knows no v3.2.
const BEFORE: Option<u32> = Some(36);

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let pqc = Key::named("ml-dsa-65");
    let layers = [honest, ranges, stripping, pairs, lineages, content, elsewhere];
    let mut cases: Vec<Case> = layers.iter().flat_map(|layer| layer(keys, &pqc)).collect();
    cases = cases.into_iter().map(|case| case.apart(NEWER)).collect();
    cases
}

/// Signed with v3.0 by `a`, and a v3.2 pair that comes from it: classical `b`, post-quantum `pqc`.
fn rotated(keys: &Keys, pqc: &Key) -> Apk {
    let Keys { a, b, .. } = keys;
    v3(keys)
        .v32(Signer::v32(b).lineage(&Lineage::from(a).to(b)))
        .v32(Signer::v32(pqc).lineage(&Lineage::from(a).to(pqc)))
}

/// Signed with v3.0 by `a`, for Android 9 and up.
fn v3(keys: &Keys) -> Apk {
    min_sdk(28).v3(Signer::v3(&keys.a))
}

/// The same with a v3.2 pair without lineages.
fn pair(keys: &Keys, classical: Signer, post_quantum: Signer) -> Apk {
    v3(keys).v32(classical).v32(post_quantum)
}

fn honest(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, rsa, .. } = keys;
    let larger = Key::named("ml-dsa-87");
    let smaller = Key::named("ml-dsa-44");
    let own = Certificate::new(&[("CN", "ml-dsa-65")]).self_signed(pqc);
    let self_signed = pqc.clone().with_certificate(own);
    vec![
        case(
            "v32/honest",
            "the old key to 36, from 37 a pair of new keys, for both of which the old one has signed: verified, \
             and Android goes by the post-quantum one",
            rotated(keys, pqc),
        )
        .verified(&["v3", "v3.2"], &[pqc])
        .warned(&["v32-announced"])
        .verified_for(Some(37), None, &["v3", "v3.2"], &[pqc])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/without-lineage",
            "the v3.0 key is the classical half, and no lineage leads to the other: Android installs it anew",
            pair(keys, Signer::v32(a), Signer::v32(pqc)),
        )
        .verified(&["v3", "v3.2"], &[pqc])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/post-quantum-first",
            "the post-quantum signer stands first: verified",
            pair(keys, Signer::v32(pqc), Signer::v32(b)),
        )
        .verified(&["v3", "v3.2"], &[pqc]),
        case(
            "v32/ml-dsa-87",
            "ML-DSA-87 beside RSA: verified",
            pair(keys, Signer::v32(rsa), Signer::v32(&larger)),
        )
        .verified(&["v3", "v3.2"], &[&larger]),
        case(
            "v32/ml-dsa-44",
            "ML-DSA-44, which the cryptography of Android 17 does not have",
            pair(keys, Signer::v32(b), Signer::v32(&smaller)),
        )
        .refused(&["v3-malformed-public-key"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/self-signed",
            "the post-quantum certificate is signed by itself: verified",
            pair(keys, Signer::v32(b), Signer::v32(&self_signed)),
        )
        .verified(&["v3", "v3.2"], &[&self_signed]),
    ]
}

fn ranges(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let second = Key::named("ml-dsa-65-2");
    let from = |min: u32, max: u32| pair(keys, Signer::v32(b).sdk(min, max), Signer::v32(pqc).sdk(min, max));
    let two = |min: u32, max: u32, later: u32| {
        from(min, max)
            .v32(Signer::v32(c).sdk(later, NO_MAX_SDK))
            .v32(Signer::v32(&second).sdk(later, NO_MAX_SDK))
    };
    let development = |min: u32| {
        let one =
            |key: &Key| Signer::v32(key).sdk(min, NO_MAX_SDK).attribute(attribute::TARGETS_DEV_RELEASE, &[]);
        pair(keys, one(b), one(pqc))
    };
    vec![
        case("v32/range-ends", "the pair is for 37 to 40, v3.0 for 41 and up: verified", from(37, 40))
            .verified(&["v3", "v3.2"], &[a])
            .verified_for(None, Some(40), &["v3", "v3.2"], &[pqc])
            .verified_for(Some(41), None, &["v3"], &[a]),
        case("v32/range-begins-late", "the pair begins at 40: before, v3.0 counts", from(40, NO_MAX_SDK))
            .verified(&["v3", "v3.2"], &[pqc])
            .verified_for(None, Some(39), &["v3"], &[a]),
        case(
            "v32/v3-ends-early",
            "v3.0 ends at 36 and the pair at 40: nobody signs for 41",
            min_sdk(28)
                .v3(Signer::v3(a).sdk(24, 36))
                .v32(Signer::v32(b).sdk(37, 40))
                .v32(Signer::v32(pqc).sdk(37, 40)),
        )
        .refused(&["v3-missing-sdk-versions"])
        .verified_for(None, Some(40), &["v3", "v3.2"], &[pqc]),
        case(
            "v32/v3-ends-before",
            "v3.0 ends where the pair begins: verified",
            min_sdk(28).v3(Signer::v3(a).sdk(24, 36)).v32(Signer::v32(b)).v32(Signer::v32(pqc)),
        )
        .verified(&["v3", "v3.2"], &[pqc]),
        case("v32/two-pairs", "a pair for 37 to 40 and another from 41: verified", two(37, 40, 41))
            .verified(&["v3", "v3.2"], &[&second])
            .verified_for(None, Some(40), &["v3", "v3.2"], &[pqc]),
        case(
            "v32/pairs-with-a-gap",
            "a pair for 37 and another from 39: at 38 Android passes both over, and refuses that they differ",
            two(37, 37, 39),
        )
        .refused(&["v32-sdk-range-mismatch"])
        .verified_for(Some(39), None, &["v3", "v3.2"], &[&second]),
        case(
            "v32/broken-signer-not-read",
            "the signature of a pair for 41 and up is broken: up to 40 Android does not look at it",
            from(37, 40)
                .v32(
                    Signer::v32(c)
                        .sdk(41, NO_MAX_SDK)
                        .after_signing(|signer| flip_last(&mut signer.signatures[0].1)),
                )
                .v32(Signer::v32(&second).sdk(41, NO_MAX_SDK)),
        )
        .refused(&["v3-signature-mismatch"])
        .verified_for(None, Some(40), &["v3", "v3.2"], &[pqc]),
        case(
            "v32/range-mismatch",
            "one signer for 37 to 40, the other without end",
            pair(keys, Signer::v32(b), Signer::v32(pqc).sdk(37, 40)),
        )
        .refused(&["v32-sdk-range-mismatch"]),
        case(
            "v32/range-of-36",
            "the pair is for 36 and up: Android 16 does not read it, Android 17 does",
            from(36, NO_MAX_SDK),
        )
        .verified(&["v3", "v3.2"], &[pqc])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/dev-release",
            "both target a development release of 38: a released 38 takes them for stripped, but verified",
            development(38),
        )
        .verified(&["v3", "v3.2"], &[pqc])
        .warned(&["v32-announced", "v32-dev-release-unprotected"]),
    ]
}

fn stripping(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let says = |attributes: &[(u32, u32)], min: u32, max: u32| {
        let old = attributes.iter().fold(Signer::v3(a).no_stripping_protection(), |old, (id, level)| {
            old.attribute(*id, &level.to_le_bytes())
        });
        min_sdk(28).v3(old).v32(Signer::v32(b).sdk(min, max)).v32(Signer::v32(pqc).sdk(min, max))
    };
    let strip = |apk: Apk| apk.signing_block(|block| block.pairs.retain(|pair| pair.id != id::V32));
    let (min, max) = (attribute::HYBRID_MIN_SDK, attribute::HYBRID_MAX_SDK);
    let with = |signer: Signer, id: u32| signer.attribute(id, &37_u32.to_le_bytes());
    vec![
        case(
            "v32/stripped",
            "the v3.2 block was removed, which the v3.0 signer mentions: Android 17 and up refuses",
            strip(rotated(keys, pqc)),
        )
        .refused(&["v32-block-stripped"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/stripped-beside-v31",
            "the v3.2 block was removed, which the v3.1 signer mentions",
            strip(
                min_sdk(28)
                    .v3(Signer::v3(a).sdk(24, 32))
                    .v31(Signer::v3(c).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(c)))
                    .v32(Signer::v32(b))
                    .v32(Signer::v32(pqc)),
            ),
        )
        .refused(&["v32-block-stripped"])
        .verified_for(None, BEFORE, &["v3", "v3.1"], &[c]),
        case(
            "v32/beside-v31",
            "v3.0, v3.1 from 33 and v3.2 from 37: verified",
            min_sdk(28)
                .v3(Signer::v3(a).sdk(24, 32))
                .v31(Signer::v3(c).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(c)))
                .v32(Signer::v32(b))
                .v32(Signer::v32(pqc)),
        )
        .verified(&["v3", "v3.1", "v3.2"], &[pqc])
        .verified_for(None, BEFORE, &["v3", "v3.1"], &[c]),
        case(
            "v32/no-attribute",
            "the v3.0 signer does not mention v3.2: verified, but it could be stripped",
            says(&[], 37, NO_MAX_SDK),
        )
        .verified(&["v3", "v3.2"], &[pqc])
        .warned(&["v32-sdk-attribute-missing"]),
        case(
            "v32/min-attribute-alone",
            "the v3.0 signer says where v3.2 begins and not where it ends: verified",
            says(&[(min, 37)], 37, 40),
        )
        .verified(&["v3", "v3.2"], &[a])
        .verified_for(None, Some(40), &["v3", "v3.2"], &[pqc]),
        case(
            "v32/min-attribute-mismatch",
            "the v3.0 signer says that v3.2 begins at 38, it begins at 37",
            says(&[(min, 38)], 37, NO_MAX_SDK),
        )
        .refused(&["v32-sdk-attribute-mismatch"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/max-attribute-mismatch",
            "the v3.0 signer says that v3.2 ends at 41, it ends at 40",
            says(&[(min, 37), (max, 41)], 37, 40),
        )
        .refused(&["v32-sdk-attribute-mismatch"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/max-attribute-alone",
            "the v3.0 signer says where v3.2 ends and not where it begins",
            says(&[(max, 40)], 37, 40),
        )
        .refused(&["v32-max-attribute-without-min"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/attribute-truncated",
            "the attribute has three bytes: Android 17 refuses it, older ones do not look into it",
            min_sdk(28).v3(Signer::v3(a).attribute(min, &[37, 0, 0])),
        )
        .refused(&["v3-malformed-attribute"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/attribute-on-v32",
            "a v3.2 signer mentions v3.2, which Android looks for before",
            pair(keys, with(Signer::v32(b), min), Signer::v32(pqc)),
        )
        .refused(&["v32-unexpected-attribute"]),
        case(
            "v32/rotation-attribute-on-v32",
            "a v3.2 signer mentions v3.1, which Android has not read yet",
            pair(keys, Signer::v32(b), with(Signer::v32(pqc), attribute::ROTATION_MIN_SDK)),
        )
        .refused(&["v32-unexpected-attribute"]),
    ]
}

fn pairs(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, rsa, .. } = keys;
    let second = Key::named("ml-dsa-65-2");
    let broken = |signer: Signer| signer.after_signing(|signer| flip_last(&mut signer.signatures[0].1));
    let other_certificate = Key::named("ml-dsa-65-2").certificate;
    vec![
        case(
            "v32/classical-alone",
            "a classical signer without a post-quantum one",
            v3(keys).v32(Signer::v32(b)),
        )
        .refused(&["v32-signer-count"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/post-quantum-alone",
            "a post-quantum signer without a classical one",
            v3(keys).v32(Signer::v32(pqc)),
        )
        .refused(&["v32-signer-count"]),
        case(
            "v32/three-signers",
            "a classical signer and two post-quantum ones",
            pair(keys, Signer::v32(b), Signer::v32(pqc)).v32(Signer::v32(&second)),
        )
        .refused(&["v32-too-many-signers"]),
        case("v32/two-classical", "two classical signers", pair(keys, Signer::v32(b), Signer::v32(rsa)))
            .refused(&["v32-algorithm-type-collision"]),
        case(
            "v32/two-post-quantum",
            "two post-quantum signers",
            pair(keys, Signer::v32(pqc), Signer::v32(&second)),
        )
        .refused(&["v32-algorithm-type-collision"]),
        case(
            "v32/post-quantum-signature-mismatch",
            "a bit of the post-quantum signature is changed: no fallback to v3.0",
            pair(keys, Signer::v32(b), broken(Signer::v32(pqc))),
        )
        .refused(&["v3-signature-mismatch"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/classical-signature-mismatch",
            "a bit of the classical signature is changed: no fallback to v3.0",
            pair(keys, broken(Signer::v32(b)), Signer::v32(pqc)),
        )
        .refused(&["v3-signature-mismatch"]),
        case(
            "v32/signature-truncated",
            "the post-quantum signature is a byte too short",
            pair(
                keys,
                Signer::v32(b),
                Signer::v32(pqc).after_signing(|signer| signer.signatures[0].1.truncate(3308)),
            ),
        )
        .refused(&["v3-verify-exception"]),
        case(
            "v32/public-key-mismatch",
            "the post-quantum certificate is that of another key",
            pair(
                keys,
                Signer::v32(b),
                Signer::v32(pqc).before_signing(move |data| {
                    data.certificates[0].clone_from(&other_certificate);
                }),
            ),
        )
        .refused(&["v3-public-key-mismatch"]),
        case(
            "v32/min-sdk-mismatch",
            "the unsigned minimum level of one signer differs from the signed one",
            pair(
                keys,
                Signer::v32(b),
                Signer::v32(pqc).after_signing(|signer| signer.sdk = Some((36, NO_MAX_SDK))),
            ),
        )
        .refused(&["v3-min-sdk-mismatch"]),
        case("v32/no-signers", "the v3.2 block has no signers", v3(keys).pair(id::V32, &[0; 4]))
            .refused(&["v3-no-signers"])
            .verified_for(None, BEFORE, &["v3"], &[a]),
    ]
}

fn lineages(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let with = |classical: Option<Lineage>, post_quantum: Option<Lineage>| {
        let add = |signer: Signer, lineage: Option<Lineage>| match lineage {
            Some(lineage) => signer.lineage(&lineage),
            None => signer,
        };
        pair(keys, add(Signer::v32(b), classical), add(Signer::v32(pqc), post_quantum))
    };
    let to = |key: &Key| Lineage::from(a).to(key);
    vec![
        case(
            "v32/lineage-on-classical-alone",
            "the classical signer has a lineage, the post-quantum one has none",
            with(Some(to(b)), None),
        )
        .refused(&["v32-lineage-missing"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/lineage-on-post-quantum-alone",
            "the post-quantum signer has a lineage, the classical one has none",
            with(None, Some(to(pqc))),
        )
        .refused(&["v32-lineage-missing"]),
        case(
            "v32/lineage-longer",
            "the lineage of one signer has a certificate more",
            with(Some(Lineage::from(a).to(c).to(b)), Some(to(pqc))),
        )
        .refused(&["v32-lineage-mismatch"]),
        case(
            "v32/lineage-of-another",
            "the lineages begin with different certificates",
            with(Some(to(b)), Some(Lineage::from(c).to(pqc))),
        )
        .refused(&["v32-lineage-mismatch"]),
        case(
            "v32/capability-mismatch",
            "the lineages grant the old certificate different capabilities",
            with(Some(to(b)), Some(Lineage::from(a).capabilities(1).to(pqc))),
        )
        .refused(&["v32-capability-mismatch"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/last-capabilities-differ",
            "only the capabilities of the two signers themselves differ: verified",
            with(Some(to(b).capabilities(1)), Some(to(pqc))),
        )
        .verified(&["v3", "v3.2"], &[pqc]),
        case(
            "v32/lineage-of-one",
            "both lineages consist of their signer alone: verified",
            with(Some(Lineage::from(b)), Some(Lineage::from(pqc))),
        )
        .verified(&["v3", "v3.2"], &[pqc]),
        case(
            "v32/lineage-signature-mismatch",
            "the old key has not signed the post-quantum certificate",
            with(Some(to(b)), Some(to(pqc).after_signing(|nodes| flip_last(&mut nodes[1].signature)))),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
    ]
}

fn content(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, .. } = keys;
    let sha512 = || Signer::v32(b).algorithms(&[algorithm::ECDSA_SHA512]);
    let other_digest = |signer: Signer| signer.before_signing(|data| data.digests[0].1[0] ^= 1);
    vec![
        case(
            "v32/same-digest",
            "both signers have signed the same SHA-512 digest: verified",
            pair(keys, sha512(), Signer::v32(pqc)),
        )
        .verified(&["v3", "v3.2"], &[pqc]),
        case(
            "v32/inconsistent-digests",
            "the signers have signed different SHA-512 digests",
            pair(keys, other_digest(sha512()), Signer::v32(pqc)),
        )
        .refused(&["v32-inconsistent-digests"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/classical-digest-mismatch",
            "the classical signer has signed the SHA-256 digest of another file",
            pair(keys, other_digest(Signer::v32(b)), Signer::v32(pqc)),
        )
        .refused(&["v3-digest-mismatch"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case(
            "v32/post-quantum-digest-mismatch",
            "the post-quantum signer has signed the SHA-512 digest of another file",
            pair(keys, Signer::v32(b), other_digest(Signer::v32(pqc))),
        )
        .refused(&["v3-digest-mismatch"]),
        case(
            "v32/content-changed",
            "a byte of an entry is changed after signing",
            rotated(keys, pqc).after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .refused(&["v3-digest-mismatch"]),
    ]
}

/// A post-quantum key in another scheme, and v3.2 without v3.0.
fn elsewhere(keys: &Keys, pqc: &Key) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let alone = |min: u32| min_sdk(min).v32(Signer::v32(b)).v32(Signer::v32(pqc));
    let v1 = |target: u32| {
        Apk::new()
            .manifest(Manifest::new("com.example.app").min_sdk(24).target_sdk(target))
            .v1(V1::by(a).schemes(""))
            .v32(Signer::v32(b))
            .v32(Signer::v32(pqc))
    };
    let stranger = Key::named("ml-dsa-65-2");
    let copied = || Signer::v3(a).no_stripping_protection();
    let heir = || Signer::v3(c).lineage(&Lineage::from(pqc).to(c));
    vec![
        case(
            "v32/post-quantum-v3",
            "a post-quantum key signs with v3.0 alone",
            min_sdk(37).v3(Signer::v3(pqc).sdk(37, NO_MAX_SDK)),
        )
        .refused(&["v32-pqc-single-signer"]),
        case(
            "v32/post-quantum-v31",
            "a post-quantum key signs with v3.1 from 37",
            min_sdk(28).v3(Signer::v3(a).sdk(24, 36)).v31(Signer::v3(pqc).sdk(37, NO_MAX_SDK)),
        )
        .refused(&["v32-pqc-single-signer"]),
        case("v32/post-quantum-v2", "a post-quantum key signs with v2", min_sdk(37).v2(Signer::v2(pqc)))
            .refused(&["v32-pqc-single-signer"]),
        case(
            "v32/post-quantum-v2-from-24",
            "a post-quantum key signs with v2 for versions that know none",
            min_sdk(24).v2(Signer::v2(pqc)),
        )
        .refused(&["v2-no-supported-signatures"]),
        case(
            "v32/post-quantum-lineage-of-v3",
            "the lineage of a v3.0 signer begins with a post-quantum key: Android 16 cannot check its signature, \
             Android 17 can",
            min_sdk(28).v3(heir()),
        )
        .refused(&["v3-malformed-lineage"])
        .verified_for(Some(37), None, &["v3"], &[c]),
        case(
            "v32/copied-signer",
            "a copy of the v3.0 signer, which anybody can make, beside a post-quantum key of his own: Android 17 \
             installs it anew as the stranger's",
            min_sdk(28).v3(copied()).v32(copied()).v32(Signer::v3(&stranger)),
        )
        .verified(&["v3", "v3.2"], &[&stranger])
        .warned(&["v32-sdk-attribute-missing"])
        .verified_for(None, BEFORE, &["v3"], &[a]),
        case("v32/without-v3", "a v3.2 block alone, for Android 17 and up: verified", alone(37))
            .verified(&["v3.2"], &[pqc]),
        case("v32/without-v3-from-28", "a v3.2 block alone, and nothing that Android 16 reads", alone(28))
            .refused(&["v1-no-manifest"])
            .verified_for(Some(37), None, &["v3.2"], &[pqc]),
        case(
            "v32/beside-v2",
            "v2 for the versions before 37, without v3.0: verified",
            min_sdk(28).v2(Signer::v2(a)).v32(Signer::v32(b)).v32(Signer::v32(pqc)),
        )
        .verified(&["v2", "v3.2"], &[pqc])
        .verified_for(Some(37), None, &["v3.2"], &[pqc])
        .verified_for(None, BEFORE, &["v2"], &[a]),
        case("v32/beside-v1", "v1 for the versions before 37: verified", v1(29))
            .verified(&["v1", "v3.2"], &[pqc])
            .verified_for(None, BEFORE, &["v1"], &[a]),
        case(
            "v32/beside-v1-target-30",
            "v1 for the versions before 37, of which Android 11 and up want more for this target",
            v1(30),
        )
        .refused(&["target-sdk-scheme-not-met"])
        .verified_for(Some(37), None, &["v3.2"], &[pqc]),
    ]
}
