//! Caps that Android does not have: a file that reaches one is never believed for what stands before it.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::NO_MAX_SDK;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::V1;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::FindingCode;
use apkvouch::limits::LIMITS;
use apkvouch::limits::Unit;

fn verify(apk: &Apk) -> Verification {
    verify_with(&apk.build(), &VerifyOptions::default())
}

fn verify_with(apk: &[u8], options: &VerifyOptions) -> Verification {
    apkvouch::verify(&apk, options).unwrap()
}

fn refused_for_a_limit(verification: &Verification) -> bool {
    !verification.is_verified()
        && verification.findings.iter().any(|finding| finding.code == FindingCode::LimitExceeded)
}

/// A v1 file with a stranger's v2 behind that many pairs that mean nothing: Android 7 and newer see the stranger.
fn behind(pairs: usize) -> Verification {
    let (victim, stranger) = (Key::named("ec-p256"), Key::named("ec-p256-3"));
    let dummies = move |block: &mut builder::SigningBlock| {
        let dummy = |_| Pair::new(0x0102_0304, Vec::new());
        block.pairs.splice(0..0, (0..pairs).map(dummy));
    };
    verify(&Apk::new().v1(V1::by(&victim)).v2(Signer::v2(&stranger)).signing_block(dummies))
}

#[test]
fn what_stands_behind_too_many_pairs_is_not_taken_for_absent() {
    assert!(refused_for_a_limit(&behind(65_536)));
    let stranger = Key::named("ec-p256-3").certificate_digest();
    let seen: Vec<String> = behind(65_535)
        .signer_certificates()
        .iter()
        .map(|certificate| certificate.digest().to_string())
        .collect();
    assert_eq!(seen, [stranger]);
}

/// As many v3 signers for one level each, and one for the rest.
fn v3_signers(count: u32) -> Verification {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let lineage = Lineage::from(&old).to(&new);
    let signer = |index: u32| {
        let first = if index == 0 { 24 } else { 27 + index };
        let last = if index == count - 1 { NO_MAX_SDK } else { 27 + index };
        Signer::v3(&new).lineage(&lineage).sdk(first, last)
    };
    let manifest = builder::Manifest::new("com.example.app").min_sdk(28);
    let apk = Apk::new().manifest(manifest);
    verify(&(0..count).fold(apk, |apk, index| apk.v3(signer(index))))
}

#[test]
fn a_v3_signer_beyond_the_limit_is_not_taken_for_absent() {
    let all = v3_signers(64);
    assert!(all.is_verified(), "{:?}", all.findings);
    assert!(refused_for_a_limit(&v3_signers(65)));
}

/// v3 without v2: Android 7 and 8 go by v1, which here is a stranger's and too much to look at.
#[test]
fn a_v1_signature_beyond_a_limit_is_not_taken_for_one_that_counts_for_nobody() {
    let (victim, stranger) = (Key::named("ec-p256"), Key::named("ec-p256-3"));
    let manifest = builder::Manifest::new("com.example.app").min_sdk(24);
    let v1 = V1::by(&stranger).schemes("");
    let apk = Apk::new().manifest(manifest).v1(v1).v3(Signer::v3(&victim)).build();
    let mut options = VerifyOptions::default();
    options.limits.content = 0;
    options.limits.content_ratio = 0;
    assert!(refused_for_a_limit(&verify_with(&apk, &options)));
}

/// One v3 signer with two signatures, whose lineage has two certificates.
fn judged_within(records: usize, lineage: usize) -> Verification {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let both = [builder::algorithm::ECDSA_SHA256, builder::algorithm::ECDSA_SHA512];
    let signer = Signer::v3(&new).algorithms(&both).lineage(&Lineage::from(&old).to(&new));
    let manifest = builder::Manifest::new("com.example.app").min_sdk(28);
    let mut options = VerifyOptions::default();
    (options.limits.records, options.limits.lineage) = (records, lineage);
    verify_with(&Apk::new().manifest(manifest).v3(signer).build(), &options)
}

