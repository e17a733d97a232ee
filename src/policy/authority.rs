//! Who may speak for a package: exact signer sets, in the role they are allowed in, while their keys are valid.

use std::collections::BTreeSet;

use super::Verdict;
use super::case::Case;
use super::case::Ruling;
use super::case::View;
use super::case::ancestors;
use super::case::describe_set;
use super::hybrid;
use super::rotation;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::registry::App;
use crate::registry::Key;
use crate::registry::KeyStatus;
use crate::registry::PublicKeyDigest;
use crate::registry::Role;
use crate::registry::SignerSet;
use crate::registry::Subject;

/// Rules on the signers of `view`: at least one ruling, the worst of them counts.
pub(super) fn judge<'a>(case: &Case<'a>, view: &View<'a>) -> Vec<Ruling<'a>> {
    if view.signers.is_empty() {
        return vec![nobody(Some(view))];
    }
    let Some(package) = case.package else {
        let finding = view
            .finding(FindingCode::PackageMissing)
            .values("a package name", "none in AndroidManifest.xml")
            .values_zh("包名", "AndroidManifest.xml 中没有");
        return vec![Ruling::new(Verdict::Unauthenticated, finding)];
    };
    let Some(app) = case.registry.app(package) else {
        return vec![unregistered_package(case, view, package)];
    };
    hybrid::judge(case, view, app).unwrap_or_else(|| of_signers(case, view, app))
}

/// Rules on the signers of `view` as they are.
pub(super) fn of_signers<'a>(case: &Case<'a>, view: &View<'a>, app: &App) -> Vec<Ruling<'a>> {
    of_set(case, view, app, &view.digests)
        .or_else(|| hybrid::judge_half(case, view, app))
        .or_else(|| rotation::judge(case, view, app))
        .unwrap_or_else(|| vec![counterfeit(case, view, app)])
}

/// Rules on signers whose certificates are `certificates`; none when that is no allowed set.
pub(super) fn of_set<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    app: &App,
    certificates: &BTreeSet<CertificateDigest>,
) -> Option<Vec<Ruling<'a>>> {
    let allowed = app.signers.iter().filter(|set| set.certificates == *certificates);
    // The same set may be allowed in several roles: one that holds is enough.
    allowed.map(|set| authorised(case, view, app, set)).max_by_key(|rulings| worst(rulings))
}

/// The ruling when the evidence names no signer for some Android versions, or for none at all.
pub(super) fn nobody<'a>(view: Option<&View<'a>>) -> Ruling<'a> {
    let finding = match view {
        Some(view) => view.finding(FindingCode::SignerUnknown),
        None => Finding::new(FindingCode::SignerUnknown),
    };
    Ruling::new(
        Verdict::Unauthenticated,
        finding.values("a verified signer", "none in the evidence").values_zh("已验证的签名者", "证据中没有"),
    )
}

