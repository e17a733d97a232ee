//! Findings, certificates and lineages.

use super::Kept;
use super::Key;
use super::Reader;
use super::Writer;
use super::kept_enum;
use super::kept_struct;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::InChinese;
use crate::finding::Location;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::finding::SignerPlace;
use crate::identity::Certificate;
use crate::identity::FileDigest;
use crate::identity::KeyFacts;
use crate::identity::Lineage;
use crate::identity::LineageNode;
use crate::identity::PrintedDigests;

kept_enum!(Severity { Note = 0, Warning = 1, Error = 2 });
kept_enum!(SchemeId { V1 = 0, V2 = 1, V3 = 2, V31 = 3, V32 = 4, V4 = 5, SourceStamp = 6 });
kept_struct!(SignerPlace { index, name, sdk_range, ignored });
kept_struct!(Location { scheme, signer, file, entry, offset, api_levels });
kept_struct!(InChinese { detail, expected, actual });
kept_struct!(Finding { code, severity, location, detail, expected, actual, zh });
kept_struct!(PrintedDigests { sha256, sha1, md5 });
kept_struct!(KeyFacts { algorithm, bits, digests, spki_sha256 });
kept_struct!(LineageNode { certificate, flags, signature_algorithm });

/// By its stable name.
impl Kept for FindingCode {
    fn put(&self, to: &mut Writer) {
        self.as_str().to_owned().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let len = usize::take(from)?;
        let name = from.bytes(len)?;
        Self::ALL.iter().find(|code| code.as_str().as_bytes() == name).copied()
    }
}

impl Kept for FileDigest {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Kept::take(from).map(Self)
    }
}

/// By its key.
impl Kept for Certificate {
    fn put(&self, to: &mut Writer) {
        to.certificate(self);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let key: Key = Kept::take(from)?;
        (from.certificate)(&key)
    }
}

impl Kept for Lineage {
    fn put(&self, to: &mut Writer) {
        self.nodes().to_vec().put(to);
        self.min_sdk().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let nodes = Vec::take(from)?;
        Some(Self::new(nodes).needing(u32::take(from)?))
    }
}

/// Writes the certificate itself.
pub(super) fn put_certificate(certificate: &Certificate, to: &mut Writer) {
    certificate.der().len().put(to);
    to.bytes.extend(certificate.der());
    certificate.digests().put(to);
    certificate.key().put(to);
    certificate.subject().to_owned().put(to);
}

/// Reads one back.
pub(super) fn take_certificate(from: &mut Reader<'_>) -> Option<Certificate> {
    let len = usize::take(from)?;
    let der = from.bytes(len)?.to_vec();
    Some(Certificate::new(der, Kept::take(from)?, Kept::take(from)?, Kept::take(from)?))
}
