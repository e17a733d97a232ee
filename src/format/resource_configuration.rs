//! For which devices a resource is meant, and which of several suits a device best.
//!
//! Of two questions that Android answers from its language tables we know a part only: the script in which a language
//! is written where (Chinese alone; elsewhere a script that is not given is taken to be the same one), and how regions
//! descend from each other (a region is closest to itself, then to none). They matter only for a device with none of
//! the locales that a resource has.
//!
//! Source: AOSP `ResourceTypes.h` `ResTable_config`; `ResourceTypes.cpp`, its `match`, `isBetterThan`,
//! `getBcp47Locale` and `toString`.

use std::fmt;
use std::fmt::Write as _;

use super::Cursor;
use super::ParseError;

/// Density of a drawable that scales to any: `anydpi`.
pub const DENSITY_ANY: u16 = 0xfffe;
/// Density of a drawable that is never scaled: `nodpi`.
pub const DENSITY_NONE: u16 = 0xffff;
/// Density that a resource without one counts for, in dots per inch.
pub const DENSITY_MEDIUM: u16 = 160;
/// Size of the structure as of Android 8; later fields lie in its padding.
const SIZE: usize = 64;
const SCREEN_SIZE_NORMAL: u8 = 2;
const KEYS_HIDDEN_NO: u8 = 1;
const KEYS_HIDDEN_SOFT: u8 = 3;

/// Language, script, region, variant and numbering system, each of zeros where it does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locale {
    /// Two letters, or three packed into fifteen bits.
    pub language: [u8; 2],
    /// Two letters, or three digits packed into fifteen bits.
    pub country: [u8; 2],
    /// ISO 15924; zeros where it goes without saying.
    pub script: [u8; 4],
    /// BCP-47 variant.
    pub variant: [u8; 8],
    /// BCP-47 numbering system, `-u-nu-`.
    pub numbering_system: [u8; 8],
}

/// A device, or what a resource asks of one. A field that is 0 asks for nothing.
///
/// Fields are those of `ResTable_config`, bit fields taken apart but not shifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of Android's resource qualifiers")]
#[non_exhaustive]
pub struct Configuration {
    pub locale: Locale,
    pub density: u16,
    pub sdk: u16,
    pub minor_version: u16,
    pub mcc: u16,
    pub mnc: u16,
    pub grammatical_gender: u8,
    pub layout_direction: u8,
    pub smallest_width_dp: u16,
    pub width_dp: u16,
    pub height_dp: u16,
    pub screen_size: u8,
    pub screen_long: u8,
    pub screen_round: u8,
    pub wide_color_gamut: u8,
    pub high_dynamic_range: u8,
    pub orientation: u8,
    pub ui_mode_type: u8,
    pub night: u8,
    pub touchscreen: u8,
    pub keys_hidden: u8,
    pub keyboard: u8,
    pub navigation_hidden: u8,
    pub navigation: u8,
    pub screen_width: u16,
    pub screen_height: u16,
}

impl Configuration {
    /// Reads a `ResTable_config`, whose first field is its size; what a shorter one lacks is 0.
    pub(super) fn parse(structure: &'static str, bytes: &[u8]) -> Result<Self, ParseError> {
        let size = usize::try_from(Cursor::new(structure, bytes).u32()?).unwrap_or(usize::MAX);
        let mut whole = [0; SIZE];
        for (to, from) in whole.iter_mut().zip(bytes.iter().take(size)) {
            *to = *from;
        }
        let mut cursor = Cursor::new(structure, &whole);
        cursor.u32()?; // size
        let (mcc, mnc) = (cursor.u16()?, cursor.u16()?);
        let (language, country) = (cursor.array()?, cursor.array()?);
        let (orientation, touchscreen, density) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
        let [keyboard, navigation, input_flags, grammatical_gender] = cursor.array()?;
        let (screen_width, screen_height) = (cursor.u16()?, cursor.u16()?);
        let (sdk, minor_version) = (cursor.u16()?, cursor.u16()?);
        let (screen_layout, ui_mode) = (cursor.u8()?, cursor.u8()?);
        let (smallest_width_dp, width_dp, height_dp) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let (script, variant) = (cursor.array()?, cursor.array()?);
        let (screen_layout2, color_mode) = (cursor.u8()?, cursor.u8()?);
        cursor.take(2)?;
        let script_was_computed = cursor.u8()? != 0;
        let numbering_system = cursor.array()?;
        let script = if script_was_computed { [0; 4] } else { script };
        Ok(Self {
            locale: Locale { language, country, script, variant, numbering_system },
            density,
            sdk,
            minor_version,
            mcc,
            mnc,
            grammatical_gender: grammatical_gender & 0x03,
            layout_direction: screen_layout & 0xc0,
            smallest_width_dp,
            width_dp,
            height_dp,
            screen_size: screen_layout & 0x0f,
            screen_long: screen_layout & 0x30,
            screen_round: screen_layout2 & 0x03,
            wide_color_gamut: color_mode & 0x03,
            high_dynamic_range: color_mode & 0x0c,
            orientation,
            ui_mode_type: ui_mode & 0x0f,
            night: ui_mode & 0x30,
            touchscreen,
            keys_hidden: input_flags & 0x03,
            keyboard,
            navigation_hidden: input_flags & 0x0c,
            navigation,
            screen_width,
            screen_height,
        })
    }

