//! The Kubernetes quantity: `100m`, `1.5`, `1e3`, `1G`, `1Gi`, in apimachinery's grammar and canonical form.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource` (v0.33). The value is kept in nano-units, the finest step that
//! Kubernetes keeps; what is finer is rounded up (away from zero), as there. Three things it accepts are refused here:
//! text without any digit (`.`, `Ki`: read as 0 there), a binary amount beyond 2^63-1 (silently capped there), and an
//! amount beyond an `i128` of nano-units (1.7e29).

use std::cmp::Ordering;
use std::fmt::{self, Display};

use serde_json::Value;
use thiserror::Error;

use super::text::{TextForm, through_text};

/// Nano-units in one unit.
pub(super) const NANO: i128 = 1_000_000_000;
/// Decimal exponent of a nano-unit.
pub(super) const NANO_EXPONENT: i32 = -9;
/// Decimal suffixes with their exponent.
pub(super) const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// Binary suffixes; the position + 1 is the power of 1024.
pub(super) const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// How a quantity was written, which decides how it is written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `500m`, `1`, `2k`
    DecimalSi,
    /// `5e2`
    DecimalExponent,
    /// `512Mi`
    BinarySi,
}

/// An amount in the Kubernetes quantity grammar. Equal and ordered by value: `1Gi` = `1024Mi` = `1073741824`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Neither a digit before nor after the point.
    #[error("`{0}` has no digits; write a quantity such as `250m`, `1.5` or `512Mi`")]
    NoDigits(String),
    /// A suffix outside the grammar.
    #[error(
        "`{text}` ends in `{suffix}`, which is no unit of a quantity; use one of n u m k M G T P E, \
         Ki Mi Gi Ti Pi Ei, or an exponent such as `e3`{}", near_miss(.suffix)
    )]
    Suffix {
        /// The whole text.
        text: String,
        /// What follows the digits.
        suffix: String,
    },
    /// Beyond what the type holds, or beyond what Kubernetes keeps without capping.
    #[error("`{0}` is too large: Kubernetes keeps binary quantities up to 2^63-1, and no resource reaches 1e29")]
    TooLarge(String),
    /// A JSON value that is neither text nor a number.
    #[error("a quantity is text or a number, such as `250m` or `2`")]
    NotScalar,
}

/// Why a quantity is not an amount of CPU or memory.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a quantity at all.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// Below zero.
    #[error("`{0}` is negative; an amount of {1} starts at 0")]
    Negative(Quantity, &'static str),
    /// Does not fit 64 bits of the unit.
    #[error("`{0}` is too large for an amount of {1}")]
    TooLarge(Quantity, &'static str),
    /// CPU in a suffix of memory.
    #[error("`{0}` is {1} cores: `Ki`, `Mi`, `Gi` are for memory; did you mean `{2}m`, thousandths of a core?")]
    BinaryCpu(Quantity, u64, String),
    /// Memory in thousandths of a byte.
    #[error("`{0}` is in thousandths of a byte; did you mean `{1}Mi`?")]
    MilliBytes(String, String),
    /// Finer than the unit's step.
    #[error("`{quantity}` is finer than {step}, the smallest step of {unit}; round it up to `{ceil}`")]
    TooFine {
        /// What was written.
        quantity: Quantity,
        /// The unit's smallest step.
        step: &'static str,
        /// What is measured.
        unit: &'static str,
        /// The next amount above.
        ceil: Quantity,
    },
}

fn near_miss(suffix: &str) -> &'static str {
    match suffix {
        "K" => "; did you mean `k` (1000) or `Ki` (1024)?",
        "g" => "; did you mean `G`?",
        "mi" | "MI" | "MB" | "MiB" | "mb" => "; did you mean `Mi`?",
        "gi" | "GI" | "GB" | "GiB" | "gb" => "; did you mean `Gi`?",
        "ki" | "KI" | "KB" | "KiB" | "kb" => "; did you mean `Ki`?",
        _ => "",
    }
}

impl Quantity {
    /// So many nano-units, to be written in this format.
    pub const fn from_nano(nano: i128, format: Format) -> Self {
        Self { nano, format }
    }

    /// The value in nano-units (1e-9).
    pub const fn nano(self) -> i128 {
        self.nano
    }

