//! The arguments, and their help.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use apkvouch::Limits;
use apkvouch::identity::CertificateDigest;
use apkvouch::limits::LIMITS;
use apkvouch::registry::trust;
use apkvouch::registry::trust::TrustOptions;
use apkvouch::report;
use apkvouch::report::Language;
use apkvouch::scan::Found;
use apkvouch::scan::PathEnd;
use apkvouch::scan::PathList;
use apkvouch::scan::Shard;
use apkvouch::scan::TimeLimit;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use clap::builder::PossibleValuesParser;
use clap::builder::Styles;
use clap::builder::TypedValueParser as _;
use clap::builder::styling::AnsiColor;

use super::later::Later;
use super::registry::args as registry;
use super::signals::Signals;
use super::signals::awaited;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit status:
  0  everything passed
  1  at least one file failed
  2  bad arguments, or a registry or policy that cannot be used
  3  a file could not be read, or the output not written (comes before 1)
  4  nothing to look at
  130, 143  ended by Ctrl-C (SIGINT) or SIGTERM before everything was looked at";

/// Tells who really signed an Android app file, and whether that signer may speak for that app.
#[derive(Debug, Parser)]
#[command(
    name = "apkvouch",
    version,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 900)]
    pub(super) color: Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks the signatures of APKs, offline and exactly as Android does
    #[command(after_long_help = VERIFY_HELP)]
    Verify(Later<Verify>),
    /// Shows everything that is in one APK: identity, signers, signing block, a map of the file, and whom each Android version sees
    #[command(after_long_help = INSPECT_HELP)]
    Inspect(Later<Inspect>),
    /// Judges every APK in directories, against a registry of authenticated signers when one is given
    #[command(after_long_help = SCAN_HELP)]
    Scan(Later<Scan>),
    /// Writes again what a scan has kept in a database, judged anew and without reading any APK
    #[command(after_long_help = REPORT_HELP)]
    Report(Later<Report>),
    /// Tells what has changed between two scans that are kept in a database
    #[command(after_long_help = DIFF_HELP)]
    Diff(Later<Diff>),
    /// Decides whether APKs may be published, by a registry and a policy; what cannot be judged does not pass
    #[command(after_long_help = GATE_HELP)]
    Gate(Later<Gate>),
    /// Writes and checks policy files
    Policy(Later<Policy>),
    /// Explains a finding or a verdict: what it means, its cause and what to do
    Explain(Later<Explain>),
    /// Makes, changes, signs and shows registries of authenticated signers
    #[command(after_long_help = registry::HELP)]
    Registry(Later<Registry>),
}

#[derive(Debug, Args)]
pub(super) struct Registry {
    #[command(subcommand)]
    pub(super) command: registry::RegistryCommand,
}

const VERIFY_HELP: &str = "\
Exit status:
  0  every file verified, and by the signers asked for
  1  at least one file did not, or is not an APK
  2  bad arguments
  3  a file could not be read, or the output not written (comes before 1)

Examples:
  apkvouch verify app.apk
  apkvouch verify --print-certs -v app.apk
  apkvouch verify --signed-by a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc app.apk
  apkvouch verify --format json *.apk
  apkvouch verify --compat apksigner --print-certs app.apk

A v4 signature file that stands beside an APK, app.apk.idsig, is verified with it: when it does not
verify, the APK fails.

With --compat, or when the program is started under the name apksigner, options, output lines and
exit status are those of apksigner: one APK, options before it, 0 verified, 1 anything else.";

const INSPECT_HELP: &str = "\
Exit status:
  0  the file was shown, and its signature verifies
  1  the file was shown, and is not signed or does not verify
  2  bad arguments
  3  the file could not be read, or the output not written

The archive is shown as a map of the file, from its start to its end: entries, padding and sections
with offset and size, and, marked GAP, OVERLAP or MISSING, what has no business to be there. Of a
large file most entries are counted, and all of them are listed with --verbose and as JSON. Of a
container of APKs every member is shown.

Examples:
  apkvouch inspect app.apk
  apkvouch inspect app.apks
  apkvouch inspect --pem app.apk
  apkvouch inspect my.lineage
  apkvouch inspect --format json app.apk";

