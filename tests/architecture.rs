//! Who may import what, as `docs/architecture.md` says. Tests inside the modules are exempt.

#![expect(clippy::unwrap_used, reason = "a source file that cannot be read is to stop the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A module and those of ours that it may import.
const RULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("atomic_file", &["error"]),
    ("limits", &[]),
    ("source", &["error"]),
    ("format", &["limits"]),
    ("crypto", &["format", "limits", "source"]),
    ("finding", &[]),
    ("explain", &["fields", "finding"]),
    ("fields", &["error", "identity"]),
    ("identity", &[]),
    ("kept", &["finding", "identity"]),
    ("apk", &["error", "finding", "format", "limits", "source"]),
    ("scheme", &["apk", "crypto", "error", "finding", "format", "identity", "kept", "limits", "source"]),
    (
        "marks",
        &[
            "apk", "crypto", "error", "fields", "finding", "format", "identity", "kept", "limits", "scheme",
            "source",
        ],
    ),
    (
        "verify",
        &["apk", "crypto", "error", "finding", "format", "identity", "kept", "limits", "scheme", "source"],
    ),
    ("registry", &["atomic_file", "crypto", "error", "fields", "finding", "identity", "source"]),
    ("policy", &["error", "fields", "finding", "identity", "kept", "marks", "registry", "scheme", "verify"]),
    (
        "inspect",
        &[
            "apk", "crypto", "error", "finding", "format", "identity", "limits", "marks", "policy", "scheme",
            "source", "verify",
        ],
    ),
    (
        "report",
        &[
            "apk",
            "container",
            "crypto",
            "error",
            "explain",
            "finding",
            "identity",
            "inspect",
            "kept",
            "marks",
            "policy",
            "registry",
            "scheme",
            "verify",
        ],
    ),
    (
        "scan",
        &[
            "apk",
            "container",
            "crypto",
            "error",
            "finding",
            "identity",
            "kept",
            "limits",
            "marks",
            "policy",
            "registry",
            "report",
            "source",
            "verify",
        ],
    ),
    ("ledger", &["crypto", "error", "identity", "kept", "policy", "report", "scan", "source", "verify"]),
    ("container", &["apk", "error", "finding", "format", "limits", "source"]),
    ("work", &[]),
    ("fuzzing", &["work"]),
];

/// Names at the crate's root that stand for a module.
const RE_EXPORTS: &[(&str, &str)] = &[
    ("Error", "error"),
    ("Limits", "limits"),
    ("Registry", "registry"),
    ("Verification", "verify"),
    ("VerifyOptions", "verify"),
];

/// What only some modules may name: text, modules, why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("ring::", &["crypto"], "cryptography crates"),
    ("rsa::", &["crypto"], "cryptography crates"),
    ("crypto_bigint::", &["crypto"], "cryptography crates"),
    ("ml_dsa::", &["crypto"], "cryptography crates"),
    ("p256::", &["crypto"], "cryptography crates"),
    ("p384::", &["crypto"], "cryptography crates"),
    ("p521::", &["crypto"], "cryptography crates"),
    ("sha1::", &["crypto"], "cryptography crates"),
    ("sha2::", &["crypto"], "cryptography crates"),
    ("blake2::", &["crypto"], "cryptography crates"),
    ("scrypt::", &["crypto"], "cryptography crates"),
    ("x509_parser::", &["format"], "certificates are parsed in one place"),
    ("zlib_rs::", &["apk"], "entries are inflated in one place"),
    ("rusqlite::", &["ledger", "registry"], "registries, and what scans have seen, are the only databases"),
    ("toml_edit::", &["registry"], "texts that people wrote are changed in one place"),
    ("walkdir::", &["scan"], "trees are walked in one place"),
    ("std::fs", &["atomic_file", "source", "fields", "scan"], "files are opened in few places"),
    ("Timestamp::now", &[], "the time is passed in"),
    ("SystemTime::now", &[], "the time is passed in"),
    ("Instant::now", &[], "the time is passed in"),
    ("std::env", &[], "options are passed in"),
    ("println!", &[], "the library does not print"),
    ("eprintln!", &[], "the library does not print"),
    ("process::exit", &[], "the library does not exit"),
    ("clap::", &[], "argument parsing belongs to the program"),
    ("anyhow", &[], "anyhow belongs to the program"),
];

/// The one file that may hold `unsafe` code.
const UNSAFE: &str = "crypto/lanes/x86.rs";

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: without comments, without the tests at its end, and without lines that only tests compile.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut for_tests = false;
    let kept = text.lines().filter(|line| {
        let line = line.trim_start();
        let skipped = line.starts_with("//") || for_tests;
        for_tests = line == "#[cfg(test)]" || line == "#[cfg(any(test, fuzzing))]";
        !skipped
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// The modules of ours that `code` names.
fn imports(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .map(|name| RE_EXPORTS.iter().find(|(alias, _)| *alias == name).map_or(name, |row| row.1.to_owned()))
        .collect()
}

/// The files of the library with the module that each belongs to.
fn library() -> Vec<(String, PathBuf)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |path: &Path| {
        let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let of_tests = |path: &Path| path.file_name().is_some_and(|name| name == "tests.rs");
    files(&src)
        .into_iter()
        .filter(|path| !of_tests(path))
        .map(|path| (module(&path), path))
        .filter(|(module, _)| !["lib", "main", "cli"].contains(&module.as_str()))
        .collect()
}

#[test]
fn modules_import_only_what_they_may() {
    let mut wrong = String::new();
    for (module, path) in library() {
        let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == module) else {
            writeln!(wrong, "{}: no rule for module {module}", path.display()).unwrap();
            continue;
        };
        for import in imports(&code(&path)) {
            if import != module && !allowed.contains(&import.as_str()) {
                writeln!(wrong, "{}: {module} may not import {import}", path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn crates_and_the_outside_world_are_named_where_they_belong() {
    let mut wrong = String::new();
    for (module, path) in library() {
        let code = code(&path);
        for (text, allowed, why) in RESERVED {
            let named = code.match_indices(text).any(|(at, _)| {
                // `sparsa::` is not `rsa::`.
                !code.get(..at).and_then(|before| before.chars().last()).is_some_and(char::is_alphanumeric)
            });
            if named && !allowed.contains(&module.as_str()) {
                writeln!(wrong, "{}: names {text:?}: {why}", path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let with: Vec<PathBuf> = files(&src).into_iter().filter(|path| code(path).contains("unsafe ")).collect();
    assert_eq!(
        with,
        [src.join(UNSAFE)],
        "clippy wants a reason for each; the file itself says how it is kept sound"
    );
}

#[test]
fn the_test_sees_what_it_should() {
    let imported = imports("use crate::apk::Apk;\nlet x = crate::Limits::default();");
    assert_eq!(imported, BTreeSet::from(["apk".to_owned(), "limits".to_owned()]));
    assert!(library().len() > 30);
}

#[test]
fn every_test_file_is_part_of_the_binary() {
    let modules = fs::read_to_string("tests/main.rs").unwrap();
    for entry in fs::read_dir("tests").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_module = path.extension().is_some_and(|extension| extension == "rs") && name != "main"
            || path.join("mod.rs").is_file();
        assert!(
            !is_module || modules.contains(&format!("\nmod {name};")),
            "tests/main.rs does not name {name}"
        );
    }
}
