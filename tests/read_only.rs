//! Where nothing may be written: exit status 3, one line, and what was there is there as it was.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;

/// A user that owns nothing: to root every file is writable.
const NOBODY: u32 = 65_534;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What is in a folder: names and content.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn where_nothing_may_be_written_nothing_is() {
    let dir = tempfile::tempdir().unwrap();
    allow(dir.path(), 0o755);
    let program = dir.path().join("apkvouch");
    fs::copy(assert_cmd::cargo::cargo_bin!("apkvouch"), &program).unwrap();
    let manifest = Manifest::new("com.example.app").min_sdk(28);
    let apk = Apk::new().manifest(manifest).v3(Signer::v3(&Key::named("ec-p256"))).build();
    fs::write(dir.path().join("a.apk"), apk).unwrap();
    let root = fs::metadata(dir.path()).unwrap().uid() == 0;
    let run = |arguments: &str| {
        let mut command = Command::new(&program);
        command.current_dir(dir.path()).args(arguments.split(' ')).stdin(Stdio::null());
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };

    // `locked` is a folder that takes no files, `open` one in which a file is not to be changed.
    let (locked, open) = (dir.path().join("locked"), dir.path().join("open"));
    for folder in [&locked, &open] {
        fs::create_dir(folder).unwrap();
        allow(folder, 0o777);
        for file in ["report", "seen.db", "registry.toml", "registry.db", "policy.toml"] {
            let path = folder.join(file);
            let name = path.strip_prefix(dir.path()).unwrap().display();
            let made = match file {
                "report" => run(&format!("scan a.apk --quiet --output json={name}")),
                "seen.db" => run(&format!("scan a.apk --quiet --db {name}")),
                "policy.toml" => run(&format!("policy init {name}")),
                _ => run(&format!("registry init --id x {name}")),
            };
            assert_eq!(made, (Some(0), String::new()), "{name}");
            allow(&path, 0o444);
        }
    }
    allow(&locked, 0o555);
    let before = [&locked, &open].map(|folder| content(folder));

    for (arguments, code) in [
        ("scan a.apk --output json=locked/new", 3),
        ("scan a.apk --output json=locked/report", 3),
        ("scan a.apk --output json=open/report", 3),
        ("scan a.apk --output html=open/report --output csv=open/seen.db", 3),
        ("scan a.apk --db locked/new.db", 3),
        ("scan a.apk --db locked/seen.db", 3),
        ("scan a.apk --db open/seen.db", 3),
        ("registry init --id x locked/new.toml", 3),
        ("registry init --id x locked/new.db", 3),
        ("registry add-subject locked/registry.toml new --name New", 3),
        ("registry add-subject open/registry.toml new --name New", 3),
        ("registry add-subject locked/registry.db new --name New", 3),
        ("registry add-subject open/registry.db new --name New", 3),
        ("registry convert open/registry.toml locked/new.db", 3),
        ("registry new-key --no-password locked/key", 3),
        ("policy init locked/new.toml", 3),
    ] {
        let (status, err) = run(arguments);
        assert_eq!((status, err.lines().count()), (Some(code), 1), "{arguments}: {err}");
        assert_eq!([&locked, &open].map(|folder| content(folder)), before, "{arguments}: {err}");
    }
    // The same where it may be written.
    allow(&locked, 0o777);
    allow(&open.join("report"), 0o666);
    assert_eq!(run("scan a.apk --quiet --output json=locked/new"), (Some(0), String::new()));
    assert_eq!(run("scan a.apk --quiet --output csv=open/report"), (Some(0), String::new()));
    assert_ne!(content(&open).get("report"), before.last().unwrap().get("report"));
}
