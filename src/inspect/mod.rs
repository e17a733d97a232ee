//! Everything that one file shows: what it is, how it lies, who signed it, and whom each Android version sees.
//!
//! Gathers what the layers below read and prove; judges nothing itself. A file that does not verify, or is hardly an
//! APK, is shown as far as it can be read.

mod archive;
mod certificate;
mod devices;
mod signing_block;

use crate::Error;
use crate::Limits;
use crate::apk::Apk;
use crate::apk::AppIdentity;
use crate::apk::Appearance;
use crate::apk::Stop;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::crypto::sha256;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::marks;
use crate::marks::MarkOptions;
use crate::marks::Marks;
use crate::marks::Profiles;
use crate::policy;
use crate::scheme::Idsig;
use crate::scheme::SchemeResult;
use crate::source::ByteSource;
use crate::verify::Verification;
use crate::verify::VerifyOptions;
use crate::verify::verify;
use crate::verify::verify_with_idsig;

pub use archive::ArchiveFacts;
pub use certificate::CertificateDetails;
pub use certificate::KeyDetails;
pub use devices::DeviceView;
pub use devices::Seen;
pub use signing_block::PairFacts;
pub use signing_block::SigningBlockFacts;

/// How much of the file is read at once to digest it, in bytes.
const PIECE: usize = 256 * 1024;

/// Everything that a file shows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inspection {
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// What its signatures prove, over all Android versions in range.
    pub verification: Verification,
    /// Whom each Android version in range sees, or why it refuses the file; lowest first.
    pub devices: Vec<DeviceView>,
    /// What the app calls itself: a claim unless the file is verified. None when its manifest cannot be read.
    pub identity: Option<AppIdentity>,
    /// What people see of it before they start it, within the tighter limits of a scan: no less a claim.
    pub appearance: Option<Appearance>,
    /// What else the file carries: channels, store metadata, a developer's own signature, what nobody knows. Those of a
    /// file that does not verify prove nothing of it.
    pub marks: Marks,
    /// How the archive lies in the file, gaps and overlaps among it; none when it is no ZIP archive.
    pub archive: Option<ArchiveFacts>,
    /// The APK Signing Block, or what is left of one.
    pub signing_block: Option<SigningBlockFacts>,
    /// Every certificate that a scheme names, verified or claimed, each once.
    pub certificates: Vec<(Certificate, CertificateDetails)>,
}

/// Reads everything that the file in `source` shows; `idsig` is the v4 signature file that goes with it, `profiles`
/// tell what stands in places that nobody has published.
///
/// # Errors
/// As [`verify_with_idsig`].
pub fn inspect(
    source: &dyn ByteSource,
    idsig: Option<&Idsig<'_>>,
    options: &VerifyOptions,
    profiles: &Profiles,
) -> Result<Inspection, Error> {
    let mut verification = match idsig {
        Some(idsig) => verify_with_idsig(source, idsig, options)?,
        None => verify(source, options)?,
    };
    let devices = devices::views(source, options, &verification)?;
    verification.findings.splice(0..0, policy::installer_refuses(&verification));
    verification.findings.extend(policy::signers_differ(&verification));
    let mut parts = Parts::default();
    match Apk::open(source, &options.limits) {
        Ok(apk) => parts.read(&apk, profiles, &mut verification)?,
        Err(stop) => {
            readable::<()>(Err(stop), &mut verification)?;
        }
    }
    let Parts { identity, appearance, marks, archive, signing_block } = parts;
    let certificates = certificates(&verification, &devices, &options.limits);
    let sha256 = digest(source)?;
    source.check_unchanged().map_err(Error::Changed)?;
    Ok(Inspection {
        sha256,
        verification,
        devices,
        identity,
        appearance,
        marks,
        archive,
        signing_block,
        certificates,
    })
}

/// What is read of a file that is an archive.
#[derive(Default)]
struct Parts {
    identity: Option<AppIdentity>,
    appearance: Option<Appearance>,
    marks: Marks,
    archive: Option<ArchiveFacts>,
    signing_block: Option<SigningBlockFacts>,
}

impl Parts {
    /// Reads each part on its own: one that is malformed does not keep the others from being shown.
    fn read(
        &mut self,
        apk: &Apk<'_>,
        profiles: &Profiles,
        verification: &mut Verification,
    ) -> Result<(), Error> {
        let options = MarkOptions { profiles: profiles.clone(), ..MarkOptions::default() };
        self.marks = marks::read_apk(apk, &options)?;
        for finding in &self.marks.findings {
            if !verification.findings.contains(finding) {
                verification.findings.push(finding.clone());
            }
        }
        self.identity = readable(apk.identity(), verification)?;
        self.appearance = readable(apk.appearance(sha256), verification)?.flatten();
        self.archive = readable(archive::facts(apk), verification)?;
        self.signing_block = readable(signing_block::facts(apk), verification)?.flatten();
        Ok(())
    }
}

/// What could be read; a malformed part is none, and its finding is kept, once.
fn readable<T>(part: Result<T, Stop>, verification: &mut Verification) -> Result<Option<T>, Error> {
    match part {
        Ok(part) => Ok(Some(part)),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Malformed(finding)) => {
            if !verification.findings.contains(&finding) {
                verification.findings.push(*finding);
            }
            Ok(None)
        }
    }
}

fn certificates(
    verification: &Verification,
    devices: &[DeviceView],
    limits: &Limits,
) -> Vec<(Certificate, CertificateDetails)> {
    let mut seen: Vec<(Certificate, CertificateDetails)> = Vec::new();
    let mut add = |certificate: &Certificate| {
        if !seen.iter().any(|(known, _)| known == certificate) {
            seen.push((certificate.clone(), CertificateDetails::of(certificate, limits)));
        }
    };
    let verified = verification.schemes.iter().flat_map(SchemeResult::signers);
    let of_some_versions = devices.iter().flat_map(|view| match &view.seen {
        Seen::Signers(_, signers) => signers.as_slice(),
        Seen::Refused(_) => &[],
    });
    for signer in verified.chain(of_some_versions) {
        signer.certificates().iter().for_each(&mut add);
        for node in signer.lineage().map_or(&[][..], Lineage::nodes) {
            add(&node.certificate);
        }
    }
    verification.schemes.iter().flat_map(|result| &result.claimed_certificates).for_each(add);
    seen
}

fn digest(source: &dyn ByteSource) -> Result<[u8; 32], Error> {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    let mut buffer = vec![0; PIECE];
    let mut offset = 0;
    while offset < source.len() {
        let len = usize::try_from(source.len() - offset).unwrap_or(PIECE).min(PIECE);
        let Some(piece) = buffer.get_mut(..len) else { break };
        source.read_exact_at(piece, offset).map_err(|error| match Stop::from(error) {
            Stop::Error(error) => error,
            Stop::Malformed(finding) => Error::Changed(finding.message()),
        })?;
        hasher.update(piece);
        offset += len as u64;
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(&hasher.finish());
    Ok(sha256)
}

impl Inspection {
    /// The details of the certificate with these bytes.
    pub fn details(&self, certificate: &Certificate) -> Option<&CertificateDetails> {
        self.certificates.iter().find(|(known, _)| known == certificate).map(|(_, details)| details)
    }

    /// The codes of the findings that fail the file, each once.
    pub fn error_codes(&self) -> Vec<FindingCode> {
        error_codes(&self.verification.findings)
    }
}

/// The codes of those findings that are errors, each once, in their order.
fn error_codes(findings: &[Finding]) -> Vec<FindingCode> {
    let mut codes = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_error()) {
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    codes
}
