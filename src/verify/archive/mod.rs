//! What is odd about the archive: what Android refuses although the signature holds, and what other readers take for
//! something else than Android does.
//!
//! Entries that share an oddity make one finding, with the first names and a count.
//!
//! Source: AOSP `libziparchive`, `OpenArchiveInternal` and `FindEntry`.

mod names;

use std::collections::HashSet;

use super::across;
use super::across::hex;
use crate::apk::Apk;
use crate::apk::Directory;
use crate::apk::EntryLayout;
use crate::apk::Gap;
use crate::apk::GapContent;
use crate::apk::GapPlace;
use crate::apk::Layout;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::format::signing_block;
use crate::format::zip;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::LocalHeader;
use crate::scheme::Proof;

/// First API level whose ZIP reader refuses names that hold NUL or are not UTF-8.
///
/// Source: AOSP `libziparchive`, `IsValidEntryName`, there since 2014.
const NAMES_CHECKED_SINCE: u32 = 21;

/// Everything odd about the archive that `proof` does not have as an error already; `range` are the API levels.
///
/// # Errors
/// [`Stop::Malformed`] when the Central Directory cannot be read.
pub(super) fn report(apk: &Apk<'_>, range: (u32, u32), proof: &Proof) -> Result<Vec<Finding>, Stop> {
    let directory = apk.directory()?;
    let layout = apk.layout()?;
    let mut report = Report { apk, directory, layout: &layout, folds: Vec::new() };
    let known = |code| proof.findings.iter().any(|finding| finding.code == code);
    let mut findings = Vec::new();
    let leading = across::leading_bytes(apk)?;
    if let Some(start) = leading.as_ref().filter(|_| !known(FindingCode::Janus)) {
        let finding = Finding::new(FindingCode::ZipLeadingBytes).offset(0);
        findings.push(finding.values(hex(&zip::LFH_MAGIC.to_le_bytes()), hex(start)));
    }
    if !known(FindingCode::V1DuplicateEntry) {
        report.duplicates();
    }
    report.zip64();
    for entry in &layout.entries {
        report.entry(entry);
    }
    if proof.schemes.iter().any(|result| result.scheme == SchemeId::V1 && result.is_verified()) {
        report.methods_under_v1();
    }
    report.overlaps();
    for gap in &layout.gaps {
        report.gap(gap, leading.is_some())?;
    }
    names::check(&mut report);
    report.folds.sort_by_key(|fold| fold.code);
    findings.extend(report.folds.into_iter().map(|fold| fold.into_finding(range)));
    Ok(findings)
}

struct Report<'a> {
    apk: &'a Apk<'a>,
    directory: &'a Directory,
    layout: &'a Layout,
    folds: Vec<Fold>,
}

impl<'a> Report<'a> {
    /// Notes an oddity of an entry; `detail` is asked for once a code.
    fn add(&mut self, code: FindingCode, record: &DirectoryRecord, detail: impl FnOnce() -> String) {
        let offset = u64::from(record.local_header_offset);
        self.add_at(code, offset, Some(self.directory.name(record)), detail);
    }

    fn add_at(
        &mut self,
        code: FindingCode,
        offset: u64,
        name: Option<&[u8]>,
        detail: impl FnOnce() -> String,
    ) {
        match self.folds.iter_mut().find(|fold| fold.code == code) {
            Some(fold) => {
                if fold.others.len() < NAMES_SHOWN {
                    fold.others.extend(name.map(shorten));
                }
                fold.more = fold.more.saturating_add(1);
            }
            None => self.folds.push(Fold {
                code,
                offset,
                entry: name.map(shorten),
                detail: detail(),
                others: Vec::new(),
                more: 0,
            }),
        }
    }

    fn records(&self) -> impl Iterator<Item = &'a DirectoryRecord> + use<'a> {
        self.directory.records().iter().chain(self.directory.folders())
    }

    /// Names that stand in the directory more than once.
    fn duplicates(&mut self) {
        let mut seen = HashSet::with_capacity(self.layout.entries.len());
        let mut reported = HashSet::new();
        for record in self.records() {
            let name = self.directory.name(record);
            if !seen.insert(name) && reported.insert(name) {
                self.add(FindingCode::ZipDuplicateEntry, record, String::new);
            }
        }
    }

