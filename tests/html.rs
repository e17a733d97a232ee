//! The report as a page: it holds what was found, needs nothing from elsewhere, and nothing from a file is markup in it. Where
//! `chromium` is installed, what it shows is looked at; where not, a line says so.

#![expect(
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::Digest as _;
use tempfile::TempDir;

use crate::appearance::png;
use crate::appearance::tampered;
use crate::appearance::with_icon;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::hash::base64;
use crate::builder::resources::Config;
use crate::builder::resources::id;
use crate::make_testdata::containers::zip;

const DEMO: [&str; 3] = ["testdata/demo/store", "--registry", "testdata/demo/registry.toml"];

/// The page of a scan.
fn page(folder: &Path, arguments: &[&str]) -> String {
    let path = folder.join("report.html");
    let run = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .arg("scan")
        .args(arguments)
        .arg("--output")
        .arg(format!("html={}", path.display()))
        .output()
        .unwrap();
    assert!(matches!(run.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&run.stderr));
    fs::read_to_string(path).unwrap()
}

/// What stands between `start` and `end`, the first time.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let at = text.find(start).unwrap() + start.len();
    &text[at..at + text[at..].find(end).unwrap()]
}

fn data(page: &str, id: &str) -> Value {
    serde_json::from_str(between(
        page,
        &format!("<script type=\"application/json\" id=\"{id}\">"),
        "</script>",
    ))
    .unwrap()
}

#[test]
fn it_says_what_the_scan_says() {
    let folder = TempDir::new().unwrap();
    let page = page(folder.path(), &DEMO);
    let rows = data(&page, "rows");
    let rows = rows.as_array().unwrap();
    // One for each file, and what stands behind the last comma.
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[9], Value::Null);
    let counterfeit = rows.iter().find(|row| row["o"] == "counterfeit").unwrap();
    assert_eq!(counterfeit["k"], "com.riverbank.wallet");
    assert_eq!(counterfeit["f"][0][0], "signer-not-allowed");
    let facts = data(&page, "facts");
    for row in &rows[..9] {
        assert!(facts["outcomes"].get(row["o"].as_str().unwrap()).is_some(), "{row}");
        for finding in row["f"].as_array().unwrap() {
            let code = &facts["codes"][finding[0].as_str().unwrap()];
            let told = code["told"].as_array().unwrap().iter().flat_map(|told| told.as_array().unwrap());
            let told: Vec<&Value> = told.chain([&code["en"], &code["zh"]]).collect();
            assert_eq!(told.len(), 8);
            assert!(told.iter().all(|told| !told.as_str().unwrap().is_empty()), "{told:?} of {finding}");
        }
    }
    // What the registry says of it, in Chinese, too.
    let revoked = rows.iter().find(|row| row["o"] == "revoked").unwrap();
    assert_eq!(revoked["f"][0][5], "status revoked since 2026-05-12");
    assert_eq!(revoked["f"][0][8], "状态 active");
    assert_eq!(revoked["f"][0][9], "状态 revoked（自 2026-05-12 起）");
    assert!(revoked["f"][0][3].as_str().unwrap().contains("证书 3207b7cd"), "{revoked}");
    // Where no script may run.
    let plain = between(&page, "<div id=\"static\">", "<div id=\"overview\"");
    for told in ["counterfeit", "仿冒", "com.riverbank.wallet", "riverbank-wallet-free.apk"] {
        assert!(plain.contains(told), "{told}");
    }
    assert!(plain.contains("news/daily-herald.apk") && plain.contains("expired"));
    // What passed is counted there, and not listed.
    assert!(plain.contains("authenticated") && !plain.contains("games/knight-moves.apk"));
}

