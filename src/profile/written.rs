//! A profile in its lines, put aside while others are made: they are a twentieth of the cells that they stand for, and of
//! a whole fleet still more than should be in memory.

use super::line::encode_workload;
use super::object::Digest;
use super::summary::{Row, rows};
use super::usage::{Profile, WorkloadHistory};
use crate::history::owners::WorkloadKey;
use crate::history::spool::{Kept, Room};
use std::io;

/// A profile, ready to be written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Without its workloads.
    pub(super) head: Profile,
    /// Number of lines.
    pub(super) lines: u64,
    /// Bytes of these lines with their line ends, without indent.
    pub(super) bytes: u64,
    /// Of these lines.
    pub(super) digest: String,
    /// Of the summary.
    pub(super) rows: Vec<Row>,
    /// The lines of each workload, in their order.
    workloads: Vec<Kept>,
}

/// One workload of a profile, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    kept: Kept,
    count: u64,
    bytes: u64,
    /// Of the lines, one behind the other.
    checksums: String,
    rows: Vec<Row>,
}

impl Lines {
    /// Of a workload, put aside in `room`; `head` is its profile without workloads.
    pub(super) fn of(head: &Profile, key: &WorkloadKey, workload: &WorkloadHistory, room: &Room) -> io::Result<Self> {
        let mut lines = encode_workload(key, workload);
        lines.sort_unstable();
        let checksums = lines.iter().map(|line| super::object::checksum(line)).collect();
        let mut text = lines.join("\n");
        text.push('\n');
        Ok(Self {
            kept: room.put(text.as_bytes())?,
            count: lines.len() as u64,
            bytes: text.len() as u64,
            checksums,
            rows: rows(head, key, workload),
        })
    }
}

impl Written {
    /// From the workloads, in the order of their keys: that of their lines too.
    pub(super) fn new(head: Profile, workloads: Vec<Lines>) -> Self {
        let (mut digest, mut lines, mut bytes) = (Digest::default(), 0, 0);
        let (mut all, mut rows) = (Vec::with_capacity(workloads.len()), Vec::new());
        for workload in workloads {
            digest.add(&workload.checksums);
            lines += workload.count;
            bytes += workload.bytes;
            all.push(workload.kept);
            rows.extend(workload.rows);
        }
        Self {
            head,
            lines,
            bytes,
            digest: digest.text(),
            rows,
            workloads: all,
        }
    }

    /// A whole profile as it is written, in memory.
    pub fn of(profile: &Profile) -> Self {
        let (head, room) = (profile.without_workloads(), Room::default());
        let lines = |(key, workload): (&WorkloadKey, &WorkloadHistory)| {
            Lines::of(&head, key, workload, &room).expect("broken invariant: memory keeps what it is given")
        };
        let workloads = profile.workloads.iter().map(lines).collect();
        Self::new(head.clone(), workloads)
    }

    /// Of what it is, and when; without workloads.
    pub fn head(&self) -> &Profile {
        &self.head
    }

    /// How many workloads it has.
    pub fn workloads(&self) -> usize {
        self.workloads.len()
    }

    /// Writes its lines, each behind `indent`.
    pub(super) fn write_lines(&self, indent: &str, out: &mut dyn io::Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        for workload in &self.workloads {
            workload.get(&mut bytes)?;
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                out.write_all(indent.as_bytes())?;
                out.write_all(line)?;
            }
        }
        Ok(())
    }
}
