//! AndroidManifest.xml, and the rules that depend on it.

use super::Case;
use super::Keys;
use super::case;
use crate::builder::Apk;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::manifest::Attribute;
use crate::builder::manifest::Element;
use crate::builder::manifest::Encoding;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    const APART: &str = "apksig does not ask what Android makes of it";
    let a = &keys.a;
    let manifest = || Manifest::new("com.example.app");
    let v1 = |manifest: Manifest| Apk::new().manifest(manifest).v1(V1::by(a));
    let v2 = |manifest: Manifest| Apk::new().manifest(manifest).v2(Signer::v2(a));
    let bytes = |bytes: &[u8]| Apk::new().manifest_bytes(bytes).v2(Signer::v2(a));
    // The record of an attribute: namespace, name, text, size and type, data.
    let record = |at: usize, change: fn(&mut [u32; 5], &[[u32; 5]])| {
        let mut bytes = manifest().version(1, "24").build();
        let records = attribute_records(&bytes);
        let mut fields: Vec<[u32; 5]> = records.iter().map(|(_, fields)| *fields).collect();
        let others = fields.clone();
        change(&mut fields[at], &others);
        for ((offset, _), fields) in records.iter().zip(fields) {
            let words = fields.map(u32::to_le_bytes).concat();
            bytes[*offset..offset + words.len()].copy_from_slice(&words);
        }
        Apk::new().manifest_bytes(&bytes).v2(Signer::v2(a))
    };
    let uses_sdk = |min: u32, target: u32| {
        Element::new("uses-sdk").android(attr::MIN_SDK_VERSION, "minSdkVersion", min).android(
            attr::TARGET_SDK_VERSION,
            "targetSdkVersion",
            target,
        )
    };
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
        case(
            "manifest/package-text-differs",
            "package has one text and another value: Android goes by the text, apksig by the value",
            v2(manifest().tree(|root| {
                let raw = "com.example.other".to_owned();
                package(root).value = Value::Differing { raw, value: "com.example.app".to_owned() };
            })),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/package-text-missing",
            "package has a value and no text: verified",
            record(PACKAGE, |package, _| package[2] = u32::MAX),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/package-not-text",
            "package has a text and a number for a value: Android goes by the text, apksig by the number",
            record(PACKAGE, |package, _| package[3] = 0x1000_0008),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/package-twice",
            "package stands there twice",
            v2(manifest().tree(|root| root.attributes.push(plain("package", "com.example.other")))),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/package-namespace",
            "the namespace of package is not -1, which means none, but -2, which Android takes for none as well: verified",
            record(PACKAGE, |package, _| package[0] = u32::MAX - 1),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/package-namespace-missing",
            "the namespace of package is a string that is not there, which Android takes for none and apksig refuses",
            record(PACKAGE, |package, _| package[0] = 9999),
        )
        .refused(&["manifest-malformed"])
        .apart(APART),
        case(
            "manifest/package-zero",
            "the package name has a zero in it, at which Android ends it",
            v2(Manifest::new("com.example.app\0.x")),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/first-chunk-other-kind",
            "another document stands in front, with a chunk of another kind: Android reads that one, apksig the second",
            bytes(&[&[0x08_u8][..], &Manifest::new("com.example.other").build()[1..], &manifest().build()].concat()),
        )
        .refused(&["manifest-malformed"])
        .apart(APART),
        case(
            "manifest/second-document",
            "another document stands behind, where nobody looks: verified",
            bytes(&[manifest().build(), Manifest::new("com.example.other").build()].concat()),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/second-root",
            "a second root element says 28 for a minimum: apksig counts it in, Android has stopped reading",
            v2(manifest().behind(Element::new("manifest").child(uses_sdk(28, 29)))),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/min-sdk-unsorted",
            "the minimum stands behind the target, whose resource id is larger: Android does not see it",
            v2(manifest().tree(|root| child(root, "uses-sdk").attributes.reverse())),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/min-sdk-text",
            "the text beside the minimum says the same: verified",
            record(MIN_SDK, |min_sdk, others| min_sdk[2] = others[VERSION_NAME][2]),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/min-sdk-text-differs",
            "the text beside the minimum says something else",
            record(MIN_SDK, |min_sdk, others| min_sdk[2] = others[PACKAGE][2]),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/library-resource-id",
            "an attribute in front of the minimum has an id that is translated once the app is read, and then is larger",
            v2(manifest().tree(|root| {
                let value = Value::Int(0);
                let unknown = Attribute { name: "unknown".to_owned(), resource: Some(0x0001_0000), value };
                child(root, "uses-sdk").attributes.insert(0, unknown);
            })),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/uses-sdk-in-application",
            "a uses-sdk inside the application, where nobody looks for one: verified",
            v2(manifest().tree(move |root| child(root, "application").children.push(uses_sdk(28, 35)))),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/uses-sdk-inside",
            "a uses-sdk inside another element, where some Android versions look for it and apksig does not",
            v2(manifest()
                .tree(move |root| root.children.push(Element::new("uses-configuration").child(uses_sdk(8, 29))))),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/uses-sdk-namespace",
            "uses-sdk has a namespace: Android does not mind, apksig passes over it",
            v2(manifest().min_sdk(28).tree(|root| child(root, "uses-sdk").in_android = true)),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/element-name-zero",
            "an element has a name that reads uses-sdk up to a zero, at which Android ends it",
            v2(manifest().min_sdk(28).tree(|root| root.children.push(Element::new("uses-sdk\0x")))),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/element-unknown",
            "an element that nobody knows: verified",
            v2(manifest().min_sdk(28).tree(|root| root.children.push(Element::new("uses-sdk-x")))),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/two-targets",
            "target 29 in one uses-sdk, then 30 in another: apksig takes the first, Android the last",
            v1(manifest().tree(move |root| root.children.push(uses_sdk(24, 30)))),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/sandbox-inside",
            "target sandbox version 2 on a manifest inside the manifest: apksig takes it, Android does not see it",
            v2(manifest().tree(|root| {
                let inside = Element::new("manifest");
                let inside = inside.android(attr::TARGET_SANDBOX_VERSION, "targetSandboxVersion", 2);
                root.children.push(inside);
            })),
        )
        .refused(&["manifest-ambiguous"])
        .apart(APART),
        case(
            "manifest/chunk-cut",
            "the last node of the manifest does not fit: Android refuses it, apksig ends there",
            bytes(&{
                let mut bytes = manifest().build();
                // The size of the chunk that ends the namespace, behind the end of the root: nobody looks at that.
                let last = bytes.len() - 24;
                bytes[last + 4] = 28;
                let root_end = last - 24;
                bytes[root_end + 4] = 60;
                bytes
            }),
        )
        .refused(&["manifest-malformed"])
        .apart(APART),
    ]
}

// Where attributes stand in the default manifest.
const VERSION_NAME: usize = 1;
const PACKAGE: usize = 2;
const MIN_SDK: usize = 3;

/// The records of all attributes of a document, with their offsets.
fn attribute_records(bytes: &[u8]) -> Vec<(usize, [u32; 5])> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut records = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        if word(at) & 0xffff == 0x0102 {
            let count = word(at + 16 + 12) & 0xffff;
            for number in 0..count as usize {
                let offset = at + 36 + 20 * number;
                records.push((offset, [0, 4, 8, 12, 16].map(|field| word(offset + field))));
            }
        }
        at += word(at + 4) as usize;
    }
    records
}

fn child<'e>(root: &'e mut Element, name: &str) -> &'e mut Element {
    root.children.iter_mut().find(|child| child.name == name).unwrap()
}

fn package(root: &mut Element) -> &mut Attribute {
    root.attributes.iter_mut().find(|attribute| attribute.name == "package").unwrap()
}

fn plain(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), resource: None, value: value.into() }
}
