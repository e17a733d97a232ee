//! From the text form to a registry that holds together.

mod apps;
mod keys;

pub(super) use apps::package_name_fault;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;

use super::DeniedKey;
use super::Evidence;
use super::EvidenceSource;
use super::Header;
use super::Key;
use super::KeyStatus;
use super::Moment;
use super::PublicKeyDigest;
use super::Registry;
use super::RevokedFor;
use super::Role;
use super::SCHEMA;
use super::Subject;
use crate::error::Error;
use crate::fields::AsName;
use crate::fields::At;
use crate::fields::Document;
use crate::fields::Faulty;
use crate::fields::Fields;
use crate::fields::all;
use crate::fields::read_all;
use crate::identity::CertificateDigest;

/// Reads a whole registry.
pub(super) fn registry(text: &str, path: &Path) -> Result<Registry, Error> {
    read_all(text, path, |document| {
        let known = ["schema", "id", "serial", "issued_at", "expires_at", "subject", "key", "app", "denied"];
        let mut top = document.read("the registry", &known)?;
        schema(document, &mut top)?;
        let header = header(document, &mut top);
        let subjects = subjects(document, &mut top);
        let keys = keys::read(document, &mut top, &subjects);
        let apps = apps::read(document, &mut top, &subjects, &keys);
        let denied = denied(document, &mut top);

        let mut public_keys: HashMap<PublicKeyDigest, Vec<CertificateDigest>> = HashMap::new();
        for key in keys.values.values() {
            if let Some(public_key) = key.public_key {
                public_keys.entry(public_key).or_default().push(key.certificate);
            }
        }
        Ok(Registry {
            header: header?,
            path: Some(path.to_owned()),
            subjects: subjects.values,
            keys: keys.values,
            public_keys,
            apps: apps.values,
            denied: denied.values,
            signed_by: Vec::new(),
        })
    })
}

/// Reads a text that holds denied keys alone.
pub(super) fn denied_list(text: &str, path: &Path) -> Result<BTreeMap<CertificateDigest, DeniedKey>, Error> {
    read_all(text, path, |document| Ok(denied(document, &mut document.read("the list", &["denied"])?).values))
}

/// The tables of one kind, by what names each.
struct Named<N, T> {
    /// Those without a fault.
    values: BTreeMap<N, T>,
    /// The names of those with a fault, too: what refers to one is right.
    names: BTreeSet<N>,
    /// Whether every one has a name that can be read. If not, a name that is not among these may still be right.
    complete: bool,
}

