//! Changes in the text of a registry, where everything that is not changed stays as people have written it.

use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use toml_edit::Array;
use toml_edit::ArrayOfTables;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;
use toml_edit::Value;

use super::App;
use super::Change;
use super::DeniedKey;
use super::Difference;
use super::Evidence;
use super::ExportFormat;
use super::Key;
use super::MAX_TEXT;
use super::Moment;
use super::PastStatus;
use super::Registry;
use super::Role;
use super::SCHEMA;
use super::SignerSet;
use super::Subject;
use super::differences;
use super::export;
use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::fields::read_text;
use crate::identity::CertificateDigest;

/// As [`super::update`], of a text.
pub(super) fn update(
    path: impl AsRef<Path>,
    now: Timestamp,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Difference>, Error> {
    let path = path.as_ref();
    // Before the file is made ready to be replaced: what is not there is not to be changed.
    let read = || read_text(path, "the registry", "a registry", MAX_TEXT);
    read()?;
    let mut file = AtomicFile::begin(path)?;
    let text = read()?;
    let old = Registry::parse(&text, path)?;
    let changes = changes(&old)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let (text, new) = changed(path, &text, &old, &changes, now)?;
    file.write_all(text.as_bytes()).map_err(|error| Error::file(path, "write", error))?;
    file.commit()?;
    Ok(differences(&old, &new))
}

/// What [`update`] would answer.
pub(super) fn rehearse(
    path: &Path,
    now: Timestamp,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Difference>, Error> {
    let text = read_text(path, "the registry", "a registry", MAX_TEXT)?;
    let old = Registry::parse(&text, path)?;
    let changes = changes(&old)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let (_, new) = changed(path, &text, &old, &changes, now)?;
    Ok(differences(&old, &new))
}

/// Makes a new registry in the file at `path`, with serial 1; one that is there is not touched.
///
/// # Errors
/// [`Error::Usage`] when there is a file; [`Error::File`] when it cannot be written.
pub fn create(path: impl AsRef<Path>, id: &str, now: Timestamp, expires_at: Moment) -> Result<(), Error> {
    let path = path.as_ref();
    let there = || Error::Usage(format!("{}: there is a file already; name another", path.display()));
    if path.try_exists().unwrap_or(true) {
        return Err(there());
    }
    let id = Value::from(id);
    let text =
        format!("schema = {SCHEMA}\nid = {id}\nserial = 1\nissued_at = {now}\nexpires_at = {expires_at}\n");
    Registry::parse(&text, path)?;
    let mut file = AtomicFile::begin(path)?;
    file.write_all(text.as_bytes()).map_err(|error| Error::file(path, "write", error))?;
    file.commit_new()
}

/// The text with `changes` in it, and the registry that it is.
fn changed(
    path: &Path,
    text: &str,
    old: &Registry,
    changes: &[Change],
    now: Timestamp,
) -> Result<(String, Registry), Error> {
    let unsound = |message: String| Error::Configuration { path: path.to_owned(), position: None, message };
    if text.trim_start().starts_with('{') {
        return changed_json(path, old, changes, now);
    }
    let mut document: DocumentMut = text.parse().map_err(|_| unsound("not TOML".to_owned()))?;
    let mut meant = old.clone();
    for change in changes {
        meant.apply(change)?;
        edit(&mut document, change, &meant).ok_or_else(|| {
            unsound(
                "a table is written in a form that cannot be changed; write [[key]] and the like".to_owned(),
            )
        })?;
    }
    let serial = old.header.serial.unwrap_or(0).checked_add(1).and_then(|serial| i64::try_from(serial).ok());
    let serial = serial.ok_or_else(|| unsound("its serial cannot grow any more".to_owned()))?;
    meant.header.serial = u64::try_from(serial).ok();
    meant.header.issued_at = Some(Moment::Instant(now));
    set(document.as_table_mut(), "serial", serial.into());
    set(document.as_table_mut(), "issued_at", moment(Moment::Instant(now)));
    let text = document.to_string();
    let new = Registry::parse(&text, path)?;
    if !new.says_the_same_as(&meant) {
        return Err(unsound(
            "the changes did not come out as they are meant, so nothing was written".to_owned(),
        ));
    }
    Ok((text, new))
}

/// As [`changed`], of JSON, which has no comments to keep: it is written anew, in the order of names.
fn changed_json(
    path: &Path,
    old: &Registry,
    changes: &[Change],
    now: Timestamp,
) -> Result<(String, Registry), Error> {
    let mut meant = old.clone();
    changes.iter().try_for_each(|change| meant.apply(change))?;
    meant.header.serial = Some(old.header.serial.unwrap_or(0).saturating_add(1));
    meant.header.issued_at = Some(Moment::Instant(now));
    let (text, _) = export(&meant, ExportFormat::Json, now);
    let new = Registry::parse(&text, path)?;
    Ok((text, new))
}

/// Makes `change` in the document; `meant` is the registry with the change in it. None when a table of the document is none.
fn edit(document: &mut DocumentMut, change: &Change, meant: &Registry) -> Option<()> {
    let top = document.as_table_mut();
    match change {
        Change::Subject(subject) => tables(top, "subject")?.push(subject_table(subject)),
        Change::Key(key) => tables(top, "key")?.push(key_table(key)),
        Change::App(app) => tables(top, "app")?.push(app_table(app)),
        Change::Denied(key) => tables(top, "denied")?.push(denied_table(key)),
        Change::Expiry(date) => set(top, "expires_at", moment(*date)),
        Change::Signers { package, set } => {
            let app = tables(top, "app")?
                .iter_mut()
                .find(|app| app.get("package").and_then(Item::as_str) == Some(package))?;
            tables(app, "signers")?.push(signers_table(set));
        }
        Change::Status { certificate, .. } => {
            let key = tables(top, "key")?.iter_mut().find(|key| {
                let digest = key.get("certificate_sha256").and_then(Item::as_str);
                digest.and_then(|digest| digest.parse::<CertificateDigest>().ok()) == Some(*certificate)
            })?;
            edit_status(key, meant.key(certificate)?)?;
        }
    }
    Some(())
}

fn edit_status(table: &mut Table, key: &Key) -> Option<()> {
    let fields = [
        ("status", Some(key.status.as_str().into())),
        ("status_date", key.status_date.map(moment)),
        ("reason", key.reason.as_deref().map(Value::from)),
        ("replaced_by", key.replaced_by.map(|digest| digest.to_string().into())),
        ("revoked_for", key.revoked_for.map(|revoked_for| revoked_for.as_str().into())),
    ];
    for (name, value) in fields {
        match value {
            Some(value) => set(table, name, value),
            None => drop(table.remove(name)),
        }
    }
    let known = table.get("history").and_then(Item::as_array_of_tables).map_or(0, ArrayOfTables::len);
    for past in key.history.iter().skip(known) {
        tables(table, "history")?.push(past_table(past));
    }
    Some(())
}

/// The tables of `name` in `parent`; none when there is something else.
fn tables<'a>(parent: &'a mut Table, name: &str) -> Option<&'a mut ArrayOfTables> {
    let item = parent.entry(name).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if item.is_value() {
        // `key = [{ … }]`
        *item = std::mem::take(item).into_array_of_tables().map_or_else(|item| item, Item::ArrayOfTables);
    }
    item.as_array_of_tables_mut()
}

