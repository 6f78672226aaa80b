//! A plan and what is rendered of it agree: every value that a plan states is in the objects.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use serde_json::{Value, json};
use trimtab::api::keda_v1alpha1::scaled_object_name;
use trimtab::diag::Severity;
use trimtab::krm::{Object, ObjectId, apply};
use trimtab::plan::model::{
    OptimizationPlan, Removable, ScalerKind, ScalerPlan, SpotPlacement, SpotPlan, Status, WorkloadPlan,
};
use trimtab::policy::wire::Mode;
use trimtab::render::render;
use trimtab::units::{Percent, Quantity};
use trimtab::workload;

use crate::kustomize::{self, Kustomize};
use crate::planning::{World, facts, wave};

/// The objects after rendering, looked through by hand and not by the renderers' own means.
struct Objects(Vec<Object>);

impl Objects {
    fn find(&self, kind: &str, namespace: &str, name: &str) -> &Value {
        let found = self.0.iter().find(|object| {
            let id = ObjectId::of(object);
            id.is_some_and(|id| id.kind == kind && id.namespace == namespace && id.name == name)
        });
        found.unwrap_or(&Value::Null)
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    Quantity::from_json(value).ok()
}

/// What a plan states of a workload and the objects lack.
fn lacking(key: &str, plan: &WorkloadPlan, objects: &Objects) -> Vec<String> {
    let parts: Vec<&str> = key.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, namespace, name] => (kind, namespace, name),
        [kind, name] => (kind, "", name),
        _ => panic!("{key}"),
    };
    let owner = objects.find(kind, namespace, name);
    let template_owner = plan.template_in.as_ref().map_or(owner, |path| {
        let parts: Vec<&str> = path.rsplit('/').collect();
        objects.find(parts[1], namespace, parts[0])
    });
    let way = if kind == "CronJob" {
        "/spec/jobTemplate/spec/template/spec"
    } else {
        "/spec/template/spec"
    };
    let pod = template_owner.pointer(way).unwrap_or(&Value::Null);
    let mut lacking = Vec::new();
    let mut claim = |what: &str, is_there: bool| {
        if !is_there {
            lacking.push(format!("{key}: {what}"));
        }
    };
    for (name, container) in &plan.containers {
        let lists = ["containers", "initContainers"];
        let mut all = lists.iter().filter_map(|list| pod[*list].as_array()).flatten();
        let resources = &all
            .find(|container| container["name"] == **name)
            .unwrap_or(&Value::Null)["resources"];
        let stated: [(&str, Option<Option<Quantity>>); 4] = [
            (
                "/requests/cpu",
                container.requests.cpu.as_ref().map(|d| Some(d.value.into())),
            ),
            (
                "/requests/memory",
                container.requests.memory.as_ref().map(|d| Some(d.value.into())),
            ),
            (
                "/limits/cpu",
                container.limits.cpu.as_ref().map(|d| d.value.map(Into::into)),
            ),
            (
                "/limits/memory",
                container.limits.memory.as_ref().map(|d| d.value.map(Into::into)),
            ),
        ];
        for (pointer, value) in stated {
            let Some(value) = value else { continue };
            claim(
                &format!("{name} {pointer}"),
                resources.pointer(pointer).and_then(quantity) == value,
            );
        }
    }
    if let Some(Removable { value, .. }) = &plan.replicas {
        claim(
            "replicas",
            owner["spec"].get("replicas").cloned() == value.map(Value::from),
        );
    }
    if let Some(grace) = &plan.grace_period {
        claim(
            "grace period",
            pod["terminationGracePeriodSeconds"] == grace.value.get(),
        );
    }
    if let Some(sleep) = &plan.pre_stop_sleep {
        let mut all = pod["containers"].as_array().into_iter().flatten();
        let main = all
            .find(|container| container["name"] == *plan.main_container)
            .unwrap_or(&Value::Null);
        claim(
            "preStop",
            main.pointer("/lifecycle/preStop/sleep/seconds") == Some(&json!(sleep.value.get())),
        );
    }
    for (key, spread) in &plan.spread {
        let mut all = pod["topologySpreadConstraints"].as_array().into_iter().flatten();
        claim(
            "spread",
            all.any(|c| c["topologyKey"] == **key && c["maxSkew"] == spread.max_skew),
        );
    }
    if let Some(spot) = &plan.spot {
        claim("spot", is_placed(pod, spot));
    }
    beside_lack(plan, namespace, objects, &mut claim);
    lacking
}

