//! What files carry beside Android's signatures: the committed cases `testdata/marks/<case>/`, each over every kind of
//! source, with what `marks.toml` expects of each mark; profiles that are refused; hostile bytes.
//!
//! `marks.toml` names the codes of all findings that are no errors, of verification and of the marks together, so that
//! each case also shows what it does not find. A `profile.toml` beside it is used.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case that cannot be read is to stop the test"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::finding::Severity;
use apkvouch::format::x509;
use apkvouch::marks::Mark;
use apkvouch::marks::MarkOptions;
use apkvouch::marks::MarkState;
use apkvouch::marks::Marks;
use apkvouch::marks::Place;
use apkvouch::marks::Profiles;
use apkvouch::marks::read;
use apkvouch::report::marks::text;
use apkvouch::report::model::MarkRow;
use apkvouch::source::ByteSource;
use apkvouch::source::FileSource;
use serde::Deserialize;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Signer;
use crate::builder::marks::code_transparency;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    frosting_key: Option<String>,
    findings: BTreeSet<String>,
    #[serde(default)]
    mark: Vec<ExpectedMark>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedMark {
    kind: String,
    state: String,
    place: String,
    covers: Option<String>,
    looks_like: Option<String>,
    #[serde(default)]
    fields: Vec<(String, String)>,
    #[serde(default)]
    certificates: Vec<String>,
}

struct Case {
    path: PathBuf,
    name: String,
    expected: Expected,
    options: MarkOptions,
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(testdata().join("marks")).unwrap().map(|case| case.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let expected = fs::read_to_string(path.join("marks.toml")).unwrap();
            let expected: Expected =
                toml::from_str(&expected).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut options = MarkOptions::default();
            if let Some(key) = &expected.frosting_key {
                let certificate = fs::read(testdata().join("keys").join(format!("{key}.x509.der"))).unwrap();
                let certificate = x509::Certificate::parse(&certificate, &Limits::default()).unwrap();
                options.frosting_keys = vec![certificate.public_key_info.to_vec()];
            }
            let profile = path.join("profile.toml");
            if profile.is_file() {
                options.profiles = Profiles::load(profile).unwrap();
            }
            Case { path, name, expected, options }
        })
        .collect()
}

fn place(mark: &Mark) -> String {
    match &mark.place {
        Place::SigningBlock { id, .. } => id.to_string(),
        Place::Entry { name } => name.clone(),
        _ => "comment".to_owned(),
    }
}

/// What of the expectation does not hold.
fn differences(expected: &Expected, source: &dyn ByteSource, marks: &Marks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differs = |what: &str, expected: String, actual: String| {
        if expected != actual {
            wrong.push(format!("{what}: expected {expected}, got {actual}"));
        }
    };
    let verification = apkvouch::verify(source, &VerifyOptions::default()).unwrap();
    // What is odd about the archive is held against the cases in tests/cases.rs.
    let findings: BTreeSet<String> = verification
        .findings
        .iter()
        .chain(marks.all_findings())
        .filter(|finding| finding.severity != Severity::Error)
        .map(|finding| finding.code.as_str().to_owned())
        .filter(|code| !code.starts_with("zip"))
        .collect();
    differs("findings", format!("{:?}", expected.findings), format!("{findings:?}"));
    let errors = marks.all_findings().filter(|finding| finding.is_error()).count();
    differs("errors of marks", "0".to_owned(), errors.to_string());
    let kinds: Vec<String> =
        expected.mark.iter().map(|mark| format!("{} {}", mark.kind, mark.place)).collect();
    let found: Vec<String> =
        marks.marks.iter().map(|mark| format!("{} {}", mark.kind, place(mark))).collect();
    differs("marks", format!("{kinds:?}"), format!("{found:?}"));
    for (expected, mark) in expected.mark.iter().zip(&marks.marks) {
        differs("state", expected.state.clone(), format!("{}", mark.state));
        let covers = mark.covers.map(|covers| covers.as_str().to_owned());
        differs("covers", format!("{:?}", expected.covers), format!("{covers:?}"));
        let looks_like = mark.looks_like.map(|shape| shape.as_str().to_owned());
        differs("looks like", format!("{:?}", expected.looks_like), format!("{looks_like:?}"));
        let certificates: Vec<String> =
            mark.certificates.iter().map(|certificate| certificate.digest().to_string()).collect();
        differs("certificates", format!("{:?}", expected.certificates), format!("{certificates:?}"));
        for (name, value) in &expected.fields {
            let said = mark.fields.iter().any(|field| field.name == *name && field.value == *value);
            if !said {
                differs("fields", format!("{name:?} {value:?}"), format!("{:?}", mark.fields));
            }
        }
    }
    wrong
}

