//! Content digests of an APK: of everything but its signing block.
//!
//! Takes a source of bytes and where the sections lie; gives one value for each algorithm asked for, all from one
//! pass over the bytes. Comparing them with what a signer states is left to `scheme`.
//!
//! Source: [APK Signature Scheme v2, integrity-protected contents][spec]; apksig `ApkSigningBlockUtils` and
//! `VerityTreeBuilder`.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v2#integrity-protected-contents

use std::io;

use super::algorithm::ContentDigestAlgorithm;
use super::digest::DigestAlgorithm;
use super::digest::Hasher;
use super::in_order;
use super::lanes::Group;
use super::lanes::MAX_LANES;
use super::lanes::Sha2 as _;
use super::lanes::Sha256;
use super::lanes::Sha512;
use super::lanes::digest_each;
use super::merkle::Beside;
use super::merkle::FileTree;
use super::merkle::PAGE;
use super::merkle::Salt;
use super::merkle::Tree;
use crate::source::ByteSource;

/// Size of the chunks that are digested on their own.
const CHUNK: u64 = 1 << 20;
/// How much of a strip is read at once, in bytes: it stays in the cache of a core while all digests take it.
const AT_ONCE: usize = 512 * 1024;
/// How many strips before its turn the source is told of one: on each of some cores, the next is on its way while one is
/// digested.
const AHEAD: u64 = 8;
/// How many strips are digested between two moments at which their digests are taken, with a tree over the file: the hashes of
/// their pages are 2 MiB at most.
const WITH_TREE: u64 = 16;
/// Precedes each page in the tree: apksig and fs-verity for APKs use a salt of eight zeros.
const SALT: [u8; 8] = [0; 8];

/// The sections of an APK that signatures protect, in file order.
#[derive(Clone, Copy)]
pub struct ContentSections<'a> {
    /// The file.
    pub source: &'a dyn ByteSource,
    /// Where the signing block starts: the contents of ZIP entries are all bytes before.
    pub before_signing_block: u64,
    /// Size of the signing block in bytes, with both its size fields and its magic.
    pub signing_block_size: u64,
    /// Offset and size in bytes of the Central Directory.
    pub central_directory: (u64, u64),
    /// The End of Central Directory record, its directory offset already set to the start of the signing block.
    pub eocd: &'a [u8],
}

impl std::fmt::Debug for ContentSections<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentSections")
            .field("before_signing_block", &self.before_signing_block)
            .field("signing_block_size", &self.signing_block_size)
            .field("central_directory", &self.central_directory)
            .field("eocd", &self.eocd)
            .finish_non_exhaustive()
    }
}

/// A value for each algorithm, or a line that says why it cannot be applied to this file.
pub type ContentDigests = Vec<(ContentDigestAlgorithm, Result<Vec<u8>, String>)>;

/// Computes the content digests `wanted`, in that order, in one pass over the sections.
///
/// Each value is [`ContentDigestAlgorithm::output_len`] bytes long. Large files are digested on all threads of the current
/// rayon pool, several chunks side by side on each, with memory that does not grow with the file; files of up to 1 MiB on
/// the calling thread alone.
///
/// # Errors
/// When the source cannot be read.
pub fn content_digests(
    sections: &ContentSections<'_>,
    wanted: &[ContentDigestAlgorithm],
) -> io::Result<ContentDigests> {
    digest(sections, wanted, None)
}

/// As [`content_digests`]; `tree`, of which nothing is hashed yet, gets the pages that lie whole in the first section from the
/// same pass. Without `wanted` it gets nothing.
///
/// # Errors
/// As [`content_digests`].
pub fn content_digests_and_tree<P: FnMut(u64, &[u8])>(
    sections: &ContentSections<'_>,
    wanted: &[ContentDigestAlgorithm],
    tree: &mut FileTree<P>,
) -> io::Result<ContentDigests> {
    digest(sections, wanted, Some(tree))
}

