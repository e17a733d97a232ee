//! Evidence as bytes, so that it can be kept and judged again without the file.
//!
//! The form is the program's own business: it is read back by the version that wrote it, or not at all, and whoever keeps it
//! sees to it that it is whole. So none of this is public: nobody makes a verified signer out of bytes that he chose.
//!
//! Numbers are LEB128, texts and lists have their length before them, a certificate is named by the key of its own bytes, since
//! many files have the same.

mod basic;
mod evidence;

use std::collections::BTreeMap;

pub(crate) use basic::put_text;
pub(crate) use basic::take_text;

use crate::identity::Certificate;

/// The number of the form; grows with every change of it.
pub(crate) const FORM: u32 = 4;

/// First 16 bytes of the SHA-256 of what is kept: its name, and by it one sees that it is whole.
pub(crate) type Key = [u8; 16];

/// Something that can be kept.
pub(crate) trait Kept: Sized {
    /// Writes it.
    fn put(&self, to: &mut Writer);
    /// Reads it back; none when that is no such thing.
    fn take(from: &mut Reader<'_>) -> Option<Self>;
}

/// Writes something that may not be there, as an `Option` of it.
pub(crate) fn put_option<T: Kept>(value: Option<&T>, to: &mut Writer) {
    value.is_some().put(to);
    if let Some(value) = value {
        value.put(to);
    }
}

/// What is written, and the certificates and pictures that it names.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The bytes so far.
    pub(crate) bytes: Vec<u8>,
    /// The certificates and pictures, by key, each with its bytes.
    pub(crate) bodies: BTreeMap<Key, Vec<u8>>,
    key_of: fn(&[u8]) -> Key,
}

/// What is read, and where certificates are to be had.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    certificate: &'a dyn Fn(&Key) -> Option<Certificate>,
    picture: &'a dyn Fn(&Key) -> Option<Vec<u8>>,
}

impl Writer {
    /// Nothing yet; `key_of` digests.
    pub(crate) fn new(key_of: fn(&[u8]) -> Key) -> Self {
        Self { bytes: Vec::new(), bodies: BTreeMap::new(), key_of }
    }

    fn certificate(&mut self, certificate: &Certificate) {
        let mut alone = Self::new(self.key_of);
        evidence::put_certificate(certificate, &mut alone);
        let key = (self.key_of)(&alone.bytes);
        self.bytes.extend(key);
        self.bodies.entry(key).or_insert(alone.bytes);
    }

    /// Names a picture by the key of its bytes.
    pub(crate) fn picture(&mut self, bytes: &[u8]) {
        let key = (self.key_of)(bytes);
        self.bytes.extend(key);
        self.bodies.entry(key).or_insert_with(|| bytes.to_vec());
    }
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, whose certificates `certificate` gives.
    pub(crate) fn new(bytes: &'a [u8], certificate: &'a dyn Fn(&Key) -> Option<Certificate>) -> Self {
        Self { rest: bytes, certificate, picture: &|_| None }
    }

    /// With pictures, whose bytes `picture` gives; none of them where nobody wants them.
    pub(crate) fn with_pictures(self, picture: &'a dyn Fn(&Key) -> Option<Vec<u8>>) -> Self {
        Self { picture, ..self }
    }

    /// The bytes of the picture that is named next; none when it is gone.
    pub(crate) fn picture(&mut self) -> Option<Vec<u8>> {
        let key: Key = self.array()?;
        (self.picture)(&key)
    }

    /// What `take` reads, if nothing stands behind it.
    pub(crate) fn all_by<T>(mut self, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = take(&mut self)?;
        self.rest.is_empty().then_some(value)
    }

    /// How many bytes have not been read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads so many bytes and leaves them where they are.
    pub(crate) fn skip(&mut self, len: usize) -> Option<()> {
        self.bytes(len).map(drop)
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }
}

/// The certificate that [`Writer::bodies`] has as those bytes.
pub(crate) fn certificate(bytes: &[u8]) -> Option<Certificate> {
    Reader::new(bytes, &|_| None).all_by(evidence::take_certificate)
}

/// A struct: its fields in that order.
macro_rules! kept_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::kept::Kept for $type {
            fn put(&self, to: &mut $crate::kept::Writer) {
                $($crate::kept::Kept::put(&self.$field, to);)*
            }

            fn take(from: &mut $crate::kept::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::kept::Kept::take(from)?),* })
            }
        }
    };
}

