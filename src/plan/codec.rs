//! The plan as an object: reading it with places, writing it, and the digests that say what it was made from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::model::{Digests, KIND, MadeFrom, OptimizationPlan, PlanSpec, WorkloadPlan};
use super::possible;
use crate::diag::{Diagnostic, NAMED, code, counted};
use crate::policy::wire::Metadata;
use crate::policy::{API_VERSION, Settings, Source, schema};
use crate::workload::{Group, Missing, Workload};

/// `sha256:` and 64 bits in hex.
const SHORT: usize = 23;

/// A plan object of that name, its head sealed.
pub fn object(name: &str, spec: PlanSpec) -> OptimizationPlan {
    let spec = PlanSpec {
        seal: head_seal(&spec),
        ..spec
    };
    OptimizationPlan {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        metadata: Metadata {
            name: name.to_owned(),
            ..Metadata::default()
        },
        spec,
    }
}

/// The plan as a value for the writer.
pub fn to_value(plan: &OptimizationPlan) -> Value {
    serde_json::to_value(plan).expect("broken invariant: a plan has text keys and finite numbers")
}

/// Reads a plan for an environment, or reports every problem in it.
pub fn parse(value: &Value, source: &Source, environment: &str) -> Result<OptimizationPlan, Vec<Diagnostic>> {
    let plan: OptimizationPlan = schema::read(code::MALFORMED_INPUT, value, source)?;
    let problems = possible::check(&plan, value, source);
    if !problems.is_empty() {
        return Err(problems);
    }
    if plan.spec.environment != environment {
        let headline = format!(
            "the plan is for environment `{}`, the policy for `{environment}`",
            plan.spec.environment
        );
        return Err(vec![
            Diagnostic::error(code::FOREIGN_PROFILE, headline)
                .at(source.value_place("/spec/environment"))
                .help("use the plan of this environment, or make one with `trimtab plan --write`"),
        ]);
    }
    Ok(plan)
}

/// Whether workloads were lost since the plan was written, or came from elsewhere. A build must not apply the rest: what was
/// accepted for the others would silently go.
pub fn miscounted(plan: &OptimizationPlan, source: &Source) -> Option<Diagnostic> {
    let found = plan.spec.workloads.len() as u64;
    let said = plan.spec.entries.filter(|said| *said != found)?;
    let headline = format!("the plan says it has {} and has {found}", counted(said, "workload"));
    Some(
        Diagnostic::error(code::PLAN_EDITED, headline)
            .at(source.value_place("/spec/entries"))
            .because("the file was cut or edited, or two branches that both changed it were merged")
            .help("take the whole file from git again, or run `trimtab plan --write`, which keeps what is there"),
    )
}

/// `sha256:…` of a value's canonical JSON: sorted keys, no blanks.
pub fn digest(value: &Value) -> String {
    let bytes = serde_json::to_vec(value).expect("broken invariant: a value can be written as JSON");
    format!("sha256:{}", hex(&Sha256::digest(&bytes)))
}

/// Digests of a policy's `spec` and of what makes each profile itself, in any order.
pub fn digests(policy: &Value, mut profiles: Vec<String>) -> Digests {
    profiles.sort_unstable();
    let profile = if profiles.is_empty() {
        String::new()
    } else {
        digest(&json!(profiles))
    };
    Digests {
        policy: digest(policy.get("spec").unwrap_or(&Value::Null)),
        profile,
    }
}

/// Seals every entry as it is now.
pub(super) fn seal(workloads: &mut BTreeMap<String, WorkloadPlan>) {
    for (key, workload) in workloads {
        workload.seal = seal_of(key, workload);
    }
}

/// Whether an entry is as planning wrote it.
pub fn is_sealed(key: &str, workload: &WorkloadPlan) -> bool {
    workload.seal == seal_of(key, workload)
}

/// The entries that are not as planning wrote them: a person edited them.
pub fn edited(plan: &OptimizationPlan) -> impl Iterator<Item = &String> {
    let workloads = plan.spec.workloads.iter();
    workloads
        .filter(|(key, workload)| !is_sealed(key, workload))
        .map(|(key, _)| key)
}

/// Whether what stands above the entries is as planning wrote it. A plan of an earlier version has no seal there.
pub fn is_head_sealed(spec: &PlanSpec) -> bool {
    spec.seal.is_empty() || spec.seal == head_seal(spec)
}

/// Everything above the entries but their count, which tells by itself whether it is true.
fn head_seal(spec: &PlanSpec) -> String {
    short_digest(&json!([
        spec.environment,
        spec.decision_version,
        spec.window_end,
        spec.digests
    ]))
}

