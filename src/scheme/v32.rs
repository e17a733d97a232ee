//! APK Signature Scheme v3.2, hybrid: a classical and a post-quantum signer together, Android 17 (API level 37) and newer.
//!
//! The block has the structure of v3. What this module adds: which signers make a pair, and for which API levels; what a
//! v3.0 or v3.1 signer says of a v3.2 block; and that a post-quantum key signs nowhere else.
//!
//! A signer that no version in range reads is passed over unverified, as on the device. Where none is read, v3.1 and v3.0
//! decide.
//!
//! Source: [v3.2][spec]; AOSP `ApkSignatureSchemeV3Verifier`. No verifier of apksig that knows v3.2 could be had: see
//! `docs/divergences.md`.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v3-2

use data_encoding::HEXLOWER;

use super::BlockScheme;
use super::Context;
use super::Examined;
use super::HybridHalf;
use super::block;
use super::block::ExaminedSigner;
use super::block::SignerCodes;
use super::v3;
use super::v3::Attributes;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::format::signer::attribute;
use crate::format::signing_block::BlockId;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::identity::LineageNode;

/// First API level that reads v3.2.
pub(crate) const MIN_SDK: u32 = 37;

/// Capabilities that a past certificate has unless its lineage says otherwise: all but rollback.
///
/// Source: apksig `SigningCertificateLineage.calculateDefaultFlags`. That Android takes the same for the two signers of a
/// block without lineages is assumed.
const DEFAULT_FLAGS: u32 = 0x17;

pub(super) struct V32;

const CODES: SignerCodes = SignerCodes { scheme: SchemeId::V32, skips_unread: true, ..v3::CODES };

impl BlockScheme for V32 {
    fn id(&self) -> SchemeId {
        SchemeId::V32
    }

    fn block_id(&self) -> BlockId {
        BlockId::V3_2
    }

    fn min_sdk(&self) -> u32 {
        MIN_SDK
    }

    fn codes(&self) -> &'static SignerCodes {
        &CODES
    }

    fn examine(&self, cx: &Context<'_>, value: &[u8], _newer: &[Examined]) -> Result<Examined, Stop> {
        let levels = (MIN_SDK.max(cx.min_sdk), cx.max_sdk);
        let mut examined = v3::examine(cx, value, &CODES, levels, &mut |_, _| {});
        // A signer that is wrong in itself is what Android meets first.
        if !examined.has_errors()
            && let Err(finding) = pair(&mut examined.signers, levels)
        {
            examined.findings.push(finding.scheme(SchemeId::V32));
        }
        Ok(examined)
    }
}

/// Finds the pairs that the API levels of `levels`, lowest and highest, see, and marks their halves.
///
/// # Errors
/// Why some of these levels refuses the block.
fn pair(signers: &mut [ExaminedSigner], levels: (u32, u32)) -> Result<(), Box<Finding>> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (first, last) in uniform_ranges(signers, levels) {
        let at = |code: FindingCode| Finding::new(code).api_levels(first, last);
        let fits = |signer: &&ExaminedSigner| {
            let (min, max) = wide(signer);
            (min..=max).contains(&i64::from(first))
        };
        let mut others = signers.iter().filter(|signer| !fits(signer));
        if let Some(one) = others.next()
            && let Some(other) = others.find(|other| other.sdk_range != one.sdk_range)
        {
            return fault(
                at(FindingCode::V32SdkRangeMismatch)
                    .detail("of the signers that are for other versions")
                    .values(describe_range(one), describe_range(other)),
            );
        }
        let fitting: Vec<(usize, &ExaminedSigner)> =
            signers.iter().enumerate().filter(|(_, signer)| fits(signer)).collect();
        match fitting.as_slice() {
            [] => {}
            [(index, _)] => {
                return fault(
                    at(FindingCode::V32SignerCount)
                        .values("two signers", format!("signer #{} alone", index.saturating_add(1))),
                );
            }
            [one, other] => {
                let pair = check_pair(*one, *other, levels).map_err(|finding| {
                    let placed = finding.location.api_levels.is_some();
                    if placed { finding } else { Box::new(finding.api_levels(first, last)) }
                })?;
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
            more => {
                return fault(
                    at(FindingCode::V32TooManySigners).values("two signers", more.len().to_string()),
                );
            }
        }
    }
    for Pair { classical, post_quantum } in pairs {
        mark(signers, classical, post_quantum);
    }
    Ok(())
}

