//! `trimtab profile --print-sql`: the query for an engine that holds the samples.

use super::ProfileArgs;
use crate::cli::console;
use crate::cli::exit::{CliError, Exit};
use crate::cli::store::step;
use crate::history::engines::{COLUMNS, Engine, Samples, script};
use anyhow::anyhow;
use clap::{Args, ValueEnum};

/// What the query is for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From an SQL engine")]
pub(super) struct EngineArgs {
    /// Print the SQL whose rows `profile` reads, for samples in a lake or a warehouse; ask nothing
    #[arg(long, value_name = "ENGINE", value_enum, conflicts_with_all = ["prometheus", "print_queries"])]
    pub print_sql: Option<Dialect>,
    /// The table of samples, as the engine names it; `--columns ROLE=COLUMN` takes its columns, or expressions
    #[arg(long, value_name = "TABLE", default_value = "samples", requires = "print_sql")]
    table: String,
    /// Pods are scraped each at its own instant: in totals the greatest of each `--step` counts
    #[arg(long, requires = "print_sql")]
    off_grid: bool,
}

/// The engines that a query is shipped for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Dialect {
    Duckdb,
    Datafusion,
    Spark,
    Trino,
    Clickhouse,
}

impl From<Dialect> for Engine {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Duckdb => Self::Duckdb,
            Dialect::Datafusion => Self::Datafusion,
            Dialect::Spark => Self::Spark,
            Dialect::Trino => Self::Trino,
            Dialect::Clickhouse => Self::Clickhouse,
        }
    }
}

/// Prints the query.
pub(super) fn print_sql(args: &ProfileArgs, dialect: Dialect) -> Result<Exit, CliError> {
    let mut samples = Samples {
        table: args.engine.table.clone(),
        ..Samples::default()
    };
    for (role, column) in super::inputs::pairs(&args.columns, "--columns")? {
        if !COLUMNS.iter().any(|(known, _)| *known == role) {
            let known: Vec<_> = COLUMNS.iter().map(|(role, _)| *role).collect();
            let near = crate::diag::near_miss(&role, known.iter().copied());
            let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            return Err(anyhow!(
                "--columns: a sample has no `{role}`{near}; roles are {}",
                known.join(", ")
            )
            .into());
        }
        samples.columns.insert(role, column);
    }
    let cell = step(&args.step)?;
    samples.cell = args.engine.off_grid.then_some(cell);
    console::print(&script(dialect.into(), &samples))?;
    Ok(Exit::Done)
}
