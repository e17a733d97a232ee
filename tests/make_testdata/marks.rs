//! What files carry beside Android's signatures: `marks.toml` says what is expected of each mark.

use std::fmt::Write as _;

use super::Case;
use super::Keys;
use super::case;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Frosting;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::der;
use crate::builder::hash::hex;
use crate::builder::id;
use crate::builder::marks;

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let parts =
        [channels, blocks, storage, frosting, transparency, transparency_faults, unknown, hints, profiles];
    parts.iter().flat_map(|part| part(keys)).collect()
}

/// An id that nobody has published.
const UNKNOWN: u32 = 0x1234_5678;

/// What is expected of the marks of one file.
#[derive(Default)]
struct Expected {
    marks: Vec<Mark>,
    /// Codes of the findings, of verification and of the marks, that are no errors.
    findings: Vec<&'static str>,
    frosting_key: Option<&'static str>,
}

/// What is expected of one mark.
struct Mark {
    kind: &'static str,
    state: &'static str,
    place: String,
    covers: Option<&'static str>,
    looks_like: Option<&'static str>,
    fields: Vec<(String, String)>,
    certificates: Vec<String>,
}

fn mark(kind: &'static str, state: &'static str, place: &str) -> Mark {
    Mark {
        kind,
        state,
        place: place.to_owned(),
        covers: None,
        looks_like: None,
        fields: Vec::new(),
        certificates: Vec::new(),
    }
}

/// The place of a pair.
fn pair(id: u32) -> String {
    format!("{id:#010x}")
}

impl Mark {
    /// One of the things that it says; not all need to be named.
    fn says(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn covers(mut self, covers: &'static str) -> Self {
        self.covers = Some(covers);
        self
    }

    fn looks_like(mut self, shape: &'static str) -> Self {
        self.looks_like = Some(shape);
        self
    }

    fn signed_by(mut self, key: &Key) -> Self {
        self.certificates.push(key.certificate_digest());
        self
    }
}

impl Case {
    /// The marks in their order.
    fn marks(self, marks: Vec<Mark>) -> Self {
        self.expects(&Expected { marks, ..Expected::default() })
    }

