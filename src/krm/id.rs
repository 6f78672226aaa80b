//! Which object: group, version, kind, namespace and name.

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
    /// Namespace; empty where the manifest names none. `default` and none are one.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// API version, without the group.
    pub version: String,
}

impl ObjectId {
    /// The id of an object; `None` where apiVersion, kind or name is missing.
    pub fn of(object: &Value) -> Option<Self> {
        let api_version = object.get("apiVersion")?.as_str()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let metadata = object.get("metadata")?;
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

    /// Whether both name one object of the cluster.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// What identifies the object: group, kind, namespace (`default` and none are one) and name.
    pub fn key(&self) -> (&str, &str, &str, &str) {
        let namespace = if self.namespace == "default" {
            ""
        } else {
            &self.namespace
        };
        (&self.group, &self.kind, namespace, &self.name)
    }
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
