//! Everything that one file shows, in its published form: what `inspect` writes as JSON and what its text reads from.

mod archive;
mod container;
mod map;
mod text;

use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::FileResult;
use super::IdentityRow;
use super::model::CertificateRow;
use super::model::LineageRow;
use super::model::MarkRow;
use super::model::SCHEMA;
use super::model::bounded;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::inspect::CertificateDetails;
use crate::inspect::DeviceView;
use crate::inspect::Inspection;
use crate::inspect::KeyDetails;
use crate::inspect::PairFacts;
use crate::inspect::Seen;
use crate::inspect::SigningBlockFacts;
use crate::scheme::LineageFileFault;
use crate::scheme::VerifiedSigner;

pub use archive::ArchiveRow;
pub use archive::EntryRow;
pub use archive::Extent;
pub use archive::GapRow;
pub use archive::OverlapRow;
pub use container::ContainerInspectionRow;
pub use container::InspectedMember;
pub use container::container_text;
pub use text::lineage_text;
pub use text::text;

/// Everything that is said of one file.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InspectionRow {
    /// What `verify` says of it.
    #[serde(flatten)]
    pub file: FileResult,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// What the app calls itself, verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityRow>,
    /// What an unverified file calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_identity: Option<IdentityRow>,
    /// Whom each Android version in range sees, or why it refuses the file; lowest first.
    pub devices: Vec<DeviceRow>,
    /// What else the file carries, in the order of the file.
    pub marks: Vec<MarkRow>,
    /// How many places of that kind were not looked at, because there are too many.
    #[serde(skip_serializing_if = "is_zero")]
    pub marks_left_out: usize,
    /// Every certificate that a scheme names, each once.
    pub certificates: Vec<InspectedCertificate>,
    /// The APK Signing Block.
    pub signing_block: Option<SigningBlockRow>,
    /// How the archive lies in the file.
    pub archive: Option<ArchiveRow>,
}

/// What some Android versions make of the file.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DeviceRow {
    /// Lowest API level.
    pub min_sdk: u32,
    /// Highest API level; none for no upper bound.
    pub max_sdk: Option<u32>,
    /// Whether they take the file.
    pub accepted: bool,
    /// The scheme that they go by; none when they refuse the file.
    pub scheme: Option<SchemeId>,
    /// SHA-256 of the signers' certificates; empty when they refuse the file.
    pub signers: Vec<String>,
    /// v3.2: SHA-256 of the classical certificate whose signature they demand beside that of the signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classical_partner: Option<String>,
    /// Codes of the findings for which they refuse it; empty too for a file without a signature.
    pub refused_for: Vec<&'static str>,
    /// Why they go by that scheme, or refuse the file.
    pub why: String,
}

/// A certificate in full.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InspectedCertificate {
    /// Its digests, subject and key.
    #[serde(flatten)]
    pub certificate: CertificateRow,
    /// Issuer; self-asserted.
    pub issuer: String,
    /// Whether issuer and subject are the same name.
    pub self_issued: bool,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Start of validity, RFC 3339; none when the time is none. Android does not look at it.
    pub not_before: Option<String>,
    /// End of validity, RFC 3339; none when the time is none. Android does not look at it.
    pub not_after: Option<String>,
    /// With what the issuer signed it.
    pub signature_algorithm: String,
    /// Name of the curve, for keys on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<&'static str>,
    /// RSA modulus in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_modulus: Option<String>,
    /// RSA modulus in decimal, as filing systems ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_modulus_decimal: Option<String>,
    /// RSA public exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_exponent: Option<u64>,
    /// Whether the subject is that of the debug certificates of Android's build tools.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub debug: bool,
    /// The certificate as PEM, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
}

/// The APK Signing Block.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SigningBlockRow {
    /// Where it starts in the file.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// Its pairs, in the order of the file.
    pub pairs: Vec<PairRow>,
    /// Where it breaks its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Whether Android sees no block at all because of `fault`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unusable: bool,
}

/// A pair of the signing block.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PairRow {
    /// Id in hexadecimal: `0x7109871a`.
    pub id: String,
    /// What the id stands for, when that is known.
    pub name: Option<&'static str>,
    /// Where the value starts in the file.
    pub offset: u64,
    /// Size of the value in bytes.
    pub size: u64,
    /// Whether an earlier pair has the same id, which Android reads instead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl InspectionRow {
    /// The row of the file at `path`; with certificates as PEM when `pem` says so.
    pub fn new(path: &Path, inspection: &Inspection, pem: bool) -> Self {
        let verified = inspection.verification.is_verified();
        let refused = |finding: &Finding| finding.code == FindingCode::InstallerRefuses;
        let passed = verified && !inspection.verification.findings.iter().any(refused);
        let identity = inspection.identity.as_ref().map(IdentityRow::new);
        Self {
            file: FileResult::judged(path, &inspection.verification, None, passed)
                .with_appearance(inspection.appearance.as_ref()),
            sha256: HEXLOWER.encode(&inspection.sha256),
            identity: identity.clone().filter(|_| verified),
            claimed_identity: identity.filter(|_| !verified),
            devices: inspection.devices.iter().map(DeviceRow::new).collect(),
            marks: inspection.marks.marks.iter().map(MarkRow::new).collect(),
            marks_left_out: inspection.marks.left_out,
            certificates: inspection
                .certificates
                .iter()
                .map(|(certificate, details)| InspectedCertificate::new(certificate, details, pem))
                .collect(),
            signing_block: inspection.signing_block.as_ref().map(SigningBlockRow::new),
            archive: inspection.archive.as_ref().map(ArchiveRow::new),
        }
    }

    /// The certificate with that SHA-256.
    fn certificate(&self, sha256: &str) -> Option<&InspectedCertificate> {
        self.certificates.iter().find(|row| row.certificate.sha256 == sha256)
    }
}

