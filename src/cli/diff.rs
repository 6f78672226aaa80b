//! `trimtab diff`: what a change does to the manifests, environment by environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::console;
use super::exit::{self, CliError, Exit};
use super::load::{self, BuildArguments};
use super::render;
use crate::diag::Diagnostic;
use crate::diff::diff;
use crate::io::environments::{self, Environment, Wiring};
use crate::io::files;
use crate::io::git::{self, Revision};
use crate::io::kustomization::{Kustomization, built_below, documents};
use crate::io::kustomize::Kustomize;
use crate::io::manifests;
use crate::krm::{Edit, Object};
use crate::pipeline::Purpose;
use crate::policy;
use crate::report::{self, Comparison, Format};

/// Arguments of `trimtab diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Before: a folder, a file, `-` for stdin, a git revision, or `REVISION:FOLDER`
    base: String,
    /// After: as above
    #[arg(default_value = ".")]
    head: String,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Exit with 2 where something differs
    #[arg(long)]
    detailed_exitcode: bool,
    /// Serve as `KUBECTL_EXTERNAL_DIFF`: two folders of objects; exits 0 same, 1 different, 2 error
    #[arg(long, conflicts_with = "detailed_exitcode")]
    external: bool,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  # what the work tree changes, all environments below the folder
  trimtab diff main
  # for a pull request
  trimtab diff main HEAD --format markdown
  # a folder of a revision and one of the work tree
  trimtab diff main:overlays overlays
  # what trimtab itself changes, with its reasons
  trimtab diff apps/production overlays/production
  # the same where `trimtab render` wrote files
  trimtab diff apps/dev rendered/dev
  kustomize build apps/dev | trimtab diff before.yaml -
  KUBECTL_EXTERNAL_DIFF='trimtab diff --external' kubectl diff -k apps/dev

Quantities are compared by value, lists by their Kubernetes keys; secret values are
never shown.";

/// Compares two states and prints what differs.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    if !arguments.external {
        let comparison = compare(arguments)?;
        show(&comparison, arguments.format)?;
        let is_change = arguments.detailed_exitcode && !comparison.is_empty();
        return Ok(if is_change { Exit::Changes } else { Exit::Done });
    }
    // kubectl's contract has the meanings of 1 and 2 the other way round
    match external(arguments) {
        Ok(comparison) if comparison.is_empty() => Ok(Exit::Done),
        Ok(_) => Ok(Exit::Error),
        Err(error) => {
            exit::report(Err(error));
            Ok(Exit::Changes)
        }
    }
}

fn show(comparison: &Comparison, format: Format) -> Result<(), CliError> {
    let text = report::comparison(comparison, format, console::width());
    if format == Format::Terminal {
        // drops the colours where NO_COLOR, a pipe or the terminal says so
        console::print_styled(&text)?;
    } else {
        console::print(&text)?;
    }
    Ok(())
}

/// Two folders, or two files, in which every file is an object, whatever its name.
fn external(arguments: &Arguments) -> Result<Comparison, CliError> {
    let read = |path: &str| -> Result<Vec<Object>, CliError> {
        let mut objects = Vec::new();
        for file in files::list(Path::new(path), &[""])? {
            objects.extend(documents(&file).map_err(anyhow::Error::from)?);
        }
        Ok(objects)
    };
    let (before, after) = (read(&arguments.base)?, read(&arguments.head)?);
    let comparison = Comparison {
        base: arguments.base.clone(),
        head: arguments.head.clone(),
        environments: vec![environment(String::new(), &before, &after, &[])?],
    };
    if !comparison.is_empty() {
        show(&comparison, arguments.format)?;
    }
    Ok(comparison)
}