fn digest(
    sections: &ContentSections<'_>,
    wanted: &[ContentDigestAlgorithm],
    mut file_tree: Option<&mut dyn Beside>,
) -> io::Result<ContentDigests> {
    let applicable: Vec<_> =
        wanted.iter().map(|algorithm| (*algorithm, sections.check_applicable(*algorithm))).collect();
    let asks = |algorithm| applicable.contains(&(algorithm, Ok(())));
    let sha256 = asks(ContentDigestAlgorithm::ChunkedSha256);
    let sha512 = asks(ContentDigestAlgorithm::ChunkedSha512);
    let job = Job {
        strips: Strips { sections: *sections, width: width(sha256, sha512) as u64 },
        sha256,
        sha512,
        verity: asks(ContentDigestAlgorithm::VerityChunkedSha256).then(|| Salt::raw(&SALT)),
        file_tree: file_tree.as_ref().map(|tree| tree.salt().clone()),
    };
    let mut fold = Fold::new(&job);
    if job.sha256 || job.sha512 || job.verity.is_some() {
        let digest = |index, buffer: &mut Vec<u8>| job.digest_strip(index, buffer);
        // The hashes of all pages of a strip are many.
        let at_once = if job.file_tree.is_some() { WITH_TREE } else { in_order::MANY };
        in_order::run(job.strips.count(), sections.protected_size(), at_once, digest, |strip| {
            fold.add(&strip);
            if let Some(tree) = &mut file_tree {
                strip.file_pages.iter().for_each(|hashes| tree.add_hashes(hashes));
            }
            io::Result::Ok(())
        })?;
    }
    let Digests { sha256, sha512, verity } = fold.finish(sections.protected_size());
    let value = |algorithm| match algorithm {
        ContentDigestAlgorithm::ChunkedSha256 => sha256.clone(),
        ContentDigestAlgorithm::ChunkedSha512 => sha512.clone(),
        ContentDigestAlgorithm::VerityChunkedSha256 => verity.clone(),
        ContentDigestAlgorithm::Sha256 => Vec::new(),
    };
    Ok(applicable
        .into_iter()
        .map(|(algorithm, outcome)| (algorithm, outcome.map(|()| value(algorithm))))
        .collect())
}

impl ContentSections<'_> {
    /// Size of all sections together, in bytes.
    fn protected_size(&self) -> u64 {
        self.before_signing_block
            .saturating_add(self.central_directory.1)
            .saturating_add(self.eocd.len() as u64)
    }

    fn check_applicable(&self, algorithm: ContentDigestAlgorithm) -> Result<(), String> {
        match algorithm {
            ContentDigestAlgorithm::ChunkedSha256 | ContentDigestAlgorithm::ChunkedSha512 => Ok(()),
            ContentDigestAlgorithm::VerityChunkedSha256 => {
                let page = PAGE as u64;
                if !self.before_signing_block.is_multiple_of(page) {
                    return Err(format!(
                        "the signing block starts at {:#x}, not at a multiple of {page}",
                        self.before_signing_block
                    ));
                }
                if !self.signing_block_size.is_multiple_of(page) {
                    return Err(format!(
                        "the signing block has {} bytes, not a multiple of {page}",
                        self.signing_block_size
                    ));
                }
                if self.protected_size() == 0 {
                    return Err("there is nothing to digest".to_owned());
                }
                Ok(())
            }
            ContentDigestAlgorithm::Sha256 => {
                Err("SHA256 digests a JAR manifest, not the sections".to_owned())
            }
        }
    }
}

/// A section, as it is cut into chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Contents,
    Directory,
    End,
}

/// Chunks that are digested side by side: some whole ones in a row, or a short one alone.
#[derive(Clone, Copy)]
struct Strip {
    section: Section,
    /// Where it starts in its section.
    start: u64,
    /// Size of each chunk in bytes.
    len: u64,
    /// How many chunks it has.
    count: usize,
}

/// The strips of all sections in file order: each section is cut on its own, its last chunk may be short.
#[derive(Clone, Copy)]
struct Strips<'a> {
    sections: ContentSections<'a>,
    /// The most chunks in a strip.
    width: u64,
}

