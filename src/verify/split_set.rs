//! Parts of one app that come together: one base, one package, one version, one signer, no part twice, none missing.
//!
//! Source: AOSP `PackageInstallerSession.validateApkInstallLocked` and `assertApkConsistentLocked`,
//! `ApkLiteParseUtils.composePackageLiteFromApks`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Verification;
use crate::apk::SplitFacts;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::CertificateDigest;
use crate::scheme::VerifiedSigner;

/// An APK among others.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SetMember<'a> {
    /// What to call it in findings.
    pub name: &'a str,
    /// What its signatures prove.
    pub verification: &'a Verification,
}

impl<'a> SetMember<'a> {
    /// A member of that name.
    pub fn new(name: &'a str, verification: &'a Verification) -> Self {
        Self { name, verification }
    }
}

/// A member with what its manifest says.
struct Part<'a> {
    name: &'a str,
    verification: &'a Verification,
    package: &'a str,
    version: Option<u64>,
    split: &'a SplitFacts,
}

impl Part<'_> {
    fn is_base(&self) -> bool {
        self.split.name.is_none()
    }

    fn app(&self) -> String {
        app(self.package, self.version)
    }

    fn finding(&self, code: FindingCode) -> Finding {
        Finding::new(code).entry(self.name)
    }
}

/// Holds APKs that come together against each other: those that are parts of one app must fit.
///
/// Whole apps among them are nothing to each other. What verifies is held against the base by the signers that each Android
/// version sees; what does not is left out, since its own findings fail it. With `variants` several bases and several parts of
/// one name are right, since a device gets one of each: bundletool's `.apks` has them.
pub fn check_split_set(members: &[SetMember<'_>], variants: bool) -> Vec<Finding> {
    let parts: Vec<Part<'_>> = members.iter().filter_map(part).collect();
    let mut findings = Vec::new();
    let mut lacking: BTreeSet<String> = BTreeSet::new();
    for part in parts.iter().filter(|part| !part.is_base()) {
        findings.extend(against_base(part, &parts, &mut lacking));
    }
    let mut apps: BTreeMap<(&str, Option<u64>), Vec<&Part<'_>>> = BTreeMap::new();
    for part in &parts {
        apps.entry((part.package, part.version)).or_default().push(part);
    }
    for parts in apps.into_values() {
        if !variants && parts.iter().any(|part| !part.is_base()) {
            findings.extend(twice(&parts));
        }
        findings.extend(missing(&parts));
    }
    findings
}

fn part<'a>(member: &SetMember<'a>) -> Option<Part<'a>> {
    let verification = member.verification;
    let manifest = verification.claimed_manifest.as_ref().filter(|_| verification.is_verified())?;
    let (package, version) = (manifest.package.as_str(), manifest.version_code);
    Some(Part { name: member.name, verification, package, version, split: &manifest.split })
}

/// That a part has a base of the same package, version and signers. `lacking` are the apps of which it was said that there is
/// none.
fn against_base(part: &Part<'_>, parts: &[Part<'_>], lacking: &mut BTreeSet<String>) -> Option<Finding> {
    let bases = || parts.iter().filter(|base| base.is_base());
    let of_package: Vec<&Part<'_>> = bases().filter(|base| base.package == part.package).collect();
    let of_version = || of_package.iter().filter(|base| base.version == part.version);
    if of_package.is_empty() {
        let others: BTreeSet<&str> = bases().map(|base| base.package).collect();
        if !others.is_empty() {
            let expected = format!("a part of {}", others.into_iter().collect::<Vec<_>>().join(" or "));
            return Some(part.finding(FindingCode::SplitForeign).values(expected, part.app()));
        }
        let finding = part.finding(FindingCode::SplitBaseMissing);
        return lacking
            .insert(part.app())
            .then(|| finding.values(format!("the base of {}", part.app()), "none"));
    }
    if of_version().next().is_none() {
        let expected: BTreeSet<String> = of_package.iter().map(|base| base.app()).collect();
        let expected = expected.into_iter().collect::<Vec<_>>().join(" or ");
        return Some(part.finding(FindingCode::SplitVersion).values(expected, part.app()));
    }
    let of_part = SeenSigners::of(part.verification);
    let differ = of_version().find_map(|base| SeenSigners::of(base.verification).differ(&of_part))?;
    let (expected, actual) = differ;
    Some(part.finding(FindingCode::SplitSigner).values(expected, actual))
}

