//! Environments as the commands see them: manifests and merged policy from one kustomize build, plan and profiles from
//! the files beside the policy.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::console;
use super::exit::CliError;
use super::schema;
use super::unreadable::unreadable;
use crate::diag::{self, Diagnostic, code};
use crate::io::environments::{self, Environment, PLAN_FILE, PRICES_FILE, Wiring};
use crate::io::kustomization::{Kustomization, documents, names};
use crate::io::kustomize::Kustomize;
use crate::io::{files, room};
use crate::krm::below::Below;
use crate::krm::{Edit, Object};
use crate::pipeline::{self, Inputs, ProfileSource, Purpose};
use crate::plan::{OptimizationPlan, model};
use crate::policy::wire::Identity;
use crate::policy::{self, Settings, Source};
use crate::price;
use crate::profile::object;
use crate::yaml::{self, Limits};

/// How manifests are built.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BuildArguments {
    /// The kustomize to run; else `TRIMTAB_KUSTOMIZE`, else the one in PATH
    #[arg(long, value_name = "PATH")]
    pub kustomize: Option<PathBuf>,
    /// Build although the tree names functions that are not ours: they run as you
    #[arg(long)]
    pub allow_functions: bool,
    /// Threads, 256 at most; 0 for as many as the machine has (the result is the same)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = threads)]
    pub threads: usize,
}

/// More threads than this only cost memory; far more can't be started, and that would end the program.
const THREADS_MAX: usize = 256;

/// A number of threads; 0 stands for as many as the machine has.
pub fn threads(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number > THREADS_MAX {
        return Err(format!("{THREADS_MAX} at most; 0 for as many as the machine has"));
    }
    Ok(number)
}

/// An environment, ready for the pipeline.
pub struct Loaded {
    /// Where it is.
    pub environment: Environment,
    /// Everything the pipeline needs, the accepted plan among it.
    pub inputs: Inputs,
    /// What a layer around its manifests stands on.
    pub below: Below,
}

impl Loaded {
    /// The folder as the user knows it.
    pub fn folder(&self) -> &Path {
        &self.environment.folder
    }

    /// Whether the function runs here and would not find the plan.
    pub fn needs_plan_listed(&self) -> Result<bool, CliError> {
        if self.environment.wiring != Wiring::Transformers {
            return Ok(false);
        }
        let kustomization = Kustomization::of(self.folder()).map_err(anyhow::Error::from)?;
        Ok(kustomization
            .is_some_and(|kustomization| !kustomization.entries("resources").any(|entry| entry == PLAN_FILE)))
    }

    /// The keys of the accepted plan, if there is one.
    pub fn accepted_keys(&self) -> impl Iterator<Item = &str> {
        let plan = self.inputs.plan.as_ref().map(|(plan, _)| &plan["spec"]["workloads"]);
        let entries = plan.and_then(Value::as_object).into_iter().flatten();
        entries.map(|(key, _)| key.as_str())
    }

    /// Whether a word of the user means this entry of the plan: its key, its name, or its name without what the overlay
    /// puts around it.
    pub fn is_meant(&self, key: &str, word: &str) -> bool {
        let name = key.rsplit('/').next().unwrap_or(key);
        let identity: Identity = self
            .inputs
            .policy
            .pointer("/spec/identity")
            .and_then(|identity| serde_json::from_value(identity.clone()).ok())
            .unwrap_or_default();
        [key, name, identity.bare_name(name)].contains(&word)
    }

    /// The accepted plan, if there is one that can be read.
    pub fn accepted(&self) -> Option<OptimizationPlan> {
        serde_json::from_value(self.inputs.plan.as_ref()?.0.clone()).ok()
    }

    /// The objects with the accepted plan applied, the edits, and the policy they are under. Without a plan and a profile
    /// nothing is applied yet.
    pub fn applied(self) -> Result<(Vec<Object>, Vec<Edit>, Settings), CliError> {
        if self.inputs.plan.is_none() && self.inputs.profiles.is_empty() {
            let settings =
                policy::parse(&self.inputs.policy, &self.inputs.policy_source).map_err(CliError::Diagnostics)?;
            return Ok((self.inputs.objects, Vec::new(), settings));
        }
        let outcome = pipeline::run(&self.inputs).map_err(CliError::Diagnostics)?;
        Ok((outcome.objects.into_objects(), outcome.edits, outcome.settings))
    }

    /// Where its plan is or will be.
    pub fn plan_path(&self) -> PathBuf {
        self.folder().join(PLAN_FILE)
    }
}

/// Every environment in these folders and below, built and read. A folder without any is an error, and so is what was
/// meant as one.
pub fn load(folders: &[PathBuf], arguments: &BuildArguments, purpose: Purpose) -> Result<Vec<Loaded>, CliError> {
    load_beside(folders, &|_| false, arguments, purpose)
}