impl Strips<'_> {
    fn sizes(&self) -> [(Section, u64); 3] {
        [
            (Section::Contents, self.sections.before_signing_block),
            (Section::Directory, self.sections.central_directory.1),
            (Section::End, self.sections.eocd.len() as u64),
        ]
    }

    /// How many chunks there are: each section's last one may be short, and an empty section has none.
    fn chunks(&self) -> u64 {
        self.sizes().iter().map(|(_, size)| size.div_ceil(CHUNK)).sum()
    }

    /// Strips of whole chunks in a section of that size, and whether a short one follows.
    fn strips(&self, size: u64) -> (u64, bool) {
        ((size / CHUNK).div_ceil(self.width), !size.is_multiple_of(CHUNK))
    }

    fn count(&self) -> u64 {
        let count = |(_, size)| {
            let (whole, short) = self.strips(size);
            whole + u64::from(short)
        };
        self.sizes().into_iter().map(count).sum()
    }

    fn get(&self, index: u64) -> Option<Strip> {
        let mut index = index;
        for (section, size) in self.sizes() {
            let (whole, short) = self.strips(size);
            if index < whole {
                let first = index * self.width;
                let count = (size / CHUNK - first).min(self.width);
                let count = usize::try_from(count).unwrap_or(MAX_LANES);
                return Some(Strip { section, start: first * CHUNK, len: CHUNK, count });
            }
            if index == whole && short {
                let start = size / CHUNK * CHUNK;
                return Some(Strip { section, start, len: size - start, count: 1 });
            }
            index -= whole + u64::from(short);
        }
        None
    }

    /// Tells the source that a strip will be read.
    fn announce(&self, strip: Strip) {
        if let Some(offset) = self.base(strip.section).and_then(|base| base.checked_add(strip.start)) {
            self.sections.source.will_read(offset, strip.len.saturating_mul(strip.count as u64));
        }
    }

    /// Where a section begins in the source; none for the record, which is at hand.
    fn base(&self, section: Section) -> Option<u64> {
        match section {
            Section::Contents => Some(0),
            Section::Directory => Some(self.sections.central_directory.0),
            Section::End => None,
        }
    }

    /// Puts `len` bytes of each chunk of a strip, from `done` on, into `slices`; false where the source has them not in
    /// memory.
    fn in_memory<'b>(&'b self, strip: Strip, done: u64, len: usize, slices: &mut [&'b [u8]]) -> bool {
        let Some(base) = self.base(strip.section) else { return false };
        (0_u64..).zip(slices).take(strip.count).all(|(lane, place)| {
            let offset = base.checked_add(strip.start + lane * strip.len + done);
            let bytes = offset.and_then(|offset| self.sections.source.in_memory(offset, len as u64));
            *place = bytes.unwrap_or_default();
            bytes.is_some()
        })
    }

    /// Reads bytes of a section from `start` on.
    fn read(&self, section: Section, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        let Some(base) = self.base(section) else {
            return self.sections.eocd.read_exact_at(buffer, start);
        };
        let offset = base.checked_add(start).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.sections.source.read_exact_at(buffer, offset)
    }
}

/// What to compute of each chunk.
struct Job<'a> {
    strips: Strips<'a>,
    sha256: bool,
    sha512: bool,
    /// How pages of the tree are hashed, when one is asked for.
    verity: Option<Salt>,
    /// How pages of the tree over the whole file are hashed, when one is asked for.
    file_tree: Option<Salt>,
}

/// What one strip gives.
#[derive(Default)]
struct StripDigests {
    /// Of each chunk, one after another.
    sha256: Vec<u8>,
    /// Of each chunk, one after another.
    sha512: Vec<u8>,
    /// Of each chunk.
    pages: Vec<Pages>,
    /// Of each chunk of the first section, the hashes of its whole pages in the tree over the file.
    file_pages: Vec<Vec<u8>>,
}

/// The part of the tree that lies under one chunk.
#[derive(Default)]
struct Pages {
    /// The level to which `hashes` belong: 0 for those of pages of data, 1 for those of pages of such hashes.
    level: usize,
    hashes: Vec<u8>,
    /// The bytes behind the last whole page.
    rest: Vec<u8>,
}

/// How many chunks are best digested side by side.
fn width(sha256: bool, sha512: bool) -> usize {
    let of_256 = if sha256 { Sha256::lanes() } else { 1 };
    let of_512 = if sha512 { Sha512::lanes() } else { 1 };
    of_256.max(of_512).min(MAX_LANES)
}

/// What precedes the bytes of a chunk; `len` is their number, at most 1 MiB.
fn prefix(len: u64) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    [0xa5, a, b, c, d]
}

