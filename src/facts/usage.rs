//! Usage per pod: one sketch a week, weighed by age when asked.

use crate::profile::sketch::{Sketch, quantile_weighted};
use crate::units::{Percent, Seconds};

/// One closed UTC week of usage per pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekUsage {
    /// Weeks between this one and the newest: 0 for the newest.
    pub age: u32,
    /// Samples of all pods.
    pub sketch: Sketch,
}

/// Usage per pod by week, oldest first. Clusters are kept apart: sketches of different clusters are never added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Weeks, one list a cluster.
    pub clusters: Vec<Vec<WeekUsage>>,
}

const WEEK_S: u64 = 7 * 24 * 3600;

impl Usage {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.clusters.iter().all(Vec::is_empty)
    }

    /// Number of samples.
    pub fn count(&self) -> u64 {
        self.clusters.iter().flatten().map(|week| week.sketch.count()).sum()
    }

    /// The value that a share of the samples does not exceed, old weeks weighing less; the worst of the clusters.
    /// Upper edge of its bucket: never under the true value, at most 1/32 over it, never above the maximum.
    pub fn quantile(&self, share: Percent, half_life: Seconds) -> Option<u64> {
        self.clusters
            .iter()
            .filter_map(|weeks| quantile(weeks, share, half_life))
            .max()
    }

    /// The highest sample of all weeks, however old.
    pub fn highest(&self) -> Option<u64> {
        self.clusters
            .iter()
            .flatten()
            .filter_map(|week| week.sketch.max())
            .max()
    }
}

fn quantile(weeks: &[WeekUsage], share: Percent, half_life: Seconds) -> Option<u64> {
    if share >= Percent::WHOLE {
        // a maximum does not fade: the week it was reached in may come again
        return weeks.iter().filter_map(|week| week.sketch.max()).max();
    }
    let weighed: Vec<(u64, &Sketch)> = weeks
        .iter()
        .map(|week| (weight(week.age, half_life), &week.sketch))
        .collect();
    quantile_weighted(&weighed, share.ppm()).map(|quantile| quantile.upper)
}

/// Weight of a week in 1/1024: halved per half-life, in steps of a whole half-life, so that integers suffice.
fn weight(age_weeks: u32, half_life: Seconds) -> u64 {
    let half_lives = u64::from(age_weeks) * WEEK_S / half_life.get().max(1);
    1024_u64
        .checked_shr(u32::try_from(half_lives).unwrap_or(u32::MAX))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(weeks: &[(u32, &[u64])]) -> Usage {
        let week = |(age, values): &(u32, &[u64])| WeekUsage {
            age: *age,
            sketch: Sketch::of(values.iter().copied()),
        };
        Usage {
            clusters: vec![weeks.iter().map(week).collect()],
        }
    }

    #[test]
    fn an_old_week_weighs_half_as_much_a_half_life() {
        // ten samples of 10 weigh 1024 each, ten of 20 one week older 512 each: the 20s hold 1/3 of the weight
        let usage = usage(&[(1, &[20; 10]), (0, &[10; 10])]);
        let week = Seconds::from_days(7);
        assert_eq!(usage.quantile(Percent::from_percent(66), week), Some(10));
        assert_eq!(usage.quantile(Percent::from_percent(67), week), Some(20));
    }

    #[test]
    fn the_maximum_does_not_fade() {
        let usage = usage(&[(40, &[900]), (0, &[10; 100])]);
        assert_eq!(usage.quantile(Percent::WHOLE, Seconds::from_days(7)), Some(900));
    }

    #[test]
    fn of_several_clusters_the_worst_counts() {
        let mut both = usage(&[(0, &[10; 5])]);
        both.clusters.push(vec![WeekUsage {
            age: 0,
            sketch: Sketch::of([30; 5]),
        }]);
        assert_eq!(
            both.quantile(Percent::from_percent(50), Seconds::from_days(7)),
            Some(30)
        );
    }
}
