//! From the text of a policy to a policy that makes sense.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::Date;

use super::BlockChoice;
use super::Exception;
use super::Level;
use super::Party;
use super::Permission;
use super::PolicyFile;
use super::Requirement;
use super::SCHEMA;
use crate::error::Error;
use crate::fields::AsName;
use crate::fields::At;
use crate::fields::Document;
use crate::fields::Faulty;
use crate::fields::Fields;
use crate::fields::all;
use crate::fields::read_all;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::identity::FileDigest;
use crate::policy::Rotation;
use crate::policy::TestKeys;
use crate::policy::Verdict;
use crate::policy::rules::Rule;
use crate::registry::Moment;

/// Every table with its keys; the table without a name is the top of the file. `severity` has the codes of findings for
/// keys.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", &["schema", "name", "level"]),
    ("accept", &["verdicts", "rotation"]),
    (
        "signature",
        &[
            "min_scheme",
            "min_digest",
            "min_rsa_bits",
            "min_ec_bits",
            "min_dsa_bits",
            "test_key",
            "debug_certificate",
        ],
    ),
    ("app", &["debuggable", "min_sdk_at_least", "min_sdk_at_most", "target_sdk_at_least", "max_file_bytes"]),
    ("signing_block", &["allow", "ids", "max_unknown_bytes"]),
    ("developer", &["require", "proof", "subjects"]),
    ("distributor", &["require", "proof", "subjects"]),
    ("severity", &[]),
    (
        "exception",
        &["package", "file_sha256", "certificate_sha256", "rules", "verdicts", "codes", "reason", "expires"],
    ),
];

/// The schemes that can be asked for, oldest first.
const SCHEMES: [SchemeId; 5] = [SchemeId::V1, SchemeId::V2, SchemeId::V3, SchemeId::V31, SchemeId::V32];

/// Verdicts on files that verify and are nobody's counterfeit: the others are never accepted.
const ACCEPTABLE: [Verdict; 4] =
    [Verdict::Authenticated, Verdict::Unauthenticated, Verdict::Expired, Verdict::Suspected];

/// Reads a whole policy.
pub(super) fn policy(text: &str, path: &Path) -> Result<PolicyFile, Error> {
    read_all(text, path, |document| {
        let known: Vec<&'static str> =
            keys("").iter().copied().chain(KEYS.iter().skip(1).map(|(table, _)| *table)).collect();
        let mut top = document.read("the policy", &known)?;
        schema(document, &mut top)?;
        let mut policy = PolicyFile::default();
        let name = top.optional_text("name", "\"store.example\"");
        let level = top.optional_choice("level", Level::ALL);
        // Each part notes its own faults; that one of them is faulty does not keep the others from being looked at.
        let parts = [
            accept(document, &mut top, &mut policy),
            signature(&mut top, &mut policy),
            app(&mut top, &mut policy),
            signing_block(document, &mut top, &mut policy),
            party(document, &mut top, ("developer", "[developer]"), &mut policy.developer),
            party(document, &mut top, ("distributor", "[distributor]"), &mut policy.distributor),
            severity(document, &mut top, &mut policy),
            exceptions(document, &mut top, &mut policy),
        ];
        policy.name = name?.map(|name| name.value);
        policy.level = level?.unwrap_or(policy.level);
        parts.into_iter().collect::<Result<(), Faulty>>()?;
        Ok(policy)
    })
}

/// The keys of a table.
fn keys(table: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == table).map_or(&[], |(_, keys)| keys)
}

fn schema(document: Document<'_>, top: &mut Fields<'_>) -> Result<(), Faulty> {
    let schema = top.number("schema", "1")?;
    if schema.value == SCHEMA {
        return Ok(());
    }
    let message = format!(
        "expected schema {SCHEMA}, found {}; write schema = {SCHEMA}, or use a version of apkvouch that knows it",
        schema.value
    );
    Err(document.only_fault(schema.at, message))
}

