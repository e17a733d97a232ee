//! Signers of APK Signature Scheme v2, v3, v3.1 and v3.2.

use std::collections::BTreeMap;

use super::archive::Parts;
use super::content_digest;
use super::hash::Hash;
use super::hooks::Hooks;
use super::keys::Key;
use super::keys::KeyKind;
use super::lineage::Lineage;

/// "No upper limit" of a range of API levels.
pub const NO_MAX_SDK: u32 = 0x7fff_ffff;

/// Ids of additional attributes.
pub mod attribute {
    pub const STRIPPING_PROTECTION: u32 = 0xbeef_f00d;
    pub const PROOF_OF_ROTATION: u32 = 0x3ba0_6f8c;
    pub const ROTATION_MIN_SDK: u32 = 0x559f_8b02;
    pub const TARGETS_DEV_RELEASE: u32 = 0xc2a6_b3ba;
    pub const HYBRID_MIN_SDK: u32 = 0xbf94_0529;
    pub const HYBRID_MAX_SDK: u32 = 0x9f06_b79c;
}

/// Signature algorithms.
pub mod algorithm {
    pub const RSA_PSS_SHA256: u32 = 0x0101;
    pub const RSA_PSS_SHA512: u32 = 0x0102;
    pub const RSA_SHA256: u32 = 0x0103;
    pub const RSA_SHA512: u32 = 0x0104;
    pub const ECDSA_SHA256: u32 = 0x0201;
    pub const ECDSA_SHA512: u32 = 0x0202;
    pub const DSA_SHA256: u32 = 0x0301;
    pub const VERITY_ECDSA_SHA256: u32 = 0x0423;
    pub const ML_DSA: u32 = 0x0501;
}

/// `u32 length` and that many bytes.
pub fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// A length-prefixed sequence of length-prefixed items.
pub fn prefixed_list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    prefixed(&items.into_iter().flat_map(|item| prefixed(&item)).collect::<Vec<_>>())
}

/// An algorithm record: the id, and the length-prefixed signature or digest.
pub fn algorithm_record(record: &(u32, Vec<u8>)) -> Vec<u8> {
    [&record.0.to_le_bytes()[..], &prefixed(&record.1)].concat()
}

/// Whether the algorithm signs a verity digest.
pub fn is_verity(algorithm: u32) -> bool {
    algorithm >> 4 == 0x42
}

/// Signs `message` with the key and the algorithm of that id.
pub fn sign(key: &Key, algorithm: u32, message: &[u8]) -> Vec<u8> {
    match algorithm {
        algorithm::RSA_PSS_SHA256 => key.sign_pss(Hash::Sha256, message),
        algorithm::RSA_PSS_SHA512 => key.sign_pss(Hash::Sha512, message),
        algorithm::RSA_SHA512 | algorithm::ECDSA_SHA512 => key.sign(Hash::Sha512, message),
        _ => key.sign(Hash::Sha256, message),
    }
}

/// The algorithm that apksigner takes for such a key: with SHA-256, where it has a choice.
pub fn default_algorithm(key: &Key) -> u32 {
    match key.kind() {
        KeyKind::Rsa => algorithm::RSA_SHA256,
        KeyKind::Ec => algorithm::ECDSA_SHA256,
        KeyKind::Dsa => algorithm::DSA_SHA256,
        KeyKind::MlDsa => algorithm::ML_DSA,
    }
}

/// The digests that these signers list, by the id that a source stamp gives their kind: 1 SHA-256 and 2 SHA-512 in chunks,
/// 3 verity.
pub fn content_digests(signers: &[Signer], parts: &Parts) -> BTreeMap<u32, Vec<u8>> {
    let sections = parts.protected();
    let kind = |algorithm: u32| match algorithm {
        algorithm::RSA_PSS_SHA512 | algorithm::RSA_SHA512 | algorithm::ECDSA_SHA512 | algorithm::ML_DSA => 2,
        algorithm if is_verity(algorithm) => 3,
        _ => 1,
    };
    let algorithms = signers.iter().flat_map(|signer| &signer.algorithms);
    algorithms.map(|id| (kind(*id), content_digest::of_algorithm(*id, &sections))).collect()
}

/// What a signer signs.
#[derive(Debug, Clone)]
pub struct SignedData {
    /// Algorithm and content digest.
    pub digests: Vec<(u32, Vec<u8>)>,
    /// X.509 DER, the signer's first.
    pub certificates: Vec<Vec<u8>>,
    /// First and last API level; v3 alone.
    pub sdk: Option<(u32, u32)>,
    /// Id and value.
    pub attributes: Vec<(u32, Vec<u8>)>,
    /// Bytes behind the attributes.
    pub tail: Vec<u8>,
}

impl SignedData {
    fn encode(&self) -> Vec<u8> {
        let mut out = prefixed_list(self.digests.iter().map(algorithm_record));
        out.extend(prefixed_list(self.certificates.iter().cloned()));
        out.extend(sdk_bytes(self.sdk));
        out.extend(prefixed_list(
            self.attributes.iter().map(|(id, value)| [&id.to_le_bytes()[..], value].concat()),
        ));
        out.extend_from_slice(&self.tail);
        out
    }
}

/// A signer as it stands in the block.
#[derive(Debug, Clone)]
pub struct SignerRecord {
    /// The signed bytes, without their length prefix.
    pub signed_data: Vec<u8>,
    /// First and last API level as not signed; v3 alone.
    pub sdk: Option<(u32, u32)>,
    /// Algorithm and signature.
    pub signatures: Vec<(u32, Vec<u8>)>,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// Bytes behind the public key.
    pub tail: Vec<u8>,
}

