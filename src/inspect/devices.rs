//! Whom does each Android version see, and why?
//!
//! For a file that verifies the views of the evidence say so. One that does not is judged again as each Android version
//! does at which the answer can change: a broken v3 block does not trouble Android 8, nor a broken v3.0 signer one that
//! goes by v3.1.

use crate::Error;
use crate::apk::Apk;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::MAX_SDK;
use crate::finding::SchemeId;
use crate::policy;
use crate::scheme;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::source::ByteSource;
use crate::verify::Status;
use crate::verify::Verification;
use crate::verify::VerifyOptions;
use crate::verify::verify;

/// API levels at which a rule of some scheme begins or ends: algorithms of v1 (9, 18, 19, 21, 22), the schemes, and
/// the rules of the target SDK and sandbox.
const BORDERS: [u32; 15] = [1, 9, 18, 19, 21, 22, 23, 24, 26, 28, 30, 33, 35, 36, 37];

/// The schemes of which a version takes one.
const NEWEST_FIRST: [SchemeId; 5] = [SchemeId::V32, SchemeId::V31, SchemeId::V3, SchemeId::V2, SchemeId::V1];

/// What some Android versions make of the file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeviceView {
    /// Lowest API level.
    pub min_sdk: u32,
    /// Highest API level; [`MAX_SDK`] for no upper bound.
    pub max_sdk: u32,
    /// Whom they see.
    pub seen: Seen,
    /// Why they go by that scheme, or what they find wrong; in English.
    pub why: String,
}

/// Whom an Android version sees.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Seen {
    /// It takes the file, by this scheme, as these signers'.
    Signers(SchemeId, Vec<VerifiedSigner>),
    /// It refuses the file for these errors; none of them for a file without a signature.
    Refused(Vec<Finding>),
}

/// The views of all Android versions in range, lowest first.
///
/// # Errors
/// As [`verify()`].
pub(super) fn views(
    source: &dyn ByteSource,
    options: &VerifyOptions,
    whole: &Verification,
) -> Result<Vec<DeviceView>, Error> {
    if whole.is_verified() {
        return Ok(refused_by_installer(whole).map_or_else(|| of_verified(whole), |view| vec![view]));
    }
    let Some(lowest) = whole.min_sdk.or(options.min_sdk) else { return Ok(Vec::new()) };
    let highest = whole.max_sdk;
    if whole.status == Status::Malformed || lowest > highest {
        return Ok(Vec::new());
    }
    let mut views: Vec<DeviceView> = Vec::new();
    let said = match Apk::open(source, &options.limits).and_then(|apk| scheme::claimed_sdk_ranges(&apk)) {
        Ok(said) => said,
        Err(Stop::Malformed(_)) => Vec::new(),
        Err(Stop::Error(error)) => return Err(error),
    };
    for level in levels(lowest, highest, whole, &said) {
        let mut alone = options.clone();
        (alone.min_sdk, alone.max_sdk, alone.as_device) = (Some(level), Some(level), true);
        let evidence = verify(source, &alone)?;
        // The released version's comes first.
        let accepted = || of_verified(&evidence).into_iter().next();
        let view =
            refused_by_installer(&evidence).or_else(accepted).unwrap_or_else(|| refused(level, &evidence));
        match views.last_mut().filter(|last| is_same(&last.seen, &view.seen)) {
            Some(last) => last.max_sdk = level,
            None => views.push(view),
        }
    }
    // Between two levels that were asked nothing changes.
    for index in 0..views.len() {
        let end = views.get(index + 1).map_or(highest, |next| next.min_sdk.saturating_sub(1));
        if let Some(view) = views.get_mut(index) {
            view.max_sdk = end;
        }
    }
    Ok(views)
}

/// So many levels are asked at most: each costs a verification. Honest files have no more than a few.
const MOST_LEVELS: usize = 64;

