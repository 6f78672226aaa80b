//! Who owns a pod: answers of `kube_pod_owner`, `kube_replicaset_owner`, `kube_job_owner` and their like, and the kinds
//! that the manifests declare.

use super::json::{JsonError, JsonReader};
use super::matrix::{json_note, labels};
use super::note::Note;
use super::samples::{Labels, Named, kind_spelling};
use super::vpa_checkpoint::{Targets, target_of};
use crate::diag::code;
use std::collections::{BTreeMap, BTreeSet};

/// A workload or one of its parts: kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkloadKey {
    /// Kind as the API spells it.
    pub kind: String,
    /// Name.
    pub name: String,
}

impl WorkloadKey {
    /// From its parts.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for WorkloadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Owners by namespace and object; an object without one is its own.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    owners: BTreeMap<(String, WorkloadKey), BTreeSet<Option<WorkloadKey>>>,
}

/// Where following the owners ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// At this workload.
    Workload(WorkloadKey),
    /// At an object whose owner no file names.
    Unknown,
    /// At a pod without owner.
    BarePod,
    /// At two.
    Several(WorkloadKey, WorkloadKey),
}

/// What one file held.
#[derive(Default)]
struct Counted {
    series: u64,
    owners: u64,
    has_answers: bool,
}

/// Owners are at most: pod, `ReplicaSet` or Job, Deployment or CronJob, an operator's object.
const HOPS_MAX: usize = 4;
/// Kinds whose pods' names a rule can tell, and `Rollout`s and the like that labels may name.
const SCALED_KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Rollout",
    "DeploymentConfig",
];
/// Kinds that only carry pods for another object.
const CARRIERS: &[&str] = &[
    "Pod",
    "ReplicaSet",
    "Job",
    "ReplicationController",
    "HorizontalPodAutoscaler",
];

impl Owners {
    /// Reads one file: an answer, several in a row, or an object of answers. An answer without any series (a namespace
    /// without Jobs) is a remark.
    pub fn read(&mut self, file: &str, text: &mut dyn std::io::Read) -> Result<Option<Note>, Vec<Note>> {
        let mut reader = JsonReader::new(text);
        let mut read = Counted::default();
        self.documents(&mut reader, &mut read)
            .map_err(|error| vec![json_note(file, &error)])?;
        if read.has_answers && read.series == 0 {
            let note = Note::warning(code::OWNERS_EMPTY, "an answer without any series: it tells no owner");
            return Ok(Some(note.in_file(file)));
        }
        if read.owners == 0 {
            let help =
                "export kube_pod_owner, kube_replicaset_owner and kube_job_owner with last_over_time(...[window])";
            return Err(vec![
                Note::error(code::OWNERS_EMPTY, "names no owner of anything")
                    .in_file(file)
                    .help(help),
            ]);
        }
        Ok(None)
    }

    fn documents(&mut self, reader: &mut JsonReader<'_>, read: &mut Counted) -> Result<(), JsonError> {
        while let Some(next) = reader.peek()? {
            if next == b'[' {
                reader.array(|reader| self.value(reader, read))?;
            } else {
                self.value(reader, read)?;
            }
        }
        Ok(())
    }

    /// Whatever the nesting, what counts is an object with a `metric`.
    fn value(&mut self, reader: &mut JsonReader<'_>, read: &mut Counted) -> Result<(), JsonError> {
        reader.object(|reader, key| match (key, reader.peek()?) {
            ("metric", Some(b'{')) => {
                read.series += 1;
                read.owners += u64::from(self.note(&labels(reader)?));
                Ok(())
            }
            ("value" | "values" | "stats", _) => reader.skip(),
            (_, Some(b'{')) => self.value(reader, read),
            ("result", Some(b'[')) => {
                read.has_answers = true;
                reader.array(|reader| self.value(reader, read))
            }
            _ => reader.skip(),
        })
    }

