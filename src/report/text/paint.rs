//! Colours: what a meaning looks like on a terminal.

use std::borrow::Cow;

/// What stands on the terminal for a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    Good,
    Bad,
    Doubtful,
    Faint,
    Strong,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Paint(pub(in crate::report) bool);

impl Paint {
    /// `text` in its colour; SGR codes of ECMA-48, section 8.3.117.
    pub(in crate::report) fn paint(self, tone: Tone, text: &str) -> Cow<'_, str> {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "33",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        if self.0 { Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")) } else { Cow::Borrowed(text) }
    }
}
