//! The workloads of an environment, as planning and rendering see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::by_label::ByLabel;
use crate::krm::id::{Taken, View};
use crate::krm::{DefaultNamespace, FieldPath, ObjectId};
use crate::policy::Subject;
use crate::units::{Bytes, IntOrPercent, Millicores, Percent, Seconds};

/// Everything found in an environment's objects.
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    /// Where objects live that name no namespace.
    pub default_namespace: DefaultNamespace,
    /// By key, `Deployment/shop/api`.
    pub by_key: BTreeMap<String, Workload>,
    /// Those that own their pods, by the labels of the pods.
    pub(super) by_label: ByLabel,
    /// HPAs, ScaledObjects, budgets and VPAs that trimtab did not make, whatever they point at.
    pub foreign: Vec<ObjectId>,
    /// Keys that several objects have: which of them is meant can't be told.
    pub repeated: BTreeSet<String>,
    /// Namespaces whose `LimitRange` gives requests to containers without them.
    pub filled: BTreeSet<String>,
    /// Scalers and VPAs that name a workload as it was called before, inside a build that may put the name right or not:
    /// the key of the workload they are counted to, and the reference.
    pub followed: Vec<(String, Missing)>,
}

/// An owner's scaler or VPA whose target is not there by the name it says, and a workload that nearly has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The scaler or VPA.
    pub id: ObjectId,
    /// What it points at: `Deployment/api`.
    pub target: String,
}

impl Missing {
    /// `ScaledObject/shop/prd-api` points at `Deployment/api`, …
    pub fn words(&self) -> String {
        format!(
            "`{}` points at `{}`, which is not among the manifests",
            self.id, self.target
        )
    }
}

impl Workloads {
    /// Takes followed references at their word: they miss their workloads.
    pub fn let_go(&mut self, is_missed: impl Fn(&(String, Missing)) -> bool) -> Vec<(String, Missing)> {
        let followed = std::mem::take(&mut self.followed);
        let (missed, followed) = followed.into_iter().partition(is_missed);
        self.followed = followed;
        for (key, missing) in &missed {
            if let Some(workload) = self.by_key.get_mut(key) {
                workload.scalers.retain(|scaler| scaler.id != missing.id);
                workload.vpas.retain(|vpa| vpa.id != missing.id);
                workload.missed_by.push(missing.clone());
            }
        }
        self.mark_taken_names();
        missed
    }

    /// Notes names that objects of others have: one that does not point at the workload of its name serves something else.
    pub(super) fn mark_taken_names(&mut self) {
        let mut named: BTreeMap<(View, &str, &str), Vec<&String>> = BTreeMap::new();
        for (key, workload) in &self.by_key {
            for (view, _, _, namespace, name) in self.default_namespace.places(&workload.id) {
                named.entry((view, namespace, name)).or_default().push(key);
            }
        }
        let mut taken: Vec<(String, String)> = Vec::new();
        for foreign in &self.foreign {
            let places = self.default_namespace.places(foreign).into_iter();
            let keys = places.filter_map(|(view, _, _, namespace, name)| named.get(&(view, namespace, name)));
            let others = keys.flatten().filter(|key| !self.by_key[**key].has(foreign));
            taken.extend(others.map(|key| ((*key).clone(), foreign.kind.clone())));
        }
        for (key, kind) in taken {
            if let Some(workload) = self.by_key.get_mut(&key) {
                workload.taken_names.insert(kind);
            }
        }
    }

