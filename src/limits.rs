//! Caps on what a file may make us do, in one place.
//!
//! Each cap is far above what any honest APK needs and low enough that reaching it is cheap: at the defaults a file is
//! judged in less than two seconds of processor time and 64 MB of memory, apart from the time that its own size takes.
//! A file that exceeds one is judged, with a finding that names the limit; it is never believed beyond it.
//!
//! What is told besides the verdict has caps of its own where it stands, such as how many findings, marks of one kind or
//! pictures: nobody needs them changed. How long one file may take is not here, since evidence is a function of bytes and options.

use std::fmt;

/// A limit by name: for whoever reads it from an option, or lists them all.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limit {
    /// Its name, as options and findings spell it: that of the field, with hyphens.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The lines of its documentation.
    lines: &'static [&'static str],
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Bits.
    Bits,
    /// Things of the kind that its name says.
    Number,
}

impl Limit {
    /// What it is for, in one paragraph.
    pub fn about(&self) -> String {
        let lines = self.lines.iter().map(|line| line.trim()).take_while(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join(" ");
        // Of the other fields it speaks by their names here.
        text.replace("[`Limits::", "").replace("`]", "").replace('`', "").replace('_', "-")
    }

    /// Its value in `limits`.
    pub fn value(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }
}

/// A cap on something, with the name of its limit, if it is one, as a finding names it.
#[derive(Debug, Clone, Copy)]
pub struct Cap {
    pub(crate) most: u64,
    /// None of what nobody can change.
    name: Option<&'static str>,
}

impl Cap {
    /// The limit of that name, one of [`LIMITS`].
    pub(crate) fn new(name: &'static str, most: u64) -> Self {
        Self { most, name: Some(name) }
    }

    /// The same for a number of things.
    pub(crate) fn number(name: &'static str, most: usize) -> Self {
        Self::new(name, most as u64)
    }

    /// What nobody can change.
    pub fn fixed(most: u64) -> Self {
        Self { most, name: None }
    }

    /// `at most 5 bytes (--limit mark=N)`, with `unit` in the place of `bytes`.
    pub(crate) fn in_words(self, unit: &str) -> String {
        format!("at most {}{unit}{}", self.most, Flag(self.name))
    }
}

/// How to change a limit.
pub(crate) struct Flag(pub(crate) Option<&'static str>);

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " (--limit {name}=N)"))
    }
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $field:ident $name:literal: $type:ty = $default:expr, $unit:ident;)+) => {
        /// Caps that no file can exceed. All sizes are in bytes.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// Every limit, in the order of the fields of [`Limits`].
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: $name,
            unit: Unit::$unit,
            lines: &[$($doc),+],
            get: |limits| limits.$field as u64,
            set: |limits, value| limits.$field = <$type>::try_from(value).unwrap_or(<$type>::MAX),
        }),+];
    };
}

