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
use crate::policy::rotation::sets_of;
use crate::registry::App;
use crate::registry::KeyStatus;
use crate::registry::Registry;
use crate::registry::Role;
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

    /// The same in Chinese.
    pub fn words_zh(self) -> &'static str {
        match self {
            Self::ProvenRotation => "已验证的密钥谱系：登记的密钥签署了此次轮换",
            Self::OldKey => "登记库记载此密钥已被轮换：应由其后继密钥签名",
            Self::None => "两个密钥之间没有任何联系",
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
    /// SHA-256 of the registered certificate that has signed the rotation, where one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointed_by: Option<CertificateDigest>,
    /// Whether the owner's registered name stands in one of the certificates. Never a proof: anybody can write it there.
    pub names_match: bool,
    /// What to do, in English. Commands name the file of the registry `REGISTRY`.
    pub advice: String,
    /// The same in Chinese.
    pub advice_zh: String,
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
    let mut rotated = rotated.filter(|key| key.status == KeyStatus::Rotated);
    let rotated = rotated.find_map(|key| Some((key.certificate, key.replaced_by?)));
    let ancestor = appointed_by(app, &current);
    let (registered, connection) = match (rotated, ancestor) {
        (Some((_, successor)), _) => (vec![successor], Connection::OldKey),
        _ if app.signers.iter().any(|set| set.certificates == found || set.certificates == both) => {
            return None;
        }
        (None, Some(_)) => (allowed(app), Connection::ProvenRotation),
        (None, None) => (allowed(app), Connection::None),
    };
    let commands = match (rotated, ancestor, current.first()) {
        (Some((old, _)), _, _) => vec![revocation(old)],
        (None, Some(ancestor), Some(signer)) => rotation(registry, app, ancestor, (signer.digest(), &both)),
        _ => Vec::new(),
    };
    let owner = registry.subject(&app.owner);
    let names = owner.into_iter().flat_map(|owner| [Some(&owner.name), owner.name_zh.as_ref()]).flatten();
    let subjects: Vec<String> =
        current.iter().map(|signer| signer.certificate().subject().to_owned()).collect();
    let told: Vec<String> = subjects.iter().map(|subject| plain(subject)).collect();
    let names: Vec<String> = names.map(|name| plain(name)).filter(|name| !name.is_empty()).collect();
    let names_match = names.iter().any(|name| told.iter().any(|subject| subject.contains(name.as_str())));
    let called = owner.map_or(app.owner.as_str(), |owner| owner.name.as_str());
    let (advice, advice_zh) = advice(case, connection, called, &commands);
    Some(KeyChange {
        registered,
        advice,
        advice_zh,
        owner: owner.map(SubjectFacts::of),
        found: both.into_iter().collect(),
        subjects,
        connection,
        appointed_by: ancestor.filter(|_| connection == Connection::ProvenRotation),
        names_match,
    })
}

/// The certificates of all allowed sets, each once.
fn allowed(app: &App) -> Vec<CertificateDigest> {
    let all: BTreeSet<CertificateDigest> =
        app.signers.iter().flat_map(|set| &set.certificates).copied().collect();
    all.into_iter().collect()
}

/// The newest certificate that may sign alone and has appointed the only signer.
fn appointed_by(app: &App, current: &[&VerifiedSigner]) -> Option<CertificateDigest> {
    let [signer] = current else { return None };
    let line = signer.lineage().map_or(&[][..], Lineage::nodes);
    let ancestors = line.iter().map(|node| &node.certificate).map(Certificate::digest);
    let ancestors: Vec<CertificateDigest> = ancestors.filter(|digest| *digest != signer.digest()).collect();
    ancestors.into_iter().rev().find(|digest| sets_of(app, *digest).next().is_some())
}

