//! The profile as a KRM object: a small YAML head, and one block scalar of sorted lines behind a version line.
//!
//! The block is written and read as text, never as YAML: finding one workload in a file of many megabytes costs a
//! bisection. From a parsed object (function mode) the same lines come as one string.

use super::checksum::{Checksum, unseal};
use super::line::{Decoder, key_of, write_block};
use super::summary::summary;
use super::usage::{Profile, Scope, Source, Window, WorkloadHistory};
use super::written::Written;
use crate::history::owners::WorkloadKey;
use crate::history::samples::is_name;
use crate::history::signal::Signal;
use crate::units::{Seconds, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Group and version of the kind.
pub const API_VERSION: &str = "trimtab.dev/v1alpha1";
/// The kind.
pub const KIND: &str = "UsageProfile";
/// First line of the data.
pub const VERSION_LINE: &str = "trimtab-profile v1";
const DATA_KEY: &str = "  data: |\n";
const INDENT: &str = "    ";
/// The head of a profile is a page; more is no profile.
const HEAD_MAX: usize = 1 << 20;

/// `UsageProfile`: what the workloads of one namespace used, written by `trimtab profile`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "UsageProfile")]
pub struct ProfileObject {
    /// Always `trimtab.dev/v1alpha1`.
    pub api_version: String,
    /// Always `UsageProfile`.
    pub kind: String,
    /// Name and annotations.
    pub metadata: ProfileMeta,
    /// What was used.
    pub spec: ProfileSpec,
}

/// Metadata of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileMeta {
    /// Unique among the profiles of a repository: environment, cluster and namespace.
    pub name: String,
    /// Annotations; `config.kubernetes.io/local-config` keeps the object out of clusters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What was used, of what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileSpec {
    /// Environment that was recorded, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Cluster that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Kubernetes namespace that was recorded.
    pub namespace: String,
    /// The time that samples cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<ProfileWindow>,
    /// Length of a cell.
    pub step: Seconds,
    /// Whether this is a part that still has to be merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shard: bool,
    /// Number of lines in `data`, the version line aside.
    pub lines: u64,
    /// Per signal, where its samples came from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, ProfileSource>,
    /// The lines, sorted, behind the version line. Written by `trimtab profile`, not by hand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
}

/// Start and end of what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileWindow {
    /// Start of the first cell.
    pub start: Timestamp,
    /// Last sample.
    pub end: Timestamp,
}

/// Where the samples of a signal came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileSource {
    /// Number of series.
    pub series: u64,
    /// Number of samples.
    pub samples: u64,
    /// Earliest sample.
    pub first: Timestamp,
    /// Latest sample.
    pub last: Timestamp,
    /// Greatest common distance of the samples; absent for signals that are not added up by instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Seconds>,
    /// Equal for equal samples, however files were cut: 32 hexadecimal digits.
    pub fingerprint: String,
}

/// Why a text or object is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct ProfileError {
    /// In words.
    pub what: String,
    /// Line in the text, from 1; in an object the line of `spec.data`.
    pub line: Option<u64>,
}

fn fault(what: impl Into<String>, line: impl Into<Option<u64>>) -> ProfileError {
    ProfileError {
        what: what.into(),
        line: line.into(),
    }
}

/// Writes profiles as one YAML stream.
pub fn to_text(profiles: &[Profile]) -> String {
    write(&profiles.iter().map(Written::of).collect::<Vec<_>>())
}

/// The same of profiles that are lines already.
pub fn write(profiles: &[Written]) -> String {
    let mut out = String::new();
    for (place, written) in profiles.iter().enumerate() {
        if place > 0 {
            out.push_str("---\n");
        }
        let Written {
            head: profile, lines, ..
        } = written;
        out.push_str(&summary(written));
        let head = object(profile, lines.len() as u64);
        out.push_str(&serde_saphyr::to_string(&head).expect("broken invariant: a head has only texts and numbers"));
        out.push_str(DATA_KEY);
        out.push_str(INDENT);
        out.push_str(&version_line(&head.spec));
        out.push('\n');
        write_block(lines, INDENT, &mut out);
    }
    out
}

