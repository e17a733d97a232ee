//! The icon of an app as a picture that can be shown.
//!
//! Android draws icons from what a device is; for a report one bitmap is enough: of the densities that the icon comes in, the
//! smallest with 96 pixels or more. Where there are only drawings, the bitmaps that they are put together from are looked at,
//! the foreground of an adaptive icon first. Nothing is decoded; what a file is, its first bytes tell.
//!
//! Source: AOSP `AdaptiveIconDrawable.java`, `BitmapDrawable.java`, `InsetDrawable.java`, `LayerDrawable.java`: what refers to what.

use serde::Serialize;

use super::Apk;
use super::AppIdentity;
use super::IconFile;
use super::Stop;
use crate::format::arsc::ResourceValue;
use crate::format::axml::Element;
use crate::format::axml::Event;
use crate::format::axml::Reader;
use crate::format::picture::PictureHeader;
use crate::limits::Cap;

pub use crate::format::picture::PictureFormat;

/// Larger files are no icons that a report can hold, in bytes. Of real ones at 192 pixels few have more than 40 KiB.
const MOST_BYTES: u32 = 64 << 10;
/// More pixels from side to side are none either: a browser would decode them all.
const MOST_PIXELS: u32 = 1024;
/// The size to show, in pixels, for screens with two to each of a page.
const WANTED: u32 = 96;
/// Size of an icon at 160 dots an inch, in pixels.
const AT_MEDIUM: u32 = 48;
/// So many files are looked at: a device has one for each of some seven densities, and few drawings.
const FILES: u32 = 16;
/// So deep a drawing refers to drawings.
const DEPTH: usize = 3;
/// So many resources one drawing refers to.
const REFERENCES: usize = 8;

// Densities that are none.
const DEFAULT: u16 = 0;
const ANY: u16 = 0xfffe;
const NONE: u16 = 0xffff;
/// What counts where no density is given.
const MEDIUM: u32 = 160;

// Resource ids of `android.R.attr`.
const SRC: u32 = 0x0101_0119;
const DRAWABLE: u32 = 0x0101_0199;

/// A picture, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Picture {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its form.
    pub format: PictureFormat,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Size in bytes.
    pub size: u32,
    /// Name of the ZIP entry.
    pub path: String,
    /// Its bytes; empty where a database was not asked for them.
    pub bytes: Vec<u8>,
}

/// Why an icon has no picture that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NoPicture {
    /// No file that it names is there and can be read.
    Missing,
    /// It is drawn from lines alone.
    Drawing,
    /// It has more than 64 KiB, or more than 1024 pixels from side to side.
    TooLarge,
    /// It is neither PNG nor WebP.
    UnknownFormat,
}

/// What a file of an icon turns out to be.
enum Found {
    Picture(Picture),
    /// A drawing, and what it refers to.
    Drawing(Vec<ResourceValue>),
    None(NoPicture),
}

/// Looks for a picture.
pub(super) struct Search<'x, 's> {
    pub(super) apk: &'x Apk<'s>,
    /// The files that a resource leads to.
    pub(super) files_of: &'x mut dyn FnMut(ResourceValue) -> Vec<IconFile>,
    /// SHA-256.
    pub(super) digest: fn(&[u8]) -> [u8; 32],
    left: u32,
}

impl<'x, 's> Search<'x, 's> {
    pub(super) fn new(
        apk: &'x Apk<'s>,
        digest: fn(&[u8]) -> [u8; 32],
        files_of: &'x mut dyn FnMut(ResourceValue) -> Vec<IconFile>,
    ) -> Self {
        Self { apk, files_of, digest, left: FILES }
    }

    /// The icon of the app, else of its first launcher activity that has one, else the round one; none of an app without any.
    pub(super) fn icon(
        &mut self,
        identity: &AppIdentity,
    ) -> Result<Option<Result<Picture, NoPicture>>, Stop> {
        let launchers = identity.launchers.iter().map(|launcher| &launcher.icon);
        let icons = std::iter::once(&identity.icon).chain(launchers).chain([&identity.round_icon]);
        let mut why = None;
        for icon in icons.filter(|icon| icon.resource.is_some()) {
            match self.among(&icon.files, DEPTH)? {
                Ok(picture) => return Ok(Some(Ok(picture))),
                Err(no_picture) => _ = why.get_or_insert(no_picture),
            }
        }
        Ok(why.map(Err))
    }

    /// The best picture among `files`, or in the drawings among them.
    fn among(&mut self, files: &[IconFile], depth: usize) -> Result<Result<Picture, NoPicture>, Stop> {
        let mut files: Vec<&IconFile> = files.iter().collect();
        files.sort_by_key(|file| rank(file));
        let (mut why, mut drawings) = (None, Vec::new());
        for file in files {
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            match self.look(&file.path)? {
                Found::Picture(picture) => return Ok(Ok(picture)),
                Found::Drawing(of) => drawings.extend(of),
                Found::None(no_picture) => _ = why.get_or_insert(no_picture),
            }
        }
        let mut drawn = (!drawings.is_empty()).then_some(NoPicture::Drawing);
        if let Some(depth) = depth.checked_sub(1) {
            for reference in drawings.into_iter().take(REFERENCES) {
                let Some(_) = reference.reference() else { continue };
                let files = (self.files_of)(reference);
                if files.is_empty() {
                    continue;
                }
                match self.among(&files, depth)? {
                    Ok(picture) => return Ok(Ok(picture)),
                    Err(NoPicture::Missing) => {}
                    Err(other) => drawn = Some(other),
                }
            }
        }
        Ok(Err(why.or(drawn).unwrap_or(NoPicture::Missing)))
    }

