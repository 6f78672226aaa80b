//! What others have counted and added up already, by the same rules as a profile: rows that an engine's `GROUP BY` gives.
//!
//! Two tables, each row naming `namespace, kind, name, container, metric`:
//!
//! - buckets: `week, bucket, count, sum, min, max` of the samples of single pods;
//! - instants: `ts, total, max, pods` of all pods together.
//!
//! Rows of the same place add up, so the input may be cut in any way before it is counted. docs/counted-rows.md
//! gives the rules in full.

use super::owners::WorkloadKey;
use super::signal::{Form, Signal};
use crate::units::level::Level;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Seconds of a week, and the first Monday before the epoch.
const WEEK_S: i64 = 7 * 86_400;
const FIRST_MONDAY_S: i64 = -3 * 86_400;
/// The greatest amount, as in samples.
const MOST: u64 = 1 << 60;

/// What a row is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Kubernetes namespace.
    pub namespace: String,
    /// The workload.
    pub workload: WorkloadKey,
    /// The container; empty for a signal of a workload.
    pub container: String,
    /// What is measured.
    pub signal: Signal,
}

/// Samples of single pods that fell into one bucket in one week, in the integer unit of their signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: u128,
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

/// All pods together at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// End of the interval that was measured, Unix seconds.
    pub end_s: i64,
    /// All pods together: their sum, or for signals whose worst counts the greatest.
    pub total: u64,
    /// The greatest pod.
    pub max: u64,
    /// Pods with a value.
    pub pods: u32,
}

/// All rows of one signal of one container.
#[derive(Clone, Debug, Default)]
pub struct SignalRows {
    /// By the week's start in Unix seconds and the bucket's index.
    pub buckets: BTreeMap<(i64, u64), Bucket>,
    /// In the order they came.
    pub instants: Vec<Instant>,
    /// Sum of a hash of every row: equal for equal rows, in any order.
    pub fingerprint: u128,
}

/// All rows of one or more files.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// By what they are of.
    pub signals: BTreeMap<RowKey, SignalRows>,
}

impl Rows {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// A sum over all rows that other rows will not give.
    pub fn fingerprint(&self) -> u128 {
        let each = self.signals.values().map(|rows| rows.fingerprint);
        each.fold(0, u128::wrapping_add)
    }

    /// Adds a bucket; the error says in words what is wrong with the row.
    pub fn add_bucket(&mut self, key: RowKey, week_s: i64, index: u64, bucket: Bucket) -> Result<(), String> {
        if !matches!(key.signal.form(), Form::Demand | Form::Worst | Form::Distribution) {
            return Err(format!(
                "`{}` has no distribution, so nothing is counted in buckets",
                key.signal
            ));
        }
        check_bucket(week_s, index, &bucket)?;
        let Bucket { count, sum, min, max } = bucket;
        let hash = hash(
            &key,
            &[
                week_s.into(),
                index.into(),
                count.into(),
                low(sum),
                min.into(),
                max.into(),
            ],
        );
        let signal = self.signals.entry(key).or_default();
        signal.fingerprint = signal.fingerprint.wrapping_add(hash);
        let known = signal.buckets.entry((week_s, index)).or_insert(Bucket {
            count: 0,
            sum: 0,
            min,
            max,
        });
        known.count = known.count.saturating_add(count);
        known.sum = known.sum.saturating_add(sum);
        (known.min, known.max) = (known.min.min(min), known.max.max(max));
        Ok(())
    }

    /// Adds an instant; the error says in words what is wrong with the row.
    pub fn add_instant(&mut self, key: RowKey, instant: Instant) -> Result<(), String> {
        let Instant {
            end_s,
            total,
            max,
            pods,
        } = instant;
        let form = key.signal.form();
        if !matches!(form, Form::Demand | Form::Worst | Form::State) {
            return Err(format!("`{}` has no totals over pods", key.signal));
        }
        let is_sum = form == Form::Demand;
        let most = u128::from(max) * u128::from(pods);
        if pods == 0 {
            return Err("it is of no pod".to_owned());
        }
        if max > total || u128::from(total) > most || (!is_sum && total != max) {
            let rule = if is_sum {
                "between `max` and `max` × `pods`"
            } else {
                "equal to `max`"
            };
            return Err(format!(
                "`total` {total} is not {rule}, with `max` {max} and `pods` {pods}"
            ));
        }
        let hash = hash(&key, &[end_s.into(), total.into(), max.into(), pods.into()]);
        let signal = self.signals.entry(key).or_default();
        signal.fingerprint = signal.fingerprint.wrapping_add(hash);
        signal.instants.push(instant);
        Ok(())
    }

