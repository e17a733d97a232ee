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
use crate::fields::Fields;
use crate::identity::CertificateDigest;

/// Reads a whole registry.
pub(super) fn registry(text: &str, path: &Path) -> Result<Registry, Error> {
    let document = Document::new(text, path);
    let known = ["schema", "id", "serial", "issued_at", "expires_at", "subject", "key", "app", "denied"];
    let mut top = document.read("the registry", &known)?;

    let header = header(document, &mut top)?;
    let subjects = subjects(document, &mut top)?;
    let keys = keys(document, &mut top, &subjects)?;
    let apps = apps(document, &mut top, &subjects, &keys)?;
    let denied = denied(document, &mut top)?;

    let mut public_keys: HashMap<PublicKeyDigest, Vec<CertificateDigest>> = HashMap::new();
    for key in keys.values() {
        if let Some(public_key) = key.public_key {
            public_keys.entry(public_key).or_default().push(key.certificate);
        }
    }
    Ok(Registry { header, path: Some(path.to_owned()), subjects, keys, public_keys, apps, denied })
}

/// Reads a text that holds denied keys alone.
pub(super) fn denied_list(text: &str, path: &Path) -> Result<BTreeMap<CertificateDigest, DeniedKey>, Error> {
    let document = Document::new(text, path);
    denied(document, &mut document.read("the list", &["denied"])?)
}

fn header(document: Document<'_>, top: &mut Fields<'_>) -> Result<Header, Error> {
    let schema = top.number("schema", "1")?;
    if schema.value != SCHEMA {
        let message = format!(
            "expected schema {SCHEMA}, found {}; write schema = {SCHEMA}, or use a version of apkvouch that knows it",
            schema.value
        );
        return Err(document.fault(schema.at, message));
    }
    let header = Header {
        id: top.text("id", "\"store.example\"")?.value,
        serial: top.optional_number("serial", "1")?.map(|serial| serial.value),
        issued_at: optional_moment(top, "issued_at")?.map(|moment| moment.value),
        expires_at: None,
    };
    let expires_at = optional_moment(top, "expires_at")?;
    if let (Some(start), Some(end)) = (header.issued_at, &expires_at)
        && end.value.ends_before(start)
    {
        let message = format!(
            "expected expires_at on or after issued_at, found {} before {start}; write a later expires_at",
            end.value
        );
        return Err(document.fault(end.at, message));
    }
    Ok(Header { expires_at: expires_at.map(|moment| moment.value), ..header })
}

