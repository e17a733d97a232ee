//! Signatures of CMS (PKCS #7) and of its Chinese sister GM/T 0010: who signs, and whether the signature holds over
//! the content that it carries.
//!
//! Source: RFC 5652, sections 5.3 and 5.4. SM2 and SM3 of GM/T 0009 and 0004 are named and not verified.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::HashMap;

use data_encoding::HEXLOWER;

use super::Budget;
use super::Content;
use super::Coverage;
use super::Mark;
use super::Reading;
use super::certificate;
use crate::Limits;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::DigestAlgorithm;
use crate::crypto::JarSignatureAlgorithm;
use crate::finding::FindingCode;
use crate::format::ParseError;
use crate::format::der::Oid;
use crate::format::pkcs7::GM_SIGNED_DATA;
use crate::format::pkcs7::SIGNED_DATA;
use crate::format::pkcs7::SignedData;
use crate::format::pkcs7::SignerInfo;
use crate::format::shape::Shape;
use crate::format::x509;
use crate::format::x509_names::NameId;
use crate::format::x509_names::NameIds;
use crate::identity::Certificate;

/// So many signers are described one by one.
const DESCRIBED_SIGNERS: usize = 16;

/// Signed data of either family, with its certificates as far as they can be read.
///
/// Many signers may name one certificate, and one content: what they share is computed once.
pub(super) struct Cms<'a> {
    data: SignedData<'a>,
    certificates: Vec<Found<'a>>,
    names: RefCell<NameIds<'a>>,
    /// Digests of the content.
    digests: RefCell<HashMap<DigestAlgorithm, Vec<u8>>>,
    limits: &'a Limits,
}

/// A certificate of the data.
struct Found<'a> {
    parsed: x509::Certificate<'a>,
    issuer: Option<NameId>,
    identity: OnceCell<Result<Certificate, String>>,
}

impl<'a> Cms<'a> {
    pub(super) fn parse(bytes: &'a [u8], limits: &'a Limits) -> Result<Self, ParseError> {
        let family: Oid<'static> = match Shape::of(bytes, bytes.len() as u64) {
            Shape::GmCms => GM_SIGNED_DATA,
            _ => SIGNED_DATA,
        };
        let data = SignedData::parse_as(family, bytes, limits)?;
        let mut names = NameIds::default();
        let certificates = data
            .certificates
            .iter()
            .flatten()
            .filter_map(|der| x509::Certificate::parse(der, limits).ok())
            .map(|parsed| Found {
                issuer: names.of(parsed.issuer, limits),
                parsed,
                identity: OnceCell::new(),
            })
            .collect();
        let (names, digests) = (RefCell::new(names), RefCell::default());
        Ok(Self { data, certificates, names, digests, limits })
    }

    /// The digest of the content; `None` when it is not there.
    fn content_digest(&self, algorithm: DigestAlgorithm) -> Result<Option<Vec<u8>>, ParseError> {
        let Some(content) = self.data.content else { return Ok(None) };
        if let Some(known) = self.digests.borrow().get(&algorithm) {
            return Ok(Some(known.clone()));
        }
        let digest = algorithm.digest(&content.octets()?);
        self.digests.borrow_mut().insert(algorithm, digest.clone());
        Ok(Some(digest))
    }

    fn find_certificate(&self, info: &SignerInfo<'a>) -> Option<&Found<'a>> {
        if let Some(identifier) = info.sid.key_identifier {
            return self.certificates.iter().find(|found| has_key_identifier(&found.parsed, identifier));
        }
        let named = self.names.borrow_mut().of(info.sid.issuer, self.limits)?;
        self.certificates.iter().find(|found| {
            found.issuer == Some(named) && x509::serial_equal(found.parsed.serial, info.sid.serial)
        })
    }
}

impl Found<'_> {
    fn identity(&self, limits: &Limits) -> Result<Certificate, String> {
        self.identity.get_or_init(|| certificate(self.parsed.raw, limits)).clone()
    }
}