/// The commands, in their order, that make the registry say that `signer`, of the signers `both`, replaces `old`: none where
/// it says that another does.
fn rotation(
    registry: &Registry,
    app: &App,
    old: CertificateDigest,
    (signer, both): (CertificateDigest, &BTreeSet<CertificateDigest>),
) -> Vec<String> {
    let Some(key) = registry.key(&old) else { return Vec::new() };
    if key.status == KeyStatus::Rotated {
        return Vec::new();
    }
    let new: Vec<String> = both.iter().map(ToString::to_string).collect();
    let mut add =
        format!("apkvouch registry add REGISTRY {} --package {} --add-signers", new.join(" "), app.package);
    // Whose key it is already, or else whose the old one is.
    let known = both.iter().find_map(|certificate| registry.key(certificate)).unwrap_or(key);
    if known.subject != app.owner {
        add = format!("{add} --subject {}", quoted(&known.subject));
    }
    if let Some(role) = sets_of(app, old).map(|set| set.role).find(|role| *role != Role::Developer) {
        add = format!("{add} --role {role}");
    }
    vec![add, format!("apkvouch registry rotate REGISTRY {old} {signer}")]
}

fn revocation(old: CertificateDigest) -> String {
    format!("apkvouch registry revoke REGISTRY {old} --reason 'others may have it'")
}

/// What to do, in English and in Chinese.
fn advice(case: &Case<'_>, connection: Connection, owner: &str, commands: &[String]) -> (String, String) {
    let accepted = case.decision.verdict == Verdict::Authenticated;
    let stopped = case.decision.findings.iter().any(|finding| {
        matches!(finding.code, FindingCode::KeyRevoked | FindingCode::KeySuspended | FindingCode::KeyDenied)
    });
    match (connection, commands) {
        _ if stopped => (
            "do not publish: a key of it is revoked, suspended or denied, which no rotation undoes"
                .to_owned(),
            "不要发布：其中有密钥已被吊销、暂停或列入禁用名单，轮换不能消除这一点".to_owned(),
        ),
        (Connection::ProvenRotation, [add, rotate]) => {
            let (first, first_zh) = if accepted {
                ("register".to_owned(), "登记新证书".to_owned())
            } else {
                (
                    format!("ask {owner} whether the key was changed on purpose; if so, register"),
                    format!("询问 {owner} 是否有意更换密钥；如是，登记新证书"),
                )
            };
            (
                format!(
                    "{first} the new certificate: `{add}`; once the old one signs nothing else, say that it is replaced: `{rotate}`"
                ),
                format!("{first_zh}：`{add}`；旧证书不再签署其他文件后，标明其已被替换：`{rotate}`"),
            )
        }
        (Connection::ProvenRotation, _) => (
            format!(
                "ask {owner} whether the key was changed on purpose: the registry says that another has replaced the old one"
            ),
            format!("询问 {owner} 是否有意更换密钥：登记库记载旧密钥已由另一个密钥替换"),
        ),
        (Connection::OldKey, [revoke, ..]) => (
            format!(
                "have {owner} sign with the successor; if others may have the old key, revoke it, which refuses every file that has \
                 it in its lineage, too: `{revoke}`"
            ),
            format!(
                "请 {owner} 用后继密钥签名；如他人可能持有旧密钥，则将其吊销，谱系中含有它的文件也会因此被拒绝：`{revoke}`"
            ),
        ),
        (Connection::OldKey, []) => {
            (format!("have {owner} sign with the successor"), format!("请 {owner} 用后继密钥签名"))
        }
        (Connection::None, _) => (
            format!(
                "do not publish; ask {owner}, by the contact in the registry and not by one in the file, whether the key was \
                 changed. If so, have the file signed with a lineage from the registered key, or register the new one once it is \
                 certain whose it is"
            ),
            format!(
                "不要发布；请按登记库中（而非文件中）的联系方式询问 {owner} 是否更换了密钥。如是，请其用带有登记密钥谱系的签名重新签署，\
                 或在确认新密钥归属后登记它"
            ),
        ),
    }
}

/// The text as a word of a command that is to be typed into a shell.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Letters and digits in lower case, to compare names.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
