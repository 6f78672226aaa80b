//! Manifests of a file, of stdin or of a folder that has no kustomization.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environments::SKIPPED;
use super::files;
use super::kustomization::{Kustomization, YamlFileError, documents, names};
use crate::krm::{ListError, Object, ResourceList};
use crate::policy;

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
/// paths; folders below that have a kustomization are left out. In a folder, documents that are no Kubernetes objects (values files, say) are passed over.
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

/// Whether a folder holds a manifest that is neither ours nor a kustomization.
pub fn has_manifests(folder: &Path) -> Result<bool, YamlFileError> {
    let is_manifest = |document: &Value| {
        let api_version = document["apiVersion"].as_str().unwrap_or_default();
        api_version != policy::API_VERSION && !api_version.starts_with("kustomize.config.k8s.io/")
    };
    Ok(of_folder(folder)?.iter().any(is_manifest))
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
            // patches and bases of a kustomization are no manifests by themselves
            if Kustomization::of(&path)?.is_none() {
                found.extend(of_folder(&path)?);
            }
        } else if [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending)) && files::is_there(&path)? {
            found.extend(
                documents(&path)?
                    .into_iter()
                    .filter(|document| document["apiVersion"].is_string() && document["kind"].is_string()),
            );
        }
    }
    Ok(found)
}
