//! What we accept: evidence, registry, policy and a time go in, a verdict comes out.
//!
//! Pure: no I/O, no clock. The same evidence, registry, policy and time give the same decision.

mod authority;
mod case;
mod clock;
pub mod file;
mod hybrid;
mod kept;
mod needs;
mod rotation;
pub mod rules;
mod signed_by;
mod standing;
mod versions;

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::CertificateDigest;
use crate::registry::Registry;
use crate::registry::Subject;
use crate::verify::Status;
use crate::verify::Verification;

use case::Case;
use case::Ruling;
use clock::Clock;

pub use clock::Span;
pub use file::PolicyFile;
pub use needs::needs;
pub use signed_by::signed_by;

/// The one primary verdict on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// Not an APK, or could not be read.
    Unreadable,
    /// No signature of any scheme.
    Unsigned,
    /// A signature is present and does not verify on some Android version that the app supports.
    Tampered,
    /// The signer's authentication is revoked or suspended, or the key is denied.
    Revoked,
    /// Proof: the package is registered, and the verified signer is outside its allowed sets and their lineage.
    Counterfeit,
    /// Evidence, short of proof, that it passes itself off as a registered app.
    Suspected,
    /// Registered, but outside the validity of the authentication.
    Expired,
    /// Valid signature, unknown signer, no claim on a registered app.
    Unauthenticated,
    /// Valid signature, signer registered and authorised for this package.
    Authenticated,
}

impl Verdict {
    /// All verdicts, the first that applies first.
    pub const ALL: [Self; 9] = [
        Self::Unreadable,
        Self::Unsigned,
        Self::Tampered,
        Self::Revoked,
        Self::Counterfeit,
        Self::Suspected,
        Self::Expired,
        Self::Unauthenticated,
        Self::Authenticated,
    ];

    /// The stable English name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Unsigned => "unsigned",
            Self::Tampered => "tampered",
            Self::Revoked => "revoked",
            Self::Counterfeit => "counterfeit",
            Self::Suspected => "suspected",
            Self::Expired => "expired",
            Self::Unauthenticated => "unauthenticated",
            Self::Authenticated => "authenticated",
        }
    }

    /// The Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Unreadable => "无法解析",
            Self::Unsigned => "未签名",
            Self::Tampered => "签名无效",
            Self::Revoked => "签名者已吊销",
            Self::Counterfeit => "仿冒",
            Self::Suspected => "疑似仿冒",
            Self::Expired => "认证过期",
            Self::Unauthenticated => "未认证",
            Self::Authenticated => "已认证",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a verdict depends on beside the registry. What becomes of it is the business of [`rules`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What a proof of rotation is worth.
    pub rotation: Rotation,
    /// What the built-in list of denied keys is worth.
    pub test_keys: TestKeys,
}

/// What a verified proof of rotation from an authorised key to an unregistered one is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// The new key speaks for the old one's subject.
    #[default]
    Accept,
    /// The same, with a warning.
    Flag,
    /// Nothing: a new key must be registered itself.
    RegisteredOnly,
}

impl Rotation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accept, Self::Flag, Self::RegisteredOnly];

    /// `accept`, `flag` or `registered-only`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Flag => "flag",
            Self::RegisteredOnly => "registered-only",
        }
    }
}

/// What becomes of keys that anybody has: those of the built-in list of denied keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestKeys {
    /// They are denied, whatever the registry.
    #[default]
    Denied,
    /// They count like other keys: for nothing unless they are registered. What the registry itself denies stays denied.
    LikeOthers,
}

/// Who the registry says a signer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubjectFacts {
    /// The registry's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name in Chinese, when the registry has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_zh: Option<String>,
    /// Unified social credit code or another number of record, when the registry has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<String>,
}

/// A verified signer whose key is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignerFacts {
    /// SHA-256 of its certificate.
    pub certificate: CertificateDigest,
    /// Whose key it is by the registry.
    pub subject: SubjectFacts,
}

/// The verdict on a file and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What decided it, beyond the findings of verification; the deciding one first. Empty when the file does not
    /// verify: then the findings of verification say why.
    pub findings: Vec<Finding>,
    /// The registered developer behind the verified signers: the same one for every Android version in range, or none.
    pub developer: Option<SubjectFacts>,
    /// Whose package it is by the registry, when that is not `developer`; none of a file that does not verify.
    pub owner: Option<SubjectFacts>,
    /// The verified signers, of any Android version in range, whose keys the registry says are of another subject than
    /// `developer`: they may be registered, and not for this package. Each once.
    pub other_signers: Vec<SignerFacts>,
    /// In which span of time it is the same.
    pub holds: Span,
}

