//! Counts steps, in tests and fuzz targets alone: so they can tell linear work from quadratic without a clock.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// One step of what may grow with the file.
pub(crate) fn step() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// How many steps `work` takes on this thread.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = STEPS.with(Cell::get);
    let result = work();
    (STEPS.with(Cell::get) - before, result)
}