    /// All that own their pods and that a selector may select in a namespace.
    pub fn near<'a>(&'a self, namespace: &str, selector: &Value) -> impl Iterator<Item = &'a Workload> + use<'a> {
        let near = self.by_label.near(namespace, selector).iter();
        near.filter_map(|key| self.by_key.get(key))
    }

    /// The places that scalers, budgets and VPAs of others take.
    pub fn taken_places(&self) -> BTreeSet<Taken<'_>> {
        let foreign = self.foreign.iter();
        foreign.flat_map(|id| self.default_namespace.places(id)).collect()
    }

    /// Whether a `LimitRange` of its namespace gives requests to containers without them.
    pub fn is_filled(&self, workload: &Workload) -> bool {
        self.filled.contains(&workload.namespace)
    }

    /// The key that a workload has here which a plan knows by `key`: its manifest may name the namespace now and not then,
    /// or the reverse.
    pub fn key_now(&self, key: &str) -> Option<String> {
        if self.by_key.contains_key(key) {
            return None;
        }
        let other = self.default_namespace.other_key(key)?;
        self.by_key.contains_key(&other).then_some(other)
    }

    /// Whether a workload, or the owner of its pod template, is among the manifests more than once.
    pub fn is_repeated(&self, workload: &Workload) -> bool {
        let keys = [workload.key(), workload.template_id.to_string()];
        keys.iter().any(|key| self.repeated.contains(key))
    }
}

/// One workload and what points at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The object that scalers name.
    pub id: ObjectId,
    /// Where it lives, which its manifest need not say.
    pub namespace: String,
    /// The object that owns the pod template: the same, or the Deployment that a Rollout refers to.
    pub template_id: ObjectId,
    /// The workload that has the pod template and is not among the manifests: `Deployment/name`.
    pub template_missing: Option<String>,
    /// The way to the pod template in that object: `.spec.template`, or deeper in a CronJob.
    pub template_path: FieldPath,
    /// Labels of the workload itself.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the workload itself.
    pub annotations: BTreeMap<String, String>,
    /// Labels of its pods.
    pub pod_labels: BTreeMap<String, String>,
    /// `spec.selector` as it stands (`matchLabels` and `matchExpressions`); `Null` for a CronJob or Job.
    pub selector: Value,
    /// `spec.replicas`, if it is there.
    pub replicas: Option<u32>,
    /// Containers in their order, native sidecars (`restartPolicy: Always` init containers) behind them.
    pub containers: Vec<Container>,
    /// The pod spec of the template, as it stands.
    pub pod_spec: Value,
    /// `terminationGracePeriodSeconds`, if it is there.
    pub grace_period: Option<Seconds>,
    /// What Kubernetes does not take of it: a template's placeholder, a unit that is none, a text for a list.
    pub unreadable: Vec<String>,
    /// Whether it holds state: volume claims of its own, or a claim that one node may mount.
    pub has_state: bool,
    /// Whether a volume allows one pod only (`ReadWriteOnce` claim in a Deployment, `Recreate` strategy).
    pub is_exclusive: bool,
    /// Whether a Rollout owns its pods (`workloadRef` points here): never a target of its own.
    pub is_behind_rollout: bool,
    /// Workloads whose pods its selector selects.
    pub selects: Group,
    /// Workloads whose selector selects its pods.
    pub selected_by: Group,
    /// Kinds of objects of others that have its name and serve something else.
    pub taken_names: BTreeSet<String>,
    /// HPAs and ScaledObjects that point at it.
    pub scalers: Vec<Scaler>,
    /// PodDisruptionBudgets that select its pods.
    pub budgets: Vec<Budget>,
    /// VerticalPodAutoscalers that point at it.
    pub vpas: Vec<Vpa>,
    /// What was meant for it, by its own name, and points at nothing: the reference lacks a prefix or suffix.
    pub missed_by: Vec<Missing>,
}

/// Keys of workloads, sorted. One list serves all that select, or are selected, alike: with n workloads of one
/// label there are n² pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group(Arc<[String]>);

impl FromIterator<String> for Group {
    fn from_iter<I: IntoIterator<Item = String>>(keys: I) -> Self {
        let sorted: BTreeSet<String> = keys.into_iter().collect();
        Self(sorted.into_iter().collect())
    }
}

impl Group {
    /// All of them.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// All but the workload of this key.
    pub fn others<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a String> {
        self.0.iter().filter(move |other| *other != key)
    }

