//! The three delta encodings and the one that splits bytes, rewritten as plain values: what a damaged page declares is
//! checked here, where it is taken apart. Source: "Parquet encoding definitions", apache/parquet-format, Encodings.md.

use std::ops::RangeInclusive;

/// What is wrong, in words.
pub(super) type Wrong = &'static str;

/// How many values a page has: those that are no null, to all.
pub(super) type Count = RangeInclusive<usize>;

const SHORT: Wrong = "a page ends within its values";
const DAMAGED: Wrong = "a page's values make no sense";
/// The longest block of numbers; writers use 128 to 2,048.
const BLOCK_MAX: u64 = 1 << 16;

/// Bytes that are taken from the front.
struct Front<'b>(&'b [u8]);

impl<'b> Front<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Wrong> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DAMAGED)
    }

    fn zigzag(&mut self) -> Result<i64, Wrong> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// Numbers of `DELTA_BINARY_PACKED`, so many.
    fn numbers(&mut self, wanted: &Count) -> Result<Vec<i64>, Wrong> {
        let (block, parts, count) = (self.varint()?, self.varint()?, self.varint()?);
        let mut last = self.zigzag()?;
        let count = usize::try_from(count).ok().filter(|count| wanted.contains(count));
        let count = count.ok_or("a page holds fewer or more values than it declares")?;
        if block > BLOCK_MAX || parts == 0 || block % parts != 0 || (block / parts) % 8 != 0 || block == 0 {
            return Err(DAMAGED);
        }
        // both are below the longest block
        let (parts, in_part) = (low(parts), low(block / parts));
        let mut numbers = Vec::with_capacity(count);
        numbers.extend((count > 0).then_some(last));
        while numbers.len() < count {
            let least = self.zigzag()?;
            for &width in self.take(parts)? {
                let wanted = in_part.min(count - numbers.len());
                if wanted == 0 {
                    break;
                }
                let width = usize::from(width);
                if width > 64 {
                    return Err(DAMAGED);
                }
                let packed = self.take(in_part / 8 * width)?;
                for place in 0..wanted {
                    last = last
                        .wrapping_add(least)
                        .wrapping_add(bits(packed, place * width, width));
                    numbers.push(last);
                }
            }
        }
        Ok(numbers)
    }

    /// Lengths of `DELTA_LENGTH_BYTE_ARRAY` or of what values share with those before.
    fn lengths(&mut self, wanted: &Count) -> Result<impl Iterator<Item = Result<usize, Wrong>> + use<>, Wrong> {
        let lengths = self.numbers(wanted)?.into_iter();
        Ok(lengths.map(|length| usize::try_from(length).map_err(|_| DAMAGED)))
    }
}

/// Below [`BLOCK_MAX`].
fn low(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The number of `width` bits, the lowest first, from a bit on.
fn bits(packed: &[u8], from: usize, width: usize) -> i64 {
    let (first, shift) = (from / 8, from % 8);
    let bytes = &packed[first..(from + width).div_ceil(8)];
    let mut value = 0u128;
    for (place, byte) in bytes.iter().enumerate() {
        value |= u128::from(*byte) << (8 * place);
    }
    let value = (value >> shift) & ((1 << width) - 1);
    u64::try_from(value).unwrap_or(u64::MAX).cast_signed()
}

/// How values are told apart in plain pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// Numbers of four bytes.
    Four,
    /// Numbers of eight bytes.
    Eight,
    /// Each value behind its length.
    Told,
    /// Each value has so many bytes.
    Fixed(usize),
}

/// Numbers of a page in `DELTA_BINARY_PACKED`.
pub(super) fn plain_numbers(bytes: &[u8], wanted: &Count, width: Width, out: &mut Vec<u8>) -> Result<(), Wrong> {
    let numbers = Front(bytes).numbers(wanted)?;
    for number in numbers {
        let bytes = number.to_le_bytes();
        match width {
            // sums of differences wrap in the width of the column
            Width::Four => out.extend(&bytes[..4]),
            Width::Eight => out.extend(bytes),
            Width::Told | Width::Fixed(_) => return Err("a page of texts is encoded as numbers"),
        }
    }
    Ok(())
}