#[test]
fn nothing_is_taken_from_elsewhere_and_no_other_script_may_run() {
    let folder = TempDir::new().unwrap();
    let page = page(folder.path(), &DEMO);
    let policy = between(&page, "<meta http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let hash = |text: &str| base64(&sha2::Sha256::digest(text));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "\n<script>", "</script>"));
    assert!(
        policy.contains(&format!("style-src 'sha256-{style}'; script-src 'sha256-{script}';")),
        "{policy}"
    );
    for outside in [" src=", " href=", "http://", "https://", "@import", "url(", " style=", " onclick="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

const NAMES: [&str; 6] = [
    "<script>document.title='caught'.apk",
    "<img src=x onerror=document.title='caught'>.apk",
    "\u{202e}kpa.exe\u{202c}.apk",
    "line\nbreak\u{1b}[31m.apk",
    "=cmd|'calc'!A0.apk",
    "'\"&amp;<!--.apk",
];

/// A name of an app that wants to be more.
const LABEL: &str = "<u onclick=alert(1)>Bank</u>\u{202e}\n";

/// As it is shown.
const SHOWN: &str = "<u onclick=alert(1)>Bank</u>\\u{202e}\\n";

/// A folder of files with names that want to be more.
fn hostile() -> TempDir {
    let folder = TempDir::new().unwrap();
    let label = format!("<b>{}</b>", "x".repeat(10_000));
    let manifest = Manifest::new("com.example.app").min_sdk(24).version(1, &label).label(LABEL);
    let apk = Apk::new().manifest(manifest).v2(Signer::v2(&Key::named("ec-p256"))).build();
    for name in NAMES {
        fs::write(folder.path().join(name), &apk).unwrap();
    }
    // Together with the name of the folder it ends a script.
    let nested = folder.path().join("<").join("script><img src=x onerror=document.title='caught'>");
    fs::create_dir_all(&nested).unwrap();
    fs::write(nested.join("a.apk"), b"<svg onload=alert(1)>").unwrap();
    folder
}

#[test]
fn nothing_from_a_file_is_markup() {
    let (files, folder) = (hostile(), TempDir::new().unwrap());
    let page = page(folder.path(), &[files.path().to_str().unwrap()]);
    for markup in ["<img", "<b>", "<u ", "<svg onload", "<!--"] {
        assert!(!page.contains(markup), "{markup}");
    }
    // One for the rows, one for the facts, one of ours.
    assert_eq!(page.matches("<script").count(), 3);
    assert!(page.chars().all(|c| c == '\n' || !apkvouch::report::escape::is_hidden(c)));
    let rows = data(&page, "rows");
    assert_eq!(rows.as_array().unwrap().len(), NAMES.len() + 2);
    assert!(rows.to_string().len() < 20_000, "texts are cut");
    let named = rows.as_array().unwrap().iter().filter(|row| row["l"] == SHOWN).count();
    assert_eq!(named, NAMES.len());
}

/// What a browser makes of the page, without the places where a path may break; none where there is no browser.
fn shown(page: &Path, state: &str) -> Option<String> {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|run| run.status.success()));
    let Some(browser) = browser else {
        println!("left out: no chromium");
        return None;
    };
    let profile = TempDir::new().unwrap();
    let run = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--lang=en",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}#{state}", page.display()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&run.stderr);
    assert!(!log.contains("CONSOLE"), "{log}");
    Some(String::from_utf8(run.stdout).unwrap().replace("<wbr>", ""))
}

