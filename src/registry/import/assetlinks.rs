//! Digital Asset Links: statements of a site about apps.
//!
//! Source: <https://developers.google.com/digital-asset-links/v1/statements>.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Entry;
use super::Fault;
use super::digest;
use crate::registry::Evidence;
use crate::registry::EvidenceSource;

/// The namespace of statements about apps.
const ANDROID_APP: &str = "android_app";

#[derive(Deserialize)]
struct Statement {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    namespace: String,
    package_name: Option<String>,
    #[serde(default)]
    sha256_cert_fingerprints: Vec<String>,
}

/// Every fingerprint may sign alone: a statement holds for an app that any of them has signed. Statements about sites are
/// passed over.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let statements: Vec<Statement> = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    let mut entries = Vec::new();
    for target in statements.into_iter().map(|statement| statement.target) {
        if target.namespace != ANDROID_APP {
            continue;
        }
        let Some(package) = target.package_name else {
            return Err(Fault::new(
                None,
                "expected \"package_name\" in a statement about an app, found none",
            ));
        };
        if target.sha256_cert_fingerprints.is_empty() {
            let message = format!("expected \"sha256_cert_fingerprints\" of {package}, found none");
            return Err(Fault::new(None, message));
        }
        for fingerprint in target.sha256_cert_fingerprints {
            let mut entry = Entry::new(package.clone(), BTreeSet::from([digest(&fingerprint, None)?]));
            entry.evidence = Some(Evidence::new(EvidenceSource::Assetlinks));
            entries.push(entry);
        }
    }
    Ok(entries)
}
