//! SHA-256 and SHA-512 of several messages of one length, side by side in one thread.
//!
//! A single stream of SHA-2 waits for itself most of the time: each round needs the one before. Independent messages
//! fill that time. Chunks of an APK, pages of a hash tree and stored entries are such messages.
//!
//! What the processor can do is asked once: AVX-512, the SHA extensions or AVX2 for SHA-256, AVX-512 or AVX2 for SHA-512,
//! and `sha2` where there is none of it. All give the same digests; the tests hold each against `sha2`.

mod constants;
mod ranges;
#[cfg(target_arch = "x86_64")]
mod x86;

use sha2::block_api::compress256;
use sha2::block_api::compress512;

pub use ranges::ranges_side_by_side;
pub use ranges::sha256_of_ranges;

/// A function of the SHA-2 family, by its words.
pub(super) trait Sha2 {
    /// Its word.
    type Word: Copy + Default;
    /// Size of a block in bytes.
    const BLOCK: usize;
    /// Size of a digest in bytes.
    const OUTPUT: usize;
    /// State before the first block (FIPS 180-4, 5.3).
    const INITIAL: [Self::Word; 8];

    /// How many messages are best digested side by side.
    fn lanes() -> usize;

    /// Takes whole blocks of each message into its state. `blocks` are as many as `states`, all of one length that
    /// is a multiple of the block.
    fn compress(states: &mut [[Self::Word; 8]], blocks: &[&[u8]]);

    /// Appends a word, big-endian.
    fn push(word: Self::Word, out: &mut Vec<u8>);
}

/// SHA-256.
#[derive(Debug)]
pub(super) enum Sha256 {}

/// SHA-512.
#[derive(Debug)]
pub(super) enum Sha512 {}

impl Sha2 for Sha256 {
    type Word = u32;
    const BLOCK: usize = 64;
    const OUTPUT: usize = 32;
    const INITIAL: [u32; 8] = constants::SHA256_INITIAL;

    fn lanes() -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = x86::sha256_lanes() {
            return lanes;
        }
        1
    }

    fn compress(states: &mut [[u32; 8]], blocks: &[&[u8]]) {
        #[cfg(target_arch = "x86_64")]
        if x86::compress256(states, blocks) {
            return;
        }
        compress256_one_by_one(states, blocks);
    }

    fn push(word: u32, out: &mut Vec<u8>) {
        out.extend(word.to_be_bytes());
    }
}

impl Sha2 for Sha512 {
    type Word = u64;
    const BLOCK: usize = 128;
    const OUTPUT: usize = 64;
    const INITIAL: [u64; 8] = constants::SHA512_INITIAL;

    fn lanes() -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = x86::sha512_lanes() {
            return lanes;
        }
        1
    }

    fn compress(states: &mut [[u64; 8]], blocks: &[&[u8]]) {
        #[cfg(target_arch = "x86_64")]
        if x86::compress512(states, blocks) {
            return;
        }
        compress512_one_by_one(states, blocks);
    }

    fn push(word: u64, out: &mut Vec<u8>) {
        out.extend(word.to_be_bytes());
    }
}

fn compress256_one_by_one(states: &mut [[u32; 8]], blocks: &[&[u8]]) {
    for (state, blocks) in states.iter_mut().zip(blocks) {
        compress256(state, blocks.as_chunks().0);
    }
}

fn compress512_one_by_one(states: &mut [[u64; 8]], blocks: &[&[u8]]) {
    for (state, blocks) in states.iter_mut().zip(blocks) {
        compress512(state, blocks.as_chunks().0);
    }
}

/// The largest block of the family, in bytes.
const LARGEST_BLOCK: usize = 128;
/// The most messages that a [`Group`] takes.
pub(super) const MAX_LANES: usize = 16;

/// Digests of several messages that grow in step, at most `LANES`, which is no more than [`MAX_LANES`].
pub(super) struct Group<H: Sha2, const LANES: usize = MAX_LANES> {
    count: usize,
    states: [[H::Word; 8]; LANES],
    /// For each message what does not fill a block yet; `pending` bytes of it count.
    tails: [[u8; LARGEST_BLOCK]; LANES],
    pending: usize,
    total: u64,
}

impl<H: Sha2, const LANES: usize> Group<H, LANES> {
    /// `count` messages, each of which begins with `prefix`.
    pub(super) fn new(count: usize, prefix: &[u8]) -> Self {
        let mut group = Self {
            count: count.min(LANES),
            states: [H::INITIAL; LANES],
            tails: [[0; LARGEST_BLOCK]; LANES],
            pending: 0,
            total: 0,
        };
        group.update_each(prefix);
        group
    }

