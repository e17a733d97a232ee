//! What Linux keeps of files in memory. It is advice: where it fails, or is not to be had, all works without.

use std::fs::File;

pub(super) use system::fetch;
pub(super) use system::holds;
pub(super) use system::let_go;

#[cfg(target_os = "linux")]
mod system {
    use std::io::IoSliceMut;
    use std::num::NonZeroU64;

    use rustix::fs::Advice;
    use rustix::io::Errno;
    use rustix::io::ReadWriteFlags;

    use super::File;

    /// Whether the byte at `offset` can be read without waiting for the disk; true also where that cannot be told.
    pub(in crate::source) fn holds(file: &File, offset: u64) -> bool {
        let mut byte = [0];
        let read =
            rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT);
        read != Err(Errno::AGAIN)
    }

    /// Has bytes of the file fetched meanwhile.
    pub(in crate::source) fn fetch(file: &File, offset: u64, len: u64) {
        // It fails on files that have no page cache, and then there is nothing to do.
        let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(len), Advice::WillNeed);
    }

    /// Has all of the file leave memory.
    pub(in crate::source) fn let_go(file: &File) {
        let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::File;

    pub(in crate::source) fn holds(_: &File, _: u64) -> bool {
        true
    }

    pub(in crate::source) fn fetch(_: &File, _: u64, _: u64) {}

    pub(in crate::source) fn let_go(_: &File) {}
}