/// The version, and a checksum of everything in the head that a plan may rest on.
fn version_line(spec: &ProfileSpec) -> String {
    let spec = ProfileSpec {
        data: String::new(),
        ..spec.clone()
    };
    let head = serde_json::to_string(&spec).expect("broken invariant: a head has only texts and numbers");
    format!("{VERSION_LINE} {}", Checksum::of(head.as_bytes()))
}

/// The lines behind the version line, once that is found to be of this head.
fn behind_version<'t>(data: &'t str, indent: &str, spec: &ProfileSpec, number: u64) -> Result<&'t str, ProfileError> {
    let (first, rest) = data.split_once('\n').unwrap_or((data, ""));
    let found = first.strip_prefix(indent).unwrap_or(first);
    if found == version_line(spec) {
        return Ok(rest);
    }
    let checksum = found.strip_prefix(VERSION_LINE).filter(|rest| rest.starts_with(' '));
    Err(match checksum {
        Some(_) => fault(
            "the checksum is not of the fields above it: the profile was damaged or edited",
            number,
        ),
        None => fault(
            format!("the data begins with `{}`, not with `{VERSION_LINE}`", found.trim()),
            number,
        ),
    })
}

fn object(profile: &Profile, lines: u64) -> ProfileObject {
    let Scope {
        environment,
        cluster,
        namespace,
    } = profile.scope.clone();
    let metadata = ProfileMeta {
        name: profile.scope.name(),
        annotations: BTreeMap::new(),
    };
    let window = profile.window.map(|Window { start, end }| ProfileWindow { start, end });
    let source = |(signal, source): (&Signal, &Source)| {
        let Source {
            series,
            samples,
            first,
            last,
            grid_s,
            fingerprint,
        } = *source;
        let grid = (grid_s > 0).then(|| Seconds::new(grid_s));
        let fingerprint = format!("{fingerprint:032x}");
        (
            signal.id().to_owned(),
            ProfileSource {
                series,
                samples,
                first,
                last,
                grid,
                fingerprint,
            },
        )
    };
    let sources = profile.sources.iter().map(source).collect();
    let (step, shard) = (profile.step(), profile.shard);
    let spec = ProfileSpec {
        environment,
        cluster,
        namespace,
        window,
        step,
        shard,
        lines,
        sources,
        data: String::new(),
    };
    ProfileObject {
        api_version: API_VERSION.into(),
        kind: KIND.into(),
        metadata,
        spec,
    }
}

/// A profile whose lines are not read yet.
#[derive(Clone, Debug)]
pub struct ProfileText<'t> {
    head: Profile,
    /// The data behind the version line; each line starts with `indent`.
    block: &'t str,
    indent: &'static str,
    /// Line number of the first line of the block.
    first_line: u64,
}

/// The text as it was written: a checkout on Windows (git's `core.autocrlf`) ends every line in CR LF, and checksums are
/// over lines that don't.
pub fn with_plain_line_ends(text: String) -> String {
    if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}

/// Finds the profiles of a YAML stream without reading their lines. Lines end in LF ([`with_plain_line_ends`]).
pub fn open(text: &str) -> Result<Vec<ProfileText<'_>>, ProfileError> {
    let mut profiles = Vec::new();
    let (mut rest, mut line) = (text.strip_prefix("---\n").unwrap_or(text), 1);
    line += u64::from(rest.len() < text.len());
    while !rest.trim_ascii().is_empty() {
        let end = rest.find("\n---\n").map_or(rest.len(), |end| end + 1);
        let (document, after) = rest.split_at(end);
        profiles.push(open_document(document, line)?);
        line += count_lines(document) + 1;
        rest = after.strip_prefix("---\n").unwrap_or(after);
    }
    if profiles.is_empty() {
        Err(fault("holds no UsageProfile", None))
    } else {
        Ok(profiles)
    }
}