    /// The marks, and codes of findings that are no errors.
    fn marks_with(self, marks: Vec<Mark>, findings: &[&'static str]) -> Self {
        self.expects(&Expected { marks, findings: findings.to_vec(), ..Expected::default() })
    }

    /// The same for frosting by the key `ec-p256-3`.
    fn frosted(self, mark: Mark, findings: &[&'static str]) -> Self {
        self.expects(&Expected {
            marks: vec![mark],
            findings: findings.to_vec(),
            frosting_key: Some("ec-p256-3"),
        })
    }

    fn expects(mut self, expected: &Expected) -> Self {
        self.files.push(("marks.toml", expected.toml()));
        self
    }

    fn profile(mut self, text: &str) -> Self {
        self.files.push(("profile.toml", format!("schema = 1\n\n{text}")));
        self
    }
}

impl Expected {
    fn toml(&self) -> String {
        let quote = |text: &str| toml::Value::from(text).to_string();
        let mut out = String::new();
        if let Some(key) = self.frosting_key {
            writeln!(out, "frosting_key = {}", quote(key)).unwrap();
        }
        writeln!(out, "findings = {:?}", self.findings).unwrap();
        for mark in &self.marks {
            writeln!(out, "\n[[mark]]").unwrap();
            for (name, value) in [("kind", mark.kind), ("state", mark.state), ("place", &mark.place)] {
                writeln!(out, "{name} = {}", quote(value)).unwrap();
            }
            for (name, value) in [("covers", mark.covers), ("looks_like", mark.looks_like)] {
                if let Some(value) = value {
                    writeln!(out, "{name} = {}", quote(value)).unwrap();
                }
            }
            if !mark.fields.is_empty() {
                let fields: Vec<_> = mark
                    .fields
                    .iter()
                    .map(|(name, value)| format!("[{}, {}]", quote(name), quote(value)))
                    .collect();
                writeln!(out, "fields = [{}]", fields.join(", ")).unwrap();
            }
            if !mark.certificates.is_empty() {
                writeln!(out, "certificates = {:?}", mark.certificates).unwrap();
            }
        }
        out
    }
}

fn channels(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let with = |id, value: &[u8]| Apk::new().v2(Signer::v2(a)).pair(id, value);
    let packed = marks::packer_ng("CHANNEL\u{2218}store\u{2219}");
    let mut lengths_differ = packed.clone();
    let at = lengths_differ.len() - 4;
    lengths_differ[at] += 1;
    let comment = |text: Vec<u8>| {
        Apk::new().v1(V1::by(a)).before_signing(move |parts| parts.eocd.comment.clone_from(&text))
    };
    vec![
        case(
            "marks/walle-channel",
            "a channel by Walle: shown as a claim",
            with(id::WALLE, br#"{"channel":"store","buildtime":"20260101"}"#),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("walle-channel", "claim", &pair(id::WALLE))
                .says("channel", "store")
                .says("buildtime", "20260101"),
        ]),
        case(
            "marks/walle-hostile",
            "a channel with characters that a terminal obeys: kept raw, escaped by whoever prints it",
            with(id::WALLE, "{\"channel\":\"\\u001b[2J\u{202e}x\\n  verified\"}".as_bytes()),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("walle-channel", "claim", &pair(id::WALLE))
                .says("channel", "\u{1b}[2J\u{202e}x\n  verified"),
        ]),
        case(
            "marks/walle-not-json",
            "the pair of Walle holds something else than a JSON object",
            with(id::WALLE, b"[\"store\"]"),
        )
        .verified(&["v2"], &[a])
        .marks_with(
            vec![mark("walle-channel", "broken", &pair(id::WALLE)).looks_like("json")],
            &["mark-malformed"],
        ),
        case("marks/vasdolly-channel", "a channel by VasDolly", with(id::VASDOLLY, "渠道".as_bytes()))
            .verified(&["v2"], &[a])
            .marks(vec![mark("vasdolly-channel", "claim", &pair(id::VASDOLLY)).says("channel", "渠道")]),
        case(
            "marks/vasdolly-not-utf8",
            "a channel by VasDolly that is no text",
            with(id::VASDOLLY, b"\xff\0"),
        )
        .verified(&["v2"], &[a])
        .marks_with(
            vec![mark("vasdolly-channel", "broken", &pair(id::VASDOLLY)).looks_like("binary")],
            &["mark-malformed"],
        ),
        case(
            "marks/vasdolly-comment",
            "a channel by VasDolly behind another archive comment, signed with v1 alone",
            comment([b"hello ", &marks::vasdolly_comment("store")[..]].concat()),
        )
        .verified(&["v1"], &[a])
        .marks(vec![
            mark("vasdolly-comment", "claim", "comment").says("channel", "store").says("before", "hello "),
        ]),
        case(
            "marks/vasdolly-comment-too-long",
            "the channel by VasDolly would start before the comment",
            comment(b"st\x03\0ltlovezh".to_vec()),
        )
        .verified(&["v1"], &[a])
        .marks_with(
            vec![mark("vasdolly-comment", "broken", "comment").looks_like("binary")],
            &["mark-malformed"],
        ),
        case(
            "marks/comment-like-vasdolly",
            "the comment ends almost as VasDolly's: a comment of no known kind",
            comment(b"store\x05\0ltlovezi".to_vec()),
        )
        .verified(&["v1"], &[a])
        .marks(vec![mark("archive-comment", "claim", "comment").looks_like("binary")]),
        case("marks/packer-ng-channel", "a channel by packer-ng", with(id::PACKER_NG, &packed))
            .verified(&["v2"], &[a])
            .marks(vec![mark("packer-ng-channel", "claim", &pair(id::PACKER_NG)).says("CHANNEL", "store")]),
        case(
            "marks/packer-ng-tail",
            "bytes behind the channel by packer-ng, which its reader does not look at",
            with(id::PACKER_NG, &[&packed[..], b"\xca\xfe"].concat()),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("packer-ng-channel", "claim", &pair(id::PACKER_NG))
                .says("CHANNEL", "store")
                .says("trailing-bytes", "cafe"),
        ]),
        case(
            "marks/packer-ng-lengths-differ",
            "the two lengths of the channel by packer-ng differ",
            with(id::PACKER_NG, &lengths_differ),
        )
        .verified(&["v2"], &[a])
        .marks_with(
            vec![mark("packer-ng-channel", "broken", &pair(id::PACKER_NG)).looks_like("binary")],
            &["mark-malformed"],
        ),
        case(
            "marks/meta-inf-channel",
            "a channel in the name of an empty entry, which v1 does not protect",
            Apk::new().v1(V1::by(a)).file("META-INF/mtchannel_store", b""),
        )
        .verified(&["v1"], &[a])
        .marks_with(
            vec![mark("meta-inf-channel", "claim", "META-INF/mtchannel_store").says("channel", "store")],
            &["v1-unprotected-entry"],
        ),
        case(
            "marks/meta-inf-channel-with-content",
            "an entry of such a name that is not empty: a file of no known kind",
            Apk::new().v2(Signer::v2(a)).file("META-INF/mtchannel_store", b"x"),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-entry", "claim", "META-INF/mtchannel_store").looks_like("text").says("text", "x"),
        ]),
    ]
}

fn blocks(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = || Apk::new().v2(Signer::v2(a));
    vec![
        case(
            "marks/dependency-info",
            "dependencies of the app, encrypted to Google Play",
            v2().pair(id::DEPENDENCY_INFO, &[0x9c, 0xe1, 0x07, 0x55]),
        )
        .verified(&["v2"], &[a])
        .marks(vec![mark("dependency-info", "present", &pair(id::DEPENDENCY_INFO))]),
        case("marks/zero-block", "the \\\"zero block\\\"", v2().pair(id::ZERO_BLOCK, &[0; 8]))
            .verified(&["v2"], &[a])
            .marks(vec![mark("zero-block", "claim", &pair(id::ZERO_BLOCK)).looks_like("zeros")]),
        case("marks/padding", "padding of zeros", v2().aligned()).verified(&["v2"], &[a]).marks(vec![mark(
            "verity-padding",
            "claim",
            &pair(id::PADDING),
        )]),
        case(
            "marks/padding-not-zero",
            "something else than zeros in the padding, which nothing signs",
            v2().aligned().signing_block(|block| {
                block.pair(id::PADDING).value[2000..2007].copy_from_slice(b"payload");
            }),
        )
        .verified(&["v2"], &[a])
        .warned(&["signing-block-padding-not-zero"])
        .marks_with(
            vec![mark("verity-padding", "broken", &pair(id::PADDING)).looks_like("binary")],
            &["signing-block-padding-not-zero"],
        ),
    ]
}

