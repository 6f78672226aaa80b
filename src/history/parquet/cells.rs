//! Cells as the text that engines write of them into CSV.

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::data_type::Int96;
use ::parquet::schema::types::ColumnDescriptor;
use std::io::Write as _;

/// What the values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, or numbers as they are.
    Plain,
    /// Whole numbers without sign.
    Unsigned,
    /// Whole numbers with so many digits behind the point.
    Decimal(usize),
    /// Days since 1970.
    Days,
    /// Parts of a second since 1970, and how many make one.
    Instant(i64),
}

impl Kind {
    /// Of a column; `Err` names what is neither text nor number nor time.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, &'static str> {
        if column.physical_type() == Type::BOOLEAN {
            return Err("true or false");
        }
        let scale = || usize::try_from(column.type_scale()).ok().filter(|scale| *scale <= 38);
        if let Some(logical) = column.logical_type_ref() {
            return match logical {
                LogicalType::Integer(whole) if !whole.is_signed => Ok(Self::Unsigned),
                LogicalType::Integer(_) | LogicalType::String | LogicalType::Enum | LogicalType::Unknown => {
                    Ok(Self::Plain)
                }
                LogicalType::Decimal(_) => scale().map(Self::Decimal).ok_or("a decimal of more than 38 digits"),
                LogicalType::Date => Ok(Self::Days),
                LogicalType::Timestamp(time) => match time.unit {
                    TimeUnit::MILLIS => Ok(Self::Instant(1_000)),
                    TimeUnit::MICROS => Ok(Self::Instant(1_000_000)),
                    TimeUnit::NANOS => Ok(Self::Instant(1_000_000_000)),
                },
                LogicalType::Time(_) => Err("a time of day"),
                LogicalType::Uuid => Err("a UUID"),
                LogicalType::Float16 => Err("a half-precision float"),
                LogicalType::Json | LogicalType::Bson | LogicalType::Variant(_) => Err("a document"),
                _ => Err("of a kind that is not read"),
            };
        }
        match column.converted_type() {
            ConvertedType::DECIMAL => scale().map(Self::Decimal).ok_or("a decimal of more than 38 digits"),
            ConvertedType::DATE => Ok(Self::Days),
            ConvertedType::TIMESTAMP_MILLIS => Ok(Self::Instant(1_000)),
            ConvertedType::TIMESTAMP_MICROS => Ok(Self::Instant(1_000_000)),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Ok(Self::Unsigned)
            }
            ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS => Err("a time of day"),
            ConvertedType::INTERVAL => Err("a span of time"),
            ConvertedType::JSON | ConvertedType::BSON => Err("a document"),
            _ => Ok(Self::Plain),
        }
    }
}

/// A value that can be written as a cell; `Err` says what is wrong with it.
pub(super) trait Cell {
    /// Appends its text.
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> Result<(), String>;
}

/// Appends what is formatted; memory takes all.
macro_rules! put {
    ($out:expr, $($part:tt)*) => {{
        let _ = write!($out, $($part)*);
        Ok(())
    }};
}

impl Cell for bool {
    fn write(&self, _: Kind, out: &mut Vec<u8>) -> Result<(), String> {
        put!(out, "{self}")
    }
}

impl Cell for i32 {
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> Result<(), String> {
        match kind {
            Kind::Unsigned => put!(out, "{}", self.cast_unsigned()),
            _ => i64::from(*self).write(kind, out),
        }
    }
}

impl Cell for i64 {
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> Result<(), String> {
        match kind {
            Kind::Plain => put!(out, "{self}"),
            Kind::Unsigned => put!(out, "{}", self.cast_unsigned()),
            Kind::Decimal(scale) => decimal((*self).into(), scale, out),
            Kind::Days => put!(out, "{}", i128::from(*self) * 86_400),
            Kind::Instant(of_second) => {
                let nanos = self.rem_euclid(of_second) * (1_000_000_000 / of_second);
                instant(self.div_euclid(of_second), nanos, out)
            }
        }
    }
}

/// Unix seconds, with what there is behind the point: so that a time that is typed is never taken for one in another unit.
fn instant(seconds: i64, nanos: i64, out: &mut Vec<u8>) -> Result<(), String> {
    match nanos {
        0 => put!(out, "{seconds}"),
        // no such time is taken, and its text is only shown
        _ if seconds < 0 => put!(out, "{}", seconds + 1),
        _ => put!(out, "{seconds}.{nanos:09}"),
    }
}

/// Nanoseconds of a day and the Julian day, as Spark and Impala wrote times for long.
impl Cell for Int96 {
    fn write(&self, _: Kind, out: &mut Vec<u8>) -> Result<(), String> {
        /// The Julian day of 1970-01-01.
        const EPOCH: i64 = 2_440_588;
        const DAY: i64 = 86_400_000_000_000;
        let &[low, high, day] = self.data() else {
            return Err("a time of 96 bits has other parts".to_owned());
        };
        let nanos = (i64::from(high.cast_signed()) << 32) | i64::from(low);
        if !(0..DAY).contains(&nanos) {
            return Err(format!("a time of 96 bits tells {nanos} nanoseconds of a day"));
        }
        let seconds = (i64::from(day) - EPOCH) * 86_400 + nanos / 1_000_000_000;
        instant(seconds, nanos % 1_000_000_000, out)
    }
}

