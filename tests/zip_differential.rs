//! Our reading of archives, which is Android's, against that of the `zip` crate.
//!
//! Both must see the same entries, at the same places, in every archive that is not meant to be seen in two ways. Those
//! that are stand in a table, with what the other one makes of them.

#![expect(clippy::unwrap_used, reason = "an archive that cannot be read is to stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::format::zip::DirectoryRecord;
use zip::ZipArchive;

/// An entry: name, start of its local header, start of its content, size of its content in the file.
type Entry = (Vec<u8>, u64, u64, u64);

fn ours(bytes: &[u8]) -> Option<Vec<Entry>> {
    let limits = Limits::default();
    let apk = Apk::open(&bytes, &limits).ok()?;
    let layout = apk.layout().ok()?;
    let directory = apk.directory().unwrap();
    let name = |record: &DirectoryRecord| directory.name(record).to_vec();
    let mut entries: Vec<Entry> = layout
        .entries
        .iter()
        .map(|entry| {
            let size = entry.data.end - entry.data.start;
            (name(&entry.record), u64::from(entry.record.local_header_offset), entry.data.start, size)
        })
        .collect();
    entries.sort();
    Some(entries)
}

fn theirs(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).ok()?;
        let start = entry.data_start()?;
        entries.push((entry.name_raw().to_vec(), entry.header_start(), start, entry.compressed_size()));
    }
    entries.sort();
    Some(entries)
}

fn apks(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(apks(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "apk") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// Archives that both do not see alike: who differs how, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("testdata/marks/transparency-bomb/app.apk", OTHER, "Android takes the size, they the compressed size"),
    ("testdata/zip/bytes-behind-eocd/app.apk", REFUSED, "the comment must end with the file"),
    (
        "testdata/zip/directory-count-short/app.apk",
        THEY_REFUSE,
        "they hold the count against the size, Android does not",
    ),
    ("testdata/zip/duplicate-entry-v1/app.apk", OTHER, "they keep the last of two records, we show both"),
    ("testdata/zip/duplicate-entry-v2/app.apk", OTHER, "they keep the last of two records, we show both"),
    (
        "testdata/zip/no-local-header/app.apk",
        THEY_REFUSE,
        "Android looks at a local header when it reads the entry",
    ),
    ("testdata/zip/stored-with-two-sizes/app.apk", OTHER, "Android takes the size, they the compressed size"),
    (
        "testdata/zip/zip64-count/app.apk",
        THEY_REFUSE,
        "so does libziparchive, but not the verifier of signatures",
    ),
    (
        "testdata/zip/zip64-end-record/app.apk",
        THEY_REFUSE,
        "they look at the locator and refuse what they find, the installer takes it",
    ),
    (
        "testdata/zip/zip64-end-record-count-below/app.apk",
        THEY_REFUSE,
        "they look at the locator and refuse what they find, though no field sends them there",
    ),
    (
        "corpus/apksig/v1v2v3-with-rsa-2048-lineage-3-signers-invalid-zip.apk",
        REFUSED,
        "the directory overlaps its end",
    ),
    ("corpus/apksig/v2-only-truncated-cd.apk", REFUSED, "the directory overlaps its end"),
    (
        "corpus/generated/mut-prefix-before-first-lfh.apk",
        REFUSED,
        "they look for offsets that are all too small",
    ),
    ("corpus/generated/mut-trailing-garbage-after-eocd.apk", REFUSED, "the comment must end with the file"),
    ("corpus/generated/v1mut-duplicate-entry.apk", OTHER, "they keep the last of two records, we show both"),
];
const OTHER: &str = "other entries";
const REFUSED: &str = "we refuse";
const THEY_REFUSE: &str = "they refuse";

#[test]
fn both_see_the_same_entries() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let corpus = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("without the reference APKs: APKVOUCH_CORPUS does not name their directory");
    }
    let roots = [("testdata", Some(testdata)), ("corpus", corpus)];
    let roots: Vec<(&str, PathBuf)> =
        roots.into_iter().filter_map(|(name, root)| Some((name, root?))).collect();
    let mut differing: BTreeMap<String, &str> = BTreeMap::new();
    for (name, root) in &roots {
        for path in apks(root) {
            let bytes = fs::read(&path).unwrap();
            let difference = match (ours(&bytes), theirs(&bytes)) {
                (None, None) => continue,
                (Some(ours), Some(theirs)) if ours == theirs => continue,
                (Some(_), Some(_)) => OTHER,
                (Some(_), None) => THEY_REFUSE,
                (None, Some(_)) => REFUSED,
            };
            differing.insert(format!("{name}/{}", path.strip_prefix(root).unwrap().display()), difference);
        }
    }
    let expected: BTreeMap<String, &str> = DIFFERENCES
        .iter()
        .filter(|(path, ..)| roots.iter().any(|(name, _)| path.starts_with(name)))
        .map(|(path, difference, why)| {
            assert!(!why.is_empty());
            ((*path).to_owned(), *difference)
        })
        .collect();
    assert_eq!(differing, expected);
}
