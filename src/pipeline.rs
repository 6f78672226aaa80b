//! The whole flow in one function of named steps. The command line and the KRM function both call it and decide nothing.

mod again;
mod findings;
mod moved;
mod profiles;
mod since;
mod unstated;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diag::{self, Diagnostic, code, first_of};
use crate::facts::{self, Facts};
use crate::krm::apply::{Applied, apply_each, misfits};
use crate::krm::{ApplyError, Edit, Object};
use crate::plan::model::OptimizationPlan;
use crate::plan::{self, baseline, codec};
use crate::policy::{self, Settings, Source};
use crate::price::{self, PriceSheet};
use crate::profile::demand::Columns;
use crate::profile::opened::{self, Asked, ProfileStream, ProfileText};
use crate::profile::{Profile, object};
use crate::render;
use crate::units::Timestamp;
use crate::workload::{self, Workload, Workloads};

use moved::Move;

pub use again::derive_again;
pub use since::changed_since;

/// Where a profile comes from.
#[derive(Clone, Debug)]
pub enum ProfileSource {
    /// A file, with all profiles in it.
    File {
        /// Path as the user gave it.
        path: String,
        /// What is in it.
        stream: ProfileStream,
    },
    /// An object among the items of a build.
    Object(Value),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Apply the accepted plan; where there is none, plan on the fly.
    Apply,
    /// Decide anew, the accepted plan being the last decision.
    Plan,
}

/// What a run needs.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What is to be done.
    pub purpose: Purpose,
    /// The manifests, none of our own kinds among them.
    pub objects: Vec<Object>,
    /// The policy.
    pub policy: Value,
    /// Where it came from.
    pub policy_source: Source,
    /// The accepted plan, and where it came from.
    pub plan: Option<(Value, Source)>,
    /// The price sheet, and where it came from.
    pub prices: Option<(Value, Source)>,
    /// Profiles of the environment.
    pub profiles: Vec<ProfileSource>,
    /// Threads; 0 for as many as the machine has. The result is the same.
    pub threads: usize,
}

/// What a run gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The manifests after the edits: those given, each at its place, and new ones.
    pub objects: Applied,
    /// The edits.
    pub edits: Vec<Edit>,
    /// The plan they come from.
    pub plan: OptimizationPlan,
    /// What was found, none of it an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The policy, resolved.
    pub settings: Settings,
    /// The price sheet, if one was given.
    pub prices: Option<PriceSheet>,
    /// What the manifests contain.
    pub workloads: Workloads,
}

/// Manifests, policy, history and last decision in; edited manifests and the plan out.
///
/// Errors: an input that can't be read, with every problem in it. What concerns one workload is never an error.
pub fn run(inputs: &Inputs) -> Result<Outcome, Vec<Diagnostic>> {
    let settings = policy::parse(&inputs.policy, &inputs.policy_source)?;
    let accepted = accepted_plan(inputs, &settings)?;
    run_on(inputs, settings, accepted)
}

/// The same on an accepted plan that was read already, with what is doubtful in it.
fn run_on(
    inputs: &Inputs,
    settings: Settings,
    (accepted, miscounted): (Option<OptimizationPlan>, Option<Diagnostic>),
) -> Result<Outcome, Vec<Diagnostic>> {
    let (prices, doubts) = prices(inputs)?;
    let (mut workloads, mut diagnostics) = workload::read_in(&inputs.objects, &settings.default_namespace());
    let (accepted, carried) = match accepted {
        Some(plan) => {
            let (plan, carried) = moved::accepted(plan, &settings, &workloads);
            (Some(plan), said_of(carried, inputs.purpose)?)
        }
        None => (None, Vec::new()),
    };
    diagnostics.extend(settings.warnings.iter().cloned());
    diagnostics.extend(doubts);
    diagnostics.extend(miscounted);
    diagnostics.extend(carried);
    if let Some(accepted) = &accepted {
        diagnostics.extend(edited(accepted));
        diagnostics.extend(plan::missed::let_go(accepted, &mut workloads));
        diagnostics.extend(render::overridden(accepted, &workloads));
    }
    let is_on_the_fly = accepted.is_none() && inputs.purpose == Purpose::Apply;
    let plan = match (accepted, inputs.purpose) {
        (Some(plan), Purpose::Apply) => plan,
        (accepted, _) => {
            if is_on_the_fly {
                baseline::restore(&mut workloads);
            }
            decide(inputs, &settings, &workloads, accepted.as_ref(), &mut diagnostics)?
        }
    };
    if is_on_the_fly && inputs.profiles.is_empty() {
        unstated::check(&settings, &workloads, &plan)?;
    }
    if is_on_the_fly {
        let mut found = findings::of(&plan, &diagnostics);
        diagnostics.append(&mut found);
    }
    diagnostics.extend(nothing_to_plan(&workloads, &plan));
    let (mut edits, mut found) = render::render(&plan, &workloads);
    diagnostics.append(&mut found);
    if is_on_the_fly {
        edits.extend(baseline::note(&plan, &workloads));
    }
    let objects = apply_what_fits(inputs, &mut edits, &mut diagnostics);
    diag::sort(&mut diagnostics);
    Ok(Outcome {
        objects,
        edits,
        plan,
        diagnostics,
        settings,
        prices,
        workloads,
    })
}

