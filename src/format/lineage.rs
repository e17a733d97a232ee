//! Proof-of-rotation lineages, as they stand in a v3 attribute and in a lineage file.
//!
//! Source: apksig `V3SigningCertificateLineage`, `SigningCertificateLineage`; [v3, proof-of-rotation][spec].
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v3#proof-of-rotation-and-self-trusted-old-certs-structs

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

/// The one version there is.
pub const VERSION: u32 = 1;

/// One node, not yet verified. The oldest comes first.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// What the node before signed: certificate and parent algorithm, without the length prefix.
    pub signed_data: &'a [u8],
    /// The certificate, DER.
    pub certificate: &'a [u8],
    /// Id of the algorithm with which the node before signed this one; 0 in the first node.
    pub parent_algorithm: u32,
    /// Capabilities. Nothing in the lineage itself signs them.
    pub flags: u32,
    /// Id of the algorithm with which this node signs the next one.
    pub algorithm: u32,
    /// Signature of the node before over `signed_data`; empty in the first node.
    pub signature: &'a [u8],
}

/// Reads the version; [`next_node`] reads the nodes from the cursor that comes back.
///
/// `Ok(Err(version))` is a version other than [`VERSION`], which apksig tells apart from a malformed lineage.
pub fn nodes(value: Cursor<'_>) -> Result<Result<Cursor<'_>, u32>, ParseError> {
    let mut cursor = value.named("lineage");
    let version = cursor.u32()?;
    Ok(if version == VERSION { Ok(cursor) } else { Err(version) })
}

/// The next node; `list` must not be empty.
pub fn next_node<'a>(list: &mut Cursor<'a>) -> Result<Node<'a>, ParseError> {
    let mut node = list.length_prefixed()?;
    let mut signed = node.length_prefixed()?;
    let signed_data = signed.rest();
    let flags = node.u32()?;
    let algorithm = node.u32()?;
    let signature = node.length_prefixed()?.rest();
    let certificate = signed.length_prefixed()?.rest();
    let parent_algorithm = signed.u32()?;
    Ok(Node { signed_data, certificate, parent_algorithm, flags, algorithm, signature })
}

/// Magic of a lineage file (apksig `SigningCertificateLineage.MAGIC`).
pub const FILE_MAGIC: u32 = 0x3eff_39d1;

/// Opens a lineage file: header, then the same bytes as in the attribute. Bytes behind them are ignored.
///
/// # Errors
/// Another magic or version, or a truncated file.
pub fn parse_file(bytes: &[u8]) -> Result<Cursor<'_>, ParseError> {
    let mut cursor = Cursor::new("lineage file", bytes);
    for (expected, what) in [(FILE_MAGIC, "magic"), (VERSION, "version")] {
        let start = cursor;
        let found = cursor.u32()?;
        if found != expected {
            return Err(start.error(ParseErrorKind::Unexpected {
                expected: format!("{what} {expected:#x}"),
                found: format!("{found:#x}"),
            }));
        }
    }
    cursor.length_prefixed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_many_nodes_are_twice_the_work() {
        let prefixed = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
        let signed = [prefixed(b"certificate"), vec![1, 1, 0, 0]].concat();
        let node = prefixed(&[prefixed(&signed), vec![0; 8], prefixed(b"signature")].concat());
        let file = |count: usize| {
            let nodes = prefixed(&node.repeat(count));
            [&FILE_MAGIC.to_le_bytes()[..], &VERSION.to_le_bytes(), &nodes].concat()
        };
        crate::work::doubles(file, |bytes| {
            let mut list = parse_file(bytes).unwrap();
            while !list.is_empty() {
                assert_eq!(next_node(&mut list).unwrap().certificate, b"certificate");
            }
        });
    }
}
