//! What others publish about signers, read and held against a registry.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeSet;
use std::path::Path;

use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry::App;
use apkvouch::registry::Change;
use apkvouch::registry::EvidenceSource;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::Key;
use apkvouch::registry::export;
use apkvouch::registry::import;
use apkvouch::registry::import::Entry;
use apkvouch::registry::import::ImportFormat;
use apkvouch::registry::import::ImportOptions;

fn digest(byte: u8) -> CertificateDigest {
    CertificateDigest([byte; 32])
}

fn hex(byte: u8) -> String {
    digest(byte).to_string()
}

/// As `keytool` and others print it.
fn colons(byte: u8) -> String {
    vec![format!("{byte:02X}"); 32].join(":")
}

fn read(format: ImportFormat, name: &str, text: &str) -> Vec<Entry> {
    import::parse(text, Path::new(name), format).unwrap()
}

#[track_caller]
fn refused(format: ImportFormat, name: &str, text: &str, why: &str) {
    let error = import::parse(text, Path::new(name), format).map(|_| "no error").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().starts_with(why), "expected {why:?} in\n{error}");
    assert!(!error.to_string().contains('\n'));
}

fn pairs(entries: &[Entry]) -> Vec<(String, Vec<CertificateDigest>)> {
    entries
        .iter()
        .map(|entry| (entry.package.clone(), entry.certificates.iter().copied().collect()))
        .collect()
}

fn single(package: &str, byte: u8) -> (String, Vec<CertificateDigest>) {
    (package.to_owned(), vec![digest(byte)])
}

#[test]
fn asset_links_name_keys_that_may_sign_alone() {
    let text = format!(
        r#"[{{"relation": ["delegate_permission/common.handle_all_urls"],
             "target": {{"namespace": "android_app", "package_name": "com.example.app",
                         "sha256_cert_fingerprints": ["{}", "{}"]}}}},
            {{"relation": ["x"], "target": {{"namespace": "web", "site": "https://example.com"}}}}]"#,
        colons(0xa1),
        colons(0xb2)
    );
    let entries = read(ImportFormat::Assetlinks, "assetlinks.json", &text);
    assert_eq!(pairs(&entries), [single("com.example.app", 0xa1), single("com.example.app", 0xb2)]);
    assert!(
        entries.iter().all(|entry| entry.evidence.as_ref().unwrap().source == EvidenceSource::Assetlinks)
    );
    let bad = |text: &str, why: &str| refused(ImportFormat::Assetlinks, "a.json", text, why);
    bad("", "a.json:1:1: not of this format: EOF");
    bad("{}", "a.json:1:1: not of this format: invalid type: map");
    bad("[]", "a.json: expected at least one package with a signer, found none");
    bad(r#"[{"target": {"namespace": "android_app"}}]"#, "a.json: expected \"package_name\"");
    bad(
        r#"[{"target": {"namespace": "android_app", "package_name": "a.b"}}]"#,
        "a.json: expected \"sha256_cert_fi",
    );
    let md5 = text.replace(&colons(0xb2), &"b2:".repeat(16));
    bad(&md5, "a.json: com.example.app: expected the SHA-256 of a certificate");
    bad(&text.replace("com.example.app", "com"), "a.json: expected a package name of at least two parts");
}

#[test]
fn the_index_of_fdroid_names_signers_of_every_version() {
    let version = |signers: &str, several: &str| {
        format!(
            r#"{{"manifest": {{"versionCode": 1, "signer": {{"sha256": [{signers}]{several}}}}}, "file": {{}}}}"#
        )
    };
    let text = format!(
        r#"{{"repo": {{"name": {{}}}}, "packages": {{
            "org.example.one": {{"metadata": {{"name": {{"de": "Eins", "en-US": "One"}}}}, "versions": {{
                "v1": {}, "v2": {}, "v3": {}}}}},
            "org.example.two": {{"metadata": {{}}, "versions": {{"v1": {}, "v2": {{"manifest": {{}}}}}}}}}}}}"#,
        version(&format!("\"{}\"", hex(1)), ""),
        version(&format!("\"{}\"", hex(1)), ""),
        version(&format!("\"{}\"", hex(2)), ""),
        version(&format!("\"{}\", \"{}\"", hex(3), hex(4)), ", \"hasMultipleSigners\": true"),
    );
    let entries = read(ImportFormat::FdroidIndex, "index-v2.json", &text);
    let expected = [
        single("org.example.one", 1),
        single("org.example.one", 2),
        ("org.example.two".to_owned(), vec![digest(3), digest(4)]),
    ];
    assert_eq!(pairs(&entries), expected);
    assert_eq!(entries.first().unwrap().label.as_deref(), Some("One"));
    refused(ImportFormat::FdroidIndex, "i.json", "{\"packages\": []}", "i.json:1:");
    let cut = text.replace(&hex(2), "02");
    refused(ImportFormat::FdroidIndex, "i.json", &cut, "i.json: org.example.one: expected the SHA-256");
}

