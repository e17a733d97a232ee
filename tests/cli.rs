//! The program as scripts and people meet it: exit status, streams, files that are no files.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use tempfile::TempDir;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V4;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("apkvouch").to_owned()
}

fn apkvouch(dir: &Path, arguments: &str) -> Run {
    let arguments = arguments.split(' ').filter(|argument| !argument.is_empty());
    Command::new(program()).current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

fn manifest() -> Manifest {
    Manifest::new("com.example.app").min_sdk(24).target_sdk(30)
}

fn good() -> Vec<u8> {
    Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256"))).build()
}

fn tampered() -> Vec<u8> {
    let mut bytes = good();
    let place = bytes.windows(10).position(|window| window == b"not really").unwrap();
    bytes[place] ^= 1;
    bytes
}

fn unsigned() -> Vec<u8> {
    Apk::new().manifest(manifest()).build()
}

fn by(key: &str) -> Vec<u8> {
    Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named(key))).build()
}

fn rotated() -> Vec<u8> {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    Apk::new()
        .manifest(manifest())
        .v2(Signer::v2(&old))
        .v3(Signer::v3(&new).lineage(&Lineage::from(&old).to(&new)))
        .build()
}

/// SHA-256 of the key's certificate, as the program itself prints it for a file by that key alone.
fn digest_of(dir: &Path, file: &str) -> String {
    let value = json(dir, &format!("verify --format json {file}"));
    let views = value["files"][0]["android_versions"].as_array().unwrap();
    views.last().unwrap()["signers"][0].as_str().unwrap().to_owned()
}

fn json(dir: &Path, arguments: &str) -> serde_json::Value {
    serde_json::from_str(&apkvouch(dir, arguments).out).unwrap()
}

fn dir_with(files: &[(&str, Vec<u8>)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

// What a file is.

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

// Pins and warnings.

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

// Files that are no files.

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
fn mkfifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
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

// Scans.

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

#[test]
fn bad_arguments_are_status_2_and_leave_standard_output_alone() {
    let dir = dir_with(&[]);
    for arguments in [
        "",
        "verify",
        "scan",
        "frob x",
        "verify --bogus x",
        "verify --min-sdk-version x a.apk",
        "verify --min-sdk-version 30 --max-sdk-version 20 a.apk",
        "verify --format yaml a.apk",
        "verify --signed-by abc a.apk",
        "scan --jobs 0 .",
        "scan --at yesterday .",
        "verify --compat jarsigner a.apk",
    ] {
        let run = apkvouch(dir.path(), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        assert!(!run.err.is_empty(), "{arguments}");
    }
}

// v4 signature files.

/// The signature of `good()` by `key`, as it stands beside it.
fn idsig(key: &str) -> Vec<u8> {
    let apk = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256")));
    V4::by(&Key::named(key)).sign(&apk)
}

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

#[test]
fn apksigner_looks_only_at_the_v4_signature_file_that_is_named_and_passes_one_that_does_not_verify() {
    let mut changed = idsig("ec-p256");
    *changed.last_mut().unwrap() ^= 1;
    let dir = dir_with(&[
        ("a.apk", good()),
        ("a.apk.idsig", idsig("ec-p256-2")),
        ("right", idsig("ec-p256")),
        ("changed", changed),
        ("empty", Vec::new()),
    ]);
    let verify = |options: &str| {
        let run = apkvouch(dir.path(), &format!("verify --compat apksigner -v {options} a.apk"));
        let line = run.out.lines().find(|line| line.contains("v4 scheme")).unwrap_or_default();
        (run.code.unwrap(), line.ends_with("true"), run.err)
    };
    assert_eq!(verify(""), (0, false, String::new()));
    assert_eq!(verify("--v4-signature-file right"), (0, true, String::new()));
    assert_eq!(verify("--v4-signature-file=changed"), (0, false, String::new()));
    let (code, _, err) = verify("--v4-signature-file a.apk.idsig");
    assert_eq!(code, 1);
    assert!(err.starts_with("DOES NOT VERIFY\nERROR: the v4 signer is not the signer of the APK"), "{err}");
    let empty = (1, false, "ERROR: the v4 signature file is empty\n".to_owned());
    assert_eq!(verify("--v4-signature-file empty"), empty);
    let (code, _, err) = verify("--v4-signature-file gone");
    assert_eq!(code, 1);
    assert!(err.starts_with("V4 signature file does not exist: /") && err.ends_with("/gone\n"), "{err}");
    let run =
        apkvouch(dir.path(), "verify --compat apksigner -v --max-sdk-version 23 --min-sdk-version 21 a.apk");
    assert_eq!(run.code, Some(1), "without v1 there is nothing for Android 6: {}", run.out);
}

// Lineages, as apksigner shows them.

#[test]
fn apksigner_shows_lineages_of_files_and_of_apks_that_verify() {
    let lineage = Lineage::from(&Key::named("ec-p256")).to(&Key::named("ec-p256-2")).file();
    let mut cut = lineage.clone();
    cut.truncate(200);
    let mut tampered = rotated();
    let place = tampered.windows(10).position(|window| window == b"not really").unwrap();
    tampered[place] ^= 1;
    let dir = dir_with(&[
        ("lineage", lineage),
        ("cut", cut),
        ("rotated.apk", rotated()),
        ("tampered.apk", tampered),
        ("good.apk", good()),
        ("text", b"some text".to_vec()),
    ]);
    let show = |arguments: &str| apkvouch(dir.path(), &format!("--compat apksigner lineage {arguments}"));
    let file = show("--in lineage --print-certs");
    assert_eq!((file.code, file.err.as_str()), (Some(0), ""));
    assert_eq!(file.out.matches(" in lineage certificate SHA-256 digest: ").count(), 2, "{}", file.out);
    assert!(
        file.out.contains("\nHas rollback capability      : false\nHas auth capability          : true\n")
    );
    assert_eq!(show("--print-certs --in rotated.apk").out, file.out, "the same lineage");
    let quiet = show("--in lineage");
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (Some(0), "", ""));
    assert!(show("").out.starts_with("Usage: apksigner lineage"));
    for (arguments, line) in [
        ("-v", "Input lineage file parameter not present\n"),
        ("--in text", "The input file is not a valid lineage file.\n"),
        ("--in gone", "gone: cannot open: no such file or directory\n"),
        ("--in good.apk", "The provided APK does not contain a valid V3 nor V3.1 signature block.\n"),
        ("--in lineage --out x", "apkvouch does not change lineages: use Android's own apksigner\n"),
        ("--bogus", "Unsupported option: --bogus. See --help for supported options.\n"),
    ] {
        let run = show(arguments);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(1), "", line), "{arguments}");
    }
    for (arguments, part) in [
        ("--in cut --print-certs", "cut: the lineage is malformed: lineage"),
        ("--in tampered.apk --print-certs", "tampered.apk: does not verify, so its lineage proves nothing: "),
    ] {
        let run = show(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{arguments}");
        assert!(run.err.starts_with(part), "{}", run.err);
    }
}

// Outputs that fail.

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_status_3() {
    let dir = dir_with(&[("a.apk", good())]);
    for arguments in
        ["verify a.apk", "scan .", "scan --format jsonl .", "verify --format json a.apk", "--help"]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run: Run = Command::new(program())
            .current_dir(dir.path())
            .args(arguments.split(' '))
            .stdout(full)
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, Some(3), "{arguments}: {}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        if arguments != "--help" {
            assert_eq!(
                run.err, "apkvouch: standard output: cannot write: no space left on device\n",
                "{arguments}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_never_success_and_never_a_panic() {
    let files: Vec<_> = (0..3000).map(|n| (format!("s/{n:04}.apk"), b"x".to_vec())).collect();
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let dir = dir_with(&files);
    for arguments in ["scan s", "scan --format json s", "scan --format jsonl s"] {
        let mut child = Command::new(program())
            .current_dir(dir.path())
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!(run.code, Some(3), "{arguments}");
        assert!(run.err.is_empty(), "{arguments}: {:.200}", run.err);
    }
}

// Names that lie.

#[cfg(unix)]
#[test]
fn a_file_name_cannot_speak_to_the_terminal() {
    let dir = dir_with(&[("a\x1b[2J\n\u{202e}.apk", tampered())]);
    for arguments in ["scan .", "scan --format json .", "scan --format jsonl ."] {
        let run = apkvouch(dir.path(), arguments);
        assert_eq!(run.code, Some(1));
        assert!(!run.out.contains(['\x1b', '\u{202e}']), "{}", run.out);
    }
    assert!(apkvouch(dir.path(), "scan .").out.contains("a\\x1b[2J\\n\\u{202e}.apk"));
}

#[test]
fn colours_come_when_asked_for_and_never_into_a_pipe() {
    let dir = dir_with(&[("a.apk", good())]);
    assert!(!apkvouch(dir.path(), "verify a.apk").out.contains('\x1b'));
    assert!(apkvouch(dir.path(), "verify --color always a.apk").out.contains("\x1b[32mverified"));
}

// As apksigner.

#[cfg(unix)]
#[test]
fn answers_as_apksigner_under_that_name() {
    let dir = dir_with(&[("good.apk", good()), ("tampered.apk", tampered()), ("text.apk", b"text".to_vec())]);
    let name = dir.path().join("apksigner");
    std::os::unix::fs::symlink(program(), &name).unwrap();
    let apksigner = |arguments: &str| -> Run {
        let arguments = arguments.split(' ').filter(|argument| !argument.is_empty());
        Command::new(&name).current_dir(dir.path()).args(arguments).output().unwrap().into()
    };
    let run = apksigner("--version");
    assert_eq!((run.code, run.out.as_str()), (Some(0), "0.9\n"));
    assert_eq!(apksigner("").code, Some(0));
    assert_eq!(apksigner("verify").code, Some(0));
    let run = apksigner("verify good.apk");
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    let run = apksigner("verify -v -print-certs good.apk");
    assert!(run.out.starts_with("Verifies\nVerified using v1 scheme (JAR signing): false\n"), "{}", run.out);
    assert!(run.out.contains("\nNumber of signers: 1\nSigner #1 certificate DN: "), "{}", run.out);
    let run = apksigner("verify tampered.apk");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(
        run.err.starts_with("DOES NOT VERIFY\nERROR: APK Signature Scheme v2 signer #1: "),
        "{}",
        run.err
    );
    for (arguments, line) in [
        ("frob", "Unsupported command: frob. See --help for supported commands\n"),
        ("verify -v", "Missing APK\n"),
        ("verify good.apk -v", "Unexpected parameter(s) after APK (-v)\n"),
        ("verify gone.apk", "ERROR: gone.apk: cannot open: no such file or directory\n"),
        ("verify .", "ERROR: .: cannot open: is a directory, not a regular file\n"),
        (
            "verify text.apk",
            "ERROR: not a ZIP archive: no end-of-central-directory record: it is a text file\n",
        ),
    ] {
        let run = apksigner(arguments);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(1), "", line), "{arguments}");
    }
}

