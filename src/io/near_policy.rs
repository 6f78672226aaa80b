//! What was meant as a policy and is none: a misspelt kind, another group, an empty file.
//!
//! A gate that passes because it did not see its policy is worse than one that fails, and a `policy.yaml` of Istio, Kyverno
//! or an IAM role is nobody's mistake. So an object is taken for ours where its group or its kind is a slip of ours, never
//! by the name of its file alone; a kind that resembles ours in a group that does not is somebody else's.

use std::path::Path;

use serde_json::Value;

use crate::diag::{Diagnostic, Place, code, near_miss};
use crate::policy::{self, Source};
use crate::yaml::{self, Limits};

/// What a text that may hold a policy turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// A policy is in it.
    Policy,
    /// Nothing is in it but blanks and comments.
    Empty,
    /// Something in it was meant as one.
    Slip(Box<Diagnostic>),
    /// Nothing of ours.
    Foreign,
}

/// Whether an object is a policy of ours.
pub fn is_policy(object: &Value) -> bool {
    object["apiVersion"] == policy::API_VERSION && object["kind"] == policy::KIND
}

/// Judges a text. An unreadable one is foreign unless it names us: a template of another tool, say.
pub fn judge(path: &Path, text: &[u8]) -> Result<Verdict, Box<yaml::ReadError>> {
    let documents = match yaml::read_all(text, &Limits::STREAM) {
        Ok(documents) => documents,
        Err(error) if names_us(text) => return Err(Box::new(error)),
        Err(_) => return Ok(Verdict::Foreign),
    };
    if documents.iter().any(|document| is_policy(&document.value)) {
        return Ok(Verdict::Policy);
    }
    if documents.iter().all(|document| document.value.is_null()) {
        return Ok(Verdict::Empty);
    }
    let slip = documents.iter().enumerate().find_map(|(n, document)| {
        let slip = Slip::of(&document.value)?;
        let source = Source::File {
            path: path.display().to_string(),
            text: String::from_utf8_lossy(text).into_owned(),
            document: n,
        };
        Some(slip.diagnostic(&path.display().to_string(), source.value_place(slip.pointer)))
    });
    Ok(slip.map_or(Verdict::Foreign, |slip| Verdict::Slip(Box::new(slip))))
}

fn names_us(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains(group_of(policy::API_VERSION)) || text.contains(policy::KIND)
}

/// An object that was meant as a policy.
struct Slip {
    /// The field that is wrong.
    pointer: &'static str,
    /// What is wrong with it.
    what: String,
    help: String,
}

impl Slip {
    fn of(object: &Value) -> Option<Self> {
        let text = |field: &str| object[field].as_str().filter(|text| !text.is_empty());
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if !was_meant(object, api_version, kind) {
            return None;
        }
        if api_version != Some(policy::API_VERSION) {
            let what = match api_version {
                Some(found) => format!("its apiVersion is `{found}`"),
                None => "it has no apiVersion".to_owned(),
            };
            let kind = (kind != Some(policy::KIND)).then(|| format!(" and `kind: {}`", policy::KIND));
            return Some(Self {
                pointer: "/apiVersion",
                what,
                help: format!(
                    "write `apiVersion: {}`{}",
                    policy::API_VERSION,
                    kind.unwrap_or_default()
                ),
            });
        }
        let what = kind.map_or_else(|| "it has no kind".to_owned(), |found| format!("its kind is `{found}`"));
        let help = match kind {
            Some(kind) if is_near_kind(kind) => format!("did you mean `{}`?", policy::KIND),
            _ => format!("write `kind: {}`", policy::KIND),
        };
        Some(Self {
            pointer: "/kind",
            what,
            help,
        })
    }

    fn diagnostic(&self, shown: &str, place: Place) -> Diagnostic {
        Diagnostic::error(
            code::POLICY_UNRECOGNISED,
            format!("`{shown}` is not recognised as a policy: {}", self.what),
        )
        .at(place)
        .help(self.help.clone())
    }
}