    /// Adds the rows of another file.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.signals {
            let ours = self.signals.entry(key).or_default();
            ours.fingerprint = ours.fingerprint.wrapping_add(theirs.fingerprint);
            ours.instants.extend(theirs.instants);
            for (place, bucket) in theirs.buckets {
                let known = ours.buckets.entry(place).or_insert(Bucket {
                    count: 0,
                    sum: 0,
                    ..bucket
                });
                known.count = known.count.saturating_add(bucket.count);
                known.sum = known.sum.saturating_add(bucket.sum);
                (known.min, known.max) = (known.min.min(bucket.min), known.max.max(bucket.max));
            }
        }
    }
}

fn check_bucket(week_s: i64, index: u64, bucket: &Bucket) -> Result<(), String> {
    let &Bucket { count, sum, min, max } = bucket;
    if (week_s - FIRST_MONDAY_S).rem_euclid(WEEK_S) != 0 {
        return Err("`week` is no Monday 00:00 UTC".to_owned());
    }
    if count == 0 {
        return Err("it counts nothing".to_owned());
    }
    if max > MOST {
        return Err(format!("`max` {max} is beyond any cluster"));
    }
    for (name, value) in [("min", min), ("max", max)] {
        let own = u64::from(Level::of(value).index());
        if own != index {
            return Err(format!("`{name}` {value} is of bucket {own}, not {index}"));
        }
    }
    let (least, most) = (u128::from(min) * u128::from(count), u128::from(max) * u128::from(count));
    if min > max || !(least..=most).contains(&sum) {
        return Err(format!("`sum` {sum} can't be of {count} values from {min} to {max}"));
    }
    Ok(())
}

/// The low half, enough to tell rows apart.
#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn low(value: u128) -> i128 {
    i128::from(value as u64)
}

/// One number for a row; how many cells it has tells the two tables apart.
fn hash(key: &RowKey, cells: &[i128]) -> u128 {
    let mut hash = Sha256::new();
    let WorkloadKey { kind, name } = &key.workload;
    for part in [&key.namespace, kind, name, &key.container, key.signal.id()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for cell in cells {
        hash.update(cell.to_be_bytes());
    }
    let bytes = hash.finalize();
    u128::from_be_bytes(std::array::from_fn(|place| bytes[place]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-10-05T00:00:00Z.
    const MONDAY: i64 = 1_791_158_400;

    fn key(signal: Signal) -> RowKey {
        RowKey {
            namespace: "shop".into(),
            workload: WorkloadKey::new("Deployment", "api"),
            container: "app".into(),
            signal,
        }
    }

    #[test]
    fn buckets_that_cannot_be_are_refused() {
        // 100 to 101 are bucket 82: 100 >> 1 = 50, and 1 << 5 more
        let bucket = |count, sum, min, max| Bucket { count, sum, min, max };
        for (week, index, row, why) in [
            (MONDAY, 82, bucket(3, 301, 100, 101), None),
            (MONDAY + 3600, 82, bucket(1, 100, 100, 100), Some("`week` is no Monday")),
            (MONDAY, 82, bucket(0, 0, 100, 100), Some("counts nothing")),
            (
                MONDAY,
                81,
                bucket(1, 100, 100, 100),
                Some("`min` 100 is of bucket 82, not 81"),
            ),
            (
                MONDAY,
                82,
                bucket(2, 202, 100, 102),
                Some("`max` 102 is of bucket 83, not 82"),
            ),
            (
                MONDAY,
                82,
                bucket(2, 199, 100, 101),
                Some("`sum` 199 can't be of 2 values"),
            ),
            (
                MONDAY,
                82,
                bucket(2, 201, 101, 100),
                Some("`sum` 201 can't be of 2 values"),
            ),
        ] {
            let found = Rows::default().add_bucket(key(Signal::Cpu), week, index, row);
            let is_as_expected = match (&found, why) {
                (Ok(()), None) => true,
                (Err(found), Some(why)) => found.contains(why),
                _ => false,
            };
            assert!(is_as_expected, "{row:?}: {found:?}");
        }
    }

    #[test]
    fn instants_that_cannot_be_are_refused() {
        let at = |total, max, pods| Instant {
            end_s: MONDAY,
            total,
            max,
            pods,
        };
        for (signal, row, is_good) in [
            (Signal::Cpu, at(5, 3, 2), true),
            (Signal::Cpu, at(5, 3, 1), false),
            (Signal::Cpu, at(2, 3, 1), false),
            (Signal::Cpu, at(0, 0, 0), false),
            (Signal::Latency, at(3, 3, 2), true),
            (Signal::Latency, at(5, 3, 2), false),
            (Signal::Replicas, at(3, 3, 1), true),
            (Signal::Restarts, at(3, 3, 1), false),
            (Signal::Throttling, at(3, 3, 1), false),
        ] {
            let found = Rows::default().add_instant(key(signal), row);
            assert_eq!(found.is_ok(), is_good, "{signal} {row:?}: {found:?}");
        }
    }
}
