//! `PriceSheet`: what things cost, where, and how long that is true.
//!
//! In: a value and where it came from. Out: a [`PriceSheet`] whose every price is of its one currency, or every problem
//! of the sheet at once. Nothing here judges age: "now" is not known to the core.

pub mod wire;
mod rules;

pub use wire::PriceSheet;

use serde_json::Value;

use crate::diag::{self, Diagnostic, code};
use crate::policy::{Source, schema};

/// The kind of prices.
pub const KIND: &str = "PriceSheet";

/// Reads a price sheet with the doubts about it, or reports every problem in it.
pub fn parse(value: &Value, source: &Source) -> Result<(PriceSheet, Vec<Diagnostic>), Vec<Diagnostic>> {
    let value = &schema::without_nulls(value);
    let sheet: PriceSheet = schema::read(code::PRICES_INVALID, value, source)?;
    let mut found = schema::header(code::PRICES_INVALID, KIND, value, source);
    found.extend(rules::check(&sheet, source));
    diag::sort(&mut found);
    if diag::has_errors(&found) {
        return Err(found);
    }
    Ok((sheet, found))
}
