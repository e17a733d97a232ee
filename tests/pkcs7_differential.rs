//! Reads every signature block of a directory of APKs with our reader and with `rasn-cms`, and every certificate in
//! them with `x509-parser`, and expects the same. The directory is named by `APKVOUCH_CORPUS`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use apkvouch::Limits;
use apkvouch::format::pkcs7::SignedData;
use apkvouch::format::pkcs7::SignerInfo;
use apkvouch::format::x509::Certificate;
use apkvouch::format::x509::describe;
use rasn_cms::CertificateChoices;
use rasn_cms::ContentInfo;
use walkdir::WalkDir;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

#[test]
fn agrees_with_other_parsers() -> TestResult {
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS") else {
        println!("left out: APKVOUCH_CORPUS names no directory of APKs");
        return Ok(());
    };
    let blocks = signature_blocks(Path::new(&corpus))?;
    let mut certificates = BTreeSet::new();
    let mut refused = 0;
    for block in &blocks {
        let ours = SignedData::parse(block, &Limits::default());
        let theirs = rasn_signed_data(block);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                compare(&ours, &theirs)?;
                certificates.extend(ours.certificates.iter().flatten().map(|raw| raw.to_vec()));
            }
            (Err(_), Err(_)) => refused += 1,
            (ours, theirs) => panic!("ours: {ours:?}\ntheirs: {theirs:?}"),
        }
    }
    let mut unread = 0;
    for raw in &certificates {
        unread += usize::from(!certificate_agrees(raw)?);
    }
    println!(
        "{} blocks, {refused} of them refused by both; {} certificates, {unread} of them not read by x509-parser",
        blocks.len(),
        certificates.len()
    );
    assert!(refused < blocks.len() && unread < certificates.len(), "nothing was compared");
    Ok(())
}

/// The distinct signature blocks of all files that are ZIP archives.
fn signature_blocks(corpus: &Path) -> TestResult<BTreeSet<Vec<u8>>> {
    let mut blocks = BTreeSet::new();
    for entry in WalkDir::new(corpus) {
        let entry = entry?;
        if entry.path().extension().is_none_or(|extension| extension != "apk") {
            continue;
        }
        // Some of the files are broken archives on purpose.
        let Ok(mut archive) = zip::ZipArchive::new(File::open(entry.path())?) else { continue };
        for index in 0..archive.len() {
            let Ok(file) = archive.by_index(index) else { continue };
            let Ok(name) = file.name().map(Cow::into_owned) else { continue };
            let is_block = Path::new(&name)
                .extension()
                .is_some_and(|extension| ["RSA", "DSA", "EC"].iter().any(|known| extension == *known));
            if name.starts_with("META-INF/") && is_block {
                let mut bytes = Vec::new();
                if file.take(1 << 20).read_to_end(&mut bytes).is_ok() {
                    blocks.insert(bytes);
                }
            }
        }
    }
    Ok(blocks)
}

fn rasn_signed_data(block: &[u8]) -> TestResult<rasn_cms::SignedData> {
    // Bytes behind the block are tolerated by us.
    let (content_info, _) = rasn::ber::decode_with_remainder::<ContentInfo>(block).map_err(boxed)?;
    rasn::ber::decode(content_info.content.as_bytes()).map_err(boxed)
}

fn compare(ours: &SignedData<'_>, theirs: &rasn_cms::SignedData) -> TestResult {
    let content_type = ours.content_type.ok_or("no content type")?;
    assert_eq!(content_type.to_string(), theirs.encap_content_info.content_type.to_string());
    assert_eq!(ours.certificates.is_some(), theirs.certificates.is_some());

    // They keep no bytes: both sides are compared as encoded anew, in any order.
    let mut our_certificates = Vec::new();
    for raw in ours.certificates.iter().flatten() {
        let certificate: CertificateChoices = rasn::ber::decode(raw).map_err(boxed)?;
        our_certificates.push(rasn::der::encode(&certificate).map_err(boxed)?);
    }
    let mut their_certificates = Vec::new();
    for certificate in theirs.certificates.iter().flat_map(|set| set.to_vec()) {
        their_certificates.push(rasn::der::encode(certificate).map_err(boxed)?);
    }
    our_certificates.sort();
    their_certificates.sort();
    assert_eq!(our_certificates, their_certificates);

    let mut our_signers = ours.signer_infos.iter().map(our_signer).collect::<TestResult<Vec<_>>>()?;
    let mut their_signers: Vec<_> = theirs.signer_infos.to_vec().into_iter().map(their_signer).collect();
    our_signers.sort();
    their_signers.sort();
    assert_eq!(our_signers, their_signers);
    Ok(())
}