impl SignerRecord {
    fn encode(&self) -> Vec<u8> {
        let mut out = prefixed(&self.signed_data);
        out.extend(sdk_bytes(self.sdk));
        out.extend(prefixed_list(self.signatures.iter().map(algorithm_record)));
        out.extend(prefixed(&self.public_key));
        out.extend_from_slice(&self.tail);
        out
    }
}

fn sdk_bytes(sdk: Option<(u32, u32)>) -> Vec<u8> {
    sdk.map(|(min, max)| [min.to_le_bytes(), max.to_le_bytes()].concat()).unwrap_or_default()
}

/// A signer to be: one algorithm by the kind of its key, its own certificate, no attributes but those that the other
/// schemes of the APK call for.
pub struct Signer {
    pub key: Key,
    pub certificates: Vec<Vec<u8>>,
    pub algorithms: Vec<u32>,
    /// First and last API level; v3 alone.
    pub sdk: Option<(u32, u32)>,
    pub attributes: Vec<(u32, Vec<u8>)>,
    /// Whether to leave out the attributes that announce newer schemes.
    pub no_stripping_protection: bool,
    /// Bytes behind the attributes in the signed data.
    pub tail: Vec<u8>,
    before_signing: Hooks<SignedData>,
    signed_bytes: Hooks<Vec<u8>>,
    after_signing: Hooks<SignerRecord>,
    bytes: Hooks<Vec<u8>>,
}

impl Signer {
    /// A v2 signer. Like apksigner's, its signed data ends in four zero bytes.
    pub fn v2(key: &Key) -> Self {
        Self {
            key: key.clone(),
            certificates: vec![key.certificate.clone()],
            algorithms: vec![default_algorithm(key)],
            sdk: None,
            attributes: Vec::new(),
            no_stripping_protection: false,
            tail: vec![0; 4],
            before_signing: Hooks::default(),
            signed_bytes: Hooks::default(),
            after_signing: Hooks::default(),
            bytes: Hooks::default(),
        }
    }

    /// A v3 or v3.1 signer for API level 24 and up.
    pub fn v3(key: &Key) -> Self {
        Self { sdk: Some((24, NO_MAX_SDK)), tail: Vec::new(), ..Self::v2(key) }
    }

    /// One of the two signers of v3.2, for API level 37 and up.
    pub fn v32(key: &Key) -> Self {
        Self::v3(key).sdk(37, NO_MAX_SDK)
    }

    /// Signs with these algorithms, in this order.
    pub fn algorithms(mut self, algorithms: &[u32]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// For API levels `min` to `max`.
    pub fn sdk(mut self, min: u32, max: u32) -> Self {
        self.sdk = Some((min, max));
        self
    }

    /// Adds a certificate behind the signer's.
    pub fn certificate(mut self, certificate: Vec<u8>) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, id: u32, value: &[u8]) -> Self {
        self.attributes.push((id, value.to_vec()));
        self
    }

    /// Adds the proof of rotation.
    pub fn lineage(self, lineage: &Lineage) -> Self {
        self.attribute(attribute::PROOF_OF_ROTATION, &lineage.encode())
    }

    /// Leaves out the attributes that announce newer schemes (0xbeeff00d in v2, 0x559f8b02 in v3.0, 0xbf940529 and
    /// 0x9f06b79c in v3.0 and v3.1).
    pub fn no_stripping_protection(mut self) -> Self {
        self.no_stripping_protection = true;
        self
    }

    /// Changes what will be signed.
    pub fn before_signing(mut self, change: impl Fn(&mut SignedData) + 'static) -> Self {
        self.before_signing.add(change);
        self
    }

    /// Changes the encoded bytes that will be signed.
    pub fn signed_bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.signed_bytes.add(change);
        self
    }

    /// Changes the signer once it has signed.
    pub fn after_signing(mut self, change: impl Fn(&mut SignerRecord) + 'static) -> Self {
        self.after_signing.add(change);
        self
    }

    /// Changes the encoded signer, without its length prefix.
    pub fn bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.bytes.add(change);
        self
    }

    /// Whether it needs the block aligned.
    pub fn needs_alignment(&self) -> bool {
        self.algorithms.iter().any(|algorithm| is_verity(*algorithm))
    }

    /// Signs the protected sections of `parts`; `announced` are the attributes for newer schemes.
    fn encode(&self, parts: &Parts, announced: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let sections = parts.protected();
        let announced = announced.iter().filter(|_| !self.no_stripping_protection).cloned();
        let mut data = SignedData {
            digests: self
                .algorithms
                .iter()
                .map(|id| (*id, content_digest::of_algorithm(*id, &sections)))
                .collect(),
            certificates: self.certificates.clone(),
            sdk: self.sdk,
            attributes: self.attributes.iter().cloned().chain(announced).collect(),
            tail: self.tail.clone(),
        };
        self.before_signing.run(&mut data);
        let mut signed_data = data.encode();
        self.signed_bytes.run(&mut signed_data);
        let mut record = SignerRecord {
            sdk: self.sdk,
            signatures: self.algorithms.iter().map(|id| (*id, sign(&self.key, *id, &signed_data))).collect(),
            public_key: self.key.public.clone(),
            signed_data,
            tail: Vec::new(),
        };
        self.after_signing.run(&mut record);
        let mut bytes = record.encode();
        self.bytes.run(&mut bytes);
        bytes
    }
}

/// The value of a pair: the signers of one scheme.
pub fn block_value(signers: &[Signer], parts: &Parts, announced: &[(u32, Vec<u8>)]) -> Vec<u8> {
    prefixed_list(signers.iter().map(|signer| signer.encode(parts, announced)))
}
