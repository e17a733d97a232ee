//! The cells of a row of a table.

use super::layout::COLUMNS;

const CELLS: usize = COLUMNS + 1;

/// Verdict, package, signer, file, and why: one text, since a scan of what is known makes little else than rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::report) struct Cells {
    text: String,
    /// Where each ends.
    ends: [usize; CELLS],
}

impl Cells {
    pub(in crate::report) fn new(cells: [&str; CELLS]) -> Self {
        let len = cells.iter().map(|cell| cell.len()).fold(0, usize::saturating_add);
        let mut row = Self { text: String::with_capacity(len), ..Self::default() };
        for (cell, end) in cells.iter().zip(&mut row.ends) {
            row.text.push_str(cell);
            *end = row.text.len();
        }
        row
    }

    /// All cells, in their order.
    pub(in crate::report) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        })
    }

    /// The file.
    pub(super) fn file(&self) -> &str {
        self.iter().nth(3).unwrap_or_default()
    }

    /// Why.
    pub(super) fn why(&self) -> &str {
        self.iter().nth(4).unwrap_or_default()
    }

    /// How many bytes they have together.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_cells_in_their_order() {
        let cells = Cells::new(["verdict", "", "签名者", "a.apk", ""]);
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["verdict", "", "签名者", "a.apk", ""]);
        assert_eq!((cells.file(), cells.why(), cells.len()), ("a.apk", "", 21));
        assert_eq!(Cells::default(), Cells::new([""; CELLS]));
        assert_ne!(Cells::new(["a", "b", "", "", ""]), Cells::new(["ab", "", "", "", ""]));
    }
}
