//! APK Signature Scheme v4: a file beside the APK with a signature over the hash tree of all its bytes.
//!
//! It adds to a v2 or v3 signature, to whose signer and content digest it is bound, and lets Android 11 (API level 30) and
//! newer install an app while its bytes still arrive. A file that is given and does not verify fails the APK, as on a
//! device; without one, the APK is judged by its other signatures.
//!
//! Source: [APK Signature Scheme v4][spec]; apksig `V4SchemeVerifier` and `ApkVerifier.verify`; AOSP
//! `ApkSignatureSchemeV4Verifier`, `libincfs` and the kernel's `incfs_parse_signature`.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v4

mod binding;
mod tree;

use std::fmt;
use std::io;

use super::Context;
use super::NotChecked;
use super::SchemeOutcome;
use super::SchemeResult;
use super::VerifiedSigner;
use super::block;
use crate::Error;
use crate::apk::Stop;
use crate::crypto::FileTree;
use crate::crypto::SignatureAlgorithmId;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::SignerPlace;
use crate::format::ParseErrorKind;
use crate::format::idsig;
use crate::format::idsig::SigningInfo;
use crate::format::idsig::V4Signature;
use crate::format::signing_block::BlockId;
use crate::identity::Certificate;
use crate::limits::Cap;
use crate::source::ByteSource;

use tree::Pages;
use tree::StoredTree;
use tree::TreeCheck;

/// The file is looked at when a version from this API level on is in range, as in apksig. A signature is made for the
/// APK as a whole, so it is worth a look even where the versions that read it are out of range.
pub(crate) const MIN_SDK: u32 = 24;
/// What Android refuses in a file, and apksig does not look at: it goes on, and so do we, to see the rest.
pub(crate) const UNSEEN_BY_APKSIG: [FindingCode; 5] = [
    FindingCode::V4TooLarge,
    FindingCode::V4UnsupportedHash,
    FindingCode::V4UnsupportedBlockSize,
    FindingCode::V4SaltTooLong,
    FindingCode::V4TreeTruncated,
];

/// The v4 signature file that stands beside an APK, `app.apk.idsig`.
#[derive(Clone, Copy)]
pub struct Idsig<'a> {
    source: &'a dyn ByteSource,
    name: &'a str,
}

impl<'a> Idsig<'a> {
    /// The file with these bytes; findings and errors call it `name`.
    pub fn new(source: &'a dyn ByteSource, name: &'a str) -> Self {
        Self { source, name }
    }

    /// Checks that the bytes are still those that were there at the start.
    ///
    /// # Errors
    /// [`Error::File`] when they are not.
    pub(crate) fn check_unchanged(&self) -> Result<(), Error> {
        self.source.check_unchanged().map_err(|what| self.changed(&what))
    }

    fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>, Stop> {
        self.source.read_vec_at(offset, len).map_err(|error| {
            Stop::Error(match error.kind() {
                // All reads are inside the size that it had at the start.
                io::ErrorKind::UnexpectedEof => self.changed("it became shorter"),
                _ => Error::file(self.name, "read", error),
            })
        })
    }

    fn changed(&self, what: &str) -> Error {
        let message = format!("the file changed while it was read: {what}");
        Error::File { path: self.name.into(), message, source: None }
    }
}

impl fmt::Debug for Idsig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idsig").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A v4 signature after it has been looked at by itself, and once it has been held against the APK's other signatures.
#[derive(Debug)]
pub(super) struct ExaminedV4 {
    name: String,
    entries: Vec<Entry>,
    findings: Vec<Finding>,
    /// Whom it claims to be by, verified or not.
    claimed: Option<Certificate>,
    /// The entries that belong to a signer of the APK.
    bound: Option<Vec<VerifiedSigner>>,
}

/// An entry whose signature verifies.
#[derive(Debug)]
struct Entry {
    /// The block whose signer it is for; none for v2 and v3.0.
    block: Option<BlockId>,
    place: SignerPlace,
    certificate: Certificate,
    apk_digest: Vec<u8>,
    algorithm: &'static str,
}

/// A v4 signature of which all is looked at but its tree, which may be computed in one pass with the content digests.
pub(super) struct BegunV4<'a> {
    examined: ExaminedV4,
    tree: Option<TreeCheck<'a>>,
}

