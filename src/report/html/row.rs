//! A result as the page has it: what is shown, under names of one letter, since there may be a hundred thousand.

use serde::Serialize;

use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::policy::SubjectFacts;
use crate::policy::rules::Rule;
use crate::report::FileResult;
use crate::report::Language;
use crate::report::escape::shortened;
use crate::report::escape::visible;
use crate::report::model::FindingRow;
use crate::report::text::Tone;
use crate::report::text::outcome;
use crate::report::text::place_in;

/// A good verdict on a file that did not pass all the same.
pub(super) const FAILED: &str = "failed";
/// So many findings of a file are in the page.
const FINDINGS: usize = 40;
/// So many characters of a text that a file chose.
const TEXT: usize = 400;
/// So many characters of the name of an app.
const NAME: usize = 80;
/// So many names of an app beside the first.
const NAMES: usize = 12;

/// A file, all texts as they may be seen.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    #[serde(rename = "p")]
    pub(super) path: String,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "o")]
    pub(super) outcome: &'static str,
    /// Package, verified.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// Package that the file claims, not verified.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// A name of the app to show.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Whether the package, the version or the name that is shown is what the file claims, not verified.
    #[serde(rename = "u", skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_claim: bool,
    /// What else some device shows as its name.
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty")]
    other_labels: Vec<String>,
    /// The name of its icon among those that the page carries.
    #[serde(rename = "i", skip_serializing_if = "Option::is_none")]
    pub(super) icon: Option<String>,
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    version_name: Option<String>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    version_code: Option<u64>,
    /// SHA-256 of the certificates of those who verifiably signed, and what these call themselves.
    #[serde(rename = "g")]
    pub(super) signers: Vec<(&'a str, String)>,
    /// Who signed the members of a container, when it is not the same for all.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub(super) mixed: Option<Mixed>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    developer: Option<&'a str>,
    #[serde(rename = "z", skip_serializing_if = "Option::is_none")]
    developer_zh: Option<&'a str>,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    /// Rules of the policy that are broken.
    #[serde(rename = "r", skip_serializing_if = "Vec::is_empty")]
    rules: Vec<&'static str>,
    /// Whose package it is by the registry, when that is not the developer.
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    owner: Option<Named<'a>>,
    /// SHA-256 of the certificates of signers whose keys the registry says are of another than the developer, and whose.
    #[serde(rename = "t", skip_serializing_if = "Vec::is_empty")]
    other_signers: Vec<(String, Named<'a>)>,
    /// Of a container: so many rows behind this one are of what is in it.
    #[serde(rename = "y", skip_serializing_if = "is_zero")]
    members: usize,
    /// A change of key: the registered certificates, and what to do, in English and in Chinese.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    key_change: Option<(Vec<String>, &'a str, &'a str)>,
    /// Who Android sees: lowest and highest API level, scheme, SHA-256 of the certificates.
    #[serde(rename = "a", skip_serializing_if = "Vec::is_empty")]
    android: Vec<(u32, Option<u32>, String, &'a [String])>,
    #[serde(rename = "f")]
    findings: Vec<Finding>,
    /// How many findings are left out.
    #[serde(rename = "m", skip_serializing_if = "is_zero")]
    more: usize,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip)]
    pub(super) passed: bool,
}

/// Who verifiably signed the members of a container, where that is not one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mixed {
    /// Every member is signed, by several.
    Several,
    /// Some members are signed.
    Some,
}

impl Mixed {
    fn of(result: &FileResult) -> Option<Self> {
        if !result.signers().is_empty() {
            return None;
        }
        let apps = result.with_members().into_iter().skip(1).filter(|member| member.members.is_empty());
        let signed: Vec<bool> = apps.map(|member| !member.signers().is_empty()).collect();
        match (signed.contains(&true), signed.contains(&false)) {
            (true, false) => Some(Self::Several),
            (true, true) => Some(Self::Some),
            (false, _) => None,
        }
    }

    pub(super) fn en(self) -> &'static str {
        match self {
            Self::Several => "several signers: see the members",
            Self::Some => "not every member verifies: see the members",
        }
    }

    pub(super) fn zh(self) -> &'static str {
        match self {
            Self::Several => "多个签名者：见各成员",
            Self::Some => "部分成员没有可验证的签名者：见各成员",
        }
    }
}

/// Name, and name in Chinese, as the registry has them.
#[derive(Serialize)]
pub(super) struct Named<'a>(&'a str, Option<&'a str>);

impl<'a> Named<'a> {
    fn of(subject: &'a SubjectFacts) -> Self {
        Self(&subject.name, subject.name_zh.as_deref())
    }
}

