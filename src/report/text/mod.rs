//! Text for people: a paragraph a file, or a table with a line a file.

mod android;
mod cells;
mod findings;
mod fit;
mod layout;
mod paint;
mod paragraph;
mod policy;
mod summary;
mod table;
mod wording;

use std::io::Write;

use super::ReportOptions;
use super::ReportWriter;

pub(super) use android::android;
pub(super) use cells::Cells;
pub(super) use findings::lines as finding_lines;
pub(super) use paint::Paint;
pub(super) use paint::Tone;
pub(super) use paragraph::paragraph;
pub(super) use table::cells;
pub(super) use table::has_warnings;
pub(super) use wording::app_text;
pub(super) use wording::instant;
pub(super) use wording::outcome;
pub(super) use wording::place;
pub(super) use wording::place_in;
pub(super) use wording::scheme_words;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    if options.table { table::open(out, options) } else { paragraph::open(out, options) }
}
