//! Profiles: what the caller knows of places that nobody has published.
//!
//! A new form of authentication signature thus needs no release: a profile says where it stands, how to read it, what
//! it is called and whose mark it is. Nothing is trusted for it: [`Role`] is shown beside the mark.
//!
//! ```toml
//! schema = 1
//!
//! [[mark]]
//! name = "store.example signature"
//! decoder = "cms"                      # text, json, cms, jws, x509, hex
//! role = "distributor"                 # developer, distributor, test-lab; may be left out
//! block = 0x12345678                   # a pair of the signing block, or
//! # entry = "META-INF/*.taf"           # entries; * stands for anything but /
//! # comment = "example"                # an archive comment that ends so; the part in front is read
//! ```

use std::path::Path;

use data_encoding::HEXLOWER;

use super::Content;
use super::Mark;
use super::ProfileName;
use super::Reading;
use super::certificate;
use crate::Error;
use crate::apk::Stop;
use crate::fields::AsName;
use crate::fields::At;
use crate::fields::Document;
use crate::fields::Faulty;
use crate::fields::Fields;
use crate::fields::all;
use crate::fields::read_all;
use crate::fields::read_text;
use crate::finding::FindingCode;
use crate::format::signing_block::BlockId;

/// The version of the text form.
const SCHEMA: u64 = 1;
/// Size of the largest file of profiles, in bytes. Each takes about 100.
const MAX_TEXT: u64 = 1 << 20;

/// How a mark is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decoder {
    /// Text in UTF-8.
    Text,
    /// JSON.
    Json,
    /// A signature of CMS or GM/T 0010, checked over the content that it carries.
    Cms,
    /// A compact JSON Web Signature, checked with the certificate in its header.
    Jws,
    /// An X.509 certificate.
    X509,
    /// Bytes.
    Hex,
}

impl Decoder {
    /// All decoders.
    pub const ALL: [Self; 6] = [Self::Text, Self::Json, Self::Cms, Self::Jws, Self::X509, Self::Hex];

    /// The name in the text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Cms => "cms",
            Self::Jws => "jws",
            Self::X509 => "x509",
            Self::Hex => "hex",
        }
    }
}

/// Whose mark something is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Makes apps.
    Developer,
    /// Hands apps out.
    Distributor,
    /// Tests apps.
    TestLab,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Developer, Self::Distributor, Self::TestLab];

    /// `developer`, `distributor` or `test-lab`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Distributor => "distributor",
            Self::TestLab => "test-lab",
        }
    }
}

named!(Decoder, Role);

impl AsName for Decoder {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}

impl AsName for Role {
    fn as_name(&self) -> &'static str {
        self.as_str()
    }
}

/// What is known of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// What the mark is called.
    pub name: String,
    /// Whose mark it is said to be.
    pub role: Option<Role>,
    /// How to read it.
    pub decoder: Decoder,
    /// Where it stands.
    pub place: ProfilePlace,
}

/// Where a profile expects a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfilePlace {
    /// A pair of the signing block.
    Block(BlockId),
    /// Entries whose name is this, where `*` stands for any characters but `/`.
    Entry(String),
    /// An archive comment that ends with this.
    Comment(String),
}

/// Profiles, in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    profiles: Vec<Profile>,
}

impl Profiles {
    /// Reads the profiles in the file at `path`.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, and as [`Profiles::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = read_text(path, "the profiles", "profiles", MAX_TEXT)?;
        Self::parse(&text, path)
    }

    /// Reads the profiles in `text`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Configuration`] with line and column at what cannot be right, or [`Error::Several`] of them.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, Error> {
        read_all(text, path.as_ref(), profiles).map(|profiles| Self { profiles })
    }

    /// The profiles, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter()
    }

    /// The profile of a pair of the signing block.
    pub(super) fn of_block(&self, id: BlockId) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.place == ProfilePlace::Block(id))
    }

    /// The first profile that an entry of that name matches.
    pub(super) fn of_entry(&self, name: &[u8]) -> Option<&Profile> {
        self.profiles.iter().find(|profile| match &profile.place {
            ProfilePlace::Entry(pattern) => matches(pattern.as_bytes(), name),
            _ => false,
        })
    }

    /// The first profile with whose suffix an archive comment ends, and what stands in front of that.
    pub(super) fn of_comment<'c>(&self, comment: &'c [u8]) -> Option<(&Profile, &'c [u8])> {
        self.profiles.iter().find_map(|profile| match &profile.place {
            ProfilePlace::Comment(suffix) => {
                comment.strip_suffix(suffix.as_bytes()).map(|before| (profile, before))
            }
            _ => None,
        })
    }
}

