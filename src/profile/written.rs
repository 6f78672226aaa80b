//! A profile in its lines: what is kept while others are made, a twentieth of the cells that the lines stand for.

use super::line::encode_workload;
use super::summary::{Row, rows};
use super::usage::{Profile, WorkloadHistory};
use crate::history::owners::WorkloadKey;

/// A profile, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Without its workloads.
    pub(super) head: Profile,
    pub(super) workloads: usize,
    /// Sorted, each with its checksum and without its line end.
    pub(super) lines: Vec<String>,
    /// Of the summary.
    pub(super) rows: Vec<Row>,
}

/// One workload of a profile, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    lines: Vec<String>,
    rows: Vec<Row>,
}

impl Lines {
    /// Of a workload; `head` is its profile without workloads.
    pub(super) fn of(head: &Profile, key: &WorkloadKey, workload: &WorkloadHistory) -> Self {
        Self {
            lines: encode_workload(key, workload),
            rows: rows(head, key, workload),
        }
    }
}

impl Written {
    /// From the workloads, in their order.
    pub(super) fn new(head: Profile, workloads: Vec<Lines>) -> Self {
        let mut written = Self {
            head,
            workloads: workloads.len(),
            lines: Vec::new(),
            rows: Vec::new(),
        };
        for workload in workloads {
            written.lines.extend(workload.lines);
            written.rows.extend(workload.rows);
        }
        written.lines.sort_unstable();
        written
    }

    /// A whole profile as it is written.
    pub fn of(profile: &Profile) -> Self {
        let head = profile.without_workloads();
        let workloads = profile
            .workloads
            .iter()
            .map(|(key, workload)| Lines::of(&head, key, workload))
            .collect();
        Self::new(head, workloads)
    }

    /// Of what it is, and when; without workloads.
    pub fn head(&self) -> &Profile {
        &self.head
    }

    /// How many workloads it has.
    pub fn workloads(&self) -> usize {
        self.workloads
    }
}
