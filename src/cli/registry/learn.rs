//! `apkvouch registry learn`: what trusted APKs show of who signs what.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::container::ContainerKind;
use apkvouch::finding::Finding;
use apkvouch::identity::Certificate;
use apkvouch::identity::CertificateDigest;
use apkvouch::identity::Lineage;
use apkvouch::policy::installer_refuses;
use apkvouch::registry::App;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Needs;
use apkvouch::registry::Store;
use apkvouch::registry::csv_cell;
use apkvouch::report::escape;
use apkvouch::scan::JudgedContainer;
use apkvouch::scan::Outcome;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;
use apkvouch::verify::ApiView;
use apkvouch::verify::Status;

use super::super::say;
use super::args::Learn;

/// Certificates that sign together.
type SignerSet = BTreeSet<CertificateDigest>;

/// Proposes what a directory of trusted APKs shows, as CSV; what contradicts itself or the registry is told instead.
pub(super) fn learn(arguments: &Learn) -> anyhow::Result<(String, u8)> {
    let store = Store::open(&arguments.registry)?;
    let mut learned = Learned::default();
    for path in &arguments.paths {
        learned.look_at(path)?;
    }
    let registry = escape::in_shell(&arguments.registry);
    let mut text = "package,fingerprint\n".to_owned();
    let mut conflicts = 0_usize;
    for (package, seen) in &learned.packages {
        match seen.proposal(package, &store, &registry)? {
            Ok(Proposal { sets, notes }) => {
                for set in sets {
                    writeln!(text, "{},{}", csv_cell(package), fingerprints(&set))?;
                }
                for note in notes {
                    say(&note);
                }
            }
            Err(conflict) => {
                conflicts = conflicts.saturating_add(1);
                say(&format!("{package}: {conflict}"));
            }
        }
    }
    let code = match (learned.unread, learned.failed.saturating_add(conflicts)) {
        (1.., _) => 3,
        (0, 1..) => 1,
        (0, 0) if learned.packages.is_empty() => 4,
        (0, 0) => 0,
    };
    Ok((text, code))
}

/// What all files show.
#[derive(Default)]
struct Learned {
    packages: BTreeMap<String, Seen>,
    /// How many files do not verify, or are refused by Android all the same.
    failed: usize,
    /// How many could not be read.
    unread: usize,
}

/// What the files of one package show.
#[derive(Default)]
struct Seen {
    /// Whoever some Android version sees, with the files.
    sets: BTreeMap<SignerSet, Vec<PathBuf>>,
    /// Where the signer of such a set comes from.
    lines: BTreeMap<SignerSet, Line>,
}

/// A signer with a verified lineage.
struct Line {
    signer: CertificateDigest,
    /// The certificates that it descends from, the oldest first.
    ancestors: Vec<CertificateDigest>,
}

/// What is to be imported, and what else is to be done or known.
struct Proposal {
    sets: Vec<SignerSet>,
    notes: Vec<String>,
}

impl Learned {
    /// Looks at a file, or at all files below a directory.
    fn look_at(&mut self, path: &Path) -> Result<(), Error> {
        let walk = Walk::new(vec![path.to_owned()], WalkOptions::default());
        let not_apk = walk.not_apk();
        let mut options = ScanOptions::default();
        options.bases_beside = true;
        let mut found = false;
        scan(walk, &options, |row| {
            found = true;
            self.note(&row.path, &row.outcome);
            Ok::<(), Error>(())
        })?;
        if !found {
            let named = match not_apk.load(Relaxed) {
                0 => String::new(),
                1 => "; a file there is not named like one".to_owned(),
                count => format!("; {count} files there are not named like one"),
            };
            say(&format!("{}: no APK found{named}", path.display()));
        }
        Ok(())
    }