fn open_document(document: &str, line: u64) -> Result<ProfileText<'_>, ProfileError> {
    if let Some(at) = document.find('\r') {
        return Err(fault(
            "has a carriage return inside a line, which no profile is written with",
            line + count_lines(&document[..at]),
        ));
    }
    let search = document.get(..HEAD_MAX).unwrap_or(document);
    let at = search
        .find(&format!("\n{DATA_KEY}"))
        .ok_or_else(|| fault("has no `spec.data` block", line))?
        + 1;
    let (head, rest) = document.split_at(at);
    let version_line = line + count_lines(head) + 1;
    let object: ProfileObject = serde_yaml::from_str(head).map_err(|error| {
        let place = error.location().map(|location| line + location.line() as u64 - 1);
        fault(error.to_string(), place)
    })?;
    let block = behind_version(&rest[DATA_KEY.len()..], INDENT, &object.spec, version_line)?;
    ProfileText::new(object, block, INDENT, version_line + 1)
}

fn count_lines(text: &str) -> u64 {
    text.bytes().filter(|&byte| byte == b'\n').count() as u64
}

/// Takes the object form, as a function gets it, to its lines.
pub fn from_object(object: &ProfileObject) -> Result<ProfileText<'_>, ProfileError> {
    let block = behind_version(&object.spec.data, "", &object.spec, 1)?;
    let head = ProfileObject {
        spec: ProfileSpec {
            data: String::new(),
            ..object.spec.clone()
        },
        ..object.clone()
    };
    ProfileText::new(head, block, "", 2)
}

/// The object form of a profile.
pub fn to_object(profile: &Profile) -> ProfileObject {
    let lines = Written::of(profile).lines;
    let mut object = object(profile, lines.len() as u64);
    object.spec.data = version_line(&object.spec);
    object.spec.data.push('\n');
    write_block(&lines, "", &mut object.spec.data);
    object
}

fn read_head(object: ProfileObject) -> Result<(Profile, u64), ProfileError> {
    if object.api_version != API_VERSION || object.kind != KIND {
        let what = format!(
            "is {} of {}, not {KIND} of {API_VERSION}",
            object.kind, object.api_version
        );
        return Err(fault(what, None));
    }
    let ProfileSpec {
        environment,
        cluster,
        namespace,
        window,
        step,
        shard,
        lines,
        sources,
        ..
    } = object.spec;
    let step_s = u32::try_from(step.get())
        .ok()
        .filter(|&step| step > 0 && super::demand::COARSE_STEP_S.is_multiple_of(step));
    let step_s = step_s.ok_or_else(|| fault(format!("`spec.step` is {step}, which does not divide an hour"), None))?;
    if !is_name(&namespace) {
        return Err(fault(
            format!("`spec.namespace` is `{namespace}`, which is no namespace"),
            None,
        ));
    }
    let mut profile = Profile::new(
        Scope {
            environment,
            cluster,
            namespace,
        },
        step_s,
    );
    profile.shard = shard;
    profile.window = window.map(|ProfileWindow { start, end }| Window { start, end });
    for (signal, source) in sources {
        let known = Signal::from_id(&signal)
            .ok_or_else(|| fault(format!("`spec.sources` names `{signal}`, no signal"), None))?;
        let fingerprint = u128::from_str_radix(&source.fingerprint, 16)
            .ok()
            .filter(|_| source.fingerprint.len() == 32);
        let fingerprint = fingerprint.ok_or_else(|| {
            fault(
                format!("the fingerprint of `{signal}` is not 32 hexadecimal digits"),
                None,
            )
        })?;
        let ProfileSource {
            series,
            samples,
            first,
            last,
            grid,
            ..
        } = source;
        let grid_s = grid.map_or(0, Seconds::get);
        profile.sources.insert(
            known,
            Source {
                series,
                samples,
                first,
                last,
                grid_s,
                fingerprint,
            },
        );
    }
    Ok((profile, lines))
}

