//! Whom a reference by name means, also while kustomize has renamed the object and not yet the reference.
//!
//! kustomize puts references right when all functions ran: some by itself, others only where a `configurations:` file
//! says so, which a function is not told. In a finished build there are no former names, and a name is a name.

use crate::krm::renamed::{is_renamed_alike, was_named};
use crate::krm::{DefaultNamespace, Object, ObjectId};

/// What kustomize finds in an HPA's `scaleTargetRef` by itself (its built-in name references).
const HPA_TARGETS: [&str; 4] = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];

/// The objects of an environment, and where those live that name no namespace.
#[derive(Clone, Copy)]
pub(super) struct Neighbours<'a> {
    pub(super) objects: &'a [(ObjectId, &'a Object)],
    pub(super) default_namespace: &'a DefaultNamespace,
}

impl<'a> Neighbours<'a> {
    /// The objects of a kind that live in the namespace of another one.
    pub(super) fn beside(
        self,
        id: &'a ObjectId,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a ObjectId, &'a Object)> + use<'a> {
        let namespace = self.default_namespace.of(id);
        self.objects
            .iter()
            .filter(move |(other, _)| other.kind == kind && self.default_namespace.of(other) == namespace)
            .map(|(other, object)| (other, *object))
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
    (id, referrer): (&'a ObjectId, &Object),
    (kind, name): (&'a str, &'a str),
    all: Neighbours<'a>,
) -> Meant<'a> {
    let of_kind = || all.beside(id, kind);
    let is_followed = is_followed(&id.kind, kind);
    // kustomize goes by former names alone; where it may not look at all, who has the name now is the likelier one
    if !is_followed && of_kind().any(|(other, _)| other.name == name) {
        return Meant::Name(name);
    }
    let mut renamed: Vec<_> = of_kind().filter(|(_, object)| was_named(object, name)).collect();
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
        let neighbours = Neighbours {
            objects: &all,
            default_namespace: &DefaultNamespace::default(),
        };
        let found = meant((&id, &referrer), ("Deployment", "api"), neighbours);
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