limits! {
    /// Central Directory size. 65,535 entries with names of 140 bytes need 12 MB; real ones stay below 8 MB.
    central_directory "central-directory": u64 = 12 << 20, Bytes;
    /// APK Signing Block size, framing included. Real ones stay below 1 MiB; channel packers add a few KiB.
    signing_block "signing-block": u64 = 256 << 20, Bytes;
    /// Pairs in the signing block. Real ones have fewer than ten.
    signing_block_pairs "signing-block-pairs": usize = 65_536, Number;
    /// One pair of the signing block that is parsed as signers. ML-DSA signers with long lineages stay below 1 MiB.
    signing_block_pair "signing-block-pair": u64 = 4 << 20, Bytes;
    /// Inflated size of `META-INF/MANIFEST.MF` and of each `.SF` file. 65,535 entries with names of 100 bytes need 12 MB;
    /// real ones stay below 8 MB.
    jar_manifest "jar-manifest": u64 = 12 << 20, Bytes;
    /// Inflated size of `META-INF/MANIFEST.MF`, all `.SF` files and all signature block files together.
    jar_files "jar-files": u64 = 48 << 20, Bytes;
    /// Sections in `META-INF/MANIFEST.MF` and in each `.SF` file. An archive has at most 65,535 entries.
    jar_sections "jar-sections": usize = 65_536, Number;
    /// Names of entries that are not UTF-8, decoded. An honest archive has none.
    decoded_names "decoded-names": u64 = 4 << 20, Bytes;
    /// Inflated size of all `META-INF/*.RSA|.DSA|.EC` files together. Real ones stay below 16 KiB each.
    signature_block_file "signature-block-file": u64 = 4 << 20, Bytes;
    /// Inflated size of `AndroidManifest.xml`. Real ones stay below 2 MB.
    android_manifest "android-manifest": u64 = 16 << 20, Bytes;
    /// Inflated size of `resources.arsc`. Real ones stay below 40 MB.
    resource_table "resource-table": u64 = 128 << 20, Bytes;
    /// Types, each for one configuration, in one resource table. Real ones have a few thousand.
    resource_types "resource-types": usize = 65_536, Number;
    /// Configurations in which one resource is looked at. Real labels have some hundred: one a language.
    resource_configurations "resource-configurations": usize = 4096, Number;
    /// Types that are looked at to find all texts of one label, or all files of one icon. Real ones need less than
    /// 100,000: a few hundred configurations, each for as many types.
    resource_lookups "resource-lookups": u64 = 1 << 20, Number;
    /// Launcher activities that are described. Apps with a choice of icons have some dozens.
    launcher_activities "launcher-activities": usize = 32, Number;
    /// One mark (signature, list of files) that is read whole; of a larger one the start is looked at.
    mark "mark": u64 = 4 << 20, Bytes;
    /// The text of one channel mark. Real ones stay below 1 KiB; an archive comment has at most 65,535 bytes.
    mark_text "mark-text": u64 = 64 << 10, Bytes;
    /// How many places a file may carry marks in that are looked at. Real ones have fewer than fifty.
    marks "marks": usize = 1024, Number;
    /// Inflated size of all code files together, when they are held against their list. Real ones stay below 1 GiB.
    code_files "code-files": u64 = 4 << 30, Bytes;
    /// Bytes of content that v1 has read and inflated of a file of any size, however small.
    ///
    /// This and what [`Limits::content_ratio`] grants are one budget. Entries that overlap count each time.
    content "content": u64 = 512 << 20, Bytes;
    /// Bytes of content that v1 has read and inflated for each byte of the file, besides [`Limits::content`]. Deflate
    /// reaches 1032; honest APKs stay below 5 as a whole.
    content_ratio "content-ratio": u64 = 16, Number;
    /// APKs and containers in one container that are judged, those of nested ones among them. Those of an app with every language, screen and processor of
    /// its own have a few hundred.
    container_members "container-members": usize = 1024, Number;
    /// How deep containers may stand in containers. Real ones hold APKs, or stand in an archive that somebody sent. Deeper ones
    /// that are called otherwise are not looked for.
    container_depth "container-depth": usize = 2, Number;
    /// Bytes of all members of a container of any size, however small, nested ones included; beside them
    /// [`Limits::content_ratio`] bytes for each byte of the container. Real ones are about as large as their members.
    container_content "container-content": u64 = 128 << 20, Bytes;
    /// How many v1 signature block files or v2 signers are looked at. Android's own cap is 10.
    signers "signers": usize = MAX_SIGNERS, Number;
    /// Signers in one v3 block. Android has no cap of its own; one a release targeted is the design.
    v3_signers "v3-signers": usize = 64, Number;
    /// Digest, signature, certificate or attribute records in one signer.
    records "records": usize = 1024, Number;
    /// Certificates in one PKCS#7 bag.
    pkcs7_certificates "pkcs7-certificates": usize = 256, Number;
    /// `SignerInfo`s in one PKCS#7 file that are tried.
    signer_infos "signer-infos": usize = 64, Number;
    /// What stands before the hash tree of a v4 signature file. Android refuses more than 8096 bytes.
    v4_signature "v4-signature": u64 = 64 << 10, Bytes;
    /// Size of all certificates together that signers and lineages name, each counted once. Real ones stay below
    /// 100 KiB.
    certificates "certificates": u64 = 4 << 20, Bytes;
    /// Signatures that one file has us check, of signers and within lineages.
    ///
    /// The unit is a check with a common key, RSA of up to 4096 bits or P-256, of about 0.3 ms. A key that makes a check
    /// dearer counts for more, as [`KeyKind::cost`](crate::crypto::KeyKind::cost) says: DSA of 3072 bits for 9. Honest
    /// files need fewer than 50.
    signature_checks "signature-checks": u64 = 1000, Number;
    /// Nodes in one proof-of-rotation lineage.
    lineage "lineage": usize = 256, Number;
    /// Depth of nesting of BER elements, as certificates and v1 signatures have them.
    nesting "nesting": usize = 32, Number;
    /// RSA modulus size in bits. BoringSSL's own cap.
    rsa_bits "rsa-bits": usize = 16_384, Bits;
    /// Size of the DSA modulus p in bits. keytool makes keys of up to 3072; BoringSSL's own cap is 10,000.
    dsa_bits "dsa-bits": usize = 8192, Bits;
}

/// Why a limit cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// There is none of that name.
    #[error("there is no limit of that name")]
    Unknown,
    /// It is one that can be lowered alone, or raised so far.
    #[error("expected at most {most}, found {value}: {why}")]
    TooHigh {
        /// The highest value.
        most: u64,
        /// The one that was wanted.
        value: u64,
        /// Why it is the highest.
        why: &'static str,
    },
}

