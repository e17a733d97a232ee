//! Small files that ask for much of whoever judges them.
//!
//! Where a count can tell linear work from more, the unit tests count. Here files are judged as users do it: those of
//! `testdata/bombs/`, and those that are too large to be committed, under caps on processor time and memory.

#![expect(clippy::unwrap_used, reason = "a bomb that cannot be built is to stop the test")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::source::ByteSource;

fn min_sdk(level: u32) -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(level))
}

fn verify(apk: &Apk) -> Verification {
    apkvouch::verify(&apk.build(), &VerifyOptions::default()).unwrap()
}

/// The codes of all errors, each once.
fn errors(verification: &Verification) -> Vec<&'static str> {
    let errors = verification.findings.iter().filter(|finding| finding.is_error());
    let mut codes: Vec<&str> = errors.map(|finding| finding.code.as_str()).collect();
    codes.dedup();
    codes
}

/// v3 signers, each with a lineage of 200 certificates whose keys make each signature count for three.
fn lineages(signers: u32) -> Apk {
    let key = Key::named("ec-p384");
    let node = |number: u32| {
        let name = format!("key {number}");
        key.clone().with_certificate(Certificate::new(&[("CN", &name)]).self_signed(&key))
    };
    let nodes: Vec<Key> = (0..200).map(node).collect();
    let (first, later) = nodes.split_first().unwrap();
    let lineage = later.iter().fold(Lineage::from(first), Lineage::to);
    let lineage = lineage.encode();
    let signer = |index: u32| {
        let last = if index == signers - 1 { NO_MAX_SDK } else { 28 + index };
        Signer::v3(nodes.last().unwrap())
            .attribute(builder::attribute::PROOF_OF_ROTATION, &lineage)
            .sdk(28 + index, last)
    };
    (0..signers).fold(min_sdk(28), |apk, index| apk.v3(signer(index)))
}

/// A block with many certificates whose names are long and alike, and many signers that name the last of them.
fn names() -> Apk {
    let key = Key::named("ec-p256");
    let certificate = |number: u32| {
        let name = format!("{}{number:03}", "A".repeat(7_000));
        Certificate::new(&[("CN", &name)]).self_signed(&key)
    };
    let signer = V1Signer::new(&key.clone().with_certificate(certificate(0)));
    let signer = (1..200).fold(signer, |signer, number| signer.certificate(certificate(number)));
    let signer = signer.pkcs7(|pkcs7| {
        pkcs7.certificates.as_mut().unwrap().rotate_left(1);
        let info = pkcs7.signer_infos.first_mut().unwrap();
        *info.signature.last_mut().unwrap() ^= 1;
        pkcs7.signer_infos = vec![info.clone(); 64];
    });
    min_sdk(24).v1(V1::default().signer(signer)).entries(|entries| {
        for entry in entries.iter_mut().filter(|entry| entry.data.len() > 1000) {
            *entry = entry.clone().deflated_far(&[1]);
        }
    })
}

/// A signing block with many pairs, no two of one id.
fn pairs() -> Apk {
    min_sdk(24).v2(Signer::v2(&Key::named("ec-p256"))).signing_block(|block| {
        block.pairs.extend((0..65_000).map(|number| Pair::new(0x0102_0000 + number, Vec::new())));
    })
}

/// As many entries as an archive can have without ZIP64, all with the same content.
fn entries() -> Apk {
    let apk = min_sdk(21).v1(V1::by(&Key::named("ec-p256"))).v2(Signer::v2(&Key::named("ec-p256")));
    apk.entries(|entries| {
        entries
            .extend((entries.len()..0xfffe).map(|number| Entry::stored(&format!("META-INF/{number}"), b"")));
    })
}

#[test]
fn signatures_are_checked_up_to_a_budget_for_the_whole_file() {
    let one = verify(&lineages(1));
    assert_eq!((one.is_verified(), errors(&one)), (true, vec![]), "600 of 1000");
    let two = verify(&lineages(2));
    assert_eq!((two.is_verified(), errors(&two)), (false, vec!["limit-exceeded"]));
    assert!(two.signer_certificates().is_empty());
}

#[test]
fn entries_count_as_often_as_they_are_read() {
    let apk =
        min_sdk(21).v1(V1::by(&Key::named("ec-p256"))).entry(Entry::deflated("zeros", &vec![0; 50_000]));
    let bytes = apk.build();
    let verify = |content, ratio| {
        let mut options = VerifyOptions::default();
        options.limits.content = content;
        options.limits.content_ratio = ratio;
        apkvouch::verify(&bytes, &options).unwrap()
    };
    assert!(verify(60_000, 0).is_verified());
    assert!(verify(0, 60_000).is_verified());
    let refused = verify(40_000, 0);
    assert_eq!((refused.is_verified(), errors(&refused)), (false, vec!["limit-exceeded"]));
}

