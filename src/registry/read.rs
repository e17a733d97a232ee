//! From the text form to a registry that holds together.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;

use super::App;
use super::DeniedKey;
use super::Header;
use super::Key;
use super::KeyStatus;
use super::Moment;
use super::PublicKeyDigest;
use super::Registry;
use super::Role;
use super::SCHEMA;
use super::SignerSet;
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
        let keys = keys(document, &mut top, &subjects);
        let apps = apps(document, &mut top, &subjects, &keys);
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
    let read = |text: &str| {
        if text.len() == "2027-12-31".len() {
            text.parse().ok().map(Moment::Day)
        } else {
            text.parse().ok().map(Moment::Instant)
        }
    };
    let expected = "a day, or an instant with its offset from UTC,";
    fields.optional_date(name, expected, "2027-12-31 or 2027-12-31T08:00:00Z", read)
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

fn keys(
    document: Document<'_>,
    top: &mut Fields<'_>,
    subjects: &Named<String, Subject>,
) -> Named<CertificateDigest, Key> {
    let mut successors: Vec<Succession> = Vec::new();
    let known = [
        "certificate_sha256",
        "subject",
        "spki_sha256",
        "valid_from",
        "valid_until",
        "status",
        "status_date",
        "reason",
        "replaced_by",
    ];
    let keys = Named::read(
        top.tables("key", "[[key]]", &known),
        |fields| fields.digest("certificate_sha256"),
        |certificate, fields| {
            let subject = fields.text("subject", "\"example\"");
            let subject =
                subject.and_then(|subject| registered_subject(document, "subject", subject, subjects));
            let validity = period(document, fields, ("valid_from", "valid_until"));
            let public_key = fields.optional_digest("spki_sha256");
            let standing = standing(document, fields, certificate, &mut successors);
            let (valid_from, valid_until) = validity?;
            let Standing { status, status_date, reason, replaced_by } = standing?;
            Ok(Key {
                certificate: certificate?.value,
                subject: subject?.value,
                public_key: public_key?.map(|digest| PublicKeyDigest(digest.value.0)),
                valid_from,
                valid_until,
                status,
                status_date,
                reason,
                replaced_by,
            })
        },
        |certificate| {
            twice(document, "each certificate_sha256", &certificate.value.to_string(), certificate.at)
        },
    );
    let mut in_circles: BTreeSet<CertificateDigest> = BTreeSet::new();
    for (certificate, successor) in successors {
        let at = successor.at;
        let registered = registered_key(document, "replaced_by", successor, &keys).is_ok();
        let Ok(certificate) = certificate else { continue };
        // A circle is one mistake, however many keys are in it.
        if !registered || in_circles.contains(&certificate) {
            continue;
        }
        let circle = circle(certificate, &keys.values);
        if !circle.is_empty() {
            let message = format!(
                "expected \"replaced_by\" to lead to a newer key, found that it leads back to {certificate}; \
                 remove it from the newest key"
            );
            document.fault(at, message);
        }
        in_circles.extend(circle);
    }
    keys
}

/// What a `[[key]]` says of its status.
struct Standing {
    status: KeyStatus,
    status_date: Option<Moment>,
    reason: Option<String>,
    replaced_by: Option<CertificateDigest>,
}

/// A key, when its name can be read, and what it says is its successor.
type Succession = (Result<CertificateDigest, Faulty>, At<CertificateDigest>);

/// Reads the status of the key of `certificate`, and notes its successor in `successors`.
fn standing(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    certificate: Result<&At<CertificateDigest>, Faulty>,
    successors: &mut Vec<Succession>,
) -> Result<Standing, Faulty> {
    let status = fields.optional_choice("status", &KeyStatus::ALL);
    let status_date = optional_moment(fields, "status_date");
    let reason = fields.optional_text("reason", "\"key rollover\"");
    let replaced_by = fields.optional_digest("replaced_by");
    if let Ok(Some(successor)) = &replaced_by {
        successors.push((certificate.map(|certificate| certificate.value), successor.clone()));
    }
    let (status, status_date, reason, replaced_by) = (status?, status_date?, reason?, replaced_by?);
    // A key whose `status = "revoked"` got lost must not come back to life.
    let about_status = [
        ("status_date", status_date.as_ref().map(|date| date.at)),
        ("reason", reason.as_ref().map(|reason| reason.at)),
    ];
    let about_status = about_status.iter().find_map(|(name, at)| Some((name, (*at)?)));
    if let (None, Some((name, at))) = (&status, about_status)
        && !fields.is_misspelt("status")
    {
        let message = format!(
            "expected \"status\" in a [[key]] that has {name:?}, found none; \
             write status = \"revoked\" or what else it is since then"
        );
        return Err(document.fault(at, message));
    }
    let known_status = status.is_some() || !fields.is_misspelt("status");
    let status = status.unwrap_or(KeyStatus::Active);
    match (status, &replaced_by) {
        (KeyStatus::Rotated, None) => {
            let message = "expected \"replaced_by\" in a [[key]] of status \"rotated\", found none; \
                           write replaced_by = \"<certificate_sha256 of the successor>\"";
            return Err(fields.absent(&["replaced_by"], message));
        }
        (KeyStatus::Active, Some(successor)) if known_status => {
            let message = "expected no \"replaced_by\" in a [[key]] of status \"active\", found one; \
                           write status = \"rotated\", or remove replaced_by";
            return Err(document.fault(successor.at, message));
        }
        _ => {}
    }
    Ok(Standing {
        status,
        status_date: status_date.map(|moment| moment.value),
        reason: reason.map(|text| text.value),
        replaced_by: replaced_by.map(|successor| successor.value),
    })
}