fn compare(arguments: &Arguments) -> Result<Comparison, CliError> {
    let (base, head) = Side::both(&arguments.base, &arguments.head)?;
    // each folder with a policy on either side; without any, the folders themselves
    let (mut names, doubts) = base.environments()?;
    // a change that mends the policy can still be shown; one that breaks it can't
    console::report(&doubts.into_iter().map(Diagnostic::as_warning).collect::<Vec<_>>());
    let (others, doubts) = head.environments()?;
    if !doubts.is_empty() {
        return Err(CliError::Diagnostics(doubts));
    }
    names.extend(others);
    if names.is_empty() {
        names.extend(base.built()?);
        names.extend(head.built()?);
        if names.is_empty() || base.has_plain_files()? || head.has_plain_files()? {
            names.insert(PathBuf::new());
        }
    }
    let mut comparison = Comparison {
        base: arguments.base.clone(),
        head: arguments.head.clone(),
        environments: Vec::new(),
    };
    for name in names {
        // the plan is in what `trimtab render` wrote, and is the difference to the overlay as it is built
        let (of_base, of_head) = (head.plan_against(&name), base.plan_against(&name));
        let (before, left_out) = base.objects(&name, of_base, &arguments.build)?;
        let (after, edits) = head.objects(&name, of_head, &arguments.build)?;
        let edits = match (of_base, of_head) {
            (Plan::Aside, _) => left_out,
            // the way back has no reasons
            (Plan::Applied, Plan::Aside) => Vec::new(),
            (Plan::Applied, Plan::Applied) => edits,
        };
        let shown = name.display().to_string().replace('\\', "/");
        comparison
            .environments
            .push(environment(shown, &before, &after, &edits)?);
    }
    Ok(comparison)
}

fn environment(
    name: String,
    before: &[Object],
    after: &[Object],
    edits: &[Edit],
) -> Result<report::Environment, CliError> {
    let diff = diff(before, after, edits).map_err(anyhow::Error::from)?;
    Ok(report::Environment { name, diff })
}

/// What a plan beside an overlay does to its objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// It is applied.
    Applied,
    /// It is left out: the other side has it in its files.
    Aside,
}

/// One side of the comparison.
struct Side {
    path: PathBuf,
    /// The files of a revision, and what the user calls it.
    revision: Option<(Revision, String)>,
}

impl Side {
    /// Both sides. A revision without a folder means the folder of the other side, or the current one.
    fn both(base: &str, head: &str) -> Result<(Self, Self), CliError> {
        let folder = |other: &str| match split(other) {
            Name::Path => PathBuf::from(other),
            Name::Revision(_, Some(folder)) => PathBuf::from(folder),
            Name::Revision(_, None) => PathBuf::from("."),
        };
        Ok((Self::new(base, &folder(head))?, Self::new(head, &folder(base))?))
    }

    fn new(name: &str, default_folder: &Path) -> Result<Self, CliError> {
        let (revision, folder) = match split(name) {
            Name::Path => {
                return Ok(Self {
                    path: PathBuf::from(name),
                    revision: None,
                });
            }
            Name::Revision(revision, folder) => (revision, folder),
        };
        let written = Revision::write_out(revision).map_err(anyhow::Error::from)?;
        let path = match folder {
            Some(folder) => PathBuf::from(folder),
            None => in_repository(default_folder).map_err(anyhow::Error::from)?,
        };
        Ok(Self {
            path: written.folder(&path),
            revision: Some((written, revision.to_owned())),
        })
    }

    /// Folders with a policy, from this side's folder, and what was meant as one.
    fn environments(&self) -> Result<(BTreeSet<PathBuf>, Vec<Diagnostic>), CliError> {
        if !self.path.is_dir() {
            return Ok((BTreeSet::new(), Vec::new()));
        }
        let found = environments::find(&self.path).map_err(anyhow::Error::from)?;
        let relative = |environment: Environment| environment.folder.strip_prefix(&self.path).ok().map(Path::to_owned);
        Ok((
            found.environments.into_iter().filter_map(relative).collect(),
            found.doubts.into_iter().map(|doubt| self.named(doubt)).collect(),
        ))
    }

    /// Folders below that kustomize builds.
    fn built(&self) -> Result<Vec<PathBuf>, CliError> {
        let below = built_below(&self.path).map_err(anyhow::Error::from)?;
        let relative = |folder: PathBuf| folder.strip_prefix(&self.path).ok().map(Path::to_owned);
        Ok(below.into_iter().filter_map(relative).collect())
    }

    /// Whether manifests lie beside the folders that kustomize builds.
    fn has_plain_files(&self) -> Result<bool, CliError> {
        has_plain_files(&self.path)
    }

    fn folder(&self, name: &Path) -> PathBuf {
        if name.as_os_str().is_empty() {
            self.path.clone()
        } else {
            self.path.join(name)
        }
    }

    /// What becomes of a plan beside the other side's overlay, when this side is compared with it.
    fn plan_against(&self, name: &Path) -> Plan {
        if render::is_layer(&self.folder(name)) {
            Plan::Aside
        } else {
            Plan::Applied
        }
    }

