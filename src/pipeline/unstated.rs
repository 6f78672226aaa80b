//! What a policy leaves to history, workload by workload: without any history there is nothing to take it from.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, NAMED, code, counted, first_of};
use crate::plan::model::{OptimizationPlan, ScalerPlan, Status, WorkloadPlan};
use crate::policy::wire::{Mode, Scaling, ScalingMode};
use crate::policy::{Matched, Settings, WorkloadSettings};
use crate::workload::{Workload, Workloads};

/// Neither a plan nor a profile is there: fine where the policy states every value, else an error that says what is
/// missing.
pub(super) fn check(
    settings: &Settings,
    workloads: &Workloads,
    plan: &OptimizationPlan,
) -> Result<(), Vec<Diagnostic>> {
    let missing: BTreeMap<&String, Vec<String>> = plan
        .spec
        .workloads
        .iter()
        .filter(|(_, planned)| planned.mode == Mode::Enforce && planned.status == Status::Planned)
        .filter_map(|(key, planned)| {
            let workload = workloads.by_key.get(key)?;
            let Matched::Wanted(wanted, _) = settings.of(&workload.subject()) else {
                return None;
            };
            let values = of_workload(&wanted, workload, planned);
            (!values.is_empty()).then_some((key, values))
        })
        .collect();
    if workloads.by_key.is_empty() || (missing.is_empty() && !plan.spec.workloads.is_empty()) {
        return Ok(());
    }
    if plan.spec.workloads.is_empty() {
        return Err(vec![nothing_matches(workloads)]);
    }
    let mut diagnostic = Diagnostic::error(
        code::MISSING_INPUT,
        "there is neither a plan nor a usage profile, so nothing says what to apply",
    )
    .help(
        "list `plan.yaml` under `resources:` beside the policy, or pass `--plan FILE` or `--profile FILE`, or state every value",
    );
    for (key, values) in missing.iter().take(NAMED) {
        diagnostic = diagnostic.because(format!("left to history in `{key}`: {}", first_of(values)));
    }
    if missing.len() > NAMED {
        diagnostic = diagnostic.because(format!(
            "and values of {}",
            counted((missing.len() - NAMED) as u64, "further workload")
        ));
    }
    Err(vec![diagnostic])
}

/// Without a plan that remembers, an environment that no rule is for would lose silently what was accepted for it.
fn nothing_matches(workloads: &Workloads) -> Diagnostic {
    let keys: Vec<String> = workloads.by_key.keys().map(|key| format!("`{key}`")).collect();
    Diagnostic::error(
        code::MISSING_INPUT,
        "there is neither a plan nor a usage profile, and no rule of the policy matches any workload",
    )
    .because(format!("the workloads are {}", first_of(&keys)))
    .because("names are compared without the stated prefix and suffix (`spec.identity`)")
    .help("correct the rules under `spec.workloads`, or list `plan.yaml` under `resources:` beside the policy")
}

fn of_workload(wanted: &WorkloadSettings, workload: &Workload, planned: &WorkloadPlan) -> Vec<String> {
    let mut missing = Vec::new();
    for container in &workload.containers {
        let name = &container.name;
        let (requests, _) = wanted.container(name, *name == planned.main_container);
        if requests.strategy.is_none_or(|strategy| !strategy.derives()) {
            continue;
        }
        for (resource, is_stated) in [
            ("CPU", requests.cpu.value.is_some()),
            ("memory", requests.memory.value.is_some()),
        ] {
            if !is_stated {
                missing.push(format!("{resource} request of `{name}`"));
            }
        }
    }
    let is_scaled = matches!(wanted.spec.scaling.mode, Some(mode) if mode != ScalingMode::None);
    match &planned.scaler {
        Some(scaler) => missing.extend(of_scaler(scaler)),
        // one whose values are all stated was refused for another reason, which is among the findings
        None if is_scaled && is_left_open(&wanted.spec.scaling) => {
            missing.push("the scaler's bounds and target".to_owned());
        }
        None => {}
    }
    missing
}

fn is_left_open(scaling: &Scaling) -> bool {
    let has_metric = scaling.targets.cpu.value.is_some() || !scaling.metrics.is_empty() || !scaling.triggers.is_empty();
    scaling.min_replicas.value.is_none() || scaling.max_replicas.value.is_none() || !has_metric
}

fn of_scaler(scaler: &ScalerPlan) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, decision) in [
        ("scaler's minReplicas", &scaler.min_replicas),
        ("scaler's maxReplicas", &scaler.max_replicas),
    ] {
        if decision.reason.code != code::STATED.as_str() {
            missing.push(name.to_owned());
        }
    }
    for (name, target) in [
        ("scaler's CPU target", &scaler.cpu),
        ("scaler's memory target", &scaler.memory),
    ] {
        if target
            .as_ref()
            .is_some_and(|target| target.target.reason.code != code::STATED.as_str())
        {
            missing.push(name.to_owned());
        }
    }
    missing
}
