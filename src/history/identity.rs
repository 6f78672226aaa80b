//! Whose a series is, offline: by its labels, by the owner files, by name rules against what the manifests declare; the
//! first that answers wins. Two candidates are an error that names both, never a guess.

use super::clean::SeriesName;
use super::note::Note;
use super::owners::{Declared, Owners, Root, WorkloadKey, stated};
use crate::diag::code;
use std::collections::{BTreeMap, BTreeSet};

/// What told the workload of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// A label on the series.
    Label,
    /// Its name, by the rules of the declared kinds.
    Name,
    /// The owner files.
    Owner,
}

impl Identity {
    /// Its word in a profile.
    pub fn id(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Name => "name",
            Self::Owner => "owner",
        }
    }

    /// From its word.
    pub fn from_id(id: &str) -> Option<Self> {
        [Self::Label, Self::Name, Self::Owner]
            .into_iter()
            .find(|identity| identity.id() == id)
    }
}

/// Everything that can tell a workload.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    owners: Owners,
    declared: Declared,
    /// Kinds by namespace and name, as owners and labels know them.
    known: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Resolver {
    /// From the owner files, the manifests and the labels of the series themselves.
    pub fn new<'s>(owners: Owners, declared: Declared, series: impl Iterator<Item = &'s SeriesName>) -> Self {
        let mut known: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let mut note = |namespace: &str, workload: &WorkloadKey| {
            known
                .entry((namespace.to_owned(), workload.name.clone()))
                .or_default()
                .insert(workload.kind.clone());
        };
        for (namespace, workload) in owners.workloads() {
            note(namespace, workload);
        }
        for series in series {
            if let Some(workload) = series.workload.as_ref().and_then(stated) {
                note(&series.namespace, &workload);
            }
        }
        Self {
            owners,
            declared,
            known,
        }
    }

    /// The workload of a series and what told it; `None` when nothing does.
    pub fn resolve(&self, series: &SeriesName) -> Result<Option<(WorkloadKey, Identity)>, Note> {
        if let Some(named) = &series.workload {
            let found = match stated(named) {
                Some(workload) => self.behind(&series.namespace, workload)?,
                None => self
                    .kind_of(&series.namespace, &named.name)?
                    .map(|workload| (workload, Identity::Label)),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        if series.pod.is_empty() {
            return Ok(None);
        }
        match self
            .owners
            .root(&series.namespace, WorkloadKey::new("Pod", &*series.pod))
        {
            Root::Workload(workload) => return Ok(Some((workload, Identity::Owner))),
            Root::Several(one, other) => {
                return Err(ambiguous(
                    &series.namespace,
                    &format!("pod `{}`", series.pod),
                    &one,
                    &other,
                ));
            }
            Root::BarePod => return Ok(None),
            Root::Unknown => {}
        }
        match self.declared.of_pod(&series.namespace, &series.pod).as_slice() {
            [] => Ok(None),
            [workload] => Ok(Some((workload.clone(), Identity::Name))),
            [one, other, ..] => Err(ambiguous(
                &series.namespace,
                &format!("pod `{}`", series.pod),
                one,
                other,
            )),
        }
    }

    /// The workload that a label leads to: some stop at what only carries its pods, as kubernetes-mixin's rules do at the
    /// Job of a `CronJob`. `None` where it tells less than the pod.
    fn behind(&self, namespace: &str, stated: WorkloadKey) -> Result<Option<(WorkloadKey, Identity)>, Note> {
        if !["Job", "ReplicaSet", "ReplicationController"].contains(&stated.kind.as_str()) {
            let is_told = !is_bare(&stated.kind);
            return Ok(is_told.then_some((stated, Identity::Label)));
        }
        let label = || format!("the label's {stated}");
        match self.owners.root(namespace, stated.clone()) {
            Root::Workload(owner) if owner != stated => return Ok(Some((owner, Identity::Owner))),
            Root::Several(one, other) => return Err(ambiguous(namespace, &label(), &one, &other)),
            Root::Unknown if stated.kind == "Job" => {
                let is_declared = self.declared.kinds(namespace, &stated.name).any(|kind| kind == "Job");
                match self.declared.of_job(namespace, &stated.name) {
                    Some(cron) if is_declared => return Err(ambiguous(namespace, &label(), &stated, &cron)),
                    Some(cron) => return Ok(Some((cron, Identity::Name))),
                    None => {}
                }
            }
            _ => {}
        }
        let is_told = !is_bare(&stated.kind);
        Ok(is_told.then_some((stated, Identity::Label)))
    }

    /// The one workload of a namespace with this name, or the target of the scaler of this name.
    fn kind_of(&self, namespace: &str, name: &str) -> Result<Option<WorkloadKey>, Note> {
        if let Root::Workload(target) = self
            .owners
            .root(namespace, WorkloadKey::new("HorizontalPodAutoscaler", name))
        {
            return Ok(Some(target));
        }
        let key = (namespace.to_owned(), name.to_owned());
        let mut kinds: BTreeSet<&str> = self.known.get(&key).into_iter().flatten().map(String::as_str).collect();
        kinds.extend(self.declared.kinds(namespace, name));
        let workloads: Vec<_> = kinds.into_iter().map(|kind| WorkloadKey::new(kind, name)).collect();
        match workloads.as_slice() {
            [] => Ok(None),
            [workload] => Ok(Some(workload.clone())),
            [one, other, ..] => Err(ambiguous(namespace, &format!("workload label `{name}`"), one, other)),
        }
    }
}

fn is_bare(kind: &str) -> bool {
    ["Pod", "Node", "barepod", "staticpod", "ReplicaSet"].contains(&kind)
}

pub(crate) fn ambiguous(namespace: &str, what: &str, one: &WorkloadKey, other: &WorkloadKey) -> Note {
    Note::error(
        code::IDENTITY_AMBIGUOUS,
        format!("{what} of namespace `{namespace}` could be of {one} or of {other}"),
    )
    .help("add owner files (--owners), or labels `workload` and `workload_type` to the export")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::samples::Named;
    use crate::history::signal::Signal;

    const DECLARED: &str = r#"{"items": [
        {"kind": "Deployment", "metadata": {"name": "api"}},
        {"kind": "Deployment", "metadata": {"name": "api-7d9f8b6c5f"}},
        {"kind": "Deployment", "metadata": {"name": "worker-bcdfgh"}},
        {"kind": "Deployment", "metadata": {"name": "worker"}},
        {"kind": "StatefulSet", "metadata": {"name": "db"}},
        {"kind": "Deployment", "metadata": {"name": "db-0"}},
        {"kind": "StatefulSet", "metadata": {"name": "db-0"}},
        {"kind": "Rollout", "metadata": {"name": "web"}, "spec": {"workloadRef": {"kind": "Deployment", "name": "web"}}},
        {"kind": "Deployment", "metadata": {"name": "web"}},
        {"kind": "Rollout", "metadata": {"name": "both"}},
        {"kind": "Deployment", "metadata": {"name": "both"}},
        {"kind": "DaemonSet", "metadata": {"name": "log"}},
        {"kind": "Job", "metadata": {"name": "log"}},
        {"kind": "CronJob", "metadata": {"name": "report"}},
        {"kind": "Job", "metadata": {"name": "report-5"}},
        {"kind": "ReplicaSet", "metadata": {"name": "lone"}}
    ]}"#;

    const OWNERS: &str = r#"{"data": {"resultType": "vector", "result": [
        {"metric": {"namespace": "shop", "pod": "lone-x2x4z", "owner_kind": "ReplicaSet", "owner_name": "lone"}},
        {"metric": {"namespace": "shop", "replicaset": "lone", "owner_kind": "<none>", "owner_name": "<none>"}},
        {"metric": {"namespace": "shop", "pod": "api-6c5f7d9f8b-zzzzz", "owner_kind": "<none>", "owner_name": "<none>"}},
        {"metric": {"namespace": "shop", "pod": "log-zzzzz", "owner_kind": "DaemonSet", "owner_name": "log"}},
        {"metric": {"namespace": "shop", "job_name": "night-28300000", "owner_kind": "CronJob", "owner_name": "night"}},
        {"metric": {"namespace": "shop", "replicaset": "api-6c5f7d9f8b", "owner_kind": "Deployment", "owner_name": "api"}}
    ]}}"#;

    fn told(label: Option<(&str, &str)>, pod: &str) -> String {
        let (mut owners, mut declared) = (Owners::default(), Declared::default());
        owners.read("owners.json", &mut OWNERS.as_bytes()).unwrap();
        declared.add_object(&serde_json::from_str(DECLARED).unwrap());
        let series = SeriesName {
            workload: label.map(|(kind, name)| Named {
                kind: Some(kind).filter(|kind| !kind.is_empty()).map(Into::into),
                name: name.into(),
            }),
            namespace: "shop".into(),
            pod: pod.into(),
            container: "app".into(),
            signal: Signal::Cpu,
        };
        match Resolver::new(owners, declared, std::iter::once(&series)).resolve(&series) {
            Ok(Some((workload, identity))) => format!("{workload} {}", identity.id()),
            Ok(None) => "none".to_owned(),
            Err(note) => note.message,
        }
    }

    #[test]
    fn hard_names_lead_to_their_workload_or_to_an_error_with_both() {
        for (pod, expected) in [
            // a name that ends like a hash, and one that it begins with
            ("api-7d9f8b6c5f-x2x4z", "Deployment/api name"),
            ("api-7d9f8b6c5f-6c5f7d9f8b-x2x4z", "Deployment/api-7d9f8b6c5f name"),
            ("worker-bcdfgh-7d9f8b6c5f-x2x4z", "Deployment/worker-bcdfgh name"),
            ("worker-bcdfgh-x2x4z", "Deployment/worker name"),
            // an ordinal that is also the end of a name
            ("db-0", "StatefulSet/db name"),
            ("db-0-1", "StatefulSet/db-0 name"),
            ("db-0-7d9f8b6c5f-x2x4z", "Deployment/db-0 name"),
            ("db-10", "StatefulSet/db name"),
            ("db-01", "none"),
            // the template of a Rollout is that of a Deployment of the same name, or it has its own
            ("web-7d9f8b6c5f-x2x4z", "Rollout/web name"),
            (
                "both-7d9f8b6c5f-x2x4z",
                "pod `both-7d9f8b6c5f-x2x4z` of namespace `shop` could be of Deployment/both or of Rollout/both",
            ),
            (
                "log-x2x4z",
                "pod `log-x2x4z` of namespace `shop` could be of DaemonSet/log or of Job/log",
            ),
            // owners know better than names
            ("log-zzzzz", "DaemonSet/log owner"),
            ("api-6c5f7d9f8b-zzzzz", "none"),
            ("lone-x2x4z", "ReplicaSet/lone owner"),
            ("lone-x2x4y", "none"),
            ("report-28300000-x2x4z", "CronJob/report name"),
            (
                "report-5-x2x4z",
                "pod `report-5-x2x4z` of namespace `shop` could be of CronJob/report or of Job/report-5",
            ),
            ("debug", "none"),
            ("api", "none"),
        ] {
            assert_eq!(told(None, pod), expected, "{pod}");
        }
    }

    #[test]
    fn a_label_that_stops_at_a_carrier_is_followed() {
        for (kind, name, pod, expected) in [
            ("Deployment", "other", "api-7d9f8b6c5f-x2x4z", "Deployment/other label"),
            ("Job", "report-28300000", "", "CronJob/report name"),
            ("Job", "night-28300000", "", "CronJob/night owner"),
            ("Job", "once", "", "Job/once label"),
            (
                "Job",
                "report-5",
                "",
                "the label's Job/report-5 of namespace `shop` could be of Job/report-5 or of CronJob/report",
            ),
            ("ReplicaSet", "api-6c5f7d9f8b", "", "Deployment/api owner"),
            (
                "ReplicaSet",
                "api-7d9f8b6c5f",
                "api-7d9f8b6c5f-x2x4z",
                "Deployment/api name",
            ),
            ("ReplicaSet", "unknown", "", "none"),
            ("Pod", "debug", "debug", "none"),
            ("", "report", "", "CronJob/report label"),
            ("", "web", "", "Rollout/web label"),
            (
                "",
                "log",
                "",
                "workload label `log` of namespace `shop` could be of DaemonSet/log or of Job/log",
            ),
        ] {
            assert_eq!(told(Some((kind, name)), pod), expected, "{kind}/{name} {pod}");
        }
    }
}
