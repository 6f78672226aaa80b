//! The arguments that say which metrics store is asked, and as whom.

use super::exit::CliError;
use crate::diag::Diagnostic;
use crate::history::live::scope::{cluster_matcher, namespace_matchers};
use crate::history::live::{Selection, Window};
use crate::io::ask::Halt;
use crate::io::clock;
use crate::io::http::{Access, Client, variable};
use crate::units::{Seconds, Timestamp};
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::PathBuf;

/// Who we are to a store. Secrets come from files or the environment, never from the command line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Access to the metrics store")]
pub struct AccessArgs {
    /// File with a bearer token, read for each request (or `TRIMTAB_BEARER_TOKEN`: the token)
    #[arg(long, value_name = "FILE")]
    bearer_token_file: Option<PathBuf>,
    /// User of basic authentication
    #[arg(long, value_name = "USER", conflicts_with = "bearer_token_file")]
    basic_auth: Option<String>,
    /// File with the password of --basic-auth (or `TRIMTAB_PASSWORD`: the password)
    #[arg(long, value_name = "FILE", requires = "basic_auth")]
    password_file: Option<PathBuf>,
    /// A further header, such as X-Scope-OrgID=TENANT
    #[arg(long, value_name = "NAME=VALUE")]
    http_header: Vec<String>,
    /// Client certificate in PEM, for mutual TLS
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Authorities to trust in place of the system's, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Sign for Amazon Managed Prometheus in this region, with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`
    #[arg(long, value_name = "REGION", conflicts_with_all = ["bearer_token_file", "basic_auth"])]
    sigv4_region: Option<String>,
}

impl AccessArgs {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let given = [
            ("--bearer-token-file", self.bearer_token_file.is_some()),
            ("--basic-auth", self.basic_auth.is_some()),
            ("--password-file", self.password_file.is_some()),
            ("--http-header", !self.http_header.is_empty()),
            ("--client-cert", self.client_cert.is_some()),
            ("--client-key", self.client_key.is_some()),
            ("--ca-file", self.ca_file.is_some()),
            ("--sigv4-region", self.sigv4_region.is_some()),
        ];
        given.into_iter().filter_map(|(flag, is)| is.then_some(flag)).collect()
    }

    /// A client for this store.
    pub fn client(&self, store: &str) -> anyhow::Result<Client> {
        let mut headers = Vec::new();
        for header in &self.http_header {
            let Some((name, value)) = header.split_once('=') else {
                // the text may be a secret: it is not repeated
                bail!("--http-header takes NAME=VALUE, such as X-Scope-OrgID=TENANT")
            };
            headers.push((name.trim().to_owned(), value.to_owned()));
        }
        let access = Access {
            bearer_token_file: self.bearer_token_file.clone(),
            bearer_token: variable("TRIMTAB_BEARER_TOKEN").filter(|_| self.basic_auth.is_none()),
            user: self.basic_auth.clone(),
            password_file: self.password_file.clone(),
            password: variable("TRIMTAB_PASSWORD"),
            headers,
            client_certificate: self.client_cert.clone().zip(self.client_key.clone()),
            authorities: self.ca_file.clone(),
            sigv4_region: self.sigv4_region.clone(),
        };
        Ok(Client::new(store, access)?)
    }

    /// What of it decides which data are seen, without secrets: the tenant, the user.
    pub fn identity(&self) -> Vec<String> {
        let tenant = |header: &&String| header.to_ascii_lowercase().starts_with("x-scope-orgid=");
        let tenants = self.http_header.iter().filter(tenant).cloned();
        let user = self.basic_auth.iter().map(|user| format!("user={user}"));
        tenants.chain(user).collect()
    }
}

/// How much history is asked for, where nothing else is said.
pub const WINDOW: &str = "14d";

/// What is asked for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From a metrics store")]
pub struct SpanArgs {
    /// How much history to ask for, in whole hours [default: 14d]
    #[arg(long, value_name = "DURATION")]
    pub window: Option<String>,
    /// Where it ends, on a full hour; else the last full hour that all samples have come for
    #[arg(long, value_name = "RFC3339")]
    pub end: Option<String>,
    /// A namespace to ask for, `*` for any letters, `!` before one to leave out; repeat for several
    #[arg(long, value_name = "NAME")]
    pub namespace_filter: Vec<String>,
}

impl SpanArgs {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let given = [
            ("--window", self.window.is_some()),
            ("--end", self.end.is_some()),
            ("--namespace-filter", !self.namespace_filter.is_empty()),
        ];
        given.into_iter().filter_map(|(flag, is)| is.then_some(flag)).collect()
    }

    /// The closed window.
    pub fn window(&self, step: Seconds) -> anyhow::Result<Window> {
        let length: Seconds = self.window.as_deref().unwrap_or(WINDOW).parse().context("--window")?;
        let end = self
            .end
            .as_deref()
            .map(str::parse::<Timestamp>)
            .transpose()
            .context("--end")?;
        Ok(Window::closed(length, end, step, clock::now())?)
    }

    /// Which series are taken.
    pub fn selection(&self, cluster: Option<&str>, step: Seconds) -> Selection {
        let mut matchers: Vec<String> = cluster.map(cluster_matcher).into_iter().collect();
        matchers.extend(namespace_matchers(&self.namespace_filter));
        Selection { matchers, step }
    }
}

/// The cells of profiles, as `--step` says.
pub fn step(text: &str) -> anyhow::Result<Seconds> {
    let step: Seconds = text.parse().context("--step")?;
    if !(60..=3600).contains(&step.get()) || 3600 % step.get() != 0 {
        bail!("--step {step} must be between 1m and 1h and divide an hour, such as 5m")
    }
    Ok(step)
}

/// Why an answer was not got, as a command ends with it.
pub fn halted(halt: Halt) -> CliError {
    match halt {
        Halt::Told(told) => CliError::Diagnostics(vec![*told]),
        Halt::File(error) => error.into(),
        Halt::TooMuch(why) => CliError::Other(anyhow::anyhow!(why)),
        Halt::Stopped => CliError::Other(anyhow::anyhow!("stopped")),
    }
}

/// The same for one question.
pub fn told(halt: Halt) -> Box<Diagnostic> {
    match halted(halt) {
        CliError::Diagnostics(mut told) if !told.is_empty() => Box::new(told.remove(0)),
        CliError::Diagnostics(_) => Box::new(Diagnostic::error(crate::diag::code::STORE_UNREACHABLE, "no answer")),
        CliError::Other(error) => Box::new(Diagnostic::error(
            crate::diag::code::STORE_UNREACHABLE,
            format!("{error:#}"),
        )),
    }
}
