//! Nothing that is not signed passes: honest APKs of every scheme and kind of key, of which one thing is changed.
//!
//! What must come of a mutant follows from what was changed (`mutant::Expected`), and whatever comes of it is held against what
//! the file then holds: who verifies as the honest signer holds the honest signer's content, as Android reads it
//! (`properties/android.rs`), and nobody is authenticated but him. A seed and a place make the same mutant again.
//!
//! `APKVOUCH_MUTANTS=DIR cargo test --release --test all properties::are_written -- --ignored` writes mutants to files, with
//! what is said of each, for another verifier to judge.

#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "mutants are made of honest files, which have what is looked for and are small; a run tells what it did"
)]

mod android;
mod bases;
mod block;
mod jar;
mod mutant;
mod random;
mod sections;
mod sidecar;
mod signed_anew;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use apkvouch::Idsig;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::decide;
use apkvouch::finding::SchemeId;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::verify_with_idsig;

use bases::Base;
use mutant::Expected;
use mutant::Mutant;
use mutant::Origin;
use random::Random;

/// A way to change an APK.
struct Class {
    name: &'static str,
    make: fn(&Base, &mut Random) -> Option<Mutant>,
    /// To which honest files it can be done.
    fits: fn(&Base) -> bool,
}

const fn class(
    name: &'static str,
    fits: fn(&Base) -> bool,
    make: fn(&Base, &mut Random) -> Option<Mutant>,
) -> Class {
    Class { name, make, fits }
}

const CLASSES: [Class; 21] = [
    class("bytes-changed", |_| true, sections::bytes_changed),
    class("bytes-inserted", |_| true, sections::bytes_inserted),
    class("bytes-missing", |_| true, sections::bytes_missing),
    class("bytes-moved", |_| true, sections::bytes_moved),
    class("section-exchanged", has_block, sections::section_exchanged),
    class("field-changed", |_| true, sections::field_changed),
    class("zip64-added", |_| true, sections::zip64_added),
    class("record-changed", has_block, block::record_changed),
    class("record-changed-again", has_block, block::record_changed),
    class("pair-added", has_block, block::pair_added),
    class("pair-doubled", has_block, block::pair_doubled),
    class("frame-changed", has_block, block::frame_changed),
    class("block-exchanged", has_block, block::block_exchanged),
    class("entry-changed", only_v1, jar::entry_changed),
    class("laid-out-anew", only_v1, jar::laid_out_anew),
    class("text-changed", only_v1, jar::text_changed),
    class("jar-block-changed", only_v1, jar::block_changed),
    class("jar-signature-exchanged", only_v1, jar::signature_exchanged),
    class("idsig-changed", |base| base.idsig.is_some(), sidecar::idsig_changed),
    class("odd-archive", signed_by_the_victim, signed_anew::odd_archive),
    class("odd-signed-data", signed_by_the_victim, signed_anew::odd_signed_data),
];

/// Made apart: what an attacker signs is no change of an honest file.
const BY_ATTACKER: Class = class("by-attacker", signed_by_the_victim, signed_anew::by_attacker);

fn has_block(base: &Base) -> bool {
    !base.only_v1
}

fn only_v1(base: &Base) -> bool {
    base.only_v1
}

/// The one whose signer `signed_anew` takes for the honest one.
fn signed_by_the_victim(base: &Base) -> bool {
    base.name == "v2 P-256"
}

/// The mutant at a place of the run with that seed.
fn make(bases: &[Base], seed: u64, place: u64) -> (&Base, &'static str, Mutant) {
    let mut random = Random::new(seed, place);
    loop {
        let class = match random.below(CLASSES.len() + 1) {
            0 => &BY_ATTACKER,
            class => &CLASSES[class - 1],
        };
        let fitting: Vec<&Base> = bases.iter().filter(|base| (class.fits)(base)).collect();
        let base = *random.pick(&fitting);
        if let Some(mutant) = (class.make)(base, &mut random) {
            return (base, class.name, mutant);
        }
    }
}

/// The ranges of API levels that a mutant is judged for, beside that of its manifest: one of these.
const RANGES: [(Option<u32>, Option<u32>); 8] = [
    (Some(24), Some(27)),
    (Some(28), Some(32)),
    (Some(33), Some(36)),
    (Some(37), None),
    (None, Some(23)),
    (Some(18), None),
    (Some(28), None),
    (Some(24), None),
];

/// A mutant must be judged in this time, on a machine that does other work as well.
const LONGEST: Duration = Duration::from_secs(2);