    /// A phone of today in daylight, upright, of medium density, with a language that no app speaks, running `sdk`.
    pub fn phone(sdk: u16) -> Self {
        Self {
            density: DENSITY_MEDIUM,
            sdk,
            layout_direction: 0x40,
            smallest_width_dp: 411,
            width_dp: 411,
            height_dp: 890,
            screen_size: SCREEN_SIZE_NORMAL,
            screen_long: 0x20,
            screen_round: 1,
            wide_color_gamut: 1,
            high_dynamic_range: 0x04,
            orientation: 1,
            ui_mode_type: 1,
            night: 0x10,
            touchscreen: 3,
            keys_hidden: KEYS_HIDDEN_SOFT,
            keyboard: 1,
            navigation_hidden: 0x08,
            navigation: 1,
            ..Self::default()
        }
    }

    /// This device, but with what `asked` asks for.
    #[must_use]
    pub fn with(&self, asked: &Self) -> Self {
        Self {
            locale: if asked.locale.is_any() { self.locale } else { asked.locale },
            mcc: or(asked.mcc, self.mcc),
            mnc: or(asked.mnc, self.mnc),
            grammatical_gender: or(asked.grammatical_gender, self.grammatical_gender),
            layout_direction: or(asked.layout_direction, self.layout_direction),
            screen_long: or(asked.screen_long, self.screen_long),
            screen_round: or(asked.screen_round, self.screen_round),
            wide_color_gamut: or(asked.wide_color_gamut, self.wide_color_gamut),
            high_dynamic_range: or(asked.high_dynamic_range, self.high_dynamic_range),
            orientation: or(asked.orientation, self.orientation),
            ui_mode_type: or(asked.ui_mode_type, self.ui_mode_type),
            night: or(asked.night, self.night),
            density: or(asked.density, self.density),
            touchscreen: or(asked.touchscreen, self.touchscreen),
            keys_hidden: or(asked.keys_hidden, self.keys_hidden),
            keyboard: or(asked.keyboard, self.keyboard),
            navigation_hidden: or(asked.navigation_hidden, self.navigation_hidden),
            navigation: or(asked.navigation, self.navigation),
            minor_version: or(asked.minor_version, self.minor_version),
            smallest_width_dp: or(asked.smallest_width_dp, self.smallest_width_dp),
            width_dp: or(asked.width_dp, self.width_dp),
            height_dp: or(asked.height_dp, self.height_dp),
            screen_size: or(asked.screen_size, self.screen_size),
            screen_width: or(asked.screen_width, self.screen_width),
            screen_height: or(asked.screen_height, self.screen_height),
            sdk: or(asked.sdk, self.sdk),
        }
    }

