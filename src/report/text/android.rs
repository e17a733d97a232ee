//! Names of Android versions.

use std::borrow::Cow;

use crate::report::Language;

/// `Android 7.0 and newer (API 24+)`, `Android 7.0 to 8.1 (API 24-27)`.
pub(in crate::report) fn android(min: u32, max: Option<u32>) -> String {
    android_in(Language::English, min, max)
}

/// As [`android`], in that language.
pub(in crate::report) fn android_in(language: Language, min: u32, max: Option<u32>) -> String {
    match (max, language) {
        (None, Language::English) => format!("Android {} and newer (API {min}+)", release(min)),
        (None, Language::Chinese) => format!("Android {} 及更高版本 (API {min}+)", release(min)),
        (Some(max), _) if max == min => format!("Android {} (API {min})", release(min)),
        (Some(max), Language::English) => {
            format!("Android {} to {} (API {min}-{max})", release(min), release(max))
        }
        (Some(max), Language::Chinese) => {
            format!("Android {} 至 {} (API {min}-{max})", release(min), release(max))
        }
    }
}

/// The version of Android that brought an API level. Source: Android's `Build.VERSION_CODES`.
fn release(api: u32) -> Cow<'static, str> {
    const RELEASES: [&str; 37] = [
        "1.0", "1.1", "1.5", "1.6", "2.0", "2.0.1", "2.1", "2.2", "2.3", "2.3.3", "3.0", "3.1", "3.2", "4.0",
        "4.0.3", "4.1", "4.2", "4.3", "4.4", "4.4W", "5.0", "5.1", "6.0", "7.0", "7.1", "8.0", "8.1", "9",
        "10", "11", "12", "12L", "13", "14", "15", "16", "17",
    ];
    let index = usize::try_from(api).ok().and_then(|api| api.checked_sub(1));
    match index.and_then(|index| RELEASES.get(index)) {
        Some(name) => Cow::Borrowed(name),
        None if api == 0 => Cow::Borrowed("1.0"),
        None => Cow::Owned(format!("API {api}")),
    }
}
