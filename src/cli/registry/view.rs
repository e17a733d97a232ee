//! Commands that show a registry.

use std::fmt::Write as _;
use std::io::BufWriter;
use std::io::StdoutLock;
use std::io::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry::App;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::DigestPrefix;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Store;
use apkvouch::registry::Subject;
use apkvouch::registry::built_in_denied;
use apkvouch::registry::differences_between;
use apkvouch::registry::trust;
use apkvouch::report::escape;
use serde::Serialize;

use super::super::output::terminal_width;
use super::super::output::unwritten;
use super::super::scan::this_second;
use super::args::Check;
use super::args::Diff;
use super::args::List;
use super::args::Show;
use super::args::View;
use super::args::ViewForm;
use super::args::What;
use super::of_registry;
use super::told;
use super::warn_of_expiry;

pub(super) fn check(arguments: &Check) -> anyhow::Result<String> {
    let now = arguments.at.unwrap_or_else(this_second);
    let path = &arguments.registry;
    let registry = trust::open(path, &arguments.trust.options(None, now)?)?;
    registry.ensure_sound()?;
    let header = registry.header();
    warn_of_expiry(path, header, now);
    let mut text = format!("{}: sound and in force\n", escape::path(path));
    let mut line = |name: &str, value: &str| writeln!(text, "  {name:<10} {}", escape::visible(value));
    line("id", &header.id)?;
    let none = || "none".to_owned();
    line("serial", &header.serial.map_or_else(none, |serial| serial.to_string()))?;
    line("issued", &header.issued_at.map_or_else(none, |moment| moment.to_string()))?;
    line("expires", &header.expires_at.map_or_else(none, |moment| moment.to_string()))?;
    let signed: Vec<String> = registry.signed_by().iter().map(ToString::to_string).collect();
    let unasked = "not looked at: give --registry-key".to_owned();
    line("signed by", &if signed.is_empty() { unasked } else { signed.join(", ") })?;
    let counts = registry.counts()?;
    let counts = [
        (counts.subjects, "subject"),
        (counts.keys, "key"),
        (counts.apps, "app"),
        (counts.denied, "denied key"),
    ];
    let told = |(count, what): &(u64, &str)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" });
    let counts: Vec<String> = counts.iter().map(told).collect();
    line("holds", &counts.join(", "))?;
    Ok(text)
}

/// Lists one kind of what it holds on standard output, one after the other.
pub(super) fn list(arguments: &List) -> anyhow::Result<()> {
    let registry = open(&arguments.registry, &arguments.view)?;
    let mut rows = Rows::begin(arguments.view.format, arguments.what)?;
    match arguments.what {
        What::Apps => registry.each_app(|app| rows.add(app, app_cells))?,
        What::Keys => registry.each_key(|key| rows.add(key, key_cells))?,
        What::Subjects => registry.each_subject(|subject| rows.add(subject, subject_cells))?,
        What::Denied => {
            let cells =
                |key: &DeniedKey| vec![key.certificate.to_string(), format!("{} ({})", key.why, key.source)];
            registry.each_denied(|key| rows.add(key, cells))?;
            built_in_denied().try_for_each(|key| rows.add(key, cells))?;
        }
    }
    rows.finish()
}

/// So many rows are measured before the first is written.
const MEASURED: usize = 256;

/// Rows on standard output: lines, in columns with names on a terminal; or the elements of a JSON array.
struct Rows {
    out: BufWriter<StdoutLock<'static>>,
    format: ViewForm,
    count: usize,
    /// Whether people read it on a terminal.
    columns: bool,
    /// Those that are measured, and not written yet; with the names of the columns.
    waiting: Vec<Vec<String>>,
    /// How wide the columns are, once that is known.
    widths: Option<Vec<usize>>,
}