/// The signers that each Android version sees of a file that verifies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeenSigners {
    /// Levels from and to, and who signed.
    views: Vec<(u32, u32, BTreeSet<CertificateDigest>)>,
}

impl SeenSigners {
    /// Those of what was verified.
    pub(crate) fn of(verification: &Verification) -> Self {
        let views = verification.views.iter().map(|view| {
            let signers = verification.signers_of(view).map(VerifiedSigner::digest).collect();
            (view.min_sdk, view.max_sdk, signers)
        });
        Self { views: views.collect() }
    }

    /// The signers of the one and of the other where an Android version sees both.
    fn meeting<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a BTreeSet<CertificateDigest>, &'a BTreeSet<CertificateDigest>)> {
        self.views.iter().flat_map(move |(from, to, signers)| {
            let meet = other
                .views
                .iter()
                .filter(move |(other_from, other_to, _)| from.max(other_from) <= to.min(other_to));
            meet.map(move |(.., others)| (signers, others))
        })
    }

    /// The signers that some Android version sees of the one and of the other, when they are not the same.
    pub(crate) fn differ(&self, other: &Self) -> Option<(String, String)> {
        let differs = self.meeting(other).find(|(one, other)| one != other);
        differs.map(|(one, other)| (names(one), names(other)))
    }

    /// Whether some Android version sees both, and each that does sees the same signers.
    pub(crate) fn agree(&self, other: &Self) -> bool {
        let mut meeting = self.meeting(other).peekable();
        meeting.peek().is_some() && meeting.all(|(one, other)| one == other && !one.is_empty())
    }
}

fn names(digests: &BTreeSet<CertificateDigest>) -> String {
    digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Parts of one app that have one name.
fn twice(parts: &[&Part<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<Option<&str>, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for part in parts {
        let name = part.split.name.as_deref();
        if let Some(first) = seen.insert(name, part.name) {
            let what = name.map_or_else(|| "the base".to_owned(), |name| format!("the part {name:?}"));
            let expected = format!("{what} of {} once", part.app());
            findings.push(
                part.finding(FindingCode::SplitDuplicate).values(expected, format!("in {first} as well")),
            );
        }
    }
    findings
}

/// What the base, or another part, cannot do without.
fn missing(parts: &[&Part<'_>]) -> Option<Finding> {
    let base = parts.iter().find(|part| part.is_base())?;
    let required: BTreeSet<&String> = parts.iter().flat_map(|part| &part.split.required_types).collect();
    let brought: BTreeSet<&String> = parts.iter().flat_map(|part| &part.split.types).collect();
    let lacks: Vec<&str> = required.difference(&brought).map(|name| name.as_str()).collect();
    let alone = parts.iter().all(|part| part.is_base());
    if !base.split.required || (!alone && lacks.is_empty()) {
        return None;
    }
    let expected = if lacks.is_empty() {
        "another part".to_owned()
    } else {
        format!("parts of the types {}", lacks.join(", "))
    };
    let actual = if alone { "the base alone" } else { "none of these types" };
    Some(base.finding(FindingCode::SplitMissing).detail(base.app()).values(expected, actual))
}

fn app(package: &str, version: Option<u64>) -> String {
    let version =
        version.map_or_else(|| "without a version code".to_owned(), |code| format!("version code {code}"));
    format!("{package}, {version}")
}
