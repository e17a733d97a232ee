//! Writes the v4 signature file that stands beside an APK.
//!
//! Source: APK Signature Scheme v4; apksig `V4SchemeSigner`, `V4Signature`; fs-verity.

use super::Apk;
use super::content_digest;
use super::content_digest::page_hash;
use super::hash::Hash;
use super::hooks::Hooks;
use super::keys::Key;
use super::signer::default_algorithm;
use super::signer::prefixed;
use super::signer::sign;

const PAGE: usize = 4096;

/// How the tree is built, and its root.
#[derive(Debug, Clone)]
pub struct HashingInfo {
    pub hash_algorithm: u32,
    pub log2_block_size: u8,
    pub salt: Vec<u8>,
    pub root_hash: Vec<u8>,
    /// Bytes behind the root.
    pub tail: Vec<u8>,
}

/// One signature as it stands in the file.
#[derive(Debug, Clone)]
pub struct SigningInfo {
    /// The content digest of v2 or v3.
    pub apk_digest: Vec<u8>,
    /// X.509 DER.
    pub certificate: Vec<u8>,
    pub additional_data: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    pub algorithm: u32,
    pub signature: Vec<u8>,
    /// Bytes behind the signature.
    pub tail: Vec<u8>,
}

impl SigningInfo {
    fn encode(&self) -> Vec<u8> {
        [
            &prefixed(&self.apk_digest)[..],
            &prefixed(&self.certificate),
            &prefixed(&self.additional_data),
            &prefixed(&self.public_key),
            &self.algorithm.to_le_bytes(),
            &prefixed(&self.signature),
            &self.tail,
        ]
        .concat()
    }
}

/// The file, signed.
#[derive(Debug, Clone)]
pub struct File {
    pub version: u32,
    pub hashing: HashingInfo,
    pub signing: SigningInfo,
    /// Further entries with the ids of their blocks.
    pub blocks: Vec<(u32, SigningInfo)>,
    /// Further entries as bytes.
    pub raw_blocks: Vec<(u32, Vec<u8>)>,
    /// The tree; none leaves its length out, too.
    pub tree: Option<Vec<u8>>,
    /// The length field of the tree, when it is not to be the true one.
    pub tree_len: Option<u32>,
    /// Bytes behind the tree.
    pub tail: Vec<u8>,
}

impl File {
    fn encode(&self) -> Vec<u8> {
        let mut infos = self.signing.encode();
        let blocks = self.blocks.iter().map(|(id, info)| (*id, info.encode()));
        for (id, bytes) in blocks.chain(self.raw_blocks.iter().cloned()) {
            infos.extend(id.to_le_bytes());
            infos.extend(prefixed(&bytes));
        }
        let mut out = self.version.to_le_bytes().to_vec();
        out.extend(prefixed(&hashing_bytes(&self.hashing)));
        out.extend(prefixed(&infos));
        if let Some(tree) = &self.tree {
            out.extend(self.tree_len.unwrap_or(tree.len() as u32).to_le_bytes());
            out.extend_from_slice(tree);
        }
        out.extend_from_slice(&self.tail);
        out
    }
}

fn hashing_bytes(hashing: &HashingInfo) -> Vec<u8> {
    [
        &hashing.hash_algorithm.to_le_bytes()[..],
        &[hashing.log2_block_size],
        &prefixed(&hashing.salt),
        &prefixed(&hashing.root_hash),
        &hashing.tail,
    ]
    .concat()
}

/// What an entry signs, behind a size that counts itself.
fn signed_data(file_size: usize, hashing: &HashingInfo, info: &SigningInfo) -> Vec<u8> {
    let body = [
        &(file_size as u64).to_le_bytes()[..],
        &hashing.hash_algorithm.to_le_bytes(),
        &[hashing.log2_block_size],
        &prefixed(&hashing.salt),
        &prefixed(&hashing.root_hash),
        &prefixed(&info.apk_digest),
        &prefixed(&info.certificate),
        &prefixed(&info.additional_data),
    ]
    .concat();
    [&(body.len() as u32 + 4).to_le_bytes()[..], &body].concat()
}

