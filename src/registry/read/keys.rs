//! `[[key]]`: keys, their status and what came before it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Named;
use super::evidence;
use super::optional_moment;
use super::period;
use super::registered_key;
use super::registered_subject;
use super::required_choice;
use super::twice;
use crate::fields::At;
use crate::fields::Document;
use crate::fields::Faulty;
use crate::fields::Fields;
use crate::fields::all;
use crate::identity::CertificateDigest;
use crate::registry::Key;
use crate::registry::KeyStatus;
use crate::registry::Moment;
use crate::registry::PastStatus;
use crate::registry::PublicKeyDigest;
use crate::registry::RevokedFor;
use crate::registry::Subject;

/// Reads the keys: `subjects` are those that they may belong to.
pub(super) fn read(
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
        "revoked_for",
        "history",
        "evidence",
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
            let evidence = evidence(document, fields, "[[key.evidence]]");
            let Standing { status, status_date, reason, replaced_by, revoked_for, history } = standing?;
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
                revoked_for,
                history,
                evidence: evidence?,
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
    revoked_for: Option<RevokedFor>,
    history: Vec<PastStatus>,
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
    let revoked_for = fields.optional_choice("revoked_for", &RevokedFor::ALL);
    let history = history(document, fields);
    let (status, status_date, reason, replaced_by) = (status?, status_date?, reason?, replaced_by?);
    let (revoked_for, history) = (revoked_for?, history?);
    // A key whose `status = "revoked"` got lost must not come back to life.
    let about_status = [
        ("status_date", status_date.as_ref().map(|date| date.at)),
        ("reason", reason.as_ref().map(|reason| reason.at)),
        ("revoked_for", revoked_for.map(|_| fields.at())),
        ("history", history.first().map(|past| past.at)),
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
    if revoked_for.is_some() && status != KeyStatus::Revoked {
        let message = format!(
            "expected no \"revoked_for\" in a [[key]] of status {:?}, found one; write status = \"revoked\", or remove it",
            status.as_str()
        );
        return Err(document.fault(fields.at(), message));
    }
    ensure_sequence(document, fields, &history, status_date.as_ref(), replaced_by.is_some())?;
    Ok(Standing {
        status,
        status_date: status_date.map(|moment| moment.value),
        reason: reason.map(|text| text.value),
        replaced_by: replaced_by.map(|successor| successor.value),
        revoked_for,
        history: history.into_iter().map(|past| past.value).collect(),
    })
}

/// What the status was before: `[[key.history]]`.
fn history(document: Document<'_>, fields: &mut Fields<'_>) -> Result<Vec<At<PastStatus>>, Faulty> {
    // A revocation is for good.
    const PAST: [KeyStatus; 3] = [KeyStatus::Active, KeyStatus::Rotated, KeyStatus::Suspended];
    let tables = fields.tables("history", "[[key.history]]", &["status", "since", "reason"]);
    all(tables.into_iter().map(|table| {
        let mut table = table?;
        let status = required_choice(document, &mut table, "status", &PAST);
        let since = optional_moment(&mut table, "since").and_then(|since| {
            let message = "expected \"since\" in [[key.history]], found none; write since = 2026-01-01";
            since.ok_or_else(|| table.absent(&["since"], message))
        });
        let reason = table.optional_text("reason", "\"key rollover\"");
        let since = since?;
        let past = PastStatus { status: status?, since: since.value, reason: reason?.map(|text| text.value) };
        Ok(At { at: since.at, value: past })
    }))
}

/// Makes sure that the statuses of a key follow one another, up to the current one since `status_date`.
fn ensure_sequence(
    document: Document<'_>,
    fields: &Fields<'_>,
    history: &[At<PastStatus>],
    status_date: Option<&At<Moment>>,
    has_successor: bool,
) -> Result<(), Faulty> {
    if !history.is_empty() && status_date.is_none() {
        let message = "expected \"status_date\" in a [[key]] with a history, found none; \
                       write status_date = <the day since when status holds>";
        return Err(fields.absent(&["status_date"], message));
    }
    let dates = history.iter().map(|past| (past.at, past.value.since));
    let dates = dates.chain(status_date.filter(|_| !history.is_empty()).map(|date| (date.at, date.value)));
    let mut before: Option<Moment> = None;
    for (at, date) in dates {
        if let Some(before) = before
            && !before.starts_before(date)
        {
            let message = format!(
                "expected a date after {before}, when the status before began, found {date}; \
                 write the history from the oldest to the newest, then status_date"
            );
            return Err(document.fault(at, message));
        }
        before = Some(date);
    }
    let rotated = history.iter().find(|past| past.value.status == KeyStatus::Rotated);
    if let (Some(past), false) = (rotated, has_successor) {
        let message = "expected \"replaced_by\" in a [[key]] that was rotated, found none; \
                       write replaced_by = \"<certificate_sha256 of the successor>\"";
        return Err(document.fault(past.at, message));
    }
    Ok(())
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
