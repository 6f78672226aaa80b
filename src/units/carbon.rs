//! Greenhouse gas in billionths of a gram of carbon dioxide equivalent.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::decimal::{self, DecimalError};
use super::text::{TextForm, through_text};

/// What stands behind the number.
const UNIT: &str = " gCO2e";

/// An amount of greenhouse gas. Never negative: what is bought elsewhere to make up for it is not what a pod emits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Carbon(u128);

/// Why a text is no amount of greenhouse gas.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CarbonError {
    /// Outside the grammar.
    #[error("`{0}` is no amount of greenhouse gas; write grams, a blank and the unit, such as `4.1 gCO2e`")]
    Grammar(String),
    /// More decimals than billionths hold.
    #[error("`{0}` has more than nine decimals; the smallest step is a billionth of a gram")]
    TooFine(String),
    /// Beyond what the type holds.
    #[error("`{0}` is too large to compute")]
    TooLarge(String),
}

impl Carbon {
    /// So many billionths of a gram.
    pub const fn from_nano(nano: u128) -> Self {
        Self(nano)
    }

    /// Billionths of a gram.
    pub const fn nano(self) -> u128 {
        self.0
    }
}

impl FromStr for Carbon {
    type Err = CarbonError;

    fn from_str(text: &str) -> Result<Self, CarbonError> {
        let number = text
            .strip_suffix(UNIT)
            .ok_or_else(|| CarbonError::Grammar(text.to_owned()))?;
        let nano = decimal::nano(number).map_err(|error| match error {
            DecimalError::Grammar => CarbonError::Grammar(text.to_owned()),
            DecimalError::TooFine => CarbonError::TooFine(text.to_owned()),
            DecimalError::TooLarge => CarbonError::TooLarge(text.to_owned()),
        })?;
        Ok(Self(nano.unsigned_abs()))
    }
}

impl Display for Carbon {
    /// The shortest exact form: `4.1 gCO2e`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}{UNIT}", decimal::shortest(self.0))
    }
}

impl TextForm for Carbon {
    const NAME: &'static str = "Carbon";
    const EXPECTS: &'static str = "an amount of greenhouse gas";
    const EXAMPLE: &'static str = "4.1 gCO2e";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? gCO2e$";
    const DESCRIPTION: &'static str =
        "Grams of carbon dioxide equivalent with at most nine decimals: 4.1 gCO2e, 0.35 gCO2e.";
}
through_text!(Carbon);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_read_and_written_shortest() {
        for (text, nano, shortest) in [
            ("4.1 gCO2e", 4_100_000_000, "4.1 gCO2e"),
            ("0.350 gCO2e", 350_000_000, "0.35 gCO2e"),
            ("0.000000001 gCO2e", 1, "0.000000001 gCO2e"),
            ("12 gCO2e", 12_000_000_000, "12 gCO2e"),
        ] {
            let carbon: Carbon = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(carbon.nano(), nano, "{text}");
            assert_eq!(carbon.to_string(), shortest, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_of_gas_is_refused() {
        for text in ["", "4.1", "4.1gCO2e", "4.1 kgCO2e", "-1 gCO2e", ".5 gCO2e", "4,1 gCO2e"] {
            assert_eq!(
                text.parse::<Carbon>(),
                Err(CarbonError::Grammar(text.to_owned())),
                "{text}"
            );
        }
        let fine = "0.0000000001 gCO2e";
        assert_eq!(fine.parse::<Carbon>(), Err(CarbonError::TooFine(fine.to_owned())));
    }
}
