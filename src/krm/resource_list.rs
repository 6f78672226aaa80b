//! What a function gets on stdin and gives on stdout: a `ResourceList`, or a plain stream of objects.
//!
//! What comes back has the shape of what came in. Objects are echoed with all their annotations: kustomize keeps names,
//! hash suffixes and references right by them. Source: Kubernetes SIG CLI, KRM Functions Specification, v1.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Object, ObjectId};
use crate::diag::{Diagnostic, Place, Severity};

/// Group of the list's apiVersion.
const GROUP: &str = "config.kubernetes.io/";

/// Versions of the list, which are all the same to us.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// Annotations by which a host keeps an item as a file: what does not come back is deleted there.
const PATH_ANNOTATIONS: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];

/// Objects, and the shape they came in.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceList {
    /// The objects; a `kind: List` among them is unpacked, or around them.
    pub items: Vec<Object>,
    /// The function's configuration: our policy, if a host runs us.
    pub function_config: Option<Value>,
    /// The fields around the items of a `ResourceList` or a `List`, or `None` for a plain stream.
    envelope: Option<Map<String, Value>>,
}

/// Why stdin is not a list of objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No document at all.
    #[error("there are no objects: the input is empty")]
    Empty,
    /// `items` is absent, null or no list. Going on would delete every object of the build.
    #[error("the ResourceList has no `items` list, so nothing says which objects there are")]
    NoItems,
    /// An unknown apiVersion.
    #[error(
        "apiVersion `{found}` of the ResourceList is unknown; known are v1, v1beta1 and v1alpha1 of config.kubernetes.io"
    )]
    UnknownVersion {
        /// What it says.
        found: String,
    },
    /// More documents beside a `ResourceList`.
    #[error("a ResourceList must be the only document, and here are {documents}")]
    NotAlone {
        /// How many there are.
        documents: usize,
    },
    /// Something that is no map, or has no kind.
    #[error("object {number} is not a Kubernetes object: it has no `apiVersion` and `kind`")]
    NotAnObject {
        /// Its number in the input, from 1.
        number: usize,
    },
}

impl ResourceList {
    /// The documents of stdin, null ones left out.
    pub fn parse(mut documents: Vec<Value>) -> Result<Self, ListError> {
        let count = documents.len();
        match documents.iter().position(|document| document["kind"] == "ResourceList") {
            None if count == 0 => Err(ListError::Empty),
            // `kubectl get -o yaml` and `kubectl create --dry-run` give one, and whoever pipes it on reads `.items`
            None if count == 1 && is_kubectl_list(&documents[0]) => Self::from_kubectl_list(documents.swap_remove(0)),
            None => Ok(Self {
                items: unpack(documents)?,
                function_config: None,
                envelope: None,
            }),
            Some(at) if count == 1 => Self::from_list(documents.swap_remove(at)),
            Some(_) => Err(ListError::NotAlone { documents: count }),
        }
    }

    fn from_list(list: Value) -> Result<Self, ListError> {
        let Value::Object(mut envelope) = list else {
            return Err(ListError::NoItems);
        };
        let version = envelope.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if !version
            .strip_prefix(GROUP)
            .is_some_and(|version| VERSIONS.contains(&version))
        {
            return Err(ListError::UnknownVersion {
                found: version.to_owned(),
            });
        }
        let Some(Value::Array(items)) = envelope.remove("items") else {
            return Err(ListError::NoItems);
        };
        Ok(Self {
            items: unpack(items)?,
            function_config: envelope
                .get("functionConfig")
                .filter(|config| !config.is_null())
                .cloned(),
            envelope: Some(envelope),
        })
    }

    fn from_kubectl_list(list: Value) -> Result<Self, ListError> {
        let Value::Object(mut envelope) = list else {
            return Err(ListError::NoItems);
        };
        let Some(Value::Array(items)) = envelope.remove("items") else {
            return Err(ListError::NoItems);
        };
        Ok(Self {
            items: unpack(items)?,
            function_config: None,
            envelope: Some(envelope),
        })
    }

    /// The documents of stdout: the same shape around `items`. A list also carries the diagnostics as `results`, which
    /// kpt shows and kustomize drops.
    pub fn into_documents(self, items: Vec<Object>, diagnostics: &[Diagnostic]) -> Vec<Value> {
        let Some(mut list) = self.envelope else { return items };
        if list.get("kind").is_some_and(|kind| kind == "List") {
            list.insert("items".into(), items.into());
            return vec![list.into()];
        }
        let mut results = match list.remove("results") {
            Some(Value::Array(results)) => results,
            _ => Vec::new(),
        };
        if !diagnostics.is_empty() {
            let objects = as_written(items.iter().chain(&self.function_config));
            results.extend(diagnostics.iter().map(|diagnostic| result(diagnostic, &objects)));
        }
        if !results.is_empty() {
            list.insert("results".into(), results.into());
        }
        list.insert("items".into(), items.into());
        vec![list.into()]
    }
}

