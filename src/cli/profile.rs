//! `trimtab profile`: exports in, a usage profile out.

mod engine;
mod inputs;
mod live;
mod make;
mod merge;
mod misfit;
mod output;
mod show;

use super::exit::{CliError, Exit};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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

const MERGE: &str = "\
What several parts say of one workload counts together. A part that is given twice
counts once. Finished profiles merge where they know different time; where parts know
the same time, make them with `trimtab profile --shard`.

Examples:
  trimtab profile merge shard-*.yaml -o profile.yaml
  trimtab profile merge october.yaml november.yaml -o profile.yaml
  trimtab profile merge parts/ --environment production -o profile.yaml";

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
    /// Keep, of each container, what these programs would know of its samples: a line more for each signal
    #[arg(long, value_name = "NAME,…", value_enum, value_delimiter = ',')]
    with_state: Vec<StateOf>,
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

/// Whose state a profile may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StateOf {
    /// The recommender of the Vertical Pod Autoscaler
    Vpa,
    /// krr's strategy `simple`
    Krr,
}

#[derive(Clone, Debug, Subcommand)]
enum ProfileCommand {
    /// Show what profiles say of each workload: quantiles, coverage, what was in force, restarts and OOM kills
    #[command(
        after_help = "Examples:\n  trimtab profile show profile.yaml\n  trimtab profile show profiles/ api --format json"
    )]
    Show {
        /// Profiles, or folders of them, `-` for stdin; behind these a workload to show alone: `api` or `Deployment/api`
        #[arg(value_name = "FILE|WORKLOAD", required = true)]
        files: Vec<PathBuf>,
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
        /// Profiles before, a file or a folder, `-` for stdin
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
    #[command(after_help = MERGE)]
    Merge(merge::MergeArgs),
}

/// Makes or merges profiles. Nothing is written unless everything could be read.
pub fn run(args: &ProfileArgs) -> Result<Exit, CliError> {
    match args.command.as_deref() {
        Some(ProfileCommand::Merge(args)) => return merge::run(args),
        Some(ProfileCommand::Show { files, compare, format }) => {
            return match compare {
                Some(report) => show::compare(files, report, *format),
                None => show::show(files, *format),
            };
        }
        Some(ProfileCommand::Diff { old, new, format }) => return show::diff(old, new, *format),
        None => {}
    }
    let refused = misfit::refused(args);
    if !refused.is_empty() {
        return Err(CliError::Diagnostics(refused));
    }
    if let Some(dialect) = args.engine.print_sql {
        return engine::print_sql(args, dialect);
    }
    if args.live.print_queries {
        return live::print_queries(args);
    }
    if args.live.prometheus.is_some() {
        // not after hours of asking
        args.output.as_deref().map_or(Ok(()), output::refuse_foreign)?;
    }
    let Some(fetched) = live::fetch(args)? else {
        return make::make(args);
    };
    let exit = make::make(&fetched.arguments(args))?;
    if exit == Exit::Done {
        fetched.finish()?;
    }
    Ok(exit)
}
