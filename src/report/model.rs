//! The result in its published form, version 1: what the JSON formats write and what the text formats read from.
//!
//! Field names are stable. Text stays raw here; writers escape it. What a signature does not cover is named
//! `claimed_…`.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::Glance;
use super::Language;
use super::container::ContainerRow;
use crate::apk::Appearance;
use crate::apk::LabelVariant;
use crate::apk::NoPicture;
use crate::apk::Picture;
use crate::apk::PictureFormat;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::finding::SignerPlace;
use crate::identity::Capability;
use crate::identity::Certificate;
use crate::identity::FileDigest;
use crate::identity::Lineage;
use crate::identity::LineageNode;
use crate::identity::PrintedDigests;
use crate::marks::Coverage;
use crate::marks::Decoder;
use crate::marks::Field;
use crate::marks::Mark;
use crate::marks::MarkKind;
use crate::marks::MarkState;
use crate::marks::Place;
use crate::marks::Role;
use crate::marks::Shape;
use crate::policy::Decision;
use crate::policy::PolicyFile;
use crate::policy::SignerFacts;
use crate::policy::SubjectFacts;
use crate::policy::Verdict;
use crate::policy::file::Level;
use crate::policy::rules::Developer;
use crate::policy::rules::Distributor;
use crate::policy::rules::Judgement;
use crate::policy::rules::KeyChange;
use crate::policy::rules::Outcome;
use crate::policy::rules::Rule;
use crate::policy::rules::RuleResult;
use crate::scheme::NotChecked;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::MAX_SDK;
use crate::verify::Status;
use crate::verify::Verification;

/// The version of the result's form.
pub const SCHEMA: u32 = 1;

/// How far we came with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileStatus {
    /// Signed, and every Android version in range accepts the signature.
    Verified,
    /// Signed, and some Android version in range does not accept the signature.
    Rejected,
    /// No signature of any scheme.
    Unsigned,
    /// Not an APK, or too broken to be one.
    Malformed,
    /// We could not look: `error` says why.
    Unjudged,
    /// Not looked at on purpose: `error` says why.
    Skipped,
}

impl From<Status> for FileStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Verified => Self::Verified,
            Status::Rejected => Self::Rejected,
            Status::Unsigned => Self::Unsigned,
            Status::Malformed => Self::Malformed,
        }
    }
}

/// What is said of one file.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FileResult {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// The file as it was named or found; what is not UTF-8 in it is replaced.
    pub path: String,
    /// The bytes of the name in hexadecimal, only when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// How far we came.
    pub status: FileStatus,
    /// The verdict; none for a verified file that was not held against a registry.
    pub verdict: Option<Verdict>,
    /// Whether the file passed what was asked of it: this is what the exit status counts.
    pub passed: bool,
    /// Package name, verified.
    pub package: Option<String>,
    /// Version code, verified.
    pub version_code: Option<u64>,
    /// Version name, verified.
    pub version_name: Option<String>,
    /// Target API level, verified.
    pub target_sdk: Option<u32>,
    /// Whether the app is debuggable, verified.
    pub debuggable: Option<bool>,
    /// What an unverified file says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_package: Option<String>,
    /// What an unverified file says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_version_code: Option<u64>,
    /// What an unverified file says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_version_name: Option<String>,
    /// A name of the app to show, verified: its label on a phone whose language it does not have, else that of an activity in
    /// the launcher, else one that some devices show. Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Every text that some device shows as a name of the app, verified; empty when that is `label` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelVariant>,
    /// What an unverified file says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_label: Option<String>,
    /// What an unverified file says of itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed_labels: Vec<LabelVariant>,
    /// How many more such texts there are, verified or not.
    #[serde(skip_serializing_if = "is_none_left_out")]
    pub labels_left_out: usize,
    /// The icon, verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<PictureRow>,
    /// What an unverified file shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_icon: Option<PictureRow>,
    /// Why there is no picture of the icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_left_out: Option<NoPicture>,
    /// Lowest API level that was verified for.
    pub min_sdk: Option<u32>,
    /// Highest API level that was verified for; none for no upper bound.
    pub max_sdk: Option<u32>,
    /// One row a scheme, oldest first.
    pub schemes: Vec<SchemeRow>,
    /// When a verified source stamp says that it was made, in Unix seconds: the distributor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp_timestamp: Option<u64>,
    /// Who each Android version in range sees, lowest first; empty unless verified.
    pub android_versions: Vec<AndroidVersions>,
    /// The registered developer behind the verified signer.
    pub developer: Option<SubjectFacts>,
    /// Whose package it is by the registry, when that is not `developer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<SubjectFacts>,
    /// The verified signers, of any Android version in range, whose keys the registry says are of another than `developer`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_signers: Vec<SignerFacts>,
    /// SHA-256 of the whole file, where it was asked for: of the very bytes that were judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What a policy says of the file, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRow>,
    /// What was found: first what decided the verdict, then what verification saw.
    pub findings: Vec<FindingRow>,
    /// Certificates of schemes that do not verify: who the file claims to be from. Those of a source stamp, which are a
    /// distributor's, stand in its row.
    pub claimed_certificates: Vec<CertificateRow>,
    /// What container it is, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerRow>,
    /// The results of the members of a container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<FileResult>,
    /// Why the file was not judged, or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A picture that stands in the file. Its bytes are for forms that show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PictureRow {
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// `png` or `webp`, by its first bytes.
    pub format: PictureFormat,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Size in bytes.
    pub size: u32,
    /// Name of the ZIP entry.
    pub path: String,
    /// Its bytes; empty where they were not asked for.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl PictureRow {
    /// The row of `picture`.
    pub fn new(picture: &Picture) -> Self {
        Self {
            sha256: HEXLOWER.encode(&picture.sha256),
            format: picture.format,
            width: picture.width,
            height: picture.height,
            size: picture.size,
            path: picture.path.clone(),
            bytes: picture.bytes.clone(),
        }
    }
}