#[test]
fn compat_picks_the_generation() {
    let dir = dir_with(&[("good.apk", good())]);
    let labels = |generation: &str| {
        let run = apkvouch(dir.path(), &format!("verify --compat {generation} -v --print-certs good.apk"));
        assert_eq!(run.code, Some(0), "{}", run.err);
        let with = |text: &str| run.out.contains(text);
        (with("v3.1 scheme"), with("v3.2 scheme"), with("V2 Signer: certificate DN: "))
    };
    assert_eq!(labels("apksigner=31"), (false, false, false));
    assert_eq!(labels("apksigner"), (true, false, false));
    assert_eq!(labels("apksigner=37"), (true, true, true));
}

// A registry, from nothing to judging.

#[test]
fn a_registry_is_made_filled_signed_and_asked() {
    let dir = dir_with(&[("good.apk", good()), ("rotated.apk", rotated()), ("tampered.apk", tampered())]);
    let foreign = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256-3"))).build();
    fs::write(dir.path().join("foreign.apk"), foreign).unwrap();
    let done = |arguments: &str| {
        let run = apkvouch(dir.path(), arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}: {}", run.out);
        run.out
    };
    let refused = |arguments: &str, why: &str| {
        let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
        let run = apkvouch(dir.path(), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}: {}", run.err);
        assert!(run.err.contains(why), "{arguments}: {}", run.err);
        assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before, "{arguments}");
    };
    let digest = digest_of(dir.path(), "good.apk");

    done("registry init r.toml --id store.example --expires 2099-12-31");
    refused("registry init r.toml --id store.example", "r.toml: there is a file already");
    refused("registry add r.toml good.apk", "give --owner ID");
    refused("registry add r.toml good.apk --owner acme", "subject \"acme\" is not registered");
    done("registry add-subject r.toml acme --name Acme");
    refused("registry add r.toml tampered.apk --owner acme", "tampered.apk does not verify");
    refused(
        "registry add r.toml good.apk --owner acme --package com.example.other",
        "is com.example.app, and not",
    );
    refused("registry add r.toml gone.apk --owner acme", "found \"gone.apk\"; or the path of an APK");
    let added = done("registry add r.toml good.apk --owner acme --evidence manual");
    assert!(added.contains(&format!("+ key {digest}")) && added.contains("+ app com.example.app"), "{added}");
    assert_eq!(done("registry add r.toml good.apk"), "r.toml: nothing to change\n");
    assert_eq!(
        done(&format!("registry add r.toml {} --package com.example.app", digest.to_uppercase())),
        "r.toml: nothing to change\n"
    );

    // Signed, and asked for that.
    let scan =
        |options: &str, file: &str| apkvouch(dir.path(), &format!("scan --registry r.toml {options} {file}"));
    done("registry new-key keeper.key --no-password");
    refused("registry new-key keeper.key --no-password", "keeper.key: there is a file already");
    let trusted = "--registry-key keeper.pub --registry-state seen.json";
    assert!(scan(trusted, "good.apk").err.contains("the registry is not signed"));
    done("registry sign r.toml --key keeper.key");
    assert!(done(&format!("registry check r.toml {trusted}")).contains("sound and in force"));
    assert_eq!(scan(trusted, "good.apk").code, Some(0), "{}", scan(trusted, "good.apk").err);
    let foreign = scan(trusted, "foreign.apk");
    assert_eq!(foreign.code, Some(1));
    assert!(foreign.out.contains("counterfeit") && foreign.out.contains(&digest[..16]), "{}", foreign.out);
    assert_eq!(
        scan(trusted, "rotated.apk").code,
        Some(0),
        "by its lineage: {}",
        scan(trusted, "rotated.apk").out
    );

    // Changed: no longer signed; signed again: revoked; the edition before: refused.
    let old = [
        ("r.toml", fs::read(dir.path().join("r.toml"))),
        ("r.toml.minisig", fs::read(dir.path().join("r.toml.minisig"))),
    ];
    let revoked = done(&format!("registry revoke r.toml {digest} --reason stolen"));
    assert!(revoked.contains("r.toml: sign it again"), "{revoked}");
    assert!(scan(trusted, "good.apk").err.contains("does not fit"));
    done("registry sign r.toml --key keeper.key");
    assert!(
        scan(trusted, "good.apk").out.starts_with("VERDICT")
            && scan(trusted, "good.apk").out.contains("revoked")
    );
    refused(&format!("registry activate r.toml {digest} --reason x"), "a revocation is for good");
    for (name, bytes) in old {
        fs::write(dir.path().join(name), bytes.unwrap()).unwrap();
    }
    let rolled_back = scan(trusted, "good.apk");
    assert_eq!(rolled_back.code, Some(2));
    assert!(rolled_back.err.contains("older than one that was accepted before"), "{}", rolled_back.err);
}

