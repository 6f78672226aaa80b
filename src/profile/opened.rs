//! A profile that was found and not read: its head, and where its lines are.
//!
//! A build of ten workloads beside a profile of thousands reads the heads and the lines of the ten. The head says how many
//! bytes its lines have, so that what stands behind them is found without looking at them. What is read of a part is
//! checked as `lines.rs` says; reading all of a profile checks every line, their number, their order and their digest.

pub use super::line::Asked;
use super::lines::{Lines, Search, count_ends};
use super::object::{DATA_KEY, INDENT, KIND_LINE, ProfileError, ProfileObject, ProfileSpec, VERSION_LINE};
use super::object::{digest, fault, identity, read_head, version_line};
use super::usage::{Profile, WorkloadHistory};
use crate::history::owners::WorkloadKey;
use crate::history::spool::Stored;
use crate::yaml::{self, Limits};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A head of 5000 workloads, with the summary above it, is half a megabyte; what is far larger is no profile.
const HEAD_MAX: u64 = 16 << 20;
/// How much is read at first to find a head.
const HEAD_USUAL: u64 = 16 << 10;
const DOCUMENT_START: &str = "---\n";

/// A text in memory.
#[derive(Debug)]
struct Held(Vec<u8>);

impl Stored for Held {
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = self.0.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A stream of profiles that can be read at any place.
#[derive(Clone, Debug)]
pub struct ProfileStream {
    stored: Arc<dyn Stored>,
    length: u64,
}

impl From<String> for ProfileStream {
    fn from(text: String) -> Self {
        let length = text.len() as u64;
        let stored = Arc::new(Held(text.into_bytes()));
        Self { stored, length }
    }
}

impl ProfileStream {
    /// Of so many bytes.
    pub fn new(stored: Arc<dyn Stored>, length: u64) -> Self {
        Self { stored, length }
    }

    /// Its profiles, every line of them read and checked.
    pub fn read(&self) -> Result<Vec<Profile>, ProfileError> {
        self.open()?.iter().map(ProfileText::read).collect()
    }

    /// Finds its profiles without reading their lines.
    ///
    /// A checkout on Windows (git's `core.autocrlf`) ends every line in CR LF, and checksums are over lines that don't:
    /// such a text is read whole.
    pub fn open(&self) -> Result<Vec<ProfileText>, ProfileError> {
        let first = self.bytes(0, self.length.min(HEAD_USUAL))?;
        let first_end = first.iter().position(|&byte| byte == b'\n');
        if first_end.is_some_and(|end| first[..end].ends_with(b"\r")) {
            let text = String::from_utf8(self.bytes(0, self.length)?).map_err(|_| fault("is not UTF-8", None))?;
            return Self::from(text.replace("\r\n", "\n")).documents();
        }
        self.documents()
    }

    fn documents(&self) -> Result<Vec<ProfileText>, ProfileError> {
        let mut profiles = Vec::new();
        let start = DOCUMENT_START.len() as u64;
        let has_mark = self.length >= start && self.bytes(0, start)? == DOCUMENT_START.as_bytes();
        let (mut at, mut line) = if has_mark { (start, 2) } else { (0, 1) };
        while !self.is_blank(at)? {
            let (profile, end) = self.document(at, line)?;
            let lines = &profile.lines;
            line = lines.first_line + profile.spec.lines + 1;
            profiles.push(profile);
            at = end + start;
        }
        if profiles.is_empty() {
            return Err(fault("holds no UsageProfile", None));
        }
        Ok(profiles)
    }

    fn bytes(&self, start: u64, end: u64) -> Result<Vec<u8>, ProfileError> {
        let length = end.min(self.length).saturating_sub(start);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = self.stored.get(start, &mut bytes);
        read.map_err(|error| fault(format!("can't be read: {error}"), None))?;
        Ok(bytes)
    }

    /// Whether nothing but blanks stands behind this.
    fn is_blank(&self, start: u64) -> Result<bool, ProfileError> {
        // mostly the first byte tells
        let (mut at, mut reach) = (start, 16);
        while at < self.length {
            let part = self.bytes(at, at + reach)?;
            if !part.trim_ascii().is_empty() {
                return Ok(false);
            }
            at += part.len() as u64;
            reach = (reach * 2).min(HEAD_USUAL);
        }
        Ok(true)
    }

