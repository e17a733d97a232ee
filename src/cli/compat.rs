//! apksigner's command line, for scripts that call it: its grammar, its streams, its exit status.
//!
//! The grammar is apksigner's own: `--name value` or `--name=value`, `-name value` without `=`, switches with an
//! optional `true` or `false` behind them, options before the one APK. Source: behaviour of apksigner 31.0.2.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Error;
use apkvouch::Idsig;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::identity::CertificateDigest;
use apkvouch::report::apksigner;
use apkvouch::report::apksigner::Generation;
use apkvouch::report::escape;
use apkvouch::source::FileSource;
use apkvouch::verify::StampVerification;
use apkvouch::verify::verify_source_stamp;

use super::lineage;

const HELP: &str = "\
Usage: apksigner verify [options] apk
       apksigner lineage [options]
       apksigner --version
       apksigner --help

This is apkvouch answering as apksigner. It checks signatures; to sign, use Android's own apksigner.

  verify   Check whether the APK verifies on Android
  lineage  Show the certificates in a lineage
  version  Show the version of the interface, and exit
  help     Show this page, and exit
";

const VERIFY_HELP: &str = "\
Usage: apksigner verify [options] apk

Checks whether the APK verifies on every Android version that it supports, from the minSdkVersion of
its manifest on. Options stand before the APK.

  --print-certs           Show the signing certificates
  --print-certs-pem       Show them with their PEM form
  -v, --verbose           Show which schemes verified, and keys
  --min-sdk-version N     Lowest API level to verify for
  --max-sdk-version N     Highest API level to verify for
  -Werr                   Fail on warnings
  --in FILE               The APK, instead of the last argument
  --verify-source-stamp   Check the source stamp alone: whether it verifies over what the signers sign
  --stamp-cert-digest HEX With it: SHA-256 of the certificate that the stamp must be by
  -h, --help              Show this page, and exit

Exit status: 0 verified, 1 not verified or an error.
";

const NOT_A_SIGNER: &str = "\
This is apkvouch answering as apksigner. It checks signatures; to sign, use Android's own apksigner,
which tells what its options are.
";

/// A call in apksigner's language.
pub(super) struct Invocation {
    generation: Result<Generation, String>,
    arguments: Vec<OsString>,
}

/// Whether the program is called as apksigner: by that name, or with `--compat`.
pub(super) fn invocation(arguments: &[OsString]) -> Option<Invocation> {
    let (program, rest) = arguments.split_first()?;
    let named = Path::new(program).file_stem() == Some(OsStr::new("apksigner"));
    let mut generation = Ok(Generation::default());
    let mut asked = named;
    let mut kept = Vec::with_capacity(rest.len());
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_str().unwrap_or_default();
        let name = if text == "--compat" {
            rest.next().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
        } else if let Some(value) = text.strip_prefix("--compat=") {
            value.to_owned()
        } else {
            kept.push(argument.clone());
            if argument == "--" {
                break;
            }
            continue;
        };
        asked = true;
        generation = Generation::parse(&name).ok_or(name);
    }
    kept.extend(rest.cloned());
    asked.then_some(Invocation { generation, arguments: kept })
}

/// Runs it and gives the exit status.
pub(super) fn run(invocation: Invocation) -> u8 {
    let mut out = BufWriter::new(io::stdout());
    let mut err = io::stderr();
    let done = command(invocation, &mut out, &mut err).and_then(|code| out.flush().map(|()| code));
    // apksigner knows no other status than 1 for what goes wrong.
    done.unwrap_or(1)
}

