//! Where a pod spec already sends its pods, seen from the labels of interruptible nodes, and how to add to it without
//! taking anything of the owner's away.
//!
//! The terms of a required node affinity are alternatives, the expressions of one term and the node selector hold
//! together. So what must hold has to be in every term; a term without expressions and fields matches no node and stays.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The kind of nodes that a pod can only go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Interruptible ones: all labels match.
    Spot,
    /// Others: some label does not match.
    OnDemand,
}

/// A pod spec and the labels of interruptible nodes.
#[derive(Clone, Copy)]
pub(crate) struct Placement<'a> {
    pub(crate) pod_spec: &'a Value,
    pub(crate) labels: &'a BTreeMap<String, String>,
}

impl Placement<'_> {
    /// The side that the pod spec already decides on; `None` where it leaves both open.
    pub(crate) fn side(&self) -> Option<Side> {
        let terms = self.required_terms();
        let mut sides = terms
            .iter()
            .filter(|term| matches_something(term))
            .map(|term| self.side_of(term));
        match sides.next() {
            None if terms.is_empty() => self.side_of(&Value::Null),
            None => None,
            Some(first) => first.filter(|_| sides.all(|side| side == first)),
        }
    }

    /// The required terms with what sends pods to `side` in each of them.
    pub(crate) fn required(&self, side: Side) -> Vec<Value> {
        let terms = self.required_terms();
        if terms.is_empty() {
            return vec![self.with_expressions(&json!({}), side)];
        }
        terms
            .iter()
            .map(|term| {
                if matches_something(term) {
                    self.with_expressions(term, side)
                } else {
                    term.clone()
                }
            })
            .collect()
    }

    /// The preferred terms with interruptible nodes at full weight; `None` where they are preferred already.
    pub(crate) fn preferred(&self) -> Option<Vec<Value>> {
        let at = "/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution";
        let terms = self
            .pod_spec
            .pointer(at)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let is_preferred = |term: &Value| {
            let preference = &term["preference"];
            self.labels
                .iter()
                .all(|(key, value)| verdict(preference, key, value) == Some(Side::Spot))
        };
        if terms.iter().any(is_preferred) {
            return None;
        }
        let preference = json!({"matchExpressions": self.expressions(Side::Spot, self.labels.keys())});
        let ours = json!({"weight": 100, "preference": preference});
        Some(terms.into_iter().chain([ours]).collect())
    }

    fn required_terms(&self) -> &[Value] {
        let at = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        self.pod_spec
            .pointer(at)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// What one term, together with the node selector, decides.
    fn side_of(&self, term: &Value) -> Option<Side> {
        let verdicts: Vec<Option<Side>> = self
            .labels
            .iter()
            .map(|(key, value)| self.verdict_of(term, key, value))
            .collect();
        if verdicts.contains(&Some(Side::OnDemand)) {
            Some(Side::OnDemand)
        } else {
            verdicts
                .iter()
                .all(|verdict| *verdict == Some(Side::Spot))
                .then_some(Side::Spot)
        }
    }

    fn verdict_of(&self, term: &Value, key: &str, value: &str) -> Option<Side> {
        let selected = self.pod_spec.get("nodeSelector").and_then(|selector| selector.get(key));
        match selected {
            Some(selected) if selected == value => Some(Side::Spot),
            Some(_) => Some(Side::OnDemand),
            None => verdict(term, key, value),
        }
    }

    fn with_expressions(&self, term: &Value, side: Side) -> Value {
        if self.side_of(term) == Some(side) {
            return term.clone();
        }
        let needed: Vec<&String> = self
            .labels
            .iter()
            .filter(|(key, value)| self.verdict_of(term, key, value) != Some(side))
            .map(|(key, _)| key)
            .collect();
        let mut expressions = term
            .get("matchExpressions")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        expressions.extend(self.expressions(side, needed));
        let mut term = term.clone();
        term["matchExpressions"] = expressions.into();
        term
    }

    /// `NotIn` and not the other kind's value: it also matches nodes without the label, and providers that mark only
    /// their interruptible nodes have no such value.
    fn expressions<'k>(&self, side: Side, keys: impl IntoIterator<Item = &'k String>) -> Vec<Value> {
        let operator = match side {
            Side::Spot => "In",
            Side::OnDemand => "NotIn",
        };
        keys.into_iter()
            .map(|key| json!({"key": key, "operator": operator, "values": [self.labels[key]]}))
            .collect()
    }
}