/// The fields of the table `[name]`; none when it is not there.
fn table<'a>(top: &mut Fields<'a>, (name, what): (&str, &'static str)) -> Result<Option<Fields<'a>>, Faulty> {
    top.optional_table(name, what, keys(name))
}

fn accept(document: Document<'_>, top: &mut Fields<'_>, policy: &mut PolicyFile) -> Result<(), Faulty> {
    let Some(mut fields) = table(top, ("accept", "[accept]"))? else { return Ok(()) };
    let verdicts = verdicts(document, &mut fields);
    let rotation = fields.optional_choice("rotation", &Rotation::ALL);
    if let Some(verdicts) = verdicts? {
        policy.verdicts = verdicts;
    }
    policy.deciding.rotation = rotation?.unwrap_or(policy.deciding.rotation);
    Ok(())
}

/// A list of verdicts that may be accepted, with something in it.
fn verdicts(document: Document<'_>, fields: &mut Fields<'_>) -> Result<Option<BTreeSet<Verdict>>, Faulty> {
    let Some(texts) = fields.optional_filled_texts("verdicts", "[\"authenticated\"]")? else {
        return Ok(None);
    };
    let verdicts = texts.value.iter().map(|text| {
        let never = Verdict::ALL.iter().find(|verdict| verdict.as_str() == text.value);
        if let Some(verdict) = never.filter(|verdict| !ACCEPTABLE.contains(verdict)) {
            let message = format!(
                "expected a verdict that can be accepted in \"verdicts\", found \"{verdict}\", which never is; \
                 write authenticated, unauthenticated, expired or suspected"
            );
            return Err(document.fault(text.at, message));
        }
        document.choice("verdicts", text, &ACCEPTABLE)
    });
    all(verdicts).map(Some)
}

fn signature(top: &mut Fields<'_>, policy: &mut PolicyFile) -> Result<(), Faulty> {
    let Some(mut fields) = table(top, ("signature", "[signature]"))? else { return Ok(()) };
    let min_scheme = fields.optional_choice("min_scheme", &SCHEMES);
    let min_digest = fields.optional_choice("min_digest", super::DigestFloor::ALL);
    let bits = [("min_rsa_bits", "2048"), ("min_ec_bits", "256"), ("min_dsa_bits", "2048")];
    let bits = bits.map(|(name, example)| fields.optional_number(name, example));
    let test_key = fields.optional_choice("test_key", Permission::ALL);
    let debug_certificate = fields.optional_choice("debug_certificate", Permission::ALL);
    policy.min_scheme = min_scheme?.unwrap_or(policy.min_scheme);
    policy.min_digest = min_digest?.unwrap_or(policy.min_digest);
    let [rsa, ec, dsa] = bits;
    policy.min_rsa_bits = rsa?.map_or(policy.min_rsa_bits, |bits| bits.value);
    policy.min_ec_bits = ec?.map_or(policy.min_ec_bits, |bits| bits.value);
    policy.min_dsa_bits = dsa?.map_or(policy.min_dsa_bits, |bits| bits.value);
    policy.test_key = test_key?.unwrap_or(policy.test_key);
    policy.debug_certificate = debug_certificate?.unwrap_or(policy.debug_certificate);
    if policy.test_key == Permission::Allow {
        policy.deciding.test_keys = TestKeys::LikeOthers;
    }
    Ok(())
}

fn app(top: &mut Fields<'_>, policy: &mut PolicyFile) -> Result<(), Faulty> {
    let Some(mut fields) = table(top, ("app", "[app]"))? else { return Ok(()) };
    let debuggable = fields.optional_choice("debuggable", Permission::ALL);
    let least = fields.optional_number("min_sdk_at_least", "21");
    let most = fields.optional_number("min_sdk_at_most", "28");
    let target = fields.optional_number("target_sdk_at_least", "30");
    let size = fields.optional_number("max_file_bytes", "4294967296");
    policy.debuggable = debuggable?.unwrap_or(policy.debuggable);
    let (least, most) = (least?, most?);
    if let (Some(least), Some(most)) = (&least, &most)
        && least.value > most.value
    {
        let message = format!(
            "expected \"min_sdk_at_most\" of at least {}, which is min_sdk_at_least, found {}; swap them or remove one",
            least.value, most.value
        );
        return Err(fields.document().fault(most.at, message));
    }
    policy.min_sdk_at_least = value(least);
    policy.min_sdk_at_most = value(most);
    policy.target_sdk_at_least = value(target?);
    policy.max_file_bytes = value(size?);
    Ok(())
}

fn value<T>(at: Option<At<T>>) -> Option<T> {
    at.map(|at| at.value)
}

fn signing_block(
    document: Document<'_>,
    top: &mut Fields<'_>,
    policy: &mut PolicyFile,
) -> Result<(), Faulty> {
    let Some(mut fields) = table(top, ("signing_block", "[signing_block]"))? else { return Ok(()) };
    let allow = fields.optional_choice("allow", BlockChoice::ALL);
    let ids = fields.optional_numbers("ids", "[0x71777777]").and_then(|ids| {
        let narrow = |id: At<u64>| {
            u32::try_from(id.value).map_err(|_| {
                let message = format!(
                    "expected ids of 32 bits in \"ids\", found {:#x}; write ids = [0x71777777]",
                    id.value
                );
                document.fault(id.at, message)
            })
        };
        ids.map(|ids| Ok((ids.at, all::<u32, BTreeSet<u32>>(ids.value.into_iter().map(narrow))?))).transpose()
    });
    let size = fields.optional_number("max_unknown_bytes", "4096");
    let allow = allow?.unwrap_or(policy.blocks);
    if let Some((at, ids)) = ids? {
        if allow == BlockChoice::All && !ids.is_empty() {
            let message = "expected no \"ids\" where all pairs are allowed, found some; \
                           write allow = \"listed\" or \"known\", or remove ids";
            return Err(document.fault(at, message));
        }
        policy.block_ids = ids;
    }
    policy.blocks = allow;
    policy.max_unknown_block_bytes = value(size?);
    Ok(())
}

/// What a kind of proof is called, and all of them.
trait Proofs: AsName + Copy + PartialEq + 'static {
    const ALL: &'static [Self];
}

