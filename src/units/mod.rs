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
mod money;
mod int_or_percent;

pub use self::bytes::Bytes;
pub use self::cpu::{Millicores, NanoCores};
pub use self::int_or_percent::IntOrPercent;
pub use self::money::{Currency, Money, MoneyError};
pub use self::percent::{Percent, PercentError};
pub use self::quantity::{AmountError, Format, Quantity, QuantityError};
pub use self::seconds::{DurationError, Seconds};
pub use self::timestamp::{Timestamp, TimestampError};
