//! Proof of rotation: each certificate vouches for the next.
//!
//! Source: apksig `V3SigningCertificateLineage.readSigningCertificateLineage`,
//! `SigningCertificateLineage.consolidateLineages`.

use super::Context;
use super::budget::Budget;
use super::certificate::Certificates;
use crate::Limits;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithmId;
use crate::format::Cursor;
use crate::format::ParseError;
use crate::format::lineage;
use crate::format::x509;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::identity::LineageNode;

/// What is wrong with a lineage; the three kinds that apksig tells apart.
#[derive(Debug)]
pub(super) enum LineageFault {
    /// It has no certificate, or another version: there is no history to find the signer in.
    NoHistory(String),
    /// A certificate does not vouch for the next, or stands twice.
    DoesNotVerify(String),
    /// It cannot be read.
    Malformed(String),
    /// It has more certificates than the limit.
    TooLong(usize),
}

impl From<ParseError> for LineageFault {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Reads the lineage of an APK's signer and verifies every signature in it.
pub(super) fn verify(cx: &Context<'_>, value: Cursor<'_>) -> Result<Lineage, LineageFault> {
    verify_value(&cx.certificates, &cx.budget, cx.limits(), value)
}

/// Reads a lineage, wherever it stands, and verifies every signature in it.
fn verify_value(
    certificates: &Certificates,
    budget: &Budget,
    limits: &Limits,
    value: Cursor<'_>,
) -> Result<Lineage, LineageFault> {
    if value.is_empty() {
        return Err(LineageFault::NoHistory("it is empty".to_owned()));
    }
    let mut list = lineage::nodes(value)?.map_err(|version| {
        LineageFault::NoHistory(format!("expected version {}, found {version}", lineage::VERSION))
    })?;
    let mut nodes: Vec<LineageNode> = Vec::new();
    while !list.is_empty() {
        let number = nodes.len() + 1;
        let fault = |what: &str| LineageFault::DoesNotVerify(format!("certificate #{number}: {what}"));
        if number > limits.lineage {
            return Err(LineageFault::TooLong(limits.lineage));
        }
        let node = lineage::next_node(&mut list)?;
        if let Some(parent) = nodes.last() {
            verify_node(budget, limits, parent, &node).map_err(|error| match error {
                NodeFault::Unknown(id) => LineageFault::Malformed(format!(
                    "certificate #{number}: signed with the unknown algorithm {id:#06x}"
                )),
                NodeFault::Wrong(what) => fault(&what),
            })?;
        }
        let certificate =
            certificates.identify(node.certificate, limits).map_err(|error| fault(&error.to_string()))?;
        if nodes.iter().any(|before| before.certificate == certificate) {
            return Err(fault("it stands twice"));
        }
        nodes.push(LineageNode { certificate, flags: node.flags, signature_algorithm: node.algorithm });
    }
    if nodes.is_empty() {
        return Err(LineageFault::NoHistory("it has no certificates".to_owned()));
    }
    let algorithms = nodes.iter().filter_map(|node| SignatureAlgorithmId(node.signature_algorithm).lookup());
    // Source: apksig `SigningCertificateLineage.calculateMinSdkVersion`.
    let min_sdk = algorithms.map(|algorithm| algorithm.min_sdk).max().unwrap_or(0);
    Ok(Lineage::new(nodes).needing(min_sdk))
}

/// What is wrong with a lineage file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineageFileFault {
    /// It does not begin like one: another magic number or version, or too few bytes.
    #[error("not a lineage file: {0}")]
    NotALineageFile(String),
    /// A certificate does not vouch for the next, or stands twice.
    #[error("the lineage does not verify: {0}")]
    DoesNotVerify(String),
    /// It cannot be read to its end, or holds no certificate.
    #[error("the lineage is malformed: {0}")]
    Malformed(String),
}

