//! Entries against the manifest, and who signed them.
//!
//! Source: apksig `V1SchemeVerifier.verifyJarEntriesAgainstManifestAndSigners`.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rayon::iter::IndexedParallelIterator as _;
use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

use super::Entry;
use super::EntryDigests;
use super::META_INF;
use super::Run;
use super::Signer;
use super::digests;
use super::digests::ExpectedDigest;
use super::signature_file::with_digests;
use crate::apk::Apk;
use crate::apk::EntryReader;
use crate::apk::Stop;
use crate::apk::too_large;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::crypto::ranges_side_by_side;
use crate::crypto::sha256_of_ranges;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::shortened;
use crate::format::jar::Section;
use crate::format::zip::METHOD_STORED;
use crate::limits::Cap;

/// Below this many bytes of content, threads cost more than they bring.
const WORTH_THREADS: u64 = 1 << 20;

/// Verifies every entry that Android protects: all but directories and what lies under `META-INF/`.
///
/// Each entry has the same signers. Content is read on all threads of the current rayon pool when there is enough of it,
/// the largest entries first. What is found does not depend on the threads: findings come in the order of the file, and of
/// several entries that cannot be read the first one is the error.
pub(super) fn verify(
    run: &mut Run<'_>,
    entries: &[Entry<'_>],
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
) -> Result<VerifiedEntries, Stop> {
    let protected = entries.iter().enumerate().filter(|(_, entry)| !entry.name.starts_with(META_INF));
    let mut in_order: Vec<(usize, &Entry<'_>)> = protected.collect();
    in_order.sort_by_key(|(_, entry)| entry.record.local_header_offset);
    check_content(run, &in_order)?;

    let mut faults = Vec::new();
    let mut to_read = Vec::with_capacity(in_order.len());
    let mut first: Option<(&str, Vec<usize>)> = None;
    for (place, (position, entry)) in in_order.iter().enumerate() {
        match check_signers((*position, entry), manifest, signers, &mut first) {
            Ok(()) => to_read.push(place),
            Err(fault) => faults.push((place, fault)),
        }
    }
    let (first_name, by) = first.unwrap_or_default();
    let range = (run.cx.min_sdk, run.cx.max_sdk);
    let reading = Reading::new(run.cx.apk, &manifest.sections, &in_order, to_read, range);
    let share = reading.read_all();
    faults.extend(share.faults);
    faults.sort_by_key(|(place, _)| *place);

    if let Some(at) = faults.iter().position(|(_, fault)| matches!(fault, Fault::Unreadable(_)))
        && let (_, Fault::Unreadable(stop)) = faults.swap_remove(at)
    {
        return Err(*stop);
    }
    for (place, fault) in faults {
        let Some((position, entry)) = in_order.get(place) else { continue };
        let finding = |code| Finding::new(code).entry(entry.name.as_ref());
        match fault {
            Fault::NoDigest => run.report(finding(FindingCode::V1NoDigestInManifest)),
            Fault::NotSigned => run.report(finding(FindingCode::V1EntryNotSigned)),
            Fault::OtherSigners => {
                let expected = format!("{}, as for {}", names(signers, &by), shortened(first_name));
                let actual = names(signers, &signed_by(signers, *position).collect::<Vec<_>>());
                run.report(finding(FindingCode::V1SignersMismatch).values(expected, actual));
            }
            Fault::Differs(digests) => {
                for (digest, actual) in reading.differences(*position, &digests) {
                    let finding = finding(FindingCode::V1EntryDigestMismatch).scheme(SchemeId::V1);
                    run.report(with_digests(finding, digest.algorithm, digest.value.as_deref(), actual));
                }
            }
            Fault::Unreadable(_) => {}
        }
    }
    if by.is_empty() {
        run.report(Finding::new(FindingCode::V1NoSignedEntries));
    }
    Ok(VerifiedEntries { signers: by, weakest: share.weakest })
}

/// Who signed the entries, and how well.
pub(super) struct VerifiedEntries {
    /// Positions of the signers among those who were given.
    pub(super) signers: Vec<usize>,
    /// Of the strongest digest of each entry the weakest.
    pub(super) weakest: Option<DigestAlgorithm>,
}

/// Holds the work that all entries together make against the limit, before any of them is read.
///
/// An entry cannot make more of it than its directory record announces, and those that overlap make it each time.
fn check_content(run: &Run<'_>, entries: &[(usize, &Entry<'_>)]) -> Result<(), Stop> {
    let limits = run.cx.limits();
    let most = limits.content.saturating_add(run.cx.apk.source().len().saturating_mul(limits.content_ratio));
    let content: u64 = entries.iter().map(|(_, entry)| entry.record.work()).sum();
    let cap = Cap::new("content", most);
    if content > most { Err(too_large("the content of all entries together", content, cap)) } else { Ok(()) }
}