/// Judges a file: who signed it, by `evidence`, against who may sign it, by `registry`, as of `now`.
///
/// What each Android version in range sees is judged on its own, and the worst of it is the verdict; findings name the
/// API levels. No identity is read out of a file that does not verify.
///
/// A file that verifies, but which the installer of some Android version refuses to open
/// ([`is_refused_by_installer`](crate::finding::FindingCode::is_refused_by_installer)), is
/// [`Unreadable`](Verdict::Unreadable): nobody made it in good faith, and other programs read another file in it.
///
/// Within a verified file, what one Android version sees is
/// 1. [`Revoked`](Verdict::Revoked) when a signer, or any certificate of its lineage, is denied, revoked or suspended:
///    rotation launders nothing;
/// 2. [`Unauthenticated`](Verdict::Unauthenticated) when the package is not registered, whoever signed;
/// 3. when its signers are exactly an allowed set of the package: [`Authenticated`](Verdict::Authenticated), or
///    [`Expired`](Verdict::Expired) outside the validity of a key or under a key that is rotated away while its
///    successor is not in use, or [`Unauthenticated`](Verdict::Unauthenticated) when a subject lacks the role;
/// 4. when a lineage ties its signer to an allowed one: see [`Rotation`] and `docs/findings.md`, `key-rotated`,
///    `old-key-in-use` and `predecessor-unregistered`;
/// 5. else [`Counterfeit`](Verdict::Counterfeit).
///
/// A v3.2 signature has two signers, of whom Android takes one for the current. Rules 3 and 4 must hold for both, or an
/// allowed set be the two: `hybrid-half-unregistered`.
///
/// Whether the registry itself is still good at `now` is for the caller: [`Registry::ensure_current`].
pub fn decide(evidence: &Verification, registry: &Registry, policy: &Policy, now: Timestamp) -> Decision {
    decide_by(evidence, registry, *policy, &Clock::new(now))
}

/// As [`decide`].
fn decide_by(evidence: &Verification, registry: &Registry, policy: Policy, clock: &Clock) -> Decision {
    let verdict = match evidence.status {
        Status::Malformed => Verdict::Unreadable,
        Status::Unsigned => Verdict::Unsigned,
        Status::Rejected => Verdict::Tampered,
        Status::Verified => {
            return match installer_refuses(evidence) {
                // Nobody made it in good faith, and others may see another file in it.
                Some(finding) => Decision::timeless(Verdict::Unreadable, vec![finding]),
                None => identity(&Case::new(evidence, registry, policy, clock)),
            };
        }
    };
    Decision::timeless(verdict, Vec::new())
}

impl Decision {
    /// One that no time has a part in.
    fn timeless(verdict: Verdict, findings: Vec<Finding>) -> Self {
        Self { verdict, findings, developer: None, owner: None, other_signers: Vec::new(), holds: Span::ALL }
    }
}

/// The error of a file that verifies, and that Android refuses to open all the same: `installer-refuses`.
///
/// It needs no registry, and [`decide`] gives it with the rest.
pub fn installer_refuses(evidence: &Verification) -> Option<Finding> {
    if !evidence.is_verified() {
        return None;
    }
    let mut codes: Vec<&str> = Vec::new();
    for finding in evidence.findings.iter().filter(|finding| finding.code.is_refused_by_installer()) {
        if !codes.contains(&finding.code.as_str()) {
            codes.push(finding.code.as_str());
        }
    }
    (!codes.is_empty()).then(|| Finding::new(FindingCode::InstallerRefuses).detail(codes.join(", ")))
}

/// The decision where nobody asked whether the signer is registered: nothing is said of it.
pub fn without_registry(mut decision: Decision) -> Decision {
    let unasked = [FindingCode::SignerUnknown, FindingCode::PackageUnknown];
    decision.findings.retain(|finding| !unasked.contains(&finding.code));
    decision
}

/// A warning when Android versions see different signers that no lineage connects: signers for ranges of versions and
/// rotated keys explain a difference, this does not.
///
/// It needs no registry, and [`decide`] gives it with the rest.
pub fn signers_differ(evidence: &Verification) -> Option<Finding> {
    let never = Clock::new(Timestamp::UNIX_EPOCH);
    versions::differ(&Case::new(evidence, &Registry::empty(), Policy::default(), &never))
}

/// Judges the identities behind a verified file.
fn identity(case: &Case<'_>) -> Decision {
    let mut rulings: Vec<Ruling<'_>> = Vec::new();
    for view in case.views() {
        let standing = standing::judge(case, view);
        // Whom a revoked key could speak for no longer matters.
        rulings.extend(if standing.is_empty() { authority::judge(case, view) } else { standing });
    }
    if rulings.is_empty() {
        rulings.push(authority::nobody(None));
    }
    // Stable, so that among equals the oldest Android version comes first.
    rulings.sort_by_key(|ruling| ruling.verdict);
    let verdict = rulings.first().map_or(Verdict::Unauthenticated, |ruling| ruling.verdict);
    let developer = common_developer(&rulings);
    let other = |subject: &&Subject| developer.is_none_or(|developer| developer.id != subject.id);
    let owner = case.owner().filter(other).map(SubjectFacts::of);
    let signers = case.registered_signers().into_iter().filter(|(_, subject)| other(subject));
    let other_signers = signers
        .map(|(certificate, subject)| SignerFacts { certificate, subject: SubjectFacts::of(subject) })
        .collect();
    let developer = developer.map(SubjectFacts::of);
    let mut findings: Vec<Finding> = Vec::new();
    for finding in rulings.into_iter().map(|ruling| ruling.finding).chain(versions::differ(case)) {
        if !findings.iter_mut().any(|earlier| case::extend(earlier, &finding)) {
            findings.push(finding);
        }
    }
    Decision { verdict, findings, developer, owner, other_signers, holds: case.clock.same() }
}

/// The developer on whom all rulings agree.
fn common_developer<'a>(rulings: &[Ruling<'a>]) -> Option<&'a Subject> {
    let mut developers = rulings.iter().map(|ruling| ruling.developer);
    let first = developers.next().flatten()?;
    developers.all(|other| other.is_some_and(|other| other.id == first.id)).then_some(first)
}

impl SubjectFacts {
    fn of(subject: &Subject) -> Self {
        Self {
            id: subject.id.clone(),
            name: subject.name.clone(),
            name_zh: subject.name_zh.clone(),
            credit_code: subject.credit_code.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