/// Looks at the file by itself, as far as that goes without the content of the APK: its structure and its signatures.
///
/// # Errors
/// When the bytes cannot be had.
pub(super) fn begin<'a>(cx: &Context<'_>, idsig: &Idsig<'a>) -> Result<BegunV4<'a>, Stop> {
    let mut examined = ExaminedV4 {
        name: idsig.name.to_owned(),
        entries: Vec::new(),
        findings: Vec::new(),
        claimed: None,
        bound: None,
    };
    let mut tree = None;
    let limit = cx.limits().v4_signature;
    let head = idsig.read(0, idsig.source.len().min(limit))?;
    if let Some((signature, stored)) = examined.parse(cx, idsig, &head)? {
        examined.check_form(&signature);
        examined.verify_entries(cx, &signature);
        // Whoever may not sign for the APK is not worth reading all of it.
        if !examined.is_over() {
            tree = Some(TreeCheck::begin(cx, *idsig, &signature, stored));
        }
    }
    Ok(BegunV4 { examined, tree })
}

impl<'a> BegunV4<'a> {
    /// The tree over the APK, when it is wanted.
    pub(super) fn tree(&mut self) -> Option<&mut FileTree<Pages<'a>>> {
        self.tree.as_mut().map(|check| &mut check.tree)
    }

    /// Computes what is left of the tree, and looks whether it is that of the APK.
    ///
    /// # Errors
    /// When the bytes cannot be had.
    pub(super) fn end(mut self, cx: &Context<'_>) -> Result<ExaminedV4, Stop> {
        if let Some(check) = self.tree {
            self.examined.check_tree(cx, check)?;
        }
        Ok(self.examined)
    }
}

impl ExaminedV4 {
    fn report(&mut self, finding: Finding) {
        self.findings.push(finding.scheme(SchemeId::V4).file(self.name.clone()));
    }

    fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// Whether there is an error that ends verification.
    fn is_over(&self) -> bool {
        self.findings.iter().any(|finding| finding.is_error() && !UNSEEN_BY_APKSIG.contains(&finding.code))
    }

    /// Reads what stands before the tree, and where that lies; nothing when the file is not a v4 signature.
    fn parse<'a>(
        &mut self,
        cx: &Context<'_>,
        idsig: &Idsig<'_>,
        head: &'a [u8],
    ) -> Result<Option<(V4Signature<'a>, StoredTree)>, Stop> {
        if head.is_empty() {
            self.report(Finding::new(FindingCode::V4NoSignatures));
            return Ok(None);
        }
        if let Ok(version) = idsig::version(head)
            && version != idsig::VERSION
        {
            let finding = Finding::new(FindingCode::V4UnsupportedVersion);
            self.report(finding.values(idsig::VERSION.to_string(), version.to_string()));
            return Ok(None);
        }
        let signature = match V4Signature::parse(head) {
            Ok(signature) => signature,
            Err(error) => {
                let limit = cx.limits().v4_signature;
                let cut =
                    matches!(error.kind, ParseErrorKind::Truncated { .. }) && idsig.source.len() > limit;
                let code = if cut { FindingCode::LimitExceeded } else { FindingCode::V4Malformed };
                let finding = Finding::new(code).detail(error.to_string());
                self.report(if cut {
                    let most = Cap::new("v4-signature", limit).in_words(" bytes before the hash tree");
                    finding.values(most, "more")
                } else {
                    finding
                });
                return Ok(None);
            }
        };
        Ok(self.find_tree(idsig, signature.size)?.map(|tree| (signature, tree)))
    }

    /// What Android refuses in the form of the signature, and apksig does not look at.
    ///
    /// Source: AOSP `libincfs` `validateSignatureFormat`, kernel `incfs_parse_signature`, `V4Signature.readBytes`.
    fn check_form(&mut self, signature: &V4Signature<'_>) {
        let hashing = &signature.hashing_info;
        let numbers = [
            (
                FindingCode::V4TooLarge,
                signature.size <= idsig::MAX_SIGNATURE_SIZE,
                format!("at most {} bytes before the hash tree", idsig::MAX_SIGNATURE_SIZE),
                signature.size.to_string(),
            ),
            (
                FindingCode::V4UnsupportedHash,
                hashing.hash_algorithm == idsig::HASH_ALGORITHM_SHA256,
                idsig::HASH_ALGORITHM_SHA256.to_string(),
                hashing.hash_algorithm.to_string(),
            ),
            (
                FindingCode::V4UnsupportedBlockSize,
                hashing.log2_block_size == idsig::LOG2_BLOCK_SIZE_4096,
                idsig::LOG2_BLOCK_SIZE_4096.to_string(),
                hashing.log2_block_size.to_string(),
            ),
            (
                FindingCode::V4SaltTooLong,
                hashing.salt.len() <= idsig::MAX_SALT,
                format!("at most {} bytes", idsig::MAX_SALT),
                hashing.salt.len().to_string(),
            ),
        ];
        for (code, holds, expected, actual) in numbers {
            if !holds {
                self.report(Finding::new(code).values(expected, actual));
            }
        }
        if (1..=idsig::MAX_SALT).contains(&hashing.salt.len()) {
            let salt = format!("{} bytes", hashing.salt.len());
            self.report(Finding::new(FindingCode::V4Salted).detail(salt));
        }
        if !hashing.trailing.is_empty() {
            let behind = format!("{} behind the root hash", hashing.trailing.len());
            self.report(Finding::new(FindingCode::V4TrailingBytes).detail(behind));
        }
    }

    /// Verifies the signature of each entry, until one fails.
    fn verify_entries(&mut self, cx: &Context<'_>, signature: &V4Signature<'_>) {
        let first = signature.signing_info;
        self.claimed = cx.certificates.identify(first.certificate, cx.limits()).ok();
        self.verify_entry(cx, signature, None, &first);
        for (id, bytes) in &signature.blocks {
            if self.is_over() {
                return;
            }
            if self.entries.len() > cx.limits().v3_signers {
                let most = format!("at most {}", cx.limits().v3_signers);
                let found = format!("{} further entries", signature.blocks.len());
                self.report(Finding::new(FindingCode::V4MultipleSigners).values(most, found));
                return;
            }
            match SigningInfo::parse(*bytes) {
                Ok(info) => self.verify_entry(cx, signature, Some(*id), &info),
                Err(error) => {
                    self.report(Finding::new(FindingCode::V4Malformed).detail(error.to_string()));
                    return;
                }
            }
        }
    }

    fn verify_entry(
        &mut self,
        cx: &Context<'_>,
        signature: &V4Signature<'_>,
        block: Option<BlockId>,
        info: &SigningInfo<'_>,
    ) {
        let place = SignerPlace::new(self.entries.len());
        if !info.trailing.is_empty() {
            let behind = format!("{} behind the signature", info.trailing.len());
            let finding = Finding::new(FindingCode::V4TrailingBytes).detail(behind);
            self.report(finding.signer(place.clone()));
        }
        let signed_data = signature.signed_data(cx.apk.source().len(), info);
        match verify_signer(cx, info, &signed_data) {
            Ok((certificate, algorithm)) => {
                let apk_digest = info.apk_digest.to_vec();
                self.entries.push(Entry { block, place, certificate, apk_digest, algorithm });
            }
            Err(finding) => self.report(finding.signer(place)),
        }
    }

    /// What it proves. An entry that was not held against the APK's signers proves nothing.
    pub(super) fn into_result(self) -> (SchemeResult, Vec<Finding>) {
        let failed = self.has_errors();
        let outcome = match self.bound {
            _ if failed => SchemeOutcome::Rejected,
            Some(signers) => SchemeOutcome::Verified(signers),
            None => SchemeOutcome::NotChecked(NotChecked::EarlierFailure),
        };
        let claimed_certificates = self.claimed.into_iter().filter(|_| failed).collect();
        (SchemeResult { scheme: SchemeId::V4, outcome, claimed_certificates }, self.findings)
    }
}