    /// Notes one series; false when it tells no owner.
    fn note(&mut self, labels: &Labels) -> bool {
        let metric = labels.get("__name__").unwrap_or_default();
        let carrier = |kind: &str, names: &[&str]| labels.first(names).map(|name| WorkloadKey::new(kind, name));
        let object = if metric.contains("replicaset_owner") || (metric.is_empty() && labels.get("replicaset").is_some())
        {
            carrier("ReplicaSet", &["replicaset"])
        } else if metric.contains("job_owner") || (metric.is_empty() && labels.get("job_name").is_some()) {
            carrier("Job", &["job_name"])
        } else if metric.contains("replicationcontroller_owner") {
            carrier("ReplicationController", &["replicationcontroller"])
        } else if metric.contains("horizontalpodautoscaler_info") {
            carrier("HorizontalPodAutoscaler", &["horizontalpodautoscaler"])
        } else {
            carrier("Pod", &["exported_pod", "pod"])
        };
        let kinds = ["owner_kind", "created_by_kind", "scaletargetref_kind"];
        let names = ["owner_name", "created_by_name", "scaletargetref_name"];
        let (Some(object), Some(namespace)) = (object, labels.first(&["exported_namespace", "namespace"])) else {
            return false;
        };
        if labels.get("owner_is_controller") == Some("false") {
            return true;
        }
        let owner = match (labels.first(&kinds), labels.first(&names)) {
            (Some("<none>"), _) | (_, Some("<none>")) => None,
            (Some(kind), Some(name)) => Some(WorkloadKey::new(kind_spelling(kind), name)),
            _ => return false,
        };
        self.owners
            .entry((namespace.to_owned(), object))
            .or_default()
            .insert(owner);
        true
    }

    /// Follows the owners of an object to the workload.
    pub fn root(&self, namespace: &str, object: WorkloadKey) -> Root {
        let mut at = object;
        for _ in 0..=HOPS_MAX {
            let key = (namespace.to_owned(), at);
            let known = self.owners.get(&key);
            at = key.1;
            let mut owners = known.into_iter().flatten();
            match (owners.next(), owners.next()) {
                (Some(Some(first)), Some(Some(second))) => return Root::Several(first.clone(), second.clone()),
                // an object recorded with and without its owner: the owner was noted late
                (Some(None), Some(Some(owner))) | (Some(Some(owner)), None) => at = owner.clone(),
                (Some(None), _) if at.kind == "Pod" => return Root::BarePod,
                (Some(None), _) => return Root::Workload(at),
                _ if at.kind == "Node" => return Root::BarePod,
                _ if CARRIERS.contains(&at.kind.as_str()) => return Root::Unknown,
                _ => return Root::Workload(at),
            }
        }
        Root::Unknown
    }

    /// Every workload that any owner chain of a namespace ends at.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = (&str, &WorkloadKey)> {
        self.owners.iter().flat_map(|((namespace, _), owners)| {
            let named = owners
                .iter()
                .flatten()
                .filter(|owner| !CARRIERS.contains(&owner.kind.as_str()));
            named.map(move |owner| (namespace.as_str(), owner))
        })
    }
}

/// What manifests declare, for the rules by name.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Kinds by name; each with the namespace the manifest states, if it does.
    names: BTreeMap<String, BTreeSet<(String, Option<String>)>>,
    /// Names, with the namespace that is stated, of Rollouts that take their template from a Deployment of the same name.
    referring: BTreeSet<(String, Option<String>)>,
    /// What each VPA is for.
    vpas: Targets,
}

impl Declared {
    /// Notes a declared workload.
    pub fn add(&mut self, kind: &str, name: &str, namespace: Option<&str>) {
        self.names
            .entry(name.to_owned())
            .or_default()
            .insert((kind.to_owned(), namespace.map(str::to_owned)));
    }

    /// Notes a manifest, or the items of a list.
    pub fn add_object(&mut self, object: &serde_json::Value) {
        for item in object
            .get("items")
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten()
        {
            self.add_object(item);
        }
        if let Some((vpa, target)) = target_of(object) {
            self.vpas.entry(vpa).or_default().insert(target);
        }
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
        if let (Some(kind), Some(name)) = (text("/kind"), text("/metadata/name"))
            && SCALED_KINDS.contains(&kind)
        {
            self.add(kind, name, text("/metadata/namespace"));
            let refers = (text("/spec/workloadRef/kind"), text("/spec/workloadRef/name"));
            if kind == "Rollout" && refers == (Some("Deployment"), Some(name)) {
                let namespace = text("/metadata/namespace").map(str::to_owned);
                self.referring.insert((name.to_owned(), namespace));
            }
        }
    }

