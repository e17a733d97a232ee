//! Merkle trees of SHA-256 over pages of 4096 bytes, as fs-verity builds them.
//!
//! Two things stand on such a tree: the verity content digest of v2 and v3, over the protected sections, and the v4
//! signature, over the whole file. [`Tree`] serves both; [`FileTree`] is the second. What a root is worth is decided in
//! `scheme`.
//!
//! Source: Linux, `Documentation/filesystems/fsverity.rst`, "Merkle tree"; apksig `VerityTreeBuilder`.

use std::io;

use super::digest::sha256_of;
use super::in_order;
use super::lanes::MAX_LANES;
use super::lanes::Sha256;
use super::lanes::digest_all;
use crate::source::ByteSource;

/// Size of a page, of data as of hashes, in bytes.
pub const PAGE: usize = 4096;
/// Size of a hash in bytes.
const HASH: usize = 32;
/// Hashes in a page of them.
const HASHES: u64 = (PAGE / HASH) as u64;
/// How much of a file is hashed on one thread at a time; a multiple of [`PAGE`].
const CHUNK: u64 = 1 << 20;

/// What is hashed before each page.
#[derive(Clone, Debug)]
pub(super) struct Salt(Vec<u8>);

impl Salt {
    /// These bytes, as they are.
    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As fs-verity uses a salt: zeros fill it up to a multiple of the 64 bytes that SHA-256 takes at a time.
    ///
    /// Source: Linux, `fsverity_prepare_hash_state`.
    fn fs_verity(bytes: &[u8]) -> Self {
        let mut salt = bytes.to_vec();
        salt.resize(bytes.len().next_multiple_of(64), 0);
        Self(salt)
    }

    /// The hash of a page; one that is not full counts as filled up with zeros.
    pub(super) fn hash_page(&self, page: &[u8]) -> [u8; HASH] {
        const ZEROS: [u8; PAGE] = [0; PAGE];
        let padding = ZEROS.get(page.len()..).unwrap_or_default();
        sha256_of(&[&self.0, page, padding])
    }

    /// The hashes of all whole pages of `bytes`, one behind the other.
    pub(super) fn hash_pages(&self, bytes: &[u8]) -> Vec<u8> {
        // Enough for the widest processor at a time, so that nothing is allocated for it.
        let mut hashes = Vec::with_capacity(bytes.len() / PAGE * HASH);
        for pages in bytes.as_chunks::<PAGE>().0.chunks(MAX_LANES) {
            let mut messages: [&[u8]; MAX_LANES] = [&[]; MAX_LANES];
            for (message, page) in messages.iter_mut().zip(pages) {
                *message = page;
            }
            let messages = messages.get(..pages.len()).unwrap_or_default();
            hashes.append(&mut digest_all::<Sha256>(&self.0, messages));
        }
        hashes
    }
}

/// A tree as it grows: of each level only the hashes whose page is not full yet.
///
/// Level 0 holds the hashes of pages of data, level 1 those of pages of level 0, and so on.
pub(super) struct Tree {
    salt: Salt,
    rest: Vec<u8>,
    levels: Vec<Vec<u8>>,
    /// Pages of hashes that are full, with their level, when somebody takes them.
    full: Option<Vec<(usize, Vec<u8>)>>,
}

impl Tree {
    /// An empty tree; nobody asks for its pages.
    pub(super) fn new(salt: Salt) -> Self {
        Self { salt, rest: Vec::new(), levels: Vec::new(), full: None }
    }

    /// An empty tree whose pages are kept for [`Tree::take_pages`].
    fn with_pages(salt: Salt) -> Self {
        Self { full: Some(Vec::new()), ..Self::new(salt) }
    }

    /// Appends data of any length.
    pub(super) fn add_data(&mut self, data: &[u8]) {
        self.rest.extend_from_slice(data);
        let mut rest = std::mem::take(&mut self.rest);
        let whole = rest.len() - rest.len() % PAGE;
        for page in rest.drain(..whole).as_slice().chunks(PAGE) {
            let hash = self.salt.hash_page(page);
            self.push(0, &hash);
        }
        self.rest = rest;
    }

    /// Appends hashes to a level; what they are of must follow all that was appended before.
    pub(super) fn add_hashes(&mut self, level: usize, hashes: &[u8]) {
        for hash in hashes.chunks(HASH) {
            self.push(level, hash);
        }
    }

