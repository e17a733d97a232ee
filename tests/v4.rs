//! v4 signature files as nobody signs them: cut, flipped, unreadable, and beside large APKs.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::io;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V4;
use apkvouch::Error;
use apkvouch::Idsig;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::Finding;
use apkvouch::finding::SchemeId;
use apkvouch::source::ByteSource;
use apkvouch::verify::Status;

fn key() -> Key {
    Key::named("ec-p256")
}

fn apk() -> Apk {
    let manifest = Manifest::new("com.example.app").min_sdk(28);
    Apk::new().manifest(manifest).v3(Signer::v3(&key()))
}

fn verify(apk: &dyn ByteSource, idsig: &dyn ByteSource) -> Verification {
    let idsig = Idsig::new(idsig, "app.apk.idsig");
    apkvouch::verify_with_idsig(apk, &idsig, &VerifyOptions::default()).unwrap()
}

fn is_verified(verification: &Verification) -> bool {
    let v4 = verification.scheme(SchemeId::V4).unwrap().is_verified();
    assert_eq!(v4, verification.status == Status::Verified, "v4 alone decides here");
    v4
}

/// The codes of all findings, and that each names the file.
fn codes(verification: &Verification) -> Vec<&'static str> {
    let named = |finding: &Finding| finding.location.file.as_deref() == Some("app.apk.idsig");
    assert!(verification.findings.iter().all(named), "{:?}", verification.findings);
    verification.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// Places in a file of that many bytes: all of the signature, some of the tree.
fn places(len: usize) -> impl Iterator<Item = usize> {
    let tree = len - 4096;
    (0..tree).chain((tree..len).step_by(61)).chain([len - 1])
}

#[test]
fn every_prefix_is_refused_but_the_one_without_a_tree() {
    let (file, idsig) = (apk().build(), V4::by(&key()).sign(&apk()));
    assert!(is_verified(&verify(&file, &idsig)));
    let without_tree = idsig.len() - 4096 - 4;
    for len in places(idsig.len()) {
        let prefix = idsig.get(..len).unwrap().to_vec();
        let verification = verify(&file, &prefix);
        assert_eq!(is_verified(&verification), len == without_tree, "{len} of {} bytes", idsig.len());
        let expected: &[&str] = match len {
            0 => &["v4-no-signatures"],
            len if len == without_tree => &[],
            len if len < without_tree => &["v4-malformed"],
            _ => &["v4-tree-truncated"],
        };
        assert_eq!(codes(&verification), expected, "{len} bytes");
    }
}

#[test]
fn every_bit_counts() {
    let (file, idsig) = (apk().build(), V4::by(&key()).sign(&apk()));
    for place in places(idsig.len()) {
        let mut flipped = idsig.clone();
        *flipped.get_mut(place).unwrap() ^= 1 << (place % 8);
        let verification = verify(&file, &flipped);
        assert!(!is_verified(&verification), "byte {place} of {} flipped", idsig.len());
        assert!(!codes(&verification).is_empty());
    }
}

#[test]
fn no_number_in_it_makes_us_stumble() {
    const UNKNOWN: u32 = 0x1234_5678;
    let file = apk().build();
    let without_tree = |v4: V4| v4.after_signing(|file| file.tree = None).sign(&apk());
    let (plain, further) = (without_tree(V4::by(&key())), without_tree(V4::by(&key()).and(UNKNOWN, &key())));
    for (idsig, all) in [(plain, true), (further, false)] {
        for place in 0..idsig.len() - 3 {
            for number in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff_u32] {
                let mut changed = idsig.clone();
                changed.get_mut(place..place + 4).unwrap().copy_from_slice(&number.to_le_bytes());
                // Of a further entry nobody asks which block it is for.
                let may_pass = changed == idsig || !all;
                assert!(!is_verified(&verify(&file, &changed)) || may_pass, "{number:#x} at {place}");
            }
        }
    }
}

