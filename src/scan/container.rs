//! A container, judged: its own signature, and every member as if it were a file by itself.

use std::path::Path;
use std::path::PathBuf;

use super::Looked;
use super::Outcome;
use super::ScanOptions;
use super::look_at;
use crate::Error;
use crate::Verification;
use crate::VerifyOptions;
use crate::apk::Stop;
use crate::container::Budget;
use crate::container::Container;
use crate::container::ContainerKind;
use crate::container::Member;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::FileDigest;
use crate::limits::Cap;
use crate::marks::Marks;
use crate::policy::Decision;
use crate::report::ContainerFacts;
use crate::report::FileResult;
use crate::source::ByteSource;
use crate::verify::SetMember;
use crate::verify::check_split_set;
use crate::verify::verify_container;

/// Behind the path of a container, before the name of a member, as Java writes it in `jar:` addresses.
const INSIDE: &[u8] = b"!/";

/// In a container of more members than this, each has a smaller share of the work.
const FEW: usize = 16;

/// A container that was looked at.
#[derive(Debug)]
#[non_exhaustive]
pub struct JudgedContainer {
    /// What kind it is.
    pub kind: ContainerKind,
    /// What its own signature proves: who put it together.
    pub signature: Verification,
    /// What is wrong with it as a container, apart from its signature.
    pub findings: Vec<Finding>,
    /// SHA-256 of the file, when that was asked for.
    pub file_digest: Option<FileDigest>,
    /// Its members, in the order of its directory.
    pub members: Vec<JudgedMember>,
}

/// A member of a container.
#[derive(Debug)]
#[non_exhaustive]
pub struct JudgedMember {
    /// The path of the container, `!/` and the member's name. It is for people and reports: no file has it.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
}

/// An APK that was looked at, by itself or in a container.
#[derive(Debug)]
#[non_exhaustive]
pub struct JudgedApk<'a> {
    /// Where it is; of a member, what is shown of that.
    pub path: &'a Path,
    /// What its signatures prove.
    pub verification: &'a mut Verification,
    /// The decision, when one was asked for.
    pub decision: Option<&'a Decision>,
    /// What else it carries, when that was asked for.
    pub marks: Option<&'a Marks>,
    /// SHA-256 of it, when that was asked for.
    pub file_digest: Option<FileDigest>,
    /// What the signatures of the container prove that it is in.
    pub container: Option<&'a Verification>,
}

impl Outcome {
    /// What the signatures of an APK prove that was looked at.
    fn verification(&self) -> Option<&Verification> {
        match self {
            Self::Judged { verification, .. } => Some(verification),
            _ => None,
        }
    }

