//! Bytes of a file at any place, since Parquet is read from its end: from the file itself, or, of what can be read only once
//! or is compressed as a whole, from the room where samples wait.

use crate::diag::code;
use crate::history::Input;
use crate::history::note::Note;
use crate::history::spool::{Kept, Stored};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// What is put aside at once.
const PIECE: usize = 256 << 10;
/// Read ahead behind a place: headers of pages are far smaller.
const AHEAD: usize = 512;

/// All bytes of a file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    place: Place,
    length: u64,
}

#[derive(Clone, Debug)]
enum Place {
    File(Arc<dyn Stored>),
    Aside(Arc<Aside>),
}

/// Pieces of [`PIECE`] bytes, the last one aside, and the one that was read last.
#[derive(Debug)]
struct Aside {
    pieces: Vec<Kept>,
    last: Mutex<(usize, Vec<u8>)>,
}

impl Source {
    pub(super) fn open(input: &Input<'_>, text: &mut dyn Read) -> std::result::Result<Self, Note> {
        let file = input.again.clone();
        if let Some((file, length)) = file.and_then(|file| file.length().map(|length| (file, length))) {
            let place = Place::File(file);
            return Ok(Self { place, length });
        }
        let (mut pieces, mut length) = (Vec::new(), 0);
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            let read = text.take(PIECE as u64).read_to_end(&mut piece);
            let put = read.and_then(|read| Ok((read, input.room.put(&piece)?)));
            let (read, kept) = put.map_err(|error| Note::error(code::EXPORT_UNREADABLE, error.to_string()))?;
            length += read as u64;
            pieces.push(kept);
            if read < PIECE {
                break;
            }
        }
        let last = Mutex::new((usize::MAX, Vec::new()));
        let place = Place::Aside(Arc::new(Aside { pieces, last }));
        Ok(Self { place, length })
    }

    /// Fills `out` with the bytes from `start`.
    fn fill(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        match &self.place {
            Place::File(file) => file.get(start, out),
            Place::Aside(aside) => aside.fill(start, out),
        }
    }
}

impl Aside {
    fn fill(&self, start: u64, mut out: &mut [u8]) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = usize::try_from(start).map_err(io::Error::other)?;
        while !out.is_empty() {
            let (place, within) = (start / PIECE, start % PIECE);
            if last.0 != place {
                let piece = self.pieces.get(place).ok_or(io::ErrorKind::UnexpectedEof)?;
                // what is half read must not be taken for it
                last.0 = usize::MAX;
                piece.get(&mut last.1)?;
                last.0 = place;
            }
            let rest = last.1.get(within..).unwrap_or_default();
            let length = rest.len().min(out.len());
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out[..length].copy_from_slice(&rest[..length]);
            (start, out) = (start + length, &mut out[length..]);
        }
        Ok(())
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let source = self.clone();
        Ok(BufReader::with_capacity(AHEAD, From { source, start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(ParquetError::EOF(format!(
                "bytes {start} and the {length} behind are not all in the file, which has {}",
                self.length
            )));
        }
        let mut bytes = vec![0; length];
        self.fill(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// The bytes from a place on.
pub(super) struct From {
    source: Source,
    start: u64,
}

impl Read for From {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.source.length.saturating_sub(self.start);
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(out.len());
        self.source.fill(self.start, &mut out[..length])?;
        self.start += length as u64;
        Ok(length)
    }
}
