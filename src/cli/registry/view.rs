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

pub(super) fn check(arguments: &Check) -> anyhow::Result<String> {
    let now = arguments.at.unwrap_or_else(this_second);
    let path = &arguments.registry;
    let registry = trust::open(path, &arguments.trust.options(None, now)?)?;
    registry.ensure_sound()?;
    let header = registry.header();
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
    let mut rows = Rows::begin(arguments.view.format)?;
    match arguments.what {
        What::Apps => registry.each_app(|app| rows.add(app, app_line))?,
        What::Keys => registry.each_key(|key| rows.add(key, key_line))?,
        What::Subjects => registry.each_subject(|subject| rows.add(subject, subject_line))?,
        What::Denied => {
            let line = |key: &DeniedKey| format!("{}  {} ({})", key.certificate, key.why, key.source);
            registry.each_denied(|key| rows.add(key, line))?;
            built_in_denied().try_for_each(|key| rows.add(key, line))?;
        }
    }
    rows.finish()
}

/// Rows on standard output: lines, or the elements of a JSON array.
struct Rows {
    out: BufWriter<StdoutLock<'static>>,
    format: ViewForm,
    count: usize,
}

impl Rows {
    fn begin(format: ViewForm) -> anyhow::Result<Self> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        if format == ViewForm::Json {
            out.write_all(b"[").map_err(unwritten)?;
        }
        Ok(Self { out, format, count: 0 })
    }

    fn add<T: Serialize>(&mut self, item: &T, line: impl Fn(&T) -> String) -> anyhow::Result<()> {
        let text = match self.format {
            ViewForm::Text => escape::visible(&line(item)).into_owned() + "\n",
            ViewForm::Json => {
                let comma = if self.count == 0 { "" } else { "," };
                let json = serde_json::to_string_pretty(item)?;
                let indented = escape::json(&json).replace('\n', "\n  ");
                format!("{comma}\n  {indented}")
            }
        };
        self.count = self.count.saturating_add(1);
        self.out.write_all(text.as_bytes()).map_err(unwritten)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        if self.format == ViewForm::Json {
            let end: &[u8] = if self.count == 0 { b"]\n" } else { b"\n]\n" };
            self.out.write_all(end).map_err(unwritten)?;
        }
        self.out.flush().map_err(unwritten)
    }
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
    match found.as_slice() {
        [] => Err(Error::Usage(format!("{name:?} is no package, certificate or subject of the registry"))),
        [only] => Ok(only.to_string()),
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

fn app_line(app: &App) -> String {
    let set = |set: &apkvouch::registry::SignerSet| {
        let certificates: Vec<String> = set.certificates.iter().map(ToString::to_string).collect();
        certificates.join("+")
    };
    let sets: Vec<String> = app.signers.iter().map(set).collect();
    format!("{}  {}  {}", app.package, app.owner, sets.join(" or "))
}

fn key_line(key: &Key) -> String {
    let mut line = format!("{}  {}  {}", key.certificate, key.subject, key.status);
    if let Some(date) = key.status_date.filter(|_| key.status != KeyStatus::Active) {
        line = format!("{line} since {date}");
    }
    if let Some(until) = key.valid_until {
        line = format!("{line}, valid until {until}");
    }
    line
}

fn subject_line(subject: &Subject) -> String {
    let roles: Vec<&str> = subject.roles.iter().map(|role| role.as_str()).collect();
    let zh = subject.name_zh.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}  {}{zh}  {}", subject.id, subject.name, roles.join(", "))
}