fn matches_something(term: &Value) -> bool {
    ["matchExpressions", "matchFields"].into_iter().any(|key| {
        term.get(key)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    })
}

/// What the expressions of a term say of one label.
fn verdict(term: &Value, key: &str, value: &str) -> Option<Side> {
    let expressions = term
        .get("matchExpressions")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let none = Vec::new();
    let one = |expression: &Value| {
        let values = expression.get("values").and_then(Value::as_array).unwrap_or(&none);
        let has_value = values.iter().any(|v| v == value);
        match expression["operator"].as_str()? {
            "In" if has_value && values.len() == 1 => Some(Side::Spot),
            "In" if !has_value => Some(Side::OnDemand),
            "NotIn" if has_value => Some(Side::OnDemand),
            "DoesNotExist" => Some(Side::OnDemand),
            _ => None,
        }
    };
    let mut sides: Vec<Side> = expressions
        .iter()
        .filter(|expression| expression["key"] == key)
        .filter_map(one)
        .collect();
    // expressions hold together: what one of them excludes, no other brings back
    sides.sort_by_key(|side| *side != Side::OnDemand);
    sides.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> BTreeMap<String, String> {
        BTreeMap::from([("type".to_owned(), "spot".to_owned())])
    }

    fn required(terms: &Value) -> Value {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}})
    }

    fn expression(operator: &str, values: &[&str]) -> Value {
        json!({"key": "type", "operator": operator, "values": values})
    }

    #[test]
    fn a_placement_that_is_there_is_recognised() {
        let zone = json!({"key": "zone", "operator": "In", "values": ["a"]});
        for (pod_spec, side) in [
            (json!({}), None),
            (json!({"nodeSelector": {"type": "spot"}}), Some(Side::Spot)),
            (json!({"nodeSelector": {"type": "on-demand"}}), Some(Side::OnDemand)),
            (json!({"nodeSelector": {"disk": "ssd"}}), None),
            (
                required(&json!([{"matchExpressions": [expression("In", &["spot"])]}])),
                Some(Side::Spot),
            ),
            (
                required(&json!([{"matchExpressions": [expression("In", &["spot", "on-demand"])]}])),
                None,
            ),
            (
                required(&json!([{"matchExpressions": [expression("In", &["on-demand"])]}])),
                Some(Side::OnDemand),
            ),
            (
                required(&json!([{"matchExpressions": [expression("NotIn", &["spot"])]}])),
                Some(Side::OnDemand),
            ),
            (
                required(&json!([{"matchExpressions": [expression("DoesNotExist", &[])]}])),
                Some(Side::OnDemand),
            ),
            (
                required(&json!([{"matchExpressions": [expression("In", &["spot"]), expression("NotIn", &["spot"])]}])),
                Some(Side::OnDemand),
            ),
            // alternatives: only what all of them say is decided
            (
                required(&json!([{"matchExpressions": [expression("In", &["spot"])]}, {"matchExpressions": [zone]}])),
                None,
            ),
        ] {
            let placement = Placement {
                pod_spec: &pod_spec,
                labels: &labels(),
            };
            assert_eq!(placement.side(), side, "{pod_spec}");
        }
    }

    #[test]
    fn what_must_hold_is_added_to_every_alternative() {
        let zone = |zone: &str| json!({"key": "zone", "operator": "In", "values": [zone]});
        let pod_spec = required(&json!([
            {"matchExpressions": [zone("a")]},
            {"matchExpressions": [zone("b"), expression("NotIn", &["spot"])]},
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
            // an empty term matches no node: with an expression it would
            {},
        ]));
        let placement = Placement {
            pod_spec: &pod_spec,
            labels: &labels(),
        };
        assert_eq!(
            Value::from(placement.required(Side::OnDemand)),
            json!([
                {"matchExpressions": [zone("a"), expression("NotIn", &["spot"])]},
                {"matchExpressions": [zone("b"), expression("NotIn", &["spot"])]},
                {
                    "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}],
                    "matchExpressions": [expression("NotIn", &["spot"])],
                },
                {},
            ])
        );
    }

    #[test]
    fn nodes_with_several_marks_must_carry_all_of_them() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        let pod_spec = json!({"nodeSelector": {"a": "1"}});
        let placement = Placement {
            pod_spec: &pod_spec,
            labels: &labels,
        };
        assert_eq!(placement.side(), None);
        let b_in = json!({"key": "b", "operator": "In", "values": ["2"]});
        assert_eq!(
            Value::from(placement.required(Side::Spot)),
            json!([{"matchExpressions": [b_in]}])
        );
    }
}
