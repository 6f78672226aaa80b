//! Paths to fields, list items named by their merge keys and never by their index.

use serde_json::Value;

/// The value behind a pointer of plain keys: `at(object, "/metadata/labels")`.
///
/// `Value::pointer` copies every key twice to resolve escapes, and this is asked dozens of times of every object.
pub fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    pointer.split('/').skip(1).try_fold(value, |value, key| value.get(key))
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// The item of a list whose fields have these values.
    Item(Vec<(String, String)>),
}

/// The way from an object's root to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<Segment>);

impl FieldPath {
    /// A path of map keys: `FieldPath::keys(["spec", "replicas"])`.
    pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.to_owned())).collect())
    }

    /// The same path, one key further.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Segment::Key(key.to_owned()));
        self
    }

    /// The same path, into the list item whose `key` is `value`.
    #[must_use]
    pub fn item(mut self, key: &str, value: &str) -> Self {
        self.0.push(Segment::Item(vec![(key.to_owned(), value.to_owned())]));
        self
    }
}

/// The form of managed fields: `.spec.template.spec.containers[name="api"].image`.
impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for segment in &self.0 {
            match segment {
                Segment::Key(key) if key.contains(['.', '[', '/']) => write!(f, "[{key:?}]")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Item(fields) => {
                    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
                    write!(f, "[{}]", fields.join(","))?;
                }
            }
        }
        Ok(())
    }
}
