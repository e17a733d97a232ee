//! Commands that bring entries into a registry, and out of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::PathBuf;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::atomic_file::AtomicFile;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry;
use apkvouch::registry::Evidence;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::Needs;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Store;
use apkvouch::registry::csv_cell;
use apkvouch::registry::export_in_pieces;
use apkvouch::registry::import;
use apkvouch::registry::import::Entry;
use apkvouch::registry::import::ImportFormat;
use apkvouch::registry::import::ImportOptions;
use apkvouch::registry::trust;
use apkvouch::report::escape;
use apkvouch::scan::Outcome;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;

use super::super::output::unwritten;
use super::super::scan::this_second;
use super::args::Convert;
use super::args::Export;
use super::args::Import;
use super::args::Learn;
use super::told;

/// Adds the entries of all files, or of none.
pub(super) fn import(arguments: &Import) -> anyhow::Result<String> {
    let mut entries = Vec::new();
    for path in &arguments.files {
        let Some(format) = arguments.format.or_else(|| ImportFormat::of_name(path)) else {
            let message =
                format!("{}: what format this is, its name does not tell; give --format", path.display());
            return Err(Error::Usage(message).into());
        };
        entries.extend(import::read(path, format)?);
    }
    let mut options = ImportOptions::default();
    options.owner.clone_from(&arguments.owner);
    options.evidence = arguments.evidence.map(Evidence::new);
    options.add_signers = arguments.add_signers;
    let now = arguments.target.now();
    let path = &arguments.target.registry;
    let changes = |registry: &Registry| import::plan(registry, &entries, &options);
    let differences = if arguments.dry_run {
        let store = Store::open(path)?;
        let old = store.part(&import::needs(&entries, &options))?;
        let mut new = Registry::clone(&old);
        changes(&old)?.iter().try_for_each(|change| new.apply(change))?;
        registry::differences(&old, &new)
    } else {
        registry::update(path, now, &import::needs(&entries, &options), changes)?
    };
    let count = |what: &str| differences.iter().filter(|difference| difference.what == what).count();
    let mut text = told(&differences)?;
    let packages: BTreeSet<&String> = entries.iter().map(|entry| &entry.package).collect();
    writeln!(
        text,
        "{}: {} of {} packages and {} keys {}",
        escape::path(path),
        count("app"),
        packages.len(),
        count("key"),
        if arguments.dry_run { "would be added or changed; nothing was written" } else { "added or changed" }
    )?;
    if !arguments.dry_run && !differences.is_empty() && trust::signature_path(path).exists() {
        writeln!(text, "{}: sign it again: its signatures are of the edition before", escape::path(path))?;
    }
    Ok(text)
}

/// Writes all of it on standard output, piece by piece.
pub(super) fn written_out(arguments: &Export) -> anyhow::Result<()> {
    let now = arguments.at.unwrap_or_else(this_second);
    let registry = trust::open(&arguments.registry, &arguments.trust.options(arguments.at, now)?)?;
    let registry = match arguments.at {
        Some(at) => registry.as_of(at),
        None => registry,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let write = |text: &str| out.write_all(text.as_bytes()).map_err(unwritten);
    export_in_pieces(&registry, arguments.format, write, super::super::say)?;
    out.flush().map_err(unwritten)
}

/// Writes a registry in another form: SQLite, TOML or JSON, by the name of the new file.
pub(super) fn convert(arguments: &Convert) -> anyhow::Result<String> {
    let registry = trust::open(&arguments.registry, &arguments.trust.options(None, this_second())?)?;
    let to = &arguments.new;
    let extension = to.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        "db" | "sqlite" => {
            registry.ensure_sound()?;
            let mut writer = SqliteWriter::create(to, registry.header())?;
            registry.each_subject(|subject| writer.subject(subject))?;
            registry.each_key(|key| writer.key(key))?;
            registry.each_app(|app| writer.app(app))?;
            registry.each_denied(|key| writer.denied(key))?;
            writer.finish()?;
        }
        "toml" | "json" => {
            let format = if extension == "json" { ExportFormat::Json } else { ExportFormat::Toml };
            let mut file = AtomicFile::begin(to)?;
            let mut out = BufWriter::new(&mut file);
            let cannot = |error| Error::file(to, "write", error);
            let write = |text: &str| out.write_all(text.as_bytes()).map_err(cannot);
            // TOML and JSON have room for everything.
            export_in_pieces(&registry, format, write, |_| {})?;
            out.flush().map_err(cannot)?;
            drop(out);
            file.commit_new()?;
        }
        _ => {
            let message =
                format!("{}: expected a name that ends in .db, .sqlite, .toml or .json", to.display());
            return Err(Error::Usage(message).into());
        }
    }
    Ok(format!(
        "{}: the registry {} in this form; it has no signature yet\n",
        escape::path(to),
        escape::visible(&registry.header().id)
    ))
}