/// A signature to be: SHA-256, no salt, the tree stored, the key's default algorithm for the content digest as well.
pub struct V4 {
    key: Key,
    algorithm: u32,
    content_algorithm: u32,
    further: Vec<(u32, Key)>,
    salt: Vec<u8>,
    hashing: Hooks<HashingInfo>,
    before_signing: Hooks<(usize, SigningInfo)>,
    after_signing: Hooks<File>,
    bytes: Hooks<Vec<u8>>,
}

impl V4 {
    /// Signed by the key of the v2 or v3.0 signer.
    pub fn by(key: &Key) -> Self {
        Self {
            key: key.clone(),
            algorithm: default_algorithm(key),
            content_algorithm: default_algorithm(key),
            further: Vec::new(),
            salt: Vec::new(),
            hashing: Hooks::default(),
            before_signing: Hooks::default(),
            after_signing: Hooks::default(),
            bytes: Hooks::default(),
        }
    }

    /// Adds an entry by the signer of the block with that id.
    pub fn and(mut self, id: u32, key: &Key) -> Self {
        self.further.push((id, key.clone()));
        self
    }

    /// Bound to the content digest of this algorithm instead of the one that signs.
    pub fn digest_of(mut self, algorithm: u32) -> Self {
        self.content_algorithm = algorithm;
        self
    }

    /// With a salt in the tree.
    pub fn salt(mut self, salt: &[u8]) -> Self {
        self.salt = salt.to_vec();
        self
    }

    /// Changes what is said of the tree, before it is signed.
    pub fn hashing(mut self, change: impl Fn(&mut HashingInfo) + 'static) -> Self {
        self.hashing.add(change);
        self
    }

    /// Changes an entry, given with its place, before it is signed.
    pub fn before_signing(mut self, change: impl Fn(&mut (usize, SigningInfo)) + 'static) -> Self {
        self.before_signing.add(change);
        self
    }

    /// Changes the file once it is signed.
    pub fn after_signing(mut self, change: impl Fn(&mut File) + 'static) -> Self {
        self.after_signing.add(change);
        self
    }

    /// Changes the encoded file.
    pub fn bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.bytes.add(change);
        self
    }

    /// The file for this APK.
    pub fn sign(&self, apk: &Apk) -> Vec<u8> {
        let data = apk.build();
        let digest = content_digest::of_algorithm(self.content_algorithm, &apk.protected());
        let (root_hash, tree) = tree(&data, &self.salt);
        let mut hashing = HashingInfo {
            hash_algorithm: 1,
            log2_block_size: 12,
            salt: self.salt.clone(),
            root_hash,
            tail: Vec::new(),
        };
        self.hashing.run(&mut hashing);
        let entry = |place: usize, key: &Key, algorithm: u32| {
            let info = SigningInfo {
                apk_digest: digest.clone(),
                certificate: key.certificate.clone(),
                additional_data: Vec::new(),
                public_key: key.public.clone(),
                algorithm,
                signature: Vec::new(),
                tail: Vec::new(),
            };
            let mut placed = (place, info);
            self.before_signing.run(&mut placed);
            let mut info = placed.1;
            info.signature = sign(key, info.algorithm, &signed_data(data.len(), &hashing, &info));
            info
        };
        let mut file = File {
            version: 2,
            signing: entry(0, &self.key, self.algorithm),
            blocks: self
                .further
                .iter()
                .zip(1..)
                .map(|((id, key), place)| (*id, entry(place, key, default_algorithm(key))))
                .collect(),
            raw_blocks: Vec::new(),
            hashing: hashing.clone(),
            tree: Some(tree),
            tree_len: None,
            tail: Vec::new(),
        };
        self.after_signing.run(&mut file);
        let mut bytes = file.encode();
        self.bytes.run(&mut bytes);
        bytes
    }
}

/// Root and levels, the topmost first, of the fs-verity tree over `data`: the salt is padded to the block of the hash.
pub fn tree(data: &[u8], salt: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut salt = salt.to_vec();
    salt.resize(salt.len().next_multiple_of(64), 0);
    let level = |data: &[u8]| -> Vec<u8> {
        let mut level: Vec<u8> = data.chunks(PAGE).flat_map(|page| page_hash(&salt, page)).collect();
        level.resize(level.len().next_multiple_of(PAGE), 0);
        level
    };
    let mut levels = vec![level(data)];
    while levels[0].len() > PAGE {
        levels.insert(0, level(&levels[0]));
    }
    (Hash::Sha256.digest(&[&salt[..], &levels[0]].concat()), levels.concat())
}