    fn note(&mut self, path: &Path, outcome: &Outcome) {
        match outcome {
            Outcome::Judged { verification, .. } => self.note_apk(path, verification),
            Outcome::Container(container) => self.note_container(path, container),
            Outcome::Unjudged(error) => {
                self.unread = self.unread.saturating_add(1);
                say(&format!("{}: {}", path.display(), error.without_path()));
            }
            Outcome::Skipped(why) => say(&format!("{}: skipped: {why}", path.display())),
            _ => self.fail(path, "cannot be judged"),
        }
    }

    fn note_apk(&mut self, path: &Path, verification: &Verification) {
        // No registry authenticates it.
        if let Some(refused) = installer_refuses(verification) {
            return self.fail(path, &refused.message());
        }
        let views = verification.views.iter().filter(|_| verification.is_verified());
        let newest = views.clone().max_by_key(|view| view.max_sdk);
        let newest = newest.map(|view| set_of(verification, view)).filter(|set| !set.is_empty());
        let (Some(newest), Some(package)) = (newest, verification.package()) else {
            return self.fail(path, "does not verify");
        };
        let seen = self.packages.entry(package.to_owned()).or_default();
        for view in views {
            let set = set_of(verification, view);
            let mut signers = verification.signers_of(view);
            if let (Some(signer), None) = (signers.next(), signers.next()) {
                let nodes = signer.lineage().map_or(&[][..], Lineage::nodes);
                let nodes = nodes.iter().map(|node| node.certificate.digest());
                let ancestors: Vec<CertificateDigest> =
                    nodes.filter(|digest| !set.contains(digest)).collect();
                // Files may leave out the oldest.
                if seen.line(&set).is_none_or(|known| known.ancestors.len() < ancestors.len()) {
                    seen.lines.insert(set.clone(), Line { signer: signer.digest(), ancestors });
                }
            }
            // The classical half of a pair, which older versions see alone, speaks for the app beside the other half.
            let is_half = set.is_subset(&newest) && set != newest;
            let files = (!is_half).then(|| seen.sets.entry(set).or_default());
            if let Some(files) = files.filter(|files| files.last().is_none_or(|last| last != path)) {
                files.push(path.to_owned());
            }
        }
    }

    fn note_container(&mut self, path: &Path, container: &JudgedContainer) {
        let JudgedContainer { kind, signature, findings, members, .. } = container;
        if *kind == ContainerKind::AppBundle {
            say(&format!("{}: an app bundle holds no APK yet: nothing is learned", path.display()));
            return;
        }
        let broken = findings.iter().chain(&signature.findings).any(Finding::is_error);
        if broken || matches!(signature.status, Status::Malformed | Status::Rejected) {
            return self.fail(path, "the container is not sound");
        }
        if members.is_empty() {
            say(&format!("{}: a container without APKs: nothing is learned", path.display()));
        }
        for member in members {
            self.note(&member.path, &member.outcome);
        }
    }

    fn fail(&mut self, path: &Path, why: &str) {
        self.failed = self.failed.saturating_add(1);
        say(&format!("{}: {why}: nothing is learned", path.display()));
    }
}

impl Seen {
    /// What to import for `package`, or what contradicts that. `named` is the registry as commands name it.
    fn proposal(&self, package: &str, store: &Store, named: &str) -> Result<Result<Proposal, String>, Error> {
        let told: Vec<String> = self.sets.iter().map(|(set, files)| shown(set, files)).collect();
        let told = told.join("; ");
        // Whoever all others have appointed, one after the other.
        let heir = self.sets.keys().find(|heir| {
            let older = self.ancestors(heir);
            self.sets.keys().all(|set| set == *heir || alone(set).is_some_and(|one| older.contains(&one)))
        });
        let Some(heir) = heir else { return Ok(Err(format!("several signers: {told}"))) };
        let older = self.ancestors(heir);
        let single = older.iter().map(|one| SignerSet::from([*one]));
        let mut sets: Vec<SignerSet> = single.filter(|set| self.sets.contains_key(set)).collect();
        sets.push(heir.clone());

        let mut needs = Needs::default();
        needs.packages.insert(package.to_owned());
        needs.certificates.extend(sets.iter().flatten().chain(older));
        let registry = store.part(&needs)?;
        for certificate in sets.iter().flatten() {
            if let Err(unusable) = registry.ensure_usable(certificate) {
                return Ok(Err(unusable.to_string()));
            }
        }
        let notes = self.notes(package, heir, &registry, named);
        let Some(app) = registry.app(package) else { return Ok(Ok(Proposal { sets, notes })) };
        let is_allowed = |set: &SignerSet| app.signers.iter().any(|other| other.certificates == *set);
        sets.retain(|set| !is_allowed(set));
        if sets.is_empty() {
            return Ok(Ok(Proposal { sets, notes: Vec::new() }));
        }
        let proven = older.iter().any(|one| is_allowed(&SignerSet::from([*one]))) || is_allowed(heir);
        Ok(Err(of_registered(app, &sets, &told, proven.then_some(named))))
    }

