//! By which fields the items of a Kubernetes list are told apart.
//!
//! The API merges some lists by keys (`x-kubernetes-list-map-keys` and `x-kubernetes-patch-merge-key` of its `OpenAPI`
//! document) and replaces all others as a whole. The table holds the keyed lists of pods and Services, which custom
//! resources with a pod template (Argo Rollouts) share, and the VPA's own.

use serde_json::Value;

/// How one list of the API is merged.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyedList {
    /// The last map keys on the way to the list; list items are not steps of their own.
    suffix: &'static [&'static str],
    /// Fields that tell items apart.
    pub keys: &'static [&'static str],
    /// Whether the schema inside kustomize (Kubernetes 1.21 up to kustomize 5.8) merges this list in the built-in kinds.
    pub merged_by_kustomize: bool,
}

const fn keyed(suffix: &'static [&'static str], keys: &'static [&'static str]) -> KeyedList {
    KeyedList {
        suffix,
        keys,
        merged_by_kustomize: true,
    }
}

/// Added to the API after the schema that kustomize carries, or not of the API at all.
const fn unknown_to_kustomize(suffix: &'static [&'static str], keys: &'static [&'static str]) -> KeyedList {
    KeyedList {
        suffix,
        keys,
        merged_by_kustomize: false,
    }
}

static LISTS: &[KeyedList] = &[
    keyed(&["spec", "containers"], &["name"]),
    keyed(&["spec", "initContainers"], &["name"]),
    keyed(&["spec", "ephemeralContainers"], &["name"]),
    keyed(&["spec", "volumes"], &["name"]),
    keyed(&["spec", "imagePullSecrets"], &["name"]),
    keyed(&["spec", "hostAliases"], &["ip"]),
    keyed(
        &["spec", "topologySpreadConstraints"],
        &["topologyKey", "whenUnsatisfiable"],
    ),
    keyed(&["containers", "env"], &["name"]),
    keyed(&["initContainers", "env"], &["name"]),
    keyed(&["ephemeralContainers", "env"], &["name"]),
    keyed(&["containers", "ports"], &["containerPort", "protocol"]),
    keyed(&["initContainers", "ports"], &["containerPort", "protocol"]),
    keyed(&["containers", "volumeMounts"], &["mountPath"]),
    keyed(&["initContainers", "volumeMounts"], &["mountPath"]),
    keyed(&["ephemeralContainers", "ports"], &["containerPort", "protocol"]),
    keyed(&["ephemeralContainers", "volumeMounts"], &["mountPath"]),
    keyed(&["ephemeralContainers", "volumeDevices"], &["devicePath"]),
    keyed(&["containers", "volumeDevices"], &["devicePath"]),
    keyed(&["initContainers", "volumeDevices"], &["devicePath"]),
    keyed(&["spec", "ports"], &["port", "protocol"]),
    keyed(&["status", "conditions"], &["type"]),
    keyed(&["metadata", "ownerReferences"], &["uid"]),
    unknown_to_kustomize(&["spec", "schedulingGates"], &["name"]),
    unknown_to_kustomize(&["spec", "resourceClaims"], &["name"]),
    unknown_to_kustomize(&["resources", "claims"], &["name"]),
    unknown_to_kustomize(&["resourcePolicy", "containerPolicies"], &["containerName"]),
];

/// Values the API fills in where a key field is absent.
static DEFAULTS: &[(&str, &str)] = &[("protocol", "TCP")];

/// The list at this path of map keys (`["spec", "template", "spec", "containers", "env"]`), if its items have keys.
pub fn keyed_list(path: &[&str]) -> Option<&'static KeyedList> {
    LISTS.iter().find(|list| path.ends_with(list.suffix))
}

impl KeyedList {
    /// The key of an item: one text for each key field, defaults filled in; `None` where one is missing or no scalar.
    pub fn key_of(&self, item: &Value) -> Option<Vec<String>> {
        self.keys.iter().map(|key| key_field(item, key)).collect()
    }