impl Rows {
    fn begin(format: ViewForm, what: What) -> anyhow::Result<Self> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        if format == ViewForm::Json {
            out.write_all(b"[").map_err(unwritten)?;
        }
        let names: &[&str] = match what {
            What::Apps => &["PACKAGE", "OWNER", "SIGNERS"],
            What::Keys => &["CERTIFICATE", "SUBJECT", "STATUS"],
            What::Subjects => &["SUBJECT", "NAME", "ROLES"],
            What::Denied => &["CERTIFICATE", "WHY"],
        };
        let waiting = vec![names.iter().map(|name| (*name).to_owned()).collect()];
        let columns = format == ViewForm::Text && terminal_width().is_some();
        Ok(Self { out, format, count: 0, columns, waiting, widths: None })
    }

    fn add<T: Serialize>(&mut self, item: &T, cells: impl Fn(&T) -> Vec<String>) -> anyhow::Result<()> {
        self.count = self.count.saturating_add(1);
        let text = match self.format {
            ViewForm::Text => {
                let cells: Vec<String> =
                    cells(item).iter().map(|cell| escape::visible(cell).into_owned()).collect();
                match (&self.widths, self.columns) {
                    (_, false) => cells.join("  ") + "\n",
                    (Some(widths), true) => in_columns(&cells, widths),
                    (None, true) => {
                        self.waiting.push(cells);
                        return if self.waiting.len() > MEASURED { self.release() } else { Ok(()) };
                    }
                }
            }
            ViewForm::Json => {
                let comma = if self.count == 1 { "" } else { "," };
                let json = serde_json::to_string_pretty(item)?;
                let indented = escape::json(&json).replace('\n', "\n  ");
                format!("{comma}\n  {indented}")
            }
        };
        self.out.write_all(text.as_bytes()).map_err(unwritten)
    }

    /// Writes what is measured.
    fn release(&mut self) -> anyhow::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        let widths = self.widths.insert(widths(&rows));
        let text: String = rows.iter().map(|cells| in_columns(cells, widths)).collect();
        self.out.write_all(text.as_bytes()).map_err(unwritten)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        if self.columns && self.widths.is_none() && self.count > 0 {
            self.release()?;
        }
        if self.format == ViewForm::Json {
            let end: &[u8] = if self.count == 0 { b"]\n" } else { b"\n]\n" };
            self.out.write_all(end).map_err(unwritten)?;
        }
        self.out.flush().map_err(unwritten)
    }
}

/// How wide each column is.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for cells in rows {
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(escape::columns(cell));
        }
    }
    widths
}

/// A line in which each cell but the last is filled up to its width.
fn in_columns(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let fill = " ".repeat(width.saturating_sub(escape::columns(cell)));
        line = format!("{line}{cell}{fill}  ");
    }
    line.trim_end_matches(' ').to_owned() + "\n"
}

/// Everything that is known under a name.
#[derive(Serialize)]
struct Known<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subject: Vec<&'a Subject>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key: Vec<&'a Key>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    app: Vec<&'a App>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied: Vec<&'a DeniedKey>,
}

impl Known<'_> {
    fn is_empty(&self) -> bool {
        self.subject.is_empty() && self.key.is_empty() && self.app.is_empty() && self.denied.is_empty()
    }
}

/// So many certificates are listed that begin alike.
const CANDIDATES: usize = 10;

pub(super) fn show(arguments: &Show) -> anyhow::Result<String> {
    let store = open(&arguments.registry, &arguments.view)?;
    let name = named(&store, &arguments.name).map_err(|error| of_registry(&arguments.registry, error))?;
    let registry = store.about(&name)?;
    let known = known(&registry, &name);
    if arguments.view.format == ViewForm::Json {
        return Ok(escape::json(&serde_json::to_string_pretty(&known)?).into_owned() + "\n");
    }
    let text = toml::to_string(&known)?;
    Ok(text.lines().map(|line| escape::visible(line).into_owned() + "\n").collect())
}

/// What `name` stands for that is in the registry: itself, or the only certificate that begins so.
fn named(store: &Store, name: &str) -> Result<String, Error> {
    if !known(store.about(name)?.as_ref(), name).is_empty() {
        return Ok(name.to_owned());
    }
    let found = match DigestPrefix::parse(name) {
        Some(prefix) => store.certificates_that_begin(&prefix)?,
        None => Vec::new(),
    };
    let only = the_only(&found, name)?.map(|digest| digest.to_string());
    only.ok_or_else(|| {
        Error::Usage(format!("{name:?} is no package, certificate or subject of the registry"))
    })
}

/// The only one of the certificates that begin with `name`; none where there is none.
///
/// # Errors
/// [`Error::Usage`] when there are several.
pub(super) fn the_only(found: &[CertificateDigest], name: &str) -> Result<Option<CertificateDigest>, Error> {
    match found {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => {
            let listed: Vec<String> = several.iter().take(CANDIDATES).map(ToString::to_string).collect();
            let more = match several.len().saturating_sub(CANDIDATES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "several certificates begin with {name}; give more digits of {}{more}",
                listed.join(" or ")
            );
            Err(Error::Usage(message))
        }
    }
}

