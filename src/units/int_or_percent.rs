//! A count of pods or a share of them, as PodDisruptionBudgets take it: `1` or `25%`.

use std::fmt::{self, Display};

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::Percent;

/// A count of pods, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntOrPercent {
    /// So many pods.
    Int(u32),
    /// So large a share, in whole percents up to 100 %.
    Percent(u32),
}

impl IntOrPercent {
    /// Pods of `total` that this means, rounded up as the disruption controller does.
    pub fn of_ceil(self, total: u32) -> u32 {
        match self {
            Self::Int(count) => count,
            Self::Percent(percent) => {
                let pods = Percent::from_percent(percent).of_ceil(u128::from(total));
                u32::try_from(pods).expect("broken invariant: at most 100 % of a u32")
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let percent: u32 = text.strip_suffix('%')?.parse().ok()?;
        (percent <= 100 && !text.starts_with('+')).then_some(Self::Percent(percent))
    }
}

impl Display for IntOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Int(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for IntOrPercent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(count) => serializer.serialize_u32(*count),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl Visitor<'_> for Form {
            type Value = IntOrPercent;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a count such as `1`, or whole percents up to 100 such as `25%`")
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<IntOrPercent, E> {
                u32::try_from(count)
                    .map(IntOrPercent::Int)
                    .map_err(|_| E::custom("more pods than Kubernetes can count"))
            }
            fn visit_i64<E: Error>(self, count: i64) -> Result<IntOrPercent, E> {
                u64::try_from(count)
                    .map_err(|_| E::custom("a count can't be negative"))
                    .and_then(|c| self.visit_u64(c))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<IntOrPercent, E> {
                IntOrPercent::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl schemars::JsonSchema for IntOrPercent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IntOrPercent".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A count of pods (1), or whole percents of them up to 100 (25%).",
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": u32::MAX,
            "pattern": "^(100|[0-9]{1,2})%$",
            "examples": [1, "25%"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_pods_round_up_as_the_disruption_controller_does() {
        // 75 % of 3 = 2.25 -> 3; 90 % of 5 = 4.5 -> 5; 25 % of 4 = 1
        for (share, total, pods) in [(75, 3, 3), (90, 5, 5), (25, 4, 1), (0, 9, 0), (100, 7, 7)] {
            assert_eq!(IntOrPercent::Percent(share).of_ceil(total), pods, "{share}% of {total}");
        }
        assert_eq!(IntOrPercent::Int(4).of_ceil(2), 4);
    }

    #[test]
    fn counts_and_shares_are_read_and_written_as_the_api_does() {
        for (json, value) in [("1", IntOrPercent::Int(1)), ("\"25%\"", IntOrPercent::Percent(25))] {
            assert_eq!(serde_json::from_str::<IntOrPercent>(json).expect(json), value);
            assert_eq!(serde_json::to_string(&value).expect(json), json);
        }
        for json in ["-1", "\"101%\"", "\"1\"", "\"25 %\"", "1.5", "4294967296"] {
            assert!(serde_json::from_str::<IntOrPercent>(json).is_err(), "{json}");
        }
    }
}
