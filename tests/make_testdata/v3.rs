//! APK Signature Scheme v3.

use super::Case;
use super::Keys;
use super::case;
use super::flip_last;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Lineage;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::attribute;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let by = |signer: Signer| min_sdk(28).v3(signer);
    let signer = || Signer::v3(a);
    let lineage = || Lineage::from(a).to(b);
    let rotated = |lineage: Lineage| min_sdk(28).v3(Signer::v3(b).lineage(&lineage));
    let other_certificate = b.certificate.clone();
    vec![
        case("v3/honest", "signed with v3 alone, for Android 9 and up: verified", by(signer()))
            .verified(&["v3"], &[a]),
        case("v3/with-v2", "v2 and v3 by one key: verified", Apk::new().v2(Signer::v2(a)).v3(signer()))
            .verified(&["v2", "v3"], &[a])
            .verified_for(Some(28), None, &["v3"], &[a])
            .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v3/rotated",
            "v2 by the old key, v3 by the new one, whose lineage begins with the old: verified",
            Apk::new().v2(Signer::v2(a)).v3(Signer::v3(b).lineage(&lineage())),
        )
        .verified(&["v2", "v3"], &[b])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v3/past-signer-mismatch",
            "v2 by a key that is not the oldest of the lineage: apksig refuses",
            Apk::new().v2(Signer::v2(c)).v3(Signer::v3(b).lineage(&lineage())),
        )
        .refused(&["v3-past-signers-mismatch"])
        .verified_for(Some(28), None, &["v3"], &[b]),
        case(
            "v3/other-signer-than-v2",
            "v2 by one key and v3 by another, without lineage: apksig refuses",
            Apk::new().v2(Signer::v2(b)).v3(signer()),
        )
        .refused(&["v3-past-signers-mismatch"]),
        case(
            "v3/multiple-past-signers",
            "v2 by two keys and v3 by one of them: apksig refuses",
            Apk::new().v2(Signer::v2(a)).v2(Signer::v2(b)).v3(signer()),
        )
        .refused(&["v3-multiple-past-signers"]),
        case(
            "v3/digest-mismatch",
            "a byte of an entry is changed after signing",
            by(signer()).after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .refused(&["v3-digest-mismatch"]),
        case(
            "v3/signature-mismatch",
            "a bit of the signature is changed",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signatures[0].1);
            })),
        )
        .refused(&["v3-signature-mismatch"]),
        case(
            "v3/public-key-mismatch",
            "the certificate is that of another key",
            by(signer().before_signing(move |data| {
                data.certificates[0].clone_from(&other_certificate);
            })),
        )
        .refused(&["v3-public-key-mismatch"]),
        case(
            "v3/min-sdk-mismatch",
            "the unsigned minimum level differs from the signed one",
            by(signer().after_signing(|signer| signer.sdk = Some((28, NO_MAX_SDK)))),
        )
        .refused(&["v3-min-sdk-mismatch"]),
        case(
            "v3/max-sdk-mismatch",
            "the unsigned maximum level differs from the signed one",
            by(signer().sdk(24, 99).after_signing(|signer| signer.sdk = Some((24, NO_MAX_SDK)))),
        )
        .refused(&["v3-max-sdk-mismatch"]),
        case("v3/sdk-inverted", "the minimum level is above the maximum", by(signer().sdk(40, 30)))
            .refused(&["v3-invalid-sdk-versions"]),
        case(
            "v3/sdk-begins-late",
            "the signer begins at 30 and the app at 28",
            by(signer().sdk(30, NO_MAX_SDK)),
        )
        .refused(&["v3-missing-sdk-versions"])
        .verified_for(Some(30), None, &["v3"], &[a]),
        case("v3/sdk-ends-early", "the signer ends at 33", by(signer().sdk(28, 33)))
            .refused(&["v3-missing-sdk-versions"])
            .verified_for(None, Some(33), &["v3"], &[a]),
        case(
            "v3/two-ranges",
            "one signer to 30 and its successor from 31: verified",
            min_sdk(28).v3(signer().sdk(28, 30)).v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .verified(&["v3"], &[b]),
        case(
            "v3/sdk-gap",
            "one signer to 29 and its successor from 31: no one for 30",
            min_sdk(28).v3(signer().sdk(28, 29)).v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .refused(&["v3-inconsistent-sdk-versions", "v3-missing-sdk-versions"]),
        case(
            "v3/dev-release-overlap",
            "a signer to 30 and one for a development release of 30: in v3.0 Android knows none and meets two signers",
            min_sdk(28).v3(signer().sdk(28, 30)).v3(
                Signer::v3(b)
                    .sdk(30, NO_MAX_SDK)
                    .lineage(&lineage())
                    .attribute(attribute::TARGETS_DEV_RELEASE, &[]),
            ),
        )
        .refused(&["v3-inconsistent-sdk-versions", "v3-missing-sdk-versions"]),
        case(
            "v3/lineages-differ",
            "two ranges whose lineages are not one history",
            min_sdk(28)
                .v3(signer().sdk(28, 30).lineage(&Lineage::from(c).to(a)))
                .v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .refused(&["v3-inconsistent-lineages"]),
        case(
            "v3/verity-from-28",
            "a verity digest alone in a signer from 28: verified",
            by(signer().sdk(28, NO_MAX_SDK).algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v3"], &[a]),
        case(
            "v3/verity-from-24",
            "a verity digest alone in a signer that begins at 24, where Android knows none: \
             apksig refuses",
            by(signer().algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .refused(&["v3-no-supported-signatures"]),
        case(
            "v3/lineage",
            "a lineage of three keys, of which the last signs: verified",
            min_sdk(28).v3(Signer::v3(c).lineage(&lineage().capabilities(1).to(c))),
        )
        .verified(&["v3"], &[c]),
        case(
            "v3/lineage-signature-mismatch",
            "the old key has not signed the new certificate",
            rotated(lineage().after_signing(|nodes| {
                flip_last(&mut nodes[1].signature);
            })),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-flags-changed",
            "capabilities in the lineage are not signed by the lineage: verified",
            rotated(lineage().after_signing(|nodes| {
                nodes[0].flags = 0xff;
            })),
        )
        .verified(&["v3"], &[b]),
        case(
            "v3/lineage-parent-algorithm",
            "a node says it was signed by another algorithm than its parent has",
            rotated(lineage().before_signing(|node| {
                if node.0 == 1 {
                    node.1.parent_algorithm = algorithm::ECDSA_SHA512;
                }
            })),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-certificate-twice",
            "a certificate occurs twice in the lineage",
            rotated(Lineage::from(b).to(a).to(b)),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-wrong-order",
            "the signer is the first of its lineage, not the last",
            rotated(Lineage::from(b).to(a)),
        )
        .refused(&["v3-lineage-certificate-mismatch"]),
        case(
            "v3/lineage-truncated",
            "the lineage ends in the middle of a node",
            rotated(lineage().bytes(|bytes| bytes.truncate(bytes.len() - 1))),
        )
        .refused(&["v3-malformed-lineage"]),
        case(
            "v3/lineage-version-2",
            "a lineage of version 2: apksig reports another certificate than the signer's",
            rotated(lineage().version(2)),
        )
        .refused(&["v3-lineage-certificate-mismatch"]),
        case(
            "v3/v2-missing",
            "v3 alone for an app from Android 7 on: apksig verifies it, Android 7.0 to 8.1 find no signature",
            min_sdk(24).v3(signer()),
        )
        .verified(&["v3"], &[a])
        .refused_for(None, Some(27), &["v1-no-manifest"]),
        case(
            "v3/v2-missing-v1-of-a-stranger",
            "v3, no v2, and a v1 signature of somebody else, by which Android 7.0 to 8.1 would go",
            min_sdk(24).v1(V1::by(c).schemes("")).v3(signer()),
        )
        .refused(&["v3-past-signers-mismatch"])
        .verified_for(None, Some(27), &["v1"], &[c])
        .apart("apksigner does not look at v1 here"),
        case(
            "v3/v2-missing-with-v1",
            "v3 and v1 by one key, and no v2: Android 7.0 to 8.1 go by v1",
            min_sdk(24).v1(V1::by(a).schemes("")).v3(signer()),
        )
        .verified(&["v1", "v3"], &[a])
        .verified_for(None, Some(27), &["v1"], &[a])
        .apart("apksigner does not look at v1 here"),
    ]
}
