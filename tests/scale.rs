//! The recipe for Kubernetes: its command, run once for each part, gives each row of a plain scan once.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a recipe that cannot be read is to stop the test")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// The manifest, and the script in it.
fn recipe() -> (String, String) {
    let manifest = fs::read_to_string("contrib/kubernetes/scan-job.yaml").unwrap();
    let (_, rest) = manifest.split_once("            - |\n").unwrap();
    let script = rest.lines().map_while(|line| line.strip_prefix("              "));
    let script = script.collect::<Vec<_>>().join("\n");
    (manifest, script)
}

/// Runs the script as the part `index`, with `/store` and `/results` elsewhere.
fn run(script: &str, index: usize, store: &str, results: &Path) -> Option<i32> {
    let program = Path::new(env!("CARGO_BIN_EXE_apkvouch")).parent().unwrap();
    let script = script.replace("/store", store).replace("/results", results.to_str().unwrap());
    let status = Command::new("/bin/sh")
        .args(["-c", &script])
        .env("JOB_COMPLETION_INDEX", index.to_string())
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .stderr(Stdio::null())
        .status();
    status.unwrap().code()
}

#[test]
fn the_parts_of_the_job_are_together_a_plain_scan() {
    let (manifest, script) = recipe();
    for line in ["  completions: 8", "  parallelism: 8", "  completionMode: Indexed"] {
        assert!(manifest.lines().any(|other| other == line), "{line}");
    }
    assert!(script.contains("--shard \"$JOB_COMPLETION_INDEX/8\""), "{script}");
    let dir = tempfile::tempdir().unwrap();
    let mut parts = Vec::new();
    for index in 0..8 {
        // An earlier attempt has left something.
        fs::write(dir.path().join(format!("{index}.jsonl")), "old\n").unwrap();
        assert_eq!(run(&script, index, "testdata", dir.path()), Some(0), "though APKs fail");
        let part = fs::read_to_string(dir.path().join(format!("{index}.jsonl"))).unwrap();
        assert!(part.lines().count() > 10, "{part}");
        parts.extend(part.lines().map(str::to_owned));
    }
    let plain = Command::new(env!("CARGO_BIN_EXE_apkvouch"))
        .args(["scan", "testdata", "--format", "jsonl"])
        .output()
        .unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    let mut plain: Vec<String> = plain.lines().map(str::to_owned).collect();
    parts.sort();
    plain.sort();
    assert!(parts == plain, "{} rows, {} in a plain scan", parts.len(), plain.len());
}

#[test]
fn a_part_whose_report_is_not_written_fails() {
    let (_, script) = recipe();
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&script, 0, "testdata/demo", &dir.path().join("gone")), Some(1));
    assert_eq!(run(&script, 8, "testdata/demo", dir.path()), Some(1), "no such part");
}