#[test]
fn a_registered_package_gets_other_signers_only_when_that_is_said() {
    let dir = dir_with(&[("good.apk", good())]);
    let foreign = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256-3"))).build();
    fs::write(dir.path().join("foreign.apk"), foreign).unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let done = |arguments: &str| {
        let run = run(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}");
        run.out
    };
    let refused = |arguments: &str, why: &str| {
        let before = fs::read(dir.path().join("r.toml")).unwrap();
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        assert_eq!(run.err, format!("apkvouch: {why}\n"), "{arguments}");
        assert_eq!(fs::read(dir.path().join("r.toml")).unwrap(), before, "{arguments}");
    };
    let verdict = || run("scan --registry r.toml foreign.apk").out.contains("counterfeit");
    let (own, foreign) = (digest_of(dir.path(), "good.apk"), digest_of(dir.path(), "foreign.apk"));
    done("registry init r.toml --id x --expires 2099-12-31");
    done("registry add-subject r.toml acme --name Acme --role developer,distributor");
    done("registry add-subject r.toml other --name Other --role developer");
    done("registry add r.toml good.apk --owner acme");

    let why = format!(
        "com.example.app: it is registered with other signers: expected {own}, found {foreign}; \
         give --add-signers to allow both"
    );
    let by_fingerprint = format!("registry add r.toml {foreign} --package com.example.app");
    let of_registry = |why: &str| format!("r.toml: {why}");
    let refused_by = |arguments: &str, why: &str| refused(arguments, &of_registry(why));
    refused_by(&by_fingerprint, &why);
    refused_by("registry add r.toml foreign.apk", &why);
    // Whose key it is makes no difference.
    refused_by(&format!("{by_fingerprint} --subject other"), &why);
    refused_by(&format!("{by_fingerprint} --owner acme --subject other"), &why);
    refused_by(
        &format!("{by_fingerprint} --owner other"),
        "package com.example.app belongs to subject \"acme\", not to \"other\"",
    );
    // Nor does one more beside the own.
    refused_by(
        &format!("{by_fingerprint} {own}"),
        &why.replace(&format!("found {foreign}"), &{
            let mut both = [own.as_str(), &foreign];
            both.sort_unstable();
            format!("found {}", both.join("+"))
        }),
    );
    refused_by(
        &format!("registry add r.toml {own} --package com.example.app --role distributor"),
        &format!(
            "com.example.app: it is registered with other signers: expected {own}, found {own} as distributor; \
             give --add-signers to allow both"
        ),
    );
    fs::write(dir.path().join("i.txt"), format!("com.example.app {foreign}\n")).unwrap();
    let in_file = why.replace("other signers:", "other signers in r.toml:");
    refused("registry import r.toml i.txt --owner acme", &format!("i.txt:1:1: {in_file}"));
    assert!(verdict());

    // What is registered is no other signer, wherever the files are handed out.
    let own_again = format!("registry add r.toml {own} --package com.example.app");
    assert_eq!(done(&own_again), "r.toml: nothing to change\n");
    assert!(done(&format!("{own_again} --channel site")).contains("~ app com.example.app"));
    let added = done("registry add r.toml foreign.apk --add-signers");
    assert!(added.contains(&format!("+ key {foreign}")), "{added}");
    assert!(!verdict());
    assert_eq!(done(&by_fingerprint), "r.toml: nothing to change\n");
}

#[test]
fn a_key_that_is_revoked_suspended_or_denied_gets_no_app() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let done = |arguments: &str| {
        let run = run(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}");
    };
    done("registry init r.toml --id x --at 2026-01-01");
    done("registry add-subject r.toml acme --name Acme");
    let key = |digit: &str| digit.repeat(64);
    for digit in ["1", "2", "3", "4"] {
        done(&format!("registry add r.toml {} --package com.x.a{digit} --owner acme", key(digit)));
    }
    done(&format!("registry revoke r.toml {} --reason stolen --at 2026-02-03", key("1")));
    done(&format!("registry suspend r.toml {} --reason asked --at 2026-02-03", key("2")));
    done(&format!("registry rotate r.toml {} {}", key("3"), key("4")));
    done(&format!("registry deny r.toml {} --why leaked --source x", key("5")));
    for (digit, why) in [
        ("1", "is revoked since 2026-02-03T00:00:00Z: stolen"),
        ("2", "is suspended since 2026-02-03T00:00:00Z: asked"),
        ("5", "is denied: leaked"),
    ] {
        let before = fs::read(dir.path().join("r.toml")).unwrap();
        let why = format!("key {} {why}\n", key(digit));
        let add = run(&format!("registry add r.toml {} --package com.x.new --owner acme", key(digit)));
        assert_eq!((add.code, add.err), (Some(2), format!("apkvouch: r.toml: {why}")));
        fs::write(dir.path().join("i.txt"), format!("com.x.new {}\n", key(digit))).unwrap();
        let import = run("registry import r.toml i.txt --owner acme");
        assert_eq!((import.code, import.err), (Some(2), format!("apkvouch: i.txt:1:1: com.x.new: {why}")));
        assert_eq!(fs::read(dir.path().join("r.toml")).unwrap(), before);
    }
    // What has been replaced still signs for Android versions that cannot see its successor.
    done(&format!("registry add r.toml {} --package com.x.old --owner acme", key("3")));
    fs::write(dir.path().join("i.txt"), format!("com.x.new {}\n", key("4"))).unwrap();
    done("registry import r.toml i.txt --owner acme");
    // And what is registered just so is passed over, whatever became of it.
    fs::write(dir.path().join("i.txt"), format!("com.x.a1 {}\n", key("1"))).unwrap();
    done("registry import r.toml i.txt --owner acme");
}