    /// What the declared VPAs are for.
    pub(crate) fn vpas(&self) -> &Targets {
        &self.vpas
    }

    /// How many workloads are declared.
    pub fn len(&self) -> usize {
        self.names.values().map(BTreeSet::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The kinds declared under a name, in this namespace or in none.
    pub fn kinds<'s>(&'s self, namespace: &'s str, name: &'s str) -> impl Iterator<Item = &'s str> {
        let declared = self.names.get(name).into_iter().flatten();
        let mut kinds: Vec<&str> = declared
            .filter(move |(_, stated)| stated.as_deref().is_none_or(|stated| stated == namespace))
            // the two are one workload, and its pods are the Rollout's
            .filter(|(kind, stated)| kind != "Deployment" || !self.refers(name, stated.as_ref()))
            .map(|(kind, _)| kind.as_str())
            .collect();
        kinds.dedup();
        kinds.into_iter()
    }

    fn refers(&self, name: &str, namespace: Option<&String>) -> bool {
        self.referring.contains(&(name.to_owned(), namespace.cloned()))
    }

    /// The declared `CronJob` that names its Jobs like this one.
    pub(crate) fn of_job(&self, namespace: &str, job: &str) -> Option<WorkloadKey> {
        let (name, scheduled) = job.rsplit_once('-')?;
        let is_scheduled = !scheduled.is_empty() && scheduled.bytes().all(|byte| byte.is_ascii_digit());
        let is_declared = self.kinds(namespace, name).any(|kind| kind == "CronJob");
        (is_scheduled && is_declared).then(|| WorkloadKey::new("CronJob", name))
    }

    /// Every declared workload whose pods are named like this one.
    pub fn of_pod(&self, namespace: &str, pod: &str) -> Vec<WorkloadKey> {
        let mut found = Vec::new();
        for (dash, _) in pod.match_indices('-') {
            let (name, rest) = (&pod[..dash], &pod[dash + 1..]);
            let kinds = self.kinds(namespace, name).filter(|kind| is_pod_suffix(kind, rest));
            found.extend(kinds.map(|kind| WorkloadKey::new(kind, name)));
        }
        found
    }
}

/// Whether controllers of this kind append `rest` to their name. Suffixes are of the alphabet that Kubernetes draws
/// from: no vowels, and no `0`, `1`, `3` (k8s.io/apimachinery/pkg/util/rand).
fn is_pod_suffix(kind: &str, rest: &str) -> bool {
    let drawn = |text: &str| text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte));
    let five = |text: &str| text.len() == 5 && drawn(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (kind, rest.split_once('-')) {
        ("Deployment" | "Rollout", Some((hash, suffix))) => {
            (6..=10).contains(&hash.len()) && drawn(hash) && five(suffix)
        }
        ("StatefulSet", None) => digits(rest) && (rest == "0" || !rest.starts_with('0')),
        ("DaemonSet" | "Job", None) => five(rest),
        ("CronJob", Some((scheduled, suffix))) => digits(scheduled) && five(suffix),
        _ => false,
    }
}

