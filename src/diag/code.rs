//! The codes of everything we report, each with its page for `trimtab explain CODE`.

use serde::{Serialize, Serializer};

/// A registered code: kebab-case, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code as users see it.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The registered code of that name.
    pub fn find(name: &str) -> Option<Self> {
        PAGES.iter().find(|(code, _)| code.0 == name).map(|(code, _)| *code)
    }

    /// What it means, why it matters and what to do, in a few plain sentences.
    pub fn page(self) -> &'static str {
        PAGES
            .iter()
            .find(|(code, _)| *code == self)
            .map_or("", |(_, page)| page)
    }

    /// Every code, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        PAGES.iter().map(|(code, _)| *code)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Defines the constants and the registry in one place, so that no code exists without its page.
macro_rules! codes {
    ($($constant:ident = $name:literal: $page:literal;)*) => {
        $(#[doc = $page] pub const $constant: Code = Code($name);)*
        static PAGES: &[(Code, &str)] = &[$(($constant, $page)),*];
    };
}

codes! {
    ADOPTED = "adopted": "An autoscaler, budget or VPA that was there before is kept under its own name; only the fields named in the plan are set. Nothing is doubled.";
    LEFT_ALONE = "left-alone": "An object that was there before is not ours to change in this way. It is kept as it is, with the reason beside it.";
    NO_HISTORY = "no-history": "The profile has nothing on this workload, so nothing is derived for it. What was accepted before stays; what the policy states is still applied. Check the names and the namespace in the export, or state the values.";
    SHORT_HISTORY = "short-history": "The recorded time is shorter than `spec.history.minimum`, or has more gaps than `spec.history.coverage` allows. Derived values keep the accepted decision. Export a longer window, or lower the bound knowingly.";
    STALE = "stale": "The accepted decision is kept although it could not be confirmed on this profile.";
    UNMATCHED = "unmatched": "No rule of the policy matches this workload: it is untouched. Add a rule, or give it a class.";
    RULE_MATCHES_NOTHING = "rule-matches-nothing": "A rule of the policy matches no workload of this environment: a renamed workload, a typing error, or a rule that can go.";
    RULE_TIE = "rule-tie": "Two rules of equal rank set one field of a workload differently. Give one a higher `priority`, or make its match more exact. The workload keeps its accepted decision until then.";
    POLICY_INVALID = "policy-invalid": "The policy does not have the form the schema asks for. `trimtab schema OptimizationPolicy` prints it.";
    POLICY_CONFLICT = "policy-conflict": "Two settings of the policy can't both hold.";
    UNSUPPORTED_VERSION = "unsupported-version": "A field or object that the policy asks for is not available at the lowest version it names in `spec.cluster`.";
    ADDON_MISSING = "addon-missing": "The policy asks for an object of an addon (KEDA, VPA) that `spec.cluster.addons` does not name, so it is not rendered.";
    SCALER_CHANGE = "scaler-change": "An HPA can't be replaced by a ScaledObject (or back) in one merge: both would act on the workload for a moment, and KEDA refuses it. First merge: `mode: none` for the workload; when it is applied, the second: the new mode.";
    NOT_SCALABLE = "not-scalable": "This kind of workload, or this one because of what it uses, can't be scaled horizontally: a DaemonSet, a Job, a Deployment owned by a Rollout, or a volume that only one pod may mount.";
    LOAD_TOO_FLAT = "load-too-flat": "The recorded load is too small or too even for an autoscaler to be worth its risk. State the bounds to have one all the same.";
    SCALE_POINT_MOVED = "scale-point-moved": "Target and request were both stated, and their product is not what it was: pods will be added at another load per pod than before.";
    SCALE_POINT_KEPT = "scale-point-kept": "Target × request is kept, so that pods are added at the same load per pod as before.";
    PDB_BLOCKS_EVICTIONS = "pdb-blocks-evictions": "At the lowest replica count the budget allows no eviction, so a node drain never ends. Raise the replicas, use `maxUnavailable: 1`, or accept it with a reason.";
    PDB_OMITTED = "pdb-omitted": "With a single replica a budget either blocks every drain or protects nothing, so none is rendered.";
    SPOT_UNSAFE = "spot-unsafe": "This workload should not run on interruptible nodes: state on volumes, a single replica, a database or a cache, or a grace period longer than the notice. It is placed on on-demand nodes.";
    SPREAD_SOFTENED = "spread-softened": "With fewer replicas than zones a hard spread would leave pods pending, so it is a preference.";
    RESTART_DEFERRED = "restart-deferred": "The change would restart pods, and the policy bounds how often (`guardrails.restart`) or how many workloads at once (`guardrails.wave`). It waits for a later plan.";
    RESTARTS_PODS = "restarts-pods": "Applying this change replaces the workload's pods.";
    CAPACITY_BOUNDED = "capacity-bounded": "Requests × lowest replicas shrink by at most `guardrails.capacityDecrease` in one plan. The rest follows when this step has proved itself.";
    BELOW_MIN_CHANGE = "below-min-change": "The new value differs from the accepted one by less than `guardrails.minChange`, so the accepted one stays: quiet diffs.";
    REGIME_CHANGE = "regime-change": "The load of the last week differs so much from the weeks before that they are not one population. Look before merging.";
    MEMORY_NOT_LOWERED = "memory-not-lowered": "The memory of a JVM, a cache or a database is held by configuration, not by load: it is never lowered automatically.";
    STATED = "stated": "The policy states this value.";
    BOUNDED = "bounded": "The derived value lay outside the bounds the policy states and was moved to the nearer one.";
    PERCENTILE = "percentile": "A percentile of the recorded usage per pod, plus a margin, rounded up.";
    VPA_ESTIMATE = "vpa-estimate": "The Vertical Pod Autoscaler's rule (90th percentile, 15 % margin, floors) on the profile's sketch: an approximation, as the sketch keeps weeks and not single samples in order.";
    UNCHANGED = "unchanged": "Nothing to change here.";
    KEPT = "kept": "The accepted decision is kept.";
    FOREIGN_PROFILE = "foreign-profile": "The profile was recorded in another environment. Sizing production from what another environment did is refused unless `spec.history.from` names it.";
    MALFORMED_INPUT = "malformed-input": "A file can't be read as what it should be.";
    MISSING_INPUT = "missing-input": "Something the command needs is not there.";
    UNKNOWN_TARGET = "unknown-target": "A scaler, budget or VPA in the manifests points at a workload that is not among them. It is left alone.";
    ACCEPT_EXPIRED = "accept-expired": "A finding was accepted until a day that has passed. What was rendered stays; the acceptance needs a new date or the finding a repair.";
    ACCEPTED = "accepted": "A finding that the policy accepts, with its reason.";
    TRIGGER_INVALID = "trigger-invalid": "A KEDA trigger lacks metadata that its scaler needs, or has values it refuses.";
    CONTAINER_UNKNOWN = "container-unknown": "The policy names a container that this workload does not have.";
    INJECTED_CONTAINER = "injected-container": "A container seen in the history is not in the manifest: it is injected at admission. It counts for cost and scaling and is never edited.";
    HANDOFF = "handoff": "`spec.replicas` is kept at what was in force until history shows the scaler in force, then dropped: removing it at once scales to 1 under client-side apply, keeping it for ever resets the count at every sync.";
    OBSERVED = "observed": "The workload is in mode observe: the plan says what it would do, nothing is rendered.";
    DELEGATION_REFUSED = "delegation-refused": "An annotation on a workload sets something that the policy does not delegate to its owners, so it is ignored.";
}
