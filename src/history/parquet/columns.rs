//! Values of one column, a few thousand at a time.

use super::cells::{Cell, Kind};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use ::parquet::errors::{ParquetError, Result};

/// A column of one row group.
pub(super) trait Column {
    /// Reads the next values, that many.
    fn fill(&mut self, rows: usize) -> Result<()>;

    /// Appends the text of the next value to `out`, nothing for a null; the error says what is wrong with it.
    fn cell(&mut self, out: &mut Vec<u8>) -> std::result::Result<(), String>;
}

/// The column behind a reader; `most` is the level of what is not null.
pub(super) fn column(reader: ColumnReader, kind: Kind, most: i16) -> Box<dyn Column> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::Int32ColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::Int64ColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::Int96ColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::FloatColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::DoubleColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::ByteArrayColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => Box::new(Typed::of(reader, kind, most)),
    }
}

impl Cell for ByteArray {
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> std::result::Result<(), String> {
        self.data().write(kind, out)
    }
}

impl Cell for FixedLenByteArray {
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> std::result::Result<(), String> {
        self.data().write(kind, out)
    }
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    kind: Kind,
    most: i16,
    levels: Vec<i16>,
    values: Vec<T::T>,
    row: usize,
    value: usize,
}

impl<T: DataType> Typed<T> {
    fn of(reader: ColumnReaderImpl<T>, kind: Kind, most: i16) -> Self {
        let (levels, values) = (Vec::new(), Vec::new());
        Self {
            reader,
            kind,
            most,
            levels,
            values,
            row: 0,
            value: 0,
        }
    }
}

impl<T: DataType> Column for Typed<T>
where
    T::T: Cell,
{
    fn fill(&mut self, rows: usize) -> Result<()> {
        self.levels.clear();
        self.values.clear();
        (self.row, self.value) = (0, 0);
        let levels = (self.most > 0).then_some(&mut self.levels);
        let (read, ..) = self.reader.read_records(rows, levels, None, &mut self.values)?;
        let present = if self.most > 0 {
            self.levels.iter().filter(|level| **level == self.most).count()
        } else {
            rows
        };
        if read < rows || self.values.len() < present || (self.most > 0 && self.levels.len() < rows) {
            return Err(ParquetError::General(
                "its pages end before the row group does".to_owned(),
            ));
        }
        Ok(())
    }

    fn cell(&mut self, out: &mut Vec<u8>) -> std::result::Result<(), String> {
        let is_null = self.most > 0 && self.levels.get(self.row) != Some(&self.most);
        self.row += 1;
        if is_null {
            return Ok(());
        }
        let value = self.values.get(self.value).ok_or("its values end before its rows do")?;
        self.value += 1;
        value.write(self.kind, out)
    }
}
