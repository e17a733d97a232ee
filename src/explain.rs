//! The pages of findings, as `docs/findings.md` has them, and `docs/findings.zh.md` in Chinese: what a finding means, its cause
//! and what to do. Those of verdicts stand in `docs/verdicts.md` and `docs/verdicts.zh.md`.
//!
//! ```
//! use apkvouch::explain;
//! use apkvouch::finding::FindingCode;
//!
//! assert!(explain::page(FindingCode::Janus).starts_with("## janus\nError\n"));
//! assert_eq!(explain::nearest("v2-digest-mismach").first(), Some(&FindingCode::V2DigestMismatch));
//! ```

use crate::fields::distance;
use crate::finding::FindingCode;

const PAGES: &str = include_str!("../docs/findings.md");
const PAGES_ZH: &str = include_str!("../docs/findings.zh.md");
const VERDICTS: &str = include_str!("../docs/verdicts.md");
const VERDICTS_ZH: &str = include_str!("../docs/verdicts.zh.md");

/// So many codes are named where one of them may have been meant.
const NEAREST: usize = 5;

/// The page of a finding, Markdown: heading, severity, meaning, cause and remedy.
pub fn page(code: FindingCode) -> &'static str {
    page_of(PAGES, code.as_str())
}

/// The same page in Chinese.
pub fn page_zh(code: FindingCode) -> &'static str {
    page_of(PAGES_ZH, code.as_str())
}

/// The page of the verdict of that English name, in the form of [`page`], in English and in Chinese; none of any other name.
pub fn verdict(name: &str) -> Option<(&'static str, &'static str)> {
    let pages = (page_of(VERDICTS, name), page_of(VERDICTS_ZH, name));
    (!pages.0.is_empty() && !name.contains('\n')).then_some(pages)
}

/// The findings that stand for what apksig calls an issue of that name, in any case: `V2_SIG_APK_DIGEST_DID_NOT_VERIFY`.
pub fn of_issue(name: &str) -> Vec<FindingCode> {
    let is_named = |code: &FindingCode| code.apksig_issue().is_some_and(|i| i.eq_ignore_ascii_case(name));
    FindingCode::ALL.iter().copied().filter(is_named).collect()
}

/// What a page says, each in one line. What stands between backticks is code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// The line below the heading: the severity and the issue of apksig; of a verdict its name in Chinese.
    pub weight: String,
    /// What it means.
    pub meaning: String,
    /// Where it comes from.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

impl Parts {
    /// The parts of `page`, in English or in Chinese.
    pub fn of(page: &str) -> Self {
        let body = page.split_once('\n').map_or("", |(_, body)| body);
        let (weight, body) = body.split_once("\n\n").unwrap_or((body, ""));
        let mut items = body.split("\n- **");
        let meaning = one_line(items.next().unwrap_or_default());
        let mut item = || {
            let text = items.next().and_then(|item| item.split_once("**")).map_or("", |(_, text)| text);
            one_line(text)
        };
        let (cause, remedy) = (item(), item());
        Self { weight: one_line(weight), meaning, cause, remedy }
    }
}

