//! Which profiles of several files count together, and how often: asked before they are merged, and before a plan is made
//! from them.

use super::usage::{Profile, Scope, SignalHistory, Source};
use crate::diag::{code, first_of};
use crate::history::note::Note;
use crate::history::signal::Signal;
use std::collections::BTreeMap;

/// A profile with the file that it came from, which is empty where there is none.
#[derive(Clone, Debug)]
pub struct Part {
    /// As the user named it.
    pub name: String,
    /// What it holds.
    pub profile: Profile,
}

/// That all are of one environment, and that none leaves open whether it is of the environment or cluster of another one.
pub fn check_alike<'p>(all: impl IntoIterator<Item = (&'p str, &'p Scope)>) -> Result<(), Note> {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable();
    let environments = all
        .iter()
        .filter_map(|(name, scope)| Some((name, scope.environment.as_ref()?)));
    if let Some([one, other]) = two_values(environments) {
        return Err(several(one, other));
    }
    let open = |what: &'static str, of: fn(&Scope) -> &Option<String>, key: fn(&Scope) -> Scope| {
        let mut known: BTreeMap<Scope, [Option<&str>; 2]> = BTreeMap::new();
        for (name, scope) in &all {
            let both = known.entry(key(scope)).or_default();
            both[usize::from(of(scope).is_some())].get_or_insert(name);
        }
        let found = known.iter().find_map(|(key, both)| Some((key, both[0]?, both[1]?)));
        found.map(|(key, without, with)| {
            let stated = all
                .iter()
                .find(|(name, scope)| *name == with && scope.namespace == key.namespace)
                .and_then(|(_, scope)| of(scope).as_deref());
            left_open(what, stated.unwrap_or_default(), &key.namespace, [without, with])
        })
    };
    let by_namespace = |scope: &Scope| Scope {
        namespace: scope.namespace.clone(),
        ..Scope::default()
    };
    let by_environment = |scope: &Scope| Scope {
        cluster: None,
        ..scope.clone()
    };
    let note = open("environment", |scope| &scope.environment, by_namespace)
        .or_else(|| open("cluster", |scope| &scope.cluster, by_environment));
    note.map_or(Ok(()), Err)
}

type Named<'p> = (&'p &'p str, &'p String);

fn two_values<'p>(mut named: impl Iterator<Item = Named<'p>>) -> Option<[Named<'p>; 2]> {
    let first = named.next()?;
    let other = named.find(|(_, value)| *value != first.1)?;
    Some([first, other])
}

fn several((one, of_one): Named<'_>, (other, of_other): Named<'_>) -> Note {
    let message = format!("is of environment `{of_other}`, and `{one}` of `{of_one}`");
    Note::error(code::PROFILES_UNLIKE, message)
        .in_file(other)
        .help("take the profiles of one environment; `trimtab profile merge --mixed` keeps several apart in one file")
}

fn left_open(what: &str, stated: &str, namespace: &str, [without, with]: [&str; 2]) -> Note {
    let message = format!(
        "names no {what} for namespace `{namespace}`, and `{with}` is of {what} `{stated}`: nothing tells whether both are \
         of the same"
    );
    let help = format!(
        "if they are: `trimtab profile merge {with} {without} --{what} {stated} -o FILE`, and keep that one; else take one away"
    );
    Note::error(code::PROFILES_UNLIKE, message).in_file(without).help(help)
}

/// Takes out what was given twice: parts with the same content.
pub(super) fn distinct(parts: Vec<Part>, notes: &mut Vec<Note>) -> Vec<Part> {
    let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match kept.iter().find(|known| known.profile == part.profile) {
            Some(known) => notes.extend(repeated(&part.name, &known.name, &[])),
            None => kept.push(part),
        }
    }
    kept
}

/// Takes out the signals that were made of the same samples as those of an earlier part, as another run over the same
/// export makes them.
pub(super) fn once(parts: Vec<Part>, notes: &mut Vec<Note>) -> Vec<Part> {
    let mut known: Vec<(String, BTreeMap<Signal, Source>)> = Vec::new();
    let mut kept = Vec::with_capacity(parts.len());
    for mut part in parts {
        let sources = part.profile.sources.clone();
        for (name, earlier) in &known {
            let is_same = |(signal, source): &(&Signal, &Source)| earlier.get(signal) == Some(source);
            let again: Vec<Signal> = sources.iter().filter(is_same).map(|(signal, _)| *signal).collect();
            if !again.is_empty() {
                take_out(&mut part.profile, &again);
                let is_all = is_nothing(&part.profile);
                notes.extend(repeated(&part.name, name, if is_all { &[] } else { &again }));
            }
        }
        let was_taken_out = !sources.is_empty() && is_nothing(&part.profile);
        known.push((part.name.clone(), sources));
        if !was_taken_out {
            kept.push(part);
        }
    }
    kept
}

fn is_nothing(profile: &Profile) -> bool {
    profile.sources.is_empty() && profile.workloads.is_empty()
}

fn take_out(profile: &mut Profile, signals: &[Signal]) {
    profile.sources.retain(|signal, _| !signals.contains(signal));
    for workload in profile.workloads.values_mut() {
        for ((_, signal), history) in &mut workload.signals {
            if signals.contains(signal) {
                // what is known without samples has no source, and counts once anyway
                let coarse = history.coarse.take();
                *history = SignalHistory {
                    coarse,
                    ..SignalHistory::default()
                };
            }
        }
        workload
            .signals
            .retain(|_, history| *history != SignalHistory::default());
    }
    profile.workloads.retain(|_, workload| !workload.signals.is_empty());
}

/// That it holds nothing new, or nothing new of these signals; nothing of what has no name.
pub(crate) fn repeated(name: &str, known: &str, signals: &[Signal]) -> Option<Note> {
    let ids: Vec<String> = signals.iter().map(|signal| format!("`{}`", signal.id())).collect();
    let of = if ids.is_empty() {
        String::new()
    } else {
        format!(" of {}", first_of(&ids))
    };
    let message = format!("holds the same samples{of} as `{known}`; they count once");
    let note = Note::warning(code::PROFILE_REPEATED, message).in_file(name);
    (!name.is_empty()).then(|| note.help("take one of both away"))
}
