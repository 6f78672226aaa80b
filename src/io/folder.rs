//! Folders that we generate: written whole or not at all, and never a stranger's file lost.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::files::{FileError, TEMPORARY, abandoned};
use super::kustomization::names;

/// Why a folder was not written. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refuses.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file in the way that is not ours.
    #[error(
        "`{}` was not made by trimtab (its first line is not `{mark}`); move it or choose another folder",
        path.display()
    )]
    Stranger {
        /// The file.
        path: PathBuf,
        /// The first line of our files.
        mark: String,
    },
}

/// Makes `folder` hold exactly these files of ours. Files whose first line is `mark` are ours: those that are no longer
/// among `files` go. Other files are kept, unless one has a name that we need: then nothing is changed.
///
/// The content is complete in a folder beside the old one before the two change places.
pub fn replace(folder: &Path, mark: &str, files: &BTreeMap<String, String>) -> Result<(), FolderError> {
    // a link stays a link: what it leads to is replaced
    let folder = &folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if folder.exists() {
        check_strangers(folder, folder, mark, files)?;
    }
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(FileError::new("make", parent))?;
    let beside = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempdir_in(parent)
        .map_err(FileError::new("write into", parent))?;
    let new = beside.path().join("new");
    fs::create_dir(&new).map_err(FileError::new("make", &new))?;
    for (name, text) in files {
        write_synced(&new.join(name), text)?;
    }
    sync(&new)?;
    if folder.exists() {
        let old = beside.path().join("old");
        fs::rename(folder, &old).map_err(FileError::new("replace", folder))?;
        if let Err(error) = swap(folder, (&old, &new), mark, files) {
            if old.exists() {
                // not even undone: the old content stays where it is, in the folder beside
                let _ = beside.keep();
            }
            return Err(error);
        }
    } else {
        fs::rename(&new, folder).map_err(FileError::new("make", folder))?;
    }
    sync(parent)?;
    Ok(())
}

/// Puts the new content in the place of the old one, which is already aside, and what is not ours with it. What fails
/// on the way is undone.
fn swap(
    folder: &Path,
    (old, new): (&Path, &Path),
    mark: &str,
    files: &BTreeMap<String, String>,
) -> Result<(), FolderError> {
    // read again now that nobody can add to it: what is not moved goes with the old folder
    let strangers = check_strangers(old, folder, mark, files);
    let swapped = strangers.and_then(|strangers| {
        move_all(old, new, &strangers)?;
        fs::rename(new, folder).map_err(FileError::new("replace", folder))?;
        Ok(())
    });
    if swapped.is_err() {
        let moved: Vec<String> = names(new)
            .unwrap_or_default()
            .into_iter()
            .filter(|name| !files.contains_key(name))
            .collect();
        let _ = move_all(new, old, &moved);
        let _ = fs::rename(old, folder);
    }
    swapped
}

/// The names in `folder` that are not ours; an error if one is a name that we need. `shown` is the name for people.
fn check_strangers(
    folder: &Path,
    shown: &Path,
    mark: &str,
    files: &BTreeMap<String, String>,
) -> Result<Vec<String>, FolderError> {
    let mut strangers = names(folder)?;
    strangers.retain(|name| !is_ours(&folder.join(name), mark));
    match strangers.iter().find(|name| files.contains_key(*name)) {
        Some(name) => Err(FolderError::Stranger {
            path: shown.join(name),
            mark: mark.to_owned(),
        }),
        None => Ok(strangers),
    }
}

/// Clears away what runs that were killed left beside `folder`, as far as all of it is ours, and names the rest: one was
/// killed while the old content and the new changed places, and files of others are in it.
pub fn clear_abandoned(folder: &Path, mark: &str) -> Vec<PathBuf> {
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut kept = abandoned(parent, true);
    kept.retain(|left| {
        let is_all_ours = walkdir::WalkDir::new(left)
            .into_iter()
            .all(|entry| entry.is_ok_and(|entry| entry.file_type().is_dir() || is_ours(entry.path(), mark)));
        !is_all_ours || fs::remove_dir_all(left).is_err()
    });
    kept
}

