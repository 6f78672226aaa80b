//! Texts and counts whose form stands in the schema beside a plain type: read, they have that form.

use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    has_form: impl FnOnce(&str) -> bool,
    wanted: &'static str,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if has_form(&text) {
        Ok(text)
    } else {
        Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted))
    }
}

fn count<'de, D: Deserializer<'de>>(
    deserializer: D,
    (least, most): (u32, u32),
    wanted: &'static str,
) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if (least..=most).contains(&count) {
        Ok(count)
    } else {
        Err(D::Error::invalid_value(Unexpected::Unsigned(count.into()), &wanted))
    }
}

/// `1`.
pub(super) fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, is_digits, "digits")
}

/// `1.33`.
pub(super) fn kubernetes_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let has_form = |text: &str| text.strip_prefix("1.").is_some_and(is_digits);
    text(deserializer, has_form, "a version such as 1.33")
}

/// `2.18`.
pub(super) fn addon_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let has_form = |text: &str| {
        let parts = text.split_once('.');
        parts.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor))
    };
    text(deserializer, has_form, "a version such as 2.18").map(Some)
}

/// 1 to 10.
pub(super) fn zones<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    count(deserializer, (1, 10), "1 to 10")
}

/// 1 or more.
pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    count(deserializer, (1, u32::MAX), "1 or more")
}

/// 1 or more, where it is given.
pub(super) fn some_at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    at_least_one(deserializer).map(Some)
}
