//! What a policy says of a file: who stands behind it, and each rule.

use std::fmt::Display;
use std::fmt::Write as _;
use std::path::Path;

use super::paint::Tone;
use super::paragraph::Paragraph;
use crate::identity::CertificateDigest;
use crate::policy::rules::Identity;
use crate::policy::rules::Outcome;
use crate::report::escape::brief;
use crate::report::escape::brief_value;
use crate::report::escape::in_shell;
use crate::report::escape::visible;

impl Paragraph<'_> {
    /// Developer and distributor, by every proof.
    pub(super) fn parties(&mut self) {
        let Some(policy) = &self.result.policy else { return };
        let (developers, distributors) = (told(&policy.developers), told(&policy.distributors));
        for (label, lines) in [("developer", developers), ("distributor", distributors)] {
            if lines.is_empty() {
                self.line(label, "nothing proves who it is");
            }
            for (position, text) in lines.iter().enumerate() {
                self.line(if position == 0 { label } else { "" }, text);
            }
        }
    }

    /// A registered package with another key: both keys, what connects them and what to do.
    pub(super) fn key_change(&mut self) {
        let Some(change) = self.result.policy.as_ref().and_then(|policy| policy.key_change.as_ref()) else {
            return;
        };
        let list = |digests: &[CertificateDigest]| {
            digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        };
        let owner = change.owner.as_ref().map_or("the owner", |owner| owner.name.as_str());
        let names = if change.names_match {
            format!("the certificate says {owner}, which proves nothing")
        } else {
            format!("the certificate does not say {owner}; it would prove nothing")
        };
        let found: Vec<String> = change.found.iter().map(ToString::to_string).collect();
        let subjects: Vec<_> = change.subjects.iter().map(|subject| brief(subject)).collect();
        let advice = match &self.options.registry {
            Some(registry) => {
                change.advice.replace(" REGISTRY ", &format!(" {} ", in_shell(Path::new(&registry.path))))
            }
            None => change.advice.clone(),
        };
        for (label, what, text) in [
            ("key change", "expected", format!("{} of {owner}", list(&change.registered))),
            ("", "found", format!("{}  {}", found.join(" + "), subjects.join("; "))),
            ("", "between", change.connection.words().to_owned()),
            ("", "names", names),
            ("", "to do", advice),
        ] {
            self.line(label, &format!("{what:<9} {}", brief_value(&text)));
        }
    }

    /// Every rule that was asked, with what it expected and what it found.
    pub(super) fn rules(&mut self) {
        let Some(policy) = &self.result.policy else { return };
        for (position, result) in policy.rules.iter().enumerate() {
            let (word, tone) = match result.outcome {
                Outcome::Holds => ("holds", Tone::Good),
                Outcome::Broken => ("BROKEN", Tone::Bad),
                Outcome::Excepted => ("excepted", Tone::Doubtful),
            };
            let word = format!("{word:<8}");
            let label = if position == 0 { "rules" } else { "" };
            self.line(label, &format!("{} {}", self.paint().paint(tone, &word), result.rule));
            let _ = writeln!(self.text, "                       expected  {}", brief_value(&result.expected));
            let _ = writeln!(self.text, "                       actual    {}", brief_value(&result.actual));
        }
    }
}

fn told<P: Display>(identities: &[Identity<P>]) -> Vec<String> {
    identities.iter().map(|identity| visible(&identity.told()).into_owned()).collect()
}
