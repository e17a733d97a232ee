//! F-Droid: the index of a repository, and the metadata of one app.
//!
//! Source: <https://f-droid.org/docs/All_our_APIs/>, <https://f-droid.org/docs/Build_Metadata_Reference/>.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::Entry;
use super::Fault;
use super::all;
use super::digest;
use crate::identity::CertificateDigest;
use crate::registry::Evidence;
use crate::registry::EvidenceSource;

#[derive(Deserialize)]
struct Index {
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    /// By language.
    name: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Version {
    manifest: Manifest,
}

#[derive(Deserialize)]
struct Manifest {
    signer: Option<Signer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signer {
    sha256: Vec<String>,
    #[serde(default)]
    has_multiple_signers: bool,
}

/// The signers of all versions: several signers of one version sign together, those of different versions alone.
pub(super) fn index(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let index: Index = serde_json::from_str(text).map_err(|error| vec![Fault::json(&error)])?;
    let entries = all(index.packages.into_iter().map(|(package, content)| {
        let mut entries = Vec::new();
        let mut sets: BTreeSet<BTreeSet<CertificateDigest>> = BTreeSet::new();
        for signer in content.versions.into_values().filter_map(|version| version.manifest.signer) {
            let digests = signer.sha256.iter().map(|text| {
                digest(text, None)
                    .map_err(|fault| Fault { message: format!("{package}: {}", fault.message), ..fault })
            });
            let digests: BTreeSet<CertificateDigest> = digests.collect::<Result<_, _>>()?;
            if signer.has_multiple_signers {
                sets.insert(digests);
            } else {
                sets.extend(digests.into_iter().map(|digest| BTreeSet::from([digest])));
            }
        }
        let names = content.metadata.name.unwrap_or_default();
        let label = names.get("en-US").or_else(|| names.values().next());
        for set in sets.into_iter().filter(|set| !set.is_empty()) {
            let mut entry = Entry::new(package.clone(), set);
            entry.label = label.filter(|label| !label.trim().is_empty()).cloned();
            entry.evidence = Some(Evidence::new(EvidenceSource::Store));
            entries.push(entry);
        }
        Ok(entries)
    }))?;
    Ok(entries.into_iter().flatten().collect())
}

/// `AllowedAPKSigningKeys` of the app that the file is named after: one key, or a list of them.
pub(super) fn metadata(text: &str, path: &Path) -> Result<Vec<Entry>, Vec<Fault>> {
    const FIELD: &str = "AllowedAPKSigningKeys:";
    let package = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let lines: Vec<(usize, &str)> = (1..).zip(text.lines()).collect();
    let mut fields = lines.iter().filter(|(_, line)| line.starts_with(FIELD));
    let Some((at, line)) = fields.next() else {
        return Err(vec![Fault::new(None, format!("expected the field {FIELD:?}, found none"))]);
    };
    if let Some((again, _)) = fields.next() {
        let message = format!("expected the field {FIELD:?} once, found it twice");
        return Err(vec![Fault::new(Some(*again), message)]);
    }
    let plain = |text: &str| -> String {
        let text = text.split(" #").next().unwrap_or(text).trim();
        text.trim_matches(|c| matches!(c, '"' | '\'')).to_owned()
    };
    let inline = plain(line.strip_prefix(FIELD).unwrap_or_default());
    let mut keys = Vec::new();
    if inline.is_empty() {
        let rest = lines.iter().skip(*at).filter(|(_, line)| !line.trim().is_empty());
        let items =
            rest.map_while(|(at, line)| line.trim_start().strip_prefix("- ").map(|item| (*at, plain(item))));
        keys.extend(items);
    } else {
        let list = inline.trim_start_matches('[').trim_end_matches(']');
        keys.extend(list.split(',').map(|key| (*at, plain(key))));
    }
    if keys.is_empty() {
        return Err(vec![Fault::new(Some(*at), format!("expected keys in {FIELD:?}, found none"))]);
    }
    all(keys.into_iter().map(|(at, key)| {
        let mut entry = Entry::new(package, BTreeSet::from([digest(&key, Some(at))?]));
        entry.evidence = Some(Evidence::new(EvidenceSource::Store));
        entry.line = at;
        Ok(entry)
    }))
}
