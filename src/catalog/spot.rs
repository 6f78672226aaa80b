//! How interruptible nodes are marked, per provider, and how long a pod is told before they go.
//!
//! Values are case-sensitive and differ per provider, so nothing is guessed: `custom` has none.

/// Marks of interruptible nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotMarks {
    /// Label key and value of spot nodes.
    pub label: (&'static str, &'static str),
    /// Taint key, value and effect that the provider puts on them, if it does.
    pub taint: Option<(&'static str, &'static str, &'static str)>,
    /// Seconds between the notice and the end of ordinary pods.
    pub notice_s: u64,
}

/// EKS managed node groups (EKS documentation, managed node group capacity types): 120 s notice.
pub const EKS: SpotMarks = SpotMarks {
    label: ("eks.amazonaws.com/capacityType", "SPOT"),
    taint: None,
    notice_s: 120,
};

/// Karpenter on any cloud (Karpenter documentation, well-known labels); the notice is the cloud's, AWS's here.
pub const KARPENTER: SpotMarks = SpotMarks {
    label: ("karpenter.sh/capacity-type", "spot"),
    taint: None,
    notice_s: 120,
};

/// GKE Spot (GKE documentation): 30 s in all, of which ordinary pods get 15 s.
pub const GKE: SpotMarks = SpotMarks {
    label: ("cloud.google.com/gke-spot", "true"),
    taint: Some(("cloud.google.com/gke-spot", "true", "NoSchedule")),
    notice_s: 15,
};

/// AKS spot node pools (AKS documentation): tainted always, at least 30 s.
pub const AKS: SpotMarks = SpotMarks {
    label: ("kubernetes.azure.com/scalesetpriority", "spot"),
    taint: Some(("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule")),
    notice_s: 30,
};

/// All that are known.
pub const ALL: [SpotMarks; 4] = [EKS, KARPENTER, GKE, AKS];

/// The shortest notice that nodes with one of these labels are known to give; `None` where none of them is known.
pub fn notice_s<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Option<u64> {
    let known = labels.filter_map(|label| ALL.iter().find(|marks| marks.label == label));
    known.map(|marks| marks.notice_s).min()
}
