//! A plan turned into edits: what every decision means in a manifest.
//!
//! In: an [`OptimizationPlan`] and the [`Workloads`] of the manifests it is for. Out: [`Edit`]s, each with the plan's
//! reason, and diagnostics on what the plan names and the manifests lack. Nothing is decided here, versions and placement
//! included: the plan says all of it. Rendering over its own output gives the same objects.

mod object;
mod behavior;
pub mod requests;
pub mod replicas;
pub mod hpa;
pub mod keda;
pub mod vpa;
pub mod pdb;
pub mod topology_spread;
pub mod spot;
pub mod termination;
mod drift;
mod removal;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::diag::{Diagnostic, code};
use crate::krm::id::Taken;
use crate::krm::{Change, Edit, FieldPath, ObjectId};
use crate::plan::model::{OptimizationPlan, WorkloadPlan};
use crate::plan::{moved, owner};
use crate::workload::{Workload, Workloads};

/// A workload of the plan with what the manifests say of it.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// `Deployment/shop/api`.
    pub key: &'a str,
    /// What was decided.
    pub plan: &'a WorkloadPlan,
    /// What is there.
    pub workload: &'a Workload,
}

impl Planned<'_> {
    /// The way to the pod spec in the object that owns the template.
    pub fn pod_spec_path(&self) -> FieldPath {
        self.workload.template_path.clone().key("spec")
    }

    /// A container of the pod template as it is written.
    fn container_spec(&self, name: &str) -> Option<&Value> {
        let lists = ["containers", "initContainers"].into_iter();
        let containers = lists.filter_map(|key| self.workload.pod_spec.get(key)?.as_array());
        containers.flatten().find(|container| container["name"] == name)
    }

    /// The way to a container of the pod template; `None` where the manifest has none of that name.
    pub fn container_path(&self, name: &str) -> Option<FieldPath> {
        let container = self.workload.container(name)?;
        let list = if container.is_sidecar {
            "initContainers"
        } else {
            "containers"
        };
        Some(self.pod_spec_path().key(list).item("name", name))
    }
}

/// One kind of object, or one part of a workload, that a plan leads to. Pure: same plan and manifests in, same edits out.
pub trait Renderer: Sync {
    /// Kebab-case id used in policies, the CLI, snapshots and docs, such as `pdb`.
    fn id(&self) -> &'static str;

    /// Its reference page as Markdown; the first line is its summary.
    fn page(&self) -> &'static str;

