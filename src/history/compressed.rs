//! Exports as they came: gzip and Zstandard, both in as many members or frames as there are, as a plain stream.

use super::note::Note;
use crate::diag::code;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};
use std::rc::Rc;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// Of a frame with data, RFC 8878 section 3.1.1. Tools that cut their output into parts may start with another one.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Of a frame that is skipped, the lowest four bits aside, RFC 8878 section 3.1.2.
const ZSTD_SKIPPED: &[u8] = &[0x2a, 0x4d, 0x18];
/// What a decoder may keep to look back into: as much as `zstd -d` takes without being told to. Level 3 needs 2 MiB.
const WINDOW_MAX: u64 = 128 << 20;

/// As much text is read on for a checksum alone: seconds, and no more of what expands without end.
const CHECKED_MAX: u64 = 4 << 30;

/// How much of a file was read, and whether it was all.
#[derive(Debug, Default)]
struct Progress {
    bytes: Cell<u64>,
    is_at_end: Cell<bool>,
}

struct Counted<R> {
    file: R,
    progress: Rc<Progress>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = self.file.read(out)?;
        self.progress.bytes.set(self.progress.bytes.get() + read as u64);
        self.progress.is_at_end.set(read == 0 && !out.is_empty());
        Ok(read)
    }
}

/// The text behind whatever compression a file has. It keeps why it could not be read on: a format that reads it only
/// sees that the text ends.
pub(super) struct Plain<'r> {
    text: Box<dyn Read + 'r>,
    compression: Option<&'static str>,
    progress: Rc<Progress>,
    trouble: Option<Error>,
}

impl<'r> Plain<'r> {
    /// Of a file that begins with `head`.
    pub(super) fn new(head: &[u8], whole: impl Read + 'r) -> Self {
        let progress = Rc::new(Progress::default());
        let file = Counted {
            file: whole,
            progress: Rc::clone(&progress),
        };
        let is_skipped = head.len() > 3 && head[0] & 0xf0 == 0x50 && head[1..].starts_with(ZSTD_SKIPPED);
        let (text, compression): (Box<dyn Read + 'r>, _) = if head.starts_with(GZIP) {
            (Box::new(Members::new(file)), Some("gzip"))
        } else if head.starts_with(ZSTD) || is_skipped {
            (Box::new(Frames::new(file)), Some("zstd"))
        } else {
            (Box::new(file), None)
        };
        Self {
            text,
            compression,
            progress,
            trouble: None,
        }
    }

    /// Reads on where the text made no sense: the checksum at the end tells whether the file or its writer is at fault.
    pub(super) fn check_rest(&mut self) {
        if self.compression.is_some() && self.trouble.is_none() {
            // what goes wrong is kept
            let _ = std::io::copy(&mut self.take(CHECKED_MAX), &mut std::io::sink());
        }
    }

    /// Whether there is any compression.
    pub(super) fn is_compressed(&self) -> bool {
        self.compression.is_some()
    }

    /// Why it could not be read to its end, if it could not.
    pub(super) fn trouble(&self) -> Option<Note> {
        let error = self.trouble.as_ref()?;
        let bytes = self.progress.bytes.get();
        Some(match self.compression {
            None => Note::error(code::EXPORT_UNREADABLE, error.to_string()),
            Some(compression) if self.progress.is_at_end.get() => Note::error(
                code::EXPORT_TRUNCATED,
                format!("the {compression} stream is cut off: the file ends after {bytes} bytes, in the middle of it"),
            )
            .help("the download was cut short; export it again"),
            Some(compression) => Note::error(
                code::EXPORT_UNREADABLE,
                format!("the {compression} stream is damaged in its first {bytes} bytes: {error}"),
            )
            .help("export it again"),
        })
    }
}

impl Read for Plain<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = self.text.read(out);
        if let Err(error) = &read
            && error.kind() != ErrorKind::Interrupted
        {
            self.trouble = Some(Error::new(error.kind(), error.to_string()));
        }
        read
    }
}

/// The content of all gzip members of a stream, each checked against its checksum. Zeros may follow: tapes and block
/// devices end with them, and `gzip -d` passes over them too.
struct Members<R> {
    /// `None` at the end.
    open: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Members<R> {
    fn new(source: R) -> Self {
        Self {
            open: Some(GzDecoder::new(BufReader::new(source))),
        }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.open {
            let read = member.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let source = self.open.take().map(GzDecoder::into_inner);
            self.open = source.map(next_member).transpose()?.flatten();
        }
        Ok(0)
    }
}

/// The member that begins next, if one does.
fn next_member<R: Read>(mut source: BufReader<R>) -> Result<Option<GzDecoder<BufReader<R>>>> {
    loop {
        let ahead = source.fill_buf()?;
        let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
        match ahead.get(zeros) {
            None if zeros == 0 => return Ok(None),
            None => source.consume(zeros),
            Some(&next) if zeros == 0 && next == GZIP[0] => return Ok(Some(GzDecoder::new(source))),
            Some(_) => return Err(damaged("what follows its end is no gzip")),
        }
    }
}

/// The content of all Zstandard frames of a stream, each checked against its checksum where it has one.
struct Frames<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    /// Whether the decoder is inside a frame.
    open: bool,
}

impl<R: Read> Frames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_MAX);
        Self {
            source: BufReader::new(source),
            decoder,
            open: false,
        }
    }

    /// Opens the next frame that has data; false at the end.
    fn next_frame(&mut self) -> Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped =
                        std::io::copy(&mut self.source.by_ref().take(u64::from(length)), &mut std::io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(damaged("it ends inside a skippable frame"));
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                    let mib = requested >> 20;
                    return Err(damaged(format!(
                        "it needs a window of {mib} MiB; compress it again without --long or --ultra"
                    )));
                }
                Err(error) => return Err(damaged(error.to_string())),
            }
        }
        Ok(false)
    }

    fn close_frame(&mut self) -> Result<()> {
        self.open = false;
        let told = self.decoder.get_checksum_from_data();
        if told.is_some() && told != self.decoder.get_calculated_checksum() {
            return Err(damaged("its checksum is of other data"));
        }
        Ok(())
    }
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_string())
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        loop {
            if !self.open {
                self.open = self.next_frame()?;
                if !self.open {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = ruzstd::decoding::BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one)
                    .map_err(|error| damaged(error.to_string()))?;
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(out);
            }
            self.close_frame()?;
        }
    }
}
