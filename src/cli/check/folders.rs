//! Rendered folders that are committed: whose each is, and whether it is what the plan makes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::exit::CliError;
use crate::cli::load::Loaded;
use crate::cli::render::{self, Form};
use crate::diag::{Diagnostic, Place, code};
use crate::io::environments::Wiring;
use crate::io::kustomization::documents;
use crate::io::{files, folder};
use crate::krm::patch::added_containers;
use crate::krm::{Object, ObjectId, layer};
use crate::plan::model::WorkloadPlan;
use crate::yaml::{self, Limits};

/// A rendered folder as it describes itself.
pub(super) struct Rendered {
    pub(super) form: Form,
    /// The environment it was rendered from.
    pub(super) from: Option<PathBuf>,
}

/// Rendered folders below.
pub(super) fn rendered(folders: &[PathBuf]) -> Result<BTreeMap<PathBuf, Rendered>, CliError> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for path in files::list(folder, &[layer::KUSTOMIZATION])? {
            let text = files::read_text(&path, Limits::STREAM.bytes)?;
            if text.lines().next() != Some(render::MARK) {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
            let documents = documents(&path).map_err(anyhow::Error::from)?;
            let kustomization = documents.first().cloned().unwrap_or_default();
            let resources = kustomization["resources"].as_array();
            let stands_on = |entry: &Value| entry.as_str().is_some_and(|entry| entry.contains("../"));
            let form = if resources.into_iter().flatten().any(stands_on) {
                Form::Overlay
            } else {
                Form::Manifests
            };
            let from = kustomization["metadata"]["annotations"][render::RENDERED_FROM].as_str();
            let from = from.map(|from| folder.join(from));
            found.insert(folder, Rendered { form, from });
        }
    }
    Ok(found)
}

pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A rendered folder that no checked environment answers for.
pub(super) fn of_nobody(folder: &Path, rendered: &Rendered) -> Diagnostic {
    let place = Place::top_of(folder.join(layer::KUSTOMIZATION).display().to_string(), render::MARK);
    let folder = folder.display();
    let Some(from) = &rendered.from else {
        let headline = format!("`{folder}` does not say which environment it was rendered from");
        return Diagnostic::error(code::STALE_FILE, headline)
            .at(place)
            .help(format!("render it again: `trimtab render ENVIRONMENT -o {folder}`"));
    };
    let headline = format!(
        "`{folder}` was rendered from `{}`, which is no environment of this check",
        from.display()
    );
    Diagnostic::error(code::STALE_FILE, headline)
        .at(place)
        .help("check the folders of both, render it from the environment's new place, or remove it if the environment is gone")
}

/// Where no build applies a plan and no files do either, it is applied nowhere.
pub(super) fn not_rendered(one: &Loaded, files: bool) -> Option<Diagnostic> {
    let folder = one.folder().display();
    let plan = one.accepted()?;
    let is_wired = one.environment.wiring == Wiring::Transformers;
    if (is_wired && !files) || !plan.spec.workloads.values().any(WorkloadPlan::is_rendered) {
        return None;
    }
    let headline = format!("the plan of `{folder}` has no rendered folder among those checked");
    let why = if is_wired {
        "`--files` asks for one of every environment"
    } else {
        "no kustomization lists its policy under `transformers:`, so only files can apply it"
    };
    Some(
        Diagnostic::error(code::NOT_RENDERED, headline)
            .because(why)
            .help(format!(
                "run `trimtab render {folder} -o rendered/NAME` and commit it, and check that folder too"
            )),
    )
}

/// Environments that can't be told apart by what their policies say.
pub(super) fn doubles(planned: &[Loaded]) -> Vec<Diagnostic> {
    let name = |one: &Loaded| {
        let policy = &one.inputs.policy;
        (
            policy["metadata"]["name"].clone(),
            policy["spec"]["environment"].clone(),
        )
    };
    let mut doubles = Vec::new();
    for (index, one) in planned.iter().enumerate() {
        for other in planned.iter().skip(index + 1).filter(|other| name(other) == name(one)) {
            let (name, environment) = name(one);
            let (one, other) = (one.folder().display(), other.folder().display());
            let headline = format!("`{one}` and `{other}` both have a policy {name} for environment {environment}");
            doubles.push(
                Diagnostic::warning(code::SAME_ENVIRONMENT, headline)
                    .because("each is checked by itself; which of them is deployed can't be seen from here")
                    .help(
                        "remove the one that is left over, or give it its own `metadata.name` and `spec.environment`",
                    ),
            );
        }
    }
    doubles
}

/// Committed patches that add a container to what the overlay builds by now.
pub(super) fn adding_containers(one: &Loaded, folder: &Path) -> Result<Vec<Diagnostic>, CliError> {
    let mut problems = Vec::new();
    for (name, text) in folder::ours(folder, render::MARK).map_err(anyhow::Error::from)? {
        let Ok(patch) = yaml::read_one(text.as_bytes(), &Limits::STREAM) else {
            continue;
        };
        let id = ObjectId::of(&patch).filter(|_| name.ends_with(layer::PATCH));
        let is_it = |object: &&Object| {
            let other = ObjectId::of(object);
            id.as_ref()
                .is_some_and(|id| other.is_some_and(|other| other.is_same_object(id)))
        };
        let Some(object) = one.inputs.objects.iter().find(is_it) else {
            continue;
        };
        let path = folder.join(&name);
        problems.extend(added_containers(object, &patch).into_iter().map(|container| {
            let headline = format!(
                "`{}` would add a container `{container}`, which the manifest has no more",
                path.display()
            );
            let plan = one.folder().display();
            Diagnostic::error(code::PATCH_ADDS_CONTAINER, headline)
                .at(Place::top_of(path.display().to_string(), &text))
                .of(id.as_ref().map(ToString::to_string).unwrap_or_default())
                .because("the container was renamed or taken out after the folder was rendered")
                .help(format!("run `trimtab plan {plan} --write` and render the folder again"))
        }));
    }
    Ok(problems)
}

pub(super) fn stale(one: &Loaded, folder: &Path, form: Form) -> Result<Option<Diagnostic>, CliError> {
    let (wanted, _) = render::texts_of(one, form, folder)?;
    let found = folder::ours(folder, render::MARK).map_err(anyhow::Error::from)?;
    let mut differences = Vec::new();
    for (name, text) in &wanted {
        match found.get(name) {
            None => differences.push((name, "is missing")),
            Some(known) if known != text => differences.push((name, "differs")),
            Some(_) => {}
        }
    }
    let left_over = found.keys().filter(|name| !wanted.contains_key(*name));
    differences.extend(left_over.map(|name| (name, "is left over")));
    // a file that is missing can't be pointed at; the one that would name it can
    let there = differences.iter().find_map(|(name, _)| found.get_key_value(*name));
    let Some((name, text)) = there
        .or_else(|| found.get_key_value(layer::KUSTOMIZATION))
        .filter(|_| !differences.is_empty())
    else {
        return Ok(None);
    };
    let place = Place::top_of(folder.join(name).display().to_string(), text);
    let differences: Vec<String> = differences
        .iter()
        .map(|(name, how)| format!("`{name}` {how}"))
        .collect();
    let form = if form == Form::Overlay { "overlay" } else { "manifests" };
    let command = format!(
        "trimtab render {} --as {form} -o {}",
        one.folder().display(),
        folder.display()
    );
    Ok(Some(
        Diagnostic::error(
            code::STALE_FILE,
            format!("`{}` is not what the plan renders", folder.display()),
        )
        .at(place)
        .because(differences.join(", "))
        .help(format!("run `{command}`, review and commit")),
    ))
}