/// Values of a page in `DELTA_LENGTH_BYTE_ARRAY`, or with `fronts` in `DELTA_BYTE_ARRAY`; `room` is as long as they may be.
pub(super) fn plain_texts(
    bytes: &[u8],
    wanted: &Count,
    width: Width,
    fronts: bool,
    room: usize,
    out: &mut Vec<u8>,
) -> Result<(), Wrong> {
    let mut bytes = Front(bytes);
    let mut shared = if fronts { Some(bytes.lengths(wanted)?) } else { None };
    let lengths = bytes.lengths(wanted)?;
    // where the value before lies
    let mut before = 0..0;
    for length in lengths {
        let rest = bytes.take(length?)?;
        let of_before = match &mut shared {
            Some(shared) => shared.next().ok_or(SHORT)??,
            None => 0,
        };
        if of_before > before.len() || out.len() + of_before + rest.len() > room {
            return Err(DAMAGED);
        }
        let length = of_before + rest.len();
        match width {
            Width::Told => out.extend(u32::try_from(length).map_err(|_| DAMAGED)?.to_le_bytes()),
            Width::Fixed(width) if width == length => {}
            _ => return Err("a page of numbers is encoded as texts"),
        }
        let start = out.len();
        out.extend_from_within(before.start..before.start + of_before);
        out.extend(rest);
        before = start..out.len();
    }
    Ok(())
}

/// How many of `count` numbers of `width` bits, runs of equal ones and packed ones by turns, are `wanted`.
fn count_of(bytes: &[u8], count: usize, width: usize, wanted: i64) -> Result<usize, Wrong> {
    let (mut bytes, mut left, mut found) = (Front(bytes), count, 0);
    while left > 0 {
        let header = bytes.varint()?;
        let length = usize::try_from(header >> 1).map_err(|_| DAMAGED)?;
        if header & 1 == 0 {
            let number = bits(bytes.take(width.div_ceil(8))?, 0, width);
            let run = length.min(left);
            found += if number == wanted { run } else { 0 };
            left -= run;
        } else {
            let run = length.saturating_mul(8).min(left);
            // the last bytes may be left out where no number needs them
            let packed = bytes.take((run * width).div_ceil(8))?;
            let is_wanted = |place: &usize| bits(packed, place * width, width) == wanted;
            found += (0..run).filter(is_wanted).count();
            left -= run;
            let rest = length.saturating_mul(width).saturating_sub(packed.len());
            bytes.take(rest.min(bytes.0.len()))?;
        }
    }
    Ok(found)
}

/// How many of `count` levels are `most`: values that are no null.
pub(super) fn present(bytes: &[u8], count: usize, most: i16) -> Result<usize, Wrong> {
    let width = i16::BITS - most.leading_zeros();
    count_of(bytes, count, width as usize, most.into())
}

/// That there are so many places in a dictionary.
pub(super) fn check_places(bytes: &[u8], count: usize) -> Result<(), Wrong> {
    let (width, places) = bytes.split_first().ok_or(SHORT)?;
    if *width > 32 {
        return Err(DAMAGED);
    }
    count_of(places, count, usize::from(*width), 0).map(|_| ())
}

/// That there are so many values of `PLAIN`, each behind its length.
pub(super) fn check_texts(bytes: &[u8], count: usize) -> Result<(), Wrong> {
    let mut bytes = Front(bytes);
    for _ in 0..count {
        let length = bytes.take(4)?.first_chunk().map(|length| u32::from_le_bytes(*length));
        bytes.take(length.ok_or(SHORT)? as usize)?;
    }
    Ok(())
}