#[test]
fn several_keepers_sign_one_after_the_other() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    fs::write(dir.path().join("password"), "correct horse\nnot this line\n").unwrap();
    for arguments in [
        "registry init r.toml --id x",
        "registry new-key a.key --no-password",
        "registry new-key b.key --password-file password",
        "registry sign r.toml --key a.key",
    ] {
        assert_eq!(run(arguments).code, Some(0), "{arguments}");
    }
    let check = "registry check r.toml --registry-key a.pub --registry-key b.pub --registry-threshold 2";
    assert!(run(check).err.contains("expected signatures by 2 of 2 trusted keys, found 1"));
    assert!(run("registry sign r.toml --key b.key").err.contains("give it in a file: --password-file FILE"));
    fs::write(dir.path().join("wrong"), "incorrect horse\n").unwrap();
    assert!(
        run("registry sign r.toml --key b.key --password-file wrong").err.contains("the password is wrong")
    );
    let signed = run("registry sign r.toml --key b.key --password-file password");
    assert!(signed.out.contains("stays"), "{}{}", signed.out, signed.err);
    assert_eq!(run(check).code, Some(0), "{}", run(check).err);
    // The next edition begins without signatures.
    assert_eq!(run("registry add-subject r.toml a --name A").code, Some(0));
    let signed = run("registry sign r.toml --key a.key");
    assert!(signed.out.contains("of another edition, is removed"), "{}", signed.out);
    assert!(run(check).err.contains("found 1"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join("a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads a secret key");
    }
}

#[test]
fn entries_are_learned_looked_at_and_imported() {
    let other = Apk::new()
        .manifest(Manifest::new("com.example.two").min_sdk(24))
        .v2(Signer::v2(&Key::named("ec-p384")))
        .build();
    let dir = dir_with(&[
        ("store/a.apk", good()),
        ("store/b.apk", rotated()),
        ("store/c.apk", other),
        ("store/d.apk", by("ec-p256-3")),
        ("bad/t.apk", tampered()),
    ]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    // One package, two signers whom nothing connects: for people to decide.
    let learned = run("registry learn r.toml store");
    assert_eq!(learned.code, Some(1));
    assert_eq!(learned.out.lines().count(), 2, "{}", learned.out);
    assert!(
        learned.out.contains("com.example.two,") && !learned.out.contains("com.example.app"),
        "{}",
        learned.out
    );
    assert!(learned.err.contains("com.example.app: several signers: "), "{}", learned.err);
    assert!(
        learned.err.contains("in store/a.apk") && learned.err.contains("in store/b.apk"),
        "{}",
        learned.err
    );
    let nothing = run("registry learn r.toml bad");
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("bad/t.apk: does not verify: nothing is learned"), "{}", nothing.err);

    fs::write(dir.path().join("proposed.csv"), &learned.out).unwrap();
    let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
    let dry = run("registry import r.toml proposed.csv --owner acme --dry-run");
    assert!(dry.out.contains("1 of 1 package and 1 key would be added"), "{}{}", dry.out, dry.err);
    assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before);
    assert!(run("registry import r.toml proposed.csv").err.contains("give --owner ID"));
    let imported = run("registry import r.toml proposed.csv --owner acme --evidence manual");
    assert!(
        imported.out.contains("+ app com.example.two") && imported.out.contains("1 of 1 package and"),
        "{}",
        imported.out
    );
    assert_eq!(run("scan --registry r.toml store/c.apk").code, Some(0));
    // Again: nothing; one that contradicts: none of it.
    assert!(run("registry import r.toml proposed.csv").out.contains("0 of 1 package and"));
    let wrong = digest_of(dir.path(), "store/a.apk");
    fs::write(dir.path().join("more.txt"), format!("com.example.three\n{wrong}\ncom.example.two\n{wrong}\n"))
        .unwrap();
    let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
    let refused = run("registry import r.toml more.txt --owner acme");
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("com.example.two: it is registered with other signers"), "{}", refused.err);
    assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before);
    assert!(run("registry import r.toml r.toml").err.contains("give --format"));
    assert!(run("registry export r.toml --format assetlinks").out.contains("com.example.two"));
    assert_eq!(run("registry learn r.toml store/c.apk").out, "package,fingerprint\n", "it is there already");
}

/// The commands of the program that stand in `text`, without its name.
fn commands_in(text: &str) -> Vec<String> {
    let commands = text.lines().flat_map(|line| line.split("apkvouch registry ").skip(1));
    commands.map(|rest| format!("registry {}", rest.split(';').next().unwrap().trim())).collect()
}

/// What is learned of a file authenticates that file, on the Android versions that see the earlier key, too.
#[test]
fn a_rotation_is_learned_with_the_earlier_key_that_its_lineage_shows() {
    let dir = dir_with(&[("store/rotated.apk", rotated()), ("old.apk", good())]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "store/rotated.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let learned = run("registry learn r.toml store");
    let rows = format!("package,fingerprint\ncom.example.app,{old}\ncom.example.app,{new}\n");
    assert_eq!((learned.code, learned.out.as_str()), (Some(0), rows.as_str()), "{}", learned.err);
    let expected = format!("registry rotate r.toml {old} {new}");
    assert_eq!(commands_in(&learned.err), [expected.as_str()], "{}", learned.err);
    // Another file by the earlier key contradicts nothing.
    assert_eq!(run("registry learn r.toml store old.apk").out, rows);

    fs::write(dir.path().join("l.csv"), &learned.out).unwrap();
    assert_eq!(run("registry import r.toml l.csv --owner acme").code, Some(0));
    for file in ["store/rotated.apk", "old.apk"] {
        assert_eq!(run(&format!("scan --registry r.toml {file}")).code, Some(0), "{file}");
    }
    let done = run(&expected);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(run("scan --registry r.toml store/rotated.apk").code, Some(0));
    assert_eq!(run("scan --registry r.toml old.apk").code, Some(1), "an old key in use");
    let again = run("registry learn r.toml store old.apk");
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (Some(0), "package,fingerprint\n", ""));
}