/// The levels to ask: borders of rules, and of the signers of v3 and newer, which are for the ranges `said`.
fn levels(lowest: u32, highest: u32, whole: &Verification, said: &[(i32, i32)]) -> Vec<u32> {
    let signers = whole.schemes.iter().flat_map(SchemeResult::signers).map(VerifiedSigner::sdk_range);
    let said =
        said.iter().map(|(min, max)| (u32::try_from(*min).unwrap_or(0), u32::try_from(*max).unwrap_or(0)));
    let of_signers = signers.chain(said).flat_map(|(min, max)| {
        // Its first level alone, should it be for a development release.
        [min, min.saturating_add(1), max.saturating_add(1)]
    });
    let mut levels: Vec<u32> =
        BORDERS.into_iter().chain(of_signers).filter(|level| (lowest..=highest).contains(level)).collect();
    levels.push(lowest);
    levels.sort_unstable();
    levels.dedup();
    levels.truncate(MOST_LEVELS);
    levels
}

fn of_verified(evidence: &Verification) -> Vec<DeviceView> {
    let view = |view: &crate::verify::ApiView| DeviceView {
        min_sdk: view.min_sdk,
        max_sdk: view.max_sdk,
        seen: Seen::Signers(view.scheme, evidence.signers_of(view).cloned().collect()),
        why: why(evidence, view.scheme, view.min_sdk),
    };
    evidence.views.iter().map(view).collect()
}

/// Why the versions from `level` on go by `scheme`: which newer ones the file has, and from where on they count.
fn why(evidence: &Verification, scheme: SchemeId, level: u32) -> String {
    let newer: Vec<String> = NEWEST_FIRST
        .into_iter()
        .take_while(|newer| *newer != scheme)
        .filter_map(|newer| {
            let signers = evidence.scheme(newer)?.signers();
            let first = signers.iter().map(|signer| signer.sdk_range().0).min()?;
            Some(match first {
                first if first > level => format!("{newer} counts from API {first} on"),
                _ => format!("{newer} has no signer for them"),
            })
        })
        .collect();
    if newer.is_empty() { "no newer scheme counts for them".to_owned() } else { newer.join(", ") }
}

/// The view of a file whose signature holds, and which Android does not open.
fn refused_by_installer(evidence: &Verification) -> Option<DeviceView> {
    let reason = policy::installer_refuses(evidence)?;
    let refusing = evidence.findings.iter().filter(|finding| finding.code.is_refused_by_installer());
    Some(DeviceView {
        min_sdk: evidence.min_sdk?,
        max_sdk: evidence.max_sdk,
        why: reason.code.summary_en().to_owned(),
        seen: Seen::Refused(refusing.cloned().collect()),
    })
}

fn refused(level: u32, evidence: &Verification) -> DeviceView {
    let errors: Vec<Finding> =
        evidence.findings.iter().filter(|finding| finding.is_error()).cloned().collect();
    let why = match (evidence.status, errors.first()) {
        (Status::Unsigned, _) => "no signature".to_owned(),
        (_, Some(first)) if first.code == FindingCode::V3MissingSdkVersions => {
            "no v3 signer is for them, and behind v3 Android looks at nothing older".to_owned()
        }
        (_, Some(first)) => first.code.summary_en().to_owned(),
        (_, None) => "no signature that is accepted".to_owned(),
    };
    DeviceView { min_sdk: level, max_sdk: level, seen: Seen::Refused(errors), why }
}

/// Whether two versions see the same: the same signers by the same scheme, or refuse for the same reasons.
fn is_same(one: &Seen, other: &Seen) -> bool {
    match (one, other) {
        (Seen::Signers(scheme, signers), Seen::Signers(other_scheme, others)) => {
            scheme == other_scheme
                && signers.len() == others.len()
                && signers.iter().zip(others).all(|(one, other)| one.digest() == other.digest())
        }
        (Seen::Refused(errors), Seen::Refused(others)) => {
            super::error_codes(errors) == super::error_codes(others)
        }
        _ => false,
    }
}

impl DeviceView {
    /// Whether there is no upper bound.
    pub fn is_open(&self) -> bool {
        self.max_sdk == MAX_SDK
    }
}
