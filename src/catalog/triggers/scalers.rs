//! What holds between the parameters of one scaler.
//!
//! Source: the `Validate` functions of `pkg/scalers/{rabbitmq,kafka,redis,cpu_memory}_scaler.go` in KEDA 2.21.

use super::{Problem, TriggerForm, cron};

/// Rules that hold for what is written, however little it is.
pub(super) fn check_written(trigger: TriggerForm<'_>) -> Vec<Problem> {
    match trigger.kind {
        "cron" => cron::check(trigger),
        "rabbitmq" => rabbitmq(trigger),
        "kafka" => kafka(trigger),
        "prometheus" => prometheus(trigger).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Rules on what has to be there.
pub(super) fn check_whole(trigger: TriggerForm<'_>) -> Vec<Problem> {
    let problem = match trigger.kind {
        "rabbitmq" => rabbitmq_mode(trigger),
        "kafka" => kafka_topic(trigger),
        "redis" => redis_address(trigger),
        _ => None,
    };
    problem.into_iter().collect()
}

const RABBITMQ_MODES: [&str; 5] = [
    "QueueLength",
    "MessageRate",
    "DeliverGetRate",
    "PublishedToDeliveredRatio",
    "ExpectedQueueConsumptionTime",
];

fn rabbitmq(trigger: TriggerForm<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_on = |key| trigger.get(key).is_some_and(is_true);
    let mode = trigger.get("mode");
    if let Some(mode) = mode.filter(|mode| !RABBITMQ_MODES.contains(mode)) {
        let help = format!("write one of {}", RABBITMQ_MODES.join(", "));
        problems.push(Problem::error(
            format!("`mode: {mode}` is none of RabbitMQ's modes"),
            help,
        ));
    }
    if let Some(protocol) = trigger
        .get("protocol")
        .filter(|p| !matches!(*p, "amqp" | "http" | "auto"))
    {
        let headline = format!("`protocol: {protocol}` is none of the scaler's protocols");
        problems.push(Problem::error(headline, "write one of amqp, http, auto"));
    }
    let needs_http: Vec<&str> = ["useRegex", "excludeUnacknowledged"]
        .into_iter()
        .filter(|key| is_on(key))
        .chain(mode.filter(|mode| RABBITMQ_MODES[1..].contains(mode)))
        .collect();
    let is_amqp = trigger.get("protocol") == Some("amqp")
        || (matches!(trigger.get("protocol"), None | Some("auto"))
            && trigger.get("host").is_some_and(|host| host.starts_with("amqp")));
    if let Some(what) = needs_http.first().filter(|_| is_amqp) {
        problems.push(Problem::error(
            format!("`{what}` asks the management API, which AMQP does not have"),
            "give a `host` with http or https, and `protocol: http`",
        ));
    }
    let has_value = trigger.has_threshold || trigger.get("value").is_some();
    if trigger.get("queueLength").is_some() && (mode.is_some() || has_value) {
        problems.push(Problem::error(
            "`queueLength` stands beside `mode` and `value`",
            "take `queueLength` out: it is the old name of `mode: QueueLength` with `value`",
        ));
    }
    problems
}

fn rabbitmq_mode(trigger: TriggerForm<'_>) -> Option<Problem> {
    if trigger.has_threshold || trigger.get("queueLength").is_some() {
        return None;
    }
    match (trigger.get("mode"), trigger.get("value")) {
        (None, Some(value)) => Some(Problem::error(
            format!("`value: {value}` stands without a `mode`"),
            "add `mode: QueueLength`",
        )),
        (Some(mode), None) => Some(Problem::error(
            format!("`mode: {mode}` stands without a `value`"),
            "give the trigger a `threshold`",
        )),
        // KEDA would take 20 messages a pod
        (None, None) => Some(Problem::warning(
            "the trigger names no threshold, so one pod is taken to work on 20 messages",
            "give the trigger a `threshold`",
        )),
        (Some(_), Some(_)) => None,
    }
}

fn kafka(trigger: TriggerForm<'_>) -> Vec<Problem> {
    let is_on = |key| trigger.get(key).is_some_and(is_true);
    ["allowIdleConsumers", "ensureEvenDistributionOfPartitions"]
        .into_iter()
        .filter(|key| is_on(key) && is_on("limitToPartitionsWithLag"))
        .map(|key| {
            Problem::error(
                format!("`{key}` and `limitToPartitionsWithLag` can't both be on"),
                "take one of them out",
            )
        })
        .collect()
}

fn kafka_topic(trigger: TriggerForm<'_>) -> Option<Problem> {
    if trigger.get("topic").is_some() || trigger.get("topicFromEnv").is_some() {
        return None;
    }
    let needy = ["limitToPartitionsWithLag", "ensureEvenDistributionOfPartitions"];
    let key = needy.into_iter().find(|key| trigger.get(key).is_some_and(is_true))?;
    Some(Problem::error(format!("`{key}` needs a `topic`"), "add `topic`"))
}

fn redis_address(trigger: TriggerForm<'_>) -> Option<Problem> {
    let has = |names: &[&str]| {
        names.iter().any(|name| {
            trigger.get(name).is_some_and(|value| !value.is_empty()) || trigger.get(&format!("{name}FromEnv")).is_some()
        })
    };
    let is_known = trigger.has_authentication
        || has(&["address", "addresses"])
        || (has(&["host", "hosts"]) && has(&["port", "ports"]));
    (!is_known).then(|| {
        Problem::error(
            "the trigger names no Redis server",
            "add `address` (`host:port`), `addressFromEnv`, or an `authenticationRef` that brings it",
        )
    })
}

fn prometheus(trigger: TriggerForm<'_>) -> Option<Problem> {
    let address = trigger.get("serverAddress")?;
    let is_url = address.starts_with("http://") || address.starts_with("https://");
    (!is_url).then(|| {
        Problem::error(
            format!("`serverAddress: {address}` is no address of a server"),
            "write it with its scheme, such as `http://prometheus.monitoring:9090`",
        )
    })
}

/// As Go's `ParseBool` reads it.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