impl DeviceRow {
    fn new(view: &DeviceView) -> Self {
        let partner = match &view.seen {
            Seen::Signers(_, signers) => signers.iter().find_map(VerifiedSigner::classical_partner),
            Seen::Refused(_) => None,
        };
        let (scheme, signers, refused_for) = match &view.seen {
            Seen::Signers(scheme, signers) => {
                let digest = |signer: &VerifiedSigner| signer.digest().to_string();
                (Some(*scheme), signers.iter().map(digest).collect(), Vec::new())
            }
            Seen::Refused(errors) => {
                let mut codes: Vec<&'static str> = errors.iter().map(|error| error.code.as_str()).collect();
                codes.dedup();
                (None, Vec::new(), codes)
            }
        };
        Self {
            min_sdk: view.min_sdk,
            max_sdk: bounded(view.max_sdk),
            accepted: scheme.is_some(),
            scheme,
            signers,
            classical_partner: partner.map(|partner| partner.digest().to_string()),
            refused_for,
            why: view.why.clone(),
        }
    }
}

impl InspectedCertificate {
    fn new(certificate: &Certificate, details: &CertificateDetails, pem: bool) -> Self {
        let time = |seconds: i64| jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string());
        let mut row = Self {
            certificate: CertificateRow::new(certificate),
            issuer: details.issuer.clone(),
            self_issued: details.self_issued,
            serial: details.serial.clone(),
            not_before: time(details.not_before),
            not_after: time(details.not_after),
            signature_algorithm: details.signature_algorithm.clone(),
            curve: None,
            rsa_modulus: None,
            rsa_modulus_decimal: None,
            rsa_exponent: None,
            debug: details.debug,
            pem: pem.then(|| super::pem::certificate(certificate.der())),
        };
        match &details.key {
            Some(KeyDetails::Rsa { modulus, modulus_decimal, exponent }) => {
                row.rsa_modulus = Some(HEXLOWER.encode(modulus));
                row.rsa_modulus_decimal = Some(modulus_decimal.clone());
                row.rsa_exponent = Some(*exponent);
            }
            Some(KeyDetails::Ec { curve }) => row.curve = Some(curve),
            Some(KeyDetails::Other) | None => {}
        }
        row
    }
}

impl SigningBlockRow {
    fn new(block: &SigningBlockFacts) -> Self {
        let pair = |pair: &PairFacts| PairRow {
            id: pair.id.to_string(),
            name: pair.name,
            offset: pair.offset,
            size: pair.size,
            duplicate: pair.duplicate,
        };
        Self {
            offset: block.offset,
            size: block.size,
            pairs: block.pairs.iter().map(pair).collect(),
            fault: block.fault.clone(),
            unusable: block.unusable,
        }
    }
}

/// A lineage file, as `apksigner rotate` writes it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LineageFileRow {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// The file as it was named; what is not UTF-8 in it is replaced.
    pub path: String,
    /// Whether each certificate vouches for the next one.
    pub verified: bool,
    /// First API level that knows all its algorithms.
    pub min_sdk: Option<u32>,
    /// Its certificates, the oldest first; empty when it does not verify.
    pub nodes: Vec<LineageRow>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl LineageFileRow {
    /// The row of the lineage file at `path`.
    pub fn new(path: &Path, lineage: &Result<Lineage, LineageFileFault>) -> Self {
        let verified = lineage.as_ref().ok();
        Self {
            schema: SCHEMA,
            path: path.to_string_lossy().into_owned(),
            verified: verified.is_some(),
            min_sdk: verified.map(Lineage::min_sdk),
            nodes: verified.map_or(&[][..], Lineage::nodes).iter().map(LineageRow::new).collect(),
            fault: lineage.as_ref().err().map(ToString::to_string),
        }
    }
}

/// A row as one JSON document, its text made harmless.
///
/// # Errors
/// When it cannot be serialised, which is a fault of this program.
pub fn json(row: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(row).map(|text| super::escape::json(&text).into_owned())
}
