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
    let Keys { a, b, .. } = keys;
    let old = || Signer::v3(a).sdk(24, 32);
    let new = || Signer::v3(b).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(b));
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
    ]
}
