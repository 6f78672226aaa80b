//! Objects to workloads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attach::attach;
use super::by_label::ByLabel;
use super::model::{Group, Workload, Workloads};
use super::references::{Neighbours, meant};
use super::{containers, overlaps, pointers, shapes};
use crate::diag::{Diagnostic, code};
use crate::krm::id::{is_label, is_subdomain, unreadable};
use crate::krm::{DefaultNamespace, FieldPath, Object, ObjectId, at};
use crate::units::Seconds;

/// As [`read_in`], where no policy states a namespace.
pub fn read(objects: &[Object]) -> (Workloads, Vec<Diagnostic>) {
    read_in(objects, &DefaultNamespace::default())
}

/// Finds the workloads of an environment and everything that points at them.
pub fn read_in(objects: &[Object], default_namespace: &DefaultNamespace) -> (Workloads, Vec<Diagnostic>) {
    let identified: Vec<(ObjectId, &Object)> = objects
        .iter()
        .filter_map(|object| ObjectId::of(object).map(|id| (id, object)))
        .collect();
    let all = &Neighbours::of(&identified, default_namespace);
    let mut workloads = Workloads {
        default_namespace: default_namespace.clone(),
        ..Workloads::default()
    };
    for (id, object) in &identified {
        if let Some(workload) = workload(id, object, all) {
            let key = workload.key();
            // with and without its namespace it is one workload of the cluster
            if let Some(other) = workloads.key_now(&key) {
                workloads.repeated.extend([key.clone(), other]);
            }
            if workloads.by_key.insert(key.clone(), workload).is_some() {
                workloads.repeated.insert(key);
            }
        }
    }
    mark_behind_rollouts(&mut workloads);
    workloads.by_label = ByLabel::of(&workloads);
    overlaps::mark(&mut workloads);
    let mut diagnostics: Vec<Diagnostic> = objects.iter().filter_map(without_identity).collect();
    for (id, object) in &identified {
        attach((id, object), all, &mut workloads, &mut diagnostics);
        if pointers::is_foreign(id, object) {
            workloads.foreign.push(id.clone());
        }
        if id.group.is_empty() && id.kind == "LimitRange" && fills_requests(object) {
            workloads.filled.insert(default_namespace.of(id).to_owned());
        }
    }
    workloads.mark_taken_names();
    (workloads, diagnostics)
}

/// Where each kind keeps its pod template.
pub(super) fn template_keys(id: &ObjectId) -> Option<&'static [&'static str]> {
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") | ("argoproj.io", "Rollout") | ("batch", "Job") => {
            Some(&["spec", "template"])
        }
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

fn workload<'a>(id: &'a ObjectId, object: &'a Object, all: &Neighbours<'a>) -> Option<Workload> {
    let keys = template_keys(id)?;
    let source = template_source(id, object, all);
    let owner = source.object();
    // a workload without a template is a workload: that it has none is said where it is decided on
    let template = keys
        .iter()
        .try_fold(owner, |at, key| at.get(key))
        .filter(|_| source.missing().is_none())
        .unwrap_or(&Value::Null);
    let pod_spec = template.get("spec").cloned().unwrap_or_default();
    let own_selector = at(object, "/spec/selector").or_else(|| at(owner, "/spec/selector"));
    let (has_state, is_exclusive) = state((id, object), &pod_spec, all);
    Some(Workload {
        unreadable: containers::unreadable(&pod_spec)
            .into_iter()
            .chain(unreadable_replicas(object))
            .chain(impossible_name(id))
            .chain(shapes::mistyped(id, object, owner))
            .collect(),
        template_path: FieldPath::keys(keys.iter().copied()),
        labels: texts(at(object, "/metadata/labels")),
        annotations: texts(at(object, "/metadata/annotations")),
        pod_labels: texts(at(template, "/metadata/labels")),
        selector: if id.group == "batch" {
            Value::Null
        } else {
            own_selector.cloned().unwrap_or_default()
        },
        replicas: at(object, "/spec/replicas")
            .and_then(Value::as_u64)
            .and_then(|count| u32::try_from(count).ok()),
        containers: containers::read(&pod_spec),
        grace_period: pod_spec
            .get("terminationGracePeriodSeconds")
            .and_then(Value::as_u64)
            .map(Seconds::new),
        pod_spec,
        has_state,
        is_exclusive,
        is_behind_rollout: false,
        selects: Group::default(),
        selected_by: Group::default(),
        scalers: Vec::new(),
        budgets: Vec::new(),
        vpas: Vec::new(),
        missed_by: Vec::new(),
        taken_names: BTreeSet::new(),
        namespace: all.default_namespace.of(id).to_owned(),
        template_missing: source.missing(),
        template_id: source.id(id),
        id: id.clone(),
    })
}