/// Code; severity; what its English message, and its Chinese one, say beyond the summary of the code; expected; actual; where it
/// stands, and for which Android versions it holds, in English and in Chinese; expected and actual in Chinese. A Chinese text is
/// none where it is the same.
#[derive(Serialize)]
struct Finding(
    &'static str,
    Severity,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn text(text: &str) -> String {
    shortened(&visible(text), TEXT).into_owned()
}

fn name(label: &str) -> String {
    shortened(&visible(label), NAME).into_owned()
}

/// The names beside the first that some device shows, each once, with a mark in place of those that are left out.
fn other_labels(result: &FileResult) -> Vec<String> {
    let first = result.label.as_ref().or(result.claimed_label.as_ref());
    let mut others: Vec<&str> = Vec::new();
    for row in result.labels.iter().chain(&result.claimed_labels) {
        let text = row.text.as_str();
        if first.is_none_or(|first| first != text) && !others.contains(&text) {
            others.push(text);
        }
    }
    let cut = others.len() > NAMES || result.labels_left_out > 0;
    let names = others.into_iter().take(NAMES).map(name);
    names.chain(cut.then(|| "…".to_owned())).collect()
}

/// The word for what a file came to. What a verdict has passed and a policy, or the signers asked for, have not, is not shown
/// under that verdict.
fn word(result: &FileResult) -> &'static str {
    match outcome(result) {
        (_, Tone::Good) if !result.passed => FAILED,
        (word, _) => word,
    }
}

impl<'a> Row<'a> {
    pub(super) fn new(result: &'a FileResult) -> Self {
        let option = |of: &Option<String>| of.as_deref().map(text);
        // What decides stands first.
        let main = result.main_finding();
        let is_main = |finding: &&FindingRow| main.is_some_and(|main| std::ptr::eq(main, *finding));
        let others = result.findings.iter().filter(|finding| !is_main(finding));
        let findings = main.into_iter().chain(others);
        let signers = result.signers().into_iter().map(|signer| &signer.certificate);
        let change = result.policy.as_ref().and_then(|policy| policy.key_change.as_ref());
        // What a container has of verified members stands before what others claim.
        let is_claim = result.package.is_none() && result.claimed_package.is_some()
            || result.label.is_none() && result.claimed_label.is_some()
            || result.version_name.is_none() && result.claimed_version_name.is_some()
            || result.version_code.is_none() && result.claimed_version_code.is_some();
        Self {
            path: text(&result.path),
            size: result.size,
            outcome: word(result),
            package: option(&result.package),
            claimed: option(&result.claimed_package),
            label: result.label.as_ref().or(result.claimed_label.as_ref()).map(|label| name(label)),
            is_claim,
            other_labels: other_labels(result),
            icon: None,
            version_name: option(&result.version_name).or(option(&result.claimed_version_name)),
            version_code: result.version_code.or(result.claimed_version_code),
            signers: signers
                .map(|certificate| (certificate.sha256.as_str(), text(&certificate.subject)))
                .collect(),
            mixed: Mixed::of(result),
            developer: result.developer.as_ref().map(|developer| developer.name.as_str()),
            developer_zh: result.developer.as_ref().and_then(|developer| developer.name_zh.as_deref()),
            sha256: result.sha256.as_deref(),
            rules: result.broken_rules().into_iter().map(Rule::as_str).collect(),
            owner: result.owner.as_ref().map(Named::of),
            other_signers: result
                .other_signers
                .iter()
                .map(|signer| (signer.certificate.to_string(), Named::of(&signer.subject)))
                .collect(),
            members: result.with_members().len().saturating_sub(1),
            key_change: change.map(|change| {
                let registered = change.registered.iter().map(ToString::to_string).collect();
                (registered, change.advice.as_str(), change.advice_zh.as_str())
            }),
            android: result
                .android_versions
                .iter()
                .map(|seen| (seen.min_sdk, seen.max_sdk, seen.scheme.to_string(), seen.signers.as_slice()))
                .collect(),
            findings: findings.take(FINDINGS).map(Finding::new).collect(),
            more: result.findings.len().saturating_sub(FINDINGS),
            error: option(&result.error),
            passed: result.passed,
        }
    }

    /// The codes of its findings.
    pub(super) fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.findings.iter().map(|finding| finding.0)
    }

    /// The app in one line: the package, or what the file claims, and the version.
    pub(super) fn app(&self) -> String {
        let package = self.package.as_deref().or(self.claimed.as_deref()).unwrap_or_default();
        format!("{package} {}", self.version_name.as_deref().unwrap_or_default())
    }

    /// The name of the app, if it was read.
    pub(super) fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }
}

impl Finding {
    fn new(finding: &FindingRow) -> Self {
        let code = FindingCode::parse(finding.code);
        let (en, zh) = code.map_or(("", ""), |code| (code.summary_en(), code.summary_zh()));
        let rest = |message: &'_ str, summary: &str| message.strip_prefix(summary).map(text);
        let (rest_en, rest_zh) = (rest(&finding.message, en), rest(&finding.message_zh, zh));
        let zh = if rest_zh.is_some() && rest_zh == rest_en { None } else { Some(text(&finding.message_zh)) };
        let option = |of: &Option<String>| of.as_deref().map(text);
        let standing = |language| place_in(language, finding).trim_end_matches([' ', ':']).to_owned();
        let (place, place_zh) = (standing(Language::English), standing(Language::Chinese));
        Self(
            finding.code,
            finding.severity,
            rest_en.unwrap_or_else(|| text(&finding.message)),
            zh,
            option(&finding.expected),
            option(&finding.actual),
            place.clone(),
            Some(place_zh).filter(|zh| *zh != place),
            option(&finding.expected_zh),
            option(&finding.actual_zh),
        )
    }
}
