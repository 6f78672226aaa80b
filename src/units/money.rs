//! Money: billionths of a currency unit, with the currency.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::decimal::{self, DecimalError};
use super::text::{TextForm, through_text};

/// A currency by its three-letter code (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount of money in nano-units of its currency; negative where a saving turned into a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    nano: i128,
    currency: Currency,
}

/// Why an amount of money cannot be read or computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Outside the grammar.
    #[error(
        "`{0}` is no amount of money; write a number, a blank and a currency code, such as `1200 USD` or `0.0316 USD`"
    )]
    Grammar(String),
    /// More decimals than nano-units hold.
    #[error("`{0}` has more than nine decimals; the smallest step is a billionth")]
    TooFine(String),
    /// Not a currency code.
    #[error("`{0}` is no currency code; write three capital letters, such as `USD` or `EUR`")]
    Currency(String),
    /// Two currencies in one sum.
    #[error("{0} and {1} do not add up; state all prices in one currency")]
    Mixed(Currency, Currency),
    /// Beyond what the type holds.
    #[error("the amount of {0} is too large to compute")]
    TooLarge(Currency),
}

impl Money {
    /// So many nano-units (1e-9) of a currency.
    pub const fn from_nano(nano: i128, currency: Currency) -> Self {
        Self { nano, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { nano: 0, currency }
    }

    /// Nano-units.
    pub const fn nano(self) -> i128 {
        self.nano
    }

    /// Its currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum; only of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.nano.checked_add(other.nano))
    }

    /// The difference; only of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.nano.checked_sub(other.nano))
    }

    /// A whole multiple, exact.
    pub fn times(self, amount: u64) -> Result<Self, MoneyError> {
        self.with(self.nano.checked_mul(i128::from(amount)))
    }

    /// Times `part` / `whole`, rounded down (towards negative infinity): savings. `whole` is not 0.
    pub fn times_ratio_floor(self, part: u64, whole: u64) -> Result<Self, MoneyError> {
        let (exact, rest) = self.ratio(part, whole)?;
        self.with(exact.checked_add(rest.div_euclid(i128::from(whole))))
    }

    /// Times `part` / `whole`, rounded up (towards positive infinity): costs. `whole` is not 0.
    pub fn times_ratio_ceil(self, part: u64, whole: u64) -> Result<Self, MoneyError> {
        let (exact, rest) = self.ratio(part, whole)?;
        let whole = i128::from(whole);
        let up = rest.div_euclid(whole) + i128::from(rest.rem_euclid(whole) != 0);
        self.with(exact.checked_add(up))
    }

    /// The compared order; only of one currency.
    pub fn checked_cmp(self, other: Self) -> Result<std::cmp::Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.nano.cmp(&other.nano))
    }

    /// nano × part / whole as an exact part and a rest still to divide: the plain product may not fit.
    fn ratio(self, part: u64, whole: u64) -> Result<(i128, i128), MoneyError> {
        assert!(whole != 0, "broken invariant: a ratio has a denominator");
        let (part, whole) = (i128::from(part), i128::from(whole));
        let exact = self
            .nano
            .div_euclid(whole)
            .checked_mul(part)
            .ok_or(MoneyError::TooLarge(self.currency))?;
        let rest = self
            .nano
            .rem_euclid(whole)
            .checked_mul(part)
            .ok_or(MoneyError::TooLarge(self.currency))?;
        Ok((exact, rest))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mixed(self.currency, other.currency))
        }
    }

    fn with(self, nano: Option<i128>) -> Result<Self, MoneyError> {
        nano.map(|nano| Self { nano, ..self })
            .ok_or(MoneyError::TooLarge(self.currency))
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code = <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(Self).ok_or_else(|| MoneyError::Currency(text.to_owned()))
    }
}

impl Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let grammar = || MoneyError::Grammar(text.to_owned());
        let (amount, code) = text.split_once(' ').ok_or_else(grammar)?;
        let (is_negative, number) = amount
            .strip_prefix('-')
            .map_or((false, amount), |number| (true, number));
        let nano = match decimal::nano(number) {
            Err(DecimalError::Grammar) => return Err(grammar()),
            nano => nano,
        };
        let currency = code.parse()?;
        let nano = nano.map_err(|error| match error {
            DecimalError::TooLarge => MoneyError::TooLarge(currency),
            _ => MoneyError::TooFine(text.to_owned()),
        })?;
        Ok(Self {
            nano: if is_negative { -nano } else { nano },
            currency,
        })
    }
}

