//! The rows of a file, put together from its columns.

use super::cells::{Kind, fits};
use super::columns::{Column, column};
use super::pages::{Pages, is_known};
use super::source::Source;
use crate::diag::code;
use crate::history::note::Note;
use crate::history::table::{Rows, shown};
use ::parquet::column::reader::get_column_reader;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use ::parquet::file::reader::{ChunkReader as _, Length as _};
use ::parquet::schema::types::ColumnDescriptor;
use csv::ByteRecord;

/// Values of a column that are decoded at once.
const BATCH: usize = 4096;
/// The longest footer: that of a file of ten thousand row groups has some ten million bytes.
const FOOTER_MAX: u64 = 64 << 20;
/// More rows than this for each byte of a file are no samples: a run of equal rows needs next to no bytes.
const ROWS_OF_BYTE: u64 = 4096;
/// What a file ends with: the length of its footer and the mark.
const TAIL: u64 = 8;

const REWRITE: &str = "write it again, in DuckDB: COPY (FROM 'FILE') TO 'NEW.parquet' (COMPRESSION zstd)";
const EXPORT_AGAIN: &str = "export or download it again";

/// A table in a file.
pub(super) struct ParquetRows {
    source: Source,
    footer: ParquetMetaData,
    /// Columns that are looked at, by their places in the header.
    kept: Vec<Option<Kind>>,
    /// The next row group.
    group: usize,
    columns: Vec<Option<Box<dyn Column>>>,
    /// Rows of the row group that are not decoded yet, and those that are.
    left: u64,
    ready: usize,
    row: u64,
    cell: Vec<u8>,
}

impl ParquetRows {
    pub(super) fn open(source: Source) -> Result<Self, Note> {
        check_tail(&source)?;
        let footer = ParquetMetaDataReader::new().parse_and_finish(&source);
        let footer = footer.map_err(|error| {
            let message = format!("its footer can't be read: {}", words(error));
            Note::error(code::EXPORT_MALFORMED, message).help(EXPORT_AGAIN)
        })?;
        Ok(Self {
            source,
            kept: Vec::new(),
            footer,
            group: 0,
            columns: Vec::new(),
            left: 0,
            ready: 0,
            row: 0,
            cell: Vec::new(),
        })
    }

    fn descriptors(&self) -> impl Iterator<Item = &ColumnDescriptor> {
        let columns = self.footer.file_metadata().schema_descr().columns();
        columns.iter().map(AsRef::as_ref)
    }

    /// Names of all columns; those within others have the names of these before theirs.
    pub(super) fn header(&self) -> ByteRecord {
        self.descriptors()
            .map(|column| column.path().string())
            .collect::<Vec<_>>()
            .into()
    }

    /// Names of columns whose rows have no one value.
    pub(super) fn nested(&self) -> Vec<String> {
        let nested = self.descriptors().filter(|column| column.max_rep_level() > 0);
        let mut names: Vec<_> = nested
            .filter_map(|column| column.path().parts().first().cloned())
            .collect();
        names.dedup();
        names
    }

    /// Opens the next row group; `false` behind the last.
    fn open_group(&mut self) -> Result<bool, Note> {
        let Some(group) = self.footer.row_groups().get(self.group) else {
            return Ok(false);
        };
        self.group += 1;
        let rows = u64::try_from(group.num_rows()).ok();
        let most = self.source.len().saturating_mul(ROWS_OF_BYTE);
        let Some(rows) = rows.filter(|rows| *rows <= most) else {
            let message = format!("{}: declares {} rows", self.place(None), group.num_rows());
            return Err(self.damaged(&message));
        };
        let mut columns = Vec::new();
        for (place, kind) in self.kept.iter().enumerate() {
            let opened = kind.map(|kind| self.open_column(group, place, kind, rows)).transpose();
            let opened = opened.map_err(|Unfit { what, help }| {
                let message = format!("{}: {what}", self.place(Some(place)));
                self.damaged(&message).help(help)
            });
            columns.push(opened?);
        }
        (self.columns, self.left) = (columns, rows);
        Ok(true)
    }

    fn open_column(
        &self,
        group: &RowGroupMetaData,
        place: usize,
        kind: Kind,
        rows: u64,
    ) -> Result<Box<dyn Column>, Unfit> {
        let chunk = group.columns().get(place).ok_or("the row group lacks it".to_owned())?;
        check_chunk(chunk, self.source.len(), rows)?;
        let pages = Pages::open(self.source.clone(), chunk, rows).map_err(words)?;
        let most = chunk.column_descr().max_def_level();
        Ok(column(
            get_column_reader(chunk.column_descr_ptr(), Box::new(pages)),
            kind,
            most,
        ))
    }

    /// Decodes the next rows of the row group.
    fn fill(&mut self) -> Result<(), Note> {
        let rows = usize::try_from(self.left).map_or(BATCH, |left| left.min(BATCH));
        for place in 0..self.columns.len() {
            let Some(column) = &mut self.columns[place] else {
                continue;
            };
            if let Err(error) = column.fill(rows) {
                return Err(self.damaged(&format!("{}: {}", self.place(Some(place)), words(error))));
            }
        }
        self.left -= rows as u64;
        self.ready = rows;
        Ok(())
    }

    /// The row group that is read, and the column.
    fn place(&self, column: Option<usize>) -> String {
        let groups = self.footer.num_row_groups();
        let name = column.and_then(|place| self.descriptors().nth(place));
        let name = name.map_or_else(String::new, |column| format!(", column `{}`", column.path().string()));
        format!("row group {} of {groups}{name}", self.group)
    }

