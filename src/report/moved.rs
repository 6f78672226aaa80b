//! What moved between two states of profiles: weeks, workloads, signals, values.
//!
//! Values are texts with their unit, rounded up as people size; percentages are of what was recorded, before it is rounded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::recorded::{Of, or_dash, pretty, quantiles, shown};
use super::renamed::{Place, pairs};
use crate::history::owners::WorkloadKey;
use crate::history::signal::Signal;
use crate::profile::table::table;
use crate::profile::{Profile, Scope, SignalHistory, WorkloadHistory};
use crate::units::{Seconds, Timestamp};

/// What moved between two states of profiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    profiles: Vec<MovedProfile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedProfile {
    #[serde(flatten)]
    of: Of,
    /// How it was called before, if otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Of>,
    /// Before and after; absent where there is none.
    window: [Option<[Timestamp; 2]>; 2],
    /// Mondays.
    weeks_gone: Vec<String>,
    weeks_new: Vec<String>,
    workloads_gone: Vec<String>,
    workloads_new: Vec<String>,
    /// Under another name before, by the samples of a week.
    workloads_moved: Vec<Renamed>,
    /// How many workloads are as they were.
    unchanged: usize,
    moved: Vec<MovedSignal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Renamed {
    from: String,
    /// The namespace that it was in, if another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    to: String,
}

/// A signal that came, went, or is another now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedSignal {
    workload: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    container: String,
    signal: &'static str,
    /// `new`, `gone`, or by what it was known and is known now: `samples -> averages over 1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    p50: Move,
    p95: Move,
    p99: Move,
    max: Move,
}

/// A value before and after; absent where it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Move {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Percent of the value before, to the nearest whole one; absent where that is zero or nothing moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<i64>,
}

impl Move {
    fn of(signal: Signal, before: Option<u64>, after: Option<u64>) -> Self {
        let shown = |value: Option<u64>| value.map(|value| shown(signal, value));
        let percent = before.zip(after).filter(|(before, after)| before != after);
        Self {
            before: shown(before),
            after: shown(after),
            percent: percent.and_then(|(before, after)| nearest_percent(before, after)),
        }
    }

    /// Whether it shows that something moved.
    fn is_seen(&self) -> bool {
        self.before != self.after || self.percent.is_some_and(|percent| percent != 0)
    }

    fn text(&self) -> String {
        let cell = |text: &Option<String>| or_dash(text.as_deref().unwrap_or_default());
        let (before, after) = (cell(&self.before), cell(&self.after));
        let values = if before == after {
            after
        } else {
            format!("{before} -> {after}")
        };
        match self.percent {
            Some(0) | None => values,
            Some(percent) => format!("{values} ({percent:+}%)"),
        }
    }
}

/// Half a percent counts as one, away from zero; nothing of zero.
fn nearest_percent(before: u64, after: u64) -> Option<i64> {
    let (from, to) = (i128::from(before), i128::from(after));
    let twice = ((to - from) * 200).checked_div(from)?;
    i64::try_from(twice / 2 + twice % 2).ok()
}

impl Moved {
    /// Between two states, profiles of the same namespace, environment and cluster compared; where one side alone has the
    /// only profile of a namespace under another environment or cluster, it is that one.
    pub fn between(before: &[Profile], after: &[Profile]) -> Self {
        let scopes = scopes(before, after);
        let gone = without_namesake(before, &scopes, |(old, new)| (*old, *new), after);
        let new = without_namesake(after, &scopes, |(old, new)| (*new, *old), before);
        let renamed = pairs((before, &gone), (after, &new));
        let profiles = scopes.iter().map(|&(old, new)| {
            let find = |all: &[Profile], at: Option<usize>| at.map(|at| all[at].clone());
            let (then, now) = (find(before, old), find(after, new));
            let scope = now.as_ref().or(then.as_ref()).map(|profile| profile.scope.clone());
            let nothing = || Profile::new(scope.clone().unwrap_or_default(), 1);
            let (then, now) = (then.unwrap_or_else(nothing), now.unwrap_or_else(nothing));
            let came = renamed.iter().filter(|(_, (at, _))| Some(*at) == new);
            let came = came
                .map(|((at, was), (_, is))| (&before[*at], *was, *is))
                .collect::<Vec<_>>();
            let left = renamed.keys().filter(|(at, _)| Some(*at) == old).map(|(_, key)| *key);
            MovedProfile::between(&then, &now, &came, &left.collect())
        });
        Self {
            profiles: profiles.collect(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        pretty(self)
    }

    /// As tables.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self.profiles.iter().map(MovedProfile::text).collect();
        texts.join("\n")
    }
}

/// The places of profiles before and after that belong together.
type Pair = (Option<usize>, Option<usize>);

fn scopes(before: &[Profile], after: &[Profile]) -> Vec<Pair> {
    let mut places: BTreeMap<&Scope, Pair> = BTreeMap::new();
    for (at, profile) in before.iter().enumerate() {
        places.entry(&profile.scope).or_default().0 = Some(at);
    }
    for (at, profile) in after.iter().enumerate() {
        places.entry(&profile.scope).or_default().1 = Some(at);
    }
    // of one namespace, one that only was and one that only is
    let mut single: BTreeMap<&str, Vec<&Scope>> = BTreeMap::new();
    for (scope, (old, new)) in &places {
        if old.is_none() || new.is_none() {
            single.entry(&scope.namespace).or_default().push(scope);
        }
    }
    for of_namespace in single.values() {
        let [one, other] = of_namespace[..] else { continue };
        let (first, second) = (places[one], places[other]);
        let both = (first.0.or(second.0), first.1.or(second.1));
        if both.0.is_some() && both.1.is_some() {
            places.remove(one);
            places.insert(other, both);
        }
    }
    places.into_values().collect()
}

/// The workloads that are not in the profile on the other side.
fn without_namesake<'p>(
    profiles: &'p [Profile],
    scopes: &[Pair],
    order: impl Fn(&Pair) -> Pair,
    others: &[Profile],
) -> Vec<Place<'p>> {
    let mut found = Vec::new();
    for (here, there) in scopes.iter().map(order) {
        let Some(here) = here else { continue };
        let is_there = |key: &WorkloadKey| there.is_some_and(|there| others[there].workloads.contains_key(key));
        let keys = profiles[here].workloads.keys();
        found.extend(keys.filter(|key| !is_there(key)).map(|key| (here, key)));
    }
    found
}

