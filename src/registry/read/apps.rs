//! `[[app]]`: apps and the signer sets that are allowed for each.

use std::collections::BTreeSet;

use super::Named;
use super::evidence;
use super::registered_key;
use super::registered_subject;
use super::twice;
use crate::fields::Document;
use crate::fields::Faulty;
use crate::fields::Fields;
use crate::fields::all;
use crate::identity::CertificateDigest;
use crate::registry::App;
use crate::registry::Key;
use crate::registry::Role;
use crate::registry::SignerSet;
use crate::registry::Subject;

/// Reads the apps: `subjects` are those that may own them, `keys` those that may sign them.
pub(super) fn read(
    document: Document<'_>,
    top: &mut Fields<'_>,
    subjects: &Named<String, Subject>,
    keys: &Named<CertificateDigest, Key>,
) -> Named<String, App> {
    Named::read(
        top.tables("app", "[[app]]", &["package", "labels", "owner", "filing_number", "signers"]),
        |fields| fields.text("package", "\"com.example.app\""),
        |package, fields| {
            if let Ok(package) = package
                && let Some(expected_and_found) = package_name_fault(&package.value)
            {
                let message = format!(
                    "expected a package name of {expected_and_found} in {:?}; write package = \"com.example.app\"",
                    package.value
                );
                document.fault(package.at, message);
            }
            let labels = fields.optional_texts("labels", "[\"Example\", \"示例\"]");
            let owner = fields.text("owner", "\"example\"");
            let owner = owner.and_then(|owner| registered_subject(document, "owner", owner, subjects));
            let filing_number = fields.optional_text("filing_number", "\"京ICP备12345678号-1A\"");
            let signers = signer_sets(document, fields, keys);
            Ok(App {
                package: package?.value.clone(),
                labels: labels?.map_or_else(Vec::new, |labels| {
                    labels.value.into_iter().map(|label| label.value).collect()
                }),
                owner: owner?.value,
                filing_number: filing_number?.map(|text| text.value),
                signers: signers?,
            })
        },
        |package| twice(document, "each package", &format!("{:?}", package.value), package.at),
    )
}

/// The signer sets of an app: at least one.
fn signer_sets(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    keys: &Named<CertificateDigest, Key>,
) -> Result<Vec<SignerSet>, Faulty> {
    let tables =
        fields.tables("signers", "[[app.signers]]", &["certificates", "role", "channel", "evidence"]);
    if tables.is_empty() {
        let message = "expected at least one [[app.signers]] in [[app]], found none; \
                       write [[app.signers]], then certificates = [\"<certificate_sha256 of a key>\"]";
        return Err(fields.absent(&["signers"], message));
    }
    let mut seen: Vec<SignerSet> = Vec::new();
    all(tables.into_iter().map(|table| {
        let mut table = table?;
        let set = signer_set(document, &mut table, keys)?;
        if seen.iter().any(|other| other.allows_the_same_as(&set)) {
            let found = "the same set, role and channel";
            return Err(twice(document, "each signer set of an app", found, table.at()));
        }
        seen.push(set.clone());
        Ok(set)
    }))
}

/// What is wrong with a name that the installer of Android does not take; none when it takes it.
///
/// Source: AOSP `PackageParser.validateName`.
pub(in crate::registry) fn package_name_fault(name: &str) -> Option<String> {
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))) {
        return Some(format!("letters, digits, dots and underscores, found {wrong:?}"));
    }
    let begins_wrong = |part: &&str| part.starts_with(|c: char| !c.is_ascii_alphabetic());
    if let Some(part) = name.split('.').find(begins_wrong) {
        return Some(format!("parts that begin with a letter, found {part:?}"));
    }
    (!name.contains('.') && name != "android").then(|| "at least two parts, found one".to_owned())
}

fn signer_set(
    document: Document<'_>,
    fields: &mut Fields<'_>,
    keys: &Named<CertificateDigest, Key>,
) -> Result<SignerSet, Faulty> {
    let texts = fields.texts("certificates", "[\"<certificate_sha256 of a key>\"]");
    let role = fields.optional_choice("role", &Role::ALL);
    let channel = fields.optional_text("channel", "\"play\"");
    let evidence = evidence(document, fields, "[[app.signers.evidence]]");
    let mut certificates = BTreeSet::new();
    let each: Vec<()> = all(texts?.value.iter().map(|text| {
        let digest = document.digest("certificates", text)?;
        let digest = registered_key(document, "certificates", digest, keys)?;
        if !certificates.insert(digest.value) {
            return Err(twice(document, "each certificate of a set", &digest.value.to_string(), digest.at));
        }
        Ok(())
    }))?;
    drop(each);
    Ok(SignerSet {
        certificates,
        role: role?.unwrap_or(Role::Developer),
        channel: channel?.map(|text| text.value),
        evidence: evidence?,
    })
}
