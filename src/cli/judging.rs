//! Files held against a registry and a policy: what `gate`, `scan` and `report` share.

use std::collections::BTreeSet;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::decide;
use apkvouch::identity::CertificateDigest;
use apkvouch::ledger::Said;
use apkvouch::policy;
use apkvouch::policy::Decision;
use apkvouch::policy::Policy;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::Span;
use apkvouch::policy::Verdict;
use apkvouch::policy::rules::Evidence;
use apkvouch::policy::rules::Judge;
use apkvouch::policy::rules::judge;
use apkvouch::policy::rules::needs;
use apkvouch::policy::rules::unused_exceptions;
use apkvouch::registry::Store;
use apkvouch::registry::trust;
use apkvouch::report::FileResult;
use apkvouch::report::Glance;
use apkvouch::report::Language;
use apkvouch::report::PolicyFacts;
use apkvouch::report::RegistryFacts;
use apkvouch::report::ReportOptions;
use apkvouch::report::Summary;
use apkvouch::report::model::PolicySummary;
use apkvouch::scan::JudgedApk;
use apkvouch::scan::Outcome;
use apkvouch::scan::Row;

use super::args::Against;
use super::args::Form;
use super::output::Report;
use super::output::terminal_width;
use super::say;
use super::scan::this_second;

/// A registry and a policy, and which exceptions of the policy were of use so far.
pub(super) struct Judging {
    pub(super) registry: Option<Store>,
    /// Without one the verdict alone tells whether a file passes.
    pub(super) policy: Option<PolicyFile>,
    pub(super) signed_by: BTreeSet<CertificateDigest>,
    pub(super) now: jiff::Timestamp,
    pub(super) fitting: BTreeSet<usize>,
    /// Whether everything that was looked at counts, and not what the policy asks for alone.
    pub(super) whole: bool,
    /// What the result of the last APK depended on. Of a container it is that of one member, and nobody is told a container at
    /// a glance.
    last: (Span, BTreeSet<usize>),
}

impl Judging {
    /// What `against` asks for, and a report of `command` that says so.
    pub(super) fn new(against: &Against, command: &'static str) -> anyhow::Result<(Self, ReportOptions)> {
        if against.at.is_some() && against.registry.is_none() {
            let message = "--at asks who was authorised on that day; give --registry FILE, which tells it";
            return Err(Error::Usage(message.to_owned()).into());
        }
        let now = against.at.unwrap_or_else(this_second);
        let trusted = against.trust.options(against.at, now)?;
        let registry = against.registry.as_ref().map(|path| trust::open(path, &trusted)).transpose()?;
        let policy = against.policy.as_ref().map(PolicyFile::load).transpose()?;
        let mut look = ReportOptions::new(command);
        look.table = true;
        look.width = terminal_width();
        if let (Some(registry), Some(path)) = (&registry, &against.registry) {
            look.registry = Some(RegistryFacts::new(path, registry.header()));
        }
        look.policy = policy.as_ref().map(|policy| PolicyFacts::new(against.policy.as_deref(), policy));
        look.decided_at = (registry.is_some() || policy.is_some()).then(|| now.to_string());
        let registry = registry.map(|registry| match against.at {
            Some(at) => registry.as_of(at),
            None => registry,
        });
        Ok((Self::by(registry, policy, BTreeSet::new(), now), look))
    }

    /// Judging by those, with what the policy asks for alone.
    pub(super) fn by(
        registry: Option<Store>,
        policy: Option<PolicyFile>,
        signed_by: BTreeSet<CertificateDigest>,
        now: jiff::Timestamp,
    ) -> Self {
        let last = (Span::ALL, BTreeSet::new());
        Self { registry, policy, signed_by, now, fitting: BTreeSet::new(), whole: false, last }
    }

    /// What stands for everything on which results depend beside the files, the options and the time; none when nobody can tell
    /// whether it will be the same another time.
    pub(super) fn stands_for(&self, language: Language) -> Option<Vec<u8>> {
        let registry = match &self.registry {
            Some(registry) => Some(registry.stands_for()?),
            None => None,
        };
        Some(
            format!("{language:?} {registry:?} {:?} {:?} {}", self.policy, self.signed_by, self.whole)
                .into_bytes(),
        )
    }