fn fault<T>(finding: Finding) -> Result<T, Box<Finding>> {
    Err(Box::new(finding))
}

/// The two signers of a range of API levels, as positions.
#[derive(PartialEq, Eq)]
struct Pair {
    classical: usize,
    post_quantum: usize,
}

/// `levels` cut where a signer begins or ends, so that all levels of a part see the same.
fn uniform_ranges(signers: &[ExaminedSigner], (lowest, highest): (u32, u32)) -> Vec<(u32, u32)> {
    let mut starts = vec![i64::from(lowest)];
    for signer in signers {
        let (min, max) = wide(signer);
        starts.extend([min, max.saturating_add(1)]);
    }
    let mut starts: Vec<u32> = starts
        .into_iter()
        .filter_map(|start| u32::try_from(start).ok())
        .filter(|start| (lowest..=highest).contains(start))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).map(|next| next.saturating_sub(1)).chain([highest]);
    starts.iter().copied().zip(ends).collect()
}

/// What two signers for the same levels must be to each other, in Android's order.
fn check_pair(
    (index, signer): (usize, &ExaminedSigner),
    (other_index, other): (usize, &ExaminedSigner),
    levels: (u32, u32),
) -> Result<Pair, Box<Finding>> {
    let pair = match (is_post_quantum(signer), is_post_quantum(other)) {
        (false, true) => Pair { classical: index, post_quantum: other_index },
        (true, false) => Pair { classical: other_index, post_quantum: index },
        (both, _) => {
            let actual = if both { "two post-quantum keys" } else { "two classical keys" };
            return fault(
                Finding::new(FindingCode::V32AlgorithmTypeCollision)
                    .values("a classical and a post-quantum key", actual),
            );
        }
    };
    let (classical, post_quantum) = if pair.classical == index { (signer, other) } else { (other, signer) };
    if classical.sdk_range != post_quantum.sdk_range {
        return fault(
            Finding::new(FindingCode::V32SdkRangeMismatch)
                .values(describe_range(classical), describe_range(post_quantum)),
        );
    }
    // A release of the level at which a signer for a development release begins leaves that signer out.
    let begins = u32::try_from(signer.sdk_range.0).ok().filter(|min| (levels.0..=levels.1).contains(min));
    if let Some(min) = begins.filter(|_| signer.targets_dev_release != other.targets_dev_release) {
        return fault(
            Finding::new(FindingCode::V32SignerCount)
                .api_levels(min, min)
                .detail("one of the two targets a development release, which a released version leaves out")
                .values("two signers", "one"),
        );
    }
    check_history(classical.lineage.as_ref(), post_quantum.lineage.as_ref())?;
    check_digests(classical, post_quantum)?;
    Ok(pair)
}

fn is_post_quantum(signer: &ExaminedSigner) -> bool {
    signer.certificates.first().is_some_and(|certificate| certificate.key().is_post_quantum())
}

