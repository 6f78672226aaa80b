//! The real kustomizes that the tests run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The versions every host test runs on: oldest and newest supported, and one that large platforms still ship.
pub(crate) const VERSIONS: [&str; 3] = ["5.0.1", "5.4.3", "5.8.2"];

/// One kustomize of the pinned tools.
#[derive(Clone, Debug)]
pub(crate) struct Kustomize {
    pub(crate) version: &'static str,
    pub(crate) path: PathBuf,
}

impl Kustomize {
    /// All versions.
    pub(crate) fn all() -> Vec<Self> {
        VERSIONS.into_iter().map(Self::version).collect()
    }

    /// The newest one, for what is not about versions.
    pub(crate) fn newest() -> Self {
        Self::version(VERSIONS[2])
    }

    fn version(version: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(".tools/kustomize/{version}/kustomize"));
        assert!(path.exists(), "{} is missing: run `make tools`", path.display());
        Self { version, path }
    }

    /// `kustomize build FOLDER` without functions.
    pub(crate) fn build(&self, folder: &Path) -> Output {
        self.command().arg("build").arg(folder).output().unwrap()
    }

    /// `kustomize build FOLDER` with exec functions, the `trimtab` under test first in `PATH`.
    pub(crate) fn build_with_functions(&self, folder: &Path) -> Output {
        let mut command = self.command();
        command
            .args(["build", "--enable-alpha-plugins", "--enable-exec"])
            .arg(folder);
        command.output().unwrap()
    }

    /// A kustomize that finds the `trimtab` under test.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env("PATH", path_with_trimtab());
        command
    }
}

/// `PATH` with the folder of the `trimtab` under test in front.
pub(crate) fn path_with_trimtab() -> std::ffi::OsString {
    let folder = Path::new(env!("CARGO_BIN_EXE_trimtab")).parent().unwrap().to_owned();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&rest))).unwrap()
}

/// The objects of a successful build, in order.
pub(crate) fn objects(output: &Output) -> Vec<Value> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    yaml(&String::from_utf8_lossy(&output.stdout))
}

/// The documents of a YAML text, read by the test's own reader.
pub(crate) fn yaml(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .filter(|value: &Value| !value.is_null())
        .collect()
}

/// Writes the files of a folder, made with its parents: `("base/kustomization.yaml", "…")`.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
