//! Reading untrusted bytes: `cargo bench --bench parse`.

#![expect(clippy::unwrap_used, reason = "an input that cannot be built is to stop the benchmark")]

#[expect(dead_code, unused_imports, reason = "a part of it is enough here")]
#[path = "../tests/builder/mod.rs"]
mod builder;

use std::hint::black_box;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::format::axml;
use apkvouch::format::jar;
use apkvouch::format::x509::Certificate;
use apkvouch::limits::Cap;
use builder::Entry;
use builder::Key;
use builder::Manifest;
use builder::V1;
use criterion::Criterion;
use criterion::Throughput;

/// Entries of the archive, which is a common number of a large app.
const ENTRIES: u32 = 5000;

fn archive() -> Vec<u8> {
    let apk = builder::Apk::new().manifest(Manifest::new("com.example.app").min_sdk(21));
    let apk = (0..ENTRIES).fold(apk, |apk, number| {
        apk.entry(Entry::stored(&format!("res/drawable-hdpi/{number:05}.png"), b"x"))
    });
    apk.v1(V1::by(&Key::named("ec-p256"))).build()
}

/// The content of an entry.
fn content(apk: &Apk<'_>, name: &str) -> Vec<u8> {
    let record = apk.directory().unwrap().find(name).unwrap();
    apk.entry_to_vec(record, name, Cap::fixed(16 << 20)).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let bytes = archive();
    let limits = Limits::default();
    let apk = Apk::open(&bytes, &limits).unwrap();

    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ENTRIES.into()));
    group.bench_function("sections and directory of 5,000 entries", |bencher| {
        bencher.iter(|| {
            let apk = Apk::open(&bytes, &limits).unwrap();
            apk.directory().unwrap().records().len()
        });
    });
    group.bench_function("layout of 5,000 entries", |bencher| {
        bencher.iter(|| black_box(Apk::open(&bytes, &limits).unwrap().layout().unwrap()));
    });
    let manifest = content(&apk, "META-INF/MANIFEST.MF");
    group.throughput(Throughput::Bytes(manifest.len() as u64));
    group.bench_function("JAR manifest of 5,000 sections", |bencher| {
        bencher.iter(|| {
            let sections = jar::Manifest::parse(&manifest).sections();
            sections.filter(|section| section.get("SHA-256-Digest").is_some()).count()
        });
    });
    let manifest = content(&apk, "AndroidManifest.xml");
    group.throughput(Throughput::Bytes(manifest.len() as u64));
    group.bench_function("AndroidManifest.xml", |bencher| {
        bencher.iter(|| {
            let mut reader = axml::Reader::new(&manifest).unwrap();
            while let Some(event) = reader.next_event().unwrap() {
                black_box(event);
            }
        });
    });
    for name in ["rsa-2048", "ec-p256", "ml-dsa-65"] {
        let der = Key::named(name).certificate;
        group.throughput(Throughput::Bytes(der.len() as u64));
        group.bench_function(format!("certificate of {name}"), |bencher| {
            bencher.iter(|| Certificate::parse(black_box(&der), &limits).map(drop).unwrap());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}