/// What a policy says of a file.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PolicyRow {
    /// Whether it is enforced: `enforce`, or not: `warn`, `audit`.
    pub level: Level,
    /// Whether no rule is broken.
    pub holds: bool,
    /// Every rule that was asked.
    pub rules: Vec<RuleResult>,
    /// Who the developer is, by every proof that the file carries.
    pub developers: Developer,
    /// Who handed the file out, by every proof that the file carries.
    pub distributors: Distributor,
    /// Where a registered package comes with another key: both keys, what connects them and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_change: Option<KeyChange>,
}

/// One scheme and what it proves.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SchemeRow {
    /// `v1`, `v2`, `v3`, `v3.1`, `v3.2`, `v4`, `stamp`.
    pub scheme: SchemeId,
    /// `absent`, `not-checked`, `rejected` or `verified`.
    pub outcome: &'static str,
    /// Why it was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotChecked>,
    /// The verified signers; for `stamp` the distributor, who is no signer of the app.
    pub signers: Vec<SignerRow>,
    /// `stamp` alone: the certificate of a stamp that does not verify, then those of its history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed_certificates: Vec<CertificateRow>,
}

/// One verified signer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SignerRow {
    /// Position in the scheme, from 1.
    pub signer: usize,
    /// v1: name of the signature block file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Lowest API level that takes this signer's word.
    pub min_sdk: u32,
    /// Highest API level; none for no upper bound.
    pub max_sdk: Option<u32>,
    /// Whether it is meant for a development release of Android.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub targets_dev_release: bool,
    /// Whether no Android version in range reads it: `min_sdk` is above `max_sdk`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// The certificate that identifies it.
    pub certificate: CertificateRow,
    /// Names of the signature algorithms that were verified.
    pub algorithms: Vec<String>,
    /// Verified proof of rotation, oldest certificate first, the signer's own last; empty without one.
    pub lineage: Vec<LineageRow>,
    /// v3.2, the post-quantum signer: SHA-256 of the certificate of the classical one beside it. Nothing proves that they
    /// belong together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classical_partner: Option<String>,
    /// v3.2, the post-quantum signer: what Android keeps as its history, `classical_partner` and itself at the end. Not a
    /// proof; that is `lineage`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<LineageRow>,
}

/// One certificate of a lineage.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LineageRow {
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// Subject; self-asserted.
    pub subject: String,
    /// Capabilities granted to it, as bits (`SigningCertificateLineage`).
    pub flags: u32,
    /// Their names: `installed-data`, `shared-uid`, `permission`, `rollback`, `auth`.
    pub capabilities: Vec<&'static str>,
}

