//! CPU: millicores as Kubernetes states them, nanocores as they are measured and summed.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::amount::amount;
use super::quantity::{AmountError, Format, Quantity};
use super::text::{TextForm, through_text};

amount! {
    /// CPU in thousandths of a core, the finest step the API server takes. `Millicores::new(250)` displays as `250m`.
    Millicores
}
amount! {
    /// CPU in billionths of a core: measurements keep this precision until they are rounded once, upwards.
    NanoCores
}

impl Millicores {
    /// Measured nanocores, rounded up to a whole millicore; saturates beyond `u64`.
    pub fn from_nano_ceil(nano: u128) -> Self {
        Self(u64::try_from(nano.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// The least whole millicores that cover the quantity.
    pub fn from_quantity_ceil(quantity: Quantity) -> Result<Self, AmountError> {
        from_ceil(quantity, 6).map(Self)
    }

    /// The same amount in nanocores; saturates beyond `u64` (18 billion cores).
    pub const fn nano(self) -> NanoCores {
        NanoCores(self.0.saturating_mul(1_000_000))
    }
}

impl NanoCores {
    /// The quantity in nanocores, exact: a quantity knows nothing finer.
    pub fn from_quantity(quantity: Quantity) -> Result<Self, AmountError> {
        from_ceil(quantity, 0).map(Self)
    }
}

fn from_ceil(quantity: Quantity, exponent: u32) -> Result<u64, AmountError> {
    if quantity.nano() < 0 {
        return Err(AmountError::Negative(quantity, "CPU"));
    }
    u64::try_from(quantity.ceil_to(exponent)).map_err(|_| AmountError::TooLarge(quantity, "CPU"))
}

impl FromStr for Millicores {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let quantity: Quantity = text.parse()?;
        let amount = Self::from_quantity_ceil(quantity)?;
        if text.ends_with('i') {
            let number = text.trim_end_matches(char::is_alphabetic).to_owned();
            return Err(AmountError::BinaryCpu(quantity, amount.0 / 1000, number));
        }
        let ceil = Quantity::from(amount);
        if ceil != quantity {
            return Err(AmountError::TooFine {
                quantity,
                step: "`1m`",
                unit: "CPU",
                ceil,
            });
        }
        Ok(amount)
    }
}

impl FromStr for NanoCores {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::from_quantity(text.parse()?)
    }
}

impl From<Millicores> for Quantity {
    fn from(amount: Millicores) -> Self {
        Self::from_nano(i128::from(amount.0) * 1_000_000, Format::DecimalSi)
    }
}

impl From<NanoCores> for Quantity {
    fn from(amount: NanoCores) -> Self {
        Self::from_nano(i128::from(amount.0), Format::DecimalSi)
    }
}

impl Display for Millicores {
    /// The canonical quantity: `250m`, `1500m`, `2`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Quantity::from(*self).fmt(f)
    }
}

impl Display for NanoCores {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Quantity::from(*self).fmt(f)
    }
}

impl TextForm for Millicores {
    const NAME: &'static str = "Millicores";
    const EXPECTS: &'static str = "an amount of CPU";
    const EXAMPLE: &'static str = "250m";
    const PATTERN: &'static str =
        r"^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$";
    const DESCRIPTION: &'static str = "CPU as a Kubernetes quantity in whole millicores: 250m, 1.5, 2.";
}
through_text!(Millicores);

impl TextForm for NanoCores {
    const NAME: &'static str = "NanoCores";
    const EXPECTS: &'static str = "an amount of CPU";
    const EXAMPLE: &'static str = "12500u";
    const PATTERN: &'static str = Millicores::PATTERN;
    const DESCRIPTION: &'static str = "CPU as a Kubernetes quantity, down to a billionth of a core.";
}
through_text!(NanoCores);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn millicores_display_as_kubernetes_writes_them() {
        for (amount, text) in [
            (0, "0"),
            (1, "1m"),
            (250, "250m"),
            (1000, "1"),
            (1500, "1500m"),
            (2000, "2"),
        ] {
            assert_eq!(Millicores::new(amount).to_string(), text);
        }
    }

    #[test]
    fn measured_cpu_rounds_up() {
        for (nano, milli) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (u128::MAX, u64::MAX)] {
            assert_eq!(Millicores::from_nano_ceil(nano).get(), milli, "{nano}");
        }
        let quantity: Quantity = "1.0005".parse().unwrap();
        assert_eq!(Millicores::from_quantity_ceil(quantity).unwrap().get(), 1001);
    }

    #[test]
    fn cpu_below_zero_or_finer_than_a_millicore_is_refused() {
        assert!(matches!("-1".parse::<Millicores>(), Err(AmountError::Negative(..))));
        assert!(matches!("1e20".parse::<Millicores>(), Err(AmountError::TooLarge(..))));
        let message = "1.0005".parse::<Millicores>().unwrap_err().to_string();
        assert_eq!(
            message,
            "`1000500u` is finer than `1m`, the smallest step of CPU; round it up to `1001m`"
        );
    }

    #[test]
    fn a_number_says_to_quote_it() {
        let message = serde_json::from_str::<Millicores>("2").unwrap_err().to_string();
        assert!(
            message.contains("the number `2`") && message.contains("quote it"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn display_reads_back(amount: u64) {
            let (milli, nano) = (Millicores::new(amount), NanoCores::new(amount));
            prop_assert_eq!(milli.to_string().parse::<Millicores>().unwrap(), milli);
            prop_assert_eq!(nano.to_string().parse::<NanoCores>().unwrap(), nano);
            prop_assert_eq!(serde_json::from_value::<Millicores>(serde_json::to_value(milli).unwrap()).unwrap(), milli);
        }

        #[test]
        fn ceiling_covers_and_order_holds(a in any::<u64>().prop_map(u128::from), b in any::<u64>().prop_map(u128::from)) {
            let (milli_a, milli_b) = (Millicores::from_nano_ceil(a), Millicores::from_nano_ceil(b));
            prop_assert!(u128::from(milli_a.get()) * 1_000_000 >= a);
            prop_assert!(a > b || milli_a <= milli_b);
        }
    }
}
