//! Names of subjects and issuers, told apart: for holding many against many.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;

use super::x509::CanonicalName;
use crate::limits::Limits;

/// Stands for a name: two names are equal when their ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameId(usize);

/// The names of a block, told apart without keeping their canonical forms, which may be many times as long.
#[derive(Debug, Default)]
pub struct NameIds<'a> {
    hasher: RandomState,
    /// `None` for a name that is equal to nothing.
    by_encoding: HashMap<&'a [u8], Option<NameId>>,
    /// By the hash of the canonical form, with one encoding of each.
    by_hash: HashMap<u64, Vec<(NameId, &'a [u8])>>,
    count: usize,
}

impl<'a> NameIds<'a> {
    /// The id of a name, as encoded; `None` for one that is equal to nothing. Brings each encoding into its canonical
    /// form once, and once more where it has the form of another.
    pub fn of(&mut self, encoded: &'a [u8], limits: &Limits) -> Option<NameId> {
        if let Some(known) = self.by_encoding.get(encoded) {
            return *known;
        }
        let id = CanonicalName::of(encoded, limits).map(|name| self.of_canonical(&name, encoded, limits));
        self.by_encoding.insert(encoded, id);
        id
    }

    fn of_canonical(&mut self, name: &CanonicalName, encoded: &'a [u8], limits: &Limits) -> NameId {
        let same_hash = self.by_hash.entry(self.hasher.hash_one(name)).or_default();
        for (id, other) in same_hash.iter() {
            if CanonicalName::of(other, limits).as_ref() == Some(name) {
                return *id;
            }
        }
        let id = NameId(self.count);
        self.count = self.count.saturating_add(1);
        same_hash.push((id, encoded));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common_name(text: &str) -> Vec<u8> {
        let element =
            |tag: u8, contents: &[u8]| [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat();
        let attribute = [&element(6, b"\x55\x04\x03")[..], &element(0x0c, text.as_bytes())].concat();
        element(0x30, &element(0x31, &element(0x30, &attribute)))
    }

    #[test]
    fn names_have_one_id_when_they_are_equal() {
        let limits = Limits::default();
        let [a, other_case, b, malformed] =
            [common_name("a b"), common_name("A  B"), common_name("b"), b"\x30\x05".to_vec()];
        let mut names = NameIds::default();
        let id = names.of(&a, &limits);
        assert!(id.is_some());
        assert_eq!(names.of(&other_case, &limits), id);
        assert_ne!(names.of(&b, &limits), id);
        assert_eq!(names.of(&a, &limits), id);
        assert_eq!(names.of(&malformed, &limits), None);
    }

    #[test]
    fn a_name_is_read_once_however_often_it_is_asked_for() {
        let limits = Limits::default();
        let steps = |count: usize, rounds: usize| {
            let encoded: Vec<Vec<u8>> = (0..count).map(|number| common_name(&number.to_string())).collect();
            let mut names = NameIds::default();
            crate::work::of(|| {
                for name in encoded.iter().cycle().take(count * rounds) {
                    names.of(name, &limits);
                }
            })
            .0
        };
        assert_eq!(steps(100, 64), steps(100, 1));
        assert_eq!(steps(200, 64), 2 * steps(100, 64));
    }
}
