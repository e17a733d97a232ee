//! Containers of APKs, `testdata/containers/<case>/`: what every file comes to in a scan without a registry.

use std::fmt::Write as _;

use super::ORIGIN;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Parts;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::manifest::Attribute;
use crate::builder::manifest::Value;

/// A container and what is said of it.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) description: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The container and then its members: name behind `!/`, outcome, codes of errors.
    pub(crate) rows: Vec<(&'static str, &'static str, Vec<&'static str>)>,
}

impl Recipe {
    /// The file `container.toml` beside the container.
    pub(crate) fn toml(&self) -> String {
        let mut out = format!("{ORIGIN}\ndescription = \"{}\"\nfile = {:?}\n", self.description, self.file);
        for (name, outcome, codes) in &self.rows {
            write!(out, "\n[[row]]\nname = {name:?}\noutcome = {outcome:?}\ncodes = {codes:?}\n").unwrap();
        }
        out
    }
}

fn apk(key: &str) -> Apk {
    Apk::new().v2(Signer::v2(&Key::named(key)))
}

/// A part of an app, or its base where there is no name, with these attributes besides.
fn part(package: &str, code: u32, split: Option<&str>, more: &[(&str, u32, &str)]) -> Manifest {
    let split = split.map(str::to_owned);
    let more: Vec<Attribute> = more
        .iter()
        .map(|(name, resource, value)| Attribute {
            name: (*name).to_owned(),
            resource: Some(*resource),
            value: if *value == "true" { Value::Bool(true) } else { Value::from(*value) },
        })
        .collect();
    Manifest::new(package).version(code, "1.0").tree(move |root| {
        root.attributes.extend(more.clone());
        // Behind those of the framework, whose resource ids come first in the pool.
        if let Some(split) = &split {
            let value = Value::from(split.as_str());
            root.attributes.push(Attribute { name: "split".to_owned(), resource: None, value });
        }
    })
}

fn by(key: &str, manifest: Manifest) -> Vec<u8> {
    apk(key).manifest(manifest).build()
}

const APP: &str = "com.example.app";
const REQUIRED: u32 = 0x0101_0591;
const REQUIRED_TYPES: u32 = 0x0101_064e;
const TYPES: u32 = 0x0101_064f;

fn base() -> Entry {
    Entry::stored("base.apk", &by("ec-p256", part(APP, 1, None, &[])))
}

fn split(name: &'static str, entry: &str, manifest: fn(&'static str) -> Manifest) -> Entry {
    Entry::stored(entry, &by("ec-p256", manifest(name)))
}

fn german(name: &'static str) -> Manifest {
    part(APP, 1, Some(name), &[])
}

fn good() -> Vec<u8> {
    apk("ec-p256").build()
}

fn tampered() -> Vec<u8> {
    apk("ec-p256").after_signing(|parts| super::flip_last(&mut parts.contents)).build()
}

fn unsigned() -> Vec<u8> {
    Apk::new().build()
}

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    Parts::of(entries).to_bytes()
}

/// Two APKs, one stored and one deflated.
fn two() -> Vec<Entry> {
    vec![Entry::stored("one.apk", &good()), Entry::deflated("in/two.APK", &good())]
}

fn with(first: Entry) -> Vec<Entry> {
    let mut entries = vec![first];
    entries.extend(two());
    entries
}

/// A container that is signed as an APK is, which only a distributor would do.
fn signed() -> Apk {
    two().into_iter().fold(Apk::new().no_manifest(), Apk::entry)
}

fn bundle() -> Apk {
    Apk::new()
        .no_manifest()
        .file("BundleConfig.pb", b"\x0a\x08\x0a\x061.15.6")
        .file("base/manifest/AndroidManifest.xml", b"\x0a\x0c not binary xml")
}

const ONE: (&str, &str) = ("!/one.apk", "unauthenticated");
const TWO: (&str, &str) = ("!/in/two.APK", "unauthenticated");

