//! Who stands behind a file: the developer who made it and the distributor who handed it out, each by every proof that the
//! file carries. The two are judged apart: neither stands in for the other.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Answer;
use super::Case;
use super::KeyChange;
use super::Rule;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::marks::Coverage;
use crate::marks::Mark;
use crate::marks::MarkKind;
use crate::marks::MarkState;
use crate::marks::Marks;
use crate::policy::SubjectFacts;
use crate::policy::TestKeys;
use crate::policy::Verdict;
use crate::policy::file::DeveloperProof;
use crate::policy::file::DistributorProof;
use crate::policy::file::Party;
use crate::policy::file::Requirement;
use crate::registry::KeyStatus;
use crate::registry::PublicKeyDigest;
use crate::registry::Registry;
use crate::registry::Role;
use crate::registry::Subject;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::Status;
use crate::verify::Verification;

/// How much a proof is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Standing {
    /// It is there, and it does not hold.
    Broken,
    /// It is there, and cannot be checked here.
    Present,
    /// Its signature holds; whose it is, the registry does not say.
    Verified,
    /// Its signature holds, and the registry says whose it is, in the right role, now.
    Registered,
}

impl Standing {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Present => "present",
            Self::Verified => "verified",
            Self::Registered => "registered",
        }
    }
}

/// One proof of who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Identity<P> {
    /// What proves it.
    pub proof: P,
    /// How much it is worth.
    pub standing: Standing,
    /// SHA-256 of the certificates whose keys have signed it.
    pub certificates: Vec<CertificateDigest>,
    /// Who it is, when [`Identity::standing`] is [`Standing::Registered`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectFacts>,
    /// SHA-256 of the registered certificate by which it is that, when it is by a verified lineage alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointed_by: Option<CertificateDigest>,
    /// What else there is to say, in English: why it is no more than that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Who the developer is, by every proof that there is. Empty for a file that does not verify.
pub type Developer = Vec<Identity<DeveloperProof>>;

/// Who handed the file out, by every proof that there is. Empty for a file that does not verify.
pub type Distributor = Vec<Identity<DistributorProof>>;

impl<P> Identity<P> {
    fn new(proof: P, standing: Standing, certificates: Vec<CertificateDigest>) -> Self {
        let detail = String::new();
        Self { proof, standing, certificates, subject: None, appointed_by: None, detail }
    }

    fn of(proof: P, certificate: &Certificate, subject: Result<&Subject, String>) -> Self {
        let identity = Self::new(proof, Standing::Verified, vec![certificate.digest()]);
        match subject {
            Ok(subject) => identity.registered(SubjectFacts::of(subject)),
            Err(detail) => identity.detail(detail),
        }
    }