fn command(invocation: Invocation, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let generation = match invocation.generation {
        Ok(generation) => generation,
        Err(name) => {
            let name = escape::visible(&name).into_owned();
            writeln!(
                err,
                "apkvouch: --compat {name}: expected apksigner, apksigner=31, apksigner=36 or apksigner=37"
            )?;
            return Ok(2);
        }
    };
    let (command, arguments) = match invocation.arguments.split_first() {
        Some((command, arguments)) => (command.to_string_lossy().into_owned(), arguments),
        None => ("help".to_owned(), &[][..]),
    };
    match command.as_str() {
        "help" | "--help" | "-h" => out.write_all(HELP.as_bytes()).map(|()| 0),
        "version" | "--version" => writeln!(out, "0.9").map(|()| 0),
        "verify" if arguments.is_empty() => out.write_all(VERIFY_HELP.as_bytes()).map(|()| 0),
        "verify" => match parse(arguments, generation) {
            Ok(Some(request)) => verify(&request, out, err),
            Ok(None) => out.write_all(VERIFY_HELP.as_bytes()).map(|()| 0),
            Err(message) => writeln!(err, "{}", escape::visible(&message)).map(|()| 1),
        },
        "lineage" => match lineage::run(arguments, generation, out)? {
            Ok(()) => Ok(0),
            Err(message) => writeln!(err, "{}", escape::visible(&message)).map(|()| 1),
        },
        "sign" | "rotate" if wants_help(arguments) => {
            writeln!(out, "Usage: apksigner {command} [options]\n\n{}", NOT_A_SIGNER.trim_end()).map(|()| 0)
        }
        "sign" | "rotate" => {
            writeln!(err, "apkvouch does not {command}: use Android's own apksigner").map(|()| 1)
        }
        _ => {
            let command = escape::visible(&command).into_owned();
            writeln!(err, "Unsupported command: {command}. See --help for supported commands").map(|()| 1)
        }
    }
}

/// Whether apksigner would show the help page of a command that is not ours: without arguments, and where its options
/// ask for it. What stands behind an option may be its value.
fn wants_help(arguments: &[OsString]) -> bool {
    let mut value_may_follow = false;
    for argument in arguments.iter().map(|argument| argument.to_string_lossy()) {
        match argument.as_ref() {
            "-h" | "--h" | "-help" | "--help" => return true,
            "--" => return false,
            option if option.starts_with('-') => value_may_follow = true,
            _ if value_may_follow => value_may_follow = false,
            _ => return false,
        }
    }
    arguments.is_empty()
}

/// What `verify` is asked for.
struct Request {
    apk: PathBuf,
    /// Only what is named counts, not what stands beside the APK.
    idsig: Option<PathBuf>,
    min_sdk: Option<i32>,
    max_sdk: Option<i32>,
    /// To look at the source stamp alone.
    stamp: Option<StampRequest>,
    print: apksigner::Options,
}

struct StampRequest {
    /// The digest of the certificate to expect, as it was written.
    digest: Option<String>,
}

