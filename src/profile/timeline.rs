//! The exact form of demand: for each instant the total over pods, the greatest of them and how many there were.
//!
//! Quantised totals do not add, exact ones do: a shard keeps this form, merging adds it, and only the finished profile
//! is quantised. Adding is associative and commutative (sums stop at the top of `u64` instead of wrapping).

use super::huffman::{packed, unpacked};
use super::pack::{PayloadError, Unpacker, put_differences, put_varint, successive};
use crate::history::samples::Sample;

/// How the series of one workload combine at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// Amounts add up: cores, bytes, requests per second.
    Sum,
    /// The worst counts: latency, replicas reported by several sources.
    Max,
}

/// What all series of a workload say at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// End of the interval that was measured, in milliseconds since the epoch: a whole second.
    pub end_ms: i64,
    /// All series combined.
    pub total: u64,
    /// The greatest of them.
    pub max: u64,
    /// How many had a value.
    pub active: u32,
}

impl Point {
    /// End of the interval that was measured, Unix seconds.
    pub(super) fn end_s(&self) -> i64 {
        self.end_ms / 1000
    }

    /// Of a single series.
    fn of(end_ms: i64, value: u64) -> Self {
        Self {
            end_ms,
            total: value,
            max: value,
            active: 1,
        }
    }

    #[inline]
    fn absorb(&mut self, other: &Self, combine: Combine) {
        self.total = match combine {
            Combine::Sum => self.total.saturating_add(other.total),
            Combine::Max => self.total.max(other.total),
        };
        self.max = self.max.max(other.max);
        self.active = self.active.saturating_add(other.active);
    }
}

/// Points in ascending time, at most one an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    points: Vec<Point>,
}

/// A timeline while series come in. Series of one workload mostly share their instants: those are added in place.
#[derive(Debug)]
pub(super) struct Joining {
    combine: Combine,
    points: Vec<Point>,
    /// Instants that lie among the points and are none of them, series after series.
    between: Vec<Point>,
}

/// So many times the points between others that wait, the points that they are moved for.
const WORTH_MOVING: usize = 4;

impl Joining {
    /// With room for so many instants.
    pub(super) fn with_room(combine: Combine, instants: usize) -> Self {
        Self {
            combine,
            points: Vec::with_capacity(instants),
            between: Vec::new(),
        }
    }

    fn settle_if_worth(&mut self) {
        if self.between.len() * WORTH_MOVING > self.points.len() {
            self.settle();
        }
    }

    /// Takes a whole series, ascending, each sample at another whole second.
    pub(super) fn add(&mut self, samples: &[Sample]) {
        let Some(first) = samples.first() else { return };
        let mut at = self.points.partition_point(|point| point.end_ms < first.at_ms);
        let mut rest = samples;
        while !rest.is_empty() {
            let known = match self.combine {
                Combine::Sum => shared(&mut self.points[at..], rest, |point, value| {
                    point.total = point.total.saturating_add(value);
                }),
                Combine::Max => shared(&mut self.points[at..], rest, |point, value| {
                    point.total = point.total.max(value);
                }),
            };
            at += known;
            rest = &rest[known..];
            if at == self.points.len() {
                let points = rest.iter().map(|sample| Point::of(sample.at_ms, sample.value));
                self.points.extend(points);
                break;
            }
            let Some((sample, behind)) = rest.split_first() else {
                break;
            };
            at = self.place(at, Point::of(sample.at_ms, sample.value));
            rest = behind;
        }
        self.settle_if_worth();
    }

    /// Takes a point that lies behind all known ones up to `at`. Gives how many of those it is not before.
    fn place(&mut self, at: usize, point: Point) -> usize {
        let earlier = self.points[at..].iter().take_while(|known| known.end_ms < point.end_ms);
        let at = at + earlier.count();
        match self.points.get_mut(at) {
            Some(known) if known.end_ms == point.end_ms => known.absorb(&point, self.combine),
            Some(_) => {
                self.between.push(point);
                return at;
            }
            None => self.points.push(point),
        }
        at + 1
    }

    fn settle(&mut self) {
        if self.between.is_empty() {
            return;
        }
        self.between.sort_by_key(|point| point.end_ms);
        let between = fold_equal_ends(self.between.drain(..), self.combine);
        self.points = joined(&self.points, &between);
    }