/// The first that somebody adds may be an app that was rotated: what is refused then says how it is done.
#[test]
fn a_rotated_app_is_added_by_the_commands_that_its_refusal_tells() {
    let dir = dir_with(&[("rotated.apk", rotated()), ("old.apk", good())]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "rotated.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let refused = run("registry add r.toml rotated.apk --owner acme");
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    let told: Vec<&str> = refused.err.split('`').skip(1).step_by(2).collect();
    assert_eq!(
        told,
        [format!("apkvouch registry add r.toml {old} --package com.example.app --owner acme").as_str()],
        "{}",
        refused.err
    );
    assert!(refused.err.ends_with(", and then this again with --add-signers\n"), "{}", refused.err);
    assert_eq!(run(told[0].strip_prefix("apkvouch ").unwrap()).code, Some(0));
    let added = run("registry add r.toml rotated.apk --owner acme --add-signers");
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(added.out.contains(&format!("+ key {new}")), "{}", added.out);
    assert_eq!(run("scan --registry r.toml rotated.apk").code, Some(0));
    // Where it is not for want of an earlier key, none is told.
    run("registry init s.toml --id x");
    run("registry add-subject s.toml acme --name Acme --role distributor");
    let refused = run("registry add s.toml old.apk --owner acme");
    assert!(refused.code == Some(2) && !refused.err.contains('`'), "{}", refused.err);
}

#[test]
fn what_no_lineage_connects_or_no_version_sees_is_not_proposed() {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let unconnected = Apk::new().manifest(manifest()).v2(Signer::v2(&old)).v3(Signer::v3(&new)).build();
    let lineage = Lineage::from(&old).to(&new);
    let newer = Manifest::new("com.example.app").min_sdk(28);
    let unseen = Apk::new().manifest(newer).v3(Signer::v3(&new).lineage(&lineage)).build();
    let dir = dir_with(&[
        ("unconnected.apk", unconnected),
        ("unseen.apk", unseen),
        ("old.apk", good()),
        ("rotated.apk", rotated()),
    ]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "unseen.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let learned = run("registry learn r.toml unconnected.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    assert_eq!(learned.err, "apkvouch: unconnected.apk: does not verify: nothing is learned\n");
    // Nor is the newer one whom the earlier key has not appointed in any file.
    fs::write(dir.path().join("alone.apk"), by("ec-p256-2")).unwrap();
    let learned = run("registry learn r.toml old.apk alone.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    assert!(learned.err.contains("com.example.app: several signers: "), "{}", learned.err);
    let learned = run("registry learn r.toml unseen.apk");
    let rows = format!("package,fingerprint\ncom.example.app,{new}\n");
    assert_eq!((learned.code, learned.out), (Some(0), rows), "{}", learned.err);
    let said = format!("com.example.app: {old} is an earlier key by a verified lineage; it is not proposed");
    assert!(learned.err.contains(&said) && learned.err.lines().count() == 1, "{}", learned.err);

    // Of a registered app the commands are told that let the other key sign, too.
    run("registry add r.toml old.apk --owner acme");
    let learned = run("registry learn r.toml rotated.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    let commands = commands_in(&learned.err);
    assert_eq!(commands, [format!("registry add r.toml {new} --package com.example.app --add-signers")]);
    assert_eq!(run(&commands[0]).code, Some(0));
    let again = run("registry learn r.toml rotated.apk");
    assert_eq!((again.code, again.out.as_str()), (Some(0), "package,fingerprint\n"), "{}", again.err);
    // Whom nothing connects with it is told without.
    fs::write(dir.path().join("foreign.apk"), by("ec-p256-3")).unwrap();
    let learned = run("registry learn r.toml foreign.apk");
    assert!(learned.err.contains("it is registered with other signers: found "), "{}", learned.err);
    assert!(commands_in(&learned.err).is_empty(), "{}", learned.err);
}

#[test]
fn members_of_containers_are_learned_from_and_what_holds_nothing_is_told() {
    let zip = |entries: &[builder::Entry]| crate::make_testdata::containers::zip(entries);
    let dir = dir_with(&[
        ("store/two.apks", zip(&[builder::Entry::stored("base.apk", &good())])),
        ("broken/bad.xapk", zip(&[builder::Entry::stored("base.apk", &tampered())])),
        ("texts/notes.txt", b"no APK".to_vec()),
    ]);
    for folder in ["empty", "store/inner"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let bundle = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/containers/aab/app.aab")).unwrap();
    fs::write(dir.path().join("app.aab"), bundle).unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    for (path, code, rows, said) in [
        ("store", 0, 1, ""),
        ("store/two.apks", 0, 1, ""),
        ("broken", 1, 0, "broken/bad.xapk!/base.apk: does not verify: nothing is learned"),
        ("app.aab", 4, 0, "app.aab: an app bundle holds no APK yet: nothing is learned"),
        ("empty", 4, 0, "empty: no APK found"),
        ("texts", 4, 0, "texts: no APK found; a file there is not named like one"),
        ("store empty", 0, 1, "empty: no APK found"),
        ("gone", 3, 0, "gone: cannot open: no such file or directory"),
    ] {
        let run = run(&format!("registry learn r.toml {path}"));
        assert_eq!((run.code, run.out.lines().count()), (Some(code), rows + 1), "{path}: {}", run.err);
        let said = if said.is_empty() { String::new() } else { format!("apkvouch: {said}\n") };
        assert_eq!(run.err, said, "{path}");
    }
}

/// What Android refuses to open is authenticated by no registry, so that nothing is learned of it, be it in a container.
#[test]
fn nothing_is_learned_of_what_android_refuses_to_open() {
    let data = |case: &str| {
        let path = format!("{}/testdata/zip/{case}/app.apk", env!("CARGO_MANIFEST_DIR"));
        fs::read(path).unwrap()
    };
    // The same name twice; and names that differ in their case, which it opens.
    let (twice, case) = (data("duplicate-entry-v2"), data("name-case"));
    let archive = crate::make_testdata::containers::zip(&[builder::Entry::stored("base.apk", &twice)]);
    let dir = dir_with(&[("twice.apk", twice), ("in.apks", archive), ("case.apk", case)]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let why = "the signature holds, but Android refuses to open such a file: zip-duplicate-entry";
    for (path, named) in [("twice.apk", "twice.apk"), ("in.apks", "in.apks!/base.apk")] {
        let learned = run(&format!("registry learn r.toml {path}"));
        assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"), "{path}");
        assert_eq!(learned.err, format!("apkvouch: {named}: {why}: nothing is learned\n"));
    }
    let learned = run("registry learn r.toml case.apk");
    assert_eq!((learned.code, learned.out.lines().count(), learned.err.as_str()), (Some(0), 2, ""));
    fs::write(dir.path().join("l.csv"), &learned.out).unwrap();
    assert_eq!(run("registry import r.toml l.csv --owner acme").code, Some(0));
    assert_eq!(run("scan --registry r.toml case.apk").code, Some(0));
    assert_eq!(run("scan --registry r.toml twice.apk").code, Some(1), "by the same signer");
}

#[test]
fn what_is_out_of_force_is_not_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry init r.toml --id x --at 2026-01-01 --expires 2026-06-30");
    assert!(run("registry sign r.toml --key a.key --at 2026-07-01").err.contains("the registry expired"));
    assert!(run("registry sign r.toml --key a.key --at 2025-12-31").err.contains("not issued yet"));
    fs::write(dir.path().join("r.toml"), "schema = 1\nid = \"x\"\n").unwrap();
    assert!(run("registry sign r.toml --key a.key").err.contains("expected \"serial\" in a signed registry"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "no signature");
}

/// The keeper's own change since the signature is told apart from what somebody has altered.
#[test]
fn a_signature_that_does_not_fit_says_for_which_edition_it_was_made() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry init r.toml --id x.serial:77");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let check = || run(&format!("registry check {file} --registry-key a.pub"));
        run(&format!("registry sign {file} --key a.key"));
        assert_eq!(check().code, Some(0), "{file}: {}", check().err);
        assert_eq!(run(&format!("registry add-subject {file} acme --name Acme")).code, Some(0));
        let changed = check();
        assert_eq!(changed.code, Some(2));
        let known = match file {
            "r.db" => "made for serial 1; when the registry has been changed since, have it signed again",
            _ => "made for serial 1, and the registry is at serial 2; have this edition signed",
        };
        assert!(changed.err.contains(known), "{}", changed.err);
        run(&format!("registry sign {file} --key a.key"));
        assert_eq!(check().code, Some(0), "{file}: {}", check().err);
    }
    // The same serial; and a comment that the key has not signed.
    let (text, signature) = (dir.path().join("r.toml"), dir.path().join("r.toml.minisig"));
    let good = fs::read_to_string(&text).unwrap();
    fs::write(&text, good.clone() + "# altered\n").unwrap();
    let altered = run("registry check r.toml --registry-key a.pub").err;
    assert!(altered.contains("was altered, or they are of different editions"), "{altered}");
    fs::write(&text, good).unwrap();
    let signed = fs::read_to_string(&signature).unwrap();
    fs::write(&signature, signed.replace(" serial:2 ", " serial:1 ")).unwrap();
    let altered = run("registry check r.toml --registry-key a.pub").err;
    assert!(altered.contains("was altered, or they are of different editions"), "{altered}");
}

/// Whatever a signed registry must say is set by renewing it, in a text and in SQLite, where nobody writes it by hand.
#[test]
fn a_registry_that_is_renewed_can_be_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    fs::write(dir.path().join("r.toml"), "# kept\nschema = 1\nid = \"x\"\n").unwrap();
    let converted = run("registry convert r.toml r.db");
    assert_eq!(converted.code, Some(0), "{}", converted.err);
    for file in ["r.toml", "r.db"] {
        let sign = format!("registry sign {file} --key a.key --at 2026-03-01");
        assert_eq!(run(&sign).code, Some(2), "{file}");
        let early = run(&format!("registry renew {file} --at 2026-03-01 --expires 2026-02-28"));
        let said = "apkvouch: --expires 2026-02-28 is over already, at 2026-03-01T00:00:00Z: ";
        assert!(early.code == Some(2) && early.err.starts_with(said), "{file}: {}", early.err);
        let renewed = run(&format!("registry renew {file} --at 2026-03-01 --expires 2026-04-30"));
        assert_eq!(renewed.code, Some(0), "{file}: {}", renewed.err);
        assert_eq!(run(&sign).code, Some(0), "{file}");
        // Once it has expired, another edition can be used again, for a year.
        let over = run(&format!("registry check {file} --at 2026-05-01"));
        assert!(over.code == Some(2) && over.err.contains("apkvouch registry renew"), "{file}: {}", over.err);
        assert!(
            run(&format!("registry renew {file} --at 2026-05-01")).out.contains("sign it again"),
            "{file}"
        );
        for (day, code) in [("2027-05-01", 0), ("2027-05-02", 2)] {
            assert_eq!(run(&format!("registry check {file} --at {day}")).code, Some(code), "{file} {day}");
        }
        let check = run(&format!("registry check {file} --at 2026-06-01")).out;
        assert!(check.contains("serial     2\n"), "{file}: {check}");
    }
    assert!(fs::read_to_string(dir.path().join("r.toml")).unwrap().starts_with("# kept\n"));
}

/// Nobody loses a day by renewing, and whoever asks for that is told.
#[test]
fn a_renewal_takes_no_time_away_unsaid() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2030-06-30");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let expires = || {
            let check = run(&format!("registry check {file} --at 2027-07-01")).out;
            check
                .lines()
                .find(|line| line.contains("expires"))
                .unwrap()
                .split_whitespace()
                .last()
                .unwrap()
                .to_owned()
        };
        let renewed = run(&format!("registry renew {file} --at 2026-03-01"));
        assert_eq!((renewed.code, renewed.err.as_str()), (Some(0), ""), "{file}");
        assert!(renewed.out.contains("serial               1 -> 2"), "{file}: {}", renewed.out);
        assert_eq!(expires(), "2030-06-30", "{file}");
        assert!(!renewed.out.contains("earlier"), "{file}: {}", renewed.out);
        let shortened = run(&format!("registry renew {file} --at 2026-03-02 --expires 2028-01-01"));
        assert_eq!(shortened.code, Some(0), "{file}: {}", shortened.err);
        let told = format!("{file}: to be used until 2028-01-01, which is earlier than before: 2030-06-30\n");
        assert!(shortened.out.ends_with(&told), "{file}: {}", shortened.out);
        assert_eq!(expires(), "2028-01-01", "{file}");
        // A year is more than is left.
        run(&format!("registry renew {file} --at 2027-06-01"));
        assert_eq!(expires(), "2028-05-31", "{file}");
    }
}

