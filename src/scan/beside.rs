//! The base of an app beside a part of it: which one it is, and what it says of the part.
//!
//! Files of a folder are judged one by one, in any order and on any machine. So each part looks for its base by itself, among
//! the files beside it, and nothing is held until a folder is done.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::container::level_of_base;
use crate::Error;
use crate::Limits;
use crate::Verification;
use crate::VerifyOptions;
use crate::apk::Apk;
use crate::apk::ManifestFacts;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::source::FileSource;
use crate::verify::SetMember;
use crate::verify::Status;
use crate::verify::check_split_set;
use crate::verify::verify;

/// In a folder of more entries than this nobody looks for bases: it is no folder of one app.
const MOST_ENTRIES: usize = 1000;
/// So many bases are kept for the parts that come next.
const KEPT: usize = 16;

/// Bases that were verified, for the other parts beside them.
#[derive(Debug, Default)]
pub(super) struct Bases {
    kept: Mutex<VecDeque<(PathBuf, Arc<Verification>)>>,
}

/// What stands beside a part.
enum Beside {
    /// Its base.
    Base(PathBuf),
    /// The base of other versions, one of them with this version code.
    OtherVersion(Option<u64>),
    /// No base of that package.
    Nothing,
    /// Too many files to look at.
    Crowd,
}

/// Holds a part of an app against the base beside it, and judges it by the Android versions of that one; `again` verifies the part
/// for versions from a level on. Whatever is no part stays as it is.
///
/// # Errors
/// What `again` says. A base that cannot be read has a row of its own, which says so.
pub(super) fn hold_against_base(
    path: &Path,
    verification: &mut Verification,
    options: &VerifyOptions,
    bases: &Bases,
    again: impl FnOnce(u32) -> Result<Verification, Error>,
) -> Result<(), Error> {
    let Some(manifest) = verification.claimed_manifest.clone().filter(|facts| facts.split.name.is_some())
    else {
        return Ok(());
    };
    let base = match beside(path, &manifest, &options.limits) {
        Beside::Base(base) => base,
        Beside::OtherVersion(version) => {
            let told =
                |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |code| code.to_string());
            let finding = Finding::new(FindingCode::SplitVersion).with_severity(Severity::Warning);
            let finding = finding.detail("the base beside it is of another version code");
            verification.findings.push(finding.values(told(version), told(manifest.version_code)));
            return Ok(());
        }
        Beside::Nothing => {
            note(verification, "its base is not beside it");
            return Ok(());
        }
        Beside::Crowd => {
            note(verification, "too many files are beside it to look for its base");
            return Ok(());
        }
    };
    let Some(evidence) = bases.verified(&base, options) else {
        note(verification, "its base, beside it, cannot be read");
        return Ok(());
    };
    let level = level_of_base(verification, std::iter::once(&*evidence));
    if let Some(level) = level.filter(|_| options.min_sdk.is_none()) {
        *verification = again(level)?;
    }
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (base_name, part_name) = (name(&base), name(path));
    let members = [SetMember::new(&base_name, &evidence), SetMember::new(&part_name, verification)];
    let found = check_split_set(&members, false);
    let differs = found.into_iter().find(|finding| finding.code == FindingCode::SplitSigner);
    if let Some(mut finding) = differs {
        finding.location.entry = None;
        verification.findings.push(finding.detail(format!("the base is {base_name}")));
        verification.status = Status::Rejected;
        verification.views.clear();
    }
    Ok(())
}

/// Says more of that the file is a part.
fn note(verification: &mut Verification, what: &str) {
    for finding in verification.findings.iter_mut().filter(|finding| finding.code == FindingCode::SplitApk) {
        finding.detail = format!("{}; {what}", finding.detail);
    }
}

fn beside(path: &Path, part: &ManifestFacts, limits: &Limits) -> Beside {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else { return Beside::Nothing };
    let mut files = Vec::new();
    for (count, entry) in entries.enumerate() {
        if count >= MOST_ENTRIES {
            return Beside::Crowd;
        }
        // No link leads out of the folder.
        let Some(entry) = entry.ok().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        else {
            continue;
        };
        let name = entry.file_name();
        let is_apk = name.as_encoded_bytes().to_ascii_lowercase().ends_with(b".apk");
        if is_apk && Some(&*name) != path.file_name() {
            files.push(folder.join(name));
        }
    }
    files.sort();
    let mut others = None;
    for file in files {
        let Some(manifest) = manifest(&file, limits) else { continue };
        if manifest.split.name.is_some() || manifest.package != part.package || part.package.is_empty() {
            continue;
        }
        if manifest.version_code == part.version_code {
            return Beside::Base(file);
        }
        others.get_or_insert(manifest.version_code);
    }
    others.map_or(Beside::Nothing, Beside::OtherVersion)
}

/// What the manifest of the file at `path` claims; none when it cannot be read.
fn manifest(path: &Path, limits: &Limits) -> Option<ManifestFacts> {
    let source = FileSource::open(path).ok()?;
    let apk = Apk::open(&source, limits).ok()?;
    Some(apk.manifest().ok()??.facts)
}

impl Bases {
    /// What the signatures of the base at `path` prove; none when it cannot be read.
    fn verified(&self, path: &Path, options: &VerifyOptions) -> Option<Arc<Verification>> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, evidence)) = kept().iter().find(|(kept, _)| kept == path) {
            return Some(Arc::clone(evidence));
        }
        let source = FileSource::open(path).ok()?;
        let evidence = Arc::new(verify(&source, options).ok()?);
        let mut kept = kept();
        kept.truncate(KEPT.saturating_sub(1));
        kept.push_front((path.to_owned(), Arc::clone(&evidence)));
        Some(evidence)
    }
}
