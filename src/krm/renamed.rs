//! What an object was called before: kustomize notes it for functions, and puts references right only after they ran.
//!
//! Inside `kustomize build` a function sees `Deployment prd-api` and, of the same build, an HPA that still names `api`.
//! Former names, prefixes and suffixes are in annotations that the finished build does not show.

use serde_json::Value;

use super::{ObjectId, at};

const NAMES: &str = "internal.config.kubernetes.io/previousNames";
const NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";

/// The names that an object had before it got the one it has; one may be there twice.
pub fn former_names(object: &Value) -> impl Iterator<Item = &str> {
    noted(object, NAMES)
}

/// The identities that an object had, the first one first.
pub fn former_ids(object: &Value) -> Vec<ObjectId> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let kinds_and_namespaces = noted(object, KINDS).zip(noted(object, NAMESPACES));
    noted(object, NAMES)
        .zip(kinds_and_namespaces)
        .map(|(name, (kind, namespace))| ObjectId::new(api_version, kind, namespace, name))
        .collect()
}

/// Whether the same layers gave two objects their prefixes and suffixes; one of them may come from further inside.
pub fn is_renamed_alike(one: &Value, other: &Value) -> bool {
    [PREFIXES, SUFFIXES].into_iter().all(|key| {
        let (one, other): (Vec<&str>, Vec<&str>) = (noted(one, key).collect(), noted(other, key).collect());
        let is_either_blank = one.is_empty() || other.is_empty();
        if is_either_blank {
            return one == other;
        }
        one.ends_with(&other) || other.ends_with(&one)
    })
}

fn noted<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    let annotations = at(object, "/metadata/annotations");
    let list = annotations.and_then(|all| all.get(key)?.as_str()).unwrap_or_default();
    list.split(',').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(names: &str, prefixes: &str) -> Value {
        json!({"metadata": {"annotations": {NAMES: names, PREFIXES: prefixes}}})
    }

    #[test]
    fn every_former_name_counts_and_none_is_no_name() {
        let twice = object("api,api,prd-api", "prd-,eu-");
        assert!(former_names(&twice).eq(["api", "api", "prd-api"]));
        assert!(former_names(&object(",", "prd-")).next().is_none());
        assert!(former_names(&json!({"metadata": {"name": "api"}})).next().is_none());
    }

    #[test]
    fn the_outermost_prefixes_tell_who_belongs_together() {
        for (one, other, is_alike) in [
            ("prd-", "prd-", true),
            ("prd-,eu-", "eu-", true),
            ("prd-,eu-", "prd-", false),
            ("prd-", "", false),
            ("", "", true),
        ] {
            let is_found = is_renamed_alike(&object("a", one), &object("b", other));
            assert_eq!(is_found, is_alike, "{one} {other}");
        }
    }
}
