//! `trimtab profile merge`: profiles of parts in, one of the whole out.

use super::inputs::profiles;
use super::output::{report, tell, write};
use crate::cli::exit::{CliError, Exit};
use crate::profile::merge::merge_parts;
use crate::profile::parts::{Part, check_alike};
use crate::profile::written::Written;
use clap::Args;
use std::path::PathBuf;

/// What is merged, and what is said of it.
#[derive(Clone, Debug, Args)]
pub(super) struct MergeArgs {
    /// Profiles, or folders of them; parts of one namespace best made with --shard
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,
    /// Environment of the parts that name none
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Cluster of the parts that name none
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Take parts of several environments, and parts that name none beside others that do: each stays apart
    #[arg(long)]
    mixed: bool,
    /// Keep the exact form, for merging again
    #[arg(long)]
    shard: bool,
    /// File to write, `-` for stdout; a folder gets a file for each namespace
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Merges files.
pub(super) fn run(args: &MergeArgs) -> Result<Exit, CliError> {
    super::inputs::check_names(args.environment.as_ref(), args.cluster.as_ref())?;
    let mut parts = profiles(&args.files)?;
    for part in &mut parts {
        let scope = &mut part.profile.scope;
        scope.environment = scope.environment.take().or_else(|| args.environment.clone());
        scope.cluster = scope.cluster.take().or_else(|| args.cluster.clone());
    }
    let scopes = parts.iter().map(|Part { name, profile }| (&**name, &profile.scope));
    if !args.mixed
        && let Err(unlike) = check_alike(scopes)
    {
        return Ok(tell(vec![unlike], Exit::Error));
    }
    match merge_parts(parts, args.shard) {
        Ok(merged) => {
            let profiles: Vec<_> = merged.profiles.iter().map(Written::of).collect();
            write(&args.output, &profiles)?;
            tell(merged.notes, Exit::Done);
            report(&profiles, &args.output);
            Ok(Exit::Done)
        }
        Err(note) => Ok(tell(vec![note], Exit::Error)),
    }
}