    /// The profile whose head starts here, on this line, and where it ends.
    fn document(&self, start: u64, line: u64) -> Result<(ProfileText, u64), ProfileError> {
        let Head { above, version, length } = self.head(start, line)?;
        let version_line = line + count_ends(above.as_bytes()) + 1;
        let object = read_above(&above, line)?;
        let identity = identity(&object.spec);
        check_version(&version, INDENT, &identity, version_line)?;
        let (lines, bytes) = (object.spec.lines, object.spec.bytes);
        let indents = lines.saturating_mul(INDENT.len() as u64);
        let lines = Lines {
            stored: self.stored.clone(),
            start: start + length,
            length: bytes.saturating_add(indents),
            indent: INDENT,
            first_line: version_line + 1,
        };
        let end = lines.start.saturating_add(lines.length);
        if !self.is_end(end)? {
            return Err(self.misfit(&lines, &object.spec));
        }
        Ok((ProfileText::new(object, identity, lines)?, end))
    }

    fn head(&self, start: u64, line: u64) -> Result<Head, ProfileError> {
        let mut bytes = Vec::new();
        loop {
            let read = bytes.len() as u64;
            bytes.append(&mut self.bytes(start + read, start + read + read.max(HEAD_USUAL))?);
            let is_all = start + bytes.len() as u64 == self.length;
            let found = end_of_head(&bytes);
            if found.is_none() && is_all && memchr::memmem::find(&bytes, KIND_LINE.as_bytes()).is_none() {
                return Err(fault("is no UsageProfile", None));
            }
            if let Some(at) = memchr::memchr(b'\r', &bytes[..found.map_or(bytes.len(), |(_, end)| end)]) {
                let what = "has a carriage return inside a line, which no profile is written with";
                return Err(fault(what, line + count_ends(&bytes[..at])));
            }
            match found {
                Some((data, end)) if end < bytes.len() || is_all => {
                    let text = |part: &[u8]| String::from_utf8(part.to_vec()).map_err(|_| fault("is not UTF-8", line));
                    return Ok(Head {
                        above: text(&bytes[..data])?,
                        version: text(bytes[data + DATA_KEY.len()..end].trim_ascii_end())?,
                        length: end as u64,
                    });
                }
                _ if is_all || read >= HEAD_MAX => return Err(fault("has no `spec.data` block", line)),
                _ => {}
            }
        }
    }

    /// Whether a document ends here.
    fn is_end(&self, at: u64) -> Result<bool, ProfileError> {
        if at >= self.length {
            return Ok(at == self.length && self.bytes(at - 1, at)? == b"\n");
        }
        let behind = self.bytes(at - 1, at + DOCUMENT_START.len() as u64)?;
        let is_next = behind.ends_with(format!("\n{DOCUMENT_START}").as_bytes());
        Ok(is_next || (behind[0] == b'\n' && self.is_blank(at)?))
    }

    /// Why a profile does not end where its head says.
    fn misfit(&self, lines: &Lines, spec: &ProfileSpec) -> ProfileError {
        let length = self.length.saturating_sub(lines.start);
        let lines = Lines {
            length,
            ..lines.clone()
        };
        let rest = match lines.text(0, length) {
            Ok(rest) => rest,
            Err(error) => return error,
        };
        let end = rest.find(&format!("\n{DOCUMENT_START}"));
        lines.miscounted(&rest[..end.map_or(rest.len(), |end| end + 1)], spec)
    }
}

/// The parts of a document above its lines.
struct Head {
    /// Without the line of the data's key.
    above: String,
    version: String,
    /// Bytes from the start of the document to its lines.
    length: u64,
}

/// Where the data's key starts, and the end of the line behind it.
fn end_of_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let data = memchr::memmem::find(bytes, format!("\n{DATA_KEY}").as_bytes())? + 1;
    let version = data + DATA_KEY.len();
    let end = memchr::memchr(b'\n', &bytes[version..]).map_or(bytes.len(), |end| version + end + 1);
    Some((data, end))
}

