//! Source stamp: a distributor's signature over what the app's own signers have signed.
//!
//! A stamp covers, for each scheme that verifies in range, the content digests that the signers of that scheme list;
//! whether those are the digests of this content is the scheme's business. Whatever is wrong with a stamp is a warning:
//! no Android version refuses an app for it, and its certificate is never that of the app's signer.
//!
//! Source: apksig `SourceStampVerifier`, `V1SourceStampVerifier`, `V2SourceStampVerifier`, `ApkVerifier.verify`,
//! `ApkVerifier.verifySourceStamp`.

use std::collections::BTreeMap;

use super::BlockScheme;
use super::Context;
use super::Examined;
use super::NotChecked;
use super::SchemeOutcome;
use super::SchemeResult;
use super::VerifiedSigner;
use super::block;
use super::lineage;
use super::lineage::LineageFault;
use super::v1;
use super::v2;
use super::v3;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::ContentDigestAlgorithm;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithmId;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::finding::SignerPlace;
use crate::format::Cursor;
use crate::format::ParseError;
use crate::format::ParseErrorKind;
use crate::format::signer;
use crate::format::signing_block::BlockId;
use crate::format::signing_block::Pair;
use crate::format::source_stamp;
use crate::format::source_stamp::SignedAttributes;
use crate::format::source_stamp::SourceStamp;
use crate::format::source_stamp::attribute;
use crate::format::zip::DirectoryRecord;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::identity::Lineage;
use crate::limits::Cap;

/// First API level that looks at stamps: below it the choice of algorithms does not matter.
pub(super) const MIN_SDK: u32 = 30;

/// How a stamp is built, the newer form first: the older one counts where there is no newer.
const FORMS: [(BlockId, Form); 2] =
    [(BlockId::SOURCE_STAMP_V2, Form::Second), (BlockId::SOURCE_STAMP_V1, Form::First)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One list of signatures, over the digests of the newest scheme.
    First,
    /// A list of signatures for each scheme, and attributes.
    Second,
}

/// What a file has of a stamp.
pub(crate) struct StampParts<'a> {
    /// The entry that names the certificate.
    entry: Option<&'a DirectoryRecord>,
    /// The stamp itself.
    block: Option<(&'a SigningBlock, Pair, Form)>,
}

impl<'a> StampParts<'a> {
    /// Looks for both.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when the Central Directory is.
    pub(crate) fn find(cx: &Context<'a>) -> Result<Self, Stop> {
        let apk = cx.apk;
        let block = apk
            .signing_block()?
            .and_then(|block| FORMS.iter().find_map(|(id, form)| Some((block, block.first(*id)?, *form))));
        Ok(Self { entry: apk.directory()?.find(source_stamp::CERTIFICATE_DIGEST_ENTRY), block })
    }

    pub(crate) fn has_entry(&self) -> bool {
        self.entry.is_some()
    }

    pub(crate) fn has_block(&self) -> bool {
        self.block.is_some()
    }

    /// The SHA-256 that the entry holds; none when there is no entry, or one that is no digest.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when the entry cannot be read.
    pub(crate) fn certificate_digest(&self, cx: &Context<'_>) -> Result<Option<CertificateDigest>, Stop> {
        const SIZE: u32 = 32;
        let Some(entry) = self.entry else { return Ok(None) };
        if entry.uncompressed_size != SIZE {
            cx.apk.locate_entry(entry)?;
            return Ok(None);
        }
        let content = cx.apk.entry_to_vec(
            entry,
            source_stamp::CERTIFICATE_DIGEST_ENTRY,
            Cap::fixed(u64::from(SIZE)),
        )?;
        Ok(content.try_into().ok().map(CertificateDigest))
    }
}

/// The content digests that the signers of a scheme list, by the id of the digest algorithm.
#[derive(Debug)]
pub(crate) struct SchemeDigests {
    scheme: SchemeId,
    digests: BTreeMap<u32, Vec<u8>>,
}

