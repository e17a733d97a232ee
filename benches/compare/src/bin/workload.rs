//! Writes the APKs to measure with: `workload DIRECTORY`; `workload DIRECTORY store` writes those of `store.sh` instead. The same
//! for everyone: seeded, keys committed, signatures deterministic.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a workload that cannot be built stops the comparison"
)]

#[expect(dead_code, unused_imports, reason = "a part of it is enough here")]
#[path = "../../../../tests/builder/mod.rs"]
mod builder;

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use builder::Apk;
use builder::Entry;
use builder::Key;
use builder::Manifest;
use builder::Signer;
use builder::V1;
use builder::algorithm;
use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn main() {
    let directory = std::env::args().nth(1).unwrap();
    let directory = Path::new(&directory);
    let keys = [Key::named("rsa-2048"), Key::named("ec-p256")];
    let text = Seed(1).text(64 * MIB);
    let many = |name: &str, count: u64, make: &(dyn Fn(Seed, &Key) -> Apk + Sync)| {
        let into = directory.join(name);
        fs::create_dir_all(&into).unwrap();
        (0..count).into_par_iter().for_each(|number| {
            let seed = Seed(number.wrapping_mul(0x9e37_79b9).wrapping_add(name.len() as u64));
            let key = &keys[usize::try_from(number).unwrap() % keys.len()];
            fs::write(into.join(format!("{number:04}.apk")), make(seed, key).build()).unwrap();
        });
        println!("{name}: {count} files");
    };
    let modern = |apk: Apk, key: &Key| apk.v2(Signer::v2(key)).v3(Signer::v3(key));
    if std::env::args().nth(2).as_deref() == Some("store") {
        // Two hundred folders, as a store has them; each app is another package.
        for folder in 0..200_u64 {
            many(&format!("store/{folder:03}"), 100, &|mut seed, key| {
                let size = seed.within(6 * KIB..16 * KIB);
                let app = seed.within(0..usize::MAX);
                let manifest = Manifest::new(&format!("com.example.store.f{folder}.a{app:016x}")).min_sdk(24);
                modern(filled(seed, &text, size, KIB..4 * KIB).manifest(manifest), key)
            });
        }
        return;
    }
    let classic = |apk: Apk, key: &Key| apk.manifest(manifest(21)).v1(V1::by(key).schemes(""));

    many("small", 2000, &|mut seed, key| {
        let size = seed.within(40 * KIB..120 * KIB);
        modern(filled(seed, &text, size, KIB..16 * KIB), key)
    });
    many("small-v1", 2000, &|mut seed, key| {
        let size = seed.within(40 * KIB..120 * KIB);
        classic(filled(seed, &text, size, KIB..16 * KIB), key)
    });
    many("medium", 40, &|mut seed, key| {
        let size = seed.within(10 * MIB..40 * MIB);
        modern(filled(seed, &text, size, 2 * KIB..8 * MIB), key)
    });
    many("medium-v1", 40, &|mut seed, key| {
        let size = seed.within(10 * MIB..40 * MIB);
        classic(filled(seed, &text, size, 2 * KIB..8 * MIB), key)
    });
    many("large-v1", 1, &|seed, key| classic(filled(seed, &text, 300 * MIB, 2 * KIB..32 * MIB), key));
    many("sha512", 1, &|mut seed, key| {
        let algorithms = [algorithm::RSA_SHA512];
        let apk = stored(&mut seed, 250 * MIB);
        apk.v2(Signer::v2(key).algorithms(&algorithms)).v3(Signer::v3(key).algorithms(&algorithms))
    });
    many("large", 1, &|mut seed, key| modern(stored(&mut seed, 1536 * MIB), key));
}

fn manifest(min_sdk: u32) -> Manifest {
    Manifest::new("com.example.workload").min_sdk(min_sdk)
}

