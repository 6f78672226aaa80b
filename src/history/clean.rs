//! From what files delivered to one clean series per pod and container: in order, each instant once, counters as rates.

use super::note::Note;
use super::samples::{Name, Named, Sample, Samples, Scratch, SeriesKey, Slot, Times, whose};
use super::signal::{Form, Meaning, Metric, Signal};
use crate::diag::{code, counted};
use crate::units::Timestamp;
use std::collections::BTreeMap;

/// What one series is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesName {
    /// What is measured.
    pub signal: Signal,
    /// Kubernetes namespace.
    pub namespace: Name,
    /// The workload as labels name it.
    pub workload: Option<Named>,
    /// The pod; empty for a series of a whole workload.
    pub pod: Name,
    /// The container; empty for a signal of a workload.
    pub container: Name,
}

/// One series, cleaned: ascending, each instant once, values in the unit of the signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Of what.
    pub name: SeriesName,
    /// For counts: readings of the counter.
    pub samples: Vec<Sample>,
}

/// Longest time between two readings of a counter over which its increase is spread: three scrapes of five minutes.
const RATE_GAP_MS: i64 = 900_000;
/// A counter that falls in more than this share of its steps is no counter: 1 in 20; restarts are far rarer.
const FALLS_PER_STEP: usize = 20;
/// And only if it falls this often at all.
const FALLS_MIN: usize = 10;

/// All series that were read, each cleaned when it is asked for.
#[derive(Clone, Debug)]
pub struct Recorded {
    samples: Samples,
    /// In the order of the names; those of one series are neighbours.
    parts: Vec<(SeriesName, Part)>,
    /// Where the parts of each series start, and behind them all where the last ones end.
    starts: Vec<usize>,
    /// Whether what is named like a counter behaves like one.
    has_counters: bool,
}

/// One of the things that tell the same series: a gauge, or the counter of one processor.
#[derive(Clone, Debug)]
struct Part {
    meaning: Meaning,
    counter: Name,
    slot: Slot,
}

/// Sorts all that was read by series. Errors are what makes the whole unusable.
pub fn clean(mut samples: Samples, cluster_chosen: bool) -> Result<(Recorded, Vec<Note>), Vec<Note>> {
    check_recorders(&samples, cluster_chosen)?;
    let mut notes = Vec::new();
    if let Some(failure) = samples.failure() {
        return Err(vec![failure]);
    }
    samples.settle();
    let mut parts = Vec::with_capacity(samples.len());
    parts.extend(samples.give_series().map(|(key, slot)| of_key(key, slot)));
    let mut recorded = Recorded::of(samples, parts);
    recorded.has_counters = recorded.counters_count().map_err(|note| vec![note])?;
    if !recorded.has_counters {
        let message =
            "`container_cpu_usage_seconds_total` falls too often for a counter; its numbers are taken as cores in use";
        notes.push(Note::warning(code::COUNTER_IS_A_RATE, message));
    }
    let both = (0..recorded.len())
        .filter(|&place| is_mixed(recorded.parts(place)))
        .count();
    if both > 0 {
        let message = format!("{both} series are given as a counter and as a rate; the rate is used");
        notes.push(Note::warning(code::COUNTER_BESIDE_RATE, message));
    }
    Ok((recorded, notes))
}

impl From<SeriesKey> for SeriesName {
    fn from(key: SeriesKey) -> Self {
        Self {
            signal: key.metric.signal,
            namespace: key.namespace,
            workload: key.workload,
            pod: key.pod,
            container: key.container,
        }
    }
}

/// What a key says of its series, and of what it is a part.
fn of_key(key: SeriesKey, slot: Slot) -> (SeriesName, Part) {
    let part = Part {
        meaning: key.metric.meaning,
        counter: key.counter.clone(),
        slot,
    };
    (key.into(), part)
}

fn is_mixed(parts: &[(SeriesName, Part)]) -> bool {
    let is_rate = |(_, part): &(SeriesName, Part)| part.meaning == Meaning::Rate;
    parts.iter().any(is_rate) && !parts.iter().all(is_rate)
}

impl Recorded {
    fn of(samples: Samples, mut parts: Vec<(SeriesName, Part)>) -> Self {
        // keys go by how a signal is measured first; the parts of a series stay in their order
        if !parts.is_sorted_by(|(one, _), (next, _)| one <= next) {
            parts.sort_by(|(one, _), (next, _)| one.cmp(next));
        }
        let changes = (0..parts.len()).filter(|&place| place == 0 || parts[place - 1].0 != parts[place].0);
        let starts = changes.chain([parts.len()]).collect();
        Self {
            samples,
            parts,
            starts,
            has_counters: true,
        }
    }

