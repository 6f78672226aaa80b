//! Answers of a metrics store: a small one into memory, many into a working folder, side by side, each tried until it is
//! whole or can't be.

use super::files::FileError;
use super::http::{Client, NoReply};
use super::working::{Coming, Known, Working};
use crate::diag::Diagnostic;
use crate::history::live::answer::{Broken, Row, check, rows};
use crate::history::live::reply::{At, Verdict};
use crate::history::live::retry::{PATIENCE, SMALL_TRIES, TRIES, wait_before};
use crate::history::live::{Query, Request, Selection, Shard};
use std::collections::VecDeque;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What of an error's body is read.
const WORDS_MAX: u64 = 64 << 10;
/// A small answer.
const SMALL_MAX: usize = 64 << 20;
/// An answer that is far beyond what was asked for: a compressed bomb, or a misjudged fleet.
const ANSWER_MAX: usize = 2 << 30;

/// Why an answer was not got.
#[derive(Debug)]
pub enum Halt {
    /// It never will be.
    Told(Box<Diagnostic>),
    /// A file of ours.
    File(FileError),
    /// It is too much at once.
    TooMuch(String),
    /// Something else has ended the run.
    Stopped,
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

enum Miss {
    Judged(Verdict),
    File(FileError),
}

impl From<FileError> for Miss {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// The rows of a small answer.
pub fn small(client: &Client, request: &Request) -> Result<Vec<Row>, Halt> {
    let asked = format!("`{}`", request.promql);
    let at = At {
        store: client.store(),
        asked: &asked,
    };
    let body = patiently(&at, SMALL_TRIES, &|| false, || {
        let mut body = Vec::new();
        receive(client, request, &at, SMALL_MAX, |bytes| {
            body.extend_from_slice(bytes);
            Ok(())
        })?;
        check(&mut body.as_slice(), request.result_type()).map_err(|broken| Miss::Judged(at.broken(&broken)))?;
        Ok(body)
    });
    match body {
        Ok(body) => Ok(rows(&body)),
        Err(Halt::TooMuch(why)) => Err(Halt::Told(Box::new(at.too_much(&why)))),
        Err(halt) => Err(halt),
    }
}

/// Tries until there is an answer, or none to be expected.
fn patiently<T>(
    at: &At<'_>,
    tries: u32,
    is_over: &dyn Fn() -> bool,
    mut attempt: impl FnMut() -> Result<T, Miss>,
) -> Result<T, Halt> {
    for next in 2.. {
        let (why, after) = match attempt() {
            Ok(answer) => return Ok(answer),
            Err(Miss::File(error)) => return Err(Halt::File(error)),
            Err(Miss::Judged(Verdict::Final(told))) => return Err(Halt::Told(told)),
            Err(Miss::Judged(Verdict::Smaller { why })) => return Err(Halt::TooMuch(why)),
            Err(Miss::Judged(Verdict::Again { why, after })) => (why, after),
        };
        if next > tries || after.is_some_and(|after| after > PATIENCE) {
            return Err(Halt::Told(Box::new(at.given_up(&why, next - 1))));
        }
        pause(after.unwrap_or_else(|| wait_before(next)), is_over)?;
    }
    Err(Halt::Stopped)
}

/// Waits, and looks now and then whether that is still of use.
fn pause(wait: Duration, is_over: &dyn Fn() -> bool) -> Result<(), Halt> {
    const LOOK: Duration = Duration::from_millis(100);
    let mut left = wait;
    while !left.is_zero() {
        if is_over() {
            return Err(Halt::Stopped);
        }
        let nap = left.min(LOOK);
        std::thread::sleep(nap);
        left -= nap;
    }
    Ok(())
}

/// One try: hands the body on as it comes.
fn receive(
    client: &Client,
    request: &Request,
    at: &At<'_>,
    most: usize,
    mut add: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), Miss> {
    let (head, mut body) = client.send(request).map_err(|none| match none {
        NoReply::Passing(why) => Miss::Judged(Verdict::Again { why, after: None }),
        NoReply::Lasting(why, help) => Miss::Judged(Verdict::Final(Box::new(at.unreachable(&why, help)))),
        NoReply::File(error) => Miss::File(error),
    })?;
    if head.status != 200 {
        let mut words = Vec::new();
        // what is missing of it is missing in the message
        let _ = body.take(WORDS_MAX).read_to_end(&mut words);
        return Err(Miss::Judged(at.failed(&head, &words)));
    }
    let mut buffer = vec![0; 64 << 10];
    let mut received = 0;
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                received += count;
                if received > most {
                    let why = format!("an answer of more than {} MiB", most >> 20);
                    return Err(Miss::Judged(Verdict::Smaller { why }));
                }
                add(&buffer[..count])?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Miss::Judged(at.broken(&Broken::Cut(error.to_string())))),
        }
    }
}

/// The answer to one shard, in a file.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The query.
    pub query: Query,
    /// Its name, to sort by.
    pub name: String,
    /// The file; none where the answer holds no series.
    pub file: Option<PathBuf>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Values of a series that were answered.
    pub done: u64,
    /// Values of a series that are asked for.
    pub all: u64,
    /// Bytes that came in this run.
    pub bytes: u64,
    /// Answers that an earlier run had got.
    pub kept: usize,
    /// Answers that came in this run.
    pub came: usize,
}

