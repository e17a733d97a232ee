//! What a file is, by exit status and word; and files that are no files.

use std::fs;
use std::fs::File;

use super::apkvouch;
use super::digest_of;
use super::dir_with;
use super::good;
use super::json;
use super::mkfifo;
use super::rotated;
use super::tampered;
use super::unsigned;
use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::V1;

#[test]
fn each_kind_of_file_gets_its_status_and_word() {
    let dir = dir_with(&[
        ("good.apk", good()),
        ("tampered.apk", tampered()),
        ("unsigned.apk", unsigned()),
        ("text.apk", b"just some text\n".to_vec()),
        ("empty.apk", Vec::new()),
    ]);
    for (file, code, status, word) in [
        ("good.apk", 0, "verified", "verified"),
        ("tampered.apk", 1, "rejected", "DOES NOT VERIFY"),
        ("unsigned.apk", 1, "unsigned", "NOT SIGNED"),
        ("text.apk", 1, "malformed", "NOT AN APK"),
        ("empty.apk", 1, "malformed", "NOT AN APK"),
    ] {
        let run = apkvouch(dir.path(), &format!("verify {file}"));
        assert_eq!((run.code, run.err.as_str()), (Some(code), ""), "{file}: {}", run.out);
        assert!(run.out.starts_with(&format!("{file}: {word}")), "{}", run.out);
        let value = json(dir.path(), &format!("verify --format json {file}"));
        assert_eq!(value["files"][0]["status"], status, "{file}");
        assert_eq!(value["exit_code"], code, "{file}");
    }
}

#[test]
fn a_mismatch_says_what_was_expected_and_what_was_found() {
    let dir = dir_with(&[("tampered.apk", tampered())]);
    let run = apkvouch(dir.path(), "verify tampered.apk");
    assert!(run.out.contains("[v2-digest-mismatch]"), "{}", run.out);
    assert!(run.out.contains("expected  ") && run.out.contains("actual    "), "{}", run.out);
}

#[test]
fn one_bad_file_stops_nothing_and_an_unreadable_one_comes_first() {
    let dir = dir_with(&[("good.apk", good()), ("tampered.apk", tampered())]);
    let run = apkvouch(dir.path(), "verify tampered.apk good.apk");
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("good.apk: verified"), "{}", run.out);
    let run = apkvouch(dir.path(), "verify gone.apk tampered.apk good.apk");
    assert_eq!(run.code, Some(3));
    assert_eq!(run.err, "apkvouch: gone.apk: cannot open: no such file or directory\n");
    assert!(run.out.contains("good.apk: verified"), "{}", run.out);
    assert!(run.out.ends_with("3 files: 1 passed, 1 failed, 1 could not be judged\n"), "{}", run.out);
}

#[test]
fn signed_by_wants_exactly_that_signer() {
    let dir = dir_with(&[("good.apk", good()), ("rotated.apk", rotated())]);
    let (old, new) = (digest_of(dir.path(), "good.apk"), digest_of(dir.path(), "rotated.apk"));
    assert_ne!(old, new);
    let code = |pins: &str, file: &str| {
        apkvouch(dir.path(), &format!("verify --signed-by {pins} {file}")).code.unwrap()
    };
    assert_eq!(code(&old, "good.apk"), 0);
    assert_eq!(code(&old.to_uppercase(), "good.apk"), 0);
    assert_eq!(code(&new, "good.apk"), 1);
    assert_eq!(code(&format!("{old},{new}"), "good.apk"), 1);
    assert_eq!(code(&new, "rotated.apk"), 0);
    assert_eq!(code(&old, "rotated.apk"), 1);
    assert_eq!(code("e89b158e4bcf988ebd09eb83f5378e87", "good.apk"), 2);
    let run = apkvouch(dir.path(), &format!("verify --signed-by {new} good.apk"));
    assert!(run.out.starts_with("good.apk: verified, but not accepted\n"), "{}", run.out);
    assert!(run.out.contains(&format!("expected  {new}")), "{}", run.out);
    assert!(run.out.contains(&format!("actual    {old}")), "{}", run.out);
}

#[test]
fn warnings_fail_only_when_told_to() {
    let key = Key::named("rsa-2048");
    let apk =
        Apk::new().manifest(Manifest::new("com.example.app").min_sdk(21).target_sdk(29)).v1(V1::by(&key));
    let warned = apk.entries(|entries| entries.push(builder::Entry::stored("META-INF/note", b"x"))).build();
    let dir = dir_with(&[("warned.apk", warned)]);
    let run = apkvouch(dir.path(), "verify warned.apk");
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert!(run.out.contains("[v1-unprotected-entry]"), "{}", run.out);
    assert_eq!(apkvouch(dir.path(), "verify -Werr warned.apk").code, Some(1));
    assert_eq!(apkvouch(dir.path(), "verify --werr warned.apk").code, Some(1));
}

#[test]
fn what_is_not_a_regular_file_is_one_line_and_status_3() {
    let dir = dir_with(&[("good.apk", good())]);
    fs::create_dir(dir.path().join("folder.apk")).unwrap();
    let mut cases = vec![
        ("gone.apk", "cannot open: no such file or directory"),
        ("folder.apk", "is a directory: `apkvouch scan` judges directories"),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        mkfifo(&dir.path().join("fifo.apk"));
        symlink("nowhere", dir.path().join("dangling.apk")).unwrap();
        symlink("loop.apk", dir.path().join("loop.apk")).unwrap();
        cases.extend([
            ("fifo.apk", "cannot open: is a FIFO, not a regular file"),
            ("/dev/null", "cannot open: is a device, not a regular file"),
            ("dangling.apk", "cannot open: no such file or directory"),
            ("loop.apk", "cannot open: too many levels of symbolic links"),
        ]);
    }
    for (file, message) in cases {
        for command in ["verify", "verify --format json"] {
            let run = apkvouch(dir.path(), &format!("{command} {file}"));
            assert_eq!(run.err, format!("apkvouch: {file}: {message}\n"));
            assert_eq!(run.code, Some(3), "{file}");
        }
        let value = json(dir.path(), &format!("verify --format json {file}"));
        assert_eq!(value["files"][0]["error"], message);
        assert_eq!(value["files"][0]["status"], "unjudged");
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_an_error_row_and_the_rest_is_judged() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = dir_with(&[("a/secret.apk", good()), ("b/inside.apk", good()), ("c.apk", good())]);
    for name in ["a/secret.apk", "b"] {
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    if File::open(dir.path().join("a/secret.apk")).is_ok() {
        eprintln!("skipped: this user may read everything");
    } else {
        let run = apkvouch(dir.path(), "scan .");
        assert_eq!(run.code, Some(3));
        assert_eq!(
            run.err,
            "apkvouch: ./a/secret.apk: cannot open: permission denied\n\
             apkvouch: ./b: cannot list: permission denied\n"
        );
        assert!(run.out.contains("1 file judged: 1 unauthenticated"), "{}", run.out);
    }
    fs::set_permissions(dir.path().join("b"), fs::Permissions::from_mode(0o700)).unwrap();
}
