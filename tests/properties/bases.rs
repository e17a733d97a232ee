//! The honest APKs that mutants are made of: every scheme and kind of key, with whom each Android version sees.

use std::collections::BTreeSet;

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::SourceStamp;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::V4;
use crate::builder::algorithm;
use crate::builder::id;

/// Whom the API levels from the first to the last see: certificates.
pub(super) type Sight = (u32, u32, BTreeSet<String>);

/// An honest APK, what is known of it beforehand, and two that resemble it.
pub(super) struct Base {
    pub(super) name: &'static str,
    pub(super) file: Vec<u8>,
    /// The v4 signature file beside it.
    pub(super) idsig: Option<Vec<u8>>,
    pub(super) sights: Vec<Sight>,
    /// By the same keys, with other content.
    pub(super) twin: Vec<u8>,
    pub(super) twin_idsig: Option<Vec<u8>>,
    /// With the same content, by other keys.
    pub(super) foreign: Vec<u8>,
    pub(super) foreign_idsig: Option<Vec<u8>>,
    /// Signed with v1 alone.
    pub(super) only_v1: bool,
    /// Each scheme of the signing block is mentioned by an older one, or is the only one.
    pub(super) guarded: bool,
    /// The signing block must stay where it is, and of its size.
    pub(super) aligned: bool,
    /// Each signer has one signature.
    pub(super) single: bool,
}

/// The keys that a recipe signs with.
struct Cast {
    a: Key,
    b: Key,
    /// A post-quantum one.
    pqc: Key,
}

impl Cast {
    fn of(kind: &str, foreign: bool) -> Self {
        let named = |ours: &str, theirs: &str| Key::named(if foreign { theirs } else { ours });
        let a = match kind {
            "rsa-1024" | "rsa-2048" | "rsa-4096" => named(kind, "rsa-2048-2"),
            "dsa-1024" | "dsa-2048" => named(kind, "dsa-2048-2"),
            "ec-p384" | "ec-p521" => named(kind, "ec-p384-2"),
            _ => named("ec-p256-2", "ec-p256"),
        };
        let b = named("ec-p256-3", "ec-p384");
        Self { a, b, pqc: named("ml-dsa-65", "ml-dsa-65-2") }
    }
}

type Build = fn(&Cast, Apk) -> Apk;
type Seen = fn(&Cast) -> Vec<(u32, u32, Vec<&Key>)>;

struct Recipe {
    name: &'static str,
    kind: &'static str,
    min_sdk: u32,
    build: Build,
    seen: Seen,
    idsig: Option<fn(&Cast) -> V4>,
    only_v1: bool,
    guarded: bool,
    aligned: bool,
    single: bool,
}

fn recipe(name: &'static str, kind: &'static str, min_sdk: u32, build: Build) -> Recipe {
    Recipe {
        name,
        kind,
        min_sdk,
        build,
        seen: |cast| vec![(0, NO_MAX_SDK, vec![&cast.a])],
        idsig: None,
        only_v1: false,
        guarded: true,
        aligned: false,
        single: true,
    }
}

impl Recipe {
    fn v1(self) -> Self {
        Self { only_v1: true, ..self }
    }

    fn seen(self, seen: Seen) -> Self {
        Self { seen, ..self }
    }

    fn idsig(self, idsig: fn(&Cast) -> V4) -> Self {
        Self { idsig: Some(idsig), ..self }
    }

    fn unguarded(self) -> Self {
        Self { guarded: false, ..self }
    }

    fn aligned(self) -> Self {
        Self { aligned: true, ..self }
    }

    fn several(self) -> Self {
        Self { single: false, ..self }
    }

    fn apk(&self, foreign: bool, content: &str) -> (Apk, Cast) {
        let cast = Cast::of(self.kind, foreign);
        let apk = (self.build)(&cast, body(self.min_sdk, content));
        (apk, cast)
    }

    fn made(&self, foreign: bool, content: &str) -> (Vec<u8>, Option<Vec<u8>>) {
        let (apk, cast) = self.apk(foreign, content);
        (apk.build(), self.idsig.map(|idsig| idsig(&cast).sign(&apk)))
    }

