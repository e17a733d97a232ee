//! What a table says of a file and a summary counts of it: all that is left of a result where nobody asks for more.

use super::FileResult;
use super::Language;
use super::model::FileStatus;
use super::text::Cells;
use super::text::Tone;
use super::text::cells;
use super::text::has_warnings;
use super::text::outcome;
use crate::finding::FindingCode;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_enum;
use crate::kept::kept_struct;
use crate::kept::put_text;
use crate::kept::take_text;
use crate::policy::Verdict;
use crate::policy::rules::Rule;

/// A result at a glance. It can be kept and told again; a form of report that says more of a file needs the whole result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    pub(super) status: FileStatus,
    pub(super) verdict: Option<Verdict>,
    pub(super) passed: bool,
    pub(super) bad: bool,
    pub(super) broken: Vec<Rule>,
    /// What decided it.
    pub(super) code: Option<FindingCode>,
    pub(super) tone: Tone,
    pub(super) warned: bool,
    pub(super) cells: Cells,
}

impl Glance {
    /// What `result` is at a glance, in that language; none of a container, which has rows for its members, and of what was not judged.
    pub fn of(result: &FileResult, language: Language) -> Option<Self> {
        let judged = !matches!(result.status, FileStatus::Unjudged | FileStatus::Skipped);
        (judged && result.container.is_none() && result.members.is_empty())
            .then(|| Self::row(result, language))
    }

    /// The row of `result`, without its members.
    pub(super) fn row(result: &FileResult, language: Language) -> Self {
        Self {
            status: result.status,
            verdict: result.verdict,
            passed: result.passed,
            bad: result.is_bad(),
            broken: result.broken_rules(),
            code: result.main_finding().and_then(|finding| FindingCode::parse(finding.code)),
            tone: outcome(result).1,
            warned: has_warnings(result),
            cells: cells(language, result),
        }
    }

    /// As [`FileResult::is_bad`].
    pub fn is_bad(&self) -> bool {
        self.bad
    }
}

kept_struct!(Glance { status, verdict, passed, bad, broken, code, tone, warned, cells });
kept_enum!(FileStatus {
    Verified = 0,
    Rejected = 1,
    Unsigned = 2,
    Malformed = 3,
    Unjudged = 4,
    Skipped = 5,
});
kept_enum!(Tone { Good = 0, Bad = 1, Doubtful = 2, Faint = 3, Strong = 4 });

impl Kept for Cells {
    fn put(&self, to: &mut Writer) {
        for cell in self.iter() {
            put_text(cell, to);
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let mut cells = [""; 5];
        for cell in &mut cells {
            *cell = take_text(from)?;
        }
        Some(Self::new(cells))
    }
}
