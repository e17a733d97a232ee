//! What people see of an app before they start it: the names under which devices show it, and its icon.
//!
//! Read beside verification where a report or a database of scans shows it, of every file of a scan, and so within tighter
//! limits than [`Apk::identity`]. A claim until the file is verified.
//!
//! Source: AOSP `LauncherActivityInfo.getLabel`, `ActivityInfo.loadLabel`, `PackageItemInfo.loadSafeLabel`.

use super::Apk;
use super::AppIdentity;
use super::LabelVariant;
use super::NoPicture;
use super::Picture;
use super::Stop;
use super::picture::Search;

/// So many texts are kept: real apps have one or two names in each of some hundred languages.
const LABELS: usize = 256;
/// Of a text so many characters, as the platform's `loadSafeLabel` takes.
const LABEL: usize = 1000;
/// Of all texts together so many bytes, with their locales and qualifiers: they stand in reports and databases.
const LABEL_BYTES: usize = 32 << 10;
/// So many times what one name may cost to look up all of them may cost, and the drawings of the icon.
const LOOKUPS: u64 = 4;

/// What people see of an app. A claim until the file is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appearance {
    /// A name to show, as [`AppIdentity::display_label`] gives it.
    pub label: Option<String>,
    /// Every text that some device shows as the name of the app or of an activity in the launcher, each once; empty when that is
    /// `label` alone.
    pub labels: Vec<LabelVariant>,
    /// How many more texts there are.
    pub labels_left_out: usize,
    /// Its icon, of the size that suits a report.
    pub icon: Option<Picture>,
    /// Why there is none, though the app has one.
    pub icon_left_out: Option<NoPicture>,
}

impl Appearance {
    /// The names of the app that calls itself `identity`.
    fn names(identity: &AppIdentity) -> Self {
        let label = identity.display_label().map(cut);
        let mut labels: Vec<LabelVariant> = Vec::new();
        let mut left_out = 0_usize;
        let mut bytes = 0_usize;
        for of in std::iter::once(&identity.label).chain(identity.launchers.iter().map(|shown| &shown.label))
        {
            // A text that stands in the manifest, or that no configuration gives, is one for all devices.
            let alone = of.text.iter().filter(|_| of.variants.is_empty()).map(|text| ("", "", text));
            let variants = of.variants.iter();
            let variants = variants.map(|row| (row.locale.as_str(), row.qualifiers.as_str(), &row.text));
            for (locale, qualifiers, text) in alone.chain(variants) {
                let row = LabelVariant {
                    locale: locale.to_owned(),
                    qualifiers: qualifiers.to_owned(),
                    text: cut(text),
                };
                if labels.contains(&row) {
                    continue;
                }
                let with_it = bytes.saturating_add(row.locale.len() + row.qualifiers.len() + row.text.len());
                if labels.len() < LABELS && with_it <= LABEL_BYTES {
                    bytes = with_it;
                    labels.push(row);
                } else {
                    left_out = left_out.saturating_add(1);
                }
            }
        }
        if let [only] = labels.as_slice()
            && label.as_ref() == Some(&only.text)
            && only.locale.is_empty()
            && only.qualifiers.is_empty()
        {
            labels.clear();
        }
        Self { label, labels, labels_left_out: left_out, icon: None, icon_left_out: None }
    }

    /// Every text that some device shows, each once, the one to show first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let mut seen = std::collections::BTreeSet::new();
        let all = self.label.as_deref().into_iter().chain(self.labels.iter().map(|row| row.text.as_str()));
        all.filter(move |text| seen.insert(*text))
    }
}

