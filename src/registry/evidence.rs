//! From where it is known that a key belongs to a subject, or a signer set to an app.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::Moment;

/// What a binding rests on. For people and for later checks: the registry is believed because of who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Evidence {
    /// What kind of evidence.
    pub source: EvidenceSource,
    /// Where it is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Moment>,
}

impl Evidence {
    /// Evidence of that kind.
    pub fn new(source: EvidenceSource) -> Self {
        Self { source, url: None, date: None }
    }
}

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EvidenceSource {
    /// A Digital Asset Links statement, `assetlinks.json`, on the owner's site.
    Assetlinks,
    /// A record in the owner's DNS.
    Dns,
    /// What another store publishes.
    Store,
    /// A certificate authority has certified the key.
    Ca,
    /// The filing of the app with an authority (备案).
    Filing,
    /// Somebody has seen to it.
    Manual,
}

impl EvidenceSource {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Assetlinks, Self::Dns, Self::Store, Self::Ca, Self::Filing, Self::Manual];

    /// `assetlinks`, `dns`, `store`, `ca`, `filing` or `manual`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assetlinks => "assetlinks",
            Self::Dns => "dns",
            Self::Store => "store",
            Self::Ca => "ca",
            Self::Filing => "filing",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
