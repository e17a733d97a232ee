//! Bytes at positions: a file, a slice, a part of another source, or what was unpacked.
//!
//! Positioned reads over one open handle, never a memory map: a file that shrinks gives an error, not a signal. A small
//! file is read once, whole, when it is opened.

mod page_cache;
mod private_copy;
mod spare;
mod spool;
mod undisturbed;
mod window;

use std::fs::File;
use std::io;

pub(crate) use private_copy::PrivateCopy;
pub use spool::Spool;
pub(crate) use undisturbed::Undisturbed;
pub(crate) use undisturbed::ensure_no_log;
pub(crate) use undisturbed::uri;
pub use window::Window;

/// Bytes that can be read at any position, by several threads at once.
///
/// The length is the one seen when the source was opened; [`ByteSource::check_unchanged`] tells at the end of the
/// work whether it still holds.
pub trait ByteSource: Sync {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the source ends before `buf` is full; otherwise what the source says.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// The bytes from `offset` on, without reading or copying: where the source has them in memory.
    fn in_memory(&self, _offset: u64, _len: u64) -> Option<&[u8]> {
        None
    }

    /// SHA-256 of the first `len` bytes as a chunk of the content digest, where somebody has computed it from these very
    /// bytes before they are asked for.
    fn chunk_digest(&self, _len: u64) -> Option<[u8; 32]> {
        None
    }

    /// Tells that these bytes will be read soon. A source on a disk may fetch them meanwhile; nothing else follows.
    fn will_read(&self, _offset: u64, _len: u64) {}

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that the bytes are still those that were there at the start, as far as the source can tell.
    ///
    /// # Errors
    /// A line that says what changed.
    fn check_unchanged(&self) -> Result<(), String> {
        Ok(())
    }

    /// Reads `len` bytes from `offset` on into a new buffer.
    ///
    /// The caller bounds `len`; the buffer is allocated only when the source is that long.
    ///
    /// # Errors
    /// As [`ByteSource::read_exact_at`].
    fn read_vec_at(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let inside = offset.checked_add(len).is_some_and(|end| end <= self.len());
        let Some(size) = usize::try_from(len).ok().filter(|_| inside) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let mut buf = vec![0; size];
        self.read_exact_at(&mut buf, offset)?;
        Ok(buf)
    }
}

impl ByteSource for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = self.in_memory(offset, buf.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn in_memory(&self, offset: u64, len: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(usize::try_from(len).ok()?)?)
    }
}

impl ByteSource for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        (&self.as_slice()).read_exact_at(buf, offset)
    }

    fn in_memory(&self, offset: u64, len: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(usize::try_from(len).ok()?)?)
    }
}

/// A regular file behind one open handle.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    stamp: Stamp,
    /// All of a small file.
    whole: Option<spare::Buffer>,
    /// How many of its first bytes have been digested as a chunk, and the digest.
    chunk: Option<(u64, [u8; 32])>,
    /// Whether it is large and the byte in its middle, which stands for all, was not in memory when it was opened.
    cold: bool,
}

/// What a file must keep while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<std::time::SystemTime>,
    #[cfg(unix)]
    identity: FileIdentity,
}

/// Which file it is, and in which state: as long as all of it is the same, nobody has written to the file.
///
/// All but for whoever sets the clock of the machine, or writes within one tick of it: trust none that is as new as the time at which
/// it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FileIdentity {
    /// Device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last write, in Unix seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Time of the last change of anything about the file, likewise. Nobody can set it, so it tells of a rewrite whose time of
    /// modification was put back.
    pub changed: (i64, i64),
}

impl FileIdentity {
    /// So many seconds a file system may let pass before a write shows in the times of a file: most are quicker, but for FAT.
    pub(crate) const TICK: i64 = 2;

    /// The identity in `metadata`; none on systems that do not have it.
    #[cfg(unix)]
    pub fn of(metadata: &std::fs::Metadata) -> Option<Self> {
        Some(Self::on_unix(metadata))
    }

    /// The identity in `metadata`; none on systems that do not have it.
    #[cfg(not(unix))]
    pub fn of(_: &std::fs::Metadata) -> Option<Self> {
        None
    }

    #[cfg(unix)]
    fn on_unix(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            identity: FileIdentity::on_unix(&metadata),
        })
    }
}