impl SchemeDigests {
    /// Those of a block scheme: all that any signer lists, whether or not they were compared. Of several values for one
    /// algorithm the last counts, as in apksig.
    pub(super) fn of(examined: &Examined) -> Self {
        let listed = examined.signers.iter().flat_map(|signer| &signer.digests);
        let digests = listed.filter_map(|(algorithm, digest)| {
            algorithm.lookup().map(|algorithm| (algorithm.content_digest.id(), digest.clone()))
        });
        Self { scheme: examined.scheme, digests: digests.collect() }
    }

    /// That of JAR signing: the SHA-256 of the manifest, nothing when there is none.
    pub(super) fn of_manifest(cx: &Context<'_>) -> Result<Self, Stop> {
        let mut digests = BTreeMap::new();
        if let Some(record) = cx.apk.directory()?.find(v1::MANIFEST) {
            let manifest = cx.apk.entry_to_vec(
                record,
                v1::MANIFEST,
                Cap::new("jar-manifest", cx.limits().jar_manifest),
            )?;
            digests.insert(ContentDigestAlgorithm::Sha256.id(), crypto::sha256(&manifest).to_vec());
        }
        Ok(Self { scheme: SchemeId::V1, digests })
    }

    /// The id under which stamps speak of the scheme; none for those that they do not cover.
    fn stamp_id(&self) -> Option<u32> {
        match self.scheme {
            SchemeId::V1 => Some(1),
            SchemeId::V2 => Some(2),
            SchemeId::V3 => Some(3),
            _ => None,
        }
    }

    /// What the stamp signs for the scheme.
    ///
    /// Source: apksig `encodeAsSequenceOfLengthPrefixedPairsOfIntAndLengthPrefixedBytes`.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, digest) in &self.digests {
            let len = u32::try_from(digest.len()).unwrap_or(u32::MAX);
            for number in [len.saturating_add(8), *id, len] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(digest);
        }
        bytes
    }
}

/// What the signers of each scheme in range list, for a check of the stamp alone: their signatures are verified, the
/// content is not looked at. The findings when a scheme does not verify.
///
/// Source: apksig `ApkVerifier.getApkContentDigests`.
pub(crate) fn listed_digests(cx: &Context<'_>) -> Result<Result<Vec<SchemeDigests>, Vec<Finding>>, Stop> {
    let mut found: Vec<Examined> = Vec::new();
    if let Some(block) = cx.apk.signing_block()? {
        let value = |id: BlockId| {
            block.first(id).map(|pair| block.value(pair, cx.apk.source(), cx.limits())).transpose()
        };
        if cx.max_sdk >= v3::MIN_SDK
            && let Some(value) = value(BlockId::V3)?
        {
            found.push(v3::examine_alone(cx, &value));
            cx.check_limits()?;
        }
        if cx.max_sdk >= v2::MIN_SDK
            && (cx.min_sdk < v3::MIN_SDK || found.is_empty())
            && let Some(value) = value(BlockId::V2)?
        {
            found.push(v2::V2.examine(cx, &value, &found)?);
            cx.check_limits()?;
        }
    }
    if let Some(failed) = found.iter_mut().find(|examined| examined.has_errors()) {
        let mut findings = std::mem::take(&mut failed.findings);
        findings.extend(failed.signers.iter_mut().flat_map(|signer| signer.findings.take()));
        return Ok(Err(findings));
    }
    let mut listed: Vec<SchemeDigests> = found.iter().map(SchemeDigests::of).collect();
    if cx.min_sdk < v2::MIN_SDK || found.is_empty() {
        listed.push(SchemeDigests::of_manifest(cx)?);
    }
    Ok(Ok(listed))
}

/// What a stamp proves.
#[derive(Debug)]
pub(crate) struct StampResult {
    pub(crate) result: SchemeResult,
    /// When the stamp says that it was made, in Unix seconds; of a verified stamp alone.
    pub(crate) timestamp: Option<u64>,
    pub(crate) findings: Vec<Finding>,
}

