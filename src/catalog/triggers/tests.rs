use super::*;

fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn headlines(kind: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let metadata = metadata(pairs);
    let form = TriggerForm {
        kind,
        metadata: &metadata,
        has_authentication: false,
        has_threshold: false,
    };
    check(form).into_iter().map(|problem| problem.headline).collect()
}

/// A whole trigger of each scaler that is checked key by key.
const GOOD: &[(&str, &[(&str, &str)])] = &[
    ("cpu", &[("value", "70"), ("containerName", "api")]),
    ("memory", &[("value", "512Mi")]),
    (
        "cron",
        &[
            ("start", "0 8 * * 1-5"),
            ("end", "0 18 * * MON-FRI"),
            ("timezone", "Europe/Berlin"),
            ("desiredReplicas", "5"),
        ],
    ),
    (
        "prometheus",
        &[
            ("serverAddress", "http://prometheus:9090"),
            ("query", "sum(rate(x[5m]))"),
            ("threshold", "0.5"),
        ],
    ),
    (
        "rabbitmq",
        &[
            ("queueName", "jobs"),
            ("hostFromEnv", "RABBITMQ_URL"),
            ("mode", "QueueLength"),
            ("value", "50"),
        ],
    ),
    (
        "kafka",
        &[
            ("bootstrapServers", "kafka:9092"),
            ("consumerGroup", "g"),
            ("topic", "t"),
            ("lagThreshold", "100"),
        ],
    ),
    (
        "aws-sqs-queue",
        &[
            ("queueURL", "https://sqs/1/q"),
            ("awsRegion", "eu-west-1"),
            ("queueLength", "5"),
        ],
    ),
    (
        "redis",
        &[("address", "redis:6379"), ("listName", "jobs"), ("listLength", "10")],
    ),
    // the others are only known by name
    ("nats-jetstream", &[("anything", "")]),
];

