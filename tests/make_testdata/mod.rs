//! The recipes of the committed test APKs, `testdata/<layer>/<case>/`.
//!
//! Checks that the committed bytes are what the recipes give. `APKVOUCH_BLESS=1 cargo test --test all make_testdata`
//! writes them instead. A new case is a recipe in the file of its layer; its name says the fault, and its nearest honest
//! neighbour stands beside it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a recipe that does not fit its APK is to stop the test"
)]

mod attacks;
mod block;
mod bombs;
pub(crate) mod containers;
mod crypto;
mod identity;
mod manifest;
mod marks;
mod stamp;
mod v1;
mod v2;
mod v3;
mod v31;
mod v32;
mod v4;
mod zip;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::V4;

const ORIGIN: &str = "origin = \"made by tests/make_testdata\"";

/// A test APK and what Android makes of it.
struct Case {
    /// `<layer>/<name>`
    path: &'static str,
    /// What was done, and what Android does.
    description: &'static str,
    apk: Apk,
    /// The v4 signature file beside it.
    idsig: Option<Vec<u8>>,
    runs: Vec<Run>,
    checks: Vec<StampCheck>,
    /// Why no comparison with apksigner 31, if there is none.
    apart: Option<&'static str>,
    /// What the app calls itself, line by line, where the case is about that.
    identity: Option<&'static [&'static str]>,
    /// Further files beside the APK: name and text.
    files: Vec<(&'static str, String)>,
}

/// A range of API levels, and the outcome there.
struct Run {
    min_sdk: Option<u32>,
    max_sdk: Option<u32>,
    outcome: Outcome,
    /// Codes of findings that are not errors.
    warnings: Vec<&'static str>,
    /// Codes of what is found at the source stamp.
    stamp: Vec<&'static str>,
    /// Certificate of the stamp, verified or not.
    stamped_by: Option<String>,
    stamp_timestamp: Option<u64>,
}

/// A check of the source stamp alone, and what it comes to.
struct StampCheck {
    min_sdk: Option<u32>,
    expected: Option<String>,
    status: &'static str,
    codes: Vec<&'static str>,
}

