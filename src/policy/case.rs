//! What is before the judge: the views of a verified file, and how a rule rules on one.

use std::collections::BTreeSet;

use super::Clock;
use super::Policy;
use super::Verdict;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::identity::CertificateDigest;
use crate::identity::Lineage;
use crate::identity::LineageNode;
use crate::registry::Key;
use crate::registry::Registry;
use crate::registry::Role;
use crate::registry::Subject;
use crate::scheme::VerifiedSigner;
use crate::verify::MAX_SDK;
use crate::verify::Verification;

/// A verified file with all that it is judged by.
pub(super) struct Case<'a> {
    pub(super) registry: &'a Registry,
    pub(super) policy: Policy,
    pub(super) clock: &'a Clock,
    /// The package name, when there is one.
    pub(super) package: Option<&'a str>,
    views: Vec<View<'a>>,
}

/// Who some Android versions see.
pub(super) struct View<'a> {
    /// Lowest and highest API level.
    pub(super) api_levels: (u32, u32),
    pub(super) scheme: SchemeId,
    /// The signers, in the order of the file. Empty when the evidence names one that it does not have.
    pub(super) signers: Vec<&'a VerifiedSigner>,
    /// Their certificates.
    pub(super) digests: BTreeSet<CertificateDigest>,
}

/// What one rule says of one view.
pub(super) struct Ruling<'a> {
    pub(super) verdict: Verdict,
    pub(super) finding: Finding,
    /// The registered developer behind the signers.
    pub(super) developer: Option<&'a Subject>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        evidence: &'a Verification,
        registry: &'a Registry,
        policy: Policy,
        clock: &'a Clock,
    ) -> Self {
        let views = evidence
            .views
            .iter()
            .map(|view| {
                let mut signers: Vec<&VerifiedSigner> = evidence.signers_of(view).collect();
                // A position that leads nowhere: rather nobody than fewer signers than there are.
                if signers.len() != view.signers.len() {
                    signers.clear();
                }
                View {
                    api_levels: (view.min_sdk, view.max_sdk),
                    scheme: view.scheme,
                    digests: signers.iter().map(|signer| signer.digest()).collect(),
                    signers,
                }
            })
            .collect();
        Self { registry, policy, clock, package: evidence.package(), views }
    }

    pub(super) fn views(&self) -> &[View<'a>] {
        &self.views
    }

    /// The views of newer Android versions than those of `view`: they go on where it has ended. Views overlap where a
    /// development release sees another signer than the released version of its level.
    pub(super) fn newer_views(&self, view: &View<'_>) -> impl Iterator<Item = &View<'a>> {
        let highest = view.api_levels.1;
        self.views.iter().filter(move |other| other.api_levels.1 > highest)
    }

    /// The keys that replace `key`, the next one first.
    pub(super) fn successors(&self, key: &Key) -> Vec<CertificateDigest> {
        let mut successors = Vec::new();
        let mut next = key.replaced_by;
        while let Some(digest) = next.filter(|digest| !successors.contains(digest)) {
            successors.push(digest);
            next = self.registry.key(&digest).and_then(|key| key.replaced_by);
        }
        successors
    }

    /// Whose package it is by the registry.
    pub(super) fn owner(&self) -> Option<&'a Subject> {
        let app = self.registry.app(self.package?)?;
        self.registry.subject(&app.owner)
    }

    /// The signers whose keys are registered, with whose they are, the oldest Android versions first, each once.
    pub(super) fn registered_signers(&self) -> Vec<(CertificateDigest, &'a Subject)> {
        let mut known: Vec<(CertificateDigest, &Subject)> = Vec::new();
        for digest in self.views.iter().flat_map(|view| &view.signers).map(|signer| signer.digest()) {
            let subject = self.registry.key(&digest).and_then(|key| self.registry.subject(&key.subject));
            if let Some(subject) = subject.filter(|_| !known.iter().any(|(other, _)| *other == digest)) {
                known.push((digest, subject));
            }
        }
        known
    }

    /// The subject of a key, when it is registered as a developer.
    pub(super) fn developer(&self, key: &Key) -> Option<&'a Subject> {
        self.registry.subject(&key.subject).filter(|subject| subject.roles.contains(&Role::Developer))
    }
}

impl<'a> View<'a> {
    /// The only signer.
    pub(super) fn only_signer(&self) -> Option<&'a VerifiedSigner> {
        match self.signers.as_slice() {
            [signer] => Some(signer),
            _ => None,
        }
    }

    /// A finding on these Android versions.
    pub(super) fn finding(&self, code: FindingCode) -> Finding {
        Finding::new(code).scheme(self.scheme).api_levels(self.api_levels.0, self.api_levels.1)
    }
}

impl<'a> Ruling<'a> {
    pub(super) fn new(verdict: Verdict, finding: Finding) -> Self {
        Self { verdict, finding, developer: None }
    }

    pub(super) fn developer(mut self, developer: Option<&'a Subject>) -> Self {
        self.developer = developer;
        self
    }

    /// Names the developer for whom the signers may speak, unless the ruling is that they may not.
    pub(super) fn by(self, developer: Option<&'a Subject>) -> Self {
        let developer = developer.filter(|_| self.verdict != Verdict::Unauthenticated);
        self.developer(developer)
    }
}

/// The certificates from which the signer's one descends by verified rotation, oldest first.
pub(super) fn ancestors(signer: &VerifiedSigner) -> &[LineageNode] {
    match signer.lineage().map(Lineage::nodes) {
        Some([ancestors @ .., current]) if current.certificate.digest() == signer.digest() => ancestors,
        _ => &[],
    }
}

/// Extends `earlier` to the Android versions of `later` when both say the same of neighbouring ones.
pub(super) fn extend(earlier: &mut Finding, later: &Finding) -> bool {
    let (Some((lowest, highest)), Some((next, new_highest))) =
        (earlier.location.api_levels, later.location.api_levels)
    else {
        return earlier == later;
    };
    let same = earlier.code == later.code
        && earlier.severity == later.severity
        && earlier.detail == later.detail
        && earlier.expected == later.expected
        && earlier.actual == later.actual;
    let extends = same && highest.checked_add(1) == Some(next);
    if extends {
        earlier.location.api_levels = Some((lowest, new_highest));
        if earlier.location.scheme != later.location.scheme {
            earlier.location.scheme = None;
        }
    }
    extends || earlier == later
}

/// `24-27`, `28`, `33 and newer`.
pub(super) fn describe_levels((lowest, highest): (u32, u32)) -> String {
    match highest {
        MAX_SDK => format!("{lowest} and newer"),
        _ if lowest == highest => lowest.to_string(),
        _ => format!("{lowest}-{highest}"),
    }
}

/// The certificates of a set, in one text.
pub(super) fn describe_set(certificates: &BTreeSet<CertificateDigest>) -> String {
    let certificates: Vec<String> = certificates.iter().map(ToString::to_string).collect();
    certificates.join(" + ")
}
