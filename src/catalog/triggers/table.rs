//! KEDA's scalers and their parameters, as facts.
//!
//! Source: KEDA 2.21.0, `schema/generated/scalers-schema.json` and the struct tags in `pkg/scalers/*_scaler.go`.

/// A scaler whose metadata is checked key by key.
#[derive(Clone, Copy, Debug)]
pub struct Scaler {
    /// Its names as a trigger's `type`.
    pub kinds: &'static [&'static str],
    /// Everything it reads.
    pub parameters: &'static [Parameter],
}

/// One parameter of a scaler.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of KEDA's own table")]
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Key in the metadata.
    pub name: &'static str,
    /// What its value is.
    pub form: Form,
    /// Whether there is neither a default nor a way without it.
    pub is_needed: bool,
    /// Whether it may stand in the metadata itself.
    pub from_metadata: bool,
    /// Whether `…FromEnv` may name a variable of the pod that holds it.
    pub from_env: bool,
    /// Whether a `TriggerAuthentication` may bring it.
    pub from_authentication: bool,
    /// What to write instead of one that is not read any more.
    pub removed: Option<&'static str>,
}

/// What a value is, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Anything but nothing.
    Text,
    /// A whole number from 0.
    Count,
    /// A whole number from 1.
    Positive,
    /// A decimal number from 0.
    Number,
    /// `true` or `false`.
    Flag,
    /// A Kubernetes quantity above 0.
    Amount,
    /// One of these, or several with commas between them.
    OneOf(&'static [&'static str]),
}

const fn of(name: &'static str, form: Form) -> Parameter {
    Parameter {
        name,
        form,
        is_needed: false,
        from_metadata: true,
        from_env: false,
        from_authentication: false,
        removed: None,
    }
}

/// A parameter that is a secret, or belongs to one.
const fn secret(name: &'static str) -> Parameter {
    Parameter {
        from_metadata: false,
        from_authentication: true,
        ..of(name, Form::Text)
    }
}

impl Parameter {
    const fn needed(self) -> Self {
        Self {
            is_needed: true,
            ..self
        }
    }

    const fn env(self) -> Self {
        Self { from_env: true, ..self }
    }

    const fn auth(self) -> Self {
        Self {
            from_authentication: true,
            ..self
        }
    }
}

use Form::{Amount, Count, Flag, Number, OneOf, Positive, Text};

const AUTH_MODES: Form = OneOf(&["apiKey", "basic", "tls", "bearer", "custom", "oauth"]);