/// Gives a field a value; what stands around the old one, stays.
fn set(table: &mut Table, name: &str, mut value: Value) {
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(name, Item::Value(value))),
    }
}

/// A table set off by an empty line.
fn table<const N: usize>(fields: [(&str, Option<Value>); N]) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    for (name, value) in fields {
        if let Some(value) = value {
            table.insert(name, Item::Value(value));
        }
    }
    table
}

fn text(text: Option<&String>) -> Option<Value> {
    text.map(|text| text.as_str().into())
}

fn texts(texts: impl Iterator<Item = String>) -> Value {
    Value::Array(texts.collect::<Array>())
}

/// A date of TOML.
fn moment(moment: Moment) -> Value {
    let text = moment.to_string();
    text.parse::<toml_edit::Datetime>().map_or_else(|_| text.into(), Value::from)
}

fn subject_table(subject: &Subject) -> Table {
    table([
        ("id", Some(subject.id.as_str().into())),
        ("name", Some(subject.name.as_str().into())),
        ("name_zh", text(subject.name_zh.as_ref())),
        ("roles", Some(texts(subject.roles.iter().map(|role| role.as_str().to_owned())))),
        ("credit_code", text(subject.credit_code.as_ref())),
        ("contact", text(subject.contact.as_ref())),
    ])
}

fn key_table(key: &Key) -> Table {
    let mut table = table([
        ("certificate_sha256", Some(key.certificate.to_string().into())),
        ("subject", Some(key.subject.as_str().into())),
        ("spki_sha256", key.public_key.map(|digest| digest.to_string().into())),
        ("valid_from", key.valid_from.map(moment)),
        ("valid_until", key.valid_until.map(moment)),
        ("status", Some(key.status.as_str().into())),
        ("status_date", key.status_date.map(moment)),
        ("reason", text(key.reason.as_ref())),
        ("replaced_by", key.replaced_by.map(|digest| digest.to_string().into())),
        ("revoked_for", key.revoked_for.map(|revoked_for| revoked_for.as_str().into())),
    ]);
    put_tables(&mut table, "history", key.history.iter().map(past_table));
    put_tables(&mut table, "evidence", key.evidence.iter().map(evidence_table));
    table
}

fn past_table(past: &PastStatus) -> Table {
    table([
        ("status", Some(past.status.as_str().into())),
        ("since", Some(moment(past.since))),
        ("reason", text(past.reason.as_ref())),
    ])
}

fn evidence_table(evidence: &Evidence) -> Table {
    table([
        ("source", Some(evidence.source.as_str().into())),
        ("url", text(evidence.url.as_ref())),
        ("date", evidence.date.map(moment)),
    ])
}

fn app_table(app: &App) -> Table {
    let labels = Some(&app.labels).filter(|labels| !labels.is_empty());
    let mut table = table([
        ("package", Some(app.package.as_str().into())),
        ("labels", labels.map(|labels| texts(labels.iter().cloned()))),
        ("owner", Some(app.owner.as_str().into())),
        ("filing_number", text(app.filing_number.as_ref())),
    ]);
    put_tables(&mut table, "signers", app.signers.iter().map(signers_table));
    table
}

fn signers_table(set: &SignerSet) -> Table {
    let role = Some(set.role).filter(|role| *role != Role::Developer);
    let mut table = table([
        ("certificates", Some(texts(set.certificates.iter().map(ToString::to_string)))),
        ("role", role.map(|role| role.as_str().into())),
        ("channel", text(set.channel.as_ref())),
    ]);
    put_tables(&mut table, "evidence", set.evidence.iter().map(evidence_table));
    table
}

fn denied_table(key: &DeniedKey) -> Table {
    table([
        ("certificate_sha256", Some(key.certificate.to_string().into())),
        ("why", Some(key.why.as_str().into())),
        ("source", Some(key.source.as_str().into())),
    ])
}

fn put_tables(table: &mut Table, name: &str, tables: impl Iterator<Item = Table>) {
    let tables: ArrayOfTables = tables.collect();
    if !tables.is_empty() {
        table.insert(name, Item::ArrayOfTables(tables));
    }
}
