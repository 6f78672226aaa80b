//! What is written, and what is said of it.

use crate::cli::exit::Exit;
use crate::diag::{Diagnostic, Place, counted, first_of, sort, terminal};
use crate::history::note::Note;
use crate::io::files;
use crate::profile::written::Written;
use crate::profile::{Scope, object};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A file that is there and no profile is somebody's work, such as the export itself.
pub(super) fn refuse_foreign(path: &Path) -> anyhow::Result<()> {
    const HEAD: u64 = 1 << 20;
    if files::is_standard(path) || !path.is_file() {
        return Ok(());
    }
    let mut head = Vec::new();
    files::open(path)?
        .take(HEAD)
        .read_to_end(&mut head)
        .context("read the output")?;
    let head = String::from_utf8_lossy(&head);
    if !head.trim().is_empty() && !head.lines().any(|line| line == object::KIND_LINE) {
        bail!(
            "{} is there and is no usage profile: name another file with -o, or take it away",
            path.display()
        )
    }
    Ok(())
}

/// A file, or into a folder a file for each profile: all of them or none. A folder that is not there is made.
pub(super) fn write(output: &Path, profiles: &[Written]) -> anyhow::Result<()> {
    if !files::is_folder(output) {
        refuse_foreign(output)?;
        return Ok(files::write_by(output, &|out| object::write(profiles, out))?);
    }
    let mut named: BTreeMap<PathBuf, &Written> = BTreeMap::new();
    for profile in profiles {
        let path = output.join(format!("{}.yaml", profile.head().scope.name()));
        refuse_foreign(&path)?;
        if let Some(other) = named.insert(path.clone(), profile) {
            let [one, other] = [other, profile].map(|profile| whose(&profile.head().scope));
            bail!(
                "{one} and {other} would both be written to {}: name one file with -o, which holds all of them",
                path.display()
            )
        }
    }
    files::make_folder(output)?;
    let contents: Vec<_> = named
        .iter()
        .map(|(path, profile)| {
            let content = move |out: &mut dyn std::io::Write| object::write(std::slice::from_ref(*profile), out);
            (path.clone(), content)
        })
        .collect();
    let each: Vec<(PathBuf, files::Content<'_>)> = contents
        .iter()
        .map(|(path, content)| (path.clone(), content as files::Content<'_>))
        .collect();
    Ok(files::write_each(&each)?)
}

/// Prints the notes and gives back the exit code. Errors stand last, where they are seen.
pub(super) fn tell(notes: Vec<Note>, exit: Exit) -> Exit {
    let mut diagnostics: Vec<Diagnostic> = notes.into_iter().map(Diagnostic::from).collect();
    sort(&mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    diagnostics.dedup();
    let diagnostics = folded(diagnostics);
    // a closed stderr must not undo what was written
    let _ = anstream::stderr().write_all(terminal::render_all(&diagnostics, true).as_bytes());
    exit
}

/// What is said of several files in the same words is said once, of the first, with how many more there are.
fn folded(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut folded: Vec<(Diagnostic, Vec<String>)> = Vec::new();
    let words = |one: &Diagnostic| Diagnostic {
        place: None,
        ..one.clone()
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for diagnostic in diagnostics {
        let Some(Place::Object { object, .. }) = &diagnostic.place else {
            folded.push((diagnostic, Vec::new()));
            continue;
        };
        let object = object.clone();
        let key = format!("{:?}", words(&diagnostic));
        if let Some(at) = known.get(&key) {
            folded[*at].1.push(object);
        } else {
            known.insert(key, folded.len());
            folded.push((diagnostic, Vec::new()));
        }
    }
    let told = |(diagnostic, more): (Diagnostic, Vec<String>)| match more.as_slice() {
        [] => diagnostic,
        more => {
            let named: Vec<String> = more.iter().map(|object| format!("`{object}`")).collect();
            diagnostic.because(format!("the same of {} more: {}", more.len(), first_of(&named)))
        }
    };
    folded.into_iter().map(told).collect()
}

pub(super) fn report(profiles: &[Written], output: &Path) {
    let mut text = String::new();
    for profile in profiles {
        let head = profile.head();
        let window = head
            .window
            .map_or_else(String::new, |window| format!(", {} to {}", window.start, window.end));
        let (workloads, whose) = (profile.workloads(), whose(&head.scope));
        let _ = writeln!(text, "{whose}: {}{window}", counted(workloads as u64, "workload"));
    }
    let _ = writeln!(text, "written to {}", output.display());
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// `shop (environment production, cluster eu-1)`.
fn whose(scope: &Scope) -> String {
    let named = [("environment", &scope.environment), ("cluster", &scope.cluster)];
    let named: Vec<String> = named
        .into_iter()
        .filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?)))
        .collect();
    if named.is_empty() {
        return scope.namespace.clone();
    }
    format!("{} ({})", scope.namespace, named.join(", "))
}
