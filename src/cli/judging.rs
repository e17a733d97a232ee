//! Files held against a registry and a policy: what `gate` and `scan --policy` share.

use std::collections::BTreeSet;
use std::path::Path;

use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::identity::FileDigest;
use apkvouch::marks::Marks;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::rules::Evidence;
use apkvouch::policy::rules::Judge;
use apkvouch::policy::rules::judge;
use apkvouch::policy::rules::unused_exceptions;
use apkvouch::report::FileResult;
use apkvouch::report::Summary;
use apkvouch::report::model::PolicySummary;

use super::args::Form;
use super::say;

/// A policy and what goes with it, and which of its exceptions were of use so far.
pub(super) struct Judging {
    pub(super) registry: Option<Registry>,
    pub(super) policy: PolicyFile,
    pub(super) signed_by: BTreeSet<CertificateDigest>,
    pub(super) now: jiff::Timestamp,
    pub(super) fitting: BTreeSet<usize>,
}

impl Judging {
    /// The result of one file.
    pub(super) fn result(
        &mut self,
        path: &Path,
        verification: &apkvouch::Verification,
        marks: Option<&Marks>,
        file_digest: Option<FileDigest>,
    ) -> FileResult {
        let mut against = Judge::new(self.registry.as_ref(), &self.policy, self.now);
        against.signed_by.clone_from(&self.signed_by);
        let evidence = Evidence::new(verification).with_marks(marks).with_file_digest(file_digest);
        let judgement = judge(evidence, &against);
        self.fitting.extend(&judgement.exceptions);
        FileResult::judged_by(path, verification, &judgement, &self.policy, file_digest)
    }

    /// What the policy came to before any file.
    pub(super) fn summary(&self) -> PolicySummary {
        PolicySummary::new(self.policy.level)
    }

    /// Adds what there is to say of exceptions, and says it and that nothing is enforced on standard error, unless the text
    /// on standard output has it.
    pub(super) fn conclude(&self, summary: &mut Summary, form: &Form) {
        let Some(policy) = &mut summary.policy else { return };
        policy.exceptions = unused_exceptions(&self.policy, &self.fitting, self.now);
        if form.format.name == "text" {
            return;
        }
        for line in policy.not_enforced().iter().chain(&policy.exceptions) {
            say(line);
        }
    }
}