/// An APK of about `size` bytes, with entries whose content has sizes within `sizes`, most of them small. Four of five are
/// deflated, as real ones are.
fn filled(mut seed: Seed, text: &[u8], size: usize, sizes: Range<usize>) -> Apk {
    let mut apk = Apk::new().manifest(manifest(24));
    let (mut filled, mut number) = (0, 0);
    while filled < size {
        let len = seed.skewed(&sizes);
        let start = seed.within(0..text.len() - len);
        let mut content = text[start..start + len].to_vec();
        // Each entry differs from every other, wherever it starts.
        content[..8].copy_from_slice(&seed.next().to_le_bytes());
        let name = format!("assets/part-{number:05}");
        let entry = if seed.within(0..5) == 0 {
            seed.fill(&mut content);
            filled += len;
            Entry::stored(&name, &content)
        } else {
            let body = deflated(&content);
            filled += body.len();
            let mut entry = Entry::stored(&name, &content);
            entry.alignment = 1;
            entry.raw(move |raw| {
                let len = u32::try_from(body.len()).unwrap();
                raw.body.clone_from(&body);
                (raw.local.method, raw.local.compressed) = (8, len);
                (raw.central[0].method, raw.central[0].compressed) = (8, len);
            })
        };
        apk = apk.entry(entry);
        number += 1;
    }
    apk
}

/// An APK of about `size` bytes, stored, in entries of 16 MiB.
fn stored(seed: &mut Seed, size: usize) -> Apk {
    (0..size / (16 * MIB)).fold(Apk::new().manifest(manifest(24)), |apk, number| {
        let seed = Seed(seed.next());
        // The content is made where it is laid out, so that it is in memory once.
        let entry = Entry::stored(&format!("assets/part-{number:05}"), &[]).raw(move |raw| {
            raw.body.resize(16 * MIB, 0);
            let mut seed = seed;
            seed.fill(&mut raw.body);
            let mut crc = flate2::Crc::new();
            crc.update(&raw.body);
            let (local, central) = (&mut raw.local, &mut raw.central[0]);
            (local.crc, local.compressed, local.uncompressed) = (crc.sum(), 16 << 20, 16 << 20);
            (central.crc, central.compressed, central.uncompressed) = (crc.sum(), 16 << 20, 16 << 20);
        });
        apk.entry(entry)
    })
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// Numbers that depend on the seed alone: SplitMix64.
#[derive(Clone, Copy)]
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn within(&mut self, range: Range<usize>) -> usize {
        range.start + usize::try_from(self.next() % range.len() as u64).unwrap()
    }

    /// A size within `range`: as many between 1 and 2 KiB as between 1 and 2 MiB.
    fn skewed(&mut self, range: &Range<usize>) -> usize {
        let doublings = (range.end / range.start).ilog2() as usize;
        let low = range.start << self.within(0..doublings);
        self.within(low..2 * low)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes()[..part.len()]);
        }
    }

    /// Bytes that deflate as those of real apps do, to about two fifths: words of a skewed vocabulary, between records of
    /// numbers that grow slowly, and noise.
    fn text(&mut self, len: usize) -> Vec<u8> {
        let words: Vec<Vec<u8>> = (0..6000)
            .map(|_| {
                (0..self.within(2..14))
                    .map(|_| b"etaoinshrdlucmfw_/ypvbgkjqxz.;"[self.within(0..30)])
                    .collect()
            })
            .collect();
        let (mut text, mut number) = (Vec::with_capacity(len + 64), 0_u32);
        while text.len() < len {
            match self.within(0..16) {
                0..=10 => {
                    let skewed = self.within(0..words.len()).min(self.within(0..words.len()));
                    text.extend_from_slice(&words[skewed.min(self.within(0..words.len()))]);
                }
                11..=14 => {
                    number = number.wrapping_add(u32::try_from(self.within(1..200)).unwrap());
                    text.extend(number.to_le_bytes());
                }
                _ => text.extend(&self.next().to_le_bytes()[..4]),
            }
        }
        text.truncate(len);
        text
    }
}