    /// Whether the workload of this key is among them.
    pub fn contains(&self, key: &str) -> bool {
        self.0.binary_search_by(|other| other.as_str().cmp(key)).is_ok()
    }

    /// How many others there are.
    pub fn count_of_others(&self, key: &str) -> usize {
        self.0.len() - usize::from(self.contains(key))
    }

    /// Where the list is kept: the same for all that share it.
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

/// A container of the pod template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Whether it is a native sidecar (an init container that keeps running).
    pub is_sidecar: bool,
    /// CPU request.
    pub cpu_request: Option<Millicores>,
    /// Memory request.
    pub memory_request: Option<Bytes>,
    /// CPU limit.
    pub cpu_limit: Option<Millicores>,
    /// Memory limit.
    pub memory_limit: Option<Bytes>,
    /// Whether `lifecycle.preStop` is set.
    pub has_pre_stop: bool,
    /// Whether image, environment or arguments tell of a Java virtual machine.
    pub looks_like_jvm: bool,
}

/// An HPA or ScaledObject that is in the manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaler {
    /// Its identity; the kind tells which.
    pub id: ObjectId,
    /// Its `spec`, as it stands: rendering keeps what is not ours.
    pub spec: Value,
    /// Whether trimtab made it: then it counts as absent when planning.
    pub is_ours: bool,
    /// Lowest replicas, with the API's default.
    pub min_replicas: u32,
    /// Highest replicas.
    pub max_replicas: Option<u32>,
    /// CPU utilization target.
    pub cpu_target: Option<Percent>,
    /// The one container that the CPU target looks at; `None`: the sum of the pod.
    pub cpu_container: Option<String>,
    /// Memory utilization target.
    pub memory_target: Option<Percent>,
    /// Number of metrics or triggers besides CPU and memory utilization.
    pub other_metrics: usize,
    /// Numbers of CPU and of memory utilization targets among its metrics or triggers.
    pub utilization_targets: [usize; 2],
    /// Whether metrics or behaviour of it stand in annotations, as `autoscaling/v1` has no fields for them.
    pub is_annotated: bool,
}

/// A PodDisruptionBudget that is in the manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Its identity.
    pub id: ObjectId,
    /// Its `spec`, as it stands: rendering keeps what is not ours.
    pub spec: Value,
    /// Whether trimtab made it.
    pub is_ours: bool,
    /// Pods that must stay.
    pub min_available: Option<IntOrPercent>,
    /// Pods that may go.
    pub max_unavailable: Option<IntOrPercent>,
    /// Whether it selects pods of other workloads too.
    pub is_shared: bool,
}

/// A VerticalPodAutoscaler that is in the manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Vpa {
    /// Its identity.
    pub id: ObjectId,
    /// Its `spec`, as it stands: rendering keeps what is not ours.
    pub spec: Value,
    /// Whether trimtab made it.
    pub is_ours: bool,
    /// `updateMode`, with the API's default (`Recreate`).
    pub update_mode: String,
}

impl Container {
    /// Whether pods request the resource. A limit alone is a request too: the API server copies it.
    pub fn has_request(&self, resource: &str) -> bool {
        match resource {
            "cpu" => self.cpu_request.or(self.cpu_limit).is_some(),
            "memory" => self.memory_request.or(self.memory_limit).is_some(),
            _ => true,
        }
    }
}

impl Workload {
    /// The scalers that others made.
    pub fn foreign_scalers(&self) -> impl Iterator<Item = &Scaler> {
        self.scalers.iter().filter(|scaler| !scaler.is_ours)
    }

    /// The one scaler that others made; `None` where there is none or several.
    pub fn foreign_scaler(&self) -> Option<&Scaler> {
        let mut foreign = self.foreign_scalers();
        foreign.next().filter(|_| foreign.next().is_none())
    }

