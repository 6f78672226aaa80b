//! What a check came to, and its forms.

use serde_json::json;

use crate::cli::console;
use crate::cli::exit::CliError;
use crate::diag::{self, Diagnostic};
use crate::report::SCHEMA_VERSION;

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[value(alias = "terminal", alias = "table", alias = "human")]
    Text,
    /// For programs: codes and places stay what they are
    Json,
    /// Annotations of a pull request, as GitHub Actions read them
    Github,
}

/// What a check came to.
pub(super) struct Verdict {
    /// Doubts and problems.
    pub(super) found: Vec<Diagnostic>,
    /// How many environments were looked at.
    pub(super) environments: usize,
    /// How many rendered folders.
    pub(super) folders: usize,
}

impl Verdict {
    /// Where an input can't be read, nothing was judged.
    pub(super) fn unreadable(found: Vec<Diagnostic>) -> Self {
        Self {
            found,
            environments: 0,
            folders: 0,
        }
    }

    /// Whether nothing stands against the committed files.
    pub(super) fn is_current(&self) -> bool {
        !diag::has_errors(&self.found)
    }

    /// `current: 1 environment, 2 rendered folders`
    fn words(&self) -> String {
        let number = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        format!(
            "current: {}, {}",
            number(self.environments, "environment"),
            number(self.folders, "rendered folder")
        )
    }

    /// Says it.
    pub(super) fn tell(&self, format: Format) -> Result<(), CliError> {
        match format {
            Format::Text => {
                console::report(&self.found);
                if self.is_current() {
                    console::say(&self.words());
                }
            }
            Format::Github => console::print(&diag::github::render_all(&self.found))?,
            Format::Json => {
                let page = json!({
                    "schemaVersion": SCHEMA_VERSION,
                    "current": self.is_current(),
                    "environments": self.environments,
                    "renderedFolders": self.folders,
                    "diagnostics": self.found,
                });
                console::print(&format!("{page:#}\n"))?;
            }
        }
        Ok(())
    }
}
