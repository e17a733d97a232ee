//! Registries from what others publish: entries are read from a foreign form, and held against the registry.
//!
//! An entry says that a set of signers may sign a package. It never says for whom: that is for whoever imports it to say.
//! Importing is adding: nothing that is registered is replaced, and all entries go in or none.

mod assetlinks;
mod csv;
mod fdroid;
mod share_text;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::App;
use super::Change;
use super::Evidence;
use super::Key;
use super::Needs;
use super::Registry;
use super::Role;
use super::SignerSet;
use super::read::package_name_fault;
use crate::error::Error;
use crate::fields::ensure_readable;
use crate::fields::read_text;
use crate::identity::CertificateDigest;

/// Size of the largest file that is imported, in bytes: the index of a store with some ten thousand apps.
const MAX_IMPORT: u64 = 256 << 20;
/// So many faults of a file, or contradictions of an import, are told; the others are counted.
const TOLD: usize = 20;

/// That a set of signers may sign a package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The package.
    pub package: String,
    /// What users know it as, when the source says so.
    pub label: Option<String>,
    /// Exactly these together.
    pub certificates: BTreeSet<CertificateDigest>,
    /// The id of the subject whose app it is, when the source says so.
    pub owner: Option<String>,
    /// Where such files are handed out, when the source says so.
    pub channel: Option<String>,
    /// On what it rests.
    pub evidence: Option<Evidence>,
    /// The file in which it stands, when it comes from one.
    pub file: Option<Arc<Path>>,
    /// The line of the file where it stands, from 1; 0 when that is not known.
    pub line: usize,
}

impl Entry {
    /// `certificates` together may sign `package`.
    pub fn new(package: impl Into<String>, certificates: BTreeSet<CertificateDigest>) -> Self {
        Self {
            package: package.into(),
            label: None,
            certificates,
            owner: None,
            channel: None,
            evidence: None,
            file: None,
            line: 0,
        }
    }

    /// Where it stands, for messages about another; empty when that is not known.
    fn place(&self) -> String {
        match (&self.file, self.line) {
            (None, _) => String::new(),
            (Some(file), 0) => format!(" in {}", file.display()),
            (Some(file), line) => format!(" in {}:{line}", file.display()),
        }
    }

    /// That it contradicts something else.
    fn contradiction(&self, message: String) -> Error {
        let Some(file) = &self.file else { return Error::Usage(message) };
        let position = (self.line > 0).then_some((self.line, 1));
        Error::Configuration { path: file.to_path_buf(), position, message }
    }
}

/// A form in which others publish signers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImportFormat {
    /// Digital Asset Links, `assetlinks.json`: each fingerprint may sign alone.
    Assetlinks,
    /// The index of an F-Droid repository, `index-v2.json`.
    FdroidIndex,
    /// The metadata of one app of F-Droid, `PACKAGE.yml`: `AllowedAPKSigningKeys`, each of which may sign alone.
    FdroidMetadata,
    /// Package names and fingerprints as text, as AppVerifier and the like share them.
    Text,
    /// Comma-separated values with a line of names: `package`, `fingerprint`, and what else there is.
    Csv,
}

impl ImportFormat {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Assetlinks, Self::FdroidIndex, Self::FdroidMetadata, Self::Text, Self::Csv];

    /// `assetlinks`, `fdroid-index`, `fdroid-metadata`, `text` or `csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assetlinks => "assetlinks",
            Self::FdroidIndex => "fdroid-index",
            Self::FdroidMetadata => "fdroid-metadata",
            Self::Text => "text",
            Self::Csv => "csv",
        }
    }

    /// The form that a file of this name has: `assetlinks.json`, `index-v2.json`, `.yml`, `.txt`, `.csv`.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.file_name()?.to_str()? {
            "assetlinks.json" => return Some(Self::Assetlinks),
            "index-v2.json" => return Some(Self::FdroidIndex),
            _ => {}
        }
        match path.extension()?.to_str()? {
            "yml" | "yaml" => Some(Self::FdroidMetadata),
            "txt" => Some(Self::Text),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Reads the entries in the file at `path`; at least one.
///
/// # Errors
/// [`Error::File`] when it cannot be opened; [`Error::Configuration`] when anything in it is not what it must be, or
/// [`Error::Several`] of these.
pub fn read(path: &Path, format: ImportFormat) -> Result<Vec<Entry>, Error> {
    ensure_readable(path, "the file to import")?;
    parse(&read_text(path, "the file to import", "a file to import", MAX_IMPORT)?, path, format)
}

/// As [`read`], of a text; `path` is for messages, and names the package of F-Droid's metadata.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, path: &Path, format: ImportFormat) -> Result<Vec<Entry>, Error> {
    // What some editors put before a text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let entries = match format {
        ImportFormat::Assetlinks => assetlinks::read(text),
        ImportFormat::FdroidIndex => fdroid::index(text),
        ImportFormat::FdroidMetadata => fdroid::metadata(text, path),
        ImportFormat::Text => share_text::read(text),
        ImportFormat::Csv => csv::read(text),
    };
    let fault = |fault: Fault| Error::Configuration {
        path: path.to_owned(),
        position: fault.line.map(|line| (line, fault.column)),
        message: fault.message,
    };
    let all = |faults: Vec<Fault>| {
        let none = || fault(Fault::new(None, "nothing can be imported"));
        several(faults.into_iter().map(fault)).unwrap_or_else(none)
    };
    let mut entries = entries.map_err(all)?;
    if entries.is_empty() {
        let message = "expected at least one package with a signer, found none; is this the right format?";
        return Err(fault(Fault::new(None, message)));
    }
    let mut told = BTreeSet::new();
    let misnamed = entries.iter().filter(|entry| told.insert((entry.line, &entry.package)));
    let misnamed = misnamed.filter_map(|entry| {
        let expected_and_found = package_name_fault(&entry.package)?;
        let message = format!("expected a package name of {expected_and_found} in {:?}", entry.package);
        Some(fault(Fault::new(Some(entry.line).filter(|line| *line > 0), message)))
    });
    if let Some(error) = several(misnamed) {
        return Err(error);
    }
    let file: Arc<Path> = Arc::from(path);
    for entry in &mut entries {
        entry.file = Some(Arc::clone(&file));
    }
    let mut seen = BTreeSet::new();
    entries.retain(|entry| {
        seen.insert((entry.package.clone(), entry.certificates.clone(), entry.channel.clone()))
    });
    Ok(entries)
}

