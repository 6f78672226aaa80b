//! What changed since a plan was made: an accepted value is no answer to a policy or to manifests that came later.

use std::collections::BTreeMap;

use super::{Inputs, accepted_plan, under_names_of_now};
use crate::diag::Diagnostic;
use crate::plan::codec;
use crate::policy;
use crate::workload;

/// By workload, what of its inputs is another than its accepted entry was made from; those that have nothing are left out.
pub fn changed_since(inputs: &Inputs) -> Result<BTreeMap<String, Vec<&'static str>>, Vec<Diagnostic>> {
    let settings = policy::parse(&inputs.policy, &inputs.policy_source)?;
    let (workloads, _) = workload::read_in(&inputs.objects, &settings.default_namespace());
    let accepted = accepted_plan(inputs, &settings)?.0;
    let entries = accepted.map(|plan| under_names_of_now(plan, &settings, &workloads).spec.workloads);
    let mut changed = BTreeMap::new();
    for (key, entry) in entries.into_iter().flatten() {
        let Some(workload) = workloads.by_key.get(&key) else {
            continue;
        };
        let (then, now) = (entry.made_from, codec::made_from(&settings, workload));
        let parts = [
            ("what the policy says of it", then.policy != now.policy),
            ("its manifests", then.manifests != now.manifests),
        ];
        let parts: Vec<&str> = parts
            .into_iter()
            .filter_map(|(part, is_other)| is_other.then_some(part))
            .collect();
        if !parts.is_empty() {
            changed.insert(key, parts);
        }
    }
    Ok(changed)
}
