//! A policy in sentences, for people who check theirs.

use std::fmt::Display;

use jiff::Timestamp;

use super::BlockChoice;
use super::Exception;
use super::Level;
use super::Party;
use super::Permission;
use super::PolicyFile;
use super::Requirement;
use crate::policy::Rotation;
use crate::policy::rules::Rule;

impl PolicyFile {
    /// What the policy comes to as of `now`: of each rule its name and what it wants, then the exceptions. Text of the file
    /// is raw.
    pub fn explained(&self, now: Timestamp) -> Vec<(String, String)> {
        let mut lines = vec![("level".to_owned(), self.level_text())];
        let mut add = |rule: Rule, text: String| lines.push((rule.to_string(), text));
        let verdicts: Vec<&str> = self.verdicts.iter().rev().map(|verdict| verdict.as_str()).collect();
        add(Rule::Verdict, format!("{}; {}", verdicts.join(" or "), self.rotation_text()));
        add(Rule::MinScheme, format!("{} or newer, on Android versions that know it", self.min_scheme));
        add(Rule::MinDigest, format!("{} or better", self.min_digest));
        let (rsa, ec, dsa) = (self.min_rsa_bits, self.min_ec_bits, self.min_dsa_bits);
        add(Rule::KeyStrength, format!("RSA of {rsa} bits, EC of {ec}, DSA of {dsa} or more"));
        let test_key = match self.test_key {
            Permission::Refuse => "keys that anybody has are refused",
            Permission::Allow => {
                "keys that anybody has count like others, unless the registry itself denies them"
            }
        };
        add(Rule::TestKey, test_key.to_owned());
        add(Rule::DebugCertificate, permitted(self.debug_certificate, "certificates of debug builds"));
        add(Rule::Debuggable, permitted(self.debuggable, "debuggable apps"));
        let levels = [
            self.min_sdk_at_least.map(|level| format!("minimum API level {level} or higher")),
            self.min_sdk_at_most.map(|level| format!("minimum API level {level} or lower")),
            self.target_sdk_at_least.map(|level| format!("target API level {level} or higher")),
        ];
        add(Rule::SdkRange, or_any(&levels.into_iter().flatten().collect::<Vec<_>>()));
        add(
            Rule::FileSize,
            or_any(self.max_file_bytes.map(|most| format!("at most {most} bytes")).as_slice()),
        );
        add(Rule::SigningBlock, self.blocks_text());
        add(Rule::Developer, self.developer.text());
        add(Rule::Distributor, self.distributor.text());
        let weights: Vec<String> = self
            .severity
            .iter()
            .map(|(code, severity)| format!("{} is {}", code.as_str(), severity))
            .collect();
        add(
            Rule::Severity,
            if weights.is_empty() { "findings weigh as usual".to_owned() } else { weights.join(", ") },
        );
        for (place, exception) in self.exceptions.iter().enumerate() {
            lines.push((format!("exception {}", place.saturating_add(1)), exception.text(now)));
        }
        lines
    }

    fn level_text(&self) -> String {
        let text = match self.level {
            Level::Enforce => "a file that breaks a rule fails",
            Level::Warn => "NOT ENFORCED: a file that breaks a rule passes, with a warning",
            Level::Audit => "NOT ENFORCED: a file that breaks a rule passes, with a note",
        };
        format!("{}: {text}", self.level)
    }

    fn rotation_text(&self) -> &'static str {
        match self.deciding.rotation {
            Rotation::Accept => "a key that proves rotation from a registered one is accepted",
            Rotation::Flag => "a key that proves rotation from a registered one is accepted with a warning",
            Rotation::RegisteredOnly => "a new key must be registered itself, whatever it proves",
        }
    }

    fn blocks_text(&self) -> String {
        let ids: Vec<String> = self.block_ids.iter().map(|id| format!("{id:#010x}")).collect();
        let listed = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        let mut text = match self.blocks {
            BlockChoice::All => "any pair".to_owned(),
            BlockChoice::Known => format!("pairs of published ids, and of these: {listed}"),
            BlockChoice::Listed => format!("pairs of these ids: {listed}"),
        };
        if let Some(most) = self.max_unknown_block_bytes {
            text = format!("{text}; unknown ones of at most {most} bytes");
        }
        text
    }
}

fn permitted(permission: Permission, what: &str) -> String {
    match permission {
        Permission::Allow => format!("{what} are allowed"),
        Permission::Refuse => format!("{what} are refused"),
    }
}

fn or_any(texts: &[String]) -> String {
    if texts.is_empty() { "any".to_owned() } else { texts.join(", ") }
}

impl<P: Display> Party<P> {
    fn text(&self) -> String {
        let proofs: Vec<String> = self.proofs.iter().map(ToString::to_string).collect();
        let by = proofs.join(" or ");
        let text = match self.require {
            Requirement::None => return "nothing is asked".to_owned(),
            Requirement::Verified => format!("verified, by {by}"),
            Requirement::Registered => format!("registered, by {by}"),
        };
        let subjects: Vec<String> = self.subjects.iter().map(|id| format!("{id:?}")).collect();
        if subjects.is_empty() { text } else { format!("{text}: {}", subjects.join(" or ")) }
    }
}

impl Exception {
    fn text(&self, now: Timestamp) -> String {
        let of = [
            self.package.as_ref().map(|package| format!("package {package}")),
            self.certificate.map(|digest| format!("signer {digest}")),
            self.file.map(|digest| format!("file {digest}")),
        ];
        let of: Vec<String> = of.into_iter().flatten().collect();
        let mut rules: Vec<String> = Vec::new();
        for rule in &self.rules {
            let named: Vec<&str> = match rule {
                Rule::Verdict => self.verdicts.iter().map(|verdict| verdict.as_str()).collect(),
                Rule::Severity => self.codes.iter().map(|code| code.as_str()).collect(),
                _ => Vec::new(),
            };
            rules.push(if named.is_empty() {
                rule.to_string()
            } else {
                format!("{rule} ({})", named.join(", "))
            });
        }
        let (over, nothing) =
            if self.expires.is_over(now) { ("OVER SINCE", ", lets nothing pass") } else { ("until", "") };
        let (of, rules) = (of.join(", "), rules.join(", "));
        format!("{of} may break {rules} {over} {}{nothing}: {}", self.expires, self.reason)
    }
}
