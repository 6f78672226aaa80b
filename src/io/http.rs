//! Questions to a metrics store over HTTP: who we are to it, and one request at a time.
//!
//! Credentials go to the address that was given and nowhere else: redirects are not followed. They are in no message and in no
//! file; types that hold them print nothing of them.

use super::clock;
use super::files::{self, FileError};
use crate::history::live::Request;
use crate::history::live::reply::Head;
use crate::history::live::sigv4::{SERVICE, Signer, Unsigned};
use base64::Engine as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// A token, a password, a certificate: what is larger is another file.
const SECRET_MAX: usize = 1 << 20;
const CONNECT: Duration = Duration::from_secs(10);
/// Prometheus gives a query two minutes.
const FIRST_BYTE: Duration = Duration::from_secs(150);
/// Between two parts of an answer.
const SILENCE: Duration = Duration::from_mins(1);
/// Longer questions go as a form: servers and proxies refuse long URLs, and read-only ones refuse forms.
const URL_MAX: usize = 4000;

/// Who we are to the store, as the user said it.
#[derive(Clone, Default)]
pub struct Access {
    /// Holds the bearer token; read for each request, as such tokens are renewed.
    pub bearer_token_file: Option<PathBuf>,
    /// The bearer token itself.
    pub bearer_token: Option<String>,
    /// User of basic authentication.
    pub user: Option<String>,
    /// Holds its password.
    pub password_file: Option<PathBuf>,
    /// Its password itself.
    pub password: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Certificate of ours, and its key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Authorities to trust in place of the system's.
    pub authorities: Option<PathBuf>,
    /// Sign for AWS in this region.
    pub sigv4_region: Option<String>,
}

/// Why a store can't be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file of the credentials.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is in it, or what is missing.
    #[error("{0}")]
    Unusable(String),
}

/// Why a request got no reply.
#[derive(Debug)]
pub enum NoReply {
    /// It may get one the next time.
    Passing(String),
    /// It will not: what, and what to do about it.
    Lasting(String, &'static str),
    /// A file of the credentials.
    File(FileError),
}

/// Asks one store.
pub struct Client {
    agent: ureq::Agent,
    store: String,
    access: Access,
    signer: Option<Signer>,
}

impl Client {
    /// A client for the store below this address.
    pub fn new(store: &str, access: Access) -> Result<Self, AccessError> {
        let store = address(store).map_err(AccessError::Unusable)?;
        let signer = access.sigv4_region.as_deref().map(signer).transpose()?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("trimtab/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy(&store)?)
            .tls_config(tls(&access)?)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(FIRST_BYTE))
            .timeout_per_read(Some(SILENCE))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            store,
            access,
            signer,
        })
    }

    /// The store's address, without a trailing slash.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// One request: the reply's head, and its body as it comes.
    pub fn send(&self, request: &Request) -> Result<(Head, Box<dyn std::io::Read>), NoReply> {
        let encoded = request.encoded();
        let path = request.path();
        let is_form = encoded.len() > URL_MAX;
        let (query, body) = if is_form {
            ("", encoded.as_str())
        } else {
            (encoded.as_str(), "")
        };
        let headers = self.headers(is_form, path, query, body)?;
        let url = format!("{}{path}", self.store);
        let reply = if is_form {
            let built = headers.iter().fold(self.agent.post(url), |request, (name, value)| {
                request.header(name, value)
            });
            built.send(body)
        } else {
            let built = headers
                .iter()
                .fold(self.agent.get(format!("{url}?{query}")), |request, (name, value)| {
                    request.header(name, value)
                });
            built.call()
        };
        let reply = reply.map_err(no_reply)?;
        let text = |name: &str| {
            reply
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let head = Head {
            status: reply.status().as_u16(),
            retry_after: text("retry-after")
                .and_then(|wait| wait.trim().parse().ok())
                .map(Duration::from_secs),
            location: text("location"),
        };
        Ok((head, Box::new(reply.into_body().into_reader())))
    }

    fn headers(&self, is_form: bool, path: &str, query: &str, body: &str) -> Result<Vec<(String, String)>, NoReply> {
        let mut headers = self.access.headers.clone();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        if is_form {
            add("content-type", "application/x-www-form-urlencoded".into());
        }
        if let Some(token) = secret(
            self.access.bearer_token_file.as_deref(),
            self.access.bearer_token.as_deref(),
        )? {
            add("authorization", format!("Bearer {token}"));
        } else if let Some(user) = &self.access.user {
            let password = secret(self.access.password_file.as_deref(), self.access.password.as_deref())?;
            let pair = format!("{user}:{}", password.unwrap_or_default());
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            add("authorization", format!("Basic {pair}"));
        }
        if let Some(signer) = &self.signer {
            let (host, prefix) = host_and_path(&self.store);
            let unsigned = Unsigned {
                method: if is_form { "POST" } else { "GET" },
                host,
                path: &format!("{prefix}{path}"),
                query,
                headers: &[],
                body: body.as_bytes(),
                at: &clock::now_compact(),
            };
            add("host", host.to_owned());
            signer
                .sign(&unsigned)
                .into_iter()
                .for_each(|(name, value)| add(name, value));
        }
        Ok(headers)
    }
}

