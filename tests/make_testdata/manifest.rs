//! AndroidManifest.xml, and the rules that depend on it.

use super::Case;
use super::Keys;
use super::case;
use crate::builder::Apk;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::manifest::Encoding;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let manifest = || Manifest::new("com.example.app");
    let v1 = |manifest: Manifest| Apk::new().manifest(manifest).v1(V1::by(a));
    let v2 = |manifest: Manifest| Apk::new().manifest(manifest).v2(Signer::v2(a));
    vec![
        case(
            "manifest/utf16",
            "strings in UTF-16, all values set: verified",
            v2(manifest()
                .encoding(Encoding::Utf16)
                .version(7, "7.1")
                .version_code_major(2)
                .label("An example")
                .debuggable(true)),
        )
        .verified(&["v2"], &[a]),
        case("manifest/min-sdk-codename", "minSdkVersion O means 25: verified", v2(manifest().min_sdk("O")))
            .verified(&["v2"], &[a]),
        case(
            "manifest/min-sdk-not-a-codename",
            "minSdkVersion is text but not a code name",
            v2(manifest().min_sdk("?")),
        )
        .refused(&["min-sdk-undetermined"]),
        case(
            "manifest/two-uses-sdk",
            "minimum 21, then 28 in another uses-sdk: the highest counts, so verity alone will do",
            Apk::new()
                .manifest(manifest().min_sdk(21).another_min_sdk(28))
                .v2(Signer::v2(a).algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/malformed",
            "the manifest is not binary XML",
            Apk::new().manifest_bytes(b"<manifest/>").v2(Signer::v2(a)),
        )
        .refused(&["manifest-malformed"]),
        case("manifest/target-29-v1", "target 29, v1 alone: verified", v1(manifest()))
            .verified(&["v1"], &[a]),
        case(
            "manifest/target-30-v1",
            "target 30, v1 alone: Android 11 and up refuses",
            v1(manifest().target_sdk(30)),
        )
        .refused(&["target-sdk-scheme-not-met"])
        .verified_for(None, Some(29), &["v1"], &[a]),
        case("manifest/target-30-v2", "target 30 and v2: verified", v2(manifest().target_sdk(30)))
            .verified(&["v2"], &[a]),
        case(
            "manifest/sandbox-2-v1",
            "target sandbox version 2, v1 alone: Android 8 and up refuses",
            v1(manifest().target_sandbox(2)),
        )
        .refused(&["target-sandbox-scheme-not-met"])
        .verified_for(None, Some(25), &["v1"], &[a]),
        case(
            "manifest/sandbox-2-v2",
            "target sandbox version 2 and v2: verified",
            v2(manifest().target_sandbox(2)),
        )
        .verified(&["v2"], &[a]),
    ]
}