/// Verifies the stamp over `listed`, what the verified schemes list. `min_sdk` is the lowest API level for which its
/// signatures are chosen.
///
/// # Errors
/// Only when the bytes cannot be had: what is malformed is a finding.
pub(crate) fn verify(
    cx: &Context<'_>,
    parts: &StampParts<'_>,
    listed: &[SchemeDigests],
    min_sdk: u32,
) -> Result<StampResult, Stop> {
    let mut stamp = Stamp::new(cx, (min_sdk, cx.max_sdk));
    let declared = match parts.certificate_digest(cx) {
        Ok(declared) => declared,
        Err(Stop::Malformed(finding)) => {
            stamp.refuse(finding.with_severity(Severity::Warning));
            return Ok(stamp.into_result());
        }
        Err(stop) => return Err(stop),
    };
    let Some((block, pair, form)) = parts.block else {
        if !parts.has_entry() {
            return Ok(StampResult::without(SchemeOutcome::Absent));
        }
        stamp.refuse(Finding::new(FindingCode::StampSignatureMissing));
        return Ok(stamp.into_result());
    };
    let value = match block.value(pair, cx.apk.source(), cx.limits()) {
        Ok(value) => value,
        Err(Stop::Malformed(finding)) => {
            stamp.refuse(Finding::new(FindingCode::StampMalformedSignature).detail(finding.message()));
            return Ok(stamp.into_result());
        }
        Err(stop) => return Err(stop),
    };
    if parts.has_entry() {
        if form == Form::First {
            stamp.report(Finding::new(FindingCode::StampObsoleteForm));
        }
        let outcome = stamp.read(form, &value, declared, listed);
        if let Err(error) = outcome {
            stamp.refuse(Finding::new(FindingCode::StampMalformedSignature).detail(error.to_string()));
        }
    } else {
        let finding = Finding::new(FindingCode::StampDigestEntryMissing);
        stamp.refuse(finding.with_severity(Severity::Warning));
        stamp.claim(&value);
    }
    Ok(stamp.into_result())
}

/// What is said of a stamp that is not looked at because the app does not verify.
///
/// # Errors
/// Only when the bytes cannot be had.
pub(super) fn not_looked_at(cx: &Context<'_>) -> Result<SchemeOutcome, Stop> {
    match StampParts::find(cx) {
        Ok(parts) if parts.has_entry() || parts.has_block() => {
            Ok(SchemeOutcome::NotChecked(NotChecked::EarlierFailure))
        }
        Ok(_) | Err(Stop::Malformed(_)) => Ok(SchemeOutcome::Absent),
        Err(stop) => Err(stop),
    }
}

impl StampResult {
    /// A result of a stamp that was not read.
    pub(crate) fn without(outcome: SchemeOutcome) -> Self {
        let result =
            SchemeResult { scheme: SchemeId::SourceStamp, outcome, claimed_certificates: Vec::new() };
        Self { result, timestamp: None, findings: Vec::new() }
    }
}

/// A stamp being verified.
struct Stamp<'r> {
    cx: &'r Context<'r>,
    /// API levels for which signatures are chosen.
    range: (u32, u32),
    findings: Vec<Finding>,
    refused: bool,
    certificate: Option<Certificate>,
    algorithms: Vec<String>,
    lineage: Option<Lineage>,
    timestamp: Option<u64>,
}