    /// How it was written.
    pub const fn format(self) -> Format {
        self.format
    }

    /// The value in steps of `10^exponent` units, rounded up (towards positive infinity); `None` beyond `i128`.
    pub(super) fn ceil_to(self, exponent: u32) -> i128 {
        let step = 10_i128.pow(exponent);
        self.nano.div_euclid(step) + i128::from(self.nano.rem_euclid(step) != 0)
    }

    /// A quantity as manifests carry it: text, or a YAML number (`cpu: 2`), which the API server takes as its text.
    pub fn from_json(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::String(text) => text.parse(),
            Value::Number(number) => number.to_string().parse(),
            _ => Err(QuantityError::NotScalar),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}
impl Eq for Quantity {}
impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl Display for Quantity {
    /// The canonical form of apimachinery: the largest suffix that leaves no fraction.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        let is_binary = self.format == Format::BinarySi && self.nano.abs() >= 1024 * NANO && self.nano % NANO == 0;
        if is_binary {
            self.write_binary(f)
        } else {
            self.write_decimal(f)
        }
    }
}

impl Quantity {
    fn write_binary(self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut value = self.nano / NANO;
        let mut suffix = "";
        for larger in BINARY {
            if value % 1024 != 0 {
                break;
            }
            value /= 1024;
            suffix = larger;
        }
        write!(f, "{value}{suffix}")
    }

    fn write_decimal(self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut value = self.nano;
        let mut exponent = NANO_EXPONENT;
        let has_name = |exponent| self.format == Format::DecimalExponent || exponent <= 18;
        while value % 1000 == 0 && has_name(exponent + 3) {
            value /= 1000;
            exponent += 3;
        }
        match self.format {
            Format::DecimalExponent if exponent == 0 => write!(f, "{value}"),
            Format::DecimalExponent => write!(f, "{value}e{exponent}"),
            _ => {
                let suffix = DECIMAL
                    .iter()
                    .find(|(_, of)| *of == exponent)
                    .map_or("", |(suffix, _)| suffix);
                write!(f, "{value}{suffix}")
            }
        }
    }
}

