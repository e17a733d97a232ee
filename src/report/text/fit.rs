//! Text fitted into columns of a terminal: cut, or broken into lines. What is fitted is already visible.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar as _;

use crate::report::escape::columns;

/// `text` in at most `width` columns; what is cut out of its middle is an ellipsis. More of the end is kept than of the
/// beginning: paths and packages differ there.
pub(super) fn middle(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let room = width.saturating_sub(1);
    let (head, _) = split(text, room / 3);
    let tail_width = room.saturating_sub(columns(head));
    Cow::Owned(format!("{head}…{}", tail(text, tail_width)))
}

/// `text` in at most `width` columns; what is cut off its end is an ellipsis.
pub(super) fn end(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", split(text, width.saturating_sub(1)).0.trim_end()))
}

/// `text` filled up with spaces to `width` columns.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The words of `text` in lines of at most `width` columns. A word that is wider is broken.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if columns(&line).saturating_add(gap).saturating_add(columns(word)) > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while columns(word) > width {
            let (head, rest) = split(word, width);
            // One character may be wider than all there is.
            let (head, rest) = if head.is_empty() { (word, "") } else { (head, rest) };
            lines.push(head.to_owned());
            word = rest;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// As many characters from the start of `text` as `width` columns hold, and the rest.
fn split(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0_usize;
    for (at, c) in text.char_indices() {
        used = used.saturating_add(c.width().unwrap_or(0));
        if used > width {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// As many characters from the end of `text` as `width` columns hold. Begins with none that combines with one before it.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0_usize;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let wide = c.width().unwrap_or(0);
        used = used.saturating_add(wide);
        if used > width {
            break;
        }
        if wide > 0 {
            start = at;
        }
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_middle() {
        assert_eq!(middle("store/finance/wallet.apk", 24), "store/finance/wallet.apk");
        assert_eq!(middle("store/finance/wallet.apk", 19), "store/…e/wallet.apk");
        assert_eq!(middle("网上银行网上银行.apk", 12), "网…银行.apk");
        assert_eq!(middle("abcdef", 1), "…");
        assert_eq!(middle("abcdefe\u{301}", 4), "a…fe\u{301}");
    }

    #[test]
    fn cuts_the_end() {
        assert_eq!(end("9febbcec Riverbank plc", 12), "9febbcec Ri…");
        assert_eq!(end("9febbcec 示例银行", 10), "9febbcec…");
        assert_eq!(end("9febbcec", 8), "9febbcec");
    }

    #[test]
    fn breaks_lines_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("0123456789 ab", 4), ["0123", "4567", "89", "ab"]);
        assert_eq!(wrapped("银行银行", 5), ["银行", "银行"]);
        assert_eq!(wrapped("银", 1), ["银", ""]);
        assert_eq!(wrapped("", 9), [""]);
    }

    #[test]
    fn is_never_wider_than_it_may_be() {
        let text = "示例/store/e\u{301}e\u{301}/网上银行 with a long-name-that-does-not-end_银.apk";
        for width in 2..80 {
            assert!(columns(&middle(text, width)) <= width, "{width}");
            assert!(columns(&end(text, width)) <= width, "{width}");
            assert!(wrapped(text, width).iter().all(|line| columns(line) <= width), "{width}");
        }
    }
}
