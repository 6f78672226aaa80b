//! Rules that judge the whole result: objects that are fine each by itself and wrong together.
//!
//! In: the objects as they would be applied, and the cluster where it is known. Out: [`Diagnostic`]s with the place in
//! the object. What an object of ours is wrong about is an error, and so is what no API server takes; what else was
//! there before is a warning: it is not ours to fail somebody's build over.

mod scene;
mod scaled;
mod metrics;
mod replicas;
mod budgets;
mod spread;
mod spot;
mod termination;
mod resources;
mod keda;
mod versions;
mod fields;

pub use scene::Scene;

use crate::diag::{self, Code, Diagnostic};
use crate::krm::Object;
use crate::policy::Settings;

/// One rule.
pub trait Rule: Sync {
    /// The code of what it finds; its page is the code's.
    fn code(&self) -> Code;

    /// Everything it finds.
    fn check(&self, scene: &Scene<'_>) -> Vec<Diagnostic>;
}

/// Every rule, by what it looks at.
pub static RULES: &[&dyn Rule] = &[
    &scaled::TwoScalers,
    &scaled::UnscalableTarget,
    &scaled::ScalerFightsVpa,
    &metrics::UtilizationWithoutRequest,
    &metrics::ScaleToZeroWithoutSignal,
    &replicas::ReplicasUnderScaler,
    &replicas::ReplicaBounds,
    &budgets::BlocksEvictions,
    &budgets::ProtectsNothing,
    &budgets::SelectorMisses,
    &budgets::TwoBudgets,
    &spread::SpreadUnsatisfiable,
    &spot::UnsafeOnSpot,
    &termination::GraceBeyondNotice,
    &termination::PreStopTooLong,
    &resources::RequestAboveLimit,
    &keda::TriggerInvalid,
    &keda::ScaledObjectRefused,
    &keda::ScheduleBeyondBounds,
    &keda::NoFallback,
    &versions::ApiRemoved,
    &fields::UnsupportedVersion,
];

/// Judges objects without a policy: neither their cluster nor the namespace of those that name none is known.
pub fn lint(objects: &[Object]) -> Vec<Diagnostic> {
    lint_for(objects, None)
}

/// Judges objects under a policy: the zones, spot nodes and lowest version of its cluster are known, and its namespace.
pub fn lint_for(objects: &[Object], settings: Option<&Settings>) -> Vec<Diagnostic> {
    let scene = Scene::of(objects, settings);
    let mut diagnostics: Vec<Diagnostic> = RULES.iter().flat_map(|rule| rule.check(&scene)).collect();
    diag::sort(&mut diagnostics);
    diagnostics
}

#[cfg(test)]
mod tests;
