//! Who scales what: one scaler for each workload, on something that can be scaled, and no VPA under its hands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Rule;
use super::scene::{Scene, finding, is_ours, items};
use crate::diag::{Code, Diagnostic, code, first_of_many};
use crate::workload::{Group, Scaler, Vpa, Workload};

/// Two scalers on one workload, or on overlapping pods.
pub(super) struct TwoScalers;

impl Rule for TwoScalers {
    fn code(&self) -> Code {
        code::TWO_SCALERS
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        scene.workloads().flat_map(doubled).chain(overlapping(scene)).collect()
    }
}

fn doubled(workload: &Workload) -> Vec<Diagnostic> {
    let Some((first, others)) = workload.scalers.split_first() else {
        return Vec::new();
    };
    others
        .iter()
        .filter(|other| !is_handed_over(first, other) && !is_handed_over(other, first))
        .map(|other| {
            let headline = format!(
                "`{}` is scaled by `{}` and by `{}`",
                workload.id.name, first.id, other.id
            );
            let is_ours = other.is_ours || first.is_ours;
            finding(
                code::TWO_SCALERS,
                (&other.id, is_ours),
                "/spec/scaleTargetRef",
                headline,
            )
            .of(workload.key())
            .because("each undoes what the other does; KEDA refuses a target that an HPA has")
            .help("keep one of them, with the metrics of both")
        })
        .collect()
}

/// Whether a ScaledObject takes over this very HPA.
fn is_handed_over(hpa: &Scaler, scaled_object: &Scaler) -> bool {
    let name = scaled_object
        .spec
        .pointer("/advanced/horizontalPodAutoscalerConfig/name");
    hpa.id.kind == "HorizontalPodAutoscaler" && name.and_then(Value::as_str) == Some(&hpa.id.name)
}

/// Pods that the selectors of two scaled workloads share: both HPAs stop (`AmbiguousSelector`).
fn overlapping(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let is_scaled = |workload: &&Workload| !workload.scalers.is_empty();
    let mut known: BTreeMap<usize, Group> = BTreeMap::new();
    let mut found = Vec::new();
    for workload in scene.workloads().filter(is_scaled) {
        let key = workload.key();
        let others = known.entry(workload.selects.address()).or_insert_with(|| {
            let by_key = &scene.workloads.by_key;
            let keys = workload.selects.all().iter();
            keys.filter(|key| by_key.get(*key).as_ref().is_some_and(is_scaled))
                .cloned()
                .collect()
        });
        let count = others.count_of_others(&key);
        if count == 0 {
            continue;
        }
        let names = others.others(&key).map(|other| format!("`{}`", name_in(other)));
        // one for all: with n workloads of one label there are n² pairs
        let headline = format!(
            "the selector of `{}` also selects the pods of {}",
            workload.id.name,
            first_of_many(names, count)
        );
        found.push(
            finding(code::TWO_SCALERS, (&workload.id, false), "/spec/selector", headline)
                .of(workload.key())
                .because("an HPA whose pods another HPA selects too stops scaling")
                .help("give the workloads labels that tell their pods apart"),
        );
    }
    found
}

/// The name in a workload's key.
fn name_in(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// A scaler on something without a scale.
pub(super) struct UnscalableTarget;

impl Rule for UnscalableTarget {
    fn code(&self) -> Code {
        code::NOT_SCALABLE
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let hpas = scene.of_kind("autoscaling", "HorizontalPodAutoscaler");
        let scaled_objects = scene.of_kind("keda.sh", "ScaledObject");
        let behind = scene.workloads().filter(|workload| workload.is_behind_rollout);
        let behind: BTreeSet<(&str, &str, &str)> = behind
            .map(|workload| (&*workload.id.kind, &*workload.id.name, &*workload.namespace))
            .collect();
        let mut found = Vec::new();
        for (id, object) in hpas.chain(scaled_objects) {
            let text = |field: &str| object["spec"]["scaleTargetRef"][field].as_str();
            let (kind, name) = (text("kind").unwrap_or("Deployment"), text("name").unwrap_or_default());
            let at = |headline: String| {
                finding(
                    code::NOT_SCALABLE,
                    (id, is_ours(object)),
                    "/spec/scaleTargetRef",
                    headline,
                )
            };
            if matches!(kind, "DaemonSet" | "Job" | "CronJob" | "Pod") {
                found.push(
                    at(format!("a {kind} can't be scaled"))
                        .because("the kind has no scale, so the scaler never does anything")
                        .help("take the scaler out"),
                );
            } else if behind.contains(&(kind, name, scene.namespace(id))) {
                found.push(
                    at(format!(
                        "the Deployment `{name}` belongs to a Rollout, which sets its replicas"
                    ))
                    .help("point the scaler at the Rollout: `apiVersion: argoproj.io/v1alpha1`, `kind: Rollout`"),
                );
            } else if id.kind == "HorizontalPodAutoscaler" && text("apiVersion").is_none() {
                found.push(
                    at(format!("the target `{kind}/{name}` has no apiVersion"))
                        .because("without it the target is looked up in the core group, where no workload is")
                        .help("add `apiVersion: apps/v1`"),
                );
            }
        }
        found
    }
}

/// A VPA that moves the request which a utilization target divides by.
pub(super) struct ScalerFightsVpa;

impl Rule for ScalerFightsVpa {
    fn code(&self) -> Code {
        code::SCALER_FIGHTS_VPA
    }

    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for workload in scene.workloads() {
            for vpa in workload.vpas.iter().filter(|vpa| vpa.update_mode != "Off") {
                for scaler in &workload.scalers {
                    let targets = [("cpu", scaler.cpu_target), ("memory", scaler.memory_target)];
                    let fought = targets
                        .into_iter()
                        .filter(|(resource, target)| target.is_some() && controls(vpa, resource));
                    found.extend(fought.map(|(resource, _)| fight(workload, vpa, scaler, resource)));
                }
            }
        }
        found
    }
}

fn fight(workload: &Workload, vpa: &Vpa, scaler: &Scaler, resource: &str) -> Diagnostic {
    let headline = format!(
        "`{}` sets the {resource} request that the utilization target of `{}` divides by",
        vpa.id, scaler.id
    );
    let other = if resource == "cpu" { "memory" } else { "cpu" };
    finding(
        code::SCALER_FIGHTS_VPA,
        (&vpa.id, vpa.is_ours || scaler.is_ours),
        "/spec/resourcePolicy/containerPolicies",
        headline,
    )
    .of(workload.key())
    .because(
        "a higher request lowers the utilization, which removes pods, which raises usage per pod and the request again",
    )
    .help(format!(
        "let the VPA control `{other}` only (`controlledResources: [{other}]`), or set `updateMode: \"Off\"`"
    ))
}

/// Whether a VPA sets a resource of some container; without a policy for a container it sets both.
fn controls(vpa: &Vpa, resource: &str) -> bool {
    let policies = items(&vpa.spec, "/resourcePolicy/containerPolicies");
    let speaks_for_all = policies.iter().any(|policy| policy["containerName"] == "*");
    let sets = |policy: &Value| {
        policy["mode"] != "Off"
            && policy
                .get("controlledResources")
                .and_then(Value::as_array)
                .is_none_or(|list| list.iter().any(|item| item == resource))
    };
    !speaks_for_all && policies.is_empty() || policies.iter().any(sets)
}
