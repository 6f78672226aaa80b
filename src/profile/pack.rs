//! Bytes of a line's payload: varints, zig-zag differences, base64.

pub(crate) use crate::history::spool::put_varint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What is wrong with a payload, in words that finish "the payload ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PayloadError(pub(crate) String);

impl PayloadError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Appends the difference `to - from`, small magnitudes short in both directions.
pub(crate) fn put_difference(out: &mut Vec<u8>, from: u64, to: u64) {
    put_varint(out, zig_zag(to.wrapping_sub(from)));
}

/// The same for many pairs `(from, to)`.
#[inline]
pub(crate) fn put_differences(out: &mut Vec<u8>, pairs: impl Iterator<Item = (u64, u64)> + Clone) {
    let (start, mut all) = (out.len(), 0);
    let coded = pairs.map(|(from, to)| zig_zag(to.wrapping_sub(from)));
    // a byte each, as nearly always
    out.extend(coded.clone().map(|coded| {
        all |= coded;
        coded.to_le_bytes()[0]
    }));
    if all >= 0x80 {
        out.truncate(start);
        coded.for_each(|coded| put_varint(out, coded));
    }
}

/// Each value behind the one before it, the first behind 0.
pub(crate) fn successive(values: impl Iterator<Item = u64> + Clone) -> impl Iterator<Item = (u64, u64)> + Clone {
    let mut last = 0;
    values.map(move |value| (std::mem::replace(&mut last, value), value))
}

/// Differences of both signs as numbers, by their magnitude: 0, -1, 1, -2, ...
#[inline]
fn zig_zag(difference: u64) -> u64 {
    let difference = difference.cast_signed();
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

/// Reads what the `put_` functions wrote, strictly.
pub(crate) struct Unpacker<'a> {
    rest: &'a [u8],
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, PayloadError> {
        // nearly all are of one byte
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, PayloadError> {
        let mut value = 0u64;
        for place in 0..10 {
            let (&byte, rest) = self
                .rest
                .split_first()
                .ok_or_else(|| PayloadError::new("ends inside a number"))?;
            self.rest = rest;
            // the tenth byte has room for one bit only; a zero last byte would be a second spelling of the same number
            if (place == 9 && byte > 1) || (place > 0 && byte == 0) {
                return Err(PayloadError::new("holds a number in a form that is never written"));
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(PayloadError::new("holds a number of more than 64 bits"))
    }

    /// A varint that must fit `T`.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self, what: &str) -> Result<T, PayloadError> {
        let value = self.varint()?;
        T::try_from(value).map_err(|_| PayloadError::new(format!("holds {value} as {what}, which is too large")))
    }

    #[inline]
    pub(crate) fn difference(&mut self, from: u64) -> Result<u64, PayloadError> {
        let coded = self.varint()?;
        let difference = (coded >> 1).cast_signed() ^ -((coded & 1).cast_signed());
        Ok(from.wrapping_add(difference.cast_unsigned()))
    }

    /// So many bytes as they are.
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], PayloadError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| PayloadError::new("ends inside a number"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn finish(self) -> Result<(), PayloadError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(PayloadError::new("goes on after its end"))
        }
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, PayloadError> {
    STANDARD_NO_PAD
        .decode(text)
        .map_err(|error| PayloadError::new(format!("is not base64 without padding: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<u64, PayloadError> {
        let mut unpacker = Unpacker::new(bytes);
        let value = unpacker.varint()?;
        unpacker.finish().map(|()| value)
    }

    #[test]
    fn varints_have_one_spelling() {
        for (value, bytes) in [
            (0, vec![0]),
            (127, vec![0x7f]),
            (128, vec![0x80, 1]),
            (300, vec![0xac, 2]),
        ] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(read_all(&bytes).unwrap(), value);
        }
        for bad in [&[0x80][..], &[0x80, 0], &[0, 0], &[0xff; 11]] {
            assert!(read_all(bad).is_err(), "{bad:?} is refused");
        }
    }

    #[test]
    fn differences_reach_across_the_whole_range() {
        for (from, to) in [(0, u64::MAX), (u64::MAX, 0), (5, 5), (7, 3), (1 << 63, 1)] {
            let mut out = Vec::new();
            put_difference(&mut out, from, to);
            let mut unpacker = Unpacker::new(&out);
            assert_eq!(unpacker.difference(from).unwrap(), to, "{from} to {to}");
        }
        // zig-zag: +1 is 2, -1 is 1
        let mut out = Vec::new();
        put_difference(&mut out, 10, 11);
        put_difference(&mut out, 10, 9);
        assert_eq!(out, [2, 1]);
    }
}
