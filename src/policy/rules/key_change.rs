//! A registered package that comes with another key than the registry allows, or with one that it has as rotated away: what
//! is proved of the change, and what to do.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Case;
use crate::finding::FindingCode;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::identity::Lineage;
use crate::policy::SubjectFacts;
use crate::policy::Verdict;
use crate::registry::App;
use crate::registry::KeyStatus;
use crate::registry::Registry;
use crate::scheme::VerifiedSigner;

/// What a verified lineage, or the registry, says of the two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Connection {
    /// The registered key has signed the rotation to the other.
    ProvenRotation,
    /// The registry has the key as rotated away: an old key instead of its successor.
    OldKey,
    /// Nothing connects them.
    None,
}

impl Connection {
    /// What it means, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ProvenRotation => "a verified lineage: the registered key has signed the rotation",
            Self::OldKey => "the registry has this key as rotated away: its successor should sign",
            Self::None => "nothing connects the two keys",
        }
    }
}

/// A registered package with another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyChange {
    /// SHA-256 of the certificates that should sign: of every allowed set, or the successors of an old key.
    pub registered: Vec<CertificateDigest>,
    /// Whose app it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<SubjectFacts>,
    /// SHA-256 of the certificates that do sign, for the newest Android versions.
    pub found: Vec<CertificateDigest>,
    /// What these certificates call themselves: their own word.
    pub subjects: Vec<String>,
    /// What connects the keys.
    pub connection: Connection,
    /// Whether the owner's registered name stands in one of the certificates. Never a proof: anybody can write it there.
    pub names_match: bool,
    /// What to do, in English.
    pub advice: String,
}

/// The change of key in a file that verifies; none where an allowed key signs that is in use, or the package is not
/// registered.
pub(super) fn of(case: &Case<'_>, registry: &Registry) -> Option<KeyChange> {
    let verification = case.evidence.verification;
    let app = verification.package().and_then(|package| registry.app(package))?;
    let current: Vec<&VerifiedSigner> = verification.signers_of(verification.views.last()?).collect();
    let found: BTreeSet<CertificateDigest> = current.iter().map(|signer| signer.digest()).collect();
    // A v3.2 signature is by two, who may be allowed as one set.
    let partners = current.iter().filter_map(|signer| signer.classical_partner()).map(Certificate::digest);
    let both: BTreeSet<CertificateDigest> = found.iter().copied().chain(partners).collect();
    let rotated = current.iter().filter_map(|signer| registry.key(&signer.digest()));
    let rotated = rotated.filter(|key| key.status == KeyStatus::Rotated).find_map(|key| key.replaced_by);
    let (registered, connection) = match rotated {
        Some(successor) => (vec![successor], Connection::OldKey),
        None if app.signers.iter().any(|set| set.certificates == found || set.certificates == both) => {
            return None;
        }
        None => (allowed(app), connection(app, &current)),
    };
    let owner = registry.subject(&app.owner);
    let names = owner.into_iter().flat_map(|owner| [Some(&owner.name), owner.name_zh.as_ref()]).flatten();
    let subjects: Vec<String> =
        current.iter().map(|signer| signer.certificate().subject().to_owned()).collect();
    let told: Vec<String> = subjects.iter().map(|subject| plain(subject)).collect();
    let names: Vec<String> = names.map(|name| plain(name)).filter(|name| !name.is_empty()).collect();
    let names_match = names.iter().any(|name| told.iter().any(|subject| subject.contains(name.as_str())));
    Some(KeyChange {
        registered,
        advice: advice(case, connection, owner.map_or(app.owner.as_str(), |owner| owner.name.as_str())),
        owner: owner.map(SubjectFacts::of),
        found: both.into_iter().collect(),
        subjects,
        connection,
        names_match,
    })
}

/// The certificates of all allowed sets, each once.
fn allowed(app: &App) -> Vec<CertificateDigest> {
    let all: BTreeSet<CertificateDigest> =
        app.signers.iter().flat_map(|set| &set.certificates).copied().collect();
    all.into_iter().collect()
}

/// Whether a certificate that may sign alone has appointed the only signer.
fn connection(app: &App, current: &[&VerifiedSigner]) -> Connection {
    let [signer] = current else { return Connection::None };
    let line = signer.lineage().map_or(&[][..], Lineage::nodes);
    let ancestors = line.iter().map(|node| &node.certificate).map(Certificate::digest);
    let ancestors: Vec<CertificateDigest> = ancestors.filter(|digest| *digest != signer.digest()).collect();
    let alone = |digest: &CertificateDigest| {
        app.signers.iter().any(|set| set.certificates.len() == 1 && set.certificates.contains(digest))
    };
    if ancestors.iter().any(alone) { Connection::ProvenRotation } else { Connection::None }
}

fn advice(case: &Case<'_>, connection: Connection, owner: &str) -> String {
    let accepted = case.decision.verdict == Verdict::Authenticated;
    let stopped = case.decision.findings.iter().any(|finding| {
        matches!(finding.code, FindingCode::KeyRevoked | FindingCode::KeySuspended | FindingCode::KeyDenied)
    });
    match connection {
        _ if stopped => "do not publish: a key of it is revoked, suspended or denied, which no rotation undoes".to_owned(),
        Connection::ProvenRotation if accepted => {
            "register the new certificate, and say that the old one is replaced by it (`apkvouch registry rotate`)".to_owned()
        }
        Connection::ProvenRotation => format!(
            "ask {owner} whether the key was changed on purpose; if so, register the new certificate (`apkvouch registry rotate`)"
        ),
        Connection::OldKey => format!(
            "have {owner} sign with the successor; revoke the old key if others may have it (`apkvouch registry revoke`)"
        ),
        Connection::None => format!(
            "do not publish; ask {owner}, by the contact in the registry and not by one in the file, whether the key was \
             changed. If so, have the file signed with a lineage from the registered key, or register the new one once it is \
             certain whose it is"
        ),
    }
}

/// Letters and digits in lower case, to compare names.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