fn worst(rulings: &[Ruling<'_>]) -> Verdict {
    rulings.iter().map(|ruling| ruling.verdict).min().unwrap_or(Verdict::Unauthenticated)
}

/// Rules on signers that are exactly an allowed set.
fn authorised<'a>(case: &Case<'a>, view: &View<'a>, app: &App, set: &SignerSet) -> Vec<Ruling<'a>> {
    let developer = developer(case, app, set);
    let mut rulings = faults(case, view, app, set);
    for key in set.certificates.iter().filter_map(|digest| case.registry.key(digest)) {
        rulings.extend(rotation::old_key(case, view, key));
    }
    if rulings.is_empty() {
        let name = developer.map(|subject| format!("{} ({})", subject.name, subject.id)).unwrap_or_default();
        let finding = view.finding(FindingCode::SignerAuthenticated).detail(name);
        rulings.push(Ruling::new(Verdict::Authenticated, finding));
    }
    rulings.into_iter().map(|ruling| ruling.by(developer)).collect()
}

/// What keeps an allowed set from speaking for the app, whatever the status of its keys: validity and roles.
pub(super) fn faults<'a>(case: &Case<'a>, view: &View<'a>, app: &App, set: &SignerSet) -> Vec<Ruling<'a>> {
    let mut rulings = Vec::new();
    for digest in &set.certificates {
        let Some(key) = case.registry.key(digest) else {
            let finding = view
                .finding(FindingCode::SignerUnknown)
                .values("a registered signer", digest.to_string())
                .values_zh("已登记的签名者", digest.to_string());
            rulings.push(Ruling::new(Verdict::Unauthenticated, finding));
            continue;
        };
        rulings.extend(validity(case, view, key));
        rulings.extend(public_key(view, key));
        rulings.extend(role(case, view, &key.subject, set.role));
    }
    // Who signs for others speaks for the owner, who must then be the developer.
    if set.role != Role::Developer {
        rulings.extend(role(case, view, &app.owner, Role::Developer));
    }
    rulings
}

/// Rules on a key outside its validity.
pub(super) fn validity<'a>(case: &Case<'a>, view: &View<'a>, key: &Key) -> Option<Ruling<'a>> {
    let (code, expected, zh) = match (key.valid_from, key.valid_until) {
        (Some(start), _) if !case.clock.has_begun(start) => {
            (FindingCode::KeyNotYetValid, format!("valid from {start}"), format!("自 {start} 起有效"))
        }
        (_, Some(end)) if case.clock.is_over(end) => {
            (FindingCode::KeyExpired, format!("valid until {end}"), format!("有效期至 {end}"))
        }
        _ => return None,
    };
    let finding = view
        .finding(code)
        .detail(format!("certificate {}", key.certificate))
        .detail_zh(format!("证书 {}", key.certificate))
        .values(expected, format!("now {}", case.clock.shown()))
        .values_zh(zh, format!("当前时间 {}", case.clock.shown()));
    Some(Ruling::new(Verdict::Expired, finding))
}

/// Rules on a key for which the registry gives another public key than its certificate has.
fn public_key<'a>(view: &View<'a>, key: &Key) -> Option<Ruling<'a>> {
    let registered = key.public_key?;
    let certificates = view.signers.iter().flat_map(|signer| {
        ancestors(signer).iter().map(|node| &node.certificate).chain([signer.certificate()])
    });
    let actual = certificates
        .filter(|certificate| certificate.digest() == key.certificate)
        .map(|certificate| PublicKeyDigest(certificate.key().spki_sha256))
        .find(|actual| *actual != registered)?;
    let finding = view
        .finding(FindingCode::RegistryPublicKeyMismatch)
        .detail(format!("certificate {}", key.certificate))
        .detail_zh(format!("证书 {}", key.certificate))
        .values(registered.to_string(), actual.to_string());
    Some(Ruling::new(Verdict::Unauthenticated, finding))
}

fn role<'a>(case: &Case<'a>, view: &View<'a>, id: &str, role: Role) -> Option<Ruling<'a>> {
    let roles = case.registry.subject(id).map(|subject| &subject.roles);
    if roles.is_some_and(|roles| roles.contains(&role)) {
        return None;
    }
    let held: Vec<&str> = roles.into_iter().flatten().map(|role| role.as_str()).collect();
    let finding = view
        .finding(FindingCode::SignerRole)
        .detail(format!("subject {id:?}"))
        .detail_zh(format!("主体 {id:?}"))
        .values(format!("role {role}"), format!("role {}", held.join(", ")))
        .values_zh(format!("角色 {role}"), format!("角色 {}", held.join("、")));
    Some(Ruling::new(Verdict::Unauthenticated, finding))
}