/// The files of ours in a folder, by name; none where there is no folder.
pub fn ours(folder: &Path, mark: &str) -> Result<BTreeMap<String, String>, FolderError> {
    let mut found = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for name in names(folder)? {
        let path = folder.join(&name);
        if is_ours(&path, mark) {
            let text = fs::read_to_string(&path).map_err(FileError::new("read", &path))?;
            // a checkout with CR LF (git's `core.autocrlf`) holds what was written all the same
            found.insert(name, text.replace("\r\n", "\n"));
        }
    }
    Ok(found)
}

fn is_ours(path: &Path, mark: &str) -> bool {
    use std::io::Read;
    let mut start = vec![0; mark.len() + 1];
    let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    let read = is_file.then(|| fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)));
    matches!(read, Some(Ok(()))) && start.starts_with(mark.as_bytes()) && matches!(start.last(), Some(b'\n' | b'\r'))
}

fn write_synced(path: &Path, text: &str) -> Result<(), FileError> {
    let mut file = fs::File::create_new(path).map_err(FileError::new("make", path))?;
    file.write_all(text.as_bytes()).map_err(FileError::new("write", path))?;
    file.sync_all().map_err(FileError::new("write", path))
}

fn move_all(from: &Path, to: &Path, names: &[String]) -> Result<(), FileError> {
    for name in names {
        let (from, to) = (from.join(name), to.join(name));
        fs::rename(&from, &to).map_err(FileError::new("keep", &from))?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync(folder: &Path) -> Result<(), FileError> {
    let opened = fs::File::open(folder).and_then(|folder| folder.sync_all());
    opened.map_err(FileError::new("write", folder))
}

#[cfg(not(unix))]
fn sync(_: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "# made by a test";

    fn files(names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), format!("{MARK}\nname: {name}\n")))
            .collect()
    }

    fn folder_with(names: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("rendered");
        fs::create_dir(&folder).unwrap();
        for (name, text) in names {
            fs::write(folder.join(name), text).unwrap();
        }
        (parent, folder)
    }

    #[test]
    fn a_new_folder_holds_the_files_and_its_parent_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/rendered");
        replace(&folder, MARK, &files(&["a.yaml", "b.yaml"])).unwrap();
        assert_eq!(names(&folder).unwrap(), ["a.yaml", "b.yaml"]);
        assert_eq!(names(folder.parent().unwrap()).unwrap(), ["rendered"]);
    }

    #[test]
    fn our_stale_files_go_and_strangers_stay() {
        let ours = format!("{MARK}\n");
        let longer = format!("{MARK}, nearly\n");
        let (_parent, folder) = folder_with(&[
            ("old.yaml", &ours),
            ("README.md", "hello"),
            ("near.yaml", &longer),
            ("empty", ""),
        ]);
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/x"), "x").unwrap();
        replace(&folder, MARK, &files(&["a.yaml"])).unwrap();
        assert_eq!(
            names(&folder).unwrap(),
            ["README.md", "a.yaml", "empty", "near.yaml", "sub"]
        );
        assert_eq!(fs::read_to_string(folder.join("sub/x")).unwrap(), "x");
    }

    #[test]
    fn a_stranger_in_the_way_changes_nothing() {
        let ours = format!("{MARK}\n");
        let (parent, folder) = folder_with(&[("a.yaml", "by hand"), ("old.yaml", &ours)]);
        let error = replace(&folder, MARK, &files(&["a.yaml", "b.yaml"])).unwrap_err();
        assert!(error.to_string().contains("a.yaml` was not made by trimtab"), "{error}");
        assert_eq!(names(&folder).unwrap(), ["a.yaml", "old.yaml"]);
        assert_eq!(names(parent.path()).unwrap(), ["rendered"]);
    }

    #[test]
    fn writing_the_same_again_gives_the_same() {
        let (_parent, folder) = folder_with(&[]);
        replace(&folder, MARK, &files(&["a.yaml"])).unwrap();
        let before = fs::read(folder.join("a.yaml")).unwrap();
        replace(&folder, MARK, &files(&["a.yaml"])).unwrap();
        assert_eq!(fs::read(folder.join("a.yaml")).unwrap(), before);
    }
}
