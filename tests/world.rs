//! The world around the program: odd directories, files that change while they are read, registries that somebody has altered, as the
//! scripts of `benches/reliability/` make them, in fewer rounds.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::process::Command;

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