fn storage(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let v2 = || Apk::new().v2(Signer::v2(a));
    let code = ["signer-trailing-bytes"];
    let large = |len| v2().pair(UNKNOWN, &vec![b'x'; len]);
    vec![
        case(
            "marks/pair-of-4096-bytes",
            "an unknown pair of the size that passes without a word",
            large(4096),
        )
        .verified(&["v2"], &[a])
        .marks(vec![mark("unknown-block", "claim", &pair(UNKNOWN)).looks_like("text")]),
        case("marks/pair-of-4097-bytes", "an unknown pair larger than anything known needs", large(4097))
            .verified(&["v2"], &[a])
            .warned(&["signing-block-large-pair"])
            .marks_with(
                vec![mark("unknown-block", "claim", &pair(UNKNOWN)).looks_like("text")],
                &["signing-block-large-pair"],
            ),
        case(
            "marks/signer-tail",
            "bytes behind the public key of a v2 signer, which nothing signs",
            Apk::new().v2(Signer::v2(a).after_signing(|signer| signer.tail = vec![0; 3])),
        )
        .verified(&["v2"], &[a])
        .warned(&["signer-trailing-bytes"])
        .marks_with(Vec::new(), &code),
        case(
            "marks/signers-tail",
            "bytes behind the list of v3 signers, which nothing signs",
            min_sdk(28).v3(Signer::v3(a)).signing_block(|block| block.pair(id::V3).value.push(0)),
        )
        .verified(&["v3"], &[a])
        .warned(&["signer-trailing-bytes"])
        .marks_with(Vec::new(), &code),
        case(
            "marks/signature-record-tail",
            "bytes behind a signature inside its record, which nothing signs",
            Apk::new().v2(Signer::v2(a).bytes(lengthen_signature_record)),
        )
        .verified(&["v2"], &[a])
        .warned(&["signer-trailing-bytes"])
        .marks_with(Vec::new(), &code),
        case(
            "marks/signed-data-tail",
            "bytes other than zeros behind the attributes of a v2 signer, signed by it",
            Apk::new().v2(Signer::v2(a).before_signing(|data| data.tail = b"more".to_vec())),
        )
        .verified(&["v2"], &[a])
        .marks_with(Vec::new(), &code),
        case(
            "marks/signed-data-tail-of-zeros",
            "zeros behind the attributes of a v2 signer, as apksig writes them",
            Apk::new().v2(Signer::v2(a).before_signing(|data| data.tail = vec![0; 8])),
        )
        .verified(&["v2"], &[a])
        .marks(Vec::new()),
    ]
}

/// Adds a byte to the first signature record of a v2 signer, and to the lengths around it.
fn lengthen_signature_record(signer: &mut Vec<u8>) {
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let list = 4 + number(signer, 0) as usize;
    let record = list + 4;
    for at in [list, record] {
        let longer = number(signer, at) + 1;
        signer[at..at + 4].copy_from_slice(&longer.to_le_bytes());
    }
    let end = record + 3 + number(signer, record) as usize;
    signer.insert(end, 7);
}

fn frosting(keys: &Keys) -> Vec<Case> {
    let (a, b, c) = (&keys.a, &keys.b, &keys.c);
    let v2 = || Apk::new().v2(Signer::v2(a));
    let frosted = |apk: Apk, frosting: Frosting| apk.after_signing(move |parts| frosting.add(parts));
    let place = pair(id::FROSTING);
    let of = |state| mark("play-frosting", state, &place);
    let good = || Frosting::by(c);
    let another = marks::file_sha256(&crate::builder::Parts::of(&[]));
    vec![
        case("marks/frosting", "frosted, by a key of our own", frosted(v2(), good()))
            .verified(&["v2"], &[a])
            .frosted(of("verified").covers("file").says("key-index", "0"), &[]),
        case(
            "marks/frosting-with-v3",
            "frosted, signed with v3 alone: the v3 pair is not covered",
            frosted(min_sdk(28).v3(Signer::v3(a)), good()),
        )
        .verified(&["v3"], &[a])
        .frosted(of("verified").covers("file"), &[]),
        case(
            "marks/frosting-and-channel",
            "a channel added to a frosted file: frosting does not cover it",
            frosted(v2(), good()).after_signing(|parts| {
                let pairs = &mut parts.signing_block.as_mut().unwrap().pairs;
                pairs.push(Pair::new(id::VASDOLLY, b"store".to_vec()));
            }),
        )
        .verified(&["v2"], &[a])
        .expects(&Expected {
            marks: vec![
                of("verified").covers("file"),
                mark("vasdolly-channel", "claim", &pair(id::VASDOLLY)).says("channel", "store"),
            ],
            frosting_key: Some("ec-p256-3"),
            ..Expected::default()
        }),
        case(
            "marks/frosting-second-entry",
            "the first entry is disabled: the second counts, with its own signature",
            frosted(
                v2(),
                good().entries(|entries| {
                    let mut first = entries[0].clone();
                    first.disabled = 1;
                    first.file_sha256 = Some(vec![7; 32]);
                    entries.insert(0, first);
                }),
            ),
        )
        .verified(&["v2"], &[a])
        .frosted(of("verified").covers("file"), &[]),
        case(
            "marks/frosting-first-of-two-entries",
            "the first entry counts: its signature does not cover the second, which is for another key",
            frosted(
                v2(),
                good().entries(|entries| {
                    let mut second = entries[0].clone();
                    second.key_index = 9;
                    entries.push(second);
                }),
            ),
        )
        .verified(&["v2"], &[a])
        .frosted(of("verified").covers("file").says("key-index", "0"), &[]),
        case(
            "marks/frosting-all-disabled",
            "the only entry is disabled: nothing to verify",
            frosted(v2(), good().entries(|entries| entries[0].disabled = 1)),
        )
        .verified(&["v2"], &[a])
        .frosted(of("present"), &[]),
        case(
            "marks/frosting-unknown-key",
            "signed with key 1, which is not known",
            frosted(v2(), good().entries(|entries| entries[0].key_index = 1)),
        )
        .verified(&["v2"], &[a])
        .frosted(of("present").says("key-index", "1"), &[]),
        case(
            "marks/frosting-other-signer",
            "signed by another key than it says",
            frosted(v2(), Frosting::by(b)),
        )
        .verified(&["v2"], &[a])
        .frosted(of("broken"), &["frosting-signature-mismatch"]),
        case(
            "marks/frosting-not-by-google",
            "frosted by a key of our own, held against the key of Google Play",
            frosted(v2(), good()),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![of("broken")], &["frosting-signature-mismatch"]),
        case(
            "marks/frosting-of-another-file",
            "frosting that was made for another file",
            frosted(v2(), good().entries(move |entries| entries[0].file_sha256 = Some(another))),
        )
        .verified(&["v2"], &[a])
        .frosted(of("broken"), &["frosting-digest-mismatch"]),
        case(
            "marks/frosting-then-signed-again",
            "the v2 signer changed after frosting",
            frosted(v2(), good()).after_signing({
                let other = Apk::new().v2(Signer::v2(b));
                move |parts| {
                    let bytes = other.build();
                    let start = bytes.windows(4).position(|window| window == id::V2.to_le_bytes()).unwrap();
                    let len = u64::from_le_bytes(bytes[start - 8..start].try_into().unwrap());
                    let value = bytes[start + 4..start + usize::try_from(len).unwrap()].to_vec();
                    parts.signing_block.as_mut().unwrap().pair(id::V2).value = value;
                }
            }),
        )
        .verified(&["v2"], &[b])
        .frosted(of("broken"), &["frosting-digest-mismatch"]),
        case(
            "marks/frosting-truncated",
            "the signature of the frosting breaks off",
            frosted(v2(), good()).signing_block(|_| {}).after_signing(|parts| {
                parts.signing_block.as_mut().unwrap().pair(id::FROSTING).value.pop();
            }),
        )
        .verified(&["v2"], &[a])
        .frosted(of("broken"), &["frosting-malformed"]),
    ]
}