/// Exit status 3 is for the world, 2 for what was asked, and for registries and their keys.
#[test]
fn what_cannot_be_read_or_written_has_the_status_that_the_help_says() {
    let dir = dir_with(&[("bad.csv", b"package\n".to_vec())]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    for (arguments, code, why) in [
        (
            "registry import r.toml none.csv --owner x",
            3,
            "none.csv: cannot read the file to import: no such file",
        ),
        ("registry import r.toml bad.csv --owner x", 2, "bad.csv:1:1: expected the names of columns"),
        ("registry convert r.toml none/r.db", 3, "none/r.db: cannot write: no such file"),
        ("registry convert r.toml none/r.json", 3, "none/r.json: cannot write: no such file"),
        ("registry init none/r.toml --id x", 3, "none/r.toml: cannot write: no such file"),
        ("registry sign r.toml --key nokey", 2, "nokey: cannot read the secret key: no such file"),
        (
            "registry check r.toml --registry-key nokey",
            2,
            "nokey: cannot read the registry key: no such file",
        ),
        ("registry check none.toml", 2, "none.toml: cannot read the registry: no such file"),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{arguments}: {}", run.err);
        assert!(run.err.starts_with(&format!("apkvouch: {why}")), "{arguments}: {}", run.err);
    }
}

#[test]
fn a_date_of_expiry_that_is_over_is_refused_by_its_name() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let at = "--at 2026-03-01T12:00:00Z";
    let over = run(&format!("registry init r.toml --id x --expires 2026-02-28 {at}"));
    let why = "apkvouch: --expires 2026-02-28 is over already, at 2026-03-01T12:00:00Z: nobody could use the registry; \
               give a later date\n";
    assert_eq!((over.code, over.err.as_str()), (Some(2), why));
    assert!(!dir.path().join("r.toml").exists());
    // A day is included whole.
    assert_eq!(run(&format!("registry init r.toml --id x --expires 2026-03-01 {at}")).code, Some(0));
    assert_eq!(run(&format!("registry renew r.toml --expires 2026-02-28 {at}")).err, why);
}