#[test]
fn records_and_certificates_beyond_a_limit_are_not_taken_for_malformed_ones() {
    let within = judged_within(2, 2);
    assert!(within.is_verified(), "{:?}", within.findings);
    for (records, lineage) in [(1, 2), (2, 1)] {
        let beyond = judged_within(records, lineage);
        assert!(refused_for_a_limit(&beyond));
        let errors = beyond.findings.iter().filter(|finding| finding.is_error());
        assert_eq!(errors.count(), 1, "{:?}", beyond.findings);
    }
}

/// Exit status, standard output and standard error of the program with these arguments, on an APK with a v2 signature by one signer.
fn program(arguments: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let manifest = builder::Manifest::new("com.example.app").min_sdk(24);
    let apk = Apk::new().manifest(manifest).v2(Signer::v2(&Key::named("ec-p256")));
    fs::write(dir.path().join("a.apk"), apk.build()).unwrap();
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    let output = Command::new(program).current_dir(dir.path()).args(arguments.split(' ')).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_limit_is_lowered_and_raised_by_the_flag_that_its_finding_names() {
    for command in ["verify", "scan", "inspect", "gate --signed-by 00"] {
        let command = command.replace("00", &Key::named("ec-p256").certificate_digest());
        let (code, out, _) = program(&format!("{command} --limit android-manifest=100 a.apk"));
        assert_eq!(code, Some(1), "{command}: {out}");
        assert!(out.contains("limit-exceeded"), "{command}: {out}");
        if command != "scan" {
            assert!(out.contains("at most 100 bytes (--limit android-manifest=N)"), "{command}: {out}");
        }
        // The last value of each counts.
        let (code, out, _) =
            program(&format!("{command} --limit android-manifest=1 --limit android-manifest=1K a.apk"));
        assert!(!out.contains("limit-exceeded"), "{command}: {code:?} {out}");
    }
}

#[test]
fn what_is_no_limit_is_refused() {
    for (text, why) in [
        ("no-such=1", "there is no limit of that name: `apkvouch explain limit-exceeded` lists them"),
        ("records", "expected NAME=N, such as resource-table=256M"),
        ("records=", "expected a number"),
        ("records=-1", "expected a number"),
        ("records=+1", "expected a number"),
        ("records=1m", "expected a number"),
        ("records=20000000000G", "expected a number"),
        ("signers=11", "signers: expected at most 10, found 11: Android accepts no more"),
        ("rsa-bits=16385", "expected at most 16384"),
    ] {
        let (code, out, err) = program(&format!("verify --limit {text} a.apk"));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{text}");
        assert!(err.contains(why), "{text}: {err}");
    }
}

/// Neither what Android refuses nor what it accepts is told of it otherwise because of a limit.
#[test]
fn fewer_signers_than_android_accepts_are_a_limit_and_no_rule_of_android() {
    for case in ["v2/two-signers", "v1/two-signers"] {
        let bytes = fs::read(format!("testdata/{case}/app.apk")).unwrap();
        let mut options = VerifyOptions::default();
        assert!(verify_with(&bytes, &options).is_verified());
        options.limits.signers = 1;
        let judged = verify_with(&bytes, &options);
        assert!(refused_for_a_limit(&judged), "{case}: {:?}", judged.findings);
        assert!(judged.findings.iter().all(|finding| !finding.code.as_str().contains("too-many")), "{case}");
    }
    for case in ["v1/eleven-signers", "v2/eleven-signers"] {
        let bytes = fs::read(format!("testdata/{case}/app.apk")).unwrap();
        let mut options = VerifyOptions::default();
        options.limits.signers = 20;
        let judged = verify_with(&bytes, &options);
        assert!(!judged.is_verified(), "{case}");
        assert!(judged.findings.iter().any(|finding| finding.code.as_str().contains("too-many")), "{case}");
    }
}

/// What is just as large as its limit is within it.
#[test]
fn signature_block_files_may_fill_their_limit() {
    let apk = Apk::new().v1(V1::by(&Key::named("rsa-2048"))).build();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&apk)).unwrap();
    let block = archive.by_name("META-INF/CERT.RSA").unwrap();
    let size = block.size().max(block.compressed_size());
    let refused = |limit| {
        let mut options = VerifyOptions::default();
        options.limits.signature_block_file = limit;
        refused_for_a_limit(&verify_with(&apk, &options))
    };
    assert_eq!([size - 1, size, size + 1].map(refused), [true, false, false]);
}