impl Display for Money {
    /// The shortest exact form: `1200 USD`, `0.0316 USD`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let sign = if self.nano < 0 { "-" } else { "" };
        let amount = decimal::shortest(self.nano.unsigned_abs());
        write!(f, "{sign}{amount} {}", self.currency)
    }
}

impl TextForm for Money {
    const NAME: &'static str = "Money";
    const EXPECTS: &'static str = "an amount of money";
    const EXAMPLE: &'static str = "1200 USD";
    const PATTERN: &'static str = r"^-?[0-9]+(\.[0-9]+)? [A-Z]{3}$";
    const DESCRIPTION: &'static str =
        "An amount of money with at most nine decimals and its three-letter currency: 1200 USD, 0.0316 USD.";
}
through_text!(Money);

impl TextForm for Currency {
    const NAME: &'static str = "Currency";
    const EXPECTS: &'static str = "a currency code";
    const EXAMPLE: &'static str = "USD";
    const PATTERN: &'static str = "^[A-Z]{3}$";
    const DESCRIPTION: &'static str = "A currency by its three-letter code: USD, EUR.";
}
through_text!(Currency);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn money_is_read_and_written_shortest() {
        for (text, nano, shortest) in [
            ("1200 USD", 1_200_000_000_000, "1200 USD"),
            ("0.0316 USD", 31_600_000, "0.0316 USD"),
            ("1.50 EUR", 1_500_000_000, "1.5 EUR"),
            ("-0.000000001 EUR", -1, "-0.000000001 EUR"),
            ("0 USD", 0, "0 USD"),
        ] {
            assert_eq!(money(text).nano(), nano, "{text}");
            assert_eq!(money(text).to_string(), shortest, "{text}");
        }
    }

    #[test]
    fn what_is_no_money_is_refused_with_its_reason() {
        for text in [
            "", "1200", "USD", "1,5 USD", ".5 USD", "5. USD", "+5 USD", "1e3 USD", " 5 USD", "$5 USD",
        ] {
            assert_eq!(
                text.parse::<Money>(),
                Err(MoneyError::Grammar(text.to_owned())),
                "{text}"
            );
        }
        for code in ["usd", "US", "USDT", "", " USD", "€"] {
            assert_eq!(
                format!("5 {code}").parse::<Money>(),
                Err(MoneyError::Currency(code.to_owned())),
                "{code}"
            );
        }
        let fine = "0.0000000001 USD";
        assert_eq!(fine.parse::<Money>(), Err(MoneyError::TooFine(fine.to_owned())));
        let large = format!("{} USD", "9".repeat(40));
        assert!(matches!(large.parse::<Money>(), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn only_one_currency_adds_up() {
        assert_eq!(money("1.5 USD").checked_add(money("2 USD")), Ok(money("3.5 USD")));
        assert_eq!(money("1.5 USD").checked_sub(money("2 USD")), Ok(money("-0.5 USD")));
        let message = money("1 USD").checked_add(money("1 EUR")).unwrap_err().to_string();
        assert_eq!(message, "USD and EUR do not add up; state all prices in one currency");
        let most = Money::from_nano(i128::MAX, money("0 USD").currency());
        assert!(matches!(most.checked_add(most), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn a_price_times_a_share_rounds_in_the_named_direction() {
        // 1 USD / 3 = 0.333333333…
        assert_eq!(money("1 USD").times_ratio_floor(1, 3), Ok(money("0.333333333 USD")));
        assert_eq!(money("1 USD").times_ratio_ceil(1, 3), Ok(money("0.333333334 USD")));
        assert_eq!(money("-1 USD").times_ratio_floor(1, 3), Ok(money("-0.333333334 USD")));
        assert_eq!(money("-1 USD").times_ratio_ceil(1, 3), Ok(money("-0.333333333 USD")));
        // 0.0316 USD an hour for 730 hours = 23.068
        assert_eq!(money("0.0316 USD").times(730), Ok(money("23.068 USD")));
    }

    proptest! {
        #[test]
        fn display_reads_back(nano: i128) {
            let money = Money::from_nano(nano.max(i128::MIN + 1), money("0 EUR").currency());
            prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        }

        #[test]
        fn floor_and_ceiling_enclose_the_exact_ratio(nano: i64, part: u32, whole in 1_u32..) {
            let money = Money::from_nano(i128::from(nano), money("0 EUR").currency());
            let (floor, ceil) = (
                money.times_ratio_floor(part.into(), whole.into()).unwrap().nano(),
                money.times_ratio_ceil(part.into(), whole.into()).unwrap().nano(),
            );
            let (exact, whole) = (i128::from(nano) * i128::from(part), i128::from(whole));
            prop_assert!(floor * whole <= exact && exact <= ceil * whole && ceil - floor <= 1);
        }
    }
}
