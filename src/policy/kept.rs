//! Verdicts, rules and spans of time, as they are kept.

use jiff::Timestamp;

use super::Span;
use super::Verdict;
use super::rules::Rule;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_enum;
use crate::kept::kept_struct;

kept_enum!(Verdict {
    Unreadable = 0,
    Unsigned = 1,
    Tampered = 2,
    Revoked = 3,
    Counterfeit = 4,
    Suspected = 5,
    Expired = 6,
    Unauthenticated = 7,
    Authenticated = 8,
});
kept_struct!(Span { first, last });

/// By its place in the table.
impl Kept for Rule {
    fn put(&self, to: &mut Writer) {
        Self::ALL.iter().position(|rule| rule == self).unwrap_or(usize::MAX).put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::ALL.get(usize::take(from)?).copied()
    }
}

impl Kept for Timestamp {
    fn put(&self, to: &mut Writer) {
        self.as_second().put(to);
        self.subsec_nanosecond().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::new(i64::take(from)?, i32::take(from)?).ok()
    }
}
