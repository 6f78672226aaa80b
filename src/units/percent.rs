//! Shares: `70%`, `0.05%`, held in parts per million.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::text::{TextForm, through_text};

/// A share in parts per million. May exceed 100 % (`150%` of a request is a limit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u64);

/// Parts per million in one percent.
const PPM_PER_PERCENT: u64 = 10_000;
/// Parts per million in the whole.
const PPM: u128 = 1_000_000;

/// Why a text is not a percentage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PercentError {
    /// Outside the grammar.
    #[error("`{0}` is no percentage; write a number and the sign, such as `70%` or `0.05%`")]
    Grammar(String),
    /// More decimals than parts per million hold.
    #[error("`{0}` has more than four decimals; the smallest step is `0.0001%`")]
    TooFine(String),
    /// Beyond 64 bits.
    #[error("`{0}` is too large for a percentage")]
    TooLarge(String),
}

impl Percent {
    /// Nothing: `0%`.
    pub const ZERO: Self = Self(0);
    /// The whole: `100%`.
    pub const WHOLE: Self = Self(1_000_000);

    /// So many parts per million.
    pub const fn from_ppm(ppm: u64) -> Self {
        Self(ppm)
    }

    /// Whole percents.
    pub const fn from_percent(percent: u32) -> Self {
        Self(percent as u64 * PPM_PER_PERCENT)
    }

    /// Parts per million.
    pub const fn ppm(self) -> u64 {
        self.0
    }

    /// This share of an amount, rounded down; saturates.
    pub fn of_floor(self, amount: u128) -> u128 {
        let (whole, rest) = self.split(amount);
        whole.saturating_add(rest / PPM)
    }

    /// This share of an amount, rounded up; saturates.
    pub fn of_ceil(self, amount: u128) -> u128 {
        let (whole, rest) = self.split(amount);
        whole.saturating_add(rest.div_ceil(PPM))
    }

    /// The exact part, and the rest in millionths: amount × ppm itself may not fit.
    fn split(self, amount: u128) -> (u128, u128) {
        let ppm = u128::from(self.0);
        ((amount / PPM).saturating_mul(ppm), (amount % PPM) * ppm)
    }

    /// `part` as a share of `whole`, rounded down; `None` for a share of nothing, or beyond 64 bits.
    pub fn ratio_floor(part: u128, whole: u128) -> Option<Self> {
        let ppm = part.checked_mul(PPM)?.checked_div(whole)?;
        u64::try_from(ppm).ok().map(Self)
    }

    /// `part` as a share of `whole`, rounded up; `None` for a share of nothing, or beyond 64 bits.
    pub fn ratio_ceil(part: u128, whole: u128) -> Option<Self> {
        let scaled = part.checked_mul(PPM)?;
        if whole == 0 {
            return None;
        }
        // nearly all fit 64 bits, which the processor divides by itself
        let ppm = match (u64::try_from(scaled), u64::try_from(whole)) {
            (Ok(scaled), Ok(whole)) => scaled.div_ceil(whole),
            _ => u64::try_from(scaled.div_ceil(whole)).ok()?,
        };
        Some(Self(ppm))
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let grammar = || PercentError::Grammar(text.to_owned());
        let number = text.strip_suffix('%').ok_or_else(grammar)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(grammar());
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 4 {
            return Err(PercentError::TooFine(text.to_owned()));
        }
        let ppm = format!("{whole}{fraction:0<4}")
            .parse()
            .map_err(|_| PercentError::TooLarge(text.to_owned()))?;
        Ok(Self(ppm))
    }
}

impl Display for Percent {
    /// The shortest exact form: `70%`, `0.05%`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (whole, fraction) = (self.0 / PPM_PER_PERCENT, self.0 % PPM_PER_PERCENT);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{fraction:04}").trim_end_matches('0'))
    }
}

impl TextForm for Percent {
    const NAME: &'static str = "Percent";
    const EXPECTS: &'static str = "a percentage";
    const EXAMPLE: &'static str = "70%";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)?%$";
    const DESCRIPTION: &'static str = "A percentage with at most four decimals: 70%, 0.05%.";
}
through_text!(Percent);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentages_are_read_and_written_shortest() {
        for (text, ppm, shortest) in [
            ("0%", 0, "0%"),
            ("70%", 700_000, "70%"),
            ("0.05%", 500, "0.05%"),
            ("0.0001%", 1, "0.0001%"),
            ("12.50%", 125_000, "12.5%"),
            ("100.000000%", 1_000_000, "100%"),
            ("150%", 1_500_000, "150%"),
            ("007%", 70_000, "7%"),
        ] {
            let percent: Percent = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(percent.ppm(), ppm, "{text}");
            assert_eq!(percent.to_string(), shortest, "{text}");
        }
    }

    #[test]
    fn what_is_no_percentage_is_refused_with_its_reason() {
        for text in [
            "", "%", "70", "0.7", "-5%", "70 %", ".5%", "5.%", "1e2%", "70%%", "1,5%",
        ] {
            assert_eq!(
                text.parse::<Percent>(),
                Err(PercentError::Grammar(text.to_owned())),
                "{text}"
            );
        }
        assert_eq!(
            "0.00001%".parse::<Percent>(),
            Err(PercentError::TooFine("0.00001%".to_owned()))
        );
        let large = "9999999999999999999%";
        assert_eq!(large.parse::<Percent>(), Err(PercentError::TooLarge(large.to_owned())));
    }

    #[test]
    fn a_number_says_to_quote_it() {
        let message = serde_json::from_str::<Percent>("70").unwrap_err().to_string();
        let expected =
            "the number `70` stands where a percentage is expected as text; quote it, with its unit: \"70%\"";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_share_rounds_in_the_named_direction() {
        let third = Percent::from_ppm(333_333);
        assert_eq!((third.of_floor(10), third.of_ceil(10)), (3, 4));
        assert_eq!((Percent::WHOLE.of_floor(7), Percent::WHOLE.of_ceil(7)), (7, 7));
        assert_eq!(Percent::WHOLE.of_floor(u128::MAX), u128::MAX);
        assert_eq!(Percent::ratio_floor(1, 3), Some(Percent::from_ppm(333_333)));
        assert_eq!(Percent::ratio_ceil(1, 3), Some(Percent::from_ppm(333_334)));
        assert_eq!((Percent::ratio_floor(1, 0), Percent::ratio_ceil(1, 0)), (None, None));
    }

    proptest! {
        #[test]
        fn display_reads_back(ppm: u64) {
            let percent = Percent::from_ppm(ppm);
            prop_assert_eq!(percent.to_string().parse::<Percent>().unwrap(), percent);
        }

        #[test]
        fn floor_and_ceiling_enclose_the_exact_share(ppm in 0_u64..10_000_000, amount in any::<u64>().prop_map(u128::from)) {
            let percent = Percent::from_ppm(ppm);
            let exact = amount * u128::from(ppm);
            prop_assert!(percent.of_floor(amount) * PPM <= exact && exact < (percent.of_floor(amount) + 1) * PPM);
            prop_assert!(percent.of_ceil(amount) * PPM >= exact && percent.of_ceil(amount) - percent.of_floor(amount) <= 1);
        }
    }
}