/// Both lineages are the same up to their last certificates, which are the two signers'; or there is none.
fn check_history(classical: Option<&Lineage>, post_quantum: Option<&Lineage>) -> Result<(), Box<Finding>> {
    let (classical, post_quantum) = match (classical, post_quantum) {
        (None, None) => return Ok(()),
        (Some(classical), Some(post_quantum)) => (classical.nodes(), post_quantum.nodes()),
        (Some(_), None) => {
            return fault(
                Finding::new(FindingCode::V32LineageMissing).detail("the post-quantum signer has none"),
            );
        }
        (None, Some(_)) => {
            return fault(
                Finding::new(FindingCode::V32LineageMissing).detail("the classical signer has none"),
            );
        }
    };
    if classical.len() != post_quantum.len() {
        return fault(Finding::new(FindingCode::V32LineageMismatch).values(
            format!("{} certificates, as the classical signer", classical.len()),
            post_quantum.len().to_string(),
        ));
    }
    let before_last = classical.len().saturating_sub(1);
    for ((one, other), number) in classical.iter().zip(post_quantum).take(before_last).zip(1_usize..) {
        let detail = format!("certificate #{number}");
        if one.certificate != other.certificate {
            return fault(
                Finding::new(FindingCode::V32LineageMismatch)
                    .detail(detail)
                    .values(one.certificate.digest().to_string(), other.certificate.digest().to_string()),
            );
        }
        if one.flags != other.flags {
            return fault(
                Finding::new(FindingCode::V32CapabilityMismatch)
                    .detail(detail)
                    .values(format!("{:#x}", one.flags), format!("{:#x}", other.flags)),
            );
        }
    }
    Ok(())
}

/// Where both have digests of one kind, they are equal. Each is compared with the file later.
fn check_digests(classical: &ExaminedSigner, post_quantum: &ExaminedSigner) -> Result<(), Box<Finding>> {
    for (algorithm, digest) in &classical.digests {
        let Some(algorithm) = algorithm.lookup().map(|algorithm| algorithm.content_digest) else { continue };
        if !classical.wanted.contains(&algorithm) || !post_quantum.wanted.contains(&algorithm) {
            continue;
        }
        let other = post_quantum.digests.iter().find(|(id, other)| {
            id.lookup().is_some_and(|row| row.content_digest == algorithm) && other != digest
        });
        if let Some((_, other)) = other {
            return fault(Finding::new(FindingCode::V32InconsistentDigests).detail(algorithm.name()).values(
                format!("{}, as the classical signer", HEXLOWER.encode(digest)),
                HEXLOWER.encode(other),
            ));
        }
    }
    Ok(())
}

/// Notes what the two are to each other.
fn mark(signers: &mut [ExaminedSigner], classical: usize, post_quantum: usize) {
    let half = |index: usize| {
        let signer = signers.get(index)?;
        Some((signer.certificates.first()?.clone(), signer.lineage.clone()))
    };
    let (Some((classical_certificate, lineage)), Some((current, _))) = (half(classical), half(post_quantum))
    else {
        return;
    };
    let history = history(lineage.as_ref(), &classical_certificate, &current);
    if let Some(signer) = signers.get_mut(classical) {
        signer.hybrid = Some(HybridHalf::Classical);
    }
    if let Some(signer) = signers.get_mut(post_quantum) {
        signer.hybrid = Some(HybridHalf::PostQuantum { classical: classical_certificate, history });
    }
}

/// What Android keeps: the history of the classical signer, that signer, and the post-quantum one, which is given the
/// capabilities of the last entry.
fn history(lineage: Option<&Lineage>, classical: &Certificate, current: &Certificate) -> Lineage {
    let node = |certificate: &Certificate, flags| LineageNode {
        certificate: certificate.clone(),
        flags,
        signature_algorithm: 0,
    };
    let mut nodes = match lineage {
        Some(lineage) => lineage.nodes().to_vec(),
        None => vec![node(classical, DEFAULT_FLAGS)],
    };
    let mut flags = DEFAULT_FLAGS;
    if let Some(last) = nodes.last_mut() {
        flags = last.flags;
        // It has not signed the next one.
        last.signature_algorithm = 0;
    }
    nodes.push(node(current, flags));
    Lineage::new(nodes)
}

/// The highest API level in range for which v3.2 has no signers; below the range when it has some for every level.
pub(super) fn highest_left(cx: &Context<'_>, newer: &[Examined]) -> i64 {
    let v32 = newer.iter().find(|examined| examined.scheme == SchemeId::V32);
    let signers = v32.map_or(&[][..], |examined| &examined.signers);
    highest_outside(signers.iter().filter(|signer| !signer.skipped).map(wide), cx.max_sdk.into())
}

