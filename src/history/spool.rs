//! Samples packed small and put aside while files are read, since all of them together are more than a profile needs at
//! any time: a few bytes each, in memory or wherever the shell has room.

use super::samples::Sample;
use std::io;
use std::sync::{Arc, Mutex};

/// Bytes that can be read at any place, by several readers at once: a file that is still there.
pub trait Stored: Send + Sync + std::fmt::Debug {
    /// Fills `out` with the bytes from `start`.
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()>;

    /// How many bytes there are, where that is known.
    fn length(&self) -> Option<u64> {
        None
    }
}

/// Keeps packed samples, for writers and readers at once.
pub trait Keep: Stored {
    /// Puts bytes aside; gives where they start.
    fn put(&self, bytes: &[u8]) -> io::Result<u64>;
}

/// Room for packed samples: in memory, unless the shell gives more.
#[derive(Clone, Debug)]
pub struct Room(Arc<dyn Keep>);

impl Room {
    /// Room elsewhere.
    pub fn new(keep: impl Keep + 'static) -> Self {
        Self(Arc::new(keep))
    }

    /// Puts bytes aside.
    pub(crate) fn put(&self, bytes: &[u8]) -> io::Result<Kept> {
        let (room, start, length) = (self.clone(), self.0.put(bytes)?, bytes.len());
        Ok(Kept { room, start, length })
    }
}

/// Bytes that were put aside.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    room: Room,
    start: u64,
    length: usize,
}

impl Kept {
    /// Fills `bytes` with them.
    pub(crate) fn get(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.resize(self.length, 0);
        self.room.0.get(self.start, bytes)
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new(Memory::default())
    }
}

#[derive(Debug, Default)]
struct Memory(Mutex<Vec<u8>>);

impl Keep for Memory {
    fn put(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut all = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        let start = all.len() as u64;
        all.extend_from_slice(bytes);
        Ok(start)
    }
}

impl Stored for Memory {
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let all = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = all.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Where packed samples of one series lie, and how many they are.
#[derive(Clone, Debug)]
pub(super) struct Block {
    kept: Kept,
    count: usize,
}

/// Samples packed as one.
const BLOCK_MAX: usize = 64 * 1024;

impl Block {
    /// Puts samples aside, in as many blocks as it takes.
    pub(super) fn put(samples: &[Sample], room: &Room, blocks: &mut Vec<Self>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for samples in samples.chunks(BLOCK_MAX) {
            bytes.clear();
            pack(samples, &mut bytes);
            let (kept, count) = (room.put(&bytes)?, samples.len());
            blocks.push(Self { kept, count });
        }
        Ok(())
    }

