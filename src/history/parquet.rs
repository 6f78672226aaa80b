//! Parquet: one sample a row by the rules of [long tables](super::long_csv), or [counted rows](super::bucketed). Every cell
//! becomes the text that an engine would write of it into CSV, and what reads CSV reads it: the same samples give the same
//! profile. Columns that are not needed are not read; of the others as much is held as one page of each.
//!
//! Files come from anywhere, so nothing that they declare is believed: sizes are compared with the file, pages are checked
//! before they are decoded, and what makes no sense is told with its row group and column.

mod source;
mod plain;
mod pages;
mod cells;
mod columns;
mod rows;

use super::note::Note;
use super::{Format, Input, Read, bucketed, long_csv, table};
use crate::diag::code;
use rows::ParquetRows;
use source::Source;

/// A table in Parquet.
pub struct Parquet;

impl Format for Parquet {
    fn id(&self) -> &'static str {
        "parquet"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // the second is of files with an encrypted footer
        head.starts_with(b"PAR1") || head.starts_with(b"PARE")
    }

    fn read(&self, input: &Input<'_>, text: &mut dyn std::io::Read) -> Result<Read, Vec<Note>> {
        let in_file = |note: Note| vec![note.in_file(input.name)];
        let source = Source::open(input, text).map_err(in_file)?;
        let mut rows = ParquetRows::open(source).map_err(in_file)?;
        let header = rows.header();
        let names = table::names(&header);
        let read = if bucketed::is_counted(&|column| names.iter().any(|name| name == column)) {
            bucketed::read_rows
        } else {
            long_csv::read_rows
        };
        let nested = rows.nested();
        read(input, &header, &mut rows).map_err(|notes| notes.into_iter().map(|note| told(note, &nested)).collect())
    }
}

/// The column that is missing may be there, and not be one.
fn told(mut note: Note, nested: &[String]) -> Note {
    if note.code == code::COLUMN_MISSING && !nested.is_empty() {
        let nested = table::shown(nested);
        note.message = format!("{}; not looked into are its lists and maps, {nested}", note.message);
    }
    note
}
