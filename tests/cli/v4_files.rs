//! v4 signature files beside APKs, and those that are named.

use std::fs;

use super::apkvouch;
use super::dir_with;
use super::good;
use super::idsig;
use super::json;

#[test]
fn a_v4_signature_file_beside_an_apk_is_verified_with_it() {
    let dir = dir_with(&[
        ("good.apk", good()),
        ("good.apk.idsig", idsig("ec-p256")),
        ("bad.apk", good()),
        ("bad.apk.idsig", idsig("ec-p256-2")),
        ("none.apk", good()),
    ]);
    let run = apkvouch(dir.path(), "verify good.apk");
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert!(run.out.contains("schemes     v2 verified, v4 verified\n"), "{}", run.out);
    let run = apkvouch(dir.path(), "verify bad.apk");
    assert_eq!(run.code, Some(1));
    assert!(run.out.starts_with("bad.apk: DOES NOT VERIFY (tampered)\n"), "{}", run.out);
    assert!(
        run.out.contains("  error       v4 signer 1, bad.apk.idsig: the v4 signer is not "),
        "{}",
        run.out
    );
    let run = apkvouch(dir.path(), "verify none.apk");
    assert!(run.out.contains("schemes     v2 verified\n"), "{}", run.out);
    let value = json(dir.path(), "scan --format json .");
    let rows: Vec<_> = value["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["path"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("./bad.apk", "rejected"), ("./good.apk", "verified"), ("./none.apk", "verified")]);
    assert_eq!(value["files"][0]["findings"][0]["file"], "./bad.apk.idsig");
    let v4 = |row: usize| {
        let schemes = value["files"][row]["schemes"].as_array().unwrap();
        schemes.iter().find(|scheme| scheme["scheme"] == "v4").unwrap()["outcome"].clone()
    };
    assert_eq!([v4(0), v4(1), v4(2)], ["rejected", "verified", "absent"]);
    assert_eq!(value["summary"]["not_apk"], 0, "those belong to their APKs");
    let run = apkvouch(dir.path(), "scan --all-files .");
    assert!(!run.out.contains("unreadable"), "{}", run.out);
}

#[test]
fn a_v4_signature_file_that_is_named_goes_before_the_one_beside() {
    let dir = dir_with(&[
        ("a.apk", good()),
        ("a.apk.idsig", idsig("ec-p256-2")),
        ("right", idsig("ec-p256")),
        ("b.apk", good()),
    ]);
    let run = apkvouch(dir.path(), "verify --v4-signature-file right a.apk");
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert_eq!(apkvouch(dir.path(), "verify --v4-signature-file a.apk.idsig b.apk").code, Some(1));
    let run = apkvouch(dir.path(), "verify --v4-signature-file right a.apk b.apk");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert_eq!(run.err, "apkvouch: --v4-signature-file goes with one APK, not with 2\n");
}

#[test]
fn a_v4_signature_file_that_cannot_be_read_leaves_the_apk_unjudged() {
    let dir = dir_with(&[("a.apk", good()), ("b.apk", good()), ("c.apk", good())]);
    fs::create_dir(dir.path().join("b.apk.idsig")).unwrap();
    let run = apkvouch(dir.path(), "verify --v4-signature-file gone a.apk");
    assert_eq!(run.code, Some(3));
    assert_eq!(run.err, "apkvouch: a.apk: gone: cannot open: no such file or directory\n");
    let run = apkvouch(dir.path(), "scan .");
    assert_eq!(run.code, Some(3));
    let line = "apkvouch: ./b.apk: ./b.apk.idsig: cannot open: is a directory, not a regular file\n";
    assert_eq!(run.err, line);
    assert!(run.out.contains("2 files judged: 2 unauthenticated"), "{}", run.out);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.apk", dir.path().join("c.apk.idsig")).unwrap();
        let run = apkvouch(dir.path(), "verify c.apk");
        assert_eq!(run.code, Some(3));
        assert!(run.err.contains("c.apk.idsig: cannot open: is a symbolic link"), "{}", run.err);
    }
}
