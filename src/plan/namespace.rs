//! Accepted entries under the keys that their workloads have by now.
//!
//! An entry's key is written as the manifest is: `Deployment/api` where it names no namespace, `Deployment/shop/api`
//! where it does. A manifest that comes to say where it lived all along is no other workload, and neither is one that says
//! so no more.

use super::codec;
use super::model::OptimizationPlan;
use crate::workload::Workloads;

/// The plan with each such entry under the key of its workload; one that was sealed is sealed again.
pub fn under_keys_of(mut plan: OptimizationPlan, workloads: &Workloads) -> OptimizationPlan {
    let entries = &mut plan.spec.workloads;
    let moved: Vec<(String, String)> = entries
        .keys()
        .filter_map(|key| Some((key.clone(), workloads.key_now(key)?)))
        .filter(|(_, now)| !entries.contains_key(now))
        .collect();
    for (key, now) in moved {
        let Some(mut entry) = entries.remove(&key) else {
            continue;
        };
        if codec::is_sealed(&key, &entry) {
            entry.seal = codec::seal_of(&now, &entry);
        }
        entries.insert(now, entry);
    }
    plan
}
