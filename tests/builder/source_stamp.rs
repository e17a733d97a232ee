//! Source stamps, both forms.

use std::collections::BTreeMap;

use super::archive::Parts;
use super::hash::Hash;
use super::hooks::Hooks;
use super::keys::Key;
use super::lineage::Lineage;
use super::signer::Signer;
use super::signer::algorithm_record;
use super::signer::content_digests;
use super::signer::default_algorithm;
use super::signer::prefixed;
use super::signer::prefixed_list;
use super::signer::sign;

/// The entry that names the stamp's certificate.
pub const ENTRY: &str = "stamp-cert-sha256";

/// Ids of attributes.
pub mod attribute {
    pub const PROOF_OF_ROTATION: u32 = 0x9d63_03f7;
    pub const TIME: u32 = 0xe43c_5946;
}

/// Id of a scheme, and for each kind of digest its id and value.
pub type SchemeDigests = (u32, Vec<(u32, Vec<u8>)>);

/// Id of an algorithm and a signature.
pub type Signature = (u32, Vec<u8>);

/// What a stamp signs.
#[derive(Debug, Clone)]
pub struct StampData {
    /// 1 for JAR signing, 2 for v2, 3 for v3, in this order; the first form signs the last of them alone.
    pub schemes: Vec<SchemeDigests>,
    /// Id and value; no attributes at all when there is none. The second form alone.
    pub attributes: Option<Vec<(u32, Vec<u8>)>>,
}

/// A stamp as it stands in the block.
#[derive(Debug, Clone)]
pub struct StampRecord {
    /// X.509 DER.
    pub certificate: Vec<u8>,
    /// Id of a scheme, and the signatures over its digests.
    pub schemes: Vec<(u32, Vec<Signature>)>,
    /// The signed bytes of the attributes, and the signatures over them.
    pub attributes: Option<(Vec<u8>, Vec<Signature>)>,
    /// Bytes behind them.
    pub tail: Vec<u8>,
    first_form: bool,
}

impl StampRecord {
    fn encode(&self) -> Vec<u8> {
        let records = |list: &[Signature]| prefixed_list(list.iter().map(algorithm_record));
        let mut out = prefixed(&self.certificate);
        if self.first_form {
            out.extend(self.schemes.last().map(|(_, list)| records(list)).unwrap_or_default());
        } else {
            let scheme = |(id, list): &(u32, Vec<_>)| [&id.to_le_bytes()[..], &records(list)].concat();
            out.extend(prefixed_list(self.schemes.iter().map(scheme)));
            if let Some((data, list)) = &self.attributes {
                out.extend(prefixed(data));
                out.extend(records(list));
            }
        }
        out.extend_from_slice(&self.tail);
        prefixed(&out)
    }
}

/// A stamp to be, of the second form: one algorithm by the kind of its key, an empty list of attributes, and the entry.
pub struct SourceStamp {
    key: Key,
    algorithms: Vec<u32>,
    attributes: Option<Vec<(u32, Vec<u8>)>>,
    pub(super) first_form: bool,
    /// Content of the entry; the digest of the certificate unless changed, no entry for none.
    pub(super) entry: Option<Vec<u8>>,
    before_signing: Hooks<StampData>,
    after_signing: Hooks<StampRecord>,
    bytes: Hooks<Vec<u8>>,
}

impl SourceStamp {
    pub fn by(key: &Key) -> Self {
        Self {
            key: key.clone(),
            algorithms: vec![default_algorithm(key)],
            attributes: Some(Vec::new()),
            first_form: false,
            entry: Some(Hash::Sha256.digest(&key.certificate)),
            before_signing: Hooks::default(),
            after_signing: Hooks::default(),
            bytes: Hooks::default(),
        }
    }

    /// In the first form.
    pub fn first_form(mut self) -> Self {
        self.first_form = true;
        self
    }

    /// Signs with these algorithms, in this order.
    pub fn algorithms(mut self, algorithms: &[u32]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, id: u32, value: &[u8]) -> Self {
        self.attributes.get_or_insert_default().push((id, value.to_vec()));
        self
    }

    /// Adds the time at which it is made, in Unix seconds.
    pub fn time(self, seconds: i64) -> Self {
        self.attribute(attribute::TIME, &seconds.to_le_bytes())
    }

    /// Adds the history of its certificate.
    pub fn lineage(self, lineage: &Lineage) -> Self {
        self.attribute(attribute::PROOF_OF_ROTATION, &lineage.encode())
    }

    /// Other content for the entry.
    pub fn entry(mut self, content: &[u8]) -> Self {
        self.entry = Some(content.to_vec());
        self
    }

    /// No entry.
    pub fn no_entry(mut self) -> Self {
        self.entry = None;
        self
    }

    /// Changes what will be signed.
    pub fn before_signing(mut self, change: impl Fn(&mut StampData) + 'static) -> Self {
        self.before_signing.add(change);
        self
    }

    /// Changes the stamp once it has signed.
    pub fn after_signing(mut self, change: impl Fn(&mut StampRecord) + 'static) -> Self {
        self.after_signing.add(change);
        self
    }

    /// Changes the value of the pair.
    pub fn bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.bytes.add(change);
        self
    }

    /// The value of the pair. `jar` is MANIFEST.MF of an APK that v1 has signed.
    pub fn encode(&self, parts: &Parts, jar: Option<&[u8]>, v2: &[Signer], v3: &[Signer]) -> Vec<u8> {
        let jar = jar.map(|manifest| (1, BTreeMap::from([(4, Hash::Sha256.digest(manifest))])));
        let block = [(2, v2), (3, v3)]
            .map(|(id, signers)| (!signers.is_empty()).then(|| (id, content_digests(signers, parts))));
        let schemes = jar.into_iter().chain(block.into_iter().flatten());
        let mut data = StampData {
            schemes: schemes.map(|(id, digests)| (id, digests.into_iter().collect())).collect(),
            attributes: self.attributes.clone(),
        };
        self.before_signing.run(&mut data);
        let signed = |message: &[u8]| -> Vec<Signature> {
            self.algorithms.iter().map(|id| (*id, sign(&self.key, *id, message))).collect()
        };
        let digests = |list: &[(u32, Vec<u8>)]| -> Vec<u8> {
            list.iter().flat_map(|digest| prefixed(&algorithm_record(digest))).collect()
        };
        let mut record = StampRecord {
            certificate: self.key.certificate.clone(),
            schemes: data.schemes.iter().map(|(id, list)| (*id, signed(&digests(list)))).collect(),
            attributes: data.attributes.map(|attributes| {
                let attribute = |(id, value): (u32, Vec<u8>)| [&id.to_le_bytes()[..], &value].concat();
                let bytes = prefixed_list(attributes.into_iter().map(attribute));
                let signatures = signed(&bytes);
                (bytes, signatures)
            }),
            tail: Vec::new(),
            first_form: self.first_form,
        };
        self.after_signing.run(&mut record);
        let mut bytes = record.encode();
        self.bytes.run(&mut bytes);
        bytes
    }
}