impl<N: Ord + Clone, T> Named<N, T> {
    /// Reads `tables`: `name` takes what names a table out of it, `value` reads the rest, and `twice` notes a name that
    /// an earlier table has.
    fn read<'a>(
        tables: Vec<Result<Fields<'a>, Faulty>>,
        name: impl Fn(&mut Fields<'a>) -> Result<At<N>, Faulty>,
        mut value: impl FnMut(Result<&At<N>, Faulty>, &mut Fields<'a>) -> Result<T, Faulty>,
        twice: impl Fn(&At<N>) -> Faulty,
    ) -> Self {
        let mut read = Self { values: BTreeMap::new(), names: BTreeSet::new(), complete: true };
        for table in tables {
            let Ok(mut fields) = table else {
                read.complete = false;
                continue;
            };
            // The faults of a table without a name are told all the same.
            let name = name(&mut fields);
            let value = value(name.as_ref().map_err(|faulty| *faulty), &mut fields);
            let Ok(name) = name else {
                read.complete = false;
                continue;
            };
            if !read.names.insert(name.value.clone()) {
                twice(&name);
            } else if let Ok(value) = value {
                read.values.insert(name.value, value);
            }
        }
        read
    }
}

fn schema(document: Document<'_>, top: &mut Fields<'_>) -> Result<(), Faulty> {
    match top.number("schema", "1") {
        Ok(schema) if schema.value != SCHEMA => {
            let message = format!(
                "expected schema {SCHEMA}, found {}; write schema = {SCHEMA}, or use a version of apkvouch that knows it",
                schema.value
            );
            Err(document.only_fault(schema.at, message))
        }
        _ => Ok(()),
    }
}

fn header(document: Document<'_>, top: &mut Fields<'_>) -> Result<Header, Faulty> {
    let id = top.text("id", "\"store.example\"");
    let serial = top.optional_number("serial", "1");
    let (issued_at, expires_at) = period(document, top, ("issued_at", "expires_at"))?;
    Ok(Header { id: id?.value, serial: serial?.map(|serial| serial.value), issued_at, expires_at })
}

/// A period between two moments, either of which may be open.
fn period(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    (from, until): (&str, &str),
) -> Result<(Option<Moment>, Option<Moment>), Faulty> {
    let start = optional_moment(fields, from);
    let end = optional_moment(fields, until);
    let (start, end) = (start?.map(|start| start.value), end?);
    if let (Some(start), Some(end)) = (start, &end)
        && end.value.ends_before(start)
    {
        let message = format!(
            "expected {until} on or after {from}, found {} before {start}; write a later {until}",
            end.value
        );
        return Err(document.fault(end.at, message));
    }
    Ok((start, end.map(|end| end.value)))
}

/// A day or an instant, as a TOML date or as a text.
fn optional_moment(fields: &mut Fields<'_>, name: &str) -> Result<Option<At<Moment>>, Faulty> {
    let expected = "a day, or an instant with its offset from UTC,";
    fields.optional_date(name, expected, "2027-12-31 or 2027-12-31T08:00:00Z", |text| text.parse().ok())
}

fn subjects(document: Document<'_>, top: &mut Fields<'_>) -> Named<String, Subject> {
    let known = ["id", "name", "name_zh", "roles", "credit_code", "contact"];
    Named::read(
        top.tables("subject", "[[subject]]", &known),
        |fields| fields.text("id", "\"example\""),
        |id, fields| {
            let name = fields.text("name", "\"Example Ltd\"");
            let name_zh = fields.optional_text("name_zh", "\"示例公司\"");
            let roles = fields.texts("roles", "[\"developer\"]").and_then(|roles| {
                all(roles.value.iter().map(|role| document.choice("roles", role, &Role::ALL)))
            });
            let credit_code = fields.optional_text("credit_code", "\"91110000000000000X\"");
            let contact = fields.optional_text("contact", "\"security@example.com\"");
            Ok(Subject {
                id: id?.value.clone(),
                name: name?.value,
                name_zh: name_zh?.map(|text| text.value),
                roles: roles?,
                credit_code: credit_code?.map(|text| text.value),
                contact: contact?.map(|text| text.value),
            })
        },
        |id| twice(document, "each subject id", &format!("{:?}", id.value), id.at),
    )
}

fn denied(document: Document<'_>, top: &mut Fields<'_>) -> Named<CertificateDigest, DeniedKey> {
    Named::read(
        top.tables("denied", "[[denied]]", &["certificate_sha256", "why", "source"]),
        |fields| fields.digest("certificate_sha256"),
        |certificate, fields| {
            let why = fields.text("why", "\"the private key leaked\"");
            let source = fields.text("source", "\"https://example.com/advisory\"");
            Ok(DeniedKey { certificate: certificate?.value, why: why?.value, source: source?.value })
        },
        |certificate| {
            twice(document, "each denied certificate", &certificate.value.to_string(), certificate.at)
        },
    )
}

/// What a binding rests on: `[[key.evidence]]`, `[[app.signers.evidence]]`.
fn evidence(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    what: &'static str,
) -> Result<Vec<Evidence>, Faulty> {
    let tables = fields.tables("evidence", what, &["source", "url", "date"]);
    all(tables.into_iter().map(|table| {
        let mut table = table?;
        let source = required_choice(document, &mut table, "source", &EvidenceSource::ALL);
        let url = table.optional_text("url", "\"https://example.com/.well-known/assetlinks.json\"");
        let date = optional_moment(&mut table, "date");
        Ok(Evidence { source: source?, url: url?.map(|text| text.value), date: date?.map(|date| date.value) })
    }))
}

/// One of `choices`, which must be there.
fn required_choice<T: Copy + AsName>(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    name: &str,
    choices: &[T],
) -> Result<T, Faulty> {
    let example = choices.first().map(|choice| format!("{:?}", choice.as_name())).unwrap_or_default();
    let text = fields.text(name, &example)?;
    document.choice(name, &text, choices)
}

fn twice(document: Document<'_>, each: &str, found: &str, at: usize) -> Faulty {
    document.fault(at, format!("expected {each} once, found {found} twice; remove or merge one"))
}

/// `id`, when a subject has it or may have it.
fn registered_subject(
    document: Document<'_>,
    name: &str,
    id: At<String>,
    subjects: &Named<String, Subject>,
) -> Result<At<String>, Faulty> {
    if !subjects.complete || subjects.names.contains(&id.value) {
        return Ok(id);
    }
    let message = format!(
        "expected the id of a [[subject]] in {name:?}, found {:?}, which is none; add the subject, or write the id of another",
        id.value
    );
    Err(document.fault(id.at, message))
}

/// `digest`, when a key has it or may have it.
fn registered_key(
    document: Document<'_>,
    name: &str,
    digest: At<CertificateDigest>,
    keys: &Named<CertificateDigest, Key>,
) -> Result<At<CertificateDigest>, Faulty> {
    if !keys.complete || keys.names.contains(&digest.value) {
        return Ok(digest);
    }
    let message = format!(
        "expected the certificate_sha256 of a [[key]] in {name:?}, found {}, which is none; add the key, or write another",
        digest.value
    );
    Err(document.fault(digest.at, message))
}

impl AsName for Role {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}

impl AsName for KeyStatus {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}

impl AsName for EvidenceSource {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}

impl AsName for RevokedFor {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}
