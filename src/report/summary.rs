//! What a new or removed object is, as far as a reviewer judges it by: bounds, targets, triggers, what it is for.

use std::collections::BTreeMap;

use super::words;
use crate::diff::ObjectDiff;
use crate::krm::Segment;

/// `6–20 replicas, cpu 65%`; for kinds that are not ours, how many fields it has.
pub(super) fn of(object: &ObjectDiff) -> String {
    let fields = Fields(object);
    let parts = match object.id.kind.as_str() {
        "HorizontalPodAutoscaler" => vec![
            fields.range(".spec.minReplicas", "1", ".spec.maxReplicas"),
            fields.targets(),
            fields.subject(".spec.scaleTargetRef"),
        ],
        "ScaledObject" => vec![
            fields.range(".spec.minReplicaCount", "0", ".spec.maxReplicaCount"),
            fields.triggers(),
            fields.subject(".spec.scaleTargetRef"),
        ],
        "PodDisruptionBudget" => vec![
            fields.named(".spec.maxUnavailable", "maxUnavailable"),
            fields.named(".spec.minAvailable", "minAvailable"),
            fields.pods(),
        ],
        "VerticalPodAutoscaler" => vec![
            fields.named(".spec.updatePolicy.updateMode", "updateMode"),
            fields.subject(".spec.targetRef"),
        ],
        _ => Vec::new(),
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return words::count(object.fields.len(), "field");
    }
    parts.join(", ")
}

struct Fields<'a>(&'a ObjectDiff);

impl Fields<'_> {
    /// Every field with its path and its value.
    fn all(&self) -> impl Iterator<Item = (&[Segment], String)> {
        self.0.fields.iter().filter_map(|field| {
            let value = field.after.as_ref().or(field.before.as_ref())?;
            Some((field.path.0.as_slice(), words::value(value)))
        })
    }

    fn at(&self, path: &str) -> Option<String> {
        let field = self.0.fields.iter().find(|field| field.path.to_string() == path)?;
        field.after.as_ref().or(field.before.as_ref()).map(words::value)
    }

    fn named(&self, path: &str, name: &str) -> Option<String> {
        self.at(path).map(|value| format!("{name} {value}"))
    }

    fn range(&self, low: &str, default: &str, high: &str) -> Option<String> {
        let low = self.at(low).unwrap_or_else(|| default.to_owned());
        self.at(high).map(|high| format!("{low}–{high} replicas"))
    }

    /// `cpu 65%, cpu 70% of api, requests_per_second 100`
    fn targets(&self) -> Option<String> {
        let targets: Vec<String> = self
            .all()
            .filter_map(|(path, value)| {
                let [
                    _,
                    Segment::Key(list),
                    Segment::Item(item),
                    ..,
                    Segment::Key(target),
                    Segment::Key(last),
                ] = path
                else {
                    return None;
                };
                if list != "metrics" {
                    return None;
                }
                let unit = match (target.as_str(), last.as_str()) {
                    ("target", "averageUtilization") => "%",
                    ("target", "averageValue") => " per pod",
                    ("target", "value") => "",
                    _ => return None,
                };
                let of = |key: &str| {
                    item.iter()
                        .find(|(name, _)| name.ends_with(key))
                        .map(|(_, value)| value)
                };
                let name = of(".name").or_else(|| of("name")).map_or("", String::as_str);
                let container = of(".container").map(|container| format!(" of {container}"));
                Some(format!("{name} {value}{unit}{}", container.unwrap_or_default()))
            })
            .collect();
        (!targets.is_empty()).then(|| targets.join(", "))
    }

    /// `rabbitmq (queueName orders, value 50)`
    fn triggers(&self) -> Option<String> {
        let mut triggers: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
        for (path, value) in self.all() {
            let [_, Segment::Key(list), Segment::Item(item), rest @ ..] = path else {
                continue;
            };
            if list != "triggers" {
                continue;
            }
            let trigger = triggers.entry(format!("{item:?}")).or_default();
            match rest {
                [Segment::Key(key)] if key == "type" => trigger.0 = value,
                [Segment::Key(metadata), Segment::Key(key)] if metadata == "metadata" => {
                    trigger.1.push(format!("{key} {value}"));
                }
                _ => {}
            }
        }
        let words: Vec<String> = triggers
            .into_values()
            .map(|(kind, metadata)| format!("{kind} ({})", metadata.join(", ")))
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// `for StatefulSet/orders-db`, where the object is not called like it.
    fn subject(&self, reference: &str) -> Option<String> {
        let name = self.at(&format!("{reference}.name"))?;
        let kind = self
            .at(&format!("{reference}.kind"))
            .unwrap_or_else(|| "Deployment".to_owned());
        (kind != "Deployment" || name != self.0.id.name).then(|| format!("for {kind}/{name}"))
    }

    /// `pods app=api`
    fn pods(&self) -> Option<String> {
        let labels: Vec<String> = self
            .all()
            .filter_map(|(path, value)| match path {
                [
                    Segment::Key(_),
                    Segment::Key(selector),
                    Segment::Key(labels),
                    Segment::Key(label),
                ] if selector == "selector" && labels == "matchLabels" => Some(format!("{label}={value}")),
                _ => None,
            })
            .collect();
        (!labels.is_empty()).then(|| format!("pods {}", labels.join(",")))
    }
}