/// A day or an instant, as a TOML date or as a text.
fn optional_moment(fields: &mut Fields<'_>, name: &str) -> Result<Option<At<Moment>>, Error> {
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

fn subjects(document: Document<'_>, top: &mut Fields<'_>) -> Result<BTreeMap<String, Subject>, Error> {
    let mut subjects = BTreeMap::new();
    let known = ["id", "name", "name_zh", "roles", "credit_code", "contact"];
    for mut fields in top.tables("subject", "[[subject]]", &known)? {
        let id = fields.text("id", "\"example\"")?;
        let subject = Subject {
            id: id.value.clone(),
            name: fields.text("name", "\"Example Ltd\"")?.value,
            name_zh: fields.optional_text("name_zh", "\"示例公司\"")?.map(|text| text.value),
            roles: fields
                .texts("roles", "[\"developer\"]")?
                .value
                .iter()
                .map(|role| document.choice("roles", role, &Role::ALL))
                .collect::<Result<_, _>>()?,
            credit_code: fields
                .optional_text("credit_code", "\"91110000000000000X\"")?
                .map(|text| text.value),
            contact: fields.optional_text("contact", "\"security@example.com\"")?.map(|text| text.value),
        };
        if subjects.insert(id.value.clone(), subject).is_some() {
            return Err(twice(document, "each subject id", &format!("{:?}", id.value), id.at));
        }
    }
    Ok(subjects)
}

fn keys(
    document: Document<'_>,
    top: &mut Fields<'_>,
    subjects: &BTreeMap<String, Subject>,
) -> Result<BTreeMap<CertificateDigest, Key>, Error> {
    let mut keys = BTreeMap::new();
    let mut successors: Vec<(CertificateDigest, At<CertificateDigest>)> = Vec::new();
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
    for mut fields in top.tables("key", "[[key]]", &known)? {
        let certificate = fields.digest("certificate_sha256")?;
        let subject = fields.text("subject", "\"example\"")?;
        registered_subject(document, "subject", &subject, subjects)?;
        let valid_from = optional_moment(&mut fields, "valid_from")?.map(|moment| moment.value);
        let valid_until = optional_moment(&mut fields, "valid_until")?;
        if let (Some(start), Some(end)) = (valid_from, &valid_until)
            && end.value.ends_before(start)
        {
            let message = format!(
                "expected valid_until on or after valid_from, found {} before {start}; write a later valid_until",
                end.value
            );
            return Err(document.fault(end.at, message));
        }
        let status = fields.optional_choice("status", &KeyStatus::ALL)?;
        let status_date = optional_moment(&mut fields, "status_date")?;
        let reason = fields.optional_text("reason", "\"key rollover\"")?;
        // A key whose `status = "revoked"` got lost must not come back to life.
        let about_status = [
            ("status_date", status_date.as_ref().map(|date| date.at)),
            ("reason", reason.as_ref().map(|reason| reason.at)),
        ];
        if let (None, Some((name, at))) =
            (&status, about_status.iter().find_map(|(name, at)| Some((name, (*at)?))))
        {
            let message = format!(
                "expected \"status\" in a [[key]] that has {name:?}, found none; \
                 write status = \"revoked\" or what else it is since then"
            );
            return Err(document.fault(at, message));
        }
        let key = Key {
            certificate: certificate.value,
            subject: subject.value,
            public_key: fields.optional_digest("spki_sha256")?.map(|digest| PublicKeyDigest(digest.value.0)),
            valid_from,
            valid_until: valid_until.map(|moment| moment.value),
            status: status.unwrap_or(KeyStatus::Active),
            status_date: status_date.map(|moment| moment.value),
            reason: reason.map(|text| text.value),
            replaced_by: None,
        };
        let replaced_by = fields.optional_digest("replaced_by")?;
        match (key.status, &replaced_by) {
            (KeyStatus::Rotated, None) => {
                let message = "expected \"replaced_by\" in a [[key]] of status \"rotated\", found none; \
                               write replaced_by = \"<certificate_sha256 of the successor>\"";
                return Err(document.fault(fields.at(), message));
            }
            (KeyStatus::Active, Some(successor)) => {
                let message = "expected no \"replaced_by\" in a [[key]] of status \"active\", found one; \
                               write status = \"rotated\", or remove replaced_by";
                return Err(document.fault(successor.at, message));
            }
            _ => {}
        }
        let key = Key { replaced_by: replaced_by.as_ref().map(|successor| successor.value), ..key };
        successors.extend(replaced_by.map(|successor| (certificate.value, successor)));
        if keys.insert(certificate.value, key).is_some() {
            return Err(twice(
                document,
                "each certificate_sha256",
                &certificate.value.to_string(),
                certificate.at,
            ));
        }
    }
    for (certificate, successor) in successors {
        registered_key(document, "replaced_by", &successor, &keys)?;
        if leads_back(certificate, &keys) {
            let message = format!(
                "expected \"replaced_by\" to lead to a newer key, found that it leads back to {certificate}; \
                 remove it from the newest key"
            );
            return Err(document.fault(successor.at, message));
        }
    }
    Ok(keys)
}

/// Whether the successors of a key lead back to it.
fn leads_back(certificate: CertificateDigest, keys: &BTreeMap<CertificateDigest, Key>) -> bool {
    let mut at = certificate;
    // One step a key is enough to meet every key that can be met.
    for _ in keys {
        match keys.get(&at).and_then(|key| key.replaced_by) {
            Some(next) if next == certificate => return true,
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

fn apps(
    document: Document<'_>,
    top: &mut Fields<'_>,
    subjects: &BTreeMap<String, Subject>,
    keys: &BTreeMap<CertificateDigest, Key>,
) -> Result<BTreeMap<String, App>, Error> {
    let mut apps = BTreeMap::new();
    for mut fields in top.tables("app", "[[app]]", &["package", "labels", "owner", "signers"])? {
        let at = fields.at();
        let package = fields.text("package", "\"com.example.app\"")?;
        if let Some(expected_and_found) = package_name_fault(&package.value) {
            let message = format!(
                "expected a package name of {expected_and_found} in {:?}; write package = \"com.example.app\"",
                package.value
            );
            return Err(document.fault(package.at, message));
        }
        let labels = fields
            .optional_texts("labels", "[\"Example\", \"示例\"]")?
            .map_or_else(Vec::new, |labels| labels.value.into_iter().map(|label| label.value).collect());
        let owner = fields.text("owner", "\"example\"")?;
        registered_subject(document, "owner", &owner, subjects)?;
        let mut signers: Vec<SignerSet> = Vec::new();
        for mut set in fields.tables("signers", "[[app.signers]]", &["certificates", "role", "channel"])? {
            let at = set.at();
            let set = signer_set(document, &mut set, keys)?;
            if signers.contains(&set) {
                return Err(twice(
                    document,
                    "each signer set of an app",
                    "the same set, role and channel",
                    at,
                ));
            }
            signers.push(set);
        }
        if signers.is_empty() {
            let message = "expected at least one [[app.signers]] in [[app]], found none; \
                           write [[app.signers]], then certificates = [\"<certificate_sha256 of a key>\"]";
            return Err(document.fault(at, message));
        }
        let app = App { package: package.value.clone(), labels, owner: owner.value, signers };
        if apps.insert(package.value.clone(), app).is_some() {
            return Err(twice(document, "each package", &format!("{:?}", package.value), package.at));
        }
    }
    Ok(apps)
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
    keys: &BTreeMap<CertificateDigest, Key>,
) -> Result<SignerSet, Error> {
    let mut certificates = BTreeSet::new();
    for text in fields.texts("certificates", "[\"<certificate_sha256 of a key>\"]")?.value {
        let digest = document.digest("certificates", &text)?;
        registered_key(document, "certificates", &digest, keys)?;
        if !certificates.insert(digest.value) {
            return Err(twice(document, "each certificate of a set", &digest.value.to_string(), digest.at));
        }
    }
    Ok(SignerSet {
        certificates,
        role: fields.optional_choice("role", &Role::ALL)?.unwrap_or(Role::Developer),
        channel: fields.optional_text("channel", "\"play\"")?.map(|text| text.value),
    })
}

fn denied(
    document: Document<'_>,
    top: &mut Fields<'_>,
) -> Result<BTreeMap<CertificateDigest, DeniedKey>, Error> {
    let mut denied = BTreeMap::new();
    for mut fields in top.tables("denied", "[[denied]]", &["certificate_sha256", "why", "source"])? {
        let certificate = fields.digest("certificate_sha256")?;
        let key = DeniedKey {
            certificate: certificate.value,
            why: fields.text("why", "\"the private key leaked\"")?.value,
            source: fields.text("source", "\"https://example.com/advisory\"")?.value,
        };
        if denied.insert(certificate.value, key).is_some() {
            return Err(twice(
                document,
                "each denied certificate",
                &certificate.value.to_string(),
                certificate.at,
            ));
        }
    }
    Ok(denied)
}

fn twice(document: Document<'_>, each: &str, found: &str, at: usize) -> Error {
    document.fault(at, format!("expected {each} once, found {found} twice; remove or merge one"))
}

fn registered_subject(
    document: Document<'_>,
    name: &str,
    id: &At<String>,
    subjects: &BTreeMap<String, Subject>,
) -> Result<(), Error> {
    if subjects.contains_key(&id.value) {
        return Ok(());
    }
    let message = format!(
        "expected the id of a [[subject]] in {name:?}, found {:?}, which is none; add the subject, or write the id of another",
        id.value
    );
    Err(document.fault(id.at, message))
}

fn registered_key(
    document: Document<'_>,
    name: &str,
    digest: &At<CertificateDigest>,
    keys: &BTreeMap<CertificateDigest, Key>,
) -> Result<(), Error> {
    if keys.contains_key(&digest.value) {
        return Ok(());
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