/// The profiles of a document.
fn profiles(document: Document<'_>) -> Result<Vec<Profile>, Faulty> {
    let mut top = document.read("the profiles", &["schema", "mark"])?;
    let schema = top.number("schema", "1");
    if let Ok(schema) = &schema
        && schema.value != SCHEMA
    {
        let message = format!(
            "expected schema {SCHEMA}, found {}; write schema = {SCHEMA}, or use a version of apkvouch that knows it",
            schema.value
        );
        return Err(document.only_fault(schema.at, message));
    }
    let known = ["name", "decoder", "role", "block", "entry", "comment"];
    let mut places: Vec<ProfilePlace> = Vec::new();
    let profiles = top.tables("mark", "[[mark]]", &known).into_iter().map(|fields| {
        let mut fields = fields?;
        let name = fields.text("name", "\"store.example signature\"");
        let decoder = fields.optional_choice("decoder", &Decoder::ALL);
        let decoder = decoder.and_then(|decoder| {
            decoder.ok_or_else(|| {
                let names = Decoder::ALL.map(Decoder::as_str).join(", ");
                let write = format!("write decoder = one of {names}");
                fields.absent(&["decoder"], format!("expected \"decoder\" in [[mark]], found none; {write}"))
            })
        });
        let role = fields.optional_choice("role", &Role::ALL);
        let place = place(document, &mut fields)?;
        if places.contains(&place.value) {
            let message = "expected each place once, found it twice; remove one [[mark]]";
            return Err(document.fault(place.at, message));
        }
        places.push(place.value.clone());
        Ok(Profile { name: name?.value, role: role?, decoder: decoder?, place: place.value })
    });
    all(profiles)
}

const ONE: &str = "expected one of \"block\", \"entry\" and \"comment\" in [[mark]]";

/// The one place of a `[[mark]]`.
fn place(document: Document<'_>, fields: &mut Fields<'_>) -> Result<At<ProfilePlace>, Faulty> {
    let block = fields.optional_number("block", "0x12345678");
    let entry = fields.optional_text("entry", "\"META-INF/*.taf\"");
    let comment = fields.optional_text("comment", "\"example\"");
    match (block?, entry?, comment?) {
        (Some(block), None, None) => {
            let id = u32::try_from(block.value).map(BlockId).map_err(|_| {
                let message = format!(
                    "expected an id of 32 bits in \"block\", found {:#x}; write block = 0x12345678",
                    block.value
                );
                document.fault(block.at, message)
            })?;
            if let Some(meaning) = id.meaning() {
                let message = format!(
                    "expected the id of pairs that nobody has published in \"block\", found {id}, {meaning}; \
                     remove this [[mark]], it is read without one"
                );
                return Err(document.fault(block.at, message));
            }
            Ok(At { at: block.at, value: ProfilePlace::Block(id) })
        }
        (None, Some(entry), None) => Ok(At { at: entry.at, value: ProfilePlace::Entry(entry.value) }),
        (None, None, Some(comment)) => Ok(At { at: comment.at, value: ProfilePlace::Comment(comment.value) }),
        (None, None, None) => {
            let message = format!("{ONE}, found none; write block = 0x12345678");
            Err(fields.absent(&["block", "entry", "comment"], message))
        }
        (block, entry, comment) => {
            let places = [block.map(|at| at.at), entry.map(|at| at.at), comment.map(|at| at.at)];
            let at = places.into_iter().flatten().max().unwrap_or_default();
            Err(document.fault(at, format!("{ONE}, found several; write a [[mark]] for each")))
        }
    }
}

