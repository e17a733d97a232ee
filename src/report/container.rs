//! What is said of a container: as good as its worst member, and no better than itself.

use std::path::Path;

use serde::Serialize;

use super::FileResult;
use super::model::CertificateRow;
use super::model::FileStatus;
use super::model::FindingRow;
use super::model::PictureRow;
use super::model::SchemeRow;
use crate::container::ContainerKind;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::identity::FileDigest;
use crate::policy::Verdict;
use crate::policy::rules::Rule;
use crate::verify::Status;
use crate::verify::Verification;

/// What a container is, and who put it together.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ContainerRow {
    /// `apks`, `xapk`, `apkm`, `zip`; `aab` for an app bundle.
    pub kind: ContainerKind,
    /// How many members were looked at, without those of containers in it.
    pub members: usize,
    /// Whether it has a signature of its own: `absent`, `verified`, `rejected`, or `unreadable`.
    pub signature: &'static str,
    /// What each scheme proves of that signature; empty without one.
    pub schemes: Vec<SchemeRow>,
    /// The certificates of whoever has signed it: of an app bundle the upload key, else the distributor. When the signature does not
    /// verify, they are claimed.
    pub signers: Vec<CertificateRow>,
}

/// What was found out about a container.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ContainerFacts<'a> {
    /// What kind it is.
    pub kind: ContainerKind,
    /// What its own signature proves.
    pub signature: &'a Verification,
    /// What is wrong with it, apart from its signature.
    pub findings: &'a [Finding],
    /// SHA-256 of the file, when that was asked for.
    pub file_digest: Option<FileDigest>,
}

impl<'a> ContainerFacts<'a> {
    /// The facts of a container of that kind.
    pub fn new(
        kind: ContainerKind,
        signature: &'a Verification,
        findings: &'a [Finding],
        file_digest: Option<FileDigest>,
    ) -> Self {
        Self { kind, signature, findings, file_digest }
    }
}

impl ContainerRow {
    fn new(facts: &ContainerFacts<'_>, members: usize) -> Self {
        let signature = facts.signature;
        let (word, schemes, signers) = match signature.status {
            Status::Unsigned => ("absent", Vec::new(), Vec::new()),
            Status::Malformed => ("unreadable", Vec::new(), Vec::new()),
            Status::Verified => ("verified", rows(signature), signature.signer_certificates()),
            Status::Rejected => ("rejected", rows(signature), signature.claimed_certificates()),
        };
        let signers = signers.into_iter().map(CertificateRow::new).collect();
        Self { kind: facts.kind, members, signature: word, schemes, signers }
    }
}

/// The schemes that sign files: a container has neither source stamp nor v4 signature.
fn rows(signature: &Verification) -> Vec<SchemeRow> {
    let schemes = signature.schemes.iter();
    let schemes = schemes.filter(|result| !matches!(result.scheme, SchemeId::SourceStamp | SchemeId::V4));
    schemes.map(SchemeRow::new).collect()
}