    fn base(&self) -> Base {
        let cast = Cast::of(self.kind, false);
        let sights = (self.seen)(&cast)
            .into_iter()
            .map(|(first, last, keys)| {
                (first, last, keys.iter().map(|key| key.certificate_digest()).collect())
            })
            .collect();
        let (file, idsig) = self.made(false, "the app itself");
        let (twin, twin_idsig) = self.made(false, "another version of the app");
        let (foreign, foreign_idsig) = self.made(true, "the app itself");
        Base {
            name: self.name,
            file,
            idsig,
            sights,
            twin,
            twin_idsig,
            foreign,
            foreign_idsig,
            only_v1: self.only_v1,
            guarded: self.guarded,
            aligned: self.aligned,
            single: self.single,
        }
    }
}

/// An app with entries of each kind.
fn body(min_sdk: u32, content: &str) -> Apk {
    Apk::new()
        .manifest(Manifest::new("com.example.app").min_sdk(min_sdk).target_sdk(29))
        .file("classes.dex", format!("dex\n035\0{content}").as_bytes())
        .entry(Entry::deflated("classes2.dex", format!("dex\n035\0more of {content}").repeat(20).as_bytes()))
        .file("resources.arsc", b"\x02\x00\x0c\x00 a table")
        .entry(
            Entry::deflated("lib/arm64-v8a/libapp.so", b"\x7fELF native code, native code").data_descriptor(),
        )
        .file("assets/empty", b"")
        .file("res/icon.png", b"\x89PNG\r\n")
}

/// All of them.
pub(super) fn all() -> Vec<Base> {
    recipes().iter().map(Recipe::base).collect()
}

fn recipes() -> Vec<Recipe> {
    let mut recipes = v1();
    recipes.extend(v2());
    recipes.extend(v3());
    recipes.extend(beside());
    recipes
}

fn v1() -> Vec<Recipe> {
    vec![
        recipe("v1 RSA", "rsa-2048", 21, |cast, apk| apk.v1(V1::by(&cast.a))).v1(),
        recipe("v1 EC", "ec", 18, |cast, apk| apk.v1(V1::by(&cast.a))).v1(),
        recipe("v1 DSA", "dsa-1024", 16, |cast, apk| {
            apk.v1(V1::default().signer(V1Signer::new(&cast.a).hash(Hash::Sha1)))
        })
        .v1(),
        recipe("v1 attributes", "rsa-1024", 21, |cast, apk| {
            apk.v1(V1::default().signer(V1Signer::new(&cast.a).signed_attributes().combined_oid()))
        })
        .v1(),
        recipe("v1 two signers", "ec", 24, |cast, apk| {
            let signers = [V1Signer::new(&cast.a).name("ONE"), V1Signer::new(&cast.b).name("TWO")];
            apk.v1(signers.into_iter().fold(V1::default(), V1::signer))
        })
        .seen(|cast| vec![(0, NO_MAX_SDK, vec![&cast.a, &cast.b])])
        .v1(),
    ]
}

fn v2() -> Vec<Recipe> {
    let by: Build = |cast, apk| apk.v2(Signer::v2(&cast.a));
    vec![
        recipe("v2 RSA", "rsa-2048", 24, by),
        recipe("v2 RSA 4096", "rsa-4096", 24, by),
        recipe("v2 PSS", "rsa-2048", 24, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::RSA_PSS_SHA256]))
        }),
        recipe("v2 RSA SHA-512", "rsa-2048", 24, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::RSA_SHA512]))
        }),
        recipe("v2 P-256", "ec", 24, by),
        recipe("v2 P-384", "ec-p384", 24, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::ECDSA_SHA512]))
        }),
        recipe("v2 P-521", "ec-p521", 24, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::ECDSA_SHA512]))
        }),
        recipe("v2 DSA", "dsa-2048", 24, by),
        recipe("v2 two algorithms", "ec", 24, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::ECDSA_SHA256, algorithm::ECDSA_SHA512]))
        })
        .several(),
        recipe("v2 two signers", "ec", 24, |cast, apk| apk.v2(Signer::v2(&cast.a)).v2(Signer::v2(&cast.b)))
            .seen(|cast| vec![(0, NO_MAX_SDK, vec![&cast.a, &cast.b])]),
        recipe("v2 verity", "ec", 28, |cast, apk| {
            apk.v2(Signer::v2(&cast.a).algorithms(&[algorithm::VERITY_ECDSA_SHA256]))
        })
        .aligned(),
        recipe("v2 comment and padding", "ec", 24, |cast, apk| {
            apk.before_signing(|parts| parts.eocd.comment = b"an archive comment".to_vec())
                .aligned()
                .v2(Signer::v2(&cast.a))
        }),
        recipe("v1 v2", "ec", 21, |cast, apk| apk.v1(V1::by(&cast.a)).v2(Signer::v2(&cast.a))),
        recipe("v1 v2 unmentioned", "ec", 21, |cast, apk| {
            apk.v1(V1::by(&cast.a).schemes("")).v2(Signer::v2(&cast.a))
        })
        .unguarded(),
    ]
}