fn judge(base: &Base, mutant: &Mutant, range: (Option<u32>, Option<u32>)) -> Option<Verification> {
    let mut options = VerifyOptions::default();
    (options.min_sdk, options.max_sdk) = range;
    // A range that ends before it begins is refused.
    match mutant.idsig.as_ref().or(base.idsig.as_ref()).filter(|_| mutant.origin == Origin::Honest) {
        Some(idsig) => verify_with_idsig(&mutant.file, &Idsig::new(idsig, "app.apk.idsig"), &options).ok(),
        None => apkvouch::verify(&mutant.file, &options).ok(),
    }
}

/// The registry that knows everyone whom some Android version sees in the honest file.
fn registry(base: &Base) -> Registry {
    let mut text = "schema = 1\nid = \"test\"\nserial = 1\nissued_at = 2026-01-01\n\n\
        [[subject]]\nid = \"victim\"\nname = \"Victim Inc\"\nroles = [\"developer\"]\n"
        .to_owned();
    let mut app = "\n[[app]]\npackage = \"com.example.app\"\nowner = \"victim\"\n".to_owned();
    let sets: BTreeSet<&BTreeSet<String>> = base.sights.iter().map(|(.., signers)| signers).collect();
    let keys: BTreeSet<&String> = sets.iter().copied().flatten().collect();
    for key in keys {
        write!(text, "\n[[key]]\ncertificate_sha256 = \"{key}\"\nsubject = \"victim\"\n").unwrap();
    }
    for set in sets {
        let set: Vec<String> = set.iter().map(|key| format!("\"{key}\"")).collect();
        write!(app, "\n[[app.signers]]\ncertificates = [{}]\n", set.join(", ")).unwrap();
    }
    Registry::parse(&(text + &app), "registry.toml").unwrap()
}

/// What is wrong with the answer, if anything is.
fn fault(base: &Base, mutant: &Mutant, evidence: &Verification, registry: &Registry) -> Option<String> {
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let verdict = decide(evidence, registry, &Policy::default(), now).verdict;
    let authenticated = verdict == Verdict::Authenticated;
    if !evidence.is_verified() {
        let told = evidence.findings.iter().any(apkvouch::finding::Finding::is_error);
        let verdicts = [Verdict::Tampered, Verdict::Unsigned, Verdict::Unreadable];
        if authenticated || !verdicts.contains(&verdict) {
            return Some(format!("not verified, and {verdict}"));
        }
        return (!told && verdict != Verdict::Unsigned).then(|| "refused without a word".to_owned());
    }
    let honest: BTreeSet<&String> = base.sights.iter().flat_map(|(.., signers)| signers).collect();
    let mut as_honest = true;
    for view in &evidence.views {
        let seen: BTreeSet<String> =
            evidence.signers_of(view).map(|signer| signer.certificate().digest().to_string()).collect();
        let named = seen.iter().any(|signer| honest.contains(signer));
        if let Some(fault) = content_differs(base, mutant, view.scheme).filter(|_| named) {
            return Some(format!("{fault}, though signed by {seen:?} for {}", view.min_sdk));
        }
        if let Origin::Attacker(attacker) = &mutant.origin
            && !seen.is_subset(attacker)
        {
            return Some(format!("an attacker's file signed by {seen:?}"));
        }
        let due = |(first, last, _): &&bases::Sight| view.min_sdk >= *first && view.max_sdk <= *last;
        as_honest &= base.sights.iter().find(due).is_some_and(|(.., signers)| *signers == seen);
    }
    (authenticated && !as_honest).then(|| "authenticated, though others are seen".to_owned())
}

/// How the content that Android goes by under this scheme differs from what the honest signer has signed: the honest file,
/// and the other version of it that some classes take pieces of.
fn content_differs(base: &Base, mutant: &Mutant, scheme: SchemeId) -> Option<String> {
    let signed = [&base.file, &base.twin];
    match (&mutant.origin, scheme) {
        (Origin::SignedAnew, _) => None,
        (_, SchemeId::V1) if !mutant.file.starts_with(b"PK\x03\x04") => {
            Some("v1 verifies what old versions could run (Janus)".to_owned())
        }
        (_, SchemeId::V1) => {
            let Some(content) = android::content(&mutant.file) else {
                return Some("v1 verifies what a second reading refuses".to_owned());
            };
            let known = signed.iter().any(|file| android::content(file).as_ref() == Some(&content));
            (!known).then(|| "v1 verifies other content".to_owned())
        }
        _ => {
            let bytes = sections::protected(&mutant.file);
            let known = signed.iter().any(|file| sections::protected(file) == bytes);
            (!known).then(|| format!("{scheme} verifies other bytes"))
        }
    }
}

