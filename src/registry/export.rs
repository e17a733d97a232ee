//! Registries in the forms of others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::KeyStatus;
use super::Registry;
use super::Role;
use super::SignerSet;
use super::Store;
use crate::error::Error;

/// The first line of CSV.
const CSV_HEAD: &str = "package,name,fingerprint,owner,channel,evidence,url,date\n";

/// A form in which a registry is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// The text form, TOML. All of it.
    Toml,
    /// The same fields as JSON. All of it.
    Json,
    /// A line for each signer set of developers, as [`super::import::ImportFormat::Csv`] reads it.
    Csv,
    /// Digital Asset Links: a statement for each app that single keys sign.
    Assetlinks,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Toml, Self::Json, Self::Csv, Self::Assetlinks];

    /// `toml`, `json`, `csv` or `assetlinks`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Assetlinks => "assetlinks",
        }
    }
}

/// The text of `registry` in that form, and what the form has no room for: one line each.
///
/// Forms that know no status and no dates have keys in use at the time `now` alone: active ones, and such as were rotated away.
pub fn export(registry: &Registry, format: ExportFormat, now: Timestamp) -> (String, Vec<String>) {
    match format {
        ExportFormat::Toml => (toml::to_string(registry).unwrap_or_default(), Vec::new()),
        ExportFormat::Json => (serde_json::to_string_pretty(registry).unwrap_or_default() + "\n", Vec::new()),
        ExportFormat::Csv => {
            let (rows, notes) = csv_rows(registry, now);
            (CSV_HEAD.to_owned() + &rows, notes)
        }
        ExportFormat::Assetlinks => {
            let (statements, notes) = statements(registry, now);
            (serde_json::to_string_pretty(&statements).unwrap_or_default() + "\n", notes)
        }
    }
}

/// Hands the text that [`export`] gives to `text`, piece by piece, and each line of what the form has no room for to `note`.
///
/// Memory does not grow with a registry in SQLite. All of it is looked at before the first piece: what is not sound gives none.
///
/// # Errors
/// As [`Store::ensure_sound`], and whatever `text` says.
pub fn export_in_pieces<E: From<Error>>(
    store: &Store,
    format: ExportFormat,
    now: Timestamp,
    mut text: impl FnMut(&str) -> Result<(), E>,
    mut note: impl FnMut(&str),
) -> Result<(), E> {
    store.ensure_sound()?;
    match format {
        ExportFormat::Toml => {
            text(&toml_text(&Registry { header: store.header().clone(), ..Registry::default() })?)?;
            store.each_subject(|subject| text(&toml_table("subject", subject)?))?;
            store.each_key(|key| text(&toml_table("key", key)?))?;
            store.each_app(|app| text(&toml_table("app", app)?))?;
            store.each_denied(|key| text(&toml_table("denied", key)?))
        }
        ExportFormat::Json => {
            let head = json_text(&Registry { header: store.header().clone(), ..Registry::default() })?;
            text(head.strip_suffix("\n}").unwrap_or(&head))?;
            let mut array = JsonArray::new("subject");
            store.each_subject(|subject| text(&array.element(subject)?))?;
            text(array.end())?;
            let mut array = JsonArray::new("key");
            store.each_key(|key| text(&array.element(key)?))?;
            text(array.end())?;
            let mut array = JsonArray::new("app");
            store.each_app(|app| text(&array.element(app)?))?;
            text(array.end())?;
            let mut array = JsonArray::new("denied");
            store.each_denied(|key| text(&array.element(key)?))?;
            text(array.end())?;
            text("\n}\n")
        }
        ExportFormat::Csv => {
            text(CSV_HEAD)?;
            store.each_part_of_apps(|part| {
                let (rows, notes) = csv_rows(part, now);
                for line in &notes {
                    note(line);
                }
                text(&rows)
            })
        }
        ExportFormat::Assetlinks => {
            let mut count = 0_usize;
            store.each_part_of_apps(|part| {
                let (statements, notes) = statements(part, now);
                for line in &notes {
                    note(line);
                }
                statements.iter().try_for_each(|statement| {
                    let begin = if count == 0 { "[" } else { "," };
                    count = count.saturating_add(1);
                    text(&format!("{begin}\n  {}", json_text(statement)?.replace('\n', "\n  ")))
                })
            })?;
            text(if count == 0 { "[]\n" } else { "\n]\n" })
        }
    }
}

