//! Files: whole, as a stream, and written at once or not at all. `-` is stdin or stdout. Every error names the path.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that could not be read or written.
#[derive(Debug, Error)]
#[error("cannot {action} `{path}`: {reason}")]
pub struct FileError {
    action: &'static str,
    path: String,
    // not a `source`: the message holds it already, and a chain of causes would say it twice
    reason: std::io::Error,
}

impl FileError {
    /// What the system said to one action on one file.
    pub(crate) fn new(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |reason| Self { action, path, reason }
    }
}

impl FileError {
    /// What was met on a walk through a folder: the system's words, or a circle of links.
    pub(super) fn walking(action: &'static str, path: &Path, error: walkdir::Error) -> Self {
        let words = error.to_string();
        let reason = error.into_io_error().unwrap_or_else(|| std::io::Error::other(words));
        Self::new(action, path)(reason)
    }
}

/// Whether `-` is meant: stdin or stdout.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file, or stdin for `-`, as a stream.
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, FileError> {
    if is_standard(path) {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).map_err(FileError::new("open", path))?;
    // opening a folder works; only reading it fails, without its name
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(FileError::new("read", path)(source));
    }
    Ok(Box::new(file))
}

/// What tells whether a file is still the one it was: which, how long, when it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    length: u64,
    written: Option<std::time::SystemTime>,
    #[cfg(unix)]
    number: (u64, u64),
}

impl Stamp {
    /// Of a file as it is now; `None` for what is no file, such as a pipe.
    pub fn of(path: &Path) -> Option<Self> {
        let known = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Self {
            length: known.len(),
            written: known.modified().ok(),
            #[cfg(unix)]
            number: {
                use std::os::unix::fs::MetadataExt as _;
                (known.dev(), known.ino())
            },
        })
    }
}

/// Opens a file, or stdin for `-`, for reading lines.
pub fn open_lines(path: &Path) -> Result<Box<dyn BufRead + Send>, FileError> {
    Ok(Box::new(BufReader::new(open(path)?)))
}

/// Reads a whole file, or stdin for `-`; one of more than `limit` bytes is an error.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?
        .take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FileError::new("read", path))?;
    if bytes.len() > limit {
        let source = std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        );
        return Err(FileError::new("read", path)(source));
    }
    Ok(bytes)
}

/// Reads a whole text, or stdin for `-`.
pub fn read_text(path: &Path, limit: usize) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count();
        let what = format!("it is not UTF-8 (line {line})");
        FileError::new("read", path)(std::io::Error::new(std::io::ErrorKind::InvalidData, what))
    })
}

/// Writes a whole file, or stdout for `-`: a reader sees the old content or the new, never a part. A file whose content
/// is already this keeps its time of change.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    write_by(path, &|out| out.write_all(content))
}

/// What writes the content of a file.
pub type Content<'c> = &'c dyn Fn(&mut dyn Write) -> std::io::Result<()>;

/// The same with content that is not in memory: `content` is called once or twice and must write the same each time.
pub fn write_by(path: &Path, content: Content<'_>) -> Result<(), FileError> {
    let failed = FileError::new("write", path);
    if is_standard(path) {
        return buffered(std::io::stdout().lock(), content).map_err(failed);
    }
    let known = std::fs::metadata(path).ok();
    if known.as_ref().is_some_and(|known| !known.is_file() && !known.is_dir()) {
        // a device or a pipe is written to, never replaced
        let opened = File::options().write(true).open(path);
        return opened.and_then(|file| buffered(file, content)).map_err(failed);
    }
    if known.is_some_and(|known| known.is_file()) && Same::holds(path, content).unwrap_or(false) {
        return Ok(());
    }
    // a link is written through, not replaced
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    write_beside(folder, &target, content).map_err(failed)
}

fn buffered(out: impl Write, content: Content<'_>) -> std::io::Result<()> {
    let mut out = BufWriter::new(out);
    content(&mut out)?;
    out.flush()
}

