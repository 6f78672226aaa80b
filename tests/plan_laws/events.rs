//! What may happen before a plan, and how likely it is.

use proptest::prelude::*;
use proptest::sample::select;

/// What kind of workload the first one is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Plain,
    Jvm,
    /// Under a scaler that is made.
    Web,
    /// Under a scaler of its owner.
    Adopted,
    StatefulSet,
    /// Under a ScaledObject that is made.
    Queue,
    /// Under a ScaledObject of its owner.
    TheirQueue,
    /// With a native sidecar and a usual one.
    Sidecars,
    Cache,
    Database,
    Rollout,
    /// Beside a budget of its owner.
    TheirBudget,
}

impl Kind {
    /// Those of which amounts are judged over time.
    pub(super) const FEW: [Self; 5] = [Self::Plain, Self::Jvm, Self::Web, Self::Adopted, Self::StatefulSet];
    pub(super) const ALL: [Self; 12] = [
        Self::Plain,
        Self::Jvm,
        Self::Web,
        Self::Adopted,
        Self::StatefulSet,
        Self::Queue,
        Self::TheirQueue,
        Self::Sidecars,
        Self::Cache,
        Self::Database,
        Self::Rollout,
        Self::TheirBudget,
    ];

    /// Its class as the policy says it first.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Plain | Self::Jvm | Self::StatefulSet => "",
            Self::Queue | Self::TheirQueue => "worker",
            Self::Cache => "cache",
            Self::Database => "database",
            _ => "web",
        }
    }

    pub(super) fn is_on_queue(self) -> bool {
        matches!(self, Self::Queue | Self::TheirQueue)
    }

    /// Whether its memory shows nothing.
    pub(super) fn holds_memory(self) -> bool {
        matches!(self, Self::Jvm | Self::Cache | Self::Database)
    }
}

/// What happens before a plan.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Days later, with such a load and memory.
    Window(i64, u64, u64),
    /// Exported again.
    SameWindow,
    Older(i64),
    Lost,
    Found,
    Policy(Key, usize),
    Manifest(Edit),
    RenamedContainer,
    /// An edit of the accepted entry: of a finding, or of its CPU request.
    BrokenSeal(bool),
}