fn weeks(profile: &Profile) -> BTreeSet<String> {
    let signals = profile.workloads.values().flat_map(|history| history.signals.values());
    let weeks = signals.flat_map(|kept| kept.sketches.keys().chain(kept.demand.keys()));
    weeks.map(ToString::to_string).collect()
}

fn missing<T: Ord + ToString>(all: &BTreeSet<T>, from: &BTreeSet<T>) -> Vec<String> {
    all.difference(from).map(ToString::to_string).collect()
}

impl MovedProfile {
    /// `came` are workloads that had another name, with their profile of then; `left` those that have another name now.
    fn between(
        before: &Profile,
        after: &Profile,
        came: &[(&Profile, &WorkloadKey, &WorkloadKey)],
        left: &BTreeSet<&WorkloadKey>,
    ) -> Self {
        let window = |profile: &Profile| profile.window.map(|window| [window.start, window.end]);
        let (old_weeks, new_weeks) = (weeks(before), weeks(after));
        let keys = |profile: &Profile| profile.workloads.keys().cloned().collect::<BTreeSet<_>>();
        let (old_keys, new_keys) = (keys(before), keys(after));
        let (mut moved, mut unchanged) = (Vec::new(), 0);
        for (key, now) in &after.workloads {
            let earlier = came.iter().find(|(_, _, is)| *is == key);
            let (then_in, then_key) = earlier.map_or((before, key), |(profile, was, _)| (*profile, *was));
            let Some(then) = then_in.workloads.get(then_key) else {
                continue;
            };
            unchanged += usize::from(earlier.is_none() && then.is_alike(now));
            moved.extend(moved_signals(then_in, after, key, (then, now)));
        }
        let mut gone = old_keys.clone();
        gone.retain(|key| !left.contains(key));
        let mut new = new_keys.clone();
        new.retain(|key| !came.iter().any(|(_, _, is)| *is == key));
        let renamed = |(profile, was, is): &(&Profile, &WorkloadKey, &WorkloadKey)| {
            let namespace = &profile.scope.namespace;
            Renamed {
                from: was.to_string(),
                namespace: (*namespace != after.scope.namespace).then(|| namespace.clone()),
                to: is.to_string(),
            }
        };
        Self {
            of: Of::from(&after.scope),
            before: (before.scope != after.scope).then(|| Of::from(&before.scope)),
            window: [window(before), window(after)],
            weeks_gone: missing(&old_weeks, &new_weeks),
            weeks_new: missing(&new_weeks, &old_weeks),
            workloads_gone: missing(&gone, &new_keys),
            workloads_new: missing(&new, &old_keys),
            workloads_moved: came.iter().map(renamed).collect(),
            unchanged,
            moved,
        }
    }

