//! Exports as they were compressed: gzip and Zstandard, both in as many members or frames as there are, as a plain stream.

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};

const GZIP: &[u8] = &[0x1f, 0x8b];
/// Of a frame with data, RFC 8878 section 3.1.1. Tools that cut their output into parts may start with another one.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Of a frame that is skipped, the lowest four bits aside, RFC 8878 section 3.1.2.
const ZSTD_SKIPPED: &[u8] = &[0x2a, 0x4d, 0x18];
/// What a decoder may keep to look back into: as much as `zstd -d` takes without being told to. Level 3 needs 2 MiB.
const WINDOW_MAX: u64 = 128 << 20;

/// The text behind whatever compression a stream that begins with `head` has.
pub(super) fn plain<'r>(head: &[u8], whole: impl Read + 'r) -> Box<dyn Read + 'r> {
    if head.starts_with(GZIP) {
        return Box::new(flate2::read::MultiGzDecoder::new(whole));
    }
    let is_skipped = head.len() > 3 && head[0] & 0xf0 == 0x50 && head[1..].starts_with(ZSTD_SKIPPED);
    if head.starts_with(ZSTD) || is_skipped {
        return Box::new(Frames::new(whole));
    }
    Box::new(whole)
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
    Error::new(ErrorKind::InvalidData, format!("the zstd stream is damaged: {what}"))
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