    /// Where its pod template is, if elsewhere: `apps/v1/Deployment/name`.
    pub fn template_in(&self) -> Option<String> {
        let template = &self.template_id;
        (*template != self.id).then(|| format!("{}/{}/{}", template.api_version(), template.kind, template.name))
    }

    /// The budgets that others made.
    pub fn foreign_budgets(&self) -> impl Iterator<Item = &Budget> {
        self.budgets.iter().filter(|budget| !budget.is_ours)
    }

    /// The VPAs that others made.
    pub fn foreign_vpas(&self) -> impl Iterator<Item = &Vpa> {
        self.vpas.iter().filter(|vpa| !vpa.is_ours)
    }

    /// The container without the request that a utilization target looks at: the one it names, else any of the pod.
    /// `Some(None)`: the one it names is not there.
    pub fn unmeasured(&self, resource: &str, named: Option<&str>) -> Option<Option<&Container>> {
        let mut looked_at = self
            .containers
            .iter()
            .filter(|container| named.is_none_or(|name| container.name == name));
        match looked_at.find(|container| !container.has_request(resource)) {
            Some(container) => Some(Some(container)),
            None => named.filter(|name| self.container(name).is_none()).map(|_| None),
        }
    }

    /// Why its own manifests are not to be changed, if something stands against it. What stands there is its owner's to
    /// mend, and would be lost or doubled under a value of ours.
    pub fn kept_as_written(&self) -> Option<String> {
        if let Some(owner) = &self.template_missing {
            return Some(format!(
                "its pod template is in `{owner}`, which is not among the manifests"
            ));
        }
        if !self.unreadable.is_empty() {
            let found = self.unreadable.join(", ");
            return Some(format!("it has values that no API server takes: {found}"));
        }
        let has_containers = self.containers.iter().any(|container| !container.is_sidecar);
        (!has_containers).then(|| "its pod template has no containers".to_owned())
    }

    /// Whether an object is a scaler, budget or VPA of it.
    fn has(&self, object: &ObjectId) -> bool {
        let scalers = self.scalers.iter().map(|scaler| &scaler.id);
        let budgets = self.budgets.iter().map(|budget| &budget.id);
        let vpas = self.vpas.iter().map(|vpa| &vpa.id);
        scalers.chain(budgets).chain(vpas).any(|id| id.is_same_object(object))
    }

    /// `Deployment/shop/api`.
    pub fn key(&self) -> String {
        self.id.to_string()
    }

    /// What rules look at.
    pub fn subject(&self) -> Subject {
        let mut labels = self.pod_labels.clone();
        labels.extend(self.labels.clone());
        Subject {
            kind: self.id.kind.clone(),
            name: self.id.name.clone(),
            namespace: self.namespace.clone(),
            labels,
            annotations: self.annotations.clone(),
        }
    }

    /// Whether the pod as a whole states a request or limit of a resource (`spec.resources` of the pod, KEP-2837).
    pub fn is_sized_as_pod(&self, resource: &str) -> bool {
        let resources = self.pod_spec.get("resources");
        ["requests", "limits"].into_iter().any(|list| {
            resources
                .and_then(|resources| resources.get(list)?.get(resource))
                .is_some()
        })
    }

    /// Topology keys over which the manifest itself spreads the pods, and leaves them pending where it can't be kept.
    pub fn hard_spreads(&self) -> BTreeSet<&str> {
        let constraints = self.pod_spec.get("topologySpreadConstraints").and_then(Value::as_array);
        let hard = constraints
            .into_iter()
            .flatten()
            .filter(|constraint| constraint["whenUnsatisfiable"] == "DoNotSchedule");
        hard.filter_map(|constraint| constraint["topologyKey"].as_str())
            .collect()
    }

    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Whether its kind has a scale subresource.
    pub fn is_scalable_kind(&self) -> bool {
        matches!(self.id.kind.as_str(), "Deployment" | "StatefulSet" | "Rollout")
    }
}
