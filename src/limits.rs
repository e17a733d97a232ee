//! Caps on what a file may make us do, in one place.
//!
//! Each cap is far above what any honest APK needs and low enough that reaching it is cheap: at the defaults a file is
//! judged in less than two seconds of processor time and 64 MB of memory, apart from the time that its own size takes.
//! A file that exceeds one is judged, with a finding that names the limit; it is never believed beyond it.

/// Caps that no file can exceed. All sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Central Directory size. 65,535 entries with names of 140 bytes need 12 MB; real ones stay below 8 MB.
    pub central_directory: u64,
    /// APK Signing Block size, framing included. Real ones stay below 1 MiB; channel packers add a few KiB.
    pub signing_block: u64,
    /// Pairs in the signing block. Real ones have fewer than ten.
    pub signing_block_pairs: usize,
    /// One pair of the signing block that is parsed as signers. ML-DSA signers with long lineages stay below 1 MiB.
    pub signing_block_pair: u64,
    /// Inflated size of `META-INF/MANIFEST.MF` and of each `.SF` file. 65,535 entries with names of 100 bytes need 12 MB;
    /// real ones stay below 8 MB.
    pub jar_manifest: u64,
    /// Inflated size of `META-INF/MANIFEST.MF`, all `.SF` files and all signature block files together.
    pub jar_files: u64,
    /// Sections in `META-INF/MANIFEST.MF` and in each `.SF` file. An archive has at most 65,535 entries.
    pub jar_sections: usize,
    /// Inflated size of all `META-INF/*.RSA|.DSA|.EC` files together. Real ones stay below 16 KiB each.
    pub signature_block_file: u64,
    /// Inflated size of `AndroidManifest.xml`. Real ones stay below 2 MB.
    pub android_manifest: u64,
    /// Inflated size of `resources.arsc`. Real ones stay below 40 MB.
    pub resource_table: u64,
    /// Types, each for one configuration, in one resource table. Real ones have a few thousand.
    pub resource_types: usize,
    /// Configurations in which one resource is looked at. Real labels have some hundred: one a language.
    pub resource_configurations: usize,
    /// Types that are looked at to find all texts of one label, or all files of one icon. Real ones need less than
    /// 100,000: a few hundred configurations, each for as many types.
    pub resource_lookups: u64,
    /// Launcher activities that are described. Apps with a choice of icons have some dozens.
    pub launcher_activities: usize,
    /// One mark (signature, list of files) that is read whole; of a larger one the start is looked at.
    pub mark: u64,
    /// The text of one channel mark. Real ones stay below 1 KiB; an archive comment has at most 65,535 bytes.
    pub mark_text: u64,
    /// How many places a file may carry marks in that are looked at. Real ones have fewer than fifty.
    pub marks: usize,
    /// Inflated size of all code files together, when they are held against their list. Real ones stay below 1 GiB.
    pub code_files: u64,
    /// Bytes of content that v1 has read and inflated of a file of any size, however small.
    ///
    /// This and what [`Limits::content_ratio`] grants are one budget. Entries that overlap count each time.
    pub content: u64,
    /// Bytes of content that v1 has read and inflated for each byte of the file, besides [`Limits::content`]. Deflate
    /// reaches 1032; honest APKs stay below 5 as a whole.
    pub content_ratio: u64,
    /// APKs and containers in one container that are judged, those of nested ones among them. Those of an app with every language, screen and processor of
    /// its own have a few hundred.
    pub container_members: usize,
    /// How deep containers may stand in containers. Real ones hold APKs, or stand in an archive that somebody sent.
    pub container_depth: usize,
    /// Bytes of all members of a container of any size, however small, nested ones included; beside them
    /// [`Limits::content_ratio`] bytes for each byte of the container. Real ones are about as large as their members.
    pub container_content: u64,
    /// How many v1 signature block files or v2 signers are looked at. Android's own cap is 10.
    pub signers: usize,
    /// Signers in one v3 block. Android has no cap of its own; one a release targeted is the design.
    pub v3_signers: usize,
    /// Digest, signature, certificate or attribute records in one signer.
    pub records: usize,
    /// Certificates in one PKCS#7 bag.
    pub pkcs7_certificates: usize,
    /// `SignerInfo`s in one PKCS#7 file that are tried.
    pub signer_infos: usize,
    /// What stands before the hash tree of a v4 signature file. Android refuses more than 8096 bytes.
    pub v4_signature: u64,
    /// Size of all certificates together that signers and lineages name, each counted once. Real ones stay below
    /// 100 KiB.
    pub certificates: u64,
    /// Signatures that one file has us check, of signers and within lineages.
    ///
    /// The unit is a check with a common key, RSA of up to 4096 bits or P-256, of about 0.3 ms. A key that makes a check
    /// dearer counts for more, as [`KeyKind::cost`](crate::crypto::KeyKind::cost) says: DSA of 3072 bits for 9. Honest
    /// files need fewer than 50.
    pub signature_checks: u64,
    /// Nodes in one proof-of-rotation lineage.
    pub lineage: usize,
    /// Depth of nesting of BER elements and of XML elements.
    pub nesting: usize,
    /// RSA modulus size in bits. BoringSSL's own cap.
    pub rsa_bits: usize,
    /// Size of the DSA modulus p in bits. keytool makes keys of up to 3072; BoringSSL's own cap is 10,000.
    pub dsa_bits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            central_directory: 12 << 20,
            signing_block: 256 << 20,
            signing_block_pairs: 65_536,
            signing_block_pair: 4 << 20,
            jar_manifest: 12 << 20,
            jar_files: 48 << 20,
            jar_sections: 65_536,
            signature_block_file: 4 << 20,
            android_manifest: 16 << 20,
            resource_table: 128 << 20,
            resource_types: 65_536,
            resource_configurations: 4096,
            resource_lookups: 1 << 20,
            launcher_activities: 32,
            mark: 4 << 20,
            mark_text: 64 << 10,
            marks: 1024,
            code_files: 4 << 30,
            content: 512 << 20,
            content_ratio: 16,
            container_members: 1024,
            container_depth: 2,
            container_content: 128 << 20,
            signers: 10,
            v3_signers: 64,
            records: 1024,
            pkcs7_certificates: 256,
            signer_infos: 64,
            v4_signature: 64 << 10,
            certificates: 4 << 20,
            signature_checks: 1000,
            lineage: 256,
            nesting: 32,
            rsa_bits: 16_384,
            dsa_bits: 8192,
        }
    }
}

impl Limits {
    /// The caps on what is read of every file of a scan though no verdict needs it: names and pictures. They fit real apps,
    /// whose resource table has 40 MB at most, some hundred languages and few activities in the launcher, and make a file
    /// that asks for more cheap.
    #[must_use]
    pub(crate) fn in_passing(&self) -> Self {
        Self {
            resource_table: self.resource_table.min(48 << 20),
            resource_configurations: self.resource_configurations.min(512),
            resource_lookups: self.resource_lookups.min(1 << 17),
            launcher_activities: self.launcher_activities.min(8),
            ..self.clone()
        }
    }
}
