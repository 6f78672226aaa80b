//! The form that GitHub Actions show as annotations of a pull request: one workflow command on a line each.
//!
//! Source: GitHub Docs, "Workflow commands for GitHub Actions". About ten of a kind are shown in a step, so errors come
//! first.

use std::fmt::Write as _;

use super::{Diagnostic, Place, Severity};

/// All of them, a line each; empty for none.
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| diagnostic.severity);
    sorted.into_iter().map(render).collect()
}

fn render(diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = String::new();
    let mut subject: Vec<&str> = Vec::new();
    match &diagnostic.place {
        Some(Place::File { path, line, column, .. }) => {
            // files are named from the root of the repository there
            let path = property(path.strip_prefix("./").unwrap_or(path));
            let _ = write!(properties, "file={path},line={line},col={column},");
        }
        Some(Place::Object { object, pointer }) => subject.extend([object.as_str(), pointer.as_str()]),
        None => {}
    }
    subject.extend(diagnostic.workload.as_deref());
    subject.retain(|part| !part.is_empty());
    let mut message = subject.join(" ");
    if !message.is_empty() {
        message.push_str(": ");
    }
    message.push_str(&diagnostic.headline);
    for note in &diagnostic.notes {
        let _ = write!(message, "\nnote: {note}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    let title = property(diagnostic.code.as_str());
    format!("::{command} {properties}title={title}::{}\n", data(&message))
}

/// A message. Whatever an input holds, it stays inside its own command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which ends at a comma or at two colons.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;

    #[test]
    fn a_command_on_a_line_and_errors_first() {
        let place = Place::File {
            path: "./a,b:c/policy.yaml".into(),
            line: 14,
            column: 24,
            width: 3,
            source: "x".into(),
        };
        let found = [
            Diagnostic::note(code::UNMATCHED, "untouched").of("Deployment/shop/api"),
            Diagnostic::error(code::POLICY_CONFLICT, "95% is\r\n::error::too much")
                .at(place)
                .because("of growth")
                .help("lower it"),
            Diagnostic::warning(code::STALE, "kept").at(Place::Object {
                object: "OptimizationPolicy/shop".into(),
                pointer: String::new(),
            }),
        ];
        assert_eq!(
            render_all(&found),
            "::error file=a%2Cb%3Ac/policy.yaml,line=14,col=24,title=policy-conflict::95%25 is%0D%0A::error::too much%0Anote: of growth%0Ahelp: lower it\n\
             ::warning title=stale::OptimizationPolicy/shop: kept\n\
             ::notice title=unmatched::Deployment/shop/api: untouched\n"
        );
    }
}
