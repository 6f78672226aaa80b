//! One signal of one container of a workload, from its series: sketches by week, instants, counters.

use super::build::Options;
use super::calendar::{Day, Week, cell_end};
use super::ordered::Keeping;
use super::sketch::{Sketch, Tally};
use super::survey::{Survey, digest, end_s};
use super::timeline::{Combine, Joining};
use super::usage::{Exact, SignalHistory};
use crate::history::clean::Series;
use crate::history::samples::Sample;
use crate::history::signal::{Form, Signal};
use std::collections::BTreeMap;

pub(super) fn combine_of(signal: Signal) -> Combine {
    if signal.form() == Form::Demand {
        Combine::Sum
    } else {
        Combine::Max
    }
}

/// Values by their weeks. Those who count one signal after the other do it in the same room.
#[derive(Debug, Default)]
pub(super) struct Weeks {
    counted: BTreeMap<Week, Tally>,
    spare: Vec<Tally>,
}

impl Weeks {
    pub(super) fn tally(&mut self, week: Week) -> &mut Tally {
        let Self { counted, spare } = self;
        counted.entry(week).or_insert_with(|| spare.pop().unwrap_or_default())
    }

    /// What was counted; begins anew.
    fn take(&mut self) -> BTreeMap<Week, Sketch> {
        let mut sketches = BTreeMap::new();
        while let Some((week, mut tally)) = self.counted.pop_first() {
            sketches.insert(week, tally.take());
            self.spare.push(tally);
        }
        sketches
    }
}

/// One signal of one container, series by series.
pub(super) struct Collected<'o> {
    signal: Signal,
    /// Off any grid: length of the cells whose greatest count, in seconds.
    cell_s: Option<i64>,
    options: &'o Options,
    is_empty: bool,
    weeks: &'o mut Weeks,
    joining: Joining,
    exact: Exact,
    /// States that take the samples in their order, where any are asked for.
    pub(super) ordered: Option<Keeping>,
}

impl<'o> Collected<'o> {
    /// `instants`: how many to make room for.
    pub(super) fn new(
        signal: Signal,
        is_off_grid: bool,
        instants: usize,
        options: &'o Options,
        weeks: &'o mut Weeks,
    ) -> Self {
        Self {
            signal,
            cell_s: is_off_grid.then(|| i64::from(options.step_s)),
            options,
            is_empty: true,
            weeks,
            joining: Joining::with_room(combine_of(signal), instants),
            exact: Exact::default(),
            ordered: None,
        }
    }

    /// Where values are counted, if those of the signal are: whoever looks at a series does it on the way.
    pub(super) fn weeks(&mut self) -> Option<&mut Weeks> {
        let is_counted = matches!(self.signal.form(), Form::Demand | Form::Worst | Form::Distribution);
        is_counted.then_some(&mut *self.weeks)
    }

    /// Takes a series whose values are counted already.
    pub(super) fn add(&mut self, one: &Series, survey: &Survey) {
        self.is_empty &= one.samples.is_empty();
        let form = self.signal.form();
        if matches!(form, Form::Demand | Form::Worst | Form::State) {
            if self.cell_s.is_none() && survey.is_of_whole_seconds() {
                self.joining.add(&one.samples);
            } else {
                self.joining.add(&at_ends(&one.samples, self.cell_s));
            }
        }
        if form == Form::Count {
            let series = digest(&one.name);
            for sample in &one.samples {
                let day = Day::of(sample.at_ms.div_euclid(1000));
                self.exact.counters.note(series, day, sample.value);
            }
        }
        if let Some(ordered) = &mut self.ordered {
            ordered.add(&one.samples);
        }
        if self.options.shard {
            note_stretches(&mut self.exact, one, i64::from(self.options.step_s));
        }
    }

    pub(super) fn history(mut self) -> Option<SignalHistory> {
        self.exact.timeline = self.joining.timeline();
        let sketches = self.weeks.take();
        (!self.is_empty).then(|| SignalHistory {
            sketches,
            exact: self.exact,
            ordered: self.ordered.map(Keeping::states).unwrap_or_default(),
            ..SignalHistory::default()
        })
    }
}

/// The samples at the ends of their seconds, or off any grid of their cells; of those that end together the greatest.
fn at_ends(samples: &[Sample], cell_s: Option<i64>) -> Vec<Sample> {
    let mut ends: Vec<Sample> = Vec::with_capacity(samples.len());
    for sample in samples {
        let end = end_s(sample.at_ms);
        let at_ms = cell_s.map_or(end, |cell| cell_end(end, cell)) * 1000;
        match ends.last_mut() {
            Some(last) if last.at_ms == at_ms => last.value = last.value.max(sample.value),
            _ => ends.push(Sample { at_ms, ..*sample }),
        }
    }
    ends
}

fn note_stretches(exact: &mut Exact, one: &Series, step_s: i64) {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for sample in &one.samples {
        let at = end_s(sample.at_ms);
        match stretches.last_mut() {
            Some(last) if at - last.1 <= step_s => last.1 = at,
            _ => stretches.push((at, at)),
        }
    }
    let known = exact.stretches.entry(digest(&one.name)).or_default();
    known.extend(stretches);
    known.sort_unstable();
}