/// The request; none when help is asked for; or what apksigner says is wrong.
fn parse(arguments: &[OsString], generation: Generation) -> Result<Option<Request>, String> {
    let mut options = Options::new(arguments);
    let mut print = apksigner::Options::default();
    print.generation = generation;
    let (mut apk, mut idsig, mut min_sdk, mut max_sdk) = (None, None, None, None);
    let (mut stamp_alone, mut stamp_digest) = (false, None);
    while let Some(name) = options.next() {
        match name.as_str() {
            "help" | "h" => return Ok(None),
            "verbose" | "v" => print.verbose = options.switch()?,
            "print-certs" => print.certificates = options.switch()?,
            "print-certs-pem" if generation > Generation::V31 => {
                print.pem = options.switch()?;
                print.certificates |= print.pem;
            }
            "Werr" => print.warnings_are_errors = options.switch()?,
            // The misspelling is apksigner's.
            "min-sdk-version" => min_sdk = Some(options.number("Mininimum API Level")?),
            "max-sdk-version" => max_sdk = Some(options.number("Maximum API Level")?),
            "in" => apk = Some(PathBuf::from(options.value("Input APK file")?)),
            "verify-source-stamp" => stamp_alone = options.switch()?,
            "stamp-cert-digest" => {
                let text = options.value("Expected source stamp certificate digest")?;
                stamp_digest = Some(text.to_string_lossy().into_owned());
            }
            // Not on apksigner's help page either.
            "v4-signature-file" => idsig = Some(PathBuf::from(options.value("Input V4 Signature File")?)),
            _ => {
                return Err(options.unsupported());
            }
        }
    }
    let rest = options.rest();
    let mut rest = rest.iter().map(|argument| argument.to_string_lossy());
    let apk = match (apk, rest.next()) {
        (Some(_), Some(extra)) => {
            return Err(format!("Unexpected parameter(s) after {}: {extra}", options.form));
        }
        (None, None) => return Err("Missing APK".to_owned()),
        (Some(apk), None) => apk,
        (None, Some(_)) => options.rest().first().map(PathBuf::from).unwrap_or_default(),
    };
    if let Some(extra) = rest.next() {
        return Err(format!("Unexpected parameter(s) after APK ({extra})"));
    }
    if let (Some(min), Some(max)) = (min_sdk, max_sdk)
        && min > max
    {
        return Err(format!("Min API Level ({min}) > max API Level ({max})"));
    }
    if let Some(idsig) = idsig.as_ref().filter(|idsig| !idsig.exists()) {
        let path = std::path::absolute(idsig).unwrap_or_else(|_| idsig.clone());
        return Err(format!("V4 signature file does not exist: {}", path.display()));
    }
    let stamp = stamp_alone.then_some(StampRequest { digest: stamp_digest });
    Ok(Some(Request { apk, idsig, min_sdk, max_sdk, stamp, print }))
}

/// apksigner's options, one after another.
pub(super) struct Options<'a> {
    arguments: &'a [OsString],
    /// The option as it was written, without a value behind `=`.
    form: String,
    inline: Option<String>,
}

impl<'a> Options<'a> {
    pub(super) fn new(arguments: &'a [OsString]) -> Self {
        Self { arguments, form: String::new(), inline: None }
    }

    /// The name of the next option; none when what follows is no option.
    pub(super) fn next(&mut self) -> Option<String> {
        let (first, rest) = self.arguments.split_first()?;
        let first = first.to_string_lossy();
        let (dash, name) = match (first.strip_prefix("--"), first.strip_prefix('-')) {
            (Some(name), _) => ("--", name),
            (None, Some(name)) => ("-", name),
            (None, None) => return None,
        };
        let (dash, name) = (dash, name.to_owned());
        self.arguments = rest;
        if dash == "--" && name.is_empty() {
            return None;
        }
        // Only behind two dashes does `=` begin a value.
        let (name, inline) = match name.split_once('=') {
            Some((name, value)) if dash == "--" => (name.to_owned(), Some(value.to_owned())),
            _ => (name, None),
        };
        self.form = format!("{dash}{name}");
        self.inline = inline;
        Some(name)
    }

    pub(super) fn value(&mut self, what: &str) -> Result<OsString, String> {
        if let Some(inline) = self.inline.take() {
            return Ok(inline.into());
        }
        let Some((first, rest)) = self.arguments.split_first() else {
            return Err(format!("{what} missing after {}", self.form));
        };
        self.arguments = rest;
        Ok(first.clone())
    }

    /// What apksigner says of an option that it does not know: the one that was read last.
    pub(super) fn unsupported(&self) -> String {
        format!("Unsupported option: {}. See --help for supported options.", self.form)
    }

    fn number(&mut self, what: &str) -> Result<i32, String> {
        let text = self.value(what)?.to_string_lossy().into_owned();
        text.parse().map_err(|_| format!("{what} ({}) must be a decimal number: {text}", self.form))
    }

    pub(super) fn switch(&mut self) -> Result<bool, String> {
        if let Some(inline) = self.inline.take() {
            return inline.parse().map_err(|_| {
                format!("Unsupported value for {}: {inline}. Only true or false supported.", self.form)
            });
        }
        let given = self.arguments.first().and_then(|argument| argument.to_str()?.parse().ok());
        if given.is_some() {
            self.arguments = self.arguments.split_first().map_or(&[], |(_, rest)| rest);
        }
        Ok(given.unwrap_or(true))
    }