/// Source: RFC 5280, 4.2.1.2; the extension is 2.5.29.14.
fn has_key_identifier(certificate: &x509::Certificate<'_>, identifier: &[u8]) -> bool {
    const SUBJECT_KEY_IDENTIFIER: Oid<'static> = Oid::constant(b"\x55\x1d\x0e");
    // An OCTET STRING of less than 128 octets: tag, length, identifier.
    certificate.extension(SUBJECT_KEY_IDENTIFIER).is_some_and(|extension| {
        extension.value.get(2..) == Some(identifier) && extension.value.first() == Some(&0x04)
    })
}

/// Says what is signed and by whom, verified or not.
pub(super) fn describe(mark: &mut Mark, cms: &Cms<'_>, limits: &Limits) {
    let data = &cms.data;
    if let Some(content_type) = data.content_type {
        mark.push("content-type", content_type.to_string());
    }
    match data.content {
        Some(content) => {
            let len = content.octets().map_or(content.contents.len(), |octets| octets.len());
            mark.push("content-bytes", len.to_string());
        }
        None => mark.push("content", "detached"),
    }
    if let Some(count) = data.certificates.as_ref().map(Vec::len) {
        mark.push("certificates", count.to_string());
    }
    for info in data.signer_infos.iter().take(DESCRIBED_SIGNERS) {
        if let Some(identifier) = info.sid.key_identifier {
            mark.push("key-identifier", HEXLOWER.encode(identifier));
        } else {
            mark.push("issuer", x509::distinguished_name(info.sid.issuer, limits));
            mark.push("serial", HEXLOWER.encode(info.sid.serial));
        }
        mark.push("algorithm", algorithm_name(info));
        let signer = cms.find_certificate(info).map(|found| found.identity(limits));
        if let Some(Ok(signer)) = signer {
            mark.push("signer", signer.subject());
            mark.push("signer-sha256", signer.digest().to_string());
        }
    }
    if data.signer_infos.len() > DESCRIBED_SIGNERS {
        mark.push("signers", data.signer_infos.len().to_string());
    }
    if !data.trailing.is_empty() {
        mark.push("trailing-bytes", data.trailing.len().to_string());
    }
}

/// `RSA with SHA-256`, or the two object identifiers where they are not known.
fn algorithm_name(info: &SignerInfo<'_>) -> String {
    match algorithm(info) {
        Some(algorithm) => algorithm.scheme().to_string(),
        None => format!("{} with {}", info.signature_algorithm, info.digest_algorithm),
    }
}

fn algorithm(info: &SignerInfo<'_>) -> Option<JarSignatureAlgorithm> {
    crypto::jar_signature_algorithm(&info.digest_algorithm.to_string(), &info.signature_algorithm.to_string())
}

/// What one signer's signature comes to.
enum Outcome {
    /// Over the content.
    Verified(Certificate),
    /// Over attributes that hold the digest of a content which is not there.
    OfDetached,
    /// It cannot be verified here.
    Unknown(String),
    /// It does not verify.
    Mismatch(String),
}

impl Reading<'_> {
    /// A signature that a profile knows to be there, over the content that it carries.
    pub(super) fn profiled_cms(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        let Some(value) = self.whole_signed(mark, content)? else { return Ok(()) };
        let cms = match Cms::parse(&value, self.limits()) {
            Ok(cms) => cms,
            Err(error) => {
                mark.looks_like = Some(Shape::of(&value, value.len() as u64));
                mark.malformed(FindingCode::MarkMalformed, error.to_string());
                return Ok(());
            }
        };
        describe(mark, &cms, self.limits());
        judge(mark, &cms, &self.checks, self.limits());
        Ok(())
    }
}

