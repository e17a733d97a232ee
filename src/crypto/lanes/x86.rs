//! SHA-2 with the vector instructions of x86-64.
//!
//! The only `unsafe` code of the crate. What makes each use sound:
//! - functions with `#[target_feature]` are called only where the processor has been asked for these features;
//! - vectors are read from and written to arrays of just their size, at any alignment.
//!
//! Everything else is arithmetic on values, inlined into functions that have the features it needs.

#![expect(unsafe_code, reason = "vector instructions; see the module's documentation")]

use std::arch::is_x86_feature_detected;
use std::arch::x86_64 as arch;
use std::arch::x86_64::__m128i;
use std::arch::x86_64::__m256i;
use std::arch::x86_64::__m512i;

use super::compress256_one_by_one;
use super::compress512_one_by_one;
use super::constants::SHA256_ROUNDS;
use super::constants::SHA512_ROUNDS;

/// Messages side by side with the SHA extensions: the fastest of one to four, of which three and four do not fit the
/// registers.
const SHA_LANES: usize = 2;
/// Messages of SHA-256 side by side in vectors of AVX-512.
const AVX512_LANES: usize = 16;
/// So many messages are faster in vectors of AVX-512, which always take sixteen, than with the SHA extensions.
const AVX512_PAYS: usize = 12;

fn has_sha() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3")
}

fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

/// How many messages SHA-256 takes side by side; none when one by one is best.
pub(super) fn sha256_lanes() -> Option<usize> {
    if has_avx512() {
        Some(AVX512_LANES)
    } else if has_sha() {
        Some(SHA_LANES)
    } else {
        has_avx2().then_some(8)
    }
}

/// How many messages SHA-512 takes side by side; none when one by one is best.
pub(super) fn sha512_lanes() -> Option<usize> {
    if has_avx512() { Some(8) } else { has_avx2().then_some(4) }
}

/// Takes whole blocks of 64 bytes into each state; false when the processor has nothing for it.
pub(super) fn compress256(states: &mut [[u32; 8]], blocks: &[&[u8]]) -> bool {
    if has_avx512() {
        for (states, blocks) in states.chunks_mut(AVX512_LANES).zip(blocks.chunks(AVX512_LANES)) {
            if states.len() >= AVX512_PAYS {
                // SAFETY: the processor has AVX-512F and AVX-512BW.
                padded(
                    states,
                    blocks,
                    |states, blocks| unsafe { sha256_avx512(states, blocks) },
                    compress256_one_by_one,
                );
            } else if !compress256_few(states, blocks) {
                compress256_one_by_one(states, blocks);
            }
        }
        return true;
    }
    compress256_few(states, blocks)
}

/// [`compress256`] without AVX-512.
fn compress256_few(states: &mut [[u32; 8]], blocks: &[&[u8]]) -> bool {
    if has_sha() {
        for (states, blocks) in states.chunks_mut(SHA_LANES).zip(blocks.chunks(SHA_LANES)) {
            // SAFETY: the processor has the SHA extensions, SSSE3 and SSE4.1.
            unsafe {
                match (states, blocks) {
                    ([a, b], [p, q]) => sha_extensions([a, b], [p, q]),
                    ([a], [p]) => sha_extensions([a], [p]),
                    _ => {}
                }
            }
        }
        return true;
    }
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        padded(
            states,
            blocks,
            |states, blocks| unsafe { sha256_avx2(states, blocks) },
            compress256_one_by_one,
        );
        return true;
    }
    false
}

/// Takes whole blocks of 128 bytes into each state; false when the processor has nothing for it.
pub(super) fn compress512(states: &mut [[u64; 8]], blocks: &[&[u8]]) -> bool {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F and AVX-512BW.
        padded(
            states,
            blocks,
            |states, blocks| unsafe { sha512_avx512(states, blocks) },
            compress512_one_by_one,
        );
        return true;
    }
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        padded(
            states,
            blocks,
            |states, blocks| unsafe { sha512_avx2(states, blocks) },
            compress512_one_by_one,
        );
        return true;
    }
    false
}

