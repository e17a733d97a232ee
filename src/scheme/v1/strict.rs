//! Whether Android's own reader takes `MANIFEST.MF` and signature files as apksig takes them.
//!
//! Everything else here goes by apksig's reading. Where Android refuses what apksig takes, or takes another value from
//! it, the signature cannot be said to hold.
//!
//! Source: AOSP frameworks/base `StrictJarVerifier`, libcore `JarVerifier` before Android 7.

use std::borrow::Cow;

use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::ParseError;
use crate::format::jar::Manifest;
use crate::format::jar::Section;
use crate::format::strict_jar;
use crate::format::strict_jar::Reader;

/// Which file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    Manifest,
    SignatureFile,
}

/// Compares the two readings of a file; none when they agree on all that verification looks at.
pub(super) fn check(bytes: &[u8], file: File) -> Option<Finding> {
    match compare(bytes, file) {
        Ok(difference) => difference,
        Err(error) => Some(Finding::new(FindingCode::V1MalformedManifest).detail(error.to_string())),
    }
}

fn compare(bytes: &[u8], file: File) -> Result<Option<Finding>, ParseError> {
    let manifest = Manifest::parse(bytes);
    let mut strict = Reader::new(bytes);
    let mut part = match file {
        // Nobody looks at what the main section of the manifest says.
        File::Manifest => Part::Nothing,
        File::SignatureFile => Part::Main,
    };
    let mut name = None;
    let mut sections = manifest.main().into_iter().chain(manifest.sections());
    loop {
        let android = values_for_android(&mut strict, part)?;
        let apksig = sections.next();
        if let Some(finding) =
            difference(&android, &values_for_apksig(apksig.as_ref(), part), name.as_deref())
        {
            return Ok(Some(finding));
        }
        part = Part::Entry;
        let at = strict.offset();
        let first = strict.next_attribute()?;
        let expected = sections.clone().next();
        let Some(first) = first else {
            return Ok(expected.map(|section| {
                let name = section.name().unwrap_or_default().into_owned();
                ambiguous("Name", Some(&name)).values(shown(&name), "no such section")
            }));
        };
        if !first.name.eq_ignore_ascii_case("Name") {
            let message = format!("a section that begins with {}, not with Name", first.name);
            return Err(ParseError::invalid("manifest", at, message));
        }
        let own = String::from_utf8_lossy(&first.value).into_owned();
        let theirs = expected.and_then(|section| section.name());
        if theirs.as_deref() != Some(&own) {
            let theirs = theirs.map_or_else(|| "no such section".to_owned(), |name| shown(&name));
            return Ok(Some(ambiguous("Name", None).values(theirs, shown(&own))));
        }
        name = Some(own);
    }
}

/// What verification looks at in a section.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Main,
    Entry,
}

const ALGORITHMS: [&str; 7] = ["SHA-512", "SHA-384", "SHA-256", "SHA1", "SHA-1", "SHA", "MD5"];
/// Behind the name of an algorithm; those after the first stand in the main section alone.
const SUFFIXES: [&str; 3] = ["-Digest", "-Digest-Manifest", "-Digest-Manifest-Main-Attributes"];
/// Those after the first stand in the main section alone.
const OTHERS: [&str; 4] = ["Digest-Algorithms", "Signature-Version", "Created-By", "X-Android-APK-Signed"];
const PLACES: usize = ALGORITHMS.len() * SUFFIXES.len() + OTHERS.len();

/// The values of a section that verification looks at.
type Values<'a> = [Option<Cow<'a, str>>; PLACES];

/// Where the value of an attribute stands among [`Values`].
fn place(name: &str, part: Part) -> Option<usize> {
    let looked_at = match part {
        Part::Nothing => return None,
        Part::Entry => 1,
        Part::Main => usize::MAX,
    };
    for (index, suffix) in SUFFIXES.iter().enumerate().take(looked_at) {
        let Some(at) = name.len().checked_sub(suffix.len()) else { continue };
        let Some((algorithm, rest)) = name.split_at_checked(at) else { continue };
        if rest.eq_ignore_ascii_case(suffix) {
            let algorithm = ALGORITHMS.iter().position(|known| known.eq_ignore_ascii_case(algorithm))?;
            return Some(index * ALGORITHMS.len() + algorithm);
        }
    }
    let other = OTHERS.iter().take(looked_at).position(|known| known.eq_ignore_ascii_case(name))?;
    Some(ALGORITHMS.len() * SUFFIXES.len() + other)
}

/// The name of the attribute at a place.
fn name_of(place: usize) -> String {
    let (suffix, algorithm) = (place / ALGORITHMS.len(), place % ALGORITHMS.len());
    match (SUFFIXES.get(suffix), ALGORITHMS.get(algorithm)) {
        (Some(suffix), Some(algorithm)) => format!("{algorithm}{suffix}"),
        _ => OTHERS.get(algorithm).copied().unwrap_or_default().to_owned(),
    }
}