    /// What asks for both; none when no device has both.
    pub fn and(&self, other: &Self) -> Option<Self> {
        Some(Self {
            locale: same(self.locale, other.locale)?,
            mcc: same(self.mcc, other.mcc)?,
            mnc: same(self.mnc, other.mnc)?,
            grammatical_gender: same(self.grammatical_gender, other.grammatical_gender)?,
            layout_direction: same(self.layout_direction, other.layout_direction)?,
            screen_long: same(self.screen_long, other.screen_long)?,
            screen_round: same(self.screen_round, other.screen_round)?,
            wide_color_gamut: same(self.wide_color_gamut, other.wide_color_gamut)?,
            high_dynamic_range: same(self.high_dynamic_range, other.high_dynamic_range)?,
            orientation: same(self.orientation, other.orientation)?,
            ui_mode_type: same(self.ui_mode_type, other.ui_mode_type)?,
            night: same(self.night, other.night)?,
            density: same(self.density, other.density)?,
            touchscreen: same(self.touchscreen, other.touchscreen)?,
            keys_hidden: same(self.keys_hidden, other.keys_hidden)?,
            keyboard: same(self.keyboard, other.keyboard)?,
            navigation_hidden: same(self.navigation_hidden, other.navigation_hidden)?,
            navigation: same(self.navigation, other.navigation)?,
            minor_version: same(self.minor_version, other.minor_version)?,
            smallest_width_dp: self.smallest_width_dp.max(other.smallest_width_dp),
            width_dp: self.width_dp.max(other.width_dp),
            height_dp: self.height_dp.max(other.height_dp),
            screen_size: self.screen_size.max(other.screen_size),
            screen_width: self.screen_width.max(other.screen_width),
            screen_height: self.screen_height.max(other.screen_height),
            sdk: self.sdk.max(other.sdk),
        })
    }

    /// Whether a device can use what asks for this.
    pub fn matches(&self, device: &Self) -> bool {
        let equal = |asked: u16, has: u16| asked == 0 || asked == has;
        let at_most = |asked: u16, has: u16| asked <= has;
        equal(self.mcc, device.mcc)
            && equal(self.mnc, device.mnc)
            && self.locale.matches(&device.locale)
            && equal(self.grammatical_gender.into(), device.grammatical_gender.into())
            && equal(self.layout_direction.into(), device.layout_direction.into())
            && at_most(self.screen_size.into(), device.screen_size.into())
            && equal(self.screen_long.into(), device.screen_long.into())
            && equal(self.ui_mode_type.into(), device.ui_mode_type.into())
            && equal(self.night.into(), device.night.into())
            && at_most(self.smallest_width_dp, device.smallest_width_dp)
            && equal(self.screen_round.into(), device.screen_round.into())
            && equal(self.high_dynamic_range.into(), device.high_dynamic_range.into())
            && equal(self.wide_color_gamut.into(), device.wide_color_gamut.into())
            && at_most(self.width_dp, device.width_dp)
            && at_most(self.height_dp, device.height_dp)
            && equal(self.orientation.into(), device.orientation.into())
            && equal(self.touchscreen.into(), device.touchscreen.into())
            && (equal(self.keys_hidden.into(), device.keys_hidden.into())
                || (self.keys_hidden == KEYS_HIDDEN_NO && device.keys_hidden == KEYS_HIDDEN_SOFT))
            && equal(self.navigation_hidden.into(), device.navigation_hidden.into())
            && equal(self.keyboard.into(), device.keyboard.into())
            && equal(self.navigation.into(), device.navigation.into())
            && at_most(self.screen_width, device.screen_width)
            && at_most(self.screen_height, device.screen_height)
            && at_most(self.sdk, device.sdk)
            && equal(self.minor_version, device.minor_version)
    }

