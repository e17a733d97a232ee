//! Small files, opened and digested several at a time.
//!
//! The content of a small APK is one chunk, and a single stream of SHA-256 waits for itself most of the time: the chunks of
//! several files are digested side by side, before each file is judged by itself.

use std::panic::AssertUnwindSafe;

use crate::Limits;
use crate::apk::Apk;
use crate::crypto::chunk_digests;
use crate::source::ByteSource as _;
use crate::source::FileSource;

/// So many bytes of small files a thread has in memory at most, not counting the last.
pub(super) const MOST: u64 = 2 << 20;

/// Digests the contents of files that are in memory and have a signing block, and tells each its own.
pub(super) fn digest(files: &mut [&mut FileSource], limits: &Limits) {
    let mut contents = Vec::new();
    for (place, file) in files.iter().enumerate() {
        // Where this breaks down the verifier does, and says so.
        let len = std::panic::catch_unwind(AssertUnwindSafe(|| contents_len(file, limits))).ok().flatten();
        if let Some(bytes) = len.and_then(|len| file.in_memory(0, len)) {
            contents.push((place, bytes));
        }
    }
    // Long ones first, so that those side by side end together.
    contents.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
    if contents.len() < 2 {
        return;
    }
    let chunks: Vec<&[u8]> = contents.iter().map(|(_, bytes)| *bytes).collect();
    let digests = chunk_digests(&chunks);
    let told: Vec<_> = contents.iter().map(|(place, bytes)| (*place, bytes.len())).zip(digests).collect();
    for ((place, len), digest) in told {
        if let Some(file) = files.get_mut(place) {
            file.set_chunk_digest(len, digest);
        }
    }
}

/// Where the signing block starts, in a small file that has one: what lies before is one chunk.
fn contents_len(file: &FileSource, limits: &Limits) -> Option<u64> {
    // A large file is not in memory.
    file.in_memory(0, 1)?;
    let apk = Apk::open(file, limits).ok()?;
    apk.signing_block().ok().flatten().map(|block| block.offset)
}
