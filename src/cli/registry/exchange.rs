//! Commands that bring entries into a registry, and out of it.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::BufWriter;
use std::io::Write as _;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::atomic_file::AtomicFile;
use apkvouch::registry;
use apkvouch::registry::Evidence;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Store;
use apkvouch::registry::export_in_pieces;
use apkvouch::registry::import;
use apkvouch::registry::import::ImportFormat;
use apkvouch::registry::import::ImportOptions;
use apkvouch::registry::trust;
use apkvouch::report::escape;

use super::super::counted;
use super::super::output::unwritten;
use super::super::scan::this_second;
use super::super::signals::Signals;
use super::args::Convert;
use super::args::Export;
use super::args::Import;
use super::told;
use super::unchanged;
use super::uninterrupted;

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
    let needs = import::needs(&entries, &options);
    let signals = OnceCell::new();
    let differences = if arguments.dry_run {
        registry::rehearse(path, now, &needs, changes)
    } else {
        registry::update(path, now, &needs, uninterrupted(&signals, changes))
    };
    let differences = differences.map_err(|error| unchanged(path, &signals, error))?;
    let count = |what: &str| differences.iter().filter(|difference| difference.what == what).count();
    let mut text = told(&differences)?;
    let packages: BTreeSet<&String> = entries.iter().map(|entry| &entry.package).collect();
    writeln!(
        text,
        "{}: {} of {} and {} {}",
        escape::path(path),
        count("app"),
        counted(packages.len() as u64, "package"),
        counted(count("key") as u64, "key"),
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
    export_in_pieces(&registry, arguments.format, now, write, super::super::say)?;
    out.flush().map_err(unwritten)
}

/// Writes a registry in another form: SQLite, TOML or JSON, by the name of the new file.
pub(super) fn convert(arguments: &Convert) -> anyhow::Result<String> {
    let registry = trust::open(&arguments.registry, &arguments.trust.options(None, this_second())?)?;
    let signals = Signals::caught()?;
    written(arguments, &registry, &signals).map_err(|error| signals.or_unwritten(error, &arguments.new))?;
    Ok(format!(
        "{}: the registry {} in this form; it has no signature yet\n",
        escape::path(&arguments.new),
        escape::visible(&registry.header().id)
    ))
}

/// Writes the registry in a new file, unless a signal comes.
fn written(arguments: &Convert, registry: &Store, signals: &Signals) -> Result<(), Error> {
    let to = &arguments.new;
    let extension = to.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        "db" | "sqlite" => {
            registry.ensure_sound()?;
            let mut writer = SqliteWriter::create(to, registry.header())?;
            registry.each_subject(|subject| signals.go_on().and_then(|()| writer.subject(subject)))?;
            registry.each_key(|key| signals.go_on().and_then(|()| writer.key(key)))?;
            registry.each_app(|app| signals.go_on().and_then(|()| writer.app(app)))?;
            registry.each_denied(|key| writer.denied(key))?;
            signals.go_on()?;
            writer.finish()?;
        }
        "toml" | "json" => {
            let format = if extension == "json" { ExportFormat::Json } else { ExportFormat::Toml };
            let mut file = AtomicFile::begin(to)?;
            let mut out = BufWriter::new(&mut file);
            let cannot = |error| Error::file(to, "write", error);
            let write =
                |text: &str| signals.go_on().and_then(|()| out.write_all(text.as_bytes()).map_err(cannot));
            // TOML and JSON have room for everything.
            export_in_pieces(registry, format, this_second(), write, |_| {})?;
            out.flush().map_err(cannot)?;
            drop(out);
            signals.go_on()?;
            file.commit_new()?;
        }
        _ => {
            let message =
                format!("{}: expected a name that ends in .db, .sqlite, .toml or .json", to.display());
            return Err(Error::Usage(message));
        }
    }
    Ok(())
}
