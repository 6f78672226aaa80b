//! Environments: folders that say how their workloads are to be sized.
//!
//! What was meant as an environment and is none (a misspelt kind, an empty policy, a lost kustomization) is a doubt with its
//! place, so that no gate passes because it saw nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::files::{self, FileError};
use super::kustomization::{Kustomization, Target, YamlFileError, names};
use super::manifests::has_manifests;
use super::near_policy::{self, Verdict};
use crate::diag::{Diagnostic, Place, code, near_miss};
use crate::policy;
use crate::yaml::Limits;

/// The policy of an environment whose kustomization does not list it.
pub const POLICY_FILE: &str = "policy.yaml";

/// The committed plan of an environment.
pub const PLAN_FILE: &str = "plan.yaml";

/// Prices: of one environment, or beside several.
pub const PRICES_FILE: &str = "prices.yaml";

/// Folders that hold no environments of the user's own.
pub(super) const SKIPPED: [&str; 2] = ["node_modules", "target"];

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

/// What was found in a folder and below.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Environments, sorted by path.
    pub environments: Vec<Environment>,
    /// What was meant as one and is none.
    pub doubts: Vec<Diagnostic>,
}

/// Every environment in a folder and below. Links are not followed; hidden folders and those of build tools are skipped.
pub fn find(root: &Path) -> Result<Found, YamlFileError> {
    let mut search = Search::default();
    let walk = WalkDir::new(root).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || is_searched(entry)) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            FileError::walking("read", &path, error)
        })?;
        if entry.file_type().is_dir() {
            search.folder(entry.path())?;
        }
    }
    search.plain_folders()?;
    search.other_names()?;
    search.found.environments.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(search.found)
}

/// The environment of one folder.
pub fn at(folder: &Path) -> Result<Option<Environment>, YamlFileError> {
    let mut search = Search::default();
    search.folder(folder)?;
    search.plain_folders()?;
    Ok(search.found.environments.pop())
}

fn is_searched(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.file_type().is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name.as_ref())
}

#[derive(Default)]
struct Search {
    found: Found,
    /// Folders with a policy and without a kustomization.
    plain: Vec<PathBuf>,
    /// Files whose names are nearly that of a policy, beside a kustomization.
    nearly: Vec<PathBuf>,
    /// Files that a kustomization names, as real paths: a policy among them belongs to that one.
    named: BTreeSet<PathBuf>,
}

impl Search {
    fn folder(&mut self, folder: &Path) -> Result<(), YamlFileError> {
        let Some(kustomization) = Kustomization::of(folder)? else {
            return self.without_kustomization(folder);
        };
        let named = kustomization.files().filter_map(|file| file.canonicalize().ok());
        self.named.extend(named);
        for entry in kustomization.entries("transformers") {
            if self.holds_policy(&kustomization, entry, 0)? {
                self.add(folder, Wiring::Transformers, true);
                return Ok(());
            }
        }
        self.beside(&kustomization)
    }

    fn add(&mut self, folder: &Path, wiring: Wiring, has_kustomization: bool) {
        self.found.environments.push(Environment {
            folder: folder.to_owned(),
            wiring,
            has_kustomization,
        });
    }

