//! Demand of all pods together over time. A step without a sample is unknown and simply absent.

use crate::units::{Percent, Seconds, Timestamp};

/// One known step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandCell {
    /// End of the step.
    pub end: Timestamp,
    /// Length of the step in seconds.
    pub step_s: u32,
    /// All pods together.
    pub total: u64,
    /// Pods with a value.
    pub active: u32,
}

/// Known steps in ascending time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The steps.
    pub cells: Vec<DemandCell>,
}

impl Demand {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How often pods came to run: times of known steps with pods, told apart by steps without.
    pub fn runs(&self) -> usize {
        let active: Vec<&DemandCell> = self.cells.iter().filter(|cell| cell.active > 0).collect();
        let follows = |pair: &&[&DemandCell]| {
            let start = pair[1].end.checked_sub(Seconds::new(u64::from(pair[1].step_s)));
            start.is_some_and(|start| start > pair[0].end)
        };
        active.windows(2).filter(follows).count() + usize::from(!active.is_empty())
    }

    /// The highest demand.
    pub fn highest(&self) -> Option<u64> {
        self.cells.iter().map(|cell| cell.total).max()
    }

    /// The demand that a share of the known steps does not exceed (nearest rank).
    pub fn quantile(&self, share: Percent) -> Option<u64> {
        nearest_rank(&mut self.cells.iter().map(|cell| cell.total).collect::<Vec<_>>(), share)
    }

    /// The mean usage of a pod that a share of the known steps does not exceed (nearest rank).
    pub fn per_pod_quantile(&self, share: Percent) -> Option<u64> {
        let mut means: Vec<u64> = self
            .cells
            .iter()
            .filter(|cell| cell.active > 0)
            .map(|cell| cell.total.div_ceil(u64::from(cell.active)))
            .collect();
        nearest_rank(&mut means, share)
    }

    /// How much demand grows from one step to the next, as a share of what it was (`100%`: not at all), that all but
    /// 1 % of the steps keep under. Steps from at least the median demand count, and from at least a quarter of the
    /// highest: an idle workload that wakes up multiplies its demand without coming near any pod's limit. `None`
    /// without neighbouring steps.
    pub fn growth(&self) -> Option<Percent> {
        let median = self.quantile(Percent::from_percent(50))?;
        let least = median.max(self.highest()?.div_ceil(4)).max(1);
        // from the median up: half of them, or more where many are alike
        let mut ratios = Vec::with_capacity(self.cells.len() / 2 + 1);
        let pairs = self.cells.iter().zip(&self.cells[1..]);
        pairs
            .filter(|(cell, next)| cell.total >= least && follows(**cell, **next))
            .filter_map(|(cell, next)| Percent::ratio_ceil(u128::from(next.total), u128::from(cell.total)))
            .for_each(|ratio| ratios.push(ratio.ppm()));
        nearest_rank(&mut ratios, Percent::from_percent(99)).map(|ppm| Percent::from_ppm(ppm).max(Percent::WHOLE))
    }

    /// Highest over lowest of the 24 medians by hour of the UTC day, as a share (`150%`). `None` with fewer than two
    /// known hours, or a lowest median of zero.
    pub fn day_swing(&self) -> Option<Percent> {
        let (low, high) = self.hour_medians()?;
        Percent::ratio_floor(u128::from(high), u128::from(low))
    }

    /// Lowest and highest of the 24 medians by hour of the UTC day; `None` with fewer than two known hours.
    pub fn hour_medians(&self) -> Option<(u64, u64)> {
        let share = self.cells.len() / 24 + 1;
        let mut hours: [Vec<u64>; 24] = std::array::from_fn(|_| Vec::with_capacity(share));
        for cell in &self.cells {
            let start = cell.end.unix() - i64::from(cell.step_s);
            let hour = usize::try_from(start.rem_euclid(86_400) / 3600)
                .expect("broken invariant: a remainder of 86400 is below it");
            hours[hour].push(cell.total);
        }
        let medians: Vec<u64> = hours
            .iter_mut()
            .filter_map(|totals| nearest_rank(totals, Percent::from_percent(50)))
            .collect();
        let (low, high) = (medians.iter().min()?, medians.iter().max()?);
        (medians.len() > 1).then_some((*low, *high))
    }
}

fn follows(a: DemandCell, b: DemandCell) -> bool {
    b.end.unix() - a.end.unix() == i64::from(b.step_s)
}

/// Nearest rank in values of any order: the smallest that at least this share of them does not exceed.
pub(super) fn nearest_rank(values: &mut [u64], share: Percent) -> Option<u64> {
    let count = u128::try_from(values.len()).ok().filter(|&count| count > 0)?;
    let rank = share.of_ceil(count).clamp(1, count);
    let (_, value, _) = values.select_nth_unstable(usize::try_from(rank - 1).ok()?);
    Some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(totals: &[u64]) -> Demand {
        let cell = |(index, total): (usize, &u64)| DemandCell {
            end: Timestamp::from_unix(1_600_000_200 + 300 * i64::try_from(index).unwrap()).unwrap(),
            step_s: 300,
            total: *total,
            active: 2,
        };
        Demand {
            cells: totals.iter().enumerate().map(cell).collect(),
        }
    }

    #[test]
    fn quantiles_are_nearest_rank() {
        let demand = demand(&[50, 10, 40, 20, 30]);
        // ranks: 20 % of 5 = 1, 21 % = 1.05 -> 2, 100 % = 5
        for (percent, expected) in [(0, 10), (20, 10), (21, 20), (50, 30), (100, 50)] {
            assert_eq!(
                demand.quantile(Percent::from_percent(percent)),
                Some(expected),
                "{percent}%"
            );
        }
        assert_eq!(Demand::default().quantile(Percent::WHOLE), None);
    }

    #[test]
    fn growth_looks_at_neighbouring_steps_from_the_median_up() {
        // median 100; from >= 100: 100->150 (150 %), 150->100, 100->100
        let mut rising = demand(&[10, 90, 100, 150, 100, 100]);
        assert_eq!(rising.growth(), Some(Percent::from_percent(150)));
        // with the 150 gone there is a gap, and 100 -> 100 is left
        rising.cells.remove(3);
        assert_eq!(rising.growth(), Some(Percent::WHOLE));
    }

    #[test]
    fn waking_up_is_no_growth_of_a_load() {
        // idle at 1 with spikes of 400: only steps from 100 up tell, and none of them grows
        assert_eq!(
            demand(&[1, 1, 1, 400, 200, 1, 1, 400, 400, 1]).growth(),
            Some(Percent::WHOLE)
        );
    }

    #[test]
    fn an_even_day_swings_by_nothing() {
        assert_eq!(demand(&[7; 300]).day_swing(), Some(Percent::WHOLE));
        assert_eq!(demand(&[7; 3]).day_swing(), None, "one hour alone tells nothing");
    }
}
