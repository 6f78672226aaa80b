//! `trimtab render`: the accepted plan as files to commit, for everybody who runs no functions at deploy time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::console;
use super::exit::{CliError, Exit};
use super::load::{self, BuildArguments, Loaded};
use crate::diag::{Diagnostic, code};
use crate::io::environments::Wiring;
use crate::io::files;
use crate::io::folder;
use crate::io::kustomization::{Kustomization, names};
use crate::io::kustomize::relative;
use crate::krm::layer::{self, Layer, LayerError};
use crate::pipeline::{self, Purpose};
use crate::yaml::{self, Limits};

/// First line of every file of ours: how they are told from a person's.
pub const MARK: &str = "# Made by `trimtab render`; a change here is lost at the next one.";

/// Where a rendered folder says which environment it was rendered from: a path from itself.
pub const RENDERED_FROM: &str = "trimtab.dev/rendered-from";

/// Arguments of `trimtab render`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The environment
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What is written
    #[arg(long = "as", value_enum, default_value_t = Form::Overlay, value_name = "FORM")]
    form: Form,
    /// Where to: the folder is made, or its generated files are replaced
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    build: BuildArguments,
}

const EXAMPLES: &str = "\
Examples:
  trimtab render overlays/production --as overlay -o rendered/production
  # no plugin, no flag, no trimtab at deploy time
  kubectl apply -k rendered/production

`--as overlay` writes a layer on top of your overlay: new objects and small patches.
`--as manifests` writes every object whole. Both apply plan.yaml and decide nothing.";

/// What `render` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A kustomize layer around the overlay: new objects, and patches
    Overlay,
    /// Every object, whole
    Manifests,
}

/// Renders one environment. The folder is replaced whole or left as it was.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    if files::is_standard(&arguments.output) {
        return Err(Diagnostic::error(
            code::MISSING_INPUT,
            "`-o -` names no folder, and `render` writes several files",
        )
        .help("name a folder of its own: `-o rendered/ENVIRONMENT`; `trimtab fn` writes manifests to stdout")
        .into());
    }
    let mut loaded = load::load(
        std::slice::from_ref(&arguments.folder),
        &arguments.build,
        Purpose::Apply,
    )?;
    if loaded.len() > 1 {
        let folders: Vec<String> = loaded
            .iter()
            .map(|one| format!("`{}`", one.folder().display()))
            .collect();
        return Err(Diagnostic::error(
            code::MISSING_INPUT,
            format!("there are several environments: {}", folders.join(", ")),
        )
        .help("render them one by one, each into a folder of its own")
        .into());
    }
    let one = loaded.remove(0);
    let (files, diagnostics) = texts_of(&one, arguments.form, &arguments.output)?;
    refuse_strangers(&arguments.output)?;
    for left in folder::clear_abandoned(&arguments.output, MARK) {
        console::report(&[killed_before(&left)]);
    }
    folder::replace(&arguments.output, MARK, &files).map_err(anyhow::Error::from)?;
    console::report(&diagnostics);
    console::say(&format!(
        "wrote {} files to {}",
        files.len(),
        arguments.output.display()
    ));
    Ok(Exit::Done)
}

/// Whether a folder is a layer that this command wrote.
pub fn is_layer(folder: &Path) -> bool {
    let text = files::read_text(&folder.join(layer::KUSTOMIZATION), Limits::STREAM.bytes);
    text.is_ok_and(|text| text.lines().next() == Some(MARK))
}

/// A folder with files of others and none of ours was not meant: nobody looks for generated files among their own.
fn refuse_strangers(output: &Path) -> Result<(), CliError> {
    if !output.exists() || !folder::ours(output, MARK).map_err(anyhow::Error::from)?.is_empty() {
        return Ok(());
    }
    let names = names(output)?;
    let Some(first) = names.first() else { return Ok(()) };
    let headline = format!(
        "`{}` is not empty, and nothing in it was made by trimtab",
        output.display()
    );
    Err(Diagnostic::error(code::OUTPUT_IN_USE, headline)
        .because(format!(
            "`{first}` is there; rendered files would lie among files of yours"
        ))
        .help("name a folder of its own: `-o rendered/ENVIRONMENT`")
        .into())
}

/// A run that was killed left files of others aside.
fn killed_before(left: &Path) -> Diagnostic {
    let headline = format!("`{}` was left by a run that was killed", left.display());
    Diagnostic::warning(code::OUTPUT_IN_USE, headline)
        .because("files that are not trimtab's are in it: it was putting new content in the place of the old")
        .help("move those files back, then remove it")
}

