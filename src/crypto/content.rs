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
use super::merkle::PAGE;
use super::merkle::Salt;
use super::merkle::Tree;
use crate::source::ByteSource;

/// Size of the chunks that are digested on their own.
const CHUNK: u64 = 1 << 20;
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
/// Each value is [`ContentDigestAlgorithm::output_len`] bytes long. Large files are digested on all threads of the current rayon pool with memory that does not grow
/// with the file; files of up to 1 MiB on the calling thread alone.
///
/// # Errors
/// When the source cannot be read.
pub fn content_digests(
    sections: &ContentSections<'_>,
    wanted: &[ContentDigestAlgorithm],
) -> io::Result<ContentDigests> {
    let applicable: Vec<_> =
        wanted.iter().map(|algorithm| (*algorithm, sections.check_applicable(*algorithm))).collect();
    let asks = |algorithm| applicable.contains(&(algorithm, Ok(())));
    let chunks = Chunks::new(sections);
    let job = Job {
        chunks,
        sha256: asks(ContentDigestAlgorithm::ChunkedSha256),
        sha512: asks(ContentDigestAlgorithm::ChunkedSha512),
        verity: asks(ContentDigestAlgorithm::VerityChunkedSha256).then(|| Salt::raw(&SALT)),
    };
    let mut fold = Fold::new(&job);
    if job.sha256 || job.sha512 || job.verity.is_some() {
        let digest = |index, buffer: &mut Vec<u8>| job.digest_chunk(index, buffer);
        in_order::run(chunks.count(), sections.protected_size(), digest, |chunk| {
            fold.add(&chunk);
            io::Result::Ok(())
        })?;
    }
    let digests = fold.finish(sections.protected_size());
    let value = |algorithm| match algorithm {
        ContentDigestAlgorithm::ChunkedSha256 => digests.sha256.clone(),
        ContentDigestAlgorithm::ChunkedSha512 => digests.sha512.clone(),
        ContentDigestAlgorithm::VerityChunkedSha256 => digests.verity.clone(),
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

/// The chunks of all sections in file order: each section is cut on its own, its last chunk may be short.
#[derive(Clone, Copy)]
struct Chunks<'a> {
    sections: ContentSections<'a>,
    contents: u64,
    directory: u64,
    end: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Contents,
    Directory,
    End,
}

impl<'a> Chunks<'a> {
    fn new(sections: &ContentSections<'a>) -> Self {
        Self {
            sections: *sections,
            contents: sections.before_signing_block.div_ceil(CHUNK),
            directory: sections.central_directory.1.div_ceil(CHUNK),
            end: (sections.eocd.len() as u64).div_ceil(CHUNK),
        }
    }

    fn count(&self) -> u64 {
        self.contents.saturating_add(self.directory).saturating_add(self.end)
    }

    /// The bytes of chunk `index`, read into `buffer` when they are in the source.
    fn read<'b>(&self, index: u64, buffer: &'b mut Vec<u8>) -> io::Result<(Section, &'b [u8])>
    where
        'a: 'b,
    {
        let directory = index.saturating_sub(self.contents);
        let (section, base, start, size) = if index < self.contents {
            (Section::Contents, 0, index * CHUNK, self.sections.before_signing_block)
        } else if directory < self.directory {
            let (offset, size) = self.sections.central_directory;
            (Section::Directory, offset, directory * CHUNK, size)
        } else {
            (Section::End, 0, (directory - self.directory) * CHUNK, self.sections.eocd.len() as u64)
        };
        let len = usize::try_from((size - start).min(CHUNK)).unwrap_or(usize::MAX);
        if section == Section::End {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let bytes = self.sections.eocd.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default();
            return Ok((section, bytes));
        }
        buffer.resize(len, 0);
        let offset = base.checked_add(start).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.sections.source.read_exact_at(buffer, offset)?;
        Ok((section, buffer))
    }
}

/// What to compute of each chunk.
struct Job<'a> {
    chunks: Chunks<'a>,
    sha256: bool,
    sha512: bool,
    /// How pages of the tree are hashed, when one is asked for.
    verity: Option<Salt>,
}

/// What one chunk gives.
#[derive(Default)]
struct ChunkDigests {
    sha256: Vec<u8>,
    sha512: Vec<u8>,
    pages: Pages,
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

impl Job<'_> {
    fn digest_chunk(&self, index: u64, buffer: &mut Vec<u8>) -> io::Result<ChunkDigests> {
        let (section, bytes) = self.chunks.read(index, buffer)?;
        let digest =
            |wanted: bool, algorithm| if wanted { chunk_digest(algorithm, bytes) } else { Vec::new() };
        Ok(ChunkDigests {
            sha256: digest(self.sha256, DigestAlgorithm::Sha256),
            sha512: digest(self.sha512, DigestAlgorithm::Sha512),
            pages: self.verity.as_ref().map(|salt| hash_pages(salt, section, bytes)).unwrap_or_default(),
        })
    }
}

fn chunk_digest(algorithm: DigestAlgorithm, chunk: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&[0xa5]);
    // A chunk has at most 1 MiB.
    hasher.update(&u32::try_from(chunk.len()).unwrap_or(u32::MAX).to_le_bytes());
    hasher.update(chunk);
    hasher.finish()
}

/// Hashes the whole pages of a chunk, which starts at the border of a page.
fn hash_pages(salt: &Salt, section: Section, chunk: &[u8]) -> Pages {
    // The record follows the directory without a gap, so its pages start anywhere.
    if section == Section::End {
        return Pages { rest: chunk.to_vec(), ..Pages::default() };
    }
    let hashes = salt.hash_pages(chunk);
    let rest = chunk.chunks_exact(PAGE).remainder().to_vec();
    // A whole chunk of the first section fills two pages of hashes, and these start at the border of one.
    if section == Section::Contents && chunk.len() as u64 == CHUNK {
        return Pages { level: 1, hashes: salt.hash_pages(&hashes), rest };
    }
    Pages { level: 0, hashes, rest }
}

/// Takes the digests of chunks in order and makes the final values of them.
struct Fold {
    sha256: Hasher,
    sha512: Hasher,
    tree: Tree,
}

/// The final values; those that were not asked for mean nothing.
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
            hasher.update(&u32::try_from(job.chunks.count()).unwrap_or(u32::MAX).to_le_bytes());
            hasher
        };
        Self {
            sha256: start(DigestAlgorithm::Sha256),
            sha512: start(DigestAlgorithm::Sha512),
            tree: Tree::new(Salt::raw(&SALT)),
        }
    }

    fn add(&mut self, chunk: &ChunkDigests) {
        self.sha256.update(&chunk.sha256);
        self.sha512.update(&chunk.sha512);
        self.tree.add_hashes(chunk.pages.level, &chunk.pages.hashes);
        self.tree.add_data(&chunk.pages.rest);
    }

    fn finish(mut self, protected_size: u64) -> Digests {
        let mut verity = self.tree.root().to_vec();
        verity.extend(protected_size.to_le_bytes());
        Digests { sha256: self.sha256.finish(), sha512: self.sha512.finish(), verity }
    }
}
