//! The hash tree of the whole APK, and what of it is stored behind the signature.

use data_encoding::HEXLOWER;

use super::ExaminedV4;
use super::Idsig;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::merkle::PAGE;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::idsig;
use crate::format::idsig::V4Signature;
use crate::scheme::Context;

/// The tree as the file holds it.
#[derive(Debug, Clone, Copy)]
pub(super) enum StoredTree {
    /// Not there, which is allowed; or not whole, which has been reported.
    Absent,
    At {
        offset: u64,
        len: u64,
    },
}

impl ExaminedV4 {
    /// Where the tree lies; nothing when its length makes the file unreadable.
    pub(super) fn find_tree(&mut self, idsig: &Idsig<'_>, at: u64) -> Result<Option<StoredTree>, Stop> {
        let left = idsig.source.len().saturating_sub(at);
        if left == 0 {
            return Ok(Some(StoredTree::Absent));
        }
        if left < idsig::TREE_LEN_SIZE {
            let finding = Finding::new(FindingCode::V4TreeTruncated).detail("in the field of its length");
            self.report(finding);
            return Ok(Some(StoredTree::Absent));
        }
        let field = idsig.read(at, idsig::TREE_LEN_SIZE)?;
        let len = match idsig::tree_len(&field, at) {
            Ok(len) => len,
            Err(error) => {
                self.report(Finding::new(FindingCode::V4Malformed).detail(error.to_string()));
                return Ok(None);
            }
        };
        let left = left - idsig::TREE_LEN_SIZE;
        if len > left {
            let finding = Finding::new(FindingCode::V4TreeTruncated);
            self.report(finding.values(format!("{len} bytes"), format!("{left} bytes")));
            return Ok(Some(StoredTree::Absent));
        }
        if left > len {
            let behind = format!("{} behind the hash tree", left - len);
            self.report(Finding::new(FindingCode::V4TrailingBytes).detail(behind));
        }
        Ok(Some(StoredTree::At { offset: at + idsig::TREE_LEN_SIZE, len }))
    }

    /// Computes the tree of the APK, and holds its root and what is stored of it against it.
    pub(super) fn check_tree(
        &mut self,
        cx: &Context<'_>,
        idsig: &Idsig<'_>,
        signature: &V4Signature<'_>,
        stored: StoredTree,
    ) -> Result<(), Stop> {
        let hashing = &signature.hashing_info;
        let salt = if hashing.salt.len() > idsig::MAX_SALT { &[][..] } else { hashing.salt };
        let apk = cx.apk.source();
        let needed = crypto::file_tree_size(apk.len());
        let comparable = match stored {
            StoredTree::At { offset, len } if len == needed => Some(offset),
            _ => None,
        };
        let mut differs: Option<u64> = None;
        let root = crypto::file_tree(apk, salt, |offset, page| {
            if let (Some(start), None) = (comparable, differs) {
                let (page, stored) = (padded(page), idsig.read(start + offset, PAGE as u64)?);
                let place = stored.iter().zip(page).position(|(stored, computed)| *stored != computed);
                differs = place.map(|place| offset + place as u64);
            }
            Ok::<(), Stop>(())
        })?;
        if root != hashing.root_hash {
            let finding = Finding::new(FindingCode::V4RootMismatch);
            self.report(finding.values(HEXLOWER.encode(&root), HEXLOWER.encode(hashing.root_hash)));
            return Ok(());
        }
        let finding = Finding::new(FindingCode::V4TreeMismatch);
        match (stored, differs) {
            (StoredTree::At { len, .. }, _) if len != needed => {
                self.report(finding.values(format!("{needed} bytes"), format!("{len} bytes")));
            }
            (_, Some(place)) => {
                self.report(finding.detail(format!("it differs from byte {place} of {needed} on")));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The bytes of a page, filled up with zeros.
fn padded(page: &[u8]) -> impl Iterator<Item = u8> {
    page.iter().copied().chain(std::iter::repeat(0)).take(PAGE)
}
