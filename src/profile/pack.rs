//! Bytes of a line's payload: varints, zig-zag differences, deflate, base64.

pub(crate) use crate::history::spool::put_varint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
    create_comp_flags_from_zip_params,
};
use std::io::Read as _;

/// A week of one-second steps in its widest coding stays below this; what inflates to more is not ours.
const INFLATED_MAX: u64 = 32 << 20;

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
    let difference = to.wrapping_sub(from).cast_signed();
    put_varint(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
}

/// Reads what the `put_` functions wrote, strictly.
pub(crate) struct Unpacker<'a> {
    rest: &'a [u8],
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn varint(&mut self) -> Result<u64, PayloadError> {
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

    pub(crate) fn difference(&mut self, from: u64) -> Result<u64, PayloadError> {
        let coded = self.varint()?;
        let difference = (coded >> 1).cast_signed() ^ -((coded & 1).cast_signed());
        Ok(from.wrapping_add(difference.cast_unsigned()))
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

/// Deflate by the pure-Rust encoder with fixed settings: the same bytes on every platform. Only runs are matched (the
/// `rle` strategy), as differences of measurements repeat by chance only; that saves an eighth, and most of the time.
///
/// One for many payloads: it works in a third of a megabyte, and getting that anew costs more than a line's packing.
pub(crate) struct Packer(CompressorOxide);

impl Packer {
    pub(crate) fn new() -> Self {
        const LEVEL: i32 = 9;
        const RAW: i32 = -15;
        let flags = create_comp_flags_from_zip_params(LEVEL, RAW, CompressionStrategy::RLE as i32);
        Self(CompressorOxide::new(flags))
    }

    pub(crate) fn deflate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.reset();
        let (status, _) = compress_to_output(&mut self.0, bytes, TDEFLFlush::Finish, |block| {
            out.extend_from_slice(block);
            true
        });
        assert!(
            status == TDEFLStatus::Done,
            "broken invariant: packing into memory cannot fail"
        );
        out
    }
}

pub(crate) fn inflate(bytes: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let mut out = Vec::new();
    let mut decoder = flate2::bufread::DeflateDecoder::new(bytes);
    decoder
        .by_ref()
        .take(INFLATED_MAX + 1)
        .read_to_end(&mut out)
        .map_err(|error| PayloadError::new(format!("does not inflate: {error}")))?;
    if out.len() as u64 > INFLATED_MAX {
        return Err(PayloadError::new("inflates to more than any line can hold"));
    }
    if decoder.total_in() != bytes.len() as u64 {
        return Err(PayloadError::new("goes on after its end"));
    }
    Ok(out)
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

    #[test]
    fn deflate_keeps_its_bytes_over_time() {
        // A committed profile must not change because a dependency was upgraded: these bytes are the contract
        // (read back by zlib).
        let text: Vec<u8> = (0..200u32).map(|i| (i * i % 7) as u8).collect();
        let mut packer = Packer::new();
        assert_eq!(base64(&packer.deflate(&text)), DEFLATED);
        assert_eq!(base64(&packer.deflate(&text)), DEFLATED, "and again");
        assert_eq!(inflate(&packer.deflate(&text)).unwrap(), text);
    }

    const DEFLATED: &str = "BYABCQAAAIJS/L85RhojjZHGSGOkMdIYaYw0RhojjZHGSGOkMdIYaYw0RhojjZHGSGOkMdIYaYw0RhojjZHGSGPkAQ";

    #[test]
    fn a_deflated_payload_that_goes_on_or_ends_early_is_refused() {
        let mut bytes = Packer::new().deflate(b"abc");
        assert!(inflate(&bytes[..bytes.len() - 1]).is_err());
        bytes.push(0);
        assert!(inflate(&bytes).is_err());
    }
}