    fn registered(self, subject: SubjectFacts) -> Self {
        Self { standing: Standing::Registered, subject: Some(subject), ..self }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// Who the developer is.
///
/// `change` tells whether the registry knows the signer, or another key that has appointed it.
pub(super) fn developer(case: &Case<'_>, registry: &Registry, change: Option<&KeyChange>) -> Developer {
    let verification = case.evidence.verification;
    if !verification.is_verified() {
        return Vec::new();
    }
    let current = verification.signer_certificates().into_iter().map(Certificate::digest).collect();
    let signer = Identity::new(DeveloperProof::Signer, Standing::Verified, current);
    let subject =
        case.decision.developer.as_ref().filter(|_| case.decision.verdict == Verdict::Authenticated);
    let why = || {
        let first = case.decision.findings.iter().find(|finding| finding.severity != Severity::Note);
        let nobody = if case.judge.registry.is_some() {
            "nobody is registered"
        } else {
            "no registry says whose it is"
        };
        first.map_or(nobody, |finding| finding.code.summary_en())
    };
    let signer = match subject {
        Some(subject) => {
            let signer = signer.registered(subject.clone());
            Identity { appointed_by: change.and_then(|change| change.appointed_by), ..signer }
        }
        None => signer.detail(why()),
    };
    let mut identities = vec![signer];
    for mark in marks(case, MarkKind::CodeTransparency) {
        identities.push(proven(mark, DeveloperProof::CodeTransparency, Coverage::Code, |certificate| {
            let subject = registered(case, registry, certificate, Role::Developer)?;
            match verification.package().and_then(|package| registry.app(package)) {
                None => Err("the package is not registered".to_owned()),
                Some(app) if app.owner != subject.id => {
                    Err(format!("registered as {:?}, and the app is owned by {:?}", subject.id, app.owner))
                }
                Some(_) => Ok(subject),
            }
        }));
    }
    identities
}

/// Who handed the file out.
pub(super) fn distributor(case: &Case<'_>, registry: &Registry) -> Distributor {
    let verification = case.evidence.verification;
    if !verification.is_verified() {
        return Vec::new();
    }
    let mut identities: Distributor = Vec::new();
    identities.extend(signing_store(case, registry));
    let stamp = verification.scheme(SchemeId::SourceStamp);
    match stamp.map(|result| &result.outcome) {
        Some(SchemeOutcome::Verified(_)) => {
            let signers =
                stamp.map_or(&[][..], SchemeResult::signers).iter().map(VerifiedSigner::certificate);
            identities.extend(signers.map(|certificate| {
                let subject = registered(case, registry, certificate, Role::Distributor);
                Identity::of(DistributorProof::SourceStamp, certificate, subject)
            }));
        }
        Some(SchemeOutcome::Rejected) => {
            let of_stamp = verification.findings.iter().find(|finding| {
                finding.location.scheme == Some(SchemeId::SourceStamp) && finding.severity != Severity::Note
            });
            let why = of_stamp.map_or("it does not verify", |finding| finding.code.summary_en());
            let identity = Identity::new(DistributorProof::SourceStamp, Standing::Broken, Vec::new());
            identities.push(identity.detail(why));
        }
        _ => {}
    }
    for mark in marks(case, MarkKind::PlayFrosting) {
        let unnamed = |_: &Certificate| Err("made by Google Play".to_owned());
        let identity = proven(mark, DistributorProof::PlayFrosting, Coverage::File, unnamed);
        identities.push(if identity.standing == Standing::Verified {
            identity.detail("made by Google Play")
        } else {
            identity
        });
    }
    if let Some(container) = case.evidence.container {
        identities.extend(signers_of_container(case, registry, container));
    }
    identities
}

/// Whoever has signed the container that the file came in, as the newest Android version would see it.
fn signers_of_container(case: &Case<'_>, registry: &Registry, container: &Verification) -> Distributor {
    match container.status {
        Status::Verified => {
            let of = |certificate: &Certificate| {
                let subject = registered(case, registry, certificate, Role::Distributor);
                Identity::of(DistributorProof::Container, certificate, subject)
            };
            container.signer_certificates().into_iter().map(of).collect()
        }
        Status::Rejected => {
            let identity = Identity::new(DistributorProof::Container, Standing::Broken, Vec::new());
            vec![identity.detail(FindingCode::ContainerSignature.summary_en())]
        }
        _ => Vec::new(),
    }
}

/// The distributor who has signed the app for its developer: one and the same on every Android version in range.
fn signing_store(case: &Case<'_>, registry: &Registry) -> Option<Identity<DistributorProof>> {
    let verification = case.evidence.verification;
    if case.decision.verdict != Verdict::Authenticated {
        return None;
    }
    let app = verification.package().and_then(|package| registry.app(package))?;
    let mut store: Option<(&Subject, BTreeSet<CertificateDigest>)> = None;
    for view in &verification.views {
        let digests: BTreeSet<CertificateDigest> =
            verification.signers_of(view).map(VerifiedSigner::digest).collect();
        let mut sets = app.signers.iter().filter(|set| set.certificates == digests);
        if !sets.any(|set| set.role == Role::Distributor) {
            return None;
        }
        for signer in verification.signers_of(view) {
            let subject = registered(case, registry, signer.certificate(), Role::Distributor).ok()?;
            match &mut store {
                Some((known, _)) if known.id != subject.id => return None,
                Some((_, seen)) => seen.extend(digests.iter().copied()),
                None => store = Some((subject, digests.clone())),
            }
        }
    }
    let (subject, certificates) = store?;
    let certificates = certificates.into_iter().collect();
    let identity = Identity::new(DistributorProof::Signer, Standing::Verified, certificates);
    Some(identity.registered(SubjectFacts::of(subject)))
}

fn marks<'a>(case: &Case<'a>, kind: MarkKind) -> impl Iterator<Item = &'a Mark> {
    let marks = case.evidence.marks.map_or(&[][..], |marks: &Marks| marks.marks.as_slice());
    marks.iter().filter(move |mark| mark.kind == kind)
}

/// What a mark proves that must cover `coverage`; `subject` tells whose certificate it is, or why nobody's.
fn proven<'a, P>(
    mark: &Mark,
    proof: P,
    coverage: Coverage,
    subject: impl FnOnce(&Certificate) -> Result<&'a Subject, String>,
) -> Identity<P> {
    let reason = || {
        let finding = mark.findings.first().map(|finding| finding.code.summary_en().to_owned());
        mark.reason.clone().or(finding).unwrap_or_default()
    };
    match mark.state {
        MarkState::Verified if mark.covers == Some(coverage) => match mark.certificates.first() {
            Some(certificate) => Identity::of(proof, certificate, subject(certificate)),
            None => Identity::new(proof, Standing::Verified, Vec::new()).detail(reason()),
        },
        MarkState::Broken => Identity::new(proof, Standing::Broken, Vec::new()).detail(reason()),
        _ => Identity::new(proof, Standing::Present, Vec::new()).detail(reason()),
    }
}