/// The scalers that are checked key by key.
pub static SCALERS: &[Scaler] = &[
    Scaler {
        kinds: &["cpu", "memory"],
        parameters: &[
            Parameter {
                removed: Some("write `metricType` on the trigger itself, beside `type`"),
                ..of("type", OneOf(&["Utilization", "AverageValue"]))
            },
            of("value", Amount).needed(),
            of("containerName", Text),
        ],
    },
    Scaler {
        kinds: &["cron"],
        parameters: &[
            of("start", Text).needed(),
            of("end", Text).needed(),
            of("timezone", Text).needed(),
            of("desiredReplicas", Positive).needed(),
        ],
    },
    Scaler {
        kinds: &["prometheus"],
        parameters: &[
            of("serverAddress", Text).needed(),
            of("query", Text).needed(),
            of("threshold", Number).needed(),
            of("activationThreshold", Number),
            of("queryParameters", Text),
            of("namespace", Text),
            of("customHeaders", Text),
            of("ignoreNullValues", Flag),
            of("unsafeSsl", Flag),
            of("awsRegion", Text).auth(),
            of("timeout", Text),
            of("identityOwner", Text),
            of("authModes", AUTH_MODES).auth(),
            of("authMode", AUTH_MODES).auth(),
            of("apiKey", Text).auth(),
            of("method", OneOf(&["header", "query"])).auth(),
            of("keyParamName", Text).auth(),
            secret("bearerToken"),
            secret("token"),
            secret("username"),
            secret("password"),
            secret("cert"),
            secret("key"),
            secret("ca"),
            secret("oauthTokenURI"),
            secret("scopes"),
            secret("scope"),
            secret("clientID"),
            secret("clientSecret"),
            secret("endpointParams"),
            secret("customAuthHeader"),
            secret("customAuthValue"),
        ],
    },
    Scaler {
        kinds: &["rabbitmq"],
        parameters: &[
            of("queueName", Text).needed(),
            of("host", Text).needed().env().auth(),
            of("mode", Text),
            of("value", Number),
            of("activationValue", Number),
            of("queueLength", Number),
            of("protocol", Text).auth(),
            of("vhostName", Text).auth(),
            of("useRegex", Flag),
            of("excludeUnacknowledged", Flag),
            of("pageSize", Positive),
            of("operation", Text),
            of("timeout", Text),
            of("unsafeSsl", Flag),
            of("authModes", AUTH_MODES).auth(),
            of("authMode", AUTH_MODES).auth(),
            of("apiKey", Text).auth(),
            of("method", OneOf(&["header", "query"])).auth(),
            of("keyParamName", Text).auth(),
            secret("username").env(),
            secret("password").env(),
            secret("ca"),
            secret("cert"),
            secret("key"),
            secret("keyPassword"),
            secret("tls"),
            secret("workloadIdentityResource"),
            secret("bearerToken"),
            secret("token"),
            secret("oauthTokenURI"),
            secret("scopes"),
            secret("scope"),
            secret("clientID"),
            secret("clientSecret"),
            secret("endpointParams"),
            secret("customAuthHeader"),
            secret("customAuthValue"),
        ],
    },
    Scaler {
        kinds: &["kafka"],
        parameters: &[
            of("bootstrapServers", Text).needed().env(),
            of("consumerGroup", Text).needed().env(),
            of("topic", Text).env(),
            of("partitionLimitation", Text),
            of("lagThreshold", Positive),
            of("activationLagThreshold", Count),
            of("offsetResetPolicy", OneOf(&["latest", "earliest"])),
            of("allowIdleConsumers", Flag),
            of("excludePersistentLag", Flag),
            of("scaleToZeroOnInvalidOffset", Flag),
            of("limitToPartitionsWithLag", Flag),
            of("ensureEvenDistributionOfPartitions", Flag),
            of("fullMetadata", Flag),
            of("version", Text),
            of("tls", OneOf(&["enable", "disable"])).auth(),
            of("unsafeSsl", Flag),
            of(
                "sasl",
                OneOf(&[
                    "none",
                    "plaintext",
                    "scram_sha256",
                    "scram_sha512",
                    "oauthbearer",
                    "gssapi",
                ]),
            )
            .auth(),
            of("saslTokenProvider", OneOf(&["bearer", "aws_msk_iam"])).auth(),
            of("awsRegion", Text),
            secret("ca"),
            secret("cert"),
            secret("key"),
            secret("keyPassword"),
            secret("username"),
            secret("password"),
            secret("scopes"),
            secret("oauthTokenEndpointUri"),
            secret("oauthExtensions"),
            secret("keytab"),
            secret("ccacheName"),
            secret("realm"),
            secret("kerberosConfig"),
            secret("kerberosServiceName"),
            secret("kerberosDisableFAST"),
        ],
    },
    Scaler {
        kinds: &["aws-sqs-queue"],
        parameters: &[
            of("queueURL", Text).needed().env(),
            of("awsRegion", Text).needed().auth(),
            of("queueLength", Positive),
            of("activationQueueLength", Count),
            of("awsEndpoint", Text),
            of("scaleOnInFlight", Flag),
            of("scaleOnDelayed", Flag),
            of("identityOwner", Text),
        ],
    },
    Scaler {
        kinds: &["redis"],
        parameters: &[
            of("listName", Text).needed(),
            of("listLength", Positive),
            of("activationListLength", Count),
            of("databaseIndex", Count),
            of("enableTLS", Flag),
            of("unsafeSsl", Flag),
            of("address", Text).env().auth(),
            of("addresses", Text).env().auth(),
            of("host", Text).env().auth(),
            of("hosts", Text).env().auth(),
            of("port", Text).env().auth(),
            of("ports", Text).env().auth(),
            of("username", Text).env().auth(),
            of("password", Text).env().auth(),
            of("sentinelUsername", Text).env().auth(),
            of("sentinelPassword", Text).env().auth(),
            of("sentinelMaster", Text).env().auth(),
            secret("tls"),
            secret("Cert"),
            secret("cert"),
            secret("key"),
            secret("keyPassword"),
            secret("ca"),
        ],
    },
];

