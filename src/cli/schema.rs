//! `trimtab schema`: the published JSON Schemas.

use super::console;
use super::exit::{CliError, Exit};
use crate::diag::{Diagnostic, code, near_miss};
use crate::krm::Object;
use crate::policy::Source;
use crate::profile::object;
use crate::{plan, policy, price};

/// Kinds that have a schema.
const KINDS: [&str; 4] = [policy::KIND, object::KIND, plan::model::KIND, price::KIND];

/// Arguments of `trimtab schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trimtab schema OptimizationPolicy > policy.schema.json")]
pub struct Arguments {
    /// The kind: `OptimizationPolicy`, `UsageProfile`, `OptimizationPlan` or `PriceSheet`
    kind: String,
}

/// Prints a schema.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Some(schema) = schema(&arguments.kind) else {
        return Err(unknown(&arguments.kind).into());
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
        price::KIND => policy::schema::of::<price::PriceSheet>(),
        _ => return None,
    };
    Some(format!("{schema:#}\n"))
}

/// Objects of our group that are of no kind of ours: a typing error would make a plan or a price sheet silently absent.
pub fn only_known_kinds<'a>(ours: impl IntoIterator<Item = &'a Object>) -> Result<(), CliError> {
    for object in ours {
        let kind = object["kind"].as_str().unwrap_or_default();
        if !KINDS.contains(&kind) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            return Err(unknown(kind).at(Source::object(kind, name).value_place("/kind")).into());
        }
    }
    Ok(())
}

fn unknown(kind: &str) -> Diagnostic {
    let near = near_miss(kind, KINDS).map(|kind| format!("did you mean `{kind}`? "));
    Diagnostic::error(code::MISSING_INPUT, format!("there is no kind `{kind}` of trimtab")).help(format!(
        "{}kinds are {}",
        near.unwrap_or_default(),
        KINDS.map(|kind| format!("`{kind}`")).join(", ")
    ))
}
