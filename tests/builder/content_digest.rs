//! Digests of the protected sections of an APK.
//!
//! Source: APK Signature Scheme v2, "Integrity-protected contents"; apksig `VerityTreeBuilder`.

use super::hash::Hash;
use super::signer::algorithm;
use super::signer::is_verity;

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

/// The digest that a signature of that algorithm stands for.
pub fn of_algorithm(algorithm: u32, sections: &[Vec<u8>; 3]) -> Vec<u8> {
    match algorithm {
        algorithm::RSA_PSS_SHA512 | algorithm::RSA_SHA512 | algorithm::ECDSA_SHA512 | algorithm::ML_DSA => {
            chunked(Hash::Sha512, sections)
        }
        algorithm if is_verity(algorithm) => verity(sections),
        _ => chunked(Hash::Sha256, sections),
    }
}

/// The hash of a page in a tree: zeros fill it up.
pub fn page_hash(salt: &[u8], page: &[u8]) -> Vec<u8> {
    let padding = vec![0; PAGE - page.len()];
    Hash::Sha256.digest(&[salt, page, &padding].concat())
}

/// Verity digest: root of the SHA-256 tree with a salt of eight zero bytes, then the length of the data.
pub fn verity(sections: &[Vec<u8>; 3]) -> Vec<u8> {
    let data = sections.concat();
    let hash_pages =
        |data: &[u8]| -> Vec<u8> { data.chunks(PAGE).flat_map(|page| page_hash(&[0; 8], page)).collect() };
    let mut level = hash_pages(&data);
    while level.len() > PAGE {
        level = hash_pages(&level);
    }
    let mut out = hash_pages(&level);
    out.extend((data.len() as u64).to_le_bytes());
    out
}