/// SHA-256 of each of these chunks, as the content digest takes it: faster than one after another. Each has at most 1 MiB.
pub fn chunk_digests(chunks: &[&[u8]]) -> Vec<[u8; 32]> {
    let prefixes: Vec<_> = chunks.iter().map(|chunk| prefix(chunk.len())).collect();
    let messages: Vec<_> = prefixes.iter().map(<[u8; 5]>::as_slice).zip(chunks.iter().copied()).collect();
    let digests = digest_each::<Sha256>(&messages).into_iter();
    digests.map(|digest| digest.try_into().unwrap_or_default()).collect()
}

impl Job<'_> {
    /// The digest of the only chunk of the first section, where the source has been told it.
    fn digested_ahead(&self, strip: Strip) -> Option<[u8; 32]> {
        let alone = !self.sha512 && self.verity.is_none();
        let first = strip.section == Section::Contents && strip.start == 0 && strip.count == 1;
        if alone && first { self.strips.sections.source.chunk_digest(strip.len) } else { None }
    }

    /// Digests a strip slice by slice: each byte is read once, and used for everything while it is near.
    fn digest_strip(&self, index: u64, buffer: &mut Vec<u8>) -> io::Result<StripDigests> {
        let Some(strip) = self.strips.get(index) else { return Ok(StripDigests::default()) };
        if index < AHEAD {
            self.strips.announce(strip);
        }
        if let Some(later) = self.strips.get(index.saturating_add(AHEAD)) {
            self.strips.announce(later);
        }
        let told = self.digested_ahead(strip);
        let file_tree = self.file_tree.as_ref().filter(|_| strip.section == Section::Contents);
        if let (Some(digest), None) = (told, file_tree) {
            return Ok(StripDigests { sha256: digest.to_vec(), ..StripDigests::default() });
        }
        let prefix = prefix(strip.len);
        let wants_sha256 = self.sha256 && told.is_none();
        let mut sha256 = wants_sha256.then(|| Group::<Sha256>::new(strip.count, &prefix));
        let mut sha512 = self.sha512.then(|| Group::<Sha512>::new(strip.count, &prefix));
        let mut pages: Vec<Pages> = Vec::new();
        if self.verity.is_some() {
            pages.resize_with(strip.count, Pages::default);
        }
        let mut file_pages: Vec<Vec<u8>> = Vec::new();
        if file_tree.is_some() {
            file_pages.resize_with(strip.count, Vec::new);
        }
        // Whole pages, for the tree.
        let most = (AT_ONCE / strip.count.max(1) / PAGE).max(1) * PAGE;
        let mut done = 0;
        while done < strip.len {
            let len = usize::try_from(strip.len - done).unwrap_or(most).min(most);
            let mut slices: [&[u8]; MAX_LANES] = [&[]; MAX_LANES];
            if !self.strips.in_memory(strip, done, len, &mut slices) {
                buffer.resize(len * strip.count, 0);
                for (lane, slice) in (0_u64..).zip(buffer.chunks_mut(len)) {
                    self.strips.read(strip.section, strip.start + lane * strip.len + done, slice)?;
                }
                for (place, slice) in slices.iter_mut().zip(buffer.chunks(len)) {
                    *place = slice;
                }
            }
            let slices = slices.get(..strip.count).unwrap_or_default();
            if let Some(group) = &mut sha256 {
                group.update(slices);
            }
            if let Some(group) = &mut sha512 {
                group.update(slices);
            }
            if let Some(salt) = &self.verity {
                for (pages, slice) in pages.iter_mut().zip(slices) {
                    pages.add(salt, strip.section, slice);
                }
            }
            if let Some(salt) = file_tree {
                for (hashes, slice) in file_pages.iter_mut().zip(slices) {
                    hashes.append(&mut salt.hash_pages(slice));
                }
            }
            done += len as u64;
        }
        if let Some(salt) = &self.verity {
            let whole = strip.section == Section::Contents && strip.len == CHUNK;
            pages.iter_mut().filter(|_| whole).for_each(|pages| pages.raise(salt));
        }
        Ok(StripDigests {
            sha256: sha256.map(Group::finish).or(told.map(Vec::from)).unwrap_or_default(),
            sha512: sha512.map(Group::finish).unwrap_or_default(),
            pages,
            file_pages,
        })
    }
}

impl Pages {
    /// Hashes the whole pages of a slice, which starts at the border of a page.
    fn add(&mut self, salt: &Salt, section: Section, slice: &[u8]) {
        // The record follows the directory without a gap, so its pages start anywhere.
        if section == Section::End {
            self.rest.extend_from_slice(slice);
            return;
        }
        self.hashes.append(&mut salt.hash_pages(slice));
        self.rest.extend_from_slice(slice.chunks_exact(PAGE).remainder());
    }