/// Android puts the attributes of a section into a map, so the last one counts. Reads to the end of the section.
fn values_for_android<'a>(strict: &mut Reader<'a>, part: Part) -> Result<Values<'a>, ParseError> {
    let mut values = Values::default();
    while let Some(strict_jar::Attribute { name, value }) = strict.next_attribute()? {
        if let Some(slot) = place(name, part).and_then(|place| values.get_mut(place)) {
            *slot = Some(match value {
                Cow::Borrowed(value) => String::from_utf8_lossy(value),
                Cow::Owned(value) => Cow::Owned(String::from_utf8_lossy(&value).into_owned()),
            });
        }
    }
    Ok(values)
}

/// apksig looks for the first attribute of a name.
fn values_for_apksig<'a>(section: Option<&Section<'a>>, part: Part) -> Values<'a> {
    let mut values = Values::default();
    for attribute in section.into_iter().flat_map(Section::attributes) {
        if let Some(slot) = place(&attribute.name, part).and_then(|place| values.get_mut(place)) {
            slot.get_or_insert(attribute.value);
        }
    }
    values
}

fn difference(android: &Values<'_>, apksig: &Values<'_>, section: Option<&str>) -> Option<Finding> {
    let differs = android.iter().zip(apksig).position(|(android, apksig)| android != apksig)?;
    let value = |values: &Values<'_>| match values.get(differs) {
        Some(Some(value)) => shown(value),
        _ => "none".to_owned(),
    };
    Some(ambiguous(&name_of(differs), section).values(value(apksig), value(android)))
}

fn ambiguous(attribute: &str, section: Option<&str>) -> Finding {
    let section = section.map(|name| format!(" in the section of {}", shown(name))).unwrap_or_default();
    Finding::new(FindingCode::V1AmbiguousAttribute).detail(format!("{attribute}{section}"))
}

/// As much of a text as helps to find it.
fn shown(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, file: File) -> Option<&'static str> {
        check(text.as_bytes(), file).map(|finding| finding.code.as_str())
    }

    #[test]
    fn every_place_has_the_name_that_leads_there() {
        for at in 0..PLACES {
            assert_eq!(place(&name_of(at), Part::Main), Some(at), "{}", name_of(at));
        }
        assert_eq!(place("sha-256-digest", Part::Entry), place("SHA-256-Digest", Part::Main));
        for name in ["SHA-256-Digest-Manifest", "Created-By", "X-Digest", "-Digest", "Name", ""] {
            assert_eq!(place(name, Part::Entry), None, "{name}");
        }
    }

    #[test]
    fn what_both_read_alike_is_fine() {
        let entry = "Name: a\r\nSHA-256-Digest: AA\r\n==\r\n\r\n";
        for text in [
            "",
            "\n\n",
            "Manifest-Version: 1.0\n\n",
            "Manifest-Version: 1.0\n\n\n\nName: a\nSHA1-Digest: A\n\n\n",
            "Manifest-Version: 1.0\nX: 1\nX: 2\n\nName: a\nX: 1\nX: 2\nSHA1-Digest: A\nSHA1-Digest: A\n\n",
            "Manifest-Version: 1.0\n\nName: a\nSHA1-Digest: A\nMagic: lost",
            "Manifest-Version: 1.0\n\nName: a\nSHA1-\n",
        ] {
            assert_eq!(code(text, File::SignatureFile), None, "{text:?}");
            assert_eq!(code(text, File::Manifest), None, "{text:?}");
        }
        let _ = entry;
    }

    #[test]
    fn what_android_reads_otherwise_is_told() {
        for text in [
            "A: 1\n\nName: a\nSHA1-Digest: A\nsha1-digest: B\n\n",
            "A: 1\n\nName: a\nSHA1-Digest: A",
            "A: 1\n\nName: a\nDigest-Algorithms: SHA1\nDigest-Algorithms: MD5\n\n",
            "A: 1\n\nName: a",
            "A: 1\n\nName: a\nX: 1\r 2\nSHA1-Digest: A\n\n",
            "A: 1\n\nName: a\nX: 1\r 2\n\nName: b\n\n",
        ] {
            assert_eq!(code(text, File::Manifest), Some("v1-ambiguous-attribute"), "{text:?}");
            assert_eq!(code(text, File::SignatureFile), Some("v1-ambiguous-attribute"), "{text:?}");
        }
        for attribute in ["X-Android-APK-Signed", "SHA-256-Digest-Manifest", "Created-By"] {
            let text = format!("{attribute}: 1\n{attribute}: 2\n\n");
            assert_eq!(code(&text, File::SignatureFile), Some("v1-ambiguous-attribute"));
            assert_eq!(code(&text, File::Manifest), None);
        }
        assert_eq!(code("A: 1\n\nName: a\nA b: 1\n\n", File::Manifest), Some("v1-malformed-manifest"));
        // Of the main section nobody takes anything, but Android refuses the file for it; apksig has no such rule.
        let main = |name: &str| code(&format!("{name}: 1.0\n\nName: a\nSHA1-Digest: A\n\n"), File::Manifest);
        assert_eq!(main("Manifest-Wersion"), None);
        for refused in
            ["Manifest-W\u{5}rsion", "Manifest-Wersion\0", "Manifest Wersion", "Manifest-Wérsion", ""]
        {
            assert_eq!(main(refused), Some("v1-malformed-manifest"), "{refused:?}");
        }
        assert_eq!(code("A: 1\n\nX: a\nName: b\n\n", File::Manifest), Some("v1-malformed-manifest"));
    }
}