/// The text of every file, by name.
pub fn texts_of(
    one: &Loaded,
    form: Form,
    output: &Path,
) -> Result<(BTreeMap<String, String>, Vec<Diagnostic>), CliError> {
    if one.inputs.plan.is_none() {
        return Err(Diagnostic::error(
            code::MISSING_INPUT,
            format!("`{}` has no accepted plan", one.folder().display()),
        )
        .help(format!(
            "make one with `trimtab plan {} --write`",
            one.folder().display()
        ))
        .into());
    }
    let outcome = pipeline::run(&one.inputs).map_err(CliError::Diagnostics)?;
    let name = &outcome.plan.metadata.name;
    let mut layer = match form {
        Form::Manifests => {
            refuse_functions_after_ours(one)?;
            layer::manifests(name, &outcome.objects.into_objects()).map_err(|error| {
            Diagnostic::error(code::MALFORMED_INPUT, error.to_string())
                .because("`--as manifests` writes a kustomization with every object, and none may get lost")
                .help("give the object a name of its own, move it out of the folder, or pipe the manifests through `trimtab fn`")
            })?
        }
        Form::Overlay => {
            let base = base(one, output)?;
            layer::overlay(name, &base, &one.inputs.objects, &outcome.edits, &one.below).map_err(no_layer)?
        }
    };
    let from = way(output, one.folder())?;
    if let Some(kustomization) = layer.files.get_mut(layer::KUSTOMIZATION) {
        kustomization["metadata"]["annotations"] = json!({ RENDERED_FROM: from });
    }
    Ok((texts(&layer), outcome.diagnostics))
}

fn no_layer(error: LayerError) -> CliError {
    match error {
        LayerError::Apply(error) => anyhow::Error::from(error).into(),
        LayerError::Mistaken { .. } => Diagnostic::error(code::MISSING_INPUT, error.to_string())
            .because("a layer finds what it changes by its name, and kustomize looks under former names too")
            .help("give one of the two another name, or use `--as manifests`")
            .into(),
    }
}

fn texts(layer: &Layer) -> BTreeMap<String, String> {
    let text =
        |(name, value): (&String, &serde_json::Value)| (name.clone(), format!("{MARK}\n{}", yaml::to_string(value)));
    layer.files.iter().map(text).collect()
}

/// The way from the output folder to what the layer stands on: the user's overlay, without our function.
fn base(one: &Loaded, output: &Path) -> Result<String, CliError> {
    let folder = one.folder();
    let overlay = match one.environment.wiring {
        Wiring::Beside(_) => folder.to_owned(),
        Wiring::Transformers => folder.join(the_overlay_below(folder)?),
    };
    way(output, &overlay)
}

/// The way from the output folder to another one.
fn way(output: &Path, to: &Path) -> Result<String, CliError> {
    // real paths, as `..` behind a link leads elsewhere; the output folder may not be there yet
    let absolute = std::path::absolute(output).map_err(anyhow::Error::from)?;
    let to = to.canonicalize().map_err(anyhow::Error::from)?;
    Ok(relative(&nearest_real(&absolute), &to))
}

/// The path with the part of it that exists made real.
fn nearest_real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), _, _) => real,
        (Err(_), Some(parent), Some(name)) => nearest_real(parent).join(name),
        _ => path.to_owned(),
    }
}

/// The one overlay that an environment with our function stands on.
fn the_overlay_below(folder: &Path) -> Result<String, CliError> {
    let kustomization = Kustomization::of(folder).map_err(anyhow::Error::from)?;
    let kustomization = kustomization.ok_or_else(|| anyhow::anyhow!("`{}` has no kustomization", folder.display()))?;
    let below: Vec<&str> = kustomization
        .entries("resources")
        .filter(|entry| folder.join(entry).is_dir())
        .collect();
    let own: Vec<&str> = kustomization
        .entries("resources")
        .filter(|entry| !folder.join(entry).is_dir() && !load::holds_only_our_kinds(&folder.join(entry)))
        .collect();
    let mut more: Vec<String> = own.iter().map(|entry| format!("the resource `{entry}`")).collect();
    more.extend(kustomization.alterations().map(|field| format!("`{field}`")));
    // a function of others beside ours changes what ours gives; what a folder makes is judged when it is built
    let transformers = kustomization
        .entries("transformers")
        .filter(|entry| load::is_of_others(folder, entry));
    more.extend(transformers.map(|entry| format!("the transformer `{entry}`")));
    match (below.as_slice(), more.as_slice()) {
        ([one], []) => Ok((*one).to_owned()),
        (below, more) => Err(does_more(folder, below.len(), more)),
    }
}

/// What runs after the function changes what it made, and whole manifests hold what it made.
fn refuse_functions_after_ours(one: &Loaded) -> Result<(), CliError> {
    let folder = one.folder();
    let kustomization = Kustomization::of(folder).map_err(anyhow::Error::from)?;
    let entries = kustomization.iter().flat_map(|found| found.entries("transformers"));
    let mut from_ours = entries.skip_while(|entry| load::is_of_others(folder, entry)).skip(1);
    match from_ours.find(|entry| load::is_of_others(folder, entry)) {
        Some(entry) if one.environment.wiring == Wiring::Transformers => {
            let headline = format!("`{}` runs `{entry}` after trimtab", folder.display());
            Err(Diagnostic::error(code::MISSING_INPUT, headline)
                .because("it changes what trimtab makes, and rendered manifests would miss that")
                .help("list the policy last under `transformers:`")
                .into())
        }
        _ => Ok(()),
    }
}

fn does_more(folder: &Path, below: usize, more: &[String]) -> CliError {
    let what = if more.is_empty() {
        format!("it stands on {below} folders")
    } else {
        format!("it has {}", more.join(", "))
    };
    Diagnostic::error(
        code::MISSING_INPUT,
        format!("`{}` does more than stand on one overlay: {what}", folder.display()),
    )
    .because("a rendered layer stands on the overlay below, and would miss what is added here")
    .help("move everything but the plan, the profile and the policy into the overlay below, or use `--as manifests`")
    .into()
}
