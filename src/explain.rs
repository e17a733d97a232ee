//! The pages of findings, as `docs/findings.md` has them, and `docs/findings.zh.md` in Chinese: what a finding means, its cause
//! and what to do.
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

/// So many codes are named where one of them may have been meant.
const NEAREST: usize = 5;

/// The page of a finding, Markdown: heading, severity, meaning, cause and remedy.
pub fn page(code: FindingCode) -> &'static str {
    page_of(PAGES, code)
}

/// The same page in Chinese.
pub fn page_zh(code: FindingCode) -> &'static str {
    page_of(PAGES_ZH, code)
}

fn page_of(pages: &'static str, code: FindingCode) -> &'static str {
    let heading = format!("\n## {}\n", code.as_str());
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
    fn names_what_may_have_been_meant() {
        let names = |name| nearest(name).iter().map(|code| code.as_str()).collect::<Vec<_>>();
        assert_eq!(names("zip-gaps").first(), Some(&"zip-gap"));
        assert_eq!(names("V2-Digest-Mismatch").first(), Some(&"v2-digest-mismatch"));
        assert!(names("rotated").contains(&"key-rotated"));
        assert!(names("frobnication").is_empty() && names("").is_empty() && names("a").is_empty());
    }
}
