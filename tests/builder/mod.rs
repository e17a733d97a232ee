//! Builds APKs for tests: honestly signed, or broken in any one chosen way.
//!
//! It shares no code with the crate, which it is there to check. The same recipe gives the same bytes: keys are
//! committed, signatures deterministic, times fixed.
//!
//! ```ignore
//! use crate::builder::{Apk, Key, Lineage, Manifest, Signer, V1};
//!
//! let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
//! let honest = Apk::new()
//!     .manifest(Manifest::new("com.example.app").min_sdk(24).target_sdk(30))
//!     .file("classes.dex", b"dex\n035\0")
//!     .v1(V1::by(&old))
//!     .v2(Signer::v2(&old))
//!     .v3(Signer::v3(&new).lineage(&Lineage::from(&old).to(&new)))
//!     .build();
//! ```
//!
//! A fault is a closure over the structure at the level where it lies, run between two steps. In the order of the build:
//!
//! | closure | changes |
//! |---|---|
//! | [`Manifest::tree`] | elements and attributes of AndroidManifest.xml |
//! | [`Resources::chunks`], [`Resources::strings`] | types and strings of resources.arsc |
//! | [`V1::manifest`], [`V1Signer::signature_file`] | text of MANIFEST.MF and .SF, before the next step digests or signs it |
//! | [`V1Signer::signer_info`], [`V1Signer::pkcs7`] | PKCS#7 before and after its signature |
//! | [`Apk::entries`] | entries once v1 has signed |
//! | [`Entry::raw`] | local header, data, descriptor and directory records of one entry |
//! | [`Apk::before_signing`] | sections of the file, before v2 and v3 sign them |
//! | [`Lineage::before_signing`], [`Lineage::after_signing`], [`Lineage::bytes`] | nodes of a proof of rotation |
//! | [`Signer::before_signing`], [`Signer::signed_bytes`] | signed data of a v2 or v3 signer |
//! | [`Signer::after_signing`], [`Signer::bytes`] | the signer around it |
//! | [`SourceStamp::before_signing`], [`SourceStamp::after_signing`], [`SourceStamp::bytes`] | a source stamp |
//! | [`Apk::signing_block`] | pairs, sizes and magic of the signing block |
//! | [`Apk::after_signing`] | sections of the file, once signed; where [`Frosting::add`] adds its pair |
//! | [`Apk::bytes`] | the file |
//! | [`V4::hashing`], [`V4::before_signing`] | what the v4 signature file beside it says, before it signs |
//! | [`V4::after_signing`], [`V4::bytes`] | that file |
//!
//! ```ignore
//! let forged = Apk::new().v2(Signer::v2(&old).after_signing(|signer| signer.signatures[0].1[9] ^= 1)).build();
//! ```
#![expect(
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: a recipe that cannot be built is to stop the test, and its numbers are small"
)]

pub mod archive;
pub mod certificate;
pub mod content_digest;
pub mod der;
pub mod hash;
pub mod hooks;
pub mod keys;
pub mod lineage;
pub mod manifest;
pub mod marks;
pub mod numbers;
pub mod resources;
pub mod signer;
pub mod signing_block;
pub mod source_stamp;
pub mod v1;
pub mod v4;

pub use self::archive::Entry;
pub use self::archive::Parts;
pub use self::certificate::Certificate;
pub use self::hash::Hash;
pub use self::keys::Key;
pub use self::lineage::Lineage;
pub use self::manifest::Manifest;
pub use self::marks::Frosting;
pub use self::resources::Resources;
pub use self::signer::NO_MAX_SDK;
pub use self::signer::Signer;
pub use self::signer::algorithm;
pub use self::signer::attribute;
pub use self::signing_block::Pair;
pub use self::signing_block::SigningBlock;
pub use self::signing_block::id;
pub use self::source_stamp::SourceStamp;
pub use self::v1::V1;
pub use self::v1::V1Signer;
pub use self::v4::V4;

use self::hooks::Hooks;

