//! Exceptions: which broken rule they let pass, and which of them were of no use.

use std::collections::BTreeSet;

use super::Answer;
use super::Case;
use super::Outcome;
use super::Rule;
use super::RuleResult;
use crate::policy::PolicyFile;
use crate::policy::file::Exception;
use crate::scheme::VerifiedSigner;

/// The answer with the exception that lets it pass, if it is broken and there is one. The places of exceptions that fit the
/// file and the rule, over or not, are added to `fitting`.
pub(super) fn apply(case: &Case<'_>, answer: Answer, fitting: &mut BTreeSet<usize>) -> RuleResult {
    let mut exception = None;
    if !answer.holds {
        for (place, candidate) in case.policy.exceptions.iter().enumerate() {
            if covers(candidate, &answer) && fits(candidate, case) {
                fitting.insert(place);
                let over = case.clock.is_over(candidate.expires);
                exception = exception.or((!over).then_some(place));
            }
        }
    }
    let outcome = match (answer.holds, exception) {
        (true, _) => Outcome::Holds,
        (false, None) => Outcome::Broken,
        (false, Some(_)) => Outcome::Excepted,
    };
    let Answer { rule, expected, actual, .. } = answer;
    RuleResult { rule, outcome, expected, actual, exception }
}

/// Whether the exception is for what is broken.
fn covers(exception: &Exception, answer: &Answer) -> bool {
    exception.rules.contains(&answer.rule)
        && match answer.rule {
            Rule::Verdict => answer.verdict.is_some_and(|verdict| exception.verdicts.contains(&verdict)),
            Rule::Severity => answer.code.is_some_and(|code| exception.codes.contains(&code)),
            _ => true,
        }
}

/// Whether the exception is for this file. Package and signer count only once they are verified: what a file merely
/// claims fits nothing.
fn fits(exception: &Exception, case: &Case<'_>) -> bool {
    let verification = case.evidence.verification;
    let package = exception.package.as_deref().is_none_or(|package| verification.package() == Some(package));
    let file = exception.file.is_none_or(|digest| case.evidence.file_digest == Some(digest));
    let certificate = exception.certificate.is_none_or(|digest| {
        let views = &verification.views;
        let alone =
            |signers: Vec<&VerifiedSigner>| matches!(signers[..], [signer] if signer.digest() == digest);
        !views.is_empty() && views.iter().all(|view| alone(verification.signers_of(view).collect()))
    });
    package && file && certificate
}

/// What is to be said of exceptions after a run in which those at the places `fitting` fitted some file: the others, and
/// those that are over.
pub fn unused(policy: &PolicyFile, fitting: &BTreeSet<usize>, now: jiff::Timestamp) -> Vec<String> {
    let told = |(place, exception): (usize, &Exception)| {
        let over = exception.expires.is_over(now);
        let why = match (fitting.contains(&place), over) {
            (true, false) => return None,
            (true, true) => format!("was over on {}, so it lets nothing pass", exception.expires),
            (false, true) => format!("was over on {}; remove it", exception.expires),
            (false, false) => "matched nothing; remove it if it is no longer needed".to_owned(),
        };
        Some(format!("exception {} ({}): {why}", place.saturating_add(1), exception.reason))
    };
    policy.exceptions.iter().enumerate().filter_map(told).collect()
}