impl LineageRow {
    /// The row of `node`.
    pub fn new(node: &LineageNode) -> Self {
        Self {
            sha256: node.certificate.digest().to_string(),
            subject: node.certificate.subject().to_owned(),
            flags: node.flags,
            capabilities: node.capabilities().map(Capability::as_str).collect(),
        }
    }
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateRow {
    /// SHA-256: this identifies.
    pub sha256: String,
    /// SHA-1, for look-ups.
    pub sha1: String,
    /// MD5, for look-ups.
    pub md5: String,
    /// Subject; self-asserted, proves nothing.
    pub subject: String,
    /// `RSA`, `EC`, `DSA`, `ML-DSA-65` and its like; `unusable` when the key cannot be read.
    pub key_algorithm: String,
    /// Key size in bits; 0 when it cannot be read.
    pub key_bits: usize,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`).
    pub public_key_sha256: String,
    /// SHA-1 of it.
    pub public_key_sha1: String,
    /// MD5 of it.
    pub public_key_md5: String,
}

/// Who some Android versions see.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AndroidVersions {
    /// Lowest API level.
    pub min_sdk: u32,
    /// Highest API level; none for no upper bound.
    pub max_sdk: Option<u32>,
    /// The scheme they go by.
    pub scheme: SchemeId,
    /// SHA-256 of the signers' certificates.
    pub signers: Vec<String>,
    /// v3.2: SHA-256 of the classical certificate whose signature they demand beside that of the signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classical_partner: Option<String>,
}

/// Something that a store, a packer, a developer or a test lab has left in the file. Never the app's signer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct MarkRow {
    /// `walle-channel`, `play-frosting`, `code-transparency`, `unknown-block`, …
    pub kind: MarkKind,
    /// `claim` (nothing proves it), `present` (cannot be verified here), `verified` or `broken`.
    pub state: MarkState,
    /// What a verified signature covers: `file`, `code` or `own-content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers: Option<Coverage>,
    /// Where it stands.
    pub place: MarkPlace,
    /// Size in bytes.
    pub size: u64,
    /// What its bytes look like, where its kind does not say it: `cms`, `json`, `high-entropy`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks_like: Option<&'static str>,
    /// The profile that knows the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<MarkProfile>,
    /// Why it has that state, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it says, in its order; names may occur more than once.
    pub fields: Vec<Field>,
    /// Certificates of its verified signers.
    pub certificates: Vec<CertificateRow>,
    /// What is wrong with it.
    pub findings: Vec<FindingRow>,
}

/// Where a mark stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MarkPlace {
    /// `signing-block`, `entry` or `archive-comment`.
    #[serde(rename = "in")]
    pub within: &'static str,
    /// Signing block: id of the pair, `0x71777777`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Entry: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Signing block and comment: offset in bytes from the start of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// The profile that knows a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MarkProfile {
    /// What it calls the mark.
    pub name: String,
    /// Whose mark it says this is: `developer`, `distributor`, `test-lab`. Nothing is trusted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How the mark was read: `text`, `json`, `cms`, `jws`, `x509`, `hex`.
    pub decoder: Decoder,
}

/// A finding.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FindingRow {
    /// The stable name.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: Severity,
    /// Summary and particulars, in English.
    pub message: String,
    /// The same in Chinese; particulars that stem from verification stay in English.
    pub message_zh: String,
    /// The scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SchemeId>,
    /// The signer of that scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<FindingSigner>,
    /// The file beside the APK that it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The ZIP entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Offset in bytes from the start of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Android versions concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_levels: Option<ApiLevels>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// What was expected, in Chinese, where that is other words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_zh: Option<String>,
    /// What was found instead, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_zh: Option<String>,
}

/// The signer that a finding speaks of.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FindingSigner {
    /// Position in the scheme, from 1.
    pub signer: usize,
    /// v1: name of the signature block file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// v1: one that Android ignores.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
}

/// A range of API levels.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct ApiLevels {
    /// Lowest.
    pub min: u32,
    /// Highest; none for no upper bound.
    pub max: Option<u32>,
}