/// Proposes what a directory of trusted APKs shows, as CSV; what contradicts itself or the registry is told instead.
pub(super) fn learn(arguments: &Learn) -> anyhow::Result<(String, u8)> {
    let store = Store::open(&arguments.registry)?;
    let mut seen: BTreeMap<String, BTreeMap<BTreeSet<CertificateDigest>, Vec<PathBuf>>> = BTreeMap::new();
    let mut conflicts: Vec<String> = Vec::new();
    let (mut failed, mut unread) = (0_usize, 0_usize);
    let walk = Walk::new(arguments.paths.clone(), WalkOptions::default());
    scan(walk, &ScanOptions::default(), |row| {
        match &row.outcome {
            Outcome::Judged { verification, .. } => {
                if let (Some(set), Some(package)) = (signers(verification), verification.package()) {
                    seen.entry(package.to_owned())
                        .or_default()
                        .entry(set)
                        .or_default()
                        .push(row.path.clone());
                } else {
                    failed = failed.saturating_add(1);
                    super::super::say(&format!(
                        "{}: does not verify: nothing is learned",
                        row.path.display()
                    ));
                }
            }
            Outcome::Unjudged(error) => {
                unread = unread.saturating_add(1);
                super::super::say(&format!("{}: {error}", row.path.display()));
            }
            _ => {}
        }
        Ok::<(), Error>(())
    })?;
    let mut text = "package,fingerprint\n".to_owned();
    for (package, sets) in &seen {
        let told: Vec<String> = sets.iter().map(|(set, files)| shown(set, files)).collect();
        let (1, Some((set, _))) = (sets.len(), sets.first_key_value()) else {
            conflicts.push(format!("{package}: several signers: {}", told.join("; ")));
            continue;
        };
        let mut needs = Needs::default();
        needs.packages.insert(package.clone());
        needs.certificates.extend(set);
        let registry = store.part(&needs)?;
        if let Some(denied) = set.iter().find_map(|certificate| registry.denied(certificate)) {
            conflicts.push(format!("{package}: key {} is denied: {}", denied.certificate, denied.why));
            continue;
        }
        match registry.app(package) {
            Some(app) if app.signers.iter().any(|other| other.certificates == *set) => {}
            Some(_) => {
                conflicts.push(format!(
                    "{package}: it is registered with other signers: found {}",
                    told.join("; ")
                ));
            }
            None => {
                let entry = Entry::new(package, set.clone());
                writeln!(text, "{},{}", csv_cell(&entry.package), fingerprints(set))?;
            }
        }
    }
    for conflict in &conflicts {
        super::super::say(conflict);
    }
    let code = match (unread, failed.saturating_add(conflicts.len())) {
        (1.., _) => 3,
        (0, 1..) => 1,
        (0, 0) if seen.is_empty() => 4,
        (0, 0) => 0,
    };
    Ok((text, code))
}

/// The signers that the newest Android versions see in a file that verifies.
fn signers(evidence: &Verification) -> Option<BTreeSet<CertificateDigest>> {
    let view = evidence.views.iter().max_by_key(|view| view.max_sdk).filter(|_| evidence.is_verified())?;
    let mut set = BTreeSet::new();
    for signer in evidence.signers_of(view) {
        set.insert(signer.digest());
        set.extend(signer.classical_partner().map(apkvouch::identity::Certificate::digest));
    }
    (!set.is_empty()).then_some(set)
}

fn fingerprints(set: &BTreeSet<CertificateDigest>) -> String {
    set.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// A signer set, and the first of the files in which it was seen.
fn shown(set: &BTreeSet<CertificateDigest>, files: &[PathBuf]) -> String {
    let first = files.first().map(|path| path.display().to_string()).unwrap_or_default();
    match files.len() {
        0 | 1 => format!("{} in {first}", fingerprints(set)),
        more => format!("{} in {first} and {} more", fingerprints(set), more.saturating_sub(1)),
    }
}
