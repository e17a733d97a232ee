//! Outputs that fail, and names that lie.

use std::fs::File;
use std::io::Read as _;
use std::process::Command;
use std::process::Stdio;

use super::Run;
use super::apkvouch;
use super::dir_with;
use super::good;
use super::program;
use super::tampered;

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