/// Calls `all` on `N` messages at a time. Where fewer are left the first stands in for those that are missing; one
/// alone goes through `single`, which then is faster.
fn padded<Word: Copy, const N: usize>(
    states: &mut [[Word; 8]],
    blocks: &[&[u8]],
    all: impl Fn(&mut [[Word; 8]; N], &[&[u8]; N]),
    single: impl Fn(&mut [[Word; 8]], &[&[u8]]),
) {
    for (states, blocks) in states.chunks_mut(N).zip(blocks.chunks(N)) {
        match (&mut *states, blocks) {
            ([_], [_]) => single(states, blocks),
            ([first, ..], [bytes, ..]) => {
                let (mut wide, mut wide_blocks) = ([*first; N], [*bytes; N]);
                for ((place, place_blocks), (state, blocks)) in
                    wide.iter_mut().zip(&mut wide_blocks).zip(states.iter().zip(blocks))
                {
                    (*place, *place_blocks) = (*state, *blocks);
                }
                all(&mut wide, &wide_blocks);
                for (state, place) in states.iter_mut().zip(wide) {
                    *state = place;
                }
            }
            _ => {}
        }
    }
}

/// SHA-256 with the SHA extensions, `N` messages in step.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn sha_extensions<const N: usize>(states: [&mut [u32; 8]; N], blocks: [&&[u8]; N]) {
    let blocks: [&[[u8; 64]]; N] = blocks.map(|blocks| blocks.as_chunks().0);
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let order = arch::_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let zero = arch::_mm_setzero_si128();

    // The instructions want the state as two vectors: a, b, e, f and c, d, g, h, the last word lowest.
    let mut abef = [zero; N];
    let mut cdgh = [zero; N];
    for ((abef, cdgh), state) in abef.iter_mut().zip(&mut cdgh).zip(&states) {
        let (abcd, efgh) = load_state(state);
        let cdab = arch::_mm_shuffle_epi32(abcd, 0xb1);
        let efgh = arch::_mm_shuffle_epi32(efgh, 0x1b);
        *abef = arch::_mm_alignr_epi8(cdab, efgh, 8);
        *cdgh = arch::_mm_blend_epi16(efgh, cdab, 0xf0);
    }

    for index in 0..count {
        let (abef_before, cdgh_before) = (abef, cdgh);
        let mut schedule = [[zero; 4]; N];
        for (schedule, blocks) in schedule.iter_mut().zip(&blocks) {
            let Some(block) = blocks.get(index) else { continue };
            for (words, bytes) in schedule.iter_mut().zip(block.as_chunks::<16>().0) {
                *words = arch::_mm_shuffle_epi8(load128(bytes), order);
            }
        }
        for (four, constants) in SHA256_ROUNDS.as_chunks::<4>().0.iter().enumerate() {
            let constants = load_words(constants);
            for ((abef, cdgh), schedule) in abef.iter_mut().zip(&mut cdgh).zip(&mut schedule) {
                let [w0, w1, w2, w3] = *schedule;
                let words = if four < 4 {
                    w0
                } else {
                    // The next four words of the message schedule, in the place of the oldest.
                    let sum = arch::_mm_add_epi32(
                        arch::_mm_sha256msg1_epu32(w0, w1),
                        arch::_mm_alignr_epi8(w3, w2, 4),
                    );
                    arch::_mm_sha256msg2_epu32(sum, w3)
                };
                *schedule = [w1, w2, w3, words];
                let keyed = arch::_mm_add_epi32(words, constants);
                *cdgh = arch::_mm_sha256rnds2_epu32(*cdgh, *abef, keyed);
                *abef = arch::_mm_sha256rnds2_epu32(*abef, *cdgh, arch::_mm_shuffle_epi32(keyed, 0x0e));
            }
        }
        for ((now, before), (high, high_before)) in
            abef.iter_mut().zip(&abef_before).zip(cdgh.iter_mut().zip(&cdgh_before))
        {
            *now = arch::_mm_add_epi32(*now, *before);
            *high = arch::_mm_add_epi32(*high, *high_before);
        }
    }

    for ((abef, cdgh), state) in abef.into_iter().zip(cdgh).zip(states) {
        let feba = arch::_mm_shuffle_epi32(abef, 0x1b);
        let dchg = arch::_mm_shuffle_epi32(cdgh, 0xb1);
        let abcd = arch::_mm_blend_epi16(feba, dchg, 0xf0);
        let efgh = arch::_mm_alignr_epi8(dchg, feba, 8);
        store_state(state, [abcd, efgh]);
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load128(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the array has the size of the vector; the instruction takes any alignment.
    unsafe { arch::_mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[u32; 4]) -> __m128i {
    // SAFETY: the array has the size of the vector; the instruction takes any alignment.
    unsafe { arch::_mm_loadu_si128(words.as_ptr().cast()) }
}

/// The two halves of a state.
#[inline]
#[target_feature(enable = "sse2")]
fn load_state(state: &[u32; 8]) -> (__m128i, __m128i) {
    match state.as_chunks() {
        ([low, high], _) => (load_words(low), load_words(high)),
        _ => (arch::_mm_setzero_si128(), arch::_mm_setzero_si128()),
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_state(state: &mut [u32; 8], halves: [__m128i; 2]) {
    for (words, half) in state.as_chunks_mut::<4>().0.iter_mut().zip(halves) {
        // SAFETY: the array has the size of the vector; the instruction takes any alignment.
        unsafe { arch::_mm_storeu_si128(words.as_mut_ptr().cast(), half) }
    }
}

/// One word of each of `N` messages in a vector.
///
/// # Safety
/// Every method is inlined into a function that has the vector's `#[target_feature]`, and may be called from nowhere
/// else.
trait Lanes<Word, const N: usize>: Copy {
    unsafe fn splat(word: Word) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn big_sigma0(self) -> Self;
    unsafe fn big_sigma1(self) -> Self;
    unsafe fn small_sigma0(self) -> Self;
    unsafe fn small_sigma1(self) -> Self;
    /// For each bit: `one` where `self` is set, else `other`.
    unsafe fn choose(self, one: Self, other: Self) -> Self;
    /// For each bit: what at least two have.
    unsafe fn majority(self, one: Self, other: Self) -> Self;
}

/// One round: FIPS 180-4, 6.2.2 and 6.4.2, step 3. The words change their names from round to round, not their places.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $keyed:expr) => {
        let sum = $h.add($keyed).add($e.big_sigma1()).add($e.choose($f, $g));
        $d = $d.add(sum);
        $h = sum.add($a.big_sigma0()).add($a.majority($b, $c));
    };
}

/// All rounds over one block of each message.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "it has no features of its own; see the module's documentation")]
#[expect(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]
unsafe fn rounds<Word: Copy, const N: usize, V: Lanes<Word, N>>(
    state: &mut [V; 8],
    message: [V; 16],
    constants: &[[Word; 16]],
) {
    let [mut w0, mut w1, mut w2, mut w3, mut w4, mut w5, mut w6, mut w7, ..] = message;
    let [.., mut w8, mut w9, mut w10, mut w11, mut w12, mut w13, mut w14, mut w15] = message;
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    // SAFETY: the calling function has the features.
    unsafe {
        let mut first = true;
        for constants in constants {
            let [k0, k1, k2, k3, k4, k5, k6, k7, ..] = *constants;
            let [.., k8, k9, k10, k11, k12, k13, k14, k15] = *constants;
            if !first {
                // The next sixteen words of the message schedule, each in the place of the oldest.
                w0 = next(w0, w1, w9, w14);
                w1 = next(w1, w2, w10, w15);
                w2 = next(w2, w3, w11, w0);
                w3 = next(w3, w4, w12, w1);
                w4 = next(w4, w5, w13, w2);
                w5 = next(w5, w6, w14, w3);
                w6 = next(w6, w7, w15, w4);
                w7 = next(w7, w8, w0, w5);
                w8 = next(w8, w9, w1, w6);
                w9 = next(w9, w10, w2, w7);
                w10 = next(w10, w11, w3, w8);
                w11 = next(w11, w12, w4, w9);
                w12 = next(w12, w13, w5, w10);
                w13 = next(w13, w14, w6, w11);
                w14 = next(w14, w15, w7, w12);
                w15 = next(w15, w0, w8, w13);
            }
            first = false;
            round!(a b c d e f g h, w0.add(V::splat(k0)));
            round!(h a b c d e f g, w1.add(V::splat(k1)));
            round!(g h a b c d e f, w2.add(V::splat(k2)));
            round!(f g h a b c d e, w3.add(V::splat(k3)));
            round!(e f g h a b c d, w4.add(V::splat(k4)));
            round!(d e f g h a b c, w5.add(V::splat(k5)));
            round!(c d e f g h a b, w6.add(V::splat(k6)));
            round!(b c d e f g h a, w7.add(V::splat(k7)));
            round!(a b c d e f g h, w8.add(V::splat(k8)));
            round!(h a b c d e f g, w9.add(V::splat(k9)));
            round!(g h a b c d e f, w10.add(V::splat(k10)));
            round!(f g h a b c d e, w11.add(V::splat(k11)));
            round!(e f g h a b c d, w12.add(V::splat(k12)));
            round!(d e f g h a b c, w13.add(V::splat(k13)));
            round!(c d e f g h a b, w14.add(V::splat(k14)));
            round!(b c d e f g h a, w15.add(V::splat(k15)));
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *kept = kept.add(new);
        }
    }
}

/// A word of the message schedule from those 16, 15, 7 and 2 before it: FIPS 180-4, 6.2.2 and 6.4.2, step 1.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "it has no features of its own; see the module's documentation")]
unsafe fn next<Word, const N: usize, V: Lanes<Word, N>>(w16: V, w15: V, w7: V, w2: V) -> V {
    // SAFETY: the calling function has the features.
    unsafe { w16.add(w15.small_sigma0()).add(w7).add(w2.small_sigma1()) }
}

/// Eight messages of SHA-256 in vectors of AVX2.
#[target_feature(enable = "avx2")]
fn sha256_avx2(states: &mut [[u32; 8]; 8], blocks: &[&[u8]; 8]) {
    let blocks: [&[[u8; 64]]; 8] = blocks.map(|blocks| blocks.as_chunks().0);
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let order =
        arch::_mm256_broadcastsi128_si256(arch::_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    let mut state = transpose_8x32(states.each_ref().map(|state| load_eight(state)));
    for index in 0..count {
        let mut message = [arch::_mm256_setzero_si256(); 16];
        for (half, message) in message.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let mut rows = [arch::_mm256_setzero_si256(); 8];
            for (row, blocks) in rows.iter_mut().zip(&blocks) {
                if let Some(bytes) = part::<64, 32>(blocks, index, half) {
                    *row = arch::_mm256_shuffle_epi8(load256(bytes), order);
                }
            }
            *message = transpose_8x32(rows);
        }
        // SAFETY: this function has the features.
        unsafe { rounds::<u32, 8, __m256i>(&mut state, message, SHA256_ROUNDS.as_chunks().0) };
    }
    for (state, vector) in states.iter_mut().zip(transpose_8x32(state)) {
        // SAFETY: the array has the size of the vector; the instruction takes any alignment.
        unsafe { arch::_mm256_storeu_si256(state.as_mut_ptr().cast(), vector) };
    }
}

#[inline]
#[target_feature(enable = "avx")]
fn load256(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the array has the size of the vector; the instruction takes any alignment.
    unsafe { arch::_mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx")]
fn load_eight(words: &[u32; 8]) -> __m256i {
    // SAFETY: the array has the size of the vector; the instruction takes any alignment.
    unsafe { arch::_mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load512(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the array has the size of the vector; the instruction takes any alignment.
    unsafe { arch::_mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The `part`th piece of `SIZE` bytes of a block.
#[inline]
fn part<const BLOCK: usize, const SIZE: usize>(
    blocks: &[[u8; BLOCK]],
    index: usize,
    part: usize,
) -> Option<&[u8; SIZE]> {
    blocks.get(index)?.as_chunks::<SIZE>().0.get(part)
}

/// Rows to columns: word `i` of vector `j` becomes word `j` of vector `i`. It is its own inverse.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_8x32(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let pairs = |a, b| (arch::_mm256_unpacklo_epi32(a, b), arch::_mm256_unpackhi_epi32(a, b));
    let ((a0, a1), (a2, a3)) = (pairs(r0, r1), pairs(r2, r3));
    let ((a4, a5), (a6, a7)) = (pairs(r4, r5), pairs(r6, r7));
    let quads = |a, b| (arch::_mm256_unpacklo_epi64(a, b), arch::_mm256_unpackhi_epi64(a, b));
    let ((b0, b1), (b2, b3)) = (quads(a0, a2), quads(a1, a3));
    let ((b4, b5), (b6, b7)) = (quads(a4, a6), quads(a5, a7));
    [
        arch::_mm256_permute2x128_si256(b0, b4, 0x20),
        arch::_mm256_permute2x128_si256(b1, b5, 0x20),
        arch::_mm256_permute2x128_si256(b2, b6, 0x20),
        arch::_mm256_permute2x128_si256(b3, b7, 0x20),
        arch::_mm256_permute2x128_si256(b0, b4, 0x31),
        arch::_mm256_permute2x128_si256(b1, b5, 0x31),
        arch::_mm256_permute2x128_si256(b2, b6, 0x31),
        arch::_mm256_permute2x128_si256(b3, b7, 0x31),
    ]
}

/// Sixteen messages of SHA-256 in vectors of AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
fn sha256_avx512(states: &mut [[u32; 8]; 16], blocks: &[&[u8]; 16]) {
    let blocks: [&[[u8; 64]]; 16] = blocks.map(|blocks| blocks.as_chunks().0);
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let order =
        arch::_mm512_broadcast_i32x4(arch::_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    // A state fills half a vector, so half of the columns stay empty.
    let rows = states.each_ref().map(|state| arch::_mm512_zextsi256_si512(load_eight(state)));
    let mut state = [arch::_mm512_setzero_si512(); 8];
    for (words, column) in state.iter_mut().zip(transpose_16x32(&rows)) {
        *words = column;
    }
    for index in 0..count {
        let mut rows = [arch::_mm512_setzero_si512(); 16];
        for (row, blocks) in rows.iter_mut().zip(&blocks) {
            if let Some(bytes) = blocks.get(index) {
                *row = arch::_mm512_shuffle_epi8(load512(bytes), order);
            }
        }
        let message = transpose_16x32(&rows);
        // SAFETY: this function has the features.
        unsafe { rounds::<u32, 16, __m512i>(&mut state, message, SHA256_ROUNDS.as_chunks().0) };
    }
    let mut columns = [arch::_mm512_setzero_si512(); 16];
    for (column, words) in columns.iter_mut().zip(state) {
        *column = words;
    }
    for (state, vector) in states.iter_mut().zip(transpose_16x32(&columns)) {
        // SAFETY: the array has the size of the vector; the instruction takes any alignment.
        unsafe { arch::_mm256_storeu_si256(state.as_mut_ptr().cast(), arch::_mm512_castsi512_si256(vector)) };
    }
}

/// Rows to columns: word `i` of vector `j` becomes word `j` of vector `i`. It is its own inverse.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_16x32(rows: &[__m512i; 16]) -> [__m512i; 16] {
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15] = *rows;
    let pairs = |a, b| (arch::_mm512_unpacklo_epi32(a, b), arch::_mm512_unpackhi_epi32(a, b));
    let quads = |a, b| (arch::_mm512_unpacklo_epi64(a, b), arch::_mm512_unpackhi_epi64(a, b));
    // Quarter `q` of vector `i` becomes column `4 * q + i` of four rows.
    let four = |[a, b, c, d]: [__m512i; 4]| {
        let ((a, b), (c, d)) = (pairs(a, b), pairs(c, d));
        let ((c0, c1), (c2, c3)) = (quads(a, c), quads(b, d));
        [c0, c1, c2, c3]
    };
    let [a0, a1, a2, a3] = four([r0, r1, r2, r3]);
    let [b0, b1, b2, b3] = four([r4, r5, r6, r7]);
    let [c0, c1, c2, c3] = four([r8, r9, r10, r11]);
    let [d0, d1, d2, d3] = four([r12, r13, r14, r15]);
    // Quarters of 128 bits: even ones of two vectors, then odd ones.
    let quarters = |a, b| (arch::_mm512_shuffle_i64x2(a, b, 0x88), arch::_mm512_shuffle_i64x2(a, b, 0xdd));
    let columns = |[a, b, c, d]: [__m512i; 4]| {
        let ((a, b), (c, d)) = (quarters(a, b), quarters(c, d));
        let ((c0, c8), (c4, c12)) = (quarters(a, c), quarters(b, d));
        [c0, c4, c8, c12]
    };
    let [c0, c4, c8, c12] = columns([a0, b0, c0, d0]);
    let [c1, c5, c9, c13] = columns([a1, b1, c1, d1]);
    let [c2, c6, c10, c14] = columns([a2, b2, c2, d2]);
    let [c3, c7, c11, c15] = columns([a3, b3, c3, d3]);
    [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15]
}

/// Eight messages of SHA-512 in vectors of AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
fn sha512_avx512(states: &mut [[u64; 8]; 8], blocks: &[&[u8]; 8]) {
    let blocks: [&[[u8; 128]]; 8] = blocks.map(|blocks| blocks.as_chunks().0);
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let order =
        arch::_mm512_broadcast_i32x4(arch::_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    let mut state = transpose_8x64(&states.each_ref().map(|state| {
        // SAFETY: the array has the size of the vector; the instruction takes any alignment.
        unsafe { arch::_mm512_loadu_si512(state.as_ptr().cast()) }
    }));
    for index in 0..count {
        let mut message = [arch::_mm512_setzero_si512(); 16];
        for (half, message) in message.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let mut rows = [arch::_mm512_setzero_si512(); 8];
            for (row, blocks) in rows.iter_mut().zip(&blocks) {
                if let Some(bytes) = part::<128, 64>(blocks, index, half) {
                    *row = arch::_mm512_shuffle_epi8(load512(bytes), order);
                }
            }
            *message = transpose_8x64(&rows);
        }
        // SAFETY: this function has the features.
        unsafe { rounds::<u64, 8, __m512i>(&mut state, message, SHA512_ROUNDS.as_chunks().0) };
    }
    for (state, vector) in states.iter_mut().zip(transpose_8x64(&state)) {
        // SAFETY: the array has the size of the vector; the instruction takes any alignment.
        unsafe { arch::_mm512_storeu_si512(state.as_mut_ptr().cast(), vector) };
    }
}

/// Rows to columns: word `i` of vector `j` becomes word `j` of vector `i`. It is its own inverse.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_8x64(rows: &[__m512i; 8]) -> [__m512i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = *rows;
    let pairs = |a, b| (arch::_mm512_unpacklo_epi64(a, b), arch::_mm512_unpackhi_epi64(a, b));
    let ((a0, a1), (a2, a3)) = (pairs(r0, r1), pairs(r2, r3));
    let ((a4, a5), (a6, a7)) = (pairs(r4, r5), pairs(r6, r7));
    // Quarters of 128 bits: even ones of two vectors, then odd ones.
    let quarters = |a, b| (arch::_mm512_shuffle_i64x2(a, b, 0x88), arch::_mm512_shuffle_i64x2(a, b, 0xdd));
    let ((b0, b2), (b1, b3)) = (quarters(a0, a2), quarters(a1, a3));
    let ((b4, b6), (b5, b7)) = (quarters(a4, a6), quarters(a5, a7));
    let ((c0, c4), (c1, c5)) = (quarters(b0, b4), quarters(b1, b5));
    let ((c2, c6), (c3, c7)) = (quarters(b2, b6), quarters(b3, b7));
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// Four messages of SHA-512 in vectors of AVX2.
#[target_feature(enable = "avx2")]
fn sha512_avx2(states: &mut [[u64; 8]; 4], blocks: &[&[u8]; 4]) {
    let blocks: [&[[u8; 128]]; 4] = blocks.map(|blocks| blocks.as_chunks().0);
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let order =
        arch::_mm256_broadcastsi128_si256(arch::_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    let mut state = [arch::_mm256_setzero_si256(); 8];
    for (half, state) in state.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        *state = transpose_4x64(states.each_ref().map(|words| {
            let words = words.as_chunks::<4>().0.get(half).copied().unwrap_or_default();
            // SAFETY: the array has the size of the vector; the instruction takes any alignment.
            unsafe { arch::_mm256_loadu_si256(words.as_ptr().cast()) }
        }));
    }
    for index in 0..count {
        let mut message = [arch::_mm256_setzero_si256(); 16];
        for (quarter, message) in message.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let mut rows = [arch::_mm256_setzero_si256(); 4];
            for (row, blocks) in rows.iter_mut().zip(&blocks) {
                if let Some(bytes) = part::<128, 32>(blocks, index, quarter) {
                    *row = arch::_mm256_shuffle_epi8(load256(bytes), order);
                }
            }
            *message = transpose_4x64(rows);
        }
        // SAFETY: this function has the features.
        unsafe { rounds::<u64, 4, __m256i>(&mut state, message, SHA512_ROUNDS.as_chunks().0) };
    }
    for (half, state) in state.as_chunks::<4>().0.iter().enumerate() {
        for (words, vector) in states.iter_mut().zip(transpose_4x64(*state)) {
            if let Some(words) = words.as_chunks_mut::<4>().0.get_mut(half) {
                // SAFETY: the array has the size of the vector; the instruction takes any alignment.
                unsafe { arch::_mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
            }
        }
    }
}

/// Rows to columns: word `i` of vector `j` becomes word `j` of vector `i`. It is its own inverse.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_4x64(rows: [__m256i; 4]) -> [__m256i; 4] {
    let [r0, r1, r2, r3] = rows;
    let (a0, a1) = (arch::_mm256_unpacklo_epi64(r0, r1), arch::_mm256_unpackhi_epi64(r0, r1));
    let (a2, a3) = (arch::_mm256_unpacklo_epi64(r2, r3), arch::_mm256_unpackhi_epi64(r2, r3));
    [
        arch::_mm256_permute2x128_si256(a0, a2, 0x20),
        arch::_mm256_permute2x128_si256(a1, a3, 0x20),
        arch::_mm256_permute2x128_si256(a0, a2, 0x31),
        arch::_mm256_permute2x128_si256(a1, a3, 0x31),
    ]
}

#[expect(
    clippy::inline_always,
    reason = "they have no features of their own; see the module's documentation"
)]
impl Lanes<u32, 8> for __m256i {
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm256_set1_epi32(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm256_add_epi32(self, other) }
    }

    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { xor3(rotate_32::<2, 30>(self), rotate_32::<13, 19>(self), rotate_32::<22, 10>(self)) }
    }

    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { xor3(rotate_32::<6, 26>(self), rotate_32::<11, 21>(self), rotate_32::<25, 7>(self)) }
    }

    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            xor3(rotate_32::<7, 25>(self), rotate_32::<18, 14>(self), arch::_mm256_srli_epi32::<3>(self))
        }
    }

    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            xor3(rotate_32::<17, 15>(self), rotate_32::<19, 13>(self), arch::_mm256_srli_epi32::<10>(self))
        }
    }

    #[inline(always)]
    unsafe fn choose(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { choose_256(self, one, other) }
    }

    #[inline(always)]
    unsafe fn majority(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { majority_256(self, one, other) }
    }
}