    fn push(&mut self, level: usize, hash: &[u8]) {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        let Some(pending) = self.levels.get_mut(level) else { return };
        pending.extend_from_slice(hash);
        if pending.len() >= PAGE {
            self.close(level);
        }
    }

    /// Ends the pending page of a level.
    fn close(&mut self, level: usize) {
        let Some(page) = self.levels.get_mut(level).map(std::mem::take) else { return };
        let hash = self.salt.hash_page(&page);
        if let Some(full) = &mut self.full {
            full.push((level, page));
        } else if let Some(pending) = self.levels.get_mut(level) {
            // Its memory serves the next page.
            *pending = page;
            pending.clear();
        }
        self.push(level + 1, &hash);
    }

    /// The pages of hashes that became full since the last call, each level's in order. The last of a level may be
    /// shorter than a page: zeros follow it.
    fn take_pages(&mut self) -> Vec<(usize, Vec<u8>)> {
        self.full.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Pads what is pending, level by level, until one page is left; its hash is the root.
    pub(super) fn root(&mut self) -> [u8; HASH] {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            let hash = self.salt.hash_page(&rest);
            self.push(0, &hash);
        }
        let mut level = 0;
        while let Some(pending) = self.levels.get(level) {
            let is_top = level + 1 == self.levels.len();
            // The hash of the only page of the level below. Hashes of data, at level 0, are hashed at least once.
            if let (true, 1.., Ok(root)) = (is_top, level, pending.as_slice().try_into()) {
                return root;
            }
            if !pending.is_empty() {
                self.close(level);
            }
            level += 1;
        }
        self.salt.hash_page(&[])
    }
}

/// Size in bytes of the tree over a file of `file_size` bytes as it is stored: all its levels, without the root.
///
/// Source: apksig `VerityTreeBuilder.calculateLevelOffset`; AOSP adb `verity_tree_size_for_file`.
pub fn file_tree_size(file_size: u64) -> u64 {
    level_pages(file_size).iter().sum::<u64>().saturating_mul(PAGE as u64)
}

/// How many pages each level has, level 0 first; the last has one.
fn level_pages(file_size: u64) -> Vec<u64> {
    let mut levels = vec![file_size.div_ceil(PAGE as u64).div_ceil(HASHES).max(1)];
    while let Some(pages) = levels.last().copied().filter(|pages| *pages > 1) {
        levels.push(pages.div_ceil(HASHES));
    }
    levels
}

/// The tree over all bytes of a file.
///
/// [`FileTree::finish`] reads what of the file is not hashed yet. When content digests are computed as well,
/// [`content_digests_and_tree`](super::content_digests_and_tree) does the first section in one pass with them.
///
/// Source: APK Signature Scheme v4, "Merkle hash tree"; apksig `ApkSigningBlockUtils.computeChunkVerityTreeAndDigest`.
pub struct FileTree<P> {
    salt: Salt,
    tree: Tree,
    /// Where the next page of each level lies in the stored form.
    next: Vec<u64>,
    /// How much of the file is hashed, in bytes: a multiple of [`PAGE`].
    hashed: u64,
    pages: P,
}

impl<P> std::fmt::Debug for FileTree<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileTree").field("hashed", &self.hashed).finish_non_exhaustive()
    }
}

/// A tree that grows beside content digests.
pub(super) trait Beside {
    /// How its pages are hashed.
    fn salt(&self) -> &Salt;

    /// Appends the hashes of the pages that follow those before.
    fn add_hashes(&mut self, hashes: &[u8]);
}

impl<P: FnMut(u64, &[u8])> FileTree<P> {
    /// The tree over a file of that many bytes, of which nothing is hashed yet. An empty `salt` is none; a salt is used as
    /// fs-verity does.
    ///
    /// `pages` is handed each page of the tree as it is complete, with its offset in the stored form, which begins with the
    /// topmost level. The last page of a level may be short: zeros follow it up to 4096 bytes.
    pub fn new(file_size: u64, salt: &[u8], pages: P) -> Self {
        let salt = Salt::fs_verity(salt);
        let tree = Tree::with_pages(salt.clone());
        Self { salt, tree, next: level_offsets(file_size), hashed: 0, pages }
    }

