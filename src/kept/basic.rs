//! Numbers, texts, lists.

use super::Kept;
use super::Reader;
use super::Writer;

impl Kept for u8 {
    fn put(&self, to: &mut Writer) {
        to.bytes.push(*self);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.array::<1>().map(|[byte]| byte)
    }
}

impl Kept for bool {
    fn put(&self, to: &mut Writer) {
        to.bytes.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Kept for u64 {
    fn put(&self, to: &mut Writer) {
        let mut rest = *self;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return to.bytes.push(low & 0x7f);
            }
            to.bytes.push(low | 0x80);
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = u8::take(from)?;
            let bits = Self::from(byte & 0x7f);
            let shifted = bits.checked_shl(shift)?;
            if shifted.checked_shr(shift)? != bits {
                return None;
            }
            value |= shifted;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

impl Kept for u32 {
    fn put(&self, to: &mut Writer) {
        u64::from(*self).put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        u64::take(from)?.try_into().ok()
    }
}

impl Kept for usize {
    fn put(&self, to: &mut Writer) {
        // No machine has more.
        u64::try_from(*self).unwrap_or(u64::MAX).put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        u64::take(from)?.try_into().ok()
    }
}

impl Kept for i64 {
    fn put(&self, to: &mut Writer) {
        self.cast_unsigned().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        u64::take(from).map(u64::cast_signed)
    }
}

impl Kept for i32 {
    fn put(&self, to: &mut Writer) {
        to.bytes.extend(self.to_le_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.array().map(Self::from_le_bytes)
    }
}

impl<const N: usize> Kept for [u8; N] {
    fn put(&self, to: &mut Writer) {
        to.bytes.extend(self);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.array()
    }
}

/// Writes a text, as a `String`.
pub(crate) fn put_text(text: &str, to: &mut Writer) {
    text.len().put(to);
    to.bytes.extend(text.as_bytes());
}

/// Reads back a text where it is.
pub(crate) fn take_text<'a>(from: &mut Reader<'a>) -> Option<&'a str> {
    let len = usize::take(from)?;
    std::str::from_utf8(from.bytes(len)?).ok()
}

impl Kept for String {
    fn put(&self, to: &mut Writer) {
        put_text(self, to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        take_text(from).map(str::to_owned)
    }
}

impl<T: Kept> Kept for Option<T> {
    fn put(&self, to: &mut Writer) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some(if bool::take(from)? { Some(T::take(from)?) } else { None })
    }
}

impl<T: Kept> Kept for Box<T> {
    fn put(&self, to: &mut Writer) {
        self.as_ref().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        T::take(from).map(Self::new)
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn put(&self, to: &mut Writer) {
        self.len().put(to);
        for value in self {
            value.put(to);
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let len = usize::take(from)?;
        // Grows as it is read: a length that is wrong ends where the bytes do.
        let mut values = Self::new();
        for _ in 0..len {
            values.push(T::take(from)?);
        }
        Some(values)
    }
}

impl<T: Kept, U: Kept> Kept for (T, U) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some((T::take(from)?, U::take(from)?))
    }
}