    /// What is left; one `--` in front is dropped, even behind one that ended the options.
    fn rest(&self) -> &'a [OsString] {
        match self.arguments.split_first() {
            Some((first, rest)) if first == "--" => rest,
            _ => self.arguments,
        }
    }
}

fn verify(request: &Request, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let seen = match look(request) {
        Ok(seen) => seen,
        Err(message) => return writeln!(err, "ERROR: {message}").map(|()| 1),
    };
    match seen {
        Seen::App(verification) => apksigner::write(&verification, &request.print, out, err),
        Seen::Stamp(verification) => apksigner::write_stamp(&verification, &request.print, out, err),
    }
}

enum Seen {
    App(Box<Verification>),
    Stamp(Box<StampVerification>),
}

/// What apksigner answers with a stack trace is one line here.
fn look(request: &Request) -> Result<Seen, String> {
    let level = |level: Option<i32>| match level {
        None => Ok(None),
        Some(level) => match u32::try_from(level) {
            Ok(level) => Ok(Some(level)),
            Err(_) => Err(format!("API level must not be negative: {level}")),
        },
    };
    let mut options = VerifyOptions::default();
    options.min_sdk = level(request.min_sdk)?;
    options.max_sdk = level(request.max_sdk)?;
    let source = open(&request.apk)?;
    let seen = match (&request.stamp, &request.idsig) {
        (Some(stamp), _) => {
            let expected = stamp.digest.as_deref().map(expected_digests);
            verify_source_stamp(&source, &options, expected.as_deref())
                .map(|seen| Seen::Stamp(Box::new(seen)))
        }
        (None, None) => apkvouch::verify(&source, &options).map(|seen| Seen::App(Box::new(seen))),
        (None, Some(path)) => {
            let (file, name) = (open(path)?, path.to_string_lossy());
            apkvouch::verify_with_idsig(&source, &Idsig::new(&file, &name), &options)
                .map(|seen| Seen::App(Box::new(seen)))
        }
    };
    seen.map_err(|error| match error {
        Error::File { path, message, .. } => in_file(&path, &message),
        other => in_file(&request.apk, &other.to_string()),
    })
}

/// What `--stamp-cert-digest` allows. apksigner compares the text: one that is not 64 hexadecimal digits allows nothing.
fn expected_digests(text: &str) -> Vec<CertificateDigest> {
    let plain = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.parse().ok().filter(|_| plain).into_iter().collect()
}

pub(super) fn open(path: &Path) -> Result<FileSource, String> {
    FileSource::open(path)
        .map_err(|error| in_file(path, &format!("cannot open: {}", apkvouch::error::describe_io(&error))))
}

