//! From what files delivered to one clean series per pod and container: in order, each instant once, counters as rates.

use super::note::Note;
use super::samples::{Named, Sample, Samples, SeriesKey};
use super::signal::{Form, Meaning, Metric, Signal};
use crate::diag::code;
use crate::units::Timestamp;
use std::collections::BTreeMap;

/// One series, cleaned: ascending, each instant once, values in the unit of the signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// What is measured.
    pub signal: Signal,
    /// Kubernetes namespace.
    pub namespace: String,
    /// The workload as labels name it.
    pub workload: Option<Named>,
    /// The pod; empty for a series of a whole workload.
    pub pod: String,
    /// The container; empty for a signal of a workload.
    pub container: String,
    /// Never empty. For counts: readings of the counter.
    pub samples: Vec<Sample>,
}

/// Longest time between two readings of a counter over which its increase is spread: three scrapes of five minutes.
const RATE_GAP_MS: i64 = 900_000;
/// A counter that falls in more than this share of its steps is no counter: 1 in 20; restarts are far rarer.
const FALLS_PER_STEP: usize = 20;
/// And only if it falls this often at all.
const FALLS_MIN: usize = 10;

/// Cleans all that was read. Errors are what makes the whole unusable.
pub fn clean(samples: Samples, cluster_chosen: bool) -> Result<(Vec<Series>, Vec<Note>), Vec<Note>> {
    let mut notes = recorder_notes(&samples, cluster_chosen)?;
    let mut doubles = Doubles::default();
    let mut by_identity: BTreeMap<SeriesKey, Vec<(Meaning, String, Vec<Sample>)>> = BTreeMap::new();
    for (key, mut series) in samples.into_series() {
        if series.is_empty() {
            continue;
        }
        doubles.settle(&key, &mut series);
        let Metric { signal, meaning } = key.metric;
        let counter = key.counter.clone();
        let identity = SeriesKey {
            metric: Metric::gauge(signal),
            counter: String::new(),
            ..key
        };
        by_identity
            .entry(identity)
            .or_default()
            .push((meaning, counter, series));
    }
    let is_rate = counters_count(&by_identity);
    if !is_rate {
        let message =
            "`container_cpu_usage_seconds_total` falls too often for a counter; its numbers are taken as cores in use";
        notes.push(Note::warning(code::COUNTER_IS_A_RATE, message));
    }
    let mut both = 0u64;
    let mut out = Vec::new();
    for (key, parts) in by_identity {
        let mixed =
            parts.iter().any(|part| part.0 == Meaning::Rate) && parts.iter().any(|part| part.0 != Meaning::Rate);
        both += u64::from(mixed);
        let samples = combine(parts, mixed, is_rate);
        if !samples.is_empty() {
            let SeriesKey {
                metric,
                namespace,
                workload,
                pod,
                container,
                ..
            } = key;
            out.push(Series {
                signal: metric.signal,
                namespace,
                workload,
                pod,
                container,
                samples,
            });
        }
    }
    if both > 0 {
        let message = format!("{both} series are given as a counter and as a rate; the rate is used");
        notes.push(Note::warning(code::COUNTER_BESIDE_RATE, message));
    }
    notes.extend(doubles.into_notes());
    Ok((out, notes))
}

fn recorder_notes(samples: &Samples, cluster_chosen: bool) -> Result<Vec<Note>, Vec<Note>> {
    let mut notes = Vec::new();
    for (label, values) in samples.recorders.iter().filter(|(_, values)| values.len() > 1) {
        let values: Vec<_> = values.iter().take(5).map(String::as_str).collect();
        let message = format!("the series carry several values of `{label}`: {}", values.join(", "));
        if *label == "cluster" && !cluster_chosen {
            let help = "clusters are profiled apart: name one with --cluster NAME";
            return Err(vec![Note::error(code::SEVERAL_CLUSTERS, message).help(help)]);
        }
        if *label != "cluster" {
            let message = format!("{message}; samples of the same pod at the same time are counted once");
            notes.push(Note::warning(code::SEVERAL_RECORDERS, message));
        }
    }
    Ok(notes)
}

/// Samples given more than once.
#[derive(Default)]
struct Doubles {
    shared: u64,
    conflicts: u64,
    example: Option<String>,
}

