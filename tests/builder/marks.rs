//! What stores, packers and developers leave in APKs beside Android's signatures.

use super::archive::Parts;
use super::hash::Hash;
use super::hash::base64;
use super::keys::Key;
use super::signing_block::Pair;
use super::signing_block::id;

/// Value of the pair of packer-ng.
pub fn packer_ng(payload: &str) -> Vec<u8> {
    let len = (payload.len() as u32).to_le_bytes();
    [b"Packer Ng Sig V2", &len[..], payload.as_bytes(), &len].concat()
}

/// What VasDolly appends to the archive comment.
pub fn vasdolly_comment(channel: &str) -> Vec<u8> {
    [channel.as_bytes(), &(channel.len() as u16).to_le_bytes(), b"ltlovezh"].concat()
}

/// An entry of a frosting to be.
#[derive(Clone)]
pub struct FrostingEntry {
    pub disabled: u8,
    pub key_index: u8,
    /// The digest; none for the true one.
    pub file_sha256: Option<Vec<u8>>,
    pub key: Key,
}

/// A frosting to be, as Google Play adds it: one entry, key 0.
pub struct Frosting {
    pub info: Vec<u8>,
    pub entries: Vec<FrostingEntry>,
}

impl Frosting {
    /// A frosting signed by this key.
    pub fn by(key: &Key) -> Self {
        let entry = FrostingEntry { disabled: 0, key_index: 0, file_sha256: None, key: key.clone() };
        Self { info: b"\x08\x01".to_vec(), entries: vec![entry] }
    }

    /// Changes the entries before they are signed.
    pub fn entries(mut self, change: impl FnOnce(&mut Vec<FrostingEntry>)) -> Self {
        change(&mut self.entries);
        self
    }

    /// Value of the pair for a file of these parts.
    pub fn value(&self, parts: &Parts) -> Vec<u8> {
        let digest = file_sha256(parts);
        let mut metadata = Vec::new();
        let mut ends = Vec::new();
        for entry in &self.entries {
            let digest = entry.file_sha256.as_ref().unwrap_or(&digest);
            metadata.extend(prefixed(&[&[entry.disabled, entry.key_index], &digest[..]].concat()));
            ends.push(metadata.len());
        }
        let head = [prefixed(&self.info), varint(metadata.len())].concat();
        let signed = [&head[..], &metadata].concat();
        let signatures: Vec<u8> = self
            .entries
            .iter()
            .zip(ends)
            .flat_map(|(entry, end)| prefixed(&entry.key.sign(Hash::Sha256, &signed[..head.len() + end])))
            .collect();
        [prefixed(&signed), prefixed(&signatures)].concat()
    }

    /// Adds the pair to a signed file; for [`super::Apk::after_signing`].
    pub fn add(&self, parts: &mut Parts) {
        let value = self.value(parts);
        parts.signing_block.as_mut().expect("a signed file").pairs.push(Pair::new(id::FROSTING, value));
    }
}

/// SHA-256 of the file without its signing block, but with id and value of its v2 pair.
pub fn file_sha256(parts: &Parts) -> Vec<u8> {
    let [contents, directory, eocd] = parts.protected();
    let pairs = parts.signing_block.iter().flat_map(|block| &block.pairs);
    let v2 = pairs.filter(|pair| pair.id == id::V2).take(1);
    let v2: Vec<u8> = v2.flat_map(|pair| [&pair.id.to_le_bytes()[..], &pair.value].concat()).collect();
    Hash::Sha256.digest(&[contents, v2, directory, eocd].concat())
}

/// A compact JSON Web Signature: `signature` signs header, dot and payload.
pub fn jws(header: &str, payload: &[u8], signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload));
    let signature = base64url(&signature(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The header of code transparency, with the certificate of the key.
pub fn jws_header(algorithm: &str, key: &Key) -> String {
    format!(r#"{{"alg":"{algorithm}","x5c":["{}"]}}"#, base64(&key.certificate))
}

/// A code transparency file as bundletool writes it: RS256.
pub fn code_transparency(key: &Key, payload: &str) -> String {
    jws(&jws_header("RS256", key), payload.as_bytes(), |signed| key.sign(Hash::Sha256, signed))
}

/// Base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// r and s of an ECDSA signature in DER, each in 32 bytes: how JSON writes it.
pub fn raw_p256(der: &[u8]) -> Vec<u8> {
    let (_, numbers, _) = super::der::split(der);
    let (_, r, rest) = super::der::split(numbers);
    let (_, s, _) = super::der::split(rest);
    let fixed = |number: &[u8]| {
        let digits = &number[number.iter().position(|byte| *byte != 0).unwrap_or(number.len())..];
        [vec![0; 32 - digits.len()], digits.to_vec()].concat()
    };
    [fixed(r), fixed(s)].concat()
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len()), bytes.to_vec()].concat()
}

/// Seven bits an octet, lowest first.
fn varint(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}