impl FileResult {
    /// Whether the app needs a newer Android version than any that was asked for.
    pub(super) fn is_out_of_range(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == FindingCode::SdkRangeEmpty.as_str())
    }

    /// The result of a file that was judged: verified or not, with the decision when there is one.
    ///
    /// `passed` says what the exit status makes of it.
    pub fn judged(
        path: &Path,
        verification: &Verification,
        decision: Option<&Decision>,
        passed: bool,
    ) -> Self {
        Self::looked_at(path, verification, decision, passed).weighed(decision)
    }

    fn looked_at(
        path: &Path,
        verification: &Verification,
        decision: Option<&Decision>,
        passed: bool,
    ) -> Self {
        let manifest = verification.claimed_manifest.as_ref();
        let verified = manifest.filter(|_| verification.is_verified());
        let claimed = manifest.filter(|_| !verification.is_verified());
        let decided = decision.map_or(&[][..], |decision| decision.findings.as_slice());
        Self {
            size: Some(verification.file_size),
            status: verification.status.into(),
            verdict: decision.map(|decision| decision.verdict).or(match verification.status {
                Status::Verified => None,
                Status::Rejected => Some(Verdict::Tampered),
                Status::Unsigned => Some(Verdict::Unsigned),
                Status::Malformed => Some(Verdict::Unreadable),
            }),
            passed,
            package: verification.package().map(str::to_owned),
            version_code: verified.and_then(|facts| facts.version_code),
            version_name: verified.and_then(|facts| facts.version_name.clone()),
            target_sdk: verified.map(|facts| facts.target_sdk),
            debuggable: verified.map(|facts| facts.debuggable),
            claimed_package: claimed.map(|facts| facts.package.clone()).filter(|package| !package.is_empty()),
            claimed_version_code: claimed.and_then(|facts| facts.version_code),
            claimed_version_name: claimed.and_then(|facts| facts.version_name.clone()),
            min_sdk: verification.min_sdk,
            max_sdk: bounded(verification.max_sdk),
            schemes: verification.schemes.iter().map(SchemeRow::new).collect(),
            stamp_timestamp: verification.stamp_timestamp,
            android_versions: verification
                .views
                .iter()
                .map(|view| AndroidVersions {
                    min_sdk: view.min_sdk,
                    max_sdk: bounded(view.max_sdk),
                    scheme: view.scheme,
                    signers: verification
                        .signers_of(view)
                        .map(|signer| signer.digest().to_string())
                        .collect(),
                    classical_partner: verification
                        .signers_of(view)
                        .find_map(VerifiedSigner::classical_partner)
                        .map(|partner| partner.digest().to_string()),
                })
                .collect(),
            developer: decision.and_then(|decision| decision.developer.clone()),
            owner: decision.and_then(|decision| decision.owner.clone()),
            other_signers: decision.map(|decision| decision.other_signers.clone()).unwrap_or_default(),
            findings: decided.iter().chain(&verification.findings).map(FindingRow::new).collect(),
            claimed_certificates: verification
                .claimed_certificates()
                .into_iter()
                .map(CertificateRow::new)
                .collect(),
            ..Self::unlooked(path, FileStatus::Unjudged)
        }
    }

    /// The result of a file that was held against a policy, which gives findings their weight.
    pub fn judged_by(
        path: &Path,
        verification: &Verification,
        judgement: &Judgement,
        policy: &PolicyFile,
        file_digest: Option<FileDigest>,
    ) -> Self {
        let by_policy = |findings: &[Finding]| -> Vec<Finding> {
            findings.iter().map(|finding| finding.clone().with_severity(policy.weight(finding))).collect()
        };
        let decision =
            Decision { findings: by_policy(&judgement.decision.findings), ..judgement.decision.clone() };
        let evidence = Verification { findings: by_policy(&verification.findings), ..verification.clone() };
        let mut result = Self::looked_at(path, &evidence, Some(&decision), judgement.passed);
        result.findings.extend(judgement.findings(policy).iter().map(FindingRow::new));
        result.sha256 = file_digest.map(|digest| digest.to_string());
        result.policy = Some(PolicyRow {
            level: policy.level,
            holds: judgement.broken().next().is_none(),
            rules: judgement.rules.clone(),
            developers: judgement.developer.clone(),
            distributors: judgement.distributor.clone(),
            key_change: judgement.key_change.clone(),
        });
        let verdict = judgement.rules.iter().find(|result| result.rule == Rule::Verdict);
        let is_refused = verdict.is_some_and(|result| result.outcome == Outcome::Broken);
        result.weighed(Some(&decision).filter(|_| is_refused))
    }

    /// The result with the weights that every report shows: what decides that a file fails is an error, whatever it is by
    /// itself. `refused` is the decision, if its verdict is not accepted; what decided it stands first.
    fn weighed(mut self, refused: Option<&Decision>) -> Self {
        if let (false, Some(decision)) = (self.passed, refused)
            && let (false, Some(first)) = (decision.findings.is_empty(), self.findings.first_mut())
        {
            first.severity = Severity::Error;
        }
        let main = self.main_finding().filter(|_| !self.passed).map(std::ptr::from_ref);
        let deciding = self.findings.iter_mut().find(|finding| main == Some(std::ptr::from_ref(&**finding)));
        if let Some(finding) = deciding {
            finding.severity = Severity::Error;
        }
        self
    }

    /// The result with what people see of the app, verified as the file is.
    #[must_use]
    pub fn with_appearance(mut self, appearance: Option<&Appearance>) -> Self {
        let Some(appearance) = appearance else { return self };
        let (label, labels, icon) = match self.status {
            FileStatus::Verified => (&mut self.label, &mut self.labels, &mut self.icon),
            _ => (&mut self.claimed_label, &mut self.claimed_labels, &mut self.claimed_icon),
        };
        *icon = appearance.icon.as_ref().map(PictureRow::new);
        self.icon_left_out = appearance.icon_left_out;
        label.clone_from(&appearance.label);
        labels.clone_from(&appearance.labels);
        self.labels_left_out = appearance.labels_left_out;
        self
    }

    /// A name of the app to show, verified as the package is, or else what an unverified file says of itself.
    pub(super) fn label_or_claim(&self) -> Option<&str> {
        self.label.as_deref().or(self.claimed_label.as_deref())
    }

    /// Whether a rule of a policy is broken that is not enforced.
    pub fn would_fail(&self) -> bool {
        let breaks = |result: &Self| result.policy.as_ref().is_some_and(|policy| !policy.holds);
        self.passed && self.with_members().into_iter().any(breaks)
    }

    /// Whether it is told where what passed is not: it failed, or would have.
    pub fn is_bad(&self) -> bool {
        !self.passed && self.status != FileStatus::Skipped || self.would_fail()
    }

    /// The rules that are broken, each once.
    pub fn broken_rules(&self) -> Vec<Rule> {
        let all = self.with_members();
        let rules = all.iter().flat_map(|result| &result.policy).flat_map(|policy| &policy.rules);
        let mut broken: Vec<Rule> =
            rules.filter(|result| result.outcome == Outcome::Broken).map(|result| result.rule).collect();
        broken.sort_unstable();
        broken.dedup();
        broken
    }

    /// The result of a file that we could not look at; `why` does not name the file.
    pub fn unjudged(path: &Path, why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::unlooked(path, FileStatus::Unjudged) }
    }

    /// The result of a file that was left out on purpose; `why` does not name the file.
    pub fn skipped(path: &Path, why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::unlooked(path, FileStatus::Skipped) }
    }

    pub(super) fn unlooked(path: &Path, status: FileStatus) -> Self {
        let bytes = path.as_os_str().as_encoded_bytes();
        Self {
            schema: SCHEMA,
            path: path.to_string_lossy().into_owned(),
            path_bytes: path.to_str().is_none().then(|| HEXLOWER.encode(bytes)),
            size: None,
            status,
            verdict: None,
            passed: false,
            package: None,
            version_code: None,
            version_name: None,
            target_sdk: None,
            debuggable: None,
            claimed_package: None,
            claimed_version_code: None,
            claimed_version_name: None,
            label: None,
            labels: Vec::new(),
            claimed_label: None,
            claimed_labels: Vec::new(),
            labels_left_out: 0,
            icon: None,
            claimed_icon: None,
            icon_left_out: None,
            min_sdk: None,
            max_sdk: None,
            schemes: Vec::new(),
            stamp_timestamp: None,
            android_versions: Vec::new(),
            developer: None,
            owner: None,
            other_signers: Vec::new(),
            sha256: None,
            policy: None,
            findings: Vec::new(),
            claimed_certificates: Vec::new(),
            container: None,
            members: Vec::new(),
            error: None,
        }
    }

    /// The signers whom the newest Android version in range sees.
    ///
    /// Of a container those of all members, when they are the same.
    pub fn signers(&self) -> Vec<&SignerRow> {
        if let Some(first) = self.members.first() {
            let digests = |result: &Self| -> Vec<String> {
                result.signers().iter().map(|signer| signer.certificate.sha256.clone()).collect()
            };
            let same = self.members.iter().all(|member| digests(member) == digests(first));
            return if same { first.signers() } else { Vec::new() };
        }
        let Some(newest) = self.android_versions.last() else { return Vec::new() };
        let seen = self
            .signers_of(newest.scheme)
            .iter()
            .filter(|signer| newest.signers.contains(&signer.certificate.sha256));
        match newest.scheme {
            SchemeId::V1 | SchemeId::V2 => seen.collect(),
            // One key may have several ranges of levels.
            _ => seen.max_by_key(|signer| signer.max_sdk.unwrap_or(u32::MAX)).into_iter().collect(),
        }
    }

    /// The verified signers of one scheme.
    pub fn signers_of(&self, scheme: SchemeId) -> &[SignerRow] {
        self.schemes.iter().find(|row| row.scheme == scheme).map_or(&[], |row| &row.signers)
    }

    /// The finding that says most: the first error, else nothing.
    pub fn main_finding(&self) -> Option<&FindingRow> {
        let errors = || self.findings.iter().filter(|finding| finding.is_error());
        // What decided the verdict stands first; a warning of it says more than an error further down only when
        // there is no error at all, but for the one that says of the verdict that it is not accepted.
        let says_more = |finding: &&FindingRow| finding.code != FindingCode::PolicyVerdict.as_str();
        let warning =
            || self.findings.iter().find(|finding| finding.severity == Severity::Warning && !self.passed);
        errors().find(says_more).or_else(warning).or_else(|| errors().next())
    }
}

