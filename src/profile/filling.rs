//! From an exact timeline to the cells of its weeks: the upper envelope of what is finer than a cell, and what is coarser
//! held over the cells that it measured.

use super::calendar::{Week, cell_end};
use super::demand::{COARSE_STEP_S, Cell, DemandWeek, slots_of_week};
use super::level::{CoarseLevel, Level};
use super::timeline::{Point, Timeline, commonest_s};
use std::collections::BTreeMap;

impl DemandWeek {
    /// The weeks of an exact timeline in cells of `step_s`.
    pub fn of_timeline(timeline: &Timeline, step_s: u32) -> BTreeMap<Week, Self> {
        let distances = timeline.distances();
        let mut filling = Filling::new(step_s, commonest_s(&distances));
        let (first, mut rest) = timeline.points().split_at(timeline.points().len().min(1));
        filling.put_each(first);
        for (distance_ms, count) in distances {
            let (own, behind) = rest.split_at(count);
            if filling.are_next(&own[0], distance_ms) {
                filling.put_next(own);
            } else {
                filling.put_each(own);
            }
            rest = behind;
        }
        filling.finish()
    }
}

impl Cell {
    #[inline]
    fn of(point: &Point, slot: u32) -> Self {
        Self {
            slot,
            total: Level::of(point.total),
            max: CoarseLevel::of(point.max),
            active: point.active,
        }
    }
}

/// Weeks while points come in, ascending.
struct Filling {
    step_s: u32,
    /// How long each point holds for.
    held_s: i64,
    weeks: BTreeMap<Week, DemandWeek>,
    /// The week of the last cell.
    week: Option<Week>,
    cells: Vec<Cell>,
    /// Where the last cell ends, far back where there is none.
    last_end: i64,
    /// Of the cell behind the last one, in its week.
    next_slot: u32,
}

impl Filling {
    fn new(step_s: u32, distance_s: Option<i64>) -> Self {
        let step = i64::from(step_s);
        Self {
            step_s,
            held_s: distance_s.unwrap_or(step).clamp(step, i64::from(COARSE_STEP_S)),
            weeks: BTreeMap::new(),
            week: None,
            cells: Vec::new(),
            last_end: i64::MIN / 2,
            next_slot: 0,
        }
    }

    fn slots(&self) -> u32 {
        slots_of_week(self.step_s)
    }

    /// Whether points, this one first and so far apart, are a cell each, the first behind the last one.
    fn are_next(&self, first: &Point, distance_ms: i64) -> bool {
        let step = i64::from(self.step_s);
        self.held_s == step && distance_ms == step * 1000 && first.end_s() - step == self.last_end
    }

    /// Takes points that [`Self::are_next`], as nearly all are.
    fn put_next(&mut self, mut points: &[Point]) {
        while !points.is_empty() {
            let room = (self.slots() - self.next_slot) as usize;
            let (own, behind) = points.split_at(points.len().min(room));
            let cells = own.iter().zip(self.next_slot..);
            self.cells.extend(cells.map(|(point, slot)| Cell::of(point, slot)));
            if let Some(last) = own.last() {
                self.next_slot += u32::try_from(own.len()).expect("broken invariant: there is room for them");
                self.last_end = last.end_s();
            }
            // the first of the next week
            points = behind.split_first().map_or(behind, |(first, behind)| {
                self.put(first);
                behind
            });
        }
    }

    fn put_each(&mut self, points: &[Point]) {
        for point in points {
            self.put(point);
        }
    }

    fn put(&mut self, point: &Point) {
        let step = i64::from(self.step_s);
        let mut cell = Cell::of(point, 0);
        for end in held_cells(cell_end(point.end_s(), step), self.held_s, step) {
            if end <= self.last_end {
                absorb_into(&mut self.cells, &mut self.weeks, (self.last_end - end) / step, cell);
                continue;
            }
            if end != self.last_end + step || self.next_slot == self.slots() {
                self.turn_to(end);
            }
            cell.slot = self.next_slot;
            self.cells.push(cell);
            (self.last_end, self.next_slot) = (end, self.next_slot + 1);
        }
    }

    /// Goes to the cell that ends there, perhaps in another week.
    fn turn_to(&mut self, end: i64) {
        let own = Week::of_end(end);
        self.next_slot = slot(own, end, i64::from(self.step_s));
        if let Some(before) = self.week.replace(own).filter(|&before| before != own) {
            let cells = std::mem::take(&mut self.cells);
            self.weeks.insert(before, DemandWeek::of_cells(self.step_s, cells));
        }
        if self.cells.is_empty() {
            self.cells.reserve((self.slots() - self.next_slot) as usize);
        }
    }

    fn finish(mut self) -> BTreeMap<Week, DemandWeek> {
        let last = self
            .week
            .map(|week| (week, DemandWeek::of_cells(self.step_s, self.cells)));
        self.weeks.extend(last);
        self.weeks
    }
}

/// Points ascend and all hold alike: what is not past the last cell is there already, so many cells before it.
fn absorb_into(newest: &mut [Cell], weeks: &mut BTreeMap<Week, DemandWeek>, back: i64, cell: Cell) {
    let back = usize::try_from(back).unwrap_or(0);
    let before = weeks.values_mut().rev().flat_map(|week| week.cells.iter_mut().rev());
    if let Some(known) = newest.iter_mut().rev().chain(before).nth(back) {
        known.absorb(cell);
    }
}

/// Ends of the cells that a sample speaks for: those before its own that its interval reaches into, and its own.
pub(super) fn held_cells(own: i64, held_s: i64, step_s: i64) -> impl Iterator<Item = i64> {
    let cells = if held_s == step_s {
        1
    } else {
        (held_s + step_s - 1) / step_s
    };
    (0..cells).rev().map(move |back| own - back * step_s)
}

fn slot(week: Week, end_s: i64, step_s: i64) -> u32 {
    u32::try_from((end_s - week.start_s()) / step_s - 1).expect("broken invariant: a cell lies in its week")
}