fn v3() -> Vec<Recipe> {
    vec![
        recipe("v3", "ec", 28, |cast, apk| apk.v3(Signer::v3(&cast.a))),
        recipe("v3 RSA", "rsa-2048", 28, |cast, apk| {
            apk.v3(Signer::v3(&cast.a).algorithms(&[algorithm::RSA_PSS_SHA512]))
        }),
        recipe("v2 v3", "ec", 24, |cast, apk| apk.v2(Signer::v2(&cast.a)).v3(Signer::v3(&cast.a))),
        recipe("v1 v2 v3", "rsa-2048", 21, |cast, apk| {
            apk.v1(V1::by(&cast.a)).v2(Signer::v2(&cast.a)).v3(Signer::v3(&cast.a))
        }),
        recipe("v1 v2 v3 rotated", "ec", 21, |cast, apk| {
            apk.v1(V1::by(&cast.a))
                .v2(Signer::v2(&cast.a))
                .v3(Signer::v3(&cast.b).lineage(&Lineage::from(&cast.a).to(&cast.b)))
        })
        .seen(|cast| vec![(0, 27, vec![&cast.a]), (28, NO_MAX_SDK, vec![&cast.b])]),
        recipe("v3 two ranges", "ec", 28, |cast, apk| {
            let lineage = Lineage::from(&cast.a).to(&cast.b);
            apk.v3(Signer::v3(&cast.a).sdk(24, 30))
                .v3(Signer::v3(&cast.b).sdk(31, NO_MAX_SDK).lineage(&lineage))
        })
        .seen(|cast| vec![(0, 30, vec![&cast.a]), (31, NO_MAX_SDK, vec![&cast.b])]),
        recipe("v2 v3 v3.1", "ec", 24, |cast, apk| {
            let new = Signer::v3(&cast.b).sdk(33, NO_MAX_SDK);
            apk.v2(Signer::v2(&cast.a))
                .v3(Signer::v3(&cast.a).sdk(24, 32))
                .v31(new.lineage(&Lineage::from(&cast.a).to(&cast.b)))
        })
        .seen(|cast| vec![(0, 32, vec![&cast.a]), (33, NO_MAX_SDK, vec![&cast.b])]),
        recipe("v3 v3.2", "ec", 28, |cast, apk| {
            apk.v3(Signer::v3(&cast.a).sdk(24, 36))
                .v32(Signer::v32(&cast.b).lineage(&Lineage::from(&cast.a).to(&cast.b)))
                .v32(Signer::v32(&cast.pqc).lineage(&Lineage::from(&cast.a).to(&cast.pqc)))
        })
        .seen(|cast| vec![(0, 36, vec![&cast.a]), (37, NO_MAX_SDK, vec![&cast.pqc])]),
    ]
}

fn beside() -> Vec<Recipe> {
    vec![
        recipe("v2 v4", "ec", 24, |cast, apk| apk.v2(Signer::v2(&cast.a))).idsig(|cast| V4::by(&cast.a)),
        recipe("v3 v4", "ec", 28, |cast, apk| apk.v3(Signer::v3(&cast.a))).idsig(|cast| V4::by(&cast.a)),
        recipe("v3 v3.1 v4", "ec", 28, |cast, apk| {
            let new = Signer::v3(&cast.b).sdk(33, NO_MAX_SDK);
            apk.v3(Signer::v3(&cast.a).sdk(24, 32)).v31(new.lineage(&Lineage::from(&cast.a).to(&cast.b)))
        })
        .seen(|cast| vec![(0, 32, vec![&cast.a]), (33, NO_MAX_SDK, vec![&cast.b])])
        .idsig(|cast| V4::by(&cast.a).and(id::V31, &cast.b)),
        recipe("v2 v3 stamp", "ec", 24, |cast, apk| {
            let stamp = Key::named("rsa-2048");
            let apk = apk.v2(Signer::v2(&cast.a)).v3(Signer::v3(&cast.a));
            apk.stamp(SourceStamp::by(&stamp).time(1_700_000_000))
        }),
    ]
}
