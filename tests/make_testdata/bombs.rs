//! Small files that ask for much: each is judged, at a cost in proportion to its size or up to a limit.
//!
//! What takes more than 20 kB is built in `tests/bombs.rs`, which also holds all of them to time and memory.

use super::Case;
use super::Keys;
use super::case;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::der;
use crate::builder::manifest::Element;
use crate::builder::manifest::Encoding;
use crate::builder::manifest::attr;

/// The lengths that the certificates of the chain below can have: signatures have up to 72 bytes.
const CERTIFICATES: [usize; 5] = [1018, 1019, 1020, 1021, 1022];
const REFERENCE: &str = "the reference takes very long, or all memory";

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let Keys { a, rsa, .. } = keys;
    let mut cases = manifests(a);
    cases.extend(jar_manifests(a, rsa));
    cases.extend(blocks(a));
    cases.push(
        case(
            "bombs/announced-content",
            "an entry announces 600 MiB: more than is read and inflated of a file of this size",
            Apk::new().manifest(Manifest::new("com.example.app").min_sdk(21)).v1(V1::by(a)).entries(
                super::edit("classes.dex", |entry| {
                    *entry = Entry::deflated("classes.dex", &entry.data).raw(|raw| {
                        raw.local.uncompressed = 600 << 20;
                        raw.central[0].uncompressed = 600 << 20;
                    });
                }),
            ),
        )
        .refused(&["limit-exceeded"])
        .apart(REFERENCE),
    );
    cases.into_iter().map(|case| case.apart(REFERENCE)).collect()
}

/// Packs all entries but the signed code, whose matches stand at these distances.
fn packed(distances: &'static [usize]) -> impl Fn(&mut Vec<Entry>) {
    move |entries| {
        for entry in entries.iter_mut().filter(|entry| entry.data.len() > 1000) {
            *entry = entry.clone().deflated_far(distances);
        }
    }
}

fn manifests(a: &Key) -> Vec<Case> {
    let version_names = Manifest::new("com.example.app").encoding(Encoding::Utf16).tree(|root| {
        let name = "1".repeat(40_000);
        for _ in 0..10_000 {
            *root = std::mem::replace(root, Element::new("")).android(
                attr::VERSION_NAME,
                "versionName",
                name.as_str(),
            );
        }
    });
    let code_names = Manifest::new("com.example.app").encoding(Encoding::Utf16).no_uses_sdk().tree(|root| {
        let name = "a".repeat(40_000);
        for _ in 0..5_000 {
            root.children.push(Element::new("uses-sdk").android(
                attr::MIN_SDK_VERSION,
                "minSdkVersion",
                name.as_str(),
            ));
        }
    });
    vec![
        case(
            "bombs/version-name",
            "10,000 attributes share a version name of 40,000 letters, of which the start is kept: verified",
            Apk::new().manifest(version_names).v2(Signer::v2(a)).entries(packed(&[1, 2, 20])),
        )
        .verified(&["v2"], &[a]),
        case(
            "bombs/min-sdk-codename",
            "5,000 elements share a minimum level of 40,000 letters, longer than any that Android could mean",
            Apk::new().manifest(code_names).v2(Signer::v2(a)).entries(packed(&[1, 2, 80])),
        )
        .refused(&["manifest-ambiguous"]),
    ]
}