const DEX: &[u8] = b"dex\n035\0not really code";
const LIBRARY: &[u8] = b"\x7fELF not really code";
const TRANSPARENCY: &str = "META-INF/code_transparency_signed.jwt";

fn sha256(bytes: &[u8]) -> String {
    hex(&Hash::Sha256.digest(bytes))
}

/// The list of a bundle with one DEX file and one library for each of two architectures.
fn payload() -> String {
    format!(
        r#"{{"codeRelatedFile":[{{"path":"base/dex/classes.dex","type":"DEX","apkPath":"","sha256":"{}"}},{{"path":"base/lib/arm64-v8a/libapp.so","type":"NATIVE_LIBRARY","apkPath":"lib/arm64-v8a/libapp.so","sha256":"{}"}},{{"path":"base/lib/x86_64/libapp.so","type":"NATIVE_LIBRARY","apkPath":"lib/x86_64/libapp.so","sha256":"{}"}}],"version":1}}"#,
        sha256(DEX),
        sha256(LIBRARY),
        sha256(b"for another processor"),
    )
}

/// An APK with code and this transparency file, re-signed by a store.
fn with_token(store: &Key, token: &str) -> Apk {
    min_sdk(24)
        .file("classes.dex", DEX)
        .file("lib/arm64-v8a/libapp.so", LIBRARY)
        .file(TRANSPARENCY, token.as_bytes())
        .v2(Signer::v2(store))
}

fn of_transparency(state: &'static str) -> Mark {
    mark("code-transparency", state, TRANSPARENCY)
}

