//! Lineage files: what one must hold to be believed.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use crate::builder::Key;
use crate::builder::Lineage;
use apkvouch::Limits;
use apkvouch::identity::Capability;
use apkvouch::scheme::LineageFileFault;
use apkvouch::verify_lineage_file;

fn keys() -> [Key; 3] {
    ["ec-p256", "rsa-2048", "ec-p384"].map(Key::named)
}

fn lineage() -> Lineage {
    let [first, second, third] = keys();
    Lineage::from(&first).to(&second).capabilities(8).to(&third)
}

fn fault(lineage: &Lineage) -> LineageFileFault {
    verify_lineage_file(&lineage.file(), &Limits::default()).unwrap_err()
}

#[test]
fn an_honest_one_gives_its_certificates_and_what_they_may_do() {
    let mut file = lineage().file();
    let verified = verify_lineage_file(&file, &Limits::default()).unwrap();
    let digests: Vec<String> =
        verified.nodes().iter().map(|node| node.certificate.digest().to_string()).collect();
    assert_eq!(digests, keys().map(|key| key.certificate_digest()));
    let names = |index: usize| -> Vec<&str> {
        verified.nodes()[index].capabilities().map(Capability::as_str).collect()
    };
    assert_eq!(names(0), ["installed-data", "shared-uid", "permission", "auth"]);
    assert_eq!(names(1), ["rollback"]);
    assert_eq!(verified.min_sdk(), 28);
    file.extend(b"behind it");
    assert_eq!(verify_lineage_file(&file, &Limits::default()), Ok(verified), "as apksig reads it");
}

#[test]
fn a_node_that_its_predecessor_has_not_signed_is_refused() {
    let [first, second, third] = keys();
    let changes: [Lineage; 4] = [
        lineage().after_signing(|nodes| nodes[2].signature[9] ^= 1),
        lineage().after_signing(|nodes| nodes[1].signed_data[40] ^= 1),
        lineage().after_signing(|nodes| nodes.swap(1, 2)),
        Lineage::from(&first).to(&second).to(&third).to(&second),
    ];
    for changed in &changes {
        assert!(matches!(fault(changed), LineageFileFault::DoesNotVerify(_)), "{:?}", fault(changed));
    }
    let flags = lineage().after_signing(|nodes| nodes[0].flags = 0);
    assert!(verify_lineage_file(&flags.file(), &Limits::default()).is_ok(), "nothing signs the capabilities");
}

#[test]
fn no_prefix_and_no_other_version_is_believed() {
    let file = lineage().file();
    for len in 0..file.len() {
        assert!(verify_lineage_file(&file[..len], &Limits::default()).is_err(), "{len} bytes");
    }
    assert!(matches!(fault(&lineage().version(2)), LineageFileFault::Malformed(_)));
    assert!(matches!(fault(&lineage().bytes(|bytes| bytes.truncate(4))), LineageFileFault::Malformed(_)));
    let mut limits = Limits::default();
    limits.lineage = 2;
    let fault = verify_lineage_file(&file, &limits).unwrap_err();
    assert_eq!(fault.to_string(), "the lineage is malformed: more than 2 certificates");
}
