//! Counts steps and content, in tests and fuzz targets alone: so they can tell linear work from quadratic without a clock.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static CONTENT: Cell<u64> = const { Cell::new(0) };
}

/// One step of what may grow with the file.
pub(crate) fn step() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
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

/// How many bytes of content `work` is handed on this thread.
pub(crate) fn content_of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = CONTENT.with(Cell::get);
    let result = work();
    (CONTENT.with(Cell::get) - before, result)
}
