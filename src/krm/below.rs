//! What a layer stands on, as far as its objects do not show it: how kustomize merges patches into them, and which names
//! they had before.
//!
//! kustomize looks for the target of a patch, and for what a reference names, under former names too. Source: kustomize
//! 5.8, `resWrangler.GetById` and `Select`, `nameref.Filter`; the same in 5.0.1 and 5.4.3.

use std::collections::BTreeMap;

use super::patch::Schema;
use super::renamed::former_ids;
use super::{Object, ObjectId};

/// What a layer stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// The schema by which patches are merged.
    pub schema: Schema,
    /// Whether one value may stand in several places: behind an alias of YAML, or a replacement. kustomize merges into all
    /// of them, also where only one is meant.
    pub shares_values: bool,
    /// The objects with their former identities, the first one first.
    names: Vec<(ObjectId, Vec<ObjectId>)>,
    /// Which of them have a name, or had it.
    by_name: BTreeMap<String, Vec<usize>>,
}

impl Below {
    /// With the names that kustomize notes on the items that a function gets.
    pub fn of(schema: Schema, shares_values: bool, items: &[Object]) -> Self {
        let names = items
            .iter()
            .filter_map(|item| Some((ObjectId::of(item)?, former_ids(item))));
        let names: Vec<_> = names.collect();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, (now, former)) in names.iter().enumerate() {
            for id in former.iter().chain([now]) {
                let places = by_name.entry(id.name.clone()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        Self {
            schema,
            shares_values,
            names,
            by_name,
        }
    }

    /// The objects that have this name, or had it, with their former identities.
    fn named(&self, name: &str) -> impl Iterator<Item = &(ObjectId, Vec<ObjectId>)> {
        let places = self.by_name.get(name).into_iter().flatten();
        places.map(|&place| &self.names[place])
    }

    /// Another object that a patch takes for its own when it names this one itself.
    pub fn also_named(&self, id: &ObjectId) -> Option<&ObjectId> {
        self.other(id, |now, former| {
            is_id(now, id) || former.iter().any(|former| is_id(former, id))
        })
    }

    /// Another object that a patch takes for its own when a target selects this one: by its name and its namespace, of
    /// which each may be the first or the last.
    pub fn also_selected(&self, id: &ObjectId) -> Option<&ObjectId> {
        self.other(id, |now, former| {
            let first = former.first().unwrap_or(now);
            let is_name = [now, first].iter().any(|known| known.name == id.name);
            let is_namespace = [now, first].iter().any(|known| known.key().2 == id.key().2);
            is_name && is_namespace && now.gvk() == id.gvk()
        })
    }

    /// The object that a reference to a name is led to when the build ends, where it is not the one of that name.
    pub fn mistaken_for(&self, kind: &str, namespace: &str, name: &str) -> Option<&ObjectId> {
        let lives_here = |id: &ObjectId| id.key().2 == ObjectId::new("v1", kind, namespace, name).key().2;
        let mut had_it = self
            .named(name)
            .filter(|(now, _)| now.kind == kind && lives_here(now) && now.name != name);
        had_it.next().map(|(now, _)| now)
    }

    /// Makes the reference of a new HPA, which kustomize puts right when the build ends, lead to the object that it names
    /// now: where another one had that name, by a name that it had alone.
    pub fn refer_by_former_name(&self, object: &mut Object) {
        let (Some(id), Some(target)) = (ObjectId::of(object), object.pointer("/spec/scaleTargetRef")) else {
            return;
        };
        let text = |field: &str| target[field].as_str().unwrap_or_default();
        let meant = ObjectId::new(text("apiVersion"), text("kind"), &id.namespace, text("name"));
        let is_followed = id.kind == "HorizontalPodAutoscaler";
        if !is_followed || self.mistaken_for(&meant.kind, &meant.namespace, &meant.name).is_none() {
            return;
        }
        let mut known = self.named(&meant.name).filter(|(now, _)| now.is_same_object(&meant));
        let former = known.next().into_iter().flat_map(|(_, former)| former);
        let had_by_others = |name: &str| {
            let mut others = self
                .named(name)
                .filter(|(now, _)| !now.is_same_object(&meant) && now.kind == meant.kind);
            others.any(|(_, former)| former.iter().any(|former| former.name == name))
        };
        if let Some(alone) = former.map(|former| &former.name).find(|name| !had_by_others(name)) {
            object["spec"]["scaleTargetRef"]["name"] = alone.as_str().into();
        }
    }

    fn other(&self, id: &ObjectId, is_taken: impl Fn(&ObjectId, &[ObjectId]) -> bool) -> Option<&ObjectId> {
        let others = self.named(&id.name).filter(|(now, _)| !now.is_same_object(id));
        let mut taken = others.filter(|(now, former)| is_taken(now, former));
        taken.next().map(|(now, _)| now)
    }
}

/// As kustomize compares identities, which to it include the version.
fn is_id(one: &ObjectId, other: &ObjectId) -> bool {
    one.is_same_object(other) && one.version == other.version
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An item as kustomize hands it over: its name and namespace now, and those before.
    fn item(name: &str, namespace: &str, names: &str, namespaces: &str) -> Object {
        let kinds = vec!["Deployment"; names.split(',').count()].join(",");
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": name, "namespace": namespace,
            "annotations": {
                "internal.config.kubernetes.io/previousNames": names,
                "internal.config.kubernetes.io/previousNamespaces": namespaces,
                "internal.config.kubernetes.io/previousKinds": kinds,
            },
        }})
    }

    #[test]
    fn a_patch_also_finds_what_had_the_name_before() {
        for (case, other, is_named, is_selected) in [
            ("the first name", item("prd-web", "shop", "web", "shop"), true, true),
            (
                "in between",
                item("eu-prd-web", "shop", "x,web", "shop,shop"),
                true,
                false,
            ),
            (
                "the namespace came later",
                item("prd-web", "shop", "web", "default"),
                false,
                true,
            ),
            ("another namespace", item("web", "b", "web", "default"), false, false),
            ("another name", item("prd-web", "shop", "webs", "shop"), false, false),
        ] {
            let meant = ObjectId::new("apps/v1", "Deployment", "shop", "web");
            let items = [item("web", "shop", "web", "shop"), other];
            let below = Below::of(Schema::BuiltIn, false, &items);
            assert_eq!(below.also_named(&meant).is_some(), is_named, "{case}");
            assert_eq!(below.also_selected(&meant).is_some(), is_selected, "{case}");
        }
    }

    #[test]
    fn an_hpa_names_its_target_so_that_kustomize_finds_it() {
        let hpa = |name: &str| {
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "a", "namespace": "shop"},
                "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}}})
        };
        let items = [
            item("prd-web", "shop", "web", "default"),
            item("prd-prd-web", "shop", "prd-web", "default"),
            item("prd-api", "shop", "api", "default"),
        ];
        let below = Below::of(Schema::BuiltIn, false, &items);
        for (name, written) in [
            ("prd-web", "web"),
            ("prd-prd-web", "prd-prd-web"),
            ("prd-api", "prd-api"),
        ] {
            let mut object = hpa(name);
            below.refer_by_former_name(&mut object);
            assert_eq!(object, hpa(written), "{name}");
        }
    }
}
