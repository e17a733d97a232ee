//! What the status of a key was on another day: "who was authorised on day X".

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use super::Key;
use super::KeyStatus;
use super::Moment;
use super::Registry;

/// A status that a key had before the one that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PastStatus {
    /// What could be done with it.
    pub status: KeyStatus,
    /// Since when; until the next of the list, or the date of the current status.
    pub since: Moment,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a revocation means for the days before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RevokedFor {
    /// Somebody else may have the key, or the subject is not to be believed: revoked on every day, since nothing in a file
    /// shows when it was signed.
    #[default]
    Compromise,
    /// It is no longer used: revoked from its date on.
    Cessation,
}

impl RevokedFor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Compromise, Self::Cessation];

    /// `compromise` or `cessation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compromise => "compromise",
            Self::Cessation => "cessation",
        }
    }
}

impl fmt::Display for RevokedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Registry {
    /// The registry with each key in the status that it had at `at`, as far as this edition knows.
    ///
    /// What must not be believed now is not believed then: a revocation for compromise and a suspension hold on every
    /// day, and so do denied keys. Apps and subjects are those of this edition.
    #[must_use]
    pub fn as_of(&self, at: Timestamp) -> Self {
        let mut then = self.clone();
        for key in then.keys.values_mut() {
            if let Some(past) = key.past_status(at) {
                *key = past;
            }
        }
        then
    }
}

impl Key {
    /// The key as it stood at `at`; none when it is as it stands now.
    pub(super) fn past_status(&self, at: Timestamp) -> Option<Self> {
        let holds_always = match self.status {
            KeyStatus::Suspended => true,
            KeyStatus::Revoked => self.revoked_for.unwrap_or_default() == RevokedFor::Compromise,
            KeyStatus::Active | KeyStatus::Rotated => false,
        };
        let begun = self.status_date.is_none_or(|date| date.has_begun(at));
        if holds_always || begun {
            return None;
        }
        let mut then = self.clone();
        then.replaced_by = None;
        then.revoked_for = None;
        let past = self.history.iter().rev().find(|past| past.since.has_begun(at));
        then.history.retain(|earlier| past.is_some_and(|past| earlier.since.starts_before(past.since)));
        if let Some(past) = past {
            then.status = past.status;
            then.status_date = Some(past.since);
            then.reason.clone_from(&past.reason);
            if past.status == KeyStatus::Rotated {
                then.replaced_by = self.replaced_by;
            }
            return Some(then);
        }
        // Before the first status that is known. When that is active, the key came into use then; any other says that it
        // was in use before.
        let (first, since) = match self.history.first() {
            Some(first) => (first.status, Some(first.since)),
            None => (self.status, self.status_date),
        };
        then.status = KeyStatus::Active;
        then.status_date = None;
        then.reason = None;
        if let (KeyStatus::Active, Some(since)) = (first, since)
            && then.valid_from.is_none_or(|from| from.starts_before(since))
        {
            then.valid_from = Some(since);
        }
        Some(then)
    }
}
