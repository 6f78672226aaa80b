//! The functions in a kustomization tree, found before kustomize runs them.
//!
//! `kustomize build --enable-exec` executes whatever a tree names. So the tree is read first, and only our own function
//! passes: anything else needs the user's word.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::kustomization::{Kustomization, Target, YamlFileError, documents};
use super::near_policy::is_policy;
use crate::yaml::{self, Limits};

/// Fields whose entries are run.
const RUN: [&str; 3] = ["generators", "transformers", "validators"];

/// Fields whose entries are further kustomizations or plain manifests.
const READ: [&str; 3] = ["resources", "bases", "components"];

/// The annotation of a function that we write, and the older forms that kustomize still reads.
const FUNCTION: &str = "config.kubernetes.io/function";
const OLD_FUNCTIONS: [&str; 2] = ["config.k8s.io/function", "config.kubernetes.io/container"];

/// What a tree runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    /// Our functions, by the folder whose kustomization lists them.
    pub ours: Vec<Ours>,
    /// Everything else, described for people.
    pub foreign: Vec<String>,
    /// Bases that are not on this machine: nobody knows what they run.
    pub remote: Vec<String>,
    /// Whether a kustomization of the tree brings a schema of its own.
    pub has_schema: bool,
    /// Whether one value of the tree may stand in several places of the manifests.
    pub shares_values: bool,
}

/// One of our functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// The folder whose kustomization lists it.
    pub folder: PathBuf,
    /// Whether it runs in a container.
    pub in_container: bool,
}

/// Reads the tree under a folder's kustomization. `build` builds a folder without functions: what a folder under
/// `transformers:` comes to is known only after its patches.
pub fn find<E: From<YamlFileError>>(
    folder: &Path,
    build: &dyn Fn(&Path) -> Result<Vec<Value>, E>,
) -> Result<Functions, E> {
    let mut walk = Walk {
        build,
        seen: BTreeSet::new(),
        found: Functions::default(),
    };
    walk.visit(folder)?;
    Ok(walk.found)
}

struct Walk<'a, E> {
    build: &'a dyn Fn(&Path) -> Result<Vec<Value>, E>,
    seen: BTreeSet<PathBuf>,
    found: Functions,
}

impl<E: From<YamlFileError>> Walk<'_, E> {
    fn visit(&mut self, folder: &Path) -> Result<(), E> {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if !self.seen.insert(real) {
            return Ok(());
        }
        let Some(kustomization) = Kustomization::of(folder)? else {
            return Ok(());
        };
        self.found.has_schema |= kustomization.has_schema();
        self.found.shares_values |= kustomization.shares_values();
        for entry in READ.iter().flat_map(|field| kustomization.entries(field)) {
            match kustomization.target(entry) {
                Target::Folder(folder) => self.visit(&folder)?,
                Target::Elsewhere(entry) => self.found.remote.push(entry),
                Target::File(_) | Target::Inline(_) => {}
            }
        }
        for entry in RUN.iter().flat_map(|field| kustomization.entries(field)) {
            let configurations = match kustomization.target(entry) {
                Target::Folder(folder) => (self.build)(&folder)?,
                Target::File(file) => documents(&file)?,
                Target::Inline(text) => inline(&kustomization, text)?,
                Target::Elsewhere(entry) => {
                    self.found.remote.push(entry);
                    continue;
                }
            };
            for configuration in &configurations {
                self.judge(&kustomization, entry, configuration);
            }
        }
        Ok(())
    }

    fn judge(&mut self, kustomization: &Kustomization, entry: &str, configuration: &Value) {
        match Function::of(configuration) {
            Function::BuiltIn => {}
            Function::Ours { in_container } => self.found.ours.push(Ours {
                folder: kustomization.folder.clone(),
                in_container,
            }),
            Function::Foreign(what) => {
                let kind = configuration["kind"].as_str().unwrap_or("an object");
                let entry = entry.lines().next().unwrap_or_default();
                let file = kustomization.file.display();
                self.found
                    .foreign
                    .push(format!("`{kind}` of `{entry}` in {file} {what}"));
            }
        }
    }
}