/// The highest level up to `last` that lies in none of `ranges`.
pub(super) fn highest_outside(ranges: impl Iterator<Item = (i64, i64)>, last: i64) -> i64 {
    let mut ranges: Vec<(i64, i64)> = ranges.collect();
    // By where they end, the last first: none that comes later can lie above one that came before.
    ranges.sort_unstable_by_key(|range| std::cmp::Reverse(range.1));
    ranges.into_iter().fold(
        last,
        |left, (min, max)| {
            if (min..=max).contains(&left) { min.saturating_sub(1) } else { left }
        },
    )
}

/// Notes that a v3.0 or v3.1 signer speaks of a v3.2 block. Apksigners before 37 warn of an attribute that they do not
/// know: `--compat` makes that of it.
pub(super) fn note_announcement(
    codes: &SignerCodes,
    signer: &mut ExaminedSigner,
    id: u32,
    level: Option<&i32>,
) {
    let level = level.map_or_else(|| "no level".to_owned(), |level| format!("API level {level}"));
    let end = if id == attribute::HYBRID_MIN_SDK { "from" } else { "up to" };
    let finding = Finding::new(FindingCode::V32Announced).detail(format!("{id:#010x}, {end} {level}"));
    signer.report(codes, finding);
}

/// Holds what a v3.0 or v3.1 signer says of the v3.2 block against that block.
///
/// Android looks at it where it goes by that signer, so mostly when the v3.2 block is gone. Here the whole file is at
/// hand: a signer is held to its word whether some version in range goes by it or not.
pub(super) fn check_announcement(
    cx: &Context<'_>,
    codes: &SignerCodes,
    signer: &mut ExaminedSigner,
    attributes: &Attributes,
    newer: &[Examined],
) {
    if cx.max_sdk < MIN_SDK {
        return;
    }
    let block = newer.iter().find(|examined| examined.scheme == SchemeId::V32);
    let (min, max) = match (attributes.hybrid_min_sdk, attributes.hybrid_max_sdk) {
        (Some(min), max) => (min, max),
        (None, Some(_)) => {
            signer.report(codes, Finding::new(FindingCode::V32MaxAttributeWithoutMin));
            return;
        }
        (None, None) => {
            // Stripped of v3.2, the file would go by the signer that reaches furthest: v3.1 before v3.0.
            let is_next = !newer.iter().any(|examined| examined.scheme == SchemeId::V31);
            if block.is_some() && is_next && wide(signer).1 >= i64::from(MIN_SDK) {
                signer.report(codes, Finding::new(FindingCode::V32SdkAttributeMissing));
            }
            return;
        }
    };
    let announced = match max {
        Some(max) => format!("a v3.2 block for API levels {min} to {max}, as signed"),
        None => format!("a v3.2 block from API level {min} on, as signed"),
    };
    let Some((lowest, highest)) = block.and_then(|block| noted_range(cx, block)) else {
        let finding = Finding::new(FindingCode::V32BlockStripped);
        signer.report(codes, finding.values(announced, "none"));
        return;
    };
    if lowest != min || max.is_some_and(|max| max != highest) {
        let finding = Finding::new(FindingCode::V32SdkAttributeMismatch);
        let actual = format!("one for API levels {lowest} to {highest}");
        signer.report(codes, finding.values(announced, actual));
        return;
    }
    let Some(block) = block.filter(|_| cx.device.is_none()) else { return };
    // A released version of that level passes the v3.2 signers over without noting where they begin.
    let begins = u32::try_from(lowest).unwrap_or(0);
    let released = (MIN_SDK.max(cx.min_sdk)..=cx.max_sdk).contains(&begins)
        && block.signers.iter().any(|signer| signer.targets_dev_release && signer.sdk_range.0 == lowest);
    let (from, to) = wide(signer);
    if released && (from..=to).contains(&i64::from(lowest)) {
        let finding = Finding::new(FindingCode::V32DevReleaseUnprotected).api_levels(begins, begins);
        signer.report(codes, finding);
    }
}

