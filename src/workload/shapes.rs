//! Fields of a workload's manifest that have another shape than the API gives them.
//!
//! No API server takes such a manifest, and what stands there was meant for something: it is never replaced by a value of
//! ours. Looked at is what planning reads and rendering writes, and the way to it. A null is no value, as for the API.

use serde_json::Value;

use super::read::template_keys;
use crate::krm::{self, Object, ObjectId};

/// What the API has at a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    List,
    ListOfMaps,
    Count,
}

use Shape::{Count, List, ListOfMaps, Map};

/// Of every workload, by pointers.
const OF_OBJECT: &[(&str, Shape)] = &[
    ("/metadata/labels", Map),
    ("/metadata/annotations", Map),
    ("/spec", Map),
    ("/spec/selector", Map),
    ("/spec/selector/matchLabels", Map),
    ("/spec/selector/matchExpressions", ListOfMaps),
    ("/spec/volumeClaimTemplates", List),
];

/// Of a pod template.
const OF_TEMPLATE: &[(&str, Shape)] = &[
    ("/metadata", Map),
    ("/metadata/labels", Map),
    ("/spec", Map),
    ("/spec/containers", ListOfMaps),
    ("/spec/initContainers", ListOfMaps),
    ("/spec/resources", Map),
    ("/spec/resources/requests", Map),
    ("/spec/resources/limits", Map),
    ("/spec/volumes", ListOfMaps),
    ("/spec/nodeSelector", Map),
    ("/spec/tolerations", ListOfMaps),
    ("/spec/topologySpreadConstraints", ListOfMaps),
    ("/spec/affinity", Map),
    ("/spec/affinity/nodeAffinity", Map),
    (
        "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution",
        ListOfMaps,
    ),
    (
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
        Map,
    ),
    (
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
        ListOfMaps,
    ),
    ("/spec/terminationGracePeriodSeconds", Count),
];

/// Of a container.
const OF_CONTAINER: &[(&str, Shape)] = &[
    ("/resources", Map),
    ("/resources/requests", Map),
    ("/resources/limits", Map),
    ("/lifecycle", Map),
    ("/lifecycle/preStop", Map),
];

/// The mistyped fields of a workload, `owner` being the object that has its pod template: `spec.selector is no map`.
pub(super) fn mistyped(id: &ObjectId, object: &Object, owner: &Object) -> Vec<String> {
    let mut found = wrong(object, "", OF_OBJECT);
    let mut at = owner;
    let mut path = String::new();
    for key in template_keys(id).unwrap_or_default() {
        path = if path.is_empty() {
            (*key).to_owned()
        } else {
            format!("{path}.{key}")
        };
        at = &at[*key];
        let is_said = found.iter().any(|said| said.starts_with(&format!("{path} ")));
        let expected = missed(at, Map).filter(|_| !is_said);
        found.extend(expected.map(|expected| is_no(&path, expected)));
    }
    found.extend(wrong(at, &path, OF_TEMPLATE));
    for list in ["containers", "initContainers"] {
        let containers = at["spec"][list].as_array().map_or(&[][..], Vec::as_slice);
        for container in containers.iter().filter(|container| container.is_object()) {
            let Some(name) = container["name"].as_str() else {
                found.push(format!("{path}.spec.{list} has a container without a name"));
                continue;
            };
            found.extend(wrong(container, &format!("{path}.spec.{list}[{name}]"), OF_CONTAINER));
        }
    }
    found
}

/// The fields of a table that are there in another shape.
fn wrong(value: &Value, at: &str, table: &[(&str, Shape)]) -> Vec<String> {
    let one = |(field, shape): &(&str, Shape)| {
        let expected = missed(krm::at(value, field)?, *shape)?;
        let path = format!("{at}{}", field.replace('/', "."));
        Some(is_no(path.trim_start_matches('.'), expected))
    };
    table.iter().filter_map(one).collect()
}

/// The shape in words, where a value has another one.
fn missed(value: &Value, shape: Shape) -> Option<&'static str> {
    let is_map = |item: &Value| item.is_object();
    match shape {
        _ if value.is_null() => None,
        Map if value.is_object() => None,
        List if value.is_array() => None,
        ListOfMaps if value.as_array().is_some_and(|items| items.iter().all(is_map)) => None,
        Count if value.as_u64().is_some() => None,
        Map => Some("map"),
        List => Some("list"),
        ListOfMaps => Some("list of maps"),
        Count => Some("count"),
    }
}

fn is_no(path: &str, expected: &str) -> String {
    format!("{path} is no {expected}")
}
