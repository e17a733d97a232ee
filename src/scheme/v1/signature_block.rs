//! A signature block file (`.RSA`, `.DSA`, `.EC`) against its signature file.
//!
//! Source: apksig `V1SchemeVerifier.Signer.verifySigBlockAgainstSigFile`, `verifySignerInfoAgainstSigFile`.

use std::cell::RefCell;

use super::SignatureFile;
use super::Signer;
use super::algorithms;
use crate::Limits;
use crate::apk::Stop;
use crate::apk::too_large;
use crate::crypto;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::crypto::JarSignatureAlgorithm;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::shortened;
use crate::format::der;
use crate::format::pkcs7::SignedData;
use crate::format::pkcs7::SignerIdentifier;
use crate::format::pkcs7::SignerInfo;
use crate::format::x509;
use crate::format::x509_names::NameId;
use crate::format::x509_names::NameIds;
use crate::limits::Cap;
use crate::scheme::Context;
use crate::scheme::budget::CheckError;

/// First API level that tries every `SignerInfo`; older ones try the first alone.
const ALL_SIGNER_INFOS_SINCE: u32 = 24;
/// First API level that checks signed attributes at all.
const SIGNED_ATTRIBUTES_SINCE: u32 = 19;
/// First API level that checks the content type among them.
const CONTENT_TYPE_SINCE: u32 = 24;

/// Why a `SignerInfo` fails the whole signer. One that merely does not verify does not.
enum Fault {
    Parse(String),
    Verify(String),
    Unsupported(String),
}

/// Verifies the block; on success the signer has its certificates, the signing one first.
pub(super) fn verify(cx: &Context<'_>, signer: &mut Signer<'_>) -> Result<(), Stop> {
    let cap = Cap::new("signature-block-file", cx.limits().signature_block_file);
    let bytes = cx.apk.entry_to_vec(signer.block.record, &signer.block.name, cap)?;
    let report = |signer: &mut Signer<'_>, code, detail: String| {
        let entry = signer.block.name.clone();
        signer.report(Finding::new(code).entry(entry).detail(detail));
    };
    let data = SignedData::parse(&bytes, cx.limits());
    let tried: Vec<Tried<'_>> = data.as_ref().map(|data| tried(cx, data)).unwrap_or_default();
    signer.content = read_file(cx, signer, &tried)?;
    let data = match &data {
        Ok(data) => data,
        Err(error) => {
            report(signer, FindingCode::V1ParseException, error.to_string());
            return Ok(());
        }
    };
    if data.signer_infos.is_empty() {
        report(signer, FindingCode::V1NoSigners, String::new());
        return Ok(());
    }
    let bag = match parse_certificates(cx, data) {
        Ok(certificates) => Bag::new(certificates, cx.limits()),
        Err(detail) => {
            report(signer, FindingCode::V1ParseException, detail);
            return Ok(());
        }
    };
    let mut verified = None;
    for tried in &tried {
        match verify_signer_info(cx, data, &bag, tried, &signer.content) {
            Ok(Some(index)) => verified = verified.or(Some((index, tried.algorithm))),
            Ok(None) => {}
            Err(Fault::Parse(detail)) => {
                report(signer, FindingCode::V1ParseException, detail);
                return Ok(());
            }
            Err(Fault::Verify(detail)) => {
                report(signer, FindingCode::V1VerifyException, detail);
                return Ok(());
            }
            Err(Fault::Unsupported(detail)) => {
                report(signer, FindingCode::V1UnsupportedAlgorithm, detail);
                return Ok(());
            }
        }
    }
    let Some((index, algorithm)) = verified else {
        report(signer, FindingCode::V1SignatureMismatch, format!("over {}", signer.file.name));
        return Ok(());
    };
    let chain = bag.chain(index);
    let fault = chain_fault(cx, &bag.certificates, &chain);
    for index in chain {
        let Some(certificate) = bag.certificates.get(index) else { continue };
        match cx.certificates.identify(certificate.raw, cx.limits()) {
            Ok(certificate) => signer.certificates.push(certificate),
            Err(error) => report(signer, FindingCode::V1MalformedCertificate, error.to_string()),
        }
    }
    if let Some(detail) = fault {
        report(signer, FindingCode::FakeId, detail);
    }
    if let Some(algorithm) = algorithm {
        signer.algorithm = format!("{} with {}", algorithm.key_type.name(), algorithm.digest.name());
        signer.digest = Some(algorithm.digest);
    }
    Ok(())
}