    /// Whether this suits `device` better than `other` does; both match it.
    pub fn is_better_than(&self, other: &Self, device: &Self) -> bool {
        // The first question that has an answer decides. That `other` has the better locale is none: Android asks on.
        (specified(self.mcc, other.mcc, device.mcc))
            .or_else(|| specified(self.mnc, other.mnc, device.mnc))
            .or_else(|| self.locale.is_better_than(&other.locale, &device.locale).then_some(true))
            .or_else(|| {
                specified(self.grammatical_gender, other.grammatical_gender, device.grammatical_gender)
            })
            .or_else(|| larger(self.layout_direction, other.layout_direction, device.layout_direction))
            .or_else(|| larger(self.smallest_width_dp, other.smallest_width_dp, 1))
            .or_else(|| {
                let (mine, others) = ([self.width_dp, self.height_dp], [other.width_dp, other.height_dp]);
                closer(mine, others, [device.width_dp, device.height_dp])
            })
            .or_else(|| better_screen_size(self.screen_size, other.screen_size, device.screen_size))
            .or_else(|| specified(self.screen_long, other.screen_long, device.screen_long))
            .or_else(|| specified(self.screen_round, other.screen_round, device.screen_round))
            .or_else(|| specified(self.wide_color_gamut, other.wide_color_gamut, device.wide_color_gamut))
            .or_else(|| {
                specified(self.high_dynamic_range, other.high_dynamic_range, device.high_dynamic_range)
            })
            .or_else(|| specified(self.orientation, other.orientation, device.orientation))
            .or_else(|| specified(self.ui_mode_type, other.ui_mode_type, device.ui_mode_type))
            .or_else(|| specified(self.night, other.night, device.night))
            .or_else(|| better_density(self.density, other.density, device.density))
            .or_else(|| specified(self.touchscreen, other.touchscreen, device.touchscreen))
            .or_else(|| better_keys(self.keys_hidden, other.keys_hidden, device.keys_hidden))
            .or_else(|| specified(self.navigation_hidden, other.navigation_hidden, device.navigation_hidden))
            .or_else(|| specified(self.keyboard, other.keyboard, device.keyboard))
            .or_else(|| specified(self.navigation, other.navigation, device.navigation))
            .or_else(|| {
                let mine = [self.screen_width, self.screen_height];
                let others = [other.screen_width, other.screen_height];
                closer(mine, others, [device.screen_width, device.screen_height])
            })
            .or_else(|| larger(self.sdk, other.sdk, device.sdk))
            .or_else(|| specified(self.minor_version, other.minor_version, device.minor_version))
            .unwrap_or(false)
    }

    /// Qualifiers of a resource folder but for the locale, in Android's order: `sw600dp-land-anydpi-v26`.
    pub fn qualifiers(&self) -> String {
        let mut out = String::new();
        let number = |out: &mut String, before: &str, value: u16, behind: &str| {
            if value != 0 {
                let _ = write!(out, "-{before}{value}{behind}");
            }
        };
        number(&mut out, "mcc", self.mcc, "");
        number(&mut out, "mnc", self.mnc, "");
        named(&mut out, "grammar", self.grammatical_gender, &["neuter", "feminine", "masculine"]);
        named(&mut out, "layoutDir", self.layout_direction >> 6, &["ldltr", "ldrtl"]);
        number(&mut out, "sw", self.smallest_width_dp, "dp");
        number(&mut out, "w", self.width_dp, "dp");
        number(&mut out, "h", self.height_dp, "dp");
        named(&mut out, "screenLayoutSize", self.screen_size, &["small", "normal", "large", "xlarge"]);
        named(&mut out, "screenLayoutLong", self.screen_long >> 4, &["notlong", "long"]);
        named(&mut out, "screenRound", self.screen_round, &["notround", "round"]);
        named(&mut out, "wideColorGamut", self.wide_color_gamut, &["nowidecg", "widecg"]);
        named(&mut out, "hdr", self.high_dynamic_range >> 2, &["lowdr", "highdr"]);
        named(&mut out, "orientation", self.orientation, &["port", "land", "square"]);
        let ui_modes = ["", "desk", "car", "television", "appliance", "watch", "vrheadset"];
        named(&mut out, "uiModeType", self.ui_mode_type, &ui_modes);
        named(&mut out, "uiModeNight", self.night >> 4, &["notnight", "night"]);
        match self.density {
            0 => {}
            DENSITY_ANY => out.push_str("-anydpi"),
            DENSITY_NONE => out.push_str("-nodpi"),
            density => {
                let known = DENSITIES.iter().find(|(value, _)| *value == density);
                let _ = match known {
                    Some((_, name)) => write!(out, "-{name}"),
                    None => write!(out, "-{density}dpi"),
                };
            }
        }
        named(&mut out, "touchscreen", self.touchscreen, &["notouch", "stylus", "finger"]);
        named(&mut out, "keysHidden", self.keys_hidden, &["keysexposed", "keyshidden", "keyssoft"]);
        named(&mut out, "keyboard", self.keyboard, &["nokeys", "qwerty", "12key"]);
        named(&mut out, "navHidden", self.navigation_hidden >> 2, &["navexposed", "navhidden"]);
        named(&mut out, "navigation", self.navigation, &["nonav", "dpad", "trackball", "wheel"]);
        if (self.screen_width, self.screen_height) != (0, 0) {
            let _ = write!(out, "-{}x{}", self.screen_width, self.screen_height);
        }
        number(&mut out, "v", self.sdk, "");
        if self.minor_version != 0 {
            let _ = write!(out, ".{}", self.minor_version);
        }
        // Every part begins with a hyphen.
        out.strip_prefix('-').map(str::to_owned).unwrap_or(out)
    }
}

