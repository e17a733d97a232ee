//! What a policy says of a file: who stands behind it, and each rule.

use std::fmt::Display;
use std::fmt::Write as _;
use std::path::Path;

use super::fit::padded;
use super::paint::Tone;
use super::paragraph::Paragraph;
use crate::identity::CertificateDigest;
use crate::policy::file::Level;
use crate::policy::rules::Identity;
use crate::policy::rules::Outcome;
use crate::policy::rules::RuleResult;
use crate::report::escape::brief;
use crate::report::escape::brief_value;
use crate::report::escape::in_shell;
use crate::report::escape::visible;

impl Paragraph<'_> {
    /// Developer and distributor, by every proof.
    pub(super) fn parties(&mut self) {
        let Some(policy) = &self.result.policy else { return };
        let (developers, distributors) = (told(&policy.developers), told(&policy.distributors));
        let of = [("developer", "开发者", developers), ("distributor", "分发者", distributors)];
        for (english, chinese, lines) in of {
            let label = self.pick(english, chinese);
            if lines.is_empty() {
                self.line(label, self.pick("nothing proves who it is", "没有证据表明其身份"));
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
        let language = self.options.language;
        let list = |digests: &[CertificateDigest]| {
            let digests = digests.iter().map(ToString::to_string).collect::<Vec<_>>();
            digests.join(language.pick(" or ", " 或 "))
        };
        let owner = change
            .owner
            .as_ref()
            .map_or(language.pick("the owner", "权利人"), |owner| owner.name.as_str());
        let names = if change.names_match {
            language.pick(
                format!("the certificate says {owner}, which proves nothing"),
                format!("证书自称 {owner}，这不证明任何事"),
            )
        } else {
            language.pick(
                format!("the certificate does not say {owner}; it would prove nothing"),
                format!("证书未自称 {owner}；即使自称也不证明任何事"),
            )
        };
        let found: Vec<String> = change.found.iter().map(ToString::to_string).collect();
        let subjects: Vec<_> = change.subjects.iter().map(|subject| brief(subject)).collect();
        let advice = language.pick(&change.advice, &change.advice_zh);
        let advice = match &self.options.registry {
            Some(registry) => {
                advice.replace(" REGISTRY ", &format!(" {} ", in_shell(Path::new(&registry.path))))
            }
            None => advice.clone(),
        };
        let registered = list(&change.registered);
        let label = language.pick("key change", "密钥变更");
        for (label, what, text) in [
            (
                label,
                language.pick("expected", "应为"),
                language.pick(format!("{registered} of {owner}"), format!("{registered}，属于 {owner}")),
            ),
            ("", language.pick("found", "实为"), format!("{}  {}", found.join(" + "), subjects.join("; "))),
            (
                "",
                language.pick("between", "联系"),
                language.pick(change.connection.words(), change.connection.words_zh()).to_owned(),
            ),
            ("", language.pick("names", "名称"), names),
            ("", language.pick("to do", "处理"), advice),
        ] {
            self.line(label, &format!("{}{}", padded(what, 10), brief_value(&text)));
        }
    }

    /// Every rule that was asked, those that are broken first. What such a one expected and found stands in its finding, unless
    /// that is not shown.
    pub(super) fn rules(&mut self) {
        let Some(policy) = &self.result.policy else { return };
        let mut rules: Vec<&RuleResult> = policy.rules.iter().collect();
        rules.sort_by_key(|result| result.outcome != Outcome::Broken);
        let is_told = policy.level != Level::Audit || self.options.verbose;
        for (position, result) in rules.into_iter().enumerate() {
            let (word, tone) = match result.outcome {
                Outcome::Holds => (self.pick("holds", "符合"), Tone::Good),
                Outcome::Broken => (self.pick("BROKEN", "违反"), Tone::Bad),
                Outcome::Excepted => (self.pick("excepted", "例外"), Tone::Doubtful),
            };
            let word = padded(word, 8);
            let label = if position == 0 { self.pick("rules", "规则") } else { "" };
            let broken = result.outcome == Outcome::Broken && is_told;
            let code = if broken { format!(" [{}]", result.rule.code().as_str()) } else { String::new() };
            let code = self.paint().paint(Tone::Faint, &code);
            self.line(label, &format!("{} {}{code}", self.paint().paint(tone, &word), result.rule));
            if broken {
                continue;
            }
            let (should, is) = (self.pick("expected", "应为"), self.pick("actual", "实为"));
            let (should, is) = (padded(should, 10), padded(is, 10));
            let _ = writeln!(self.text, "                       {should}{}", brief_value(&result.expected));
            let _ = writeln!(self.text, "                       {is}{}", brief_value(&result.actual));
        }
    }
}

fn told<P: Display>(identities: &[Identity<P>]) -> Vec<String> {
    identities.iter().map(|identity| visible(&identity.told()).into_owned()).collect()
}