/// The subject to whom a certificate is registered in `role`, now; or why there is none.
fn registered<'a>(
    case: &Case<'_>,
    registry: &'a Registry,
    certificate: &Certificate,
    role: Role,
) -> Result<&'a Subject, String> {
    let digest = certificate.digest();
    let denied = match case.policy.deciding.test_keys {
        TestKeys::Denied => registry.denied(&digest),
        TestKeys::LikeOthers => registry.denied_by_itself(&digest),
    };
    if let Some(denied) = denied {
        return Err(format!("{}: {}", FindingCode::KeyDenied.summary_en(), denied.why));
    }
    let public_key = PublicKeyDigest(certificate.key().spki_sha256);
    let stopped = |status| matches!(status, KeyStatus::Revoked | KeyStatus::Suspended);
    let key = registry.key(&digest);
    if let Some(key) = key.into_iter().chain(registry.keys_of(&public_key)).find(|key| stopped(key.status)) {
        return Err(format!("its key is {}", key.status));
    }
    let key = key.ok_or_else(|| "the certificate is not in the registry".to_owned())?;
    if key.status != KeyStatus::Active {
        return Err(format!("its key is {}", key.status));
    }
    if key.public_key.is_some_and(|registered| registered != public_key) {
        return Err(FindingCode::RegistryPublicKeyMismatch.summary_en().to_owned());
    }
    if key.valid_from.is_some_and(|start| !case.clock.has_begun(start)) {
        return Err("its key is not valid yet".to_owned());
    }
    if let Some(end) = key.valid_until.filter(|end| case.clock.is_over(*end)) {
        return Err(format!("its key was valid until {end}"));
    }
    let subject = registry.subject(&key.subject).ok_or_else(|| "its subject is not registered".to_owned())?;
    if !subject.roles.contains(&role) {
        return Err(format!("registered as {:?}, but not as a {role}", subject.id));
    }
    Ok(subject)
}

/// Asks for the developer, when the policy does.
pub(super) fn ask_developer(case: &Case<'_>, developer: &Developer) -> Option<Answer> {
    ask(Rule::Developer, &case.policy.developer, developer, |_| false)
}

/// Asks for the distributor, when the policy does.
pub(super) fn ask_distributor(case: &Case<'_>, distributor: &Distributor) -> Option<Answer> {
    // Whose the keys of frosting are, no registry needs to say.
    let known = |identity: &Identity<DistributorProof>| {
        identity.proof == DistributorProof::PlayFrosting && identity.standing == Standing::Verified
    };
    ask(Rule::Distributor, &case.policy.distributor, distributor, known)
}

/// Asks for a party; `known` tells who needs no registry, unless the policy names subjects.
fn ask<P: Copy + PartialEq + std::fmt::Display>(
    rule: Rule,
    party: &Party<P>,
    identities: &[Identity<P>],
    known: impl Fn(&Identity<P>) -> bool,
) -> Option<Answer> {
    let least = match party.require {
        Requirement::None => return None,
        Requirement::Verified => Standing::Verified,
        Requirement::Registered => Standing::Registered,
    };
    let counts = |identity: &&Identity<P>| party.proofs.contains(&identity.proof);
    let is_listed = |identity: &Identity<P>| {
        identity.subject.as_ref().is_some_and(|subject| party.subjects.contains(&subject.id))
    };
    let holds = identities.iter().filter(counts).any(|identity| {
        if party.subjects.is_empty() {
            identity.standing >= least || known(identity)
        } else {
            identity.standing >= least && is_listed(identity)
        }
    });
    let proofs: Vec<String> = party.proofs.iter().map(ToString::to_string).collect();
    let mut expected = format!("{} by {}", party.require, proofs.join(" or "));
    if !party.subjects.is_empty() {
        let subjects: Vec<String> = party.subjects.iter().map(|id| format!("{id:?}")).collect();
        expected = format!("{expected}: {}", subjects.join(" or "));
    }
    let told: Vec<String> = identities.iter().map(Identity::told).collect();
    let actual = if told.is_empty() { "none".to_owned() } else { told.join("; ") };
    Some(Answer::new(rule, holds, expected, actual))
}

impl<P: std::fmt::Display> Identity<P> {
    /// The proof, its standing and who it is, in one line of English.
    pub fn told(&self) -> String {
        let mut text = format!("{} {}", self.proof, self.standing.as_str());
        if let Some(registered) = &self.appointed_by {
            text = format!("{text} by lineage from {registered}");
        }
        if let Some(subject) = &self.subject {
            text = format!("{text}: {} ({})", subject.name, subject.id);
        }
        let certificates: Vec<String> = self.certificates.iter().map(ToString::to_string).collect();
        if !certificates.is_empty() {
            text = format!("{text}, certificate {}", certificates.join(" + "));
        }
        if self.detail.is_empty() { text } else { format!("{text} ({})", self.detail) }
    }
}
