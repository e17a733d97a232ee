//! What others have written and ends up in the program or its tests: where it comes from, under which licences, and what of it
//! runs while the program is built. All of it is what `deny.toml` says, which `cargo deny` reads, too.

#![expect(clippy::unwrap_used, reason = "test code: what cannot be read is to stop the test")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// What `cargo` knows of all packages, on every platform.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().unwrap()
}

fn deny() -> toml::Table {
    fs::read_to_string("deny.toml").unwrap().parse().unwrap()
}

fn names(list: &toml::Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Packages that run code of their own while they are built.
fn with_build_scripts(metadata: &Value) -> BTreeSet<String> {
    let builds = |target: &Value| {
        target["kind"].as_array().unwrap().iter().any(|kind| kind.as_str() == Some("custom-build"))
    };
    let has = |package: &&Value| package["targets"].as_array().unwrap().iter().any(builds);
    packages(metadata)
        .iter()
        .filter(has)
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn build_scripts_are_those_that_are_listed_with_a_reason() {
    let listed = names(&deny()["bans"]["build"]["allow-build-scripts"]);
    let found = with_build_scripts(&metadata());
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "deny.toml does not say why these run code in a build: {unlisted:?}");
    assert!(gone.is_empty(), "deny.toml lists what is not there: {gone:?}");
}

#[test]
fn a_build_script_is_seen() {
    let package =
        |kind: &str| serde_json::json!({ "packages": [{ "name": "a", "targets": [{ "kind": [kind] }] }] });
    assert_eq!(with_build_scripts(&package("custom-build")), BTreeSet::from(["a".to_owned()]));
    assert!(with_build_scripts(&package("proc-macro")).is_empty());
}

#[test]
fn all_of_it_is_from_the_registry_of_crates() {
    for package in packages(&metadata()) {
        let source = package["source"].as_str();
        // Our own has none.
        let known = source == Some("registry+https://github.com/rust-lang/crates.io-index")
            || source.is_none() && package["name"] == "apkvouch";
        assert!(known, "{} is from {source:?}", package["name"]);
    }
}

/// Whether one of the alternatives of a licence expression is wholly allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // In old manifests a slash says "or".
    let expression = expression.replace('/', " OR ");
    let mut words: Vec<String> = Vec::new();
    for word in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match words.last_mut() {
            // An exception allows more than the licence does.
            Some(last) if last == "WITH" => {
                words.pop();
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut words = words.iter().map(String::as_str).collect::<Vec<_>>().into_iter().peekable();
    let allowed = any(&mut words, allowed);
    assert!(words.next().is_none(), "{expression}");
    allowed
}

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut good = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        good |= all(words, allowed);
    }
    good
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut good = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        good &= one(words, allowed);
    }
    good
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    match words.next() {
        Some("(") => {
            let good = any(words, allowed);
            assert_eq!(words.next(), Some(")"));
            good
        }
        word => allowed.contains(word.unwrap()),
    }
}

#[test]
fn licences_are_those_that_are_allowed() {
    let allowed = names(&deny()["licenses"]["allow"]);
    for package in packages(&metadata()) {
        let licence = package["license"].as_str().unwrap();
        assert!(is_allowed(licence, &allowed), "{}: {licence}", package["name"]);
    }
}

#[test]
fn a_licence_expression_is_read_as_it_is_meant() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for (expression, good) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND ISC", true),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("(MIT OR GPL-3.0) AND GPL-3.0", false),
        ("GPL-3.0 WITH Classpath-exception-2.0 OR GPL-3.0", false),
        ("MIT WITH LLVM-exception", true),
    ] {
        assert_eq!(is_allowed(expression, &allowed), good, "{expression}");
    }
}
