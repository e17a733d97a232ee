//! The hash tree of the whole APK, and what of it is stored behind the signature.

use std::cell::RefCell;
use std::rc::Rc;

use data_encoding::HEXLOWER;

use super::ExaminedV4;
use super::Idsig;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::FileTree;
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

    /// Holds the root of the tree of the APK, and what is stored of it, against what the signature says.
    pub(super) fn check_tree(&mut self, cx: &Context<'_>, check: TreeCheck<'_>) -> Result<(), Stop> {
        let TreeCheck { tree, root_hash, needed, stored, seen } = check;
        let root = tree.finish(cx.apk.source())?;
        let Seen { differs, fault } = seen.take();
        if let Some(fault) = fault {
            return Err(fault);
        }
        if root != root_hash.as_slice() {
            let finding = Finding::new(FindingCode::V4RootMismatch);
            self.report(finding.values(HEXLOWER.encode(&root), HEXLOWER.encode(&root_hash)));
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

/// The tree of the APK, as far as it is computed, beside what the signature says of it.
pub(super) struct TreeCheck<'a> {
    pub(super) tree: FileTree<Pages<'a>>,
    root_hash: Vec<u8>,
    /// Size in bytes that the stored tree must have.
    needed: u64,
    stored: StoredTree,
    seen: Rc<RefCell<Seen>>,
}

/// Takes each page of the tree with its offset.
pub(super) type Pages<'a> = Box<dyn FnMut(u64, &[u8]) + 'a>;

/// What has come of holding the pages against the stored ones.
#[derive(Default)]
struct Seen {
    /// Offset of the first byte that was found to differ.
    differs: Option<u64>,
    /// Why the stored tree cannot be read.
    fault: Option<Stop>,
}

impl<'a> TreeCheck<'a> {
    /// Nothing of the tree is computed yet.
    pub(super) fn begin(
        cx: &Context<'_>,
        idsig: Idsig<'a>,
        signature: &V4Signature<'_>,
        stored: StoredTree,
    ) -> Self {
        let hashing = &signature.hashing_info;
        let salt = if hashing.salt.len() > idsig::MAX_SALT { &[][..] } else { hashing.salt };
        let size = cx.apk.source().len();
        let needed = crypto::file_tree_size(size);
        let comparable = match stored {
            StoredTree::At { offset, len } if len == needed => Some(offset),
            _ => None,
        };
        let seen = Rc::<RefCell<Seen>>::default();
        let told = Rc::clone(&seen);
        let pages = move |offset: u64, page: &[u8]| {
            let mut seen = told.borrow_mut();
            let Some(start) = comparable.filter(|_| seen.differs.is_none() && seen.fault.is_none()) else {
                return;
            };
            match idsig.read(start + offset, PAGE as u64) {
                Ok(stored) => {
                    let place =
                        stored.iter().zip(padded(page)).position(|(stored, computed)| *stored != computed);
                    seen.differs = place.map(|place| offset + place as u64);
                }
                Err(fault) => seen.fault = Some(fault),
            }
        };
        let pages: Pages<'a> = Box::new(pages);
        let tree = FileTree::new(size, salt, pages);
        Self { tree, root_hash: hashing.root_hash.to_vec(), needed, stored, seen }
    }
}

/// The bytes of a page, filled up with zeros.
fn padded(page: &[u8]) -> impl Iterator<Item = u8> {
    page.iter().copied().chain(std::iter::repeat(0)).take(PAGE)
}
