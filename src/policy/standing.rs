//! Keys that nobody should believe: denied, revoked, suspended.
//!
//! They count wherever they stand: as a signer, one of several signers, the classical half of a v3.2 signature, or
//! anywhere in a signer's lineage. A revoked
//! key is found under another certificate, too, when the registry knows its public key: a v1 signature does not cover
//! the certificate, so anybody can exchange it.

use super::TestKeys;
use super::Verdict;
use super::case::Case;
use super::case::Ruling;
use super::case::View;
use super::case::ancestors;
use crate::finding::FindingCode;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::registry::Key;
use crate::registry::KeyStatus;
use crate::registry::PublicKeyDigest;

/// A ruling for each certificate in `view` that must not be believed; none when there is none.
pub(super) fn judge<'a>(case: &Case<'a>, view: &View<'a>) -> Vec<Ruling<'a>> {
    let mut rulings = Vec::new();
    for signer in &view.signers {
        let current = signer.certificate();
        rulings.extend(judge_certificate(case, view, current, None));
        if let Some(partner) = signer.classical_partner() {
            rulings.extend(judge_certificate(
                case,
                view,
                partner,
                Some((["beside", "并列于"], signer.digest())),
            ));
        }
        for node in ancestors(signer) {
            let place = (["in the lineage of", "见于谱系："], signer.digest());
            rulings.extend(judge_certificate(case, view, &node.certificate, Some(place)));
        }
    }
    rulings
}

fn judge_certificate<'a>(
    case: &Case<'a>,
    view: &View<'a>,
    certificate: &Certificate,
    elsewhere: Option<([&str; 2], CertificateDigest)>,
) -> Option<Ruling<'a>> {
    let digest = certificate.digest();
    let place = elsewhere.map(|([place, _], signer)| format!(", {place} {signer}")).unwrap_or_default();
    let place_zh = elsewhere.map(|([_, place], signer)| format!("，{place} {signer}")).unwrap_or_default();
    let denied = match case.policy.test_keys {
        TestKeys::Denied => case.registry.denied(&digest),
        TestKeys::LikeOthers => case.registry.denied_by_itself(&digest),
    };
    if let Some(denied) = denied {
        let finding = view
            .finding(FindingCode::KeyDenied)
            .detail(format!("{} ({}){place}", denied.why, denied.source))
            .detail_zh(format!("{} ({}){place_zh}", denied.why, denied.source))
            .values("a key that is not denied", digest.to_string())
            .values_zh("未被禁用的密钥", digest.to_string());
        return Some(Ruling::new(Verdict::Revoked, finding));
    }
    let public_key = PublicKeyDigest(certificate.key().spki_sha256);
    let key = case
        .registry
        .key(&digest)
        .filter(|key| code(key).is_some())
        .or_else(|| case.registry.keys_of(&public_key).find(|key| code(key).is_some()))?;
    let mut detail = format!("certificate {digest}{place}");
    let mut detail_zh = format!("证书 {digest}{place_zh}");
    if key.certificate != digest {
        detail = format!("{detail}, has the public key of registered certificate {}", key.certificate);
        detail_zh = format!("{detail_zh}，其公钥与登记的证书 {} 相同", key.certificate);
    }
    if let Some(reason) = &key.reason {
        detail = format!("{detail}; reason: {reason}");
        detail_zh = format!("{detail_zh}；原因：{reason}");
    }
    let since = key.status_date.map(|date| format!(" since {date}")).unwrap_or_default();
    let since_zh = key.status_date.map(|date| format!("（自 {date} 起）")).unwrap_or_default();
    let finding = view
        .finding(code(key)?)
        .detail(detail)
        .detail_zh(detail_zh)
        .values("status active", format!("status {}{since}", key.status))
        .values_zh("状态 active", format!("状态 {}{since_zh}", key.status));
    let developer = case.developer(key).filter(|_| elsewhere.is_none());
    Some(Ruling::new(Verdict::Revoked, finding).developer(developer))
}

fn code(key: &Key) -> Option<FindingCode> {
    match key.status {
        KeyStatus::Revoked => Some(FindingCode::KeyRevoked),
        KeyStatus::Suspended => Some(FindingCode::KeySuspended),
        KeyStatus::Active | KeyStatus::Rotated => None,
    }
}