fn was_meant(object: &Value, api_version: Option<&str>, kind: Option<&str>) -> bool {
    let group = api_version.map(group_of);
    if group.is_some_and(is_near_group) {
        return true;
    }
    // a group of somebody else: with a dot, as `security.istio.io`, or one of Kubernetes' own
    let is_foreign = api_version.is_some_and(|api_version| api_version.contains('/'));
    match kind {
        Some(kind) if is_near_kind(kind) => !is_foreign || is_spelt_like_ours(object),
        Some(_) => false,
        None => !is_foreign && is_spelt_like_ours(object),
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or(api_version, |(group, _)| group)
}

fn is_near_group(group: &str) -> bool {
    let ours = group_of(policy::API_VERSION);
    let (name, _) = ours.split_once('.').unwrap_or((ours, ""));
    near_miss(group, [ours]).is_some() || group.split('.').any(|label| near_miss(label, [name]).is_some())
}

/// Three slips of the pen: Istio's `AuthorizationPolicy` is five away.
fn is_near_kind(kind: &str) -> bool {
    let letters = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    strsim::damerau_levenshtein(&letters(kind), &letters(policy::KIND)) <= 3
}

/// Whether the spec has fields of our language: those that every policy has, and one that most have.
fn is_spelt_like_ours(object: &Value) -> bool {
    let spec = &object["spec"];
    spec["environment"].is_string()
        && ["workloads", "classes", "cluster", "objective", "guardrails"]
            .iter()
            .any(|field| !spec[field].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> String {
        match judge(Path::new("a/policy.yaml"), text.as_bytes()) {
            Ok(Verdict::Slip(slip)) => {
                let Some(Place::File { line, column, .. }) = slip.place else {
                    return "a slip without a place".to_owned();
                };
                format!("{line}:{column} {}", slip.help.unwrap_or_default())
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("error: {}", error.problem),
        }
    }

    #[test]
    fn a_slip_is_told_at_its_place() {
        for (text, expected) in [
            (
                "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nspec: {}",
                "Policy",
            ),
            (
                "apiVersion: trimtab.dev/v1alpha1\nkind: OptimisationPolicy",
                "2:7 did you mean `OptimizationPolicy`?",
            ),
            (
                "apiVersion: trimtab.dev/v1alpha1\nkind: optimization-policy",
                "2:7 did you mean `OptimizationPolicy`?",
            ),
            (
                "apiVersion: trimtab.dev/v1alpha1\nkind: UsageProfile",
                "2:7 write `kind: OptimizationPolicy`",
            ),
            (
                "apiVersion: trimtab.dev/v1\nkind: OptimizationPolicy",
                "1:13 write `apiVersion: trimtab.dev/v1alpha1`",
            ),
            (
                "apiVersion: timtab.dev/v1alpha1\nkind: OptimizationPolcy",
                "1:13 write `apiVersion: trimtab.dev/v1alpha1` and `kind: OptimizationPolicy`",
            ),
            (
                "apiVersion: trimtab.io/v1alpha1\nkind: Policy",
                "1:13 write `apiVersion: trimtab.dev/v1alpha1` and `kind: OptimizationPolicy`",
            ),
            (
                "kind: OptimizationPolicy\nspec: {}",
                "1:1 write `apiVersion: trimtab.dev/v1alpha1`",
            ),
            (
                "apiVersion: v1alpha1\nkind: OptimizationPolicy",
                "1:13 write `apiVersion: trimtab.dev/v1alpha1`",
            ),
            (
                "apiVersion: acme.io/v1\nkind: OptimizationPolicy\nspec: {environment: dev, cluster: {}}",
                "1:13 write `apiVersion: trimtab.dev/v1alpha1`",
            ),
            (
                "spec: {environment: dev, workloads: {}}",
                "1:1 write `apiVersion: trimtab.dev/v1alpha1` and `kind: OptimizationPolicy`",
            ),
            ("", "Empty"),
            ("---\n# to be written\n---\n", "Empty"),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }

    #[test]
    fn policies_of_others_are_none_of_ours() {
        for text in [
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nspec: {rules: []}",
            "apiVersion: kyverno.io/v1\nkind: Policy",
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {}}",
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nspec: {}",
            "apiVersion: authentication.istio.io/v1alpha1\nkind: Policy",
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy",
            "apiVersion: policy/v1\nkind: PodDisruptionBudget",
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet",
            "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nspec: {}",
            "apiVersion: optimize.stormforge.io/v1\nkind: OptimizationPolicy\nspec: {target: {}}",
            "apiVersion: karpenter.sh/v1\nkind: NodePool",
            "apiVersion: v1\nkind: ConfigMap\ndata: {policy: x}",
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#,
            "rules:\n- name: x\n  environment: production\n",
            "spec: {environment: production}",
            "kind: {{ .Values.kind }}\n{{- if .Values.x }}\nspec: [\n{{- end }}",
            "- a\n- b\n",
            "just text",
        ] {
            assert_eq!(verdict(text), "Foreign", "{text}");
        }
    }

    #[test]
    fn an_unreadable_text_that_names_us_is_an_error() {
        assert!(verdict("apiVersion: trimtab.dev/v1alpha1\nkind: [").starts_with("error: "));
        assert_eq!(verdict("kind: ["), "Foreign");
    }
}