/// An APK to be: a manifest of `com.example.app`, `classes.dex`, and no signature.
pub struct Apk {
    manifest: Option<Vec<u8>>,
    files: Vec<Entry>,
    v1: Option<V1>,
    v2: Vec<Signer>,
    v3: Vec<Signer>,
    v31: Vec<Signer>,
    v32: Vec<Signer>,
    stamps: Vec<SourceStamp>,
    pairs: Vec<Pair>,
    align: bool,
    entries: Hooks<Vec<Entry>>,
    before_signing: Hooks<Parts>,
    signing_block: Hooks<SigningBlock>,
    after_signing: Hooks<Parts>,
    bytes: Hooks<Vec<u8>>,
}

impl Default for Apk {
    fn default() -> Self {
        Self::new()
    }
}

impl Apk {
    pub fn new() -> Self {
        Self {
            manifest: Some(Manifest::new("com.example.app").build()),
            files: vec![Entry::stored("classes.dex", b"dex\n035\0not really code")],
            v1: None,
            v2: Vec::new(),
            v3: Vec::new(),
            v31: Vec::new(),
            v32: Vec::new(),
            stamps: Vec::new(),
            pairs: Vec::new(),
            align: false,
            entries: Hooks::default(),
            before_signing: Hooks::default(),
            signing_block: Hooks::default(),
            after_signing: Hooks::default(),
            bytes: Hooks::default(),
        }
    }

    /// Another manifest.
    pub fn manifest(self, manifest: Manifest) -> Self {
        self.manifest_bytes(&manifest.build())
    }

    /// These bytes for a manifest.
    pub fn manifest_bytes(mut self, bytes: &[u8]) -> Self {
        self.manifest = Some(bytes.to_vec());
        self
    }

    /// No AndroidManifest.xml.
    pub fn no_manifest(mut self) -> Self {
        self.manifest = None;
        self
    }

