//! What `inspect` gathers, in its JSON form.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::Path;

use apkvouch::VerifyOptions;
use apkvouch::inspect;
use apkvouch::marks::Profiles;
use apkvouch::report::inspection;
use apkvouch::report::inspection::InspectionRow;
use apkvouch::source::FileSource;
use serde_json::Value;
use serde_json::json;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;

fn inspected(case: &str) -> Value {
    let path = Path::new("testdata").join(case).join("app.apk");
    let source = FileSource::open(&path).unwrap();
    let found = inspect(&source, None, &VerifyOptions::default(), &Profiles::default()).unwrap();
    serde_json::from_str(&inspection::json(&InspectionRow::new(&path, &found, true)).unwrap()).unwrap()
}

#[test]
fn says_whom_each_android_version_sees() {
    let rotated = inspected("v3/rotated");
    let devices = rotated["devices"].as_array().unwrap();
    let seen: Vec<Value> = devices
        .iter()
        .map(|view| json!([view["min_sdk"], view["max_sdk"], view["scheme"], view["signers"][0]]))
        .collect();
    let (old, new) = (&rotated["certificates"][0]["sha256"], &rotated["certificates"][1]["sha256"]);
    assert_eq!(seen, [json!([24, 27, "v2", old]), json!([28, null, "v3", new])]);
    assert_eq!(rotated["identity"]["package"], "com.example.app");
    assert_eq!(rotated["claimed_identity"], Value::Null);
}

#[test]
fn a_file_that_fails_is_asked_about_each_version_on_its_own() {
    let stripped = inspected("v31/stripped");
    let devices = stripped["devices"].as_array().unwrap();
    assert_eq!(
        json!([devices[0]["min_sdk"], devices[0]["max_sdk"], devices[0]["accepted"]]),
        json!([28, 32, true])
    );
    assert_eq!(
        json!([devices[1]["min_sdk"], devices[1]["max_sdk"], devices[1]["accepted"]]),
        json!([33, null, false])
    );
    // That v3.1 was stripped follows from the whole file; a device finds that v3.0 has nobody for it.
    assert_eq!(devices[1]["refused_for"], json!(["v3-missing-sdk-versions"]));
    assert!(stripped["findings"].as_array().unwrap().iter().any(|row| row["code"] == "v31-block-missing"));
    assert_eq!(stripped["identity"], Value::Null);
    assert_eq!(stripped["claimed_identity"]["package"], "com.example.app");
}

/// Whom each version sees: `first-last scheme`, or the codes for which it refuses the file.
fn views(case: &str) -> Vec<String> {
    let shown = inspected(case);
    let view = |view: &Value| {
        let field = |name: &str| view.get(name).cloned().unwrap_or_default();
        let last = field("max_sdk").as_u64().map(|last| last.to_string()).unwrap_or_default();
        let refused = field("refused_for").to_string();
        let seen = field("scheme").as_str().map_or(refused, str::to_owned);
        format!("{}-{last} {seen}", field("min_sdk"))
    };
    shown.get("devices").and_then(Value::as_array).unwrap().iter().map(view).collect()
}

