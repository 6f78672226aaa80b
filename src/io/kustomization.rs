//! Kustomization files, as far as we have to look into them before kustomize does.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{self, FileError};
use crate::krm::Object;
use crate::yaml::{self, Limits, ReadError};

/// The names kustomize looks for, in its order.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A folder's kustomization file.
#[derive(Clone, Debug)]
pub struct Kustomization {
    /// The folder.
    pub folder: PathBuf,
    /// The file.
    pub file: PathBuf,
    value: Value,
}

/// Why a YAML file was not read.
#[derive(Debug, thiserror::Error)]
pub enum YamlFileError {
    /// Not as a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not as YAML.
    #[error("{}:{error}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// What is wrong with the text.
        error: Box<ReadError>,
        /// The text.
        text: Vec<u8>,
    },
}

impl YamlFileError {
    /// What is wrong with the text of a file.
    pub fn yaml(path: &Path, text: Vec<u8>) -> impl FnOnce(ReadError) -> Self {
        let path = path.to_owned();
        move |error| Self::Yaml {
            path,
            error: Box::new(error),
            text,
        }
    }
}

impl Kustomization {
    /// The kustomization of a folder, if it has one.
    pub fn of(folder: &Path) -> Result<Option<Self>, YamlFileError> {
        let mut found = None;
        for name in NAMES {
            let file = folder.join(name);
            if files::is_there(&file)? {
                found = Some(file);
                break;
            }
        }
        let Some(file) = found else { return Ok(None) };
        let documents = documents(&file)?;
        Ok(Some(Self {
            folder: folder.to_owned(),
            file,
            value: documents.into_iter().next().unwrap_or_default(),
        }))
    }

    /// The entries of one of its lists of paths, such as `resources`.
    pub fn entries(&self, field: &str) -> impl Iterator<Item = &str> {
        self.value[field]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Its fields that change what the resources are, or add to them: a layer that stands on the same resources misses
    /// them. Fields that are not known are among them.
    pub fn alterations(&self) -> impl Iterator<Item = &str> {
        const NONE: [&str; 10] = [
            "apiVersion",
            "kind",
            "metadata",
            "resources",
            "transformers",
            "openapi",
            "crds",
            "configurations",
            "generatorOptions",
            "sortOptions",
        ];
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        let fields = self.value.as_object().into_iter().flatten();
        fields
            .filter(move |(field, value)| !NONE.contains(&field.as_str()) && !is_empty(value))
            .map(|(field, _)| field.as_str())
    }

    /// Whether it brings a schema of its own.
    pub fn has_schema(&self) -> bool {
        self.value.get("openapi").is_some_and(|openapi| !openapi.is_null())
    }

    /// Whether kustomize may hold one value of it in several places: behind an alias, or copied by a replacement.
    pub fn shares_values(&self) -> bool {
        let is_sharing = |text: &str| has_alias(text) || text.contains("ReplacementTransformer");
        let files = self.files().chain([self.file.clone()]);
        let mut texts = files.filter_map(|file| files::read_text(&file, Limits::STREAM.bytes).ok());
        self.value.get("replacements").is_some() || texts.any(|text| is_sharing(&text))
    }

    /// What an entry names.
    pub fn target(&self, entry: &str) -> Target {
        let path = self.folder.join(entry);
        if entry.contains('\n') {
            Target::Inline(entry.to_owned())
        } else if path.is_dir() {
            Target::Folder(path)
        } else if path.is_file() {
            Target::File(path)
        } else {
            Target::Elsewhere(entry.to_owned())
        }
    }

    /// Files on this machine that it names: resources, functions, patches.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        const LISTS: [&str; 7] = [
            "resources",
            "bases",
            "components",
            "generators",
            "transformers",
            "validators",
            "patchesStrategicMerge",
        ];
        let listed = LISTS.into_iter().flat_map(|field| self.entries(field));
        listed
            .chain(self.patch_files())
            .map(|entry| self.folder.join(entry))
            .filter(|path| path.is_file())
    }

    fn patch_files(&self) -> impl Iterator<Item = &str> {
        let patches = ["patches", "patchesJson6902"]
            .into_iter()
            .filter_map(|field| self.value[field].as_array());
        patches.flatten().filter_map(|patch| patch["path"].as_str())
    }

    /// Whether it uses a file of its folder for something else than a function: as a resource or a patch.
    pub fn uses_as_material(&self, file_name: &str) -> bool {
        let is_named = |entry: &str| Path::new(entry) == Path::new(file_name);
        self.entries("resources")
            .chain(self.entries("patchesStrategicMerge"))
            .chain(self.patch_files())
            .any(is_named)
    }
}

/// The folders below that kustomize builds, where the folder itself is none: what lies in one means nothing by itself.
/// Components are parts of others and are not built alone; hidden folders are not looked into.
pub fn built_below(folder: &Path) -> Result<Vec<PathBuf>, YamlFileError> {
    let mut found = std::collections::BTreeSet::new();
    if !folder.is_dir() || Kustomization::of(folder)?.is_some() {
        return Ok(Vec::new());
    }
    for file in files::list(folder, &NAMES)? {
        let is_hidden = |part: &std::ffi::OsStr| part.to_string_lossy().starts_with('.');
        let inside = file.strip_prefix(folder).unwrap_or(&file);
        let is_named = file
            .file_name()
            .is_some_and(|name| NAMES.iter().any(|known| name == *known));
        let Some(parent) = file.parent().filter(|_| is_named && !inside.iter().any(is_hidden)) else {
            continue;
        };
        let is_built = |kustomization: &Kustomization| kustomization.value["kind"] != "Component";
        if Kustomization::of(parent)?.is_some_and(|found| is_built(&found)) {
            found.insert(parent.to_owned());
        }
    }
    Ok(found.into_iter().collect())
}

/// What an entry of a kustomization names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A folder with a kustomization of its own.
    Folder(PathBuf),
    /// A file.
    File(PathBuf),
    /// YAML instead of a path.
    Inline(String),
    /// A URL, or nothing that is there.
    Elsewhere(String),
}

/// The documents of a YAML or JSON file.
pub fn documents(path: &Path) -> Result<Vec<Object>, YamlFileError> {
    let text = files::read(path, Limits::STREAM.bytes)?;
    match yaml::read_all(&text, &Limits::STREAM) {
        Ok(documents) => Ok(documents.into_iter().map(|document| document.value).collect()),
        Err(error) => Err(YamlFileError::yaml(path, text)(error)),
    }
}

/// Whether a text has what may be an alias of YAML: `*name` where a value may begin, and an anchor `&name`.
fn has_alias(text: &str) -> bool {
    let has = |sign: char| {
        text.match_indices(sign).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + 1..].chars().next();
            before.is_none_or(|before| before.is_whitespace() || "[{,:".contains(before))
                && after.is_some_and(|after| !after.is_whitespace() && !",[]{}".contains(after))
        })
    };
    has('*') && has('&')
}

/// The sorted names in a folder.
pub fn names(folder: &Path) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::new("read", folder))? {
        let entry = entry.map_err(FileError::new("read", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