    /// Appends a piece to each message. There are as many pieces as messages, all of one length.
    pub(super) fn update(&mut self, pieces: &[&[u8]]) {
        debug_assert_eq!(pieces.len(), self.count, "one piece for each message");
        let len = pieces.first().map_or(0, |piece| piece.len());
        debug_assert!(pieces.iter().all(|piece| piece.len() == len), "all pieces of one length");
        self.total = self.total.saturating_add(len as u64);
        let mut at = 0;
        if self.pending > 0 {
            at = len.min(H::BLOCK - self.pending);
            self.keep(pieces, 0, at);
            if self.pending < H::BLOCK {
                return;
            }
            let tails = self.tails;
            self.compress(tails.iter().map(|tail| tail.get(..H::BLOCK)));
            self.pending = 0;
        }
        let whole = at + (len - at) / H::BLOCK * H::BLOCK;
        if whole > at {
            self.compress(pieces.iter().map(|piece| piece.get(at..whole)));
        }
        self.keep(pieces, whole, len);
    }

    /// Appends the same piece to each message.
    fn update_each(&mut self, piece: &[u8]) {
        let pieces = [piece; LANES];
        self.update(pieces.get(..self.count).unwrap_or_default());
    }

    fn compress<'b>(&mut self, each: impl Iterator<Item = Option<&'b [u8]>>) {
        let mut blocks: [&[u8]; LANES] = [&[]; LANES];
        for (place, bytes) in blocks.iter_mut().zip(each) {
            *place = bytes.unwrap_or_default();
        }
        if let (Some(states), Some(blocks)) = (self.states.get_mut(..self.count), blocks.get(..self.count)) {
            H::compress(states, blocks);
        }
    }

    /// Keeps bytes `from..to` of each piece for later.
    fn keep(&mut self, pieces: &[&[u8]], from: usize, to: usize) {
        let end = self.pending + (to - from);
        for (tail, piece) in self.tails.iter_mut().zip(pieces) {
            if let (Some(room), Some(bytes)) = (tail.get_mut(self.pending..end), piece.get(from..to)) {
                room.copy_from_slice(bytes);
            }
        }
        self.pending = end;
    }

    /// The digests, one after another, each [`Sha2::OUTPUT`] bytes long.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // FIPS 180-4, 5.1: a one bit, zeros, and the length in bits in the last eighth of a block.
        let bits = (u128::from(self.total) * 8).to_be_bytes();
        let length = H::BLOCK / 8;
        let mut padding = [0; 2 * LARGEST_BLOCK];
        padding[0] = 0x80;
        let used = self.pending + 1 + length;
        let end = used.next_multiple_of(H::BLOCK) - self.pending;
        if let (Some(place), Some(bits)) =
            (padding.get_mut(end - length..end), bits.get(bits.len() - length..))
        {
            place.copy_from_slice(bits);
        }
        self.update_each(padding.get(..end).unwrap_or_default());
        let mut out = Vec::with_capacity(self.count * H::OUTPUT);
        for word in self.states.iter().take(self.count).flatten() {
            H::push(*word, &mut out);
        }
        out
    }
}

/// The digests of `messages`, all of one length, each behind `prefix`; one after another.
pub(super) fn digest_all<H: Sha2>(prefix: &[u8], messages: &[&[u8]]) -> Vec<u8> {
    let mut digests = Vec::with_capacity(messages.len() * H::OUTPUT);
    for messages in messages.chunks(MAX_LANES) {
        let mut group = Group::<H>::new(messages.len(), prefix);
        group.update(messages);
        digests.append(&mut group.finish());
    }
    digests
}

/// The digests of messages of any lengths, each behind its prefix, in their order: as many side by side as are best, and
/// where one ends the next takes its place.
pub(super) fn digest_each<H: Sha2>(messages: &[(&[u8], &[u8])]) -> Vec<Vec<u8>> {
    let mut digests = vec![Vec::new(); messages.len()];
    let mut waiting = digests.iter_mut().zip(messages);
    let mut running: Vec<Running<'_, H>> = Vec::new();
    loop {
        while running.len() < H::lanes() {
            let Some((digest, (prefix, message))) = waiting.next() else { break };
            running.push(Running::begin(digest, prefix, message));
        }
        let Some(step) = running.iter().map(|message| message.whole.len()).min() else { break };
        let mut states: Vec<_> = running.iter().map(|message| message.state).collect();
        let blocks: Vec<_> = running.iter().filter_map(|message| message.whole.get(..step)).collect();
        H::compress(&mut states, &blocks);
        for (message, state) in running.iter_mut().zip(states) {
            message.state = state;
            message.whole = message.whole.get(step..).unwrap_or_default();
        }
        running.extract_if(.., |message| message.whole.is_empty()).for_each(Running::finish);
    }
    digests
}

