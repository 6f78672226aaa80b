//! `trimtab profile`: exports in, a usage profile out.

mod engine;
mod live;
mod show;

use super::exit::{CliError, Exit};
use crate::diag::{Diagnostic, code, counted, sort, terminal};
use crate::history::note::Note;
use crate::history::owners::{Declared, Owners};
use crate::history::samples::{Expected, Labels};
use crate::history::signal::Signal;
use crate::history::spool::{Room, Stored};
use crate::history::unit::Unit;
use crate::history::{self, Input, Read};
use crate::io::kustomization::Kustomization;
use crate::io::kustomize::Kustomize;
use crate::io::room::{Spill, Still};
use crate::io::{clock, environments, files, room};
use crate::krm::Object;
use crate::profile::build::{Built, Options, assemble};
use crate::profile::written::Written;
use crate::profile::{merge, object};
use crate::units::Timestamp;
use crate::yaml;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that stay open while their samples are in use; the samples of further ones are put aside. Most systems allow a
/// process a thousand.
const OPEN_MAX: usize = 256;

const EXAMPLES: &str = "\
Examples:
  trimtab profile cpu.json memory.json --owners owners.json -o profile.yaml
  trimtab profile cpu=week1.json cpu=week2.json memory=mem.json \\
    --manifests apps/production -o profile.yaml
  trimtab profile samples.csv --columns time=interval_end,value=cpu_usage \\
    --label container=app -o profile.yaml
  trimtab profile --prometheus http://prometheus:9090 -o profile.yaml
  trimtab profile --prometheus https://mimir/prometheus --window 30d \\
    --http-header X-Scope-OrgID=shop --bearer-token-file token -o profile.yaml
  trimtab profile --print-queries --window 14d > export.sh    # the same by curl
  trimtab profile --print-sql duckdb --table \"'lake/*.parquet'\" > count.sql
  trimtab profile merge shard-*.yaml -o profile.yaml";

/// Turn usage exports, or a metrics store's answers, into a usage profile to commit.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXAMPLES
)]
pub struct ProfileArgs {
    #[command(subcommand)]
    command: Option<Box<ProfileCommand>>,
    /// Export files, `-` for stdin; `SIGNAL=FILE` where neither series nor file name tell what is measured
    #[arg(value_name = "EXPORT", required_unless_present_any = ["prometheus", "print_queries", "print_sql"])]
    exports: Vec<String>,
    /// Answers of `kube_pod_owner`, `kube_replicaset_owner`, `kube_job_owner`
    #[arg(long, value_name = "FILE")]
    owners: Vec<PathBuf>,
    /// Manifests whose workloads the rules by pod name may use; a folder with a kustomization is built
    #[arg(long, value_name = "DIR|FILE")]
    manifests: Vec<PathBuf>,
    /// Environment that was recorded, such as `production`
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Cluster that was recorded; of an export with several `cluster` labels only this one is taken
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Where one series was recorded several times (replicas of a Prometheus, several servers): the label that tells them
    /// apart, with the value to take; without a value all record the same, and each instant counts once
    #[arg(long, value_name = "NAME[=VALUE]")]
    cluster_label: Vec<String>,
    /// Namespace of series that carry none
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Threads, 256 at most; 0 for as many as the machine has (the result is the same)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = super::load::threads)]
    threads: usize,
    /// Length of a cell; must divide an hour
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    step: String,
    /// Keep exact totals, so that this part can be merged with others
    #[arg(long)]
    shard: bool,
    /// Columns of tables by role: `time=…,value=…,unit=…,metric=…,namespace=…,pod=…,container=…,workload=…`
    #[arg(long, value_name = "ROLE=COLUMN", value_delimiter = ',')]
    columns: Vec<String>,
    /// Column names of tables without a header line, such as the `format` of VictoriaMetrics' `/api/v1/export/csv`
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    header: Vec<String>,
    /// Unit of the values of tables, such as `millicores`, `MiB`, `percent-of-core`; else cores, bytes, seconds
    #[arg(long, value_name = "UNIT")]
    unit: Vec<String>,
    /// A label that every series gets which has none of that name, such as `deployment=api`
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// File to write, `-` for stdout; a folder gets a file for each namespace, named by environment, cluster and namespace
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["print_queries", "print_sql"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    live: live::LiveArgs,
    #[command(flatten)]
    engine: engine::EngineArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum ProfileCommand {
    /// Show what profiles say of each workload: quantiles, coverage, what was in force, restarts and OOM kills
    #[command(
        after_help = "Examples:\n  trimtab profile show profile.yaml\n  trimtab profile show profile.yaml api --format json"
    )]
    Show {
        /// Profiles
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only this workload: `api` or `Deployment/api`
        #[arg(value_name = "WORKLOAD", conflicts_with = "compare")]
        workload: Option<String>,
        /// Beside the report of krr (`krr simple -f json`): its requests and what the profile says by the same measure
        #[arg(long, value_name = "KRR.json")]
        compare: Option<PathBuf>,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = show::Format::Table)]
        format: show::Format,
    },
    /// Show what moved between two profiles: weeks and workloads that came or went, quantiles and peaks
    #[command(after_help = "Examples:\n  git show main:profile.yaml | trimtab profile diff - profile.yaml")]
    Diff {
        /// Profiles before, `-` for stdin
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// Profiles after
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = show::Format::Table)]
        format: show::Format,
    },
    /// Merge profiles of parts of the same input
    Merge {
        /// Profiles; parts of one namespace best made with --shard
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Keep the exact form, for merging again
        #[arg(long)]
        shard: bool,
        /// File to write, `-` for stdout
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Makes or merges profiles. Nothing is written unless everything could be read.
pub fn run(args: &ProfileArgs) -> Result<Exit, CliError> {
    match args.command.as_deref() {
        Some(ProfileCommand::Merge { files, shard, output }) => return run_merge(files, *shard, output),
        Some(ProfileCommand::Show {
            file,
            compare: Some(report),
            format,
            ..
        }) => return show::compare(file, report, *format),
        Some(ProfileCommand::Show {
            file, workload, format, ..
        }) => return show::show(file, workload.as_deref(), *format),
        Some(ProfileCommand::Diff { old, new, format }) => return show::diff(old, new, *format),
        None => {}
    }
    if let Some(dialect) = args.engine.print_sql {
        return engine::print_sql(args, dialect);
    }
    if args.live.print_queries {
        return live::print_queries(args);
    }
    if args.live.prometheus.is_some() {
        // not after hours of asking
        args.output.as_deref().map_or(Ok(()), refuse_foreign)?;
    }
    let Some(fetched) = live::fetch(args)? else {
        return make(args);
    };
    let exit = make(&fetched.arguments(args))?;
    if exit == Exit::Done {
        fetched.finish()?;
    }
    Ok(exit)
}

/// Makes profiles of files.
fn make(args: &ProfileArgs) -> Result<Exit, CliError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .use_current_thread()
        .build()
        .context("cannot start threads")?;
    let can_again = can_read_again(args);
    let built = match pool.install(|| build(args, can_again))? {
        // perhaps just not in the usual form throughout: read with all care, it tells what is wrong
        Err(_) if can_again => pool.install(|| build(args, false))?,
        built => built,
    };
    let built = match built {
        Ok(built) => built,
        Err(notes) => return Ok(tell(notes, Exit::Error)),
    };
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let profiles = built.profiles;
    let empty = profiles.is_empty();
    let mut notes = built.notes;
    if empty {
        notes.push(Note::error(
            code::EXPORT_EMPTY,
            "no sample of any known workload: nothing to write",
        ));
        return Ok(tell(notes, Exit::Error));
    }
    write(output, &profiles)?;
    tell(notes, Exit::Done);
    report(&profiles, output);
    Ok(Exit::Done)
}

