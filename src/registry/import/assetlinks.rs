//! Digital Asset Links: statements of a site about apps.
//!
//! Source: <https://developers.google.com/digital-asset-links/v1/statements>.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Entry;
use super::Fault;
use super::all;
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
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let statements: Vec<Statement> = serde_json::from_str(text).map_err(|error| vec![Fault::json(&error)])?;
    let targets = statements.into_iter().map(|statement| statement.target);
    let targets = targets.filter(|target| target.namespace == ANDROID_APP);
    let entries = all(targets.map(|target| {
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
        let entry = |fingerprint: String| {
            let of_package =
                |fault: Fault| Fault { message: format!("{package}: {}", fault.message), ..fault };
            let digest = digest(&fingerprint, None).map_err(of_package)?;
            let mut entry = Entry::new(package.clone(), BTreeSet::from([digest]));
            entry.evidence = Some(Evidence::new(EvidenceSource::Assetlinks));
            Ok(entry)
        };
        Ok(target.sha256_cert_fingerprints.into_iter().map(entry).collect::<Vec<_>>())
    }))?;
    all(entries.into_iter().flatten())
}