/// The shortest text that gives the number again. With an exponent where doubles are too far apart for whole numbers, so that
/// what was rounded is not taken for a count.
macro_rules! shortest {
    ($number:ty, $most:expr) => {
        impl Cell for $number {
            fn write(&self, _: Kind, out: &mut Vec<u8>) -> Result<(), String> {
                let size = self.abs();
                if size <= 0.0 || !self.is_finite() || (1e-5..$most).contains(&size) {
                    put!(out, "{self}")
                } else {
                    put!(out, "{self:e}")
                }
            }
        }
    };
}
shortest!(f64, 9_007_199_254_740_992.0);
shortest!(f32, 16_777_216.0);

impl Cell for [u8] {
    fn write(&self, kind: Kind, out: &mut Vec<u8>) -> Result<(), String> {
        if let Kind::Decimal(scale) = kind {
            return decimal(big_endian(self)?, scale, out);
        }
        out.extend(self);
        Ok(())
    }
}

/// A number in two's complement, its highest byte first.
fn big_endian(bytes: &[u8]) -> Result<i128, String> {
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        0xff
    } else {
        0
    };
    let spare = bytes.len().saturating_sub(16);
    let (front, rest) = bytes.split_at(spare);
    let mut all = [sign; 16];
    all[16 - rest.len()..].copy_from_slice(rest);
    let number = i128::from_be_bytes(all);
    if front.iter().any(|byte| *byte != sign) || (number < 0) != (sign > 0) {
        return Err("a decimal has more than 38 digits".to_owned());
    }
    Ok(number)
}

fn decimal(number: i128, scale: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if scale == 0 {
        return put!(out, "{number}");
    }
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    put!(out, "{sign}{whole}.{fraction}")
}

/// Whether values of this sort can be read at all.
pub(super) fn fits(kind: Kind, physical: Type) -> bool {
    match kind {
        Kind::Plain => true,
        Kind::Decimal(_) => matches!(
            physical,
            Type::INT32 | Type::INT64 | Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY
        ),
        Kind::Unsigned | Kind::Days => matches!(physical, Type::INT32 | Type::INT64),
        Kind::Instant(_) => physical == Type::INT64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<C: Cell + ?Sized>(cell: &C, kind: Kind) -> String {
        let mut out = Vec::new();
        cell.write(kind, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_engines_write_them() {
        for (number, expected) in [
            (0.25, "0.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0"),
            (5.9e-5, "0.000059"),
            (5.9e-7, "5.9e-7"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            // from here on a double may stand for another whole number
            (9_007_199_254_740_992.0, "9.007199254740992e15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(text(&number, Kind::Plain), expected);
        }
        // 0.1 is what it says, not 0.10000000149011612
        assert_eq!(text(&0.1f32, Kind::Plain), "0.1");
        assert_eq!(text(&-1i32, Kind::Unsigned), "4294967295");
        assert_eq!(text(&-1i64, Kind::Unsigned), "18446744073709551615");
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!(text(&-5i64, Kind::Decimal(3)), "-0.005");
        assert_eq!(text(&1_234i32, Kind::Decimal(2)), "12.34");
        assert_eq!(text(&7i64, Kind::Decimal(0)), "7");
        assert_eq!(text(&[0xff, 0x00][..], Kind::Decimal(1)), "-25.6");
        let most = 10i128.pow(38) - 1;
        let wide = [&[0][..], &most.to_be_bytes()].concat();
        assert_eq!(text(&wide[..], Kind::Decimal(0)), "9".repeat(38));
        assert!([1; 17][..].write(Kind::Decimal(0), &mut Vec::new()).is_err());
    }

    #[test]
    fn times_are_unix_seconds() {
        assert_eq!(text(&20_000i32, Kind::Days), "1728000000");
        assert_eq!(
            text(&1_660_000_000_123i64, Kind::Instant(1_000)),
            "1660000000.123000000"
        );
        assert_eq!(text(&1_660_000_000_000_000i64, Kind::Instant(1_000_000)), "1660000000");
        assert_eq!(text(&-1i64, Kind::Instant(1_000)), "0");
        let mut time = Int96::new();
        // 2022-08-08 is the Julian day 2,459,800; 23:06:40.5 are 83,200,500,000,000 ns
        let nanos = 83_200_500_000_000u64;
        time.set_data(
            u32::try_from(nanos & 0xffff_ffff).unwrap(),
            u32::try_from(nanos >> 32).unwrap(),
            2_459_800,
        );
        assert_eq!(text(&time, Kind::Plain), "1660000000.500000000");
        time.set_data(u32::MAX, u32::MAX, 2_459_800);
        assert!(time.write(Kind::Plain, &mut Vec::new()).is_err());
    }
}