#[test]
fn a_certificate_is_shown_by_its_first_digits() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let key = |start: &str| start.to_owned() + &"0".repeat(64 - start.len());
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    for start in ["abcdef01", "abcdef0122", "bbbbbbbb"] {
        let done = run(&format!("registry add r.toml {} --package com.x.a{start} --owner acme", key(start)));
        assert_eq!(done.code, Some(0), "{}", done.err);
    }
    run(&format!("registry deny r.toml {} --why leaked --source x", key("dddddddd")));
    // A subject that is called like the beginning of a key is that subject.
    run("registry add-subject r.toml bbbbbbbb --name B");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let show = |name: &str| run(&format!("registry show {file} {name}"));
        for (name, whole) in [
            ("abcdef0100", key("abcdef01")),
            ("ABCDEF:01:22", key("abcdef0122")),
            ("bbbbbbbb0", key("bbbbbbbb")),
            ("dddddddd", key("dddddddd")),
            // AOSP's test key is always denied.
            ("a40da80a", "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc".to_owned()),
        ] {
            let shown = show(name);
            assert_eq!(
                (shown.code, &shown.out),
                (Some(0), &show(&whole).out),
                "{file} {name}: {}",
                shown.err
            );
            assert!(shown.out.contains(&whole), "{file} {name}: {}", shown.out);
        }
        assert!(show("bbbbbbbb").out.contains("name = \"B\""));
        let several = show("abcdef01");
        assert_eq!((several.code, several.out.as_str()), (Some(2), ""));
        assert_eq!(
            several.err,
            format!(
                "apkvouch: {file}: several certificates begin with abcdef01; give more digits of {} or {}\n",
                key("abcdef01"),
                key("abcdef0122")
            )
        );
        for name in ["abcdef0", "abcdef02", "com.x.none", "abcdefgh"] {
            let none = show(name);
            let why =
                format!("apkvouch: {file}: {name:?} is no package, certificate or subject of the registry\n");
            assert_eq!((none.code, none.err), (Some(2), why), "{name}");
        }
    }
    let revoke = run(&format!("registry revoke r.toml {} --reason x", key("9")));
    let why = format!("apkvouch: r.toml: key {} is not registered\n", key("9"));
    assert_eq!((revoke.code, revoke.err), (Some(2), why));
    // Whose status changes is named so, too, where that means one key.
    for file in ["r.toml", "r.db"] {
        for (arguments, whole) in [
            ("suspend FILE abcdef0100 --reason x", key("abcdef01")),
            ("activate FILE ABCDEF:01:00 --reason x", key("abcdef01")),
            ("rotate FILE abcdef0122 abcdef0100", key("abcdef0122")),
            ("revoke FILE bbbbbbbb --reason x --replaced-by abcdef0100", key("bbbbbbbb")),
        ] {
            let done = run(&format!("registry {}", arguments.replace("FILE", file)));
            assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments}");
            assert!(done.out.contains(&format!("~ key {whole}\n")), "{}", done.out);
        }
        let before = fs::read(dir.path().join(file)).unwrap();
        for (arguments, why) in [
            (
                "revoke FILE abcdef01 --reason x",
                "several certificates begin with abcdef01; give more digits of",
            ),
            ("suspend FILE abcdef02 --reason x", "no certificate of the registry begins with abcdef02"),
            ("rotate FILE bbbbbbbb abcdef01", "several certificates begin with abcdef01"),
        ] {
            let refused = run(&format!("registry {}", arguments.replace("FILE", file)));
            assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{arguments}");
            assert!(refused.err.starts_with(&format!("apkvouch: {file}: {why}")), "{}", refused.err);
        }
        let short = run(&format!("registry suspend {file} abcdef0 --reason x"));
        assert!(short.code == Some(2) && short.err.contains("its first 8 digits or more"), "{}", short.err);
        assert_eq!(fs::read(dir.path().join(file)).unwrap(), before);
    }
}

/// A text that would be refused once it stood in the registry is refused by the name of the option that gives it.
#[test]
fn an_empty_text_is_told_by_its_option_and_not_by_a_line_that_is_not_there() {
    let dir = dir_with(&[]);
    let run = |arguments: &[&str]| -> Run {
        Command::new(program()).current_dir(dir.path()).args(arguments).output().unwrap().into()
    };
    let key = "a".repeat(64);
    assert_eq!(run(&["registry", "init", "r.toml", "--id", "x"]).code, Some(0));
    for (arguments, option) in [
        (&["registry", "init", "n.toml", "--id", ""][..], "--id <ID>"),
        (&["registry", "add-subject", "r.toml", "", "--name", "A"], "<ID>"),
        (&["registry", "add-subject", "r.toml", "a", "--name", " "], "--name <NAME>"),
        (&["registry", "add-subject", "r.toml", "a", "--name", "A", "--contact", ""], "--contact <CONTACT>"),
        (&["registry", "add", "r.toml", &key, "--package", "", "--owner", "a"], "--package <PACKAGE>"),
        (&["registry", "deny", "r.toml", &key, "--why", "", "--source", "x"], "--why <WHY>"),
        (&["registry", "revoke", "r.toml", &key, "--reason", ""], "--reason <REASON>"),
        (&["registry", "rotate", "r.toml", &key, &key, "--reason", "\t"], "--reason <REASON>"),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        let why = format!("for '{option}': expected a text that is not empty\n");
        assert!(run.err.contains(&why) && !run.err.contains("r.toml:"), "{arguments:?}: {}", run.err);
    }
    // What is cut off at the end of a line stands in the column behind it.
    fs::write(dir.path().join("i.json"), "[\n").unwrap();
    let import = run(&["registry", "import", "r.toml", "i.json", "--format", "assetlinks"]);
    assert!(import.err.starts_with("apkvouch: i.json:2:1: not of this format"), "{}", import.err);
    fs::write(dir.path().join("seen.json"), "").unwrap();
    let check = run(&["registry", "check", "r.toml", "--registry-state", "seen.json"]);
    assert!(check.err.starts_with("apkvouch: seen.json:1:1: expected the serials"), "{}", check.err);
}

/// Whoever checks or signs a registry hears of its end while there is time, and on standard error alone.
#[test]
fn a_registry_that_ends_soon_is_told_to_be_renewed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2026-12-31");
    run("registry new-key k.key --no-password");
    let warned = "apkvouch: r.toml: nothing is judged by it any more after 2026-12-31; `apkvouch registry renew r.toml` makes an \
                  edition that lasts longer, to be signed anew\n";
    // Thirty days before the end of its last day, and a day earlier.
    for (day, err) in [("2026-12-02", warned), ("2026-12-01", ""), ("2026-12-31", warned)] {
        let check = run(&format!("registry check r.toml --at {day}"));
        assert_eq!((check.code, check.err.as_str()), (Some(0), err), "{day}");
        assert!(check.out.contains("expires    2026-12-31"), "{}", check.out);
        let sign = run(&format!("registry sign r.toml --key k.key --at {day}"));
        assert_eq!((sign.code, sign.err.as_str()), (Some(0), err), "{day}");
    }
    assert!(!run("registry check r.toml --at 2027-01-01").err.contains("any more"));
}

/// What is renewed is what its keepers have signed, when it is said who they are; that it has expired is why it is renewed.
#[test]
fn a_registry_is_renewed_as_it_was_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry new-key b.key --no-password");
    run("registry init r.toml --id x --at 2026-01-01 --expires 2099-12-31");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        run(&format!("registry renew {file} --at 2026-01-01 --expires 2026-02-01"));
        let renew = |key: &str| run(&format!("registry renew {file} --at 2026-03-01 --registry-key {key}"));
        assert!(renew("a.pub").err.contains("the registry is not signed"), "{}", renew("a.pub").err);
        run(&format!("registry sign {file} --key a.key --at 2026-01-02"));
        let before = fs::read(dir.path().join(file)).unwrap();
        assert!(renew("b.pub").err.contains("expected signatures by 1 of 1 trusted keys"), "{file}");
        let mut altered = before.clone();
        let place = altered.windows(10).rposition(|window| window == b"2026-02-01").unwrap();
        altered[place + 3] ^= 1;
        fs::write(dir.path().join(file), &altered).unwrap();
        let refused = renew("a.pub");
        assert!(refused.code == Some(2) && refused.err.contains("does not fit"), "{file}: {}", refused.err);
        assert!(fs::read(dir.path().join(file)).unwrap() == altered, "{file}");
        fs::write(dir.path().join(file), &before).unwrap();
        let renewed = renew("a.pub");
        assert!(renewed.code == Some(0) && renewed.out.contains("sign it again"), "{file}: {}", renewed.err);
    }
}