/// Two accepted decisions on one workload are an error where one is to be made of them. A build applies the one that the
/// workload has under its own name.
fn said_of(carried: Vec<Diagnostic>, purpose: Purpose) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let is_error = |one: &Diagnostic| one.severity == diag::Severity::Error;
    if !carried.iter().any(is_error) {
        return Ok(carried);
    }
    if purpose == Purpose::Plan {
        return Err(carried.into_iter().filter(is_error).collect());
    }
    let as_warning = |one| Diagnostic {
        severity: diag::Severity::Warning,
        ..one
    };
    Ok(carried
        .into_iter()
        .map(|one| if is_error(&one) { as_warning(one) } else { one })
        .collect())
}

/// An accepted plan with its entries under the names that their workloads have by now.
pub fn under_names_of_now(plan: OptimizationPlan, settings: &Settings, workloads: &Workloads) -> OptimizationPlan {
    moved::accepted(plan, settings, workloads).0
}

/// An environment without workloads is no error (a base of config maps grows), and hardly what was meant.
fn nothing_to_plan(workloads: &Workloads, plan: &OptimizationPlan) -> Option<Diagnostic> {
    (workloads.by_key.is_empty() && plan.spec.workloads.is_empty()).then(|| {
        Diagnostic::warning(code::NO_WORKLOADS, "there is no workload among the manifests")
            .because("trimtab decides on Deployments, StatefulSets, DaemonSets, Rollouts, CronJobs and Jobs")
            .help("look at what the build lists under `resources:`, or pipe the manifests in")
    })
}

/// Applies the edits. Those of an object that does not take them are left out and reported: one broken workload stops
/// no other.
fn apply_what_fits(inputs: &Inputs, edits: &mut Vec<Edit>, diagnostics: &mut Vec<Diagnostic>) -> Applied {
    if let Ok(objects) = apply_each(inputs.objects.clone(), edits) {
        return objects;
    }
    let errors = misfits(inputs.objects.clone(), edits);
    let broken: BTreeSet<_> = errors.iter().map(|error| error.id().key()).collect();
    edits.retain(|edit| !broken.contains(&edit.id.key()));
    diagnostics.extend(errors.iter().map(left_alone));
    apply_each(inputs.objects.clone(), edits).expect("broken invariant: edits of one object do not touch another")
}

fn left_alone(error: &ApplyError) -> Diagnostic {
    Diagnostic::warning(code::LEFT_ALONE, error.to_string())
        .of(error.id().to_string())
        .because("nothing is changed in this object; what the plan says of other objects is applied")
        .help("mend the field that is named, or take the object out")
}

/// A build applies an edited entry as it stands, as the function never gates; a plan takes it for the last decision.
fn edited(plan: &OptimizationPlan) -> Option<Diagnostic> {
    let head = (!codec::is_head_sealed(&plan.spec)).then(|| "the head of the plan".to_owned());
    let keys: Vec<String> = head
        .into_iter()
        .chain(codec::edited(plan).map(|key| format!("`{key}`")))
        .collect();
    (!keys.is_empty()).then(|| {
        Diagnostic::warning(code::PLAN_EDITED, format!("edited after planning: {}", first_of(&keys)))
            .because("this is not what `trimtab plan --write` wrote, and `trimtab check` refuses it")
            .help("state it in the policy and plan again")
    })
}

/// The accepted plan. One that lost workloads is not applied; planned on, it is the last decision on the others.
fn accepted_plan(
    inputs: &Inputs,
    settings: &Settings,
) -> Result<(Option<OptimizationPlan>, Option<Diagnostic>), Vec<Diagnostic>> {
    let Some((value, source)) = &inputs.plan else {
        return Ok((None, None));
    };
    let plan = codec::parse(value, source, &settings.policy.spec.environment)?;
    match codec::miscounted(&plan, source) {
        Some(miscounted) if inputs.purpose == Purpose::Apply => Err(vec![miscounted]),
        miscounted => {
            let severity = diag::Severity::Warning;
            let doubt = miscounted.map(|miscounted| Diagnostic { severity, ..miscounted });
            Ok((Some(plan), doubt))
        }
    }
}

/// The sheet, and what is doubtful in it. One that can't be read stops a run, although no cost is computed from it yet:
/// who gives one relies on it.
fn prices(inputs: &Inputs) -> Result<(Option<PriceSheet>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let sheet = inputs.prices.as_ref();
    let read = sheet.map(|(value, source)| price::parse(value, source)).transpose()?;
    Ok(read.map_or((None, Vec::new()), |(sheet, doubts)| (Some(sheet), doubts)))
}

