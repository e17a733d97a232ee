//! `apkvouch explain`.

use std::fmt::Write as _;
use std::io;
use std::io::Write as _;

use apkvouch::Error;
use apkvouch::Limits;
use apkvouch::explain;
use apkvouch::explain::Parts;
use apkvouch::finding::FindingCode;
use apkvouch::finding::Severity;
use apkvouch::limits::LIMITS;
use apkvouch::limits::Unit;
use apkvouch::policy::Verdict;
use apkvouch::report::Language;
use apkvouch::report::escape::columns;

use super::args::Color;
use super::args::Explain;
use super::output::coloured;
use super::output::terminal_width;
use super::output::unwritten;

/// So wide a page is at most, and where no terminal says how wide it is.
const WIDTH: usize = 100;

pub(super) fn run(arguments: &Explain, color: Color) -> anyhow::Result<u8> {
    let language = arguments.lang.language();
    let text = match &arguments.code {
        Some(name) => pages(name, language, coloured(color))?,
        None => list(language),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(0)
}

/// The pages that `name` stands for: of a verdict, of a finding, or of those that apksig calls so.
fn pages(name: &str, language: Language, colour: bool) -> Result<String, Error> {
    // As it stands in reports, too: in brackets.
    let plain = name.trim_matches(['[', ']']);
    let width = terminal_width().unwrap_or(WIDTH).min(WIDTH);
    let shown = |name: &str, page: &str| shown(name, &Parts::of(page), language, colour, width);
    if let Some((english, chinese)) = explain::verdict(plain) {
        return Ok(shown(plain, language.pick(english, chinese)));
    }
    let codes = FindingCode::parse(plain).map_or_else(|| explain::of_issue(plain), |code| vec![code]);
    if codes.is_empty() {
        let near: Vec<&str> = explain::nearest(plain).iter().map(|code| code.as_str()).collect();
        let advice = if near.is_empty() {
            "`apkvouch explain` lists all".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        return Err(Error::Usage(format!("no finding or verdict has the name {name:?}: {advice}")));
    }
    let page = |code: FindingCode| language.pick(explain::page(code), explain::page_zh(code));
    let mut pages: Vec<String> = codes.iter().map(|code| shown(code.as_str(), page(*code))).collect();
    if codes.contains(&FindingCode::LimitExceeded) {
        pages.push(limits(width));
    }
    Ok(pages.join("\n"))
}

/// Every limit with its value, unless `--limit` gives it another.
fn limits(width: usize) -> String {
    let defaults = Limits::default();
    let mut text = String::new();
    for limit in LIMITS {
        let unit = match limit.unit {
            Unit::Bytes => " bytes",
            Unit::Bits => " bits",
            _ => "",
        };
        let _ = writeln!(text, "{} = {}{unit}", limit.name, limit.value(&defaults));
        for line in wrapped(&limit.about(), width.saturating_sub(2)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// A page as people read it on a terminal of `width` columns.
fn shown(name: &str, parts: &Parts, language: Language, colour: bool, width: usize) -> String {
    let strong = |text: &str| if colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut text = format!("{}\n{}\n\n", strong(name), parts.weight.replace('`', ""));
    for line in wrapped(&parts.meaning, width) {
        let _ = writeln!(text, "{line}");
    }
    let items = [
        (language.pick("Cause", "成因"), &parts.cause),
        (language.pick("What to do", "处理办法"), &parts.remedy),
    ];
    for (label, item) in items {
        let _ = writeln!(text, "\n{}", strong(label));
        for line in wrapped(item, width.saturating_sub(2)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// `text` in lines of at most `width` columns, broken at spaces and between Chinese characters, where their punctuation stays
/// with what is before it. A word that is wider has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut space = false;
    for piece in pieces(text) {
        if piece == " " {
            space = true;
            continue;
        }
        let gap = usize::from(space && !line.is_empty());
        if !line.is_empty() && columns(&line).saturating_add(gap).saturating_add(columns(piece)) > width {
            lines.push(std::mem::take(&mut line));
        } else if gap == 1 {
            line.push(' ');
        }
        line.push_str(piece);
        space = false;
    }
    lines.push(line);
    lines
}

/// Spaces, words, and Chinese characters with the punctuation that belongs to them.
fn pieces(text: &str) -> Vec<&str> {
    const CLOSES: &str = "，。；：、！？）”》」";
    const OPENS: &str = "（“《「";
    let wide = |c: char| !c.is_ascii();
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let breaks = before.is_some_and(|before| {
            c == ' '
                || before == ' '
                || (wide(c) || wide(before)) && !CLOSES.contains(c) && !OPENS.contains(before)
        });
        if breaks {
            pieces.extend(text.get(start..at));
            start = at;
        }
        before = Some(c);
    }
    pieces.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

/// Verdicts, then findings: name, weight and summary.
fn list(language: Language) -> String {
    let mut text = String::new();
    let width = FindingCode::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or_default();
    for verdict in Verdict::ALL {
        let word = language.pick("verdict", "结论");
        let _ = writeln!(text, "{:<width$}  {}  {}", verdict.as_str(), padded(word), verdict.zh());
    }
    for code in FindingCode::ALL {
        let severity = language.pick(
            code.severity().as_str(),
            match code.severity() {
                Severity::Error => "错误",
                Severity::Warning => "警告",
                _ => "提示",
            },
        );
        let summary = language.pick(code.summary_en(), code.summary_zh());
        let _ = writeln!(text, "{:<width$}  {}  {summary}", code.as_str(), padded(severity));
    }
    text
}

fn padded(word: &str) -> String {
    format!("{word}{}", " ".repeat(7_usize.saturating_sub(columns(word))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_asked_for_and_nothing_is_lost() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a longerword b", 5), ["a", "longerword", "b"]);
        assert_eq!(wrapped("密钥已被替换，见此", 8), ["密钥已被", "替换，见", "此"]);
        // Punctuation does not begin a line, nor an opening mark end one.
        assert_eq!(wrapped("密钥已被，见", 8), ["密钥已", "被，见"]);
        assert_eq!(wrapped("密钥被（见此）", 8), ["密钥被", "（见此）"]);
        assert_eq!(wrapped("用 `file` 查看", 10), ["用 `file`", "查看"]);
        assert_eq!(wrapped("", 10), [""]);
    }

    #[test]
    fn a_page_has_no_markup() {
        for code in FindingCode::ALL {
            for (language, page) in
                [(Language::English, explain::page(*code)), (Language::Chinese, explain::page_zh(*code))]
            {
                let text = shown(code.as_str(), &Parts::of(page), language, false, 60);
                assert!(!text.contains("**") && !text.contains("- ") && !text.contains('\x1b'), "{text}");
                let is_narrow = |line: &str| columns(line) <= 60 || !line.trim().contains(' ');
                // But for the heading and the line with the name that apksig has.
                assert!(text.lines().skip(2).all(is_narrow), "{text}");
            }
        }
        assert!(
            shown("x", &Parts::of("## x\nNote\n\nM."), Language::English, true, 60)
                .starts_with("\x1b[1mx\x1b[0m\n")
        );
    }
}
