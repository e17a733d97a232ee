//! The recipes of the committed test APKs, `testdata/<layer>/<case>/`.
//!
//! Checks that the committed bytes are what the recipes give. `APKVOUCH_BLESS=1 cargo test --test make_testdata` writes
//! them instead. A new case is a recipe here; its name says the fault, and its nearest honest neighbour stands beside it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a recipe that does not fit its APK is to stop the test"
)]

mod builder;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use builder::Apk;
use builder::Certificate;
use builder::Entry;
use builder::Hash;
use builder::Key;
use builder::Lineage;
use builder::Manifest;
use builder::NO_MAX_SDK;
use builder::Signer;
use builder::V1;
use builder::V1Signer;
use builder::algorithm;
use builder::attribute;
use builder::der;
use builder::id;
use builder::manifest::Encoding;
use builder::signer::prefixed;

const ORIGIN: &str = "origin = \"made by tests/make_testdata.rs\"";

/// A test APK and what Android makes of it.
struct Case {
    /// `<layer>/<name>`
    path: &'static str,
    /// What was done, and what Android does.
    description: &'static str,
    apk: Apk,
    runs: Vec<Run>,
    /// Why no comparison with apksigner 31, if there is none.
    apart: Option<&'static str>,
}

/// A range of API levels, and the outcome there.
struct Run {
    min_sdk: Option<u32>,
    max_sdk: Option<u32>,
    outcome: Outcome,
}