/// A `SignerInfo` that some Android version in range looks at, with the algorithms that it names.
struct Tried<'a> {
    info: &'a SignerInfo<'a>,
    digest_oid: String,
    signature_oid: String,
    algorithm: Option<JarSignatureAlgorithm>,
}

fn tried<'a>(cx: &Context<'_>, data: &'a SignedData<'a>) -> Vec<Tried<'a>> {
    let count = if cx.min_sdk < ALL_SIGNER_INFOS_SINCE { 1 } else { data.signer_infos.len() };
    let infos = data.signer_infos.iter().take(count);
    infos
        .map(|info| {
            let digest_oid = info.digest_algorithm.to_string();
            let signature_oid = info.signature_algorithm.to_string();
            let algorithm = crypto::jar_signature_algorithm(&digest_oid, &signature_oid);
            Tried { info, digest_oid, signature_oid, algorithm }
        })
        .collect()
}

/// Signature files of up to this many bytes are kept: those of apps with some hundred entries. Signatures over what is at
/// hand are checked faster than those over a digest, which `ring` does not take.
const KEPT: u64 = 64 * 1024;

/// Digests the signature file by every algorithm that some signature needs, in one pass, however many there are.
///
/// By SHA-256 in any case, so that whoever reads it again can tell that it is the same.
fn read_file(cx: &Context<'_>, signer: &Signer<'_>, tried: &[Tried<'_>]) -> Result<SignatureFile, Stop> {
    let announced = u64::from(signer.file.record.uncompressed_size);
    let cap = Cap::new("jar-manifest", cx.limits().jar_manifest);
    if announced > cap.most {
        return Err(too_large(&signer.file.name, announced, cap));
    }
    let mut hashers = vec![(DigestAlgorithm::Sha256, Hasher::new(DigestAlgorithm::Sha256))];
    for digest in tried.iter().filter_map(|tried| Some(tried.algorithm?.digest)) {
        if hashers.iter().all(|(algorithm, _)| *algorithm != digest) {
            hashers.push((digest, Hasher::new(digest)));
        }
    }
    let mut bytes = (announced <= KEPT).then(Vec::new);
    cx.apk.read_entry(signer.file.record, &mut |piece| {
        for (_, hasher) in &mut hashers {
            hasher.update(piece);
        }
        if let Some(bytes) = &mut bytes {
            bytes.extend_from_slice(piece);
        }
    })?;
    let digests = hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect();
    Ok(SignatureFile { digests, bytes })
}

fn parse_certificates<'a>(
    cx: &Context<'_>,
    data: &SignedData<'a>,
) -> Result<Vec<x509::Certificate<'a>>, String> {
    data.certificates
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, der)| {
            x509::Certificate::parse(der, cx.limits())
                .map_err(|error| format!("certificate #{}: {error}", index + 1))
        })
        .collect()
}