/// The address as it is asked: no slash at its end, no call of the API, no credentials.
pub fn address(text: &str) -> Result<String, String> {
    let Some((scheme, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].contains(scheme))
    else {
        return Err("--prometheus takes an address such as http://prometheus:9090 or https://mimir/prometheus".into());
    };
    if rest.split('/').next().is_some_and(|host| host.contains('@')) {
        return Err("credentials in an address end in shell histories and logs: use --basic-auth USER with --password-file FILE".into());
    }
    if rest.contains(['?', '#', ' ']) || rest.starts_with('/') || rest.is_empty() {
        return Err(format!(
            "--prometheus takes an address without `?` and `#`, not `{text}`"
        ));
    }
    let calls = ["/query_range", "/query", "/api/v1"];
    let bare = calls.iter().fold(rest.trim_end_matches('/'), |rest, call| {
        rest.strip_suffix(call).unwrap_or(rest)
    });
    Ok(format!("{scheme}://{}", bare.trim_end_matches('/')))
}

/// The host as the `Host` header names it, and the path behind it.
fn host_and_path(store: &str) -> (&str, &str) {
    let (scheme, rest) = store.split_once("://").unwrap_or(("", store));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let usual = if scheme == "https" { ":443" } else { ":80" };
    (host.strip_suffix(usual).unwrap_or(host), path)
}

