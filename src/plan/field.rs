//! Names of the amounts that planning sets and that owners write: `api/requests/cpu`, `replicas`, `scaler/minReplicas`.
//!
//! An entry of a plan keeps by these names what a manifest said, and what its owner raised or lowered since.

use std::fmt;
use std::str::FromStr;

/// CPU or memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
}

impl Resource {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

/// An amount of a container: `requests/cpu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// What it requests.
    Request(Resource),
    /// What it may use at most.
    Limit(Resource),
}

/// The name of a field; its `Display` is the key by which plans have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldName {
    /// An amount of the container of that name.
    Container(String, Amount),
    /// `spec.replicas`.
    Replicas,
    /// The lowest count of a scaler of the owner.
    MinReplicas,
    /// The highest count of a scaler of the owner.
    MaxReplicas,
    /// The CPU utilization target of a scaler of the owner, in percents.
    CpuTarget,
    /// `terminationGracePeriodSeconds` of the pods.
    GracePeriod,
}

impl Amount {
    /// Every amount of a container.
    pub const ALL: [Self; 4] = [
        Self::Request(Resource::Cpu),
        Self::Request(Resource::Memory),
        Self::Limit(Resource::Cpu),
        Self::Limit(Resource::Memory),
    ];

    /// This amount of a container.
    pub fn of(self, container: &str) -> FieldName {
        FieldName::Container(container.to_owned(), self)
    }
}

impl FieldName {
    const OF_WORKLOAD: [Self; 5] = [
        Self::Replicas,
        Self::MinReplicas,
        Self::MaxReplicas,
        Self::CpuTarget,
        Self::GracePeriod,
    ];

    /// The key by which plans have it.
    pub fn key(&self) -> String {
        self.to_string()
    }

    /// Its container, if it is of one.
    pub fn container(&self) -> Option<&str> {
        match self {
            Self::Container(name, _) => Some(name),
            _ => None,
        }
    }

    /// The same field, of the container by that other name.
    #[must_use]
    pub fn renamed(self, rename: impl FnOnce(&String) -> String) -> Self {
        match self {
            Self::Container(name, amount) => Self::Container(rename(&name), amount),
            other => other,
        }
    }

    /// Whether it belongs to a scaler of the owner.
    pub fn is_of_scaler(&self) -> bool {
        matches!(self, Self::MinReplicas | Self::MaxReplicas | Self::CpuTarget)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(resource) => write!(f, "requests/{}", resource.name()),
            Self::Limit(resource) => write!(f, "limits/{}", resource.name()),
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name, amount) => write!(f, "{name}/{amount}"),
            Self::Replicas => f.write_str("replicas"),
            Self::MinReplicas => f.write_str("scaler/minReplicas"),
            Self::MaxReplicas => f.write_str("scaler/maxReplicas"),
            Self::CpuTarget => f.write_str("scaler/cpuTarget"),
            Self::GracePeriod => f.write_str("terminationGracePeriodSeconds"),
        }
    }
}

/// No field has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownField;

impl FromStr for FieldName {
    type Err = UnknownField;

    fn from_str(key: &str) -> Result<Self, UnknownField> {
        if let Some(found) = Self::OF_WORKLOAD.into_iter().find(|field| field.key() == key) {
            return Ok(found);
        }
        let (container, rest) = key.split_once('/').ok_or(UnknownField)?;
        let amount = Amount::ALL.into_iter().find(|amount| amount.to_string() == rest);
        amount.map(|amount| amount.of(container)).ok_or(UnknownField)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_shown() {
        let of_containers = ["api", "replicas", "scaler"].map(|name| Amount::ALL.map(|amount| amount.of(name)));
        for field in of_containers.into_iter().flatten().chain(FieldName::OF_WORKLOAD) {
            assert_eq!(field.key().parse(), Ok(field));
        }
        assert_eq!(Amount::Request(Resource::Cpu).of("api").key(), "api/requests/cpu");
        for key in ["", "api", "api/requests", "api/requests/gpu", "scaler/minreplicas"] {
            assert_eq!(key.parse::<FieldName>(), Err(UnknownField), "{key}");
        }
    }
}
