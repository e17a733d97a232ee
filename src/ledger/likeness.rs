//! What makes two names look the same to whoever glances at them.

/// What is left of a name when case, width, spaces and what nobody sees are taken away; empty where nothing is left.
///
/// Letters of other scripts that look alike stay apart, as do simplified and traditional characters: `аpp` with a Cyrillic а is
/// another name than `app`.
pub(super) fn likeness(name: &str) -> String {
    let seen = name.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c));
    seen.map(narrow).flat_map(char::to_lowercase).collect()
}

/// The usual form of a letter, digit or sign that fills a square.
///
/// Source: Unicode, block Halfwidth and Fullwidth Forms.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        c => c,
    }
}

/// Whether it has no shape of its own: joiners, marks of direction, selectors, fillers.
///
/// Source: Unicode, property `Default_Ignorable_Code_Point`.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for same in [
            "River Bank",
            "river bank",
            "RIVERBANK",
            "Ｒｉｖｅｒ　Ｂａｎｋ",
            "River\u{200b}Bank",
            "\u{202e}River\u{a0}Bank\u{feff}\n",
        ] {
            assert_eq!(likeness(same), "riverbank", "{same:?}");
        }
        assert_eq!(likeness("支付 宝"), likeness("支付宝"));
    }

    #[test]
    fn names_that_differ_to_the_eye_stay_apart() {
        for other in ["River Bank 2", "River-Bank", "Riverbanc", "Rivеr Bank", "Ríver Bank"] {
            assert_ne!(likeness(other), "riverbank", "{other:?}");
        }
        assert_eq!(likeness(" \u{200b}\u{3000}\t"), "");
    }
}