    /// What is said of an APK that was looked at, or of a container with all that is in it; none of what was not.
    ///
    /// `judge` gives the result of each APK. `enforced` is as in [`FileResult::container`].
    ///
    /// # Errors
    /// What `judge` says.
    pub fn result<E>(
        &mut self,
        path: &Path,
        enforced: bool,
        judge: &mut dyn FnMut(JudgedApk<'_>) -> Result<FileResult, E>,
    ) -> Result<Option<FileResult>, E> {
        self.result_in(None, path, enforced, judge)
    }

    fn result_in<E>(
        &mut self,
        container: Option<&Verification>,
        path: &Path,
        enforced: bool,
        judge: &mut dyn FnMut(JudgedApk<'_>) -> Result<FileResult, E>,
    ) -> Result<Option<FileResult>, E> {
        let judged = match self {
            Self::Judged { verification, decision, marks, appearance, file_digest } => {
                let appearance = appearance.as_deref();
                return judge(JudgedApk {
                    path,
                    verification,
                    decision: decision.as_deref(),
                    marks: marks.as_deref(),
                    file_digest: *file_digest,
                    container,
                })
                .map(|result| Some(result.with_appearance(appearance)));
            }
            Self::Unjudged(_) | Self::Skipped(_) | Self::Recalled(_) => return Ok(None),
            Self::Container(judged) => judged,
        };
        let JudgedContainer { kind, signature, findings, file_digest, members } = &mut **judged;
        let mut results = Vec::new();
        for member in members {
            results.extend(member.outcome.result_in(Some(&*signature), &member.path, enforced, judge)?);
        }
        let facts = ContainerFacts::new(*kind, signature, findings, *file_digest);
        Ok(Some(FileResult::container(path, &facts, results, enforced)))
    }
}

/// Judges a container and all that is in it.
///
/// # Errors
/// When the bytes cannot be had: then nothing is said of any member.
pub(super) fn judge(
    path: &Path,
    source: &dyn ByteSource,
    container: &Container<'_>,
    options: &ScanOptions<'_>,
) -> Result<JudgedContainer, Error> {
    let mut budget = Budget::of(source.len(), &options.verify.limits);
    judge_at(path, source, container, options, (0, &mut budget))
}

fn judge_at(
    path: &Path,
    source: &dyn ByteSource,
    container: &Container<'_>,
    options: &ScanOptions<'_>,
    (depth, budget): (usize, &mut Budget),
) -> Result<JudgedContainer, Error> {
    let limits = &options.verify.limits;
    let signature = verify_container(source, limits)?;
    let mut findings = Vec::new();
    if container.kind() == ContainerKind::AppBundle {
        findings.push(Finding::new(FindingCode::AppBundle));
    }
    let options = ScanOptions { verify: share(&options.verify, container.len()), ..options.clone() };
    // It does not pass anyhow, and a few bytes could stand for any number of members.
    let again = [FindingCode::ZipOverlap, FindingCode::ZipDuplicateEntry, FindingCode::ZipLocalNameDiffers];
    let overlaps = signature.findings.iter().any(|finding| again.contains(&finding.code));
    let mut members = Vec::new();
    for member in container.members() {
        if overlaps && members.len() >= FEW {
            let finding = Finding::new(FindingCode::LimitExceeded)
                .detail("members of a container that share bytes or names");
            findings.push(finding.values(Cap::fixed(FEW as u64).in_words(""), container.len().to_string()));
            break;
        }
        if !budget.take_member() {
            let finding = Finding::new(FindingCode::LimitExceeded).detail("members of a container");
            let most =
                Cap::number("container-members", limits.container_members).in_words(" with all in them");
            findings.push(
                finding.values(most, format!("{} more", container.len().saturating_sub(members.len()))),
            );
            break;
        }
        let path = inside(path, member.name());
        let outcome = match judge_member(&path, member, &options, (depth, &mut *budget)) {
            Ok(outcome) => outcome,
            Err(Stop::Malformed(finding)) => unreadable(&options, *finding),
            Err(Stop::Error(error)) => return Err(error),
        };
        members.push(JudgedMember { path, outcome });
    }
    judge_again_with_bases(container, &mut members, &options)?;
    findings.extend(split_set(container.kind(), &inside(path, b"").to_string_lossy(), &members));
    Ok(JudgedContainer { kind: container.kind(), signature, findings, file_digest: None, members })
}

/// Judges parts of apps that do not verify once more, for the Android versions that their base is for.
///
/// What configures an app for a device has no `uses-sdk` of its own, and would have to be signed for versions on which the app
/// is never installed.
fn judge_again_with_bases(
    container: &Container<'_>,
    members: &mut [JudgedMember],
    options: &ScanOptions<'_>,
) -> Result<(), Error> {
    if options.verify.min_sdk.is_some() {
        return Ok(());
    }
    let levels: Vec<Option<u32>> = {
        let judged = || members.iter().filter_map(|member| member.outcome.verification());
        members.iter().map(|member| level_of_base(member.outcome.verification()?, judged())).collect()
    };
    let mut budget = Budget::of(container.size(), &options.verify.limits);
    for ((member, judged), level) in container.members().zip(members).zip(levels) {
        let Some(level) = level else { continue };
        let verify = VerifyOptions { min_sdk: Some(level), ..options.verify.clone() };
        let options = ScanOptions { verify, ..options.clone() };
        // It was read before, so nothing new can be wrong with the container.
        match judge_member(&judged.path, member, &options, (0, &mut budget)) {
            Ok(outcome) => judged.outcome = outcome,
            Err(Stop::Malformed(_)) => {}
            Err(Stop::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The lowest API level of the base that a part belongs to, when the part does not verify and that is above its own.
pub(super) fn level_of_base<'a>(
    part: &Verification,
    mut others: impl Iterator<Item = &'a Verification>,
) -> Option<u32> {
    let manifest = part.claimed_manifest.as_ref().filter(|_| !part.is_verified())?;
    manifest.split.name.as_ref()?;
    let level = others.find_map(|other| {
        let base = other.claimed_manifest.as_ref().filter(|_| other.is_verified())?;
        let same = base.package == manifest.package && base.version_code == manifest.version_code;
        base.min_sdk.filter(|_| same && base.split.name.is_none())
    })?;
    (Some(level) > part.min_sdk).then_some(level)
}

/// How the parts of apps among the members fit. Those in containers in the container are sets of their own.
fn split_set(kind: ContainerKind, before: &str, members: &[JudgedMember]) -> Vec<Finding> {
    let names: Vec<String> =
        members.iter().map(|member| member.path.to_string_lossy().into_owned()).collect();
    let apks = members.iter().zip(&names).filter_map(|(member, name)| {
        let name = name.strip_prefix(before).unwrap_or(name);
        Some(SetMember::new(name, member.outcome.verification()?))
    });
    check_split_set(&apks.collect::<Vec<_>>(), kind == ContainerKind::Apks)
}

fn judge_member(
    path: &Path,
    member: Member<'_>,
    options: &ScanOptions<'_>,
    (depth, budget): (usize, &mut Budget),
) -> Result<Outcome, Stop> {
    let limits = &options.verify.limits;
    let source = member.open(budget)?;
    let container = match look_at(&*source, None, options, None, &mut *budget).map_err(Stop::Error)? {
        Looked::Apk(outcome) => return Ok(outcome),
        Looked::Container(container) => container,
    };
    let depth = depth.saturating_add(1);
    if depth >= limits.container_depth {
        let finding = Finding::new(FindingCode::LimitExceeded).detail("containers in containers");
        let most = Cap::number("container-depth", limits.container_depth);
        return Err(finding.values(most.in_words(" deep"), "one more").into());
    }
    let judged = judge_at(path, &*source, &container, options, (depth, budget)).map_err(Stop::Error)?;
    Ok(Outcome::Container(Box::new(judged)))
}

/// What to verify a member for: each has a share of what a container may make us do.
fn share(options: &VerifyOptions, members: usize) -> VerifyOptions {
    /// No honest member needs as many signature checks.
    const CHECKS: u64 = 32;
    let mut options = options.clone();
    let limits = &mut options.limits;
    let count = (members as u64).max(1);
    // Beside it is what each may have for its own size.
    limits.content = limits.content.min(limits.container_content.checked_div(count).unwrap_or(0));
    if members > FEW {
        let checks = limits.signature_checks.saturating_mul(8).checked_div(count).unwrap_or(0);
        limits.signature_checks = limits.signature_checks.min(checks.max(CHECKS));
        limits.certificates = limits.certificates.min(256 << 10);
    }
    options
}

/// What is said of a member whose bytes cannot be had from the container as it describes them.
fn unreadable(options: &ScanOptions<'_>, finding: Finding) -> Outcome {
    let verification = Verification::malformed(&options.verify, finding);
    let decision = options.decide.map(|decide| Box::new(decide(&verification)));
    Outcome::Judged {
        verification: Box::new(verification),
        decision,
        marks: None,
        appearance: None,
        file_digest: None,
    }
}

/// The path that is shown of the member of that name.
fn inside(container: &Path, name: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;

        let name = std::ffi::OsStr::from_bytes(name);
        let mut path = container.as_os_str().to_owned();
        path.push(std::ffi::OsStr::from_bytes(INSIDE));
        path.push(name);
        path.into()
    }
    #[cfg(not(unix))]
    {
        let mut path = container.as_os_str().to_owned();
        path.push(String::from_utf8_lossy(INSIDE).as_ref());
        path.push(String::from_utf8_lossy(name).as_ref());
        path.into()
    }
}