#[test]
fn the_metadata_of_fdroid_names_keys_in_every_way_of_writing() {
    let name = "metadata/org.example.one.yml";
    let of = |text: &str| pairs(&read(ImportFormat::FdroidMetadata, name, text));
    let one = single("org.example.one", 1);
    let both = [one.clone(), single("org.example.one", 2)];
    assert_eq!(
        of(&format!("Name: One\nAllowedAPKSigningKeys: {}\nX: y\n", hex(1))),
        std::slice::from_ref(&one)
    );
    assert_eq!(of(&format!("AllowedAPKSigningKeys: '{}' # the key\n", hex(1))), [one]);
    assert_eq!(
        of(&format!("AllowedAPKSigningKeys:\n  - {}\n\n  - \"{}\"\nX:\n  - y\n", hex(1), hex(2))),
        both
    );
    assert_eq!(of(&format!("AllowedAPKSigningKeys: [{}, {}]\n", hex(1), hex(2))), both);
    let bad = |text: &str, why: &str| refused(ImportFormat::FdroidMetadata, name, text, why);
    bad(
        "Name: One\n",
        "metadata/org.example.one.yml: expected the field \"AllowedAPKSigningKeys:\", found none",
    );
    bad("X:\nAllowedAPKSigningKeys:\nY: z\n", "metadata/org.example.one.yml:2:1: expected keys");
    bad(
        &format!("AllowedAPKSigningKeys:\n  - {}\n  - 0102\n", hex(1)),
        "metadata/org.example.one.yml:3:1: expected the SHA",
    );
    let twice = format!("AllowedAPKSigningKeys: {0}\nAllowedAPKSigningKeys: {0}\n", hex(1));
    bad(&twice, "metadata/org.example.one.yml:2:1: expected the field \"AllowedAPKSigningKeys:\" once");
}

#[test]
fn text_that_people_share_is_understood() {
    let text = format!(
        "# from a friend\n\nSome App\ncom.example.app\n{}\n\ncom.example.two {}\n{}\n",
        colons(1),
        hex(2),
        hex(3).to_uppercase()
    );
    let entries = read(ImportFormat::Text, "a.txt", &text);
    let expected = [single("com.example.app", 1), single("com.example.two", 2), single("com.example.two", 3)];
    assert_eq!(pairs(&entries), expected);
    assert_eq!(entries.first().unwrap().label.as_deref(), Some("Some App"));
    let bad = |text: &str, why: &str| refused(ImportFormat::Text, "a.txt", text, why);
    bad(&colons(1), "a.txt:1:1: expected a package name before its fingerprint");
    bad("com.example.app\n", "a.txt:1:1: expected a fingerprint behind com.example.app");
    bad(
        &format!("com.example.app\ncom.example.two\n{}\n", hex(2)),
        "a.txt:1:1: expected a fingerprint behind",
    );
    bad(
        &format!("com.example.app\n{}\n", &"A1:".repeat(16)),
        "a.txt:2:1: expected the SHA-256 of a certificate",
    );
    bad(
        &format!("One\nTwo\ncom.example.app\n{}\n", hex(2)),
        "a.txt:1:1: expected a package name or a SHA-256",
    );
    bad(&format!("com.example.app\n{}\nwhat?\n", hex(2)), "a.txt:3:1: expected a package name or");
    bad("", "a.txt: expected at least one package");
}