/// What there is to say of `name`, with those that it refers to and those that refer to it.
fn known<'a>(registry: &'a Registry, name: &str) -> Known<'a> {
    let mut known = Known { subject: Vec::new(), key: Vec::new(), app: Vec::new(), denied: Vec::new() };
    if let Some(app) = registry.app(name) {
        let certificates = app.signers.iter().flat_map(|set| &set.certificates);
        known.key.extend(certificates.filter_map(|certificate| registry.key(certificate)));
        known.subject.extend(registry.subject(&app.owner));
        known.app.push(app);
    } else if let Ok(certificate) = name.parse::<CertificateDigest>() {
        known.key.extend(registry.key(&certificate));
        known.denied.extend(registry.denied(&certificate));
        known.subject.extend(known.key.iter().filter_map(|key| registry.subject(&key.subject)));
        let signs = |app: &&App| app.signers.iter().any(|set| set.certificates.contains(&certificate));
        known.app.extend(registry.apps().filter(signs));
    } else if let Some(subject) = registry.subject(name) {
        known.subject.push(subject);
        known.key.extend(registry.keys().filter(|key| key.subject == name));
        known.app.extend(registry.apps().filter(|app| app.owner == name));
    }
    known.key.sort_by_key(|key| key.certificate);
    known.key.dedup_by_key(|key| key.certificate);
    known
}

pub(super) fn diff(arguments: &Diff) -> anyhow::Result<(String, u8)> {
    let trusted = arguments.trust.options(None, this_second())?;
    // Who asks for no trust may compare editions that are out of force.
    let asked = !trusted.keys.is_empty() || trusted.state.is_some() || trusted.needed()? > 0;
    let old = if asked { trust::open(&arguments.old, &trusted)? } else { Store::open(&arguments.old)? };
    let differences = differences_between(&old, &Store::open(&arguments.new)?)?;
    let code = u8::from(!differences.is_empty());
    let text = match arguments.format {
        ViewForm::Json => escape::json(&serde_json::to_string_pretty(&differences)?).into_owned() + "\n",
        ViewForm::Text => told(&differences)?,
    };
    Ok((text, code))
}

fn open(path: &Path, view: &View) -> anyhow::Result<Store> {
    let now = view.at.unwrap_or_else(this_second);
    let registry = trust::open(path, &view.trust.options(view.at, now)?)?;
    Ok(match view.at {
        Some(at) => registry.as_of(at),
        None => registry,
    })
}

fn app_cells(app: &App) -> Vec<String> {
    let set = |set: &apkvouch::registry::SignerSet| {
        let certificates: Vec<String> = set.certificates.iter().map(ToString::to_string).collect();
        certificates.join("+")
    };
    let sets: Vec<String> = app.signers.iter().map(set).collect();
    vec![app.package.clone(), app.owner.clone(), sets.join(" or ")]
}

fn key_cells(key: &Key) -> Vec<String> {
    let mut status = key.status.to_string();
    if let Some(date) = key.status_date.filter(|_| key.status != KeyStatus::Active) {
        status = format!("{status} since {date}");
    }
    if let Some(until) = key.valid_until {
        status = format!("{status}, valid until {until}");
    }
    vec![key.certificate.to_string(), key.subject.clone(), status]
}

fn subject_cells(subject: &Subject) -> Vec<String> {
    let roles: Vec<&str> = subject.roles.iter().map(|role| role.as_str()).collect();
    let zh = subject.name_zh.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    vec![subject.id.clone(), format!("{}{zh}", subject.name), roles.join(", ")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_shown_in_them() {
        let rows = [["SUBJECT", "NAME", "ROLES"], ["a", "河岸银行", "developer"], ["longer-id", "x", ""]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|c| (*c).to_owned()).collect()).collect();
        let widths = widths(&rows);
        assert_eq!(widths, [9, 8, 9]);
        let lines: Vec<String> = rows.iter().map(|cells| in_columns(cells, &widths)).collect();
        assert_eq!(
            lines,
            ["SUBJECT    NAME      ROLES\n", "a          河岸银行  developer\n", "longer-id  x\n"]
        );
    }
}
