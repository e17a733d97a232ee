//! What fuzz targets need of what is not public. Only they compile it.

/// How many steps `work` takes on this thread, of those that are counted, and its result.
pub fn steps<T>(work: impl FnOnce() -> T) -> (u64, T) {
    crate::work::of(work)
}

/// How many elements of structures (fields, records, lines) `work` reads on this thread, and its result.
pub fn elements<T>(work: impl FnOnce() -> T) -> (u64, T) {
    crate::work::elements_of(work)
}

/// How many bytes of content of archives `work` is handed on this thread, inflated or as they stand, and its result.
pub fn content<T>(work: impl FnOnce() -> T) -> (u64, T) {
    crate::work::content_of(work)
}