const SCAN_HELP: &str = "\
Exit status:
  0  everything passed: with a policy, whatever that accepts, and unless it is not enforced, which
     is said aloud; else with a registry, every APK is authenticated; without one nothing can be
     authenticated, so an APK whose signature verifies passes as `unauthenticated`, unless a key
     that anybody has signed it: AOSP's test keys are denied, with or without a registry
  1  at least one APK got another verdict
  2  bad arguments, or a registry that cannot be used
  3  a file or directory could not be read, or the output not written (comes before 1)
  4  no APK found
  130, 143  ended by Ctrl-C (SIGINT) or SIGTERM: what was judged so far is counted on standard error,
     no file of --output is written, and a database goes on from there. The second one ends at once

Verdicts, the first that applies:
  unreadable       not an APK, or too broken to be one
  unsigned         no signature of any scheme
  tampered         a signature is there and does not verify on some Android version
  revoked          the signer's authentication is revoked or suspended, or its key is denied
  counterfeit      the package is registered, and the signer may not speak for it
  expired          the signer's authentication has expired
  unauthenticated  the signature verifies, and the signer or the package is not registered
  authenticated    the signature verifies, and the signer is registered for this package

Which files: a file that is named, as an argument or in the list of --files-from, is judged whatever
its name, a link to it followed. Directories
are walked in the byte order of their paths; files named .apk, .apks, .xapk, .apkm or .aab, in any
case, and ZIP archives of APKs, are judged, others are counted. Of a container every APK is judged,
and the whole is as good as the worst of them. A v4 signature file beside an APK, app.apk.idsig, is
verified with it: when it does not verify, the APK is tampered. Links inside directories, FIFOs,
sockets and devices are skipped, and say so.

On a terminal the table is fitted to its width; elsewhere nothing is cut. A row counts the warnings
that do not decide the verdict: `apkvouch verify FILE` shows them, and --format json those of all.

Examples:
  apkvouch scan store/
  apkvouch scan --registry registry.toml store/
  apkvouch scan --registry registry.toml --format jsonl store/ > results.jsonl
  apkvouch scan --only-bad --exclude old --output csv=bad.csv store/
  find store -name '*.apk' -print0 | apkvouch scan --files-from - -0 --format jsonl --ordered";

const REPORT_HELP: &str = "\
Exit status:
  as of scan: 0 everything passed, 1 at least one file failed, 2 bad arguments, 3 a file had not been
  read, or the output not written (comes before 1), 4 the scan had found nothing

Examples:
  apkvouch scan store/ --db store.db
  apkvouch report --db store.db --registry registry.toml --output json=report.json
  apkvouch report --db store.db --scans
  apkvouch report --db store.db --whole

The registry and the policy are those that are given here, whatever the scan was held against.";

const DIFF_HELP: &str = "\
Exit status:
  0  nothing has changed
  1  something has
  2  bad arguments, or no such scan

Examples:
  apkvouch diff --db store.db 1 2
  apkvouch diff --db store.db 1 2 --format json

Verdicts are those that each scan gave, by its registry.";

const GATE_HELP: &str = "\
Exit status:
  0  every APK was judged, and passed; or the policy is not enforced, which is said aloud
  1  at least one APK did not pass
  2  bad arguments, or a registry or policy that cannot be used
  3  an APK could not be read, or a report not written (comes before 1)
  130, 143  ended by Ctrl-C (SIGINT) or SIGTERM: not everything was judged; no file of --output is written

A registry must be signed by the keys that --registry-key gives, unless --unsigned-registry says
otherwise. Every rule of the policy is told with what it expected and what it found; docs/policy.md
says what each means, and `apkvouch explain CODE` what a finding does.