/// A pair that no scheme has is looked at for signers up to the size to which one that has is read.
#[test]
fn a_large_pair_is_not_looked_at_for_signers() {
    let apk = Apk::new().v2(Signer::v2(&Key::named("ec-p256"))).after_signing(|parts| {
        let block = parts.signing_block.as_mut().unwrap();
        let mut signers = block.pair(builder::id::V2).value.clone();
        signers.resize(3000, 0);
        block.pairs.push(Pair::new(0x1234_5678, signers));
    });
    let apk = apk.build();
    let warned = |limit| {
        let mut options = VerifyOptions::default();
        options.limits.signing_block_pair = limit;
        let judged = verify_with(&apk, &options);
        assert!(judged.is_verified(), "{:?}", judged.findings);
        judged.findings.iter().any(|finding| finding.code == FindingCode::NewerSchemePresent)
    };
    assert_eq!([2999, 3000, 3001].map(warned), [false, true, true]);
}

/// Beyond Android's own number no option lets a signer in, so none is advised.
#[test]
fn an_option_is_advised_where_it_helps_alone() {
    let apk = (0..12).fold(Apk::new(), |apk, _| apk.v2(Signer::v2(&Key::named("ec-p256")))).build();
    let advice = |signers| {
        let mut options = VerifyOptions::default();
        options.limits.signers = signers;
        let judged = verify_with(&apk, &options);
        assert!(refused_for_a_limit(&judged), "{:?}", judged.findings);
        let advised = judged.findings.iter().filter_map(|finding| finding.expected.as_deref());
        advised.filter(|expected| expected.contains("--limit signers=N")).count()
    };
    assert_eq!((advice(10), advice(9)), (0, 1));
}

/// `docs/limits.md` between its marks.
fn table() -> String {
    let mut table = "| name | value | |\n|---|---|---|\n".to_owned();
    for limit in LIMITS {
        let value = limit.value(&apkvouch::Limits::default());
        let in_units = [(30, "G"), (20, "M"), (10, "K")].into_iter().find_map(|(power, letter)| {
            let whole = limit.unit == Unit::Bytes && value.trailing_zeros() >= power && value > 0;
            whole.then(|| format!("{}{letter} bytes", value >> power))
        });
        let unit = match limit.unit {
            Unit::Bytes => " bytes",
            Unit::Bits => " bits",
            _ => "",
        };
        let value = in_units.unwrap_or_else(|| format!("{value}{unit}"));
        writeln!(table, "| `{}` | {value} | {} |", limit.name, limit.about().replace('|', "\\|")).unwrap();
    }
    table
}

#[test]
fn the_page_lists_every_limit() {
    let path = "docs/limits.md";
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- limits -->\n").unwrap();
    let (found, after) = rest.split_once("<!-- end -->").unwrap();
    if std::env::var_os("APKVOUCH_BLESS").is_some() {
        fs::write(path, format!("{before}<!-- limits -->\n{}<!-- end -->{after}", table())).unwrap();
    } else {
        assert_eq!(found, table(), "APKVOUCH_BLESS=1 cargo test --test all limits:: writes it");
    }
    let (code, out, _) = program("explain limit-exceeded");
    assert_eq!(code, Some(0));
    for limit in LIMITS {
        assert!(out.lines().any(|line| line.starts_with(&format!("{} ", limit.name))), "{}", limit.name);
    }
}