fn transparency(keys: &Keys) -> Vec<Case> {
    let (a, rsa) = (&keys.a, &keys.rsa);
    let token = marks::code_transparency(rsa, &payload());
    let listed = |payload: &str| with_token(a, &marks::code_transparency(rsa, payload));
    let good = || with_token(a, &token);
    let verified = || of_transparency("verified").covers("code").signed_by(rsa);
    vec![
        case(
            "marks/transparency",
            "the code is what the developer listed, whoever signs the APK; libraries of other splits are missing",
            good(),
        )
        .verified(&["v2"], &[a])
        .marks(vec![verified().says("version", "1").says("listed-files", "3").says("code-files", "2")]),
        case(
            "marks/transparency-with-line-end",
            "the same with a line end behind the signature",
            with_token(a, &format!("{token}\n")),
        )
        .verified(&["v2"], &[a])
        .marks(vec![verified()]),
        case(
            "marks/transparency-dex-renamed",
            "bytecode goes by its digest: a split names its files otherwise than the bundle",
            good().entries(|entries| {
                let dex = entries.iter_mut().find(|entry| entry.name == "classes.dex").unwrap();
                "classes2.dex".clone_into(&mut dex.name);
            }),
        )
        .verified(&["v2"], &[a])
        .marks(vec![verified()]),
        case(
            "marks/transparency-of-old-bundletool",
            "a list without version and without types of bytecode, as bundletool before 1.8.1 wrote it",
            listed(&payload().replace(r#""type":"DEX","#, "").replace(r#","version":1"#, "")),
        )
        .verified(&["v2"], &[a])
        .marks(vec![verified().says("version", "0")]),
        case(
            "marks/transparency-without-code",
            "an APK without code that carries the file of an app: nothing that it could speak for",
            good().entries(|entries| {
                entries.retain(|entry| entry.data != DEX && entry.data != LIBRARY);
            }),
        )
        .verified(&["v2"], &[a])
        .marks(vec![of_transparency("present").says("code-files", "0")]),
        case(
            "marks/transparency-bomb",
            "bytecode that claims to inflate to 256 MiB, in a file of a few KiB: it is not digested",
            good().entry(
                Entry::stored("classes.dex", DEX).raw(|raw| raw.central[0].uncompressed = 0x1000_0000),
            ),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree", "zip-overlap"])
        .marks(vec![of_transparency("present").says("listed-files", "3")]),
        case(
            "marks/transparency-of-the-future",
            "version 2 of the list, whose rules are not known",
            listed(&payload().replace(r#""version":1"#, r#""version":2"#)),
        )
        .verified(&["v2"], &[a])
        .marks(vec![of_transparency("present").says("version", "2")]),
        case(
            "marks/transparency-unknown-field",
            "the list has a field that is not known",
            listed(&payload().replace(r#""version":1"#, r#""version":1,"strict":true"#)),
        )
        .verified(&["v2"], &[a])
        .marks(vec![of_transparency("present")]),
        case(
            "marks/transparency-of-meta",
            "a second list in the form of Meta, whose rules are not published",
            good().file(
                "assets/fb_code_transparency_signed.jwt",
                marks::code_transparency(rsa, r#"{"versions":[{"codeTransparencyRelatedFile":[]}]}"#).as_bytes(),
            ),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            verified(),
            mark("code-transparency", "present", "assets/fb_code_transparency_signed.jwt"),
        ]),
    ]
}

fn transparency_faults(keys: &Keys) -> Vec<Case> {
    let (a, rsa) = (&keys.a, &keys.rsa);
    let token = marks::code_transparency(rsa, &payload());
    let listed = |payload: &str| with_token(a, &marks::code_transparency(rsa, payload));
    let good = || with_token(a, &token);
    let broken = || of_transparency("broken");
    let headed = |header: &str, key: &Key, hash| {
        with_token(a, &marks::jws(header, payload().as_bytes(), |signed| key.sign(hash, signed)))
    };
    let weak = Key::named("rsa-1024");
    let mismatch = &["code-transparency-file-mismatch"][..];
    let unlisted = &["code-transparency-file-unlisted"][..];
    let signature = &["code-transparency-signature-mismatch"][..];
    let malformed = &["code-transparency-malformed"][..];
    vec![
        case(
            "marks/transparency-dex-changed",
            "bytecode that is not the listed one",
            good().file("classes.dex", b"dex\n035\0really other code"),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], mismatch),
        case(
            "marks/transparency-dex-added",
            "bytecode beside the listed one",
            good().file("classes2.dex", b"dex\n035\0more code"),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], unlisted),
        case(
            "marks/transparency-library-changed",
            "a library that is not the listed one",
            good().file("lib/arm64-v8a/libapp.so", b"\x7fELF really other code"),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], mismatch),
        case(
            "marks/transparency-library-moved",
            "the listed library at another path: libraries go by their path",
            good().file("assets/libapp.so", LIBRARY),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], unlisted),
        case(
            "marks/transparency-library-unreadable",
            "the local header of the listed library disagrees with the directory",
            good().entry(Entry::stored("lib/arm64-v8a/libapp.so", LIBRARY).raw(|raw| raw.local.crc ^= 1)),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"])
        .marks_with(vec![broken()], mismatch),
        case(
            "marks/transparency-digest-in-upper-case",
            "digests are compared as they are written, as by bundletool",
            listed(&payload().replace(&sha256(LIBRARY), &sha256(LIBRARY).to_uppercase())),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], mismatch),
        case(
            "marks/transparency-listed-twice",
            "a library is listed twice",
            listed(&payload().replace("x86_64", "arm64-v8a")),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], malformed),
        case(
            "marks/transparency-signature-mismatch",
            "the list is not the signed one",
            with_token(a, &{
                let parts: Vec<&str> = token.split('.').collect();
                let other = payload().replace("x86_64", "x86");
                format!("{}.{}.{}", parts[0], marks::base64url(other.as_bytes()), parts[2])
            }),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], signature),
        case(
            "marks/transparency-alg-none",
            "the header says that nothing is signed",
            with_token(a, &marks::jws(&marks::jws_header("none", rsa), payload().as_bytes(), |_| Vec::new())),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], signature),
        case(
            "marks/transparency-rs512",
            "a good signature by an algorithm that bundletool does not take",
            headed(&marks::jws_header("RS512", rsa), rsa, Hash::Sha512),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], signature),
        case(
            "marks/transparency-key-of-1024-bits",
            "a good signature by a key that is too short",
            headed(&marks::jws_header("RS256", &weak), &weak, Hash::Sha256),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], malformed),
        case(
            "marks/transparency-without-certificate",
            "nothing tells with which key the signature is to be checked",
            headed(r#"{"alg":"RS256"}"#, rsa, Hash::Sha256),
        )
        .verified(&["v2"], &[a])
        .marks(vec![of_transparency("present").says("algorithm", "RS256")]),
        case(
            "marks/transparency-critical-header",
            "the header asks for an extension that is not known",
            headed(
                &marks::jws_header("RS256", rsa).replace("\"alg\"", "\"crit\":[\"x\"],\"alg\""),
                rsa,
                Hash::Sha256,
            ),
        )
        .verified(&["v2"], &[a])
        .marks(vec![of_transparency("present")]),
        case("marks/transparency-not-a-list", "the signed payload is no list", listed("[]"))
            .verified(&["v2"], &[a])
            .marks_with(vec![broken()], malformed),
        case(
            "marks/transparency-not-a-signature",
            "the file is no JSON Web Signature",
            with_token(a, "code transparency"),
        )
        .verified(&["v2"], &[a])
        .marks_with(vec![broken()], malformed),
    ]
}