impl<'r> Stamp<'r> {
    fn new(cx: &'r Context<'r>, range: (u32, u32)) -> Self {
        Self {
            cx,
            range,
            findings: Vec::new(),
            refused: false,
            certificate: None,
            algorithms: Vec::new(),
            lineage: None,
            timestamp: None,
        }
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding.scheme(SchemeId::SourceStamp));
    }

    /// Reports what keeps the stamp from verifying.
    fn refuse(&mut self, finding: Finding) {
        self.refused = true;
        self.report(finding);
    }

    /// Notes whom a stamp that is not read names.
    fn claim(&mut self, value: &[u8]) {
        if let Ok(stamp) = SourceStamp::parse(value) {
            self.certificate = self.cx.certificates.identify(stamp.certificate, self.cx.limits()).ok();
        }
    }

    /// Reads and verifies the stamp. `Err` is a structure that ends it.
    fn read(
        &mut self,
        form: Form,
        value: &[u8],
        declared: Option<CertificateDigest>,
        listed: &[SchemeDigests],
    ) -> Result<(), ParseError> {
        let mut stamp = SourceStamp::parse(value)?;
        let certificate = match self.cx.certificates.identify(stamp.certificate, self.cx.limits()) {
            Ok(certificate) => certificate,
            Err(error) => {
                let detail = error.to_string();
                self.refuse(Finding::new(FindingCode::StampMalformedCertificate).detail(detail));
                return Ok(());
            }
        };
        self.certificate = Some(certificate.clone());
        if declared != Some(certificate.digest()) {
            let declared = declared.map_or_else(|| "no digest of 32 bytes".to_owned(), |it| it.to_string());
            self.refuse(
                Finding::new(FindingCode::StampCertificateMismatch)
                    .entry(source_stamp::CERTIFICATE_DIGEST_ENTRY)
                    .values(declared, certificate.digest().to_string()),
            );
            return Ok(());
        }
        let key = lineage::public_key(&self.cx.budget, self.cx.limits(), &certificate);
        match form {
            Form::First => self.read_first(&mut stamp, listed, &key)?,
            Form::Second => self.read_second(&mut stamp, listed, &certificate, &key)?,
        }
        let trailing = stamp.trailing.saturating_add(stamp.unread());
        if trailing > 0 && !self.refused {
            let detail = format!("{trailing} bytes");
            self.report(Finding::new(FindingCode::StampTrailingBytes).detail(detail));
        }
        Ok(())
    }

    fn read_first(
        &mut self,
        stamp: &mut SourceStamp<'_>,
        listed: &[SchemeDigests],
        key: &Result<PublicKey, String>,
    ) -> Result<(), ParseError> {
        let signatures = stamp.signatures()?;
        let covered = listed.iter().filter(|listed| listed.stamp_id().is_some());
        match covered.max_by_key(|listed| listed.stamp_id()) {
            Some(newest) => self.verify_over(newest, signatures, key),
            None => self.refuse(nothing_to_stamp()),
        }
        Ok(())
    }

    fn read_second(
        &mut self,
        stamp: &mut SourceStamp<'_>,
        listed: &[SchemeDigests],
        certificate: &Certificate,
        key: &Result<PublicKey, String>,
    ) -> Result<(), ParseError> {
        let mut list = stamp.schemes()?;
        let mut schemes = Vec::new();
        while !list.is_empty() {
            if schemes.len() >= self.cx.limits().records {
                return Err(list.error(ParseErrorKind::Invalid("more schemes than are looked at".to_owned())));
            }
            schemes.push(source_stamp::next_scheme(&mut list)?);
        }
        let mut order: Vec<&SchemeDigests> = listed.iter().collect();
        order.sort_by_key(|listed| listed.scheme);
        for listed in order {
            let Some(id) = listed.stamp_id() else {
                let finding = Finding::new(FindingCode::StampSchemeNotAvailable);
                self.report(finding.detail(listed.scheme.as_str()));
                continue;
            };
            // Of several lists for one scheme apksig keeps the last.
            let Some((_, signatures)) = schemes.iter().rev().find(|(scheme, _)| *scheme == id) else {
                let finding = Finding::new(FindingCode::StampNoSignature);
                self.refuse(finding.detail(format!("none {}", over(listed.scheme))));
                return Ok(());
            };
            self.verify_over(listed, *signatures, key);
            if self.refused {
                return Ok(());
            }
        }
        if let Some(attributes) = stamp.attributes()? {
            let SignedAttributes { data, signatures } = attributes;
            self.verify_signatures(signatures, data.rest(), "over the attributes", key);
            if !self.refused {
                self.read_attributes(attributes.list()?, certificate);
            }
        }
        Ok(())
    }

    /// Verifies the signatures over what the signers of a scheme list.
    fn verify_over(
        &mut self,
        listed: &SchemeDigests,
        signatures: Cursor<'_>,
        key: &Result<PublicKey, String>,
    ) {
        // Without a JAR manifest nothing is listed for v1. apksig verifies a signature over nothing then, which would
        // fit every other such file as well.
        if listed.digests.is_empty() {
            self.refuse(nothing_to_stamp());
        } else {
            self.verify_signatures(signatures, &listed.encode(), &over(listed.scheme), key);
        }
    }

    /// Verifies the signatures that Android would choose.
    ///
    /// Source: apksig `SourceStampVerifier.verifySourceStampSignature`.
    fn verify_signatures(
        &mut self,
        mut list: Cursor<'_>,
        message: &[u8],
        over: &str,
        key: &Result<PublicKey, String>,
    ) {
        let mut count = 0_usize;
        let mut ids = Vec::new();
        let mut supported = Vec::new();
        while !list.is_empty() {
            count += 1;
            let record = if count > self.cx.limits().records {
                Err(list.error(ParseErrorKind::Invalid("more than are looked at".to_owned())))
            } else {
                signer::next_record(&mut list)
            };
            match record {
                Ok((id, signature)) => {
                    let id = SignatureAlgorithmId(id);
                    ids.push(id);
                    if let Some(algorithm) = id.lookup() {
                        supported.push((algorithm, signature));
                    } else {
                        let detail = format!("{:#06x} {over}", id.0);
                        self.report(Finding::new(FindingCode::StampUnknownAlgorithm).detail(detail));
                    }
                }
                Err(error) => {
                    let detail = format!("signature record #{count} {over}: {error}");
                    self.refuse(Finding::new(FindingCode::StampMalformedSignature).detail(detail));
                    return;
                }
            }
        }
        if supported.is_empty() {
            let detail = format!("none {over} with an algorithm that is known");
            self.refuse(Finding::new(FindingCode::StampNoSignature).detail(detail));
            return;
        }
        let chosen = match block::choose(&supported, self.range, |algorithm| algorithm.min_sdk_jca) {
            Ok(chosen) => chosen,
            Err(reason) => {
                let detail = format!("{over}, signed with {}: {reason}", block::list_ids(&ids));
                self.refuse(Finding::new(FindingCode::StampNoSupportedSignature).detail(detail));
                return;
            }
        };
        for (algorithm, signature) in chosen {
            let name = algorithm.name;
            let exception = |reason: &dyn std::fmt::Display| {
                Finding::new(FindingCode::StampVerifyException).detail(format!("{name} {over}: {reason}"))
            };
            let finding = match key {
                Err(reason) => exception(reason),
                Ok(key) if !algorithm.fits(key) => {
                    exception(&format!("the key is for {}", key.algorithm_name()))
                }
                Ok(key) => match self.cx.verify(key, algorithm.scheme, message, signature) {
                    Ok(true) => {
                        if !self.algorithms.iter().any(|known| known == name) {
                            self.algorithms.push(name.to_owned());
                        }
                        continue;
                    }
                    Ok(false) => {
                        Finding::new(FindingCode::StampSignatureMismatch).detail(format!("{name} {over}"))
                    }
                    Err(error) => exception(&error),
                },
            };
            self.refuse(finding);
            return;
        }
    }

    /// Reads the attributes, once their signature has verified.
    ///
    /// Source: apksig `SourceStampVerifier.parseStampAttributes`.
    fn read_attributes(&mut self, mut list: Cursor<'_>, certificate: &Certificate) {
        let mut count = 0_usize;
        while !list.is_empty() {
            count += 1;
            let outcome = if count > self.cx.limits().records {
                Err(list.error(ParseErrorKind::Invalid("more than are looked at".to_owned())))
            } else {
                signer::next_attribute(&mut list)
                    .and_then(|(id, value)| self.read_attribute(id, value, certificate))
            };
            if let Err(error) = outcome {
                let detail = format!("attribute #{count}: {error}");
                self.refuse(Finding::new(FindingCode::StampMalformedAttribute).detail(detail));
                return;
            }
        }
    }

    fn read_attribute(
        &mut self,
        id: u32,
        mut value: Cursor<'_>,
        certificate: &Certificate,
    ) -> Result<(), ParseError> {
        match id {
            attribute::PROOF_OF_ROTATION => self.read_lineage(value, certificate),
            attribute::STAMP_TIME => {
                let time = value.u64()?;
                // Java reads it as signed.
                if time == 0 || i64::try_from(time).is_err() {
                    let actual = time.cast_signed().to_string();
                    let finding = Finding::new(FindingCode::StampInvalidTimestamp);
                    self.refuse(finding.values("seconds since 1970", actual));
                } else {
                    self.timestamp = Some(time);
                }
            }
            _ => {
                let finding = Finding::new(FindingCode::StampUnknownAttribute);
                self.report(finding.detail(format!("{id:#010x}")));
            }
        }
        Ok(())
    }

    /// Verifies the history of the stamp's certificate, which must end in it.
    ///
    /// Source: apksig `SourceStampVerifier.readStampCertificateLineage`.
    fn read_lineage(&mut self, value: Cursor<'_>, certificate: &Certificate) {
        // Unlike in v3, a history without certificates is malformed here, whether or not it has a version.
        let empty = value.is_empty() || value.rest() == crate::format::lineage::VERSION.to_le_bytes();
        let (code, detail) = match lineage::verify(self.cx, value) {
            Ok(lineage) => {
                let last = lineage.nodes().last().map(|node| node.certificate.clone());
                self.lineage = Some(lineage);
                if last.as_ref() != Some(certificate) {
                    let finding = Finding::new(FindingCode::StampLineageCertificateMismatch);
                    let last = last.map_or_else(String::new, |last| last.digest().to_string());
                    self.refuse(finding.values(certificate.digest().to_string(), last));
                }
                return;
            }
            Err(LineageFault::NoHistory(detail)) if empty => (FindingCode::StampMalformedLineage, detail),
            Err(LineageFault::NoHistory(detail)) => (FindingCode::StampLineageCertificateMismatch, detail),
            Err(LineageFault::DoesNotVerify(detail)) => (FindingCode::StampLineageSignatureMismatch, detail),
            Err(LineageFault::Malformed(detail)) => (FindingCode::StampMalformedLineage, detail),
            Err(LineageFault::TooLong(most)) => {
                (FindingCode::StampMalformedLineage, format!("more than {most} certificates"))
            }
        };
        self.refuse(Finding::new(code).detail(detail));
    }

    fn into_result(self) -> StampResult {
        let Self { cx, findings, refused, certificate, algorithms, lineage, timestamp, .. } = self;
        let mut stamp = StampResult { findings, ..StampResult::without(SchemeOutcome::Rejected) };
        match certificate {
            Some(certificate) if !refused => {
                stamp.timestamp = timestamp;
                stamp.result.outcome = SchemeOutcome::Verified(vec![VerifiedSigner {
                    scheme: SchemeId::SourceStamp,
                    place: SignerPlace::new(0),
                    certificates: vec![certificate],
                    min_sdk: cx.min_sdk,
                    max_sdk: cx.max_sdk,
                    targets_dev_release: false,
                    lineage,
                    algorithms,
                    content_digests: Vec::new(),
                    weak_digests: Vec::new(),
                    hybrid: None,
                }]);
            }
            certificate => {
                let history = lineage.iter().flat_map(Lineage::nodes);
                let history = history.map(|node| node.certificate.clone());
                stamp.result.claimed_certificates = certificate.into_iter().chain(history).collect();
            }
        }
        stamp
    }
}

fn nothing_to_stamp() -> Finding {
    Finding::new(FindingCode::StampNoSignature).detail("the app has no signature to stamp")
}

/// What a list of signatures is over, in words.
fn over(scheme: SchemeId) -> String {
    format!("over the digests of {scheme}")
}