#[test]
fn each_version_looks_at_what_it_goes_by_and_at_nothing_else() {
    assert_eq!(views("v31/honest"), ["28-32 v3", "33- v3.1"]);
    assert_eq!(views("v31/old-signer-broken"), [r#"28-32 ["v3-signature-mismatch"]"#, "33- v3.1"]);
    assert_eq!(views("v31/signature-mismatch"), ["28-32 v3", r#"33- ["v3-signature-mismatch"]"#]);
    // v2 and v3 of different keys trouble apksig alone.
    assert_eq!(views("v3/other-signer-than-v2"), ["24-27 v2", "28- v3"]);
}

#[test]
fn a_released_version_leaves_out_who_is_for_the_development_release() {
    let gap = ["28-32 v3", r#"33-33 ["v3-missing-sdk-versions"]"#, "34- v3.1"];
    assert_eq!(views("v31/dev-release-gap"), gap);
    let other_promise = ["28-32 v3", "33-34 v3.1", r#"35-35 ["v31-rotation-min-sdk-mismatch"]"#, "36- v3.1"];
    assert_eq!(views("v31/dev-release-mismatch"), other_promise);
}

#[test]
fn marks_the_pair_that_android_does_not_read() {
    let twice = inspected("block/second-v2-ignored");
    let pairs = twice["signing_block"]["pairs"].as_array().unwrap();
    let duplicate: Vec<bool> = pairs.iter().map(|pair| pair["duplicate"] == json!(true)).collect();
    assert_eq!(duplicate, [false, true]);
    assert_eq!(pairs[1]["id"], "0x7109871a");
}

#[test]
fn gives_a_certificate_in_full() {
    let rsa = inspected("v2/rsa-pss");
    let certificate = &rsa["certificates"][0];
    assert_eq!(certificate["key_algorithm"], "RSA");
    assert_eq!(certificate["rsa_exponent"], 65_537);
    // 2048 bits are 512 hexadecimal digits, and 616 or 617 decimal ones.
    assert_eq!(certificate["rsa_modulus"].as_str().unwrap().len(), 512);
    assert!((616..=617).contains(&certificate["rsa_modulus_decimal"].as_str().unwrap().len()));
    assert!(certificate["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(certificate["self_issued"], true);
}

/// Gaps and overlaps of a case as `[offset, size, content]` and `[offset, size, name, name of the other]`.
fn oddities(case: &str) -> (Value, Value) {
    let shown = inspected(case);
    let name = |index: &Value| shown.pointer(&format!("/archive/entries/{index}/name")).cloned();
    let gap = |gap: &Value| json!([gap["offset"], gap["size"], gap["content"], gap["padding"]]);
    let overlap = |it: &Value| json!([it["offset"], it["size"], name(&it["entry"]), name(&it["other"])]);
    let all = |what: &str, form: &dyn Fn(&Value) -> Value| {
        shown.pointer(what).and_then(Value::as_array).unwrap().iter().map(form).collect()
    };
    (all("/archive/gaps", &gap), all("/archive/overlaps", &overlap))
}

#[test]
fn maps_gaps_and_overlaps() {
    for (case, gaps, overlaps) in [
        ("v2/honest", json!([]), json!([])),
        ("zip/gap-of-zeros", json!([[0x225, 4095, "zeros", true]]), json!([])),
        ("zip/gap-filled", json!([[0x225, 139, "filler", true]]), json!([])),
        ("zip/gap", json!([[0x225, 20, "data", false]]), json!([])),
        ("zip/janus", json!([[0, 22, "data", false]]), json!([])),
        ("zip/hidden-entry-v1", json!([[0x6e5, 60, "local-header", false]]), json!([])),
        ("zip/directory-slack", json!([[0x527, 5, "data", false]]), json!([])),
        ("zip/section-gap-v1", json!([[0x81d, 7, "data", false]]), json!([])),
        ("block/detached", json!([[0x26b, 595, "signing-block", false]]), json!([])),
        (
            "zip/overlap-nested",
            json!([[0x225, 49, "local-header", false]]),
            json!([[0x2ba, 49, "inner", "classes.dex"]]),
        ),
        ("zip/overlap-same-header", json!([]), json!([[0x225, 70, "classes2.dex", "classes.dex"]])),
        ("zip/content-beyond-directory", json!([]), json!([[0x26b, 65512, "classes.dex", null]])),
    ] {
        assert_eq!(oddities(case), (gaps, overlaps), "{case}");
    }
}

#[test]
fn every_byte_belongs_to_something() {
    let mut cases = 0;
    for layer in ["zip", "block", "v1", "v2", "v31"] {
        for case in std::fs::read_dir(Path::new("testdata").join(layer)).unwrap() {
            let case = format!("{layer}/{}", case.unwrap().file_name().to_str().unwrap());
            let shown = inspected(&case);
            let archive = &shown["archive"];
            if archive.is_null() {
                continue;
            }
            cases += 1;
            let list = |what: &str| archive[what].as_array().unwrap().clone();
            let entries = list("entries").into_iter().map(|mut entry| {
                entry["size"] = entry["extent"].take();
                entry
            });
            let sections = ["signing_block", "central_directory", "end_of_central_directory"];
            let mut pieces: Vec<(u64, u64)> = entries
                .chain(list("gaps"))
                .chain(sections.iter().map(|name| archive[name].clone()).filter(|extent| !extent.is_null()))
                .map(|piece| (piece["offset"].as_u64().unwrap(), piece["size"].as_u64().unwrap()))
                .collect();
            pieces.sort_unstable();
            let end = pieces.iter().fold(0, |end, (offset, size)| {
                assert!(*offset <= end, "{case}: nothing from {end:#x} to {offset:#x}");
                end.max(offset + size)
            });
            assert!(end >= shown["size"].as_u64().unwrap(), "{case}: nothing from {end:#x} on");
        }
    }
    assert!(cases > 100, "{cases}");
}

#[test]
fn shows_what_can_be_read_of_a_file_that_is_hardly_an_apk() {
    let text = inspected("zip/not-a-zip");
    assert_eq!(text["status"], "malformed");
    assert_eq!(json!([text["archive"], text["signing_block"], text["devices"]]), json!([null, null, []]));
    let malformed = inspected("manifest/malformed");
    assert!(!malformed["archive"]["entries"].as_array().unwrap().is_empty());
    let faults = malformed["findings"].as_array().unwrap();
    assert_eq!(faults.iter().filter(|finding| finding["code"] == "manifest-malformed").count(), 1);
}

#[test]
fn signers_that_differ_by_version_are_told_where_no_lineage_connects_them() {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let told = |newer: Signer| {
        let manifest = Manifest::new("com.example.app").min_sdk(28);
        let apk = Apk::new()
            .manifest(manifest)
            .v3(Signer::v3(&old).sdk(28, 32))
            .v3(newer.sdk(33, NO_MAX_SDK))
            .build();
        let found = inspect(&apk, None, &VerifyOptions::default(), &Profiles::default()).unwrap();
        let row = InspectionRow::new(Path::new("app.apk"), &found, true);
        let shown: Value = serde_json::from_str(&inspection::json(&row).unwrap()).unwrap();
        assert_eq!(shown["status"], "verified", "{}", shown["findings"]);
        shown["findings"].as_array().unwrap().iter().any(|row| row["code"] == "signers-differ-by-version")
    };
    assert!(told(Signer::v3(&new)));
    assert!(!told(Signer::v3(&new).lineage(&Lineage::from(&old).to(&new))));
}