Examples:
  apkvouch gate --registry registry.toml --registry-key keys/store.pub --policy policy.toml app.apk
  apkvouch gate --signed-by a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc app.apk
  apkvouch gate --registry registry.toml --registry-key keys/store.pub --format github \\
    --output sarif=gate.sarif --output junit=gate.xml app.apk";

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The APKs to verify
    #[arg(required = true, value_name = "APK")]
    pub(super) apks: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) range: Range,
    #[command(flatten)]
    pub(super) limited: Limited,
    #[command(flatten)]
    pub(super) timely: Timely,
    /// The v4 signature file of the one APK; app.apk.idsig beside it, if there is one, unless given
    #[arg(long, value_name = "FILE")]
    pub(super) v4_signature_file: Option<PathBuf>,
    /// Show the signers' certificates in full
    #[arg(long)]
    pub(super) print_certs: bool,
    /// Show everything that was seen
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Fail on warnings; apksigner's spelling -Werr works too
    #[arg(long)]
    pub(super) werr: bool,
    /// Fail unless the signers are exactly these: SHA-256 of their certificates, separated by commas
    ///
    /// The set must be exact on every Android version in range. Where older versions see a key that was rotated
    /// away, the verified rotation to the one signer given here counts as that signer. Of a v3.2 signature give both;
    /// the post-quantum one will do where a common older key has signed for both.
    #[arg(long, value_name = "SHA256", value_delimiter = ',')]
    pub(super) signed_by: Vec<CertificateDigest>,
    #[command(flatten)]
    pub(super) form: Form,
    /// Answer like apksigner, or like its release 31, 36 or 37
    #[arg(long, value_name = "apksigner[=N]")]
    pub(super) compat: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The APK or container of APKs to show, or a lineage file as `apksigner rotate` writes it
    #[arg(value_name = "FILE")]
    pub(super) apk: PathBuf,
    #[command(flatten)]
    pub(super) range: Range,
    #[command(flatten)]
    pub(super) limited: Limited,
    /// The v4 signature file of the APK; app.apk.idsig beside it, if there is one, unless given
    #[arg(long, value_name = "FILE")]
    pub(super) v4_signature_file: Option<PathBuf>,
    /// What stands in places that nobody has published (TOML): id or name, decoder and role; see docs/marks.md
    #[arg(long, value_name = "FILE")]
    pub(super) profiles: Option<PathBuf>,
    /// Show every entry, gap, pair and note
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Show certificates as PEM, too
    #[arg(long)]
    pub(super) pem: bool,
    /// The form of the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: InspectForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InspectForm {
    /// For people; may change between releases
    Text,
    /// One JSON document, "schema": 1
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Scan {
    /// Files and directories to judge
    #[arg(required_unless_present = "files_from", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) listed: Listed,
    #[command(flatten)]
    pub(super) against: Against,
    #[command(flatten)]
    pub(super) range: Range,
    #[command(flatten)]
    pub(super) limited: Limited,
    #[command(flatten)]
    pub(super) timely: Timely,
    /// Remember in this database what was seen, and do not read again what has not changed; made if it is not there
    ///
    /// `report` writes the results again, or judges them by another registry; `diff` compares two scans.
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Read every file, even when the database knows it
    #[arg(long, requires = "db")]
    pub(super) rehash: bool,
    /// Judge every regular file in directories, whatever its name
    #[arg(long)]
    pub(super) all_files: bool,
    /// Of the files in directories judge those that match; may be given more than once
    ///
    /// A glob without a slash is for names, in whatever folder; one with it for the path below the directory that is
    /// given: * and ? do not match a slash, ** does. A glob that ends with one is for folders and all that is in them. Files that are named, as arguments or in a list, are judged anyway.
    #[arg(long, value_name = "GLOB")]
    pub(super) include: Vec<String>,
    /// Leave out the files in directories that match, and directories that do with all that is in them
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// Judge one part of N, so that N machines judge all of it: I is 0 for the first and N-1 for the last
    ///
    /// Which part a path belongs to depends on the path alone, as it is written: give all machines the same ones.
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// How many threads; one for each core unless given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Report what did not pass, and nothing else; the summary counts everything
    #[arg(long)]
    pub(super) only_bad: bool,
    /// Report in the order of the input; that is always so, and scripts may say that they count on it
    #[arg(long)]
    pub(super) ordered: bool,
    /// Write nothing to standard output and no progress: the exit status tells, and the reports of --output
    ///
    /// What cannot be read is still told on standard error.
    #[arg(short, long, conflicts_with = "format")]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) form: Form,
}

/// What files are held against.
#[derive(Debug, Args)]
pub(super) struct Against {
    /// The registry of authenticated signers (TOML, JSON or SQLite)
    #[arg(long, value_name = "FILE")]
    pub(super) registry: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// What is accepted (TOML), beside what the registry says
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Judge as of this time instead of now: 2026-03-01 or 2026-03-01T12:00:00Z
    ///
    /// Keys then have the status that they had, as far as the registry tells: whoever was authorised on that day is. A
    /// revocation for compromise, and a suspension, holds on every day.
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
}

