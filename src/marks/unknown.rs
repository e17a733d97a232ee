//! Places that nobody has published anything about: what stands there, told by its look.

use std::collections::HashSet;

use data_encoding::HEXLOWER;

use super::Content;
use super::Mark;
use super::Reading;
use super::certificate;
use super::cms;
use super::cms::Cms;
use super::json_signature;
use crate::apk::Stop;
use crate::format::jws::Jws;
use crate::format::shape::Shape;

/// So many bytes are looked at to tell a shape.
pub(super) const START: u64 = 4096;
/// So many bytes of what is no text are shown.
const SHOWN: usize = 32;

impl Reading<'_> {
    /// Looks at something unknown.
    pub(super) fn unknown(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        let start = self.start(content, START)?;
        self.look(mark, content, &start)
    }

    fn look(&self, mark: &mut Mark, content: Content<'_>, start: &[u8]) -> Result<(), Stop> {
        let shape = Shape::of(start, mark.size);
        mark.looks_like = Some(shape);
        if shape.is_signature() {
            mark.present("a signature, it seems; nothing tells what it is over");
        }
        let whole = match shape {
            Shape::Cms | Shape::GmCms | Shape::Jws | Shape::X509 => {
                self.whole(content, self.limits().mark)?
            }
            _ => None,
        };
        match (shape, whole) {
            (Shape::Empty | Shape::Zeros, _) => {}
            (Shape::Cms | Shape::GmCms, Some(value)) => {
                if let Ok(cms) = Cms::parse(&value, self.limits()) {
                    cms::describe(mark, &cms, self.limits());
                }
            }
            (Shape::Jws, Some(value)) => {
                if let Ok(jws) = Jws::parse(&value) {
                    json_signature::describe(mark, &jws, self.limits());
                }
            }
            (Shape::X509, Some(value)) => {
                if let Ok(certificate) = certificate(&value, self.limits()) {
                    mark.push("subject", certificate.subject());
                    mark.push("sha256", certificate.digest().to_string());
                }
            }
            (Shape::Json | Shape::Pem | Shape::Text, _) => {
                // A character may be cut at the end of the start.
                mark.push("text", String::from_utf8_lossy(start).trim_end_matches('\u{fffd}'));
            }
            _ => mark.push("starts-with", HEXLOWER.encode(start.get(..SHOWN).unwrap_or(start))),
        }
        Ok(())
    }

    /// A file of `META-INF/`; `file` is its name behind that. What builds leave there is no mark, unless it holds
    /// something else than it should.
    pub(super) fn unknown_entry(
        &mut self,
        file: &[u8],
        content: Content<'_>,
        make: impl FnOnce() -> Mark,
    ) -> Result<(), Stop> {
        if !self.looks.take() {
            self.marks.left_out = self.marks.left_out.saturating_add(1);
            return Ok(());
        }
        let start = match self.start(content, START) {
            Ok(start) => start,
            Err(Stop::Malformed(_)) if is_usual(file) => return Ok(()),
            Err(Stop::Malformed(finding)) => return self.add(make(), |_, _| Err(Stop::Malformed(finding))),
            Err(stop) => return Err(stop),
        };
        let shape = Shape::of(&start, content.len());
        let odd = shape.is_signature()
            || matches!(shape, Shape::X509 | Shape::Pem | Shape::Zip | Shape::Dex | Shape::Elf);
        if is_usual(file) && !odd {
            return Ok(());
        }
        self.add(make(), |reading, mark| reading.look(mark, content, &start))
    }
}

/// Whether `file`, without its folder `META-INF/`, is a part of a JAR signature.
pub(super) fn is_jar_signature(file: &[u8], names: &HashSet<&[u8]>) -> bool {
    let with =
        |stem: &[u8], suffix: &[u8]| names.contains([&b"META-INF/"[..], stem, suffix].concat().as_slice());
    let blocks: [&[u8]; 3] = [b".RSA", b".DSA", b".EC"];
    if file == b"MANIFEST.MF" {
        return true;
    }
    match file.strip_suffix(b".SF") {
        Some(stem) => blocks.iter().any(|suffix| with(stem, suffix)),
        None => blocks.iter().any(|suffix| file.strip_suffix(*suffix).is_some_and(|stem| with(stem, b".SF"))),
    }
}

/// What builds leave in `META-INF/`, so that nobody needs to look at it: names or starts of them that end in `/`.
///
/// Source: Android Gradle Plugin (app metadata, version control), kotlinc (modules), AndroidX (versions), the JAR
/// specification (services, versions, index), Maven, R8.
const USUAL: &[&[u8]] = &[
    b"INDEX.LIST",
    b"androidx/",
    b"com.android.tools/",
    b"com/android/build/gradle/app-metadata.properties",
    b"maven/",
    b"native-image/",
    b"proguard/",
    b"services/",
    b"version-control-info.textproto",
    b"versions/",
];
const USUAL_ENDS: &[&[u8]] = &[b".kotlin_module", b".version"];
/// Licences and notices of libraries, whatever they end with.
const USUAL_STARTS: &[&[u8]] = &[b"AL2.0", b"DEPENDENCIES", b"LGPL2.1", b"LICENSE", b"NOTICE", b"README"];

fn is_usual(file: &[u8]) -> bool {
    USUAL.iter().any(|usual| if usual.ends_with(b"/") { file.starts_with(usual) } else { file == *usual })
        || USUAL_ENDS.iter().any(|end| file.ends_with(end))
        || USUAL_STARTS.iter().any(|start| file.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_signature_has_both_its_files() {
        let names: HashSet<&[u8]> =
            [&b"META-INF/CERT.SF"[..], b"META-INF/CERT.RSA", b"META-INF/A.EC", b"META-INF/B.SF"].into();
        for file in [&b"MANIFEST.MF"[..], b"CERT.SF", b"CERT.RSA"] {
            assert!(is_jar_signature(file, &names));
        }
        for file in [&b"A.EC"[..], b"B.SF", b"CERT.rsa", b"CERT", b"x/MANIFEST.MF"] {
            assert!(!is_jar_signature(file, &names));
        }
    }

    #[test]
    fn knows_what_builds_leave() {
        for file in ["services/a.B", "androidx.core_core.version", "app_release.kotlin_module", "LICENSE.txt"]
        {
            assert!(is_usual(file.as_bytes()), "{file}");
        }
        for file in ["services", "sign.taf", "xservices/a", "a.version.taf"] {
            assert!(!is_usual(file.as_bytes()), "{file}");
        }
    }
}
