//! Where everything lies in a file: the layout against archives whose every byte the test has placed.

#![expect(clippy::unwrap_used, reason = "an archive that cannot be read is to stop the test")]

use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::builder;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Parts;
use crate::builder::Signer;
use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::apk::EntryLayout;
use apkvouch::apk::GapContent;
use apkvouch::apk::GapPlace;
use apkvouch::apk::Layout;
use apkvouch::source::ByteSource;
use proptest::prelude::*;

fn layout(source: &dyn ByteSource) -> Layout {
    Apk::open(source, &Limits::default()).unwrap().layout().unwrap()
}

/// Counts what is read.
struct Counting {
    bytes: Vec<u8>,
    reads: AtomicU64,
    read: AtomicU64,
}

impl Counting {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, reads: AtomicU64::new(0), read: AtomicU64::new(0) }
    }

    fn counts(&self) -> (u64, u64) {
        (self.reads.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }
}

impl ByteSource for Counting {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_exact_at(buf, offset)
    }
}

fn archive(entries: usize, size: usize) -> Vec<u8> {
    let entries: Vec<Entry> =
        (0..entries).map(|number| Entry::stored(&format!("res/file_{number:05}"), &vec![7; size])).collect();
    Parts::of(&entries).to_bytes()
}

#[test]
fn twice_the_entries_take_twice_the_reads() {
    // Small content, read together with its neighbours; content that is larger than what is read at once; both
    // beyond what is read in one go.
    for (size, entries) in [(100, 10_000), (5_000, 500)] {
        let counts = |entries| {
            let source = Counting::new(archive(entries, size));
            assert_eq!(layout(&source).entries.len(), entries);
            source.counts()
        };
        let (one, two, four) = (counts(entries), counts(2 * entries), counts(4 * entries));
        for (one, two, four) in [(one.0, two.0, four.0), (one.1, two.1, four.1)] {
            // In tenths: as much again for as many again.
            let growth = (four - two) * 10 / (two - one);
            assert!((19..=21).contains(&growth), "{size} bytes each: {one}, {two}, {four}");
        }
    }
}

#[test]
fn content_is_not_read_and_neighbours_are_read_together() {
    let large = Counting::new(archive(50, 100_000));
    layout(&large);
    let (reads, bytes) = large.counts();
    assert!(reads < 120 && bytes < 50_000, "{reads} reads of {bytes} bytes for 50 entries of 100 kB");
    let small = Counting::new(archive(20_000, 50));
    layout(&small);
    let (reads, bytes) = small.counts();
    assert!(reads < 1_000, "{reads} reads for 20,000 small entries");
    assert!(bytes < 2 * small.len(), "{bytes} of {} bytes", small.len());
    let tiny = Counting::new(archive(20, 50));
    layout(&tiny);
    assert!(tiny.counts().0 < 8, "{} reads for a file of {} bytes", tiny.counts().0, tiny.len());
}

#[test]
fn entries_on_top_of_each_other_do_not_make_it_slow() {
    // Headers one behind the other, each with a data descriptor far behind.
    let counts = |count: usize| {
        let mut parts = Parts::of(
            &(0..count)
                .map(|number| {
                    Entry::stored(&format!("{number:05}"), b"").raw(|raw| {
                        raw.local.flags |= 8;
                        raw.central[0].flags |= 8;
                        (raw.central[0].compressed, raw.central[0].uncompressed) = (1 << 20, 1 << 20);
                    })
                })
                .collect::<Vec<_>>(),
        );
        parts.contents.resize(parts.contents.len() + (2 << 20), 1);
        let source = Counting::new(parts.to_bytes());
        let layout = layout(&source);
        assert_eq!(layout.overlaps.len(), count - 1);
        let (reads, read) = source.counts();
        assert!(read < source.len(), "{read} bytes read of {}", source.len());
        (reads, read)
    };
    let (one, two) = (counts(4_000), counts(8_000));
    assert!(two.0 < one.0 * 9 / 4 && two.1 < one.1 * 9 / 4, "{one:?}, {two:?}");
}

#[test]
fn a_gap_is_where_the_bytes_are() {
    let filler = [&b"PK\x03\x04"[..], &[0; 24], &[10, 0], &[0; 10]].concat();
    let gaps: [&[u8]; 4] = [b"\0\0\0", b"payload", &filler, b"PK\x03\x04 and more that makes a header of it"];
    let mut entries = vec![Entry::stored("first", b"1")];
    entries.extend(gaps.iter().enumerate().map(|(number, gap)| {
        let gap = gap.to_vec();
        Entry::stored(&format!("entry{number}"), b"content").raw(move |raw| raw.gap.clone_from(&gap))
    }));
    let mut parts = Parts::of(&entries);
    parts.contents.extend_from_slice(b"behind");
    parts.central_directory.extend_from_slice(b"slack");
    parts.before_eocd = b"before".to_vec();
    parts.eocd.comment = b"comment".to_vec();
    let bytes = parts.to_bytes();
    let layout = layout(&bytes);
    let at = |range: &Range<u64>| {
        &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    };
    let found: Vec<(GapPlace, &[u8])> = layout.gaps.iter().map(|gap| (gap.place, at(&gap.range))).collect();
    let mut expected: Vec<(GapPlace, &[u8])> =
        gaps.iter().map(|gap| (GapPlace::BetweenEntries, *gap)).collect();
    expected.extend([
        (GapPlace::BehindEntries, &b"behind"[..]),
        (GapPlace::BehindRecords, b"slack"),
        (GapPlace::BeforeEndRecord, b"before"),
    ]);
    assert_eq!(found, expected);
    assert_eq!(layout.gaps[0].content, GapContent::Zeros);
    assert_eq!(layout.gaps[2].content, GapContent::Filler);
    assert!(
        matches!(&layout.gaps[3].content, GapContent::LocalHeader { offset, .. } if *offset == layout.gaps[3].range.start)
    );
    assert_eq!(at(&layout.comment), b"comment");
    assert_eq!(at(&layout.end_record)[..4], *b"PK\x05\x06");
    assert_eq!(at(&layout.central_directory)[..4], *b"PK\x01\x02");
    assert_eq!(at(&layout.entries[1].data), b"content");
}

