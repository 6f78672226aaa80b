//! The profile as a KRM object: a small YAML head, and one block scalar of sorted lines behind a version line.
//!
//! The block is written as text, never as YAML, and read so (`opened.rs`). In a parsed object (function mode) the same
//! lines are one string.

use super::checksum::Checksum;
use super::summary::summary;
use super::usage::{Profile, Scope, Source, Window};
use super::written::Written;
use crate::diag::code;
use crate::history::note::Note;
use crate::history::samples::is_name;
use crate::history::signal::Signal;
use crate::units::{Seconds, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// Group and version of the kind.
pub const API_VERSION: &str = "trimtab.dev/v1alpha1";
/// The kind.
pub const KIND: &str = "UsageProfile";
/// The line by which a text is known to hold a profile.
pub const KIND_LINE: &str = "kind: UsageProfile";
/// First line of the data.
pub const VERSION_LINE: &str = "trimtab-profile v1";
pub(super) const DATA_KEY: &str = "  data: |\n";
pub(super) const INDENT: &str = "    ";

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
    /// Bytes of these lines with their line ends, without indent: what the next document of a file stands behind.
    pub bytes: u64,
    /// Digest of the checksums of these lines: lines of two profiles that were mixed do not fit it.
    pub digest: String,
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

impl ProfileError {
    /// As it is told of a file (or of an object, by its kind and name).
    pub fn note(&self, file: &str) -> Note {
        let note = Note::error(code::PROFILE_MALFORMED, self.what.clone()).in_file(file);
        let note = note.help("make it again with `trimtab profile`, or restore the file as it was committed");
        match self.line {
            Some(line) => note.at_row(line),
            None => note,
        }
    }
}

pub(super) fn fault(what: impl Into<String>, line: impl Into<Option<u64>>) -> ProfileError {
    ProfileError {
        what: what.into(),
        line: line.into(),
    }
}

/// Profiles as one YAML stream.
pub fn to_text(profiles: &[Profile]) -> String {
    let written: Vec<_> = profiles.iter().map(Written::of).collect();
    text(&written).expect("broken invariant: memory keeps what it is given")
}

/// The same of profiles that are lines already; an error is one of where these were put aside.
pub fn text(profiles: &[Written]) -> io::Result<String> {
    let mut out = Vec::new();
    write(profiles, &mut out)?;
    Ok(String::from_utf8(out).expect("broken invariant: lines are text"))
}

/// Writes them.
pub fn write(profiles: &[Written], out: &mut dyn io::Write) -> io::Result<()> {
    for (place, written) in profiles.iter().enumerate() {
        if place > 0 {
            out.write_all(b"---\n")?;
        }
        out.write_all(summary(written).as_bytes())?;
        let head = object(written);
        let yaml = serde_saphyr::to_string(&head).expect("broken invariant: a head has only texts and numbers");
        writeln!(out, "{yaml}{DATA_KEY}{INDENT}{}", version_line(&identity(&head.spec)))?;
        written.write_lines(INDENT, out)?;
    }
    Ok(())
}

/// Everything that a plan may rest on, the lines by their digest, in one text; `spec` has no data.
pub(super) fn identity(spec: &ProfileSpec) -> String {
    serde_json::to_string(spec).expect("broken invariant: a head has only texts and numbers")
}

/// The version, and a checksum of everything in the head that a plan may rest on.
pub(super) fn version_line(identity: &str) -> String {
    format!("{VERSION_LINE} {}", Checksum::of(identity.as_bytes()))
}

/// `sha256:` and 64 bits in hex.
const DIGEST_LENGTH: usize = 23;

/// Digest of lines by the checksums at their ends, each of which is found right wherever its line is read.
pub(super) fn digest<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    let mut digest = Digest::default();
    for line in lines {
        digest.add(checksum(line));
    }
    digest.text()
}

/// The checksum at the end of a line.
pub(super) fn checksum(line: &str) -> &str {
    &line[line.len().saturating_sub(Checksum::LENGTH)..]
}

/// The digest of a profile's lines while their checksums come in.
#[derive(Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    /// Takes the checksums of the next lines, one behind the other.
    pub(super) fn add(&mut self, checksums: &str) {
        self.0.update(checksums.as_bytes());
    }

    pub(super) fn text(self) -> String {
        let mut text = "sha256:".to_owned();
        for byte in self.0.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text.truncate(DIGEST_LENGTH);
        text
    }
}

fn object(written: &Written) -> ProfileObject {
    let profile = &written.head;
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
        lines: written.lines,
        bytes: written.bytes,
        digest: written.digest.clone(),
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

/// The object form of a profile.
pub fn to_object(profile: &Profile) -> ProfileObject {
    let written = Written::of(profile);
    let mut object = object(&written);
    let mut data = version_line(&identity(&object.spec)).into_bytes();
    data.push(b'\n');
    let lines = written.write_lines("", &mut data);
    lines.expect("broken invariant: memory keeps what it is given");
    object.spec.data = String::from_utf8(data).expect("broken invariant: lines are text");
    object
}

pub(super) fn read_head(object: ProfileObject) -> Result<Profile, ProfileError> {
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
    Ok(profile)
}
