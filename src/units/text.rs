//! Serde and JSON Schema for types that are text in files: one grammar, one message for an unquoted number.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// What a file must know about a type written as text.
pub(super) trait TextForm: FromStr<Err: Display> + Display {
    /// Its name in a JSON Schema.
    const NAME: &'static str;
    /// What is expected, as it stands in messages: `a percentage`.
    const EXPECTS: &'static str;
    /// One good value.
    const EXAMPLE: &'static str;
    /// A regular expression (ECMA 262) that every good value matches.
    const PATTERN: &'static str;
    /// The grammar in one sentence.
    const DESCRIPTION: &'static str;
    /// Whether a plain integer is the same thing without its quotes; never where YAML could change it (1.30).
    const TAKES_INTEGERS: bool = false;
}

/// Serialize, Deserialize and `JsonSchema` through the text form.
macro_rules! through_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::units::text::read(deserializer)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$type as $crate::units::text::TextForm>::NAME.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let form = if <$type as $crate::units::text::TextForm>::TAKES_INTEGERS {
                    serde_json::json!(["string", "integer"])
                } else {
                    serde_json::json!("string")
                };
                schemars::json_schema!({
                    "type": form,
                    "format": <$type as $crate::units::text::TextForm>::NAME,
                    "pattern": <$type as $crate::units::text::TextForm>::PATTERN,
                    "description": <$type as $crate::units::text::TextForm>::DESCRIPTION,
                    "examples": [<$type as $crate::units::text::TextForm>::EXAMPLE],
                })
            }
        }
    };
}
pub(super) use through_text;

/// Its name, and what is wrong with a text; `None` for a good one. A pattern can't say all of it (2027-02-29).
pub(super) const fn fault_of<T: TextForm>() -> (&'static str, super::Fault) {
    (T::NAME, |text| text.parse::<T>().err().map(|error| error.to_string()))
}

/// Reads the text form. `deserialize_any`, not `deserialize_str`: only then does a number reach our own message.
pub(super) fn read<'de, T: TextForm, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TextForm> TextVisitor<T> {
    fn unquoted<E: Error>(what: &str, value: impl Display) -> Result<T, E> {
        Err(E::custom(format_args!(
            "{what} `{value}` stands where {} is expected as text; quote it, with its unit: \"{}\"",
            T::EXPECTS,
            T::EXAMPLE
        )))
    }
}

impl<T: TextForm> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} as text, such as \"{}\"", T::EXPECTS, T::EXAMPLE)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        if T::TAKES_INTEGERS {
            return self.visit_str(&value.to_string());
        }
        Self::unquoted("the number", value)
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Self::unquoted("the number", value)
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        Self::unquoted("the number", value)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Self::unquoted("the boolean", value)
    }
}
