//! Content digests, on one thread, and signatures: `cargo bench --bench crypto`.

#![expect(clippy::unwrap_used, reason = "an input that cannot be built is to stop the benchmark")]

#[expect(dead_code, unused_imports, reason = "a part of it is enough here")]
#[path = "../tests/builder/mod.rs"]
mod builder;

use std::hint::black_box;

use apkvouch::Limits;
use apkvouch::crypto;
use apkvouch::crypto::ContentDigestAlgorithm;
use apkvouch::crypto::ContentSections;
use apkvouch::crypto::DigestAlgorithm;
use apkvouch::crypto::Hasher;
use apkvouch::crypto::PublicKey;
use apkvouch::crypto::SignatureScheme;
use builder::Hash;
use builder::Key;
use criterion::Criterion;
use criterion::Throughput;

/// Bytes that are digested: some strips of several chunks.
const SIZE: usize = 16 << 20;

fn digests(criterion: &mut Criterion) {
    let data = vec![7; SIZE];
    let sections = ContentSections {
        source: &data,
        before_signing_block: SIZE as u64,
        signing_block_size: 4096,
        central_directory: (0, 0),
        eocd: &[],
    };
    let (sha256, sha512) = (ContentDigestAlgorithm::ChunkedSha256, ContentDigestAlgorithm::ChunkedSha512);
    let verity = ContentDigestAlgorithm::VerityChunkedSha256;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = criterion.benchmark_group("digests");
    group.sample_size(20).throughput(Throughput::Bytes(SIZE as u64));
    for (name, wanted) in [
        ("chunked SHA-256", &[sha256][..]),
        ("chunked SHA-512", &[sha512]),
        ("verity", &[verity]),
        ("all in one pass", &[sha256, sha512, verity]),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| pool.install(|| crypto::content_digests(&sections, wanted)).unwrap());
        });
    }
    for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        group.bench_function(format!("one stream, {algorithm}"), |bencher| {
            bencher.iter(|| {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(black_box(&data));
                hasher.finish()
            });
        });
    }
    group.finish();
}

fn signatures(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("signatures");
    let sha256 = DigestAlgorithm::Sha256;
    for (name, scheme) in [
        ("rsa-2048", SignatureScheme::RsaPkcs1v15(sha256)),
        ("rsa-4096", SignatureScheme::RsaPkcs1v15(sha256)),
        ("ec-p256", SignatureScheme::Ecdsa(sha256)),
        ("ec-p384", SignatureScheme::Ecdsa(sha256)),
        ("ec-p521", SignatureScheme::Ecdsa(sha256)),
        ("dsa-2048", SignatureScheme::Dsa(sha256)),
        ("ml-dsa-65", SignatureScheme::MlDsa),
    ] {
        let pair = Key::named(name);
        let signature = pair.sign(Hash::Sha256, b"what is signed");
        let key = PublicKey::from_spki(&pair.public, &limits).unwrap();
        assert!(crypto::verify(&key, scheme, b"what is signed", &signature).unwrap(), "{name}");
        group.bench_function(format!("{name}: read the key"), |bencher| {
            bencher.iter(|| PublicKey::from_spki(black_box(&pair.public), &limits).map(drop).unwrap());
        });
        group.bench_function(format!("{name}: check"), |bencher| {
            bencher.iter(|| crypto::verify(&key, scheme, b"what is signed", black_box(&signature)).unwrap());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    digests(&mut criterion);
    signatures(&mut criterion);
    criterion.final_summary();
}
