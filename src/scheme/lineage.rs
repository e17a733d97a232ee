//! Proof of rotation: each certificate vouches for the next.
//!
//! Source: apksig `V3SigningCertificateLineage.readSigningCertificateLineage`,
//! `SigningCertificateLineage.consolidateLineages`.

use super::Context;
use crate::crypto;
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
}

impl From<ParseError> for LineageFault {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Reads a lineage and verifies every signature in it.
pub(super) fn verify(cx: &Context<'_>, value: Cursor<'_>) -> Result<Lineage, LineageFault> {
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
        if number > cx.limits().lineage {
            return Err(LineageFault::Malformed(format!("more than {} certificates", cx.limits().lineage)));
        }
        let node = lineage::next_node(&mut list)?;
        if let Some(parent) = nodes.last() {
            verify_node(cx, parent, &node).map_err(|error| match error {
                NodeFault::Unknown(id) => LineageFault::Malformed(format!(
                    "certificate #{number}: signed with the unknown algorithm {id:#06x}"
                )),
                NodeFault::Wrong(what) => fault(&what),
            })?;
        }
        let certificate = cx
            .certificates
            .identify(node.certificate, cx.limits())
            .map_err(|error| fault(&error.to_string()))?;
        if nodes.iter().any(|before| before.certificate == certificate) {
            return Err(fault("it stands twice"));
        }
        nodes.push(LineageNode { certificate, flags: node.flags, signature_algorithm: node.algorithm });
    }
    if nodes.is_empty() {
        return Err(LineageFault::NoHistory("it has no certificates".to_owned()));
    }
    Ok(Lineage::new(nodes))
}

enum NodeFault {
    Unknown(u32),
    Wrong(String),
}

fn verify_node(cx: &Context<'_>, parent: &LineageNode, node: &lineage::Node<'_>) -> Result<(), NodeFault> {
    let id = parent.signature_algorithm;
    let algorithm = SignatureAlgorithmId(id).lookup().ok_or(NodeFault::Unknown(id))?;
    let wrong = |what: &dyn std::fmt::Display| NodeFault::Wrong(what.to_string());
    let key = public_key(cx, &parent.certificate).map_err(|error| wrong(&error))?;
    if !algorithm.fits(&key) {
        return Err(wrong(&format!("{} with a key for {}", algorithm.name, key.algorithm_name())));
    }
    match crypto::verify(&key, algorithm.scheme, node.signed_data, node.signature) {
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
pub(super) fn public_key(cx: &Context<'_>, certificate: &Certificate) -> Result<PublicKey, String> {
    let parsed =
        x509::Certificate::parse(certificate.der(), cx.limits()).map_err(|error| error.to_string())?;
    crypto::certificate_key(parsed.public_key_info, cx.limits()).map_err(|error| error.to_string())
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
