//! JSON Schemas of our kinds, derived from the Rust types, and validation against them with places and near misses.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::API_VERSION;
use super::source::Source;
use super::strict::Strict;
use crate::diag::{Code, Diagnostic, code, near_miss};
use crate::units;

/// The schema of a type, as it is published.
pub fn of<T: schemars::JsonSchema>() -> Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), Value::String(T::schema_name().into_owned()));
    let mut schema = schema.to_value();
    forbid_null(&mut schema);
    bound_counts(&mut schema);
    schema
}

/// A count or a priority has 32 bits; draft 2020-12 knows no format for that, so a validator would let more pass.
fn bound_counts(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let bounds = match map.get("format").and_then(Value::as_str) {
                Some("uint32") => Some((0, i64::from(u32::MAX))),
                Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
                _ => None,
            };
            if let Some((least, most)) = bounds {
                map.entry("minimum").or_insert_with(|| least.into());
                map.entry("maximum").or_insert_with(|| most.into());
            }
            map.values_mut().for_each(bound_counts);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_counts),
        _ => {}
    }
}

/// A field that may be absent is not a field that may be `null`: layers delete with `null`, so none is left over.
fn forbid_null(schema: &mut Value) {
    let is_null = |option: &Value| option["type"] == "null";
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    map.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(options)) = map.get_mut("anyOf") {
                options.retain(|option| !is_null(option));
                if let [Value::Object(one)] = options.as_slice() {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            map.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

/// Reads an object of one of our kinds, or reports every place where it departs from the kind's schema.
pub fn read<T>(code: Code, value: &Value, source: &Source) -> Result<T, Vec<Diagnostic>>
where
    T: schemars::JsonSchema + serde::de::DeserializeOwned,
{
    let mut problems = elsewhere::<T>(code, value, source);
    if problems.is_empty() {
        let error = match T::deserialize(Strict(value)) {
            Ok(object) => return Ok(object),
            Err(error) => error,
        };
        problems = check(&of::<T>(), value, source);
        if problems.is_empty() {
            problems.push(Diagnostic::error(code, error.to_string()).at(source.value_place("")));
        }
    }
    for problem in &mut problems {
        problem.code = code;
    }
    crate::diag::sort(&mut problems);
    Err(problems)
}

/// An object that says to be something else is told so once, and not by every field that it lacks or has too much.
fn elsewhere<T: schemars::JsonSchema>(code: Code, value: &Value, source: &Source) -> Vec<Diagnostic> {
    let kind = T::schema_name();
    let is_ours = value["apiVersion"]
        .as_str()
        .is_none_or(|version| version == API_VERSION);
    let is_of_kind = value["kind"].as_str().is_none_or(|found| found == kind);
    if is_ours && is_of_kind {
        return Vec::new();
    }
    header(code, &kind, value, source)
}

/// Whether an object says that it is of a kind of ours.
pub fn header(code: Code, kind: &str, value: &Value, source: &Source) -> Vec<Diagnostic> {
    let wrong = |pointer: &str, headline: String, help: String| {
        Diagnostic::error(code, headline)
            .at(source.value_place(pointer))
            .help(help)
    };
    let mut problems = Vec::new();
    if value["apiVersion"] != API_VERSION {
        let headline = format!("`{}` is not an apiVersion of trimtab", plain_text(&value["apiVersion"]));
        problems.push(wrong(
            "/apiVersion",
            headline,
            format!("write `apiVersion: {API_VERSION}`"),
        ));
    }
    if value["kind"] != kind {
        let headline = format!("`{}` is not the kind wanted here", plain_text(&value["kind"]));
        problems.push(wrong("/kind", headline, format!("write `kind: {kind}`")));
    }
    problems
}

/// A key with `null` is one that a layer deleted; kustomize drops it, a file that is read as it is may still have it.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn validator(schema: &Value) -> jsonschema::Validator {
    let mut options = jsonschema::options().should_validate_formats(true);
    for (format, fault) in units::FORMATS {
        options = options.with_format(*format, move |text: &str| fault(text).is_none());
    }
    options
        .build(schema)
        .expect("broken invariant: our own schema is a schema")
}

/// Every place where `value` departs from `schema`.
fn check(schema: &Value, value: &Value, source: &Source) -> Vec<Diagnostic> {
    let validator = validator(schema);
    let errors: Vec<jsonschema::ValidationError<'_>> = validator.iter_errors(value).collect();
    let is_format =
        |error: &jsonschema::ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Format { .. });
    // a text that has not even the pattern is reported once
    let is_said = |error: &jsonschema::ValidationError<'_>| {
        let is_other = |other: &jsonschema::ValidationError<'_>| {
            !is_format(other) && other.instance_path() == error.instance_path()
        };
        is_format(error) && errors.iter().any(is_other)
    };
    errors
        .iter()
        .filter(|error| !is_said(error))
        .flat_map(|error| explain(schema, value, source, error))
        .collect()
}