#[test]
fn a_large_gap_is_looked_at_from_both_ends() {
    let with = |gap: Vec<u8>| {
        let entry = Entry::stored("b", b"").raw(move |raw| raw.gap.clone_from(&gap));
        let bytes = Parts::of(&[Entry::stored("a", b""), entry]).to_bytes();
        layout(&bytes).gaps.remove(0).content
    };
    let large = |at: usize, with: &[u8]| {
        let mut gap = vec![0; 300_000];
        gap[at..at + with.len()].copy_from_slice(with);
        gap
    };
    assert_eq!(with(large(0, b"")), GapContent::TooLarge);
    assert_eq!(with(large(150_000, b"in the middle")), GapContent::TooLarge, "not looked at");
    assert!(matches!(with(large(0, b"head")), GapContent::Data { .. }));
    assert!(matches!(with(large(299_990, b"tail")), GapContent::Data { .. }));
    assert!(matches!(with(large(299_000, b"APK Sig Block 42")), GapContent::SigningBlock { .. }));
    let header = [&b"PK\x03\x04"[..], &[0; 22], &[1, 0, 0, 0], b"x"].concat();
    assert!(matches!(with(large(299_000, &header)), GapContent::LocalHeader { .. }));
}

#[test]
fn the_signing_block_has_its_place() {
    let bytes = builder::Apk::new().v2(Signer::v2(&Key::named("ec-p256"))).aligned().build();
    let layout = layout(&bytes);
    let block = layout.signing_block.unwrap();
    assert_eq!((block.start % 4096, block.end), (0, layout.central_directory.start));
    assert_eq!(layout.gaps.len(), 1);
    assert_eq!(
        (layout.gaps[0].place, &layout.gaps[0].content),
        (GapPlace::BehindEntries, &GapContent::Zeros)
    );
    assert_eq!(layout.gaps[0].range.end, block.start);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an archive is made of, each of its bytes belongs to one thing.
    #[test]
    fn every_byte_belongs_to_one_thing(
        entries in prop::collection::vec((0_usize..3000, 0_usize..40, any::<bool>(), any::<bool>()), 0..40),
        slack in 0_usize..5,
        between in 0_usize..5,
    ) {
        let entries: Vec<Entry> = entries
            .iter()
            .enumerate()
            .map(|(number, (size, gap, deflated, descriptor))| {
                let name = format!("{number}");
                let content = vec![b'x'; *size];
                let mut entry =
                    if *deflated { Entry::deflated(&name, &content) } else { Entry::stored(&name, &content) };
                entry.data_descriptor = *descriptor;
                let gap = vec![1; *gap];
                entry.raw(move |raw| raw.gap.clone_from(&gap))
            })
            .collect();
        let mut parts = Parts::of(&entries);
        parts.central_directory.resize(parts.central_directory.len() + slack, 2);
        parts.before_eocd.resize(between, 3);
        let bytes = parts.to_bytes();
        let layout = layout(&bytes);
        prop_assert!(layout.overlaps.is_empty());
        let records = layout.central_directory.start..layout.central_directory.end - slack as u64;
        let mut ranges: Vec<Range<u64>> = layout.entries.iter().map(EntryLayout::extent).collect();
        ranges.extend(layout.gaps.iter().map(|gap| gap.range.clone()));
        ranges.extend([records, layout.end_record, layout.comment]);
        ranges.retain(|range| !range.is_empty());
        ranges.sort_by_key(|range| range.start);
        let mut end = 0;
        for range in ranges {
            prop_assert_eq!(range.start, end);
            end = range.end;
        }
        prop_assert_eq!(end, bytes.len() as u64);
    }

    /// Changed bytes lead to another layout, never to a panic.
    #[test]
    fn no_change_of_bytes_breaks_it(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = builder::Apk::new()
            .entry(Entry::deflated("a", &[5; 300]).data_descriptor())
            .file("b", &[6; 300])
            .v2(Signer::v2(&Key::named("ec-p256")))
            .build();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(apk) = Apk::open(&bytes, &Limits::default()) {
            let _ = apk.layout();
        }
    }
}

// The content of an entry.

/// However near the sizes of the buffers, what inflates to more or less than is announced is no content.
#[test]
fn an_entry_inflates_to_what_is_announced_and_to_nothing_else() {
    let read = |announced: u32, actual: usize| {
        let entry = Entry::deflated("a", &vec![7; actual]).raw(move |raw| {
            raw.central[0].uncompressed = announced;
            raw.local.uncompressed = announced;
        });
        let bytes = Parts::of(&[entry]).to_bytes();
        let limits = Limits::default();
        let apk = Apk::open(&bytes, &limits).unwrap();
        let record = *apk.directory().unwrap().find("a").unwrap();
        let mut len = 0;
        apk.read_entry(&record, &mut |piece| len += piece.len()).map(|()| len).is_ok()
    };
    for announced in [0_u32, 1, 511, 512, 65_023, 65_024, 65_025, 65_535, 65_536, 65_537, 131_072] {
        for difference in [-1, 0, 1, 511, 512, 513, 65_536] {
            let Some(actual) = announced.checked_add_signed(difference) else { continue };
            let whole = read(announced, usize::try_from(actual).unwrap());
            assert_eq!(whole, difference == 0, "{announced} announced, {actual} there");
        }
    }
}