/// What is asked for, else what is there.
fn or<T: PartialEq + Default>(asked: T, own: T) -> T {
    if asked == T::default() { own } else { asked }
}

/// What one of two asks for; none when they ask for different things.
fn same<T: PartialEq + Default>(mine: T, others: T) -> Option<T> {
    if mine == T::default() || mine == others {
        Some(others)
    } else {
        (others == T::default()).then_some(mine)
    }
}

/// Of two that differ where the device has something, the one that asks is better.
fn specified<T: Into<u16>>(mine: T, others: T, device: T) -> Option<bool> {
    let [mine, others, device] = [mine, others, device].map(Into::into);
    (mine != others && device != 0).then_some(mine != 0)
}

/// Of two that differ where the device has something, the larger is better.
fn larger<T: Into<u16>>(mine: T, others: T, device: T) -> Option<bool> {
    let [mine, others, device] = [mine, others, device].map(Into::into);
    (mine != others && device != 0).then_some(mine > others)
}

/// The smaller sum of distances, in the dimensions that the device has.
fn closer(mine: [u16; 2], others: [u16; 2], device: [u16; 2]) -> Option<bool> {
    let distance = |sizes: [u16; 2]| -> i32 {
        let pairs = device.into_iter().zip(sizes).filter(|(device, _)| *device != 0);
        pairs.map(|(device, size)| i32::from(device).saturating_sub(size.into())).sum()
    };
    let (mine, others) = (distance(mine), distance(others));
    (mine != others).then_some(mine < others)
}

/// The larger is better, and one that asks than one that does not; those count as normal.
fn better_screen_size(mine: u8, others: u8, device: u8) -> Option<bool> {
    let count = |size: u8| if device >= SCREEN_SIZE_NORMAL { or(size, SCREEN_SIZE_NORMAL) } else { size };
    if mine == others || device == 0 {
        return None;
    }
    Some(if count(mine) == count(others) { mine != 0 } else { count(mine) > count(others) })
}

/// Any density is better than one; of the others, the one that is scaled down, unless by far.
fn better_density(mine: u16, others: u16, device: u16) -> Option<bool> {
    if mine == others {
        return None;
    }
    let (mine, others) = (or(mine, DENSITY_MEDIUM), or(others, DENSITY_MEDIUM));
    if mine == DENSITY_ANY || others == DENSITY_ANY {
        return Some(mine == DENSITY_ANY);
    }
    let device = if device == DENSITY_ANY { DENSITY_MEDIUM } else { or(device, DENSITY_MEDIUM) };
    let larger = mine >= others;
    let (high, low) = (i64::from(mine.max(others)), i64::from(mine.min(others)));
    let device = i64::from(device);
    Some(if device >= high {
        larger
    } else if low >= device {
        !larger
    } else {
        // Scaling down is twice as good as scaling up.
        let low_is_enough =
            low.saturating_mul(2).saturating_sub(device).saturating_mul(high) > device.saturating_mul(device);
        low_is_enough != larger
    })
}

fn better_keys(mine: u8, others: u8, device: u8) -> Option<bool> {
    if mine == others || device == 0 {
        None
    } else if mine == 0 || others == 0 {
        Some(mine != 0)
    } else if device == mine || device == others {
        Some(device == mine)
    } else {
        None
    }
}