#[test]
fn comma_separated_values_have_named_columns() {
    let text = format!(
        "Package,Name,SHA256,owner,channel,evidence,url,date\r\n\
         com.example.app,\"An \"\"app\"\", quoted\",{},acme,play,dns,https://example.com,2026-01-01\r\n\r\n\
         com.example.two,'=1+1,{}+{},,,,,\r\n",
        colons(1),
        hex(2),
        hex(3)
    );
    let entries = read(ImportFormat::Csv, "a.csv", &text);
    assert_eq!(
        pairs(&entries),
        [single("com.example.app", 1), ("com.example.two".to_owned(), vec![digest(2), digest(3)])]
    );
    let (first, second) = (entries.first().unwrap(), entries.last().unwrap());
    assert_eq!(first.label.as_deref(), Some("An \"app\", quoted"));
    assert_eq!((first.owner.as_deref(), first.channel.as_deref()), (Some("acme"), Some("play")));
    let evidence = first.evidence.as_ref().unwrap();
    assert_eq!(
        (evidence.source, evidence.url.as_deref()),
        (EvidenceSource::Dns, Some("https://example.com"))
    );
    assert_eq!((second.label.as_deref(), second.line), (Some("=1+1"), 4));

    let bad = |text: &str, why: &str| refused(ImportFormat::Csv, "a.csv", text, why);
    bad(
        "package;fingerprint\ncom.x.a;00\n",
        "a.csv:1:1: expected commas between the names of columns, found semicolons; save the table with commas",
    );
    bad("package\tfingerprint\n", "a.csv:1:1: expected commas between the names of columns, found tabs");
    bad("what;ever\n", "a.csv:1:1: expected the names of columns");
    let row = format!("com.example.app,{}\n", hex(1));
    bad("", "a.csv:1:1: expected the names of columns, of package, name, fingerprint");
    bad(&row, "a.csv:1:1: expected the names of columns");
    bad(
        "package,name\n",
        "a.csv:1:1: expected the names of columns, of package, name, fingerprint, owner, channel, evidence, url, date, found no \"fingerprint\"",
    );
    bad(
        "package,sha256,fingerprint\n",
        "a.csv:1:1: expected the names of columns, of package, name, fingerprint, owner, channel, evidence, url, date, found \"fingerprint\" twice",
    );
    bad(&format!("package,sha256\n{row}com.example.two\n"), "a.csv:3:1: expected 2 cells");
    bad(&format!("package,sha256\n,{}\n", hex(1)), "a.csv:2:1: expected a package, found an empty cell");
    bad("package,sha256\na.b,\n", "a.csv:2:1: expected a fingerprint, found an empty cell");
    bad(&format!("package,sha256\na.b,{}+\n", hex(1)), "a.csv:2:1: expected the SHA-256");
    bad("package,sha256\n\"a.b,x\n", "a.csv:2:1: expected the closing quote");
    bad("package,sha256\n\"a.b\"c,x\n", "a.csv:2:1: expected a comma behind a quoted cell");
    bad(&format!("package,sha256,date\na.b,{},2026-01-01\n", hex(1)), "a.csv:2:1: expected the evidence");
    bad(
        &format!("package,sha256,evidence\na.b,{},gossip\n", hex(1)),
        "a.csv:2:1: expected one of assetlinks",
    );
}

#[test]
fn all_faults_of_a_file_are_told_up_to_a_bound() {
    let told = |format: ImportFormat, name: &str, text: &str| {
        import::parse(text, Path::new(name), format).map(|_| "no error").unwrap_err().to_string()
    };
    let rows = |count: usize| format!("package,sha256\n{}", "a.b,00\n".repeat(count));
    let lines = told(ImportFormat::Csv, "a.csv", &(rows(2) + &format!("a.b,{}\nA,00\n", hex(1))));
    let places: Vec<&str> = lines.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["a.csv:2:1", "a.csv:3:1", "a.csv:5:1"]);
    assert_eq!(told(ImportFormat::Csv, "a.csv", &rows(20)).lines().count(), 20);
    let many = told(ImportFormat::Csv, "a.csv", &rows(23));
    assert_eq!((many.lines().count(), many.lines().last()), (21, Some("and 3 more")));
    let text = told(ImportFormat::Text, "a.txt", &format!("com.x.a\n{}\nwhat?\n", "A1:".repeat(16)));
    assert_eq!(text.lines().count(), 2, "{text}");
    let names = format!("package,sha256\nno,{0}\nneither,{0}\n", hex(1));
    let names = told(ImportFormat::Csv, "a.csv", &names);
    assert!(
        names.starts_with("a.csv:2:1: expected a package name") && names.contains("\na.csv:3:1: "),
        "{names}"
    );
}

// Into a registry.

/// The time for which is asked.
fn now() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn registry() -> Registry {
    Registry::load("testdata/registry/good.toml").unwrap()
}

fn entry(package: &str, bytes: &[u8]) -> Entry {
    Entry::new(package, bytes.iter().map(|byte| digest(*byte)).collect())
}

