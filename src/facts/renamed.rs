//! History of a container that has another name by now.

use std::collections::BTreeMap;

use super::{ContainerFacts, Demand, DemandCell, Facts, Usage};

impl Facts {
    /// The same with containers under their new names; what is recorded under both is that of one container.
    #[must_use]
    pub fn under_new_names(&self, renamed: &BTreeMap<String, String>) -> Self {
        let mut facts = self.clone();
        for (old, new) in renamed {
            let Some(earlier) = facts.containers.remove(old) else {
                continue;
            };
            let all = match facts.containers.remove(new) {
                Some(later) => joined(earlier, later),
                None => earlier,
            };
            facts.containers.insert(new.clone(), all);
        }
        facts
    }
}

/// What is in force is what the later name has.
fn joined(earlier: ContainerFacts, later: ContainerFacts) -> ContainerFacts {
    ContainerFacts {
        cpu: usage(earlier.cpu, later.cpu),
        memory: usage(earlier.memory, later.memory),
        cpu_demand: demand(&earlier.cpu_demand, &later.cpu_demand),
        memory_demand: demand(&earlier.memory_demand, &later.memory_demand),
        cpu_request: later.cpu_request.or(earlier.cpu_request),
        cpu_limit: later.cpu_limit.or(earlier.cpu_limit),
        memory_request: later.memory_request.or(earlier.memory_request),
        rough_cpu: earlier.rough_cpu.and(later.rough_cpu),
        rough_memory: earlier.rough_memory.and(later.rough_memory),
        memory_span: earlier.memory_span.max(later.memory_span),
    }
}

/// Weeks of one cluster add up. Where the names are not known in the same number of clusters, which is which can't be
/// told: then the worst counts, as among clusters.
fn usage(earlier: Usage, mut later: Usage) -> Usage {
    if earlier.clusters.len() == later.clusters.len() {
        for (weeks, more) in later.clusters.iter_mut().zip(earlier.clusters) {
            weeks.extend(more);
            weeks.sort_by_key(|week| std::cmp::Reverse(week.age));
        }
    } else {
        later.clusters.extend(earlier.clusters);
    }
    later
}

/// While pods of both names run, a step is that of all of them.
fn demand(earlier: &Demand, later: &Demand) -> Demand {
    let mut cells: BTreeMap<_, DemandCell> = BTreeMap::new();
    for cell in earlier.cells().chain(later.cells()) {
        let all = cells.entry((cell.end, cell.step_s));
        all.and_modify(|all| {
            all.total = all.total.saturating_add(cell.total);
            all.active = all.active.saturating_add(cell.active);
        })
        .or_insert(cell);
    }
    cells.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::WeekUsage;
    use crate::profile::sketch::Sketch;
    use crate::units::{Percent, Seconds, Timestamp};

    fn facts(name: &str, age: u32, used: u64, ends: &[i64]) -> (String, ContainerFacts) {
        let cell = |end: &i64| DemandCell {
            end: Timestamp::from_unix(*end).expect("in range"),
            step_s: 300,
            total: used,
            active: 1,
        };
        let week = WeekUsage {
            age,
            sketch: Sketch::of([used; 10]),
        };
        let facts = ContainerFacts {
            cpu: Usage {
                clusters: vec![vec![week]],
            },
            cpu_demand: ends.iter().map(cell).collect(),
            ..ContainerFacts::default()
        };
        (name.to_owned(), facts)
    }

    #[test]
    fn two_names_are_one_container_over_time() {
        let recorded = Facts {
            containers: BTreeMap::from([facts("api", 1, 10, &[300, 600]), facts("main", 0, 20, &[600, 900])]),
            ..Facts::default()
        };
        let facts = recorded.under_new_names(&BTreeMap::from([("api".to_owned(), "main".to_owned())]));
        assert_eq!(facts.containers.keys().collect::<Vec<_>>(), ["main"]);
        let main = &facts.containers["main"];
        assert_eq!(main.cpu.count(), 20);
        let half = main.cpu.quantile(Percent::from_percent(50), Seconds::from_days(28));
        assert_eq!(half, Some(10), "both weeks weigh the same");
        let totals: Vec<(u64, u32)> = main.cpu_demand.cells().map(|cell| (cell.total, cell.active)).collect();
        assert_eq!(totals, [(10, 1), (30, 2), (20, 1)], "of both while both run");
    }
}
