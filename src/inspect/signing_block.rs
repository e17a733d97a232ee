//! The pairs of the APK Signing Block, each with its place and what it is known as.

use crate::apk::Apk;
use crate::apk::Stop;
use crate::format::signing_block::BlockId;

/// The APK Signing Block, or what is left of one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SigningBlockFacts {
    /// Where it starts in the file.
    pub offset: u64,
    /// Its size in bytes, both size fields and the magic included.
    pub size: u64,
    /// The pairs up to the first malformed one, in the order of the file.
    pub pairs: Vec<PairFacts>,
    /// Where it breaks its format, in words.
    pub fault: Option<String>,
    /// Whether Android sees no block at all because of `fault`.
    pub unusable: bool,
}

/// A pair of the signing block.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairFacts {
    /// Its id.
    pub id: BlockId,
    /// What the id stands for, when that is known.
    pub name: Option<&'static str>,
    /// Where its value starts in the file.
    pub offset: u64,
    /// Size of its value in bytes, without the id.
    pub size: u64,
    /// Whether an earlier pair has the same id: Android reads the first, and never this one.
    pub duplicate: bool,
}

/// The signing block of `apk`, if there is any of it.
pub(super) fn facts(apk: &Apk<'_>) -> Result<Option<SigningBlockFacts>, Stop> {
    let Some(block) = apk.signing_block()? else { return Ok(None) };
    let mut pairs: Vec<PairFacts> = Vec::with_capacity(block.pairs.len());
    let mut seen = std::collections::HashSet::new();
    for pair in &block.pairs {
        pairs.push(PairFacts {
            id: pair.id,
            name: pair.id.meaning(),
            offset: block.value_offset(*pair),
            size: pair.len,
            duplicate: !seen.insert(pair.id),
        });
    }
    Ok(Some(SigningBlockFacts {
        offset: block.offset,
        size: block.size,
        pairs,
        fault: block.fault.as_ref().map(ToString::to_string),
        unusable: block.unusable,
    }))
}