impl Against {
    /// The files that are read for it.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            self.registry.iter().flat_map(|registry| self.trust.files(registry)).collect();
        files.extend(self.policy.clone());
        files
    }
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// The database that `scan --db` has written
    #[arg(long, value_name = "FILE")]
    pub(super) db: PathBuf,
    /// Which scan; the last one unless given
    #[arg(long, value_name = "N")]
    pub(super) scan: Option<i64>,
    /// List the scans that are in the database, and nothing else
    #[arg(long, conflicts_with = "scan")]
    pub(super) scans: bool,
    /// Tell what only the whole of the scan shows: packages with several signers, who signs how much, files that stand there more than
    /// once, versions that went back. As text or, with --format json, one document
    #[arg(long, conflicts_with_all = ["scans", "registry", "policy", "only_bad", "outputs"])]
    pub(super) whole: bool,
    #[command(flatten)]
    pub(super) against: Against,
    /// Report what did not pass, and nothing else; the summary counts everything
    #[arg(long)]
    pub(super) only_bad: bool,
    #[command(flatten)]
    pub(super) form: Form,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The database that `scan --db` has written
    #[arg(long, value_name = "FILE")]
    pub(super) db: PathBuf,
    /// The earlier scan
    #[arg(value_name = "A")]
    pub(super) before: i64,
    /// The later scan
    #[arg(value_name = "B")]
    pub(super) after: i64,
    /// The form of the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: DiffForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffForm {
    /// For people; may change between releases
    Text,
    /// One JSON document, "schema": 1
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Gate {
    /// The APKs to judge
    #[arg(required_unless_present = "files_from", value_name = "APK")]
    pub(super) apks: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) listed: Listed,
    /// The registry of authenticated signers (TOML, JSON or SQLite)
    #[arg(long, value_name = "FILE")]
    pub(super) registry: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// Believe the registry as it stands, without any signature
    #[arg(help_heading = TRUST, long, requires = "registry", conflicts_with = "registry_key")]
    pub(super) unsigned_registry: bool,
    /// What is accepted (TOML); the strict policy that `apkvouch policy init` writes unless given
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Fail unless the signers are exactly these: SHA-256 of their certificates, separated by commas
    ///
    /// As in `verify`. Instead of a registry, whoever is given here is accepted; beside one, both must agree.
    #[arg(long, value_name = "SHA256", value_delimiter = ',')]
    pub(super) signed_by: Vec<CertificateDigest>,
    /// Judge as of this time instead of now: 2026-03-01 or 2026-03-01T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub(super) limited: Limited,
    #[command(flatten)]
    pub(super) timely: Timely,
    /// How many threads; one for each core unless given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Show everything that was seen
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) form: Form,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code of a finding, such as v2-digest-mismatch, or what apksig calls it, V2_SIG_APK_DIGEST_DID_NOT_VERIFY; or a
    /// verdict, such as counterfeit; a list of all unless given
    #[arg(value_name = "CODE")]
    pub(super) code: Option<String>,
    /// The language: auto goes by LC_ALL, LC_MESSAGES or LANG
    #[arg(long, value_name = "LANG", default_value = "auto")]
    pub(super) lang: Lang,
}

#[derive(Debug, Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    pub(super) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Writes a commented policy with every key and its default
    Init {
        /// The file to write, which must not be there yet; - for standard output
        #[arg(value_name = "FILE", default_value = "policy.toml")]
        file: PathBuf,
    },
    /// Says what a policy comes to, or what is wrong with it
    Check {
        /// The policy (TOML)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// As of this time instead of now: exceptions may be over
        #[arg(long, value_name = "DATE", value_parser = time)]
        at: Option<jiff::Timestamp>,
    },
}

/// Paths in a list beside those in the arguments.
#[derive(Debug, Args)]
pub(super) struct Listed {
    /// Judge what this file names as well, a path a line; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(super) files_from: Option<PathBuf>,
    /// The paths in --files-from end with NUL instead of a line, as `find -print0` writes them
    #[arg(short = '0', long, requires = "files_from")]
    pub(super) null: bool,
}

#[derive(Debug, Args)]
pub(super) struct Range {
    /// Lowest API level to verify for; the manifest's unless given
    #[arg(long, value_name = "N", value_parser = sdk)]
    pub(super) min_sdk_version: Option<u32>,
    /// Highest API level to verify for; no upper bound unless given
    #[arg(long, value_name = "N", value_parser = sdk)]
    pub(super) max_sdk_version: Option<u32>,
}

