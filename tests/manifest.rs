//! What the manifest says, held against what `aapt` says: the committed cases of that layer, and changed manifests.
//!
//! `aapt` reads with Android's own code (libandroidfw). Where it names another app than we do, or other SDK levels, one of
//! them is wrong; where we refuse a manifest there is nothing to compare. Without `aapt` on `PATH` this says that it was
//! left out.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::FindingCode;

use crate::builder::Apk;
use crate::builder::Manifest;
use crate::builder::manifest::Encoding;

fn verify(apk: &[u8]) -> Verification {
    apkvouch::verify(&apk, &VerifyOptions::default()).unwrap()
}

fn has_aapt() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join("aapt").is_file())
}

/// Package name, version code, minimum and target level, as far as they are there.
type App = [Option<String>; 4];

/// What aapt says; none when it cannot read the file, or names no package.
fn theirs(file: &Path) -> Option<App> {
    let output = Command::new("aapt").args(["dump", "badging"]).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let value = |start: &str, end: &str| {
        let rest = text.lines().find_map(|line| line.split_once(start)).map(|(_, rest)| rest)?;
        rest.split_once(end).map(|(value, _)| value.to_owned()).filter(|value| !value.is_empty())
    };
    let line = |start: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
        rest.strip_suffix('\'').map(str::to_owned)
    };
    let package = value("package: name='", "'")?;
    Some([Some(package), value(" versionCode='", "'"), line("sdkVersion:'"), line("targetSdkVersion:'")])
}

/// What we say; none where we refuse the manifest or name no package.
fn ours(verification: &Verification) -> Option<App> {
    let manifest = verification.claimed_manifest.as_ref()?;
    let refused = |code| {
        use FindingCode::{ManifestAmbiguous, ManifestMalformed, MinSdkUndetermined};
        matches!(code, ManifestMalformed | ManifestAmbiguous | MinSdkUndetermined)
    };
    if manifest.package.is_empty() || verification.findings.iter().any(|finding| refused(finding.code)) {
        return None;
    }
    Some([
        Some(manifest.package.clone()),
        // aapt writes the lower half.
        manifest.version_code.map(|code| (code & 0xffff_ffff).to_string()),
        manifest.min_sdk.map(|level| level.to_string()),
        Some(manifest.target_sdk.to_string()),
    ])
}

/// In what they differ, if both name an app.
fn difference(file: &Path, verification: &Verification) -> Option<String> {
    let (theirs, ours) = (theirs(file)?, ours(verification)?);
    // apksig takes a target of another type than a number for none; that matters on either side of 30 alone.
    let needs_v2 = |level: &Option<String>| {
        level.as_ref().and_then(|level| level.parse::<i64>().ok()).map(|level| level >= 30)
    };
    let level = |level: &Option<String>| level.as_ref().and_then(|level| level.parse::<i64>().ok());
    // aapt is silent where no level is given, writes code names as they stand, and numbers below 1 too.
    let same_level = |theirs: &Option<String>, ours: &Option<String>| match level(theirs) {
        None => true,
        Some(theirs) => level(ours) == Some(theirs.max(1)) || level(ours) == Some(theirs.max(0)),
    };
    let same = theirs[0] == ours[0]
        && (theirs[1].is_none() || ours[1].is_none() || theirs[1] == ours[1])
        && same_level(&theirs[2], &ours[2])
        && (same_level(&theirs[3], &ours[3]) || needs_v2(&theirs[3]) == needs_v2(&ours[3]));
    (!same).then(|| format!("aapt {theirs:?}, ours {ours:?}"))
}

/// Where aapt takes another level than the installer, and why.
const OTHER_LEVELS: &[(&str, &str)] = &[(
    "two-uses-sdk",
    "aapt takes the levels of the last uses-sdk; the installer refuses below the highest minimum",
)];

#[test]
fn aapt_sees_the_same_apps_in_the_cases() {
    if !has_aapt() {
        println!("left out: no aapt on PATH");
        return;
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/manifest");
    let mut wrong = Vec::new();
    for case in fs::read_dir(directory).unwrap() {
        let file = case.unwrap().path().join("app.apk");
        let name = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let difference = difference(&file, &verify(&fs::read(&file).unwrap()));
        if difference.is_some() != OTHER_LEVELS.iter().any(|(case, _)| *case == name) {
            wrong.push(format!("{name}: {difference:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn manifests() -> [Vec<u8>; 2] {
    let manifest =
        || Manifest::new("com.example.app").version(7, "1.0").label("An example").target_sandbox(1);
    [manifest().build(), manifest().encoding(Encoding::Utf16).build()]
}

#[test]
fn no_prefix_and_no_flipped_bit_of_a_manifest_panics() {
    for manifest in manifests() {
        for at in 0..manifest.len() {
            verify(&Apk::new().manifest_bytes(&manifest[..at]).build());
            for bit in 0..8 {
                verify(&Apk::new().manifest_bytes(&flipped(&manifest, at, bit)).build());
            }
        }
    }
}

#[test]
fn aapt_sees_the_same_app_in_a_manifest_with_a_flipped_bit() {
    if !has_aapt() {
        println!("left out: no aapt on PATH");
        return;
    }
    let every: usize =
        std::env::var("APKVOUCH_FLIP_EVERY").ok().and_then(|text| text.parse().ok()).unwrap_or(61);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.apk");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for manifest in manifests() {
        for number in (0..manifest.len() * 8).step_by(every) {
            let apk = Apk::new().manifest_bytes(&flipped(&manifest, number / 8, number % 8)).build();
            let verification = verify(&apk);
            if ours(&verification).is_none() {
                continue;
            }
            compared += 1;
            fs::write(&file, &apk).unwrap();
            wrong.extend(difference(&file, &verification).map(|what| format!("bit {number}: {what}")));
        }
    }
    println!("{compared} manifests with a flipped bit compared");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn flipped(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << bit;
    bytes
}