fn owned(owner: &str) -> ImportOptions {
    let mut options = ImportOptions::default();
    options.owner = Some(owner.to_owned());
    options
}

#[test]
fn a_plan_adds_keys_before_the_apps_that_need_them_and_what_is_there_not_at_all() {
    let entries = [
        entry("com.example.new", &[1, 2]),
        entry("com.example.new", &[1]),
        entry("com.example.other", &[1]),
        entry("com.example.app", &[0xa1, 0xa2]),
    ];
    let changes = import::plan(&registry(), &entries, &owned("example")).unwrap();
    let mut then = registry();
    for change in &changes {
        then.apply(change).unwrap();
    }
    let kinds: Vec<bool> = changes.iter().map(|change| matches!(change, Change::Key(_))).collect();
    assert_eq!(kinds, [true, true, false, false]);
    assert_eq!(then.app("com.example.new").unwrap().signers.len(), 2);
    assert_eq!(import::plan(&then, &entries, &owned("example")).unwrap(), []);
}

#[test]
fn what_contradicts_the_registry_is_told_and_nothing_is_planned() {
    let plan = |entries: &[Entry], options: &ImportOptions| {
        import::plan(&registry(), entries, options).map(|_| "a plan").unwrap_err().to_string()
    };
    let app = || entry("com.example.app", &[1]);
    assert!(plan(&[app()], &owned("example")).starts_with(
        "com.example.app: it is registered with other signers in testdata/registry/good.toml: expected a1a1"
    ));
    assert!(plan(&[app()], &owned("store")).contains("belongs to subject \"store\", found \"example\""));
    assert!(plan(&[entry("com.example.new", &[1])], &ImportOptions::default()).contains("give --owner ID"));
    assert!(
        plan(&[entry("com.example.new", &[1])], &owned("nobody"))
            .contains("subject \"nobody\" is not registered")
    );
    assert!(
        plan(&[entry("com.example.new", &[0xdd])], &owned("example")).contains("is denied: leaked in 2025")
    );
    let foreign = plan(&[entry("com.example.new", &[0xc3])], &owned("example"));
    assert!(foreign.contains("belongs to subject \"example\", found \"store\""), "{foreign}");
    let mut theirs = entry("com.example.two", &[1]);
    theirs.owner = Some("store".to_owned());
    let between = plan(&[entry("com.example.new", &[1]), theirs], &owned("example"));
    assert!(between.contains("com.example.two: expected that key"), "{between}");
    let all =
        plan(&[app(), entry("com.example.new", &[0xdd]), entry("com.example.good", &[1])], &owned("example"));
    assert_eq!(all.lines().count(), 2, "{all}");

    // Once for all, where nobody is said at all.
    let two = [entry("com.example.new", &[1]), entry("com.example.other", &[1])];
    assert_eq!(
        plan(&two, &ImportOptions::default()),
        "expected the owner of these packages, found none; give --owner ID"
    );
    let mut one_owned = two.clone();
    one_owned[0].owner = Some("example".to_owned());
    assert!(plan(&one_owned, &ImportOptions::default()).starts_with("com.example.other: expected its owner"));
    // Of entries that come from files each of the two is named.
    let read = |name: &str, text: String| read(ImportFormat::Csv, name, &text);
    let mut entries = read("a.csv", format!("package,sha256,owner\ncom.example.new,{},example\n", hex(1)));
    entries.extend(read(
        "b.csv",
        format!(
            "package,sha256,owner\ncom.example.ok,{0},example\ncom.example.new,{1},store\ncom.example.two,{0},store\n\
             com.example.app,{1},example\n",
            hex(1),
            hex(2)
        ),
    ));
    let told = plan(&entries, &ImportOptions::default());
    let lines: Vec<&str> = told.lines().collect();
    let [of_package, of_key, of_app] = lines[..] else { panic!("{told}") };
    assert_eq!(
        of_package,
        "b.csv:3:1: com.example.new: expected that it belongs to subject \"store\", found \"example\" in a.csv:2"
    );
    assert!(
        of_key.starts_with("b.csv:4:1: ") && of_key.ends_with("found \"example\" in a.csv:2"),
        "{of_key}"
    );
    let of_registry =
        "b.csv:5:1: com.example.app: it is registered with other signers in testdata/registry/good.toml: ";
    assert!(of_app.starts_with(of_registry), "{of_app}");
    let many: Vec<String> = (0..23).map(|number| format!("com.example.n{number},{}\n", hex(0xdd))).collect();
    let many = plan(&read("c.csv", format!("package,sha256\n{}", many.concat())), &owned("example"));
    assert_eq!((many.lines().count(), many.lines().last()), (21, Some("and 3 more")));

    let mut both = owned("example");
    both.add_signers = true;
    let changes = import::plan(&registry(), &[app()], &both).unwrap();
    assert!(matches!(changes.as_slice(), [Change::Key(_), Change::Signers { .. }]), "{changes:?}");
}