    fn parts(&self, place: usize) -> &[(SeriesName, Part)] {
        &self.parts[self.starts[place]..self.starts[place + 1]]
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Of what each series is, in order.
    pub fn name(&self, place: usize) -> &SeriesName {
        &self.parts[self.starts[place]].0
    }

    /// What is known of a series' times before it is read: right where its samples ascend and are none twice.
    pub fn times(&self, place: usize) -> Option<Times> {
        let of_part = |(_, part): &(SeriesName, Part)| {
            let times = self.samples.times(part.slot)?;
            // the first reading of a counter has no rate
            let lost = if part.meaning == Meaning::Rate {
                times.distance
            } else {
                0
            };
            Some(Times {
                first: times.first.saturating_add_unsigned(lost),
                ..times
            })
        };
        self.parts(place).iter().filter_map(of_part).reduce(|one, next| Times {
            first: one.first.min(next.first),
            last: one.last.max(next.last),
            ..one
        })
    }

    /// When the first of a series' samples was taken, in milliseconds, whatever order they came in; of counters the first
    /// reading.
    pub fn first_ms(&self, place: usize) -> Option<i64> {
        let of_part = |(_, part): &(SeriesName, Part)| Some(self.samples.times(part.slot)?.first);
        self.parts(place).iter().filter_map(of_part).min()
    }

    /// The longest interval whose averages the values of a series are, in seconds; `None` where none is.
    pub fn averaged_s(&self, place: usize) -> Option<u32> {
        let of_part = |(_, part): &(SeriesName, Part)| self.samples.averaged_s(part.slot);
        self.parts(place).iter().filter_map(of_part).max()
    }

    /// A series, cleaned; what was given twice is noted in `doubles`.
    pub fn load(&self, place: usize, scratch: &mut Scratch, doubles: &mut Doubles) -> Result<Series, Note> {
        let (name, parts) = (self.name(place), self.parts(place));
        let mut read = Vec::with_capacity(parts.len());
        for (_, part) in parts {
            let mut samples = self.samples.get(part.slot, scratch)?;
            if !self.samples.ascend(part.slot) {
                doubles.settle(place, name, &mut samples);
            }
            read.push((part.meaning, &*part.counter, samples));
        }
        Ok(Series {
            name: name.clone(),
            samples: combine(read, is_mixed(parts), self.has_counters),
        })
    }

    /// All series, cleaned, those without a sample left out; and what was given twice.
    pub fn load_all(&self) -> Result<(Vec<Series>, Doubles), Note> {
        let (mut all, mut scratch, mut doubles) = (Vec::new(), Scratch::default(), Doubles::default());
        for place in 0..self.len() {
            let series = self.load(place, &mut scratch, &mut doubles)?;
            if !series.samples.is_empty() {
                all.push(series);
            }
        }
        Ok((all, doubles))
    }

    /// Whether the series named like counters behave like them, all together.
    fn counters_count(&self) -> Result<bool, Note> {
        let (mut steps, mut falls) = (0, 0);
        let mut scratch = Scratch::default();
        for (name, part) in self.parts.iter().filter(|(_, part)| part.meaning == Meaning::Rate) {
            let mut samples = self.samples.get(part.slot, &mut scratch)?;
            Doubles::default().settle(0, name, &mut samples);
            steps += samples.len().saturating_sub(1);
            falls += samples.windows(2).filter(|pair| pair[1].value < pair[0].value).count();
        }
        Ok(falls < FALLS_MIN || falls * FALLS_PER_STEP <= steps)
    }
}

impl FromIterator<Series> for Recorded {
    fn from_iter<I: IntoIterator<Item = Series>>(all: I) -> Self {
        let (mut samples, none) = (Samples::default(), Name::from(""));
        for one in all {
            let name = one.name;
            let slot = samples.slot_of(SeriesKey {
                metric: Metric::gauge(name.signal),
                namespace: name.namespace,
                workload: name.workload,
                pod: name.pod,
                container: name.container,
                counter: Name::clone(&none),
            });
            samples.extend(slot, &one.samples);
        }
        let parts = samples.give_series().map(|(key, slot)| of_key(key, slot)).collect();
        Self::of(samples, parts)
    }
}

/// Clusters are never added up, and what was recorded twice is one thing only where somebody says so.
fn check_recorders(samples: &Samples, cluster_chosen: bool) -> Result<(), Vec<Note>> {
    let first = |values: &std::collections::BTreeSet<String>| {
        values.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    if samples.clusters.len() > 1 && !cluster_chosen {
        let message = format!(
            "the series carry several values of `cluster`: {}",
            first(&samples.clusters)
        );
        let help = "clusters are profiled apart: name one with --cluster NAME";
        return Err(vec![Note::error(code::SEVERAL_CLUSTERS, message).help(help)]);
    }
    let clashes = samples.clashes.iter().map(|(label, clash)| {
        let (values, example) = (first(&clash.values), clash.values.first().map_or("", String::as_str));
        let message = format!("one series is recorded under several values of `{label}`: {values}; {}", clash.series);
        Note::error(code::SEVERAL_RECORDERS, message).help(format!(
            "take one with `--cluster-label {label}={example}`; or say with `--cluster-label {label}` that all record the same, \
             and each instant counts once"
        ))
    });
    let clashes: Vec<Note> = clashes.collect();
    if clashes.is_empty() { Ok(()) } else { Err(clashes) }
}

/// Samples given more than once.
#[derive(Clone, Debug, Default)]
pub struct Doubles {
    shared: u64,
    conflicts: u64,
    /// Of the first series that has one.
    example: Option<(usize, String)>,
}

impl Doubles {
    /// Sorts a series and keeps each instant once; where values differ, the greater: no order of files changes that.
    fn settle(&mut self, place: usize, name: &SeriesName, samples: &mut Vec<Sample>) {
        if samples.is_sorted_by(|one, next| one.at_ms < next.at_ms) {
            return;
        }
        samples.sort_unstable();
        samples.dedup_by(|later, kept| {
            if later.at_ms != kept.at_ms {
                return false;
            }
            self.shared += u64::from(later.value == kept.value);
            if later.value != kept.value {
                self.conflicts += 1;
                self.example
                    .get_or_insert_with(|| (place, example(name, kept.at_ms, kept.value, later.value)));
            }
            kept.value = kept.value.max(later.value);
            true
        });
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let examples = self.example.into_iter().chain(other.example);
        Self {
            shared: self.shared + other.shared,
            conflicts: self.conflicts + other.conflicts,
            example: examples.min(),
        }
    }

    /// Whether nothing was given more than once.
    pub fn is_empty(&self) -> bool {
        self.shared == 0 && self.conflicts == 0
    }

    /// In words.
    pub fn into_notes(self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.shared > 0 {
            let message = format!(
                "{} given more than once, in one file or in several, counted once",
                counted(self.shared, "sample")
            );
            notes.push(Note::info(code::SAMPLES_SHARED, message));
        }
        if let Some((_, example)) = self.example {
            let message = format!(
                "{} given twice with different values, the greater counts; the first: {example}",
                counted(self.conflicts, "sample")
            );
            notes.push(Note::warning(code::SAMPLES_CONFLICT, message));
        }
        notes
    }
}

/// A double in words: whose, when, and both values in their unit.
fn example(name: &SeriesName, at_ms: i64, least: u64, most: u64) -> String {
    let whose = whose(&name.namespace, name.workload.as_ref(), &name.pod, &name.container);
    let at = Timestamp::from_unix(at_ms.div_euclid(1000)).map_or_else(String::new, |at| at.to_string());
    let [least, most] = [least, most].map(|value| name.signal.display(value));
    format!("`{}` of {whose} at {at}: {least} and {most}", name.signal)
}

/// One series from its parts: what each number means, which counter it is of, the readings.
fn combine(mut parts: Vec<(Meaning, &str, Vec<Sample>)>, mixed: bool, is_rate: bool) -> Vec<Sample> {
    if let [(Meaning::Gauge, _, samples)] = parts.as_mut_slice() {
        return std::mem::take(samples);
    }
    let mut of_cpu: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for (meaning, counter, samples) in parts {
        let (cpu, _) = counter.split_once('\0').unwrap_or((counter, ""));
        let samples = match meaning {
            Meaning::Rate if mixed => continue,
            Meaning::Rate if is_rate => rates(&samples),
            Meaning::Flag => flags(&samples),
            Meaning::Rate | Meaning::Gauge => samples,
        };
        of_cpu.entry(cpu).or_default().extend(samples);
    }
    // a container that restarted has two ids at the same instant for a moment: the greater counts; processors add up
    let mut all = BTreeMap::new();
    let single = of_cpu.len() == 1;
    for mut samples in of_cpu.into_values() {
        samples.sort_unstable();
        samples.dedup_by(|later, kept| {
            let same = later.at_ms == kept.at_ms;
            kept.value = if same { kept.value.max(later.value) } else { kept.value };
            same
        });
        if single {
            return samples;
        }
        for sample in samples {
            let value = all.entry(sample.at_ms).or_insert(0u64);
            *value = value.saturating_add(sample.value);
        }
    }
    all.into_iter().map(|(at_ms, value)| Sample { at_ms, value }).collect()
}

/// Increase per second over each step; after a reset the counter started from zero. A step over a gap is unknown.
fn rates(samples: &[Sample]) -> Vec<Sample> {
    let rate = |pair: &[Sample]| {
        let (before, after) = (pair[0], pair[1]);
        let elapsed_ms = after.at_ms - before.at_ms;
        let increase = after.value.checked_sub(before.value).unwrap_or(after.value);
        let value = u128::from(increase) * 1000 / u128::from(elapsed_ms.unsigned_abs().max(1));
        (elapsed_ms <= RATE_GAP_MS).then(|| Sample {
            at_ms: after.at_ms,
            value: u64::try_from(value).unwrap_or(u64::MAX),
        })
    };
    samples.windows(2).filter_map(rate).collect()
}

/// A flag that is up tells of something that happened once, before its first sample: a counter that went from 0 to 1.
fn flags(samples: &[Sample]) -> Vec<Sample> {
    let mut up = samples
        .iter()
        .filter(|sample| sample.value > 0)
        .map(|sample| Sample { value: 1, ..*sample });
    let Some(first) = up.next() else { return Vec::new() };
    let before = Sample {
        at_ms: first.at_ms - 1,
        value: 0,
    };
    [before, first].into_iter().chain(up).collect()
}

/// The greatest common distance of instants, in milliseconds, taken in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    first_ms: Option<i64>,
    distance_ms: u64,
}

impl Grid {
    /// Of an instant, and others so far from it.
    pub fn from(first_ms: i64, distance_ms: u64) -> Self {
        Self {
            first_ms: Some(first_ms),
            distance_ms,
        }
    }

