//! One file per decision, then reconcile and guardrails; the `OptimizationPlan` codec.