    fn damaged(&self, message: &str) -> Note {
        Note::error(code::EXPORT_MALFORMED, message)
            .at_row(self.row + 1)
            .help(EXPORT_AGAIN)
    }
}

impl Rows for ParquetRows {
    fn keep(&mut self, places: &[usize]) -> Result<(), Note> {
        let (mut kept, mut nested, mut other) = (Vec::new(), Vec::new(), Vec::new());
        for (place, column) in self.descriptors().enumerate() {
            kept.push(None);
            let name = column.path().string();
            if !places.contains(&place) {
                continue;
            }
            match Kind::of(column) {
                _ if column.max_rep_level() > 0 => nested.push(name),
                Ok(kind) if fits(kind, column.physical_type()) => kept[place] = Some(kind),
                Ok(_) => other.push(format!("`{name}` is not stored as what it is")),
                Err(what) => other.push(format!("`{name}` is {what}")),
            }
        }
        if !nested.is_empty() {
            let message = format!("has lists or maps where a row needs one value: {}", shown(&nested));
            let help = "write a column for each, in DuckDB: COPY (SELECT *, labels['pod'] AS pod FROM 'FILE') TO 'NEW.parquet'";
            return Err(Note::error(code::COLUMN_MISSING, message).help(help));
        }
        if !other.is_empty() {
            let help = "cast it to a text, a number or a timestamp, or name another column with --columns ROLE=COLUMN";
            let message = format!("has columns that can't be read: {}", other.join(", "));
            return Err(Note::error(code::COLUMN_MISSING, message).help(help));
        }
        self.kept = kept;
        Ok(())
    }

    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, Note> {
        while self.ready == 0 {
            if self.left > 0 {
                self.fill()?;
            } else if !self.open_group()? {
                return Ok(None);
            }
        }
        record.clear();
        for place in 0..self.columns.len() {
            self.cell.clear();
            if let Some(column) = &mut self.columns[place]
                && let Err(what) = column.cell(&mut self.cell)
            {
                return Err(self.damaged(&format!("{}: {what}", self.place(Some(place)))));
            }
            record.push_field(&self.cell);
        }
        self.ready -= 1;
        self.row += 1;
        Ok(Some(self.row))
    }
}

/// The end of the file: what is cut or encrypted is told as that.
fn check_tail(source: &Source) -> Result<(), Note> {
    let length = source.len();
    let cut = || {
        let message = format!(
            "ends without the footer of a Parquet file: it is cut off after {length} bytes, or not written to its end"
        );
        Note::error(code::EXPORT_TRUNCATED, message).help(EXPORT_AGAIN)
    };
    // the mark at its beginning stands before the footer
    let start = length.checked_sub(TAIL).filter(|start| *start >= 4).ok_or_else(cut)?;
    let tail = source.get_bytes(start, 8);
    let tail = tail.map_err(|error| Note::error(code::EXPORT_UNREADABLE, words(error)))?;
    let (footer, mark) = tail.split_at(4);
    let footer = u64::from(u32::from_le_bytes(std::array::from_fn(|place| footer[place])));
    match mark {
        b"PAR1" if footer <= start - 4 && footer <= FOOTER_MAX => Ok(()),
        b"PAR1" => {
            let message = format!("declares a footer of {footer} bytes, and has {length} in all");
            Err(Note::error(code::EXPORT_MALFORMED, message).help(EXPORT_AGAIN))
        }
        b"PARE" => {
            let message = "is Parquet with an encrypted footer, and no keys are taken";
            Err(Note::error(code::EXPORT_UNREADABLE, message).help("write it again without encryption"))
        }
        _ => Err(cut()),
    }
}

/// Why a column of a row group is not read, and what to do about it.
struct Unfit {
    what: String,
    help: &'static str,
}

impl From<String> for Unfit {
    fn from(what: String) -> Self {
        let help = EXPORT_AGAIN;
        Self { what, help }
    }
}

/// That what a column declares of itself can be, before anything is read of it.
fn check_chunk(chunk: &ColumnChunkMetaData, length: u64, rows: u64) -> Result<(), Unfit> {
    if let Some(file) = chunk.file_path() {
        let (what, help) = (format!("it lies in another file, `{file}`"), "read that one");
        return Err(Unfit { what, help });
    }
    if !is_known(chunk.compression()) {
        let codec = format!("{:?}", chunk.compression_codec()).to_lowercase();
        let (what, help) = (
            format!("it is compressed with {codec}; snappy, zstd and gzip are read"),
            REWRITE,
        );
        return Err(Unfit { what, help });
    }
    if u64::try_from(chunk.num_values()).ok() != Some(rows) {
        return Err(format!("it declares {} values for {rows} rows", chunk.num_values()).into());
    }
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let range = u64::try_from(start)
        .ok()
        .zip(u64::try_from(chunk.compressed_size()).ok());
    let end = range.and_then(|(start, size)| start.checked_add(size));
    if end.is_none_or(|end| end > length) {
        let size = chunk.compressed_size();
        return Err(format!("it declares {size} bytes from {start} on, and the file has {length}").into());
    }
    Ok(())
}

/// What went wrong, without the type that tells it.
fn words(error: ParquetError) -> String {
    match error {
        ParquetError::General(what) | ParquetError::EOF(what) | ParquetError::NYI(what) => what,
        other => other.to_string(),
    }
}