impl Doubles {
    /// Sorts a series and keeps each instant once; where values differ, the greater: no order of files changes that.
    fn settle(&mut self, key: &SeriesKey, samples: &mut Vec<Sample>) {
        if !samples.is_sorted() {
            samples.sort_unstable();
        }
        samples.dedup_by(|later, kept| {
            if later.at_ms != kept.at_ms {
                return false;
            }
            self.shared += u64::from(later.value == kept.value);
            if later.value != kept.value {
                self.conflicts += 1;
                self.example
                    .get_or_insert_with(|| example(key, kept.at_ms, kept.value, later.value));
            }
            kept.value = kept.value.max(later.value);
            true
        });
    }

    fn into_notes(self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.shared > 0 {
            let message = format!(
                "{} samples were given more than once (overlapping files) and counted once",
                self.shared
            );
            notes.push(Note::info(code::SAMPLES_SHARED, message));
        }
        if let Some(example) = self.example {
            let message = format!(
                "{} samples were given twice with different values, the greater counts; first {example}",
                self.conflicts
            );
            notes.push(Note::warning(code::SAMPLES_CONFLICT, message));
        }
        notes
    }
}

/// A double in words: whose, when, and both values in their unit.
fn example(key: &SeriesKey, at_ms: i64, least: u64, most: u64) -> String {
    let workload = key.workload.as_ref().map_or("", |named| named.name.as_str());
    let parts = [key.namespace.as_str(), workload, &key.pod, &key.container];
    let whose: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let at = Timestamp::from_unix(at_ms.div_euclid(1000)).map_or_else(String::new, |at| at.to_string());
    let [least, most] = [least, most].map(|value| key.metric.signal.display(value));
    format!(
        "`{}` of {} at {at}: {least} and {most}",
        key.metric.signal,
        whose.join("/")
    )
}

type Parts = Vec<(Meaning, String, Vec<Sample>)>;

/// Whether the series named like counters behave like them, all together.
fn counters_count(series: &BTreeMap<SeriesKey, Parts>) -> bool {
    let (mut steps, mut falls) = (0, 0);
    for (_, _, samples) in series.values().flatten().filter(|part| part.0 == Meaning::Rate) {
        steps += samples.len() - 1;
        falls += samples.windows(2).filter(|pair| pair[1].value < pair[0].value).count();
    }
    falls < FALLS_MIN || falls * FALLS_PER_STEP <= steps
}

fn combine(mut parts: Parts, mixed: bool, is_rate: bool) -> Vec<Sample> {
    if let [(Meaning::Gauge, _, samples)] = parts.as_mut_slice() {
        return std::mem::take(samples);
    }
    let mut of_cpu: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for (meaning, counter, samples) in parts {
        let (cpu, _) = counter.split_once('\0').unwrap_or((&counter, ""));
        let samples = match meaning {
            Meaning::Rate if mixed => continue,
            Meaning::Rate if is_rate => rates(&samples),
            Meaning::Flag => flags(&samples),
            Meaning::Rate | Meaning::Gauge => samples,
        };
        of_cpu.entry(cpu.to_owned()).or_default().extend(samples);
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

/// The greatest common distance of all instants of a signal in milliseconds; 0 when there is only one instant.
pub fn grid_ms<'s>(series: impl Iterator<Item = &'s Series>) -> u64 {
    let mut last = None;
    let mut grid = 0u64;
    for sample in series.flat_map(|series| &series.samples) {
        // distances of neighbours have the same divisors as those from one origin, and most are the grid itself
        let distance = (sample.at_ms - last.unwrap_or(sample.at_ms)).unsigned_abs();
        if distance != grid {
            grid = gcd(grid, distance);
        }
        last = Some(sample.at_ms);
    }
    grid
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
        let part = |counter: &str, samples: &[Sample]| (Meaning::Gauge, counter.to_owned(), samples.to_vec());
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
        let series = |seconds: &[i64]| Series {
            signal: Signal::Cpu,
            namespace: String::new(),
            workload: None,
            pod: String::new(),
            container: String::new(),
            samples: seconds.iter().map(|&second| at(second, 0)).collect(),
        };
        for (instants, grid) in [(&[13, 313, 1213][..], 300_000), (&[13, 313, 320], 1_000), (&[7], 0)] {
            assert_eq!(grid_ms([series(instants)].iter()), grid, "{instants:?}");
        }
        assert_eq!(
            grid_ms([series(&[0, 300]), series(&[150])].iter()),
            150_000,
            "over all series of a signal"
        );
    }
}
