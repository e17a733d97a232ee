//! A process that is killed while it changes a registry leaves the edition before or the one after.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use apkvouch::Registry;
use apkvouch::registry;
use apkvouch::registry::Change;
use apkvouch::registry::Needs;
use apkvouch::registry::Role;
use apkvouch::registry::SqliteRegistry;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Subject;
use apkvouch::registry::is_sqlite;
use apkvouch::registry::trust;
use apkvouch::registry::trust::TrustOptions;

const NOW: &str = "2026-06-01T12:00:00Z";
/// So many there are before the first change, so that writing takes a while.
const SUBJECTS: usize = 1000;
const KILLS: u32 = 100;

fn subject(id: &str) -> Subject {
    Subject::new(id, "Somebody with a long name, Ltd", BTreeSet::from([Role::Developer]))
}

/// A registry of many subjects.
fn large(path: &Path) {
    registry::create(path, "x", NOW.parse().unwrap(), "2099-12-31".parse().unwrap()).unwrap();
    let many = (0..SUBJECTS).map(|number| Change::Subject(subject(&format!("before{number}")))).collect();
    registry::update(path, NOW.parse().unwrap(), &Needs::default(), |_| Ok(many)).unwrap();
}

/// Adds subjects to `path` with a new process each, and kills it after a while that grows from nothing to as long as one takes.
/// What is there then is what one edition said: as many new subjects as the serial has grown.
fn killed(path: &Path) {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    let add = |id: &str| {
        let mut command = Command::new(program);
        command.arg("registry").arg("add-subject").arg(path).args([id, "--name", "New"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let start = Instant::now();
    assert!(add("first").wait().unwrap().success());
    let whole = start.elapsed();
    let before = Registry::load(path).unwrap().header().serial.unwrap();
    let (mut old, mut new) = (0, 0);
    for kill in 0..KILLS {
        let serial = Registry::load(path).unwrap().header().serial.unwrap();
        let mut child = add(&format!("new{kill}"));
        sleep(whole.mul_f64(f64::from(kill) * 1.2 / f64::from(KILLS)));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Err(error) = Registry::load(path) {
            // A text is whole at any time. Of a database the next one to change it undoes what was broken off.
            assert!(is_sqlite(path).unwrap() && error.to_string().contains("was broken off"), "{error}");
            SqliteRegistry::open_to_change(path).unwrap();
        }
        let registry = Registry::load(path).unwrap();
        let there = registry.subject(&format!("new{kill}")).is_some();
        assert_eq!(registry.header().serial, Some(serial + u64::from(there)), "kill {kill}");
        *(if there { &mut new } else { &mut old }) += 1;
        let added = u64::try_from(registry.subjects().count() - SUBJECTS - 1).unwrap();
        assert_eq!(registry.header().serial, Some(before + added), "kill {kill}");
    }
    assert!(old > 5, "killed too late: {old} old, {new} new in {whole:?}");
    // Nothing is in the way of the next one.
    assert!(add("last").wait().unwrap().success());
    assert!(Registry::load(path).unwrap().subject("last").is_some());
}

#[test]
fn a_text_is_there_whole_after_every_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.toml");
    large(&path);
    killed(&path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what was left is cleared away");
}

#[test]
fn a_database_is_there_whole_after_every_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (text, path) = (folder.path().join("registry.toml"), folder.path().join("registry.db"));
    large(&text);
    let registry = Registry::load(&text).unwrap();
    let mut writer = SqliteWriter::create(&path, registry.header()).unwrap();
    writer.all(&registry).unwrap();
    writer.finish().unwrap();
    killed(&path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no journal is left");
}

/// The state, too: killed while it is written, it knows the serial before or the one after.
#[test]
fn the_state_is_there_whole_after_every_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (folder.path().join("registry.toml"), folder.path().join("seen.json"));
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    let mut options = TrustOptions::new(NOW.parse().unwrap());
    options.state = Some(state.clone());
    let mut whole = Duration::ZERO;
    for serial in 1..=KILLS {
        let text = format!("schema = 1\nid = \"x\"\nserial = {serial}\n");
        fs::write(&path, text).unwrap();
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(["registry", "check"])
            .arg(&path)
            .arg("--registry-state")
            .arg(&state)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        if serial == 1 {
            child.wait().unwrap();
            whole = start.elapsed();
        } else {
            sleep(whole.mul_f64(f64::from(serial) * 1.2 / f64::from(KILLS)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // It can be read, and an older one than the last that was surely accepted is refused.
        assert!(trust::load(&path, &options).is_ok(), "serial {serial}");
        fs::write(&path, format!("schema = 1\nid = \"x\"\nserial = {}\n", serial - 1)).unwrap();
        assert!(trust::load(&path, &options).is_err(), "serial {serial}");
    }
}
