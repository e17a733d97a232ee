//! Checks the test APK builder against other implementations: `apksigner`, `aapt`, the `zip` and `ring` crates.
//!
//! What needs a program that is not on PATH is left out, and the output says so.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a recipe that does not fit or a file that cannot be written is to stop the test"
)]

use std::io::Cursor;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::thread;

use ring::signature::RSA_PSS_2048_8192_SHA256;
use ring::signature::RSA_PSS_2048_8192_SHA512;
use ring::signature::UnparsedPublicKey;
use zip::ZipArchive;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::algorithm;
use crate::builder::attribute;
use crate::builder::der;
use crate::builder::id;
use crate::builder::manifest::Encoding;
use crate::builder::manifest::encode;

/// The schemes that verify and the signers, or none for refusal.
type Expected = Option<(&'static [u8], Vec<Key>)>;

/// An APK, what to ask apksigner, and what it is to say.
struct Case {
    name: &'static str,
    apk: Apk,
    options: &'static [&'static str],
    expected: Expected,
}

impl Case {
    fn verifies(name: &'static str, schemes: &'static [u8], signers: &[&Key], apk: Apk) -> Self {
        let signers = signers.iter().map(|key| (*key).clone()).collect();
        Self { name, apk, options: &[], expected: Some((schemes, signers)) }
    }

    fn refused(name: &'static str, apk: Apk) -> Self {
        Self { name, apk, options: &[], expected: None }
    }

    fn options(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }
}

