//! `trimtab fn`, and what kustomize and kpt run: manifests in, the same manifests with the plan applied out.
//!
//! It reads stdin, the files it is told to read, and writes stdout once, whole. What it can't read is an error with
//! nothing on stdout: a host would take an empty answer for "delete everything". It never gates.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::console;
use super::exit::{CliError, Exit};
use super::load::{self, read_one};
use super::schema;
use super::unreadable::unreadable;
use crate::diag::{Diagnostic, Place, code, first_of};
use crate::io::{files, room};
use crate::krm::apply::Applied;
use crate::krm::below::Below;
use crate::krm::patch::Schema;
use crate::krm::resource_list::is_kept_as_file;
use crate::krm::{ListError, Object, ResourceList};
use crate::pipeline::{self, Inputs, ProfileSource, Purpose};
use crate::plan;
use crate::policy::{self, Source};
use crate::price;
use crate::profile::object;
use crate::yaml::{self, Limits};

/// Arguments of `trimtab fn`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The policy; without it, the functionConfig of the `ResourceList` on stdin
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The accepted plan; without it, the `OptimizationPlan` among the items
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    plan: Option<PathBuf>,
    /// A usage profile to plan from on the fly; may be given several times, for several namespaces or times: what they say
    /// of one workload counts together, as `trimtab profile merge` puts it together. Without one, the `UsageProfile`s among
    /// the items. Without any and without a plan, the policy must state every value
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
    /// A price sheet; without it, the `PriceSheet` among the items
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Threads to plan with, 256 at most; 0 for as many as the machine has (the result is the same)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = load::threads)]
    threads: usize,
}

const EXAMPLES: &str = "\
stdin is a ResourceList, or YAML or JSON objects with `---` between them; stdout has
the same shape.

Examples:
  kustomize build apps/production | trimtab fn --policy policy.yaml --plan plan.yaml
  trimtab fn --policy policy.yaml --profile usage.yaml < manifests.yaml";

/// Runs the function over stdin.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    only_manifests_on_stdin(arguments)?;
    let stdin = files::read(Path::new("-"), Limits::STREAM.bytes)?;
    let documents = read_stream("stdin", &stdin)?;
    let mut list = ResourceList::parse(documents).map_err(|error| no_objects(&error))?;
    let below = Below::of(Schema::BuiltIn, false, &list.items);
    let (beside, inputs) = inputs(arguments, &mut list)?;
    let mut outcome = pipeline::run(&inputs).map_err(CliError::Diagnostics)?;
    let mut objects = std::mem::take(&mut outcome.objects);
    objects.new.iter_mut().for_each(|new| below.refer_by_former_name(new));
    let documents = list.into_documents(rejoin(beside, objects), &outcome.diagnostics);
    let text = text(&documents, &stdin)?;
    console::report(&outcome.diagnostics);
    console::print(&text)?;
    // the process ends here: freeing every node of every object one by one took a twentieth of its time
    std::mem::forget((inputs, outcome, documents));
    Ok(Exit::Done)
}

/// Refuses `-` for a file: stdin has the manifests.
fn only_manifests_on_stdin(arguments: &Arguments) -> Result<(), CliError> {
    let files = [
        ("policy", &arguments.policy),
        ("plan", &arguments.plan),
        ("prices", &arguments.prices),
    ];
    let files = files
        .into_iter()
        .filter_map(|(flag, file)| Some((flag, file.as_deref()?)));
    let mut all = files.chain(arguments.profile.iter().map(|file| ("profile", file.as_path())));
    let Some((flag, _)) = all.find(|(_, file)| *file == Path::new("-")) else {
        return Ok(());
    };
    let headline = format!("`--{flag} -` can't be read: stdin has the manifests");
    let refusal = Diagnostic::error(code::MALFORMED_INPUT, headline)
        .help("name a file, or put the object among the items of a ResourceList");
    Err(refusal.into())
}

/// The items that do not go through the pipeline, each behind so many manifests.
type Beside = Vec<(usize, Object)>;

/// Takes the items apart: manifests, and what a host that keeps files (kpt) would delete the file of if it did not come
/// back. What else is ours ends here.
fn apart(items: Vec<Object>) -> (Vec<Object>, Beside) {
    let (mut manifests, mut beside) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        if !is_ours(&item) {
            manifests.push(item);
        } else if is_kept_as_file(&item) {
            beside.push((manifests.len(), item));
        }
    }
    (manifests, beside)
}

/// The items as they came, each manifest in its new form or gone, new ones at the end.
fn rejoin(beside: Beside, manifests: Applied) -> Vec<Object> {
    let mut joined = Vec::with_capacity(manifests.existing.len() + beside.len() + manifests.new.len());
    let mut beside = beside.into_iter().peekable();
    for (at, manifest) in manifests.existing.into_iter().enumerate() {
        while let Some((_, item)) = beside.next_if(|(behind, _)| *behind <= at) {
            joined.push(item);
        }
        joined.extend(manifest);
    }
    joined.extend(beside.map(|(_, item)| item));
    joined.extend(manifests.new);
    joined
}