/// A signature of CMS over this content, with signed attributes.
fn cms(key: &Key, content: &'static [u8]) -> Vec<u8> {
    V1Signer::new(key)
        .combined_oid()
        .signed_attributes()
        .pkcs7(|pkcs7| pkcs7.content = Some(content.to_vec()))
        .write_block(content)
}

/// The same in the identifiers of GM/T 0010, with SM2 and SM3; the signature is none of these.
fn gm_cms(key: &Key) -> Vec<u8> {
    V1Signer::new(key)
        .pkcs7(|pkcs7| {
            "1.2.156.10197.6.1.4.2.2".clone_into(&mut pkcs7.content_type);
            "1.2.156.10197.6.1.4.2.1".clone_into(&mut pkcs7.encapsulated_type);
            pkcs7.content = Some(b"app info".to_vec());
            pkcs7.signer_infos[0].digest_algorithm = der::algorithm("1.2.156.10197.1.401", false);
            pkcs7.signer_infos[0].signature_algorithm = der::algorithm("1.2.156.10197.1.501", false);
        })
        .write_block(b"app info")
}

fn unknown(keys: &Keys) -> Vec<Case> {
    let (a, rsa) = (&keys.a, &keys.rsa);
    let v2 = || Apk::new().v2(Signer::v2(a));
    let shape = |name, description, value: &[u8], shape| {
        case(name, description, v2().pair(UNKNOWN, value))
            .verified(&["v2"], &[a])
            .marks(vec![mark("unknown-block", "claim", &pair(UNKNOWN)).looks_like(shape)])
    };
    let random: Vec<u8> = (0_u32..40).flat_map(|number| Hash::Sha256.digest(&number.to_le_bytes())).collect();
    let token = marks::jws(&marks::jws_header("RS256", rsa), b"{}", |signed| rsa.sign(Hash::Sha256, signed));
    let entry = |name: &str, value: &[u8]| v2().file(name, value);
    vec![
        shape("marks/unknown-text", "an unknown pair of text", b"hello", "text"),
        shape("marks/unknown-json", "an unknown pair of JSON", b"{\"a\":1}", "json"),
        shape("marks/unknown-empty", "an unknown pair of nothing", b"", "empty"),
        shape("marks/unknown-zeros", "an unknown pair of zeros", &[0; 16], "zeros"),
        shape("marks/unknown-dex", "an unknown pair of bytecode", DEX, "dex"),
        shape("marks/unknown-elf", "an unknown pair of a library", LIBRARY, "elf"),
        shape("marks/unknown-zip", "an unknown pair of an archive", b"PK\x03\x04\x14\0", "zip"),
        shape("marks/unknown-pem", "an unknown pair of PEM", b"-----BEGIN X-----\nAA==\n", "pem"),
        shape("marks/unknown-random", "an unknown pair that is as good as random", &random, "high-entropy"),
        case(
            "marks/unknown-certificate",
            "an unknown pair of a certificate",
            v2().pair(UNKNOWN, &rsa.certificate),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-block", "claim", &pair(UNKNOWN))
                .looks_like("x509")
                .says("subject", "CN=rsa-2048")
                .says("sha256", &rsa.certificate_digest()),
        ]),
        case(
            "marks/unknown-cms",
            "an unknown pair of a CMS signature: its signer is shown, nothing is verified",
            v2().pair(UNKNOWN, &cms(rsa, b"app info")),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-block", "present", &pair(UNKNOWN))
                .looks_like("cms")
                .says("issuer", "CN=rsa-2048")
                .says("serial", "01")
                .says("signer-sha256", &rsa.certificate_digest()),
        ]),
        case(
            "marks/unknown-gm-cms",
            "an unknown pair of a signature by GM/T 0010",
            v2().pair(UNKNOWN, &gm_cms(a)),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-block", "present", &pair(UNKNOWN))
                .looks_like("gm-cms")
                .says("issuer", "CN=ec-p256")
                .says("algorithm", "1.2.156.10197.1.501 with 1.2.156.10197.1.401"),
        ]),
        case(
            "marks/unknown-jws",
            "an unknown pair of a JSON Web Signature",
            v2().pair(UNKNOWN, token.as_bytes()),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-block", "present", &pair(UNKNOWN))
                .looks_like("jws")
                .says("algorithm", "RS256")
                .says("signer", "CN=rsa-2048"),
        ]),
        case(
            "marks/unknown-entry",
            "a signature in a file of META-INF",
            v2().entry(Entry::deflated("META-INF/sign.taf", &cms(rsa, b"app info"))),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("unknown-entry", "present", "META-INF/sign.taf").looks_like("cms").says("serial", "01"),
        ]),
        case(
            "marks/unreadable-entry",
            "a file of META-INF whose local header disagrees with the directory; one behind it is read all the same",
            v2().entry(Entry::stored("META-INF/a.taf", b"one").raw(|raw| raw.local.crc ^= 1))
                .file("META-INF/b.taf", b"two"),
        )
        .verified(&["v2"], &[a])
        .warned(&["zip-headers-disagree"])
        .marks_with(
            vec![
                mark("unknown-entry", "broken", "META-INF/a.taf"),
                mark("unknown-entry", "claim", "META-INF/b.taf").looks_like("text"),
            ],
            &["mark-malformed"],
        ),
        case(
            "marks/usual-entries",
            "what builds leave in META-INF is no mark",
            entry("META-INF/services/a.B", b"c.D\n")
                .file("META-INF/androidx.core_core.version", b"1.0.0\n")
                .file("META-INF/app_release.kotlin_module", b"\0\0\0\x03\0\0\0\x01"),
        )
        .verified(&["v2"], &[a])
        .marks(Vec::new()),
        case(
            "marks/usual-name-with-bytecode",
            "bytecode under a name that builds leave in META-INF",
            entry("META-INF/services/a.B", DEX),
        )
        .verified(&["v2"], &[a])
        .marks(vec![mark("unknown-entry", "claim", "META-INF/services/a.B").looks_like("dex")]),
        case(
            "marks/block-file-without-signature-file",
            "a file that is called like a signature block and belongs to no signature",
            entry("META-INF/TAF.RSA", &cms(rsa, b"app info")),
        )
        .verified(&["v2"], &[a])
        .marks(vec![mark("unknown-entry", "present", "META-INF/TAF.RSA").looks_like("cms")]),
        case(
            "marks/archive-comment",
            "an archive comment of no known kind",
            v2().before_signing(|parts| parts.eocd.comment = b"made by hand".to_vec()),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("archive-comment", "claim", "comment").looks_like("text").says("text", "made by hand"),
        ]),
    ]
}