enum Outcome {
    /// The schemes that verify, and the certificates of the signers.
    Verified(Vec<&'static str>, Vec<String>),
    /// Codes of the findings that are errors.
    Refused(Vec<&'static str>),
}

fn case(path: &'static str, description: &'static str, apk: Apk) -> Case {
    Case { path, description, apk, runs: Vec::new(), apart: None }
}

impl Case {
    /// For the levels of its manifest, it is verified by these schemes and signers.
    fn verified(self, schemes: &[&'static str], signers: &[&Key]) -> Self {
        self.verified_for(None, None, schemes, signers)
    }

    /// For the levels of its manifest, it is refused with these codes.
    fn refused(self, codes: &[&'static str]) -> Self {
        self.refused_for(None, None, codes)
    }

    fn verified_for(
        mut self,
        min_sdk: Option<u32>,
        max_sdk: Option<u32>,
        schemes: &[&'static str],
        signers: &[&Key],
    ) -> Self {
        let signers = signers.iter().map(|key| key.certificate_digest()).collect();
        self.runs.push(Run { min_sdk, max_sdk, outcome: Outcome::Verified(schemes.to_vec(), signers) });
        self
    }

    fn refused_for(mut self, min_sdk: Option<u32>, max_sdk: Option<u32>, codes: &[&'static str]) -> Self {
        self.runs.push(Run { min_sdk, max_sdk, outcome: Outcome::Refused(codes.to_vec()) });
        self
    }

    /// Not compared with apksigner 31, for this reason.
    fn apart(mut self, reason: &'static str) -> Self {
        self.apart = Some(reason);
        self
    }

    fn toml(&self) -> String {
        let mut out = format!("{ORIGIN}\ndescription = \"{}\"\n", self.description);
        for run in &self.runs {
            out.push_str("\n[[run]]\n");
            for (name, level) in [("min_sdk", run.min_sdk), ("max_sdk", run.max_sdk)] {
                if let Some(level) = level {
                    writeln!(out, "{name} = {level}").unwrap();
                }
            }
            let none = (Vec::new(), Vec::new());
            let ((schemes, signers), codes) = match &run.outcome {
                Outcome::Verified(schemes, signers) => ((schemes, signers), &Vec::new()),
                Outcome::Refused(codes) => ((&none.0, &none.1), codes),
            };
            writeln!(out, "verified = {}", matches!(run.outcome, Outcome::Verified(..))).unwrap();
            writeln!(out, "schemes = {schemes:?}\nsigners = {signers:?}\ncodes = {codes:?}").unwrap();
        }
        out
    }
}

#[test]
fn committed_cases_are_what_the_recipes_give() {
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut check = |path: PathBuf, bytes: &[u8]| {
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
        } else if fs::read(&path).ok().as_deref() != Some(bytes) {
            wrong.push(path.display().to_string());
        }
    };
    let mut seen = HashSet::new();
    for case in cases() {
        assert!(seen.insert(case.path), "{} stands twice", case.path);
        let dir = testdata().join(case.path);
        let apk = case.apk.build();
        assert!(apk.len() < 20_000, "{}: {} bytes", case.path, apk.len());
        check(dir.join("app.apk"), &apk);
        check(dir.join("case.toml"), case.toml().as_bytes());
    }
    let debug = Key::android_debug();
    let keys = Key::NAMES.map(Key::named);
    for (name, key) in keys.iter().map(|key| (key.name.as_str(), key)).chain([("android-debug", &debug)]) {
        check(builder::keys::keys_dir().join(format!("{name}.x509.der")), &key.certificate);
    }
    let unmade = our_committed_cases().into_iter().filter(|path| !seen.contains(path.as_str()));
    wrong.extend(unmade.map(|path| format!("{path}: no recipe makes it")));
    assert!(wrong.is_empty(), "not what the recipes give:\n{}", wrong.join("\n"));
}

/// Paths of the committed cases whose origin is this file.
fn our_committed_cases() -> Vec<String> {
    let dirs = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let ours = |path: &PathBuf| {
        fs::read_to_string(path.join("case.toml")).is_ok_and(|text| text.starts_with(ORIGIN))
    };
    dirs(&testdata())
        .iter()
        .flat_map(|layer| dirs(layer))
        .filter(ours)
        .map(|path| {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            parts[parts.len() - 2..].join("/")
        })
        .collect()
}

fn testdata() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata"].iter().collect()
}

#[test]
fn apksigner_agrees_with_the_cases() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|dir| dir.join("apksigner").is_file()) {
        println!("left out: no apksigner on PATH");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut questions = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        let file = dir.path().join(format!("{number}.apk"));
        fs::write(&file, case.apk.build()).unwrap();
        if let Some(reason) = case.apart {
            println!("{}: not compared: {reason}", case.path);
            continue;
        }
        questions.extend(case.runs.into_iter().map(|run| (case.path, file.clone(), run)));
    }
    let ask = |questions: &[(&str, PathBuf, Run)]| -> Vec<String> {
        questions
            .iter()
            .filter_map(|(path, file, run)| disagreement(file, run).map(|said| format!("{path}: {said}")))
            .collect()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = questions
            .chunks(questions.len().div_ceil(2))
            .map(|half| scope.spawn(move || ask(half)))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What apksigner says, if not what the run expects.
fn disagreement(file: &Path, run: &Run) -> Option<String> {
    let mut command = Command::new("apksigner");
    // A short run is over before the second compiler pays.
    command.env("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
    command.args(["verify", "-v", "--print-certs"]);
    for (name, level) in [("--min-sdk-version", run.min_sdk), ("--max-sdk-version", run.max_sdk)] {
        if let Some(level) = level {
            command.args([name, &level.to_string()]);
        }
    }
    let output = command.arg(file).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let agrees = match &run.outcome {
        Outcome::Refused(_) => !output.status.success(),
        Outcome::Verified(schemes, signers) => {
            output.status.success()
                && ["v1", "v2", "v3"].iter().all(|scheme| {
                    let line = format!("Verified using {scheme} scheme");
                    let line = stdout.lines().find(|said| said.starts_with(&line)).unwrap_or_default();
                    line.ends_with("true") == schemes.contains(scheme)
                })
                && stdout.matches("certificate SHA-256 digest").count() == signers.len()
                && signers.iter().all(|signer| stdout.contains(signer))
        }
    };
    (!agrees).then(|| format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)))
}

fn cases() -> Vec<Case> {
    let keys = Keys {
        a: Key::named("ec-p256"),
        b: Key::named("ec-p256-2"),
        c: Key::named("ec-p256-3"),
        rsa: Key::named("rsa-2048"),
    };
    let layers = [zip_cases, manifest_cases, block_cases, v1_cases, v2_cases, v3_cases, v31_cases];
    layers.iter().flat_map(|layer| layer(&keys)).collect()
}

struct Keys {
    a: Key,
    b: Key,
    c: Key,
    rsa: Key,
}

/// The default APK for that minimum.
fn min_sdk(level: u32) -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(level))
}

/// Changes an entry once v1 has signed.
fn edit(name: &'static str, change: impl Fn(&mut Entry) + 'static) -> impl Fn(&mut Vec<Entry>) {
    move |entries| change(entries.iter_mut().find(|entry| entry.name == name).unwrap())
}

/// Replaces text in an entry once v1 has signed.
fn replace(name: &'static str, old: &'static str, new: &'static str) -> impl Fn(&mut Vec<Entry>) {
    edit(name, move |entry| {
        let text = String::from_utf8(entry.data.clone()).unwrap();
        assert!(text.contains(old), "{name} has no {old:?}");
        entry.data = text.replace(old, new).into_bytes();
    })
}

fn flip_last(bytes: &mut [u8]) {
    *bytes.last_mut().unwrap() ^= 1;
}

/// Moves the entry with bytes in front of it to the start of the file.
fn prefix_first(entries: &mut Vec<Entry>) {
    let at = entries.iter().position(|entry| entry.name == "a").unwrap();
    let entry = entries.remove(at);
    entries.insert(0, entry);
}

fn zip_cases(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = || Apk::new().v2(Signer::v2(a));
    let v1 = || Apk::new().v1(V1::by(a));
    let manifest = || Manifest::new("com.example.app").build();
    let prefix = || Entry::stored("a", b"").raw(|raw| raw.gap = b"dex\n035\0 leading bytes".to_vec());
    let with_manifest = |edit: fn(&mut builder::archive::RawEntry)| {
        Apk::new()
            .no_manifest()
            .entry(Entry::deflated("AndroidManifest.xml", &manifest()).raw(edit))
            .v2(Signer::v2(a))
    };
    vec![
        case(
            "zip/comment",
            "a comment that is signed: verified",
            v2().before_signing(|parts| {
                parts.eocd.comment = b"a comment".to_vec();
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/bytes-behind-eocd",
            "bytes behind the comment: no End of Central Directory is found",
            v2().bytes(|bytes| {
                bytes.extend_from_slice(b"!!!");
            }),
        )
        .refused(&["zip-no-eocd"]),
        case(
            "zip/eocd-magic-in-comment",
            "the signed comment holds the magic of another End of Central Directory, of wrong \
             length: the signature verifies, libziparchive takes that one and refuses to open",
            v2().before_signing(|parts| parts.eocd.comment = b"PK\x05\x06, as if it began here".to_vec()),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/not-a-zip",
            "a text of less than 22 bytes",
            Apk::new().bytes(|bytes| *bytes = b"not an archive".to_vec()),
        )
        .refused(&["zip-no-eocd"]),
        case(
            "zip/directory-outside",
            "the directory would begin behind its end record",
            v2().after_signing(|parts| {
                parts.eocd.directory_offset = Some(0x7fff_0000);
            }),
        )
        .refused(&["zip-bad-sections"]),
        case(
            "zip/record-magic",
            "a directory record without its magic: the archive cannot be read",
            v2().before_signing(|parts| parts.central_directory[0] = b'Q'),
        )
        .refused(&["zip-bad-directory"]),
        case(
            "zip/leading-bytes-v2",
            "signed bytes in front of the first entry: v2 covers them, current Android refuses to \
             open",
            Apk::new()
                .no_manifest()
                .entry(prefix())
                .file("AndroidManifest.xml", &manifest())
                .entries(prefix_first)
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/janus",
            "DEX bytes in front of the first entry, v1 alone: apksig verifies, unpatched Android \
             5 to 8 would run them",
            Apk::new()
                .no_manifest()
                .entry(prefix())
                .file("AndroidManifest.xml", &manifest())
                .v1(V1::by(a))
                .entries(prefix_first),
        )
        .refused(&["janus"])
        .apart("apksig does not look for leading bytes"),
        case(
            "zip/duplicate-entry-v1",
            "two directory records of one name: v1 refuses",
            v1().entry(
                Entry::stored("classes.dex", b"dex\n035\0twice")
                    .raw(|raw| raw.central.push(raw.central[0].clone())),
            ),
        )
        .refused(&["v1-duplicate-entry"]),
        case(
            "zip/duplicate-entry-v2",
            "two directory records of one name: v2 covers both, libziparchive refuses to open",
            v2().entry(
                Entry::stored("classes.dex", b"dex\n035\0twice")
                    .raw(|raw| raw.central.push(raw.central[0].clone())),
            ),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/encrypted-flag",
            "the encryption bit set on a plain manifest, which Android ignores",
            with_manifest(|raw| {
                raw.local.flags |= 1;
                raw.central[0].flags |= 1;
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/method-unknown",
            "a deflated manifest of method 0x1234: Android inflates all that is not stored",
            with_manifest(|raw| {
                raw.local.method = 0x1234;
                raw.central[0].method = 0x1234;
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/local-name-longer",
            "the local name of the manifest is longer than the one in the directory",
            with_manifest(|raw| {
                raw.local.name.extend_from_slice(b".old");
            }),
        )
        .refused(&["zip-bad-entry"]),
        case(
            "zip/local-size-differs",
            "the local size of the manifest differs from the one in the directory",
            with_manifest(|raw| {
                raw.local.uncompressed += 1;
            }),
        )
        .refused(&["zip-bad-entry"]),
        case(
            "zip/data-descriptor",
            "sizes of the manifest stand in a data descriptor: verified",
            Apk::new()
                .no_manifest()
                .entry(Entry::deflated("AndroidManifest.xml", &manifest()).data_descriptor())
                .v2(Signer::v2(a)),
        )
        .verified(&["v2"], &[a]),
        case(
            "zip/crc-wrong",
            "a wrong checksum of the manifest in both headers, which signature verification does \
             not check",
            with_manifest(|raw| {
                raw.local.crc ^= 1;
                raw.central[0].crc ^= 1;
            }),
        )
        .verified(&["v2"], &[a]),
        case("zip/manifest-missing", "signed, but without AndroidManifest.xml", v2().no_manifest())
            .refused(&["manifest-missing"]),
    ]
}

fn manifest_cases(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let manifest = || Manifest::new("com.example.app");
    let v1 = |manifest: Manifest| Apk::new().manifest(manifest).v1(V1::by(a));
    let v2 = |manifest: Manifest| Apk::new().manifest(manifest).v2(Signer::v2(a));
    vec![
        case(
            "manifest/utf16",
            "strings in UTF-16, all values set: verified",
            v2(manifest()
                .encoding(Encoding::Utf16)
                .version(7, "7.1")
                .version_code_major(2)
                .label("An example")
                .debuggable(true)),
        )
        .verified(&["v2"], &[a]),
        case("manifest/min-sdk-codename", "minSdkVersion O means 25: verified", v2(manifest().min_sdk("O")))
            .verified(&["v2"], &[a]),
        case(
            "manifest/min-sdk-not-a-codename",
            "minSdkVersion is text but not a code name",
            v2(manifest().min_sdk("?")),
        )
        .refused(&["min-sdk-undetermined"]),
        case(
            "manifest/two-uses-sdk",
            "minimum 21, then 28 in another uses-sdk: the highest counts, so verity alone will do",
            Apk::new()
                .manifest(manifest().min_sdk(21).another_min_sdk(28))
                .v2(Signer::v2(a).algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v2"], &[a]),
        case(
            "manifest/malformed",
            "the manifest is not binary XML",
            Apk::new().manifest_bytes(b"<manifest/>").v2(Signer::v2(a)),
        )
        .refused(&["manifest-malformed"]),
        case("manifest/target-29-v1", "target 29, v1 alone: verified", v1(manifest()))
            .verified(&["v1"], &[a]),
        case(
            "manifest/target-30-v1",
            "target 30, v1 alone: Android 11 and up refuses",
            v1(manifest().target_sdk(30)),
        )
        .refused(&["target-sdk-scheme-not-met"])
        .verified_for(None, Some(29), &["v1"], &[a]),
        case("manifest/target-30-v2", "target 30 and v2: verified", v2(manifest().target_sdk(30)))
            .verified(&["v2"], &[a]),
        case(
            "manifest/sandbox-2-v1",
            "target sandbox version 2, v1 alone: Android 8 and up refuses",
            v1(manifest().target_sandbox(2)),
        )
        .refused(&["target-sandbox-scheme-not-met"])
        .verified_for(None, Some(25), &["v1"], &[a]),
        case(
            "manifest/sandbox-2-v2",
            "target sandbox version 2 and v2: verified",
            v2(manifest().target_sandbox(2)),
        )
        .verified(&["v2"], &[a]),
    ]
}

fn block_cases(keys: &Keys) -> Vec<Case> {
    let (a, b) = (&keys.a, &keys.b);
    let v2 = || Apk::new().v2(Signer::v2(a));
    let other = Apk::new().v2(Signer::v2(b));
    let forged = move |parts: &mut builder::Parts| {
        // The same contents, signed by someone else.
        let bytes = other.build();
        let start = bytes.windows(4).position(|window| window == id::V2.to_le_bytes()).unwrap();
        let len = u64::from_le_bytes(bytes[start - 8..start].try_into().unwrap());
        let value = bytes[start + 4..start + usize::try_from(len).unwrap()].to_vec();
        parts.signing_block.as_mut().unwrap().pairs.push(builder::Pair::new(id::V2, value));
    };
    vec![
        case(
            "block/magic-wrong",
            "the magic of the signing block is changed: no signature is found",
            v2().signing_block(|block| block.magic[15] = b'3'),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/sizes-differ",
            "the two sizes of the signing block differ: no signature is found",
            v2().signing_block(|block| block.header_size = Some(1000)),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/size-too-small",
            "both sizes of the signing block are 23, less than its footer: no signature is found",
            v2().signing_block(|block| {
                block.header_size = Some(23);
                block.footer_size = Some(23);
            }),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/sizes-differ-v1",
            "the two sizes differ and v1 does not mention v2: Android falls back to v1 and verifies",
            v2().v1(V1::by(a).schemes("")).signing_block(|block| block.header_size = Some(1000)),
        )
        .verified(&["v1"], &[a]),
        case(
            "block/sizes-differ-v1-protected",
            "the two sizes differ, v1 mentions v2: it was stripped",
            v2().v1(V1::by(a)).signing_block(|block| block.header_size = Some(1000)),
        )
        .refused(&["v1-scheme-stripped"]),
        case(
            "block/unknown-pair",
            "a pair of a channel packer behind v2, which nothing signs: verified",
            v2().pair(0x7177_7777, b"{\"channel\":\"x\"}"),
        )
        .verified(&["v2"], &[a]),
        case("block/padding", "the block padded to 4096 bytes by a pair of zeros: verified", v2().aligned())
            .verified(&["v2"], &[a]),
        case(
            "block/second-v2-ignored",
            "another v2 pair behind the first, by another signer: the first counts",
            v2().after_signing(forged),
        )
        .verified(&["v2"], &[a]),
        case(
            "block/first-v2-counts",
            "an empty v2 pair before the good one: the first counts",
            v2().signing_block(|block| block.pairs.insert(0, builder::Pair::new(id::V2, vec![0; 4]))),
        )
        .refused(&["v2-no-signers"]),
        case(
            "block/tail-garbage",
            "five bytes behind the pairs, which no one reads once v2 is found: verified",
            v2().signing_block(|block| block.tail = vec![1; 5]),
        )
        .verified(&["v2"], &[a]),
        case(
            "block/pair-too-long-before",
            "a pair longer than the block stands before v2: no signature is found",
            v2().signing_block(|block| {
                let mut pair = builder::Pair::new(0x7177_7777, b"short".to_vec());
                pair.len = Some(0x7fff_ffff);
                block.pairs.insert(0, pair);
            }),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/pair-too-short-before",
            "a pair of length 3, less than its id, stands before v2: no signature is found",
            v2().signing_block(|block| {
                let mut pair = builder::Pair::new(0x7177_7777, b"short".to_vec());
                pair.len = Some(3);
                block.pairs.insert(0, pair);
            }),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/gap-before-eocd",
            "bytes between Central Directory and its end record: no signature is found",
            v2().before_signing(|parts| parts.before_eocd = vec![0; 4]),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "block/zip64-locator",
            "the directory ends in what looks like a ZIP64 locator: Android finds no signature",
            Apk::new()
                .entry(Entry::stored("classes.dex", b"dex\n035\0").raw(|raw| {
                    raw.central[0].comment = [&b"PK\x06\x07"[..], &[0; 16]].concat();
                }))
                .v2(Signer::v2(a)),
        )
        .refused(&["v1-no-manifest"])
        .apart("apksig has no such check, the platform has"),
    ]
}

fn v1_cases(keys: &Keys) -> Vec<Case> {
    const MANIFEST: &str = "META-INF/MANIFEST.MF";
    const SF: &str = "META-INF/CERT.SF";
    const BLOCK: &str = "META-INF/CERT.EC";
    let Keys { a, b, rsa, .. } = keys;
    let v1 = || Apk::new().v1(V1::by(a));
    let by = |signer: V1Signer| Apk::new().v1(V1::default().signer(signer));
    let signer = || V1Signer::new(a);
    let with_usage = |bits| {
        let certificate = Certificate::new(&[("CN", "key usage")]).key_usage(bits).self_signed(a);
        a.clone().with_certificate(certificate)
    };
    let (signing_key, encrypting_key) = (with_usage(0x80), with_usage(0x20));
    let many = |count: usize| {
        (0..count).fold(V1::default(), |v1, number| v1.signer(signer().name(&format!("S{number}"))))
    };
    let main_digest = |good: bool| {
        by(signer().signature_file(move |text| {
            let main = "Manifest-Version: 1.0\r\nCreated-By: 1.0 (Android)\r\n\r\n";
            let main = if good { main } else { "Manifest-Version: 1.0\r\n\r\n" };
            let digest = builder::hash::base64(&Hash::Sha256.digest(main.as_bytes()));
            let line = format!("SHA-256-Digest-Manifest-Main-Attributes: {digest}\r\n\r\nName");
            *text = text.replacen("\r\nName", &line, 1);
        }))
    };
    vec![
        case("v1/honest", "signed with v1 alone: verified", v1()).verified(&["v1"], &[a]),
        case(
            "v1/rsa-attributes",
            "RSA, with signed attributes: verified",
            by(V1Signer::new(rsa).signed_attributes()),
        )
        .verified(&["v1"], &[rsa]),
        case(
            "v1/entry-changed",
            "an entry is changed after signing",
            v1().entries(edit("classes.dex", |entry| {
                entry.data.push(b'!');
            })),
        )
        .refused(&["v1-entry-digest-mismatch"]),
        case(
            "v1/entry-added",
            "an entry is added after signing",
            v1().entries(|entries| {
                entries.push(Entry::stored("classes2.dex", b"more code"));
            }),
        )
        .refused(&["v1-no-digest-in-manifest"]),
        case(
            "v1/entry-added-in-meta-inf",
            "an entry is added under META-INF/, which v1 does not protect: verified",
            v1().entries(|entries| entries.push(Entry::stored("META-INF/channel_x", b""))),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/entry-removed",
            "an entry is removed after signing",
            v1().entries(|entries| {
                entries.retain(|entry| entry.name != "classes.dex");
            }),
        )
        .refused(&["v1-missing-entry"]),
        case(
            "v1/signature-mismatch",
            "a bit of the signature is changed",
            by(signer().pkcs7(|pkcs7| {
                flip_last(&mut pkcs7.signer_infos[0].signature);
            })),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "v1/signature-file-changed",
            "the signature file is changed after signing",
            v1().entries(replace(SF, "1.0 (Android)", "1.1 (Android)")),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "v1/manifest-main-changed",
            "the main section of the manifest is changed: the sections are still signed one by \
             one, so it verifies",
            v1().entries(replace(MANIFEST, "1.0 (Android)", "1.1 (Android)")),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/manifest-main-digest",
            "the signature file has a digest of the main section: verified",
            main_digest(true),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/manifest-main-digest-mismatch",
            "the signature file has a wrong digest of the main section",
            main_digest(false),
        )
        .refused(&["v1-manifest-main-digest-mismatch"]),
        case(
            "v1/manifest-section-changed",
            "a section of the manifest is changed after signing",
            v1().entries(replace(
                MANIFEST,
                "Name: classes.dex\r\n",
                "Name: classes.dex\r\nX-Note: changed\r\n",
            )),
        )
        .refused(&["v1-manifest-section-digest-mismatch"]),
        case(
            "v1/manifest-section-twice",
            "the manifest names an entry twice",
            Apk::new().v1(V1::by(a).manifest(|text| {
                let (_, section) = text.split_once("Name: classes.dex").unwrap();
                *text = format!("{text}Name: classes.dex{section}");
            })),
        )
        .refused(&["v1-duplicate-manifest-section"]),
        case(
            "v1/manifest-missing",
            "no MANIFEST.MF beside the signature",
            v1().entries(|entries| {
                entries.retain(|entry| entry.name != MANIFEST);
            }),
        )
        .refused(&["v1-no-manifest"]),
        case(
            "v1/block-without-signature-file",
            "the block file has no .SF beside it",
            v1().entries(|entries| {
                entries.retain(|entry| entry.name != SF);
            }),
        )
        .refused(&["v1-no-signatures"]),
        case(
            "v1/no-version",
            "the signature file lacks Signature-Version: its signer does not count",
            by(signer()
                .signature_file(|text| *text = text.replacen("Signature-Version", "Signature-Revision", 1))),
        )
        .refused(&["v1-missing-version", "v1-no-signatures"]),
        case(
            "v1/scheme-stripped",
            "v1 mentions v2, and v2 was removed: Android 7 and up refuses",
            min_sdk(21).v1(V1::by(a).schemes("2")),
        )
        .refused(&["v1-scheme-stripped"])
        .verified_for(None, Some(23), &["v1"], &[a]),
        case(
            "v1/scheme-stripped-unmentioned",
            "v2 was removed, but v1 does not mention it: verified",
            min_sdk(21).v1(V1::by(a).schemes("")),
        )
        .verified(&["v1"], &[a]),
        case("v1/with-v2", "v1 and v2 by one key: verified", min_sdk(21).v1(V1::by(a)).v2(Signer::v2(a)))
            .verified(&["v1", "v2"], &[a])
            .verified_for(Some(24), None, &["v2"], &[a]),
        case(
            "v1/other-signer-than-v2",
            "v1 by one key and v2 by another: apksig refuses",
            min_sdk(21).v1(V1::by(b)).v2(Signer::v2(a)),
        )
        .refused(&["v2-signer-missing", "v1-signer-missing"])
        .verified_for(Some(24), None, &["v2"], &[a]),
        case(
            "v1/two-signers",
            "two signers of all entries: verified",
            Apk::new().v1(V1::by(a).signer(V1Signer::new(b).name("OTHER"))),
        )
        .verified(&["v1"], &[a, b]),
        case(
            "v1/signers-mismatch",
            "the second signer has not signed one of the entries",
            Apk::new().v1(V1::by(a).signer(V1Signer::new(b).name("OTHER").signature_file(|text| {
                let start = text.find("Name: classes.dex").unwrap();
                text.truncate(start);
            }))),
        )
        .refused(&["v1-signers-mismatch"]),
        case("v1/ten-signers", "ten signers, as many as Android accepts: verified", Apk::new().v1(many(10)))
            .verified(&["v1"], &[a; 10]),
        case("v1/eleven-signers", "eleven signers, one more than Android accepts", Apk::new().v1(many(11)))
            .refused(&["v1-too-many-signers"])
            .apart("newer than apksigner 31"),
        case(
            "v1/ec-api-18",
            "ECDSA named by the key alone, which Android knows since 18: verified",
            min_sdk(18).v1(V1::by(a)),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/ecdsa-with-sha256-api-18",
            "ECDSA named together with SHA-256, which Android knows since 21: refused for 18",
            min_sdk(18).v1(V1::default().signer(signer().combined_oid())),
        )
        .refused(&["v1-unsupported-algorithm"])
        .verified_for(Some(21), None, &["v1"], &[a]),
        case(
            "v1/attributes-digest-mismatch",
            "the signed attributes hold the digest of another file",
            by(signer().signed_attributes().signer_info(|info| {
                let digest = der::octet_string(&Hash::Sha256.digest(b"another file"));
                let oid = der::oid("1.2.840.113549.1.9.4");
                info.signed_attributes.as_mut().unwrap()[1] = der::sequence(&[oid, der::set(&[digest])]);
            })),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "v1/attributes-content-type-missing",
            "the signed attributes lack the content type, which Android 7 and up wants",
            min_sdk(21).v1(V1::default().signer(signer().signed_attributes().signer_info(|info| {
                info.signed_attributes.as_mut().unwrap().remove(0);
            }))),
        )
        .refused(&["v1-verify-exception"])
        .verified_for(None, Some(23), &["v1"], &[a]),
        case(
            "v1/no-signer-infos",
            "the block has no signer",
            by(signer().pkcs7(|pkcs7| pkcs7.signer_infos.clear())),
        )
        .refused(&["v1-no-signers"]),
        case(
            "v1/block-truncated",
            "the block file ends early",
            v1().entries(edit(BLOCK, |entry| entry.data.truncate(100))),
        )
        .refused(&["v1-parse-exception"]),
        case("v1/certificate-missing", "the block holds the certificate of another key", {
            let other = b.certificate.clone();
            by(signer().pkcs7(move |pkcs7| {
                pkcs7.certificates = Some(vec![other.clone()]);
            }))
        })
        .refused(&["v1-verify-exception"]),
        case(
            "v1/key-usage",
            "a certificate for digital signatures: verified",
            by(V1Signer::new(&signing_key)),
        )
        .verified(&["v1"], &[&signing_key]),
        case(
            "v1/key-usage-encryption",
            "a certificate for encryption alone",
            by(V1Signer::new(&encrypting_key)),
        )
        .refused(&["v1-verify-exception"]),
    ]
}

fn v2_cases(keys: &Keys) -> Vec<Case> {
    const UNKNOWN: u32 = 0x0999;
    let Keys { a, b, rsa, .. } = keys;
    let by = |signer: Signer| Apk::new().v2(signer);
    let signer = || Signer::v2(a);
    let debug = Key::android_debug();
    let dsa = Key::named("dsa-2048-2");
    let unknown_beside = |signer: Signer| {
        signer
            .before_signing(|data| data.digests.insert(0, (UNKNOWN, vec![7; 32])))
            .after_signing(|signer| signer.signatures.insert(0, (UNKNOWN, vec![7; 64])))
    };
    let other_certificate = b.certificate.clone();
    let two_algorithms = || signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::ECDSA_SHA512]);
    let many = |count| (0..count).fold(Apk::new(), |apk, _| apk.v2(signer()));
    vec![
        case("v2/honest", "signed with v2 alone: verified", by(signer())).verified(&["v2"], &[a]),
        case(
            "v2/rsa-pss",
            "RSA with PSS padding: verified",
            by(Signer::v2(rsa).algorithms(&[algorithm::RSA_PSS_SHA256])),
        )
        .verified(&["v2"], &[rsa])
        .apart("some builds of apksigner know no PSS"),
        case("v2/dsa", "DSA with a subgroup of 224 bits: verified", by(Signer::v2(&dsa)))
            .verified(&["v2"], &[&dsa]),
        case(
            "v2/android-debug",
            "signed by a certificate as of debug builds: verified",
            by(Signer::v2(&debug)),
        )
        .verified(&["v2"], &[&debug]),
        case(
            "v2/no-tail",
            "signed data without the four zero bytes that apksigner appends: verified",
            by({
                let mut signer = signer();
                signer.tail.clear();
                signer
            }),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/tail-behind-public-key",
            "unsigned bytes behind the public key, which Android does not read: verified",
            by(signer().after_signing(|signer| signer.tail = b"hidden".to_vec())),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/digest-mismatch",
            "a byte of an entry is changed after signing",
            by(signer()).after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/directory-digest-mismatch",
            "a timestamp in the Central Directory is changed after signing",
            by(signer()).after_signing(|parts| parts.central_directory[12] ^= 1),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/comment-digest-mismatch",
            "a comment is added after signing",
            by(signer()).after_signing(|parts| parts.eocd.comment = b"!".to_vec()),
        )
        .refused(&["v2-digest-mismatch"]),
        case(
            "v2/signature-mismatch",
            "a bit of the signature is changed",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signatures[0].1);
            })),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/signed-data-changed",
            "a byte of the signed data is changed after signing",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signed_data);
            })),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/unselected-signature-mismatch",
            "a bad signature with SHA-256 beside a good one with SHA-512, which Android prefers: \
             verified",
            by(two_algorithms().after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/selected-signature-mismatch",
            "a good signature with SHA-256 beside a bad one with SHA-512, which Android prefers",
            by(two_algorithms().after_signing(|signer| flip_last(&mut signer.signatures[1].1))),
        )
        .refused(&["v2-signature-mismatch"]),
        case(
            "v2/public-key-mismatch",
            "the certificate is that of another key",
            by(signer().before_signing(move |data| {
                data.certificates[0].clone_from(&other_certificate);
            })),
        )
        .refused(&["v2-public-key-mismatch"]),
        case(
            "v2/no-certificates",
            "the list of certificates is empty",
            by(signer().before_signing(|data| data.certificates.clear())),
        )
        .refused(&["v2-no-certificates"]),
        case(
            "v2/malformed-certificate",
            "the certificate ends early",
            by(signer().before_signing(|data| data.certificates[0].truncate(40))),
        )
        .refused(&["v2-malformed-certificate"]),
        case(
            "v2/malformed-public-key",
            "the public key is not one",
            by(signer().after_signing(|signer| signer.public_key = b"no key".to_vec())),
        )
        .refused(&["v2-malformed-public-key"]),
        case(
            "v2/no-signatures",
            "the list of signatures is empty",
            by(signer().after_signing(|signer| signer.signatures.clear())),
        )
        .refused(&["v2-no-signatures"]),
        case(
            "v2/malformed-signature",
            "a signature record of three bytes",
            by(signer().bytes(|bytes| {
                let data_len = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
                bytes.truncate(4 + data_len);
                bytes.extend(prefixed(&prefixed(&[1, 2, 3])));
                bytes.extend(prefixed(b""));
            })),
        )
        .refused(&["v2-malformed-signature"]),
        case(
            "v2/unknown-algorithm",
            "a signature of an unknown algorithm before the known one: verified",
            by(unknown_beside(signer())),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/no-supported-signatures",
            "a signature of an unknown algorithm alone",
            by(signer()
                .before_signing(|data| data.digests[0].0 = UNKNOWN)
                .after_signing(|signer| signer.signatures[0].0 = UNKNOWN)),
        )
        .refused(&["v2-no-supported-signatures"]),
        case(
            "v2/algorithms-mismatch",
            "a digest of an algorithm that no signature has",
            by(signer().before_signing(|data| {
                data.digests.push((algorithm::ECDSA_SHA512, vec![7; 64]));
            })),
        )
        .refused(&["v2-algorithms-mismatch"]),
        case(
            "v2/malformed-attribute",
            "an attribute of two bytes, shorter than its id",
            by(signer().signed_bytes(|bytes| {
                // the empty list of attributes, and the four zero bytes behind it
                bytes.truncate(bytes.len() - 8);
                bytes.extend(prefixed(&prefixed(&[1, 2])));
            })),
        )
        .refused(&["v2-malformed-attribute"]),
        case(
            "v2/unknown-attribute",
            "an attribute of an unknown id: verified",
            by(signer().attribute(0x0102_0304, b"value")),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/no-signers",
            "the list of signers is empty",
            by(signer()).signing_block(|block| block.pair(id::V2).value = vec![0; 4]),
        )
        .refused(&["v2-no-signers"]),
        case(
            "v2/malformed-signers",
            "the list of signers is one byte longer than its pair",
            by(signer()).signing_block(|block| {
                block.pair(id::V2).value[0] += 1;
            }),
        )
        .refused(&["v2-malformed-signers"]),
        case(
            "v2/malformed-signer",
            "the signer ends in the middle of its public key",
            by(signer().bytes(|bytes| bytes.truncate(bytes.len() - 1))),
        )
        .refused(&["v2-malformed-signer"]),
        case("v2/two-signers", "two signers: verified", by(signer()).v2(Signer::v2(b)))
            .verified(&["v2"], &[a, b]),
        case(
            "v2/second-signer-mismatch",
            "two signers, the signature of the second changed",
            by(signer()).v2(Signer::v2(b).after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .refused(&["v2-signature-mismatch"]),
        case("v2/ten-signers", "ten signers, as many as Android accepts: verified", many(10))
            .verified(&["v2"], &[a; 10]),
        case("v2/eleven-signers", "eleven signers, one more than Android accepts", many(11))
            .refused(&["v2-too-many-signers"])
            .apart("newer than apksigner 31"),
        case(
            "v2/v3-stripped",
            "v2 mentions v3, and v3 was removed: Android 9 and up refuses",
            by(signer().attribute(attribute::STRIPPING_PROTECTION, &3_u32.to_le_bytes())),
        )
        .refused(&["v2-scheme-stripped"])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v2/verity",
            "a verity digest beside a chunked one, the block aligned: verified",
            by(signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v2"], &[a]),
        case(
            "v2/verity-alone",
            "a verity digest alone, which Android knows since 28: refused for 24",
            by(signer().algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .refused(&["v2-no-supported-signatures"])
        .verified_for(Some(28), None, &["v2"], &[a]),
        case(
            "v2/verity-digest-mismatch",
            "the verity digest is wrong and the chunked one right: Android 9 and up refuses",
            by(signer()
                .algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256])
                .before_signing(|data| data.digests[1].1[0] ^= 1)),
        )
        .refused(&["v2-digest-mismatch"])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v2/verity-misaligned",
            "a verity digest, but the block is not a multiple of 4096 bytes",
            by(signer().algorithms(&[algorithm::ECDSA_SHA256, algorithm::VERITY_ECDSA_SHA256]))
                .signing_block(|block| block.pairs.retain(|pair| pair.id != id::PADDING)),
        )
        .refused(&["v2-digest-mismatch"]),
    ]
}

fn v3_cases(keys: &Keys) -> Vec<Case> {
    let Keys { a, b, c, .. } = keys;
    let by = |signer: Signer| min_sdk(28).v3(signer);
    let signer = || Signer::v3(a);
    let lineage = || Lineage::from(a).to(b);
    let rotated = |lineage: Lineage| min_sdk(28).v3(Signer::v3(b).lineage(&lineage));
    let other_certificate = b.certificate.clone();
    vec![
        case("v3/honest", "signed with v3 alone, for Android 9 and up: verified", by(signer()))
            .verified(&["v3"], &[a]),
        case("v3/with-v2", "v2 and v3 by one key: verified", Apk::new().v2(Signer::v2(a)).v3(signer()))
            .verified(&["v2", "v3"], &[a])
            .verified_for(Some(28), None, &["v3"], &[a])
            .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v3/rotated",
            "v2 by the old key, v3 by the new one, whose lineage begins with the old: verified",
            Apk::new().v2(Signer::v2(a)).v3(Signer::v3(b).lineage(&lineage())),
        )
        .verified(&["v2", "v3"], &[b])
        .verified_for(None, Some(27), &["v2"], &[a]),
        case(
            "v3/past-signer-mismatch",
            "v2 by a key that is not the oldest of the lineage: apksig refuses",
            Apk::new().v2(Signer::v2(c)).v3(Signer::v3(b).lineage(&lineage())),
        )
        .refused(&["v3-past-signers-mismatch"])
        .verified_for(Some(28), None, &["v3"], &[b]),
        case(
            "v3/other-signer-than-v2",
            "v2 by one key and v3 by another, without lineage: apksig refuses",
            Apk::new().v2(Signer::v2(b)).v3(signer()),
        )
        .refused(&["v3-past-signers-mismatch"]),
        case(
            "v3/multiple-past-signers",
            "v2 by two keys and v3 by one of them: apksig refuses",
            Apk::new().v2(Signer::v2(a)).v2(Signer::v2(b)).v3(signer()),
        )
        .refused(&["v3-multiple-past-signers"]),
        case(
            "v3/digest-mismatch",
            "a byte of an entry is changed after signing",
            by(signer()).after_signing(|parts| flip_last(&mut parts.contents)),
        )
        .refused(&["v3-digest-mismatch"]),
        case(
            "v3/signature-mismatch",
            "a bit of the signature is changed",
            by(signer().after_signing(|signer| {
                flip_last(&mut signer.signatures[0].1);
            })),
        )
        .refused(&["v3-signature-mismatch"]),
        case(
            "v3/public-key-mismatch",
            "the certificate is that of another key",
            by(signer().before_signing(move |data| {
                data.certificates[0].clone_from(&other_certificate);
            })),
        )
        .refused(&["v3-public-key-mismatch"]),
        case(
            "v3/min-sdk-mismatch",
            "the unsigned minimum level differs from the signed one",
            by(signer().after_signing(|signer| signer.sdk = Some((28, NO_MAX_SDK)))),
        )
        .refused(&["v3-min-sdk-mismatch"]),
        case(
            "v3/max-sdk-mismatch",
            "the unsigned maximum level differs from the signed one",
            by(signer().sdk(24, 99).after_signing(|signer| signer.sdk = Some((24, NO_MAX_SDK)))),
        )
        .refused(&["v3-max-sdk-mismatch"]),
        case("v3/sdk-inverted", "the minimum level is above the maximum", by(signer().sdk(40, 30)))
            .refused(&["v3-invalid-sdk-versions"]),
        case(
            "v3/sdk-begins-late",
            "the signer begins at 30 and the app at 28",
            by(signer().sdk(30, NO_MAX_SDK)),
        )
        .refused(&["v3-missing-sdk-versions"])
        .verified_for(Some(30), None, &["v3"], &[a]),
        case("v3/sdk-ends-early", "the signer ends at 33", by(signer().sdk(28, 33)))
            .refused(&["v3-missing-sdk-versions"])
            .verified_for(None, Some(33), &["v3"], &[a]),
        case(
            "v3/two-ranges",
            "one signer to 30 and its successor from 31: verified",
            min_sdk(28).v3(signer().sdk(28, 30)).v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .verified(&["v3"], &[b]),
        case(
            "v3/sdk-gap",
            "one signer to 29 and its successor from 31: no one for 30",
            min_sdk(28).v3(signer().sdk(28, 29)).v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .refused(&["v3-inconsistent-sdk-versions", "v3-missing-sdk-versions"]),
        case(
            "v3/lineages-differ",
            "two ranges whose lineages are not one history",
            min_sdk(28)
                .v3(signer().sdk(28, 30).lineage(&Lineage::from(c).to(a)))
                .v3(Signer::v3(b).sdk(31, NO_MAX_SDK).lineage(&lineage())),
        )
        .refused(&["v3-inconsistent-lineages"]),
        case(
            "v3/verity-from-28",
            "a verity digest alone in a signer from 28: verified",
            by(signer().sdk(28, NO_MAX_SDK).algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .verified(&["v3"], &[a]),
        case(
            "v3/verity-from-24",
            "a verity digest alone in a signer that begins at 24, where Android knows none: \
             apksig refuses",
            by(signer().algorithms(&[algorithm::VERITY_ECDSA_SHA256])),
        )
        .refused(&["v3-no-supported-signatures"]),
        case(
            "v3/lineage",
            "a lineage of three keys, of which the last signs: verified",
            min_sdk(28).v3(Signer::v3(c).lineage(&lineage().capabilities(1).to(c))),
        )
        .verified(&["v3"], &[c]),
        case(
            "v3/lineage-signature-mismatch",
            "the old key has not signed the new certificate",
            rotated(lineage().after_signing(|nodes| {
                flip_last(&mut nodes[1].signature);
            })),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-flags-changed",
            "capabilities in the lineage are not signed by the lineage: verified",
            rotated(lineage().after_signing(|nodes| {
                nodes[0].flags = 0xff;
            })),
        )
        .verified(&["v3"], &[b]),
        case(
            "v3/lineage-parent-algorithm",
            "a node says it was signed by another algorithm than its parent has",
            rotated(lineage().before_signing(|node| {
                if node.0 == 1 {
                    node.1.parent_algorithm = algorithm::ECDSA_SHA512;
                }
            })),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-certificate-twice",
            "a certificate occurs twice in the lineage",
            rotated(Lineage::from(b).to(a).to(b)),
        )
        .refused(&["v3-lineage-signature-mismatch"]),
        case(
            "v3/lineage-wrong-order",
            "the signer is the first of its lineage, not the last",
            rotated(Lineage::from(b).to(a)),
        )
        .refused(&["v3-lineage-certificate-mismatch"]),
        case(
            "v3/lineage-truncated",
            "the lineage ends in the middle of a node",
            rotated(lineage().bytes(|bytes| bytes.truncate(bytes.len() - 1))),
        )
        .refused(&["v3-malformed-lineage"]),
        case(
            "v3/lineage-version-2",
            "a lineage of version 2: apksig reports another certificate than the signer's",
            rotated(lineage().version(2)),
        )
        .refused(&["v3-lineage-certificate-mismatch"]),
    ]
}

fn v31_cases(keys: &Keys) -> Vec<Case> {
    const NEWER: &str = "apksigner 31 knows no v3.1";
    let Keys { a, b, .. } = keys;
    let old = || Signer::v3(a).sdk(24, 32);
    let new = || Signer::v3(b).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(a).to(b));
    let pair = |old: Signer, new: Signer| min_sdk(28).v3(old).v31(new);
    vec![
        case("v31/honest", "the old key to 32, the new one from 33 in v3.1: verified", pair(old(), new()))
            .verified(&["v3", "v3.1"], &[b])
            .verified_for(None, Some(32), &["v3"], &[a])
            .apart(NEWER),
        case(
            "v31/stripped",
            "the v3.1 block was removed, which the v3.0 signer mentions: Android 13 and up refuses",
            pair(old(), new()).signing_block(|block| {
                block.pairs.retain(|pair| pair.id != id::V31);
            }),
        )
        .refused(&["v31-block-missing"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/rotation-min-sdk-mismatch",
            "the v3.0 signer says rotation is at 34, the v3.1 signer begins at 33",
            pair(
                old().no_stripping_protection().attribute(attribute::ROTATION_MIN_SDK, &34_u32.to_le_bytes()),
                new(),
            ),
        )
        .refused(&["v31-rotation-min-sdk-mismatch"])
        .apart(NEWER),
        case(
            "v31/rotation-min-sdk-missing",
            "the v3.0 signer does not mention v3.1: verified, but it could be stripped",
            pair(old().no_stripping_protection(), new()),
        )
        .verified(&["v3", "v3.1"], &[b])
        .apart(NEWER),
        case("v31/without-v3", "a v3.1 block without a v3.0 block", min_sdk(28).v31(new()))
            .refused(&["v31-without-v3"])
            .apart(NEWER),
        case(
            "v31/signature-mismatch",
            "a bit of the v3.1 signature is changed: no fallback to v3.0",
            pair(old(), new().after_signing(|signer| flip_last(&mut signer.signatures[0].1))),
        )
        .refused(&["v3-signature-mismatch"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
        case(
            "v31/digest-mismatch",
            "the v3.1 signer has signed the digest of another file, which apksig of 2023 overlooks",
            pair(old(), new().before_signing(|data| data.digests[0].1[0] ^= 1)),
        )
        .refused(&["v3-digest-mismatch"])
        .verified_for(None, Some(32), &["v3"], &[a])
        .apart(NEWER),
    ]
}
