//! SHA-256 of ranges of a source, several side by side, with memory that does not grow with them.

use std::io;

use super::MAX_LANES;
use super::Sha2 as _;
use super::Sha256;
use crate::source::ByteSource;

/// How much of each range is read at once, in bytes; a multiple of a block. What sixteen lanes have stays in the cache of a
/// core.
const PIECE: usize = 32 << 10;
/// How much of a range the source is told of at once, in bytes, while as much is still on its way.
const ANNOUNCED: u64 = 1 << 20;

/// Digests the ranges that `next` gives, each with its offset and length in bytes, and tells `done` of each what its digest is
/// or why it cannot be read; in any order.
///
/// Up to `width` of them are digested side by side, and where one ends the next takes its place.
pub fn sha256_of_ranges<T>(
    source: &dyn ByteSource,
    width: usize,
    mut next: impl FnMut() -> Option<(T, u64, u64)>,
    mut done: impl FnMut(T, io::Result<[u8; 32]>),
) {
    let width = width.clamp(1, MAX_LANES);
    let mut lanes: Vec<Lane<T>> = Vec::with_capacity(width);
    let mut states: Vec<[u32; 8]> = Vec::with_capacity(width);
    let mut spare: Vec<Vec<u8>> = Vec::new();
    loop {
        while lanes.len() < width {
            let Some((item, offset, len)) = next() else { break };
            let mut lane =
                Lane { item, offset, left: len, len, piece: spare.pop().unwrap_or_default(), at: 0 };
            match lane.load(source) {
                Ok(()) => {
                    lanes.push(lane);
                    states.push(Sha256::INITIAL);
                }
                Err(error) => done(lane.item, Err(error)),
            }
        }
        let Some(step) = lanes.iter().map(|lane| lane.loaded().len()).min() else { return };
        let mut blocks: [&[u8]; MAX_LANES] = [&[]; MAX_LANES];
        for (place, lane) in blocks.iter_mut().zip(&lanes) {
            *place = lane.loaded().get(..step).unwrap_or_default();
        }
        Sha256::compress(&mut states, blocks.get(..lanes.len()).unwrap_or_default());
        for lane in &mut lanes {
            lane.at += step;
        }
        let mut place = 0;
        while let Some(lane) = lanes.get_mut(place) {
            let outcome = match lane.loaded() {
                [] if lane.left > 0 => lane.load(source).err().map(Err),
                [] => Some(Ok(states.get(place).map(digest).unwrap_or_default())),
                _ => None,
            };
            match outcome {
                None => place += 1,
                Some(outcome) => {
                    states.swap_remove(place);
                    let lane = lanes.swap_remove(place);
                    spare.push(lane.piece);
                    done(lane.item, outcome);
                }
            }
        }
    }
}

/// How many of `count` ranges are best digested side by side on one of so many `threads`.
pub fn ranges_side_by_side(count: usize, threads: usize) -> usize {
    count.div_ceil(threads.max(1)).clamp(1, Sha256::lanes().min(MAX_LANES))
}

/// A range that is under way.
struct Lane<T> {
    item: T,
    /// What comes next in the source.
    offset: u64,
    /// How much of it is still to be read, in bytes.
    left: u64,
    /// All of it.
    len: u64,
    /// Whole blocks that were read; those behind the last byte hold the padding.
    piece: Vec<u8>,
    /// How much of `piece` is digested.
    at: usize,
}

impl<T> Lane<T> {
    /// What is read and not digested yet.
    fn loaded(&self) -> &[u8] {
        self.piece.get(self.at..).unwrap_or_default()
    }

    /// Reads the next piece; the last one gets its padding.
    fn load(&mut self, source: &dyn ByteSource) -> io::Result<()> {
        self.announce(source);
        let size = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        self.piece.resize(size, 0);
        self.at = 0;
        source.read_exact_at(&mut self.piece, self.offset)?;
        self.offset = self.offset.saturating_add(size as u64);
        self.left = self.left.saturating_sub(size as u64);
        if self.left == 0 {
            // FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits in the last eight bytes of a block.
            self.piece.push(0x80);
            let length = Sha256::BLOCK / 8;
            self.piece.resize((size + 1 + length).next_multiple_of(Sha256::BLOCK) - length, 0);
            self.piece.extend(self.len.saturating_mul(8).to_be_bytes());
        }
        Ok(())
    }