fn secret(file: Option<&Path>, stated: Option<&str>) -> Result<Option<String>, NoReply> {
    let Some(file) = file else {
        return Ok(stated.map(str::to_owned));
    };
    let text = files::read_text(file, SECRET_MAX).map_err(NoReply::File)?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A variable of the environment that holds something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn signer(region: &str) -> Result<Signer, AccessError> {
    let need = |name: &str| {
        variable(name).ok_or_else(|| {
            AccessError::Unusable(format!(
                "--sigv4-region signs with {name} of the environment, which is not set"
            ))
        })
    };
    Ok(Signer {
        access_key: need("AWS_ACCESS_KEY_ID")?,
        secret_key: need("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
        region: region.to_owned(),
        service: SERVICE.to_owned(),
    })
}

/// The proxy that the environment names for this scheme, as curl reads it.
fn proxy(store: &str) -> Result<Option<ureq::Proxy>, AccessError> {
    let own = if store.starts_with("https:") {
        ["https_proxy", "HTTPS_PROXY"]
    } else {
        ["http_proxy", "HTTP_PROXY"]
    };
    let named = own
        .iter()
        .chain(&["all_proxy", "ALL_PROXY"])
        .find_map(|name| Some((name, variable(name)?)));
    let Some((name, text)) = named else { return Ok(None) };
    let unusable = |_| AccessError::Unusable(format!("the environment's {name} is no address of a proxy"));
    let plain = ureq::Proxy::new(&text).map_err(unusable)?;
    let mut builder = ureq::Proxy::builder(plain.protocol())
        .host(plain.host())
        .port(plain.port());
    if let Some(user) = plain.username() {
        builder = builder.username(user);
    }
    if let Some(password) = plain.password() {
        builder = builder.password(password);
    }
    let exempt = variable("no_proxy")
        .or_else(|| variable("NO_PROXY"))
        .unwrap_or_default();
    for host in exempt.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        builder = builder.no_proxy(host);
    }
    builder.build().map(Some).map_err(unusable)
}

fn tls(access: &Access) -> Result<TlsConfig, AccessError> {
    let roots = match &access.authorities {
        Some(file) => RootCerts::new_with_certs(&certificates(file)?),
        None if has_system_roots() => RootCerts::PlatformVerifier,
        None => RootCerts::WebPki,
    };
    let client = match &access.client_certificate {
        None => None,
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let pem = files::read(key, SECRET_MAX)?;
            let key = private_key(&pem)
                .ok_or_else(|| AccessError::Unusable(format!("`{}` holds no private key in PEM", key.display())))?;
            Some(ClientCert::new_with_certs(&chain, key))
        }
    };
    Ok(TlsConfig::builder().root_certs(roots).client_cert(client).build())
}

/// An image from scratch has none; then the authorities that Mozilla trusts are inside the binary.
fn has_system_roots() -> bool {
    const BUNDLES: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ];
    let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| variable(name).is_some());
    !cfg!(target_os = "linux") || is_named || BUNDLES.iter().any(|path| Path::new(path).is_file())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, AccessError> {
    let pem = files::read(file, SECRET_MAX)?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(AccessError::Unusable(format!(
            "`{}` holds no certificate in PEM",
            file.display()
        )));
    }
    Ok(found)
}

fn private_key(pem: &[u8]) -> Option<PrivateKey<'static>> {
    parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    })
}

fn no_reply(error: ureq::Error) -> NoReply {
    const TLS: &str = "give the authority that signed its certificate with --ca-file, or a client certificate with --client-cert and \
        --client-key; the name in the address must be one of the certificate's";
    const NAME: &str = "check the host in the address, and the proxy that the environment names";
    match error {
        ureq::Error::HostNotFound => NoReply::Lasting("the host of the store is not known".into(), NAME),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => {
            NoReply::Lasting(format!("no secure connection: {error}"), TLS)
        }
        ureq::Error::Io(error) if error.to_string().contains("lookup address") => {
            NoReply::Lasting("the host of the store is not known".into(), NAME)
        }
        ureq::Error::Io(error) if error.to_string().contains("certificate") => {
            NoReply::Lasting(format!("no secure connection: {error}"), TLS)
        }
        ureq::Error::Http(_) => NoReply::Lasting(
            "a header can't be sent: it holds letters that are not allowed".into(),
            "check --http-header, and the files of token and password",
        ),
        other => NoReply::Passing(format!("no answer: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_the_call_and_refuse_credentials() {
        for (text, expected) in [
            ("http://p:9090", "http://p:9090"),
            ("http://p:9090/", "http://p:9090"),
            ("https://m/prometheus/api/v1/query_range", "https://m/prometheus"),
            (
                "http://v:8481/select/0/prometheus/",
                "http://v:8481/select/0/prometheus",
            ),
        ] {
            assert_eq!(address(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["p:9090", "ftp://p", "http://", "http://p?x=1", "http:///p"] {
            assert!(address(text).is_err(), "{text}");
        }
        let refused = address("https://me:hunter2@p").unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn the_signed_host_is_the_one_that_is_sent() {
        assert_eq!(host_and_path("https://aps:443/workspaces/w"), ("aps", "/workspaces/w"));
        assert_eq!(host_and_path("http://localhost:9090"), ("localhost:9090", ""));
    }
}