    fn zip64(&mut self) {
        let sections = self.apk.sections();
        if sections.zip64_end {
            self.add_at(FindingCode::Zip64EndRecord, sections.eocd_offset, None, String::new);
        } else if sections.zip64 {
            self.add_at(FindingCode::Zip64, sections.eocd_offset, None, || "at the end record".to_owned());
        }
        for record in self.records() {
            if record.points_to_zip64() || zip::extra_has(self.directory.extra(record), zip::ZIP64_EXTRA_ID) {
                self.add(FindingCode::Zip64, record, String::new);
            }
        }
    }

    fn entry(&mut self, entry: &EntryLayout) {
        let record = &entry.record;
        if record.is_symbolic_link() {
            self.add(FindingCode::ZipSymbolicLink, record, String::new);
        }
        let lengths = [record.name_len, record.extra_len, record.comment_len];
        if let Some(len) = lengths.iter().find(|len| **len >= 0x8000) {
            self.add(FindingCode::ZipLongField, record, || format!("{len:#x} in the central directory"));
        }
        let known = |method| [zip::METHOD_STORED, zip::METHOD_DEFLATED].contains(&method);
        let method = record.method;
        let Some(local) = &entry.local else {
            if !known(method) {
                self.add(FindingCode::ZipMethod, record, || format!("{method:#x} in the central directory"));
            }
            self.add(FindingCode::ZipNoLocalHeader, record, String::new);
            return;
        };
        if !known(method) || local.method != method {
            self.add(FindingCode::ZipMethod, record, || {
                format!("{method:#x} in the central directory, {:#x} in the local header", local.method)
            });
        }
        let flags = record.flags | local.flags;
        if flags & zip::FLAGS_ENCRYPTED != 0 {
            self.add(FindingCode::ZipEncryptedFlag, record, || format!("flags {flags:#06x}"));
        }
        if let Some(len) = [local.name_len, local.extra_len].iter().find(|len| **len >= 0x8000) {
            self.add(FindingCode::ZipLongField, record, || format!("{len:#x} in the local header"));
        }
        if let Some(name) = &entry.local_name {
            self.add(FindingCode::ZipLocalNameDiffers, record, || {
                format!("{:?} in the local header", shorten(name))
            });
        }
        if let Some(contradiction) = contradiction(entry, local) {
            self.add(FindingCode::ZipHeadersDisagree, record, || contradiction);
        }
    }

    /// Entries that v1 covers and whose method is neither stored nor deflate: Android's verifier inflates them, its
    /// runtime and asset manager take them as they stand, so that one content is signed and another one runs.
    ///
    /// Source: AOSP `StrictJarFile.getZipInputStream`; `libziparchive` `ExtractToWriter`; `ApkAssets`.
    fn methods_under_v1(&mut self) {
        let layout = self.layout;
        for entry in &layout.entries {
            let name = self.directory.name(&entry.record);
            let known = [zip::METHOD_STORED, zip::METHOD_DEFLATED].contains(&entry.record.method);
            if !known && !name.starts_with(b"META-INF/") && !name.ends_with(b"/") {
                let method = entry.record.method;
                self.add(FindingCode::V1UnknownMethod, &entry.record, || format!("method {method:#x}"));
            }
        }
    }

    fn overlaps(&mut self) {
        let layout = self.layout;
        for overlap in &layout.overlaps {
            let Some(entry) = layout.entries.get(overlap.entry) else { continue };
            let other = overlap.other.and_then(|other| layout.entries.get(other));
            let same = |other: &EntryLayout| {
                other.record.local_header_offset == entry.record.local_header_offset
                    && self.directory.name(&other.record) == self.directory.name(&entry.record)
            };
            // A record that stands there twice is a duplicate, and told as such.
            if other.is_some_and(same) {
                continue;
            }
            let on = other.map_or_else(
                || "what follows the entries".to_owned(),
                |other| shorten(self.directory.name(&other.record)),
            );
            self.add(FindingCode::ZipOverlap, &entry.record, || format!("{} bytes on {on}", overlap.bytes));
        }
    }

