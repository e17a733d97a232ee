//! What a policy file says of one file: each rule, whether it holds, what was expected and what was found.
//!
//! Pure, as [`decide`](super::decide) is: evidence, registry, policy and a time go in. What cannot be judged, because it was not looked at
//! or the file does not say it, breaks the rule that asks for it.

mod exceptions;
mod key_change;
mod needs;
mod parties;
mod signature;
mod table;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Clock;
use super::Decision;
use super::PolicyFile;
use super::Span;
use super::Verdict;
use super::decide_by;
use super::file::BlockChoice;
use super::file::Level;
use super::file::Permission;
use super::file::of_marks;
use super::signed_by;
use super::without_registry;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::identity::CertificateDigest;
use crate::identity::FileDigest;
use crate::marks::MarkKind;
use crate::marks::Marks;
use crate::marks::Place;
use crate::registry::Registry;
use crate::verify::Verification;

pub use exceptions::unused as unused_exceptions;
pub use key_change::Connection;
pub use key_change::KeyChange;
pub use needs::needs;
pub use parties::Developer;
pub use parties::Distributor;
pub use parties::Identity;
pub use parties::Standing;
pub use table::Rule;

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Evidence<'a> {
    /// What its signatures prove.
    pub verification: &'a Verification,
    /// What else it carries; none when that was not looked at.
    pub marks: Option<&'a Marks>,
    /// SHA-256 of the whole file; none when it was not computed.
    pub file_digest: Option<FileDigest>,
    /// What the signatures of the container prove that it came in; none when it came by itself.
    pub container: Option<&'a Verification>,
}

impl<'a> Evidence<'a> {
    /// What its signatures prove, and nothing else.
    pub fn new(verification: &'a Verification) -> Self {
        Self { verification, marks: None, file_digest: None, container: None }
    }

    /// With what else it carries.
    #[must_use]
    pub fn with_marks(mut self, marks: Option<&'a Marks>) -> Self {
        self.marks = marks;
        self
    }

    /// With what the signatures of the container prove that it came in.
    #[must_use]
    pub fn with_container(mut self, container: Option<&'a Verification>) -> Self {
        self.container = container;
        self
    }

    /// With the digest of the whole file.
    #[must_use]
    pub fn with_file_digest(mut self, digest: Option<FileDigest>) -> Self {
        self.file_digest = digest;
        self
    }
}

/// What files are held against.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Judge<'a> {
    /// Who may sign what; none when nobody is registered and the verdict is not to tell that of anybody.
    pub registry: Option<&'a Registry>,
    /// What is accepted.
    pub policy: &'a PolicyFile,
    /// The exact signers, when they are given instead of a registry, or beside one.
    pub signed_by: BTreeSet<CertificateDigest>,
    /// The time for which is judged.
    pub now: Timestamp,
}

impl<'a> Judge<'a> {
    /// Judges by `policy` and `registry` as of `now`.
    pub fn new(registry: Option<&'a Registry>, policy: &'a PolicyFile, now: Timestamp) -> Self {
        Self { registry, policy, signed_by: BTreeSet::new(), now }
    }
}

/// How a rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The file is as the policy wants it.
    Holds,
    /// It is not.
    Broken,
    /// It is not, and an exception of the policy lets it pass.
    Excepted,
}

/// What one rule says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleResult {
    /// The rule.
    pub rule: Rule,
    /// How it came out.
    pub outcome: Outcome,
    /// What the policy wants.
    pub expected: String,
    /// What the file is.
    pub actual: String,
    /// Which exception lets it pass: its place in the policy, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<usize>,
}

/// What registry and policy say of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// The verdict, as [`decide`](super::decide) gives it.
    pub decision: Decision,
    /// Every rule that was asked, in the order of [`Rule::ALL`]. Of a file that does not verify nothing but what needs no
    /// signature.
    pub rules: Vec<RuleResult>,
    /// Who the developer is.
    pub developer: Developer,
    /// Who handed the file out.
    pub distributor: Distributor,
    /// What is to be said where a registered package comes with another key.
    pub key_change: Option<KeyChange>,
    /// Whether the file passes: no rule is broken, or the policy is not enforced.
    pub passed: bool,
    /// Exceptions that let something pass, by their place in the policy, and those that fit but are over.
    pub exceptions: BTreeSet<usize>,
    /// In which span of time all of it is the same.
    pub holds: Span,
}

