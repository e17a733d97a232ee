//! The table of rules: one row a rule.

use std::fmt;

use serde::Serialize;

use crate::finding::FindingCode;

macro_rules! rules {
    ($($variant:ident, $name:literal, $code:ident, $expected:literal;)*) => {
        /// A rule of a policy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $expected] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are told.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name: `min-scheme`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The finding that says that it is broken.
            pub fn code(self) -> FindingCode {
                match self { $(Self::$variant => FindingCode::$code,)* }
            }

            /// What it wants, in a few words.
            pub fn expected(self) -> &'static str {
                match self { $(Self::$variant => $expected,)* }
            }
        }
    };
}

rules! {
    Verdict, "verdict", PolicyVerdict, "an accepted verdict";
    SignedBy, "signed-by", SignedByMismatch, "exactly the signers that were asked for";
    MinScheme, "min-scheme", PolicyMinScheme, "a signature scheme that is new enough";
    MinDigest, "min-digest", PolicyMinDigest, "digests that are strong enough";
    KeyStrength, "key-strength", PolicyKeyStrength, "keys that are long enough";
    TestKey, "test-key", PolicyTestKey, "no key that anybody has";
    DebugCertificate, "debug-certificate", PolicyDebugCertificate, "no certificate of a debug build";
    Debuggable, "debuggable", PolicyDebuggable, "not debuggable";
    SdkRange, "sdk-range", PolicySdkRange, "API levels within the range";
    FileSize, "file-size", PolicyFileSize, "a file that is not too large";
    SigningBlock, "signing-block", PolicySigningBlock, "nothing in the signing block that is not allowed";
    Developer, "developer", PolicyDeveloper, "a developer who is known";
    Distributor, "distributor", PolicyDistributor, "a distributor who is known";
    Severity, "severity", PolicySeverity, "no finding that is made an error";
}

impl Rule {
    /// The rules for which a policy may have exceptions: all but what the caller of the program asks for.
    pub const EXCEPTABLE: &'static [Self] = &[
        Self::Verdict,
        Self::MinScheme,
        Self::MinDigest,
        Self::KeyStrength,
        Self::TestKey,
        Self::DebugCertificate,
        Self::Debuggable,
        Self::SdkRange,
        Self::FileSize,
        Self::SigningBlock,
        Self::Developer,
        Self::Distributor,
        Self::Severity,
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