/// Whose app a set makes it: the signing developer's, or the owner's when somebody signs for the developer.
///
/// Of several signing developers the owner, or else the one whose certificate digest is the lowest.
pub(super) fn developer<'a>(case: &Case<'a>, app: &App, set: &SignerSet) -> Option<&'a Subject> {
    let owner = case.registry.subject(&app.owner).filter(|owner| owner.roles.contains(&Role::Developer));
    let mut signing = set
        .certificates
        .iter()
        .filter_map(|digest| case.registry.key(digest))
        .filter_map(|key| case.developer(key));
    let first = signing.next();
    let owner_signs =
        owner.is_some_and(|owner| first.into_iter().chain(signing).any(|subject| subject.id == owner.id));
    if set.role != Role::Developer || owner_signs { owner } else { first }
}

/// Rules on whoever signs a package that the registry does not have.
fn unregistered_package<'a>(case: &Case<'a>, view: &View<'a>, package: &str) -> Ruling<'a> {
    let mut subjects: Vec<&Key> = Vec::new();
    for signer in &view.signers {
        // Whom the registry does not know, but whose lineage it does, is no stranger.
        let known = case.registry.key(&signer.digest()).or_else(|| {
            ancestors(signer).iter().rev().find_map(|node| case.registry.key(&node.certificate.digest()))
        });
        let Some(key) = known else {
            let (detail, zh) = same_key(case, signer.certificate());
            let finding = view
                .finding(FindingCode::SignerUnknown)
                .detail(detail)
                .detail_zh(zh)
                .values("a registered signer", signer.digest().to_string())
                .values_zh("已登记的签名者", signer.digest().to_string());
            return Ruling::new(Verdict::Unauthenticated, finding);
        };
        subjects.push(key);
    }
    let names: Vec<String> = subjects.iter().map(|key| format!("{:?}", key.subject)).collect();
    let finding = view
        .finding(FindingCode::PackageUnknown)
        .detail(format!("signed by {}", names.join(" and ")))
        .detail_zh(format!("签名者为 {}", names.join("、")))
        .values("a registered package", package)
        .values_zh("已登记的包名", package);
    let developer = match subjects.as_slice() {
        [key] if key.status == KeyStatus::Active => case.developer(key),
        _ => None,
    };
    Ruling::new(Verdict::Unauthenticated, finding).developer(developer)
}

fn counterfeit<'a>(case: &Case<'a>, view: &View<'a>, app: &App) -> Ruling<'a> {
    let (same, same_zh): (Vec<String>, Vec<String>) = view
        .signers
        .iter()
        .map(|signer| same_key(case, signer.certificate()))
        .filter(|(text, _)| !text.is_empty())
        .unzip();
    let finding = view
        .finding(FindingCode::SignerNotAllowed)
        .detail(same.join("; "))
        .detail_zh(same_zh.join("；"))
        .values(describe_allowed(app), describe_set(&view.digests))
        .values_zh(describe_allowed_zh(app), describe_set(&view.digests));
    Ruling::new(Verdict::Counterfeit, finding)
}

/// The allowed sets of an app, in one text.
pub(super) fn describe_allowed(app: &App) -> String {
    allowed(app).join(" or ")
}

/// The same in Chinese.
pub(super) fn describe_allowed_zh(app: &App) -> String {
    allowed(app).join(" 或 ")
}

fn allowed(app: &App) -> Vec<String> {
    let mut sets: Vec<String> = Vec::new();
    for set in app.signers.iter().map(|set| describe_set(&set.certificates)) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets
}

/// Says so, in English and in Chinese, when an unregistered certificate carries a registered public key.
fn same_key(case: &Case<'_>, certificate: &Certificate) -> (String, String) {
    let public_key = PublicKeyDigest(certificate.key().spki_sha256);
    match case.registry.keys_of(&public_key).find(|key| key.certificate != certificate.digest()) {
        Some(key) => (
            format!(
                "the public key is that of registered certificate {}, the certificate is another",
                key.certificate
            ),
            format!("公钥与登记的证书 {} 相同，证书却是另一个", key.certificate),
        ),
        None => Default::default(),
    }
}