/// Whether an object is of one of our kinds.
fn is_ours(object: &Object) -> bool {
    object["apiVersion"] == policy::API_VERSION
}

/// What the pipeline needs, and the items that stay beside it: none is left in the list.
fn inputs(arguments: &Arguments, list: &mut ResourceList) -> Result<(Beside, Inputs), CliError> {
    schema::only_known_kinds(list.items.iter().filter(|item| is_ours(item)))?;
    let (policy, policy_source) = the_policy(arguments, list)?;
    let mut profiles = Vec::new();
    for path in &arguments.profile {
        profiles.push(ProfileSource::File {
            path: path.display().to_string(),
            stream: room::profile_stream(path)?,
        });
    }
    profiles.extend(of_kind(list, object::KIND).cloned().map(ProfileSource::Object));
    let plan = match &arguments.plan {
        Some(path) => Some(read_one(path)?),
        None if arguments.profile.is_empty() => at_most_one(list, plan::model::KIND)?,
        None => None,
    };
    let prices = match &arguments.prices {
        Some(path) => Some(read_one(path)?),
        None => at_most_one(list, price::KIND)?,
    };
    let (objects, beside) = apart(std::mem::take(&mut list.items));
    let inputs = Inputs {
        purpose: Purpose::Apply,
        objects,
        policy,
        policy_source,
        plan,
        prices,
        profiles,
        threads: arguments.threads,
    };
    Ok((beside, inputs))
}

fn no_objects(error: &ListError) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::MALFORMED_INPUT, error.to_string()).at(whole("stdin"));
    match error {
        ListError::Empty => diagnostic.help("pipe manifests in; `trimtab --help` shows every command"),
        _ => diagnostic,
    }
}

fn the_policy(arguments: &Arguments, list: &ResourceList) -> Result<(Value, Source), CliError> {
    if let Some(path) = &arguments.policy {
        return read_one(path);
    }
    let missing = |headline: String| {
        Diagnostic::error(code::MISSING_INPUT, headline)
            .help("pass `--policy FILE`, or let a host hand over an OptimizationPolicy as functionConfig")
    };
    let Some(policy) = &list.function_config else {
        return Err(missing("there is no policy".into()).into());
    };
    if !crate::io::near_policy::is_policy(policy) {
        let kind = policy["kind"].as_str().unwrap_or("without a kind");
        return Err(missing(format!("the functionConfig is `{kind}`, not an OptimizationPolicy")).into());
    }
    Ok((policy.clone(), source_of(policy)))
}

fn of_kind<'a>(list: &'a ResourceList, kind: &'a str) -> impl Iterator<Item = &'a Object> {
    list.items
        .iter()
        .filter(move |item| is_ours(item) && item["kind"] == kind)
}

fn at_most_one(list: &ResourceList, kind: &str) -> Result<Option<(Value, Source)>, CliError> {
    let found: Vec<&Object> = of_kind(list, kind).collect();
    if found.len() < 2 {
        return Ok(found.first().map(|object| ((*object).clone(), source_of(object))));
    }
    let names: Vec<String> = found.iter().map(|object| format!("`{}`", name(object))).collect();
    let headline = format!("there are {} objects of kind {kind}: {}", found.len(), first_of(&names));
    Err(Diagnostic::error(code::MALFORMED_INPUT, headline)
        .help("keep one for each environment")
        .into())
}

fn source_of(object: &Object) -> Source {
    Source::object(object["kind"].as_str().unwrap_or_default(), name(object))
}

fn name(object: &Object) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn read_stream(shown: &str, bytes: &[u8]) -> Result<Vec<Value>, CliError> {
    match yaml::read_all(bytes, &Limits::STREAM) {
        Ok(documents) => Ok(documents.into_iter().map(|document| document.value).collect()),
        Err(error) => Err(unreadable(shown, bytes, &error).into()),
    }
}

fn whole(shown: &str) -> Place {
    Place::Object {
        object: shown.to_owned(),
        pointer: String::new(),
    }
}

/// The text of stdout: JSON for JSON, else YAML. Never empty.
fn text(documents: &[Value], stdin: &[u8]) -> Result<String, CliError> {
    match documents {
        [] => {
            let headline = "no object is left besides those of trimtab itself";
            Err(Diagnostic::error(code::MALFORMED_INPUT, headline)
                .help("list the workloads under `resources:`")
                .into())
        }
        [document] if is_json(stdin) => Ok(format!("{document}\n")),
        documents => Ok(yaml::to_stream(documents)),
    }
}

fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}
