//! The least that any verifier has to do, without verifying: `bare KIND FILE…`, on all cores.
//!
//! | kind | does |
//! |---|---|
//! | `ring-sha256`, `ring-sha512` | reads each file once with positioned reads, hashes each MiB once, one stream a thread |
//! | `lanes-sha256`, `lanes-sha512` | the same with several chunks side by side in a thread, as the library does |
//! | `signatures` | reads each file once, hashes several side by side, and checks two signatures a file with `ring`: RSA of 2,048 bits and P-256 in turn |
//! | `nothing` | starts and ends |
//! | `zlib-rs` | inflates the entries of each file piece by piece and hashes them with SHA-256, largest first |
//! | `libdeflate` | the same with the whole entry in memory |
#![expect(clippy::expect_used, clippy::panic, reason = "a side that cannot run stops the comparison")]

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::crypto::ContentDigestAlgorithm;
use apkvouch::crypto::ContentSections;
use apkvouch::crypto::content_digests;
use apkvouch::format::zip::DirectoryRecord;
use apkvouch::source::ByteSource as _;
use apkvouch::source::FileSource;
use rayon::iter::IntoParallelIterator as _;
use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use sha2::Digest as _;

const CHUNK: u64 = 1 << 20;
const PIECE: usize = 64 << 10;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().expect("a kind");
    let paths: Vec<String> = arguments.collect();
    if kind == "signatures" {
        return signatures(&paths);
    }
    let open = |path: &String| FileSource::open(path.as_ref()).expect("a file");
    let files: Vec<FileSource> = paths.iter().map(open).collect();
    match kind.as_str() {
        "ring-sha256" => ring(&files, &ring::digest::SHA256),
        "ring-sha512" => ring(&files, &ring::digest::SHA512),
        "lanes-sha256" => lanes(&files, ContentDigestAlgorithm::ChunkedSha256),
        "lanes-sha512" => lanes(&files, ContentDigestAlgorithm::ChunkedSha512),
        "nothing" => (),
        "zlib-rs" => inflate(&files, stream),
        "libdeflate" => inflate(&files, at_once),
        _ => panic!("no kind {kind}"),
    }
}

fn ring(files: &[FileSource], algorithm: &'static ring::digest::Algorithm) {
    let chunks = |file| (0..FileSource::len(file).div_ceil(CHUNK)).map(move |index| (file, index * CHUNK));
    let all: Vec<(&FileSource, u64)> = files.iter().flat_map(chunks).collect();
    all.into_par_iter().for_each_init(
        || vec![0; PIECE],
        |buffer, (file, start)| {
            let end = file.len().min(start + CHUNK);
            let mut context = ring::digest::Context::new(algorithm);
            for start in (start..end).step_by(PIECE) {
                let len = usize::try_from(end - start).map_or(PIECE, |left| left.min(PIECE));
                let piece = buffer.get_mut(..len).expect("a part of the buffer");
                file.read_exact_at(piece, start).expect("bytes");
                context.update(piece);
            }
            std::hint::black_box(context.finish());
        },
    );
}

fn lanes(files: &[FileSource], algorithm: ContentDigestAlgorithm) {
    files.par_iter().for_each(|file| {
        let sections = ContentSections {
            source: file,
            before_signing_block: file.len(),
            signing_block_size: 0,
            central_directory: (0, 0),
            eocd: &[],
        };
        std::hint::black_box(content_digests(&sections, &[algorithm]).expect("bytes"));
    });
}

/// As many files as a group has lanes; what is signed of an APK is of this size.
const GROUP: usize = 16;
const SIGNED: &[u8] = &[7; 1200];