    /// `leading` says that the bytes at the start of the file are reported already.
    fn gap(&mut self, gap: &Gap, leading: bool) -> Result<(), Stop> {
        let start = gap.range.start;
        let len = gap.range.end.saturating_sub(start);
        match (gap.place, &gap.content) {
            (GapPlace::BehindRecords, _) => {
                let records = self.apk.sections().records;
                self.add_at(FindingCode::ZipDirectorySlack, start, None, || {
                    format!("{len} bytes behind the {records} records that are counted")
                });
            }
            (GapPlace::BeforeEndRecord, _) => {
                self.add_at(FindingCode::ZipSectionGap, start, None, || format!("{len} bytes"));
            }
            _ if gap.is_padding() => {}
            (_, GapContent::LocalHeader { offset, name }) => {
                self.add_at(FindingCode::ZipHiddenEntry, *offset, Some(name), || {
                    format!("in {len} bytes that belong to no entry")
                });
            }
            (_, GapContent::SigningBlock { offset }) => {
                let ends = offset.saturating_add(signing_block::MAGIC.len() as u64);
                let malformed = self.apk.signing_block()?.is_some_and(|block| block.unusable);
                // A block in its place that cannot be read is reported as such.
                if !(malformed && ends == self.apk.sections().cd_offset) {
                    let cd_offset = self.apk.sections().cd_offset;
                    self.add_at(FindingCode::SigningBlockDetached, *offset, None, || {
                        format!("its magic is at {offset:#x}, the central directory at {cd_offset:#x}")
                    });
                }
            }
            (GapPlace::BeforeEntries, _) if leading => {}
            (_, GapContent::Data { offset, start: bytes }) => {
                self.add_at(FindingCode::ZipGap, start, None, || {
                    format!("{len} bytes; at {offset:#x} {}", hex(bytes))
                });
            }
            (_, _) => {
                self.add_at(FindingCode::ZipGap, start, None, || {
                    format!("{len} bytes, zeros as far as they were looked at")
                });
            }
        }
        Ok(())
    }
}

/// How sizes, checksum and flags of an entry contradict each other.
fn contradiction(entry: &EntryLayout, local: &LocalHeader) -> Option<String> {
    let record = &entry.record;
    if (local.flags ^ record.flags) & zip::FLAG_DATA_DESCRIPTOR != 0 {
        return Some("only one of its headers says that a data descriptor follows".to_owned());
    }
    match entry.descriptor {
        Some(descriptor) if !descriptor.agrees => {
            return Some("its data descriptor is missing, or differs from the central directory".to_owned());
        }
        Some(_) => {}
        None => {
            let fields = [
                ("CRC-32", record.crc32, local.crc32),
                ("compressed size", record.compressed_size, local.compressed_size),
                ("size", record.uncompressed_size, local.uncompressed_size),
            ];
            if let Some((what, directory, local)) = fields.iter().find(|(_, one, other)| one != other) {
                return Some(format!(
                    "{what} {directory:#x} in the central directory, {local:#x} in the local header"
                ));
            }
        }
    }
    let stored = record.method == zip::METHOD_STORED;
    (stored && record.compressed_size != record.uncompressed_size).then(|| {
        format!(
            "stored, with compressed size {} and size {}",
            record.compressed_size, record.uncompressed_size
        )
    })
}

/// How many names stand behind the first.
const NAMES_SHOWN: usize = 2;
/// How many characters of a name are shown.
const NAME_SHOWN: usize = 100;

/// One oddity and the entries that have it.
struct Fold {
    code: FindingCode,
    offset: u64,
    entry: Option<String>,
    detail: String,
    others: Vec<String>,
    more: usize,
}

impl Fold {
    fn into_finding(self, range: (u32, u32)) -> Finding {
        let mut detail = self.detail;
        if self.more > 0 {
            let gap = if detail.is_empty() { "" } else { "; " };
            let places = if self.entry.is_some() { "entries" } else { "places" };
            let colon = if self.others.is_empty() { "" } else { ": " };
            let rest = if self.others.is_empty() || self.more == self.others.len() { "" } else { ", …" };
            detail =
                format!("{detail}{gap}{} more {places}{colon}{}{rest}", self.more, self.others.join(", "));
        }
        let mut finding = Finding::new(self.code).offset(self.offset).detail(detail);
        if let Some(entry) = self.entry {
            finding = finding.entry(entry);
        }
        if self.code == FindingCode::ZipNameNotAllowed {
            let (min_sdk, max_sdk) = range;
            finding = if max_sdk < NAMES_CHECKED_SINCE {
                finding.with_severity(Severity::Warning)
            } else {
                finding.api_levels(min_sdk.max(NAMES_CHECKED_SINCE), max_sdk)
            };
        }
        finding
    }
}

/// A name as text, cut to what a person can take in.
fn shorten(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    match text.char_indices().nth(NAME_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}