/// `spec.replicas` that is there and no count.
fn unreadable_replicas(object: &Object) -> Option<String> {
    let replicas = at(object, "/spec/replicas").filter(|value| !value.is_null())?;
    let is_count = replicas.as_u64().is_some_and(|count| i32::try_from(count).is_ok());
    (!is_count).then(|| {
        format!(
            "replicas `{}`",
            replicas.as_str().map_or_else(|| replicas.to_string(), str::to_owned)
        )
    })
}

/// A name or namespace that no API server takes: a template's placeholder, upper case.
fn impossible_name(id: &ObjectId) -> Option<String> {
    if !is_subdomain(&id.name) {
        return Some(format!("metadata.name `{}`", id.name));
    }
    let is_namespace = id.namespace.is_empty() || is_label(&id.namespace);
    (!is_namespace).then(|| format!("metadata.namespace `{}`", id.namespace))
}

/// An object of which it can't be told which one it is.
fn without_identity(object: &Object) -> Option<Diagnostic> {
    let written = unreadable(object)?;
    let kind = object["kind"].as_str().unwrap_or("object");
    let headline = format!("a {kind} has `metadata.{written}`, which is no text: it stays as it is");
    Some(
        Diagnostic::warning(code::LEFT_ALONE, headline)
            .because("no API server takes it, and which object it is can't be told")
            .help("quote it"),
    )
}

/// Which object has the pod template of a workload.
enum TemplateSource<'a> {
    /// The workload itself.
    Own(&'a Object),
    /// The one that a Rollout refers to.
    Referenced(ObjectId, &'a Object),
    /// A Rollout refers to one that is not among the manifests.
    Missing(String, &'a Object),
}

fn template_source<'a>(id: &'a ObjectId, object: &'a Object, all: &Neighbours<'a>) -> TemplateSource<'a> {
    let Some(reference) = at(object, "/spec/workloadRef").filter(|_| id.kind == "Rollout") else {
        return TemplateSource::Own(object);
    };
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let meant = meant((id, object), (kind, name), all).name();
    let found = all.named(id, (kind, meant)).first();
    match found {
        Some(&(other, owner)) => TemplateSource::Referenced(other.clone(), owner),
        None => TemplateSource::Missing(format!("{kind}/{name}"), object),
    }
}

impl<'a> TemplateSource<'a> {
    fn object(&self) -> &'a Object {
        match self {
            Self::Own(object) | Self::Referenced(_, object) | Self::Missing(_, object) => object,
        }
    }

    fn id(&self, own: &ObjectId) -> ObjectId {
        match self {
            Self::Referenced(id, _) => id.clone(),
            Self::Own(_) | Self::Missing(..) => own.clone(),
        }
    }

    fn missing(&self) -> Option<String> {
        match self {
            Self::Missing(name, _) => Some(name.clone()),
            Self::Own(_) | Self::Referenced(..) => None,
        }
    }
}

fn mark_behind_rollouts(workloads: &mut Workloads) {
    let referenced: Vec<String> = workloads
        .by_key
        .values()
        .filter(|workload| workload.template_id != workload.id)
        .map(|workload| workload.template_id.to_string())
        .collect();
    for key in referenced {
        if let Some(workload) = workloads.by_key.get_mut(&key) {
            workload.is_behind_rollout = true;
        }
    }
}

/// Whether a `LimitRange` gives requests to containers without them.
fn fills_requests(range: &Value) -> bool {
    let limits = at(range, "/spec/limits").and_then(Value::as_array);
    limits.into_iter().flatten().any(|limit| {
        limit["type"] == "Container" && (limit.get("defaultRequest").is_some() || limit.get("default").is_some())
    })
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let map = value.and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
        .collect()
}

/// Whether a workload holds state, and whether it allows one pod at a time.
fn state((id, object): (&ObjectId, &Object), pod_spec: &Value, all: &Neighbours<'_>) -> (bool, bool) {
    let has_templates = at(object, "/spec/volumeClaimTemplates")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    let claims: Vec<&str> = pod_spec
        .get("volumes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|volume| at(volume, "/persistentVolumeClaim/claimName")?.as_str())
        .collect();
    let recreates = at(object, "/spec/strategy/type").and_then(Value::as_str) == Some("Recreate");
    let one_node = claims.iter().any(|claim| !is_shareable(claim, (id, object), all));
    (has_templates || !claims.is_empty(), recreates || one_node)
}

/// Whether several nodes may mount a claim. One that is not in the manifests is taken as one that can't be shared.
fn is_shareable(claim: &str, user: (&ObjectId, &Object), all: &Neighbours<'_>) -> bool {
    let kind = "PersistentVolumeClaim";
    let claim = meant(user, (kind, claim), all).name();
    all.named(user.0, (kind, claim))
        .first()
        .and_then(|(_, object)| at(object, "/spec/accessModes")?.as_array())
        .is_some_and(|modes| {
            modes
                .iter()
                .any(|mode| matches!(mode.as_str(), Some("ReadWriteMany" | "ReadOnlyMany")))
        })
}
