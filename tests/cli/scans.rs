//! Trees of files.

use std::fs;

use super::apkvouch;
use super::digest_of;
use super::dir_with;
use super::good;
use super::json;
use super::manifest;
use super::mkfifo;
use super::rotated;
use super::tampered;
use super::unsigned;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Signer;

#[cfg(unix)]
#[test]
fn a_tree_with_everything_in_it_is_walked_in_order() {
    let dir = dir_with(&[
        ("store/b.apk", good()),
        ("store/a/x.APK", unsigned()),
        ("store/a.apk", good()),
        ("store/folder.apk/inner.apk", good()),
        ("store/readme.txt", b"hello".to_vec()),
        ("outside.apk", good()),
    ]);
    let store = dir.path().join("store");
    std::os::unix::fs::symlink("../outside.apk", store.join("link.apk")).unwrap();
    std::os::unix::fs::symlink("..", store.join("up")).unwrap();
    mkfifo(&store.join("fifo.apk"));
    let value = json(dir.path(), "scan --format json store");
    let rows: Vec<_> = value["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["path"].as_str().unwrap().to_owned(), row["status"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("store/a.apk", "verified"),
        ("store/a/x.APK", "unsigned"),
        ("store/b.apk", "verified"),
        ("store/fifo.apk", "skipped"),
        ("store/folder.apk/inner.apk", "verified"),
        ("store/link.apk", "skipped"),
        ("store/up", "skipped"),
    ];
    assert_eq!(rows, expected.map(|(path, status)| (path.to_owned(), status.to_owned())));
    assert_eq!(value["summary"]["not_apk"], 1);
    assert_eq!(value["exit_code"], 1);
    let named = apkvouch(dir.path(), "scan store/link.apk");
    assert_eq!(named.code, Some(0), "a link that is named is followed: {}", named.out);
}

#[test]
fn a_scan_without_a_registry_passes_what_verifies() {
    let dir = dir_with(&[("s/a.apk", good()), ("s/b.apk", rotated())]);
    let run = apkvouch(dir.path(), "scan s");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.starts_with("VERDICT"), "{}", run.out);
    assert!(run.out.contains("2 files judged: 2 unauthenticated"), "{}", run.out);
    let dir = dir_with(&[("s/a.apk", good()), ("s/t.apk", tampered())]);
    assert_eq!(apkvouch(dir.path(), "scan s").code, Some(1));
}

#[test]
fn a_scan_against_a_registry_tells_the_owner_from_the_counterfeiter() {
    let foreign = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("rsa-2048"))).build();
    let dir = dir_with(&[("good.apk", good()), ("s/1.apk", good()), ("s/2.apk", foreign)]);
    let digest = digest_of(dir.path(), "good.apk");
    let registry = format!(
        "schema = 1\nid = \"test\"\nserial = 3\nexpires_at = 2026-12-31\n\
         [[subject]]\nid = \"example\"\nname = \"Example Ltd\"\nroles = [\"developer\"]\n\
         [[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"example\"\n\
         [[app]]\npackage = \"com.example.app\"\nowner = \"example\"\n\
         [[app.signers]]\ncertificates = [\"{digest}\"]\n"
    );
    fs::write(dir.path().join("registry.toml"), registry).unwrap();
    let scan =
        |paths: &str| apkvouch(dir.path(), &format!("scan --registry registry.toml --at 2026-06-01 {paths}"));
    let run = scan("s/1.apk");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.contains(&format!("{} Example Ltd", &digest[..8])), "{}", run.out);
    let run = scan("s");
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("2 files judged: 1 authenticated, 1 counterfeit"), "{}", run.out);
    let value = json(dir.path(), "scan --registry registry.toml --at 2026-06-01 --format json s");
    assert_eq!(value["registry"], serde_json::json!({"path": "registry.toml", "id": "test", "serial": 3}));
    assert_eq!(value["decided_at"], "2026-06-01T00:00:00Z");
    assert_eq!(value["files"][0]["developer"]["id"], "example");
    assert_eq!(value["files"][1]["verdict"], "counterfeit");
    let late = apkvouch(dir.path(), "scan --registry registry.toml --at 2027-01-01 s");
    assert_eq!((late.code, late.out.as_str()), (Some(2), ""), "{}", late.err);
    assert!(late.err.starts_with("apkvouch: registry.toml: the registry expired"), "{}", late.err);
}

#[test]
fn a_scan_finds_nothing_or_no_path() {
    let dir = dir_with(&[("s/readme.txt", Vec::new())]);
    let run = apkvouch(dir.path(), "scan s");
    assert_eq!((run.code, run.err.as_str()), (Some(4), ""));
    assert!(run.out.contains("1 file not named like an APK skipped"), "{}", run.out);
    assert_eq!(apkvouch(dir.path(), "scan --all-files s").code, Some(1));
    assert_eq!(apkvouch(dir.path(), "scan gone").code, Some(3));
}

#[test]
fn json_lines_are_one_a_file_whatever_the_number_of_threads() {
    let files: Vec<_> = (0..100).map(|n| (format!("s/{n:03}.apk"), unsigned())).collect();
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let dir = dir_with(&files);
    let run = apkvouch(dir.path(), "scan --format jsonl s");
    assert_eq!(run.code, Some(1));
    let paths: Vec<_> = run
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].to_string())
        .collect();
    assert_eq!(paths, files.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>());
    assert_eq!(apkvouch(dir.path(), "scan --format jsonl --jobs 1 s").out, run.out);
}

#[test]
fn a_registry_that_cannot_be_used_is_status_2_before_any_output() {
    let dir = dir_with(&[("a.apk", good()), ("bad.toml", b"schema = \"x".to_vec())]);
    for registry in ["bad.toml", "gone.toml"] {
        let run = apkvouch(dir.path(), &format!("scan --registry {registry} a.apk"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(run.err.starts_with(&format!("apkvouch: {registry}")), "{}", run.err);
    }
}