#[test]
fn a_browser_shows_it_without_a_complaint() {
    let folder = TempDir::new().unwrap();
    page(folder.path(), &DEMO);
    let path = folder.path().join("report.html");
    let Some(dom) = shown(&path, "") else { return };
    let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
    assert_eq!(body.matches("<tr>").count(), 9);
    // The worst stands first.
    assert!(body.find("counterfeit").unwrap() < body.find("authenticated").unwrap());
    assert!(between(&dom, "id=\"cards\">", "</section>").contains("com.riverbank.wallet"));

    let dom = shown(&path, "lang=zh&only=counterfeit").unwrap();
    let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
    assert_eq!(body.matches("<tr>").count(), 1);
    assert!(body.contains("仿冒") && body.contains("该包名已登记"), "{body}");

    let rows = data(&fs::read_to_string(&path).unwrap(), "rows");
    let at = rows.as_array().unwrap().iter().position(|row| row["o"] == "counterfeit").unwrap();
    let dom = shown(&path, &format!("app={at}")).unwrap();
    let app = between(&dom, "<div id=\"app\">", "</main>");
    for told in [
        "signer-not-allowed",
        "What to do",
        "9febbcec854540789e54e7eb126241af642fab7c95d5b44f7a69f168a7f0134f",
    ] {
        assert!(app.contains(told), "{told}");
    }
    let dom = shown(&path, "view=signers").unwrap();
    assert!(between(&dom, "<tbody id=\"signer-body\">", "</tbody>").matches("<tr>").count() >= 5);
}

#[test]
fn a_browser_runs_nothing_from_a_file() {
    let (files, folder) = (hostile(), TempDir::new().unwrap());
    page(folder.path(), &[files.path().to_str().unwrap()]);
    let Some(dom) = shown(&folder.path().join("report.html"), "") else { return };
    assert_eq!(between(&dom, "<title>", "</title>"), "apkvouch scan");
    let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
    assert_eq!(body.matches("<tr>").count(), NAMES.len() + 1);
    assert!(body.contains("&lt;script&gt;document.title='caught'.apk"), "{body}");
    assert!(body.contains("&lt;u onclick=alert(1)&gt;Bank&lt;/u&gt;\\u{202e}\\n</bdi>"), "{body}");
    for spelled in ["\\u{202e}kpa.exe", "line\\nbreak\\x1b"] {
        assert!(body.contains(spelled), "{spelled}");
    }
}

#[test]
fn a_browser_shows_the_icon_of_an_app() {
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let icon = Resources::new().value(id(2, 0), Config::any(), "res/a.png");
    let icon = with_icon(&icon, &[("res/a.png", png(96, 200))]);
    fs::write(store.path().join("a.apk"), icon.build()).unwrap();
    fs::write(store.path().join("b.apk"), tampered(icon).build()).unwrap();
    page(folder.path(), &[store.path().to_str().unwrap()]);
    let Some(dom) = shown(&folder.path().join("report.html"), "") else { return };
    let address = format!("data:image/png;base64,{}", base64(&png(96, 200)));
    let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
    let image = format!("<img class=\"icon\" alt=\"Icon of Bank\" src=\"{address}\"");
    assert_eq!(body.matches(&image).count(), 2);
    // What is tampered with is shown above the table as well.
    assert!(between(&dom, "id=\"cards\">", "</section>").contains(&image));
    let dom = shown(&folder.path().join("report.html"), "app=0&lang=zh").unwrap();
    assert!(between(&dom, "<div id=\"app\">", "</main>").contains("alt=\"Bank 的图标\""));
}

