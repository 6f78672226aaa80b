//! What the arguments say of the files: what each measures, whose it is, and which workloads there are.

use super::{ProfileArgs, StateOf};
use crate::cli::exit::CliError;
use crate::diag::{Diagnostic, code};
use crate::history::Input;
use crate::history::note::Note;
use crate::history::owners::Declared;
use crate::history::samples::{Expected, Labels};
use crate::history::signal::Signal;
use crate::history::spool::Room;
use crate::history::unit::Unit;
use crate::io::kustomization::Kustomization;
use crate::io::kustomize::Kustomize;
use crate::io::{environments, files, room};
use crate::krm::Object;
use crate::profile::build::Options;
use crate::profile::ordered::WithState;
use crate::profile::parts::Part;
use crate::yaml;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) fn options(args: &ProfileArgs, room: &Room) -> anyhow::Result<Options> {
    let step_s = u32::try_from(crate::cli::store::step(&args.step)?.get()).context("--step")?;
    check_names(args.environment.as_ref(), args.cluster.as_ref())?;
    Ok(Options {
        environment: args.environment.clone(),
        cluster: args.cluster.clone(),
        step_s,
        shard: args.shard,
        with_state: WithState {
            vpa: args.with_state.contains(&StateOf::Vpa),
            krr: args.with_state.contains(&StateOf::Krr),
        },
        room: room.clone(),
    })
}

/// That environment and cluster are names.
pub(super) fn check_names(environment: Option<&String>, cluster: Option<&String>) -> anyhow::Result<()> {
    for (flag, name) in [("--environment", environment), ("--cluster", cluster)] {
        let is_odd = |name: &&String| name.trim().is_empty() || name.chars().any(char::is_control);
        if let Some(name) = name.filter(is_odd) {
            bail!("{flag} `{}` is no name", name.escape_debug())
        }
    }
    Ok(())
}

pub(super) fn inputs<'a>(args: &'a ProfileArgs, room: &Room) -> anyhow::Result<Vec<Input<'a>>> {
    let columns: BTreeMap<String, String> = pairs(&args.columns, "--columns")?.collect();
    let constants = Labels(pairs(&args.label, "--label")?.collect());
    let units = args
        .unit
        .iter()
        .map(|id| unit(id))
        .collect::<anyhow::Result<Vec<Unit>>>()?;
    let input = |export: &'_ String| -> anyhow::Result<(Option<Signal>, String)> {
        let Some((signal, path)) = export.split_once('=') else {
            return Ok((None, export.clone()));
        };
        match Signal::from_id(signal) {
            Some(signal) => Ok((Some(signal), path.to_owned())),
            // a path may hold the mark itself
            None if signal.contains(['/', '.']) => Ok((None, export.clone())),
            None => {
                let known: Vec<_> = Signal::all().map(Signal::id).collect();
                let near = crate::diag::near_miss(signal, known.iter().copied());
                let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                bail!(
                    "`{signal}` of `{export}` is no signal{near}; signals are {}",
                    known.join(", ")
                )
            }
        }
    };
    let recorder = |label: &String| match label.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (label.clone(), None),
    };
    let recorders: Vec<(String, Option<String>)> = args.cluster_label.iter().map(recorder).collect();
    let mut all = Vec::new();
    for export in &args.exports {
        let (signal, path) = input(export)?;
        // borrowed from the argument: the path is its end
        let name = &export[export.len() - path.len()..];
        let expected = Expected {
            signal,
            namespace: args.namespace.clone(),
            cluster: args.cluster.clone(),
            recorders: recorders.clone(),
        };
        all.push(Input {
            name,
            expected,
            columns: columns.clone(),
            header: args.header.clone(),
            units: units.clone(),
            constants: constants.clone(),
            room: room.clone(),
            again: None,
        });
    }
    Ok(all)
}

fn unit(id: &str) -> anyhow::Result<Unit> {
    Unit::from_id(id).ok_or_else(|| {
        let near = crate::diag::near_miss(id, Unit::ids());
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let known: Vec<_> = Unit::ids().collect();
        anyhow::anyhow!("--unit: `{id}` is no unit{near}; units are {}", known.join(", "))
    })
}

/// `NAME=VALUE` texts of a flag.
pub(super) fn pairs<'a>(
    texts: &'a [String],
    flag: &str,
) -> anyhow::Result<impl Iterator<Item = (String, String)> + use<'a>> {
    if let Some(bad) = texts.iter().find(|text| !text.contains('=')) {
        bail!("{flag} takes NAME=VALUE, not `{bad}`");
    }
    Ok(texts
        .iter()
        .filter_map(|text| text.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Kinds and names of all manifests; what can't be read is a warning, since only names are wanted.
pub(super) fn declared(paths: &[PathBuf]) -> anyhow::Result<(Declared, Vec<Note>)> {
    let (mut declared, mut notes) = (Declared::default(), Vec::new());
    for root in paths {
        match built(root) {
            Ok(Some(objects)) => {
                for object in &objects {
                    declared.add_object(object);
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => {
                let shown = root.display().to_string();
                let headline = format!("can't be built, so its files are read as they are: {error:#}");
                notes.push(Note::warning(code::MANIFEST_UNREADABLE, headline).in_file(&shown));
            }
        }
        for path in files::list(root, &[".yaml", ".yml", ".json"])? {
            let bytes = files::read(&path, yaml::Limits::STREAM.bytes)?;
            match yaml::read_all(&bytes, &yaml::Limits::STREAM) {
                Ok(documents) => documents
                    .iter()
                    .for_each(|document| declared.add_object(&document.value)),
                Err(error) => {
                    let file = path.display().to_string();
                    notes.push(Note::warning(code::MANIFEST_UNREADABLE, error.to_string()).in_file(&file));
                }
            }
        }
    }
    Ok((declared, notes))
}

/// What a kustomization builds: the names that pods have, with prefix and suffix, and of bases that lie elsewhere. `None`
/// where there is no kustomization.
fn built(root: &Path) -> anyhow::Result<Option<Vec<Object>>> {
    if !root.is_dir() || Kustomization::of(root)?.is_none() {
        return Ok(None);
    }
    let kustomize = Kustomize::find(None, false);
    match environments::at(root)? {
        Some(environment) => Ok(Some(kustomize.capture(&environment)?.output)),
        None => Ok(Some(kustomize.build(root)?)),
    }
}

/// The profiles of files and folders (`*.yaml`, `*.yml`), `-` for stdin, each under the name of its file; every line of them
/// is read and checked.
pub(super) fn profiles(paths: &[PathBuf]) -> Result<Vec<Part>, CliError> {
    let (mut parts, mut faults) = (Vec::new(), Vec::new());
    for path in files_of(paths)? {
        let name = path.display().to_string();
        match room::profile_stream(&path)?.read() {
            Ok(profiles) => parts.extend(profiles.into_iter().map(|profile| Part {
                name: name.clone(),
                profile,
            })),
            Err(error) => faults.push(Diagnostic::from(error.note(&name))),
        }
    }
    if faults.is_empty() {
        Ok(parts)
    } else {
        Err(CliError::Diagnostics(faults))
    }
}

fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let files = files::list(path, &[".yaml", ".yml"])?;
        if files.is_empty() {
            let headline = format!("there is no profile in `{}`", path.display());
            let missing = Diagnostic::error(code::MISSING_INPUT, headline);
            return Err(missing.help("profiles are files that end in `.yaml` or `.yml`").into());
        }
        found.extend(files);
    }
    Ok(found)
}
