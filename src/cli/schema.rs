//! `trimtab schema`: the published JSON Schemas.

use super::console;
use super::exit::{CliError, Exit};
use crate::diag::{Diagnostic, code, near_miss};
use crate::profile::object;
use crate::{plan, policy};

/// Kinds that have a schema.
const KINDS: [&str; 3] = [policy::KIND, object::KIND, plan::model::KIND];

/// Arguments of `trimtab schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trimtab schema OptimizationPolicy > policy.schema.json")]
pub struct Arguments {
    /// The kind, such as `OptimizationPolicy`
    kind: String,
}

/// Prints a schema.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Some(schema) = schema(&arguments.kind) else {
        let near = near_miss(&arguments.kind, KINDS).map(|kind| format!("did you mean `{kind}`? "));
        let diagnostic =
            Diagnostic::error(code::MISSING_INPUT, format!("there is no kind `{}`", arguments.kind)).help(format!(
                "{}kinds are {}",
                near.unwrap_or_default(),
                KINDS.map(|kind| format!("`{kind}`")).join(", ")
            ));
        return Err(diagnostic.into());
    };
    console::print(&schema)?;
    Ok(Exit::Done)
}

/// The JSON Schema of a kind, as text.
pub fn schema(kind: &str) -> Option<String> {
    let schema = match kind {
        policy::KIND => policy::schema::of::<policy::OptimizationPolicy>(),
        plan::model::KIND => policy::schema::of::<plan::model::OptimizationPlan>(),
        object::KIND => policy::schema::of::<object::ProfileObject>(),
        _ => return None,
    };
    Some(format!("{schema:#}\n"))
}