    /// Whether an entry of `transformers:` is a policy: a file, or a folder that layers policies.
    fn holds_policy(
        &mut self,
        kustomization: &Kustomization,
        entry: &str,
        depth: usize,
    ) -> Result<bool, YamlFileError> {
        match kustomization.target(entry) {
            Target::File(file) => match judge(&file)? {
                Verdict::Empty if is_named_like_policy(&file) => {
                    self.doubt(empty(&file));
                    Ok(false)
                }
                verdict => Ok(self.weigh(verdict)),
            },
            // a circle of kustomizations is kustomize's to report
            Target::Folder(folder) if depth < 16 => {
                let Some(inner) = Kustomization::of(&folder)? else {
                    return Ok(false);
                };
                for entry in inner.entries("resources") {
                    if self.holds_policy(&inner, entry, depth + 1)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Target::Inline(text) => {
                let verdict = near_policy::judge(&kustomization.file, text.as_bytes())
                    .map_err(|error| YamlFileError::yaml(&kustomization.file, text.into_bytes())(*error))?;
                Ok(self.weigh(verdict))
            }
            Target::Elsewhere(entry) => {
                if is_named_like_policy(Path::new(&entry)) && !entry.contains("://") {
                    self.doubt(missing(kustomization, &entry));
                }
                Ok(false)
            }
            Target::Folder(_) => Ok(false),
        }
    }

    /// A policy beside a kustomization that does not list it.
    fn beside(&mut self, kustomization: &Kustomization) -> Result<(), YamlFileError> {
        let folder = &kustomization.folder;
        let beside = folder.join(POLICY_FILE);
        if !files::is_there(&beside)? {
            let names = names(folder)?.into_iter().map(|name| folder.join(name));
            self.nearly
                .extend(names.filter(|path| is_named_like_policy(path) && path.is_file()));
            return Ok(());
        }
        // a layer of policies also has a `policy.yaml`, but uses it as a resource or as a patch
        if kustomization.uses_as_material(POLICY_FILE) {
            return self.listed_as_resource(kustomization, &beside);
        }
        match judge(&beside)? {
            Verdict::Policy => self.add(folder, Wiring::Beside(beside), true),
            Verdict::Empty => self.doubt(empty(&beside)),
            Verdict::Slip(slip) => self.doubt(*slip),
            Verdict::Foreign => {}
        }
        Ok(())
    }

    /// A policy among other resources is no layer of policies: it was meant to be applied to them.
    fn listed_as_resource(&mut self, kustomization: &Kustomization, policy: &Path) -> Result<(), YamlFileError> {
        let is_resource = kustomization.entries("resources").any(|entry| entry == POLICY_FILE);
        if !is_resource || judge(policy)? != Verdict::Policy {
            return Ok(());
        }
        for entry in kustomization.entries("resources") {
            let is_other = match kustomization.target(entry) {
                Target::File(file) => judge(&file)? == Verdict::Foreign,
                Target::Folder(folder) => !layers_policies(&folder, 0)?,
                Target::Inline(_) | Target::Elsewhere(_) => false,
            };
            if is_other {
                let file = kustomization.file.display();
                self.doubt(
                    Diagnostic::error(
                        code::POLICY_UNRECOGNISED,
                        format!("`{file}` lists `{POLICY_FILE}` under `resources:`, where it does nothing"),
                    )
                    .because(format!("`{entry}` stands beside it and is not sized"))
                    .help(format!(
                        "list `{POLICY_FILE}` under `transformers:`, or take it out of `resources:`"
                    )),
                );
                return Ok(());
            }
        }
        Ok(())
    }

    /// Policies under a name that is nearly ours, and that no kustomization uses.
    fn other_names(&mut self) -> Result<(), YamlFileError> {
        for path in std::mem::take(&mut self.nearly) {
            if !self.is_used(&path) && judge(&path)? == Verdict::Policy {
                let headline = format!(
                    "`{}` is a policy, and only `{POLICY_FILE}` is looked for",
                    path.display()
                );
                self.doubt(Diagnostic::error(code::POLICY_UNRECOGNISED, headline).help(format!(
                    "rename it to `{POLICY_FILE}`, or list it under `transformers:`"
                )));
            }
        }
        Ok(())
    }

    /// Whether a kustomization names this file.
    fn is_used(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.named.contains(&path))
    }

    fn without_kustomization(&mut self, folder: &Path) -> Result<(), YamlFileError> {
        let policy = folder.join(POLICY_FILE);
        if !files::is_there(&policy)? {
            return Ok(());
        }
        match judge(&policy)? {
            Verdict::Policy => self.plain.push(folder.to_owned()),
            Verdict::Slip(slip) => self.doubt(*slip),
            // an empty file says nothing of whom it belongs to; our plan beside it does
            Verdict::Empty if files::is_there(&folder.join(PLAN_FILE))? => self.doubt(empty(&policy)),
            Verdict::Empty | Verdict::Foreign => {}
        }
        Ok(())
    }

    /// Policies in folders without a kustomization: of an environment of plain manifests, unless a kustomization elsewhere
    /// uses the file.
    fn plain_folders(&mut self) -> Result<(), YamlFileError> {
        for folder in std::mem::take(&mut self.plain) {
            let policy = folder.join(POLICY_FILE);
            if self.is_used(&policy) {
                continue;
            }
            if has_manifests(&folder)? {
                self.add(&folder, Wiring::Beside(policy), false);
            } else {
                self.doubt(no_manifests(&folder, &policy)?);
            }
        }
        Ok(())
    }

    /// Whether it is a policy; a slip is a doubt.
    fn weigh(&mut self, verdict: Verdict) -> bool {
        if let Verdict::Slip(slip) = verdict {
            self.doubt(*slip);
            return false;
        }
        verdict == Verdict::Policy
    }

    fn doubt(&mut self, doubt: Diagnostic) {
        if !self.found.doubts.contains(&doubt) {
            self.found.doubts.push(doubt);
        }
    }
}

/// Whether a folder brings nothing but policies, in some depth.
fn layers_policies(folder: &Path, depth: usize) -> Result<bool, YamlFileError> {
    let Some(kustomization) = Kustomization::of(folder)? else {
        return Ok(false);
    };
    for entry in kustomization.entries("resources") {
        let is_policy = match kustomization.target(entry) {
            Target::File(file) => judge(&file)? == Verdict::Policy,
            Target::Folder(folder) => depth < 16 && layers_policies(&folder, depth + 1)?,
            Target::Inline(_) | Target::Elsewhere(_) => false,
        };
        if is_policy {
            return Ok(true);
        }
    }
    Ok(false)
}

fn judge(path: &Path) -> Result<Verdict, YamlFileError> {
    let text = files::read(path, Limits::STREAM.bytes)?;
    near_policy::judge(path, &text).map_err(|error| YamlFileError::yaml(path, text)(*error))
}

/// `policy.yaml`, `policy.yml`, `polcy.yaml`.
fn is_named_like_policy(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_yaml = [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending));
    is_yaml && near_miss(&name, [POLICY_FILE]).is_some()
}