/// What the objects beside the workload lack.
fn beside_lack(plan: &WorkloadPlan, namespace: &str, objects: &Objects, claim: &mut impl FnMut(&str, bool)) {
    if let Some(budget) = &plan.disruption {
        let spec = &objects.find("PodDisruptionBudget", namespace, &budget.name)["spec"];
        for (field, decision) in [
            ("minAvailable", &budget.min_available),
            ("maxUnavailable", &budget.max_unavailable),
        ] {
            let value = decision.as_ref().map(|d| serde_json::to_value(d.value).unwrap());
            claim(field, spec.get(field).cloned() == value);
        }
    }
    if let Some(vpa) = &plan.vpa {
        let spec = &objects.find("VerticalPodAutoscaler", namespace, &vpa.name)["spec"];
        claim("VPA mode", spec["updatePolicy"]["updateMode"] == json!(vpa.update_mode));
    }
    if let Some(scaler) = &plan.scaler {
        let name = match scaler.kind {
            ScalerKind::Hpa => scaler.name.clone(),
            ScalerKind::Keda => scaled_object_name(&scaler.name),
        };
        let spec = &objects.find(scaler.kind.object(), namespace, &name)["spec"];
        scaler_lacks(scaler, spec, claim);
    }
}

fn is_placed(pod: &Value, spot: &SpotPlan) -> bool {
    let affinity = &pod["affinity"]["nodeAffinity"];
    let preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"].to_string();
    let required = affinity["requiredDuringSchedulingIgnoredDuringExecution"].to_string();
    let selector = &pod["nodeSelector"];
    spot.labels.iter().all(|(key, value)| {
        let says = |text: &str| text.contains(&format!("\"{key}\""));
        match spot.mode {
            SpotPlacement::Never => says(&required) || selector.get(key).is_some_and(|selected| selected != value),
            SpotPlacement::Require => says(&required) || selector.get(key).is_some_and(|selected| selected == value),
            SpotPlacement::Prefer => says(&preferred) || says(&required) || selector.get(key).is_some(),
        }
    })
}

fn scaler_lacks(plan: &ScalerPlan, spec: &Value, claim: &mut impl FnMut(&str, bool)) {
    let (min, max) = match plan.kind {
        ScalerKind::Hpa => ("minReplicas", "maxReplicas"),
        ScalerKind::Keda => ("minReplicaCount", "maxReplicaCount"),
    };
    claim(min, spec[min] == plan.min_replicas.value);
    claim(max, spec[max] == plan.max_replicas.value);
    for (resource, target) in [("cpu", &plan.cpu), ("memory", &plan.memory)] {
        let Some(target) = target else { continue };
        let is_metric = |metric: &Value| {
            let source = metric
                .get("resource")
                .or_else(|| metric.get("containerResource"))
                .unwrap_or(&Value::Null);
            let share = source["target"]["averageUtilization"]
                .as_u64()
                .and_then(|share| u32::try_from(share).ok());
            source["name"] == resource
                && source.get("container").and_then(Value::as_str) == target.container.as_deref()
                && share.map(Percent::from_percent) == Some(target.target.value)
        };
        let is_trigger = |trigger: &Value| {
            let share = trigger["metadata"]["value"]
                .as_str()
                .and_then(|share| u32::from_str(share).ok());
            trigger["type"] == resource && share.map(Percent::from_percent) == Some(target.target.value)
        };
        let is_there = match plan.kind {
            ScalerKind::Hpa => spec["metrics"].as_array().into_iter().flatten().any(is_metric),
            ScalerKind::Keda => spec["triggers"].as_array().into_iter().flatten().any(is_trigger),
        };
        claim(&format!("{resource} target"), is_there);
    }
    for metric in plan.metrics.values() {
        let metrics = spec["metrics"].to_string();
        claim(
            &format!("metric {}", metric.metric),
            metrics.contains(&json!(metric.metric).to_string()),
        );
    }
    for (name, trigger) in &plan.triggers {
        let mut all = spec["triggers"].as_array().into_iter().flatten();
        claim(
            &format!("trigger {name}"),
            all.any(|t| t["type"] == *trigger.kind && t["metadata"] == json!(trigger.metadata)),
        );
    }
}