impl Apk<'_> {
    /// Reads what people see of the app; none of what has neither name nor icon, or cannot be read so far. `sha256` digests the
    /// icon.
    ///
    /// # Errors
    /// [`Stop::Error`] when the bytes cannot be had.
    pub fn appearance(&self, sha256: fn(&[u8]) -> [u8; 32]) -> Result<Option<Appearance>, Stop> {
        let limits = self.limits.in_passing();
        let lookups = limits.resource_lookups.saturating_mul(LOOKUPS);
        let appearance = self.described(&limits, lookups, |identity, files_of| {
            let mut appearance = Appearance::names(&identity);
            match Search::new(self, sha256, files_of).icon(&identity)? {
                Some(Ok(picture)) => appearance.icon = Some(picture),
                Some(Err(why)) => appearance.icon_left_out = Some(why),
                None => {}
            }
            Ok(appearance)
        });
        match appearance {
            Ok(appearance) => Ok(Some(appearance).filter(|appearance| *appearance != Appearance::default())),
            Err(Stop::Malformed(_)) => Ok(None),
            Err(stop) => Err(stop),
        }
    }
}

/// The start of a text that is longer than any launcher shows.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LABEL) {
        None => text.to_owned(),
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned() + "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apk::Icon;
    use crate::apk::Label;
    use crate::apk::Launcher;

    fn row(locale: &str, text: &str) -> LabelVariant {
        LabelVariant { locale: locale.to_owned(), qualifiers: String::new(), text: text.to_owned() }
    }

    fn label(text: &str, variants: &[LabelVariant]) -> Label {
        Label { text: Some(text.to_owned()), variants: variants.to_vec(), ..Label::default() }
    }

    fn launcher(label: Label) -> Launcher {
        Launcher { name: String::new(), enabled: true, label, icon: Icon::default() }
    }

    #[test]
    fn one_name_everywhere_is_said_once() {
        let mut identity = AppIdentity { label: label("Bank", &[]), ..AppIdentity::default() };
        let only = Appearance { label: Some("Bank".to_owned()), ..Appearance::default() };
        assert_eq!(Appearance::names(&identity), only);
        identity.label.variants = vec![row("", "Bank")];
        identity.launchers = vec![launcher(label("Bank", &[]))];
        assert_eq!(Appearance::names(&identity), only);
        // The same name in one language more is told.
        identity.label.variants = vec![row("", "Bank"), row("de", "Bank")];
        assert_eq!(Appearance::names(&identity).labels, [row("", "Bank"), row("de", "Bank")]);
    }

    #[test]
    fn what_the_launcher_shows_is_told_beside_what_the_settings_show() {
        let identity = AppIdentity {
            label: label("Torch", &[]),
            launchers: vec![launcher(label("Bank", &[row("", "Bank"), row("zh", "银行")]))],
            ..AppIdentity::default()
        };
        let seen = Appearance::names(&identity);
        assert_eq!(seen.label.as_deref(), Some("Torch"));
        assert_eq!(seen.labels, [row("", "Torch"), row("", "Bank"), row("zh", "银行")]);
        assert_eq!(seen.texts().collect::<Vec<_>>(), ["Torch", "Bank", "银行"]);
    }

    #[test]
    fn what_has_no_name_looks_like_nothing() {
        assert_eq!(Appearance::names(&AppIdentity::default()), Appearance::default());
    }

    #[test]
    fn many_and_long_texts_are_cut() {
        let seen = |count: usize, len: usize| {
            let variants: Vec<_> = (0..count).map(|at| row(&format!("l{at}"), &"长".repeat(len))).collect();
            Appearance::names(&AppIdentity { label: label("x", &variants), ..AppIdentity::default() })
        };
        let many = seen(LABELS + 3, 20);
        assert_eq!((many.labels.len(), many.labels_left_out), (LABELS, 3));
        let long = seen(2, 5000);
        assert_eq!((long.labels.len(), long.labels_left_out), (2, 0));
        assert!(
            long.labels.iter().all(|row| row.text.chars().count() == LABEL + 1 && row.text.ends_with('…'))
        );
        // Both: each takes 3,000 bytes and some.
        let both = seen(LABELS, 5000);
        assert_eq!((both.labels.len(), both.labels_left_out), (10, LABELS - 10));
    }
}
