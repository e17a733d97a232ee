//! Counts steps and content, in tests and fuzz targets alone: so they can tell linear work from quadratic without a clock.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static ELEMENTS: Cell<u64> = const { Cell::new(0) };
    static CONTENT: Cell<u64> = const { Cell::new(0) };
}

/// One step of what may grow with the file.
pub(crate) fn step() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// One element of a structure was read: a field, a record, a line. No step, since reading them once is what a parser is for.
pub(crate) fn element() {
    ELEMENTS.with(|elements| elements.set(elements.get() + 1));
}

/// So many bytes of an archive's content were handed on: work may grow with them too, since a few bytes inflate to many, and
/// entries may lie over each other.
pub(crate) fn content(len: u64) {
    CONTENT.with(|content| content.set(content.get() + len));
}

/// The same sink, with what it is handed counted as [`content`].
pub(crate) fn counted(sink: &mut dyn FnMut(&[u8]) -> bool) -> impl FnMut(&[u8]) -> bool {
    |piece| {
        content(piece.len() as u64);
        sink(piece)
    }
}

/// How many steps `work` takes on this thread.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = STEPS.with(Cell::get);
    let result = work();
    (STEPS.with(Cell::get) - before, result)
}

/// How many elements `work` reads on this thread.
pub(crate) fn elements_of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ELEMENTS.with(Cell::get);
    let result = work();
    (ELEMENTS.with(Cell::get) - before, result)
}

/// How many bytes of content `work` is handed on this thread.
#[cfg(fuzzing)]
pub(crate) fn content_of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = CONTENT.with(Cell::get);
    let result = work();
    (CONTENT.with(Cell::get) - before, result)
}

/// Holds `read` to work in proportion: of twice as many records it reads twice as many elements, and takes twice as many steps, at most.
/// `input` makes an input of so many records.
#[cfg(test)]
#[track_caller]
pub(crate) fn doubles<I>(input: impl Fn(usize) -> I, read: impl Fn(&I)) {
    const RECORDS: usize = 400;
    let taken = |records| {
        let input = input(records);
        let (elements, (steps, ())) = elements_of(|| of(|| read(&input)));
        elements + steps
    };
    let (once, twice) = (taken(RECORDS), taken(2 * RECORDS));
    assert!(once >= RECORDS as u64, "{once} elements and steps: what is read is not counted");
    assert!(twice <= 2 * once, "{once} elements and steps, of twice as many records {twice}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linear_doubles() {
        doubles(|records| records, |records| (0..*records).for_each(|_| element()));
        doubles(|records| records, |records| (0..*records).for_each(|_| step()));
    }

    #[test]
    #[should_panic(expected = "of twice as many records")]
    fn what_is_quadratic_does_not() {
        doubles(|records| records, |records| (0..*records * *records).for_each(|_| element()));
    }

    #[test]
    #[should_panic(expected = "is not counted")]
    fn what_is_not_counted_is_no_proof() {
        doubles(|records| records, |_| element());
    }
}
