//! One request's worth of a query: a set of namespaces, a span of time.

use super::queries::{Query, Selection};
use super::request::{Endpoint, Request};
use super::scope::Scope;
use super::window::{Span, Window};
use crate::units::Seconds;

/// Prometheus refuses more points of one series in one answer.
const POINTS_MAX: u64 = 11_000;
/// Samples to ask for at once: seconds of a store's time, and a twelfth of what Prometheus allows by default (50 million).
const SAMPLES_MAX: u64 = 4_000_000;
/// An owner's query reads every scrape of a span to find the last one; so many, at one in 30 s.
const SCRAPES_MAX: u64 = 40_000_000;
const SCRAPE_S: u64 = 30;

/// A part of a query that a store can answer at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The query.
    pub query: Query,
    /// Number of the set of namespaces, for the file's name.
    pub part: usize,
    /// The set of namespaces.
    pub scope: Scope,
    /// When.
    pub span: Span,
}

/// Cuts one query for so many containers in each set.
pub fn cut(query: &Query, scopes: &[(Scope, u64)], window: &Window, selection: &Selection) -> Vec<Shard> {
    let all = [(Scope::All, scopes.iter().map(|(_, containers)| containers).sum())];
    // a query that takes no matcher would give everything in each set
    let scopes = if query.takes_matchers() { scopes } else { &all };
    let mut shards = Vec::new();
    for (part, (scope, containers)) in scopes.iter().enumerate() {
        let series = query.series_for(*containers);
        let length = match query.step(selection) {
            Some(step) => (SAMPLES_MAX / series).clamp(1, POINTS_MAX).saturating_mul(step.get()),
            None => (SCRAPES_MAX / series).saturating_mul(SCRAPE_S),
        };
        let grain = query.grain(selection);
        let spans = window.span().parts(Seconds::new(length), grain);
        shards.extend(spans.into_iter().map(|span| Shard {
            query: query.clone(),
            part,
            scope: scope.clone(),
            span,
        }));
    }
    shards
}

impl Shard {
    /// The name of its file without an ending: the same for the same part of the same run.
    pub fn name(&self) -> String {
        let (from, to) = (self.span.from.unix(), self.span.to.unix());
        format!("{}.{}.{from}-{to}", self.query.id, self.part)
    }

    /// What the store is asked.
    pub fn request(&self, selection: &Selection) -> Request {
        let promql = self.query.promql(selection, self.scope.matcher(), &self.span);
        let endpoint = match self.query.step(selection) {
            Some(step) => Endpoint::Range { step, span: self.span },
            None => Endpoint::Instant { at: Some(self.span.to) },
        };
        Request::new(promql, endpoint)
    }

    /// Its two halves in time; `None` where it can't be cut any more.
    pub fn halves(&self, selection: &Selection) -> Option<[Self; 2]> {
        let (first, second) = self.span.halves(self.query.grain(selection))?;
        let part = |span| Self { span, ..self.clone() };
        Some([part(first), part(second)])
    }

    /// How much work it is, next to others.
    pub fn weight(&self, selection: &Selection) -> u64 {
        self.span.points(self.query.grain(selection)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::queries::shipped;
    use super::*;

    fn window(days: u64) -> Window {
        let now = "2026-11-22T00:30:00Z".parse().unwrap();
        Window::closed(Seconds::from_days(days), None, Seconds::from_minutes(5), now).unwrap()
    }

    fn shards(id: &str, containers: u64, days: u64) -> Vec<Shard> {
        let selection = Selection {
            matchers: Vec::new(),
            step: Seconds::from_minutes(5),
        };
        let queries = shipped();
        let query = queries.iter().find(|query| query.id == id).unwrap();
        cut(query, &[(Scope::All, containers)], &window(days), &selection)
    }

    #[test]
    fn a_small_fleet_is_asked_once_a_query() {
        // 600 containers × 4032 points = 2.4 million
        assert_eq!(shards("cpu", 600, 14).len(), 1);
        assert_eq!(shards("kube_pod_owner", 600, 14).len(), 1);
    }

    #[test]
    fn no_answer_passes_the_points_of_a_series_nor_the_samples_of_a_query() {
        // 60 days of 5 minutes are 17,280 points
        assert_eq!(shards("cpu", 10, 60).len(), 2);
        // 15,000 containers: 266 points, 22 h 10 min, at once
        let many = shards("cpu", 15_000, 14);
        assert_eq!(many.len(), 16);
        assert!(
            many.iter()
                .all(|shard| shard.span.points(Seconds::from_minutes(5)) * 15_000 <= 4_000_000)
        );
        // 40 million scrapes of 15,000 pods are 22 h: cut down to whole hours
        assert_eq!(shards("kube_pod_owner", 15_000, 14).len(), 16);
    }

    #[test]
    fn halves_have_names_of_their_own_and_the_same_query() {
        let selection = Selection {
            matchers: Vec::new(),
            step: Seconds::from_minutes(5),
        };
        let whole = shards("cpu", 600, 14).remove(0);
        let [first, second] = whole.halves(&selection).unwrap();
        assert_eq!(first.query, whole.query);
        assert_eq!(
            [whole.name(), first.name(), second.name()],
            [
                "cpu.0.1794096000-1795305600",
                "cpu.0.1794096000-1794700800",
                "cpu.0.1794700800-1795305600"
            ]
        );
    }
}
