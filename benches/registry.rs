//! A registry of 1,000,000 apps and 600,000 keys in SQLite: `cargo bench --bench registry`.
//!
//! Prints what opening it and looking things up take, and how much memory; fails when one is over its bound. The file is made once,
//! in the directory that `APKVOUCH_BENCH_DIR` names or that of temporary files, and takes about 500 MB.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and an input that cannot be built is to stop it"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry::App;
use apkvouch::registry::Key;
use apkvouch::registry::Needs;
use apkvouch::registry::PublicKeyDigest;
use apkvouch::registry::Role;
use apkvouch::registry::SignerSet;
use apkvouch::registry::SqliteRegistry;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Subject;

const APPS: u64 = 1_000_000;
const KEYS: u64 = 600_000;
const SUBJECTS: u64 = 100_000;
/// So many look-ups of each kind are timed.
const LOOKUPS: u64 = 20_000;

const OPEN: Duration = Duration::from_millis(10);
const LOOKUP: Duration = Duration::from_micros(50);
const MEMORY_KIB: u64 = 50 << 10;

/// Bytes that look random and are the same every time.
fn digest(number: u64, kind: u64) -> [u8; 32] {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind.wrapping_mul(0xd1b5_4a32_d192_ed03);
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes
}

fn certificate(number: u64) -> CertificateDigest {
    CertificateDigest(digest(number, 1))
}

fn public_key(number: u64) -> PublicKeyDigest {
    PublicKeyDigest(digest(number, 2))
}

fn package(number: u64) -> String {
    format!("com.example.publisher{}.app{number}", number % SUBJECTS)
}

fn fill(path: &Path) {
    let header =
        "schema = 1\nid = \"bench.example\"\nserial = 1\nissued_at = 2026-01-01\nexpires_at = 2099-12-31\n";
    let header = Registry::parse(header, "header").unwrap();
    let mut writer = SqliteWriter::create(path, header.header()).unwrap();
    for number in 0..SUBJECTS {
        let id = format!("publisher{number}");
        writer
            .subject(&Subject::new(id, format!("Publisher {number} Ltd"), BTreeSet::from([Role::Developer])))
            .unwrap();
    }
    for number in 0..KEYS {
        let mut key = Key::new(certificate(number), format!("publisher{}", number % SUBJECTS));
        key.public_key = Some(public_key(number));
        writer.key(&key).unwrap();
    }
    for number in 0..APPS {
        let set = SignerSet::new(BTreeSet::from([certificate(number % KEYS)]), Role::Developer);
        let mut app = App::new(package(number), format!("publisher{}", number % SUBJECTS), vec![set]);
        app.labels.push(format!("App {number}"));
        writer.app(&app).unwrap();
    }
    writer.finish().unwrap();
}

/// The mean time of `look_up`, over numbers that jump about.
fn mean(below: u64, mut look_up: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    for step in 0..LOOKUPS {
        look_up(step.wrapping_mul(7_919_317) % below);
    }
    start.elapsed() / u32::try_from(LOOKUPS).unwrap()
}

/// Most memory that this process ever had, in KiB; none where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// In a process of its own, so that its memory is that of asking alone.
fn ask(path: &Path) -> bool {
    let start = Instant::now();
    let registry = SqliteRegistry::open(path).unwrap();
    let open = start.elapsed();
    let by_digest = mean(KEYS, |number| {
        assert!(black_box(registry.key(&certificate(number)).unwrap()).is_some());
    });
    let by_package = mean(APPS, |number| {
        assert!(black_box(registry.app(&package(number)).unwrap()).is_some());
    });
    let absent = mean(APPS, |number| {
        assert!(black_box(registry.app(&format!("org.example.none{number}")).unwrap()).is_none());
    });
    let part = mean(APPS, |number| {
        let mut needs = Needs::default();
        needs.packages.insert(package(number));
        needs.certificates.insert(certificate(number % KEYS));
        needs.public_keys.insert(public_key(number % KEYS));
        let part = black_box(registry.part(&needs).unwrap());
        assert_eq!((part.apps().count(), part.keys().count(), part.subjects().count()), (1, 1, 1));
    });
    let mut good = true;
    let mut tell = |what: &str, found: Duration, bound: Option<Duration>| {
        let within = bound.is_none_or(|bound| found <= bound);
        let bound = bound.map(|bound| format!("  bound {bound:?}")).unwrap_or_default();
        println!("{what:<44} {found:>12.1?}{bound}{}", if within { "" } else { "  EXCEEDED" });
        good &= within;
    };
    tell("open", open, Some(OPEN));
    tell("look-up by certificate digest", by_digest, Some(LOOKUP));
    tell("look-up by package", by_package, Some(LOOKUP));
    tell("look-up of a package that is not there", absent, Some(LOOKUP));
    tell("the part that judging one file needs", part, None);
    if let Some(memory) = peak_memory() {
        let within = memory <= MEMORY_KIB;
        println!(
            "peak resident memory {:>29} KiB  bound {MEMORY_KIB} KiB{}",
            memory,
            if within { "" } else { "  EXCEEDED" }
        );
        good &= within;
    }
    good
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--ask") {
        let path = arguments.get(at + 1).unwrap();
        std::process::exit(i32::from(!ask(Path::new(path))));
    }
    let folder = std::env::var_os("APKVOUCH_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join("apkvouch-registry-bench.db");
    if SqliteRegistry::open(&path).is_err() {
        let _ = std::fs::remove_file(&path);
        let start = Instant::now();
        fill(&path);
        println!("made {APPS} apps and {KEYS} keys in {:.1?}", start.elapsed());
    }
    println!("{} bytes", std::fs::metadata(&path).unwrap().len());
    let status = Command::new(std::env::current_exe().unwrap()).arg("--ask").arg(&path).status().unwrap();
    std::process::exit(i32::from(!status.success()));
}
