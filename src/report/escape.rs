//! Makes text that stems from a file harmless: what a terminal would obey, or an eye would not see, is spelled out.
//!
//! The model keeps text raw; every writer passes what it prints through here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

/// Ranges of characters that are spelled out besides Unicode's control characters: bidirectional marks, zero-width
/// and other invisible characters, separators of lines, and what is no character and may not stand in XML.
///
/// Source: Unicode `DerivedCoreProperties.txt`, `Default_Ignorable_Code_Point`; `Zl`, `Zp`; UAX #9 (`Bidi_Control`).
const INVISIBLE: [(u32, u32); 23] = [
    (0x00ad, 0x00ad),
    (0x034f, 0x034f),
    (0x061c, 0x061c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x2029),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xe000, 0xf8ff),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0xfffe, 0xffff),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
    (0xf_0000, 0xf_ffff),
    (0x10_0000, 0x10_ffff),
];

/// Whether `c` is spelled out: control characters (C0, delete, C1), bidirectional marks, and what cannot be seen.
pub fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    c.is_control() || INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

/// The text on one line, with everything a terminal would obey spelled out: `\x1b`, `\u{202e}`, `\n`.
///
/// What is left is printable; the spelling is for people and cannot be turned back without doubt.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        push_visible(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// The path on one line; bytes that are not UTF-8 as `\xff`, the rest as [`visible`] has it.
pub fn path(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            push_visible(&mut shown, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// The path as a word of a command that is to be typed into a shell.
pub fn in_shell(path: &Path) -> String {
    let word = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    match word.chars().next() {
        Some('-') => format!("./{}", in_shell_quotes(&word, plain)),
        Some(_) => in_shell_quotes(&word, plain),
        None => "''".to_owned(),
    }
}

fn in_shell_quotes(word: &str, plain: impl Fn(char) -> bool) -> String {
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn push_visible(shown: &mut String, c: char) {
    let _ = match c {
        '\n' => shown.write_str("\\n"),
        '\r' => shown.write_str("\\r"),
        '\t' => shown.write_str("\\t"),
        c if is_hidden(c) && u32::from(c) < 0x100 => write!(shown, "\\x{:02x}", u32::from(c)),
        c if is_hidden(c) => write!(shown, "\\u{{{:x}}}", u32::from(c)),
        c => shown.write_char(c),
    };
}

/// So many characters of a text that a file chose stand in text for people; of a path, so many.
const BRIEF: usize = 400;
const BRIEF_PATH: usize = 1000;
/// So many of what is said of a file, in which several such texts, or digests, may stand.
const BRIEF_VALUE: usize = 2000;

/// The text as [`visible`] has it, and an ellipsis for what is beyond 400 characters: a name of 64 KiB must not push what is
/// said of it off the screen.
pub fn brief(text: &str) -> Cow<'_, str> {
    within(text, BRIEF)
}

/// The same of what a finding says, expects and finds, beyond 2,000 characters: forms for programs have all of it.
pub fn brief_value(text: &str) -> Cow<'_, str> {
    within(text, BRIEF_VALUE)
}

fn within(text: &str, most: usize) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.chars().nth(most).is_none() {
        return shown;
    }
    let (mut cut, mut length) = (String::new(), 0_usize);
    for c in text.chars() {
        let before = cut.len();
        push_visible(&mut cut, c);
        // What is spelled out is ASCII.
        length = length.saturating_add(if is_hidden(c) { cut.len().saturating_sub(before) } else { 1 });
        if length > most {
            cut.truncate(before);
            break;
        }
    }
    cut.push('…');
    Cow::Owned(cut)
}

