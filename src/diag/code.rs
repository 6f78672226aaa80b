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
    ADOPTED_OBJECT_GONE = "adopted-object-gone": "A scaler, budget or VPA that was adopted is not among the manifests any more, or serves something else. Its owner took it away, so builds make none in its place; the next `trimtab plan` decides as if none had been there, and shows what it would make. `mode: none` (`scaling: {mode: none}`) says that none is wanted.";
    LEFT_ALONE = "left-alone": "An object that was there before is not ours to change in this way. It is kept as it is, with the reason beside it.";
    NO_HISTORY = "no-history": "The profile has nothing on this workload, or on this container of it, so nothing is derived for it. What was accepted before stays; what the policy states is still applied. Check the names and the namespace in the export, or state the values.";
    SHORT_HISTORY = "short-history": "The recorded time is shorter than `spec.history.minimum`, or has more gaps than `spec.history.coverage` allows. Derived values keep the accepted decision. Export a longer window, or lower the bound knowingly.";
    STALE_FILE = "stale-file": "A committed file is not what the inputs make of it now: somebody changed an input without running trimtab, or edited what is generated.";
    STALE = "stale": "The accepted decision is kept although this profile does not confirm it, or the policy has no word on it any more: a rule, a class or a key went. State it again, or take it away by an explicit `none`.";
    OUTPUT_IN_USE = "output-in-use": "The folder to write to holds files that trimtab did not make, and none that it made. Rendered files lie in a folder of their own, which is replaced as a whole.";
    PATCH_ADDS_CONTAINER = "patch-adds-container": "A committed patch names a container that the manifest has no more: it was renamed or taken out since the folder was rendered. kustomize merges containers by name, so the patch would add one that has only requests and limits, and the API server refuses the pods. `trimtab check` stops that; plan and render again. (The patch of a Rollout tests the name, and its build fails.)";
    NOT_RENDERED = "not-rendered": "The policy of this environment is listed by no kustomization, so nothing applies its plan but rendered files, and there are none among the checked folders. With `trimtab check --files` every environment must have them.";
    SAME_ENVIRONMENT = "same-environment": "Two folders have a policy of one name for one environment: most often a copy that was to be edited. Each is planned and checked by itself.";
    PLAN_EDITED = "plan-edited": "An entry of plan.yaml is not as `trimtab plan --write` wrote it: somebody changed it by hand. Builds apply it as it stands; `trimtab check` refuses it, and the next plan takes its values for the accepted ones and decides again: with no second step on one window, and no restart before its time, so that a merge conflict that was resolved by hand is no way around a guardrail. State what you want in the policy (`value`, `min`, `max`) and plan again.";
    MANIFEST_CHANGED = "manifest-changed": "Since the plan was accepted, the owner of a workload changed a value in its manifest that the plan sets: the plan's is applied until it is planned again. Then a raise is a floor (`owner-raised`); a value that the owner lowered comes back only from history or from the policy.";
    OWNER_RAISED = "owner-raised": "The owner raised this value in the manifest after a plan (or lowered a CPU target, which asks for more pods), and what is derived would be less. The owner's value stays until history has seen it: until a profile reaches `spec.history.minimum` beyond the one that it was planned with. A value that the policy states is not affected.";
    CONTAINER_RENAMED = "container-renamed": "The manifest has a container under another name than the accepted plan. Where exactly one is gone and exactly one is new, what was accepted and recorded under the old name counts for the new one, the scaler's container included: nothing is to be done (if it is another container, state its values in the policy). Where several are gone or new, or the one that does the work went without another, nothing tells which took whose place: the accepted decision stays as it is, and no scaler moves to a container that it did not look at. Rename one at a time, or drop the entry with `trimtab plan DIR --write --forget WORKLOAD` to have it decided anew.";
    MOVED = "moved": "History knows this workload under another name, and `spec.identity.moved` says so: what is recorded under the old name counts for the new one, as if it had always been called that, and what was accepted under the old name goes to the new one: builds render the same values, and the next plan writes them there.";
    MOVED_IDLE = "moved-idle": "An entry of `spec.identity.moved` does nothing here. The workload it leads to is not among the manifests, or could be one of two; the one it leads away from is still there, and keeps its history; or no profile knows the old name. Names are those of the cluster, `Kind/name` or `Kind/namespace/name`, with the overlay's prefix and suffix. An entry can go when the window of the profiles has passed the day of the move.";
    MOVED_CLASH = "moved-clash": "The accepted plan has an entry for a workload under its old name and one under its new name, and `spec.identity.moved` says that they are one workload. It was planned under the new name before the policy said so. `trimtab plan DIR --write --forget NAME` drops the one that is not to count; until then builds apply the one under the new name.";
    MOVED_TOGETHER = "moved-together": "For some time history knows both names of a moved workload: while it was rolled out under the new one, or because both ran side by side. The totals of both are added there, by the upper edges of their levels, so that demand is never too low; everything else is joined exactly. If they were two workloads with work of their own, take the entry out of `spec.identity.moved`.";
    PLAN_OUTDATED = "plan-outdated": "The plan names a workload or a container that the manifests no longer have. What it says of the others is still rendered. Plan again if the change was meant.";
    REMOVED = "removed": "An object that trimtab made is removed where a host feeds it back: the policy says `mode: none`, or the accepted plan has another object in its place. Objects without our mark are never removed.";
    RENDERED = "rendered": "The plan asks for this object: it is made with the label `trimtab.dev/managed-by: trimtab`, and refreshed as a whole where that label shows it is ours.";
    NO_WORKLOADS = "no-workloads": "There is nothing among the manifests that trimtab decides on (Deployments, StatefulSets, DaemonSets, Rollouts, CronJobs, Jobs). They pass through as they are. Most often `resources:` lists less than was meant.";
    UNMATCHED = "unmatched": "No rule of the policy matches this workload: it is untouched. Add a rule under `spec.workloads`: its name, or a glob; `\"*\": {}` is for all, and more exact rules go before it.";
    RULE_MATCHES_NOTHING = "rule-matches-nothing": "A rule of the policy matches no workload of this environment: a renamed workload, a typing error, or a rule that can go.";
    RULE_TIE = "rule-tie": "Two rules of equal rank set one field of a workload differently. Give one a higher `priority`, or make its match more exact. The workload keeps its accepted decision until then.";
    POLICY_INVALID = "policy-invalid": "The policy does not have the form the schema asks for. `trimtab schema OptimizationPolicy` prints it.";
    POLICY_UNRECOGNISED = "policy-unrecognised": "A file or folder was meant as an environment of trimtab and is none: a misspelt kind or apiVersion, an empty policy, a policy without manifests. Nothing there would be planned or checked, so it is an error. Policies of other tools are passed over.";
    POLICY_CONFLICT = "policy-conflict": "Two settings of the policy can't both hold.";
    NOT_IN_FORCE = "not-in-force": "A key of the policy that this version reads and does nothing with. It may stand for a later version; until then nothing in a plan, a check or a report follows from it.";
    PRICES_INVALID = "prices-invalid": "The price sheet does not have the form the schema asks for, or its amounts contradict each other. `trimtab schema PriceSheet` prints the form.";
    PRICES_EXPIRED = "prices-expired": "The price sheet in use was taken as true until a day that has passed. Costs made from it may be wrong; take the prices anew and name the new day. Nothing is stopped by it.";
    PRICES_DOUBTFUL = "prices-doubtful": "A price is possible and unusual, such as one for spot above the one on demand. It is used as it stands.";
    CURRENCIES_MIXED = "currencies-mixed": "Every price of a sheet is in its one currency: amounts of two do not add up, and no rate of exchange is guessed.";
    UNSUPPORTED_VERSION = "unsupported-version": "A field or object that the policy asks for is not available at the lowest version it names in `spec.cluster`.";
    ADDON_MISSING = "addon-missing": "The policy asks for an object of an addon (KEDA, VPA) that `spec.cluster.addons` does not name, so it is not rendered.";
    SCALER_CHANGE = "scaler-change": "An HPA can't be replaced by a ScaledObject (or back) in one merge: both would act on the workload for a moment, and KEDA refuses it. First merge: `mode: none` for the workload; when it is applied, the second: the new mode.";
    NOT_SCALABLE = "not-scalable": "This kind of workload, or this one because of what it uses, can't be scaled horizontally: a DaemonSet, a Job, a Deployment owned by a Rollout, or a volume that only one pod may mount.";
    NOTHING_TO_SCALE_ON = "nothing-to-scale-on": "The policy asks for a scaler and names nothing that it could act on: a KEDA ScaledObject needs a trigger or a CPU target, an HPA whose metrics are all taken away needs one. No scaler is rendered.";
    TARGET_MISSING = "target-missing": "A metric or a trigger of the policy names no target. What one pod can take of it is in no profile, so nothing can be derived: state `averageValue`, `value` or `threshold`. The others of the workload are rendered without it.";
    LOAD_TOO_FLAT = "load-too-flat": "The recorded load is too small or too even for an autoscaler to be worth its risk. State the bounds to have one all the same.";
    SCALING_MODE_ABSENT = "scaling-mode-absent": "The policy sets bounds, targets or metrics of a scaler and does not say that one is planned: without `scaling.mode` whoever scales so far goes on as it does. State `mode: hpa` or `mode: keda`, which adopts a scaler that is there, or take a class that does.";
    SCALE_POINT_MOVED = "scale-point-moved": "Target and request were both stated, and their product is not what it was: pods will be added at another load per pod than before. A target of the pod's sum is a share of every container's request, a sidecar's too.";
    LIMIT_FOLLOWS_REQUEST = "limit-follows-request": "The limit keeps the proportion to the request that its owner gave it in the manifest, whatever a plan made of the request since: under `mode: ratio` always, under `mode: keep` where the request has reached it. A pod whose request exceeds its limit is refused, and one without room above the request is throttled or killed.";
    TARGET_UNREACHABLE = "target-unreachable": "Usage can't pass the CPU target: a container uses at most its limit, which is limit / request of its request, and the controller acts only beyond 1.1 times the target. Such a scaler never adds a pod. Lower the target, or drop or raise the limit.";
    SHARED_PODS = "shared-pods": "The selectors of two workloads overlap: a budget or scaler of the one takes in pods of the other. A pod in two budgets can't be evicted, so a drain never ends; HPAs that share pods stop (`AmbiguousSelector`). Neither is planned until labels tell the pods apart; what was accepted stays in the plan, and of two accepted budgets for the same pods a build renders one (`two-budgets`).";
    SCALE_POINT_KEPT = "scale-point-kept": "Target × request is kept, so that pods are added at the same load per pod as before.";
    PDB_BLOCKS_EVICTIONS = "pdb-blocks-evictions": "At the lowest replica count the budget allows no eviction, so a node drain never ends. Raise the replicas, use `maxUnavailable: 1`, or accept it with a reason.";
    PDB_PROTECTS_NOTHING = "pdb-protects-nothing": "At the lowest replica count the budget lets every pod go at once, as without one. It harms nothing; raise the lowest count, or take the budget out.";
    ONE_AT_A_TIME = "one-at-a-time": "The budget lets one pod go at a time, a tenth of twenty and more: never none, at any replica count the workload may have.";
    PDB_OMITTED = "pdb-omitted": "With a single replica a budget either blocks every drain or protects nothing, so none is rendered.";
    SPOT_UNSAFE = "spot-unsafe": "This workload should not run on interruptible nodes: state on volumes, a single replica, a database or a cache, or a grace period longer than the notice. It is placed on on-demand nodes.";
    SPREAD_SOFTENED = "spread-softened": "With fewer replicas than zones a hard spread would leave pods pending, so it is a preference.";
    RESTART_DEFERRED = "restart-deferred": "The change would restart pods, and the policy bounds how often (`guardrails.restart`) or how many workloads at once (`guardrails.wave`). It waits for a later plan. That a class keeps pods off spot nodes where nothing of ours put them there is no reason to restart them at all: it goes along with their next restart.";
    RESTARTS_PODS = "restarts-pods": "Applying this change replaces the workload's pods. Where something restarts them that waits for nothing, such as a stated value, steps that `guardrails.restart.minInterval` alone would hold back go along (`takenAlong`): one restart is less than two.";
    CAPACITY_BOUNDED = "capacity-bounded": "A request shrinks by at most `guardrails.capacityDecrease` in one plan, and so do requests × lowest replicas. The rest follows with newer history, when this step has proved itself: one window of history is worth one step. Where one pod is more than that share (one of three is 33%), the count does not fall by itself, and a finding says so.";
    BELOW_MIN_CHANGE = "below-min-change": "The new value differs from the accepted one by less than `guardrails.minChange`, so the accepted one stays: quiet diffs. `derived` is the new one.";
    REGIME_CHANGE = "regime-change": "From some day on the load is another than before: each day since is above, or below, each day before, and their medians differ by half and more. They are not one population, so a percentile over both fits neither. Look before merging; a shorter window, or the next profile, shows the new level alone.";
    SATURATED = "saturated": "The container uses up its CPU limit for long: what it would use without the limit was not recorded, so percentiles show the limit and not the load. A request derived from them may still be too small; raise or drop the limit, and look again with the next profile.";
    STATED_BELOW_USAGE = "stated-below-usage": "What the policy states is less than what was recorded: a memory limit, or without one a memory request, below the highest use of any pod, a CPU request below the median, or a highest count of pods whose requests together are below the highest use of all pods. It is applied all the same. A pod is killed when it reaches its memory limit (OOM), at its start if that is where it uses most; one that uses more than it requests gets less CPU on a full node, and is evicted first where memory is short. State more, leave the value to history, or accept the finding where usage is to fall. A bound of a request (`max`) is obeyed for the request; a limit that would follow it below the highest use stays above that.";
    UNIT_SLIP = "unit-slip": "An amount is in another unit than it says: recorded usage far beyond a hard limit or a hundred times the request of every pod, memory of a few bytes, or a stated amount with a suffix of the other resource. Recorded usage of such a workload is set aside: what was accepted stays, what the policy states is applied. Export again in cores and bytes; if the numbers are true, accept the finding.";
    CAPPED_BY_LIMIT = "capped-by-limit": "The policy states a limit that is lower than the request would be. The API server refuses a pod that requests more than its limit, so the request is the limit, and the scaler's target and counts are solved for that request. State a higher limit, or `limits: {cpu: {mode: keep}}`, to have the request that was derived.";
    MEMORY_NOT_LOWERED = "memory-not-lowered": "The memory of a JVM, a cache or a database is held by configuration, not by load: it is never lowered automatically. Nor is a memory request that a scaler's memory target is a share of: pods would be added at less memory, which hardly falls when they are, and the scaler could stay at its highest count.";
    STATED = "stated": "The policy states this value.";
    CLASS = "class": "A class that trimtab ships sets this, and the policy does not say otherwise. State it in a rule, or in a class of the policy's own, to have it another way.";
    BOUNDED = "bounded": "The derived value lay outside the bounds the policy states and was moved to the nearer one.";
    PERCENTILE = "percentile": "A percentile of the recorded usage per pod, plus a margin, rounded up.";
    REPLICAS_RECORDED = "replicas-recorded": "The scaler acts on a queue, a schedule or a query, and CPU says nothing of how many pods that takes. The bound comes from the recorded counts of pods: the highest with headroom, or, for a first minimum, the count that was enough in the share `derive.minQuantile` of the time. A minimum that is in force stays, as pods never go below it and nothing is recorded that speaks for another: state `minReplicas` to change it.";
    VPA_ESTIMATE = "vpa-estimate": "The Vertical Pod Autoscaler's rule (90th percentile, 15 % margin, floors) on the profile's sketch: an approximation, as the sketch keeps weeks and not single samples in order.";
    UNCHANGED = "unchanged": "Nothing to change here.";
    KEPT = "kept": "The accepted decision is kept, or what the manifests have.";
    BORROWED_HISTORY = "borrowed-history": "`spec.history.from` names another environment. What that one used can only be a floor here, and floors are not derived yet: the profile is set aside, and values left to history stay as they are.";
    PROFILE_OLDER = "profile-older": "The accepted plan was decided on a profile that reaches further than the one given now: an old file came back, or an export was cut short. What was accepted on the newer one stays, and nothing is derived from the older one. Give the newer profile again; where the older one is the right one, restore its plan too, or take the workload's entry out (`trimtab plan --write --forget WORKLOAD`).";
    FOREIGN_PROFILE = "foreign-profile": "The profile was recorded in another environment. Sizing production from what another environment did is refused unless `spec.history.from` names it.";
    MALFORMED_INPUT = "malformed-input": "A file can't be read as what it should be.";
    MISSING_INPUT = "missing-input": "Something the command needs is not there.";
    UNKNOWN_TARGET = "unknown-target": "A scaler, budget or VPA in the manifests points at a workload that is not among them. It is left alone. Where a workload has the name with a prefix or suffix more, the reference lacks it: kustomize adds it to the target of an HPA, and to that of a ScaledObject, a VPA or a Rollout only where a file under `configurations:` has a `nameReference` for it.";
    ACCEPT_EXPIRED = "accept-expired": "A finding was accepted until a day that has passed. What was rendered stays; the acceptance needs a new date or the finding a repair.";
    ACCEPTED = "accepted": "A finding that the policy accepts, with its reason.";
    TRIGGER_INVALID = "trigger-invalid": "A KEDA trigger lacks metadata that its scaler needs, or has values it refuses.";
    SCHEDULE_BEYOND_BOUNDS = "schedule-beyond-bounds": "A KEDA schedule (`cron` trigger) asks for more replicas than the highest count, which cuts it, or for no more than the lowest one, where it does nothing. KEDA takes both in silence.";
    TWO_SCALERS = "two-scalers": "Two scalers act on one workload, or on pods that the selectors of two workloads share. Each undoes what the other does, or both stop. Keep one, with the metrics of both.";
    SCALER_FIGHTS_VPA = "scaler-fights-vpa": "A `VerticalPodAutoscaler` sets the request that a utilization target divides by: every change of the one moves the other. Let the VPA control the other resource, or only recommend.";
    UTILIZATION_WITHOUT_REQUEST = "utilization-without-request": "A utilization target is a share of the request. One container of the pod without the request makes the metric of all pods invalid, and nothing is scaled. Set it, or look at one container.";
    SCALE_TO_ZERO_WITHOUT_SIGNAL = "scale-to-zero-without-signal": "An HPA with no pods has no usage to measure. Going to zero takes an Object or External metric and a version that has it on, or KEDA.";
    REPLICAS_UNDER_SCALER = "replicas-under-scaler": "A replica count in the manifest sets the scaler's count back at every apply. It belongs there only until the scaler is in force.";
    REPLICA_BOUNDS = "replica-bounds": "The bounds of a scaler are the wrong way round, zero, or leave it nothing to do: none at all, or only beyond the load that was recorded.";
    PDB_SELECTOR = "pdb-selector": "A budget should hold for the pods of one workload. An empty selector holds for the whole namespace, an absent one for nothing.";
    TWO_BUDGETS = "two-budgets": "The eviction API refuses to evict a pod that is in two budgets, so a drain never ends. Keep one.";
    SPREAD_UNSATISFIABLE = "spread-unsatisfiable": "A topology spread constraint is refused, leaves pods pending, or counts other pods than those it is for.";
    GRACE_BEYOND_NOTICE = "grace-beyond-notice": "The pods may take longer to end than an interruptible node gives them. What is not done by then is killed.";
    PRE_STOP_TOO_LONG = "pre-stop-too-long": "A preStop hook counts inside the grace period. One that fills it leaves nothing for the stop signal.";
    SCALED_OBJECT_REFUSED = "scaled-object-refused": "Fields of a ScaledObject contradict each other. KEDA refuses it, or accepts it where its webhook is not installed and does nothing.";
    NO_FALLBACK = "no-fallback": "A ScaledObject with a trigger whose source can fail has no `fallback`. KEDA takes it; while the source fails, the count of pods stays where it is, whatever the load does. A fallback (`spec.scaling.fallback` in the policy, `spec.fallback` in a ScaledObject) says how many pods run then.";
    POD_LEVEL_RESOURCES = "pod-level-resources": "The pod as a whole states what it may have (`spec.resources` of the pod), and its containers share it. Requests and limits of single containers are not derived for that resource, as their sum must stay within the pod's; what the policy states is applied where it fits.";
    REQUEST_ABOVE_LIMIT = "request-above-limit": "A request is above the limit beside it, or containers pass what the pod as a whole may have. The API server refuses the pod. Lower the request or raise the limit.";
    API_REMOVED = "api-removed": "The object is of an API version that is not served any more.";
    CONTAINER_UNKNOWN = "container-unknown": "The policy names a container that this workload does not have.";
    INJECTED_CONTAINER = "injected-container": "A container seen in the history is not in the manifest: it is injected at admission. It counts for cost and scaling and is never edited.";
    HANDOFF = "handoff": "`spec.replicas` is kept at what was in force until history shows the scaler in force, then dropped: removing it at once scales to 1 under client-side apply, keeping it for ever resets the count at every sync.";
    OBSERVED = "observed": "The workload is in mode observe: the plan says what it would do, nothing is rendered.";
    DELEGATION_REFUSED = "delegation-refused": "An annotation on a workload sets something that the policy does not delegate to its owners, so it is ignored.";
    COUNTER_BESIDE_RATE = "counter-beside-rate": "A series is given as a counter and as a rate of it. The rate is used; drop the counter from the export to silence this.";
    COUNTER_IS_A_RATE = "counter-is-a-rate": "A metric named like a counter falls too often to be one, so its numbers are taken as the rate itself.";
    COLUMN_MISSING = "column-missing": "A table has no column for something every sample needs. Columns are found by their names; `--columns ROLE=COLUMN` names one.";
    EXPORT_EMPTY = "export-empty": "An export holds no usable sample: the query matched nothing, or all values are absent.";
    EXPORT_CHANGED = "export-changed": "An export was written while it was read, so its samples may be of two texts. Run again when it is whole.";
    EXPORT_FAILED = "export-failed": "The file is the store's answer to a query that failed. Correct the query and export again.";
    EXPORT_MALFORMED = "export-malformed": "An export can't be read as what it looks like.";
    EXPORT_TRUNCATED = "export-truncated": "An export ends in the middle: the download was cut short. Export it again; for big exports cut the query by time or namespace.";
    EXPORT_UNREADABLE = "export-unreadable": "An export can't be read: it is missing, not readable, or damaged inside its compression.";
    EXPORT_WARNED = "export-warned": "The store answered with a warning of its own, so the export may be incomplete.";
    FORMAT_UNKNOWN = "format-unknown": "A file is in no format that is read. Exports are Prometheus `query_range` JSON, lines of VictoriaMetrics, OpenMetrics, dumps of promtool, answers of Datadog and CloudWatch, counted rows or CSV, plain, gzip or zstd, and Parquet where it was built in (docs/exports.md).";
    IDENTITY_AMBIGUOUS = "identity-ambiguous": "A pod could belong to two workloads. It is never guessed: give owner files, or labels that name the workload.";
    MANIFEST_UNREADABLE = "manifest-unreadable": "A manifest can't be read, so the workloads in it don't help to tell whose pods the export names.";
    MERGE_GRIDS = "merge-grids": "Samples of the parts lie at different instants, so their totals do not add. Export all parts with one step and starts a whole number of steps apart.";
    MERGE_MIXED = "merge-mixed": "Shards and finished profiles can't be merged with each other.";
    MERGE_OVERLAP = "merge-overlap": "Two parts hold the same samples or the same time. Cut shards so that each sample is in one of them.";
    MERGE_STATES = "merge-states": "Two parts know one container's samples, and what `--with-state` keeps of samples in their order is of one run: it does not add up. Merged shards are refused, so that none passes for the state of all; finished profiles lose the state, and everything else of them is merged. Cut shards by workload, or profile the whole window in one run.";
    MERGE_STEP = "merge-step": "The parts were made with different steps.";
    NAMESPACE_MISSING = "namespace-missing": "A series does not say its namespace. Export it with the label, or give `--namespace`.";
    NO_EFFECT = "no-effect": "An argument was given to a command that has no use for it in this run: what says how a metrics store is asked beside files, or what says how a profile is made where only a query is printed. It would be passed over in silence, so it is refused; the message says what to do instead.";
    NOT_A_HISTORY = "not-a-history": "The file is something people have at hand that tells too little about the past to plan with, such as a recommendation. Export the samples themselves.";
    POD_MISSING = "pod-missing": "Values of several pods were mixed by the store before they were exported, or nothing tells whose they are. Query them pod by pod.";
    ROW_CONTRADICTS = "row-contradicts": "A row of counts contradicts itself, its signal, or the rows of the other table, so the query that made it is wrong.";
    ROWS_REPEATED = "rows-repeated": "Two files hold the same rows of counts. They count once.";
    TIME_IN_FUTURE = "time-in-future": "Samples lie in the future by this machine's clock. A plan takes the last sample as its now, so a damaged time spoils it.";
    VALUES_ROLLED_UP = "values-rolled-up": "The store gives one value for each interval, an average in most cases. Requests made from it are too low where load is short and high.";
    NATIVE_HISTOGRAM = "native-histogram": "The export holds native histograms where samples are needed. Query a quantile or a rate of them.";
    NOT_A_RANGE = "not-a-range": "The export is the answer of an instant query. History needs `query_range`.";
    OWNERS_EMPTY = "owners-empty": "An owner file names no owner of anything. An answer without any series (`kube_job_owner` where nothing runs as a Job) is remarked on, anything else is an error.";
    VPA_UNKNOWN = "vpa-unknown": "A checkpoint of the Vertical Pod Autoscaler names its VPA and no workload. The VPA names the workload (`spec.targetRef`): give it in the same file (`kubectl get vpa,vpacheckpoints -A -o json`), in another one, or with the manifests.";
    ROUGH_HISTORY = "rough-history": "What is known of this container's usage hides peaks: averages over longer than five minutes, a checkpoint of the Vertical Pod Autoscaler (decayed weights, no time, no pods), or ranges that VictoriaMetrics counted (`--coarse`, `vmrange`: no time, no pods, up to 17% wide). That is a lower bound and no more. It founds a request where there is none and raises one that is too low, at low confidence; it lowers nothing, and no scaler, replica count or limit is derived from it. Export the samples themselves for more.";
    PODS_UNRESOLVED = "pods-unresolved": "Pods that belong to no known workload are left out of the profile. Give owner files collected over the whole window, and the manifests.";
    PROFILE_MALFORMED = "profile-malformed": "A usage profile can't be read: it was edited by hand, cut, or damaged by a merge. Make it again with `trimtab profile`.";
    PROFILE_REPEATED = "profile-repeated": "Two usage profiles hold the same samples, as two copies of a file do, or two runs over one export. They count once. Take one of both away.";
    PROFILE_UNUSED = "profile-unused": "A UsageProfile among the objects of the build is not used: profiles were given as files (`--profile`, or `profile*.yaml` and `profiles/` beside the policy), and these go before. Take it out of `resources:`, or the files away.";
    PROFILES_UNLIKE = "profiles-unlike": "Profiles that are given together are of different environments, or one of them names no environment (or cluster) where another one of its namespace does: nothing tells whether both are of the same. Make it again with `--environment` and `--cluster`, or merge the files and say it there: `trimtab profile merge FILE… --environment NAME -o FILE`. `merge --mixed` keeps profiles of several environments apart in one file.";
    PROFILE_PART = "profile-part": "The usage profile is a part of a larger one (`trimtab profile --shard`): its totals are of this part only, and not in the form that plans are made from. Merge all parts: `trimtab profile merge PART… -o FILE`.";
    ROW_BLANK = "row-blank": "A blank row of a table is left out.";
    ROW_DUPLICATE = "row-duplicate": "A row has the same time as the one before in its series. Each instant counts once; of different values the greater.";
    ROW_OUT_OF_ORDER = "row-out-of-order": "A row is older than the one before in its series. Rows are sorted; many such rows are a sign of a damaged export.";
    SAMPLES_CONFLICT = "samples-conflict": "The same series has two values at one instant. The greater counts, so that no order of files changes the result.";
    RANGES_UNUSABLE = "ranges-unusable": "Counts that VictoriaMetrics made in its ranges (`histogram_over_time`) are read from answers of instant queries, by pod and container, of cpu or memory (of the rate of a counter, not of the counter), each with the length of what was counted in the label `window`, and no time counted twice. `trimtab profile --print-queries --coarse` prints such queries.";
    SAMPLES_OFF_GRID = "samples-off-grid": "Samples of several pods don't share instants, as in raw scrapes, so totals are taken over cells: an upper bound. Export with `query_range`. Rows that an engine counted tell it by their instants alone, when it is too late: there totals are too low, and are to be counted again with `--off-grid`.";
    SAMPLES_SHARED = "samples-shared": "Samples that are given more than once are counted once: files overlap, or one file repeats its rows.";
    SERIES_LEFT_OUT = "series-left-out": "Series that tell nothing about a container or workload are left out.";
    SEVERAL_CLUSTERS = "several-clusters": "The export holds several clusters. Their usage is never added up: name one with `--cluster`.";
    SEVERAL_RECORDERS = "several-recorders": "One series was recorded several times: by replicas of one Prometheus, or by several servers or jobs. Whether they record the same is for you to say: `--cluster-label NAME=VALUE` takes one of them, `--cluster-label NAME` counts each instant once.";
    SIGNAL_BY_FILE_NAME = "signal-by-file-name": "What a file measures was told by its name, as its series carry no metric name.";
    SIGNAL_UNKNOWN = "signal-unknown": "Nothing tells what a series measures. Name it on the command line: SIGNAL=FILE.";
    STORE_UNREACHABLE = "store-unreachable": "A metrics store gives no answer, or none that is whole, after several tries. What was answered is kept, and the same command goes on from there.";
    STORE_REFUSES = "store-refuses": "A metrics store wants other credentials, or another tenant.";
    STORE_NO_API = "store-no-api": "What answers at the address is not the query API of Prometheus: a login page, another path, a redirect.";
    STORE_QUERY_FAILED = "store-query-failed": "A metrics store can't answer a query as it stands.";
    STORE_LIMIT = "store-limit": "A metrics store refuses even a query over the shortest span as too much. Ask for fewer namespaces or a longer step, or raise its limits.";
    CADVISOR_MISSING = "cadvisor-missing": "A metrics store has no usage of containers. Prometheus gets it from the kubelets' `/metrics/cadvisor`.";
    KUBE_STATE_METRICS_MISSING = "kube-state-metrics-missing": "A metrics store lacks what kube-state-metrics exports: who owns a pod, requests, limits and replicas in force. Without owners, pods are told by the names of the manifests' workloads (`--manifests`).";
    LABELS_FOREIGN = "labels-foreign": "Series of a metrics store name pod and container by other labels than `namespace`, `pod` and `container`.";
    LABELS_OVERWRITTEN = "labels-overwritten": "Prometheus has put its own `pod` and `namespace` over those that kube-state-metrics exports, which are now `exported_pod` and `exported_namespace`. Scrape it with `honor_labels: true`.";
    RETENTION_SHORT = "retention-short": "A metrics store does not reach back over the whole window.";
    CLOCK_SKEW = "clock-skew": "The clock of a metrics store and that of this machine are more than a minute apart.";
    SCRAPES_SPARSE = "scrapes-sparse": "Containers are scraped so rarely that a rate over one step finds less than two samples.";
    TIME_IN_MILLISECONDS = "time-in-milliseconds": "Times are in milli-, micro- or nanoseconds where seconds are usual. They were converted.";
    TIME_MALFORMED = "time-malformed": "A time is in no form that is known.";
    TIME_OUT_OF_RANGE = "time-out-of-range": "A time lies before 2000 or after 2100, which no export can mean. The sample is left out.";
    TIME_COLUMNS = "time-columns": "Two columns of a table tell times that lie more than a day apart in the same row. One of them is damaged; `--columns time=COLUMN` says which one counts.";
    TIME_SPAN = "time-span": "The samples lie years apart. A damaged file can carry times of another year.";
    UNIT_UNDECLARED = "unit-undeclared": "The name of a table's value column tells another unit than the signal is read in. Names are wrong at times, so the unit is not taken from them: `--unit` declares it.";
    VALUE_ABSENT = "value-absent": "A sample has no value: NaN, an infinity, null or blank. It is left out and counts as unknown.";
    VALUE_MALFORMED = "value-malformed": "A value is no plain decimal.";
    VALUE_NEGATIVE = "value-negative": "A value is below zero, which no signal can be. It is left out.";
    VALUE_TOO_LARGE = "value-too-large": "A value is beyond any cluster. It is left out; check its unit.";
}