impl FileSource {
    /// Opens the regular file at `path` for reading.
    ///
    /// A FIFO, socket, device or directory is refused without being read, and opening a FIFO does not block.
    /// Symbolic links are followed: whoever walks a tree decides before whether to.
    ///
    /// # Errors
    /// What the operating system says, or a line that names what stands there instead of a file.
    pub fn open(path: &std::path::Path) -> io::Result<Self> {
        Self::new(open_regular(path)?)
    }

    /// Takes an already open regular file.
    ///
    /// # Errors
    /// When its size cannot be asked.
    pub fn new(file: File) -> io::Result<Self> {
        let stamp = Stamp::of(&file)?;
        let cold = stamp.len > SMALL && !page_cache::holds(&file, stamp.len / 2);
        let whole = usize::try_from(stamp.len).ok().filter(|_| stamp.len <= SMALL);
        // Where that fails, whoever asks for these bytes is told.
        let whole = whole.and_then(|len| read_whole(&file, len).ok());
        Ok(Self { file, stamp, whole, chunk: None, cold })
    }

    /// Takes the digest of the first `len` bytes, for [`ByteSource::chunk_digest`]. Whoever gives it has computed it from
    /// what [`ByteSource::in_memory`] gave.
    pub(crate) fn set_chunk_digest(&mut self, len: u64, digest: [u8; 32]) {
        self.chunk = Some((len, digest));
    }

    /// Which file it was when it was opened, and in which state; none on systems that do not tell.
    #[cfg(unix)]
    pub fn identity(&self) -> Option<FileIdentity> {
        Some(self.stamp.identity)
    }

    /// Which file it was when it was opened, and in which state; none on systems that do not tell.
    #[cfg(not(unix))]
    pub fn identity(&self) -> Option<FileIdentity> {
        None
    }

    /// How many bytes of the page cache reading the file may have taken from others, at most: its size. 0 when it is small,
    /// or was in memory before it was opened, as far as the byte in its middle tells.
    pub fn brought_in(&self) -> u64 {
        if self.cold { self.stamp.len } else { 0 }
    }

    /// Gives the room back to the page cache; does nothing where [`FileSource::brought_in`] is 0.
    pub fn let_go(&self) {
        if self.cold {
            page_cache::let_go(&self.file);
        }
    }
}

/// Up to this size in bytes a file is read whole, and the system's own read-ahead does.
const SMALL: u64 = 1 << 20;

/// The first `len` bytes of a file.
fn read_whole(file: &File, len: usize) -> io::Result<spare::Buffer> {
    spare::Buffer::filled(len, |bytes| fill(file, bytes, len))
}

/// Appends the first `len` bytes of a file to nothing.
#[cfg(unix)]
fn fill(file: &File, bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    while bytes.len() < len {
        let offset = bytes.len() as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(bytes), offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The buffer may have room for more than was asked for.
    bytes.truncate(len);
    Ok(())
}

/// Appends the first `len` bytes of a file to nothing.
#[cfg(windows)]
fn fill(file: &File, bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    bytes.resize(len, 0);
    read_exact_at(file, bytes, 0)
}

#[cfg(unix)]
fn read_exact_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buf, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, buf, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf = buf.split_at_mut(count).1;
        offset += count as u64;
    }
    Ok(())
}

/// What a directory entry is, with its article: `a directory`, `a FIFO`, `a socket`, `a device`, …
pub fn kind_of(file_type: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_fifo() {
            return "a FIFO";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_block_device() || file_type.is_char_device() {
            return "a device";
        }
    }
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_file() {
        "a regular file"
    } else {
        "something special"
    }
}

/// The regular file at `path`, opened to be read, as [`FileSource::open`] does.
pub(crate) fn open_regular(path: &std::path::Path) -> io::Result<File> {
    let file = open_without_blocking(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(file);
    }
    Err(io::Error::other(format!("is {}, not a regular file", kind_of(metadata.file_type()))))
}

#[cfg(unix)]
fn open_without_blocking(path: &std::path::Path) -> io::Result<File> {
    use rustix::fs::Mode;
    use rustix::fs::OFlags;

    // A FIFO without a writer would block `open` for ever; NONBLOCK means nothing for a regular file.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_without_blocking(path: &std::path::Path) -> io::Result<File> {
    File::open(path)
}

impl ByteSource for FileSource {
    fn len(&self) -> u64 {
        self.stamp.len
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.whole {
            Some(bytes) => bytes.read_exact_at(buf, offset),
            None => read_exact_at(&self.file, buf, offset),
        }
    }

    fn in_memory(&self, offset: u64, len: u64) -> Option<&[u8]> {
        self.whole.as_ref()?.in_memory(offset, len)
    }