/// A label's workload: `Deployment/x` where the label says the kind.
pub(crate) fn stated(named: &Named) -> Option<WorkloadKey> {
    named.kind.as_ref().map(|kind| WorkloadKey::new(&**kind, &*named.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(series: &[&[(&str, &str)]]) -> Owners {
        let mut owners = Owners::default();
        for labels in series {
            let labels = labels
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert!(owners.note(&Labels(labels)), "{series:?}");
        }
        owners
    }

    #[test]
    fn an_answer_without_series_is_a_remark_and_what_is_no_answer_an_error() {
        let read = |text: &str| Owners::default().read("jobs.json", &mut text.as_bytes());
        let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        let note = read(empty).expect("it is an answer").expect("it is said");
        assert_eq!(
            (note.severity, note.code),
            (crate::diag::Severity::Warning, code::OWNERS_EMPTY)
        );
        let usage = r#"{"data":{"result":[{"metric":{"pod":"a","container":"b"},"value":[1,"1"]}]}}"#;
        for wrong in [r#"{"status":"error","error":"parse error"}"#, "{}", "", usage] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_hops_lead_from_the_pod_to_the_workload() {
        let owners = owners(&[
            &[
                ("namespace", "a"),
                ("pod", "api-x-1"),
                ("owner_kind", "ReplicaSet"),
                ("owner_name", "api-x"),
            ],
            &[
                ("__name__", "kube_replicaset_owner"),
                ("namespace", "a"),
                ("replicaset", "api-x"),
                ("owner_kind", "Rollout"),
                ("owner_name", "api"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "run-1-z"),
                ("owner_kind", "Job"),
                ("owner_name", "run-1"),
            ],
            &[
                ("namespace", "a"),
                ("job_name", "run-1"),
                ("owner_kind", "CronJob"),
                ("owner_name", "run"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "lost"),
                ("owner_kind", "ReplicaSet"),
                ("owner_name", "lost-x"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "db-0"),
                ("owner_kind", "StatefulSet"),
                ("owner_name", "db"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "bare"),
                ("owner_kind", "<none>"),
                ("owner_name", "<none>"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "kube-proxy"),
                ("owner_kind", "Node"),
                ("owner_name", "n1"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "once-1"),
                ("owner_kind", "Job"),
                ("owner_name", "once"),
            ],
            &[
                ("namespace", "a"),
                ("job_name", "once"),
                ("owner_kind", "<none>"),
                ("owner_name", "<none>"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "two"),
                ("owner_kind", "DaemonSet"),
                ("owner_name", "one"),
            ],
            &[
                ("namespace", "a"),
                ("pod", "two"),
                ("owner_kind", "DaemonSet"),
                ("owner_name", "other"),
            ],
        ]);
        let workload = |kind, name| Root::Workload(WorkloadKey::new(kind, name));
        for (pod, root) in [
            ("api-x-1", workload("Rollout", "api")),
            ("run-1-z", workload("CronJob", "run")),
            ("db-0", workload("StatefulSet", "db")),
            ("once-1", workload("Job", "once")),
            ("lost", Root::Unknown),
            ("never-seen", Root::Unknown),
            ("bare", Root::BarePod),
            ("kube-proxy", Root::BarePod),
            (
                "two",
                Root::Several(
                    WorkloadKey::new("DaemonSet", "one"),
                    WorkloadKey::new("DaemonSet", "other"),
                ),
            ),
        ] {
            assert_eq!(owners.root("a", WorkloadKey::new("Pod", pod)), root, "{pod}");
        }
    }

    #[test]
    fn names_follow_the_rules_of_their_controllers() {
        let mut declared = Declared::default();
        for (kind, name) in [
            ("Deployment", "api"),
            ("StatefulSet", "db"),
            ("DaemonSet", "log"),
            ("Job", "seed"),
            ("CronJob", "report"),
            ("Deployment", "api-v2"),
        ] {
            declared.add(kind, name, None);
        }
        declared.add("DaemonSet", "api-7c9f8d6b5", Some("shop"));
        for (pod, found) in [
            ("api-7c9f8d6b5-x2x4z", vec!["Deployment/api", "DaemonSet/api-7c9f8d6b5"]),
            ("api-7c9f8d6b54-x2x4z", vec!["Deployment/api"]),
            ("api-v2-7c9f8d6b54-x2x4z", vec!["Deployment/api-v2"]),
            ("api-7c9f8d6b54-x2x4a", vec![]),
            ("api-7c9f8-x2x4z", vec![]),
            ("db-0", vec!["StatefulSet/db"]),
            ("db-0a", vec![]),
            ("log-x2x4z", vec!["DaemonSet/log"]),
            ("seed-x2x4z", vec!["Job/seed"]),
            ("report-28300000-x2x4z", vec!["CronJob/report"]),
            ("api", vec![]),
        ] {
            let names: Vec<_> = declared.of_pod("shop", pod).iter().map(ToString::to_string).collect();
            assert_eq!(names, found, "{pod}");
        }
        let elsewhere: Vec<_> = declared
            .of_pod("other", "api-7c9f8d6b5-x2x4z")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            elsewhere,
            ["Deployment/api"],
            "a manifest of another namespace does not count"
        );
    }
}