pub(super) fn in_file(path: &Path, message: &str) -> String {
    format!("{}: {}", escape::path(path), escape::visible(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<Option<Request>, String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&arguments, Generation::V31)
    }

    fn wrong(line: &str) -> String {
        request(line).err().unwrap_or_else(|| "no fault".to_owned())
    }

    #[test]
    fn reads_every_spelling_that_apksigner_reads() {
        for line in ["-v a", "--v a", "-verbose a", "--verbose=true a", "-v true a", "-v -- a", "-v -- -- a"]
        {
            let request = request(line).unwrap().unwrap();
            assert!(request.print.verbose && request.apk == Path::new("a"), "{line}");
        }
        assert!(!request("-v false a").unwrap().unwrap().print.verbose);
        let ranged = request("-min-sdk-version 24 --max-sdk-version=+30 --in a").unwrap().unwrap();
        assert_eq!((ranged.min_sdk, ranged.max_sdk), (Some(24), Some(30)));
        let beside = request("--v4-signature-file Cargo.toml --in a").unwrap().unwrap();
        assert_eq!(beside.idsig.as_deref(), Some(Path::new("Cargo.toml")));
        assert!(request("-Werr -- a").unwrap().unwrap().print.warnings_are_errors);
        let stamp = |line: &str| request(line).unwrap().unwrap().stamp.map(|stamp| stamp.digest);
        assert_eq!(stamp("--stamp-cert-digest 00 a"), None);
        assert_eq!(stamp("--verify-source-stamp true a"), Some(None));
        assert_eq!(stamp("--stamp-cert-digest=00 --verify-source-stamp a"), Some(Some("00".to_owned())));
        assert!(request("--help --bogus").unwrap().is_none());
    }

    #[test]
    fn words_its_faults_as_apksigner_does() {
        for (line, message) in [
            ("--bogus=1 a", "Unsupported option: --bogus. See --help for supported options."),
            ("-v=false a", "Unsupported option: -v=false. See --help for supported options."),
            ("---v a", "Unsupported option: ---v. See --help for supported options."),
            ("- a", "Unsupported option: -. See --help for supported options."),
            ("-v", "Missing APK"),
            ("--", "Missing APK"),
            ("-v true", "Missing APK"),
            ("a -v", "Unexpected parameter(s) after APK (-v)"),
            ("-- -- -- a", "Unexpected parameter(s) after APK (a)"),
            ("--in a -v b", "Unexpected parameter(s) after -v: b"),
            ("--in= a", "Unexpected parameter(s) after --in: a"),
            (
                "--print-certs=True a",
                "Unsupported value for --print-certs: True. Only true or false supported.",
            ),
            ("--min-sdk-version", "Mininimum API Level missing after --min-sdk-version"),
            ("--in", "Input APK file missing after --in"),
            ("--v4-signature-file", "Input V4 Signature File missing after --v4-signature-file"),
            ("--v4-signature-file /gone a", "V4 signature file does not exist: /gone"),
            ("--v4-signature-file /gone", "Missing APK"),
            (
                "--stamp-cert-digest",
                "Expected source stamp certificate digest missing after --stamp-cert-digest",
            ),
            (
                "--min-sdk-version 0x1 a",
                "Mininimum API Level (--min-sdk-version) must be a decimal number: 0x1",
            ),
            ("--max-sdk-version= a", "Maximum API Level (--max-sdk-version) must be a decimal number: "),
            ("--min-sdk-version 30 --max-sdk-version 20 a", "Min API Level (30) > max API Level (20)"),
        ] {
            assert_eq!(wrong(line), message, "{line}");
        }
    }

    #[test]
    fn shows_help_where_apksigner_does() {
        let help = |line: &str| {
            let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            wants_help(&arguments)
        };
        for line in ["", "--help", "-h", "-help", "--out x --help", "--ks x -h", "--help --bogus"] {
            assert!(help(line), "{line}");
        }
        for line in ["a.apk", "x --help", "--out x", "-- --help", "--out x y --help"] {
            assert!(!help(line), "{line}");
        }
    }

    #[test]
    fn a_stamp_digest_is_compared_as_text() {
        let digest = "0123456789abcdef".repeat(4);
        for text in [digest.clone(), digest.to_uppercase()] {
            assert_eq!(expected_digests(&text), [digest.parse().unwrap()]);
        }
        for text in [digest.replace("0123", "01:23"), format!("{digest} "), String::new()] {
            assert!(expected_digests(&text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn is_called_by_name_or_by_option() {
        let called = |line: &str| {
            invocation(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
                .map(|invocation| (invocation.generation, invocation.arguments.len()))
        };
        assert_eq!(called("/usr/bin/apksigner verify a"), Some((Ok(Generation::V36), 2)));
        assert_eq!(called("apkvouch --compat apksigner=31 verify a"), Some((Ok(Generation::V31), 2)));
        assert_eq!(called("apkvouch verify --compat=apksigner=37 a"), Some((Ok(Generation::V37), 2)));
        assert_eq!(called("apkvouch verify --compat jarsigner a"), Some((Err("jarsigner".to_owned()), 2)));
        assert_eq!(called("apkvouch verify a"), None);
        assert_eq!(called("apkvouch verify -- --compat"), None);
    }
}