impl Judgement {
    /// The rules that are broken and not excepted.
    pub fn broken(&self) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(|result| result.outcome == Outcome::Broken)
    }

    /// The broken and excepted rules as findings: errors when the policy is enforced, else warnings or notes.
    pub fn findings(&self, policy: &PolicyFile) -> Vec<Finding> {
        let weight = match policy.level {
            Level::Enforce => Severity::Error,
            Level::Warn => Severity::Warning,
            Level::Audit => Severity::Note,
        };
        let told = |result: &RuleResult| {
            let finding = Finding::new(result.rule.code()).values(&result.expected, &result.actual);
            match (result.outcome, result.exception.and_then(|place| policy.exceptions.get(place))) {
                (Outcome::Holds, _) => None,
                (Outcome::Broken, _) => Some(finding.with_severity(weight)),
                (Outcome::Excepted, exception) => {
                    let detail = exception.map(|exception| {
                        format!("excepted until {}: {}", exception.expires, exception.reason)
                    });
                    Some(finding.with_severity(Severity::Note).detail(detail.unwrap_or_default()))
                }
            }
        };
        self.rules.iter().filter_map(told).collect()
    }
}

/// A rule that was asked, before exceptions.
struct Answer {
    rule: Rule,
    holds: bool,
    expected: String,
    actual: String,
    /// Rule `verdict`: the verdict; rule `severity`: the code. What an exception must name, too.
    verdict: Option<Verdict>,
    code: Option<FindingCode>,
}

impl Answer {
    fn new(rule: Rule, holds: bool, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { rule, holds, expected: expected.into(), actual: actual.into(), verdict: None, code: None }
    }
}

/// What is before the rules.
struct Case<'a> {
    evidence: Evidence<'a>,
    judge: &'a Judge<'a>,
    policy: &'a PolicyFile,
    decision: &'a Decision,
    clock: &'a Clock,
}

/// Holds a file against registry and policy.
///
/// The verdict is that of [`decide`](super::decide); then every rule of the policy is asked. Without a registry a file that verifies is at
/// best `unauthenticated`; that is accepted where the signers are exactly [`Judge::signed_by`].
pub fn judge(evidence: Evidence<'_>, judge: &Judge<'_>) -> Judgement {
    let nobody = Registry::empty();
    let registry = judge.registry.unwrap_or(&nobody);
    let policy = judge.policy;
    let clock = Clock::new(judge.now);
    let mut decision = decide_by(evidence.verification, registry, policy.deciding, &clock);
    if judge.registry.is_none() && !judge.signed_by.is_empty() {
        decision = without_registry(decision);
    }
    let case = Case { evidence, judge, policy, decision: &decision, clock: &clock };
    let key_change = key_change::of(&case, registry);
    let developer = parties::developer(&case, registry, key_change.as_ref());
    let distributor = parties::distributor(&case, registry);
    let mut answers = vec![case.verdict()];
    answers.extend(case.file_size());
    if evidence.verification.is_verified() && decision.verdict != Verdict::Unreadable {
        answers.extend(case.of_verified(&developer, &distributor));
    } else if !judge.signed_by.is_empty() {
        answers.push(case.signed_by());
    }
    answers.sort_by_key(|answer| answer.rule);
    let mut fitting = BTreeSet::new();
    let rules: Vec<RuleResult> =
        answers.into_iter().map(|answer| exceptions::apply(&case, answer, &mut fitting)).collect();
    let holds = rules.iter().all(|result| result.outcome != Outcome::Broken);
    let passed = holds || !policy.is_enforced();
    let holds = clock.same();
    Judgement { decision, rules, developer, distributor, key_change, passed, exceptions: fitting, holds }
}