    /// Edits, each with its reason; none where the plan asks for nothing of this kind.
    fn render(&self, subject: &Planned<'_>) -> Vec<Edit>;

    /// What the plan asks for and the manifests do not allow.
    fn refusals(&self, _subject: &Planned<'_>) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// Every kind, in the order in which edits are written.
pub static KINDS: &[&dyn Renderer] = &[
    &requests::Requests,
    &replicas::Replicas,
    &topology_spread::TopologySpread,
    &spot::Spot,
    &termination::Termination,
    &hpa::Hpa,
    &keda::Keda,
    &vpa::Vpa,
    &pdb::Pdb,
];

/// A workload, what of its plan still fits, and what the manifests say of it.
type Fitted<'a> = (&'a str, WorkloadPlan, &'a Workload);

/// The edits of a plan, by workload in the order of their keys, and what of the plan does not fit the manifests.
pub fn render(plan: &OptimizationPlan, workloads: &Workloads) -> (Vec<Edit>, Vec<Diagnostic>) {
    let mut edits = Vec::new();
    let mut diagnostics = Vec::new();
    let mut fitted: Vec<Fitted<'_>> = Vec::new();
    let all = plan;
    for (key, plan) in all.spec.workloads.iter().filter(|(_, plan)| plan.is_rendered()) {
        let Some(workload) = workloads.by_key.get(key) else {
            diagnostics.push(missing_workload(key, all, workloads));
            continue;
        };
        if workloads.is_repeated(workload) {
            diagnostics.push(repeated_workload(key));
            continue;
        }
        let accepted = Planned { key, plan, workload };
        let (plan, left_out) = if workload.kept_as_written().is_some() {
            drift::fit_beside(&accepted)
        } else {
            diagnostics.extend(missing_containers(&accepted));
            drift::fit(&accepted, workloads.is_filled(workload))
        };
        diagnostics.extend(left_out.into_iter().map(|found| found.of(key)));
        fitted.push((key, plan, workload));
    }
    diagnostics.extend(drift::shared::budgets(&mut fitted, workloads));
    let taken = workloads.taken_places();
    for (key, plan, workload) in &fitted {
        let first = edits.len();
        let subject = Planned { key, plan, workload };
        for kind in KINDS {
            edits.extend(kind.render(&subject));
            diagnostics.extend(kind.refusals(&subject).into_iter().map(|refusal| refusal.of(*key)));
        }
        diagnostics.extend(leave_names_of_others(&subject, (workloads, &taken), &mut edits, first));
        diagnostics.extend(leave_as_written(&subject, &mut edits, first));
    }
    let rendered: BTreeSet<ObjectId> = edits
        .iter()
        .filter(|edit| matches!(edit.change, Change::Upsert { .. }))
        .map(|edit| edit.id.clone())
        .collect();
    let rendered = rendered.iter().map(ObjectId::key).collect();
    for (key, plan, workload) in &fitted {
        let (gone, found) = removal::render(&Planned { key, plan, workload }, &rendered);
        edits.extend(gone);
        diagnostics.extend(found);
    }
    (edits, diagnostics)
}

/// What owners changed in their manifests since the plan was made, as far as the plan's values stand in the place of it.
pub fn overridden(plan: &OptimizationPlan, workloads: &Workloads) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (key, plan) in plan.spec.workloads.iter().filter(|(_, plan)| plan.is_rendered()) {
        let workload = workloads.by_key.get(key);
        let Some(workload) = workload.filter(|workload| !workloads.is_repeated(workload)) else {
            continue;
        };
        if workload.kept_as_written().is_some() {
            continue;
        }
        if owner::changes(plan, workload).is_empty() {
            continue;
        }
        // what no longer fits is left out, and says so itself
        let is_filled = workloads.is_filled(workload);
        let (plan, _) = drift::fit(&Planned { key, plan, workload }, is_filled);
        found.extend(owner::changes(&plan, workload).into_iter().map(|found| found.of(key)));
    }
    found
}

/// Drops the edits, from `first` on, of a workload's own manifests where these are not to be changed. What stands beside it
/// stays as it was accepted: gone from a build, it would be gone from the cluster.
fn leave_as_written(subject: &Planned<'_>, edits: &mut Vec<Edit>, first: usize) -> Option<Diagnostic> {
    let workload = subject.workload;
    let why = workload.kept_as_written()?;
    let mut beside = edits.split_off(first);
    beside.retain(|edit| edit.id != workload.id && edit.id != workload.template_id);
    let names: BTreeSet<String> = beside.iter().map(|edit| format!("`{}`", edit.id)).collect();
    edits.extend(beside);
    let rest = if names.is_empty() {
        "nothing of its plan is rendered".to_owned()
    } else {
        let names: Vec<String> = names.into_iter().collect();
        format!(
            "of its plan only what stands beside it is rendered: {}",
            names.join(", ")
        )
    };
    Some(
        Diagnostic::warning(code::LEFT_ALONE, format!("{why}; its manifest stays as it is"))
            .of(subject.key)
            .because(rest)
            .help("mend the manifest, then run `trimtab plan --write`"),
    )
}

/// Drops the edits, from `first` on, of objects whose name somebody else's object has that is not this workload's.
fn leave_names_of_others(
    subject: &Planned<'_>,
    (workloads, taken): (&Workloads, &BTreeSet<Taken<'_>>),
    edits: &mut Vec<Edit>,
    first: usize,
) -> Vec<Diagnostic> {
    let workload = subject.workload;
    let own: Vec<&ObjectId> = workload
        .scalers
        .iter()
        .map(|scaler| &scaler.id)
        .chain(workload.budgets.iter().map(|budget| &budget.id))
        .chain(workload.vpas.iter().map(|vpa| &vpa.id))
        .collect();
    let is_of_others = |id: &ObjectId| {
        let places = workloads.default_namespace.places(id);
        places.iter().any(|place| taken.contains(place)) && !own.iter().any(|own| own.is_same_object(id))
    };
    let mut own_edits = edits.split_off(first);
    let refused = own_edits.iter().filter(|edit| is_of_others(&edit.id));
    let refused: BTreeSet<ObjectId> = refused.map(|edit| edit.id.clone()).collect();
    own_edits.retain(|edit| !refused.contains(&edit.id));
    edits.append(&mut own_edits);
    let left = |id: &ObjectId| {
        Diagnostic::warning(
            code::LEFT_ALONE,
            format!("`{id}` is there already and serves something else: it stays as it is"),
        )
        .of(subject.key)
        .because("an object of this name was decided for this workload, and is not rendered")
        .help("rename the one that is there, or point it at this workload")
    };
    refused.iter().map(left).collect()
}

fn missing_workload(key: &str, plan: &OptimizationPlan, workloads: &Workloads) -> Diagnostic {
    Diagnostic::warning(
        code::PLAN_OUTDATED,
        format!("the plan has decisions for `{key}`, which is not in the manifests"),
    )
    .of(key)
    .because("nothing is rendered for it; the other workloads are not affected")
    .help(moved::ways_out(key, plan.spec.workloads.keys(), workloads))
}

fn repeated_workload(key: &str) -> Diagnostic {
    Diagnostic::warning(code::LEFT_ALONE, format!("`{key}` is in the manifests twice"))
        .of(key)
        .because("which of the two is meant can't be told, so nothing of the plan is rendered for it")
        .help("take one of them out, then run `trimtab plan --write`")
}

fn missing_containers<'a>(subject: &'a Planned<'_>) -> impl Iterator<Item = Diagnostic> + 'a {
    let scaled = subject.plan.scaler.iter().flat_map(|scaler| {
        let targets = [&scaler.cpu, &scaler.memory].into_iter().flatten();
        targets.filter_map(|target| target.container.as_ref())
    });
    let slept = subject
        .plan
        .pre_stop_sleep
        .as_ref()
        .map(|_| &subject.plan.main_container);
    let named: BTreeSet<&String> = subject.plan.containers.keys().chain(scaled).chain(slept).collect();
    named
        .into_iter()
        .filter(|name| subject.workload.container(name).is_none())
        .map(|name| {
            Diagnostic::warning(
                code::PLAN_OUTDATED,
                format!("the plan has decisions for container `{name}`, which the manifest lacks"),
            )
            .of(subject.key)
            .because("its requests, limits and hooks are not rendered; the rest of the workload is")
            .help("run `trimtab plan --write` if the container was renamed or removed on purpose")
        })
}
