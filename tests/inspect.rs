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
    assert_eq!(devices[1]["refused_for"], json!(["v31-block-missing"]));
    assert_eq!(stripped["identity"], Value::Null);
    assert_eq!(stripped["claimed_identity"]["package"], "com.example.app");
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