fn inline(kustomization: &Kustomization, text: String) -> Result<Vec<Value>, YamlFileError> {
    match yaml::read_all(text.as_bytes(), &Limits::POLICY) {
        Ok(documents) => Ok(documents.into_iter().map(|document| document.value).collect()),
        Err(error) => Err(YamlFileError::yaml(&kustomization.file, text.into_bytes())(error)),
    }
}

/// What kustomize does with one entry of `transformers:` and its like.
#[derive(Debug, PartialEq, Eq)]
enum Function {
    BuiltIn,
    Ours { in_container: bool },
    Foreign(String),
}

impl Function {
    fn of(configuration: &Value) -> Self {
        let metadata = &configuration["metadata"];
        let annotations = &metadata["annotations"];
        let is_old =
            OLD_FUNCTIONS.iter().any(|name| annotations.get(name).is_some()) || metadata.get("configFn").is_some();
        match annotations.get(FUNCTION).and_then(Value::as_str) {
            _ if is_old => Self::Foreign("uses an old annotation for functions".into()),
            None if configuration["apiVersion"] == "builtin" => Self::BuiltIn,
            None => Self::Foreign("is a plugin of the old layout".into()),
            Some(text) => Self::of_annotation(text, is_policy(configuration)),
        }
    }

    fn of_annotation(text: &str, is_policy: bool) -> Self {
        let Ok(Value::Object(function)) = yaml::read_one(text.as_bytes(), &Limits::POLICY) else {
            return Self::Foreign("has a function annotation that can't be read".into());
        };
        let exec = function
            .get("exec")
            .map(|exec| exec["path"].as_str().unwrap_or_default());
        let image = function
            .get("container")
            .map(|container| container["image"].as_str().unwrap_or_default());
        match (exec, image) {
            // both given: the container is run
            (None, Some(_)) if is_policy => Self::Ours { in_container: true },
            // any other path would not reach us: a file of the tree, say
            (Some("trimtab"), None) if is_policy => Self::Ours { in_container: false },
            (_, Some(image)) => Self::Foreign(format!("runs the container image `{image}`")),
            (Some(path), _) => Self::Foreign(format!("runs the program `{path}`")),
            (None, None) => Self::Foreign("runs a function of an unknown sort".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;
    use serde_json::json;

    #[test]
    fn only_a_policy_that_runs_a_bare_trimtab_or_an_image_is_ours() {
        let foreign = |what: &str| Function::Foreign(what.into());
        for (api_version, kind, annotations, expected) in [
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "exec: {path: trimtab}"}),
                Function::Ours { in_container: false },
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "container: {image: x}"}),
                Function::Ours { in_container: true },
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "exec: {path: ./trimtab}"}),
                foreign("runs the program `./trimtab`"),
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "{exec: {path: trimtab}, container: {image: x}}"}),
                foreign("runs the container image `x`"),
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "starlark: {path: x}"}),
                foreign("runs a function of an unknown sort"),
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({FUNCTION: "["}),
                foreign("has a function annotation that can't be read"),
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({OLD_FUNCTIONS[0]: "exec: {path: trimtab}"}),
                foreign("uses an old annotation for functions"),
            ),
            (
                policy::API_VERSION,
                policy::KIND,
                json!({}),
                foreign("is a plugin of the old layout"),
            ),
            (
                "v1",
                "ConfigMap",
                json!({FUNCTION: "exec: {path: trimtab}"}),
                foreign("runs the program `trimtab`"),
            ),
            ("builtin", "PatchTransformer", json!({}), Function::BuiltIn),
        ] {
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"annotations": annotations}});
            assert_eq!(Function::of(&object), expected, "{object}");
        }
    }
}
