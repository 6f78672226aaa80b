//! The files of a kustomize layer: ours around an overlay, or whole manifests.
//!
//! The layer names what it stands on, adds the objects that are new and patches the ones that changed; what it stands on
//! is not touched. File names depend on the objects alone, so that a refresh changes only files whose content changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::apply::{ApplyError, apply_each};
use super::below::Below;
use super::patch::{Patch, by_operations, patch};
use super::{Edit, Object, ObjectId};

/// The kustomization file of every layer.
pub const KUSTOMIZATION: &str = "kustomization.yaml";

/// How the files of patches end.
pub const PATCH: &str = ".patch.yaml";

/// Longest file name we make; file systems allow 255 bytes.
const LONGEST: usize = 200;

/// Files by name, `kustomization.yaml` among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Content by file name.
    pub files: BTreeMap<String, Value>,
}

/// Why there is no layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// The edits do not fit the objects.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A patch, or a reference of a new object, would be for another object.
    #[error("kustomize can't tell `{meant}` from `{other}`, which had that name before")]
    Mistaken {
        /// The object that is meant.
        meant: Box<ObjectId>,
        /// The other one.
        other: Box<ObjectId>,
    },
}

/// The layer around `base` (a path from the layer's folder to what it stands on) that turns `before`, what `base`
/// builds, into `apply(before, edits)`.
pub fn overlay(name: &str, base: &str, before: &[Object], edits: &[Edit], below: &Below) -> Result<Layer, LayerError> {
    let after = apply_each(before.to_vec(), edits)?;
    let changed = before
        .iter()
        .zip(&after.existing)
        .filter_map(|(before, after)| Some((ObjectId::of(before)?, change(before, after.as_ref(), below)?)))
        .map(|(id, patch)| for_it_alone(&id, patch, below).map(|patch| (id, patch)))
        .collect::<Result<Vec<(ObjectId, Patch)>, _>>()?;
    let new: Vec<&Object> = after.new.iter().collect();
    new.iter().try_for_each(|object| refers_as_written(object, below))?;
    let ids: Vec<ObjectId> = changed
        .iter()
        .map(|(id, _)| id.clone())
        .chain(new.iter().filter_map(|object| ObjectId::of(object)))
        .collect();
    let names = FileNames::of(&ids);
    let mut files = BTreeMap::new();
    let mut patches = BTreeMap::new();
    for (id, patch) in changed {
        let file = names.of_id(&id, PATCH);
        let (content, entry) = match patch {
            Patch::Merge(content) => (content, json!({"path": file})),
            Patch::Json6902(content) => (content, json!({"path": file, "target": target(&id)})),
        };
        files.insert(file.clone(), content);
        patches.insert(file, entry);
    }
    let mut resources = objects_into(&mut files, &names, new);
    resources.insert(0, base.to_owned());
    Ok(finish(files, name, &resources, patches.into_values().collect()))
}

fn change(before: &Object, after: Option<&Object>, below: &Below) -> Option<Patch> {
    match after {
        Some(after) if below.shares_values => by_operations(before, after),
        Some(after) => patch(before, after, below.schema),
        None => Some(Patch::Merge(deletion(before))),
    }
}

/// The patch, if kustomize finds its object alone.
fn for_it_alone(id: &ObjectId, patch: Patch, below: &Below) -> Result<Patch, LayerError> {
    let other = match patch {
        Patch::Merge(_) => below.also_named(id),
        Patch::Json6902(_) => below.also_selected(id),
    };
    other.map_or(Ok(patch), |other| Err(mistaken(id.clone(), other)))
}

fn mistaken(meant: ObjectId, other: &ObjectId) -> LayerError {
    LayerError::Mistaken {
        meant: Box::new(meant),
        other: Box::new(other.clone()),
    }
}

/// The one reference of a new object that kustomize puts right: an HPA's.
fn refers_as_written(object: &Object, below: &Below) -> Result<(), LayerError> {
    let target = &object["spec"]["scaleTargetRef"];
    let (Some(id), Some(kind), Some(name)) = (ObjectId::of(object), target["kind"].as_str(), target["name"].as_str())
    else {
        return Ok(());
    };
    match below.mistaken_for(kind, &id.namespace, name) {
        Some(other) if id.kind == "HorizontalPodAutoscaler" => {
            let api_version = target["apiVersion"].as_str().unwrap_or_default();
            Err(mistaken(ObjectId::new(api_version, kind, &id.namespace, name), other))
        }
        _ => Ok(()),
    }
}

/// The patch that takes a whole object away, in every schema.
fn deletion(object: &Object) -> Object {
    let mut metadata = json!({"name": object["metadata"]["name"]});
    if let Some(namespace) = object["metadata"].get("namespace") {
        metadata["namespace"] = namespace.clone();
    }
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "$patch": "delete"})
}

/// Why objects can't be the resources of one kustomization: kustomize would refuse it, so none is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestsError {
    /// `generateName`, or no name at all.
    #[error("a {kind} has no `metadata.name`, and kustomize takes only objects with one")]
    Nameless {
        /// Its kind.
        kind: String,
    },
    /// Two objects of one identity.
    #[error("`{0}` is there twice, and kustomize takes each object once")]
    Twice(ObjectId),
}

/// A layer that holds every object whole and needs nothing but itself.
pub fn manifests(name: &str, objects: &[Object]) -> Result<Layer, ManifestsError> {
    let id_of = |object: &Object| {
        ObjectId::of(object).ok_or_else(|| ManifestsError::Nameless {
            kind: object["kind"].as_str().unwrap_or("object").to_owned(),
        })
    };
    let ids: Vec<ObjectId> = objects.iter().map(id_of).collect::<Result<_, _>>()?;
    let mut known = BTreeSet::new();
    if let Some(twice) = ids.iter().find(|id| !known.insert(id.key())) {
        return Err(ManifestsError::Twice(twice.clone()));
    }
    let mut files = BTreeMap::new();
    let resources = objects_into(&mut files, &FileNames::of(&ids), objects);
    Ok(finish(files, name, &resources, Vec::new()))
}