    /// Tells the source what will be read: the first two stretches at once, then one more whenever one has begun.
    fn announce(&self, source: &dyn ByteSource) {
        let read = self.len - self.left;
        if !read.is_multiple_of(ANNOUNCED) {
            return;
        }
        let (ahead, stretches) = if read == 0 { (0, 2) } else { (ANNOUNCED, 1) };
        let len = self.left.saturating_sub(ahead).min(stretches * ANNOUNCED);
        if len > 0 {
            source.will_read(self.offset.saturating_add(ahead), len);
        }
    }
}

/// The bytes of a state.
fn digest(state: &[u32; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (place, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Mutex;

    use super::*;
    use crate::crypto::sha256;

    /// Bytes that tell what they were announced.
    struct Announced(Vec<u8>, Mutex<Vec<(u64, u64)>>);

    impl ByteSource for Announced {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            self.0.read_exact_at(buf, offset)
        }

        fn will_read(&self, offset: u64, len: u64) {
            self.1.lock().unwrap().push((offset, len));
        }
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|number| number.wrapping_mul(7919).to_le_bytes()[1]).collect()
    }

    /// Holds the digests of ranges against those of each by itself.
    fn agree(source: &dyn ByteSource, all: &[u8], ranges: &[(u64, u64)], width: usize) {
        let mut next = ranges.iter().enumerate().map(|(number, (offset, len))| (number, *offset, *len));
        let mut told = vec![None; ranges.len()];
        sha256_of_ranges(
            source,
            width,
            || next.next(),
            |number, digest| assert_eq!(told[number].replace(digest.ok()), None, "told once"),
        );
        for ((offset, len), told) in ranges.iter().zip(told) {
            let end = offset.saturating_add(*len);
            let range = usize::try_from(*offset).unwrap()..usize::try_from(end).unwrap_or(usize::MAX);
            assert_eq!(told.unwrap(), all.get(range).map(sha256), "{len} bytes from {offset}, {width} lanes");
        }
    }

    #[test]
    fn ranges_of_any_length_have_the_digest_of_each_by_itself() {
        let all = bytes(3 * PIECE + 1000);
        let piece = PIECE as u64;
        let lengths = [
            0,
            1,
            55,
            56,
            63,
            64,
            65,
            119,
            120,
            128,
            piece - 64,
            piece - 9,
            piece - 8,
            piece - 1,
            piece,
            piece + 1,
            2 * piece,
            2 * piece + 64,
            3 * piece + 5,
        ];
        let mut ranges: Vec<(u64, u64)> = lengths.iter().map(|len| (*len % 700, *len)).collect();
        for width in [0, 1, 2, 3, 11, 12, 16, 99] {
            agree(&all, &all, &ranges, width);
            ranges.rotate_left(5);
        }
        agree(&all, &all, &[], 16);
    }

    #[test]
    fn a_range_that_cannot_be_read_is_told_and_the_others_are_digested() {
        let all = bytes(5 * PIECE);
        let piece = PIECE as u64;
        // One lies behind the end, one ends behind it.
        let ranges = [(0, 3 * piece), (9 * piece, 10), (2 * piece, 4 * piece), (u64::MAX, 5), (7, 4 * piece)];
        for width in [1, 2, 16] {
            agree(&all, &all, &ranges, width);
        }
    }

    #[test]
    fn each_byte_is_announced_once_and_before_it_is_read() {
        let all = Announced(bytes(5 << 20), Mutex::default());
        let ranges = [(100, (3 << 20) + 5), (0, 10), (9, 1 << 20), (0, 0)];
        agree(&all, &all.0, &ranges, 2);
        let told = RefCell::new(all.1.into_inner().unwrap());
        told.borrow_mut().sort_unstable();
        let mut expected = vec![(100, 2 << 20), (100 + (2 << 20), 1 << 20), (100 + (3 << 20), 5)];
        expected.extend([(0, 10), (9, 1 << 20)]);
        expected.sort_unstable();
        assert_eq!(told.into_inner(), expected);
    }

    #[test]
    fn no_thread_takes_what_another_could() {
        assert_eq!(ranges_side_by_side(0, 2), 1);
        assert_eq!(ranges_side_by_side(2, 2), 1);
        assert_eq!(ranges_side_by_side(1000, 2), Sha256::lanes().min(MAX_LANES));
    }
}
