//! Registries in the forms of others.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use super::KeyStatus;
use super::Registry;
use super::Role;
use super::SignerSet;

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
/// Forms that know no status have keys in use alone: active ones, and such as were rotated away.
pub fn export(registry: &Registry, format: ExportFormat) -> (String, Vec<String>) {
    match format {
        ExportFormat::Toml => (toml::to_string(registry).unwrap_or_default(), Vec::new()),
        ExportFormat::Json => (serde_json::to_string_pretty(registry).unwrap_or_default() + "\n", Vec::new()),
        ExportFormat::Csv => csv(registry),
        ExportFormat::Assetlinks => assetlinks(registry),
    }
}

/// Why a set is not written out; none when it is.
fn left_out(registry: &Registry, set: &SignerSet) -> Option<String> {
    if set.role != Role::Developer {
        return Some(format!("signers in the role {}", set.role));
    }
    let status = |digest| registry.key(digest).map_or(KeyStatus::Revoked, |key| key.status);
    let unusable = set.certificates.iter().find(|digest| {
        !matches!(status(digest), KeyStatus::Active | KeyStatus::Rotated) || registry.denied(digest).is_some()
    });
    unusable.map(|digest| format!("key {digest}, which is not in use"))
}

fn csv(registry: &Registry) -> (String, Vec<String>) {
    let mut text = "package,name,fingerprint,owner,channel,evidence,url,date\n".to_owned();
    let mut notes = Vec::new();
    for app in registry.apps() {
        for set in &app.signers {
            if let Some(why) = left_out(registry, set) {
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

fn assetlinks(registry: &Registry) -> (String, Vec<String>) {
    let mut statements: Vec<Value> = Vec::new();
    let mut notes = Vec::new();
    for app in registry.apps() {
        let mut fingerprints: Vec<String> = Vec::new();
        for set in &app.signers {
            let several = (set.certificates.len() > 1).then(|| "signers that sign together".to_owned());
            match (left_out(registry, set).or(several), set.certificates.first()) {
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
    (serde_json::to_string_pretty(&statements).unwrap_or_default() + "\n", notes)
}
