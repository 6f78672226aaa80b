//! The shop of `tests/fixtures/host`, for tests that build it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file or folder of the fixture.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/host")
        .join(name)
}

/// A copy of the shop and of the shipped wiring, as siblings of what a test adds.
pub(crate) fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(""), &folder.path().join("shop"));
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("wiring"),
        &folder.path().join("wiring"),
    );
    folder
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