#[test]
fn what_is_odd_and_does_no_harm_is_a_warning() {
    let file = apk().build();
    let warned = |v4: V4| {
        let verification = verify(&file, &v4.sign(&apk()));
        assert!(is_verified(&verification), "{:?}", verification.findings);
        codes(&verification)
    };
    assert_eq!(warned(V4::by(&key())), [""; 0]);
    assert_eq!(warned(V4::by(&key()).after_signing(|file| file.tail = vec![0])), ["v4-trailing-bytes"]);
    assert_eq!(
        warned(V4::by(&key()).after_signing(|file| file.hashing.tail = vec![0])),
        ["v4-trailing-bytes"]
    );
    assert_eq!(warned(V4::by(&key()).salt(&[7])), ["v4-salted"]);
    assert_eq!(warned(V4::by(&key()).and(0x1234_5678, &key())), ["v4-multiple-signers"]);
}

#[test]
fn a_tree_of_several_levels_is_compared_to_its_last_page() {
    let noise: Vec<u8> = (0..1_500_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let apk = apk().file("assets/noise", &noise);
    let (file, idsig) = (apk.build(), V4::by(&key()).sign(&apk));
    let (_, tree) = builder::v4::tree(&file, &[]);
    assert_eq!(tree.len(), 4 * 4096, "three pages of hashes, and one above them");
    assert!(is_verified(&verify(&file, &idsig)));
    let start = idsig.len() - tree.len();
    for (place, told) in
        [(0, 0), (31, 31), (4096, 4096), (8192 + 7, 8192 + 7), (tree.len() - 1, tree.len() - 1)]
    {
        let mut flipped = idsig.clone();
        *flipped.get_mut(start + place).unwrap() ^= 0x80;
        let verification = verify(&file, &flipped);
        assert_eq!(codes(&verification), ["v4-tree-mismatch"]);
        let detail = &verification.findings.first().unwrap().detail;
        assert_eq!(*detail, format!("it differs from byte {told} of {} on", tree.len()));
    }
}

/// Bytes that can be read up to a point, and change at the end.
struct Failing {
    bytes: Vec<u8>,
    readable: usize,
    /// What reading beyond that point says: nothing but the end of the file, where there is no more of it.
    shorter: bool,
    changed: bool,
}

impl ByteSource for Failing {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let end = usize::try_from(offset).unwrap() + buf.len();
        if end > self.readable {
            let end = io::ErrorKind::UnexpectedEof.into();
            return Err(if self.shorter { end } else { io::Error::other("bad sector") });
        }
        self.bytes.read_exact_at(buf, offset)
    }

    fn check_unchanged(&self) -> Result<(), String> {
        if self.changed { Err("it grew".to_owned()) } else { Ok(()) }
    }
}

#[test]
fn one_that_cannot_be_read_is_an_error_that_names_it() {
    let apk = apk().file("assets/large", &vec![0x5a; 700_000]);
    let (file, bytes) = (apk.build(), V4::by(&key()).sign(&apk));
    let len = bytes.len();
    assert!(len < 64 << 10, "the start is read in one go");
    for (readable, shorter, changed, message) in [
        (0, false, false, "app.apk.idsig: cannot read: bad sector"),
        (len - 1, false, false, "app.apk.idsig: cannot read: bad sector"),
        (len - 1, true, false, "app.apk.idsig: the file changed while it was read: it became shorter"),
        (len, false, true, "app.apk.idsig: the file changed while it was read: it grew"),
    ] {
        let source = Failing { bytes: bytes.clone(), readable, shorter, changed };
        let idsig = Idsig::new(&source, "app.apk.idsig");
        let error = apkvouch::verify_with_idsig(&file, &idsig, &VerifyOptions::default()).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        assert_eq!((error.to_string().as_str(), error.exit_code()), (message, 3));
    }
}

#[test]
fn a_signature_larger_than_is_read_is_a_limit() {
    let padded = V4::by(&key()).before_signing(|(_, info)| info.additional_data = vec![0; 64 << 10]);
    let verification = verify(&apk().build(), &padded.sign(&apk()));
    assert_eq!(codes(&verification), ["limit-exceeded"]);
    assert_eq!(verification.status, Status::Rejected);
}