/// Whether all that is read can be read twice.
fn can_read_again(args: &ProfileArgs) -> bool {
    let exports = args.exports.iter().map(|export| {
        let path = export.split_once('=').map_or(export.as_str(), |(_, path)| path);
        [export.as_str(), path].iter().any(|path| Path::new(path).is_file())
    });
    let others = args.owners.iter().map(|path| path.is_file());
    let manifests = args.manifests.iter().map(|path| path.is_file() || path.is_dir());
    exports.chain(others).chain(manifests).all(|is| is)
}

/// With `again`, samples may stay in their files until they are needed.
fn build(args: &ProfileArgs, again: bool) -> anyhow::Result<Result<Built, Vec<Note>>> {
    // what does not fit in memory waits in one place: samples first, then lines
    let room = Room::new(Spill::default());
    let options = options(args, &room)?;
    let mut inputs = inputs(args, &room)?;
    for input in inputs.iter_mut().filter(|_| again).take(OPEN_MAX) {
        input.again = Still::open(Path::new(input.name)).map(|file| Arc::new(file) as Arc<dyn Stored>);
    }
    let mut owners = Owners::default();
    let (mut faults, mut remarks) = (Vec::new(), Vec::new());
    for path in &args.owners {
        let mut text = files::open(path)?;
        match owners.read(&path.display().to_string(), &mut text) {
            Ok(remark) => remarks.extend(remark),
            Err(found) => faults.extend(found),
        }
    }
    let (declared, mut notes) = declared(&args.manifests)?;
    notes.extend(remarks);
    let reads: Vec<Result<Read, Vec<Note>>> = inputs.par_iter().map(read).collect();
    let mut good = Vec::new();
    for read in reads {
        match read {
            Ok(read) => good.push(read),
            Err(notes) => faults.extend(notes),
        }
    }
    if !faults.is_empty() {
        notes.extend(faults);
        return Ok(Err(notes));
    }
    notes.extend(good.iter().filter_map(of_the_future));
    Ok(assemble(good, owners, declared, &options)
        .map(|built| Built {
            notes: notes.iter().cloned().chain(built.notes).collect(),
            ..built
        })
        .map_err(|faults| notes.into_iter().chain(faults).collect()))
}