/// What is wrong with the answer for all versions of the manifest, by what was expected.
fn unexpected(mutant: &Mutant, evidence: &Verification, registry: &Registry) -> Option<String> {
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let verdict = || decide(evidence, registry, &Policy::default(), now).verdict;
    let codes = errors(evidence);
    match mutant.expected {
        Expected::Rejected(_) if evidence.is_verified() => Some("verified, but must be rejected".to_owned()),
        Expected::Rejected(causes) => {
            let named = codes.iter().any(|code| causes.iter().any(|cause| code.starts_with(cause)));
            (!named).then(|| format!("rejected for {codes:?}, which does not name the cause"))
        }
        Expected::Accepted if !evidence.is_verified() => {
            Some(format!("rejected for {codes:?}, but must be accepted"))
        }
        Expected::Accepted => {
            (verdict() != Verdict::Authenticated).then(|| format!("{}, but must be authenticated", verdict()))
        }
        Expected::Unreadable => (verdict() == Verdict::Authenticated)
            .then(|| format!("authenticated ({codes:?}), but the platform does not open it")),
        Expected::ByContent => None,
    }
}

/// Codes of the errors.
fn errors(evidence: &Verification) -> BTreeSet<&'static str> {
    let errors = evidence.findings.iter().filter(|finding| finding.is_error());
    errors.map(|finding| finding.code.as_str()).collect()
}

/// What came of the mutants of a run.
#[derive(Default)]
struct Tally {
    faults: Vec<String>,
    /// By class: rejected, accepted.
    classes: BTreeMap<&'static str, [usize; 2]>,
    longest: Duration,
}

/// Judges the mutant at a place of a run.
fn try_one(bases: &[Base], registries: &[Registry], seed: u64, place: u64, tally: &mut Tally) {
    let (base, class, mutant) = make(bases, seed, place);
    let registry = &registries[bases.iter().position(|other| other.name == base.name).unwrap()];
    let range = RANGES[(place % RANGES.len() as u64) as usize];
    for range in [(None, None), range] {
        let start = Instant::now();
        let evidence = panic::catch_unwind(panic::AssertUnwindSafe(|| judge(base, &mutant, range)));
        let mut took = start.elapsed();
        if took > LONGEST {
            // The machine may have been busy with something else.
            let again = Instant::now();
            let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| judge(base, &mutant, range)));
            took = took.min(again.elapsed());
        }
        tally.longest = tally.longest.max(took);
        let fault = match &evidence {
            Err(_) => Some("a panic".to_owned()),
            Ok(_) if took > LONGEST => Some(format!("took {took:?}")),
            Ok(None) => None,
            Ok(Some(evidence)) => {
                let expected =
                    (range == (None, None)).then(|| unexpected(&mutant, evidence, registry)).flatten();
                fault(base, &mutant, evidence, registry).or(expected)
            }
        };
        if let (Ok(Some(evidence)), (None, None)) = (&evidence, range) {
            tally.classes.entry(class).or_default()[usize::from(evidence.is_verified())] += 1;
        }
        if let Some(fault) = fault {
            tally.faults.push(format!(
                "{seed:#x} {place} {range:?} {class}, {}: {}: {fault}",
                base.name, mutant.what
            ));
        }
    }
}

/// Judges so many mutants on all processors.
fn run(seed: u64, count: u64) -> Tally {
    let bases = bases::all();
    let registries: Vec<Registry> = bases.iter().map(registry).collect();
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let work = || {
            let mut tally = Tally::default();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return tally;
                }
                try_one(&bases, &registries, seed, place, &mut tally);
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Tally::default();
        for thread in threads {
            let tally = thread.join().unwrap();
            all.faults.extend(tally.faults);
            all.longest = all.longest.max(tally.longest);
            for (class, [rejected, accepted]) in tally.classes {
                let sum = all.classes.entry(class).or_default();
                sum[0] += rejected;
                sum[1] += accepted;
            }
        }
        all.faults.sort();
        all
    })
}