/// An enum: the number of the variant, then what it has.
macro_rules! kept_enum {
    ($type:ty { $($variant:ident $(($value:ident))? $({ $($field:ident),* })? = $number:literal),* $(,)? }) => {
        impl $crate::kept::Kept for $type {
            fn put(&self, to: &mut $crate::kept::Writer) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),* })? => {
                        to.bytes.push($number);
                        $($crate::kept::Kept::put($value, to);)?
                        $($($crate::kept::Kept::put($field, to);)*)?
                    })*
                }
            }

            fn take(from: &mut $crate::kept::Reader<'_>) -> Option<Self> {
                let number: u8 = $crate::kept::Kept::take(from)?;
                match number {
                    $($number => {
                        $(let $value = $crate::kept::Kept::take(from)?;)?
                        $($(let $field = $crate::kept::Kept::take(from)?;)*)?
                        Some(Self::$variant $(($value))? $({ $($field),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use kept_enum;
pub(crate) use kept_struct;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::VerifyOptions;
    use crate::crypto::sha256;
    use crate::marks;
    use crate::marks::MarkOptions;
    use crate::marks::Marks;
    use crate::scheme::Idsig;
    use crate::source::FileSource;
    use crate::verify::Verification;
    use crate::verify::verify;
    use crate::verify::verify_with_idsig;

    fn key_of(bytes: &[u8]) -> Key {
        sha256(bytes).first_chunk().copied().unwrap()
    }

    /// Every APK of the test data, with its v4 signature file, and what it carries.
    fn evidence() -> Vec<(Verification, Marks)> {
        let mut all = Vec::new();
        let mut folders = vec![PathBuf::from("testdata")];
        while let Some(folder) = folders.pop() {
            if folder.ends_with("bombs") {
                continue;
            }
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "apk") {
                    let source = FileSource::open(&path).unwrap();
                    let options = VerifyOptions::default();
                    let idsig = FileSource::open(&path.with_extension("apk.idsig"));
                    let verification = match &idsig {
                        Ok(idsig) => verify_with_idsig(&source, &Idsig::new(idsig, "x.idsig"), &options),
                        Err(_) => verify(&source, &options),
                    };
                    all.push((verification.unwrap(), marks::read(&source, &MarkOptions::default()).unwrap()));
                }
            }
        }
        all
    }

    fn written(value: &impl Kept) -> Writer {
        let mut writer = Writer::new(key_of);
        value.put(&mut writer);
        writer
    }

    fn read<T: Kept>(writer: &Writer, bytes: &[u8]) -> Option<T> {
        let pool = |key: &Key| writer.bodies.get(key).and_then(|bytes| certificate(bytes));
        Reader::new(bytes, &pool).all_by(T::take)
    }

    #[test]
    fn all_evidence_reads_back_as_it_was() {
        let all = evidence();
        assert!(all.len() > 500, "{}", all.len());
        for (verification, marks) in &all {
            let writer = written(verification);
            let back: Verification = read(&writer, &writer.bytes).unwrap();
            assert_eq!(format!("{back:?}"), format!("{verification:?}"));
            let writer = written(marks);
            let back: Marks = read(&writer, &writer.bytes).unwrap();
            assert_eq!(format!("{back:?}"), format!("{marks:?}"));
        }
    }

    #[test]
    fn what_is_cut_off_or_has_more_behind_it_is_nothing() {
        let all = evidence();
        let (verification, _) = all.iter().find(|(verification, _)| verification.is_verified()).unwrap();
        let writer = written(verification);
        for len in 0..writer.bytes.len() {
            assert!(read::<Verification>(&writer, &writer.bytes[..len]).is_none(), "{len}");
        }
        let longer = [&writer.bytes[..], &[0]].concat();
        assert!(read::<Verification>(&writer, &longer).is_none());
        // A certificate that is not there.
        let without = Writer { bodies: BTreeMap::new(), ..written(verification) };
        assert!(read::<Verification>(&without, &without.bytes).is_none());
        let (_, bytes) = writer.bodies.first_key_value().unwrap();
        assert!(certificate(bytes).is_some() && certificate(&bytes[1..]).is_none());
    }

    #[test]
    fn numbers_and_texts_of_every_size() {
        for number in [0_u64, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let writer = written(&number);
            assert_eq!(read::<u64>(&writer, &writer.bytes), Some(number));
        }
        let writer = written(&u64::from(u32::MAX));
        assert_eq!(read::<u32>(&writer, &writer.bytes), Some(u32::MAX));
        let writer = written(&(u64::from(u32::MAX) + 1));
        assert_eq!(read::<u32>(&writer, &writer.bytes), None);
        for number in [i32::MIN, -1, 0, 1, i32::MAX] {
            let writer = written(&number);
            assert_eq!(read::<i32>(&writer, &writer.bytes), Some(number));
        }
        assert_eq!(read::<u64>(&written(&0_u64), &[0xff; 10]), None, "too many bits");
        assert_eq!(read::<String>(&written(&0_u64), &[2, 0xff, 0xff]), None, "no UTF-8");
        assert_eq!(read::<bool>(&written(&0_u64), &[2]), None);
        let text = Some(vec!["河".to_owned(), String::new()]);
        let writer = written(&text);
        assert_eq!(read::<Option<Vec<String>>>(&writer, &writer.bytes), Some(text));
    }
}
