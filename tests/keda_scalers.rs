//! The tables of KEDA's scalers say what KEDA publishes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use trimtab::catalog::triggers::{Form, Parameter, SCALERS, TYPES, threshold_key};

/// Parameters by name, by scaler; a name that stands twice has what either says.
fn published() -> BTreeMap<String, BTreeMap<String, Vec<Value>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/keda-scalers-schema.json");
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}: run `make tools`", path.display()));
    let schema: Value = serde_json::from_str(&text).unwrap();
    let scalers = schema["scalers"].as_array().unwrap();
    scalers
        .iter()
        .map(|scaler| {
            let mut parameters: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for parameter in scaler["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap().to_owned();
                parameters.entry(name).or_default().push(parameter.clone());
            }
            (scaler["type"].as_str().unwrap().to_owned(), parameters)
        })
        .collect()
}

#[test]
fn every_scaler_is_known_by_its_type() {
    let published: Vec<String> = published().into_keys().collect();
    let mut types = TYPES.to_vec();
    types.sort_unstable();
    assert_eq!(types, published);
}

#[test]
fn parameters_are_those_that_keda_reads() {
    let published = published();
    for scaler in SCALERS {
        for kind in scaler.kinds {
            let published = &published[*kind];
            let names: BTreeSet<&str> = scaler.parameters.iter().map(|parameter| parameter.name).collect();
            assert_eq!(names, published.keys().map(String::as_str).collect(), "{kind}");
            for parameter in scaler.parameters {
                assert_parameter(kind, parameter, &published[parameter.name]);
            }
        }
    }
}

fn assert_parameter(kind: &str, parameter: &Parameter, published: &[Value]) {
    let name = format!("{kind} {}", parameter.name);
    let is = |flag: &str| published.iter().any(|p| p[flag] == true);
    let is_needed = !is("optional") && published.iter().all(|p| p.get("default").is_none());
    assert_eq!(parameter.is_needed, is_needed, "{name} is needed");
    assert_eq!(
        parameter.from_metadata,
        is("metadataVariableReadable"),
        "{name} from metadata"
    );
    assert_eq!(parameter.from_env, is("envVariableReadable"), "{name} from env");
    assert_eq!(
        parameter.from_authentication,
        is("triggerAuthenticationVariableReadable"),
        "{name} from authentication"
    );
    assert_eq!(
        parameter.removed.is_some(),
        published.iter().any(|p| p.get("deprecated").is_some()),
        "{name}"
    );
    let allowed = published.iter().find_map(|p| p.get("allowedValue"));
    match parameter.form {
        Form::OneOf(values) => assert_eq!(Some(&serde_json::json!(values)), allowed, "{name}"),
        _ => assert_eq!(allowed, None, "{name}"),
    }
}

#[test]
fn thresholds_are_written_to_keys_that_their_scalers_read() {
    for (kind, parameters) in published() {
        if let Some(key) = threshold_key(&kind) {
            assert!(parameters.contains_key(key), "{kind} reads `{key}`");
            assert!(
                parameters[key].iter().all(|p| p.get("deprecated").is_none()),
                "{kind} `{key}`"
            );
        }
    }
}