/// The object above the lines. The summary is left out: a YAML reader is slow on comments. What the guarded reader or the
/// types refuse is read again by the one that knows the place of it.
fn read_above(above: &str, line: u64) -> Result<ProfileObject, ProfileError> {
    let mut length = 0;
    while above[length..].starts_with('#') {
        let end = memchr::memchr(b'\n', &above.as_bytes()[length..]);
        length = end.map_or(above.len(), |end| length + end + 1);
    }
    let (summary, object) = above.split_at(length);
    if let Ok(value) = yaml::read_one(object.as_bytes(), &Limits::STREAM)
        && let Ok(object) = serde_json::from_value(value)
    {
        return Ok(object);
    }
    serde_yaml::from_str(object).map_err(|error| {
        let line = line + count_ends(summary.as_bytes());
        let place = error.location().map(|at| line + at.line() as u64 - 1);
        fault(error.to_string(), place)
    })
}

/// Whether the version line is one, and of this head.
fn check_version(found: &str, indent: &str, identity: &str, number: u64) -> Result<(), ProfileError> {
    let found = found.strip_prefix(indent).unwrap_or(found);
    if found == version_line(identity) {
        return Ok(());
    }
    let checksum = found.strip_prefix(VERSION_LINE).filter(|rest| rest.starts_with(' '));
    let what = match checksum {
        Some(_) => "the checksum is not of the fields above it: the profile was damaged or edited".to_owned(),
        None => format!("the data begins with `{}`, not with `{VERSION_LINE}`", found.trim()),
    };
    Err(fault(what, number))
}

/// A profile whose lines are not read yet.
#[derive(Clone, Debug)]
pub struct ProfileText {
    head: Profile,
    /// Without the data.
    spec: ProfileSpec,
    identity: String,
    lines: Lines,
}

impl ProfileText {
    fn new(object: ProfileObject, identity: String, lines: Lines) -> Result<Self, ProfileError> {
        let spec = object.spec.clone();
        let head = read_head(object)?;
        Ok(Self {
            head,
            spec,
            identity,
            lines,
        })
    }

    /// Everything but the workloads.
    pub fn head(&self) -> &Profile {
        &self.head
    }

    /// One text for all that a plan may rest on: equal for equal profiles, whatever file they stand in.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Reads every line.
    pub fn read(&self) -> Result<Profile, ProfileError> {
        let text = self.lines.text(0, self.lines.length)?;
        self.lines.miscount(&text, &self.spec)?;
        let found = digest(text.lines());
        let workloads = self.lines.decode(&text, 0, Asked::Everything)?.workloads;
        if found != self.spec.digest {
            let what =
                "the lines are not those that the head was written with: lines of another profile are among them";
            return Err(fault(what, None));
        }
        Ok(Profile {
            workloads,
            ..self.head.clone()
        })
    }

    /// Reads of one workload what is asked for; `None` when it is not there.
    pub fn workload(&self, key: &WorkloadKey, asked: Asked) -> Result<Option<WorkloadHistory>, ProfileError> {
        Ok(self.workloads([(key.clone(), asked)])?.remove(key))
    }

    /// Reads of each workload that is there what is asked for. Lines of others are not read, but for those that the search
    /// looks at.
    pub fn workloads(
        &self,
        asked: impl IntoIterator<Item = (WorkloadKey, Asked)>,
    ) -> Result<BTreeMap<WorkloadKey, WorkloadHistory>, ProfileError> {
        let mut search = Search::new(&self.lines);
        let mut found = BTreeMap::new();
        for (key, asked) in asked {
            let (start, end) = search.of(&key.to_string())?;
            let text = self.lines.text(start, end)?;
            let mut workloads = self.lines.decode(&text, start, asked)?.workloads;
            found.extend(workloads.remove_entry(&key));
            if let Some(other) = workloads.keys().next() {
                return Err(self.lines.fault_at(start, &format!("`{other}` is out of order")));
            }
        }
        Ok(found)
    }
}

/// Takes the object form, as a function gets it, to its lines.
pub fn from_object(object: &ProfileObject) -> Result<ProfileText, ProfileError> {
    let spec = ProfileSpec {
        data: String::new(),
        ..object.spec.clone()
    };
    let (version, lines) = object.spec.data.split_once('\n').unwrap_or((&object.spec.data, ""));
    let identity = identity(&spec);
    check_version(version, "", &identity, 1)?;
    let head = ProfileObject { spec, ..object.clone() };
    let lines = Lines {
        length: lines.len() as u64,
        stored: Arc::new(Held(lines.as_bytes().to_vec())),
        start: 0,
        indent: "",
        first_line: 2,
    };
    ProfileText::new(head, identity, lines)
}
