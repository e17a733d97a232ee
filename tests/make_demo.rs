//! The demo store, `testdata/demo/`: a small app store with one app of every verdict, and the registry that judges it.
//!
//! Checks that the committed files are what the recipes give, and that each gets its verdict.
//! `APKVOUCH_BLESS=1 cargo test --test all make_demo` writes them instead.
#![expect(clippy::unwrap_used, reason = "a recipe that does not fit is to stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use apkvouch::VerifyOptions;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::policy::decide;
use apkvouch::registry::Registry;

/// When the demo is judged: inside the validity of all keys but the one that has expired.
const NOW: &str = "2026-11-01T00:00:00Z";

fn app(package: &str, label: &str) -> Apk {
    let code = format!("dex\n035\0 pretend this is the code of {package}");
    let manifest = Manifest::new(package).version(42, "4.2").min_sdk(21).target_sdk(34).label(label);
    Apk::new()
        .manifest(manifest)
        .file("classes.dex", code.as_bytes())
        .file("assets/readme.txt", label.as_bytes())
}

fn signed(apk: Apk, key: &Key) -> Apk {
    apk.v1(V1::by(key).schemes("2, 3")).v2(Signer::v2(key)).v3(Signer::v3(key))
}

struct Demo {
    store: BTreeMap<&'static str, (Vec<u8>, Verdict)>,
    registry: String,
}

fn demo() -> Demo {
    let (bank, news) = (Key::named("rsa-2048"), Key::named("ec-p384"));
    let (games, stranger) = (Key::named("ec-p256"), Key::named("ec-p256-3"));
    let (games_new, banned) = (Key::named("ec-p256-2"), Key::named("rsa-2048-2"));
    let riverbank = || app("com.riverbank.wallet", "Riverbank Wallet");
    let chess = || app("org.knightmoves.chess", "Knight Moves");
    let rotated = chess()
        .v1(V1::by(&games).schemes("2, 3"))
        .v2(Signer::v2(&games))
        .v3(Signer::v3(&games_new).lineage(&Lineage::from(&games).to(&games_new)));
    let tampered = signed(riverbank(), &bank).bytes(|file| {
        let at = file.windows(7).position(|window| window == b"pretend").unwrap();
        file.splice(at..at + 7, *b"PRETEND");
    });
    let store = BTreeMap::from([
        ("finance/riverbank-wallet.apk", (signed(riverbank(), &bank).build(), Verdict::Authenticated)),
        ("finance/riverbank-wallet-free.apk", (signed(riverbank(), &stranger).build(), Verdict::Counterfeit)),
        ("finance/riverbank-wallet-mirror.apk", (tampered.build(), Verdict::Tampered)),
        ("games/knight-moves.apk", (rotated.build(), Verdict::Authenticated)),
        (
            "games/blocks.apk",
            (signed(app("io.github.blocks", "Blocks"), &stranger).build(), Verdict::Unauthenticated),
        ),
        (
            "news/daily-herald.apk",
            (signed(app("com.dailyherald.reader", "Daily Herald"), &news).build(), Verdict::Expired),
        ),
        (
            "tools/cleaner.apk",
            (signed(app("com.supercleaner.pro", "Super Cleaner"), &banned).build(), Verdict::Revoked),
        ),
        ("tools/flashlight.apk", (app("net.lightworks.torch", "Torch").build(), Verdict::Unsigned)),
        (
            "tools/notes.apk",
            (b"This is a text file that somebody named notes.apk.\n".to_vec(), Verdict::Unreadable),
        ),
    ]);
    let registry = format!(
        r#"# The registry of the demo store: who is known, with which keys, and who may sign what.
# Made by tests/make_demo.rs.
schema = 1
id = "demo.apkvouch.example"
serial = 1
issued_at = 2026-01-01

[[subject]]
id = "riverbank"
name = "Riverbank plc"
name_zh = "河岸银行"
roles = ["developer"]

[[subject]]
id = "knightmoves"
name = "Knight Moves Studio"
roles = ["developer"]

[[subject]]
id = "dailyherald"
name = "Daily Herald"
name_zh = "每日先驱报"
roles = ["developer"]

[[subject]]
id = "supercleaner"
name = "Super Cleaner Labs"
roles = ["developer"]

[[key]]
certificate_sha256 = "{bank}"
subject = "riverbank"
valid_from = 2024-01-01

[[key]]
certificate_sha256 = "{games}"
subject = "knightmoves"

[[key]]
certificate_sha256 = "{news}"
subject = "dailyherald"
valid_from = 2024-01-01
valid_until = 2026-03-31

[[key]]
certificate_sha256 = "{banned}"
subject = "supercleaner"
status = "revoked"
status_date = 2026-05-12
reason = "signed ad fraud in 14 apps"

[[app]]
package = "com.riverbank.wallet"
labels = ["Riverbank Wallet", "河岸钱包"]
owner = "riverbank"

[[app.signers]]
certificates = ["{bank}"]

[[app]]
package = "org.knightmoves.chess"
labels = ["Knight Moves"]
owner = "knightmoves"

[[app.signers]]
certificates = ["{games}"]

[[app]]
package = "com.dailyherald.reader"
labels = ["Daily Herald"]
owner = "dailyherald"

[[app.signers]]
certificates = ["{news}"]

[[app]]
package = "com.supercleaner.pro"
labels = ["Super Cleaner"]
owner = "supercleaner"

[[app.signers]]
certificates = ["{banned}"]
"#,
        bank = bank.certificate_digest(),
        games = games.certificate_digest(),
        news = news.certificate_digest(),
        banned = banned.certificate_digest(),
    );
    Demo { store, registry }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo")
}

fn check(path: &Path, bytes: &[u8]) {
    if std::env::var_os("APKVOUCH_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert!(fs::read(path).unwrap() == bytes, "{} is not what its recipe gives", path.display());
}

#[test]
fn the_committed_demo_is_what_the_recipes_give() {
    let demo = demo();
    check(&directory().join("registry.toml"), demo.registry.as_bytes());
    for (name, (bytes, _)) in &demo.store {
        check(&directory().join("store").join(name), bytes);
    }
}

#[test]
fn every_app_gets_its_verdict_and_every_verdict_has_an_app() {
    let demo = demo();
    let registry = Registry::parse(&demo.registry, Path::new("registry.toml")).unwrap();
    let now = NOW.parse().unwrap();
    for (name, (bytes, expected)) in &demo.store {
        let evidence = apkvouch::verify(bytes, &VerifyOptions::default()).unwrap();
        let decision = decide(&evidence, &registry, &Policy::default(), now);
        assert_eq!(decision.verdict, *expected, "{name}: {:#?} {:#?}", evidence.findings, decision.findings);
    }
    for verdict in Verdict::ALL.iter().filter(|verdict| **verdict != Verdict::Suspected) {
        assert!(demo.store.values().any(|(_, expected)| expected == verdict), "no app is {verdict}");
    }
}
