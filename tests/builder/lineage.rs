//! Writes the proof of rotation (SigningCertificateLineage).

use super::hooks::Hooks;
use super::keys::Key;
use super::signer::default_algorithm;
use super::signer::prefixed;
use super::signer::sign;

/// Capabilities that apksigner gives a past certificate: all but ROLLBACK.
pub const DEFAULT_CAPABILITIES: u32 = 0x17;

/// What the key of the node before signs.
#[derive(Debug, Clone)]
pub struct NodeData {
    /// X.509 DER.
    pub certificate: Vec<u8>,
    /// Algorithm of the signature by the key before; 0 for the first.
    pub parent_algorithm: u32,
    /// Bytes behind them.
    pub tail: Vec<u8>,
}

/// A node as it stands in the lineage.
#[derive(Debug, Clone)]
pub struct Node {
    /// The signed bytes, without their length prefix.
    pub signed_data: Vec<u8>,
    /// Capabilities.
    pub flags: u32,
    /// Algorithm with which this key signs the next node.
    pub algorithm: u32,
    pub signature: Vec<u8>,
    /// Bytes behind the signature.
    pub tail: Vec<u8>,
}

/// A lineage to be, oldest key first.
pub struct Lineage {
    keys: Vec<(Key, u32)>,
    /// Version of the structure, 1.
    pub version: u32,
    before_signing: Hooks<(usize, NodeData)>,
    after_signing: Hooks<Vec<Node>>,
    bytes: Hooks<Vec<u8>>,
}

impl Lineage {
    /// A lineage from this key.
    pub fn from(key: &Key) -> Self {
        Self {
            keys: vec![(key.clone(), DEFAULT_CAPABILITIES)],
            version: 1,
            before_signing: Hooks::default(),
            after_signing: Hooks::default(),
            bytes: Hooks::default(),
        }
    }

    /// Rotates to another key.
    pub fn to(mut self, key: &Key) -> Self {
        self.keys.push((key.clone(), DEFAULT_CAPABILITIES));
        self
    }

    /// Capabilities of the key that was named last.
    pub fn capabilities(mut self, flags: u32) -> Self {
        self.keys.last_mut().unwrap().1 = flags;
        self
    }

    /// Changes what is signed of each node; the number is its place, 0 for the oldest.
    pub fn before_signing(mut self, change: impl Fn(&mut (usize, NodeData)) + 'static) -> Self {
        self.before_signing.add(change);
        self
    }

    /// Changes the nodes once they are signed.
    pub fn after_signing(mut self, change: impl Fn(&mut Vec<Node>) + 'static) -> Self {
        self.after_signing.add(change);
        self
    }

    /// Changes the encoded lineage.
    pub fn bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.bytes.add(change);
        self
    }

    /// Another version.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The value of the attribute.
    pub fn encode(&self) -> Vec<u8> {
        let mut nodes: Vec<Node> = Vec::new();
        for (place, (key, flags)) in self.keys.iter().enumerate() {
            let parent = place.checked_sub(1).map(|before| &self.keys[before].0);
            let parent_algorithm = parent.map_or(0, default_algorithm);
            let data = NodeData { certificate: key.certificate.clone(), parent_algorithm, tail: Vec::new() };
            let mut placed = (place, data);
            self.before_signing.run(&mut placed);
            let data = placed.1;
            let signed_data =
                [&prefixed(&data.certificate)[..], &data.parent_algorithm.to_le_bytes(), &data.tail].concat();
            let signature =
                parent.map_or_else(Vec::new, |parent| sign(parent, default_algorithm(parent), &signed_data));
            let algorithm = default_algorithm(key);
            nodes.push(Node { signed_data, flags: *flags, algorithm, signature, tail: Vec::new() });
        }
        self.after_signing.run(&mut nodes);
        let mut out = self.version.to_le_bytes().to_vec();
        for node in nodes {
            let node = [
                &prefixed(&node.signed_data)[..],
                &node.flags.to_le_bytes(),
                &node.algorithm.to_le_bytes(),
                &prefixed(&node.signature),
                &node.tail,
            ];
            out.extend(prefixed(&node.concat()));
        }
        self.bytes.run(&mut out);
        out
    }

    /// The file that `apksigner --lineage` reads.
    pub fn file(&self) -> Vec<u8> {
        [&0x3eff_39d1_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &prefixed(&self.encode())].concat()
    }
}