impl SchemeRow {
    /// The row of `result`.
    pub fn new(result: &SchemeResult) -> Self {
        let (outcome, reason) = match &result.outcome {
            SchemeOutcome::Absent => ("absent", None),
            SchemeOutcome::NotChecked(reason) => ("not-checked", Some(*reason)),
            SchemeOutcome::Rejected => ("rejected", None),
            SchemeOutcome::Verified(_) => ("verified", None),
        };
        let signers = result.signers().iter().map(SignerRow::new).collect();
        let claimed = result.claimed_certificates.iter().filter(|_| result.scheme == SchemeId::SourceStamp);
        let claimed_certificates = claimed.map(CertificateRow::new).collect();
        Self { scheme: result.scheme, outcome, reason, signers, claimed_certificates }
    }
}

impl SignerRow {
    /// v3.2, of the post-quantum signer: the certificate of the classical one beside it.
    pub fn partner(&self) -> Option<&LineageRow> {
        let partner = self.classical_partner.as_ref()?;
        self.history.iter().find(|row| row.sha256 == *partner)
    }

    fn new(signer: &VerifiedSigner) -> Self {
        let (min_sdk, max_sdk) = signer.sdk_range();
        let rows = |lineage: Option<&Lineage>| -> Vec<LineageRow> {
            lineage.map_or(&[][..], Lineage::nodes).iter().map(LineageRow::new).collect()
        };
        let partner = signer.classical_partner().map(|partner| partner.digest().to_string());
        Self {
            signer: signer.place().index.saturating_add(1),
            name: signer.place().name.clone(),
            min_sdk,
            max_sdk: bounded(max_sdk),
            targets_dev_release: signer.targets_dev_release(),
            unread: !signer.is_read(),
            certificate: CertificateRow::new(signer.certificate()),
            algorithms: signer.algorithms().to_vec(),
            lineage: rows(signer.lineage()),
            history: rows(signer.history().filter(|_| partner.is_some())),
            classical_partner: partner,
        }
    }
}