    /// Whether a merge inside kustomize keeps every item. It merges items of one key into one, also in lists that a patch
    /// does not name, and knows no defaults: an item without `protocol` is taken for the first of its `containerPort`.
    pub fn keeps_all(&self, items: &[Value]) -> bool {
        let written = |item: &Value| -> Vec<Option<String>> {
            let field = |key: &&str| item.get(*key).and_then(|_| key_field(item, key));
            self.keys.iter().map(field).collect()
        };
        let written: Vec<_> = items.iter().map(written).collect();
        let is_taken_for = |item: &[Option<String>], earlier: &[Option<String>]| {
            let mut keys = item.iter().zip(earlier);
            keys.all(|(key, earlier)| key.is_none() || key == earlier)
        };
        written.iter().enumerate().all(|(at, item)| {
            item.iter().any(Option::is_some) && !written[..at].iter().any(|earlier| is_taken_for(item, earlier))
        })
    }

    /// The keys of all items in order; `None` unless every item has one and all differ.
    pub fn keys_of(&self, items: &[Value]) -> Option<Vec<Vec<String>>> {
        let keys: Vec<_> = items.iter().map(|item| self.key_of(item)).collect::<Option<_>>()?;
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        (distinct.len() == keys.len()).then_some(keys)
    }
}

/// One key field of an item as text: `80` for the number and for the string.
pub fn key_field(item: &Value, key: &str) -> Option<String> {
    match item.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Some(scalar.to_string()),
        Some(_) => None,
        None => {
            let (_, default) = DEFAULTS.iter().find(|(name, _)| *name == key)?;
            item.is_object().then(|| (*default).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_known_by_the_end_of_their_path() {
        for (path, expected) in [
            ("spec template spec containers", Some("name")),
            ("spec jobTemplate spec template spec initContainers", Some("name")),
            ("spec template spec containers ports", Some("containerPort protocol")),
            ("spec ports", Some("port protocol")),
            (
                "spec template spec topologySpreadConstraints",
                Some("topologyKey whenUnsatisfiable"),
            ),
            ("spec resourcePolicy containerPolicies", Some("containerName")),
            ("spec template spec tolerations", None),
            ("spec metrics", None),
            ("containers", None),
        ] {
            let path: Vec<&str> = path.split(' ').collect();
            assert_eq!(
                keyed_list(&path).map(|list| list.keys.join(" ")).as_deref(),
                expected,
                "{path:?}"
            );
        }
    }

    #[test]
    fn an_absent_protocol_is_tcp_and_numbers_are_text() {
        let ports = keyed_list(&["containers", "ports"]).unwrap();
        assert_eq!(
            ports.key_of(&json!({"containerPort": 80})),
            Some(vec!["80".into(), "TCP".into()])
        );
        assert_eq!(ports.key_of(&json!({"protocol": "UDP"})), None);
        assert_eq!(ports.key_of(&json!("80")), None);
    }

    #[test]
    fn a_merge_loses_items_of_one_key() {
        let udp = json!({"containerPort": 53, "protocol": "UDP"});
        let (bare, tcp) = (
            json!({"containerPort": 53}),
            json!({"containerPort": 53, "protocol": "TCP"}),
        );
        for (items, keeps_all) in [
            (vec![&udp, &tcp], true),
            (vec![&bare, &udp, &tcp], true),
            (vec![&udp, &bare], false),
            (vec![&bare, &bare], false),
        ] {
            let items: Vec<Value> = items.into_iter().cloned().collect();
            let ports = keyed_list(&["containers", "ports"]).unwrap();
            assert_eq!(ports.keeps_all(&items), keeps_all, "{items:?}");
        }
        let env = keyed_list(&["containers", "env"]).unwrap();
        assert!(!env.keeps_all(&[json!({"value": "1"})]));
    }

    #[test]
    fn items_that_share_a_key_have_no_keys() {
        let env = keyed_list(&["containers", "env"]).unwrap();
        assert_eq!(env.keys_of(&[json!({"name": "A"}), json!({"name": "A"})]), None);
        assert_eq!(
            env.keys_of(&[json!({"name": "A"}), json!({"name": "B"})])
                .map(|keys| keys.len()),
            Some(2)
        );
    }
}