/// Limits that are not raised at will: what lies beyond no Android takes, or would take more stack than there is.
const HIGHEST: [(&str, u64, &str); 5] = [
    ("signers", MAX_SIGNERS as u64, "Android accepts no more"),
    ("rsa-bits", 16_384, "Android accepts no larger key"),
    ("dsa-bits", 10_000, "Android accepts no larger key"),
    ("container-depth", 16, "deeper ones take more stack than a thread has"),
    ("nesting", 128, "deeper ones take more stack than a thread has"),
];

/// So many signers of v1 or v2 Android accepts.
///
/// Source: AOSP `ApkSignatureSchemeV2Verifier` and `StrictJarVerifier`; apksig `V2_SIG_MAX_SIGNATURES_EXCEEDED`.
pub(crate) const MAX_SIGNERS: usize = 10;

impl Limits {
    /// Gives the limit of that name, one of [`LIMITS`], another value.
    ///
    /// # Errors
    /// When there is no limit of that name, or it is not raised that far.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), LimitError> {
        let limit = LIMITS.iter().find(|limit| limit.name == name).ok_or(LimitError::Unknown)?;
        if let Some((_, most, why)) =
            HIGHEST.iter().find(|(highest, most, _)| *highest == name && value > *most)
        {
            return Err(LimitError::TooHigh { most: *most, value, why });
        }
        (limit.set)(self, value);
        Ok(())
    }

    /// The caps on what is read of every file of a scan though no verdict needs it: names and pictures. They fit real apps,
    /// whose resource table has 40 MB at most, some hundred languages and few activities in the launcher, and make a file
    /// that asks for more cheap.
    ///
    /// One that was given another value than its own stays as it is.
    #[must_use]
    pub(crate) fn in_passing(&self) -> Self {
        fn at_most<T: Copy + Ord>(value: T, default: T, most: T) -> T {
            if value == default { value.min(most) } else { value }
        }
        let default = Self::default();
        Self {
            resource_table: at_most(self.resource_table, default.resource_table, 48 << 20),
            resource_configurations: at_most(
                self.resource_configurations,
                default.resource_configurations,
                512,
            ),
            resource_lookups: at_most(self.resource_lookups, default.resource_lookups, 1 << 17),
            launcher_activities: at_most(self.launcher_activities, default.launcher_activities, 8),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_the_name_of_its_field_and_is_set_by_it() {
        let debug = format!("{:?}", Limits::default());
        for limit in LIMITS {
            let field = limit.name.replace('-', "_");
            assert!(
                debug.contains(&format!("{field}: {}", limit.value(&Limits::default()))),
                "{}",
                limit.name
            );
            let mut limits = Limits::default();
            limits.set(limit.name, 7).unwrap();
            assert_eq!(limit.value(&limits), 7);
            let others =
                LIMITS.iter().filter(|other| other.value(&limits) != other.value(&Limits::default()));
            assert_eq!(others.count(), 1, "{}", limit.name);
        }
        assert_eq!(debug.matches(':').count(), LIMITS.len());
        assert_eq!(Limits::default().set("records ", 7), Err(LimitError::Unknown));
    }

    #[test]
    fn names_in_passing_have_tighter_limits_until_somebody_says_otherwise() {
        let passing = Limits::default().in_passing();
        assert_eq!((passing.resource_table, passing.launcher_activities), (48 << 20, 8));
        let mut wide = Limits::default();
        wide.set("resource-table", 256 << 20).unwrap();
        assert_eq!((wide.in_passing().resource_table, wide.in_passing().launcher_activities), (256 << 20, 8));
    }

    #[test]
    fn what_android_refuses_is_not_let_in_by_a_limit() {
        for (name, most, _) in HIGHEST {
            let mut limits = Limits::default();
            assert_eq!(limits.set(name, most), Ok(()), "{name}");
            let refused = limits.set(name, most + 1);
            assert!(matches!(refused, Err(LimitError::TooHigh { most: m, .. }) if m == most), "{name}");
            let limit = LIMITS.iter().find(|limit| limit.name == name).unwrap();
            assert_eq!(limit.value(&limits), most, "{name}");
            assert!(limit.value(&Limits::default()) <= most, "{name}");
        }
        assert_eq!(Limits::default().set("records", u64::MAX), Ok(()));
    }

    /// Names of limits in the sources, where findings are made.
    #[test]
    fn findings_name_limits_that_there_are() {
        fn names(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    names(&path, found);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for start in ["Cap::new(\"", "Cap::number(\"", "Flag(Some(\""] {
                    let rest = text.split(start).skip(1);
                    found.extend(rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
            }
        }
        let mut found = Vec::new();
        names(std::path::Path::new("src"), &mut found);
        // Those of this very test are none.
        found.retain(|name| !name.is_empty() && !name.contains(','));
        assert!(found.len() > 20, "{found:?}");
        for name in found {
            assert!(LIMITS.iter().any(|limit| limit.name == name), "{name}");
        }
    }
}