/// A key of the policy, each with its few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Cpu,
    Memory,
    CpuLimit,
    MemoryLimit,
    Strategy,
    Scaling,
    Class,
    Mode,
    Wave,
    Trigger,
    Spot,
    Disruption,
    Spread,
    Termination,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    Cpu(u64),
    Memory(u64),
    MemoryLimit(u64),
    Replicas(u32),
    Scaler(u32, u32, u32),
    NoScaler,
    /// A ScaledObject of the owner, with its bounds.
    Queue(Option<(u32, u32)>),
    /// A budget of the owner: what it says.
    Budget(Option<(&'static str, u32)>),
    Grace(Option<u64>),
    Recreate(bool),
    /// A claim that one node may mount.
    Claim(bool),
    /// Labels and a selector that the other workload's pods have too.
    SharedLabels(bool),
    /// Whether manifests name their namespace.
    Namespace(bool),
}

/// Keys that speak of amounts over time; the others are about what stands beside a workload.
const AMOUNTS: usize = 9;

const KEYS: [(Key, &[&str]); 14] = [
    (Key::Cpu, &["", "value: 800m", "value: 90m", "min: 300m", "max: 120m"]),
    (
        Key::Memory,
        &["", "value: 400Mi", "value: 900Mi", "min: 450Mi", "max: 250Mi"],
    ),
    (
        Key::CpuLimit,
        &["", "value: 150m", "value: '2'", "mode: ratio", "mode: none"],
    ),
    (
        Key::MemoryLimit,
        &[
            "",
            "value: 350Mi",
            "value: 2Gi",
            "mode: ratio",
            "mode: equal",
            "mode: none",
        ],
    ),
    (Key::Strategy, &["percentile", "percentile", "vpa", "keep", "none"]),
    (
        Key::Scaling,
        &[
            "",
            "minReplicas: {value: 3}",
            "targets: {cpu: {value: 60%}}",
            "targets: {cpu: {min: 50%, max: 80%}}",
            "maxReplicas: {value: 12}",
            "minReplicas: {value: 2}, maxReplicas: {value: 9}",
            "mode: none",
        ],
    ),
    (Key::Class, &["web", ""]),
    (Key::Mode, &["enforce", "enforce", "observe", "frozen"]),
    (Key::Wave, &["10", "1"]),
    (Key::Trigger, &["queue", "cron", "idle", "fallback", ""]),
    (
        Key::Spot,
        &["", "mode: prefer", "mode: prefer", "mode: never", "mode: none"],
    ),
    (
        Key::Disruption,
        &[
            "",
            "mode: auto",
            "mode: none",
            "mode: auto, minAvailable: {min: 2}",
            "mode: auto, maxUnavailable: {max: 1}",
            "minAvailable: {max: 50%}",
            "maxUnavailable: {value: 50%}",
            "minAvailable: {value: 2}",
        ],
    ),
    (
        Key::Spread,
        &[
            "",
            "mode: host",
            "mode: zone-and-host, zone: {whenUnsatisfiable: DoNotSchedule}",
            "mode: none",
        ],
    ),
    (
        Key::Termination,
        &[
            "",
            "gracePeriod: {value: 20s}",
            "gracePeriod: {min: 45s}",
            "gracePeriod: {max: 40s}, preStopSleep: {value: 10s}",
            "mode: none",
        ],
    ),
];

pub(super) fn values(key: Key) -> &'static [&'static str] {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map_or(&[], |(_, values)| values)
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let policy = policy(&KEYS[..AMOUNTS]);
    let amount = |amounts: &[u64]| select(amounts.to_vec());
    let edit = prop_oneof![
        amount(&[100, 400, 500, 1500]).prop_map(Edit::Cpu),
        amount(&[256, 400, 512, 1024]).prop_map(Edit::Memory),
        amount(&[512, 1024, 2048]).prop_map(Edit::MemoryLimit),
        select(vec![1, 4, 8, 20]).prop_map(Edit::Replicas),
        (
            select(vec![2, 3, 8]),
            select(vec![10, 14, 30]),
            select(vec![40, 70, 85])
        )
            .prop_map(|(min, max, target)| Edit::Scaler(min, max, target)),
        Just(Edit::NoScaler),
    ];
    prop_oneof![
        4 => (select(vec![1, 7, 28, 28]), select(vec![1, 2, 4, 6]), amount(&[150, 300, 500, 900]))
            .prop_map(|(days, load, memory)| Event::Window(days, load, memory)),
        1 => Just(Event::SameWindow),
        1 => select(vec![1, 30]).prop_map(Event::Older),
        1 => Just(Event::Lost),
        1 => Just(Event::Found),
        8 => policy,
        4 => edit.prop_map(Event::Manifest),
        1 => Just(Event::RenamedContainer),
        2 => any::<bool>().prop_map(Event::BrokenSeal),
    ]
}

fn policy(keys: &[(Key, &'static [&'static str])]) -> impl Strategy<Value = Event> + use<> {
    let all: Vec<Event> = keys
        .iter()
        .flat_map(|(key, values)| (0..values.len()).map(|value| Event::Policy(*key, value)))
        .collect();
    select(all)
}

/// As [`event`], and what happens beside the workload.
pub(super) fn any_event() -> impl Strategy<Value = Event> {
    let edit = prop_oneof![
        select(vec![None, Some((1, 6)), Some((2, 10)), Some((0, 4))]).prop_map(Edit::Queue),
        select(vec![
            None,
            Some(("minAvailable", 1)),
            Some(("minAvailable", 3)),
            Some(("maxUnavailable", 1)),
            Some(("maxUnavailable", 0)),
        ])
        .prop_map(Edit::Budget),
        select(vec![None, Some(10), Some(60), Some(300)]).prop_map(Edit::Grace),
        any::<bool>().prop_map(Edit::Recreate),
        any::<bool>().prop_map(Edit::Claim),
        any::<bool>().prop_map(Edit::SharedLabels),
        any::<bool>().prop_map(Edit::Namespace),
    ];
    prop_oneof![
        3 => event(),
        2 => policy(&KEYS[AMOUNTS..]),
        3 => edit.prop_map(Event::Manifest),
    ]
}
