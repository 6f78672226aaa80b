//! Pages of one column, decompressed and checked before they are decoded: a decoder that believes a damaged page can stop
//! the program.

use super::plain::{Width, check_places, check_texts, plain_numbers, plain_split, plain_texts, present};
use super::source::Source;
use crate::history::compressed;
use ::parquet::basic::{Compression, Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::SerializedPageReader;
use bytes::Bytes;
use std::io::Read as _;
use std::ops::Range;
use std::sync::Arc;

/// The largest page, decompressed. Writers aim at 1 MiB; DuckDB goes to 100 MB where values are long.
const PAGE_MAX: usize = 128 << 20;

fn damaged(what: impl Into<String>) -> ParquetError {
    ParquetError::General(what.into())
}

/// The pages of a column in one row group.
pub(super) struct Pages {
    raw: SerializedPageReader<Source>,
    compression: Compression,
    width: Width,
    /// Least bytes of a value.
    least: usize,
    /// The level of a value that is no null; 0 where none can be.
    most: i16,
    has_dictionary: bool,
    /// Values that are still to come.
    left: u64,
}

/// What can be read of the ways to compress.
pub(super) fn is_known(compression: Compression) -> bool {
    use Compression::{GZIP, SNAPPY, UNCOMPRESSED, ZSTD};
    matches!(compression, UNCOMPRESSED | SNAPPY | GZIP(_) | ZSTD(_))
}

impl Pages {
    /// Of a column whose metadata were checked.
    pub(super) fn open(source: Source, column: &ColumnChunkMetaData, rows: u64) -> Result<Self> {
        // the pages come as they lie there, and are decompressed here
        let plain = column.clone().into_builder();
        let plain = plain.set_compression(Compression::UNCOMPRESSED).build()?;
        let length = column.column_descr().type_length();
        let (width, least) = match column.column_type() {
            Type::BOOLEAN => (Width::Fixed(0), 0),
            Type::INT32 | Type::FLOAT => (Width::Four, 4),
            Type::INT64 | Type::DOUBLE => (Width::Eight, 8),
            Type::INT96 => (Width::Fixed(12), 12),
            Type::BYTE_ARRAY => (Width::Told, 4),
            Type::FIXED_LEN_BYTE_ARRAY => match usize::try_from(length) {
                Ok(length @ 1..) => (Width::Fixed(length), length),
                _ => return Err(damaged("values of a fixed length have none")),
            },
        };
        Ok(Self {
            raw: SerializedPageReader::new(Arc::new(source), &plain, usize::try_from(rows)?, None)?,
            compression: column.compression(),
            width,
            least,
            most: column.column_descr().max_def_level(),
            has_dictionary: false,
            left: rows,
        })
    }

    fn next_page(&mut self) -> Result<Option<Page>> {
        while let Some(page) = self.raw.get_next_page()? {
            if page.buffer().len() > PAGE_MAX {
                return Err(damaged(format!("a page has {} bytes", page.buffer().len())));
            }
            let page = match page {
                Page::DictionaryPage { .. } => self.dictionary(page)?,
                Page::DataPage { .. } => self.first_kind(page)?,
                Page::DataPageV2 { .. } => self.second_kind(page)?,
            };
            // an empty one would be taken for the end
            if page.is_dictionary_page() || page.num_values() > 0 {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn dictionary(&mut self, page: Page) -> Result<Page> {
        let Page::DictionaryPage {
            buf,
            num_values,
            encoding,
            is_sorted,
        } = page
        else {
            return Ok(page);
        };
        let buf = self.decompress(&buf)?;
        if self.least == 0 || num_values as usize > buf.len() / self.least {
            let message = format!("a dictionary declares {num_values} values in {} bytes", buf.len());
            return Err(damaged(message));
        }
        if self.width == Width::Told {
            check_texts(&buf, num_values as usize).map_err(damaged)?;
        }
        self.has_dictionary = true;
        Ok(Page::DictionaryPage {
            buf,
            num_values,
            encoding,
            is_sorted,
        })
    }

    /// A page whose levels are compressed with the values, behind their length.
    fn first_kind(&mut self, page: Page) -> Result<Page> {
        let Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics,
        } = page
        else {
            return Ok(page);
        };
        self.count(num_values)?;
        let buf = self.decompress(&buf)?;
        let mut levels = 0..0;
        if self.most > 0 {
            if def_level_encoding != Encoding::RLE {
                return Err(damaged("levels are in an encoding that was given up in 2013"));
            }
            let length = buf.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
            levels = 4..4 + length.ok_or_else(short)?;
        }
        let (buf, encoding) = self.values(buf, levels, num_values, encoding)?;
        Ok(Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics,
        })
    }

    /// A page whose levels stand before the values as they are.
    fn second_kind(&mut self, page: Page) -> Result<Page> {
        let Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed,
            statistics,
        } = page
        else {
            return Ok(page);
        };
        self.count(num_values)?;
        let repeated = rep_levels_byte_len as usize;
        let levels = repeated..repeated + def_levels_byte_len as usize;
        let (front, rest) = buf.split_at_checked(levels.end).ok_or_else(short)?;
        let buf = if is_compressed {
            let rest = self.decompress(&Bytes::copy_from_slice(rest))?;
            [front, &rest].concat().into()
        } else {
            buf
        };
        let (buf, encoding) = self.values(buf, levels, num_values, encoding)?;
        Ok(Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed: false,
            statistics,
        })
    }

    fn count(&mut self, values: u32) -> Result<()> {
        let left = self.left.checked_sub(values.into());
        self.left = left.ok_or_else(|| damaged("pages hold more values than the row group has rows"))?;
        Ok(())
    }

    /// The values behind the levels, in an encoding whose decoder stands damage.
    fn values(&self, buf: Bytes, levels: Range<usize>, count: u32, encoding: Encoding) -> Result<(Bytes, Encoding)> {
        let (front, values) = buf.split_at_checked(levels.end).ok_or_else(short)?;
        let all = count as usize;
        let count = if self.most > 0 {
            present(&front[levels], all, self.most).map_err(damaged)?
        } else {
            all
        };
        let wanted = count..=all;
        let mut out = front.to_vec();
        if count == 0 {
            // a page of nulls alone may hold nothing at all, and decoders want a beginning
            return Ok((out.into(), Encoding::PLAIN));
        }
        let text = |fronts: bool, out: &mut Vec<u8>| plain_texts(values, &wanted, self.width, fronts, PAGE_MAX, out);
        let done = match encoding {
            Encoding::PLAIN if self.width == Width::Told => {
                return check_texts(values, count).map(|()| (buf, encoding)).map_err(damaged);
            }
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY if self.has_dictionary => {
                return check_places(values, count).map(|()| (buf, encoding)).map_err(damaged);
            }
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => {
                Err("a page refers to a dictionary that is not there")
            }
            Encoding::DELTA_BINARY_PACKED => plain_numbers(values, &wanted, self.width, &mut out),
            Encoding::DELTA_LENGTH_BYTE_ARRAY => text(false, &mut out),
            Encoding::DELTA_BYTE_ARRAY => text(true, &mut out),
            Encoding::BYTE_STREAM_SPLIT => plain_split(values, self.width, &mut out),
            _ => return Ok((buf, encoding)),
        };
        done.map_err(damaged)?;
        Ok((out.into(), Encoding::PLAIN))
    }

    fn decompress(&self, packed: &Bytes) -> Result<Bytes> {
        if packed.is_empty() {
            return Ok(Bytes::new());
        }
        match self.compression {
            Compression::UNCOMPRESSED => Ok(packed.clone()),
            Compression::SNAPPY => {
                let wrong = |error: snap::Error| damaged(format!("a page is damaged in its compression: {error}"));
                if snap::raw::decompress_len(packed).map_err(wrong)? > PAGE_MAX {
                    return Err(too_large());
                }
                let plain = snap::raw::Decoder::new().decompress_vec(packed).map_err(wrong)?;
                Ok(plain.into())
            }
            _ => stream(packed),
        }
    }
}

fn short() -> ParquetError {
    damaged("a page ends within its levels")
}

fn too_large() -> ParquetError {
    damaged(format!("a page has more than {PAGE_MAX} bytes once it is decompressed"))
}

/// A page in gzip or zstd.
fn stream(packed: &[u8]) -> Result<Bytes> {
    let mut text = compressed::Plain::new(packed, packed);
    if !text.is_compressed() {
        return Err(damaged("a page is not compressed as its column says"));
    }
    let mut plain = Vec::new();
    let read = (&mut text).take(PAGE_MAX as u64 + 1).read_to_end(&mut plain);
    read.map_err(|error| damaged(format!("a page is damaged in its compression: {error}")))?;
    if plain.len() > PAGE_MAX {
        return Err(too_large());
    }
    Ok(plain.into())
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next_page()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(damaged("pages are read one after the other"))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next_page().map(drop)
    }
}