/// What nobody has signed is marked as such, be a name all that a file says of itself, and what is signed is not.
#[test]
fn a_name_that_is_only_claimed_is_not_shown_as_verified() {
    let app = |package: &str| Apk::new().manifest(Manifest::new(package).min_sdk(24).label("River Bank"));
    let signed = |package: &str| app(package).v2(Signer::v2(&Key::named("ec-p256"))).build();
    let two =
        |first: &[u8], second: &[u8]| zip(&[Entry::stored("a.apk", first), Entry::stored("b.apk", second)]);
    let (a, b) = ("com.example.a", "com.example.b");
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    // Each with its package or what it claims to be, and whether it is marked.
    let files = [
        ("a-signed.apk", signed(a), Some("k"), false),
        ("b-unsigned.apk", app(a).build(), Some("c"), true),
        ("c-nameless.apk", app("").build(), None, true),
        ("d-unsigned.xapk", two(&app(a).build(), &app(b).build()), None, true),
        ("e-signed.xapk", two(&signed(a), &signed(b)), None, false),
        ("f-mixed.xapk", two(&signed(a), &app(b).build()), None, false),
    ];
    for (name, bytes, ..) in &files {
        fs::write(store.path().join(name), bytes).unwrap();
    }
    let page = page(folder.path(), &[store.path().to_str().unwrap()]);
    let rows = data(&page, "rows");
    let rows: Vec<&Value> = rows.as_array().unwrap().iter().filter(|row| row["p"].is_string()).collect();
    let row_of = |name: &str| rows.iter().position(|row| row["p"].as_str().unwrap().ends_with(name)).unwrap();
    for (name, _, package, is_claim) in &files {
        let row = rows[row_of(name)];
        assert_eq!(row["l"], "River Bank", "{row}");
        let told = ["k", "c"].into_iter().find(|key| row[*key].is_string());
        assert_eq!((told, row["u"] == true), (*package, *is_claim), "{row}");
    }
    let members = [("f-mixed.xapk!/a.apk", false), ("f-mixed.xapk!/b.apk", true)];
    for (name, is_claim) in members {
        assert_eq!(rows[row_of(name)]["u"] == true, is_claim, "{name}");
    }
    // Where no script runs, the files that failed are told with the mark.
    let plain = between(&page, "id=\"static\">", "</main>");
    assert!(plain.matches("<bdi>River Bank</bdi>").count() >= 3, "{plain}");
    let claims = rows.iter().filter(|row| row["u"] == true).count();
    assert_eq!(plain.matches("<span lang=\"en\">not verified</span>").count(), claims, "{plain}");

    let path = folder.path().join("report.html");
    let Some(dom) = shown(&path, "sort=path") else { return };
    let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
    for line in body.split("<tr>").skip(1) {
        let is_of = |row: &&&Value| line.contains(&format!(">{}<", row["p"].as_str().unwrap()));
        let row = rows.iter().find(is_of).unwrap();
        assert_eq!(line.contains(">not verified<"), row["u"] == true, "{line}");
    }
    for (name, .., is_claim) in &files {
        let dom = shown(&path, &format!("app={}", row_of(name))).unwrap();
        let app = between(&dom, "<div id=\"app\">", "</main>");
        let fact = between(app, "<dt>Name</dt>", "</div>");
        assert_eq!(fact.contains(">not verified<"), *is_claim, "{name}: {fact}");
    }
}

/// A good verdict is not shown as good where the file did not pass.
#[test]
fn what_a_policy_fails_is_not_shown_under_its_good_verdict() {
    let folder = TempDir::new().unwrap();
    let policy = folder.path().join("policy.toml");
    let words = |policy: &str, text: &str| -> Vec<String> {
        fs::write(policy, text).unwrap();
        let page = page(folder.path(), &[DEMO[0], DEMO[1], DEMO[2], "--policy", policy]);
        let rows = data(&page, "rows");
        rows.as_array().unwrap().iter().filter_map(|row| row["o"].as_str().map(str::to_owned)).collect()
    };
    let policy = policy.to_str().unwrap();
    let lenient = words(policy, "schema = 1\n");
    assert_eq!(lenient.iter().filter(|word| *word == "authenticated").count(), 2);
    assert!(!lenient.contains(&"failed".to_owned()));
    let strict = words(policy, "schema = 1\n\n[app]\nmax_file_bytes = 100\n");
    assert_eq!(strict.iter().filter(|word| *word == "failed").count(), 2);
    assert!(!strict.contains(&"authenticated".to_owned()));
}

fn app(package: &str, key: &str) -> Apk {
    let manifest = Manifest::new(package).min_sdk(24).version(1, "1.0");
    Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key)))
}

/// A store of one container with these members.
fn store_of_container(members: &[Apk]) -> TempDir {
    let store = TempDir::new().unwrap();
    let members = members.iter().enumerate();
    let entries: Vec<Entry> =
        members.map(|(at, apk)| Entry::stored(&format!("{at}.apk"), &apk.build())).collect();
    fs::write(store.path().join("all.apks"), zip(&entries)).unwrap();
    store
}