/// Position of the certificate by which the `SignerInfo` verifies; `Ok(None)` when it does not verify.
fn verify_signer_info<'a>(
    cx: &Context<'_>,
    data: &SignedData<'_>,
    bag: &Bag<'a>,
    tried: &Tried<'a>,
    file: &SignatureFile,
) -> Result<Option<usize>, Fault> {
    let Tried { info, digest_oid, signature_oid, algorithm } = tried;
    if let Some(levels) = algorithms::unsupported_levels(digest_oid, signature_oid, (cx.min_sdk, cx.max_sdk))
    {
        return Err(Fault::Unsupported(format!(
            "digest {} ({digest_oid}) with signature {} ({signature_oid}) does not work on API levels {levels}",
            x509::algorithm_name(info.digest_algorithm),
            x509::algorithm_name(info.signature_algorithm),
        )));
    }
    let verify_fault = |text: &str| Fault::Verify(text.to_owned());
    let index = bag.find(&info.sid).ok_or_else(|| {
        verify_fault("the certificate that the signer names is not among those in the block")
    })?;
    let certificate = bag.certificates.get(index).ok_or_else(|| verify_fault("no certificate"))?;
    if certificate.has_unsupported_critical_extension() {
        return Err(verify_fault("the certificate has a critical extension that Android does not support"));
    }
    if certificate.key_usage().is_some_and(|usage| !usage.allows_signing()) {
        return Err(verify_fault("the certificate says that its key is not for signing"));
    }
    let algorithm = algorithm.ok_or_else(|| verify_fault("no such signature algorithm"))?;
    let check_fault = |error: CheckError| Fault::Verify(error.to_string());
    let key = cx.budget.certificate_key(certificate.public_key_info, cx.limits()).map_err(check_fault)?;
    let file_digest = file.digests.iter().find(|(digest, _)| *digest == algorithm.digest);
    let (_, file_digest) = file_digest.ok_or_else(|| verify_fault("no digest of the signature file"))?;
    let (scheme, limits) = (algorithm.scheme(), cx.limits());
    let verified = match (&info.signed_attributes, &file.bytes) {
        (None, Some(bytes)) => cx.budget.verify(&key, scheme, bytes, info.signature, limits),
        (None, None) => cx.budget.verify_digest(&key, scheme, file_digest, info.signature, limits),
        (Some(_), _) if cx.min_sdk < SIGNED_ATTRIBUTES_SINCE => {
            return Err(Fault::Verify(format!(
                "signed attributes are not safe on API levels below {SIGNED_ATTRIBUTES_SINCE}"
            )));
        }
        (Some(raw), _) => {
            if !check_attributes(cx, data, raw, file_digest)? {
                return Ok(None);
            }
            cx.budget.verify(&key, scheme, &raw.signed_bytes().concat(), info.signature, limits)
        }
    };
    Ok(verified.map_err(check_fault)?.then_some(index))
}

/// Whether the signed attributes name the right content type and the digest of the signature file.
fn check_attributes(
    cx: &Context<'_>,
    data: &SignedData<'_>,
    raw: &crate::format::pkcs7::RawAttributes<'_>,
    file_digest: &[u8],
) -> Result<bool, Fault> {
    let parse_fault = |error: crate::format::ParseError| Fault::Parse(error.to_string());
    let attributes = raw.parse(cx.limits()).map_err(parse_fault)?;
    if cx.max_sdk >= CONTENT_TYPE_SINCE {
        let content_type = attributes
            .content_type()
            .map_err(parse_fault)?
            .ok_or_else(|| Fault::Verify("no content type among the signed attributes".to_owned()))?;
        if Some(content_type) != data.content_type {
            return Ok(false);
        }
    }
    let expected = attributes
        .message_digest()
        .map_err(parse_fault)?
        .ok_or_else(|| Fault::Verify("no message digest among the signed attributes".to_owned()))?;
    Ok(file_digest == expected)
}

/// The certificates of a block, with what they are told apart and put in order by: each name is brought into its
/// canonical form once, however often it is compared.
struct Bag<'a> {
    certificates: Vec<x509::Certificate<'a>>,
    /// Of each certificate the number, the issuer and the subject.
    parts: Vec<(&'a [u8], Option<NameId>, Option<NameId>)>,
    names: RefCell<NameIds<'a>>,
    limits: &'a Limits,
}