/// What a file may make us do.
#[derive(Debug, Args)]
pub(super) struct Limited {
    /// Give a limit on what a file may make us do another value; may be given more than once
    ///
    /// A file whose signatures or archive are beyond one does not verify, and `limit-exceeded` names it. `apkvouch explain limit-exceeded` lists them with
    /// their values. N is a number, with K, M or G behind it for 2 to the power of 10, 20 or 30 of them. A verdict under limits that
    /// were raised may take more than 2 seconds and 64 MB a file.
    #[arg(long = "limit", value_name = "NAME=N", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

/// How long a file may take.
#[derive(Debug, Args)]
pub(super) struct Timely {
    /// Seconds that one file may take, by the clock; one that takes longer is not judged
    ///
    /// That is for slow disks, and networks: what work a file may make is bounded by --limit, whatever the machine.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) timeout: u32,
}

impl Timely {
    /// The time limit, by that clock.
    pub(super) fn limit<'a>(&self, clock: &'a (dyn Fn() -> Duration + Sync)) -> TimeLimit<'a> {
        TimeLimit { clock, most: Duration::from_secs(u64::from(self.timeout)) }
    }
}

impl Limited {
    /// The limits, the last value of each.
    pub(super) fn limits(&self) -> Result<Limits, apkvouch::Error> {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            limits.set(name, *value).map_err(|error| apkvouch::Error::Usage(format!("{name}: {error}")))?;
        }
        Ok(limits)
    }
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=N, such as resource-table=256M")?;
    if !LIMITS.iter().any(|limit| limit.name == name) {
        return Err("there is no limit of that name: `apkvouch explain limit-exceeded` lists them".to_owned());
    }
    let scales = [('K', 10), ('M', 20), ('G', 30)];
    let scale = scales.iter().find_map(|(letter, power)| Some((value.strip_suffix(*letter)?, *power)));
    let (digits, power) = scale.unwrap_or((value, 0));
    let number = digits.parse::<u64>().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()));
    let value = number.and_then(|number| number.checked_mul(1_u64 << power));
    Ok((name.to_owned(), value.ok_or("expected a number, with K, M or G behind it or not, such as 256M")?))
}

const TRUST: &str = "Trust in the registry";

/// What a registry must show before it is believed.
#[derive(Debug, Args)]
pub(super) struct RegistryTrust {
    /// A key that may have signed the registry: the file of a minisign public key, or the key itself (RW…)
    #[arg(help_heading = TRUST, id = "registry_key", long = "registry-key", value_name = "KEY", requires = "registry")]
    pub(super) keys: Vec<String>,
    /// How many of the keys must have signed it; goes without saying of one key
    #[arg(
        help_heading = TRUST,
        id = "registry_threshold",
        long = "registry-threshold",
        value_name = "K",
        requires = "registry_key"
    )]
    pub(super) threshold: Option<usize>,
    /// Where its signatures are; FILE.minisig beside it unless given
    #[arg(
        help_heading = TRUST,
        id = "registry_signature",
        long = "registry-signature",
        value_name = "FILE",
        requires = "registry_key"
    )]
    pub(super) signatures: Vec<PathBuf>,
    /// The file that remembers the highest serial of each registry, so that an older one is refused
    #[arg(help_heading = TRUST, id = "registry_state", long = "registry-state", value_name = "FILE", requires = "registry")]
    pub(super) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Form {
    /// The form of the report
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = form_names())]
    pub(super) format: &'static report::Format,
    /// Write the report in this form to this file as well; may be given more than once
    ///
    /// The file is there once the report is whole, or not at all. Forms are those of --format.
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = output)]
    pub(super) outputs: Vec<(&'static report::Format, PathBuf)>,
    /// The language of text: of verdicts, findings, headings and advice
    ///
    /// auto goes by LC_ALL, LC_MESSAGES or LANG. Particulars of what verification finds, and of rules, are English in any language; other forms
    /// have both languages or none.
    #[arg(long, value_name = "LANG", default_value = "auto")]
    pub(super) lang: Lang,
}

/// What `--lang` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// By the locale
    Auto,
    /// Chinese
    Zh,
    /// English
    En,
}

impl Lang {
    /// The language that it stands for.
    pub(super) fn language(self) -> Language {
        let locale = |name| std::env::var(name).ok();
        match self {
            Self::Zh => Language::Chinese,
            Self::En => Language::English,
            Self::Auto => {
                let [all, messages, lang] = ["LC_ALL", "LC_MESSAGES", "LANG"].map(locale);
                Language::of_locale(all.as_deref(), messages.as_deref(), lang.as_deref())
            }
        }
    }
}

impl Form {
    /// The language of text.
    pub(super) fn language(&self) -> Language {
        self.lang.language()
    }

    /// Whether something that is asked for shows icons.
    pub(super) fn shows_pictures(&self) -> bool {
        self.format.shows_pictures || self.outputs.iter().any(|(format, _)| format.shows_pictures)
    }

