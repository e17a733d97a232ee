//! Code transparency: whether the code in this APK is what the developer listed and signed.
//!
//! The rule is bundletool's: every entry that ends in `.dex` has a digest that is listed for some bytecode, whatever
//! its name, and every entry that ends in `.so` has the digest that is listed for its path. Files that are listed and
//! not here belong to other splits. The signature survives a store that signs the APK with a key of its own; it says
//! nothing of manifest, resources and other files.
//!
//! Source: bundletool `ApkTransparencyCheckUtils`, `CodeTransparencyCryptoUtils`, `CodeTransparencyVersion`.

use std::collections::HashMap;
use std::collections::HashSet;

use data_encoding::HEXLOWER;

use super::Content;
use super::Coverage;
use super::Mark;
use super::Reading;
use super::json_signature;
use super::json_signature::Fault;
use crate::apk::Stop;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::code_transparency::CodeKind;
use crate::format::code_transparency::CodeTransparency;
use crate::format::code_transparency::NEWEST_VERSION;
use crate::format::jws::Jws;
use crate::format::zip::DirectoryRecord;
use crate::identity::Certificate;

/// Where the file stands: as bundletool writes it, and as Meta does.
pub(super) const NAMES: [&[u8]; 2] =
    [b"META-INF/code_transparency_signed.jwt", b"assets/fb_code_transparency_signed.jwt"];

/// The one algorithm that bundletool takes.
const ALGORITHM: &str = "RS256";
/// How many times larger than the APK its code files may be together. Bytecode and libraries deflate to a third.
const MAX_RATIO: u64 = 64;
/// So many files are named one by one.
const NAMED_FILES: usize = 100;