    pub(super) fn timeline(mut self) -> Timeline {
        self.settle();
        Timeline { points: self.points }
    }
}

/// Adds samples to points as long as they have the same instants; gives how many.
#[inline]
fn shared(points: &mut [Point], samples: &[Sample], add: impl Fn(&mut Point, u64)) -> usize {
    let mut count = 0;
    for (point, sample) in points.iter_mut().zip(samples) {
        if point.end_ms != sample.at_ms {
            break;
        }
        add(point, sample.value);
        point.max = point.max.max(sample.value);
        point.active += 1;
        count += 1;
    }
    count
}

/// Both in order, which have no instant in common.
fn joined(one: &[Point], other: &[Point]) -> Vec<Point> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let mut rest = one;
    for point in other {
        let earlier = rest.iter().take_while(|known| known.end_ms < point.end_ms).count();
        let (before, behind) = rest.split_at(earlier);
        all.extend_from_slice(before);
        all.push(*point);
        rest = behind;
    }
    all.extend_from_slice(rest);
    all
}

impl Timeline {
    /// Combines the samples `(end, value)` of all series, in any order.
    pub fn of(mut samples: Vec<(i64, u64)>, combine: Combine) -> Self {
        // stable, since that takes ascending runs as they are
        samples.sort_by_key(|&(end_s, _)| end_s);
        let points = samples.into_iter().map(|(end_s, value)| Point::of(end_s * 1000, value));
        Self {
            points: fold_equal_ends(points, combine),
        }
    }

    /// Combines points in any order.
    pub(super) fn of_points(mut points: Vec<Point>, combine: Combine) -> Self {
        points.sort_by_key(|point| point.end_ms);
        Self {
            points: fold_equal_ends(points.into_iter(), combine),
        }
    }

    /// The points, ascending.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Adds the series of another part of the same input.
    pub fn merge(&mut self, other: Self, combine: Combine) {
        let mut all = std::mem::take(&mut self.points);
        all.extend(other.points);
        all.sort_by_key(|point| point.end_ms);
        self.points = fold_equal_ends(all.into_iter(), combine);
    }

    /// Points behind the first by their distance to the one before: so many milliseconds, for so many points in a row.
    pub(super) fn distances(&self) -> Vec<(i64, usize)> {
        let mut all: Vec<(i64, usize)> = Vec::new();
        let mut own = (0, 0);
        for (one, next) in self.points.iter().zip(self.points.get(1..).unwrap_or_default()) {
            let distance_ms = next.end_ms - one.end_ms;
            if distance_ms != own.0 {
                all.push(own);
                own = (distance_ms, 0);
            }
            own.1 += 1;
        }
        all.push(own);
        all.retain(|&(_, count)| count > 0);
        all
    }

    /// The commonest distance between neighbours, the smaller one of equals; `None` with fewer than two points.
    pub(crate) fn commonest_distance_s(&self) -> Option<i64> {
        commonest_s(&self.distances())
    }

    pub(crate) fn encode(points: &[Point], from_s: i64) -> String {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, points.len() as u64);
        let mut last = from_s;
        for point in points {
            put_varint(&mut bytes, (point.end_s() - last).cast_unsigned());
            last = point.end_s();
        }
        for column in [|p: &Point| p.total, |p: &Point| p.max, |p: &Point| u64::from(p.active)] {
            put_differences(&mut bytes, successive(points.iter().map(column)));
        }
        packed(&bytes)
    }

    /// Appends the points of one line, which must all lie in `(from_s, to_s]` and after what is there.
    pub(crate) fn decode_into(&mut self, payload: &str, from_s: i64, to_s: i64) -> Result<(), PayloadError> {
        let bytes = unpacked(payload)?;
        let mut unpacker = Unpacker::new(&bytes);
        let count: usize = unpacker.small("number of steps")?;
        if count == 0 || count > bytes.len() {
            return Err(PayloadError::new(format!("says it has {count} steps, which cannot be")));
        }
        let mut ends = Vec::with_capacity(count);
        let mut last = from_s;
        for _ in 0..count {
            let distance: u32 = unpacker.small("seconds between steps")?;
            last += i64::from(distance);
            if distance == 0 || last > to_s {
                return Err(PayloadError::new("has steps out of order or past its week"));
            }
            ends.push(last);
        }
        let mut columns = [const { Vec::new() }; 3];
        for column in &mut columns {
            let mut last = 0;
            for _ in 0..count {
                last = unpacker.difference(last)?;
                column.push(last);
            }
        }
        unpacker.finish()?;
        let [totals, maxima, actives] = columns;
        for (((end_s, total), max), active) in ends.into_iter().zip(totals).zip(maxima).zip(actives) {
            let active = u32::try_from(active).ok().filter(|&pods| pods > 0 && max <= total);
            let active = active.ok_or_else(|| PayloadError::new("has a step that contradicts itself"))?;
            self.points.push(Point {
                end_ms: end_s * 1000,
                total,
                max,
                active,
            });
        }
        Ok(())
    }
}