impl TextForm for Quantity {
    const NAME: &'static str = "Quantity";
    const EXPECTS: &'static str = "a Kubernetes quantity";
    const EXAMPLE: &'static str = "250m";
    const PATTERN: &'static str =
        r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$";
    const DESCRIPTION: &'static str = "A Kubernetes quantity: digits, optionally a fraction, and a suffix \
        (n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent such as e3).";
    const TAKES_INTEGERS: bool = true;
}
through_text!(Quantity);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Quantity {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn text_has_its_value_and_canonical_form() {
        // (text, value in nano-units, canonical form), worked out by hand
        let table: [(&str, i128, &str); 34] = [
            ("0", 0, "0"),
            ("0Gi", 0, "0"),
            ("-0", 0, "0"),
            ("0.5", 500_000_000, "500m"),
            (".5", 500_000_000, "500m"),
            ("5.", 5 * NANO, "5"),
            ("+5", 5 * NANO, "5"),
            ("-5", -5 * NANO, "-5"),
            ("1000m", NANO, "1"),
            ("1500m", 1_500_000_000, "1500m"),
            ("100m", 100_000_000, "100m"),
            ("1n", 1, "1n"),
            ("1u", 1_000, "1u"),
            ("0.1n", 1, "1n"),
            ("-0.1n", -1, "-1n"),
            ("1.0005", 1_000_500_000, "1000500u"),
            ("1000M", 1_000_000_000 * NANO, "1G"),
            ("1500M", 1_500_000_000 * NANO, "1500M"),
            ("1000", 1_000 * NANO, "1k"),
            ("1E", 1_000_000_000_000_000_000 * NANO, "1E"),
            ("1e3", 1_000 * NANO, "1e3"),
            ("1E3", 1_000 * NANO, "1e3"),
            ("1e+3", 1_000 * NANO, "1e3"),
            ("12e1", 120 * NANO, "120"),
            ("1e-3", 1_000_000, "1e-3"),
            ("1e-99999999999", 1, "1e-9"),
            ("1024Mi", 1024 * 1024 * 1024 * NANO, "1Gi"),
            ("1.5Gi", 1536 * 1024 * 1024 * NANO, "1536Mi"),
            ("1Ki", 1024 * NANO, "1Ki"),
            ("1000Ki", 1_024_000 * NANO, "1000Ki"),
            ("0.5Ki", 512 * NANO, "512"),
            // 1.1 Ki = 1126.4 B: a fraction, so the decimal form
            ("1.1Ki", 1_126_400_000_000, "1126400m"),
            // 2^30 × 1e-9 = 1.073741824 exactly
            ("0.000000001Gi", 1_073_741_824, "1073741824n"),
            ("1073741824", 1024 * 1024 * 1024 * NANO, "1073741824"),
        ];
        for (text, nano, canonical) in table {
            let quantity = parse(text);
            assert_eq!(quantity.nano(), nano, "value of {text}");
            assert_eq!(quantity.to_string(), canonical, "canonical form of {text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_its_reason() {
        for text in ["", "+", "-", ".", "Ki", "m", "-.", "e3"] {
            assert_eq!(
                text.parse::<Quantity>(),
                Err(QuantityError::NoDigits(text.to_owned())),
                "{text}"
            );
        }
        for (text, suffix) in [
            ("1K", "K"),
            ("1 ", " "),
            ("1e", "e"),
            ("1e+", "e+"),
            ("1e3.5", "e3.5"),
            ("1.2.3", ".3"),
            ("--1", "-1"),
            ("1mi", "mi"),
            ("1KiB", "KiB"),
            ("1,5", ",5"),
            ("1_000", "_000"),
            ("0x10", "x10"),
            ("1µ", "µ"),
        ] {
            let error = text.parse::<Quantity>().unwrap_err();
            match error {
                QuantityError::Suffix { suffix: found, .. } => assert_eq!(found, suffix, "{text}"),
                QuantityError::NoDigits(_) if text == "--1" => {}
                other => panic!("{text}: {other}"),
            }
        }
        for text in [
            "8Ei",
            "1e30",
            "1e99999999999",
            "999999999999999999999999999999999999999999",
        ] {
            assert_eq!(
                text.parse::<Quantity>(),
                Err(QuantityError::TooLarge(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let message = "1K".parse::<Quantity>().unwrap_err().to_string();
        assert!(message.contains("did you mean `k` (1000) or `Ki` (1024)?"), "{message}");
    }

    #[test]
    fn quantities_compare_by_value() {
        assert_eq!(parse("1Gi"), parse("1024Mi"));
        assert_eq!(parse("0.5"), parse("500m"));
        assert!(parse("1G") < parse("1Gi"));
        assert!(parse("-1") < parse("0"));
    }

    #[test]
    fn a_number_in_a_manifest_is_its_text() {
        for (value, expected) in [(serde_json::json!(2), "2"), (serde_json::json!(0.5), "500m")] {
            assert_eq!(Quantity::from_json(&value).unwrap().to_string(), expected);
        }
        assert_eq!(
            Quantity::from_json(&serde_json::json!([])),
            Err(QuantityError::NotScalar)
        );
    }

    fn format() -> impl Strategy<Value = Format> {
        prop_oneof![
            Just(Format::DecimalSi),
            Just(Format::DecimalExponent),
            Just(Format::BinarySi)
        ]
    }

    proptest! {
        #[test]
        fn display_reads_back(nano in -(i128::from(i64::MAX) * NANO)..(i128::from(i64::MAX) * NANO), format in format()) {
            let quantity = Quantity::from_nano(nano, format);
            prop_assert_eq!(parse(&quantity.to_string()), quantity);
            prop_assert_eq!(parse(&quantity.to_string()).to_string(), quantity.to_string(), "canonical is canonical");
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Quantity>();
        }

        #[test]
        fn ceiling_is_the_least_step_that_covers(nano in any::<i64>(), exponent in 0_u32..10) {
            let (nano, step) = (i128::from(nano), 10_i128.pow(exponent));
            let ceil = Quantity::from_nano(nano, Format::DecimalSi).ceil_to(exponent);
            prop_assert!(ceil * step >= nano && (ceil - 1) * step < nano);
        }
    }
}
