//! Entry names that readers take for different ones, or that mean something outside of the archive.

use std::collections::HashMap;

use super::Report;
use crate::finding::FindingCode;
use crate::format::zip;
use crate::format::zip::DirectoryRecord;

const META_INF: &str = "META-INF/";

/// Adds what is odd about the names of all entries.
pub(super) fn check(report: &mut Report<'_>) {
    let mut by_folded: HashMap<Vec<u8>, &[u8]> = HashMap::new();
    for record in report.records() {
        let name = report.directory.name(record);
        check_name(report, record, name);
        let Some(folded) = folded_if_android_reads_it(name) else { continue };
        let first = *by_folded.entry(folded).or_insert(name);
        if first != name {
            let other = String::from_utf8_lossy(first).into_owned();
            report.add(FindingCode::ZipNameCase, record, || format!("beside {other}"));
        }
    }
}

fn check_name(report: &mut Report<'_>, record: &DirectoryRecord, name: &[u8]) {
    if is_plain(name) {
        return;
    }
    if !zip::name_is_allowed(name) {
        report.add(FindingCode::ZipNameNotAllowed, record, || {
            if name.contains(&0) { "a NUL byte" } else { "not UTF-8" }.to_owned()
        });
        return;
    }
    let Ok(text) = std::str::from_utf8(name) else {
        report.add(FindingCode::ZipNameNotUtf8, record, String::new);
        return;
    };
    if let Some(character) = text.chars().find(|character| character.is_control()) {
        report
            .add(FindingCode::ZipNameControlCharacter, record, || format!("U+{:04X}", u32::from(character)));
    }
    if text.ends_with(' ') {
        report.add(FindingCode::ZipNameTrailingSpace, record, String::new);
    }
    if leaves_meta_inf(text) {
        report.add(FindingCode::ZipNameLeavesMetaInf, record, String::new);
    } else if lands_elsewhere(text) {
        report.add(FindingCode::ZipNameTraversal, record, String::new);
    }
}

/// Whether nothing can be odd about a name, as about nearly all.
fn is_plain(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+$".contains(byte);
    name.iter().all(plain) && !name.starts_with(b"/") && !name.windows(2).any(|pair| pair == b"..")
}

/// Whether v1 leaves the entry unprotected although its path, once resolved, is not below `META-INF/`.
fn leaves_meta_inf(name: &str) -> bool {
    let Some(below) = name.strip_prefix(META_INF) else { return false };
    let mut depth = 0_usize;
    for part in below.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return true,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}

/// Whether a name unpacks to another place than it seems: resolved, absolute, or with the separator of Windows.
fn lands_elsewhere(name: &str) -> bool {
    let drive = name.get(1..3).is_some_and(|text| text == ":/");
    name.starts_with('/') || name.contains('\\') || drive || name.split('/').any(|part| part == "..")
}

/// The name in lower case, when Android, or a verifier of its signature, reads an entry of that name.
fn folded_if_android_reads_it(name: &[u8]) -> Option<Vec<u8>> {
    const LONGEST: usize = 128;
    const ENDS: [&[u8]; 8] = [b".xml", b".dex", b".arsc", b".mf", b".sf", b".rsa", b".dsa", b".ec"];
    let ends_with = |end: &[u8]| {
        name.len()
            .checked_sub(end.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    if name.len() > LONGEST || !ENDS.iter().any(|end| ends_with(end)) {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    let read = if let Some(file) = folded.strip_prefix(b"meta-inf/") {
        file == b"manifest.mf"
            || [&b".sf"[..], b".rsa", b".dsa", b".ec"].iter().any(|end| file.ends_with(end))
    } else {
        let code = folded.strip_prefix(b"classes").and_then(|rest| rest.strip_suffix(b".dex"));
        folded == b"androidmanifest.xml"
            || folded == b"resources.arsc"
            || code.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
    };
    read.then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_really_leave_meta_inf_count() {
        for name in ["META-INF/../classes2.dex", "META-INF/a/../../b", "META-INF/./../x", "META-INF/..\\x"] {
            assert!(leaves_meta_inf(name), "{name}");
        }
        for name in ["META-INF/a/../b", "META-INF/..a", "META-INF/", "META-INFX/../a", "a/META-INF/../../b"] {
            assert!(!leaves_meta_inf(name), "{name}");
        }
    }

    #[test]
    fn a_path_that_resolves_lands_elsewhere() {
        for name in ["/etc/passwd", "a/../b", "..", "res\\a.png", "C:/a", "META-INF/a/../b"] {
            assert!(lands_elsewhere(name), "{name}");
        }
        for name in ["a..b/c", "res/...", "assets/a:b", "lib/arm64-v8a/libc++_shared.so", "a/./b"] {
            assert!(!lands_elsewhere(name), "{name}");
        }
    }

    #[test]
    fn case_matters_where_android_reads() {
        for name in [
            "ANDROIDMANIFEST.XML",
            "Classes2.dex",
            "meta-inf/Cert.Rsa",
            "META-INF/manifest.mf",
            "resources.ARSC",
        ] {
            assert!(folded_if_android_reads_it(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["res/aB.xml", "classesA.dex", "assets/classes.dex", "META-INF/a.xml", "a.rsa", ""] {
            assert!(folded_if_android_reads_it(name.as_bytes()).is_none(), "{name}");
        }
    }
}
