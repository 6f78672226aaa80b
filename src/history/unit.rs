//! Units that the values of a table can be in: declared, or found out by the column's name to be another than the signal's
//! own, which is an error until it is declared. Never guessed: a column named `CpuUsage(m)` may well hold percent.

use super::number::{Reading, amount};
use super::signal::Signal;

/// A unit and how its numbers become the integers of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    id: &'static str,
    of: Measure,
    /// Decimal digits that are kept, so that the integer is in the signal's unit.
    digits: u32,
    /// For powers of 1024: the bytes of one; the digits are then enough to tell single bytes apart.
    times: u64,
    /// What a column's name ends with, or has in it as a word, when its values are in this unit.
    hints: &'static [&'static str],
}

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Cpu,
    Memory,
    Time,
    Share,
}

const fn unit(id: &'static str, of: Measure, digits: u32, hints: &'static [&'static str]) -> Unit {
    Unit {
        id,
        of,
        digits,
        times: 1,
        hints,
    }
}

const fn binary(id: &'static str, power: u32, hints: &'static [&'static str]) -> Unit {
    Unit {
        times: 1 << (10 * power),
        ..unit(id, Measure::Memory, 3 * (power + 1), hints)
    }
}

const UNITS: [Unit; 18] = [
    unit("cores", Measure::Cpu, 9, &["cores"]),
    unit("millicores", Measure::Cpu, 6, &["(m)", "millicores", "mcores", "mcpu"]),
    unit("microcores", Measure::Cpu, 3, &["microcores"]),
    unit("nanocores", Measure::Cpu, 0, &["(n)", "nanocores", "ncores"]),
    // of one core
    unit("percent-of-core", Measure::Cpu, 7, &["(%)", "percent", "pct"]),
    unit("bytes", Measure::Memory, 0, &["bytes"]),
    unit("kB", Measure::Memory, 3, &["(kb)", "kb"]),
    unit("MB", Measure::Memory, 6, &["(mb)", "mb", "megabytes"]),
    unit("GB", Measure::Memory, 9, &["(gb)", "gb", "gigabytes"]),
    binary("KiB", 1, &["(ki)", "(kib)", "kib"]),
    binary("MiB", 2, &["(mi)", "(mib)", "mib"]),
    binary("GiB", 3, &["(gi)", "(gib)", "gib"]),
    unit("seconds", Measure::Time, 6, &["(s)", "seconds", "sec"]),
    unit(
        "milliseconds",
        Measure::Time,
        3,
        &["(ms)", "milliseconds", "millis", "ms"],
    ),
    unit("microseconds", Measure::Time, 0, &["(us)", "microseconds", "us"]),
    unit("nanoseconds", Measure::Time, 0, &["(ns)", "nanoseconds", "ns"]),
    unit("ratio", Measure::Share, 6, &["ratio"]),
    unit("percent", Measure::Share, 4, &["(%)", "percent", "pct"]),
];

fn measure_of(signal: Signal) -> Option<Measure> {
    use Signal as S;
    match signal {
        S::Cpu | S::CpuLimit | S::CpuRequest => Some(Measure::Cpu),
        S::Memory | S::MemoryLimit | S::MemoryRequest => Some(Measure::Memory),
        S::Latency | S::Startup => Some(Measure::Time),
        S::Throttling => Some(Measure::Share),
        _ => None,
    }
}

impl Unit {
    /// The unit of this name.
    pub fn from_id(id: &str) -> Option<Self> {
        UNITS.into_iter().find(|unit| unit.id == id)
    }

    /// The unit that an answer or a cell names: as we do, in the singular and in full, or as quantities of Kubernetes end.
    pub(super) fn spelled(name: &str) -> Option<Self> {
        let id = match name {
            "m" => "millicores",
            "u" => "microcores",
            "n" => "nanocores",
            "B" => "bytes",
            "kilobyte" => "kB",
            "megabyte" => "MB",
            "gigabyte" => "GB",
            "kibibyte" | "Ki" => "KiB",
            "mebibyte" | "Mi" => "MiB",
            "gibibyte" | "Gi" => "GiB",
            "s" => "seconds",
            "ms" => "milliseconds",
            "us" => "microseconds",
            "ns" => "nanoseconds",
            name => return Self::from_id(name).or_else(|| Self::from_id(&format!("{name}s"))),
        };
        Self::from_id(id)
    }

    /// Every unit that values of a signal can be in.
    pub(super) fn of(signal: Signal) -> impl Iterator<Item = Self> {
        UNITS.into_iter().filter(move |unit| unit.fits(signal))
    }

    /// Whether values of this signal are in one of several units.
    pub(super) fn has_units(signal: Signal) -> bool {
        measure_of(signal).is_some()
    }

    /// Every name, in the order of what they measure.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        UNITS.into_iter().map(|unit| unit.id)
    }

    /// Its name.
    pub fn id(self) -> &'static str {
        self.id
    }

    /// Whether values of this signal can be in this unit.
    pub fn fits(self, signal: Signal) -> bool {
        measure_of(signal) == Some(self.of)
    }

    /// The other unit that a column's name tells for values of this signal.
    pub(super) fn told_by(column: &str, signal: Signal) -> Option<Self> {
        let column = column.trim().to_ascii_lowercase();
        let is_word = |hint: &&str| {
            let words = column.split(|char: char| !char.is_ascii_alphanumeric());
            words.into_iter().any(|word| word == *hint)
        };
        let tells = |hint: &&str| {
            if hint.starts_with('(') {
                column.ends_with(hint)
            } else {
                is_word(hint)
            }
        };
        let told = UNITS
            .into_iter()
            .filter(|unit| unit.fits(signal))
            .find(|unit| unit.hints.iter().any(&tells))?;
        (told.times != 1 || told.digits != signal.digits()).then_some(told)
    }

    /// Reads a number in this unit as an amount of its signal.
    pub(super) fn amount(self, text: &[u8]) -> Option<Reading> {
        let reading = amount(text, self.digits);
        match reading? {
            Reading::Value(value) if self.times > 1 => {
                let bytes = u128::from(value) * u128::from(self.times) / 10u128.pow(self.digits);
                Some(u64::try_from(bytes).map_or(Reading::TooLarge, Reading::Value))
            }
            Reading::Value(value) if self.id == "nanoseconds" => Some(Reading::Value(value / 1000)),
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_amounts_of_the_signal() {
        for (id, text, value) in [
            ("cores", "0.25", 250_000_000),
            ("millicores", "250.5", 250_500_000),
            ("microcores", "7", 7_000),
            ("nanocores", "123456", 123_456),
            ("percent-of-core", "2.5", 25_000_000),
            ("bytes", "4096", 4096),
            ("kB", "1.5", 1500),
            ("MB", "1.5", 1_500_000),
            ("GB", "0.5", 500_000_000),
            ("KiB", "1.5", 1536),
            ("MiB", "44.25", 46_399_488),
            ("GiB", "1.5", 1_610_612_736),
            ("GiB", "0.1", 107_374_182),
            ("KiB", "67108864", 68_719_476_736),
            ("seconds", "0.25", 250_000),
            ("milliseconds", "2.5", 2_500),
            ("microseconds", "7.9", 7),
            ("nanoseconds", "7900", 7),
            ("ratio", "0.5", 500_000),
            ("percent", "50", 500_000),
        ] {
            let unit = Unit::from_id(id).unwrap();
            assert_eq!(unit.amount(text.as_bytes()), Some(Reading::Value(value)), "{text} {id}");
        }
        let gib = Unit::from_id("GiB").unwrap();
        assert_eq!(gib.amount(b"-1"), Some(Reading::Negative));
        assert_eq!(gib.amount(b"NaN"), Some(Reading::Absent));
        assert_eq!(gib.amount(b"much"), None);
    }

    #[test]
    fn names_of_columns_tell_other_units_only() {
        for (column, signal, told) in [
            ("CpuUsage(m)", Signal::Cpu, Some("millicores")),
            ("cpu_usage_cores", Signal::Cpu, None),
            ("value", Signal::Cpu, None),
            ("cpu_usage_container_avg", Signal::Cpu, None),
            ("CpuUsageRate(%)", Signal::Cpu, Some("percent-of-core")),
            ("cpu.nanocores", Signal::Cpu, Some("nanocores")),
            ("MemoryUsage(Mi)", Signal::Memory, Some("MiB")),
            ("memory_mb", Signal::Memory, Some("MB")),
            ("memory_bytes", Signal::Memory, None),
            ("PodServerLatencyP90(s)", Signal::Latency, None),
            ("latency_ms", Signal::Latency, Some("milliseconds")),
            ("items", Signal::Latency, None),
            ("requests(m)", Signal::Rate, None),
        ] {
            assert_eq!(Unit::told_by(column, signal).map(Unit::id), told, "{column}");
        }
    }
}