/// The worst of its signers decides.
fn judge(mark: &mut Mark, cms: &Cms<'_>, checks: &Budget, limits: &Limits) {
    if cms.data.signer_infos.is_empty() {
        mark.reason = Some("nobody signs it".to_owned());
        return;
    }
    let (mut signers, mut unknown, mut detached) = (Vec::new(), None, false);
    for info in &cms.data.signer_infos {
        match check(cms, info, checks, limits) {
            Outcome::Verified(signer) => signers.push(signer),
            Outcome::OfDetached => detached = true,
            Outcome::Unknown(reason) => unknown = unknown.or(Some(reason)),
            Outcome::Mismatch(detail) => {
                mark.malformed(FindingCode::MarkSignatureMismatch, detail);
                return;
            }
        }
    }
    match unknown {
        Some(reason) => mark.present(reason),
        None if detached => mark.present(
            "the signature holds over a digest of something that is not in it, so nothing tells what it is over",
        ),
        None => mark.verified(Coverage::OwnContent, signers),
    }
}

fn check<'a>(cms: &Cms<'a>, info: &SignerInfo<'a>, checks: &Budget, limits: &Limits) -> Outcome {
    let data = &cms.data;
    let Some(algorithm) = algorithm(info) else {
        return Outcome::Unknown(format!("signatures by {} are not verified here", algorithm_name(info)));
    };
    let Some(found) = cms.find_certificate(info) else {
        return Outcome::Unknown("the signer's certificate is not in it".to_owned());
    };
    if !checks.take_check(found.parsed.public_key_info, limits) {
        return Outcome::Unknown("more signatures in marks than are checked in one file".to_owned());
    }
    let signer = match found.identity(limits) {
        Ok(signer) => signer,
        Err(error) => return Outcome::Unknown(error),
    };
    let key = match crypto::certificate_key(found.parsed.public_key_info, limits) {
        Ok(key) => key,
        Err(error) => return Outcome::Unknown(format!("the signer's key cannot be used: {error}")),
    };
    if info.signature_is_constructed {
        return Outcome::Unknown("the signature is in several pieces".to_owned());
    }
    let content_digest = match cms.content_digest(algorithm.digest) {
        Ok(content_digest) => content_digest,
        Err(error) => return Outcome::Unknown(error.to_string()),
    };
    let verified = match (&info.signed_attributes, &content_digest) {
        (None, None) => return Outcome::Unknown("what it signs is not in it".to_owned()),
        (None, Some(digest)) => crypto::verify_digest(&key, algorithm.scheme(), digest, info.signature),
        (Some(raw), _) if raw.is_indefinite() => {
            return Outcome::Unknown("the signed attributes have no length".to_owned());
        }
        (Some(raw), digest) => {
            if let Err(outcome) = check_attributes(data, raw, algorithm.digest, digest.as_deref(), limits) {
                return outcome;
            }
            crypto::verify(&key, algorithm.scheme(), &raw.signed_bytes().concat(), info.signature)
        }
    };
    match verified {
        Ok(true) if content_digest.is_some() => Outcome::Verified(signer),
        Ok(true) => Outcome::OfDetached,
        Ok(false) => Outcome::Mismatch(algorithm.scheme().to_string()),
        Err(error) => Outcome::Mismatch(error.to_string()),
    }
}

/// The signed attributes must name the content's type and, where it is there, its digest.
fn check_attributes(
    data: &SignedData<'_>,
    raw: &crate::format::pkcs7::RawAttributes<'_>,
    digest: DigestAlgorithm,
    actual: Option<&[u8]>,
    limits: &Limits,
) -> Result<(), Outcome> {
    let mismatch = |error: ParseError| Outcome::Mismatch(error.to_string());
    let attributes = raw.parse(limits).map_err(mismatch)?;
    if attributes.content_type().map_err(mismatch)? != data.content_type {
        return Err(Outcome::Mismatch("another content type among the signed attributes".to_owned()));
    }
    let Some(signed) = attributes.message_digest().map_err(mismatch)? else {
        return Err(Outcome::Mismatch("no message digest among the signed attributes".to_owned()));
    };
    match actual {
        Some(actual) if actual != signed => Err(Outcome::Mismatch(format!(
            "the content has {} {}, signed is {}",
            digest.name(),
            HEXLOWER.encode(actual),
            HEXLOWER.encode(signed)
        ))),
        _ => Ok(()),
    }
}