impl Locale {
    /// Whether it asks for no language and no region.
    pub fn is_any(&self) -> bool {
        self.language == [0; 2] && self.country == [0; 2]
    }

    fn matches(&self, device: &Self) -> bool {
        self.is_any()
            || (equivalent(self.language, device.language)
                && self.implied_script() == device.implied_script())
    }

    fn is_better_than(&self, other: &Self, device: &Self) -> bool {
        if device.is_any() || (self.is_any() && other.is_any()) {
            return false;
        }
        if !equivalent(self.language, other.language) {
            // One asks for no language, which is where American English is kept: there and near there, that is better
            // than the English of elsewhere.
            if device.language == *b"en" {
                let american: &[[u8; 2]] = if device.country == *b"US" { &[*b"US"] } else { NEAR_AMERICAN };
                let near = |locale: &Self| locale.country == [0; 2] || american.contains(&locale.country);
                if near(device) {
                    return if self.language == [0; 2] { !near(other) } else { near(self) };
                }
            }
            return self.language != [0; 2];
        }
        if self.country != other.country {
            let rank = |country: [u8; 2]| (country == device.country, country == [0; 2]);
            return rank(self.country) > rank(other.country);
        }
        let exact = [
            (self.variant == device.variant, other.variant == device.variant),
            (
                self.numbering_system == device.numbering_system,
                other.numbering_system == device.numbering_system,
            ),
            (self.language == device.language, other.language == device.language),
        ];
        exact.into_iter().find(|(mine, others)| mine != others).is_some_and(|(mine, _)| mine)
    }

    /// The script, where it is written or where we know it.
    fn implied_script(&self) -> [u8; 4] {
        if self.script != [0; 4] {
            return self.script;
        }
        match (&self.language, &self.country) {
            (b"zh", country) if TRADITIONAL_CHINESE.contains(&country) => *b"Hant",
            (b"zh", _) => *b"Hans",
            // The two that only test translations.
            (b"en", b"XA") => *b"~~~A",
            (b"ar", b"XB") => *b"~~~B",
            _ => [0; 4],
        }
    }
}

/// The BCP-47 tag: `zh-Hant-TW`, `es-419`; nothing for any locale.
impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return Ok(());
        }
        let parts = [
            unpack(self.language, b'a'),
            letters(&self.script),
            unpack(self.country, b'0'),
            letters(&self.variant),
        ];
        let mut hyphen = "";
        for part in parts.iter().filter(|part| !part.is_empty()) {
            write!(f, "{hyphen}{part}")?;
            hyphen = "-";
        }
        if self.numbering_system != [0; 8] {
            write!(f, "-u-nu-{}", letters(&self.numbering_system))?;
        }
        Ok(())
    }
}

/// Regions where Chinese is written in the traditional script unless it is said otherwise.
const TRADITIONAL_CHINESE: &[&[u8; 2]] = &[
    b"AU", b"BN", b"GB", b"GF", b"HK", b"ID", b"MO", b"PA", b"PF", b"PH", b"SR", b"TH", b"TW", b"US", b"VN",
];

/// Regions whose English descends from the American and not from the international.
const NEAR_AMERICAN: &[[u8; 2]] =
    &[*b"AS", *b"BI", *b"GU", *b"MH", *b"MP", *b"PH", *b"PR", *b"UM", *b"US", *b"VI"];

/// Names of the densities that have one.
const DENSITIES: &[(u16, &str)] = &[
    (120, "ldpi"),
    (160, "mdpi"),
    (213, "tvdpi"),
    (240, "hdpi"),
    (320, "xhdpi"),
    (480, "xxhdpi"),
    (640, "xxxhdpi"),
];

/// Whether they are the same language; Tagalog and Filipino are.
fn equivalent(one: [u8; 2], other: [u8; 2]) -> bool {
    const TAGALOG: [u8; 2] = *b"tl";
    /// `fil`, packed.
    const FILIPINO: [u8; 2] = [0xad, 0x05];
    let canonical = |language| if language == TAGALOG { FILIPINO } else { language };
    canonical(one) == canonical(other)
}