fn json_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(|error| Error::Usage(error.to_string()))
}

fn toml_text(value: &impl Serialize) -> Result<String, Error> {
    toml::to_string(value).map_err(|error| Error::Usage(error.to_string()))
}

/// `[[NAME]]` with the fields of `value`, set off by an empty line.
fn toml_table(name: &str, value: &impl Serialize) -> Result<String, Error> {
    Ok(format!("\n{}", toml_text(&BTreeMap::from([(name, [value])]))?))
}

/// An array in an object of the outermost level, which is not there while it has no element.
struct JsonArray {
    name: &'static str,
    begun: bool,
}

impl JsonArray {
    fn new(name: &'static str) -> Self {
        Self { name, begun: false }
    }

    fn element(&mut self, value: &impl Serialize) -> Result<String, Error> {
        let json = json_text(value)?.replace('\n', "\n    ");
        let begun = std::mem::replace(&mut self.begun, true);
        Ok(if begun { format!(",\n    {json}") } else { format!(",\n  \"{}\": [\n    {json}", self.name) })
    }

    fn end(&self) -> &'static str {
        if self.begun { "\n  ]" } else { "" }
    }
}

/// Why a set is not written out; none when it is.
fn left_out(registry: &Registry, set: &SignerSet, now: Timestamp) -> Option<String> {
    if set.role != Role::Developer {
        return Some(format!("signers in the role {}", set.role));
    }
    set.certificates.iter().find_map(|digest| {
        let why = match registry.key(digest) {
            None => "which is not in use".to_owned(),
            Some(key) if !matches!(key.status, KeyStatus::Active | KeyStatus::Rotated) => {
                "which is not in use".to_owned()
            }
            Some(key) => match (key.valid_from, key.valid_until) {
                (_, Some(until)) if until.is_over(now) => format!("which has expired: valid until {until}"),
                (Some(from), _) if !from.has_begun(now) => format!("which is not valid before {from}"),
                _ if registry.denied(digest).is_some() => "which is not in use".to_owned(),
                _ => return None,
            },
        };
        Some(format!("key {digest}, {why}"))
    })
}

/// A line for each signer set, without the first line.
fn csv_rows(registry: &Registry, now: Timestamp) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut notes = Vec::new();
    for app in registry.apps() {
        for set in &app.signers {
            if let Some(why) = left_out(registry, set, now) {
                notes.push(format!("{}: left out: {why}", app.package));
                continue;
            }
            let fingerprints: Vec<String> = set.certificates.iter().map(ToString::to_string).collect();
            let evidence = set.evidence.first();
            let cells = [
                app.package.clone(),
                app.labels.first().cloned().unwrap_or_default(),
                fingerprints.join("+"),
                app.owner.clone(),
                set.channel.clone().unwrap_or_default(),
                evidence.map(|evidence| evidence.source.to_string()).unwrap_or_default(),
                evidence.and_then(|evidence| evidence.url.clone()).unwrap_or_default(),
                evidence.and_then(|evidence| evidence.date).map(|date| date.to_string()).unwrap_or_default(),
            ];
            let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
            let _ = writeln!(text, "{}", cells.join(","));
        }
    }
    (text, notes)
}

/// A cell that no spreadsheet takes for a formula.
pub fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn statements(registry: &Registry, now: Timestamp) -> (Vec<Value>, Vec<String>) {
    let mut statements: Vec<Value> = Vec::new();
    let mut notes = Vec::new();
    for app in registry.apps() {
        let mut fingerprints: Vec<String> = Vec::new();
        for set in &app.signers {
            let several = (set.certificates.len() > 1).then(|| "signers that sign together".to_owned());
            match (left_out(registry, set, now).or(several), set.certificates.first()) {
                (Some(why), _) => notes.push(format!("{}: left out: {why}", app.package)),
                (None, Some(digest)) => {
                    let pairs: Vec<String> = digest.0.iter().map(|byte| format!("{byte:02X}")).collect();
                    fingerprints.push(pairs.join(":"));
                }
                (None, None) => {}
            }
        }
        fingerprints.dedup();
        if !fingerprints.is_empty() {
            statements.push(json!({
                "relation": ["delegate_permission/common.handle_all_urls"],
                "target": {
                    "namespace": "android_app",
                    "package_name": app.package,
                    "sha256_cert_fingerprints": fingerprints,
                },
            }));
        }
    }
    (statements, notes)
}