    /// Of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (Some(first), Some(theirs)) = (self.first_ms, other.first_ms) else {
            return if self.first_ms.is_some() { self } else { other };
        };
        Self {
            first_ms: Some(first),
            distance_ms: gcd(gcd(self.distance_ms, other.distance_ms), first.abs_diff(theirs)),
        }
    }

    /// In milliseconds; 0 when there is only one instant.
    pub fn distance_ms(self) -> u64 {
        self.distance_ms
    }
}

/// Greatest common divisor; 0 divides with everything.
pub(crate) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Whether a signal's form adds up per instant, so that its samples must lie on one grid.
pub(crate) fn needs_grid(signal: Signal) -> bool {
    matches!(signal.form(), Form::Demand | Form::Worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, value: u64) -> Sample {
        Sample {
            at_ms: seconds * 1000,
            value,
        }
    }

    #[test]
    fn counters_become_rates_across_resets_but_not_across_gaps() {
        // 30 s: +3 units; reset to 2: 2 since the start; 40 minutes without a reading: unknown; then +6 in 60 s
        let samples = [at(0, 10), at(30, 13), at(60, 2), at(2460, 50), at(2520, 56)];
        // 3/30 s would be 0: the counter's unit is the signal's, here given as whole thousands
        let scaled: Vec<_> = samples
            .iter()
            .map(|sample| Sample {
                value: sample.value * 30_000,
                ..*sample
            })
            .collect();
        assert_eq!(rates(&scaled), [at(30, 3_000), at(60, 2_000), at(2520, 3_000)]);
    }

    #[test]
    fn processors_add_up_and_restarted_containers_do_not() {
        let part = |counter: &'static str, samples: &[Sample]| (Meaning::Gauge, counter, samples.to_vec());
        let parts = vec![
            part("cpu0\0a", &[at(0, 1), at(60, 2)]),
            part("cpu0\0b", &[at(60, 5)]),
            part("cpu1\0a", &[at(60, 10)]),
        ];
        assert_eq!(combine(parts, false, true), [at(0, 1), at(60, 15)]);
    }

    #[test]
    fn a_flag_tells_of_one_event_before_its_first_sample() {
        let flagged = flags(&[at(60, 1), at(120, 1)]);
        assert_eq!(flagged.iter().map(|sample| sample.value).collect::<Vec<_>>(), [0, 1, 1]);
        assert!(flags(&[at(60, 0)]).is_empty());
    }

    #[test]
    fn the_grid_is_the_greatest_common_distance() {
        let grid = |seconds: &[i64]| {
            let instants = seconds.iter().map(|&second| Grid::from(second * 1000, 0));
            instants.reduce(Grid::and).unwrap_or_default()
        };
        for (instants, distance) in [(&[13, 313, 1213][..], 300_000), (&[13, 313, 320], 1_000), (&[7], 0)] {
            assert_eq!(grid(instants).distance_ms(), distance, "{instants:?}");
        }
        let both = grid(&[0, 300]).and(grid(&[150]));
        assert_eq!(both.distance_ms(), 150_000, "over all series of a signal");
        assert_eq!(Grid::default().and(both), both);
    }
}