/// Serial number, digest and signature algorithm, signature, and the types of the signed attributes.
type Signer = (Option<String>, String, String, Vec<u8>, Vec<String>);

const REFUSED: &str = "an attribute occurs twice";

fn our_signer(signer: &SignerInfo<'_>) -> TestResult<Signer> {
    let mut attributes = match signer.signed_attributes.map(|raw| raw.parse(&Limits::default())) {
        None => vec![],
        Some(Ok(parsed)) => parsed.attributes.iter().map(|attribute| attribute.oid.to_string()).collect(),
        Some(Err(_)) => vec![REFUSED.to_owned()],
    };
    attributes.sort();
    let serial = [&[2, u8::try_from(signer.sid.serial.len())?], signer.sid.serial].concat();
    let serial: rasn::types::Integer = rasn::ber::decode(&serial).map_err(boxed)?;
    Ok((
        Some(serial.to_string()),
        signer.digest_algorithm.to_string(),
        signer.signature_algorithm.to_string(),
        signer.signature.to_vec(),
        attributes,
    ))
}

fn their_signer(signer: &rasn_cms::SignerInfo) -> Signer {
    let serial = match &signer.sid {
        rasn_cms::SignerIdentifier::IssuerAndSerialNumber(sid) => Some(sid.serial_number.to_string()),
        rasn_cms::SignerIdentifier::SubjectKeyIdentifier(_) => None,
    };
    let attributes = signer.signed_attrs.iter().flat_map(|set| set.to_vec());
    let mut attributes: Vec<_> = attributes.map(|attribute| attribute.r#type.to_string()).collect();
    attributes.sort();
    // As apksig does, we refuse a type that occurs twice.
    if attributes.iter().zip(attributes.iter().skip(1)).any(|(one, next)| one == next) {
        attributes = vec![REFUSED.to_owned()];
    }
    (
        serial,
        signer.digest_algorithm.algorithm.to_string(),
        signer.signature_algorithm.algorithm.to_string(),
        signer.signature.to_vec(),
        attributes,
    )
}

/// Compares one certificate; `false` when `x509-parser` does not read it.
fn certificate_agrees(raw: &[u8]) -> TestResult<bool> {
    let ours = Certificate::parse(raw, &Limits::default())?;
    let Ok((_, theirs)) = X509Certificate::from_der(raw) else { return Ok(false) };
    assert_eq!(ours.raw, raw);
    assert_eq!(ours.tbs, theirs.tbs_certificate.as_ref());
    assert_eq!(ours.subject, theirs.subject().as_raw());
    assert_eq!(ours.issuer, theirs.issuer().as_raw());
    assert_eq!(ours.public_key_info, theirs.public_key().raw);
    assert_eq!(ours.serial, theirs.raw_serial());
    assert_eq!(ours.not_before, theirs.validity().not_before.timestamp());
    assert_eq!(ours.not_after, theirs.validity().not_after.timestamp());
    let extensions = theirs.extensions().iter();
    let extensions: Vec<_> = extensions.map(|e| (e.oid.to_id_string(), e.critical, e.value)).collect();
    let our_extensions = ours.extensions.iter();
    let our_extensions: Vec<_> = our_extensions.map(|e| (e.oid.to_string(), e.critical, e.value)).collect();
    assert_eq!(our_extensions, extensions);
    let usage = theirs.key_usage()?.map(|usage| usage.value.digital_signature());
    assert_eq!(ours.key_usage().map(|usage| usage.0 & 0x8000 != 0), usage);
    assert!(describe(raw, &Limits::default()).is_some());
    Ok(true)
}

fn boxed(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}