/// The faults as one error; none when there are none.
fn several(faults: impl Iterator<Item = Error>) -> Option<Error> {
    let mut faults = faults.fuse();
    let mut told: Vec<Error> = faults.by_ref().take(TOLD).collect();
    let more = faults.count();
    if told.len() > 1 { Some(Error::Several { faults: told, more }) } else { told.pop() }
}

/// What is wrong with a file to import.
struct Fault {
    line: Option<usize>,
    column: usize,
    message: String,
}

impl Fault {
    fn new(line: Option<usize>, message: impl Into<String>) -> Self {
        Self { line, column: 1, message: message.into() }
    }

    /// What `serde_json` could not read.
    fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let plain = text.split(" at line ").next().unwrap_or(&text);
        Self {
            line: Some(error.line()),
            // Behind the end of a line it says 0.
            column: error.column().max(1),
            message: format!("not of this format: {plain}"),
        }
    }
}

/// All of them, or all that is wrong.
fn all<T>(read: impl Iterator<Item = Result<T, Fault>>) -> Result<Vec<T>, Vec<Fault>> {
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for result in read {
        match result {
            Ok(one) => good.push(one),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(good) } else { Err(faults) }
}

/// The digest in `text`.
fn digest(text: &str, line: Option<usize>) -> Result<CertificateDigest, Fault> {
    text.parse().map_err(|error| Fault::new(line, format!("{error}")))
}

/// How entries go into a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// The subject whose apps and keys they are, unless an entry says so itself.
    pub owner: Option<String>,
    /// What they rest on, unless an entry says so itself.
    pub evidence: Option<Evidence>,
    /// Whether a package that is registered with other signers gets these, too.
    pub add_signers: bool,
}

/// What of a registry [`plan`] asks for.
pub fn needs(entries: &[Entry], options: &ImportOptions) -> Needs {
    let mut needs = Needs::default();
    for entry in entries {
        needs.packages.insert(entry.package.clone());
        needs.certificates.extend(&entry.certificates);
        needs.subjects.extend(entry.owner.clone());
    }
    needs.subjects.extend(options.owner.clone());
    needs
}

/// The changes by which `registry` has all of `entries`; what it has already is no change.
///
/// # Errors
/// [`Error::Configuration`] with the file and line of each entry that contradicts the registry or another entry, or [`Error::Usage`] of
/// one that comes from no file; [`Error::Several`] of these: a package of another subject or, unless
/// `options` say otherwise, with other signers; a key of another subject; a key that is denied, suspended or
/// revoked; an owner that is not said.
pub fn plan(registry: &Registry, entries: &[Entry], options: &ImportOptions) -> Result<Vec<Change>, Error> {
    let mut plan = Plan {
        registry,
        keys: BTreeMap::new(),
        apps: BTreeMap::new(),
        signers: Vec::new(),
        order: Vec::new(),
        places: BTreeMap::new(),
    };
    let owned = |entry: &Entry| entry.owner.is_some() || registry.app(&entry.package).is_some();
    if options.owner.is_none() && entries.len() > 1 && !entries.iter().any(owned) {
        let message = "expected the owner of these packages, found none; give --owner ID";
        return Err(Error::Usage(message.to_owned()));
    }
    let faults = entries.iter().filter_map(|entry| {
        let message = plan.add(entry, options).err()?;
        Some(entry.contradiction(message))
    });
    match several(faults) {
        None => Ok(plan.changes()),
        Some(error) => Err(error),
    }
}