fn objects_into<'a>(
    files: &mut BTreeMap<String, Value>,
    names: &FileNames,
    objects: impl IntoIterator<Item = &'a Object>,
) -> Vec<String> {
    let mut made = BTreeSet::new();
    for object in objects {
        if let Some(id) = ObjectId::of(object) {
            let file = names.of_id(&id, ".yaml");
            files.insert(file.clone(), object.clone());
            made.insert(file);
        }
    }
    made.into_iter().collect()
}

fn finish(mut files: BTreeMap<String, Value>, name: &str, resources: &[String], patches: Vec<Value>) -> Layer {
    let mut kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        // kpt refuses one without a name
        "metadata": {"name": name},
        "resources": resources,
    });
    if !patches.is_empty() {
        kustomization["patches"] = patches.into();
    }
    files.insert(KUSTOMIZATION.into(), kustomization);
    Layer { files }
}

/// A patch target. Its fields are regular expressions to kustomize, and `.` is the only character of a name that is one.
fn target(id: &ObjectId) -> Value {
    let mut target = json!({"version": id.version, "kind": id.kind, "name": id.name.replace('.', r"\.")});
    if !id.group.is_empty() {
        target["group"] = id.group.as_str().into();
    }
    // without one, the objects of that name in every namespace would be meant
    target["namespace"] = if id.namespace.is_empty() {
        "default"
    } else {
        &id.namespace
    }
    .into();
    target
}

/// File names for a set of objects: `<kind>-<name>`, with the namespace and then the group where that is not enough.
struct FileNames {
    /// How many objects want each short name, and each one with the namespace.
    wanted: BTreeMap<String, usize>,
}

impl FileNames {
    fn of(ids: &[ObjectId]) -> Self {
        let mut wanted = BTreeMap::new();
        for id in ids.iter().collect::<BTreeSet<_>>() {
            for name in Self::candidates(id) {
                *wanted.entry(name).or_insert(0) += 1;
            }
        }
        Self { wanted }
    }

    fn candidates(id: &ObjectId) -> BTreeSet<String> {
        [Self::short(id), Self::with_namespace(id), Self::with_group(id)].into()
    }

    fn short(id: &ObjectId) -> String {
        file_name(&[&id.kind, &id.name])
    }

    fn with_namespace(id: &ObjectId) -> String {
        file_name(&[&id.kind, &id.namespace, &id.name])
    }

    fn with_group(id: &ObjectId) -> String {
        file_name(&[&id.kind, &id.group, &id.namespace, &id.name])
    }

    fn of_id(&self, id: &ObjectId, ending: &str) -> String {
        let free = [Self::short(id), Self::with_namespace(id), Self::with_group(id)]
            .into_iter()
            .find(|name| name.len() <= LONGEST && self.wanted.get(name).is_none_or(|count| *count == 1));
        let name = free.unwrap_or_else(|| {
            let (group, kind, namespace, name) = id.key();
            let digest = Sha256::digest([group, kind, namespace, name].join("/"));
            let short: String = Self::short(id).chars().take(LONGEST - 9).collect();
            format!(
                "{short}-{:02x}{:02x}{:02x}{:02x}",
                digest[0], digest[1], digest[2], digest[3]
            )
        });
        name + ending
    }
}

/// Lowercase, and `-` for everything that a file system or an eye may not like.
fn file_name(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts
        .join("-")
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.' | '-') => c,
            _ => '-',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: &[ObjectId]) -> Vec<String> {
        let names = FileNames::of(ids);
        ids.iter().map(|id| names.of_id(id, ".yaml")).collect()
    }

    #[test]
    fn file_names_grow_only_where_they_must() {
        let web = |api: &str, kind: &str, namespace: &str| ObjectId::new(api, kind, namespace, "web");
        for (ids, expected) in [
            (vec![web("apps/v1", "Deployment", "shop")], vec!["deployment-web.yaml"]),
            (
                vec![
                    web("v1", "Service", "a"),
                    web("v1", "Service", "b"),
                    web("v1", "Pod", "a"),
                ],
                vec!["service-a-web.yaml", "service-b-web.yaml", "pod-web.yaml"],
            ),
            (
                vec![web("v1", "Service", "a"), web("serving.knative.dev/v1", "Service", "a")],
                // the core one has no group to add: a digest (`printf /Service/a/web | sha256sum`) tells it apart
                vec!["service-web-a675a3cd.yaml", "service-serving.knative.dev-a-web.yaml"],
            ),
        ] {
            assert_eq!(names(&ids), expected);
        }
    }

    #[test]
    fn odd_and_long_names_become_distinct_short_file_names() {
        let role = |name: &str| ObjectId::new("rbac.authorization.k8s.io/v1", "ClusterRole", "", name);
        let long = "x".repeat(253);
        let made = names(&[role("a:b"), role("a-b"), role("A/../b"), role(&long)]);
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 4, "{made:?}");
        for name in &made {
            assert!(
                name.len() < 230 && !name.contains(['/', ':']) && *name == name.to_lowercase(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_layer_of_no_edits_is_the_base_alone() {
        let before = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        let layer = overlay("shop", "../apps/shop", &[before], &[], &Below::default()).unwrap();
        assert_eq!(
            layer.files,
            [(
                KUSTOMIZATION.to_owned(),
                json!({
                    "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                    "metadata": {"name": "shop"}, "resources": ["../apps/shop"],
                })
            )]
            .into()
        );
    }
}