enum Outcome {
    /// The schemes that verify, and the certificates of the signers.
    Verified(Vec<&'static str>, Vec<String>),
    /// Codes of the findings that are errors.
    Refused(Vec<&'static str>),
}

fn case(path: &'static str, description: &'static str, apk: Apk) -> Case {
    Case {
        path,
        description,
        apk,
        idsig: None,
        runs: Vec::new(),
        checks: Vec::new(),
        apart: None,
        identity: None,
        files: Vec::new(),
    }
}

impl Case {
    /// With a v4 signature file for this APK.
    fn v4(mut self, v4: &V4) -> Self {
        self.idsig = Some(v4.sign(&self.apk));
        self
    }

    /// With these bytes for a v4 signature file.
    fn idsig(mut self, bytes: Vec<u8>) -> Self {
        self.idsig = Some(bytes);
        self
    }

    /// For the levels of its manifest, it is verified by these schemes and signers.
    fn verified(self, schemes: &[&'static str], signers: &[&Key]) -> Self {
        self.verified_for(None, None, schemes, signers)
    }

    /// For the levels of its manifest, it is refused with these codes.
    fn refused(self, codes: &[&'static str]) -> Self {
        self.refused_for(None, None, codes)
    }

    fn verified_for(
        mut self,
        min_sdk: Option<u32>,
        max_sdk: Option<u32>,
        schemes: &[&'static str],
        signers: &[&Key],
    ) -> Self {
        let signers = signers.iter().map(|key| key.certificate_digest()).collect();
        self.runs.push(Run::new(min_sdk, max_sdk, Outcome::Verified(schemes.to_vec(), signers)));
        self
    }

    fn refused_for(mut self, min_sdk: Option<u32>, max_sdk: Option<u32>, codes: &[&'static str]) -> Self {
        self.runs.push(Run::new(min_sdk, max_sdk, Outcome::Refused(codes.to_vec())));
        self
    }

    /// In the last run, this is found at the source stamp.
    fn stamp(mut self, codes: &[&'static str]) -> Self {
        self.runs.last_mut().unwrap().stamp = codes.to_vec();
        self
    }

    /// In the last run, the source stamp names this key.
    fn stamped_by(mut self, key: &Key) -> Self {
        self.runs.last_mut().unwrap().stamped_by = Some(key.certificate_digest());
        self
    }

    /// In the last run, the source stamp says that it was made then.
    fn stamp_time(mut self, seconds: u64) -> Self {
        self.runs.last_mut().unwrap().stamp_timestamp = Some(seconds);
        self
    }

    /// A check of the source stamp alone, which may have to be by a certain key.
    fn checked(mut self, expected: Option<&Key>, status: &'static str, codes: &[&'static str]) -> Self {
        let expected = expected.map(Key::certificate_digest);
        self.checks.push(StampCheck { min_sdk: None, expected, status, codes: codes.to_vec() });
        self
    }

    /// A check of the source stamp alone, from that API level on.
    fn checked_from(mut self, min_sdk: u32, status: &'static str, codes: &[&'static str]) -> Self {
        let codes = codes.to_vec();
        self.checks.push(StampCheck { min_sdk: Some(min_sdk), expected: None, status, codes });
        self
    }

    /// The app calls itself this, in the lines of `tests/identity.rs`.
    fn identity(mut self, lines: &'static [&'static str]) -> Self {
        self.identity = Some(lines);
        self
    }

    /// For the levels spoken of last, these warnings and notes are there: all that there are on the archive and on keys.
    fn warned(mut self, codes: &[&'static str]) -> Self {
        self.runs.last_mut().unwrap().warnings = codes.to_vec();
        self
    }

    /// Not compared with apksigner 31, for this reason.
    fn apart(mut self, reason: &'static str) -> Self {
        self.apart = Some(reason);
        self
    }

    fn toml(&self) -> String {
        let mut out = format!("{ORIGIN}\ndescription = \"{}\"\n", self.description);
        for run in &self.runs {
            out.push_str("\n[[run]]\n");
            for (name, level) in [("min_sdk", run.min_sdk), ("max_sdk", run.max_sdk)] {
                if let Some(level) = level {
                    writeln!(out, "{name} = {level}").unwrap();
                }
            }
            let none = (Vec::new(), Vec::new());
            let ((schemes, signers), codes) = match &run.outcome {
                Outcome::Verified(schemes, signers) => ((schemes, signers), &Vec::new()),
                Outcome::Refused(codes) => ((&none.0, &none.1), codes),
            };
            writeln!(out, "verified = {}", matches!(run.outcome, Outcome::Verified(..))).unwrap();
            writeln!(out, "schemes = {schemes:?}\nsigners = {signers:?}\ncodes = {codes:?}").unwrap();
            if !run.warnings.is_empty() {
                writeln!(out, "warnings = {:?}", run.warnings).unwrap();
            }
            if !run.stamp.is_empty() {
                writeln!(out, "stamp = {:?}", run.stamp).unwrap();
            }
            if let Some(key) = &run.stamped_by {
                writeln!(out, "stamped_by = {key:?}").unwrap();
            }
            if let Some(seconds) = run.stamp_timestamp {
                writeln!(out, "stamp_timestamp = {seconds}").unwrap();
            }
        }
        for check in &self.checks {
            out.push_str("\n[[stamp_check]]\n");
            if let Some(level) = check.min_sdk {
                writeln!(out, "min_sdk = {level}").unwrap();
            }
            if let Some(key) = &check.expected {
                writeln!(out, "expected = {key:?}").unwrap();
            }
            writeln!(out, "status = {:?}\ncodes = {:?}", check.status, check.codes).unwrap();
        }
        out
    }
}

impl Run {
    fn new(min_sdk: Option<u32>, max_sdk: Option<u32>, outcome: Outcome) -> Self {
        Self {
            min_sdk,
            max_sdk,
            outcome,
            warnings: Vec::new(),
            stamp: Vec::new(),
            stamped_by: None,
            stamp_timestamp: None,
        }
    }
}

#[test]
fn committed_cases_are_what_the_recipes_give() {
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut check = |path: PathBuf, bytes: &[u8]| {
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
        } else if fs::read(&path).ok().as_deref() != Some(bytes) {
            wrong.push(path.display().to_string());
        }
    };
    let mut seen = HashSet::new();
    for case in cases() {
        assert!(seen.insert(case.path), "{} stands twice", case.path);
        let dir = testdata().join(case.path);
        let apk = case.apk.build();
        assert!(apk.len() < 20_000, "{}: {} bytes", case.path, apk.len());
        check(dir.join("app.apk"), &apk);
        let idsig = dir.join("app.apk.idsig");
        match &case.idsig {
            Some(bytes) => {
                assert!(bytes.len() < 20_000, "{}: {} bytes beside it", case.path, bytes.len());
                check(idsig, bytes);
            }
            None => assert!(!idsig.exists(), "{}: no recipe makes it", idsig.display()),
        }
        check(dir.join("case.toml"), case.toml().as_bytes());
        if let Some(lines) = case.identity {
            check(dir.join("identity.toml"), format!("identity = {lines:#?}\n").as_bytes());
        }
        for (name, text) in &case.files {
            check(dir.join(name), text.as_bytes());
        }
    }
    for recipe in containers::recipes() {
        let dir = testdata().join("containers").join(recipe.name);
        assert!(recipe.bytes.len() < 20_000, "{}: {} bytes", recipe.name, recipe.bytes.len());
        check(dir.join(recipe.file), &recipe.bytes);
        check(dir.join("container.toml"), recipe.toml().as_bytes());
    }
    let rotated = Lineage::from(&Key::named("ec-p256")).to(&Key::named("ec-p256-2"));
    check(testdata().join("lineage/rotated.lineage"), &rotated.file());
    let debug = Key::android_debug();
    let keys = Key::NAMES.map(Key::named);
    for (name, key) in keys.iter().map(|key| (key.name.as_str(), key)).chain([("android-debug", &debug)]) {
        check(builder::keys::keys_dir().join(format!("{name}.x509.der")), &key.certificate);
    }
    let unmade = our_committed_cases().into_iter().filter(|path| !seen.contains(path.as_str()));
    wrong.extend(unmade.map(|path| format!("{path}: no recipe makes it")));
    assert!(wrong.is_empty(), "not what the recipes give:\n{}", wrong.join("\n"));
}

/// Paths of the committed cases whose origin is this file.
fn our_committed_cases() -> Vec<String> {
    let dirs = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let ours = |path: &PathBuf| {
        fs::read_to_string(path.join("case.toml")).is_ok_and(|text| text.starts_with(ORIGIN))
    };
    dirs(&testdata())
        .iter()
        .flat_map(|layer| dirs(layer))
        .filter(ours)
        .map(|path| {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            parts[parts.len() - 2..].join("/")
        })
        .collect()
}

fn testdata() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata"].iter().collect()
}

#[test]
fn apksigner_agrees_with_the_cases() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|dir| dir.join("apksigner").is_file()) {
        println!("left out: no apksigner on PATH");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut questions = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        let file = dir.path().join(format!("{number}.apk"));
        fs::write(&file, case.apk.build()).unwrap();
        if let Some(idsig) = &case.idsig {
            fs::write(idsig_of(&file), idsig).unwrap();
        }
        if let Some(reason) = case.apart {
            println!("{}: not compared: {reason}", case.path);
            continue;
        }
        questions.extend(case.runs.into_iter().map(|run| (case.path, file.clone(), run)));
    }
    let ask = |questions: &[(&str, PathBuf, Run)]| -> Vec<String> {
        questions
            .iter()
            .filter_map(|(path, file, run)| disagreement(file, run).map(|said| format!("{path}: {said}")))
            .collect()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = questions
            .chunks(questions.len().div_ceil(2))
            .map(|half| scope.spawn(move || ask(half)))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const STAMP_SIGNER: &str = "Source Stamp Signer certificate SHA-256 digest:";

fn idsig_of(apk: &Path) -> PathBuf {
    apk.with_extension("apk.idsig")
}

/// What apksigner says, if not what the run expects. Of a v4 signature file that does not verify it says no more than
/// that, and passes the APK.
fn disagreement(file: &Path, run: &Run) -> Option<String> {
    let mut command = Command::new("apksigner");
    // A short run is over before the second compiler pays.
    command.env("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
    command.args(["verify", "-v", "--print-certs"]);
    for (name, level) in [("--min-sdk-version", run.min_sdk), ("--max-sdk-version", run.max_sdk)] {
        if let Some(level) = level {
            command.args([name, &level.to_string()]);
        }
    }
    let has_v4 = idsig_of(file).exists();
    if has_v4 {
        command.arg("--v4-signature-file").arg(idsig_of(file));
    }
    let output = command.arg(file).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let says = |scheme: &str| {
        let line = format!("Verified using {scheme} scheme");
        stdout.lines().find(|said| said.starts_with(&line)).is_some_and(|line| line.ends_with("true"))
    };
    let agrees = match &run.outcome {
        Outcome::Refused(_) => !output.status.success() || has_v4 && !says("v4"),
        Outcome::Verified(schemes, signers) => {
            output.status.success()
                && ["v1", "v2", "v3", "v4"].iter().all(|scheme| says(scheme) == schemes.contains(scheme))
                && stdout.contains(&format!("Verified for SourceStamp: {}", schemes.contains(&"stamp")))
                && stdout.matches("certificate SHA-256 digest").count()
                    == signers.len() + stdout.matches(STAMP_SIGNER).count()
                && run.stamped_by.as_ref().is_none_or(|key| stdout.contains(&format!("{STAMP_SIGNER} {key}")))
                && signers.iter().all(|signer| stdout.contains(signer))
        }
    };
    (!agrees).then(|| format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)))
}

fn cases() -> Vec<Case> {
    let keys = Keys {
        a: Key::named("ec-p256"),
        b: Key::named("ec-p256-2"),
        c: Key::named("ec-p256-3"),
        rsa: Key::named("rsa-2048"),
    };
    let layers = [
        zip::cases,
        manifest::cases,
        identity::cases,
        block::cases,
        v1::cases,
        v2::cases,
        v3::cases,
        v31::cases,
        v32::cases,
        v4::cases,
        stamp::cases,
        marks::cases,
        attacks::cases,
        crypto::cases,
        bombs::cases,
    ];
    layers.iter().flat_map(|layer| layer(&keys)).collect()
}

struct Keys {
    a: Key,
    b: Key,
    c: Key,
    rsa: Key,
}

/// The default APK for that minimum.
fn min_sdk(level: u32) -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(level))
}

/// Changes an entry once v1 has signed.
fn edit(name: &'static str, change: impl Fn(&mut Entry) + 'static) -> impl Fn(&mut Vec<Entry>) {
    move |entries| change(entries.iter_mut().find(|entry| entry.name == name).unwrap())
}

/// Replaces text in an entry once v1 has signed.
fn replace(name: &'static str, old: &'static str, new: &'static str) -> impl Fn(&mut Vec<Entry>) {
    edit(name, move |entry| {
        let text = String::from_utf8(entry.data.clone()).unwrap();
        assert!(text.contains(old), "{name} has no {old:?}");
        entry.data = text.replace(old, new).into_bytes();
    })
}

fn flip_last(bytes: &mut [u8]) {
    *bytes.last_mut().unwrap() ^= 1;
}

/// Moves the entry with bytes in front of it to the start of the file.
fn prefix_first(entries: &mut Vec<Entry>) {
    let at = entries.iter().position(|entry| entry.name == "a").unwrap();
    let entry = entries.remove(at);
    entries.insert(0, entry);
}