// Out of a registry.

#[test]
fn what_is_written_out_reads_back() {
    let mut registry = registry();
    for byte in [1, 2] {
        registry.apply(&Change::Key(Box::new(Key::new(digest(byte), "example")))).unwrap();
    }
    let single = entry("com.example.new", &[1]).certificates;
    let set =
        |certificates| apkvouch::registry::SignerSet::new(certificates, apkvouch::registry::Role::Developer);
    let mut app = App::new("com.example.new", "example", vec![set(single), set(BTreeSet::from([digest(2)]))]);
    app.labels.push("=HYPERLINK(\"x\")".to_owned());
    registry.apply(&Change::App(app)).unwrap();

    let (toml, _) = export(&registry, ExportFormat::Toml, now());
    assert!(Registry::parse(&toml, "r.toml").unwrap().says_the_same_as(&registry));
    let (csv, notes) = export(&registry, ExportFormat::Csv, now());
    assert!(csv.lines().all(|line| !line.split(',').any(|cell| cell.starts_with(['=', '+', '@']))), "{csv}");
    assert_eq!(notes, ["com.example.app: left out: signers in the role distributor"]);
    let entries = read(ImportFormat::Csv, "a.csv", &csv);
    assert_eq!(import::plan(&registry, &entries, &ImportOptions::default()).unwrap(), []);
    assert_eq!(entries.last().unwrap().label.as_deref(), Some("=HYPERLINK(\"x\")"));
    let (links, notes) = export(&registry, ExportFormat::Assetlinks, now());
    let entries = read(ImportFormat::Assetlinks, "assetlinks.json", &links);
    assert_eq!(pairs(&entries), [self::single("com.example.new", 1), self::single("com.example.new", 2)]);
    assert_eq!(notes.len(), 2, "{notes:?}");
    let (json, _) = export(&registry, ExportFormat::Json, now());
    assert!(json.contains("\"filing_number\": \"京ICP备12345678号-1A\""), "{json}");
}

#[test]
fn keys_that_are_not_in_use_are_not_handed_on() {
    let text = std::fs::read_to_string("testdata/registry/good.toml").unwrap();
    let revoked = text.replacen("valid_from = 2026-01-01T08:00:00+08:00", "status = \"revoked\"", 1);
    let registry = Registry::parse(&revoked, "r.toml").unwrap();
    for format in [ExportFormat::Csv, ExportFormat::Assetlinks] {
        let (text, notes) = export(&registry, format, now());
        assert!(!text.contains("com.example.app"), "{text}");
        assert!(notes.iter().any(|note| note.contains("which is not in use")), "{notes:?}");
    }
}

#[test]
fn keys_that_have_expired_or_are_not_valid_yet_are_not_handed_on() {
    let text = std::fs::read_to_string("testdata/registry/good.toml").unwrap();
    // The app is signed by one key.
    let text = text.replacen(&format!("\"{}\", ", "a1".repeat(32)), "", 1);
    let key = Registry::parse(&text, "r.toml").unwrap();
    let from = "valid_from = 2026-01-01T08:00:00+08:00";
    for (dates, told) in [
        (from.to_owned(), None),
        (format!("{from}\nvalid_until = 2026-06-01"), None),
        (format!("{from}\nvalid_until = 2026-05-31"), Some("has expired: valid until 2026-05-31")),
        ("valid_from = 2026-06-01".to_owned(), None),
        ("valid_from = 2026-06-02".to_owned(), Some("not valid before 2026-06-02")),
    ] {
        let registry = Registry::parse(&text.replacen(from, &dates, 1), "r.toml").unwrap();
        assert_eq!(registry.keys().count(), key.keys().count());
        for format in [ExportFormat::Csv, ExportFormat::Assetlinks] {
            let (text, notes) = export(&registry, format, now());
            assert_eq!(text.contains("com.example.app"), told.is_none(), "{dates}: {text}");
            let said = told.is_none_or(|told| notes.iter().any(|note| note.contains(told)));
            assert!(said, "{dates}: {notes:?}");
        }
    }
}
