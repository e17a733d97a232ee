//! Whether all Android versions see the same signer.

use super::case::Case;
use super::case::View;
use super::case::ancestors;
use super::case::describe_levels;
use super::case::describe_set;
use crate::finding::Finding;
use crate::finding::FindingCode;

/// A warning when Android versions see signers that no lineage connects.
///
/// It decides nothing, since each view is judged on its own; but nobody signs like that by accident.
pub(super) fn differ(case: &Case<'_>) -> Option<Finding> {
    let views = case.views();
    let strangers = views
        .iter()
        .enumerate()
        .any(|(index, view)| views.iter().skip(index).skip(1).any(|other| !connected(view, other)));
    if !strangers {
        return None;
    }
    let lowest = views.iter().map(|view| view.api_levels.0).min()?;
    let highest = views.iter().map(|view| view.api_levels.1).max()?;
    let seen: Vec<String> = views
        .iter()
        .map(|view| format!("API {}: {}", describe_levels(view.api_levels), describe_set(&view.digests)))
        .collect();
    let finding = Finding::new(FindingCode::SignersDifferByVersion)
        .api_levels(lowest, highest)
        .values("one signer, or signers that a lineage connects", seen.join("; "))
        .values_zh("同一个签名者，或由谱系相连的签名者", seen.join("; "));
    Some(finding)
}

fn connected(one: &View<'_>, other: &View<'_>) -> bool {
    one.digests == other.digests || descends(one, other) || descends(other, one)
}

fn descends(one: &View<'_>, other: &View<'_>) -> bool {
    let (Some(descendant), Some(ancestor)) = (one.only_signer(), other.only_signer()) else {
        return false;
    };
    let line = ancestors(descendant).iter().map(|node| &node.certificate);
    // The classical half of a v3.2 signature has signed for both.
    line.chain(descendant.classical_partner()).any(|older| older.digest() == ancestor.digest())
}