/// What is to be added.
struct Plan<'a> {
    registry: &'a Registry,
    keys: BTreeMap<CertificateDigest, Key>,
    apps: BTreeMap<String, App>,
    signers: Vec<(String, SignerSet)>,
    /// Packages in the order of the entries.
    order: Vec<String>,
    /// Where the first entry stands by which a package, or a key, is what is planned.
    places: BTreeMap<Planned, String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Planned {
    Package(String),
    Key(CertificateDigest),
}

impl Plan<'_> {
    /// Where that is said with which an entry does not agree.
    fn elsewhere(&self, planned: &Planned) -> String {
        let of_registry = || match &self.registry.path {
            Some(path) => format!(" in {}", path.display()),
            None => String::new(),
        };
        self.places.get(planned).cloned().unwrap_or_else(of_registry)
    }

    fn add(&mut self, entry: &Entry, options: &ImportOptions) -> Result<(), String> {
        let package = &entry.package;
        let registered = self.registry.app(package);
        let planned = self.apps.get(package);
        let owner = entry.owner.as_ref().or(options.owner.as_ref()).or(registered.map(|app| &app.owner));
        let owner =
            owner.ok_or_else(|| format!("{package}: expected its owner, found none; give --owner ID"))?;
        if self.registry.subject(owner).is_none() {
            return Err(format!(
                "{package}: subject {owner:?} is not registered; add it first: registry add-subject"
            ));
        }
        if let Some(other) = registered.or(planned).map(|app| &app.owner).filter(|other| *other != owner) {
            let place = self.elsewhere(&Planned::Package(package.clone()));
            return Err(format!(
                "{package}: expected that it belongs to subject {owner:?}, found {other:?}{place}"
            ));
        }
        let mut set = SignerSet::new(entry.certificates.clone(), Role::Developer);
        set.channel.clone_from(&entry.channel);
        set.evidence.extend(entry.evidence.clone().or_else(|| options.evidence.clone()));
        if let Some(app) = registered {
            match app.ensure_signers(&set) {
                Ok(()) => return Ok(()),
                Err(Error::Usage(message)) if !options.add_signers => {
                    let place = self.elsewhere(&Planned::Package(package.clone()));
                    return Err(message.replacen("other signers:", &format!("other signers{place}:"), 1));
                }
                Err(_) => {}
            }
        }
        for certificate in &entry.certificates {
            self.registry.ensure_usable(certificate).map_err(|error| format!("{package}: {error}"))?;
            let known = self.registry.key(certificate).or_else(|| self.keys.get(certificate));
            if let Some(key) = known.filter(|key| key.subject != *owner) {
                let place = self.elsewhere(&Planned::Key(*certificate));
                return Err(format!(
                    "{package}: expected that key {certificate} belongs to subject {owner:?}, found {:?}{place}",
                    key.subject
                ));
            }
        }
        for certificate in &entry.certificates {
            if self.registry.key(certificate).is_none() {
                self.places.entry(Planned::Key(*certificate)).or_insert_with(|| entry.place());
                self.keys.entry(*certificate).or_insert_with(|| Key::new(*certificate, owner));
            }
        }
        if registered.is_some() {
            self.signers.push((package.clone(), set));
            return Ok(());
        }
        self.places.entry(Planned::Package(package.clone())).or_insert_with(|| entry.place());
        let app = self.apps.entry(package.clone()).or_insert_with(|| {
            self.order.push(package.clone());
            App::new(package, owner, Vec::new())
        });
        if let Some(label) = entry.label.as_ref().filter(|label| !app.labels.contains(label)) {
            app.labels.push(label.clone());
        }
        if !app.signers.iter().any(|other| other.allows_the_same_as(&set)) {
            app.signers.push(set);
        }
        Ok(())
    }

    fn changes(mut self) -> Vec<Change> {
        let keys = std::mem::take(&mut self.keys).into_values().map(|key| Change::Key(Box::new(key)));
        let mut changes: Vec<Change> = keys.collect();
        changes.extend(self.order.iter().filter_map(|package| self.apps.remove(package)).map(Change::App));
        changes.extend(self.signers.into_iter().map(|(package, set)| Change::Signers { package, set }));
        changes
    }
}

/// Entries by package, and the packages among them that have several signer sets.
pub fn conflicts(entries: &[Entry]) -> BTreeMap<&str, Vec<&Entry>> {
    let mut by_package: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let of_package = by_package.entry(&entry.package).or_default();
        if of_package.iter().all(|other| other.certificates != entry.certificates) {
            of_package.push(entry);
        }
    }
    by_package.retain(|_, entries| entries.len() > 1);
    by_package
}
