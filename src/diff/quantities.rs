//! Which fields are quantities, by their path and never by how they look: `500m` in a `ConfigMap` is text.

use serde_json::Value;

use crate::units::Quantity;

/// Maps whose values are all quantities: the last keys of their path.
static MAPS: &[&[&str]] = &[
    &["resources", "requests"],
    &["resources", "limits"],
    &["overhead"],
    &["spec", "capacity"],
];
/// Single fields.
static FIELDS: &[&[&str]] = &[&["emptyDir", "sizeLimit"], &["resourceFieldRef", "divisor"]];
/// As above, in one kind only.
static MAPS_OF_KIND: &[(&str, &[&str])] = &[
    ("ResourceQuota", &["spec", "hard"]),
    ("LimitRange", &["spec", "limits", "default"]),
    ("LimitRange", &["spec", "limits", "defaultRequest"]),
    ("LimitRange", &["spec", "limits", "max"]),
    ("LimitRange", &["spec", "limits", "min"]),
    ("LimitRange", &["spec", "limits", "maxLimitRequestRatio"]),
    ("VerticalPodAutoscaler", &["containerPolicies", "minAllowed"]),
    ("VerticalPodAutoscaler", &["containerPolicies", "maxAllowed"]),
];
static FIELDS_OF_KIND: &[(&str, &[&str])] = &[
    ("HorizontalPodAutoscaler", &["target", "value"]),
    ("HorizontalPodAutoscaler", &["target", "averageValue"]),
    ("HorizontalPodAutoscaler", &["scaleUp", "tolerance"]),
    ("HorizontalPodAutoscaler", &["scaleDown", "tolerance"]),
];

/// Whether the field at this path of map keys holds a quantity.
fn is_quantity(kind: &str, keys: &[String]) -> bool {
    let Some((_, parent)) = keys.split_last() else {
        return false;
    };
    MAPS.iter().any(|suffix| ends_with(parent, suffix))
        || FIELDS.iter().any(|suffix| ends_with(keys, suffix))
        || MAPS_OF_KIND
            .iter()
            .any(|(of, suffix)| *of == kind && ends_with(parent, suffix))
        || FIELDS_OF_KIND
            .iter()
            .any(|(of, suffix)| *of == kind && ends_with(keys, suffix))
}

pub(super) fn ends_with(keys: &[String], suffix: &[&str]) -> bool {
    keys.len() >= suffix.len() && keys[keys.len() - suffix.len()..].iter().eq(suffix.iter())
}

/// The value as a quantity, if its path says so and it is one.
pub(super) fn quantity(kind: &str, keys: &[String], value: &Value) -> Option<Quantity> {
    is_quantity(kind, keys).then(|| Quantity::from_json(value).ok())?
}

/// The value in canonical form where it is a quantity, itself elsewhere.
pub(super) fn canonical(kind: &str, keys: &[String], value: &Value) -> Value {
    quantity(kind, keys, value).map_or_else(|| value.clone(), |quantity| Value::String(quantity.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_known_by_its_path() {
        for (kind, path, expected) in [
            (
                "Deployment",
                "spec.template.spec.containers.resources.requests.cpu",
                true,
            ),
            (
                "Rollout",
                "spec.template.spec.containers.resources.limits.nvidia.com/gpu",
                true,
            ),
            ("PersistentVolumeClaim", "spec.resources.requests.storage", true),
            ("Deployment", "spec.template.spec.volumes.emptyDir.sizeLimit", true),
            (
                "HorizontalPodAutoscaler",
                "spec.metrics.external.target.averageValue",
                true,
            ),
            (
                "HorizontalPodAutoscaler",
                "spec.metrics.resource.target.averageUtilization",
                false,
            ),
            ("ScaledObject", "spec.triggers.metadata.value", false),
            (
                "VerticalPodAutoscaler",
                "spec.resourcePolicy.containerPolicies.minAllowed.cpu",
                true,
            ),
            ("ResourceQuota", "spec.hard.pods", true),
            ("ConfigMap", "data.cpu", false),
            ("Deployment", "spec.replicas", false),
        ] {
            let path = path.replace("nvidia.com", "nvidia_com");
            let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(is_quantity(kind, &keys), expected, "{kind} {path}");
        }
    }
}
