//! Workloads that history knows under another name: which entries of `spec.identity.moved` fit the manifests, and what
//! became of what was accepted and recorded under the old name.

use super::recorded_in;
use crate::diag::{Diagnostic, code, counted, near_miss};
use crate::facts;
use crate::history::owners::WorkloadKey;
use crate::plan::{self, OptimizationPlan, namespace};
use crate::policy::Settings;
use crate::policy::merge::escape;
use crate::policy::moved::WorkloadName;
use crate::profile::Profile;
use crate::profile::moved::{self, Joined, RecordedName};
use crate::workload::{Workload, Workloads};

/// An entry that fits.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// Its key in the policy.
    entry: String,
    from: RecordedName,
    to: RecordedName,
    /// The key of its entry in a plan, namespace included.
    accepted: String,
    /// Key of the workload among the manifests.
    workload: String,
}

impl Move {
    /// The names that its history may have, as those of any workload.
    pub(super) fn earlier(&self) -> [RecordedName; 2] {
        names(&self.from)
    }

    fn later(&self) -> [RecordedName; 2] {
        names(&self.to)
    }
}

fn names(of: &RecordedName) -> [RecordedName; 2] {
    facts::keys(&of.key.kind, &of.key.name).map(|key| RecordedName {
        namespace: of.namespace.clone(),
        key,
    })
}

/// The entries that fit the manifests; of the others it is said why they do nothing.
pub(super) fn of(settings: &Settings, workloads: &Workloads, diagnostics: &mut Vec<Diagnostic>) -> Vec<Move> {
    let mut moves = Vec::new();
    for (entry, to) in &settings.policy.spec.identity.moved {
        // both were read when the policy was checked
        let Some((from, to)) = WorkloadName::parse(entry).zip(WorkloadName::parse(&to.to)) else {
            continue;
        };
        match fitting(entry, &from, &to, settings, workloads) {
            Ok(fitting) => moves.push(fitting),
            Err(why) => diagnostics.push(at(*why, entry, settings)),
        }
    }
    moves
}

fn fitting(
    entry: &str,
    from: &WorkloadName,
    to: &WorkloadName,
    settings: &Settings,
    workloads: &Workloads,
) -> Result<Move, Box<Diagnostic>> {
    let mut named = workloads
        .by_key
        .iter()
        .filter(|(_, workload)| to.is_of(&workload.subject()));
    let (key, target) = named
        .next()
        .ok_or_else(|| Box::new(without_target(to, settings, workloads)))?;
    if let Some((other, _)) = named.next() {
        let headline = format!("`{to}` could be `{key}` or `{other}`");
        return Err(Box::new(
            Diagnostic::warning(code::MOVED_IDLE, headline)
                .because("nothing is taken for its history until one is named")
                .help("write `Kind/namespace/name`"),
        ));
    }
    let home = from.namespace.as_ref().unwrap_or(&target.namespace);
    let old = WorkloadName {
        namespace: Some(home.clone()),
        ..from.clone()
    };
    if workloads.by_key.values().any(|workload| old.is_of(&workload.subject())) {
        let headline = format!("`{from}` is still among the manifests");
        return Err(Box::new(
            Diagnostic::warning(code::MOVED_IDLE, headline)
                .because(format!(
                    "what it used is its own history, and counts for `{key}` when it is gone"
                ))
                .help("take the entry out, or the workload"),
        ));
    }
    let now = recorded_in(target, settings);
    if from.namespace.is_some() && now.is_empty() {
        let headline = format!("the namespace that `{from}` was moved to is not known");
        return Err(Box::new(
            Diagnostic::warning(code::MOVED_IDLE, headline)
                .because(format!("neither the manifest of `{key}` nor the policy says it"))
                .help("state it as `spec.identity.namespace`"),
        ));
    }
    let name = |namespace: &str, of: &WorkloadName| RecordedName {
        namespace: namespace.to_owned(),
        key: WorkloadKey::new(&*of.kind, &*of.name),
    };
    Ok(Move {
        entry: entry.to_owned(),
        from: name(from.namespace.as_deref().unwrap_or(now), from),
        to: name(now, to),
        accepted: old.to_string(),
        workload: key.clone(),
    })
}

fn without_target(to: &WorkloadName, settings: &Settings, workloads: &Workloads) -> Diagnostic {
    // written as the entry is
    let alike = |workload: &Workload| WorkloadName {
        kind: workload.id.kind.clone(),
        namespace: to.namespace.is_some().then(|| workload.namespace.clone()),
        name: workload.id.name.clone(),
    };
    let names: Vec<String> = workloads.by_key.values().map(|one| alike(one).to_string()).collect();
    let identity = &settings.policy.spec.identity;
    let lengthened = WorkloadName {
        name: format!("{}{}{}", identity.name_prefix, to.name, identity.name_suffix),
        ..to.clone()
    };
    let of_overlay = |workload: &&Workload| lengthened.is_of(&workload.subject());
    let near = match workloads.by_key.values().find(of_overlay) {
        Some(_) => Some(lengthened.to_string()),
        None => near_miss(&to.to_string(), names.iter().map(String::as_str)).map(str::to_owned),
    };
    let help = match near {
        Some(near) => format!("did you mean `{near}`? else take the entry out"),
        None => "name the workload as the finished manifests do, or take the entry out".to_owned(),
    };
    Diagnostic::warning(code::MOVED_IDLE, format!("there is no `{to}` among the manifests"))
        .because("history is moved to a workload of this environment, under its final name")
        .help(help)
}

