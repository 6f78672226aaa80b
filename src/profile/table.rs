//! Columns of text for people.

use std::fmt::Write as _;

/// Rows in columns as wide as their widest cell, each behind a mark; the last column is not padded.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], mark: &str, out: &mut String) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = mark.to_owned();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, " {cell:<width$} ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