    /// What was said of the last row, whose result that is.
    pub(super) fn said(&self, result: &FileResult, language: Language) -> Said {
        let mut said = Said::new(result.verdict, result.passed);
        said.glance = Glance::of(result, language);
        said.holds = self.last.0;
        said.exceptions = self.last.1.iter().copied().collect();
        said
    }

    /// Takes what was said of a file, where these exceptions fitted, for said again.
    pub(super) fn recall(&mut self, exceptions: &[usize]) {
        self.fitting.extend(exceptions);
    }

    /// The result of what a scan came upon, and of all that is in it; none of what was not looked at.
    ///
    /// # Errors
    /// When the registry turns out to be damaged.
    pub(super) fn result(&mut self, row: &mut Row) -> Result<Option<FileResult>, Error> {
        if !self.whole {
            let policy = self.policy.as_ref();
            let (marks, digest) = (
                policy.is_some_and(PolicyFile::needs_marks),
                policy.is_some_and(PolicyFile::needs_file_digest),
            );
            forget(&mut row.outcome, marks, digest);
        }
        self.last = (Span::ALL, BTreeSet::new());
        let enforced = self.policy.as_ref().is_none_or(PolicyFile::is_enforced);
        row.outcome.result(&row.path, enforced, &mut |apk| self.result_of(&apk))
    }

    /// The result of one APK, by the part of the registry that it needs.
    fn result_of(&mut self, apk: &JudgedApk<'_>) -> Result<FileResult, Error> {
        let JudgedApk { path, marks, file_digest, container, .. } = *apk;
        let verification = &*apk.verification;
        let Some(policy) = &self.policy else {
            let decision = self.decision(verification)?;
            self.last = (decision.holds, BTreeSet::new());
            let good =
                if self.registry.is_some() { Verdict::Authenticated } else { Verdict::Unauthenticated };
            let passed = decision.verdict == good;
            return Ok(FileResult::judged(path, verification, Some(&decision), passed));
        };
        let evidence = Evidence::new(verification).with_marks(marks).with_file_digest(file_digest);
        let evidence = evidence.with_container(container);
        let part = self.registry.as_ref().map(|store| store.part(&needs(evidence))).transpose()?;
        let mut against = Judge::new(part.as_deref(), policy, self.now);
        against.signed_by.clone_from(&self.signed_by);
        let judgement = judge(evidence, &against);
        self.fitting.extend(&judgement.exceptions);
        self.last = (judgement.holds, judgement.exceptions.clone());
        Ok(FileResult::judged_by(path, verification, &judgement, policy, file_digest))
    }

    fn decision(&self, verification: &Verification) -> Result<Decision, Error> {
        let by = |registry: &Registry| decide(verification, registry, &Policy::default(), self.now);
        Ok(match &self.registry {
            Some(store) => by(store.part(&policy::needs(verification))?.as_ref()),
            // The built-in denied keys still count.
            None => policy::without_registry(by(&Registry::empty())),
        })
    }

    /// What the policy came to before any file.
    pub(super) fn summary(&self) -> Option<PolicySummary> {
        self.policy.as_ref().map(|policy| PolicySummary::new(policy.level))
    }

    /// Adds what there is to say of exceptions, and says it and that nothing is enforced on standard error, unless the text
    /// on standard output, which may be left out when it is to be `quiet`, has it. Annotations are read in the same log: of them that
    /// nothing is enforced is said twice, on purpose.
    pub(super) fn conclude(&self, summary: &mut Summary, form: &Form, quiet: bool) {
        let (Some(policy), Some(summary)) = (&self.policy, &mut summary.policy) else { return };
        summary.exceptions = unused_exceptions(policy, &self.fitting, self.now);
        if Report::is_text(form, quiet) {
            return;
        }
        let exceptions = summary.exceptions.iter().filter(|_| quiet || form.format.name != "github");
        for line in summary.not_enforced().iter().chain(exceptions) {
            say(line);
        }
    }
}

/// Forgets what was looked at and is not asked for: marks and digests of files.
fn forget(outcome: &mut Outcome, keep_marks: bool, keep_digest: bool) {
    match outcome {
        Outcome::Judged { marks, file_digest, .. } => {
            marks.take_if(|_| !keep_marks);
            file_digest.take_if(|_| !keep_digest);
        }
        Outcome::Container(container) => {
            container.file_digest.take_if(|_| !keep_digest);
            for member in &mut container.members {
                forget(&mut member.outcome, keep_marks, keep_digest);
            }
        }
        _ => {}
    }
}