impl CertificateRow {
    /// The row of `certificate`.
    pub fn new(certificate: &Certificate) -> Self {
        let PrintedDigests { sha256, sha1, md5 } = certificate.digests();
        let key = certificate.key();
        Self {
            sha256: HEXLOWER.encode(sha256),
            sha1: HEXLOWER.encode(sha1),
            md5: HEXLOWER.encode(md5),
            subject: certificate.subject().to_owned(),
            key_algorithm: key.algorithm.clone(),
            key_bits: key.bits,
            public_key_sha256: HEXLOWER.encode(&key.digests.sha256),
            public_key_sha1: HEXLOWER.encode(&key.digests.sha1),
            public_key_md5: HEXLOWER.encode(&key.digests.md5),
        }
    }
}

impl MarkRow {
    /// The row of `mark`.
    pub fn new(mark: &Mark) -> Self {
        Self {
            kind: mark.kind,
            state: mark.state,
            covers: mark.covers,
            place: MarkPlace::new(&mark.place),
            size: mark.size,
            looks_like: mark.looks_like.map(Shape::as_str),
            profile: mark.profile.as_ref().map(|profile| MarkProfile {
                name: profile.name.clone(),
                role: profile.role,
                decoder: profile.decoder,
            }),
            reason: mark.reason.clone(),
            fields: mark.fields.clone(),
            certificates: mark.certificates.iter().map(CertificateRow::new).collect(),
            findings: mark.findings.iter().map(FindingRow::new).collect(),
        }
    }
}