/// A container of apps by several signers is not one that nobody has signed.
#[test]
fn a_container_by_several_signers_says_so() {
    let one = || app("com.example.one", "ec-p256");
    for (members, mixed, words) in [
        (
            vec![one(), app("com.example.two", "rsa-2048")],
            Some("several"),
            "several signers: see the members",
        ),
        (
            vec![one(), tampered(app("com.example.two", "rsa-2048"))],
            Some("some"),
            "not every member verifies",
        ),
        (vec![one(), app("com.example.two", "ec-p256")], None, "CN=ec-p256"),
        (vec![tampered(one())], None, "nobody that verifies"),
    ] {
        let (store, folder) = (store_of_container(&members), TempDir::new().unwrap());
        let page = page(folder.path(), &[store.path().to_str().unwrap()]);
        let rows = data(&page, "rows");
        assert_eq!(rows[0].get("b").and_then(Value::as_str), mixed, "{}", rows[0]);
        assert!(rows[1].get("b").is_none(), "{}", rows[1]);
        let failed = page.contains("Files that failed");
        let plain = between(&page, "<div id=\"static\">", "<div id=\"overview\"");
        assert_eq!(
            plain.contains("not every member verifies: see the members"),
            failed && mixed == Some("some")
        );
        let Some(dom) = shown(&folder.path().join("report.html"), "") else { continue };
        let body = between(&dom, "<tbody id=\"body\">", "</tbody>");
        assert!(body.contains(words), "{words}: {body}");
        assert_eq!(
            body.contains("nobody that verifies"),
            members.len() == 1 || mixed == Some("some"),
            "{body}"
        );
    }
}

/// Where no script may run, the worst of many is shown before those that are less bad, whatever they are called.
#[test]
fn without_scripts_the_worst_stand_first() {
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for at in 0..205 {
        fs::write(store.path().join(format!("a{at:03}.apk")), b"no archive").unwrap();
    }
    fs::write(store.path().join("z1.apk"), tampered(app("com.example.app", "ec-p256")).build()).unwrap();
    fs::write(store.path().join("z2.apk"), tampered(app("com.example.app", "ec-p256")).build()).unwrap();
    let page = page(folder.path(), &[store.path().to_str().unwrap()]);
    let plain = between(&page, "<div id=\"static\">", "<div id=\"overview\"");
    let at = |name: &str| plain.find(name);
    let (first, second, third) = (at("z1.apk").unwrap(), at("z2.apk").unwrap(), at("a000.apk").unwrap());
    assert!(first < second && second < third);
    assert!(at("a197.apk").is_some() && at("a198.apk").is_none());
}

/// The text of a page's part, without its markup.
fn words(markup: &str) -> String {
    let mut words = String::new();
    for part in markup.split('<') {
        words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        words.push(' ');
    }
    words
}