fn hints(keys: &Keys) -> Vec<Case> {
    let a = &keys.a;
    let token = b"AAAAB3NzaExampleToken\n";
    vec![
        case(
            "marks/bundletool-name",
            "a v1 signature that is named as bundletool names it",
            Apk::new().v1(V1::default().signer(V1Signer::new(a).name("BNDLTOOL"))),
        )
        .verified(&["v1"], &[a])
        .marks(vec![mark("bundletool-name", "claim", "META-INF/BNDLTOOL.SF")]),
        case(
            "marks/adi-registration",
            "an APK that proves ownership to Google",
            Apk::new().v2(Signer::v2(a)).file("assets/adi-registration.properties", token),
        )
        .verified(&["v2"], &[a])
        .marks_with(
            vec![
                mark("adi-registration", "claim", "assets/adi-registration.properties")
                    .says("token", "AAAAB3NzaExampleToken"),
            ],
            &["adi-registration-token"],
        ),
        case(
            "marks/adi-registration-elsewhere",
            "the same file in another folder, where Google does not look",
            Apk::new().v2(Signer::v2(a)).file("assets/x/adi-registration.properties", token),
        )
        .verified(&["v2"], &[a])
        .marks(Vec::new()),
    ]
}

fn profiles(keys: &Keys) -> Vec<Case> {
    let (a, rsa) = (&keys.a, &keys.rsa);
    let v2 = || Apk::new().v2(Signer::v2(a));
    let text = |decoder: &str, place: &str| {
        format!(
            "[[mark]]\nname = \"store.example\"\ndecoder = \"{decoder}\"\nrole = \"distributor\"\n{place}\n"
        )
    };
    let in_block = |decoder: &str| text(decoder, "block = 0x12345678");
    let of = |state| mark("profile", state, &pair(UNKNOWN));
    let own = |key: &Key| of("verified").covers("own-content").signed_by(key);
    let block =
        |name, description, decoder: &str, value: &[u8], expected: Mark, findings: &[&'static str]| {
            case(name, description, v2().pair(UNKNOWN, value))
                .verified(&["v2"], &[a])
                .marks_with(vec![expected], findings)
                .profile(&in_block(decoder))
        };
    let without_attributes =
        V1Signer::new(rsa).pkcs7(|pkcs7| pkcs7.content = Some(b"app info".to_vec())).write_block(b"app info");
    let with_identifier = |extension: &[u8]| {
        let certificate = Certificate::new(&[("CN", "identified")]).extension("2.5.29.14", false, extension);
        a.clone().with_certificate(certificate.self_signed(a))
    };
    let identifiable = with_identifier(b"\x04\x06key id");
    let identified = |extension: &[u8], identifier: &'static [u8]| {
        V1Signer::new(&with_identifier(extension))
            .signed_attributes()
            .signer_info(|info| {
                info.version = 3;
                info.sid = der::element(0x80, identifier);
            })
            .pkcs7(|pkcs7| pkcs7.content = Some(b"app info".to_vec()))
            .write_block(b"app info")
    };
    let changed = V1Signer::new(rsa)
        .signed_attributes()
        .pkcs7(|pkcs7| pkcs7.content = Some(b"app lies".to_vec()))
        .write_block(b"app info");
    let signature_changed = V1Signer::new(rsa)
        .signed_attributes()
        .pkcs7(|pkcs7| {
            pkcs7.content = Some(b"app info".to_vec());
            pkcs7.signer_infos[0].signature[9] ^= 1;
        })
        .write_block(b"app info");
    let other_type = V1Signer::new(rsa)
        .signed_attributes()
        .pkcs7(|pkcs7| {
            pkcs7.content = Some(b"app info".to_vec());
            "1.2.840.113549.1.7.5".clone_into(&mut pkcs7.encapsulated_type);
        })
        .write_block(b"app info");
    let detached = V1Signer::new(rsa).signed_attributes().write_block(b"app info");
    let bare = V1Signer::new(rsa).write_block(b"app info");
    let header = |algorithm: &str, key: &Key| marks::jws_header(algorithm, key);
    let es256 = marks::jws(&header("ES256", a), b"{\"app\":1}", |signed| {
        marks::raw_p256(&a.sign(Hash::Sha256, signed))
    });
    let ps512 =
        marks::jws(&header("PS512", rsa), b"{\"app\":1}", |signed| rsa.sign_pss(Hash::Sha512, signed));
    let eddsa = marks::jws(&header("EdDSA", a), b"{}", |_| vec![1; 64]);
    let not_signed = marks::jws(&header("RS256", rsa), b"{}", |_| vec![1; 256]);
    let mismatch = &["mark-signature-mismatch"][..];
    let malformed = &["mark-malformed"][..];
    let odd = Certificate::new(&[("CN", "store"), ("O", "Example")]).self_signed(a);
    vec![
        block(
            "marks/profile-cms",
            "a CMS signature that a profile knows: verified over its own content",
            "cms",
            &cms(rsa, b"app info"),
            own(rsa).says("content-bytes", "8").says("algorithm", "RSA PKCS#1 v1.5 with SHA-256"),
            &[],
        ),
        block(
            "marks/profile-cms-without-attributes",
            "a CMS signature straight over its content",
            "cms",
            &without_attributes,
            own(rsa),
            &[],
        ),
        block(
            "marks/profile-cms-key-identifier",
            "a CMS signature that names its signer by the identifier of its key",
            "cms",
            &identified(b"\x04\x06key id", b"key id"),
            own(&identifiable).says("key-identifier", "6b6579206964"),
            &[],
        ),
        block(
            "marks/profile-cms-other-key-identifier",
            "the identifier is that of no certificate in it",
            "cms",
            &identified(b"\x04\x06key id", b"key ix"),
            of("present").says("key-identifier", "6b6579206978"),
            &[],
        ),
        block(
            "marks/profile-cms-content-changed",
            "the content is not the signed one",
            "cms",
            &changed,
            of("broken"),
            mismatch,
        ),
        block(
            "marks/profile-cms-signature-changed",
            "the signature is not over the attributes",
            "cms",
            &signature_changed,
            of("broken"),
            mismatch,
        ),
        block(
            "marks/profile-cms-other-content-type",
            "the signed attributes name another content type",
            "cms",
            &other_type,
            of("broken"),
            mismatch,
        ),
        block(
            "marks/profile-cms-detached",
            "a signature over a digest of something that is not in it",
            "cms",
            &detached,
            of("present").says("content", "detached"),
            &[],
        ),
        block(
            "marks/profile-cms-detached-bare",
            "a signature over something that is not in it, without attributes",
            "cms",
            &bare,
            of("present"),
            &[],
        ),
        block(
            "marks/profile-gm-cms",
            "a signature by GM/T 0010: SM2 is named and not verified",
            "cms",
            &gm_cms(a),
            of("present").says("content-bytes", "8"),
            &[],
        ),
        block(
            "marks/profile-not-cms",
            "something else where a profile expects CMS",
            "cms",
            b"hello",
            of("broken").looks_like("text"),
            malformed,
        ),
        block(
            "marks/profile-jws-es256",
            "a JSON Web Signature by ECDSA",
            "jws",
            es256.as_bytes(),
            own(a).says("payload", "{\"app\":1}"),
            &[],
        ),
        block(
            "marks/profile-jws-ps512",
            "a JSON Web Signature by RSA-PSS",
            "jws",
            ps512.as_bytes(),
            own(rsa),
            &[],
        ),
        block(
            "marks/profile-jws-eddsa",
            "a JSON Web Signature by an algorithm that is not verified here",
            "jws",
            eddsa.as_bytes(),
            of("present"),
            &[],
        ),
        block(
            "marks/profile-jws-mismatch",
            "a JSON Web Signature that does not verify",
            "jws",
            not_signed.as_bytes(),
            of("broken"),
            mismatch,
        ),
        block(
            "marks/profile-not-jws",
            "something else where a profile expects a JSON Web Signature",
            "jws",
            b"a.b",
            of("broken"),
            malformed,
        ),
        block("marks/profile-text", "text", "text", "渠道".as_bytes(), of("claim").says("text", "渠道"), &[]),
        block("marks/profile-not-text", "no text", "text", b"\xff", of("broken"), malformed),
        block("marks/profile-json", "JSON", "json", b"{\"a\":[1]}", of("claim").says("a", "[1]"), &[]),
        block("marks/profile-not-json", "no JSON", "json", b"{", of("broken"), malformed),
        block("marks/profile-hex", "bytes", "hex", b"\x01\xff", of("claim").says("hex", "01ff"), &[]),
        block(
            "marks/profile-x509",
            "a certificate: a claim, since anybody can carry it",
            "x509",
            &odd,
            of("claim").says("subject", "O=Example, CN=store"),
            &[],
        ),
        block("marks/profile-not-x509", "no certificate", "x509", b"\x30\x00", of("broken"), malformed),
        case(
            "marks/profile-entry",
            "files that a profile knows by a pattern, and one in another folder that it does not mean",
            v2().file("META-INF/a.taf", b"one")
                .file("META-INF/b.taf", b"two")
                .file("META-INF/x/c.taf", b"three"),
        )
        .verified(&["v2"], &[a])
        .marks(vec![
            mark("profile", "claim", "META-INF/a.taf").says("text", "one"),
            mark("profile", "claim", "META-INF/b.taf").says("text", "two"),
            mark("unknown-entry", "claim", "META-INF/x/c.taf").looks_like("text"),
        ])
        .profile(&text("text", "entry = \"META-INF/*.taf\"")),
        case(
            "marks/profile-comment",
            "an archive comment that a profile knows by its end",
            v2().before_signing(|parts| parts.eocd.comment = b"{\"a\":\"b\"}#example".to_vec()),
        )
        .verified(&["v2"], &[a])
        .marks(vec![mark("profile", "claim", "comment").says("a", "b")])
        .profile(&text("json", "comment = \"#example\"")),
    ]
}
