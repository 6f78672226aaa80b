//! Room for samples while exports are read: memory for a small export, a temporary file for the rest of a large one; or
//! the exports themselves, where they can be read again.

use super::files::{self, FileError};
use crate::history::spool::{Keep, Stored};
use crate::profile::opened::ProfileStream;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What stays in memory.
const MEMORY_MAX: usize = 4 << 20;

/// A profile of 5000 workloads is 50 MB; what is far larger is something else.
const PROFILE_MAX: usize = 4 << 30;

/// Memory first, then a temporary file that goes with the process.
#[derive(Debug, Default)]
pub struct Spill(Mutex<Filled>);

#[derive(Debug, Default)]
struct Filled {
    memory: Vec<u8>,
    /// What is behind the memory, and how long it is.
    file: Option<(File, u64)>,
}

impl Keep for Spill {
    fn put(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut filled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Filled { memory, file } = &mut *filled;
        let start = memory.len() as u64;
        if file.is_none() && memory.len() + bytes.len() <= MEMORY_MAX {
            memory.extend_from_slice(bytes);
            return Ok(start);
        }
        let (file, length) = match file {
            Some(file) => file,
            None => file.insert((tempfile::tempfile()?, 0)),
        };
        file.seek(SeekFrom::Start(*length))?;
        file.write_all(bytes)?;
        let at = start + *length;
        *length += bytes.len() as u64;
        Ok(at)
    }
}

impl Stored for Spill {
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let mut filled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Filled { memory, file } = &mut *filled;
        if let Some(behind) = start.checked_sub(memory.len() as u64) {
            let (file, _) = file.as_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
            file.seek(SeekFrom::Start(behind))?;
            return file.read_exact(out);
        }
        let start = usize::try_from(start).map_err(io::Error::other)?;
        let bytes = memory.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A file of the user that can be read at any place and time.
#[derive(Debug)]
pub struct Still(File);

impl Still {
    /// Opens it; `None` for what can be read only once, such as a pipe, and for what can't be opened.
    pub fn open(path: &Path) -> Option<Self> {
        path.metadata().ok().filter(Metadata::is_file)?;
        Some(Self(File::open(path).ok()?))
    }
}

/// Profiles of a file that is read where it is looked at; of what can be read only once, such as a pipe, all is read now.
pub fn profile_stream(path: &Path) -> Result<ProfileStream, FileError> {
    let length = path.metadata().map(|known| known.len());
    match (Still::open(path), length) {
        (Some(file), Ok(length)) => Ok(ProfileStream::new(Arc::new(file), length)),
        _ => Ok(files::read_text(path, PROFILE_MAX)?.into()),
    }
}

impl Stored for Still {
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        read_at(&self.0, start, out)
    }

    fn length(&self) -> Option<u64> {
        self.0.metadata().ok().map(|known| known.len())
    }
}

#[cfg(unix)]
fn read_at(file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut start: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, start)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (start, out) = (start + read as u64, &mut out[read..]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_comes_back_from_memory_and_file() {
        let spill = Spill::default();
        let block = |byte: u8| vec![byte; 1 << 20];
        let starts: Vec<u64> = (0..7).map(|byte| spill.put(&block(byte)).unwrap()).collect();
        assert!(spill.0.lock().unwrap().file.is_some());
        for (byte, start) in (0..7).zip(starts).rev() {
            let mut read = vec![0; 1 << 20];
            spill.get(start, &mut read).unwrap();
            assert_eq!(read, block(byte));
        }
        assert!(spill.get(7 << 20, &mut [0]).is_err());
    }
}