/// Holds what is written against a file; an error at the first difference.
struct Same {
    known: BufReader<File>,
    bytes: Vec<u8>,
}

impl Same {
    fn holds(path: &Path, content: Content<'_>) -> std::io::Result<bool> {
        let known = BufReader::new(File::open(path)?);
        let mut same = Self {
            known,
            bytes: Vec::new(),
        };
        content(&mut same)?;
        Ok(same.known.fill_buf()?.is_empty())
    }
}

impl Write for Same {
    fn write(&mut self, next: &[u8]) -> std::io::Result<usize> {
        self.bytes.resize(next.len(), 0);
        self.known.read_exact(&mut self.bytes)?;
        if self.bytes == next {
            Ok(next.len())
        } else {
            Err(ErrorKind::InvalidData.into())
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_beside(folder: &Path, target: &Path, content: Content<'_>) -> std::io::Result<()> {
    Ready::of(folder, target, content)?.put()
}

/// Files that belong together: all are written beside their places before the first one takes its place, so that what can
/// fail (a full disk, a folder that may not be written to) leaves every one of them as it was.
pub fn write_each(files: &[(PathBuf, Content<'_>)]) -> Result<(), FileError> {
    let mut ready: Vec<(&PathBuf, Ready)> = Vec::with_capacity(files.len());
    let mut targets = std::collections::BTreeSet::new();
    for (path, content) in files {
        let failed = FileError::new("write", path);
        // a link is written through, not replaced
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if target
            .symlink_metadata()
            .is_ok_and(|known| !known.is_file() && !known.is_dir())
        {
            let why =
                "it is a pipe, a device or a link that leads nowhere, and files that belong together replace files";
            return Err(failed(std::io::Error::new(ErrorKind::InvalidInput, why)));
        }
        if !targets.insert(target.clone()) {
            let why = "another file of the same output leads to the same place by a link";
            return Err(failed(std::io::Error::new(ErrorKind::InvalidInput, why)));
        }
        if target.is_file() && Same::holds(&target, content).unwrap_or(false) {
            continue;
        }
        let folder = target.parent().unwrap_or(Path::new("."));
        ready.push((path, Ready::of(folder, &target, content).map_err(failed)?));
    }
    for (path, file) in ready {
        file.put().map_err(FileError::new("write", path))?;
    }
    Ok(())
}

/// A file that is written, and not in its place yet.
struct Ready {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Ready {
    fn of(folder: &Path, target: &Path, content: Content<'_>) -> std::io::Result<Self> {
        for left in abandoned(folder, false) {
            // another run may have been faster
            let _ = std::fs::remove_file(left);
        }
        if target.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
        buffered(&mut file, content)?;
        // temporary files are private; the result has the mode of what it replaces, or that of any new file
        let permissions = match std::fs::metadata(target) {
            Ok(known) => known.permissions(),
            Err(_) => new_file_permissions(folder)?,
        };
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        let target = target.to_owned();
        Ok(Self { file, target })
    }

    fn put(self) -> std::io::Result<()> {
        self.file.persist(&self.target)?;
        if let Some(Ok(folder)) = self.target.parent().map(File::open) {
            // some file systems cannot; the content itself is safe
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Makes a folder, and those it lies in.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(FileError::new("make the folder", path))
}

/// What the process's mask gives to a new file: asked by making one.
fn new_file_permissions(folder: &Path) -> std::io::Result<std::fs::Permissions> {
    let probe = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .make_in(folder, |path| File::create_new(path))?;
    Ok(probe.as_file().metadata()?.permissions())
}

/// Whether there is a file of that name. What is there and is none (a folder, a pipe, a link that leads nowhere) is an
/// error: somebody means it as the file, and to go on without would lose what it says.
pub fn is_there(path: &Path) -> Result<bool, FileError> {
    let refuse = |what: &'static str| FileError::new("read", path)(std::io::Error::other(what));
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(false),
        Err(error) => return Err(FileError::new("read", path)(error)),
    };
    match std::fs::metadata(path) {
        Ok(meant) if meant.is_file() => Ok(true),
        Ok(meant) if meant.is_dir() => Err(refuse("it is a folder, and a file is wanted there")),
        Ok(_) => Err(refuse("it is a pipe or a device, and a file is wanted there")),
        Err(_) if found.is_symlink() => Err(refuse("it is a link that leads nowhere")),
        Err(error) => Err(FileError::new("read", path)(error)),
    }
}

/// What the names of our temporary files and folders begin with. Only a run that was killed leaves one.
pub(super) const TEMPORARY: &str = ".trimtab-";

/// No write takes so long: what is older is of nobody who still runs.
const ABANDONED: std::time::Duration = std::time::Duration::from_hours(1);

/// Temporary files or folders of ours in a folder, of runs that were killed.
pub(super) fn abandoned(folder: &Path, is_folder: bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let is_old = |entry: &std::fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(|known| known.is_dir() == is_folder);
        let age = metadata.and_then(|known| known.modified().ok()?.elapsed().ok());
        age.is_some_and(|age| age > ABANDONED)
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(std::io::Result::ok)
        .filter(|entry| is_temporary(&entry.file_name()) && is_old(entry))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// As `tempfile` makes them: six letters or digits behind our mark.
fn is_temporary(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
    random.is_some_and(|random| random.len() == 6 && random.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Whether this is meant as a folder: it is one, or ends like one.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/')
}

/// Files below a folder, links to files among them, whose names end with one of these, in the order of their paths; a file stands for itself.
pub fn list(path: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let walk = walkdir::WalkDir::new(path).sort_by_file_name();
    let is_listed = |entry: &walkdir::DirEntry| entry.depth() == 0 || !is_temporary(entry.file_name());
    for entry in walk.into_iter().filter_entry(is_listed) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(path).to_owned();
            FileError::walking("list", &path, error)
        })?;
        let name = entry.file_name().to_string_lossy();
        let is_named = entry.depth() == 0 || endings.iter().any(|ending| name.ends_with(ending));
        // a link to a file is one, a link to a folder is not followed
        let is_file = entry.file_type().is_file() || (entry.path_is_symlink() && entry.path().is_file());
        if is_named && is_file {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn files_that_belong_together_never_share_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("target"), "before").unwrap();
        std::os::unix::fs::symlink("target", at("one")).unwrap();
        std::os::unix::fs::symlink("target", at("other")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        let write = |names: [&str; 2]| {
            let [one, other] = names.map(|name| move |out: &mut dyn Write| out.write_all(name.as_bytes()));
            write_each(&[(at(names[0]), &one), (at(names[1]), &other)])
        };
        for (names, why) in [
            (["one", "other"], "leads to the same place"),
            (["one", "dangling"], "a link that leads nowhere"),
        ] {
            let text = write(names).unwrap_err().to_string();
            assert!(text.contains(why), "{text}");
            assert_eq!(std::fs::read_to_string(at("target")).unwrap(), "before");
        }
        write(["one", "new"]).unwrap();
        assert_eq!(std::fs::read_to_string(at("target")).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(at("new")).unwrap(), "new");
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.yaml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["out.yaml"], "no temporary file is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            write(&path, b"three").unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let reader = std::thread::spawn({
            let path = path.clone();
            move || std::fs::read(path).unwrap()
        });
        write(&path, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(std::fs::metadata(&path).unwrap().file_type().is_fifo(), "still a pipe");
    }

    #[test]
    fn errors_name_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("file/out.yaml");
        write(&folder.path().join("file"), b"not a folder").unwrap();
        for error in [
            write(&missing, b"x").unwrap_err().to_string(),
            read(&missing, 10).unwrap_err().to_string(),
            read(folder.path(), 10).unwrap_err().to_string(),
        ] {
            assert!(error.contains(&folder.path().display().to_string()), "{error}");
        }
        let large = folder.path().join("large");
        write(&large, b"12345").unwrap();
        assert!(read(&large, 4).unwrap_err().to_string().contains("larger than 4 bytes"));
    }
}