/// Values of a page in `BYTE_STREAM_SPLIT`: the first bytes of all, then the second.
pub(super) fn plain_split(bytes: &[u8], width: Width, out: &mut Vec<u8>) -> Result<(), Wrong> {
    let width = match width {
        Width::Four => 4,
        Width::Eight => 8,
        Width::Fixed(width) if width > 0 => width,
        _ => return Err("a page of texts is split as numbers"),
    };
    if !bytes.len().is_multiple_of(width) {
        return Err(SHORT);
    }
    let count = bytes.len() / width;
    out.extend((0..bytes.len()).map(|place| bytes[place % width * count + place / width]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_read() {
        // 1, 2, 3, 4, 5: a block of 128 in 4 parts, 5 values, first 1; least difference 1, no bits
        let text = [128, 1, 4, 5, 2, 2, 0, 0, 0, 0];
        let mut out = Vec::new();
        plain_numbers(&text, &(5..=5), Width::Four, &mut out).unwrap();
        assert_eq!(out, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0]);
        // 7, 5, 3, 1, 2, 3, 4, 5: differences -2 -2 -2 1 1 1 1, least -2, so 0 0 0 3 3 3 3 in two bits each
        let text = [
            128,
            1,
            4,
            8,
            14,
            3,
            2,
            0,
            0,
            0,
            0b1100_0000,
            0b0011_1111,
            0,
            0,
            0,
            0,
            0,
            0,
        ];
        let mut out = Vec::new();
        plain_numbers(&text, &(8..=8), Width::Eight, &mut out).unwrap();
        let numbers: Vec<u8> = out.chunks(8).map(|number| number[0]).collect();
        assert_eq!(numbers, [7, 5, 3, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn texts_share_what_they_begin_with() {
        // axis, axle: nothing and "ax" shared, then "axis" and "le"
        let shared = [128, 1, 4, 2, 0, 4, 0, 0, 0, 0];
        let lengths = [128, 1, 4, 2, 8, 3, 0, 0, 0, 0];
        let text = [&shared[..], &lengths, b"axisle"].concat();
        let mut out = Vec::new();
        plain_texts(&text, &(2..=2), Width::Told, true, 100, &mut out).unwrap();
        assert_eq!(out, b"\x04\0\0\0axis\x04\0\0\0axle");
        for (cut, room) in [(text.len() - 1, 100), (text.len(), 11), (12, 100)] {
            let read = plain_texts(&text[..cut], &(2..=2), Width::Told, true, room, &mut Vec::new());
            assert!(read.is_err(), "{cut} {room}");
        }
    }

    #[test]
    fn levels_are_counted_in_runs_and_packed() {
        // five times 1, then eight packed, the lowest bit first: 1 0 1 1 0 0 0 1
        let levels = [5 << 1, 1, 1 << 1 | 1, 0b1000_1101];
        assert_eq!(present(&levels, 13, 1), Ok(9));
        assert_eq!(present(&levels, 9, 1), Ok(8));
        assert!(present(&levels, 14, 1).is_err());
        // three times level 1 of 2, in two bits
        assert_eq!(present(&[3 << 1, 1], 3, 2), Ok(0));
        assert!(check_texts(b"\x01\0\0\0a\x02\0\0\0b", 1).is_ok());
        assert!(check_texts(b"\x01\0\0\0a\x02\0\0\0b", 2).is_err());
    }

    #[test]
    fn split_bytes_are_put_together() {
        // 0x04030201 and 0x0d0c0b0a
        let text = [1, 10, 2, 11, 3, 12, 4, 13];
        let mut out = Vec::new();
        plain_split(&text, Width::Four, &mut out).unwrap();
        assert_eq!(out, [1, 2, 3, 4, 10, 11, 12, 13]);
        assert!(plain_split(&text[1..], Width::Four, &mut out).is_err());
    }

    #[test]
    fn what_a_page_declares_is_not_believed() {
        for text in [
            // more values than the page has, blocks of none, of no part, of parts that are no whole bytes, without end
            &[128, 1, 4, 6, 2, 2, 0, 0, 0, 0][..],
            &[0, 4, 5, 2, 2, 0, 0, 0, 0],
            &[128, 1, 0, 5, 2, 2, 0, 0, 0, 0],
            &[128, 1, 64, 5, 2, 2, 0, 0, 0, 0],
            &[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            // fewer
            &[128, 1, 4, 4, 2, 2, 0, 0, 0, 0],
            // a width of 65 bits
            &[128, 1, 4, 5, 2, 2, 65, 0, 0, 0],
        ] {
            assert!(
                plain_numbers(text, &(5..=5), Width::Eight, &mut Vec::new()).is_err(),
                "{text:?}"
            );
        }
    }
}