    fn chunk_digest(&self, len: u64) -> Option<[u8; 32]> {
        self.chunk.and_then(|(of, digest)| (of == len).then_some(digest))
    }

    fn will_read(&self, offset: u64, len: u64) {
        if self.cold {
            page_cache::fetch(&self.file, offset, len);
        }
    }

    fn check_unchanged(&self) -> Result<(), String> {
        match Stamp::of(&self.file) {
            Err(error) => Err(crate::error::describe_io(&error)),
            Ok(now) if now.len != self.stamp.len => {
                Err(format!("{} bytes at first, {} bytes at the end", self.stamp.len, now.len))
            }
            Ok(now) if now.modified != self.stamp.modified => {
                Err("its time of modification moved".to_owned())
            }
            #[cfg(unix)]
            Ok(now)
                if (now.identity.device, now.identity.inode)
                    != (self.stamp.identity.device, self.stamp.identity.inode) =>
            {
                Err("it became another file".to_owned())
            }
            #[cfg(unix)]
            Ok(now) if now.identity.changed != self.stamp.identity.changed => {
                Err("it was changed, or its name or permissions were".to_owned())
            }
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_reads_inside_and_refuses_outside() {
        let bytes: &[u8] = b"abcdef";
        assert_eq!(bytes.read_vec_at(2, 3).unwrap(), b"cde");
        assert_eq!(bytes.read_vec_at(2, 4).unwrap(), b"cdef");
        assert_eq!(bytes.read_vec_at(2, 5).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(bytes.read_vec_at(u64::MAX, 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_and_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let size = SMALL + 1;
        File::create(&path).unwrap().set_len(size).unwrap();
        let source = FileSource::open(&path).unwrap();
        assert_eq!(source.read_vec_at(size - 2, 2).unwrap(), [0; 2]);
        assert_eq!(source.in_memory(0, 1), None);
        assert_eq!(source.check_unchanged(), Ok(()));
        File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        assert_eq!(source.read_vec_at(size - 2, 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(source.check_unchanged(), Err(format!("{size} bytes at first, 3 bytes at the end")));
    }

    #[test]
    fn a_small_file_is_read_once_and_what_happens_to_it_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for size in [6, SMALL] {
            let bytes: Vec<u8> = (0..size).map(|i| i.to_le_bytes()[0]).collect();
            std::fs::write(&path, &bytes).unwrap();
            let source = FileSource::open(&path).unwrap();
            assert_eq!(source.in_memory(0, size), Some(bytes.as_slice()));
            assert_eq!(source.in_memory(1, size), None);
            File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
            assert_eq!(source.read_vec_at(4, 2).unwrap(), [4, 5]);
            assert_eq!(source.read_vec_at(size - 1, 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(source.check_unchanged(), Err(format!("{size} bytes at first, 3 bytes at the end")));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_rewrite_is_noticed_though_its_time_of_modification_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"abcdef").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let source = FileSource::open(&path).unwrap();
        // The clock of a file system may stand still for some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(50));
        std::fs::write(&path, b"ABCDEF").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let error = source.check_unchanged().unwrap_err();
        assert_eq!(error, "it was changed, or its name or permissions were");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_in_the_page_cache_before_stays_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        std::fs::write(&path, vec![7; 4 << 20]).unwrap();
        let file = File::open(&path).unwrap();
        // What is not on the disk yet cannot be let go.
        file.sync_all().unwrap();
        let warm = FileSource::open(&path).unwrap();
        assert_eq!(warm.brought_in(), 0, "it has just been written");
        warm.let_go();
        assert!(page_cache::holds(&file, 2 << 20));

        page_cache::let_go(&file);
        if page_cache::holds(&file, 2 << 20) {
            println!("left out: this file system keeps everything in memory");
            return;
        }
        let cold = FileSource::open(&path).unwrap();
        assert_eq!(cold.brought_in(), 4 << 20);
        cold.will_read(0, 4 << 20);
        assert_eq!(cold.read_vec_at(2 << 20, 3).unwrap(), [7; 3]);
        assert!(page_cache::holds(&file, 2 << 20));
        cold.let_go();
        assert!(!page_cache::holds(&file, 2 << 20));
    }

    #[test]
    fn a_directory_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let error = FileSource::open(dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "is a directory, not a regular file");
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_is_told_apart_without_blocking() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo.apk");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let error = FileSource::open(&path).unwrap_err();
        assert_eq!(error.to_string(), "is a FIFO, not a regular file");
    }
}