/// What is wrong with an entry, in little memory: there may be as many as entries, and few are told.
enum Fault {
    /// The manifest has no digest of it that counts.
    NoDigest,
    /// No signature file lists it.
    NotSigned,
    /// Others have signed it than the first entry.
    OtherSigners,
    /// Its content has these digests, in the order of those that are expected.
    Differs(Vec<Vec<u8>>),
    /// Its content cannot be had.
    Unreadable(Box<Stop>),
}

/// Checks an entry as far as that goes without its content; `first` is the first entry that somebody signed, and who did.
fn check_signers<'e>(
    (position, entry): (usize, &'e Entry<'_>),
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
    first: &mut Option<(&'e str, Vec<usize>)>,
) -> Result<(), Fault> {
    if manifest.section(position).is_none() {
        return Err(Fault::NoDigest);
    }
    if signed_by(signers, position).next().is_none() {
        return Err(Fault::NotSigned);
    }
    let (_, by) = first.get_or_insert_with(|| (&entry.name, signed_by(signers, position).collect()));
    if signed_by(signers, position).eq(by.iter().copied()) { Ok(()) } else { Err(Fault::OtherSigners) }
}

/// The indices of those signers whose signature file lists the entry at that position.
fn signed_by(signers: &[Signer<'_>], position: usize) -> impl Iterator<Item = usize> {
    signers.iter().enumerate().filter(move |(_, signer)| signer.lists(position)).map(|(index, _)| index)
}

fn names(signers: &[Signer<'_>], by: &[usize]) -> String {
    let names: Vec<&str> = by.iter().filter_map(|index| signers.get(*index)?.place.name.as_deref()).collect();
    names.join(" and ")
}

/// Entries that are read and digested, by several threads at once.
struct Reading<'r> {
    apk: &'r Apk<'r>,
    /// What the manifest says of each entry, by its position in the archive.
    sections: &'r [Option<Section<'r>>],
    /// Entries with their positions in the archive, in the order of the file.
    in_order: &'r [(usize, &'r Entry<'r>)],
    range: (u32, u32),
    /// Those with more work than any that is stored. In each queue the most work comes first: so no thread is left alone with
    /// a large one at the end.
    long: Queue,
    /// Those that stand in the file as they are, of which SHA-256 alone is expected: they are digested side by side.
    stored: Queue,
    /// All others.
    others: Queue,
    /// The first one, in the order of the file, that is known to be unreadable.
    unreadable: AtomicUsize,
}

/// Entries by their places in the order of the file, for whichever thread comes first.
#[derive(Default)]
struct Queue {
    places: Vec<usize>,
    /// How many of them some thread has taken.
    taken: AtomicUsize,
}

impl Queue {
    fn new(places: Vec<usize>) -> Self {
        Self { places, taken: AtomicUsize::new(0) }
    }

