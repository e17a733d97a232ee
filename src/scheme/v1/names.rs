//! Names under `META-INF/`, as versions of Android read them that do not tell upper case from lower.
//!
//! Android 5.0 and newer, like apksig, go by the exact names. Older ones take the first manifest in any spelling, and
//! turn the names of signature files and blocks into upper case, where the last of two that become the same counts.
//!
//! Source: AOSP libcore `JarFile.readMetaEntries` and `JarVerifier.addMetaEntry` up to Android 4.4; `StrictJarFile` since.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;

use super::BLOCK_SUFFIXES;
use super::Entry;
use super::MANIFEST;
use super::META_INF;
use super::Signer;
use crate::crypto;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::shortened;

/// Last API level that folds the names.
const LAST_FOLDED: u32 = 20;

/// Whether the versions in `range` that fold names see another manifest or other signers than `signers`.
pub(super) fn check(entries: &[Entry<'_>], signers: &[Signer<'_>], range: (u32, u32)) -> Option<Finding> {
    let (min_sdk, max_sdk) = range;
    if min_sdk > LAST_FOLDED {
        return None;
    }
    let mut meta = entries.iter().map(|entry| entry.name.as_ref()).filter(|name| name.starts_with(META_INF));
    let manifest = meta.clone().find(|name| name.eq_ignore_ascii_case(MANIFEST));
    let folded = fold(meta.by_ref().filter(|name| Some(*name) != manifest));
    let exact: BTreeMap<&str, &str> =
        signers.iter().map(|signer| (signer.block.name.as_ref(), signer.file.name.as_ref())).collect();
    let manifest = manifest.unwrap_or_default();
    if manifest == MANIFEST && folded == exact {
        return None;
    }
    let odd = if manifest == MANIFEST {
        let only_one_has = |one: &BTreeMap<&str, &str>, other: &BTreeMap<&str, &str>| {
            one.iter()
                .find(|(block, file)| other.get(*block) != Some(*file))
                .map(|(block, _)| (*block).to_owned())
        };
        only_one_has(&folded, &exact).or_else(|| only_one_has(&exact, &folded)).unwrap_or_default()
    } else {
        manifest.to_owned()
    };
    let finding = Finding::new(FindingCode::V1AmbiguousNames)
        .entry(odd)
        .values(list(MANIFEST, &exact), list(manifest, &folded))
        .api_levels(min_sdk, max_sdk.min(LAST_FOLDED));
    Some(finding)
}

/// Signature block files and their signature files among `names`, whose case is folded.
fn fold<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, &'a str> {
    let ends_with = |name: &str, suffix: &str| {
        name.len()
            .checked_sub(suffix.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let mut by_folded = HashMap::new();
    for name in names {
        if ends_with(name, ".SF") || BLOCK_SUFFIXES.iter().any(|suffix| ends_with(name, suffix)) {
            by_folded.insert(key(&name.to_uppercase()), name);
        }
    }
    let pair = |block: &&'a str| {
        let folded = block.to_uppercase();
        let (stem, suffix) = folded.rsplit_once('.')?;
        let file = by_folded.get(&key(&format!("{stem}.SF")))?;
        (suffix != "SF").then_some((*block, *file))
    };
    by_folded.values().filter_map(pair).collect()
}

/// Stands for a name that is not kept: in upper case it may be three times as long.
fn key(folded: &str) -> [u8; 32] {
    crypto::sha256(folded.as_bytes())
}

/// The names, as far as they are shown.
fn list(manifest: &str, pairs: &BTreeMap<&str, &str>) -> String {
    const SHOWN: usize = 20;
    let pairs = pairs.iter().take(SHOWN).flat_map(|(block, file)| [shortened(file), shortened(block)]);
    let names: Vec<Cow<'_, str>> = std::iter::once(shortened(manifest)).chain(pairs).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
        fold(names.iter().copied()).into_iter().collect()
    }

    #[test]
    fn pairs_without_regard_to_case() {
        let upper = ["META-INF/A.SF", "META-INF/A.RSA"];
        assert_eq!(folded(&upper), [("META-INF/A.RSA", "META-INF/A.SF")]);
        assert_eq!(folded(&["META-INF/a.sf", "META-INF/A.rsa"]), [("META-INF/A.rsa", "META-INF/a.sf")]);
        assert_eq!(folded(&["META-INF/A.sf", "META-INF/B.RSA", "META-INF/rsa", "META-INF/A.RSA.txt"]), []);
        let two = ["META-INF/A.SF", "META-INF/A.EC", "META-INF/a.sf"];
        assert_eq!(folded(&two), [("META-INF/A.EC", "META-INF/a.sf")], "the last of two counts");
        let eszett = ["META-INF/ß.SF", "META-INF/SS.DSA"];
        assert_eq!(folded(&eszett), [("META-INF/SS.DSA", "META-INF/ß.SF")], "as Java writes in upper case");
    }
}
