//! Memory and storage in bytes.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::amount::amount;
use super::quantity::{AmountError, Format, Quantity};
use super::text::{TextForm, through_text};

amount! {
    /// Memory in bytes. `Bytes::new(1 << 29)` displays as `512Mi`.
    Bytes
}

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

impl Bytes {
    /// So many MiB; saturates.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(MIB))
    }

    /// Rounded up to whole MiB: requests are stated in steps a reviewer can read.
    #[must_use]
    pub const fn mib_ceil(self) -> Self {
        match self.0.checked_next_multiple_of(MIB) {
            Some(bytes) => Self(bytes),
            // the last whole MiB that 64 bits hold; no node has 16 EiB
            None => Self(u64::MAX - (MIB - 1)),
        }
    }

    /// The least whole bytes that cover the quantity.
    pub fn from_quantity_ceil(quantity: Quantity) -> Result<Self, AmountError> {
        if quantity.nano() < 0 {
            return Err(AmountError::Negative(quantity, "memory"));
        }
        let bytes = u64::try_from(quantity.ceil_to(9));
        bytes.map(Self).map_err(|_| AmountError::TooLarge(quantity, "memory"))
    }
}

impl FromStr for Bytes {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity: Quantity = text.parse()?;
        if let Some(number) = text.strip_suffix('m') {
            return Err(AmountError::MilliBytes(text.to_owned(), number.to_owned()));
        }
        let amount = Self::from_quantity_ceil(quantity)?;
        let ceil = Quantity::from(amount);
        if ceil != quantity {
            return Err(AmountError::TooFine {
                quantity,
                step: "one byte",
                unit: "memory",
                ceil,
            });
        }
        Ok(amount)
    }
}

impl From<Bytes> for Quantity {
    fn from(amount: Bytes) -> Self {
        // in the format that its text is read back in: a plan holds amounts as text, and its seal is over that text
        let format = if amount.0.is_multiple_of(1024) {
            Format::BinarySi
        } else {
            Format::DecimalSi
        };
        Self::from_nano(i128::from(amount.0) * 1_000_000_000, format)
    }
}

impl Display for Bytes {
    /// The largest binary suffix that divides exactly (`512Mi`), else plain bytes (`1000`, never `1k`).
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        let power = if self.0 == 0 { 0 } else { self.0.trailing_zeros() / 10 };
        // at most 63 / 10 = 6, the last suffix
        let suffix = SUFFIXES[power as usize];
        write!(f, "{}{suffix}", self.0 >> (10 * power))
    }
}

impl TextForm for Bytes {
    const NAME: &'static str = "Bytes";
    const EXPECTS: &'static str = "an amount of memory";
    const EXAMPLE: &'static str = "512Mi";
    const PATTERN: &'static str =
        r"^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$";
    const DESCRIPTION: &'static str = "Memory as a Kubernetes quantity in whole bytes: 512Mi, 1.5Gi, 1G.";
}
through_text!(Bytes);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_of_an_amount_reads_back_as_the_same_text() {
        for (bytes, text) in [
            (1_000_000_000, "1G"),
            (1_073_741_824, "1Gi"),
            (1000, "1k"),
            (1001, "1001"),
        ] {
            let written = Quantity::from(Bytes(bytes)).to_string();
            assert_eq!(written, text);
            assert_eq!(written.parse::<Quantity>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn bytes_display_in_the_largest_exact_binary_unit() {
        for (bytes, text) in [
            (0, "0"),
            (1000, "1000"),
            (1024, "1Ki"),
            (1025, "1025"),
            (1536 << 20, "1536Mi"),
            (1 << 30, "1Gi"),
            (1 << 60, "1Ei"),
            (1_000_000_000, "1000000000"),
        ] {
            assert_eq!(Bytes::new(bytes).to_string(), text);
        }
    }

    #[test]
    fn memory_is_read_in_any_quantity_of_whole_bytes() {
        for (text, bytes) in [
            ("1.5Gi", 1_610_612_736),
            ("1G", 1_000_000_000),
            ("128974848", 128_974_848),
            ("1e3", 1000),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap().get(), bytes, "{text}");
        }
        // `100m` of memory is the usual slip for `100Mi`
        let message = "100m".parse::<Bytes>().unwrap_err().to_string();
        assert_eq!(message, "`100m` is in thousandths of a byte; did you mean `100Mi`?");
        let message = "0.5".parse::<Bytes>().unwrap_err().to_string();
        assert_eq!(
            message,
            "`500m` is finer than one byte, the smallest step of memory; round it up to `1`"
        );
        assert!(matches!("-1Mi".parse::<Bytes>(), Err(AmountError::Negative(..))));
    }

    #[test]
    fn mebibytes_round_up() {
        for (bytes, mib) in [(0, 0), (1, 1), (MIB, 1), (MIB + 1, 2)] {
            assert_eq!(Bytes::new(bytes).mib_ceil(), Bytes::from_mib(mib), "{bytes}");
        }
        assert_eq!(Bytes::new(u64::MAX).mib_ceil().get() % MIB, 0);
    }

    proptest! {
        #[test]
        fn display_reads_back(bytes in 0..=u64::MAX >> 1) {
            let amount = Bytes::new(bytes);
            prop_assert_eq!(amount.to_string().parse::<Bytes>().unwrap(), amount);
        }

        #[test]
        fn whole_mebibytes_cover(bytes in 0..u64::MAX - MIB) {
            let ceil = Bytes::new(bytes).mib_ceil().get();
            prop_assert!(ceil >= bytes && ceil - bytes < MIB && ceil.is_multiple_of(MIB));
        }
    }
}
