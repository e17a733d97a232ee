//! Bytes that come one after the other, kept so that they can be read at any position.

use std::fs::File;
use std::io;
use std::io::Write as _;

use super::ByteSource;
use super::FileSource;

/// So many bytes are kept in memory; what is more goes to a file without a name, which is gone with the last handle to it.
const IN_MEMORY: usize = 8 << 20;

/// Takes bytes one after the other.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
}

impl Spool {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// When the temporary file cannot be made or written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        if self.memory.len().saturating_add(bytes.len()) <= IN_MEMORY {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&self.memory)?;
        file.write_all(bytes)?;
        self.memory = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    /// All bytes that were taken.
    ///
    /// # Errors
    /// When the temporary file cannot be looked at.
    pub fn finish(self) -> io::Result<Box<dyn ByteSource>> {
        Ok(match self.file {
            Some(file) => Box::new(FileSource::new(file)?),
            None => Box::new(self.memory),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_and_what_is_in_a_file_reads_the_same() {
        for len in [0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1] {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let mut spool = Spool::new();
            for piece in bytes.chunks(1 << 20) {
                spool.write(piece).unwrap();
            }
            assert_eq!(spool.file.is_some(), len > IN_MEMORY);
            let source = spool.finish().unwrap();
            assert_eq!(source.len(), len as u64);
            assert!(source.read_vec_at(0, len as u64).unwrap() == bytes);
            assert!(source.read_vec_at(1, len as u64).is_err());
        }
    }
}
