//! v3.2 signatures: who stands behind each half.
//!
//! Android demands a classical and a post-quantum signature and takes the post-quantum certificate for the current signer.
//! To it the classical one is a past signer, as if it had appointed the other. **It has not**: neither half signs anything
//! of the other. From a registered developer's APK anybody can copy the classical signer, of the v3.0 block even, set a
//! post-quantum signer of his own beside it, and Android 17 will install the file under that foreign identity. And the
//! other way round, a foreign classical certificate beside a registered post-quantum one gets what a past signer may do.
//!
//! So each half answers for itself. An earlier certificate that has signed for both, by lineage, appoints both: Android
//! has seen to it that the lineages agree up to the two. This is the usual case, since the specification wants fresh keys
//! for both halves, and the app's old key to hand over to them. Where no such signature ties them, the registry must name
//! both, best as one set of two.

use std::collections::BTreeSet;

use super::Verdict;
use super::authority;
use super::case::Case;
use super::case::Ruling;
use super::case::View;
use super::case::ancestors;
use super::rotation;
use crate::finding::FindingCode;
use crate::identity::CertificateDigest;
use crate::registry::App;
use crate::registry::KeyStatus;
use crate::scheme::VerifiedSigner;

/// Rules on a post-quantum signer and the classical one beside it; none when `view` has no such pair.
pub(super) fn judge<'a>(case: &Case<'a>, view: &View<'a>, app: &App) -> Option<Vec<Ruling<'a>>> {
    let signer = view.only_signer()?;
    let partner = signer.classical_partner()?.digest();
    if let Some(rulings) = authority::of_set(case, view, app, &BTreeSet::from([signer.digest(), partner])) {
        return Some(rulings);
    }
    let mut rulings = authority::of_signers(case, view, app);
    if rulings.iter().any(|ruling| ruling.verdict == Verdict::Counterfeit) {
        // Of the pair one has authority, and it has signed this very content: no counterfeit, but not its signer either.
        let allowed = rotation::sets_of(app, partner).next().is_some();
        return Some(if allowed { vec![unregistered(view, app, signer.digest(), partner)] } else { rulings });
    }
    match classical(case, view, app, signer, partner) {
        Some(faults) => rulings.extend(faults),
        None => rulings.push(unregistered(view, app, partner, signer.digest())),
    }
    Some(rulings)
}

/// Rules on a classical signer that older Android versions see alone, in a file whose newer versions see the allowed pair
/// that it is half of: older versions cannot ask for the other half.
///
/// None when the file has no such pair. Whoever has the classical key alone cannot make the rest of the file.
pub(super) fn judge_half<'a>(case: &Case<'a>, view: &View<'a>, app: &App) -> Option<Vec<Ruling<'a>>> {
    let half = view.only_signer()?.digest();
    case.newer_views(view).find_map(|newer| {
        let current = newer.only_signer()?;
        current.classical_partner().filter(|partner| partner.digest() == half)?;
        authority::of_set(case, view, app, &BTreeSet::from([current.digest(), half]))
    })
}

/// What is wrong with a classical half that has authority of its own or by an earlier certificate; none when it has none.
fn classical<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    app: &App,
    signer: &VerifiedSigner,
    partner: CertificateDigest,
) -> Option<Vec<Ruling<'a>>> {
    let key = case.registry.key(&partner);
    let hands_over = key.is_some_and(|key| {
        key.status == KeyStatus::Rotated && case.successors(key).contains(&signer.digest())
    });
    if let (true, Some(key)) = (hands_over, key) {
        return Some(authority::validity(case, view, key).into_iter().collect());
    }
    let allowed = rotation::sets_of(app, partner).map(|set| {
        let old = key.and_then(|key| rotation::old_key(case, view, key));
        authority::faults(case, view, app, set).into_iter().chain(old).collect::<Vec<_>>()
    });
    // The same certificate may be allowed in several roles: one that holds is enough.
    if let Some(faults) = allowed.min_by_key(Vec::len) {
        return Some(faults);
    }
    let appointed = rotation::descendant(case, view, app, ancestors(signer), partner)?;
    let by_rotation = appointed.iter().all(|ruling| ruling.finding.code == FindingCode::KeyRotated);
    let faults = appointed.into_iter().filter(|ruling| ruling.verdict != Verdict::Authenticated);
    by_rotation.then(|| faults.collect())
}

fn unregistered<'a>(
    view: &View<'a>,
    app: &App,
    unknown: CertificateDigest,
    known: CertificateDigest,
) -> Ruling<'a> {
    let finding = view
        .finding(FindingCode::HybridHalfUnregistered)
        .detail(format!("{unknown} stands beside {known}"))
        .detail_zh(format!("{unknown} 与 {known} 并列"))
        .values(authority::describe_allowed(app), format!("{unknown} + {known}"))
        .values_zh(authority::describe_allowed_zh(app), format!("{unknown} + {known}"));
    Ruling::new(Verdict::Unauthenticated, finding)
}
