//! What a run comes to, in a line or a few.

use crate::policy::Verdict;
use crate::policy::file::Level;
use crate::policy::rules::Rule;
use crate::report::Language;
use crate::report::Summary;
use crate::report::escape::visible;

/// The lines behind the paragraphs: what the files came to, when there are several, and what a policy did.
pub(super) fn of_paragraphs(summary: &Summary, language: Language) -> Vec<String> {
    count(summary, language).into_iter().chain(of_policy(summary, language)).collect()
}

/// What is to be said of a policy: that it is not enforced, and which exceptions were of no use.
fn of_policy(summary: &Summary, language: Language) -> Vec<String> {
    let Some(policy) = &summary.policy else { return Vec::new() };
    let exceptions = policy.exceptions.iter().map(|line| visible(line).into_owned());
    policy.not_enforced_in(language).into_iter().chain(exceptions).collect()
}

fn count(summary: &Summary, language: Language) -> Option<String> {
    let all = summary.judged.saturating_add(summary.unjudged);
    if all <= 1 {
        return None;
    }
    let Summary { passed, failed, unjudged, .. } = summary;
    let mut line = language.pick(
        format!("{all} files: {passed} passed, {failed} failed"),
        format!("{all} 个文件：通过 {passed}，未通过 {failed}"),
    );
    if *unjudged > 0 {
        let more =
            language.pick(format!(", {unjudged} could not be judged"), format!("，无法判定 {unjudged}"));
        line.push_str(&more);
    }
    Some(line)
}

/// The lines below a table; `warned` files have warnings.
pub(super) fn of_table(summary: &Summary, warned: u64, language: Language) -> Vec<String> {
    let mut parts: Vec<String> = summary
        .verdicts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| {
            let verdict = Verdict::ALL.iter().find(|verdict| verdict.as_str() == name);
            let chinese = verdict.map_or("签名有效", |verdict| verdict.zh());
            language.pick(format!("{count} {name}"), format!("{chinese} {count}"))
        })
        .collect();
    parts.reverse();
    let judged = if parts.is_empty() {
        language.pick("no APK was judged", "没有检查任何 APK").to_owned()
    } else {
        let judged = files(summary.judged, language);
        language.pick(
            format!("{judged} judged: {}", parts.join(", ")),
            format!("已检查 {judged}：{}", parts.join("，")),
        )
    };
    let mut lines = vec![judged];
    let Summary { members, unjudged, skipped, not_apk, .. } = *summary;
    if members > 0 {
        let word = if members == 1 { "member" } else { "members" };
        lines.push(language.pick(
            format!("{members} {word} of containers judged with them"),
            format!("另检查了容器内的 {members} 个成员"),
        ));
    }
    if warned > 0 {
        let have = if warned == 1 { "has" } else { "have" };
        let some = files(warned, language);
        lines.push(language.pick(
            format!(
                "{some} {have} warnings: `apkvouch verify FILE` shows those of a file, --format json all"
            ),
            format!("{some}有警告：`apkvouch verify FILE` 显示单个文件的警告，--format json 显示全部"),
        ));
    }
    if unjudged > 0 {
        let some = files(unjudged, language);
        lines.push(language.pick(
            format!("{some} could not be judged: see the rows marked error"),
            format!("{some}无法判定：见标为“无法读取”的行"),
        ));
    }
    if skipped > 0 {
        let many = if skipped == 1 { "link or special file" } else { "links or special files" };
        lines.push(
            language.pick(format!("{skipped} {many} skipped"), format!("跳过了 {skipped} 个链接或特殊文件")),
        );
    }
    if not_apk > 0 {
        let named = files(not_apk, language);
        lines.push(language.pick(
            format!("{named} not named like an APK skipped; --all-files looks at them too"),
            format!("跳过了 {named}，其名称不像 APK；--all-files 也检查它们"),
        ));
    }
    lines.extend(failed_by(summary, language));
    lines.extend(of_policy(summary, language));
    lines
}

/// By which rules of a policy that is enforced files failed: their verdicts do not tell.
fn failed_by(summary: &Summary, language: Language) -> Option<String> {
    let policy = summary.policy.as_ref()?;
    if policy.level != Level::Enforce || policy.broken == 0 {
        return None;
    }
    let of_rule = |(rule, count): (&Rule, &u64)| match (policy.broken, language) {
        (1, _) => rule.to_string(),
        (_, Language::English) => format!("{count} by {rule}"),
        (_, Language::Chinese) => format!("{rule} {count} 个"),
    };
    let rules: Vec<String> = policy.rules.iter().map(of_rule).collect();
    let by = if policy.broken == 1 { "by " } else { "" };
    Some(language.pick(
        format!("{} failed: {by}{}", policy.broken, rules.join(", ")),
        format!("未通过 {}：违反规则 {}", policy.broken, rules.join("，")),
    ))
}

fn files(count: u64, language: Language) -> String {
    match (count, language) {
        (1, Language::English) => "1 file".to_owned(),
        (_, Language::English) => format!("{count} files"),
        (_, Language::Chinese) => format!("{count} 个文件"),
    }
}
