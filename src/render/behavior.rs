//! How fast a scaler moves, in the API's form. An HPA has it as it is, a ScaledObject hands it to the HPA that KEDA makes.

use k8s_openapi::api::autoscaling::v2::{HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerBehavior};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;

use crate::policy::wire::{Behavior, Direction, ScalingPolicyKind, SelectPolicy};
use crate::units::{Format, Percent, Quantity, Seconds};

/// `behavior`; `None` where nothing is said, as one direction alone changes the defaults of the other.
pub(super) fn behavior(behavior: &Behavior) -> Option<HorizontalPodAutoscalerBehavior> {
    let (scale_up, scale_down) = (rules(&behavior.scale_up), rules(&behavior.scale_down));
    let is_said = scale_up.is_some() || scale_down.is_some();
    is_said.then_some(HorizontalPodAutoscalerBehavior { scale_up, scale_down })
}

fn rules(direction: &Direction) -> Option<HPAScalingRules> {
    if direction.is_open() {
        return None;
    }
    // the order of policies means nothing to the API; the names' order keeps the bytes
    let policies: Vec<HPAScalingPolicy> = direction
        .policies
        .values()
        .map(|policy| HPAScalingPolicy {
            type_: match policy.kind {
                ScalingPolicyKind::Pods => "Pods",
                ScalingPolicyKind::Percent => "Percent",
            }
            .to_owned(),
            value: int32(u64::from(policy.value)),
            period_seconds: seconds(policy.period),
        })
        .collect();
    Some(HPAScalingRules {
        // an empty list is refused, an absent one is the default
        policies: (!policies.is_empty()).then_some(policies),
        select_policy: direction.select.map(|select| {
            match select {
                SelectPolicy::Max => "Max",
                SelectPolicy::Min => "Min",
                SelectPolicy::Disabled => "Disabled",
            }
            .to_owned()
        }),
        stabilization_window_seconds: direction.stabilization.value.map(seconds),
        tolerance: direction
            .tolerance
            .map(|tolerance| ApiQuantity(quantity(tolerance).to_string())),
    })
}

/// A share as the API writes it: 5 % is `50m`, its canonical form of 0.05.
fn quantity(share: Percent) -> Quantity {
    Quantity::from_nano(i128::from(share.ppm()) * 1_000, Format::DecimalSi)
}

fn seconds(duration: Seconds) -> i32 {
    int32(duration.get())
}

/// Into the API's integer; far more than any bound the API allows, so a value beyond it is refused there all the same.
pub(super) fn int32(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