/// An accepted plan with its entries under the names that their workloads have by now, and what there is to say of it.
pub(super) fn accepted(
    plan: OptimizationPlan,
    settings: &Settings,
    workloads: &Workloads,
) -> (OptimizationPlan, Vec<Diagnostic>) {
    let mut plan = namespace::under_keys_of(plan, workloads);
    // why an entry does nothing is said when a plan is made
    let moves = of(settings, workloads, &mut Vec::new());
    let said = moves.iter().filter_map(|one| {
        let said = carry(one, &mut plan, workloads)?;
        Some(at(said, &one.entry, settings).of(&one.workload))
    });
    let said = said.collect();
    (plan, said)
}

/// Takes an accepted entry along, unless its workload has one already.
fn carry(one: &Move, plan: &mut OptimizationPlan, workloads: &Workloads) -> Option<Diagnostic> {
    let workload = workloads.by_key.get(&one.workload)?;
    let entries = &plan.spec.workloads;
    let keys = [
        Some(one.accepted.clone()),
        workloads.default_namespace.other_key(&one.accepted),
    ];
    let earlier = keys.into_iter().flatten().find(|key| entries.contains_key(key))?;
    let now = &one.workload;
    if entries.contains_key(now) {
        return Some(
            Diagnostic::error(
                code::MOVED_CLASH,
                format!("`{earlier}` and `{now}` both have an accepted decision"),
            )
            .because("the policy says that they are one workload, which has one")
            .help(format!(
                "drop the one that is not to count: `trimtab plan DIR --write --forget {earlier}` keeps that of `{now}`, \
                 `--forget {now}` takes that of `{earlier}`"
            )),
        );
    }
    plan::moved::carry(plan, &earlier, now, workload);
    let headline = format!("what was accepted for `{earlier}` goes to `{now}`");
    Some(Diagnostic::note(code::MOVED, headline))
}

/// Lets histories count for the workloads of today.
pub(super) fn join(
    moves: &[Move],
    profiles: &mut Vec<Profile>,
    settings: &Settings,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if profiles.is_empty() {
        return;
    }
    for one in moves {
        let mut all = Joined::default();
        for (from, to) in one.earlier().iter().zip(&one.later()) {
            let joined = moved::join(profiles, from, to);
            all = Joined {
                profiles: all.profiles + joined.profiles,
                left: all.left + joined.left,
                shared: all.shared.max(joined.shared),
            };
        }
        let said = outcome(one, all, profiles).into_iter();
        diagnostics.extend(said.map(|said| at(said, &one.entry, settings).of(&one.workload)));
    }
}

fn outcome(one: &Move, joined: Joined, profiles: &[Profile]) -> Vec<Diagnostic> {
    let (from, to) = (&one.from.key, &one.to.key);
    if joined.profiles == 0 {
        return vec![unknown(one, profiles)];
    }
    let mut said = Vec::new();
    if joined.left < joined.profiles {
        said.push(Diagnostic::note(
            code::MOVED,
            format!("what is recorded of `{from}` counts for `{to}`"),
        ));
    }
    if joined.left > 0 {
        let headline = format!("what is recorded of `{from}` has another step than what is recorded of `{to}`");
        said.push(
            Diagnostic::warning(code::MOVED_IDLE, headline)
                .because("cells of different length do not join: the history under the new name is used alone")
                .help("make both profiles with the same `--step`"),
        );
    }
    if joined.shared > 0 {
        let cells = counted(joined.shared, "step");
        let headline = format!("history knows both `{from}` and `{to}` at {cells}");
        said.push(
            Diagnostic::warning(code::MOVED_TOGETHER, headline)
                .because("the totals of both are added there, and rounded up to a level of the profile's scale")
                .help("nothing is to be done if one took over from the other; else take the entry out"),
        );
    }
    said
}

fn unknown(one: &Move, profiles: &[Profile]) -> Diagnostic {
    let from = one.from.key.to_string();
    let is_asked = |profile: &&Profile| {
        let namespace = &one.from.namespace;
        namespace.is_empty() || *namespace == profile.scope.namespace
    };
    let keys = profiles
        .iter()
        .filter(is_asked)
        .flat_map(|profile| profile.workloads.keys());
    let keys: Vec<String> = keys
        .filter(|key| **key != one.to.key)
        .map(ToString::to_string)
        .collect();
    let within = match one.from.namespace.as_str() {
        "" => String::new(),
        namespace => format!(" in namespace `{namespace}`"),
    };
    let help = match near_miss(&from, keys.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? else take the entry out"),
        None => "take the entry out, or name the workload as `trimtab profile show` does".to_owned(),
    };
    Diagnostic::warning(code::MOVED_IDLE, format!("no profile knows `{from}`{within}"))
        .because("either the name is another one, or the move is older than what is recorded")
        .help(help)
}

/// With the place of the entry in the policy.
fn at(diagnostic: Diagnostic, entry: &str, settings: &Settings) -> Diagnostic {
    diagnostic.at(settings.key_place(&format!("/spec/identity/moved/{}", escape(entry))))
}