fn signatures(paths: &[String]) {
    let random = ring::rand::SystemRandom::new();
    let rsa =
        ring::signature::RsaKeyPair::from_pkcs8(include_bytes!("../../../../testdata/keys/rsa-2048.pk8"))
            .expect("a key");
    let mut by_rsa = vec![0; rsa.public().modulus_len()];
    rsa.sign(&ring::signature::RSA_PKCS1_SHA256, &random, SIGNED, &mut by_rsa).expect("a signature");
    let ec = ring::signature::EcdsaKeyPair::from_pkcs8(
        &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        include_bytes!("../../../../testdata/keys/ec-p256.pk8"),
        &random,
    )
    .expect("a key");
    let by_ec = ec.sign(&random, SIGNED).expect("a signature");
    let check_rsa = || {
        let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
        ring::signature::UnparsedPublicKey::new(algorithm, rsa.public().as_ref()).verify(SIGNED, &by_rsa)
    };
    let check_ec = || {
        let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1;
        let key = ring::signature::KeyPair::public_key(&ec);
        ring::signature::UnparsedPublicKey::new(algorithm, key.as_ref()).verify(SIGNED, by_ec.as_ref())
    };
    let groups: Vec<&[String]> = paths.chunks(GROUP).collect();
    groups.into_par_iter().for_each(|group| {
        let contents: Vec<Vec<u8>> = group.iter().map(|path| std::fs::read(path).expect("a file")).collect();
        let chunks: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        std::hint::black_box(apkvouch::crypto::chunk_digests(&chunks));
        for number in 0..group.len() {
            for _ in 0..2 {
                if number % 2 == 0 { check_rsa() } else { check_ec() }.expect("a signature that holds");
            }
        }
    });
}

/// Gives each entry with its file to `one`, the largest first, whichever thread is free.
fn inflate(files: &[FileSource], one: fn(&Apk<'_>, &DirectoryRecord, &mut State)) {
    let limits = Limits::default();
    let apks: Vec<Apk<'_>> = files.iter().map(|file| Apk::open(file, &limits).expect("an archive")).collect();
    let mut entries: Vec<(&Apk<'_>, &DirectoryRecord)> = apks
        .iter()
        .flat_map(|apk| {
            let directory = apk.directory().expect("a directory");
            let protected = |record: &&DirectoryRecord| !directory.name(record).starts_with(b"META-INF/");
            directory.records().iter().filter(protected).map(move |record| (apk, record))
        })
        .collect();
    entries.sort_by_key(|(_, record)| std::cmp::Reverse(record.uncompressed_size));
    let next = AtomicUsize::new(0);
    rayon::broadcast(|_| {
        let mut state = State::default();
        while let Some((apk, record)) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            one(apk, record, &mut state);
        }
    });
}

/// What is kept from entry to entry.
struct State {
    input: Vec<u8>,
    output: Vec<u8>,
    decompressor: libdeflater::Decompressor,
    inflate: zlib_rs::Inflate,
}

impl Default for State {
    fn default() -> Self {
        Self {
            input: vec![0; PIECE],
            output: vec![0; PIECE],
            decompressor: libdeflater::Decompressor::new(),
            inflate: zlib_rs::Inflate::new(false, 15),
        }
    }
}

fn stream(apk: &Apk<'_>, record: &DirectoryRecord, state: &mut State) {
    let data = apk.locate_entry(record).unwrap_or_else(|_| panic!("an entry"));
    let mut hasher = sha2::Sha256::new();
    state.inflate.reset(false);
    let mut done = 0;
    while done < data.size {
        let len = usize::try_from(data.size - done).map_or(PIECE, |left| left.min(PIECE));
        let input = state.input.get_mut(..len).expect("a part of the buffer");
        apk.source().read_exact_at(input, data.offset + done).expect("bytes");
        done += len as u64;
        if !data.deflated {
            hasher.update(input);
            continue;
        }
        let mut rest: &[u8] = input;
        loop {
            let (taken, given) = (state.inflate.total_in(), state.inflate.total_out());
            let flush = zlib_rs::InflateFlush::NoFlush;
            let status = state.inflate.decompress(rest, &mut state.output, flush).expect("a stream");
            let taken = usize::try_from(state.inflate.total_in() - taken).expect("a size");
            let given = usize::try_from(state.inflate.total_out() - given).expect("a size");
            rest = rest.get(taken..).expect("a rest");
            hasher.update(state.output.get(..given).expect("output"));
            if status == zlib_rs::Status::StreamEnd || (rest.is_empty() && given < PIECE) {
                break;
            }
        }
    }
    std::hint::black_box(hasher.finalize());
}

fn at_once(apk: &Apk<'_>, record: &DirectoryRecord, state: &mut State) {
    let data = apk.locate_entry(record).unwrap_or_else(|_| panic!("an entry"));
    if !data.deflated {
        return stream(apk, record, state);
    }
    let input = apk.source().read_vec_at(data.offset, data.size).expect("bytes");
    let len = usize::try_from(data.uncompressed_size).expect("a size");
    if state.output.len() < len {
        state.output.resize(len, 0);
    }
    let output = state.output.get_mut(..len).expect("output");
    state.decompressor.deflate_decompress(&input, output).expect("a stream");
    std::hint::black_box(sha2::Sha256::digest(output));
}