fn read(input: &Input<'_>) -> Result<Read, Vec<Note>> {
    let unreadable = |error: files::FileError| vec![Note::error(code::EXPORT_UNREADABLE, error.to_string())];
    let raw = files::open(Path::new(input.name)).map_err(unreadable)?;
    history::read(input, raw)
}

/// A damaged time can lie years ahead; half a day is a clock in another zone.
fn of_the_future(read: &Read) -> Option<Note> {
    const AHEAD_S: i64 = 86_400;
    let (last_ms, row) = read.extent.last?;
    let (last, now) = (Timestamp::from_unix(last_ms.div_euclid(1000))?, clock::now());
    if last.unix() - now.unix() <= AHEAD_S {
        return None;
    }
    let message = format!("the latest sample is of {last}, which is yet to come by this machine's clock");
    let help = "compare it with the source: a plan takes the last sample for its now";
    let note = Note::warning(code::TIME_IN_FUTURE, message);
    Some(note.in_file(&read.name).at_row(row).help(help))
}

fn options(args: &ProfileArgs, room: &Room) -> anyhow::Result<Options> {
    let step_s = u32::try_from(super::store::step(&args.step)?.get()).context("--step")?;
    for (flag, name) in [("--environment", &args.environment), ("--cluster", &args.cluster)] {
        let is_odd = |name: &&String| name.trim().is_empty() || name.chars().any(char::is_control);
        if let Some(name) = name.as_ref().filter(is_odd) {
            bail!("{flag} `{}` is no name", name.escape_debug())
        }
    }
    Ok(Options {
        environment: args.environment.clone(),
        cluster: args.cluster.clone(),
        step_s,
        shard: args.shard,
        room: room.clone(),
    })
}

fn inputs<'a>(args: &'a ProfileArgs, room: &Room) -> anyhow::Result<Vec<Input<'a>>> {
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

fn pairs<'a>(texts: &'a [String], flag: &str) -> anyhow::Result<impl Iterator<Item = (String, String)> + use<'a>> {
    if let Some(bad) = texts.iter().find(|text| !text.contains('=')) {
        bail!("{flag} takes NAME=VALUE, not `{bad}`");
    }
    Ok(texts
        .iter()
        .filter_map(|text| text.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Kinds and names of all manifests; what can't be read is a warning, since only names are wanted.
fn declared(paths: &[PathBuf]) -> anyhow::Result<(Declared, Vec<Note>)> {
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

/// A file that is there and no profile is somebody's work, such as the export itself.
fn refuse_foreign(path: &Path) -> anyhow::Result<()> {
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

fn write(output: &Path, profiles: &[Written]) -> anyhow::Result<()> {
    if !files::is_folder(output) {
        refuse_foreign(output)?;
        return Ok(files::write_by(output, &|out| object::write(profiles, out))?);
    }
    for profile in profiles {
        let path = output.join(format!("{}.yaml", profile.head().scope.name()));
        refuse_foreign(&path)?;
        files::write_by(&path, &|out| object::write(std::slice::from_ref(profile), out))?;
    }
    Ok(())
}

fn run_merge(paths: &[PathBuf], shard: bool, output: &Path) -> Result<Exit, CliError> {
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        let read = room::profile_stream(path)?.read();
        match read {
            Ok(profiles) => parts.extend(profiles),
            Err(error) => {
                let note =
                    Note::error(code::PROFILE_MALFORMED, error.what.clone()).in_file(&path.display().to_string());
                faults.push(match error.line {
                    Some(line) => note.at_row(line),
                    None => note,
                });
            }
        }
    }
    if !faults.is_empty() {
        return Ok(tell(faults, Exit::Error));
    }
    match merge::merge(parts, shard) {
        Ok(profiles) => {
            let profiles: Vec<_> = profiles.iter().map(Written::of).collect();
            write(output, &profiles)?;
            report(&profiles, output);
            Ok(Exit::Done)
        }
        Err(note) => Ok(tell(vec![note], Exit::Error)),
    }
}

/// Prints the notes and gives back the exit code. Errors stand last, where they are seen.
fn tell(notes: Vec<Note>, exit: Exit) -> Exit {
    let mut diagnostics: Vec<Diagnostic> = notes.into_iter().map(Diagnostic::from).collect();
    sort(&mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    diagnostics.dedup();
    // a closed stderr must not undo what was written
    let _ = anstream::stderr().write_all(terminal::render_all(&diagnostics, true).as_bytes());
    exit
}

fn report(profiles: &[Written], output: &Path) {
    let mut text = String::new();
    for profile in profiles {
        let head = profile.head();
        let window = head
            .window
            .map_or_else(String::new, |window| format!(", {} to {}", window.start, window.end));
        let (workloads, namespace) = (profile.workloads(), &head.scope.namespace);
        let _ = writeln!(text, "{namespace}: {}{window}", counted(workloads as u64, "workload"));
    }
    let _ = writeln!(text, "written to {}", output.display());
    let _ = anstream::stderr().write_all(text.as_bytes());
}
