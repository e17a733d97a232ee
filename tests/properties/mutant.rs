//! A changed APK, and what must come of it.

use std::collections::BTreeSet;

/// What must come of a mutant, from what was changed.
///
/// Whatever is expected, who verifies is held against what the file then holds: see `judge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Never verified; one of the errors bears a code that begins with one of these.
    Rejected(&'static [&'static str]),
    /// Verified, by whoever signed the honest file, and authenticated: Android runs the same content of the same signer.
    Accepted,
    /// Verified, and the platform's installer does not open it: so it is not authenticated.
    Unreadable,
    /// It depends: verified only where content and signers are those of the honest file.
    ByContent,
}

/// What the content of a file is to be held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// What is verified must hold what the honest file holds.
    Honest,
    /// Signed anew by the honest keys, whatever it holds.
    SignedAnew,
    /// Others have signed as well, with these certificates; what the honest keys are named for must be honest.
    Attacker(BTreeSet<String>),
}

pub(super) struct Mutant {
    /// What was changed, for whom it may concern.
    pub(super) what: String,
    pub(super) file: Vec<u8>,
    /// Another v4 signature file than that of the honest one.
    pub(super) idsig: Option<Vec<u8>>,
    pub(super) expected: Expected,
    pub(super) origin: Origin,
}

pub(super) fn mutant(what: String, file: Vec<u8>, expected: Expected) -> Mutant {
    Mutant { what, file, idsig: None, expected, origin: Origin::Honest }
}