pub(crate) fn recipes() -> Vec<Recipe> {
    let mut recipes = Vec::new();
    let mut add = |name, file, description, bytes, rows: &[(&'static str, &'static str, &[&'static str])]| {
        let rows = rows.iter().map(|(name, outcome, codes)| (*name, *outcome, codes.to_vec())).collect();
        recipes.push(Recipe { name, file, description, bytes, rows });
    };
    let (one, two_row): (_, _) = ((ONE.0, ONE.1, &[][..]), (TWO.0, TWO.1, &[][..]));
    let fine = [("", "unauthenticated", &[][..]), one, two_row];
    let parts = || zip(&two());
    add("apks", "app.apks", "as bundletool makes it", zip(&with(Entry::stored("toc.pb", b"\x0a\0"))), &fine);
    add("xapk", "app.xapk", "with a manifest.json", zip(&with(Entry::stored("manifest.json", b"{}"))), &fine);
    add("apkm", "app.apkm", "with an info.json", zip(&with(Entry::stored("info.json", b"{}"))), &fine);
    add("zip", "apps.zip", "a ZIP archive of APKs and nothing else", parts(), &fine);
    add("named-apk", "app.apk", "a container is told by its content, not by its name", parts(), &fine);
    add(
        "one-tampered",
        "app.apks",
        "one member does not verify: the whole does not pass",
        zip(&with(Entry::deflated("bad.apk", &tampered()))),
        &[
            ("", "tampered", &["container-member"]),
            ("!/bad.apk", "tampered", &["v2-digest-mismatch"]),
            one,
            two_row,
        ],
    );
    add(
        "one-unsigned",
        "app.apks",
        "one member has no signature",
        zip(&with(Entry::stored("bad.apk", &unsigned()))),
        &[
            ("", "unsigned", &["container-member"]),
            ("!/bad.apk", "unsigned", &["v1-no-manifest"]),
            one,
            two_row,
        ],
    );
    add(
        "one-no-apk",
        "app.apks",
        "one member is a text file",
        zip(&with(Entry::stored("bad.apk", b"just text\n"))),
        &[
            ("", "unreadable", &["container-member"]),
            ("!/bad.apk", "unreadable", &["zip-no-eocd"]),
            one,
            two_row,
        ],
    );
    add(
        "one-cut",
        "app.apks",
        "the directory gives one member fewer bytes than it inflates to",
        zip(&with(Entry::deflated("bad.apk", &good()).raw(|raw| {
            raw.central[0].uncompressed -= 1;
            raw.local.uncompressed -= 1;
        }))),
        &[
            ("", "unreadable", &["container-member"]),
            ("!/bad.apk", "unreadable", &["zip-bad-entry"]),
            one,
            two_row,
        ],
    );
    add(
        "one-too-large",
        "app.apks",
        "one member says that it inflates to more than all members of such a file may",
        zip(&with(Entry::deflated("bad.apk", &good()).raw(|raw| {
            raw.central[0].uncompressed = 0x4000_0000;
            raw.local.uncompressed = 0x4000_0000;
        }))),
        &[
            ("", "unreadable", &["container-member"]),
            ("!/bad.apk", "unreadable", &["limit-exceeded"]),
            one,
            two_row,
        ],
    );
    add(
        "nested",
        "sent.zip",
        "a container in an archive",
        zip(&[Entry::stored("app.apks", &parts())]),
        &[
            fine[0],
            ("!/app.apks", "unauthenticated", &[]),
            ("!/app.apks!/one.apk", "unauthenticated", &[]),
            ("!/app.apks!/in/two.APK", "unauthenticated", &[]),
        ],
    );
    add(
        "nested-too-deep",
        "sent.zip",
        "a container in a container in an archive",
        zip(&[Entry::stored("a.apks", &zip(&[Entry::stored("b.apks", &parts())]))]),
        &[
            ("", "unreadable", &["container-member"]),
            ("!/a.apks", "unreadable", &["container-member"]),
            ("!/a.apks!/b.apks", "unreadable", &["limit-exceeded"]),
        ],
    );
    add(
        "same-name",
        "app.apks",
        "two members have one name: programs differ in which they take",
        zip(&with(Entry::stored("one.apk", &apk("ec-p256-2").build()))),
        &[("", "unreadable", &["zip-duplicate-entry"]), one, one, two_row],
    );
    add(
        "hidden",
        "app.apks",
        "a member that the directory does not list: programs that read on from the start see it",
        zip(&with(Entry::stored("bad.apk", &unsigned()).raw(|raw| raw.central.clear()))),
        &[("", "unreadable", &["zip-hidden-entry"]), one, two_row],
    );
    add(
        "odd-names",
        "app.zip",
        "names that would lead elsewhere, were they paths, and that would speak to a terminal",
        zip(&[
            Entry::stored("../../../etc/cron.d/x.apk", &good()),
            Entry::stored("/tmp/x.apk", &good()),
            Entry::stored("\u{1b}[2J\n\u{202e}.apk", &good()),
        ]),
        &[
            fine[0],
            ("!/../../../etc/cron.d/x.apk", "unauthenticated", &[]),
            ("!//tmp/x.apk", "unauthenticated", &[]),
            ("!/\u{1b}[2J\n\u{202e}.apk", "unauthenticated", &[]),
        ],
    );
    let distributor = Key::named("ec-p256-3");
    add(
        "signed-v2",
        "app.apks",
        "with a signing block of the distributor's own",
        signed().v2(Signer::v2(&distributor)).build(),
        &fine,
    );
    add(
        "signed-v1",
        "app.xapk",
        "with a JAR signature of the distributor's own",
        signed().v1(V1::by(&distributor)).build(),
        &fine,
    );
    add(
        "signed-broken",
        "app.apks",
        "a member was exchanged for another good one after the distributor had signed",
        signed()
            .v1(V1::by(&distributor))
            .entries(|entries| {
                let at = entries.iter().position(|entry| entry.name == "one.apk").unwrap();
                entries[at] = Entry::stored("one.apk", &apk("ec-p256-2").build());
            })
            .build(),
        &[("", "tampered", &["container-signature", "v1-entry-digest-mismatch"]), one, two_row],
    );
    let base_row: (_, _, &[&str]) = ("!/base.apk", "unauthenticated", &[]);
    let de_row: (_, _, &[&str]) = ("!/split_de.apk", "unauthenticated", &[]);
    let german = || split("config.de", "split_de.apk", german);
    add("set", "app.apkm", "a base and a part of it", zip(&[base(), german()]), &[fine[0], base_row, de_row]);
    add(
        "set-without-sdk",
        "app.apkm",
        "a part that says of no Android version, and is signed for those of its base",
        zip(&[
            base(),
            Entry::stored("split_de.apk", &by("ec-p256", part(APP, 1, Some("config.de"), &[]).no_uses_sdk())),
        ]),
        &[fine[0], base_row, de_row],
    );
    add(
        "set-alone-without-sdk",
        "app.apkm",
        "the same part without its base: it is not signed for all versions that it may be for",
        zip(&[Entry::stored(
            "split_de.apk",
            &by("ec-p256", part(APP, 1, Some("config.de"), &[]).no_uses_sdk()),
        )]),
        &[("", "tampered", &["container-member"]), ("!/split_de.apk", "tampered", &["v1-no-manifest"])],
    );
    add(
        "set-no-base",
        "app.apkm",
        "two parts, and no base",
        zip(&[german(), split("config.fr", "split_fr.apk", super::containers::german)]),
        &[("", "unreadable", &["split-base-missing"]), de_row, ("!/split_fr.apk", "unauthenticated", &[])],
    );
    add(
        "set-foreign",
        "app.apkm",
        "a part of another app",
        zip(&[
            base(),
            Entry::stored(
                "split_de.apk",
                &by("ec-p256", part("com.example.other", 1, Some("config.de"), &[])),
            ),
        ]),
        &[("", "tampered", &["split-foreign"]), base_row, de_row],
    );
    add(
        "set-version",
        "app.apkm",
        "a part of another version",
        zip(&[base(), Entry::stored("split_de.apk", &by("ec-p256", part(APP, 2, Some("config.de"), &[])))]),
        &[("", "tampered", &["split-version"]), base_row, de_row],
    );
    add(
        "set-signer",
        "app.apkm",
        "a part by another signer",
        zip(&[base(), Entry::stored("split_de.apk", &by("ec-p256-2", part(APP, 1, Some("config.de"), &[])))]),
        &[("", "tampered", &["split-signer"]), base_row, de_row],
    );
    add(
        "set-twice",
        "app.apkm",
        "a part twice, under two names",
        zip(&[base(), german(), split("config.de", "again.apk", super::containers::german)]),
        &[("", "tampered", &["split-duplicate"]), base_row, de_row, ("!/again.apk", "unauthenticated", &[])],
    );
    add(
        "set-variants",
        "app.apks",
        "two bases and a part twice, as bundletool puts alternatives side by side",
        zip(&[
            Entry::stored("toc.pb", b"\x0a\0"),
            base(),
            Entry::stored("base_2.apk", &by("ec-p256", part(APP, 1, None, &[]))),
            german(),
            split("config.de", "again.apk", super::containers::german),
        ]),
        &[
            fine[0],
            base_row,
            ("!/base_2.apk", "unauthenticated", &[]),
            de_row,
            ("!/again.apk", "unauthenticated", &[]),
        ],
    );
    let needs = |name, resource, value| {
        Entry::stored("base.apk", &by("ec-p256", part(APP, 1, None, &[(name, resource, value)])))
    };
    add(
        "set-needs-one",
        "app.apkm",
        "a base that must not be installed alone, with a part",
        zip(&[needs("isSplitRequired", REQUIRED, "true"), german()]),
        &[fine[0], base_row, de_row],
    );
    add(
        "set-needs-one-alone",
        "app.apkm",
        "a base that must not be installed alone, alone",
        zip(&[needs("isSplitRequired", REQUIRED, "true")]),
        &[("", "unreadable", &["split-missing"]), base_row],
    );
    let brings = |types| {
        Entry::stored(
            "split_de.apk",
            &by("ec-p256", part(APP, 1, Some("config.de"), &[("splitTypes", TYPES, types)])),
        )
    };
    add(
        "set-types",
        "app.apkm",
        "a base that wants two types of parts, which a part brings",
        zip(&[
            needs("requiredSplitTypes", REQUIRED_TYPES, "base__abi,base__density"),
            brings("base__density, base__abi"),
        ]),
        &[fine[0], base_row, de_row],
    );
    add(
        "set-types-missing",
        "app.apkm",
        "a base that wants two types of parts, of which one is there",
        zip(&[
            needs("requiredSplitTypes", REQUIRED_TYPES, "base__abi,base__density"),
            brings("base__density"),
        ]),
        &[("", "unreadable", &["split-missing"]), base_row, de_row],
    );
    add(
        "set-two-apps",
        "apps.zip",
        "two apps, of which one is in parts",
        zip(&[
            base(),
            german(),
            Entry::stored("other.apk", &by("ec-p256-2", part("com.example.other", 7, None, &[]))),
        ]),
        &[fine[0], base_row, de_row, ("!/other.apk", "unauthenticated", &[])],
    );
    add(
        "aab",
        "app.aab",
        "an app bundle with the JAR signature of the upload key",
        bundle().v1(V1::by(&distributor)).build(),
        &[("", "unreadable", &["app-bundle"])],
    );
    add("aab-unsigned", "app.aab", "an app bundle", bundle().build(), &[("", "unreadable", &["app-bundle"])]);
    add(
        "aab-tampered",
        "app.aab",
        "an app bundle that was changed after it was signed",
        bundle()
            .v1(V1::by(&distributor))
            .entries(|entries| {
                entries.iter_mut().find(|entry| entry.name == "classes.dex").unwrap().data[0] ^= 1;
            })
            .build(),
        &[("", "unreadable", &["app-bundle", "container-signature", "v1-entry-digest-mismatch"])],
    );
    add(
        "apk-with-apk",
        "app.apk",
        "an APK stays one whatever it carries",
        apk("ec-p256").file("assets/plugin.apk", &unsigned()).build(),
        &[("", "unauthenticated", &[])],
    );
    let manifest_json =
        || Entry::stored("manifest.json", br#"{"split_apks":[{"file":"evil.bin","id":"base"}]}"#);
    let odd = |evil| [with(manifest_json()), vec![evil]].concat();
    add(
        "odd-name",
        "app.xapk",
        "an APK by another signer under the name of something else, which manifest.json gives to an installer",
        zip(&odd(Entry::stored("evil.bin", &apk("ec-p256-2").build()))),
        &[fine[0], one, two_row, ("!/evil.bin", "unauthenticated", &[])],
    );
    add(
        "odd-name-deflated",
        "app.apks",
        "a deflated one, without a signature",
        zip(&odd(Entry::deflated("evil.bin", &unsigned()))),
        &[
            ("", "unsigned", &["container-member"]),
            one,
            two_row,
            ("!/evil.bin", "unsigned", &["v1-no-manifest"]),
        ],
    );
    add(
        "odd-name-nested",
        "app.xapk",
        "an APK in an archive, both under such names",
        zip(&odd(Entry::deflated("evil.bin", &zip(&[Entry::deflated("more", &unsigned())])))),
        &[
            ("", "unsigned", &["container-member"]),
            one,
            two_row,
            ("!/evil.bin", "unsigned", &["container-member"]),
            ("!/evil.bin!/more", "unsigned", &["v1-no-manifest"]),
        ],
    );
    add(
        "odd-name-unreadable",
        "app.xapk",
        "an entry that cannot be inflated, of which nobody can say what it is",
        zip(&odd(Entry::deflated("evil.bin", &unsigned()).raw(|raw| raw.body.fill(0xff)))),
        &[
            ("", "unreadable", &["container-member"]),
            one,
            two_row,
            ("!/evil.bin", "unreadable", &["zip-bad-entry"]),
        ],
    );
    add(
        "odd-name-alone",
        "app.xapk",
        "an APK under such a name and nothing else",
        zip(&[Entry::stored("evil.bin", &good())]),
        &[fine[0], ("!/evil.bin", "unauthenticated", &[])],
    );
    let pictures =
        zip(&[Entry::stored("a.png", b"png"), Entry::stored("b.zip", &zip(&[Entry::stored("b", b"b")]))]);
    add(
        "with-archives",
        "app.xapk",
        "archives without any APK, as expansion files are",
        zip(&[
            &two()[..],
            &[
                Entry::stored("Android/obb/main.1.com.example.app.obb", &pictures),
                Entry::deflated("assets/pictures", &pictures),
                Entry::stored("cut", b"PK\x03\x04"),
                Entry::stored("icon.png", b"png"),
                Entry::stored("empty", b""),
            ],
        ]
        .concat()),
        &fine,
    );
    add(
        "no-apk",
        "app.apk",
        "neither an APK nor a container of any",
        Apk::new().no_manifest().v2(Signer::v2(&distributor)).build(),
        &[("", "unreadable", &["manifest-missing"])],
    );
    recipes
}