fn jar_manifests(a: &Key, rsa: &Key) -> Vec<Case> {
    let old = || Apk::new().manifest(Manifest::new("com.example.app").min_sdk(9));
    let by = |signer: V1Signer| V1::default().signer(signer);
    let names = by(V1Signer::new(rsa).hash(Hash::Sha1).signature_file(|text| {
        let listed = format!("Digest-Algorithms: {}SHA1\r\n\r\nName", "x ".repeat(500_000));
        *text = text.replacen("\r\nName", &listed, 1);
    }));
    // What is refused for its manifest needs no sections in the signature file.
    let short =
        || by(V1Signer::new(a).signature_file(|text| text.truncate(text.find("\r\n\r\n").unwrap() + 4)));
    let lines = short().manifest(|text| {
        text.push_str("Name: x\r\n");
        text.push_str(&" y\r\n".repeat(500_000));
        text.push_str("\r\n");
    });
    let sections = short().manifest(|text| text.push_str(&"A: 1\r\n\r\n".repeat(60_000)));
    let too_many = short().manifest(|text| text.push_str(&"A: 1\r\n\r\n".repeat(70_000)));
    let schemes = V1::by(a).schemes(&format!("{}9", "9,".repeat(200_000)));
    vec![
        case(
            "bombs/digest-algorithms",
            "the signature file lists 500,000 digest algorithms, the last of which is known: verified",
            old().v1(names).entries(packed(&[1, 2])),
        )
        .verified(&["v1"], &[rsa])
        .warned(&["weak-digest"]),
        case(
            "bombs/continuation-lines",
            "a section of the manifest has 500,000 lines that continue its name",
            Apk::new().v1(lines).entries(packed(&[4])),
        )
        .refused(&["v1-missing-entry"]),
        case(
            "bombs/unnamed-sections",
            "60,000 sections of the manifest have no name: most are counted, not told",
            Apk::new().v1(sections).entries(packed(&[8])),
        )
        .refused(&["v1-unnamed-manifest-section"]),
        case(
            "bombs/too-many-sections",
            "70,000 sections in the manifest: more than an archive can have entries",
            Apk::new().v1(too_many).entries(packed(&[8])),
        )
        .refused(&["limit-exceeded"]),
        case(
            "bombs/unknown-schemes",
            "the signature file mentions an unknown scheme 200,000 times, and is told once: verified",
            Apk::new().v1(schemes).entries(packed(&[2, 144])),
        )
        .verified(&["v1"], &[a]),
    ]
}

fn blocks(a: &Key) -> Vec<Case> {
    let by = |signer: V1Signer| Apk::new().v1(V1::default().signer(signer));
    let types = V1Signer::new(a).signed_attributes().signer_info(|info| {
        let types = (0..1000_u32).map(|number| {
            let end = [0x81 + (number >> 7), number & 0x7f].map(|octet| octet.to_le_bytes()[0]);
            let numbers = [&[0x2a][..], &[1; 900], &end];
            der::sequence(&[der::element(0x06, &numbers.concat()), der::set(&[])])
        });
        info.signed_attributes.as_mut().unwrap().extend(types);
    });
    let infos =
        V1Signer::new(a).signature_file(|text| text.push_str(&"\r\n".repeat(1 << 18))).pkcs7(|pkcs7| {
            let info = &mut pkcs7.signer_infos[0];
            *info.signature.last_mut().unwrap() ^= 1;
            pkcs7.signer_infos = vec![info.clone(); 64];
        });
    let dsa = Key::named("dsa-2048");
    let subject = |number: u32| format!("{number:03}");
    let leaf = Certificate::new(&[("CN", "app")]).issuer(&[("CN", &subject(0))]).self_signed(a);
    let leaf = a.clone().with_certificate(leaf);
    let mut chained = V1Signer::new(&leaf);
    for number in 0..100 {
        let certificate = Certificate::new(&[("CN", &subject(number))])
            .issuer(&[("CN", &subject(number + 1))])
            .public_key(dsa.public.clone())
            .self_signed(a);
        chained = chained.certificate(certificate);
    }
    vec![
        case(
            "bombs/attribute-types",
            "1,000 signed attributes of long types that differ in their ends: verified",
            by(types).entries(packed(&[1, 915, 914, 916, 913])),
        )
        .verified(&["v1"], &[a]),
        case(
            "bombs/signer-infos",
            "64 signatures over a signature file of 512 KiB, none of which verifies",
            by(infos).entries(packed(&[2, 126, 127, 128, 129, 130, 131, 132, 133])),
        )
        .refused(&["v1-signature-mismatch"]),
        case(
            "bombs/chain-of-dsa-keys",
            "a chain of 100 certificates with DSA keys by which nothing is signed: verified",
            by(chained).entries(packed(&CERTIFICATES)),
        )
        .verified(&["v1"], &[&leaf])
        .warned(&["fake-id"]),
    ]
}
