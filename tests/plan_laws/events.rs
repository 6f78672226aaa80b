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
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    Cpu(u64),
    Memory(u64),
    MemoryLimit(u64),
    Replicas(u32),
    Scaler(u32, u32, u32),
    NoScaler,
}

pub(super) const KEYS: [(Key, &[&str]); 9] = [
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
];

pub(super) fn values(key: Key) -> &'static [&'static str] {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map_or(&[], |(_, values)| values)
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let policy = select(KEYS.map(|(key, _)| key).to_vec())
        .prop_flat_map(|key| (0..values(key).len()).prop_map(move |value| Event::Policy(key, value)));
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
