//! Tells who really signed an Android app file, and whether that signer may speak for that app.
//!
//! [`verify()`] gives the evidence: what the bytes prove, for every Android version in range. [`decide`] holds it
//! against a [`Registry`] and gives the verdict. An APK that does not verify is a result, not an [`Error`].
//!
//! ```
//! use apkvouch::policy::{Policy, Verdict};
//! use apkvouch::source::FileSource;
//! use apkvouch::{Registry, VerifyOptions, decide, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::load("testdata/demo/registry.toml")?;
//! let apk = FileSource::open("testdata/demo/store/finance/riverbank-wallet-free.apk".as_ref())?;
//! let evidence = verify(&apk, &VerifyOptions::default())?;
//! assert_eq!(evidence.package(), Some("com.riverbank.wallet"));
//!
//! let now = "2026-06-01T00:00:00Z".parse()?;
//! let decision = decide(&evidence, &registry, &Policy::default(), now);
//! assert_eq!(decision.verdict, Verdict::Counterfeit);
//! for finding in &decision.findings {
//!     println!("{}: {}", finding.code.as_str(), finding.message());
//! }
//! # Ok(())
//! # }
//! ```

pub mod apk;
pub mod atomic_file;
pub mod container;
pub mod crypto;
pub mod error;
pub mod explain;
mod fields;
pub mod finding;
pub mod format;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod identity;
pub mod inspect;
mod kept;
pub mod ledger;
pub mod limits;
pub mod marks;
pub mod policy;
pub mod registry;
pub mod report;
pub mod scan;
pub mod scheme;
pub mod source;
pub mod verify;
#[cfg(any(test, fuzzing))]
mod work;

pub use error::Error;
pub use inspect::inspect;
pub use limits::Limits;
pub use policy::decide;
pub use registry::Registry;
pub use scheme::Idsig;
pub use scheme::verify_lineage_file;
pub use verify::Verification;
pub use verify::VerifyOptions;
pub use verify::verify;
pub use verify::verify_with_idsig;
