//! The bases of an app beside a part of it: which one it belongs to, and what that says of the part.
//!
//! Files of a folder are judged one by one, in any order and on any machine. So each part looks for its base by itself, among
//! the files beside it. What the manifests there say is kept for the parts that come next, and is read again where a file is
//! another one since.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::Error;
use crate::Limits;
use crate::Verification;
use crate::VerifyOptions;
use crate::apk::Apk;
use crate::apk::ManifestFacts;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::source::FileIdentity;
use crate::source::FileSource;
use crate::verify::SeenSigners;
use crate::verify::verify;

/// In a folder of more entries than this nobody looks for bases: it is no folder of one app.
const MOST_ENTRIES: usize = 1000;
/// So many folders are kept for the parts that come next.
const KEPT: usize = 16;
/// No package has a longer name, in bytes. What is kept of a folder stays small.
const LONGEST_PACKAGE: usize = 255;
/// For so many lowest Android versions of bases a part that does not verify is judged again.
const MOST_LEVELS: usize = 64;

/// The bases in folders, for the parts beside them.
#[derive(Debug, Default)]
pub(super) struct Bases {
    kept: Mutex<VecDeque<(PathBuf, Arc<Folder>)>>,
    /// How many files were opened.
    opened: AtomicUsize,
}

/// A folder, looked at by whoever comes first.
#[derive(Debug)]
struct Folder {
    identity: Option<FileIdentity>,
    bases: OnceLock<Option<Vec<Base>>>,
}

/// A file whose manifest names no split.
#[derive(Debug)]
struct Base {
    path: PathBuf,
    identity: Option<FileIdentity>,
    package: String,
    version_code: Option<u64>,
    proof: OnceLock<Option<Proof>>,
}

/// What the signatures of a base prove.
#[derive(Debug)]
struct Proof {
    verified: bool,
    /// The lowest API level that its manifest names.
    level: Option<u32>,
    signers: SeenSigners,
}

/// Holds a part of an app against the bases beside it, and judges it by the Android versions of the one with its signers; `again`
/// verifies the part for versions from a level on. Whatever is no part stays as it is, and so does a part whose signers no base
/// has: whoever may put a file beside it must not change what it is.
///
/// # Errors
/// What `again` says. A base that cannot be read has a row of its own, which says so.
pub(super) fn hold_against_base(
    path: &Path,
    verification: &mut Verification,
    options: &VerifyOptions,
    bases: &Bases,
    again: impl Fn(u32) -> Result<Verification, Error>,
) -> Result<(), Error> {
    let Some(manifest) = verification.claimed_manifest.clone().filter(|facts| facts.split.name.is_some())
    else {
        return Ok(());
    };
    let folder = bases.folder(path, &options.limits);
    let Some(beside) = folder.bases() else {
        note(verification, "too many files are beside it to look for its base");
        return Ok(());
    };
    let of_package: Vec<&Base> = beside.iter().filter(|base| base.package == manifest.package).collect();
    let of_version: Vec<&Base> =
        of_package.iter().copied().filter(|base| base.version_code == manifest.version_code).collect();
    if of_version.is_empty() {
        match of_package.first() {
            Some(other) => verification.findings.push(other_version(other, &manifest)),
            None => note(verification, "its base is not beside it"),
        }
        return Ok(());
    }
    let mut judged: BTreeMap<u32, Verification> = BTreeMap::new();
    let mut differ = None;
    let mut read = false;
    for base in of_version {
        let Some(proof) = bases.proof(base, options) else { continue };
        read = true;
        if !proof.verified {
            continue;
        }
        let level = proof.level.filter(|level| {
            !verification.is_verified() && options.min_sdk.is_none() && Some(*level) > verification.min_sdk
        });
        if let Some(level) = level
            && !judged.contains_key(&level)
            && judged.len() < MOST_LEVELS
        {
            judged.insert(level, again(level)?);
        }
        let part = level.and_then(|level| judged.get(&level)).unwrap_or(verification);
        let signers = SeenSigners::of(part);
        if part.is_verified() && proof.signers.agree(&signers) {
            if let Some(part) = level.and_then(|level| judged.remove(&level)) {
                *verification = part;
            }
            return Ok(());
        }
        if differ.is_none() && part.is_verified() {
            differ = proof.signers.differ(&signers).map(|(expected, actual)| (base, expected, actual));
        }
    }
    if let Some((base, expected, actual)) = differ {
        let name = base.path.file_name().unwrap_or_default().to_string_lossy();
        let finding = Finding::new(FindingCode::SplitSigner).with_severity(Severity::Warning);
        let finding = finding.detail(format!("the base beside it is {name}"));
        verification.findings.push(finding.values(expected, actual));
    } else if !read {
        note(verification, "its base, beside it, cannot be read");
    }
    Ok(())
}