impl MarkPlace {
    fn new(place: &Place) -> Self {
        let empty = Self { within: "entry", id: None, name: None, offset: None };
        match place {
            Place::SigningBlock { id, offset } => {
                Self { within: "signing-block", id: Some(id.to_string()), offset: Some(*offset), ..empty }
            }
            Place::Entry { name } => Self { name: Some(name.clone()), ..empty },
            Place::ArchiveComment { offset } => {
                Self { within: "archive-comment", offset: Some(*offset), ..empty }
            }
        }
    }
}

impl FindingRow {
    /// The row of `finding`.
    pub fn new(finding: &Finding) -> Self {
        let with_detail = |summary: &str, detail: &str| {
            if detail.is_empty() { summary.to_owned() } else { format!("{summary}: {detail}") }
        };
        let zh = finding.zh.as_deref();
        let detail_zh = zh.and_then(|zh| zh.detail.as_deref()).unwrap_or(&finding.detail);
        let place = &finding.location;
        Self {
            code: finding.code.as_str(),
            severity: if finding.is_error() {
                finding.severity
            } else {
                finding.severity.min(Severity::Warning)
            },
            message: with_detail(finding.code.summary_en(), &finding.detail),
            message_zh: with_detail(finding.code.summary_zh(), detail_zh),
            scheme: place.scheme,
            signer: place.signer.as_ref().map(FindingSigner::new),
            file: place.file.clone(),
            entry: place.entry.clone(),
            offset: place.offset,
            api_levels: place.api_levels.map(|(min, max)| ApiLevels { min, max: bounded(max) }),
            expected: finding.expected.clone(),
            actual: finding.actual.clone(),
            expected_zh: zh
                .and_then(|zh| zh.expected.clone())
                .filter(|zh| Some(zh) != finding.expected.as_ref()),
            actual_zh: zh.and_then(|zh| zh.actual.clone()).filter(|zh| Some(zh) != finding.actual.as_ref()),
        }
    }

    /// Summary and particulars in that language; particulars that stem from verification are English in any.
    pub fn message_in(&self, language: Language) -> &str {
        language.pick(&self.message, &self.message_zh)
    }

    /// What was expected and what was found, in that language; none where nothing is compared.
    pub fn values_in(&self, language: Language) -> Option<(&str, &str)> {
        let (expected, actual) = (self.expected.as_deref()?, self.actual.as_deref()?);
        let zh =
            (self.expected_zh.as_deref().unwrap_or(expected), self.actual_zh.as_deref().unwrap_or(actual));
        Some(language.pick((expected, actual), zh))
    }

    /// Whether it fails verification or decides a verdict.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl FindingSigner {
    fn new(place: &SignerPlace) -> Self {
        Self { signer: place.index.saturating_add(1), name: place.name.clone(), ignored: place.ignored }
    }
}

pub(super) fn bounded(max_sdk: u32) -> Option<u32> {
    (max_sdk < MAX_SDK).then_some(max_sdk)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none_left_out(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Files that were judged.
    pub judged: u64,
    /// Judged files that passed.
    pub passed: u64,
    /// Judged files that failed.
    pub failed: u64,
    /// Files that could not be looked at.
    pub unjudged: u64,
    /// Links and special files in a tree that were left out; each has a row.
    pub skipped: u64,
    /// APKs and containers in containers that were judged, beside those files.
    #[serde(skip_serializing_if = "is_zero")]
    pub members: u64,
    /// Files in a tree that are not named like an APK; they have no rows.
    pub not_apk: u64,
    /// How many files got each verdict; `verified` counts verified files without a verdict.
    pub verdicts: Verdicts,
    /// What a policy came to, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySummary>,
}

/// What a policy came to in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PolicySummary {
    /// Whether it is enforced.
    pub level: Level,
    /// Files that break some rule: they failed, or would have.
    pub broken: u64,
    /// How many files break each rule; none that nobody breaks.
    pub rules: BTreeMap<Rule, u64>,
    /// What is to be said of exceptions that fitted nothing, or are over.
    pub exceptions: Vec<String>,
}

