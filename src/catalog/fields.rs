//! Since which Kubernetes minor version a field may be used without asking: generally available, or on by default.
//!
//! Source: Kubernetes feature gates (`pkg/features/kube_features.go`, 1.35) and the strict schemas of 1.25–1.37.

/// A field or value whose use depends on the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// HPA metric type `ContainerResource`.
    ContainerResource,
    /// HPA `behavior.*.tolerance`.
    HpaTolerance,
    /// HPA `minReplicas: 0`.
    HpaScaleToZero,
    /// PDB `unhealthyPodEvictionPolicy`.
    UnhealthyPodEvictionPolicy,
    /// `nodeAffinityPolicy` and `nodeTaintsPolicy` of a spread constraint.
    NodeInclusionPolicy,
    /// `matchLabelKeys` of a spread constraint.
    SpreadMatchLabelKeys,
    /// `lifecycle.preStop.sleep`.
    PreStopSleep,
    /// In-place resize of pods, which `InPlaceOrRecreate` of a VPA needs.
    InPlaceResize,
}

impl Field {
    /// The minor version of Kubernetes 1 from which it may be used.
    pub fn since(self) -> u32 {
        match self {
            Self::NodeInclusionPolicy => 26,
            Self::ContainerResource | Self::UnhealthyPodEvictionPolicy | Self::SpreadMatchLabelKeys => 27,
            Self::PreStopSleep => 30,
            Self::InPlaceResize => 33,
            Self::HpaTolerance => 35,
            Self::HpaScaleToZero => 37,
        }
    }

    /// How it is written in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContainerResource => "HPA metric type `ContainerResource`",
            Self::HpaTolerance => "HPA `behavior.*.tolerance`",
            Self::HpaScaleToZero => "HPA `minReplicas: 0`",
            Self::UnhealthyPodEvictionPolicy => "PDB `unhealthyPodEvictionPolicy`",
            Self::NodeInclusionPolicy => "spread `nodeTaintsPolicy`",
            Self::SpreadMatchLabelKeys => "spread `matchLabelKeys`",
            Self::PreStopSleep => "`lifecycle.preStop.sleep`",
            Self::InPlaceResize => "in-place pod resize",
        }
    }
}

/// The minor versions of Kubernetes 1 that the tables cover.
pub const KUBERNETES_MINORS: std::ops::RangeInclusive<u32> = 25..=37;
