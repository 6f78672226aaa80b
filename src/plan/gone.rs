//! Objects of the owner that a plan adopted and that are not among the manifests any more.
//!
//! Who deletes a scaler, budget or VPA does not ask for another one under our name: builds leave it out, and the next
//! plan decides as if none had been there.

use super::model::WorkloadPlan;
use crate::workload::Workload;

/// The adopted objects of a plan that are gone, as `HorizontalPodAutoscaler/api`, and the plan without them.
pub(crate) fn without_gone(plan: &WorkloadPlan, workload: &Workload) -> Option<(Vec<String>, WorkloadPlan)> {
    let mut kept = plan.clone();
    let mut gone = Vec::new();
    if let Some(scaler) = plan.scaler.as_ref().filter(|scaler| scaler.adopted) {
        let mut theirs = workload.foreign_scalers();
        let kind = scaler.kind.object();
        if !theirs.any(|theirs| theirs.id.kind == kind && theirs.id.name == scaler.name) {
            gone.push(format!("{kind}/{}", scaler.name));
            // the count was decided with it
            (kept.scaler, kept.replicas) = (None, None);
        }
    }
    if let Some(budget) = plan.disruption.as_ref().filter(|budget| budget.adopted) {
        let mut theirs = workload.foreign_budgets();
        if !theirs.any(|theirs| theirs.id.name == budget.name) {
            gone.push(format!("PodDisruptionBudget/{}", budget.name));
            kept.disruption = None;
        }
    }
    if let Some(vpa) = plan.vpa.as_ref().filter(|vpa| vpa.adopted) {
        let mut theirs = workload.foreign_vpas();
        if !theirs.any(|theirs| theirs.id.name == vpa.name) {
            gone.push(format!("VerticalPodAutoscaler/{}", vpa.name));
            kept.vpa = None;
        }
    }
    (!gone.is_empty()).then_some((gone, kept))
}
