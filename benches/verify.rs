//! Whole files in memory: `cargo bench --bench verify`.

#![expect(clippy::unwrap_used, reason = "an input that cannot be built is to stop the benchmark")]

#[expect(dead_code, unused_imports, reason = "a part of it is enough here")]
#[path = "../tests/builder/mod.rs"]
mod builder;

use apkvouch::VerifyOptions;
use apkvouch::verify;
use builder::Apk;
use builder::Entry;
use builder::Key;
use builder::Manifest;
use builder::Signer;
use builder::V1;
use criterion::Criterion;
use criterion::Throughput;

/// An app of that many entries, every other one deflated, of `len` bytes each.
fn app(min_sdk: u32, entries: u32, len: u32) -> Apk {
    (0..entries).fold(
        Apk::new().manifest(Manifest::new("com.example.app").min_sdk(min_sdk)),
        |apk, number| {
            let content: Vec<u8> =
                (0..len).map(|at| ((at / 5).wrapping_mul(at ^ number) >> 3).to_le_bytes()[0]).collect();
            let name = format!("assets/{number:05}");
            apk.entry(if number % 2 == 0 {
                Entry::deflated(&name, &content)
            } else {
                Entry::stored(&name, &content)
            })
        },
    )
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let key = Key::named("rsa-2048");
    let v1 = || V1::by(&key).schemes("");
    let mut group = criterion.benchmark_group("verify");
    group.sample_size(20);
    for (name, apk) in [
        ("small, v2 and v3", app(24, 40, 2000).v2(Signer::v2(&key)).v3(Signer::v3(&key))),
        ("small, v1", app(21, 40, 2000).v1(v1())),
        ("16 MiB, v2 and v3", app(24, 64, 1 << 18).v2(Signer::v2(&key)).v3(Signer::v3(&key))),
        ("16 MiB, v1", app(21, 64, 1 << 18).v1(v1())),
        ("2,000 entries, v1", app(21, 2000, 500).v1(v1())),
    ] {
        let bytes = apk.build();
        let options = VerifyOptions::default();
        assert!(verify(&bytes, &options).unwrap().is_verified(), "{name}");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| verify(&bytes, &options).unwrap()));
    }
    group.finish();
    criterion.final_summary();
}