#[test]
fn every_case_gives_its_marks_over_every_source() {
    let mut wrong = String::new();
    let cases = cases();
    for case in &cases {
        let apk = case.path.join("app.apk");
        let bytes = fs::read(&apk).unwrap();
        let file = FileSource::open(&apk).unwrap();
        let from_file = read(&file, &case.options).unwrap();
        let from_bytes = read(&bytes, &case.options).unwrap();
        assert_eq!(from_file.marks, from_bytes.marks, "{}", case.name);
        for line in differences(&case.expected, &file, &from_file) {
            writeln!(wrong, "{}: {line}", case.name).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() > 80, "only {} cases found", cases.len());
}

#[test]
fn a_mark_has_certificates_when_it_is_verified_and_else_none() {
    for case in cases() {
        for mark in read(&fs::read(case.path.join("app.apk")).unwrap(), &case.options).unwrap().marks {
            assert_eq!(mark.covers.is_some(), mark.state == MarkState::Verified, "{}", case.name);
            assert!(mark.certificates.is_empty() || mark.state == MarkState::Verified, "{}", case.name);
            assert!(mark.state != MarkState::Broken || !mark.findings.is_empty() || mark.reason.is_some());
        }
    }
}

#[test]
fn text_is_escaped_and_says_each_state() {
    let mut all = String::new();
    for case in cases() {
        let marks = read(&fs::read(case.path.join("app.apk")).unwrap(), &case.options).unwrap();
        let rows: Vec<MarkRow> = marks.marks.iter().map(MarkRow::new).collect();
        let shown = text(&rows);
        for line in shown.lines() {
            let hidden = line.chars().find(|c| apkvouch::report::escape::is_hidden(*c));
            assert_eq!(hidden, None, "{}: {line:?}", case.name);
        }
        writeln!(all, "# {}\n{shown}", case.name).unwrap();
    }
    for word in ["  claims ", "  carries ", "  verified ", "  BROKEN "] {
        assert!(all.contains(word), "{word}");
    }
    let hostile = all.split("# walle-hostile\n").nth(1).unwrap().lines().nth(1).unwrap();
    assert_eq!(hostile, "              channel   \\x1b[2J\\u{202e}x\\n  verified");
}

/// Text and JSON of one mark of each state.
#[test]
fn reports_look_like_this() {
    let mut shown = String::new();
    for name in
        ["walle-channel", "transparency", "transparency-dex-changed", "frosting", "profile-cms-detached"]
    {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let marks = read(&fs::read(case.path.join("app.apk")).unwrap(), &case.options).unwrap();
        let rows: Vec<MarkRow> = marks.marks.iter().map(MarkRow::new).collect();
        let json = serde_json::to_string_pretty(&rows).unwrap();
        writeln!(shown, "# {name}\n{}{json}\n", text(&rows)).unwrap();
    }
    insta::assert_snapshot!("marks", shown);
}

/// Each `<name>.toml` is refused with the line in `<name>.expected`, without the folder.
#[test]
fn profiles_that_cannot_be_right_are_refused_with_one_line() {
    let folder = testdata().join("profiles");
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut wrong = String::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        let found = match Profiles::load(&path) {
            Ok(_) => "no error".to_owned(),
            Err(error) => {
                assert_eq!(error.exit_code(), 2);
                error.to_string().replace(&format!("{}/", folder.display()), "")
            }
        };
        assert!(!found.contains('\n'), "{found}");
        if bless {
            fs::write(path.with_extension("expected"), format!("{found}\n")).unwrap();
        }
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap();
        if found != expected.trim_end() {
            writeln!(wrong, "{}\n  expected {expected}  found    {found}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen > 10, "only {seen} cases were found");
}

#[test]
fn a_profile_file_that_is_not_there_is_a_fault_of_configuration() {
    let error = Profiles::load("testdata/profiles/none").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(
        error.to_string(),
        "testdata/profiles/none: cannot read the profiles: no such file or directory"
    );
}

/// Too large to be committed: a block larger than 1 MiB, and its nearest neighbour.
#[test]
fn a_large_block_is_noticed() {
    let key = Key::named("ec-p256");
    let with =
        |len: usize| Apk::new().v2(Signer::v2(&key)).pair(builder::id::VASDOLLY, &vec![b'x'; len]).build();
    let block_without = {
        let bytes = with(0);
        let marks = read(&bytes, &MarkOptions::default()).unwrap();
        let Place::SigningBlock { offset, .. } = marks.marks[0].place else { panic!("no pair") };
        // What stands in front of the value, up to the start of the block: its size and the v2 pair. And the footer.
        let start = bytes[..usize::try_from(offset).unwrap()].to_vec();
        let v2 = start.windows(4).position(|window| window == builder::id::V2.to_le_bytes()).unwrap();
        start.len() - (v2 - 16) + 24
    };
    let codes = |len| {
        let verification = apkvouch::verify(&with(len), &VerifyOptions::default()).unwrap();
        assert!(verification.is_verified());
        verification.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(codes((1 << 20) - block_without), Vec::<&str>::new());
    assert_eq!(codes((1 << 20) - block_without + 1), ["signing-block-large"]);
    let marks = read(&with(1 << 20), &MarkOptions::default()).unwrap();
    assert_eq!(marks.marks[0].state, MarkState::Broken, "a channel is not that long");
    assert!(marks.marks[0].fields.is_empty());
}

#[test]
fn limits_hold() {
    let key = Key::named("ec-p256");
    let mut apk = Apk::new().v2(Signer::v2(&key));
    for number in 0..5 {
        apk = apk.pair(0x1234_0000 + number, b"x");
    }
    let bytes = apk.file("META-INF/x", b"y").build();
    let mut options = MarkOptions::default();
    options.limits.marks = 3;
    let marks = read(&bytes, &options).unwrap();
    assert_eq!((marks.marks.len(), marks.left_out), (3, 3));

    let rsa = Key::named("rsa-2048");
    let token = code_transparency(&rsa, "{}");
    let bytes = Apk::new().file("META-INF/code_transparency_signed.jwt", token.as_bytes()).build();
    let mut options = MarkOptions::default();
    options.limits.mark = token.len() as u64 - 1;
    let mark = &read(&bytes, &options).unwrap().marks[0];
    assert_eq!(mark.state, MarkState::Present);
    let mut options = MarkOptions::default();
    options.limits.code_files = 10;
    let mark = &read(&bytes, &options).unwrap().marks[0];
    assert_eq!(mark.state, MarkState::Present);
    assert!(mark.reason.as_ref().unwrap().contains("are more than 10"), "{:?}", mark.reason);
}

/// However many marks there are, so many bytes of them are read whole, and so many starts are looked at.
#[test]
fn many_marks_are_not_read_without_end() {
    let rsa = Key::named("rsa-2048");
    let token = builder::marks::jws(&builder::marks::jws_header("RS256", &rsa), b"{}", |signed| {
        rsa.sign(builder::Hash::Sha256, signed)
    });
    let mut apk = Apk::new();
    for number in 0..6 {
        apk = apk.file(&format!("META-INF/{number}.taf"), token.as_bytes());
    }
    let mut options = MarkOptions::default();
    options.limits.mark = token.len() as u64;
    let profile = "schema = 1\n[[mark]]\nname = \"x\"\ndecoder = \"jws\"\nentry = \"META-INF/*.taf\"\n";
    options.profiles = Profiles::parse(profile, "p.toml").unwrap();
    let states: Vec<MarkState> =
        read(&apk.build(), &options).unwrap().marks.iter().map(|mark| mark.state).collect();
    assert_eq!(states, [[MarkState::Verified; 4].as_slice(), &[MarkState::Present; 2]].concat());

    let mut apk = Apk::new();
    for number in 0..4100 {
        apk = apk.file(&format!("META-INF/services/{number}"), b"x");
    }
    let marks = read(&apk.build(), &MarkOptions::default()).unwrap();
    assert_eq!((marks.marks.len(), marks.left_out), (0, 4));
}

/// Each signature costs: no file makes us check more than a hundred.
#[test]
fn signatures_are_not_checked_without_end() {
    let rsa = Key::named("rsa-2048");
    let cms = builder::V1Signer::new(&rsa)
        .pkcs7(|pkcs7| {
            pkcs7.content = Some(b"x".to_vec());
            pkcs7.signer_infos = vec![pkcs7.signer_infos[0].clone(); 60];
        })
        .write_block(b"x");
    let mut apk = Apk::new().v2(Signer::v2(&rsa));
    for number in 0..3 {
        apk = apk.file(&format!("META-INF/{number}.taf"), &cms);
    }
    let mut options = MarkOptions::default();
    let profile = "schema = 1\n[[mark]]\nname = \"x\"\ndecoder = \"cms\"\nentry = \"META-INF/*.taf\"\n";
    options.profiles = Profiles::parse(profile, "p.toml").unwrap();
    let marks = read(&apk.build(), &options).unwrap().marks;
    let states: Vec<MarkState> = marks.iter().map(|mark| mark.state).collect();
    assert_eq!(states, [MarkState::Verified, MarkState::Present, MarkState::Present]);
}

#[test]
fn what_is_no_apk_is_a_finding() {
    let marks = read(&b"not a zip".as_slice(), &MarkOptions::default()).unwrap();
    assert!(marks.marks.is_empty());
    assert_eq!(marks.findings[0].code.as_str(), "zip-no-eocd");
}

/// The pairs of a signing block: where each value lies.
fn values(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let Some(magic) = bytes.windows(16).rposition(|window| window == b"APK Sig Block 42") else {
        return Vec::new();
    };
    let number =
        |at: usize| usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap();
    let mut at = magic + 16 - number(magic - 8);
    let mut values = Vec::new();
    while at < magic - 8 {
        let len = number(at);
        values.push(at + 12..at + 8 + len);
        at += 8 + len;
    }
    values
}

/// Flips bits of everything that is read as a mark, and cuts each pair short at every byte.
#[test]
fn no_flipped_byte_and_no_prefix_of_a_mark_panics_or_forges() {
    for case in cases() {
        let bytes = fs::read(case.path.join("app.apk")).unwrap();
        let keys = |mark: &Mark| -> Vec<[u8; 32]> {
            mark.certificates.iter().map(|certificate| certificate.key().spki_sha256).collect()
        };
        let honest = read(&bytes, &case.options).unwrap().marks;
        let honest: Vec<_> =
            honest.iter().filter(|mark| mark.state == MarkState::Verified).map(keys).collect();
        let comment = bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap() + 22;
        let places: Vec<usize> =
            values(&bytes).into_iter().flatten().step_by(5).chain(comment..bytes.len()).collect();
        for at in places {
            for bit in [0x01, 0x80] {
                let mut flipped = bytes.clone();
                flipped[at] ^= bit;
                let marks = read(&flipped, &case.options).unwrap();
                // Nothing becomes somebody's by a flipped bit. A certificate in CMS is not signed, its key is.
                let verified = marks.marks.iter().filter(|mark| mark.state == MarkState::Verified);
                for mark in verified {
                    assert!(honest.iter().any(|other| *other == keys(mark)), "{}: at {at:#x}", case.name);
                }
            }
        }
        for value in values(&bytes) {
            for len in (0..value.len()).step_by(1 + value.len() / 100) {
                let cut = with_shorter_value(&bytes, &value, len);
                read(&cut, &case.options).unwrap();
            }
        }
    }
}

/// The file with `value` cut to `len` bytes, and the sizes around it put right.
fn with_shorter_value(bytes: &[u8], value: &std::ops::Range<usize>, len: usize) -> Vec<u8> {
    let removed = value.len() - len;
    let mut out = bytes.to_vec();
    let magic = out.windows(16).rposition(|window| window == b"APK Sig Block 42").unwrap();
    let number = |out: &[u8], at: usize| u64::from_le_bytes(out[at..at + 8].try_into().unwrap());
    let size = number(&out, magic - 8);
    let start = magic + 16 - usize::try_from(size).unwrap() - 8;
    let shorter = |out: &mut Vec<u8>, at: usize| {
        let new = number(out, at) - removed as u64;
        out[at..at + 8].copy_from_slice(&new.to_le_bytes());
    };
    shorter(&mut out, start);
    shorter(&mut out, magic - 8);
    shorter(&mut out, value.start - 12);
    let eocd = out.windows(4).rposition(|window| window == [0x50, 0x4b, 5, 6]).unwrap();
    let directory =
        u32::from_le_bytes(out[eocd + 16..eocd + 20].try_into().unwrap()) - u32::try_from(removed).unwrap();
    out[eocd + 16..eocd + 20].copy_from_slice(&directory.to_le_bytes());
    out.drain(value.start + len..value.end);
    out
}

/// The file of code transparency cut short at many places, and with flipped bits: never verified.
#[test]
fn no_prefix_and_no_flipped_byte_of_a_code_transparency_file_verifies() {
    let rsa = Key::named("rsa-2048");
    let digest = builder::hash::hex(&builder::Hash::Sha256.digest(b"dex\n035\0not really code"));
    let payload = format!(
        r#"{{"codeRelatedFile":[{{"path":"base/dex/classes.dex","type":"DEX","sha256":"{digest}"}}],"version":1}}"#
    );
    let token = code_transparency(&rsa, &payload).into_bytes();
    let state = |token: &[u8]| {
        let bytes = Apk::new().file("META-INF/code_transparency_signed.jwt", token).build();
        read(&bytes, &MarkOptions::default()).unwrap().marks[0].state
    };
    assert_eq!(state(&token), MarkState::Verified);
    for len in (0..token.len()).step_by(7) {
        assert_ne!(state(&token[..len]), MarkState::Verified, "cut at {len}");
    }
    for at in (0..token.len()).step_by(5) {
        for bit in [0x01, 0x10] {
            let mut flipped = token.clone();
            flipped[at] ^= bit;
            assert_ne!(state(&flipped), MarkState::Verified, "bit {bit:#x} at {at}");
        }
    }
}