    /// A diagnostic with the places of a revision as the user knows them: `main:overlays/production/policy.yaml`.
    fn named(&self, diagnostic: Diagnostic) -> Diagnostic {
        let Some((written, revision)) = &self.revision else {
            return diagnostic;
        };
        let top = format!(
            "{}/",
            written
                .folder(Path::new(""))
                .display()
                .to_string()
                .trim_end_matches('/')
        );
        diagnostic.with_texts(|text| text.replace(&top, &format!("{revision}:")))
    }

    /// The objects of one folder as they would be applied, and what trimtab did to them. None where it is not there.
    fn objects(&self, name: &Path, plan: Plan, build: &BuildArguments) -> Result<(Vec<Object>, Vec<Edit>), CliError> {
        objects_of(&self.folder(name), plan, build).map_err(|error| match error {
            CliError::Diagnostics(found) => {
                CliError::Diagnostics(found.into_iter().map(|diagnostic| self.named(diagnostic)).collect())
            }
            other @ CliError::Other(_) => other,
        })
    }
}

/// Whether a folder holds manifests outside the folders below it that kustomize builds.
fn has_plain_files(folder: &Path) -> Result<bool, CliError> {
    Ok(folder.is_dir() && manifests::has_manifests(folder).map_err(anyhow::Error::from)?)
}

/// What a path holds: the objects, and what trimtab did to them.
fn objects_of(path: &Path, plan: Plan, build: &BuildArguments) -> Result<(Vec<Object>, Vec<Edit>), CliError> {
    if !path.is_dir() {
        let objects = if path.exists() || is_stdin(path) {
            manifests::manifests(path).map_err(anyhow::Error::from)?
        } else {
            Vec::new()
        };
        return Ok((objects, Vec::new()));
    }
    if let Some(environment) = environments::at(path).map_err(anyhow::Error::from)? {
        // where the function is wired in, a build applies the plan by itself
        let is_aside = plan == Plan::Aside && matches!(environment.wiring, Wiring::Beside(_));
        return of_environment(path, is_aside, build);
    }
    let objects = if Kustomization::of(path).map_err(anyhow::Error::from)?.is_some() {
        let kustomize = Kustomize::find(build.kustomize.as_deref(), build.allow_functions);
        kustomize.build(path).map_err(anyhow::Error::from)?
    } else if !built_below(path).map_err(anyhow::Error::from)?.is_empty() && !has_plain_files(path)? {
        Vec::new()
    } else {
        manifests::manifests(path).map_err(anyhow::Error::from)?
    };
    Ok((
        objects.into_iter().filter(|object| !is_ours(object)).collect(),
        Vec::new(),
    ))
}

/// The objects of an environment with its plan applied, or as they are without it; and what the plan does.
fn of_environment(folder: &Path, is_aside: bool, build: &BuildArguments) -> Result<(Vec<Object>, Vec<Edit>), CliError> {
    let loaded = load::load(&[folder.to_owned()], build, Purpose::Apply)?;
    let Some(one) = loaded.into_iter().find(|one| one.folder() == folder) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let built = is_aside.then(|| one.inputs.objects.clone());
    let (applied, edits, _) = one.applied()?;
    Ok((built.unwrap_or(applied), edits))
}

fn is_ours(object: &Object) -> bool {
    object["apiVersion"] == policy::API_VERSION
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a side is called.
enum Name<'a> {
    /// A file, a folder or stdin.
    Path,
    /// A revision, perhaps with a folder in it.
    Revision(&'a str, Option<&'a str>),
}

/// What exists is a path; `main:overlays` is git's own way to name a folder of a revision.
fn split(name: &str) -> Name<'_> {
    if is_stdin(Path::new(name)) || Path::new(name).exists() {
        return Name::Path;
    }
    match name.split_once(':') {
        Some((revision, folder)) => Name::Revision(revision, Some(folder)),
        None => Name::Revision(name, None),
    }
}

/// The way from the top of the repository to a folder that may exist in the other revision alone.
fn in_repository(folder: &Path) -> Result<PathBuf, git::GitError> {
    if folder.is_dir() {
        return git::path_in_repository(folder);
    }
    Ok(git::path_in_repository(Path::new("."))?.join(folder))
}
