//! Dates and instants, as people write them into a registry.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// A bound in time: a whole day, or an instant.
///
/// Days are days of UTC, so that a registry says the same everywhere. As the start of a period a day counts from its
/// first instant; as the end it is included whole: what is valid until `2027-12-31` is valid up to the last instant
/// before `2028-01-01T00:00:00Z`. An instant is included on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// A whole day of UTC.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Moment {
    /// Whether `now` lies on or after it: what starts here has started.
    pub fn has_begun(self, now: Timestamp) -> bool {
        match self {
            Self::Day(day) => utc_day(now) >= day,
            Self::Instant(instant) => now >= instant,
        }
    }

    /// Whether `now` lies wholly after it: what ends here has ended.
    pub fn is_over(self, now: Timestamp) -> bool {
        match self {
            Self::Day(day) => utc_day(now) > day,
            Self::Instant(instant) => now > instant,
        }
    }

    /// Whether what ends here ends later than what ends at `other`.
    pub fn ends_after(self, other: Self) -> bool {
        self.end() > other.end()
    }

    /// Whether what starts here starts earlier than what starts at `other`.
    pub(super) fn starts_before(self, other: Self) -> bool {
        self.start() < other.start()
    }

    /// The first instant of it.
    pub(crate) fn start(self) -> Timestamp {
        match self {
            Self::Day(day) => TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN),
            Self::Instant(instant) => instant,
        }
    }

    /// The last instant of it.
    pub(crate) fn end(self) -> Timestamp {
        match self {
            Self::Day(day) => {
                TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 999_999_999)).unwrap_or(Timestamp::MAX)
            }
            Self::Instant(instant) => instant,
        }
    }

    /// Whether a period that ends here has no instant in common with one that starts at `start`.
    pub(super) fn ends_before(self, start: Self) -> bool {
        match (self, start) {
            (Self::Day(end), Self::Day(start)) => end < start,
            (Self::Day(end), Self::Instant(start)) => end < utc_day(start),
            (Self::Instant(end), start) => !start.has_begun(end),
        }
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    /// Reads a day, `2027-12-31`, or an instant with its offset from UTC, `2027-12-31T08:00:00Z`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == "2027-12-31".len() {
            text.parse().map(Self::Day)
        } else {
            text.parse().map(Self::Instant)
        }
    }
}

fn utc_day(instant: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(instant).date()
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_included_whole_at_both_ends() {
        let day = Moment::Day("2027-12-31".parse().unwrap());
        assert!(!day.has_begun(at("2027-12-30T23:59:59.999999999Z")));
        assert!(day.has_begun(at("2027-12-31T00:00:00Z")));
        assert!(!day.is_over(at("2027-12-31T23:59:59.999999999Z")));
        assert!(day.is_over(at("2028-01-01T00:00:00Z")));
    }

    #[test]
    fn an_instant_is_included_at_both_ends() {
        let instant = Moment::Instant(at("2027-12-31T12:00:00Z"));
        assert!(!instant.has_begun(at("2027-12-31T11:59:59.999999999Z")));
        assert!(instant.has_begun(at("2027-12-31T12:00:00Z")));
        assert!(!instant.is_over(at("2027-12-31T12:00:00Z")));
        assert!(instant.is_over(at("2027-12-31T12:00:00.000000001Z")));
    }

    #[test]
    fn a_day_ends_after_every_instant_of_it() {
        let day = |text: &str| Moment::Day(text.parse().unwrap());
        let instant = |text: &str| Moment::Instant(at(text));
        assert!(day("2027-12-31").ends_after(instant("2027-12-31T23:59:59Z")));
        assert!(!instant("2027-12-31T23:59:59Z").ends_after(day("2027-12-31")));
        assert!(instant("2028-01-01T00:00:00Z").ends_after(day("2027-12-31")));
        assert!(!day("2027-12-31").ends_after(day("2027-12-31")));
    }

    #[test]
    fn an_empty_period_is_seen_and_one_of_a_single_day_is_not_empty() {
        let day = |text: &str| Moment::Day(text.parse().unwrap());
        let instant = |text: &str| Moment::Instant(at(text));
        assert!(!day("2027-12-31").ends_before(day("2027-12-31")));
        assert!(day("2027-12-30").ends_before(day("2027-12-31")));
        assert!(!day("2027-12-31").ends_before(instant("2027-12-31T23:00:00Z")));
        assert!(day("2027-12-30").ends_before(instant("2027-12-31T00:00:00Z")));
        assert!(!instant("2027-12-31T00:00:00Z").ends_before(day("2027-12-31")));
        assert!(instant("2027-12-30T23:59:59Z").ends_before(day("2027-12-31")));
    }
}