fn explain(schema: &Value, value: &Value, source: &Source, error: &jsonschema::ValidationError<'_>) -> Vec<Diagnostic> {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|field| unknown_field(schema, source, &pointer, field, &error.schema_path().to_string()))
            .collect(),
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let diagnostic = Diagnostic::error(code::POLICY_INVALID, format!("the field `{property}` is missing"))
                .at(source.value_place(&pointer))
                .help(format!("add `{property}` here"));
            vec![diagnostic]
        }
        ValidationErrorKind::Type { .. } => vec![wrong_type(schema, value, source, &pointer, error)],
        ValidationErrorKind::Pattern { .. } => {
            let written = value.pointer(&pointer).map(plain_text).unwrap_or_default();
            let headline = format!("`{written}` does not have the form wanted here");
            let diagnostic = Diagnostic::error(code::POLICY_INVALID, headline).at(source.value_place(&pointer));
            let diagnostic = match written.strip_suffix("T00:00:00Z") {
                // what kustomize makes of a day that is not quoted
                Some(day) => diagnostic.because(format!("a day without quotes is read as a time: write \"{day}\"")),
                None => diagnostic,
            };
            vec![with_description(diagnostic, schema, error)]
        }
        ValidationErrorKind::Format { format } => {
            let written = value.pointer(&pointer).map(plain_text).unwrap_or_default();
            let fault = units::FORMATS.iter().find(|(name, _)| name == format);
            let headline = fault.and_then(|(_, fault)| fault(&written));
            let headline = headline.unwrap_or_else(|| error.to_string());
            // the repair stands behind the semicolon of the message
            let (headline, help) = headline.split_once("; ").unwrap_or((&headline, ""));
            let diagnostic = Diagnostic::error(code::POLICY_INVALID, headline).at(source.value_place(&pointer));
            if help.is_empty() {
                vec![diagnostic]
            } else {
                vec![diagnostic.help(help)]
            }
        }
        ValidationErrorKind::Enum { options } => {
            let words: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            vec![wrong_word(source, value, &pointer, &words)]
        }
        _ => match one_of_words(schema, error) {
            Some(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                vec![wrong_word(source, value, &pointer, &words)]
            }
            None => vec![plain(error, source, &pointer)],
        },
    }
}

fn plain(error: &jsonschema::ValidationError<'_>, source: &Source, pointer: &str) -> Diagnostic {
    let text = error.to_string();
    let headline = if text.chars().count() > 300 {
        "the value does not have the wanted form".to_owned()
    } else {
        text
    };
    Diagnostic::error(code::POLICY_INVALID, headline).at(source.value_place(pointer))
}