/// The path as [`visible`] has it, and an ellipsis for what is beyond 1,000 characters: in its middle, since paths differ at
/// their ends.
pub fn brief_path(path: &str) -> Cow<'_, str> {
    let shown = visible(path);
    let length = shown.chars().count();
    if length <= BRIEF_PATH {
        return shown;
    }
    let head = BRIEF_PATH / 3;
    let tail = length.saturating_sub(BRIEF_PATH.saturating_sub(head));
    Cow::Owned(shown.chars().take(head).chain(['…']).chain(shown.chars().skip(tail)).collect())
}

/// The first `most` characters of `text`, with an ellipsis where something is cut off.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// JSON text in which hidden characters stand as `\u202e`: the same value to every reader, and safe to look at.
///
/// `json` is a whole JSON text: outside its strings no such character can stand.
pub fn json(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !json.chars().any(hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len().saturating_add(64));
    for c in json.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// How many columns of a terminal `text` takes: two for East Asian wide characters, none for combining ones.
///
/// `text` is already [`visible`].
pub fn columns(text: &str) -> usize {
    // No character of it is a control character.
    if text.is_ascii() { text.len() } else { text.width() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_command() {
        for (path, word) in [
            ("store/r-1.toml", "store/r-1.toml"),
            ("my registry.toml", "'my registry.toml'"),
            ("it's;rm.toml", "'it'\\''s;rm.toml'"),
            ("-r.toml", "./-r.toml"),
            ("", "''"),
        ] {
            assert_eq!(in_shell(Path::new(path)), word);
        }
    }

    #[test]
    fn spells_out_what_a_terminal_would_obey() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert_eq!(visible("a\u{9b}2J"), "a\\x9b2J");
        assert_eq!(visible("\u{7f}"), "\\x7f");
        assert_eq!(visible("evil\u{202e}kpa.gpj"), "evil\\u{202e}kpa.gpj");
        assert_eq!(visible("CN=x\nSigner #1 certificate"), "CN=x\\nSigner #1 certificate");
        assert_eq!(visible("ba\u{200b}nk\u{2066}"), "ba\\u{200b}nk\\u{2066}");
        assert_eq!(visible("\u{e0041}\u{3164}"), "\\u{e0041}\\u{3164}");
    }

    #[test]
    fn leaves_names_of_people_alone() {
        for text in ["CN=Jürgen Müller, O=株式会社, C=JP", "网上银行", "عربي", "a\\b", "é\u{301}"]
        {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_no_spelling_in_two() {
        let exact = "银".repeat(BRIEF);
        assert_eq!(brief(&exact), exact);
        assert_eq!(brief(&format!("{exact}x")), format!("{exact}…"));
        let spelled = "\\x1b".repeat(BRIEF / 4);
        assert_eq!(brief(&"\x1b".repeat(BRIEF / 4)), spelled);
        assert_eq!(brief(&"\x1b".repeat(BRIEF)), format!("{spelled}…"));
        assert_eq!(
            brief(&format!("a{}", "\x1b".repeat(BRIEF))),
            format!("a{}…", spelled.replacen("\\x1b", "", 1))
        );
    }

    #[test]
    fn long_paths_are_cut_in_their_middle() {
        let exact = "/".repeat(BRIEF_PATH);
        assert_eq!(brief_path(&exact), exact);
        let cut = brief_path(&format!("a{}b.apk", "/".repeat(BRIEF_PATH))).into_owned();
        assert!(cut.starts_with("a//") && cut.contains("/…/") && cut.ends_with("/b.apk"), "{cut}");
        assert_eq!(cut.chars().count(), BRIEF_PATH + 1);
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "a\u{202e}b\u{9b}c\u{e0041}网\n";
        let text = serde_json::to_string(value).unwrap();
        let shown = json(&text);
        assert_eq!(shown, r#""a\u202eb\u009bc\udb40\udc41网\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), value);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_utf8() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"a\xff\x1b.apk");
        assert_eq!(path(Path::new(name)), "a\\xff\\x1b.apk");
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(columns("abc"), 3);
        assert_eq!(columns("银行"), 4);
        assert_eq!(columns("e\u{301}"), 1);
    }
}
