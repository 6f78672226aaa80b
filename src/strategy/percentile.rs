//! Strategy `percentile`: a quantile of usage per pod plus a margin.
//!
//! amount = ceil(quantile × (1 + margin)). The quantile is the upper edge of its bucket, so the amount is never under
//! what the samples say and at most 1/32 over it. `100%` is the exact maximum. Defaults as widely used: CPU p95 and
//! memory maximum, each plus 15 % (krr's `simple`: CPU p95, memory maximum + 15 %).

use std::collections::BTreeMap;

use super::Derived;
use crate::facts::Usage;
use crate::krm::Reason;
use crate::units::{Percent, Seconds};

/// Quantile, margin and half-life of a week's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Share of samples at or below the value.
    pub quantile: Percent,
    /// Added on top.
    pub margin: Percent,
    /// Half of a week's weight is gone after this time.
    pub half_life: Seconds,
}

/// The amount, and its reason in the words of `show`, which writes an amount with its unit. `None` without samples.
pub fn derive(usage: &Usage, parameters: Parameters, show: impl Fn(u64) -> String) -> Option<Derived> {
    let Parameters {
        quantile,
        margin,
        half_life,
    } = parameters;
    let value = usage.quantile(quantile, half_life)?;
    let whole = u128::from(value);
    let amount = u64::try_from(whole + margin.of_ceil(whole)).unwrap_or(u64::MAX);
    let name = if quantile >= Percent::WHOLE {
        "max".to_owned()
    } else {
        format!("p{}", quantile.to_string().trim_end_matches('%'))
    };
    let inputs = BTreeMap::from([
        (name, show(value)),
        ("margin".to_owned(), margin.to_string()),
        ("samples".to_owned(), usage.count().to_string()),
    ]);
    Some(Derived {
        amount,
        reason: Reason {
            code: crate::diag::code::PERCENTILE.to_string(),
            inputs,
        },
    })
}
