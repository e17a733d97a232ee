//! Digests, keys and signatures: the only module that names a cryptography crate.
//!
//! Takes bytes that `format` has cut out and gives digests, usable keys and yes or no for a signature. Which
//! algorithms a device knows stands in [`algorithm`], one row a member; what an answer means is decided in `scheme`.
//!
//! `ring` verifies what lies in its range; RustCrypto the rest, which Android accepts all the same: RSA of 512 and of
//! 16,384 bits, MD5, SHA-1, P-521, DSA, ML-DSA.

pub mod algorithm;
pub mod content;
pub mod digest;
mod dsa;
pub mod ed25519;
mod in_order;
pub mod key;
mod lanes;
pub mod merkle;
mod ml_dsa;
pub mod password;
pub mod verify;

pub use algorithm::ContentDigestAlgorithm;
pub use algorithm::JarSignatureAlgorithm;
pub use algorithm::KeyType;
pub use algorithm::SignatureAlgorithm;
pub use algorithm::SignatureAlgorithmId;
pub use algorithm::SignatureScheme;
pub use algorithm::jar_signature_algorithm;
pub use algorithm::jar_supported_api_levels;
pub use content::ContentDigests;
pub use content::ContentSections;
pub use content::chunk_digests;
pub use content::content_digests;
pub use content::content_digests_and_tree;
pub use digest::DigestAlgorithm;
pub use digest::Hasher;
pub use digest::blake2b_256;
pub use digest::blake2b_512;
pub use digest::blake2b_512_and_sha256;
pub use digest::md5;
pub use digest::sha1;
pub use digest::sha256;
pub use key::Curve;
pub use key::KeyError;
pub use key::KeyKind;
pub use key::PublicKey;
pub use key::certificate_key;
pub use key::decimal;
pub use key::normalise_rsa_spki;
pub use key::reading_cost;
pub use lanes::ranges_side_by_side;
pub use lanes::sha256_of_ranges;
pub use merkle::FileTree;
pub use merkle::file_tree_size;
pub use ml_dsa::MlDsaParameterSet;
pub use verify::VerifyError;
pub use verify::verify;
pub use verify::verify_digest;
