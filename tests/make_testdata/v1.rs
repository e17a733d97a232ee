//! JAR signing.

use super::Case;
use super::Keys;
use super::case;
use super::edit;
use super::flip_last;
use super::min_sdk;
use super::replace;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::der;
use crate::builder::hash::base64;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    const MANIFEST: &str = "META-INF/MANIFEST.MF";
    const SF: &str = "META-INF/CERT.SF";
    const BLOCK: &str = "META-INF/CERT.EC";
    const SECTION: &str = "Name: classes.dex\r\n";
    const ANDROID: &str = "apksig takes it, no Android version does";
    const FOLDED: &str = "apksig does not ask what Android up to 4.4 makes of it";
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
            let digest = base64(&Hash::Sha256.digest(main.as_bytes()));
            let line = format!("SHA-256-Digest-Manifest-Main-Attributes: {digest}\r\n\r\nName");
            *text = text.replacen("\r\nName", &line, 1);
        }))
    };
    // Text in the manifest or the signature file, before it is digested or signed.
    let in_manifest = |old: &'static str, new: &'static str| {
        let change = move |text: &mut String| *text = replaced(text, old, new);
        Apk::new().v1(V1::by(a).manifest(change))
    };
    let in_signature_file = |old: &'static str, new: &'static str| {
        by(signer().signature_file(move |text| *text = replaced(text, old, new)))
    };
    // Surplus empty lines in the manifest, which signature files do not count in.
    let surplus_lines = |whole_digest: bool| {
        let signer = signer().signature_file(move |text| {
            if !whole_digest {
                *text = replaced(text, "SHA-256-Digest-Manifest: ", "X-Digest-Manifest: ");
            }
        });
        Apk::new().v1(V1::default().signer(signer).manifest(|text| text.push_str("\r\n")))
    };
    // The files of another signature, in front of the true one and named by `rename`.
    let other_names = |level: u32, rename: fn(&str) -> String| {
        let other = V1::by(b);
        min_sdk(level).v1(V1::by(a)).entries(move |entries| {
            let signed = |entry: &&Entry| !entry.name.starts_with("META-INF/");
            let signed: Vec<Entry> = entries.iter().filter(signed).cloned().collect();
            let mut files = other.sign(&signed, "");
            for file in &mut files {
                file.name = rename(&file.name);
            }
            entries.splice(0..0, files);
        })
    };
    let in_lower_case = |name: &str| name.to_lowercase().replace("meta-inf/", "META-INF/");
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
        .verified(&["v1"], &[a])
        .warned(&["v1-unprotected-entry"]),
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
        case(
            "v1/sha1",
            "signature and entries by SHA-1, which Android takes: verified",
            by(signer().hash(Hash::Sha1)),
        )
        .verified(&["v1"], &[a])
        .warned(&["weak-digest"]),
        case(
            "v1/md5",
            "signature by MD5, entries by SHA-256: verified",
            by(V1Signer::new(rsa).hash(Hash::Md5).jar_hash(Hash::Sha256)),
        )
        .verified(&["v1"], &[rsa])
        .warned(&["weak-digest"]),
        case(
            "v1/entries-by-sha1",
            "signature by SHA-256, entries by SHA-1: verified",
            by(signer().jar_hash(Hash::Sha1)),
        )
        .verified(&["v1"], &[a])
        .warned(&["weak-digest"]),
        case(
            "v1/v3-stripped",
            "v1 mentions v2 and v3, and v3 was removed: Android 9 and up would refuse on v1",
            min_sdk(21).v1(V1::by(a).schemes("2, 3")).v2(Signer::v2(a)),
        )
        .refused(&["v1-scheme-stripped"])
        .verified_for(None, Some(27), &["v1", "v2"], &[a]),
        case(
            "v1/missing-below-24",
            "v2 alone, though Android 5 and 6 read v1 alone: refused for these",
            min_sdk(21).v2(Signer::v2(a)),
        )
        .refused(&["v1-no-manifest"])
        .verified_for(Some(24), None, &["v2"], &[a]),
        case(
            "v1/manifest-attribute",
            "an attribute of nobody's in a section of the manifest: verified",
            in_manifest(SECTION, "Name: classes.dex\r\nX-Note: a:b\r\n"),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/manifest-zero",
            "a zero in a value of the manifest: no Android version reads it",
            in_manifest(SECTION, "Name: classes.dex\r\nX-Note: a\0b\r\n"),
        )
        .refused(&["v1-malformed-manifest"])
        .apart(ANDROID),
        case(
            "v1/manifest-colon",
            "a colon without a space in the manifest: no Android version reads it",
            in_manifest(SECTION, "Name: classes.dex\r\nX-Note:ab\r\n"),
        )
        .refused(&["v1-malformed-manifest"])
        .apart(ANDROID),
        case(
            "v1/manifest-attribute-name",
            "a space in the name of an attribute of the manifest: no Android version reads it",
            in_manifest(SECTION, "Name: classes.dex\r\nX Note: ab\r\n"),
        )
        .refused(&["v1-malformed-manifest"])
        .apart(ANDROID),
        case(
            "v1/manifest-empty-line-first",
            "the manifest begins with an empty line: no Android version reads it",
            in_manifest("Manifest-Version", "\r\nManifest-Version"),
        )
        .refused(&["v1-malformed-manifest"])
        .apart(ANDROID),
        case(
            "v1/signature-file-attribute-name",
            "a space in the name of an attribute of the signature file: Android passes over its signer",
            in_signature_file("Created-By", "Created By"),
        )
        .refused(&["v1-malformed-manifest"])
        .apart(ANDROID),
        case(
            "v1/manifest-digest-repeated",
            "a digest of the manifest stands there twice, the same both times: verified",
            Apk::new().v1(V1::by(a).manifest(|text| {
                let line = digest_line(text).to_owned();
                *text = text.replacen(&line, &format!("{line}\r\n{line}"), 1);
            })),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/manifest-digest-twice",
            "a digest of the manifest stands there twice: apksig takes the first, Android the other",
            Apk::new().v1(V1::by(a).manifest(|text| {
                let line = digest_line(text).to_owned();
                let other = format!("SHA-256-Digest: {}", base64(&Hash::Sha256.digest(b"another file")));
                *text = text.replacen(&line, &format!("{line}\r\n{other}"), 1);
            })),
        )
        .refused(&["v1-ambiguous-attribute"])
        .apart(ANDROID),
        case(
            "v1/manifest-unended",
            "the last line of the manifest, a digest, has no end: Android drops it",
            Apk::new().v1(V1::by(a).manifest(|text| text.truncate(text.trim_end().len()))),
        )
        .refused(&["v1-ambiguous-attribute"])
        .apart(ANDROID),
        case(
            "v1/manifest-unended-note",
            "the last line of the manifest, an attribute of nobody's, has no end: verified",
            Apk::new().v1(V1::by(a).manifest(|text| {
                text.truncate(text.trim_end().len());
                text.push_str("\r\nX-Note: a");
            })),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/scheme-stripped-twice",
            "v1 mentions schemes twice, v2 the second time, and v2 was removed: Android takes the second",
            by(signer().signature_file(|text| {
                let twice = "X-Android-APK-Signed: 9\r\nX-Android-APK-Signed: 2\r\n\r\n";
                *text = text.replacen("\r\n\r\n", &format!("\r\n{twice}"), 1);
            })),
        )
        .refused(&["v1-ambiguous-attribute"])
        .apart(ANDROID),
        case(
            "v1/manifest-surplus-lines",
            "two empty lines behind a section of the manifest, which is signed as a whole: verified",
            surplus_lines(true),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/manifest-surplus-lines-by-section",
            "two empty lines behind a section, sections signed one by one: apksig digests one, Android both",
            surplus_lines(false),
        )
        .refused(&["v1-manifest-section-digest-mismatch"])
        .apart(ANDROID),
        case(
            "v1/names-other-case",
            "another signature with names in lower case in front: Android up to 4.4 takes that one",
            other_names(19, in_lower_case),
        )
        .refused(&["v1-ambiguous-names"])
        .warned(&["zip-name-case"])
        .verified_for(Some(21), None, &["v1"], &[a])
        .warned(&["zip-name-case"])
        .apart(FOLDED),
        case(
            "v1/names-other-case-21",
            "another signature with names in lower case in front, for Android 5 and up: verified",
            other_names(21, in_lower_case),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-name-case"]),
        case(
            "v1/names-second-signer",
            "another signature whose block has its suffix in lower case: Android up to 4.4 sees two signers",
            other_names(19, |name| {
                name.replace("CERT.SF", "b.sf").replace("CERT.EC", "b.ec").replace("MANIFEST", "x")
            }),
        )
        .refused(&["v1-ambiguous-names"])
        .verified_for(Some(21), None, &["v1"], &[a])
        .apart(FOLDED),
        case(
            "v1/names-lower-case",
            "the one signer's files have a name in lower case: verified",
            min_sdk(18).v1(V1::default().signer(signer().name("cert"))),
        )
        .verified(&["v1"], &[a]),
        case(
            "v1/names-of-others",
            "files of nobody's in META-INF/ beside the signature, some with like names: verified",
            min_sdk(18).v1(V1::by(a)).entries(|entries| {
                for name in
                    ["META-INF/services/x", "META-INF/tune.sf", "META-INF/key.rsa", "META-INF/manifest.mf"]
                {
                    entries.push(Entry::stored(name, b"x"));
                }
            }),
        )
        .verified(&["v1"], &[a])
        .warned(&["zip-name-case"]),
    ]
}

/// The text with a part of it replaced, which must be there.
fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "no {old:?}");
    text.replacen(old, new, 1)
}

/// The first line of a manifest with a digest of an entry.
fn digest_line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("SHA-256-Digest: ")).unwrap()
}