/// Verifies a lineage file, as `apksigner rotate` writes it and `apksigner --lineage` takes it.
///
/// `bytes` is the whole file. Every certificate in it has vouched for the next one; the last is the current signer. The
/// capabilities are as the file has them: nothing signs them before they stand in an APK. Of `limits` only
/// [`Limits::lineage`], [`Limits::signature_checks`] and those of certificates matter.
///
/// ```
/// use apkvouch::identity::Capability;
/// use apkvouch::{Limits, verify_lineage_file};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = std::fs::read("testdata/lineage/rotated.lineage")?;
/// let lineage = verify_lineage_file(&bytes, &Limits::default())?;
/// for node in lineage.nodes() {
///     println!("{} may roll back: {}", node.certificate.digest(), node.has(Capability::Rollback));
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What is wrong with the file.
///
/// Source: apksig `SigningCertificateLineage.readFromFile`.
pub fn verify_lineage_file(bytes: &[u8], limits: &Limits) -> Result<Lineage, LineageFileFault> {
    let value = lineage::parse_file(bytes).map_err(|error| {
        let text = error.to_string();
        match error.offset {
            // The magic number and the version.
            ..8 => LineageFileFault::NotALineageFile(text),
            _ => LineageFileFault::Malformed(text),
        }
    })?;
    verify_value(&Certificates::default(), &Budget::default(), limits, value).map_err(|fault| match fault {
        LineageFault::DoesNotVerify(what) => LineageFileFault::DoesNotVerify(what),
        LineageFault::NoHistory(what) | LineageFault::Malformed(what) => LineageFileFault::Malformed(what),
        LineageFault::TooLong(most) => LineageFileFault::Malformed(format!("more than {most} certificates")),
    })
}

enum NodeFault {
    Unknown(u32),
    Wrong(String),
}

fn verify_node(
    budget: &Budget,
    limits: &Limits,
    parent: &LineageNode,
    node: &lineage::Node<'_>,
) -> Result<(), NodeFault> {
    let id = parent.signature_algorithm;
    let algorithm = SignatureAlgorithmId(id).lookup().ok_or(NodeFault::Unknown(id))?;
    let wrong = |what: &dyn std::fmt::Display| NodeFault::Wrong(what.to_string());
    let key = public_key(budget, limits, &parent.certificate).map_err(|error| wrong(&error))?;
    if !algorithm.fits(&key) {
        return Err(wrong(&format!("{} with a key for {}", algorithm.name, key.algorithm_name())));
    }
    match budget.verify(&key, algorithm.scheme, node.signed_data, node.signature, limits) {
        Ok(true) => {}
        Ok(false) => {
            return Err(wrong(&format!(
                "the {} signature of the one before it does not verify",
                algorithm.name
            )));
        }
        Err(error) => return Err(wrong(&error)),
    }
    if node.parent_algorithm != id {
        return Err(wrong(&format!(
            "expected parent algorithm {id:#06x}, found {:#06x}",
            node.parent_algorithm
        )));
    }
    Ok(())
}

/// The key of a certificate, or why it cannot be used.
pub(super) fn public_key(
    budget: &Budget,
    limits: &Limits,
    certificate: &Certificate,
) -> Result<PublicKey, String> {
    let parsed = x509::Certificate::parse(certificate.der(), limits).map_err(|error| error.to_string())?;
    budget.certificate_key(parsed.public_key_info, limits).map_err(|error| error.to_string())
}

/// Whether all lineages are parts of one history: the shorter of any two is a run of the longer.
pub(super) fn is_one_history(lineages: &[&Lineage]) -> bool {
    let Some(longest) = lineages.iter().max_by_key(|lineage| lineage.nodes().len()) else { return true };
    let certificates = |lineage: &Lineage| -> Vec<Certificate> {
        lineage.nodes().iter().map(|node| node.certificate.clone()).collect()
    };
    let whole = certificates(longest);
    lineages.iter().all(|lineage| {
        let part = certificates(lineage);
        whole.windows(part.len()).any(|window| window == part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> LineageFileFault {
        verify_lineage_file(bytes, &Limits::default()).unwrap_err()
    }

    fn file(lineage: &[u8]) -> Vec<u8> {
        let length = u32::try_from(lineage.len()).unwrap().to_le_bytes();
        [&lineage::FILE_MAGIC.to_le_bytes()[..], &lineage::VERSION.to_le_bytes(), &length, lineage].concat()
    }

    #[test]
    fn says_what_is_no_lineage_file_and_what_is_a_broken_one() {
        for header in [&[][..], &[0; 7], &[0; 8], &file(&[])[..7], b"PK an archive"] {
            assert!(matches!(fault(header), LineageFileFault::NotALineageFile(_)), "{header:?}");
        }
        for lineage in [&[][..], &[1, 0, 0], &1_u32.to_le_bytes(), &2_u32.to_le_bytes(), &[1, 0, 0, 0, 9]] {
            assert!(matches!(fault(&file(lineage)), LineageFileFault::Malformed(_)), "{lineage:?}");
        }
        assert!(matches!(fault(&file(&[1, 0, 0, 0])[..11]), LineageFileFault::Malformed(_)));
        assert_eq!(
            fault(&[0xd1, 0x39, 0xff, 0x3e, 2, 0, 0, 0]).to_string(),
            "not a lineage file: lineage file at 0x4: expected version 0x1, found 0x2"
        );
    }
}