    fn text(&self) -> String {
        let mut out = self.of.words() + "\n";
        if let Some(before) = &self.before {
            let _ = writeln!(out, "before: {}", before.words());
        }
        let shown = |window: &Option<[Timestamp; 2]>| match window {
            Some([start, end]) => format!("{start} to {end}"),
            None => "nothing recorded".to_owned(),
        };
        let [before, after] = [shown(&self.window[0]), shown(&self.window[1])];
        let _ = if before == after {
            writeln!(out, "{after}, as before")
        } else {
            writeln!(out, "{after}; before: {before}")
        };
        let renamed = self.workloads_moved.iter().map(|one| {
            let Renamed { from, namespace, to } = one;
            let place = namespace
                .as_ref()
                .map_or_else(String::new, |name| format!(" of namespace {name}"));
            format!("{from}{place} -> {to}")
        });
        for (what, names) in [
            ("weeks gone", &self.weeks_gone),
            ("weeks new", &self.weeks_new),
            ("workloads gone", &self.workloads_gone),
            ("workloads new", &self.workloads_new),
            ("workloads moved", &renamed.collect()),
        ] {
            if !names.is_empty() {
                let _ = writeln!(out, "{what}: {}", names.join(", "));
            }
        }
        let _ = writeln!(out, "workloads unchanged: {}", self.unchanged);
        if self.moved.is_empty() {
            return out;
        }
        let title = ["workload", "container", "signal", "p50", "p95", "p99", "max"];
        let mut rows = vec![title.map(str::to_owned)];
        rows.extend(self.moved.iter().map(|one| {
            let [p50, p95, p99, max] = [&one.p50, &one.p95, &one.p99, &one.max].map(Move::text);
            let signal = match &one.change {
                Some(change) => format!("{} ({change})", one.signal),
                None => one.signal.to_owned(),
            };
            [
                one.workload.clone(),
                or_dash(&one.container),
                signal,
                p50,
                p95,
                p99,
                max,
            ]
        }));
        table(&rows, "", &mut out);
        out
    }
}

/// The signals that came or went, are known by other means, or whose shown values differ.
fn moved_signals(
    before: &Profile,
    after: &Profile,
    key: &WorkloadKey,
    (then, now): (&WorkloadHistory, &WorkloadHistory),
) -> Vec<MovedSignal> {
    let all: BTreeSet<&(String, Signal)> = then.signals.keys().chain(now.signals.keys()).collect();
    let mut moved = Vec::new();
    for of in all {
        let (container, signal) = of;
        let (earlier, kept) = (then.signals.get(of), now.signals.get(of));
        let change = match (earlier.map(means), kept.map(means)) {
            (None, _) => Some("new".to_owned()),
            (_, None) => Some("gone".to_owned()),
            (Some(one), Some(other)) => (one != other).then(|| format!("{one} -> {other}")),
        };
        let values = |profile: &Profile, kept: Option<&SignalHistory>| {
            kept.and_then(|kept| values(profile, kept))
                .map_or([None; 4], |values| values.map(Some))
        };
        let (old, new) = (values(before, earlier), values(after, kept));
        let moves: [Move; 4] = std::array::from_fn(|place| Move::of(*signal, old[place], new[place]));
        if change.is_none() && !moves.iter().any(Move::is_seen) {
            continue;
        }
        let [p50, p95, p99, max] = moves;
        moved.push(MovedSignal {
            workload: key.to_string(),
            container: container.clone(),
            signal: signal.id(),
            change,
            p50,
            p95,
            p99,
            max,
        });
    }
    moved
}

/// By what a signal is known.
fn means(kept: &SignalHistory) -> String {
    match (kept.averaged_s, &kept.coarse) {
        (Some(seconds), _) => format!("averages over {}", Seconds::new(u64::from(seconds))),
        (None, Some(_)) if kept.sketches.is_empty() => "coarse".to_owned(),
        _ => "samples".to_owned(),
    }
}

/// Three quantiles and the greatest, of samples where there are any.
fn values(profile: &Profile, kept: &SignalHistory) -> Option<[u64; 4]> {
    const SHOWN: [u64; 3] = [500_000, 950_000, 990_000];
    if let Some([p50, p95, p99]) = quantiles(profile, kept, SHOWN) {
        return Some([p50, p95, p99, kept.sketch().max()?]);
    }
    let weights = &kept.coarse.as_ref()?.weights;
    let [p50, p95, p99] = SHOWN.map(|ppm| weights.quantile(ppm).map(|quantile| quantile.upper));
    Some([p50?, p95?, p99?, weights.max()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.4 and 1.6 millicores are both shown as 2m, and lie 14.3% apart.
    #[test]
    fn percentages_are_of_what_was_recorded_not_of_what_is_shown() {
        for (before, after, text) in [
            (1_400_000, 1_600_000, "2m (+14%)"),
            (1_600_000, 1_400_000, "2m (-13%)"),
            (1_000_000_000, 1_004_000_000, "1000m -> 1004m"),
            (1_000_000_000, 1_005_000_000, "1000m -> 1005m (+1%)"),
            (0, 5_000_000, "0m -> 5m"),
            (7_000_000, 7_000_000, "7m"),
        ] {
            assert_eq!(Move::of(Signal::Cpu, Some(before), Some(after)).text(), text);
        }
        assert_eq!(Move::of(Signal::Cpu, None, Some(5_000_000)).text(), "- -> 5m");
    }
}