    /// What the entry of that name is.
    fn look(&self, path: &str) -> Result<Found, Stop> {
        let Some(record) = self.apk.directory()?.find(path) else {
            return Ok(Found::None(NoPicture::Missing));
        };
        if record.uncompressed_size > MOST_BYTES {
            return Ok(Found::None(NoPicture::TooLarge));
        }
        let bytes = match self.apk.entry_to_vec(record, "icon", Cap::fixed(u64::from(MOST_BYTES))) {
            Ok(bytes) => bytes,
            Err(Stop::Malformed(_)) => return Ok(Found::None(NoPicture::Missing)),
            Err(stop) => return Err(stop),
        };
        if let Some(references) = drawing(&bytes) {
            return Ok(Found::Drawing(references));
        }
        let Ok(Some(PictureHeader { format, width, height })) = PictureHeader::parse(&bytes) else {
            return Ok(Found::None(NoPicture::UnknownFormat));
        };
        if width.max(height) > MOST_PIXELS {
            return Ok(Found::None(NoPicture::TooLarge));
        }
        let (sha256, size) = ((self.digest)(&bytes), u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        Ok(Found::Picture(Picture { sha256, format, width, height, size, path: path.to_owned(), bytes }))
    }
}

/// What a drawing refers to, the background of an adaptive icon last; none of what is no drawing. One that refers to nothing
/// refers to a value that is no reference.
fn drawing(bytes: &[u8]) -> Option<Vec<ResourceValue>> {
    let mut reader = Reader::new(bytes).ok()?;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let mut behind = false;
    let mut seen = false;
    // As far as it is well-formed.
    while let Ok(Some(event)) = reader.next_event() {
        let Event::Start(element) = event else { continue };
        seen = true;
        if element.depth <= 2 {
            behind = element.name.is("background") || element.name.is("monochrome");
        }
        let Some(reference) = reference(&element) else { continue };
        let list = if behind { &mut last } else { &mut first };
        if list.len() < REFERENCES {
            list.push(reference);
        }
    }
    first.append(&mut last);
    if first.is_empty() && seen {
        first.push(ResourceValue { kind: ResourceValue::NULL, data: 0 });
    }
    seen.then_some(first)
}

/// The picture or drawing that an element shows.
fn reference(element: &Element<'_>) -> Option<ResourceValue> {
    [DRAWABLE, SRC].into_iter().find_map(|attribute| {
        let value = element.by_resource_id(attribute)?.raw_value();
        value.reference().map(|_| value)
    })
}

/// Where a file stands in the order of those that are looked at: those for all devices of today first, among them the smallest that
/// is large enough, then the largest; bitmaps of no density and drawings behind them.
fn rank(file: &IconFile) -> (bool, u8, u32, std::cmp::Reverse<u32>) {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|level| level.parse::<u32>().is_ok());
    let mut parts = file.qualifiers.split('-').filter(|part| !part.is_empty());
    let for_all =
        file.locale.is_empty() && parts.clone().all(|part| part.ends_with("dpi") || is_version(part));
    let version = parts.find_map(|part| part.strip_prefix('v')?.parse().ok()).unwrap_or(0);
    let (group, within) = match file.density {
        ANY => (3, 0),
        NONE => (2, 0),
        density => {
            let density = if density == DEFAULT { MEDIUM } else { u32::from(density) };
            let pixels = AT_MEDIUM.saturating_mul(density).checked_div(MEDIUM).unwrap_or(0);
            if pixels >= WANTED { (0, pixels) } else { (1, WANTED.saturating_sub(pixels)) }
        }
    };
    (!for_all, group, within, std::cmp::Reverse(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(density: u16, qualifiers: &str, locale: &str) -> IconFile {
        let path = format!("{density}{qualifiers}{locale}");
        IconFile { locale: locale.to_owned(), density, qualifiers: qualifiers.to_owned(), path }
    }

    #[test]
    fn the_smallest_that_is_large_enough_comes_first() {
        let mut files = [
            file(640, "xxxhdpi", ""),
            file(160, "mdpi", ""),
            file(0, "", ""),
            file(320, "xhdpi", "de"),
            file(320, "xhdpi", ""),
            file(320, "xhdpi-v26", ""),
            file(320, "night-xhdpi", ""),
            file(ANY, "anydpi-v26", ""),
            file(NONE, "nodpi", ""),
            file(240, "hdpi", ""),
        ];
        files.sort_by_key(rank);
        let order: Vec<_> = files.iter().map(|file| format!("{}{}", file.qualifiers, file.locale)).collect();
        let expected = [
            "xhdpi-v26",
            "xhdpi",
            "xxxhdpi",
            "hdpi",
            "mdpi",
            "",
            "nodpi",
            "anydpi-v26",
            "xhdpide",
            "night-xhdpi",
        ];
        assert_eq!(order, expected);
    }
}