/// The lines of `text` as one. Between Chinese characters, and behind their punctuation, nothing stands in the place of the break.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let before = line.chars().next_back();
        // The dot stands between two words.
        let wide = |c: char| !c.is_ascii() && c != '·';
        let joins = before.is_some_and(|before| {
            wide(before) && (word.starts_with(wide) || "，。；：、！？（）“”".contains(before))
        });
        if before.is_some() && !joins {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn page_of(pages: &'static str, name: &str) -> &'static str {
    let heading = format!("\n## {name}\n");
    let Some(start) = pages.find(&heading).map(|at| at.saturating_add(1)) else { return "" };
    let rest = pages.get(start..).unwrap_or_default();
    // Behind the heading: up to the next one, of a finding or of a section.
    let ends = ["\n## ", "\n# "].iter().filter_map(|next| rest.find(next));
    let page = ends.min().and_then(|end| rest.get(..end)).unwrap_or(rest);
    page.trim_end()
}

/// Codes that are spelled like `name`, or have it in them; the nearest first, at most five.
pub fn nearest(name: &str) -> Vec<FindingCode> {
    let name = name.trim().to_ascii_lowercase();
    let mut near: Vec<(usize, FindingCode)> = FindingCode::ALL
        .iter()
        .map(|code| (distance(&name, code.as_str()), *code))
        .filter(|(edits, code)| {
            let within = name.len() > 2 && code.as_str().contains(&name);
            within || *edits <= code.as_str().len() / 3
        })
        .collect();
    near.sort_by_key(|(edits, _)| *edits);
    near.into_iter().map(|(_, code)| code).take(NEAREST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own() {
        for code in FindingCode::ALL {
            for (page, cause, remedy) in [
                (page(*code), "- **Cause:** ", "- **Remedy:** "),
                (page_zh(*code), "- **成因：** ", "- **处理办法：** "),
            ] {
                assert!(page.starts_with(&format!("## {}\n", code.as_str())), "{}", code.as_str());
                assert_eq!(page.matches(cause).count(), 1, "{}", code.as_str());
                assert_eq!(page.matches(remedy).count(), 1, "{}", code.as_str());
                assert!(!page.contains("\n#"), "{}", code.as_str());
            }
        }
    }

    #[test]
    fn a_page_is_read_in_parts() {
        let parts = Parts::of(
            "## x\nError · apksig `X_Y`\n\nA file\nwith `a`.\n- **Cause:** One,\n  two.\n- **Remedy:** None.",
        );
        assert_eq!(parts.weight, "Error · apksig `X_Y`");
        assert_eq!((parts.meaning.as_str(), parts.cause.as_str()), ("A file with `a`.", "One, two."));
        assert_eq!(parts.remedy, "None.");
        let zh = Parts::of(
            "## x\n错误 · apksig `X_Y`\n\n文件中，\napksig 的\n名称 `a`\n不是。\n- **成因：** 甲\n  乙。\n- **处理办法：** 无。",
        );
        assert_eq!(zh.weight, "错误 · apksig `X_Y`");
        assert_eq!(zh.meaning, "文件中，apksig 的名称 `a` 不是。");
        assert_eq!((zh.cause.as_str(), zh.remedy.as_str()), ("甲乙。", "无。"));
        for code in FindingCode::ALL {
            for page in [page(*code), page_zh(*code)] {
                let Parts { weight, meaning, cause, remedy } = Parts::of(page);
                let all = [weight, meaning, cause, remedy];
                assert!(all.iter().all(|part| !part.is_empty() && !part.contains("**")), "{all:?}");
                // An odd one would show what follows as code.
                assert!(all.iter().all(|part| part.matches('`').count() % 2 == 0), "{all:?}");
            }
        }
    }

    #[test]
    fn issues_of_apksig_lead_to_findings() {
        assert_eq!(of_issue("v2_sig_did_not_verify"), [FindingCode::V2SignatureMismatch]);
        assert_eq!(of_issue("JAR_SIG_ZIP_ENTRY_DIGEST_DID_NOT_VERIFY").len(), 2);
        assert!(of_issue("JAR_SIG").is_empty() && of_issue("").is_empty());
    }

    #[test]
    fn a_verdict_has_a_page_and_nothing_else_has() {
        assert!(
            verdict("counterfeit")
                .is_some_and(|(page, zh)| page.starts_with("## counterfeit\n") && !zh.is_empty())
        );
        assert_eq!((verdict("janus"), verdict(""), verdict("counterfeit\n仿冒")), (None, None, None));
    }

    #[test]
    fn names_what_may_have_been_meant() {
        let names = |name| nearest(name).iter().map(|code| code.as_str()).collect::<Vec<_>>();
        assert_eq!(names("zip-gaps").first(), Some(&"zip-gap"));
        assert_eq!(names("V2-Digest-Mismatch").first(), Some(&"v2-digest-mismatch"));
        assert!(names("rotated").contains(&"key-rotated"));
        assert!(names("frobnication").is_empty() && names("").is_empty() && names("a").is_empty());
    }
}
