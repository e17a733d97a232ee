//! Whether `libdeflate` takes the streams that zlib takes, in its port `zlib-rs`: `streams`. Valid streams with some bits
//! changed are given to both; prints how often they differ.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a stream that cannot be made stops the comparison"
)]

use std::io::Write as _;

use zlib_rs::Inflate;
use zlib_rs::InflateFlush;
use zlib_rs::Status;

const STREAMS: u64 = 2_000_000;
const MOST: usize = 64 << 10;

fn main() {
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below as u64).unwrap()
    };
    let valid: Vec<Vec<u8>> = (0..64).map(|number| deflated(&text(100 + 40 * number, &mut random))).collect();
    let mut output = vec![0; MOST];
    let mut decompressor = libdeflater::Decompressor::new();
    let mut inflate = Inflate::new(false, 15);
    let (mut both, mut neither, mut only_zlib, mut only_libdeflate, mut unequal) = (0, 0, 0, 0, 0);
    for _ in 0..STREAMS {
        let mut stream = valid[random(valid.len())].clone();
        for _ in 0..=random(3) {
            // Mostly in the codes of the first block.
            let at = random(stream.len().min(80));
            stream[at] ^= 1 << random(8);
        }
        inflate.reset(false);
        let zlib = match inflate.decompress(&stream, &mut output, InflateFlush::Finish) {
            Ok(Status::StreamEnd) => Some(output[..usize::try_from(inflate.total_out()).unwrap()].to_vec()),
            _ => None,
        };
        let libdeflate = decompressor.deflate_decompress(&stream, &mut output).ok().map(|len| &output[..len]);
        match (&zlib, libdeflate) {
            (Some(zlib), Some(libdeflate)) if zlib == libdeflate => both += 1,
            (Some(_), Some(_)) => unequal += 1,
            (None, None) => neither += 1,
            (Some(_), None) => only_zlib += 1,
            (None, Some(_)) => only_libdeflate += 1,
        }
    }
    println!(
        "{STREAMS} streams: both take {both}, neither {neither}, zlib-rs alone {only_zlib}, libdeflate alone {only_libdeflate}"
    );
    println!("taken by both and not equal: {unequal}");
}

fn text(len: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    (0..len).map(|at| b"abcdefgh etaoin\n"[random(4) * random(6) % 16 ^ (at / 50 % 2)]).collect()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(content).unwrap();
    out.finish().unwrap()
}
