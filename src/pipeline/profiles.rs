//! Which profiles a plan is made from: those of the environment, several of one namespace as `trimtab profile merge` makes
//! one of them, each once.
//!
//! Files that are named or lie beside the policy go before objects of the build.

use std::collections::BTreeMap;

use super::moved::Move;
use super::{Inputs, ProfileSource, Purpose, read_object, read_of};
use crate::diag::{Diagnostic, Place, code};
use crate::history::note::Note;
use crate::policy::Settings;
use crate::profile::merge::merge_parts;
use crate::profile::object::KIND;
use crate::profile::opened::ProfileText;
use crate::profile::parts::{Part, check_alike, repeated};
use crate::profile::{Profile, Scope};
use crate::workload::Workloads;

/// A profile that counts, and how it is called.
struct Found {
    name: String,
    text: ProfileText,
}

/// The profiles of the environment, one of each namespace and cluster, and what makes each one that was given itself, for
/// the digest. Another environment's is an error.
///
/// A plan is made from profiles that were read, and so checked, whole. A build that plans on the fly reads of each what
/// its manifests need.
pub(super) fn read(
    inputs: &Inputs,
    settings: &Settings,
    workloads: &Workloads,
    moves: &[Move],
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(Vec<Profile>, Vec<String>), Vec<Diagnostic>> {
    let mut found = given(&inputs.profiles, diagnostics)?;
    found.retain(|one| !is_borrowed(one.text.head(), &one.name, settings, diagnostics));
    for Found { name, text } in &found {
        check_environment(text.head(), name, settings)?;
        check_whole(text.head(), name)?;
    }
    let found = distinct(found, diagnostics);
    let scopes = found.iter().map(|one| (&*one.name, &one.text.head().scope));
    check_alike(scopes).map_err(told)?;
    let identities = found.iter().map(|one| one.text.identity().to_owned()).collect();
    let mut by_scope: BTreeMap<Scope, Vec<Found>> = BTreeMap::new();
    for one in found {
        by_scope.entry(one.text.head().scope.clone()).or_default().push(one);
    }
    let mut profiles = Vec::new();
    for parts in by_scope.into_values() {
        let is_alone = parts.len() == 1;
        let read = |Found { name, text }: Found| {
            let profile = match inputs.purpose {
                Purpose::Plan => text.read(),
                Purpose::Apply => read_of(&text, settings, workloads, moves, is_alone),
            };
            match profile {
                Ok(profile) => Ok(Part { name, profile }),
                Err(error) => Err(told(error.note(&name))),
            }
        };
        let parts = parts.into_iter().map(read).collect::<Result<Vec<Part>, _>>()?;
        if is_alone {
            profiles.extend(parts.into_iter().map(|part| part.profile));
            continue;
        }
        let merged = merge_parts(parts, false).map_err(told)?;
        // states of other programs that did not merge: no plan is made from them
        let notes = merged.notes.into_iter().filter(|note| note.code != code::MERGE_STATES);
        diagnostics.extend(notes.map(Diagnostic::from));
        profiles.extend(merged.profiles);
    }
    Ok((profiles, identities))
}

fn told(note: Note) -> Vec<Diagnostic> {
    vec![note.into()]
}

/// Every profile of the files; where there is no file, those of the build. Of a build's that are passed over it is said,
/// unless a file holds the same.
fn given(sources: &[ProfileSource], diagnostics: &mut Vec<Diagnostic>) -> Result<Vec<Found>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    for source in sources {
        if let ProfileSource::File { path, stream } = source {
            let texts = stream.open().map_err(|error| told(error.note(path)))?;
            found.extend(texts.into_iter().map(|text| Found {
                name: path.clone(),
                text,
            }));
        }
    }
    let has_files = sources
        .iter()
        .any(|source| matches!(source, ProfileSource::File { .. }));
    for source in sources {
        let ProfileSource::Object(value) = source else { continue };
        let name = value.pointer("/metadata/name").and_then(serde_json::Value::as_str);
        let name = format!("{KIND}/{}", name.unwrap_or_default());
        let text = read_object(value);
        if !has_files {
            found.push(Found { name, text: text? });
            continue;
        }
        let is_known = |text: &ProfileText| found.iter().any(|one| one.text.identity() == text.identity());
        if !text.is_ok_and(|text| is_known(&text)) {
            diagnostics.push(unused(&name, &found));
        }
    }
    Ok(found)
}

fn unused(name: &str, files: &[Found]) -> Diagnostic {
    let file = files.first().map_or("", |one| &one.name);
    Diagnostic::warning(code::PROFILE_UNUSED, format!("`{name}` among the objects is not used"))
        .because(format!(
            "profiles are given as files, such as `{file}`, and these go before"
        ))
        .help("take it out of `resources:`, or the files away")
}

/// Each once, by what it says.
fn distinct(found: Vec<Found>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match kept.iter().find(|known| known.text.identity() == one.text.identity()) {
            Some(known) => diagnostics.extend(repeated(&one.name, &known.name, &[]).map(Diagnostic::from)),
            None => kept.push(one),
        }
    }
    kept
}

/// Whether a profile is of the environment that `spec.history.from` names. What another environment used is a floor at
/// most; until floors are derived it decides nothing, and that is said.
fn is_borrowed(profile: &Profile, shown: &str, settings: &Settings, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let Some(borrowed) = &settings.bounds.borrowed else {
        return false;
    };
    let is_borrowed = profile.scope.environment.as_deref() == Some(borrowed.environment.as_str())
        && borrowed.environment != settings.policy.spec.environment;
    if is_borrowed {
        let headline = format!(
            "the history borrowed from `{}` decides nothing yet",
            borrowed.environment
        );
        diagnostics.push(
            Diagnostic::warning(code::BORROWED_HISTORY, headline)
                .at(Place::Object {
                    object: shown.to_owned(),
                    pointer: "/spec/environment".to_owned(),
                })
                .help("state the values of this environment, or record its own history"),
        );
    }
    is_borrowed
}

/// Totals of a part are too low, and in the exact form that only merging reads.
fn check_whole(profile: &Profile, shown: &str) -> Result<(), Vec<Diagnostic>> {
    if !profile.shard {
        return Ok(());
    }
    let place = Place::Object {
        object: shown.to_owned(),
        pointer: "/spec/shard".to_owned(),
    };
    let headline = "the profile is a part, made with `--shard`";
    let help = "merge all parts into one profile: `trimtab profile merge PART… -o FILE`";
    Err(vec![
        Diagnostic::error(code::PROFILE_PART, headline).at(place).help(help),
    ])
}

fn check_environment(profile: &Profile, shown: &str, settings: &Settings) -> Result<(), Vec<Diagnostic>> {
    let wanted = &settings.policy.spec.environment;
    let borrowed = settings
        .bounds
        .borrowed
        .as_ref()
        .map(|borrowed| borrowed.environment.as_str());
    match profile.scope.environment.as_deref() {
        Some(found) if found != wanted && Some(found) != borrowed => {
            let headline = format!("the profile was recorded in `{found}`, and the policy is for `{wanted}`");
            let place = Place::Object {
                object: shown.to_owned(),
                pointer: "/spec/environment".to_owned(),
            };
            Err(vec![Diagnostic::error(code::FOREIGN_PROFILE, headline).at(place).help(
                "give this environment's own profile, or borrow knowingly with `spec.history.from`",
            )])
        }
        _ => Ok(()),
    }
}
