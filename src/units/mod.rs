//! Amounts with their unit in the type: CPU, memory, time, shares and money never mix by accident.
//!
//! Every type has one text grammar (`FromStr`, `Display`, serde and JSON Schema agree on it), integers inside, and only
//! the operators that mean something physically. Rounding is part of a function's name.

mod text;
mod amount;
mod quantity;
mod quantity_parse;
mod cpu;
mod bytes;
mod seconds;
mod percent;
mod timestamp;
mod day;
mod decimal;
mod money;
mod carbon;
mod int_or_percent;
pub mod level;

pub use self::bytes::Bytes;
pub use self::carbon::{Carbon, CarbonError};
pub use self::cpu::{Millicores, NanoCores};
pub use self::day::{Day, DayError};
pub use self::int_or_percent::IntOrPercent;
pub use self::money::{Currency, Money, MoneyError};
pub use self::percent::{Percent, PercentError};
pub use self::quantity::{AmountError, Format, Quantity, QuantityError};
pub use self::seconds::{DurationError, Seconds};
pub use self::timestamp::{Timestamp, TimestampError};

use self::text::fault_of;

/// What is wrong with a text; `None` for a good one.
pub type Fault = fn(&str) -> Option<String>;

/// The `format` that a JSON Schema names for a text of ours, with what is wrong with a text of that format.
pub const FORMATS: &[(&str, Fault)] = &[
    fault_of::<Bytes>(),
    fault_of::<Carbon>(),
    fault_of::<Currency>(),
    fault_of::<Day>(),
    fault_of::<Millicores>(),
    fault_of::<Money>(),
    fault_of::<NanoCores>(),
    fault_of::<Percent>(),
    fault_of::<Quantity>(),
    fault_of::<Seconds>(),
    fault_of::<Timestamp>(),
];