    /// Adds a stored file, or replaces the one of that name.
    pub fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(Entry::stored(name, data))
    }

    /// Adds a file, or replaces the one of that name.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.files.retain(|file| file.name != entry.name);
        self.files.push(entry);
        self
    }

    /// Signs with v1.
    pub fn v1(mut self, v1: V1) -> Self {
        self.v1 = Some(v1);
        self
    }

    /// Adds a v2 signer.
    pub fn v2(mut self, signer: Signer) -> Self {
        self.v2.push(signer);
        self
    }

    /// Adds a v3.0 signer.
    pub fn v3(mut self, signer: Signer) -> Self {
        self.v3.push(signer);
        self
    }

    /// Adds a v3.1 signer.
    pub fn v31(mut self, signer: Signer) -> Self {
        self.v31.push(signer);
        self
    }

    /// Adds a v3.2 signer; an honest block has two for a range, one classical and one post-quantum.
    pub fn v32(mut self, signer: Signer) -> Self {
        self.v32.push(signer);
        self
    }

    /// Adds a source stamp, with its entry.
    pub fn stamp(mut self, stamp: SourceStamp) -> Self {
        self.stamps.push(stamp);
        self
    }

    /// Adds a pair to the signing block, behind the signatures.
    pub fn pair(mut self, id: u32, value: &[u8]) -> Self {
        self.pairs.push(Pair::new(id, value.to_vec()));
        self
    }

    /// Aligns the signing block to 4096 bytes and pads it to a multiple of them, as verity signatures need: those do it
    /// by themselves.
    pub fn aligned(mut self) -> Self {
        self.align = true;
        self
    }

    /// Changes the entries once v1 has signed.
    pub fn entries(mut self, change: impl Fn(&mut Vec<Entry>) + 'static) -> Self {
        self.entries.add(change);
        self
    }

    /// Changes sections of the file before v2 and v3 sign them.
    pub fn before_signing(mut self, change: impl Fn(&mut Parts) + 'static) -> Self {
        self.before_signing.add(change);
        self
    }

    /// Changes the signing block.
    pub fn signing_block(mut self, change: impl Fn(&mut SigningBlock) + 'static) -> Self {
        self.signing_block.add(change);
        self
    }

    /// Changes sections of the file once v2 and v3 have signed.
    pub fn after_signing(mut self, change: impl Fn(&mut Parts) + 'static) -> Self {
        self.after_signing.add(change);
        self
    }

    /// Changes the file.
    pub fn bytes(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.bytes.add(change);
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut parts = self.signed_parts();
        self.after_signing.run(&mut parts);
        let mut bytes = parts.to_bytes();
        self.bytes.run(&mut bytes);
        bytes
    }

    /// What v2 and v3 sign.
    pub fn protected(&self) -> [Vec<u8>; 3] {
        self.signed_parts().protected()
    }

    fn signed_parts(&self) -> Parts {
        let manifest = self.manifest.iter().map(|bytes| Entry::deflated("AndroidManifest.xml", bytes));
        let mut entries: Vec<Entry> = manifest.chain(self.files.iter().cloned()).collect();
        if let Some(content) = self.stamps.iter().find_map(|stamp| stamp.entry.as_ref()) {
            entries.push(Entry::stored(source_stamp::ENTRY, content));
        }
        if let Some(v1) = &self.v1 {
            let has_v3 = !self.v3.is_empty() || !self.v31.is_empty();
            let present = match (self.v2.is_empty(), has_v3) {
                (false, true) => "2, 3",
                (false, false) => "2",
                (true, true) => "3",
                (true, false) => "",
            };
            let files = v1.sign(&entries, present);
            entries.extend(files);
        }
        self.entries.run(&mut entries);
        let jar = entries.iter().find(|entry| entry.name == "META-INF/MANIFEST.MF");
        let jar = jar.filter(|_| self.v1.is_some()).map(|entry| entry.data.clone());
        let mut parts = Parts::of(&entries);
        self.before_signing.run(&mut parts);
        self.sign(&mut parts, jar.as_deref());
        parts
    }

    fn sign(&self, parts: &mut Parts, jar: Option<&[u8]>) {
        let schemes = [(id::V2, &self.v2), (id::V32, &self.v32), (id::V31, &self.v31), (id::V3, &self.v3)];
        let bare = self.pairs.is_empty() && self.stamps.is_empty();
        if bare && schemes.iter().all(|(_, signers)| signers.is_empty()) {
            return;
        }
        let align =
            self.align || schemes.iter().any(|(_, signers)| signers.iter().any(Signer::needs_alignment));
        if align {
            parts.contents.resize(parts.contents.len().next_multiple_of(4096), 0);
        }
        let mut pairs = Vec::new();
        for (id, signers) in schemes.into_iter().filter(|(_, signers)| !signers.is_empty()) {
            let announced: Vec<(u32, Vec<u8>)> = self
                .announced(id)
                .into_iter()
                .map(|(attribute, value)| (attribute, value.to_le_bytes().to_vec()))
                .collect();
            pairs.push(Pair::new(id, signer::block_value(signers, parts, &announced)));
        }
        for stamp in &self.stamps {
            let id = if stamp.first_form { id::SOURCE_STAMP_V1 } else { id::SOURCE_STAMP_V2 };
            pairs.push(Pair::new(id, stamp.encode(parts, jar, &self.v2, &self.v3)));
        }
        pairs.extend(self.pairs.iter().cloned());
        let mut block = SigningBlock::new(pairs);
        if align {
            block.pad();
        }
        self.signing_block.run(&mut block);
        parts.signing_block = Some(block);
    }

    /// The attributes by which signers of the scheme `id` announce newer schemes, with their values.
    fn announced(&self, id: u32) -> Vec<(u32, u32)> {
        let range = |signers: &[Signer]| {
            let ranges = || signers.iter().filter_map(|signer| signer.sdk);
            Some((ranges().map(|range| range.0).min()?, ranges().map(|range| range.1).max()?))
        };
        let mut announced = Vec::new();
        if id == id::V2 && !self.v3.is_empty() {
            announced.push((attribute::STRIPPING_PROTECTION, 3));
        }
        if let Some((min_sdk, _)) = range(&self.v31).filter(|_| id == id::V3) {
            announced.push((attribute::ROTATION_MIN_SDK, min_sdk));
        }
        if let Some((min_sdk, max_sdk)) = range(&self.v32).filter(|_| [id::V3, id::V31].contains(&id)) {
            announced.push((attribute::HYBRID_MIN_SDK, min_sdk));
            announced.push((attribute::HYBRID_MAX_SDK, max_sdk));
        }
        announced
    }
}
