//! Our reading of an archive against that of the `zip` crate, and our verdict against what was really signed.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::io::Cursor;
use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::apk::Apk;
use apkvouch::crypto::sha256;
use apkvouch::finding::SchemeId;
use apkvouch::format::zip::DirectoryRecord;
use apkvouch::identity::CertificateDigest;
use apkvouch::limits::Cap;
use zip::ZipArchive;

use super::archive::testdata;
use super::archive::whole_file_options;

/// The compression method of what is not compressed.
const STORED: u16 = 0;
/// Of one entry so many bytes are compared.
const CONTENT: u64 = 1 << 20;

pub fn run(bytes: &[u8]) {
    let options = whole_file_options();
    let Ok(apk) = Apk::open(&bytes, &options.limits) else { return };
    same_entries(bytes, &apk);
    let verification = apkvouch::verify(&bytes, &options).unwrap();
    if !verification.is_verified() {
        return;
    }
    for (signer, content) in signed(bytes, &apk, &verification) {
        // A certificate that nothing signs may be any, of the same key; whoever knows the signer knows no such one.
        let known = GENUINE.signers.contains(&signer);
        let of_v1 = matches!(content, Content::Entry(..));
        assert!(known || of_v1, "{signer} has signed nothing");
        assert!(!known || GENUINE.content.contains(&(signer, content)), "{signer} has not signed this");
    }
}

/// What a signature covers.
#[derive(PartialEq, Eq, Hash)]
enum Content {
    /// SHA-256 of the entries, the directory and the end record, as the schemes of the signing block take them.
    Sections([u8; 32]),
    /// The name of an entry, and SHA-256 of its content.
    Entry(Vec<u8>, [u8; 32]),
}

/// What was really signed, and by whom: what the APKs of the test data hold that verify, for some Android versions at least.
static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let mut genuine = Genuine::default();
    genuine.find(&testdata());
    genuine
});

#[derive(Default)]
struct Genuine {
    signers: HashSet<CertificateDigest>,
    content: HashSet<(CertificateDigest, Content)>,
}

impl Genuine {
    fn find(&mut self, folder: &Path) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && path.file_name() != Some("fuzz".as_ref()) {
                self.find(&path);
            } else if path.extension() == Some("apk".as_ref()) {
                self.add(&fs::read(&path).unwrap());
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let limits = Limits::default();
        let Ok(apk) = Apk::open(&bytes, &limits) else { return };
        // A version that does not read the newest scheme sees another signer, and so do all once that scheme is broken.
        for (min_sdk, max_sdk) in
            [(None, None), (Some(1), Some(23)), (Some(24), Some(27)), (Some(28), Some(32))]
        {
            let mut options = VerifyOptions::default();
            (options.min_sdk, options.max_sdk) = (min_sdk, max_sdk);
            let verification = apkvouch::verify(&bytes, &options).unwrap();
            for (signer, content) in signed(bytes, &apk, &verification) {
                self.signers.insert(signer);
                self.content.insert((signer, content));
            }
        }
    }
}

/// Everything that is signed, with each signer that some Android version sees.
fn signed(bytes: &[u8], apk: &Apk<'_>, verification: &Verification) -> Vec<(CertificateDigest, Content)> {
    let mut all = Vec::new();
    for view in &verification.views {
        for signer in verification.signers_of(view) {
            if view.scheme == SchemeId::V1 {
                all.extend(
                    entries(apk)
                        .into_iter()
                        .map(|(name, content)| (signer.digest(), Content::Entry(name, sha256(&content)))),
                );
            } else {
                all.push((signer.digest(), Content::Sections(sections(bytes, apk))));
            }
        }
    }
    all
}

/// The entries that v1 covers.
fn entries(apk: &Apk<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let directory = apk.directory().unwrap();
    let covered = directory
        .records()
        .iter()
        .filter(|record| !directory.name(record).to_ascii_uppercase().starts_with(b"META-INF/"));
    covered
        .map(|record| {
            (
                directory.name(record).to_vec(),
                apk.entry_to_vec(record, "an entry", Cap::fixed(u64::MAX)).unwrap(),
            )
        })
        .collect()
}

fn sections(bytes: &[u8], apk: &Apk<'_>) -> [u8; 32] {
    let sections = apk.sections();
    let block = apk.signing_block().unwrap().unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let mut end = bytes[at(sections.eocd_offset)..].to_vec();
    // As if the directory began where the block does.
    end[16..20].copy_from_slice(&u32::try_from(block.offset).unwrap().to_le_bytes());
    let entries = &bytes[..at(block.offset)];
    sha256(&[entries, &bytes[at(sections.cd_offset)..at(sections.eocd_offset)], &end].concat())
}

/// Both readers see the same entries with the same content, in an archive that nobody can see in two ways.
fn same_entries(bytes: &[u8], apk: &Apk<'_>) {
    let (Ok(directory), Ok(layout)) = (apk.directory(), apk.layout()) else { return };
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return };
    let sections = apk.sections();
    let all = || directory.records().iter().chain(directory.folders());
    let names: BTreeSet<&[u8]> = all().map(|record| directory.name(record)).collect();
    let unclear = sections.zip64
        || sections.installer_disagrees
        || directory.slack() > 0
        // They would take the other record, or the last of two entries, or look for what ZIP64 has instead.
        || bytes.windows(4).filter(|window| window == b"PK\x05\x06").count() != 1
        || names.len() != all().count()
        || all().any(DirectoryRecord::points_to_zip64)
        || layout.entries.iter().any(|entry| entry.local.is_none());
    if unclear {
        return;
    }
    assert_eq!(archive.len(), names.len());
    for record in all() {
        // Android takes the one size, they the other.
        if record.method == STORED && record.compressed_size != record.uncompressed_size {
            continue;
        }
        let name = directory.name(record);
        let Some(index) = (0..archive.len())
            .find(|index| archive.by_index_raw(*index).is_ok_and(|entry| entry.name_raw() == name))
        else {
            continue;
        };
        let Ok(mut theirs) = archive.by_index(index) else { continue };
        assert_eq!(theirs.header_start(), u64::from(record.local_header_offset));
        assert_eq!(theirs.compressed_size(), u64::from(record.compressed_size));
        assert_eq!(theirs.size(), u64::from(record.uncompressed_size));
        let Ok(ours) = apk.entry_to_vec(record, "an entry", Cap::fixed(CONTENT)) else { continue };
        let mut content = Vec::new();
        // They check the CRC, which Android does not.
        if theirs.by_ref().take(CONTENT).read_to_end(&mut content).is_ok() {
            assert_eq!(ours, content);
        }
    }
}
