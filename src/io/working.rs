//! The working folder of a live run: what the store has answered so far, so that a run that was killed goes on where it
//! stopped. An answer is a file once it is whole; a run keeps the folder for itself while it goes.

use super::files::{self, FileError};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

const STATE: &str = "window.json";
const LOCK: &str = "lock";
/// What a run may be told by its state; a few queries.
const STATE_MAX: usize = 64 << 20;

/// A folder that this run alone works in.
#[derive(Debug)]
pub struct Working {
    folder: PathBuf,
    lock: File,
}

/// Why a folder can't be worked in.
#[derive(Debug, thiserror::Error)]
pub enum WorkingError {
    /// The system refuses.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody is at it.
    #[error("another run works in `{0}`: wait for it, or name another folder with --work")]
    Busy(String),
}

/// What is known of a part of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    No,
    /// Its answer is in this file.
    Answer(PathBuf),
    /// Its answer holds no series.
    Empty,
    /// It was too much for the store: its halves are asked.
    Halved,
}

/// The folder for such things of this user; none where the environment names no home.
pub fn cache() -> Option<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || variable("HOME").map(|home| home.join(".cache"));
    let cache = variable("XDG_CACHE_HOME")
        .or_else(home)
        .or_else(|| variable("LOCALAPPDATA"))?;
    Some(cache.join("trimtab").join("live"))
}

impl Working {
    /// Opens the folder, and makes it where there is none.
    pub fn open(folder: &Path) -> Result<Self, WorkingError> {
        fs::create_dir_all(folder).map_err(FileError::new("make", folder))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(FileError::new("make", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WorkingError::Busy(folder.display().to_string())),
            Err(TryLockError::Error(error)) => return Err(FileError::new("lock", &path)(error).into()),
        }
        Ok(Self {
            folder: folder.to_owned(),
            lock,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What an earlier run has settled; none where this is the first.
    pub fn state(&self) -> Result<Option<String>, FileError> {
        let path = self.folder.join(STATE);
        if !files::is_there(&path)? {
            return Ok(None);
        }
        files::read_text(&path, STATE_MAX).map(Some)
    }

    /// Settles what later runs are to go on with.
    pub fn settle(&self, state: &str) -> Result<(), FileError> {
        files::write(&self.folder.join(STATE), state.as_bytes())
    }

    /// Forgets what was settled and answered.
    pub fn clear(&self) -> Result<(), FileError> {
        for entry in fs::read_dir(&self.folder).map_err(FileError::new("list", &self.folder))? {
            let path = entry.map_err(FileError::new("list", &self.folder))?.path();
            if is_ours(&path) {
                fs::remove_file(&path).map_err(FileError::new("remove", &path))?;
            }
        }
        Ok(())
    }

    /// What is known of a part.
    pub fn known(&self, name: &str) -> Known {
        let path = |ending: &str| self.folder.join(format!("{name}.{ending}"));
        if path("json").is_file() {
            Known::Answer(path("json"))
        } else if path("empty").is_file() {
            Known::Empty
        } else if path("halved").is_file() {
            Known::Halved
        } else {
            Known::No
        }
    }

    /// Takes an answer as it comes; nobody sees it before it is kept.
    pub fn take(&self, name: &str) -> Result<Coming, FileError> {
        let path = self.folder.join(format!("{name}.part"));
        let file = File::create(&path).map_err(FileError::new("make", &path))?;
        Ok(Coming { path, file })
    }

    /// Keeps a whole answer.
    pub fn keep(&self, name: &str, coming: Coming, is_empty: bool) -> Result<Known, FileError> {
        let path = self
            .folder
            .join(format!("{name}.{}", if is_empty { "empty" } else { "json" }));
        coming.file.sync_all().map_err(FileError::new("write", &coming.path))?;
        drop(coming.file);
        fs::rename(&coming.path, &path).map_err(FileError::new("write", &path))?;
        Ok(if is_empty { Known::Empty } else { Known::Answer(path) })
    }

    /// Notes that a part was too much.
    pub fn halve(&self, name: &str) -> Result<(), FileError> {
        let part = self.folder.join(format!("{name}.part"));
        // there is none where the store refused at once
        let _ = fs::remove_file(part);
        files::write(&self.folder.join(format!("{name}.halved")), b"")
    }

    /// Takes the folder away, as far as all in it is ours.
    pub fn remove(self) -> Result<(), FileError> {
        self.clear()?;
        let path = self.folder.join(LOCK);
        drop(self.lock);
        // somebody may have come in meanwhile: then it is theirs
        let _ = fs::remove_file(path);
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let ending = name.rsplit('.').next().unwrap_or_default();
    name == STATE || (name.contains('-') && ["json", "empty", "halved", "part"].contains(&ending))
}

/// An answer on its way into a file.
#[derive(Debug)]
pub struct Coming {
    path: PathBuf,
    file: File,
}

impl Coming {
    /// Adds what came.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(FileError::new("write", &self.path))
    }

    /// Reads all of it again.
    pub fn read(&self) -> Result<impl Read + use<>, FileError> {
        let file = File::open(&self.path).map_err(FileError::new("read", &self.path))?;
        Ok(io::BufReader::new(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_once_it_is_kept_and_goes_with_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let working = Working::open(&folder).unwrap();
        assert!(
            matches!(Working::open(&folder), Err(WorkingError::Busy(_))),
            "one run at a time"
        );
        let mut coming = working.take("cpu.0.1-2").unwrap();
        coming.add(b"{}").unwrap();
        assert_eq!(working.known("cpu.0.1-2"), Known::No);
        let kept = working.keep("cpu.0.1-2", coming, false).unwrap();
        assert_eq!(working.known("cpu.0.1-2"), kept);
        working.halve("cpu.0.2-9").unwrap();
        assert_eq!(working.known("cpu.0.2-9"), Known::Halved);
        working.settle("{}").unwrap();
        fs::write(folder.join("mine.txt"), "a").unwrap();
        working.remove().unwrap();
        let left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["mine.txt"], "a stranger's file stays");
    }
}
