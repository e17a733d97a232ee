//! How a table is laid out: in columns as wide as its cells where nothing bounds it, in what there is on a terminal.
//!
//! On a terminal no line is wider than it. Cells are cut, paths and packages in their middle; what is said of a file is never
//! cut, but broken into lines: beside the other columns where these leave room, else below. On a narrow terminal the path
//! stands below, too.

use std::fmt::Write as _;

use super::cells::Cells;
use super::fit::end;
use super::fit::middle;
use super::fit::wrapped;
use super::paint::Paint;
use super::paint::Tone;
use crate::report::escape::columns;

pub(in crate::report) const COLUMNS: usize = 4;
/// A longer cell pushes its own row out of line rather than all the others; on a terminal it is cut.
const WIDEST: [usize; COLUMNS] = [15, 40, 30, 60];
/// Between two columns.
const BETWEEN: usize = 2;
/// With less than that beside the columns, why stands below, unless it fits.
const WHY_LEAST: usize = 40;
/// In so many lines it may stand beside the columns, where that is not wide either.
const WHY_LINES: usize = 3;
/// With so much beside the columns it stands there, in however many lines.
const WHY_WIDE: usize = 60;
/// No column but that of the verdict is made narrower than that.
const NARROWEST: [usize; COLUMNS] = [15, 18, 17, 30];
/// How far what stands below a row is indented.
const INDENT: usize = 4;
/// A terminal that says it is narrower is not believed.
const LEAST: usize = 40;

/// Adds so many spaces.
fn fill(line: &mut String, mut spaces: usize) {
    const SOME: &str = "                                ";
    while spaces > SOME.len() {
        line.push_str(SOME);
        spaces = spaces.saturating_sub(SOME.len());
    }
    line.push_str(SOME.get(..spaces).unwrap_or_default());
}

#[derive(Debug, Clone)]
pub(super) struct Layout {
    widths: [usize; COLUMNS],
    terminal: Option<usize>,
    /// Whether the file stands in a column, and not below.
    file_beside: bool,
    /// Whether why has room beside the columns, and a heading there.
    why_beside: bool,
}

impl Layout {
    /// The layout for `rows`, the header among them.
    pub(super) fn new<'a>(rows: impl Iterator<Item = &'a Cells>, terminal: Option<usize>) -> Self {
        let mut natural = [0; COLUMNS + 1];
        for cells in rows {
            for (width, cell) in natural.iter_mut().zip(cells.iter()) {
                *width = (*width).max(columns(cell));
            }
        }
        let [verdict, package, signer, file, why] = natural;
        let natural = [verdict, package, signer, file];
        let mut widths = natural;
        for (width, widest) in widths.iter_mut().zip(WIDEST) {
            *width = (*width).min(widest);
        }
        let Some(total) = terminal.map(|total| total.max(LEAST)) else {
            return Self { widths, terminal: None, file_beside: true, why_beside: true };
        };
        let mut layout = Self { widths, terminal: Some(total), file_beside: true, why_beside: true };
        let left = total.saturating_sub(layout.used());
        if layout.used() <= total && left >= why.min(WHY_LEAST) {
            // Room that nothing else needs is for long paths.
            let spare = left.saturating_sub(why.min(WHY_WIDE));
            layout.widths =
                [verdict, package.min(40), signer.min(30), file.min(widths[3].saturating_add(spare))];
        } else {
            layout.why_beside = false;
            layout.squeeze(total);
        }
        layout
    }

    /// Makes columns narrower until they fit into `total`; moves the file below where even that does not help.
    fn squeeze(&mut self, total: usize) {
        let least = |index: usize| {
            let width = self.widths.get(index).copied().unwrap_or_default();
            width.min(NARROWEST.get(index).copied().unwrap_or_default())
        };
        let gaps = COLUMNS.saturating_sub(1).saturating_mul(BETWEEN);
        self.file_beside = (0..COLUMNS).map(least).sum::<usize>().saturating_add(gaps) <= total;
        let shown = self.shown();
        // The last one needs no room behind it.
        let total = total.saturating_add(BETWEEN);
        while self.used() > total {
            let widest = self.widths.iter_mut().zip(NARROWEST).take(shown).skip(1);
            let Some((width, _)) = widest.max_by_key(|(width, least)| width.saturating_sub(*least)) else {
                return;
            };
            if *width == 0 {
                return;
            }
            *width = width.saturating_sub(1);
        }
    }

    fn shown(&self) -> usize {
        if self.file_beside { COLUMNS } else { COLUMNS.saturating_sub(1) }
    }

    /// How wide the columns are together, with what is between them and what follows.
    fn used(&self) -> usize {
        self.widths.iter().take(self.shown()).map(|width| width.saturating_add(BETWEEN)).sum()
    }

    /// The line of the header; what stands below has no heading.
    pub(super) fn header(&self, cells: &Cells, paint: Paint) -> String {
        let mut line = self.columns(cells, Tone::Faint, paint);
        if self.why_beside {
            line.push_str(cells.why());
        }
        format!("{}\n", line.trim_end())
    }

    /// The lines of a row; the verdict has its tone.
    pub(super) fn row(&self, cells: &Cells, tone: Tone, paint: Paint) -> String {
        let why = cells.why();
        let mut line = self.columns(cells, tone, paint);
        let Some(total) = self.terminal else {
            line.push_str(why);
            line.truncate(line.trim_end().len());
            line.push('\n');
            return line;
        };
        let beside = if self.file_beside { self.beside(why, total) } else { None };
        let mut text = String::new();
        match &beside {
            Some(lines) => {
                for (index, part) in lines.iter().enumerate() {
                    let front = if index == 0 { line.clone() } else { " ".repeat(self.used()) };
                    let _ = writeln!(text, "{}", format!("{front}{part}").trim_end());
                }
            }
            None => {
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        if !self.file_beside {
            let _ = writeln!(text, "  {}", middle(cells.file(), total.saturating_sub(2)));
        }
        if beside.is_none() && !why.is_empty() {
            for part in wrapped(why, total.saturating_sub(INDENT)) {
                let _ = writeln!(text, "{}{part}", " ".repeat(INDENT));
            }
        }
        text
    }

    /// Why, in lines beside the columns; none when it is better below.
    fn beside(&self, why: &str, total: usize) -> Option<Vec<String>> {
        let room = total.saturating_sub(self.used());
        if columns(why) <= room {
            return Some(vec![why.to_owned()]);
        }
        if room < WHY_LEAST {
            return None;
        }
        Some(wrapped(why, room)).filter(|lines| room >= WHY_WIDE || lines.len() <= WHY_LINES)
    }

    /// The columns, each filled up, and what is between them.
    fn columns(&self, cells: &Cells, tone: Tone, paint: Paint) -> String {
        let widest = self.used().saturating_add(16);
        let mut line = String::with_capacity(cells.len().max(widest));
        for (index, (cell, width)) in cells.iter().zip(self.widths).take(self.shown()).enumerate() {
            let cell = match (self.terminal, index) {
                (None, _) => cell.into(),
                // The digits of the digest stand in front.
                (Some(_), 2) => end(cell, width),
                (Some(_), _) => middle(cell, width),
            };
            let pad = width.saturating_sub(columns(&cell)).saturating_add(BETWEEN);
            if index == 0 {
                line.push_str(&paint.paint(tone, &cell));
            } else {
                line.push_str(&cell);
            }
            fill(&mut line, pad);
        }
        line
    }
}