    /// Hashes what is left of the file, which is `source`, and gives the root. A large file is hashed on all threads of the
    /// current rayon pool, with memory that does not grow with the file.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn finish(mut self, source: &dyn ByteSource) -> io::Result<[u8; HASH]> {
        let begin = self.hashed;
        let left = source.len().saturating_sub(begin);
        let salt = self.salt.clone();
        let hash = |index: u64, buffer: &mut Vec<u8>| {
            let start = begin + index * CHUNK;
            let len = (source.len() - start).min(CHUNK);
            buffer.resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
            source.read_exact_at(buffer, start)?;
            Ok((salt.hash_pages(buffer), buffer.chunks_exact(PAGE).remainder().to_vec()))
        };
        in_order::run(left.div_ceil(CHUNK), left, in_order::MANY, hash, |(hashes, rest)| {
            self.add_hashes(&hashes);
            self.tree.add_data(&rest);
            io::Result::Ok(())
        })?;
        let root = self.tree.root();
        self.hand_out();
        Ok(root)
    }

    fn hand_out(&mut self) {
        for (level, bytes) in self.tree.take_pages() {
            let Some(offset) = self.next.get_mut(level) else { continue };
            (self.pages)(*offset, &bytes);
            *offset = offset.saturating_add(PAGE as u64);
        }
    }
}

impl<P: FnMut(u64, &[u8])> Beside for FileTree<P> {
    fn salt(&self) -> &Salt {
        &self.salt
    }

    fn add_hashes(&mut self, hashes: &[u8]) {
        self.tree.add_hashes(0, hashes);
        self.hashed = self.hashed.saturating_add((hashes.len() / HASH * PAGE) as u64);
        self.hand_out();
    }
}

/// Where each level begins in the stored tree, level 0 first.
fn level_offsets(file_size: u64) -> Vec<u64> {
    let levels = level_pages(file_size);
    (1..=levels.len())
        .map(|above| {
            let pages: u64 = levels.get(above..).unwrap_or_default().iter().sum();
            pages.saturating_mul(PAGE as u64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as one reads it in the specification: level by level, all in memory.
    fn naive(data: &[u8], salt: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let salt = [salt, &vec![0; salt.len().next_multiple_of(64) - salt.len()]].concat();
        let level = |data: &[u8]| -> Vec<u8> {
            let mut hashes = Vec::new();
            for page in data.chunks(PAGE) {
                let mut padded = page.to_vec();
                padded.resize(PAGE, 0);
                hashes.extend(crate::crypto::sha256(&[salt.clone(), padded].concat()));
            }
            hashes.resize(hashes.len().next_multiple_of(PAGE), 0);
            hashes
        };
        let mut levels = vec![level(data)];
        while levels.last().unwrap().len() > PAGE {
            levels.push(level(levels.last().unwrap()));
        }
        let top = levels.last().unwrap();
        let root = crate::crypto::sha256(&[&salt, top.as_slice()].concat());
        levels.reverse();
        (levels.concat(), root.to_vec())
    }

    fn built(data: &[u8], salt: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let size = usize::try_from(file_tree_size(data.len() as u64)).unwrap();
        let mut tree = vec![0; size];
        let mut pages = 0;
        let root = FileTree::new(data.len() as u64, salt, |offset, page| {
            let offset = usize::try_from(offset).unwrap();
            tree[offset..offset + page.len()].copy_from_slice(page);
            pages += 1;
        });
        let root = root.finish(&data).unwrap();
        assert_eq!(pages * PAGE, size, "each page is handed out once");
        (tree, root.to_vec())
    }

    #[test]
    fn is_the_tree_of_the_specification_at_every_border() {
        let data: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(7919).to_le_bytes()[1]).collect();
        let page = PAGE;
        let sizes = [
            1,
            page - 1,
            page,
            page + 1,
            128 * page - 1,
            128 * page,
            128 * page + 1,
            (1 << 20) - 1,
            1 << 20,
            (1 << 20) + 1,
            (2 << 20) + 5 * page + 7,
            data.len(),
        ];
        for size in sizes {
            for salt in [&[][..], &[7; 5], &[9; 32]] {
                assert_eq!(built(&data[..size], salt), naive(&data[..size], salt), "{size} bytes");
            }
        }
    }

    #[test]
    fn three_levels_are_laid_out_topmost_first() {
        // 128 · 128 pages of data and one more need a third level: 64 MiB and a byte.
        let data = vec![0x5a; (64 << 20) + 1];
        assert_eq!(level_pages(data.len() as u64), [129, 2, 1]);
        assert_eq!(level_pages(data.len() as u64 - 1), [128, 1]);
        assert_eq!(level_offsets(data.len() as u64), [3 * 4096, 4096, 0]);
        assert_eq!(built(&data, &[]), naive(&data, &[]));
    }
}