/// Where each scaler reads what one pod can take.
pub(super) static THRESHOLDS: &[(&str, &[&str])] = &[
    (
        "value",
        &[
            "beanstalkd",
            "etcd",
            "gcp-cloudtasks",
            "gcp-pubsub",
            "kubernetes-workload",
            "rabbitmq",
            "cpu",
            "memory",
        ],
    ),
    (
        "threshold",
        &[
            "azure-data-explorer",
            "azure-log-analytics",
            "dynatrace",
            "graphite",
            "loki",
            "new-relic",
            "openstack-metric",
            "predictkube",
            "prometheus",
            "sumologic",
        ],
    ),
    ("lagThreshold", &["apache-kafka", "kafka", "liiklus", "nats-jetstream"]),
    ("queueLength", &["artemis-queue", "aws-sqs-queue", "azure-queue"]),
    ("listLength", &["redis", "redis-cluster", "redis-sentinel"]),
    ("targetQueueSize", &["activemq", "temporal"]),
    ("queryValue", &["arangodb", "couchdb", "datadog", "mongodb", "mysql"]),
    ("targetMetricValue", &["aws-cloudwatch", "huawei-cloudeye"]),
    (
        "targetValue",
        &[
            "aws-dynamodb",
            "azure-app-insights",
            "azure-monitor",
            "elastic-forecast",
            "elasticsearch",
            "gcp-spanner",
            "gcp-stackdriver",
            "kubernetes-resource",
            "metrics-api",
            "mssql",
            "opensearch",
            "solarwinds",
            "splunk",
            "splunk-observability",
        ],
    ),
    ("shardCount", &["aws-dynamodb-streams", "aws-kinesis-stream"]),
    ("blobCount", &["azure-blob"]),
    ("changeFeedLagThreshold", &["azure-cosmosdb"]),
    ("unprocessedEventThreshold", &["azure-eventhub"]),
    ("targetPipelinesQueueLength", &["azure-pipelines"]),
    ("messageCount", &["azure-servicebus"]),
    ("targetQueryValue", &["cassandra", "clickhouse", "postgresql", "solr"]),
    ("targetObjectCount", &["gcp-storage"]),
    ("targetWorkflowQueueLength", &["github-runner"]),
    ("thresholdValue", &["influxdb"]),
    ("depthThreshold", &["nsq"]),
    ("objectCount", &["openstack-swift"]),
    ("msgBacklogThreshold", &["pulsar"]),
];

/// Every scaler of KEDA 2.21, by its `type`.
pub static TYPES: &[&str] = &[
    "activemq",
    "apache-kafka",
    "arangodb",
    "artemis-queue",
    "aws-cloudwatch",
    "aws-dynamodb",
    "aws-dynamodb-streams",
    "aws-kinesis-stream",
    "aws-sqs-queue",
    "azure-app-insights",
    "azure-blob",
    "azure-cosmosdb",
    "azure-data-explorer",
    "azure-eventhub",
    "azure-log-analytics",
    "azure-monitor",
    "azure-pipelines",
    "azure-queue",
    "azure-servicebus",
    "beanstalkd",
    "cassandra",
    "clickhouse",
    "couchdb",
    "cpu",
    "cron",
    "datadog",
    "dynatrace",
    "elastic-forecast",
    "elasticsearch",
    "etcd",
    "external",
    "external-push",
    "forgejo-runner",
    "gcp-cloudtasks",
    "gcp-pubsub",
    "gcp-spanner",
    "gcp-stackdriver",
    "gcp-storage",
    "github-runner",
    "graphite",
    "huawei-cloudeye",
    "ibmmq",
    "influxdb",
    "kafka",
    "kubernetes-resource",
    "kubernetes-workload",
    "liiklus",
    "loki",
    "memory",
    "metrics-api",
    "mongodb",
    "mssql",
    "mysql",
    "nats-jetstream",
    "new-relic",
    "nsq",
    "openstack-metric",
    "openstack-swift",
    "opensearch",
    "postgresql",
    "predictkube",
    "prometheus",
    "pulsar",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-cluster-streams",
    "redis-sentinel",
    "redis-sentinel-streams",
    "redis-streams",
    "selenium-grid",
    "solace-direct-messaging",
    "solace-event-queue",
    "solarwinds",
    "solr",
    "splunk",
    "splunk-observability",
    "sumologic",
    "temporal",
];