/// Many answers into a folder.
pub struct Gather<'a> {
    /// Asks the store.
    pub client: &'a Client,
    /// Takes the answers.
    pub working: &'a Working,
    /// What is asked for.
    pub selection: &'a Selection,
    /// Requests at one time.
    pub parallel: usize,
    /// Is told after each step.
    pub tell: &'a (dyn Fn(Progress) + Sync),
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Shard>,
    busy: usize,
    answered: Vec<Answered>,
    halted: Option<Halt>,
    progress: Progress,
}

enum Outcome {
    Answer(Answered, bool),
    Halves([Shard; 2]),
}

impl Gather<'_> {
    /// Asks for all shards; the first fault ends the run, and what has come stays.
    pub fn run(&self, shards: Vec<Shard>) -> Result<(Vec<Answered>, Progress), Halt> {
        let all = shards.iter().map(|shard| shard.weight(self.selection)).sum();
        let desk = Mutex::new(Desk {
            waiting: shards.into(),
            progress: Progress {
                all,
                ..Progress::default()
            },
            ..Desk::default()
        });
        let changed = Condvar::new();
        std::thread::scope(|scope| {
            for _ in 0..self.parallel.max(1) {
                scope.spawn(|| self.work(&desk, &changed));
            }
        });
        let mut desk = desk.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(halt) = desk.halted {
            return Err(halt);
        }
        desk.answered.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((desk.answered, desk.progress))
    }

    fn work(&self, desk: &Mutex<Desk>, changed: &Condvar) {
        let lock = || desk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = lock();
        loop {
            if at.halted.is_some() || (at.waiting.is_empty() && at.busy == 0) {
                changed.notify_all();
                return;
            }
            let Some(shard) = at.waiting.pop_front() else {
                // a shard in work may come back as two
                at = changed.wait(at).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            at.busy += 1;
            drop(at);
            let is_over = || lock().halted.is_some();
            let count = |bytes: u64| {
                let mut at = lock();
                at.progress.bytes += bytes;
                (self.tell)(at.progress);
            };
            let outcome = self.shard(&shard, &is_over, &count);
            at = lock();
            at.busy -= 1;
            at.settle(&shard, outcome, self.selection);
            (self.tell)(at.progress);
            changed.notify_all();
        }
    }

    fn shard(&self, shard: &Shard, is_over: &dyn Fn() -> bool, count: &dyn Fn(u64)) -> Result<Outcome, Halt> {
        let name = shard.name();
        let answered = |known: Known, is_new: bool| {
            let file = match known {
                Known::Answer(path) => Some(path),
                _ => None,
            };
            let query = shard.query.clone();
            Outcome::Answer(
                Answered {
                    query,
                    name: name.clone(),
                    file,
                },
                is_new,
            )
        };
        let halves = || shard.halves(self.selection).map(Outcome::Halves);
        match self.working.known(&name) {
            Known::No => {}
            Known::Halved => return halves().ok_or(Halt::Stopped),
            known => return Ok(answered(known, false)),
        }
        let asked = format!("`{}`, {} to {}", shard.query.id, shard.span.from, shard.span.to);
        let at = At {
            store: self.client.store(),
            asked: &asked,
        };
        let request = shard.request(self.selection);
        let got = patiently(&at, TRIES, is_over, || {
            let (coming, is_empty) = self.one_try(&request, &at, &name, count)?;
            Ok(self.working.keep(&name, coming, is_empty)?)
        });
        match got {
            Ok(known) => Ok(answered(known, true)),
            Err(Halt::TooMuch(why)) => {
                let halves = halves().ok_or_else(|| Halt::Told(Box::new(at.too_much(&why))))?;
                self.working.halve(&name)?;
                Ok(halves)
            }
            Err(halt) => Err(halt),
        }
    }

    fn one_try(&self, request: &Request, at: &At<'_>, name: &str, count: &dyn Fn(u64)) -> Result<(Coming, bool), Miss> {
        let mut coming = self.working.take(name)?;
        receive(self.client, request, at, ANSWER_MAX, |bytes| {
            count(bytes.len() as u64);
            coming.add(bytes)
        })?;
        let summary = check(&mut coming.read()?, request.result_type());
        let summary = summary.map_err(|broken| Miss::Judged(at.broken(&broken)))?;
        Ok((coming, summary.series == 0))
    }
}

impl Desk {
    fn settle(&mut self, shard: &Shard, outcome: Result<Outcome, Halt>, selection: &Selection) {
        match outcome {
            Ok(Outcome::Answer(answered, is_new)) => {
                self.progress.done += shard.weight(selection);
                self.progress.came += usize::from(is_new);
                self.progress.kept += usize::from(!is_new);
                self.answered.push(answered);
            }
            Ok(Outcome::Halves([first, second])) => {
                self.waiting.push_front(second);
                self.waiting.push_front(first);
            }
            // the first one tells the reason, those that it stopped none
            Err(halt) => {
                self.halted.get_or_insert(halt);
            }
        }
    }
}