impl PolicySummary {
    /// Nothing was judged yet.
    pub fn new(level: Level) -> Self {
        Self { level, broken: 0, rules: BTreeMap::new(), exceptions: Vec::new() }
    }

    /// What must be said aloud of a policy that is not enforced.
    pub fn not_enforced(&self) -> Option<String> {
        self.not_enforced_in(Language::English)
    }

    /// As [`PolicySummary::not_enforced`], in that language.
    pub fn not_enforced_in(&self, language: Language) -> Option<String> {
        if self.level == Level::Enforce {
            return None;
        }
        if language == Language::Chinese {
            let rules: Vec<String> =
                self.rules.iter().map(|(rule, count)| format!("{rule} {count} 个")).collect();
            let would = match self.broken {
                0 => "没有文件会因此不通过".to_owned(),
                count => format!("本应有 {count} 个文件不通过：{}", rules.join("，")),
            };
            return Some(format!("策略未强制执行（级别 {}）：{would}", self.level));
        }
        let rules: Vec<String> =
            self.rules.iter().map(|(rule, count)| format!("{count} by {rule}")).collect();
        let would = match self.broken {
            0 => "no file would have failed".to_owned(),
            1 => format!("1 file would have failed: {}", rules.join(", ")),
            count => format!("{count} files would have failed: {}", rules.join(", ")),
        };
        Some(format!("POLICY NOT ENFORCED (level {}): {would}", self.level))
    }
}

/// Counts by verdict, in the order of [`Verdict::ALL`].
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    counts: [u64; Verdict::ALL.len()],
    verified: u64,
}

impl Verdicts {
    /// Every name with its count, zeros included: `verified` first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Verdict::ALL.iter().zip(self.counts).map(|(verdict, count)| (verdict.as_str(), count));
        std::iter::once(("verified", self.verified)).chain(counts)
    }

    fn add(&mut self, verdict: Option<Verdict>) {
        let position = Verdict::ALL.iter().position(|each| Some(*each) == verdict);
        let slot = position.and_then(|position| self.counts.get_mut(position)).unwrap_or(&mut self.verified);
        *slot = slot.saturating_add(1);
    }
}

impl Serialize for Verdicts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Summary {
    /// Counts `result`.
    pub fn add(&mut self, result: &FileResult) {
        let members = result.with_members().len().saturating_sub(1);
        self.members = self.members.saturating_add(members as u64);
        self.count(result.status, result.verdict, result.passed, &result.broken_rules());
    }

    /// Counts a result at a glance.
    pub fn add_glance(&mut self, glance: &Glance) {
        self.count(glance.status, glance.verdict, glance.passed, &glance.broken);
    }

    fn count(&mut self, status: FileStatus, verdict: Option<Verdict>, passed: bool, broken: &[Rule]) {
        let slot = match status {
            FileStatus::Unjudged => &mut self.unjudged,
            FileStatus::Skipped => &mut self.skipped,
            _ => {
                self.verdicts.add(verdict);
                let outcome = if passed { &mut self.passed } else { &mut self.failed };
                *outcome = outcome.saturating_add(1);
                &mut self.judged
            }
        };
        *slot = slot.saturating_add(1);
        if let Some(policy) = &mut self.policy
            && !broken.is_empty()
        {
            policy.broken = policy.broken.saturating_add(1);
            for rule in broken {
                let count = policy.rules.entry(*rule).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// The exit status that the run stands for: 0 everything passed, 1 something failed, 3 something could not be
    /// looked at (before 1), 4 nothing to look at.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self { unjudged: 1.., .. } => 3,
            Self { failed: 1.., .. } => 1,
            Self { judged: 0, .. } => 4,
            _ => 0,
        }
    }

    /// The exit status in words.
    pub fn exit_reason(&self) -> &'static str {
        match self.exit_code() {
            0 => "everything passed",
            1 => "at least one file failed",
            3 => "at least one file could not be read",
            _ => "no input found",
        }
    }
}
