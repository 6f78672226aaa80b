//! Environments: folders that say how their workloads are to be sized.

use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::{DirEntry, WalkDir};

use super::files::FileError;
use super::functions::is_policy;
use super::kustomization::{Kustomization, Target, YamlFileError, documents, names};
use crate::krm::{ListError, Object, ResourceList};

/// The policy of an environment whose kustomization does not list it.
pub const POLICY_FILE: &str = "policy.yaml";

/// Folders that hold no environments of the user's own.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// A folder with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The folder, as it was reached from the given one.
    pub folder: PathBuf,
    /// How the policy belongs to it.
    pub wiring: Wiring,
    /// Whether there is a kustomization; else the folder holds plain manifests.
    pub has_kustomization: bool,
}

/// How a policy belongs to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Its kustomization lists it under `transformers:`.
    Transformers,
    /// It lies beside the kustomization.
    Beside(PathBuf),
}

/// Every environment in a folder and below, sorted by path. Links are not followed; hidden folders and those of build
/// tools are skipped. The folder itself may also hold plain manifests beside its policy.
pub fn find(root: &Path) -> Result<Vec<Environment>, YamlFileError> {
    let mut found: Vec<Environment> = of_plain_folder(root)?.into_iter().collect();
    let walk = WalkDir::new(root).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || is_searched(entry)) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            FileError::new("read", &path)(error.into())
        })?;
        if entry.file_type().is_dir() {
            found.extend(of_kustomization(entry.path())?);
        }
    }
    Ok(found)
}

/// The environment of one folder.
pub fn at(folder: &Path) -> Result<Option<Environment>, YamlFileError> {
    match of_kustomization(folder)? {
        None => of_plain_folder(folder),
        found => Ok(found),
    }
}

fn is_searched(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.file_type().is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_ref())
}

fn of_kustomization(folder: &Path) -> Result<Option<Environment>, YamlFileError> {
    let Some(kustomization) = Kustomization::of(folder)? else {
        return Ok(None);
    };
    let environment = |wiring| Environment {
        folder: folder.to_owned(),
        wiring,
        has_kustomization: true,
    };
    for entry in kustomization.entries("transformers") {
        if holds_policy(&kustomization.target(entry), 0)? {
            return Ok(Some(environment(Wiring::Transformers)));
        }
    }
    let beside = folder.join(POLICY_FILE);
    // a layer of policies also has a `policy.yaml`, but uses it as a resource or as a patch
    let is_beside =
        beside.is_file() && !kustomization.uses_as_material(POLICY_FILE) && has_policy(&documents(&beside)?);
    Ok(is_beside.then(|| environment(Wiring::Beside(beside))))
}

fn of_plain_folder(folder: &Path) -> Result<Option<Environment>, YamlFileError> {
    let beside = folder.join(POLICY_FILE);
    let is_plain = beside.is_file() && Kustomization::of(folder)?.is_none();
    Ok((is_plain && has_policy(&documents(&beside)?)).then(|| Environment {
        folder: folder.to_owned(),
        wiring: Wiring::Beside(beside),
        has_kustomization: false,
    }))
}

/// Whether an entry of `transformers:` is a policy: a file, or a folder that layers policies.
fn holds_policy(target: &Target, depth: usize) -> Result<bool, YamlFileError> {
    match target {
        Target::File(file) => Ok(has_policy(&documents(file)?)),
        // a circle of kustomizations is kustomize's to report
        Target::Folder(folder) if depth < 16 => {
            let Some(kustomization) = Kustomization::of(folder)? else {
                return Ok(false);
            };
            for entry in kustomization.entries("resources") {
                if holds_policy(&kustomization.target(entry), depth + 1)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Target::Inline(text) => Ok(crate::yaml::read_all(text.as_bytes(), &crate::yaml::Limits::POLICY)
            .is_ok_and(|documents| documents.iter().any(|document| is_policy(&document.value)))),
        Target::Folder(_) | Target::Elsewhere(_) => Ok(false),
    }
}

fn has_policy(documents: &[Value]) -> bool {
    documents.iter().any(is_policy)
}

/// Why plain manifests can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file can't be read.
    #[error(transparent)]
    Yaml(#[from] YamlFileError),
    /// There are no objects in it.
    #[error("`{}`: {error}", path.display())]
    Objects {
        /// File or folder.
        path: PathBuf,
        /// Why not.
        error: ListError,
    },
}

/// The objects of a file, of stdin (`-`) or of all YAML and JSON files in a folder and below, in the order of their
/// paths. In a folder, documents that are no Kubernetes objects (values files, say) are passed over.
pub fn manifests(path: &Path) -> Result<Vec<Object>, ManifestError> {
    let documents = if path.is_dir() {
        of_folder(path)?
    } else {
        documents(path)?
    };
    let list = ResourceList::parse(documents).map_err(|error| ManifestError::Objects {
        path: path.to_owned(),
        error,
    })?;
    Ok(list.items)
}

fn of_folder(folder: &Path) -> Result<Vec<Value>, YamlFileError> {
    let mut found = Vec::new();
    for name in names(folder)?
        .iter()
        .filter(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()))
    {
        let path = folder.join(name);
        if path.is_symlink() && path.is_dir() {
            continue;
        }
        if path.is_dir() {
            found.extend(of_folder(&path)?);
        } else if [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending)) {
            found.extend(
                documents(&path)?
                    .into_iter()
                    .filter(|document| document["apiVersion"].is_string() && document["kind"].is_string()),
            );
        }
    }
    Ok(found)
}