#[test]
fn apksigner_agrees() {
    if !on_path("apksigner") {
        println!("left out: no apksigner on PATH");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let questions: Vec<Question> = honest_cases()
        .into_iter()
        .chain(broken_cases())
        .map(|case| {
            let path = dir.path().join(format!("{}.apk", case.name));
            std::fs::write(&path, case.apk.build()).unwrap();
            Question { path, options: case.options, expected: case.expected }
        })
        .collect();
    let failures: Vec<String> = thread::scope(|scope| {
        let ask = |questions: &[Question]| questions.iter().filter_map(disagreement).collect::<Vec<_>>();
        let workers: Vec<_> = questions
            .chunks(questions.len().div_ceil(2))
            .map(|half| scope.spawn(move || ask(half)))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A file to ask apksigner about, and the answer.
struct Question {
    path: PathBuf,
    options: &'static [&'static str],
    expected: Expected,
}

/// What apksigner says otherwise than expected.
fn disagreement(question: &Question) -> Option<String> {
    let path = question.path.to_str()?;
    let arguments = [&["verify", "-v", "--print-certs"], question.options, &[path]].concat();
    let output = run("apksigner", &arguments);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = || Some(format!("{path}: {stdout}{}", String::from_utf8_lossy(&output.stderr)));
    let Some((schemes, signers)) = &question.expected else {
        return if output.status.success() { said() } else { None };
    };
    let as_expected = output.status.success()
        && [1, 2, 3].iter().all(|scheme| {
            let line = format!("Verified using v{scheme} scheme");
            let line = stdout.lines().find(|said| said.starts_with(&line));
            line.is_some_and(|line| line.ends_with("true") == schemes.contains(scheme))
        })
        && stdout.matches("certificate SHA-256 digest").count() == signers.len()
        && signers.iter().all(|key| stdout.contains(&key.certificate_digest()));
    if as_expected { None } else { said() }
}

fn honest_cases() -> Vec<Case> {
    let key = Key::named;
    let (rsa1, rsa, rsa4) = (key("rsa-1024"), key("rsa-2048"), key("rsa-4096"));
    let (ec, ec2, ec3, p384, p521) =
        (key("ec-p256"), key("ec-p256-2"), key("ec-p256-3"), key("ec-p384"), key("ec-p521"));
    let (dsa1, dsa2) = (key("dsa-1024"), key("dsa-2048"));
    let every = [&rsa1, &rsa, &rsa4, &ec, &p384, &p521, &dsa1, &dsa2];
    let v1_each = |signer: &dyn Fn(&Key) -> V1Signer| {
        every.iter().fold(V1::default(), |v1, key| v1.signer(signer(key).name(&key.name.to_uppercase())))
    };
    let hashes = [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let by_hash = |key: &Key, v1: V1| {
        let name = |hash: &Hash| format!("{}-{}", key.name.to_uppercase(), hash.jar_name());
        hashes.iter().skip(1).fold(v1, |v1, hash| {
            v1.signer(V1Signer::new(key).hash(*hash).jar_hash(Hash::Sha256).name(&name(hash)))
        })
    };
    let old_manifest = || Manifest::new("com.example.app").min_sdk(9).target_sdk(22);
    let lineage = || Lineage::from(&rsa).to(&ec).capabilities(3).to(&dsa2).to(&p521);
    vec![
        Case::verifies("v1-every-key", &[1], &every, Apk::new().v1(v1_each(&V1Signer::new))),
        Case::verifies(
            "v1-attributes",
            &[1],
            &every,
            Apk::new().v1(v1_each(&|key| V1Signer::new(key).signed_attributes().combined_oid())),
        ),
        Case::verifies("v1-rsa-hashes", &[1], &[&rsa; 5], Apk::new().v1(by_hash(&rsa, V1::default()))),
        Case::verifies(
            "v1-ec-hashes",
            &[1],
            &[&[&ec; 5][..], &[&p521; 5]].concat(),
            Apk::new().v1(by_hash(&p521, by_hash(&ec, V1::default()))),
        ),
        Case::verifies(
            "v1-md5",
            &[1],
            &[&rsa],
            Apk::new()
                .manifest(old_manifest())
                .v1(V1::default().signer(V1Signer::new(&rsa).hash(Hash::Md5).jar_hash(Hash::Sha1))),
        ),
        Case::verifies(
            "v1-sha512-names",
            &[1],
            &[&ec],
            Apk::new()
                .file(&format!("assets/{}.txt", "very long ".repeat(12)), b"folded lines")
                .v1(V1::default().signer(V1Signer::new(&ec).hash(Hash::Sha512))),
        ),
        Case::verifies(
            "v2-every-key",
            &[2],
            &every,
            every.iter().fold(Apk::new(), |apk, key| apk.v2(Signer::v2(key))),
        ),
        Case::verifies(
            "v2-sha512",
            &[2],
            &[&rsa, &ec, &p384, &p521],
            [(&rsa, algorithm::RSA_SHA512), (&ec, 0x0202), (&p384, 0x0202), (&p521, algorithm::ECDSA_SHA512)]
                .iter()
                .fold(Apk::new(), |apk, (key, algorithm)| apk.v2(Signer::v2(key).algorithms(&[*algorithm]))),
        ),
        Case::verifies(
            "v2-verity",
            &[2],
            &[&rsa, &ec, &dsa2],
            [(&rsa, &[0x0421, 0x0103][..]), (&ec, &[0x0201, 0x0423]), (&dsa2, &[0x0301, 0x0425])]
                .iter()
                .fold(Apk::new(), |apk, (key, algorithms)| apk.v2(Signer::v2(key).algorithms(algorithms))),
        ),
        Case::verifies(
            "v2-large",
            &[2],
            &[&ec],
            Apk::new()
                .file("assets/large", &vec![0x5a; 3_000_001])
                .entry(Entry::deflated("assets/deflated", &b"abcabcabcd".repeat(5000)).data_descriptor())
                .v2(Signer::v2(&ec).algorithms(&[algorithm::ECDSA_SHA512, algorithm::VERITY_ECDSA_SHA256])),
        ),
        Case::verifies(
            "v2-debug",
            &[2],
            &[&Key::android_debug()],
            Apk::new()
                .manifest(Manifest::new("com.example.app").debuggable(true))
                .v2(Signer::v2(&Key::android_debug())),
        ),
        Case::verifies(
            "all-one-key",
            &[1, 2, 3],
            &[&ec],
            Apk::new().manifest(old_manifest()).v1(V1::by(&ec)).v2(Signer::v2(&ec)).v3(Signer::v3(&ec)),
        )
        .options(&["--min-sdk-version", "21"]),
        Case::verifies(
            "all-rotated",
            &[1, 2, 3],
            &[&p521],
            Apk::new().v1(V1::by(&rsa)).v2(Signer::v2(&rsa)).v3(Signer::v3(&p521).lineage(&lineage())),
        )
        .options(&["--min-sdk-version", "21"]),
        Case::verifies(
            "v3-verity",
            &[3],
            &[&ec],
            Apk::new().pair(0x7177_7777, b"{}").v3(Signer::v3(&ec).sdk(28, NO_MAX_SDK).algorithms(&[0x0423])),
        )
        .options(&["--min-sdk-version", "28"]),
        Case::verifies(
            "v3-two-ranges",
            &[3],
            &[&ec3],
            Apk::new().v3(Signer::v3(&ec2).sdk(28, 30).lineage(&Lineage::from(&ec).to(&ec2))).v3(Signer::v3(
                &ec3,
            )
            .sdk(31, NO_MAX_SDK)
            .lineage(&Lineage::from(&ec).to(&ec2).to(&ec3))),
        )
        .options(&["--min-sdk-version", "28"]),
        Case::verifies(
            "v31",
            &[3],
            &[&ec],
            Apk::new()
                .v3(Signer::v3(&ec).sdk(24, 32))
                .v31(Signer::v3(&ec2).sdk(33, NO_MAX_SDK).lineage(&Lineage::from(&ec).to(&ec2))),
        )
        .options(&["--min-sdk-version", "28", "--max-sdk-version", "32"]),
        Case::verifies(
            "odd-certificate",
            &[1, 2],
            &[&odd_certificate(&rsa)],
            Apk::new().v1(V1::by(&odd_certificate(&rsa))).v2(Signer::v2(&odd_certificate(&rsa))),
        )
        .options(&["--min-sdk-version", "21"]),
    ]
}

/// The key with a certificate of another issuer, expired, for signatures alone.
fn odd_certificate(key: &Key) -> Key {
    let certificate = Certificate::new(&[("CN", "odd"), ("O", "Example")])
        .issuer(&[("CN", "issuer")])
        .serial(200)
        .validity("200101000000Z", "200102000000Z")
        .key_usage(0x80)
        .signed_by(key, &Key::named("ec-p384-2"));
    key.clone().with_certificate(certificate)
}

fn broken_cases() -> Vec<Case> {
    let (ec, ec2) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    vec![
        Case::refused("unsigned", Apk::new()),
        Case::refused(
            "v1-entry-changed",
            Apk::new().v1(V1::by(&ec)).entries(|entries| entries[1].data.push(b'!')),
        ),
        Case::refused(
            "v2-signature",
            Apk::new()
                .v2(Signer::v2(&ec).after_signing(|signer| *signer.signatures[0].1.last_mut().unwrap() ^= 1)),
        ),
        Case::refused(
            "v2-content",
            Apk::new().v2(Signer::v2(&ec)).after_signing(|parts| parts.eocd.comment.push(b'!')),
        ),
        Case::refused(
            "v2-stripped",
            Apk::new().v1(V1::by(&ec)).v2(Signer::v2(&ec)).signing_block(|block| block.magic[0] = b'a'),
        ),
        Case::refused(
            "v3-lineage-signature",
            Apk::new().v3(Signer::v3(&ec2).lineage(&Lineage::from(&ec).to(&ec2).after_signing(|nodes| {
                nodes[1].signature[9] ^= 1;
            }))),
        )
        .options(&["--min-sdk-version", "28"]),
        Case::refused(
            "v3-stripped",
            Apk::new().v2(Signer::v2(&ec)).v3(Signer::v3(&ec)).signing_block(|block| {
                block.pairs.retain(|pair| pair.id == id::V2);
            }),
        ),
        Case::refused(
            "v2-wrong-strip-protection",
            Apk::new().v2(Signer::v2(&ec).attribute(attribute::STRIPPING_PROTECTION, &[3, 0, 0, 0])),
        ),
    ]
}

#[test]
fn ring_verifies_pss() {
    let key = Key::named("rsa-2048");
    // SEQUENCE { algorithm, BIT STRING { no unused bits, RSAPublicKey } }
    let (_, spki, _) = der::split(&key.public);
    let (_, _, bits) = der::split(spki);
    let (_, bits, _) = der::split(bits);
    let verify = |algorithm, message: &[u8], signature: &[u8]| {
        UnparsedPublicKey::new(algorithm, &bits[1..]).verify(message, signature).is_ok()
    };
    let signature = key.sign_pss(Hash::Sha256, b"message");
    assert!(verify(&RSA_PSS_2048_8192_SHA256, b"message", &signature));
    assert!(!verify(&RSA_PSS_2048_8192_SHA256, b"another", &signature));
    assert!(verify(&RSA_PSS_2048_8192_SHA512, b"message", &key.sign_pss(Hash::Sha512, b"message")));
    assert_eq!(
        signature,
        key.sign_pss(Hash::Sha256, b"message"),
        "the same message gives the same signature"
    );
}

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let recipe = || {
        let rsa = Key::named("rsa-2048");
        let dsa = Key::named("dsa-2048");
        let pss = Signer::v2(&rsa).algorithms(&[algorithm::RSA_PSS_SHA512]);
        Apk::new().v1(V1::by(&dsa)).v2(pss).v3(Signer::v3(&dsa)).build()
    };
    assert!(recipe() == recipe());
}

#[test]
fn zip_reads_every_kind_of_entry() {
    let text = b"abababab, and so on and so on \xff\x90\x8f".repeat(50);
    let apk = Apk::new()
        .file("stored", &text)
        .entry(Entry::deflated("deflated", &text))
        .entry(Entry::deflated("deflated-late", &text).data_descriptor())
        .entry(Entry::stored("stored-late", &text).data_descriptor())
        .entry(Entry::deflated("empty", b""))
        .v2(Signer::v2(&Key::named("ec-p256")))
        .build();
    let mut archive = ZipArchive::new(Cursor::new(apk)).unwrap();
    for name in ["stored", "deflated", "deflated-late", "stored-late", "empty"] {
        let mut data = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut data).unwrap();
        assert!(data == if name == "empty" { &b""[..] } else { &text }, "{name}");
    }
    let stored = archive.by_name("stored").unwrap();
    assert_eq!(stored.data_start().unwrap() % 4, 0);
    drop(stored);
    assert!(archive.by_name("deflated").unwrap().compressed_size() < text.len() as u64);
}

#[test]
fn aapt_reads_the_manifest() {
    if !on_path("aapt") {
        println!("left out: no aapt on PATH");
        return;
    }
    let manifest = |encoding| {
        Manifest::new("com.example.名字")
            .version(7, "7.0 \u{1f600}")
            .version_code_major(1)
            .min_sdk(26)
            .target_sdk("Q")
            .target_sandbox(2)
            .debuggable(true)
            .label(&"long ".repeat(60))
            .encoding(encoding)
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.apk");
    let aapt = |arguments: &[&str]| String::from_utf8(run("aapt", arguments).stdout).unwrap();
    let dump = |apk: Apk| {
        std::fs::write(&path, apk.build()).unwrap();
        aapt(&["dump", "badging", path.to_str().unwrap()])
    };
    for encoding in [Encoding::Utf8, Encoding::Utf16] {
        let said = dump(Apk::new().manifest(manifest(encoding)));
        for line in [
            "package: name='com.example.名字' versionCode='7' versionName='7.0 \u{1f600}'",
            "sdkVersion:'26'",
            "targetSdkVersion:'Q'",
            "application-debuggable",
        ] {
            assert!(said.lines().any(|said| said.starts_with(line)), "{encoding:?}: no {line} in {said}");
        }
        let tree = aapt(&["dump", "xmltree", path.to_str().unwrap(), "AndroidManifest.xml"]);
        for line in [
            &format!("A: android:label(0x01010001)=\"{0}\" (Raw: \"{0}\")", "long ".repeat(60)),
            "A: android:versionCodeMajor(0x01010576)=(type 0x10)0x1",
            "A: android:targetSandboxVersion(0x0101054c)=(type 0x10)0x2",
        ] {
            assert!(tree.contains(line), "{encoding:?}: no {line} in {tree}");
        }
    }
    let twice = Manifest::new("com.example.app").no_uses_sdk().another_min_sdk(21).another_min_sdk("O");
    let said = dump(Apk::new().manifest(twice));
    assert!(said.contains("sdkVersion:'21'") && said.contains("sdkVersion:'O'"), "{said}");
    let bare = encode(&builder::manifest::Element::new("manifest").plain("package", "a.b"), Encoding::Utf16);
    assert!(dump(Apk::new().manifest_bytes(&bare)).starts_with("package: name='a.b'"));
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

fn run(program: &str, arguments: &[&str]) -> Output {
    // A short run is over before the second compiler of the JVM pays.
    let options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
    Command::new(program).args(arguments).env("JAVA_TOOL_OPTIONS", options).output().unwrap()
}

#[test]
fn far_matches_are_what_the_zip_crate_inflates() {
    let lines: Vec<u8> = (0..2000_u32).flat_map(|n| format!("line {:05}\n", n * 7).into_bytes()).collect();
    let data = [&b"ab"[..], &b"x ".repeat(700), &lines, &vec![0; 70_000], &lines[..5000], b"end"].concat();
    for distances in [&[1_usize, 2, 11][..], &[1, 5, 24, 80, 915, 22_000, 32_768], &[]] {
        let bytes = Apk::new().entry(Entry::deflated("far", &data).deflated_far(distances)).build();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut read = Vec::new();
        archive.by_name("far").unwrap().read_to_end(&mut read).unwrap();
        assert!(read == data, "{distances:?}");
    }
}