fn assert_none_passes(seed: u64, count: u64) {
    let tally = run(seed, count);
    let judged: usize = tally.classes.values().flatten().sum();
    println!("seed {seed:#x}: {judged} mutants, the slowest in {:?}", tally.longest);
    for (class, [rejected, accepted]) in &tally.classes {
        println!("  {class}: {rejected} rejected, {accepted} accepted");
    }
    let few: Vec<&String> = tally.faults.iter().take(60).collect();
    assert!(tally.faults.is_empty(), "{} of {judged}: {few:#?}", tally.faults.len());
    assert_eq!(judged as u64, count);
    // A class that makes nothing, or nothing that is refused, shows nothing.
    for class in CLASSES.iter().chain([&BY_ATTACKER]) {
        let [rejected, accepted] = tally.classes.get(class.name).copied().unwrap_or_default();
        // The same entries in another order and with other gaps are what v1 has signed.
        assert!(rejected > 0 || class.name == "laid-out-anew", "no mutant of {} was rejected", class.name);
        assert!(
            rejected + accepted >= judged / 200,
            "{} of {judged} are {}",
            rejected + accepted,
            class.name
        );
    }
    let accepted: usize = tally.classes.values().map(|[_, accepted]| accepted).sum();
    assert!(accepted >= judged / 20, "{accepted} of {judged} were accepted");
}

#[test]
fn honest_files_are_whose_they_are() {
    for base in bases::all() {
        let registry = registry(&base);
        let honest = mutant::mutant(String::new(), base.file.clone(), Expected::Accepted);
        let evidence = judge(&base, &honest, (None, None)).unwrap();
        assert_eq!(unexpected(&honest, &evidence, &registry), None, "{}", base.name);
        assert_eq!(fault(&base, &honest, &evidence, &registry), None, "{}", base.name);
        if !base.only_v1 {
            assert!(sections::protected(&base.file).is_some(), "{}", base.name);
        }
        assert!(android::content(&base.file).is_some(), "{}", base.name);
        for (other, idsig) in [(&base.twin, &base.twin_idsig), (&base.foreign, &base.foreign_idsig)] {
            let other = Mutant {
                idsig: idsig.clone(),
                ..mutant::mutant(String::new(), other.clone(), Expected::ByContent)
            };
            assert!(judge(&base, &other, (None, None)).unwrap().is_verified(), "{}", base.name);
        }
    }
}

#[test]
fn no_mutant_passes() {
    assert_none_passes(0x5eed, 2000);
}

#[test]
#[ignore = "a hundred thousand mutants: cargo test --release --test all properties:: -- --ignored"]
fn no_mutant_of_a_hundred_thousand_passes() {
    let seeds = std::env::var("APKVOUCH_SEEDS").unwrap_or_else(|_| "1 2 3".to_owned());
    let count = std::env::var("APKVOUCH_MUTANTS_EACH").map_or(40_000, |count| count.parse().unwrap());
    for seed in seeds.split_whitespace() {
        assert_none_passes(seed.parse().unwrap(), count);
    }
}

/// The code of a finding, behind the scheme that it is about.
fn with_scheme(finding: &apkvouch::finding::Finding) -> String {
    let code = finding.code.as_str();
    finding.location.scheme.map_or_else(|| code.to_owned(), |scheme| format!("{scheme}:{code}"))
}

#[test]
#[ignore = "writes files to the directory APKVOUCH_MUTANTS"]
fn are_written() {
    let directory = std::env::var_os("APKVOUCH_MUTANTS").expect("APKVOUCH_MUTANTS names a directory");
    let directory = Path::new(&directory);
    let seed = std::env::var("APKVOUCH_SEEDS").map_or(1, |seed| seed.parse().unwrap());
    let count = std::env::var("APKVOUCH_MUTANTS_EACH").map_or(1000, |count| count.parse().unwrap());
    let bases = bases::all();
    let mut table = String::new();
    for place in 0..count {
        let (base, class, mutant) = make(&bases, seed, place);
        let plain = Mutant { idsig: None, ..mutant };
        // Without the v4 signature file: another verifier may not know it.
        let evidence = apkvouch::verify(&plain.file, &VerifyOptions::default()).unwrap();
        let name = format!("{place:06}.apk");
        fs::write(directory.join(&name), &plain.file).unwrap();
        let error = |finding: &&apkvouch::finding::Finding| finding.is_error();
        let codes: BTreeSet<String> = evidence.findings.iter().filter(error).map(with_scheme).collect();
        let codes: Vec<String> = codes.into_iter().collect();
        let verified = if evidence.is_verified() { "verified" } else { "rejected" };
        let what = plain.what.replace(['\t', '\n', '\r'], " ");
        writeln!(table, "{name}\t{class}\t{}\t{verified}\t{}\t{what}", base.name, codes.join(",")).unwrap();
    }
    fs::write(directory.join("mutants.tsv"), table).unwrap();
}