#[test]
fn a_secret_key_in_the_place_of_the_public_one_is_told() {
    let dir = dir_with(&[]);
    fs::write(dir.path().join("password"), "correct horse\n").unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry new-key open.key --no-password");
    run("registry new-key closed.key --password-file password");
    for key in ["open", "closed"] {
        let check = run(&format!("registry check r.toml --registry-key {key}.key"));
        assert_eq!(check.code, Some(2));
        let said = format!("apkvouch: {key}.key: expected a public key, found a secret one, ");
        assert!(
            check.err.starts_with(&said) && check.err.ends_with(&format!("such as {key}.pub\n")),
            "{}",
            check.err
        );
    }
    fs::write(dir.path().join("text"), "just some text\n").unwrap();
    let check = run("registry check r.toml --registry-key text");
    assert!(check.err.contains("expected a public key of minisign"), "{}", check.err);
}

#[test]
fn a_new_app_is_not_signed_by_another_developer_than_its_owner() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    run("registry add-subject r.toml shop --name Shop --role developer,distributor");
    let add = format!("registry add r.toml {} --package com.x.a --owner acme", "1".repeat(64));
    let refused = run(&format!("{add} --subject shop"));
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(
        refused.err.starts_with(
            "apkvouch: r.toml: the keys of subject \"shop\" would sign com.x.a as its developer"
        ),
        "{}",
        refused.err
    );
    assert_eq!(run(&format!("{add} --subject shop --role distributor")).code, Some(0));
    let same = format!("registry add r.toml {} --package com.x.b --owner acme", "2".repeat(64));
    assert_eq!(run(&format!("{same} --subject acme")).code, Some(0));
}

/// A dry run says what the import would say, be it that it cannot be.
#[test]
fn a_dry_run_answers_as_the_import_would() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2099-12-31");
    run("registry add-subject r.toml acme --name Acme --at 2026-01-02");
    run("registry convert r.toml r.db");
    let row = |name: &str| format!("package,fingerprint,name\ncom.x.a,{},{name}\n", "1".repeat(64));
    fs::write(dir.path().join("good.csv"), row("An app")).unwrap();
    // No name behind the mark that keeps spreadsheets from taking it for a formula.
    fs::write(dir.path().join("bad.csv"), row("'")).unwrap();
    for file in ["r.toml", "r.db"] {
        for (list, at, code) in
            [("bad.csv", "2026-02-01", 2), ("good.csv", "2100-01-01", 2), ("good.csv", "2026-02-01", 0)]
        {
            let before = fs::read(dir.path().join(file)).unwrap();
            let import = format!("registry import {file} {list} --owner acme --at {at}");
            let dry = run(&format!("{import} --dry-run"));
            assert!(fs::read(dir.path().join(file)).unwrap() == before, "{file} {list}");
            let done = run(&import);
            assert_eq!((dry.code, done.code), (Some(code), Some(code)), "{file} {list}: {}", dry.err);
            assert_eq!(dry.err, done.err, "{file} {list}");
            let would = "would be added or changed; nothing was written";
            assert_eq!(dry.out, done.out.replace("added or changed", would), "{file} {list}");
        }
    }
}

#[test]
fn a_new_policy_is_told_with_what_to_do_next() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let init = run("policy init my.toml");
    assert_eq!((init.code, init.err.as_str()), (Some(0), ""));
    assert!(init.out.starts_with("my.toml: a policy with every key"), "{}", init.out);
    assert!(init.out.contains("`apkvouch policy check my.toml`"), "{}", init.out);
    assert_eq!(run("policy check my.toml").code, Some(0));
    // On standard output it is the policy and nothing else.
    assert_eq!(run("policy init -").out, fs::read_to_string(dir.path().join("my.toml")).unwrap());
}

#[test]
fn what_is_asked_wrongly_is_told_in_one_line() {
    let dir = dir_with(&[("a.apk", good())]);
    fs::write(
        dir.path().join("two.apks"),
        crate::make_testdata::containers::zip(&[builder::Entry::stored("a.apk", &good())]),
    )
    .unwrap();
    let run = |arguments: &[&str]| -> Run {
        Command::new(program()).current_dir(dir.path()).args(arguments).output().unwrap().into()
    };
    assert_eq!(run(&["registry", "init", "r.toml", "--id", "x"]).code, Some(0));
    for (arguments, why) in [
        (&["registry", "new-key", "k.key"][..], "give --password-file FILE or --no-password"),
        (&["registry", "add", "r.toml", "two.apks", "--owner", "x"], "two.apks is a container; give one APK"),
        (&["scan", ".", "--exclude", ""], "not a glob: \"\" names nothing"),
        (&["scan", ".", "--include", "/"], "not a glob: \"/\" names nothing"),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}: {}", run.err);
        assert_eq!(run.err, format!("apkvouch: {why}\n"), "{arguments:?}");
    }
    assert!(!dir.path().join("k.key").exists());
    for (command, text) in [
        (&["registry", "import", "--help"][..], "assetlinks, fdroid-index, fdroid-metadata, text, csv"),
        (&["gate", "--help"], "The registry of authenticated signers (TOML, JSON or SQLite)"),
    ] {
        let help = run(command).out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(text), "{help}");
    }
}

#[test]
fn commands_as_typed() {
    let cases = trycmd::TestCases::new();
    // Text goes by the language of the locale.
    cases.env("LC_ALL", "C").case("tests/cmd/*.trycmd");
}

#[test]
fn a_subject_that_is_registered_just_so_is_no_change() {
    let dir = tempfile::tempdir().unwrap();
    for registry in ["reg.toml", "reg.db"] {
        let run = |arguments: String| apkvouch(dir.path(), &arguments.replace("REG", registry));
        assert_eq!(run("registry init REG --id example".into()).code, Some(0));
        let add = "registry add-subject REG lake --name Lake --role developer";
        assert_eq!(run(add.into()).code, Some(0));
        let before = fs::read(dir.path().join(registry)).unwrap();
        let again = run(add.into());
        assert_eq!((again.code, again.out), (Some(0), format!("{registry}: nothing to change\n")));
        let other = run("registry add-subject REG lake --name Pond --role developer --contact a@b".into());
        assert_eq!(other.code, Some(2));
        let differs = "subject \"lake\" is registered already, and otherwise: name is \"Lake\", and not \"Pond\"; contact is \
                       none, and not \"a@b\"; nothing is replaced";
        assert!(other.err.contains(differs), "{}", other.err);
        assert_eq!(fs::read(dir.path().join(registry)).unwrap(), before);
    }
}

#[test]
fn signers_are_one_apk_or_fingerprints() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.apk"), good()).unwrap();
    fs::write(dir.path().join("b.apk"), good()).unwrap();
    fs::create_dir(dir.path().join("apks")).unwrap();
    assert_eq!(apkvouch(dir.path(), "registry init reg.toml --id example").code, Some(0));
    let add = |signers: &str| {
        let run = apkvouch(dir.path(), &format!("registry add reg.toml {signers} --owner lake"));
        assert_eq!(run.code, Some(2));
        run.err
    };
    let two = add("a.apk b.apk");
    assert_eq!(two, "apkvouch: a.apk: one APK at a time, and no fingerprints beside it\n");
    let folder = add("apks");
    assert_eq!(folder, "apkvouch: apks is a directory: `apkvouch registry learn` proposes from one\n");
    assert!(add("gone.apk").contains("there is no such file"));
}
