//! Which object: group, version, kind, namespace and name; and where objects live that name no namespace.

use kube_core::GroupVersionKind;
use serde_json::Value;

/// Identity of an object. Two ids are the same object when group, kind, namespace and name agree: the version is a way
/// of looking at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId {
    /// API group; empty for core.
    pub group: String,
    /// Kind, as the API spells it.
    pub kind: String,
    /// Namespace as written; empty where the manifest names none. Whether two objects live in one namespace is told by
    /// [`DefaultNamespace`].
    pub namespace: String,
    /// Name.
    pub name: String,
    /// API version, without the group.
    pub version: String,
}

impl ObjectId {
    /// The id of an object; `None` where apiVersion, kind or name is missing, or name or namespace is no text: which
    /// object is meant can't be told then.
    pub fn of(object: &Value) -> Option<Self> {
        let api_version = object.get("apiVersion")?.as_str()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let metadata = object.get("metadata")?;
        if unreadable(object).is_some() {
            return None;
        }
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: object.get("kind")?.as_str()?.to_owned(),
            namespace: metadata
                .get("namespace")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            name: metadata.get("name")?.as_str()?.to_owned(),
        })
    }

    /// Made from its parts: `ObjectId::new("apps/v1", "Deployment", "shop", "api")`.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// `apps/v1`, or `v1` for core.
    pub fn api_version(&self) -> String {
        self.gvk().api_version()
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::gvk(&self.group, &self.version, &self.kind)
    }

    /// Whether both are one object of a build, as kustomize tells objects apart.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// What identifies the object in a build: group, kind, namespace (`default` and none are one) and name.
    pub fn key(&self) -> (&str, &str, &str, &str) {
        let namespace = if self.namespace == DEFAULT { "" } else { &self.namespace };
        (&self.group, &self.kind, namespace, &self.name)
    }
}

/// Where kustomize, kubectl and the API server put what names no namespace.
const DEFAULT: &str = "default";

/// Who tells two objects apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// kustomize, which knows no stated namespace.
    Build,
    /// The API server.
    Cluster,
}

/// Group, kind, namespace and name, as one of them sees it.
pub type Taken<'a> = (View, &'a str, &'a str, &'a str, &'a str);

/// The namespace of objects that name none: the one that a policy states (`spec.identity.namespace`), else `default`.
///
/// The one notion by which it is told what lives beside what. What trimtab makes is written as the manifest beside it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultNamespace(String);

impl Default for DefaultNamespace {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl DefaultNamespace {
    /// The stated one; `default` where the text is empty.
    pub fn stated(namespace: &str) -> Self {
        if namespace.is_empty() {
            Self::default()
        } else {
            Self(namespace.to_owned())
        }
    }

    /// Where an object lives.
    pub fn of<'a>(&'a self, id: &'a ObjectId) -> &'a str {
        if id.namespace.is_empty() {
            &self.0
        } else {
            &id.namespace
        }
    }

    /// Whether there is room for one of the two alone: they are one object of the cluster, or of a build, which knows no
    /// stated namespace.
    pub fn collide(&self, one: &ObjectId, other: &ObjectId) -> bool {
        let (one, other) = (self.places(one), self.places(other));
        one.iter().zip(&other).any(|(one, other)| one == other)
    }

    /// The place of an object in a build, and in the cluster: two that have one of them in common collide.
    pub fn places<'a>(&'a self, id: &'a ObjectId) -> [Taken<'a>; 2] {
        let (group, kind, in_build, name) = id.key();
        let place = |view, namespace| (view, group, kind, namespace, name);
        [place(View::Build, in_build), place(View::Cluster, self.of(id))]
    }

    /// The other way to write the key of a workload: `Deployment/api` for `Deployment/default/api`, and the reverse. `None`
    /// where there is one way.
    pub fn other_key(&self, key: &str) -> Option<String> {
        match key.split('/').collect::<Vec<_>>()[..] {
            [kind, name] => Some(format!("{kind}/{}/{name}", self.0)),
            [kind, namespace, name] if namespace == self.0 => Some(format!("{kind}/{name}")),
            _ => None,
        }
    }
}

/// The name or namespace of an object that is no text, as it is written: `namespace: 5`. YAML makes a number of an
/// unquoted one, kustomize hands it on, and no API server takes it.
pub fn unreadable(object: &Value) -> Option<String> {
    let metadata = object.get("metadata")?;
    ["name", "namespace"].into_iter().find_map(|field| {
        let value = metadata
            .get(field)
            .filter(|value| !value.is_null() && !value.is_string())?;
        Some(format!("{field}: {value}"))
    })
}

/// Whether an API server takes a text as the name of a workload: a DNS subdomain (RFC 1123).
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_of_any_length)
}

/// Whether an API server takes a text as a namespace or in a name: a DNS label (RFC 1123).
pub fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_label_of_any_length(name)
}

fn is_label_of_any_length(name: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    is_edge(name.chars().next()) && is_edge(name.chars().last()) && name.chars().all(is_inner)
}

/// `Deployment/shop/api`, or `Deployment/api` without a namespace.
impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_those_of_rfc_1123() {
        let long = "a".repeat(64);
        for (name, label, subdomain) in [
            ("api", true, true),
            ("0-a", true, true),
            ("a.b-c.d", false, true),
            (long.as_str(), false, true),
            ("Api", false, false),
            ("a_b", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("$(name)", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_label(name), is_subdomain(name)), (label, subdomain), "{name}");
        }
    }

    #[test]
    fn an_object_without_a_namespace_lives_in_the_stated_one_else_in_default() {
        let id = |namespace: &str| ObjectId::new("apps/v1", "Deployment", namespace, "api");
        for (stated, namespace, lives_in) in [
            ("", "", "default"),
            ("", "default", "default"),
            ("", "shop", "shop"),
            ("shop", "", "shop"),
            ("shop", "default", "default"),
        ] {
            assert_eq!(
                DefaultNamespace::stated(stated).of(&id(namespace)),
                lives_in,
                "{stated}"
            );
        }
        // a build takes `default` for none, whatever is stated: there is room for one of the two
        let stated = DefaultNamespace::stated("shop");
        assert!(stated.collide(&id(""), &id("shop")) && stated.collide(&id(""), &id("default")));
        assert!(!stated.collide(&id("shop"), &id("default")));
        for (key, other) in [
            ("Deployment/api", Some("Deployment/shop/api")),
            ("Deployment/shop/api", Some("Deployment/api")),
            ("Deployment/default/api", None),
        ] {
            assert_eq!(stated.other_key(key).as_deref(), other, "{key}");
        }
    }

    #[test]
    fn what_is_no_text_is_no_identity() {
        for (metadata, expected) in [
            (json!({"name": "a"}), None),
            (json!({"name": "5", "namespace": "5"}), None),
            (json!({"name": "a", "namespace": null}), None),
            (json!({"name": 5}), Some("name: 5")),
            (json!({"name": "a", "namespace": 5}), Some("namespace: 5")),
            (json!({"name": true}), Some("name: true")),
        ] {
            let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
            assert_eq!(unreadable(&object).as_deref(), expected, "{metadata}");
            assert_eq!(ObjectId::of(&object).is_some(), expected.is_none(), "{metadata}");
        }
    }
}