/// The digest tells an edit from a decision; it is no signature: who can edit a plan can also seal it.
pub(super) fn seal_of(key: &str, workload: &WorkloadPlan) -> String {
    let mut unsealed = json!(workload);
    unsealed.as_object_mut().and_then(|entry| entry.remove("seal"));
    short_digest(&Value::Array(vec![key.into(), unsealed]))
}

/// Enough of a digest to tell two states of one workload apart.
fn short_digest(value: &Value) -> String {
    digest(value)[..SHORT].to_owned()
}

/// Digest of what planning is told of a workload: its manifests, and what the policy says of it.
pub(crate) fn made_from(settings: &Settings, workload: &Workload) -> MadeFrom {
    MadeFrom {
        manifests: manifests_digest(workload),
        policy: short_digest(&json!(settings.concerning(&workload.subject()))),
    }
}

/// Digest of what planning sees of a workload's manifests.
pub(crate) fn manifests_digest(workload: &Workload) -> String {
    short_digest(&manifests_of(workload))
}

/// The others of a group, of which there may be thousands: as many as a finding names, and how many more there are.
fn in_short(group: &Group, key: &str) -> Vec<String> {
    let named: Vec<String> = group.others(key).take(NAMED).cloned().collect();
    let more = group.count_of_others(key) - named.len();
    let more = (more > 0).then(|| format!("and {more} more"));
    named.into_iter().chain(more).collect()
}

/// What planning sees of a workload's manifests, our own objects left out.
fn manifests_of(workload: &Workload) -> Value {
    let containers: Vec<Value> = workload
        .containers
        .iter()
        .map(|c| {
            json!([
                c.name,
                c.is_sidecar,
                c.cpu_request,
                c.memory_request,
                c.cpu_limit,
                c.memory_limit,
                c.has_pre_stop,
                c.looks_like_jvm
            ])
        })
        .collect();
    let scalers: Vec<Value> = workload
        .foreign_scalers()
        .map(|s| {
            json!([
                s.id.to_string(),
                s.min_replicas,
                s.max_replicas,
                s.cpu_target,
                s.memory_target,
                s.other_metrics
            ])
        })
        .collect();
    let budgets: Vec<Value> = workload
        .foreign_budgets()
        .map(|b| json!([b.id.to_string(), b.min_available, b.max_unavailable, b.is_shared]))
        .collect();
    let vpas: Vec<String> = workload
        .foreign_vpas()
        .map(|v| match v.update_mode.as_str() {
            "Off" => v.id.to_string(),
            acting => format!("{} {acting} {}", v.id, v.spec["resourcePolicy"]),
        })
        .collect();
    let mut seen = json!([
        workload.id.to_string(),
        workload.template_id.to_string(),
        workload.labels,
        workload
            .annotations
            .iter()
            .filter(|(key, _)| key.starts_with("trimtab.dev/"))
            .collect::<Vec<_>>(),
        workload.pod_labels,
        workload.selector,
        workload.replicas,
        workload.unreadable,
        containers,
        workload.grace_period,
        [workload.has_state, workload.is_exclusive, workload.is_behind_rollout],
        scalers,
        budgets,
        vpas,
    ]);
    let key = workload.key();
    let overlaps = [&workload.selects, &workload.selected_by].map(|group| in_short(group, &key));
    let (missing, taken) = (&workload.template_missing, &workload.taken_names);
    let watched: Vec<&String> = workload
        .foreign_scalers()
        .filter_map(|scaler| scaler.cpu_container.as_ref())
        .collect();
    let hard = workload.hard_spreads();
    let is_usual = overlaps.iter().all(Vec::is_empty) && missing.is_none() && taken.is_empty() && watched.is_empty();
    if let (Some(list), false) = (seen.as_array_mut(), is_usual) {
        list.push(json!([overlaps, missing, taken, watched]));
    }
    if let (Some(list), Some(of_pod)) = (seen.as_array_mut(), workload.pod_spec.get("resources")) {
        list.push(json!({"podResources": of_pod}));
    }
    if let (Some(list), false) = (seen.as_array_mut(), hard.is_empty()) {
        list.push(json!({"hardSpreads": hard}));
    }
    let missed_by: Vec<String> = workload.missed_by.iter().map(Missing::words).collect();
    if let (Some(list), false) = (seen.as_array_mut(), missed_by.is_empty()) {
        list.push(json!({"missedBy": missed_by}));
    }
    seen
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("broken invariant: writing to a string");
            text
        })
}
