//! Containers of a pod template.

use serde_json::Value;

use super::model::Container;
use crate::units::{Bytes, Millicores, Quantity};

/// Containers in their order, native sidecars behind them. A quantity that can't be read counts as absent: the API
/// server refuses it, and it is not ours to mend.
pub(super) fn read(pod_spec: &Value) -> Vec<Container> {
    let list = |key: &str| pod_spec.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let sidecars = list("initContainers")
        .into_iter()
        .filter(|container| container.get("restartPolicy").and_then(Value::as_str) == Some("Always"))
        .map(|container| Container {
            is_sidecar: true,
            ..one(&container)
        });
    list("containers").iter().map(one).chain(sidecars).collect()
}

/// Requests and limits that are there and can't be read.
pub(super) fn unreadable(pod_spec: &Value) -> Vec<String> {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|key| pod_spec.get(key)?.as_array())
        .flatten();
    let mut found = Vec::new();
    for container in containers {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        for field in ["requests/cpu", "requests/memory", "limits/cpu", "limits/memory"] {
            let Some(value) = container.pointer(&format!("/resources/{field}")) else {
                continue;
            };
            let quantity = Quantity::from_json(value).ok();
            let is_read =
                quantity.is_some_and(|quantity| quantity.nano() >= 0 && Bytes::from_quantity_ceil(quantity).is_ok());
            if !is_read {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                found.push(format!("container `{name}` {field} `{shown}`"));
            }
        }
    }
    found
}

fn one(container: &Value) -> Container {
    let amount = |pointer: &str| {
        container
            .pointer(pointer)
            .and_then(|value| Quantity::from_json(value).ok())
    };
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
        has_pre_stop: container.pointer("/lifecycle/preStop").is_some(),
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
