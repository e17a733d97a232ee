//! The world around the program: odd directories, files that change while they are read, registries that somebody has altered, as the
//! scripts of `benches/reliability/` make them, in fewer rounds.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;

/// Runs a script that prints one line of figures on standard output and what it missed on standard error.
fn holds(script: &str, arguments: &[&str]) {
    let there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    if !there("python3") || script == "changing.py" && !there("apksigner") {
        // Nothing to make the world with.
        return;
    }
    let output = Command::new("python3")
        .arg(format!("benches/reliability/{script}"))
        .arg(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {told}");
}

#[test]
fn everything_that_is_no_honest_file_has_its_row() {
    holds("odd.py", &[]);
}

#[test]
fn a_file_that_changes_meanwhile_is_judged_by_one_content_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    holds("changing.py", &[folder.path().to_str().unwrap(), "8", "30"]);
}

#[test]
fn a_registry_that_was_altered_is_not_believed() {
    holds("registry.py", &["100"]);
}

/// So many rows of a file that is quickly judged are more than the program keeps before it writes.
const ROWS: usize = 3_000;

/// Scans a list with `a.apk` at both ends, has `meanwhile` done once the first row is told, and gives its verdicts with the exit status.
fn scanned(dir: &Path, registry: &str, meanwhile: impl FnOnce()) -> (Vec<String>, Option<i32>) {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .current_dir(dir)
        .args(["scan", "--files-from", "-", "--format", "jsonl", "--registry", registry])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut list = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    let others = "none.apk\n".repeat(ROWS);
    list.write_all(format!("a.apk\n{others}").as_bytes()).unwrap();
    let first = rows.next().unwrap().unwrap();
    meanwhile();
    list.write_all(format!("{others}a.apk\n").as_bytes()).unwrap();
    drop(list);
    let verdict = |row: String| {
        let row: serde_json::Value = serde_json::from_str(&row).unwrap();
        let text =
            |field: &str| row.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        (text("path") == "a.apk").then(|| text("verdict"))
    };
    let verdicts = std::iter::once(first).chain(rows.map(Result::unwrap)).filter_map(verdict).collect();
    (verdicts, child.wait().unwrap().code())
}

#[test]
fn a_registry_that_is_swapped_during_a_scan_decides_nothing_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let manifest = Manifest::new("com.example.app").min_sdk(28);
    fs::write(at("a.apk"), Apk::new().manifest(manifest).v3(Signer::v3(&Key::named("ec-p256"))).build())
        .unwrap();
    fs::write(at("none.apk"), "none").unwrap();
    for (name, key) in [("first", "ec-p256"), ("second", "ec-p256-3")] {
        let digest = Key::named(key).certificate_digest();
        let text = format!(
            "schema = 1\nid = \"test\"\nserial = 1\n\
             [[subject]]\nid = \"example\"\nname = \"Example Ltd\"\nroles = [\"developer\"]\n\
             [[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"example\"\n\
             [[app]]\npackage = \"com.example.app\"\nowner = \"example\"\n\
             [[app.signers]]\ncertificates = [\"{digest}\"]\n"
        );
        fs::write(at(&format!("{name}.toml")), text).unwrap();
        let convert = format!("registry convert {name}.toml {name}.db");
        let program = assert_cmd::cargo::cargo_bin!("apkvouch");
        let made = Command::new(program).current_dir(dir.path()).args(convert.split(' ')).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    for form in ["toml", "db"] {
        let used = format!("used.{form}");
        let put = |name: &str| {
            fs::copy(at(&format!("{name}.{form}")), at("new")).unwrap();
            fs::rename(at("new"), at(&used)).unwrap();
        };
        put("first");
        let (verdicts, code) = scanned(dir.path(), &used, || put("second"));
        if form == "toml" {
            assert_eq!((verdicts, code), (vec!["authenticated".to_owned(); 2], Some(1)));
        } else {
            // Its file is read all the time, and must stay what it was: it is said that it did not, and told no more.
            assert!(verdicts.iter().all(|verdict| verdict == "authenticated"), "{verdicts:?}");
            assert_eq!(code, Some(2));
        }
        // From the next scan on the other one decides.
        let (verdicts, code) = scanned(dir.path(), &used, || {});
        assert_eq!((verdicts, code), (vec!["counterfeit".to_owned(); 2], Some(1)));
    }
}
