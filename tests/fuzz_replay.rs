//! Replays what fuzzing found: every file of `testdata/fuzz/TARGET/` through the code of that target.
//!
//! `fuzz/run.sh` fuzzes. What it finds is minimised into such a file, with a name that tells what was wrong.

#![expect(clippy::unwrap_used, reason = "an entry of a fuzz target fails by a panic")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

#[expect(unreachable_pub, reason = "the fuzz targets use it from outside")]
#[expect(clippy::indexing_slicing, reason = "an entry of a fuzz target fails by a panic")]
#[path = "../fuzz/src/entry/mod.rs"]
mod entry;

use entry::TARGETS;

/// So long one file may take; as fuzzed, a second is too long.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_was_found_stays_mended() {
    let folder = root().join("testdata/fuzz");
    for name in names(&folder) {
        let target = TARGETS.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("testdata/fuzz/{name}: no target of that name"));
        for file in names(&folder.join(&name)) {
            let bytes = fs::read(folder.join(&name).join(&file)).unwrap();
            println!("{name}/{file}");
            let start = Instant::now();
            (target.run)(&bytes);
            let taken = start.elapsed();
            assert!(taken < LONGEST, "{name}/{file}: {taken:?}");
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let of_targets: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let programs = names(&root().join("fuzz/fuzz_targets"));
    let programs: Vec<String> = programs.iter().map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(of_targets, programs);
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for name in programs {
        let text = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("target!(\"{name}\")")), "{name}: {text}");
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name} in fuzz/Cargo.toml"
        );
    }
}

/// So large is what the targets are fuzzed with.
const LARGEST: u64 = 24 << 10;

/// The files that are committed hold what the targets of whole files assert; of others these never get that far.
#[test]
fn files_of_every_kind_pass_the_targets_that_take_files() {
    let mut files = Vec::new();
    let mut folders = vec![root().join("testdata")];
    while let Some(folder) = folders.pop() {
        for name in names(&folder) {
            let path = folder.join(&name);
            if path.is_dir() {
                folders.push(path);
            } else if [".apk", ".apks", ".xapk", ".zip"].iter().any(|end| name.ends_with(end)) {
                files.push(path);
            }
        }
    }
    files.retain(|file| fs::metadata(file).unwrap().len() <= LARGEST);
    assert!(files.len() > 300, "{}", files.len());
    let of_files = ["container", "differential", "verify", "zip"];
    let targets: Vec<_> = TARGETS.iter().filter(|target| of_files.contains(&target.name)).collect();
    assert_eq!(targets.len(), of_files.len());
    for file in files {
        println!("{}", file.display());
        let bytes = fs::read(&file).unwrap();
        for target in &targets {
            (target.run)(&bytes);
        }
    }
}

/// So that an entry that no longer runs is noticed.
#[test]
fn every_target_takes_anything() {
    for target in TARGETS {
        for bytes in [&b""[..], b"\0", b"\x01\0", b"PK\x05\x06", &[0xff; 64], &[0; 64]] {
            (target.run)(bytes);
        }
    }
}