fn unknown_field(schema: &Value, source: &Source, pointer: &str, field: &str, schema_path: &str) -> Diagnostic {
    let at = format!("{pointer}/{}", super::merge::escape(field));
    let parent = schema_path.strip_suffix("/additionalProperties").unwrap_or_default();
    let known: Vec<&str> = resolve(schema, parent)
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    let diagnostic =
        Diagnostic::error(code::POLICY_INVALID, format!("there is no field `{field}` here")).at(source.key_place(&at));
    let diagnostic = match near_miss(field, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    };
    if known.is_empty() {
        diagnostic
    } else {
        diagnostic.because(format!("fields here: {}", known.join(", ")))
    }
}

fn wrong_word(source: &Source, value: &Value, pointer: &str, words: &[&str]) -> Diagnostic {
    let found = value.pointer(pointer).cloned().unwrap_or_default();
    let written = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let diagnostic = Diagnostic::error(
        code::POLICY_INVALID,
        format!("`{written}` is not one of the values wanted here"),
    )
    .at(source.value_place(pointer))
    .because(format!("accepted: {}", words.join(", ")));
    match near_miss(&written, words.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn wrong_type(
    schema: &Value,
    value: &Value,
    source: &Source,
    pointer: &str,
    error: &jsonschema::ValidationError<'_>,
) -> Diagnostic {
    let place = source.value_place(pointer);
    let found = value.pointer(pointer).cloned().unwrap_or_default();
    let written = place.marked_text().map_or_else(|| plain_text(&found), str::to_owned);
    let wanted = error.schema_path().to_string();
    let wanted = resolve(schema, wanted.strip_suffix("/type").unwrap_or_default());
    let wants = |name: &str| wanted.is_some_and(|wanted| wanted["type"] == name);
    if found.is_number() && wants("string") {
        let diagnostic = Diagnostic::error(
            code::POLICY_INVALID,
            format!("`{written}` is a number, and text is wanted"),
        )
        .at(place);
        return if wanted.is_some_and(|wanted| wanted.get("examples").is_some()) {
            with_description(diagnostic, schema, error)
        } else {
            diagnostic
                .because("YAML drops the zeros of a plain number: 1.30 arrives as 1.3")
                .help(format!("quote it: `\"{written}\"`"))
        };
    }
    if wants("object") && found.is_array() {
        return Diagnostic::error(code::POLICY_INVALID, "a list stands where a map is wanted")
            .at(place)
            .because("lists can't be patched by name: a collection is a map keyed by name")
            .help("give each entry a name: `NAME: {…}`");
    }
    if wants("object") && !found.is_object() {
        let diagnostic = Diagnostic::error(
            code::POLICY_INVALID,
            format!("`{written}` stands where a map is wanted"),
        )
        .at(place);
        let key = ["value", "mode"]
            .into_iter()
            .find(|key| wanted.is_some_and(|wanted| wanted["properties"].get(key).is_some()));
        return match key {
            Some(key) => diagnostic.help(format!("write `{{{key}: {written}}}`")),
            None => with_fields(diagnostic, wanted),
        };
    }
    Diagnostic::error(code::POLICY_INVALID, error.to_string()).at(place)
}

/// Adds what the schema says of the value, and a good one.
fn with_description(diagnostic: Diagnostic, schema: &Value, error: &jsonschema::ValidationError<'_>) -> Diagnostic {
    let path = error.schema_path().to_string();
    let node = path.rsplit_once('/').and_then(|(node, _)| resolve(schema, node));
    let described = node.and_then(|node| node["description"].as_str());
    let example = node.and_then(|node| node["examples"].get(0)).map(plain_text);
    let diagnostic = match described {
        Some(text) => diagnostic.because(text.trim_end_matches('.').to_owned()),
        None => diagnostic,
    };
    match example {
        Some(example) => diagnostic.help(format!("write it like `{example}`")),
        None => diagnostic,
    }
}

fn with_fields(diagnostic: Diagnostic, node: Option<&Value>) -> Diagnostic {
    let known: Vec<&str> = node
        .and_then(|node| node["properties"].as_object())
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    if known.is_empty() {
        diagnostic
    } else {
        diagnostic.because(format!("fields here: {}", known.join(", ")))
    }
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The words of an enum whose variants carry descriptions: schemars writes those as `oneOf` constants.
fn one_of_words(schema: &Value, error: &jsonschema::ValidationError<'_>) -> Option<Vec<String>> {
    let path = error.schema_path().to_string();
    let options = resolve(schema, &path)?.as_array()?;
    let words: Vec<String> = options
        .iter()
        .filter_map(|option| option.get("const")?.as_str().map(str::to_owned))
        .collect();
    (!words.is_empty() && words.len() == options.len()).then_some(words)
}

/// The part of the schema that a validation path leads to, following references on the way.
fn resolve<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = schema;
    for token in path.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token == "$ref" {
            let target = at.get("$ref")?.as_str()?.strip_prefix('#')?;
            at = schema.pointer(target)?;
        } else {
            at = match at {
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => at.get(&token)?,
            };
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OptimizationPlan;
    use crate::policy::OptimizationPolicy;
    use crate::price::PriceSheet;
    use crate::yaml::{self, Limits};
    use serde_json::json;

    /// Every value that differs from this one in one place.
    fn bent(value: &Value) -> Vec<Value> {
        let mut all = vec![
            json!(null),
            json!([]),
            json!({}),
            json!([value]),
            json!(""),
            json!("x"),
            json!("1.5"),
            json!("10%"),
            json!("1Gi"),
            json!("1e3"),
            json!(-1),
            json!(0),
            json!(11),
            json!(1.5),
            json!(4_294_967_296_u64),
            json!(true),
        ];
        if let Some(word) = value.as_str() {
            all.push(json!({word: null}));
            all.push(json!({word: {}}));
            all.extend(["0", ".0", " ", "\n"].map(|more| json!(format!("{word}{more}"))));
        }
        let Some(map) = value.as_object() else { return all };
        all.push(Value::Array(map.values().cloned().collect()));
        let with = |key: &str, value: Option<Value>| {
            let mut map = map.clone();
            match value {
                Some(value) => drop(map.insert(key.to_owned(), value)),
                None => drop(map.remove(key)),
            }
            Value::Object(map)
        };
        all.push(with("stranger", Some(json!(1))));
        for (key, child) in map {
            all.push(with(key, None));
            all.extend(bent(child).into_iter().map(|child| with(key, Some(child))));
        }
        all
    }

    fn agrees<T: schemars::JsonSchema + serde::de::DeserializeOwned>(text: &str) {
        let validator = validator(&of::<T>());
        let value = yaml::read_one(text.as_bytes(), &Limits::STREAM).unwrap();
        assert!(T::deserialize(Strict(&value)).is_ok());
        let (mut taken, mut refused) = (0, 0);
        for bent in bent(&value) {
            if T::deserialize(Strict(&bent)).is_ok() {
                taken += 1;
                let faults: Vec<String> = validator.iter_errors(&bent).map(|error| error.to_string()).collect();
                assert!(faults.is_empty(), "{}: {faults:?} in {bent}", T::schema_name());
            } else {
                refused += 1;
            }
        }
        assert!(taken > 20 && refused > 100, "{taken} taken, {refused} refused");
    }

    #[test]
    fn what_is_read_strictly_fits_the_schema() {
        agrees::<OptimizationPolicy>(include_str!("../../tests/fixtures/policy/full-a.yaml"));
        agrees::<OptimizationPolicy>(include_str!("../../tests/fixtures/policy/full-b.yaml"));
        agrees::<OptimizationPlan>(include_str!("../../tests/fixtures/render/keda/plan.yaml"));
        agrees::<OptimizationPlan>(include_str!("../../tests/fixtures/render/spot/plan.yaml"));
        agrees::<PriceSheet>(include_str!("../../overlays-example/overlays/prices.yaml"));
    }
}