    fn next(&self) -> Option<usize> {
        self.places.get(self.taken.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

/// What one thread has found, or all.
#[derive(Default)]
struct Share {
    /// Places in the order of the file.
    faults: Vec<(usize, Fault)>,
    /// See [`VerifiedEntries::weakest`].
    weakest: Option<DigestAlgorithm>,
}

impl<'r> Reading<'r> {
    fn new(
        apk: &'r Apk<'r>,
        sections: &'r [Option<Section<'r>>],
        in_order: &'r [(usize, &'r Entry<'r>)],
        to_read: Vec<usize>,
        range: (u32, u32),
    ) -> Self {
        let unreadable = AtomicUsize::new(usize::MAX);
        let (long, stored, others) = (Queue::default(), Queue::default(), Queue::default());
        let mut reading = Self { apk, sections, in_order, range, long, stored, others, unreadable };
        let (mut stored, mut others): (Vec<_>, Vec<_>) =
            to_read.into_iter().partition(|place| reading.goes_side_by_side(*place));
        stored.sort_by_key(|place| Reverse(reading.work(*place)));
        others.sort_by_key(|place| Reverse(reading.work(*place)));
        let longest = stored.first().map_or(0, |place| reading.work(*place));
        let rest = others.split_off(others.partition_point(|place| reading.work(*place) >= longest));
        (reading.long, reading.stored, reading.others) =
            (Queue::new(others), Queue::new(stored), Queue::new(rest));
        reading
    }

    fn work(&self, place: usize) -> u64 {
        self.in_order.get(place).map_or(0, |(_, entry)| entry.record.work())
    }

    fn goes_side_by_side(&self, place: usize) -> bool {
        let Some((position, entry)) = self.in_order.get(place) else { return false };
        let one = |digests: &[ExpectedDigest]| matches!(digests, [digest] if digest.algorithm == DigestAlgorithm::Sha256);
        entry.record.method == METHOD_STORED && one(&self.expected(*position))
    }

    fn queues(&self) -> [&Queue; 3] {
        [&self.long, &self.stored, &self.others]
    }

    fn read_all(&self) -> Share {
        let places = || self.queues().into_iter().flat_map(|queue| &queue.places);
        if places().map(|place| self.work(*place)).sum::<u64>() < WORTH_THREADS {
            return self.share(1);
        }
        let threads = rayon::current_num_threads().min(places().count());
        // A thread that has other work comes late or never; the others take its part.
        let shares = (0..threads).into_par_iter().with_max_len(1).map(|_| self.share(threads));
        shares.reduce(Share::default, Share::and)
    }

    /// Reads entries until none is left, as one of so many `threads`. Each has the memory for one entry, or for those side by
    /// side.
    fn share(&self, threads: usize) -> Share {
        let mut share = Share::default();
        let mut reader = EntryReader::default();
        self.read_each(&self.long, &mut reader, &mut share);
        self.read_side_by_side(threads, &mut share);
        self.read_each(&self.others, &mut reader, &mut share);
        share
    }

    fn read_each(&self, queue: &Queue, reader: &mut EntryReader, share: &mut Share) {
        while let Some(place) = queue.next() {
            let Some((entry, expected)) = self.to_read(place, share) else { continue };
            if let Err(fault) = read(self.apk, reader, entry, &expected) {
                self.note(place, fault, share);
            }
        }
    }

    fn read_side_by_side(&self, threads: usize, share: &mut Share) {
        let width = ranges_side_by_side(self.stored.places.len(), threads);
        let share = RefCell::new(share);
        let next = || {
            loop {
                let place = self.stored.next()?;
                let mut share = share.borrow_mut();
                let Some((entry, expected)) = self.to_read(place, &mut share) else { continue };
                match self.apk.locate_entry(entry.record) {
                    Ok(data) => return Some(((place, expected), data.offset, data.size)),
                    Err(stop) => self.note(place, Fault::Unreadable(Box::new(stop)), &mut share),
                }
            }
        };
        sha256_of_ranges(self.apk.source(), width, next, |(place, expected), digest| {
            let fault = match digest {
                Ok(digest) => compare(&expected, vec![digest.to_vec()]).err(),
                Err(error) => Some(Fault::Unreadable(Box::new(error.into()))),
            };
            if let Some(fault) = fault {
                self.note(place, fault, &mut share.borrow_mut());
            }
        });
    }

    /// The entry at that place, and the digests that are expected of it; none when an earlier one is known to be unreadable.
    fn to_read(&self, place: usize, share: &mut Share) -> Option<(&'r Entry<'r>, Vec<ExpectedDigest>)> {
        // Those in front of the first unreadable one are never left out, since the place only ever falls.
        if self.unreadable.load(Ordering::Relaxed) < place {
            return None;
        }
        let (position, entry) = self.in_order.get(place)?;
        let expected = self.expected(*position);
        let strongest = expected.iter().map(|digest| digest.algorithm).max();
        share.weakest = share.weakest.into_iter().chain(strongest).min();
        Some((entry, expected))
    }

    fn note(&self, place: usize, fault: Fault, share: &mut Share) {
        if matches!(fault, Fault::Unreadable(_)) {
            self.unreadable.fetch_min(place, Ordering::Relaxed);
        }
        share.faults.push((place, fault));
    }

    /// The digests that the manifest gives the entry at that position.
    fn expected(&self, position: usize) -> Vec<ExpectedDigest> {
        let section = self.sections.get(position).copied().flatten();
        section.map(|section| digests::to_verify(&section, "-Digest", self.range)).unwrap_or_default()
    }

    /// Each digest that is expected of the entry at that position and not among `digests`, with that which is there.
    fn differences<'d>(
        &self,
        position: usize,
        digests: &'d [Vec<u8>],
    ) -> impl Iterator<Item = (ExpectedDigest, &'d Vec<u8>)> {
        let pairs = self.expected(position).into_iter().zip(digests);
        pairs.filter(|(expected, actual)| !expected.is(actual))
    }
}

impl Share {
    fn and(mut self, other: Self) -> Self {
        self.faults.extend(other.faults);
        Self { faults: self.faults, weakest: self.weakest.into_iter().chain(other.weakest).min() }
    }
}

fn read(
    apk: &Apk<'_>,
    reader: &mut EntryReader,
    entry: &Entry<'_>,
    expected: &[ExpectedDigest],
) -> Result<(), Fault> {
    if expected.is_empty() {
        return Err(Fault::NoDigest);
    }
    let mut hashers: Vec<Hasher> = expected.iter().map(|digest| Hasher::new(digest.algorithm)).collect();
    apk.read_entry_with(reader, entry.record, &mut |piece| {
        for hasher in &mut hashers {
            hasher.update(piece);
        }
    })
    .map_err(|stop| Fault::Unreadable(Box::new(stop)))?;
    compare(expected, hashers.into_iter().map(Hasher::finish).collect())
}

/// Whether an entry has the digests that are expected of it; `actual` are in the order of these.
fn compare(expected: &[ExpectedDigest], actual: Vec<Vec<u8>>) -> Result<(), Fault> {
    let equal = expected.iter().zip(&actual).all(|(expected, actual)| expected.is(actual));
    if equal { Ok(()) } else { Err(Fault::Differs(actual)) }
}
