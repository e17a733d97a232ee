//! APK Signature Scheme v3.1.

use super::Case;
use super::Keys;
use super::case;
use super::flip_last;
use super::min_sdk;
use crate::builder::Lineage;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::attribute;
use crate::builder::id;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    const NEWER: &str = "apksigner 31 knows no v3.1";
    let Keys { a, b, c, .. } = keys;
    let old = || Signer::v3(a).sdk(24, 32);
    let new = || Signer::v3(b).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(b));
    let next = || Signer::v3(c).lineage(&Lineage::from(a).to(b).to(c));
    let developing = |signer: Signer| signer.attribute(attribute::TARGETS_DEV_RELEASE, &[]);
    let promising = |levels: &[u32]| {
        levels.iter().fold(old().no_stripping_protection(), |signer, level| {
            signer.attribute(attribute::ROTATION_MIN_SDK, &level.to_le_bytes())
        })
    };
    let pair = |old: Signer, new: Signer| min_sdk(28).v3(old).v31(new);
    vec![
        case("v31/honest", "the old key to 32, the new one from 33 in v3.1: verified", pair(old(), new()))
            .verified(&["v3", "v3.1"], &[b])
            .verified_for(None, Some(32), &["v3"], &[a])
            .apart(NEWER),
        case(
            "v31/stripped",
            "the v3.1 block was removed, which the v3.0 signer mentions: Android 13 and up refuses",
            pair(old(), new()).signing_block(|block| {
                block.pairs.retain(|pair| pair.id != id::V31);
            }),
        )
        .refused(&["v31-block-missing"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/rotation-min-sdk-mismatch",
            "the v3.0 signer says rotation is at 34, the v3.1 signer begins at 33",
            pair(
                old().no_stripping_protection().attribute(attribute::ROTATION_MIN_SDK, &34_u32.to_le_bytes()),
                new(),
            ),
        )
        .refused(&["v31-rotation-min-sdk-mismatch"])
        .apart(NEWER),
        case(
            "v31/rotation-min-sdk-missing",
            "the v3.0 signer does not mention v3.1: verified, but it could be stripped",
            pair(old().no_stripping_protection(), new()),
        )
        .verified(&["v3", "v3.1"], &[b])
        .apart(NEWER),
        case("v31/without-v3", "a v3.1 block without a v3.0 block", min_sdk(28).v31(new()))
            .refused(&["v31-without-v3"])
            .apart(NEWER),
        case(
            "v31/signature-mismatch",
            "a bit of the v3.1 signature is changed: no fallback to v3.0",
            pair(old(), new().after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .refused(&["v3-signature-mismatch"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/digest-mismatch",
            "the v3.1 signer has signed the digest of another file, which apksig of 2023 overlooks",
            pair(old(), new().before_signing(|data| data.digests[0].1[0] ^= 1)),
        )
        .refused(&["v3-digest-mismatch"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/old-signer-broken",
            "a bit of the v3.0 signature is changed: Android 13 and up does not look at it, apksig does",
            pair(old().after_signing(|signer| flip_last(&mut signer.signatures[0].1)), new()),
        )
        .refused(&["v3-signature-mismatch"])
        .apart(NEWER),
        case(
            "v31/attribute-on-v31",
            "the v3.1 signer itself mentions a v3.1 block: Android finds none beyond its own and refuses",
            pair(old(), new().attribute(attribute::ROTATION_MIN_SDK, &33_u32.to_le_bytes())),
        )
        .refused(&["v31-unexpected-attribute"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/attribute-twice",
            "the v3.0 signer says twice that rotation is at 33: verified",
            pair(promising(&[33, 33]), new()),
        )
        .verified(&["v3", "v3.1"], &[b])
        .apart(NEWER),
        case(
            "v31/attribute-twice-the-first-wrong",
            "the v3.0 signer says that rotation is at 34, and then at 33: Android compares each",
            pair(promising(&[34, 33]), new()),
        )
        .refused(&["v31-rotation-min-sdk-mismatch"])
        .apart(NEWER),
        case(
            "v31/attribute-truncated",
            "three bytes for the level of rotation, into which only Android 13 and newer look",
            pair(old().no_stripping_protection().attribute(attribute::ROTATION_MIN_SDK, &[33, 0, 0]), new()),
        )
        .refused(&["v3-malformed-attribute"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/newest-first",
            "two v3.1 signers, the one for newer versions first in the file: it is the current signer",
            min_sdk(28).v3(old()).v31(next().sdk(35, NO_MAX_SDK)).v31(new().sdk(33, 34)),
        )
        .verified(&["v3", "v3.1"], &[c])
        .verified_for(None, Some(34), &["v3", "v3.1"], &[b])
        .apart(NEWER),
        case(
            "v31/dev-release",
            "a v3.1 signer for a development release of 33; the released version goes by v3.0: verified",
            pair(old().sdk(24, 33), developing(new())),
        )
        .verified(&["v3", "v3.1"], &[b])
        .apart(NEWER),
        case(
            "v31/dev-release-gap",
            "a v3.1 signer for a development release of 33, and nobody for the released version, which refuses",
            pair(old(), developing(new())),
        )
        .refused(&["v3-missing-sdk-versions"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .verified_for(Some(34), None, &["v3", "v3.1"], &[b])
        .apart(NEWER),
        case(
            "v31/dev-release-mismatch",
            "behind a signer for 33 one for a development release of 35: the released version takes 35 for the first \
             level of v3.1, of which v3.0 says 33",
            min_sdk(28)
                .v3(old().sdk(24, 35))
                .v31(new().sdk(33, 34))
                .v31(developing(next().sdk(35, NO_MAX_SDK))),
        )
        .refused(&["v31-dev-release-mismatch"])
        .verified_for(None, Some(34), &["v3", "v3.1"], &[b])
        .apart(NEWER),
        case(
            "v31/dev-release-first",
            "the same signers in the other order, in which the released version notes the lower level: verified",
            min_sdk(28)
                .v3(old().sdk(24, 35))
                .v31(developing(next().sdk(35, NO_MAX_SDK)))
                .v31(new().sdk(33, 34)),
        )
        .verified(&["v3", "v3.1"], &[c])
        .apart(NEWER),
    ]
}