#[test]
fn of_entries_that_cannot_be_read_the_first_is_told() {
    let zeros = vec![0; 300_000];
    let apk = (0..20)
        .fold(min_sdk(21), |apk, number| apk.entry(Entry::stored(&format!("assets/{number:02}"), &zeros)));
    let apk = apk.v1(V1::by(&Key::named("ec-p256"))).entries(|entries| {
        for entry in
            entries.iter_mut().filter(|entry| ["assets/03", "assets/09", "assets/15"].contains(&&*entry.name))
        {
            *entry = entry.clone().raw(|raw| {
                raw.local.method = 8;
                raw.central.iter_mut().for_each(|central| central.method = 8);
            });
        }
    });
    let bytes = apk.build();
    for _ in 0..10 {
        let verification = apkvouch::verify(&bytes, &VerifyOptions::default()).unwrap();
        let told = verification.findings.iter().filter(|finding| finding.is_error());
        let entries: Vec<_> = told.map(|finding| finding.location.entry.as_deref().unwrap()).collect();
        assert_eq!(entries, ["assets/03"]);
    }
}

/// Counts what is read of it.
struct Counted {
    bytes: Vec<u8>,
    read: AtomicU64,
}

impl ByteSource for Counted {
    fn len(&self) -> u64 {
        ByteSource::len(&self.bytes)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_exact_at(buf, offset)
    }
}

#[test]
fn a_signature_file_is_read_no_oftener_for_many_signatures() {
    let read = |signatures: usize| {
        let signer = V1Signer::new(&Key::named("ec-p256"))
            .signature_file(|text| text.push_str(&"\r\n".repeat(200_000)))
            .pkcs7(move |pkcs7| {
                pkcs7.signer_infos = vec![pkcs7.signer_infos.first().unwrap().clone(); signatures];
            });
        let apk = min_sdk(24).v1(V1::default().signer(signer));
        let source = Counted { bytes: apk.build(), read: AtomicU64::new(0) };
        let verification = apkvouch::verify(&source, &VerifyOptions::default()).unwrap();
        assert!(verification.is_verified(), "{:?}", verification.findings);
        source.read.into_inner()
    };
    let (one, many) = (read(1), read(64));
    assert!(many < one + 20_000, "{one} and {many}: more than the signatures themselves");
}

/// Everything under caps, as the program judges it. A cap that is reached kills the program.
#[cfg(unix)]
#[test]
fn every_bomb_is_judged_in_little_time_and_memory() {
    // Seconds of processor time. A debug build takes ten times as long.
    let seconds = if cfg!(debug_assertions) { 20 } else { 2 };
    // KiB of address space: 64 MB, and room for the program itself and the stacks of its threads.
    let space = 64_000_000 / 1024 + 24 * 1024;
    let directory = tempfile::tempdir().unwrap();
    let built = [
        ("lineages", lineages(20), "limit-exceeded"),
        ("names", names(), "v1-signature-mismatch"),
        ("pairs", pairs(), ""),
        ("entries", entries(), "v1-unprotected-entry"),
    ];
    let mut bombs: Vec<(PathBuf, String)> = committed();
    for (name, apk, code) in built {
        let path = directory.path().join(name);
        fs::write(&path, apk.build()).unwrap();
        bombs.push((path, code.to_owned()));
    }
    for (path, code) in bombs {
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -t \"$1\" -v \"$2\"; exec \"$3\" verify \"$4\"", "sh"])
            .args([seconds.to_string(), space.to_string()])
            .args([assert_cmd::cargo::cargo_bin!("apkvouch"), path.as_path()])
            .envs([("RAYON_NUM_THREADS", "2"), ("MALLOC_ARENA_MAX", "1")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let status = output.status.code();
        assert!(matches!(status, Some(0 | 1)), "{}: {}: {said}", path.display(), output.status);
        assert!(said.contains(&code), "{}: no {code}: {said}", path.display());
        assert_eq!(
            said.contains("limit-exceeded"),
            said.contains(" (--limit "),
            "{}: {said}",
            path.display()
        );
        assert!(said.len() < 1_000_000, "{}: {} bytes of answer", path.display(), said.len());
    }
}

/// The committed bombs, each with a code of its findings, or nothing where it has none.
fn committed() -> Vec<(PathBuf, String)> {
    let layer = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/bombs");
    let mut bombs = Vec::new();
    for case in fs::read_dir(layer).unwrap() {
        let case = case.unwrap().path();
        let text = fs::read_to_string(case.join("case.toml")).unwrap();
        let expected: toml::Table = text.parse().unwrap();
        let runs = expected.get("run").and_then(toml::Value::as_array).unwrap();
        let codes = runs.first().and_then(|run| run.get("codes")).and_then(toml::Value::as_array).unwrap();
        let code = codes.first().and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        bombs.push((case.join("app.apk"), code));
    }
    assert!(bombs.len() >= 10);
    bombs
}
