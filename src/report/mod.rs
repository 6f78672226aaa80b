//! What people and programs read: one model, one file per output.
//!
//! In: a [`Comparison`] of environments or a [`PlanTable`]. Out: text for a terminal, Markdown from the templates in
//! `templates/`, or JSON; the same bytes for the same input. Width is an argument, and colour is always written: whoever
//! prints it decides whether it stays (`anstream` obeys `NO_COLOR` and pipes). No sign is told by colour alone.
//!
//! Names, values and texts come from manifests and are hostile until they pass through a type of [`sink`].

pub mod sink;
mod words;
mod fields;
mod summary;
mod decided;
mod capacity;
mod plan_table;
mod kept;
mod recorded;
mod moved;
mod renamed;
mod krr;
mod json;
mod markdown;
mod terminal;

pub use capacity::{Capacity, Requested};
pub use krr::Compared;
pub use moved::Moved;
pub use plan_table::{PlanChange, PlanEnvironment, PlanRow, PlanTable, PlanWaiting, Remark};
pub use recorded::Recorded;
pub use words::{parts, reason};

use crate::diff::{Change, Diff};

/// Version of the JSON form. The first number changes when a reader of an older one would misread it.
pub const SCHEMA_VERSION: &str = "1.0";

/// An output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text with colours.
    #[default]
    #[value(alias = "table", alias = "human", alias = "text")]
    Terminal,
    /// Markdown as GitHub and GitLab read it.
    Markdown,
    /// JSON.
    Json,
}

/// Two states of some environments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What the state before is called: a revision, a folder.
    pub base: String,
    /// What the state after is called.
    pub head: String,
    /// Environments in the order they are shown.
    pub environments: Vec<Environment>,
}

/// One environment of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// Its name; empty where there is only one and it has none.
    pub name: String,
    /// What differs.
    pub diff: Diff,
}

/// Objects by what happened to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Modified or renamed.
    pub changed: usize,
    /// New.
    pub added: usize,
    /// Gone.
    pub removed: usize,
    /// Equal as written.
    pub unchanged: usize,
    /// Written differently, meaning the same.
    pub equal_after_normalising: usize,
}

impl Totals {
    /// Of one environment.
    pub fn of(diff: &Diff) -> Self {
        Self {
            changed: diff.count(Change::Modified) + diff.count(Change::Renamed),
            added: diff.count(Change::Added),
            removed: diff.count(Change::Removed),
            unchanged: diff.unchanged,
            equal_after_normalising: diff.equal_after_normalising,
        }
    }
}

impl Comparison {
    /// Whether nothing differs in meaning.
    pub fn is_empty(&self) -> bool {
        self.environments.iter().all(|environment| environment.diff.is_empty())
    }

    /// Objects of all environments.
    pub fn totals(&self) -> Totals {
        let each = self
            .environments
            .iter()
            .map(|environment| Totals::of(&environment.diff));
        each.fold(Totals::default(), |sum, one| Totals {
            changed: sum.changed + one.changed,
            added: sum.added + one.added,
            removed: sum.removed + one.removed,
            unchanged: sum.unchanged + one.unchanged,
            equal_after_normalising: sum.equal_after_normalising + one.equal_after_normalising,
        })
    }
}

/// A comparison as text. `width` is the terminal's, in columns; the other formats do not look at it.
pub fn comparison(comparison: &Comparison, format: Format, width: usize) -> String {
    match format {
        Format::Terminal => terminal::comparison(comparison, width),
        Format::Markdown => markdown::comparison(comparison),
        Format::Json => json::comparison(comparison),
    }
}

/// A plan as text. `width` as above.
pub fn plan(table: &PlanTable, format: Format, width: usize) -> String {
    match format {
        Format::Terminal => terminal::plan(table, width),
        Format::Markdown => markdown::plan(table),
        Format::Json => json::plan(table),
    }
}