/// What a plan states and its rendering lacks, without a reason on the workload.
fn unexplained(plan: &OptimizationPlan, objects: &[Object]) -> Vec<String> {
    let (edits, diagnostics) = render(plan, &workload::read(objects).0);
    let after = Objects(apply(objects.to_vec(), &edits).unwrap());
    let enforced = plan.spec.workloads.iter().filter(|(key, plan)| {
        plan.mode == Mode::Enforce
            && plan.status != Status::Refused
            && !diagnostics.iter().any(|found| found.workload.as_ref() == Some(key))
    });
    enforced.flat_map(|(key, plan)| lacking(key, plan, &after)).collect()
}

fn fixtures() -> Vec<(String, Vec<Object>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.join("tests/fixtures/render"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let read = |folder: &PathBuf| {
        let text = std::fs::read_to_string(folder.join("manifests.yaml")).unwrap();
        (folder.display().to_string(), kustomize::yaml(&text))
    };
    let built = ["dev", "staging", "production"].map(|environment| {
        let folder = root.join("overlays-example/apps").join(environment);
        (
            environment.to_owned(),
            kustomize::objects(&Kustomize::newest().build(&folder)),
        )
    });
    folders.iter().map(read).chain(built).collect()
}

/// What owners may ask for, of every workload.
const WISHES: [&str; 7] = [
    "class: web",
    "class: web, spot: {mode: require}, vpa: {mode: recreate}, spread: {mode: zone-and-host}",
    "class: worker, scaling: {mode: keda, triggers: {queue: {type: rabbitmq, metadata: {queueName: q, mode: QueueLength}, threshold: {value: 5}, authenticationRef: {name: r}}}}",
    "class: database, mode: enforce, spot: {mode: never}",
    "class: batch, spot: {mode: prefer}",
    "class: web, requests: {cpu: {value: 777m}, memory: {value: 777Mi}}, limits: {cpu: {value: 888m}, memory: {value: 888Mi}}, termination: {gracePeriod: {value: 77s}, preStopSleep: {value: 7s}}, scaling: {minReplicas: {value: 3}, maxReplicas: {value: 7}, targets: {cpu: {value: 61%}, memory: {value: 71%}}}, disruption: {minAvailable: {value: 2}}, vpa: {mode: recommend}",
    "scaling: {mode: none}, replicas: {count: {value: 5}}, limits: {cpu: {mode: none}}",
];

#[test]
fn every_planned_value_is_rendered() {
    for (name, objects) in fixtures() {
        for wish in WISHES {
            let cluster = "cluster: {kubernetes: '1.33', provider: aws, zones: 3, addons: {keda: '2.18', vpa: '1.5'}}";
            let spec = format!(
                "{{{cluster}, guardrails: {{wave: {{workloads: 500}}, restart: {{stateful: allow}}}}, \
                 workloads: {{all: {{match: {{names: {{'*': true}}}}, {wish}}}}}}}"
            );
            let mut world = World::new(&spec, &objects, vec![]);
            for (key, workload) in &world.workloads.by_key {
                let main = workload
                    .containers
                    .first()
                    .map_or("app", |container| container.name.as_str());
                world.facts.insert(key.clone(), facts(main, 300, wave, |_| 4));
            }
            world.window_end = world.facts.values().find_map(|facts| facts.window_end);
            let plan = world.plan();
            let (_, mut refused) = render(&plan, &world.workloads);
            // a note is on what the plan does not have
            refused.retain(|found| found.severity < Severity::Note);
            assert!(
                refused.is_empty(),
                "{name}: {wish}: planned and not renderable: {refused:?}"
            );
            let lacking = unexplained(&plan, &objects);
            assert!(lacking.is_empty(), "{name}: {wish}: {lacking:#?}");
        }
    }
}

#[test]
fn every_committed_value_is_rendered_or_there_is_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/render");
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let read = |file: &str| kustomize::yaml(&std::fs::read_to_string(folder.join(file)).unwrap());
        let plan: OptimizationPlan = serde_json::from_value(read("plan.yaml").remove(0)).unwrap();
        let lacking = unexplained(&plan, &read("manifests.yaml"));
        assert!(lacking.is_empty(), "{}: {lacking:#?}", folder.display());
    }
}
