//! Archives around the bytes of the fuzzer, so that they get to readers that take whole files alone.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::apk::Apk;
use apkvouch::limits::Cap;

/// The folder of test data, from wherever this is built.
pub fn testdata() -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("testdata"));
    found.into_iter().find(|folder| folder.is_dir()).unwrap()
}

/// To verify what a target has put together: few signatures, since those take the most time and are the least of what is
/// looked for.
pub fn options() -> VerifyOptions {
    let mut options = whole_file_options();
    options.limits.signature_checks = 24;
    options
}

/// To verify whole files of the fuzzer: what inflates may be some times as large as they. That each comparison is seen makes reading
/// up to seventy times slower, so that a second stands for some 15 ms; the limits of the program are for `testdata/bombs/` to reach.
pub fn whole_file_options() -> VerifyOptions {
    const INFLATED: u64 = 256 << 10;
    let mut options = VerifyOptions::default();
    let limits = &mut options.limits;
    for limit in [
        &mut limits.jar_manifest,
        &mut limits.signature_block_file,
        &mut limits.android_manifest,
        &mut limits.resource_table,
        &mut limits.mark,
    ] {
        *limit = INFLATED;
    }
    for limit in [&mut limits.jar_files, &mut limits.content, &mut limits.code_files] {
        *limit = 16 * INFLATED;
    }
    options
}

/// An APK of the test data whose parts can be exchanged. What is left stays where it lies, so that signatures of it hold.
pub struct Skeleton {
    before: Vec<u8>,
    /// Ids and values.
    pub pairs: Vec<(u32, Vec<u8>)>,
    directory: Vec<u8>,
    /// The end record with its comment.
    pub end: Vec<u8>,
    /// Names and contents.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Skeleton {
    /// The APK of one case, such as `v2/honest`.
    pub fn of(case: &str) -> Self {
        Self::read(&fs::read(testdata().join(case).join("app.apk")).unwrap()).unwrap()
    }

    /// The parts of an APK; none where they cannot be had.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let limits = Limits::default();
        let apk = Apk::open(&bytes, &limits).ok()?;
        let block = apk.signing_block().ok()?.filter(|block| !block.unusable);
        let part = |offset: u64, len: u64| {
            let start = usize::try_from(offset).ok()?;
            bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
        };
        let mut pairs = Vec::new();
        for pair in block.iter().flat_map(|block| &block.pairs) {
            pairs.push((pair.id.0, part(block?.value_offset(*pair), pair.len)?.to_vec()));
        }
        let sections = apk.sections();
        let directory = apk.directory().ok()?;
        let mut entries = Vec::new();
        for record in directory.records() {
            if let Ok(content) = apk.entry_to_vec(record, "an entry", Cap::fixed(1 << 20)) {
                entries.push((directory.name(record).to_vec(), content));
            }
        }
        Some(Self {
            before: part(0, block.map_or(sections.cd_offset, |block| block.offset))?.to_vec(),
            pairs,
            directory: part(sections.cd_offset, sections.eocd_offset - sections.cd_offset)?.to_vec(),
            end: part(sections.eocd_offset, bytes.len() as u64 - sections.eocd_offset)?.to_vec(),
            entries,
        })
    }

    /// It with these values in place of those of the pairs of their ids, or behind the others where there were none.
    pub fn with_pairs(&self, values: &[(u32, &[u8])]) -> Vec<u8> {
        let kept = self.pairs.iter().filter(|(id, _)| values.iter().all(|(new, _)| new != id));
        let kept = kept.map(|(id, value)| (*id, value.as_slice()));
        let mut area = Vec::new();
        for (id, value) in kept.chain(values.iter().copied()) {
            area.extend((value.len() as u64 + 4).to_le_bytes());
            area.extend(id.to_le_bytes());
            area.extend(value);
        }
        self.with_area(&area)
    }

    /// It with these bytes in place of the pairs, within sizes and magic that fit.
    pub fn with_area(&self, area: &[u8]) -> Vec<u8> {
        let size = (area.len() as u64 + 24).to_le_bytes();
        self.with_block(&[&size, area, &size, b"APK Sig Block 42"].concat())
    }

    /// It with these bytes where the signing block was.
    pub fn with_block(&self, block: &[u8]) -> Vec<u8> {
        let mut bytes = [&self.before, block, &self.directory, &self.end].concat();
        let directory = u32::try_from(self.before.len() + block.len()).unwrap();
        let field = self.before.len() + block.len() + self.directory.len() + 16;
        bytes[field..field + 4].copy_from_slice(&directory.to_le_bytes());
        bytes
    }

    /// Its entries with these contents in place of those of their names, or behind them where there were none; the rest of
    /// it is left out.
    pub fn with_entries(&self, contents: &[(&str, &[u8])]) -> Vec<u8> {
        let new = |name: &[u8]| contents.iter().find(|(new, _)| new.as_bytes() == name);
        let kept = self.entries.iter().map(|(name, content)| (name.as_slice(), content.as_slice()));
        let exchanged = kept.map(|(name, content)| (name, new(name).map_or(content, |(_, content)| content)));
        let added =
            contents.iter().filter(|(name, _)| self.entries.iter().all(|(old, _)| old != name.as_bytes()));
        let added = added.map(|(name, content)| (name.as_bytes(), *content));
        archive(&exchanged.chain(added).collect::<Vec<_>>())
    }
}

/// An archive of these entries, stored.
pub fn archive(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let start = u32::try_from(bytes.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
        // Versions, flags, method, time and CRC, which nobody looks at, are zero.
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &size, &size, &name_len, &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04", &*common, name, content].concat());
        directory.extend([b"PK\x01\x02\x14\0", &*common, &[0; 10], &start.to_le_bytes(), name].concat());
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let [size, start] = [directory.len(), bytes.len()].map(|len| u32::try_from(len).unwrap().to_le_bytes());
    bytes.extend([&directory, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &start, &[0, 0]].concat());
    bytes
}