impl FileResult {
    /// The result of a container with the results of its members.
    ///
    /// It gets the worst verdict of its members, or a worse one for what is wrong with itself, and passes when all of them do
    /// and nothing is. `enforced` tells whether what is wrong counts: a policy may say that it is to be told alone.
    pub fn container(path: &Path, facts: &ContainerFacts<'_>, members: Vec<Self>, enforced: bool) -> Self {
        let mut own: Vec<Finding> = facts.findings.to_vec();
        let signature = facts.signature;
        if signature.status == Status::Rejected {
            own.push(Finding::new(FindingCode::ContainerSignature));
        }
        let broken = own.iter().chain(&signature.findings).any(Finding::is_error);
        let of_container = match signature.status {
            Status::Malformed => Some(Verdict::Unreadable),
            _ if own.iter().chain(&signature.findings).any(is_unreadable) => Some(Verdict::Unreadable),
            Status::Rejected => Some(Verdict::Tampered),
            _ if broken => Some(Verdict::Tampered),
            _ => None,
        };
        let worst = members.iter().min_by_key(|member| member.rank());
        let of_members = worst.and_then(|worst| worst.verdict);
        let verdict = of_container.into_iter().chain(of_members).min();
        let status = match (of_container, worst) {
            (Some(verdict), _) if Some(verdict) <= of_members || of_members.is_none() => match verdict {
                Verdict::Unreadable => FileStatus::Malformed,
                _ => FileStatus::Rejected,
            },
            (_, Some(worst)) => worst.status,
            _ => FileStatus::Malformed,
        };
        let failed = worst.filter(|worst| !worst.passed || worst.would_fail()).map(|worst| {
            let word = worst.verdict.map_or("not accepted", Verdict::as_str);
            let rules: Vec<&str> = worst.broken_rules().into_iter().map(Rule::as_str).collect();
            // A verdict may be a good one all the same.
            let is_bad = worst.verdict.is_some_and(|verdict| verdict < Verdict::Unauthenticated);
            let zh = worst.verdict.map_or("不被接受", Verdict::zh);
            let (why, why_zh) = if rules.is_empty() || is_bad {
                (word.to_owned(), zh.to_owned())
            } else {
                let zh = format!("{zh}，并违反 {}", rules.join("、"));
                (format!("{word}, and breaks {}", rules.join(", ")), zh)
            };
            Finding::new(FindingCode::ContainerMember)
                .entry(worst.name_in(path))
                .detail(why)
                .detail_zh(why_zh)
        });
        let findings = own.iter().chain(&failed).chain(&signature.findings).map(FindingRow::new).collect();
        let all_pass = members.iter().all(|member| member.passed);
        let common = |of: fn(&Self) -> Option<String>| {
            let first = members.first().and_then(of)?;
            members.iter().all(|member| of(member).as_ref() == Some(&first)).then_some(first)
        };
        // Parts of an app have no name, and change nothing about that of the app.
        let name = |of: fn(&Self) -> Option<&String>| {
            let mut names = members.iter().filter_map(of);
            let first = names.next()?;
            names.all(|name| name == first).then(|| first.clone())
        };
        let icon =
            |of: fn(&Self) -> Option<&PictureRow>| picture(&members, of).filter(|_| is_one_app(&members));
        Self {
            size: Some(signature.file_size),
            label: name(|member| member.label.as_ref()),
            icon: icon(|member| member.icon.as_ref()),
            claimed_icon: icon(|member| member.claimed_icon.as_ref()),
            claimed_label: name(|member| member.claimed_label.as_ref()),
            status,
            verdict,
            passed: all_pass && !(broken && enforced),
            package: common(|member| member.package.clone()),
            claimed_package: common(|member| member.claimed_package.clone()),
            version_code: common(|member| member.version_code.map(|code| code.to_string()))
                .and_then(|code| code.parse().ok()),
            version_name: common(|member| member.version_name.clone()),
            developer: common(|member| member.developer.as_ref().map(|developer| developer.id.clone()))
                .and_then(|_| members.first()?.developer.clone()),
            sha256: facts.file_digest.map(|digest| digest.to_string()),
            findings,
            container: Some(ContainerRow::new(facts, members.len())),
            members,
            ..Self::unlooked(path, FileStatus::Malformed)
        }
    }

    /// The worst comes first; without a verdict it is a file that verifies, and was not held against a registry.
    fn rank(&self) -> (bool, usize) {
        let verdict = self.verdict.and_then(|verdict| Verdict::ALL.iter().position(|each| *each == verdict));
        (self.passed, verdict.unwrap_or(Verdict::ALL.len()))
    }

    /// Its name in the container at `path`.
    fn name_in(&self, path: &Path) -> String {
        let container = path.to_string_lossy();
        let name = self.path.strip_prefix(container.as_ref()).and_then(|rest| rest.strip_prefix("!/"));
        name.unwrap_or(&self.path).to_owned()
    }

    /// It and, when it is a container, all that is in it, each container before its members.
    pub fn with_members(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for member in &self.members {
            all.extend(member.with_members());
        }
        all
    }
}

/// Whether all members name the same app.
fn is_one_app(members: &[FileResult]) -> bool {
    let mut packages =
        members.iter().map(|member| member.package.as_ref().or(member.claimed_package.as_ref()));
    let first = packages.next().flatten();
    first.is_some() && packages.all(|package| package == first)
}

/// The icon of those members that have one, when it is the same.
fn picture(members: &[FileResult], of: fn(&FileResult) -> Option<&PictureRow>) -> Option<PictureRow> {
    let mut pictures = members.iter().filter_map(of);
    let first = pictures.next()?;
    pictures.all(|picture| picture.sha256 == first.sha256).then(|| first.clone())
}

/// Whether it is an error that keeps a container from being an app that can be installed, rather than one of who signed what.
fn is_unreadable(finding: &Finding) -> bool {
    let code = finding.code;
    let of_archive = code.as_str().starts_with("zip");
    let known = matches!(
        code,
        FindingCode::AppBundle
            | FindingCode::LimitExceeded
            | FindingCode::SplitBaseMissing
            | FindingCode::SplitMissing
    );
    finding.is_error() && (of_archive || known)
}
