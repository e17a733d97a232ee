//! Keys that replace one another: what a lineage proves, and what the registry says of keys that are rotated away.

use std::collections::BTreeSet;

use super::Rotation;
use super::Verdict;
use super::authority;
use super::case::Case;
use super::case::Ruling;
use super::case::View;
use super::case::ancestors;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::identity::CertificateDigest;
use crate::identity::LineageNode;
use crate::registry::App;
use crate::registry::Key;
use crate::registry::KeyStatus;
use crate::registry::SignerSet;
use crate::scheme::VerifiedSigner;

/// Rules on a signer that is not an allowed set itself, but that a lineage ties to one.
///
/// None when no lineage does, or when there are several signers: lineages are for single ones.
pub(super) fn judge<'a>(case: &Case<'a>, view: &View<'a>, app: &App) -> Option<Vec<Ruling<'a>>> {
    let signer = view.only_signer()?;
    descendant(case, view, app, ancestors(signer), signer.digest())
        .or_else(|| predecessor(case, view, app, signer))
}

/// Rules on a key that the registry has as rotated away: right only where its successor cannot be seen, that is, on
/// older Android versions than those which see the successor, or a descendant of it, in the same file.
pub(super) fn old_key<'a>(case: &Case<'a>, view: &View<'a>, key: &Key) -> Option<Ruling<'a>> {
    if key.status != KeyStatus::Rotated {
        return None;
    }
    let successors = case.successors(key);
    let seen = case.newer_views(view).any(|newer| {
        let ancestors = newer.only_signer().map_or(&[][..], ancestors);
        let line = ancestors.iter().map(|node| node.certificate.digest());
        newer.digests.iter().copied().chain(line).any(|digest| successors.contains(&digest))
    });
    if seen { None } else { Some(old_key_in_use(view, key, &successors, key.certificate)) }
}

fn old_key_in_use<'a>(
    view: &View<'a>,
    key: &Key,
    successors: &[CertificateDigest],
    signer: CertificateDigest,
) -> Ruling<'a> {
    let expected: Vec<String> = successors.iter().map(ToString::to_string).collect();
    let finding = view
        .finding(FindingCode::OldKeyInUse)
        .detail(format!("{} is rotated away", key.certificate))
        .detail_zh(format!("{} 已被轮换", key.certificate))
        .values(expected.join(" or "), signer.to_string())
        .values_zh(expected.join(" 或 "), signer.to_string());
    Ruling::new(Verdict::Expired, finding)
}

/// Rules on a signer, `heir`, with an allowed key among its ancestors: the newest that can vouch for it, or else the
/// newest.
pub(super) fn descendant<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    app: &App,
    ancestors: &[LineageNode],
    heir: CertificateDigest,
) -> Option<Vec<Ruling<'a>>> {
    let mut newest = None;
    for ancestor in ancestors.iter().rev().map(|node| node.certificate.digest()) {
        for set in sets_of(app, ancestor) {
            let rulings = vouched_for(case, view, app, heir, ancestor, set);
            if rulings.iter().all(|ruling| ruling.finding.code == FindingCode::KeyRotated) {
                return Some(rulings);
            }
            newest.get_or_insert(rulings);
        }
    }
    newest
}

/// Rules on `heir` as a descendant of `ancestor`, which is the whole of the allowed `set`.
fn vouched_for<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    app: &App,
    heir: CertificateDigest,
    ancestor: CertificateDigest,
    set: &SignerSet,
) -> Vec<Ruling<'a>> {
    let mut rulings = authority::faults(case, view, app, set);
    let registered = case.registry.key(&heir);
    if let Some(key) = case.registry.key(&ancestor).filter(|key| key.status == KeyStatus::Rotated) {
        // The registry has named the successor: an old key cannot appoint another.
        let successors = case.successors(key);
        if !successors.contains(&heir) {
            rulings.push(old_key_in_use(view, key, &successors, heir));
        }
    }
    if let Some(key) = registered {
        rulings.extend(authority::validity(case, view, key));
        rulings.extend(old_key(case, view, key));
    }
    if rulings.is_empty() {
        let finding = view
            .finding(FindingCode::KeyRotated)
            .detail(format!("{ancestor} has signed the rotation"))
            .detail_zh(format!("{ancestor} 签署了此次轮换"))
            .values(authority::describe_allowed(app), heir.to_string())
            .values_zh(authority::describe_allowed_zh(app), heir.to_string());
        rulings.push(match case.policy.rotation {
            Rotation::Accept => Ruling::new(Verdict::Authenticated, finding),
            Rotation::Flag => Ruling::new(Verdict::Authenticated, finding.with_severity(Severity::Warning)),
            Rotation::RegisteredOnly => {
                Ruling::new(Verdict::Unauthenticated, finding.with_severity(Severity::Error))
            }
        });
    }
    let developer = authority::developer(case, app, set);
    rulings.into_iter().map(|ruling| ruling.by(developer)).collect()
}

/// Rules on an old key, not allowed itself, from which an allowed signer of newer Android versions descends.
///
/// It is right when the registry says so, too: the key is registered, rotated, and leads to that signer. Otherwise it
/// is no counterfeit, since the allowed signer names it as its own, but nobody has authenticated it.
fn predecessor<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    app: &App,
    signer: &VerifiedSigner,
) -> Option<Vec<Ruling<'a>>> {
    let digest = signer.digest();
    let (heir, set) = case.newer_views(view).find_map(|newer| {
        let descendant = newer.only_signer()?;
        let older = ancestors(descendant);
        let own = older.iter().position(|node| node.certificate.digest() == digest)?;
        let line = older.iter().skip(own).skip(1).map(|node| node.certificate.digest());
        line.chain([descendant.digest()]).find_map(|heir| Some((heir, sets_of(app, heir).next()?)))
    })?;
    let key = case.registry.key(&digest);
    let agreed = key.filter(|key| key.status == KeyStatus::Rotated && case.successors(key).contains(&heir));
    let mut rulings: Vec<Ruling<'a>> = Vec::new();
    if let Some(key) = agreed {
        rulings.extend(authority::validity(case, view, key));
        rulings.extend(old_key(case, view, key));
    } else {
        let finding = view
            .finding(FindingCode::PredecessorUnregistered)
            .detail(format!("{heir} descends from it by its lineage"))
            .detail_zh(format!("{heir} 按其谱系由它而来"))
            .values(authority::describe_allowed(app), digest.to_string())
            .values_zh(authority::describe_allowed_zh(app), digest.to_string());
        rulings.push(Ruling::new(Verdict::Unauthenticated, finding));
    }
    if rulings.is_empty() {
        let finding = view
            .finding(FindingCode::KeyRotated)
            .detail(format!("newer Android versions see its successor {heir}"))
            .detail_zh(format!("较新的 Android 版本看到其后继 {heir}"));
        rulings.push(Ruling::new(Verdict::Authenticated, finding));
    }
    let developer = authority::developer(case, app, set);
    Some(rulings.into_iter().map(|ruling| ruling.by(developer)).collect())
}

/// The allowed sets that consist of this certificate alone.
pub(super) fn sets_of(app: &App, certificate: CertificateDigest) -> impl Iterator<Item = &SignerSet> {
    let alone = BTreeSet::from([certificate]);
    app.signers.iter().filter(move |set| set.certificates == alone)
}
