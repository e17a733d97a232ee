//! A whole archive: its sections, where everything lies, and the content of each entry.

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::limits::Cap;

/// So many bytes of one entry are inflated at most.
const CONTENT: u64 = 64 << 10;

pub fn run(bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(apk) = Apk::open(&bytes, &limits) else { return };
    let len = bytes.len() as u64;
    let sections = apk.sections();
    assert!(sections.cd_offset + sections.cd_size <= sections.eocd_offset && sections.eocd_offset < len);
    if let Some(block) = apk.signing_block().unwrap() {
        assert!(block.offset + block.size == sections.cd_offset);
        for pair in &block.pairs {
            assert!(block.value_offset(*pair) + pair.len <= sections.cd_offset);
        }
    }
    let Ok(directory) = apk.directory() else { return };
    let layout = apk.layout().unwrap();
    assert_eq!(layout.entries.len(), directory.records().len() + directory.folders().len());
    assert!(layout.gaps.iter().all(|gap| gap.range.start < gap.range.end && gap.range.end <= len));
    for overlap in &layout.overlaps {
        assert!(overlap.bytes > 0 && overlap.entry < layout.entries.len());
    }
    for record in directory.records().iter().take(16) {
        assert!(!directory.name(record).ends_with(b"/"));
        let located = apk.locate_entry(record);
        let announced = u64::from(record.uncompressed_size);
        let start = apk.entry_start(record, 16);
        match apk.entry_to_vec(record, "an entry", Cap::fixed(CONTENT)) {
            Ok(content) => {
                let data = located.unwrap();
                assert!(data.offset + data.size <= len);
                assert_eq!(content.len() as u64, announced);
                // Deflate makes no more of a byte.
                assert!(announced <= (data.size + 1) * 1032);
                assert!(content.starts_with(&start.unwrap()));
            }
            Err(_) => {
                assert!(located.is_err() || located.is_ok_and(|data| data.deflated) || announced > CONTENT);
            }
        }
    }
}