#[expect(
    clippy::inline_always,
    reason = "they have no features of their own; see the module's documentation"
)]
impl Lanes<u64, 4> for __m256i {
    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm256_set1_epi64x(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm256_add_epi64(self, other) }
    }

    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { xor3(rotate_64::<28, 36>(self), rotate_64::<34, 30>(self), rotate_64::<39, 25>(self)) }
    }

    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { xor3(rotate_64::<14, 50>(self), rotate_64::<18, 46>(self), rotate_64::<41, 23>(self)) }
    }

    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            xor3(rotate_64::<1, 63>(self), rotate_64::<8, 56>(self), arch::_mm256_srli_epi64::<7>(self))
        }
    }

    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            xor3(rotate_64::<19, 45>(self), rotate_64::<61, 3>(self), arch::_mm256_srli_epi64::<6>(self))
        }
    }

    #[inline(always)]
    unsafe fn choose(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { choose_256(self, one, other) }
    }

    #[inline(always)]
    unsafe fn majority(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { majority_256(self, one, other) }
    }
}

#[expect(
    clippy::inline_always,
    reason = "they have no features of their own; see the module's documentation"
)]
impl Lanes<u32, 16> for __m512i {
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_set1_epi32(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_add_epi32(self, other) }
    }

    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi32::<0x96>(
                arch::_mm512_ror_epi32::<2>(self),
                arch::_mm512_ror_epi32::<13>(self),
                arch::_mm512_ror_epi32::<22>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi32::<0x96>(
                arch::_mm512_ror_epi32::<6>(self),
                arch::_mm512_ror_epi32::<11>(self),
                arch::_mm512_ror_epi32::<25>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi32::<0x96>(
                arch::_mm512_ror_epi32::<7>(self),
                arch::_mm512_ror_epi32::<18>(self),
                arch::_mm512_srli_epi32::<3>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi32::<0x96>(
                arch::_mm512_ror_epi32::<17>(self),
                arch::_mm512_ror_epi32::<19>(self),
                arch::_mm512_srli_epi32::<10>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn choose(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_ternarylogic_epi32::<0xca>(self, one, other) }
    }

    #[inline(always)]
    unsafe fn majority(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_ternarylogic_epi32::<0xe8>(self, one, other) }
    }
}

#[expect(
    clippy::inline_always,
    reason = "they have no features of their own; see the module's documentation"
)]
impl Lanes<u64, 8> for __m512i {
    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_set1_epi64(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_add_epi64(self, other) }
    }

    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi64::<0x96>(
                arch::_mm512_ror_epi64::<28>(self),
                arch::_mm512_ror_epi64::<34>(self),
                arch::_mm512_ror_epi64::<39>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi64::<0x96>(
                arch::_mm512_ror_epi64::<14>(self),
                arch::_mm512_ror_epi64::<18>(self),
                arch::_mm512_ror_epi64::<41>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi64::<0x96>(
                arch::_mm512_ror_epi64::<1>(self),
                arch::_mm512_ror_epi64::<8>(self),
                arch::_mm512_srli_epi64::<7>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe {
            arch::_mm512_ternarylogic_epi64::<0x96>(
                arch::_mm512_ror_epi64::<19>(self),
                arch::_mm512_ror_epi64::<61>(self),
                arch::_mm512_srli_epi64::<6>(self),
            )
        }
    }

    #[inline(always)]
    unsafe fn choose(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_ternarylogic_epi64::<0xca>(self, one, other) }
    }

    #[inline(always)]
    unsafe fn majority(self, one: Self, other: Self) -> Self {
        // SAFETY: the calling function has the feature.
        unsafe { arch::_mm512_ternarylogic_epi64::<0xe8>(self, one, other) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_32<const RIGHT: i32, const LEFT: i32>(words: __m256i) -> __m256i {
    arch::_mm256_or_si256(arch::_mm256_srli_epi32::<RIGHT>(words), arch::_mm256_slli_epi32::<LEFT>(words))
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate_64<const RIGHT: i32, const LEFT: i32>(words: __m256i) -> __m256i {
    arch::_mm256_or_si256(arch::_mm256_srli_epi64::<RIGHT>(words), arch::_mm256_slli_epi64::<LEFT>(words))
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    arch::_mm256_xor_si256(arch::_mm256_xor_si256(a, b), c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose_256(bits: __m256i, one: __m256i, other: __m256i) -> __m256i {
    arch::_mm256_xor_si256(other, arch::_mm256_and_si256(bits, arch::_mm256_xor_si256(one, other)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority_256(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    arch::_mm256_or_si256(
        arch::_mm256_and_si256(a, b),
        arch::_mm256_and_si256(c, arch::_mm256_or_si256(a, b)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds one way of compressing against the plain one, for each number of messages and of blocks.
    fn agrees<Word: Copy + PartialEq + std::fmt::Debug, const BLOCK: usize>(
        initial: [Word; 8],
        this: impl Fn(&mut [[Word; 8]], &[&[u8]]),
        plain: impl Fn(&mut [[Word; 8]], &[&[u8]]),
    ) {
        let bytes: Vec<u8> =
            (0_u32..).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]).take(17 * 5 * BLOCK).collect();
        for count in 1..=17 {
            for len in [0, BLOCK, 5 * BLOCK] {
                // Overlapping and at odd addresses, to see that neither matters.
                let blocks: Vec<&[u8]> = (0..count).map(|i| &bytes[i * 61 + 1..][..len]).collect();
                let (mut ours, mut theirs) = (vec![initial; count], vec![initial; count]);
                this(&mut ours, &blocks);
                plain(&mut theirs, &blocks);
                assert_eq!(ours, theirs, "{count} messages of {len} bytes");
            }
        }
    }

    #[test]
    fn every_way_of_this_processor_gives_the_same() {
        let (sha256, sha512) =
            (super::super::constants::SHA256_INITIAL, super::super::constants::SHA512_INITIAL);
        agrees::<u32, 64>(
            sha256,
            |s, b| {
                if !compress256(s, b) {
                    compress256_one_by_one(s, b);
                }
            },
            compress256_one_by_one,
        );
        if has_sha() {
            agrees::<u32, 64>(sha256, |s, b| assert!(compress256_few(s, b)), compress256_one_by_one);
        } else {
            println!("left out: no SHA extensions");
        }
        if has_avx2() {
            agrees::<u32, 64>(
                sha256,
                |s, b| {
                    padded(
                        s,
                        b,
                        |s, b| {
                            // SAFETY: the processor has been asked.
                            unsafe { sha256_avx2(s, b) }
                        },
                        compress256_one_by_one,
                    );
                },
                compress256_one_by_one,
            );
            agrees::<u64, 128>(
                sha512,
                |s, b| {
                    padded(
                        s,
                        b,
                        |s, b| {
                            // SAFETY: the processor has been asked.
                            unsafe { sha512_avx2(s, b) }
                        },
                        compress512_one_by_one,
                    );
                },
                compress512_one_by_one,
            );
        } else {
            println!("left out: no AVX2");
        }
        if has_avx512() {
            agrees::<u32, 64>(
                sha256,
                |s, b| {
                    padded(
                        s,
                        b,
                        |s, b| {
                            // SAFETY: the processor has been asked.
                            unsafe { sha256_avx512(s, b) }
                        },
                        compress256_one_by_one,
                    );
                },
                compress256_one_by_one,
            );
            agrees::<u64, 128>(
                sha512,
                |s, b| {
                    padded(
                        s,
                        b,
                        |s, b| {
                            // SAFETY: the processor has been asked.
                            unsafe { sha512_avx512(s, b) }
                        },
                        compress512_one_by_one,
                    );
                },
                compress512_one_by_one,
            );
        } else {
            println!("left out: no AVX-512");
        }
    }
}
