//! Findings in their order, so few of one kind that no file can drown the others, or the memory.

use std::collections::HashMap;
use std::ops::Deref;

use super::Finding;
use super::FindingCode;
use super::Severity;

/// Findings in the order in which they were made.
///
/// Of one code and severity only the first few are kept. What is left out is counted and told by one more finding
/// behind them, so a list that was given an error has one.
#[derive(Debug, Clone)]
pub(crate) struct FindingList {
    kept: Vec<Finding>,
    most: usize,
    kinds: HashMap<(FindingCode, Severity), Kind>,
}

#[derive(Debug, Clone, Default)]
struct Kind {
    kept: usize,
    left_out: usize,
    /// Where the finding stands that tells of those left out.
    told_at: Option<usize>,
}

impl FindingList {
    /// A list that keeps `most` findings of one kind.
    pub(crate) fn of_most(most: usize) -> Self {
        Self { kept: Vec::new(), most, kinds: HashMap::new() }
    }

    /// Adds a finding, or counts it.
    pub(crate) fn push(&mut self, finding: Finding) {
        let kind = self.kinds.entry((finding.code, finding.severity)).or_default();
        if kind.kept < self.most {
            kind.kept += 1;
            self.kept.push(finding);
            return;
        }
        kind.left_out += 1;
        if kind.told_at.is_none() {
            kind.told_at = Some(self.kept.len());
            let mut telling = Finding::new(finding.code).with_severity(finding.severity);
            telling.location.scheme = finding.location.scheme;
            telling.location.signer = finding.location.signer;
            telling.location.api_levels = finding.location.api_levels;
            self.kept.push(telling);
        }
    }

    /// Whether any of them fails verification.
    pub(crate) fn has_errors(&self) -> bool {
        self.kept.iter().any(Finding::is_error)
    }

    /// Empties the list; gives what [`FindingList::into_vec`] does.
    pub(crate) fn take(&mut self) -> Vec<Finding> {
        std::mem::replace(self, Self::of_most(self.most)).into_vec()
    }

    /// The findings, and how many of each kind were left out.
    pub(crate) fn into_vec(mut self) -> Vec<Finding> {
        for kind in self.kinds.values() {
            if let Some(telling) = kind.told_at.and_then(|index| self.kept.get_mut(index)) {
                telling.detail = format!("{} more like the {} before", kind.left_out, kind.kept);
            }
        }
        self.kept
    }
}

impl Deref for FindingList {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.kept
    }
}

impl Extend<Finding> for FindingList {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::SchemeId;
    use crate::finding::SignerPlace;

    fn finding(code: FindingCode, entry: usize) -> Finding {
        Finding::new(code).scheme(SchemeId::V1).entry(entry.to_string())
    }

    #[test]
    fn keeps_the_first_of_a_kind_and_counts_the_others() {
        let mut list = FindingList::of_most(2);
        list.extend((0..1000).map(|entry| finding(FindingCode::V1EntryNotSigned, entry)));
        list.push(finding(FindingCode::V1NoManifest, 0));
        list.push(finding(FindingCode::V1EntryNotSigned, 1000).with_severity(Severity::Note));
        assert!(list.has_errors());
        let told: Vec<String> = list
            .into_vec()
            .iter()
            .map(|finding| {
                let entry = finding.location.entry.as_deref().unwrap_or("-");
                format!("{} {} {entry} {}", finding.code.as_str(), finding.severity, finding.detail)
            })
            .collect();
        let expected = [
            "v1-entry-not-signed error 0 ",
            "v1-entry-not-signed error 1 ",
            "v1-entry-not-signed error - 998 more like the 2 before",
            "v1-no-manifest error 0 ",
            "v1-entry-not-signed note 1000 ",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_left_out_weighs_as_much_as_what_is_kept() {
        let mut list = FindingList::of_most(0);
        let place = SignerPlace::new(3);
        list.push(finding(FindingCode::V2NoSignatures, 0).signer(place.clone()));
        assert!(list.has_errors());
        assert_eq!(list.first().unwrap().location.signer, Some(place));
    }
}