/// The commonest of distances in milliseconds, in seconds; the smaller one of equals.
pub(super) fn commonest_s(distances: &[(i64, usize)]) -> Option<i64> {
    let mut counts = std::collections::BTreeMap::new();
    for &(distance_ms, count) in distances {
        *counts.entry(distance_ms).or_insert(0) += count;
    }
    let commonest = counts
        .into_iter()
        .max_by_key(|&(distance_ms, count)| (count, std::cmp::Reverse(distance_ms)));
    commonest.map(|(distance_ms, _)| distance_ms / 1000)
}

fn fold_equal_ends(points: impl Iterator<Item = Point>, combine: Combine) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    for point in points {
        match out.last_mut() {
            Some(last) if last.end_ms == point.end_ms => last.absorb(&point, combine),
            _ => out.push(point),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_add_up_at_the_same_instant() {
        let samples = vec![(600, 5), (300, 1), (300, 2), (600, 4)];
        let point = |end_s: i64, total, max, active| Point {
            end_ms: end_s * 1000,
            total,
            max,
            active,
        };
        assert_eq!(
            Timeline::of(samples.clone(), Combine::Sum).points(),
            [point(300, 3, 2, 2), point(600, 9, 5, 2)]
        );
        assert_eq!(
            Timeline::of(samples, Combine::Max).points(),
            [point(300, 2, 2, 2), point(600, 5, 5, 2)]
        );
    }

    #[test]
    fn series_combine_as_their_samples_do() {
        // the second begins before the first, has an instant between two known ones and goes on after it
        let all = [
            vec![(300, 1), (600, 2), (1200, 3)],
            vec![(0, 9), (600, 5), (900, 6), (1500, 7)],
            vec![(900, 1), (1200, 1)],
        ];
        for combine in [Combine::Sum, Combine::Max] {
            let mut joining = Joining::with_room(combine, 0);
            for series in &all {
                let sample = |&(end_s, value): &(i64, u64)| Sample {
                    at_ms: end_s * 1000,
                    value,
                };
                joining.add(&series.iter().map(sample).collect::<Vec<_>>());
            }
            assert_eq!(joining.timeline(), Timeline::of(all.concat(), combine));
        }
    }

    #[test]
    fn a_line_of_exact_steps_reads_back() {
        let timeline = Timeline::of(vec![(300, u64::MAX), (300, 1), (360, 0), (604_800, 7)], Combine::Sum);
        let mut read = Timeline::default();
        read.decode_into(&Timeline::encode(timeline.points(), 0), 0, 604_800)
            .unwrap();
        assert_eq!(read, timeline);
        assert_eq!(read.points()[0].total, u64::MAX, "sums stop at the top");
        assert!(
            Timeline::default()
                .decode_into(&Timeline::encode(timeline.points(), 0), 0, 604_799)
                .is_err()
        );
    }

    #[test]
    fn the_commonest_distance_ignores_gaps() {
        let at = |ends: &[i64]| {
            Timeline::of(ends.iter().map(|&end| (end, 1)).collect(), Combine::Sum).commonest_distance_s()
        };
        assert_eq!(at(&[60, 120, 180, 900]), Some(60));
        assert_eq!(at(&[60, 120, 300]), Some(60), "of equally common ones the smaller");
        assert_eq!(at(&[60]), None);
    }
}
