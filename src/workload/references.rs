//! Whom a reference by name means, also while kustomize has renamed the object and not yet the reference.
//!
//! kustomize puts references right when all functions ran: some by itself, others only where a `configurations:` file
//! says so, which a function is not told. In a finished build there are no former names, and a name is a name.

use std::collections::{BTreeMap, BTreeSet};

use crate::krm::renamed::{former_names, is_renamed_alike};
use crate::krm::{DefaultNamespace, Object, ObjectId};

/// What kustomize finds in an HPA's `scaleTargetRef` by itself (its built-in name references).
const HPA_TARGETS: [&str; 4] = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];

/// Kind, namespace and name.
type Called<'a> = (&'a str, &'a str, &'a str);

/// An object with its identity.
pub(super) type Identified<'a> = (&'a ObjectId, &'a Object);

/// The objects of an environment by name, and where those live that name no namespace.
pub(super) struct Neighbours<'a> {
    pub(super) default_namespace: &'a DefaultNamespace,
    now: BTreeMap<Called<'a>, Vec<Identified<'a>>>,
    before: BTreeMap<Called<'a>, Vec<Identified<'a>>>,
}

impl<'a> Neighbours<'a> {
    pub(super) fn of(objects: &'a [(ObjectId, &'a Object)], default_namespace: &'a DefaultNamespace) -> Self {
        let (mut now, mut before) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (id, object) in objects {
            let called = |name: &'a str| (id.kind.as_str(), default_namespace.of(id), name);
            now.entry(called(&id.name)).or_default().push((id, *object));
            let former: BTreeSet<&str> = former_names(object).collect();
            for name in former {
                before.entry(called(name)).or_default().push((id, *object));
            }
        }
        Self {
            default_namespace,
            now,
            before,
        }
    }

    /// The objects of a kind and name that live in the namespace of another one, in their order.
    pub(super) fn named<'s>(&'s self, id: &'s ObjectId, called: (&'s str, &'s str)) -> &'s [Identified<'a>] {
        self.among(&self.now, id, called)
    }

    /// As [`Neighbours::named`], by a name that they had before.
    fn formerly_named<'s>(&'s self, id: &'s ObjectId, called: (&'s str, &'s str)) -> &'s [Identified<'a>] {
        self.among(&self.before, id, called)
    }

    fn among<'s>(
        &'s self,
        objects: &'s BTreeMap<Called<'a>, Vec<Identified<'a>>>,
        id: &'s ObjectId,
        (kind, name): (&'s str, &'s str),
    ) -> &'s [Identified<'a>] {
        let found = objects.get(&(kind, self.default_namespace.of(id), name));
        found.map_or(&[], Vec::as_slice)
    }
}

/// Whom a reference means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant<'a> {
    /// The object of this name, whether one is there or not: it is in the reference, or kustomize is sure to put it there.
    Name(&'a str),
    /// The object that was renamed to this, if the tree tells kustomize of such references.
    Perhaps(&'a str),
}

impl<'a> Meant<'a> {
    pub(super) fn name(&self) -> &'a str {
        match self {
            Self::Name(name) | Self::Perhaps(name) => name,
        }
    }
}

/// Whom `referrer` means by a kind and a name in its own namespace.
pub(super) fn meant<'a>(
    (id, referrer): (&ObjectId, &Object),
    (kind, name): (&'a str, &'a str),
    all: &Neighbours<'a>,
) -> Meant<'a> {
    let is_followed = is_followed(&id.kind, kind);
    // kustomize goes by former names alone; where it may not look at all, who has the name now is the likelier one
    if !is_followed && !all.named(id, (kind, name)).is_empty() {
        return Meant::Name(name);
    }
    let mut renamed = all.formerly_named(id, (kind, name)).to_vec();
    if renamed.len() > 1 {
        renamed.retain(|(_, object)| is_renamed_alike(object, referrer));
    }
    match renamed[..] {
        [(other, _)] if is_followed => Meant::Name(&other.name),
        [(other, _)] => Meant::Perhaps(&other.name),
        _ => Meant::Name(name),
    }
}

/// Whether kustomize puts such references right by itself.
fn is_followed(referrer: &str, kind: &str) -> bool {
    match referrer {
        "HorizontalPodAutoscaler" => HPA_TARGETS.contains(&kind),
        "Rollout" => false,
        _ => kind == "PersistentVolumeClaim",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(kind: &str, name: &str, former: &str, prefixes: &str) -> Value {
        json!({"apiVersion": "x/v1", "kind": kind, "metadata": {"name": name, "namespace": "odd", "annotations": {
            "internal.config.kubernetes.io/previousNames": former, "internal.config.kubernetes.io/prefixes": prefixes}}})
    }

    /// Whom `kind/prd-s` means by `Deployment/api` among Deployments (name, former names, prefixes).
    fn meant_among(kind: &str, there: &[(&str, &str, &str)]) -> (String, bool) {
        let referrer = object(kind, "prd-s", "s", "prd-");
        let objects: Vec<Value> = there
            .iter()
            .map(|(name, former, prefixes)| object("Deployment", name, former, prefixes))
            .collect();
        let all: Vec<(ObjectId, &Object)> = objects
            .iter()
            .map(|object| (ObjectId::of(object).unwrap(), object))
            .collect();
        let id = ObjectId::of(&referrer).unwrap();
        let default_namespace = DefaultNamespace::default();
        let neighbours = Neighbours::of(&all, &default_namespace);
        let found = meant((&id, &referrer), ("Deployment", "api"), &neighbours);
        (found.name().to_owned(), matches!(found, Meant::Perhaps(_)))
    }

    /// By kustomize's rule (`api/filters/nameref`): former names first, then the referrer's own prefix. An HPA is sure of it.
    #[test]
    fn former_names_lead_to_the_object() {
        let renamed = ("prd-api", "api,api", "prd-");
        for (there, hpa, scaled_object) in [
            (&[renamed][..], "prd-api", ("prd-api", true)),
            (&[("other", "", "")], "api", ("api", false)),
            // the one with the name now was never renamed: kustomize does not look at it
            (&[renamed, ("api", "", "")], "prd-api", ("api", false)),
            // both were renamed: the one with the referrer's prefix
            (&[renamed, ("eu-api", "api", "eu-")], "prd-api", ("prd-api", true)),
            (
                &[("us-api", "api", "us-"), ("eu-api", "api", "eu-")],
                "api",
                ("api", false),
            ),
        ] {
            assert_eq!(
                meant_among("HorizontalPodAutoscaler", there),
                (hpa.into(), false),
                "{there:?}"
            );
            let (name, is_unsure) = scaled_object;
            assert_eq!(
                meant_among("ScaledObject", there),
                (name.into(), is_unsure),
                "{there:?}"
            );
        }
    }
}