impl<'t> ProfileText<'t> {
    fn new(head: ProfileObject, block: &'t str, indent: &'static str, first_line: u64) -> Result<Self, ProfileError> {
        let (head, lines) = read_head(head)?;
        let text = Self {
            head,
            block,
            indent,
            first_line,
        };
        text.check_count(lines)?;
        Ok(text)
    }

    /// Whether every line is there: one that was lost would be missed by a search for its workload.
    fn check_count(&self, lines: u64) -> Result<(), ProfileError> {
        let count = count_lines(self.block);
        if !self.block.is_empty() && !self.block.ends_with('\n') {
            let what = "the last line has no end; the file was cut";
            return Err(fault(what, self.first_line + count));
        }
        if count == lines {
            return Ok(());
        }
        for line in self.block.split_terminator('\n') {
            self.bare(line)?;
        }
        let what = format!("`spec.lines` says {lines} and there are {count}; lines were lost or added");
        Err(fault(what, None))
    }

    /// Everything but the workloads.
    pub fn head(&self) -> &Profile {
        &self.head
    }

    /// Reads every line.
    pub fn read(&self) -> Result<Profile, ProfileError> {
        let mut decoder = Decoder::default();
        for line in self.block.split_terminator('\n') {
            self.decode(&mut decoder, line, self.bare(line)?)?;
        }
        Ok(Profile {
            workloads: decoder.workloads,
            ..self.head.clone()
        })
    }

    fn decode(&self, decoder: &mut Decoder<'t>, line: &str, bare: &'t str) -> Result<(), ProfileError> {
        decoder.line(bare).map_err(|error| self.fault_at(line, &error))
    }

    /// A line without its indent and checksum, once it is found to be as it was written.
    fn bare(&self, line: &'t str) -> Result<&'t str, ProfileError> {
        let sealed = line
            .strip_prefix(self.indent)
            .ok_or_else(|| self.fault_at(line, &"is not indented like the data"))?;
        unseal(sealed).map_err(|error| self.fault_at(line, &error))
    }

    /// A fault of one line of the block. Lines are counted only now: most reads meet no fault.
    fn fault_at(&self, line: &str, what: &impl ToString) -> ProfileError {
        let before = line.as_ptr().addr() - self.block.as_ptr().addr();
        fault(what.to_string(), self.first_line + count_lines(&self.block[..before]))
    }

    /// Reads one workload, found by bisection; `None` when it is not there. Every line that the search rests on is
    /// checked, those beside the workload's own too, so that a damaged key hides nothing.
    pub fn workload(&self, key: &WorkloadKey) -> Result<Option<WorkloadHistory>, ProfileError> {
        let wanted = key.to_string();
        let start = self.bisect(&wanted)?;
        let mut decoder = Decoder::default();
        for line in self.block[start..].split_terminator('\n') {
            let bare = self.bare(line)?;
            if key_of(bare) != wanted {
                break;
            }
            self.decode(&mut decoder, line, bare)?;
        }
        Ok(decoder.workloads.remove(key))
    }

    /// Offset of the first line whose key is not smaller. The line before it was probed.
    fn bisect(&self, wanted: &str) -> Result<usize, ProfileError> {
        let (mut low, mut high) = (0, self.block.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let start = self.block.as_bytes()[low..middle]
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(low, |end| low + end + 1);
            let length = self.block.as_bytes()[start..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(self.block.len() - start, |end| end);
            if key_of(self.bare(&self.block[start..start + length])?) < wanted {
                low = start + length + 1;
            } else {
                high = start;
            }
        }
        Ok(low)
    }
}
