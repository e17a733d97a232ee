//! Digests of the protected sections of an APK.
//!
//! Source: APK Signature Scheme v2, "Integrity-protected contents"; apksig `VerityTreeBuilder`.

use super::hash::Hash;

const CHUNK: usize = 1024 * 1024;
const PAGE: usize = 4096;

/// Chunked digest: each section cut separately into chunks of 1 MiB.
pub fn chunked(hash: Hash, sections: &[Vec<u8>; 3]) -> Vec<u8> {
    let chunks: Vec<&[u8]> = sections.iter().flat_map(|section| section.chunks(CHUNK)).collect();
    let mut top = vec![0x5a];
    top.extend((chunks.len() as u32).to_le_bytes());
    for chunk in chunks {
        top.extend(hash.digest(&[&[0xa5], &(chunk.len() as u32).to_le_bytes()[..], chunk].concat()));
    }
    hash.digest(&top)
}

/// Verity digest: root of the SHA-256 tree with a salt of eight zero bytes, then the length of the data.
pub fn verity(sections: &[Vec<u8>; 3]) -> Vec<u8> {
    let data = sections.concat();
    let hash_pages = |data: &[u8]| -> Vec<u8> {
        let mut level = Vec::new();
        for page in data.chunks(PAGE) {
            let mut salted = vec![0; 8 + PAGE];
            salted[8..8 + page.len()].copy_from_slice(page);
            level.extend(Hash::Sha256.digest(&salted));
        }
        level
    };
    let mut level = hash_pages(&data);
    while level.len() > PAGE {
        level = hash_pages(&level);
    }
    let mut out = hash_pages(&level);
    out.extend((data.len() as u64).to_le_bytes());
    out
}