/// Whether `name` is `pattern`, whose `*` stand for any octets but `/`.
///
/// Goes back to the last `*` alone, so that it takes no more steps than the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), name.get(n)) {
            (Some(b'*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some(expected), Some(octet)) if expected == octet => {
                p += 1;
                n += 1;
            }
            (_, _) => {
                let Some((at, from)) = star.filter(|(_, from)| name.get(*from) != Some(&b'/')) else {
                    return false;
                };
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|octet| *octet == b'*'))
}

impl Reading<'_> {
    /// Something that a profile knows.
    pub(super) fn profiled(
        &self,
        mark: &mut Mark,
        profile: &Profile,
        content: Content<'_>,
    ) -> Result<(), Stop> {
        mark.profile =
            Some(ProfileName { name: profile.name.clone(), role: profile.role, decoder: profile.decoder });
        match profile.decoder {
            Decoder::Cms => self.profiled_cms(mark, content),
            Decoder::Jws => self.profiled_jws(mark, content),
            decoder => self.profiled_claim(mark, decoder, content),
        }
    }

    /// What carries no signature.
    fn profiled_claim(&self, mark: &mut Mark, decoder: Decoder, content: Content<'_>) -> Result<(), Stop> {
        let limit = self.limits().mark_text;
        let value = self.start(content, limit)?;
        if decoder == Decoder::Hex {
            mark.push("hex", HEXLOWER.encode(&value));
            if mark.size > limit {
                mark.reason = Some(format!("the first {limit} bytes are read"));
            }
            return Ok(());
        }
        if mark.size > limit {
            let finding = mark.finding(FindingCode::MarkMalformed).detail(decoder.as_str());
            mark.broken(finding.values(format!("at most {limit} bytes"), format!("{} bytes", mark.size)));
            return Ok(());
        }
        let decoded = match decoder {
            Decoder::X509 => certificate(&value, self.limits()).map(|certificate| {
                mark.push("subject", certificate.subject());
                mark.push("sha256", certificate.digest().to_string());
            }),
            Decoder::Json => json(mark, &value),
            _ => std::str::from_utf8(&value)
                .map(|text| mark.push("text", text))
                .map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to())),
        };
        if let Err(error) = decoded {
            mark.malformed(FindingCode::MarkMalformed, format!("{decoder}: {error}"));
        }
        Ok(())
    }
}

/// The values of an object, or the one value that it is.
fn json(mark: &mut Mark, value: &[u8]) -> Result<(), String> {
    use serde_json::Value;

    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match serde_json::from_slice(value).map_err(|error| error.to_string())? {
        Value::Object(object) => {
            for (name, value) in object {
                mark.push(name, text(value));
            }
        }
        other => mark.push("value", text(other)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_folder() {
        let is = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(is("META-INF/*.taf", "META-INF/a.b.taf") && is("META-INF/*.taf", "META-INF/.taf"));
        assert!(is("*", "a") && is("*/*", "a/b") && is("a*b*c", "aXbYbZc") && is("a", "a") && is("a**", "a"));
        for (pattern, name) in
            [("META-INF/*.taf", "META-INF/x/a.taf"), ("*", "a/b"), ("a*b", "a"), ("a", "ab"), ("", "a")]
        {
            assert!(!is(pattern, name), "{pattern} {name}");
        }
        assert!(is("", ""));
        let many = "*a".repeat(1000) + "b";
        assert!(!is(&many, &"a".repeat(60_000)), "does not go astray");
    }

    #[test]
    fn the_order_is_kept() {
        let text = "schema = 1\n[[mark]]\nname = \"a\"\ndecoder = \"hex\"\nentry = \"x/*\"\n\
                    [[mark]]\nname = \"b\"\ndecoder = \"text\"\nrole = \"test-lab\"\nentry = \"x/y\"\n";
        let profiles = Profiles::parse(text, "p.toml").unwrap();
        assert_eq!(profiles.of_entry(b"x/y").unwrap().name, "a");
        assert_eq!(profiles.iter().last().unwrap().role, Some(Role::TestLab));
        assert_eq!(profiles.of_entry(b"y"), None);
    }
}
