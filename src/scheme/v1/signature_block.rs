//! A signature block file (`.RSA`, `.DSA`, `.EC`) against its signature file.
//!
//! Source: apksig `V1SchemeVerifier.Signer.verifySigBlockAgainstSigFile`, `verifySignerInfoAgainstSigFile`.

use super::Signer;
use super::algorithms;
use crate::apk::Stop;
use crate::crypto;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::pkcs7::SignedData;
use crate::format::pkcs7::SignerIdentifier;
use crate::format::pkcs7::SignerInfo;
use crate::format::x509;
use crate::scheme::Context;

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
    let limit = cx.limits().signature_block_file;
    let bytes = cx.apk.entry_to_vec(signer.block.record, &signer.block.name, limit)?;
    let report = |signer: &mut Signer<'_>, code, detail: String| {
        let entry = signer.block.name.clone();
        signer.report(Finding::new(code).entry(entry).detail(detail));
    };
    let data = match SignedData::parse(&bytes, cx.limits()) {
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
    let certificates = match parse_certificates(cx, &data) {
        Ok(certificates) => certificates,
        Err(detail) => {
            report(signer, FindingCode::V1ParseException, detail);
            return Ok(());
        }
    };
    let tried = if cx.min_sdk < ALL_SIGNER_INFOS_SINCE { 1 } else { data.signer_infos.len() };
    let mut verified = None;
    for info in data.signer_infos.iter().take(tried) {
        match verify_signer_info(cx, &data, &certificates, info, &signer.file_bytes) {
            Ok(Some(index)) => verified = verified.or(Some((index, info))),
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
    let Some((index, info)) = verified else {
        report(signer, FindingCode::V1SignatureMismatch, format!("over {}", signer.file.name));
        return Ok(());
    };
    let chain = chain(&certificates, index);
    let fault = chain_fault(cx, &certificates, &chain);
    for index in chain {
        let Some(certificate) = certificates.get(index) else { continue };
        match cx.certificates.identify(certificate.raw, cx.limits()) {
            Ok(certificate) => signer.certificates.push(certificate),
            Err(error) => report(signer, FindingCode::V1MalformedCertificate, error.to_string()),
        }
    }
    if let Some(detail) = fault {
        report(signer, FindingCode::FakeId, detail);
    }
    if let Some(algorithm) = crypto::jar_signature_algorithm(
        &info.digest_algorithm.to_string(),
        &info.signature_algorithm.to_string(),
    ) {
        signer.algorithm = format!("{} with {}", algorithm.key_type.name(), algorithm.digest.name());
        signer.digest = Some(algorithm.digest);
    }
    Ok(())
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
fn verify_signer_info(
    cx: &Context<'_>,
    data: &SignedData<'_>,
    certificates: &[x509::Certificate<'_>],
    info: &SignerInfo<'_>,
    file: &[u8],
) -> Result<Option<usize>, Fault> {
    let digest_oid = info.digest_algorithm.to_string();
    let signature_oid = info.signature_algorithm.to_string();
    if let Some(levels) =
        algorithms::unsupported_levels(&digest_oid, &signature_oid, (cx.min_sdk, cx.max_sdk))
    {
        return Err(Fault::Unsupported(format!(
            "digest {digest_oid} with signature {signature_oid} does not work on API levels {levels}"
        )));
    }
    let verify_fault = |text: &str| Fault::Verify(text.to_owned());
    let index = find_certificate(certificates, &info.sid).ok_or_else(|| {
        verify_fault("the certificate that the signer names is not among those in the block")
    })?;
    let certificate = certificates.get(index).ok_or_else(|| verify_fault("no certificate"))?;
    if certificate.has_unsupported_critical_extension() {
        return Err(verify_fault("the certificate has a critical extension that Android does not support"));
    }
    if certificate.key_usage().is_some_and(|usage| !usage.allows_signing()) {
        return Err(verify_fault("the certificate says that its key is not for signing"));
    }
    let algorithm = crypto::jar_signature_algorithm(&digest_oid, &signature_oid)
        .ok_or_else(|| verify_fault("no such signature algorithm"))?;
    let key = crypto::certificate_key(certificate.public_key_info, cx.limits())
        .map_err(|error| Fault::Verify(error.to_string()))?;
    let attributes = match &info.signed_attributes {
        None => None,
        Some(_) if cx.min_sdk < SIGNED_ATTRIBUTES_SINCE => {
            return Err(Fault::Verify(format!(
                "signed attributes are not safe on API levels below {SIGNED_ATTRIBUTES_SINCE}"
            )));
        }
        Some(raw) => {
            if !check_attributes(cx, data, raw, algorithm.digest, file)? {
                return Ok(None);
            }
            Some(raw.signed_bytes().concat())
        }
    };
    let message = attributes.as_deref().unwrap_or(file);
    match crypto::verify(&key, algorithm.scheme(), message, info.signature) {
        Ok(true) => Ok(Some(index)),
        Ok(false) => Ok(None),
        Err(error) => Err(Fault::Verify(error.to_string())),
    }
}

/// Whether the signed attributes name the right content type and the digest of the signature file.
fn check_attributes(
    cx: &Context<'_>,
    data: &SignedData<'_>,
    raw: &crate::format::pkcs7::RawAttributes<'_>,
    digest: crypto::DigestAlgorithm,
    file: &[u8],
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
    Ok(digest.digest(file) == *expected)
}

fn find_certificate(certificates: &[x509::Certificate<'_>], sid: &SignerIdentifier<'_>) -> Option<usize> {
    let SignerIdentifier { issuer, serial, .. } = sid;
    certificates.iter().position(|certificate| {
        x509::serial_equal(certificate.serial, serial) && x509::names_equal(certificate.issuer, issuer)
    })
}

/// The signing certificate, then whoever's subject is the issuer of the one before. No signature between them is
/// checked: only the first identifies the signer.
///
/// Source: apksig `V1SchemeVerifier.getCertificateChain`.
fn chain(certificates: &[x509::Certificate<'_>], leaf: usize) -> Vec<usize> {
    let mut chain = vec![leaf];
    while let Some(last) = chain.last().and_then(|index| certificates.get(*index)) {
        if x509::names_equal(last.subject, last.issuer) {
            break;
        }
        let next = certificates.iter().enumerate().position(|(index, other)| {
            !chain.contains(&index) && x509::names_equal(other.subject, last.issuer)
        });
        match next {
            Some(index) => chain.push(index),
            None => break,
        }
    }
    chain
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
        let why = if position >= CHAIN_CHECKED {
            format!("the chain is longer than the {CHAIN_CHECKED} signatures that are checked")
        } else {
            match is_signed_by(cx, child, issuer) {
                Ok(true) => continue,
                Ok(false) => "the signature does not verify".to_owned(),
                Err(error) => error,
            }
        };
        return Some(format!(
            "{} names {}: {why}",
            x509::distinguished_name(child.subject),
            x509::distinguished_name(issuer.subject)
        ));
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
    let key =
        crypto::certificate_key(issuer.public_key_info, cx.limits()).map_err(|error| error.to_string())?;
    crypto::verify(&key, algorithm.scheme(), child.tbs, child.signature).map_err(|error| error.to_string())
}
