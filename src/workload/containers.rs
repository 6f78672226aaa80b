//! Containers of a pod template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::Container;
use crate::krm::at;
use crate::units::{Bytes, Millicores, Quantity};

/// Containers in their order, native sidecars behind them; one without a name is none. A quantity that can't be read counts as absent: the API
/// server refuses it, and it is not ours to mend.
pub(super) fn read(pod_spec: &Value) -> Vec<Container> {
    let list = |key: &str| {
        let list = pod_spec.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter(|container| container["name"].is_string())
    };
    let sidecars = list("initContainers").filter(|container| is_sidecar(container));
    let sidecars = sidecars.map(|container| Container {
        is_sidecar: true,
        ..one(container)
    });
    list("containers").map(one).chain(sidecars).collect()
}

/// What a pod requests for its containers: those that run together, or more where an init container needs more while it
/// runs beside the sidecars that were started before it. `init`: in their order, whether each is a sidecar, its request.
///
/// Source: Kubernetes, `k8s.io/component-helpers/resource`, `AggregateContainerRequests`.
pub(crate) fn aggregate(own: i128, init: impl IntoIterator<Item = (bool, i128)>) -> i128 {
    let (mut sidecars, mut highest) = (0_i128, 0_i128);
    for (is_sidecar, request) in init {
        if is_sidecar {
            sidecars = sidecars.saturating_add(request);
            highest = highest.max(sidecars);
        } else {
            highest = highest.max(sidecars.saturating_add(request));
        }
    }
    own.saturating_add(sidecars).max(highest)
}

/// Whether an init container keeps running.
pub(crate) fn is_sidecar(container: &Value) -> bool {
    container.get("restartPolicy").and_then(Value::as_str) == Some("Always")
}

const AMOUNTS: [&str; 4] = [
    "/resources/requests/cpu",
    "/resources/requests/memory",
    "/resources/limits/cpu",
    "/resources/limits/memory",
];

/// Requests and limits that are there and can't be read, and names that are there twice.
pub(super) fn unreadable(pod_spec: &Value) -> Vec<String> {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|key| pod_spec.get(key)?.as_array())
        .flatten();
    let (mut found, mut names) = (Vec::new(), BTreeSet::new());
    for container in containers {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        if !names.insert(name) {
            found.push(format!("two containers `{name}`"));
        }
        for pointer in AMOUNTS {
            let Some(value) = at(container, pointer) else { continue };
            let quantity = Quantity::from_json(value).ok();
            let is_read =
                quantity.is_some_and(|quantity| quantity.nano() >= 0 && Bytes::from_quantity_ceil(quantity).is_ok());
            if !is_read {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let field = pointer.trim_start_matches("/resources/");
                found.push(format!("container `{name}` {field} `{shown}`"));
            }
        }
    }
    found
}

/// One container as it is written.
pub(crate) fn one(container: &Value) -> Container {
    let amount = |pointer: &str| at(container, pointer).and_then(|value| Quantity::from_json(value).ok());
    let cpu = |pointer: &str| amount(pointer).and_then(|quantity| Millicores::from_quantity_ceil(quantity).ok());
    let memory = |pointer: &str| amount(pointer).and_then(|quantity| Bytes::from_quantity_ceil(quantity).ok());
    let text = |key: &str| {
        container
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Container {
        name: text("name"),
        image: text("image"),
        is_sidecar: false,
        cpu_request: cpu("/resources/requests/cpu"),
        memory_request: memory("/resources/requests/memory"),
        cpu_limit: cpu("/resources/limits/cpu"),
        memory_limit: memory("/resources/limits/memory"),
        has_pre_stop: at(container, "/lifecycle/preStop").is_some(),
        looks_like_jvm: looks_like_jvm(container),
    }
}

/// A hint, not a proof: the image's name, `JAVA_*` variables, or a `java`, `-Xm…` or `-jar` among the arguments.
fn looks_like_jvm(container: &Value) -> bool {
    const IMAGES: [&str; 9] = [
        "jdk",
        "jre",
        "java",
        "tomcat",
        "wildfly",
        "jboss",
        "keycloak",
        "kafka",
        "elasticsearch",
    ];
    const VARIABLES: [&str; 6] = [
        "JAVA_OPTS",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "JVM_OPTS",
        "CATALINA_OPTS",
    ];
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_lowercase();
    let name = image.rsplit('/').next().unwrap_or_default();
    let variables = container.get("env").and_then(Value::as_array).into_iter().flatten();
    let words = ["command", "args"]
        .into_iter()
        .filter_map(|key| container.get(key).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str);
    IMAGES.iter().any(|hint| name.contains(hint))
        || variables
            .filter_map(|v| v.get("name")?.as_str())
            .any(|name| VARIABLES.contains(&name))
        || words
            .into_iter()
            .any(|word| word == "java" || word.ends_with("/java") || word == "-jar" || word.starts_with("-Xm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_containers_run_before_the_others_and_beside_earlier_sidecars() {
        for (own, init, expected) in [
            (300, vec![], 300),
            (300, vec![(false, 200)], 300),
            (300, vec![(false, 500)], 500),
            (300, vec![(true, 100)], 400),
            // the sidecar runs already: 100 + 350 against 300 + 100
            (300, vec![(true, 100), (false, 350)], 450),
            // it is not there yet
            (300, vec![(false, 350), (true, 100)], 400),
            (300, vec![(true, 100), (false, 50), (true, 100)], 500),
        ] {
            assert_eq!(aggregate(own, init.clone()), expected, "{own} {init:?}");
        }
    }
}
