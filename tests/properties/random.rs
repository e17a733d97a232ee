//! Choices that a seed decides: the same seed makes the same mutant, on every machine and with every version of every crate.

/// A stream of choices (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    /// That of one mutant: of this run, at this place in it.
    pub(super) fn new(seed: u64, place: u64) -> Self {
        let mut random = Self(seed ^ place.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// An extreme of a field `width` bytes wide whose true value is `value`.
    pub(super) fn extreme(&mut self, value: u64, width: usize) -> u64 {
        let most = if width == 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
        let half = most / 2 + 1;
        let near = [
            0,
            1,
            value.wrapping_add(1),
            value.wrapping_sub(1),
            value.wrapping_add(2),
            value.wrapping_sub(2),
        ];
        let far = [
            value.wrapping_add(4),
            value.wrapping_sub(4),
            value.wrapping_mul(2),
            value ^ half,
            half,
            half - 1,
            half + 1,
            most,
            most - 1,
            most - 3,
            most - 7,
            1 << 31,
            (1 << 31) - 1,
            u64::from(u32::MAX),
            1 << 32,
            1 << 63,
            self.next(),
        ];
        let chosen = if self.one_in(2) { *self.pick(&near) } else { *self.pick(&far) };
        chosen & most
    }

    /// Changes a few bytes: one bit, one byte, or a run, in place, put in or taken out.
    pub(super) fn scramble(&mut self, bytes: &mut Vec<u8>) {
        let place = if bytes.is_empty() { 0 } else { self.below(bytes.len()) };
        let many = self.below(12) + 1;
        match if bytes.is_empty() { 3 } else { self.below(6) } {
            0 | 1 => bytes[place] ^= 1 << self.below(8),
            2 => bytes[place] = self.next() as u8,
            3 => {
                let new = self.bytes(many);
                drop(bytes.splice(place..place, new));
            }
            4 => {
                let end = (place + many).min(bytes.len());
                drop(bytes.drain(place..end));
            }
            _ => {
                let end = (place + many).min(bytes.len());
                let copy = bytes[place..end].to_vec();
                drop(bytes.splice(place..place, copy));
            }
        }
    }
}