/// Two characters, or three of five bits each, counted from `base`.
fn unpack(packed: [u8; 2], base: u8) -> String {
    let [first, second] = packed;
    if first & 0x80 == 0 {
        return letters(&packed);
    }
    let units = [second & 0x1f, (second >> 5) | ((first & 0x03) << 3), (first & 0x7c) >> 2];
    units.into_iter().map(|unit| char::from(base.saturating_add(unit))).collect()
}

/// ASCII letters and digits up to the first zero; anything else is U+FFFD.
fn letters(bytes: &[u8]) -> String {
    let up_to_zero = bytes.iter().take_while(|byte| **byte != 0);
    up_to_zero.map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '\u{fffd}' }).collect()
}

/// Adds the name of a value, counted from 1; a value without a name by its number.
fn named(out: &mut String, field: &str, value: u8, names: &[&str]) {
    let _ = match value.checked_sub(1).map(|index| names.get(usize::from(index))) {
        None => Ok(()),
        Some(Some(name)) if !name.is_empty() => write!(out, "-{name}"),
        Some(_) => write!(out, "-{field}={value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(language: [u8; 2], country: [u8; 2]) -> Configuration {
        Configuration {
            locale: Locale { language, country, ..Locale::default() },
            ..Configuration::default()
        }
    }

    fn density(density: u16) -> Configuration {
        Configuration { density, ..Configuration::default() }
    }

    #[test]
    fn reads_a_configuration_of_any_size() {
        let mut bytes = [0_u8; 64];
        bytes[0] = 64;
        bytes[4..12].copy_from_slice(&[0xcc, 1, 15, 0, b'd', b'e', b'A', b'T']);
        bytes[14..16].copy_from_slice(&640_u16.to_le_bytes());
        bytes[24] = 26;
        bytes[28..32].copy_from_slice(&[0x40 | 0x20 | 0x03, 0x20 | 0x02, 0x58, 0x02]);
        bytes[40..43].copy_from_slice(b"abc");
        bytes[49] = 0x08 | 0x02;
        let read = Configuration::parse("test", &bytes).unwrap();
        assert_eq!(read.locale.to_string(), "de-AT-abc");
        assert_eq!(
            read.qualifiers(),
            "mcc460-mnc15-ldltr-sw600dp-large-long-widecg-highdr-desk-night-xxxhdpi-v26"
        );
        // An old, short one: nothing is read behind its size.
        bytes[0] = 28;
        let read = Configuration::parse("test", &bytes).unwrap();
        assert_eq!((read.locale.to_string().as_str(), read.sdk, read.night), ("de-AT", 26, 0));
        assert!(Configuration::parse("test", &bytes[..3]).is_err());
        assert_eq!(Configuration::parse("test", &bytes[..9]).unwrap().mcc, 460);
    }

    #[test]
    fn locales_are_written_as_bcp_47() {
        let of = |language, country, script: &[u8; 4]| Locale {
            language,
            country,
            script: *script,
            ..Locale::default()
        };
        assert_eq!(of(*b"zh", *b"TW", b"Hant").to_string(), "zh-Hant-TW");
        assert_eq!(of([0xad, 0x05], [0; 2], &[0; 4]).to_string(), "fil");
        // 419, packed from the last digit on
        let packed = [0x80 | (9 << 2), (1 << 5) | 4];
        assert_eq!(of(*b"es", packed, &[0; 4]).to_string(), "es-419");
        assert_eq!(of([b'd', 0x1b], [0; 2], &[0; 4]).to_string(), "d\u{fffd}");
        assert_eq!(Locale::default().to_string(), "");
        let arabic = Locale { numbering_system: *b"latn\0\0\0\0", ..of(*b"ar", [0; 2], &[0; 4]) };
        assert_eq!(arabic.to_string(), "ar-u-nu-latn");
    }

    #[test]
    fn a_locale_is_matched_by_language_and_script() {
        let german = locale(*b"de", *b"\0\0");
        assert!(
            german.matches(&locale(*b"de", *b"AT"))
                && locale(*b"de", *b"DE").matches(&locale(*b"de", *b"AT"))
        );
        assert!(!german.matches(&locale(*b"fr", *b"FR")) && !german.matches(&Configuration::default()));
        assert!(Configuration::default().matches(&locale(*b"fr", *b"FR")));
        assert!(locale(*b"zh", *b"TW").matches(&locale(*b"zh", *b"HK")));
        assert!(!locale(*b"zh", *b"CN").matches(&locale(*b"zh", *b"HK")));
        assert!(!locale(*b"zh", *b"\0\0").matches(&locale(*b"zh", *b"HK")));
        assert!(locale(*b"tl", *b"\0\0").matches(&locale([0xad, 0x05], *b"PH")));
    }

    #[test]
    fn the_better_locale_is_the_closer_one() {
        let device = locale(*b"de", *b"AT");
        let [any, german, austrian, swiss] = [
            locale(*b"\0\0", *b"\0\0"),
            locale(*b"de", *b"\0\0"),
            locale(*b"de", *b"AT"),
            locale(*b"de", *b"CH"),
        ];
        assert!(german.is_better_than(&any, &device) && !any.is_better_than(&german, &device));
        assert!(austrian.is_better_than(&german, &device) && german.is_better_than(&swiss, &device));
        assert!(!swiss.is_better_than(&german, &device) && !german.is_better_than(&german, &device));
        let american = locale(*b"en", *b"US");
        assert!(any.is_better_than(&locale(*b"en", *b"GB"), &american));
        assert!(!any.is_better_than(&locale(*b"en", *b"\0\0"), &american));
        assert!(american.is_better_than(&any, &american));
        let english = locale(*b"en", *b"\0\0");
        assert!(
            any.is_better_than(&locale(*b"en", *b"AU"), &english) && english.is_better_than(&any, &english)
        );
        assert!(locale(*b"en", *b"AU").is_better_than(&any, &locale(*b"en", *b"NZ")));
    }

    #[test]
    fn densities_scale_down_rather_than_up_and_any_is_best() {
        let best = |device: u16, all: &[u16]| {
            let device = density(device);
            all.iter()
                .copied()
                .reduce(
                    |best, next| {
                        if density(next).is_better_than(&density(best), &device) { next } else { best }
                    },
                )
                .unwrap()
        };
        let buckets = [120, 160, 240, 320, 480, 640];
        assert_eq!(best(160, &buckets), 160);
        assert_eq!(best(420, &buckets), 480);
        assert_eq!(best(1000, &buckets), 640);
        assert_eq!(best(100, &buckets), 120);
        assert_eq!(best(170, &[160, 640]), 160);
        assert_eq!(best(640, &[640, DENSITY_ANY, 480]), DENSITY_ANY);
        assert_eq!(best(160, &[0, 320]), 0);
    }

    #[test]
    fn versions_and_screens_must_be_there() {
        let phone = Configuration::phone(25);
        let asks = |change: fn(&mut Configuration)| {
            let mut asked = Configuration::default();
            change(&mut asked);
            asked.matches(&phone)
        };
        assert!(asks(|c| c.sdk = 25) && !asks(|c| c.sdk = 26));
        assert!(asks(|c| c.smallest_width_dp = 320) && !asks(|c| c.smallest_width_dp = 600));
        assert!(asks(|c| c.orientation = 1) && !asks(|c| c.orientation = 2));
        assert!(!asks(|c| c.mcc = 460) && !asks(|c| c.night = 0x20));
        // Keys that are exposed, for a device that has them on its screen.
        assert!(asks(|c| c.keys_hidden = 1) && !asks(|c| c.keys_hidden = 2));
    }

    #[test]
    fn two_configurations_combine_unless_they_contradict() {
        let both = locale(*b"de", *b"\0\0").and(&density(320)).unwrap();
        assert_eq!((both.locale.to_string().as_str(), both.density), ("de", 320));
        assert_eq!(locale(*b"de", *b"\0\0").and(&locale(*b"fr", *b"\0\0")), None);
        assert_eq!(density(320).and(&density(480)), None);
        let version = |sdk| Configuration { sdk, ..Configuration::default() };
        assert_eq!(version(21).and(&version(26)), Some(version(26)));
        let device = Configuration::phone(30).with(&both);
        assert!(both.matches(&device) && device.sdk == 30 && device.density == 320);
    }
}