/// Whether it is a `List` of objects that no host keeps as a file.
fn is_kubectl_list(object: &Value) -> bool {
    object["kind"] == "List" && object["apiVersion"] == "v1" && object["items"].is_array() && !is_kept_as_file(object)
}

/// Whether a host keeps this item as a file of its own, so that leaving it out would delete the file.
pub fn is_kept_as_file(object: &Object) -> bool {
    let annotations = &object["metadata"]["annotations"];
    PATH_ANNOTATIONS.iter().any(|path| annotations.get(path).is_some())
}

/// The members of lists instead of the lists, as kubectl does it. A list that a host keeps as one file stays, and so does
/// one without members. kustomize unpacks every kind that ends in `List` and drops empty ones; but a list of another
/// group may be an object of its own, and an object is never lost.
fn unpack(objects: Vec<Value>) -> Result<Vec<Object>, ListError> {
    let mut unpacked = Vec::with_capacity(objects.len());
    for (index, mut object) in objects.into_iter().enumerate() {
        let is_object = object["apiVersion"].is_string() && object["kind"].is_string();
        if !is_object {
            return Err(ListError::NotAnObject { number: index + 1 });
        }
        let is_list = is_kubectl_list(&object);
        match object.get_mut("items") {
            Some(Value::Array(items)) if is_list && !items.is_empty() => {
                unpacked.extend(unpack(std::mem::take(items))?);
            }
            _ => unpacked.push(object),
        }
    }
    Ok(unpacked)
}

/// One entry of `results`. The severity is always there: hosts disagree on its default.
fn result(diagnostic: &Diagnostic, objects: &BTreeMap<String, ObjectId>) -> Value {
    let mut result = Map::new();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    };
    let message: Vec<&str> = std::iter::once(&diagnostic.headline)
        .chain(&diagnostic.notes)
        .chain(&diagnostic.help)
        .map(String::as_str)
        .collect();
    result.insert("message".into(), message.join("; ").into());
    result.insert("severity".into(), severity.into());
    result.insert("tags".into(), serde_json::json!({"code": diagnostic.code.as_str()}));
    let (field, field_of) = match &diagnostic.place {
        Some(Place::Object { object, pointer }) => (dotted(pointer), reference(object, objects)),
        _ => (String::new(), None),
    };
    if let Some(Place::File { path, .. }) = &diagnostic.place {
        result.insert("file".into(), serde_json::json!({"path": path}));
    }
    // `field` is only allowed beside the object it is a field of
    if field_of.is_some() && !field.is_empty() {
        result.insert("field".into(), serde_json::json!({"path": field}));
    }
    let of_workload = || {
        diagnostic
            .workload
            .as_deref()
            .and_then(|workload| reference(workload, objects))
    };
    if let Some(reference) = field_of.or_else(of_workload) {
        result.insert("resourceRef".into(), reference);
    }
    result.into()
}

/// Objects as people write them; of two the first.
fn as_written<'a>(objects: impl Iterator<Item = &'a Object>) -> BTreeMap<String, ObjectId> {
    let mut written = BTreeMap::new();
    for id in objects.filter_map(ObjectId::of) {
        written.entry(id.to_string()).or_insert(id);
    }
    written
}

/// The reference to the object that a diagnostic names as people write it.
fn reference(written: &str, objects: &BTreeMap<String, ObjectId>) -> Option<Value> {
    let id = objects.get(written)?;
    let mut reference = serde_json::json!({"apiVersion": id.api_version(), "kind": id.kind, "name": id.name});
    if !id.namespace.is_empty() {
        reference["namespace"] = id.namespace.as_str().into();
    }
    Some(reference)
}