    /// Appends its samples; `bytes` is room to work in.
    pub(super) fn get(&self, bytes: &mut Vec<u8>, samples: &mut Vec<Sample>) -> io::Result<()> {
        self.kept.get(bytes)?;
        let foreign = || io::Error::other("they are not what was written");
        unpack(bytes, self.count, samples).ok_or_else(foreign)
    }
}

/// Bytes behind the last value, so that each can be read eight at once.
const PADDING: usize = 8;

/// Appends samples to `out`, in any order of time: how many, runs of equal distances between their times as varints, then
/// the values above the least of them, without the low bits that are zero in all, each in the bytes that the greatest
/// needs.
fn pack(samples: &[Sample], out: &mut Vec<u8>) {
    pack_times(samples, out);
    let least = samples.iter().map(|sample| sample.value).min().unwrap_or(0);
    let bits = samples.iter().fold(0, |bits, sample| bits | (sample.value - least));
    let shift = if bits == 0 { 0 } else { bits.trailing_zeros() };
    let width = (u64::BITS - (bits >> shift).leading_zeros()).div_ceil(8) as usize;
    put_varint(out, least);
    out.extend([shift.to_le_bytes()[0], width.to_le_bytes()[0]]);
    let start = out.len();
    out.resize(start + samples.len() * width + PADDING, 0);
    for (place, sample) in samples.iter().enumerate() {
        let value = (sample.value - least) >> shift;
        // what is written past its width is zero, and the next value overwrites it
        let at = start + place * width;
        out[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
}

fn pack_times(samples: &[Sample], out: &mut Vec<u8>) {
    let mut last = 0i64;
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let distance = first.at_ms.wrapping_sub(last);
        let mut run = 0;
        for sample in rest {
            if sample.at_ms.wrapping_sub(last) != distance {
                break;
            }
            last = sample.at_ms;
            run += 1;
        }
        put_varint(out, ((distance << 1) ^ (distance >> 63)).cast_unsigned());
        put_varint(out, run as u64);
        rest = &rest[run..];
    }
}

/// Appends the `count` samples that [`pack`] wrote to `out`; `None` where the bytes are not of it.
fn unpack(mut bytes: &[u8], count: usize, out: &mut Vec<Sample>) -> Option<()> {
    let known = out.len();
    out.reserve(count);
    let mut last = 0i64;
    while out.len() < known + count {
        let distance = take_varint(&mut bytes)?;
        let distance = (distance >> 1).cast_signed() ^ -((distance & 1).cast_signed());
        let run = usize::try_from(take_varint(&mut bytes)?).ok()?;
        if run > known + count - out.len() {
            return None;
        }
        out.extend((0..run).map(|_| {
            last = last.wrapping_add(distance);
            Sample { at_ms: last, value: 0 }
        }));
    }
    let least = take_varint(&mut bytes)?;
    let (&[shift, width], values) = bytes.split_first_chunk()?;
    let (shift, width) = (u32::from(shift), usize::from(width));
    let kept = u64::MAX.checked_shr(u64::BITS.checked_sub(8 * u32::try_from(width).ok()?)?);
    let kept = kept.unwrap_or(0);
    for (place, sample) in out[known..].iter_mut().enumerate() {
        let eight = values.get(place * width..)?.first_chunk()?;
        let above = (u64::from_le_bytes(*eight) & kept).wrapping_shl(shift);
        sample.value = least.wrapping_add(above);
    }
    Some(())
}

/// Appends `value` in groups of seven bits, lowest first, the high bit marking that more follow.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut place) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(place)?;
        place += 7;
        if byte < 0x80 {
            return Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(samples: &[Sample]) -> usize {
        let (mut bytes, mut read) = (Vec::new(), Vec::new());
        pack(samples, &mut bytes);
        unpack(&bytes, samples.len(), &mut read).unwrap();
        assert_eq!(read, samples);
        bytes.len()
    }

    #[test]
    fn every_sample_comes_back_in_its_order() {
        let at = |at_ms: i64, value: u64| Sample { at_ms, value };
        round_trip(&[]);
        round_trip(&[at(i64::MIN, u64::MAX), at(i64::MAX, 0), at(0, 1)]);
        round_trip(&[at(5, 7); 300]);
        round_trip(&[at(9, 1 << 63), at(3, 3 << 62)]);
        let values = (0..u64::BITS).flat_map(|bit| [1u64 << bit, u64::MAX >> bit]);
        let all: Vec<_> = (0i64..)
            .zip(values)
            .map(|(place, value)| at(place * place, value))
            .collect();
        for length in 0..all.len() {
            round_trip(&all[..length]);
        }
    }

    #[test]
    fn samples_on_a_grid_cost_their_values_alone() {
        // pages of 4096 bytes, up to 255 of them above the least: one byte each
        let pages: Vec<_> = (0..256)
            .map(|step| Sample {
                at_ms: step * 300_000,
                value: (1_000 + step.unsigned_abs()) << 12,
            })
            .collect();
        let length = round_trip(&pages);
        assert!(length < 256 + 32, "{length}");
    }

    #[test]
    fn other_bytes_are_refused() {
        let mut bytes = Vec::new();
        pack(
            &[Sample { at_ms: 300, value: 5 }, Sample { at_ms: 600, value: 9 }],
            &mut bytes,
        );
        for length in 0..bytes.len() - PADDING {
            assert_eq!(unpack(&bytes[..length], 2, &mut Vec::new()), None, "{length}");
        }
        assert_eq!(unpack(&bytes, 1, &mut Vec::new()), None, "a run of two");
    }
}
