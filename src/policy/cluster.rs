//! The cluster a policy is for: versions as numbers, spot nodes as labels and taints.

use std::collections::BTreeMap;

use super::wire::{self, Provider, SpotNodes, Taint, TaintEffect};
use crate::catalog::fields::Field;
use crate::catalog::spot::{AKS, EKS, GKE, KARPENTER, SpotMarks};
use crate::units::Seconds;

/// A version `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

impl Version {
    /// `1.33`. Anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What may be rendered for a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Lowest Kubernetes version.
    pub kubernetes: Version,
    /// Zones.
    pub zones: u32,
    /// KEDA, if it is there.
    pub keda: Option<Version>,
    /// VPA, if it is there.
    pub vpa: Option<Version>,
    /// How spot nodes are marked; `None` where nothing is known of them.
    pub spot: Option<SpotNodes>,
}

impl Cluster {
    /// From a validated policy.
    pub fn of(cluster: &wire::Cluster) -> Self {
        let version = |text: &Option<String>| text.as_deref().and_then(Version::parse);
        Self {
            kubernetes: Version::parse(&cluster.kubernetes)
                .expect("broken invariant: the schema checked the version's form"),
            zones: cluster.zones,
            keda: version(&cluster.addons.keda),
            vpa: version(&cluster.addons.vpa),
            spot: spot_nodes(cluster),
        }
    }

    /// Whether a field may be used on the lowest version.
    pub fn has(&self, field: Field) -> bool {
        self.kubernetes.minor >= field.since()
    }

    /// How long before a spot node goes its pods are told.
    pub fn spot_notice(&self) -> Option<Seconds> {
        self.spot.as_ref().and_then(|spot| spot.notice)
    }
}

fn spot_nodes(cluster: &wire::Cluster) -> Option<SpotNodes> {
    let marks = match cluster.provider {
        Provider::Aws => Some(EKS),
        Provider::Karpenter => Some(KARPENTER),
        Provider::Gcp => Some(GKE),
        Provider::Azure => Some(AKS),
        Provider::Custom => None,
    };
    let usual = marks.map(from_marks);
    match (&cluster.spot, usual) {
        (Some(own), usual) => {
            let notice = own.notice.or(usual.as_ref().and_then(|nodes| nodes.notice));
            let marks = if own.labels.is_empty() {
                usual.unwrap_or_default()
            } else {
                own.clone()
            };
            Some(SpotNodes { notice, ..marks })
        }
        (None, usual) => usual,
    }
}

fn from_marks(marks: SpotMarks) -> SpotNodes {
    let (key, value) = marks.label;
    let taint = marks.taint.map(|(key, value, effect)| {
        let effect = if effect == "NoExecute" {
            TaintEffect::NoExecute
        } else {
            TaintEffect::NoSchedule
        };
        (
            key.to_owned(),
            Taint {
                value: value.to_owned(),
                effect,
            },
        )
    });
    SpotNodes {
        labels: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        taints: taint.into_iter().collect(),
        notice: Some(Seconds::new(marks.notice_s)),
    }
}
