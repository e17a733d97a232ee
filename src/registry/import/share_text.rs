//! Package names and fingerprints as people send them to each other.
//!
//! A package name on a line, its fingerprints on the next ones or behind it; a line before the package name may be what the app is
//! called. That is what AppVerifier and the like put on the clipboard, one app or many.

use std::collections::BTreeSet;

use super::Entry;
use super::Fault;
use super::all;
use super::digest;
use crate::identity::CertificateDigest;
use crate::registry::read::package_name_fault;

/// Every fingerprint may sign alone.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let mut entries: Vec<Result<Entry, Fault>> = Vec::new();
    // The package, on which line it stands, its label, and whether a fingerprint has followed.
    let mut current: Option<(String, usize, Option<String>, bool)> = None;
    let mut label: Option<(usize, &str)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if package_name_fault(first).is_none() && (rest.is_empty() || is_fingerprint(rest)) {
            entries.extend(not_followed(current.as_ref()).map(Err));
            let label = label.take().map(|(_, label)| label.to_owned());
            current = Some((first.to_owned(), number, label, !rest.is_empty()));
            if let (false, Some((package, _, label, _))) = (rest.is_empty(), &current) {
                entries.push(entry(package, label.as_ref(), rest, number));
            }
        } else if looks_like_fingerprint(line) {
            entries.push(match &mut current {
                Some((package, _, label, followed)) => {
                    *followed = true;
                    entry(package, label.as_ref(), line, number)
                }
                None => Err(Fault::new(
                    Some(number),
                    "expected a package name before its fingerprint, found none",
                )),
            });
        } else if let Some((at, _)) = label.replace((number, line)) {
            entries.push(Err(not_understood(at)));
        }
    }
    entries.extend(not_followed(current.as_ref()).map(Err));
    entries.extend(label.map(|(at, _)| Err(not_understood(at))));
    all(entries.into_iter())
}

fn entry(package: &str, label: Option<&String>, fingerprint: &str, line: usize) -> Result<Entry, Fault> {
    let mut entry = Entry::new(package, BTreeSet::from([digest(fingerprint, Some(line))?]));
    entry.label = label.cloned();
    entry.line = line;
    Ok(entry)
}

fn is_fingerprint(text: &str) -> bool {
    text.parse::<CertificateDigest>().is_ok()
}

/// Whether it is meant as one, though it may be cut off or of another kind.
fn looks_like_fingerprint(text: &str) -> bool {
    is_fingerprint(text)
        || text.len() >= 32
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b' ' | b'-'))
}

fn not_followed(current: Option<&(String, usize, Option<String>, bool)>) -> Option<Fault> {
    match current {
        Some((package, at, _, false)) => {
            Some(Fault::new(Some(*at), format!("expected a fingerprint behind {package}, found none")))
        }
        _ => None,
    }
}

fn not_understood(line: usize) -> Fault {
    Fault::new(Some(line), "expected a package name or a SHA-256 fingerprint, found something else")
}