/// The successors of a key, when they lead back to it; else nothing.
fn circle(certificate: CertificateDigest, keys: &BTreeMap<CertificateDigest, Key>) -> Vec<CertificateDigest> {
    let mut passed = Vec::new();
    let mut at = certificate;
    // One step a key is enough to meet every key that can be met.
    for _ in keys {
        let Some(next) = keys.get(&at).and_then(|key| key.replaced_by) else { break };
        passed.push(next);
        if next == certificate {
            return passed;
        }
        at = next;
    }
    Vec::new()
}

fn apps(
    document: Document<'_>,
    top: &mut Fields<'_>,
    subjects: &Named<String, Subject>,
    keys: &Named<CertificateDigest, Key>,
) -> Named<String, App> {
    Named::read(
        top.tables("app", "[[app]]", &["package", "labels", "owner", "signers"]),
        |fields| fields.text("package", "\"com.example.app\""),
        |package, fields| {
            if let Ok(package) = package
                && let Some(expected_and_found) = package_name_fault(&package.value)
            {
                let message = format!(
                    "expected a package name of {expected_and_found} in {:?}; write package = \"com.example.app\"",
                    package.value
                );
                document.fault(package.at, message);
            }
            let labels = fields.optional_texts("labels", "[\"Example\", \"示例\"]");
            let owner = fields.text("owner", "\"example\"");
            let owner = owner.and_then(|owner| registered_subject(document, "owner", owner, subjects));
            let signers = signer_sets(document, fields, keys);
            Ok(App {
                package: package?.value.clone(),
                labels: labels?.map_or_else(Vec::new, |labels| {
                    labels.value.into_iter().map(|label| label.value).collect()
                }),
                owner: owner?.value,
                signers: signers?,
            })
        },
        |package| twice(document, "each package", &format!("{:?}", package.value), package.at),
    )
}

/// The signer sets of an app: at least one.
fn signer_sets(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    keys: &Named<CertificateDigest, Key>,
) -> Result<Vec<SignerSet>, Faulty> {
    let tables = fields.tables("signers", "[[app.signers]]", &["certificates", "role", "channel"]);
    if tables.is_empty() {
        let message = "expected at least one [[app.signers]] in [[app]], found none; \
                       write [[app.signers]], then certificates = [\"<certificate_sha256 of a key>\"]";
        return Err(fields.absent(&["signers"], message));
    }
    let mut seen: Vec<SignerSet> = Vec::new();
    all(tables.into_iter().map(|table| {
        let mut table = table?;
        let set = signer_set(document, &mut table, keys)?;
        if seen.contains(&set) {
            let found = "the same set, role and channel";
            return Err(twice(document, "each signer set of an app", found, table.at()));
        }
        seen.push(set.clone());
        Ok(set)
    }))
}

/// What is wrong with a name that the installer of Android does not take; none when it takes it.
///
/// Source: AOSP `PackageParser.validateName`.
fn package_name_fault(name: &str) -> Option<String> {
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))) {
        return Some(format!("letters, digits, dots and underscores, found {wrong:?}"));
    }
    let begins_wrong = |part: &&str| part.starts_with(|c: char| !c.is_ascii_alphabetic());
    if let Some(part) = name.split('.').find(begins_wrong) {
        return Some(format!("parts that begin with a letter, found {part:?}"));
    }
    (!name.contains('.') && name != "android").then(|| "at least two parts, found one".to_owned())
}

fn signer_set(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    keys: &Named<CertificateDigest, Key>,
) -> Result<SignerSet, Faulty> {
    let texts = fields.texts("certificates", "[\"<certificate_sha256 of a key>\"]");
    let role = fields.optional_choice("role", &Role::ALL);
    let channel = fields.optional_text("channel", "\"play\"");
    let mut certificates = BTreeSet::new();
    let each: Vec<()> = all(texts?.value.iter().map(|text| {
        let digest = document.digest("certificates", text)?;
        let digest = registered_key(document, "certificates", digest, keys)?;
        if !certificates.insert(digest.value) {
            return Err(twice(document, "each certificate of a set", &digest.value.to_string(), digest.at));
        }
        Ok(())
    }))?;
    drop(each);
    Ok(SignerSet {
        certificates,
        role: role?.unwrap_or(Role::Developer),
        channel: channel?.map(|text| text.value),
    })
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