/// Verifies one signature; gives the certificate, whose key it is, and the name of the algorithm.
///
/// Source: apksig `V4SchemeVerifier.parseAndVerifySignatureBlock`.
fn verify_signer(
    cx: &Context<'_>,
    info: &SigningInfo<'_>,
    signed_data: &[u8],
) -> Result<(Certificate, &'static str), Box<Finding>> {
    let fault = |code, detail: String| Box::new(Finding::new(code).detail(detail));
    let id = info.signature_algorithm;
    let Some(algorithm) = SignatureAlgorithmId(id).lookup() else {
        return Err(fault(FindingCode::V4UnknownAlgorithm, format!("{id:#06x}")));
    };
    let key = cx
        .budget
        .public_key(info.public_key, cx.limits())
        .map_err(|error| fault(FindingCode::V4MalformedPublicKey, error.to_string()))?;
    if !algorithm.fits(&key) {
        let detail = format!("{} with a key for {}", algorithm.name, key.algorithm_name());
        return Err(fault(FindingCode::V4MalformedPublicKey, detail));
    }
    match cx.verify(&key, algorithm.scheme, signed_data, info.signature) {
        Ok(true) => {}
        Ok(false) => return Err(fault(FindingCode::V4SignatureMismatch, algorithm.name.to_owned())),
        Err(error) => {
            return Err(fault(FindingCode::V4VerifyException, format!("{}: {error}", algorithm.name)));
        }
    }
    if info.certificate.is_empty() {
        return Err(Box::new(Finding::new(FindingCode::V4NoCertificate)));
    }
    let certificate = cx
        .certificates
        .identify(info.certificate, cx.limits())
        .map_err(|error| fault(FindingCode::V4MalformedCertificate, error.to_string()))?;
    if let Some((expected, actual)) = block::key_mismatch(cx, &certificate, info.public_key) {
        return Err(Box::new(Finding::new(FindingCode::V4PublicKeyMismatch).values(expected, actual)));
    }
    Ok((certificate, algorithm.name))
}