    /// Whether something that is asked for shows the names of apps.
    pub(super) fn shows_appearance(&self) -> bool {
        self.format.shows_appearance || self.outputs.iter().any(|(format, _)| format.shows_appearance)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On terminals
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Arguments in which apksigner's `-Werr` reads `--werr`.
pub(super) fn spelled_out(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut options = true;
    let spell = |argument: OsString| {
        options &= argument != "--";
        if options && argument == "-Werr" { "--werr".into() } else { argument }
    };
    arguments.into_iter().map(spell).collect()
}

impl RegistryTrust {
    /// The files that are read to believe `registry`, and the one that remembers its serial.
    pub(super) fn files(&self, registry: &Path) -> Vec<PathBuf> {
        let mut files = vec![registry.to_owned()];
        files.extend(self.keys.iter().map(PathBuf::from));
        files.extend(self.signatures.iter().cloned());
        files.push(trust::signature_path(registry));
        files.extend(self.state.clone());
        files
    }

    /// What to ask of the registry now, or as of the time `at`, when that is given.
    pub(super) fn options(
        &self,
        at: Option<jiff::Timestamp>,
        now: jiff::Timestamp,
    ) -> Result<TrustOptions, apkvouch::Error> {
        let mut options = TrustOptions::new(now);
        options.past = at.is_some();
        let keys = self.keys.iter().map(|key| match key.parse() {
            Ok(key) => Ok(key),
            Err(_) => trust::read_public_key(key.as_ref()),
        });
        options.keys = keys.collect::<Result<_, _>>()?;
        options.threshold = self.threshold;
        options.signatures.clone_from(&self.signatures);
        options.state.clone_from(&self.state);
        Ok(options)
    }
}

impl Listed {
    /// The paths of the arguments, then those of the list, which ends when a signal comes.
    pub(super) fn after(
        &self,
        paths: Vec<PathBuf>,
        signals: &Signals,
    ) -> Result<impl Iterator<Item = Found> + 'static, apkvouch::Error> {
        let end = if self.null { PathEnd::Nul } else { PathEnd::Line };
        let list = match &self.files_from {
            None => None,
            Some(path) if path == Path::new("-") => {
                let input = awaited(io::stdin(), signals);
                Some(PathList::new(BufReader::new(input), Path::new("standard input"), end))
            }
            Some(path) => {
                let file = File::open(path).map_err(|error| apkvouch::Error::file(path, "open", error))?;
                let input = BufReader::with_capacity(1 << 16, awaited(file, signals));
                Some(PathList::new(input, path, end))
            }
        };
        Ok(paths.into_iter().map(Found::File).chain(list.into_iter().flatten()))
    }
}

impl Range {
    /// What to verify for.
    pub(super) fn options(&self, limited: &Limited) -> Result<apkvouch::VerifyOptions, apkvouch::Error> {
        if let (Some(min), Some(max)) = (self.min_sdk_version, self.max_sdk_version)
            && min > max
        {
            let message = format!("--min-sdk-version {min} is above --max-sdk-version {max}");
            return Err(apkvouch::Error::Usage(message));
        }
        let mut options = apkvouch::VerifyOptions::default();
        options.min_sdk = self.min_sdk_version;
        options.max_sdk = self.max_sdk_version;
        options.limits = limited.limits()?;
        Ok(options)
    }
}

fn sdk(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(level @ 0..=apkvouch::verify::MAX_SDK) => Ok(level),
        _ => Err("expected an API level, a number such as 24".to_owned()),
    }
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        _ => Err("expected a number from 1 to 1024".to_owned()),
    }
}

fn form_names() -> impl clap::builder::TypedValueParser<Value = &'static report::Format> {
    let names = report::FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.help));
    PossibleValuesParser::new(names)
        .try_map(|name| report::format(&name).ok_or_else(|| "no such format".to_owned()))
}

fn output(text: &str) -> Result<(&'static report::Format, PathBuf), String> {
    let expected = || {
        let names: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
        format!("expected FORMAT=FILE with one of the forms {}, such as sarif=report.sarif", names.join(", "))
    };
    let (name, file) = text.split_once('=').ok_or_else(expected)?;
    let format = report::format(name).filter(|_| !file.is_empty()).ok_or_else(expected)?;
    Ok((format, PathBuf::from(file)))
}

/// A day counts from its beginning, in UTC.
pub(super) fn time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse::<jiff::Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| "expected a date such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z".to_owned())
}
