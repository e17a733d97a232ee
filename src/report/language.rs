//! The language in which text speaks to people.

/// A language of texts. What a file, a registry or a policy says stays as it is, and so do codes and names of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// That of the locale that POSIX variables name, as `zh_CN.UTF-8`: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is not
    /// empty. English for any other language, and where none is named.
    ///
    /// Source: POSIX.1-2024, 8.2.
    pub fn of_locale(lc_all: Option<&str>, lc_messages: Option<&str>, lang: Option<&str>) -> Self {
        let set = [lc_all, lc_messages, lang].into_iter().flatten().find(|value| !value.is_empty());
        let language = set.and_then(|value| value.split(['_', '.', '@', '-']).next()).unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    /// The text of this language.
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        use Language::Chinese;
        use Language::English;

        for (lc_all, lc_messages, lang, language) in [
            (None, None, None, English),
            (None, None, Some("zh_CN.UTF-8"), Chinese),
            (None, None, Some("zh"), Chinese),
            (None, None, Some("zh-Hans"), Chinese),
            (None, None, Some("en_GB.UTF-8"), English),
            (None, None, Some("zhx_XX"), English),
            (Some(""), Some("zh_TW"), Some("en_US"), Chinese),
            (Some("C"), Some("zh_CN"), Some("zh_CN"), English),
            (Some("zh_CN.GBK@x"), Some("C"), None, Chinese),
        ] {
            assert_eq!(
                Language::of_locale(lc_all, lc_messages, lang),
                language,
                "{lc_all:?} {lc_messages:?} {lang:?}"
            );
        }
    }
}
