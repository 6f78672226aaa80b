//! One document becomes a JSON value: merge keys applied, aliases expanded within bounds, and refused what JSON has not.
//!
//! The same visitor serves YAML and JSON. It recurses as deep as the reader beneath it allows (128 levels in both).
//! A refusal is raised while the offending key or scalar is visited, because then the reader adds that position.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::Problem;
use super::limits::Limits;
use super::{integers, number};

/// What all nodes of one document share: the budget, and the problem found.
pub(super) struct Context<'t> {
    text: &'t str,
    nodes: Cell<usize>,
    nodes_limit: usize,
    bytes: Cell<usize>,
    scalar_limit: usize,
    problem: RefCell<Option<Problem>>,
    has_large_float: Cell<bool>,
}

impl<'t> Context<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            text,
            nodes: Cell::new(0),
            nodes_limit: limits.nodes,
            // An escape of two bytes can stand for a character of three: a text without aliases stays within twice its size.
            bytes: Cell::new(2 * text.len() + Limits::ALIASED_BYTES),
            scalar_limit: limits.scalar,
            problem: RefCell::new(None),
            has_large_float: Cell::new(false),
        }
    }

    /// The problem that ended the reading, unless it was the reader's own.
    pub(super) fn problem(&self) -> Option<Problem> {
        self.problem.take()
    }

    /// Whether a float was read that may be an integer which 64 bits do not hold.
    pub(super) fn has_large_float(&self) -> bool {
        self.has_large_float.get()
    }

    /// Notes a number that is a float for the reader.
    fn note(&self, number: &Value) {
        let is_suspect = number.is_f64() && number.as_f64().is_some_and(integers::is_suspect);
        self.has_large_float.set(self.has_large_float.get() || is_suspect);
    }

    /// Keeps the problem, and returns the error that carries the position.
    fn refuse<E: Error>(&self, problem: Problem) -> E {
        let error = E::custom(&problem);
        self.problem.replace(Some(problem));
        error
    }

    fn count_node<E: Error>(&self) -> Result<(), E> {
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() > self.nodes_limit {
            return Err(self.refuse(Problem::TooManyNodes {
                limit: self.nodes_limit,
            }));
        }
        Ok(())
    }

    fn count_bytes<E: Error>(&self, text: &str) -> Result<(), E> {
        let (bytes, limit) = (text.len(), self.scalar_limit);
        if bytes > limit {
            return Err(self.refuse(Problem::TooLong { bytes, limit }));
        }
        let left = self.bytes.get().checked_sub(text.len());
        let left = left.ok_or_else(|| {
            self.refuse(Problem::TooMuchText {
                limit: Limits::ALIASED_BYTES,
            })
        })?;
        self.bytes.set(left);
        Ok(())
    }

    /// Whether a borrowed scalar was written without quotes: the reader lends it out of the text itself, so that the byte
    /// before a quoted one is its quote. A quoted `"<<"` is a plain key for go-yaml, and so it is here.
    fn is_plain(&self, borrowed: &str) -> bool {
        !self.before(borrowed).ends_with(['"', '\''])
    }

    /// Whether a tag such as `!!str` stands before a borrowed scalar, an anchor perhaps between them.
    fn is_tagged(&self, borrowed: &str) -> bool {
        let mut words = self.before(borrowed).split_ascii_whitespace().rev();
        words
            .find(|word| !word.starts_with('&'))
            .is_some_and(|word| word.starts_with('!'))
    }

    /// The text up to a borrowed part of it.
    fn before(&self, borrowed: &str) -> &str {
        let offset = (borrowed.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        self.text.get(..offset).unwrap_or_default()
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct ValueSeed<'c, 't>(pub(super) &'c Context<'t>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.count_node()?;
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.count_node()?;
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.count_node()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.count_node()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        Err(self.0.refuse(Problem::BigInteger(value.to_string())))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Err(self.0.refuse(Problem::BigInteger(value.to_string())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.count_node()?;
        let name = if value.is_nan() { ".nan" } else { ".inf" };
        let number = Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.0.refuse(Problem::NotFinite(name)))?;
        self.0.note(&number);
        Ok(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.0.count_node()?;
        self.0.count_bytes(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value, E> {
        let number = number::legacy(text).filter(|_| self.0.is_plain(text) && !self.0.is_tagged(text));
        match number {
            Some(number) => {
                self.0.note(&number);
                self.0.count_node().map(|()| number)
            }
            None => self.visit_str(text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.count_node()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.0.count_node()?;
        let mut map = Map::new();
        let mut merges = None;
        while let Some(key) = entries.next_key_seed(KeySeed {
            context: self.0,
            map: &map,
            merges: &merges,
        })? {
            match key {
                Key::Name(name) => {
                    let value = entries.next_value_seed(self)?;
                    map.insert(name, value);
                }
                Key::Merge => merges = Some(entries.next_value_seed(self)?),
            }
        }
        if let Some(merges) = merges {
            merge(&mut map, merges).map_err(|problem| self.0.refuse(problem))?;
        }
        Ok(Value::Object(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        Err(refuse_tag(self.0, tagged))
    }
}

/// Own keys win over merged ones, earlier maps over later ones. The merged maps have been through this themselves.
fn merge(map: &mut Map<String, Value>, merged: Value) -> Result<(), Problem> {
    let maps = match merged {
        Value::Array(maps) => maps,
        single => vec![single],
    };
    for merged in maps {
        let Value::Object(merged) = merged else {
            return Err(Problem::Merge);
        };
        for (key, value) in merged {
            map.entry(key).or_insert(value);
        }
    }
    Ok(())
}

fn refuse_tag<'de, A: EnumAccess<'de>>(context: &Context, tagged: A) -> A::Error {
    match tagged.variant::<String>() {
        Ok((tag, value)) => {
            // only taking the value ends the reader's turn; the refusal stands whatever it is
            let _ = value.unit_variant();
            context.refuse(Problem::Tag(if tag.starts_with('!') { tag } else { format!("!{tag}") }))
        }
        Err(error) => error,
    }
}

/// A key as it stands in a map.
enum Key {
    Name(String),
    /// A plain `<<`.
    Merge,
}

/// Reads one key, knowing those before it.
struct KeySeed<'c, 't, 'm> {
    context: &'c Context<'t>,
    map: &'m Map<String, Value>,
    merges: &'m Option<Value>,
}

impl KeySeed<'_, '_, '_> {
    fn name<E: Error>(self, key: &str) -> Result<Key, E> {
        self.context.count_node()?;
        self.context.count_bytes(key)?;
        if self.map.contains_key(key) {
            return Err(self.context.refuse(Problem::DuplicateKey(key.to_owned())));
        }
        Ok(Key::Name(key.to_owned()))
    }

    fn not_text<E: Error>(self, key: impl fmt::Display) -> Result<Key, E> {
        Err(self.context.refuse(Problem::KeyNotText(key.to_string())))
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_, '_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, '_, '_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        self.name(key)
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key, E> {
        if key != "<<" || !self.context.is_plain(key) {
            return self.name(key);
        }
        match self.merges {
            Some(_) => Err(self.context.refuse(Problem::DuplicateKey(key.to_owned()))),
            None => Ok(Key::Merge),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Key, E> {
        self.not_text("null")
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_u128<E: Error>(self, key: u128) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_i128<E: Error>(self, key: i128) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_f64<E: Error>(self, key: f64) -> Result<Key, E> {
        self.not_text(key)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Key, A::Error> {
        Err(self.context.refuse(Problem::KeyNotScalar))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Key, A::Error> {
        Err(self.context.refuse(Problem::KeyNotScalar))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Key, A::Error> {
        Err(refuse_tag(self.context, tagged))
    }
}