/// Whose app a counterfeit says it is stands beside who signed it, and whose key that is if the registry knows.
#[test]
fn a_counterfeit_is_shown_with_the_owner_of_the_package() {
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::copy("testdata/demo/store/finance/riverbank-wallet-free.apk", store.path().join("a.apk")).unwrap();
    fs::write(store.path().join("b.apk"), app("com.riverbank.wallet", "ec-p256").build()).unwrap();
    fs::copy("testdata/demo/store/games/knight-moves.apk", store.path().join("c.apk")).unwrap();
    let page = page(folder.path(), &[store.path().to_str().unwrap(), DEMO[1], DEMO[2]]);
    let rows = data(&page, "rows");
    let owner = serde_json::json!(["Riverbank plc", "河岸银行"]);
    assert_eq!((&rows[0]["q"], &rows[1]["q"], &rows[2]["q"]), (&owner, &owner, &Value::Null));
    // The signer of the first is registered for nothing, that of the second is another developer.
    assert_eq!(rows[0]["t"], Value::Null);
    assert_eq!(rows[1]["t"][0][1][0], "Knight Moves Studio");
    assert_eq!(rows[2]["t"], Value::Null);

    let path = folder.path().join("report.html");
    let Some(dom) = shown(&path, "") else { return };
    let cards = words(between(&dom, "id=\"cards\">", "</section>"));
    assert_eq!(cards.matches("Riverbank plc").count(), 2, "{cards}");
    assert_eq!(cards.matches("registered as   Knight Moves Studio").count(), 1, "{cards}");
    let dom = shown(&path, "lang=zh&app=1").unwrap();
    let told = words(between(&dom, "<div id=\"app\">", "</main>"));
    assert!(told.contains("河岸银行") && !told.contains("Riverbank plc"), "{told}");
    // Meaning, cause and what to do, in Chinese alone.
    assert!(told.contains("处理办法：") && !told.contains("Sets are exact"), "{told}");
    // For which Android versions it holds is told once, in the language of the page.
    assert_eq!(told.matches("及更高").count(), 2, "{told}");
    assert!(told.contains("Android 7.0 及更高版本 (API 24+)") && !told.contains("and newer"), "{told}");
    // The signers: both keys of the registered one, and not that of the stranger.
    let dom = shown(&path, "view=signers&q=knight").unwrap();
    let body = between(&dom, "<tbody id=\"signer-body\">", "</tbody>");
    assert_eq!(body.matches("<tr>").count(), 2, "{body}");
    assert!(body.contains("data-label=\"Packages\"") && !body.contains("ec-p256-3"), "{body}");
}

/// A container whose member is bad is one thing to take down, and not two.
#[test]
fn a_container_and_its_member_are_one_card() {
    let one = || app("com.example.one", "ec-p256");
    let bad = || tampered(app("com.example.two", "ec-p256"));
    for (members, card, others) in [
        (vec![one(), bad()], "all.apks!/1.apk", ""),
        (vec![bad(), bad(), bad()], "all.apks!/0.apk", "and 2 more in it"),
    ] {
        let (store, folder) = (store_of_container(&members), TempDir::new().unwrap());
        fs::write(store.path().join("b.apk"), bad().build()).unwrap();
        page(folder.path(), &[store.path().to_str().unwrap()]);
        let Some(dom) = shown(&folder.path().join("report.html"), "") else { return };
        let cards = between(&dom, "id=\"cards\">", "</section>");
        assert_eq!(cards.matches("<article").count(), 2, "{cards}");
        assert!(cards.contains(card) && cards.contains("b.apk") && cards.contains(others), "{cards}");
        assert_eq!(cards.contains("more in it"), !others.is_empty(), "{cards}");
    }
}

/// Commands and names stand between backticks in the texts, and the page shows them as code.
#[test]
fn what_stands_between_backticks_is_shown_as_code() {
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::copy("testdata/demo/store/games/knight-moves.apk", store.path().join("a.apk")).unwrap();
    fs::write(store.path().join("b.apk"), b"<html>").unwrap();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "schema = 1\n").unwrap();
    let policy = policy.to_str().unwrap();
    let page = page(folder.path(), &[store.path().to_str().unwrap(), DEMO[1], DEMO[2], "--policy", policy]);
    assert!(data(&page, "facts")["codes"]["zip-no-eocd"]["told"][0][2].as_str().unwrap().contains("`file`"));
    assert!(data(&page, "rows")[0]["x"][1].as_str().unwrap().contains("`apkvouch registry "));
    let path = folder.path().join("report.html");
    let Some(dom) = shown(&path, "app=1") else { return };
    let told = between(&dom, "<div id=\"app\">", "</main>");
    assert!(told.contains("check with <code>file</code> what it is") && !told.contains('`'), "{told}");
    for language in ["en", "zh"] {
        let dom = shown(&path, &format!("app=0&lang={language}")).unwrap();
        let told = between(&dom, "<div id=\"app\">", "</main>");
        assert!(told.contains("<code>apkvouch registry ") && !told.contains('`'), "{told}");
    }
}