/// That the base beside a part is of another version.
fn other_version(base: &Base, part: &ManifestFacts) -> Finding {
    let told = |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let finding = Finding::new(FindingCode::SplitVersion).with_severity(Severity::Warning);
    let finding = finding.detail("the base beside it is of another version code");
    finding.values(told(base.version_code), told(part.version_code))
}

/// Says more of that the file is a part.
fn note(verification: &mut Verification, what: &str) {
    for finding in verification.findings.iter_mut().filter(|finding| finding.code == FindingCode::SplitApk) {
        finding.detail = format!("{}; {what}", finding.detail);
    }
}

impl Folder {
    /// The bases in it, by name; none when there are too many files to look at.
    fn bases(&self) -> Option<&[Base]> {
        self.bases.get()?.as_deref()
    }

    /// Whether nothing was put there, or exchanged, since it was looked at.
    fn is_as_it_was(&self, folder: &Path) -> bool {
        let same = |path: &Path, identity| identity_of(path) == identity;
        same(folder, self.identity)
            && self.bases().is_none_or(|bases| bases.iter().all(|base| same(&base.path, base.identity)))
    }
}

impl Bases {
    /// The folder in which `path` is.
    fn folder(&self, path: &Path, limits: &Limits) -> Arc<Folder> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let found = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|(path, kept)| path != folder || kept.is_as_it_was(folder));
            let known = kept.iter().find(|(path, _)| path == folder).map(|(_, kept)| Arc::clone(kept));
            known.unwrap_or_else(|| {
                let identity = identity_of(folder);
                let new = Arc::new(Folder { identity, bases: OnceLock::new() });
                kept.truncate(KEPT.saturating_sub(1));
                kept.push_front((folder.to_owned(), Arc::clone(&new)));
                new
            })
        };
        found.bases.get_or_init(|| self.look_into(folder, limits));
        found
    }

    fn look_into(&self, folder: &Path, limits: &Limits) -> Option<Vec<Base>> {
        let Ok(entries) = fs::read_dir(folder) else { return Some(Vec::new()) };
        let mut files = Vec::new();
        for (count, entry) in entries.enumerate() {
            if count >= MOST_ENTRIES {
                return None;
            }
            // No link leads out of the folder.
            let Some(entry) = entry.ok().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            else {
                continue;
            };
            let name = entry.file_name();
            if name.as_encoded_bytes().to_ascii_lowercase().ends_with(b".apk") {
                files.push(folder.join(name));
            }
        }
        files.sort();
        Some(files.into_iter().filter_map(|file| self.base(file, limits)).collect())
    }

    /// The file at `path`, if its manifest can be read and names no split.
    fn base(&self, path: PathBuf, limits: &Limits) -> Option<Base> {
        let source = self.open(&path)?;
        let apk = Apk::open(&source, limits).ok()?;
        let ManifestFacts { package, version_code, split, .. } = apk.manifest().ok()??.facts;
        let is_base = split.name.is_none() && (1..=LONGEST_PACKAGE).contains(&package.len());
        let identity = source.identity();
        is_base.then(|| Base { path, identity, package, version_code, proof: OnceLock::new() })
    }

    /// What the signatures of a base prove; none when it cannot be read, or is another file by now.
    fn proof<'b>(&self, base: &'b Base, options: &VerifyOptions) -> Option<&'b Proof> {
        let prove = || {
            let source = self.open(&base.path).filter(|source| source.identity() == base.identity)?;
            let evidence = verify(&source, options).ok()?;
            let level = evidence.claimed_manifest.as_ref().and_then(|manifest| manifest.min_sdk);
            let signers = SeenSigners::of(&evidence);
            Some(Proof { verified: evidence.is_verified(), level, signers })
        };
        base.proof.get_or_init(prove).as_ref()
    }

    fn open(&self, path: &Path) -> Option<FileSource> {
        self.opened.fetch_add(1, Relaxed);
        FileSource::open(path).ok()
    }
}

fn identity_of(path: &Path) -> Option<FileIdentity> {
    FileIdentity::of(&fs::metadata(path).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each file of a folder is opened once for all its parts: twice as many parts are twice the work.
    #[test]
    fn a_folder_is_looked_at_once_for_all_its_parts() {
        for count in [20, 40] {
            let dir = tempfile::tempdir().unwrap();
            let paths: Vec<PathBuf> =
                (0..count).map(|number| dir.path().join(format!("{number}.apk"))).collect();
            for path in &paths {
                fs::write(path, b"no APK").unwrap();
            }
            let bases = Bases::default();
            for path in &paths {
                assert!(bases.folder(path, &Limits::default()).bases().is_some_and(<[Base]>::is_empty));
            }
            assert_eq!(bases.opened.load(Relaxed), count);
            // Once more when a file has come.
            std::thread::sleep(std::time::Duration::from_millis(50));
            fs::write(dir.path().join("new.apk"), b"no APK").unwrap();
            bases.folder(&paths[0], &Limits::default());
            assert_eq!(bases.opened.load(Relaxed), 2 * count + 1);
        }
    }
}
