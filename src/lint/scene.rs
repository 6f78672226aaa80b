//! What rules look at, read once: the objects, the workloads among them, and the cluster if it is known.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::{Selector, SelectorExt};
use serde_json::Value;

use crate::catalog::spot::{ALL, GKE};
use crate::diag::{Code, Diagnostic, Place};
use crate::krm::{MANAGED_BY, Object, ObjectId};
use crate::policy::{Cluster, Settings};
use crate::units::Seconds;
use crate::workload::{self, Workload, Workloads};

/// Everything that rules see.
pub struct Scene<'a> {
    /// Objects that have an identity, in their order.
    pub objects: Vec<(ObjectId, &'a Object)>,
    /// The workloads and what points at them.
    pub workloads: Workloads,
    /// The cluster, if it is known.
    pub cluster: Option<&'a Cluster>,
}

impl<'a> Scene<'a> {
    /// Reads the objects.
    pub fn of(objects: &'a [Object], settings: Option<&'a Settings>) -> Self {
        let default_namespace = settings.map(Settings::default_namespace).unwrap_or_default();
        Self {
            objects: objects
                .iter()
                .filter_map(|object| Some((ObjectId::of(object)?, object)))
                .collect(),
            workloads: workload::read_in(objects, &default_namespace).0,
            cluster: settings.map(|settings| &settings.cluster),
        }
    }

    /// Where an object lives, which its manifest need not say.
    pub fn namespace<'s>(&'s self, id: &'s ObjectId) -> &'s str {
        self.workloads.default_namespace.of(id)
    }

    /// Objects of a kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = (&ObjectId, &'a Object)> {
        self.objects
            .iter()
            .filter(move |(id, _)| id.group == group && id.kind == kind)
            .map(|(id, object)| (id, *object))
    }

    /// Workloads that own their pods.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.by_key.values()
    }

    /// Labels of interruptible nodes and how long their pods are told: the cluster's, else those of every provider.
    pub(super) fn spot_marks(&self) -> Vec<(BTreeMap<String, String>, Seconds)> {
        if let Some(spot) = self.cluster.and_then(|cluster| cluster.spot.as_ref()) {
            let notice = spot.notice.unwrap_or(Seconds::new(SHORTEST_NOTICE_S));
            return vec![(spot.labels.clone(), notice)];
        }
        let labels = |(key, value): (&str, &str)| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        ALL.iter()
            .map(|marks| (labels(marks.label), Seconds::new(marks.notice_s)))
            .collect()
    }
}

/// What a cluster that names no notice is taken to give: the shortest of the providers.
const SHORTEST_NOTICE_S: u64 = GKE.notice_s;

/// Whether trimtab made the object.
pub(super) fn is_ours(object: &Object) -> bool {
    let label = object
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get(MANAGED_BY.0));
    label.and_then(Value::as_str) == Some(MANAGED_BY.1)
}

/// A finding on an object: an error if we made it, else a warning.
pub(super) fn finding(
    code: Code,
    (id, is_ours): (&ObjectId, bool),
    pointer: &str,
    headline: impl Into<String>,
) -> Diagnostic {
    let place = Place::Object {
        object: id.to_string(),
        pointer: pointer.to_owned(),
    };
    let new = if is_ours {
        Diagnostic::error
    } else {
        Diagnostic::warning
    };
    new(code, headline).at(place)
}

/// The lowest count of pods a workload may run with: its scalers' minimum, else its replicas. Zero counts as one, as
/// nothing is evicted from nothing.
pub(super) fn lowest_replicas(workload: &Workload) -> u32 {
    let scaled = workload.scalers.iter().map(|scaler| scaler.min_replicas).min();
    scaled.or(workload.replicas).unwrap_or(1).max(1)
}

/// A selector of the API; `None` for one that can't be read.
pub(super) fn selector(value: &Value) -> Option<Selector> {
    let selector: LabelSelector = serde_json::from_value(value.clone()).ok()?;
    Selector::try_from(selector).ok()
}

/// Whether a selector selects pods with these labels.
pub(super) fn selects(selector: &Selector, labels: &BTreeMap<String, String>) -> bool {
    selector.matches(labels)
}

/// The items of a list; none where there is no list.
pub(super) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A count in an object.
pub(super) fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}
