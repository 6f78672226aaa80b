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
                Some(workload) => Some(workload).filter(|workload| !is_bare(&workload.kind)),
                None => self.kind_of(&series.namespace, &named.name)?,
            };
            if let Some(workload) = found {
                return Ok(Some((workload, Identity::Label)));
            }
        }
        if series.pod.is_empty() {
            return Ok(None);
        }
        match self
            .owners
            .root(&series.namespace, WorkloadKey::new("Pod", series.pod.clone()))
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

fn ambiguous(namespace: &str, what: &str, one: &WorkloadKey, other: &WorkloadKey) -> Note {
    Note::error(
        code::IDENTITY_AMBIGUOUS,
        format!("{what} of namespace `{namespace}` could be of {one} or of {other}"),
    )
    .help("add owner files (--owners), or labels `workload` and `workload_type` to the export")
}
