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