    fn line(&self, set: &SignerSet) -> Option<&Line> {
        self.lines.get(set)
    }

    fn ancestors(&self, set: &SignerSet) -> &[CertificateDigest] {
        self.line(set).map_or(&[], |line| &line.ancestors)
    }

    /// What there is to do about, or to know of, the earlier keys of `heir`.
    fn notes(&self, package: &str, heir: &SignerSet, registry: &Registry, named: &str) -> Vec<String> {
        let Some(Line { signer, ancestors }) = self.line(heir) else { return Vec::new() };
        let is_seen = |one: &&CertificateDigest| self.sets.contains_key(&SignerSet::from([**one]));
        let mut notes = Vec::new();
        for one in ancestors.iter().filter(|one| !is_seen(one)) {
            notes.push(format!(
                "{package}: {one} is an earlier key by a verified lineage; it is not proposed, since no Android version sees it in \
                 these files"
            ));
        }
        let seen: Vec<&CertificateDigest> = ancestors.iter().filter(is_seen).collect();
        for (old, new) in seen.iter().zip(seen.iter().skip(1).copied().chain([signer])) {
            if registry.key(old).is_none_or(|key| key.status != KeyStatus::Rotated) {
                notes.push(format!(
                    "{package}: {old} has appointed {new}, as a verified lineage shows, and both are proposed; once they are \
                     imported, and the old one signs nothing else: apkvouch registry rotate {named} {old} {new}"
                ));
            }
        }
        notes
    }
}

/// What is to be said of a registered app that `sets` may not sign; `named` where a lineage connects them with those who may.
fn of_registered(app: &App, sets: &[SignerSet], told: &str, named: Option<&str>) -> String {
    let Some(named) = named else { return format!("it is registered with other signers: found {told}") };
    let commands = sets.iter().map(|set| {
        let signers: Vec<String> = set.iter().map(ToString::to_string).collect();
        format!("apkvouch registry add {named} {} --package {} --add-signers", signers.join(" "), app.package)
    });
    format!(
        "it is registered with signers that a verified lineage connects with others: found {told}; to allow these: {}",
        commands.collect::<Vec<_>>().join("; ")
    )
}

/// Whoever signs for the Android versions of `view`, with the classical half of a pair.
fn set_of(verification: &Verification, view: &ApiView) -> SignerSet {
    let mut set = SignerSet::new();
    for signer in verification.signers_of(view) {
        set.insert(signer.digest());
        set.extend(signer.classical_partner().map(Certificate::digest));
    }
    set
}

/// The only certificate of a set.
fn alone(set: &SignerSet) -> Option<CertificateDigest> {
    set.first().copied().filter(|_| set.len() == 1)
}

fn fingerprints(set: &SignerSet) -> String {
    set.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// A signer set, and the first of the files in which it was seen.
fn shown(set: &SignerSet, files: &[PathBuf]) -> String {
    let first = files.first().map(|path| path.display().to_string()).unwrap_or_default();
    match files.len() {
        0 | 1 => format!("{} in {first}", fingerprints(set)),
        more => format!("{} in {first} and {} more", fingerprints(set), more.saturating_sub(1)),
    }
}