/// As [`load`], where a folder may also hold something else that is looked at.
pub fn load_beside(
    folders: &[PathBuf],
    has_something_else: &dyn Fn(&Path) -> bool,
    arguments: &BuildArguments,
    purpose: Purpose,
) -> Result<Vec<Loaded>, CliError> {
    let kustomize = Kustomize::find(arguments.kustomize.as_deref(), arguments.allow_functions);
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for folder in folders {
        let mut here = environments::find(folder).map_err(anyhow::Error::from)?;
        if here.environments.is_empty() && here.doubts.is_empty() && !has_something_else(folder) {
            problems.push(no_environment(folder));
        }
        found.append(&mut here.environments);
        problems.append(&mut here.doubts);
    }
    if !problems.is_empty() {
        diag::sort(&mut problems);
        problems.dedup();
        return Err(CliError::Diagnostics(problems));
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    found.dedup();
    found
        .into_iter()
        .map(|environment| one(environment, &kustomize, arguments.threads, purpose))
        .collect()
}

fn no_environment(folder: &Path) -> Diagnostic {
    Diagnostic::error(
        code::MISSING_INPUT,
        format!("there is no environment in `{}`", folder.display()),
    )
    .because(
        "an environment is a folder whose kustomization lists an OptimizationPolicy under `transformers:`, \
         or that has a `policy.yaml` of that kind",
    )
    .help("name the folder that holds the policy")
}

fn one(environment: Environment, kustomize: &Kustomize, threads: usize, purpose: Purpose) -> Result<Loaded, CliError> {
    let has_plan = files::is_there(&environment.folder.join(PLAN_FILE))?;
    let buildable = without_missing_plan(&environment, has_plan)?;
    let build = kustomize
        .capture(buildable.as_ref().unwrap_or(&environment))
        .map_err(anyhow::Error::from)?;
    for line in build.talk.lines() {
        console::say(line);
    }
    let folder = &environment.folder;
    let Some(policy) = build.policy else {
        return Err(Diagnostic::error(
            code::MISSING_INPUT,
            format!("the build of `{}` has no policy", folder.display()),
        )
        .help("list it under `transformers:`, or put a `policy.yaml` beside the kustomization")
        .into());
    };
    let policy_source = policy_source(&environment, &policy)?;
    let (ours, objects): (Vec<Object>, Vec<Object>) = build
        .output
        .into_iter()
        .partition(|object| object["apiVersion"] == policy::API_VERSION);
    schema::only_known_kinds(&ours)?;
    Ok(Loaded {
        inputs: Inputs {
            purpose,
            objects,
            policy,
            policy_source,
            plan: accepted_plan(folder, &ours)?,
            prices: prices(folder, &ours)?,
            profiles: profiles(folder, &ours)?,
            threads,
        },
        environment,
        below: build.below,
    })
}

/// An environment may list its plan before there is one; kustomize would refuse the missing file. Then what it stands on
/// is built with the policy beside it, which shows the same objects where the environment alters none.
fn without_missing_plan(environment: &Environment, has_plan: bool) -> Result<Option<Environment>, CliError> {
    let folder = &environment.folder;
    if environment.wiring != Wiring::Transformers || has_plan {
        return Ok(None);
    }
    let kustomization = Kustomization::of(folder).map_err(anyhow::Error::from)?;
    let entries: Vec<&str> = kustomization
        .iter()
        .flat_map(|kustomization| kustomization.entries("resources"))
        .collect();
    if !entries.contains(&PLAN_FILE) {
        return Ok(None);
    }
    let policy = folder.join(environments::POLICY_FILE);
    let alters = kustomization.iter().any(|found| {
        found.alterations().next().is_some() || found.entries("transformers").any(|entry| is_of_others(folder, entry))
    });
    match entries
        .iter()
        .filter(|entry| **entry != PLAN_FILE && !holds_only_our_kinds(&folder.join(entry)))
        .collect::<Vec<_>>()
        .as_slice()
    {
        [below] if policy.is_file() && !alters => Ok(Some(Environment {
            folder: folder.join(below),
            wiring: Wiring::Beside(policy),
            has_kustomization: true,
        })),
        _ => Err(Diagnostic::error(
            code::MISSING_INPUT,
            format!("`{}` lists `{PLAN_FILE}`, which is not there yet", folder.display()),
        )
        .help(format!(
            "take `{PLAN_FILE}` out of `resources:`, run `trimtab plan {} --write`, and put it back",
            folder.display()
        ))
        .into()),
    }
}

/// Whether an entry of `transformers` is a file of somebody else.
pub fn is_of_others(folder: &Path, entry: &str) -> bool {
    folder.join(entry).is_file() && !holds_only_our_kinds(&folder.join(entry))
}

/// Whether a file adds nothing to the manifests.
pub fn holds_only_our_kinds(path: &Path) -> bool {
    path.is_file()
        && documents(path).is_ok_and(|documents| {
            documents
                .iter()
                .all(|document| document["apiVersion"] == policy::API_VERSION)
        })
}

/// The policy's file where exactly one holds what was merged; else the object.
fn policy_source(environment: &Environment, policy: &Value) -> Result<Source, CliError> {
    let path = environment.folder.join(environments::POLICY_FILE);
    let name = policy["metadata"]["name"].as_str().unwrap_or_default();
    if !files::is_there(&path)? {
        return Ok(Source::object(policy::KIND, name));
    }
    let bytes = files::read(&path, Limits::POLICY.bytes)?;
    let shown = path.display().to_string();
    let written = yaml::read_one(&bytes, &Limits::POLICY).map_err(|error| unreadable(&shown, &bytes, &error))?;
    let is_whole = written["spec"] == policy["spec"] && written["metadata"]["name"] == policy["metadata"]["name"];
    Ok(if is_whole {
        Source::file(shown, String::from_utf8_lossy(&bytes))
    } else {
        Source::object(policy::KIND, name)
    })
}

/// The one document of a file, and where it came from.
pub fn read_one(path: &Path) -> Result<(Value, Source), CliError> {
    let bytes = files::read(path, Limits::STREAM.bytes)?;
    let shown = path.display().to_string();
    let value = yaml::read_one(&bytes, &Limits::STREAM).map_err(|error| unreadable(&shown, &bytes, &error))?;
    let text = String::from_utf8(bytes).expect("broken invariant: what was read as YAML is UTF-8");
    Ok((value, Source::file(shown, text)))
}

/// The plan file, else the plan among the objects of the build.
fn accepted_plan(folder: &Path, ours: &[Object]) -> Result<Option<(Value, Source)>, CliError> {
    let path = folder.join(PLAN_FILE);
    if files::is_there(&path)? {
        return read_one(&path).map(Some);
    }
    Ok(built(ours, model::KIND))
}

/// The price file of the environment, else the sheet among the objects of the build, else the file in the folder around
/// it that several environments share.
fn prices(folder: &Path, ours: &[Object]) -> Result<Option<(Value, Source)>, CliError> {
    let around = match folder.parent() {
        Some(around) if folder.file_name().is_some() => around.to_owned(),
        _ => folder.join(".."),
    };
    let own = price_file(&folder.join(PRICES_FILE))?.or_else(|| built(ours, price::KIND));
    match own {
        None => price_file(&around.join(PRICES_FILE)),
        own => Ok(own),
    }
}

/// The one object of our group in a file; a file of that name that holds none is somebody else's.
fn price_file(path: &Path) -> Result<Option<(Value, Source)>, CliError> {
    if !files::is_there(path)? {
        return Ok(None);
    }
    let text = files::read_text(path, Limits::STREAM.bytes)?;
    let shown = path.display().to_string();
    let documents = yaml::read_all(text.as_bytes(), &Limits::STREAM)
        .map_err(|error| unreadable(&shown, text.as_bytes(), &error))?;
    let mut ours = documents
        .into_iter()
        .filter(|document| document.value["apiVersion"] == policy::API_VERSION);
    let (first, second) = (ours.next(), ours.next());
    if second.is_some() {
        let headline = format!("`{shown}` holds several objects of trimtab");
        return Err(Diagnostic::error(code::MALFORMED_INPUT, headline)
            .help("keep one price sheet in it")
            .into());
    }
    Ok(first.map(|found| {
        let document = found.index;
        (
            found.value,
            Source::File {
                path: shown,
                text,
                document,
            },
        )
    }))
}

/// An object of ours in the build.
fn built(ours: &[Object], kind: &str) -> Option<(Value, Source)> {
    let object = ours.iter().find(|object| object["kind"] == kind)?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Some((object.clone(), Source::object(kind, name)))
}

/// The profiles beside the policy (`profile*.yaml`, `profiles/`), and those among the objects of the build.
fn profiles(folder: &Path, ours: &[Object]) -> Result<Vec<ProfileSource>, CliError> {
    let is_yaml = |name: &String| [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending));
    let mut paths: Vec<PathBuf> = names(folder)?
        .into_iter()
        .filter(|name| name.starts_with("profile") && is_yaml(name))
        .map(|name| folder.join(name))
        .collect();
    let more = folder.join("profiles");
    if more.is_dir() {
        paths.extend(files::list(&more, &[".yaml", ".yml"])?);
    }
    let mut found = Vec::new();
    for path in paths {
        files::is_there(&path)?;
        found.push(ProfileSource::File {
            path: path.display().to_string(),
            stream: room::profile_stream(&path)?,
        });
    }
    let of_build = ours.iter().filter(|object| object["kind"] == object::KIND);
    found.extend(of_build.cloned().map(ProfileSource::Object));
    Ok(found)
}
