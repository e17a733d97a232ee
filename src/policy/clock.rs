//! The time for which is judged, and how long the answers stay as they are.

use std::cell::Cell;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::registry::Moment;

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Its first instant.
    pub first: Timestamp,
    /// Its last instant.
    pub last: Timestamp,
}

impl Span {
    /// All of time.
    pub const ALL: Self = Self { first: Timestamp::MIN, last: Timestamp::MAX };

    /// Whether `instant` lies in it.
    pub fn contains(self, instant: Timestamp) -> bool {
        (self.first..=self.last).contains(&instant)
    }

    /// What lies in both; one instant of either at least must.
    fn within(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }
}

/// The time for which is judged. It is asked and not told, so that it knows in which span of time every answer was the same.
#[derive(Debug)]
pub(super) struct Clock {
    now: Timestamp,
    same: Cell<Span>,
}

impl Clock {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, same: Cell::new(Span::ALL) }
    }

    /// Whether what starts at `moment` has started.
    pub(super) fn has_begun(&self, moment: Moment) -> bool {
        let begun = moment.has_begun(self.now);
        self.narrow(if begun {
            Span { first: moment.start(), ..Span::ALL }
        } else {
            Span { last: moment.start().checked_sub(TICK).unwrap_or(self.now), ..Span::ALL }
        });
        begun
    }

    /// Whether what ends at `moment` has ended.
    pub(super) fn is_over(&self, moment: Moment) -> bool {
        let over = moment.is_over(self.now);
        self.narrow(if over {
            Span { first: moment.end().checked_add(TICK).unwrap_or(self.now), ..Span::ALL }
        } else {
            Span { last: moment.end(), ..Span::ALL }
        });
        over
    }

    /// The time itself, to be shown: whatever shows it holds for this instant alone.
    pub(super) fn shown(&self) -> Timestamp {
        self.narrow(Span { first: self.now, last: self.now });
        self.now
    }

    /// The span of time in which all that was asked so far has the same answers.
    pub(super) fn same(&self) -> Span {
        self.same.get()
    }

    fn narrow(&self, to: Span) {
        self.same.set(self.same.get().within(to));
    }
}

const TICK: SignedDuration = SignedDuration::from_nanos(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const MOMENTS: [&str; 4] =
        ["2027-12-31", "2027-12-31T12:00:00Z", "2028-01-01", "2027-12-31T12:00:00.000000001Z"];
    const TIMES: [&str; 9] = [
        "2027-12-30T23:59:59.999999999Z",
        "2027-12-31T00:00:00Z",
        "2027-12-31T11:59:59.999999999Z",
        "2027-12-31T12:00:00Z",
        "2027-12-31T12:00:00.000000001Z",
        "2027-12-31T12:00:00.000000002Z",
        "2027-12-31T23:59:59.999999999Z",
        "2028-01-01T00:00:00Z",
        "2028-01-02T00:00:00Z",
    ];

    /// In the span the answer is the same, and right outside it is another.
    #[test]
    fn a_span_is_as_long_as_the_answer_is_the_same_and_no_longer() {
        let asks: [fn(&Clock, Moment) -> bool; 2] = [Clock::has_begun, Clock::is_over];
        for (ask, moment, now) in asks.iter().flat_map(|ask| {
            MOMENTS.iter().flat_map(move |moment| TIMES.iter().map(move |now| (ask, *moment, *now)))
        }) {
            let moment: Moment = moment.parse().unwrap();
            let clock = Clock::new(at(now));
            let answer = ask(&clock, moment);
            let span = clock.same();
            assert!(span.contains(at(now)), "{moment} {now}");
            for other in TIMES {
                let same = ask(&Clock::new(at(other)), moment) == answer;
                assert_eq!(span.contains(at(other)), same, "{moment} {now} {other}");
            }
            for (edge, step) in [(span.first, -1), (span.last, 1)] {
                let Ok(beyond) = edge.checked_add(SignedDuration::from_nanos(step)) else { continue };
                assert_ne!(ask(&Clock::new(beyond), moment), answer, "{moment} {now} {beyond}");
            }
        }
    }

    #[test]
    fn several_answers_hold_where_all_of_them_do_and_what_is_shown_holds_at_once_alone() {
        let clock = Clock::new(at("2027-06-01T00:00:00Z"));
        assert_eq!(clock.same(), Span::ALL);
        assert!(clock.has_begun("2027-01-01".parse().unwrap()));
        assert!(!clock.is_over("2027-12-31".parse().unwrap()));
        assert!(!clock.is_over("2029-12-31".parse().unwrap()));
        assert!(clock.is_over("2026-12-31".parse().unwrap()));
        let span = Span { first: at("2027-01-01T00:00:00Z"), last: at("2027-12-31T23:59:59.999999999Z") };
        assert_eq!(clock.same(), span);
        assert_eq!(clock.shown(), at("2027-06-01T00:00:00Z"));
        assert!(!clock.same().contains(at("2027-06-01T00:00:00.000000001Z")));
        assert!(clock.same().contains(at("2027-06-01T00:00:00Z")));
    }
}
