//! What an SQL engine is asked that holds the samples, for the rows that [`bucketed`](super::bucketed) reads. Its text is
//! `templates/sql/counted-rows.sql.tera`; which signals are of which sort is told by [`Signal`].

use super::signal::{Form, Signal};
use crate::units::Seconds;
use serde::Serialize;
use std::collections::BTreeMap;
use tera::{Context, Tera};

const TEMPLATE: (&str, &str) = (
    "counted-rows.sql.tera",
    include_str!("../../templates/sql/counted-rows.sql.tera"),
);

/// An engine, by its dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// DuckDB.
    Duckdb,
    /// `DataFusion`, also behind Ballista.
    Datafusion,
    /// Spark SQL.
    Spark,
    /// Trino.
    Trino,
    /// `ClickHouse`.
    Clickhouse,
}

impl Engine {
    /// Its name in the template and on the command line.
    pub fn id(self) -> &'static str {
        match self {
            Self::Duckdb => "duckdb",
            Self::Datafusion => "datafusion",
            Self::Spark => "spark",
            Self::Trino => "trino",
            Self::Clickhouse => "clickhouse",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Duckdb => "DuckDB",
            Self::Datafusion => "DataFusion",
            Self::Spark => "Spark",
            Self::Trino => "Trino",
            Self::Clickhouse => "ClickHouse",
        }
    }

    /// Whether `scripts/test-engines.sh` runs it.
    fn is_tried(self) -> bool {
        matches!(self, Self::Duckdb | Self::Datafusion | Self::Spark)
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Spark => Some("Each table becomes a folder of CSV files."),
            Self::Trino => {
                Some("Run each statement by itself, with --output-format=CSV_HEADER, into a file of its own.")
            }
            _ => None,
        }
    }
}

/// Where the samples are, and how they lie there.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// The table, or whatever the engine takes for one.
    pub table: String,
    /// Columns, or expressions, by role; those that are not named are called as in [`COLUMNS`].
    pub columns: BTreeMap<String, String>,
    /// Pods are scraped each at its own instant: the greatest of each cell of this length counts in totals.
    pub cell: Option<Seconds>,
}

/// What a sample has, by role, with the name of the column where none is given.
pub const COLUMNS: [(&str, &str); 8] = [
    ("namespace", "namespace"),
    ("workload_type", "workload_type"),
    ("workload", "workload"),
    ("container", "container"),
    ("metric", "metric"),
    ("pod", "pod"),
    ("time", "ts"),
    ("value", "value"),
];

#[derive(Serialize)]
struct Page<'s> {
    engine: &'static str,
    name: &'static str,
    tried: bool,
    hint: Option<&'static str>,
    table: &'s str,
    columns: BTreeMap<&'s str, &'s str>,
    cell_s: Option<u64>,
    of_workloads: String,
    nanos: String,
    micros: String,
    in_buckets: String,
    in_instants: String,
    added_up: String,
}

/// Two statements: the table of buckets, and that of instants.
pub fn script(engine: Engine, samples: &Samples) -> String {
    let column = |(role, usual): (&'static str, &'static str)| {
        let named = samples.columns.get(role);
        (role, named.map_or(usual, String::as_str))
    };
    let page = Page {
        engine: engine.id(),
        name: engine.name(),
        tried: engine.is_tried(),
        hint: engine.hint(),
        table: &samples.table,
        columns: COLUMNS.into_iter().map(column).collect(),
        cell_s: samples.cell.map(Seconds::get),
        of_workloads: those(|signal| !signal.is_of_container()),
        nanos: those(|signal| signal.digits() == 9),
        micros: those(|signal| signal.digits() == 6),
        in_buckets: those(|signal| !matches!(signal.form(), Form::State | Form::Count)),
        in_instants: those(|signal| !matches!(signal.form(), Form::Distribution | Form::Count)),
        added_up: those(|signal| signal.form() == Form::Demand),
    };
    let mut tera = Tera::default();
    // what is named is SQL already
    tera.autoescape_on(Vec::<&str>::new());
    let context = Context::from_serialize(&page).expect("broken invariant: a page is a map of plain data");
    tera.add_raw_templates([TEMPLATE])
        .and_then(|()| tera.render(TEMPLATE.0, &context))
        .expect("broken invariant: a template of ours renders any page")
}

/// A list of signals in SQL.
fn those(is: impl Fn(Signal) -> bool) -> String {
    let quoted = Signal::all()
        .filter(|signal| is(*signal))
        .map(|signal| format!("'{signal}'"));
    quoted.collect::<Vec<_>>().join(", ")
}
