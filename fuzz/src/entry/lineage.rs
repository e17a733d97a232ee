//! A lineage: as a file, and as the attribute of a signer.

use apkvouch::Limits;
use apkvouch::format::Cursor;
use apkvouch::format::lineage;

pub fn run(bytes: &[u8]) {
    let limits = Limits::default();
    if let Ok(lineage) = apkvouch::verify_lineage_file(bytes, &limits) {
        assert!((1..=limits.lineage).contains(&lineage.nodes().len()));
    }
    read(Cursor::new("lineage", bytes));
    if let Ok(value) = lineage::parse_file(bytes) {
        read(value);
    }
    // As it is without the head of a file, so that the fuzzer needs no length for it.
    let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let file = [&lineage::FILE_MAGIC.to_le_bytes()[..], &1_u32.to_le_bytes(), &len, bytes].concat();
    let _ = apkvouch::verify_lineage_file(&file, &limits);
}

fn read(value: Cursor<'_>) {
    let Ok(Ok(mut list)) = lineage::nodes(value) else { return };
    while !list.is_empty() {
        let before = list.remaining();
        let Ok(node) = lineage::next_node(&mut list) else { return };
        assert!(list.remaining() < before && node.certificate.len() < before);
    }
}
