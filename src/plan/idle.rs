//! Rules of the policy that match no workload, and what was meant by them.

use super::Inputs;
use crate::diag::{Diagnostic, code, near_miss};
use crate::policy::Subject;
use crate::workload::Workload;

/// Reports every rule that matches nothing.
pub(super) fn report(inputs: &Inputs<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let subjects: Vec<Subject> = inputs.workloads.by_key.values().map(Workload::subject).collect();
    for rule in inputs.settings.idle_rules(&subjects) {
        let headline = format!("rule `{rule}` matches no workload of this environment");
        diagnostics.push(
            Diagnostic::warning(code::RULE_MATCHES_NOTHING, headline)
                .because("names are compared without the stated prefix and suffix (`spec.identity`)")
                .help(way_to_match(rule, inputs)),
        );
    }
}

/// A workload whose name the overlay lengthens, or one of a similar name.
fn way_to_match(rule: &str, inputs: &Inputs<'_>) -> String {
    let workloads = &inputs.workloads.by_key;
    let names: Vec<&str> = workloads.values().map(|workload| workload.id.name.as_str()).collect();
    let identity = &inputs.settings.policy.spec.identity;
    let is_open = identity.name_prefix.is_empty() && identity.name_suffix.is_empty();
    let lengthened = names.iter().filter_map(|name| Some((*name, added(name, rule)?)));
    // what is added to fewest letters is the overlay's: `prod-cache` before `prod-warm-cache`
    let nearest = lengthened.filter(|_| is_open).min_by_key(|(name, _)| name.len());
    if let Some((name, key)) = nearest {
        return format!("for `{name}` state `identity: {{{key}}}` if the overlay adds that, or name it in full");
    }
    match near_miss(rule, names.iter().map(|name| identity.bare_name(name))) {
        Some(near) => format!("did you mean `{near}`? else correct its `match`, or take the rule away"),
        None => "correct its `match`, or take the rule away".to_owned(),
    }
}

/// What `spec.identity` would say of an overlay that makes the name of this one.
fn added(name: &str, bare: &str) -> Option<String> {
    let prefix = name.strip_suffix(bare).filter(|prefix| prefix.ends_with('-'));
    let suffix = name.strip_prefix(bare).filter(|suffix| suffix.starts_with('-'));
    match (prefix, suffix) {
        (Some(prefix), _) => Some(format!("namePrefix: {prefix}")),
        (None, Some(suffix)) => Some(format!("nameSuffix: {suffix}")),
        (None, None) => None,
    }
}