/// The API levels that a v3.2 block is for. A device has noted those of the signers that are for other levels than its
/// own, and none of one that is for a development release.
fn noted_range(cx: &Context<'_>, block: &Examined) -> Option<(i32, i32)> {
    let noted = |signer: &&ExaminedSigner| cx.device.is_none() || signer.skipped;
    let ranges = || block.signers.iter().filter(noted).map(|signer| signer.sdk_range);
    Some((ranges().map(|range| range.0).min()?, ranges().map(|range| range.1).max()?))
}

/// Refuses a post-quantum key outside of v3.2 where Android could read it.
pub(super) fn refuse_single_signer(cx: &Context<'_>, codes: &SignerCodes, signer: &mut ExaminedSigner) {
    let (min, max) = block::api_range(signer.sdk_range);
    let (min, max) = (min.max(MIN_SDK).max(cx.min_sdk), max.min(cx.max_sdk));
    if is_post_quantum(signer) && min <= max {
        signer.report(codes, Finding::new(FindingCode::V32PqcSingleSigner).api_levels(min, max));
    }
}

fn wide(signer: &ExaminedSigner) -> (i64, i64) {
    (signer.sdk_range.0.into(), signer.sdk_range.1.into())
}

fn describe_range(signer: &ExaminedSigner) -> String {
    format!("API levels {} to {}", signer.sdk_range.0, signer.sdk_range.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::KeyFacts;
    use crate::identity::PrintedDigests;

    fn certificate(number: u8, algorithm: &str) -> Certificate {
        let digests = PrintedDigests { sha256: [number; 32], sha1: [number; 20], md5: [number; 16] };
        let key = KeyFacts {
            algorithm: algorithm.to_owned(),
            bits: 0,
            spki_sha256: digests.sha256,
            digests: digests.clone(),
        };
        Certificate::new(vec![number], digests, key, String::new())
    }

    fn lineage(nodes: &[(u8, u32)]) -> Lineage {
        let node = |(number, flags): &(u8, u32)| LineageNode {
            certificate: certificate(*number, "EC"),
            flags: *flags,
            signature_algorithm: 0x0201,
        };
        Lineage::new(nodes.iter().map(node).collect())
    }

    fn signer(index: usize, post_quantum: bool, range: (i32, i32)) -> ExaminedSigner {
        let mut signer = ExaminedSigner::new(index);
        let number = u8::try_from(index).unwrap();
        signer.certificates = vec![certificate(number, if post_quantum { "ML-DSA-65" } else { "RSA" })];
        signer.sdk_range = range;
        signer
    }

    fn code(result: Result<(), Box<Finding>>) -> Option<FindingCode> {
        result.err().map(|finding| finding.code)
    }

    #[test]
    fn android_s_history_ends_in_both_halves() {
        let (classical, current) = (certificate(2, "EC"), certificate(3, "ML-DSA-65"));
        let nodes = |lineage: &Lineage| -> Vec<(u8, u32, u32)> {
            let node = |node: &LineageNode| (node.certificate.der()[0], node.flags, node.signature_algorithm);
            lineage.nodes().iter().map(node).collect()
        };
        assert_eq!(nodes(&history(None, &classical, &current)), [(2, 0x17, 0), (3, 0x17, 0)]);
        // The last capabilities of the classical lineage are those of the new entry.
        let given = lineage(&[(1, 0x1f), (2, 0x5)]);
        let expected = [(1, 0x1f, 0x0201), (2, 0x5, 0), (3, 0x5, 0)];
        assert_eq!(nodes(&history(Some(&given), &classical, &current)), expected);
    }

    #[test]
    fn the_current_signer_is_the_post_quantum_one_wherever_it_stands() {
        for current in [0, 1] {
            let mut signers = [signer(0, current == 0, (37, 99)), signer(1, current == 1, (37, 99))];
            pair(&mut signers, (37, 99)).unwrap();
            assert!(matches!(signers[current].hybrid, Some(HybridHalf::PostQuantum { .. })));
            assert!(matches!(signers[1 - current].hybrid, Some(HybridHalf::Classical)));
        }
    }

    #[test]
    fn a_release_leaves_out_one_that_targets_a_development_release() {
        let pair_of = |development: [bool; 2], levels| {
            let mut signers = [signer(0, false, (38, 99)), signer(1, true, (38, 99))];
            for (signer, development) in signers.iter_mut().zip(development) {
                signer.targets_dev_release = development;
            }
            code(pair(&mut signers, levels))
        };
        assert_eq!(pair_of([true, false], (37, 99)), Some(FindingCode::V32SignerCount));
        assert_eq!(pair_of([true, false], (39, 99)), None);
        assert_eq!(pair_of([true, true], (37, 99)), None);
    }

    /// What Android does at each level, one at a time.
    fn refused_somewhere(signers: &[ExaminedSigner], levels: (u32, u32)) -> bool {
        (levels.0..=levels.1).any(|level| {
            let level = i32::try_from(level).unwrap();
            let (fitting, others): (Vec<_>, Vec<_>) =
                signers.iter().partition(|signer| (signer.sdk_range.0..=signer.sdk_range.1).contains(&level));
            let others_differ = others.iter().any(|other| other.sdk_range != others[0].sdk_range);
            let wrong = match fitting.as_slice() {
                [] => false,
                [a, b] => is_post_quantum(a) == is_post_quantum(b) || a.sdk_range != b.sdk_range,
                _ => true,
            };
            others_differ || wrong
        })
    }

    proptest! {
        #[test]
        fn pairs_are_those_that_every_level_in_range_accepts(
            signers in prop::collection::vec((any::<bool>(), 36_i32..41, 0_i32..4), 1..5),
            first in 37_u32..42,
            count in 0_u32..5,
        ) {
            let mut examined: Vec<ExaminedSigner> = signers
                .iter()
                .enumerate()
                .map(|(index, (post_quantum, min, more))| signer(index, *post_quantum, (*min, min + more)))
                .collect();
            let levels = (first, first + count);
            let refused = refused_somewhere(&examined, levels);
            let result = pair(&mut examined, levels);
            prop_assert_eq!(result.is_err(), refused, "{:?}", result);
        }

        #[test]
        fn histories_agree_up_to_the_last_certificate(
            nodes in prop::collection::vec((any::<u8>(), 0_u32..4), 1..6),
            at in any::<prop::sample::Index>(),
            change_flags in any::<bool>(),
        ) {
            let at = at.index(nodes.len());
            let mut other = nodes.clone();
            if change_flags {
                other[at].1 ^= 8;
            } else {
                other[at].0 ^= 1;
            }
            let expected = match (at + 1 < nodes.len(), change_flags) {
                (false, _) => None,
                (true, true) => Some(FindingCode::V32CapabilityMismatch),
                (true, false) => Some(FindingCode::V32LineageMismatch),
            };
            let check = |a: &[(u8, u32)], b: &[(u8, u32)]| code(check_history(Some(&lineage(a)), Some(&lineage(b))));
            prop_assert_eq!(check(&nodes, &nodes), None);
            prop_assert_eq!(check(&nodes, &other), expected);
            prop_assert_eq!(check(&other, &nodes), expected);
            // One is not the beginning of the other.
            let longer = [&nodes[..], &[(7, 0)]].concat();
            prop_assert_eq!(check(&nodes, &longer), Some(FindingCode::V32LineageMismatch));
            prop_assert_eq!(
                code(check_history(Some(&lineage(&nodes)), None)),
                Some(FindingCode::V32LineageMissing)
            );
        }

        #[test]
        fn the_highest_level_that_is_left_lies_in_no_range(
            ranges in prop::collection::vec((0_i64..20, 0_i64..8), 0..6),
            last in 0_i64..24,
        ) {
            let ranges: Vec<(i64, i64)> = ranges.into_iter().map(|(min, more)| (min, min + more)).collect();
            let inside = |level: &i64| ranges.iter().any(|(min, max)| (min..=max).contains(&level));
            let expected = (0..=last).rev().find(|level| !inside(level)).unwrap_or(-1);
            prop_assert_eq!(highest_outside(ranges.iter().copied(), last), expected);
        }
    }
}