impl Proofs for super::DeveloperProof {
    const ALL: &'static [Self] = Self::ALL;
}

impl Proofs for super::DistributorProof {
    const ALL: &'static [Self] = Self::ALL;
}

fn party<P: Proofs>(
    document: Document<'_>,
    top: &mut Fields<'_>,
    (name, what): (&str, &'static str),
    party: &mut Party<P>,
) -> Result<(), Faulty> {
    let Some(mut fields) = table(top, (name, what))? else { return Ok(()) };
    let require = fields.optional_choice("require", Requirement::ALL);
    let proofs = fields.optional_filled_texts("proof", "[\"signer\"]").and_then(|texts| {
        texts
            .map(|texts| all(texts.value.iter().map(|text| document.choice("proof", text, P::ALL))))
            .transpose()
    });
    let subjects = fields.optional_filled_texts("subjects", "[\"example\"]");
    party.require = require?.unwrap_or(party.require);
    if let Some(proofs) = proofs? {
        party.proofs = proofs;
    }
    if let Some(subjects) = subjects? {
        if party.require != Requirement::Registered {
            let message = format!(
                "expected require = \"registered\" in {what} that has \"subjects\", found \"{}\"; \
                 write require = \"registered\", or remove subjects",
                party.require
            );
            return Err(document.fault(subjects.at, message));
        }
        party.subjects = subjects.value.into_iter().map(|subject| subject.value).collect();
    }
    Ok(())
}

fn severity(document: Document<'_>, top: &mut Fields<'_>, policy: &mut PolicyFile) -> Result<(), Faulty> {
    let names: Vec<&'static str> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
    let Some(mut fields) = top.optional_table("severity", "[severity]", &names)? else { return Ok(()) };
    let mut weights = BTreeMap::new();
    let mut faulty = Ok(());
    for code in FindingCode::ALL {
        let text = match fields.optional_text(code.as_str(), "\"warning\"") {
            Ok(Some(text)) => text,
            Ok(None) => continue,
            Err(fault) => {
                faulty = Err(fault);
                continue;
            }
        };
        match document.choice(code.as_str(), &text, &[Severity::Error, Severity::Warning, Severity::Note]) {
            Ok(severity) if code.severity() == Severity::Error && severity != Severity::Error => {
                let message = format!(
                    "expected a finding that is no error by itself, found {:?}, which decides a verdict; remove the line",
                    code.as_str()
                );
                faulty = Err(document.fault(text.at, message));
            }
            Ok(_) if code.as_str().starts_with("policy-") => {
                let message = format!(
                    "expected a finding on the file, found {:?}, which is one of the policy itself; use level",
                    code.as_str()
                );
                faulty = Err(document.fault(text.at, message));
            }
            Ok(severity) => {
                weights.insert(*code, severity);
            }
            Err(fault) => faulty = Err(fault),
        }
    }
    policy.severity = weights;
    faulty
}

fn exceptions(document: Document<'_>, top: &mut Fields<'_>, policy: &mut PolicyFile) -> Result<(), Faulty> {
    let tables = top.tables("exception", "[[exception]]", keys("exception"));
    policy.exceptions = all(tables.into_iter().map(|fields| exception(document, &mut fields?)))?;
    Ok(())
}

fn exception(document: Document<'_>, fields: &mut Fields<'_>) -> Result<Exception, Faulty> {
    let package = fields.optional_text("package", "\"com.example.app\"");
    let certificate = fields.optional_digest("certificate_sha256");
    let file = fields
        .optional_text("file_sha256", "\"<64 hexadecimal digits>\"")
        .and_then(|text| text.map(|text| file_digest(document, &text)).transpose());
    let rules = fields.texts("rules", "[\"min-scheme\"]").and_then(|texts| {
        let rules = texts.value.iter().map(|text| document.choice("rules", text, Rule::EXCEPTABLE));
        Ok((texts.at, all::<Rule, BTreeSet<Rule>>(rules)?))
    });
    let verdicts = verdicts(document, fields);
    let codes = fields.optional_filled_texts("codes", "[\"zip-gap\"]").and_then(|texts| {
        texts
            .map(|texts| all(texts.value.iter().map(|text| document.choice("codes", text, FindingCode::ALL))))
            .transpose()
    });
    let reason = fields.text("reason", "\"ticket 4711\"");
    let day = |text: &str| {
        let whole = text.len() == "2027-12-31".len();
        text.parse::<Date>().ok().filter(|_| whole).map(Moment::Day)
    };
    let expires = fields.optional_date("expires", "a day", "2027-12-31", day).and_then(|expires| {
        let message = "expected \"expires\" in [[exception]], found none; write expires = 2027-12-31";
        expires.ok_or_else(|| fields.absent(&["expires"], message))
    });
    let (package, certificate, file) = (package?, certificate?, file?);
    if package.is_none() && certificate.is_none() && file.is_none() {
        let message = "expected \"package\", \"file_sha256\" or \"certificate_sha256\" in [[exception]], found none; \
                       say what it is for";
        return Err(fields.absent(&["package", "file_sha256", "certificate_sha256"], message));
    }
    let (rules_at, rules) = rules?;
    let (verdicts, codes): (BTreeSet<Verdict>, BTreeSet<FindingCode>) =
        (verdicts?.unwrap_or_default(), codes?.unwrap_or_default());
    for (rule, list, example, given) in [
        (Rule::Verdict, "verdicts", "[\"unauthenticated\"]", !verdicts.is_empty()),
        (Rule::Severity, "codes", "[\"zip-gap\"]", !codes.is_empty()),
    ] {
        if rules.contains(&rule) != given {
            let (found, advice) = if given {
                ("some", format!("add \"{rule}\" to rules, or remove {list}"))
            } else {
                ("none", format!("write {list} = {example}"))
            };
            let expected = if given { "no " } else { "" };
            let with = if given { "without" } else { "with" };
            let message = format!(
                "expected {expected}\"{list}\" in [[exception]] {with} rule \"{rule}\", found {found}; {advice}"
            );
            return Err(document.fault(rules_at, message));
        }
    }
    Ok(Exception {
        package: value(package),
        file: value(file),
        certificate: value(certificate),
        rules,
        verdicts,
        codes,
        reason: reason?.value,
        expires: expires?.value,
    })
}

fn file_digest(document: Document<'_>, text: &At<String>) -> Result<At<FileDigest>, Faulty> {
    match text.value.parse() {
        Ok(value) => Ok(At { at: text.at, value }),
        Err(error) => {
            Err(document.fault(text.at, format!("{error}; write file_sha256 as `sha256sum` prints it")))
        }
    }
}

/// Enums of other modules that have a name in a policy.
macro_rules! named {
    ($($name:ty),*) => {
        $(
            impl AsName for $name {
                fn as_name(&self) -> &'static str {
                    self.as_str()
                }
            }
        )*
    };
}

named!(FindingCode, Rotation, Rule, SchemeId, Severity, Verdict);