/// `/spec/scaling` as `spec.scaling`, the form the specification shows.
fn dotted(pointer: &str) -> String {
    pointer
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;
    use serde_json::json;

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})
    }

    fn list(items: &Value) -> Value {
        json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items, "functionConfig": {"kind": "X"}})
    }

    #[test]
    fn what_comes_in_goes_out_in_the_same_shape() {
        for version in VERSIONS {
            let mut input = list(&json!([pod("a"), pod("b")]));
            input["apiVersion"] = format!("{GROUP}{version}").into();
            let parsed = ResourceList::parse(vec![input.clone()]).unwrap();
            assert_eq!(parsed.function_config, Some(json!({"kind": "X"})));
            let items = parsed.items.clone();
            assert_eq!(parsed.into_documents(items, &[]), vec![input]);
        }
        let parsed = ResourceList::parse(vec![pod("a"), pod("b")]).unwrap();
        assert_eq!((parsed.items.len(), &parsed.function_config), (2, &None));
        let items = parsed.items.clone();
        assert_eq!(parsed.into_documents(items, &[]), vec![pod("a"), pod("b")]);
    }

    #[test]
    fn what_does_not_say_its_objects_is_refused() {
        for (documents, expected) in [
            (vec![], ListError::Empty),
            (vec![list(&Value::Null)], ListError::NoItems),
            (vec![list(&json!({}))], ListError::NoItems),
            (
                vec![json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList"})],
                ListError::NoItems,
            ),
            (
                vec![json!({"apiVersion": "v1", "kind": "ResourceList", "items": []})],
                ListError::UnknownVersion { found: "v1".into() },
            ),
            (vec![list(&json!([])), pod("a")], ListError::NotAlone { documents: 2 }),
            (vec![pod("a"), json!(["x"])], ListError::NotAnObject { number: 2 }),
            (
                vec![list(&json!([pod("a"), null]))],
                ListError::NotAnObject { number: 2 },
            ),
            (vec![json!({"kind": "Pod"})], ListError::NotAnObject { number: 1 }),
        ] {
            assert_eq!(ResourceList::parse(documents.clone()), Err(expected), "{documents:?}");
        }
    }

    #[test]
    fn lists_among_the_items_are_unpacked_unless_they_are_a_file() {
        let mut inner = json!({"apiVersion": "v1", "kind": "List", "items": [pod("b"), pod("c")]});
        let names = |inner: &Value| -> Vec<String> {
            let parsed = ResourceList::parse(vec![list(&json!([pod("a"), inner]))]).unwrap();
            parsed
                .items
                .iter()
                .map(|item| item["kind"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(&inner), ["Pod", "Pod", "Pod"]);
        inner["metadata"] = json!({"annotations": {"config.kubernetes.io/path": "all.yaml"}});
        assert_eq!(names(&inner), ["Pod", "List"]);
    }

    #[test]
    fn lists_of_others_and_empty_ones_are_objects() {
        for alone in [
            json!({"apiVersion": "example.com/v1", "kind": "List", "metadata": {"name": "a"}, "items": [pod("b")]}),
            json!({"apiVersion": "example.com/v1", "kind": "PriceList", "items": [{"price": 3}]}),
            json!({"apiVersion": "v1", "kind": "List", "items": []}),
            json!({"apiVersion": "v1", "kind": "List"}),
        ] {
            let documents = vec![pod("a"), alone.clone()];
            let parsed = ResourceList::parse(documents.clone()).unwrap();
            assert_eq!(parsed.items, documents, "{alone}");
        }
    }

    #[test]
    fn diagnostics_become_results_after_those_of_earlier_functions() {
        let mut input = list(&json!([pod("a")]));
        input["results"] = json!([{"message": "earlier"}]);
        let parsed = ResourceList::parse(vec![input]).unwrap();
        let items = parsed.items.clone();
        let place = |object: &str, pointer: &str| Place::Object {
            object: object.into(),
            pointer: pointer.into(),
        };
        let diagnostics = [
            Diagnostic::warning(code::STALE, "kept")
                .because("no data")
                .at(place("Pod/a", "/spec/a~1b/c"))
                .help("export"),
            Diagnostic::error(code::RULE_TIE, "tie")
                .of("Pod/a")
                .at(place("X/gone", "/spec")),
            Diagnostic::note(code::UNMATCHED, "nothing").of("Pod/gone"),
        ];
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "name": "a"});
        assert_eq!(
            parsed.into_documents(items, &diagnostics)[0]["results"],
            json!([
                {"message": "earlier"},
                {"message": "kept; no data; export", "severity": "warning", "tags": {"code": "stale"},
                 "field": {"path": "spec.a/b.c"}, "resourceRef": pod},
                {"message": "tie", "severity": "error", "tags": {"code": "rule-tie"}, "resourceRef": pod},
                {"message": "nothing", "severity": "info", "tags": {"code": "unmatched"}},
            ])
        );
    }
}
