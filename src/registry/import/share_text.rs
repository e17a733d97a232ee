//! Package names and fingerprints as people send them to each other.
//!
//! A package name on a line, its fingerprints on the next ones or behind it; a line before the package name may be what the app is
//! called. That is what AppVerifier and the like put on the clipboard, one app or many.

use std::collections::BTreeSet;

use super::Entry;
use super::Fault;
use super::digest;
use crate::identity::CertificateDigest;
use crate::registry::read::package_name_fault;

/// Every fingerprint may sign alone.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let mut entries: Vec<Entry> = Vec::new();
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
            ensure_followed(current.as_ref())?;
            let label = label.take().map(|(_, label)| label.to_owned());
            current = Some((first.to_owned(), number, label, !rest.is_empty()));
            if let (false, Some((package, _, label, _))) = (rest.is_empty(), &current) {
                entries.push(entry(package, label.as_ref(), digest(rest, Some(number))?, number));
            }
        } else if looks_like_fingerprint(line) {
            let digest = digest(line, Some(number))?;
            let Some((package, _, label, followed)) = &mut current else {
                return Err(Fault::new(
                    Some(number),
                    "expected a package name before its fingerprint, found none",
                ));
            };
            *followed = true;
            entries.push(entry(package, label.as_ref(), digest, number));
        } else if let Some((at, _)) = label.replace((number, line)) {
            return Err(not_understood(at));
        }
    }
    ensure_followed(current.as_ref())?;
    match label {
        Some((at, _)) => Err(not_understood(at)),
        None => Ok(entries),
    }
}

fn entry(package: &str, label: Option<&String>, digest: CertificateDigest, line: usize) -> Entry {
    let mut entry = Entry::new(package, BTreeSet::from([digest]));
    entry.label = label.cloned();
    entry.line = line;
    entry
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

fn ensure_followed(current: Option<&(String, usize, Option<String>, bool)>) -> Result<(), Fault> {
    match current {
        Some((package, at, _, false)) => {
            Err(Fault::new(Some(*at), format!("expected a fingerprint behind {package}, found none")))
        }
        _ => Ok(()),
    }
}

fn not_understood(line: usize) -> Fault {
    Fault::new(Some(line), "expected a package name or a SHA-256 fingerprint, found something else")
}