fn decide(
    inputs: &Inputs,
    settings: &Settings,
    workloads: &Workloads,
    accepted: Option<&OptimizationPlan>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<OptimizationPlan, Vec<Diagnostic>> {
    let moves = moved::of(settings, workloads, diagnostics);
    let (mut profiles, identities) = profiles::read(inputs, settings, workloads, &moves, diagnostics)?;
    moved::join(&moves, &mut profiles, settings, diagnostics);
    let facts = all_facts(&profiles, settings, workloads);
    let digests = codec::digests(&inputs.policy, identities);
    let window_end: Option<Timestamp> = profiles.iter().filter_map(Profile::window_end).max();
    diagnostics.extend(older_profile(accepted, window_end));
    let made_from = plan::Inputs {
        settings,
        workloads,
        facts: &facts,
        accepted,
        digests,
        window_end,
    };
    let (plan, mut found) = with_threads(inputs.threads, || plan::plan(&made_from));
    diagnostics.append(&mut found);
    Ok(plan)
}

/// A profile that ends before the one of the accepted plan.
fn older_profile(accepted: Option<&OptimizationPlan>, window_end: Option<Timestamp>) -> Option<Diagnostic> {
    let spec = &accepted?.spec;
    let windows = spec.workloads.values().filter_map(|entry| entry.window);
    let known = windows.chain(spec.window_end).max()?;
    let given = window_end.filter(|given| *given < known)?;
    Some(
        Diagnostic::warning(
            code::PROFILE_OLDER,
            format!("the usage profile ends at {given}, and the accepted plan was decided on one that ends at {known}"),
        )
        .because("nothing is derived from the older one: what was accepted on the newer one stays")
        .help("give the newer profile again"),
    )
}

/// Runs in a pool of so many threads; 0 for the machine's own number.
fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // one thread is this one: none is started
    let pool = if threads == 1 { pool.use_current_thread() } else { pool };
    match pool.build() {
        Ok(pool) => pool.install(work),
        // no thread to be had, or this one has been a pool before: it does the work
        Err(_) => work(),
    }
}

/// What a profile says of these workloads, under their names and under earlier ones; `is_alone`: no other one is of its
/// namespace and cluster.
fn read_of(
    text: &ProfileText,
    settings: &Settings,
    workloads: &Workloads,
    moves: &[Move],
    is_alone: bool,
) -> Result<Profile, object::ProfileError> {
    let mut profile = text.head().clone();
    let namespace = &profile.scope.namespace;
    let is_of_it = |asked: &str| asked.is_empty() || asked == namespace;
    let here = workloads.by_key.values();
    let now = here.filter(|workload| is_of_it(recorded_in(workload, settings)));
    let now = now.flat_map(|workload| {
        let memory = match workload.id.group.as_str() {
            "batch" => Columns::Totals,
            _ if moves.is_empty() => Columns::Ends,
            _ => Columns::Known,
        };
        facts::keys(&workload.id.kind, &workload.id.name).map(|key| (key, Asked::Plan { memory }))
    });
    let earlier = moves.iter().flat_map(Move::earlier);
    let memory = Columns::Totals;
    let earlier = earlier.filter(|name| is_of_it(&name.namespace));
    let earlier = earlier.map(|name| (name.key, Asked::Plan { memory }));
    // what is joined with another profile must be known whole
    let joined = |(key, asked)| (key, if is_alone { asked } else { Asked::Everything });
    profile.workloads = text.workloads(now.chain(earlier).map(joined))?;
    Ok(profile)
}

fn read_object(value: &Value) -> Result<ProfileText, Vec<Diagnostic>> {
    let name = value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let source = Source::object(object::KIND, name);
    let profile: object::ProfileObject = policy::schema::read(code::MALFORMED_INPUT, value, &source)?;
    let shown = format!("{}/{name}", object::KIND);
    opened::from_object(&profile).map_err(|error| vec![error.note(&shown).into()])
}

fn all_facts(profiles: &[Profile], settings: &Settings, workloads: &Workloads) -> BTreeMap<String, Facts> {
    let facts = |(key, workload): (&String, &Workload)| {
        let id = &workload.id;
        let facts = facts::of(profiles, recorded_in(workload, settings), &id.kind, &id.name);
        facts.map(|facts| (key.clone(), facts))
    };
    workloads.by_key.iter().filter_map(facts).collect()
}

/// The namespace that a workload's history is of. Who states none has one profile, whatever it was recorded in.
fn recorded_in<'a>(workload: &'a Workload, settings: &'a Settings) -> &'a str {
    let stated = &settings.policy.spec.identity.namespace;
    let id = &workload.id;
    if id.namespace.is_empty() { stated } else { &id.namespace }
}
