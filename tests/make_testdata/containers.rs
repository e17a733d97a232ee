//! Containers of APKs, `testdata/containers/<case>/`: what every file comes to in a scan without a registry.

use std::fmt::Write as _;

use super::ORIGIN;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Parts;
use crate::builder::Signer;
use crate::builder::V1;

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
    add(
        "no-apk",
        "app.apk",
        "neither an APK nor a container of any",
        Apk::new().no_manifest().v2(Signer::v2(&distributor)).build(),
        &[("", "unreadable", &["manifest-missing"])],
    );
    recipes
}