impl<'a> Bag<'a> {
    fn new(certificates: Vec<x509::Certificate<'a>>, limits: &'a Limits) -> Self {
        let mut names = NameIds::default();
        let parts = certificates
            .iter()
            .map(|certificate| {
                let serial = der::trim_integer(certificate.serial);
                (serial, names.of(certificate.issuer, limits), names.of(certificate.subject, limits))
            })
            .collect();
        Self { certificates, parts, names: RefCell::new(names), limits }
    }

    /// Position of the first certificate with that issuer and number.
    fn find(&self, sid: &SignerIdentifier<'a>) -> Option<usize> {
        let named_serial = der::trim_integer(sid.serial);
        let named_issuer = self.names.borrow_mut().of(sid.issuer, self.limits)?;
        self.parts
            .iter()
            .position(|(serial, issuer, _)| *issuer == Some(named_issuer) && *serial == named_serial)
    }

    /// The signing certificate, then whoever's subject is the issuer of the one before. No signature between them is
    /// checked: only the first identifies the signer.
    ///
    /// Source: apksig `V1SchemeVerifier.getCertificateChain`.
    fn chain(&self, leaf: usize) -> Vec<usize> {
        let mut chain = vec![leaf];
        while let Some((_, issuer, subject)) = chain.last().and_then(|last| self.parts.get(*last)) {
            // A name that is malformed is equal to nothing, not even to itself.
            let Some(issuer) = issuer.filter(|issuer| *subject != Some(*issuer)) else { break };
            let next = self
                .parts
                .iter()
                .enumerate()
                .position(|(index, (_, _, subject))| *subject == Some(issuer) && !chain.contains(&index));
            match next {
                Some(index) => chain.push(index),
                None => break,
            }
        }
        chain
    }
}

/// So many signatures of a chain are checked. Honest chains have at most four certificates.
const CHAIN_CHECKED: usize = 8;

/// Where the chain is one in name alone: the key of a certificate does not verify the signature of the one that names it
/// as its issuer.
///
/// Nobody's identity hangs on it, but Android before 4.4.4 took every certificate of the chain for a signer ("Fake ID",
/// bug 13678484).
fn chain_fault(cx: &Context<'_>, certificates: &[x509::Certificate<'_>], chain: &[usize]) -> Option<String> {
    for (position, edge) in chain.windows(2).enumerate() {
        let [child, issuer] = edge else { continue };
        let (child, issuer) = (certificates.get(*child)?, certificates.get(*issuer)?);
        let name =
            |certificate: &x509::Certificate<'_>| x509::distinguished_name(certificate.subject, cx.limits());
        let why = if position >= CHAIN_CHECKED {
            format!("the chain is longer than the {CHAIN_CHECKED} signatures that are checked")
        } else {
            match is_signed_by(cx, child, issuer) {
                Ok(true) => continue,
                Ok(false) => "the signature does not verify".to_owned(),
                Err(error) => error,
            }
        };
        let (child, issuer) = (name(child), name(issuer));
        return Some(format!("{} names {}: {why}", shortened(&child), shortened(&issuer)));
    }
    None
}

/// Whether the key of `issuer` verifies the signature of `child`; why it cannot be checked.
fn is_signed_by(
    cx: &Context<'_>,
    child: &x509::Certificate<'_>,
    issuer: &x509::Certificate<'_>,
) -> Result<bool, String> {
    // An identifier of certificates names both digest and key.
    let algorithm = crypto::jar_signature_algorithm("", &child.signature_algorithm.to_string())
        .ok_or_else(|| format!("signatures of {} are not checked", child.signature_algorithm))?;
    let key = cx.budget.certificate_key(issuer.public_key_info, cx.limits());
    let key = key.map_err(|error| error.to_string())?;
    cx.verify(&key, algorithm.scheme(), child.tbs, child.signature).map_err(|error| error.to_string())
}