impl Reading<'_> {
    /// Verifies the signature, then holds the code files against the list.
    pub(super) fn transparency(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        let value = match self.whole_signed(mark, content) {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(()),
            Err(Stop::Malformed(finding)) => {
                mark.malformed(FindingCode::CodeTransparencyMalformed, finding.message());
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let jws = match Jws::parse(&value) {
            Ok(jws) => jws,
            Err(error) => {
                mark.malformed(FindingCode::CodeTransparencyMalformed, error.to_string());
                return Ok(());
            }
        };
        json_signature::describe(mark, &jws, self.limits());
        if jws.algorithm != ALGORITHM {
            let finding = mark.finding(FindingCode::CodeTransparencySignatureMismatch);
            mark.broken(finding.detail("signature algorithm").values(ALGORITHM, jws.algorithm));
            return Ok(());
        }
        let signer = match json_signature::verify(&jws, &self.checks, self.limits()) {
            Ok(signer) => signer,
            Err(Fault::Unknown(reason)) => {
                mark.present(reason);
                return Ok(());
            }
            Err(Fault::Malformed(detail)) => {
                mark.malformed(FindingCode::CodeTransparencyMalformed, detail);
                return Ok(());
            }
            Err(Fault::Mismatch(detail)) => {
                mark.malformed(FindingCode::CodeTransparencySignatureMismatch, detail);
                return Ok(());
            }
        };
        let list = match CodeTransparency::parse(&jws.payload) {
            Ok(list) => list,
            Err(error) => {
                mark.malformed(FindingCode::CodeTransparencyMalformed, error.to_string());
                return Ok(());
            }
        };
        self.compare(mark, &list, signer)
    }

    fn compare(&self, mark: &mut Mark, list: &CodeTransparency, signer: Certificate) -> Result<(), Stop> {
        mark.push("version", list.version.to_string());
        mark.push("listed-files", list.files.len().to_string());
        if !list.unknown_fields.is_empty() {
            let names = list.unknown_fields.join(", ");
            mark.present(format!(
                "its signature verifies; its list has fields that are not known here: {names}"
            ));
            return Ok(());
        }
        if !(0..=NEWEST_VERSION).contains(&list.version) {
            let version = list.version;
            mark.present(format!("its signature verifies; version {version} of the list is not known here"));
            return Ok(());
        }
        let listed = match Listed::of(list) {
            Ok(listed) => listed,
            Err(path) => {
                mark.malformed(FindingCode::CodeTransparencyMalformed, format!("{path} is listed twice"));
                return Ok(());
            }
        };
        let code = match self.code_files()? {
            CodeFiles::Digested(code) => code,
            CodeFiles::TooLarge { size, limit } => {
                mark.present(format!(
                    "its signature verifies; its code files of {size} bytes are more than {limit}"
                ));
                return Ok(());
            }
        };
        mark.push("code-files", code.len().to_string());
        let mut wrong = 0_usize;
        for file in code {
            if let Some(finding) = compare_file(file, &listed) {
                wrong = wrong.saturating_add(1);
                if wrong <= NAMED_FILES {
                    mark.broken(finding);
                }
            }
        }
        if wrong > NAMED_FILES {
            mark.push("wrong-files", wrong.to_string());
        }
        if code.is_empty() {
            // bundletool is content with this; but whoever copies the file into an APK without code would be, too.
            mark.present("its signature verifies; there is no code file here that it could speak for");
        } else if wrong == 0 {
            mark.verified(Coverage::Code, vec![signer]);
        }
        Ok(())
    }

    /// The code files, digested on the first call: a file may carry any number of lists.
    fn code_files(&self) -> Result<&CodeFiles, Stop> {
        if let Some(code) = self.code.get() {
            return Ok(code);
        }
        let directory = self.apk.directory()?;
        let is_code = |record: &&DirectoryRecord| {
            let name = directory.name(record);
            name.ends_with(b".dex") || name.ends_with(b".so")
        };
        let records: Vec<&DirectoryRecord> = directory.records().iter().filter(is_code).collect();
        let size: u64 = records.iter().map(|record| u64::from(record.uncompressed_size)).sum();
        // Code is not more than a few times smaller when it is deflated: what claims to be is a bomb.
        let in_proportion = self.apk.source().len().saturating_mul(MAX_RATIO).saturating_add(1 << 20);
        let limit = self.limits().code_files.min(in_proportion);
        if size > limit {
            return Ok(self.code.get_or_init(|| CodeFiles::TooLarge { size, limit }));
        }
        let mut files = Vec::new();
        for record in records {
            let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
            let digest = match self.apk.read_entry(record, &mut |piece| hasher.update(piece)) {
                Ok(()) => Ok(HEXLOWER.encode(&hasher.finish())),
                Err(Stop::Malformed(fault)) => Err(fault.message()),
                Err(stop) => return Err(stop),
            };
            let name = String::from_utf8_lossy(directory.name(record)).into_owned();
            files.push(CodeFile { name, digest });
        }
        Ok(self.code.get_or_init(|| CodeFiles::Digested(files)))
    }
}

/// The code files of an APK.
pub(super) enum CodeFiles {
    Digested(Vec<CodeFile>),
    /// More than are digested, in bytes.
    TooLarge {
        size: u64,
        limit: u64,
    },
}

/// One code file: its name, and SHA-256 in hexadecimal or why it cannot be read.
pub(super) struct CodeFile {
    name: String,
    digest: Result<String, String>,
}

/// What is wrong with one code file.
fn compare_file(file: &CodeFile, listed: &Listed<'_>) -> Option<Finding> {
    let name = file.name.as_str();
    let finding = |code| Finding::new(code).entry(name);
    let actual = match &file.digest {
        Ok(digest) => digest.as_str(),
        Err(fault) => {
            return Some(finding(FindingCode::CodeTransparencyFileMismatch).detail(fault.as_str()));
        }
    };
    let expected = if name.as_bytes().ends_with(b".dex") {
        if listed.dex.contains(actual) {
            return None;
        }
        // Bytecode goes by its digest alone; the name in the bundle is a help for people.
        listed.dex_by_name.get(name).copied()
    } else {
        listed.libraries.get(name).copied()
    };
    match expected {
        Some(expected) if expected == actual => None,
        Some(expected) => Some(finding(FindingCode::CodeTransparencyFileMismatch).values(expected, actual)),
        None => {
            Some(finding(FindingCode::CodeTransparencyFileUnlisted).values("a file that is listed", actual))
        }
    }
}

/// The list, in the forms in which it is looked up. Digests are in lower case, as they are compared.
struct Listed<'a> {
    dex: HashSet<&'a str>,
    dex_by_name: HashMap<&'a str, &'a str>,
    libraries: HashMap<&'a str, &'a str>,
}

impl<'a> Listed<'a> {
    /// A library that is listed twice makes the list useless: its path is given.
    fn of(list: &'a CodeTransparency) -> Result<Self, &'a str> {
        let mut listed = Self { dex: HashSet::new(), dex_by_name: HashMap::new(), libraries: HashMap::new() };
        for file in &list.files {
            match file.kind {
                CodeKind::Dex => {
                    listed.dex.insert(&file.sha256);
                    let name = file.path.rsplit('/').next().unwrap_or_default();
                    listed.dex_by_name.insert(name, &file.sha256);
                }
                CodeKind::NativeLibrary => {
                    if listed.libraries.insert(&file.apk_path, &file.sha256).is_some() {
                        return Err(&file.apk_path);
                    }
                }
                CodeKind::Unspecified => {}
            }
        }
        Ok(listed)
    }
}
