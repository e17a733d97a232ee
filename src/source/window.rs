//! A part of another source, as a source of its own.

use std::io;

use super::ByteSource;

/// So many bytes of a source from an offset on: a stored member of a container.
#[derive(Clone, Copy)]
pub struct Window<'s> {
    source: &'s dyn ByteSource,
    offset: u64,
    len: u64,
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").field("offset", &self.offset).field("len", &self.len).finish_non_exhaustive()
    }
}

impl<'s> Window<'s> {
    /// The `len` bytes of `source` from `offset` on; none when the source does not have them.
    pub fn new(source: &'s dyn ByteSource, offset: u64, len: u64) -> Option<Self> {
        let end = offset.checked_add(len)?;
        (end <= source.len()).then_some(Self { source, offset, len })
    }

    /// Where `len` bytes from `offset` of the window on stand in the source, when they are in the window.
    fn place(&self, offset: u64, len: u64) -> Option<u64> {
        let end = offset.checked_add(len)?;
        if end > self.len {
            return None;
        }
        self.offset.checked_add(offset)
    }
}

impl ByteSource for Window<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let place = self.place(offset, buf.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.source.read_exact_at(buf, place)
    }

    fn will_read(&self, offset: u64, len: u64) {
        if let Some(place) = self.place(offset, len) {
            self.source.will_read(place, len);
        }
    }

    fn check_unchanged(&self) -> Result<(), String> {
        self.source.check_unchanged()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_where_it_ends() {
        let bytes = b"0123456789".to_vec();
        let window = Window::new(&bytes, 3, 4).unwrap();
        assert_eq!(window.len(), 4);
        assert_eq!(window.read_vec_at(0, 4).unwrap(), b"3456");
        assert_eq!(window.read_vec_at(2, 2).unwrap(), b"56");
        assert_eq!(window.read_vec_at(4, 0).unwrap(), b"");
        for (offset, len) in [(0, 5), (3, 2), (5, 0), (u64::MAX, 2)] {
            let mut buf = vec![0; len];
            let error = window.read_exact_at(&mut buf, offset).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset} {len}");
        }
        assert!(Window::new(&bytes, 10, 0).is_some());
        for (offset, len) in [(0, 11), (7, 4), (11, 0), (u64::MAX, 1)] {
            assert!(Window::new(&bytes, offset, len).is_none(), "{offset} {len}");
        }
    }
}