impl Case<'_> {
    fn of_verified(&self, developer: &Developer, distributor: &Distributor) -> Vec<Answer> {
        let mut answers = Vec::new();
        if !self.judge.signed_by.is_empty() {
            answers.push(self.signed_by());
        }
        answers.push(signature::min_scheme(self));
        answers.push(signature::min_digest(self));
        answers.push(signature::key_strength(self));
        answers.extend(self.without(Rule::TestKey, self.policy.test_key, FindingCode::TestKey));
        let permission = self.policy.debug_certificate;
        answers.extend(self.without(Rule::DebugCertificate, permission, FindingCode::DebugCertificate));
        answers.extend(self.debuggable());
        answers.extend(self.sdk_range());
        answers.extend(self.signing_block());
        answers.extend(parties::ask_developer(self, developer));
        answers.extend(parties::ask_distributor(self, distributor));
        answers.extend(self.raised());
        answers
    }

    fn verdict(&self) -> Answer {
        let verdict = self.decision.verdict;
        let accepted = &self.policy.verdicts;
        // Nobody is registered; the signers are given instead, and the rule `signed-by` asks for them.
        let pinned = self.judge.registry.is_none() && !self.judge.signed_by.is_empty();
        let by_pin = pinned && verdict == Verdict::Unauthenticated;
        let mut names: Vec<&str> = accepted.iter().rev().map(|verdict| verdict.as_str()).collect();
        if pinned && !accepted.contains(&Verdict::Unauthenticated) {
            names.push("unauthenticated, since the signers are given");
        }
        let answer = Answer::new(
            Rule::Verdict,
            accepted.contains(&verdict) || by_pin,
            names.join(" or "),
            verdict.as_str(),
        );
        Answer { verdict: Some(verdict), ..answer }
    }

    fn signed_by(&self) -> Answer {
        let list = |digests: &BTreeSet<CertificateDigest>| {
            digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let pinned = &self.judge.signed_by;
        match signed_by(self.evidence.verification, pinned) {
            Ok(()) => Answer::new(Rule::SignedBy, true, list(pinned), list(pinned)),
            Err(finding) => {
                let actual = finding.actual.unwrap_or_else(|| "another signer".to_owned());
                Answer::new(Rule::SignedBy, false, list(pinned), actual)
            }
        }
    }

    fn file_size(&self) -> Option<Answer> {
        let (most, size) = (self.policy.max_file_bytes?, self.evidence.verification.file_size);
        Some(Answer::new(
            Rule::FileSize,
            size <= most,
            format!("at most {most} bytes"),
            format!("{size} bytes"),
        ))
    }

    /// That a finding is not made, where it is refused.
    fn without(&self, rule: Rule, permission: Permission, code: FindingCode) -> Option<Answer> {
        if permission == Permission::Allow {
            return None;
        }
        let found = self.evidence.verification.findings.iter().find(|finding| finding.code == code);
        let actual = found.map_or_else(|| "none".to_owned(), Finding::message);
        Some(Answer::new(rule, found.is_none(), rule.expected(), actual))
    }

    fn debuggable(&self) -> Option<Answer> {
        if self.policy.debuggable == Permission::Allow {
            return None;
        }
        let (holds, actual) =
            match self.evidence.verification.claimed_manifest.as_ref().map(|manifest| manifest.debuggable) {
                Some(false) => (true, "not debuggable"),
                Some(true) => (false, "debuggable"),
                None => (false, "not known: the manifest was not read"),
            };
        Some(Answer::new(Rule::Debuggable, holds, Rule::Debuggable.expected(), actual))
    }

    fn sdk_range(&self) -> Option<Answer> {
        let policy = self.policy;
        let mut expected = Vec::new();
        match (policy.min_sdk_at_least, policy.min_sdk_at_most) {
            (Some(least), Some(most)) => expected.push(format!("minimum API level from {least} to {most}")),
            (Some(least), None) => expected.push(format!("minimum API level {least} or higher")),
            (None, Some(most)) => expected.push(format!("minimum API level {most} or lower")),
            (None, None) => {}
        }
        expected
            .extend(policy.target_sdk_at_least.map(|least| format!("target API level {least} or higher")));
        if expected.is_empty() {
            return None;
        }
        let manifest = self.evidence.verification.claimed_manifest.as_ref();
        let min_sdk = manifest.and_then(|manifest| manifest.min_sdk).map(u64::from);
        let target_sdk = manifest.map(|manifest| u64::from(manifest.target_sdk));
        let within = |value: Option<u64>, least: Option<u64>, most: Option<u64>| {
            let asked = least.is_some() || most.is_some();
            let fits =
                |value| least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most);
            !asked || value.is_some_and(fits)
        };
        let holds = within(min_sdk, policy.min_sdk_at_least, policy.min_sdk_at_most)
            && within(target_sdk, policy.target_sdk_at_least, None);
        let told =
            |value: Option<u64>| value.map_or_else(|| "not known".to_owned(), |value| value.to_string());
        let actual = format!("minimum API level {}, target API level {}", told(min_sdk), told(target_sdk));
        Some(Answer::new(Rule::SdkRange, holds, expected.join(", "), actual))
    }

    fn signing_block(&self) -> Option<Answer> {
        let policy = self.policy;
        if policy.blocks == BlockChoice::All && policy.max_unknown_block_bytes.is_none() {
            return None;
        }
        let listed = || {
            let ids: Vec<String> = policy.block_ids.iter().map(|id| format!("{id:#010x}")).collect();
            if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
        };
        let mut expected = match policy.blocks {
            BlockChoice::All => Vec::new(),
            BlockChoice::Known => vec![format!("pairs of published ids, and of these: {}", listed())],
            BlockChoice::Listed => vec![format!("pairs of these ids: {}", listed())],
        };
        expected.extend(
            policy.max_unknown_block_bytes.map(|most| format!("unknown pairs of at most {most} bytes")),
        );
        let expected = expected.join("; ");
        let Some(marks) = self.all_marks() else {
            let actual = "not known: not all of the file was looked at";
            return Some(Answer::new(Rule::SigningBlock, false, expected, actual));
        };
        let mut wrong = Vec::new();
        for mark in &marks.marks {
            let Place::SigningBlock { id, .. } = mark.place else { continue };
            if mark.kind == MarkKind::VerityPadding || policy.block_ids.contains(&id.0) {
                continue;
            }
            let unknown = id.meaning().is_none();
            let foreign = match policy.blocks {
                BlockChoice::All => false,
                BlockChoice::Known => unknown,
                BlockChoice::Listed => true,
            };
            let large = unknown && policy.max_unknown_block_bytes.is_some_and(|most| mark.size > most);
            if foreign || large {
                wrong.push(format!("{id} ({} bytes)", mark.size));
            }
        }
        let actual = if wrong.is_empty() { "no other".to_owned() } else { wrong.join(", ") };
        Some(Answer::new(Rule::SigningBlock, wrong.is_empty(), expected, actual))
    }

    /// What the file carries, where every place in it was looked at.
    fn all_marks(&self) -> Option<&Marks> {
        self.evidence.marks.filter(|marks| marks.left_out == 0 && marks.findings.is_empty())
    }

    /// An answer for each finding that the policy makes an error.
    fn raised(&self) -> Vec<Answer> {
        let policy = self.policy;
        let raised: BTreeSet<FindingCode> = policy
            .severity
            .iter()
            .filter(|(_, severity)| **severity == Severity::Error)
            .map(|(code, _)| *code)
            .collect();
        if raised.is_empty() {
            return Vec::new();
        }
        let in_marks = self.evidence.marks.into_iter().flat_map(Marks::all_findings);
        let all = self.decision.findings.iter().chain(&self.evidence.verification.findings).chain(in_marks);
        let mut seen = BTreeSet::new();
        let found: Vec<Answer> = all
            .filter(|finding| raised.contains(&finding.code) && seen.insert(finding.code))
            .map(|finding| {
                let expected = format!("no {}", finding.code.as_str());
                let answer = Answer::new(Rule::Severity, false, expected, finding.message());
                Answer { code: Some(finding.code), ..answer }
            })
            .collect();
        if !found.is_empty() {
            return found;
        }
        if self.all_marks().is_none()
            && let Some(code) = raised.iter().copied().find(|code| of_marks(*code))
        {
            let actual = "not known: not all of the file was looked at";
            let answer = Answer::new(Rule::Severity, false, format!("no {}", code.as_str()), actual);
            return vec![Answer { code: Some(code), ..answer }];
        }
        let codes: Vec<&str> = raised.iter().map(|code| code.as_str()).collect();
        vec![Answer::new(Rule::Severity, true, format!("no {}", codes.join(", no ")), "none of them")]
    }
}