    /// A whole chunk of the first section fills two pages of hashes, and these start at the border of one.
    fn raise(&mut self, salt: &Salt) {
        self.hashes = salt.hash_pages(&self.hashes);
        self.level = 1;
    }
}

/// Takes the digests of strips in order and makes the final values of them.
struct Fold {
    sha256: Option<Hasher>,
    sha512: Option<Hasher>,
    tree: Option<Tree>,
}

/// The final values; those that were not asked for are empty.
struct Digests {
    sha256: Vec<u8>,
    sha512: Vec<u8>,
    verity: Vec<u8>,
}

impl Fold {
    fn new(job: &Job<'_>) -> Self {
        let start = |algorithm| {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&[0x5a]);
            // More than 2³² chunks are 4 PiB: beyond what any source holds.
            hasher.update(&u32::try_from(job.strips.chunks()).unwrap_or(u32::MAX).to_le_bytes());
            hasher
        };
        Self {
            sha256: job.sha256.then(|| start(DigestAlgorithm::Sha256)),
            sha512: job.sha512.then(|| start(DigestAlgorithm::Sha512)),
            tree: job.verity.clone().map(Tree::new),
        }
    }

    fn add(&mut self, strip: &StripDigests) {
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(&strip.sha256);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(&strip.sha512);
        }
        if let Some(tree) = &mut self.tree {
            for pages in &strip.pages {
                tree.add_hashes(pages.level, &pages.hashes);
                tree.add_data(&pages.rest);
            }
        }
    }

    fn finish(self, protected_size: u64) -> Digests {
        let verity = self.tree.map(|mut tree| [&tree.root()[..], &protected_size.to_le_bytes()].concat());
        Digests {
            sha256: self.sha256.map(Hasher::finish).unwrap_or_default(),
            sha512: self.sha512.map(Hasher::finish).unwrap_or_default(),
            verity: verity.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::crypto::sha256;

    use ContentDigestAlgorithm::ChunkedSha256;
    use ContentDigestAlgorithm::ChunkedSha512;
    use ContentDigestAlgorithm::VerityChunkedSha256;

    /// Digests as one reads them in the specification: section by section, all in memory, one stream after another.
    fn naive(sections: &[&[u8]]) -> ContentDigests {
        let chunked = |algorithm: DigestAlgorithm| {
            let chunks: Vec<&[u8]> = sections.iter().flat_map(|section| section.chunks(1 << 20)).collect();
            let count = u32::try_from(chunks.len()).unwrap().to_le_bytes();
            let mut top = [&[0x5a][..], &count].concat();
            for chunk in chunks {
                let len = u32::try_from(chunk.len()).unwrap().to_le_bytes();
                top.extend(algorithm.digest(&[&[0xa5][..], &len, chunk].concat()));
            }
            algorithm.digest(&top)
        };
        let data = sections.concat();
        let mut level = data.clone();
        loop {
            let page = |page: &[u8]| sha256(&[&[0; 8], page, &vec![0; 4096 - page.len()]].concat());
            level = level.chunks(4096).flat_map(page).collect();
            if level.len() <= 4096 {
                let root = page(&level);
                let verity = [&root[..], &(data.len() as u64).to_le_bytes()].concat();
                return vec![
                    (ChunkedSha256, Ok(chunked(DigestAlgorithm::Sha256))),
                    (ChunkedSha512, Ok(chunked(DigestAlgorithm::Sha512))),
                    (VerityChunkedSha256, Ok(verity)),
                ];
            }
        }
    }

    #[test]
    fn digests_are_those_of_the_specification_at_every_border() {
        const MIB: usize = 1 << 20;
        let data: Vec<u8> =
            (0_u32..).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).take(20 * MIB).collect();
        let eocd = [7; 22];
        // Sizes of contents and directory: whole pages, since the tree begins the directory at the border of one.
        for (contents, directory) in [
            (4096, 46),
            (MIB - 4096, 1),
            (MIB, 100),
            (MIB + 4096, MIB + 1),
            (2 * MIB, 5000),
            (3 * MIB + 8192, 4096),
            (9 * MIB, 2 * MIB + 3),
            (17 * MIB + 4096, 46),
        ] {
            let file = &data[..contents + 4096 + directory];
            let sections = ContentSections {
                source: &file,
                before_signing_block: contents as u64,
                signing_block_size: 4096,
                central_directory: (contents as u64 + 4096, directory as u64),
                eocd: &eocd,
            };
            let expected = naive(&[&file[..contents], &file[contents + 4096..], &eocd]);
            let all = [ChunkedSha256, ChunkedSha512, VerityChunkedSha256];
            assert_eq!(
                content_digests(&sections, &all).unwrap(),
                expected,
                "{contents} and {directory} bytes"
            );
            // Alone, each is computed in strips of another width.
            for (index, algorithm) in all.into_iter().enumerate() {
                let alone = content_digests(&sections, &[algorithm]).unwrap();
                assert_eq!(alone, expected[index..=index], "{} of {contents} bytes", algorithm.name());
            }
        }
    }

    /// Bytes that count how many of them are read, and tell the digest of their first chunk when they have one.
    struct Counted<'b>(&'b [u8], AtomicU64, Option<[u8; 32]>);

    impl ByteSource for Counted<'_> {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            self.1.fetch_add(buf.len() as u64, Relaxed);
            (&self.0).read_exact_at(buf, offset)
        }

        fn chunk_digest(&self, _: u64) -> Option<[u8; 32]> {
            self.2
        }
    }

    /// The root of the tree over a file and all its pages.
    type Built = ([u8; 32], BTreeMap<u64, Vec<u8>>);

    #[test]
    fn a_tree_over_the_file_that_is_built_beside_the_digests_is_that_of_the_file() {
        const MIB: usize = 1 << 20;
        let data: Vec<u8> =
            (0_u32..).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).take(19 * MIB).collect();
        let eocd = [7; 22];
        for (contents, block, wanted) in [
            (100, 50, vec![ChunkedSha256]),
            (4096, 4096, vec![VerityChunkedSha256, ChunkedSha256]),
            (5000, 777, vec![ChunkedSha512, ChunkedSha256]),
            (MIB, 4096, vec![ChunkedSha256]),
            (MIB + 4097, 4095, vec![ChunkedSha256]),
            (3 * MIB, 4096, vec![VerityChunkedSha256]),
            (17 * MIB + 1, 4096 + 3, vec![ChunkedSha256]),
            (5000, 777, Vec::new()),
        ] {
            let directory = contents + block..contents + block + 300;
            let file = [&data[..directory.end], &eocd].concat();
            let told = (contents < MIB).then(|| [contents.to_le_bytes()[0]; 32]);
            // The contents and the directory.
            let once = if wanted.is_empty() { 0 } else { contents as u64 + 300 };
            for told in [None, told] {
                let file = Counted(&file, AtomicU64::new(0), told);
                let sections = ContentSections {
                    source: &file,
                    before_signing_block: contents as u64,
                    signing_block_size: block as u64,
                    central_directory: (directory.start as u64, 300),
                    eocd: &eocd,
                };
                let digests = content_digests(&sections, &wanted).unwrap();
                let salts = [&[][..], &[3; 9]];
                for salt in salts.into_iter().take(if contents > 4 * MIB { 1 } else { 2 }) {
                    let what = format!("{contents} and {block} bytes, {wanted:?}, {told:?}");
                    let mut built: [Built; 2] = Default::default();
                    for (beside, (root, pages)) in built.iter_mut().enumerate() {
                        let take =
                            |offset, page: &[u8]| assert_eq!(pages.insert(offset, page.to_vec()), None);
                        let mut tree = FileTree::new(file.len(), salt, take);
                        if beside == 1 {
                            file.1.store(0, Relaxed);
                            assert_eq!(
                                content_digests_and_tree(&sections, &wanted, &mut tree).unwrap(),
                                digests,
                                "{what}"
                            );
                        }
                        *root = tree.finish(&file).unwrap();
                    }
                    let [alone, beside] = built;
                    assert!(alone == beside, "{what}");
                    // The page that is both of the contents and of the block, the block, and what follows.
                    let behind = (contents % 4096 + block + 300 + 22) as u64;
                    let most = if wanted.is_empty() { file.len() } else { once + behind };
                    assert!(
                        file.1.load(Relaxed) <= most,
                        "{what}: {} bytes, not {most}",
                        file.1.load(Relaxed)
                    );
                }
            }
        }
    }
}
