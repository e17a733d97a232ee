//! The program as scripts and people meet it: exit status, streams, files that are no files.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

mod apksigner;
mod files;
mod keeping;
mod learning;
mod outputs;
mod registering;
mod scans;
mod v4_files;

use std::fs;
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

#[cfg(unix)]
fn mkfifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
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

/// The signature of `good()` by `key`, as it stands beside it.
fn idsig(key: &str) -> Vec<u8> {
    let apk = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256")));
    V4::by(&Key::named(key)).sign(&apk)
}

/// The commands of the program that stand in `text`, without its name.
fn commands_in(text: &str) -> Vec<String> {
    let commands = text.lines().flat_map(|line| line.split("apkvouch registry ").skip(1));
    commands.map(|rest| format!("registry {}", rest.split(';').next().unwrap().trim())).collect()
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