fn empty(path: &Path) -> Diagnostic {
    Diagnostic::error(code::POLICY_UNRECOGNISED, format!("`{}` is empty", path.display())).help(format!(
        "write `apiVersion: {}` and `kind: {}`, or remove the file",
        policy::API_VERSION,
        policy::KIND
    ))
}

fn missing(kustomization: &Kustomization, entry: &str) -> Diagnostic {
    Diagnostic::error(
        code::POLICY_UNRECOGNISED,
        format!(
            "`{}` lists `{entry}` under `transformers:`, which is not there",
            kustomization.file.display()
        ),
    )
    .help("put the policy there, or correct the path")
}

fn no_manifests(folder: &Path, policy: &Path) -> Result<Diagnostic, FileError> {
    let names = names(folder)?;
    let near = names
        .iter()
        .find(|name| near_miss(name, ["kustomization.yaml", "kustomization.yml"]).is_some());
    let help = match near {
        Some(near) => format!("rename `{near}` to `kustomization.yaml`"),
        None => "put the policy beside the kustomization of the workloads it is for".to_owned(),
    };
    let place = Place::Object {
        object: policy.display().to_string(),
        pointer: String::new(),
    };
    Ok(Diagnostic::error(
        code::POLICY_UNRECOGNISED,
        format!(
            "`{}` has a policy, and neither a kustomization nor manifests",
            folder.display()
        ),
    )
    .at(place)
    .help(help))
}