/// A message of [`digest_each`] that is under way.
struct Running<'m, H: Sha2> {
    /// Where its digest goes.
    digest: &'m mut Vec<u8>,
    /// Its beginning, up to the end of a block; its state is in `state`.
    group: Group<H, 1>,
    state: [H::Word; 8],
    /// The whole blocks that are not taken yet.
    whole: &'m [u8],
    /// All of them.
    blocks: u64,
    /// What follows.
    rest: &'m [u8],
}

impl<'m, H: Sha2> Running<'m, H> {
    fn begin(digest: &'m mut Vec<u8>, prefix: &[u8], message: &'m [u8]) -> Self {
        let mut group = Group::<H, 1>::new(1, prefix);
        let head = (H::BLOCK - group.pending).min(message.len());
        let (head, rest) = message.split_at_checked(head).unwrap_or_default();
        group.update(&[head]);
        let whole = rest.len() - rest.len() % H::BLOCK;
        let (whole, rest) = rest.split_at_checked(whole).unwrap_or_default();
        let [state] = group.states;
        Self { digest, group, state, whole, blocks: whole.len() as u64, rest }
    }

    fn finish(mut self) {
        self.group.states = [self.state];
        self.group.total = self.group.total.saturating_add(self.blocks);
        self.group.update(&[self.rest]);
        *self.digest = self.group.finish();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    /// A message that is like no other.
    fn message(seed: usize, len: usize) -> Vec<u8> {
        let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .take(len)
        .collect()
    }

    /// Holds digests of `count` messages of `len` bytes, fed in pieces of `piece`, against `sha2`.
    fn agrees<H: Sha2, D: sha2::Digest>(prefix: &[u8], count: usize, len: usize, piece: usize) {
        let messages: Vec<Vec<u8>> = (0..count).map(|seed| message(seed, len)).collect();
        let expected: Vec<u8> = messages
            .iter()
            .flat_map(|message| D::new().chain_update(prefix).chain_update(message).finalize().to_vec())
            .collect();
        let whole: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        assert_eq!(digest_all::<H>(prefix, &whole), expected, "{count} messages of {len} bytes at once");
        let mut group = Group::<H>::new(count, prefix);
        for start in (0..len).step_by(piece) {
            let end = len.min(start + piece);
            group.update(&messages.iter().map(|message| &message[start..end]).collect::<Vec<_>>());
        }
        assert_eq!(group.finish(), expected, "{count} messages of {len} bytes in pieces of {piece}");
    }

    #[test]
    fn digests_around_the_border_of_a_block_are_those_of_sha2() {
        for len in [0, 1, 54, 55, 56, 57, 63, 64, 65, 111, 112, 113, 119, 127, 128, 129, 4096, 4104] {
            for count in 1..=MAX_LANES {
                agrees::<Sha256, sha2::Sha256>(b"", count, len, 64);
                agrees::<Sha512, sha2::Sha512>(b"\xa5", count, len, 100);
            }
        }
    }

    proptest! {
        #[test]
        fn digests_of_any_lengths_are_those_of_sha2(
            prefix in proptest::collection::vec(any::<u8>(), 0..140),
            lens in proptest::collection::vec(prop_oneof![0..200_usize, 0..5000_usize], 0..40),
        ) {
            let messages: Vec<Vec<u8>> = lens.iter().enumerate().map(|(seed, len)| message(seed, *len)).collect();
            let each: Vec<(&[u8], &[u8])> = messages.iter().map(|message| (&prefix[..], &message[..])).collect();
            let of = |message: &Vec<u8>| [&prefix[..], message].concat();
            let sha256: Vec<_> = messages.iter().map(|message| sha2::Sha256::digest(of(message)).to_vec()).collect();
            prop_assert_eq!(digest_each::<Sha256>(&each), sha256);
            let sha512: Vec<_> = messages.iter().map(|message| sha2::Sha512::digest(of(message)).to_vec()).collect();
            prop_assert_eq!(digest_each::<Sha512>(&each), sha512);
        }

        #[test]
        fn digests_are_those_of_sha2(
            prefix in proptest::collection::vec(any::<u8>(), 0..140),
            count in 1..=MAX_LANES,
            len in 0..3000_usize,
            piece in 1..1000_usize,
        ) {
            agrees::<Sha256, sha2::Sha256>(&prefix, count, len, piece);
            agrees::<Sha512, sha2::Sha512>(&prefix, count, len, piece);
        }
    }
}