#[test]
fn whole_triggers_have_no_problem() {
    for (kind, pairs) in GOOD {
        assert_eq!(headlines(kind, pairs), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn what_a_scaler_needs_is_missed() {
    for (kind, pairs) in GOOD {
        let needed = scaler(kind)
            .into_iter()
            .flat_map(|scaler| scaler.parameters)
            .filter(|p| p.is_needed);
        for parameter in needed {
            let rest: Vec<(&str, &str)> = pairs
                .iter()
                .copied()
                .filter(|(key, _)| !key.starts_with(parameter.name))
                .collect();
            let expected = format!("the trigger lacks `{}`", parameter.name);
            assert_eq!(headlines(kind, &rest), [expected], "{kind} without {}", parameter.name);
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn problems_are_named() {
    let with = |kind: &str, extra: &[(&str, &str)]| {
        let good = GOOD
            .iter()
            .find(|(name, _)| *name == kind)
            .map(|(_, pairs)| metadata(pairs))
            .unwrap_or_default();
        let mut pairs = good;
        pairs.extend(metadata(extra));
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        headlines(kind, &pairs)
    };
    for (kind, extra, expected) in [
        ("rabitmq", &[][..], "KEDA has no scaler `rabitmq`"),
        (
            "rabbitmq",
            &[("queuename", "x")],
            "the scaler `rabbitmq` does not read `queuename`",
        ),
        (
            "rabbitmq",
            &[("password", "x")],
            "`password` is not read from a trigger's metadata",
        ),
        (
            "rabbitmq",
            &[("mode", "Length")],
            "`mode: Length` is none of RabbitMQ's modes",
        ),
        (
            "rabbitmq",
            &[("protocol", "stomp")],
            "`protocol: stomp` is none of the scaler's protocols",
        ),
        (
            "rabbitmq",
            &[("mode", "MessageRate"), ("protocol", "amqp")],
            "`MessageRate` asks the management API, which AMQP does not have",
        ),
        (
            "rabbitmq",
            &[("excludeUnacknowledged", "true"), ("host", "amqp://rabbit")],
            "`excludeUnacknowledged` asks the management API, which AMQP does not have",
        ),
        (
            "rabbitmq",
            &[("queueLength", "5")],
            "`queueLength` stands beside `mode` and `value`",
        ),
        ("cpu", &[("type", "Utilization")], "`type` is not read any more"),
        (
            "cpu",
            &[("value", "70%")],
            "`value: 70%` is not a whole number of percent, or an amount for metricType AverageValue",
        ),
        (
            "prometheus",
            &[("threshold", "high")],
            "`threshold: high` is not a number such as `50` or `0.5`",
        ),
        (
            "prometheus",
            &[("ignoreNullValues", "no")],
            "`ignoreNullValues: no` is not `true` or `false`",
        ),
        (
            "prometheus",
            &[("serverAddress", "prometheus:9090")],
            "`serverAddress: prometheus:9090` is no address of a server",
        ),
        (
            "kafka",
            &[("lagThreshold", "0")],
            "`lagThreshold: 0` is not a whole number above 0",
        ),
        (
            "kafka",
            &[("offsetResetPolicy", "newest")],
            "`offsetResetPolicy: newest` is not one of latest, earliest",
        ),
        (
            "kafka",
            &[("allowIdleConsumers", "true"), ("limitToPartitionsWithLag", "true")],
            "`allowIdleConsumers` and `limitToPartitionsWithLag` can't both be on",
        ),
        (
            "aws-sqs-queue",
            &[("queueLength", "5k")],
            "`queueLength: 5k` is not a whole number above 0",
        ),
        (
            "redis",
            &[("address", "")],
            "`address: ` is not a text that is not empty",
        ),
        (
            "cron",
            &[("desiredReplicas", "0")],
            "`desiredReplicas: 0` is not a whole number above 0",
        ),
    ] {
        let found = with(kind, extra);
        assert!(
            found.iter().any(|headline| headline == expected),
            "{kind} {extra:?}: {found:?}"
        );
    }
}

#[test]
fn what_depends_on_the_whole_trigger_is_named() {
    for (kind, pairs, expected) in [
        (
            "redis",
            &[("listName", "jobs")][..],
            "the trigger names no Redis server",
        ),
        (
            "redis",
            &[("listName", "jobs"), ("host", "redis")],
            "the trigger names no Redis server",
        ),
        (
            "kafka",
            &[
                ("bootstrapServers", "k"),
                ("consumerGroup", "g"),
                ("limitToPartitionsWithLag", "true"),
            ],
            "`limitToPartitionsWithLag` needs a `topic`",
        ),
        (
            "rabbitmq",
            &[("queueName", "q"), ("host", "h"), ("value", "5")],
            "`value: 5` stands without a `mode`",
        ),
        (
            "rabbitmq",
            &[("queueName", "q"), ("host", "h")],
            "the trigger names no threshold, so one pod is taken to work on 20 messages",
        ),
    ] {
        assert_eq!(headlines(kind, pairs), [expected]);
    }
}

#[test]
fn near_misses_are_suggested() {
    let metadata = metadata(&[("lagThresholds", "5")]);
    let form = TriggerForm {
        kind: "kafka",
        metadata: &metadata,
        has_authentication: false,
        has_threshold: false,
    };
    let problems = check_written(form);
    assert_eq!(
        problems.len(),
        1,
        "what another layer may bring is not missed: {problems:?}"
    );
    assert_eq!(problems[0].help, "did you mean `lagThreshold`?");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn schedules_that_keda_refuses_or_misreads_are_named() {
    for (start, end, zone, expected) in [
        ("0 8 * * 1-5", "0 18 * * 1-5", "Europe/Berlin", None),
        ("*/10 8-18/2 1,15 JAN-mar ?", "5/10 20 1,15 * *", "UTC", None),
        // every year has it, or every fourth
        ("0 8 29 2 *", "0 9 29 2 *", "UTC", None),
        (
            "CRON_TZ=UTC 0 8 * * *",
            "0 18 * * *",
            "UTC",
            Some("`start`: `CRON_TZ=UTC 0 8 * * *` sets a time zone of its own"),
        ),
        (
            "@daily",
            "0 18 * * *",
            "UTC",
            Some("`start`: KEDA does not read `@daily`"),
        ),
        (
            "0 0 8 * * *",
            "0 18 * * *",
            "UTC",
            Some("`start`: `0 0 8 * * *` has 6 fields"),
        ),
        (
            "0 8 L * *",
            "0 18 * * *",
            "UTC",
            Some("`start`: `L` is no day of month"),
        ),
        ("0 8 * * 7", "0 18 * * *", "UTC", Some("`start`: `7` is no day of week")),
        (
            "0 8 * * 5-1",
            "0 18 * * *",
            "UTC",
            Some("`start`: `5-1` is no day of week"),
        ),
        (
            "0 8 31 2 *",
            "0 18 * * *",
            "UTC",
            Some("`start`: `0 8 31 2 *` never comes"),
        ),
        (
            "0 8 * * *",
            "0 8 * * *",
            "UTC",
            Some("`start` and `end` are the same time"),
        ),
        (
            "0 8 * * *",
            "0 18 * * *",
            "Europe/Berln",
            Some("`timezone: Europe/Berln` is no time zone"),
        ),
        (
            "0 8 * * *",
            "0 18 * * *",
            "europe/berlin",
            Some("`timezone: europe/berlin` is no time zone"),
        ),
        // Berlin's clock goes from 02:00 to 03:00 on the last Sunday of March
        (
            "30 2 * * *",
            "0 18 * * *",
            "Europe/Berlin",
            Some(
                "`start`: 2025-03-30 02:30 does not exist in Europe/Berlin, as the clock goes forward: the schedule skips \
                 that day, and the window stays open from the day before",
            ),
        ),
        ("30 2 * * 1-5", "0 18 * * 1-5", "Europe/Berlin", None),
        // New York's from 02:00 to 03:00 on the second Sunday of March
        (
            "0 22 * * *",
            "0 2 * * *",
            "America/New_York",
            Some(
                "`end`: 2025-03-09 02:00 does not exist in America/New_York, as the clock goes forward: the window of that \
                 day does not open",
            ),
        ),
        ("0 22 * * *", "0 6 * * *", "UTC", None),
        (
            "0 22 * * 1-5",
            "0 6 * * 1-5",
            "UTC",
            Some("the window is open for 56 h from Friday 22:00 to Monday 06:00"),
        ),
        ("0 22 * * 1-5", "0 6 * * 2-6", "UTC", None),
        (
            "0 22 * * 1-5",
            "0 6 * * 2-5",
            "UTC",
            Some("the window is open for 80 h from Friday 22:00 to Tuesday 06:00, on other days for 8 h"),
        ),
        // one long window a week is what it says
        ("0 8 * * 1", "0 18 * * 5", "UTC", None),
    ] {
        let found = headlines(
            "cron",
            &[
                ("start", start),
                ("end", end),
                ("timezone", zone),
                ("desiredReplicas", "2"),
            ],
        );
        assert_eq!(found, Vec::from_iter(expected), "{start} to {end} in {zone}");
    }
}

#[test]
fn the_overnight_trap_comes_with_the_days_to_write() {
    for (days, expected) in [("1-5", "2-6"), ("5,6", "0,6"), ("1,3", "2,4"), ("mon,wed-fri", "2,4-6")] {
        let metadata = metadata(&[
            ("start", &format!("0 22 * * {days}")),
            ("end", &format!("0 6 * * {days}")),
        ]);
        let form = TriggerForm {
            kind: "cron",
            metadata: &metadata,
            has_authentication: false,
            has_threshold: false,
        };
        let problems = check_written(form);
        assert_eq!(problems.len(), 1, "{days}: {problems:?}");
        assert!(
            problems[0].help.ends_with(&format!("`{expected}`")),
            "{days}: {}",
            problems[0].help
        );
    }
}

#[test]
fn thresholds_are_written_where_and_how_the_scaler_reads_them() {
    for (kind, threshold, expected) in [
        ("rabbitmq", "50", &[("mode", "QueueLength"), ("value", "50")][..]),
        ("kafka", "5k", &[("lagThreshold", "5000")]),
        ("prometheus", "250m", &[("threshold", "0.25")]),
        ("aws-sqs-queue", "1e2", &[("queueLength", "100")]),
        ("redis", "10", &[("listLength", "10")]),
    ] {
        let mut written = BTreeMap::new();
        assert!(
            write_threshold(kind, &mut written, threshold.parse().unwrap()),
            "{kind}"
        );
        assert_eq!(written, metadata(expected), "{kind}");
    }
    assert!(!write_threshold("cron", &mut BTreeMap::new(), "1".parse().unwrap()));
}
